//! The one warp filter.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use tokio::sync::watch;
use warp::http::{HeaderMap, Method, Uri, header};
use warp::{Filter, Rejection};

use super::App;
use super::events;
use super::request::{Body, Request};

/// What the connection knows of a request, handed to the filter as an extension.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) uri: Uri,
    pub(super) remote: SocketAddr,
}

/// Answers every request of a connection with `app`.
pub(super) fn filter(
    app: Arc<App>,
    body_limit: usize,
    body_time: Duration,
    stop: watch::Receiver<bool>,
) -> impl Filter<Extract = (warp::reply::Response,), Error = Rejection> + Clone {
    warp::method().and(warp::ext::get::<Arrival>()).and(warp::header::headers_cloned()).and(warp::body::stream()).then(
        move |method: Method, arrival: Arrival, headers: HeaderMap, body| {
            let (app, stop) = (app.clone(), stop.clone());
            async move {
                let body = match tokio::time::timeout(body_time, read(&headers, body, body_limit)).await {
                    Ok(body) => body,
                    Err(_) => Body::TooSlow,
                };
                let unread = !matches!(body, Body::Whole(_));
                let request = Request { method, uri: arrival.uri, headers, body, remote: Some(arrival.remote) };
                let mut response = app.respond(request).await;
                if unread {
                    // What is left of the body must not be read as the next request.
                    response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
                }
                events::with_body(response, &stop)
            }
        },
    )
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
