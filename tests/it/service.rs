//! `standin check --server`: TLS with a self-signed certificate, a service that is slow, and redirects.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

const DATA: &str = r#"{ "users": [ { "id": 1, "name": "Ada" } ] }"#;

/// A certificate for localhost that nobody else has signed; it is valid for 100 years.
fn self_signed() -> Arc<ServerConfig> {
    let certificate = CertificateDer::from(include_bytes!("tls/cert.der").as_slice());
    let key = PrivateKeyDer::try_from(include_bytes!("tls/key.der").as_slice()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}

/// A service for as long as the test runs.
fn serve(tls: Option<Arc<ServerConfig>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let tls = tls.clone();
            // A client may disconnect in the middle.
            std::thread::spawn(move || match tls {
                Some(tls) => {
                    let connection = ServerConnection::new(tls).unwrap();
                    let _ = answer(StreamOwned::new(connection, stream));
                }
                None => drop(answer::<TcpStream>(stream)),
            });
        }
    });
    address
}

fn answer<S: Read + Write>(mut stream: S) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let (head, body) = match request.split(' ').nth(1).unwrap_or_default() {
        "/users/1" if request.contains("Bearer secret") => {
            ("200 OK", "{\"id\": 1, \"name\": \"Ada\"}")
        }
        "/users/1" => ("401 Unauthorized", "{}"),
        "/moved" => ("302 Found\r\nlocation: /users/1", ""),
        "/slow" => {
            // Until the client gives up.
            stream.read_exact(&mut [0])?;
            return Ok(());
        }
        _ => ("404 Not Found", "{}"),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {head}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )?;
    if !request.starts_with("HEAD") {
        stream.write_all(body.as_bytes())?;
    }
    stream.flush()
}

fn check(folder: &Path, server: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_standin"))
        .args(["check", "page.md", "--server", server])
        .args(["--header", "Authorization: Bearer secret"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn folder(path: &str, response: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let page = format!("```sh\ncurl localhost:3000{path}\n```\n\n```json\n{response}\n```\n");
    std::fs::write(folder.path().join("db.json"), DATA).unwrap();
    std::fs::write(folder.path().join("page.md"), page).unwrap();
    folder
}

#[test]
fn a_self_signed_certificate_is_accepted_when_asked() {
    let server = format!("https://localhost:{}", serve(Some(self_signed())).port());
    let folder = folder("/users/1", "{\"id\": 1, \"name\": \"Ada\"}");
    let output = check(folder.path(), &server, &[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let text = said(&output).to_lowercase();
    assert!(
        text.contains("certificate") && text.contains("--insecure"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
    let output = check(folder.path(), &server, &["--insecure"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn a_slow_service_ends_in_a_timeout() {
    let server = format!("http://{}", serve(None));
    let folder = folder("/slow", "{}");
    let output = check(folder.path(), &server, &["--timeout", "1"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("timeout"), "{}", said(&output));
}

#[test]
fn redirects_are_reported_and_not_followed() {
    let server = format!("http://{}", serve(None));
    let folder = folder("/moved", "{\"id\": 1, \"name\": \"Ada\"}");
    let output = check(folder.path(), &server, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("returns 302 and redirects to /users/1"),
        "{}",
        said(&output)
    );
}
