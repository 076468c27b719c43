//! The page at `/` that shows the data and lets a person try the API: files that are part of the program.

use bytes::Bytes;
use warp::http::{HeaderValue, Response, StatusCode, header};

use super::reply;

/// A file of the page.
pub(super) struct File {
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
    "docs" "text/html; charset=utf-8" "docs.html";
    "explorer.css" "text/css; charset=utf-8" "explorer.css";
    "icon.svg" "image/svg+xml" "icon.svg";
    "explorer/main.js" "text/javascript; charset=utf-8" "main.js";
    "explorer/lib.js" "text/javascript; charset=utf-8" "lib.js";
    "explorer/table.js" "text/javascript; charset=utf-8" "table.js";
    "explorer/form.js" "text/javascript; charset=utf-8" "form.js";
    "explorer/panel.js" "text/javascript; charset=utf-8" "panel.js";
    "explorer/docs.js" "text/javascript; charset=utf-8" "docs.js";
};

/// What the page may do: run its own script, ask its own server, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The file called `name`; the page itself has the name ``.
pub(super) fn file(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}

/// Where the page has the list of resources for browsers that run no script.
const LIST: &str = "<!--list-->";

/// The answer to a GET of the page at `/`; `list` is markup.
pub(super) fn page(list: &str) -> Response<Bytes> {
    let text = String::from_utf8_lossy(FILES[0].content).replacen(LIST, list, 1);
    send(FILES[0].kind, text.into_bytes())
}

/// The answer to a GET of `/favicon.ico`, which browsers ask for by themselves.
pub(super) fn icon() -> Option<Response<Bytes>> {
    file("icon.svg").map(answer)
}

/// The answer to a GET of `file`.
pub(super) fn answer(file: &'static File) -> Response<Bytes> {
    send(file.kind, file.content.to_vec())
}

fn send(kind: &'static str, content: Vec<u8>) -> Response<Bytes> {
    let mut response = reply::with_type(StatusCode::OK, kind, content);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}
