//! The program itself: arguments, output, exit codes.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::*;

/// A folder to start the program in.
pub struct Place {
    folder: TempDir,
    /// Environment variables for the program.
    pub variables: Vec<(&'static str, &'static str)>,
}

/// The result of a run of the program.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub out: String,
    pub errors: String,
}

/// The program, running.
pub struct Running {
    pub child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

pub fn place(files: &[(&str, &str)]) -> Place {
    Place {
        folder: folder_with(files),
        variables: Vec::new(),
    }
}

impl Ended {
    /// The exit code, and what was printed on the two streams.
    pub fn parts(&self) -> (Option<i32>, &str, &str) {
        (self.status.code(), &self.out, &self.errors)
    }
}

impl Place {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn start(&self, arguments: &[&str]) -> Running {
        self.start_in("", arguments)
    }

    /// Starts the program in a folder of the place.
    pub fn start_in(&self, folder: &str, arguments: &[&str]) -> Running {
        let mut child = Command::new(env!("CARGO_BIN_EXE_standin"))
            .args(arguments)
            .current_dir(self.folder.path().join(folder))
            .env_remove("PORT")
            .env_remove("STANDIN_HOST")
            .env_remove("STANDIN_LOG")
            .envs(self.variables.iter().copied())
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = follow(child.stdout.take().unwrap());
        let errors = follow(child.stderr.take().unwrap());
        Running {
            child,
            lines,
            errors,
        }
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).end()
    }

    /// Runs the program, which must fail with exit code 2, one message and no backtrace.
    pub fn fails(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {ended:?}");
        assert_eq!(ended.out, "", "{arguments:?}");
        assert!(
            !ended.errors.contains("panicked") && !ended.errors.contains("stack backtrace"),
            "{}",
            ended.errors
        );
        assert!(ended.errors.starts_with("error: "), "{}", ended.errors);
        ended.errors
    }
}

/// The lines of a stream, until it ends.
fn follow(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

impl Running {
    /// Waits for a line that matches `wanted`.
    pub fn line(&self, wanted: impl FnMut(&str) -> bool) -> String {
        wait_for(&self.lines, wanted)
    }

    /// Waits for a line of either stream: the one that it prints to first.
    pub fn any(&self, wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + DEADLINE;
        while Instant::now() < end {
            for lines in [&self.lines, &self.errors] {
                if let Ok(line) = lines.recv_timeout(Duration::from_millis(20))
                    && wanted(&line)
                {
                    return line;
                }
            }
        }
        panic!("the line did not come");
    }

    /// The output up to a line that contains `end`.
    pub fn text_to(&self, end: &str) -> String {
        text_to(&self.lines, end)
    }

    /// Like [`Running::text_to`], for standard error.
    pub fn errors_to(&self, end: &str) -> String {
        text_to(&self.errors, end)
    }

    pub fn error(&self, wanted: impl FnMut(&str) -> bool) -> String {
        wait_for(&self.errors, wanted)
    }

    /// The URL that the banner names as home.
    pub fn home(&self) -> String {
        let line = self.line(|line| line.trim_start().starts_with("Home"));
        line.split_whitespace()
            .last()
            .unwrap()
            .trim_end_matches('/')
            .to_string()
    }

    pub fn client(&self) -> Client {
        let home = self.home();
        let port = home.rsplit(':').next().unwrap();
        Client::connect(format!("127.0.0.1:{port}").parse().unwrap())
    }

    #[cfg(unix)]
    pub fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).unwrap();
    }

    /// Waits for the end.
    pub fn end(mut self) -> Ended {
        let (out, errors) = (rest(&self.lines), rest(&self.errors));
        // Both streams have ended, so the program has ended or is about to.
        let status = self.child.wait().unwrap();
        Ended {
            status,
            out,
            errors,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // If the test passed, it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for(lines: &Receiver<String>, mut wanted: impl FnMut(&str) -> bool) -> String {
    let end = Instant::now() + DEADLINE;
    let mut heard = Vec::new();
    loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) if wanted(&line) => return line,
            Ok(line) => heard.push(line),
            Err(_) => panic!("the line did not come; before it came {heard:#?}"),
        }
    }
}

fn text_to(lines: &Receiver<String>, end: &str) -> String {
    let mut text = String::new();
    wait_for(lines, |line| {
        text.push_str(line);
        text.push('\n');
        line.contains(end)
    });
    text
}

fn rest(lines: &Receiver<String>) -> String {
    let end = Instant::now() + DEADLINE;
    let mut text = String::new();
    loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => text.push_str(&(line + "\n")),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return text,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                panic!("it did not end; it said {text}")
            }
        }
    }
}

#[test]
fn help_shows_every_option_and_examples() {
    let place = place(&[]);
    for arguments in [&["--help"][..], &["serve", "--help"], &["-h"]] {
        let ended = place.run(arguments);
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""));
        assert!(
            ended.out.contains("Examples:") && ended.out.contains("curl -X POST"),
            "{}",
            ended.out
        );
        for option in [
            "-p, --port",
            "-H, --host",
            "-w, --watch",
            "--no-watch",
            "--schema",
            "--durability",
            "--ephemeral",
            "--journal-above",
            "--body-limit",
            "--log-level",
            "-q, --quiet",
            "-h, --help",
        ] {
            has(&ended.out, option);
        }
        for word in ["synced", "written", "memory"] {
            has(&ended.out, word);
        }
    }
    for arguments in [&["--version"][..], &["-v"], &["-V"], &["serve", "-v"]] {
        let ended = place.run(arguments);
        assert_eq!(
            (ended.status.code(), ended.out.as_str()),
            (
                Some(0),
                concat!("standin ", env!("CARGO_PKG_VERSION"), "\n")
            )
        );
    }
}

#[test]
fn the_banner_names_file_resources_rules_and_home() {
    let place = place(&[
        (
            "data/db.json",
            "{\n  \"users\": [{\"id\": 1}],\n  \"a b\": [],\n  \"profile\": {},\n  \"n\": 1\n}\n",
        ),
        ("data/db.schema.json", "{}"),
    ]);
    let running = place.start(&["--port", "0"]);
    has(running.line(|line| line.contains("File")), "data/db.json");
    let users = running.line(|line| line.contains("/users"));
    has(&users, "1 record");
    lacks(&users, "records");
    let port: u16 = users
        .split("localhost:")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert_ne!(port, 0);
    let spaced = running.line(|line| line.contains("0 records"));
    assert!(
        spaced.contains(&format!("http://localhost:{port}/a%20b ")),
        "a URL to copy: {spaced}"
    );
    has(running.line(|line| line.contains("/profile")), "object");
    has(
        running.line(|line| line.contains("Rules")),
        "data/db.schema.json",
    );
    assert_eq!(running.home(), format!("http://localhost:{port}"));
    let mut client = Client::connect(format!("127.0.0.1:{port}").parse().unwrap());
    client.get("/users/1").status_is(200);
    let line = running.line(|line| line.starts_with("GET /users/1 200 "));
    assert!(line.contains(" ms ") && line.ends_with(" B"), "{line}");
}

#[test]
fn the_banner_shows_the_options_in_effect() {
    let place = place(&[("db.json", "{\"a\": []}"), ("static/x.txt", "x")]);
    let first = place.start(&["-p", "0", "db.json"]);
    let banner = first.text_to("Ctrl+C");
    has(&banner, "Watching");
    has(&banner, "/-/reset");
    for absent in [
        "Read-only",
        "Delay",
        "Static",
        "Admin",
        "Network",
        "snapshot",
    ] {
        lacks(&banner, absent);
    }
    let running = place.start(&[
        "-p",
        "0",
        "db.json",
        "--host",
        "0.0.0.0",
        "--read-only",
        "--delay",
        "250",
        "--static",
        "static",
        "--no-admin",
        "--ephemeral",
    ]);
    let banner = running.text_to("Ctrl+C");
    for line in [
        "Read-only ",
        "Delay      250ms",
        "Static     static",
        "Admin      off",
        "never written",
    ] {
        has(&banner, line);
    }
    has(&banner, "Anyone on the network can read the data.");
    for absent in ["change the data", "/-/reset", "Watching"] {
        lacks(&banner, absent);
    }
    // A machine may have no network; its addresses are shown with the port.
    let port = banner
        .split("Home")
        .nth(1)
        .unwrap()
        .split(['/', '\n'])
        .nth(2)
        .unwrap()
        .rsplit(':')
        .next()
        .unwrap();
    for line in banner.lines().filter(|line| line.contains("Network")) {
        assert!(
            line.ends_with(&format!(":{port}/")) && !line.contains("127.0.0.1"),
            "{line}"
        );
    }
    drop(first);
    let running = place.start(&["-p", "0", "db.json", "--host", "0.0.0.0"]);
    running.line(|line| line.contains("Anyone on the network can read and change the data."));
}

#[test]
fn timestamps_are_put_before_each_event() {
    let place = place(&[("db.json", "{\"a\": []}")]);
    let running = place.start(&["-p", "0", "db.json", "--timestamps"]);
    let mut client = running.client();
    client.get("/a");
    let line = running.line(|line| line.contains("GET /a 200"));
    let (time, rest) = line.split_once(' ').unwrap();
    assert!(rest.starts_with("GET /a 200 "), "{line}");
    assert_eq!(
        (time.len(), time.as_bytes()[10], time.chars().last()),
        (24, b'T', Some('Z')),
        "{line}"
    );
    std::fs::write(place.path("db.json"), "{\"a\": [1 2]}").unwrap();
    running.error(|line| line.contains("Z error") && line.contains("db.json:1:"));
}

#[test]
fn requests_of_the_explorer_are_not_logged() {
    let place = place(&[("db.json", "{\"a\": []}"), ("site/index.html", "<p>mine")]);
    for (arguments, own_home) in [
        (&["-p", "0", "db.json"][..], true),
        (&["-p", "0", "db.json", "-s", "site"], false),
    ] {
        let running = place.start(arguments);
        let home = running.home();
        let host = home.strip_prefix("http://").unwrap();
        let mut client = Client::connect(
            format!("127.0.0.1:{}", host.rsplit(':').next().unwrap())
                .parse()
                .unwrap(),
        );
        client.get("/-/health");
        for (number, page) in ["/", "/-/", "/-/docs", "/other"].into_iter().enumerate() {
            let address = client_address(&home);
            let referer = format!("http://{address}{page}");
            client.send(
                "GET",
                &format!("/a?n={number}"),
                &[("Referer", &referer)],
                "",
            );
        }
        client.send(
            "GET",
            "/a?n=4",
            &[("Referer", "http://other.example/-/")],
            "",
        );
        client.get("/a?n=end");
        let mut logged = Vec::new();
        running.line(|line| {
            logged.extend(
                line.strip_prefix("GET ")
                    .and_then(|line| line.split(' ').next())
                    .map(str::to_string),
            );
            line.contains("n=end")
        });
        let mut expected = vec!["/a?n=3", "/a?n=4", "/a?n=end"];
        if !own_home {
            // The page at `/` is the user's there.
            expected.insert(0, "/a?n=0");
        }
        assert_eq!(logged, expected);
    }
}

/// What the test's client sends as `Host`.
fn client_address(home: &str) -> String {
    format!("127.0.0.1:{}", home.rsplit(':').next().unwrap())
}

#[test]
fn a_pipe_gets_colours_only_if_they_are_forced() {
    let mut place = place(&[("db.json", "{\"a\": []}")]);
    for (variables, coloured) in [(&[][..], false), (&[("CLICOLOR_FORCE", "1")], true)] {
        place.variables = variables.to_vec();
        let running = place.start(&["-p", "0", "db.json"]);
        let banner = running.text_to("Ctrl+C");
        assert_eq!(banner.contains('\u{1b}'), coloured, "{banner:?}");
        let ended = place.run(&["nofile.json"]);
        assert_eq!(ended.errors.contains('\u{1b}'), coloured, "{ended:?}");
    }
}

#[test]
fn a_name_with_a_line_break_stays_on_its_line_of_the_banner() {
    let place = place(&[("db.json", "{\"a\\nb\": [], \"it's\": [], \"☃\": []}")]);
    let running = place.start(&["-p", "0", "db.json"]);
    let line = running.line(|line| line.contains("Resources"));
    has(&line, "/a%0Ab");
    has(&line, "0 records");
}

#[test]
fn an_error_shows_its_hint_under_its_line_in_the_log() {
    let place = place(&[("db.json", "{\"users\": []}")]);
    let running = place.start(&["-p", "0", "db.json"]);
    let mut client = running.client();
    let problem = client.get("/user?x=1").problem(404, "no-resource");
    running.line(|line| line.starts_with("GET /user?x=1 404 "));
    assert_eq!(
        running.line(|_| true).trim(),
        problem["detail"].as_str().unwrap()
    );
    assert_eq!(running.line(|_| true).trim(), "did you mean /users?");
}

#[test]
fn a_javascript_source_is_refused_with_a_command_that_runs_it() {
    let place = place(&[]);
    for (name, module) in [
        ("seed.js", "require(\"./seed.js\")"),
        ("./seed.cjs", "require(\"./seed.cjs\")"),
        ("../up/seed.js", "require(\"../up/seed.js\")"),
        ("/abs/seed.js", "require(\"/abs/seed.js\")"),
    ] {
        let errors = place.fails(&[name]);
        assert!(
            errors.contains(module) && errors.ends_with(" > db.json\n"),
            "{errors}"
        );
    }
    std::fs::write(place.path("db.json"), "{}").unwrap();
    let errors = place.fails(&["seed.js"]);
    assert!(errors.ends_with(" > db-2.json\n"), "{errors}");
}

#[test]
fn a_broken_file_is_shown_with_line_column_and_the_line() {
    for (text, at, words) in [
        (
            "{\n  \"users\": [\n    {\"id\": 1},\n  ]\n}\n",
            "db.json:4:3",
            &["after the comma", "  ]", "help: remove the comma"][..],
        ),
        (
            "{\n  \"ü\": nul\n}\n",
            "db.json:2:8",
            &["expected a value", "nul"],
        ),
        (
            "[]",
            "db.json:1:1",
            &[
                "an object of resources",
                "one JSON object for the whole file: {\"items\": [...]}",
            ],
        ),
        (
            "{\"id\":1}\n{\"id\":2}\n",
            "db.json:2:1",
            &["one JSON object for the whole file: {\"items\": [...]}"],
        ),
        (
            "\"users\": []",
            "db.json:1:1",
            &["one JSON object for the whole file"],
        ),
        ("{\"a\": [], \"a\": []}", "db.json:1:11", &["twice"]),
        ("", "", &[]),
    ] {
        let place = place(&[("db.json", text)]);
        if words.is_empty() {
            continue;
        }
        let errors = place.fails(&["-p", "0", "db.json"]);
        has(&errors, at);
        for word in words {
            has(&errors, word);
        }
    }
    let place = place(&[]);
    std::fs::write(place.path("db.json"), b"{\"a\": \"\xff\"}").unwrap();
    let errors = place.fails(&["-p", "0", "db.json"]);
    has(&errors, "UTF-8");
    has(&errors, "db.json:1:8");
}

#[test]
fn data_that_breaks_rules_is_shown_record_by_record() {
    let place = place(&[
        (
            "db.json",
            "{\n  \"users\": [\n    {\"lastName\": 1, \"firstName\": \"x\", \"email\": \"a@x.org\"},\n    {\"id\": 2}\n  ]\n}\n",
        ),
        ("db.schema.json", RULES),
    ]);
    let errors = place.fails(&["-p", "0", "db.json"]);
    for words in [
        "db.json:3:18",
        "users[0]/lastName: must be a string",
        "db.json:4:5",
        "users[1]/email: is missing",
    ] {
        has(&errors, words);
    }
}

#[test]
fn rules_for_what_the_data_does_not_have_are_named() {
    let rules = r#"{"properties": {
        "user": {"items": {"required": ["name"]}},
        "posts": {"items": {"properties": {"cityId": {"references": "cities"}}}}
    }}"#;
    let place = place(&[
        ("db.json", r#"{"users": [], "posts": []}"#),
        ("db.schema.json", rules),
    ]);
    let running = place.start(&["-p", "0", "db.json"]);
    running.error(|line| {
        line == "warning: there are rules for user, and db.json has no user; did you mean users?"
    });
    running.error(|line| {
        line == "warning: the rules say that posts.cityId references cities, and db.json has no cities"
    });
}

#[test]
fn a_broken_rules_file_is_shown_with_its_place_too() {
    for (rules, words) in [
        ("{\n  \"properties\": {,}\n}", &["db.schema.json:2:18"][..]),
        (
            "{\n  \"properties\": {\n    \"users\": {\"item\": {}}\n  }\n}",
            &["db.schema.json:3:15", "did you mean"],
        ),
        (
            "{\n  \"properties\": {\"a\": {\"items\": {\"properties\": {\"b\": {\"format\": \"emial\"}}}}}\n}",
            &["db.schema.json:2:", "email"],
        ),
    ] {
        let place = place(&[("db.json", "{}"), ("db.schema.json", rules)]);
        let errors = place.fails(&["-p", "0", "db.json"]);
        for word in words {
            has(&errors, word);
        }
    }
}

#[test]
fn a_deleted_rules_or_routes_file_says_what_that_means() {
    let place = place(&[
        ("db.json", "{\"a\": []}"),
        ("db.schema.json", "{}"),
        ("db.routes.json", "{}"),
    ]);
    let running = place.start(&["-p", "0", "db.json"]);
    running.home();
    for (name, words) in [
        (
            "db.schema.json",
            "is gone: writes are not validated any more",
        ),
        ("db.routes.json", "is gone: no rules by path apply any more"),
    ] {
        std::fs::remove_file(place.path(name)).unwrap();
        running.line(|line| line.ends_with(&format!("{name} {words}")));
    }
}

#[test]
fn duplicate_ids_in_one_line_are_reported_once() {
    let data = r#"{"a": [{"id": 1}, {"id": 1}, {"id": "1"}]}"#;
    let place = place(&[("db.json", data)]);
    let running = place.start(&["-p", "0", "db.json"]);
    running.home();
    std::fs::write(place.path("db.json"), "{").unwrap();
    let errors = running.errors_to("db.json:1:");
    let warning = "a has the id 1 twice: in line 1; the second cannot be reached";
    assert_eq!(errors.matches(warning).count(), 1, "{errors}");
    assert_eq!(errors.matches("duplicate id").count(), 1, "{errors}");
}

#[test]
fn a_port_in_use_is_reported_with_a_free_one() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let place = place(&[("db.json", "{}")]);
    let errors = place.fails(&["db.json", "-p", &port.to_string()]);
    has(&errors, format!("port {port} is in use"));
    let free = errors
        .split_whitespace()
        .skip_while(|word| *word != "--port")
        .nth(1)
        .unwrap();
    has(
        &errors,
        format!("{free} is free: standin db.json --port {free}\n"),
    );
    // The typed options are in the command.
    let taken = format!("--port={port}");
    let errors = place.fails(&["db.json", "--ephemeral", &taken, "--cors", "*"]);
    has(
        &errors,
        "is free: standin db.json --ephemeral --cors '*' --port ",
    );
    let running = place.start(&["db.json", "--port", free]);
    running.any(|line| line.trim_start().starts_with("Home") || line.contains("in use"));
}

#[test]
fn quiet_prints_nothing_and_still_serves() {
    let port = free_port();
    let place = place(&[("db.json", "{\"a\": []}")]);
    let running = place.start(&["-q", "db.json", "-H", "127.0.0.1", "-p", &port.to_string()]);
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    let mut client = until("it serves", || {
        std::net::TcpStream::connect(address)
            .ok()
            .map(|_| Client::connect(address))
    });
    client.send("POST", "/a", JSON, "{}").status_is(201);
    client.get("/nobody").status_is(404);
    drop(client);
    #[cfg(not(unix))]
    drop(running);
    #[cfg(unix)]
    {
        running.signal(rustix::process::Signal::TERM);
        let ended = running.end();
        assert_eq!(ended.parts(), (Some(0), "", ""));
    }
}

#[test]
fn log_levels_say_more_or_less() {
    let mut place = place(&[("db.json", "{\"a\": []}")]);
    place.variables = vec![("STANDIN_LOG", "chatty")];
    let errors = place.fails(&["-p", "0", "db.json"]);
    has(&errors, "STANDIN_LOG");
    has(&errors, "debug");

    place.variables = vec![("STANDIN_LOG", "debug")];
    let running = place.start(&["-p", "0", "db.json"]);
    let mut client = running.client();
    std::fs::write(place.path("db.json"), "{\"a\": [{\"id\": 1}]}").unwrap();
    running.line(|line| line.starts_with("DEBUG standin::file: the file was edited bytes=18"));
    running.line(|line| {
        line.starts_with("DEBUG standin::engine::reload: merged") && line.contains("conflicts=0")
    });
    running.line(|line| line.starts_with("reloaded db.json"));
    client.send("POST", "/a", JSON, "{}").status_is(201);
    running.line(|line| line.starts_with("DEBUG standin::engine::reload::save: saved the file"));
    running.line(|line| line.starts_with("POST /a 201"));
    drop(running);

    // Typed options win.
    let running = place.start(&["--log-level", "info", "-p", "0", "db.json"]);
    running
        .client()
        .send("POST", "/a", JSON, "{}")
        .status_is(201);
    let first = running.line(|line| line.starts_with("DEBUG") || line.starts_with("POST"));
    assert!(first.starts_with("POST"), "{first}");
}

#[test]
fn ephemeral_leaves_the_file_as_it_is() {
    let text = "{\"a\":[]}";
    for option in [
        &["--ephemeral"][..],
        &["--ephemeral", "--watch"],
        &["--durability", "memory"],
    ] {
        let place = place(&[("db.json", text)]);
        let running = place.start(&[&["-p", "0", "db.json"], option].concat());
        let line = running.line(|line| line.contains("File"));
        has(line, "never written, and edits of it are not read");
        let mut client = running.client();
        client.send("POST", "/a", JSON, "{}").status_is(201);
        client.get("/a/1").status_is(200);
        assert_eq!(place.text("db.json"), text);
    }
}

#[test]
fn a_broken_edit_is_printed_with_its_place_and_so_is_its_fix() {
    let place = place(&[("db.json", "{\"a\": []}")]);
    let running = place.start(&["-p", "0", "db.json"]);
    running.home();
    std::fs::write(place.path("db.json"), "{\n  \"a\": [1 2]\n}").unwrap();
    let line = running.error(|line| line.contains("db.json:2:11"));
    assert!(line.starts_with("error"), "{line}");
    running.error(|line| line.contains("is ignored until it is fixed"));
    std::fs::write(
        place.path("db.json"),
        "{\n  \"a\": [{\"id\": 1}, {\"id\": 2}]\n}",
    )
    .unwrap();
    running.line(|line| line == "reloaded db.json: 2 records added in a");
}

#[test]
fn a_restore_counts_the_edits_that_it_drops_as_changes_and_not_as_those_of_the_api() {
    let start = r#"{"a": [{"id": 1, "n": "one"}]}"#;
    let place = place(&[("db.json", start)]);
    let running = place.start(&["-p", "0", "db.json"]);
    let mut client = running.client();
    std::fs::write(place.path("db.json"), start.replace("one", "ONE")).unwrap();
    running.line(|line| line.starts_with("reloaded db.json"));
    client.send("POST", "/a", JSON, "{}").status_is(201);
    std::fs::write(place.path("db.json"), start).unwrap();
    let line = running.line(|line| line.contains("earlier state"));
    assert!(line.ends_with("; 1 API write undone"), "{line}");
    running.error(|line| line.starts_with("2 changes not in the restored file; saved in "));
}

#[cfg(unix)]
#[test]
fn the_last_good_data_is_saved_if_the_file_is_broken_at_the_stop() {
    let data = "{\"a\": [{\"id\": 1}]}";
    let place = place(&[("db.json", data)]);
    let running = place.start(&["--port", "0", "db.json"]);
    running.home();
    std::fs::write(place.path("db.json"), "").unwrap();
    running.error(|line| line.contains("is ignored until it is fixed"));
    running.signal(rustix::process::Signal::TERM);
    let ended = running.end();
    let files = names_in(&place.path("."));
    let saved = files.iter().find(|name| name.starts_with("db-")).unwrap();
    assert_eq!(place.text(saved), data);
    has(
        ended.errors,
        format!("db.json is not valid; the last good data is saved in ./{saved}"),
    );
}
