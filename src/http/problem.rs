//! Problem documents (RFC 9457): what is wrong, where, and the command that works.

use bytes::Bytes;
use serde_json::{Value, json};
use warp::http::{HeaderName, HeaderValue, Response, StatusCode, header};

pub(super) use crate::problems::*;
use crate::text::printable;

/// The media type of problem documents.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// A problem of one request.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    kind: &'static Kind,
    status: u16,
    detail: String,
    errors: Vec<(String, String)>,
    hint: Option<String>,
    attempt: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(super) fn new(kind: &'static Kind, detail: impl Into<String>) -> Problem {
        let detail = detail.into();
        Problem(Box::new(Parts {
            kind,
            status: kind.status,
            detail,
            errors: Vec::new(),
            hint: None,
            attempt: None,
            headers: Vec::new(),
        }))
    }

    /// With another status than the usual one of its kind.
    pub(super) fn status(mut self, status: u16) -> Problem {
        self.0.status = status;
        self
    }

    /// Adds a place in the body (an RFC 6901 pointer) and what is wrong there.
    pub(super) fn error(
        mut self,
        pointer: impl Into<String>,
        detail: impl Into<String>,
    ) -> Problem {
        self.0.errors.push((pointer.into(), detail.into()));
        self
    }

    /// With its places below `pointer`, a part of the body.
    pub(super) fn within(mut self, pointer: &str) -> Problem {
        self.0.detail = format!("{pointer}: {}", self.0.detail);
        for (place, _) in &mut self.0.errors {
            place.insert_str(0, pointer);
        }
        self
    }

    /// Says what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.0.hint = Some(hint.into());
        self
    }

    /// Shows a command that works, if one is known.
    pub(super) fn attempt(mut self, command: impl Into<Option<String>>) -> Problem {
        self.0.attempt = command.into();
        self
    }

    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.0.headers.push((name, value));
        self
    }

    /// The text under the request's line in the log.
    pub fn for_log(&self) -> String {
        let mut words = printable(&self.0.detail).into_owned();
        let is_new = |(_, error): &&(String, String)| !self.0.detail.contains(error);
        for (pointer, detail) in self.0.errors.iter().filter(is_new) {
            let separator = if pointer.is_empty() { "" } else { ": " };
            let place = printable(&format!("{pointer}{separator}{detail}")).into_owned();
            words.push_str(&format!("\n{place}"));
        }
        if let Some(hint) = &self.0.hint {
            words.push_str(&format!("\n{}", printable(hint)));
        }
        words
    }

    /// The document: `type`, `title`, `status`, `detail`, and if there are any `errors`, `hint` and `try`.
    pub fn to_json(&self) -> Value {
        let Parts { kind, errors, .. } = &*self.0;
        let mut document = json!({
            "type": format!("/-/errors#{}", kind.name),
            "title": kind.title,
            "status": self.0.status,
            "detail": self.0.detail,
        });
        if !errors.is_empty() {
            let place = |(pointer, detail): &(String, String)| json!({ "pointer": pointer, "detail": detail });
            document["errors"] = errors.iter().map(place).collect();
        }
        for (name, text) in [("hint", &self.0.hint), ("try", &self.0.attempt)] {
            if let Some(text) = text {
                document[name] = text.as_str().into();
            }
        }
        document
    }

    /// The response with the problem as its body.
    pub(super) fn into_response(self) -> Response<Bytes> {
        let body = format!("{:#}", self.to_json());
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.extend(self.0.headers.iter().cloned());
        response.extensions_mut().insert(LogNote(self.for_log()));
        response
    }
}

/// The note of a response for the access log: an extension of it.
#[derive(Debug, Clone)]
pub(super) struct LogNote(pub(super) String);
