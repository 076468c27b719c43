//! The OpenAPI document as it is served and printed.

use std::process::Command;

use serde_json::Value;

use crate::support::*;

#[test]
fn the_document_describes_every_resource_and_follows_the_data() {
    let fixture = serve();
    let reply = fixture.get("/-/openapi.json");
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("application/json; charset=utf-8"))
    );
    let document = reply.value();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    for (path, verbs) in [
        ("/users", &["get", "post"][..]),
        ("/users/{id}", &["get", "put", "patch", "delete"]),
        ("/profile", &["get", "put", "post", "patch"]),
        ("/version", &["get"]),
        ("/a%2Fb", &["get", "post"]),
        (
            "/it%27s%20%22quoted%22/{id}",
            &["get", "put", "patch", "delete"],
        ),
        ("/db", &["get"]),
    ] {
        for verb in verbs {
            assert!(paths[path][verb]["responses"].is_object(), "{verb} {path}");
        }
    }
    assert_eq!(
        document["components"]["schemas"]["NewUser"]["required"][2],
        "email"
    );
    let new = "{\"lastName\": \"A\", \"firstName\": \"B\", \"email\": \"a@b.cd\", \"shoe\": 42}";
    fixture.json("POST", "/users", new).status_is(201);
    let parameters =
        &fixture.get("/-/openapi.json").value()["paths"]["/users"]["get"]["parameters"];
    let names: Vec<_> = parameters
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"shoe"), "{names:?}");
}

/// Every body that is an example is accepted, and every filter works as the document spells it.
#[test]
fn every_example_and_every_filter_is_accepted() {
    let fixture = serve();
    let document = fixture.get("/-/openapi.json").value();
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        if !path.contains('{') {
            for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                let operators = parameter["schema"]["properties"].as_object();
                for operator in operators.into_iter().flatten().map(|(name, _)| name) {
                    let url = format!("{path}?{}=1", encode(&format!("{name}[{operator}]")));
                    let reply = fixture.get(&url);
                    assert_eq!(
                        (reply.status, reply.header("x-hint")),
                        (200, None),
                        "{url}: {}",
                        reply.text()
                    );
                    tried += 1;
                }
            }
        }
        let body = &item["post"]["requestBody"]["content"]["application/json"]["example"];
        if body.is_object() && path != "/users" {
            let reply = fixture.json("POST", path, &body.to_string());
            assert_eq!(reply.status, 201, "{path} {}", reply.text());
            tried += 1;
        }
    }
    assert!(tried > 40, "{tried}");
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// `views[gte]=5` has the meaning of `views_gte=5`; a field that has such a name comes first.
#[test]
fn brackets_hold_operators() {
    let fixture = serve_data(
        r#"{"posts": [{"id": 1, "views": 3, "by": {"gte": "x"}}, {"id": 2, "views": 7, "by": {"gte": "y"}}]}"#,
    );
    for (query, ids) in [
        ("views[gte]=5", "[2]"),
        ("views[gte]=3&views[lt]=7", "[1]"),
        ("views%5Bne%5D=3", "[2]"),
        ("views[in]=3,7", "[1,2]"),
        ("by[gte]=x", "[1]"),
        ("by.gte[startsWith]=Y", "[2]"),
        ("id[]=1&id[]=2", "[1,2]"),
        ("id[0]=1", "[1]"),
    ] {
        let found = fixture.get(&format!("/posts?{query}")).value();
        let found: Vec<_> = found
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["id"])
            .collect();
        assert_eq!(serde_json::to_string(&found).unwrap(), ids, "{query}");
    }
}

/// Every status that the errors of the API have is in the document of the operation.
#[test]
fn errors_are_described() {
    let fixture = serve();
    let document = fixture.get("/-/openapi.json").value();
    let responses = |path: &str, verb: &str| document["paths"][path][verb]["responses"].clone();
    for (method, url, body, path) in [
        ("POST", "/users", "{", "/users"),
        (
            "POST",
            "/users",
            "{\"lastName\": \"A\", \"firstName\": \"B\", \"email\": \"zoe@example.com\"}",
            "/users",
        ),
        ("GET", "/users?_page=x", "", "/users"),
        ("GET", "/users/77", "", "/users/{id}"),
        ("PATCH", "/users/1", "{\"email\": 5}", "/users/{id}"),
        ("DELETE", "/users/77", "", "/users/{id}"),
    ] {
        let reply = fixture.json(method, url, body);
        let described = &responses(path, &method.to_lowercase())[reply.status.to_string()];
        assert!(
            described["content"]["application/problem+json"].is_object(),
            "{method} {url} {}",
            reply.status
        );
    }
}

#[test]
fn the_command_prints_what_the_server_serves() {
    let fixture = serve();
    let output = Command::new(env!("CARGO_BIN_EXE_standin"))
        .arg("openapi")
        .arg(fixture.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, fixture.get("/-/openapi.json").value());
    let output = Command::new(env!("CARGO_BIN_EXE_standin"))
        .args(["openapi", "nowhere.json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere.json"));
}
