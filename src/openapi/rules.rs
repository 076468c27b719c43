//! Rules made from the data: a rules file that the records keep, to begin with.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::infer::Seen;
use crate::json::get_member;
use crate::schema::DRAFT;
use crate::store::{Collection, Data, Store};

/// A rules file for `store`: the types and formats that all records have, what all of them have, e-mail addresses that
/// are unique, and references.
pub fn rules(store: &Store) -> Value {
    let id = &store.settings().id;
    let mut properties = Map::new();
    for resource in store.resources() {
        let mut seen = Seen::default();
        let rows = match resource.data() {
            Data::Collection(rows) => rows,
            Data::Object(text) | Data::Scalar(text) => {
                seen.see(text);
                properties.insert(resource.name().into(), seen.schema(true));
                continue;
            }
        };
        rows.rows().for_each(|row| seen.see(row.value()));
        let mut items = seen.schema(true);
        items["type"] = "object".into();
        if let Some(Value::Array(required)) = items.get_mut("required") {
            required.retain(|name| name != id);
            if required.is_empty() {
                drop(
                    items
                        .as_object_mut()
                        .and_then(|items| items.remove("required")),
                );
            }
        }
        for parent in store
            .resources()
            .filter(|parent| parent.collection().is_some())
        {
            for link in store.links(resource.name(), parent.name()) {
                let is_kept = link.used && points_to(store, rows, &link.key, parent.name());
                if let Some(property) = items["properties"]
                    .get_mut(&link.key)
                    .filter(|_| is_kept && !link.many && link.target == *id)
                {
                    property["references"] = parent.name().into();
                }
            }
        }
        let unique: Vec<&str> = seen
            .properties()
            .filter(|(name, one)| one.format() == Some("email") && is_unique(rows, name))
            .map(|(name, _)| name)
            .collect();
        let mut collection = json!({ "type": "array", "items": items });
        if !unique.is_empty() {
            collection["uniqueItemProperties"] = json!(unique);
        }
        properties.insert(resource.name().into(), collection);
    }
    json!({
        "$schema": DRAFT,
        "type": "object",
        "properties": properties,
    })
}

/// Whether all records that have `name` have different values of it, upper and lower case apart.
fn is_unique(rows: &Collection, name: &str) -> bool {
    let mut known = HashSet::new();
    rows.rows()
        .filter_map(|row| get_member(row.value(), name))
        .all(|value| known.insert(value.to_lowercase()))
}

/// Whether each record with the property `key` points to a record of `parent`, or to nothing.
fn points_to(store: &Store, rows: &Collection, key: &str, parent: &str) -> bool {
    let Some(parent) = store
        .resource(parent)
        .and_then(|parent| parent.collection())
    else {
        return false;
    };
    rows.rows()
        .filter_map(|row| get_member(row.value(), key))
        .all(|value| {
            value.trim_ascii() == "null"
                || crate::json::Id::from_json(value).is_some_and(|id| parent.get(&id).is_some())
        })
}
