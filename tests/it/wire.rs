//! A minimal HTTP client that hides nothing, and the program in a terminal, for the conformance cases.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};

use serde_json::Value;

use crate::support::{DEADLINE, until};

/// A response as received.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    /// In the order of arrival, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// All values of a header, joined.
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self
            .headers
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The media type without its parameters.
    pub fn media_type(&self) -> String {
        self.header("content-type")
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
            .to_string()
    }

    /// The body as JSON, if its media type says so.
    pub fn json(&self) -> Option<Value> {
        self.media_type()
            .contains("json")
            .then(|| serde_json::from_slice(&self.body).ok())
            .flatten()
    }
}

/// Sends one request on a new connection.
pub fn send(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: Option<&[u8]>,
) -> Response {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut request =
        format!("{method} {target} HTTP/1.1\r\nHost: localhost:3000\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(body) = body {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    // A server that has refused a body need not receive the rest of it.
    let _ = stream.write_all(body.unwrap_or(&[]));
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    assert!(
        read.is_ok() || !bytes.is_empty(),
        "{method} {target}: {read:?}"
    );
    parse(&bytes).unwrap_or_else(|| {
        panic!(
            "{method} {target}: not a response: {}",
            String::from_utf8_lossy(&bytes)
        )
    })
}

fn parse(bytes: &[u8]) -> Option<Response> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_string()))
        .collect();
    let mut response = Response {
        status,
        headers,
        body: bytes[end + 4..].to_vec(),
    };
    assert_eq!(
        response.header("transfer-encoding"),
        None,
        "bodies have a known length"
    );
    if response.header("content-encoding").as_deref() == Some("gzip") && !response.body.is_empty() {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&response.body[..])
            .read_to_end(&mut plain)
            .ok()?;
        response.body = plain;
    }
    Some(response)
}

/// The program, started in a folder. Dropping it ends it.
pub struct Program {
    child: Child,
    address: Option<SocketAddr>,
    /// The terminal that it reads.
    input: pty_process::blocking::Pty,
}

impl Program {
    /// Starts the program in `folder` on a free port and waits until it prints its address, or ends. With `--quiet` it
    /// prints nothing, and is polled instead.
    pub fn start(folder: &Path, arguments: &[String]) -> Program {
        let quiet = arguments
            .iter()
            .any(|argument| argument == "--quiet" || argument == "-q");
        let chosen = if quiet {
            crate::support::free_port()
        } else {
            0
        };
        let (input, terminal) = pty_process::blocking::open().unwrap();
        let command = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_standin"));
        let command = command
            .current_dir(folder)
            .args(arguments)
            .args(["--port", &chosen.to_string()])
            .env_remove("PORT");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn(terminal)
            .unwrap();
        let (output, errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (found, results) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            // To the end, so that the program never blocks on its output.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(url) = line.trim().strip_prefix("Home") {
                    let port = url
                        .trim()
                        .trim_end_matches('/')
                        .rsplit(':')
                        .next()
                        .and_then(|port| port.parse().ok());
                    let _ = found.send(port);
                }
            }
            let _ = found.send(None);
        });
        std::thread::spawn(move || {
            std::io::copy(&mut BufReader::new(errors), &mut std::io::sink())
        });
        let port: Option<u16> = if quiet {
            let address = SocketAddr::from(([127, 0, 0, 1], chosen));
            until("a quiet server answers", || {
                TcpStream::connect(address).ok()
            });
            Some(chosen)
        } else {
            results.recv_timeout(DEADLINE).unwrap_or_default()
        };
        Program {
            child,
            address: port.map(|port| SocketAddr::from(([127, 0, 0, 1], port))),
            input,
        }
    }

    /// Its address; `None` if it has ended.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Its exit status.
    pub fn end(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Types something into its terminal.
    pub fn write(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
