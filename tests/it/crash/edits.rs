//! An edit at every step of a save: both survive.

use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use standin::Durability;

use super::medium::{Disk, Exchange, FILE, ONE, Simulated, TWO};
use super::{Machine, Manner, START, patch, post, start};
use crate::support::{column, ids, until};

/// How an editor saves.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Style {
    /// Another file, renamed over this one.
    Rename,
    /// In place, all at once.
    InPlace,
    /// Opened and truncated at that step, half written some steps later, and the rest after that.
    Slowly,
    /// Opened at that step, and written some steps later without being truncated first.
    OpenedBefore,
}

const STYLES: [Style; 4] = [
    Style::Rename,
    Style::InPlace,
    Style::Slowly,
    Style::OpenedBefore,
];

/// Saves `text` from the step `at` on, in steps that are `gap` apart. The result becomes true when it has been saved.
fn save(disk: &Simulated, style: Style, text: &str, at: usize, gap: usize) -> Arc<Mutex<bool>> {
    let saved = Arc::new(Mutex::new(false));
    let done = saved.clone();
    let text = text.to_string();
    let mut state = disk.lock();
    match style {
        Style::Rename => state.at(at, move |disk| {
            disk.put(Path::new(FILE), text.as_bytes());
            *done.lock().unwrap() = true;
        }),
        Style::InPlace => state.at(at, move |disk| {
            let inode = disk.open();
            disk.write(inode, text.as_bytes());
            *done.lock().unwrap() = true;
        }),
        Style::Slowly | Style::OpenedBefore => {
            let inode = Arc::new(Mutex::new(0));
            let opened = inode.clone();
            let cuts = style == Style::Slowly;
            state.at(at, move |disk| {
                *opened.lock().unwrap() = disk.open();
                if cuts {
                    disk.write(*opened.lock().unwrap(), b"");
                }
            });
            let half = text[..text.len() / 2].to_string();
            let opened = inode.clone();
            state.at(at + gap, move |disk: &mut Disk| {
                if cuts {
                    disk.write(*opened.lock().unwrap(), half.as_bytes());
                }
            });
            state.at(at + 2 * gap, move |disk: &mut Disk| {
                let inode = *inode.lock().unwrap();
                disk.write(inode, text.as_bytes());
                *done.lock().unwrap() = true;
            });
        }
    }
    saved
}

/// Runs writes and an edit concurrently; afterwards file and memory hold both. Returns whether the edit was saved
/// during the writes.
fn meet(way: (Exchange, u64), style: Style, at: usize, gap: usize) -> bool {
    let disk = Simulated::new(START, way.0, way.1);
    let machine = Machine::start(&disk, Durability::Synced).unwrap();
    let from = disk.lock().steps;
    // Based on the text at the start: it has seen none of the writes.
    let edit = START
        .replace("\"p\": 1", "\"p\": 1,\n    \"mine\": true")
        .replace("\"id\": 2\n", "\"id\": 2,\n      \"mine\": 2\n");
    let saved = save(&disk, style, &edit, from + at, gap);
    let what = format!("{way:?} {style:?} at {at}, {gap} apart");
    let mut acknowledged: Vec<i64> = Vec::new();
    let post_one = |acknowledged: &mut Vec<i64>| {
        // While the file is half written, a write is refused and not lost.
        let number = acknowledged.len();
        if let Ok(Some(id)) = machine.write(post("b", &format!("{{\"number\": {number}}}"))) {
            acknowledged.push(id.to_string().parse().unwrap());
        }
    };
    let mut patched = machine.write(patch("a", 1, "{\"n\": 5}")).is_ok();
    post_one(&mut acknowledged);
    post_one(&mut acknowledged);
    let met = *saved.lock().unwrap();
    // Wait until the edit is saved and found, by a write or by the check for late edits.
    until(&format!("{what}: both are in the file"), || {
        patched |= !patched && machine.write(patch("a", 1, "{\"n\": 5}")).is_ok();
        post_one(&mut acknowledged);
        let saved = *saved.lock().unwrap();
        let seen = machine.seen();
        let is_there = saved && seen["o"]["mine"] == true && seen["a"][1]["mine"] == 2;
        (is_there && patched && machine.in_file() == seen).then_some(())
    });
    let all = machine.in_file();
    assert_eq!(
        all["a"],
        json!([{"id": 1, "n": 5}, {"id": 2, "mine": 2}]),
        "{what}"
    );
    assert_eq!(ids(&all["b"]), acknowledged, "{what}");
    assert_eq!(
        column(&all["b"], "number"),
        (0..acknowledged.len()).map(Value::from).collect::<Vec<_>>(),
        "{what}"
    );
    assert_eq!(machine.engine.conflicts(), Vec::<Value>::new(), "{what}");
    let disk = machine.disk.clone();
    drop(machine);
    let again = Machine::start(&disk.after_kill(), Durability::Synced).unwrap();
    assert_eq!(again.seen(), all, "{what}");
    assert_eq!(again.recovered, Vec::<std::path::PathBuf>::new(), "{what}");
    // If the file was half-written for long, the pending writes are in the conflicts file.
    let names = again.disk.lock().names();
    assert!(
        names
            .iter()
            .all(|name| name == "db.json" || name == "db.conflicts.jsonl"),
        "{what}: {names:?}"
    );
    met
}

#[test]
fn an_edit_at_any_step_of_a_save_and_the_writes_are_both_kept() {
    for style in STYLES {
        for tick in [0, 100] {
            let mut at = 0;
            // Until the edit comes after all the writes.
            while meet((Exchange::Atomic, tick), style, at, 2) {
                at += 1;
            }
            assert!(at > 20, "{at} steps");
            for at in 0..16 {
                for gap in [1, 7, 25] {
                    meet((Exchange::Atomic, tick), style, at, gap);
                }
            }
        }
    }
}

/// If files cannot be exchanged, an edit by rename between two calls is lost; no other is. With a hard link to the old
/// file, or a copy of it, an edit that is written to the old file is found.
#[test]
fn an_edit_at_any_step_of_a_save_is_kept_where_files_cannot_be_exchanged() {
    for way in [Exchange::Unsupported, Exchange::NoLinks] {
        for style in [Style::InPlace, Style::Slowly, Style::OpenedBefore] {
            for tick in [0, 100] {
                let mut at = 0;
                while meet((way, tick), style, at, 2) {
                    at += 1;
                }
                assert!(at > 20, "{at} steps");
            }
        }
    }
}

/// An editor writes to a file that a save has replaced, another one renames a file over the data, and the second edit
/// is found first: where both changed the same, the later save wins; other changes of both are kept.
#[test]
fn the_later_of_two_edits_wins_even_if_it_is_found_first() {
    for first_is_later in [false, true] {
        let disk = Simulated::new(START, Exchange::Atomic, 100);
        let machine = Machine::start(&disk, Durability::Synced).unwrap();
        let opened = disk.lock().open();
        let posted = |number: usize| machine.write(post("b", &format!("{{\"number\": {number}}}")));
        posted(0).unwrap();
        let edit = |text: String, name: &str| {
            let title = |of: &str| format!("\"{of}\": \"{name}\"");
            text.replace("\"p\": 1", &format!("\"p\": 1, {}", title("mine")))
                .replace("\"n\": 0", &format!("\"n\": 0, {}", title("title")))
        };
        let earlier = disk.lock().now;
        posted(1).unwrap();
        let renamed = edit(disk.lock().text(FILE).unwrap(), "renamed");
        disk.lock().put(Path::new(FILE), renamed.as_bytes());
        posted(2).unwrap();
        assert_eq!(machine.seen()["o"]["mine"], "renamed");
        let late = edit(START.to_string(), "late").replace("\"id\": 2", "\"id\": 2, \"only\": 1");
        {
            let mut disk = disk.lock();
            let time = if first_is_later { disk.now } else { earlier };
            disk.write_at(opened, late.as_bytes(), time);
        }
        until("the late edit is found", || {
            posted(machine.seen()["b"].as_array()?.len()).unwrap();
            (machine.seen()["a"][1]["only"] == 1).then_some(())
        });
        let (winner, loser) = if first_is_later {
            ("late", "renamed")
        } else {
            ("renamed", "late")
        };
        let seen = machine.in_file();
        assert_eq!(seen["o"]["mine"], winner);
        assert_eq!(seen["a"][0]["title"], winner);
        for (number, record) in seen["b"].as_array().unwrap().iter().enumerate() {
            assert_eq!(record["number"], number);
        }
        let conflicts = machine.engine.conflicts();
        let of_kind = |kind: &str| conflicts.iter().filter(|line| line["kind"] == kind).count();
        assert!(!conflicts.is_empty(), "what {loser} made of it is kept");
        assert_eq!(of_kind("older edit"), if first_is_later { 0 } else { 2 });
    }
}

/// If saves are in place, an edit is safe at every step except during the write itself: there is no atomic
/// compare-and-write.
#[test]
fn an_edit_at_any_step_of_a_save_in_place_is_kept_unless_it_is_at_the_very_moment_of_writing() {
    for tick in [0, 100] {
        let mut met = true;
        let mut at = 0;
        while met {
            let disk = Simulated::new(START, Exchange::MountPoint, tick);
            let machine = Machine::start(&disk, Durability::Synced).unwrap();
            assert!(machine.write(post("b", "{\"number\": 0}")).is_ok());
            let from = disk.lock().steps;
            let edit = disk.lock().text(FILE).unwrap();
            let edit = edit.replace("\"p\": 1", "\"p\": 1,\n    \"mine\": true");
            let saved = save(&disk, Style::InPlace, &edit, from + at, 1);
            assert!(machine.write(post("b", "{\"number\": 1}")).is_ok());
            met = *saved.lock().unwrap();
            let is_during = disk
                .lock()
                .overwrites
                .iter()
                .any(|steps| steps.contains(&(from + at)));
            at += 1;
            if is_during && met {
                continue;
            }
            let what = format!("tick {tick}, at {}", at - 1);
            let mut count = 2;
            until(&format!("{what}: both are in the file"), || {
                let number = format!("{{\"number\": {count}}}");
                count += usize::from(machine.write(post("b", &number)).is_ok());
                let seen = machine.seen();
                (seen["o"]["mine"] == true && machine.in_file() == seen).then_some(())
            });
            let numbers = machine.seen()["b"].as_array().unwrap().len();
            assert_eq!(numbers, count, "{what}");
        }
        assert!(at > 8, "{at} steps");
    }
}

/// Writes until `is_over` and twice after it. Returns the acknowledged numbers.
fn post_beside(machine: &Machine, is_over: &Arc<Mutex<bool>>) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    let (mut number, mut rest) = (0, 2);
    until("what happens beside the writes has happened", || {
        number += 1;
        if machine
            .write(post("b", &format!("{{\"number\": {number}}}")))
            .is_ok()
        {
            acknowledged.push(number);
            rest -= usize::from(*is_over.lock().unwrap());
        }
        (rest == 0).then_some(())
    });
    acknowledged
}

fn numbers(text: &str) -> Vec<u64> {
    let all: Value = serde_json::from_str(text).unwrap();
    let list = all["b"].as_array().unwrap().iter();
    list.filter_map(|one| one["number"].as_u64()).collect()
}

const MANNERS: [Manner; 3] = [Manner::WHOLE, Manner::EAGER, Manner::LAZY];

/// A link is switched at any step: each write is in one of the two files, and nothing is merged into the second.
#[test]
fn a_link_that_is_switched_at_any_step_of_a_save_loses_no_write() {
    for exchange in [Exchange::Atomic, Exchange::Unsupported, Exchange::NoLinks] {
        for manner in MANNERS {
            for at in 0..40 {
                let what = format!("{exchange:?} {manner:?} at {at}");
                let disk = Simulated::new(START, exchange, 100);
                let other = START.replace("\"n\": 0", "\"n\": 2");
                {
                    let mut disk = disk.lock();
                    disk.put(Path::new(TWO), other.as_bytes());
                    disk.put(Path::new(ONE), START.as_bytes());
                    disk.point(ONE);
                }
                let machine = start(manner, &disk);
                let is_over = Arc::new(Mutex::new(false));
                let done = is_over.clone();
                let from = disk.lock().steps;
                disk.lock().at(from + at, move |disk| {
                    disk.point(TWO);
                    *done.lock().unwrap() = true;
                });
                let acknowledged = post_beside(&machine, &is_over);
                assert_eq!(machine.seen()["a"][0]["n"], 2, "{what}");
                drop(machine);
                let two = disk.lock().text(TWO).unwrap();
                disk.lock().point(ONE);
                // What the first file lacks is in its journal.
                drop(start(manner, &disk));
                let one = disk.lock().text(ONE).unwrap();
                let all = [numbers(&one), numbers(&two)].concat();
                assert_eq!(all, acknowledged, "{what}");
                assert!(
                    one.contains("\"n\": 0") && two.contains("\"n\": 2"),
                    "{what}"
                );
            }
        }
    }
}

/// The folder of the file is moved away at any step, and comes back some steps later, with its content.
#[test]
fn a_folder_that_goes_at_any_step_and_comes_back_loses_no_write_and_shows_no_refused_one() {
    for exchange in [Exchange::Atomic, Exchange::Unsupported, Exchange::NoLinks] {
        for manner in MANNERS {
            for (at, gap) in (0..40).flat_map(|at| [(at, 1), (at, 4), (at, 12)]) {
                let what = format!("{exchange:?} {manner:?} at {at} for {gap}");
                let disk = Simulated::new(START, exchange, 100);
                let machine = start(manner, &disk);
                let is_over = Arc::new(Mutex::new(false));
                let done = is_over.clone();
                let from = disk.lock().steps + at;
                disk.lock().at(from, |disk| disk.move_folder(true));
                disk.lock().at(from + gap, move |disk| {
                    disk.move_folder(false);
                    *done.lock().unwrap() = true;
                });
                let acknowledged = post_beside(&machine, &is_over);
                let seen = machine.seen();
                drop(machine);
                let text = disk.lock().text(FILE).unwrap();
                assert_eq!(numbers(&text), acknowledged, "{what}");
                assert_eq!(numbers(&seen.to_string()), acknowledged, "{what}");
                let again = Machine::start(&disk, Durability::Synced).unwrap();
                assert_eq!(again.seen(), seen, "{what}");
                assert_eq!(disk.lock().names(), ["db.json"], "{what}");
            }
        }
    }
}

/// The process dies while the folder is away, which comes back before the next start.
#[test]
fn a_crash_while_the_folder_is_away_loses_no_write_and_brings_no_refused_one() {
    for exchange in [Exchange::Atomic, Exchange::Unsupported, Exchange::NoLinks] {
        for manner in MANNERS {
            for (at, gap) in (0..40).flat_map(|at| [(at, 2), (at, 6), (at, 30)]) {
                let what = format!("{exchange:?} {manner:?} at {at}, dead after {gap}");
                let disk = Simulated::new(START, exchange, 100);
                let machine = start(manner, &disk);
                let from = disk.lock().steps + at;
                disk.lock().at(from, |disk| disk.move_folder(true));
                disk.lock().plan(super::Plan::Stop(from + gap));
                let (mut acknowledged, mut refused) = (Vec::new(), Vec::new());
                for number in 1.. {
                    let done = machine.write(post("b", &format!("{{\"number\": {number}}}")));
                    // A write in progress when the process dies may be saved or not.
                    if disk.lock().dead {
                        break;
                    }
                    match done {
                        Ok(_) => acknowledged.push(number),
                        Err(_) => refused.push(number),
                    }
                }
                drop(machine);
                let disk = disk.after_kill();
                disk.lock().move_folder(false);
                let machine = start(manner, &disk);
                let there = numbers(&machine.seen().to_string());
                assert!(
                    there.starts_with(&acknowledged),
                    "{what}: {there:?}, not {acknowledged:?}"
                );
                // The first refused write may have been in the file when the folder was moved away, and could not be
                // undone.
                let mut later = refused.iter().skip(1);
                assert!(
                    !later.any(|number| there.contains(number)),
                    "{what}: {there:?}, refused {refused:?}"
                );
            }
        }
    }
}

/// The process dies during a concurrent edit and save: the edit is in the file, or kept beside it.
#[test]
fn a_crash_while_an_edit_and_a_save_meet_loses_neither() {
    for style in [Style::Rename, Style::InPlace] {
        for at in 0..24 {
            for stop in at..40 {
                let disk = Simulated::new(START, Exchange::Atomic, 100);
                let edit = START.replace("\"p\": 1", "\"p\": 1,\n    \"mine\": true");
                let machine = Machine::start(&disk, Durability::Synced).unwrap();
                let from = disk.lock().steps;
                let saved = save(&disk, style, &edit, from + at, 1);
                disk.lock().plan(super::Plan::Stop(from + stop));
                let first = machine.write(post("b", "{\"number\": 1}")).is_ok();
                let second = machine.write(post("b", "{\"number\": 2}")).is_ok();
                drop(machine);
                let saved = *saved.lock().unwrap();
                let disk = disk.after_kill();
                let what = format!("{style:?} at {at}, stopped at {stop}, {first} {second}");
                let machine = Machine::start(&disk, Durability::Synced)
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                let seen = machine.seen();
                let kept = machine.recovered.iter().any(|path| {
                    disk.lock()
                        .text(path.to_str().unwrap())
                        .is_some_and(|text| text.contains("mine"))
                });
                assert!(
                    !saved || kept || seen["o"]["mine"] == true,
                    "{what}: the edit is gone: {seen:#}"
                );
            }
        }
    }
}

/// A late edit is copied before it is served: if the process dies before the data file has it, the copy is kept for a
/// person.
#[test]
fn a_late_edit_that_is_served_survives_a_crash() {
    let mut copied = 0;
    for stop in 0..60 {
        let disk = Simulated::new(START, Exchange::Atomic, 100);
        let machine = Machine::start(&disk, Durability::Synced).unwrap();
        let opened = disk.lock().open();
        machine.write(post("b", "{\"number\": 1}")).unwrap();
        let late = START.replace("\"p\": 1", "\"p\": 1, \"mine\": true");
        {
            let mut disk = disk.lock();
            disk.write(opened, late.as_bytes());
            let from = disk.steps;
            disk.plan(super::Plan::Stop(from + stop));
        }
        let is_written = machine.write(post("b", "{\"number\": 2}")).is_ok();
        drop(machine);
        let disk = disk.after_kill();
        let is_copy = |name: &String| name.ends_with("standin-edit");
        let names = disk.lock().names();
        let is_copied = names.iter().filter(|name| is_copy(name)).any(|name| {
            let path = Path::new(FILE).with_file_name(name);
            disk.lock().text(path.to_str().unwrap()).as_ref() == Some(&late)
        });
        copied += usize::from(is_copied);
        let again = Machine::start(&disk, Durability::Synced).unwrap();
        let kept = again.recovered.iter().any(|path| {
            let text = disk.lock().text(path.to_str().unwrap());
            text.is_some_and(|text| text.contains("mine"))
        });
        assert!(
            !(is_copied || is_written) || kept || again.seen()["o"]["mine"] == true,
            "stopped at {stop}: the edit is gone"
        );
        let names = disk.lock().names();
        assert!(!names.iter().any(is_copy), "stopped at {stop}: {names:?}");
    }
    assert!((5..50).contains(&copied), "{copied}");
}

/// An exchange that replaces an edit is undone, but until then its text is in the file. An editor that reads it then
/// has seen writes that may be refused afterwards, and saves them with its edit.
#[test]
fn a_write_that_is_refused_can_be_read_until_the_exchange_is_undone() {
    let broken = &START[..START.len() / 2];
    let mut read = 0;
    for edited in 0..30 {
        for looked in 1..12 {
            let disk = Simulated::new(START, Exchange::Atomic, 100);
            let machine = Machine::start(&disk, Durability::Synced).unwrap();
            let from = disk.lock().steps;
            disk.lock().at(from + edited, move |disk| {
                disk.put(Path::new(FILE), broken.as_bytes());
            });
            let reading = Arc::new(Mutex::new(None));
            let looks = reading.clone();
            disk.lock().at(from + edited + looked, move |disk| {
                *looks.lock().unwrap() = disk.text(FILE);
            });
            let refused = machine.write(post("b", "{\"refused\": true}")).is_err();
            let reading = reading.lock().unwrap().take();
            let Some(reading) = reading.filter(|text| refused && text.contains("refused")) else {
                continue;
            };
            assert_eq!(
                disk.lock().text(FILE).as_deref(),
                Some(broken),
                "the edit is back"
            );
            read += 1;
            disk.lock().put(Path::new(FILE), reading.as_bytes());
            machine.write(post("a", "{}")).unwrap();
            assert_eq!(
                machine.seen()["b"],
                serde_json::json!([{"refused": true, "id": 1}])
            );
        }
    }
    assert!(read > 0);
}
