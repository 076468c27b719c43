//! Options: on the command line, in the environment, in a config file, in the data file.

use std::process::Command;

use crate::cli::place;
use crate::support::*;

#[test]
fn with_neither_file_named_data_db_json_comes_before_db_json() {
    let place = place(&[("db.json", "{\"plain\": []}")]);
    let running = place.start(&["-p", "0"]);
    assert!(
        running
            .line(|line| line.contains("File"))
            .ends_with("  db.json")
    );
    // A file without a folder in its path can be watched, too.
    let mut client = running.client();
    std::fs::write(place.path("db.json"), "{\"plain\": [{\"id\": 3}]}").unwrap();
    running.line(|line| line == "reloaded db.json: 1 record added in plain");
    client.get("/plain/3").status_is(200);
    drop(running);
    std::fs::create_dir(place.path("data")).unwrap();
    std::fs::write(place.path("data/db.json"), "{\"usual\": []}").unwrap();
    let running = place.start(&["serve", "--port=0"]);
    assert!(
        running
            .line(|line| line.contains("File"))
            .ends_with("  data/db.json")
    );
}

#[test]
fn a_wrong_option_is_reported_once_with_exit_code_2() {
    let place = place(&[("db.json", "{}")]);
    for (arguments, words) in [
        (&["--prot", "1"][..], "--port"),
        (&["--port", "x"], "--port"),
        (&["--port", "70000"], "--port"),
        (&["--durability", "maybe"], "synced"),
        (&["--body-limit", "much"], "100k"),
        (&["--body-limit", "0"], "100k"),
        (&["--no-cors=maybe"], "--no-cors"),
    ] {
        let errors = place.fails(arguments);
        assert!(errors.contains(words), "{arguments:?}: {errors}");
    }
}

#[test]
fn a_missing_file_says_what_to_do() {
    let place = place(&[("other.json", "{}"), ("package.json", "{}")]);
    let errors = place.fails(&["db.json"]);
    has(&errors, "there is no file db.json");
    has(&errors, "other.json");
    lacks(&errors, "package.json");
    let errors = place.fails(&[]);
    has(&errors, "data/db.json");
    has(&errors, "standin other.json");
    let errors = place.fails(&["other.json", "--schema", "rules.json", "-p", "0"]);
    has(&errors, "rules.json");
    let errors = place.fails(&["-p", "0", "."]);
    has(&errors, ". is a folder, not a file");
    has(&errors, "other.json");
    let errors = place.fails(&["openapi", "nofile.json"]);
    has(&errors, "there is no file nofile.json");
    has(&errors, "other.json");
    let errors = place.fails(&["start"]);
    has(&errors, "there is no file start");
    has(&errors, "commands are");
    let errors = place.fails(&["missing.md"]);
    has(&errors, "there is no file missing.md");
    has(&errors, "standin check");
}

#[test]
fn a_value_of_the_wrong_kind_says_what_is_expected() {
    let place = place(&[("db.json", "{}")]);
    for (option, value, expected) in [
        ("--id", "", "it must not be empty"),
        ("--allow-host", "", "it must not be empty"),
        ("--delay", "-5", "not a time such as 200ms"),
        ("--poll", "abc", "it is a whole number, such as 500"),
        ("--unseen", "1s", "it is a whole number, such as 500"),
        ("--grace", "abc", "it is a whole number, such as 500"),
        ("--write-time", "abc", "it is a whole number, such as 500"),
    ] {
        let errors = place.fails(&["db.json", option, value]);
        has(errors.lines().next().unwrap(), expected);
    }
}

#[test]
fn a_named_file_that_is_missing_says_what_it_would_hold() {
    let place = place(&[("db.json", "{}")]);
    for (option, words) in [
        ("--routes", "there is no routes file no.json\n  help: "),
        ("--config", "there is no config file no.json\n  help: "),
    ] {
        has(place.fails(&["db.json", option, "no.json"]), words);
    }
}

#[test]
fn a_limit_out_of_range_is_refused() {
    for (option, value) in [
        ("--connections", "0"),
        ("--depth-limit", "200"),
        ("--pattern-limit", "2000"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_standin"))
            .args(["db.json", option, value])
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(option) && error.contains(".."), "{error}");
    }
}

#[test]
fn a_second_file_is_refused_with_a_way_to_join_them() {
    let place = place(&[("a.json", "{}"), ("b.json", "{}")]);
    for arguments in [
        &["a.json", "b.json"][..],
        &["--port", "0", "a.json", "b.json"],
        &["serve", "a.json", "b.json"],
    ] {
        let errors = place.fails(arguments);
        has(&errors, "one file");
        has(&errors, "(jq -s add a.json b.json > joined.json)");
    }
    // The command overwrites nothing.
    std::fs::write(place.path("joined.json"), "{}").unwrap();
    let errors = place.fails(&["a.json", "joined.json"]);
    has(&errors, "a.json joined.json > joined-2.json");
    for (word, command) in [("start", "serve"), ("serv", "serve"), ("chekc", "check")] {
        let errors = place.fails(&[word, "a.json"]);
        has(&errors, format!("no command {word}"));
        has(&errors, format!("standin {command} a.json"));
    }
}

#[test]
fn the_environment_names_port_and_host() {
    let mut place = place(&[("db.json", "{\"a\": []}"), ("page.md", "# A page\n")]);
    place.variables = vec![("PORT", "abc")];
    let errors = place.fails(&["db.json"]);
    has(&errors, "environment variable PORT");
    has(&errors, "abc");
    assert_eq!(place.run(&["openapi", "db.json"]).status.code(), Some(0));
    assert_eq!(
        place
            .run(&["check", "page.md", "--allow-empty"])
            .status
            .code(),
        Some(0)
    );
    // Typed options win.
    drop(place.start(&["db.json", "-p", "0"]).client());
    place.variables = vec![
        ("PORT", "0"),
        ("STANDIN_HOST", "127.0.0.1"),
        ("HOST", "example.com"),
    ];
    let running = place.start(&["db.json"]);
    assert!(running.home().starts_with("http://127.0.0.1:"));
    drop(running);
    // An empty variable counts as unset: the port is the default, or in use.
    place.variables = vec![("PORT", ""), ("STANDIN_HOST", "")];
    let running = place.start(&["db.json"]);
    let said = running.any(|line| line.trim_start().starts_with("Home") || line.contains("in use"));
    has(said, "3000");
}

#[test]
fn flags_take_a_value_as_in_json_server() {
    let place = place(&[("db.json", "{\"a\": []}"), ("site/x.txt", "text")]);
    let origin = &[("Origin", "http://localhost:5173")];
    for (option, allowed) in [
        ("--no-cors", false),
        ("--no-cors=true", false),
        ("--nc=true", false),
        ("--no-cors=false", true),
    ] {
        let running = place.start(&[
            "-p",
            "0",
            "db.json",
            option,
            "--no-gzip=true",
            "-s",
            "site",
            "-w",
        ]);
        let mut client = running.client();
        let reply = client.send("GET", "/a", origin, "");
        assert_eq!(
            reply.header("access-control-allow-origin").is_some(),
            allowed,
            "{option}"
        );
        assert_eq!(client.get("/x.txt").text(), "text");
    }
    for (option, status) in [
        ("--read-only=true", 403),
        ("--ro=true", 403),
        ("--read-only=false", 201),
    ] {
        let running = place.start(&["-p", "0", option, "--watch=true", "db.json"]);
        assert_eq!(
            running.client().send("POST", "/a", JSON, "{}").status,
            status,
            "{option}"
        );
    }
}

#[test]
fn the_config_file_sets_options() {
    let place = place(&[
        ("db.json", "{\"a\": []}"),
        (
            "json-server.json",
            "{\"port\": 0, \"host\": \"127.0.0.1\", \"readOnly\": true, \"watch\": false, \"nc\": true, \"static\": null}",
        ),
    ]);
    let running = place.start(&["db.json"]);
    running
        .client()
        .send("POST", "/a", JSON, "{}")
        .status_is(403);
    drop(running);
    let running = place.start(&["serve", "db.json", "--read-only=false"]);
    running
        .client()
        .send("POST", "/a", JSON, "{}")
        .status_is(201);
    assert_eq!(place.run(&["openapi", "db.json"]).status.code(), Some(0));
}

#[test]
fn an_error_of_the_config_file_names_it_and_its_keys() {
    for (config, words) in [
        (
            "{\"Port\": 4000}",
            &["\"Port\"", "did you mean \"port\"", "host, "][..],
        ),
        (
            "{\"read_only\": true}",
            &["\"read_only\"", "did you mean \"read-only\""],
        ),
        ("{\"port\": \"x\"}", &["'x'", "--port"]),
        ("{\"port\": [1]}", &["\"port\" cannot be [1]"]),
        ("{\"no-cors\": 7}", &["--no-cors", "'7'"]),
        ("{\"middlewares\": [\"a.js\"]}", &["middlewares", "delay"]),
        ("{\"config\": \"x.json\"}", &["\"config\""]),
        ("{\"port\": 1,}", &[":1:12"]),
        ("[]", &["object of options"]),
    ] {
        let place = place(&[
            ("db.json", "{}"),
            ("json-server.json", config),
            ("own.json", config),
        ]);
        for (arguments, name) in [
            (&["db.json"][..], "json-server.json"),
            (&["-c", "own.json", "db.json"], "own.json"),
        ] {
            let errors = place.fails(arguments);
            assert!(errors.starts_with(&format!("error: {name}:")), "{errors}");
            for word in words {
                has(&errors, word);
            }
        }
    }
}

/// The table of `docs/options.md` is the list of keys that an error gives.
#[test]
fn the_keys_of_the_config_file_are_documented() {
    let place = place(&[("db.json", "{}"), ("json-server.json", "{\"nothing\": 1}")]);
    let errors = place.fails(&["db.json"]);
    let keys: Vec<&str> = errors
        .split("its keys are ")
        .nth(1)
        .unwrap()
        .trim()
        .split(", ")
        .collect();
    let page = include_str!("../../docs/options.md");
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|row| row.0);
    let documented: Vec<&str> = rows
        .filter(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
        .collect();
    for key in &keys {
        assert!(
            documented.contains(key),
            "docs/options.md does not have {key}"
        );
    }
    for key in documented {
        assert!(keys.contains(&key), "there is no option {key}");
    }
}

#[test]
fn the_options_of_the_file_and_of_json_server_are_accepted() {
    let place = place(&[
        ("db.json", "{\"a\": []}"),
        (
            "rules.json",
            "{\"properties\": {\"a\": {\"items\": {\"required\": [\"x\"]}}}}",
        ),
    ]);
    let running = place.start(&[
        "--watch",
        "db.json",
        "--port",
        "0",
        "--host",
        "127.0.0.1",
        "--schema",
        "rules.json",
        "--body-limit",
        "1k",
    ]);
    has(running.line(|line| line.contains("Rules")), "rules.json");
    let mut client = running.client();
    client.send("POST", "/a", JSON, "{}").problem(400, "rules");
    client.send("POST", "/a", JSON, "{\"x\": 1}").status_is(201);
    client
        .send(
            "POST",
            "/a",
            JSON,
            format!("{{\"x\": \"{}\"}}", "y".repeat(1024)),
        )
        .problem(413, "too-large");
}
