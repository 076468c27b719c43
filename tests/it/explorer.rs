//! Tests of the explorer without a browser; the others are in `tests/browser`.

use serde_json::json;

use crate::support::*;

const FILES: [&str; 22] = [
    "/-/",
    "/-/icon.svg",
    "/-/explorer.css",
    "/-/explorer/main.js",
    "/-/explorer/dom.js",
    "/-/explorer/json.js",
    "/-/explorer/api.js",
    "/-/explorer/code.js",
    "/-/explorer/model.js",
    "/-/explorer/cells.js",
    "/-/explorer/fields.js",
    "/-/explorer/change.js",
    "/-/explorer/table.js",
    "/-/explorer/record.js",
    "/-/explorer/panel.js",
    "/-/explorer/log.js",
    "/-/explorer/requests.js",
    "/-/explorer/history.js",
    "/-/explorer/rules.js",
    "/-/explorer/server.js",
    "/-/explorer/login.js",
    "/-/explorer/compose.js",
];

/// The files that are loaded when their page is opened.
const LATER: [&str; 6] = [
    "record", "requests", "history", "rules", "server", "compose",
];

#[test]
fn it_is_small() {
    let fixture = serve();
    let (mut first, mut largest) = (0, 0);
    for path in FILES {
        let size = fixture.get(path).body.len();
        let is_later = |page: &&str| path.ends_with(&format!("/{page}.js"));
        if LATER.iter().any(is_later) {
            largest = largest.max(size);
        } else {
            first += size;
        }
    }
    assert!(first < 130_000, "the page has {first} bytes");
    let whole = first + largest;
    assert!(whole < 150_000, "a page has {whole} bytes");
}

#[test]
fn the_page_runs_only_its_own_scripts_and_contacts_no_other_host() {
    let fixture = serve();
    for path in ["/", "/-/"] {
        let reply = fixture.get(path);
        let policy = reply.header("content-security-policy").unwrap();
        has(policy, "default-src 'none'");
        has(policy, "script-src 'self'");
        lacks(policy, "unsafe");
        has(policy, "frame-ancestors 'none'");
        let text = reply.text();
        lacks(text, " style=");
        lacks(text, " onclick=");
        for script in text.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/-/"), "{path}: {script}");
        }
    }
    for path in FILES {
        let reply = fixture.get(path);
        let text = reply.text();
        for outside in ["https://", "http://", "@import", " url("] {
            let found = text.match_indices(outside).find(|(at, _)| {
                // The namespace of SVG is a name, not an address.
                !text[*at..].starts_with("http://www.w3.org/")
            });
            assert_eq!(found, None, "{path}");
        }
    }
}

/// Swagger UI works offline: the page loads only files of this server. Its policy is looser, because it uses inline
/// styles.
#[test]
fn the_api_reference_is_complete() {
    let fixture = serve();
    let page = fixture.get("/-/docs");
    let policy = page.header("content-security-policy").unwrap();
    has(policy, "script-src 'self';");
    lacks(page.text(), "http");
    for (path, kind) in [
        ("/-/docs/start.js", "text/javascript; charset=utf-8"),
        (
            "/-/docs/swagger-ui-bundle.js",
            "text/javascript; charset=utf-8",
        ),
        ("/-/docs/swagger-ui.css", "text/css; charset=utf-8"),
        ("/-/reference.css", "text/css; charset=utf-8"),
        ("/-/docs/LICENSE", "text/plain; charset=utf-8"),
    ] {
        let file = fixture.get(path);
        assert_eq!(
            (file.status, file.header("content-type")),
            (200, Some(kind)),
            "{path}"
        );
        assert!(!file.body.is_empty());
    }
    fixture.get("/-/docs/nothing.js").status_is(404);
}

/// Whatever comes from the data goes into the page as text.
#[test]
fn values_never_become_markup() {
    let fixture = serve();
    for path in FILES {
        let reply = fixture.get(path);
        for risk in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "srcdoc",
        ] {
            assert!(!reply.text().contains(risk), "{path} has {risk}");
        }
    }
    let hostile = "{\"<script>alert(1)</script>\": [], \"\\\"><img src=x onerror=alert(1)>\": [], \"&lt;b\": {}}";
    let text = serve_data(hostile).get("/").text().to_string();
    lacks(&text, "<script>alert");
    lacks(&text, "<img src=x");
}

#[test]
fn an_index_of_the_static_folder_goes_first() {
    let folder = folder_with(&[("index.html", "mine")]);
    let fixture = Fixture::new(HOSTILE, None, |options| {
        options.http.folder = Some(folder.path().to_path_buf())
    });
    assert_eq!(fixture.get("/").text(), "mine");
    has(fixture.get("/-/").text(), "standin");
}

#[cfg(unix)]
#[test]
fn dot_files_are_not_served_through_links() {
    use std::os::unix::fs::symlink;
    let folder = folder_with(&[
        (".env", "secret"),
        (".git/index.html", "secret"),
        ("a.txt", "open"),
    ]);
    for (to, name) in [
        (".env", "e.txt"),
        (".git", "git"),
        (".git/index.html", "i.html"),
        ("a.txt", "b.txt"),
    ] {
        symlink(to, folder.path().join(name)).unwrap();
    }
    let fixture = Fixture::new(HOSTILE, None, |options| {
        options.http.folder = Some(folder.path().to_path_buf())
    });
    for path in ["/e.txt", "/git/", "/git/index.html", "/i.html", "/.env"] {
        fixture.get(path).problem(404, "no-resource");
    }
    assert_eq!(fixture.get("/b.txt").text(), "open");
}

#[test]
fn the_icon_that_browsers_request_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(HOSTILE, None, |options| {
        options.http.folder = Some(folder.path().to_path_buf())
    });
    let reply = fixture.get("/favicon.ico");
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("image/svg+xml"))
    );
    assert_eq!(reply.text(), fixture.get("/-/icon.svg").text());
    fixture
        .json("POST", "/favicon.ico", "{}")
        .problem(404, "no-resource");
    std::fs::write(folder.path().join("favicon.ico"), "mine").unwrap();
    assert_eq!(fixture.get("/favicon.ico").text(), "mine");
    fixture.get("/db");
    // It is not in the log.
    let asked =
        |entry: &standin::AccessLogEntry| entry.method == "GET" && !entry.target.starts_with("/-/");
    assert_eq!(fixture.entry(asked).target, "/db");
}

#[test]
fn the_history_leads_back_to_each_version() {
    let fixture = serve_data(r#"{"a": [{"id": 1, "n": 1}], "b": [{"id": 1, "aId": 1}]}"#);
    let patch = |n: &str| fixture.json("PATCH", "/a/1", &format!("{{\"n\": {n}}}"));
    patch("2");
    patch("3");
    let history = fixture.get("/-/history").value();
    assert_eq!(history["version"], 2);
    let step = &history["steps"][0];
    assert_eq!(
        (&step["version"], &step["cause"]),
        (&json!(2), &json!("api"))
    );
    let change = &step["changes"][0];
    assert_eq!(
        (&change["before"]["n"], &change["after"]["n"]),
        (&json!(2), &json!(3))
    );
    let back =
        |version: u64| fixture.send("POST", &format!("/-/reset?version={version}"), NONE, "");
    assert_eq!(back(1).status, 200);
    assert_eq!(fixture.get("/a/1").value()["n"], 2);
    // Undone, the state of before is current under another number.
    fixture.send("POST", "/-/undo", NONE, "");
    assert_eq!(fixture.get("/a/1").value()["n"], 3);
    assert_eq!(back(0).status, 200);
    assert_eq!(fixture.get("/a/1").value()["n"], 1);
    back(99).problem(404, "no-snapshot");
    let planned = fixture.get("/-/dependents/a?id=1").value();
    assert_eq!(planned["removed"], json!({ "a": [1], "b": [1] }));
    assert_eq!(fixture.get("/b").value()[0]["aId"], 1);
}

#[test]
fn writes_are_refused_while_the_switch_is_on() {
    let fixture = serve_data(r#"{"a": []}"#);
    assert_eq!(
        fixture.get("/-/settings").value(),
        json!({ "readOnly": false })
    );
    fixture
        .json("PUT", "/-/settings", r#"{"readOnly": 1}"#)
        .problem(400, "not-an-object");
    fixture.json("PUT", "/-/settings", r#"{"readOnly": true}"#);
    fixture.json("POST", "/a", "{}").problem(403, "read-only");
    assert_eq!(fixture.get("/-/health").value()["readOnly"], true);
    fixture.json("PUT", "/-/settings", r#"{"readOnly": false}"#);
    fixture.json("POST", "/a", "{}").status_is(201);
}
