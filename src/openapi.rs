//! The OpenAPI 3.1 document of the data as it is: a pure function of the rules, the records and the kinds of problems.
//!
//! 1. `infer` finds what the records of a resource have in common;
//! 2. `resource` describes each resource: its name, path, examples and properties;
//! 3. `schemas` makes the schemas, of the rules file or of what was inferred;
//! 4. `parameters` makes the query parameters, from the list of operators;
//! 5. `paths` puts the operations together;
//! 6. `access` and `endpoints` add what the rules say of access, and what the routes file says.
//!
//! What is the same in every document is in `fragments.json`.

mod access;
mod endpoints;
mod fragments;
mod infer;
mod parameters;
mod paths;
mod resource;
mod rules;
mod schemas;

use serde_json::{Map, Value, json};

use crate::behaviour::RoutesFile;
use crate::problems::KINDS;
use crate::rules::{Access, Guard};
use crate::schema::Schema;
use crate::store::{Data, Resource, Store};

pub use rules::rules;

/// The OpenAPI document of `store` under the rules in `schema` and with what `routes` adds.
pub fn document(schema: &Schema, store: &Store, routes: &RoutesFile) -> Value {
    // Examples are taken from the records.
    let hides = |(resource, access): &(String, Access)| {
        (access.read != Guard::Anyone).then(|| resource.clone())
    };
    let hidden = schema.guarded().iter().filter_map(hides);
    let store = &hidden.fold(store.public(None), |store, name| {
        store.narrowed(&name, None)
    });
    let mut names = resource::Names::default();
    names.unique("Problem");
    let resources: Vec<_> = store
        .resources()
        .map(|resource| resource::describe(schema, store, resource, &mut names))
        .collect();
    let mut schemas = Map::new();
    let moved = schemas::Moved::new(schema, &resources, &mut names);
    for resource in &resources {
        let related = paths::Related::of(store, resource, &resources);
        schemas::add(&mut schemas, schema, store, resource, &related, &moved);
    }
    moved.definitions(&mut schemas);
    let mut problem = fragments::get("problem");
    let types: Vec<_> = KINDS
        .iter()
        .map(|kind| format!("/-/errors#{}", kind.name))
        .collect();
    problem["properties"]["type"]["enum"] = json!(types);
    schemas.insert("Problem".into(), problem);
    let tags: Vec<_> = resources
        .iter()
        .map(|one| one.resource.name())
        .filter(|name| *name != "db")
        .chain(["db"])
        .map(|name| json!({ "name": name }))
        .collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "standin",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Generated from the data file and its rules as they are now. Errors are problem documents (RFC 9457).",
        },
        "servers": [{ "url": "/" }],
        "security": [],
        "tags": tags,
        "paths": paths::paths(store, &resources),
        "components": { "schemas": schemas },
    });
    access::add(&mut document, schema, &resources);
    endpoints::add(&mut document, routes);
    document
}

/// A schema that the records of `resource` fit, as far as the first and the last `sample` of them tell.
pub fn inferred(resource: &Resource, sample: usize) -> Value {
    let mut seen = infer::Seen::default();
    match resource.data() {
        Data::Collection(rows) => {
            let tail = rows
                .len()
                .saturating_sub(sample)
                .max(sample)
                .min(rows.len());
            let head = rows.window(0, sample.min(rows.len()));
            head.chain(rows.window(tail, rows.len() - tail))
                .for_each(|row| seen.see(row.value()));
        }
        Data::Object(text) | Data::Scalar(text) => seen.see(text),
    }
    seen.schema(true)
}

#[cfg(test)]
mod tests;
