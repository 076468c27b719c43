//! The API: requests for the data and for logins, by method and path.

use std::sync::Arc;

use serde_json::{Value, json};
use warp::http::{HeaderName, Method, StatusCode, Uri, header};

use super::app::{App, Reply};
use super::body::Reading;
use super::guard::{self, Viewer};
use super::problem::{self, Problem};
use super::profile::translation::{own_request, shaped};
use super::request::Request;
use super::target::{Target, no_record, target};
use super::{body, costly, list, login, request, response, web_pages, write};
use crate::behaviour::Mode;
use crate::engine::{Published, is_hash};
use crate::json::{Object, get_member, pointer};
use crate::rules::Auth;
use crate::store::{Collection, Command, Operation, Record};
use crate::work::Work;

/// With the value `none`, records are sent without the profile. The explorer sends it, because it shows the stored
/// records.
const PROFILE: HeaderName = HeaderName::from_static("standin-profile");

/// Answers any request, in the `mode` that a rule of the routes file sets, and in the shape of the profile if there is
/// one.
pub(super) async fn answer(app: Arc<App>, request: Arc<Request>, mode: Option<Mode>) -> Reply {
    let is_shaped = || {
        request
            .headers
            .get(PROFILE)
            .is_none_or(|name| name != "none")
    };
    let Some(profile) = app.profile().filter(|_| is_shaped()) else {
        return plain(app, request, mode).await;
    };
    let own = Arc::new(own_request(&app, &profile, &request));
    let reply = plain(app.clone(), own.clone(), mode).await;
    Ok(shaped(&app, &profile, (&request, &own), reply))
}

/// Answers any request, without a profile.
async fn plain(app: Arc<App>, request: Arc<Request>, mode: Option<Mode>) -> Reply {
    let published = app.engine.snapshot();
    if request.method == Method::OPTIONS {
        let allow = match request.uri.path() {
            "*" => "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
            path => auth_methods(&app, path).unwrap_or_else(|| {
                target(&published.store, &request).map_or("OPTIONS", |target| target.allow())
            }),
        };
        return Ok(response::options(&request, &app.settings, allow));
    }
    let viewer = guard::viewer_of_data(&app, &published, &request).await;
    if let Some(reply) = auth_response(&app, &published, &request, &viewer).await {
        return reply;
    }
    let published = guard::view(published, &viewer);
    let target = target(&published.store, &request)?;
    guard::check(&published, &request, &target, &viewer)?;
    if !request.reads() {
        return write(&app, &published, &request, &target, (&viewer, mode)).await;
    }
    if let Some(reply) = try_read(&app, &published, &request, &target) {
        return reply;
    }
    drop(target);
    read_off_worker(app, published, request).await
}

/// The response to a read; `None`: it is too costly for this thread.
fn try_read(app: &App, published: &Published, request: &Request, target: &Target) -> Option<Reply> {
    if is_costly(published, request, target) {
        return None;
    }
    let work = Work::at_most(costly::INLINE_LIMIT);
    let reply = read(app, published, request, target, &work);
    (!work.is_stopped()).then_some(reply)
}

/// The response to a costly read, computed on a separate thread.
async fn read_off_worker(app: Arc<App>, published: Arc<Published>, request: Arc<Request>) -> Reply {
    let scheduler = app.scheduler.clone();
    let read = move |work: &Work<'_>| {
        let target = target(&published.store, &request)?;
        if let Target::Collection(resource) = &target
            && let Some(collection) = resource.collection()
        {
            // Writes keep the counts up to date, so the next query can stay on its thread.
            collection.count_names();
        }
        read(&app, &published, &request, &target, work)
    };
    scheduler.run(read).await
}

/// Whether reading `target` is known to be costly before any of its records is read. Other costs show only on the way.
fn is_costly(published: &Published, request: &Request, target: &Target) -> bool {
    let query = request.uri.query().unwrap_or("");
    let has_relations = query.contains("_embed") || query.contains("_expand");
    let must_look = match target {
        Target::Nested { .. } => true,
        Target::Collection(resource) => {
            let knows_names = resource.collection().is_none_or(Collection::knows_names);
            has_relations || (!query.is_empty() && !knows_names)
        }
        Target::Record(..) => has_relations,
        _ => false,
    };
    must_look && published.store.bytes() > costly::INLINE_LIMIT
}

fn read(
    app: &App,
    published: &Published,
    request: &Request,
    target: &Target,
    work: &Work<'_>,
) -> Reply {
    match target {
        Target::Home => Ok(web_pages::home(app, published)),
        Target::All => {
            let mut body = Vec::new();
            published.store.write_all(&mut body, work);
            Ok(response::json(StatusCode::OK, body))
        }
        Target::Collection(resource) => {
            list::collection(app, published, request, resource, None, work)
        }
        Target::Nested { parent, id, child } => {
            let nested = list::Nested::new(&published.store, parent, id, child);
            list::collection(app, published, request, child, Some(nested), work)
        }
        Target::Object(resource) | Target::Scalar(resource) => Ok(list::object(resource, work)),
        Target::Record(resource, id) => match resource.collection().and_then(|rows| rows.get(id)) {
            Some(record) => list::record(published, request, resource, record.value(), work),
            None => Err(no_record(&published.store, request, resource.name(), id)),
        },
    }
}

async fn write(
    app: &Arc<App>,
    published: &Published,
    request: &Arc<Request>,
    target: &Target<'_>,
    (viewer, mode): (&Viewer, Option<Mode>),
) -> Reply {
    app.check_writable(request.method.as_str())?;
    if let (Target::Collection(resource), "PATCH" | "DELETE", Some(Mode::Bulk)) =
        (target, request.method.as_str(), mode)
    {
        return write::bulk(app, request, resource.name(), viewer).await;
    }
    let (mut command, notice) = write::command(&published.store, request, target)?;
    let resource = command.resource.clone();
    if request.method == Method::POST {
        // A nested path names a parent, which does not prove who sends the request, as the body does not either.
        command.body = write::without_user(published, &resource, command.body);
    }
    let owner = |is_new| guard::owner(published, is_new, &resource, viewer);
    let (preset, preset_of_new) = (owner(request.method == Method::POST), owner(true));
    let command = command.with_preset(&preset);
    let mode = (mode, preset_of_new);
    let mut response = write::carry_out(app, request, command, mode).await?;
    response::hint(&mut response, notice.into_iter());
    Ok(response)
}

/// Whether a path is one of the API. The home page is not, so that a static `index.html` can replace it.
pub(super) fn is_target(app: &App, path: &str) -> bool {
    let target_is = |target: &Target| !matches!(target, Target::Home);
    with_target(app, path, target_is).unwrap_or(false)
}

/// The URI rewritten by the rules of `--routes`, if they change it.
pub(super) fn rewrite(app: &App, uri: &Uri) -> Option<Uri> {
    let routes = app.settings.routes.as_ref()?;
    let is_record = |path: &str| {
        let has_record = |target: &Target| match target {
            Target::Record(resource, id) => resource
                .collection()
                .is_some_and(|records| records.get(id).is_some()),
            _ => false,
        };
        with_target(app, path, has_record).unwrap_or(false)
    };
    let sent = request::target(uri);
    let current = routes.current();
    let rewritten = current.rewriter.apply(sent, is_record);
    (rewritten != sent).then(|| rewritten.parse().ok())?
}

/// The result of `check` on the target of a GET of `path`, if it has one.
fn with_target(app: &App, path: &str, check: impl Fn(&Target) -> bool) -> Option<bool> {
    let request = Request::get(path.parse().ok()?);
    let published = app.engine.snapshot();
    target(&published.store, &request)
        .ok()
        .map(|target| check(&target))
}

/// Answers a request for one of the paths that `x-auth` adds; `None` for other paths.
async fn auth_response(
    app: &App,
    published: &Published,
    request: &Request,
    viewer: &Viewer,
) -> Option<Reply> {
    let auth = published.rulebook.schema().auth()?;
    let path = request.uri.path();
    let (name, allow) = (auth_path(app, path)?, auth_methods(app, path)?);
    if !allow.split(", ").any(|method| request.method == method) {
        return Some(Err(request.not_allowed(allow)));
    }
    Some(match name {
        "register" => register(app, published, request, auth).await,
        "login" => log_in(app, published, request, auth).await,
        "logout" => viewer.claims(auth).map(|claims| {
            app.logins.revoke(claims);
            response::empty(StatusCode::NO_CONTENT)
        }),
        _ => viewer.logged_in(auth).map(|user| {
            let text = published.full.public_text(&auth.users, user.value());
            response::pretty(StatusCode::OK, &text)
        }),
    })
}

/// The path's name, if it is one of those that `x-auth` adds.
fn auth_path<'p>(app: &App, path: &'p str) -> Option<&'p str> {
    app.engine.schema().auth()?;
    let name = path.strip_prefix('/')?;
    let name = name.strip_suffix('/').unwrap_or(name);
    Auth::PATHS.contains(&name).then_some(name)
}

/// The methods of a path that `x-auth` adds; `None` for other paths.
fn auth_methods(app: &App, path: &str) -> Option<&'static str> {
    Some(match auth_path(app, path)? {
        "me" => "GET, HEAD, OPTIONS",
        _ => "POST, OPTIONS",
    })
}

/// The body, and the login and the password in it.
fn credentials(
    app: &App,
    published: &Published,
    request: &Request,
    auth: &Auth,
) -> Result<(Object, String, String), Problem> {
    let Auth {
        login, password, ..
    } = auth;
    let ann = "ann@example.com";
    let example = json!({ login: ann, password: "change-me-1" }).to_string();
    let is_complete = |sent: &&Object| {
        let has = |name: &str| get_member(sent.as_str(), name).is_some();
        has(login) && has(password)
    };
    let complete = |sent: Option<&Object>| {
        let sent = sent.filter(is_complete).map(Object::as_str);
        Some(sent.unwrap_or(&example).trim_ascii().to_string())
    };
    let (lenient, settings) = (Reading::Lenient, &app.settings);
    let sent = body::read(request, lenient, settings, complete, body::object)?;
    let text = |name: &str| login::text_of(sent.as_str(), name).filter(|text| !text.is_empty());
    let detail = format!("{login} and {password} are required");
    let mut problem = Problem::new(problem::LOGIN, detail);
    for name in [login, password]
        .into_iter()
        .filter(|name| text(name).is_none())
    {
        problem = problem.error(pointer::join("", name), "must be a non-empty string");
    }
    match (text(login), text(password)) {
        (Some(login), Some(password)) => Ok((sent.clone(), login, password)),
        _ => {
            let has_ann = login::user_with(published, auth, ann).is_some();
            let path = if has_ann { "/login" } else { "/register" };
            Err(problem.attempt(request.curl("POST", path, Some(&example))))
        }
    }
}

async fn register(app: &App, published: &Published, request: &Request, auth: &Auth) -> Reply {
    app.check_writable("this")?;
    let (sent, name, _) = credentials(app, published, request, auth)?;
    if login::user_with(published, auth, &name).is_some() {
        let detail = format!("there is a user with the {} {name}", auth.login);
        return Err(Problem::new(problem::LOGIN, detail)
            .error(pointer::join("", &auth.login), "is already in use")
            .hint("log in with POST /login, or choose another"));
    }
    let command = Command {
        resource: auth.users.clone(),
        id: None,
        operation: Operation::Create,
        body: Object::default(),
    };
    let outcome = write::save(app, command.clone().with_body(&sent), None).await;
    let outcome =
        outcome.map_err(|error| write::refused(app, request, Some((&command, &sent)), error))?;
    let published = app.engine.snapshot();
    let user = outcome
        .id
        .and_then(|id| login::users(&published, auth)?.get(&id));
    session(app, &published, auth, user, StatusCode::CREATED)
}

async fn log_in(app: &App, published: &Published, request: &Request, auth: &Auth) -> Reply {
    let (_, name, password) = credentials(app, published, request, auth)?;
    let wrong = |detail: String, name: &str| {
        Err(Problem::new(problem::LOGIN, detail).error(pointer::join("", name), "is wrong"))
    };
    let Some(user) = login::user_with(published, auth, &name) else {
        let detail = format!("there is no user with the {} {name}", auth.login);
        return wrong(detail, &auth.login)
            .map_err(|problem: Problem| problem.hint("POST /register adds one"));
    };
    let stored = login::text_of(user.value(), &auth.password).unwrap_or_default();
    let is_clear = !is_hash(&stored);
    if stored.is_empty() || !app.logins.verify(password, stored).await {
        return wrong("the password is wrong".into(), &auth.password);
    }
    let mut response = session(app, published, auth, Some(user), StatusCode::OK)?;
    let id = user.id().map_or_else(String::new, ToString::to_string);
    let clear = format!(
        "the {} of {}/{id} is clear text in the data file; a PATCH with it stores its hash.",
        auth.password, auth.users
    );
    response::hint(&mut response, is_clear.then_some(clear).into_iter());
    Ok(response)
}

/// The response to a login, in the format of json-server-auth.
fn session(
    app: &App,
    published: &Published,
    auth: &Auth,
    user: Option<&Arc<Record>>,
    status: StatusCode,
) -> Reply {
    let made = user.and_then(|user| {
        let token = app.logins.token(auth, user)?;
        let text = published.full.public_text(&auth.users, user.value());
        let user: Value = serde_json::from_str(&text).ok()?;
        Some(json!({ "accessToken": token, "user": user }))
    });
    let body = made.ok_or_else(|| Problem::new(problem::BUG, "no token could be made"))?;
    let mut response = response::value(status, &body);
    response::set_fixed(response.headers_mut(), header::CACHE_CONTROL, "no-store");
    Ok(response)
}
