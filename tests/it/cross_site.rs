//! Cross-site requests: what pages of other sites can read and change, and how to allow them.

use standin::AllowedOrigin;

use crate::support::*;

const DATA: &str = r#"{"posts": [{"id": 1, "title": "a"}]}"#;

/// This machine's pages, whichever port they are from.
const LOCAL: [&str; 9] = [
    "http://localhost",
    "http://localhost:5173",
    "https://localhost:8443",
    "http://app.localhost:3000",
    "http://127.0.0.1:8080",
    "https://127.0.0.1",
    "http://127.1.2.3",
    "http://[::1]:5173",
    "http://[::ffff:7f00:1]:80",
];

/// The local network's.
const PRIVATE: [&str; 8] = [
    "http://192.168.1.20:5173",
    "https://10.0.0.8",
    "http://172.16.0.1",
    "http://169.254.10.10",
    "http://[fd12:3456::1]:3000",
    "http://[fe80::1]",
    "http://phone.local:8080",
    "https://a.b.local",
];

/// Anybody's.
const FOREIGN: [&str; 20] = [
    "null",
    "http://evil.example",
    "https://evil.example:3000",
    "http://8.8.8.8",
    "http://172.32.0.1",
    "http://[2001:db8::1]",
    "http://localhost.evil.example",
    "http://evil-localhost",
    "http://127.0.0.1.evil.example",
    "http://localhost@evil.example",
    "http://evil.example@localhost",
    "http://evil.example#.localhost",
    "http://evil.example/.localhost",
    "http://local",
    "http://evil.local.example",
    "capacitor://localhost",
    "file://localhost",
    "localhost",
    "http://localhost, http://evil.example",
    "",
];

fn fixture(origins: &[&str], host: &str) -> Fixture {
    Fixture::new(DATA, None, |options| {
        options.host = host.into();
        options.http.origins = origins
            .iter()
            .map(|origin| origin.parse::<AllowedOrigin>().unwrap())
            .collect();
    })
}

fn cors_headers(reply: &Reply) -> Vec<&str> {
    reply
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| name.to_ascii_lowercase().starts_with("access-control-"))
        .collect()
}

/// Asserts that a page of `origin` can read and change the data.
fn is_allowed(fixture: &Fixture, origin: &str) {
    let headers = [("Origin", origin), ("Sec-Fetch-Site", "cross-site")];
    let readable = |reply: &Reply, what: &str| {
        assert_eq!(
            reply.header("access-control-allow-origin"),
            Some(origin),
            "{what} {origin}"
        );
        assert_eq!(
            reply.header("access-control-allow-credentials"),
            Some("true"),
            "{what} {origin}"
        );
        assert!(
            reply.header("vary").unwrap().contains("Origin"),
            "{what} {origin}"
        );
    };
    let reply = fixture.send("GET", "/posts/1", &headers, "");
    assert_eq!((reply.status, reply.header("x-hint")), (200, None));
    readable(&reply, "GET");
    readable(&fixture.send("GET", "/posts/99", &headers, ""), "404");
    let asks = [
        headers[0],
        ("Access-Control-Request-Method", "PUT"),
        (
            "Access-Control-Request-Headers",
            "content-type,authorization",
        ),
        ("Access-Control-Request-Private-Network", "true"),
    ];
    let reply = fixture.send("OPTIONS", "/posts/1", &asks, "");
    assert_eq!(reply.status, 204);
    readable(&reply, "OPTIONS");
    for (name, value) in [
        (
            "access-control-allow-methods",
            "GET,HEAD,PUT,PATCH,POST,DELETE",
        ),
        ("access-control-allow-headers", "content-type,authorization"),
        ("access-control-allow-private-network", "true"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{origin}");
    }
    let json = [headers[0], headers[1], JSON[0]];
    let reply = fixture.send("PUT", "/posts/1", &json, "{\"title\": \"b\"}");
    assert_eq!(reply.status, 200, "{origin}");
    readable(&reply, "PUT");
    let reply = fixture.send("GET", "/posts?callback=f", &headers, "");
    assert!(reply.text().starts_with("/**/"), "{origin}");
    let mut client = fixture.client();
    client.write(format!(
        "GET /-/events HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n\r\n"
    ));
    let head = client.line().unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{origin}: {head}");
}

/// Asserts that a page of `origin` can neither read nor change anything.
fn is_refused(fixture: &Fixture, origin: &str) {
    let before = fixture.text();
    // `Sec-Fetch-Site` does not override the origin, and preflights cannot be bypassed.
    for site in ["cross-site", "same-origin", "none"] {
        let headers = [("Origin", origin), ("Sec-Fetch-Site", site)];
        for (method, path, more, body) in [
            ("POST", "/posts", JSON[0], "{\"title\": \"x\"}"),
            ("POST", "/posts", FORM[0], "title=x"),
            ("POST", "/posts", ("Accept", "*/*"), ""),
            (
                "POST",
                "/posts",
                ("Content-Type", "text/plain"),
                "{\"a\": 1}",
            ),
            ("PUT", "/posts/1", JSON[0], "{}"),
            ("PATCH", "/posts/1", JSON[0], "{\"a\": 1}"),
            ("DELETE", "/posts/1", ("Accept", "*/*"), ""),
            ("POST", "/posts/1", ("X-HTTP-Method-Override", "DELETE"), ""),
            ("POST", "/nowhere", JSON[0], "{}"),
            ("GET", "/posts?callback=f", ("Accept", "*/*"), ""),
            (
                "GET",
                "/posts?a=1&%63allback=f&callback=g",
                ("Accept", "*/*"),
                "",
            ),
            ("GET", "/db?callback=f", ("Accept", "*/*"), ""),
            ("GET", "/-/events", ("Accept", "*/*"), ""),
            ("GET", "/-/events/", ("Accept", "*/*"), ""),
        ] {
            let reply = fixture.send(method, path, &[headers[0], headers[1], more], body);
            let problem = reply.problem(403, "foreign-origin");
            assert_eq!(cors_headers(&reply), [""; 0], "{method} {path} {origin}");
            has(reply.header("vary").unwrap(), "Origin");
            let hint = problem["hint"].as_str().unwrap().replace('\'', "");
            let named = origin.parse::<AllowedOrigin>().is_ok();
            let option = if named { origin } else { "ORIGIN" };
            assert!(
                hint.contains(&format!("--cors {option}")),
                "{method} {path} {origin}: {hint}"
            );
        }
    }
    let headers = [("Origin", origin)];
    for (path, status) in [
        ("/posts", 200),
        ("/posts/99", 404),
        ("/", 200),
        ("/posts?_page=x", 400),
    ] {
        let reply = fixture.send("GET", path, &headers, "");
        assert_eq!(
            (reply.status, cors_headers(&reply).len()),
            (status, 0),
            "{origin}"
        );
        assert!(reply.header("x-hint").unwrap().contains("--cors"), "{path}");
    }
    let asks = [
        headers[0],
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Private-Network", "true"),
    ];
    let reply = fixture.send("OPTIONS", "/posts/1", &asks, "");
    assert_eq!(
        (reply.status, cors_headers(&reply).len()),
        (204, 0),
        "{origin}"
    );
    assert_eq!(fixture.text(), before, "{origin}");
}

#[test]
fn pages_of_this_machine_may_read_and_change() {
    let fixture = fixture(&[], "127.0.0.1");
    LOCAL.iter().for_each(|origin| is_allowed(&fixture, origin));
}

#[test]
fn pages_of_other_sites_may_not() {
    let fixture = fixture(&[], "127.0.0.1");
    for origin in FOREIGN.iter().chain(&PRIVATE) {
        is_refused(&fixture, origin);
    }
}

#[test]
fn on_the_network_its_pages_may() {
    let fixture = fixture(&[], "0.0.0.0");
    LOCAL
        .iter()
        .chain(&PRIVATE)
        .for_each(|origin| is_allowed(&fixture, origin));
    FOREIGN
        .iter()
        .for_each(|origin| is_refused(&fixture, origin));
}

/// A page served by standin itself, under an address or a local name of this machine. A public name is not enough: it
/// may be made to resolve to this machine (DNS rebinding).
#[test]
fn on_the_network_its_own_page_may() {
    let fixture = fixture(&[], "0.0.0.0");
    let post = |host: &str, origin: &str| {
        let mut client = fixture.client();
        client.write(format!(
            "POST /posts HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Length: 0\r\n\r\n"
        ));
        client.reply("POST")
    };
    for host in [
        "8.8.8.8:3000",
        "8.8.8.8",
        "[2001:db8::1]:3000",
        "devbox:3000",
        "devbox",
    ] {
        assert_eq!(post(host, &format!("http://{host}")).status, 201, "{host}");
    }
    for (host, origin) in [
        ("evil.example:3000", "http://evil.example:3000"),
        ("8.8.8.8:3000", "http://8.8.8.8:4000"),
        ("8.8.8.8:3000", "http://8.8.4.4:3000"),
        ("devbox:3000", "http://evil:3000"),
    ] {
        post(host, origin).problem(403, "foreign-origin");
    }
}

#[test]
fn origins_are_allowed_by_name() {
    let named = fixture(
        &["https://app.example", "http://b.example:8080"],
        "127.0.0.1",
    );
    is_allowed(&named, "https://app.example");
    is_allowed(&named, "http://b.example:8080");
    is_allowed(&named, "http://localhost:5173");
    for origin in [
        "http://app.example",
        "https://app.example:444",
        "https://x.app.example",
        "null",
    ] {
        is_refused(&named, origin);
    }
    let null = fixture(&["null"], "127.0.0.1");
    is_allowed(&null, "null");
    is_refused(&null, "http://evil.example");
    let all = fixture(&["*"], "127.0.0.1");
    for origin in ["null", "http://evil.example", "capacitor://localhost"] {
        is_allowed(&all, origin);
    }
}

#[test]
fn a_host_that_is_allowed_is_one_of_this_machine() {
    let fixture = Fixture::new(DATA, None, |options| {
        options.http.hosts = Some(vec!["mock.test".into()])
    });
    is_allowed(&fixture, "http://mock.test:5173");
    is_allowed(&fixture, "https://MOCK.test");
    is_refused(&fixture, "http://evil.mock.test");
}

/// With `--allow-host` on the network, other names that resolve to this machine are refused there, too.
#[test]
fn hosts_can_be_named_on_the_network() {
    let fixture = Fixture::new(DATA, None, |options| {
        options.host = "0.0.0.0".into();
        options.http.hosts = Some(vec!["mock.example".into()]);
    });
    let get = |host: &str| {
        let mut client = fixture.client();
        client.write(format!("GET /posts HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        client.reply("GET")
    };
    for host in [
        "mock.example",
        "10.0.0.1:3000",
        "8.8.8.8",
        "devbox",
        "phone.local",
        "localhost",
    ] {
        assert_eq!(get(host).status, 200, "{host}");
    }
    get("evil.example:3000").problem(403, "foreign-host");
}

#[test]
fn without_an_origin_the_browser_says_that_the_site_is_another() {
    let fixture = fixture(&["https://app.example"], "127.0.0.1");
    let before = fixture.text();
    let cross = ("Sec-Fetch-Site", "cross-site");
    let refused = [
        ("POST", "/posts", ""),
        ("DELETE", "/posts/1", ""),
        ("GET", "/posts?callback=f", ""),
        ("GET", "/-/events", ""),
    ];
    for (method, path, body) in refused {
        let reply = fixture.send(method, path, &[cross, ("Sec-Fetch-Mode", "no-cors")], body);
        let problem = reply.problem(403, "foreign-origin");
        has(problem["hint"].as_str().unwrap(), "--cors ORIGIN");
        let from = [cross, ("Referer", "http://evil.example/a?b")];
        let problem = fixture
            .send(method, path, &from, body)
            .problem(403, "foreign-origin");
        has(
            problem["hint"].as_str().unwrap(),
            "--cors http://evil.example",
        );
    }
    fixture
        .send(
            "POST",
            "/posts",
            &[cross, ("Sec-Fetch-Mode", "navigate"), FORM[0]],
            "a=1",
        )
        .problem(403, "foreign-origin");
    assert_eq!(fixture.text(), before);
    // Sites that are allowed by name can use JSONP, which has no `Origin`.
    for referer in ["https://app.example/", "http://localhost:5173/a"] {
        let from = [cross, ("Referer", referer)];
        let reply = fixture.send("GET", "/posts?callback=f", &from, "");
        assert!(reply.text().starts_with("/**/"), "{referer}");
    }
    // Images, links and ordinary reads, which the page cannot see.
    for (path, mode) in [
        ("/posts", "no-cors"),
        ("/posts", "navigate"),
        ("/", "navigate"),
        ("/posts?callback=f", "navigate"),
    ] {
        let reply = fixture.send("GET", path, &[cross, ("Sec-Fetch-Mode", mode)], "");
        assert_eq!(reply.status, 200, "{path} {mode}");
    }
    for site in ["same-origin", "same-site", "none"] {
        let site = [("Sec-Fetch-Site", site)];
        fixture.send("POST", "/posts", &site, "").status_is(201);
        assert!(
            fixture
                .send("GET", "/posts?callback=f", &site, "")
                .text()
                .starts_with("/**/")
        );
    }
}

#[test]
fn clients_other_than_browsers_are_not_affected() {
    let fixture = fixture(&[], "127.0.0.1");
    fixture.json("POST", "/posts", "{}").status_is(201);
    fixture.send("POST", "/posts", FORM, "a=1").status_is(201);
    assert!(fixture.get("/posts?callback=f").text().starts_with("/**/"));
    let referer = [("Referer", "http://evil.example/")];
    fixture.send("POST", "/posts", &referer, "").status_is(201);
}

#[test]
fn two_origin_headers_are_refused() {
    let fixture = fixture(&[], "127.0.0.1");
    let both = [
        ("Origin", "http://localhost"),
        ("Origin", "http://evil.example"),
    ];
    fixture
        .send("POST", "/posts", &both, "")
        .problem(403, "foreign-origin");
    let reply = fixture.send("GET", "/posts", &both, "");
    assert_eq!(cors_headers(&reply), [""; 0]);
}

#[test]
fn without_cors_headers_nobody_else_reads_and_foreign_pages_still_change_nothing() {
    let fixture = Fixture::new(DATA, None, |options| options.http.cors = false);
    for origin in ["http://localhost:5173", "http://evil.example"] {
        let origin = [("Origin", origin)];
        for (method, path) in [
            ("GET", "/posts"),
            ("OPTIONS", "/posts"),
            ("GET", "/posts/9"),
        ] {
            let reply = fixture.send(method, path, &origin, "");
            assert_eq!(cors_headers(&reply), [""; 0]);
            assert_eq!(reply.header("x-hint"), None);
        }
    }
    let post = |origin: &str| fixture.send("POST", "/posts", &[("Origin", origin), FORM[0]], "a=1");
    post("http://evil.example").problem(403, "foreign-origin");
    post("null").problem(403, "foreign-origin");
    assert_eq!(post("http://localhost:5173").status, 201);
    // Nor by JSONP, which needs no CORS.
    for headers in [
        &[("Origin", "http://localhost:5173")][..],
        &[("Origin", "http://evil.example")],
        &[("Origin", "null")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[
            ("Sec-Fetch-Site", "same-site"),
            ("Referer", "http://localhost:5173/"),
        ],
        &[
            ("Sec-Fetch-Site", "cross-site"),
            ("Referer", "http://127.0.0.1:5173/"),
        ],
    ] {
        for path in [
            "/posts?callback=f",
            "/posts/1?callback=f",
            "/nope?callback=f",
        ] {
            let reply = fixture.send("GET", path, headers, "");
            let problem = reply.problem(403, "foreign-origin");
            let hint = problem["hint"].as_str().unwrap();
            has(hint, "--no-cors");
        }
    }
    let own = format!("http://{}", fixture.address());
    for headers in [
        &[][..],
        &[("Sec-Fetch-Site", "same-origin")],
        &[("Origin", own.as_str())],
    ] {
        let reply = fixture.send("GET", "/posts?callback=f", headers, "");
        has(reply.text(), "f(");
    }
}

/// Errors of requests that hyper refuses before they reach the routes.
#[test]
fn errors_before_routing_follow_the_same_rule() {
    let fixture = Fixture::new(DATA, None, |options| options.limits.headers = 2000);
    let long = "x".repeat(3000);
    for (origin, readable) in [
        ("http://localhost:5173", true),
        ("http://evil.example", false),
    ] {
        for (start, end, status) in [
            ("GET /posts HTTP/1.1\r\nHost: x", "Bad Header\r\n", 400),
            (
                "GET /posts HTTP/1.1\r\nHost: x",
                "Content-Length: x\r\n",
                400,
            ),
            (
                "GET /posts HTTP/1.1\r\nHost: x",
                &format!("X: {long}\r\n"),
                431,
            ),
            ("GET /posts HTTP/3.7\r\nHost: x", "", 400),
        ] {
            let mut client = fixture.client();
            client.write(format!("{start}\r\nOrigin: {origin}\r\n{end}\r\n"));
            let reply = client.reply("GET");
            assert_eq!(reply.status, status);
            assert_eq!(
                reply.header("access-control-allow-origin"),
                readable.then_some(origin),
                "{end}"
            );
            assert_eq!(reply.header("vary"), Some("Origin"));
        }
    }
    let mut client = fixture.client();
    client.write("hello\r\n\r\n");
    assert_eq!(cors_headers(&client.reply("GET")), [""; 0]);
}

#[test]
fn nothing_under_the_admin_routes_is_a_script() {
    let fixture = fixture(&[], "127.0.0.1");
    for path in [
        "/-/health",
        "/-/requests",
        "/-/snapshots",
        "/-/conflicts",
        "/-/openapi.json",
        "/-/nothing",
    ] {
        for query in ["?callback=f", "?after=0&callback=f"] {
            let reply = fixture.get(&format!("{path}{query}"));
            assert!(reply.text().starts_with(['{', '[']), "{path}");
        }
    }
    assert!(fixture.get("/db?callback=f").text().starts_with("/**/"));
}
