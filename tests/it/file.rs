//! The data file: when it is saved, and its layout. (Edits: see `edits`.)

use standin::Durability;
use standin::Notice;
use standin::{Listeners, Saving, Server, StartError};

use crate::support::*;

#[test]
fn each_write_is_in_the_file_before_its_response_arrives() {
    for durability in [Durability::Synced, Durability::Written] {
        let fixture = Fixture::new("{\"a\": [], \"o\": {}}", None, |options| {
            options.saving = Saving::File(durability)
        });
        let mut client = fixture.client();
        for number in 1..=30 {
            let created = client.send("POST", "/a", JSON, format!("{{\"n\": {number}}}"));
            assert_eq!(
                fixture.data()["a"].as_array().unwrap().last(),
                Some(&created.value())
            );
            let path = format!("/a/{number}");
            let changed = client.send("PATCH", &path, JSON, "{\"x\": [1]}");
            assert_eq!(
                fixture.data()["a"].as_array().unwrap().last(),
                Some(&changed.value())
            );
            if number % 2 == 0 {
                client.delete(&path);
                assert_ne!(
                    fixture.data()["a"].as_array().unwrap().last(),
                    Some(&changed.value())
                );
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
    until("the journal goes", || {
        (!journal(&fixture).exists()).then_some(())
    });
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
    // With the record that exceeds the limit.
    let fixture = Fixture::new("{\"a\": []}", None, |options| options.journal_above = 1000);
    let mut client = fixture.client();
    for _ in 0..5 {
        let created = client.send("POST", "/a", JSON, "{\"n\": 1}").value();
        assert_eq!(
            fixture.data()["a"].as_array().unwrap().last(),
            Some(&created),
            "at once"
        );
    }
    client.send(
        "POST",
        "/a",
        JSON,
        format!("{{\"long\": \"{}\"}}", "x".repeat(1000)),
    );
    assert_eq!(fixture.data()["a"][5]["id"], 6, "at once");
    // The journal may just have been removed.
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
    // Copies file and journal, as a crash may leave them.
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
    until("the journal is removed", || {
        (!journal(&fixture).exists()).then_some(())
    });
}

#[test]
fn a_read_and_a_refused_write_do_not_touch_the_file() {
    let fixture = serve();
    let before = std::fs::metadata(fixture.path())
        .unwrap()
        .modified()
        .unwrap();
    for (method, path, body) in [
        ("GET", "/db", ""),
        ("POST", "/users", "{}"),
        ("PATCH", "/users/1", "{}"),
        ("DELETE", "/users/9", ""),
    ] {
        fixture.send(method, path, JSON, body);
    }
    assert_eq!(
        std::fs::metadata(fixture.path())
            .unwrap()
            .modified()
            .unwrap(),
        before
    );
    assert_eq!(fixture.text(), HOSTILE);
}

/// A request, and which part of the text it replaces by what.
type Edit<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Carries out the rows, each on a new file: `old` becomes `new` in the text, and nothing else changes.
fn keeps(text: &str, edits: &[Edit]) {
    for (request, body, old, new) in edits {
        assert_eq!(text.matches(old).count(), 1, "{old} is in\n{text}");
        let fixture = serve_data(text);
        let (method, path) = request.split_once(' ').unwrap();
        let reply = fixture.json(method, path, body);
        assert!(
            matches!(reply.status, 200 | 201),
            "{request} {body}: {}",
            reply.text()
        );
        assert_eq!(
            fixture.text(),
            text.replacen(old, new, 1),
            "{request} {body}"
        );
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
            (
                "PATCH /a/2",
                "{\"m\": {\"x\": [1, 2]}}",
                "\"n\": 2 }",
                "\"n\": 2, \"m\": { \"x\": [ 1, 2 ] } }",
            ),
            (
                "POST /a",
                "{\n\"n\":\n3}",
                "2 }\n",
                "2 },\n    { \"n\": 3, \"id\": 3 }\n",
            ),
            ("DELETE /a/1", "", "    { \"id\": 1, \"n\": 1 },\n", ""),
            ("DELETE /a/2", "", ",\n    { \"id\": 2, \"n\": 2 }", ""),
        ],
    );
    keeps(
        "{\"a\":[\n{\"id\":1,\"n\":1},\n{\"id\":2,\"n\":2}\n]}",
        &[
            (
                "PATCH /a/1",
                "{\"n\": 7, \"m\": 1}",
                "\"n\":1",
                "\"n\":7,\"m\":1",
            ),
            (
                "POST /a",
                "{\"n\": [1, 2]}",
                "\"n\":2}\n",
                "\"n\":2},\n{\"n\":[1,2],\"id\":3}\n",
            ),
            ("DELETE /a/1", "", "{\"id\":1,\"n\":1},\n", ""),
        ],
    );
}

#[test]
fn a_minified_file_stays_one() {
    keeps(
        r#"{"$schema":"x","a":[{"id":1,"n":1e0},{"id":2}],"b":[],"o":{"p":1}}"#,
        &[
            (
                "PATCH /a/1",
                "{\"n\": 7, \"m\": [1, {\"x\": 2}]}",
                "\"n\":1e0",
                r#""n":7,"m":[1,{"x":2}]"#,
            ),
            (
                "POST /a",
                "{ \"n\": 3 }",
                r#"{"id":2}"#,
                r#"{"id":2},{"n":3,"id":3}"#,
            ),
            ("DELETE /a/1", "", r#"{"id":1,"n":1e0},"#, ""),
            ("DELETE /a/2", "", r#",{"id":2}"#, ""),
            (
                "POST /b",
                "{ \"n\": 3 }",
                r#""b":[]"#,
                r#""b":[{"n":3,"id":1}]"#,
            ),
            (
                "PUT /o",
                "{ \"q\": {\"r\": 1} }",
                r#"{"p":1}"#,
                r#"{"q":{"r":1}}"#,
            ),
            ("PATCH /o", "{ \"q\": 2 }", r#"{"p":1}"#, r#"{"p":1,"q":2}"#),
        ],
    );
    // As Python's json.dumps writes it.
    keeps(
        "{\"a\": [{\"id\": 1, \"n\": 1}, {\"id\": 2}], \"b\": []}\n",
        &[
            (
                "POST /a",
                "{\"n\":3}",
                "{\"id\": 2}",
                "{\"id\": 2}, {\"n\": 3, \"id\": 3}",
            ),
            (
                "POST /b",
                "{\"n\":3}",
                "\"b\": []",
                "\"b\": [{\"n\": 3, \"id\": 1}]",
            ),
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
            (
                "POST /long",
                "{\"n\":1}",
                "    }\n  ],",
                "    },\n    {\n      \"n\": 1,\n      \"id\": 2\n    }\n  ],",
            ),
            (
                "POST /short",
                "{\"n\":1}",
                "{\"id\": 2}\n",
                "{\"id\": 2},\n    {\"n\": 1, \"id\": 3}\n",
            ),
            (
                "POST /tight",
                "{\"n\":1}",
                "{\"id\":2}]",
                "{\"id\":2},{\"n\":1,\"id\":3}]",
            ),
        ],
    );
}

#[test]
fn an_empty_collection_is_filled_however_it_is_written() {
    for empty in ["[]", "[ ]", "[\n  ]", "[\n\n  ]"] {
        let text = format!("{{\n  \"a\": {empty},\n  \"b\": {{}}\n}}\n");
        let filled =
            "{\n  \"a\": [\n    {\n      \"n\": 1,\n      \"id\": 1\n    }\n  ],\n  \"b\": {}\n}\n";
        let fixture = serve_data(&text);
        fixture.json("POST", "/a", "{\"n\":1}").status_is(201);
        assert_eq!(fixture.text(), filled, "{empty}");
        // When it is empty again it is `[]`, and can be filled again.
        fixture.delete("/a/1").status_is(200);
        assert_eq!(
            fixture.text(),
            filled.replace(
                "[\n    {\n      \"n\": 1,\n      \"id\": 1\n    }\n  ]",
                "[]"
            )
        );
        fixture.json("POST", "/a", "{\"n\":1}").status_is(201);
        assert_eq!(fixture.text(), filled.replace("\"id\": 1", "\"id\": 2"));
    }
}

#[test]
fn byte_order_mark_number_spellings_and_scalars_survive() {
    let text = "\u{feff}{\n  \"$schema\": \"./x.json\",\n  \"a\": [\n    {\n      \"id\": 1,\n      \"n\": 1.0,\n      \"e\": 1E+3,\n      \"big\": 12345678901234567890,\n      \"s\": \"\\u00fc\\/\"\n    }\n  ],\n  \"version\": 1.10,\n  \"none\": null\n}\n";
    keeps(
        text,
        &[
            (
                "PATCH /a/1",
                "{\"x\": 1}",
                "\\/\"\n",
                "\\/\",\n      \"x\": 1\n",
            ),
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

#[test]
fn the_second_server_of_a_file_names_the_first() {
    let mut fixture = serve_data("{\"a\": []}");
    let Err(error) = Server::start(&fixture.options, Listeners::default()) else {
        panic!("it started")
    };
    let StartError::Locked { holder, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(
        holder.contains(&fixture.address().port().to_string()),
        "{holder}"
    );
    // The same file under another name.
    #[cfg(unix)]
    {
        let link = fixture.folder().join("link.json");
        std::os::unix::fs::symlink(fixture.path(), &link).unwrap();
        let mut options = fixture.options.clone();
        options.file = link;
        assert!(matches!(
            Server::start(&options, Listeners::default()),
            Err(StartError::Locked { .. })
        ));
    }
    fixture.json("POST", "/a", "{}").status_is(201);
    let beside = names_in(&fixture.folder());
    assert!(
        beside
            .iter()
            .all(|name| name == "db.json" || name == "link.json"),
        "{beside:?}"
    );
    // A read-only server does not affect the first.
    let mut options = fixture.options.clone();
    options.saving = Saving::Memory;
    drop(Server::start(&options, Listeners::default()).unwrap());
    fixture.restart();
    fixture.get("/a/1").status_is(200);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[test]
    fn mode_and_owner_of_the_file_stay() {
        for mode in [0o600, 0o640, 0o644, 0o666] {
            let fixture = Fixture::new("{\"a\": []}", None, |options| {
                std::fs::set_permissions(&options.file, std::fs::Permissions::from_mode(mode))
                    .unwrap();
            });
            let before = std::fs::metadata(fixture.path()).unwrap();
            fixture.json("POST", "/a", "{}").status_is(201);
            let after = std::fs::metadata(fixture.path()).unwrap();
            assert_eq!(format!("{:o}", after.mode() & 0o7777), format!("{mode:o}"));
            assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        }
    }
}
