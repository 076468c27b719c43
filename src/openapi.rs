//! The OpenAPI 3.1 document of the data as it is: a pure function of the rules, the records and the kinds of problems.
//!
//! 1. `infer` says what the records of a resource have in common, for filters and where there are no rules;
//! 2. `rules` moves the schemas of the rules file to where the document has its schemas;
//! 3. `parameters` makes the query parameters, from the closed list of operators;
//! 4. `paths` puts the operations together.
//!
//! Nothing here knows of files, HTTP or threads.

mod infer;
mod parameters;
mod paths;
mod rules;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::json::Object;
use crate::problems::KINDS;
use crate::schema::{Holds, Property, Schema};
use crate::store::plural::singular;
use crate::store::{Command, Data, Refusal, Resource, Store};

/// Records whose text is longer than this are not shown as examples.
const LONGEST_EXAMPLE: usize = 16 * 1024;

/// What the document needs to know of one resource.
struct Described<'a> {
    resource: &'a Resource,
    /// The path, percent-encoded, as `/users`.
    path: String,
    /// The name of the schema of one record, as `User`; others are made of it.
    name: String,
    /// Whether rules hold for what is sent.
    strict: bool,
    /// The properties that the rules describe.
    declared: &'a [Property],
    /// What the data looks like.
    seen: infer::Seen,
    /// A record as it is answered, and one as it may be sent.
    example: Option<Value>,
    body: Option<Value>,
}

/// The OpenAPI document of `store` under the rules in `schema`.
pub fn document(schema: &Schema, store: &Store) -> Value {
    let mut names = Names::default();
    for reserved in ["Problem", "Page"] {
        names.unique(reserved);
    }
    let described: Vec<_> = store.resources().map(|resource| describe(schema, store, resource, &mut names)).collect();
    let mut schemas = Map::new();
    let moved = rules::Moved::new(schema, &described, &mut names);
    for one in &described {
        add_schemas(&mut schemas, schema, store, one, &moved);
    }
    moved.definitions(schema, &mut schemas);
    schemas.insert("Problem".into(), problem_schema());
    let tags: Vec<_> = described.iter().map(|one| json!({ "name": one.resource.name() })).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "standin",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Made from the data file and its rules, as they are now. Errors are problem documents (RFC 9457).",
        },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths::paths(store, &described),
        "components": { "schemas": schemas },
    })
}

fn describe<'a>(schema: &'a Schema, store: &Store, resource: &'a Resource, names: &mut Names) -> Described<'a> {
    let id = &store.settings().id;
    let mut seen = infer::Seen::default();
    let parsed = |text: &str| (text.len() <= LONGEST_EXAMPLE).then(|| serde_json::from_str(text).ok()).flatten();
    let (example, single) = match resource.data() {
        Data::Collection(rows) => {
            rows.rows().for_each(|row| seen.see(row.value()));
            (rows.window(0, 1).next().and_then(|row| parsed(row.value())), false)
        }
        Data::Object(text) | Data::Scalar(text) => {
            seen.see(text);
            (parsed(text), true)
        }
    };
    let rules = schema.rules(resource.name());
    let body = match (rules, &example) {
        (Some(rules), _) => rules.example().filter(|example| may_be_sent(store, resource, example)).cloned(),
        (None, Some(Value::Object(members))) => {
            let members = members.iter().filter(|(name, _)| single || *name != id);
            Some(Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect()))
        }
        (None, _) => None,
    };
    let word = if single { resource.name().to_string() } else { singular(resource.name()) };
    let path = format!("/{}", encode(resource.name()));
    Described {
        resource,
        path,
        name: names.unique(&capital(&word)),
        strict: rules.is_some(),
        declared: rules.map_or(&[], |rules| rules.properties()),
        seen,
        example,
        body,
    }
}

/// Whether the references of an example point to records.
fn may_be_sent(store: &Store, resource: &Resource, example: &Value) -> bool {
    let Ok(body) = Object::parse(&example.to_string()) else { return false };
    let resource = resource.name().to_string();
    let planned =
        store.draft(&Command::Create { resource, body }, &mut String::new).and_then(|draft| store.plan(draft));
    !matches!(planned, Err(Refusal::Dangling { .. }))
}

/// The schemas of one resource: as it is answered, as it may be sent, and as a part of it may be sent.
fn add_schemas(
    schemas: &mut Map<String, Value>,
    schema: &Schema,
    store: &Store,
    one: &Described<'_>,
    moved: &rules::Moved,
) {
    let id = &store.settings().id;
    let rules = schema.rules(one.resource.name());
    let records = one.resource.collection().is_some();
    let Some(rules) = rules.filter(|rules| (rules.holds() == Holds::Records) == records) else {
        let mut answered = one.seen.schema(true);
        if let Some(answered) = answered.as_object_mut() {
            answered.insert("description".into(), "Inferred from the data: there are no rules.".into());
            if records && one.seen.is_empty() {
                answered.insert("type".into(), "object".into());
            }
        }
        schemas.insert(one.name.clone(), answered);
        if !matches!(one.resource.data(), Data::Scalar(_)) {
            let mut sent = one.seen.schema(false);
            if let Some(sent) = sent.as_object_mut() {
                sent.insert("type".into(), "object".into());
                sent.insert("description".into(), "Nothing of it is enforced: there are no rules.".into());
            }
            schemas.insert(format!("New{}", one.name), sent);
        }
        return;
    };
    let raw = moved.schema(rules.raw());
    let id = records.then_some(id.as_str());
    schemas.insert(one.name.clone(), rules::answered(raw.clone(), id, one.seen.property(id.unwrap_or_default())));
    schemas.insert(format!("New{}", one.name), rules::sent(raw.clone(), id));
    if id.is_some() {
        schemas.insert(format!("{}Replacement", one.name), rules::replacement(raw.clone(), id));
    }
    schemas.insert(format!("{}Changes", one.name), rules::changes(raw, id));
}

fn problem_schema() -> Value {
    let types: Vec<_> = KINDS.iter().map(|kind| format!("/-/errors#{}", kind.name)).collect();
    json!({
        "type": "object",
        "description": "What is wrong, where, and what to do (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "enum": types },
            "title": { "type": "string", "description": "The kind in words." },
            "status": { "type": "integer", "description": "The status of the answer." },
            "detail": { "type": "string", "description": "What is wrong with this request." },
            "errors": {
                "type": "array",
                "description": "The places in the body.",
                "items": {
                    "type": "object",
                    "required": ["pointer", "detail"],
                    "properties": {
                        "pointer": { "type": "string", "description": "RFC 6901." },
                        "detail": { "type": "string" },
                    },
                },
            },
            "hint": { "type": "string", "description": "What to do." },
            "try": { "type": "string", "description": "A curl command that works." },
        },
    })
}

/// Gives names that a schema may have (`^[a-zA-Z0-9._-]+$`), each once.
#[derive(Default)]
struct Names(std::collections::HashSet<String>);

impl Names {
    /// `wanted` as a name; the names made of it are free, too.
    fn unique(&mut self, wanted: &str) -> String {
        let kept = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let base: String = wanted.chars().map(kept).take(60).collect();
        let base = if base.is_empty() { "_".into() } else { base };
        let mut name = base.clone();
        let mut number = 1;
        while self.forms(&name).iter().any(|form| self.0.contains(form)) {
            number += 1;
            name = format!("{base}{number}");
        }
        self.0.extend(self.forms(&name));
        name
    }

    fn forms(&self, name: &str) -> [String; 4] {
        [name.to_string(), format!("New{name}"), format!("{name}Replacement"), format!("{name}Changes")]
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What is escaped in a path of the document; braces would mark a parameter.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes `text` as one segment of a path.
fn encode(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

#[cfg(test)]
mod tests;
