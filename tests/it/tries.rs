//! The command that an error suggests works, whatever rule was broken.

use serde_json::{Value, json};

use crate::support::*;

/// The rules of a record, and bodies that break them.
fn table() -> Vec<(Value, Vec<Value>)> {
    let one = |rules: Value, required: bool| {
        let mut record = json!({ "properties": { "x": rules } });
        if required {
            record["required"] = json!(["x"]);
        }
        record
    };
    let wrong = || {
        [
            json!(5),
            json!(-0.25),
            json!("?"),
            json!(""),
            json!(true),
            json!(null),
            json!([1]),
            json!({ "a": 1 }),
        ]
    };
    let mut table: Vec<(Value, Vec<Value>)> = Vec::new();
    for rules in [
        json!({ "type": "string" }),
        json!({ "type": "integer" }),
        json!({ "type": "number" }),
        json!({ "type": "boolean" }),
        json!({ "type": "null" }),
        json!({ "type": "array" }),
        json!({ "type": "object" }),
        json!({ "type": ["integer", "null"] }),
        json!({ "type": ["null", "string"], "minLength": 3 }),
        json!({ "enum": ["red", "green", 3] }),
        json!({ "const": { "a": [1] } }),
        json!({ "const": "it's" }),
        json!({ "type": "string", "pattern": "^[A-Z]{3}-\\d{4}$" }),
        json!({ "type": "string", "pattern": "^(red|green)( dark)?$" }),
        json!({ "type": "string", "pattern": "^\\+?[1-9]\\d{1,14}$" }),
        json!({ "type": "string", "pattern": "^#([0-9a-f]{3}|[0-9a-f]{6})$" }),
        json!({ "type": "string", "pattern": "^(?=.*[a-z])(?=.*[A-Z])(?=.*\\d).{8,}$" }),
        json!({ "type": "string", "pattern": "^[a-z]+$", "minLength": 12, "maxLength": 14 }),
        json!({ "type": "string", "pattern": "^[^\\s@]+@[^\\s@]+\\.[^\\s@]+$" }),
        json!({ "type": "string", "pattern": "^[\\p{L} '\\-]+$" }),
        json!({ "type": "string", "pattern": "^https://", "format": "uri" }),
        json!({ "type": "string", "pattern": "\\S" }),
        json!({ "type": "string", "format": "email" }),
        json!({ "type": "string", "format": "uri" }),
        json!({ "type": "string", "format": "date" }),
        json!({ "type": "string", "format": "date-time" }),
        json!({ "type": "string", "format": "time" }),
        json!({ "type": "string", "format": "duration" }),
        json!({ "type": "string", "format": "uuid" }),
        json!({ "type": "string", "format": "ipv4" }),
        json!({ "type": "string", "format": "ipv6" }),
        json!({ "type": "string", "format": "hostname" }),
        json!({ "type": "string", "format": "json-pointer" }),
        json!({ "type": "string", "format": "regex" }),
        json!({ "type": "string", "format": "email", "maxLength": 10 }),
        json!({ "type": "string", "minLength": 300 }),
        json!({ "type": "string", "maxLength": 2 }),
        json!({ "type": "string", "maxLength": 0 }),
        json!({ "type": "integer", "minimum": 18, "maximum": 99 }),
        json!({ "type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6 }),
        json!({ "type": "integer", "multipleOf": 7, "minimum": 50 }),
        json!({ "type": "number", "multipleOf": 0.01, "exclusiveMinimum": 0 }),
        json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 }),
        json!({ "type": "number", "maximum": -3.5 }),
        json!({ "type": "array", "items": { "type": "string" }, "minItems": 2 }),
        json!({ "type": "array", "items": { "type": "integer", "minimum": 3 }, "minItems": 3, "uniqueItems": true }),
        json!({ "type": "array", "items": { "enum": ["a", "b", "c"] }, "minItems": 3, "uniqueItems": true }),
        json!({ "type": "array", "items": { "type": "string", "pattern": "^t-\\d$" }, "minItems": 2, "uniqueItems": true }),
        json!({ "type": "array", "maxItems": 1, "items": { "type": "string", "format": "email" } }),
        json!({ "type": "array", "contains": { "const": "red" } }),
        json!({ "type": "array", "contains": { "type": "integer", "minimum": 5 }, "minContains": 2 }),
        json!({ "type": "array", "contains": { "const": 1 }, "maxContains": 1, "minItems": 2 }),
        json!({ "type": "array", "prefixItems": [{ "type": "string" }, { "type": "integer" }], "items": false, "minItems": 2 }),
        json!({ "type": "object", "required": ["a", "b"], "properties": { "a": { "type": "integer" }, "b": { "format": "email", "type": "string" } } }),
        json!({ "type": "object", "minProperties": 2, "additionalProperties": { "type": "integer" } }),
        json!({ "type": "object", "maxProperties": 1, "propertyNames": { "pattern": "^[a-z]$" } }),
        json!({ "type": "object", "patternProperties": { "^n": { "type": "integer" } }, "required": ["n1"], "additionalProperties": false }),
        json!({ "type": "object", "required": ["a"], "properties": { "a": { "type": "object", "required": ["b"], "properties": { "b": { "type": "array", "minItems": 1, "items": { "type": "object", "required": ["c"], "properties": { "c": { "type": "string", "pattern": "^[0-9]{5}$" } } } } } } } }),
        json!({ "anyOf": [{ "type": "string", "minLength": 5 }, { "type": "integer", "minimum": 10 }] }),
        json!({ "oneOf": [{ "type": "string", "format": "date" }, { "type": "array", "minItems": 1, "items": { "type": "string", "format": "date" } }] }),
        json!({ "allOf": [{ "type": "integer" }, { "minimum": 10 }, { "multipleOf": 3 }] }),
        json!({ "not": { "type": ["string", "null", "object"] } }),
        json!({ "type": "string", "not": { "const": "x" } }),
        json!({ "$ref": "#/$defs/money" }),
        json!({ "type": "string", "default": "abc", "minLength": 3 }),
        json!({ "type": "integer", "examples": [42] }),
    ] {
        let bodies = wrong()
            .into_iter()
            .map(|value| json!({ "x": value, "other": "stays" }))
            .chain([json!({})]);
        table.push((one(rules, true), bodies.collect()));
    }
    let person = json!({
        "type": "object",
        "properties": { "name": { "type": "string", "minLength": 2 }, "age": { "type": "integer", "minimum": 0 }, "mail": { "type": "string", "format": "email" } },
        "required": ["name", "age"],
        "additionalProperties": false
    });
    table.push((
        person,
        vec![
            json!({}),
            json!({ "Name": "Ada", "age": 3 }),
            json!({ "name": "Ada", "age": "36" }),
            json!({ "name": "A", "age": -1, "mail": "x", "zip": 1 }),
            json!({ "nmae": "Ada", "aeg": 3 }),
            json!({ "name": null, "age": null }),
            json!({ "name": "O'Brien \\ \"x\" $HOME `id` é 🙂\n", "age": 1.5 }),
        ],
    ));
    let card = json!({
        "properties": { "card": { "type": "string", "pattern": "^\\d{16}$" }, "zip": { "type": "string", "pattern": "^\\d{5}$" }, "kind": { "enum": ["a", "b"] } },
        "dependentRequired": { "card": ["zip"], "zip": ["kind"] },
        "if": { "properties": { "kind": { "const": "b" } }, "required": ["kind"] },
        "then": { "required": ["extra"], "properties": { "extra": { "type": "integer", "minimum": 7 } } }
    });
    table.push((
        card,
        vec![
            json!({ "card": "1234567812345678" }),
            json!({ "card": "1", "zip": 12 }),
            json!({ "kind": "b" }),
            json!({ "kind": "B", "zip": "x" }),
            json!({ "kind": "b", "extra": 1 }),
        ],
    ));
    let shape = json!({
        "oneOf": [
            { "properties": { "kind": { "const": "circle" }, "r": { "type": "number", "exclusiveMinimum": 0 } }, "required": ["kind", "r"], "additionalProperties": false },
            { "properties": { "kind": { "const": "box" }, "w": { "type": "integer" }, "h": { "type": "integer" } }, "required": ["kind", "w", "h"], "additionalProperties": false }
        ]
    });
    table.push((
        shape,
        vec![
            json!({}),
            json!({ "kind": "circle" }),
            json!({ "kind": "box", "w": 1 }),
            json!({ "kind": "box", "w": "1", "h": 2, "r": 3 }),
            json!({ "kind": "sphere", "r": 3 }),
            json!({ "r": -1 }),
        ],
    ));
    table.push((
        json!({ "minProperties": 2, "maxProperties": 3, "propertyNames": { "pattern": "^[a-z]+$" } }),
        vec![json!({}), json!({ "a": 1, "B": 2 }), json!({ "a": 1, "b": 2, "c": 3, "d": 4 })],
    ));
    table.push((
        json!({ "anyOf": [{ "required": ["a"] }, { "required": ["b", "c"] }] }),
        vec![json!({}), json!({ "b": 1 })],
    ));
    table.push((
        json!({ "dependentSchemas": { "a": { "required": ["b"], "properties": { "b": { "type": "integer" } } } } }),
        vec![json!({ "a": 1 }), json!({ "a": 1, "b": "x" })],
    ));
    table.push((
        json!({ "allOf": [{ "properties": { "a": { "type": "string" } }, "required": ["a"] }, { "properties": { "b": { "type": "integer" } } }], "unevaluatedProperties": false }),
        vec![json!({}), json!({ "a": 1, "b": "2", "c": 3 })],
    ));
    table.push((
        json!({ "properties": { "id": { "type": "string", "format": "uuid" }, "a": { "type": "string" } }, "required": ["id", "a"] }),
        vec![json!({}), json!({ "id": 5, "a": "x" }), json!({ "id": "x" })],
    ));
    table.push((
        json!({ "properties": { "id": { "type": "string", "format": "date" } } }),
        vec![json!({}), json!({ "id": 1 })],
    ));
    table
}

/// The rules file with `records` as the rules of the collections `things0`, `things1` and so on.
fn rules_file(records: &[Value]) -> String {
    let collection = |(number, record)| (format!("things{number}"), json!({ "items": record }));
    let properties: serde_json::Map<String, Value> =
        records.iter().enumerate().map(collection).collect();
    json!({
        "properties": properties,
        "$defs": { "money": { "type": "object", "required": ["amount", "currency"], "properties": {
            "amount": { "type": "number", "minimum": 0.01 }, "currency": { "type": "string", "pattern": "^[A-Z]{3}$" } } } }
    })
    .to_string()
}

#[test]
fn every_command_after_a_broken_rule_works() {
    let mut failed = Vec::new();
    let mut count = 0;
    let (rules, bodies): (Vec<Value>, Vec<Vec<Value>>) = table().into_iter().unzip();
    let data: serde_json::Map<String, Value> = (0..rules.len())
        .map(|number| (format!("things{number}"), json!([])))
        .collect();
    let fixture = Fixture::new(
        &Value::from(data).to_string(),
        Some(&rules_file(&rules)),
        |_| {},
    );
    for (number, (rules, bodies)) in rules.iter().zip(bodies).enumerate() {
        let collection = format!("/things{number}");
        // The path of a record, once there is one.
        let mut record = None;
        for (place, body) in bodies.iter().enumerate() {
            for method in ["POST", "PUT", "PATCH"] {
                let path = if method == "POST" {
                    Some(&collection)
                } else {
                    record.as_ref()
                };
                let Some(path) = path.cloned() else { continue };
                let mut reply = fixture.json(method, &path, &body.to_string());
                if reply.status == 400 {
                    count += 1;
                    let problem = reply.problem(400, "rules");
                    if problem["try"].is_null() {
                        // A PATCH cannot remove the properties of the other form.
                        if method != "PATCH" || rules.get("oneOf").is_none() {
                            failed.push(format!("{method} {rules} {body}: no command"));
                        }
                        continue;
                    }
                    if method == "POST" && place == 0 {
                        let again = fixture.json("POST", &path, &body.to_string()).value();
                        assert_eq!(
                            again["try"], problem["try"],
                            "the same violation, the same command"
                        );
                    }
                    reply = fixture.attempt(&problem);
                    if !matches!(reply.status, 200 | 201) {
                        failed.push(format!(
                            "{method} {rules} {body}: {}\n{}",
                            problem["try"],
                            reply.text()
                        ));
                        continue;
                    }
                }
                let id = reply.value()["id"].to_string();
                record = Some(format!("{collection}/{}", id.trim_matches('"')));
            }
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {count}:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert!(count > 500, "{count}");
}

#[test]
fn a_command_changes_only_what_was_wrong() {
    let rules = json!({
        "properties": {
            "name": { "type": "string" }, "age": { "type": "integer", "maximum": 150 }, "mail": { "type": "string", "format": "email" }
        },
        "required": ["name", "age"],
        "additionalProperties": false
    });
    let fixture = Fixture::new(
        r#"{"things0": [{"id": 1, "name": "Bo", "age": 5}]}"#,
        Some(&rules_file(&[rules])),
        |_| {},
    );
    for (method, path, body, sent) in [
        (
            "POST",
            "/things0",
            r#"{"name": "Zoe", "age": "36"}"#,
            r#"{"name": "Zoe", "age": 36}"#,
        ),
        (
            "POST",
            "/things0",
            r#"{"Name": "Zoe", "age": 36}"#,
            r#"{"name": "Zoe", "age": 36}"#,
        ),
        (
            "POST",
            "/things0",
            r#"{"name": "Zoe", "age": 1000, "zip": 1}"#,
            r#"{"name": "Zoe", "age": 150}"#,
        ),
        (
            "POST",
            "/things0",
            r#"{"name": "Zoe"}"#,
            r#"{"name": "Zoe", "age": 1}"#,
        ),
        (
            "PUT",
            "/things0/1",
            r#"{"id": 7, "name": "Zoe", "age": null}"#,
            r#"{"name": "Zoe", "age": 1}"#,
        ),
        (
            "PATCH",
            "/things0/1",
            r#"{"age": "6", "mail": "a@example.com"}"#,
            r#"{"age": 6, "mail": "a@example.com"}"#,
        ),
    ] {
        let problem = fixture.json(method, path, body).problem(400, "rules");
        let words = shell_words(problem["try"].as_str().unwrap());
        let offered: Value = serde_json::from_str(words.last().unwrap()).unwrap();
        assert_eq!(
            offered,
            serde_json::from_str::<Value>(sent).unwrap(),
            "{method} {body}"
        );
    }
}

#[test]
fn a_suggested_command_respects_unique_values_and_references() {
    let rules = r#"{"properties": {
        "clubs": {"items": {"properties": {"code": {"type": "string", "pattern": "^[A-Z]{2}$"}}, "required": ["code"]}, "uniqueItemProperties": ["code"]},
        "members": {"items": {
            "properties": {
                "clubId": {"type": "integer", "references": "clubs"}, "mail": {"type": "string", "format": "email"},
                "login": {"type": "string", "format": "uuid"}, "tags": {"type": "array", "items": {"references": "clubs"}}
            },
            "required": ["clubId", "mail", "login", "tags"]
        }, "uniqueItemProperties": ["mail", "login"]},
        "orphans": {"items": {"properties": {"ghostId": {"type": "integer", "references": "ghosts"}}, "required": ["ghostId"]}}
    }}"#;
    let data =
        r#"{"clubs": [{"id": 7, "code": "AA"}], "members": [], "ghosts": [], "orphans": []}"#;
    let fixture = Fixture::new(data, Some(rules), |_| {});
    for path in ["/clubs", "/members"] {
        for _ in 0..5 {
            for body in ["{}", r#"{"mail": 5, "code": 5}"#] {
                let problem = fixture.json("POST", path, body).problem(400, "rules");
                let reply = fixture.attempt(&problem);
                assert_eq!(reply.status, 201, "{problem:#}\n{}", reply.text());
            }
        }
    }
    // Without a record to point to, there is no suggestion, and no example in the OpenAPI document.
    let problem = fixture.json("POST", "/orphans", "{}").problem(400, "rules");
    assert!(problem["try"].is_null(), "{problem:#}");
    let api = fixture.get("/-/openapi.json").value();
    let body = |path: &str| {
        api["paths"][path]["post"]["requestBody"]["content"]["application/json"].clone()
    };
    assert!(
        body("/orphans").is_object() && body("/orphans")["example"].is_null(),
        "{:#}",
        body("/orphans")
    );
    assert!(body("/clubs")["example"].is_object());
}

#[test]
fn no_command_is_suggested_if_no_record_can_be_valid() {
    let rules =
        r#"{"properties": {"a": {"items": {"required": ["x"], "properties": {"x": false}}}}}"#;
    let fixture = Fixture::new(r#"{"a": []}"#, Some(rules), |_| {});
    assert!(fixture.json("POST", "/a", "{}").problem(400, "rules")["try"].is_null());
}

#[test]
fn a_command_for_a_record_that_is_there_changes_nothing_else() {
    let data = r#"{"posts": [{"id": 1, "title": "a", "views": 1}, {"id": 2, "title": "b", "views": 2}],
        "users": [{"id": 1, "lastName": "Byron", "email": "ada@x.org", "since": 1815}], "profile": {"theme": "dark"}}"#;
    let rules = r#"{"properties": {"users": {"items": {
        "properties": {"lastName": {"type": "string"}, "email": {"type": "string", "format": "email"}, "since": {"readOnly": true}},
        "required": ["lastName", "email"], "additionalProperties": false}}}}"#;
    let fixture = Fixture::new(data, Some(rules), |_| {});
    for (method, path, body) in [
        ("PATCH", "/posts/2", r#"{"views": 7,}"#),
        ("PATCH", "/posts/2", ""),
        ("PUT", "/posts/2", "{'title': 'c'}"),
        ("PATCH", "/profile", "{theme: light}"),
        ("PATCH", "/users/1", r#"{"foo": 1}"#),
        ("PATCH", "/users/1", r#"{"since": 1816}"#),
        ("PUT", "/users/1", "[]"),
    ] {
        let before = fixture.get("/db").value();
        let reply = fixture.json(method, path, body);
        assert_eq!(reply.status, 400, "{method} {path} {body}");
        let attempt = fixture.attempt(&reply.value());
        assert_eq!(attempt.status, 200, "{method} {path} {body}");
        let after = fixture.get("/db").value();
        assert_eq!(before, after, "{method} {path} {body}");
    }
    // A string stays one if only strings have rules.
    let rules =
        r#"{"properties": {"a": {"items": {"properties": {"re": {"pattern": "^[a-z]+$"}}}}}}"#;
    let text = Fixture::new(r#"{"a": []}"#, Some(rules), |_| {});
    let problem = text.json("POST", "/a", r#"{"re": "ABC"}"#);
    let words = shell_words(problem.value()["try"].as_str().unwrap());
    assert_eq!(words.last().unwrap(), r#"{"re":"a"}"#);
    // A name in another case is corrected.
    let problem = fixture.json("PATCH", "/users/1", r#"{"lastname": "King"}"#);
    let words = shell_words(problem.value()["try"].as_str().unwrap());
    assert_eq!(words.last().unwrap(), r#"{"lastName":"King"}"#);
}
