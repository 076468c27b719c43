//! Load: many connections, short ones, and clients that never read.
#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::process::Process;
use crate::support::*;

/// Two hundred records, so that the whole list has some 20 KB.
fn data() -> String {
    let rows: Vec<String> = (1..=200)
        .map(|id| format!("{{\"id\": {id}, \"text\": \"{}\"}}", "x".repeat(80)))
        .collect();
    format!("{{\"a\": [{}]}}", rows.join(", "))
}

fn served(arguments: &[&str]) -> (tempfile::TempDir, Process) {
    let folder = folder_with(&[("db.json", data())]);
    let file = folder.path().join("db.json");
    let process = Process::serve(&file, arguments);
    (folder, process)
}

fn record(id: usize) -> String {
    format!(
        "{{\n  \"id\": {id},\n  \"text\": \"{}\"\n}}",
        "x".repeat(80)
    )
}

/// Raises the limit of open files of this process: each connection is one.
fn many_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// The private memory of the process in kilobytes.
pub fn memory(process: &Process) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_thousand_open_connections_are_all_answered() {
    const CONNECTIONS: usize = 1024;
    many_files();
    // The program has to raise its own limit.
    let folder = folder_with(&[("db.json", data())]);
    let file = folder.path().join("db.json");
    let process = Process::serve_as(&file, &[], |command| {
        let mut limited = std::process::Command::new("sh");
        limited
            .args(["-c", "ulimit -S -n 256; exec \"$@\"", "sh"])
            .arg(command.get_program())
            .args(command.get_args());
        limited
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        *command = limited;
    });
    let mut clients: Vec<Client> = (0..CONNECTIONS)
        .map(|_| Client::connect(process.address))
        .collect();
    for round in 0..4 {
        for (number, client) in clients.iter_mut().enumerate() {
            let id = (number * 7 + round) % 200 + 1;
            client.write(format!("GET /a/{id} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        }
        for (number, client) in clients.iter_mut().enumerate() {
            let reply = client.reply("GET");
            assert_eq!(
                (reply.status, reply.text()),
                (200, record((number * 7 + round) % 200 + 1).as_str())
            );
        }
    }
    assert!(
        memory(&process) < 64 * 1024,
        "{} KB for {CONNECTIONS} connections",
        memory(&process)
    );
}

fn ask_once(address: SocketAddr, id: usize) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /a/{id} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_string())
        .unwrap_or_default()
}

#[test]
fn ten_thousand_closed_connections_leave_nothing_behind() {
    let (_folder, process) = served(&[]);
    let address = process.address;
    let all = |count: usize| {
        std::thread::scope(|scope| {
            for thread in 0..8 {
                scope.spawn(move || {
                    for number in 0..count / 8 {
                        let id = (number + thread) % 200 + 1;
                        assert_eq!(ask_once(address, id), record(id));
                    }
                });
            }
        });
    };
    all(1000);
    let before = memory(&process);
    all(9000);
    let files = || {
        std::fs::read_dir(format!("/proc/{}/fd", process.child.id()))
            .unwrap()
            .count()
    };
    until("the connections are closed", || {
        (files() < 64).then_some(())
    });
    assert!(
        memory(&process) < before + 8 * 1024,
        "from {before} to {} KB",
        memory(&process)
    );
}

#[test]
fn clients_that_never_read_cost_little_and_delay_nobody() {
    let (_folder, process) = served(&["--write-time", "2"]);
    let mut others = Client::connect(process.address);
    others.get("/a/1").status_is(200);
    let before = memory(&process);
    let deaf: Vec<TcpStream> = (0..32)
        .map(|_| {
            let mut stream = TcpStream::connect(process.address).unwrap();
            stream
                .set_write_timeout(Some(Duration::from_millis(200)))
                .unwrap();
            // Twenty megabytes of responses; requests that the server no longer reads stay in our buffer.
            let _ = stream.write_all(
                "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    .repeat(1000)
                    .as_bytes(),
            );
            stream
        })
        .collect();
    let start = Instant::now();
    for number in 0..500 {
        let reply = others.get(&format!("/a/{}", number % 200 + 1));
        assert_eq!(
            (reply.status, reply.text()),
            (200, record(number % 200 + 1).as_str())
        );
    }
    assert!(start.elapsed() < DEADLINE);
    assert!(
        memory(&process) < before + 32 * 1024,
        "from {before} to {} KB",
        memory(&process)
    );
    // In the end they are disconnected.
    for mut stream in deaf {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        until("the connection ends", || {
            let sent = stream.write(b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n");
            sent.is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock)
                .then_some(())
        });
    }
}

#[test]
fn idle_clients_leave_descriptors_for_saves_and_for_others() {
    let folder = folder_with(&[("db.json", data())]);
    let file = folder.path().join("db.json");
    let process = Process::serve_as(&file, &[], |command| limit_by(command, "ulimit -n 40"));
    let idle: Vec<TcpStream> = (0..30)
        .map(|_| TcpStream::connect(process.address).unwrap())
        .collect();
    // Each sends its request at once: a silent one would be closed as idle while others wait.
    let waiting: Vec<Client> = (0..30)
        .map(|_| {
            let mut client = Client::connect(process.address);
            client.write("POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
            client
        })
        .collect();
    let mut answered: Vec<Client> = Vec::new();
    for mut client in waiting {
        assert_eq!(client.reply("POST").status, 201);
        answered.push(client);
    }
    // Those that stay open make room for others, too.
    let start = Instant::now();
    for id in 201..231 {
        let mut client = Client::connect(process.address);
        client.get(&format!("/a/{id}")).status_is(200);
        client.delete(&format!("/a/{id}")).status_is(200);
    }
    assert!(start.elapsed() < DEADLINE);
    drop((idle, answered));
}

/// Runs `command` by a shell after `limit`.
fn limit_by(command: &mut std::process::Command, limit: &str) {
    let mut limited = std::process::Command::new("sh");
    limited
        .args(["-c", &format!("{limit}; exec \"$@\""), "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    *command = limited;
}

#[test]
fn without_threads_the_program_ends_with_a_message() {
    use std::os::unix::process::CommandExt;

    // Root has no limit on processes.
    const NOBODY: u32 = 65534;
    let folder = folder_with(&[("db.json", "{\"a\": [{\"id\": 1}]}")]);
    let file = folder.path().join("db.json");
    let program = env!("CARGO_BIN_EXE_standin");
    let start = |limit: usize, arguments: &[&str]| {
        let mut command = std::process::Command::new("sh");
        command
            .args([
                "-c",
                &format!("ulimit -u {limit}; exec \"$@\""),
                "sh",
                program,
            ])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if rustix::process::getuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.spawn().unwrap()
    };
    if !start(1000, &["--version"]).wait().unwrap().success() {
        println!("skipped: another user cannot run the program here");
        return;
    }
    std::fs::set_permissions(
        folder.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o777),
    )
    .unwrap();
    for limit in 1..12 {
        let port = free_port();
        let port_text = port.to_string();
        let path = file.to_str().unwrap();
        let mut child = start(
            limit,
            &[
                path,
                "--ephemeral",
                "--host",
                "127.0.0.1",
                "--port",
                &port_text,
            ],
        );
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let ended = until("it serves or ends", || {
            if let Some(status) = child.try_wait().unwrap() {
                return Some(Some(status));
            }
            let stream = TcpStream::connect(address).ok()?;
            stream
                .set_read_timeout(Some(Duration::from_millis(200)))
                .unwrap();
            (&stream)
                .write_all(b"GET /a/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .ok()?;
            let mut start = [0; 15];
            (&stream).read_exact(&mut start).ok()?;
            (&start == b"HTTP/1.1 200 OK").then_some(None)
        });
        if let Some(status) = ended {
            let mut errors = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut errors)
                .unwrap();
            assert_eq!(status.code(), Some(2), "{limit}: {errors}");
            assert!(!errors.contains("panicked"), "{limit}: {errors}");
        } else {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}
