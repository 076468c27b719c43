//! Edits from a stale buffer, and a kill before the server has seen them: acknowledged writes are in the journal.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::process::Process;
use crate::support::*;

const START: &str = "{\"a\": [{\"id\": 1, \"n\": 1}], \"mine\": {\"n\": 0}}";

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = folder_with(&[("db.json", START)]);
    let file = folder.path().join("db.json");
    (folder, file)
}

/// An editor saves a change based on the state before the writes, and the server is killed at once.
#[test]
fn a_stale_edit_and_a_kill_lose_nothing_acknowledged() {
    for arguments in [&["--journal-above", "0"][..], &[]] {
        for in_place in [false, true] {
            for seen in 0..3 {
                let (folder, file) = place();
                let mut server = Process::serve(&file, arguments);
                let mut client = Client::connect(server.address);
                let mut buffer = read_json(&file);
                for n in 0..5 {
                    let body = json!({ "n": n }).to_string();
                    let reply = client.send("POST", "/a", JSON, body.as_str());
                    assert_eq!(reply.status, 201);
                    if n + 1 == seen {
                        buffer = until("the file has the write", || {
                            let data = read_json(&file);
                            (data["a"].as_array()?.len() == seen + 1).then_some(data)
                        });
                    }
                }
                client
                    .send("PATCH", "/a/1", JSON, "{\"n\": 2}")
                    .status_is(200);
                until("the file has all", || {
                    (read_json(&file)["a"][0]["n"] == 2).then_some(())
                });
                buffer["mine"]["n"] = 1.into();
                if in_place {
                    fs::write(&file, buffer.to_string()).unwrap();
                } else {
                    let new = folder.path().join("new");
                    fs::write(&new, buffer.to_string()).unwrap();
                    fs::rename(&new, &file).unwrap();
                }
                server.kill();
                let server = Process::serve(&file, arguments);
                let all = Client::connect(server.address).get("/db").value();
                let what = format!("{arguments:?} {in_place} {seen}: {all:#}");
                assert_eq!(all["a"].as_array().unwrap().len(), 6, "{what}");
                assert_eq!(all["a"][0]["n"], 2, "{what}");
                assert_eq!(all["mine"]["n"], 1, "{what}");
                assert_eq!(read_json(&file), all, "{what}");
            }
        }
    }
}

/// As in a running server, an earlier content is a restore, however soon after the writes.
#[test]
fn a_file_that_is_restored_after_a_kill_is_not_merged() {
    let (_folder, file) = place();
    let mut server = Process::serve(&file, &[]);
    let mut client = Client::connect(server.address);
    for _ in 0..2 {
        client.send("POST", "/a", JSON, "{}").status_is(201);
    }
    server.kill();
    fs::write(&file, START).unwrap();
    let server = Process::serve(&file, &[]);
    let all = Client::connect(server.address).get("/a").value();
    assert_eq!(all, json!([{ "id": 1, "n": 1 }]));
    until("it says so", || {
        server
            .errors()
            .contains("2 API writes undone")
            .then_some(())
    });
}

/// A later edit has seen all writes.
#[test]
fn an_edit_long_after_a_kill_is_not_merged() {
    let (_folder, file) = place();
    let mut server = Process::serve(&file, &[]);
    let mut client = Client::connect(server.address);
    client.send("POST", "/a", JSON, "{}").status_is(201);
    server.kill();
    fs::write(&file, START.replace("\"n\": 0", "\"n\": 1")).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
    fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(later)
        .unwrap();
    let server = Process::serve(&file, &[]);
    let all = Client::connect(server.address).get("/a").value();
    assert_eq!(all, json!([{ "id": 1, "n": 1 }]));
}

#[test]
fn an_undone_write_does_not_come_back() {
    let (folder, file) = place();
    let mut server = Process::serve(&file, &[]);
    let mut client = Client::connect(server.address);
    client.send("POST", "/a", JSON, "{}").status_is(201);
    client.send("POST", "/-/reset", NONE, "").status_is(200);
    let new = folder.path().join("new");
    fs::write(&new, START.replace("\"n\": 0", "\"n\": 1")).unwrap();
    fs::rename(&new, &file).unwrap();
    server.kill();
    let server = Process::serve(&file, &[]);
    let all = Client::connect(server.address).get("/db").value();
    assert_eq!(
        all,
        json!({ "a": [{ "id": 1, "n": 1 }], "mine": { "n": 1 } })
    );
}

#[test]
fn a_damaged_journal_is_reported_and_kept() {
    let (folder, file) = place();
    let mut server = Process::serve(&file, &["--journal-above", "0"]);
    let mut client = Client::connect(server.address);
    for _ in 0..3 {
        client
            .send("POST", "/a", JSON, "{\"word\": \"abc\"}")
            .status_is(201);
    }
    server.kill();
    // As if the file had never been saved: all is in the journal only.
    fs::write(&file, START).unwrap();
    let journal = folder.path().join(".db.json.standin-journal");
    let text = fs::read_to_string(&journal).unwrap();
    let at = text.match_indices("abc").nth(1).unwrap().0;
    let damaged = format!("{}x{}", &text[..at], &text[at + 1..]);
    fs::write(&journal, &damaged).unwrap();
    let server = Process::serve(&file, &[]);
    let errors = server.errors();
    let line = damaged[..at].lines().count();
    has(&errors, format!("is damaged in line {line}"));
    let kept = fs::read_dir(folder.path()).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        path.to_string_lossy()
            .contains("recovered-")
            .then(|| fs::read_to_string(path).unwrap())
    });
    assert_eq!(kept.as_deref(), Some(&*damaged));
    let all = Client::connect(server.address).get("/a").value();
    assert_eq!(all.as_array().unwrap().len(), 2, "{all:#}");
}

/// The journal is removed when it cannot be needed any more.
#[test]
fn a_stop_removes_the_journal() {
    let (folder, file) = place();
    let mut fixture = Process::serve(&file, &[]);
    let mut client = Client::connect(fixture.address);
    client.send("POST", "/a", JSON, "{}").status_is(201);
    let journal = folder.path().join(".db.json.standin-journal");
    assert!(journal.exists());
    fixture.child.stdin.take();
    #[cfg(unix)]
    {
        fixture.signal("TERM");
        fixture.ended();
        assert!(!journal.exists());
    }
}
