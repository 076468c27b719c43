//! The messages for records and for rules files, a row for each.

use serde_json::json;

use super::{Schema, violations};

#[test]
fn messages_for_invalid_records() {
    let pet = json!({ "oneOf": [
        { "type": "object", "properties": { "kind": { "const": "cat" }, "lives": { "type": "integer" } }, "required": ["kind", "lives"] },
        { "type": "object", "properties": { "kind": { "const": "dog" }, "barks": { "type": "boolean" } }, "required": ["kind", "barks"] },
    ] });
    for (rules, value, expected) in [
        (
            json!({ "type": "boolean" }),
            json!("true"),
            &["/v: must be true or false, got the string \"true\""][..],
        ),
        (
            json!({ "type": ["string", "null"] }),
            json!(5),
            &["/v: must be a string or null, got the number 5"],
        ),
        (
            json!({ "const": "a" }),
            json!("b"),
            &["/v: must be \"a\", got \"b\""],
        ),
        (
            json!({ "enum": ["a", 1, null] }),
            json!("b"),
            &["/v: must be one of \"a\", 1, null, got \"b\""],
        ),
        (
            json!({ "minLength": 5 }),
            json!("äöü"),
            &["/v: must be at least 5 characters long, got 3"],
        ),
        (
            json!({ "maxLength": 1 }),
            json!("ab"),
            &["/v: must be at most 1 character long, got 2"],
        ),
        (
            json!({ "pattern": "^\\d+$" }),
            json!("x"),
            &["/v: must match the pattern ^\\d+$, got \"x\""],
        ),
        (
            json!({ "pattern": "^(?=.*[a-z])(?=.*\\d)" }),
            json!("x"),
            &["/v: must match the pattern ^(?=.*[a-z])(?=.*\\d), got \"x\""],
        ),
        (
            json!({ "minimum": 5 }),
            json!(3),
            &["/v: must be at least 5, got 3"],
        ),
        (
            json!({ "maximum": 5.5 }),
            json!(6),
            &["/v: must be at most 5.5, got 6"],
        ),
        (
            json!({ "exclusiveMinimum": 5 }),
            json!(5),
            &["/v: must be more than 5, got 5"],
        ),
        (
            json!({ "exclusiveMaximum": 5 }),
            json!(5),
            &["/v: must be less than 5, got 5"],
        ),
        (
            json!({ "multipleOf": 5 }),
            json!(7),
            &["/v: 7 is not a multiple of 5"],
        ),
        (
            json!({ "multipleOf": 0.01 }),
            json!(0.005),
            &["/v: 0.005 is not a multiple of 0.01"],
        ),
        (
            json!({ "minItems": 2 }),
            json!([1]),
            &["/v: [1] has less than 2 items"],
        ),
        (
            json!({ "maxItems": 1 }),
            json!([1, 2]),
            &["/v: [1,2] has more than 1 item"],
        ),
        (
            json!({ "uniqueItems": true }),
            json!([1, 2, 1]),
            &["/v: [1,2,1] has non-unique elements"],
        ),
        (
            json!({ "prefixItems": [{ "type": "string" }], "items": false }),
            json!([1, 2]),
            &[
                "/v/0: must be a string, got the number 1",
                "/v/1: is not allowed",
            ],
        ),
        (
            json!({ "contains": { "type": "string" } }),
            json!([1]),
            &["/v: None of [1] are valid under the given schema"],
        ),
        (
            json!({ "contains": { "const": 1 }, "minContains": 2, "maxContains": 3 }),
            json!([1]),
            &["/v: None of [1] are valid under the given schema"],
        ),
        (
            json!({ "unevaluatedItems": false }),
            json!([1]),
            &["/v: Unevaluated items are not allowed (1 item)"],
        ),
        (
            json!({ "minProperties": 1 }),
            json!({}),
            &["/v: {} has less than 1 property"],
        ),
        (
            json!({ "maxProperties": 1 }),
            json!({ "a": 1, "b": 2 }),
            &[r#"/v: {"a":1,"b":2} has more than 1 property"#],
        ),
        (
            json!({ "propertyNames": { "pattern": "^[a-z]+$" } }),
            json!({ "A/b": 1 }),
            &["/v/A~1b: the name must match the pattern ^[a-z]+$, got \"A/b\""],
        ),
        (
            json!({ "patternProperties": { "^n": { "type": "number" } } }),
            json!({ "n1": "x" }),
            &["/v/n1: must be a number, got the string \"x\""],
        ),
        (
            json!({ "additionalProperties": { "type": "number" } }),
            json!({ "n": "x" }),
            &["/v/n: must be a number, got the string \"x\""],
        ),
        (
            json!({ "dependentRequired": { "card": ["zip"] } }),
            json!({ "card": 1 }),
            &["/v/zip: is missing (required with `card`)"],
        ),
        (
            json!({ "dependentSchemas": { "card": { "required": ["zip"] } } }),
            json!({ "card": 1 }),
            &["/v/zip: is missing (required)"],
        ),
        (
            json!({ "properties": { "a": true }, "unevaluatedProperties": false }),
            json!({ "A": 1 }),
            &["/v/A: unknown property, did you mean \"a\"?"],
        ),
        (
            json!({ "properties": { "a": false } }),
            json!({ "a": 1 }),
            &["/v/a: is not allowed"],
        ),
        (
            json!({ "additionalProperties": false }),
            json!({ "a": 1, "b": {} }),
            &["/v/a: unknown property", "/v/b: unknown property"],
        ),
        (
            json!({ "propertyNames": false }),
            json!({ "a": 1 }),
            &["/v/a: unknown property"],
        ),
        (
            json!({ "properties": { "additionalProperties": false } }),
            json!({ "additionalProperties": { "a": 1 } }),
            &["/v/additionalProperties: is not allowed"],
        ),
        (
            json!({ "items": false }),
            json!([1]),
            &["/v/0: is not allowed"],
        ),
        (json!(false), json!([1]), &["/v: is not allowed"]),
        (
            json!({ "if": { "type": "string" }, "then": { "minLength": 2 }, "else": { "type": "null" } }),
            json!("a"),
            &["/v: must be at least 2 characters long, got 1"],
        ),
        (
            json!({ "allOf": [{ "minLength": 2 }, { "minLength": 2 }] }),
            json!("a"),
            &["/v: must be at least 2 characters long, got 1"],
        ),
        (
            json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }),
            json!(5),
            &["/v: must be a string or null, got the number 5"],
        ),
        (
            json!({ "anyOf": [{ "type": "string", "minLength": 2 }, { "type": "null" }] }),
            json!("a"),
            &["/v: must be at least 2 characters long, got 1"],
        ),
        (
            json!({ "anyOf": [{ "required": ["email"] }, { "required": ["phone"] }] }),
            json!({}),
            &["/v: {} is not valid under any of the schemas listed in the 'anyOf' keyword"],
        ),
        (
            pet.clone(),
            json!({ "kind": "dog" }),
            &["/v/barks: is missing (required, true or false)"],
        ),
        (
            json!({ "anyOf": [{ "minLength": 3 }, { "pattern": "b" }] }),
            json!("a"),
            &["/v: \"a\" is not valid under any of the schemas listed in the 'anyOf' keyword"],
        ),
        (
            json!({ "oneOf": [{ "type": "integer" }, { "minimum": 2 }] }),
            json!(3),
            &["/v: 3 is valid under more than one of the schemas listed in the 'oneOf' keyword"],
        ),
        (
            json!({ "not": { "type": "string" } }),
            json!("a"),
            &[r#"/v: {"type":"string"} is not allowed for "a""#],
        ),
        (
            json!({ "not": { "required": ["a"] } }),
            json!({ "a": 1 }),
            &[r#"/v: {"required":["a"]} is not allowed for {"a":1}"#],
        ),
        (
            json!({ "not": { "minimum": 5 } }),
            json!(6),
            &[r#"/v: {"minimum":5} is not allowed for 6"#],
        ),
    ] {
        let rules = json!({ "properties": { "v": rules } });
        assert_eq!(
            violations(&rules, &json!({ "v": value })),
            expected,
            "{rules}"
        );
    }
    let long = "x".repeat(1000);
    let [line] = &violations(&json!({ "type": "number" }), &json!(long))[..] else {
        panic!("one violation")
    };
    assert!(line.len() < 120, "{line}");
    let many = violations(
        &json!({ "items": { "type": "string" } }),
        &json!([1].repeat(1000)),
    );
    assert_eq!(many.len(), 201);
    assert_eq!(
        many[200],
        "more than 200 rules are broken, the rest is not listed"
    );
}

#[test]
fn errors_in_rules_files_have_their_place() {
    let user = |text: &str| format!(r#"{{ "properties": {{ "users": {{ "items": {text} }} }} }}"#);
    let users = |text: &str| format!(r#"{{ "properties": {{ "users": {text} }} }}"#);
    for (text, expected) in [
        ("{\n  \"a\": 1,\n}".to_owned(), "3:1"),
        (
            "[]".to_owned(),
            "the rules must be a JSON object, got an array",
        ),
        (
            "\u{feff}[]".to_owned(),
            "1:1 the rules must be a JSON object",
        ),
        (
            r#"{ "$schema": "http://json-schema.org/draft-07/schema#" }"#.to_owned(),
            "1:3 /$schema: the rules must be JSON Schema 2020-12, got",
        ),
        (
            "{\n  \"propertys\": {}\n}".to_owned(),
            "2:3 /propertys: unknown keyword \"propertys\" (did you mean `properties`?)",
        ),
        (
            user(r#"{ "requierd": ["a"] }"#),
            "/properties/users/items/requierd: unknown keyword \"requierd\" (did you mean `required`?)",
        ),
        (
            user(r#"{ "email": { "type": "string" } }"#),
            "unknown keyword \"email\" (properties belong inside `properties`",
        ),
        (
            user(r#"{ "nullable": true }"#),
            "unknown keyword \"nullable\" (use `\"type\": [\"string\", \"null\"]`)",
        ),
        (
            user(r#"{ "type": "strng" }"#),
            "/properties/users/items/type: must be one of \"array\", \"boolean\"",
        ),
        (
            user(r#"{ "required": "name" }"#),
            "/properties/users/items/required: must be an array, got the string \"name\"",
        ),
        (
            user(r#"{ "minLength": -1 }"#),
            "/properties/users/items/minLength: must be at least 0, got -1",
        ),
        (
            user(r#"{ "properties": { "a": 5 } }"#),
            "/properties/users/items/properties/a: must be",
        ),
        (
            user(r#"{ "format": "e-mail" }"#),
            "unknown format \"e-mail\" (did you mean \"email\"?)",
        ),
        (
            user(r#"{ "pattern": "a(" }"#),
            "/properties/users/items/pattern: \"a(\" is not a valid regular expression: unclosed group",
        ),
        (
            user(r#"{ "patternProperties": { "[": true } }"#),
            "\"[\" is not a valid regular expression",
        ),
        (
            user(r##"{ "$ref": "#/$defs/usr" }"##),
            "\"#/$defs/usr\" does not exist",
        ),
        (
            user(r#"{ "$ref": "https://example.com/user.json" }"#),
            "is outside this file, and standin fetches nothing",
        ),
        (
            user(r#"{ "$ref": "user.json" }"#),
            "\"user.json\" is outside this file",
        ),
        (
            user(r#"{ "$id": "https://example.com/user" }"#),
            "`$id` is only allowed at the root",
        ),
        (
            user(r#"{ "then": { "minLength": 1 } }"#),
            "`then` has no effect without `if` next to it",
        ),
        (
            user(r#"{ "uniqueItemProperties": ["a"] }"#),
            "`uniqueItemProperties` has no effect here (it belongs next to `items`",
        ),
        (
            user(r#"{ "references": "a" }"#),
            "`references` has no effect here",
        ),
        (
            user(r#"{ "properties": { "a": { "references": 5 } } }"#),
            "must be the name of a collection, got 5",
        ),
        (
            user(r#"{ "properties": { "a": { "references": "users/nme" }, "name": {} } }"#),
            "references `nme`, which is not a property of users (did you mean \"name\"?)",
        ),
        (
            users(
                r#"{ "items": { "properties": { "email": {} } }, "uniqueItemProperties": ["emial"] }"#,
            ),
            "/properties/users/uniqueItemProperties/0: \"emial\" is not a property of the records (did you mean \"email\"?)",
        ),
        (
            users(r#"{ "items": {}, "uniqueItemProperties": "email" }"#),
            "must be an array such as [\"email\"]",
        ),
        (
            users(r#"{ "type": "array", "uniqueItemProperties": ["a"] }"#),
            "`uniqueItemProperties` has no effect here",
        ),
        (
            users(r#"{ "items": {}, "maxItems": 5 }"#),
            "`maxItems` has no effect for a collection",
        ),
        (
            user("{\n \"type\": \"array\",\n \"type\": \"object\" }"),
            "3:2 /properties/users/items/type: duplicate key",
        ),
        (
            r#"{ "patternProperties": {} }"#.to_owned(),
            "`patternProperties` has no effect at the root",
        ),
    ] {
        let error = Schema::compile(&text, "id").expect_err(&text);
        let lines: Vec<String> = error
            .problems
            .iter()
            .map(|problem| format!("{} {problem}", problem.place(&text)))
            .collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(expected), "{text}\n{lines:?}\n{expected}");
    }
}

#[test]
fn all_errors_in_a_rules_file_are_reported_in_its_order() {
    let text =
        r#"{ "properties": { "a": { "items": { "typo": 1, "type": 5, "pattern": "(" } } } }"#;
    let error = Schema::compile(text, "id").expect_err("not a schema");
    let pointers: Vec<_> = error
        .problems
        .iter()
        .map(|problem| problem.pointer.rsplit('/').next())
        .collect();
    assert_eq!(pointers, [Some("typo"), Some("type"), Some("pattern")]);
}

#[test]
fn a_body_with_a_hundred_thousand_unknown_properties_is_checked_in_seconds() {
    let body: serde_json::Map<String, serde_json::Value> = (0..100_000)
        .map(|index| (format!("lastNme{index}"), json!(index)))
        .collect();
    let rules = json!({
        "properties": { "lastName": {}, "firstName": {} },
        "required": ["lastName", "firstName"],
        "additionalProperties": false,
    });
    let start = std::time::Instant::now();
    let found = violations(&rules, &body.into());
    assert_eq!(found.len(), 201);
    assert!(
        found[0].starts_with("/lastName: is missing"),
        "{}",
        found[0]
    );
    assert!(
        start.elapsed() < std::time::Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_schema_that_contains_itself_thirty_times_compiles_at_once() {
    let links: serde_json::Map<String, serde_json::Value> = (0..30)
        .map(|index| (format!("link{index}"), json!({ "$ref": "#/$defs/node" })))
        .collect();
    let text = json!({
        "properties": { "nodes": { "items": { "$ref": "#/$defs/node" } } },
        "$defs": { "node": { "type": "object", "properties": links } },
    });
    let start = std::time::Instant::now();
    Schema::compile(&text.to_string(), "id").expect("compiles");
    assert!(
        start.elapsed() < std::time::Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}
