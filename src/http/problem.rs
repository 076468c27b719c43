//! Problem documents (RFC 9457): what is wrong, where, and the command that works.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use warp::http::{HeaderName, HeaderValue, Response, StatusCode, header};

/// A kind of problem. Each has a section of its name in `docs/errors.md`, which the server shows at `/-/errors`.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The name, the fragment of the problem's `type`.
    pub name: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// One line that is the same for every problem of the kind.
    pub title: &'static str,
}

macro_rules! kinds {
    ($($constant:ident $name:literal $status:literal $title:literal;)*) => {
        $(pub(super) const $constant: &Kind = &Kind { name: $name, status: $status, title: $title };)*
        /// Every kind of problem that the server answers with.
        pub const KINDS: &[&Kind] = &[$($constant),*];
    };
}

kinds! {
    MALFORMED_JSON "malformed-json" 400 "The body is not JSON";
    EMPTY_BODY "empty-body" 400 "The body is empty";
    NOT_AN_OBJECT "not-an-object" 400 "The body is not a JSON object";
    CONTENT_TYPE "content-type" 400 "The body is not marked as JSON";
    BODY_ENCODING "body-encoding" 400 "The body cannot be decoded";
    NESTING "nesting" 400 "The body is nested too deep";
    RULES "rules" 400 "The record breaks the rules";
    TOO_COMPLEX "too-complex" 400 "The record takes too long to check";
    BAD_ID "bad-id" 400 "The id cannot be one";
    BAD_TARGET "bad-target" 400 "The URL cannot be understood";
    BAD_QUERY "bad-query" 400 "The query cannot be understood";
    BAD_REQUEST "bad-request" 400 "The request is not HTTP";
    FOREIGN_HOST "foreign-host" 403 "The request is for another host";
    ADMIN "admin" 403 "The administration is closed to this request";
    READ_ONLY "read-only" 403 "The server takes no writes";
    NO_RESOURCE "no-resource" 404 "There is no such resource";
    NO_RECORD "no-record" 404 "There is no such record";
    REFERENCE "reference" 404 "The reference points nowhere";
    NO_SNAPSHOT "no-snapshot" 404 "There is no such snapshot";
    METHOD "method" 405 "The resource does not take this method";
    TIMEOUT "timeout" 408 "The request took too long";
    NOTHING_TO_UNDO "nothing-to-undo" 409 "There is nothing to undo";
    NOT_UNIQUE "not-unique" 409 "The value is taken";
    REFERENCED "referenced" 409 "Other records point to it";
    ID_TAKEN "id-taken" 409 "The id is taken";
    CHANGED "changed" 412 "The record has changed";
    TOO_LARGE "too-large" 413 "The body is too large";
    TARGET_TOO_LONG "target-too-long" 414 "The URL is too long";
    MEDIA "media" 415 "The body is in a format that the server does not take";
    RANGE "range" 416 "The file has no such bytes";
    HEADERS_TOO_LARGE "headers-too-large" 431 "The request's headers are too large";
    BUG "bug" 500 "The server has a bug";
    NOT_SUPPORTED "not-supported" 501 "The server does not know this method";
    UNSAVED "unsaved" 503 "The data file cannot be written";
    BROKEN_FILE "broken-file" 503 "The data file was edited and cannot be read";
    STOPPING "stopping" 503 "The server is stopping";
}

/// A problem of one request.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    kind: &'static Kind,
    detail: String,
    errors: Vec<(String, String)>,
    hint: Option<String>,
    attempt: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(super) fn new(kind: &'static Kind, detail: impl Into<String>) -> Problem {
        let detail = detail.into();
        Problem(Box::new(Parts { kind, detail, errors: Vec::new(), hint: None, attempt: None, headers: Vec::new() }))
    }

    /// Adds a place in the body (an RFC 6901 pointer) and what is wrong there.
    pub(super) fn error(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Problem {
        self.0.errors.push((pointer.into(), detail.into()));
        self
    }

    /// Says what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.0.hint = Some(hint.into());
        self
    }

    /// Shows a command that works.
    pub(super) fn attempt(mut self, command: impl Into<String>) -> Problem {
        self.0.attempt = Some(command.into());
        self
    }

    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.0.headers.push((name, value));
        self
    }

    pub(super) fn maybe_attempt(self, command: Option<String>) -> Problem {
        match command {
            Some(command) => self.attempt(command),
            None => self,
        }
    }

    /// What the log says under the request's line.
    pub fn for_log(&self) -> String {
        let mut words = self.0.detail.clone();
        for (pointer, detail) in &self.0.errors {
            words.push_str(&format!("\n{pointer} {detail}"));
        }
        if let Some(hint) = &self.0.hint {
            words.push_str(&format!("\n{hint}"));
        }
        words
    }

    /// The document: `type`, `title`, `status`, `detail`, and where there are any `errors`, `hint` and `try`.
    pub fn to_json(&self) -> Value {
        let mut document = Map::new();
        document.insert("type".into(), format!("/-/errors#{}", self.0.kind.name).into());
        document.insert("title".into(), self.0.kind.title.into());
        document.insert("status".into(), self.0.kind.status.into());
        document.insert("detail".into(), self.0.detail.clone().into());
        if !self.0.errors.is_empty() {
            let errors: Vec<_> =
                self.0.errors.iter().map(|(pointer, detail)| json!({ "pointer": pointer, "detail": detail })).collect();
            document.insert("errors".into(), errors.into());
        }
        if let Some(hint) = &self.0.hint {
            document.insert("hint".into(), hint.clone().into());
        }
        if let Some(attempt) = &self.0.attempt {
            document.insert("try".into(), attempt.clone().into());
        }
        Value::Object(document)
    }

    /// The answer that carries the problem.
    pub(super) fn into_response(self) -> Response<Bytes> {
        let body = format!("{:#}", self.to_json());
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = StatusCode::from_u16(self.0.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        for (name, value) in self.0.headers.iter().cloned() {
            headers.insert(name, value);
        }
        response.extensions_mut().insert(Told(self.for_log()));
        response
    }
}

/// What the log says of an answer, carried along with it.
#[derive(Debug, Clone)]
pub(super) struct Told(pub(super) String);
