//! What is said of records, and of rules files that are none: a row for each sentence.

use serde_json::json;

use super::{Schema, violations};

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
        (user(r#"{ "properties": { "a": { "references": 5 } } }"#), "must be the name of a collection, got 5"),
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
fn a_hostile_body_costs_no_more_than_reading_it() {
    let body: serde_json::Map<String, serde_json::Value> =
        (0..100_000).map(|index| (format!("lastNme{index}"), json!(index))).collect();
    let rules = json!({
        "properties": { "lastName": {}, "firstName": {} },
        "required": ["lastName", "firstName"],
        "additionalProperties": false,
    });
    let start = std::time::Instant::now();
    let found = violations(&rules, &body.into());
    assert_eq!(found.len(), 201);
    assert!(found[0].starts_with("/lastName is missing"), "{}", found[0]);
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_schema_that_contains_itself_many_times_compiles_at_once() {
    let links: serde_json::Map<String, serde_json::Value> =
        (0..30).map(|index| (format!("link{index}"), json!({ "$ref": "#/$defs/node" }))).collect();
    let text = json!({
        "properties": { "nodes": { "items": { "$ref": "#/$defs/node" } } },
        "$defs": { "node": { "type": "object", "properties": links } },
    });
    let start = std::time::Instant::now();
    Schema::compile(&text.to_string()).expect("compiles");
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
}
