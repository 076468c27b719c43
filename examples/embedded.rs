//! Testing a client against an embedded server: `cargo run --example embedded`.
#![allow(clippy::print_stdout)]

use std::error::Error;

use serde_json::{Value, json};
use standin::{Listeners, Options, Server};

/// The code under test: a client of the API at `base`.
fn user_name(base: &str, id: u32) -> Result<String, Box<dyn Error>> {
    let text = ureq::get(format!("{base}/users/{id}"))
        .call()?
        .body_mut()
        .read_to_string()?;
    let user: Value = serde_json::from_str(&text)?;
    Ok(user["name"].as_str().unwrap_or_default().to_string())
}

fn main() -> Result<(), Box<dyn Error>> {
    // Every server has its own data and its own port, so tests can run in parallel.
    let server = Server::from_json(json!({"users": [{"id": 1, "name": "Ada"}]}))?;
    assert_eq!(user_name(&server.url(), 1)?, "Ada");
    assert!(user_name(&server.url(), 2).is_err(), "404");

    // With rules: a user must have an e-mail address.
    let mut options = Options::from_json(json!({"users": []}));
    options.rules =
        Some(json!({"properties": {"users": {"items": {"required": ["email"]}}}}).to_string());
    let strict = Server::start(&options, Listeners::default())?;
    let post = ureq::post(format!("{}/users", strict.url()))
        .header("content-type", "application/json")
        .send("{}");
    assert!(
        matches!(post, Err(ureq::Error::StatusCode(400))),
        "{post:?}"
    );

    // What the client has changed, without writing a file.
    ureq::delete(format!("{}/users/1", server.url())).call()?;
    println!("{}", server.to_json());
    Ok(()) // Dropping the servers stops them.
}
