//! The commands other than `serve`, and the options of a start: `--exec`, `--open`, `--port auto`,
//! `--exit-on-stdin-close`.

#[cfg(unix)]
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::cli::{Place, place};
use crate::support::*;

#[cfg(unix)]
const STANDIN: &str = env!("CARGO_BIN_EXE_standin");

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// The output of a command, which must succeed.
fn prints(place: &Place, arguments: &[&str]) -> String {
    let ended = place.run(arguments);
    assert_eq!(
        (ended.status.code(), ended.errors.as_str()),
        (Some(0), ""),
        "{arguments:?}: {ended:?}"
    );
    ended.out
}

#[test]
fn an_empty_folder_suggests_init_which_makes_data_that_is_served() {
    let place = place(&[]);
    let errors = place.fails(&[]);
    has(&errors, "no data file here");
    has(&errors, "standin init");
    let said = prints(&place, &["init"]);
    has(&said, "wrote db.json: users, posts and comments");
    has(&said, "db.schema.json");
    let running = place.start(&["--port", "0"]);
    let mut client = running.client();
    assert_eq!(
        client.get("/posts/1?_expand=user").value()["user"]["name"],
        "Ada Lovelace"
    );
    let grace = r#"{"name": "G", "email": "GRACE@example.com"}"#;
    client
        .send("POST", "/users", JSON, grace)
        .problem(409, "not-unique");
    client
        .send("POST", "/comments", JSON, r#"{"body": "x", "postId": 9}"#)
        .problem(404, "reference");
}

#[test]
fn init_makes_the_collections_that_are_named() {
    let place = place(&[]);
    let said = prints(&place, &["init", "posts", "songs", "songs"]);
    has(said, "posts and songs");
    let data = parse(&place.text("db.json"));
    assert_eq!(
        (&data["songs"], data["posts"][0].get("userId")),
        (&json!([]), None),
        "nothing points to what is not there"
    );
    let running = place.start(&["--port", "0"]);
    running
        .client()
        .send("POST", "/songs", JSON, r#"{"name": "x"}"#)
        .status_is(201);
    for name in ["a/b", "users.json", "", "$x", "a b"] {
        let errors = place.fails(&["init", name]);
        has(&errors, "name of a collection");
    }
}

#[test]
fn init_overwrites_nothing() {
    for name in ["db.json", "db.schema.json", "data/db.json"] {
        let place = place(&[(name, "{}")]);
        let errors = place.fails(&["init"]);
        has(&errors, format!("{name} exists already"));
        assert_eq!(place.text(name), "{}");
        assert_eq!(std::fs::read_dir(place.path(".")).unwrap().count(), 1);
    }
    let place = place(&[("db.json", "{}"), ("other.yaml", "users: []")]);
    let errors = place.fails(&["init", "--from", "other.yaml"]);
    has(&errors, "db.json exists already");
    assert_eq!(place.text("db.json"), "{}");
}

#[test]
fn init_converts_other_formats() {
    let ada = json!([{"id": 1, "name": "Ada"}]);
    for (name, text, data) in [
        (
            "data.json5",
            "// x\n{users: [{id: 1, name: 'Ada',}],}",
            json!({"users": ada}),
        ),
        (
            "db.jsonc",
            "{ /* x */ \"users\": [{\"id\": 1, \"name\": \"Ada\"}] }",
            json!({"users": ada}),
        ),
        (
            "db.yaml",
            "users:\n  - id: 1\n    name: Ada\n",
            json!({"users": ada}),
        ),
        ("users.yml", "- {id: 1, name: Ada}\n", json!({"users": ada})),
        (
            "norway.yaml",
            "a: {country: no, day: 2026-01-31}\n",
            json!({"a": {"country": "no", "day": "2026-01-31"}}),
        ),
        (
            "users.csv",
            "\u{feff}id,name\r\n1,Ada\r\n",
            json!({"users": ada}),
        ),
        (
            "places.csv",
            "id;zip;price;open;note\n1;01234;1.5;true;\"a;b\"\n2;12345;;false;\n",
            json!({"places": [
                {"id": 1, "zip": "01234", "price": 1.5, "open": true, "note": "a;b"},
                {"id": 2, "zip": "12345", "price": null, "open": false, "note": ""}
            ]}),
        ),
        (
            "big.csv",
            "id\n12345678901234567890123\n",
            json!({"big": [{"id": "12345678901234567890123"}]}),
        ),
        (
            "users.ndjson",
            "{\"id\": 1, \"name\": \"Ada\"}\n\n",
            json!({"users": ada}),
        ),
        ("users.jsonl", "", json!({"users": []})),
        (
            "users.json",
            "[{\"id\": 1, \"name\": \"Ada\"}]",
            json!({"users": ada}),
        ),
    ] {
        let place = place(&[(&format!("in/{name}"), text)]);
        let said = prints(&place, &["init", "--from", &format!("in/{name}")]);
        has(said, "in/db.json");
        assert_eq!(parse(&place.text("in/db.json")), data, "{name}");
        assert_eq!(place.text(&format!("in/{name}")), text);
        place.start(&["in/db.json", "--port", "0"]).home();
    }
    for (name, text, words) in [
        ("a.yaml", "a: [", "a.yaml"),
        ("a.yaml", "5", "neither resources by name nor a list"),
        ("a.json5", "{a: }", "a.json5"),
        ("a.csv", "a,b\n1\n", "a.csv"),
        (
            "a.csv",
            "id,name,name\n1,A,B\n",
            "two columns are called \"name\"",
        ),
        (
            "a.csv",
            "id,name\n1,\"A\n2,B\n",
            "a quoted cell is not closed",
        ),
        ("a.json5", "{a: [1], a: []}", "the key \"a\" appears twice"),
        ("a.json5", "{a: Infinity}", "JSON has no number inf"),
        ("a.yaml", "a: .nan", "non-finite"),
        ("a.ndjson", "{}\n{", "line 2"),
        ("a.ndjson", "{}\n{\"id\": 2\n", "at line 2 column 8"),
        ("a.ndjson", "{}\n{\"id\": 2\n{}\n", "at line 2 column 8"),
        ("a.json", "{\"a\": []}", "is a data file already"),
        ("a.txt", "x", "a.txt"),
    ] {
        let place = place(&[(name, text)]);
        let errors = place.fails(&["init", "--from", name]);
        has(&errors, words);
        assert!(!place.path("db.json").exists());
    }
    place(&[]).fails(&["init", "--from", "missing.yaml"]);
}

/// Runs the last command in a message in a shell.
#[cfg(unix)]
fn follow_help(place: &Place, errors: &str) {
    let command = errors
        .lines()
        .rfind(|line| line.contains("help:"))
        .and_then(|line| line.split_once(": "))
        .unwrap()
        .1;
    let command = command
        .split_once(": ")
        .map_or(command, |(_, command)| command);
    let path = format!(
        "{}:{}",
        Path::new(STANDIN).parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(place.path("."))
        .env("PATH", path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
}

#[cfg(unix)]
#[test]
fn a_file_in_another_format_is_refused_with_a_command_that_converts_it() {
    for (name, text) in [
        ("my users.json5", "{users: []}"),
        ("db.jsonc", "{\"users\": []}"),
        ("db.yaml", "users: []"),
        ("db.YML", "users: []"),
        ("users.csv", "id\n1\n"),
        ("users.ndjson", "{}\n"),
        ("users.json", "[{\"id\": 1}]"),
        ("db.json", "\n[{\"id\": 1}]"),
        ("db.json", "{\"id\": 1}\n{\"id\": 2}\n"),
        ("db.json", "// c\n{\"users\": [/* d */]}"),
        ("users.json", "{\"users\": [] // c\n}"),
    ] {
        let place = place(&[(name, text)]);
        let errors = place.fails(&["--port", "0", name]);
        has(&errors, "standin init --from");
        follow_help(&place, &errors);
        place.start(&["--port", "0"]).home();
    }
    // A conversion is not suggested for broken JSON.
    for text in [
        "// c\n{",
        "{\"a\": [],}",
        "[1, ",
        "\"users\": []",
        "{\"a\": [], \"a\": []}",
        "{} x",
    ] {
        let errors = place(&[("db.json", text)]).fails(&["--port", "0", "db.json"]);
        lacks(&errors, "init --from");
    }
}

#[test]
fn completions_know_the_commands_and_options() {
    let place = place(&[]);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = prints(&place, &["completions", shell]);
        for word in ["exit-on-stdin-close", "durability", "openapi", "init"] {
            assert!(text.contains(word), "{shell} does not know {word}");
        }
        // The installed shells must be able to parse it.
        if matches!(shell, "bash" | "zsh" | "fish") {
            std::fs::write(place.path("completions"), &text).unwrap();
            if let Ok(output) = Command::new(shell)
                .arg("-n")
                .arg(place.path("completions"))
                .output()
            {
                assert!(output.status.success(), "{shell}: {output:?}");
            }
        }
    }
}

#[test]
fn the_manual_page_has_every_option_of_the_help() {
    let place = place(&[]);
    let manual = prints(&place, &["man"]);
    has(&manual, ".TH standin 1");
    let help = prints(&place, &["--help"]);
    let options = help
        .lines()
        .filter_map(|line| line.trim().split_once("--"))
        .filter(|(before, _)| before.len() <= 4);
    let names: Vec<&str> = options
        .map(|(_, rest)| rest.split([' ', '[', '=']).next().unwrap())
        .collect();
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        assert!(
            manual.contains(&name.replace('-', "\\-")),
            "the manual does not have --{name}"
        );
    }
}

#[test]
fn schemas_accept_what_the_program_reads() {
    let place = place(&[]);
    prints(&place, &["init"]);
    let schema = |file: &str| {
        let schema = parse(&prints(&place, &["schema", file]));
        jsonschema::draft202012::new(&schema).unwrap_or_else(|error| panic!("{file}: {error}"))
    };
    let own_rules = parse(&place.text("db.schema.json"));
    let every_rule = parse(
        r##"{"$defs": {"name": {"type": "string"}}, "x-own": 1, "properties": {"a": {
            "uniqueItemProperties": ["b", ["c", "d"]], "items": {"properties": {
                "b": {"$ref": "#/$defs/name"}, "c": {"references": {"resource": "a/b", "onDelete": "restrict"}}},
                "additionalProperties": false}}}}"##,
    );
    for (file, good, bad) in [
        ("api", parse(&place.text("db.json")), json!([])),
        (
            "rules",
            own_rules,
            json!({"properties": {"a": {"items": {"propertys": {}}}}}),
        ),
        (
            "rules",
            every_rule,
            json!({"properties": {"a": {"items": {"references": {"onDelete": "x"}}}}}),
        ),
        (
            "rules",
            parse(RULES),
            json!({"properties": {"a": {"items": {"type": "strin"}}}}),
        ),
        ("routes", json!({"/api/*": "/$1"}), json!({"/api": 1})),
        (
            "config",
            json!({"port": 4000, "readOnly": true, "static": "build"}),
            json!({"prot": 4000}),
        ),
        (
            "config",
            json!({"$schema": "x", "port": "auto", "body-limit": "10m", "fks": "_id"}),
            json!({"port": 70000}),
        ),
        (
            "config",
            json!({"durability": "memory", "allow-host": ["a"], "routes": null}),
            json!({"exec": "rm"}),
        ),
        (
            "config",
            json!({"static": false, "read-only": null}),
            json!({"durability": "sure"}),
        ),
    ] {
        let schema = schema(file);
        assert!(
            schema.is_valid(&good),
            "{file}: {good} {:?}",
            schema.validate(&good).map_err(|error| error.to_string())
        );
        assert!(!schema.is_valid(&bad), "{file}: {bad}");
    }
    // The program accepts the `$schema` that an editor needs.
    let place = self::place(&[
        ("db.json", "{}"),
        (
            "json-server.json",
            r#"{"$schema": "config.json", "port": 0}"#,
        ),
    ]);
    place.start(&[]).home();
}

#[test]
fn a_config_file_cannot_run_commands() {
    let place = place(&[
        ("db.json", "{}"),
        ("json-server.json", "{\"port\": 0, \"exec\": \"echo\"}"),
    ]);
    let errors = place.fails(&[]);
    has(&errors, "no option \"exec\"");
}

#[test]
fn health_reports_by_its_exit_code() {
    let place = place(&[("db.json", "{}")]);
    let running = place.start(&["db.json", "--port", "0", "--no-admin"]);
    let home = running.home();
    for url in [
        home.clone(),
        format!("{home}/"),
        home.trim_start_matches("http://").to_string(),
    ] {
        assert_eq!(prints(&place, &["health", &url]), "");
    }
    drop(running);
    let ended = place.run(&["health", &home]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended
            .errors
            .starts_with(&format!("error: {home}: no response")),
        "{ended:?}"
    );
    // Another server listens there.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let answers = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        std::io::Read::read(&mut stream, &mut [0; 1024]).unwrap();
        std::io::Write::write_all(
            &mut stream,
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        )
        .unwrap();
    });
    let ended = place.run(&["health", &address]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    answers.join().unwrap();
}

#[test]
fn port_auto_picks_a_free_port_each_time() {
    let places: Vec<Place> = (0..3).map(|_| place(&[("db.json", "{}")])).collect();
    let running: Vec<_> = places
        .iter()
        .map(|place| place.start(&["db.json", "--port", "auto"]))
        .collect();
    let mut ports: Vec<u16> = running
        .iter()
        .map(|running| running.home().rsplit(':').next().unwrap().parse().unwrap())
        .collect();
    assert!(ports.iter().all(|port| *port >= 3000), "{ports:?}");
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 3);
    let errors = places[0].fails(&["db.json", "--ephemeral", "--port", &ports[0].to_string()]);
    has(&errors, "in use");
    has(&errors, "--port auto");
    let errors = places[0].fails(&["db.json", "--port", "any"]);
    has(&errors, "0 to 65535, or auto");
}

#[test]
fn quiet_prints_a_port_that_the_caller_cannot_know() {
    let place = place(&[("db.json", "{\"a\": []}")]);
    for port in ["0", "auto"] {
        let running = place.start(&[
            "db.json",
            "--quiet",
            "--port",
            port,
            "--exit-on-stdin-close",
        ]);
        let port: u16 = running.line(|_| true).parse().unwrap();
        let mut client = Client::connect(([127, 0, 0, 1], port).into());
        client.get("/a").status_is(200);
        drop(client);
        let mut running = running;
        drop(running.child.stdin.take());
        let ended = running.end();
        assert_eq!(ended.parts(), (Some(0), "", ""));
    }
}

#[test]
fn a_closed_standard_input_stops_it_if_it_should() {
    let place = place(&[("db.json", "{\"a\": []}")]);
    let mut running = place.start(&[
        "db.json",
        "--port",
        "0",
        "--exit-on-stdin-close",
        "--journal-above",
        "0",
    ]);
    let mut client = running.client();
    // Input is ignored.
    let input = running.child.stdin.as_mut().unwrap();
    std::io::Write::write_all(input, b"s\nq\n").unwrap();
    client.send("POST", "/a", JSON, "{}").status_is(201);
    drop(running.child.stdin.take());
    assert_eq!(running.end().status.code(), Some(0));
    assert_eq!(parse(&place.text("db.json"))["a"][0]["id"], 1);
    assert_eq!(
        std::fs::read_dir(place.path(".")).unwrap().count(),
        1,
        "the journal is gone"
    );
    let mut running = place.start(&["db.json", "--port", "0"]);
    drop(running.child.stdin.take());
    running
        .client()
        .send("POST", "/a", JSON, "{}")
        .status_is(201);
}

#[cfg(unix)]
mod exec {
    use super::*;

    #[test]
    fn its_exit_code_is_that_of_the_command() {
        let mut place = place(&[("db.json", "{\"a\": []}")]);
        place.variables = vec![("PORT", "0"), ("STANDIN", STANDIN)];
        let command = "echo \"port=$PORT\"; \"$STANDIN\" health \"$STANDIN_URL\" && exit 7";
        let ended = place.run(&["db.json", "--exec", command]);
        assert_eq!(
            (ended.status.code(), ended.errors.as_str()),
            (Some(7), ""),
            "{ended:?}"
        );
        has(ended.out, "port=\n");
        for (command, code) in [("true", 0), ("false", 1), ("kill -9 $$", 137)] {
            let ended = place.run(&["db.json", "--quiet", "--exec", command]);
            assert_eq!(ended.status.code(), Some(code), "{command}: {ended:?}");
        }
        let ended = place.run(&["db.json", "--exec", "there-is-no-such-command"]);
        assert_eq!(ended.status.code(), Some(127), "{ended:?}");
        let ended = place.run(&["db.json", "--exec", "true", "--exit-on-stdin-close"]);
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    }

    #[test]
    fn a_signal_reaches_all_of_the_command_and_the_server_outlives_it() {
        use rustix::process::Signal;
        let place = place(&[("db.json", "{\"a\": []}")]);
        // The subshell handles the signal, not the shell. It ends by itself if the signal is ignored, as below nohup.
        let script = "(trap 'echo stopping; exit 5' INT TERM HUP; echo ready; for i in $(seq 600); do sleep 0.1; done); exit $?";
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            let running = place.start(&["db.json", "--port", "0", "--exec", script]);
            running.line(|line| line == "ready");
            running.signal(signal);
            running.line(|line| line == "stopping");
            let code = running.end().status.code();
            let killed = 128 + signal.as_raw();
            assert!(
                code == Some(5) || code == Some(killed),
                "{signal:?}: {code:?}"
            );
        }
    }

    #[test]
    fn ctrl_c_in_a_terminal_reaches_both() {
        let place = place(&[("db.json", "{\"a\": []}")]);
        let script = "trap 'echo \"got it\"; exit 5' INT; echo rea\"\"dy; for i in $(seq 600); do sleep 0.1; done";
        let command = pty_process::blocking::Command::new(STANDIN)
            .args(["db.json", "--port", "0", "--exec", script]);
        let mut terminal = crate::terminal::Terminal::start(command.current_dir(place.path(".")));
        terminal.shows("ready");
        assert!(
            !terminal.text().contains("Type s"),
            "the keys are the command's"
        );
        terminal.type_in("\x03");
        terminal.shows("got it");
        assert_eq!(terminal.ended().code(), Some(5));
    }

    #[test]
    fn the_command_has_the_terminal_for_its_input() {
        let place = place(&[("db.json", "{\"a\": []}")]);
        let command =
            pty_process::blocking::Command::new(STANDIN).args(["db.json", "--port", "0", "--exec"]);
        let command = command
            .arg("read line; echo \"<$line>\"; exit 4")
            .current_dir(place.path("."));
        let mut terminal = crate::terminal::Terminal::start(command);
        terminal.shows("Ctrl+C");
        terminal.type_in("s\n");
        terminal.shows("<s>");
        assert_eq!(terminal.ended().code(), Some(4));
    }
}

#[cfg(unix)]
#[test]
fn ctrl_d_in_a_terminal_stops_it_if_it_should() {
    let place = place(&[("db.json", "{\"a\": []}")]);
    let command = pty_process::blocking::Command::new(STANDIN).args([
        "db.json",
        "--port",
        "0",
        "--exit-on-stdin-close",
    ]);
    let mut terminal = crate::terminal::Terminal::start(command.current_dir(place.path(".")));
    terminal.port();
    terminal.type_in("s\n");
    terminal.shows("saved a snapshot");
    terminal.type_in("\x04");
    assert_eq!(terminal.ended().code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn open_opens_the_page_or_says_where_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let mut place = place(&[
        ("db.json", "{}"),
        ("bin/xdg-open", "#!/bin/sh\necho \"$1\" > \"$OPENED\"\n"),
        ("none/x", ""),
    ]);
    let opener = place.path("bin/xdg-open");
    std::fs::set_permissions(opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    let leak = |path: std::path::PathBuf| &*Box::leak(path.display().to_string().into_boxed_str());
    let opened = place.path("opened");
    place.variables = vec![
        ("PATH", leak(place.path("bin"))),
        ("OPENED", leak(opened.clone())),
    ];
    let running = place.start(&["db.json", "--port", "0", "--open"]);
    let home = running.home();
    let url = until("the page is opened", || {
        std::fs::read_to_string(&opened)
            .ok()
            .filter(|text| text.ends_with('\n'))
    });
    assert_eq!(url.trim(), home);
    place.variables = vec![("PATH", leak(place.path("none")))];
    let running = place.start(&["db.json", "--ephemeral", "--port", "0", "--open"]);
    let said = running.error(|line| line.contains("cannot open a browser"));
    assert!(said.contains("http://localhost:"), "{said}");
}

/// Input that is not a pipe: `/dev/null`, as under service managers.
#[test]
fn without_the_option_the_end_of_input_changes_nothing() {
    let place = place(&[("db.json", "{\"a\": []}")]);
    let mut process = crate::process::Process::serve_as(&place.path("db.json"), &[], |command| {
        command.stdin(Stdio::null());
    });
    Client::connect(process.address).get("/a").status_is(200);
    process.kill();
}

/// The commands of the README that can be run as they are written.
#[test]
fn the_commands_of_the_readme_work() {
    let readme = include_str!("../../README.md");
    let lines = readme
        .split("```text\n")
        .skip(1)
        .flat_map(|block| block.split("```").next().unwrap().lines());
    let commands: Vec<&str> = lines
        .filter_map(|line| {
            line.strip_prefix("npx ")
                .unwrap_or(line)
                .split('#')
                .next()?
                .strip_prefix("standin ")
        })
        .filter(|rest| !rest.contains('[') && !rest.starts_with(char::is_numeric))
        .map(str::trim)
        .collect();
    assert!(commands.contains(&"init"));
    assert!(commands.contains(&"db.json"));
    let place = place(&[(
        "docs/page.md",
        "```sh\ncurl localhost:3000/users/1\n```\n\n```json\n{\"id\": 1, ...}\n```\n",
    )]);
    for command in commands {
        let arguments: Vec<&str> = command.split(' ').collect();
        match arguments[0] {
            "init" | "check" => {
                assert_eq!(place.run(&arguments).status.code(), Some(0), "{command}")
            }
            _ => {
                _ = place
                    .start(&[&arguments[..], &["--port", "0"]].concat())
                    .home()
            }
        }
    }
}

#[test]
fn routes_lists_the_rules_and_explains_a_request() {
    let rules = r#"{
  "/api/*": "/$1",
  "* /users/**": { "delay": "1ms", "guard": "key:X-Key" },
  "GET /users/:id": { "body": { "n": 1 } },
  "GET /users/*": { "match": { "query": { "n": "2" } }, "limit": "9/minute", "body": 2 },
  "POST /users": { "fail": { "status": 503 } },
  "GET /odd": [
    { "match": { "headers": { "x-odd": "1" } }, "body": 1 },
    { "fail": { "status": 500, "chance": 0.5 }, "status": 204 }
  ]
}"#;
    let data = r#"{"users": [{"id": 1}]}"#;
    let place = place(&[
        ("db.json", data),
        ("db.routes.json", rules),
        ("alone.json", data),
    ]);
    let listed = prints(&place, &["routes", "db.json"]);
    assert_eq!(listed.lines().count(), 7, "{listed}");
    has(&listed, "db.routes.json:2:3  /api/*  rewritten to /$1\n");
    has(
        &listed,
        "db.routes.json:3:18  * /users/**  delay \"1ms\", guard \"key:X-Key\"\n",
    );
    for (request, lines) in [
        (
            "GET /api/users/1",
            &[
                "GET /users/1",
                "rewritten from /api/users/1",
                "answers: db.routes.json:4:21 \"GET /users/:id\": body { \"n\": 1 }",
                "applies: db.routes.json:3:18 \"* /users/**\": delay \"1ms\", guard \"key:X-Key\"",
                "not used: db.routes.json:5:19 \"GET /users/*\": the query needs n=2",
                "not used: db.routes.json:6:18 \"POST /users\": its path does not match",
            ][..],
        ),
        (
            "/users/1?n=2",
            &["answers: db.routes.json:5:19 \"GET /users/*\": limit \"9/minute\", body 2"],
        ),
        (
            "POST /users",
            &["answers: db.routes.json:6:18 \"POST /users\": fail { \"status\": 503 }"],
        ),
        (
            "DELETE /users",
            &[
                "answered by the API: no rule has a response for it",
                "not used: db.routes.json:6:18 \"POST /users\": it is for POST",
            ],
        ),
        (
            "GET /odd",
            &[
                "not used: db.routes.json:8:5 \"GET /odd\": the request needs the header x-odd: 1",
                "answers: db.routes.json:9:5 \"GET /odd\": fail { \"status\": 500, \"chance\": 0.5 }, status 204",
            ],
        ),
    ] {
        let said = prints(&place, &["routes", "db.json", "--explain", request]);
        for line in lines {
            assert!(said.lines().any(|one| one == *line), "{line} in\n{said}");
        }
    }
    for (arguments, message) in [
        (
            &["routes", "alone.json"][..],
            "there is no routes file alone.routes.json\n  help: to create one",
        ),
        (
            &["routes", "no.json", "--routes", "db.routes.json"],
            "no.json",
        ),
        (&["routes", "db.json", "--explain", "GET users"], "slash"),
        (
            &["routes", "db.json", "--explain", "GTE /users"],
            "GET /users",
        ),
    ] {
        let errors = place.fails(arguments);
        has(&errors, message);
    }
}

#[test]
fn the_schema_of_the_routes_file_agrees_with_the_program() {
    let place = place(&[]);
    let schema = parse(&prints(&place, &["schema", "routes"]));
    let keys = schema["$defs"]["rule"]["properties"].as_object().unwrap();
    let unknown = standin::RoutesFile::parse(r#"{"/a": {"zzzzzzzzzzzz": 1}}"#).unwrap_err();
    let known = unknown.hint.unwrap().replace(" and ", ", ");
    let known = known.strip_prefix("the keys are ").unwrap();
    let known: std::collections::BTreeSet<_> = known.split(", ").collect();
    assert_eq!(known, keys.keys().map(String::as_str).collect());
    for (key, value) in keys {
        assert!(
            value["description"].is_string() || value["$ref"].is_string() || key == "status",
            "{key}"
        );
    }
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = 0;
    for folder in std::fs::read_dir(root.join("examples")).unwrap() {
        let path = folder.unwrap().path().join("db.routes.json");
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let errors: Vec<_> = validator
            .iter_errors(&parse(&text))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        files += 1;
    }
    assert!(files > 4, "{files}");
    for rule in [
        r#"{"guard": "role:admin", "delay": "p50=80ms p99=1s", "limit": {"rate": "10/minute", "per": "header:X-Key"}}"#,
        r#"{"delay": "200ms..2s", "fail": {"abort": true, "chance": 0.5, "when": "after"}}"#,
        r#"{"fail": {"status": 503, "times": 2, "headers": {"Retry-After": "1"}, "per": "user"}}"#,
        r#"{"patch": {"done": true}, "to": "/todos/1", "body": {"ok": true}}"#,
        r#"{"actions": [{"delete": null, "to": "/a/1"}, {"post": "{{ body }}", "to": "/b"}], "status": 202}"#,
        r#"{"match": {"query": {"dry": 1}, "headers": {"x": "*"}, "body": {"a": {"b": 1}}}, "store": false}"#,
        r#"{"upsert": true}"#,
        r#"{"body": null}"#,
        r#"[{"match": {"query": {"a": "1"}}, "body": 1}, {"redirect": "/b"}]"#,
        r#""/b/$1""#,
    ] {
        let text = format!("{{\"GET /a/:id\": {rule}}}").replace(
            if rule.starts_with('"') {
                "GET /a/:id"
            } else {
                "-"
            },
            if rule.starts_with('"') { "/a/*" } else { "-" },
        );
        let is_of_one_method = rule.contains("upsert") || rule.contains("store");
        let text = text.replace(if is_of_one_method { "GET " } else { "-" }, "");
        assert!(validator.is_valid(&parse(&text)), "{text}");
        standin::RoutesFile::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    for text in [
        r#"{"/a": 5}"#,
        r#"{"GTE /a": {"body": 1}}"#,
        r#"{"GET a": {"body": 1}}"#,
        r#"{"/a": {"staus": 200}}"#,
        r#"{"/a": {"status": 99}}"#,
        r#"{"/a": {"status": "200"}}"#,
        r#"{"/a": {"guard": "usr"}}"#,
        r#"{"/a": {"guard": "role:"}}"#,
        r#"{"/a": {"guard": "657"}}"#,
        r#"{"/a": {"delay": "fast"}}"#,
        r#"{"/a": {"delay": -1}}"#,
        r#"{"/a": {"limit": "10"}}"#,
        r#"{"/a": {"limit": {"per": "address"}}}"#,
        r#"{"/a": {"limit": {"rate": "1/minute", "per": "ip"}}}"#,
        r#"{"/a": {"fail": {"chance": 2}}}"#,
        r#"{"/a": {"fail": {"times": 0}}}"#,
        r#"{"/a": {"fail": {"when": "later"}}}"#,
        r#"{"/a": {"fail": {"abort": true, "status": 500}}}"#,
        r#"{"/a": {"fail": true}}"#,
        r#"{"/a": {"headers": {"a b": "1"}}}"#,
        r#"{"/a": {"headers": {"a": 1}}}"#,
        r#"{"/a": {"body": 1, "file": "x"}}"#,
        r#"{"/a": {"patch": {}, "redirect": "/x"}}"#,
        r#"{"/a": {"patch": {}, "post": {}}}"#,
        r#"{"/a": {"to": "/x"}}"#,
        r#"{"/a": {"patch": 5}}"#,
        r#"{"/a": {"actions": {}}}"#,
        r#"{"/a": {"actions": []}}"#,
        r#"{"/a": {"post": {}, "to": "x"}}"#,
        r#"{"/a": {"actions": [{"to": "/x"}]}}"#,
        r#"{"/a": {"actions": [{"patch": {}, "delete": {}}]}}"#,
        r#"{"/a": {"store": "no"}}"#,
        r#"{"/a": {"match": {"qurey": {}}, "body": 1}}"#,
        r#"{"/a": {"match": {"query": {"a": []}}, "body": 1}}"#,
        r#"{"/a": [5]}"#,
        r#"{"profile": 5}"#,
    ] {
        assert!(!validator.is_valid(&parse(text)), "{text}");
        assert!(standin::RoutesFile::parse(text).is_err(), "{text}");
    }
}
