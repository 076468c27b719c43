//! GET of a collection, of a nested one, and of a record with its relations.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use warp::http::{HeaderValue, Response, StatusCode, header};

use super::problem::{self, Problem, Told};
use super::reply::{self, Usual};
use super::request::Request;
use crate::engine::{Engine, Published};
use crate::json::{Id, Layout, get_member, tag};
use crate::store::query::{Fault, Fields, Notice, PageInfo, PageStyle, Query, QueryError};
use crate::store::relations::{Lookup, Naming, Plan, foreign_key};
use crate::store::{Collection, Record, Resource, Store, write_list};

/// The records of `resource` that the request's query chooses. `only`: a further equality, of a nested route.
pub(super) fn collection(
    engine: &Engine,
    (published, usual): (&Published, &Usual),
    request: &Request,
    resource: &Resource,
    only: Option<(String, String)>,
) -> Result<Response<Bytes>, Problem> {
    let Some(collection) = resource.collection() else { return Ok(object(resource)) };
    let mut pairs = request.pairs().map_err(|error| bad_query(request, &error))?;
    let nested = only.is_some();
    pairs.extend(only);
    if pairs.is_empty() {
        let (body, tag) = published.whole(resource);
        return Ok(usual.json(body, tag));
    }
    let rules = engine.schema().rules(resource.name());
    let mut declared: Vec<&str> =
        rules.iter().flat_map(|rules| rules.properties()).map(|one| one.name.as_str()).collect();
    if rules.is_some() {
        declared.push(&published.store.settings().id);
    }
    let visit = |see: &mut dyn FnMut(&str) -> bool| {
        for row in collection.rows() {
            if !see(row.value()) {
                break;
            }
        }
    };
    let fields = Fields::new(&visit, &declared).remembering(collection.absent());
    let query = Query::parse(&pairs, &fields).map_err(|error| bad_query(request, &error))?;
    let relations = Relations::new(&published.store);
    let lookup = query.asks_for_relations().then(|| relations.lookup());
    let lookup = lookup.as_ref().map(Lookups::borrowed);
    let plan = lookup.map(|lookup| Plan::new(resource.name(), &query, relations.naming(), lookup)).unwrap_or_default();
    let attach = |text: &str| match lookup {
        Some(lookup) => plan.attach(text, lookup, Layout::PRETTY, "").into_owned(),
        None => text.to_string(),
    };

    let (texts, records, total, page): (Vec<String>, Vec<Arc<Record>>, _, _);
    let chosen: Vec<&str> = if plan.is_empty() && query.is_window_only() {
        let range = query.range(collection.len());
        total = query.counts().then_some(collection.len());
        page = query.page(collection.len());
        collection.window(range.start, range.len()).map(|row| row.value()).collect()
    } else if query.needs_relations() && !plan.is_empty() {
        let all: Vec<String> = collection.rows().map(|row| attach(row.value())).collect();
        let selection = query.select(0..all.len(), |at| all.get(at).map_or("", String::as_str));
        (total, page) = (selection.total, selection.page);
        texts = selection.rows.into_iter().filter_map(|at| all.get(at).cloned()).collect();
        texts.iter().map(String::as_str).collect()
    } else {
        let rows = match collection.choose(&query, &published.store.settings().id) {
            Some(selection) => {
                (records, total, page) = (selection.rows, selection.total, selection.page);
                records.iter().map(|record| record.value()).collect()
            }
            None => {
                let selection = query.select(collection.rows().map(|row| row.value()), |row| row);
                (total, page) = (selection.total, selection.page);
                selection.rows
            }
        };
        if plan.is_empty() {
            rows
        } else {
            texts = rows.into_iter().map(attach).collect();
            texts.iter().map(String::as_str).collect()
        }
    };

    let mut body = Vec::new();
    match page.filter(|page| page.style == PageStyle::Envelope) {
        Some(page) => envelope(&mut body, page, &chosen),
        None => write_list(&mut body, chosen.into_iter(), ""),
    }
    let tag = tag(&body);
    let mut response = usual.json(body.into(), tag);
    let headers = response.headers_mut();
    if let Some(total) = total {
        headers.insert(reply::TOTAL, HeaderValue::from(total));
    }
    if let Some(page) = page.filter(|page| page.style == PageStyle::Link) {
        let url = format!("{}{}", request.base(), request.target());
        let link = page.link(&url).unwrap_or_default();
        headers.insert(header::LINK, HeaderValue::try_from(link).unwrap_or(HeaderValue::from_static("")));
    }
    // A nested route asks for a foreign key that no record may have yet, which is no mistake.
    let notices = query.notices().iter().filter(|_| !nested).chain(plan.notices());
    hint(&mut response, notices);
    Ok(response)
}

/// One record, with its relations if the query asks for them.
pub(super) fn record(
    published: &Published,
    usual: &Usual,
    request: &Request,
    resource: &Resource,
    text: &str,
) -> Result<Response<Bytes>, Problem> {
    let mut body = Vec::with_capacity(text.len() + 64);
    let asks = request.uri.query().is_some_and(|query| query.contains("_embed") || query.contains("_expand"));
    if !asks {
        Layout::PRETTY.write(&mut body, text, "");
        let tag = tag(&body);
        return Ok(usual.json(body.into(), tag));
    }
    let mut pairs = request.pairs().map_err(|error| bad_query(request, &error))?;
    pairs.retain(|(name, _)| name == "_embed" || name == "_expand");
    let query = Query::parse(&pairs, &Fields::new(&|_| (), &[])).map_err(|error| bad_query(request, &error))?;
    let relations = Relations::new(&published.store);
    let lookup = relations.lookup();
    let plan = Plan::new(resource.name(), &query, relations.naming(), lookup.borrowed());
    let text = plan.attach(text, lookup.borrowed(), Layout::PRETTY, "");
    Layout::PRETTY.write(&mut body, &text, "");
    let mut response = reply::json(StatusCode::OK, body);
    hint(&mut response, plan.notices().iter());
    Ok(response)
}

/// A single object or value.
pub(super) fn object(resource: &Resource) -> Response<Bytes> {
    let mut body = Vec::new();
    resource.write(&mut body, "");
    reply::json(StatusCode::OK, body)
}

/// The name of the property by which records of `child` point to `parent`.
pub(super) fn key(store: &Store, parent: &str, child: &str) -> String {
    let relations = Relations::new(store);
    let lookup = relations.lookup();
    foreign_key(parent, child, relations.naming(), lookup.borrowed())
}

fn envelope(body: &mut Vec<u8>, page: PageInfo, chosen: &[&str]) {
    body.extend_from_slice(b"{\n");
    for (name, value) in page.envelope() {
        let value = value.map_or_else(|| "null".into(), |value| value.to_string());
        body.extend_from_slice(format!("  \"{name}\": {value},\n").as_bytes());
    }
    body.extend_from_slice(b"  \"data\": ");
    write_list(body, chosen.iter().copied(), "  ");
    body.extend_from_slice(b"\n}");
}

fn hint<'a>(response: &mut Response<Bytes>, notices: impl Iterator<Item = &'a Notice>) {
    let words: Vec<String> = notices.map(ToString::to_string).collect();
    if words.is_empty() {
        return;
    }
    let words = words.join("\n");
    let line: String = words.chars().map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { ' ' }).collect();
    if let Ok(line) = HeaderValue::try_from(line) {
        response.headers_mut().insert(reply::HINT, line);
    }
    response.extensions_mut().insert(Told(words));
}

/// The problem of a query that cannot be carried out.
pub(super) fn bad_query(request: &Request, error: &QueryError) -> Problem {
    let path = format!("{}?{}", request.uri.path(), error.example);
    let kind = if error.fault == Fault::Encoding { problem::BAD_TARGET } else { problem::BAD_QUERY };
    Problem::new(kind, format!("{}: {}", error.parameter, error.detail))
        .hint(format!("a working one is {}", error.example))
        .attempt(request.curl("GET", &path, None))
}

/// The texts of a collection's records by the id that they point to.
type ById<'a> = HashMap<Id, Vec<&'a str>>;

/// The store as relations look at it, with the children of each collection gathered once a request.
struct Relations<'a> {
    store: &'a Store,
    gathered: RefCell<HashMap<(String, String), ById<'a>>>,
}

type Has<'l> = Box<dyn Fn(&str) -> bool + 'l>;
type Children<'a, 'l> = Box<dyn Fn(&str, &str, &Id) -> Vec<&'a str> + 'l>;
type Parent<'a, 'l> = Box<dyn Fn(&str, &Id) -> Option<&'a str> + 'l>;
type HasMember<'l> = Box<dyn Fn(&str, &str) -> bool + 'l>;

struct Lookups<'a, 'l> {
    has: Has<'l>,
    children: Children<'a, 'l>,
    parent: Parent<'a, 'l>,
    has_member: HasMember<'l>,
}

impl<'a> Relations<'a> {
    fn new(store: &'a Store) -> Relations<'a> {
        Relations { store, gathered: RefCell::new(HashMap::new()) }
    }

    fn naming(&self) -> Naming<'a> {
        let settings = self.store.settings();
        Naming { id: &settings.id, suffix: &settings.foreign_key_suffix }
    }

    fn rows(&self, name: &str) -> Option<&'a Collection> {
        self.store.resource(name)?.collection()
    }

    fn children(&self, name: &str, key: &str, id: &Id) -> Vec<&'a str> {
        let mut gathered = self.gathered.borrow_mut();
        let by_id = gathered.entry((name.to_string(), key.to_string())).or_insert_with(|| {
            let mut by_id: ById<'a> = HashMap::new();
            for row in self.rows(name).into_iter().flat_map(Collection::rows) {
                if let Some(id) = get_member(row.value(), key).and_then(Id::from_json) {
                    by_id.entry(id).or_default().push(row.value());
                }
            }
            by_id
        });
        by_id.get(id).cloned().unwrap_or_default()
    }

    fn lookup<'l>(&'l self) -> Lookups<'a, 'l> {
        Lookups {
            has: Box::new(|name| self.rows(name).is_some()),
            children: Box::new(|name, key, id| self.children(name, key, id)),
            parent: Box::new(|name, id| self.rows(name)?.get(id).map(|row| row.value())),
            has_member: Box::new(|name, key| {
                let mut rows = self.rows(name).into_iter().flat_map(Collection::rows);
                rows.any(|row| get_member(row.value(), key).is_some())
            }),
        }
    }
}

impl<'a> Lookups<'a, '_> {
    fn borrowed(&self) -> Lookup<'a, '_> {
        Lookup { has: &self.has, children: &self.children, parent: &self.parent, has_member: &self.has_member }
    }
}
