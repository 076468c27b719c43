//! Hidden, read-only, generated and default properties.

use crate::events::follow;
use crate::support::*;

const DATA: &str = r#"{
  "teams": [{ "id": 1, "pin": "t0psecret" }],
  "people": [
    { "name": "Ann", "rank": 1, "madeAt": "2026-01-31T12:00:00Z", "secret": "s3same", "card": { "no": "4711", "kind": "x" }, "keys": [{ "k": "d33p" }], "teamId": 1, "id": 1 }
  ],
  "notes": [{ "text": "first", "personId": 1, "id": 1 }],
  "profile": { "name": "me", "token": "hush" }
}
"#;

const RULES: &str = r##"{
  "$defs": { "hidden": { "type": "string", "writeOnly": true } },
  "properties": {
    "teams": { "items": { "properties": { "pin": { "$ref": "#/$defs/hidden" } } } },
    "people": {
      "items": {
        "properties": {
          "name": { "type": "string" },
          "secret": { "$ref": "#/$defs/hidden" },
          "card": { "properties": { "no": { "writeOnly": true } } },
          "keys": { "type": "array", "items": { "properties": { "k": { "writeOnly": true } } } },
          "rank": { "type": "integer", "default": 3, "minimum": 1 },
          "serial": { "type": "string", "readOnly": true, "x-generated": "nanoid" },
          "madeAt": { "type": "string", "format": "date-time", "x-generated": "created" },
          "changedAt": { "type": "integer", "x-generated": "updated" },
          "day": { "type": "string", "format": "date", "x-generated": "created" }
        },
        "required": ["name", "rank", "madeAt", "secret"]
      }
    },
    "tickets": { "items": { "properties": { "id": { "type": "string", "x-generated": "ulid" } } } },
    "badges": { "items": { "properties": { "id": { "type": "string", "format": "uuid", "x-generated": "uuid" } } } },
    "profile": { "properties": { "token": { "$ref": "#/$defs/hidden" } } }
  }
}"##;

fn people() -> Fixture {
    let data = DATA.replace("\"notes\"", "\"tickets\": [], \"badges\": [], \"notes\"");
    Fixture::new(&data, Some(RULES), |_| {})
}

#[test]
fn a_write_only_value_is_stored_and_leaves_the_server_nowhere() {
    let fixture = people();
    let body = r#"{"name": "Bob", "secret": "s3same", "card": {"no": "4711"}, "keys": [{"k": "d33p"}], "teamId": 1}"#;
    let made = fixture.json("POST", "/people", body);
    made.status_is(201);
    let patched = fixture.json("PATCH", "/people/1", r#"{"secret": "s3same2"}"#);
    assert_eq!(patched.status, 200);
    let profile = fixture.json("PATCH", "/profile", r#"{"token": "hush2"}"#);
    assert_eq!(profile.status, 200);
    // A problem shows the body that was sent, to the sender.
    fixture
        .json("PUT", "/people/1", r#"{"name": 5, "secret": "s3same"}"#)
        .problem(400, "rules");
    let secrets = ["s3same", "4711", "d33p", "t0psecret", "hush"];
    let mut replies = vec![made, patched, profile];
    for path in [
        "/db",
        "/people",
        "/people/1",
        "/people?_page=1&_per_page=1",
        "/people?_sort=secret",
        "/people?callback=f",
        "/people?_expand=team",
        "/notes?_expand=person",
        "/notes/1?_expand=person",
        "/teams?_embed=people",
        "/teams/1/people",
        "/profile",
        "/-/requests",
        "/-/openapi.json",
        "/-/conflicts",
        "/",
    ] {
        let reply = fixture.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        replies.push(reply);
    }
    for reply in &replies {
        for secret in secrets {
            assert!(
                !reply.text().contains(secret),
                "{secret} in {}",
                reply.text()
            );
        }
    }
    // Nor can it be guessed by filters.
    for path in [
        "/people?secret=s3same",
        "/people?secret_like=s3",
        "/people?q=s3same",
    ] {
        assert_eq!(fixture.get(path).text(), "[]", "{path}");
    }
    let stored = fixture.data();
    assert_eq!(stored["people"][0]["secret"], "s3same2");
    assert_eq!(stored["people"][1]["secret"], "s3same");
    assert_eq!(stored["people"][1]["card"]["no"], "4711");
    assert_eq!(stored["profile"]["token"], "hush2");
}

#[test]
fn a_write_that_changes_nothing_sends_no_write_only_value() {
    let routes =
        r#"{"PATCH /people": {"bulk": true}, "POST /people/:id/name": {"patch": {"name": "Ann"}}}"#;
    let fixture = Fixture::new(DATA, Some(RULES), |options| {
        let rules = standin::RoutesFile::parse(routes).unwrap();
        options.http.routes = Some(std::sync::Arc::new(standin::Routes::new(rules)));
    });
    let name = r#"{"name": "Ann"}"#;
    // The second time nothing changes.
    for _ in 0..2 {
        for (method, path) in [
            ("PATCH", "/people/1"),
            ("PATCH", "/people?id=1"),
            ("POST", "/people/1/name"),
        ] {
            let reply = fixture.json(method, path, name);
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
            assert!(!reply.text().contains("s3same"), "{path}: {}", reply.text());
        }
    }
}

#[test]
fn events_undo_and_reset_do_not_send_or_lose_a_write_only_value() {
    let fixture = people();
    let mut events = follow(&fixture, "/-/events");
    fixture.json("POST", "/people", r#"{"name": "Bob", "secret": "s3same"}"#);
    let (_, event) = events.next();
    assert_eq!(event["record"]["name"], "Bob");
    assert!(event["record"].get("secret").is_none(), "{event}");
    fixture.json("PATCH", "/people/1", r#"{"secret": "other"}"#);
    for path in ["/-/undo", "/-/undo", "/-/reset"] {
        let reply = fixture.send("POST", path, NONE, "");
        reply.status_is(200);
        lacks(reply.text(), "s3same");
    }
    for _ in 0..3 {
        let (_, event) = events.next();
        lacks(event.to_string(), "secret");
    }
    assert_eq!(fixture.data()["people"][0]["secret"], "s3same");
}

#[test]
fn a_put_keeps_what_clients_cannot_send() {
    let fixture = people();
    let made = fixture
        .json("POST", "/people", r#"{"name": "Bob", "secret": "abc"}"#)
        .value();
    let path = format!("/people/{}", made["id"]);
    let tag = fixture.get(&path).header("etag").unwrap().to_string();
    let put = fixture.send(
        "PUT",
        &path,
        &[("Content-Type", "application/json"), ("If-Match", &tag)],
        r#"{"name": "Rob", "rank": 4}"#,
    );
    put.status_is(200);
    let put = put.value();
    assert_eq!(put["madeAt"], made["madeAt"]);
    assert_eq!(put["serial"], made["serial"]);
    assert_eq!(put["rank"], 4);
    assert_eq!(fixture.data()["people"][1]["secret"], "abc");
    let profile = fixture.json("PUT", "/profile", r#"{"name": "you"}"#);
    assert_eq!(profile.status, 200);
    assert_eq!(fixture.data()["profile"]["token"], "hush");
}

#[test]
fn generated_and_default_values_are_filled_before_the_rules_run() {
    let fixture = people();
    let made = fixture
        .json("POST", "/people", r#"{"name": "Bob", "secret": "abc"}"#)
        .value();
    assert_eq!(made["rank"], 3);
    assert_eq!(made["serial"].as_str().unwrap().len(), 21);
    assert_eq!(made["madeAt"].as_str().unwrap().len(), 24);
    assert_eq!(made["day"], made["madeAt"].as_str().unwrap()[..10]);
    let changed = made["changedAt"].as_u64().unwrap();
    assert!(changed > 1_600_000_000_000, "{made}");
    let keys: Vec<_> = made.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys.last().unwrap(), "id");
    // Defaults are validated, too.
    fixture
        .json(
            "POST",
            "/people",
            r#"{"name": "B", "secret": "abc", "rank": 0}"#,
        )
        .problem(400, "rules");
    // A write that changes nothing does not update the time.
    let path = format!("/people/{}", made["id"]);
    let same = fixture.json("PATCH", &path, r#"{"name": "Bob"}"#).value();
    assert_eq!(same["changedAt"], changed);
    until("the clock goes on", || {
        let other = fixture
            .json("PATCH", &path, r#"{"name": "Rob", "changedAt": 5}"#)
            .value();
        let back = fixture.json("PATCH", &path, r#"{"name": "Bob"}"#).value();
        assert!(other["changedAt"].as_u64().unwrap() >= changed);
        (back["changedAt"].as_u64().unwrap() > changed).then_some(())
    });
}

#[test]
fn ids_are_of_the_kind_that_the_rules_say() {
    let fixture = people();
    let ticket = fixture.json("POST", "/tickets", r#"{"a": 1}"#);
    let id = ticket.value()["id"].as_str().unwrap().to_string();
    assert_eq!(id.len(), 26);
    assert!(
        ticket
            .text()
            .trim_end()
            .ends_with(&format!("\"id\": \"{id}\"\n}}"))
    );
    assert_eq!(ticket.header("location").unwrap(), format!("/tickets/{id}"));
    let badge = fixture.json("POST", "/badges", r#"{"id": null}"#).value();
    assert_eq!(badge["id"].as_str().unwrap().len(), 36);
    let own = fixture
        .json("POST", "/tickets", r#"{"id": "mine"}"#)
        .value();
    assert_eq!(own["id"], "mine");
}

#[test]
fn a_read_only_property_keeps_its_value() {
    let fixture = people();
    let made = fixture
        .json("POST", "/people", r#"{"name": "Bob", "secret": "abc"}"#)
        .value();
    let path = format!("/people/{}", made["id"]);
    let same = format!(r#"{{"serial": {}}}"#, made["serial"]);
    fixture.json("PATCH", &path, &same).status_is(200);
    for (method, path, body) in [
        ("PATCH", path.as_str(), r#"{"serial": "mine"}"#),
        (
            "PUT",
            path.as_str(),
            r#"{"name": "B", "rank": 1, "serial": "mine"}"#,
        ),
        (
            "POST",
            "/people",
            r#"{"name": "B", "secret": "abc", "serial": "mine"}"#,
        ),
    ] {
        let problem = fixture.json(method, path, body).problem(400, "rules");
        assert_eq!(problem["errors"][0]["pointer"], "/serial", "{problem}");
    }
    let patch = fixture.send("PATCH", &path, MERGE_PATCH, r#"{"serial": null}"#);
    patch.problem(400, "rules");
}

#[test]
fn keywords_that_are_nearly_ours_or_out_of_place_are_errors() {
    for (rules, message) in [
        (
            r#"{"properties": {"a": {"x-gaurd": "user"}}}"#,
            "did you mean `x-guard`?",
        ),
        (
            r#"{"x-aut": {}, "properties": {}}"#,
            "did you mean `x-auth`?",
        ),
        (
            r#"{"properties": {"a": {"items": {"properties": {"b": {"x-generated": "uid"}}}}}}"#,
            "did you mean \"uuid\"?",
        ),
        (
            r#"{"properties": {"a": {"items": {"x-generated": "uuid"}}}}"#,
            "has no effect here",
        ),
        (
            r#"{"properties": {"a": {"items": {"oneOf": [{"properties": {"b": {"writeOnly": true}}}]}}}}"#,
            "such a value would be sent",
        ),
        (
            r#"{"properties": {"a": {"x-guard": "user"}}}"#,
            "how users log in",
        ),
    ] {
        let error = start_error(rules);
        assert!(error.contains(message), "{rules}: {error}");
    }
    let taken = r#"{"x-auth": {}, "properties": {"login": {}, "users": {"items": {}}}}"#;
    has(start_error(taken), "no resource can have that name");
    // Custom keywords are still allowed.
    drop(Fixture::new(
        "{\"a\": []}",
        Some(r#"{"x-board": 1, "properties": {}}"#),
        |_| {},
    ));
}

/// Why a server with these rules does not start.
fn start_error(rules: &str) -> String {
    let mut options = standin::Options::from_json(serde_json::json!({ "a": [] }));
    options.rules = Some(rules.to_string());
    match standin::Server::start(&options, standin::Listeners::default()) {
        Ok(_) => "it started".to_string(),
        Err(error) => {
            std::error::Error::source(&error).map_or_else(String::new, ToString::to_string)
        }
    }
}

#[test]
fn a_write_only_value_is_hidden_at_every_depth() {
    let rules = r##"{
      "$defs": {"node": {"type": "object", "properties": {
        "key": {"writeOnly": true}, "next": {"$ref": "#/$defs/node"}, "children": {"items": {"$ref": "#/$defs/node"}},
        "pair": {"allOf": [{"$ref": "#/$defs/node"}, {"properties": {"other": {"writeOnly": true}}}]}}}},
      "properties": {"trees": {"items": {"$ref": "#/$defs/node"}}, "tree": {"$ref": "#/$defs/node"}}
    }"##;
    let deep = |levels: usize| {
        let mut node = r#"{"key": "SECRET", "n": 0}"#.to_string();
        for n in 1..levels {
            node = match n % 3 {
                0 => format!(r#"{{"key": "SECRET", "next": {node}, "n": {n}}}"#),
                1 => format!(
                    r#"{{"children": [{node}, {{"key": "SECRET"}}], "key": {{"a": "SECRET"}}, "n": {n}}}"#
                ),
                _ => format!(r#"{{"pair": {node}, "other": "seen", "n": {n}}}"#),
            };
        }
        node
    };
    let other = r#"{"pair": {"other": "SECRET", "next": {"other": "seen"}}}"#;
    let data = format!(
        r#"{{"trees": [{}, {other}], "tree": {}}}"#,
        deep(9),
        deep(5)
    );
    let fixture = Fixture::new(&data, Some(rules), |_| {});
    for path in ["/trees", "/trees/1", "/trees/2", "/tree", "/db"] {
        let text = fixture.get(path).text().to_string();
        assert!(!text.contains("SECRET"), "{path}: {text}");
        assert!(text.contains("seen"), "{path}: {text}");
    }
    let made = fixture.json("POST", "/trees", &deep(30));
    assert_eq!(made.status, 201);
    assert!(!made.text().contains("SECRET") && made.text().contains("\"n\": 0"));
    assert!(fixture.text().matches("SECRET").count() > 30);
}

#[test]
fn rules_that_refer_to_themselves_many_times_do_not_hold_up_the_start() {
    let names: Vec<String> = (0..30).map(|n| format!("p{n}")).collect();
    let all: Vec<String> = names
        .iter()
        .map(|name| format!(r##""{name}": {{"$ref": "#/$defs/node"}}"##))
        .collect();
    let rules = format!(
        r##"{{"$defs": {{"node": {{"type": "object", "properties": {{"key": {{"writeOnly": true}}, {}}}}}}},
            "properties": {{"trees": {{"items": {{"$ref": "#/$defs/node"}}}}}}}}"##,
        all.join(", ")
    );
    let data = r#"{"trees": [{"id": 1, "p3": {"p29": {"p0": {"key": "SECRET", "n": 1}}}}]}"#;
    let start = std::time::Instant::now();
    let fixture = Fixture::new(data, Some(&rules), |_| {});
    let text = fixture.get("/trees/1").text().to_string();
    assert!(
        !text.contains("SECRET") && text.contains("\"n\": 1"),
        "{text}"
    );
    for path in ["/-/openapi.json", "/-/model", "/-/facets/trees"] {
        assert_eq!(fixture.get(path).status, 200, "{path}");
    }
    assert!(start.elapsed() < DEADLINE, "{:?}", start.elapsed());
}
