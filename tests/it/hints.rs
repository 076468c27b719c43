//! Valid requests that are probably not what was meant: a hint suggests the right one, never a redirect.

use crate::support::*;

#[track_caller]
fn hinted(fixture: &Fixture, path: &str, words: &[&str]) {
    let reply = fixture.get(path);
    assert_eq!(reply.status, 200, "{path}");
    let hint = reply.header("x-hint").unwrap_or_default();
    for word in words {
        assert!(hint.contains(word), "{path}: {word} is not in {hint:?}");
    }
}

/// Asserts that the 404 for `path` suggests `led`, and that its command works.
#[track_caller]
fn leads(fixture: &Fixture, path: &str, led: &str) {
    let problem = fixture.get(path).problem(404, "no-resource");
    assert!(
        problem["hint"].as_str().unwrap().contains(led),
        "{path}: {led} is not in {problem:#}"
    );
    assert_eq!(fixture.attempt(&problem).status, 200, "{path}: {problem:#}");
}

#[test]
fn names_of_other_apis_lead_to_ours() {
    let fixture = serve_data(r#"{"c":[{"id":1},{"id":2}],"d":[{"id":1,"page":7,"order":1}]}"#);
    for (query, words) in [
        ("limit=1", &["_limit=1"][..]),
        ("page=1&per_page=5", &["_page=1", "_per_page=5"]),
        ("page=1&perPage=5", &["_per_page=5"]),
        ("_page=1&page_size=1", &["_per_page=1"]),
        ("_page=1&_pageSize=1", &["_per_page=1"]),
        ("sort=id&order=desc", &["_sort=id", "_order=desc"]),
        ("sort_by=id", &["_sort=id"]),
        ("offset=5", &["_start=5"]),
        ("search=x%20y", &["q=x"]),
        ("_order=desc", &["_order", "_sort"]),
        ("_sort=id&_order=descending", &["_order=desc"]),
        ("_sort=id&_order=ascending", &["_order=asc"]),
    ] {
        hinted(&fixture, &format!("/c?{query}"), words);
    }
    for path in [
        "/d?page=7",
        "/d?order=1",
        "/c?_sort=id&_order=DESC",
        "/c?_sort=id,id&_order=asc,desc",
    ] {
        assert_eq!(fixture.get(path).header("x-hint"), None, "{path}");
    }
}

#[test]
fn deep_paths_lead_to_what_is_there() {
    let fixture = serve_data(
        r#"{"posts":[{"id":1}],"comments":[{"id":1,"postId":1},{"id":9,"postId":1}],
            "likes":[{"id":1,"commentId":1}],"profile":{"name":"x"}}"#,
    );
    for (path, led) in [
        ("/posts/1/comments/1", "/comments/1"),
        ("/posts/1/comments/77", "would be at /comments/77"),
        ("/posts/1/comments/1/likes", "/comments/1/likes"),
        ("/posts/1/comments/1/likes/1", "/likes/1"),
        ("/posts/1/coments", "/posts/1/comments"),
        ("/posts/1/nothing", "/posts/1/comments"),
        ("/likes/1/nothing", "point to likes"),
        ("/posts/1/x/y/z/u", "/posts/ID"),
        ("/profile/name", "/profile"),
        ("//posts", "too many: /posts"),
        ("/posts//1", "too many: /posts/1"),
        ("///posts//1///comments/", "too many: /posts/1/comments"),
        ("/post//1", "did you mean /posts"),
    ] {
        leads(&fixture, path, led);
    }
}

#[test]
fn relations_of_relations_are_explained() {
    let fixture = serve_data(
        r#"{"garages":[{"id":1}],"cars":[{"id":1,"garageId":1}],"passengers":[{"id":1,"carId":1}]}"#,
    );
    hinted(
        &fixture,
        "/garages?_embed=cars&_embed=passengers",
        &["\"garageId\"", "/cars?_embed=passengers"],
    );
    hinted(
        &fixture,
        "/garages/1/passengers",
        &["/cars?_embed=passengers"],
    );
    leads(
        &fixture,
        "/garages/1/cars/1/passengers",
        "/cars/1/passengers",
    );
}

#[test]
fn ids_under_another_name_are_recognised() {
    let fixture = serve_data(
        r#"{"items":[{"_id":"5f1","n":1}],"books":[{"id":1,"isbnId":"x"}],"keys":[{"key":"k"}]}"#,
    );
    for (path, option) in [
        ("/items/5f1", "--id _id"),
        ("/books/x", "--id isbnId"),
        ("/keys/k", "--id key"),
    ] {
        let problem = fixture.get(path).problem(404, "no-record");
        assert!(
            problem["hint"].as_str().unwrap().contains(option),
            "{path}: {problem:#}"
        );
    }
    assert_eq!(
        fixture.get("/items/77").problem(404, "no-record")["hint"],
        "the only id is 1"
    );
    // A foreign key is not an id.
    let fixture = serve_data(
        r#"{"users":[{"id":7}],"teams":[],"posts":[{"id":1,"userId":7},{"id":3,"team_id":9}]}"#,
    );
    for path in ["/posts/7", "/posts/9"] {
        let problem = fixture.get(path).problem(404, "no-record");
        assert_eq!(problem["hint"], "existing ids: 1 and 3", "{path}");
    }
}

#[test]
fn plain_values_have_no_addresses() {
    let fixture = serve_data(r#"{"tags":["a","b"]}"#);
    assert_eq!(fixture.get("/tags").value(), serde_json::json!(["a", "b"]));
    let problem = fixture.get("/tags/1").problem(404, "no-record");
    has(problem["hint"].as_str().unwrap(), "plain values");
    let made = fixture.json("POST", "/tags", r#"{"n":1}"#);
    assert_eq!(made.status, 201);
    assert!(
        made.header("x-hint")
            .is_some_and(|hint| hint.contains("plain values")),
        "{made:?}"
    );
}

#[test]
fn a_json_patch_is_refused_with_what_to_send() {
    let fixture = serve_data(r#"{"p":[{"id":"d","v":[{"id":1}]}]}"#);
    let patch = r#"[{"op":"add","path":"/v/-","value":{"id":2}}]"#;
    let headers = [("Content-Type", "application/json-patch+json")];
    let problem = fixture
        .send("PATCH", "/p/d", &headers, patch)
        .problem(415, "media");
    has(problem["hint"].as_str().unwrap(), "merge");
    assert_eq!(fixture.attempt(&problem).status, 200);
}

#[test]
fn letters_outside_ascii_are_readable() {
    let fixture = serve_data(r#"{"straßen":[{"id":1,"größe":1,"имя":"a","100%":1}]}"#);
    for (query, field) in [
        ("gr%C3%B6sse=1", "größe"),
        ("%D0%B8%D0%BC%D0%B0=1", "имя"),
        ("100=1", "100%"),
    ] {
        let reply = fixture.get(&format!("/stra%C3%9Fen?{query}"));
        let hint = reply.header("x-hint").unwrap();
        assert!(
            hint.is_ascii() && hint.contains("no record has a field"),
            "{hint}"
        );
        let raw: Vec<u8> = percent_decoded(hint);
        let raw = String::from_utf8(raw).unwrap();
        has(&raw, field);
        let entry = fixture.entry(|_| true);
        assert_eq!(
            entry.note.as_deref(),
            Some(raw.as_str()),
            "the log has the letters themselves"
        );
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        out.push(if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
        } else {
            byte
        });
    }
    out
}

#[test]
fn names_with_slashes_are_reached_by_their_plain_path() {
    let fixture = serve_data(
        r#"{"foo":{"n":"x"},"foo/bar":{"n":"y"},"a":[{"id":1},{"id":"b"}],"a/b":[{"id":7}],"/lead":[{"id":1}],
            "api/v1/customer":[{"id":2,"name":"z"}],"api/v1/orders":[{"id":5,"customerId":2}]}"#,
    );
    hold(
        &fixture,
        JSON,
        r#"
        GET /foo
            200 {"n":"x"}
        GET /foo/bar
            200 {"n":"y"}
        GET /foo%2Fbar
            200 {"n":"y"}
        GET /api/v1/customer
            200 [{"id":2,"name":"z"}]
        GET /api/v1/customer/2
            200 {"id":2,"name":"z"}
        GET /api%2Fv1%2Fcustomer/2
            200 {"id":2,"name":"z"}
        GET /api/v1/customer/2/api/v1/orders
            200 [{"id":5,"customerId":2}]
        PATCH /api/v1/customer/2 {"name":"y"}
            200 {"id":2,"name":"y"}
        POST /api/v1/customer/2/api/v1/orders {}
            201 {"customerId":2,"id":6}
        DELETE /api/v1/customer/2
            200 {}
        GET /api/v1/orders
            200 []
        # The longest name wins.
        GET /a/b
            200 [{"id":7}]
        GET /a/1
            200 {"id":1}
        GET /lead/1
            200 {"id":1}
        GET /api/v1/custom
            404 ~ /api%2Fv1%2Fcustomer
        "#,
    );
}
