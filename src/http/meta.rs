//! The server's own pages under `/-/`.

use std::sync::Mutex;

use bytes::Bytes;
use warp::http::{HeaderValue, Method, Response, StatusCode, header};

use super::App;
use super::problem::{self, KINDS, Problem};
use super::reply;
use super::request::Request;
use crate::engine::Published;
use crate::openapi;

/// What the server's own pages keep between requests.
#[derive(Default)]
pub(super) struct Meta {
    /// The OpenAPI document, and the version of the data that it describes.
    document: Mutex<Option<(u64, Bytes)>>,
}

/// The answer to a request for a page under `/-/`; `None` where the path leads elsewhere.
pub(super) async fn answer(
    app: &App,
    published: &Published,
    request: &Request,
) -> Option<Result<Response<Bytes>, Problem>> {
    let page = request.uri.path().strip_prefix("/-/")?;
    let page = page.strip_suffix('/').unwrap_or(page);
    let (allow, answer): (_, fn(&App, &Published) -> Response<Bytes>) = match page {
        "openapi.json" => ("GET, HEAD, OPTIONS", document),
        _ => return None,
    };
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Some(Err(wrong_method(request, allow)));
    }
    Some(Ok(answer(app, published)))
}

/// The problem of a method that a page does not take.
fn wrong_method(request: &Request, allow: &'static str) -> Problem {
    let path = request.uri.path();
    Problem::new(problem::METHOD, format!("{} does not work on {path}", request.method))
        .header(header::ALLOW, HeaderValue::from_static(allow))
        .hint(format!("it takes {allow}"))
}

/// `/-/openapi.json`.
fn document(app: &App, published: &Published) -> Response<Bytes> {
    let kept = app.meta.document.lock().ok().and_then(|kept| kept.clone());
    if let Some((_, text)) = kept.filter(|(version, _)| *version == published.version) {
        return reply::json(StatusCode::OK, text.to_vec());
    }
    let kinds: Vec<_> =
        KINDS.iter().map(|kind| openapi::Kind { name: kind.name, status: kind.status, title: kind.title }).collect();
    let text = format!("{:#}", openapi::document(app.engine.schema(), &published.store, &kinds));
    if let Ok(mut kept) = app.meta.document.lock() {
        *kept = Some((published.version, Bytes::from(text.clone())));
    }
    reply::json(StatusCode::OK, text.into_bytes())
}
