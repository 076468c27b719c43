//! The OpenAPI 3.1 document of the present data: a pure function of the rules, the records and the kinds of problems.
//!
//! 1. `infer` infers schemas from the records of a resource;
//! 2. [`Described`] is a resource with its name, path, examples and properties;
//! 3. `schemas` builds the schemas, from the rules file or inferred ones;
//! 4. `paths` builds the operations, with a query parameter for each field;
//! 5. `endpoints` adds access rules and the endpoints of the routes file.
//!
//! The constant parts of the document are in `fragments.json`.

mod endpoints;
mod infer;
mod paths;
mod schemas;

use std::collections::HashSet;
use std::sync::LazyLock;

use percent_encoding::{AsciiSet, utf8_percent_encode};
use serde_json::{Map, Value, json};

use self::infer::Observed;
use crate::behaviour::RoutesFile;
use crate::json::Object;
use crate::problems::KINDS;
use crate::rules::{Access, Guard};
use crate::schema::{Property, Schema};
use crate::store::plural::singular;
use crate::store::{Command, Data, Operation, Refusal, Resource, Store};
use crate::text::{all_but, capital};

pub use infer::rules;

/// The OpenAPI document of `store` under the rules in `schema` and with what `routes` adds.
pub fn document(schema: &Schema, store: &Store, routes: &RoutesFile) -> Value {
    // Examples are taken from the records.
    let hides = |(resource, access): &(String, Access)| {
        (access.read != Guard::Anyone).then(|| resource.clone())
    };
    let hidden = schema.guards.iter().filter_map(hides);
    let store = &hidden.fold(store.public(None), |store, name| {
        store.narrowed(&name, None)
    });
    let mut names = Names::default();
    names.unique("Problem");
    let resources: Vec<_> = store
        .resources()
        .map(|resource| describe(schema, store, resource, &mut names))
        .collect();
    let mut schemas = Map::new();
    let moved = schemas::Moved::new(schema, &resources, &mut names);
    for resource in &resources {
        let related = paths::Related::of(store, resource, &resources);
        schemas::add(&mut schemas, schema, store, resource, &related, &moved);
    }
    moved.definitions(&mut schemas);
    let mut problem = fragment("problem");
    let types: Vec<_> = KINDS
        .iter()
        .map(|kind| format!("/-/errors#{}", kind.name))
        .collect();
    problem["properties"]["type"]["enum"] = json!(types);
    schemas.insert("Problem".into(), problem);
    let tags: Vec<_> = resources
        .iter()
        .map(|one| one.resource.name())
        .filter(|name| *name != "db")
        .chain(["db"])
        .map(|name| json!({ "name": name }))
        .collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "standin",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Generated from the data file and its rules as they are now. Errors are problem documents (RFC 9457).",
        },
        "servers": [{ "url": "/" }],
        "security": [],
        "tags": tags,
        "paths": paths::paths(store, &resources),
        "components": { "schemas": schemas },
    });
    endpoints::add_access(&mut document, schema, &resources);
    endpoints::add_routes(&mut document, routes);
    document
}

/// A schema inferred from the first and the last `sample` records of `resource`.
pub fn inferred(resource: &Resource, sample: usize) -> Value {
    let mut seen = Observed::default();
    match resource.data() {
        Data::Collection(rows) => {
            let tail = rows.len().saturating_sub(sample).max(sample);
            rows.window(0, sample)
                .chain(rows.window(tail, sample))
                .for_each(|row| seen.see(row.value()));
        }
        Data::Object(text) | Data::Scalar(text) => seen.see(text),
    }
    seen.schema(true)
}

/// Longer records are not shown as examples, in bytes.
const MAX_EXAMPLE: usize = 16 * 1024;

/// A resource with everything that the document says about it.
struct Described<'a> {
    resource: &'a Resource,
    /// The path, percent-encoded, such as `/users`.
    path: String,
    /// The word for one record, such as `user`; for an object or a value, its name.
    singular: String,
    /// The name of the schema of one record, such as `User`; other names are derived from it.
    name: String,
    /// Whether there are rules.
    strict: bool,
    /// The properties that the rules describe.
    declared: &'a [Property],
    /// Statistics of the records' values.
    seen: Observed,
    /// A record as in a response, and one as in a request.
    example: Option<Value>,
    body: Option<Value>,
}

fn describe<'a>(
    schema: &'a Schema,
    store: &Store,
    resource: &'a Resource,
    names: &mut Names,
) -> Described<'a> {
    let id = &store.settings().id;
    let mut seen = Observed::default();
    let parsed = |text: &str| {
        (text.len() <= MAX_EXAMPLE)
            .then(|| serde_json::from_str(text).ok())
            .flatten()
    };
    let (example, single) = match resource.data() {
        Data::Collection(rows) => {
            rows.rows().for_each(|row| seen.see(row.value()));
            (
                rows.window(0, 1).next().and_then(|row| parsed(row.value())),
                false,
            )
        }
        Data::Object(text) | Data::Scalar(text) => {
            seen.see(text);
            (parsed(text), true)
        }
    };
    let rules = schema.rules(resource.name());
    let body = match (rules, &example) {
        (Some(rules), _) => {
            (rules.example.clone()).filter(|example| may_be_sent(store, resource, example))
        }
        (None, Some(Value::Object(members))) => {
            let mut members = members.clone();
            members.retain(|name, _| single || name != id);
            Some(Value::Object(members))
        }
        (None, _) => None,
    };
    let word = if single {
        resource.name().to_string()
    } else {
        singular(resource.name())
    };
    let path = format!("/{}", encode(resource.name()));
    Described {
        resource,
        path,
        name: names.unique(&capital(&word)),
        singular: word,
        strict: rules.is_some(),
        declared: rules.map_or(&[], |rules| rules.properties.as_slice()),
        seen,
        example,
        body,
    }
}

/// Whether the references of an example point to records.
fn may_be_sent(store: &Store, resource: &Resource, example: &Value) -> bool {
    let Ok(body) = Object::parse(&example.to_string()) else {
        return false;
    };
    let command = Command {
        resource: resource.name().to_string(),
        id: None,
        operation: Operation::Create,
        body,
    };
    let planned = store
        .draft(&command, &mut String::new)
        .and_then(|draft| store.plan(draft));
    !matches!(planned, Err(Refusal::Dangling { .. }))
}

/// Names of schemas, which match `^[a-zA-Z0-9._-]+$`; each is used once.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    /// A name like `wanted`; the names derived from it are free, too.
    fn unique(&mut self, wanted: &str) -> String {
        let kept = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let base: String = wanted.chars().map(kept).take(60).collect();
        let base = if base.is_empty() { "_".into() } else { base };
        let mut name = base.clone();
        let mut number = 1;
        while Self::forms(&name).iter().any(|form| self.0.contains(form)) {
            number += 1;
            name = format!("{base}{number}");
        }
        self.0.extend(Self::forms(&name));
        name
    }

    fn forms(name: &str) -> [String; 4] {
        [
            name.to_string(),
            format!("New{name}"),
            format!("{name}Replacement"),
            format!("{name}Changes"),
        ]
    }
}

/// The characters that are escaped in a path of the document; braces would mark a parameter.
const SEGMENT: &AsciiSet = &all_but(b"-._~");

/// Encodes `text` as one segment of a path.
fn encode(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

static FRAGMENTS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("openapi/fragments.json")).unwrap_or_default()
});

/// The fragment called `name` in `fragments.json`.
fn fragment(name: &str) -> Value {
    FRAGMENTS[name].clone()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::json::Document;
    use crate::store::Settings;

    #[test]
    fn the_fragments_are_json() {
        assert!(fragment("problem").is_object() && fragment("listParameters").is_array());
    }

    fn make(data: &str, rules: &str) -> Value {
        let store = Store::open(
            Document::parse(data.into()).unwrap(),
            Arc::new(Settings::default()),
        )
        .unwrap();
        let schema = if rules.is_empty() {
            Schema::default()
        } else {
            Schema::compile(rules, "id").unwrap()
        };
        document(&schema, &store, &RoutesFile::default())
    }

    #[test]
    fn without_rules_the_data_tells() {
        let data = r#"{"posts": [
            {"id": 1, "title": "a", "at": "2024-01-01", "by": {"mail": "a@b.cd"}, "n": 1},
            {"id": 2, "title": null, "at": "2024-01-02", "by": {"mail": "x@y.zz"}, "n": 1.5, "tags": ["x"]}
        ]}"#;
        let document = make(data, "");
        let post = &document["components"]["schemas"]["Post"];
        assert_eq!(
            post["required"],
            serde_json::json!(["id", "title", "at", "by", "n"])
        );
        assert_eq!(
            post["properties"]["title"]["type"],
            serde_json::json!(["string", "null"])
        );
        assert_eq!(post["properties"]["at"]["format"], "date");
        assert_eq!(
            post["properties"]["by"]["properties"]["mail"]["format"],
            "email"
        );
        assert_eq!(post["properties"]["n"]["type"], "number");
        assert_eq!(post["properties"]["tags"]["items"]["type"], "string");
        assert!(
            document["components"]["schemas"]["NewPost"]
                .get("required")
                .is_none()
        );
    }

    #[test]
    fn rules_tell_and_their_pointers_are_moved() {
        let rules = r##"{"$defs": {"mail": {"type": "string", "format": "email"}}, "properties": {"users": {"items": {
            "type": "object", "required": ["email"], "additionalProperties": false,
            "properties": {"email": {"$ref": "#/$defs/mail"}, "boss": {"$ref": "#/properties/users/items/properties/email"}}
        }}}}"##;
        let schemas = &make(r#"{"users": []}"#, rules)["components"]["schemas"];
        assert_eq!(
            schemas["User"]["required"],
            serde_json::json!(["email", "id"])
        );
        assert_eq!(schemas["NewUser"]["required"], serde_json::json!(["email"]));
        assert!(schemas["UserChanges"].get("required").is_none());
        assert_eq!(
            schemas["User"]["properties"]["email"]["$ref"],
            "#/components/schemas/Mail"
        );
        assert_eq!(
            schemas["User"]["properties"]["boss"]["$ref"],
            "#/components/schemas/User/properties/email"
        );
        assert_eq!(schemas["Mail"]["format"], "email");
    }

    #[test]
    fn every_field_is_one_typed_parameter_with_its_operators() {
        let document = make(
            r#"{"posts": [{"id": 1, "title": "a", "by": {"n": 1.5}}]}"#,
            "",
        );
        let parameters = document["paths"]["/posts"]["get"]["parameters"]
            .as_array()
            .unwrap();
        let schema = |name: &str| {
            let found = parameters
                .iter()
                .find(|parameter| parameter["name"] == name)
                .unwrap();
            assert_eq!(found["style"], "deepObject");
            &found["schema"]
        };
        for operator in &crate::rules::OPERATORS {
            let is_there = schema("title")["properties"].get(operator.name).is_some();
            assert_eq!(is_there, operator.name != "has", "{}", operator.name);
        }
        assert_eq!(
            schema("id")["type"],
            serde_json::json!(["integer", "object"])
        );
        assert_eq!(schema("by.n")["properties"]["gte"]["type"], "number");
        assert!(
            schema("id")["properties"].get("contains").is_none(),
            "a number holds no text"
        );
    }

    #[test]
    fn every_pointer_leads_somewhere_and_every_name_is_free() {
        let data = r#"{"a b": [], "a/b": [], "a_b": {"x": 1}, "{id}": [{"id": "x"}], "problems": [], "News": [],
            "posts": [{"id": 1}], "comments": [{"id": 1, "postId": 1}], "n": 5, "strings": ["x"]}"#;
        let document = make(data, "");
        let mut ids = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let open = path.matches('{').count();
            assert_eq!(open, path.matches("{id}").count(), "{path}");
            for (verb, operation) in item.as_object().unwrap() {
                if verb != "parameters" {
                    ids.push(operation["operationId"].as_str().unwrap().to_string());
                }
            }
        }
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "operation ids repeat");
        assert!(document["paths"]["/posts/{id}/comments"]["post"].is_object());
        let mut pending = vec![&document];
        while let Some(value) = pending.pop() {
            match value {
                Value::Object(members) => {
                    if let Some(Value::String(target)) = members.get("$ref") {
                        assert!(document.pointer(&target[1..]).is_some(), "{target}");
                    }
                    pending.extend(members.values());
                }
                Value::Array(items) => pending.extend(items),
                _ => {}
            }
        }
    }
}
