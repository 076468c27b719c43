//! Concurrent edits and writes with a real file.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use standin::Notice;

use crate::support::*;

const START: &str = "{\n  \"a\": [\n    {\n      \"id\": 1,\n      \"n\": 1\n    },\n    {\n      \"id\": 2,\n      \"n\": 2\n    }\n  ],\n  \"o\": {\n    \"p\": 1,\n    \"q\": 1\n  }\n}\n";

fn edit(fixture: &Fixture, text: impl AsRef<str>) {
    let beside = fixture.path().with_extension("swp");
    std::fs::write(&beside, text.as_ref()).unwrap();
    std::fs::rename(beside, fixture.path()).unwrap();
}

/// Of the next reload: how many writes were kept, and which records got another id.
fn reloaded(fixture: &Fixture) -> (usize, Vec<(String, String, String)>) {
    let wanted = |notice: &Notice| match notice {
        Notice::Reloaded {
            kept, renumbered, ..
        } => {
            let names = renumbered
                .iter()
                .map(|(name, old, new)| (name.clone(), old.to_string(), new.to_string()));
            Some((*kept, names.collect()))
        }
        _ => None,
    };
    fixture.notice(wanted).1
}

/// Waits until file and memory hold the same data, and returns it.
fn settled(fixture: &Fixture, is_so: impl Fn(&Value) -> bool) -> Value {
    until("file and memory agree", || {
        let seen = fixture.get("/db").value();
        let file: Value = serde_json::from_slice(&std::fs::read(fixture.path()).ok()?).ok()?;
        (file == seen && is_so(&seen)).then_some(seen)
    })
}

fn conflicts(fixture: &Fixture) -> Vec<Value> {
    let listed = fixture.get("/-/conflicts").value();
    let file = fixture.path().with_extension("conflicts.jsonl");
    let kept: Vec<Value> = std::fs::read_to_string(file)
        .unwrap_or_default()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        listed,
        Value::Array(kept.clone()),
        "the list and the file say the same"
    );
    kept
}

#[test]
fn a_stale_buffer_does_not_delete_what_it_never_saw() {
    let fixture = serve_data(START);
    for number in [3, 4, 5] {
        fixture
            .json("POST", "/a", &format!("{{\"n\": {number}}}"))
            .status_is(201);
    }
    fixture.json("PATCH", "/a/1", "{\"n\": 10}").status_is(200);
    fixture.json("PATCH", "/o", "{\"p\": 10}").status_is(200);
    // A stale edit, based on the text at the start: changes record 2 and another property of the object.
    edit(
        &fixture,
        START
            .replace("\"n\": 2", "\"n\": 20")
            .replace("\"q\": 1", "\"q\": 10"),
    );
    assert_eq!(reloaded(&fixture).0, 5);
    let all = settled(&fixture, |all| all["a"][1]["n"] == 20);
    let a = json!([{"id": 1, "n": 10}, {"id": 2, "n": 20}, {"n": 3, "id": 3}, {"n": 4, "id": 4}, {"n": 5, "id": 5}]);
    assert_eq!(all, json!({"a": a, "o": {"p": 10, "q": 10}}));
    assert!(conflicts(&fixture).is_empty());
}

#[test]
fn older_records_that_an_edit_lacks_are_deleted() {
    let fixture = Fixture::new(START, None, |options| {
        options.unseen = std::time::Duration::ZERO
    });
    fixture.json("POST", "/a", "{\"n\": 3}").status_is(201);
    // File times have a granularity of some milliseconds.
    let saved = std::time::Instant::now();
    until("time passes", || {
        (saved.elapsed() > std::time::Duration::from_millis(50)).then_some(())
    });
    let without = "{\"a\": [{\"id\": 2, \"n\": 2}], \"o\": {\"p\": 1, \"q\": 1}}";
    edit(&fixture, without);
    reloaded(&fixture);
    assert_eq!(settled(&fixture, |_| true)["a"], json!([{"id": 2, "n": 2}]));
    assert_eq!(fixture.text(), without);
}

#[test]
fn a_restore_is_not_merged_and_keeps_what_it_drops() {
    let mut fixture = serve_data(START);
    for number in [3, 4] {
        fixture
            .json("POST", "/a", &format!("{{\"n\": {number}}}"))
            .status_is(201);
    }
    fixture.json("PATCH", "/a/1", "{\"n\": 10}").status_is(200);
    edit(&fixture, START);
    let writes = fixture.notice(|notice| match notice {
        Notice::Restored { writes, .. } => Some(*writes),
        _ => None,
    });
    assert_eq!(writes.1, 3);
    assert_eq!(fixture.text(), START);
    assert_eq!(
        fixture.get("/db").value(),
        serde_json::from_str::<Value>(START).unwrap()
    );
    let dropped: Vec<Value> = conflicts(&fixture)
        .iter()
        .map(|line| json!([line["kind"], line["id"], line["api"], line["edit"]]))
        .collect();
    let expected = [
        json!(["dropped", "1", {"id": 1, "n": 10}, {"id": 1, "n": 1}]),
        json!(["dropped", "3", {"n": 3, "id": 3}, null]),
        json!(["dropped", "4", {"n": 4, "id": 4}, null]),
    ];
    assert_eq!(dropped, expected);
    // Nothing that was deleted comes back.
    fixture.json("PATCH", "/o", "{\"p\": 2}").status_is(200);
    fixture.restart();
    assert_eq!(fixture.data()["a"].as_array().unwrap().len(), 2);
    assert_eq!(fixture.json("POST", "/a", "{}").value()["id"], 3);
}

/// A slow editor that writes in place, and opened the file before or after a save exchanges it.
#[test]
fn an_editor_that_writes_in_place_loses_nothing_and_breaks_nothing() {
    for (cut_first, writes_between) in [(true, 0), (true, 3), (false, 0), (false, 3)] {
        let fixture = serve_data(START);
        fixture.json("PATCH", "/a/1", "{\"n\": 5}").status_is(200);
        let text = fixture.text().replace("\"n\": 2", "\"n\": 20");
        let (one, other) = text.as_bytes().split_at(text.len() / 2);
        let mut open = std::fs::File::options()
            .write(true)
            .open(fixture.path())
            .unwrap();
        let mut created = 0;
        let post = |wanted: usize, created: &mut u64| {
            for _ in 0..wanted {
                let reply = fixture.json("POST", "/a", "{\"x\": 1}");
                match reply.status {
                    201 => *created += 1,
                    _ => drop(reply.problem(503, "broken-file")),
                }
            }
        };
        if cut_first {
            open.set_len(0).unwrap();
        }
        post(writes_between, &mut created);
        if !cut_first {
            assert_eq!(created, writes_between as u64);
            open.set_len(0).unwrap();
        }
        open.write_all(one).unwrap();
        post(writes_between, &mut created);
        open.write_all(other).unwrap();
        drop(open);
        let what = format!("cut first: {cut_first}, {writes_between} writes between");
        let all = settled(&fixture, |all| all["a"][1]["n"] == 20);
        let rows = all["a"].as_array().unwrap();
        assert_eq!(rows[0]["n"], 5, "{what}");
        assert_eq!(rows.len() as u64, 2 + created, "{what}: {all:#}");
        assert!(conflicts(&fixture).is_empty(), "{what}");
        until(&format!("{what}: nothing is left"), || {
            let mut names = std::fs::read_dir(fixture.folder())
                .unwrap()
                .map(|one| one.unwrap().file_name());
            (names.next()? == "db.json" && names.next().is_none()).then_some(())
        });
    }
}

#[test]
fn an_edit_wins_a_conflict_and_the_other_version_is_kept() {
    let fixture = serve_data(START);
    fixture.json("PATCH", "/a/1", "{\"n\": 10}");
    fixture.json("PATCH", "/o", "{\"p\": 10, \"new\": true}");
    fixture.delete("/a/2");
    // The edit changes a record that the API deleted, and a property of the object that the API changed, too.
    edit(
        &fixture,
        START
            .replace("\"n\": 1\n", "\"n\": 100\n")
            .replace("\"n\": 2", "\"n\": 200")
            .replace("\"p\": 1", "\"p\": 100"),
    );
    reloaded(&fixture);
    let all = settled(&fixture, |all| all["a"][0]["n"] == 100);
    let expected = json!({"a": [{"id": 1, "n": 100}, {"id": 2, "n": 200}], "o": {"p": 100, "q": 1, "new": true}});
    assert_eq!(all, expected);
    let kept: Vec<Value> = conflicts(&fixture)
        .iter()
        .map(|line| {
            json!([
                line["kind"],
                line["resource"],
                line["id"],
                line["property"],
                line["api"],
                line["edit"]
            ])
        })
        .collect();
    let expected = [
        json!(["conflict", "a", "1", null, {"id": 1, "n": 10}, {"id": 1, "n": 100}]),
        json!(["conflict", "o", null, "p", 10, 100]),
        json!(["conflict", "a", "2", null, null, {"id": 2, "n": 200}]),
    ];
    assert_eq!(kept, expected);
}

#[test]
fn a_record_that_the_edit_deleted_and_the_api_changed_is_deleted_and_kept_as_a_conflict() {
    let fixture = serve_data(START);
    fixture.json("PATCH", "/a/2", "{\"n\": 20}");
    edit(
        &fixture,
        "{\"a\": [{\"id\": 1, \"n\": 1}], \"o\": {\"p\": 1, \"q\": 1}}",
    );
    reloaded(&fixture);
    assert_eq!(settled(&fixture, |_| true)["a"], json!([{"id": 1, "n": 1}]));
    let kept = conflicts(&fixture);
    assert_eq!(
        (kept.len(), &kept[0]["api"], &kept[0]["edit"]),
        (1, &json!({"id": 2, "n": 20}), &Value::Null)
    );
}

#[test]
fn new_records_of_both_sides_with_one_id_are_both_kept() {
    let fixture = serve_data(START);
    let created = fixture.json("POST", "/a", "{\"by\": \"api\"}").value();
    assert_eq!(created["id"], 3);
    let mine = START.replace(
        "\"n\": 2\n    }",
        "\"n\": 2\n    },\n    {\n      \"id\": 3,\n      \"by\": \"me\"\n    }",
    );
    edit(&fixture, mine);
    assert_eq!(
        reloaded(&fixture),
        (1, vec![("a".into(), "3".into(), "4".into())])
    );
    let all = settled(&fixture, |all| {
        all["a"].as_array().is_some_and(|rows| rows.len() == 4)
    });
    let find = |id: u64| {
        all["a"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["id"] == id)
            .cloned()
    };
    assert_eq!(
        (find(3).unwrap(), find(4).unwrap()["by"].clone()),
        (created, json!("me"))
    );
    assert!(conflicts(&fixture).is_empty());
    assert_eq!(fixture.json("POST", "/a", "{}").value()["id"], 5);
}

#[test]
fn the_edit_wins_a_unique_value() {
    let user = |email: &str| {
        format!("{{\"lastName\": \"A\", \"firstName\": \"B\", \"email\": \"{email}\"}}")
    };
    let fixture = serve_with_rules("{\n  \"users\": []\n}\n");
    fixture
        .json("POST", "/users", &user("one@example.com"))
        .status_is(201);
    fixture
        .json("POST", "/users", &user("two@example.com"))
        .status_is(201);
    let mine = "{\"users\": [{\"id\": 7, \"lastName\": \"Me\", \"firstName\": \"B\", \"email\": \"ONE@example.com\"}]}";
    edit(&fixture, mine);
    reloaded(&fixture);
    let all = settled(&fixture, |all| {
        all["users"].as_array().is_some_and(|rows| rows.len() == 2)
    });
    assert_eq!(
        (&all["users"][0]["lastName"], &all["users"][1]["email"]),
        (&json!("Me"), &json!("two@example.com"))
    );
    let kept = conflicts(&fixture);
    assert_eq!(
        (kept.len(), &kept[0]["api"]["email"]),
        (1, &json!("one@example.com"))
    );
}

#[test]
fn values_that_must_be_unique_may_move_between_records_on_the_api_side() {
    let user = |id: u32, email: &str| {
        format!(
            "{{\"id\": {id}, \"lastName\": \"A\", \"firstName\": \"B\", \"email\": \"{email}\"}}"
        )
    };
    let start = format!(
        "{{\"users\": [{}, {}]}}",
        user(1, "one@example.com"),
        user(2, "two@example.com")
    );
    let fixture = serve_with_rules(&start);
    let patch = |id: u32, email: &str| {
        let reply = fixture.json(
            "PATCH",
            &format!("/users/{id}"),
            &format!("{{\"email\": \"{email}\"}}"),
        );
        reply.status_is(200);
    };
    patch(2, "three@example.com");
    patch(1, "two@example.com");
    // The edit has not seen that.
    edit(
        &fixture,
        start
            .replace("\"A\"", "\"Z\"")
            .replacen("\"Z\"", "\"A\"", 2)
            .replace("]}", ", {\"id\": 9, \"lastName\": \"Z\", \"firstName\": \"B\", \"email\": \"z@example.com\"}]}"),
    );
    reloaded(&fixture);
    let all = settled(&fixture, |all| {
        all["users"].as_array().is_some_and(|rows| rows.len() == 3)
    });
    assert_eq!(
        column(&all["users"], "email"),
        ["two@example.com", "three@example.com", "z@example.com"]
    );
    assert!(conflicts(&fixture).is_empty());
}

#[test]
fn an_edit_based_on_one_that_lacked_a_write_does_not_delete_it() {
    // A script that repeatedly edits what it has just read, faster than the server can merge.
    let fixture = Fixture::new(START, None, |options| {
        options.unseen = std::time::Duration::from_millis(600)
    });
    fixture
        .json("POST", "/a", "{\"by\": \"api\"}")
        .status_is(201);
    let mut text = START.to_string();
    let start = std::time::Instant::now();
    let mut number = 1;
    while start.elapsed() < std::time::Duration::from_millis(1500) {
        number += 1;
        text = text.replace(
            &format!("\"q\": {}", number - 1),
            &format!("\"q\": {number}"),
        );
        edit(&fixture, &text);
        reloaded(&fixture);
    }
    let all = settled(&fixture, |all| all["o"]["q"] == number);
    assert_eq!(
        all["a"][2],
        json!({"by": "api", "id": 3}),
        "after {number} edits"
    );
}

/// The age of an edit is measured when it is found: the time to read a large file does not make it younger.
#[test]
fn the_age_of_an_edit_counts_from_when_it_was_found() {
    let records: Vec<Value> = (1..=50_000)
        .map(|id| json!({"id": id, "word": "abc"}))
        .collect();
    let data = json!({"a": records, "o": {"q": 1}});
    let start = serde_json::to_string_pretty(&data).unwrap();
    let fixture = Fixture::new(&start, None, |options| {
        options.unseen = std::time::Duration::from_millis(1)
    });
    // The editor has written its text before the POST, and renames it into place when the file has the POST.
    let edited = fixture.folder().join("edited");
    std::fs::write(&edited, start.replace("\"q\": 1", "\"q\": 2")).unwrap();
    fixture
        .json("POST", "/a", "{\"word\": \"new\"}")
        .status_is(201);
    // Writes that are only in the journal are always kept.
    until("the file has it", || {
        fixture.text().contains("new").then_some(())
    });
    std::fs::rename(&edited, fixture.path()).unwrap();
    reloaded(&fixture);
    assert_eq!(fixture.get("/o").value(), json!({"q": 2}));
    assert_eq!(fixture.get("/a/50001").value()["word"], "new");
}

#[test]
fn unseen_writes_survive_a_broken_edit() {
    let mut fixture = serve_data(START);
    fixture.json("POST", "/a", "{\"n\": 3}").status_is(201);
    let broken = START.replace("\"n\": 2\n", "\"n\": 20,\n");
    edit(&fixture, &broken);
    fixture.notice(|notice| matches!(notice, Notice::Broken(_)).then_some(()));
    fixture.json("POST", "/a", "{}").problem(503, "broken-file");
    // The conflicts file is created empty, then the line is appended.
    let pending: Value = until("it is written down", || {
        let text =
            std::fs::read_to_string(fixture.path().with_extension("conflicts.jsonl")).ok()?;
        text.ends_with('\n')
            .then(|| serde_json::from_str(&text).unwrap())
    });
    assert_eq!(
        (&pending["kind"], &pending["api"]),
        (&json!("pending"), &json!({"n": 3, "id": 3}))
    );
    // However long it takes.
    let start = std::time::Instant::now();
    until("time passes", || {
        (start.elapsed() > std::time::Duration::from_millis(2300)).then_some(())
    });
    edit(&fixture, broken.replace("20,", "20"));
    let all = settled(&fixture, |all| all["a"][1]["n"] == 20);
    assert_eq!(all["a"][2], json!({"n": 3, "id": 3}));
    fixture.restart();
    assert_eq!(fixture.get("/db").value(), all);
}

#[test]
fn a_kept_version_is_reported_even_if_it_cannot_be_written() {
    let fixture = serve_data(START);
    // There is a folder with the name of the conflicts file.
    std::fs::create_dir(fixture.path().with_extension("conflicts.jsonl")).unwrap();
    fixture.json("PATCH", "/a/1", "{\"n\": 10, \"new\": true}");
    edit(&fixture, START.replace("\"n\": 1\n", "\"n\": 100\n"));
    let failed = fixture.notice(|notice| match notice {
        Notice::Conflicts { failed, path, .. } => Some((failed.clone(), path.clone())),
        _ => None,
    });
    assert!(
        failed.1.0.is_some() && Path::new(&failed.1.1).ends_with("db.conflicts.jsonl"),
        "{failed:?}"
    );
    let listed = until("it is listed", || {
        let listed = fixture.get("/-/conflicts").value();
        (!listed.as_array()?.is_empty()).then_some(listed)
    });
    assert_eq!(listed[0]["api"]["n"], 10);
}

/// A user who follows a tutorial: a write, and right after it an edit of the result.
#[test]
fn an_edit_on_top_of_a_recent_write_is_loaded_without_a_merge() {
    let posted = |body: &str, from: &str, to: &str, expected: Value| {
        let fixture = serve_data(START);
        fixture.json("POST", "/a", body).status_is(201);
        let text = fixture.text();
        has(&text, from);
        edit(&fixture, text.replace(from, to));
        assert_eq!(reloaded(&fixture), (0, vec![]), "{body}: {from} -> {to}");
        assert_eq!(
            settled(&fixture, |_| true)["a"].as_array().unwrap()[2..],
            [expected],
            "{body}: {from} -> {to}"
        );
        assert!(conflicts(&fixture).is_empty());
    };
    posted(
        r#"{"name": "Ada", "n": 7}"#,
        "Ada",
        "Bob",
        json!({"name": "Bob", "n": 7, "id": 3}),
    );
    posted(
        r#"{"name": "Ada"}"#,
        "Ada",
        "Bob",
        json!({"name": "Bob", "id": 3}),
    );
    posted(
        r#"{"name": "Ada", "n": 7}"#,
        "\"n\": 7,\n",
        "",
        json!({"name": "Ada", "id": 3}),
    );
    posted(
        r#"{"name": "Ada"}"#,
        "\"Ada\"",
        "\"Ada\", \"x\": [1]",
        json!({"name": "Ada", "x": [1], "id": 3}),
    );
    posted(
        r#"{"at": {"city": "X", "zip": 1}}"#,
        "\"X\"",
        "\"Y\"",
        json!({"at": {"city": "Y", "zip": 1}, "id": 3}),
    );
    posted(
        "{}",
        "\"id\": 3",
        "\"id\": 3, \"x\": 1",
        json!({"id": 3, "x": 1}),
    );
    posted(
        r#"{"name": "Ada"}"#,
        "\"name\"",
        "\"title\"",
        json!({"title": "Ada", "id": 3}),
    );

    let patched = |path: &str, body: &str, from: &str, to: &str| {
        let fixture = serve_data(START);
        fixture.json("PATCH", path, body).status_is(200);
        let text = fixture.text();
        has(&text, from);
        let edited = text.replace(from, to);
        edit(&fixture, &edited);
        assert_eq!(reloaded(&fixture), (0, vec![]), "{path} {body}");
        let expected: Value = serde_json::from_str(&edited).unwrap();
        assert_eq!(settled(&fixture, |_| true), expected, "{path} {body}");
        assert!(conflicts(&fixture).is_empty(), "{path} {body}");
    };
    patched("/a/1", "{\"n\": 10}", "\"n\": 10", "\"n\": 11");
    patched("/a/1", "{\"n\": 10, \"x\": 1}", "\"n\": 10", "\"n\": 11");
    patched("/o", "{\"p\": 10}", "\"p\": 10", "\"p\": 11");
}

#[test]
fn a_fresh_record_can_be_edited_and_another_deleted_in_one_edit() {
    let fixture = serve_data(START);
    for name in ["Ada", "Bob"] {
        fixture
            .json("POST", "/a", &format!("{{\"name\": \"{name}\", \"x\": 1}}"))
            .status_is(201);
    }
    let mut data = fixture.data();
    data["a"].as_array_mut().unwrap().remove(2);
    data["a"][2]["name"] = json!("Eve");
    edit(&fixture, data.to_string());
    assert_eq!(reloaded(&fixture), (0, vec![]));
    assert_eq!(settled(&fixture, |_| true), data);
    // An edit based on the state before both has seen neither.
    assert_eq!(
        fixture.json("POST", "/a", "{\"name\": \"Kay\"}").value()["id"],
        5
    );
    data["a"][0]["n"] = json!(100);
    edit(&fixture, data.to_string());
    assert_eq!(reloaded(&fixture), (1, vec![]));
    let all = settled(&fixture, |all| {
        all["a"].as_array().is_some_and(|rows| rows.len() == 4)
    });
    assert_eq!(all["a"][3], json!({"name": "Kay", "id": 5}));
}

#[test]
fn a_stale_buffer_after_an_edit_of_a_fresh_record_does_not_delete_the_record() {
    let fixture = serve_data(START);
    fixture
        .json("POST", "/a", "{\"name\": \"Ada\", \"x\": 1}")
        .status_is(201);
    edit(&fixture, fixture.text().replace("Ada", "Bob"));
    reloaded(&fixture);
    edit(&fixture, START.replace("\"n\": 2", "\"n\": 20"));
    assert_eq!(reloaded(&fixture), (1, vec![]));
    let all = settled(&fixture, |all| {
        all["a"].as_array().is_some_and(|rows| rows.len() == 3)
    });
    assert_eq!(
        (&all["a"][1]["n"], &all["a"][2]),
        (&json!(20), &json!({"name": "Bob", "x": 1, "id": 3}))
    );
    assert!(conflicts(&fixture).is_empty());
}
