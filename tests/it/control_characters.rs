//! Control characters of requests, data and files never reach the terminal.

use crate::cli::{Place, place};
use crate::support::*;

/// Colours, a title, a C1 control, DEL, reordered text; and a line that pretends to be one of the log.
const EVIL: &str = "x\u{1b}[31m\u{1b}]0;t\u{7}\u{9b}2J\u{7f}\u{202e}\u{2066}\u{61c}\nerror: forged";

fn encoded() -> String {
    EVIL.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Asserts that a text is safe on a terminal, and that each of its lines is the program's.
#[track_caller]
fn is_safe(text: &str) {
    has_no_controls(text);
    assert!(
        !text.lines().any(|line| line.starts_with("error: forged")),
        "{text}"
    );
}

#[track_caller]
fn has_no_controls(text: &str) {
    let unsafe_letter = text.chars().find(|letter| {
        (letter.is_control() && !"\n\t".contains(*letter))
            || "\u{202e}\u{2066}\u{61c}".contains(*letter)
    });
    assert_eq!(unsafe_letter, None, "in {text:?}");
}

#[test]
fn control_characters_of_requests_are_escaped_in_the_log() {
    let place = place(&[("db.json", "{\"posts\": [{\"id\": 1, \"n\": 2}]}")]);
    let running = place.start(&["db.json", "-p", "0", "--log-level", "debug"]);
    let mut client = running.client();
    let evil = encoded();
    for (method, path, body) in [
        ("GET", format!("/posts/{evil}"), String::new()),
        ("GET", format!("/{evil}"), String::new()),
        ("GET", format!("/posts?{evil}=1"), String::new()),
        ("GET", format!("/posts?n_like=({evil}"), String::new()),
        ("GET", format!("/posts?_where={{{evil}"), String::new()),
        ("GET", format!("/posts?_embed={evil}"), String::new()),
        ("GET", format!("/posts?_sort={evil}"), String::new()),
        ("DELETE", format!("/posts/{evil}"), String::new()),
        ("POST", "/posts".into(), format!("{{\"a\": {EVIL}}}")),
        (
            "POST",
            "/posts".into(),
            serde_json::json!({ "id": EVIL }).to_string(),
        ),
        (
            "POST",
            "/posts".into(),
            serde_json::json!({ "id": EVIL }).to_string(),
        ),
        (
            "PATCH",
            format!("/posts/{evil}"),
            serde_json::json!({ EVIL: EVIL }).to_string(),
        ),
    ] {
        client.send(method, &path, JSON, body);
    }
    for header in [
        format!("Origin: http://evil.example{}", "\u{9b}31m\u{202e}"),
        format!("Content-Type: {}", "\u{9b}31m\u{202e}"),
        format!("Content-Encoding: {}", "\u{9b}31m\u{202e}"),
    ] {
        let mut raw = Client::connect(client.address);
        raw.write(format!(
            "POST /posts HTTP/1.1\r\nHost: localhost\r\n{header}\r\nContent-Length: 2\r\n\r\n{{}}"
        ));
        raw.reply("POST");
    }
    let mut raw = Client::connect(client.address);
    raw.write(b"GET /\x1b[31m\x9b \xe2\x80\xae HTTP/1.1\r\nHost: localhost\r\n\r\n");
    raw.reply("GET");
    client.get("/posts?last=1");
    let mut lines = Vec::new();
    running.line(|line| {
        lines.push(line.to_string());
        line.contains("last=1")
    });
    let log = lines.join("\n");
    is_safe(&log);
    has(log, "with the id x\\u{1b}[31m");
}

#[test]
fn control_characters_of_the_data_are_escaped_in_banner_and_notices() {
    let evil = serde_json::json!(EVIL).to_string();
    // With two records of one id, records without one, and names like commands to the terminal.
    let data = format!(
        "{{{evil}: [{{\"id\": {evil}}}, {{\"id\": {evil}}}], \"b\": [{{{evil}: 1}}, {{\"id\": 1}}]}}"
    );
    let place = place(&[("db.json", data.as_str()), ("routes.json", "{}")]);
    let running = place.start(&["db.json", "-p", "0", "-r", "routes.json", "--poll", "50"]);
    let out = running.text_to("Ctrl+C");
    is_safe(&out);
    is_safe(&running.error(|line| line.contains("duplicate id")));
    // Edits that are broken, in the data and in the routes.
    std::fs::write(place.path("db.json"), format!("{{\n\t\"a\": [{EVIL}]}}")).unwrap();
    is_safe(&running.errors_to("ignored until it is fixed"));
    std::fs::write(place.path("routes.json"), format!("{{{evil}: 5}}")).unwrap();
    is_safe(&running.errors_to("stay as they were"));
    // And one that is not.
    std::fs::write(
        place.path("db.json"),
        format!("{{{evil}: [{{\"id\": 3}}]}}"),
    )
    .unwrap();
    is_safe(&running.line(|line| line.contains("reloaded db.json")));
}

fn fails_safely(place: &Place, arguments: &[&str]) -> String {
    let errors = place.fails(arguments);
    is_safe(&errors);
    errors
}

#[test]
fn control_characters_of_files_are_escaped_in_errors() {
    let evil = serde_json::json!(EVIL).to_string();
    let schema = format!("{{\"properties\": {{{evil}: {{\"items\": {{\"type\": {evil}}}}}}}}}");
    let place = place(&[
        ("db.json", "{}"),
        ("twice.json", &format!("{{{evil}: [], {evil}: []}}")),
        ("wrong.json", "{\"a\": \u{9b}31m\u{202e}\u{7f}}"),
        ("rules.json", &schema),
        ("routes.json", &format!("{{{evil}: 5}}")),
        ("key.json", &format!("{{{evil}: 5}}")),
        ("value.json", &format!("{{\"port\": {evil}}}")),
        ("static.json", &format!("{{\"static\": {evil}}}")),
        ("cors.json", &format!("{{\"cors\": {evil}}}")),
        ("host.json", &format!("{{\"host\": {evil}}}")),
        ("level.json", &format!("{{\"logLevel\": {evil}}}")),
        ("delay.json", &format!("{{\"delay\": {evil}}}")),
        ("db.csv", "id,\u{1b}[31m\u{9b}\n1\n2,3,4,5\n"),
    ]);
    for arguments in [
        &["twice.json"][..],
        &["wrong.json"],
        &["db.json", "--schema", "rules.json"],
        &["db.json", "-r", "routes.json"],
        &["db.json", "-c", "key.json"],
        &["db.json", "-c", "value.json"],
        &["db.json", "-c", "static.json"],
        &["db.json", "-c", "cors.json"],
        &["db.json", "-c", "host.json"],
        &["db.json", "-c", "level.json"],
        &["db.json", "-c", "delay.json"],
        &["db.json", "--port", EVIL],
        &["db.json", "--cors", EVIL],
        &["db.json", &format!("--{EVIL}")],
        &["schema", EVIL],
        &["completions", EVIL],
        &["no\u{1b}[31m\nerror: forged.json"],
        &["openapi", "wrong.json"],
    ] {
        fails_safely(&place, arguments);
    }
    for arguments in [
        &["init", "--from", "db.csv"][..],
        &["health", "http://127.0.0.1:1/\u{1b}[31m\u{9b}"],
    ] {
        let ended = place.run(arguments);
        is_safe(&ended.out);
        is_safe(&ended.errors);
    }
}

/// Control characters in the names of files.
#[cfg(unix)]
#[test]
fn control_characters_of_file_names_are_escaped() {
    let name = "d\u{1b}[31m\u{9b}\nerror: forged.json";
    let place = place(&[(name, "{\"a\": []}"), ("other.json", "{")]);
    let running = place.start(&[name, "-p", "0"]);
    let out = running.text_to("Ctrl+C");
    is_safe(&out);
    std::fs::write(place.path(name), "{").unwrap();
    let errors = running.errors_to("ignored until it is fixed");
    is_safe(&errors);
    // Another server of the same file, a file that is not there, a folder.
    fails_safely(&place, &[name, "-p", "0"]);
    fails_safely(&place, &["nothing.json"]);
    fails_safely(&place, &["."]);
}

#[test]
fn control_characters_of_pages_are_escaped_in_reports() {
    let page = format!(
        "# T \u{1b}[31m\u{202e}\n\n```bash\ncurl http://localhost:3000/posts/{}\u{1b}[32m\u{9b}\n```\n\n```json\n{{\"a\u{1b}[33m\u{9b}\": \"\u{202e}\u{7f}\"}}\n```\n",
        encoded()
    );
    let data = serde_json::json!({ "posts": [{ "id": EVIL, EVIL: EVIL }], EVIL: [] });
    let place = place(&[("db.json", &data.to_string()), ("page.md", &page)]);
    for arguments in [
        &["check", "page.md", "--db", "db.json"][..],
        &["check", "page.md", "--db", "db.json", "--list"],
        &["check", "page.md", "--db", "db.json", "--coverage"],
        &["check", "page.md", "--db", "db.json", "--format", "github"],
        &["check", "page.md", "--db", "no\u{1b}[31m.json"],
    ] {
        let ended = place.run(arguments);
        assert!(
            !ended.out.is_empty() || !ended.errors.is_empty(),
            "{arguments:?}"
        );
        has_no_controls(&ended.out);
        has_no_controls(&ended.errors);
    }
}

/// Control characters of pages and names never end a line or start a colour in a report.
#[test]
fn control_characters_cannot_forge_lines_of_a_report() {
    let name = "x\nerror: forged\u{1b}[31m";
    let page = format!(
        "# T\n\n```bash\ncurl http://localhost:3000/posts/{}\n```\n\n```json\n{{\"a\\nerror: forged\": \"b\\nerror: forged\\u001b[31m\"}}\n```\n",
        encoded()
    );
    let data = serde_json::json!({ "posts": [{ "id": 1 }], name: [] });
    let mut place = place(&[("db.json", &data.to_string()), ("page.md", &page)]);
    for more in [&[][..], &["--list"], &["--coverage"], &["--verbose"]] {
        let arguments = [&["check", "page.md", "--db", "db.json"], more].concat();
        let ended = place.run(&arguments);
        is_safe(&ended.out);
        is_safe(&ended.errors);
        place.variables = vec![("CLICOLOR_FORCE", "1")];
        let styled = place.run(&arguments).out;
        lacks(&styled, "\u{1b}[31m");
        lacks(&styled, "\nerror: forged");
        place.variables.clear();
    }
}
