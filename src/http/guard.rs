//! Guards: who sends a request, what they may read, and what they may write.
//!
//! A reader sees the data through [`view`], in which the resources that they may not read are empty and those with the
//! guard `owner` have only their own records. So lists, relations, nested paths and `/db` need no further checks.
//! [`check`] refuses requests that ask for such a resource by name.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use warp::http::{HeaderMap, HeaderValue, header};

use super::app::App;
use super::login::{self, Claims};
use super::problem::{self, Problem};
use super::request::Request;
use super::target::{Target, beginning, target};
use crate::engine::Published;
use crate::json::{Id, Object, get_member, quote};
use crate::query::names_in;
use crate::rules::{Access, Auth, Generated, Guard};
use crate::store::{Command, Operation, Record, Store};

/// The sender of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Viewer {
    /// The record of the user who is logged in.
    pub(super) user: Option<Arc<Record>>,
    claims: Option<Claims>,
    bearer: Option<String>,
    is_basic: bool,
    headers: HeaderMap,
}

/// The viewer of a request for the data. Skips the login if the rules do not restrict access.
pub(super) async fn viewer_of_data(app: &App, published: &Published, request: &Request) -> Viewer {
    let schema = published.rulebook.schema();
    if schema.auth().is_none() && schema.guards.is_empty() {
        return Viewer::default();
    }
    viewer(app, published, request).await
}

/// The viewer of a request.
pub(super) async fn viewer(app: &App, published: &Published, request: &Request) -> Viewer {
    let schema = published.rulebook.schema();
    let mut viewer = Viewer {
        headers: request.headers.clone(),
        ..Viewer::default()
    };
    let sent = request.header(header::AUTHORIZATION).unwrap_or_default();
    let (scheme, value) = sent.trim().split_once(' ').unwrap_or_default();
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        viewer.bearer = Some(value.to_string());
    }
    let Some(auth) = schema.auth() else {
        return viewer;
    };
    if let Some(claims) = viewer
        .bearer
        .as_deref()
        .and_then(|token| app.logins.claims(token))
    {
        let id = Id::from_text(&claims.sub);
        viewer.user = login::users(published, auth).and_then(|users| users.get(&id).cloned());
        viewer.claims = viewer.user.is_some().then_some(claims);
    }
    if scheme.eq_ignore_ascii_case("basic")
        && let Ok(decoded) = BASE64_STANDARD.decode(value)
        && let Ok(text) = String::from_utf8(decoded)
        && let Some(pair) = text.split_once(':')
    {
        viewer.user = app.logins.basic(auth, published, pair).await.cloned();
        viewer.is_basic = viewer.user.is_some();
    }
    viewer
}

/// Why a guard does not let a viewer pass.
enum Denied {
    /// They are not logged in.
    NotLoggedIn(&'static str),
    /// They are logged in, and may not.
    Forbidden,
}

impl Viewer {
    /// Whether `guard` lets the viewer pass. [`Guard::Owner`] is checked for each record, too.
    fn passes(&self, guard: &Guard) -> Result<(), Denied> {
        let only = |passes: bool, denied: Denied| if passes { Ok(()) } else { Err(denied) };
        match guard {
            Guard::Anyone => Ok(()),
            Guard::Nobody => Err(Denied::Forbidden),
            Guard::User | Guard::Owner => only(self.user.is_some(), Denied::NotLoggedIn("Bearer")),
            Guard::Role(role) => {
                let user = self.user.as_ref().ok_or(Denied::NotLoggedIn("Bearer"))?;
                let has = |name: &str| {
                    let value = get_member(user.value(), name).unwrap_or("null");
                    match serde_json::from_str(value) {
                        Ok(serde_json::Value::String(own)) => own == *role,
                        Ok(serde_json::Value::Array(all)) => all.iter().any(|one| one == role),
                        _ => false,
                    }
                };
                only(has("role") || has("roles"), Denied::Forbidden)
            }
            Guard::Token(token) => {
                let fits = self.bearer.as_ref() == Some(token);
                only(fits, Denied::NotLoggedIn("Bearer"))
            }
            Guard::Basic => only(self.is_basic, Denied::NotLoggedIn("Basic")),
            Guard::Key { header, value } => {
                let sent = self.headers.get(header.as_str()).map(HeaderValue::as_bytes);
                let fits = sent.is_some_and(|sent| match value {
                    Some(value) => sent == value.as_bytes(),
                    None => !sent.is_empty(),
                });
                only(fits, Denied::NotLoggedIn("Key"))
            }
        }
    }

    /// The user who is logged in.
    pub(super) fn logged_in(&self, auth: &Auth) -> Result<&Arc<Record>, Problem> {
        self.user.as_ref().ok_or_else(|| self.no_login(auth))
    }

    /// The claims of the user's token.
    pub(super) fn claims(&self, auth: &Auth) -> Result<&Claims, Problem> {
        self.claims.as_ref().ok_or_else(|| self.no_login(auth))
    }

    fn no_login(&self, auth: &Auth) -> Problem {
        let denied = Denied::NotLoggedIn("Bearer");
        refused(self, &Guard::User, Some(auth), denied, "this")
    }

    /// Whether a record of `resource` belongs to the user.
    fn owns(&self, store: &Store, auth: Option<&Auth>, resource: &str, record: &str) -> bool {
        let (Some(user), Some(auth)) = (&self.user, auth) else {
            return false;
        };
        let id_in =
            |record: &str, property: &str| get_member(record, property).and_then(Id::from_json);
        if resource == auth.users {
            let id = &store.settings().id;
            let own = id_in(user.value(), id);
            return own.is_some() && id_in(record, id) == own;
        }
        let link = store.link(resource, &auth.users);
        let own = id_in(user.value(), &link.target);
        own.is_some_and(|own| link.pointers(record).contains(&own))
    }

    /// Whether the viewer may change `record` of `resource`, whose guard lets them pass.
    pub(super) fn may_write(&self, app: &App, resource: &str, record: &str) -> bool {
        let published = app.engine.snapshot();
        let (schema, store) = (published.rulebook.schema(), &published.full);
        let guard = schema.access(resource).map(|access| &access.write);
        guard != Some(&Guard::Owner) || self.owns(store, schema.auth(), resource, record)
    }

    /// Whether the viewer may see `record` of `resource`; `None`: it was deleted.
    pub(super) fn may_see(&self, app: &App, resource: &str, record: Option<&str>) -> bool {
        let schema = app.engine.schema();
        let Some(Access { read, .. }) = schema.access(resource) else {
            return true;
        };
        let owns = |record| self.owns(&app.engine.snapshot().full, schema.auth(), resource, record);
        self.passes(read).is_ok() && (*read != Guard::Owner || record.is_some_and(owns))
    }
}

/// The data as the viewer sees it.
pub(super) fn view(published: Arc<Published>, viewer: &Viewer) -> Arc<Published> {
    match narrowed(&published.store, &published, viewer) {
        Some(store) => Arc::new(published.restricted_to(store)),
        None => published,
    }
}

/// The part of `store` that the viewer may see; `None`: all of it.
pub(super) fn narrowed(store: &Store, published: &Published, viewer: &Viewer) -> Option<Store> {
    let schema = published.rulebook.schema();
    let mut seen: Option<Store> = None;
    for (resource, access) in &schema.guards {
        let may = viewer.passes(&access.read).is_ok();
        if may && access.read != Guard::Owner {
            continue;
        }
        let store = seen.as_ref().unwrap_or(store);
        let owns =
            |record: &Record| viewer.owns(&published.full, schema.auth(), resource, record.value());
        seen = Some(store.narrowed(resource, may.then_some(&owns as &dyn Fn(&Record) -> bool)));
    }
    seen
}

/// Refuses a request whose target or relations the viewer may not read or write. `published` is everything.
///
/// # Errors
/// 401 or 403, with a hint.
pub(super) fn check(
    published: &Published,
    request: &Request,
    target: &Target<'_>,
    viewer: &Viewer,
) -> Result<(), Problem> {
    let schema = published.rulebook.schema();
    if schema.guards.is_empty() {
        return Ok(());
    }
    let check = Check {
        published,
        viewer,
        reads: request.reads(),
    };
    let Some(base) = check.target(target)? else {
        return Ok(());
    };
    let adds_user = request.method == "POST" && check.is_users(base);
    if adds_user && check.guard(base, false) == Some(&Guard::Owner) {
        return Err(not_owner(viewer, schema.auth(), base).hint("POST /register adds a user"));
    }
    check.relations(base, &request.pairs().unwrap_or_default())
}

/// The check of a request against the guards of the rules.
struct Check<'a> {
    /// All data, whatever the viewer may see.
    published: &'a Published,
    viewer: &'a Viewer,
    /// It is a GET or HEAD.
    reads: bool,
}

impl Check<'_> {
    fn auth(&self) -> Option<&Auth> {
        self.published.rulebook.schema().auth()
    }

    /// Whether `resource` is the collection of the users.
    fn is_users(&self, resource: &str) -> bool {
        self.auth().is_some_and(|auth| auth.users == resource)
    }

    fn guard(&self, resource: &str, reads: bool) -> Option<&Guard> {
        let access = self.published.rulebook.schema().access(resource)?;
        Some(access.of(reads))
    }

    /// Whether the viewer may use `resource` at all.
    fn resource(&self, resource: &str, reads: bool) -> Result<(), Problem> {
        let Some(guard) = self.guard(resource, reads) else {
            return Ok(());
        };
        let refuse = |denied| refused(self.viewer, guard, self.auth(), denied, resource);
        self.viewer.passes(guard).map_err(refuse)
    }

    /// Whether the viewer may use a record of a resource that they may use.
    fn record(&self, resource: &str, id: &Id) -> Result<(), Problem> {
        match self.guard(resource, self.reads) {
            Some(Guard::Owner) => check_owner(self.published, self.viewer, resource, id),
            _ => Ok(()),
        }
    }

    /// Checks the target; returns its resource, if it is about one.
    fn target<'t>(&self, target: &Target<'t>) -> Result<Option<&'t str>, Problem> {
        let name = match target {
            Target::Home | Target::All => return Ok(None),
            Target::Collection(resource) | Target::Object(resource) | Target::Scalar(resource) => {
                self.resource(resource.name(), self.reads)?;
                resource.name()
            }
            Target::Record(resource, id) => {
                self.resource(resource.name(), self.reads)?;
                self.record(resource.name(), id)?;
                resource.name()
            }
            Target::Nested { parent, id, child } => {
                self.resource(parent.name(), true)?;
                self.resource(child.name(), self.reads)?;
                self.record(parent.name(), id)?;
                let own = self.viewer.user.as_ref().and_then(|user| user.id());
                let is_of_others = self.is_users(parent.name()) && own != Some(id);
                let guard = self.guard(child.name(), self.reads);
                if !self.reads && is_of_others && guard == Some(&Guard::Owner) {
                    return Err(not_owner(self.viewer, self.auth(), child.name()));
                }
                child.name()
            }
        };
        Ok(Some(name))
    }

    /// Checks the other resources that `pairs`, the parameters of the request, name: those embedded in the response,
    /// and those that a deletion cascades to.
    fn relations(&self, base: &str, pairs: &[(String, String)]) -> Result<(), Problem> {
        let full = &self.published.full;
        let related = ["_embed", "_expand"].map(|parameter| names_in(pairs, parameter));
        for name in related.iter().flatten() {
            let mut from = base.to_string();
            for step in name.split('.') {
                let parent = full.parent_named(&from, step).map(|(parent, _)| parent);
                let both = [Some(step.to_string()), parent].into_iter().flatten();
                for related in both.filter(|related| full.resource(related).is_some()) {
                    self.resource(&related, true)?;
                    from = related;
                }
            }
        }
        let dependent = names_in(pairs, "_dependent");
        let mut dependent = dependent.iter().filter(|_| !self.reads);
        dependent.try_for_each(|name| self.resource(name, false))
    }
}

/// Refuses viewers who do not own an existing record.
///
/// # Errors
/// 403, with a hint.
pub(super) fn check_owner(
    published: &Published,
    viewer: &Viewer,
    resource: &str,
    id: &Id,
) -> Result<(), Problem> {
    let auth = published.rulebook.schema().auth();
    let records = published.full.records(resource);
    match records.and_then(|records| records.get(id)) {
        Some(record) if !viewer.owns(&published.full, auth, resource, record.value()) => {
            Err(not_owner(viewer, auth, resource))
        }
        _ => Ok(()),
    }
}

fn not_owner(viewer: &Viewer, auth: Option<&Auth>, what: &str) -> Problem {
    refused(viewer, &Guard::Owner, auth, Denied::Forbidden, what)
}

/// The owner of a record that is replaced, to be kept.
pub(super) fn kept_owner(published: &Published, store: &Store, command: &Command) -> Object {
    let auth = published.rulebook.schema().auth();
    let (Operation::Replace, Some(auth), Some(current)) =
        (&command.operation, auth, store.current(command))
    else {
        return Object::default();
    };
    let link = published.full.link(&command.resource, &auth.users);
    match get_member(current, &link.key) {
        Some(owner) => Object::default().with(&link.key, owner),
        None => Object::default(),
    }
}

/// The owner that the viewer's login sets in the body of a write to `resource`. `is_new`: it adds a record.
pub(super) fn owner(
    published: &Published,
    is_new: bool,
    resource: &str,
    viewer: &Viewer,
) -> Object {
    let schema = published.rulebook.schema();
    let (Some(auth), Some(user)) = (schema.auth(), &viewer.user) else {
        return Object::default();
    };
    let value = |target: &str| get_member(user.value(), target).unwrap_or("null");
    let mut members = Object::default();
    if is_new {
        let rules = schema.rules(resource);
        let properties = rules.iter().flat_map(|rules| &rules.properties);
        for property in properties.filter(|one| one.generated == Some(Generated::User)) {
            members = members.with(&property.name, value(&published.full.settings().id));
        }
    }
    let guard = schema.access(resource).map(|access| &access.write);
    if guard == Some(&Guard::Owner) && resource != auth.users {
        let link = published.full.link(resource, &auth.users);
        let own = value(&link.target);
        // With several owners, each may change the others.
        members = match link.many {
            true if is_new => members.with(&link.key, &format!("[{own}]")),
            true => members,
            false => members.with(&link.key, own),
        };
    }
    members
}

/// Refuses a request that a guard of the routes file does not let pass.
///
/// # Errors
/// 401 or 403, with a hint.
pub(super) fn check_route(
    app: &App,
    request: &Request,
    viewer: &Viewer,
    access: &Access,
) -> Result<(), Problem> {
    let guard = access.of(request.reads());
    let path = request.uri.path();
    let published = app.engine.snapshot();
    let auth = published.rulebook.schema().auth();
    viewer
        .passes(guard)
        .map_err(|denied| refused(viewer, guard, auth, denied, path))?;
    if *guard != Guard::Owner {
        return Ok(());
    }
    let target = target(&published.full, request);
    let is_list = matches!(target, Ok(Target::All | Target::Collection(_)));
    if is_list && request.method != "POST" {
        return Err(not_owner(viewer, auth, path).hint(
            "here `owner` is for single records; `x-guard` in the rules gives everybody a list of their own",
        ));
    }
    match beginning(&published.full, path) {
        Some((resource, Some(id))) => check_owner(&published, viewer, resource.name(), &id),
        _ => Ok(()),
    }
}

fn refused(
    viewer: &Viewer,
    guard: &Guard,
    auth: Option<&Auth>,
    denied: Denied,
    what: &str,
) -> Problem {
    let whose = match guard {
        Guard::Owner => "their owner".to_string(),
        Guard::Role(role) => format!("users with the role {role}"),
        Guard::Nobody => "nobody".into(),
        Guard::Token(_) => "those who send the token".into(),
        Guard::Basic => "users who send login and password".into(),
        Guard::Key { header, .. } => format!("those who send the header {header}"),
        Guard::User | Guard::Anyone => "users who are logged in".into(),
    };
    let Denied::NotLoggedIn(scheme) = denied else {
        let hint = match guard {
            Guard::Owner => "request your own records".to_string(),
            Guard::Role(role) => format!("log in as a user whose `role` is {}", quote(role)),
            _ => "change the guard in the rules".into(),
        };
        let detail = format!("{what} is for {whose}");
        return Problem::new(problem::FORBIDDEN, detail).hint(hint);
    };
    let hint = match (guard, auth) {
        (Guard::Token(_), _) => {
            "send the header `Authorization: Bearer TOKEN` with the token that the guard names"
                .to_string()
        }
        (Guard::Key { header, .. }, _) => format!("send the key in the header {header}"),
        (Guard::Basic, _) => "send login and password of a user: curl -u LOGIN:PASSWORD".into(),
        (_, Some(auth)) => format!(
            "POST /login with {} and {} of a user, and send the header `Authorization: Bearer TOKEN` with its accessToken",
            auth.login, auth.password
        ),
        (_, None) => "change the guard in the rules".into(),
    };
    let is_wrong_token = viewer.bearer.is_some() && scheme == "Bearer";
    let detail = match is_wrong_token {
        true => format!(
            "{what} is for {whose}, and the token is not valid: it is wrong, has expired or was logged out"
        ),
        false => format!("{what} is for {whose}"),
    };
    let challenge = match guard {
        Guard::Key { header, .. } => format!("Key realm=\"standin\", header=\"{header}\""),
        _ if is_wrong_token => "Bearer realm=\"standin\", error=\"invalid_token\"".into(),
        _ => format!("{scheme} realm=\"standin\""),
    };
    let challenge = HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Bearer"));
    Problem::new(problem::UNAUTHORIZED, detail)
        .header(header::WWW_AUTHENTICATE, challenge)
        .hint(hint)
}
