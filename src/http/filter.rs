//! The one warp filter.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use tokio::sync::watch;
use warp::http::{HeaderMap, Method, Uri, header};
use warp::{Filter, Rejection};

use super::App;
use super::events;
use super::request::{Body, Request};

/// The target and the headers of the request that a connection is at. They go around warp, which would copy them: a
/// connection has one request at a time.
#[derive(Debug, Default)]
pub(super) struct Arrival(Mutex<(Uri, HeaderMap)>);

impl Arrival {
    /// Puts them aside.
    pub(super) fn put(&self, uri: Uri, headers: HeaderMap) {
        if let Ok(mut held) = self.0.lock() {
            *held = (uri, headers);
        }
    }

    fn take(&self) -> (Uri, HeaderMap) {
        self.0.lock().map(|mut held| std::mem::take(&mut *held)).unwrap_or_default()
    }
}

/// Answers every request of a connection with `app`.
pub(super) fn filter(
    app: Arc<App>,
    (arrival, remote): (Arc<Arrival>, SocketAddr),
    body_limit: usize,
    body_time: Duration,
    stop: watch::Receiver<bool>,
) -> impl Filter<Extract = (warp::reply::Response,), Error = Rejection> + Clone {
    warp::method().and(warp::body::stream()).then(move |method: Method, body| {
        let (app, stop) = (app.clone(), stop.clone());
        let (uri, headers) = arrival.take();
        async move {
            let body = if has_body(&headers) {
                match tokio::time::timeout(body_time, read(&headers, body, body_limit)).await {
                    Ok(body) => body,
                    Err(_) => Body::TooSlow,
                }
            } else {
                Body::Whole(Bytes::new())
            };
            let unread = !matches!(body, Body::Whole(_));
            let request = Request { method, uri, headers, body, remote: Some(remote) };
            let mut response = app.respond(request).await;
            if unread {
                // What is left of the body must not be read as the next request.
                response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
            }
            events::with_body(response, &stop)
        }
    })
}

/// Whether a request has a body (RFC 9112, 6.3).
fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING)
}

async fn read<B: Buf, E: std::fmt::Display>(
    headers: &HeaderMap,
    body: impl Stream<Item = Result<B, E>>,
    limit: usize,
) -> Body {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > limit) {
        return Body::TooLarge;
    }
    let mut body = std::pin::pin!(body);
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
