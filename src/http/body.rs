//! The JSON object in a request's body, or the problem that says what to send instead.

use std::borrow::Cow;
use std::io::Read;

use bytes::Bytes;
use serde_json::{Map, Value};
use warp::http::{Method, header};

use super::problem::{self, Problem};
use super::request::{Body, Request};
use super::settings::Settings;
use crate::json::{self, Kind, NotObject, Object, Place, SyntaxError};
use crate::store::Merge;
use crate::text::form_decode;

/// How a body is read: strictly if there are rules, as leniently as json-server without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// JSON only.
    Strict,
    /// A form is accepted, too.
    Lenient,
}

/// The body as it was sent.
///
/// # Errors
/// It was not received completely; the request must not be carried out.
pub(super) fn whole(request: &Request) -> Result<&Bytes, Problem> {
    match &request.body {
        Body::Whole(bytes) => Ok(bytes),
        Body::TooLarge => Err(too_large("the body is too large".into())),
        Body::TooSlow => Err(Problem::new(
            problem::TIMEOUT,
            "the body did not arrive in time",
        )),
        Body::Broken(words) => Err(Problem::new(
            problem::BAD_REQUEST,
            format!("the body ended early: {words}"),
        )),
    }
}

fn too_large(detail: String) -> Problem {
    Problem::new(problem::TOO_LARGE, detail).hint("start standin with a larger --body-limit")
}

/// The object in the body of `request`. `example` makes a body that works, for the command in a problem.
///
/// # Errors
/// The problem of the body.
pub(super) fn object(
    request: &Request,
    reading: Reading,
    settings: &Settings,
    example: impl Fn(Option<&Object>) -> Option<String>,
) -> Result<Object, Problem> {
    read(request, reading, settings, example, |text| {
        Object::parse_to_depth(text, settings.depth).map_err(|error| (0, error))
    })
}

/// The objects in the array that is the body of `request`.
///
/// # Errors
/// The problem of the body.
pub(super) fn objects(
    request: &Request,
    reading: Reading,
    settings: &Settings,
    example: impl Fn(Option<&Object>) -> Option<String>,
) -> Result<Vec<Object>, Problem> {
    read(request, reading, settings, example, |text| {
        let range = json::check(text, settings.depth.min(json::MAX_BODY_DEPTH))
            .map_err(|error| (0, NotObject::Syntax(error)))?;
        let parse = |(at, item)| Object::parse(item).map_err(|error| (at, error));
        let objects: Vec<Object> = json::items(&text[range])
            .enumerate()
            .map(parse)
            .collect::<Result<_, _>>()?;
        if objects.is_empty() {
            return Err((0, NotObject::Other(Kind::Array)));
        }
        Ok(objects)
    })
}

/// Whether the body of `request` is an array.
pub(super) fn is_array(request: &Request) -> bool {
    matches!(&request.body, Body::Whole(bytes) if bytes.trim_ascii_start().starts_with(b"["))
}

/// The body as a value, whatever its type says: JSON, or the fields of a form; null where it is neither.
pub(super) fn any(request: &Request) -> Value {
    let Body::Whole(bytes) = &request.body else {
        return Value::Null;
    };
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    if let Ok(value) = serde_json::from_str(text) {
        return value;
    }
    match media_type(request).as_deref() {
        Some("application/x-www-form-urlencoded") => {
            fields(text).map_or(Value::Null, Value::Object)
        }
        _ => Value::Null,
    }
}

/// Refuses a body that is marked as JSON and is not JSON.
///
/// # Errors
/// The place at which it is not.
pub(super) fn check_json(request: &Request) -> Result<(), Problem> {
    let text = std::str::from_utf8(whole(request)?).unwrap_or_default();
    let is_marked = media_type(request).is_some_and(|kind| is_json(&kind));
    if !is_marked || text.trim_ascii().is_empty() {
        return Ok(());
    }
    let checked = json::check(text.trim_start_matches('\u{feff}'), json::MAX_BODY_DEPTH);
    checked.map(drop).map_err(|error| malformed(text, &error))
}

/// What `parse` makes of the body; of an error it says in which item of an array it is.
fn read<T: Default>(
    request: &Request,
    reading: Reading,
    settings: &Settings,
    example: impl Fn(Option<&Object>) -> Option<String>,
    parse: impl Fn(&str) -> Result<T, (usize, NotObject)>,
) -> Result<T, Problem> {
    let bytes = whole(request)?;
    let bytes = unpack(request, bytes, settings.body_limit)?;
    if let Some(charset) = charset(request)
        && !["utf-8", "utf8", "us-ascii"].contains(&charset.as_str())
    {
        return Err(Problem::new(
            problem::MEDIA,
            format!("the charset is {charset}, and JSON is UTF-8"),
        )
        .hint("send the body as UTF-8, with -H \"Content-Type: application/json\""));
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let place = error.valid_up_to();
        Problem::new(
            problem::BODY_ENCODING,
            format!("byte {place} of the body is not UTF-8"),
        )
        .hint("send the body as UTF-8 text")
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let own = |body: &str| request.curl(request.method.as_str(), request.uri.path(), Some(body));
    // What was sent, as JSON and with what the rules do not allow changed.
    let as_json = || example(Object::parse(text).ok().as_ref()).map(|body| own(&body));
    let blank = text.trim_ascii().is_empty();
    if blank && (reading == Reading::Strict || !request.method.as_str().eq("POST")) {
        return Err(Problem::new(
            problem::EMPTY_BODY,
            "the request has no body; a JSON object is needed",
        )
        .hint("give the record with -d")
        .maybe_attempt(example(None).map(|body| own(&body))));
    }
    match media_type(request).as_deref() {
        _ if blank => return Ok(T::default()),
        Some("application/json-patch+json") => {
            return Err(Problem::new(problem::MEDIA, "the body is a JSON Patch (RFC 6902), which standin does not take")
                .hint("PATCH with the properties that change: as application/json they replace those of the record, as application/merge-patch+json they are merged (RFC 7396)")
                .maybe_attempt(example(None).map(|body| own(&body))));
        }
        Some(kind) if is_json(kind) => {}
        Some("application/x-www-form-urlencoded") => {
            let json =
                Object::parse(text).is_ok() || text.trim_ascii_start().starts_with(['{', '[']);
            if json {
                return Err(Problem::new(
                    problem::CONTENT_TYPE,
                    "the body is JSON, and the Content-Type says that it is a form (application/x-www-form-urlencoded)",
                )
                .hint("curl sent application/x-www-form-urlencoded; add -H \"Content-Type: application/json\"")
                .maybe_attempt(as_json()));
            }
            if reading == Reading::Lenient {
                let fields = fields(text).ok_or_else(|| {
                    Problem::new(
                        problem::BODY_ENCODING,
                        "the form has a broken percent escape",
                    )
                    .maybe_attempt(example(None).map(|body| own(&body)))
                })?;
                // A form has no depth.
                return Ok(parse(&Value::Object(fields).to_string()).unwrap_or_default());
            }
            return Err(Problem::new(
                problem::CONTENT_TYPE,
                "the body is a form, and JSON is needed",
            )
            .hint("send a JSON object, and add -H \"Content-Type: application/json\"")
            .maybe_attempt(example(None).map(|body| own(&body))));
        }
        other => {
            let detail = match other {
                Some(kind) => format!("the Content-Type is {kind}, and application/json is needed"),
                None => "the request has no Content-Type; application/json is needed".to_string(),
            };
            return Err(Problem::new(problem::CONTENT_TYPE, detail)
                .hint("add -H \"Content-Type: application/json\"")
                .maybe_attempt(as_json()));
        }
    }
    parse(text).map_err(|(at, error)| match error {
        NotObject::Syntax(error) if error.too_deep => {
            let place = Place::of(text, error.offset);
            let detail = format!(
                "line {}, column {} of the body: {}",
                place.line, place.column, error.message
            );
            Problem::new(problem::NESTING, detail).hint("flatten the record")
        }
        NotObject::Syntax(error) => {
            malformed(text, &error).maybe_attempt(example(None).map(|body| own(&body)))
        }
        NotObject::Other(kind) => {
            let problem = Problem::new(
                problem::NOT_AN_OBJECT,
                format!(
                    "the body is {}, and a JSON object is needed",
                    kind.with_article()
                ),
            );
            match kind {
                Kind::Array if request.method == Method::POST => {
                    problem.hint("put records into the array, or send one object")
                }
                Kind::Array => problem.hint("send one object, without the square brackets"),
                _ if is_array(request) => problem
                    .within(&format!("/{at}"))
                    .hint("each item of the array is a record"),
                _ => problem.hint("put the properties in braces: {\"name\": \"value\"}"),
            }
            .maybe_attempt(example(None).map(|body| own(&body)))
        }
    })
}

/// How a PATCH is merged, by the media type of its body.
pub(super) fn merge(request: &Request) -> Merge {
    match media_type(request).as_deref() {
        Some("application/merge-patch+json") => Merge::MergePatch,
        _ => Merge::Shallow,
    }
}

/// How much deflate packs into a byte at most.
const MAX_RATIO: usize = 1032;

/// How many bytes a body may have once it is unpacked.
pub(super) fn most_bytes(request: &Request, bytes: &[u8], limit: usize) -> usize {
    if request.headers.contains_key(header::CONTENT_ENCODING) {
        bytes.len().saturating_mul(MAX_RATIO).min(limit)
    } else {
        bytes.len()
    }
}

/// Decodes `Content-Encoding`. A small body can decompress to a huge one, so this stops at `limit`, too.
fn unpack<'a>(request: &Request, bytes: &'a [u8], limit: usize) -> Result<Cow<'a, [u8]>, Problem> {
    let encoding = request
        .header(header::CONTENT_ENCODING)
        .map(|name| name.trim().to_ascii_lowercase());
    let decoder: Box<dyn Read> = match encoding.as_deref() {
        None | Some("identity" | "") => return Ok(Cow::Borrowed(bytes)),
        Some("gzip" | "x-gzip") => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        Some("deflate") => Box::new(flate2::read::ZlibDecoder::new(bytes)),
        Some(other) => {
            return Err(
                Problem::new(problem::MEDIA, format!("the Content-Encoding is {other}"))
                    .hint("the server takes gzip, deflate and identity"),
            );
        }
    };
    let mut unpacked = Vec::new();
    match decoder.take(limit as u64 + 1).read_to_end(&mut unpacked) {
        Ok(size) if size > limit => Err(too_large(format!(
            "the unpacked body is larger than {limit} bytes"
        ))),
        Ok(_) => Ok(Cow::Owned(unpacked)),
        Err(error) => Err(Problem::new(
            problem::BODY_ENCODING,
            format!("the body cannot be unpacked: {error}"),
        )),
    }
}

fn charset(request: &Request) -> Option<String> {
    let value = request.header(header::CONTENT_TYPE)?;
    let charset = value
        .split(';')
        .skip(1)
        .find_map(|part| part.trim().strip_prefix("charset="))?;
    Some(charset.trim_matches('"').to_ascii_lowercase())
}

fn media_type(request: &Request) -> Option<String> {
    let value = request.header(header::CONTENT_TYPE)?;
    Some(
        value
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
            .to_ascii_lowercase(),
    )
    .filter(|kind| !kind.is_empty())
}

fn is_json(kind: &str) -> bool {
    kind == "application/json"
        || kind == "text/json"
        || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn malformed(text: &str, error: &SyntaxError) -> Problem {
    let place = Place::of(text, error.offset);
    let line = text.lines().nth(place.line - 1).unwrap_or("").trim_end();
    let mut detail = format!(
        "line {}, column {} of the body: {}",
        place.line, place.column, error.message
    );
    if !line.trim().is_empty() && line.chars().count() <= 120 {
        detail.push_str(&format!(", in the line {}", line.trim()));
    }
    let problem = Problem::new(problem::MALFORMED_JSON, detail);
    match &error.hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// A form as json-server reads it: values are strings, a name that comes again makes an array.
fn fields(text: &str) -> Option<Map<String, Value>> {
    let mut fields = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (
            form_decode(name)?.into_owned(),
            Value::from(form_decode(value)?),
        );
        match fields.get_mut(&name) {
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => drop(fields.insert(name, value)),
        }
    }
    Some(fields)
}
