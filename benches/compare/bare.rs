//! The yardstick: a warp route that answers with bytes that it holds ready.

use std::net::SocketAddr;

use bytes::Bytes;
use warp::Filter;
use warp::http::{HeaderName, HeaderValue, Response, StatusCode};

use super::Outcome;

/// Serves on `address` the answer in `file`: headers (none, for a bare route), an empty line, the body.
pub fn serve(address: SocketAddr, file: &str) -> Outcome<()> {
    let text = std::fs::read(file)?;
    let split = memchr::memmem::find(&text, b"\n\n").ok_or("the answer has no empty line")?;
    let mut headers = Vec::new();
    for line in std::str::from_utf8(&text[..split])?.lines() {
        let (name, value) = line.split_once(": ").ok_or("a header has no colon")?;
        headers.push((HeaderName::try_from(name)?, HeaderValue::try_from(value)?));
    }
    let body = Bytes::from(text).slice(split + 2..);
    let answer = move |status: StatusCode| {
        let mut response = Response::new(body.clone());
        *response.status_mut() = status;
        for (name, value) in &headers {
            response.headers_mut().append(name, value.clone());
        }
        response
    };
    let read = answer.clone();
    let get = warp::get().and(warp::path("users")).map(move || read(StatusCode::OK));
    let post =
        warp::post().and(warp::path("users")).and(warp::body::bytes()).map(move |_: Bytes| answer(StatusCode::CREATED));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind(address).await?;
        warp::serve(get.or(post).unify()).incoming(listener).run().await;
        Ok(())
    })
}
