//! The operations, and the query parameters of lists: the fixed ones, and every operator on every field.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::infer::Observed;
use super::{Described, fragment};
use crate::problems::*;
use crate::rules::{OPERATORS, Op};
use crate::schema::Property;
use crate::store::{Data, Store};
use Sent::{Body, Parameters};

/// The problems of any request.
const ALWAYS: [&Kind; 7] = [
    BAD_TARGET,
    BAD_REQUEST,
    TIMEOUT,
    TARGET_TOO_LONG,
    HEADERS_TOO_LARGE,
    BUG,
    STOPPING,
];
/// The problems of a request with a body.
const BODY: [&Kind; 6] = [
    MALFORMED_JSON,
    EMPTY_BODY,
    NOT_AN_OBJECT,
    BODY_ENCODING,
    TOO_LARGE,
    MEDIA,
];
/// The problems of a write.
const WRITE: [&Kind; 4] = [READ_ONLY, UNSAVED, BROKEN_FILE, CONTENT_TYPE];

pub(super) fn paths(store: &Store, described: &[Described<'_>]) -> Value {
    let mut paths = Map::new();
    for one in described {
        match one.resource.data() {
            Data::Collection(_) => {
                let related = Related::of(store, one, described);
                let collection = json!({ "get": list(one, &related), "post": create(one) });
                paths.insert(one.path.clone(), collection);
                paths.insert(format!("{}/{{id}}", one.path), record(store, one, &related));
            }
            Data::Object(_) => drop(paths.insert(one.path.clone(), object(one))),
            Data::Scalar(_) => {
                let responses = responses(&[(200, ok(&one.name, one.example.clone()))], &ALWAYS);
                let read = operation(
                    one,
                    "get",
                    "Get the NAME",
                    Parameters(Vec::new()),
                    responses,
                );
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
            "operationId": "getDatabase", "summary": "Get all the data", "tags": ["db"], "responses": responses(&[(200, fragment("database"))], &ALWAYS),
        } }),
    );
    Value::Object(paths)
}

/// The resources that `_embed` and `_expand` embed in a resource.
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
        let is_collection = |one: &Described<'_>| one.resource.collection().is_some();
        let suffix = store.settings().foreign_key_suffix.as_str();
        let (mut children, mut parents) = (Vec::new(), Vec::new());
        let others = described.iter();
        for other in others.filter(|other| is_collection(one) && is_collection(other)) {
            if store.link(other.resource.name(), name).used {
                children.push(other);
            }
            for link in store.links(name, other.resource.name()) {
                let name = link.key.strip_suffix(suffix);
                let name = name.filter(|name| !name.is_empty());
                let name = name.unwrap_or(&other.singular).to_string();
                parents.extend(link.used.then_some((name, other)));
            }
        }
        Related { children, parents }
    }

    /// The parameters `_embed` and `_expand`, if they have an effect.
    fn parameters(&self) -> Vec<Value> {
        let children = self.children.iter().map(|one| one.resource.name());
        let parents = self.parents.iter().map(|(name, _)| name.as_str());
        let embed = "Puts the records that point to a record into it.";
        let expand = "Puts the records that a record points to into it.";
        let all: [(_, _, Vec<&str>); 2] = [
            ("_embed", embed, children.collect()),
            ("_expand", expand, parents.collect()),
        ];
        let with_effect = all.into_iter().filter(|(_, _, values)| !values.is_empty());
        with_effect
            .map(|(name, description, values)| json!({
                "name": name, "in": "query", "style": "form", "explode": false, "description": description,
                "schema": { "type": "array", "items": { "type": "string", "enum": values } },
            }))
            .collect()
    }
}

fn list(one: &Described<'_>, related: &Related<'_, '_>) -> Value {
    let declared = one
        .declared
        .iter()
        .map(|property: &Property| (property.name.as_str(), property.types.as_slice()));
    let mut parameters = related.parameters();
    parameters.extend(of_list(&one.seen, declared));
    let mut content = json!({ "schema": { "type": "array", "items": reference(&one.name) } });
    if let Some(example) = &one.example {
        content["example"] = json!([example]);
    }
    let mut listed = fragment("list");
    listed["content"]["application/json"] = content;
    let responses = responses(&[(200, listed)], &[&ALWAYS[..], &[BAD_QUERY]].concat());
    operation(one, "list", "List NAME", Parameters(parameters), responses)
}

fn create(one: &Described<'_>) -> Value {
    let mut made = ok(&one.name, one.example.clone());
    made["description"] = "The new record.".into();
    made["headers"] = fragment("location");
    let new = [RULES, BAD_ID, REFERENCE, ID_TAKEN, NOT_UNIQUE];
    let problems = [&ALWAYS[..], &BODY, &WRITE, &new].concat();
    let name = format!("New{}", one.name);
    let mut body = body(&name, one.body.clone(), &["application/json"]);
    // Not in the schema: generated clients would get the type "one or many" for the response to a single record.
    body["description"] =
        "The new record. An array of records creates all of them or none, and the response is an array."
            .into();
    let responses = responses(&[(201, made)], &problems);
    operation(one, "create", "Create ONE", Body(body), responses)
}

fn record(store: &Store, one: &Described<'_>, related: &Related<'_, '_>) -> Value {
    let found = ok(&one.name, one.example.clone());
    let read = responses(
        &[(200, found.clone())],
        &[&ALWAYS[..], &[NO_RECORD]].concat(),
    );
    let changing = [RULES, REFERENCE, NO_RECORD, NOT_UNIQUE, CHANGED];
    let changing = [&ALWAYS[..], &BODY, &WRITE, &changing].concat();
    let changed = responses(&[(200, found)], &changing);
    let mut deleting = [&ALWAYS[..], &WRITE[..3], &[NO_RECORD, CHANGED]].concat();
    if store.restricts(one.resource.name()) {
        deleting.push(REFERENCED);
    }
    let deleted = responses(&[(200, fragment("deleted"))], &deleting);
    let dependent = Parameters(vec![fragment("dependent")]);
    let (new, part) = bodies(one);
    json!({
        "parameters": [id_parameter(store, one)],
        "get": operation(one, "get", "Get ONE", Parameters(related.parameters()), read),
        "put": operation(one, "replace", "Replace ONE", Body(new), changed.clone()),
        "patch": operation(one, "change", "Update ONE", Body(part), changed),
        "delete": operation(one, "delete", "Delete ONE", dependent, deleted),
    })
}

fn object(one: &Described<'_>) -> Value {
    let changing = [&ALWAYS[..], &BODY, &WRITE, &[RULES, REFERENCE, CHANGED]].concat();
    let found = ok(&one.name, one.example.clone());
    let read = responses(&[(200, found.clone())], &ALWAYS);
    let changed = |status| responses(&[(status, found.clone())], &changing);
    let (new, part) = bodies(one);
    json!({
        "get": operation(one, "get", "Get the NAME", Parameters(Vec::new()), read),
        "put": operation(one, "replace", "Replace the NAME", Body(new.clone()), changed(200)),
        "post": operation(one, "create", "Replace the NAME, as PUT does", Body(new), changed(201)),
        "patch": operation(one, "change", "Update the NAME", Body(part), changed(200)),
    })
}

/// The bodies of PUT and PATCH.
fn bodies(one: &Described<'_>) -> (Value, Value) {
    let new = format!("New{}", one.name);
    let (whole, part) = match (one.strict, one.resource.collection()) {
        (true, Some(_)) => (
            format!("{}Replacement", one.name),
            format!("{}Changes", one.name),
        ),
        (true, None) => (new, format!("{}Changes", one.name)),
        (false, _) => (new.clone(), new),
    };
    let members = one.body.as_ref().and_then(Value::as_object);
    let example = members.and_then(|members| members.iter().next());
    let example = example.map(|(name, value)| json!({ name.as_str(): value }));
    let types = ["application/json", "application/merge-patch+json"];
    (
        body(&whole, one.body.clone(), &types[..1]),
        body(&part, example, &types),
    )
}

fn id_parameter(store: &Store, one: &Described<'_>) -> Value {
    let seen = one.seen.properties.get(&store.settings().id);
    let kind = match seen.map(|seen| seen.types.as_slice()) {
        Some(["integer"]) | None => json!({ "type": "integer" }),
        _ => json!({ "type": "string", "minLength": 1 }),
    };
    let mut parameter = json!({ "name": "id", "in": "path", "required": true, "description": "The record's id.", "schema": kind });
    if let Some(sample) = seen.and_then(|seen| seen.sample.as_deref()) {
        let number = sample
            .parse::<i64>()
            .ok()
            .filter(|_| parameter["schema"]["type"] == "integer");
        parameter["example"] = number.map_or_else(|| sample.into(), Value::from);
    }
    parameter
}

/// The parameters or the body of an operation.
enum Sent {
    Parameters(Vec<Value>),
    Body(Value),
}

/// In `summary`, NAME is the resource and ONE a record of it.
fn operation(
    one: &Described<'_>,
    verb: &str,
    summary: &str,
    sent: Sent,
    responses: Value,
) -> Value {
    let summary = summary
        .replace("NAME", one.resource.name())
        .replace("ONE", &with_article(&one.singular));
    let mut operation = json!({
        "operationId": format!("{verb}{}", one.name), "tags": [one.resource.name()], "summary": summary,
    });
    match sent {
        Parameters(parameters) if !parameters.is_empty() => {
            operation["parameters"] = parameters.into();
        }
        Body(body) => operation["requestBody"] = body,
        _ => {}
    }
    operation["responses"] = responses;
    operation
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
pub(super) fn responses(good: &[(u16, Value)], problems: &[&Kind]) -> Value {
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

/// How many fields get a parameter, to keep the document readable.
const MAX_FIELDS: usize = 30;

/// The parameters of a list. `declared` are the fields that the rules name, `seen` those of the records.
fn of_list<'a>(
    seen: &'a Observed,
    declared: impl Iterator<Item = (&'a str, &'a [String])>,
) -> Vec<Value> {
    let fixed = fragment("listParameters");
    let mut parameters = fixed.as_array().cloned().unwrap_or_default();
    let mut fields: Vec<Field> = Vec::new();
    let field = |path: String, types: &[&'a str]| Field {
        path,
        types: types.to_vec(),
    };
    for (name, types) in declared {
        let types: Vec<_> = types.iter().map(String::as_str).collect();
        fields.push(field(name.into(), &types));
    }
    for (name, seen) in seen.properties() {
        if !fields.iter().any(|field| field.path == name) {
            fields.push(field(name.into(), &seen.types));
        }
        for (inner, seen) in seen.properties() {
            // A name with a dot would be parsed as a path.
            if !name.contains(['.', '[']) && !inner.contains(['.', '[']) {
                fields.push(field(format!("{name}.{inner}"), &seen.types));
            }
        }
    }
    fields.retain(|field| {
        !field.path.is_empty()
            && !crate::rules::is_reserved(&field.path)
            && !field.holds_only(&["object"])
    });
    parameters.extend(fields.iter().take(MAX_FIELDS).map(Field::parameter));
    parameters
}

struct Field<'a> {
    path: String,
    types: Vec<&'a str>,
}

impl Field<'_> {
    fn holds_only(&self, types: &[&str]) -> bool {
        !self.types.is_empty()
            && self
                .types
                .iter()
                .all(|name| *name == "null" || types.contains(name))
    }

    fn takes(&self, operator: Op) -> bool {
        match operator {
            Op::Eq | Op::Ne | Op::In | Op::Like => true,
            Op::Lt | Op::Lte | Op::Gt | Op::Gte => !self.holds_only(&["boolean", "array"]),
            Op::Contains => {
                self.types.is_empty()
                    || self
                        .types
                        .iter()
                        .any(|kind| matches!(*kind, "string" | "array"))
            }
            Op::StartsWith | Op::EndsWith => {
                self.types.is_empty() || self.types.contains(&"string")
            }
        }
    }

    /// The filters of the field as one `deepObject` parameter: `views=5`, `views[gte]=5`.
    fn parameter(&self) -> Value {
        let path = &self.path;
        let value = self.value();
        let operators: Map<_, _> = OPERATORS
            .iter()
            // `has` is another name of `contains`.
            .filter(|operator| self.takes(operator.op) && operator.name != "has")
            .map(|operator| {
                let mut schema = match operator.op {
                    Op::Eq | Op::Ne | Op::Lt | Op::Lte | Op::Gt | Op::Gte => value.clone(),
                    _ => json!({ "type": "string" }),
                };
                schema["description"] = format!("`{path}` {}.", operator.meaning).into();
                (operator.name.to_string(), schema)
            })
            .collect();
        let mut schema = json!({ "properties": operators });
        let mut types = value["type"].as_array().cloned().unwrap_or_default();
        if types.is_empty() {
            types.push(value["type"].clone());
        }
        types.push("object".into());
        schema["type"] = types.into();
        json!({
            "name": path,
            "in": "query",
            "style": "deepObject",
            "explode": true,
            "description": format!("Records whose `{path}` is the value, or passes all of the operators."),
            "schema": schema,
            // Otherwise Swagger UI would fill in a made-up value for every operator.
            "example": {},
        })
    }

    /// The schema of a value that the field is compared with.
    fn value(&self) -> Value {
        let scalars: Vec<_> = self
            .types
            .iter()
            .filter(|kind| !matches!(**kind, "null" | "object" | "array"))
            .collect();
        match scalars.as_slice() {
            [one] => json!({ "type": one }),
            _ if scalars.is_empty() || scalars.contains(&&"string") => json!({ "type": "string" }),
            several => json!({ "type": several }),
        }
    }
}
