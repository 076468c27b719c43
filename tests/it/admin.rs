//! The admin routes, and who may use them.

use serde_json::json;

use crate::cli::place;
use crate::support::*;

const ADA: &str = r#"{"lastName": "Lovelace", "firstName": "Ada", "email": "ada@example.com"}"#;

fn post(fixture: &Fixture, path: &str) -> Reply {
    fixture.send("POST", path, NONE, "")
}

#[test]
fn reset_goes_back_to_the_start_and_to_snapshots() {
    let fixture = serve();
    let start = fixture.text();
    fixture.json("POST", "/users", ADA);
    let taken = post(&fixture, "/-/snapshots/with%20Ada");
    assert_eq!(
        (taken.status, taken.value()),
        (201, json!({ "snapshot": "with Ada", "version": 1 }))
    );
    let with_ada = fixture.text();
    fixture.delete("/users/1");
    assert_eq!(
        post(&fixture, "/-/reset").value(),
        json!({ "snapshot": "start", "version": 3 })
    );
    assert_eq!(
        fixture.text(),
        start,
        "byte for byte, and before the response"
    );
    assert_eq!(post(&fixture, "/-/reset?snapshot=with%20Ada").status, 200);
    assert_eq!(fixture.text(), with_ada);
    let all = fixture.get("/-/snapshots").value();
    assert_eq!(all[1]["snapshot"], "with Ada");
    let problem = post(&fixture, "/-/reset?snapshot=withAda").problem(404, "no-snapshot");
    assert_eq!(fixture.attempt(&problem).status, 200);
    post(&fixture, "/-/snapshots/start").problem(400, "bad-target");
    post(&fixture, "/-/snapshots/%FF").problem(400, "bad-target");
}

#[test]
fn ids_start_again_after_a_reset() {
    let fixture = serve();
    for _ in 0..2 {
        assert_eq!(fixture.json("POST", "/users", ADA).value()["id"], 2);
        assert_eq!(post(&fixture, "/-/reset").status, 200);
    }
}

#[test]
fn undo_reverts_one_change_after_the_other() {
    let fixture = serve();
    let mut states = vec![fixture.text()];
    fixture.json("POST", "/users", ADA);
    states.push(fixture.text());
    fixture.json("PATCH", "/users/2", "{\"firstName\": \"B\"}");
    states.push(fixture.text());
    std::fs::write(fixture.path(), fixture.text().replace("Zo\u{eb}", "Zora")).unwrap();
    fixture.reloaded();
    states.push(fixture.text());
    fixture.delete("/users/1");
    // With `version`, only that change is undone.
    post(&fixture, "/-/undo?version=1").problem(412, "changed");
    post(&fixture, "/-/undo?version=x").problem(400, "bad-query");
    assert_eq!(
        post(&fixture, "/-/undo?version=4").value(),
        json!({ "version": 5 })
    );
    assert_eq!(Some(fixture.text()), states.pop());
    for state in states.iter().rev() {
        assert_eq!(post(&fixture, "/-/undo").status, 200);
        assert_eq!(fixture.text(), *state);
    }
    post(&fixture, "/-/undo").problem(409, "nothing-to-undo");
}

#[test]
fn a_reset_and_an_undo_are_in_the_log_with_what_they_changed() {
    let place = place(&[("db.json", r#"{"items": [{"id": 1, "n": "one"}]}"#)]);
    let running = place.start(&["-p", "0", "db.json"]);
    let mut client = running.client();
    let edited = r#"{"items": [{"id": 1, "n": "ONE"}, {"id": 2}]}"#;
    std::fs::write(place.path("db.json"), edited).unwrap();
    running.line(|line| line.starts_with("reloaded db.json"));
    for (path, expected) in [
        (
            "/-/reset",
            "POST /-/reset: 1 record changed, 1 removed in items",
        ),
        (
            "/-/undo",
            "POST /-/undo: 1 record added, 1 changed in items",
        ),
        (
            "/-/reset?version=0",
            "POST /-/reset: 1 record changed, 1 removed in items",
        ),
        ("/-/reset", "POST /-/reset: no records changed"),
    ] {
        client.send("POST", path, NONE, "").status_is(200);
        assert_eq!(running.line(|_| true), expected, "{path}");
    }
}

#[test]
fn undo_does_not_overwrite_an_edit_that_nobody_has_seen() {
    let fixture = Fixture::new(HOSTILE, Some(RULES), |options| options.watch = false);
    fixture.json("POST", "/users", ADA);
    let edited = fixture.text().replace("typicode", "edited");
    std::fs::write(fixture.path(), &edited).unwrap();
    post(&fixture, "/-/undo?version=1").problem(412, "changed");
    assert_eq!(fixture.text(), edited);
}

#[test]
fn a_broken_file_is_not_overwritten() {
    let fixture = serve();
    fixture.json("POST", "/users", ADA);
    std::fs::write(fixture.path(), "{\"users\": [").unwrap();
    until("the edit is seen", || {
        (fixture.json("POST", "/users", ADA).status == 503).then_some(())
    });
    post(&fixture, "/-/reset").problem(503, "broken-file");
    post(&fixture, "/-/undo").problem(503, "broken-file");
    assert_eq!(fixture.text(), "{\"users\": [");
}

#[test]
fn other_sites_and_machines_are_refused() {
    let fixture = serve();
    let address = fixture.address().to_string();
    let own = format!("http://{address}");
    let foreign: [&[(&str, &str)]; 11] = [
        &[("Origin", "http://evil.example")],
        &[("Origin", "null")],
        &[("Origin", "http://127.0.0.1:1")],
        &[("Origin", &own), ("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[("X-Forwarded-For", "10.0.0.1")],
        &[("Forwarded", "for=10.0.0.1")],
        &[("Via", "1.1 proxy")],
        &[("X-Real-IP", "127.0.0.1")],
        &[("X-Forwarded-Host", "localhost")],
        &[("x-forwarded-for", "")],
    ];
    fixture.json("POST", "/users", ADA);
    for headers in foreign {
        for (method, path) in [
            ("POST", "/-/reset"),
            ("POST", "/-/undo"),
            ("POST", "/-/snapshots/x"),
            ("GET", "/-/requests"),
            ("GET", "/-/snapshots"),
        ] {
            fixture
                .send(method, path, headers, "")
                .problem(403, "admin");
        }
    }
    fixture.get("/users/2").status_is(200);
    fixture
        .send(
            "POST",
            "/-/undo",
            &[("Origin", &own), ("Sec-Fetch-Site", "same-origin")],
            "",
        )
        .status_is(200);
    fixture
        .send("GET", "/-/requests", &[("Sec-Fetch-Site", "none")], "")
        .status_is(200);
}

/// A foreign host name that resolves to this machine must not reach the admin routes, even if every host is accepted.
#[test]
fn other_host_names_are_refused() {
    let fixture = Fixture::new(HOSTILE, None, |options| options.http.hosts = None);
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:3000",
        "10.0.0.1",
    ] {
        let mut client = fixture.client();
        client.write(format!(
            "POST /-/reset HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: 0\r\n\r\n"
        ));
        client.reply("POST").problem(403, "admin");
    }
    // The host in the target does not hide the one in the header.
    let mut client = fixture.client();
    client.write("GET http://localhost/-/requests HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    client.reply("GET").problem(403, "admin");
    for host in ["localhost", "LOCALHOST:3000", "127.0.0.1", "[::1]:3000"] {
        let mut client = fixture.client();
        client.write(format!(
            "POST /-/reset HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"
        ));
        assert_eq!(client.reply("POST").status, 200, "{host}");
    }
}

#[test]
fn it_can_be_switched_off() {
    let fixture = Fixture::new(HOSTILE, None, |options| options.http.admin = false);
    for (method, path) in [
        ("POST", "/-/reset"),
        ("POST", "/-/undo"),
        ("POST", "/-/snapshots/x"),
        ("GET", "/-/requests"),
    ] {
        fixture.send(method, path, NONE, "").problem(403, "admin");
    }
    let health = fixture.get("/-/health").value();
    assert_eq!(
        (&health["status"], &health["admin"]),
        (&json!("ok"), &json!(false))
    );
    fixture.get("/-/openapi.json").status_is(200);
}

#[test]
fn read_only_refuses_reset_and_undo() {
    let fixture = Fixture::new(HOSTILE, None, |options| options.http.read_only = true);
    post(&fixture, "/-/reset").problem(403, "read-only");
    post(&fixture, "/-/undo").problem(403, "read-only");
}

#[test]
fn allowed_methods_are_listed() {
    let fixture = serve();
    for (method, path, allow) in [
        ("GET", "/-/reset", "POST, OPTIONS"),
        ("DELETE", "/-/snapshots/x", "POST, OPTIONS"),
        ("POST", "/-/health", "GET, HEAD, OPTIONS"),
        ("POST", "/-/events", "GET, HEAD, OPTIONS"),
    ] {
        let reply = fixture.send(method, path, NONE, "");
        assert_eq!(reply.header("allow"), Some(allow), "{method} {path}");
        reply.problem(405, "method");
        assert_eq!(
            fixture.send("OPTIONS", path, NONE, "").header("allow"),
            Some(allow),
            "{path}"
        );
    }
    fixture.get("/-/nothing").problem(404, "no-resource");
}

#[test]
fn the_last_requests_are_shown_without_secrets() {
    let fixture = serve();
    let secret = [
        ("Authorization", "Bearer hunter2"),
        ("Cookie", "s=hunter2"),
        ("X-Api-Key", "hunter2"),
        ("X-Plain", "seen"),
    ];
    fixture.send("GET", "/users?access_token=hunter2&lastName=x", &secret, "");
    fixture.json("POST", "/users", "{\"email\": \"x\"}");
    fixture.json(
        "POST",
        "/users",
        &format!("{{\"x\": \"{}\"}}", "y".repeat(5000)),
    );
    let reply = fixture.get("/-/requests");
    lacks(reply.text(), "hunter2");
    let all = reply.value();
    assert_eq!(all[0]["target"], "/users?access_token=***&lastName=x");
    assert_eq!(
        (
            &all[0]["headers"]["authorization"],
            &all[0]["headers"]["x-plain"]
        ),
        (&json!("***"), &json!("seen"))
    );
    has(all[0]["hint"].as_str().unwrap(), "access_token");
    assert_eq!(
        (&all[1]["method"], &all[1]["status"], &all[1]["body"]),
        (&json!("POST"), &json!(400), &json!("{\"email\": \"x\"}"))
    );
    assert_eq!(all[1]["problem"]["errors"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&all[2]["body"], &all[2]["bodySize"]),
        (&json!(null), &json!(5009))
    );
    let rest = fixture.get("/-/requests?after=2").value();
    assert_eq!(
        (rest.as_array().unwrap().len(), &rest[0]["number"]),
        (1, &json!(3))
    );
    for _ in 0..300 {
        fixture.get("/profile");
    }
    assert_eq!(fixture.get("/-/requests").list().len(), 200);
}
