//! Logins, and guards: what users, owners, roles, tokens and keys may read and write.

use serde_json::json;

use crate::events::Stream;
use crate::support::*;

/// Ann's password is `bcrypt-me`, hashed as json-server-auth does; Eve's is clear text.
const DATA: &str = r#"{
  "users": [
    { "email": "ann@example.com", "password": "$2b$04$abcdefghijklmnopqrstuu5Lo0g67CiD3M4RpN1BmBb4Crp5w7dbK", "role": "admin", "id": 1 },
    { "email": "eve@example.com", "password": "clear-text", "id": 2 }
  ],
  "orders": [
    { "item": "anns tea", "userId": 1, "id": 1 },
    { "item": "eves rum", "userId": 2, "id": 2 }
  ],
  "notices": [{ "text": "open", "id": 1 }],
  "audits": [{ "text": "admins only", "orderId": 1, "id": 1 }],
  "vault": { "code": "for key holders" },
  "machines": [{ "name": "token only", "id": 1 }],
  "drafts": [{ "text": "members only", "authorId": 1, "id": 1 }],
  "files": [{ "name": "basic only", "id": 1 }]
}
"#;

const RULES: &str = r#"{
  "x-auth": { "users": "users", "expires": "1h" },
  "properties": {
    "users": {
      "uniqueItemProperties": ["email"],
      "items": {
        "properties": {
          "email": { "type": "string", "format": "email" },
          "password": { "type": "string", "minLength": 8, "maxLength": 20 }
        },
        "required": ["email", "password"]
      }
    },
    "orders": { "x-guard": "600", "items": { "properties": { "item": { "type": "string" } } } },
    "notices": { "x-guard": { "read": "anyone", "write": "user" }, "items": {} },
    "audits": { "x-guard": "role:admin", "items": {} },
    "vault": { "x-guard": "key:X-Api-Key=k3y" },
    "machines": { "x-guard": "token:t0k3n", "items": {} },
    "drafts": { "x-guard": "660", "items": { "properties": { "authorId": { "references": "users", "x-generated": "user" } } } },
    "files": { "x-guard": "basic", "items": {} }
  }
}"#;

fn served() -> Fixture {
    let hash = bcrypt_hash();
    let data = DATA.replace(
        "$2b$04$abcdefghijklmnopqrstuu5Lo0g67CiD3M4RpN1BmBb4Crp5w7dbK",
        &hash,
    );
    Fixture::new(&data, Some(RULES), |options| {
        options.http.secret = Some("a secret of the test".into());
    })
}

/// A hash of `bcrypt-me` with the lowest cost, so that tests do not take long.
fn bcrypt_hash() -> String {
    bcrypt::hash("bcrypt-me", 4).unwrap()
}

fn login(fixture: &Fixture, email: &str, password: &str) -> Reply {
    let body = json!({ "email": email, "password": password }).to_string();
    fixture.json("POST", "/login", &body)
}

fn bearer(reply: &Reply) -> String {
    format!("Bearer {}", reply.value()["accessToken"].as_str().unwrap())
}

fn with(fixture: &Fixture, token: &str, method: &str, path: &str, body: &str) -> Reply {
    let headers = [
        ("Authorization", token),
        ("Content-Type", "application/json"),
    ];
    fixture.send(method, path, &headers, body)
}

/// Signed elsewhere with the secret of the tests, without `jti` and `iat`.
const FOREIGN: &str = "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIiwiZXhwIjo0MTAyNDQ0ODAwfQ.OunV4eS9-1rgiVob3U_ZM85VpaKAc2Y-bwZfBNQsIBM";

#[test]
fn a_token_that_another_program_signs_with_the_secret_is_valid_until_it_is_logged_out() {
    let fixture = served();
    let me = with(&fixture, FOREIGN, "GET", "/me", "");
    assert_eq!((me.status, &me.value()["id"]), (200, &json!(1)));
    assert_eq!(with(&fixture, FOREIGN, "POST", "/logout", "").status, 204);
    with(&fixture, FOREIGN, "GET", "/me", "").problem(401, "unauthorized");
}

#[test]
fn register_login_me_and_logout() {
    let fixture = served();
    let body = r#"{"email": "bob@example.com", "password": "long enough"}"#;
    let made = fixture.json("POST", "/register", body);
    made.status_is(201);
    let value = made.value();
    assert_eq!(value["user"], json!({"email": "bob@example.com", "id": 3}));
    let stored = fixture.data()["users"][2]["password"].clone();
    assert!(stored.as_str().unwrap().starts_with("$argon2"), "{stored}");
    let reply = login(&fixture, "BOB@example.com", "long enough");
    assert_eq!(reply.status, 200);
    let token = bearer(&reply);
    let me = with(&fixture, &token, "GET", "/me", "");
    assert_eq!(me.value(), value["user"]);
    assert_eq!(with(&fixture, &token, "POST", "/logout", "").status, 204);
    let refused = with(&fixture, &token, "GET", "/me", "");
    refused.problem(401, "unauthorized");
    has(refused.header("www-authenticate").unwrap(), "invalid_token");
    // The other token, of /register, is still valid.
    assert_eq!(with(&fixture, &bearer(&made), "GET", "/me", "").status, 200);
    for (path, body, kind) in [
        ("/register", body, "login"),
        ("/register", r#"{"email": "x@example.com"}"#, "login"),
        (
            "/register",
            r#"{"email": "x@example.com", "password": "short"}"#,
            "rules",
        ),
        (
            "/register",
            r#"{"email": "x", "password": "long enough"}"#,
            "rules",
        ),
        (
            "/login",
            r#"{"email": "bob@example.com", "password": "wrong"}"#,
            "login",
        ),
        (
            "/login",
            r#"{"email": "nobody@example.com", "password": "x"}"#,
            "login",
        ),
        ("/login", r#"{"email": 5, "password": "x"}"#, "login"),
    ] {
        fixture.json("POST", path, body).problem(400, kind);
    }
    let wrong = fixture.get("/login");
    wrong.problem(405, "method");
    assert_eq!(wrong.header("allow"), Some("POST, OPTIONS"));
}

#[test]
fn a_token_of_the_same_secret_outlives_the_server_and_others_do_not_count() {
    let mut fixture = served();
    let token = bearer(&login(&fixture, "ann@example.com", "bcrypt-me"));
    fixture.restart();
    assert_eq!(with(&fixture, &token, "GET", "/me", "").status, 200);
    fixture.options.http.secret = Some("another".into());
    fixture.restart();
    with(&fixture, &token, "GET", "/me", "").problem(401, "unauthorized");
    // A token without a signature.
    let none = "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwiZXhwIjo5OTk5OTk5OTk5fQ.";
    with(&fixture, none, "GET", "/me", "").problem(401, "unauthorized");
    fixture.options.http.secret = None;
    fixture.restart();
    fixture.notice(|notice| matches!(notice, standin::Notice::RandomSecret).then_some(()));
}

#[test]
fn passwords_are_hashed_in_every_write_and_accepted_as_they_are_in_the_file() {
    let fixture = served();
    let clear = login(&fixture, "eve@example.com", "clear-text");
    assert_eq!(clear.status, 200);
    has(clear.header("x-hint").unwrap(), "clear text");
    assert_eq!(fixture.data()["users"][1]["password"], "clear-text");
    assert!(
        login(&fixture, "ann@example.com", "bcrypt-me")
            .header("x-hint")
            .is_none()
    );
    let added = fixture.json(
        "POST",
        "/users",
        r#"{"email": "zoe@example.com", "password": "zoes secret"}"#,
    );
    added.status_is(201);
    lacks(added.text(), "password");
    fixture
        .json("PATCH", "/users/2", r#"{"password": "new secret"}"#)
        .status_is(200);
    let put = fixture.json("PUT", "/users/1", r#"{"email": "ann@example.com"}"#);
    put.status_is(200);
    for (email, password) in [
        ("zoe@example.com", "zoes secret"),
        ("eve@example.com", "new secret"),
        ("ann@example.com", "bcrypt-me"),
    ] {
        assert_eq!(login(&fixture, email, password).status, 200, "{email}");
    }
    for user in fixture.data()["users"].as_array().unwrap() {
        assert!(
            user["password"].as_str().unwrap().starts_with('$'),
            "{user}"
        );
    }
    let problem = fixture.json("PATCH", "/users/2", r#"{"password": "short"}"#);
    problem.problem(400, "rules");
    fixture
        .json("PATCH", "/users/2", r#"{"password": 5}"#)
        .problem(400, "rules");
}

#[test]
fn guards_hold_wherever_a_record_leaves_the_server() {
    let fixture = served();
    let secrets = [
        "anns tea",
        "eves rum",
        "admins only",
        "key holders",
        "token only",
        "members only",
        "basic only",
    ];
    for path in [
        "/db",
        "/notices?_embed=nothing",
        "/-/openapi.json",
        "/",
        "/db?callback=f",
    ] {
        let reply = fixture.get(path);
        assert_eq!(reply.status, 200, "{path}");
        for secret in secrets {
            assert!(!reply.text().contains(secret), "{secret} in {path}");
        }
    }
    for path in [
        "/orders",
        "/orders/1",
        "/orders?item=anns%20tea",
        "/users?_embed=orders",
        "/users/1/orders",
        "/users/1?_embed=orders",
        "/users?_embed=drafts",
        "/audits",
        "/audits?callback=f",
        "/orders/1/audits",
        "/vault",
        "/machines",
        "/drafts/1",
        "/files",
    ] {
        let reply = fixture.get(path);
        let reason = reply.text();
        assert_eq!(reply.status, 401, "{path}: {reason}");
        assert!(reply.header("www-authenticate").is_some(), "{path}");
        assert!(reason.contains("hint"), "{path}: {reason}");
        for secret in secrets {
            assert!(!reason.contains(secret), "{secret} in {path}");
        }
    }
}

#[test]
fn owners_read_and_write_their_own_records() {
    let fixture = served();
    let eve = bearer(&login(&fixture, "eve@example.com", "clear-text"));
    let as_eve = |method, path, body| with(&fixture, &eve, method, path, body);
    let own = json!([{ "item": "eves rum", "userId": 2, "id": 2 }]);
    for path in ["/orders", "/orders?_sort=item", "/users/2/orders"] {
        assert_eq!(as_eve("GET", path, "").value(), own, "{path}");
    }
    let all = as_eve("GET", "/db", "").value();
    assert_eq!(all["orders"], own);
    assert_eq!(all["audits"], json!([]));
    let embedded = as_eve("GET", "/users?_embed=orders", "").value();
    assert_eq!(embedded[0]["orders"], json!([]));
    assert_eq!(embedded[1]["orders"], own);
    as_eve("GET", "/orders/1", "").problem(403, "forbidden");
    for (method, body) in [
        ("PUT", r#"{"item": "mine"}"#),
        ("PATCH", r#"{"item": "mine"}"#),
        ("DELETE", ""),
    ] {
        as_eve(method, "/orders/1", body).problem(403, "forbidden");
    }
    as_eve("POST", "/users/1/orders", r#"{"item": "x"}"#).problem(403, "forbidden");
    // What she adds is hers, whatever owner she sends, and stays so.
    let made = as_eve("POST", "/orders", r#"{"item": "gin", "userId": 1}"#);
    made.status_is(201);
    assert_eq!(made.value()["userId"], 2);
    let path = format!("/orders/{}", made.value()["id"]);
    assert_eq!(
        as_eve("PATCH", &path, r#"{"userId": 1}"#).value()["userId"],
        2
    );
    assert_eq!(
        as_eve("PUT", &path, r#"{"item": "rye"}"#).value()["userId"],
        2
    );
    assert_eq!(as_eve("DELETE", &path, "").status, 200);
}

#[test]
fn roles_tokens_keys_and_basic() {
    let fixture = served();
    let ann = bearer(&login(&fixture, "ann@example.com", "bcrypt-me"));
    let eve = bearer(&login(&fixture, "eve@example.com", "clear-text"));
    assert_eq!(with(&fixture, &ann, "GET", "/audits", "").status, 200);
    with(&fixture, &eve, "GET", "/audits", "").problem(403, "forbidden");
    fixture.get("/notices").status_is(200);
    fixture
        .json("POST", "/notices", r#"{"text": "x"}"#)
        .problem(401, "unauthorized");
    assert_eq!(
        with(&fixture, &eve, "POST", "/notices", r#"{"text": "x"}"#).status,
        201
    );
    assert_eq!(
        with(&fixture, "Bearer t0k3n", "GET", "/machines", "").status,
        200
    );
    with(&fixture, "Bearer other", "GET", "/machines", "").problem(401, "unauthorized");
    fixture
        .send("GET", "/vault", &[("x-api-key", "k3y")], "")
        .status_is(200);
    fixture
        .send("GET", "/vault", &[("x-api-key", "kez")], "")
        .problem(401, "unauthorized");
    // eve@example.com:clear-text
    let basic = "Basic ZXZlQGV4YW1wbGUuY29tOmNsZWFyLXRleHQ=";
    assert_eq!(with(&fixture, basic, "GET", "/files", "").status, 200);
    with(
        &fixture,
        "Basic ZXZlQGV4YW1wbGUuY29tOng=",
        "GET",
        "/files",
        "",
    )
    .problem(401, "unauthorized");
    let draft = with(&fixture, &eve, "POST", "/drafts", r#"{"text": "y"}"#);
    assert_eq!(draft.value()["authorId"], 2, "{}", draft.text());
}

#[test]
fn events_and_the_request_log_show_only_what_the_reader_may_see() {
    let fixture = served();
    let eve = bearer(&login(&fixture, "eve@example.com", "clear-text"));
    let ann = bearer(&login(&fixture, "ann@example.com", "bcrypt-me"));
    let open = |token: &str| {
        let lines = format!("Authorization: {token}\r\n");
        let mut stream = Stream::with_headers(fixture.address(), "/-/events", &lines);
        assert_eq!(stream.next().0, "ready");
        stream
    };
    let (mut hers, mut anyones) = (open(&eve), open("x"));
    with(&fixture, &ann, "POST", "/orders", r#"{"item": "for ann"}"#);
    with(&fixture, &eve, "POST", "/orders", r#"{"item": "for eve"}"#);
    with(&fixture, &eve, "POST", "/notices", r#"{"text": "for all"}"#);
    assert_eq!(hers.next().1["record"]["item"], "for eve");
    assert_eq!(hers.next().1["record"]["text"], "for all");
    assert_eq!(anyones.next().1["record"]["text"], "for all");
    let log = fixture.get("/-/requests").value();
    let bodies = column(&log, "body");
    let text = log.to_string();
    lacks(&text, "for ann");
    lacks(&text, "bcrypt-me");
    assert!(bodies.contains(&json!(r#"{"text": "for all"}"#)), "{text}");
}

#[test]
fn a_resource_with_the_name_of_a_login_path_is_an_error() {
    let mut options = standin::Options::from_json(json!({ "users": [], "me": {} }));
    options.rules = Some(r#"{"x-auth": {}, "properties": {"users": {"items": {}}}}"#.into());
    let error = standin::Server::start(&options, standin::Listeners::default());
    let error = error
        .err()
        .map(|error| std::error::Error::source(&error).unwrap().to_string());
    has(error.unwrap(), "no resource can have that name");
}

#[test]
fn the_api_description_says_what_guards_ask_for() {
    let fixture = served();
    let document = fixture.get("/-/openapi.json").value();
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["user"]["bearerFormat"], "JWT");
    assert_eq!(schemes["basic"]["scheme"], "basic");
    assert_eq!(
        schemes["key-x-api-key"],
        json!({"type": "apiKey", "in": "header", "name": "x-api-key"})
    );
    let paths = &document["paths"];
    assert_eq!(paths["/orders"]["get"]["security"], json!([{ "user": [] }]));
    assert!(paths["/notices"]["get"].get("security").is_none());
    assert_eq!(
        paths["/notices"]["post"]["security"],
        json!([{ "user": [] }])
    );
    for status in ["401", "403"] {
        let response = &paths["/orders/{id}"]["put"]["responses"][status];
        assert!(
            response["content"]["application/problem+json"].is_object(),
            "{status}: {response}"
        );
    }
    assert!(paths["/login"]["post"]["responses"]["200"].is_object());
    assert_eq!(paths["/me"]["get"]["security"], json!([{ "user": [] }]));
}

#[test]
fn facets_and_dependents_omit_guarded_records() {
    let fixture = served();
    for name in ["orders", "audits", "machines"] {
        let facets = fixture
            .get(&format!("/-/facets/{name}?_facet=text"))
            .value();
        assert_eq!(
            (&facets["total"], &facets["facets"]),
            (&json!(0), &json!([])),
            "{name}"
        );
    }
    assert_eq!(fixture.get("/-/facets/notices").value()["total"], 1);
    let dependents = fixture.get("/-/dependents/users?id=1").value();
    assert_eq!(
        dependents["removed"],
        json!({ "users": [1] }),
        "{dependents}"
    );
    let model = fixture.get("/-/model").text().to_string();
    lacks(&model, "eves rum");
    lacks(&model, "bcrypt");
}

#[test]
fn clients_cannot_choose_the_user_of_a_record() {
    let rules = r#"{
      "x-auth": { "users": "users" },
      "properties": {
        "users": { "items": { "properties": { "email": { "type": "string" } } } },
        "posts": { "items": { "properties": { "userId": { "x-generated": "user", "readOnly": true } } } },
        "ideas": { "items": { "properties": { "userId": { "x-generated": "user" }, "at": { "x-generated": "created" } } } }
      }
    }"#;
    let data = DATA.replace("\"orders\"", "\"posts\": [], \"ideas\": [], \"orders\"");
    let routes = r#"{"PUT /ideas/:id": {"upsert": true}, "POST /dry": {"status": 200}, "POST /posts": {"match": {"query": {"dry": "1"}}, "store": false}}"#;
    let routes = standin::RoutesFile::parse(routes).unwrap();
    let fixture = Fixture::new(&data, Some(rules), |options| {
        options.http.routes = Some(std::sync::Arc::new(standin::Routes::new(routes)));
    });
    let eve = bearer(&login(&fixture, "eve@example.com", "clear-text"));
    let (claim, bodies) = (r#"{"userId": 1, "at": "1999"}"#, r#"[{"userId": 1}]"#);
    for path in [
        "/posts",
        "/ideas",
        "/users/1/posts",
        "/users/1/ideas",
        "/posts?dry=1",
    ] {
        let made = fixture.json("POST", path, claim);
        assert_eq!(made.status, 201, "{path}: {}", made.text());
        assert_eq!(made.value().get("userId"), None, "{path}: {}", made.text());
        assert_ne!(
            made.value()["at"],
            if path.contains("ideas") { "1999" } else { "" }
        );
        let made = with(&fixture, &eve, "POST", path, claim);
        assert_eq!(made.value()["userId"], 2, "{path}: {}", made.text());
    }
    let made = fixture.json("POST", "/posts", bodies).value();
    assert_eq!(made[0].get("userId"), None, "{made}");
    assert_eq!(
        with(&fixture, &eve, "POST", "/posts", bodies).value()[0]["userId"],
        2
    );
    // A PUT that creates is like a POST; one that replaces does not change the owner.
    let made = fixture.json("PUT", "/ideas/70", claim);
    assert_eq!((made.status, made.value().get("userId")), (201, None));
    let made = with(&fixture, &eve, "PUT", "/ideas/71", claim);
    assert_eq!(
        (made.status, made.value()["userId"].as_u64()),
        (201, Some(2))
    );
    let at = made.value()["at"].clone();
    let put = fixture.json("PUT", "/ideas/71", r#"{"text": "x", "at": "1999"}"#);
    assert_eq!(
        (put.value()["userId"].as_u64(), &put.value()["at"]),
        (Some(2), &at)
    );
    fixture
        .json("PATCH", "/ideas/71", r#"{"userId": 2}"#)
        .status_is(200);
    for (method, path) in [
        ("PUT", "/ideas/71"),
        ("PATCH", "/ideas/71"),
        ("PATCH", "/ideas/70"),
    ] {
        fixture
            .json(method, path, r#"{"userId": 1}"#)
            .problem(400, "rules");
        with(&fixture, &eve, method, path, r#"{"userId": 1}"#).problem(400, "rules");
    }
    // The records of a dry run have different ids.
    let dry = fixture.json("POST", "/posts?dry=1", "[{}, {}]").value();
    assert_ne!(dry[0]["id"], dry[1]["id"], "{dry}");
}

#[test]
fn a_login_without_the_header_is_repeated_as_it_was_sent() {
    let fixture = served();
    let body = r#"{"email": "eve@example.com", "password": "clear-text"}"#;
    let form = "application/x-www-form-urlencoded";
    let reply = fixture.send("POST", "/login", &[("Content-Type", form)], body);
    let problem = reply.problem(400, "content-type");
    assert_eq!(fixture.attempt(&problem).status, 200, "{problem:#}");
    let log = fixture.get("/-/requests").text().to_string();
    lacks(log, "clear-text");
}

#[test]
fn the_example_for_a_login_without_password_adds_the_user_if_there_is_none() {
    let rules = r#"{"x-auth": {}, "properties": {"users": {"items": {}}}}"#;
    let data = r#"{"users": [{"id": 1, "email": "ada@x.com", "password": "clear-text"}]}"#;
    let fixture = Fixture::new(data, Some(rules), |_| {});
    for status in [201, 200] {
        let problem = fixture.json("POST", "/login", "{}").problem(400, "login");
        assert_eq!(fixture.attempt(&problem).status, status, "{problem:#}");
    }
}

#[test]
fn nobody_registers_while_writes_are_switched_off() {
    let fixture = served();
    let user = r#"{"email": "new@example.com", "password": "long enough"}"#;
    fixture.json("PUT", "/-/settings", r#"{"readOnly": true}"#);
    fixture
        .json("POST", "/register", user)
        .problem(403, "read-only");
    lacks(fixture.text(), "new@example.com");
    fixture.json("PUT", "/-/settings", r#"{"readOnly": false}"#);
    fixture.json("POST", "/register", user).status_is(201);
}

/// Reads and writes of routes file rules are guarded as well.
#[test]
fn custom_responses_and_actions_do_not_leak_the_records_of_others() {
    let routes = r#"{
      "GET /who": { "body": "{{ records('users', _embed='orders') }}" },
      "POST /copies": { "post": { "text": "{{ records('users', _embed='orders')|string }}" }, "to": "/notices", "guard": "anyone" },
      "POST /orders/:id/approve": { "guard": "user", "patch": { "ok": true } },
      "POST /orders/:id/replace": { "guard": "role:admin", "put": { "item": "replaced" } },
      "DELETE /orders/:id/kill": { "guard": "owner", "delete": true },
      "GET /orders/:id/item": { "guard": "600", "body": "{{ record('orders', params.id).item }}" },
      "POST /kill": { "guard": "owner", "delete": true, "to": "/drafts/1" },
      "POST /clear": { "guard": "owner", "delete": true, "to": "/drafts?id=1" },
      "GET /drafts/**": { "guard": "owner" },
      "GET /db": { "guard": "owner" }
    }"#;
    let routes = standin::RoutesFile::parse(routes).unwrap_or_else(|error| panic!("{error}"));
    let fixture = Fixture::new(
        &DATA.replace(
            "$2b$04$abcdefghijklmnopqrstuu5Lo0g67CiD3M4RpN1BmBb4Crp5w7dbK",
            &bcrypt_hash(),
        ),
        Some(RULES),
        |options| {
            options.http.secret = Some("a secret of the test".into());
            options.http.routes = Some(std::sync::Arc::new(standin::Routes::new(routes)));
        },
    );
    let ann = bearer(&login(&fixture, "ann@example.com", "bcrypt-me"));
    let eve = bearer(&login(&fixture, "eve@example.com", "clear-text"));
    // Relations of templates, too.
    lacks(fixture.get("/who").text(), "tea");
    let hers = with(&fixture, &eve, "GET", "/who", "").text().to_string();
    has(&hers, "rum");
    lacks(&hers, "tea");
    let copy = fixture.json("POST", "/copies", "{}");
    copy.status_is(201);
    for secret in ["tea", "rum", "clear-text", "$2b$"] {
        lacks(copy.text(), secret);
    }
    // Changing another user's record does not change its owner.
    let approved = with(&fixture, &ann, "POST", "/orders/2/approve", "");
    approved.status_is(200);
    let replaced = with(&fixture, &ann, "POST", "/orders/2/replace", "");
    replaced.status_is(200);
    let order = with(&fixture, &eve, "GET", "/orders/2", "").value();
    assert_eq!(order, json!({ "item": "replaced", "userId": 2, "id": 2 }));
    // The guard `owner` checks the record's owner.
    for (method, path) in [
        ("DELETE", "/orders/1/kill"),
        ("DELETE", "/ORDERS/1/kill"),
        ("GET", "/orders/1/item"),
        ("GET", "/Orders/1/item"),
        ("POST", "/kill"),
        ("GET", "/drafts/1"),
        ("GET", "/Drafts/1/"),
        ("GET", "/drafts"),
        ("GET", "/Drafts/?id=1"),
        ("GET", "/db"),
    ] {
        let reply = with(&fixture, &eve, method, path, "");
        reply.problem(403, "forbidden");
        fixture
            .send(method, path, NONE, "")
            .problem(401, "unauthorized");
    }
    with(&fixture, &eve, "POST", "/clear", "");
    assert_eq!(with(&fixture, &ann, "GET", "/drafts/1", "").status, 200);
    assert_eq!(
        with(&fixture, &ann, "GET", "/orders/1/item", "").value(),
        "anns tea"
    );
    assert_eq!(with(&fixture, &ann, "POST", "/clear", "").status, 200);
    assert_eq!(with(&fixture, &ann, "GET", "/drafts/1", "").status, 404);
    assert_eq!(
        with(&fixture, &ann, "DELETE", "/orders/1/kill", "").status,
        200
    );
}
