use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

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
    Schema::compile(USERS).unwrap_or_else(|error| panic!("{error}"))
}

/// The violations of `record` under the record schema `rules`, one line each.
fn violations(rules: &Value, record: &Value) -> Vec<String> {
    let text = json!({ "properties": { "things": { "items": rules } } }).to_string();
    let schema = Schema::compile(&text).unwrap_or_else(|error| panic!("{error}"));
    schema.rules("things").expect("rules").check(record).iter().map(Violation::to_string).collect()
}

#[test]
fn what_the_rules_tell() {
    let schema = schema();
    let users = schema.rules("users").expect("users");
    assert_eq!(users.required(), ["lastName", "firstName", "email"]);
    assert_eq!(users.holds(), Holds::Records);
    let names: Vec<_> = users.properties().iter().map(|p| (p.name.as_str(), p.words.as_str(), p.required)).collect();
    assert_eq!(
        names,
        [
            ("lastName", "a string", true),
            ("firstName", "a string", true),
            ("email", "an e-mail address", true),
            ("role", "one of \"admin\", \"reader\"", false),
        ]
    );
    let of = |name: &str, fold_case| UniqueProperty { name: name.to_owned(), fold_case };
    assert_eq!(
        users.unique(),
        [
            Unique { properties: vec![of("email", true)] },
            Unique { properties: vec![of("lastName", false), of("firstName", false)] },
        ]
    );
    assert_eq!(users.example(), json!({ "lastName": "Lovelace", "firstName": "Ada", "email": "name@example.com" }));
    assert_eq!(users.raw(), &json!({ "$ref": "#/$defs/user" }));

    let tasks = schema.rules("tasks").expect("tasks");
    let to = |property: &str, many, resource: &str, target: &str| Reference {
        property: property.to_owned(),
        many,
        resource: resource.to_owned(),
        target: target.to_owned(),
    };
    assert_eq!(tasks.references(), [to("user_id", false, "users", "id"), to("bands", true, "bands", "name")]);
    assert_eq!(tasks.property("dueDate").expect("dueDate").words, "a date or null");
    assert_eq!(tasks.example(), json!({ "user_id": 1 }));

    assert_eq!(schema.rules("profile").expect("profile").holds(), Holds::Single);
    assert!(schema.rules("anything").is_none());
    assert!(schema.rules("$schema").is_none());
    let order: Vec<_> = schema.iter().map(Rules::resource).collect();
    assert_eq!(order, ["users", "tasks", "bands", "profile"]);
}

#[test]
fn records_and_what_is_wrong_with_them() {
    let schema = schema();
    for (resource, record, expected) in [
        ("users", json!({ "lastName": "A", "firstName": "B", "email": "a@b.co" }), &[][..]),
        ("users", json!({ "id": 7, "lastName": "A", "firstName": "B", "email": "a@b.co", "role": "admin" }), &[]),
        (
            "users",
            json!({}),
            &[
                "/lastName is missing (required, a string)",
                "/firstName is missing (required, a string)",
                "/email is missing (required, an e-mail address)",
            ],
        ),
        (
            "users",
            json!({ "role": "Admin", "email": "x", "lastname": "A", "firstName": 5 }),
            &[
                "/lastName is missing (required, a string); the body has `lastname`: names are case-sensitive",
                "/role must be one of \"admin\", \"reader\", is \"Admin\", did you mean \"admin\"?",
                "/email must be an e-mail address such as name@example.com, is \"x\"",
                "/lastname is no property of users, did you mean \"lastName\"?",
                "/firstName must be a string, is the number 5",
            ],
        ),
        (
            "users",
            json!({ "lastName": "A", "fistName": "B", "email": "a@b.co", "zip": 1 }),
            &[
                "/firstName is missing (required, a string); the body has `fistName`: did you mean `firstName`?",
                "/fistName is no property of users, did you mean \"firstName\"?",
                "/zip is no property of users",
            ],
        ),
        ("users", json!([]), &["must be an object, is an array"]),
        ("users", json!("x"), &["must be an object, is the string \"x\""]),
        ("tasks", json!({ "user_id": 1, "dueDate": null, "extra": 1 }), &[]),
        ("tasks", json!({ "user_id": 1.5 }), &["/user_id must be a whole number, is the number 1.5"]),
        (
            "tasks",
            json!({ "user_id": 1, "dueDate": "31.1.2026" }),
            &["/dueDate must be a date such as 2026-01-31, is \"31.1.2026\""],
        ),
        ("tasks", json!({ "user_id": 1, "id": "x" }), &["/id must be a whole number, is the string \"x\""]),
        (
            "tasks",
            json!({ "user_id": 1, "owner": { "lastName": "A", "firstName": "B", "email": "a@b.co", "zip": 1 } }),
            &["/owner/id is missing (required)", "/owner/zip is no property of owner"],
        ),
        ("tasks", json!({ "user_id": 1, "bands": ["a", 2] }), &["/bands/1 must be a string, is the number 2"]),
        (
            "profile",
            json!({ "name": "" }),
            &["/id is missing (required)", "/name is empty, at least 1 character is needed"],
        ),
    ] {
        let rules = schema.rules(resource).expect(resource);
        let found: Vec<_> = rules.check(&record).iter().map(Violation::to_string).collect();
        assert_eq!(found, expected, "{resource} {record}");
        assert_eq!(rules.check_text(&record.to_string()), rules.check(&record));
    }
}

#[test]
fn every_keyword_has_its_sentence() {
    let pet = json!({ "oneOf": [
        { "type": "object", "properties": { "kind": { "const": "cat" }, "lives": { "type": "integer" } }, "required": ["kind", "lives"] },
        { "type": "object", "properties": { "kind": { "const": "dog" }, "barks": { "type": "boolean" } }, "required": ["kind", "barks"] },
    ] });
    for (rules, value, expected) in [
        (json!({ "type": "boolean" }), json!("true"), &["/v must be true or false, is the string \"true\""][..]),
        (json!({ "type": ["string", "null"] }), json!(5), &["/v must be a string or null, is the number 5"]),
        (json!({ "const": "a" }), json!("b"), &["/v must be \"a\", is \"b\""]),
        (json!({ "enum": ["a", 1, null] }), json!("b"), &["/v must be one of \"a\", 1, null, is \"b\""]),
        (json!({ "minLength": 5 }), json!("äöü"), &["/v is 3 characters long, at least 5 are needed"]),
        (json!({ "maxLength": 1 }), json!("ab"), &["/v is 2 characters long, at most 1 is allowed"]),
        (json!({ "pattern": "^\\d+$" }), json!("x"), &["/v must match the pattern ^\\d+$, is \"x\""]),
        (
            json!({ "pattern": "^(?=.*[a-z])(?=.*\\d)" }),
            json!("x"),
            &["/v must match the pattern ^(?=.*[a-z])(?=.*\\d), is \"x\""],
        ),
        (json!({ "minimum": 5 }), json!(3), &["/v must be at least 5, is 3"]),
        (json!({ "maximum": 5.5 }), json!(6), &["/v must be at most 5.5, is 6"]),
        (json!({ "exclusiveMinimum": 5 }), json!(5), &["/v must be more than 5, is 5"]),
        (json!({ "exclusiveMaximum": 5 }), json!(5), &["/v must be less than 5, is 5"]),
        (json!({ "multipleOf": 5 }), json!(7), &["/v must be a multiple of 5, is 7"]),
        (json!({ "multipleOf": 0.01 }), json!(0.005), &["/v must be a multiple of 0.01, is 0.005"]),
        (json!({ "minItems": 2 }), json!([1]), &["/v has 1 item, at least 2 are needed"]),
        (json!({ "maxItems": 1 }), json!([1, 2]), &["/v has 2 items, at most 1 is allowed"]),
        (json!({ "uniqueItems": true }), json!([1, 2, 1]), &["/v must not hold an item twice, holds 1 again"]),
        (
            json!({ "prefixItems": [{ "type": "string" }], "items": false }),
            json!([1, 2]),
            &["/v/0 must be a string, is the number 1", "/v/1 is not allowed here"],
        ),
        (
            json!({ "contains": { "type": "string" } }),
            json!([1]),
            &["/v must contain at least 1 item that is a string"],
        ),
        (
            json!({ "contains": { "const": 1 }, "minContains": 2, "maxContains": 3 }),
            json!([1]),
            &["/v must contain 2 to 3 items that are 1"],
        ),
        (json!({ "unevaluatedItems": false }), json!([1]), &["/v has 1 item that no rule allows"]),
        (json!({ "minProperties": 1 }), json!({}), &["/v has 0 properties, at least 1 is needed"]),
        (json!({ "maxProperties": 1 }), json!({ "a": 1, "b": 2 }), &["/v has 2 properties, at most 1 is allowed"]),
        (
            json!({ "propertyNames": { "pattern": "^[a-z]+$" } }),
            json!({ "A/b": 1 }),
            &["/v/A~1b is no allowed name: the name must match the pattern ^[a-z]+$, is \"A/b\""],
        ),
        (
            json!({ "patternProperties": { "^n": { "type": "number" } } }),
            json!({ "n1": "x" }),
            &["/v/n1 must be a number, is the string \"x\""],
        ),
        (
            json!({ "additionalProperties": { "type": "number" } }),
            json!({ "n": "x" }),
            &["/v/n must be a number, is the string \"x\""],
        ),
        (
            json!({ "dependentRequired": { "card": ["zip"] } }),
            json!({ "card": 1 }),
            &["/v/zip is missing (required with `card`)"],
        ),
        (
            json!({ "dependentSchemas": { "card": { "required": ["zip"] } } }),
            json!({ "card": 1 }),
            &["/v/zip is missing (required)"],
        ),
        (
            json!({ "properties": { "a": true }, "unevaluatedProperties": false }),
            json!({ "A": 1 }),
            &["/v/A is no property of v, did you mean \"a\"?"],
        ),
        (json!({ "properties": { "a": false } }), json!({ "a": 1 }), &["/v/a is not allowed here"]),
        (
            json!({ "additionalProperties": false }),
            json!({ "a": 1, "b": {} }),
            &["/v/a is no property of v", "/v/b is no property of v"],
        ),
        (json!({ "propertyNames": false }), json!({ "a": 1 }), &["/v/a is no property of v"]),
        (
            json!({ "properties": { "additionalProperties": false } }),
            json!({ "additionalProperties": { "a": 1 } }),
            &["/v/additionalProperties is not allowed here"],
        ),
        (json!({ "items": false }), json!([1]), &["/v/0 is not allowed here"]),
        (json!(false), json!([1]), &["/v is not allowed here"]),
        (
            json!({ "if": { "type": "string" }, "then": { "minLength": 2 }, "else": { "type": "null" } }),
            json!("a"),
            &["/v is 1 character long, at least 2 are needed"],
        ),
        (
            json!({ "allOf": [{ "minLength": 2 }, { "minLength": 2 }] }),
            json!("a"),
            &["/v is 1 character long, at least 2 are needed"],
        ),
        (
            json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }),
            json!(5),
            &["/v must be a string or null, is the number 5"],
        ),
        (
            json!({ "anyOf": [{ "type": "string", "minLength": 2 }, { "type": "null" }] }),
            json!("a"),
            &["/v is 1 character long, at least 2 are needed"],
        ),
        (
            json!({ "anyOf": [{ "required": ["email"] }, { "required": ["phone"] }] }),
            json!({}),
            &["/v must have `email` or `phone`"],
        ),
        (pet.clone(), json!({ "kind": "dog" }), &["/v/barks is missing (required, true or false)"]),
        (
            json!({ "anyOf": [{ "minLength": 3 }, { "pattern": "b" }] }),
            json!("a"),
            &["/v fits none of the 2 allowed forms; nearest is form 1: /v is 1 character long, at least 3 are needed"],
        ),
        (
            json!({ "oneOf": [{ "type": "integer" }, { "minimum": 2 }] }),
            json!(3),
            &["/v must fit exactly one of the allowed forms, fits 1 and 2"],
        ),
        (json!({ "not": { "type": "string" } }), json!("a"), &["/v must not be a string"]),
        (json!({ "not": { "required": ["a"] } }), json!({ "a": 1 }), &["/v must not have `a`"]),
        (json!({ "not": { "minimum": 5 } }), json!(6), &["/v must not fit {\"minimum\":5}"]),
    ] {
        let rules = json!({ "properties": { "v": rules } });
        assert_eq!(violations(&rules, &json!({ "v": value })), expected, "{rules}");
    }
    let long = "x".repeat(1000);
    let [line] = &violations(&json!({ "type": "number" }), &json!(long))[..] else { panic!("one violation") };
    assert!(line.len() < 120, "{line}");
    let many = violations(&json!({ "items": { "type": "string" } }), &json!([1].repeat(1000)));
    assert_eq!(many.len(), 201);
    assert_eq!(many[200], "breaks more rules than the 200 listed");
}

#[test]
fn the_id_is_the_servers_matter() {
    for rules in [
        json!({ "properties": { "id": { "type": "integer" } }, "required": ["id"] }),
        json!({ "properties": { "name": true }, "additionalProperties": false }),
        json!({ "allOf": [{ "required": ["id"] }], "properties": { "name": true }, "unevaluatedProperties": false }),
        json!({ "additionalProperties": false }),
    ] {
        assert_eq!(violations(&rules, &json!({})), [""; 0], "{rules}");
        assert_eq!(violations(&rules, &json!({ "id": 1 })), [""; 0], "{rules}");
    }
    let other = r#"{ "properties": { "a": { "items": { "required": ["_id", "id"] } } } }"#;
    let schema = Schema::compile_with_id(other, "_id").expect("compiles");
    assert_eq!(schema.rules("a").expect("a").required(), ["id"]);
}

#[test]
fn what_is_no_rule_is_refused_with_its_place() {
    let user = |text: &str| format!(r#"{{ "properties": {{ "users": {{ "items": {text} }} }} }}"#);
    let users = |text: &str| format!(r#"{{ "properties": {{ "users": {text} }} }}"#);
    for (text, expected) in [
        ("{\n  \"a\": 1,\n}".to_owned(), "3:1"),
        ("[]".to_owned(), "the rules must be an object, this is an array"),
        ("\u{feff}[]".to_owned(), "1:1 the rules must be an object"),
        (
            r#"{ "$schema": "http://json-schema.org/draft-07/schema#" }"#.to_owned(),
            "1:3 /$schema: rules are JSON Schema 2020-12, this says",
        ),
        (
            "{\n  \"propertys\": {}\n}".to_owned(),
            "2:3 /propertys: \"propertys\" is no keyword (did you mean `properties`?)",
        ),
        (
            user(r#"{ "requierd": ["a"] }"#),
            "/properties/users/items/requierd: \"requierd\" is no keyword (did you mean `required`?)",
        ),
        (
            user(r#"{ "email": { "type": "string" } }"#),
            "\"email\" is no keyword (properties belong inside `properties`",
        ),
        (user(r#"{ "nullable": true }"#), "\"nullable\" is no keyword (use `\"type\": [\"string\", \"null\"]`)"),
        (user(r#"{ "type": "strng" }"#), "/properties/users/items/type: must be one of \"array\", \"boolean\""),
        (
            user(r#"{ "required": "name" }"#),
            "/properties/users/items/required: must be an array, is the string \"name\"",
        ),
        (user(r#"{ "minLength": -1 }"#), "/properties/users/items/minLength: must be at least 0, is -1"),
        (user(r#"{ "properties": { "a": 5 } }"#), "/properties/users/items/properties/a: must be"),
        (user(r#"{ "format": "e-mail" }"#), "\"e-mail\" is no format that is checked (did you mean \"email\"?)"),
        (
            user(r#"{ "pattern": "a(" }"#),
            "/properties/users/items/pattern: \"a(\" is no regular expression: unclosed group",
        ),
        (user(r#"{ "patternProperties": { "[": true } }"#), "\"[\" is no regular expression"),
        (user(r##"{ "$ref": "#/$defs/usr" }"##), "\"#/$defs/usr\" points to nothing"),
        (
            user(r#"{ "$ref": "https://example.com/user.json" }"#),
            "points outside this file, and standin fetches nothing",
        ),
        (user(r#"{ "$ref": "user.json" }"#), "\"user.json\" points outside this file"),
        (user(r#"{ "$id": "https://example.com/user" }"#), "`$id` may stand at the root only"),
        (user(r#"{ "then": { "minLength": 1 } }"#), "`then` has no effect without `if` beside it"),
        (
            user(r#"{ "uniqueItemProperties": ["a"] }"#),
            "`uniqueItemProperties` has no effect here (it belongs beside `items`",
        ),
        (user(r#"{ "references": "a" }"#), "`references` has no effect here"),
        (user(r#"{ "properties": { "a": { "references": 5 } } }"#), "must be the name of a collection, is 5"),
        (
            user(r#"{ "properties": { "a": { "references": "users/nme" }, "name": {} } }"#),
            "references `nme`, which is no property of users (did you mean \"name\"?)",
        ),
        (
            users(r#"{ "items": { "properties": { "email": {} } }, "uniqueItemProperties": ["emial"] }"#),
            "/properties/users/uniqueItemProperties/0: \"emial\" is none of the properties of a record (did you mean \"email\"?)",
        ),
        (users(r#"{ "items": {}, "uniqueItemProperties": "email" }"#), "must be an array such as [\"email\"]"),
        (users(r#"{ "type": "array", "uniqueItemProperties": ["a"] }"#), "`uniqueItemProperties` has no effect here"),
        (users(r#"{ "items": {}, "maxItems": 5 }"#), "`maxItems` is not held for a collection"),
        (
            user("{\n \"type\": \"array\",\n \"type\": \"object\" }"),
            "3:2 /properties/users/items/type: is written twice",
        ),
        (r#"{ "patternProperties": {} }"#.to_owned(), "`patternProperties` is not held at the root"),
    ] {
        let error = Schema::compile(&text).expect_err(&text);
        let lines: Vec<String> =
            error.problems.iter().map(|problem| format!("{} {problem}", problem.place(&text))).collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(expected), "{text}\n{lines:?}\n{expected}");
    }
}

#[test]
fn problems_are_told_together_in_the_order_of_the_file() {
    let text = r#"{ "properties": { "a": { "items": { "typo": 1, "type": 5, "pattern": "(" } } } }"#;
    let error = Schema::compile(text).expect_err("not a schema");
    let pointers: Vec<_> = error.problems.iter().map(|problem| problem.pointer.rsplit('/').next()).collect();
    assert_eq!(pointers, [Some("typo"), Some("type"), Some("pattern")]);
}

#[test]
fn references_inside_the_file_are_followed() {
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
    let schema = Schema::compile(text).expect("compiles");
    let check = |name: &str, value: Value| -> Vec<String> {
        schema.rules(name).expect(name).check(&value).iter().map(Violation::to_string).collect()
    };
    assert_eq!(
        check("tree", json!({ "next": { "next": { "nxt": 1 } } })),
        ["/next/next/nxt is no property of next, did you mean \"next\"?"]
    );
    assert_eq!(check("a b", json!({ "id": 1 })), ["/x is missing (required, a string)"]);
    assert_eq!(check("a b", json!({ "x": "", "y": 1 })), ["/y is no property of a b"]);
    assert_eq!(check("c/d~e", json!({ "x": 1 })), ["/x must be a string, is the number 1"]);
    assert_eq!(schema.rules("a b").expect("rules").example(), json!({ "x": "x" }));
}

#[test]
fn examples_keep_the_rules() {
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
        let schema = Schema::compile(&text).expect("compiles");
        let rules = schema.rules("things").expect("rules");
        assert_eq!(rules.check(&rules.example()), [], "{} {}", rules.raw(), rules.example());
        assert!(rules.example().get("id").is_none());
    }
}

#[test]
fn a_schema_that_is_only_itself_allows_anything() {
    let text = r##"{ "properties": { "a": { "items": { "$ref": "#/properties/a/items" } } } }"##;
    if let Ok(schema) = Schema::compile(text) {
        assert_eq!(schema.rules("a").expect("a").check(&json!({ "x": 1 })), []);
    }
}

#[test]
fn rules_are_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Schema>();
    shared::<SchemaError>();
}

#[test]
fn the_rules_of_the_page_compile() {
    let page = include_str!("../../docs/rules.md");
    let block = page.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block");
    let schema = Schema::compile(block).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(schema.iter().count(), 3);
    assert_eq!(schema.rules("tasks").expect("tasks").example(), json!({ "user_id": 1, "title": "A title" }));
}

#[test]
fn every_keyword_and_format_is_in_the_page() {
    let page = include_str!("../../docs/rules.md");
    let listed = |name: &str| page.contains(&format!("`{name}`"));
    let keywords = keywords::KEYWORDS.iter().map(|(name, _)| *name);
    let formats = keywords::FORMATS.iter().map(|format| format.name).chain(keywords::UNCHECKED_FORMATS.iter().copied());
    let missing: Vec<_> = keywords.chain(formats).filter(|name| !listed(name)).collect();
    assert!(missing.is_empty(), "docs/rules.md does not name {missing:?}");
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
            prop::collection::vec((names.clone(), inner), 0..6)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn checking_never_panics(value in any_json()) {
        thread_local!(static SCHEMA: Schema = schema());
        SCHEMA.with(|schema| {
            for rules in schema.iter() {
                let violations = rules.check(&value);
                assert_eq!(violations, rules.check(&value));
                assert_eq!(violations.is_empty(), rules.check_text(&value.to_string()).is_empty());
            }
        });
    }

    #[test]
    fn compiling_never_panics(text in ".{0,60}", schema in any_json(), key in "(type|items|properties|required|format|uniqueItemProperties|allOf|\\$ref)") {
        let _ = Schema::compile(&text);
        let _ = Schema::compile(&json!({ "properties": { "a": { "items": { key: schema } } } }).to_string());
    }
}
