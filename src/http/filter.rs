//! The one warp filter.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use tokio::sync::watch;
use warp::http::{HeaderMap, Method, Uri, Version, header};
use warp::{Filter, Rejection};

use super::App;
use super::events;
use super::request::{Body, Request};

/// How much of a body over the limit is read and thrown away, so that the client can finish sending and then read why.
const MOST_DISCARDED: usize = 1 << 30;

/// What stands before the body of the request that a connection is at. It goes around warp, which would copy it: a
/// connection has one request at a time.
#[derive(Debug, Default)]
pub(super) struct Arrival(Mutex<(Uri, Version, HeaderMap)>);

impl Arrival {
    /// Puts it aside.
    pub(super) fn put(&self, uri: Uri, version: Version, headers: HeaderMap) {
        if let Ok(mut held) = self.0.lock() {
            *held = (uri, version, headers);
        }
    }

    fn take(&self) -> (Uri, Version, HeaderMap) {
        self.0.lock().map(|mut held| std::mem::take(&mut *held)).unwrap_or_default()
    }
}

/// Answers every request of a connection with `app`.
pub(super) fn filter(
    app: Arc<App>,
    (arrival, remote): (Arc<Arrival>, SocketAddr),
    body_time: Duration,
    stop: watch::Receiver<bool>,
) -> impl Filter<Extract = (warp::reply::Response,), Error = Rejection> + Clone {
    warp::method().and(warp::body::stream()).then(move |method: Method, stream| {
        let (app, stop) = (app.clone(), stop.clone());
        let (uri, version, headers) = arrival.take();
        async move {
            let (body, in_step) = if has_body(&headers) {
                receive(&headers, stream, (app.settings().body_limit, body_time), stop.clone()).await
            } else {
                (Body::Whole(Bytes::new()), true)
            };
            let request = Request { method, uri, version, headers, body, remote: Some(remote) };
            let mut response = app.respond(request).await;
            if !in_step {
                // What is left of the body must not be read as the next request.
                response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
            }
            events::with_body(response, &stop)
        }
    })
}

/// Reads the body of a request; whether the next request can follow on the same connection.
async fn receive<B: Buf, E: std::fmt::Display>(
    headers: &HeaderMap,
    stream: impl Stream<Item = Result<B, E>> + Send + 'static,
    (limit, time): (usize, Duration),
    mut stop: watch::Receiver<bool>,
) -> (Body, bool) {
    let mut stream = Box::pin(stream);
    match tokio::time::timeout(time, read(headers, stream.as_mut(), limit)).await {
        Ok(Body::TooLarge) if may_be_discarded(headers) => {
            // The answer goes out meanwhile.
            tokio::spawn(async move {
                tokio::select! {
                    _ = tokio::time::timeout(time, discard(stream)) => {}
                    _ = stop.wait_for(|stop| *stop) => {}
                }
            });
            (Body::TooLarge, true)
        }
        Ok(body) => {
            let is_whole = matches!(body, Body::Whole(_));
            (body, is_whole)
        }
        Err(_) => (Body::TooSlow, false),
    }
}

/// Whether the rest of a body over the limit is read. A client that waits to be asked for it is not asked.
fn may_be_discarded(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::EXPECT) && announced(headers).is_none_or(|length| length <= MOST_DISCARDED)
}

/// Reads a body on until its end, or until there is too much of it; then the connection is closed.
async fn discard<B: Buf, E>(mut body: impl Stream<Item = Result<B, E>> + Unpin) {
    let mut left = MOST_DISCARDED;
    while let Some(Ok(part)) = body.next().await {
        let Some(rest) = left.checked_sub(part.remaining()) else { return };
        left = rest;
    }
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether a request has a body (RFC 9112, 6.3).
fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING)
}

async fn read<B: Buf, E: std::fmt::Display>(
    headers: &HeaderMap,
    mut body: Pin<&mut impl Stream<Item = Result<B, E>>>,
    limit: usize,
) -> Body {
    if announced(headers).is_some_and(|length| length > limit) {
        return Body::TooLarge;
    }
    let mut whole: Option<Bytes> = None;
    let mut many = BytesMut::new();
    while let Some(part) = body.next().await {
        match part {
            Ok(mut part) => {
                let part = part.copy_to_bytes(part.remaining());
                if many.len() + whole.as_ref().map_or(0, Bytes::len) + part.len() > limit {
                    return Body::TooLarge;
                }
                match whole.take() {
                    None if many.is_empty() => whole = Some(part),
                    first => {
                        many.extend_from_slice(&first.unwrap_or_default());
                        many.extend_from_slice(&part);
                    }
                }
            }
            Err(error) => return Body::Broken(error.to_string()),
        }
    }
    Body::Whole(whole.unwrap_or_else(|| many.freeze()))
}
