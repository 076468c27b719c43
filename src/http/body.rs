//! Reads the JSON object in a request's body, or suggests what to send instead: a body that has been tried on the
//! present data.

use std::borrow::Cow;
use std::io::Read;

use bytes::Bytes;
use serde_json::{Map, Value};
use warp::http::{Method, header};

use super::problem::{self, Problem};
use super::request::{Body, Request};
use super::settings::Settings;
use crate::engine::{Engine, Published, WriteError};
use crate::json::{self, Kind, NotObject, Object, Place, SyntaxError, get_member, members};
use crate::rules::ReferenceRule;
use crate::schema::{Holds, Rules};
use crate::store::{Command, Data, Merge, Operation, Refusal, Resource};
use crate::text::{form_decode, nearest};

/// How a body is read: strictly if there are rules, as leniently as json-server without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// JSON only.
    Strict,
    /// A form is accepted, too.
    Lenient,
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON_PATCH: &str = "application/json-patch+json";

/// The body as it was sent.
///
/// # Errors
/// It was not received completely, so the request must not be carried out.
pub(super) fn whole(request: &Request) -> Result<&Bytes, Problem> {
    match &request.body {
        Body::Whole(bytes) => Ok(bytes),
        Body::TooLarge => Err(too_large("the body is too large".into())),
        Body::TooSlow => {
            let detail = "the body did not arrive in time";
            Err(Problem::new(problem::TIMEOUT, detail))
        }
        Body::Broken(words) => {
            let detail = format!("the body ended early: {words}");
            Err(Problem::new(problem::BAD_REQUEST, detail))
        }
    }
}

fn too_large(detail: String) -> Problem {
    Problem::new(problem::TOO_LARGE, detail).hint("start standin with a larger --body-limit")
}

/// Reads the text of a body; an error says in which item of an array it is.
pub(super) type Parse<T> = fn(&str, &Settings) -> Result<T, (usize, NotObject)>;

/// Reads an object.
pub(super) fn object(text: &str, settings: &Settings) -> Result<Object, (usize, NotObject)> {
    Object::parse_to_depth(text, settings.depth).map_err(|error| (0, error))
}

/// Reads an array of objects.
pub(super) fn objects(text: &str, settings: &Settings) -> Result<Vec<Object>, (usize, NotObject)> {
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
}

/// Whether the body of `request` is an array.
pub(super) fn is_array(request: &Request) -> bool {
    matches!(&request.body, Body::Whole(bytes) if bytes.trim_ascii_start().starts_with(b"["))
}

/// The body as a value, whatever its media type: JSON, or the fields of a form; null if it is neither.
pub(super) fn any(request: &Request) -> Value {
    let Body::Whole(bytes) = &request.body else {
        return Value::Null;
    };
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    if let Ok(value) = serde_json::from_str(text) {
        return value;
    }
    match media_type(request).as_deref() {
        Some(FORM) => fields(text).map_or(Value::Null, Value::Object),
        _ => Value::Null,
    }
}

/// Refuses a body that is marked as JSON and is not JSON.
///
/// # Errors
/// The body is not JSON; the error says where.
pub(super) fn check_json(request: &Request) -> Result<(), Problem> {
    let text = std::str::from_utf8(whole(request)?).unwrap_or_default();
    let is_marked = media_type(request).is_some_and(|kind| is_json(&kind));
    if !is_marked || text.trim_ascii().is_empty() {
        return Ok(());
    }
    let checked = json::check(text.trim_start_matches('\u{feff}'), json::MAX_BODY_DEPTH);
    checked.map(drop).map_err(|error| malformed(text, &error))
}

/// The body of `request`, parsed by `parse`. `example` returns a body that works, for the command in a problem.
///
/// # Errors
/// The problem of the body.
pub(super) fn read<T: Default>(
    request: &Request,
    reading: Reading,
    settings: &Settings,
    example: impl Fn(Option<&Object>) -> Option<String>,
    parse: Parse<T>,
) -> Result<T, Problem> {
    let bytes = unpack(request, whole(request)?, settings.body_limit)?;
    let text = utf8(request, &bytes)?;
    let own = |body: &str| request.curl(request.method.as_str(), request.uri.path(), Some(body));
    let works = || example(None).map(|body| own(&body));
    // What was sent, as JSON, with corrections where the rules do not allow it.
    let as_json = || example(Object::parse(text).ok().as_ref()).map(|body| own(&body));
    let blank = text.trim_ascii().is_empty();
    if blank && (reading == Reading::Strict || request.method != Method::POST) {
        let detail = "the request has no body; a JSON object is needed";
        return Err(Problem::new(problem::EMPTY_BODY, detail)
            .hint("give the record with -d")
            .attempt(works()));
    }
    if blank {
        return Ok(T::default());
    }
    let may_be_json = text.trim_ascii_start().starts_with(['{', '[']);
    match media_type(request).as_deref() {
        Some(kind) if is_json(kind) && kind != JSON_PATCH => {}
        Some(FORM) if reading == Reading::Lenient && !may_be_json => {
            let fields = fields(text).ok_or_else(|| {
                let detail = "the form has a broken percent escape";
                Problem::new(problem::BODY_ENCODING, detail).attempt(works())
            })?;
            // A form has no depth.
            return Ok(parse(&Value::Object(fields).to_string(), settings).unwrap_or_default());
        }
        kind => {
            let is_other = kind == Some(JSON_PATCH) || (kind == Some(FORM) && !may_be_json);
            let command = if is_other { works() } else { as_json() };
            return Err(wrong_type(kind, may_be_json).attempt(command));
        }
    }
    parse(text, settings).map_err(|(at, error)| {
        let is_too_deep = matches!(&error, NotObject::Syntax(error) if error.too_deep);
        let problem = not_an_object(request, text, at, error);
        problem.attempt(if is_too_deep { None } else { works() })
    })
}

/// `bytes` as text.
fn utf8<'b>(request: &Request, bytes: &'b [u8]) -> Result<&'b str, Problem> {
    if let Some(charset) = charset(request)
        && !["utf-8", "utf8", "us-ascii"].contains(&charset.as_str())
    {
        let detail = format!("the charset is {charset}, and JSON is UTF-8");
        return Err(Problem::new(problem::MEDIA, detail)
            .hint("send the body as UTF-8, with -H \"Content-Type: application/json\""));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let detail = format!("byte {} of the body is not UTF-8", error.valid_up_to());
        Problem::new(problem::BODY_ENCODING, detail).hint("send the body as UTF-8 text")
    })?;
    Ok(text.trim_start_matches('\u{feff}'))
}

/// The problem of a body whose type is not one of JSON.
fn wrong_type(kind: Option<&str>, may_be_json: bool) -> Problem {
    let (problem, detail, hint) = match kind {
        Some(JSON_PATCH) => (
            problem::MEDIA,
            "the body is a JSON Patch (RFC 6902), which standin does not support".to_string(),
            "PATCH with the properties that change: as application/json they replace those of the record, as application/merge-patch+json they are merged (RFC 7396)",
        ),
        Some(FORM) if may_be_json => (
            problem::CONTENT_TYPE,
            format!("the body is JSON, and the Content-Type says that it is a form ({FORM})"),
            "curl sent application/x-www-form-urlencoded; add -H \"Content-Type: application/json\"",
        ),
        Some(FORM) => (
            problem::CONTENT_TYPE,
            "the body is a form, and JSON is needed".into(),
            "send a JSON object, and add -H \"Content-Type: application/json\"",
        ),
        Some("multipart/form-data") => (
            problem::CONTENT_TYPE,
            "the body is a form (multipart/form-data), and JSON is needed".into(),
            "-F sends a form; send a JSON object with -d and -H \"Content-Type: application/json\"",
        ),
        Some(kind) => (
            problem::CONTENT_TYPE,
            format!("the Content-Type is {kind}, and application/json is needed"),
            "add -H \"Content-Type: application/json\"",
        ),
        None => (
            problem::CONTENT_TYPE,
            "the request has no Content-Type; application/json is needed".into(),
            "add -H \"Content-Type: application/json\"",
        ),
    };
    Problem::new(problem, detail).hint(hint)
}

/// The problem of `text`, which is not an object, or of its item `at`, which is not.
fn not_an_object(request: &Request, text: &str, at: usize, error: NotObject) -> Problem {
    let kind = match error {
        NotObject::Syntax(error) if error.too_deep => {
            let Place { line, column } = Place::of(text, error.offset);
            let detail = format!(
                "line {line}, column {column} of the body: {}",
                error.message
            );
            return Problem::new(problem::NESTING, detail).hint("flatten the record");
        }
        NotObject::Syntax(error) => return malformed(text, &error),
        NotObject::Other(kind) => kind,
    };
    let what = kind.with_article();
    let detail = format!("the body is {what}, and a JSON object is needed");
    let problem = Problem::new(problem::NOT_AN_OBJECT, detail);
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
}

/// How a PATCH is merged, by the media type of its body.
pub(super) fn merge(request: &Request) -> Merge {
    match media_type(request).as_deref() {
        Some("application/merge-patch+json") => Merge::MergePatch,
        _ => Merge::Shallow,
    }
}

/// The highest compression ratio of deflate.
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
                    .hint("the server supports gzip, deflate and identity"),
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
        .filter_map(|part| part.split_once('='))
        .find_map(|(name, value)| name.trim().eq_ignore_ascii_case("charset").then_some(value))?;
    Some(charset.trim().trim_matches('"').to_ascii_lowercase())
}

fn media_type(request: &Request) -> Option<String> {
    let value = request.header(header::CONTENT_TYPE)?;
    let kind = value.split(';').next()?.trim();
    (!kind.is_empty()).then(|| kind.to_ascii_lowercase())
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

/// A form as json-server reads it.
fn fields(text: &str) -> Option<Map<String, Value>> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((
            form_decode(name)?.into_owned(),
            form_decode(value)?.into_owned(),
        ))
    });
    pairs.collect::<Option<Vec<_>>>().map(by_name)
}

/// Pairs as an object: values are strings, a name that comes again makes an array.
pub(super) fn by_name(pairs: impl IntoIterator<Item = (String, String)>) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in pairs {
        let value = Value::from(value);
        match object.get_mut(&name) {
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => drop(object.insert(name, value)),
        }
    }
    object
}

/// A longer body is not repaired: nobody would read the command.
const LONGEST: usize = 16 * 1024;
/// How many times a value is corrected.
const MOST_TRIES: usize = 20;

/// A body with which `command` works: `sent` with corrections, or else an example. `None` if none was found.
pub(super) fn suggested(
    engine: &Engine,
    command: &Command,
    sent: Option<&Object>,
) -> Option<String> {
    let published = engine.snapshot();
    let resource = published.store.resource(&command.resource)?;
    let suggestion = Suggestion {
        engine,
        published: &published,
        resource,
        command,
    };
    if let Some(sent) = sent.filter(|sent| suggestion.outcome(sent).is_ok()) {
        return Some(sent.as_str().trim_ascii().to_string());
    }
    let schema = engine.schema();
    let Some(rules) = schema.rules(&command.resource) else {
        let stored = suggestion.stored(|_| true);
        let stored = stored.map(|value| value.to_string());
        return Some(stored.unwrap_or_else(|| suggestion.sample()));
    };
    let may_send = |name: &str| may_send(rules, name);
    let sent = sent.filter(|sent| sent.as_str().len() <= LONGEST);
    let sent = sent.and_then(|sent| serde_json::from_str(sent.as_str()).ok());
    sent.into_iter()
        .chain(
            suggestion
                .stored(may_send)
                .or_else(|| rules.example.clone()),
        )
        .find_map(|start| suggestion.fit(rules, start))
}

/// Whether clients may send the property `name`.
fn may_send(rules: &Rules, name: &str) -> bool {
    let mut properties = rules.properties.iter();
    !properties.any(|property| property.name == name && property.read_only)
}

/// `value` with unknown names replaced by the most similar known ones. (The rules themselves report a missing
/// property.)
fn with_known_names(value: Value, rules: &Rules) -> Value {
    let Value::Object(sent) = value else {
        return value;
    };
    let known = || rules.properties.iter().map(|one| one.name.as_str());
    let mut members = Map::new();
    for (name, value) in &sent {
        let meant = match nearest(name, known()) {
            Some(near) if !known().any(|one| one == name) && !sent.contains_key(near) => near,
            _ => name,
        };
        members.insert(meant.to_string(), value.clone());
    }
    Value::Object(members)
}

struct Suggestion<'a> {
    engine: &'a Engine,
    published: &'a Published,
    resource: &'a Resource,
    command: &'a Command,
}

impl Suggestion<'_> {
    fn id(&self) -> &str {
        &self.published.store.settings().id
    }

    /// Dry run of the command with `body`.
    fn outcome(&self, body: &Object) -> Result<(), WriteError> {
        let command = self.command.clone().with_body(body);
        self.engine
            .rulebook()
            .plan(&self.published.full, &command)
            .map(|_| ())
    }

    /// The stored value, so that the suggested command changes nothing else: all of it for PUT, one member for PATCH.
    /// `None` if the command creates a record.
    fn stored(&self, may_send: impl Fn(&str) -> bool) -> Option<Value> {
        if self.command.operation == Operation::Create {
            return None;
        }
        let text = self.published.store.current(self.command)?;
        let mut members: Map<String, Value> = serde_json::from_str(text).ok()?;
        if self.resource.collection().is_some() {
            members.shift_remove(self.id());
        }
        members.retain(|name, _| may_send(name));
        if matches!(self.command.operation, Operation::Merge(_)) {
            members = members.into_iter().take(1).collect();
        }
        (!members.is_empty()).then_some(Value::Object(members))
    }

    /// A body for a resource without rules.
    fn sample(&self) -> String {
        let first = match self.resource.data() {
            Data::Collection(rows) => rows.window(0, 1).next().map(|record| record.value()),
            Data::Object(text) | Data::Scalar(text) => Some(&**text),
        };
        let sample = first.and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
        let sample = sample.map(|mut members| {
            members.shift_remove(self.id());
            Value::Object(members).to_string()
        });
        sample.unwrap_or_else(|| "{\"name\": \"value\"}".into())
    }

    /// A body like `start` that the rules and the data allow.
    fn fit(&self, rules: &Rules, start: Value) -> Option<String> {
        let is_patch = matches!(self.command.operation, Operation::Merge(_));
        let is_new = self.command.operation == Operation::Create;
        let current = self.published.full.current(self.command);
        let current = current.filter(|_| is_patch);
        let current: Option<Map<String, Value>> =
            current.and_then(|text| serde_json::from_str(text).ok());
        let mut value = start;
        if !is_new && rules.holds == Holds::Records {
            // The id is not changed.
            value.as_object_mut()?.shift_remove(self.id());
        }
        if is_patch {
            value = with_known_names(value, rules);
        }
        let sent: Vec<String> = value.as_object()?.keys().cloned().collect();
        if let Some(current) = &current {
            let mut merged = current.clone();
            merged.extend(value.as_object()?.clone());
            value = Value::Object(merged);
        }
        for member in members(self.command.body.as_str()) {
            value.as_object_mut()?.insert(
                member.key.to_string(),
                serde_json::from_str(member.value).ok()?,
            );
        }
        for number in 1..=MOST_TRIES {
            value = rules.repaired(value)?;
            let mut members = value.as_object()?.clone();
            if let Some(current) = &current {
                members
                    .retain(|name, value| sent.contains(name) || current.get(name) != Some(value));
            }
            members.retain(|name, _| may_send(rules, name));
            if is_patch && members.is_empty() {
                return None;
            }
            let text = Value::Object(members).to_string();
            match self.outcome(&Object::parse(&text).ok()?) {
                Ok(()) => return Some(text),
                Err(WriteError::Refused(refusal)) => {
                    self.change_refused(rules, &refusal, &mut value, number)?
                }
                // The generated id.
                Err(WriteError::Rules { .. }) if is_new => {
                    let id = rules.example_ids().into_iter().nth(number - 1)?;
                    value.as_object_mut()?.insert(self.id().to_string(), id);
                }
                Err(_) => return None,
            }
        }
        None
    }

    /// Changes a value that the data does not allow.
    fn change_refused(
        &self,
        rules: &Rules,
        refusal: &Refusal,
        value: &mut Value,
        number: usize,
    ) -> Option<()> {
        match refusal {
            Refusal::NotUnique { values, .. } => self.make_unique(rules, values, value, number),
            Refusal::Dangling { rule, .. } => {
                let target = self.target(rule);
                let members = value.as_object_mut()?;
                let instead = match (target, rule.many) {
                    (Some(target), true) => Some(Value::Array(vec![target])),
                    (None, true) => Some(Value::Array(Vec::new())),
                    (target, false) => target,
                };
                match instead.filter(|instead| members.get(&rule.property) != Some(instead)) {
                    Some(instead) => drop(members.insert(rule.property.clone(), instead)),
                    None => drop(members.shift_remove(&rule.property)?),
                }
                Some(())
            }
            Refusal::IdTaken { .. } | Refusal::NoId { .. } => {
                value.as_object_mut()?.shift_remove(self.id()).map(|_| ())
            }
            _ => None,
        }
    }

    /// Gives the first of the properties `taken` a value that no record has.
    fn make_unique(
        &self,
        rules: &Rules,
        taken: &[(String, String)],
        value: &mut Value,
        number: usize,
    ) -> Option<()> {
        let (name, _) = taken.first()?;
        let count = self.resource.collection().map_or(0, |rows| rows.len());
        let before = value[name].clone();
        // Skips those that were tried before.
        let variants = rules.variants(name, &before, count + number);
        let is_free = |variant: &Value| {
            value[name] = variant.clone();
            let Ok(body) = Object::parse(&value.to_string()) else {
                return false;
            };
            match self.outcome(&body) {
                Err(WriteError::Refused(Refusal::NotUnique { values, .. })) => {
                    values != *taken && values.first().is_some_and(|(other, _)| other != name)
                }
                Err(WriteError::Rules { .. } | WriteError::TooComplex(_)) => false,
                _ => true,
            }
        };
        let found = variants.into_iter().take(200).find(is_free);
        found.map(|_| ())
    }

    /// A valid value of the reference.
    fn target(&self, rule: &ReferenceRule) -> Option<Value> {
        let rows = self.published.store.records(&rule.resource)?;
        rows.window(0, 100)
            .find_map(|row| serde_json::from_str(get_member(row.value(), &rule.target)?).ok())
    }
}
