//! Requests that change something: to a command, and from its outcome or error to the answer.

use bytes::Bytes;
use serde_json::Value;
use warp::http::{HeaderValue, Response, StatusCode, header};

use super::body::{self, Reading};
use super::problem::{self, Problem};
use super::reply;
use super::request::{Request, encode};
use super::settings::Settings;
use super::target::no_record;
use crate::engine::{Engine, Expected, Published, WriteError};
use crate::json::{Id, Layout, Object, quote, tag, with_member};
use crate::schema::Rules;
use crate::store::query::{names_in, pairs};
use crate::store::{Command, Data, Refusal, Resource};
use crate::words::list;

/// What is to be written where.
pub(super) enum Write<'a> {
    /// The second is a member that is set whatever the body says: its name and its value as JSON.
    Create(&'a Resource, Option<(String, String)>),
    Replace(&'a Resource, &'a Id),
    Merge(&'a Resource, &'a Id),
    Delete(&'a Resource, &'a Id),
    /// The second as with `Create`.
    CreateObject(&'a Resource, Option<(String, String)>),
    ReplaceObject(&'a Resource),
    MergeObject(&'a Resource),
}

/// Carries out a write and answers when it is saved.
pub(super) async fn carry_out(
    engine: &Engine,
    request: &Request,
    write: Write<'_>,
    settings: &Settings,
) -> Result<Response<Bytes>, Problem> {
    let name = |resource: &Resource| resource.name().to_string();
    let read = |resource: &Resource| {
        let strict = engine.schema().rules(resource.name()).is_some();
        let reading = if strict { Reading::Strict } else { Reading::Lenient };
        body::object(request, reading, settings, || example(engine, resource))
    };
    // A deletion needs no body, but what is not a whole request must not delete either.
    body::whole(request)?;
    let how = body::merge(request);
    let (status, location, command) = match write {
        Write::Create(resource, member) => {
            let body = with(read(resource)?, member);
            (StatusCode::CREATED, true, Command::Create { resource: name(resource), body })
        }
        Write::Replace(resource, id) => {
            let command = Command::Replace { resource: name(resource), id: id.clone(), body: read(resource)? };
            (StatusCode::OK, false, command)
        }
        Write::Merge(resource, id) => {
            let command = Command::Merge { resource: name(resource), id: id.clone(), patch: read(resource)?, how };
            (StatusCode::OK, false, command)
        }
        Write::Delete(resource, id) => {
            let command = Command::Delete { resource: name(resource), id: id.clone(), dependent: dependent(request) };
            (StatusCode::OK, false, command)
        }
        Write::CreateObject(resource, member) => {
            let body = with(read(resource)?, member);
            (StatusCode::CREATED, true, Command::ReplaceObject { resource: name(resource), body })
        }
        Write::ReplaceObject(resource) => {
            (StatusCode::OK, false, Command::ReplaceObject { resource: name(resource), body: read(resource)? })
        }
        Write::MergeObject(resource) => {
            (StatusCode::OK, false, Command::MergeObject { resource: name(resource), patch: read(resource)?, how })
        }
    };
    let deleted = matches!(command, Command::Delete { .. });
    let path = format!("/{}", encode(command.resource()));
    let expected = expected(request);
    let outcome = match engine.write(command, expected).await {
        Ok(outcome) => outcome,
        Err(error) => return Err(refused(engine, &engine.snapshot(), request, error)),
    };
    let mut out = Vec::with_capacity(outcome.value.len() + 64);
    if deleted {
        out.extend_from_slice(b"{}");
    } else {
        Layout::PRETTY.write(&mut out, &outcome.value, "");
    }
    let mut response = reply::json(status, out);
    if location {
        let id = outcome.id.map_or_else(String::new, |id| format!("/{}", encode(&id.to_string())));
        if let Ok(location) = HeaderValue::try_from(format!("{path}{id}")) {
            response.headers_mut().insert(header::LOCATION, location);
        }
    }
    Ok(response)
}

/// What the record must be for the write to go on, if the request has conditions (RFC 9110, 13.1).
fn expected(request: &Request) -> Option<Expected> {
    let (wanted, unwanted) = (request.list(header::IF_MATCH), request.list(header::IF_NONE_MATCH));
    if wanted.is_none() && unwanted.is_none() {
        return None;
    }
    Some(Box::new(move |text| {
        let tag = tag(Layout::PRETTY.render(text, "").as_bytes());
        wanted.as_ref().is_none_or(|list| reply::names(list, &tag))
            && unwanted.as_ref().is_none_or(|list| !reply::names(list, &tag))
    }))
}

/// The collections that `_dependent` names.
fn dependent(request: &Request) -> Vec<String> {
    pairs(request.uri.query().unwrap_or("")).map_or_else(|_| Vec::new(), |pairs| names_in(&pairs, "_dependent"))
}

/// `body` with a member set, if there is one to set.
fn with(body: Object, member: Option<(String, String)>) -> Object {
    let Some((key, value)) = member else { return body };
    let text = with_member(body.as_str(), &key, &value, Layout::PRETTY, "");
    Object::parse(&text).unwrap_or(body)
}

/// A body that would be taken for `resource`.
fn example(engine: &Engine, resource: &Resource) -> String {
    if let Some(rules) = engine.schema().rules(resource.name()) {
        return free_example(engine, rules);
    }
    let sample = match resource.data() {
        Data::Collection(collection) => collection.window(0, 1).next().map(|record| record.value().to_string()),
        Data::Object(text) | Data::Scalar(text) => Some(text.to_string()),
    };
    sample.map_or_else(|| "{\"name\": \"value\"}".into(), |text| without_id(engine, &text))
}

/// The example of the rules. Where a record has the values that must be unique, as the example has been sent before,
/// they are others.
fn free_example(engine: &Engine, rules: &Rules) -> String {
    const MOST_TRIES: usize = 20;
    let store = &engine.snapshot().store;
    let plain = rules.example();
    let mut example = plain.clone();
    let first = store.resource(rules.resource()).and_then(Resource::collection).map_or(0, |rows| rows.len()) + 1;
    for number in first..first + MOST_TRIES {
        let Ok(body) = Object::parse(&example.to_string()) else { break };
        let command = Command::Create { resource: rules.resource().to_string(), body };
        let planned = store.draft(&command, &mut String::new).and_then(|draft| store.plan(draft));
        let Err(Refusal::NotUnique { values, .. }) = planned else { break };
        for (name, _) in values {
            let other = match &plain[&name] {
                Value::String(text) => match text.split_once('@') {
                    Some((user, host)) => format!("{user}{number}@{host}").into(),
                    None => format!("{text} {number}").into(),
                },
                Value::Number(_) => number.into(),
                other => other.clone(),
            };
            example[&name] = other;
        }
    }
    example.to_string()
}

fn without_id(engine: &Engine, record: &str) -> String {
    let id = engine.snapshot().store.settings().id.clone();
    match serde_json::from_str(record) {
        Ok(Value::Object(mut members)) => {
            members.shift_remove(&id);
            Value::Object(members).to_string()
        }
        _ => "{\"name\": \"value\"}".into(),
    }
}

/// The table from error to answer.
pub(super) fn refused(engine: &Engine, published: &Published, request: &Request, error: WriteError) -> Problem {
    match error {
        WriteError::Rules { resource, violations } => {
            let rules = engine.schema().rules(&resource);
            let count = violations.len();
            let detail = match violations.as_slice() {
                [only] if only.pointer.is_empty() => format!("the record {}", only.detail),
                [only] => format!("{} {}", only.pointer.trim_start_matches('/'), only.detail),
                _ => format!("{count} rules of {resource} are broken"),
            };
            let mut problem = Problem::new(problem::RULES, detail);
            // An id that the client sent is in the way of no generated one.
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
            match rules {
                Some(rules) if request.method != "PATCH" => {
                    let example = free_example(engine, rules);
                    problem.attempt(request.curl(request.method.as_str(), request.uri.path(), Some(&example)))
                }
                _ => problem,
            }
        }
        WriteError::TooComplex(resource) => Problem::new(
            problem::TOO_COMPLEX,
            format!("checking this record against the rules of {resource} takes too many steps"),
        )
        .hint("nest the record less deeply, or write the rules so that fewer forms of `oneOf` and `anyOf` can apply"),
        WriteError::Refused(refusal) => refusal_problem(published, request, refusal),
        WriteError::Unsaved { reason, hint } => {
            Problem::new(problem::UNSAVED, format!("nothing was changed: {reason}")).hint(hint)
        }
        WriteError::Broken { place, message } => {
            let place =
                place.map_or_else(String::new, |place| format!("line {}, column {}: ", place.line, place.column));
            Problem::new(
                problem::BROKEN_FILE,
                format!("nothing was changed, as a write would overwrite an edit of the data file. {place}{message}"),
            )
            .hint(
                "mend the data file and save it, and send the request again; reads go on with the data before the edit",
            )
        }
        WriteError::Stopped => Problem::new(problem::STOPPING, "nothing was changed: the server is stopping")
            .hint("start it again, and send the request again"),
        WriteError::Bug => Problem::new(problem::BUG, "the server failed on this request; the data is as it was")
            .hint("please report the request that did it"),
    }
}

fn refusal_problem(published: &Published, request: &Request, refusal: Refusal) -> Problem {
    match refusal {
        Refusal::NoResource(name) => {
            Problem::new(problem::NO_RESOURCE, format!("there is no resource {name} any more"))
        }
        Refusal::NoRecord { resource, id } => no_record(published, request, &resource, &id),
        Refusal::NoId { property, value } => {
            Problem::new(problem::BAD_ID, format!("{property} is {value}; an id is a string or a number"))
                .error(format!("/{property}"), "must be a string or a number")
                .hint(format!("leave {property} out, and the record gets the next one"))
        }
        Refusal::Dangling { rule, value } => {
            let path = format!("/{}", encode(&rule.resource));
            let detail =
                format!("{} is {value}, and no record of {} has that {}", rule.property, rule.resource, rule.target);
            Problem::new(problem::REFERENCE, detail)
                .error(
                    format!("/{}", rule.property),
                    format!("must be the {} of a record of {}", rule.target, rule.resource),
                )
                .hint(format!("create that record first, or take one that is there: GET {path}"))
                .attempt(request.curl("GET", &path, None))
        }
        Refusal::Changed => {
            let problem = if request.headers.contains_key(header::IF_MATCH) {
                Problem::new(problem::CHANGED, "the record is not the one that the entity tag in If-Match names")
                    .hint("get the record again: its ETag is the one to send")
            } else {
                Problem::new(problem::CHANGED, "the record exists, and If-None-Match says that it must not")
                    .hint("leave If-None-Match out to change the record")
            };
            problem.attempt(request.curl("GET", request.uri.path(), None))
        }
        Refusal::Referenced { resource, id, holders, not_null } => {
            referenced(request, (&resource, id.as_ref()), &holders, not_null.as_deref())
        }
        Refusal::IdTaken { resource, property, id } => {
            let path = format!("/{}/{}", encode(&resource), encode(&id.to_string()));
            Problem::new(problem::ID_TAKEN, format!("{resource} has a record with the {property} {id} already"))
                .error(format!("/{property}"), format!("{id} is taken"))
                .hint(format!("leave {property} out for the next free one, or change the record with PUT {path}"))
                .attempt(request.curl("GET", &path, None))
        }
        Refusal::NotUnique { resource, values, holder } => {
            let told: Vec<_> = values.iter().map(|(name, value)| format!("the {name} {value}")).collect();
            let told = list(&told);
            let whose = holder.as_ref().map_or_else(|| "another record".into(), |id| format!("the record {id}"));
            let mut problem = Problem::new(problem::NOT_UNIQUE, format!("{whose} of {resource} has {told} already"));
            for (name, value) in &values {
                let holder = holder.as_ref().map_or_else(String::new, |id| format!(" by the record {id}"));
                let pointer = name.replace('~', "~0").replace('/', "~1");
                problem = problem.error(format!("/{pointer}"), format!("{value} is taken{holder}"));
            }
            let names: Vec<_> = values.iter().map(|(name, _)| quote(name)).collect();
            problem = problem.hint(format!("choose another {}, or change the record that has it", names.join(" or ")));
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

/// The problem of a deletion that other records stand against.
fn referenced(
    request: &Request,
    (resource, id): (&str, Option<&Id>),
    holders: &[(String, Option<Id>)],
    not_null: Option<&str>,
) -> Problem {
    const MOST_NAMED: usize = 5;
    let path =
        |resource: &str, id: Option<&Id>| format!("{resource}/{}", id.map_or_else(String::new, |id| id.to_string()));
    let mut named: Vec<String> =
        holders.iter().take(MOST_NAMED).map(|(resource, id)| path(resource, id.as_ref())).collect();
    match holders.len().saturating_sub(MOST_NAMED) {
        0 => {}
        1 => named.push("one more".into()),
        more => named.push(format!("{more} more")),
    }
    let points = if holders.len() == 1 { "points" } else { "point" };
    let (gone, named) = (path(resource, id), list(&named));
    let detail = match not_null {
        Some(rule) => format!("{gone} cannot be deleted: {named} points to it, and the rules say that {rule}"),
        None => format!("{gone} cannot be deleted: {named} {points} to it"),
    };
    let mut collections = dependent(request);
    for (holder, _) in holders {
        if !collections.contains(holder) {
            collections.push(holder.clone());
        }
    }
    let collections: Vec<String> = collections.iter().map(|name| encode(name)).collect();
    let target = format!("{}?_dependent={}", request.uri.path(), collections.join(","));
    Problem::new(problem::REFERENCED, detail)
        .hint("delete these records first or make them point elsewhere; _dependent deletes them with it")
        .attempt(request.curl("DELETE", &target, None))
}
