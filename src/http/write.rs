//! Writes: turns a request into a command, reads its body, and responds with the outcome or a problem. Commands that
//! depend on the data, such as those of rules in the routes file, are built in the writer thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;
use tokio::sync::SemaphorePermit;
use warp::http::{Method, Response, StatusCode, header};

use super::app::{App, Reply, kib};
use super::body::{self, Reading};
use super::guard::Viewer;
use super::problem::{self, Problem};
use super::request::Request;
use super::target::{Target, no_record, path_of, wrong_method};
use super::{costly, list, login, response};
use crate::behaviour::Mode;
use crate::engine::{Engine, Expected, Published, Stage, WriteError};
use crate::json::{Id, Kind, Layout, Object, get_member, pointer, quote, tag};
use crate::query::{Relations, Row, names_in, pairs};
use crate::rules::Generated;
use crate::schema::Property;
use crate::store::{
    Command, Data, Operation, Outcome, Refusal, Resource, Store, holder_name, write_list,
};
use crate::text::path_encode;
use crate::work::Work;

/// How many bytes a bulk change may read to find its records.
const MAX_LOOKED_AT: usize = 256 * 1024 * 1024;

/// The command of a request for `target`, without the body; and hints for the client.
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

/// Carries out `command`, with its body from the request, and responds when it is saved. `preset` are members that
/// override those that were sent for a new record.
pub(super) async fn carry_out(
    app: &Arc<App>,
    request: &Arc<Request>,
    command: Command,
    (mode, preset): (Option<Mode>, Object),
) -> Reply {
    let engine = &app.engine;
    // A deletion needs no body, but an incomplete request must not delete anything.
    body::whole(request)?;
    if command.operation == Operation::Create && body::is_array(request) {
        return create_all(app, request, &command, mode).await;
    }
    let (mut sent, _permit) = match command.deletes() {
        true => (Object::default(), None),
        false => read(app, request, &command, body::object).await?,
    };
    let mut is_new = request.method == Method::POST;
    if is_new {
        sent = without_user(&engine.snapshot(), &command.resource, sent);
    }
    let expected = expected(request);
    let whole = command.clone().with_body(&sent);
    let outcome = match mode {
        Some(Mode::Unstored) if is_new => {
            let made = engine.preview([whole].iter());
            made.map_err(|failed| failed.1)
                .and_then(|mut all| all.pop().ok_or(WriteError::Bug))
        }
        Some(Mode::Upsert) if command.operation == Operation::Replace => {
            login::refuse_password(engine, &whole)?;
            let done = upsert(engine, whole, preset, expected).await;
            done.map(|(outcome, created)| {
                is_new = created;
                outcome
            })
        }
        _ => save(app, whole, expected).await,
    };
    let outcome = outcome.map_err(|error| refused(app, request, Some((&command, &sent)), error))?;
    let mut response = match command.deletes() {
        true => response::json(StatusCode::OK, b"{}".to_vec()),
        false => response::pretty(StatusCode::OK, &app.seen(&outcome)),
    };
    if is_new {
        *response.status_mut() = StatusCode::CREATED;
        let id = outcome.id.map(|id| id.to_string());
        let segments = std::iter::once(command.resource).chain(id);
        let path = path_of(&segments.collect::<Vec<_>>());
        response::set(&mut response, header::LOCATION, path);
    }
    Ok(response)
}

/// Carries out `command`; a password in it is hashed first.
///
/// # Errors
/// Those of `Engine::write`.
pub(super) async fn save(
    app: &App,
    command: Command,
    expected: Option<Expected>,
) -> Result<Outcome, WriteError> {
    let command = login::hashed((&*app.engine, &app.logins), command).await?;
    app.engine.write(command, expected).await
}

/// The body for `command`, and the permit for its memory, held until the write is acknowledged. A long body is parsed
/// on a blocking thread.
async fn read<'a, T: Default + Send + 'static>(
    app: &'a Arc<App>,
    request: &Arc<Request>,
    command: &Command,
    parse: body::Parse<T>,
) -> Result<(T, Option<SemaphorePermit<'a>>), Problem> {
    let size = body::most_bytes(request, body::whole(request)?, app.settings.body_limit);
    if size <= costly::INLINE_LIMIT {
        return Ok((read_here(app, request, command, parse)?, None));
    }
    // The semaphore is never closed; without a permit the body is parsed anyway.
    let permit = app.bodies.acquire_many(kib(size)).await.ok();
    let (owner, request, command) = (app.clone(), request.clone(), command.clone());
    let read = move |_: &Work<'_>| read_here(&owner, &request, &command, parse);
    Ok((app.scheduler.run(read).await?, permit))
}

fn read_here<T: Default>(
    app: &App,
    request: &Request,
    command: &Command,
    parse: body::Parse<T>,
) -> Result<T, Problem> {
    let reading = match app.engine.schema().rules(&command.resource) {
        Some(_) => Reading::Strict,
        None => Reading::Lenient,
    };
    let example = |sent: Option<&Object>| body::suggested(&app.engine, command, sent);
    body::read(request, reading, &app.settings, example, parse)
}

/// `sent`, the body of a new record of `resource`, without the generated user: a client must not choose it.
pub(super) fn without_user(published: &Published, resource: &str, sent: Object) -> Object {
    let schema = published.rulebook.schema();
    let of_user = |one: &&Property| one.generated == Some(Generated::User);
    let properties = schema.rules(resource).into_iter();
    let properties = properties
        .flat_map(|rules| &rules.properties)
        .filter(of_user);
    properties.fold(sent, |sent, property| sent.without(&property.name))
}

/// Carries out `command` for each record of the array that was sent: all or nothing.
async fn create_all(
    app: &Arc<App>,
    request: &Arc<Request>,
    command: &Command,
    mode: Option<Mode>,
) -> Reply {
    let engine = &app.engine;
    let (bodies, _permit) = read(app, request, command, body::objects).await?;
    let bodies = bodies.into_iter();
    let bodies = bodies.map(|body| without_user(&engine.snapshot(), &command.resource, body));
    let bodies: Vec<Object> = bodies.collect();
    let commands = bodies.iter().map(|body| command.clone().with_body(body));
    let outcomes = match mode {
        Some(Mode::Unstored) => engine.preview(commands.collect::<Vec<_>>().iter()),
        _ => each(app, commands).await,
    };
    let outcomes = outcomes.map_err(|failed| {
        let (at, error) = *failed;
        let written = bodies.get(at).map(|body| (command, body));
        refused(app, request, written, error).within(&format!("/{at}"))
    })?;
    Ok(list_of(app, StatusCode::CREATED, &outcomes))
}

/// Carries out `commands` as one write.
///
/// # Errors
/// The number of the command that cannot be carried out, and why.
async fn each(
    app: &App,
    commands: impl Iterator<Item = Command>,
) -> Result<Vec<Outcome>, Box<(usize, WriteError)>> {
    let at = Arc::new(AtomicUsize::new(0));
    let mut steps = Vec::new();
    for (number, command) in commands.enumerate() {
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

/// Replaces a record, or creates it, with the members of `preset`, if it does not exist. Returns whether it was
/// created.
async fn upsert(
    engine: &Engine,
    command: Command,
    preset: Object,
    expected: Option<Expected>,
) -> Result<(Outcome, bool), WriteError> {
    let published = engine.snapshot();
    let created = Arc::new(AtomicBool::new(false));
    let seen = created.clone();
    let step = move |store: &Store, _: Option<&Outcome>| {
        // The step runs again if the file was edited meanwhile.
        seen.store(false, Relaxed);
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
        let body = without_user(&published, &command.resource, command.body.clone());
        let new = Command {
            resource: command.resource.clone(),
            id: None,
            operation: Operation::Create,
            body: body.with(property, &id),
        };
        Ok(vec![new.with_preset(&preset)])
    };
    let mut outcomes = engine.write_all(vec![Box::new(step)]).await?;
    let outcome = outcomes.pop().ok_or(WriteError::Bug)?;
    Ok((outcome, created.load(Relaxed)))
}

/// An id of a path as JSON: a string if the collection has strings, or its rules require them.
fn new_id(store: &Store, resource: &str, id: &Id) -> String {
    let first = store
        .records(resource)
        .and_then(|rows| rows.window(0, 1).next());
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

/// Changes or deletes all records that the query selects; responds with them.
pub(super) async fn bulk(
    app: &Arc<App>,
    request: &Arc<Request>,
    resource: &str,
    viewer: &Viewer,
) -> Reply {
    body::whole(request)?;
    let (patch, _permit) = match request.method {
        Method::DELETE => (None, None),
        _ => {
            let command = Command {
                resource: resource.to_string(),
                id: None,
                operation: Operation::Merge(body::merge(request)),
                body: Object::default(),
            };
            let (patch, permit) = read(app, request, &command, body::object).await?;
            login::refuse_password(&app.engine, &command.with_body(&patch))?;
            (Some(patch), permit)
        }
    };
    let (owner, sent, name) = (app.clone(), request.clone(), resource.to_string());
    let viewer = viewer.clone();
    let step = move |store: &Store, _: Option<&Outcome>| {
        let Some(resource) = store.resource(&name) else {
            return Err(WriteError::Refused(Refusal::NoResource(name.clone())));
        };
        changes(&owner, store, &sent, (resource, patch.as_ref()), &viewer).map_err(declined)
    };
    let outcomes = app.engine.write_all(vec![Box::new(step)]).await;
    let outcomes = outcomes.map_err(|error| refused(app, request, None, error))?;
    Ok(list_of(app, StatusCode::OK, &outcomes))
}

/// A change (with a body) or deletion of each record that the query of `request` selects.
pub(super) fn changes(
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
    let pairs = list::pairs(request)?;
    // This runs in the writer thread.
    let work = Work::at_most(MAX_LOOKED_AT);
    let query = list::query(app, store, request, resource, &pairs, &work)?;
    if query.takes_all() {
        let detail = format!("{} of a whole collection needs a condition", request.method);
        return Err(Problem::new(problem::BAD_QUERY, detail).hint(format!(
            "say which records, for example {}?id=1",
            request.uri.path()
        )));
    }
    // A condition on a hidden property must select nothing.
    let public = store.public(None);
    let Some(collection) = public.records(resource.name()) else {
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

fn list_of(app: &App, status: StatusCode, outcomes: &[Outcome]) -> Response<Bytes> {
    let seen = outcomes.iter().map(|outcome| app.seen(outcome));
    let seen: Vec<_> = seen.collect();
    let mut out = Vec::new();
    write_list(&mut out, seen.iter().map(String::as_str), "");
    response::json(status, out)
}

/// The condition of the request on the current record, if it has one (RFC 9110, 13.1).
fn expected(request: &Request) -> Option<Expected> {
    let wanted = request.list(header::IF_MATCH);
    let unwanted = request.list(header::IF_NONE_MATCH);
    if wanted.is_none() && unwanted.is_none() {
        return None;
    }
    Some(Box::new(move |text| {
        let tag = tag(Layout::PRETTY.render(text, "").as_bytes());
        let names = |list: &String| response::names(list, &tag);
        wanted.as_ref().is_none_or(names) && !unwanted.as_ref().is_some_and(names)
    }))
}

/// The error of a step that has `problem`.
pub(super) fn declined(problem: Problem) -> WriteError {
    WriteError::Declined(Arc::new(problem))
}

/// The problem of a write that was not carried out. `written` is the command before its body, and the body that was
/// sent.
pub(super) fn refused(
    app: &App,
    request: &Request,
    written: Option<(&Command, &Object)>,
    error: WriteError,
) -> Problem {
    let (engine, published) = (&app.engine, app.engine.snapshot());
    let detail = error.to_string();
    match error {
        WriteError::Rules { resource, violations } => {
            let mut problem = Problem::new(problem::RULES, detail);
            // A record with an id needs no generated one.
            let id = &published.store.settings().id;
            if violations.iter().any(|violation| violation.pointer == format!("/{id}"))
                && engine.rulebook().without_ids().any(|name| name == resource)
            {
                problem = problem
                    .hint(format!("send an {id} with the record: the server cannot generate one that the rules allow"));
            }
            for violation in violations {
                problem = problem.error(violation.pointer, violation.detail);
            }
            let body = written.and_then(|(command, sent)| body::suggested(engine, command, Some(sent)));
            let (method, path) = (request.method.as_str(), request.uri.path());
            problem.attempt(body.map(|body| request.curl(method, path, Some(&body))))
        }
        WriteError::TooComplex(_) => Problem::new(problem::TOO_COMPLEX, detail)
            .hint("nest the record less deeply, or write the rules so that fewer forms of `oneOf` and `anyOf` can apply"),
        WriteError::Refused(refusal) => refusal_problem(&published, request, refusal),
        WriteError::Unsaved { hint, .. } => Problem::new(problem::UNSAVED, detail).hint(hint),
        WriteError::Broken { .. } => Problem::new(problem::BROKEN_FILE, detail).hint(
            "fix the data file and save it, then send the request again; reads return the data from before the edit",
        ),
        WriteError::Unfit(_) => Problem::new(problem::RULES, detail)
            .hint("relax the rules in the rules file, or change the records"),
        WriteError::Declined(problem) => match problem.downcast_ref::<Problem>() {
            Some(problem) => problem.clone(),
            None => Problem::new(problem::BUG, detail),
        },
        WriteError::Stopped => {
            Problem::new(problem::STOPPING, detail).hint("start it again, and send the request again")
        }
        WriteError::Bug => {
            Problem::new(problem::BUG, detail).hint("please report the request that caused it")
        }
    }
}

fn refusal_problem(published: &Published, request: &Request, refusal: Refusal) -> Problem {
    let detail = refusal.to_string();
    let get = |path: &str| request.curl("GET", path, None);
    let path = request.uri.path();
    match refusal {
        Refusal::NoResource(_) => Problem::new(problem::NO_RESOURCE, detail),
        Refusal::NoRecord { resource, id } => no_record(&published.store, request, &resource, &id),
        Refusal::NoId { property, .. } => {
            let hint = format!("leave {property} out to give the record the next one");
            Problem::new(problem::BAD_ID, detail)
                .error(format!("/{property}"), "must be a string or a number")
                .hint(hint)
        }
        Refusal::Dangling { rule, .. } => {
            let path = path_of(&[&rule.resource]);
            let wanted = format!(
                "must be the {} of a record of {}",
                rule.target, rule.resource
            );
            let hint = format!("create that record first, or use one that exists: GET {path}");
            Problem::new(problem::REFERENCE, detail)
                .error(format!("/{}", rule.property), wanted)
                .hint(hint)
                .attempt(get(&path))
        }
        Refusal::Changed => {
            let (detail, hint) = match request.headers.contains_key(header::IF_MATCH) {
                true => (
                    "the record does not match the entity tag in If-Match",
                    "get the record again: its ETag is the one to send",
                ),
                false => (
                    "the record exists, and If-None-Match says that it must not",
                    "leave If-None-Match out to change the record",
                ),
            };
            let problem = Problem::new(problem::CHANGED, detail);
            problem.hint(hint).attempt(get(path))
        }
        Refusal::Referenced { dependent, .. } => {
            let collections: Vec<String> = dependent.iter().map(|name| path_encode(name)).collect();
            let target = format!("{path}?_dependent={}", collections.join(","));
            Problem::new(problem::REFERENCED, detail)
                .hint("delete these records first or make them point elsewhere; _dependent deletes them with it")
                .attempt(request.curl("DELETE", &target, None))
        }
        Refusal::IdTaken {
            resource,
            property,
            id,
        } => {
            let path = path_of(&[resource, id.to_string()]);
            let hint = format!(
                "leave {property} out for the next free one, or change the record with PUT {path}"
            );
            Problem::new(problem::ID_TAKEN, detail)
                .error(format!("/{property}"), format!("{id} is already in use"))
                .hint(hint)
                .attempt(get(&path))
        }
        Refusal::NotUnique {
            resource,
            values,
            holder,
        } => {
            let problem = Problem::new(problem::NOT_UNIQUE, detail);
            let problem = with_taken(problem, &values, &holder_name(&resource, holder.as_ref()));
            problem.attempt(holder.map(|id| get(&path_of(&[resource, id.to_string()]))))
        }
    }
}

/// Adds errors and a hint: the record `who` already has the unique `values`.
fn with_taken(mut problem: Problem, values: &[(String, String)], who: &str) -> Problem {
    for (name, value) in values {
        let detail = format!("{value} is already used by {who}");
        problem = problem.error(pointer::join("", name), detail);
    }
    let names: Vec<_> = values.iter().map(|(name, _)| quote(name)).collect();
    let names = names.join(" or ");
    problem.hint(format!(
        "choose another {names}, or change the record that has it"
    ))
}
