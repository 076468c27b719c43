mod messages;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::rules::UniqueProperty;

const USERS: &str = r##"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "https://example.com/db.schema.json",
  "type": "object",
  "properties": {
    "$schema": { "type": "string" },
    "users": {
      "type": "array",
      "uniqueItemProperties": ["email", ["lastName", "firstName"]],
      "items": { "$ref": "#/$defs/user" }
    },
    "tasks": {
      "items": {
        "type": "object",
        "properties": {
          "user_id": { "type": "integer", "references": "users" },
          "owner": { "$ref": "https://example.com/db.schema.json#/$defs/user" },
          "bands": { "type": "array", "items": { "type": "string", "references": "bands/name" } },
          "dueDate": { "type": ["string", "null"], "format": "date" },
          "id": { "type": "integer" }
        },
        "required": ["user_id"]
      }
    },
    "bands": { "type": "array", "items": { "properties": { "name": { "type": "string" } } } },
    "profile": { "type": "object", "properties": { "name": { "type": "string", "minLength": 1 } }, "required": ["name", "id"] },
    "anything": { "type": "array" }
  },
  "$defs": {
    "user": {
      "type": "object",
      "properties": {
        "lastName": { "type": "string", "description": "The user's last name" },
        "firstName": { "type": "string" },
        "email": { "type": "string", "format": "email" },
        "role": { "enum": ["admin", "reader"] }
      },
      "required": ["lastName", "firstName", "email", "id"],
      "additionalProperties": false
    }
  }
}"##;

fn schema() -> Schema {
    Schema::compile(USERS, "id").unwrap_or_else(|error| panic!("{error}"))
}

fn check(rules: &Rules, value: &Value) -> Vec<Violation> {
    let text = value.to_string();
    rules
        .check(&text, &mut Budget::for_length(text.len()))
        .expect("not too complex")
}

/// The violations of `record` under the record schema `rules`, one line each.
fn violations(rules: &Value, record: &Value) -> Vec<String> {
    let text = json!({ "properties": { "things": { "items": rules } } }).to_string();
    let schema = Schema::compile(&text, "id").unwrap_or_else(|error| panic!("{error}"));
    check(schema.rules("things").expect("rules"), record)
        .iter()
        .map(Violation::to_string)
        .collect()
}

#[test]
fn rules_of_each_resource() {
    let schema = schema();
    let users = schema.rules("users").expect("users");
    assert_eq!(users.holds, Holds::Records);
    let names: Vec<_> = users
        .properties
        .iter()
        .map(|p| (p.name.as_str(), p.words.as_str(), p.required))
        .collect();
    assert_eq!(
        names,
        [
            ("lastName", "a string", true),
            ("firstName", "a string", true),
            ("email", "an e-mail address", true),
            ("role", "one of \"admin\", \"reader\"", false),
        ]
    );
    let of = |name: &str, fold_case| UniqueProperty {
        name: name.to_owned(),
        fold_case,
    };
    assert_eq!(
        users.unique,
        [
            UniqueRule {
                properties: vec![of("email", true)]
            },
            UniqueRule {
                properties: vec![of("lastName", false), of("firstName", false)]
            },
        ]
    );
    assert_eq!(
        users.example.as_ref(),
        Some(&json!({ "lastName": "Lovelace", "firstName": "Ada", "email": "name@example.com" }))
    );
    assert_eq!(users.raw, json!({ "$ref": "#/$defs/user" }));

    let tasks = schema.rules("tasks").expect("tasks");
    let to = |property: &str, many, resource: &str, target: &str| ReferenceRule {
        property: property.to_owned(),
        many,
        resource: resource.to_owned(),
        target: target.to_owned(),
        on_delete: None,
    };
    assert_eq!(
        tasks.references,
        [
            to("user_id", false, "users", "id"),
            to("bands", true, "bands", "name")
        ]
    );
    let due = tasks
        .properties
        .iter()
        .find(|property| property.name == "dueDate");
    assert_eq!(due.expect("dueDate").words, "a date or null");
    assert_eq!(tasks.example.as_ref(), Some(&json!({ "user_id": 1 })));

    assert_eq!(
        schema.rules("profile").expect("profile").holds,
        Holds::Single
    );
    assert!(schema.rules("anything").is_none());
    assert!(schema.rules("$schema").is_none());
    let order: Vec<_> = schema.iter().map(|rules| rules.resource.as_str()).collect();
    assert_eq!(order, ["users", "tasks", "bands", "profile"]);
}

/// The rows of a table, with ` | ` between their cells. A line that begins with `|` continues the row above.
fn rows(table: &str) -> Vec<Vec<&str>> {
    let mut rows: Vec<Vec<&str>> = Vec::new();
    for line in table.trim().lines().map(str::trim) {
        match (line.strip_prefix("| "), rows.last_mut()) {
            (Some(cell), Some(row)) => row.push(cell),
            _ => rows.push(line.split(" | ").collect()),
        }
    }
    rows
}

#[test]
fn violations_of_records() {
    let schema = schema();
    let cases = r#"
        users | { "lastName": "A", "firstName": "B", "email": "a@b.co" }
        users | { "id": 7, "lastName": "A", "firstName": "B", "email": "a@b.co", "role": "admin" }
        users | {}
            | /lastName: is missing (required, a string)
            | /firstName: is missing (required, a string)
            | /email: is missing (required, an e-mail address)
        users | { "role": "Admin", "email": "x", "lastname": "A", "firstName": 5 }
            | /lastName: is missing (required, a string); the body has `lastname`: names are case-sensitive
            | /role: must be one of "admin", "reader", got "Admin", did you mean "admin"?
            | /email: must be an e-mail address such as name@example.com, got "x"
            | /lastname: unknown property, did you mean "lastName"?
            | /firstName: must be a string, got the number 5
        users | { "lastName": "A", "fistName": "B", "email": "a@b.co", "zip": 1 }
            | /firstName: is missing (required, a string); the body has `fistName`: did you mean `firstName`?
            | /fistName: unknown property, did you mean "firstName"?
            | /zip: unknown property
        users | [] | must be an object, got an array
        users | "x" | must be an object, got the string "x"
        tasks | { "user_id": 1, "dueDate": null, "extra": 1 }
        tasks | { "user_id": 1.5 } | /user_id: must be a whole number, got the number 1.5
        tasks | { "user_id": 1, "dueDate": "31.1.2026" } | /dueDate: must be a date such as 2026-01-31, got "31.1.2026"
        tasks | { "user_id": 1, "id": "x" } | /id: must be a whole number, got the string "x"
        tasks | { "user_id": 1, "owner": { "lastName": "A", "firstName": "B", "email": "a@b.co", "zip": 1 } } | /owner/id: is missing (required) | /owner/zip: unknown property
        tasks | { "user_id": 1, "bands": ["a", 2] } | /bands/1: must be a string, got the number 2
        profile | { "name": "" } | /id: is missing (required) | /name: must not be empty
    "#;
    for row in rows(cases) {
        let [resource, record, expected @ ..] = &row[..] else {
            panic!("{row:?}")
        };
        let rules = schema.rules(resource).expect(resource);
        let record = serde_json::from_str(record).unwrap();
        let found = check(rules, &record);
        let found: Vec<_> = found.iter().map(Violation::to_string).collect();
        assert_eq!(found, expected, "{row:?}");
    }
}

#[test]
fn a_record_may_come_with_or_without_an_id() {
    for rules in [
        json!({ "properties": { "id": { "type": "integer" } }, "required": ["id"] }),
        json!({ "properties": { "name": true }, "additionalProperties": false }),
        json!({ "allOf": [{ "required": ["id"] }], "properties": { "name": true }, "unevaluatedProperties": false }),
        json!({ "additionalProperties": false }),
        json!({ "additionalProperties": { "type": "string" } }),
        json!({ "required": ["id"], "unevaluatedProperties": { "type": "string" } }),
    ] {
        assert_eq!(violations(&rules, &json!({})), [""; 0], "{rules}");
        assert_eq!(violations(&rules, &json!({ "id": 1 })), [""; 0], "{rules}");
    }
    let other = r#"{ "properties": { "a": { "items": { "required": ["_id", "id"] } } } }"#;
    let schema = Schema::compile(other, "_id").expect("compiles");
    assert_eq!(check(schema.rules("a").expect("a"), &json!({})).len(), 1);
}

#[test]
fn references_inside_the_file_are_resolved() {
    let text = r##"{
      "properties": {
        "tree": { "items": { "$ref": "#node" } },
        "a b": { "$ref": "#/$defs/list%20of" },
        "c/d~e": { "items": { "$ref": "#/definitions/x" } }
      },
      "$defs": {
        "n": { "$anchor": "node", "type": "object", "properties": { "next": { "$ref": "#node" }, "id": true }, "additionalProperties": false },
        "list of": { "type": "array", "items": { "allOf": [{ "$ref": "#/definitions/x" }], "unevaluatedProperties": false } }
      },
      "definitions": { "x": { "properties": { "x": { "type": "string" } }, "required": ["x"] } }
    }"##;
    let schema = Schema::compile(text, "id").expect("compiles");
    let check = |name: &str, value: Value| -> Vec<String> {
        super::tests::check(schema.rules(name).expect(name), &value)
            .iter()
            .map(Violation::to_string)
            .collect()
    };
    assert_eq!(
        check("tree", json!({ "next": { "next": { "nxt": 1 } } })),
        ["/next/next/nxt: unknown property, did you mean \"next\"?"]
    );
    assert_eq!(
        check("a b", json!({ "id": 1 })),
        ["/x: is missing (required, a string)"]
    );
    assert_eq!(
        check("a b", json!({ "x": "", "y": 1 })),
        ["/y: unknown property"]
    );
    assert_eq!(
        check("c/d~e", json!({ "x": 1 })),
        ["/x: must be a string, got the number 1"]
    );
    assert_eq!(
        schema.rules("a b").expect("rules").example.as_ref(),
        Some(&json!({ "x": "x" }))
    );
}

#[test]
fn examples_are_valid() {
    for rules in [
        json!({}),
        json!({ "type": "object" }),
        json!({ "properties": { "a": { "type": "integer", "minimum": 10, "multipleOf": 4 } } }),
        json!({ "properties": { "a": { "type": "number", "maximum": -0.5 } }, "required": ["a"] }),
        json!({ "properties": { "a": { "exclusiveMaximum": 0 } }, "required": ["a"] }),
        json!({ "properties": { "a": { "type": "string", "minLength": 30 }, "b": { "maxLength": 1 } } }),
        json!({ "properties": { "a": { "pattern": "^[A-Z]{3}$", "examples": ["ABC"] } }, "required": ["a"] }),
        json!({ "properties": { "tags": { "type": "array", "items": { "type": "string" }, "minItems": 1 } }, "required": ["tags"] }),
        json!({ "required": ["undescribed"] }),
        json!({ "oneOf": [{ "properties": { "kind": { "const": "a" } }, "required": ["kind"] }, { "required": ["b"] }] }),
        json!({ "properties": { "address": { "properties": { "city": { "type": "string" } }, "required": ["city"] } }, "required": ["address"] }),
        json!({ "properties": { "a": { "type": ["null", "boolean"] }, "b": { "anyOf": [{ "type": "null" }, { "format": "uuid" }] } } }),
        json!({ "properties": { "id": { "type": "integer" }, "a": { "default": 5 } }, "minProperties": 1 }),
        json!({ "allOf": [{ "properties": { "a": { "format": "ipv6" } }, "required": ["a"] }] }),
    ] {
        let text = json!({ "properties": { "things": { "items": rules } } }).to_string();
        let schema = Schema::compile(&text, "id").expect("compiles");
        let rules = schema.rules("things").expect("rules");
        assert_eq!(
            check(rules, rules.example.as_ref().unwrap()),
            [],
            "{} {:?}",
            rules.raw,
            rules.example.as_ref()
        );
        assert!(rules.example.as_ref().unwrap().get("id").is_none());
    }
}

#[test]
fn a_schema_that_is_only_itself_allows_anything() {
    let text = r##"{ "properties": { "a": { "items": { "$ref": "#/properties/a/items" } } } }"##;
    if let Ok(schema) = Schema::compile(text, "id") {
        assert_eq!(check(schema.rules("a").expect("a"), &json!({ "x": 1 })), []);
    }
}

#[test]
fn rules_are_send_and_sync() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Schema>();
    shared::<SchemaError>();
}

#[test]
fn the_example_in_the_docs_compiles() {
    let page = include_str!("../../docs/rules.md");
    let block = page
        .split("```json\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("a block");
    let schema = Schema::compile(block, "id").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(schema.iter().count(), 3);
    assert_eq!(
        schema.rules("tasks").expect("tasks").example.as_ref(),
        Some(&json!({ "user_id": 1, "title": "A title" }))
    );
}

#[test]
fn every_keyword_and_format_is_in_the_docs() {
    let page = include_str!("../../docs/rules.md");
    let listed = |name: &str| page.contains(&format!("`{name}`"));
    let keywords = document::KEYWORDS.iter().map(|(name, _)| *name);
    let formats = document::FORMATS
        .iter()
        .map(|format| format.name)
        .chain(document::UNCHECKED_FORMATS.iter().copied());
    let missing: Vec<_> = keywords
        .chain(formats)
        .filter(|name| !listed(name))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/rules.md does not name {missing:?}"
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "lastName", "lastname", "email", "id", "v", "~/", "", "next", "type", "items", "$ref",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        names.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn checking_never_panics(value in any_json()) {
        thread_local!(static SCHEMA: Schema = schema());
        SCHEMA.with(|schema| {
            for rules in schema.iter() {
                let violations = check(rules, &value);
                assert_eq!(violations, check(rules, &value));
            }
        });
    }

    #[test]
    fn compiling_never_panics(text in ".{0,60}", schema in any_json(), key in "(type|items|properties|required|format|uniqueItemProperties|allOf|\\$ref)") {
        let _ = Schema::compile(&text, "id");
        let _ = Schema::compile(&json!({ "properties": { "a": { "items": { key: schema } } } }).to_string(), "id");
    }
}

#[test]
fn only_the_rules_of_the_id_itself_apply_to_it() {
    // In nested objects, as in the last two, it is a property like any other.
    let cases = r#"
        { "maxProperties": 1 } | { "id": 1, "a": 1 }
        { "minProperties": 1 } | { "id": 1 } | {} has less than 1 property
        { "propertyNames": { "pattern": "^[a-z]$" } } | { "id": 1, "a": 1 }
        { "patternProperties": { "^i": { "type": "string" } } } | { "id": 1 }
        { "additionalProperties": { "type": "string" } } | { "id": 1, "a": "" }
        { "unevaluatedProperties": false, "allOf": [{ "properties": { "a": {} } }] } | { "id": 1, "a": 1 }
        { "const": { "a": 1 } } | { "id": 1, "a": 1 }
        { "const": { "id": 7, "a": 1 } } | { "id": 1, "a": 1 }
        { "enum": [{ "a": 1 }, { "id": 2, "a": 2 }] } | { "a": 2, "id": 1 }
        { "not": { "required": ["id"] } } | { "id": 1 }
        { "not": { "minProperties": 2 } } | { "id": 1, "a": 1 }
        { "dependentRequired": { "id": ["b"] } } | { "id": 1 }
        { "oneOf": [{ "required": ["id", "a"] }, { "required": ["id", "b"] }] } | { "b": 1 }
        { "if": { "required": ["a"] }, "then": { "required": ["id", "b"] } } | { "a": 1, "b": 1 }
        { "properties": { "id": { "type": "string" } } } | { "id": 1 } | /id: must be a string, got the number 1
        { "allOf": [{ "properties": { "id": { "minimum": 5 } } }], "required": ["a"] } | { "id": 1 } | /a: is missing (required) | /id: must be at least 5, got 1
        { "properties": { "a": { "required": ["id"] } } } | { "a": {} } | /a/id: is missing (required)
        { "properties": { "a": { "maxProperties": 0 } } } | { "a": { "id": 1 } } | /a: {"id":1} has more than 0 properties
    "#;
    for row in rows(cases) {
        let [rules, record, expected @ ..] = &row[..] else {
            panic!("{row:?}")
        };
        let [rules, record] = [rules, record].map(|json| serde_json::from_str(json).unwrap());
        assert_eq!(violations(&rules, &record), expected, "{row:?}");
    }
    let tree = json!({
        "properties": { "nodes": { "items": { "$ref": "#/$defs/node" } } },
        "$defs": { "node": { "required": ["id"], "properties": { "below": { "$ref": "#/$defs/node" } } } }
    });
    let schema = Schema::compile(&tree.to_string(), "id").unwrap();
    let rules = schema.rules("nodes").unwrap();
    assert_eq!(check(rules, &json!({ "below": { "id": 2 } })), []);
    assert_eq!(check(rules, &json!({ "below": {} })).len(), 1);
}

#[test]
fn references_may_use_the_id_of_the_file() {
    for (id, reference) in [
        (
            "https://example.com/db.schema.json",
            "https://example.com/db.schema.json#/$defs/a",
        ),
        (
            "https://example.com/db.schema.json#",
            "https://example.com/db.schema.json#/$defs/a",
        ),
        (
            "https://example.com/db.schema.json",
            "db.schema.json#/$defs/a",
        ),
        ("db.schema.json", "./db.schema.json#/$defs/a"),
        ("urn:rules", "urn:rules#a"),
    ] {
        let rules = json!({
            "$id": id,
            "properties": { "things": { "items": { "properties": { "a": { "$ref": reference } } } } },
            "$defs": { "a": { "$anchor": "a", "type": "string" } }
        });
        let schema = Schema::compile(&rules.to_string(), "id")
            .unwrap_or_else(|error| panic!("{reference}: {error}"));
        assert_eq!(
            check(schema.rules("things").unwrap(), &json!({ "a": 1 })).len(),
            1,
            "{reference}"
        );
    }
    // The whole file, with and without `#`: the property is itself a set of resources.
    for reference in [
        "https://example.com/r.json",
        "https://example.com/r.json#",
        "r.json",
        "#",
    ] {
        let rules = json!({
            "$id": "https://example.com/r.json",
            "type": "object",
            "properties": { "things": { "items": { "properties": { "a": { "$ref": reference } } } } },
        });
        let schema = Schema::compile(&rules.to_string(), "id")
            .unwrap_or_else(|error| panic!("{reference}: {error}"));
        let rules = schema.rules("things").unwrap();
        assert_eq!(check(rules, &json!({ "a": 1 })).len(), 1, "{reference}");
        assert_eq!(
            check(rules, &json!({ "a": { "things": [] } })),
            [],
            "{reference}"
        );
    }
}

/// A tree of which each level has several forms, nested `depth` deep and wrong at the bottom.
pub(super) fn deep_tree(depth: usize) -> (Value, Value) {
    let form = |name: &str| json!({ "properties": { "a": { "$ref": "#/$defs/tree" }, name: { "type": "string" } } });
    let rules = json!({
        "properties": { "trees": { "items": { "$ref": "#/$defs/tree" } } },
        "$defs": { "tree": { "type": "object", "oneOf": [form("b"), form("c"), form("d"), form("e")] } }
    });
    (
        rules,
        (0..depth).fold(json!(1), |below, _| json!({ "a": below })),
    )
}

/// The errors of nested forms hold copies of the value, which took seconds with a long string inside.
#[test]
fn the_size_of_a_value_counts() {
    let (rules, _) = deep_tree(0);
    let value = (0..14).fold(
        json!({ "p": "y".repeat(1_000_000) }),
        |below, _| json!({ "a": below }),
    );
    let schema = Schema::compile(&rules.to_string(), "id").unwrap();
    let rules = schema.rules("trees").unwrap();
    assert_eq!(
        rules.check(&value.to_string(), &mut Budget::for_length(1_000_000)),
        Err(TooComplex)
    );
}

#[test]
fn a_check_is_bounded() {
    let (rules, value) = deep_tree(60);
    let schema = Schema::compile(&rules.to_string(), "id").unwrap();
    let rules = schema.rules("trees").unwrap();
    assert_eq!(
        rules.check(&value.to_string(), &mut Budget::for_length(300)),
        Err(TooComplex)
    );
    let (rules, _) = deep_tree(0);
    let rules = Schema::compile(&rules.to_string().replace("oneOf", "anyOf"), "id").unwrap();
    let rules = rules.rules("trees").unwrap();
    let value = json!({ "a": { "a": {} } });
    assert_eq!(
        rules.check(&value.to_string(), &mut Budget::of(1)),
        Err(TooComplex)
    );
    assert_eq!(
        rules.check(&value.to_string(), &mut Budget::of(1000)),
        Ok(Vec::new())
    );
}
