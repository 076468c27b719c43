//! Receiving a request: what warp's filters do not extract, and its body within limits of size and time.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use tokio::sync::watch;
use warp::http::uri::{Authority, Scheme};
use warp::http::{HeaderMap, Uri, Version, header};
use warp::path::FullPath;
use warp::{Filter, Rejection};

use super::progress::Progress;
use super::request::{Body, Request};

/// How much of a body over the limit is read and discarded, so that the client can finish sending and read the 413.
const MAX_DISCARDED: usize = 1 << 30;

/// What warp has no filter for: an extension of each request.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) version: Version,
    pub(super) remote: Option<SocketAddr>,
    pub(super) progress: Arc<Progress>,
    /// The host in the request's target, as clients of a proxy send it.
    pub(super) authority: Option<Authority>,
    /// The target as it was sent, if the rules of `--routes` changed it.
    pub(super) sent_target: Option<String>,
}

impl Connection {
    /// The URI of the request, put together again from what the filters extracted.
    pub(super) fn uri(&self, path: &str, query: Option<&str>) -> Uri {
        let target = match query {
            Some(query) => format!("{path}?{query}").try_into(),
            None => path.try_into(),
        };
        let mut parts = warp::http::uri::Parts::default();
        // See `prepare` for a path `*` after a host.
        parts.path_and_query = target
            .ok()
            .filter(|_| path != "*" || self.authority.is_none());
        if let Some(authority) = &self.authority {
            parts.scheme = parts.path_and_query.as_ref().map(|_| Scheme::HTTP);
            parts.authority = Some(authority.clone());
        }
        // The parts come from a URI.
        Uri::from_parts(parts).unwrap_or_default()
    }
}

/// A request with its body.
pub(super) struct Received {
    pub(super) request: Request,
    pub(super) sent_target: Option<String>,
    /// Whether the next request follows on the connection; otherwise the rest of the body would be read as one.
    pub(super) is_complete: bool,
}

/// The request, put together from its parts. Its body may have `limit` bytes and take `time`.
pub(super) fn request(
    limit: usize,
    time: Duration,
    stop: &watch::Receiver<bool>,
) -> impl Filter<Extract = (Received,), Error = Rejection> + Clone + use<> {
    let query = warp::query::raw()
        .map(Some)
        .or(warp::any().map(|| None))
        .unify();
    let stop = stop.clone();
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Connection>())
        .and(warp::body::stream())
        .then(
            move |method,
                  path: FullPath,
                  query: Option<String>,
                  headers: HeaderMap,
                  connection: Connection,
                  body| {
                let stop = stop.clone();
                async move {
                    let uri = connection.uri(path.as_str(), query.as_deref());
                    let (body, is_complete) =
                        receive(&headers, body, limit, time, stop, connection.progress).await;
                    let request = Request {
                        method,
                        uri,
                        version: connection.version,
                        headers,
                        body,
                        remote: connection.remote,
                    };
                    Received {
                        request,
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
            // The response goes out meanwhile.
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
            Poll::Ready(Some(Err("the client sends nothing more".to_string())))
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

/// Whether the rest of a body over the limit is read. A client that waits for `100 Continue` has not sent it.
fn may_be_discarded(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::EXPECT)
        && content_length(headers).is_none_or(|length| length <= MAX_DISCARDED)
}

/// Reads a body to its end, or until there is too much of it; then the connection is closed.
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
