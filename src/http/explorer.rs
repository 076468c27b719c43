//! The explorer: the page at `/` that shows the data and lets a person try the API.

use std::sync::Arc;

use bytes::Bytes;
use warp::http::Response;

use super::app::{Answer, App};
use super::request::{Request, encode};
use super::response;
use crate::engine::Published;
use crate::store::Data;

/// A file of the page.
struct File {
    name: &'static str,
    kind: &'static str,
    content: &'static [u8],
}

macro_rules! files {
    ($($name:literal $kind:literal $path:literal;)*) => {
        &[$(File { name: $name, kind: $kind, content: include_bytes!(concat!("explorer/", $path)) }),*]
    };
}

const FILES: &[File] = files! {
    "" "text/html; charset=utf-8" "index.html";
    "explorer.css" "text/css; charset=utf-8" "explorer.css";
    "icon.svg" "image/svg+xml" "icon.svg";
    "explorer/main.js" "text/javascript; charset=utf-8" "main.js";
    "explorer/dom.js" "text/javascript; charset=utf-8" "dom.js";
    "explorer/json.js" "text/javascript; charset=utf-8" "json.js";
    "explorer/api.js" "text/javascript; charset=utf-8" "api.js";
    "explorer/code.js" "text/javascript; charset=utf-8" "code.js";
    "explorer/model.js" "text/javascript; charset=utf-8" "model.js";
    "explorer/cells.js" "text/javascript; charset=utf-8" "cells.js";
    "explorer/fields.js" "text/javascript; charset=utf-8" "fields.js";
    "explorer/change.js" "text/javascript; charset=utf-8" "change.js";
    "explorer/table.js" "text/javascript; charset=utf-8" "table.js";
    "explorer/record.js" "text/javascript; charset=utf-8" "record.js";
    "explorer/panel.js" "text/javascript; charset=utf-8" "panel.js";
    "explorer/log.js" "text/javascript; charset=utf-8" "log.js";
    "explorer/requests.js" "text/javascript; charset=utf-8" "requests.js";
    "explorer/history.js" "text/javascript; charset=utf-8" "history.js";
    "explorer/rules.js" "text/javascript; charset=utf-8" "rules.js";
    "explorer/server.js" "text/javascript; charset=utf-8" "server.js";
    "explorer/login.js" "text/javascript; charset=utf-8" "login.js";
    "explorer/compose.js" "text/javascript; charset=utf-8" "compose.js";
};

/// What the page may do: run its own script, ask its own server, show pictures that records name, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: http: https:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The file at `path` below `/-/`; the page itself is at the empty path.
fn find(path: &str) -> Option<&'static File> {
    let name = path.strip_suffix('/').unwrap_or(path);
    FILES.iter().find(|file| file.name == name)
}

/// Whether there is a file at `path` below `/-/`.
pub(super) fn is_file(path: &str) -> bool {
    find(path).is_some()
}

/// `GET /-/FILE`.
pub(super) async fn file(_: Arc<App>, request: Arc<Request>) -> Answer {
    let path = request.uri.path().strip_prefix("/-/").unwrap_or_default();
    // The route matches paths of files only.
    Ok(send(find(path).unwrap_or(&FILES[0])))
}

/// `GET /favicon.ico`, which browsers ask for by themselves.
pub(super) async fn icon(_: Arc<App>, _: Arc<Request>) -> Answer {
    Ok(send(find("icon.svg").unwrap_or(&FILES[0])))
}

/// Where the page has the list of resources for browsers without JavaScript.
const LIST: &str = "<!--list-->";

/// `GET /`.
pub(super) fn home(app: &App, published: &Published) -> Response<Bytes> {
    let text = String::from_utf8_lossy(FILES[0].content).replacen(LIST, &list(app, published), 1);
    response::page(FILES[0].kind, text.into_bytes(), POLICY)
}

/// The resources as HTML, for browsers without JavaScript and for curl.
fn list(app: &App, published: &Published) -> String {
    let mut page = String::new();
    if let Some(file) = &app.settings.file {
        page.push_str(&format!(
            "<p>The data of <code>{}</code></p>\n",
            escape(file)
        ));
    }
    page.push_str("<ul>\n");
    for resource in published.store.resources() {
        let count = match resource.data() {
            Data::Collection(collection) if collection.len() == 1 => "1 record".to_string(),
            Data::Collection(collection) => format!("{} records", collection.len()),
            Data::Object(_) => "object".into(),
            Data::Scalar(_) => "value".into(),
        };
        let path = escape(&format!("/{}", encode(resource.name())));
        page.push_str(&format!(
            "<li><a href=\"{path}\">{}</a> ({count})</li>\n",
            escape(resource.name())
        ));
    }
    page.push_str("</ul>\n");
    page
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn send(file: &File) -> Response<Bytes> {
    response::page(file.kind, file.content.to_vec(), POLICY)
}
