//! HTTP on the wire, byte by byte.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::*;

const DATA: &str = "{\"a\": [{\"id\": 1}]}";

/// Sends bytes and reads one response.
fn exchange(fixture: &Fixture, bytes: impl AsRef<[u8]>) -> (Client, Reply) {
    let mut client = fixture.client();
    client.write(bytes);
    let reply = client.reply("");
    (client, reply)
}

#[test]
fn a_response_to_head_has_the_length_of_get_and_no_body() {
    let fixture = serve_data(DATA);
    let mut client = fixture.client();
    client.write(
        "HEAD /a/1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /a/1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    );
    let (head, get) = (client.reply("HEAD"), client.reply("GET"));
    assert_eq!(head.header("content-length"), Some("13"));
    assert_eq!(get.text(), "{\n  \"id\": 1\n}");
    assert_eq!(head.headers, get.headers);
}

#[test]
fn a_chunked_body_is_a_body() {
    let fixture = serve_data(DATA);
    let mut client = fixture.client();
    let head = "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.write(format!(
        "{head}4\r\n{{\"n\"\r\n1\r\n:\r\n6;x=y\r\n \"\u{fc}\"}}\r\n0\r\nTrailer: x\r\n\r\n"
    ));
    let reply = client.reply("POST");
    assert_eq!(
        (reply.status, reply.value()["n"].as_str()),
        (201, Some("ü")),
        "{}",
        reply.text()
    );
    // The connection is still in sync.
    client.get("/a/2").status_is(200);
}

#[test]
fn an_expectation_is_met_before_the_body_is_sent() {
    let fixture = Fixture::new(DATA, None, |options| options.http.body_limit = 100);
    let head = |length: usize| {
        format!(
            "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Expect: 100-continue\r\n\r\n"
        )
    };
    let (mut client, reply) = exchange(&fixture, head(8));
    assert_eq!(reply.status, 100);
    client.write("{\"n\": 1}");
    assert_eq!(client.reply("POST").status, 201);
    // There is no `100 Continue` for a body that will not be read.
    let (_, reply) = exchange(&fixture, head(101));
    reply.problem(413, "too-large");
}

#[test]
fn a_foreign_host_name_is_refused_while_only_this_machine_is_served() {
    let fixture = Fixture::new(DATA, None, |options| {
        options.http.hosts = Some(vec!["mock.test".into()])
    });
    let get = |host: &str| {
        exchange(
            &fixture,
            format!("GET /a/1 HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        )
        .1
    };
    for host in [
        "localhost",
        "LOCALHOST:3000",
        "127.0.0.1:80",
        "[::1]:3000",
        "api.localhost:1",
        "mock.test",
        "Mock.test:99",
    ] {
        assert_eq!(get(host).status, 200, "{host}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example:3000",
        "192.168.0.1",
        "[2001:db8::1]:80",
        "mock.test.evil",
    ] {
        let problem = get(host).problem(403, "foreign-host");
        has(problem["hint"].as_str().unwrap(), "--allow-host");
    }
    let (_, reply) = exchange(
        &fixture,
        "GET http://evil.example/a/1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    );
    reply.problem(403, "foreign-host");
}

#[test]
fn a_proxy_request_is_answered_and_kills_nothing() {
    let fixture = serve_data(DATA);
    for request in [
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
        "CONNECT [::1]:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET host:1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        let (_, reply) = exchange(&fixture, request);
        let problem = reply.problem(501, "not-supported");
        has(problem["hint"].as_str().unwrap(), "proxy");
    }
    // Every server must accept the absolute form (RFC 9112, 3.2.2).
    let (_, reply) = exchange(
        &fixture,
        "GET http://localhost:3000/a/1 HTTP/1.1\r\nHost: localhost:3000\r\n\r\n",
    );
    assert_eq!(reply.status, 200);
    fixture.get("/a/1").status_is(200);
}

#[test]
fn options_of_the_whole_server_names_all_verbs() {
    let fixture = serve_data(DATA);
    let (_, reply) = exchange(&fixture, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(reply.status, 204);
    for verb in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        assert!(
            reply
                .header("allow")
                .unwrap()
                .split(", ")
                .any(|known| known == verb),
            "{reply:?}"
        );
    }
    let (_, reply) = exchange(&fixture, "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!((400..500).contains(&reply.status), "{reply:?}");
}

#[test]
fn invalid_http_gets_a_response_and_the_connection_is_closed() {
    let fixture = serve_data(DATA);
    for (bytes, status, kind) in [
        (&b"hello\r\n\r\n"[..], 400, "bad-request"),
        (b"GET /a b HTTP/1.1\r\n\r\n", 400, "bad-request"),
        (b"GET /a HTTP/1.1\r\nNo colon\r\n\r\n", 400, "bad-request"),
        (b"GET /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400, "bad-request"),
        (b"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "bad-request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "bad-request"),
    ] {
        let (mut client, reply) = exchange(&fixture, bytes);
        let problem = reply.problem(status, kind);
        assert!(problem["hint"].is_string(), "{problem:#}");
        assert!(client.is_closed(), "{}", String::from_utf8_lossy(bytes));
        let entry = fixture.entry(|_| true);
        assert_eq!(entry.status.as_u16(), status);
        has(entry.note.unwrap(), "http");
        let known = bytes.split(|byte| *byte == b' ').next().unwrap();
        assert!(entry.method.as_str().as_bytes() == known || entry.method == "-" && !entry.target.is_empty());
    }
    // HTTP/2 with prior knowledge, which hyper closes without a response.
    let mut client = fixture.client();
    client.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(client.ends());
    assert_eq!(fixture.entry(|_| true).target, "*");
    fixture.get("/a/1").status_is(200);
}

#[test]
fn headers_and_urls_without_end_are_refused() {
    let fixture = serve_data(DATA);
    let long = "x".repeat(1_000_000);
    let many: String = (0..200)
        .map(|number| format!("X-{number}: y\r\n"))
        .collect();
    for (request, status, kind) in [
        (
            format!("GET /a HTTP/1.1\r\nHost: localhost\r\nX-Long: {long}\r\n\r\n"),
            431,
            "headers-too-large",
        ),
        (
            format!("GET /a HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"),
            431,
            "headers-too-large",
        ),
        (
            format!(
                "GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n",
                &long[..70_000]
            ),
            414,
            "target-too-long",
        ),
    ] {
        let (mut client, reply) = exchange(&fixture, request);
        reply.problem(status, kind);
        assert!(client.is_closed());
    }
    fixture.get("/a/1").status_is(200);
}

#[test]
fn a_body_over_the_limit_is_refused_announced_and_chunked() {
    let fixture = Fixture::new(DATA, None, |options| options.http.body_limit = 1000);
    let json = format!("{{\"n\": \"{}\"}}", "x".repeat(3_000_000));
    let head = "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    for request in [
        format!("{head}Content-Length: {}\r\n\r\n{json}", json.len()),
        format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{json}\r\n0\r\n\r\n",
            json.len()
        ),
        format!("{head}Content-Length: 1001\r\n\r\n{}", &json[..1001]),
    ] {
        let (mut client, reply) = exchange(&fixture, &request);
        let problem = reply.problem(413, "too-large");
        has(problem["hint"].as_str().unwrap(), "--body-limit");
        // The rest of the body was read, so it is not parsed as the next request.
        client.get("/a/1").status_is(200);
    }
    // An endless body is not read to its end: the connection is closed.
    let (mut client, reply) = exchange(
        &fixture,
        format!("{head}Content-Length: 9999999999999\r\n\r\n{json}"),
    );
    reply.problem(413, "too-large");
    assert_eq!(reply.header("connection"), Some("close"));
    assert!(client.is_closed());
    assert_eq!(fixture.data(), serde_json::json!({"a": [{"id": 1}]}));
}

/// Sends all of `bytes`, and only then reads the response, as many clients do.
fn send_all_first(fixture: &Fixture, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(fixture.address()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
        .write_all(bytes)
        .expect("the server reads what it refuses");
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut text = String::new();
    stream
        .read_to_string(&mut text)
        .expect("the response is not lost");
    text
}

#[test]
fn a_client_that_is_still_sending_gets_the_response() {
    let fixture = serve_data(DATA);
    let body = "x".repeat(12 * 1024 * 1024);
    let head = "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    for (request, status) in [
        (
            format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()),
            413,
        ),
        (
            format!(
                "{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
                body.len()
            ),
            413,
        ),
        (
            format!(
                "{head}Content-Encoding: br\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
            413,
        ),
        (format!("{head}X-Long: {body}\r\n\r\n"), 431),
        (
            format!("GET /{body} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            414,
        ),
        (format!("no request {body}"), 400),
    ] {
        let response = send_all_first(&fixture, request.as_bytes());
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{response}"
        );
    }
}

#[test]
fn a_small_body_does_not_unpack_to_a_large_one() {
    let fixture = Fixture::new(DATA, None, |options| options.http.body_limit = 1000);
    let json = |length: usize| format!("{{\"n\": \"{}\"}}", "x".repeat(length - 9));
    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let deflate = |text: &str| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let post = |encoding: &str, body: Vec<u8>| {
        assert!(body.len() < 1000);
        fixture.send(
            "POST",
            "/a",
            &[JSON[0], ("Content-Encoding", encoding)],
            body,
        )
    };
    for (length, status) in [(1000, 201), (1001, 413), (500_000, 413)] {
        for reply in [
            post("gzip", gzip(&json(length))),
            post("deflate", deflate(&json(length))),
        ] {
            assert_eq!(reply.status, status, "{length}: {}", reply.text());
            if status == 413 {
                let problem = reply.problem(413, "too-large");
                has(problem["hint"].as_str().unwrap(), "--body-limit");
            }
        }
    }
    // Several gzip members count together.
    post("gzip", [gzip(&json(600)), gzip(&json(600))].concat()).problem(413, "too-large");
    assert_eq!(fixture.get("/a").list().len(), 3);
}

#[test]
fn a_url_may_have_characters_that_should_be_encoded() {
    let fixture = serve_data(
        "{\"posts\": [{\"id\": 1, \"views\": 10}, {\"id\": 2, \"views\": 300, \"t\": \"a<\\\"ü|^`{}\\\\>\"}]}",
    );
    let mut client = fixture.client();
    let found = serde_json::json!([2]);
    for target in [
        "/posts?_where={\"views\":{\"gt\":200}}",
        "/posts?t=a<\"ü|^`{}\\>",
        "/posts?t=a%3C\"%C3%BC|^`{}\\>",
        "/posts?_where={\"t\":{\"contains\":\"ü\"}}",
    ] {
        let head =
            format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nCookie: a=\"{{b}}\"\r\n\r\n");
        // In one piece, in two, and byte by byte, all on one connection.
        for size in [head.len(), 20, 1] {
            head.as_bytes()
                .chunks(size)
                .for_each(|piece| client.write(piece));
            let reply = client.reply("GET");
            assert_eq!(reply.status, 200, "{target}: {}", reply.text());
            let ids: Vec<_> = reply.list().iter().map(|post| post["id"].clone()).collect();
            assert_eq!(serde_json::Value::from(ids), found, "{target}");
        }
        // A body between requests is not changed.
        let body = "{\"s\": \"GET /\\\"<ü>{|}\\\" HTTP/1.1\"}";
        let reply = client.send("PUT", "/posts/1?x=\"", JSON, body);
        assert_eq!(reply.value()["s"], "GET /\"<ü>{|}\" HTTP/1.1");
    }
    // Other parts of the response have the encoded URL.
    let reply = client.get("/posts?_page=1&_limit=1&id_ne=\"");
    has(reply.header("link").unwrap(), "id_ne=%22");
    assert_eq!(
        client.get("/<none>").problem(404, "no-resource")["status"],
        404
    );
    // Bytes that are not UTF-8 either.
    client.write(b"GET /posts/\xff HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.reply("GET").problem(400, "bad-target");
    client.get("/posts/2").status_is(200);
}

#[test]
fn the_body_of_a_pipelined_request_is_left_as_it_is() {
    let fixture = serve_data(DATA);
    // Wherever a read ends, the rest looks like the beginning of a request line.
    let text = "AB /<".repeat(200_000);
    let post = |text: &str| {
        let body = format!("{{\"n\": \"{text}\"}}");
        let head = "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
    };
    let mut client = fixture.client();
    client.write([post("x"), post(&text), post("y")].concat());
    assert_eq!(client.reply("POST").value()["n"], "x");
    assert!(
        client.reply("POST").value()["n"] == text.as_str(),
        "the body is another"
    );
    assert_eq!(client.reply("POST").value()["n"], "y");
}

#[test]
fn the_header_limit_does_not_depend_on_how_the_bytes_arrive() {
    let fixture = Fixture::new(DATA, None, |options| options.limits.headers = 10_000);
    let head = |length: usize| {
        let rest = "GET /a/1 HTTP/1.1\r\nHost: localhost\r\nX-Long: \r\n\r\n".len();
        format!(
            "GET /a/1 HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n",
            "x".repeat(length - rest)
        )
    };
    for (length, status) in [(9_999, 200), (10_000, 200), (10_001, 431), (15_000, 431)] {
        for size in [length, 5_000, 100] {
            let mut client = fixture.client();
            head(length)
                .as_bytes()
                .chunks(size)
                .for_each(|piece| client.write(piece));
            assert_eq!(
                client.reply("GET").status,
                status,
                "{length} bytes in pieces of {size}"
            );
        }
    }
    let long = format!(
        "GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "x".repeat(11_000)
    );
    for size in [long.len(), 100] {
        let mut client = fixture.client();
        long.as_bytes()
            .chunks(size)
            .for_each(|piece| client.write(piece));
        client.reply("GET").problem(414, "target-too-long");
    }
}

#[test]
fn http_1_1_requires_exactly_one_host() {
    let fixture = Fixture::new(DATA, None, |options| options.http.hosts = None);
    for (headers, status) in [
        ("", 400),
        ("Host: localhost\r\nHost: localhost\r\n", 400),
        ("Host: localhost\r\nHost: evil.example\r\n", 400),
        ("Host: a b\r\n", 400),
        ("Host: localhost:1@evil.example\r\n", 400),
        ("Host: localhost/x\r\n", 400),
        ("Host:\r\n", 200),
        ("Host: my_service:80\r\n", 200),
        ("host: [::1]:3000\r\n", 200),
    ] {
        let (_, reply) = exchange(&fixture, format!("GET /a/1 HTTP/1.1\r\n{headers}\r\n"));
        assert_eq!(reply.status, status, "{headers}");
        let (_, reply) = exchange(&fixture, format!("OPTIONS * HTTP/1.1\r\n{headers}\r\n"));
        assert_eq!(
            reply.status,
            if status == 400 { 400 } else { 204 },
            "{headers}"
        );
        if status == 400 {
            has(
                reply.problem(400, "bad-request")["detail"]
                    .as_str()
                    .unwrap(),
                "Host",
            );
        }
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let fixture = serve_data(DATA);
    let mut client = fixture.client();
    let post = |n| {
        let body = format!("{{\"n\": {n}}}");
        let length = body.len();
        format!(
            "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    client.write(
        [
            post(1),
            post(2),
            "GET /a/2 HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
            post(3),
        ]
        .concat(),
    );
    assert_eq!(
        client.reply("POST").value(),
        serde_json::json!({"n": 1, "id": 2})
    );
    assert_eq!(
        client.reply("POST").value(),
        serde_json::json!({"n": 2, "id": 3})
    );
    assert_eq!(
        client.reply("GET").value(),
        serde_json::json!({"n": 1, "id": 2})
    );
    assert_eq!(
        client.reply("POST").value(),
        serde_json::json!({"n": 3, "id": 4})
    );
}

#[test]
fn an_http_1_0_client_is_served_and_disconnected() {
    let fixture = serve_data(DATA);
    let mut client = fixture.client();
    client.write("GET /a/1 HTTP/1.0\r\n\r\n");
    let mut text = String::new();
    client.read_to_end(&mut text);
    assert!(
        text.starts_with("HTTP/1.0 200 ") && text.ends_with("{\n  \"id\": 1\n}"),
        "{text}"
    );
}

#[test]
fn half_a_body_changes_nothing() {
    let fixture = serve_data(DATA);
    for framing in [
        "Content-Length: 100\r\n\r\n{\"n\": 1}",
        "Transfer-Encoding: chunked\r\n\r\n8\r\n{\"n\": 1}\r\n",
    ] {
        let mut client = fixture.client();
        client.write(format!(
            "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{framing}"
        ));
        client.shutdown_write();
        let entry = fixture.entry(|entry| entry.method == "POST");
        assert_eq!(entry.status, 400, "{entry:?}");
        has(entry.note.unwrap(), "ended early");
        // A half-closed client gets the reason.
        client.reply("POST").problem(400, "bad-request");
    }
    // Nor does an incomplete request that needs no body.
    let mut client = fixture.client();
    client.write("DELETE /a/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf");
    client.shutdown_write();
    client.reply("DELETE").problem(400, "bad-request");
    // A malformed chunk size.
    let (_, reply) = exchange(
        &fixture,
        "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    );
    reply.problem(400, "bad-request");
    assert_eq!(fixture.data(), serde_json::json!({"a": [{"id": 1}]}));
}

#[test]
fn a_slow_client_gets_a_408() {
    let fixture = Fixture::new(DATA, None, |options| {
        options.limits.body_time = Duration::from_millis(50)
    });
    let head = "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let (mut client, reply) = exchange(&fixture, head);
    reply.problem(408, "timeout");
    assert!(client.is_closed());
}

#[test]
fn half_a_request_does_not_hold_up_the_stop() {
    for half in [
        "",
        "POST /a HT",
        "POST /a HTTP/1.1\r\nHost: localhost\r\n",
        "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"n\"",
        "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"n\"",
    ] {
        let grace = Duration::from_millis(300);
        let mut fixture = Fixture::new(DATA, None, |options| options.limits.grace = grace);
        let mut client = fixture.client();
        // The first request on the connection has been answered, so the server has the partial one.
        client.get("/a/1").status_is(200);
        client.write(half);
        let begin = Instant::now();
        fixture.stop();
        let took = begin.elapsed();
        assert!(took < grace + Duration::from_secs(2), "{half:?}: {took:?}");
        assert!(client.ends(), "{half:?}");
        assert_eq!(fixture.data(), serde_json::json!({"a": [{"id": 1}]}));
    }
}

#[test]
fn a_request_in_progress_is_answered_within_the_grace_period() {
    let mut fixture = Fixture::new(DATA, None, |options| options.limits.grace = DEADLINE);
    let mut client = fixture.client();
    let head = "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 8\r\n";
    client.write(format!("{head}Expect: 100-continue\r\n\r\n"));
    // Now the server waits for the body.
    assert_eq!(client.reply("POST").status, 100);
    let server = fixture.server.take().unwrap();
    let address = server.addresses()[0];
    let stopping = std::thread::spawn(move || server.stop());
    until("new connections are refused", || {
        std::net::TcpStream::connect(address).is_err().then_some(())
    });
    client.write("{\"n\": 1}");
    assert_eq!(client.reply("POST").status, 201);
    stopping.join().unwrap();
    assert_eq!(fixture.data()["a"][1]["n"], 1);
}

#[test]
fn a_stop_loses_no_acknowledged_write() {
    let mut fixture = serve_data("{\"a\": []}");
    let address = fixture.address();
    let writers: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(move || {
                let mut client = Client::connect(address);
                let mut ids = Vec::new();
                // Until the server closes the connection.
                while let Some(reply) = client.try_send("POST", "/a", JSON, "{}") {
                    if reply.status == 201 {
                        ids.push(reply.value()["id"].as_i64().unwrap());
                    }
                }
                ids
            })
        })
        .collect();
    until("some writes", || {
        (fixture.data()["a"].as_array()?.len() > 20).then_some(())
    });
    fixture.stop();
    let acknowledged: Vec<i64> = writers
        .into_iter()
        .flat_map(|writer| writer.join().unwrap())
        .collect();
    let in_file = ids(&fixture.data()["a"]);
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|id| !in_file.contains(id))
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert!(acknowledged.len() > 10);
}

/// A client may close its side after the request: `nc -N`, and libraries that shut down after writing.
#[test]
fn a_write_of_a_client_that_sends_nothing_more_is_carried_out_and_answered() {
    let fixture = Fixture::new(DATA, None, |options| {
        // It is still in progress when the end arrives.
        options.http.delay = standin::Delay::Fixed(Duration::from_millis(200))
    });
    let length = "Content-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"n\": 1}";
    let chunked = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"n\": 1}\r\n0\r\n\r\n";
    for (request, status) in [
        (
            format!("POST /a HTTP/1.1\r\nHost: localhost\r\n{length}"),
            201,
        ),
        (
            format!("POST /a HTTP/1.1\r\nHost: localhost\r\n{chunked}"),
            201,
        ),
        (
            format!("PUT /a/1 HTTP/1.1\r\nHost: localhost\r\n{length}"),
            200,
        ),
        (
            "DELETE /a/2 HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
            200,
        ),
    ] {
        let mut client = fixture.client();
        client.write(&request);
        client.shutdown_write();
        assert_eq!(client.reply("POST").status, status, "{request}");
        assert!(client.is_closed(), "{request}");
    }
    // So is a read, even if it takes a moment.
    for version in ["1.1", "1.0"] {
        let mut client = fixture.client();
        client.write(format!("GET /a HTTP/{version}\r\nHost: localhost\r\n\r\n"));
        client.shutdown_write();
        let line = client.line().unwrap();
        has(line, " 200 ");
    }
    let rows = fixture.data()["a"].as_array().unwrap().len();
    assert_eq!(rows, 2, "two were added and one was removed");
    // And a response that is larger than the system's buffers.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("large"), vec![b'x'; 20 << 20]).unwrap();
    let rows: Vec<String> = (0..4000)
        .map(|id| format!("{{\"id\": {id}, \"text\": \"{}\"}}", "x".repeat(5000)))
        .collect();
    let large = Fixture::new(
        &format!("{{\"a\": [{}]}}", rows.join(",")),
        None,
        |options| {
            options.http.folder = Some(folder.path().to_path_buf());
        },
    );
    for path in ["/large", "/db"] {
        let mut client = large.client();
        client.write(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        client.shutdown_write();
        let reply = client.reply("GET");
        assert!(
            reply.text().len() >= 20_000_000,
            "{path}: {}",
            reply.text().len()
        );
        assert!(client.is_closed(), "{path}");
    }
    // Nor is a delayed response lost.
    let mut client = fixture.client();
    client.write("GET /a/1?_delay=2000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.shutdown_write();
    client.reply("GET").status_is(200);
    assert!(client.is_closed());
    // A request with a partial body is not carried out.
    let before = fixture.text();
    let mut client = fixture.client();
    client.write("POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\n{\"n\"");
    client.shutdown_write();
    client.reply("POST").problem(400, "bad-request");
    assert_eq!(fixture.text(), before);
}

#[test]
fn an_idle_connection_lasts_longer_than_a_head_may_take() {
    let fixture = Fixture::new(DATA, None, |options| {
        options.limits.header_time = Duration::from_millis(300);
    });
    assert!(fixture.options.limits.idle_time >= Duration::from_secs(60));
    let mut used = fixture.client();
    used.get("/a/1").status_is(200);
    // A client that never sends a request, and ones that never finish one.
    assert!(fixture.client().is_closed());
    let mut first = fixture.client();
    first.write("GET /a");
    assert!(first.is_closed());
    used.get("/a/1").status_is(200);
    used.write("GET /a/1 HTTP/1.1\r\nHost: ");
    assert!(used.is_closed());
}

#[test]
fn an_idle_connection_is_closed_eventually() {
    let fixture = Fixture::new(DATA, None, |options| {
        options.limits.header_time = Duration::from_millis(100);
        options.limits.idle_time = Duration::from_millis(300);
    });
    let mut client = fixture.client();
    client.get("/a/1").status_is(200);
    assert!(client.is_closed());
}
