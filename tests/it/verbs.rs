//! Every verb on everything that a data file can hold.

use crate::support::*;

const PETS: &str = r#"{
  "pets": [
    {
      "name": "Rex",
      "tags": {
        "a": 1,
        "b": 2
      },
      "id": 1
    },
    {
      "id": 2,
      "name": "Tom",
      "weight": 1.5
    }
  ],
  "profile": {
    "name": "typicode",
    "theme": {
      "dark": true,
      "size": 12
    }
  },
  "version": 3,
  "nothing": null
}
"#;

#[test]
fn a_collection_and_its_records_take_every_verb() {
    let fixture = serve_data(PETS);
    hold(
        &fixture,
        JSON,
        r#"
        GET /pets/1
            200 {"name": "Rex", "tags": {"a": 1, "b": 2}, "id": 1}
        # json-server's order: what the body has, then the id.
        POST /pets {"name": "Kit"}
            201 {"name": "Kit", "id": 3}
        GET /pets/3
            200 {"name": "Kit", "id": 3}
        # PUT replaces all but the id.
        PUT /pets/3 {"age": 2}
            200 {"age": 2, "id": 3}
        PUT /pets/3 {"id": 9, "age": 3}
            200 {"id": 3, "age": 3}
        GET /pets/9
            404 ~ #no-record
        # PATCH is one level deep; null is a value; the id stays where it is.
        PATCH /pets/1 {"tags": {"c": 3}}
            200 {"name": "Rex", "tags": {"c": 3}, "id": 1}
        PATCH /pets/1 {"id": 5, "name": null, "new": [1]}
            200 {"name": null, "tags": {"c": 3}, "id": 1, "new": [1]}
        PATCH /pets/1 {}
            200 {"name": null, "tags": {"c": 3}, "id": 1, "new": [1]}
        # DELETE answers with an empty object, once.
        DELETE /pets/1
            200 {}
        DELETE /pets/1
            404 ~ #no-record
        GET /pets/1
            404 ~ #no-record
        PUT /pets/1 {}
            404 ~ #no-record
        PATCH /pets/1 {}
            404 ~ #no-record
        GET /pets
            200 [{"id": 2, "name": "Tom", "weight": 1.5}, {"id": 3, "age": 3}]
        GET /pets/
            200 ~ Tom
        "#,
    );
}

#[test]
fn numbers_are_sent_as_they_are_spelt_in_the_file() {
    let fixture =
        serve_data("{\"a\": [{\"id\": 1, \"n\": 1.50, \"m\": 12345678901234567890, \"e\": 1E3}]}");
    let reply = fixture.get("/a/1");
    assert_eq!(
        reply.text(),
        "{\n  \"id\": 1,\n  \"n\": 1.50,\n  \"m\": 12345678901234567890,\n  \"e\": 1E3\n}"
    );
    let reply = fixture.json("POST", "/a", "{\"n\":1.0,\"e\":-0.0e-7}");
    assert_eq!(
        reply.text(),
        "{\n  \"n\": 1.0,\n  \"e\": -0.0e-7,\n  \"id\": 2\n}"
    );
}

#[test]
fn a_merge_patch_is_the_one_of_rfc_7396() {
    let fixture = serve_data(PETS);
    hold(
        &fixture,
        MERGE_PATCH,
        r#"
        PATCH /pets/1 {"tags": {"b": null, "c": {"d": 1, "e": null}}}
            200 {"name": "Rex", "tags": {"a": 1, "c": {"d": 1}}, "id": 1}
        PATCH /pets/1 {"name": null, "gone": null}
            200 {"tags": {"a": 1, "c": {"d": 1}}, "id": 1}
        PATCH /pets/1 {"tags": [1]}
            200 {"tags": [1], "id": 1}
        PATCH /pets/1 {"tags": {"x": 1}}
            200 {"tags": {"x": 1}, "id": 1}
        PATCH /profile {"theme": {"dark": null}}
            200 {"name": "typicode", "theme": {"size": 12}}
        "#,
    );
}

#[test]
fn a_merge_patch_can_neither_remove_nor_move_the_id() {
    let fixture = serve_data(PETS);
    let record = r#"{"id": 2, "name": "Tom", "weight": 1.5}"#;
    for body in [r#"{"id": null}"#, r#"{"id": 7}"#, r#"{"id": {"a": 1}}"#] {
        for headers in [MERGE_PATCH, JSON] {
            let reply = fixture.send("PATCH", "/pets/2", headers, body);
            let value: serde_json::Value = serde_json::from_str(record).unwrap();
            assert_eq!(reply.text(), format!("{value:#}"), "{body}");
        }
    }
    assert_eq!(fixture.text(), PETS);
}

#[test]
fn a_single_object_can_be_read_replaced_and_changed() {
    let fixture = serve_data(PETS);
    hold(
        &fixture,
        JSON,
        r#"
        GET /profile
            200 {"name": "typicode", "theme": {"dark": true, "size": 12}}
        PATCH /profile {"theme": {}}
            200 {"name": "typicode", "theme": {}}
        PUT /profile {"a": [1, {}]}
            200 {"a": [1, {}]}
        GET /profile
            200 {"a": [1, {}]}
        POST /profile {"b": 2}
            201 {"b": 2}
        DELETE /profile
            405 ~ #method
        GET /profile/1
            404 ~ #no-resource
        "#,
    );
    assert_eq!(fixture.data()["profile"], serde_json::json!({"b": 2}));
}

#[test]
fn a_value_can_be_read_and_not_changed() {
    let fixture = serve_data(PETS);
    hold(
        &fixture,
        JSON,
        r#"
        GET /version
            200 3
        GET /nothing
            200 null
        "#,
    );
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let reply = fixture.json(method, "/version", "{}");
        reply.problem(405, "method");
        assert_eq!(
            reply.header("allow"),
            Some("GET, HEAD, OPTIONS"),
            "{method}"
        );
    }
    assert_eq!(fixture.text(), PETS);
}

#[test]
fn db_returns_all_data() {
    let fixture = serve_data(PETS);
    assert_eq!(fixture.get("/db").text(), PETS.trim_end());
    fixture.json("POST", "/db", "{}").problem(405, "method");
    // Generated ids are included.
    let fixture = serve_data("{\"a\":[{\"n\":1}],\"b\":{},\"c\":[]}");
    assert_eq!(
        fixture.get("/db").text(),
        format!(
            "{:#}",
            serde_json::json!({"a": [{"n": 1, "id": 1}], "b": {}, "c": []})
        )
    );
}

#[test]
fn the_wrong_verb_is_a_405_that_says_what_is_allowed() {
    let fixture = serve_data(PETS);
    for (method, path, allow) in [
        ("PUT", "/pets", "GET, HEAD, POST, OPTIONS"),
        ("PATCH", "/pets", "GET, HEAD, POST, OPTIONS"),
        ("DELETE", "/pets", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/pets/1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("DELETE", "/profile", "GET, HEAD, POST, PUT, PATCH, OPTIONS"),
        ("POST", "/", "GET, HEAD, OPTIONS"),
        ("DELETE", "/db", "GET, HEAD, OPTIONS"),
        ("TRACE", "/pets", "GET, HEAD, POST, OPTIONS"),
    ] {
        let reply = fixture.json(method, path, "{\"a\": 1}");
        reply.problem(405, "method");
        assert_eq!(reply.header("allow"), Some(allow), "{method} {path}");
        // OPTIONS lists the same methods.
        let options = fixture.send("OPTIONS", path, NONE, "");
        assert_eq!(
            (options.status, options.header("allow")),
            (204, Some(allow)),
            "{path}"
        );
    }
    fixture
        .send("BREW", "/pets", NONE, "")
        .problem(501, "not-supported");
    assert_eq!(fixture.text(), PETS);
}

#[test]
fn head_is_get_without_the_body() {
    let fixture = serve();
    let mut client = fixture.client();
    for path in [
        "/",
        "/db",
        "/users",
        "/users/1",
        "/users/7",
        "/profile",
        "/version",
        "/nobody",
        "/-/errors",
    ] {
        let get = client.get(path);
        // On one connection: a body after HEAD would be read as the next response.
        let head = client.send("HEAD", path, NONE, "");
        // `Date` may differ by a second.
        let headers = |reply: &Reply| {
            let mut headers = reply.headers.clone();
            headers.retain(|(name, _)| name != "date");
            headers
        };
        assert_eq!(
            (head.status, headers(&head)),
            (get.status, headers(&get)),
            "{path}"
        );
        assert_eq!(
            get.header("content-length"),
            Some(get.body.len().to_string().as_str()),
            "{path}"
        );
        assert!(!get.body.is_empty(), "{path}");
    }
}

#[test]
fn a_browser_may_ask_before_a_request_from_another_origin() {
    let fixture = serve();
    let asked = [
        ("Origin", "http://localhost:5173"),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "content-type,x-own"),
    ];
    let reply = fixture.send("OPTIONS", "/users", &asked, "");
    assert_eq!((reply.status, reply.text()), (204, ""));
    assert_eq!(
        reply.header("access-control-allow-origin"),
        Some("http://localhost:5173")
    );
    assert_eq!(
        reply.header("access-control-allow-headers"),
        Some("content-type,x-own")
    );
    for method in ["PUT", "PATCH", "POST", "DELETE"] {
        has(
            reply.header("access-control-allow-methods").unwrap(),
            method,
        );
    }
    let reply = fixture.send("GET", "/users", &asked[..1], "");
    assert_eq!(
        reply.header("access-control-allow-origin"),
        Some("http://localhost:5173")
    );
    has(reply.header("vary").unwrap(), "Origin");
}

#[test]
fn a_known_entity_tag_saves_the_body() {
    let fixture = serve();
    let tag = fixture.get("/users/1").header("etag").unwrap().to_string();
    let known = [("If-None-Match", tag.as_str())];
    let reply = fixture.send("GET", "/users/1", &known, "");
    assert_eq!(
        (reply.status, reply.text(), reply.header("etag")),
        (304, "", Some(tag.as_str()))
    );
    fixture
        .json("PATCH", "/users/1", "{\"firstName\": \"Zoe\"}")
        .status_is(200);
    fixture.send("GET", "/users/1", &known, "").status_is(200);
}

#[test]
fn conditions_hold_for_lists_of_tags_and_for_writes() {
    let fixture = serve_data(PETS);
    let tag = fixture.get("/pets/1").header("etag").unwrap().to_string();
    let send = |method, headers: Headers, body| {
        fixture
            .send(method, "/pets/1", &[JSON, headers].concat(), body)
            .status
    };
    let both = [("If-None-Match", "\"x\""), ("If-None-Match", tag.as_str())];
    assert_eq!(send("GET", &both, ""), 304, "the second line counts");
    assert_eq!(
        send("GET", &[both[1], ("Cache-Control", "no-cache")], ""),
        304,
        "the client has said what it has"
    );
    assert_eq!(send("GET", &[("If-Match", "\"x\"")], ""), 412);
    assert_eq!(
        send(
            "HEAD",
            &[("If-Match", "\"x\""), ("If-Match", tag.as_str())],
            ""
        ),
        200
    );
    let before = fixture.text();
    for condition in [
        &[("If-None-Match", "*")][..],
        &both,
        &[("If-Match", "\"x\""), ("If-Match", "\"y\"")],
    ] {
        for (method, body) in [
            ("PUT", "{\"name\": \"x\"}"),
            ("PATCH", "{\"name\": \"x\"}"),
            ("DELETE", ""),
        ] {
            let reply = fixture.send(method, "/pets/1", &[JSON, condition].concat(), body);
            reply.problem(412, "changed");
        }
    }
    assert_eq!(fixture.text(), before);
    let put = |headers: Headers| send("PUT", headers, "{\"name\": \"x\"}");
    assert_eq!(
        put(&[("If-Match", "\"x\""), ("If-Match", tag.as_str())]),
        200,
        "the second line counts"
    );
    assert_eq!(put(&[("If-None-Match", "\"x\"")]), 200);
    fixture
        .send("PUT", "/pets/77", &[JSON[0], ("If-None-Match", "*")], "{}")
        .problem(404, "no-record");
}

#[test]
fn a_static_file_is_sent_again_only_when_it_is_another() {
    let folder = folder_with(&[("a.txt", "0123456789"), ("a.json", "{}")]);
    let fixture = Fixture::new(PETS, None, |options| {
        options.http.folder = Some(folder.path().to_path_buf())
    });
    let first = fixture.get("/a.txt");
    let (tag, date) = (
        first.header("etag").unwrap(),
        first.header("last-modified").unwrap(),
    );
    let (past, future) = (
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Fri, 06 Nov 2093 08:49:37 GMT",
    );
    for (headers, status) in [
        (&[("If-Modified-Since", date)][..], 304),
        (&[("If-Modified-Since", future)], 304),
        (&[("If-Modified-Since", past)], 200),
        (&[("If-Modified-Since", "yesterday")], 200),
        // An entity tag takes precedence (RFC 9110, 13.1.3).
        (
            &[("If-Modified-Since", future), ("If-None-Match", "\"x\"")],
            200,
        ),
        (&[("If-None-Match", tag), ("If-Modified-Since", past)], 304),
        (&[("If-Match", tag)], 200),
        (&[("If-Match", "*")], 200),
        (&[("If-Match", "\"x\"")], 412),
        (&[("If-Unmodified-Since", date)], 200),
        (&[("If-Unmodified-Since", past)], 412),
        (&[("If-Unmodified-Since", past), ("If-Match", tag)], 200),
        (&[("Range", "bytes=0-3")], 206),
        (&[("Range", "bytes=0-3"), ("If-None-Match", tag)], 304),
        (&[("Range", "bytes=50-"), ("If-None-Match", tag)], 304),
        (&[("Range", "bytes=0-3"), ("If-Range", tag)], 206),
        (&[("Range", "bytes=0-3"), ("If-Range", date)], 206),
        (&[("Range", "bytes=0-3"), ("If-Range", past)], 200),
    ] {
        let reply = fixture.send("GET", "/a.txt", headers, "");
        assert_eq!(reply.status, status, "{headers:?}");
        match status {
            304 => assert_eq!((reply.text(), reply.header("etag")), ("", Some(tag))),
            412 => drop(reply.problem(412, "changed")),
            _ => assert_eq!(
                reply.text(),
                &"0123456789"[..if status == 206 { 4 } else { 10 }]
            ),
        }
    }
    assert_eq!(
        fixture.get("/a.json").header("content-type"),
        Some("application/json; charset=utf-8")
    );
}

#[test]
fn a_page_from_the_internet_may_request_private_network_access() {
    let fixture = Fixture::new(PETS, None, |options| {
        options.http.origins = vec![standin::AllowedOrigin::Any]
    });
    let asks = ("Access-Control-Request-Private-Network", "true");
    let preflight = [
        ("Origin", "https://app.example"),
        ("Access-Control-Request-Method", "PUT"),
    ];
    let reply = fixture.send(
        "OPTIONS",
        "/pets/1",
        &[preflight[0], preflight[1], asks],
        "",
    );
    assert_eq!(
        reply.header("access-control-allow-private-network"),
        Some("true")
    );
    let reply = fixture.send("OPTIONS", "/pets/1", &preflight, "");
    assert_eq!(reply.header("access-control-allow-private-network"), None);
    let fixture = Fixture::new(PETS, None, |options| options.http.cors = false);
    let reply = fixture.send(
        "OPTIONS",
        "/pets/1",
        &[preflight[0], preflight[1], asks],
        "",
    );
    assert_eq!(reply.header("access-control-allow-private-network"), None);
}

const ANNE: &str =
    r#"{"lastName": "A", "firstName": "Anne", "email": "anne@example.com", "id": 1}"#;

#[test]
fn rules_and_uniqueness_hold_for_put_and_patch_and_nothing_collides_with_itself() {
    let bob = ANNE.replace("nne", "bob").replace("\"id\": 1", "\"id\": 2");
    let fixture = serve_with_rules(&format!("{{\"users\": [{ANNE}, {bob}]}}"));
    let before = fixture.text();
    hold(
        &fixture,
        JSON,
        r#"
        PUT /users/1 {"lastName": "A"}
            400 ~ /email
        PUT /users/1 {}
            400 ~ /lastName
        PUT /users/1 []
            400 ~ #not-an-object
        PUT /users/1 {
            400 ~ #malformed-json
        PATCH /users/1
            400 ~ #empty-body
        PUT /users/1
            400 ~ #empty-body
        PATCH /users/1 {"email": 1}
            400 ~ /email
        PATCH /users/1 {"email": "nowhere"}
            400 ~ e-mail
        PATCH /users/1 {"firstName": null}
            400 ~ /firstName
        PATCH /users/1 {"email": "ABOB@example.com"}
            409 ~ #not-unique
        PUT /users/1 {"lastName": "A", "firstName": "B", "email": "Abob@Example.com"}
            409 ~ #not-unique
        "#,
    );
    hold(&fixture, FORM, "PUT /users/1 a=b\n400 ~ #content-type");
    hold(&fixture, NONE, "PUT /users/1 {}\n400 ~ #content-type");
    hold(
        &fixture,
        MERGE_PATCH,
        r#"
        PATCH /users/1 {"firstName": null}
            400 ~ /firstName
        PATCH /users/1 {"email": "ABOB@example.com"}
            409 ~ #not-unique
        "#,
    );
    // All refused writes above leave the file unchanged; the next ones compare the record with itself.
    for (method, headers, body) in [
        ("PUT", JSON, ANNE),
        ("PATCH", JSON, r#"{"email": "anne@example.com"}"#),
        ("PATCH", MERGE_PATCH, r#"{"email": "anne@example.com"}"#),
    ] {
        let request = format!("{method} /users/1 {body}\n200 {ANNE}");
        hold(&fixture, headers, &request);
    }
    assert_eq!(fixture.text(), before);
    // A change of case in its own address is allowed; the old address is then free for others, in any case.
    hold(
        &fixture,
        JSON,
        r#"
        PATCH /users/1 {"email": "ANNE@example.com"}
            200 ~ ANNE@example.com
        PATCH /users/2 {"email": "anne@example.com"}
            409 ~ #not-unique
        PATCH /users/1 {"email": "new@example.com"}
            200 ~ new@example.com
        PATCH /users/2 {"email": "anne@example.com"}
            200 ~ anne@example.com
        DELETE /users/2
            200 {}
        PATCH /users/1 {"email": "anne@example.com"}
            200 ~ anne@example.com
        "#,
    );
}

#[test]
fn a_resource_without_rules_is_as_lenient_as_json_server() {
    let fixture = serve_data(PETS);
    hold(
        &fixture,
        FORM,
        r#"
        POST /pets name=Kit+Cat&tag=a&tag=%C3%BC
            201 {"name": "Kit Cat", "tag": ["a", "ü"], "id": 3}
        POST /pets {"name": "Kit"}
            400 ~ application/x-www-form-urlencoded
        POST /pets name=%zz
            400 ~ #body-encoding
        "#,
    );
    hold(&fixture, NONE, "POST /pets\n201 {\"id\": 4}");
    hold(&fixture, JSON, "POST /pets\n201 {\"id\": 5}");
}

#[test]
fn hostile_names_work_like_other_names() {
    let mut fixture = serve();
    for (path, name) in [
        ("/it's%20%22quoted%22", "it's \"quoted\""),
        ("/line%0Abreak", "line\nbreak"),
        ("/a%2Fb", "a/b"),
        ("/100%25", "100%"),
        ("/with%20space", "with space"),
        ("/%E2%98%83%20%F0%9F%99%82", "☃ 🙂"),
        ("/__proto__", "__proto__"),
    ] {
        let body = r#"{"__proto__": {"a": 1}, "it's \"q\"\n": "\u0000\ud83d\ude00", "constructor": null, "ü": "%2F"}"#;
        let reply = fixture.json("POST", path, body);
        assert_eq!(reply.status, 201, "{path}: {}", reply.text());
        let location = reply.header("location").unwrap().to_string();
        assert!(location.starts_with(&format!("{path}/")), "{location}");
        assert_eq!(fixture.get(&location).text(), reply.text());
        assert_eq!(
            fixture.data()[name].as_array().unwrap().last(),
            Some(&reply.value())
        );
        assert_eq!(
            fixture
                .json("PATCH", &location, r#"{"__proto__": 2}"#)
                .value()["__proto__"],
            2
        );
        let put = fixture.json("PUT", &location, body);
        assert_eq!((put.status, put.value()), (200, reply.value()));
        fixture.json("PUT", path, "{}").problem(405, "method");
        assert_eq!(
            fixture
                .get(&format!("{path}/none%2Fhere%20%22"))
                .problem(404, "no-record")["status"],
            404
        );
    }
    // A record whose id has a slash and a space.
    let path = "/it's%20%22quoted%22/a%2Fb%20c";
    assert_eq!(fixture.get(path).value()["n"], 1);
    assert_eq!(fixture.json("PATCH", path, "{\"n\": 2}").value()["n"], 2);
    assert_eq!(fixture.delete(path).text(), "{}");
    let text = fixture.text();
    let all = fixture.get("/db");
    assert_eq!(all.value(), fixture.data());
    fixture.restart();
    assert_eq!(fixture.get("/db").text(), all.text());
    assert_eq!(fixture.text(), text);
}

#[test]
fn schema_is_for_the_editor_and_not_served() {
    let fixture = serve();
    fixture.get("/$schema").problem(404, "no-resource");
    fixture.get("/%24schema").problem(404, "no-resource");
}

#[test]
fn the_home_page_leads_to_every_resource() {
    let fixture = serve();
    let page = fixture.get("/");
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let text = page.text();
    lacks(text, "$schema");
    let links: Vec<_> = text
        .split("href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(links.len() >= 11, "{links:?}");
    for link in links.into_iter().filter(|link| !link.starts_with('#')) {
        let link = link
            .replace("&amp;", "&")
            .replace("&#39;", "'")
            .replace("&quot;", "\"");
        assert_eq!(fixture.get(&link).status, 200, "{link}");
    }
}
