//! The last requests, as `/-/requests` and the explorer show them.

use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use warp::http::{Method, Response, StatusCode};

use super::problem::LogNote;
use super::request::{Body, Request};
use super::response;
use crate::memory::BoundedQueue;

/// How many requests are kept.
const MAX_REQUESTS: usize = 200;
/// The usual size of headers.
const HEADERS: usize = 256;
/// Longer bodies are not kept.
const MAX_BODY: usize = 4 * 1024;

/// The last requests.
#[derive(Debug)]
pub(super) struct RequestLog {
    /// Oldest first; the last one stays.
    log: Mutex<BoundedQueue<LoggedRequest>>,
    /// Changes with each request.
    updates: watch::Sender<()>,
}

/// The number of the last request; 0 before the first.
fn last(log: &BoundedQueue<LoggedRequest>) -> u64 {
    log.iter().next_back().map_or(0, |request| request.number)
}

/// A request and its response.
#[derive(Debug)]
struct LoggedRequest {
    number: u64,
    start: Instant,
    method: Method,
    target: String,
    /// A line for each header.
    headers: String,
    body: Vec<u8>,
    /// The size of a body that is not kept.
    body_size: Option<usize>,
    status: StatusCode,
    time: Duration,
    size: usize,
    problem: Option<Bytes>,
    note: Option<String>,
}

impl RequestLog {
    /// A log of `most_bytes`.
    pub(super) fn new(most_bytes: usize) -> RequestLog {
        RequestLog {
            log: Mutex::new(BoundedQueue::new(MAX_REQUESTS, most_bytes)),
            updates: watch::Sender::new(()),
        }
    }

    /// The problem document of a response, to be kept. Taken before compression.
    pub(super) fn document(response: &Response<Bytes>) -> Option<Bytes> {
        let failed = response.status().is_client_error() || response.status().is_server_error();
        (failed && response.body().len() <= MAX_BODY).then(|| response.body().clone())
    }

    /// Keeps a request that came at `start`, with its method and target as they were sent.
    pub(super) fn add(
        &self,
        (method, target, start): (&Method, &str, Instant),
        request: &Request,
        response: &Response<Bytes>,
        problem: Option<Bytes>,
        hidden: Hidden<'_>,
    ) {
        let body = match &request.body {
            Body::Whole(body) => body,
            _ => &Bytes::new(),
        };
        let masked = without_hidden(body, hidden);
        // A problem may quote the body.
        let problem = match &masked {
            Some(_) => problem.and_then(|document| brief(&document)),
            None => problem,
        };
        let body = masked.as_ref().unwrap_or(body);
        let is_long = body.len() > MAX_BODY;
        // A copy: the map itself would keep the whole buffer that the connection reads into.
        let mut headers = String::with_capacity(HEADERS);
        for (name, value) in &request.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            for part in [name.as_str(), ":", &value, "\n"] {
                headers.push_str(part);
            }
        }
        let mut seen = LoggedRequest {
            number: 0,
            start,
            method: method.clone(),
            target: target.to_string(),
            headers,
            body: if is_long { Vec::new() } else { body.to_vec() },
            body_size: is_long.then_some(body.len()),
            status: response.status(),
            time: start.elapsed(),
            size: response::size(response),
            problem,
            note: response
                .extensions()
                .get::<LogNote>()
                .map(|note| note.0.clone()),
        };
        let mut log = self.log.lock();
        seen.number = last(&log) + 1;
        let bytes = seen.bytes();
        log.push(seen, bytes);
        // Unlock before readers wake.
        drop(log);
        // An error means that nobody is waiting.
        let _ = self.updates.send(());
    }

    /// The number of the last request.
    pub(super) fn last(&self) -> u64 {
        last(&self.log.lock())
    }

    /// Changes with each request.
    pub(super) fn updates(&self) -> watch::Receiver<()> {
        self.updates.subscribe()
    }

    /// The requests after the one with the number `after`.
    pub(super) fn after(&self, after: u64) -> Value {
        let log = self.log.lock();
        log.iter()
            .filter(|seen| seen.number > after)
            .map(LoggedRequest::to_json)
            .collect()
    }
}

impl LoggedRequest {
    fn bytes(&self) -> usize {
        self.target.len()
            + self.headers.len()
            + self.body.len()
            + self.problem.as_ref().map_or(0, Bytes::len)
            + self.note.as_ref().map_or(0, String::len)
    }

    fn to_json(&self) -> Value {
        let now = UNIX_EPOCH.elapsed().unwrap_or_default();
        let at = now.saturating_sub(self.start.elapsed());
        let mut headers: Map<String, Value> = Map::new();
        let lines = self.headers.lines().filter_map(|line| line.split_once(':'));
        for (name, value) in lines {
            let value = if is_secret(name) { "***" } else { value };
            match headers.get_mut(name) {
                Some(Value::String(values)) => values.extend([", ", value]),
                _ => drop(headers.insert(name.into(), value.into())),
            }
        }
        let mut shown = json!({
            "number": self.number,
            "at": at.as_millis() as u64,
            "method": self.method.as_str(),
            "target": masked(&self.target),
            "status": self.status.as_u16(),
            "milliseconds": self.time.as_micros() as f64 / 1000.0,
            "size": self.size,
            "headers": headers,
        });
        if !self.body.is_empty() {
            shown["body"] = String::from_utf8_lossy(&self.body).into();
        }
        if let Some(size) = self.body_size {
            shown["bodySize"] = size.into();
        }
        if let Some(Ok(problem)) = self.problem.as_deref().map(serde_json::from_slice::<Value>) {
            shown["problem"] = problem;
        } else if let Some(note) = &self.note {
            shown["hint"] = note.clone().into();
        }
        shown
    }
}

/// The parts of a body that the log masks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hidden<'a> {
    /// Everything: the resource is guarded.
    All,
    /// The values of the properties of these names.
    Properties(&'a [&'a str]),
}

/// The body with what is `hidden` masked; `None` if there is nothing to mask.
fn without_hidden(body: &Bytes, hidden: Hidden<'_>) -> Option<Bytes> {
    let Hidden::Properties(hidden) = hidden else {
        return Some(if body.is_empty() {
            Bytes::new()
        } else {
            Bytes::from_static(b"***")
        });
    };
    let has = |name: &&&str| memchr::memmem::find(body, name.as_bytes()).is_some();
    let mut names = hidden.iter().filter(has).peekable();
    names.peek()?;
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
        return Some(Bytes::from_static(b"***"));
    };
    mask(&mut value, hidden);
    Some(value.to_string().into())
}

fn mask(value: &mut Value, hidden: &[&str]) {
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| {
            if hidden.contains(&name.as_str()) {
                *value = "***".into();
            } else {
                mask(value, hidden);
            }
        }),
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, hidden)),
        _ => {}
    }
}

/// A problem document without the parts that quote the request.
fn brief(document: &Bytes) -> Option<Bytes> {
    let mut problem: Map<String, Value> = serde_json::from_slice(document).ok()?;
    problem.retain(|name, _| ["type", "title", "status"].contains(&name.as_str()));
    Some(Value::Object(problem).to_string().into())
}

/// Whether the value of a header or parameter of that name is masked.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let parts = [
        "auth",
        "cookie",
        "token",
        "secret",
        "passw",
        "api-key",
        "api_key",
        "apikey",
        "session",
        "csrf",
        "xsrf",
        "credential",
        "signature",
    ];
    parts.iter().any(|part| name.contains(part))
}

/// The target with the values of secret parameters masked.
fn masked(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return target.to_string();
    };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}=***"),
        _ => pair.to_string(),
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked() {
        for name in [
            "authorization",
            "cookie",
            "x-api-key",
            "x-csrf-token",
            "proxy-authorization",
            "x-amz-signature",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["accept", "content-type", "host", "user-agent"] {
            assert!(!is_secret(name), "{name}");
        }
        assert_eq!(
            masked("/a?b=1&access_token=xyz&c"),
            "/a?b=1&access_token=***&c"
        );
    }
}
