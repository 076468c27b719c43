//! `standin check` as a program: exit codes, formats, repair, watching, a real service.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{BLOG, DEADLINE, RULES, SHIPPED, serve_data};

const DATA: &str = r#"{ "users": [ { "id": 1, "name": "Ada" } ] }"#;

/// A page that documents the user as having `name`.
fn page(name: &str) -> String {
    format!(
        "# User\n\n```bash\ncurl http://localhost:3000/users/1\n```\n\n```json\n{{\n  \"id\": 1,\n  \"name\": \"{name}\"\n}}\n```\n"
    )
}

fn folder(page: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("db.json"), DATA).unwrap();
    std::fs::create_dir(folder.path().join("docs")).unwrap();
    std::fs::write(folder.path().join("docs/it's a page.md"), page).unwrap();
    folder
}

fn text(folder: &TempDir) -> String {
    std::fs::read_to_string(folder.path().join("docs/it's a page.md")).unwrap()
}

fn check(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_standin"))
        .arg("check")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn exit_codes() {
    let good = folder(&page("Ada"));
    let bad = folder(&page("Bob"));
    let empty = folder("```sh\ncurl https://example.com\n```\n");
    let rows: [(&TempDir, &[&str], i32); 14] = [
        (&empty, &["docs"], 2),
        (&empty, &["docs", "--allow-empty"], 0),
        (&good, &["docs"], 0),
        (&good, &[], 0),
        (&bad, &["docs"], 1),
        (&bad, &["docs", "--fail-on", "never"], 0),
        (&bad, &["docs", "--list"], 0),
        (&good, &["nowhere"], 2),
        (&good, &["docs", "--db", "nowhere.json"], 2),
        (&good, &["docs", "--format", "nonsense"], 2),
        (&good, &["docs", "--schema", "nowhere.json"], 2),
        (&good, &["docs", "--watch", "--fix"], 2),
        (&good, &["docs", "--list", "--fix"], 2),
        (&good, &["docs", "--watch", "--list"], 2),
    ];
    for (folder, arguments, code) in rows {
        let output = check(folder.path(), arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}\n{}",
            said(&output)
        );
    }
}

#[test]
fn colours_are_for_terminals_and_for_who_asks() {
    let folder = folder(&page("Bob"));
    let rows: [(&[(&str, &str)], bool); 4] = [
        (&[], false),
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (&[("TERM", "dumb")], false),
    ];
    for (variables, coloured) in rows {
        let mut command = Command::new(env!("CARGO_BIN_EXE_standin"));
        for name in ["CLICOLOR_FORCE", "NO_COLOR", "CLICOLOR"] {
            command.env_remove(name);
        }
        let output = command
            .args(["check", "docs"])
            .envs(variables.iter().copied())
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(
            output.stdout.contains(&0x1b),
            coloured,
            "{variables:?}\n{}",
            said(&output)
        );
    }
}

#[test]
fn json_is_one_object_whatever_else_is_said() {
    let folder = folder(&page("Bob"));
    let output = check(folder.path(), &["docs", "--format", "json", "--fix"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["summary"]["pass"], 1, "{report}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("-  \"name\": \"Bob\""),
        "{}",
        said(&output)
    );
    assert_eq!(text(&folder), page("Ada"));
}

#[test]
fn a_page_with_uncommitted_changes_is_left_alone() {
    let folder = folder(&page("Ada"));
    let git = |arguments: &[&str]| {
        let identity = [
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.com",
            "-c",
            "init.defaultBranch=main",
        ];
        let output = Command::new("git")
            .args(identity)
            .args(arguments)
            .current_dir(folder.path())
            .output();
        output.is_ok_and(|output| output.status.success())
    };
    if !(git(&["init", "-q"]) && git(&["add", "-A"]) && git(&["commit", "-q", "-m", "pages"])) {
        eprintln!("not run: there is no git here");
        return;
    }
    std::fs::write(folder.path().join("docs/it's a page.md"), page("Bob")).unwrap();
    let output = check(folder.path(), &["docs", "--fix"]);
    assert!(
        said(&output).contains("uncommitted changes"),
        "{}",
        said(&output)
    );
    assert_eq!(text(&folder), page("Bob"));
    assert_eq!(output.status.code(), Some(1));
    assert!(git(&["commit", "-q", "-a", "-m", "wrong"]));
    let output = check(folder.path(), &["docs", "--fix"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(text(&folder), page("Ada"));
    std::fs::write(folder.path().join("docs/it's a page.md"), page("Eve")).unwrap();
    check(folder.path(), &["docs", "--fix", "--allow-dirty"]);
    assert_eq!(text(&folder), page("Ada"));
}

/// What `--fix=missing` inserts is the response after the writes above.
#[test]
fn a_missing_response_follows_the_writes_above() {
    let page = "```sh\ncurl -X DELETE localhost:3000/users/1\n```\n\n```json\n{}\n```\n\nThe others:\n\n\
                ```sh\ncurl localhost:3000/users\n```\n";
    let folder = folder(page);
    let data = r#"{ "users": [{ "id": 1, "name": "Ada" }, { "id": 2, "name": "Bob" }] }"#;
    std::fs::write(folder.path().join("db.json"), data).unwrap();
    let output = check(folder.path(), &["docs", "--fix=missing", "--allow-dirty"]);
    let text = text(&folder);
    assert!(
        text.contains("Bob") && !text.contains("Ada"),
        "{text}\n{}",
        said(&output)
    );
}

/// Nothing is inserted below a command that prints no body, or more than that.
#[test]
fn a_missing_response_is_what_the_command_prints() {
    let write = "```sh\ncurl -X PATCH localhost:3000/users/1 --json '{\"name\": \"Eve\"}' -o /dev/null\n```\n\n";
    let missing = "What do you get, and why? (Answer: 404, since there is none.)\n\n```sh\ncurl -X DELETE localhost:3000/users/9 -i\n```\n";
    let mut pages = vec![format!("{write}{missing}")];
    for command in [
        "curl -s -o /dev/null localhost:3000/users/1",
        "curl localhost:3000/users/1 > user.json",
        "curl -O localhost:3000/users/1",
        "curl -i localhost:3000/users/1",
        "wget localhost:3000/users/1",
        "http --headers :3000/users/1",
    ] {
        pages.push(format!("```sh\n{command}\n```\n"));
    }
    for page in pages {
        let folder = folder(&page);
        let output = check(folder.path(), &["docs", "--fix=missing", "--allow-dirty"]);
        assert_eq!(output.status.code(), Some(0), "{page}\n{}", said(&output));
        assert_eq!(text(&folder), page, "{}", said(&output));
    }
}

/// The page is right and its request is wrong: the response must not follow the request.
#[test]
fn a_wrong_request_is_not_documented() {
    let data = r#"{
      "users": [{ "id": 1, "name": "Ada", "age": 36 }, { "id": 2, "name": "Bob", "age": 51 }],
      "teams": [{ "id": 1, "name": "Red", "size": 4 }],
      "posts": [{ "id": 1, "userId": 1, "title": "Hello" }]
    }"#;
    let red = r#"{ "id": 1, "name": "Red", "size": 4 }"#;
    let ada = r#"{ "id": 1, "name": "Ada", "age": 36"#;
    let bob = r#"{ "id": 2, "name": "Bob", "age": 51 }"#;
    for (url, response) in [
        ("localhost:3000/users/1", bob.to_owned()),
        ("'localhost:3000/users?name=Ada'", format!("[{bob}]")),
        ("localhost:3000/users", format!("[{red}]")),
        // A record of another collection, a relation without its parameter, a misspelt one.
        ("localhost:3000/users/1", red.to_owned()),
        (
            "localhost:3000/users/1",
            format!(r#"{ada}, "posts": [{{ "id": 1, "userId": 1, "title": "Hello" }}] }}"#),
        ),
        (
            "'localhost:3000/posts/1?_expands=user'",
            format!(r#"{{ "id": 1, "userId": 1, "title": "Hello", "user": {ada} }} }}"#),
        ),
        (
            "'localhost:3000/users?_sort=age&_order=desc'",
            format!("[{ada} }}, {bob}]"),
        ),
        (
            "-X PATCH localhost:3000/users/1 --json '{\"age\": \"40\"}'",
            r#"{ "id": 1, "name": "Ada", "age": 40 }"#.to_owned(),
        ),
    ] {
        let page = format!("```sh\ncurl {url}\n```\n\n```json\n{response}\n```\n");
        let folder = folder(&page);
        std::fs::write(folder.path().join("db.json"), data).unwrap();
        let output = check(folder.path(), &["docs", "--fix", "--allow-dirty"]);
        assert_eq!(text(&folder), page, "{}", said(&output));
        assert!(
            said(&output).contains("the request is probably what is wrong"),
            "{}",
            said(&output)
        );
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn a_page_can_be_held_against_a_real_service() {
    let served = serve_data(r#"{ "users": [ { "id": 1, "name": "Real" } ] }"#);
    let url = format!("http://{}", served.address());
    let rows = [("Real", 0), ("Ada", 1)];
    for (name, code) in rows {
        let folder = folder(&page(name));
        let output = check(folder.path(), &["docs", "--server", &url]);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{name}\n{}",
            said(&output)
        );
    }
    let writes = "```sh\ncurl -X DELETE localhost:3000/users/1\n```\n";
    let output = check(folder(writes).path(), &["docs", "--server", &url]);
    assert!(
        said(&output).contains("--allow-writes"),
        "{}",
        said(&output)
    );
    let users = || served.get("/users").value().as_array().unwrap().len();
    assert_eq!(users(), 1);
    // A list of endpoints asks nobody to delete anything.
    let list = "```\nGET /users\nDELETE /users/1\n```\n";
    check(
        folder(list).path(),
        &["docs", "--server", &url, "--allow-writes"],
    );
    assert_eq!(users(), 1);
    let output = check(
        folder(writes).path(),
        &["docs", "--server", &url, "--allow-writes"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(users(), 0);
}

#[test]
fn watching_sees_a_page_and_its_data_being_saved() {
    let folder = folder(&page("Bob"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_standin"))
        .args(["check", "docs", "--watch"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (sender, lines) = channel();
    let output = child.stdout.take().unwrap();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    // Each report ends with the line that says that it is watching; the counts are above it.
    let counts = || {
        let mut last = String::new();
        loop {
            let line = lines.recv_timeout(DEADLINE).expect("a report in time");
            if line.starts_with("Watching") {
                return last;
            }
            if line.contains("passed") {
                last = line;
            }
        }
    };
    // On a busy machine, a partial save may be seen; then there is a report of that, too.
    let until = |wanted: &str| while !counts().contains(wanted) {};
    until("0 passed, 1 failed");
    std::fs::write(folder.path().join("docs/it's a page.md"), page("Ada")).unwrap();
    until("1 passed, 0 failed");
    std::fs::write(folder.path().join("db.json"), DATA.replace("Ada", "Eve")).unwrap();
    until("0 passed, 1 failed");
    // Broken, and then repaired.
    std::fs::write(folder.path().join("db.json"), "{").unwrap();
    let next = || lines.recv_timeout(DEADLINE).expect("a line in time");
    while !next().starts_with("error") {}
    std::fs::write(folder.path().join("db.json"), DATA).unwrap();
    until("1 passed, 0 failed");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Checks the project's own pages with the shipped data, not with `data/` and `examples/`, which readers of the pages
/// may have changed.
#[test]
fn our_own_pages_are_as_documented() {
    let (root, folder) = (
        Path::new(env!("CARGO_MANIFEST_DIR")),
        tempfile::tempdir().unwrap(),
    );
    for (path, text) in [
        ("data/db.json", SHIPPED),
        ("data/db.schema.json", RULES),
        ("examples/blog.json", BLOG),
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    for job in JOBS.iter().chain(&["behaviour", "profiles"]) {
        let from = root.join("examples").join(job);
        let to = folder.path().join("examples").join(job);
        std::fs::create_dir_all(&to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let file = entry.unwrap();
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    std::fs::create_dir(folder.path().join("docs")).unwrap();
    for page in our_pages() {
        std::fs::copy(root.join(&page), folder.path().join(&page)).unwrap();
    }
    let output = check(folder.path(), &["README.md", "docs", "examples"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// The copies that tests read are the files that are shipped.
#[test]
fn the_copies_of_the_shipped_data_are_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, copy) in [
        ("data/db.json", SHIPPED),
        ("data/db.schema.json", RULES),
        ("examples/blog.json", BLOG),
    ] {
        // A file may have been changed by trying things out; outside of a clone, all may.
        let clean = Command::new("git")
            .args(["diff", "--quiet", "HEAD", "--", path])
            .current_dir(root)
            .status();
        if clean.is_ok_and(|status| status.success()) {
            assert_eq!(
                std::fs::read_to_string(root.join(path)).unwrap(),
                copy,
                "tests/{path} is not {path}"
            );
        }
    }
}

/// Shells expand `?`, `*` and `[`, and zsh refuses a command in which they match no file.
#[test]
fn addresses_in_our_pages_are_quoted_for_every_shell() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in our_pages() {
        let text = std::fs::read_to_string(root.join(&page)).unwrap();
        let commands = text.lines().filter(|line| {
            line.trim_start()
                .trim_start_matches("$ ")
                .starts_with("curl ")
        });
        for command in commands {
            let bare: String = command
                .split('\'')
                .step_by(2)
                .flat_map(|part| part.split('"').step_by(2))
                .collect();
            assert!(
                !bare.contains(['?', '*', '[', '&']),
                "{}: {command}",
                page.display()
            );
        }
    }
}

/// The folders of `examples/` with a README.
const JOBS: [&str; 10] = [
    "cart",
    "done",
    "envelope",
    "json-api",
    "login",
    "optimistic",
    "own-ids",
    "search",
    "timestamps",
    "token-check",
];

/// `README.md`, and the pages of `docs/` and `examples/`.
fn our_pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = std::fs::read_dir(root.join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let docs = names
        .map(|name| Path::new("docs").join(name))
        .filter(|path| path.extension().is_some_and(|end| end == "md"));
    let examples = JOBS.map(|job| Path::new("examples").join(job).join("README.md"));
    let pages = std::iter::once("README.md".into()).chain(docs);
    pages.chain(examples).collect()
}

#[test]
fn the_mock_the_page_and_the_real_service_are_compared() {
    let served = serve_data(r#"{ "users": [ { "id": 1, "name": "Real" } ] }"#);
    let url = format!("http://{}", served.address());
    for (name, alone, code) in [("Real", "mock", 0), ("Ada", "real", 1), ("Bob", "none", 1)] {
        let folder = folder(&page(name));
        let output = check(
            folder.path(),
            &[
                "docs", "--server", &url, "--format", "json", "--header", "X-A: b",
            ],
        );
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["examples"][0]["drift"]["alone"], alone, "{report:#}");
        assert_eq!(output.status.code(), Some(code));
    }
    // A record that only a write creates is not reported as missing.
    let text = "```sh\ncurl --json '{\"name\": \"B\"}' localhost:3000/users\n```\n\n```sh\ncurl localhost:3000/users/2\n```\n\n```json\n{\"name\": \"B\", \"id\": 2}\n```\n";
    let output = check(folder(text).path(), &["docs", "--server", &url]);
    assert!(
        said(&output).contains("it needs the writes above it"),
        "{}",
        said(&output)
    );
}

#[test]
fn one_cause_is_one_error() {
    let folder = folder(&format!("{}\n{}", page("Ada"), page("Ada")));
    std::fs::write(folder.path().join("db.json"), "{ \"users\": [").unwrap();
    let output = check(folder.path(), &["docs"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert_eq!(
        said(&output).matches("db.json").count(),
        1,
        "{}",
        said(&output)
    );
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let output = check(
        folder.path(),
        &["docs", "--server", &format!("http://{closed}")],
    );
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert_eq!(said(&output).lines().count(), 1, "{}", said(&output));
    std::fs::write(folder.path().join("docs/page.adoc"), "= Title\n").unwrap();
    let output = check(folder.path(), &["docs/page.adoc"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("only Markdown"), "{}", said(&output));
}

#[test]
fn a_page_may_come_after_another() {
    let text = "<!-- standin: after=post.md -->\n\n```sh\ncurl localhost:3000/users/2\n```\n\n```json\n{\"name\": \"B\", \"id\": 2}\n```\n";
    let folder = folder(text);
    let output = check(folder.path(), &["docs/it's a page.md"]);
    assert!(said(&output).contains("post.md"), "{}", said(&output));
    assert_eq!(output.status.code(), Some(1));
    let post = "```sh\ncurl --json '{\"name\": \"B\"}' localhost:3000/users\n```\n";
    std::fs::write(folder.path().join("docs/post.md"), post).unwrap();
    let output = check(folder.path(), &["docs"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn a_detected_prefix_is_reported() {
    let folder = folder(&page("Ada").replace("localhost:3000/", "localhost:3000/api/v1/"));
    let output = check(folder.path(), &["docs"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let line = "prefix: /api/v1 is removed from the paths in docs/it's a page.md, as with `--prefix /api/v1`";
    assert!(said(&output).contains(line), "{}", said(&output));
    let output = check(folder.path(), &["docs", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let pages = &report["prefixes"]["/api/v1"];
    assert_eq!(pages[0], "docs/it's a page.md", "{report:#}");
    let output = check(folder.path(), &["docs", "--prefix", "/api/v1"]);
    assert!(!said(&output).contains("prefix:"), "{}", said(&output));
}

/// `standin check | head -1`: nobody reads the rest, and the check fails all the same.
#[test]
fn the_exit_code_is_that_of_the_run_if_the_reader_closes_the_pipe() {
    let wrong = page("Adam").repeat(2000);
    let folder = folder(&wrong);
    let mut child = Command::new(env!("CARGO_BIN_EXE_standin"))
        .args(["check", "docs"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // More than a pipe holds is written after this.
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

/// The replacement of a tag ended within a character of the page.
#[test]
fn a_tag_with_a_character_that_is_not_ascii_is_read() {
    let folder = folder(&format!("<T …label=\"x y\">\n\n{}", page("Ada")));
    let output = check(folder.path(), &["docs"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn files_that_are_not_read_are_named() {
    let folder = folder(&page("Ada"));
    std::fs::write(folder.path().join("docs/guide.rst"), "Guide\n=====\n").unwrap();
    std::fs::write(folder.path().join("docs/try.ipynb"), "{}").unwrap();
    std::fs::write(folder.path().join("docs/MORE.MD"), page("Ada")).unwrap();
    let output = check(folder.path(), &["docs"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output).contains("2 files were not read: docs/guide.rst, docs/try.ipynb"),
        "{}",
        said(&output)
    );
    let output = check(folder.path(), &["docs", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["notRead"][0], "docs/guide.rst", "{report:#}");
    std::fs::remove_file(folder.path().join("docs/it's a page.md")).unwrap();
    std::fs::remove_file(folder.path().join("docs/MORE.MD")).unwrap();
    let output = check(folder.path(), &["docs"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("docs/guide.rst"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_page_that_cannot_be_read_is_one_error() {
    let folder = folder(&page("Bob"));
    std::fs::write(folder.path().join("docs/latin.md"), b"# Caf\xe9\n").unwrap();
    let output = check(folder.path(), &["docs", "--format", "json"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let summary = &report["summary"];
    assert_eq!(
        (&summary["error"], &summary["fail"]),
        (&1.into(), &1.into())
    );
    let examples = report["examples"].as_array().unwrap();
    let error = examples
        .iter()
        .find(|found| found["verdict"] == "error")
        .unwrap();
    assert!(
        error["reason"].as_str().unwrap().contains("not UTF-8"),
        "{error}"
    );
    // What to write instead.
    let wrong = examples
        .iter()
        .find(|found| found["verdict"] == "fail")
        .unwrap();
    assert_eq!(wrong["findings"][0]["fix"], "\"Ada\"");
}

#[test]
fn responses_that_are_not_compared_are_named() {
    let error = "\nError response (404):\n\n```json\n{ \"error\": \"no such user\" }\n```\n";
    let file = "\nThe file `db.json` is:\n\n```json\n{ \"users\": [] }\n```\n";
    let folder = folder(&format!("{}{error}{file}", page("Ada")));
    let output = check(folder.path(), &["docs"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let line =
        "1 response was not compared: docs/it's a page.md:16 (not the response to a request)";
    assert!(said(&output).contains(line), "{}", said(&output));
}

#[test]
fn a_page_that_creates_the_missing_record_is_named() {
    let text =
        "```sh\ncurl localhost:3000/users/2\n```\n\n```json\n{\"name\": \"B\", \"id\": 2}\n```\n";
    let folder = folder(text);
    let post = "# Add\n\n```sh\ncurl --json '{\"name\": \"B\"}' localhost:3000/users\n```\n";
    std::fs::create_dir(folder.path().join("docs/api")).unwrap();
    std::fs::write(folder.path().join("docs/api/post.md"), post).unwrap();
    let output = check(folder.path(), &["docs"]);
    let cause = "the POST on line 4 of api/post.md creates this record; `<!-- standin: after=api/post.md -->`";
    assert!(said(&output).contains(cause), "{}", said(&output));
    let text = format!("<!-- standin: after=api/post.md -->\n\n{text}");
    std::fs::write(folder.path().join("docs/it's a page.md"), text).unwrap();
    let output = check(folder.path(), &["docs"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}
