//! The interface between the checker and the server under test: a closure that answers requests from a data file.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// The parameters of a query that the server knows.
pub(crate) const PARAMETERS: &str =
    "q _sort _order _page _limit _per_page _start _end _embed _expand";

/// An HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// The method in upper case.
    pub method: String,
    /// Path and query, percent-encoded, beginning with `/`.
    pub target: String,
    /// Names and values in the order they are sent.
    pub headers: Vec<(String, String)>,
    /// The body, if one is sent.
    pub body: Option<String>,
}

/// The response to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body without transfer and content encodings.
    pub body: Vec<u8>,
}

/// A file's text and path; the path is for messages only.
#[derive(Debug, Clone)]
pub struct TextFile {
    /// Where the text was read from.
    pub path: PathBuf,
    /// The text.
    pub text: Arc<str>,
}

/// Why a request could not be sent or a service not be opened; shown in the report.
pub type ServiceError = Box<dyn Error + Send + Sync>;

/// Answers requests and keeps its state between them.
pub type Service = Box<dyn FnMut(&Request) -> Result<Response, ServiceError> + Send>;

/// Opens a fresh service over a data file and the rules beside it.
pub type Opener<'a> =
    dyn Fn(&TextFile, Option<&TextFile>) -> Result<Service, ServiceError> + Sync + 'a;

/// The content type of a form.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

impl Request {
    pub(crate) fn add_header(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Adds a header that a client sends unless it is given one.
    pub(crate) fn default_header(&mut self, name: &str, value: &str) {
        if self.header(name).is_none() {
            self.add_header(name, value);
        }
    }

    /// Adds a part such as `name=value` to the query.
    pub(crate) fn add_query(&mut self, part: &str) {
        self.target
            .push(if self.target.contains('?') { '&' } else { '?' });
        self.target.push_str(part);
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    /// Whether the method can change data.
    pub(crate) fn writes(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }
}

fn find_header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut headers = headers.iter();
    let found = headers.find(|(own, _)| own.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// A request as a page shows it: its target is still the URL as written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct WrittenRequest {
    pub(crate) request: Request,
    /// The URL's range in the code block's content.
    pub(crate) url_span: std::ops::Range<usize>,
}

/// A response with its body parsed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Received {
    pub(crate) status: u16,
    /// The server's `X-Hint`: something about the request is suspicious.
    pub(crate) hint: Option<String>,
    /// Names and values.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    Empty,
    Json(Value),
    Text(String),
}

impl From<Response> for Received {
    fn from(response: Response) -> Received {
        let body = match serde_json::from_slice(&response.body) {
            _ if response.body.is_empty() => Body::Empty,
            Ok(value) => Body::Json(value),
            Err(_) => Body::Text(String::from_utf8_lossy(&response.body).into_owned()),
        };
        let mut received = Received {
            status: response.status,
            hint: None,
            headers: response.headers,
            body,
        };
        received.hint = received
            .header("x-hint")
            .map(|value| percent_decode_str(value).decode_utf8_lossy().into_owned());
        received
    }
}

impl Received {
    pub(crate) fn json(&self) -> Option<&Value> {
        match &self.body {
            Body::Json(value) => Some(value),
            Body::Empty | Body::Text(_) => None,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    /// Where a redirect leads.
    pub(crate) fn redirect(&self) -> Option<&str> {
        let redirects = (300..400).contains(&self.status);
        self.header("location").filter(|_| redirects)
    }

    /// Whether the server says that there is no such resource, but one with a similar name.
    pub(crate) fn is_misspelling(&self) -> bool {
        let asks = |value: Option<&Value>| {
            let text = value.and_then(Value::as_str);
            text.is_some_and(|text| text.contains("did you mean"))
        };
        let Some(body) = self.json().filter(|_| self.status >= 400) else {
            return false;
        };
        let errors = body.get("errors").and_then(Value::as_array);
        let mut errors = errors.into_iter().flatten();
        asks(body.get("hint")) || errors.any(|error| asks(error.get("detail")))
    }

    /// Whether the server says that the Content-Type of the request is not that of JSON.
    pub(crate) fn is_wrong_content_type(&self) -> bool {
        let kind = self.json().and_then(|body| body.get("type")?.as_str());
        kind.is_some_and(|kind| kind.ends_with("#content-type"))
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}
