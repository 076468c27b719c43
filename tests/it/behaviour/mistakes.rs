//! Mistakes in the routes file, reported when it is loaded.

use super::*;

#[test]
fn a_broken_routes_file_names_the_place_and_the_right_word() {
    for (text, place, message, hint) in [
        (
            r#"{"GET /x": {"staus": 200}}"#,
            "1:13",
            "unknown key \"staus\"",
            "did you mean \"status\"?",
        ),
        (
            r#"{"GET /x": {"fail": {"stats": 5}}}"#,
            "1:22",
            "unknown key \"stats\"",
            "\"status\"",
        ),
        (
            r#"{"GTE /x": {}}"#,
            "1:2",
            "\"GTE\" is not a method",
            "GET /x",
        ),
        (r#"{"GET x": {}}"#, "1:2", "slash", "GET /x"),
        (
            r#"{"GET /x": {"body": "{{ 1 + }}"}}"#,
            "1:2",
            "{{ 1 + }}",
            "",
        ),
        (r#"{"GET /x": {"body": "{{ 1"}}"#, "1:21", "without }}", ""),
        (
            r#"{"GET /x": {"body": "{{ 5 }} {{ bodi.a }}"}}"#,
            "1:33",
            "bodi",
            "\"body\"",
        ),
        (
            r#"{"GET /x": {"body": "{{ cout('users') }}"}}"#,
            "1:25",
            "cout",
            "\"count\"",
        ),
        (
            r#"{"GET /x/:id": {"body": "{{ params.idd }}"}}"#,
            "1:36",
            "no parameter \"idd\"",
            "did you mean \"id\"?",
        ),
        (
            r#"{"GET /x/:id": {"body": ["a {{ 1 + params['ib'] }}"]}}"#,
            "1:43",
            "no parameter \"ib\"",
            "did you mean \"id\"?",
        ),
        (
            r#"{"GET /x/:a/:b": {"redirect": "/{{ params.c }}"}}"#,
            "1:43",
            "no parameter",
            "the path has \"a\" and \"b\"",
        ),
        (
            r#"{"GET /x/*": {"headers": {"X": "{{ params.name }}"}, "body": 1}}"#,
            "1:43",
            "no parameter",
            "\"/users/:name\"",
        ),
        (
            r#"{"POST /x/:id": {"patch": {"a": "{{ params.idx }}"}, "to": "/x/1"}}"#,
            "1:44",
            "no parameter",
            "\"id\"",
        ),
        (
            r#"{"POST /x/:id": {"patch": {}, "to": "/x/{{ params.di }}"}}"#,
            "1:51",
            "no parameter",
            "\"id\"",
        ),
        (
            r#"{"POST /x/:id": {"actions": [{"post": {"a": "{{ params.xid }}"}, "to": "/x"}]}}"#,
            "1:56",
            "no parameter",
            "\"id\"",
        ),
        (
            r#"{"GET /x/:id": {"fail": {"status": 500, "body": "{{ params.ids }}"}}}"#,
            "1:60",
            "no parameter",
            "\"id\"",
        ),
        (
            r#"{"GET /x": {"body": "{{ result.id }}"}}"#,
            "1:25",
            "no `result`",
            "a previous action",
        ),
        (
            r#"{"GET /x": {"body": "{{ headers['X-A'] }}"}}"#,
            "1:33",
            "lower case",
            "did you mean \"x-a\"?",
        ),
        (
            r#"{"POST /x": {"actions": [{"post": {"a": "{{ result.id }}"}, "to": "/x"}, {"post": {"a": "{{ result.id }}"}, "to": "/x"}], "body": "{{ result }}"}}"#,
            "1:45",
            "no `result`",
            "a previous action",
        ),
        (
            r#"{"POST /x": {"post": {}, "to": "/x", "body": "{{ result }}", "headers": {"X": "{{ result.id }}"}}}"#,
            "1:83",
            "no `result`",
            "a previous action",
        ),
        (r#"{"GET /x": {"delay": "soon"}}"#, "1:22", "soon", ""),
        (r#"{"GET /x": {"limit": "many"}}"#, "1:22", "10/minute", ""),
        (
            r#"{"GET /x": {"fail": {"chance": 2}}}"#,
            "1:32",
            "from 0 to 1",
            "",
        ),
        (
            r#"{"GET /x": {"status": 99}}"#,
            "1:23",
            "from 200 to 599",
            "",
        ),
        (
            r#"{"GET /x": {"body": 1, "file": "a"}}"#,
            "1:12",
            "two responses",
            "",
        ),
        (
            r#"{"GET /-/health": {"body": 1}}"#,
            "1:2",
            "below /-/ are the server's own",
            "",
        ),
        (
            r#"{"GET /x/:a": {"body": 1}, "GET /x/:b": {"body": 2}}"#,
            "1:41",
            "never used",
            "",
        ),
        (
            r#"{"GET /x": [{"body": 1}, {"match": {"query": {"a": "1"}}, "body": 2}]}"#,
            "1:26",
            "never used",
            "",
        ),
        (
            r#"{"/api/*": "/$1", "GET /api/x": {"body": 1}}"#,
            "1:19",
            "rewrite",
            "rewritten path",
        ),
        (
            r#"{"GET /x": {"to": "/y"}}"#,
            "1:13",
            "without an action",
            "",
        ),
        (
            r#"{"GET /x": {"body": 1}, "GET /x": {"delay": 1}}"#,
            "1:25",
            "twice",
            "",
        ),
        (r#"{"profil": "x"}"#, "1:2", "profil", "\"profile\""),
        (
            r#"{"GET /x": {"limit": "1/minut"}}"#,
            "1:22",
            "did you mean \"minute\"?",
            "",
        ),
        (
            r#"{"GET /x": {"fail": {"abort": true, "hang": true}}}"#,
            "1:21",
            "either",
            "",
        ),
        (
            r#"{"GET /x": {"headers": {"X": "a\nb"}, "body": 1}}"#,
            "1:30",
            "control character",
            "",
        ),
        (
            r#"{"GET /x": {"redirect": "a\nb"}}"#,
            "1:25",
            "control character",
            "",
        ),
        (
            r#"{"GET /x": {"headers": {"Content-Length": "5"}, "body": 1}}"#,
            "1:25",
            "itself",
            "",
        ),
        (
            r#"{"GET /x": {"bulk": true}}"#,
            "1:12",
            "bulk is for PATCH or DELETE",
            "",
        ),
        (
            r#"{"PUT /x": {"store": false}}"#,
            "1:12",
            "store is for POST",
            "",
        ),
        (
            r#"{"POST /x": {"upsert": true}}"#,
            "1:13",
            "upsert is for PUT",
            "",
        ),
        (
            r#"{"POST /x": {"actions": []}}"#,
            "1:25",
            "array of objects",
            "",
        ),
        (
            r#"{"POST /x": {"post": {}, "to": "users"}}"#,
            "1:32",
            "a path such as",
            "",
        ),
    ] {
        let error = RoutesFile::parse(text).unwrap_err();
        assert!(
            error.place.unwrap().to_string().starts_with(place),
            "{text}: {error}"
        );
        assert!(error.message.contains(message), "{text}: {error}");
        assert!(
            error.hint.as_deref().unwrap_or_default().contains(hint),
            "{text}: {error:?}"
        );
    }
}

#[test]
fn a_guard_without_users_is_an_error_at_start() {
    for guard in ["user", "owner", "role:admin", "basic", "640"] {
        let text = format!("{{\n  \"GET /stats\": {{ \"guard\": \"{guard}\", \"body\": 1 }}\n}}");
        let place = place(&[("db.json", DATA), ("db.routes.json", &text)]);
        let errors = place.fails(&["db.json", "--port", "0"]);
        assert!(
            errors.starts_with("error: db.routes.json:2:28: "),
            "{errors}"
        );
        has(&errors, "needs users");
        has(&errors, "x-auth");
    }
    let text = r#"{"GET /stats": {"guard": "key:X-Key", "body": 1}}"#;
    let place = place(&[("db.json", DATA), ("db.routes.json", text)]);
    let running = place.start(&["db.json", "--port", "0"]);
    let mut client = running.client();
    client
        .send("GET", "/stats", &[("X-Key", "1")], "")
        .status_is(200);
}

#[test]
fn a_guard_without_users_keeps_the_old_rules_on_reload() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("routes.json");
    let old = r#"{"GET /stats": {"body": 1}}"#;
    std::fs::write(&path, old).unwrap();
    let fixture = rules_with(old, |options| options.routes = Some(path.clone()));
    std::fs::write(&path, r#"{"GET /stats": {"guard": "user", "body": 2}}"#).unwrap();
    let (_, message) = fixture.notice(|notice| match notice {
        standin::Notice::RoutesBroken(message) => Some(message.clone()),
        _ => None,
    });
    has(&message, "routes.json:1:26: ");
    has(&message, "needs users");
    assert_eq!(fixture.get("/stats").value(), 1);
}

#[test]
fn an_expression_that_cannot_work_is_an_error_when_it_is_read() {
    for (expression, word, hint) in [
        ("body.email | uper", "uper", "did you mean \"upper\"?"),
        (
            "body.email is defned",
            "defned",
            "did you mean \"defined\"?",
        ),
        ("bdoy.email", "bdoy", "did you mean \"body\"?"),
        ("cuont('users')", "cuont", "did you mean \"count\"?"),
        ("record('users')", "record", ""),
        ("random(1)", "random", ""),
        ("random(1, 2, 3)", "random", ""),
        ("uuid(4)", "uuid", ""),
        ("now | upper(1)", "upper", ""),
        ("body.list | sort(revers=true)", "sort", ""),
        (
            "body.list | map('uper') | list",
            "'uper'",
            "did you mean \"upper\"?",
        ),
        ("body.list | select('od')", "'od'", "did you mean \"odd\"?"),
        (
            "count('users', done=false) | flaot",
            "flaot",
            "did you mean \"float\"?",
        ),
    ] {
        let text = format!("{{\n  \"GET /a\": {{ \"body\": \"{{{{ {expression} }}}}\" }}\n}}");
        let error = RoutesFile::parse(&text).expect_err(expression);
        let line = text.lines().nth(1).unwrap();
        let column = line.find(word).unwrap() + 1;
        assert_eq!(
            error.place.map(|place| (place.line, place.column)),
            Some((2, column)),
            "{expression}: {error}"
        );
        assert_eq!(
            error.hint.clone().unwrap_or_default(),
            hint,
            "{expression}: {error}"
        );
    }
    for expression in [
        "body.a | default('x') | upper",
        "random(1, 2.5)",
        "body.list | map('upper') | select('odd') | selectattr('price', '>', 5) | list",
        "records('users', _sort='-id', done=true) | map(attribute='name') | join(', ')",
        "(user or {}).name",
        "record('users', params.id).name | length > 2 and now is string",
    ] {
        let text = format!("{{\"GET /a/:id\": {{ \"body\": \"{{{{ {expression} }}}}\" }} }}");
        RoutesFile::parse(&text).unwrap_or_else(|error| panic!("{expression}: {error}"));
    }
}
