//! Hot reload of the rules file: valid rules take effect, invalid ones are reported.

#[cfg(unix)]
use std::path::Path;
use std::path::PathBuf;

use serde_json::{Value, json};
use standin::Notice;

use crate::cli::place;
use crate::support::*;

const DATA: &str = r#"{
  "users": [
    {"id": 1, "name": "Ada", "email": "ada@example.com", "pin": "1234", "password": "secret-1"},
    {"id": 2, "name": "Bob", "email": "bob@example.com", "pin": "9876", "password": "secret-2"}
  ],
  "todos": [{"id": 1, "title": "Buy oats", "userId": 1}]
}"#;

/// Rules for the users, with `more` beside `properties` of the file.
fn users(properties: &str, more: &str) -> String {
    format!(
        "{{\n  {more}\n  \"properties\": {{ \"users\": {{ \"items\": {{ \"properties\": {{\n    {properties}\n  }} }} }} }}\n}}"
    )
}

fn rules_file(fixture: &Fixture) -> PathBuf {
    fixture.path().with_extension("schema.json")
}

/// Saves `text` as editors do.
fn save(fixture: &Fixture, text: &str) {
    let path = rules_file(fixture);
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(&new, &path).unwrap();
}

fn reloaded(fixture: &Fixture) -> Option<usize> {
    let (_, resources) = fixture.notice(|notice| match notice {
        Notice::RulesReloaded { resources, .. } => Some(*resources),
        _ => None,
    });
    resources
}

fn reason(fixture: &Fixture) -> Value {
    until("the trouble is reported", || {
        let health = fixture.get("/-/health").value();
        (health["status"] == "degraded").then(|| health["reason"].clone())
    })
}

fn is_well(fixture: &Fixture) {
    until("all is well", || {
        (fixture.get("/-/health").value()["status"] == "ok").then_some(())
    });
}

#[test]
fn rules_come_change_and_go_while_the_server_runs() {
    let fixture = serve_data(DATA);
    let short = r#"{"name": "X", "email": "ada@example.com"}"#;
    fixture
        .json("POST", "/todos", r#"{"title": 5}"#)
        .status_is(201);
    save(
        &fixture,
        &users(r#""name": {"type": "string", "minLength": 2}"#, ""),
    );
    assert_eq!(reloaded(&fixture), Some(1));
    fixture.json("POST", "/users", short).problem(400, "rules");
    let model = fixture.get("/-/model").value();
    assert_eq!(model["resources"][0]["rules"], true);
    let described = fixture
        .get("/-/openapi.json")
        .text()
        .contains("\"minLength\": 2");
    assert!(described, "the API description follows");

    // Unique rules also apply to existing values.
    let unique = r#"{"properties": {"users": {"type": "array", "uniqueItemProperties": ["email"],
        "items": {"properties": {"email": {"type": "string"}}}}}}"#;
    save(&fixture, unique);
    assert_eq!(reloaded(&fixture), Some(1));
    fixture
        .json("POST", "/users", short)
        .problem(409, "not-unique");
    let other = r#"{"name": "X", "email": "x@example.com"}"#;
    fixture.json("POST", "/users", other).status_is(201);

    // Hidden and generated values.
    let pin = users(
        r#""pin": {"type": "string", "writeOnly": true}, "seen": {"type": "string", "x-generated": "created"}"#,
        "",
    );
    save(&fixture, &pin);
    reloaded(&fixture);
    for path in ["/users", "/users/1", "/db", "/-/history"] {
        let text = fixture.get(path).text().to_string();
        assert!(!text.contains("1234"), "{path}: {text}");
    }
    let made = fixture.json("POST", "/users", r#"{"name": "Eve", "pin": "5555"}"#);
    assert!(made.value()["seen"].is_string() && made.value().get("pin").is_none());
    assert!(fixture.text().contains("5555") && fixture.text().contains("1234"));

    std::fs::remove_file(rules_file(&fixture)).unwrap();
    assert_eq!(reloaded(&fixture), None);
    assert_eq!(fixture.get("/users/1").value()["pin"], "1234");
    fixture.json("POST", "/users", short).status_is(201);
    is_well(&fixture);
}

#[test]
fn logins_and_guards_follow_the_rules() {
    let fixture = serve_data(DATA);
    let login = r#"{"email": "ada@example.com", "password": "secret-1"}"#;
    fixture.json("POST", "/login", login).status_is(404);
    let auth = r#""x-auth": {"users": "users"},"#;
    save(&fixture, &users(r#""email": {"type": "string"}"#, auth));
    reloaded(&fixture);
    fixture.json("POST", "/login", login).status_is(200);
    let text = fixture.get("/users").text().to_string();
    lacks(text, "secret");
    let guarded = r#"{"x-auth": {"users": "users"}, "properties": {
        "users": {"items": {"properties": {"email": {"type": "string"}}}},
        "todos": {"x-guard": "user", "items": {}}}}"#;
    save(&fixture, guarded);
    reloaded(&fixture);
    fixture.get("/todos").problem(401, "unauthorized");
    assert_eq!(fixture.get("/db").value()["todos"], json!([]));
    // A password that is set is hashed from now on.
    let changed = fixture.json("PATCH", "/users/1", r#"{"password": "another-1"}"#);
    changed.status_is(200);
    has(fixture.text(), "$argon2");
    save(&fixture, "{}");
    reloaded(&fixture);
    fixture.get("/todos").status_is(200);
    fixture.json("POST", "/login", login).status_is(404);
}

#[test]
fn rules_that_cannot_be_used_are_reported_and_the_old_ones_stay() {
    let good = users(r#""name": {"type": "string", "minLength": 2}"#, "");
    let place = place(&[("db.json", DATA), ("db.schema.json", &good)]);
    let running = place.start(&["db.json", "--port", "0"]);
    let client = std::cell::RefCell::new(running.client());
    let send = |method, path, body| client.borrow_mut().send(method, path, JSON, body);
    let health = || send("GET", "/-/health", "").value();
    let file = place.path("db.schema.json");
    for (text, line, hint) in [
        (
            users(r#""name": {"type": "string", "minLenght": 2}"#, ""),
            "db.schema.json:4:",
            "minLength",
        ),
        (
            users(r#""name": {"x-generated": "creatd"}"#, ""),
            "db.schema.json:4:",
            "created",
        ),
        (
            users(r#""name": {}"#, "\"x-auht\": {},"),
            "db.schema.json:2:",
            "x-auth",
        ),
        (
            r#"{"properties": {"todos": {"x-guard": "user", "items": {}}}}"#.into(),
            "db.schema.json:1:27",
            "x-auth",
        ),
        ("{\n  \"properties\": {\n".into(), "db.schema.json:3:1", ""),
        (
            users(r#""name": {"type": "string", "minLength": 4}"#, ""),
            "db.json:3:",
            "fix the record",
        ),
    ] {
        std::fs::write(&file, &text).unwrap();
        let mut errors = String::new();
        running.error(|printed| {
            errors.push_str(printed);
            printed.contains("the rules stay")
        });
        assert!(errors.contains(line), "{line}: {errors}");
        assert!(errors.contains(hint), "{hint}: {errors}");
        let reason = until("the trouble is reported", || {
            let health = health();
            (health["status"] == "degraded").then(|| health["reason"].clone())
        });
        assert_eq!(reason["kind"], "rules", "{reason}");
        let short = send("POST", "/users", r#"{"name": "X"}"#);
        short.problem(400, "rules");
        std::fs::write(&file, &good).unwrap();
        until("all is well", || (health()["status"] == "ok").then_some(()));
    }
}

#[test]
fn rules_that_the_data_breaks_are_in_effect_when_it_is_fixed() {
    let fixture = serve_data(DATA);
    save(
        &fixture,
        &users(r#""name": {"type": "string", "minLength": 4}"#, ""),
    );
    let reason = reason(&fixture);
    let message = reason["message"].as_str().unwrap();
    assert!(
        message.contains("users[0]/name") && message.contains("db.json:3:"),
        "{reason}"
    );
    fixture
        .json("PATCH", "/users/1", r#"{"name": "Adam"}"#)
        .status_is(200);
    fixture
        .json("PATCH", "/users/2", r#"{"name": "Bert"}"#)
        .status_is(200);
    reloaded(&fixture);
    is_well(&fixture);
    fixture
        .json("PATCH", "/users/2", r#"{"name": "B"}"#)
        .problem(400, "rules");
}

#[test]
fn data_and_rules_that_need_each_other_come_into_effect_together() {
    let old = users(r#""name": {"type": "string", "maxLength": 3}"#, "");
    let new = users(r#""name": {"type": "string", "minLength": 4}"#, "");
    let long = DATA
        .replace("\"Ada\"", "\"Adam\"")
        .replace("\"Bob\"", "\"Bert\"");
    for data_first in [true, false] {
        let fixture = Fixture::new(DATA, Some(&old), |_| {});
        if data_first {
            std::fs::write(fixture.path(), &long).unwrap();
            assert_eq!(reason(&fixture)["kind"], "broken");
            save(&fixture, &new);
        } else {
            save(&fixture, &new);
            assert_eq!(reason(&fixture)["kind"], "rules");
            std::fs::write(fixture.path(), &long).unwrap();
        }
        is_well(&fixture);
        assert_eq!(fixture.get("/users/1").value()["name"], "Adam");
        fixture
            .json("PATCH", "/users/1", r#"{"name": "Al"}"#)
            .problem(400, "rules");
        fixture
            .json("PATCH", "/users/1", r#"{"name": "Alan"}"#)
            .status_is(200);
        has(fixture.text(), "Alan");
    }
}

#[test]
fn undo_and_reset_keep_the_rules_of_today() {
    let fixture = serve_data(DATA);
    fixture.json("PATCH", "/users/1", r#"{"name": "A"}"#);
    fixture.json("PATCH", "/users/1", r#"{"name": "Anna"}"#);
    save(
        &fixture,
        &users(
            r#""name": {"type": "string", "minLength": 2}, "pin": {"writeOnly": true}"#,
            "",
        ),
    );
    reloaded(&fixture);
    let refused = fixture
        .send("POST", "/-/undo", NONE, "")
        .problem(400, "rules");
    has(refused["detail"].as_str().unwrap(), "users[0]/name");
    fixture.send("POST", "/-/reset", NONE, "").status_is(200);
    let users = fixture.get("/users").text().to_string();
    assert!(users.contains("Ada") && !users.contains("1234"), "{users}");
}

#[test]
fn an_event_stream_says_that_the_rules_are_others_and_forgets_what_they_hide() {
    let fixture = serve_data(DATA);
    let mut stream = fixture.client();
    stream.write("GET /-/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let last = until("the first event", || {
        let line = stream.line()?;
        line.strip_prefix("id: ").map(str::to_string)
    });
    fixture.json("PATCH", "/users/1", r#"{"pin": "7777"}"#);
    save(&fixture, &users(r#""pin": {"writeOnly": true}"#, ""));
    until("the event of the rules", || {
        (stream.line()? == "event: rules").then_some(())
    });
    let mut late = fixture.client();
    late.write(format!(
        "GET /-/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {last}\r\n\r\n"
    ));
    fixture.json("PATCH", "/users/1", r#"{"pin": "8888", "name": "Anna"}"#);
    let seen = until("the change", || {
        let line = late.line()?;
        lacks(&line, "7777");
        line.contains("Anna").then_some(line)
    });
    lacks(seen, "8888");
}

#[test]
fn rules_that_are_put_are_saved_and_in_effect() {
    let fixture = serve_data(DATA);
    let rules = users(r#""name": {"type": "string", "minLength": 2}"#, "");
    fixture.json("PUT", "/-/rules", &rules).status_is(200);
    fixture
        .json("POST", "/users", r#"{"name": "X"}"#)
        .problem(400, "rules");
    assert_eq!(
        std::fs::read_to_string(rules_file(&fixture)).unwrap(),
        rules
    );
    let unfit = users(r#""name": {"type": "string", "minLength": 4}"#, "");
    let refused = fixture
        .json("PUT", "/-/rules", &unfit)
        .problem(400, "rules");
    has(refused["detail"].as_str().unwrap(), "users[0]/name");
    assert_eq!(
        std::fs::read_to_string(rules_file(&fixture)).unwrap(),
        rules
    );
    is_well(&fixture);
    // No scratch file is left.
    assert_eq!(std::fs::read_dir(fixture.folder()).unwrap().count(), 2);
}

#[cfg(unix)]
#[test]
fn rules_that_are_put_keep_the_rights_of_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = serve_data(DATA);
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let mode = || {
        std::fs::metadata(rules_file(&fixture))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    set(fixture.path(), 0o640);
    fixture.json("PUT", "/-/rules", "{}").status_is(200);
    assert_eq!(mode(), 0o640);
    set(&rules_file(&fixture), 0o604);
    fixture.json("PUT", "/-/rules", "{ }").status_is(200);
    assert_eq!(mode(), 0o604);
}

#[test]
fn a_stored_response_is_forgotten_when_other_rules_hide_what_is_in_it() {
    let fixture = serve_data(DATA);
    let post = || {
        let headers = [
            ("Idempotency-Key", "k"),
            ("Content-Type", "application/json"),
        ];
        fixture.send(
            "POST",
            "/users",
            &headers,
            r#"{"name": "Eve", "pin": "7777"}"#,
        )
    };
    assert_eq!(post().value(), post().value());
    save(
        &fixture,
        &users(r#""pin": {"type": "string", "writeOnly": true}"#, ""),
    );
    reloaded(&fixture);
    until("the rules", || {
        let seen = fixture.get("/users").text().to_string();
        (!seen.contains("7777")).then_some(())
    });
    lacks(post().text(), "7777");
}

#[test]
fn routes_and_rules_wait_for_each_other() {
    let fixture = Fixture::new(DATA, None, |options| {
        options.routes = Some(options.file.with_extension("routes.json"));
    });
    let routes = fixture.path().with_extension("routes.json");
    // A routes file that was not there at the start.
    std::fs::write(&routes, r#"{"GET /secret": {"guard": "user", "body": 1}}"#).unwrap();
    assert_eq!(reason(&fixture)["kind"], "routes");
    save(
        &fixture,
        &users(
            r#""email": {"type": "string"}"#,
            r#""x-auth": {"users": "users"},"#,
        ),
    );
    is_well(&fixture);
    fixture.get("/secret").problem(401, "unauthorized");
    // The guard needs the users.
    save(&fixture, "{}");
    let reason = reason(&fixture);
    has(reason["message"].as_str().unwrap(), "needs users");
    fixture.get("/secret").problem(401, "unauthorized");
    std::fs::remove_file(&routes).unwrap();
    is_well(&fixture);
    fixture.get("/secret").status_is(404);
    fixture.json("POST", "/login", "{}").status_is(404);
}

#[test]
fn a_profile_is_reloaded_when_it_alone_is_saved() {
    let fixture = Fixture::new(DATA, None, |options| {
        let folder = options.file.parent().unwrap();
        std::fs::write(
            folder.join("shape.json"),
            r#"{"record": {"data": "{{ record }}"}}"#,
        )
        .unwrap();
        std::fs::write(
            folder.join("db.routes.json"),
            r#"{"profile": "shape.json"}"#,
        )
        .unwrap();
        options.routes = Some(options.file.with_extension("routes.json"));
    });
    let profile = fixture.folder().join("shape.json");
    until("the profile", || {
        fixture.get("/users/1").value()["data"]["id"]
            .is_number()
            .then_some(())
    });
    std::fs::write(&profile, r#"{"record": {"item": "{{ record }}"}}"#).unwrap();
    until("the new one", || {
        fixture.get("/users/1").value()["item"]["id"]
            .is_number()
            .then_some(())
    });
    std::fs::write(&profile, r#"{"record": {"item": "{{ recrd }}"}}"#).unwrap();
    let reason = reason(&fixture);
    assert_eq!(
        (reason["kind"].as_str(), reason["line"].as_u64()),
        (Some("routes"), Some(1))
    );
    assert!(
        reason["file"].as_str().unwrap().ends_with("shape.json"),
        "{reason}"
    );
    std::fs::remove_file(&profile).unwrap();
    std::fs::write(&profile, r#"{"record": {"it": "{{ record }}"}}"#).unwrap();
    until("the last one", || {
        fixture.get("/users/1").value()["it"]["id"]
            .is_number()
            .then_some(())
    });
    is_well(&fixture);
}
