//! The data file: what is in it when, how it looks, and a person who edits it.

use std::path::Path;
use std::time::{Duration, Instant};

use standin::disk::Durability;
use standin::engine::{Faults, Notice};
use standin::server::{Listeners, Saving, Server, StartError};

use crate::support::*;

#[test]
fn each_write_is_in_the_file_before_its_answer_arrives() {
    for durability in [Durability::Synced, Durability::Written] {
        let fixture = Fixture::new("{\"a\": [], \"o\": {}}", None, |options| options.saving = Saving::File(durability));
        let mut client = fixture.client();
        for number in 1..=30 {
            let created = client.send("POST", "/a", JSON, format!("{{\"n\": {number}}}"));
            assert_eq!(fixture.data()["a"].as_array().unwrap().last(), Some(&created.value()));
            let path = format!("/a/{number}");
            let changed = client.send("PATCH", &path, JSON, "{\"x\": [1]}");
            assert_eq!(fixture.data()["a"].as_array().unwrap().last(), Some(&changed.value()));
            if number % 2 == 0 {
                client.send("DELETE", &path, NONE, "");
                assert_ne!(fixture.data()["a"].as_array().unwrap().last(), Some(&changed.value()));
            }
            client.send("PUT", "/o", JSON, format!("{{\"n\": {number}}}"));
            assert_eq!(fixture.data()["o"]["n"], number);
        }
    }
}

fn journal(fixture: &Fixture) -> std::path::PathBuf {
    fixture.folder().join(".db.json.standin-journal")
}

#[test]
fn with_a_journal_the_file_follows_the_writes() {
    let mut fixture = Fixture::new("{\"a\": []}", None, |options| options.journal_above = 0);
    let mut client = fixture.client();
    let has = |fixture: &Fixture, id: usize| fixture.data()["a"].as_array().unwrap().len() >= id;
    // When writes pause,
    client.send("POST", "/a", JSON, "{\"n\": 1}");
    until("the file follows", || has(&fixture, 1).then_some(()));
    until("the journal goes", || (!journal(&fixture).exists()).then_some(()));
    // while they do not,
    until("the file follows under load", || {
        client.send("POST", "/a", JSON, "{}");
        has(&fixture, 2).then_some(())
    });
    // and at the end.
    let last = client.send("POST", "/a", JSON, "{\"last\": true}").value();
    fixture.stop();
    assert_eq!(fixture.data()["a"].as_array().unwrap().last(), Some(&last));
    assert!(!journal(&fixture).exists());
}

#[test]
fn a_file_below_the_size_has_no_journal() {
    // By the record that makes the difference.
    let fixture = Fixture::new("{\"a\": []}", None, |options| options.journal_above = 1000);
    let mut client = fixture.client();
    for _ in 0..5 {
        let created = client.send("POST", "/a", JSON, "{\"n\": 1}").value();
        assert_eq!(fixture.data()["a"].as_array().unwrap().last(), Some(&created), "at once");
    }
    client.send("POST", "/a", JSON, format!("{{\"long\": \"{}\"}}", "x".repeat(1000)));
    assert_eq!(fixture.data()["a"][5]["id"], 6, "at once");
    // The look may come just after the journal has gone.
    until("a write is in the journal", || {
        client.send("POST", "/a", JSON, "{\"n\": 1}");
        journal(&fixture).exists().then_some(())
    });
}

#[cfg(unix)]
#[test]
fn the_journal_is_as_private_as_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new("{\"a\": []}", None, |options| options.journal_above = 0);
    std::fs::set_permissions(fixture.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut client = fixture.client();
    let about = until("there is a journal", || {
        client.send("POST", "/a", JSON, "{}");
        std::fs::metadata(journal(&fixture)).ok()
    });
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
}

#[test]
fn in_memory_a_journal_is_read_and_left_alone() {
    let mut fixture = Fixture::new("{\"a\": []}", None, |options| options.journal_above = 0);
    let mut client = fixture.client();
    // A copy of file and journal, as a crash may leave them.
    let (file, lines) = until("a write is in the journal only", || {
        client.send("POST", "/a", JSON, "{\"n\": 1.50}");
        let (before, lines) = (fixture.text(), std::fs::read(journal(&fixture)).ok()?);
        (fixture.text() == before).then_some((before, lines))
    });
    let seen = fixture.get("/a").value();
    fixture.stop();
    std::fs::write(fixture.path(), &file).unwrap();
    std::fs::write(journal(&fixture), &lines).unwrap();
    fixture.options.saving = Saving::Memory;
    fixture.restart();
    fixture.notice(|notice| matches!(notice, Notice::Replayed { edited: false, .. }).then_some(()));
    assert_eq!(fixture.get("/a").value(), seen);
    assert_eq!(fixture.text(), file);
    assert_eq!(std::fs::read(journal(&fixture)).unwrap(), lines);
    fixture.options.saving = Saving::File(Durability::Synced);
    fixture.restart();
    fixture.notice(|notice| matches!(notice, Notice::Replayed { edited: false, .. }).then_some(()));
    assert_eq!(fixture.get("/a").value(), seen);
    assert_eq!(fixture.data()["a"], seen);
    assert!(!journal(&fixture).exists());
}

#[test]
fn kept_in_memory_the_file_is_never_written() {
    let before = "{\"a\": []}";
    let fixture = Fixture::new(before, None, |options| options.saving = Saving::Memory);
    assert_eq!(fixture.json("POST", "/a", "{}").status, 201);
    assert_eq!(fixture.get("/a/1").status, 200);
    assert_eq!(fixture.text(), before);
}

#[test]
fn a_read_and_a_refused_write_leave_the_file_untouched() {
    let fixture = serve();
    let before = std::fs::metadata(fixture.path()).unwrap().modified().unwrap();
    for (method, path, body) in
        [("GET", "/db", ""), ("POST", "/users", "{}"), ("PATCH", "/users/1", "{}"), ("DELETE", "/users/9", "")]
    {
        fixture.send(method, path, JSON, body);
    }
    assert_eq!(std::fs::metadata(fixture.path()).unwrap().modified().unwrap(), before);
    assert_eq!(fixture.text(), HOSTILE);
}

/// A file, a request, and what of the text becomes what.
type Edit<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Carries out the rows, each on a file of its own: `old` becomes `new` in the text, and nothing else differs.
fn keeps(text: &str, edits: &[Edit]) {
    for (request, body, old, new) in edits {
        assert_eq!(text.matches(old).count(), 1, "{old} is in\n{text}");
        let fixture = serve_data(text);
        let (method, path) = request.split_once(' ').unwrap();
        let reply = fixture.send(method, path, if body.is_empty() { NONE } else { JSON }, body);
        assert!(matches!(reply.status, 200 | 201), "{request} {body}: {}", reply.text());
        assert_eq!(fixture.text(), text.replacen(old, new, 1), "{request} {body}");
    }
}

#[test]
fn two_and_four_spaces_and_tabs_are_kept() {
    for unit in ["  ", "    ", "\t", "   "] {
        for newline in ["\n", "\r\n"] {
            for end in ["\n", "", "\n\n"] {
                let lay = |text: &str| text.replace("  ", unit).replace('\n', newline);
                let file = "{\n  \"$schema\": \"x\",\n  \"a\": [\n    {\n      \"id\": 1,\n      \"n\": 1.0\n    },\n    {\n      \"id\": 2,\n      \"o\": {\n        \"p\": 1e3\n      }\n    }\n  ],\n  \"b\": []\n}";
                let text = lay(&format!("{file}{end}"));
                let edits = [
                    ("PATCH /a/1", "{\"n\":2}", "\"n\": 1.0", "\"n\": 2"),
                    ("PATCH /a/1", "{\"m\":{\"x\":1}}", "1.0\n", "1.0,\n      \"m\": {\n        \"x\": 1\n      }\n"),
                    (
                        "PUT /a/2",
                        "{\"o\":[1]}",
                        "\"id\": 2,\n      \"o\": {\n        \"p\": 1e3\n      }",
                        "\"o\": [\n        1\n      ],\n      \"id\": 2",
                    ),
                    ("DELETE /a/1", "", "    {\n      \"id\": 1,\n      \"n\": 1.0\n    },\n", ""),
                    (
                        "DELETE /a/2",
                        "",
                        "},\n    {\n      \"id\": 2,\n      \"o\": {\n        \"p\": 1e3\n      }\n    }",
                        "}",
                    ),
                    (
                        "POST /a",
                        "{\"x\": 1.50,\"y\":[]}",
                        "    }\n  ],",
                        "    },\n    {\n      \"x\": 1.50,\n      \"y\": [],\n      \"id\": 3\n    }\n  ],",
                    ),
                    (
                        "POST /b",
                        "{\"x\":1}",
                        "\"b\": []",
                        "\"b\": [\n    {\n      \"x\": 1,\n      \"id\": 1\n    }\n  ]",
                    ),
                ]
                .map(|(request, body, old, new)| (request, body, lay(old), lay(new)));
                let edits: Vec<Edit> = edits
                    .iter()
                    .map(|(request, body, old, new)| (*request, *body, old.as_str(), new.as_str()))
                    .collect();
                keeps(&text, &edits);
            }
        }
    }
}

#[test]
fn one_record_a_line_is_kept() {
    keeps(
        "{\n  \"a\": [\n    { \"id\": 1, \"n\": 1 },\n    { \"id\": 2, \"n\": 2 }\n  ],\n  \"b\": [\n  ]\n}\n",
        &[
            ("PATCH /a/1", "{\"n\": 7}", "\"n\": 1", "\"n\": 7"),
            ("PATCH /a/2", "{\"m\": {\"x\": [1, 2]}}", "\"n\": 2 }", "\"n\": 2, \"m\": { \"x\": [ 1, 2 ] } }"),
            ("POST /a", "{\n\"n\":\n3}", "2 }\n", "2 },\n    { \"n\": 3, \"id\": 3 }\n"),
            ("DELETE /a/1", "", "    { \"id\": 1, \"n\": 1 },\n", ""),
            ("DELETE /a/2", "", ",\n    { \"id\": 2, \"n\": 2 }", ""),
        ],
    );
    keeps(
        "{\"a\":[\n{\"id\":1,\"n\":1},\n{\"id\":2,\"n\":2}\n]}",
        &[
            ("PATCH /a/1", "{\"n\": 7, \"m\": 1}", "\"n\":1", "\"n\":7,\"m\":1"),
            ("POST /a", "{\"n\": [1, 2]}", "\"n\":2}\n", "\"n\":2},\n{\"n\":[1,2],\"id\":3}\n"),
            ("DELETE /a/1", "", "{\"id\":1,\"n\":1},\n", ""),
        ],
    );
}

#[test]
fn a_minified_file_stays_one() {
    keeps(
        r#"{"$schema":"x","a":[{"id":1,"n":1e0},{"id":2}],"b":[],"o":{"p":1}}"#,
        &[
            ("PATCH /a/1", "{\"n\": 7, \"m\": [1, {\"x\": 2}]}", "\"n\":1e0", r#""n":7,"m":[1,{"x":2}]"#),
            ("POST /a", "{ \"n\": 3 }", r#"{"id":2}"#, r#"{"id":2},{"n":3,"id":3}"#),
            ("DELETE /a/1", "", r#"{"id":1,"n":1e0},"#, ""),
            ("DELETE /a/2", "", r#",{"id":2}"#, ""),
            ("POST /b", "{ \"n\": 3 }", r#""b":[]"#, r#""b":[{"n":3,"id":1}]"#),
            ("PUT /o", "{ \"q\": {\"r\": 1} }", r#"{"p":1}"#, r#"{"q":{"r":1}}"#),
            ("PATCH /o", "{ \"q\": 2 }", r#"{"p":1}"#, r#"{"p":1,"q":2}"#),
        ],
    );
    // As Python's json.dumps writes it.
    keeps(
        "{\"a\": [{\"id\": 1, \"n\": 1}, {\"id\": 2}], \"b\": []}\n",
        &[
            ("POST /a", "{\"n\":3}", "{\"id\": 2}", "{\"id\": 2}, {\"n\": 3, \"id\": 3}"),
            ("POST /b", "{\"n\":3}", "\"b\": []", "\"b\": [{\"n\": 3, \"id\": 1}]"),
            ("DELETE /a/1", "", "{\"id\": 1, \"n\": 1}, ", ""),
            ("DELETE /a/2", "", ", {\"id\": 2}", ""),
        ],
    );
}

#[test]
fn each_collection_keeps_its_own_style() {
    let text = "{\n  \"long\": [\n    {\n      \"id\": 1\n    }\n  ],\n  \"short\": [\n    {\"id\": 1},\n    {\"id\": 2}\n  ],\n  \"tight\": [{\"id\":1},{\"id\":2}]\n}\n";
    keeps(
        text,
        &[
            ("POST /long", "{\"n\":1}", "    }\n  ],", "    },\n    {\n      \"n\": 1,\n      \"id\": 2\n    }\n  ],"),
            ("POST /short", "{\"n\":1}", "{\"id\": 2}\n", "{\"id\": 2},\n    {\"n\": 1, \"id\": 3}\n"),
            ("POST /tight", "{\"n\":1}", "{\"id\":2}]", "{\"id\":2},{\"n\":1,\"id\":3}]"),
        ],
    );
}

#[test]
fn an_empty_collection_is_filled_however_it_is_written() {
    for empty in ["[]", "[ ]", "[\n  ]", "[\n\n  ]"] {
        let text = format!("{{\n  \"a\": {empty},\n  \"b\": {{}}\n}}\n");
        let filled = "{\n  \"a\": [\n    {\n      \"n\": 1,\n      \"id\": 1\n    }\n  ],\n  \"b\": {}\n}\n";
        let fixture = serve_data(&text);
        assert_eq!(fixture.json("POST", "/a", "{\"n\":1}").status, 201);
        assert_eq!(fixture.text(), filled, "{empty}");
        // Emptied again it is `[]`, and can be filled again.
        assert_eq!(fixture.send("DELETE", "/a/1", NONE, "").status, 200);
        assert_eq!(fixture.text(), filled.replace("[\n    {\n      \"n\": 1,\n      \"id\": 1\n    }\n  ]", "[]"));
        assert_eq!(fixture.json("POST", "/a", "{\"n\":1}").status, 201);
        assert_eq!(fixture.text(), filled.replace("\"id\": 1", "\"id\": 2"));
    }
}

#[test]
fn a_byte_order_mark_number_spellings_and_what_is_no_resource_survive() {
    let text = "\u{feff}{\n  \"$schema\": \"./x.json\",\n  \"a\": [\n    {\n      \"id\": 1,\n      \"n\": 1.0,\n      \"e\": 1E+3,\n      \"big\": 12345678901234567890,\n      \"s\": \"\\u00fc\\/\"\n    }\n  ],\n  \"version\": 1.10,\n  \"none\": null\n}\n";
    keeps(
        text,
        &[
            ("PATCH /a/1", "{\"x\": 1}", "\\/\"\n", "\\/\",\n      \"x\": 1\n"),
            ("PATCH /a/1", "{\"n\": 2, \"e\": 1E+3}", "1.0,", "2,"),
            (
                "POST /a",
                "{\"f\": 0.10}",
                "    }\n  ]",
                "    },\n    {\n      \"f\": 0.10,\n      \"id\": 2\n    }\n  ]",
            ),
        ],
    );
}

#[test]
fn a_blank_file_is_one_without_resources() {
    for text in ["", " \n", "\u{feff}", "{}"] {
        let fixture = serve_data(text);
        assert_eq!(fixture.get("/db").text(), "{}", "{text:?}");
        assert_eq!(fixture.text(), text);
    }
}

/// A way in which an editor saves.
type Save = fn(&Path, &str);

fn in_place(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

fn rename_over(path: &Path, text: &str) {
    let beside = path.with_extension("json.swp");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, path).unwrap();
}

fn delete_and_create(path: &Path, text: &str) {
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, text).unwrap();
}

/// The old file becomes the backup, as vim does it.
fn move_away_and_create(path: &Path, text: &str) {
    std::fs::rename(path, path.with_extension("json~")).unwrap();
    std::fs::write(path, text).unwrap();
}

fn in_two_steps(path: &Path, text: &str) {
    use std::io::Write;
    let mut file = std::fs::File::create(path).unwrap();
    let (one, other) = text.as_bytes().split_at(text.len() / 2);
    file.write_all(one).unwrap();
    file.flush().unwrap();
    file.write_all(other).unwrap();
}

const WAYS: [(&str, Save); 5] = [
    ("in place", in_place),
    ("rename over", rename_over),
    ("delete and create", delete_and_create),
    ("move away and create", move_away_and_create),
    ("in two steps", in_two_steps),
];

#[test]
fn an_edit_is_seen_within_a_fifth_of_a_second_whichever_way_it_is_saved() {
    for (way, save) in WAYS {
        let fixture = serve_data("{\"a\": []}");
        // The tests share the machine: the fastest of some edits says how long it takes when nothing is in the way.
        let fastest = (1..=4)
            .map(|number| {
                save(fixture.path(), &format!("{{\"a\": [{{\"id\": {number}}}]}}\n"));
                let saved = Instant::now();
                let at = fixture.reloaded();
                assert_eq!(fixture.get(&format!("/a/{number}")).status, 200, "{way}");
                at.saturating_duration_since(saved)
            })
            .min();
        assert!(fastest < Some(Duration::from_millis(200)), "{way}: {fastest:?}");
    }
}

#[test]
fn the_notice_of_an_edit_counts_what_changed() {
    let fixture = serve_data("{\"a\": [{\"id\": 1}, {\"id\": 2}, {\"id\": 3}], \"o\": {}}");
    in_place(
        fixture.path(),
        "{\"a\": [{\"id\": 1}, {\"id\": 2, \"n\": 1}, {\"id\": 4}, {\"id\": 5}], \"o\": {\"p\": 1}}",
    );
    let (_, changes) = fixture.notice(|notice| match notice {
        Notice::Reloaded { changes, .. } => Some(changes.clone()),
        _ => None,
    });
    let told: Vec<_> = changes.iter().map(|one| (one.resource.as_str(), one.added, one.changed, one.removed)).collect();
    assert_eq!(told, [("a", 2, 1, 1), ("o", 0, 1, 0)]);
}

#[test]
fn own_saves_are_no_edits() {
    let fixture = Fixture::new("{\"a\": []}", None, |options| options.unseen = Duration::ZERO);
    let mut client = fixture.client();
    for _ in 0..20 {
        assert_eq!(client.send("POST", "/a", JSON, "{}").status, 201);
    }
    // What the watcher has seen of them is told before the edit that comes after.
    in_place(
        fixture.path(),
        &fixture.text().replace("\"id\":1}", "\"id\":1,\"n\":1}").replace("\"id\": 1}", "\"id\": 1, \"n\": 1}"),
    );
    let first = fixture.notice(|notice| Some(notice.clone())).1;
    let Notice::Reloaded { changes, .. } = first else { panic!("{first:?}") };
    assert_eq!((changes.len(), changes[0].added, changes[0].changed, changes[0].removed), (1, 0, 1, 0));
}

fn broken(fixture: &Fixture) -> Faults {
    let told = |notice: &Notice| match notice {
        Notice::Broken(faults) => Some(faults.clone()),
        _ => None,
    };
    fixture.notice(told).1
}

fn place(faults: &Faults) -> String {
    standin::json::Place::of(&faults.text, faults.list[0].offset).to_string()
}

#[test]
fn a_broken_edit_is_told_with_its_place_and_changes_nothing_until_it_is_mended() {
    for (way, save) in WAYS {
        let fixture = serve_data("{\"a\": [{\"id\": 1, \"n\": 1}]}");
        let before = fixture.get("/db").text().to_string();
        let broken_text = "{\n  \"a\": [\n    {\"id\": 1, \"n\": 2},\n  ]\n}\n";
        save(fixture.path(), broken_text);
        let faults = broken(&fixture);
        assert_eq!(place(&faults), "4:3", "{way}");
        assert!(faults.list[0].message.contains("after the comma"), "{faults:?}");
        // Reads go on, writes would overwrite the edit.
        assert_eq!(fixture.get("/db").text(), before);
        for (method, path, body) in [("POST", "/a", "{}"), ("PATCH", "/a/1", "{\"n\": 3}"), ("DELETE", "/a/1", "")] {
            let problem = fixture.json(method, path, body).problem(503, "broken-file");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("line 4, column 3") && detail.contains("after the comma"), "{detail}");
        }
        assert_eq!(fixture.text(), broken_text);
        assert_eq!(fixture.get("/db").text(), before);
        save(fixture.path(), &broken_text.replace("},\n  ]", "}\n  ]"));
        fixture.reloaded();
        assert_eq!(fixture.get("/a/1").value()["n"], 2);
        assert_eq!(fixture.json("POST", "/a", "{}").status, 201);
        assert_eq!(fixture.data()["a"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn an_edit_that_breaks_a_rule_is_told_with_each_place_and_changes_nothing() {
    let fixture = serve_with_rules("{\"users\": []}");
    let user =
        |email: &str, name: &str| format!("    {{\"lastName\": {name}, \"firstName\": \"F\", \"email\": \"{email}\"}}");
    let file = |users: &[String]| format!("{{\n  \"users\": [\n{}\n  ]\n}}\n", users.join(",\n"));
    in_place(fixture.path(), &file(&[user("a@x.org", "\"A\""), user("b@x.org", "7"), user("nowhere", "\"C\"")]));
    let faults = broken(&fixture);
    let places: Vec<_> =
        faults.list.iter().map(|fault| standin::json::Place::of(&faults.text, fault.offset).to_string()).collect();
    assert_eq!(places, ["4:18", "5:50"], "{faults:?}");
    assert!(faults.list[0].message.contains("users[1]/lastName"), "{faults:?}");
    assert_eq!(fixture.get("/users").text(), "[]");
    fixture
        .json("POST", "/users", r#"{"lastName": "A", "firstName": "B", "email": "c@x.org"}"#)
        .problem(503, "broken-file");
    // Two records with one address.
    in_place(fixture.path(), &file(&[user("a@x.org", "\"A\""), user("A@X.org", "\"B\"")]));
    let faults = broken(&fixture);
    assert_eq!(place(&faults), "4:5");
    assert!(faults.list[0].message.contains("email") && faults.list[0].message.contains("unique"), "{faults:?}");
    assert_eq!(fixture.get("/users").text(), "[]");
    in_place(fixture.path(), &file(&[user("a@x.org", "\"A\"")]));
    fixture.reloaded();
    assert_eq!(fixture.get("/users/1").value()["email"], "a@x.org");
}

#[test]
fn undoing_a_broken_edit_brings_the_writes_back() {
    let text = "{\"a\": [{\"id\": 1}]}";
    let fixture = serve_data(text);
    in_place(fixture.path(), "{\"a\": [{\"id\": 1}");
    broken(&fixture);
    fixture.json("POST", "/a", "{}").problem(503, "broken-file");
    in_place(fixture.path(), text);
    // The very next write finds the file mended, whether or not the watcher has been quicker.
    assert_eq!(fixture.json("POST", "/a", "{}").status, 201);
    assert_eq!(fixture.data(), serde_json::json!({"a": [{"id": 1}, {"id": 2}]}));
}

#[test]
fn a_file_that_is_cut_to_nothing_is_half_a_save_and_no_data() {
    let text = "{\"a\": [{\"id\": 1}]}";
    let fixture = serve_data(text);
    // Many editors cut the file first and write it then; a write of ours may come between.
    in_place(fixture.path(), "");
    fixture.json("POST", "/a", "{}").problem(503, "broken-file");
    assert_eq!(fixture.get("/a/1").status, 200);
    assert_eq!(fixture.text(), "");
    broken(&fixture);
    assert_eq!(fixture.get("/a/1").status, 200);
    in_place(fixture.path(), "{\"a\": [{\"id\": 1}, {\"id\": 5}]}");
    fixture.reloaded();
    assert_eq!(fixture.json("POST", "/a", "{}").value()["id"], 6);
}

#[test]
fn a_deleted_file_stops_the_writes_and_not_the_reads() {
    let fixture = serve_data("{\"a\": [{\"id\": 1}]}");
    std::fs::remove_file(fixture.path()).unwrap();
    fixture.json("POST", "/a", "{}").problem(503, "unsaved");
    assert_eq!(fixture.get("/a").value(), serde_json::json!([{"id": 1}]));
    let (_, words) = fixture.notice(|notice| match notice {
        Notice::Unsaved(words) => Some(words.clone()),
        _ => None,
    });
    assert!(words.contains("db.json"), "{words}");
    in_place(fixture.path(), "{\"a\": [{\"id\": 1}]}");
    assert_eq!(fixture.json("POST", "/a", "{}").status, 201);
    assert_eq!(fixture.data(), serde_json::json!({"a": [{"id": 1}, {"id": 2}]}));
}

#[test]
fn a_write_that_meets_an_edit_takes_it_in_first() {
    for watch in [true, false] {
        for (way, save) in WAYS {
            let fixture = Fixture::new("{\"a\": [{\"id\": 1}]}", None, |options| options.watch = watch);
            save(fixture.path(), "{\"a\": [{\"id\": 1}, {\"id\": 8, \"mine\": true}]}\n");
            let reply = fixture.json("POST", "/a", "{\"n\": 1}");
            assert_eq!((reply.status, reply.value()["id"].as_u64()), (201, Some(9)), "{way}, watched: {watch}");
            let expected = serde_json::json!({"a": [{"id": 1}, {"id": 8, "mine": true}, {"n": 1, "id": 9}]});
            assert_eq!(fixture.data(), expected, "{way}, watched: {watch}");
            assert_eq!(fixture.get("/db").value(), expected);
        }
    }
}

#[test]
fn unwatched_a_broken_edit_is_found_by_the_next_write_and_kept() {
    let fixture = Fixture::new("{\"a\": []}", None, |options| options.watch = false);
    rename_over(fixture.path(), "{\"a\": [}");
    let problem = fixture.json("POST", "/a", "{}").problem(503, "broken-file");
    assert!(problem["detail"].as_str().unwrap().contains("line 1, column 8"), "{problem:#}");
    assert_eq!(fixture.text(), "{\"a\": [}");
    assert_eq!(place(&broken(&fixture)), "1:8");
    rename_over(fixture.path(), "{\"a\": [{\"id\": 3}]}");
    assert_eq!(fixture.json("POST", "/a", "{}").value()["id"], 4);
}

/// File times move in steps. An edit within the step of our own save, of the same size, leaves no trace in them.
#[test]
fn an_edit_of_the_same_size_at_the_same_file_time_is_not_overwritten() {
    let fixture = Fixture::new("{\"a\": [], \"note\": {\"n\": 1}}", None, |options| options.watch = false);
    assert_eq!(fixture.json("POST", "/a", "{}").status, 201);
    let saved = std::fs::metadata(fixture.path()).unwrap().modified().unwrap();
    in_place(fixture.path(), &fixture.text().replace("\"n\": 1", "\"n\": 7"));
    let file = std::fs::File::options().write(true).open(fixture.path()).unwrap();
    file.set_modified(saved).unwrap();
    drop(file);
    // Long after: the time of the file is no longer that of something that may still be going on.
    until("time passes", || saved.elapsed().is_ok_and(|age| age > Duration::from_millis(120)).then_some(()));
    assert_eq!(fixture.json("POST", "/a", "{}").status, 201);
    assert_eq!(fixture.data()["note"]["n"], 7);
    assert_eq!(fixture.get("/note").value()["n"], 7);
}

#[test]
fn the_second_server_of_a_file_is_told_of_the_first() {
    let mut fixture = serve_data("{\"a\": []}");
    let Err(error) = Server::start(&fixture.options, Listeners::default()) else { panic!("it started") };
    let StartError::Locked { holder, .. } = &error else { panic!("{error:?}") };
    assert!(holder.contains(&fixture.address().port().to_string()), "{holder}");
    // By another name it is the same file.
    #[cfg(unix)]
    {
        let link = fixture.folder().join("link.json");
        std::os::unix::fs::symlink(fixture.path(), &link).unwrap();
        let mut options = fixture.options.clone();
        options.file = link;
        assert!(matches!(Server::start(&options, Listeners::default()), Err(StartError::Locked { .. })));
    }
    assert_eq!(fixture.json("POST", "/a", "{}").status, 201);
    let beside: Vec<_> = std::fs::read_dir(fixture.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(beside.iter().all(|name| name == "db.json" || name == "link.json"), "{beside:?}");
    // A server that only reads takes nothing away from the first.
    let mut options = fixture.options.clone();
    options.saving = Saving::Memory;
    drop(Server::start(&options, Listeners::default()).unwrap());
    fixture.restart();
    assert_eq!(fixture.get("/a/1").status, 200);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_symbolic_link_stays_one_and_edits_behind_it_are_seen() {
        let elsewhere = tempfile::tempdir().unwrap();
        let target = elsewhere.path().join("real data.json");
        let fixture = Fixture::new("{\"a\": []}", None, |options| {
            std::fs::rename(&options.file, &target).unwrap();
            symlink(&target, &options.file).unwrap();
        });
        assert_eq!(fixture.json("POST", "/a", "{}").status, 201);
        assert!(std::fs::symlink_metadata(fixture.path()).unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&target).unwrap(), fixture.text());
        assert_eq!(fixture.data(), serde_json::json!({"a": [{"id": 1}]}));
        rename_over(&target, "{\"a\": [{\"id\": 4}]}");
        fixture.reloaded();
        assert_eq!(fixture.json("POST", "/a", "{}").value()["id"], 5);
        assert!(std::fs::symlink_metadata(fixture.path()).unwrap().is_symlink());
    }

    #[test]
    fn mode_and_owner_of_the_file_stay() {
        for mode in [0o600, 0o640, 0o644, 0o666] {
            let fixture = Fixture::new("{\"a\": []}", None, |options| {
                std::fs::set_permissions(&options.file, std::fs::Permissions::from_mode(mode)).unwrap();
            });
            let before = std::fs::metadata(fixture.path()).unwrap();
            assert_eq!(fixture.json("POST", "/a", "{}").status, 201);
            let after = std::fs::metadata(fixture.path()).unwrap();
            assert_eq!(format!("{:o}", after.mode() & 0o7777), format!("{mode:o}"));
            assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        }
    }
}

/// The file was opened before a save exchanged it, and is written after.
#[test]
#[cfg(target_os = "linux")]
fn a_late_edit_is_taken_in_while_saves_follow_each_other() {
    use std::io::Write;
    let fixture = Fixture::new("{\"a\": []}", None, |_| ());
    let mut client = fixture.client();
    let mut opened = std::fs::OpenOptions::new().write(true).open(fixture.folder().join("db.json")).unwrap();
    client.send("POST", "/a", JSON, "{\"n\": 1}");
    opened.write_all(b"{\"a\": [], \"mine\": {\"late\": true}}").unwrap();
    drop(opened);
    until("the edit is seen", || {
        client.send("POST", "/a", JSON, "{}");
        (client.send("GET", "/mine", NONE, "").status == 200).then_some(())
    });
    // Readers see it first: what was brought together is saved then.
    until("the edit is in the file", || (fixture.data()["mine"]["late"] == true).then_some(()));
    assert_eq!(fixture.data()["a"][0]["n"], 1);
}
