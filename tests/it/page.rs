//! The README's responses, byte for byte.

use crate::support::*;

const BODY: &str = "{
    \"lastName\": \"Meere\",
    \"firstName\": \"John\",
    \"email\": \"johnm@gmail.com\"
  }";

const USER_1: &str = "{
  \"lastName\": \"Meere\",
  \"firstName\": \"John\",
  \"email\": \"johnm@gmail.com\",
  \"id\": 1
}";

const FILE: &str = "{
  \"$schema\": \"db.schema.json\",
  \"users\": [
    {
      \"lastName\": \"Meere\",
      \"firstName\": \"John\",
      \"email\": \"johnm@gmail.com\",
      \"id\": 1
    }
  ]
}
";

/// The data and the rules that a new clone has.
fn shipped() -> Fixture {
    serve_with_rules(SHIPPED)
}

#[test]
fn the_example_request_gets_the_documented_response() {
    let fixture = shipped();
    let mut client = fixture.client();
    // As curl 8 sends it.
    let length = BODY.len();
    client.write(format!(
        "POST /users HTTP/1.1\r\nHost: localhost:3000\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{BODY}"
    ));
    let reply = client.reply("POST");
    assert_eq!(reply.status, 201);
    assert_eq!(reply.text(), USER_1);
    assert_eq!(
        reply.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(reply.header("location"), Some("/users/1"));
    assert_eq!(
        reply.header("content-length"),
        Some(USER_1.len().to_string().as_str())
    );
    assert!(reply.header("date").is_some());
    let tag = reply.header("etag").unwrap();
    assert!(
        tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'),
        "{tag}"
    );
    assert_eq!(fixture.text(), FILE);
    assert_eq!(fixture.get("/users/1").header("etag"), Some(tag));
    assert_eq!(fixture.get("/users/1").text(), USER_1);
}

#[test]
fn a_bad_body_is_a_400_and_changes_nothing() {
    let fixture = shipped();
    let before = fixture.text();
    let whole = r#"{"lastName": "Meere", "firstName": "John", "email": "johnm@gmail.com"}"#;
    for (headers, body, words) in [
        (JSON, "", "#empty-body"),
        (JSON, " \r\n\t ", "#empty-body"),
        (NONE, "", "#empty-body"),
        (JSON, "{", "#malformed-json"),
        (JSON, "lastName=Meere", "#malformed-json"),
        (JSON, "[]", "#not-an-object"),
        (JSON, r#"[{"lastName": "Meere"}]"#, "#rules"),
        (JSON, "\"Meere\"", "#not-an-object"),
        (JSON, "7", "#not-an-object"),
        (JSON, "null", "#not-an-object"),
        (JSON, "{}", "#rules"),
        (
            JSON,
            r#"{"firstName": "John", "email": "j@x.org"}"#,
            "/lastName",
        ),
        (
            JSON,
            r#"{"lastName": "Meere", "email": "j@x.org"}"#,
            "/firstName",
        ),
        (
            JSON,
            r#"{"lastName": "Meere", "firstName": "John"}"#,
            "/email",
        ),
        (
            JSON,
            r#"{"lastName": 1, "firstName": "John", "email": "j@x.org"}"#,
            "/lastName",
        ),
        (
            JSON,
            r#"{"lastName": "M", "firstName": null, "email": "j@x.org"}"#,
            "/firstName",
        ),
        (
            JSON,
            r#"{"lastName": "M", "firstName": "J", "email": "no address"}"#,
            "/email",
        ),
        (
            JSON,
            r#"{"lastname": "M", "firstName": "J", "email": "j@x.org"}"#,
            "case-sensitive",
        ),
        (NONE, whole, "#content-type"),
        (&[("Content-Type", "")], whole, "#content-type"),
        (&[("Content-Type", "text/plain")], whole, "#content-type"),
        (
            &[("Content-Type", "application/xml")],
            whole,
            "#content-type",
        ),
        (
            &[("Content-Type", "application/jsonx")],
            whole,
            "#content-type",
        ),
        (FORM, whole, "#content-type"),
        (
            FORM,
            "lastName=M&firstName=J&email=j%40x.org",
            "#content-type",
        ),
    ] {
        let reply = fixture.send("POST", "/users", headers, body);
        assert_eq!(reply.status, 400, "{headers:?} {body}");
        has(reply.text(), words);
    }
    assert_eq!(fixture.text(), before);
    assert_eq!(fixture.get("/users").text(), "[]");
}

#[test]
fn json_is_accepted_under_each_of_its_media_types() {
    let fixture = shipped();
    for (number, kind) in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON ;charset=UTF-8",
        "application/vnd.api+json",
    ]
    .iter()
    .enumerate()
    {
        let body = format!(r#"{{"lastName": "M", "firstName": "J", "email": "j{number}@x.org"}}"#);
        let reply = fixture.send("POST", "/users", &[("content-type", kind)], body);
        assert_eq!(reply.status, 201, "{kind}: {}", reply.text());
    }
}

#[test]
fn the_same_email_again_is_a_409_also_in_other_case() {
    let fixture = shipped();
    fixture.json("POST", "/users", BODY).status_is(201);
    for email in [
        "johnm@gmail.com",
        "JohnM@Gmail.COM",
        "JOHNM@GMAIL.COM",
        "john\\u006d@gmail.com",
    ] {
        let body = BODY.replace("johnm@gmail.com", email);
        let problem = fixture
            .json("POST", "/users", &body)
            .problem(409, "not-unique");
        assert_eq!(problem["errors"][0]["pointer"], "/email", "{problem:#}");
    }
    assert_eq!(fixture.text(), FILE);
    // A refused request does not use up an id.
    let reply = fixture.json("POST", "/users", &BODY.replace("johnm@", "other@"));
    assert_eq!(
        (reply.status, reply.header("location")),
        (201, Some("/users/2"))
    );
}

#[test]
fn after_the_stop_connections_are_refused_and_nothing_is_lost() {
    let mut fixture = shipped();
    fixture.json("POST", "/users", BODY).status_is(201);
    let address = fixture.address();
    let mut idle = fixture.client();
    idle.get("/users/1").status_is(200);
    fixture.stop();
    let refused = std::net::TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(idle.is_closed());
    assert_eq!(fixture.text(), FILE);
    let beside = std::fs::read_dir(fixture.folder()).unwrap().count();
    assert_eq!(beside, 2, "the data, the rules and nothing else");
    fixture.restart();
    assert_eq!(fixture.get("/users/1").text(), USER_1);
    assert_eq!(fixture.text(), FILE);
    fixture.json("POST", "/users", BODY).status_is(409);
}

#[test]
fn localhost_is_both_addresses_and_one_port() {
    let fixture = Fixture::new("{\"a\": []}", None, |options| {
        options.host = "localhost".into()
    });
    let server = fixture.server.as_ref().unwrap();
    let addresses = server.addresses();
    assert!(
        addresses.iter().any(|address| address.is_ipv4()),
        "{addresses:?}"
    );
    // A machine without IPv6 has no ::1 to serve on.
    let has_ipv6 = std::net::TcpListener::bind("[::1]:0").is_ok();
    assert_eq!(
        addresses.iter().any(|address| address.is_ipv6()),
        has_ipv6,
        "{addresses:?}"
    );
    for address in addresses {
        assert_eq!(address.port(), server.port());
        assert!(address.ip().is_loopback());
        assert_eq!(Client::connect(*address).get("/a").text(), "[]");
    }
}
