//! The rules file, for the explorer: to read it, to make one from the data, and to save it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use warp::http::StatusCode;

use super::admin::guard;
use super::app::{Answer, App};
use super::problem::{self, Problem};
use super::request::{Body, Request};
use super::response;
use crate::openapi;
use crate::schema::Schema;

/// `GET /-/rules`, with `?from=data` rules that the data keeps; `PUT /-/rules` saves the body as the rules file.
pub(super) async fn rules(app: Arc<App>, request: Arc<Request>) -> Answer {
    guard(&app, &request)?;
    if request.method == warp::http::Method::PUT {
        return save(app, request).await;
    }
    if request.first("from").as_deref() == Some("data") {
        let turns = app.turns.clone();
        let made = turns.run(move |_| Ok(openapi::rules(&app.engine.snapshot().store)));
        let made = made.await?;
        return Ok(response::value(StatusCode::OK, &made));
    }
    let file = app.settings.rules_file.as_deref();
    let text = match file {
        Some(file) => std::fs::read_to_string(file).ok(),
        None => None,
    };
    let body = json!({ "file": file.map(|file| file.display().to_string()), "text": text });
    Ok(response::value(StatusCode::OK, &body))
}

async fn save(app: Arc<App>, request: Arc<Request>) -> Answer {
    if app.settings.ephemeral {
        return Err(Problem::new(
            problem::READ_ONLY,
            "standin was started with --ephemeral and writes no file, so the rules cannot be saved",
        )
        .hint("save the rules file yourself, or start standin without --ephemeral"));
    }
    let Some(file) = app
        .settings
        .rules_file
        .clone()
        .filter(|_| !app.is_read_only())
    else {
        return Err(
            Problem::new(problem::READ_ONLY, "there is no file to save the rules to")
                .hint("start standin with a data file, and without --read-only"),
        );
    };
    let Body::Whole(body) = &request.body else {
        return Err(Problem::new(problem::TOO_LARGE, "the rules are too large"));
    };
    let text = String::from_utf8(body.to_vec())
        .map_err(|_| Problem::new(problem::MALFORMED_JSON, "the rules are not UTF-8 text"))?;
    let id = app.engine.snapshot().store.settings().id.clone();
    let name = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if let Err(error) = Schema::compile_with_id(&text, &id) {
        return Err(Problem::new(
            problem::RULES,
            format!("the rules are not valid: {error}"),
        ));
    }
    let saved = tokio::task::spawn_blocking(move || replace(&file, &text)).await;
    match saved {
        Ok(Ok(())) => Ok(response::value(StatusCode::OK, &json!({ "saved": name }))),
        Ok(Err(error)) => Err(Problem::new(problem::UNSAVED, format!("{name}: {error}"))),
        Err(_) => Err(Problem::new(problem::BUG, "the rules were not saved")),
    }
}

/// Writes a file beside `path` and puts it in its place.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("json.new");
    std::fs::write(&new, text)?;
    std::fs::rename(&new, path)
}
