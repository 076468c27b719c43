//! What a profile makes of the requests and responses of the API.

use bytes::Bytes;
use serde_json::Value;
use warp::http::{HeaderValue, Method, Response, StatusCode, header};

use super::app::{Answer, App};
use super::problem::{self, Problem};
use super::profile::{Profile, Shape};
use super::request::{Body, Request};
use super::response;
use super::target::{Target, target};
use crate::engine::Published;
use crate::json::{members, tag};
use crate::query::pairs;
use crate::store::Data;

/// How many records are looked at for the names of their properties.
const SAMPLE: usize = 100;

/// What the response to a request is shaped as; `None`: it stays as it is.
fn shape(published: &Published, request: &Request) -> Option<Shape> {
    let (resource, is_list) = match target(&published.store, request).ok()? {
        Target::Collection(resource) => (resource, true),
        Target::Nested { child, .. } => (child, child.collection().is_some()),
        Target::Record(resource, _) | Target::Object(resource) => (resource, false),
        Target::Home | Target::All | Target::Scalar(_) => return None,
    };
    let reads = matches!(request.method, Method::GET | Method::HEAD);
    Some(Shape {
        resource: resource.name().to_string(),
        is_list: is_list && reads,
    })
}

/// The request as this server understands it.
pub(super) fn request(app: &App, profile: &Profile, sent: &Request) -> Request {
    let mut own = sent.clone();
    let published = app.engine.snapshot();
    let Some(shape) = shape(&published, sent) else {
        return own;
    };
    let mut known: Vec<String> = vec![published.store.settings().id.clone()];
    if let Some(rules) = app.engine.schema().rules(&shape.resource) {
        known.extend(rules.properties().iter().map(|one| one.name.clone()));
    }
    let mut see = |text: &str| {
        for member in members(text) {
            if !known.iter().any(|name| *name == member.key) {
                known.push(member.key.into_owned());
            }
        }
    };
    match published
        .store
        .resource(&shape.resource)
        .map(|one| one.data())
    {
        Some(Data::Collection(rows)) => rows.window(0, SAMPLE).for_each(|row| see(row.value())),
        Some(Data::Object(text)) => see(text),
        _ => {}
    }
    let query = profile.query(&sent.pairs().unwrap_or_default(), &known, shape.is_list);
    let path = sent.uri.path();
    let target = if query.is_empty() {
        path.to_string()
    } else {
        format!("{path}?{query}")
    };
    if let Ok(uri) = target.parse() {
        own.uri = uri;
    }
    let writes = matches!(sent.method.as_str(), "POST" | "PUT" | "PATCH");
    if let (true, Body::Whole(body)) = (writes, &sent.body)
        && !sent.headers.contains_key(header::CONTENT_ENCODING)
        && let Some(inner) = profile.body(body, &known)
    {
        own.body = Body::Whole(inner.into());
    }
    own
}

/// The response in the profile's shape. `own` is what [`request`] made of the request that was `sent`.
pub(super) fn response(
    app: &App,
    profile: &Profile,
    (sent, own): (&Request, &Request),
    answer: Answer,
) -> Response<Bytes> {
    let mut response = answer.unwrap_or_else(Problem::into_response);
    match reshape(app, profile, (sent, own), &mut response) {
        Ok(()) => response,
        Err(message) => Problem::new(problem::PROFILE, message)
            .hint("correct the expression in the profile, and start standin again")
            .into_response(),
    }
}

fn reshape(
    app: &App,
    profile: &Profile,
    (sent, own): (&Request, &Request),
    response: &mut Response<Bytes>,
) -> Result<(), String> {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_problem = kind.starts_with("application/problem+json");
    if !is_problem && !kind.starts_with("application/json") {
        return Ok(());
    }
    let Ok(body) = serde_json::from_slice::<Value>(response.body()) else {
        return Ok(());
    };
    if is_problem {
        let name = body["type"]
            .as_str()
            .and_then(|kind| kind.rsplit('#').next())
            .unwrap_or_default();
        if let Some(status) = profile
            .status(name)
            .and_then(|code| StatusCode::from_u16(code).ok())
        {
            *response.status_mut() = status;
        }
        let mut body = body;
        body["status"] = response.status().as_u16().into();
        if let Some(error) = profile.error(&body) {
            replace(profile, response, &error?);
        }
        return Ok(());
    }
    let published = app.engine.snapshot();
    let Some(shape) = shape(&published, sent) else {
        return Ok(());
    };
    if !response.status().is_success() {
        return Ok(());
    }
    let name = match sent.method.as_str() {
        "POST" => "create",
        "DELETE" => "delete",
        _ => "",
    };
    if let Some(status) = profile
        .status(name)
        .and_then(|code| StatusCode::from_u16(code).ok())
    {
        *response.status_mut() = status;
    }
    if response.status() == StatusCode::NO_CONTENT {
        *response.body_mut() = Bytes::new();
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::ETAG);
        return Ok(());
    }
    let made = if shape.is_list {
        let total = response.headers().get(response::TOTAL);
        let total = total.and_then(|total| total.to_str().ok()?.parse().ok());
        let understood = pairs(own.uri.query().unwrap_or_default()).unwrap_or_default();
        let asked = sent.pairs().unwrap_or_default();
        let base = sent.base();
        let made = profile.list(
            &shape,
            &body,
            total,
            (&base, sent.uri.path()),
            (&asked, &understood),
        )?;
        let tag = tag(made.to_string().as_bytes());
        if let Ok(tag) = HeaderValue::try_from(tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        made
    } else if name == "delete" {
        body
    } else {
        // Its entity tag stays, for `If-Match`.
        profile.record(&shape, &body, &sent.base())?
    };
    replace(profile, response, &made);
    Ok(())
}

fn replace(profile: &Profile, response: &mut Response<Bytes>, body: &Value) {
    *response.body_mut() = format!("{body:#}").into();
    let kind = profile.content_type();
    if let Ok(kind) = HeaderValue::try_from(kind) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
}
