//! Answers of the routes file: fixed and templated ones, files, redirects, changes of the data.

use std::sync::Arc;

use bytes::Bytes;
use minijinja::Value;
use serde_json::Value as Json;
use warp::http::{HeaderName, HeaderValue, Response, StatusCode, header};

use super::app::{Answer, App};
use super::guard::{self, Viewer};
use super::problem::{self, Problem};
use super::request::{Request, encode};
use super::{api, body, response, static_files, steps, write};
use crate::behaviour::{
    Answer as OwnAnswer, Facts, Headers, Matched, RoutesError, Scope, Text, Verb, What, value_of,
};
use crate::json::{Kind, Layout, unquote};
use crate::store::Store;

/// Answers `request` by the `answer` of the rule that it matches.
pub(super) async fn answer(
    app: &Arc<App>,
    request: &Arc<Request>,
    matched: &Matched<'_>,
    answer: &OwnAnswer,
    viewer: &Viewer,
) -> Answer {
    // Not answered as if nothing had been sent.
    body::check_json(request)?;
    let fail = |error: RoutesError| app.failed(&error);
    let scope = || scope(app, request, matched, viewer);
    match &answer.what {
        What::Api(mode) => {
            let mut response = api::answer_as(app.clone(), request.clone(), Some(*mode)).await?;
            set_status(&mut response, answer.status);
            Ok(response)
        }
        What::Body(None) => {
            let mut response = Response::new(Bytes::new());
            set_status(&mut response, answer.status);
            Ok(response)
        }
        What::Body(Some(template)) => {
            let text = template.render(&scope()).map_err(fail)?;
            Ok(json(answer.status.unwrap_or(200), &text))
        }
        What::Redirect(text) => {
            let mut response = Response::new(Bytes::new());
            set_status(&mut response, answer.status.or(Some(302)));
            let target = text.render(&scope()).map_err(fail)?;
            set_header(app, &mut response, "location", (text, &target))?;
            Ok(response)
        }
        What::File(path) => {
            let path = path.render(&scope()).map_err(fail)?;
            let mut response = file(app, request, &path).await?;
            if response.status() == StatusCode::OK {
                set_status(&mut response, answer.status);
            }
            Ok(response)
        }
        What::Actions(actions, template) => {
            if app.is_read_only() {
                return Err(
                    app.read_only_problem(format!("{} would change the data", request.method))
                );
            }
            let facts = facts(app, request, matched, viewer);
            let actor = steps::Actor {
                facts: facts.clone(),
                viewer: viewer.clone(),
                guard: matched.rule.guard.as_ref().map(|access| {
                    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
                    access.of(reads).clone()
                }),
            };
            let outcomes = steps::actions(app, request, actions, &actor)
                .await
                .map_err(|error| {
                    write::refused(&app.engine, &app.engine.snapshot(), request, None, error)
                })?;
            let last = outcomes
                .last()
                .map_or_else(|| "null".into(), |outcome| app.seen(outcome));
            let is_new = actions
                .last()
                .is_some_and(|action| action.verb == Verb::Post);
            let status = answer.status.unwrap_or(if is_new { 201 } else { 200 });
            let text = match template {
                None => last,
                Some(template) => {
                    let scope = Scope::new(&facts, seen(app, viewer)).with_result(&last);
                    template.render(&Arc::new(scope)).map_err(fail)?
                }
            };
            Ok(json(status, &text))
        }
    }
}

/// The file at `path`, below the folder of the routes file.
async fn file(app: &App, request: &Arc<Request>, path: &str) -> Answer {
    let routes = app.settings.routes.as_ref().map(|routes| routes.current());
    let routes = routes.and_then(|routes| routes.path.clone());
    let folder = routes.and_then(|path| {
        std::path::absolute(path)
            .ok()?
            .parent()?
            .canonicalize()
            .ok()
    });
    let gone = || {
        Problem::new(
            problem::NO_RESOURCE,
            format!("there is no file {path:?} beside the routes file"),
        )
        .hint("the path is relative to the folder of the routes file, and cannot lead out of it")
    };
    let encoded: Vec<_> = path.split('/').map(encode).collect();
    let found = static_files::find(folder.ok_or_else(gone)?, encoded.join("/")).await;
    static_files::answer(found.ok_or_else(gone)?, request.clone()).await
}

/// What templates can use of `request`.
fn facts(app: &App, request: &Request, matched: &Matched<'_>, viewer: &Viewer) -> Facts {
    let object = |pairs: &mut dyn Iterator<Item = (String, String)>| {
        let mut object = serde_json::Map::new();
        for (name, value) in pairs {
            let value = Json::from(value);
            match object.get_mut(&name) {
                Some(Json::Array(values)) => values.push(value),
                Some(first) => *first = Json::Array(vec![first.take(), value]),
                None => drop(object.insert(name, value)),
            }
        }
        value_of(&Json::Object(object).to_string())
    };
    let headers = request.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.to_string(), value)
    });
    Facts {
        params: object(&mut matched.parameters.iter().cloned()),
        query: object(&mut request.pairs().unwrap_or_default().into_iter()),
        headers: object(&mut { headers }),
        body: value_of(&body::any(request).to_string()),
        user: viewer.user().zip(app.engine.schema().auth()).map_or(
            Value::UNDEFINED,
            |(user, auth)| {
                let full = &app.engine.snapshot().full;
                value_of(&full.public_text(&auth.users, user.value()))
            },
        ),
        now: humantime::format_rfc3339_millis(std::time::SystemTime::now())
            .to_string()
            .into(),
        seed: app.random(|random| random.u64(..)),
    }
}

/// What templates of a rule can use.
pub(super) fn scope(
    app: &Arc<App>,
    request: &Request,
    matched: &Matched<'_>,
    viewer: &Viewer,
) -> Arc<Scope> {
    let facts = facts(app, request, matched, viewer);
    Arc::new(Scope::new(&facts, seen(app, viewer)))
}

/// The data as `viewer` sees it.
fn seen(app: &App, viewer: &Viewer) -> impl FnOnce() -> Store + use<> {
    let (published, viewer) = (app.engine.snapshot(), viewer.clone());
    move || guard::view(published, &viewer).store.clone()
}

/// A response with JSON as its body, laid out for people.
pub(super) fn json(status: u16, text: &str) -> Response<Bytes> {
    let mut body = Vec::new();
    Layout::PRETTY.write(&mut body, text, "");
    response::json(StatusCode::from_u16(status).unwrap_or_default(), body)
}

fn set_status(response: &mut Response<Bytes>, status: Option<u16>) {
    // It was checked when the rule was read.
    if let Some(status) = status.and_then(|status| StatusCode::from_u16(status).ok()) {
        *response.status_mut() = status;
    }
}

/// Adds the headers of a rule. A body that is a string is sent as it is when they name a type other than JSON.
pub(super) fn add_headers(
    app: &App,
    response: &mut Response<Bytes>,
    headers: &Headers,
    scope: &Arc<Scope>,
) -> Result<(), Problem> {
    let render = |text: &Text| text.render(scope).map_err(|error| app.failed(&error));
    for (name, text) in headers {
        let value = render(text)?;
        if name.eq_ignore_ascii_case("content-type") && !value.contains("json") {
            let body = std::str::from_utf8(response.body()).unwrap_or_default();
            if Kind::of(body) == Kind::String {
                *response.body_mut() = unquote(body).into_owned().into();
                response.headers_mut().remove(header::ETAG);
            }
        }
        set_header(app, response, name, (text, &value))?;
    }
    Ok(())
}

/// Sets a header to `value`, which `text` gives.
fn set_header(
    app: &App,
    response: &mut Response<Bytes>,
    name: &str,
    (text, value): (&Text, &str),
) -> Result<(), Problem> {
    let failed = || text.failed("a header cannot have control characters");
    match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        (Ok(name), Ok(value)) => drop(response.headers_mut().insert(name, value)),
        _ => return failed().map_or(Ok(()), |error| Err(app.failed(&error))),
    }
    Ok(())
}
