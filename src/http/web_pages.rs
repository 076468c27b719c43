//! The pages: the explorer at `/`, Swagger UI at `/-/docs` and the OpenAPI document behind it, and the error reference
//! at `/-/errors`.

use std::sync::Arc;

use bytes::Bytes;
use warp::http::{HeaderValue, Response, StatusCode, header};

use super::app::{App, Described, Reply};
use super::problem::{self, Problem};
use super::request::Request;
use super::response;
use crate::engine::Published;
use crate::openapi;
use crate::problems::KINDS;
use crate::text::{nearest, path_encode};
use crate::work::Work;

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

/// The content security policy of the page: only its own script, requests to its own server, and images that records
/// link to.
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
pub(super) async fn file(_: Arc<App>, request: Arc<Request>) -> Reply {
    let path = request.uri.path().strip_prefix("/-/").unwrap_or_default();
    // The route matches paths of files only.
    Ok(send(find(path).unwrap_or(&FILES[0])))
}

/// `GET /favicon.ico`, which browsers ask for by themselves.
pub(super) async fn icon(_: Arc<App>, _: Arc<Request>) -> Reply {
    Ok(send(find("icon.svg").unwrap_or(&FILES[0])))
}

/// The placeholder for the list of resources for browsers without JavaScript.
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
        let size = resource.size_in_words();
        let path = escape(&format!("/{}", path_encode(resource.name())));
        page.push_str(&format!(
            "<li><a href=\"{path}\">{}</a> ({size})</li>\n",
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

/// `GET /-/openapi.json`.
pub(super) async fn openapi(app: Arc<App>, _: Arc<Request>) -> Reply {
    let published = app.engine.snapshot();
    let cached = app.openapi.lock().clone();
    let (routes, profile) = (app.routes(), app.profile());
    let is_current = |cached: &Described| {
        cached.version == published.version
            && Arc::ptr_eq(&cached.rulebook, &published.rulebook)
            && Arc::ptr_eq(&cached.routes, &routes)
            && cached.profile.as_ref().map(Arc::as_ptr) == profile.as_ref().map(Arc::as_ptr)
    };
    let text = match cached.filter(is_current) {
        Some(cached) => cached.text,
        None => {
            let (data, rules) = (published.clone(), routes.rules.clone());
            let shape = profile.clone();
            let document = move |_: &Work<'_>| {
                let mut document = openapi::document(data.rulebook.schema(), &data.store, &rules);
                if let Some(shape) = shape {
                    shape.describe(&mut document, &data.store);
                }
                Ok(Bytes::from(format!("{document:#}")))
            };
            let text = app.scheduler.run(document).await?;
            *app.openapi.lock() = Some(Described {
                version: published.version,
                rulebook: published.rulebook.clone(),
                routes,
                profile,
                text: text.clone(),
            });
            text
        }
    };
    Ok(response::json(StatusCode::OK, text.to_vec()))
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

/// The content security policy of the error reference: only its own style sheet.
const ERRORS_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
                             frame-ancestors 'none'";

/// `docs/errors.md`, the source of the error reference.
const SOURCE: &str = include_str!("../../docs/errors.md");

/// Names and HTML of the sections of [`SOURCE`], made by `build.rs`. The first is the introduction and has no name.
const SECTIONS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/errors.rs"));

/// `GET /-/reference.css`.
pub(super) async fn style(_: Arc<App>, _: Arc<Request>) -> Reply {
    let style = include_bytes!("reference/reference.css");
    Ok(response::page(CSS, style.to_vec(), ERRORS_POLICY))
}

/// `GET /-/errors`: all kinds of problems, or with a further segment one of them. HTML, unless the client prefers
/// Markdown.
pub(super) async fn errors(_: Arc<App>, request: Arc<Request>) -> Reply {
    let path = request.uri.path().trim_start_matches("/-/errors");
    let name = path.trim_matches('/');
    if SECTIONS.iter().all(|(known, _)| *known != name) {
        let detail = format!("there is no kind of problem called {name}");
        let near = nearest(name, KINDS.iter().map(|kind| kind.name)).unwrap_or_default();
        return Err(Problem::new(problem::NO_RESOURCE, detail).hint(format!(
            "/-/errors/{near} exists; /-/errors lists all kinds"
        )));
    }
    let accept = request.header(header::ACCEPT).unwrap_or("*/*");
    let mut response = if accept.contains("text/markdown") && !accept.contains("text/html") {
        let text = markdown(name).into_bytes();
        response::with_type(StatusCode::OK, "text/markdown; charset=utf-8", text)
    } else {
        let text = include_str!("reference/errors.html").replacen("<!--errors-->", &html(name), 1);
        response::page(HTML, text.into_bytes(), ERRORS_POLICY)
    };
    response
        .headers_mut()
        .append(header::VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

/// The section `name` of the error reference; all of it if the name is empty.
fn markdown(name: &str) -> String {
    let wanted = format!("{name}\n");
    let section = SOURCE
        .split("\n## ")
        .skip(1)
        .find(|section| section.starts_with(&wanted));
    section.map_or_else(|| SOURCE.into(), |section| format!("## {section}"))
}

/// The same as HTML.
fn html(name: &str) -> String {
    let mut text = String::new();
    for (section, content) in SECTIONS {
        if !name.is_empty() && name != *section {
            continue;
        }
        match KINDS.iter().find(|kind| kind.name == *section) {
            Some(kind) => text.push_str(&format!(
                "<section id=\"{section}\">\n<h2><a href=\"/-/errors/{section}\">{section}</a> <span>{}</span></h2>\n\
                 <p>{}</p>\n{}</section>\n",
                kind.status,
                kind.title,
                // The heading has the status.
                content.replacen(&format!("Status {}. ", kind.status), "", 1)
            )),
            None => text.push_str(content),
        }
    }
    text
}

/// Swagger UI, from the crate that packages it.
#[cfg(feature = "docs")]
pub(super) mod viewer {
    use std::io::Read;

    use super::*;

    /// Swagger UI sets styles in its markup, and draws with images in `data:` URLs.
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
                          img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    macro_rules! packed {
        ($($name:literal $kind:literal;)*) => {
            &[$(($name, $kind, include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")))),*]
        };
    }

    /// The files below `/-/docs`: name, type, and the content compressed by `build.rs`.
    const FILES: &[(&str, &str, &[u8])] = packed! {
        "swagger-ui-bundle.js" "text/javascript; charset=utf-8";
        "swagger-ui.css" "text/css; charset=utf-8";
        "LICENSE" "text/plain; charset=utf-8";
        "NOTICE" "text/plain; charset=utf-8";
    };

    /// `GET /-/docs` and the files below it.
    pub(in super::super) async fn answer(_: Arc<App>, request: Arc<Request>) -> Reply {
        let path = request.uri.path().trim_start_matches("/-/docs");
        match path.trim_matches('/') {
            "" => {
                let text = include_bytes!("reference/docs.html");
                Ok(response::page(HTML, text.to_vec(), POLICY))
            }
            "start.js" => {
                let script = include_bytes!("reference/start.js");
                let kind = "text/javascript; charset=utf-8";
                Ok(response::page(kind, script.to_vec(), POLICY))
            }
            name => {
                let Some((_, kind, packed)) = FILES.iter().find(|(known, ..)| *known == name)
                else {
                    let detail = format!("there is nothing at {}", request.uri.path());
                    return Err(Problem::new(problem::NO_RESOURCE, detail));
                };
                let mut content = Vec::new();
                flate2::read::GzDecoder::new(*packed)
                    .read_to_end(&mut content)
                    .map_err(|error| Problem::new(problem::BUG, error.to_string()))?;
                Ok(response::page(kind, content, POLICY))
            }
        }
    }
}
