//! Writes: reads the body of a command, carries it out, and responds with its outcome or the problem.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::SemaphorePermit;
use warp::http::{HeaderValue, Method, Response, StatusCode, header};

use super::app::{Answer, App, kib};
use super::body::{self, Reading};
use super::costly;
use super::guard::{self, Viewer};
use super::login;
use super::problem::{self, Problem};
use super::request::{Request, encode};
use super::response;
use super::steps;
use super::suggest;
use super::target::no_record;
use crate::behaviour::Mode;
use crate::engine::{Engine, Expected, Published, WriteError};
use crate::json::{Layout, Object, pointer, quote, tag};
use crate::store::{Command, Operation, Outcome, Refusal, holder_name, write_list};
use crate::work::Work;

/// Carries out `command`, which gets its body from the request, and responds when it is saved. `preset` is what a new record
/// has, whatever was sent.
pub(super) async fn carry_out(
    app: &Arc<App>,
    request: &Arc<Request>,
    command: Command,
    (mode, preset): (Option<Mode>, Object),
) -> Answer {
    let engine = &app.engine;
    // A deletion needs no body, but an incomplete request must not delete either.
    body::whole(request)?;
    if command.operation == Operation::Create && body::is_array(request) {
        return create_all(app, request, &command, mode).await;
    }
    let mut _permit = None;
    let sent = match command.deletes() {
        true => Object::default(),
        false => {
            let (sent, permit) = read(app, request, &command, read_body).await?;
            _permit = permit;
            match request.method {
                Method::POST => own(engine, &command, sent),
                _ => sent,
            }
        }
    };
    let path = format!("/{}", encode(&command.resource));
    let expected = expected(request);
    let (whole, mut is_new) = (
        command.clone().with_body(&sent),
        request.method == Method::POST,
    );
    let outcome = match mode {
        Some(Mode::Unstored) if is_new => {
            let made = engine.preview([whole].iter());
            made.map_err(|failed| failed.1)
                .and_then(|mut all| all.pop().ok_or(WriteError::Bug))
        }
        Some(Mode::Upsert) if command.operation == Operation::Replace => {
            login::refuse_password(engine, &whole)?;
            let done = steps::upsert(engine, whole, preset, expected).await;
            done.and_then(|(outcome, created)| {
                is_new = created;
                outcome.ok_or(WriteError::Bug)
            })
        }
        _ => login::write((engine, &app.logins), whole, expected).await,
    };
    let outcome = outcome.map_err(|error| {
        let written = Some((&command, &sent));
        refused(engine, &engine.snapshot(), request, written, error)
    })?;
    let mut out = Vec::with_capacity(outcome.value.len() + 64);
    if command.deletes() {
        out.extend_from_slice(b"{}");
    } else {
        let text = engine.snapshot();
        let text = text.full.public_text(&command.resource, &outcome.value);
        Layout::PRETTY.write(&mut out, &text, "");
    }
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let mut response = response::json(status, out);
    if is_new {
        let id = outcome
            .id
            .map_or_else(String::new, |id| format!("/{}", encode(&id.to_string())));
        if let Ok(location) = HeaderValue::try_from(format!("{path}{id}")) {
            response.headers_mut().insert(header::LOCATION, location);
        }
    }
    Ok(response)
}

/// What `read` makes of the body for `command`, and the permit for its memory, held until the write is acknowledged. A long
/// body is read on a thread that may block.
async fn read<'a, T: Send + 'static>(
    app: &'a Arc<App>,
    request: &Arc<Request>,
    command: &Command,
    read: fn(&App, &Request, &Command) -> Result<T, Problem>,
) -> Result<(T, Option<SemaphorePermit<'a>>), Problem> {
    let size = body::most_bytes(request, body::whole(request)?, app.settings.body_limit);
    if size <= costly::MOMENT {
        return Ok((read(app, request, command)?, None));
    }
    // The semaphore is never closed; without a permit the body is read all the same.
    let permit = app.bodies.acquire_many(kib(size)).await.ok();
    let (owner, request, command) = (app.clone(), request.clone(), command.clone());
    let read = move |_: &Work<'_>| read(&owner, &request, &command);
    Ok((app.turns.run(read).await?, permit))
}

fn read_body(app: &App, request: &Request, command: &Command) -> Result<Object, Problem> {
    let reading = reading(&app.engine, command);
    body::object(request, reading, &app.settings, |sent| {
        suggest::body(&app.engine, command, sent)
    })
}

fn read_bodies(app: &App, request: &Request, command: &Command) -> Result<Vec<Object>, Problem> {
    let reading = reading(&app.engine, command);
    body::objects(request, reading, &app.settings, |sent| {
        suggest::body(&app.engine, command, sent)
    })
}

/// `sent` without what no client sets of a new record.
fn own(engine: &Engine, command: &Command, sent: Object) -> Object {
    guard::without_user(&engine.snapshot(), &command.resource, sent)
}

/// How bodies for `command` are read.
fn reading(engine: &Engine, command: &Command) -> Reading {
    match engine.schema().rules(&command.resource) {
        Some(_) => Reading::Strict,
        None => Reading::Lenient,
    }
}

/// Carries out `command` for each record of the array that was sent: all or nothing.
async fn create_all(
    app: &Arc<App>,
    request: &Arc<Request>,
    command: &Command,
    mode: Option<Mode>,
) -> Answer {
    let engine = &app.engine;
    let (bodies, _permit) = read(app, request, command, read_bodies).await?;
    let bodies = bodies.into_iter().map(|body| own(engine, command, body));
    let bodies: Vec<Object> = bodies.collect();
    let outcomes = match mode {
        Some(Mode::Unstored) => {
            let commands = bodies.iter().map(|body| command.clone().with_body(body));
            let commands: Vec<Command> = commands.collect();
            engine.preview(commands.iter())
        }
        _ => steps::each(app, command, &bodies).await,
    };
    let outcomes: Vec<_> = outcomes.map_err(|failed: Box<(usize, WriteError)>| {
        let (at, error) = *failed;
        let written = bodies.get(at).map(|body| (command, body));
        let problem = refused(engine, &engine.snapshot(), request, written, error);
        problem.within(&format!("/{at}"))
    })?;
    Ok(list_of(app, StatusCode::CREATED, &outcomes))
}

/// Changes or deletes all records that the query selects; responds with them.
pub(super) async fn bulk(
    app: &Arc<App>,
    request: &Arc<Request>,
    resource: &str,
    viewer: &Viewer,
) -> Answer {
    let engine = &app.engine;
    body::whole(request)?;
    let mut _permit = None;
    let patch = match request.method {
        Method::DELETE => None,
        _ => {
            let command = Command {
                resource: resource.to_string(),
                id: None,
                operation: Operation::Merge(body::merge(request)),
                body: Object::default(),
            };
            let (patch, permit) = read(app, request, &command, read_body).await?;
            login::refuse_password(engine, &command.with_body(&patch))?;
            _permit = permit;
            Some(patch)
        }
    };
    let outcomes = steps::bulk(app, request, resource, patch, viewer).await;
    let outcomes =
        outcomes.map_err(|error| refused(engine, &engine.snapshot(), request, None, error))?;
    Ok(list_of(app, StatusCode::OK, &outcomes))
}

fn list_of(app: &App, status: StatusCode, outcomes: &[Outcome]) -> Response<Bytes> {
    let seen: Vec<_> = outcomes.iter().map(|outcome| app.seen(outcome)).collect();
    let mut out = Vec::new();
    write_list(&mut out, seen.iter().map(String::as_str), "");
    response::json(status, out)
}

/// The condition of the request on the current record, if it has one (RFC 9110, 13.1).
fn expected(request: &Request) -> Option<Expected> {
    let (wanted, unwanted) = (
        request.list(header::IF_MATCH),
        request.list(header::IF_NONE_MATCH),
    );
    if wanted.is_none() && unwanted.is_none() {
        return None;
    }
    Some(Box::new(move |text| {
        let tag = tag(Layout::PRETTY.render(text, "").as_bytes());
        wanted
            .as_ref()
            .is_none_or(|list| response::names(list, &tag))
            && unwanted
                .as_ref()
                .is_none_or(|list| !response::names(list, &tag))
    }))
}

/// The problem of a write that was not carried out. `written` is the command before its body, and the body that was sent.
pub(super) fn refused(
    engine: &Engine,
    published: &Published,
    request: &Request,
    written: Option<(&Command, &Object)>,
    error: WriteError,
) -> Problem {
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
            match written.and_then(|(command, sent)| suggest::body(engine, command, Some(sent))) {
                Some(body) => problem.attempt(request.curl(request.method.as_str(), request.uri.path(), Some(&body))),
                None => problem,
            }
        }
        WriteError::TooComplex(_) => Problem::new(problem::TOO_COMPLEX, detail)
            .hint("nest the record less deeply, or write the rules so that fewer forms of `oneOf` and `anyOf` can apply"),
        WriteError::Refused(refusal) => refusal_problem(published, request, refusal),
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
    match refusal {
        Refusal::NoResource(_) => Problem::new(problem::NO_RESOURCE, detail),
        Refusal::NoRecord { resource, id } => no_record(&published.store, request, &resource, &id),
        Refusal::NoId { property, .. } => Problem::new(problem::BAD_ID, detail)
            .error(format!("/{property}"), "must be a string or a number")
            .hint(format!(
                "leave {property} out to give the record the next one"
            )),
        Refusal::Dangling { rule, .. } => {
            let path = format!("/{}", encode(&rule.resource));
            Problem::new(problem::REFERENCE, detail)
                .error(
                    format!("/{}", rule.property),
                    format!(
                        "must be the {} of a record of {}",
                        rule.target, rule.resource
                    ),
                )
                .hint(format!(
                    "create that record first, or use one that exists: GET {path}"
                ))
                .attempt(request.curl("GET", &path, None))
        }
        Refusal::Changed => {
            let problem = if request.headers.contains_key(header::IF_MATCH) {
                Problem::new(
                    problem::CHANGED,
                    "the record does not match the entity tag in If-Match",
                )
                .hint("get the record again: its ETag is the one to send")
            } else {
                Problem::new(
                    problem::CHANGED,
                    "the record exists, and If-None-Match says that it must not",
                )
                .hint("leave If-None-Match out to change the record")
            };
            problem.attempt(request.curl("GET", request.uri.path(), None))
        }
        Refusal::Referenced { dependent, .. } => {
            let collections: Vec<String> = dependent.iter().map(|name| encode(name)).collect();
            let target = format!(
                "{}?_dependent={}",
                request.uri.path(),
                collections.join(",")
            );
            Problem::new(problem::REFERENCED, detail)
                .hint("delete these records first or make them point elsewhere; _dependent deletes them with it")
                .attempt(request.curl("DELETE", &target, None))
        }
        Refusal::IdTaken {
            resource,
            property,
            id,
        } => {
            let path = format!("/{}/{}", encode(&resource), encode(&id.to_string()));
            Problem::new(problem::ID_TAKEN, detail)
            .error(format!("/{property}"), format!("{id} is already in use"))
            .hint(format!(
                "leave {property} out for the next free one, or change the record with PUT {path}"
            ))
            .attempt(request.curl("GET", &path, None))
        }
        Refusal::NotUnique {
            resource,
            values,
            holder,
        } => {
            let who = holder_name(&resource, holder.as_ref());
            let mut problem = Problem::new(problem::NOT_UNIQUE, detail);
            for (name, value) in &values {
                problem = problem.error(
                    pointer::join("", name),
                    format!("{value} is already used by {who}"),
                );
            }
            let names: Vec<_> = values.iter().map(|(name, _)| quote(name)).collect();
            problem = problem.hint(format!(
                "choose another {}, or change the record that has it",
                names.join(" or ")
            ));
            match holder {
                Some(id) => {
                    let path = format!("/{}/{}", encode(&resource), encode(&id.to_string()));
                    problem.attempt(request.curl("GET", &path, None))
                }
                None => problem,
            }
        }
    }
}
