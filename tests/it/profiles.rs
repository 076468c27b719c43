//! Profiles: the envelopes, errors and statuses of other APIs, as their documentation shows them.

use std::sync::Arc;

use serde_json::{Value, json};
use standin::internals::http::Profile;

use crate::cli::place;
use crate::support::*;

const DATA: &str = r#"{
  "people": [
    { "firstName": "Ann", "age": 30, "id": 1 },
    { "firstName": "Ben", "age": 20, "id": 2 },
    { "firstName": "Cem", "age": 40, "id": 3 }
  ]
}
"#;

const RULES: &str = r#"{
  "properties": {
    "people": {
      "uniqueItemProperties": ["age"],
      "items": {
        "maxProperties": 4,
        "properties": { "firstName": { "type": "string" }, "age": { "type": "integer" } },
        "required": ["firstName"]
      }
    }
  }
}"#;

fn path_of(profile: &str) -> String {
    let folder = env!("CARGO_MANIFEST_DIR");
    format!("{folder}/examples/profiles/{profile}.json")
}

fn serve(data: &str, rules: Option<&str>, profile: &str) -> Fixture {
    let text = std::fs::read_to_string(path_of(profile)).unwrap();
    Fixture::new(data, rules, |options| {
        options.http.profile = Some(Arc::new(Profile::parse(&text).unwrap()));
    })
}

fn served(profile: &str) -> Fixture {
    serve(DATA, Some(RULES), profile)
}

/// A URL of the fixture.
fn url(fixture: &Fixture, target: &str) -> Value {
    format!("http://{}{target}", fixture.address()).into()
}

/// The explorer gets records without the profile.
#[test]
fn without_the_profile_if_a_request_says_so() {
    let fixture = served("laravel");
    let plain = [("Standin-Profile", "none")];
    let list = fixture.send("GET", "/people?_limit=1", &plain, "");
    assert_eq!(
        list.value(),
        json!([{ "firstName": "Ann", "age": 30, "id": 1 }])
    );
    assert_eq!(list.header("x-total-count"), Some("3"));
    assert!(fixture.get("/people").value()["data"].is_array());
}

#[test]
fn an_error_field() {
    let fixture = served("error-field");
    let missing = fixture.get("/people/9");
    assert_eq!(missing.status, 404);
    let error = missing.value();
    assert_eq!(error.as_object().unwrap().len(), 1, "{error}");
    assert!(error["error"].as_str().unwrap().contains('9'));
    assert!(
        missing
            .header("content-type")
            .unwrap()
            .starts_with("application/json")
    );
    assert_eq!(fixture.get("/people").list().len(), 3);
}

#[test]
fn django_rest_framework() {
    let fixture = served("django-rest-framework");
    assert_eq!(
        fixture
            .get("/people?page=2&page_size=1&ordering=-age")
            .value(),
        json!({
            "count": 3,
            "next": url(&fixture, "/people?page=3&page_size=1&ordering=-age"),
            "previous": url(&fixture, "/people?page=1&page_size=1&ordering=-age"),
            "results": [{ "first_name": "Ann", "age": 30, "id": 1 }]
        })
    );
    let all = fixture.get("/people?ordering=first_name").value();
    assert_eq!(
        (&all["count"], &all["next"], &all["previous"]),
        (&json!(3), &Value::Null, &Value::Null)
    );
    assert_eq!(fixture.get("/people?first_name=Ben").value()["count"], 1);
    let made = fixture.json("POST", "/people", r#"{"first_name": "Dee"}"#);
    assert_eq!(
        (made.status, made.value()),
        (201, json!({ "first_name": "Dee", "id": 4 }))
    );
    assert_eq!(fixture.data()["people"][3]["firstName"], "Dee");
    let wrong = fixture.json("POST", "/people", r#"{"age": 1}"#);
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.value()["first_name"][0].is_string(),
        "{}",
        wrong.text()
    );
    assert!(fixture.get("/people/9").value()["detail"].is_string());
    let whole = fixture
        .json("PATCH", "/people/1", r#"{"a": 1, "b": 2, "c": 3, "d": 4}"#)
        .value();
    assert!(whole["non_field_errors"][0].is_string(), "{whole}");
    let taken = fixture.json(
        "POST",
        "/people",
        r#"{"first_name": "Ann", "nick": "A", "age": 30}"#,
    );
    assert_eq!(
        (taken.status, taken.value()["age"][0].is_string()),
        (400, true)
    );
    let gone = fixture.delete("/people/4");
    assert_eq!((gone.status, gone.text()), (204, ""));
}

#[test]
fn laravel() {
    let fixture = served("laravel");
    assert_eq!(
        fixture.get("/people?per_page=2").value(),
        json!({
            "data": [{ "first_name": "Ann", "age": 30, "id": 1 }, { "first_name": "Ben", "age": 20, "id": 2 }],
            "links": {
                "first": url(&fixture, "/people?per_page=2&page=1"),
                "last": url(&fixture, "/people?per_page=2&page=2"),
                "prev": null,
                "next": url(&fixture, "/people?per_page=2&page=2")
            },
            "meta": {
                "current_page": 1, "from": 1, "last_page": 2, "path": url(&fixture, "/people"),
                "per_page": 2, "to": 2, "total": 3
            }
        })
    );
    assert_eq!(fixture.get("/people").value()["meta"]["per_page"], 15);
    assert_eq!(
        fixture.get("/people/1").value(),
        json!({ "data": { "first_name": "Ann", "age": 30, "id": 1 } })
    );
    let wrong = fixture.json("POST", "/people", r#"{"age": 1}"#);
    assert_eq!(wrong.status, 422);
    assert!(wrong.value()["message"].is_string());
    assert!(
        wrong.value()["errors"]["first_name"][0].is_string(),
        "{}",
        wrong.text()
    );
    let missing = fixture.get("/people/9").value();
    assert!(
        missing["message"].is_string() && missing.get("errors").is_none(),
        "{missing}"
    );
}

#[test]
fn spring_data_rest() {
    let fixture = served("spring-data-rest");
    let page = fixture.get("/people?page=0&size=2&sort=age,desc");
    assert_eq!(page.header("content-type"), Some("application/hal+json"));
    let page = page.value();
    assert_eq!(
        page["page"],
        json!({ "size": 2, "totalElements": 3, "totalPages": 2, "number": 0 })
    );
    assert_eq!(
        page["_embedded"]["people"][0],
        json!({ "firstName": "Cem", "age": 40, "_links": { "self": { "href": url(&fixture, "/people/3") } } })
    );
    assert_eq!(
        page["_links"]["next"]["href"],
        url(&fixture, "/people?page=1&size=2&sort=age,desc")
    );
    // There are links only to other pages.
    let names = |page: &Value| {
        page["_links"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&page), ["self", "next", "last"]);
    let last = fixture.get("/people?page=1&size=2").value();
    assert_eq!(names(&last), ["first", "prev", "self"]);
    assert_eq!(
        last["_links"]["self"]["href"],
        url(&fixture, "/people?page=1&size=2")
    );
    let all = fixture.get("/people").value();
    assert_eq!(
        all["_links"],
        json!({ "self": { "href": url(&fixture, "/people") } })
    );
    let made = fixture
        .json("POST", "/people", r#"{"firstName": "Dee"}"#)
        .value();
    assert_eq!(made["_links"]["self"]["href"], url(&fixture, "/people/4"));
}

#[test]
fn json_api() {
    let fixture = served("json-api");
    // The standard name of the page parameter is replaced by the profile's.
    let links = fixture.get("/people?_page=2&_limit=1").value()["links"].clone();
    assert_eq!(
        links["first"],
        url(&fixture, "/people?_limit=1&page%5Bnumber%5D=1")
    );
    let list = fixture.get("/people?page%5Bnumber%5D=2&page%5Bsize%5D=1&sort=-age");
    assert_eq!(
        list.header("content-type"),
        Some("application/vnd.api+json")
    );
    let list = list.value();
    assert_eq!(
        list["data"],
        json!([{
            "type": "people", "id": "1", "attributes": { "firstName": "Ann", "age": 30 },
            "links": { "self": url(&fixture, "/people/1") }
        }])
    );
    assert_eq!(
        list["links"]["next"],
        url(
            &fixture,
            "/people?page%5Bnumber%5D=3&page%5Bsize%5D=1&sort=-age"
        )
    );
    assert_eq!(
        list["links"]["self"],
        url(
            &fixture,
            "/people?page%5Bnumber%5D=2&page%5Bsize%5D=1&sort=-age"
        )
    );
    let body = r#"{"data": {"type": "people", "id": "7", "attributes": {"firstName": "Dee"}}}"#;
    let media = [("Content-Type", "application/vnd.api+json")];
    let made = fixture.send("POST", "/people", &media, body);
    made.status_is(201);
    assert_eq!(made.value()["data"]["id"], "7");
    assert_eq!(
        fixture.data()["people"][3],
        json!({ "firstName": "Dee", "id": "7" })
    );
    let patch = r#"{"data": {"type": "people", "id": "1", "attributes": {"age": 31}}}"#;
    let tag = fixture.get("/people/1").header("etag").unwrap().to_string();
    let conditional = [
        ("Content-Type", "application/vnd.api+json"),
        ("If-Match", tag.as_str()),
    ];
    let patched = fixture.send("PATCH", "/people/1", &conditional, patch);
    assert_eq!(
        patched.value()["data"]["attributes"]["age"],
        31,
        "{}",
        patched.text()
    );
    let wrong = fixture.send(
        "POST",
        "/people",
        &media,
        r#"{"data": {"type": "people", "attributes": {"age": "x"}}}"#,
    );
    assert_eq!(wrong.status, 422);
    let errors = wrong.value()["errors"].clone();
    assert_eq!(errors[0]["status"], "422");
    assert_eq!(errors[0]["source"]["pointer"], "/data/attributes/firstName");
    assert!(errors[0]["detail"].is_string(), "{errors}");
    let missing = fixture.get("/people/9").value();
    assert_eq!(missing["errors"][0]["status"], "404");
    fixture.delete("/people/1").status_is(204);
}

#[test]
fn several_records_and_single_objects_have_their_shape() {
    let data = DATA.replacen('{', "{ \"shop\": { \"openFrom\": 9 },", 1);
    let shown = |profile: &str, method: &str, target: &str, body: &str| {
        let fixture = serve(&data, None, profile);
        let reply = fixture.json(method, target, body).value();
        let text = reply
            .to_string()
            .replace(&format!("http://{}", fixture.address()), "");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let person = |id: u64, name: &str| {
        json!({ "type": "people", "id": id.to_string(), "attributes": { "firstName": name },
            "links": { "self": format!("/people/{id}") } })
    };
    let two = r#"{"data": [{"type": "people", "attributes": {"firstName": "Dee"}}, {"type": "people", "attributes": {"firstName": "Eve"}}]}"#;
    assert_eq!(
        shown("json-api", "POST", "/people", two),
        json!({ "data": [person(4, "Dee"), person(5, "Eve")] })
    );
    let each = r#"[{"data": {"type": "people", "attributes": {"firstName": "Dee"}}}]"#;
    assert_eq!(
        shown("json-api", "POST", "/people", each),
        json!({ "data": [person(4, "Dee")] })
    );
    let bare = shown(
        "json-api",
        "POST",
        "/people",
        r#"{"data": {"type": "people", "id": "x"}}"#,
    );
    assert_eq!(
        (&bare["data"]["id"], &bare["data"]["attributes"]),
        (&json!("x"), &json!({}))
    );
    assert_eq!(
        shown("json-api", "GET", "/shop", ""),
        json!({ "data": { "type": "shop", "id": "shop", "attributes": { "openFrom": 9 }, "links": { "self": "/shop" } } })
    );
    let names = r#"[{"first_name": "Dee"}, {"first_name": "Eve"}]"#;
    assert_eq!(
        shown("laravel", "POST", "/people", names),
        json!({ "data": [{ "first_name": "Dee", "id": 4 }, { "first_name": "Eve", "id": 5 }] })
    );
    assert_eq!(
        shown(
            "spring-data-rest",
            "POST",
            "/people",
            r#"[{"firstName": "Dee"}]"#
        ),
        json!([{ "firstName": "Dee", "_links": { "self": { "href": "/people/4" } } }])
    );
    assert_eq!(
        shown("spring-data-rest", "GET", "/shop", ""),
        json!({ "openFrom": 9, "_links": { "self": { "href": "/shop" } } })
    );
}

#[test]
fn the_routes_file_names_a_profile() {
    let profile = r#"{"record": {"it": "{{ record }}"}, "error": {"oops": "{{ problem.detail }}"}, "status": {"limit": 503}}"#;
    let routes = r#"{
  "profile": "shapes/own.json",
  "GET /broken": { "fail": { "status": 502, "headers": { "Retry-After": "3" } } },
  "GET /worded": { "fail": { "status": 502, "body": { "mine": true } } },
  "GET /faulty": { "body": "{{ 1 / 0 }}" },
  "GET /closed": { "guard": "key:X-Key", "body": 1 },
  "GET /once": { "limit": "1/hour", "body": { "plain": true } }
}"#;
    let files = [
        ("db.json", DATA),
        ("rules/db.routes.json", routes),
        ("rules/shapes/own.json", profile),
    ];
    let place = place(&files);
    let running = place.start(&["db.json", "--port", "0", "--routes", "rules/db.routes.json"]);
    let mut client = running.client();
    let mut get = |target: &str| client.get(target);
    assert_eq!(get("/people/1").value()["it"]["age"], 30);
    assert!(get("/people/9").value()["oops"].is_string());
    let broken = get("/broken");
    assert_eq!(
        (broken.status, broken.header("retry-after")),
        (502, Some("3"))
    );
    has(broken.value()["oops"].as_str().unwrap(), "GET /broken");
    let worded = get("/worded");
    assert_eq!(
        (worded.status, worded.value()),
        (502, json!({"mine": true}))
    );
    for (target, status) in [
        ("/faulty", 500),
        ("/closed", 401),
        ("/people?_status=503", 503),
    ] {
        let reply = get(target);
        assert_eq!(reply.status, status, "{target}");
        assert!(
            reply.value()["oops"].is_string(),
            "{target}: {}",
            reply.text()
        );
    }
    assert_eq!(get("/once").value(), json!({"plain": true}));
    let limited = get("/once");
    assert_eq!(limited.status, 503, "the profile's status of a limit");
    assert!(limited.value()["oops"].is_string() && limited.header("retry-after").is_some());
    // The option goes before the file.
    let error_field = path_of("error-field");
    let arguments = [
        "db.json",
        "--port",
        "0",
        "--routes",
        "rules/db.routes.json",
        "--profile",
        &error_field,
    ];
    drop(running);
    let running = place.start(&arguments);
    assert!(running.client().get("/people/9").value()["error"].is_string());
}

#[test]
fn a_profile_of_the_routes_file_that_cannot_be_used() {
    for (routes, profile, message) in [
        (
            "{\n  \"profile\": \"no.json\"\n}",
            "{}",
            "db.routes.json:2:14: cannot read the profile no.json",
        ),
        (
            "{\"profile\": 5}",
            "{}",
            "db.routes.json:1:13: profile must be a string, got a number",
        ),
        (
            "{\"profile\": \"own.json\"}",
            "{\n  \"lst\": []\n}",
            "own.json:2:3: ",
        ),
    ] {
        let place = place(&[
            ("db.json", DATA),
            ("db.routes.json", routes),
            ("own.json", profile),
        ]);
        let errors = place.fails(&["db.json", "--port", "0"]);
        assert!(errors.starts_with(&format!("error: {message}")), "{errors}");
    }
}

#[test]
fn the_api_description_says_what_is_returned() {
    for profile in [
        "json-api",
        "django-rest-framework",
        "spring-data-rest",
        "laravel",
        "error-field",
    ] {
        let fixture = served(profile);
        let document = fixture.get("/-/openapi.json").value();
        let text = |profile: &str| match profile {
            "json-api" => r#"{"data": {"type": "people", "attributes": {"firstName": "Dee"}}}"#,
            "laravel" => r#"{"data": {"first_name": "Dee"}}"#,
            "django-rest-framework" => r#"{"first_name": "Dee"}"#,
            _ => r#"{"firstName": "Dee"}"#,
        };
        let requests = [
            ("GET", "/people", "/people", ""),
            ("GET", "/people?_page=2&_limit=1", "/people", ""),
            ("GET", "/people?nothing=5", "/people", ""),
            ("GET", "/people/1", "/people/{id}", ""),
            ("GET", "/people/9", "/people/{id}", ""),
            ("POST", "/people", "/people", text(profile)),
            ("POST", "/people", "/people", "{\"age\": 1}"),
            ("POST", "/people", "/people", "{"),
            ("PUT", "/people/1", "/people/{id}", text(profile)),
            ("PATCH", "/people/1", "/people/{id}", text(profile)),
            ("DELETE", "/people/2", "/people/{id}", ""),
        ];
        for (method, target, path, body) in requests {
            let operation = &document["paths"][path][method.to_lowercase()];
            let fits = |schema: &Value, value: &Value| {
                let whole = json!({ "allOf": [schema], "components": document["components"] });
                let errors: Vec<_> = jsonschema::validator_for(&whole)
                    .unwrap()
                    .iter_errors(value)
                    .map(|error| error.to_string())
                    .collect();
                assert!(
                    errors.is_empty(),
                    "{profile} {method} {target}: {errors:?} of {value} in {schema}"
                );
            };
            if body == text(profile) {
                let content = &operation["requestBody"]["content"]["application/json"];
                fits(&content["schema"], &serde_json::from_str(body).unwrap());
            }
            let reply = fixture.json(method, target, body);
            let described = &operation["responses"][reply.status.to_string()];
            assert!(
                described.is_object(),
                "{profile} {method} {target}: {}",
                reply.status
            );
            match reply.header("content-type") {
                None => assert!(described.get("content").is_none(), "{described}"),
                Some(kind) => {
                    let kind = kind.split(';').next().unwrap();
                    let content = &described["content"][kind];
                    assert!(
                        content.is_object(),
                        "{profile} {method} {target}: {kind}: {described}"
                    );
                    fits(&content["schema"], &reply.value());
                }
            }
        }
    }
    let names = |profile: &str| -> Vec<String> {
        let document = served(profile).get("/-/openapi.json").value();
        let parameters = document["paths"]["/people"]["get"]["parameters"].clone();
        let parameters = parameters.as_array().unwrap().iter();
        parameters
            .map(|one| one["name"].as_str().unwrap().to_string())
            .collect()
    };
    let contains = |profile: &str, wanted: &[&str]| {
        let names = names(profile);
        assert!(
            wanted
                .iter()
                .all(|one| names.iter().any(|name| name == one)),
            "{names:?}"
        );
    };
    contains(
        "json-api",
        &["page[number]", "page[size]", "sort", "firstName"],
    );
    contains(
        "django-rest-framework",
        &["page", "page_size", "ordering", "search", "first_name"],
    );
}
