//! Translates requests from a profile's API, and responses to it.

use bytes::Bytes;
use serde_json::Value;
use warp::http::{Response, StatusCode, header};

use super::{Profile, Shape};
use crate::engine::Published;
use crate::http::app::{App, Reply};
use crate::http::problem::{self, Problem};
use crate::http::request::{Body, Request};
use crate::http::response;
use crate::http::target::{Target, target};
use crate::json::{members, tag};
use crate::store::Data;

/// How many records the names of properties are taken from.
const SAMPLE: usize = 100;

/// The shape of the response to a request; `None`: it stays as it is.
fn shape(published: &Published, request: &Request) -> Option<Shape> {
    let (resource, is_list) = match target(&published.store, request).ok()? {
        Target::Collection(resource) => (resource, true),
        Target::Nested { child, .. } => (child, child.collection().is_some()),
        Target::Record(resource, _) | Target::Object(resource) => (resource, false),
        Target::Home | Target::All | Target::Scalar(_) => return None,
    };
    Some(Shape {
        resource: resource.name().to_string(),
        is_list: is_list && request.reads(),
    })
}

/// The request translated from the profile.
pub(in crate::http) fn own_request(app: &App, profile: &Profile, sent: &Request) -> Request {
    let mut own = sent.clone();
    let published = app.engine.snapshot();
    let Some(shape) = shape(&published, sent) else {
        return own;
    };
    let mut known: Vec<String> = vec![published.store.settings().id.clone()];
    if let Some(rules) = app.engine.schema().rules(&shape.resource) {
        known.extend(rules.properties.iter().map(|one| one.name.clone()));
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

/// The response in the profile's shape. `own` is what [`own_request`] made of the request that was `sent`.
pub(in crate::http) fn shaped(
    app: &App,
    profile: &Profile,
    (sent, own): (&Request, &Request),
    reply: Reply,
) -> Response<Bytes> {
    let mut response = reply.unwrap_or_else(Problem::into_response);
    let kind = response::header(&response, header::CONTENT_TYPE).unwrap_or_default();
    let is_problem = kind.starts_with(problem::MEDIA_TYPE);
    if !is_problem && !kind.starts_with("application/json") {
        return response;
    }
    let Ok(body) = serde_json::from_slice(response.body()) else {
        return response;
    };
    let done = match is_problem {
        true => shape_problem(profile, body, &mut response),
        false => shape_data(app, profile, (sent, own), body, &mut response),
    };
    match done {
        Ok(()) => response,
        Err(message) => Problem::new(problem::PROFILE, message)
            .hint("correct the expression in the profile, and start standin again")
            .into_response(),
    }
}

fn shape_problem(
    profile: &Profile,
    mut problem: Value,
    response: &mut Response<Bytes>,
) -> Result<(), String> {
    let kind = problem["type"].as_str().unwrap_or_default();
    let name = kind.rsplit('#').next().unwrap_or_default();
    response::set_status(response, profile.status(name));
    problem["status"] = response.status().as_u16().into();
    if let Some(error) = profile.error(&problem) {
        replace_body(profile, response, &error?);
    }
    Ok(())
}

fn shape_data(
    app: &App,
    profile: &Profile,
    (sent, own): (&Request, &Request),
    body: Value,
    response: &mut Response<Bytes>,
) -> Result<(), String> {
    let Some(shape) = shape(&app.engine.snapshot(), sent) else {
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
    response::set_status(response, profile.status(name));
    if response.status() == StatusCode::NO_CONTENT {
        *response.body_mut() = Bytes::new();
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::ETAG);
        return Ok(());
    }
    let base = sent.base();
    let made = if shape.is_list {
        let total = response::header(response, response::TOTAL);
        let total = total.and_then(|total| total.parse().ok());
        let parameters = (
            &sent.pairs().unwrap_or_default()[..],
            &own.pairs().unwrap_or_default()[..],
        );
        let url = (&*base, sent.uri.path());
        let made = profile.list(&shape, &body, total, url, parameters)?;
        let tag = tag(made.to_string().as_bytes());
        response::set(response, header::ETAG, tag);
        made
    } else if name == "delete" {
        body
    } else {
        // Its entity tag stays, for `If-Match`.
        profile.record(&shape, &body, &base)?
    };
    replace_body(profile, response, &made);
    Ok(())
}

fn replace_body(profile: &Profile, response: &mut Response<Bytes>, body: &Value) {
    *response.body_mut() = format!("{body:#}").into();
    let kind = profile.content_type();
    response::set(response, header::CONTENT_TYPE, kind.to_string());
}
