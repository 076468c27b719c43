//! Causes that lie in the request: its body, its path, its query.

use serde_json::Value;

use super::Case;
use crate::data::Source;
use crate::url;
use crate::words::nearest;

pub(super) fn sent_as_form(case: &Case<'_>) -> Option<String> {
    let typed = case.call.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"))?;
    let body = std::str::from_utf8(&case.call.body).ok()?.trim_start();
    (typed.1.contains("form-urlencoded") && body.starts_with(['{', '[']))
        .then(|| "the JSON is sent as a form: `-H \"Content-Type: application/json\"` is missing".to_owned())
}

pub(super) fn broken_body(case: &Case<'_>) -> Option<String> {
    let typed = case.call.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"))?;
    let body = std::str::from_utf8(&case.call.body).ok()?;
    if !typed.1.contains("json") || body.is_empty() {
        return None;
    }
    let why = serde_json::from_str::<Value>(body).err()?;
    if body.contains(['\u{201c}', '\u{201d}']) {
        return Some("the body has typographic quotes (“ ”), and JSON knows only straight ones".to_owned());
    }
    Some(format!("the body that is sent is no JSON: {why}"))
}

pub(super) fn unknown_resource(case: &Case<'_>) -> Option<String> {
    if case.answer.status != 404 {
        return None;
    }
    let segments = url::segments(&case.call.target);
    let first = segments.first()?;
    let resources = case.source.resources();
    if resources.contains(&first.as_str()) || first == "db" {
        return None;
    }
    if let Some(at) = segments.iter().position(|part| resources.contains(&part.as_str())) {
        let prefix = segments[..at].join("/");
        return Some(format!(
            "the server has no `/{prefix}`; `--prefix /{prefix}` or `prefix: /{prefix}` in the front matter maps it away"
        ));
    }
    let near = nearest(first, resources.iter().copied());
    Some(match near {
        Some(near) => format!("`/{first}` is no resource of the database, did you mean `/{near}`?"),
        None => format!("`/{first}` is no resource of the database, which has {}", list(&resources)),
    })
}

/// Query parameters that are operators or options of the server.
const PARAMETERS: &[&str] = &["q", "callback", "_"];

const SUFFIXES: &[&str] =
    &["_gte", "_lte", "_gt", "_lt", "_ne", "_like", "_in", "_contains", "_startsWith", "_endsWith"];

pub(super) fn unknown_fields(case: &Case<'_>) -> Vec<String> {
    let mut out = unknown_in_query(&case.call.target, case.source);
    let Some(resource) = case.resource() else { return out };
    let fields = case.source.fields(&resource);
    // A body may well bring new fields; only one that nearly exists is suspicious.
    let sent = serde_json::from_slice::<Value>(&case.call.body).ok();
    for key in sent.as_ref().and_then(Value::as_object).into_iter().flat_map(serde_json::Map::keys) {
        if !fields.contains(&key.as_str()) && nearest(key, fields.iter().copied()).is_some() {
            out.push(no_field(key, &resource, &fields));
        }
    }
    out
}

/// Filters and sort keys of a target that no record of its collection has.
#[must_use]
pub fn unknown_in_query(target: &str, source: &Source) -> Vec<String> {
    // `/posts/1/comments` is a list of comments.
    let segments = url::segments(target);
    let Some(resource) = segments.get(2).or(segments.first()) else { return Vec::new() };
    let mut fields = source.fields(resource);
    if fields.is_empty() {
        return Vec::new();
    }
    let mut out = Vec::new();
    let named = url::query(target);
    // Related records are put in as fields.
    let put_in = named.iter().filter(|(name, _)| matches!(name.as_str(), "_expand" | "_embed"));
    fields.extend(put_in.flat_map(|(_, value)| value.split(',')));
    let sorted = named.iter().filter(|(name, _)| name == "_sort").flat_map(|(_, value)| value.split(','));
    let sorted: Vec<&str> = sorted.map(|field| field.trim_start_matches('-')).collect();
    let filters =
        named.iter().map(|(name, _)| name.as_str()).filter(|name| !name.starts_with('_') && !PARAMETERS.contains(name));
    for name in filters.chain(sorted) {
        let bare = name.split_once(':').map_or(name, |(field, _)| field);
        let bare = SUFFIXES.iter().find_map(|suffix| bare.strip_suffix(suffix)).unwrap_or(bare);
        let top = bare.split(['.', '[']).next().unwrap_or(bare);
        if !top.is_empty() && !fields.contains(&top) && !fields.contains(&bare) {
            out.push(no_field(top, resource, &fields));
        }
    }
    out
}

fn no_field(name: &str, resource: &str, fields: &[&str]) -> String {
    match nearest(name, fields.iter().copied()) {
        Some(near) => format!("`{name}` is no field of {resource}, did you mean `{near}`?"),
        None => format!("`{name}` is no field of {resource}, which has {}", list(fields)),
    }
}

fn list(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let mut out = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        out.push_str(", …");
    }
    out
}
