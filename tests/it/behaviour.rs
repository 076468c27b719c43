//! The routes file over HTTP: failures, delays, limits, custom responses and actions.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use standin::{Routes, RoutesFile};

use crate::cli::place;
use crate::support::*;

mod mistakes;

const DATA: &str = r#"{
  "users": [{"id": 1, "name": "Ada", "email": "ada@example.com"}, {"id": 2, "name": "Bob"}],
  "todos": [
    {"id": 1, "title": "Buy oats", "done": false, "userId": 1},
    {"id": 2, "title": "Call Bob", "done": true, "userId": 1},
    {"id": 3, "title": "Water plants", "done": true, "userId": 2}
  ],
  "settings": {"theme": "dark"}
}"#;

fn rules(text: &str) -> Fixture {
    rules_with(text, |_| {})
}

fn rules_with(text: &str, adjust: impl FnOnce(&mut standin::Options)) -> Fixture {
    let rules = RoutesFile::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    Fixture::new(DATA, None, |options| {
        options.http.routes = Some(Arc::new(Routes::new(rules)));
        adjust(options);
    })
}

#[test]
fn a_request_asks_for_a_failure_itself() {
    let fixture = serve_data(DATA);
    let before = fixture.text();
    for prefer in ["status=503", "code=503", "foo, Status=\"503\"; x=1"] {
        let headers = [("Prefer", prefer), ("Content-Type", "application/json")];
        let reply = fixture.send("POST", "/users", &headers, r#"{"name": "Eve"}"#);
        reply.problem(503, "fault");
        let applied = reply.header("preference-applied").unwrap();
        assert!(applied.ends_with("=503"), "{applied}");
    }
    let reply = fixture.get("/users?_status=418&_delay=1");
    reply.problem(418, "fault");
    let applied = reply.header("preference-applied");
    assert_eq!(applied, Some("status=418, delay=0.001"));
    fixture.get("/users?_status=200").problem(400, "bad-query");
    // Unsupported preferences in the header are ignored.
    for prefer in ["status=204", "status=700", "wait=5", "status", "delay=x"] {
        let reply = fixture.send("GET", "/users", &[("Prefer", prefer)], "");
        assert_eq!(reply.status, 200, "{prefer}");
        assert_eq!(reply.header("preference-applied"), None, "{prefer}");
    }
    assert_eq!(fixture.text(), before);
}

#[test]
fn a_request_asks_for_a_delay_itself() {
    let fixture = serve_data(DATA);
    let start = Instant::now();
    let reply = fixture.send("GET", "/users", &[("Prefer", "delay=0.2")], "");
    assert_eq!(
        (reply.status, reply.header("preference-applied")),
        (200, Some("delay=0.2"))
    );
    assert!(start.elapsed().as_millis() >= 200);
    let start = Instant::now();
    fixture.get("/users?_delay=200");
    assert!(start.elapsed().as_millis() >= 200);
}

#[test]
fn no_faults_ignores_requests_for_failures() {
    let fixture = Fixture::new(DATA, None, |options| options.http.faults = false);
    let reply = fixture.send("GET", "/users?_status=503", &[("Prefer", "status=503")], "");
    assert_eq!(reply.status, 200);
}

#[test]
fn rules_fail_as_often_as_they_say() {
    let fixture = rules(
        r#"{
        "GET /users": {"fail": {"status": 503, "times": 2, "headers": {"Retry-After": "1"}}},
        "GET /todos": {"fail": {"status": 500, "after": 3, "body": {"error": "late"}}},
        "GET /todos/1": {"fail": {"every": 2}}
    }"#,
    );
    let statuses = |path: &str| -> Vec<u16> { (0..4).map(|_| fixture.get(path).status).collect() };
    let first = fixture.get("/users");
    first.problem(503, "fault");
    assert_eq!(first.header("retry-after"), Some("1"));
    assert_eq!(statuses("/users"), [503, 200, 200, 200]);
    assert_eq!(statuses("/todos"), [200, 200, 500, 500]);
    assert_eq!(fixture.get("/todos").value(), json!({"error": "late"}));
    assert_eq!(statuses("/todos/1"), [200, 500, 200, 500]);
    // A reset resets the counters.
    fixture.send("POST", "/-/reset", NONE, "");
    assert_eq!(statuses("/users"), [503, 503, 200, 200]);
}

#[test]
fn chance_is_the_same_for_the_same_seed() {
    let run = |seed| {
        let rules = r#"{"GET /users": {"fail": {"chance": 0.5}}}"#;
        let fixture = rules_with(rules, |options| options.http.seed = seed);
        (0..32)
            .map(|_| fixture.get("/users").status)
            .collect::<Vec<_>>()
    };
    let first = run(7);
    assert_eq!(first, run(7));
    assert_ne!(first, run(8));
    assert!(first.contains(&200) && first.contains(&500));
}

#[test]
fn the_seed_is_in_the_log_when_the_routes_appear_while_the_server_runs() {
    let place = place(&[("db.json", DATA)]);
    let running = place.start(&["db.json", "--seed", "4711", "--port", "0"]);
    let mut client = running.client();
    let routes = r#"{"GET /users": {"fail": {"chance": 0.5}}}"#;
    std::fs::write(place.path("db.routes.json"), routes).unwrap();
    running.line(|line| line.contains("--seed 4711"));
    let headers = [("Content-Type", "application/json")];
    let faults = client.send("PUT", "/-/faults", &headers, routes);
    faults.status_is(200);
    running.line(|line| line.starts_with("seed 4711"));
}

#[test]
fn an_abort_closes_the_connection() {
    let fixture = rules(
        r#"{"GET /users": {"fail": {"abort": true}},
            "POST /users": {"fail": {"abort": true, "when": "after", "times": 1}}}"#,
    );
    let mut client = fixture.client();
    client.write("GET /users HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(client.is_closed(), "nothing comes");
    let mut client = fixture.client();
    client.write("POST /users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"name\":\"Eve\"}");
    assert!(client.is_closed(), "nothing comes");
    assert_eq!(fixture.data()["users"][2], json!({"name": "Eve", "id": 3}));
}

#[test]
fn a_failure_after_the_write_leaves_it_saved() {
    let fixture = rules(
        r#"{"POST /users": {"fail": {"status": 502, "when": "after"}},
            "DELETE /users/*": {"fail": {"status": 502}}}"#,
    );
    fixture
        .json("POST", "/users", r#"{"name": "Eve"}"#)
        .problem(502, "fault");
    assert_eq!(fixture.data()["users"][2]["name"], "Eve");
    fixture.delete("/users/1").problem(502, "fault");
    assert_eq!(fixture.data()["users"].as_array().unwrap().len(), 3);
}

#[test]
fn delays_of_all_matching_rules_add_up() {
    let fixture = rules(
        r#"{"* /**": {"delay": 100}, "GET /users": {"delay": "100ms..150ms"},
            "GET /users/:id": {"delay": "p50=10ms p99=20ms"}}"#,
    );
    let start = Instant::now();
    fixture.get("/users").status_is(200);
    assert!(start.elapsed().as_millis() >= 200);
    let start = Instant::now();
    fixture.get("/users/1").status_is(200);
    assert!(start.elapsed().as_millis() >= 100);
}

#[test]
fn limits_respond_with_429_and_say_when_to_retry() {
    let fixture = rules(
        r#"{"GET /users": {"limit": "2/hour"},
            "GET /todos": {"limit": {"rate": "1/hour", "per": "header:X-Api-Key"}}}"#,
    );
    let first = fixture.get("/users");
    assert_eq!(
        (first.status, first.header("ratelimit-policy")),
        (200, Some("\"GET /users\";q=2;w=3600"))
    );
    let left = first.header("ratelimit").unwrap();
    assert!(left.starts_with("\"GET /users\";r=1;t="), "{left}");
    fixture.get("/users").status_is(200);
    let third = fixture.send("GET", "/users", &[("Origin", "http://localhost:5173")], "");
    third.problem(429, "limit");
    let wait: u64 = third.header("retry-after").unwrap().parse().unwrap();
    assert!((3590..=3600).contains(&wait), "{wait}");
    let exposed = third.header("access-control-expose-headers").unwrap();
    for name in ["Retry-After", "RateLimit"] {
        assert!(exposed.contains(name), "{name}: {exposed}");
    }
    for (key, status) in [("a", 200), ("b", 200), ("a", 429)] {
        let reply = fixture.send("GET", "/todos", &[("X-Api-Key", key)], "");
        assert_eq!(reply.status, status, "{key}");
    }
}

#[test]
fn faults_are_set_at_run_time() {
    let fixture = serve_data(DATA);
    assert_eq!(fixture.get("/-/faults").value(), json!({}));
    let rules = r#"{"* /users/**": {"fail": {"status": 503}}}"#;
    let set = fixture.json("PUT", "/-/faults", rules);
    assert_eq!(
        (set.status, set.value()),
        (200, fixture.get("/-/faults").value())
    );
    fixture.get("/users").problem(503, "fault");
    fixture.get("/users/1").problem(503, "fault");
    fixture.get("/todos").status_is(200);
    for wrong in [
        r#"{"* /users": {"fali": {}}}"#,
        r#"{"GET /users": {"body": 1}}"#,
        r#"{"/a": "/b"}"#,
        "[",
    ] {
        fixture
            .json("PUT", "/-/faults", wrong)
            .problem(400, "routes");
    }
    fixture.get("/users").problem(503, "fault");
    fixture.delete("/-/faults");
    fixture.get("/users").status_is(200);
    let foreign = [("Origin", "http://evil.example")];
    fixture
        .send("PUT", "/-/faults", &foreign, rules)
        .problem(403, "admin");
}

#[test]
fn custom_responses_are_fixed_or_templated() {
    let fixture = rules(
        r#"{
        "POST /sessions": {"status": 202, "body": {"token": "abc", "user": "{{ body.email }}", "agent": "{{ headers['x-agent'] }}"},
                           "headers": {"X-Session": "s-{{ body.n }}"}},
        "GET /stats": {"body": {"users": "{{ count('users') }}", "open": "{{ count('todos', done=false) }}",
                       "first": "{{ record('users', 1).name }}", "none": "{{ record('users', 9).name }}",
                       "done": "{{ records('todos', done=true, _sort='-id') }}", "text": "{{ count('users') }} users, {{ query.x }}.",
                       "list": "{{ query.y }}", "n": "{{ 1 + 1 }}", "last": "{{ body.a.b.c }}"}},
        "GET /hello/:name": {"body": "Hello {{ params.name }}", "headers": {"Content-Type": "text/plain"}},
        "GET /draws": {"body": {"a": "{{ uuid() }}", "b": "{{ random(3, 3) }}", "now": "{{ now }}"}},
        "GET /old": {"redirect": "/users?name={{ query.name }}"},
        "GET /nothing": {"status": 204}
    }"#,
    );
    let reply = fixture.send(
        "POST",
        "/sessions",
        &[("Content-Type", "application/json"), ("X-Agent", "me")],
        r#"{"email": "q@example.com", "n": 5}"#,
    );
    assert_eq!(
        (reply.status, reply.value(), reply.header("x-session")),
        (
            202,
            json!({"token": "abc", "user": "q@example.com", "agent": "me"}),
            Some("s-5")
        )
    );
    assert_eq!(
        fixture.get("/stats?x=1&y=a&y=b").value(),
        json!({"users": 2, "open": 1, "first": "Ada", "none": null,
            "done": [{"id": 3, "title": "Water plants", "done": true, "userId": 2},
                     {"id": 2, "title": "Call Bob", "done": true, "userId": 1}],
            "text": "2 users, 1.", "list": ["a", "b"], "n": 2, "last": null})
    );
    let hello = fixture.get("/hello/Z%C3%BC");
    assert_eq!(
        (hello.text(), hello.header("content-type")),
        ("Hello Zü", Some("text/plain"))
    );
    let draws = fixture.get("/draws").value();
    assert_eq!(draws["a"].as_str().unwrap().len(), 36);
    assert_eq!(draws["b"], 3);
    assert!(draws["now"].as_str().unwrap().ends_with('Z'));
    let old = fixture.get("/old?name=Ada");
    assert_eq!(
        (old.status, old.header("location")),
        (302, Some("/users?name=Ada"))
    );
    fixture.get("/nothing").status_is(204);
}

#[test]
fn a_template_that_fails_names_the_expression() {
    let fixture = rules(
        "{\n  \"GET /x\": {\"body\": \"{{ 1 / 0 }}\"},\n  \"GET /y\": {\"body\": \"{{ 'x' * 1000000000 }}\"},\n  \"GET /z\": {\"body\": \"{{ records('userz') }}\"},\n  \"GET /long\": {\"body\": \"{{ 'x' * 20000000 }}\"},\n  \"GET /text\": {\"body\": \"a {{ 'x' * 20000000 }}\"},\n  \"GET /r\": {\"redirect\": \"/{{ query.a }}\"},\n  \"GET /h\": {\"body\": 1, \"headers\": {\"X-A\": \"{{ query.a }}\"}}}",
    );
    let problem = fixture.get("/x").problem(500, "template");
    let detail = problem["detail"].as_str().unwrap();
    has(detail, ":2:26: {{ 1 / 0 }}: ");
    fixture.get("/y").problem(500, "template");
    for path in ["/long", "/text"] {
        let problem = fixture.get(path).problem(500, "template");
        has(problem["detail"].as_str().unwrap(), "longer than");
    }
    for path in ["/r?a=%0a", "/h?a=%0a"] {
        let problem = fixture.get(path).problem(500, "template");
        has(problem["detail"].as_str().unwrap(), "control characters");
    }
    let problem = fixture.get("/z").problem(500, "template");
    has(
        problem["detail"].as_str().unwrap(),
        "did you mean \"users\"?",
    );
}

#[test]
fn lists_that_are_repeated_neither_hang_the_start_nor_a_request() {
    let fixture = rules(
        r#"{
          "GET /constant": {"body": "{{ -1 in [1] * 100000000 or ([[1] * 100000000] * 100000000 ~ '') < 'a' }}"},
          "GET /text": {"body": "{{ [1] * 100000000|string }}"},
          "GET /range": {"body": "{{ (range(9) * 10000000)|pprint }}"},
          "POST /body": {"body": "{{ body.list * body.n ~ '' }}"},
          "POST /map": {"body": "{{ range(100000)|map('default', body.list)|list|string }}"},
          "POST /price": {"body": "{{ body.n * 1.5 * body.list|length }}"}
        }"#,
    );
    let body = r#"{"list": [1, 2], "n": 100000000}"#;
    for answer in [
        fixture.get("/constant"),
        fixture.get("/text"),
        fixture.get("/range"),
        fixture.json("POST", "/body", body),
        fixture.json("POST", "/map", body),
    ] {
        let problem = answer.problem(500, "template");
        has(problem["detail"].as_str().unwrap(), "cannot be repeated");
    }
    assert_eq!(fixture.json("POST", "/price", body).value(), 3e8);
}

#[test]
fn the_most_specific_rule_answers_and_then_the_first() {
    let fixture = rules(
        r#"{
        "* /**": {"headers": {"X-All": "yes"}},
        "/todos/*": {"body": "any"},
        "GET /todos/:id": {"body": "get"},
        "GET /todos/1": [
            {"match": {"query": {"v": "2"}, "headers": {"X-Beta": "*"}}, "body": "beta"},
            {"match": {"query": {"v": "2"}}, "body": "two"},
            {"fail": {"times": 1}},
            {"body": "one"}
        ],
        "POST /echo": [{"match": {"body": {"kind": "a", "deep": {"x": 1}}}, "body": "a"}, {"body": "other"}]
    }"#,
    );
    let value = |path: &str, headers| fixture.send("GET", path, headers, "").value();
    assert_eq!(value("/todos/2", NONE), "get");
    assert_eq!(value("/todos/1?v=2", &[("X-Beta", "1")]), "beta");
    assert_eq!(value("/todos/1?v=2", NONE), "two");
    fixture.get("/todos/1").status_is(500);
    assert_eq!(value("/todos/1", NONE), "one");
    assert_eq!(fixture.delete("/todos/1").value(), "any");
    let users = fixture.get("/users");
    assert_eq!((users.status, users.header("x-all")), (200, Some("yes")));
    let echo = |body: &str| fixture.json("POST", "/echo", body).value();
    assert_eq!(echo(r#"{"kind": "a", "deep": {"x": 1, "y": 2}}"#), "a");
    assert_eq!(echo(r#"{"kind": "a"}"#), "other");
}

#[test]
fn files_are_served_from_the_folder_of_the_routes_file() {
    let folder = folder_with(&[("fixtures/report.txt", "a report")]);
    let outside = folder_with(&[("secret.txt", "secret")]);
    #[cfg(unix)]
    std::os::unix::fs::symlink(
        outside.path().join("secret.txt"),
        folder.path().join("fixtures/link.txt"),
    )
    .unwrap();
    let text = r#"{"GET /report": {"file": "fixtures/report.txt"}, "GET /any/:name": {"file": "fixtures/{{ params.name }}.txt"}}"#;
    let mut rules = RoutesFile::parse(text).unwrap();
    rules.path = Some(folder.path().join("db.routes.json"));
    let fixture = Fixture::new(DATA, None, |options| {
        options.http.routes = Some(Arc::new(Routes::new(rules)));
    });
    let report = fixture.get("/report");
    assert_eq!((report.status, report.text()), (200, "a report"));
    assert_eq!(fixture.get("/any/report").text(), "a report");
    for name in ["link", "..%2Fdb.routes", "nothing", "%2Fetc%2Fpasswd"] {
        fixture
            .get(&format!("/any/{name}"))
            .problem(404, "no-resource");
    }
}

#[test]
fn actions_change_data_all_or_nothing() {
    let fixture = rules(
        r#"{
        "POST /todos/:id/done": {"patch": {"done": true, "doneAt": "{{ now }}"}},
        "POST /todos/:id/copy": {"post": {"title": "{{ record('todos', params.id).title }}", "userId": "{{ record('todos', params.id).userId }}"}},
        "DELETE /todos/:id/now": {"delete": true},
        "POST /settings/light": {"patch": {"theme": "light"}},
        "POST /list": {"post": "{{ body }}", "to": "/users"},
        "POST /tidy": {"actions": [
            {"patch": {"title": "{{ query.title }}"}, "to": "/todos?done=true"},
            {"delete": true, "to": "/todos?done=false&userId={{ query.user }}"}
        ], "body": {"left": "{{ records('todos') }}"}},
        "POST /tidy/all": {"delete": true, "to": "/todos"},
        "POST /todos/:id/like": {"patch": {"likes": "{{ (record('todos', params.id).likes or 0) + 1 }}"}},
        "POST /sign-up": {"actions": [
            {"post": {"name": "{{ body.name }}"}, "to": "/users"},
            {"post": {"title": "Welcome", "userId": "{{ result.id }}"}, "to": "/todos"},
            {"patch": {"last": "{{ body.name }}"}, "to": "/settings"}
        ], "status": 201, "body": {"user": "{{ result.last }}"}},
        "POST /half": {"actions": [{"patch": {"name": "X"}, "to": "/users/1"}, {"patch": {"name": "Y"}, "to": "/users/99"}]}
    }"#,
    );
    let done = fixture.send("POST", "/todos/1/done", NONE, "").value();
    assert_eq!(
        (&done["done"], &done["title"]),
        (&json!(true), &json!("Buy oats"))
    );
    let copy = fixture.send("POST", "/todos/2/copy", NONE, "");
    assert_eq!(
        (copy.status, copy.value()),
        (201, json!({"title": "Call Bob", "userId": 1, "id": 4}))
    );
    fixture.delete("/todos/4/now").status_is(200);
    fixture.get("/todos/4").status_is(404);
    let address = fixture.address();
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(move || {
                let reply = Client::connect(address).send("POST", "/todos/1/like", NONE, "");
                assert_eq!(reply.status, 200);
            });
        }
    });
    assert_eq!(fixture.get("/todos/1").value()["likes"], 20);
    let signed = fixture.json("POST", "/sign-up", r#"{"name": "Eve"}"#);
    assert_eq!(
        (signed.status, signed.value()),
        (201, json!({"user": "Eve"}))
    );
    assert_eq!(fixture.data()["users"][2], json!({"name": "Eve", "id": 3}));
    assert_eq!(fixture.get("/todos?title=Welcome").value()[0]["userId"], 3);
    assert_eq!(fixture.get("/settings").value()["last"], "Eve");
    // The target can be a single object.
    let light = fixture.json("POST", "/settings/light", "{}");
    assert_eq!(
        (light.status, &light.value()["theme"]),
        (200, &json!("light"))
    );
    let list = fixture
        .json("POST", "/list", "[1]")
        .problem(500, "template");
    has(list["detail"].as_str().unwrap(), "not an object: [1]");
    let before = fixture.data();
    fixture
        .send("POST", "/half", NONE, "")
        .problem(404, "no-record");
    assert_eq!(fixture.data(), before);
    assert_eq!(fixture.get("/users/1").value()["name"], "Ada");
    fixture
        .json("POST", "/list", "[1")
        .problem(400, "malformed-json");
    // With a query, actions are for all records that it selects, and without one for none.
    fixture
        .json("POST", "/tidy/all", "{}")
        .problem(405, "method");
    let before = fixture.get("/todos").list().len();
    let open = fixture.get("/todos?done=false&userId=1").list().len();
    let tidy = fixture.json("POST", "/tidy?title=Old&user=1", "{}").value();
    let left = tidy["left"].as_array().unwrap();
    assert_eq!(left.len(), before - open, "{tidy}");
    assert!(
        left.iter()
            .filter(|one| one["done"] == true)
            .all(|one| one["title"] == "Old"),
        "{tidy}"
    );
}

/// What a client sends stays one segment of the path, or one value of the query.
#[test]
fn values_in_the_path_of_an_action_are_encoded() {
    let fixture = rules(
        r#"{
        "POST /drop": {"delete": true, "to": "/users/{{ body.name }}"},
        "POST /drop-named": {"delete": true, "to": "/users?name={{ body.name }}"},
        "POST /rename": {"patch": {"name": "X"}, "to": "{{ body.path }}"}
    }"#,
    );
    let before = fixture.text();
    let send = |path: &str, body: Value| {
        let headers = [("Content-Type", "application/json")];
        fixture.send("POST", path, &headers, body.to_string())
    };
    for name in ["?id_gte=1", "1/../?id_gte=1", "#", "%3Fid_gte=1"] {
        send("/drop", json!({"name": name})).status_is(404);
    }
    send("/drop-named", json!({"name": "nobody&id_gte=1"}));
    assert_eq!(fixture.text(), before);
    send("/rename", json!({"path": "/users/1"})).status_is(200);
    assert_eq!(fixture.get("/users/1").value()["name"], "X");
}

#[test]
fn a_custom_response_without_a_body_is_sent_unchanged() {
    let fixture = rules(r#"{"GET /bad": {"status": 400}, "GET /long": {"status": 414}}"#);
    for (path, status) in [("/bad", 400), ("/long", 414)] {
        let reply = fixture.get(path);
        assert_eq!((reply.status, reply.text()), (status, ""), "{path}");
    }
}

#[test]
fn rules_set_modes_of_post_put_and_bulk_changes() {
    let fixture = rules(
        r#"{"POST /users": {"store": false}, "PUT /todos/:id": {"upsert": true}, "/todos": {"bulk": true}}"#,
    );
    let reply = fixture.json("POST", "/users", r#"{"name": "Eve"}"#);
    assert_eq!(
        (reply.status, reply.value()),
        (201, json!({"name": "Eve", "id": 3}))
    );
    fixture.get("/users/3").status_is(404);
    let put = |status| {
        let reply = fixture.json("PUT", "/todos/7", r#"{"title": "New"}"#);
        assert_eq!(
            (reply.status, reply.value()),
            (status, json!({"title": "New", "id": 7}))
        );
    };
    put(201);
    put(200);
    let patched = fixture
        .json("PATCH", "/todos?done=true", r#"{"seen": 1}"#)
        .value();
    assert_eq!(patched.as_array().unwrap().len(), 2);
    assert_eq!(fixture.get("/todos?seen=1").list().len(), 2);
    for path in ["/todos", "/todos?_sort=id", "/todos?_delay=0"] {
        fixture
            .json("PATCH", path, r#"{"seen": 1}"#)
            .problem(400, "bad-query");
        fixture.delete(path).problem(400, "bad-query");
    }
    let gone = fixture.delete("/todos?done=true").value();
    assert_eq!(gone.as_array().unwrap().len(), 2);
    assert_eq!(fixture.get("/todos").list().len(), 2);
    fixture
        .json("PATCH", "/users?id=1", "{}")
        .problem(405, "method");
}

#[test]
fn an_array_adds_many_records_or_none() {
    let fixture = Fixture::new(
        r#"{"users": [{"id": 1, "email": "ada@example.com", "firstName": "Ada", "lastName": "L"}]}"#,
        Some(RULES),
        |_| {},
    );
    let user = |email: &str| json!({"firstName": "A", "lastName": "B", "email": email});
    let send = |users: &[Value]| fixture.json("POST", "/users", &json!(users).to_string());
    let reply = send(&[user("b@example.com"), user("c@example.com")]);
    assert_eq!(reply.status, 201);
    let ids: Vec<_> = reply.list().iter().map(|user| user["id"].clone()).collect();
    assert_eq!(ids, [2, 3]);
    let before = fixture.text();
    let problem = send(&[user("d@example.com"), json!({"firstName": "X"})]).problem(400, "rules");
    assert!(
        problem["errors"][0]["pointer"]
            .as_str()
            .unwrap()
            .starts_with("/1"),
        "{problem:#}"
    );
    send(&[user("d@example.com"), user("d@example.com")]).problem(409, "not-unique");
    fixture
        .json("POST", "/users", "[{}, 5]")
        .problem(400, "not-an-object");
    fixture
        .json("PUT", "/users/1", "[{}]")
        .problem(400, "not-an-object");
    send(&[]).problem(400, "not-an-object");
    assert_eq!(fixture.text(), before);
}

#[test]
fn a_post_is_repeated_with_its_key() {
    let fixture =
        rules(r#"{"POST /users": {"fail": {"abort": true, "when": "after", "times": 1}}}"#);
    let post = |key: &str, body: &str| {
        let headers = [
            ("Content-Type", "application/json"),
            ("Idempotency-Key", key),
        ];
        fixture.send("POST", "/users", &headers, body)
    };
    let body = r#"{"name": "Eve"}"#;
    let mut client = fixture.client();
    client.write(format!("POST /users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: \"k1\"\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    assert!(client.is_closed(), "the acknowledgement is lost");
    for key in ["\"k1\"", "k1"] {
        let again = post(key, body);
        assert_eq!(
            (again.status, again.value()["id"].as_i64()),
            (201, Some(3)),
            "{key}"
        );
        assert_eq!(again.header("location"), Some("/users/3"));
    }
    assert_eq!(fixture.data()["users"].as_array().unwrap().len(), 3);
    post("k1", r#"{"name": "Bob"}"#).problem(422, "key-reused");
    assert_eq!(post("k2", body).value()["id"], 4);
    // A refused write can be repeated with the same key.
    post("k3", "{").problem(400, "malformed-json");
    assert_eq!(post("k3", body).status, 201);
}

#[test]
fn a_key_whose_request_is_running_is_busy() {
    let fixture = rules(r#"{"POST /users": {"post": {"name": "Eve"}, "delay": 1}}"#);
    let address = fixture.address();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(move || {
                    let headers = [("Idempotency-Key", "same")];
                    Client::connect(address)
                        .send("POST", "/users", &headers, "")
                        .status
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(statuses.contains(&201), "{statuses:?}");
    assert!(
        statuses.iter().all(|status| [201, 409].contains(status)),
        "{statuses:?}"
    );
    assert_eq!(fixture.data()["users"].as_array().unwrap().len(), 3);
}

#[test]
fn a_key_is_busy_while_its_request_waits() {
    let fixture = rules(r#"{"POST /users": {"delay": 1000}}"#);
    let address = fixture.address();
    let post = |key: &str| {
        let headers = [
            ("Idempotency-Key", key),
            ("Content-Type", "application/json"),
        ];
        let reply = Client::connect(address).send("POST", "/users", &headers, "{}");
        (reply.status, reply.text().to_string())
    };
    let mut round = 0;
    // On a busy machine, one may arrive when the other is done.
    let (key, first) = until("two requests at once", || {
        round += 1;
        let key = round.to_string();
        let mut both: Vec<_> = std::thread::scope(|scope| {
            let all = [scope.spawn(|| post(&key)), scope.spawn(|| post(&key))];
            all.map(|one| one.join().unwrap()).into()
        });
        both.sort();
        (both[1].0 == 409).then(|| (key, both.swap_remove(0)))
    });
    assert_eq!(first.0, 201);
    assert_eq!(post(&key), first);
}

#[test]
fn guards_of_all_matching_rules_apply() {
    let fixture = rules(
        r#"{"* /admin/**": {"guard": "token:t0k3n"}, "GET /admin/stats": {"body": {"n": "{{ count('users') }}"}}}"#,
    );
    fixture.get("/admin/stats").problem(401, "unauthorized");
    fixture.get("/ADMIN/stats").problem(401, "unauthorized");
    let headers = [("Authorization", "Bearer t0k3n")];
    assert_eq!(
        fixture.send("GET", "/admin/stats", &headers, "").value(),
        json!({"n": 2})
    );
}

#[test]
fn preflights_allow_the_headers_of_rules() {
    let fixture = serve_data(DATA);
    let asked = "prefer, idempotency-key, authorization";
    let headers = [
        ("Origin", "http://localhost:5173"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", asked),
    ];
    let reply = fixture.send("OPTIONS", "/users", &headers, "");
    assert_eq!(reply.header("access-control-allow-headers"), Some(asked));
}

#[test]
fn a_hang_ends_when_the_client_goes() {
    let fixture = rules_with(r#"{"GET /users": {"fail": {"hang": true}}}"#, |options| {
        options.limits.connections = 1
    });
    let mut hanging = fixture.client();
    hanging.write("GET /users HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let entry = fixture.entry(|entry| entry.target == "/users");
    has(entry.note.unwrap(), "left without a response");
    assert!(!hanging.has_answer());
    drop(hanging);
    // The only connection is free again.
    fixture.get("/todos/1").status_is(200);
}

#[test]
fn a_hang_ends_at_a_stop_and_does_not_hold_it_up() {
    let mut fixture = rules_with(
        r#"{"GET /users": {"fail": {"hang": true}},
            "POST /users": {"fail": {"hang": true, "when": "after"}}}"#,
        |options| options.limits.grace = DEADLINE * 2,
    );
    let mut reading = fixture.client();
    reading.write("GET /users HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut writing = fixture.client();
    writing.write("POST /users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"name\":\"Eve\"}");
    for method in ["GET", "POST"] {
        fixture.entry(|entry| entry.method == method);
    }
    assert!(!reading.has_answer() && !writing.has_answer());
    let start = Instant::now();
    fixture.stop();
    assert!(start.elapsed() < DEADLINE, "{:?}", start.elapsed());
    assert!(reading.is_closed() && writing.is_closed());
    assert_eq!(fixture.data()["users"][2]["name"], "Eve", "it is saved");
}

#[test]
fn a_body_over_the_limit_is_a_413_for_custom_responses_and_actions_too() {
    let rules = r#"{"POST /echo": {"body": "{{ body.x|length }}"}, "POST /users/:id/clear": {"delete": null}}"#;
    let fixture = rules_with(rules, |options| options.http.body_limit = 1000);
    let large = json!({ "x": "a".repeat(2000) }).to_string();
    for path in ["/echo", "/users/2/clear"] {
        fixture.json("POST", path, &large).problem(413, "too-large");
    }
    assert_eq!(fixture.json("POST", "/echo", r#"{"x": "abc"}"#).value(), 3);
    assert_eq!(fixture.get("/users/2").status, 200);
}
