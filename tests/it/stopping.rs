//! Stopping the program: in a terminal, by signals, from Node and npm, as a job of a shell; with any input, and with
//! requests in progress.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pty_process::blocking::Command as TerminalCommand;
use tempfile::TempDir;

use crate::process::Process;
use crate::support::*;
use crate::terminal::Terminal;

const STANDIN: &str = env!("CARGO_BIN_EXE_standin");

/// How long a process may take to end after its grace period, on a busy machine.
const SLACK: Duration = Duration::from_secs(3);

/// Gives a command another input.
type Adjust = fn(&mut Command);

fn folder(data: &str) -> TempDir {
    folder_with(&[("db.json", data)])
}

/// Makes `words`, a program and its first arguments, run the command.
fn run_by(command: &mut Command, words: &[&str]) {
    let mut other = Command::new(words[0]);
    other
        .args(&words[1..])
        .arg(STANDIN)
        .args(command.get_args());
    other.current_dir(command.get_current_dir().unwrap());
    other.stdout(Stdio::piped());
    *command = other;
}

fn post(mut client: Client) {
    client.send("POST", "/a", JSON, "{}").status_is(201);
}

fn in_terminal(folder: &Path, arguments: &[&str]) -> Terminal {
    let command = TerminalCommand::new(STANDIN)
        .arg("db.json")
        .args(["--port", "0"])
        .args(arguments);
    Terminal::start(command.current_dir(folder))
}

fn saved(folder: &Path, resource: &str) -> usize {
    let data: serde_json::Value = read_json(&folder.join("db.json"));
    data[resource].as_array().unwrap().len()
}

fn journal_is_gone(folder: &Path) {
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
}

fn snapshots(folder: &Path) -> usize {
    let names = names_in(folder).into_iter();
    names.filter(|name| name.starts_with("db-")).count()
}

/// Whether `program` is installed; prints that the test is skipped if not.
fn is_installed(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        println!("skipped: there is no {program} on this machine");
    }
    found
}

fn nobody_listens(port: u16) {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    until("the port is closed", || {
        TcpStream::connect(address).is_err().then_some(())
    });
}

#[test]
fn ctrl_c_in_a_terminal_ends_it() {
    let folder = folder("{\"a\": []}");
    for arguments in [&[][..], &["--journal-above", "0"]] {
        let mut terminal = in_terminal(folder.path(), arguments);
        let mut client = terminal.client();
        client.send("POST", "/a", JSON, "{}").status_is(201);
        // Ctrl+C discards what is on its way through the terminal (NOFLSH).
        terminal.shows("POST /a 201");
        terminal.type_in("\x03");
        assert_eq!(terminal.ended().code(), Some(0));
    }
    assert_eq!(saved(folder.path(), "a"), 2);
    journal_is_gone(folder.path());
}

#[test]
fn every_signal_stops_it_gracefully_whatever_its_input_is() {
    for signal in ["INT", "TERM", "HUP"] {
        let folder = folder("{\"a\": []}");
        let file = folder.path().join("db.json");
        let inputs: [(&str, Adjust); 3] = [
            ("an open pipe", |command| _ = command.stdin(Stdio::piped())),
            ("nothing", |command| _ = command.stdin(Stdio::null())),
            ("closed", |command| {
                run_by(command, &["sh", "-c", "exec \"$0\" \"$@\" <&-"]);
            }),
        ];
        for (number, (input, adjust)) in inputs.into_iter().enumerate() {
            let mut process = Process::serve_as(&file, &[], adjust);
            post(Client::connect(process.address));
            process.signal(signal);
            assert_eq!(
                process.ended().0.code(),
                Some(0),
                "SIG{signal}, input: {input}"
            );
            assert_eq!(saved(folder.path(), "a"), number + 1);
        }
        let mut terminal = in_terminal(folder.path(), &[]);
        post(terminal.client());
        kill(terminal.child.id(), signal);
        assert_eq!(
            terminal.ended().code(),
            Some(0),
            "SIG{signal}, in a terminal"
        );
        assert_eq!(saved(folder.path(), "a"), 4);
    }
}

fn kill(id: u32, signal: &str) {
    assert!(
        Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(id.to_string())
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn a_closed_terminal_stops_it_gracefully() {
    let folder = folder("{\"a\": []}");
    let mut terminal = in_terminal(folder.path(), &["--journal-above", "0"]);
    post(terminal.client());
    terminal.close();
    assert_eq!(terminal.ended().code(), Some(0));
    assert_eq!(saved(folder.path(), "a"), 1);
    journal_is_gone(folder.path());
}

#[test]
fn under_nohup_it_outlives_its_terminal() {
    if !is_installed("nohup") {
        return;
    }
    let folder = folder("{\"a\": []}");
    let mut process = Process::serve_as(&folder.path().join("db.json"), &[], |command| {
        run_by(command, &["nohup"]);
        command.stdin(Stdio::piped());
    });
    process.signal("HUP");
    post(Client::connect(process.address));
    process.signal("TERM");
    assert_eq!(process.ended().0.code(), Some(0));
}

#[test]
fn the_key_s_saves_a_snapshot_in_a_terminal() {
    let folder = folder("{\"a\": [{\"id\": 1}]}");
    let mut terminal = in_terminal(folder.path(), &[]);
    terminal.port();
    terminal.type_in("nothing\ns\n");
    terminal.shows("saved a snapshot");
    assert_eq!(snapshots(folder.path()), 1);
    terminal.type_in("\x03");
    assert_eq!(terminal.ended().code(), Some(0));
}

#[test]
fn a_terminal_gets_colours_unless_they_are_not_wanted() {
    let folder = folder("{\"a\": []}");
    let start = |variables: &[(&str, &str)]| {
        let command = TerminalCommand::new(STANDIN)
            .args(["db.json", "--port", "0"])
            .current_dir(folder.path());
        // With `CI` set, even a dumb terminal would get colours.
        Terminal::start(command.env_remove("CI").envs(variables.iter().copied()))
    };
    let mut terminal = start(&[("TERM", "xterm")]);
    let mut client = terminal.client();
    for (method, path, status, colour) in [
        ("GET", "/a", 200, 32),
        ("GET", "/none", 404, 33),
        ("POST", "/a", 201, 32),
    ] {
        assert_eq!(
            client.send(method, path, NONE, "").status,
            status,
            "{method} {path}"
        );
        terminal.shows(&format!("{method} {path} {status} "));
        let raw = terminal.raw();
        has(
            &raw,
            format!("{method} {path} \u{1b}[{colour}m{status}\u{1b}[0m "),
        );
    }
    drop(terminal);
    for variables in [
        [("TERM", "xterm"), ("NO_COLOR", "1")],
        [("TERM", "dumb"), ("LANG", "C")],
    ] {
        let mut terminal = start(&variables);
        terminal.client().get("/a");
        terminal.shows("GET /a 200 ");
        assert!(!terminal.raw().contains('\u{1b}'), "{:?}", terminal.raw());
    }
}

/// Something that delays a stop: gets the server's address and returns what must stay alive.
type Hold = fn(SocketAddr) -> Client;

const IN_PROGRESS: [(&str, Hold); 5] = [
    ("half of the headers", |address| {
        let mut client = Client::connect(address);
        client.write("GET /a HTTP/1.1\r\nHost: localhost\r\n");
        client
    }),
    ("half of a body", |address| {
        let mut client = Client::connect(address);
        client.write(
            "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
        );
        client
    }),
    ("a stream of events", |address| {
        let mut client = Client::connect(address);
        client.write("GET /-/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
        client
    }),
    ("a slow response", |address| {
        let mut client = Client::connect(address);
        client.write("GET /a?_delay=60000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
        client
    }),
    ("an idle connection", Client::connect),
];

#[test]
fn it_ends_within_the_grace_period_whatever_is_in_progress() {
    let folder = folder("{\"a\": []}");
    let file = folder.path().join("db.json");
    for (what, hold) in IN_PROGRESS {
        let mut process = Process::serve(&file, &["--grace", "300"]);
        let held = hold(process.address);
        // A response on another connection shows that the request has arrived.
        Client::connect(process.address).get("/a").status_is(200);
        let start = Instant::now();
        process.signal("TERM");
        let (status, end) = process.ended();
        assert_eq!(status.code(), Some(0), "{what}");
        assert!(end - start < SLACK, "{what}: {:?}", end - start);
        drop(held);
    }
}

#[test]
fn it_folds_the_journal_even_if_a_client_uses_up_the_grace_period() {
    let folder = folder("{\"a\": []}");
    let mut process = Process::serve(
        &folder.path().join("db.json"),
        &["--grace", "300", "--journal-above", "0"],
    );
    let held = IN_PROGRESS[1].1(process.address);
    post(Client::connect(process.address));
    process.signal("TERM");
    assert_eq!(process.ended().0.code(), Some(0));
    assert_eq!(saved(folder.path(), "a"), 1);
    journal_is_gone(folder.path());
    drop(held);
}

#[test]
fn it_ends_while_the_writer_is_busy() {
    // Each level is checked twice, so the time for deep records is exponential.
    let folder = folder("{\"a\": []}");
    let rules = r##"{"properties": {"a": {"items": {"$ref": "#/$defs/t"}}}, "$defs": {"t": {"oneOf": [
        {"properties": {"c": {"$ref": "#/$defs/t"}, "x": {"const": 1}}},
        {"properties": {"c": {"$ref": "#/$defs/t"}, "x": {"const": 2}}},
        {"properties": {"c": {"$ref": "#/$defs/t"}, "x": {"const": 3}}}]}}}"##;
    std::fs::write(folder.path().join("db.schema.json"), rules).unwrap();
    let mut process = Process::serve(&folder.path().join("db.json"), &["--grace", "300"]);
    let mut client = Client::connect(process.address);
    let depth = 40;
    let body = format!(
        "{}{{}}{}",
        "{\"x\": 4, \"c\": ".repeat(depth),
        "}".repeat(depth)
    );
    client.write(format!(
        "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    Client::connect(process.address).get("/a").status_is(200);
    let start = Instant::now();
    process.signal("TERM");
    let (status, end) = process.ended();
    assert_eq!(status.code(), Some(0));
    assert!(end - start < SLACK, "{:?}", end - start);
}

#[test]
fn it_ends_while_nobody_reads_its_log() {
    let folder = folder("{\"a\": []}");
    let mut command = Command::new(STANDIN);
    command
        .args(["db.json", "--host", "127.0.0.1", "--port", "0"])
        .current_dir(folder.path());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::with_capacity(64, child.stdout.take().unwrap());
    let mut address = None;
    while address.is_none() {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0);
        address = line
            .trim_end_matches(['/', '\n'])
            .split_once("Home")
            .map(|(_, url)| url.rsplit('/').next().unwrap().trim().parse().unwrap());
    }
    let mut client = Client::connect(address.unwrap());
    // A pipe buffers 64 KB by default.
    let path = format!("/a?x={}", "y".repeat(1000));
    for _ in 0..200 {
        client.get(&path).status_is(200);
    }
    kill(child.id(), "TERM");
    let status = until("it ends", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
    drop(lines);
}

#[test]
fn it_keeps_serving_when_the_reader_of_its_log_ends() {
    let folder = folder("{\"a\": []}");
    let port = free_port();
    let line = format!("\"$0\" db.json --host 127.0.0.1 --port {port} | head -n 1");
    let mut shell = Command::new("sh")
        .args(["-c", &line, STANDIN])
        .current_dir(folder.path())
        .process_group(0)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    until("it serves", || TcpStream::connect(address).ok());
    for _ in 0..3 {
        post(Client::connect(address));
    }
    // As Ctrl+C does: the signal goes to the whole group.
    kill_group(shell.id());
    until("the pipeline ends", || shell.try_wait().unwrap());
    nobody_listens(port);
    assert_eq!(saved(folder.path(), "a"), 3);
}

fn kill_group(leader: u32) {
    let leader = rustix::process::Pid::from_raw(i32::try_from(leader).unwrap()).unwrap();
    rustix::process::kill_process_group(leader, rustix::process::Signal::INT).unwrap();
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = folder("{\"a\": []}");
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let mut process = Process::serve(&folder.path().join("db.json"), &["--grace", "60000"]);
        let held = IN_PROGRESS[0].1(process.address);
        Client::connect(process.address).get("/a").status_is(200);
        process.signal(signal);
        nobody_listens(process.address.port());
        process.signal(signal);
        assert_eq!(process.ended().0.code(), Some(code), "SIG{signal}");
        drop(held);
    }
}

#[test]
fn a_background_job_of_a_shell_serves_on_and_comes_back_to_the_foreground() {
    if !is_installed("bash") {
        return;
    }
    let folder = folder("{\"a\": []}");
    let log = folder.path().join("log");
    let shell = TerminalCommand::new("bash")
        .args(["--norc", "--noprofile", "-i"])
        .env("PS1", "> ");
    let mut terminal = Terminal::start(shell.env("STANDIN", STANDIN).current_dir(folder.path()));
    terminal.type_in("\"$STANDIN\" db.json --host 127.0.0.1 --port 0 > log 2>&1 &\n");
    let address: SocketAddr = until("it serves", || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let (_, url) = text
            .lines()
            .find_map(|line| line.split_once("http://127"))?;
        format!("127{}", url.split('/').next()?).parse().ok()
    });
    // The shell reads what is typed; the job in the background must not.
    terminal.type_in("echo one$((1 + 1))\n");
    terminal.shows("one2");
    terminal.type_in("jobs\n");
    terminal.shows("Running");
    post(Client::connect(address));
    assert_eq!(snapshots(folder.path()), 0);
    // Into the foreground, out of it and back.
    terminal.type_in("fg\n");
    terminal.type_in("s\n");
    until("the snapshot", || {
        (snapshots(folder.path()) == 1).then_some(())
    });
    terminal.type_in("\x1a");
    terminal.shows("Stopped");
    terminal.type_in("bg\n");
    terminal.type_in("echo two$((1 + 1))\n");
    terminal.shows("two2");
    post(Client::connect(address));
    // The line is read before Ctrl+C: the server might read what is typed while it stops.
    terminal.type_in("fg; echo code$?\n");
    terminal.type_in("s\n");
    until("another snapshot", || {
        (snapshots(folder.path()) == 2).then_some(())
    });
    terminal.type_in("\x03");
    nobody_listens(address.port());
    terminal.shows("code0");
    terminal.type_in("exit\n");
    terminal.ended();
}

#[test]
fn node_spawns_it_and_kills_it() {
    if !is_installed("node") {
        return;
    }
    let script = r#"
        const { spawn } = require("node:child_process");
        const [standin, signal] = process.argv.slice(1);
        const child = spawn(standin, ["db.json", "--host", "127.0.0.1", "--port", "0"]);
        let log = "";
        child.stdout.on("data", async (data) => {
          log += data;
          const base = /Home +(http:\S+)\//.exec(log)?.[1];
          if (!base || child.killed) return;
          child.stdout.removeAllListeners("data").resume();
          const made = await fetch(`${base}/a`, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
          if (made.status !== 201) throw new Error(`status ${made.status}`);
          child.kill(signal);
        });
        child.on("exit", (code, by) => { console.log(`ended ${code} ${by}`); });
    "#;
    for (number, signal) in ["SIGTERM", "SIGINT", "SIGHUP"].into_iter().enumerate() {
        let folder = folder("{\"a\": []}");
        let mut node = Command::new("node");
        node.args(["-e", script, STANDIN, signal])
            .current_dir(folder.path());
        let mut node = node
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let status = until("node ends, since its child has ended", || {
            node.try_wait().unwrap()
        });
        let mut said = String::new();
        node.stdout
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert!(status.success(), "{said}");
        assert_eq!(said, "ended 0 null\n", "{number}: {signal}");
        assert_eq!(saved(folder.path(), "a"), 1);
    }
}

#[test]
fn npm_start_ends_with_it() {
    if !is_installed("npm") {
        return;
    }
    let folder = folder("{\"a\": []}");
    let package = format!("{{\"scripts\": {{\"start\": \"{STANDIN} db.json --port 0\"}}}}");
    std::fs::write(folder.path().join("package.json"), package).unwrap();
    let npm = || {
        TerminalCommand::new("npm")
            .arg("start")
            .env("NO_UPDATE_NOTIFIER", "1")
            .current_dir(folder.path())
    };
    // Ctrl+C goes to npm and standin, and npm forwards it, too.
    let mut terminal = Terminal::start(npm());
    let port = terminal.port();
    post(terminal.client());
    terminal.type_in("\x03");
    terminal.ended();
    nobody_listens(port);
    // From a script or a container: a signal to npm alone, with a pipe as input.
    let mut terminal = Terminal::start(npm().stdin(Stdio::piped()));
    let port = terminal.port();
    post(terminal.client());
    kill(terminal.child.id(), "TERM");
    terminal.ended();
    nobody_listens(port);
    assert_eq!(saved(folder.path(), "a"), 2);
}
