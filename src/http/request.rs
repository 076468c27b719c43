use std::borrow::Cow;
use std::net::SocketAddr;

use bytes::Bytes;
use warp::http::{HeaderMap, Method, Uri, header};

use crate::store::query::{QueryError, pairs};
use crate::words::shell_word;

/// A request as far as it has been read.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The target as it was sent: path and query, percent-encoded.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or why there is none.
    pub body: Body,
    /// Who asks; `None` within the process.
    pub remote: Option<SocketAddr>,
}

/// The body of a request.
#[derive(Debug, Clone)]
pub enum Body {
    /// As it was sent.
    Whole(Bytes),
    /// Larger than the limit.
    TooLarge,
    /// The sender did not finish it in time.
    TooSlow,
    /// The connection broke, or the framing is wrong.
    Broken(String),
}

impl Request {
    /// A request made within the process.
    ///
    /// # Errors
    /// A part is not what HTTP allows; the sentence names it.
    pub fn within(method: &str, target: &str, headers: &[(String, String)], body: Vec<u8>) -> Result<Request, String> {
        let mut map = HeaderMap::with_capacity(headers.len());
        for (name, value) in headers {
            let name = header::HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("`{name}` is no name for a header"))?;
            let value = header::HeaderValue::from_str(value)
                .map_err(|_| format!("`{value}` is no value for the header `{name}`"))?;
            map.append(name, value);
        }
        Ok(Request {
            method: Method::from_bytes(method.as_bytes()).map_err(|_| format!("`{method}` is no method"))?,
            uri: target.parse().map_err(|error| format!("`{target}` is no target: {error}"))?,
            headers: map,
            body: Body::Whole(body.into()),
            remote: None,
        })
    }

    /// A header's value, where it is text.
    pub(super) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Makes a POST that says so the method that it stands for (json-server 0.17, for clients that know only POST).
    pub(super) fn override_method(&mut self) {
        if self.method != Method::POST {
            return;
        }
        let meant = self.headers.get("x-http-method-override").and_then(|name| name.to_str().ok());
        self.method = match meant.map(str::to_ascii_uppercase).as_deref() {
            Some("PUT") => Method::PUT,
            Some("PATCH") => Method::PATCH,
            Some("DELETE") => Method::DELETE,
            _ => return,
        };
    }

    /// The path's segments, decoded; `None` where an escape is broken. One slash at the end is allowed.
    pub(super) fn segments(&self) -> Option<Vec<Cow<'_, str>>> {
        let path = self.uri.path();
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.is_empty() {
            return Some(Vec::new());
        }
        path.split('/').map(decode).collect()
    }

    /// Path and query as they were sent.
    pub(super) fn target(&self) -> &str {
        self.uri.path_and_query().map_or("*", |target| target.as_str())
    }

    /// The name of the host that is asked, without its port.
    pub(super) fn host_name(&self) -> Option<&str> {
        let host = self.uri.authority().map(|authority| authority.as_str()).or_else(|| self.header(header::HOST))?;
        let end = match host.rfind(']') {
            Some(bracket) => bracket + 1,
            None => host.rfind(':').unwrap_or(host.len()),
        };
        host.get(..end)
    }

    /// The pairs of the query, decoded.
    pub(super) fn pairs(&self) -> Result<Vec<(String, String)>, QueryError> {
        pairs(self.uri.query().unwrap_or(""))
    }

    /// The first value of the query parameter `name`, if it is there and can be decoded.
    pub(super) fn first(&self, name: &str) -> Option<String> {
        let query = self.uri.query().filter(|query| query.contains(name))?;
        pairs(query).ok()?.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The server's base URL as the client names it.
    pub(super) fn base(&self) -> String {
        format!("http://{}", self.header(header::HOST).unwrap_or("localhost:3000"))
    }

    /// A curl command to `path` of this server, with `body` as JSON if there is one.
    pub(super) fn curl(&self, method: &str, path: &str, body: Option<&str>) -> String {
        let mut command = String::from("curl");
        let implied = if body.is_some() { "POST" } else { "GET" };
        if method != implied || body.is_some() {
            command.push_str(&format!(" -X {method}"));
        }
        command.push_str(&format!(" {}", shell_word(&format!("{}{path}", self.base()))));
        if let Some(body) = body {
            command.push_str(&format!(" -H \"Content-Type: application/json\" -d {}", shell_word(body)));
        }
        command
    }
}

/// Decodes percent escapes; `None` where one is broken or the bytes are no UTF-8.
pub(super) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
            let (high, low) = (digit()?, digit()?);
            bytes.push((high * 16 + low) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Encodes `text` as one segment of a path.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
