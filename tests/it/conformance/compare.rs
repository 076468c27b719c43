//! Compares expected and actual responses, and lists the differences.

use std::fmt;

use serde_json::Value;
use standin::internals::json::Layout;

use super::case::Line;
use crate::wire::Response;

/// One difference.
#[derive(Debug, Clone)]
pub struct Difference {
    /// `GET /posts`, `file`, `start`.
    pub place: String,
    pub what: String,
    /// What is special about the case or the request: `hinted`, `after DELETE`, `--no-cors`.
    pub tags: Vec<String>,
    /// The response to an earlier write differed: this may be a consequence.
    pub after_write: bool,
}

impl Difference {
    pub fn of(place: impl Into<String>, what: impl Into<String>) -> Difference {
        Difference {
            place: place.into(),
            what: what.into(),
            tags: Vec::new(),
            after_write: false,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for tag in &self.tags {
            write!(formatter, "{{{tag}}} ")?;
        }
        write!(formatter, "{}: {}", self.place, self.what)
    }
}

/// The headers that clients rely on.
const HEADERS: [&str; 5] = [
    "location",
    "link",
    "x-total-count",
    "allow",
    "content-encoding",
];

/// How `response` differs from `expect`.
pub fn responses(
    line: Line,
    method: &str,
    target: &str,
    expect: &Value,
    response: &Response,
) -> Vec<Difference> {
    let place = format!("{method} {target}");
    let mut found: Vec<String> = Vec::new();
    found.extend(broken_promise(response));
    let body = response.json();
    let (before, after) = (described(expect), outcome(response));
    let is_problem = response.media_type() == "application/problem+json";
    let status = expect["status"].as_u64() == Some(u64::from(response.status));
    if line == Line::New {
        // Only the results of queries must be the same.
        if matches!(method, "GET") {
            match (&expect["body"], body) {
                (_, _) if is_problem || expect["status"] != 200 => {
                    if before != after {
                        found.push(format!("{before} -> {after}"));
                    }
                }
                (expected, Some(got)) => lists(expected, &got, &mut |what| {
                    found.push(format!("body {what}"))
                }),
                (_, None) => found.push(format!("{before} -> {after}")),
            }
        }
        return found
            .into_iter()
            .map(|what| Difference::of(&place, what))
            .collect();
    }
    if !status || (is_problem && before != after) {
        found.push(format!("{before} -> {after}"));
    }
    let totals = totals(expect, response).filter(|_| status);
    if let Some(what) = &totals {
        // Differences of the list and its links are a consequence.
        found.push(format!("body {what}"));
    }
    if status {
        headers(expect, response, &mut found);
    }
    if totals.is_some() {
        found.retain(|what| {
            !what.starts_with("header link") && !what.starts_with("header x-total-count")
        });
    }
    if status && !is_problem && totals.is_none() {
        if let (Some(known), Some(got)) = (
            expect["headers"]["content-type"].as_str(),
            response.header("content-type"),
        ) && known.starts_with("application/json")
            && response.media_type() == "application/json"
            && !known.eq_ignore_ascii_case(&got)
        {
            found.push(format!("header content-type {known} -> {got}"));
        }
        let known = expect["headers"]["content-type"]
            .as_str()
            .map(|kind| kind.split(';').next().unwrap_or(""));
        if expect["body_text"] != "" && known.unwrap_or("") != response.media_type() {
            let got = response
                .header("content-type")
                .map_or_else(|| "-".into(), |_| response.media_type());
            found.push(format!("type {} -> {got}", known.unwrap_or("-")));
        } else if let Some(format) = expect["body_format"].as_str() {
            match &body {
                Some(got) => {
                    values("", &expect["body"], got, &mut |what| {
                        found.push(format!("body {what}"))
                    });
                    let text = response.text();
                    let is_pretty = Layout::PRETTY.render(&text, "") == text;
                    if format == "pretty2" && !is_pretty {
                        found.push("another layout".into());
                    }
                }
                None => found.push(format!("{before} -> {after}")),
            }
        } else if let Some(length) = expect["body_length"].as_u64() {
            if length != response.body.len() as u64 {
                found.push(format!("length {length} -> {}", response.body.len()));
            }
        } else if expect["engine_text"] != true {
            let (text, start) = (
                expect["body_text"].as_str(),
                expect["body_text_prefix"].as_str(),
            );
            let is_it = match (text, start) {
                (Some(text), _) => text == response.text(),
                (None, Some(start)) => response.text().starts_with(start),
                (None, None) => true,
            };
            if !is_it {
                found.push("another text".into());
            }
        }
    }
    found
        .into_iter()
        .map(|what| Difference::of(&place, what))
        .collect()
}

/// How `response` differs from what the case says of standin itself.
pub fn pinned(method: &str, target: &str, pin: &Value, response: &Response) -> Vec<Difference> {
    let mut found = Vec::new();
    let place = format!("{method} {target}");
    if let Some(status) = pin["status"]
        .as_u64()
        .filter(|status| *status != u64::from(response.status))
    {
        found.push(Difference::of(
            &place,
            format!("standin: status {} and not {status}", response.status),
        ));
    }
    for (name, value) in pin["headers"].as_object().into_iter().flatten() {
        let got = response.header(name);
        if got.as_deref() != value.as_str() && !(value == "<any>" && got.is_some()) {
            found.push(Difference::of(
                &place,
                format!("standin: {name} {got:?} and not {value}"),
            ));
        }
    }
    if let Some(body) = pin.get("body") {
        let got = response.json().unwrap_or_default();
        values("", body, &got, &mut |what| {
            found.push(Difference::of(&place, format!("standin: body {what}")))
        });
    }
    for (name, value) in pin["problem"].as_object().into_iter().flatten() {
        let got = response
            .json()
            .and_then(|body| body.get(name).cloned())
            .unwrap_or_default();
        let holds = got
            .as_str()
            .is_some_and(|got| got.contains(value.as_str().unwrap_or("\0")))
            || got == *value;
        if !holds {
            found.push(Difference::of(
                &place,
                format!("standin: {name} {got} and not {value}"),
            ));
        }
    }
    found
}

/// How the data file differs from what it should be.
pub fn files(line: Line, expected: &Value, got: &Value) -> Vec<Difference> {
    if line == Line::New {
        return Vec::new();
    }
    let mut found = Vec::new();
    values("", expected, got, &mut |what| {
        found.push(Difference::of("file", what))
    });
    found
}

/// An expected response in a few words: `404 {}`, `500 text`, `200 json`.
fn described(expect: &Value) -> String {
    let status = &expect["status"];
    let kind = if expect.get("body_format").is_some() {
        if expect["status"].as_u64() >= Some(400)
            && expect["body"] == Value::Object(Default::default())
        {
            "{}"
        } else {
            "json"
        }
    } else if expect["body_text"] == "" {
        "nothing"
    } else {
        "text"
    };
    format!("{status} {kind}")
}

/// A response in a few words: `404 no-record`, `200 json`.
fn outcome(response: &Response) -> String {
    let kind = match response.json() {
        Some(body) if response.media_type() == "application/problem+json" => {
            let kind = body["type"].as_str().unwrap_or("");
            kind.strip_prefix("/-/errors#").unwrap_or("?").to_string()
        }
        Some(_) => "json".into(),
        None if response.body.is_empty() => "nothing".into(),
        None => "text".into(),
    };
    format!("{} {kind}", response.status)
}

/// The guarantee for every response of standin: an error is a complete problem document of a documented kind.
fn broken_promise(response: &Response) -> Option<String> {
    if response.status < 400
        || response.body.is_empty()
        || response.media_type() == "text/javascript"
    {
        return None;
    }
    let body = response
        .json()
        .filter(|_| response.media_type() == "application/problem+json");
    let Some(body) = body else {
        return Some(format!("{} is not a problem document", response.status));
    };
    let has = |name: &str| {
        body[name]
            .as_str()
            .is_some_and(|text| !text.trim().is_empty())
    };
    let kind = body["type"]
        .as_str()
        .unwrap_or("")
        .rsplit('#')
        .next()
        .unwrap_or("");
    let documented = include_str!("../../../docs/errors.md").contains(&format!("\n## {kind}\n"));
    let whole = has("type")
        && has("title")
        && has("detail")
        && body["status"] == response.status
        && documented;
    (!whole).then(|| format!("a problem document is not whole: {body}"))
}

fn headers(expect: &Value, response: &Response, found: &mut Vec<String>) {
    let is_core = |name: &str| HEADERS.contains(&name) || name.starts_with("access-control-");
    let expected: Vec<(&str, &str)> = expect["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or("")))
        .filter(|(name, _)| is_core(name))
        .collect();
    for (name, value) in &expected {
        let got = response.header(name);
        if got.as_deref() == Some(*value) || (*value == "<any>" && got.is_some()) {
            continue;
        }
        match got {
            Some(got) if *name == "location" && leads_to_same(value, &got) => {
                found.push("location URL -> path".into());
            }
            got => {
                let value = if value.is_empty() { "(empty)" } else { value };
                found.push(format!(
                    "header {name} {value} -> {}",
                    got.as_deref().unwrap_or("-")
                ));
            }
        }
    }
    for (name, value) in &response.headers {
        if is_core(name) && !expected.iter().any(|(known, _)| known == name) {
            found.push(format!("header {name} - -> {value}"));
        }
    }
}

/// The difference of the total counts, if there is one.
fn totals(expect: &Value, response: &Response) -> Option<String> {
    let before: u64 = expect["headers"]["x-total-count"].as_str()?.parse().ok()?;
    let after: u64 = response.header("x-total-count")?.parse().ok()?;
    count(before, after)
}

fn count(before: u64, after: u64) -> Option<String> {
    match after.cmp(&before) {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Less => Some(format!("/ {before} rows, {} fewer", before - after)),
        std::cmp::Ordering::Greater => Some(format!("/ {before} rows, {} more", after - before)),
    }
}

/// Like [`values`], but if both are envelopes of a page and the total counts differ, reports only that.
fn lists(expected: &Value, got: &Value, say: &mut dyn FnMut(String)) {
    match (expected["items"].as_u64(), got["items"].as_u64()) {
        (Some(before), Some(after)) if before != after => {
            if let Some(what) = count(before, after) {
                say(what);
            }
        }
        _ => values("", expected, got, say),
    }
}

/// Whether a path names what the URL names: the last segment, and no query.
fn leads_to_same(url: &str, path: &str) -> bool {
    let last = |text: &str| text.rsplit('/').next().unwrap_or("").to_string();
    url.starts_with("http://")
        && path.starts_with('/')
        && !path.contains('?')
        && last(url) == last(path)
}

/// What is different in two JSON values, each with the pointer to its place.
fn values(pointer: &str, expected: &Value, got: &Value, say: &mut dyn FnMut(String)) {
    let at = if pointer.is_empty() { "/" } else { pointer };
    match (expected, got) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in before {
                match after.get(name) {
                    Some(now) => values(&format!("{pointer}/{name}"), value, now, say),
                    None => say(format!("{pointer}/{name} {} -> -", short(value))),
                }
            }
            for (name, value) in after {
                if !before.contains_key(name) {
                    say(format!("{pointer}/{name} - -> {}", short(value)));
                }
            }
            let common = |one: &serde_json::Map<String, Value>,
                          other: &serde_json::Map<String, Value>| {
                one.keys()
                    .filter(|name| other.contains_key(*name))
                    .cloned()
                    .collect::<Vec<_>>()
            };
            if common(before, after) != common(after, before) {
                say(format!("{at} other order of properties"));
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            let same_rows = before.iter().all(|row| after.contains(row));
            if same_rows && before != after {
                say(format!("{at} other order of rows"));
                return;
            }
            for (index, (expected, got)) in before.iter().zip(after).enumerate() {
                values(&format!("{pointer}/{index}"), expected, got, say);
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            let without = |all: &[Value], some: &[Value]| {
                let mut rest = all.to_vec();
                some.iter().all(|row| {
                    rest.iter()
                        .position(|one| one == row)
                        .map(|at| rest.remove(at))
                        .is_some()
                })
            };
            let (old, new) = (before.len(), after.len());
            if new > old && without(after, before) {
                say(format!("{at} {old} rows, {} more", new - old));
            } else if new < old && without(before, after) {
                say(format!("{at} {old} rows, {} fewer", old - new));
            } else {
                say(format!("{at} {old} rows -> {new} other rows"));
            }
        }
        (Value::Number(before), Value::Number(after))
            if before != after && before.as_f64() == after.as_f64() =>
        {
            say(format!("{at} spelling {before} -> {after}"));
        }
        (Value::String(before), Value::Number(after)) if *before == after.to_string() => {
            say(format!("{at} text {before} -> number"));
        }
        (before, after) if before != after => {
            say(format!("{at} {} -> {}", short(before), short(after)))
        }
        _ => {}
    }
}

fn short(value: &Value) -> String {
    match value {
        Value::Array(rows) => format!("{} rows", rows.len()),
        Value::Object(members) if !members.is_empty() => "object".into(),
        other => other.to_string().chars().take(60).collect(),
    }
}
