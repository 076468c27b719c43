//! Profiles: another API's names of parameters, envelopes, errors and statuses around the same data (`--profile`).

mod description;
pub(super) mod translation;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use minijinja::value::{Rest, Serde};
use minijinja::{Environment, Error, ErrorKind};
use serde_json::{Map, Value, json};

use crate::behaviour::{RoutesError, bad_call, bounded, bounded_environment};
use crate::json::{self, Object, Place};
use crate::problems::KINDS;
use crate::rules::{RESERVED, is_reserved};
use crate::text::{capital, nearest, query_encode};

/// A parameter and its value.
type Pair = (String, String);

/// How a response is shaped.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// The resource.
    pub(super) resource: String,
    /// Whether it is a list of records, or one.
    pub(super) is_list: bool,
}

/// A parsed profile file.
#[derive(Debug, Default)]
pub struct Profile {
    /// The parameters of this profile, each with the standard name.
    query: BTreeMap<String, String>,
    /// The number of the first page.
    first_page: i64,
    /// The default page size; `None`: all.
    size: Option<u64>,
    item: Option<Value>,
    list: Option<Value>,
    record: Option<Value>,
    error: Option<Value>,
    /// Statuses: of `create` and `delete`, and of kinds of problems.
    status: BTreeMap<String, u16>,
    case: Option<Case>,
    content_type: Option<String>,
}

/// The case convention of property names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Camel,
    Snake,
    Kebab,
    Pascal,
}

const KEYS: [&str; 10] = [
    "contentType",
    "query",
    "firstPage",
    "size",
    "item",
    "list",
    "record",
    "error",
    "status",
    "keys",
];
const CASES: [(&str, Case); 4] = [
    ("camel", Case::Camel),
    ("snake", Case::Snake),
    ("kebab", Case::Kebab),
    ("pascal", Case::Pascal),
];
/// The filters that are added to those of the template language.
const FILTERS: [&str; 3] = ["without", "by_property", "error_objects"];
/// The variables of templates.
const NAMES: [&str; 21] = [
    "dict",
    "range",
    "namespace",
    "items",
    "total",
    "page",
    "pages",
    "size",
    "from",
    "to",
    "path",
    "current",
    "next",
    "prev",
    "first",
    "last",
    "record",
    "item",
    "problem",
    "resource",
    "url",
];

/// The members of a problem.
const PROBLEM: [&str; 7] = [
    "problem.type",
    "problem.title",
    "problem.status",
    "problem.detail",
    "problem.errors",
    "problem.hint",
    "problem.try",
];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = bounded_environment();
    // An object without some of its members.
    environment.add_filter("without", |value: minijinja::Value, names: Rest<String>| {
        let mut members = to_json(&value)?;
        if let Some(members) = members.as_object_mut() {
            members.retain(|name, _| !names.contains(name));
        }
        Ok::<_, Error>(minijinja::Value::from(Serde(members)))
    });
    // The errors of a problem by property: {"email": ["is missing"]}. `whole` is the key of those of the whole record.
    environment.add_filter(
        "by_property",
        |value: minijinja::Value, whole: Option<String>| {
            let mut found: Map<String, Value> = Map::new();
            for error in to_json(&value)?.as_array().into_iter().flatten() {
                let pointer = error["pointer"].as_str().unwrap_or_default();
                let name = match pointer.trim_start_matches('/') {
                    "" => whole.clone().unwrap_or_default(),
                    path => path.replace('/', "."),
                };
                let list = found.entry(name).or_insert_with(|| json!([]));
                if let Some(list) = list.as_array_mut() {
                    list.push(error["detail"].clone());
                }
            }
            Ok::<_, Error>(minijinja::Value::from(Serde(Value::Object(found))))
        },
    );
    // The error objects of JSON:API; `base` is where the properties are in a body.
    environment.add_filter("error_objects", |problem: minijinja::Value, base: String| {
        let problem = to_json(&problem)?;
        let status = problem["status"].to_string();
        let (title, detail) = (&problem["title"], &problem["detail"]);
        let objects: Vec<Value> = match problem["errors"].as_array() {
            Some(errors) => errors
                .iter()
                .map(|error| {
                    let pointer = format!("{base}{}", error["pointer"].as_str().unwrap_or_default());
                    json!({ "status": status, "source": { "pointer": pointer }, "title": title, "detail": error["detail"] })
                })
                .collect(),
            None => vec![json!({ "status": status, "title": title, "detail": detail })],
        };
        Ok::<_, Error>(minijinja::Value::from(Serde(Value::Array(objects))))
    });
    environment
});

fn to_json(value: &minijinja::Value) -> Result<Value, Error> {
    serde_json::to_value(value)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}

/// The parameters of a profile, each with the standard name.
fn read_parameters(value: &Value) -> Result<BTreeMap<String, String>, String> {
    let members = value.as_object().ok_or("query must be an object")?;
    let read = |(name, ours): (&String, &Value)| {
        let ours = ours.as_str().ok_or("query must be an object of strings")?;
        // Other names are those of fields.
        if ours.starts_with('_') && !is_reserved(ours) {
            return Err(unknown("parameter", ours, RESERVED.into_iter()));
        }
        Ok((name.clone(), ours.to_string()))
    };
    members.iter().map(read).collect()
}

/// A member of `status`: the one of `create`, `delete` or a kind of problem.
///
/// # Errors
/// The part that is wrong, and why.
fn read_status<'t>(member: &json::Member<'t>) -> Result<u16, (&'t str, String)> {
    let name = member.key.as_ref();
    let names = KINDS
        .iter()
        .map(|kind| kind.name)
        .chain(["create", "delete"]);
    if !names.clone().any(|known| known == name) {
        return Err((member.raw_key, unknown("status", name, names)));
    }
    let number = member.value.parse().ok();
    let number = number.filter(|code| (200..600).contains(code));
    number.ok_or_else(|| (member.value, "a status is a number from 200 to 599".into()))
}

impl Profile {
    /// Reads the text of a profile file.
    ///
    /// # Errors
    /// The first error, and where it is.
    pub fn parse(text: &str) -> Result<Profile, RoutesError> {
        let at = |part: &str, message: String| {
            RoutesError::new(Place::of(text, json::offset_in(text, part)), message)
        };
        Object::parse(text).map_err(|error| match error {
            json::NotObject::Syntax(error) => {
                RoutesError::new(Place::of(text, error.offset), error.message)
            }
            json::NotObject::Other(kind) => at(
                text,
                format!("a profile is an object, got {}", kind.with_article()),
            ),
        })?;
        let mut profile = Profile {
            first_page: 1,
            ..Profile::default()
        };
        for member in json::members(text) {
            let key = member.key.as_ref();
            let value: Value = serde_json::from_str(member.value).unwrap_or_default();
            let wrong = |wanted: &str| at(member.value, format!("{key} must be {wanted}"));
            match key {
                "$schema" => {}
                "query" => {
                    profile.query =
                        read_parameters(&value).map_err(|message| at(member.value, message))?
                }
                "contentType" => {
                    let text = value.as_str().ok_or_else(|| wrong("a string"))?;
                    profile.content_type = Some(text.to_string());
                }
                "firstPage" => {
                    profile.first_page = value.as_i64().ok_or_else(|| wrong("a number"))?
                }
                "size" => {
                    let size = value.as_u64().filter(|size| *size > 0);
                    profile.size = Some(size.ok_or_else(|| wrong("a number from 1 on"))?);
                }
                "status" => {
                    for status in json::members(member.value) {
                        let number = read_status(&status);
                        let number = number.map_err(|(part, message)| at(part, message))?;
                        profile.status.insert(status.key.into_owned(), number);
                    }
                }
                "keys" => {
                    let named = CASES.iter().find(|(name, _)| value == *name);
                    let names = "one of camel, snake, kebab, pascal";
                    profile.case = Some(named.ok_or_else(|| wrong(names))?.1);
                }
                "item" | "list" | "record" | "error" => {
                    check(&value).map_err(|(expression, message)| {
                        let place = text
                            .find(&expression)
                            .map_or(member.value, |place| &text[place..]);
                        at(place, message)
                    })?;
                    let template = match key {
                        "item" => &mut profile.item,
                        "list" => &mut profile.list,
                        "record" => &mut profile.record,
                        _ => &mut profile.error,
                    };
                    *template = Some(value);
                }
                _ => return Err(at(member.raw_key, unknown("key", key, KEYS.into_iter()))),
            }
        }
        Ok(profile)
    }

    /// Translates a query string to standard parameters. `known`: the names of the resource's properties.
    pub(super) fn query(&self, pairs: &[Pair], known: &[String], is_list: bool) -> String {
        let mut out: Vec<Pair> = Vec::new();
        for (name, value) in pairs {
            let ours = self.query.get(name).map_or(name.as_str(), String::as_str);
            match ours {
                "_page" => {
                    let page = value
                        .parse::<i64>()
                        .map(|page| page.saturating_sub(self.first_page).saturating_add(1));
                    let page = page.map_or_else(|_| value.clone(), |page| page.to_string());
                    out.push((ours.into(), page));
                }
                // Spring's `sort=name,desc`.
                "_sort" => {
                    let (names, order) = match value.rsplit_once(',') {
                        Some((names, order)) if ["asc", "desc"].contains(&order) => {
                            (names, Some(order))
                        }
                        _ => (value.as_str(), None),
                    };
                    let names = names.split(',').map(|name| self.stored(name, known));
                    out.push((ours.into(), names.collect::<Vec<_>>().join(",")));
                    out.extend(order.map(|order| ("_order".to_string(), order.to_string())));
                }
                _ if ours.starts_with('_') || ours == "q" => out.push((ours.into(), value.clone())),
                _ => out.push((self.stored(ours, known), value.clone())),
            }
        }
        let has = |name: &str| out.iter().any(|(known, _)| known == name);
        let (page, limit) = (has("_page"), has("_limit"));
        let has_pages = page || limit || self.size.is_some();
        if is_list && has_pages && !has("_start") && !has("_end") {
            let size = self.size.unwrap_or(10).to_string();
            out.extend((!page).then(|| ("_page".into(), "1".into())));
            out.extend((!limit).then(|| ("_limit".into(), size)));
        }
        joined(&out)
    }

    /// Translates a body: unwraps the envelope.
    pub(super) fn body(&self, body: &[u8], known: &[String]) -> Option<Vec<u8>> {
        let sent: Value = serde_json::from_slice(body).ok()?;
        let record = self.unwrapped(&sent, (&self.envelope(), false), known);
        Some(record.to_string().into_bytes())
    }

    /// The record at `path` in `value`, or each of an array. Without an envelope around it, it is the record itself.
    fn unwrapped(
        &self,
        value: &Value,
        (path, is_inside): (&[String], bool),
        known: &[String],
    ) -> Value {
        let members = match value {
            Value::Object(members) => members,
            Value::Array(items) => {
                let each = items.iter();
                return each
                    .map(|item| self.unwrapped(item, (path, is_inside), known))
                    .collect();
            }
            other => return other.clone(),
        };
        let next = path
            .split_first()
            .map(|(first, rest)| (members.get(first), rest));
        let mut record = match next {
            Some((Some(inner), rest)) => self.unwrapped(inner, (rest, true), known),
            Some((None, _)) if is_inside => json!({}),
            _ => {
                let stored =
                    |(name, value): (&String, &Value)| (self.stored(name, known), value.clone());
                return Value::Object(members.iter().map(stored).collect());
            }
        };
        // JSON:API has the id beside the attributes.
        if let (Some(record), Some(id)) = (record.as_object_mut(), members.get("id")) {
            record.entry("id").or_insert_with(|| id.clone());
        }
        record
    }

    /// The keys that lead to the record in a body.
    fn envelope(&self) -> Vec<String> {
        let mut path = Vec::new();
        if let Some(record) = &self.record {
            find(record, &["record", "item"], &mut path);
        }
        if let Some(item) = &self.item {
            find(item, &["record"], &mut path);
        }
        path
    }

    /// The body of a list. `total` counts the records of all pages; `own` are the parameters that were understood.
    pub(super) fn list(
        &self,
        shape: &Shape,
        items: &Value,
        total: Option<u64>,
        (base, path): (&str, &str),
        (sent, own): (&[Pair], &[Pair]),
    ) -> Result<Value, String> {
        let items = items.as_array().map_or(&[][..], Vec::as_slice);
        let count = items.len() as u64;
        let number = |name: &str| -> Option<u64> {
            let (_, value) = own.iter().find(|(known, _)| known == name)?;
            value.parse().ok()
        };
        let total = total.unwrap_or(count);
        let size = number("_limit").or(number("_per_page"));
        let size = size.unwrap_or(total).max(1);
        let page = number("_page").unwrap_or(1).max(1);
        let pages = total.div_ceil(size).max(1);
        let shown = |page: u64| {
            let page = i64::try_from(page).unwrap_or(i64::MAX);
            page.saturating_add(self.first_page).saturating_sub(1)
        };
        let mut names = self.query.iter();
        let page_name = names.find(|(_, ours)| *ours == "_page");
        let page_name = page_name.map_or("_page", |(name, _)| name);
        let url = |page: u64| {
            let mut pairs = sent.to_vec();
            // The standard name of the page would take precedence over the profile's.
            pairs.retain(|(name, _)| name == page_name || name != "_page");
            match pairs.iter_mut().find(|(name, _)| name == page_name) {
                Some((_, value)) => *value = shown(page).to_string(),
                None => pairs.push((page_name.to_string(), shown(page).to_string())),
            }
            Value::from(format!("{base}{path}?{}", joined(&pairs)))
        };
        let current = match sent {
            [] => format!("{base}{path}"),
            sent => format!("{base}{path}?{}", joined(sent)),
        };
        let from = (page - 1).saturating_mul(size).saturating_add(1);
        let mut context = json!({
            "total": total, "page": shown(page), "pages": pages, "size": size,
            "from": if count > 0 { json!(from) } else { Value::Null },
            "to": if count > 0 { json!(from.saturating_add(count - 1)) } else { Value::Null },
            "path": path, "url": format!("{base}{path}"), "resource": shape.resource,
            "current": current, "first": url(1), "last": url(pages),
            "next": if page < pages { url(page + 1) } else { Value::Null },
            "prev": if page > 1 { url(page - 1) } else { Value::Null },
        });
        let collection = format!("{base}/{}", shape.resource);
        let items = items
            .iter()
            .map(|item| self.item(shape, &self.cased(item), &collection));
        let items: Value = items.collect::<Result<_, String>>()?;
        match &self.list {
            Some(template) => {
                context["items"] = items;
                render(template, &context)
            }
            None => Ok(items),
        }
    }

    /// The body of one record, or of several that were written at once.
    pub(super) fn record(
        &self,
        shape: &Shape,
        record: &Value,
        base: &str,
    ) -> Result<Value, String> {
        let record = self.cased(record);
        let url = format!("{base}/{}", shape.resource);
        let item = match record.as_array() {
            Some(records) => {
                let each = records.iter();
                each.map(|record| self.item(shape, record, &url))
                    .collect::<Result<_, _>>()?
            }
            None => self.item(shape, &record, &url)?,
        };
        match &self.record {
            Some(template) => {
                let context = json!({ "record": record, "item": item, "resource": shape.resource });
                render(template, &context)
            }
            None => Ok(item),
        }
    }

    fn item(&self, shape: &Shape, record: &Value, url: &str) -> Result<Value, String> {
        match &self.item {
            Some(template) => {
                let context = json!({ "record": record, "resource": shape.resource, "url": url });
                render(template, &context)
            }
            None => Ok(record.clone()),
        }
    }

    /// The body of an error, if the profile has one.
    pub(super) fn error(&self, problem: &Value) -> Option<Result<Value, String>> {
        let template = self.error.as_ref()?;
        let mut problem = problem.clone();
        for error in problem["errors"].as_array_mut().into_iter().flatten() {
            if let (Some(case), Some(pointer)) = (self.case, error["pointer"].as_str()) {
                let steps = pointer.split('/').map(|step| case.of(step));
                error["pointer"] = steps.collect::<Vec<_>>().join("/").into();
            }
        }
        Some(render(template, &json!({ "problem": problem })))
    }

    /// The `Content-Type` of responses.
    pub(super) fn content_type(&self) -> &str {
        let usual = "application/json; charset=utf-8";
        self.content_type.as_deref().unwrap_or(usual)
    }

    /// The status that replaces the usual one: of `create`, `delete` or a kind of problem.
    pub(super) fn status(&self, name: &str) -> Option<u16> {
        self.status.get(name).copied()
    }

    /// `value` with the keys of its objects in the profile's case.
    fn cased(&self, value: &Value) -> Value {
        let Some(case) = self.case else {
            return value.clone();
        };
        match value {
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (case.of(name), self.cased(value)))
                .collect(),
            Value::Array(items) => items.iter().map(|item| self.cased(item)).collect(),
            other => other.clone(),
        }
    }

    /// The stored name of a property that a client calls `name`.
    fn stored(&self, name: &str, known: &[String]) -> String {
        let Some(case) = self.case.filter(|_| !known.iter().any(|one| one == name)) else {
            return name.to_string();
        };
        let (minus, plain) = match name.strip_prefix('-') {
            Some(plain) => ("-", plain),
            None => ("", name),
        };
        let found = known.iter().find(|one| case.of(one) == plain);
        format!("{minus}{}", found.map_or(plain, String::as_str))
    }
}

/// A query string.
fn joined(pairs: &[Pair]) -> String {
    let pair = |(name, value): &Pair| format!("{}={}", query_encode(name), query_encode(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

fn unknown<'n>(what: &str, name: &str, names: impl Iterator<Item = &'n str>) -> String {
    let near = meant(nearest(name, names));
    format!("unknown {what} \"{name}\" of a profile{near}")
}

fn meant(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"))
}

impl Case {
    fn of(self, name: &str) -> String {
        let mut words: Vec<String> = Vec::new();
        let mut was_lower = false;
        for letter in name.chars() {
            if letter == '_' || letter == '-' {
                was_lower = false;
                words.push(String::new());
                continue;
            }
            if words.is_empty() || (letter.is_uppercase() && was_lower) {
                words.push(String::new());
            }
            was_lower = letter.is_lowercase() || letter.is_ascii_digit();
            if let Some(word) = words.last_mut() {
                word.extend(letter.to_lowercase());
            }
        }
        match self {
            Case::Snake => words.join("_"),
            Case::Kebab => words.join("-"),
            Case::Pascal => words.iter().map(|word| capital(word)).collect(),
            Case::Camel => {
                let rest = words.iter().skip(1).map(|word| capital(word));
                words.first().cloned().into_iter().chain(rest).collect()
            }
        }
    }
}

/// The path of keys to the string in `template` that is one of `names`, with or without filters.
fn find(template: &Value, names: &[&str], path: &mut Vec<String>) -> bool {
    match template {
        Value::String(text) => whole(text).is_some_and(|expression| {
            let word = expression.split('|').next().unwrap_or_default().trim();
            names.contains(&word)
        }),
        Value::Object(members) => members.iter().any(|(name, value)| {
            path.push(name.clone());
            find(value, names, path) || {
                path.pop();
                false
            }
        }),
        _ => false,
    }
}

/// The expression in `text`, if it is a single expression and nothing else.
fn whole(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{")).then(|| inner.trim())
}

/// Text with expressions in it, which are [`bounded`].
fn bounded_text(text: &str) -> String {
    let mut parts = text.split("{{");
    let mut made = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (expression, rest) = part.split_at(part.find("}}").unwrap_or(part.len()));
        made.extend(["{{", &bounded(expression), rest]);
    }
    made
}

/// The first expression in a template that cannot be used, and why.
fn check(template: &Value) -> Result<(), (String, String)> {
    match template {
        Value::String(text) => check_text(text).map_err(|message| (text.clone(), message)),
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            check(&Value::from(name.as_str()))?;
            check(value)
        }),
        _ => Ok(()),
    }
}

fn check_text(text: &str) -> Result<(), String> {
    if text.contains("{%") {
        return Err(format!(
            "{text}: a profile has expressions, and no statements"
        ));
    }
    let used = match whole(text) {
        Some(expression) => ENVIRONMENT
            .compile_expression(&bounded(expression))
            .map(|compiled| compiled.undeclared_variables(true)),
        None => ENVIRONMENT
            .template_from_str(&bounded_text(text))
            .map(|compiled| compiled.undeclared_variables(true)),
    };
    for name in used.map_err(|error| format!("{text}: {error}"))? {
        let mut steps = name.split('.');
        let first = steps.next().unwrap_or_default();
        if !NAMES.contains(&first) {
            return Err(unknown("value", first, NAMES.into_iter()));
        }
        let member = steps.next().map(|member| format!("{first}.{member}"));
        if let Some(member) = member.filter(|_| first == "problem")
            && !PROBLEM.contains(&member.as_str())
        {
            return Err(unknown("value", &member, PROBLEM.into_iter()));
        }
    }
    // Each expression begins after a brace.
    let mut expressions = text.split("{{").skip(1);
    let bad = expressions.find_map(|rest| {
        let expression = rest.split("}}").next().unwrap_or(rest);
        bad_call(&ENVIRONMENT, expression, &FILTERS)
    });
    match bad {
        Some(bad) => Err(format!(
            "{text}: {}{}",
            bad.message,
            meant(bad.near.as_deref())
        )),
        None => Ok(()),
    }
}

/// `template` with its expressions replaced by their results. A string that is a single expression has the result's
/// type; a member whose expression is undefined is left out.
fn render(template: &Value, context: &Value) -> Result<Value, String> {
    let scope = minijinja::Value::from(Serde(context));
    rendered(template, &scope).map(Option::unwrap_or_default)
}

fn rendered(template: &Value, scope: &minijinja::Value) -> Result<Option<Value>, String> {
    let failed = |text: &str, error: Error| format!("{text}: {error}");
    Ok(Some(match template {
        Value::String(text) => match whole(text) {
            Some(expression) => {
                let expression = bounded(expression);
                let compiled = ENVIRONMENT
                    .compile_expression(&expression)
                    .map_err(|error| failed(text, error))?;
                let value = compiled.eval(scope).map_err(|error| failed(text, error))?;
                if value.is_undefined() {
                    return Ok(None);
                }
                to_json(&value).map_err(|error| failed(text, error))?
            }
            None if text.contains("{{") => {
                let made = ENVIRONMENT.render_str(&bounded_text(text), scope.clone());
                made.map_err(|error| failed(text, error))?.into()
            }
            None => text.as_str().into(),
        },
        Value::Array(items) => {
            let items: Result<Vec<_>, String> =
                items.iter().map(|item| rendered(item, scope)).collect();
            items?.into_iter().flatten().collect()
        }
        Value::Object(members) => {
            let mut made = Map::new();
            for (name, value) in members {
                let name = rendered(&Value::from(name.as_str()), scope)?.unwrap_or_default();
                if let (Some(name), Some(value)) = (name.as_str(), rendered(value, scope)?) {
                    made.insert(name.to_string(), value);
                }
            }
            Value::Object(made)
        }
        other => other.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_change_their_case() {
        for (case, expected) in [
            (Case::Snake, "created_at2_x"),
            (Case::Kebab, "created-at2-x"),
            (Case::Pascal, "CreatedAt2X"),
            (Case::Camel, "createdAt2X"),
        ] {
            assert_eq!(case.of("createdAt2X"), expected);
        }
        assert_eq!(Case::Snake.of("id"), "id");
        assert_eq!(Case::Snake.of("userID"), "user_id");
    }

    #[test]
    fn mistakes_have_their_place() {
        for (text, error) in [
            (
                "{\"lits\": {}}",
                "1:2: unknown key \"lits\" of a profile; did you mean \"list\"?",
            ),
            (
                "{\n  \"list\": { \"n\": \"{{ itens }}\" }\n}",
                "2:19: unknown value \"itens\" of a profile; did you mean \"items\"?",
            ),
            (
                "{\"error\": {\"error\": \"{{ problem.detial }}\"}}",
                "1:22: unknown value \"problem.detial\" of a profile; did you mean \"problem.detail\"?",
            ),
            (
                "{\"status\": {\"creat\": 201}}",
                "1:13: unknown status \"creat\" of a profile; did you mean \"create\"?",
            ),
            (
                "{\"query\": {\"page\": \"_pge\"}}",
                "1:11: unknown parameter \"_pge\" of a profile; did you mean \"_page\"?",
            ),
        ] {
            assert_eq!(Profile::parse(text).unwrap_err().to_string(), error);
        }
        assert!(Profile::parse("{\"error\": \"{{ problem. }}\"}").is_err());
    }
}
