//! The admin routes under `/-/`, for tests and teaching: only for this machine and the server's own page. The explorer
//! reads and saves the rules file here.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use warp::http::{HeaderName, Method, StatusCode, header};

use super::app::{App, Reply};
use super::guard::viewer;
use super::hot_reload::InEffect;
use super::problem::{self, Problem};
use super::request::Request;
use super::settings::is_loopback;
use super::{body, cross_site, response, write};
use crate::behaviour::{RoutesFile, Rule};
use crate::engine::{Notice, Revert, Trouble, WriteError};
use crate::store::{Collection, Data, Refusal, Resource};
use crate::text::{list, nearest, path_encode};
use crate::{file, openapi};

/// How many snapshots can be taken.
const MAX_SNAPSHOTS: usize = 100;
/// The longest name of a snapshot, in bytes.
const MAX_NAME: usize = 100;

/// `GET /-/health`.
pub(super) async fn health(app: Arc<App>, _: Arc<Request>) -> Reply {
    let published = app.engine.snapshot();
    let resources = published.store.resources().map(|resource| {
        let count = resource.collection().map_or(1, Collection::len);
        let kind = kind(resource);
        let schema = published.rulebook.schema();
        let rules = schema.rules(resource.name()).is_some();
        json!({ "name": resource.name(), "kind": kind, "count": count, "rules": rules })
    });
    let resources: Vec<_> = resources.collect();
    let trouble = app.engine.trouble().borrow().first().cloned();
    let mut health = json!({
        "status": if trouble.is_some() { "degraded" } else { "ok" },
        "standin": env!("CARGO_PKG_VERSION"),
        "uptime": app.started.elapsed().as_secs(),
        "version": published.version,
        "file": app.settings.file,
        "id": published.store.settings().id,
        "readOnly": app.is_read_only(),
        "ephemeral": app.settings.ephemeral,
        "admin": app.settings.admin,
        "resources": resources,
    });
    if let Some(trouble) = trouble {
        health["reason"] = reason(&trouble);
    }
    response::ok(&health)
}

/// The kind of a resource.
pub(super) fn kind(resource: &Resource) -> &'static str {
    match resource.data() {
        Data::Collection(_) => "collection",
        Data::Object(_) => "object",
        Data::Scalar(_) => "value",
    }
}

/// The JSON description of a trouble.
pub(super) fn reason(trouble: &Trouble) -> Value {
    let mut reason = json!({
        "kind": trouble.kind.name(),
        "file": trouble.file.display().to_string(),
        "message": trouble.message,
        "hint": trouble.hint,
    });
    if let Some(place) = trouble.place {
        reason["line"] = place.line.into();
        reason["column"] = place.column.into();
    }
    reason
}

/// `GET /-/settings`; `PUT /-/settings` with `{"readOnly": true}` refuses writes until it is switched back.
pub(super) async fn settings(app: Arc<App>, request: Arc<Request>) -> Reply {
    if request.method == Method::PUT {
        check(&app, &request)?;
        let bad = || {
            let detail = "the settings are an object with readOnly";
            Problem::new(problem::NOT_AN_OBJECT, detail).hint("for example: {\"readOnly\": true}")
        };
        let wanted = body::any(&request);
        let read_only = wanted["readOnly"].as_bool().ok_or_else(bad)?;
        if app.settings.read_only && !read_only {
            return Err(app.read_only_problem("the command-line option takes precedence"));
        }
        app.read_only.store(read_only, Ordering::Relaxed);
    }
    response::ok(&json!({ "readOnly": app.is_read_only() }))
}

/// `GET /-/requests`.
pub(super) async fn requests(app: Arc<App>, request: Arc<Request>) -> Reply {
    check(&app, &request)?;
    let after = request.first("after");
    let after = after.and_then(|text| text.parse().ok()).unwrap_or(0);
    response::ok(&app.request_log.after(after))
}

/// `GET`, `PUT` and `DELETE /-/faults`: rules that fail, delay and limit requests, set at run time.
pub(super) async fn faults(app: Arc<App>, request: Arc<Request>) -> Reply {
    check(&app, &request)?;
    match request.method {
        Method::PUT => {
            let text = String::from_utf8_lossy(body::whole(&request)?);
            app.faults.replace(InEffect {
                rules: Arc::new(read_faults(&text)?),
                profile: None,
            });
            (app.notice)(Notice::Seed(app.settings.seed));
        }
        Method::DELETE => app.faults.replace(InEffect::default()),
        _ => {}
    }
    let current = app.faults.current();
    let text = match current.rules.is_empty() {
        true => "{}",
        false => &current.text,
    };
    Ok(response::pretty(StatusCode::OK, text))
}

fn read_faults(text: &str) -> Result<RoutesFile, Problem> {
    let wrong = |detail: String, hint: Option<String>| {
        let hint = hint
            .unwrap_or_else(|| r#"for example {"* /users/**": {"fail": {"status": 503}}}"#.into());
        Problem::new(problem::ROUTES, detail).hint(hint)
    };
    let rules = RoutesFile::parse(text).map_err(|mut error| {
        let hint = error.hint.take();
        wrong(error.to_string(), hint)
    })?;
    if let Some((_, place)) = &rules.profile {
        let detail = format!("{place}: a profile cannot be set at run time");
        return Err(wrong(detail, None));
    }
    if let Some((_, path, _)) = rules.rewriter.rules().next() {
        let detail =
            format!("{path:?} is a rewrite; only fail, delay and limit can be set at run time");
        return Err(wrong(detail, None));
    }
    let has_more = |rule: &&Rule| rule.response.is_some() || rule.guard.is_some();
    if let Some(rule) = rules.rules.iter().find(has_more) {
        let detail = format!(
            "{}: the rule {:?} has more than fail, delay and limit",
            rule.place, rule.key
        );
        return Err(wrong(detail, None));
    }
    Ok(rules)
}

/// `GET /-/conflicts`.
pub(super) async fn conflicts(app: Arc<App>, request: Arc<Request>) -> Reply {
    let published = app.engine.snapshot();
    let viewer = viewer(&app, &published, &request).await;
    let seen = |mut conflict: Value| {
        let resource = conflict["resource"]
            .as_str()
            .unwrap_or_default()
            .to_string();
        for side in ["api", "edit"] {
            let text = conflict[side].to_string();
            if text != "null" && !viewer.may_see(&app, &resource, Some(&text)) {
                return None;
            }
            let public = published.full.public_text(&resource, &text);
            if public != text {
                conflict[side] = serde_json::from_str(&public).unwrap_or_default();
            }
        }
        Some(conflict)
    };
    let conflicts = app.engine.conflicts().into_iter();
    response::ok(&conflicts.filter_map(seen).collect())
}

/// `GET /__rules`, which json-server's home page requests, and scripts may.
pub(super) async fn rewrite_rules(app: Arc<App>, _: Arc<Request>) -> Reply {
    let file = app.routes().rules.clone();
    let rules = file.rewriter.rules();
    let rules = rules.map(|(_, rule, target)| (rule.to_string(), target.into()));
    response::ok(&Value::Object(rules.collect()))
}

/// Refuses requests of other machines and of other sites.
///
/// # Errors
/// The admin routes are disabled; the peer is another machine; or a page of another site sent the request: browsers
/// send `Origin` with each POST and `Sec-Fetch-Site` with everything. `Host` must name this machine, or a name that
/// resolves to it (DNS rebinding) would be its own origin. A proxy on this machine passes on the requests of other
/// machines.
pub(super) fn check(app: &App, request: &Request) -> Result<(), Problem> {
    let closed = |why: &str, hint: &str| Err(Problem::new(problem::ADMIN, why).hint(hint));
    if !app.settings.admin {
        return closed(
            "the admin routes are disabled",
            "start standin without --no-admin",
        );
    }
    let from_here = request
        .remote
        .is_none_or(|peer| peer.ip().to_canonical().is_loopback());
    let forwarded = request.headers.keys().any(|name| {
        let name = name.as_str();
        matches!(name, "forwarded" | "via" | "x-real-ip") || name.starts_with("x-forwarded")
    });
    if !from_here || forwarded {
        return closed(
            "the admin routes accept requests from this machine only",
            "send it from the machine that standin runs on, and not through a proxy",
        );
    }
    if !request.host_names().all(is_loopback) {
        return closed(
            "the admin routes accept only host names of this machine",
            "use localhost as the host",
        );
    }
    let site = request.header(HeaderName::from_static("sec-fetch-site"));
    let host = request.header(header::HOST).unwrap_or_default();
    let own = format!("http://{host}");
    let origin = request.headers.get(header::ORIGIN);
    if site.is_some_and(|site| site != "same-origin" && site != "none")
        || origin.is_some_and(|origin| origin.as_bytes() != own.as_bytes())
    {
        return Err(cross_site::admin_problem());
    }
    Ok(())
}

/// `POST /-/reset`.
pub(super) async fn reset(app: Arc<App>, request: Arc<Request>) -> Reply {
    check(&app, &request)?;
    if let Some(version) = request.first("version") {
        return reset_to(&app, &request, &version).await;
    }
    let name = request.first("snapshot").unwrap_or_else(|| "start".into());
    let store = if name == "start" {
        app.start.clone()
    } else {
        let snapshots = app.snapshots.lock().clone();
        match snapshots.get(&name) {
            Some((_, store)) => store.clone(),
            None => return Err(no_snapshot(&request, &name, snapshots.keys())),
        }
    };
    let version = revert(&app, &request, Revert::To(Box::new(store))).await?;
    app.restart_rules();
    response::ok(&json!({ "snapshot": name, "version": version }))
}

/// `POST /-/reset?version=7`: reverts the data to that version.
async fn reset_to(app: &App, request: &Request, version: &str) -> Reply {
    let number = version.parse().ok();
    let Some(store) = number.and_then(|number| app.engine.at(number)) else {
        let detail = format!("the data of version {version} is not kept");
        let problem = Problem::new(problem::NO_SNAPSHOT, detail);
        return Err(problem.hint("GET /-/history lists the versions that are"));
    };
    let version = revert(app, request, Revert::To(Box::new(store))).await?;
    response::ok(&json!({ "version": version }))
}

/// `POST /-/undo`.
pub(super) async fn undo(app: Arc<App>, request: Arc<Request>) -> Reply {
    check(&app, &request)?;
    let version = request
        .first("version")
        .map(|text| text.parse())
        .transpose();
    let Ok(version) = version else {
        let detail = "version: it is the number of a version of the data";
        return Err(Problem::new(problem::BAD_QUERY, detail)
            .hint("for example: version=1; GET /-/health has the current one"));
    };
    match revert(&app, &request, Revert::Undo { version }).await? {
        Some(version) => response::ok(&json!({ "version": version })),
        None => Err(
            Problem::new(problem::NOTHING_TO_UNDO, "there is no change to undo")
                .hint("only the last 100 changes since the start can be undone"),
        ),
    }
}

async fn revert(app: &App, request: &Request, to: Revert) -> Result<Option<u64>, Problem> {
    app.check_writable("this")?;
    app.engine.revert(to).await.map_err(|error| match error {
        WriteError::Refused(Refusal::Changed) => Problem::new(
            problem::CHANGED,
            "the data has changed since that version, so undo would revert a different change",
        )
        .hint("look at what has changed, and ask again with the version that is there now"),
        error => write::refused(app, request, None, error),
    })
}

/// `POST /-/snapshots/NAME`.
pub(super) async fn take_snapshot(app: Arc<App>, request: Arc<Request>) -> Reply {
    check(&app, &request)?;
    let bad = |why: &str| {
        Problem::new(problem::BAD_TARGET, why).hint("for example: POST /-/snapshots/before")
    };
    let name = request.last_segment();
    let name = name.ok_or_else(|| bad("the name has a broken percent escape"))?;
    if name.is_empty()
        || name.len() > MAX_NAME
        || name == "start"
        || name.chars().any(char::is_control)
    {
        return Err(bad(
            "the name of a snapshot has 1 to 100 bytes and no control characters, and is not `start`",
        ));
    }
    let published = app.engine.snapshot();
    let mut named = app.snapshots.lock();
    if named.len() >= MAX_SNAPSHOTS && !named.contains_key(name.as_ref()) {
        let detail = format!("there are {MAX_SNAPSHOTS} snapshots already");
        let problem = Problem::new(problem::ADMIN, detail);
        return Err(problem.hint("reuse the name of an existing snapshot"));
    }
    let taken = (published.version, published.full.clone());
    named.insert(name.to_string(), taken);
    Ok(response::value(
        StatusCode::CREATED,
        &json!({ "snapshot": name, "version": published.version }),
    ))
}

/// `GET /-/snapshots`.
pub(super) async fn snapshots(app: Arc<App>, request: Arc<Request>) -> Reply {
    check(&app, &request)?;
    let start = json!({ "snapshot": "start", "version": 0 });
    let named = app.snapshots.lock();
    let named = named.iter();
    let named = named.map(|(name, (version, _))| json!({ "snapshot": name, "version": version }));
    response::ok(&std::iter::once(start).chain(named).collect())
}

fn no_snapshot<'a>(
    request: &Request,
    name: &str,
    names: impl Iterator<Item = &'a String>,
) -> Problem {
    let names: Vec<String> = std::iter::once("start".to_string())
        .chain(names.cloned())
        .collect();
    let near = nearest(name, names.iter().map(String::as_str));
    let hint = match (near, names.len()) {
        (Some(near), _) => format!("did you mean {near}?"),
        (None, 1) => format!("the only snapshot is {}", list(&names)),
        (None, _) => format!("the snapshots are {}", list(&names)),
    };
    let path = format!("/-/reset?snapshot={}", path_encode(near.unwrap_or("start")));
    Problem::new(problem::NO_SNAPSHOT, format!("there is no snapshot {name}"))
        .hint(hint)
        .attempt(request.curl("POST", &path, None))
}

/// `GET /-/rules`, with `?from=data` rules inferred from the data; `PUT /-/rules` saves the body as the rules file.
pub(super) async fn rules(app: Arc<App>, request: Arc<Request>) -> Reply {
    check(&app, &request)?;
    if request.method == Method::PUT {
        return save(app, request).await;
    }
    if request.first("from").as_deref() == Some("data") {
        let scheduler = app.scheduler.clone();
        let made = scheduler.run(move |_| Ok(openapi::rules(&app.engine.snapshot().store)));
        let made = made.await?;
        return response::ok(&made);
    }
    let file = app.settings.rules_file.as_deref();
    let text = file.and_then(|file| std::fs::read_to_string(file).ok());
    let body = json!({ "file": file.map(|file| file.display().to_string()), "text": text });
    response::ok(&body)
}

async fn save(app: Arc<App>, request: Arc<Request>) -> Reply {
    if app.settings.ephemeral {
        let detail =
            "standin was started with --ephemeral and writes no file, so the rules cannot be saved";
        return Err(Problem::new(problem::READ_ONLY, detail)
            .hint("save the rules file yourself, or start standin without --ephemeral"));
    }
    let file = app.settings.rules_file.clone();
    let Some(file) = file.filter(|_| !app.is_read_only()) else {
        let problem = Problem::new(problem::READ_ONLY, "there is no file to save the rules to");
        return Err(problem.hint("start standin with a data file, and without --read-only"));
    };
    let text = String::from_utf8(body::whole(&request)?.to_vec())
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
        let mut files = app.hot_reload.lock();
        let schema = files.targets.compile_rules(Some(&text));
        let schema = schema.map_err(|error| invalid(&error))?;
        let published = app.engine.snapshot();
        let rulebook = published.rulebook.with_schema(schema);
        rulebook.try_apply_to(&published.full).map_err(|faults| {
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
