//! Actions of several writes when the program is killed: all of them are in the file, or none.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use serde_json::Value;

use crate::process::Process;
use crate::support::*;

#[test]
fn actions_are_on_the_disk_all_or_none_after_a_kill() {
    let routes = r#"{"POST /move": {"actions": [
        {"post": {"n": 1}, "to": "/ins"},
        {"post": {"n": 2}, "to": "/outs"},
        {"patch": {"count": "{{ record('totals', 1).count + 1 }}"}, "to": "/totals/1"}
    ], "status": 200}}"#;
    let data = r#"{"ins": [], "outs": [], "totals": [{"id": 1, "count": 0}]}"#;
    // With whole saves, and with the journal.
    for journal in ["100m", "0"] {
        let folder = folder_with(&[("db.json", data)]);
        let file = folder.path().join("db.json");
        std::fs::write(folder.path().join("db.routes.json"), routes).unwrap();
        let arguments = ["--journal-above", journal];
        let acknowledged = AtomicUsize::new(0);
        for round in 1..=6 {
            let mut server = Process::serve(&file, &arguments);
            let wanted = acknowledged.load(SeqCst) + round * 3;
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        let mut client = Client::connect(server.address);
                        while let Some(reply) = client.try_send("POST", "/move", JSON, "{}") {
                            reply.status_is(200);
                            acknowledged.fetch_add(1, SeqCst);
                        }
                    });
                }
                until("some are acknowledged", || {
                    (acknowledged.load(SeqCst) >= wanted).then_some(())
                });
                let id = server.child.id().to_string();
                let killed = std::process::Command::new("kill")
                    .args(["-9", &id])
                    .status();
                assert!(killed.unwrap().success());
            });
            server.ended();
            let after = Process::serve(&file, &arguments);
            let mut client = Client::connect(after.address);
            let db = client.send("GET", "/db", NONE, "").value();
            let count = |name: &str| db[name].as_array().map_or(0, Vec::len);
            let total = db["totals"][0]["count"].as_u64().unwrap() as usize;
            assert_eq!(
                (count("ins"), count("outs")),
                (total, total),
                "round {round}: {db}"
            );
            let known = acknowledged.load(SeqCst);
            // One write per client may be saved but not acknowledged.
            assert!((known..=known + 3).contains(&total), "{known} of {total}");
            acknowledged.store(total, SeqCst);
            drop(after);
            let text = std::fs::read_to_string(&file).unwrap();
            serde_json::from_str::<Value>(&text).unwrap();
        }
    }
}
