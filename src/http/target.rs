//! What the path of a request names, and what to say where it names nothing.

use std::borrow::Cow;

use warp::http::{HeaderValue, Method, header};

use super::problem::{self, Problem};
use super::request::{Request, encode};
use crate::engine::Published;
use crate::json::Id;
use crate::store::{Data, Resource};
use crate::words::{list, nearest};

/// What a request's path names.
pub(super) enum Target<'a> {
    Home,
    All,
    Errors,
    Conflicts,
    Collection(&'a Resource),
    Record(&'a Resource, Id),
    Nested { parent: &'a Resource, id: Id, child: &'a Resource },
    Object(&'a Resource),
    Scalar(&'a Resource),
}

impl Target<'_> {
    pub(super) fn allow(&self) -> &'static str {
        match self {
            Target::Home | Target::All | Target::Errors | Target::Conflicts | Target::Scalar(_) => "GET, HEAD, OPTIONS",
            Target::Collection(_) | Target::Nested { .. } => "GET, HEAD, POST, OPTIONS",
            Target::Record(..) => "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
            Target::Object(_) => "GET, HEAD, POST, PUT, PATCH, OPTIONS",
        }
    }
}

/// What the path of `request` names.
pub(super) fn target<'a>(published: &'a Published, request: &Request) -> Result<Target<'a>, Problem> {
    let segments = request.segments().ok_or_else(|| {
        let path = request.uri.path();
        Problem::new(problem::BAD_TARGET, format!("the path {path} has a broken percent escape"))
            .hint("write `%` and two hexadecimal digits; the sign `%` itself is `%25`")
    })?;
    let store = &published.store;
    let find = |name: &str| {
        let folded = || store.resources().find(|resource| resource.name().eq_ignore_ascii_case(name));
        store.resource(name).or_else(folded)
    };
    match segments.as_slice() {
        [] => return Ok(Target::Home),
        // A resource of that name is reached by everything but reading, as in json-server.
        [one] if one.eq_ignore_ascii_case("db") && (reads(request) || find(one).is_none()) => return Ok(Target::All),
        [dash, page] if dash == "-" && page == "errors" => return Ok(Target::Errors),
        [dash, page] if dash == "-" && page == "conflicts" => return Ok(Target::Conflicts),
        [name] => match find(name).map(|resource| (resource, resource.data())) {
            Some((resource, Data::Collection(_))) => return Ok(Target::Collection(resource)),
            Some((resource, Data::Object(_))) => return Ok(Target::Object(resource)),
            Some((resource, Data::Scalar(_))) => return Ok(Target::Scalar(resource)),
            None => {}
        },
        [parent, id, child] => {
            if let (Some(parent), Some(child)) = (find(parent), find(child))
                && parent.collection().is_some()
            {
                return Ok(Target::Nested { parent, id: Id::from_text(id), child });
            }
        }
        [name, id] => {
            if let Some(resource) = find(name)
                && resource.collection().is_some()
            {
                return Ok(Target::Record(resource, Id::from_text(id)));
            }
        }
        _ => {}
    }
    Err(no_resource(published, request, &segments))
}

fn reads(request: &Request) -> bool {
    matches!(request.method, Method::GET | Method::HEAD)
}

fn no_resource(published: &Published, request: &Request, segments: &[Cow<str>]) -> Problem {
    let first = segments.first().map_or("", |name| name.as_ref());
    let names: Vec<_> = published.store.resources().map(Resource::name).collect();
    let paths: Vec<_> = names.iter().map(|name| format!("/{}", encode(name))).collect();
    let problem = Problem::new(problem::NO_RESOURCE, format!("there is nothing at {}", request.uri.path()));
    if names.contains(&first) {
        return match published.store.resource(first).map(Resource::data) {
            Some(Data::Collection(_)) => problem
                .hint(format!("a record is at /{first}/ID, and nothing is below it"))
                .attempt(request.curl("GET", &format!("/{}", encode(first)), None)),
            _ => problem.hint(format!("/{first} is no collection: it has nothing below it")).attempt(request.curl(
                "GET",
                &format!("/{}", encode(first)),
                None,
            )),
        };
    }
    if let Some(meant) = nearest(first, names.iter().copied()) {
        let rest: String = segments.iter().skip(1).map(|segment| format!("/{}", encode(segment))).collect();
        return problem.hint(format!("did you mean /{}{rest}?", encode(meant))).attempt(request.curl(
            "GET",
            &format!("/{}", encode(meant)),
            None,
        ));
    }
    match paths.first() {
        Some(path) => {
            problem.hint(format!("the resources are {}", list(&paths))).attempt(request.curl("GET", path, None))
        }
        None => problem.hint("the data file has no resources; add one to it, as {\"users\": []}"),
    }
}

/// The problem of an id that the collection `name` does not have.
pub(super) fn no_record(published: &Published, request: &Request, name: &str, id: &Id) -> Problem {
    let problem = Problem::new(problem::NO_RECORD, format!("{name} has no record with the id {id}"));
    let path = format!("/{}", encode(name));
    let Some(collection) = published.store.resource(name).and_then(Resource::collection) else { return problem };
    let ids: Vec<String> = collection.window(0, 5).filter_map(|record| record.id()).map(ToString::to_string).collect();
    let hint = match collection.len() {
        0 => format!("{name} is empty"),
        _ if ids.is_empty() => format!("the items of {name} have no ids"),
        1 => format!("its only id is {}", list(&ids)),
        count if count <= ids.len() => format!("its ids are {}", list(&ids)),
        count => format!("it has {count} records, the first ids are {}", list(&ids)),
    };
    problem.hint(hint).attempt(request.curl("GET", &path, None))
}

/// The problem of a method that `target` does not take.
pub(super) fn wrong_method(request: &Request, target: &Target) -> Problem {
    let method = &request.method;
    let known = ["POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY"].contains(&method.as_str());
    let path = request.uri.path();
    let detail = format!("{method} does not work on {path}");
    let problem = Problem::new(if known { problem::METHOD } else { problem::NOT_SUPPORTED }, detail)
        .header(header::ALLOW, HeaderValue::from_static(target.allow()));
    let hint = match (target, method.as_str()) {
        (Target::Collection(resource) | Target::Nested { child: resource, .. }, "PUT" | "PATCH" | "DELETE") => {
            format!("{method} needs the id of a record: {method} /{}/ID", encode(resource.name()))
        }
        (Target::Record(resource, _), "POST") => {
            format!("POST to /{} adds a record; PUT or PATCH change this one", encode(resource.name()))
        }
        (Target::Object(_), "DELETE") => "a single object can be changed and not deleted".into(),
        _ => format!("it takes {}", target.allow()),
    };
    problem.hint(hint).attempt(request.curl("GET", path, None))
}
