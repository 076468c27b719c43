//! Answers: headers that every answer has, entity tags, cross-origin headers.

use std::hash::Hasher;

use bytes::Bytes;
use warp::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use super::request::Request;

/// An answer with a JSON body.
pub(super) fn json(status: StatusCode, body: Vec<u8>) -> Response<Bytes> {
    with_type(status, "application/json", body)
}

/// An answer with a body of another type.
pub(super) fn with_type(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Bytes> {
    let tag = entity_tag(&body);
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::ETAG, tag);
    response
}

/// The strong entity tag of a body (RFC 9110, 8.8.3): equal bytes have equal tags, also after a restart.
pub(super) fn entity_tag(body: &[u8]) -> HeaderValue {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(body);
    let text = format!("\"{:016x}\"", hasher.finish());
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Completes an answer: 304 where the client has it already, cross-origin and cache headers, no body to HEAD.
pub(super) fn finish(request: &Request, mut response: Response<Bytes>) -> Response<Bytes> {
    if response.status() == StatusCode::OK && matches!(request.method, Method::GET | Method::HEAD) {
        let tag = response.headers().get(header::ETAG).cloned();
        if let (Some(tag), Some(known)) = (tag, request.header(header::IF_NONE_MATCH))
            && names(known, &tag)
        {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Bytes::new();
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    cross_origin(request, headers);
    response
}

/// Whether a list of entity tags, as `If-None-Match` holds it, names `tag`.
fn names(list: &str, tag: &HeaderValue) -> bool {
    list.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one).as_bytes() == tag)
}

fn cross_origin(request: &Request, headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    if let Some(origin) = request.headers.get(header::ORIGIN) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    if headers.contains_key(header::LOCATION) {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Location"));
    }
}

/// The answer to OPTIONS: what the resource takes, and to a browser that asks before a cross-origin request (it names
/// the method that it is about to use) what it wants to hear, as json-server says it.
pub(super) fn options(request: &Request, allow: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    if request.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        headers.append(header::VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
    } else if let Ok(allow) = HeaderValue::try_from(allow) {
        headers.insert(header::ALLOW, allow);
    }
    if let Some(wanted) = request.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    response
}
