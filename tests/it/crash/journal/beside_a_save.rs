//! Writes during the background save of a large file.

use super::*;

/// A background save has the first writes; others come while it waits, and when it goes on.
#[test]
fn stopped_at_any_step_of_a_save_beside_which_writes_go_on_nothing_acknowledged_is_lost() {
    let commands = [
        post("tags", "{\"n\": 1}"),
        post("posts", "{\"x\": 1}"),
        patch("posts", 2, "{\"n\": 0}"),
        delete("posts", 1),
        patch("posts", 3, "{\"x\": 2}"),
        profile("{\"q\": 2}"),
        post("tags", "{}"),
    ];
    let ways = WAYS[..5].iter().map(|way| (*way, Manner::BEHIND));
    for (way, manner) in ways.chain([(WAYS[0], Manner::KEEPING[1])]) {
        let (states, ..) = dry_run(&commands, way, Manner::WHOLE);
        for waiting in [1, 4] {
            let steps = stop_beside(way, manner, &commands, waiting, |disk, count| {
                let what = format!("{way:?} {manner:?}, {count} answered");
                for disk in [vec![disk.after_kill()], disk.after_power_cut()].concat() {
                    let allowed = &states[count..states.len().min(count + 2)];
                    reopen(&disk, allowed, way, manner, Durability::Synced, &what);
                }
            });
            assert!(steps > 20, "{steps} steps");
        }
    }
}

/// Carries out the first command, which is saved, and the next ones while the background save waits; lets that go on
/// after `waiting` of them, and stops at each step from then on; then calls `check` with how many were answered.
/// Returns the number of steps.
fn stop_beside(
    way: (Exchange, u64),
    manner: Manner,
    commands: &[Command],
    waiting: usize,
    check: impl Fn(&Simulated, usize),
) -> usize {
    for stop in 0.. {
        let disk = Simulated::new(START, way.0, way.1);
        let machine = start(manner, &disk);
        assert_eq!(answered(&machine, &commands[..1]), 1);
        // If the clock stands still, no stamp is ever settled.
        until("it is saved, and its stamp is settled", || {
            let is_left = |name: &String| name.ends_with("-tmp") || name.ends_with("-old");
            let is_settled = way.1 == 0 || !disk.lock().names().iter().any(is_left);
            (machine.in_file() == machine.seen() && is_settled).then_some(())
        });
        disk.lock().saves = Some(0);
        assert_eq!(answered(&machine, &commands[1..=waiting]), waiting);
        let from = disk.lock().steps;
        disk.lock().plan(Plan::Stop(from + stop));
        disk.lock().saves = None;
        let count = 1 + waiting + answered(&machine, &commands[waiting + 1..]);
        drop(machine);
        super::super::is_whole(&disk);
        check(&disk, count);
        if !disk.lock().dead {
            return stop;
        }
    }
    0
}

/// An edit with the old size and mtime, which no stamp shows: it is found when the replaced file is read, whenever that
/// is.
#[test]
fn an_edit_that_no_stamp_shows_at_any_step_of_a_save_beside_which_writes_go_on_is_kept() {
    let mut steps = 0;
    for step in 0.. {
        let (disk, machine) = fresh(Manner::BEHIND);
        let has_all = || {
            let is_same = machine.in_file() == machine.seen();
            (is_same && disk.lock().names() == ["db.json"]).then_some(())
        };
        machine.write(post("tags", "{\"n\": 0}")).unwrap();
        until("the stamp of the file is settled", has_all);
        let edit = disk.lock().text(FILE).unwrap();
        let edit = edit.replace("\"postId\": 2", "\"postId\": 1");
        disk.lock().saves = Some(0);
        for n in 1..4 {
            let body = format!("{{\"n\": {n}}}");
            machine.write(post("tags", &body)).unwrap();
        }
        let from = disk.lock().steps;
        let inode = disk.lock().open();
        disk.lock().at(from + step, move |disk| {
            let time = disk.modified(inode);
            disk.write_at(inode, edit.as_bytes(), time);
        });
        disk.lock().saves = None;
        until("the file has all", has_all);
        let read = disk.lock().reads.get(&inode).copied();
        machine.write(post("tags", "{\"n\": 4}")).unwrap();
        drop(machine);
        let file: Value = serde_json::from_str(&disk.lock().text(FILE).unwrap()).unwrap();
        let tags = file["tags"].as_array().unwrap().len();
        assert_eq!(tags, 5, "at {step}: {file:#}");
        if read.is_none_or(|read| read < from + step) {
            break;
        }
        assert_eq!(file["comments"][1]["postId"], 1, "at {step}: {file:#}");
        steps += 1;
    }
    assert!(steps > 10, "{steps} steps");
}

/// After a crash, the file that an edit is based on may lack the writes that came during the save.
#[test]
fn an_edit_after_a_crash_beside_a_save_deletes_no_write_that_came_during_the_save() {
    let commands: Vec<Command> = (0..6)
        .map(|n| post("tags", &format!("{{\"n\": {n}}}")))
        .collect();
    for waiting in [1, 4] {
        let way = (Exchange::Atomic, 100);
        stop_beside(way, Manner::BEHIND, &commands, waiting, |disk, count| {
            let disk = disk.after_kill();
            let text = disk.lock().text(FILE).unwrap();
            let edit = text.replace("\"p\": 1", "\"p\": 1,\n    \"mine\": true");
            disk.lock().put(Path::new(FILE), edit.as_bytes());
            let machine = start(Manner::BEHIND, &disk);
            let seen = machine.seen();
            assert_eq!(seen["profile"], json!({"p": 1, "mine": true}));
            let found = seen["tags"].as_array().unwrap().len();
            assert!(
                (count..=count + 1).contains(&found),
                "{count}: {seen:#} of {text}"
            );
        });
    }
}

/// A journal that is rewritten because most of it is old keeps what the file lacks.
#[test]
fn a_journal_that_is_shortened_beside_a_save_keeps_what_the_file_lacks() {
    let long = "x".repeat(9000);
    let commands: Vec<Command> = (0..14)
        .map(|n| post("tags", &format!("{{\"n\": {n}, \"long\": \"{long}\"}}")))
        .collect();
    let (states, ..) = dry_run(&commands, (Exchange::Atomic, 100), Manner::WHOLE);
    let mut was_shortened = false;
    for stop in 0.. {
        let disk = Simulated::new(START, Exchange::Atomic, 100);
        let machine = start(Manner::BEHIND, &disk);
        disk.lock().saves = Some(0);
        assert_eq!(answered(&machine, &commands[..10]), 10);
        let tags = || machine.in_file()["tags"].as_array().unwrap().len();
        disk.lock().saves = Some(1);
        until("the first save is done, and the next one waits", || {
            let text = disk.lock().text(JOURNAL).unwrap();
            (tags() == 1 && text.contains("\"saved\"")).then_some(())
        });
        assert_eq!(answered(&machine, &commands[10..12]), 2);
        let before = disk.lock().text(JOURNAL).unwrap().len();
        let from = disk.lock().steps;
        disk.lock().plan(Plan::Stop(from + stop));
        disk.lock().saves = Some(1);
        until(
            "the second save is done, or the machine has stopped",
            || {
                let disk = disk.lock();
                let has_shrunk = disk.text(JOURNAL).unwrap().len() < before / 2;
                (disk.dead || has_shrunk).then_some(())
            },
        );
        was_shortened |= !disk.lock().dead;
        let count = 12 + answered(&machine, &commands[12..]);
        disk.lock().saves = None;
        for disk in [vec![disk.after_kill()], disk.after_power_cut()].concat() {
            let allowed = &states[count..states.len().min(count + 2)];
            let way = (Exchange::Atomic, 100);
            reopen(
                &disk,
                allowed,
                way,
                Manner::BEHIND,
                Durability::Synced,
                &format!("stopped at {stop}"),
            );
        }
        if !disk.lock().dead {
            break;
        }
    }
    assert!(was_shortened);
}
