//! The admin routes under `/-/`: for tests and teaching, from this machine and the server's own page only.

use std::sync::Arc;

use serde_json::{Value, json};
use warp::http::{HeaderName, Method, StatusCode, header};

use super::app::{Answer, App};
use super::guard::viewer;
use super::origin::is_loopback;
use super::problem::{self, Problem};
use super::request::{Body, Request, encode};
use super::routes_file::InEffect;
use super::{body, response, write};
use crate::behaviour::RoutesFile;
use crate::engine::{Back, Notice, Trouble, WriteError};
use crate::json::Layout;
use crate::store::{Collection, Data, Refusal, Resource};
use crate::text::{list, nearest, percent_decode};

/// How many snapshots can be taken.
const MAX_SNAPSHOTS: usize = 100;
/// The longest name of a snapshot, in bytes.
const MAX_NAME: usize = 100;

/// `GET /-/health`.
pub(super) async fn health(app: Arc<App>, _: Arc<Request>) -> Answer {
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

/// What a resource is, in a word.
pub(super) fn kind(resource: &Resource) -> &'static str {
    match resource.data() {
        Data::Collection(_) => "collection",
        Data::Object(_) => "object",
        Data::Scalar(_) => "value",
    }
}

/// What is wrong with a file, for people.
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
pub(super) async fn settings(app: Arc<App>, request: Arc<Request>) -> Answer {
    if request.method == warp::http::Method::PUT {
        guard(&app, &request)?;
        let bad = || {
            Problem::new(
                problem::NOT_AN_OBJECT,
                "the settings are an object with readOnly",
            )
            .hint("for example: {\"readOnly\": true}")
        };
        let Body::Whole(body) = &request.body else {
            return Err(bad());
        };
        let wanted: Value = serde_json::from_slice(body).map_err(|_| bad())?;
        let read_only = wanted
            .get("readOnly")
            .and_then(Value::as_bool)
            .ok_or_else(bad)?;
        if app.settings.read_only && !read_only {
            return Err(app.read_only_problem("the option of the command line wins"));
        }
        app.set_read_only(read_only);
    }
    response::ok(&json!({ "readOnly": app.is_read_only() }))
}

/// `GET /-/requests`.
pub(super) async fn requests(app: Arc<App>, request: Arc<Request>) -> Answer {
    guard(&app, &request)?;
    let after = request
        .first("after")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    response::ok(&app.request_log.after(after))
}

/// `GET`, `PUT` and `DELETE /-/faults`: rules that fail, delay and limit requests, set at run time.
pub(super) async fn faults(app: Arc<App>, request: Arc<Request>) -> Answer {
    guard(&app, &request)?;
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
    let text = if current.has_no_rules() {
        "{}"
    } else {
        current.text()
    };
    let mut body = Vec::new();
    Layout::PRETTY.write(&mut body, text, "");
    Ok(response::json(StatusCode::OK, body))
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
        return Err(wrong(
            format!("{path:?} is a rewrite; only fail, delay and limit can be set at run time"),
            None,
        ));
    }
    if let Some(rule) = rules
        .rules()
        .find(|rule| rule.answer.is_some() || rule.guard.is_some())
    {
        let detail = format!(
            "{}: the rule {:?} has more than fail, delay and limit",
            rule.place, rule.key
        );
        return Err(wrong(detail, None));
    }
    Ok(rules)
}

/// `GET /-/conflicts`.
pub(super) async fn conflicts(app: Arc<App>, request: Arc<Request>) -> Answer {
    let published = app.engine.snapshot();
    let viewer = viewer(&app, &published, &request).await;
    let all = app
        .engine
        .conflicts()
        .into_iter()
        .filter_map(|mut conflict| {
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
        });
    response::ok(&all.collect())
}

/// `GET /__rules`: what json-server's home page asks for, and scripts with it.
pub(super) async fn rewrite_rules(app: Arc<App>, _: Arc<Request>) -> Answer {
    let file = app
        .settings
        .routes
        .as_ref()
        .map(|routes| routes.current())
        .unwrap_or_default();
    let rules = file
        .rewriter
        .rules()
        .map(|(_, rule, target)| (rule.to_string(), target.into()));
    response::ok(&Value::Object(rules.collect()))
}

/// Refuses requests that are not from this machine or that another site is behind.
///
/// # Errors
/// The admin routes are disabled; the peer is another machine; or a page of another site sent the request: browsers send
/// `Origin` with each POST and `Sec-Fetch-Site` with everything. `Host` must name this machine, or a name that resolves to
/// it (DNS rebinding) would be its own origin. A proxy on this machine passes on the requests of other machines.
pub(super) fn guard(app: &App, request: &Request) -> Result<(), Problem> {
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
            "ask for localhost",
        );
    }
    let site = request.header(HeaderName::from_static("sec-fetch-site"));
    let own = format!(
        "http://{}",
        request.header(header::HOST).unwrap_or_default()
    );
    let origin = request.headers.get(header::ORIGIN);
    if site.is_some_and(|site| site != "same-origin" && site != "none")
        || origin.is_some_and(|origin| origin.as_bytes() != own.as_bytes())
    {
        return closed(
            "the request comes from a page of another origin; the admin routes accept only programs and standin's own page",
            "use the page that standin serves at /, or a client that is not a browser, such as curl",
        );
    }
    Ok(())
}

/// `POST /-/reset`.
pub(super) async fn reset(app: Arc<App>, request: Arc<Request>) -> Answer {
    guard(&app, &request)?;
    if let Some(version) = request.first("version") {
        return reset_to(&app, &request, &version).await;
    }
    let name = request.first("snapshot").unwrap_or_else(|| "start".into());
    let store = if name == "start" {
        app.start.clone()
    } else {
        let snapshots = app
            .snapshots
            .lock()
            .map(|snapshots| snapshots.clone())
            .unwrap_or_default();
        match snapshots.get(&name) {
            Some((_, store)) => store.clone(),
            None => return Err(no_snapshot(&request, &name, snapshots.keys())),
        }
    };
    let version = back(&app, &request, Back::To(Box::new(store))).await?;
    app.restart_rules();
    response::ok(&json!({ "snapshot": name, "version": version }))
}

/// `POST /-/reset?version=7`: back to what the data was in that version.
async fn reset_to(app: &App, request: &Request, version: &str) -> Answer {
    let store = version
        .parse()
        .ok()
        .and_then(|version| app.engine.at(version));
    let Some(store) = store else {
        return Err(Problem::new(
            problem::NO_SNAPSHOT,
            format!("the data of version {version} is not kept"),
        )
        .hint("GET /-/history lists the versions that are"));
    };
    let version = back(app, request, Back::To(Box::new(store))).await?;
    response::ok(&json!({ "version": version }))
}

/// `POST /-/undo`.
pub(super) async fn undo(app: Arc<App>, request: Arc<Request>) -> Answer {
    guard(&app, &request)?;
    let version = request
        .first("version")
        .map(|text| text.parse())
        .transpose();
    let Ok(version) = version else {
        return Err(Problem::new(
            problem::BAD_QUERY,
            "version: it is the number of a version of the data",
        )
        .hint("for example: version=1; GET /-/health has the current one"));
    };
    match back(&app, &request, Back::Undo { version }).await? {
        Some(version) => response::ok(&json!({ "version": version })),
        None => Err(Problem::new(
            problem::NOTHING_TO_UNDO,
            "there is no change that could be undone",
        )
        .hint("the last hundred changes since the start can be")),
    }
}

async fn back(app: &App, request: &Request, back: Back) -> Result<Option<u64>, Problem> {
    if app.is_read_only() {
        return Err(app.read_only_problem("this would change the data"));
    }
    app.engine.back(back).await.map_err(|error| match error {
        WriteError::Refused(Refusal::Changed) => Problem::new(
            problem::CHANGED,
            "the data has changed since that version, and something else would be undone",
        )
        .hint("look at what has changed, and ask again with the version that is there now"),
        error => write::refused(&app.engine, &app.engine.snapshot(), request, None, error),
    })
}

/// `POST /-/snapshots/NAME`.
pub(super) async fn take_snapshot(app: Arc<App>, request: Arc<Request>) -> Answer {
    guard(&app, &request)?;
    let path = request.uri.path();
    let name = path
        .strip_suffix('/')
        .unwrap_or(path)
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let bad = |why: &str| {
        Problem::new(problem::BAD_TARGET, why).hint("for example: POST /-/snapshots/before")
    };
    let name = percent_decode(name).ok_or_else(|| bad("the name has a broken percent escape"))?;
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
    let Ok(mut named) = app.snapshots.lock() else {
        return Err(Problem::new(
            problem::BUG,
            "the snapshots cannot be reached",
        ));
    };
    if named.len() >= MAX_SNAPSHOTS && !named.contains_key(name.as_ref()) {
        return Err(Problem::new(
            problem::ADMIN,
            format!("there are {MAX_SNAPSHOTS} snapshots already"),
        )
        .hint("take it under a name that is there"));
    }
    named.insert(
        name.to_string(),
        (published.version, published.full.clone()),
    );
    Ok(response::value(
        StatusCode::CREATED,
        &json!({ "snapshot": name, "version": published.version }),
    ))
}

/// `GET /-/snapshots`.
pub(super) async fn snapshots(app: Arc<App>, request: Arc<Request>) -> Answer {
    guard(&app, &request)?;
    let mut all = vec![json!({ "snapshot": "start", "version": 0 })];
    if let Ok(named) = app.snapshots.lock() {
        all.extend(
            named
                .iter()
                .map(|(name, (version, _))| json!({ "snapshot": name, "version": version })),
        );
    }
    response::ok(&all.into())
}

fn no_snapshot<'a>(
    request: &Request,
    name: &str,
    names: impl Iterator<Item = &'a String>,
) -> Problem {
    let names: Vec<String> = std::iter::once("start".to_string())
        .chain(names.cloned())
        .collect();
    let problem = Problem::new(problem::NO_SNAPSHOT, format!("there is no snapshot {name}"));
    let near = nearest(name, names.iter().map(String::as_str));
    let hint = match near {
        Some(near) => format!("did you mean {near}?"),
        None => format!(
            "there {} {}",
            if names.len() == 1 { "is" } else { "are" },
            list(&names)
        ),
    };
    let other = near.unwrap_or("start");
    problem.hint(hint).attempt(request.curl(
        "POST",
        &format!("/-/reset?snapshot={}", encode(other)),
        None,
    ))
}
