//! Edits of the data file while it is served.

use std::path::Path;
#[cfg(unix)]
use std::time::SystemTime;
use std::time::{Duration, Instant};

use standin::{Faults, Notice, RepeatedIds};

use crate::process::Process;
use crate::support::*;

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

/// The old file becomes the backup, as in vim.
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
        // The tests share the machine: measure the fastest of several edits.
        let fastest = (1..=4)
            .map(|number| {
                save(
                    fixture.path(),
                    &format!("{{\"a\": [{{\"id\": {number}}}]}}\n"),
                );
                let saved = Instant::now();
                let at = fixture.reloaded();
                assert_eq!(fixture.get(&format!("/a/{number}")).status, 200, "{way}");
                at.saturating_duration_since(saved)
            })
            .min();
        assert!(
            fastest < Some(Duration::from_millis(200)),
            "{way}: {fastest:?}"
        );
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
    let reported: Vec<_> = changes
        .iter()
        .map(|one| (one.resource.as_str(), one.added, one.changed, one.removed))
        .collect();
    assert_eq!(reported, [("a", 2, 1, 1), ("o", 0, 1, 0)]);
}

#[test]
fn a_formatter_changes_no_record() {
    let fixture =
        serve_data(r#"{"a":[{"id":1,"t":[1,2]},{"id":2}],"o":{"p":null},"list":[1,{"x":"y"}]}"#);
    let pretty = serde_json::from_str::<serde_json::Value>(&fixture.text()).unwrap();
    in_place(
        fixture.path(),
        &serde_json::to_string_pretty(&pretty).unwrap(),
    );
    let changes = fixture.notice(|notice| match notice {
        Notice::Reloaded { changes, .. } => Some(changes.clone()),
        _ => None,
    });
    assert_eq!(changes.1, []);
    // It counts as the state of the file anyway, and keeps its layout.
    fixture.json("PATCH", "/a/2", r#"{"n": 1}"#).status_is(200);
    has(fixture.text(), "      \"t\": [\n");
    has(fixture.text(), "      \"n\": 1\n");
}

#[test]
fn own_saves_are_not_edits() {
    let fixture = Fixture::new("{\"a\": []}", None, |options| {
        options.unseen = Duration::ZERO
    });
    let mut client = fixture.client();
    for _ in 0..20 {
        client.send("POST", "/a", JSON, "{}").status_is(201);
    }
    // Partial saves that the watcher saw are reported before the next edit.
    in_place(
        fixture.path(),
        &fixture
            .text()
            .replace("\"id\":1}", "\"id\":1,\"n\":1}")
            .replace("\"id\": 1}", "\"id\": 1, \"n\": 1}"),
    );
    let first = fixture.notice(|notice| Some(notice.clone())).1;
    let Notice::Reloaded { changes, .. } = first else {
        panic!("{first:?}")
    };
    assert_eq!(
        (
            changes.len(),
            changes[0].added,
            changes[0].changed,
            changes[0].removed
        ),
        (1, 0, 1, 0)
    );
}

fn broken(fixture: &Fixture) -> Faults {
    let wanted = |notice: &Notice| match notice {
        Notice::Broken(faults) => Some(faults.clone()),
        _ => None,
    };
    fixture.notice(wanted).1
}

fn place(faults: &Faults) -> String {
    standin::internals::json::Place::of(&faults.text, faults.list[0].offset).to_string()
}

#[test]
fn a_broken_edit_is_reported_with_its_place_and_changes_nothing_until_it_is_fixed() {
    for (way, save) in WAYS {
        let fixture = serve_data("{\"a\": [{\"id\": 1, \"n\": 1}]}");
        let before = fixture.get("/db").text().to_string();
        let broken_text = "{\n  \"a\": [\n    {\"id\": 1, \"n\": 2},\n  ]\n}\n";
        save(fixture.path(), broken_text);
        let faults = broken(&fixture);
        assert_eq!(place(&faults), "4:3", "{way}");
        has(&faults.list[0].message, "after the comma");
        // Reads go on, writes would overwrite the edit.
        assert_eq!(fixture.get("/db").text(), before);
        for (method, path, body) in [
            ("POST", "/a", "{}"),
            ("PATCH", "/a/1", "{\"n\": 3}"),
            ("DELETE", "/a/1", ""),
        ] {
            let problem = fixture.json(method, path, body).problem(503, "broken-file");
            let detail = problem["detail"].as_str().unwrap();
            has(detail, "line 4, column 3");
            has(detail, "after the comma");
        }
        assert_eq!(fixture.text(), broken_text);
        assert_eq!(fixture.get("/db").text(), before);
        save(fixture.path(), &broken_text.replace("},\n  ]", "}\n  ]"));
        fixture.reloaded();
        assert_eq!(fixture.get("/a/1").value()["n"], 2);
        fixture.json("POST", "/a", "{}").status_is(201);
        assert_eq!(fixture.data()["a"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn an_edit_that_breaks_a_rule_is_reported_with_each_place_and_changes_nothing() {
    let fixture = serve_with_rules("{\"users\": []}");
    let user = |email: &str, name: &str| {
        format!("    {{\"lastName\": {name}, \"firstName\": \"F\", \"email\": \"{email}\"}}")
    };
    let file = |users: &[String]| format!("{{\n  \"users\": [\n{}\n  ]\n}}\n", users.join(",\n"));
    in_place(
        fixture.path(),
        &file(&[
            user("a@x.org", "\"A\""),
            user("b@x.org", "7"),
            user("nowhere", "\"C\""),
        ]),
    );
    let faults = broken(&fixture);
    let places: Vec<_> = faults
        .list
        .iter()
        .map(|fault| standin::internals::json::Place::of(&faults.text, fault.offset).to_string())
        .collect();
    assert_eq!(places, ["4:18", "5:50"], "{faults:?}");
    has(&faults.list[0].message, "users[1]/lastName");
    assert_eq!(fixture.get("/users").text(), "[]");
    fixture
        .json(
            "POST",
            "/users",
            r#"{"lastName": "A", "firstName": "B", "email": "c@x.org"}"#,
        )
        .problem(503, "broken-file");
    // Two records with one address.
    in_place(
        fixture.path(),
        &file(&[user("a@x.org", "\"A\""), user("A@X.org", "\"B\"")]),
    );
    let faults = broken(&fixture);
    assert_eq!(place(&faults), "4:5");
    has(&faults.list[0].message, "email");
    has(&faults.list[0].message, "unique");
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
    // The very next write sees the fixed file, whether or not the watcher was faster.
    fixture.json("POST", "/a", "{}").status_is(201);
    assert_eq!(
        fixture.data(),
        serde_json::json!({"a": [{"id": 1}, {"id": 2}]})
    );
}

#[test]
fn duplicate_ids_are_reported_with_their_lines_at_the_start_and_after_an_edit() {
    let repeated = |fixture: &Fixture| {
        let wanted = |notice: &Notice| match notice {
            Notice::RepeatedIds(RepeatedIds { list, more, .. }) => {
                let list = list
                    .iter()
                    .map(|one| (one.resource.clone(), one.id.to_string(), one.lines));
                Some((list.collect::<Vec<_>>(), *more))
            }
            _ => None,
        };
        fixture.notice(wanted).1
    };
    let text = "{\n\"a\": [{\"id\": 1}],\n\"users\": [\n  {\"id\": 1},\n  {\"id\": 2},\n  {\"id\": \"1\"}\n]}";
    let fixture = serve_data(text);
    assert_eq!(
        repeated(&fixture),
        (vec![("users".into(), "1".into(), [4, 6])], 0)
    );
    assert_eq!(fixture.get("/users").list().len(), 3, "they are served");
    fixture
        .json("PATCH", "/users/1", "{\"n\": 1}")
        .status_is(200);
    rename_over(
        fixture.path(),
        &format!("\n{}", text.replace("\"id\": 2", "\"id\": 1")),
    );
    let users = |lines| ("users".to_string(), "1".to_string(), lines);
    assert_eq!(repeated(&fixture), (vec![users([5, 6]), users([5, 7])], 0));
}

#[test]
fn a_mistake_that_is_undone_drops_nothing_and_the_log_says_so() {
    for journal_above in [usize::MAX, 0] {
        let fixture = Fixture::new("{\"a\": [], \"o\": {}}", None, |options| {
            options.journal_above = journal_above
        });
        for _ in 0..3 {
            fixture.json("POST", "/a", "{\"n\": 1}").status_is(201);
        }
        until("the file follows", || {
            (fixture.data()["a"].as_array()?.len() == 3).then_some(())
        });
        let good = fixture.text().replace("\"o\": {}", "\"o\": {\"p\": 1}");
        rename_over(fixture.path(), &good);
        fixture.reloaded();
        let before = fixture.get("/db").value();
        in_place(fixture.path(), &good[..good.len() - 4]);
        broken(&fixture);
        in_place(fixture.path(), &good);
        fixture.notice(|notice| matches!(notice, Notice::ValidAgain).then_some(()));
        assert_eq!(fixture.get("/db").value(), before);
        assert_eq!(fixture.get("/-/conflicts").value(), serde_json::json!([]));
    }
}

#[test]
fn an_emptied_file_counts_as_a_partial_save() {
    let text = "{\"a\": [{\"id\": 1}]}";
    let fixture = serve_data(text);
    // Many editors truncate the file and then write it; a write of ours may come in between.
    in_place(fixture.path(), "");
    fixture.json("POST", "/a", "{}").problem(503, "broken-file");
    fixture.get("/a/1").status_is(200);
    assert_eq!(fixture.text(), "");
    broken(&fixture);
    fixture.get("/a/1").status_is(200);
    in_place(fixture.path(), "{\"a\": [{\"id\": 1}, {\"id\": 5}]}");
    fixture.reloaded();
    assert_eq!(fixture.json("POST", "/a", "{}").value()["id"], 6);
}

#[test]
fn a_deleted_file_stops_the_writes_and_not_the_reads() {
    let fixture = serve_data("{\"a\": [{\"id\": 1}]}");
    std::fs::remove_file(fixture.path()).unwrap();
    let problem = fixture.json("POST", "/a", "{}").problem(503, "unsaved");
    has(problem["detail"].as_str().unwrap(), "db.json is gone");
    has(problem["hint"].as_str().unwrap(), "GET /db");
    assert_eq!(fixture.get("/a").value(), serde_json::json!([{"id": 1}]));
    let (_, words) = fixture.notice(|notice| match notice {
        Notice::Unsaved { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    has(words, "db.json");
    in_place(fixture.path(), "{\"a\": [{\"id\": 1}]}");
    fixture.json("POST", "/a", "{}").status_is(201);
    assert_eq!(
        fixture.data(),
        serde_json::json!({"a": [{"id": 1}, {"id": 2}]})
    );
}

/// An edit through a hard link in another folder makes no event for the file, as on mounts that report none.
#[test]
#[cfg(unix)]
fn an_edit_that_makes_no_event_is_seen_by_polling() {
    let elsewhere = tempfile::tempdir().unwrap();
    for keeps_time in [false, true] {
        let fixture = Fixture::new("{\"a\": [], \"n\": 1}", None, |options| {
            options.poll = Duration::from_millis(30)
        });
        // From here on it is another inode than the one that was watched at the start.
        fixture.json("POST", "/a", "{}").status_is(201);
        let link = elsewhere.path().join(format!("{keeps_time}.json"));
        std::fs::hard_link(fixture.path(), &link).unwrap();
        let written = std::fs::metadata(&link).unwrap().modified().unwrap();
        until("the save is old", || {
            written
                .elapsed()
                .is_ok_and(|age| age > Duration::from_millis(200))
                .then_some(())
        });
        in_place(&link, &fixture.text().replace("\"n\": 1", "\"n\": 2"));
        if keeps_time {
            // Size, inode and mtime are as before.
            std::fs::File::options()
                .write(true)
                .open(&link)
                .unwrap()
                .set_modified(written)
                .unwrap();
        }
        until("the edit is seen", || {
            (fixture.get("/n").value() == 2).then_some(())
        });
    }
}

#[test]
fn a_write_loads_a_pending_edit_first() {
    for watch in [true, false] {
        for (way, save) in WAYS {
            let fixture = Fixture::new("{\"a\": [{\"id\": 1}]}", None, |options| {
                options.watch = watch
            });
            save(
                fixture.path(),
                "{\"a\": [{\"id\": 1}, {\"id\": 8, \"mine\": true}]}\n",
            );
            let reply = fixture.json("POST", "/a", "{\"n\": 1}");
            assert_eq!(
                (reply.status, reply.value()["id"].as_u64()),
                (201, Some(9)),
                "{way}, watched: {watch}"
            );
            let expected =
                serde_json::json!({"a": [{"id": 1}, {"id": 8, "mine": true}, {"n": 1, "id": 9}]});
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
    has(problem["detail"].as_str().unwrap(), "line 1, column 8");
    assert_eq!(fixture.text(), "{\"a\": [}");
    assert_eq!(place(&broken(&fixture)), "1:8");
    rename_over(fixture.path(), "{\"a\": [{\"id\": 3}]}");
    assert_eq!(fixture.json("POST", "/a", "{}").value()["id"], 4);
}

/// The files that a save has replaced are checked for a while, for edits of theirs only.
#[cfg(target_os = "linux")]
#[test]
fn unwatched_an_edit_after_a_write_is_found_by_the_next_write() {
    let folder = folder_with(&[("db.json", "{\"a\": [{\"id\": 1, \"n\": \"one\"}]}")]);
    let file = folder.path().join("db.json");
    let server = Process::serve(&file, &["--no-watch"]);
    let mut client = Client::connect(server.address);
    client.send("POST", "/a", JSON, "{}").status_is(201);
    in_place(
        &file,
        &std::fs::read_to_string(&file)
            .unwrap()
            .replace("one", "TWO"),
    );
    let open_files = format!("/proc/{}/fd", server.child.id());
    until("the replaced file is closed", || {
        let files = std::fs::read_dir(&open_files).ok()?.flatten();
        let targets = files.filter_map(|file| std::fs::read_link(file.path()).ok());
        let is_replaced = |path: std::path::PathBuf| {
            path.starts_with(folder.path()) && path.to_string_lossy().ends_with("(deleted)")
        };
        (!targets.into_iter().any(is_replaced)).then_some(())
    });
    assert_eq!(client.get("/a/1").value()["n"], "one");
    client.send("POST", "/a", JSON, "{}").status_is(201);
    assert_eq!(client.get("/a/1").value()["n"], "TWO");
}

/// File times have a granularity. An edit of the same size in the same step as our save does not show in the stamp.
#[test]
fn an_edit_of_the_same_size_at_the_same_file_time_is_not_overwritten() {
    let fixture = Fixture::new("{\"a\": [], \"note\": {\"n\": 1}}", None, |options| {
        options.watch = false
    });
    fixture.json("POST", "/a", "{}").status_is(201);
    let saved = std::fs::metadata(fixture.path())
        .unwrap()
        .modified()
        .unwrap();
    in_place(
        fixture.path(),
        &fixture.text().replace("\"n\": 1", "\"n\": 7"),
    );
    let file = std::fs::File::options()
        .write(true)
        .open(fixture.path())
        .unwrap();
    file.set_modified(saved).unwrap();
    drop(file);
    // Much later, when the stamp has settled.
    until("time passes", || {
        saved
            .elapsed()
            .is_ok_and(|age| age > Duration::from_millis(120))
            .then_some(())
    });
    fixture.json("POST", "/a", "{}").status_is(201);
    assert_eq!(fixture.data()["note"]["n"], 7);
    assert_eq!(fixture.get("/note").value()["n"], 7);
}

/// With a journal, the file is saved later, and its stamp may be settled when it is edited.
#[test]
#[cfg(unix)]
fn an_edit_of_the_same_size_with_the_time_set_back_is_not_overwritten_by_the_save_of_a_journal() {
    for appends_after in [false, true] {
        let fixture = Fixture::new("{\"a\": [], \"note\": {\"n\": 0}}", None, |options| {
            options.watch = false;
            options.journal_above = 0;
        });
        for round in 1..4 {
            // Long ago, so that the stamp is settled at the next check.
            let long_ago = SystemTime::now() - Duration::from_secs(3600);
            let set_back = || {
                let file = std::fs::File::options().write(true).open(fixture.path());
                file.unwrap().set_modified(long_ago).unwrap();
            };
            set_back();
            fixture.json("POST", "/a", "{}").status_is(201);
            let (from, to) = (format!("\"n\": {}", round - 1), format!("\"n\": {round}"));
            in_place(fixture.path(), &fixture.text().replace(&from, &to));
            set_back();
            if appends_after {
                fixture.json("POST", "/a", "{}").status_is(201);
            }
            until("the file has the write", || {
                let count = fixture.data()["a"].as_array()?.len();
                let count_of_round = if appends_after { 2 } else { 1 };
                (count == round * count_of_round).then_some(())
            });
            assert_eq!(fixture.data()["note"]["n"], round);
            assert_eq!(fixture.get("/note").value()["n"], round);
        }
    }
}

#[test]
#[cfg(unix)]
fn a_symbolic_link_stays_one_and_edits_behind_it_are_seen() {
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("real data.json");
    let fixture = Fixture::new("{\"a\": []}", None, |options| {
        std::fs::rename(&options.file, &target).unwrap();
        std::os::unix::fs::symlink(&target, &options.file).unwrap();
    });
    fixture.json("POST", "/a", "{}").status_is(201);
    assert!(
        std::fs::symlink_metadata(fixture.path())
            .unwrap()
            .is_symlink()
    );
    assert_eq!(std::fs::read_to_string(&target).unwrap(), fixture.text());
    assert_eq!(fixture.data(), serde_json::json!({"a": [{"id": 1}]}));
    rename_over(&target, "{\"a\": [{\"id\": 4}]}");
    fixture.reloaded();
    assert_eq!(fixture.json("POST", "/a", "{}").value()["id"], 5);
    assert!(
        std::fs::symlink_metadata(fixture.path())
            .unwrap()
            .is_symlink()
    );
}

/// The file was opened before a save exchanged it, and is written after.
#[test]
#[cfg(target_os = "linux")]
fn a_late_edit_is_merged_during_consecutive_saves() {
    use std::io::Write;
    let fixture = Fixture::new("{\"a\": []}", None, |_| ());
    let mut client = fixture.client();
    let mut opened = std::fs::OpenOptions::new()
        .write(true)
        .open(fixture.folder().join("db.json"))
        .unwrap();
    client.send("POST", "/a", JSON, "{\"n\": 1}");
    opened
        .write_all(b"{\"a\": [], \"mine\": {\"late\": true}}")
        .unwrap();
    drop(opened);
    until("the edit is seen", || {
        client.send("POST", "/a", JSON, "{}");
        (client.get("/mine").status == 200).then_some(())
    });
    // Readers see the merge first, then it is saved.
    until("the edit is in the file", || {
        (fixture.data()["mine"]["late"] == true).then_some(())
    });
    assert_eq!(fixture.data()["a"][0]["n"], 1);
}

/// An editor has the file open when another one replaces it, and saves after that.
#[test]
#[cfg(target_os = "linux")]
fn the_later_of_two_edits_wins_even_if_its_file_was_replaced() {
    let fixture = serve_data("{\"a\": [{\"id\": 1, \"by\": \"nobody\"}]}");
    let opened = std::fs::File::options()
        .write(true)
        .open(fixture.path())
        .unwrap();
    let edit = |by: &str| format!("{{\"a\": [{{\"id\": 1, \"by\": \"{by}\"}}]}}");
    let is_by = |by: &str| {
        until(&format!("the edit by {by} is seen and in the file"), || {
            let is_seen = fixture.get("/a/1").value()["by"] == by;
            (is_seen && fixture.data()["a"][0]["by"] == by).then_some(())
        });
    };
    rename_over(fixture.path(), &edit("one"));
    is_by("one");
    std::io::Write::write_all(&mut &opened, edit("another").as_bytes()).unwrap();
    is_by("another");
    // A file that was renamed is somebody's backup.
    let moved = fixture.path().with_extension("old");
    std::fs::rename(fixture.path(), &moved).unwrap();
    in_place(fixture.path(), &edit("a third"));
    is_by("a third");
    in_place(&moved, &edit("mistake"));
    rename_over(fixture.path(), &edit("a fourth"));
    is_by("a fourth");
    assert_eq!(
        fixture.json("PATCH", "/a/1", "{}").value()["by"],
        "a fourth"
    );
}

/// A program that replaces a file has seen its content, whether the server has or not.
#[test]
#[cfg(target_os = "linux")]
fn a_version_that_was_replaced_before_it_was_seen_does_not_come_back() {
    let fixture = Fixture::new("{\"a\": [{\"id\": 1}]}", None, |options| {
        options.watch = false
    });
    assert_eq!(fixture.json("PATCH", "/a/1", "{\"n\": 0}").status, 200);
    for number in 1..6 {
        let text = fixture.text();
        let more = text.replacen("[", "[{\"id\": 7, \"dropped\": true},", 1);
        in_place(fixture.path(), &more);
        rename_over(fixture.path(), &text.replace("\"n\"", "\"m\": 1, \"n\""));
        for half in [number * 2, number * 2 + 1] {
            let patch = format!("{{\"n\": {half}}}");
            assert_eq!(fixture.json("PATCH", "/a/1", &patch).status, 200);
        }
        assert_eq!(fixture.get("/a").value().as_array().unwrap().len(), 1);
        let patch = "{\"m\": null}";
        assert_eq!(fixture.json("PATCH", "/a/1", patch).status, 200);
        rename_over(
            fixture.path(),
            &fixture.text().replace("\"m\": null", "\"l\": 1"),
        );
    }
}
