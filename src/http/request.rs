//! A request: its parts as warp's filters extract them, its body within limits of size and time, and the
//! percent-encoding of its path; and the state that the routes and the socket of a connection share ([`Progress`]).

use std::borrow::Cow;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::task::AtomicWaker;
use futures_util::{Stream, StreamExt};
use tokio::sync::watch;
use warp::http::uri::Authority;
use warp::http::{HeaderMap, HeaderValue, Method, Uri, Version, header};
use warp::{Filter, Rejection};

use super::problem::{self, Problem};
use crate::query::{QueryError, pairs};
use crate::text::{encode_target, percent_decode, shell_word};

/// A request with its body, or why the body could not be read.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The target as it was sent: path and query, percent-encoded.
    pub uri: Uri,
    /// The version of HTTP that the client speaks.
    pub version: Version,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or why there is none.
    pub body: Body,
    /// The address of the client; `None` within the process.
    pub remote: Option<SocketAddr>,
}

/// The body of a request.
#[derive(Debug, Clone)]
pub enum Body {
    /// The bytes as they were sent.
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
    pub fn within(
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Request, String> {
        let mut map = HeaderMap::with_capacity(headers.len());
        for (name, value) in headers {
            let name = header::HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("`{name}` is not a valid header name"))?;
            let value = header::HeaderValue::from_str(value)
                .map_err(|_| format!("`{value}` is not a valid value for the header `{name}`"))?;
            map.append(name, value);
        }
        let uri = encode_target(target)
            .parse()
            .map_err(|error| format!("`{target}` is not a valid target: {error}"))?;
        Ok(Request {
            method: Method::from_bytes(method.as_bytes())
                .map_err(|_| format!("`{method}` is not a valid method"))?,
            headers: map,
            body: Body::Whole(body.into()),
            ..Request::get(uri)
        })
    }

    /// A header's value, if it is text.
    pub(super) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether it is a GET or HEAD.
    pub(super) fn reads(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Applies `X-HTTP-Method-Override` to a POST (json-server 0.17, for clients that can send only GET and POST).
    fn override_method(&mut self) {
        if self.method != Method::POST {
            return;
        }
        let meant = self.header(header::HeaderName::from_static("x-http-method-override"));
        self.method = match meant.map(str::to_ascii_uppercase).as_deref() {
            Some("PUT") => Method::PUT,
            Some("PATCH") => Method::PATCH,
            Some("DELETE") => Method::DELETE,
            _ => return,
        };
    }

    /// A GET of `uri` without headers.
    pub(super) fn get(uri: Uri) -> Request {
        Request {
            method: Method::GET,
            uri,
            version: Version::HTTP_11,
            headers: HeaderMap::new(),
            body: Body::Whole(Bytes::new()),
            remote: None,
        }
    }

    /// Path and query as they were sent.
    pub(super) fn target(&self) -> &str {
        target(&self.uri)
    }

    /// The problem of a method that the path does not support; it supports those in `allow`.
    pub(super) fn not_allowed(&self, allow: &'static str) -> Problem {
        let detail = format!("{} does not work on {}", self.method, self.uri.path());
        Problem::new(problem::METHOD, detail)
            .header(header::ALLOW, HeaderValue::from_static(allow))
            .hint(format!("supported methods: {allow}"))
    }

    /// The last segment of the path, decoded.
    pub(super) fn last_segment(&self) -> Option<Cow<'_, str>> {
        segments(self.uri.path())?.pop()
    }

    /// A header that is a list: its lines as one (RFC 9110, 5.3).
    pub(super) fn list(&self, name: header::HeaderName) -> Option<String> {
        let lines = self.headers.get_all(name).iter();
        let mut lines = lines.filter_map(|line| line.to_str().ok());
        let first = lines.next()?.to_string();
        Some(lines.fold(first, |list, line| list + ", " + line))
    }

    /// The problem of an invalid `Host` header (RFC 9112, 3.2).
    pub(super) fn bad_host(&self) -> Option<Problem> {
        let mut hosts = self.headers.get_all(header::HOST).iter();
        let detail = match (hosts.next().map(HeaderValue::as_bytes), hosts.count()) {
            (None, _) if self.version == Version::HTTP_11 => {
                "the request has no Host header".to_string()
            }
            (None, _) | (Some([]), 0) => return None,
            // A user before the host is for URLs only.
            (Some(host), 0) if !host.contains(&b'@') && Authority::try_from(host).is_ok() => {
                return None;
            }
            (Some(host), 0) => format!(
                "the Host header is not a host: {}",
                String::from_utf8_lossy(host)
            ),
            (Some(_), more) => format!("the request has {} Host headers", more + 1),
        };
        Some(
            Problem::new(problem::BAD_REQUEST, detail)
                .hint("send one Host header, for example `Host: localhost:3000`"),
        )
    }

    /// The names of the host in the target and in the header `Host`, without their ports. The first one counts (RFC
    /// 9112, 3.2.2).
    pub(super) fn host_names(&self) -> impl Iterator<Item = &str> {
        let target = self.uri.authority().map(|authority| {
            let host = authority.as_str();
            host.rsplit_once('@').map_or(host, |(_, host)| host)
        });
        let header = self.header(header::HOST);
        target.into_iter().chain(header).map(|host| {
            let end = match host.rfind([']', ':']) {
                Some(bracket) if host[bracket..].starts_with(']') => bracket + 1,
                Some(colon) => colon,
                None => host.len(),
            };
            &host[..end]
        })
    }

    /// The pairs of the query, decoded.
    pub(super) fn pairs(&self) -> Result<Vec<(String, String)>, QueryError> {
        pairs(self.uri.query().unwrap_or(""))
    }

    /// The first value of the query parameter `name`, if it is there and can be decoded.
    pub(super) fn first(&self, name: &str) -> Option<String> {
        let query = self.uri.query().filter(|query| query.contains(name))?;
        pairs(query)
            .ok()?
            .into_iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// The server's base URL as the client names it.
    pub(super) fn base(&self) -> String {
        format!(
            "http://{}",
            self.header(header::HOST).unwrap_or("localhost:3000")
        )
    }

    /// A curl command to `path` of this server, with `body` as JSON if there is one.
    pub(super) fn curl(&self, method: &str, path: &str, body: Option<&str>) -> String {
        let mut command = String::from("curl");
        let implied = if body.is_some() { "POST" } else { "GET" };
        if method != implied || body.is_some() {
            command.push_str(&format!(" -X {method}"));
        }
        if path.contains(['{', '}', '[', ']']) {
            // curl would read them as a pattern for several URLs.
            command.push_str(" -g");
        }
        command.push_str(&format!(
            " {}",
            shell_word(&format!("{}{path}", self.base()))
        ));
        if let Some(body) = body {
            command.push_str(&format!(
                " -H \"Content-Type: application/json\" -d {}",
                shell_word(body)
            ));
        }
        command
    }
}

/// Path and query of a URI.
pub(super) fn target(uri: &Uri) -> &str {
    uri.path_and_query().map_or("*", |target| target.as_str())
}

/// The segments of a path, decoded; `None` if an escape is broken. One slash at the end is allowed.
pub(super) fn segments(path: &str) -> Option<Vec<Cow<'_, str>>> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Some(Vec::new());
    }
    path.split('/').map(percent_decode).collect()
}

/// How much of a body over the limit is read and discarded, for the client to finish sending and read the 413.
const MAX_DISCARDED: usize = 1 << 30;

/// The parts of a request that warp has no filter for; an extension of each request.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) version: Version,
    pub(super) remote: Option<SocketAddr>,
    pub(super) progress: Arc<Progress>,
    /// The target with its host, as clients of a proxy send it.
    pub(super) uri: Uri,
    /// The target as it was sent, if the rules of `--routes` changed it.
    pub(super) sent_target: Option<String>,
}

/// A request with its body.
pub(super) struct Received {
    pub(super) request: Arc<Request>,
    /// The method as it was sent.
    pub(super) sent_method: Method,
    pub(super) sent_target: Option<String>,
    /// Whether the next request follows on the connection; otherwise the rest of the body would be read as one.
    pub(super) is_complete: bool,
}

/// Extracts a request. Its body may have `limit` bytes and take `time`.
pub(super) fn received(
    limit: usize,
    time: Duration,
    stop: &watch::Receiver<bool>,
) -> impl Filter<Extract = (Received,), Error = Rejection> + Clone + use<> {
    let stop = stop.clone();
    warp::method()
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Connection>())
        .and(warp::body::stream())
        .then(
            move |method: Method, headers: HeaderMap, connection: Connection, body| {
                let stop = stop.clone();
                async move {
                    let (body, is_complete) =
                        receive(&headers, body, limit, time, stop, connection.progress).await;
                    let mut request = Request {
                        method: method.clone(),
                        uri: connection.uri,
                        version: connection.version,
                        headers,
                        body,
                        remote: connection.remote,
                    };
                    request.override_method();
                    Received {
                        request: Arc::new(request),
                        sent_method: method,
                        sent_target: connection.sent_target,
                        is_complete,
                    }
                }
            },
        )
}

/// Reads the body of a request, and whether the next request can follow on the connection.
async fn receive<B: Buf, E: std::fmt::Display>(
    headers: &HeaderMap,
    body: impl Stream<Item = Result<B, E>> + Send + 'static,
    limit: usize,
    time: Duration,
    mut stop: watch::Receiver<bool>,
    progress: Arc<Progress>,
) -> (Body, bool) {
    if !has_body(headers) {
        return (Body::Whole(Bytes::new()), true);
    }
    let mut body = Box::pin(body);
    match tokio::time::timeout(time, read(headers, &mut body, limit, &progress)).await {
        Ok(Body::TooLarge) if may_be_discarded(headers) => {
            // The response is sent meanwhile.
            progress.set_discarding(true);
            tokio::spawn(async move {
                tokio::select! {
                    _ = tokio::time::timeout(time, discard(body)) => {}
                    _ = stop.wait_for(|stop| *stop) => {}
                }
                progress.set_discarding(false);
            });
            (Body::TooLarge, true)
        }
        Ok(body) => {
            let is_complete = matches!(body, Body::Whole(_));
            (body, is_complete)
        }
        Err(_) => (Body::TooSlow, false),
    }
}

async fn read<B: Buf, E: std::fmt::Display>(
    headers: &HeaderMap,
    body: &mut (impl Stream<Item = Result<B, E>> + Unpin),
    limit: usize,
    progress: &Progress,
) -> Body {
    if content_length(headers).is_some_and(|length| length > limit) {
        return Body::TooLarge;
    }
    let mut bytes = BytesMut::new();
    let mut next = |context: &mut Context<'_>| match body.poll_next_unpin(context) {
        // hyper does not learn of the end of the stream while a write is in progress.
        Poll::Pending if progress.poll_ended(context) => {
            Poll::Ready(Some(Err("the client closed the connection".to_string())))
        }
        other => other.map_err(|error| error.to_string()),
    };
    while let Some(part) = poll_fn(&mut next).await {
        match part {
            Ok(part) if bytes.len() + part.remaining() > limit => return Body::TooLarge,
            Ok(part) => bytes.put(part),
            Err(words) => return Body::Broken(words),
        }
    }
    Body::Whole(bytes.freeze())
}

/// Whether the rest of a body over the limit can be discarded. A client that waits for `100 Continue` has not sent it.
fn may_be_discarded(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::EXPECT)
        && content_length(headers).is_none_or(|length| length <= MAX_DISCARDED)
}

/// Reads a body to its end, or up to a limit; then the connection is closed.
async fn discard<B: Buf, E>(mut body: impl Stream<Item = Result<B, E>> + Unpin) {
    let mut left = MAX_DISCARDED;
    while let Some(Ok(part)) = body.next().await {
        let Some(rest) = left.checked_sub(part.remaining()) else {
            return;
        };
        left = rest;
    }
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Whether a request has a body (RFC 9112, 6.3).
fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING)
}

/// The state of a connection that the routes and the socket share.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// A request is being answered.
    is_busy: AtomicBool,
    /// That request may change the data.
    is_write: AtomicBool,
    /// The response is delayed; the request is idle.
    is_delayed: AtomicBool,
    /// A head is complete that the socket has not taken notice of yet.
    has_head: AtomicBool,
    /// The body of a request that has its response is still being read.
    is_discarding: AtomicBool,
    /// A response is ready, and no request has come since.
    is_answered: AtomicBool,
    /// The response is the last one of the connection.
    is_last: AtomicBool,
    /// A response of finite length is being written to the socket.
    is_sending: AtomicBool,
    /// The client has closed its side (half-closed).
    is_ended: AtomicBool,
    /// Bytes of a request have arrived.
    has_begun: AtomicBool,
    /// Wakes the task that waits for more of the body.
    body: AtomicWaker,
    /// Wakes the task that has read the end of the stream and waits for the response.
    reader: AtomicWaker,
}

impl Progress {
    /// A request is being answered.
    pub(super) fn set_busy(&self, method: &Method) {
        let is_read = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        self.is_write.store(!is_read, Ordering::Relaxed);
        self.is_answered.store(false, Ordering::Relaxed);
        self.is_delayed.store(false, Ordering::Relaxed);
        self.has_head.store(true, Ordering::Relaxed);
        self.is_busy.store(true, Ordering::Relaxed);
    }

    /// There is a response.
    pub(super) fn set_answered(&self, is_last: bool) {
        self.is_last.store(is_last, Ordering::Relaxed);
        self.is_answered.store(true, Ordering::Relaxed);
        self.is_busy.store(false, Ordering::Release);
        self.reader.wake();
    }

    /// Marks a response of finite length as being sent until this is dropped.
    pub(super) fn sending(self: &Arc<Progress>) -> Sending {
        self.is_sending.store(true, Ordering::Release);
        Sending(self.clone())
    }

    /// Bytes of a request have arrived.
    pub(super) fn set_begun(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
    }

    /// Whether bytes of a request have arrived on the connection.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// Sets whether the rest of the body of an answered request is being read.
    pub(super) fn set_discarding(&self, is_discarding: bool) {
        self.is_discarding.store(is_discarding, Ordering::Relaxed);
    }

    /// Whether the server closes the connection after its last response, even if the client is still sending.
    pub(super) fn is_last(&self) -> bool {
        self.is_last.load(Ordering::Relaxed)
    }

    /// Whether the next read starts a request. True once for each response.
    pub(super) fn take_answered(&self) -> bool {
        self.is_answered.load(Ordering::Relaxed) && self.is_answered.swap(false, Ordering::Relaxed)
    }

    /// Whether the client has closed its side; if not, the task of `context` is woken when it does.
    pub(super) fn poll_ended(&self, context: &Context<'_>) -> bool {
        self.body.register(context.waker());
        self.is_ended.load(Ordering::Acquire)
    }

    /// Records that the client has closed its side. The task of `context` is woken when there is a response, and when
    /// it has been sent.
    pub(super) fn poll_at_end(&self, context: &Context<'_>) -> AtEnd {
        self.is_ended.store(true, Ordering::Release);
        self.body.wake();
        self.reader.register(context.waker());
        match self.is_busy.load(Ordering::Acquire) {
            true if self.is_write.load(Ordering::Relaxed) => AtEnd::Writing,
            true if self.is_delayed.load(Ordering::Acquire) => AtEnd::Delayed,
            true => AtEnd::Reading,
            false if self.is_sending.load(Ordering::Acquire) => AtEnd::Sending,
            false => AtEnd::Idle,
        }
    }

    /// Wakes the task that waits for the end of a response.
    pub(super) fn wake_reader(&self) {
        self.reader.wake();
    }

    /// Whether a head has become complete. True once for each.
    pub(super) fn take_head(&self) -> bool {
        self.has_head.load(Ordering::Relaxed) && self.has_head.swap(false, Ordering::Relaxed)
    }

    /// Whether the next bytes are the head of a request.
    pub(super) fn expects_head(&self) -> bool {
        !self.is_busy.load(Ordering::Relaxed) && !self.is_discarding.load(Ordering::Relaxed)
    }
}

tokio::task_local! {
    /// The progress of the connection whose request the task answers.
    pub(super) static CURRENT: Arc<Progress>;
}

/// Waits before a request is answered. If the client disconnects, the request can be dropped.
pub(super) async fn delay(time: Duration) {
    let progress = CURRENT.try_with(Arc::clone).unwrap_or_default();
    progress.is_delayed.store(true, Ordering::Release);
    tokio::time::sleep(time).await;
    progress.is_delayed.store(false, Ordering::Release);
    progress.reader.wake();
}

/// The state of a connection whose client has closed its side.
pub(super) enum AtEnd {
    /// A request that may change the data is being answered.
    Writing,
    /// A response is being delayed.
    Delayed,
    /// Another request is being answered.
    Reading,
    /// A response is being sent.
    Sending,
    Idle,
}

/// A response that is being sent. As long as this exists, the connection stays open after the client has closed its
/// side.
pub(super) struct Sending(Arc<Progress>);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.is_sending.store(false, Ordering::Release);
        self.0.reader.wake();
    }
}
