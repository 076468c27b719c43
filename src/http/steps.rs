//! Writes of several steps: arrays, bulk changes, upserts, and the actions of the routes file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use warp::http::{Method, Uri, header};

use super::app::App;
use super::body;
use super::guard::{self, Viewer};
use super::head::encode_target;
use super::list;
use super::login;
use super::problem::{self, Problem};
use super::request::{Request, encode};
use super::target::{Target, beginning, target, wrong_method};
use crate::behaviour::{Action, Facts, Scope, Verb};
use crate::engine::{Engine, Expected, Stage, WriteError};
use crate::json::{Id, Kind, Object, get_member, quote};
use crate::query::{Relations, Row, names_in, pairs};
use crate::rules::Guard;
use crate::store::{Command, Data, Operation, Outcome, Refusal, Resource, Store};
use crate::work::Work;

/// How many bytes a bulk change may look at to find its records.
const MAX_LOOKED_AT: usize = 256 * 1024 * 1024;

/// What a request for `target` asks the store to do, still without the body that was sent; and what its sender should know.
pub(super) fn command(
    store: &Store,
    request: &Request,
    target: &Target<'_>,
) -> Result<(Command, Option<String>), Problem> {
    let mut body = Object::default();
    let mut notice = None;
    let merge = Operation::Merge(body::merge(request));
    let (resource, id, operation) = match (target, request.method.as_str()) {
        (Target::Collection(resource), "POST") => {
            notice = list::plain_values_notice(resource);
            (resource, None, Operation::Create)
        }
        (Target::Nested { parent, id, child }, "POST") => {
            let nested = list::Nested::new(store, parent, id, child);
            notice = nested.notice;
            body = nested.foreign_key;
            match child.data() {
                Data::Collection(_) => (child, None, Operation::Create),
                Data::Object(_) => (child, None, Operation::Replace),
                Data::Scalar(_) => return Err(wrong_method(request, target)),
            }
        }
        (Target::Record(resource, id), "PUT") => (resource, Some(id), Operation::Replace),
        (Target::Record(resource, id), "PATCH") => (resource, Some(id), merge),
        (Target::Record(resource, id), "DELETE") => {
            let dependent = dependent(request);
            (resource, Some(id), Operation::Delete { dependent })
        }
        (Target::Object(resource), "PUT" | "POST") => (resource, None, Operation::Replace),
        (Target::Object(resource), "PATCH") => (resource, None, merge),
        _ => return Err(wrong_method(request, target)),
    };
    let command = Command {
        resource: resource.name().to_string(),
        id: id.cloned(),
        operation,
        body,
    };
    Ok((command, notice))
}

/// The collections that `_dependent` names.
fn dependent(request: &Request) -> Vec<String> {
    pairs(request.uri.query().unwrap_or(""))
        .map_or_else(|_| Vec::new(), |pairs| names_in(&pairs, "_dependent"))
}

/// The error of a step that has `problem`.
fn declined(problem: Problem) -> WriteError {
    WriteError::Declined(Arc::new(problem))
}

/// Carries out `command` once for each of `bodies`.
///
/// # Errors
/// The number of the body with which it cannot be carried out, and why.
pub(super) async fn each(
    app: &App,
    command: &Command,
    bodies: &[Object],
) -> Result<Vec<Outcome>, Box<(usize, WriteError)>> {
    let at = Arc::new(AtomicUsize::new(0));
    let mut steps = Vec::with_capacity(bodies.len());
    for (number, body) in bodies.iter().enumerate() {
        let command = command.clone().with_body(body);
        let command = login::hashed((&*app.engine, &app.logins), command).await;
        let command = command.map_err(|error| Box::new((number, error)))?;
        let at = at.clone();
        steps.push(Box::new(move |_: &Store, _: Option<&Outcome>| {
            at.store(number, Relaxed);
            Ok(vec![command.clone()])
        }) as Stage);
    }
    let outcomes = app.engine.write_all(steps).await;
    outcomes.map_err(|error| Box::new((at.load(Relaxed), error)))
}

/// Replaces a record, or creates it where it is not there, with the members of `preset`; whether it did that.
pub(super) async fn upsert(
    engine: &Engine,
    command: Command,
    preset: Object,
    expected: Option<Expected>,
) -> Result<(Option<Outcome>, bool), WriteError> {
    let published = engine.snapshot();
    let created = Arc::new(AtomicBool::new(false));
    let seen = created.clone();
    let step = move |store: &Store, _: Option<&Outcome>| {
        if let Some(current) = store.current(&command) {
            return match &expected {
                Some(expected) if !expected(&store.public_text(&command.resource, current)) => {
                    Err(WriteError::Refused(Refusal::Changed))
                }
                _ => Ok(vec![command.clone()]),
            };
        }
        let Some(id) = &command.id else {
            return Ok(vec![command.clone()]);
        };
        seen.store(true, Relaxed);
        let property = &store.settings().id;
        let id = new_id(store, &command.resource, id);
        let body = guard::without_user(&published, &command.resource, command.body.clone());
        let new = Command {
            resource: command.resource.clone(),
            id: None,
            operation: Operation::Create,
            body: body.with(property, &id),
        };
        Ok(vec![new.with_preset(&preset)])
    };
    let mut outcomes = engine.write_all(vec![Box::new(step)]).await?;
    Ok((outcomes.pop(), created.load(Relaxed)))
}

/// An id of a path as JSON: a string where the collection has strings, or its rules ask for them.
fn new_id(store: &Store, resource: &str, id: &Id) -> String {
    let collection = store.resource(resource).and_then(Resource::collection);
    let first = collection.and_then(|collection| collection.window(0, 1).next());
    let has_strings = first
        .and_then(|record| get_member(record.value(), &store.settings().id))
        .is_some_and(|id| Kind::of(id) == Kind::String);
    let number = id.to_string();
    let rule = store.settings().id_rules(resource);
    match id {
        Id::Number(_) if !has_strings && rule.is_none_or(|rule| rule.allows(&number)) => number,
        _ => quote(&number),
    }
}

/// Carries out a PATCH (with a body) or DELETE on all records that the query of `request` selects.
pub(super) async fn bulk(
    app: &Arc<App>,
    request: &Arc<Request>,
    resource: &str,
    patch: Option<Object>,
    viewer: &Viewer,
) -> Result<Vec<Outcome>, WriteError> {
    let (owner, request, name) = (app.clone(), request.clone(), resource.to_string());
    let viewer = viewer.clone();
    let step = move |store: &Store, _: Option<&Outcome>| {
        let Some(resource) = store.resource(&name) else {
            return Err(WriteError::Refused(Refusal::NoResource(name.clone())));
        };
        changes(&owner, store, &request, (resource, patch.as_ref()), &viewer).map_err(declined)
    };
    app.engine.write_all(vec![Box::new(step)]).await
}

/// A change (with a body) or deletion of each record that the query of `request` selects.
fn changes(
    app: &App,
    store: &Store,
    request: &Request,
    (resource, patch): (&Resource, Option<&Object>),
    viewer: &Viewer,
) -> Result<Vec<Command>, Problem> {
    let operation = match patch {
        Some(_) => Operation::Merge(body::merge(request)),
        None => Operation::Delete {
            dependent: dependent(request),
        },
    };
    let ids = selected(app, store, request, resource, viewer)?.into_iter();
    let commands = ids.map(|id| Command {
        resource: resource.name().to_string(),
        id: Some(id),
        operation: operation.clone(),
        body: patch.cloned().unwrap_or_default(),
    });
    Ok(commands.collect())
}

/// The ids of the records that the query of `request` selects.
fn selected(
    app: &App,
    store: &Store,
    request: &Request,
    resource: &Resource,
    viewer: &Viewer,
) -> Result<Vec<Id>, Problem> {
    let pairs = request
        .pairs()
        .map_err(|error| list::bad_query(request, &error))?;
    // It is the writer's time.
    let work = Work::at_most(MAX_LOOKED_AT);
    let parts = (&*app.engine, &app.settings);
    let query = list::query(parts, store, request, resource, &pairs, &work)?;
    if query.takes_all() {
        let detail = format!("{} of a whole collection needs a condition", request.method);
        return Err(Problem::new(problem::BAD_QUERY, detail).hint(format!(
            "say which records, for example {}?id=1",
            request.uri.path()
        )));
    }
    // A condition on what is never sent selects nothing.
    let public = store.public(None);
    let Some(collection) = public
        .resource(resource.name())
        .and_then(Resource::collection)
    else {
        return Ok(Vec::new());
    };
    let relations = Relations::new(&public, resource.name(), &query, &work);
    let rows = collection.run(&query, &relations, &work).rows;
    if work.is_stopped() {
        return Err(
            Problem::new(problem::QUERY_TIME, "the condition looks at too much data")
                .hint("compare a field with `=`, which has an index"),
        );
    }
    let id = &store.settings().id;
    let may = |row: &&Row| viewer.may_write(app, resource.name(), row.text());
    let ids = rows
        .iter()
        .filter(may)
        .filter_map(|row| Id::from_json(get_member(row.text(), id)?));
    Ok(ids.collect())
}

/// Who carries out actions, and what their templates can use.
#[derive(Clone)]
pub(super) struct Actor {
    pub(super) facts: Facts,
    pub(super) viewer: Viewer,
    /// The guard of the rule itself, which has let the viewer pass.
    pub(super) guard: Option<Guard>,
}

/// Carries out the actions of a rule as one write.
pub(super) async fn actions(
    app: &Arc<App>,
    request: &Arc<Request>,
    actions: &Arc<[Action]>,
    actor: &Actor,
) -> Result<Vec<Outcome>, WriteError> {
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
            act(&app, store, &request, &actions[at], (&actor, &scope)).map_err(declined)
        }) as Stage
    });
    app.engine.write_all(steps.collect()).await
}

/// The commands of one action: one, or with a query those of the records that it selects.
fn act(
    app: &App,
    store: &Store,
    request: &Request,
    action: &Action,
    (actor, scope): (&Actor, &Arc<Scope>),
) -> Result<Vec<Command>, Problem> {
    let path = match &action.to {
        Some(to) => to.render(scope).map_err(|error| app.failed(&error))?,
        None => own_path(store, request, action.verb),
    };
    let method = match action.verb {
        Verb::Post => Method::POST,
        Verb::Put => Method::PUT,
        Verb::Patch => Method::PATCH,
        Verb::Delete => Method::DELETE,
    };
    let uri = encode_target(&path).parse::<Uri>();
    let uri =
        uri.map_err(|_| Problem::new(problem::BAD_TARGET, format!("{path:?} is not a path")))?;
    let mut inner = Request {
        method,
        ..Request::get(uri)
    };
    // For the URLs of hints.
    if let Some(host) = request.headers.get(header::HOST) {
        inner.headers.insert(header::HOST, host.clone());
    }
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
            let mut changes = changes(app, store, &inner, (resource, body.as_ref()), viewer)?;
            let is_own =
                |id: &Id| guard::check_owner(&published, viewer, resource.name(), id).is_ok();
            changes.retain(|change| !is_for_owners || change.id.as_ref().is_none_or(is_own));
            changes
        }
        _ => vec![command(store, &inner, &target)?.0],
    };
    if let Some(body) = body {
        for command in &mut commands {
            let is_new = action.verb == Verb::Post;
            let owner = match actor.guard {
                // It may be somebody else's record, and stays theirs.
                Some(_) if !is_new => guard::kept_owner(&published, store, command),
                _ => guard::owner(&published, is_new, &command.resource, viewer),
            };
            *command = command.clone().with_preset(&owner).with_body(&body);
            login::refuse_password(&app.engine, command)?;
        }
    }
    Ok(commands)
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

/// What the path of `request` begins with: the record, `/todos/1` of `/todos/1/done`, or an object; for a POST the collection.
fn own_path(store: &Store, request: &Request, verb: Verb) -> String {
    let path = request.uri.path();
    let Some((resource, id)) = beginning(store, path) else {
        return path.to_string();
    };
    let name = encode(resource.name());
    let is_of_record = verb != Verb::Post && resource.collection().is_some();
    match id.filter(|_| is_of_record) {
        Some(id) => format!("/{name}/{}", encode(&id.to_string())),
        None => format!("/{name}"),
    }
}
