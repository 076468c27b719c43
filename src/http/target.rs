//! The target of a path: a resource, a record, a nested collection; and hints for paths that have none.

use std::borrow::Cow;

use warp::http::{HeaderValue, header};

use super::problem::{self, Problem};
use super::request::{Request, segments};
use crate::json::{Id, get_member, members};
use crate::store::{Collection, Data, Record, Resource, Store, is_like_id};
use crate::text::{list, nearest, path_encode};

/// The target of a request.
pub(super) enum Target<'a> {
    Home,
    All,
    Collection(&'a Resource),
    Record(&'a Resource, Id),
    Nested {
        parent: &'a Resource,
        id: Id,
        child: &'a Resource,
    },
    Object(&'a Resource),
    Scalar(&'a Resource),
}

impl Target<'_> {
    pub(super) fn allow(&self) -> &'static str {
        match self {
            Target::Home | Target::All | Target::Scalar(_) => "GET, HEAD, OPTIONS",
            Target::Collection(_) | Target::Nested { .. } => "GET, HEAD, POST, OPTIONS",
            Target::Record(..) => "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
            Target::Object(_) => "GET, HEAD, POST, PUT, PATCH, OPTIONS",
        }
    }
}

/// The target of `request`.
pub(super) fn target<'a>(store: &'a Store, request: &Request) -> Result<Target<'a>, Problem> {
    let segments = segments(request.uri.path()).ok_or_else(|| {
        let path = request.uri.path();
        Problem::new(
            problem::BAD_TARGET,
            format!("the path {path} has a broken percent escape"),
        )
        .hint("write `%` and two hexadecimal digits; the sign `%` itself is `%25`")
    })?;
    let segments = with_whole_names(store, segments);
    let find = |name: &str| find(store, name);
    match segments.as_slice() {
        [] => return Ok(Target::Home),
        // Writes go to a resource of that name, as in json-server.
        [one] if one.eq_ignore_ascii_case("db") && (request.reads() || find(one).is_none()) => {
            return Ok(Target::All);
        }
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
                return Ok(Target::Nested {
                    parent,
                    id: Id::from_text(id),
                    child,
                });
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
    Err(no_resource(store, request, &segments))
}

/// The resource called `name`: exactly, else ignoring case, else ignoring slashes around its name.
fn find<'a>(store: &'a Store, name: &str) -> Option<&'a Resource> {
    let by = |is_meant: fn(&str, &str) -> bool| {
        let mut resources = store.resources();
        resources.find(|resource| is_meant(resource.name(), name))
    };
    store
        .resource(name)
        .or_else(|| by(str::eq_ignore_ascii_case))
        .or_else(|| by(|own, name| !name.is_empty() && own.trim_matches('/') == name))
}

/// The resource that a path begins with, and the id that follows it.
pub(super) fn beginning<'a>(store: &'a Store, path: &str) -> Option<(&'a Resource, Option<Id>)> {
    let segments = with_whole_names(store, segments(path)?);
    let resource = find(store, segments.first()?)?;
    Some((resource, segments.get(1).map(|id| Id::from_text(id))))
}

/// Joins the segments that are the name of a resource with slashes in it; the longest name wins.
fn with_whole_names<'r>(store: &Store, segments: Vec<Cow<'r, str>>) -> Vec<Cow<'r, str>> {
    let slashes = store
        .resources()
        .map(|resource| resource.name().matches('/').count())
        .max()
        .unwrap_or(0);
    if slashes == 0 {
        return segments;
    }
    let mut parts = Vec::with_capacity(segments.len());
    let mut at = 0;
    while at < segments.len() {
        let longest = (at + 1 + slashes).min(segments.len());
        // Names and ids alternate.
        let is_name = parts.len().is_multiple_of(2);
        let end = (at + 2..=longest)
            .rev()
            .find(|end| is_name && find(store, &segments[at..*end].join("/")).is_some())
            .unwrap_or(at + 1);
        parts.push(match &segments[at..end] {
            [one] => one.clone(),
            many => many.join("/").into(),
        });
        at = end;
    }
    parts
}

fn no_resource(store: &Store, request: &Request, parts: &[Cow<str>]) -> Problem {
    let path = request.uri.path();
    let problem = Problem::new(problem::NO_RESOURCE, format!("there is nothing at {path}"));
    let led = |problem: Problem, hint: String, path: &str| {
        problem.hint(hint).attempt(request.curl("GET", path, None))
    };
    if path.contains("//") {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let clean = format!("/{}", segments.collect::<Vec<_>>().join("/"));
        if let Ok(uri) = clean.parse()
            && target(
                store,
                &Request {
                    uri,
                    ..request.clone()
                },
            )
            .is_ok()
        {
            let hint = format!("there is one slash too many: {clean}");
            return led(problem, hint, &clean);
        }
    }
    let first = parts.first().map_or("", |name| name.as_ref());
    if let Some(resource) = find(store, first) {
        let (hint, path) = below(store, resource, parts);
        return led(problem, hint, &path);
    }
    let names: Vec<_> = store.resources().map(Resource::name).collect();
    if let Some(meant) = nearest(first, names.iter().copied()) {
        let rest = path_of(&parts[1..]);
        let meant = path_of(&[meant]);
        return led(problem, format!("did you mean {meant}{rest}?"), &meant);
    }
    let paths: Vec<_> = names.iter().map(|name| path_of(&[name])).collect();
    match paths.first() {
        Some(path) => led(problem, format!("the resources are {}", list(&paths)), path),
        None => problem
            .hint("the data file has no resources; add one to it, for example {\"users\": []}"),
    }
}

/// The path with these segments.
pub(super) fn path_of(segments: &[impl AsRef<str>]) -> String {
    let encoded = segments
        .iter()
        .map(|one| format!("/{}", path_encode(one.as_ref())));
    encoded.collect()
}

/// The hint for a path below `resource` that has no target, and the path to try.
fn below(store: &Store, resource: &Resource, parts: &[Cow<str>]) -> (String, String) {
    let whole = path_of(&[resource.name()]);
    if resource.collection().is_none() {
        let name = resource.name();
        let hint = format!("{name} is not a collection: GET {whole} returns all of it");
        return (hint, whole);
    }
    let is_collection =
        |name: &str| find(store, name).is_some_and(|resource| resource.collection().is_some());
    match parts {
        [_, _, child] => below_record(store, resource, &path_of(&parts[..2]), child),
        [.., name, id] if parts.len().is_multiple_of(2) && is_collection(name) => {
            let path = path_of(&[name.clone(), id.clone()]);
            let rows = find(store, name).and_then(Resource::collection);
            let is_there = rows.is_some_and(|rows| rows.get(&Id::from_text(id)).is_some());
            let (is, shown) = match is_there {
                true => ("is", path.clone()),
                false => ("would be", path_of(std::slice::from_ref(name))),
            };
            let hint = format!(
                "the record {is} at {path}: a nested path ends with the name of a collection"
            );
            (hint, shown)
        }
        [.., name, id, child] if is_collection(name) && is_collection(child) => {
            let path = path_of(&[name.clone(), id.clone(), child.clone()]);
            (format!("a path has one level of nesting: {path}"), path)
        }
        _ => (
            format!("a record is at {whole}/ID, and records that point to it at {whole}/ID/NAME"),
            whole,
        ),
    }
}

/// Like [`below`], for `child` below the record of `resource` at the path `record`.
fn below_record(store: &Store, resource: &Resource, record: &str, child: &str) -> (String, String) {
    let collections = store.resources().filter(|one| one.collection().is_some());
    let collections: Vec<&str> = collections.map(Resource::name).collect();
    let path = |name: &str| format!("{record}/{}", path_encode(name));
    if let Some(meant) = nearest(child, collections.iter().copied()) {
        let path = path(meant);
        return (format!("did you mean {path}?"), path);
    }
    let name = resource.name();
    let children = collections.into_iter();
    let children = children.filter(|child| store.link(child, name).used);
    let children: Vec<String> = children.map(path).collect();
    match children.first() {
        Some(path) => {
            let hint = format!("the paths below this record are {}", list(&children));
            (hint, path.clone())
        }
        None => (
            format!("no collection has records that point to {name}"),
            path_of(&[name]),
        ),
    }
}

/// The problem of an id that the collection `name` does not have.
pub(super) fn no_record(store: &Store, request: &Request, name: &str, id: &Id) -> Problem {
    let detail = format!("{name} has no record with the id {id}");
    let problem = Problem::new(problem::NO_RECORD, detail);
    let path = path_of(&[name]);
    let Some(collection) = store.records(name) else {
        return problem;
    };
    let ids: Vec<String> = collection
        .window(0, 5)
        .filter_map(|record| record.id())
        .map(ToString::to_string)
        .collect();
    let hint = match (collection.len(), other_id(store, name, collection, id)) {
        (0, _) => format!("{name} is empty"),
        (_, Some(property)) => {
            format!("a record has that value in {property}: start standin with --id {property}")
        }
        _ if ids.is_empty() => format!(
            "{name} is a list of plain values, which have no addresses: GET {path} returns all of them. For records, write objects: {{\"id\": 1, \"name\": \"value\"}}"
        ),
        (1, _) => format!("the only id is {}", list(&ids)),
        (count, _) if count <= ids.len() => format!("existing ids: {}", list(&ids)),
        (count, _) => format!("it has {count} records, the first ids are {}", list(&ids)),
    };
    problem.hint(hint).attempt(request.curl("GET", &path, None))
}

/// A property that looks like the id of the records of `name`, not like a foreign key, and that has the value `id` in
/// one of the first records.
fn other_id(store: &Store, name: &str, collection: &Collection, id: &Id) -> Option<String> {
    const SAMPLE: usize = 10;
    const LOOKED_AT: usize = 1000;
    let is_pointer = |key: &str| {
        let suffix = &store.settings().foreign_key_suffix;
        let parent = key.strip_suffix(suffix.as_str());
        let parent = parent.or_else(|| key.strip_suffix("_id"));
        parent.is_some_and(|parent| store.parent_named(name, parent).is_some())
    };
    let own = &store.settings().id;
    let sample = collection.window(0, SAMPLE);
    let keys = sample.flat_map(|record| members(record.value()).map(|member| member.key));
    let mut likely: Vec<_> = keys
        .filter(|key| key != own && is_like_id(key) && !is_pointer(key))
        .collect();
    likely.sort_unstable();
    likely.dedup();
    let has = |record: &Record, key: &str| {
        let value = get_member(record.value(), key).and_then(Id::from_json);
        value.as_ref() == Some(id)
    };
    let found = likely.into_iter().find(|key| {
        let mut records = collection.window(0, LOOKED_AT);
        records.any(|record| has(record, key))
    });
    found.map(Cow::into_owned)
}

/// The problem of a method that `target` does not support.
pub(super) fn wrong_method(request: &Request, target: &Target) -> Problem {
    let method = &request.method;
    let known = ["POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY"].contains(&method.as_str());
    let path = request.uri.path();
    let kind = match known {
        true => problem::METHOD,
        false => problem::NOT_SUPPORTED,
    };
    let problem = Problem::new(kind, format!("{method} does not work on {path}"))
        .header(header::ALLOW, HeaderValue::from_static(target.allow()));
    let hint = match (target, method.as_str()) {
        (
            Target::Collection(list) | Target::Nested { child: list, .. },
            "PUT" | "PATCH" | "DELETE",
        ) => {
            let name = path_encode(list.name());
            format!("{method} needs the id of a record: {method} /{name}/ID")
        }
        (Target::Record(resource, _), "POST") => {
            let name = path_encode(resource.name());
            format!("POST to /{name} adds a record; PUT or PATCH change this one")
        }
        (Target::Object(_), "DELETE") => "a single object can be changed, but not deleted".into(),
        (_, name) if !known && name != name.to_ascii_uppercase() => {
            format!(
                "methods are written in capitals: -X {}",
                name.to_ascii_uppercase()
            )
        }
        _ => format!("supported methods: {}", target.allow()),
    };
    problem.hint(hint).attempt(request.curl("GET", path, None))
}
