//! Read-only routes under `/-/` for the explorer: the model of the data, facets, dependents of a record, the history of
//! changes.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::admin::{self, kind};
use super::app::{App, Reply};
use super::events::cause_name;
use super::guard::{Viewer, view, viewer};
use super::problem::{self, Problem};
use super::request::Request;
use super::{list, response, write};
use crate::engine::{Event, EventKind, Published};
use crate::json::{Id, Kind, Object, get_member, items, members};
use crate::openapi;
use crate::query::{Relations, Row};
use crate::schema::Holds;
use crate::store::plural::singular;
use crate::store::{Collection, Command, Data, Operation, Resource, Store};
use crate::work::Work;

/// A field with more values than this has no facet, unless the request names it.
const MAX_VALUES: usize = 20;
/// The most values of a field that the request names.
const MAX_NAMED_VALUES: usize = 1000;
/// Longer values are not listed as facets, in bytes.
const MAX_VALUE: usize = 100;
/// How many records, at the beginning and at the end, the schema of a resource without rules is inferred from.
const SAMPLE: usize = 500;
/// How many fields are counted.
const MAX_FIELDS: usize = 200;
/// How many records of one change the history shows.
const MAX_CHANGES: usize = 100;

/// `GET /-/model`: the resources with the schema of their records, labels and relations.
pub(super) async fn model(app: Arc<App>, request: Arc<Request>) -> Reply {
    let published = seen(&app, &request).await.1;
    let schema = app.engine.schema();
    let store = &published.store;
    let resources: Vec<Value> = store
        .resources()
        .map(|resource| {
            let name = resource.name();
            let is_collection = resource.collection().is_some();
            let rules = schema
                .rules(name)
                .filter(|rules| (rules.holds == Holds::Records) == is_collection);
            let described = match rules {
                Some(rules) => rules.raw.clone(),
                None => openapi::inferred(resource, SAMPLE),
            };
            let declared = &schema.raw()["properties"][name];
            let (references, dependents) = relations(store, resource);
            json!({
                "name": name,
                "singular": singular(name),
                "kind": kind(resource),
                "rules": rules.is_some(),
                "schema": described,
                "unique": declared.get("uniqueItemProperties").cloned().unwrap_or_else(|| json!([])),
                "label": declared.get("x-label").cloned().unwrap_or_default(),
                "references": references,
                "dependents": dependents,
            })
        })
        .collect();
    let model = json!({
        "version": published.version,
        "rules": schema.raw(),
        "resources": resources,
    });
    response::ok(&model)
}

/// The viewer of a request, and the data that they may see.
async fn seen(app: &App, request: &Request) -> (Viewer, Arc<Published>) {
    let published = app.engine.snapshot();
    let viewer = viewer(app, &published, request).await;
    let published = view(published, &viewer);
    (viewer, published)
}

/// By which properties the records of `resource` point to others, and which others point to them.
fn relations(store: &Store, resource: &Resource) -> (Vec<Value>, Vec<Value>) {
    if resource.collection().is_none() {
        return Default::default();
    }
    let name = resource.name();
    let collections = || store.resources().filter(|one| one.collection().is_some());
    let links = |child: &str, parent: &str, other: &str| -> Vec<Value> {
        let links = store
            .links(child, parent)
            .into_iter()
            .filter(|link| link.used);
        links
            .map(|link| {
                json!({ "property": link.key, "resource": other, "target": link.target, "many": link.many })
            })
            .collect()
    };
    let references = collections().flat_map(|parent| links(name, parent.name(), parent.name()));
    let dependents = collections().flat_map(|child| links(child.name(), name, child.name()));
    (references.collect(), dependents.collect())
}

/// `GET /-/facets/NAME`: the values of the fields with their counts, among the records that the query selects.
/// `_facet` names fields; without it those with few values are chosen.
pub(super) async fn facets(app: Arc<App>, request: Arc<Request>) -> Reply {
    let published = seen(&app, &request).await.1;
    // A large collection takes a while.
    let scheduler = app.scheduler.clone();
    scheduler
        .run(move |work| facets_of(&app, &published, &request, work))
        .await
}

fn facets_of(app: &App, published: &Published, request: &Request, work: &Work<'_>) -> Reply {
    let (resource, collection) = collection_at(&published.store, request)?;
    let pairs = list::pairs(request)?;
    let (named, mut pairs): (Vec<_>, Vec<_>) =
        pairs.into_iter().partition(|(name, _)| name == "_facet");
    let named: Vec<String> = named.into_iter().map(|(_, field)| field).collect();
    const WINDOW: [&str; 7] = [
        "_page",
        "_limit",
        "_per_page",
        "_start",
        "_end",
        "_sort",
        "_order",
    ];
    pairs.retain(|(name, _)| !WINDOW.contains(&name.as_str()));
    let query = list::query(app, &published.store, request, resource, &pairs, work)?;
    let relations = Relations::new(&published.store, resource.name(), &query, work);
    let page = collection.run(&query, &relations, work);
    let is_named = !named.is_empty();
    let mut counts = Counts::new(named);
    let rows = page.rows.iter().map(Row::text);
    for row in rows.take_while(|row| work.charge(row.len())) {
        match is_named {
            true => counts.add(row),
            false => counts.add_all(row),
        }
    }
    let body = json!({ "total": page.rows.len(), "facets": counts.to_json() });
    response::ok(&body)
}

/// The values of fields, by field.
struct Counts {
    fields: IndexMap<String, Field>,
    limit: usize,
}

#[derive(Default)]
struct Field {
    /// The JSON text of each value, in the order in which they were met, and how often.
    values: IndexMap<String, usize>,
    /// There are too many values for a facet, or they are too long.
    is_out: bool,
}

impl Counts {
    fn new(named: Vec<String>) -> Counts {
        let limit = match named.is_empty() {
            true => MAX_VALUES,
            false => MAX_NAMED_VALUES,
        };
        let named = named.into_iter().map(|name| (name, Field::default()));
        Counts {
            fields: named.collect(),
            limit,
        }
    }

    /// Counts the fields that are named.
    fn add(&mut self, record: &str) {
        for (name, field) in &mut self.fields {
            if let Some(value) = get_member(record, name) {
                field.add(value, self.limit);
            }
        }
    }

    /// Counts all fields.
    fn add_all(&mut self, record: &str) {
        if Kind::of(record) != Kind::Object {
            return;
        }
        for member in members(record) {
            if let Some(field) = self.fields.get_mut(&*member.key) {
                field.add(member.value, self.limit);
            } else if self.fields.len() < MAX_FIELDS {
                let field = self.fields.entry(member.key.into_owned());
                field.or_default().add(member.value, self.limit);
            }
        }
    }

    fn to_json(&self) -> Vec<Value> {
        let fields = self
            .fields
            .iter()
            .filter(|(_, field)| !field.is_out && !field.values.is_empty());
        fields
            .map(|(name, field)| {
                let mut values: Vec<_> = field.values.iter().collect();
                values.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
                let values = values.into_iter().filter_map(|(text, count)| {
                    let value: Value = serde_json::from_str(text).ok()?;
                    Some(json!({ "value": value, "count": count }))
                });
                json!({ "field": name, "values": values.collect::<Vec<_>>() })
            })
            .collect()
    }
}

impl Field {
    fn add(&mut self, value: &str, limit: usize) {
        if self.is_out {
            return;
        }
        match Kind::of(value) {
            Kind::Array => items(value).for_each(|item| self.count(item, limit)),
            _ => self.count(value, limit),
        }
    }

    fn count(&mut self, value: &str, limit: usize) {
        let value = value.trim_ascii();
        if matches!(Kind::of(value), Kind::Array | Kind::Object) || value.len() > MAX_VALUE {
            self.is_out = true;
            return;
        }
        if let Some(count) = self.values.get_mut(value) {
            *count += 1;
        } else if self.values.len() < limit {
            self.values.insert(value.to_string(), 1);
        } else {
            self.is_out = true;
        }
    }
}

/// `GET /-/dependents/NAME?id=1`: what deleting these records would delete and change; nothing is changed.
pub(super) async fn dependents(app: Arc<App>, request: Arc<Request>) -> Reply {
    let (viewer, published) = seen(&app, &request).await;
    let (resource, _) = collection_at(&published.store, &request)?;
    let before = published.full.clone();
    let mut store = before.clone();
    let pairs = list::pairs(&request)?;
    let (mut removed, mut changed) = (Map::new(), Map::new());
    let asked: Vec<Id> = pairs
        .iter()
        .filter(|(name, _)| name == "id")
        .map(|(_, id)| Id::from_text(id))
        .collect();
    for id in &asked {
        let command = Command {
            resource: resource.name().into(),
            id: Some(id.clone()),
            operation: Operation::Delete {
                dependent: Vec::new(),
            },
            body: Object::default(),
        };
        // One of the records may have been deleted by a cascade.
        let rows = store.records(resource.name());
        if rows.is_none_or(|rows| rows.get(id).is_none()) {
            continue;
        }
        let change = match app.engine.rulebook().plan(&store, &command) {
            Ok(change) => change,
            Err(error) => {
                let mut problem = write::refused(&app, &request, None, error).to_json();
                // The command would be about this path and not about the record's.
                if let Value::Object(members) = &mut problem {
                    members.remove("try");
                }
                return response::ok(&json!({ "refused": problem }));
            }
        };
        let outcome = store.apply(change);
        for (at, written) in outcome.written.iter().enumerate() {
            let rows = before.records(&written.resource);
            let row = rows.and_then(|rows| rows.get(written.id.as_ref()?));
            if viewer.may_see(&app, &written.resource, row.map(|row| row.value())) {
                let group = match at < outcome.removed {
                    true => &mut removed,
                    false => &mut changed,
                };
                add_id(group, &written.resource, written.id.as_ref());
            }
        }
    }
    let body = json!({ "removed": removed, "changed": changed });
    response::ok(&body)
}

/// Adds a record of `resource` to `groups`, the ids of records by resource.
fn add_id(groups: &mut Map<String, Value>, resource: &str, id: Option<&Id>) {
    let ids = groups.entry(resource).or_insert_with(|| json!([]));
    if let (Value::Array(ids), Some(id)) = (ids, id) {
        let id = Value::from(id);
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
}

/// `GET /-/history`: the changes that can be undone, newest first, with the records before and after.
pub(super) async fn history(app: Arc<App>, request: Arc<Request>) -> Reply {
    admin::check(&app, &request)?;
    let events = app.engine.feed.kept();
    let steps = app.engine.undo_steps();
    let shown: Vec<Value> = steps
        .iter()
        .rev()
        .map(|step| {
            // Without hidden properties.
            let before = step.before.public(None);
            let version = step.version + 1;
            let at = step.at.duration_since(UNIX_EPOCH).unwrap_or_default();
            let of_it: Vec<_> = events.iter().filter(|event| event.version == version).collect();
            let mut cause = "api";
            let mut changes = Vec::new();
            let mut count = 0;
            for event in &of_it {
                if let EventKind::Reload { cause: why, changes, .. } = &event.kind {
                    cause = cause_name(why);
                    count += changes.added + changes.changed + changes.removed;
                } else {
                    count += 1;
                }
                changes_of(event, &before, &mut changes);
            }
            json!({ "version": version, "at": at.as_millis() as u64, "cause": cause, "count": count, "changes": changes })
        })
        .collect();
    let first = steps.first().map(|step| step.version);
    let body = json!({
        "version": app.engine.snapshot().version,
        "first": first,
        "steps": shown,
    });
    response::ok(&body)
}

/// Adds what an event changed: each record as it was in `before`, and as it was after.
fn changes_of(event: &Event, before: &Store, changes: &mut Vec<Value>) {
    let mut add = |id: Option<&Id>, record: Option<&str>| {
        if changes.len() >= MAX_CHANGES {
            return;
        }
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let was =
            before
                .resource(&event.resource)
                .and_then(|resource| match (resource.data(), id) {
                    (Data::Collection(rows), Some(id)) => {
                        rows.get(id).map(|row| parse(row.value()))
                    }
                    (Data::Object(text) | Data::Scalar(text), _) => Some(parse(text)),
                    _ => None,
                });
        changes.push(json!({
            "resource": event.resource,
            "id": id.map(Value::from),
            "before": was,
            "after": record.map(parse),
        }));
    };
    match &event.kind {
        EventKind::Reload { records, .. } => {
            for (id, record) in records {
                add(id.as_ref(), record.as_deref());
            }
        }
        _ => add(event.id.as_ref(), event.record.as_deref()),
    }
}

/// The collection that the path ends with.
fn collection_at<'a>(
    store: &'a Store,
    request: &Request,
) -> Result<(&'a Resource, &'a Collection), Problem> {
    let name = request.last_segment().unwrap_or_default();
    let found = store.resource(&name);
    let found = found.and_then(|resource| Some((resource, resource.collection()?)));
    found.ok_or_else(|| {
        let detail = format!("there is no collection {name}");
        Problem::new(problem::NO_RESOURCE, detail).hint("GET /-/health lists the resources")
    })
}
