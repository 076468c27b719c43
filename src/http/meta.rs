//! The server's own pages under `/-/`.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use warp::http::{HeaderValue, Method, Response, StatusCode, header};

use super::App;
use super::problem::{self, KINDS, Problem};
use super::reply;
use super::request::Request;
use super::requests::Requests;
use super::{admin, events, explorer};
use crate::engine::Published;
use crate::openapi;
use crate::store::Data;

/// What the server's own pages keep between requests.
pub(super) struct Meta {
    /// The OpenAPI document, and the version of the data that it describes.
    document: Mutex<Option<(u64, Bytes)>>,
    pub(super) requests: Requests,
    started: Instant,
}

impl Meta {
    pub(super) fn new() -> Meta {
        Meta { document: Mutex::default(), requests: Requests::default(), started: Instant::now() }
    }
}

const READ: &str = "GET, HEAD, OPTIONS";
const POST: &str = "POST, OPTIONS";

/// What `path` takes, if it is one of the pages here.
pub(super) fn allow(path: &str) -> Option<&'static str> {
    let page = path.strip_prefix("/-/")?;
    Some(match page.strip_suffix('/').unwrap_or(page) {
        "openapi.json" | "events" | "health" | "requests" | "snapshots" => READ,
        "reset" | "undo" => POST,
        page if page.strip_prefix("snapshots/").is_some_and(|name| !name.contains('/')) => POST,
        page if explorer::file(page).is_some() => READ,
        _ => return None,
    })
}

/// The answer to a request for a page under `/-/`; `None` where the path leads elsewhere.
pub(super) async fn answer(
    app: &App,
    published: &Published,
    request: &Request,
) -> Option<Result<Response<Bytes>, Problem>> {
    let path = request.uri.path();
    let allow = allow(path)?;
    let taken = match request.method {
        Method::GET | Method::HEAD => allow == READ,
        Method::POST => allow == POST,
        _ => false,
    };
    if !taken {
        return Some(Err(wrong_method(request, allow)));
    }
    let page = path.strip_prefix("/-/").unwrap_or_default();
    let page = page.strip_suffix('/').unwrap_or(page);
    let is_admin = allow == POST || matches!(page, "requests" | "snapshots");
    if is_admin && let Err(problem) = admin::guard(app, request) {
        return Some(Err(problem));
    }
    Some(match page {
        "openapi.json" => Ok(document(app, published)),
        "events" => events::answer(app, published, request),
        "health" => Ok(reply::value(StatusCode::OK, &health(app, published))),
        "requests" => {
            let after = request.first("after").and_then(|text| text.parse().ok()).unwrap_or(0);
            Ok(reply::value(StatusCode::OK, &app.meta.requests.after(after)))
        }
        "snapshots" => Ok(admin::snapshots(app)),
        "reset" => admin::reset(app, request).await,
        "undo" => admin::undo(app, request).await,
        page => match (page.strip_prefix("snapshots/"), explorer::file(page)) {
            (Some(name), _) => admin::take_snapshot(app, name),
            (None, Some(file)) => Ok(explorer::answer(file)),
            (None, None) => return None,
        },
    })
}

/// The problem of a method that a page does not take.
fn wrong_method(request: &Request, allow: &'static str) -> Problem {
    let path = request.uri.path();
    let method = if allow == POST { "POST" } else { "GET" };
    Problem::new(problem::METHOD, format!("{} does not work on {path}", request.method))
        .header(header::ALLOW, HeaderValue::from_static(allow))
        .hint(format!("it takes {allow}"))
        .attempt(request.curl(method, path, None))
}

/// `/-/health`.
fn health(app: &App, published: &Published) -> Value {
    let resources = published.store.resources().map(|resource| {
        let (kind, count) = match resource.data() {
            Data::Collection(rows) => ("collection", rows.len()),
            Data::Object(_) => ("object", 1),
            Data::Scalar(_) => ("value", 1),
        };
        let rules = app.engine.schema().rules(resource.name()).is_some();
        json!({ "name": resource.name(), "kind": kind, "count": count, "rules": rules })
    });
    let resources: Vec<_> = resources.collect();
    let settings = app.settings();
    json!({
        "status": "ok",
        "standin": env!("CARGO_PKG_VERSION"),
        "uptime": app.meta.started.elapsed().as_secs(),
        "version": published.version,
        "file": settings.file,
        "id": published.store.settings().id,
        "readOnly": settings.read_only,
        "admin": settings.admin,
        "resources": resources,
    })
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

/// How often an event stream says that it is still there.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);
