//! The messages for records and for rules files, a row for each.

use serde_json::{Value, json};

use super::{Schema, rows, violations};

#[test]
fn messages_for_invalid_records() {
    const PET: &str = r#"{ "oneOf": [
        { "type": "object", "properties": { "kind": { "const": "cat" }, "lives": { "type": "integer" } }, "required": ["kind", "lives"] },
        { "type": "object", "properties": { "kind": { "const": "dog" }, "barks": { "type": "boolean" } }, "required": ["kind", "barks"] }
    ] }"#;
    // The rules for `v`, its value, and the messages.
    let cases = r#"
        { "type": "boolean" } | "true" | /v: must be true or false, got the string "true"
        { "type": ["string", "null"] } | 5 | /v: must be a string or null, got the number 5
        { "const": "a" } | "b" | /v: must be "a", got "b"
        { "enum": ["a", 1, null] } | "b" | /v: must be one of "a", 1, null, got "b"
        { "minLength": 5 } | "äöü" | /v: must be at least 5 characters long, got 3
        { "maxLength": 1 } | "ab" | /v: must be at most 1 character long, got 2
        { "pattern": "^\\d+$" } | "x" | /v: must match the pattern ^\d+$, got "x"
        { "pattern": "^(?=.*[a-z])(?=.*\\d)" } | "x" | /v: must match the pattern ^(?=.*[a-z])(?=.*\d), got "x"
        { "minimum": 5 } | 3 | /v: must be at least 5, got 3
        { "maximum": 5.5 } | 6 | /v: must be at most 5.5, got 6
        { "exclusiveMinimum": 5 } | 5 | /v: must be more than 5, got 5
        { "exclusiveMaximum": 5 } | 5 | /v: must be less than 5, got 5
        { "multipleOf": 5 } | 7 | /v: 7 is not a multiple of 5
        { "multipleOf": 0.01 } | 0.005 | /v: 0.005 is not a multiple of 0.01
        { "minItems": 2 } | [1] | /v: [1] has less than 2 items
        { "maxItems": 1 } | [1, 2] | /v: [1,2] has more than 1 item
        { "uniqueItems": true } | [1, 2, 1] | /v: [1,2,1] has non-unique elements
        { "prefixItems": [{ "type": "string" }], "items": false } | [1, 2] | /v/0: must be a string, got the number 1 | /v/1: is not allowed
        { "contains": { "type": "string" } } | [1] | /v: None of [1] are valid under the given schema
        { "contains": { "const": 1 }, "minContains": 2, "maxContains": 3 } | [1] | /v: None of [1] are valid under the given schema
        { "unevaluatedItems": false } | [1] | /v: Unevaluated items are not allowed (1 item)
        { "minProperties": 1 } | {} | /v: {} has less than 1 property
        { "maxProperties": 1 } | { "a": 1, "b": 2 } | /v: {"a":1,"b":2} has more than 1 property
        { "propertyNames": { "pattern": "^[a-z]+$" } } | { "A/b": 1 } | /v/A~1b: the name must match the pattern ^[a-z]+$, got "A/b"
        { "patternProperties": { "^n": { "type": "number" } } } | { "n1": "x" } | /v/n1: must be a number, got the string "x"
        { "additionalProperties": { "type": "number" } } | { "n": "x" } | /v/n: must be a number, got the string "x"
        { "dependentRequired": { "card": ["zip"] } } | { "card": 1 } | /v/zip: is missing (required with `card`)
        { "dependentSchemas": { "card": { "required": ["zip"] } } } | { "card": 1 } | /v/zip: is missing (required)
        { "properties": { "a": true }, "unevaluatedProperties": false } | { "A": 1 } | /v/A: unknown property, did you mean "a"?
        { "properties": { "a": false } } | { "a": 1 } | /v/a: is not allowed
        { "additionalProperties": false } | { "a": 1, "b": {} } | /v/a: unknown property | /v/b: unknown property
        { "propertyNames": false } | { "a": 1 } | /v/a: unknown property
        { "properties": { "additionalProperties": false } } | { "additionalProperties": { "a": 1 } } | /v/additionalProperties: is not allowed
        { "items": false } | [1] | /v/0: is not allowed
        false | [1] | /v: is not allowed
        { "if": { "type": "string" }, "then": { "minLength": 2 }, "else": { "type": "null" } } | "a" | /v: must be at least 2 characters long, got 1
        { "allOf": [{ "minLength": 2 }, { "minLength": 2 }] } | "a" | /v: must be at least 2 characters long, got 1
        { "anyOf": [{ "type": "string" }, { "type": "null" }] } | 5 | /v: must be a string or null, got the number 5
        { "anyOf": [{ "type": "string", "minLength": 2 }, { "type": "null" }] } | "a" | /v: must be at least 2 characters long, got 1
        { "anyOf": [{ "required": ["email"] }, { "required": ["phone"] }] } | {} | /v: {} is not valid under any of the schemas listed in the 'anyOf' keyword
        PET | { "kind": "dog" } | /v/barks: is missing (required, true or false)
        { "anyOf": [{ "minLength": 3 }, { "pattern": "b" }] } | "a" | /v: "a" is not valid under any of the schemas listed in the 'anyOf' keyword
        { "oneOf": [{ "type": "integer" }, { "minimum": 2 }] } | 3 | /v: 3 is valid under more than one of the schemas listed in the 'oneOf' keyword
        { "not": { "type": "string" } } | "a" | /v: {"type":"string"} is not allowed for "a"
        { "not": { "required": ["a"] } } | { "a": 1 } | /v: {"required":["a"]} is not allowed for {"a":1}
        { "not": { "minimum": 5 } } | 6 | /v: {"minimum":5} is not allowed for 6
    "#;
    for row in rows(cases) {
        let [rules, value, expected @ ..] = &row[..] else {
            panic!("{row:?}")
        };
        let [rules, value] = [rules, value].map(|json| {
            let json = json.replace("PET", PET);
            serde_json::from_str::<Value>(&json).unwrap()
        });
        let rules = json!({ "properties": { "v": rules } });
        assert_eq!(
            violations(&rules, &json!({ "v": value })),
            expected,
            "{row:?}"
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
    // Rules for a record, and the error.
    let items = r##"
        { "requierd": ["a"] } | /properties/users/items/requierd: unknown keyword "requierd" (did you mean `required`?)
        { "email": { "type": "string" } } | unknown keyword "email" (properties belong inside `properties`
        { "nullable": true } | unknown keyword "nullable" (use `"type": ["string", "null"]`)
        { "type": "strng" } | /properties/users/items/type: must be one of "array", "boolean"
        { "required": "name" } | /properties/users/items/required: must be an array, got the string "name"
        { "minLength": -1 } | /properties/users/items/minLength: must be at least 0, got -1
        { "properties": { "a": 5 } } | /properties/users/items/properties/a: must be
        { "format": "e-mail" } | unknown format "e-mail" (did you mean "email"?)
        { "pattern": "a(" } | /properties/users/items/pattern: "a(" is not a valid regular expression: unclosed group
        { "patternProperties": { "[": true } } | "[" is not a valid regular expression
        { "$ref": "#/$defs/usr" } | "#/$defs/usr" does not exist
        { "$ref": "https://example.com/user.json" } | is outside this file, and standin fetches nothing
        { "$ref": "user.json" } | "user.json" is outside this file
        { "$id": "https://example.com/user" } | `$id` is only allowed at the root
        { "then": { "minLength": 1 } } | `then` has no effect without `if` next to it
        { "uniqueItemProperties": ["a"] } | `uniqueItemProperties` has no effect here (it belongs next to `items`
        { "references": "a" } | `references` has no effect here
        { "properties": { "a": { "references": 5 } } } | must be the name of a collection, got 5
        { "properties": { "a": { "references": "users/nme" }, "name": {} } } | references `nme`, which is not a property of users (did you mean "name"?)
    "##;
    let items = rows(items).into_iter().map(|row| {
        let rules = format!(
            r#"{{ "properties": {{ "users": {{ "items": {} }} }} }}"#,
            row[0]
        );
        (rules, row[1])
    });
    let others = [
        ("{\n  \"a\": 1,\n}", "3:1"),
        ("[]", "the rules must be a JSON object, got an array"),
        ("\u{feff}[]", "1:1 the rules must be a JSON object"),
        (
            r#"{ "$schema": "http://json-schema.org/draft-07/schema#" }"#,
            "1:3 /$schema: the rules must be JSON Schema 2020-12, got",
        ),
        (
            "{\n  \"propertys\": {}\n}",
            "2:3 /propertys: unknown keyword \"propertys\" (did you mean `properties`?)",
        ),
        (
            "{ \"properties\": { \"users\": { \"items\": {\n \"type\": \"array\",\n \"type\": \"object\" } } } }",
            "3:2 /properties/users/items/type: duplicate key",
        ),
        (
            r#"{ "patternProperties": {} }"#,
            "`patternProperties` has no effect at the root",
        ),
        (
            r#"{ "properties": { "users": { "items": { "properties": { "email": {} } }, "uniqueItemProperties": ["emial"] } } }"#,
            "/properties/users/uniqueItemProperties/0: \"emial\" is not a property of the records (did you mean \"email\"?)",
        ),
        (
            r#"{ "properties": { "users": { "items": {}, "uniqueItemProperties": "email" } } }"#,
            "must be an array such as [\"email\"]",
        ),
        (
            r#"{ "properties": { "users": { "type": "array", "uniqueItemProperties": ["a"] } } }"#,
            "`uniqueItemProperties` has no effect here",
        ),
        (
            r#"{ "properties": { "users": { "items": {}, "maxItems": 5 } } }"#,
            "`maxItems` has no effect for a collection",
        ),
    ];
    let others = others.map(|(text, expected)| (text.to_owned(), expected));
    for (text, expected) in items.chain(others) {
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
