//! Errors teach: what is wrong, where, and a command that works.

use serde_json::Value;

use crate::support::*;

const PAGE: &str = include_str!("../../docs/errors.md");

struct Failure {
    kind: &'static str,
    status: u16,
    method: &'static str,
    url: &'static str,
    headers: Headers<'static>,
    body: &'static str,
}

/// A request for every kind of problem that a single request can cause.
fn failures() -> impl Iterator<Item = Failure> {
    let taken = r#"{"lastName": "B", "firstName": "C", "email": "ZOE@example.com"}"#;
    let free = r#"{"lastName": "B", "firstName": "C", "email": "b@example.com", "id": 1}"#;
    let bad_id = r#"{"lastName": "B", "firstName": "C", "email": "b@example.com", "id": {}}"#;
    let failures = [
        ("malformed-json", 400, "POST", "/users", JSON, "{\"a\": 1,}"),
        ("empty-body", 400, "POST", "/users", JSON, ""),
        ("not-an-object", 400, "POST", "/users", JSON, "[1]"),
        ("content-type", 400, "POST", "/users", FORM, "{\"a\": 1}"),
        ("body-encoding", 400, "POST", "/with%20space", FORM, "a=%zz"),
        ("rules", 400, "POST", "/users", JSON, "{\"email\": 7}"),
        ("bad-id", 400, "POST", "/users", JSON, bad_id),
        ("bad-target", 400, "GET", "/users/%zz", NONE, ""),
        ("no-resource", 404, "GET", "/user", NONE, ""),
        ("no-record", 404, "GET", "/users/77", NONE, ""),
        ("method", 405, "DELETE", "/users", NONE, ""),
        ("not-unique", 409, "POST", "/users", JSON, taken),
        ("id-taken", 409, "POST", "/users", JSON, free),
        ("not-supported", 501, "BREW", "/users", NONE, ""),
    ];
    let failure = |(kind, status, method, url, headers, body)| Failure {
        kind,
        status,
        method,
        url,
        headers,
        body,
    };
    failures.into_iter().map(failure)
}

#[test]
fn every_kind_has_its_section_in_the_page_and_every_section_its_kind() {
    let sections: Vec<_> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    let kinds: Vec<_> = standin::internals::problems::KINDS
        .iter()
        .map(|kind| kind.name)
        .collect();
    assert_eq!(sections, kinds, "in one order, too");
    for kind in standin::internals::problems::KINDS {
        let section = PAGE
            .split(&format!("\n## {}\n\n", kind.name))
            .nth(1)
            .unwrap();
        assert!(
            section.starts_with(&format!("Status {}. ", kind.status)),
            "{} begins with its status",
            kind.name
        );
    }
    let fixture = serve();
    let markdown = |path| {
        fixture
            .send("GET", path, &[("Accept", "text/markdown")], "")
            .text()
            .to_string()
    };
    assert_eq!(markdown("/-/errors"), PAGE);
    let section = markdown("/-/errors/not-unique");
    assert!(
        section.starts_with("## not-unique") && !section.contains("## referenced"),
        "{section}"
    );
}

/// The `type` of every problem leads to a page for browsers.
#[test]
fn the_error_reference_is_html_with_an_anchor_for_each_kind() {
    let fixture = serve();
    for accept in ["*/*", "text/html,application/xhtml+xml,*/*;q=0.8"] {
        let page = fixture.send("GET", "/-/errors", &[("Accept", accept)], "");
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, Some("text/html; charset=utf-8"))
        );
        assert!(
            page.header("vary")
                .is_some_and(|vary| vary.contains("Accept"))
        );
        for kind in standin::internals::problems::KINDS {
            let anchor = format!("<section id=\"{}\">", kind.name);
            assert!(page.text().contains(&anchor), "{}", kind.name);
            let alone = fixture.get(&format!("/-/errors/{}", kind.name));
            assert_eq!(alone.status, 200);
            assert!(
                alone.text().contains(&anchor) && alone.text().matches("<section").count() == 1
            );
        }
        assert!(
            !page.text().contains(".md\""),
            "no link to a page that is not here"
        );
    }
    let problem = fixture
        .get("/-/errors/not-uniqe")
        .problem(404, "no-resource");
    has(problem["hint"].as_str().unwrap(), "/-/errors/not-unique");
}

#[test]
fn every_error_is_a_problem_document_that_allowed_origins_may_read() {
    let fixture = serve();
    let before = fixture.text();
    for failure in failures() {
        let kind = failure.kind;
        let mut headers = failure.headers.to_vec();
        headers.push(("Origin", "http://localhost:5173"));
        let reply = fixture.send(failure.method, failure.url, &headers, failure.body);
        let problem = reply.problem(failure.status, kind);
        let known = standin::internals::problems::KINDS
            .iter()
            .find(|known| known.name == kind)
            .unwrap();
        assert_eq!(problem["title"], known.title);
        assert_eq!(known.status, failure.status);
        assert_eq!(
            reply.header("access-control-allow-origin"),
            Some("http://localhost:5173"),
            "{kind}"
        );
        assert_eq!(
            reply.text(),
            format!("{problem:#}"),
            "{kind} is printed for people"
        );
        let members = ["type", "title", "status", "detail", "errors", "hint", "try"];
        assert!(
            problem
                .as_object()
                .unwrap()
                .keys()
                .all(|name| members.contains(&name.as_str())),
            "{problem:#}"
        );
        for error in problem["errors"].as_array().into_iter().flatten() {
            let pointer = error["pointer"].as_str().unwrap();
            assert!(
                pointer.is_empty() || pointer.starts_with('/'),
                "{problem:#}"
            );
            assert!(
                error["detail"]
                    .as_str()
                    .is_some_and(|detail| !detail.is_empty()),
                "{problem:#}"
            );
        }
    }
    assert_eq!(fixture.text(), before);
}

#[test]
fn the_command_of_an_error_works_when_it_is_sent() {
    for failure in failures() {
        let kind = failure.kind;
        let fixture = serve();
        let problem = fixture
            .send(failure.method, failure.url, failure.headers, failure.body)
            .value();
        if problem["try"].is_null() {
            // For an invalid id or escape there is no command, just the hint.
            assert!(["bad-id", "bad-target"].contains(&kind), "{problem:#}");
            assert!(problem["hint"].is_string(), "{problem:#}");
            continue;
        }
        let reply = fixture.attempt(&problem);
        assert!(matches!(reply.status, 200 | 201), "{problem:#}\n{reply:?}");
    }
}

#[test]
fn a_command_quotes_whatever_the_request_had_in_it() {
    let fixture = serve();
    let hostile = r#"{"lastName": "O'Brien $HOME `id` \\ !\" {a,b} [1-3]", "firstName": "Zoë\n🙂 'x' ", "email": "o@x.org"}"#;
    let problem = fixture
        .send("POST", "/users", FORM, hostile)
        .problem(400, "content-type");
    let reply = fixture.attempt(&problem);
    reply.status_is(201);
    let sent: Value = serde_json::from_str(hostile).unwrap();
    assert_eq!(reply.value()["lastName"], sent["lastName"]);
    assert_eq!(reply.value()["firstName"], sent["firstName"]);
    // The same to a name that needs escapes in the URL.
    for path in [
        "/it's%20%22quoted%22",
        "/line%0Abreak",
        "/a%2Fb",
        "/%E2%98%83%20%F0%9F%99%82",
        "/100%25",
    ] {
        let problem = fixture
            .send("POST", path, FORM, hostile)
            .problem(400, "content-type");
        assert_eq!(fixture.attempt(&problem).status, 201, "{problem:#}");
        for (method, path) in [
            ("DELETE", path.to_string()),
            ("GET", format!("{path}/x%20y")),
            ("GET", format!("{path}/1/2/3")),
        ] {
            let problem = fixture.send(method, &path, NONE, "").value();
            assert_eq!(fixture.attempt(&problem).status, 200, "{problem:#}");
        }
    }
}

#[test]
fn the_command_works_again_after_it_has_worked_once() {
    let fixture = serve();
    for _ in 0..3 {
        let problem = fixture.json("POST", "/users", "{}").problem(400, "rules");
        let reply = fixture.attempt(&problem);
        assert_eq!(reply.status, 201, "{problem:#}\n{}", reply.text());
    }
}

#[test]
fn malformed_json_gives_line_column_and_what_was_expected() {
    let fixture = serve();
    for (body, place, expected, hint) in [
        (
            "{\n  \"lastName\": \"M\",\n}",
            "line 3, column 1",
            "another property after the comma, found `}`",
            "remove the comma",
        ),
        (
            "{\"a\": \"ü\" \"b\": 2}",
            "line 1, column 11",
            "expected `,` or `}`",
            "a comma is missing",
        ),
        (
            "{'a': 1}",
            "line 1, column 2",
            "a property name in double quotes",
            "double quotes",
        ),
        ("{\"a\": “b”}", "line 1, column 7", "a value", "typographic"),
        (
            "{\"a\": 1",
            "line 1, column 8",
            "the end of the text",
            "may be missing",
        ),
        ("{} {}", "line 1, column 4", "the end of the text", ""),
        (
            "{\"a\": // one\n1}",
            "line 1, column 7",
            "a value",
            "no comments",
        ),
    ] {
        let problem = fixture
            .json("POST", "/users", body)
            .problem(400, "malformed-json");
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains(place) && detail.contains(expected),
            "{body}: {problem:#}"
        );
        assert!(
            problem["hint"].as_str().unwrap_or("").contains(hint),
            "{body}: {problem:#}"
        );
    }
}

#[test]
fn json_that_curl_sent_as_a_form_shows_the_header_to_add() {
    let fixture = serve();
    let body = r#"{"lastName": "Meere", "firstName": "John", "email": "johnm@gmail.com"}"#;
    let problem = fixture
        .send("POST", "/users", FORM, body)
        .problem(400, "content-type");
    let words =
        "curl sent application/x-www-form-urlencoded; add -H \"Content-Type: application/json\"";
    assert_eq!(problem["hint"], words);
    let command = format!(
        "curl -X POST http://{}/users -H \"Content-Type: application/json\" -d '{body}'",
        fixture.address()
    );
    assert_eq!(problem["try"], command);
    let reply = fixture.attempt(&problem);
    assert_eq!(
        (reply.status, reply.header("location")),
        (201, Some("/users/2"))
    );
    // Without rules, too: json-server makes one property of the whole text.
    let problem = fixture
        .send("POST", "/with%20space", FORM, "{\"a\": 1}")
        .problem(400, "content-type");
    assert_eq!(problem["hint"], words);
    assert_eq!(fixture.attempt(&problem).value()["a"], 1);
}

#[test]
fn an_unknown_resource_says_which_one_was_probably_meant() {
    let fixture = serve();
    for (path, hint) in [
        ("/user", "did you mean /users?"),
        ("/usres", "did you mean /users?"),
        ("/user/1", "did you mean /users/1?"),
        ("/with%20spaces", "did you mean /with%20space?"),
        ("/a-b", "did you mean /a%2Fb?"),
        ("/profil", "did you mean /profile?"),
    ] {
        let body = r#"{"lastName": "B", "firstName": "C", "email": "b@x.org"}"#;
        let problem = fixture.json("POST", path, body).problem(404, "no-resource");
        assert_eq!(problem["hint"], hint);
        assert_eq!(fixture.attempt(&problem).status, 200);
    }
    let problem = fixture.get("/zebra").problem(404, "no-resource");
    has(problem["hint"].as_str().unwrap(), "/users");
    let problem = serve_data("{}").get("/users").problem(404, "no-resource");
    has(problem["hint"].as_str().unwrap(), "{\"users\": []}");
}

#[test]
fn an_unknown_id_lists_those_that_exist() {
    let fixture = serve();
    let problem = fixture.get("/users/2").problem(404, "no-record");
    assert_eq!(problem["detail"], "users has no record with the id 2");
    assert!(
        problem["hint"].as_str().unwrap().contains('1'),
        "{problem:#}"
    );
    assert_eq!(fixture.attempt(&problem).status, 200);
}

#[test]
fn all_missing_properties_are_listed_with_their_pointers() {
    let fixture = serve();
    let problem = fixture
        .json("POST", "/users", "{\"firstname\": 1, \"email\": \"x\"}")
        .problem(400, "rules");
    let found = column(&problem["errors"], "pointer");
    assert_eq!(found, ["/lastName", "/firstName", "/email"], "{problem:#}");
    let problem = fixture.json("POST", "/users", "{}").problem(400, "rules");
    let errors = problem["errors"].as_array().unwrap().iter();
    for (error, name) in errors.zip(["lastName", "firstName", "email"]) {
        assert_eq!(error["pointer"], format!("/{name}"));
        has(error["detail"].as_str().unwrap(), "is missing");
    }
    assert_eq!(problem["errors"].as_array().unwrap().len(), 3);
    assert_eq!(fixture.attempt(&problem).status, 201);
}

#[test]
fn a_duplicate_names_the_property_the_value_and_the_record() {
    let fixture = serve();
    let body = r#"{"lastName": "B", "firstName": "C", "email": "Zoe@Example.com"}"#;
    let problem = fixture
        .json("POST", "/users", body)
        .problem(409, "not-unique");
    let detail = problem["detail"].as_str().unwrap();
    has(detail, "email");
    has(detail, "\"Zoe@Example.com\"");
    has(detail, "users/1");
    assert_eq!(problem["errors"][0]["pointer"], "/email");
    let detail = problem["errors"][0]["detail"].as_str().unwrap();
    has(detail, "\"Zoe@Example.com\"");
    has(detail, "users/1");
    let record = fixture.attempt(&problem).value();
    assert_eq!(
        (&record["id"], &record["email"]),
        (&1.into(), &"zoe@example.com".into())
    );
}

#[test]
fn several_properties_that_are_unique_together_are_all_named() {
    let rules = r#"{"properties": {"songs": {"type": "array", "items": {"properties": {"name": {}, "album": {}}}, "uniqueItemProperties": [["name", "album"]]}}}"#;
    let data = r#"{"songs": [{"id": "x'y", "name": "A", "album": 1}]}"#;
    let fixture = Fixture::new(data, Some(rules), |_| {});
    for body in [
        r#"{"name": "A", "album": 2}"#,
        r#"{"name": "a", "album": 1}"#,
        r#"{"name": "A"}"#,
        r#"{"name": "A"}"#,
    ] {
        assert_eq!(fixture.json("POST", "/songs", body).status, 201, "{body}");
    }
    let problem = fixture
        .json("POST", "/songs", r#"{"name": "A", "album": 1}"#)
        .problem(409, "not-unique");
    let pointers = column(&problem["errors"], "pointer");
    assert_eq!(pointers, ["/name", "/album"], "{problem:#}");
    assert_eq!(fixture.attempt(&problem).value()["id"], "x'y");
}

#[test]
fn the_access_log_has_a_line_a_request_with_the_hint_under_an_error() {
    let fixture = serve();
    let mut client = fixture.client();
    let reply = client.get("/users?x=%20y");
    let entry = fixture.entry(|_| true);
    assert_eq!(
        (entry.method.as_str(), entry.target.as_str()),
        ("GET", "/users?x=%20y")
    );
    assert_eq!(
        (entry.status.as_u16(), entry.size),
        (reply.status, reply.body.len())
    );
    assert!(entry.time < DEADLINE);
    for failure in failures() {
        let kind = failure.kind;
        let reply = client.send(failure.method, failure.url, failure.headers, failure.body);
        let entry = fixture.entry(|_| true);
        let text = entry.note.unwrap_or_else(|| panic!("{kind} is reported"));
        let problem = reply.value();
        assert_eq!(
            (entry.method.as_str(), entry.target.as_str()),
            (failure.method, failure.url)
        );
        assert_eq!(
            (entry.status.as_u16(), entry.size),
            (failure.status, reply.body.len())
        );
        has(&text, problem["detail"].as_str().unwrap());
        assert!(
            text.contains(problem["hint"].as_str().unwrap_or("")),
            "{text}"
        );
        for error in problem["errors"].as_array().into_iter().flatten() {
            has(&text, error["pointer"].as_str().unwrap());
        }
    }
}

#[test]
fn a_bad_body_is_reported_by_byte_or_by_kind() {
    let fixture = serve();
    let problem = fixture
        .send("POST", "/users", JSON, b"{\"a\": \"\xff\"}")
        .problem(400, "body-encoding");
    has(problem["detail"].as_str().unwrap(), "byte 7");
    let problem = fixture
        .json("PUT", "/users/1", "[{}]")
        .problem(400, "not-an-object");
    has(problem["detail"].as_str().unwrap(), "an array");
    has(
        problem["hint"].as_str().unwrap(),
        "without the square brackets",
    );
    let problem = fixture
        .json("POST", "/users", "[]")
        .problem(400, "not-an-object");
    has(
        problem["hint"].as_str().unwrap(),
        "put records into the array",
    );
    // A byte order mark is not part of the JSON.
    let body = "\u{feff}{\"lastName\": \"B\", \"firstName\": \"C\", \"email\": \"b@x.org\"}";
    fixture.json("POST", "/users", body).status_is(201);
}

#[test]
fn a_body_that_is_nested_without_end_is_refused_and_one_at_the_limit_survives_a_restart() {
    let mut fixture = serve_data("{\"a\": []}");
    let nested = |depth: usize| format!("{{\"n\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
    for depth in [1_000, 100_000] {
        let problem = fixture
            .json("POST", "/a", &nested(depth))
            .problem(400, "nesting");
        has(problem["detail"].as_str().unwrap(), "deep");
    }
    let taken = (1..200)
        .take_while(|depth| fixture.json("POST", "/a", &nested(*depth)).status == 201)
        .count();
    assert!(taken > 50, "{taken}");
    fixture.restart();
    assert_eq!(fixture.get("/a").list().len(), taken);
}

#[test]
fn a_pattern_may_be_limited() {
    let fixture = Fixture::new("{\"a\": [{\"id\": 1, \"n\": \"xyz\"}]}", None, |options| {
        options.http.pattern_limit = 5
    });
    for query in ["n_like=x.*z", "n:like=xyz"] {
        assert_eq!(
            fixture.get(&format!("/a?{query}")).list().len(),
            1,
            "{query}"
        );
    }
    for query in [
        "n_like=x.*z.*",
        "n:like=xyzxyz",
        "id_like=1&n_like=(x|y)z",
        "n_like=x&n_like=(x|y)z",
        "n_like[]=xyzxyz",
        "n_like[0]=xyzxyz",
        "n_lik%65=xyzxyz",
        "n%5flike=xyzxyz",
        "n%3Alik%65=xyzxyz",
        "_where={\"n\":{\"like\":\"xyzxyz\"}}",
        "_where={\"or\":[{\"n\":{\"li\\u006be\":\"xyzxyz\"}}]}",
        "_%77here={\"and\":[{\"id\":1},{\"n\":{\"gt\":1,\"like\":\"xyzxyz\"}}]}",
    ] {
        let problem = fixture
            .get(&format!("/a?{query}"))
            .problem(400, "bad-query");
        assert_eq!(fixture.attempt(&problem).status, 200);
        has(problem["hint"].as_str().unwrap(), "--pattern-limit");
    }
}

#[test]
fn a_multipart_form_gets_a_hint_without_the_option_that_made_it() {
    let fixture = serve();
    let kind = [("Content-Type", "multipart/form-data; boundary=x")];
    let body = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n";
    let reply = fixture.send("POST", "/users", &kind, body);
    let problem = reply.problem(400, "content-type");
    has(problem["hint"].as_str().unwrap(), "-F sends a form");
    assert_eq!(fixture.attempt(&problem).status, 201);
}

#[test]
fn every_kind_of_problem_can_occur() {
    let mut met: Vec<&str> = failures().map(|failure| failure.kind).collect();
    let rules = r#"{"properties": {"posts": {"items": {"properties": {"userId": {"references": "users"}}}}}}"#;
    let fixture = Fixture::new(
        r#"{"posts": [{"id": 1}], "users": []}"#,
        Some(rules),
        |options| {
            options.http.hosts = Some(Vec::new());
            options.http.depth = 3;
            options.http.folder = options.file.parent().map(Into::into);
        },
    );
    let deep = "{\"a\": [[[1]]]}";
    let mut meet = |kind: &'static str, status, reply: Reply| {
        reply.problem(status, kind);
        met.push(kind);
    };
    meet("nesting", 400, fixture.json("POST", "/users", deep));
    meet(
        "reference",
        404,
        fixture.json("POST", "/posts", "{\"userId\": 5}"),
    );
    meet(
        "media",
        415,
        fixture.send(
            "POST",
            "/users",
            &[JSON[0], ("Content-Encoding", "br")],
            "{}",
        ),
    );
    meet(
        "changed",
        412,
        fixture.send(
            "PATCH",
            "/posts/1",
            &[JSON[0], ("If-Match", "\"x\"")],
            "{\"a\": 1}",
        ),
    );
    meet(
        "target-too-long",
        414,
        fixture.get(&format!("/users?q={}", "x".repeat(9_000))),
    );
    meet("bad-query", 400, fixture.get("/users?_where={"));
    let problem = fixture.get("/users?_where={").problem(400, "bad-query");
    assert_eq!(fixture.attempt(&problem).status, 200);
    meet(
        "range",
        416,
        fixture.send("GET", "/db.json", &[("Range", "bytes=5000-")], ""),
    );
    let mut client = fixture.client();
    client.write("GET /users HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    meet("foreign-host", 403, client.reply("GET"));
    meet(
        "foreign-origin",
        403,
        fixture.send("POST", "/posts", &[("Origin", "null")], "{}"),
    );
    meet(
        "admin",
        403,
        fixture.send("POST", "/-/reset", &[("Origin", "http://evil.example")], ""),
    );
    meet(
        "no-snapshot",
        404,
        fixture.send("POST", "/-/reset?snapshot=x", NONE, ""),
    );
    meet(
        "nothing-to-undo",
        409,
        fixture.send("POST", "/-/undo", NONE, ""),
    );
    let tree = r##"{"properties": {"trees": {"items": {"oneOf": [
        {"properties": {"a": {"$ref": "#/properties/trees/items"}, "b": {"type": "string"}}},
        {"properties": {"a": {"$ref": "#/properties/trees/items"}, "c": {"type": "string"}}}
    ]}}}}"##;
    let deep = |depth| format!("{}{{}}{}", "{\"a\": ".repeat(depth), "}".repeat(depth));
    let fixture = Fixture::new("{\"trees\": []}", Some(tree), |_| {});
    meet(
        "too-complex",
        400,
        fixture.json("POST", "/trees", &deep(60)),
    );
    fixture
        .json("POST", "/trees", &deep(1))
        .problem(400, "rules");
    // An edit of the file with such a record is not loaded.
    std::fs::write(fixture.path(), format!("{{\"trees\": [{}]}}", deep(60))).unwrap();
    // Until the edit is seen, the write is refused for its own error.
    fixture.notice(|notice| matches!(notice, standin::Notice::Broken(_)).then_some(()));
    let problem = fixture
        .json("POST", "/trees", "{}")
        .problem(503, "broken-file");
    has(
        problem["detail"].as_str().unwrap(),
        "takes too long to check",
    );
    let fixture = Fixture::new(
        r#"{"users": [{"id": 1}], "posts": [{"userId": 1}]}"#,
        None,
        |options| {
            options.on_delete = standin::OnDelete::Restrict;
        },
    );
    meet("referenced", 409, fixture.delete("/users/1"));
    let fixture = Fixture::new("{\"a\": []}", None, |options| options.http.read_only = true);
    meet("read-only", 403, fixture.json("POST", "/a", "{}"));
    // Those in other tests, and those that no request can cause.
    let elsewhere = [
        "bad-request",
        "timeout",
        "too-large",
        "headers-too-large",
        "unsaved",
        "broken-file",
        "login",
        "unauthorized",
        "forbidden",
        "profile",
        "query-time",
        "routes",
        "key-busy",
        "key-reused",
        "limit",
        "template",
        "fault",
    ];
    let never = ["bug", "stopping"];
    let missing: Vec<_> = standin::internals::problems::KINDS
        .iter()
        .map(|kind| kind.name)
        .filter(|name| !met.contains(name) && !elsewhere.contains(name) && !never.contains(name))
        .collect();
    assert!(missing.is_empty(), "no test meets {missing:?}");
}
