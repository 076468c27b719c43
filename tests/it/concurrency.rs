//! Concurrent clients.

use std::collections::BTreeSet;
use std::sync::Barrier;

use serde_json::Value;

use crate::support::*;

#[test]
fn one_of_two_hundred_posts_of_the_same_email_succeeds() {
    let fixture = serve_with_rules("{\"users\": []}");
    let address = fixture.address();
    let barrier = Barrier::new(200);
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..200)
            .map(|number| {
                let barrier = &barrier;
                scope.spawn(move || {
                    let email = if number % 2 == 0 {
                        "one@example.com"
                    } else {
                        "ONE@Example.com"
                    };
                    let body = format!(
                        r#"{{"lastName": "A", "firstName": "B{number}", "email": "{email}"}}"#
                    );
                    let mut client = Client::connect(address);
                    barrier.wait();
                    client.send("POST", "/users", JSON, body)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let created: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert_eq!(created.len(), 1);
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        reply.problem(409, "not-unique");
    }
    assert_eq!(
        fixture.data()["users"],
        Value::Array(vec![created[0].value()])
    );
    assert_eq!(created[0].value()["id"], 1);
}

#[test]
fn a_thousand_posts_make_a_thousand_records_without_gaps_or_duplicates() {
    let mut fixture = serve_with_rules("{\n  \"users\": []\n}\n");
    let address = fixture.address();
    let barrier = Barrier::new(50);
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..50)
            .map(|thread| {
                let barrier = &barrier;
                scope.spawn(move || {
                    let mut client = Client::connect(address);
                    barrier.wait();
                    let post = |number| {
                        let email = format!("{thread}.{number}@example.com");
                        let body =
                            format!(r#"{{"lastName": "A", "firstName": "B", "email": "{email}"}}"#);
                        let reply = client.send("POST", "/users", JSON, body);
                        assert_eq!(reply.value()["email"], email);
                        reply
                    };
                    (0..20).map(post).collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(replies.iter().all(|reply| reply.status == 201));
    let answered: BTreeSet<u64> = replies
        .iter()
        .map(|reply| reply.value()["id"].as_u64().unwrap())
        .collect();
    assert_eq!(answered, (1..=1000).collect());
    let data = fixture.data();
    assert_eq!(ids(&data["users"]), Vec::from_iter(1..=1000));
    for reply in &replies {
        let id = reply.value()["id"].as_u64().unwrap() as usize;
        assert_eq!(
            data["users"][id - 1],
            reply.value(),
            "what was answered is what is stored"
        );
    }
    let text = fixture.text();
    fixture.restart();
    assert_eq!(fixture.get("/users").value(), data["users"]);
    assert_eq!(fixture.text(), text);
}

#[test]
fn writers_of_one_record_lose_none_of_their_fields() {
    let fixture = serve_data("{\"a\": [{\"id\": 1}]}");
    let address = fixture.address();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                let mut client = Client::connect(address);
                for number in 0..20 {
                    let body = format!("{{\"t{thread}\": {number}}}");
                    let reply = client.send("PATCH", "/a/1", JSON, body);
                    assert_eq!(
                        reply.value()[format!("t{thread}")],
                        number,
                        "one reads one's own write"
                    );
                    let seen = client.get("/a/1").value();
                    assert_eq!(seen[format!("t{thread}")], number);
                }
            });
        }
    });
    let record = fixture.get("/a/1").value();
    assert_eq!(record.as_object().unwrap().len(), 9);
    assert!(
        (0..8).all(|thread| record[format!("t{thread}")] == 19),
        "{record:#}"
    );
    assert_eq!(fixture.data()["a"][0], record);
}

#[test]
fn a_reader_sees_whole_states_only() {
    // Both records are always equal in the file, because each save is atomic.
    let fixture = serve_data("{\"a\": {\"n\": 0}, \"b\": []}");
    let address = fixture.address();
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            let mut client = Client::connect(address);
            for number in 1..=100 {
                client
                    .send("PUT", "/a", JSON, format!("{{\"n\": {number}}}"))
                    .status_is(200);
                client.send("POST", "/b", JSON, "{}").status_is(201);
            }
        });
        let mut client = Client::connect(address);
        while !writer.is_finished() {
            let all = client.get("/db").value();
            let (count, number) = (
                all["b"].as_array().unwrap().len(),
                all["a"]["n"].as_u64().unwrap() as usize,
            );
            assert!(count == number || count + 1 == number, "{count} {number}");
            let file = fixture.data();
            assert!(
                file["b"].as_array().unwrap().len() >= count,
                "what a reader sees is in the file"
            );
        }
    });
}

#[test]
fn writers_and_an_editor_end_in_one_state_that_has_the_last_edit() {
    let fixture = serve_data("{\n  \"a\": [],\n  \"note\": {\n    \"n\": 0\n  }\n}\n");
    let address = fixture.address();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(move || {
                    let mut client = Client::connect(address);
                    for _ in 0..40 {
                        let reply = client.send("POST", "/a", JSON, "{\"x\": 1}");
                        reply.status_is(201);
                    }
                })
            })
            .collect();
        for number in 1..=20 {
            // As an editor saves: another file, renamed over the old one.
            let mut data = fixture.data();
            data["note"]["n"] = number.into();
            let beside = fixture.folder().join("db.json~");
            std::fs::write(&beside, format!("{data:#}\n")).unwrap();
            std::fs::rename(&beside, fixture.path()).unwrap();
            let mut client = fixture.client();
            until("the edit is seen", || {
                (client.get("/note").value()["n"] == number).then_some(())
            });
        }
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
    });
    // One more write, which loads edits that the watcher has not seen yet.
    fixture.json("POST", "/a", "{}").status_is(201);
    assert_eq!(fixture.data()["note"]["n"], 20);
    assert_eq!(fixture.get("/db").value(), fixture.data());
}
