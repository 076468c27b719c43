//! The paths that `x-auth` adds: register, log in, log out, and who is logged in.

use std::sync::Arc;

use serde_json::{Value, json};
use warp::http::{HeaderValue, StatusCode, header};

use super::app::{Answer, App};
use super::body::{self, Reading};
use super::guard::Viewer;
use super::login;
use super::problem::{self, Problem};
use super::request::Request;
use super::{response, write};
use crate::engine::{Published, is_hash};
use crate::json::{Object, get_member, pointer, unquote};
use crate::rules::Auth;
use crate::store::{Command, Operation, Record};

/// Answers a request for one of the paths that `x-auth` adds; `None` for other paths.
pub(super) async fn answer(
    app: &App,
    published: &Published,
    request: &Request,
    viewer: &Viewer,
) -> Option<Answer> {
    let auth = published.rulebook.schema().auth()?;
    let path = request.uri.path();
    let (name, allow) = (name(app, path)?, allow(app, path)?);
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
fn name<'p>(app: &App, path: &'p str) -> Option<&'p str> {
    app.engine.schema().auth()?;
    let name = path.strip_prefix('/')?;
    let name = name.strip_suffix('/').unwrap_or(name);
    Auth::PATHS.contains(&name).then_some(name)
}

/// The methods of a path that `x-auth` adds; `None` for other paths.
pub(super) fn allow(app: &App, path: &str) -> Option<&'static str> {
    Some(match name(app, path)? {
        "me" => "GET, HEAD, OPTIONS",
        _ => "POST, OPTIONS",
    })
}

/// The body, the login and the password in it.
fn credentials(
    app: &App,
    request: &Request,
    auth: &Auth,
) -> Result<(Object, String, String), Problem> {
    let Auth {
        login, password, ..
    } = auth;
    let example = json!({ login: "ann@example.com", password: "change-me-1" }).to_string();
    let is_complete = |sent: &&Object| {
        let has = |name: &str| get_member(sent.as_str(), name).is_some();
        has(login) && has(password)
    };
    let sent = body::object(request, Reading::Lenient, &app.settings, |sent| {
        let sent = sent.filter(is_complete).map(Object::as_str);
        Some(sent.unwrap_or(&example).trim_ascii().to_string())
    })?;
    let text = |name: &str| {
        let value = get_member(sent.as_str(), name)?;
        let text = value.starts_with('"').then(|| unquote(value).into_owned());
        text.filter(|text| !text.is_empty())
    };
    let detail = format!("{login} and {password} are required");
    let mut problem = Problem::new(problem::LOGIN, detail);
    for name in [login, password]
        .into_iter()
        .filter(|name| text(name).is_none())
    {
        problem = problem.error(pointer::join("", name), "must be a text");
    }
    match (text(login), text(password)) {
        (Some(login), Some(password)) => Ok((sent.clone(), login, password)),
        _ => Err(problem.attempt(request.curl("POST", request.uri.path(), Some(&example)))),
    }
}

async fn register(app: &App, published: &Published, request: &Request, auth: &Auth) -> Answer {
    app.check_writable("this")?;
    let (sent, name, _) = credentials(app, request, auth)?;
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

async fn log_in(app: &App, published: &Published, request: &Request, auth: &Auth) -> Answer {
    let (_, name, password) = credentials(app, request, auth)?;
    let wrong = |detail: String, name: &str| {
        Err(Problem::new(problem::LOGIN, detail).error(pointer::join("", name), "is not right"))
    };
    let Some(user) = login::user_with(published, auth, &name) else {
        let detail = format!("there is no user with the {} {name}", auth.login);
        return wrong(detail, &auth.login)
            .map_err(|problem: Problem| problem.hint("POST /register adds one"));
    };
    let stored = login::text_of(user, &auth.password).unwrap_or_default();
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

/// The response to a login, as json-server-auth has it.
fn session(
    app: &App,
    published: &Published,
    auth: &Auth,
    user: Option<&Arc<Record>>,
    status: StatusCode,
) -> Answer {
    let made = user.and_then(|user| {
        let token = app.logins.token(auth, user)?;
        let text = published.full.public_text(&auth.users, user.value());
        let user: Value = serde_json::from_str(&text).ok()?;
        Some(json!({ "accessToken": token, "user": user }))
    });
    let body = made.ok_or_else(|| Problem::new(problem::BUG, "no token could be made"))?;
    let mut response = response::value(status, &body);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
