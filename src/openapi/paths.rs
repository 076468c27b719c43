//! The operations.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::resource::Described;
use super::{fragments, parameters};
use crate::problems::*;
use crate::schema::Property;
use crate::store::{Data, Store};

/// What any request may be answered with.
const ALWAYS: [&Kind; 7] = [
    BAD_TARGET,
    BAD_REQUEST,
    TIMEOUT,
    TARGET_TOO_LONG,
    HEADERS_TOO_LARGE,
    BUG,
    STOPPING,
];
/// What a request with a body may be answered with.
const BODY: [&Kind; 6] = [
    MALFORMED_JSON,
    EMPTY_BODY,
    NOT_AN_OBJECT,
    BODY_ENCODING,
    TOO_LARGE,
    MEDIA,
];
/// What a write may be answered with.
const WRITE: [&Kind; 4] = [READ_ONLY, UNSAVED, BROKEN_FILE, CONTENT_TYPE];

pub(super) fn paths(store: &Store, described: &[Described<'_>]) -> Value {
    let mut paths = Map::new();
    for one in described {
        match one.resource.data() {
            Data::Collection(_) => {
                let related = Related::of(store, one, described);
                paths.insert(one.path.clone(), collection(one, &related));
                paths.insert(format!("{}/{{id}}", one.path), record(store, one, &related));
            }
            Data::Object(_) => drop(paths.insert(one.path.clone(), object(one))),
            Data::Scalar(_) => {
                let answer = answer(&[(200, ok(&one.name, one.example.clone()))], &ALWAYS);
                let read = operation(one, "get", "Get the NAME", &[], None, answer);
                paths.insert(one.path.clone(), json!({ "get": read }));
            }
        }
    }
    for parent in described {
        for child in Related::of(store, parent, described).children {
            let path = format!("{}/{{id}}{}", parent.path, child.path);
            let related = Related::of(store, child, described);
            let mut item = json!({
                "parameters": [id_parameter(store, parent)],
                "get": list(child, &related),
                "post": create(child),
            });
            let owner = with_article(&parent.singular);
            let summaries = [
                ("get", format!("List {owner}'s {}", child.resource.name())),
                (
                    "post",
                    format!("Add {} to {owner}", with_article(&child.singular)),
                ),
            ];
            for (verb, summary) in summaries {
                let operation = &mut item[verb];
                let id = operation["operationId"].as_str().unwrap_or_default();
                operation["operationId"] = format!("{id}Of{}", parent.name).into();
                operation["summary"] = summary.into();
            }
            paths.insert(path, item);
        }
    }
    paths.insert(
        "/db".into(),
        json!({ "get": {
            "operationId": "getDatabase", "summary": "Get all the data", "tags": ["db"], "responses": answer(&[(200, fragments::get("database"))], &ALWAYS),
        } }),
    );
    Value::Object(paths)
}

/// The resources whose records `_embed` and `_expand` put into those of another.
pub(super) struct Related<'a, 'd> {
    /// Collections whose records point to it.
    pub(super) children: Vec<&'a Described<'d>>,
    /// Collections that its records point to, each with the name that `_expand` has for it.
    pub(super) parents: Vec<(String, &'a Described<'d>)>,
}

impl<'a, 'd> Related<'a, 'd> {
    pub(super) fn of(
        store: &Store,
        one: &Described<'_>,
        described: &'a [Described<'d>],
    ) -> Related<'a, 'd> {
        let name = one.resource.name();
        let collections = || {
            described.iter().filter(|other| {
                one.resource.collection().is_some() && other.resource.collection().is_some()
            })
        };
        let children = collections()
            .filter(|other| store.link(other.resource.name(), name).used)
            .collect();
        let suffix = store.settings().foreign_key_suffix.as_str();
        let parents = collections()
            .flat_map(|other| {
                let links = store.links(name, other.resource.name()).into_iter();
                links.filter(|link| link.used).map(move |link| {
                    let name = link
                        .key
                        .strip_suffix(suffix)
                        .filter(|name| !name.is_empty());
                    (name.unwrap_or(&other.singular).to_string(), other)
                })
            })
            .collect();
        Related { children, parents }
    }

    /// The parameters `_embed` and `_expand`, where they have an effect.
    fn parameters(&self) -> Vec<Value> {
        let children: Vec<_> = self
            .children
            .iter()
            .map(|one| one.resource.name())
            .collect();
        let parents: Vec<_> = self.parents.iter().map(|(name, _)| name.as_str()).collect();
        let parameter = |name: &str, description: &str, values: &[&str]| {
            json!({
                "name": name, "in": "query", "style": "form", "explode": false, "description": description,
                "schema": { "type": "array", "items": { "type": "string", "enum": values } },
            })
        };
        let embed = parameter(
            "_embed",
            "Puts the records that point to a record into it.",
            &children,
        );
        let expand = parameter(
            "_expand",
            "Puts the records that a record points to into it.",
            &parents,
        );
        [(embed, children.is_empty()), (expand, parents.is_empty())]
            .into_iter()
            .filter(|(_, has_no_effect)| !has_no_effect)
            .map(|(parameter, _)| parameter)
            .collect()
    }
}

fn collection(one: &Described<'_>, related: &Related<'_, '_>) -> Value {
    json!({ "get": list(one, related), "post": create(one) })
}

fn list(one: &Described<'_>, related: &Related<'_, '_>) -> Value {
    let declared = one
        .declared
        .iter()
        .map(|property: &Property| (property.name.as_str(), property.types.as_slice()));
    let mut parameters = related.parameters();
    parameters.extend(parameters::of_list(&one.seen, declared));
    let mut content = json!({ "schema": { "type": "array", "items": reference(&one.name) } });
    if let Some(example) = &one.example {
        content["example"] = json!([example]);
    }
    let mut listed = fragments::get("list");
    listed["content"]["application/json"] = content;
    let mut names = ALWAYS.to_vec();
    names.push(BAD_QUERY);
    operation(
        one,
        "list",
        "List NAME",
        &parameters,
        None,
        answer(&[(200, listed)], &names),
    )
}

fn create(one: &Described<'_>) -> Value {
    let mut made = ok(&one.name, one.example.clone());
    made["description"] = "The new record.".into();
    made["headers"] = fragments::get("location");
    let names = [
        &ALWAYS[..],
        &BODY,
        &WRITE,
        &[RULES, BAD_ID, REFERENCE, ID_TAKEN, NOT_UNIQUE],
    ]
    .concat();
    let mut body = body(
        &format!("New{}", one.name),
        one.body.clone(),
        &["application/json"],
    );
    // Not in the schema: what answers to one record would have the type of one or many in every generated client.
    body["description"] =
        "The new record. An array of records creates all of them or none, and the response is an array."
            .into();
    operation(
        one,
        "create",
        "Create ONE",
        &[],
        Some(body),
        answer(&[(201, made)], &names),
    )
}

fn record(store: &Store, one: &Described<'_>, related: &Related<'_, '_>) -> Value {
    let changing = [
        &ALWAYS[..],
        &BODY,
        &WRITE,
        &[RULES, REFERENCE, NO_RECORD, NOT_UNIQUE, CHANGED],
    ]
    .concat();
    let read = [&ALWAYS[..], &[NO_RECORD]].concat();
    let found = ok(&one.name, one.example.clone());
    let gone = fragments::get("deleted");
    let (new, part) = bodies(one);
    let get = operation(
        one,
        "get",
        "Get ONE",
        &related.parameters(),
        None,
        answer(&[(200, found.clone())], &read),
    );
    let put = operation(
        one,
        "replace",
        "Replace ONE",
        &[],
        Some(new),
        answer(&[(200, found.clone())], &changing),
    );
    let patch = operation(
        one,
        "change",
        "Update ONE",
        &[],
        Some(part),
        answer(&[(200, found)], &changing),
    );
    let mut names = [&ALWAYS[..], &WRITE[..3], &[NO_RECORD, CHANGED]].concat();
    if store.restricts(one.resource.name()) {
        names.push(REFERENCED);
    }
    let parameters = [fragments::get("dependent")];
    let delete = operation(
        one,
        "delete",
        "Delete ONE",
        &parameters,
        None,
        answer(&[(200, gone)], &names),
    );
    json!({ "parameters": [id_parameter(store, one)], "get": get, "put": put, "patch": patch, "delete": delete })
}

fn object(one: &Described<'_>) -> Value {
    let changing = [&ALWAYS[..], &BODY, &WRITE, &[RULES, REFERENCE, CHANGED]].concat();
    let found = ok(&one.name, one.example.clone());
    let (new, part) = bodies(one);
    let changed = |status| answer(&[(status, found.clone())], &changing);
    let get = operation(
        one,
        "get",
        "Get the NAME",
        &[],
        None,
        answer(&[(200, found.clone())], &ALWAYS),
    );
    let put = operation(
        one,
        "replace",
        "Replace the NAME",
        &[],
        Some(new.clone()),
        changed(200),
    );
    let post = operation(
        one,
        "create",
        "Replace the NAME, as PUT does",
        &[],
        Some(new),
        changed(201),
    );
    let patch = operation(
        one,
        "change",
        "Update the NAME",
        &[],
        Some(part),
        changed(200),
    );
    json!({ "get": get, "put": put, "post": post, "patch": patch })
}

/// The bodies of PUT and PATCH.
fn bodies(one: &Described<'_>) -> (Value, Value) {
    let new = format!("New{}", one.name);
    let part = if one.strict {
        format!("{}Changes", one.name)
    } else {
        new.clone()
    };
    let example = one
        .body
        .as_ref()
        .and_then(Value::as_object)
        .and_then(|members| members.iter().next());
    let example = example.map(|(name, value)| json!({ name.as_str(): value }));
    let place = one.strict && one.resource.collection().is_some();
    let whole = if place {
        format!("{}Replacement", one.name)
    } else {
        new
    };
    let whole = body(&whole, one.body.clone(), &["application/json"]);
    (
        whole,
        body(
            &part,
            example,
            &["application/json", "application/merge-patch+json"],
        ),
    )
}

fn id_parameter(store: &Store, one: &Described<'_>) -> Value {
    let seen = one.seen.property(&store.settings().id);
    let kind = match seen.map(|seen| seen.types()) {
        Some(["integer"]) | None => json!({ "type": "integer" }),
        _ => json!({ "type": "string", "minLength": 1 }),
    };
    let mut parameter = json!({ "name": "id", "in": "path", "required": true, "description": "The record's id.", "schema": kind });
    if let Some(sample) = seen.and_then(|seen| seen.sample()) {
        let number = sample
            .parse::<i64>()
            .ok()
            .filter(|_| parameter["schema"]["type"] == "integer");
        parameter["example"] = number.map_or_else(|| sample.into(), Value::from);
    }
    parameter
}

fn operation(
    one: &Described<'_>,
    verb: &str,
    summary: &str,
    parameters: &[Value],
    body: Option<Value>,
    responses: Value,
) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), format!("{verb}{}", one.name).into());
    operation.insert("tags".into(), json!([one.resource.name()]));
    let summary = summary
        .replace("NAME", one.resource.name())
        .replace("ONE", &with_article(&one.singular));
    operation.insert("summary".into(), summary.into());
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    if let Some(body) = body {
        operation.insert("requestBody".into(), body);
    }
    operation.insert("responses".into(), responses);
    Value::Object(operation)
}

/// `a post`, `an order`, `a user`.
fn with_article(noun: &str) -> String {
    let lower = noun.to_lowercase();
    let sounds_like_you = ["use", "uni", "usa", "eu", "uti"];
    let is_vowel = lower.starts_with(['a', 'e', 'i', 'o', 'u'])
        && !sounds_like_you.iter().any(|start| lower.starts_with(start));
    format!("{} {noun}", if is_vowel { "an" } else { "a" })
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn content(schema: &str, example: Option<Value>) -> Value {
    let mut content = json!({ "schema": reference(schema) });
    if let Some(example) = example {
        content["example"] = example;
    }
    content
}

fn body(schema: &str, example: Option<Value>, types: &[&str]) -> Value {
    let content: Map<_, _> = types
        .iter()
        .map(|kind| (kind.to_string(), content(schema, example.clone())))
        .collect();
    json!({ "required": true, "content": content })
}

fn ok(schema: &str, example: Option<Value>) -> Value {
    json!({ "description": "The current value.", "content": { "application/json": content(schema, example) } })
}

/// The content of a problem.
pub(super) fn problem_content() -> Value {
    json!({ "application/problem+json": { "schema": reference("Problem") } })
}

/// Responses: the good ones, and the problems by status.
pub(super) fn answer(good: &[(u16, Value)], problems: &[&Kind]) -> Value {
    let mut by_status: BTreeMap<u16, Vec<&Kind>> = BTreeMap::new();
    for kind in KINDS.iter().filter(|kind| problems.contains(kind)) {
        by_status.entry(kind.status).or_default().push(kind);
    }
    let mut responses: Map<String, Value> = good
        .iter()
        .map(|(status, response)| (status.to_string(), response.clone()))
        .collect();
    for (status, kinds) in by_status {
        let titles: Vec<_> = kinds
            .iter()
            .map(|kind| format!("{} (`{}`)", kind.title, kind.name))
            .collect();
        let response = json!({
            "description": format!("{}.", titles.join("; ")),
            "content": problem_content(),
        });
        responses.insert(status.to_string(), response);
    }
    Value::Object(responses)
}
