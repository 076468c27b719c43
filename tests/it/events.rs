//! Event streams, read from raw sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::*;

/// An open event stream.
pub struct Stream {
    reader: BufReader<TcpStream>,
    /// Received text that has not been read as lines yet.
    text: String,
    id: String,
}

impl Stream {
    fn open(address: SocketAddr, path: &str, last: Option<&str>) -> Stream {
        let last = last.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
        Stream::with_headers(address, path, &last)
    }

    /// Opens a stream with these header lines in the request.
    pub fn with_headers(address: SocketAddr, path: &str, lines: &str) -> Stream {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        write!(
            socket,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n{lines}\r\n"
        )
        .unwrap();
        let mut stream = Stream {
            reader: BufReader::new(socket),
            text: String::new(),
            id: String::new(),
        };
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(stream.reader.read_line(&mut head).unwrap(), 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        has(&head, "content-type: text/event-stream\r\n");
        has(head, "cache-control: no-store\r\n");
        stream
    }

    /// One chunk of the transfer coding; `None` at the end.
    fn chunk(&mut self) -> Option<()> {
        let mut line = String::new();
        if self.reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let size = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut bytes = vec![0; size + 2];
        self.reader.read_exact(&mut bytes).ok()?;
        self.text
            .push_str(std::str::from_utf8(&bytes[..size]).unwrap());
        (size > 0).then_some(())
    }

    fn block(&mut self) -> Option<String> {
        while !self.text.contains("\n\n") {
            self.chunk()?;
        }
        let (block, rest) = self
            .text
            .split_once("\n\n")
            .map(|(block, rest)| (block.to_string(), rest.to_string()))?;
        self.text = rest;
        Some(block)
    }

    /// The next event: its name and its data.
    fn try_next(&mut self) -> Option<(String, Value)> {
        loop {
            let block = self.block()?;
            let field = |name: &str| {
                block
                    .lines()
                    .find_map(|line| line.strip_prefix(&format!("{name}: ")))
            };
            let (Some(name), Some(data)) = (field("event"), field("data")) else {
                continue;
            };
            self.id = field("id").unwrap().to_string();
            return Some((name.to_string(), serde_json::from_str(data).unwrap()));
        }
    }

    pub fn next(&mut self) -> (String, Value) {
        self.try_next().expect("an event")
    }
}

pub fn follow(fixture: &Fixture, path: &str) -> Stream {
    let mut stream = Stream::open(fixture.address(), path, None);
    let (name, data) = stream.next();
    assert_eq!(
        (name.as_str(), &data["resumed"]),
        ("ready", &Value::Bool(false))
    );
    stream
}

const ADA: &str = r#"{"lastName": "Lovelace", "firstName": "Ada", "email": "ada@example.com"}"#;

#[test]
fn every_change_is_sent_with_the_record_and_the_version() {
    let fixture = serve();
    let mut stream = follow(&fixture, "/-/events");
    fixture.json("POST", "/users", ADA);
    let (name, data) = stream.next();
    assert_eq!(name, "create");
    assert_eq!(
        (&data["version"], &data["resource"], &data["id"]),
        (&1.into(), &"users".into(), &2.into())
    );
    assert_eq!(data["record"], fixture.get("/users/2").value());
    fixture.json("PUT", "/users/2", &ADA.replace("Ada", "Augusta"));
    let (name, data) = stream.next();
    assert_eq!(
        (name.as_str(), &data["record"]["firstName"]),
        ("replace", &"Augusta".into())
    );
    fixture.json("PATCH", "/users/2", "{\"firstName\": \"A\\nB\"}");
    let (name, data) = stream.next();
    assert_eq!(
        (name.as_str(), &data["record"]["firstName"]),
        ("merge", &"A\nB".into())
    );
    // A write that changes nothing sends no event.
    fixture.json("PATCH", "/users/2", "{}");
    fixture.json("PATCH", "/profile", "{\"name\": \"x\"}");
    let (name, data) = stream.next();
    assert_eq!(
        (name.as_str(), &data["resource"], data.get("id")),
        ("merge", &"profile".into(), None)
    );
    assert_eq!(data["record"]["name"], "x");
    fixture.delete("/users/2");
    let (name, data) = stream.next();
    assert_eq!(
        (name.as_str(), &data["id"], &data["record"]),
        ("delete", &2.into(), &Value::Null)
    );
}

#[test]
fn a_deletion_that_sets_keys_to_null_is_a_change_of_their_records() {
    let data = r#"{"clubs": [{"id": 1}], "players": [{"id": 2, "clubId": 1}]}"#;
    let fixture = Fixture::new(data, None, |options| {
        options.on_delete = standin::OnDelete::SetNull
    });
    let mut stream = follow(&fixture, "/-/events");
    fixture.delete("/clubs/1").status_is(200);
    let (kind, event) = stream.next();
    assert_eq!(
        (kind.as_str(), &event["resource"], &event["id"]),
        ("delete", &json!("clubs"), &json!(1))
    );
    let (kind, event) = stream.next();
    assert_eq!(
        (kind.as_str(), &event["record"]),
        ("merge", &json!({"id": 2, "clubId": null}))
    );
}

#[test]
fn an_edit_of_the_file_is_sent() {
    let fixture = serve();
    let mut stream = follow(&fixture, "/-/events?resource=users");
    std::fs::write(fixture.path(), fixture.text().replace("O'Brien", "Smith")).unwrap();
    let (name, data) = stream.next();
    assert_eq!(
        (name.as_str(), &data["cause"], &data["changed"]),
        ("reload", &"edit".into(), &1.into())
    );
    assert_eq!(data["records"][0]["record"]["lastName"], "Smith \"Bob\"");
    assert_eq!(data["records"][0]["id"], 1);
}

#[test]
fn a_resource_without_records_that_comes_or_goes_is_sent() {
    let fixture = serve_data("{\"users\": [{\"id\": 1}], \"cups\": []}");
    let mut stream = follow(&fixture, "/-/events");
    std::fs::write(fixture.path(), "{\"users\": [{\"id\": 1}], \"teas\": []}").unwrap();
    for resource in ["teas", "cups"] {
        let (name, data) = stream.next();
        assert_eq!(
            (name.as_str(), &data["resource"]),
            ("reload", &resource.into())
        );
        assert_eq!((&data["added"], &data["records"]), (&0.into(), &json!([])));
    }
}

#[test]
fn events_of_one_resource() {
    let fixture = serve();
    let mut stream = follow(&fixture, "/-/events?resource=profile");
    fixture.json("POST", "/users", ADA);
    fixture.json("PATCH", "/profile", "{\"name\": \"x\"}");
    assert_eq!(stream.next().1["resource"], "profile");
    let problem = fixture
        .get("/-/events?resource=user")
        .problem(404, "no-resource");
    has(problem["hint"].as_str().unwrap(), "users");
}

#[test]
fn a_reader_that_comes_back_gets_what_it_missed() {
    let mut fixture = serve();
    let mut stream = follow(&fixture, "/-/events");
    fixture.json("POST", "/users", ADA);
    stream.next();
    let last = stream.id.clone();
    drop(stream);
    fixture.json("PATCH", "/users/2", "{\"firstName\": \"B\"}");
    fixture.json("PATCH", "/users/2", "{\"firstName\": \"C\"}");
    let mut stream = Stream::open(fixture.address(), "/-/events", Some(&last));
    let (name, data) = stream.next();
    assert_eq!(
        (name.as_str(), &data["resumed"]),
        ("ready", &Value::Bool(true))
    );
    assert_eq!(stream.next().1["record"]["firstName"], "B");
    assert_eq!(stream.next().1["record"]["firstName"], "C");
    // Event ids of another run, or invalid ones, are not resumed.
    fixture.restart();
    for unknown in [last.as_str(), "x", "1", "-", "zz-99"] {
        let mut stream = Stream::open(fixture.address(), "/-/events", Some(unknown));
        assert_eq!(stream.next().1["resumed"], false, "{unknown}");
    }
}

#[test]
fn the_history_is_bounded() {
    let fixture = Fixture::new("{\"a\": {\"n\": 0}}", None, |options| {
        options.saving = standin::Saving::Memory;
    });
    let mut stream = follow(&fixture, "/-/events");
    fixture.json("PATCH", "/a", "{\"n\": 1}");
    stream.next();
    let last = stream.id.clone();
    drop(stream);
    let mut client = fixture.client();
    for number in 2..1100 {
        client.send("PATCH", "/a", JSON, format!("{{\"n\": {number}}}"));
    }
    let mut stream = Stream::open(fixture.address(), "/-/events", Some(&last));
    let (_, data) = stream.next();
    assert_eq!(
        data["resumed"], false,
        "what was missed is forgotten, and that is said"
    );
}

#[test]
fn a_quiet_stream_has_a_heartbeat_and_ends_with_the_server() {
    let mut fixture = Fixture::new("{\"a\": []}", None, |options| {
        options.http.heartbeat = Duration::from_millis(5);
    });
    let mut stream = follow(&fixture, "/-/events");
    while !stream.text.contains(": still here\n\n") {
        stream.chunk().unwrap();
    }
    let mut quiet = follow(&fixture, "/-/events");
    fixture.stop();
    while stream.chunk().is_some() {}
    assert!(quiet.try_next().is_none());
}

#[test]
fn a_reader_that_does_not_read_is_dropped() {
    let fixture = Fixture::new("{\"a\": {\"text\": \"\"}}", None, |options| {
        options.saving = standin::Saving::Memory;
        options.limits.write_time = Duration::from_millis(100);
        options.limits.header_time = 10 * DEADLINE;
        options.limits.connections = 2;
    });
    let mut stream = follow(&fixture, "/-/events");
    let mut client = fixture.client();
    let text = "x".repeat(500_000);
    // The system's buffers hold some megabytes; after that, writes wait for the reader.
    for number in 0..60 {
        let reply = client.send(
            "PATCH",
            "/a",
            JSON,
            format!("{{\"text\": \"{number}{text}\"}}"),
        );
        assert_eq!(reply.status, 200);
    }
    // The limit is two connections, so this one is answered after the reader's has been closed.
    fixture.get("/-/health").status_is(200);
    while stream.chunk().is_some() {}
    assert!(
        !stream.text.contains("\"text\":\"59x"),
        "the last event cannot have come"
    );
}

#[test]
fn a_stream_outlives_the_time_in_which_an_idle_connection_is_ended() {
    let fixture = Fixture::new("{\"a\": []}", None, |options| {
        options.limits.header_time = Duration::from_millis(40)
    });
    let mut stream = Stream::open(fixture.address(), "/-/events", None);
    // Three idle connections, one after the other, each live as long as the limit allows.
    for _ in 0..3 {
        let mut idle = TcpStream::connect(fixture.address()).unwrap();
        idle.set_read_timeout(Some(DEADLINE)).unwrap();
        assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0, "ended by the server");
    }
    fixture.json("POST", "/a", "{}").status_is(201);
    while stream.next().0 != "create" {}
}
