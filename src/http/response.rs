//! Responses, and what is common to them: entity tags, conditions, CORS headers, JSONP, compression.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use warp::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::cross_site::{self, Foreign};
use super::problem::{self, LogNote, Problem};
use super::request::Request;
use super::settings::Settings;
use crate::json::{Layout, tag};
use crate::text::printable;

/// A hint in a successful response that the request probably does not mean what the client intended.
pub(super) const HINT: HeaderName = HeaderName::from_static("x-hint");
/// The total number of records, before paging or slicing.
pub(super) const TOTAL: HeaderName = HeaderName::from_static("x-total-count");
/// The preferences of the request that were applied (RFC 7240).
pub(super) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// Rate limits (draft-ietf-httpapi-ratelimit-headers).
pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// The rules behind [`RATE_LIMIT`].
pub(super) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

const JSON: &str = "application/json; charset=utf-8";

/// The size of the chunks in which a file is read.
const PIECE: u64 = 128 * 1024;
/// Bodies shorter than this are not worth compressing (json-server 0.17 draws the line here, too).
const MIN_COMPRESSED: usize = 1024;
/// How many headers a response usually has at most.
const HEADER_CAPACITY: usize = 12;

/// A response without a body.
pub(super) fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

/// A response with a JSON body.
pub(super) fn json(status: StatusCode, body: Vec<u8>) -> Response<Bytes> {
    with_type(status, JSON, body)
}

/// A response with `value` as its body.
pub(super) fn value(status: StatusCode, value: &serde_json::Value) -> Response<Bytes> {
    json(status, format!("{value:#}").into_bytes())
}

/// A response with pretty-printed JSON as its body.
pub(super) fn pretty(status: StatusCode, text: &str) -> Response<Bytes> {
    let mut body = Vec::with_capacity(text.len() + 64);
    Layout::PRETTY.write(&mut body, text, "");
    json(status, body)
}

/// Sets a header, unless `value` has characters that no header can have.
pub(super) fn set(response: &mut Response<Bytes>, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Sets a header to a value that is always the same.
pub(super) fn set_fixed(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

/// Sets another status, if there is one that is valid.
pub(super) fn set_status(response: &mut Response<Bytes>, status: Option<u16>) {
    if let Some(status) = status.and_then(|code| StatusCode::from_u16(code).ok()) {
        *response.status_mut() = status;
    }
}

/// A header of a response, if it is text.
pub(super) fn header(response: &Response<Bytes>, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// A `200` response with `value` as its body.
pub(super) fn ok(value: &serde_json::Value) -> Result<Response<Bytes>, Problem> {
    Ok(self::value(StatusCode::OK, value))
}

/// A response with a body of another type.
pub(super) fn with_type(
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
) -> Response<Bytes> {
    let tag = tag(&body);
    with_tag(status, content_type, body.into(), tag)
}

/// A file of a page, with a content security policy that says what it may load and run.
pub(super) fn page(kind: &'static str, content: Vec<u8>, policy: &'static str) -> Response<Bytes> {
    let mut response = with_type(StatusCode::OK, kind, content);
    let headers = response.headers_mut();
    set_fixed(headers, header::CONTENT_SECURITY_POLICY, policy);
    set_fixed(headers, header::REFERRER_POLICY, "same-origin");
    set_fixed(headers, header::X_FRAME_OPTIONS, "DENY");
    response
}

/// A `200` response with a JSON body whose entity tag is known.
pub(super) fn tagged_json(body: Bytes, tag: String) -> Response<Bytes> {
    with_tag(StatusCode::OK, JSON, body, tag)
}

fn with_tag(
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
    tag: String,
) -> Response<Bytes> {
    let tag = HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\""));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // One allocation instead of one for each doubling.
    headers.reserve(HEADER_CAPACITY);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::ETAG, tag);
    response
}

/// Bytes of the body, which may be a file that is not read yet.
pub(super) fn size(response: &Response<Bytes>) -> usize {
    let file = response.extensions().get::<FileBody>();
    file.map_or(response.body().len(), |file| {
        usize::try_from(file.length).unwrap_or(usize::MAX)
    })
}

/// Adds headers that depend only on the settings and on whether the body could be compressed.
fn add_common_headers(headers: &mut HeaderMap, settings: &Settings, varies: bool) {
    let vary = match (settings.cors, varies) {
        (true, true) => Some("Origin, Accept-Encoding"),
        (true, false) => Some("Origin"),
        (false, true) => Some("Accept-Encoding"),
        (false, false) => None,
    };
    if let Some(vary) = vary {
        headers.append(header::VARY, HeaderValue::from_static(vary));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache"));
    set_fixed(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
}

/// Completes a response: JSONP, conditions, compression, and the headers that every response has.
pub(super) fn finish(
    request: &Request,
    settings: &Settings,
    mut response: Response<Bytes>,
) -> Response<Bytes> {
    let foreign = cross_site::foreign(request, settings);
    // Only for the data: any page of this machine could load the admin routes as a script.
    if foreign.is_none()
        && !request.uri.path().starts_with("/-/")
        && let Some(name) = request.first("callback")
    {
        to_jsonp(&mut response, &name);
    }
    match precondition(request, &response) {
        Some(StatusCode::NOT_MODIFIED) => {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Bytes::new();
            response.extensions_mut().remove::<FileBody>();
            response.headers_mut().remove(header::CONTENT_TYPE);
            response.headers_mut().remove(header::CONTENT_RANGE);
        }
        Some(_) => {
            let detail = "this is not the version that If-Match or If-Unmodified-Since asks for";
            response = Problem::new(problem::CHANGED, detail)
                .hint("leave the header out to get the current version")
                .into_response();
        }
        None => {}
    }
    let varies =
        settings.gzip && compress(request.headers.get(header::ACCEPT_ENCODING), &mut response);
    add_common_headers(response.headers_mut(), settings, varies);
    match foreign {
        // The page cannot read the response; the hint is for its developer, in the log and in the browser's developer
        // tools.
        Some(foreign @ Foreign::Origin(_))
            if settings.cors && response.status() != StatusCode::FORBIDDEN =>
        {
            let detail = format!(
                "the page cannot read this response; {}",
                foreign.hint(request, settings)
            );
            hint(&mut response, std::iter::once(detail));
        }
        Some(_) => {}
        None if settings.cors => {
            let origin = request.headers.get(header::ORIGIN);
            add_cors_headers(origin, response.headers_mut());
        }
        None => {}
    }
    response
}

/// Completes the response to a request that could not be read, of which `origin` is known.
pub(super) fn finish_unparsed(
    mut response: Response<Bytes>,
    origin: Option<&HeaderValue>,
    settings: &Settings,
) -> Response<Bytes> {
    let headers = response.headers_mut();
    add_common_headers(headers, settings, false);
    if settings.cors && origin.is_some_and(|origin| cross_site::allows(origin, None, settings)) {
        add_cors_headers(origin, headers);
    }
    response
}

/// The status that the conditions of a GET or HEAD turn `response` into (RFC 9110, 13.2.2): 304 or 412.
fn precondition(request: &Request, response: &Response<Bytes>) -> Option<StatusCode> {
    if !request.reads()
        || !matches!(
            response.status(),
            StatusCode::OK | StatusCode::PARTIAL_CONTENT
        )
    {
        return None;
    }
    let own = |name| self::header(response, name);
    let date = |text: &str| httpdate::parse_http_date(text).ok();
    let tag = own(header::ETAG)?;
    let modified = own(header::LAST_MODIFIED).and_then(date);
    let since = |name| Some(modified? > request.header(name).and_then(date)?);
    let is_other = match request.list(header::IF_MATCH) {
        Some(list) => !names(&list, tag),
        None => since(header::IF_UNMODIFIED_SINCE).unwrap_or(false),
    };
    let is_known = match request.list(header::IF_NONE_MATCH) {
        Some(list) => names(&list, tag),
        None => since(header::IF_MODIFIED_SINCE).is_some_and(|newer| !newer),
    };
    if is_other {
        Some(StatusCode::PRECONDITION_FAILED)
    } else {
        is_known.then_some(StatusCode::NOT_MODIFIED)
    }
}

/// Whether a list of entity tags, as in `If-None-Match` and `If-Match`, has `tag`. The tag of a compressed body
/// matches, too.
pub(super) fn names(list: &str, tag: &str) -> bool {
    let plain = tag.trim_matches('"');
    list.split(',')
        .map(|one| one.trim().trim_start_matches("W/").trim_matches('"'))
        .any(|one| one == "*" || one == plain || one.strip_suffix("-gzip") == Some(plain))
}

fn add_cors_headers(origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    // First the headers that json-server exposes, then others that a page of another origin needs, such as for
    // `If-Match`.
    static EXPOSED: [(HeaderName, &str); 9] = [
        (TOTAL, "X-Total-Count"),
        (header::LINK, "Link"),
        (header::LOCATION, "Location"),
        (header::ETAG, "ETag"),
        (HINT, "X-Hint"),
        (header::RETRY_AFTER, "Retry-After"),
        (RATE_LIMIT, "RateLimit"),
        (RATE_LIMIT_POLICY, "RateLimit-Policy"),
        (PREFERENCE_APPLIED, "Preference-Applied"),
    ];
    let candidates = if origin.is_some() {
        &EXPOSED[..]
    } else {
        &EXPOSED[..3]
    };
    let mut exposed = String::new();
    for (name, shown) in candidates {
        if headers.contains_key(name) {
            exposed.push_str(if exposed.is_empty() { "" } else { ", " });
            exposed.push_str(shown);
        }
    }
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    set_fixed(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    if !exposed.is_empty()
        && let Ok(exposed) = HeaderValue::try_from(exposed)
    {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}

/// The response to OPTIONS: the methods that the resource supports; for a CORS preflight, the headers that json-server
/// sends.
pub(super) fn options(request: &Request, settings: &Settings, allow: &str) -> Response<Bytes> {
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    let asked = &request.headers;
    let preflight = settings.cors && asked.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if !preflight && let Ok(allow) = HeaderValue::try_from(allow) {
        headers.insert(header::ALLOW, allow);
    }
    if !settings.cors || cross_site::foreign(request, settings).is_some() {
        return response;
    }
    let methods = "GET,HEAD,PUT,PATCH,POST,DELETE";
    set_fixed(headers, header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.append(
        header::VARY,
        HeaderValue::from_static("Access-Control-Request-Headers"),
    );
    if let Some(wanted) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    // A page from the internet asks to reach this machine or network (Private Network Access).
    let network = asked.get("access-control-request-private-network");
    if preflight && network.is_some_and(|asks| asks == "true") {
        let allow = HeaderName::from_static("access-control-allow-private-network");
        set_fixed(headers, allow, "true");
    }
    response
}

/// Turns a JSON body into a script that calls the function `name` (JSONP, as in json-server 0.17).
fn to_jsonp(response: &mut Response<Bytes>, name: &str) {
    let kind = self::header(response, header::CONTENT_TYPE);
    let is_json = kind
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.starts_with("application/") && kind.ends_with("json"));
    let name: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "[]._$".contains(*c))
        .collect();
    if !is_json || name.is_empty() {
        return;
    }
    let json = String::from_utf8_lossy(response.body())
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    let script = format!("/**/ typeof {name} === 'function' && {name}({json});").into_bytes();
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    *response = with_type(status, "text/javascript; charset=utf-8", script);
    for (name, value) in &headers {
        if name != header::CONTENT_TYPE && name != header::ETAG {
            response.headers_mut().append(name, value.clone());
        }
    }
}

/// Compresses the body if the client accepts gzip. Returns whether the body is compressible.
fn compress(accepted: Option<&HeaderValue>, response: &mut Response<Bytes>) -> bool {
    let kind = self::header(response, header::CONTENT_TYPE).unwrap_or("");
    let is_text = kind.starts_with("application/json")
        || kind.starts_with("text/")
        || kind.contains("json")
        || kind.contains("javascript")
        || kind.contains("svg");
    if !is_text || response.headers().contains_key(header::CONTENT_RANGE) {
        return false;
    }
    let accepts = || {
        let list = accepted.and_then(|list| list.to_str().ok());
        list.is_some_and(accepts_gzip)
    };
    if response.body().len() < MIN_COMPRESSED || !accepts() {
        return true;
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Writing to memory does not fail; if it ever did, the response would go out uncompressed.
    let Ok(packed) = encoder
        .write_all(response.body())
        .and_then(|()| encoder.finish())
    else {
        return true;
    };
    *response.body_mut() = Bytes::from(packed);
    let headers = response.headers_mut();
    set_fixed(headers, header::CONTENT_ENCODING, "gzip");
    // Other bytes need another strong tag (RFC 9110, 8.8.3.3).
    if let Some(tag) = self::header(response, header::ETAG) {
        let tag = format!("{}-gzip\"", tag.trim_end_matches('"'));
        set(response, header::ETAG, tag);
    }
    true
}

/// Whether a header `Accept-Encoding` allows gzip (RFC 9110, 12.5.3).
fn accepts_gzip(list: &str) -> bool {
    let quality = |coding: &str| {
        list.split(',').find_map(|one| {
            let mut parts = one.split(';').map(str::trim);
            parts
                .next()
                .filter(|name| name.eq_ignore_ascii_case(coding))?;
            let quality =
                parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
            Some(quality.map_or(1.0, |quality| quality.parse::<f32>().unwrap_or(1.0)))
        })
    };
    // The coding by its name counts before `*`.
    quality("gzip")
        .or_else(|| quality("*"))
        .is_some_and(|quality| quality > 0.0)
}

/// Adds hints to a response, in the header `X-Hint` and in the log. A header holds ASCII: other characters are
/// percent-encoded, and `decodeURIComponent` gives the text.
pub(super) fn hint(response: &mut Response<Bytes>, hints: impl Iterator<Item = String>) {
    const ENCODED: &AsciiSet = &CONTROLS.add(b'%');
    let hints: Vec<String> = hints.collect();
    if hints.is_empty() {
        return;
    }
    let line = utf8_percent_encode(&hints.join(" "), ENCODED).to_string();
    let before = self::header(response, HINT);
    let line = before.map_or(line.clone(), |before| format!("{before} {line}"));
    set(response, HINT, line);
    let mut note = response
        .extensions_mut()
        .remove::<LogNote>()
        .map_or_else(String::new, |LogNote(note)| note + "\n");
    let shown: Vec<_> = hints.iter().map(|hint| printable(hint)).collect();
    note.push_str(&shown.join("\n"));
    response.extensions_mut().insert(LogNote(note));
}

/// A body that is streamed from a file: an extension of a response without a body.
#[derive(Debug, Clone)]
pub(super) struct FileBody {
    /// The file, positioned at the beginning of the body.
    pub(super) file: Arc<File>,
    /// Bytes of the body.
    pub(super) length: u64,
    /// It is a HEAD request.
    pub(super) is_head: bool,
}

impl FileBody {
    /// The response as warp sends it.
    pub(super) fn send(self, response: Response<Bytes>) -> warp::reply::Response {
        let length = self.length;
        let mut response = if self.is_head {
            response.map(Into::into)
        } else {
            let (parts, _) = response.into_parts();
            let pieces = stream::try_unfold(self, FileBody::next);
            let (_, body) = warp::Reply::into_response(warp::reply::stream(pieces)).into_parts();
            Response::from_parts(parts, body)
        };
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length.into());
        response
    }

    /// The next chunk. If the file has become shorter, the connection is closed, because the length has been sent.
    async fn next(mut self) -> io::Result<Option<(Bytes, FileBody)>> {
        if self.length == 0 {
            return Ok(None);
        }
        let read = move || {
            let mut piece = Vec::new();
            let most = self.length.min(PIECE);
            self.file.as_ref().take(most).read_to_end(&mut piece)?;
            if piece.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.length -= piece.len() as u64;
            Ok(Some((Bytes::from(piece), self)))
        };
        tokio::task::spawn_blocking(read).await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_encoding_allows_gzip() {
        let rows = [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0, *", false),
            ("*, gzip;Q=0", false),
            ("*;q=0", false),
            ("br", false),
            ("", false),
        ];
        for (list, allows) in rows {
            assert_eq!(accepts_gzip(list), allows, "{list}");
        }
    }
}
