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
                paths.insert(one.path.clone(), collection(one));
                paths.insert(format!("{}/{{id}}", one.path), record(store, one));
            }
            Data::Object(_) => drop(paths.insert(one.path.clone(), object(one))),
            Data::Scalar(_) => {
                let answer = answer(&[(200, ok(&one.name, one.example.clone()))], &ALWAYS);
                let read = operation(one, "get", "Get NAME.", &[], None, answer);
                paths.insert(one.path.clone(), json!({ "get": read }));
            }
        }
    }
    for (parent, child) in relations(store, described) {
        let path = format!("{}/{{id}}{}", parent.path, child.path);
        let (get, post) = (list(child), create(child));
        let mut item =
            json!({ "parameters": [id_parameter(store, parent)], "get": get, "post": post });
        for verb in ["get", "post"] {
            let operation = &mut item[verb];
            let id = format!(
                "{}Of{}",
                operation["operationId"].as_str().unwrap_or(""),
                parent.name
            );
            operation["operationId"] = id.into();
            let summary = operation["summary"]
                .as_str()
                .unwrap_or("")
                .trim_end_matches('.')
                .to_string();
            let of = format!("{summary} for a record in {}.", parent.resource.name());
            operation["summary"] = of.into();
        }
        paths.insert(path, item);
    }
    paths.insert(
        "/db".into(),
        json!({ "get": {
            "operationId": "getDatabase", "summary": "Get all the data.", "responses": answer(&[(200, fragments::get("database"))], &ALWAYS),
        } }),
    );
    Value::Object(paths)
}

/// The collections whose records point to those of another: parent and child.
fn relations<'a, 'd>(
    store: &Store,
    described: &'a [Described<'d>],
) -> Vec<(&'a Described<'d>, &'a Described<'d>)> {
    let rows = || {
        described
            .iter()
            .filter(|one| one.resource.collection().is_some())
    };
    let pairs = rows().flat_map(|parent| rows().map(move |child| (parent, child)));
    pairs
        .filter(|(parent, child)| {
            store
                .link(child.resource.name(), parent.resource.name())
                .used
        })
        .collect()
}

fn collection(one: &Described<'_>) -> Value {
    json!({ "get": list(one), "post": create(one) })
}

fn list(one: &Described<'_>) -> Value {
    let declared = one
        .declared
        .iter()
        .map(|property: &Property| (property.name.as_str(), property.types.as_slice()));
    let parameters = parameters::of_list(&one.seen, declared);
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
        "List NAME.",
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
    let body = body(
        &format!("New{}", one.name),
        one.body.clone(),
        &["application/json"],
    );
    operation(
        one,
        "create",
        "Add a record to NAME.",
        &[],
        Some(body),
        answer(&[(201, made)], &names),
    )
}

fn record(store: &Store, one: &Described<'_>) -> Value {
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
        "Get a record from NAME.",
        &[],
        None,
        answer(&[(200, found.clone())], &read),
    );
    let put = operation(
        one,
        "replace",
        "Replace a record in NAME; the id stays.",
        &[],
        Some(new),
        answer(&[(200, found.clone())], &changing),
    );
    let patch = operation(
        one,
        "change",
        "Update some properties of a record in NAME.",
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
        "Delete a record from NAME.",
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
        "Get NAME.",
        &[],
        None,
        answer(&[(200, found.clone())], &ALWAYS),
    );
    let put = operation(
        one,
        "replace",
        "Replace NAME.",
        &[],
        Some(new.clone()),
        changed(200),
    );
    let post = operation(
        one,
        "create",
        "Same as PUT, responds with 201.",
        &[],
        Some(new),
        changed(201),
    );
    let patch = operation(
        one,
        "change",
        "Update some properties of NAME.",
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
    operation.insert(
        "summary".into(),
        summary.replace("NAME", one.resource.name()).into(),
    );
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    if let Some(body) = body {
        operation.insert("requestBody".into(), body);
    }
    operation.insert("responses".into(), responses);
    Value::Object(operation)
}

fn reference(name: &str) -> Value {
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

/// The answers of an operation: the good ones, and for each status the kinds of problems that have it.
fn answer(good: &[(u16, Value)], problems: &[&Kind]) -> Value {
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
            "content": { "application/problem+json": { "schema": reference("Problem") } },
        });
        responses.insert(status.to_string(), response);
    }
    Value::Object(responses)
}
