//! Responses of the routes file: fixed and templated ones, files, redirects, changes of the data.

use std::sync::Arc;

use bytes::Bytes;
use minijinja::Value;
use minijinja::value::Serde;
use warp::http::{HeaderName, HeaderValue, Method, Response, StatusCode, Uri, header};

use super::app::{App, Reply};
use super::guard::{self, Viewer};
use super::problem::{self, Problem};
use super::request::Request;
use super::target::{Target, beginning, path_of, target};
use super::{api, body, login, response, static_files, write};
use crate::behaviour::{
    Action, CustomResponse, Facts, Headers, Matched, RoutesError, Scope, Text, Verb, What, value_of,
};
use crate::engine::Stage;
use crate::json::{Id, Kind, Object, unquote};
use crate::rules::Guard;
use crate::store::{Command, Outcome, Store};
use crate::text::{encode_target, path_encode};

/// Answers `request` with the response `custom` of the rule that it matches.
pub(super) async fn answer(
    app: &Arc<App>,
    request: &Arc<Request>,
    matched: &Matched<'_>,
    custom: &CustomResponse,
    viewer: &Viewer,
) -> Reply {
    // A broken body must not be treated as a missing one.
    body::check_json(request)?;
    let fail = |error: RoutesError| app.failed(&error);
    let scope = || scope(app, request, matched, viewer);
    match &custom.what {
        What::Api(mode) => {
            let mut response = api::answer(app.clone(), request.clone(), Some(*mode)).await?;
            response::set_status(&mut response, custom.status);
            Ok(response)
        }
        What::Body(None) => {
            let mut response = response::empty(StatusCode::OK);
            response::set_status(&mut response, custom.status);
            Ok(response)
        }
        What::Body(Some(template)) => {
            let text = template.render(&scope()).map_err(fail)?;
            Ok(json(custom.status.unwrap_or(200), &text))
        }
        What::Redirect(text) => {
            let mut response = response::empty(StatusCode::FOUND);
            response::set_status(&mut response, custom.status);
            let target = text.render(&scope()).map_err(fail)?;
            set_header(app, &mut response, "location", (text, &target))?;
            Ok(response)
        }
        What::File(path) => {
            let path = path.render(&scope()).map_err(fail)?;
            let mut response = file(app, request, &path).await?;
            if response.status() == StatusCode::OK {
                response::set_status(&mut response, custom.status);
            }
            Ok(response)
        }
        What::Actions(actions, template) => {
            app.check_writable(request.method.as_str())?;
            let facts = facts(app, request, matched, viewer);
            let access = matched.rule.guard.as_ref();
            let actor = Actor {
                facts: facts.clone(),
                viewer: viewer.clone(),
                guard: access.map(|access| access.of(request.reads()).clone()),
            };
            let last = carry_out(app, request, actions, &actor).await?;
            let is_new = actions.last().is_some_and(|one| one.verb == Verb::Post);
            let status = custom.status.unwrap_or(if is_new { 201 } else { 200 });
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

/// The viewer for whom actions are carried out, and the variables of their templates.
#[derive(Clone)]
struct Actor {
    facts: Facts,
    viewer: Viewer,
    /// The guard of the rule itself, which has let the viewer pass.
    guard: Option<Guard>,
}

/// Carries out the actions of a rule as one write. Returns the last record without hidden properties.
async fn carry_out(
    app: &Arc<App>,
    request: &Arc<Request>,
    actions: &Arc<[Action]>,
    actor: &Actor,
) -> Result<String, Problem> {
    let steps = (0..actions.len()).map(|at| {
        let (app, request, actions) = (app.clone(), request.clone(), actions.clone());
        let mut actor = actor.clone();
        actor.facts.seed = actor.facts.seed.wrapping_add(at as u64);
        Box::new(move |store: &Store, last: Option<&Outcome>| {
            let (data, published, viewer) =
                (store.clone(), app.engine.snapshot(), actor.viewer.clone());
            let mut scope = Scope::new(&actor.facts, move || {
                let public = data.public(None);
                guard::narrowed(&public, &published, &viewer).unwrap_or(public)
            });
            if let Some(outcome) = last {
                scope = scope.with_result(&app.seen(outcome));
            }
            let scope = Arc::new(scope);
            act(&app, store, &request, &actions[at], (&actor, &scope)).map_err(write::declined)
        }) as Stage
    });
    let outcomes = app.engine.write_all(steps.collect()).await;
    let outcomes = outcomes.map_err(|error| write::refused(app, request, None, error))?;
    let last = outcomes.last().map(|outcome| app.seen(outcome));
    Ok(last.unwrap_or_else(|| "null".into()))
}

/// The commands of one action: one, or with a query those of the records that it selects.
fn act(
    app: &App,
    store: &Store,
    request: &Request,
    action: &Action,
    (actor, scope): (&Actor, &Arc<Scope>),
) -> Result<Vec<Command>, Problem> {
    let inner = inner_request(app, store, request, action, scope)?;
    let (published, viewer) = (app.engine.snapshot(), &actor.viewer);
    let target = target(store, &inner)?;
    let is_for_owners = actor.guard == Some(Guard::Owner);
    match &target {
        _ if actor.guard.is_none() => guard::check(&published, &inner, &target, viewer)?,
        Target::Record(resource, id)
        | Target::Nested {
            parent: resource,
            id,
            ..
        } if is_for_owners => {
            guard::check_owner(&published, viewer, resource.name(), id)?;
        }
        _ => {}
    }
    let body = match action.verb {
        Verb::Delete => None,
        _ => Some(body_of(app, action, scope)?),
    };
    let is_of_many =
        matches!(action.verb, Verb::Patch | Verb::Delete) && inner.uri.query().is_some();
    let mut commands = match &target {
        Target::Collection(resource) if is_of_many => {
            let mut changes =
                write::changes(app, store, &inner, (resource, body.as_ref()), viewer)?;
            let is_own =
                |id: &Id| guard::check_owner(&published, viewer, resource.name(), id).is_ok();
            changes.retain(|change| !is_for_owners || change.id.as_ref().is_none_or(is_own));
            changes
        }
        _ => vec![write::command(store, &inner, &target)?.0],
    };
    if let Some(body) = body {
        for command in &mut commands {
            let is_new = action.verb == Verb::Post;
            let owner = match actor.guard {
                // It may be somebody else's record; the owner stays.
                Some(_) if !is_new => guard::kept_owner(&published, store, command),
                _ => guard::owner(&published, is_new, &command.resource, viewer),
            };
            *command = command.clone().with_preset(&owner).with_body(&body);
            login::refuse_password(&app.engine, command)?;
        }
    }
    Ok(commands)
}

/// The request that an action makes.
fn inner_request(
    app: &App,
    store: &Store,
    request: &Request,
    action: &Action,
    scope: &Arc<Scope>,
) -> Result<Request, Problem> {
    let path = match &action.to {
        Some(to) => to
            .render_target(scope)
            .map_err(|error| app.failed(&error))?,
        None => own_path(store, request, action.verb),
    };
    let uri = encode_target(&path).parse::<Uri>();
    let uri =
        uri.map_err(|_| Problem::new(problem::BAD_TARGET, format!("{path:?} is not a path")))?;
    let mut inner = Request {
        method: match action.verb {
            Verb::Post => Method::POST,
            Verb::Put => Method::PUT,
            Verb::Patch => Method::PATCH,
            Verb::Delete => Method::DELETE,
        },
        ..Request::get(uri)
    };
    // For the URLs of hints.
    if let Some(host) = request.headers.get(header::HOST) {
        inner.headers.insert(header::HOST, host.clone());
    }
    Ok(inner)
}

fn body_of(app: &App, action: &Action, scope: &Arc<Scope>) -> Result<Object, Problem> {
    let body = action.body.render(scope);
    let body = body.map_err(|error| app.failed(&error))?;
    Object::parse(&body).map_err(|_| {
        app.failed(&format!(
            "{}: the body of the action is not an object: {body}",
            action.place
        ))
    })
}

/// The path of the record, object or (for a POST) collection that the path of `request` begins with: `/todos/1` for
/// `/todos/1/done`.
fn own_path(store: &Store, request: &Request, verb: Verb) -> String {
    let path = request.uri.path();
    let Some((resource, id)) = beginning(store, path) else {
        return path.to_string();
    };
    let is_of_record = verb != Verb::Post && resource.collection().is_some();
    match id.filter(|_| is_of_record) {
        Some(id) => path_of(&[resource.name(), &id.to_string()]),
        None => path_of(&[resource.name()]),
    }
}

/// The file at `path`, below the folder of the routes file.
async fn file(app: &App, request: &Arc<Request>, path: &str) -> Reply {
    let routes = app.settings.routes.as_ref().map(|routes| routes.current());
    let routes = routes.and_then(|routes| routes.path.clone());
    let folder = routes.and_then(|path| {
        let path = std::path::absolute(path).ok()?;
        path.parent()?.canonicalize().ok()
    });
    let gone = || {
        let detail = format!("there is no file {path:?} beside the routes file");
        Problem::new(problem::NO_RESOURCE, detail)
            .hint("the path is relative to the folder of the routes file, and cannot leave it")
    };
    let encoded: Vec<_> = path.split('/').map(path_encode).collect();
    let found = static_files::find(folder.ok_or_else(gone)?, encoded.join("/")).await;
    static_files::answer(found.ok_or_else(gone)?, request.clone()).await
}

/// The variables of `request` for templates.
fn facts(app: &App, request: &Request, matched: &Matched<'_>, viewer: &Viewer) -> Facts {
    let object = |pairs: Vec<(String, String)>| Value::from(Serde(body::by_name(pairs)));
    let headers = request.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.to_string(), value)
    });
    Facts {
        params: object(matched.parameters.clone()),
        query: object(request.pairs().unwrap_or_default()),
        headers: object(headers.collect()),
        body: Value::from(Serde(body::any(request))),
        user: viewer.user.as_ref().zip(app.engine.schema().auth()).map_or(
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

/// The scope of a rule's templates.
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

/// A response with JSON as its body.
pub(super) fn json(status: u16, text: &str) -> Response<Bytes> {
    response::pretty(StatusCode::from_u16(status).unwrap_or_default(), text)
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

/// Sets a header to `value`, the result of `text`.
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
