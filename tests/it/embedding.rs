//! The embedded server: from JSON, in blocking and in async code.

use std::error::Error;
use std::net::SocketAddr;

use serde_json::{Value, json};
use standin::{Durability, Listeners, Options, Sandbox, Saving, Server, StartError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::*;

/// One request from async code; the body of the response.
async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    response.split_once("\r\n\r\n").unwrap().1.to_string()
}

/// Starts, uses and drops servers and sandboxes within a runtime.
async fn everything() {
    let server = Server::from_json(json!({"users": [{"id": 1, "name": "Ada"}]})).unwrap();
    let user: Value = serde_json::from_str(&get(server.addresses()[0], "/users/1").await).unwrap();
    assert_eq!(user, json!({"id": 1, "name": "Ada"}));
    // A connection that is left open does not keep the server from stopping.
    let _open = TcpStream::connect(server.addresses()[0]).await.unwrap();

    let mut options = Options::from_json(json!({}));
    options.port = server.port();
    let taken = Server::start(&options, Listeners::default()).map(|_| ());
    assert!(
        matches!(taken, Err(StartError::Address { .. })),
        "{taken:?}"
    );
    options.host = "no.such.host.invalid".into();
    assert!(Server::start(&options, Listeners::default()).is_err());

    let sandbox = Sandbox::open(&Options::from_json(json!({"users": [{"id": 7}]}))).unwrap();
    let response = sandbox
        .call("GET", "/users/7?_delay=1", &[], Vec::new())
        .unwrap();
    assert_eq!(response.status(), 200);
    drop(sandbox);

    let folder = folder_with(&[("db.json", "{\"a\": []}")]);
    let file = folder.path().join("db.json");
    let mut options = Options::new(&file);
    options.port = 0;
    let with_file = Server::start(&options, Listeners::default()).unwrap();
    with_file.stop();

    let port = server.port();
    drop(server);
    assert!(
        TcpStream::connect(("127.0.0.1", port)).await.is_err(),
        "the port is closed"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn nothing_panics_in_a_runtime_of_one_thread() {
    everything().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_panics_in_a_runtime_of_several_threads() {
    everything().await;
}

#[test]
fn a_server_from_json_has_rules_and_leaves_no_files() {
    let mut options = Options::from_json(json!({"users": [{"id": 1}]}));
    options.rules =
        Some(json!({"properties": {"users": {"items": {"required": ["name"]}}}}).to_string());
    let error = Server::start(&options, Listeners::default())
        .map(|_| ())
        .unwrap_err();
    let StartError::Data { faults, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(faults.list.len(), 1);
    assert!(
        error
            .source()
            .is_some_and(|source| source.to_string().contains("name")),
        "{error:?}"
    );

    options.data = Some(r#"{"users": []}"#.into());
    // Data that is given as text has no file to save to.
    options.saving = Saving::File(Durability::Synced);
    let server = Server::start(&options, Listeners::default()).unwrap();
    let mut client = Client::connect(server.addresses()[0]);
    assert_eq!(server.url(), format!("http://127.0.0.1:{}", server.port()));
    client
        .send("POST", "/users", JSON, "{}")
        .problem(400, "rules");
    client
        .send("POST", "/users", JSON, r#"{"name": "Ada"}"#)
        .status_is(201);
    let data: Value = serde_json::from_str(&server.to_json()).unwrap();
    assert_eq!(data["users"][0]["name"], "Ada");
    assert!(!options.file.exists(), "{:?} is only a name", options.file);
}

#[test]
fn a_sandbox_refuses_what_is_not_http() {
    let sandbox = Sandbox::open(&Options::from_json(json!({"users": []}))).unwrap();
    assert!(
        sandbox
            .call("GET", "/users", &[("a b", "c")], Vec::new())
            .is_err()
    );
    assert!(sandbox.call("G T", "/users", &[], Vec::new()).is_err());
}
