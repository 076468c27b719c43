//! What a config file may expose: it may be in a folder from somebody else.

use crate::cli::place;
use crate::support::*;

#[test]
fn exposing_options_are_in_the_banner() {
    for (config, words, not) in [
        (
            r#"{"host": "0.0.0.0", "static": "build", "port": 0}"#,
            &["json-server.json", "host 0.0.0.0", "static build"][..],
            "port",
        ),
        (
            r#"{"port": 0, "cors": ["*", "https://app.example"], "allowHost": "a.test"}"#,
            &["cors *, cors https://app.example", "allow-host a.test"],
            "host localhost",
        ),
        (
            r#"{"port": 0, "host": "0.0.0.0", "static": null}"#,
            &["host 0.0.0.0"],
            "static",
        ),
    ] {
        let place = place(&[
            ("db.json", "{\"a\": []}"),
            ("build/x.txt", "x"),
            ("json-server.json", config),
        ]);
        let running = place.start(&["db.json"]);
        let line = running.line(|line| line.trim_start().starts_with("Config"));
        for word in words {
            has(&line, word);
        }
        lacks(&line, not);
    }
    // The file may turn the banner off.
    let place = place(&[
        ("db.json", "{\"a\": []}"),
        (
            "json-server.json",
            r#"{"port": 0, "host": "0.0.0.0", "quiet": true, "log-level": "error"}"#,
        ),
    ]);
    let running = place.start(&["db.json"]);
    running.error(|line| line.contains("json-server.json sets host 0.0.0.0"));
}

#[test]
fn typed_and_harmless_options_are_not_in_the_banner() {
    let config = r#"{"port": 0, "host": "0.0.0.0", "static": "/", "cors": "*", "delay": 1}"#;
    let place = place(&[
        ("db.json", "{\"a\": []}"),
        ("build/x.txt", "x"),
        ("json-server.json", config),
        (
            "quiet.json",
            r#"{"port": 0, "host": "localhost", "readOnly": true}"#,
        ),
    ]);
    let typed = [
        "db.json",
        "-H",
        "127.0.0.1",
        "-s",
        "build",
        "--cors",
        "https://app.example",
    ];
    for arguments in [
        &typed[..],
        &[&["serve"], &typed[..]].concat(),
        &["db.json", "-c", "quiet.json"],
    ] {
        let running = place.start(arguments);
        let mut client = None;
        running.line(|line| {
            assert!(!line.trim_start().starts_with("Config"), "{line}");
            if line.trim_start().starts_with("Home") {
                let home = line
                    .split_whitespace()
                    .last()
                    .unwrap()
                    .trim_end_matches('/');
                let port = home.rsplit(':').next().unwrap();
                client = Some(Client::connect(
                    format!("127.0.0.1:{port}").parse().unwrap(),
                ));
            }
            line.contains("Ctrl+C")
        });
        let mut client = client.unwrap();
        let reply = client.send("GET", "/a", &[("Origin", "http://evil.example")], "");
        assert_eq!(
            reply.header("access-control-allow-origin"),
            None,
            "typed wins"
        );
    }
}

#[test]
fn a_static_folder_is_in_the_project() {
    let place = place(&[
        ("project/db.json", "{\"a\": []}"),
        ("project/build/x.txt", "x"),
        ("other/x.txt", "x"),
        ("project-2/x.txt", "x"),
    ]);
    let outside = place.path("other").display().to_string();
    let run = |folder: &str, start: bool| {
        let config = serde_json::json!({ "port": 0, "static": folder });
        std::fs::write(place.path("project/json-server.json"), config.to_string()).unwrap();
        let mut running = place.start_in("project", &["db.json"]);
        if start {
            return running.line(|line| line.trim_start().starts_with("Config"));
        }
        let error = running.error(|line| line.starts_with("error: "));
        assert_eq!(running.child.wait().unwrap().code(), Some(2));
        error
    };
    for folder in [
        "/",
        "..",
        "../other",
        "../project-2",
        "build/../../other",
        &outside,
    ] {
        let error = run(folder, false);
        assert!(
            error.contains("json-server.json") && error.contains("outside"),
            "{folder}: {error}"
        );
    }
    for folder in ["build", "./build/", ".", "../project/build"] {
        run(folder, true);
    }
    // Links out of the folder, also of parents.
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("/", place.path("project/root")).unwrap();
        symlink("../other", place.path("project/link")).unwrap();
        symlink("..", place.path("project/build/up")).unwrap();
        symlink("build", place.path("project/site")).unwrap();
        for folder in ["root", "root/etc", "link", "build/up/../other"] {
            run(folder, false);
        }
        for folder in ["site", "build/up"] {
            run(folder, true);
        }
    }
}

/// The default folder can be a link, too.
#[cfg(unix)]
#[test]
fn public_is_in_the_project() {
    let place = place(&[
        ("project/db.json", "{\"a\": []}"),
        ("other/x.txt", "secret"),
    ]);
    std::os::unix::fs::symlink("../other", place.path("project/public")).unwrap();
    let running = place.start_in("project", &["db.json", "-p", "0"]);
    running.error(|line| line.contains("public") && line.contains("not served"));
    running.client().get("/x.txt").status_is(404);
    drop(running);
    let running = place.start_in("project", &["db.json", "-p", "0", "-s", "public"]);
    assert_eq!(running.client().get("/x.txt").text(), "secret");
}
