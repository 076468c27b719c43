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

const FILES: [File; 5] = [
    File { name: "", kind: "text/html; charset=utf-8", content: include_bytes!("explorer/index.html") },
    File { name: "explorer.css", kind: "text/css; charset=utf-8", content: include_bytes!("explorer/explorer.css") },
    File {
        name: "explorer.js",
        kind: "text/javascript; charset=utf-8",
        content: include_bytes!("explorer/explorer.js"),
    },
    File { name: "docs", kind: "text/html; charset=utf-8", content: include_bytes!("explorer/docs.html") },
    File { name: "docs.js", kind: "text/javascript; charset=utf-8", content: include_bytes!("explorer/docs.js") },
];

/// What the page may do: run its own script, ask its own server, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
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
