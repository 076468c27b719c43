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
    let names = column(parameters, "name");
    assert!(names.contains(&"shoe".into()), "{names:?}");
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

/// `views[gte]=5` means `views_gte=5`; a field with that name takes precedence.
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
        let found = Value::from(column(&found, "id"));
        assert_eq!(found.to_string(), ids, "{query}");
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
    has(String::from_utf8_lossy(&output.stderr), "nowhere.json");
}

#[test]
fn the_document_has_what_the_routes_file_says() {
    let routes = r#"{
      "/api/*": "/$1",
      "GET /stats": { "body": { "open": 2 } },
      "POST /todos/:id/done": { "patch": { "done": true } },
      "POST /todos/:id/copy": { "post": { "title": "{{ body.title }}" }, "to": "/todos" },
      "GET /old": { "redirect": "/todos" },
      "GET /hello/:name": { "status": 203, "body": "Hello {{ params.name }}" },
      "PUT /todos/:id": { "upsert": true },
      "* /todos": { "bulk": true },
      "DELETE /todos/:id": { "guard": "key:X-Api-Key" },
      "GET /todos": { "limit": "10/minute", "fail": { "status": 418, "chance": 0.1 } },
      "* /users/**": { "guard": "token:abc" },
      "GET /tree/**": { "body": 1 }
    }"#;
    let routes = standin::RoutesFile::parse(routes).unwrap();
    let data = r#"{"users": [{"id": 1, "name": "Ada"}], "todos": [{"id": 1, "title": "a", "done": false, "userId": 1}]}"#;
    let fixture = Fixture::new(data, None, |options| {
        options.http.routes = Some(std::sync::Arc::new(standin::Routes::new(routes)));
    });
    let document = fixture.get("/-/openapi.json").value();
    let paths = &document["paths"];
    let stats = &paths["/stats"]["get"]["responses"]["200"]["content"]["application/json"];
    assert_eq!(stats["example"]["open"], 2, "{paths}");
    assert!(paths["/todos/{id}/done"]["post"]["responses"]["200"].is_object());
    assert_eq!(paths["/todos/{id}/done"]["parameters"][0]["name"], "id");
    assert!(paths["/todos/{id}/copy"]["post"]["responses"]["201"].is_object());
    assert!(paths["/old"]["get"]["responses"]["302"].is_object());
    assert!(paths["/hello/{name}"]["get"]["responses"]["203"].is_object());
    assert!(paths["/todos/{id}"]["put"]["responses"]["201"].is_object());
    for verb in ["patch", "delete"] {
        let bulk = &paths["/todos"][verb];
        assert!(
            bulk["responses"]["200"].is_object() && bulk["parameters"].is_array(),
            "{verb}"
        );
    }
    for status in ["200", "418", "429"] {
        assert!(
            paths["/todos"]["get"]["responses"][status].is_object(),
            "{status}"
        );
    }
    let guarded = &paths["/todos/{id}"]["delete"];
    assert_eq!(
        guarded["security"][0]["key-x-api-key"],
        serde_json::json!([])
    );
    assert!(paths["/todos/{id}"]["get"]["security"].is_null());
    for path in ["/users", "/users/{id}", "/users/{id}/todos"] {
        let read = &paths[path]["get"];
        assert_eq!(
            read["security"][0]["token"],
            serde_json::json!([]),
            "{path}"
        );
        assert!(read["responses"]["401"].is_object(), "{path}");
    }
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["key-x-api-key"]["in"], "header");
    let body = &paths["/todos"]["post"]["requestBody"]["description"];
    has(body.as_str().unwrap(), "An array of records");
    let items = paths.as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    let ids: Vec<_> = operations
        .filter_map(|one| one["operationId"].as_str())
        .collect();
    let unique: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
}
