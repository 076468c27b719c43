//! The rules file, for the explorer: to read it, to make one from the data, and to save it.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use warp::http::StatusCode;

use super::admin::guard;
use super::app::{Answer, App};
use super::hot_reload;
use super::problem::{self, Problem};
use super::request::{Body, Request};
use super::response;
use crate::file;
use crate::openapi;

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
    let name = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let invalid = |error: &dyn std::fmt::Display| {
        Problem::new(problem::RULES, format!("the rules cannot be used: {error}"))
    };
    let saved = tokio::task::spawn_blocking(move || {
        let mut files = hot_reload::lock(&app.hot_reload);
        let schema = files.targets.compile_rules(Some(&text));
        let schema = schema.map_err(|error| invalid(&error))?;
        let published = app.engine.snapshot();
        let rulebook = published.rulebook.with_schema(schema);
        rulebook.take_over(&published.full).map_err(|faults| {
            invalid(&format!("the data breaks them: {faults}"))
                .hint("change the records first, or the rules")
        })?;
        let unsaved =
            |error| Problem::new(problem::UNSAVED, format!("{}: {error}", file.display()));
        let like = app.settings.file.as_deref().map_or(&*file, Path::new);
        file::replace(&file, text.as_bytes(), like).map_err(unsaved)?;
        // They are in effect when this is answered.
        files.reload();
        Ok(())
    });
    match saved.await {
        Ok(Ok(())) => Ok(response::value(StatusCode::OK, &json!({ "saved": name }))),
        Ok(Err(problem)) => Err(problem),
        Err(_) => Err(Problem::new(problem::BUG, "the rules were not saved")),
    }
}
