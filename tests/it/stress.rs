//! Real processes: killed under load, and with a concurrent editor. `STANDIN_STRESS=50` makes both ten times as long.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use standin::internals::file::Content;

use crate::process::Process;
use crate::support::*;

const START: &str = "{\n  \"a\": [],\n  \"mine\": [],\n  \"note\": {\n    \"n\": 0\n  }\n}\n";

fn rounds() -> usize {
    std::env::var("STANDIN_STRESS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(5)
}

/// The state of a client: its records by id, as acknowledged (`None`: deleted), and its last request.
#[derive(Default)]
struct Known {
    records: BTreeMap<u64, Option<Value>>,
    /// A record whose change or deletion has not been answered, and its new value.
    open: Option<(u64, Option<Value>)>,
    refused: usize,
}

/// Creates, changes and deletes records until the server has ended or `stop` is set.
fn client(
    address: SocketAddr,
    name: usize,
    stop: &AtomicBool,
    acknowledged: &AtomicUsize,
) -> Known {
    let mut known = Known::default();
    let Ok(stream) = std::net::TcpStream::connect(address) else {
        return known;
    };
    drop(stream);
    let mut client = Client::connect(address);
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let own: Vec<u64> = known
            .records
            .iter()
            .filter(|(_, value)| value.is_some())
            .map(|(id, _)| *id)
            .collect();
        let chosen = own.get(number * 7 % own.len().max(1)).copied();
        let (method, path, body) = match (number % 5, chosen) {
            (1 | 3, Some(id)) => ("PATCH", format!("/a/{id}"), json!({ "changed": number })),
            (4, Some(id)) if number % 10 == 9 => ("DELETE", format!("/a/{id}"), Value::Null),
            _ => (
                "POST",
                "/a".into(),
                json!({ "by": name, "number": number, "text": "x".repeat(number % 50) }),
            ),
        };
        known.open = chosen.filter(|_| method != "POST").map(|id| {
            let mut after = known.records[&id].clone();
            match (method, &mut after) {
                ("PATCH", Some(record)) => record["changed"] = number.into(),
                _ => after = None,
            }
            (id, after)
        });
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let Some(reply) = client.try_send(
            method,
            &path,
            if text.is_empty() { NONE } else { JSON },
            &text,
        ) else {
            break;
        };
        match (reply.status, method) {
            (200 | 201, "DELETE") => drop(known.records.insert(chosen.unwrap(), None)),
            (200 | 201, _) => {
                let record = reply.value();
                known
                    .records
                    .insert(record["id"].as_u64().unwrap(), Some(record));
            }
            (503, _) => known.refused += 1,
            other => panic!(
                "{other:?} by {name}, {number}, refused {}: {}",
                known.refused,
                reply.text()
            ),
        }
        known.open = None;
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    known
}

/// Asserts that every record in `data` is as acknowledged to its client, and that there are no others but those in
/// flight.
fn compare(data: &Value, all: &[Known], clients: usize) -> usize {
    let mut found: BTreeMap<u64, &Value> = BTreeMap::new();
    for record in data["a"].as_array().unwrap() {
        assert!(
            found
                .insert(record["id"].as_u64().unwrap(), record)
                .is_none(),
            "an id twice: {record}"
        );
    }
    let mut count = 0;
    for known in all {
        for (id, expected) in &known.records {
            count += 1;
            let now = found.remove(id).cloned();
            let on_the_way = known
                .open
                .as_ref()
                .filter(|(open, _)| open == id)
                .map(|(_, after)| after.clone());
            assert!(
                now == *expected || on_the_way == Some(now.clone()),
                "{id}: {now:?}, acknowledged was {expected:?}"
            );
        }
    }
    // A POST that was saved but not answered because of the kill, at most one per client and round; it is complete.
    let twins = |record: &Value| {
        let is_twin =
            |other: &&Value| (&other["by"], &other["number"]) == (&record["by"], &record["number"]);
        data["a"]
            .as_array()
            .unwrap()
            .iter()
            .filter(is_twin)
            .map(|other| other["id"].clone())
            .collect::<Vec<_>>()
    };
    let missing: Vec<_> = found
        .values()
        .map(|record| (record, twins(record)))
        .collect();
    assert!(found.len() <= clients, "not acknowledged: {missing:?}");
    for record in found.values() {
        assert_eq!(
            record["text"].as_str().unwrap().len() as u64,
            record["number"].as_u64().unwrap() % 50,
            "{record}"
        );
    }
    count
}

#[test]
fn killed_under_load_it_has_every_acknowledged_write() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("db.json");
    let mut count = 0;
    for round in 0..rounds() {
        // Such a file is saved in the background.
        let is_large = round % 5 == 4;
        let filler = if is_large {
            "x".repeat(9 << 20)
        } else {
            String::new()
        };
        let note = format!("\"filler\": \"{filler}\", \"n\": 0");
        std::fs::write(&file, START.replace("\"n\": 0", &note)).unwrap();
        let arguments: &[&str] = match round % 5 {
            0 | 4 => &[],
            1 => &["--journal-above", "0"],
            2 => &["--durability", "written"],
            _ => &["--journal-above", "0", "--durability", "written"],
        };
        let journal = is_large || arguments.contains(&"0");
        let mut process = Process::serve(&file, arguments);
        let (stop, acknowledged) = (AtomicBool::new(false), AtomicUsize::new(0));
        let address = process.address;
        let all: Vec<Known> = std::thread::scope(|scope| {
            let (stop, acknowledged) = (&stop, &acknowledged);
            let clients: Vec<_> = (0..8)
                .map(|name| scope.spawn(move || client(address, name, stop, acknowledged)))
                .collect();
            let enough = 40 + round * 37 % 400;
            until("writes are acknowledged", || {
                (acknowledged.load(Ordering::Relaxed) >= enough).then_some(())
            });
            process.kill();
            clients
                .into_iter()
                .map(|client| client.join().unwrap())
                .collect()
        });
        let text = std::fs::read_to_string(&file).unwrap();
        let mut data: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
        // After a restart it serves that, and leaves nothing beside it.
        let process = Process::serve(&file, &[]);
        if journal {
            // Before it serves, the writes that were only in the journal are in the file.
            data = read_json(&file);
        }
        count += compare(&data, &all, 8);
        assert_eq!(Client::connect(process.address).get("/db").value(), data);
        assert_eq!(names_in(folder.path()), ["db.json"]);
    }
    eprintln!("{} rounds, {count} records acknowledged", rounds());
}

#[test]
fn killed_and_edited_before_it_is_started_again_it_has_both() {
    for round in 0..rounds() {
        let folder = folder_with(&[("db.json", START)]);
        let file = folder.path().join("db.json");
        let mut process = Process::serve(&file, &["--journal-above", "0"]);
        let mut client = Client::connect(process.address);
        let mut ids = Vec::new();
        for number in 0..5 + round * 7 {
            let reply = client.send("POST", "/a", JSON, json!({ "number": number }).to_string());
            assert_eq!(reply.status, 201);
            ids.push(reply.value()["id"].clone());
        }
        client
            .send("PATCH", "/note", JSON, "{\"api\": true}")
            .status_is(200);
        process.kill();
        let mut data: Value = read_json(&file);
        data["mine"] = json!([{ "id": 1, "text": "an edit" }]);
        data["note"]["n"] = 7.into();
        std::fs::write(&file, format!("{data:#}\n")).unwrap();
        let process = Process::serve(&file, &["--journal-above", "0"]);
        let all = Client::connect(process.address).get("/db").value();
        assert_eq!(column(&all["a"], "id"), ids);
        assert_eq!(all["mine"], data["mine"]);
        assert_eq!(all["note"], json!({"n": 7, "api": true}));
        assert_eq!(read_json(&file), all);
        assert_eq!(names_in(folder.path()), ["db.json"]);
    }
}

/// How an editor saves.
const WAYS: usize = 4;

/// Saves `text`, with `pause` wherever an editor may be slow.
fn save(file: &Path, way: usize, text: &str, pause: &dyn Fn()) {
    match way {
        0 => {
            let beside = file.with_extension("json.swp");
            std::fs::write(&beside, text).unwrap();
            std::fs::rename(beside, file).unwrap();
        }
        1 => std::fs::write(file, text).unwrap(),
        2 => {
            // Opened and truncated, then written in halves.
            let mut open = std::fs::File::create(file).unwrap();
            let (one, other) = text.as_bytes().split_at(text.len() / 2);
            open.write_all(one).unwrap();
            pause();
            open.write_all(other).unwrap();
        }
        _ => {
            // Opened, and written later: the file has been exchanged by then.
            let mut open = std::fs::File::options().write(true).open(file).unwrap();
            pause();
            open.set_len(0).unwrap();
            open.write_all(text.as_bytes()).unwrap();
        }
    }
}

#[test]
fn with_an_editor_no_acknowledged_write_and_no_edit_is_lost() {
    beside_an_editor(&["--unseen", "20000"]);
}

#[test]
fn with_an_editor_and_a_journal_no_acknowledged_write_and_no_edit_is_lost() {
    beside_an_editor(&["--unseen", "20000", "--journal-above", "0"]);
}

/// `data` without unacknowledged records that the editor brought back: it read the file between an exchange that
/// replaced another edit and its undo; the log has the content of the file at that moment. If the writes are then
/// refused because the edit is broken, what the editor read cannot be distinguished from what it changed.
fn without_brought_back(mut data: Value, all: &[Known], readings: &[Vec<u8>], log: &str) -> Value {
    assert!(log.contains("saved the file"), "it has a log");
    let is_known = |record: &Value| {
        let id = record["id"].as_u64().unwrap();
        all.iter().any(|known| known.records.contains_key(&id))
    };
    let records = |data: &Value| data["a"].as_array().cloned().unwrap_or_default();
    let is_brought_back = |record: &Value| {
        let is_same = |other: &Value| {
            ["by", "number"].map(|name| &other[name]) == ["by", "number"].map(|name| &record[name])
        };
        let first = readings.iter().find(|text| {
            serde_json::from_slice(text).is_ok_and(|data: Value| records(&data).iter().any(is_same))
        });
        let was_undone = |text: &Vec<u8>| {
            let content = format!("placed={:?}", Content::of(text));
            log.lines()
                .any(|line| line.contains("undoing it") && line.contains(&content))
        };
        first.is_some_and(was_undone)
    };
    data["a"]
        .as_array_mut()
        .unwrap()
        .retain(|record| is_known(record) || !is_brought_back(record));
    data
}

fn beside_an_editor(arguments: &[&str]) {
    let folder = folder_with(&[("db.json", START)]);
    let file = folder.path().join("db.json");
    // Other tests run in parallel: the editor's base may be some seconds old when it saves.
    let process = Process::serve_as(&file, arguments, |command| {
        command.env("STANDIN_LOG", "debug");
    });
    let address = process.address;
    let (stop, acknowledged) = (AtomicBool::new(false), AtomicUsize::new(0));
    let readings = Mutex::new(Vec::<Vec<u8>>::new());
    let saved = Mutex::new(Vec::<i64>::new());
    let time = Duration::from_millis(600) * rounds() as u32;
    let all: Vec<Known> = std::thread::scope(|scope| {
        let (stop, acknowledged) = (&stop, &acknowledged);
        let clients: Vec<_> = (0..16)
            .map(|name| scope.spawn(move || client(address, name, stop, acknowledged)))
            .collect();
        let end = Instant::now() + time;
        let mut number = 0_i64;
        // An editor that reads the file, waits for other writes, and then saves.
        let moment = || {
            let before = acknowledged.load(Ordering::Relaxed);
            let patience = Instant::now() + Duration::from_millis(60);
            until("others write", || {
                (acknowledged.load(Ordering::Relaxed) > before + 20 || Instant::now() > patience)
                    .then_some(())
            });
        };
        let whole = || {
            until("the file is whole", || {
                let text = std::fs::read(&file).unwrap_or_default();
                let value = serde_json::from_slice::<Value>(&text).ok();
                readings.lock().unwrap().push(text);
                value
            })
        };
        while Instant::now() < end {
            number += 1;
            let mut data = whole();
            data["mine"]
                .as_array_mut()
                .unwrap()
                .push(json!({"id": number, "text": format!("edit {number}")}));
            data["note"]["n"] = number.into();
            moment();
            save(
                &file,
                number as usize % WAYS,
                &format!("{data:#}\n"),
                &moment,
            );
            saved.lock().unwrap().push(number);
            // The next edit is based on a file that has this one: an editor reads what it has saved.
            until(&format!("edit {number} is in the file"), || {
                (whole()["note"]["n"] == number).then_some(())
            });
        }
        stop.store(true, Ordering::Relaxed);
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    });
    let saved = saved.into_inner().unwrap();
    let mut client = Client::connect(address);
    let data = until("file and memory agree", || {
        let data: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).ok()?;
        (client.get("/db").value() == data).then_some(data)
    });
    assert_eq!(
        ids(&data["mine"]),
        saved,
        "every edit is there, {}",
        process.errors()
    );
    eprint!(
        "{}",
        std::fs::read_to_string(file.with_extension("conflicts.jsonl")).unwrap_or_default()
    );
    let readings = readings.into_inner().unwrap();
    let count = compare(
        &without_brought_back(data, &all, &readings, &process.log()),
        &all,
        0,
    );
    let refused: usize = all.iter().map(|known| known.refused).sum();
    let conflicts = client.get("/-/conflicts").value();
    eprintln!(
        "{} edits, {count} records acknowledged, {refused} writes refused, {} conflicts",
        saved.len(),
        conflicts.as_array().unwrap().len()
    );
}
