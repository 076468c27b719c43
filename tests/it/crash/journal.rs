//! Writes that are in the journal when the machine stops, when a step fails, when somebody edits the file.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use standin::internals::engine::{Notice, Revert, Rulebook, WriteError, replay};
use standin::internals::file::{DataFile, Durability, Leftover, Loaded, Role};
use standin::internals::schema::Schema;
use standin::internals::store::{Command, Operation, Settings};
use standin::internals::work::Work;

use super::medium::{Exchange, FILE, Plan, Simulated};
use super::{ERRORS, Machine, Manner, WAYS, delete, names, object, patch, post, start};
use crate::support::{has, until};

mod beside_a_save;

const JOURNAL: &str = "/data/.db.json.standin-journal";
const CONFLICTS: &str = "/data/db.conflicts.jsonl";

/// With records for a cascade, and numbers whose spelling must not change.
const START: &str = "{\n  \"posts\": [\n    {\"id\": 1, \"n\": 1.0},\n    {\"id\": 2, \"n\": 1e3, \"long\": 12345678901234567890}\n  ],\n  \"comments\": [\n    {\n      \"id\": 7,\n      \"postId\": 1\n    },\n    {\n      \"id\": 8,\n      \"postId\": 2\n    }\n  ],\n  \"tags\": [ ],\n  \"profile\": {\n    \"p\": 1\n  }\n}\n";

/// Without `unseen`, the disk's clock stands still: an edit is as old as when it is found.
fn fresh(manner: Manner) -> (Simulated, Machine) {
    let tick = if manner.unseen.is_zero() { 0 } else { 100 };
    let disk = Simulated::new(START, Exchange::Atomic, tick);
    let machine = start(manner, &disk);
    (disk, machine)
}

fn replace(resource: &str, id: i64, body: &str) -> Command {
    Command {
        resource: resource.into(),
        id: Some(standin::internals::json::Id::Number(id)),
        operation: Operation::Replace,
        body: object(body),
    }
}

fn profile(body: &str) -> Command {
    super::patch_object("profile", body)
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let number = || {
        prop::sample::select(vec![
            "0",
            "1.50",
            "2e2",
            "\"it's \\\"q\\\"\\n\"",
            "{\"deep\":[1, 2]}",
        ])
    };
    let one = prop_oneof![
        3 => (prop::sample::select(vec!["posts", "comments", "tags"]), number())
            .prop_map(|(resource, n)| post(resource, &format!("{{\"n\": {n}, \"postId\": 1}}"))),
        1 => (1..5_i64).prop_map(|id| post("tags", &format!("{{\"id\": {id}}}"))),
        2 => (1..4_i64, number()).prop_map(|(id, n)| patch("posts", id, &format!("{{\"n\": {n}}}"))),
        1 => (1..4_i64, number()).prop_map(|(id, n)| replace("posts", id, &format!("{{\"other\": {n}}}"))),
        2 => (1..4_i64).prop_map(|id| delete("posts", id)),
        1 => (1..4_i64).prop_map(|id| delete("tags", id)),
        1 => number().prop_map(|n| profile(&format!("{{\"p\": {n}}}"))),
    ];
    proptest::collection::vec(one, 1..6)
}

/// A run without faults: the states, the final text of the file, and the number of disk steps.
fn dry_run(
    commands: &[Command],
    way: (Exchange, u64),
    manner: Manner,
) -> (Vec<Value>, String, usize) {
    let disk = Simulated::new(START, way.0, way.1);
    let machine = start(manner, &disk);
    let mut states = vec![machine.seen()];
    for command in commands {
        assert!(matches!(
            machine.write(command.clone()),
            Ok(_) | Err(WriteError::Refused(_))
        ));
        states.push(machine.seen());
    }
    assert!(manner.journaling.above > 0 || machine.disk.lock().steps > 0);
    drop(machine);
    let disk = disk.lock();
    assert_eq!(
        disk.names(),
        ["db.json"],
        "after a stop the file has all, and the journal is gone"
    );
    (states, disk.text(FILE).unwrap(), disk.steps)
}

/// Carries out commands until the machine has stopped; returns how many were answered.
fn answered(machine: &Machine, commands: &[Command]) -> usize {
    commands
        .iter()
        .take_while(|one| {
            !matches!(
                machine.write((*one).clone()),
                Err(WriteError::Unsaved { .. })
            )
        })
        .count()
}

/// Stops before each step; opened again, everything that was acknowledged is there.
fn stop_at_every_step(
    commands: &[Command],
    way: (Exchange, u64),
    manner: Manner,
    durability: Durability,
) {
    let (states, whole, _) = dry_run(commands, way, Manner::WHOLE);
    let (same, text, steps) = dry_run(commands, way, manner);
    assert_eq!(
        (&same, &text),
        (&states, &whole),
        "the file is the same, byte for byte, with and without a journal"
    );
    for stop in 0..steps {
        let disk = Simulated::new(START, way.0, way.1);
        disk.lock().plan(Plan::Stop(stop));
        let mut count = 0;
        if let Ok(machine) = Machine::start_as(manner, &disk, durability, |_| {}) {
            count = answered(&machine, commands);
        }
        super::is_whole(&disk);
        let mut after = vec![disk.after_kill()];
        if durability == Durability::Synced {
            after.extend(disk.after_power_cut());
        }
        for disk in after {
            let what = format!("{way:?} {manner:?}, stopped at {stop}, {count} answered");
            reopen(
                &disk,
                &states[count..states.len().min(count + 2)],
                way,
                manner,
                durability,
                &what,
            );
        }
    }
}

fn reopen(
    disk: &Simulated,
    allowed: &[Value],
    way: (Exchange, u64),
    manner: Manner,
    durability: Durability,
    what: &str,
) {
    let machine = Machine::start_as(manner, disk, durability, |_| {})
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let found = machine.seen();
    assert!(
        allowed.contains(&found),
        "{what}: {found:#} is none of {allowed:#?}"
    );
    assert_eq!(
        machine.in_file(),
        found,
        "{what}: the file has it before anybody asks"
    );
    assert_eq!(machine.engine.conflicts(), Vec::<Value>::new(), "{what}");
    let names = || {
        let mut names = names(disk, way);
        if !manner.journaling.keep.is_zero() {
            names.retain(|name| !name.ends_with("journal"));
        }
        names
    };
    assert_eq!(names(), ["db.json"], "{what}: nothing is left");
    machine
        .write(post("tags", "{\"again\": true}"))
        .unwrap_or_else(|error| panic!("{what}: {error:?}"));
    let seen = machine.seen();
    drop(machine);
    assert_eq!(start(manner, &disk.after_kill()).seen(), seen, "{what}");
    assert_eq!(names(), ["db.json"], "{what}: nothing is left");
    super::is_whole(disk);
}

/// How many sequences are tried: `STANDIN_MODEL`, or a few.
fn cases(few: u32) -> u32 {
    std::env::var("STANDIN_MODEL")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(few)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(6), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stopped_at_any_step_with_a_journal_nothing_acknowledged_is_lost(
        commands in commands(),
        // Not in place: a partial text may happen to be JSON, which is not about the journal.
        way in prop::sample::select(WAYS[..5].to_vec()),
    ) {
        for manner in [Manner::EAGER, Manner::LAZY, Manner::BEHIND].into_iter().chain(Manner::KEEPING) {
            for durability in [Durability::Synced, Durability::Written] {
                stop_at_every_step(&commands, way, manner, durability);
            }
        }
    }

    #[test]
    fn a_step_that_fails_with_a_journal_refuses_the_write_and_leaves_no_trace(
        commands in commands(),
        way in prop::sample::select(WAYS.to_vec()),
    ) {
        for manner in [Manner::EAGER, Manner::LAZY, Manner::BEHIND].into_iter().chain(Manner::KEEPING) {
            let (_, _, steps) = dry_run(&commands, way, manner);
            for step in 0..steps {
                for kind in ERRORS {
                    fail(&commands, way, manner, Plan::Fail(step, kind));
                    fail(&commands, way, manner, Plan::FailFrom(step, kind));
                }
            }
        }
    }
}

/// The file is saved with the same content: a partial write of that save is not an edit.
#[test]
fn stopped_while_a_save_changes_nothing_the_file_stays() {
    let commands = [post("posts", "{\"n\": 0}"), delete("posts", 3)];
    for way in &WAYS[..5] {
        for durability in [Durability::Synced, Durability::Written] {
            stop_at_every_step(&commands, *way, Manner::LAZY, durability);
        }
    }
}

fn fail(commands: &[Command], way: (Exchange, u64), manner: Manner, plan: Plan) {
    let disk = Simulated::new(START, way.0, way.1);
    let machine = start(manner, &disk);
    let from = disk.lock().steps;
    disk.lock().plan(match plan {
        Plan::Fail(at, kind) => Plan::Fail(from + at, kind),
        Plan::FailFrom(at, kind) => Plan::FailFrom(from + at, kind),
        other => other,
    });
    let what = format!("{plan:?} {way:?} {manner:?}");
    for command in commands {
        let before = machine.seen();
        match machine.write(command.clone()) {
            Err(WriteError::Unsaved { reason: words, .. }) => {
                assert!(words.contains(FILE), "{words}");
                assert_eq!(
                    machine.seen(),
                    before,
                    "{what}: what was refused is not seen"
                );
            }
            Ok(_) | Err(WriteError::Refused(_)) => {}
            Err(other) => panic!("{what}: {other:?}"),
        }
        if let (Plan::Fail(..), Exchange::Atomic) = (plan, way.0) {
            // Refused writes do not come back after a crash either, and nothing else is lost.
            assert_eq!(
                start(manner, &disk.after_kill()).seen(),
                machine.seen(),
                "{what}"
            );
        }
    }
    disk.lock().plan(Plan::Run);
    machine
        .write(post("tags", "{\"after\": true}"))
        .unwrap_or_else(|error| panic!("{what}: {error:?}"));
    let seen = machine.seen();
    assert_eq!(start(manner, &disk.after_kill()).seen(), seen, "{what}");
    drop(machine);
    assert_eq!(
        disk.lock().text(JOURNAL),
        None,
        "{what}: after a stop the file has all"
    );
    assert_eq!(start(manner, &disk).seen(), seen, "{what}");
    assert_eq!(names(&disk, way), ["db.json"], "{what}: nothing is left");
}

#[test]
fn a_file_that_is_mounted_alone_has_a_journal_for_one_batch_only() {
    let commands = [
        post("tags", "{}"),
        post("tags", "{\"n\": 1}"),
        post("posts", "{\"x\": 2}"),
    ];
    for way in &WAYS[5..] {
        for manner in [Manner::EAGER, Manner::LAZY, Manner::BEHIND] {
            for durability in [Durability::Synced, Durability::Written] {
                stop_at_every_step(&commands, *way, manner, durability);
            }
        }
    }
}

#[test]
fn a_crash_while_the_journal_is_brought_back_loses_nothing() {
    let commands = [
        post("posts", "{\"x\": 1}"),
        delete("posts", 1),
        patch("posts", 2, "{\"n\": 0}"),
        profile("{\"q\": 2}"),
    ];
    let (states, text, _) = dry_run(&commands, (Exchange::Atomic, 100), Manner::WHOLE);
    let (disk, machine) = fresh(Manner::LAZY);
    assert_eq!(answered(&machine, &commands), 4);
    assert_eq!(
        disk.lock().text(FILE).unwrap(),
        START,
        "the file has none of it yet"
    );
    let mut stop = 0;
    loop {
        let crashed = disk.after_kill();
        crashed.lock().plan(Plan::Stop(stop));
        let started = Machine::start_as(Manner::LAZY, &crashed, Durability::Synced, |_| {});
        let steps = crashed.lock().steps;
        drop(started);
        for again in [vec![crashed.after_kill()], crashed.after_power_cut()].concat() {
            let again = start(Manner::LAZY, &again);
            assert_eq!(again.seen(), states[4], "stopped at {stop}");
            assert_eq!(
                again.disk.lock().text(FILE).unwrap(),
                text,
                "stopped at {stop}"
            );
        }
        if steps <= stop {
            break;
        }
        stop += 1;
    }
    assert!(stop > 10, "{stop} steps");
}

/// Concurrent writes are one append.
#[test]
fn a_batch_is_in_the_journal_in_its_order() {
    let (disk, machine) = fresh(Manner::LAZY);
    let writes = (0..50).map(|n| {
        machine
            .engine
            .write(post("tags", &format!("{{\"n\": {n}}}")), None)
    });
    let all = machine
        .runtime
        .block_on(futures_util::future::join_all(writes));
    assert!(all.iter().all(Result::is_ok));
    let again = start(Manner::LAZY, &disk.after_kill());
    assert_eq!(again.seen(), machine.seen());
    assert_eq!(again.seen()["tags"][49], json!({"n": 49, "id": 50}));
}

#[test]
fn replay_deletes_the_right_one_of_two_records_with_the_same_id() {
    let text = "{\n  \"posts\": [{\"id\": 1}],\n  \"comments\": [{\"id\": 7, \"postId\": 2}, {\"id\": 7, \"postId\": 1}]\n}\n";
    let disk = Simulated::new(text, Exchange::Atomic, 100);
    let machine = start(Manner::LAZY, &disk);
    machine.write(delete("posts", 1)).unwrap();
    assert_eq!(machine.seen()["comments"], json!([{"id": 7, "postId": 2}]));
    assert_eq!(
        start(Manner::LAZY, &disk.after_kill()).seen(),
        machine.seen()
    );
}

#[test]
fn a_journal_that_is_torn_anywhere_gives_what_it_has_whole() {
    let commands = [
        post("posts", "{\"x\": \"ü\\n\"}"),
        patch("posts", 1, "{\"n\": 2.50}"),
        delete("posts", 2),
    ];
    let (states, ..) = dry_run(&commands, (Exchange::Atomic, 100), Manner::WHOLE);
    let (disk, machine) = fresh(Manner::LAZY);
    assert_eq!(answered(&machine, &commands), 3);
    let journal = disk.lock().text(JOURNAL).unwrap();
    for end in 0..=journal.len() {
        let torn = disk.after_kill();
        torn.lock()
            .put(Path::new(JOURNAL), &journal.as_bytes()[..end]);
        let lines = journal.as_bytes()[..end]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        let again = start(Manner::LAZY, &torn);
        assert_eq!(
            again.seen(),
            states[lines.saturating_sub(1)],
            "cut at {end}"
        );
        assert_eq!(again.in_file(), again.seen(), "cut at {end}");
        assert_eq!(again.disk.lock().names(), ["db.json"], "cut at {end}");
        again.write(post("tags", "{}")).unwrap();
        assert_eq!(
            start(Manner::LAZY, &torn.after_kill()).seen(),
            again.seen(),
            "cut at {end}"
        );
    }
}

#[test]
fn a_journal_with_a_damaged_line_before_others_is_kept() {
    let commands = [
        post("tags", "{\"n\": 1}"),
        post("tags", "{\"n\": 2}"),
        post("tags", "{\"n\": 3}"),
    ];
    let (disk, machine) = fresh(Manner::LAZY);
    assert_eq!(answered(&machine, &commands), 3);
    let journal = disk.lock().text(JOURNAL).unwrap();
    let mut lines: Vec<&str> = journal.split_inclusive('\n').collect();
    lines[2] = "no JSON\n";
    let damaged = lines.concat();
    let disk = disk.after_kill();
    disk.lock().put(Path::new(JOURNAL), damaged.as_bytes());
    let again = start(Manner::LAZY, &disk);
    assert_eq!(again.in_file()["tags"], json!([{"n": 1, "id": 1}]));
    let [kept] = &again.recovered[..] else {
        panic!("{:?}", again.recovered)
    };
    assert_eq!(disk.lock().text(kept.to_str().unwrap()), Some(damaged));
    assert_eq!(disk.lock().text(JOURNAL), None);
}

/// Each byte of the journal is damaged in turn: what the file has does not change, nor do deleted records come back.
#[test]
fn a_damaged_journal_undoes_nothing_that_the_file_has() {
    let commands = [
        post("tags", "{\"n\": 1}"),
        post("tags", "{\"n\": 2}"),
        delete("tags", 1),
        delete("tags", 2),
    ];
    let manner = Manner::KEEPING[1];
    let (disk, machine) = fresh(manner);
    assert_eq!(answered(&machine, &commands), 4);
    // With a damaged CRC before it, the last line could not be verified.
    crate::support::until("the file has all, and the journal says so", || {
        let journal = disk.lock().text(JOURNAL).unwrap_or_default();
        let is_noted = journal.lines().last()?.starts_with("{\"saved\"");
        (is_noted && machine.in_file() == machine.seen()).then_some(())
    });
    let (all, disk) = (machine.seen(), disk.after_kill());
    drop(machine);
    let journal = disk.lock().text(JOURNAL).unwrap().into_bytes();
    let text = String::from_utf8_lossy(&journal).into_owned();
    let named = text.trim_end().rfind('\n').unwrap();
    let mut seen = 0;
    // Without the line that names the file's content, it cannot be distinguished from an edit.
    for at in 0..named {
        let mut damaged = journal.clone();
        damaged[at] ^= 1;
        let again = disk.after_kill();
        again.lock().put(Path::new(JOURNAL), &damaged);
        let machine = start(manner, &again);
        seen += usize::from(!machine.recovered.is_empty());
        let is_empty = |tags: &serde_json::Value| tags.as_array().is_some_and(Vec::is_empty);
        assert!(is_empty(&all["tags"]));
        assert!(
            is_empty(&machine.seen()["tags"]),
            "byte {at}: {}\n{text}",
            machine.seen()["tags"]
        );
    }
    assert!(seen > named / 2, "{seen} of {named}");
}

/// An edit of `START`, which has seen no later write.
fn edited() -> String {
    START
        .replace("\"p\": 1", "\"p\": 1,\n    \"mine\": true")
        .replace("\"n\": 1e3", "\"n\": 1e3, \"mine\": 2")
}

#[test]
fn an_edit_while_writes_are_only_in_the_journal_has_seen_none_of_them() {
    for unseen in [Duration::ZERO, Duration::from_secs(60)] {
        for found_by in ["a write", "a stop"] {
            let (disk, machine) = fresh(Manner {
                unseen,
                ..Manner::LAZY
            });
            machine.write(post("tags", "{\"n\": 1}")).unwrap();
            machine.write(patch("posts", 1, "{\"n\": 5}")).unwrap();
            machine.write(delete("comments", 8)).unwrap();
            machine.write(profile("{\"q\": 2}")).unwrap();
            assert_eq!(disk.lock().text(FILE).unwrap(), START);
            disk.lock().put(Path::new(FILE), edited().as_bytes());
            if found_by == "a write" {
                machine.write(post("tags", "{\"n\": 2}")).unwrap();
                assert_eq!(
                    machine.in_file(),
                    machine.seen(),
                    "what was kept is saved at once"
                );
            }
            let conflicts = machine.engine.conflicts();
            drop(machine);
            let file: Value = serde_json::from_str(&disk.lock().text(FILE).unwrap()).unwrap();
            assert_eq!(file["posts"][0], json!({"id": 1, "n": 5}));
            assert_eq!(file["posts"][1]["mine"], 2);
            assert_eq!(file["comments"], json!([{"id": 7, "postId": 1}]));
            assert_eq!(file["tags"][0], json!({"n": 1, "id": 1}));
            assert_eq!(file["profile"], json!({"p": 1, "mine": true, "q": 2}));
            assert_eq!(conflicts, Vec::<Value>::new());
            assert_eq!(disk.lock().names(), ["db.json"], "{found_by}");
        }
    }
}

#[test]
fn an_edit_wins_against_the_journal_and_the_other_version_is_kept() {
    for down in [false, true] {
        let (disk, machine) = fresh(Manner {
            unseen: Duration::ZERO,
            ..Manner::LAZY
        });
        machine.write(patch("posts", 2, "{\"n\": 5}")).unwrap();
        machine.write(delete("comments", 7)).unwrap();
        machine.write(post("posts", "{\"api\": true}")).unwrap();
        let edit = edited().replace("\"postId\": 1", "\"postId\": 2").replace(
            "12345678901234567890}",
            "12345678901234567890},\n    {\"id\": 3, \"mine\": 3}",
        );
        let notices = Arc::new(Mutex::new(Vec::new()));
        let (disk, machine) = if down {
            let disk = disk.after_kill();
            disk.lock().put(Path::new(FILE), edit.as_bytes());
            let seen = notices.clone();
            let tell = move |notice| seen.lock().unwrap().push(notice);
            let machine = Machine::start_as(Manner::LAZY, &disk, Durability::Synced, tell).unwrap();
            (disk, machine)
        } else {
            disk.lock().put(Path::new(FILE), edit.as_bytes());
            machine.write(post("tags", "{}")).unwrap();
            (disk, machine)
        };
        let seen = machine.seen();
        assert_eq!(machine.in_file(), seen);
        assert_eq!(seen["posts"][1]["mine"], 2, "{seen:#}");
        assert_eq!(seen["posts"][1]["n"], 1000.0);
        assert_eq!(seen["comments"][0], json!({"id": 7, "postId": 2}));
        let posts = seen["posts"].as_array().unwrap();
        assert!(
            posts.contains(&json!({"api": true, "id": 3})),
            "its client knows that id: {seen:#}"
        );
        assert!(posts.contains(&json!({"id": 4, "mine": 3})), "{seen:#}");
        let conflicts = machine.engine.conflicts();
        let lost = |id: &str| {
            conflicts
                .iter()
                .find(|line| line["id"] == id && line["kind"] == "conflict")
                .cloned()
        };
        assert_eq!(lost("2").unwrap()["api"]["n"], 5);
        assert_eq!(lost("7").unwrap()["api"], Value::Null);
        let kept = disk.lock().text(CONFLICTS).unwrap();
        assert_eq!(kept.lines().count(), 2, "{kept}");
        assert_eq!(disk.lock().names(), ["db.conflicts.jsonl", "db.json"]);
        if down {
            let seen = notices.lock().unwrap();
            let replayed = seen.iter().find_map(|notice| match notice {
                Notice::Replayed {
                    writes,
                    edited,
                    renumbered,
                } => Some((*writes, *edited, renumbered.len())),
                _ => None,
            });
            assert_eq!(replayed, Some((3, true, 1)), "{seen:?}");
        }
    }
}

#[test]
fn a_restore_drops_what_is_in_the_journal_for_good() {
    let (disk, machine) = fresh(Manner::LAZY);
    disk.lock().put(Path::new(FILE), edited().as_bytes());
    machine.write(post("tags", "{\"n\": 1}")).unwrap();
    let earlier = disk.lock().text(FILE).unwrap();
    disk.lock()
        .put(Path::new(FILE), format!("{earlier}\n").as_bytes());
    machine.write(post("tags", "{\"n\": 2}")).unwrap();
    machine.write(post("tags", "{\"n\": 3}")).unwrap();
    assert!(
        disk.lock()
            .names()
            .contains(&".db.json.standin-journal".to_string())
    );
    disk.lock().put(Path::new(FILE), edited().as_bytes());
    machine.write(post("posts", "{}")).unwrap();
    assert_eq!(machine.seen()["tags"], json!([]), "taken whole");
    assert_eq!(
        start(Manner::LAZY, &disk.after_kill()).seen(),
        machine.seen()
    );
    let kept = disk.lock().text(CONFLICTS).unwrap();
    has(&kept, "\"n\":3");
    has(&kept, "dropped");
}

#[test]
fn a_broken_edit_leaves_the_journal_until_it_is_fixed() {
    let broken = &START[..START.len() / 2];
    for fixed in [START.to_string(), edited()] {
        let (disk, machine) = fresh(Manner {
            unseen: Duration::ZERO,
            ..Manner::LAZY
        });
        machine.write(post("tags", "{\"n\": 1}")).unwrap();
        disk.lock().put(Path::new(FILE), broken.as_bytes());
        let refused = machine.write(post("tags", "{\"n\": 2}"));
        assert!(
            matches!(refused, Err(WriteError::Broken { .. })),
            "{refused:?}"
        );
        let crashed = disk.after_kill();
        assert!(
            crashed
                .lock()
                .names()
                .contains(&".db.json.standin-journal".to_string())
        );
        // A server does not start on it; when it is fixed, what the journal has is replayed.
        assert!(Machine::start_as(Manner::LAZY, &crashed, Durability::Synced, |_| {}).is_err());
        crashed.lock().put(Path::new(FILE), fixed.as_bytes());
        assert_eq!(
            start(Manner::LAZY, &crashed).in_file()["tags"],
            json!([{"n": 1, "id": 1}])
        );
        // Nor is it lost when a running server sees it fixed, even by an undo.
        disk.lock().put(Path::new(FILE), fixed.as_bytes());
        until("the file follows by itself", || {
            (machine.in_file()["tags"] == json!([{"n": 1, "id": 1}])).then_some(())
        });
        assert_eq!(machine.seen(), machine.in_file());
        assert_eq!(
            machine.seen()["posts"][1].get("mine").is_some(),
            fixed != START
        );
        until("the journal goes", || {
            (disk.lock().names() == ["db.json"]).then_some(())
        });
    }
}

#[test]
fn undo_and_reset_save_the_whole_file_and_remove_the_journal() {
    let mut stop = 0;
    loop {
        let (disk, machine) = fresh(Manner::LAZY);
        machine.write(post("tags", "{\"n\": 1}")).unwrap();
        let between = machine.seen();
        machine.write(delete("posts", 1)).unwrap();
        let after = machine.seen();
        let from = disk.lock().steps;
        disk.lock().plan(Plan::Stop(from + stop));
        let undone = machine
            .runtime
            .block_on(machine.engine.revert(Revert::Undo { version: None }))
            .is_ok();
        let has_stopped = disk.lock().steps > from + stop;
        if undone {
            assert_eq!(machine.seen(), between);
            assert_eq!(machine.in_file(), between);
        }
        for disk in [vec![disk.after_kill()], disk.after_power_cut()].concat() {
            let found = start(Manner::LAZY, &disk).seen();
            assert!(
                found == between || (!undone && found == after),
                "stopped at {stop}, {undone}: {found:#}"
            );
        }
        if undone && !has_stopped {
            assert_eq!(disk.lock().names(), ["db.json"]);
            break;
        }
        stop += 1;
    }
    assert!(stop > 10, "{stop} steps");
}

#[test]
fn a_read_only_server_reads_the_journal_and_changes_no_file() {
    let (disk, machine) = fresh(Manner::LAZY);
    machine.write(post("tags", "{\"n\": 1}")).unwrap();
    let disk = disk.after_kill();
    let all = || {
        let disk = disk.lock();
        (disk.names(), disk.text(FILE), disk.text(JOURNAL))
    };
    let before = all();
    let opened = DataFile::open(
        Path::new(FILE),
        Durability::Written,
        Box::new(disk.clone()),
        Role::Reader,
    )
    .unwrap();
    let (file, Loaded { bytes, left, .. }) = opened;
    let Leftover {
        writes, follows, ..
    } = left.clone().unwrap();
    assert_eq!((writes.len(), follows), (1, true));
    let store = Rulebook::new(Schema::default(), Settings::default())
        .read_file(bytes)
        .unwrap()
        .0;
    let mut text = Vec::new();
    replay(store, &left.unwrap())
        .store
        .write_all(&mut text, &Work::unlimited());
    assert_eq!(
        serde_json::from_slice::<Value>(&text).unwrap(),
        machine.seen()
    );
    drop(file);
    assert_eq!(all(), before);
}

#[test]
fn a_removed_journal_loses_nothing() {
    for change in ["removed", "cut"] {
        let (disk, machine) = fresh(Manner::LAZY);
        machine.write(post("tags", "{\"n\": 1}")).unwrap();
        match change {
            "removed" => disk.lock().remove(Path::new(JOURNAL)),
            _ => disk.lock().put(Path::new(JOURNAL), b"{"),
        }
        machine.write(post("tags", "{\"n\": 2}")).unwrap();
        assert_eq!(machine.in_file(), machine.seen(), "{change}: saved whole");
        machine.write(post("tags", "{\"n\": 3}")).unwrap();
        assert_eq!(
            start(Manner::LAZY, &disk.after_kill()).seen(),
            machine.seen(),
            "{change}"
        );
    }
}
