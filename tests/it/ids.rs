//! Which id a new record gets.

use crate::support::*;

/// The ids of three new records, with these in the file.
fn next(file: &str, bodies: &[&str]) -> Vec<serde_json::Value> {
    let fixture = serve_data(&format!("{{\"a\": {file}}}"));
    bodies
        .iter()
        .map(|body| {
            let reply = fixture.json("POST", "/a", body);
            assert_eq!(reply.status, 201, "{file} {body}: {}", reply.text());
            reply.value()["id"].clone()
        })
        .collect()
}

#[test]
fn whole_numbers_count_up_from_the_highest() {
    for (file, ids) in [
        ("[]", ["1", "2", "3"]),
        (r#"[{"id": 1}]"#, ["2", "3", "4"]),
        (r#"[{"id": 7}, {"id": 3}]"#, ["8", "9", "10"]),
        (r#"[{"id": 2.0}]"#, ["3", "4", "5"]),
        (r#"[{"id": -5}]"#, ["-4", "-3", "-2"]),
        (r#"[{"id": 0}]"#, ["1", "2", "3"]),
        // Records without an id have got the first ones.
        (r#"[{"n": 1}, {"n": 2}]"#, ["3", "4", "5"]),
        (r#"[{"n": 1}, {"id": 5}, {"n": 2}]"#, ["8", "9", "10"]),
    ] {
        let found: Vec<_> = next(file, &["{}", "{\"a\": 1}", "{}"])
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, ids, "{file}");
    }
}

#[test]
fn the_id_of_a_new_record_is_its_last_key_and_a_given_one_stays_where_it_is() {
    let fixture = serve_data("{\"a\": []}");
    hold(
        &fixture,
        JSON,
        r#"
        POST /a {"x": 1, "y": 2}
            201 {"x": 1, "y": 2, "id": 1}
        POST /a {"id": 5, "x": 1}
            201 {"id": 5, "x": 1}
        # A value that is falsy in JavaScript is not an id.
        POST /a {"id": null, "x": 1}
            201 {"id": 6, "x": 1}
        POST /a {"id": "", "x": 1}
            201 {"id": 7, "x": 1}
        POST /a {"id": 0, "x": 1}
            201 {"id": 8, "x": 1}
        "#,
    );
}

#[test]
fn an_id_is_never_reused_while_the_server_runs() {
    let mut fixture = serve_data(r#"{"a": [{"id": 1}, {"id": 2}]}"#);
    for id in 3..6 {
        let reply = fixture.json("POST", "/a", "{}");
        assert_eq!(reply.header("location"), Some(format!("/a/{id}").as_str()));
        fixture.delete(&format!("/a/{id}")).status_is(200);
    }
    for id in [1, 2] {
        fixture.delete(&format!("/a/{id}")).status_is(200);
    }
    assert_eq!(
        fixture.json("POST", "/a", "{}").value()["id"],
        6,
        "also once the collection is empty"
    );
    // A new start knows only the file.
    fixture.delete("/a/6").status_is(200);
    fixture.json("POST", "/a", "{\"id\": 2}").status_is(201);
    fixture.restart();
    assert_eq!(fixture.json("POST", "/a", "{}").value()["id"], 3);
}

#[test]
fn an_edit_restarts_the_ids_from_the_highest_in_the_file() {
    let fixture = serve_data(r#"{"a": [{"id": 1}, {"id": 50}]}"#);
    std::fs::write(fixture.path(), r#"{"a": [{"id": 1}, {"id": 9}]}"#).unwrap();
    fixture.reloaded();
    assert_eq!(fixture.json("POST", "/a", "{}").value()["id"], 10);
}

#[test]
fn a_collection_with_string_ids_gets_short_random_ones() {
    let ids = next(r#"[{"id": "abc"}, {"id": "xyz"}]"#, &["{}"; 50]);
    let mut texts: Vec<_> = ids
        .iter()
        .map(|id| id.as_str().expect("a string").to_string())
        .collect();
    assert!(texts.iter().all(|id| id.len() == 7), "{texts:?}");
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 50);
    for id in texts {
        assert!(
            id.chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)),
            "{id} needs no escape in a URL"
        );
    }
}

#[test]
fn a_given_id_is_taken_if_it_is_free() {
    let fixture = serve_data(r#"{"a": [{"id": 1}]}"#);
    for (body, location) in [
        ("{\"id\": 5}", "/a/5"),
        ("{\"id\": \"x y/z\"}", "/a/x%20y%2Fz"),
        ("{\"id\": \"ü\"}", "/a/%C3%BC"),
        ("{\"id\": 2.5}", "/a/2.5"),
        ("{\"id\": true}", "/a/true"),
        ("{\"id\": -1}", "/a/-1"),
    ] {
        let reply = fixture.json("POST", "/a", body);
        assert_eq!(
            (reply.status, reply.header("location")),
            (201, Some(location)),
            "{body}"
        );
        assert_eq!(fixture.get(location).text(), reply.text());
    }
    // The same text in a URL is the same id.
    for body in [
        "{\"id\": 5}",
        "{\"id\": \"5\"}",
        "{\"id\": 5.0}",
        "{\"id\": 5e0}",
        "{\"id\": \"x y\\/z\"}",
    ] {
        let problem = fixture.json("POST", "/a", body).problem(409, "id-taken");
        assert_eq!(problem["errors"][0]["pointer"], "/id");
        assert_eq!(fixture.attempt(&problem).status, 200);
    }
    for body in ["{\"id\": {}}", "{\"id\": [1]}"] {
        fixture.json("POST", "/a", body).problem(400, "bad-id");
    }
}

#[test]
fn a_generated_id_steps_over_a_string_that_looks_like_it() {
    let fixture = serve_data(r#"{"a": [{"id": 1}, {"id": "2"}]}"#);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let reply = fixture.json("POST", "/a", "{}");
        reply.status_is(201);
        seen.push(reply.header("location").unwrap().to_string());
    }
    assert!(!seen.contains(&"/a/1".to_string()));
    assert!(!seen.contains(&"/a/2".to_string()));
}

#[test]
fn records_without_an_id_get_one_that_reaches_the_file_with_the_next_write() {
    let file = "{\n  \"a\": [\n    { \"n\": 1 },\n    { \"n\": 2, \"id\": 4 }\n  ]\n}\n";
    let mut fixture = serve_data(file);
    hold(
        &fixture,
        JSON,
        r#"
        GET /a
            200 [{"n": 1, "id": 5}, {"n": 2, "id": 4}]
        GET /a/5
            200 {"n": 1, "id": 5}
        "#,
    );
    assert_eq!(fixture.text(), file, "reading writes nothing");
    fixture.restart();
    assert_eq!(fixture.get("/a/5").value()["n"], 1, "the same id as before");
    fixture.json("PATCH", "/a/4", "{\"n\": 3}").status_is(200);
    assert_eq!(
        fixture.text(),
        file.replace("\"n\": 1 }", "\"n\": 1, \"id\": 5 }")
            .replace("\"n\": 2", "\"n\": 3")
    );
}

#[test]
fn two_records_with_the_same_id_in_the_file_are_both_kept() {
    let fixture = serve_data(r#"{"a": [{"id": 1, "n": 1}, {"id": 2}, {"id": 1, "n": 2}]}"#);
    assert_eq!(fixture.get("/a").list().len(), 3);
    assert_eq!(fixture.get("/a/1").value()["n"], 1);
    fixture.delete("/a/1").status_is(200);
    assert_eq!(fixture.get("/a/1").value()["n"], 2);
    fixture.json("POST", "/a", "{\"id\": 1}").status_is(409);
    fixture.delete("/a/1").status_is(200);
    fixture.get("/a/1").status_is(404);
    assert_eq!(fixture.data(), serde_json::json!({"a": [{"id": 2}]}));
}

#[test]
fn the_highest_whole_number_is_followed_by_something_that_is_free() {
    let fixture = serve_data(&format!("{{\"a\": [{{\"id\": {}}}]}}", i64::MAX));
    let (one, other) = (
        fixture.json("POST", "/a", "{}"),
        fixture.json("POST", "/a", "{}"),
    );
    assert_eq!((one.status, other.status), (201, 201));
    assert_ne!(one.header("location"), other.header("location"));
}

/// A collection `a` whose ids have these rules.
fn with_id_rules(data: &str, rules: &str) -> Fixture {
    let rules = format!(
        "{{\"properties\": {{\"a\": {{\"items\": {{\"properties\": {{\"id\": {rules}}}}}}}}}}}"
    );
    Fixture::new(&format!("{{\"a\": {data}}}"), Some(&rules), |_| {})
}

#[test]
fn a_generated_id_keeps_the_rules() {
    for (data, rules) in [
        ("[]", r#"{"type": "string"}"#),
        ("[{}]", r#"{"type": "string"}"#),
        (r#"[{"id": "a"}]"#, r#"{"type": "string"}"#),
        ("[]", r#"{"type": ["string", "null"], "minLength": 20}"#),
        ("[]", r#"{"type": "string", "maxLength": 4}"#),
        ("[]", r#"{"type": "string", "format": "uuid"}"#),
        ("[{}, {}]", r#"{"format": "uuid", "type": "string"}"#),
        ("[]", r#"{"type": "string", "format": "email"}"#),
        ("[]", r#"{"type": "string", "format": "hostname"}"#),
        (
            "[]",
            r#"{"type": "string", "pattern": "^[A-Z]{3}-\\d{4}$"}"#,
        ),
        (
            "[]",
            r#"{"type": "string", "pattern": "^usr_[a-z0-9]+$", "minLength": 10}"#,
        ),
        ("[]", r#"{"type": "string", "pattern": "^[0-9a-f]{24}$"}"#),
        ("[]", r#"{"type": "string", "pattern": "^\\d+$"}"#),
        ("[]", r#"{"enum": ["x", "y", "z", "u", "v", "w"]}"#),
        ("[]", r#"{"type": "integer", "minimum": 1000}"#),
        (r#"[{"id": 5}, {}]"#, r#"{"type": "integer"}"#),
        (
            "[]",
            r#"{"type": "integer", "exclusiveMinimum": 5, "multipleOf": 10}"#,
        ),
        (r#"[{"id": 9}]"#, r#"{"type": "integer", "maximum": 9}"#),
        (r#"[{"id": 9223372036854775807}]"#, r#"{"type": "integer"}"#),
        (r#"[{"id": 9223372036854775808}]"#, r#"{"type": "integer"}"#),
        (r#"[{"id": 1e300}]"#, r#"{"type": "number"}"#),
        ("[]", r#"{"type": "integer", "maximum": -1}"#),
        ("[]", r#"{"allOf": [{"type": "integer"}, {"minimum": 7}]}"#),
    ] {
        let fixture = with_id_rules(data, rules);
        let mut ids: Vec<String> = Vec::new();
        for _ in 0..4 {
            let reply = fixture.json("POST", "/a", "{}");
            assert_eq!(reply.status, 201, "{data} {rules}: {}", reply.text());
            ids.push(reply.value()["id"].to_string());
        }
        // Even when no record is left.
        for record in fixture.get("/a").list() {
            let id = record["id"].to_string();
            fixture.delete(&format!("/a/{}", id.trim_matches('"')));
        }
        let reply = fixture.json("POST", "/a", "{}");
        assert_eq!(reply.status, 201, "{data} {rules}: {}", reply.text());
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 4, "{rules}");
    }
}

#[test]
fn numbers_go_on_from_the_lowest_that_the_rules_allow() {
    for (rules, ids) in [
        (
            r#"{"type": "integer", "minimum": 1000}"#,
            [1000, 1001, 1002],
        ),
        (r#"{"minimum": 1000}"#, [1000, 1001, 1002]),
        (r#"{"type": "integer", "multipleOf": 10}"#, [10, 20, 30]),
    ] {
        let fixture = with_id_rules("[]", rules);
        let found = [(); 3].map(|()| {
            fixture.json("POST", "/a", "{}").value()["id"]
                .as_i64()
                .unwrap()
        });
        assert_eq!(found, ids, "{rules}");
    }
}

#[test]
fn the_start_and_the_response_report_that_no_id_can_be_generated() {
    let fixture = with_id_rules("[]", r#"{"type": "string", "format": "date"}"#);
    let (_, resource) = fixture.notice(|notice| match notice {
        standin::Notice::NoIds(resource) => Some(resource.clone()),
        _ => None,
    });
    assert_eq!(resource, "a");
    let problem = fixture.json("POST", "/a", "{}").problem(400, "rules");
    has(problem["hint"].as_str().unwrap(), "send an id");
    fixture
        .json("POST", "/a", r#"{"id": "2026-01-31"}"#)
        .status_is(201);
}

#[test]
fn items_that_are_not_objects_are_kept_without_an_id() {
    let fixture = serve_data(r#"{"tags": ["a", 1, null, {"n": 1}]}"#);
    assert_eq!(
        fixture.get("/tags").value(),
        serde_json::json!(["a", 1, null, {"n": 1, "id": 1}])
    );
    assert_eq!(fixture.json("POST", "/tags", "{\"n\": 2}").value()["id"], 2);
    assert_eq!(
        fixture.data()["tags"],
        serde_json::json!(["a", 1, null, {"n": 1, "id": 1}, {"n": 2, "id": 2}])
    );
}

#[test]
fn ids_that_records_are_given_are_reported() {
    let fixture = serve_data(r#"{"items":[{"_id":"5f1"},{"_id":"5f2"}],"ok":[{"id":1}]}"#);
    let given = |notice: &standin::Notice| match notice {
        standin::Notice::GivenIds {
            resource,
            count,
            id,
            like,
        } => Some((resource.clone(), *count, id.clone(), like.clone())),
        _ => None,
    };
    assert_eq!(
        fixture.notice(given).1,
        ("items".into(), 2, "id".into(), Some("_id".into()))
    );
    std::fs::write(
        fixture.path(),
        r#"{"items":[{"id":1}],"ok":[{"n":1},{"n":2},{"id":7}]}"#,
    )
    .unwrap();
    assert_eq!(fixture.notice(given).1, ("ok".into(), 2, "id".into(), None));
}
