//! The servers that are measured, each in a separate process.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Outcome;

/// A kind of server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Standin,
    JsonServer,
    Mocks,
}

/// A server's program.
#[derive(Clone)]
pub struct Program {
    pub name: String,
    pub kind: Kind,
    pub path: PathBuf,
}

/// A server that runs; dropping it ends it.
pub struct Running {
    pub address: SocketAddr,
    pub start: Duration,
    child: Child,
}

impl Program {
    /// The programs on the search path, and a note on each that is missing.
    pub fn found(wanted: Vec<(String, PathBuf)>) -> (Vec<Program>, Vec<String>) {
        let (mut programs, mut missing) = (Vec::new(), Vec::new());
        let mut given = wanted;
        for name in ["json-server", "mocks"] {
            if !given.iter().any(|(known, _)| known == name) {
                match on_path(name) {
                    Some(path) => given.push((name.into(), path)),
                    None => missing.push(format!("{name} (give its path with --{name} PATH)")),
                }
            }
        }
        for (name, path) in given {
            let kind = match name.as_str() {
                "json-server" => Kind::JsonServer,
                "mocks" => Kind::Mocks,
                _ => Kind::Standin,
            };
            let version = if kind == Kind::Standin {
                String::new()
            } else {
                version(&path)
            };
            programs.push(Program {
                name: format!("{name} {version}").trim().to_string(),
                kind,
                path,
            });
        }
        (programs, missing)
    }

    /// Starts the program on `file` and waits until it responds.
    pub fn start(&self, file: &Path) -> Outcome<Running> {
        let address = free_address()?;
        let port = address.port().to_string();
        let mut command = Command::new(&self.path);
        match self.kind {
            Kind::Standin => {
                command
                    .arg(file)
                    .args(["--port", &port, "--host", "127.0.0.1", "--quiet"])
            }
            Kind::JsonServer if self.name.contains(" 0.") => {
                command
                    .arg(file)
                    .args(["--port", &port, "--host", "127.0.0.1", "--quiet"])
            }
            Kind::JsonServer => command
                .arg(file)
                .args(["--port", &port, "--host", "127.0.0.1"]),
            Kind::Mocks => command
                .arg("run")
                .args(["--port", &port, "--host", "127.0.0.1"])
                .arg(file),
        };
        Running::start(command, address, "/users/1")
    }
}

impl Running {
    /// The bare route that answers with what `file` holds, to a POST when it has saved `saved`.
    pub fn bare(file: &Path, saved: Option<&Path>) -> Outcome<Running> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("--serve-bare")
            .arg(address.to_string())
            .arg(file)
            .args(saved);
        Running::start(command, address, "/users")
    }

    fn start(mut command: Command, address: SocketAddr, path: &str) -> Outcome<Running> {
        let started = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut running = Running {
            address,
            start: Duration::ZERO,
            child,
        };
        loop {
            // A 404 counts as a response as well.
            let answers = |answer: Vec<u8>| {
                [b" 200", b" 404"]
                    .iter()
                    .any(|status| answer[8.min(answer.len())..].starts_with(*status))
            };
            if ask(address, path).is_ok_and(answers) {
                running.start = started.elapsed();
                return Ok(running);
            }
            if let Some(status) = running.child.try_wait()? {
                return Err(format!("the server ended with {status} at its start").into());
            }
            if started.elapsed() > Duration::from_secs(120) {
                return Err("the server has not answered within two minutes of its start".into());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Processor time so far in seconds, in user and in kernel mode, if the system reports it.
    pub fn processor(&self) -> Option<[f64; 2]> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<f64>().ok();
        // Linux counts a hundred ticks a second on every machine.
        Some([ticks()? / 100.0, ticks()? / 100.0])
    }

    /// Resident memory in bytes, if the system reports it.
    pub fn memory(&self) -> Option<usize> {
        // The figure in `status` is an estimate.
        let sums =
            std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id())).ok()?;
        let line = sums.lines().find(|line| line.starts_with("Rss:"))?;
        line.split_ascii_whitespace()
            .nth(1)?
            .parse::<usize>()
            .ok()
            .map(|kilobytes| kilobytes * 1024)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The response to one GET on a new connection.
pub fn ask(address: SocketAddr, path: &str) -> Outcome<Vec<u8>> {
    tell(address, "GET", path)
}

/// The response to one request without a body on a new connection.
pub fn tell(address: SocketAddr, method: &str, path: &str) -> Outcome<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
            .as_bytes(),
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn version(path: &Path) -> String {
    let output = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    let text = output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    text.split_ascii_whitespace()
        .last()
        .unwrap_or("")
        .to_string()
}
