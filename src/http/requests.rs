//! The last requests, for whoever wants to see what a client has just sent.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use warp::http::{HeaderMap, Method, Response, StatusCode};

use super::problem::Told;
use super::request::{Body, Request};

/// How many requests are kept.
const MOST: usize = 200;
/// How much of a body is kept; a longer one is left out, as it would keep its whole memory.
const LONGEST_BODY: usize = 4 * 1024;

/// The last requests, oldest first.
#[derive(Debug, Default)]
pub(super) struct Requests(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    last: u64,
    seen: VecDeque<Box<Seen>>,
}

/// One request and what became of it.
#[derive(Debug, Default)]
struct Seen {
    number: u64,
    start: Option<Instant>,
    method: Method,
    target: Vec<u8>,
    /// The headers as lines. A copy: the map itself would keep the whole buffer that the connection reads into.
    head: Vec<u8>,
    body: Vec<u8>,
    left_out: usize,
    status: StatusCode,
    time: Duration,
    size: usize,
    problem: Option<Bytes>,
    told: Option<String>,
}

thread_local! {
    static SPARE: Cell<Option<Box<Seen>>> = const { Cell::new(None) };
}

/// What is kept of an answer before it is completed: a problem document, and what the log says.
pub(super) fn problem(response: &Response<Bytes>) -> Option<Bytes> {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    (failed && response.body().len() <= LONGEST_BODY).then(|| response.body().clone())
}

impl Requests {
    /// Keeps a request that came at `start`, unless it is for one of the server's own pages.
    pub(super) fn keep(
        &self,
        (method, target, start): (&Method, &str, Instant),
        request: &Request,
        response: &Response<Bytes>,
        problem: Option<Bytes>,
    ) {
        if target.starts_with("/-/") {
            return;
        }
        let whole = if let Body::Whole(body) = &request.body { body } else { &Bytes::new() };
        let is_long = whole.len() > LONGEST_BODY;
        // What fell out last on this thread gives its memory to what comes in.
        let mut seen = SPARE.take().unwrap_or_default();
        seen.start = Some(start);
        seen.method.clone_from(method);
        fill(&mut seen.target, target.as_bytes());
        seen.head.clear();
        lines(&mut seen.head, &request.headers);
        fill(&mut seen.body, if is_long { &[] } else { whole });
        seen.left_out = if is_long { whole.len() } else { 0 };
        seen.status = response.status();
        seen.time = start.elapsed();
        seen.size = response.body().len();
        seen.problem = problem;
        seen.told = response.extensions().get::<Told>().map(|told| told.0.clone());
        let old = self.0.lock().ok().and_then(|mut kept| {
            kept.last += 1;
            seen.number = kept.last;
            kept.seen.push_back(seen);
            if kept.seen.len() > MOST { kept.seen.pop_front() } else { None }
        });
        SPARE.set(old);
    }

    /// The requests behind the one with the number `after`.
    pub(super) fn after(&self, after: u64) -> Value {
        let Ok(kept) = self.0.lock() else { return json!([]) };
        kept.seen.iter().filter(|seen| seen.number > after).map(|seen| seen.to_json()).collect()
    }
}

impl Seen {
    fn to_json(&self) -> Value {
        let at = SystemTime::now()
            .checked_sub(self.start.map_or(Duration::ZERO, |start| start.elapsed()))
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let at = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut headers: Map<String, Value> = Map::new();
        for line in String::from_utf8_lossy(&self.head).lines() {
            let Some((name, value)) = line.split_once(": ") else { continue };
            let value = if is_secret(name) { "***" } else { value };
            let joined = headers.get(name).and_then(Value::as_str).map(|first| format!("{first}, {value}"));
            headers.insert(name.to_string(), joined.unwrap_or_else(|| value.to_string()).into());
        }
        let mut shown = json!({
            "number": self.number,
            "at": at.as_millis() as u64,
            "method": self.method.as_str(),
            "target": masked(&String::from_utf8_lossy(&self.target)),
            "status": self.status.as_u16(),
            "milliseconds": self.time.as_micros() as f64 / 1000.0,
            "size": self.size,
            "headers": headers,
        });
        if !self.body.is_empty() {
            shown["body"] = String::from_utf8_lossy(&self.body).into();
        }
        if self.left_out > 0 {
            shown["bodySize"] = self.left_out.into();
        }
        if let Some(Ok(problem)) = self.problem.as_deref().map(serde_json::from_slice::<Value>) {
            shown["problem"] = problem;
        } else if let Some(told) = &self.told {
            shown["hint"] = told.clone().into();
        }
        shown
    }
}

fn fill(text: &mut Vec<u8>, with: &[u8]) {
    text.clear();
    text.extend_from_slice(with);
}

fn lines(lines: &mut Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        // A value has no line ends, so that lines can be told apart again.
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"] {
            lines.extend_from_slice(part);
        }
    }
}

/// Whether the value of a header or parameter of that name is nobody's business.
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
    let Some((path, query)) = target.split_once('?') else { return target.to_string() };
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
        for name in ["authorization", "cookie", "x-api-key", "x-csrf-token", "proxy-authorization", "x-amz-signature"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["accept", "content-type", "host", "user-agent"] {
            assert!(!is_secret(name), "{name}");
        }
        assert_eq!(masked("/a?b=1&access_token=xyz&c"), "/a?b=1&access_token=***&c");
    }
}
