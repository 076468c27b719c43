//! The schemas of the document: those of the rules file, moved to `#/components/schemas`, or inferred ones.

use serde_json::{Map, Value, json};

use super::infer::Observed;
use super::paths::{Related, reference};
use super::{Described, Names};
use crate::json::pointer::{fragment, join};
use crate::schema::{Holds, Schema};
use crate::store::{Data, Store};
use crate::text::capital;

/// Adds the schemas of a resource: of a response, of a request, and of a PATCH.
pub(super) fn add(
    schemas: &mut Map<String, Value>,
    schema: &Schema,
    store: &Store,
    one: &Described<'_>,
    related: &Related<'_, '_>,
    moved: &Moved<'_>,
) {
    let id = &store.settings().id;
    let rules = schema.rules(one.resource.name());
    let records = one.resource.collection().is_some();
    let Some(rules) = rules.filter(|rules| (rules.holds == Holds::Records) == records) else {
        let mut inferred = one.seen.schema(true);
        inferred["description"] = "Inferred from the data: there are no rules.".into();
        if records && one.seen.count == 0 {
            inferred["type"] = "object".into();
        }
        schemas.insert(one.name.clone(), with_related(inferred, related));
        if !matches!(one.resource.data(), Data::Scalar(_)) {
            let mut request = one.seen.schema(false);
            request["type"] = "object".into();
            request["description"] = "Not enforced: there are no rules.".into();
            schemas.insert(format!("New{}", one.name), request);
        }
        return;
    };
    let raw = moved.schema(&rules.raw);
    let id = records.then_some(id.as_str());
    let response = answered(
        raw.clone(),
        id,
        one.seen.properties.get(id.unwrap_or_default()),
    );
    schemas.insert(one.name.clone(), with_related(response, related));
    schemas.insert(format!("New{}", one.name), sent(raw.clone(), id));
    if id.is_some() {
        schemas.insert(
            format!("{}Replacement", one.name),
            replacement(raw.clone(), id),
        );
    }
    schemas.insert(format!("{}Changes", one.name), changes(raw, id));
}

/// The positions of the rules file's schemas in the document.
pub(super) struct Moved<'a> {
    rules: &'a Schema,
    /// JSON pointers into the rules file, and the name of the schema for each.
    places: Vec<(String, String)>,
}

/// The keywords that hold schemas by name.
const MAPS: [&str; 5] = [
    "properties",
    "patternProperties",
    "$defs",
    "definitions",
    "dependentSchemas",
];
/// The keywords whose values are data.
const DATA: [&str; 6] = [
    "const",
    "default",
    "enum",
    "examples",
    "required",
    "dependentRequired",
];

impl<'a> Moved<'a> {
    pub(super) fn new(
        schema: &'a Schema,
        described: &[Described<'_>],
        names: &mut Names,
    ) -> Moved<'a> {
        let mut places = Vec::new();
        for one in described {
            let Some(rules) = schema.rules(one.resource.name()) else {
                continue;
            };
            let end = match rules.holds {
                Holds::Records => "/items",
                Holds::Single => "",
            };
            places.push((
                format!("{}{end}", join("/properties", &rules.resource)),
                one.name.clone(),
            ));
        }
        for keyword in ["$defs", "definitions"] {
            let Some(definitions) = schema.raw().get(keyword).and_then(Value::as_object) else {
                continue;
            };
            for name in definitions.keys() {
                places.push((
                    join(&format!("/{keyword}"), name),
                    names.unique(&capital(name)),
                ));
            }
        }
        Moved {
            rules: schema,
            places,
        }
    }

    /// Adds the definitions of the rules file.
    pub(super) fn definitions(&self, schemas: &mut Map<String, Value>) {
        for (pointer, name) in &self.places {
            if let Some(definition) = self.rules.raw().pointer(pointer) {
                let schema = schemas.entry(name.as_str());
                schema.or_insert_with(|| self.schema(definition));
            }
        }
    }

    /// `schema` as it is written into the document.
    pub(super) fn schema(&self, schema: &Value) -> Value {
        let Value::Object(members) = schema else {
            // OpenAPI tools know objects better than the schema `true`.
            return if *schema == Value::Bool(true) {
                json!({})
            } else {
                schema.clone()
            };
        };
        let mut moved = Map::new();
        for (keyword, value) in members {
            let (keyword, value) = match (keyword.as_str(), value) {
                ("$ref" | "$dynamicRef", Value::String(target)) => match self.target(target) {
                    Some(target) => ("$ref", target.into()),
                    None => continue,
                },
                ("$schema" | "$id" | "$anchor" | "$dynamicAnchor" | "$comment", _) => continue,
                ("references", _) => ("x-references", value.clone()),
                ("uniqueItemProperties", _) => ("x-unique", value.clone()),
                (name, Value::Object(schemas)) if MAPS.contains(&name) => {
                    let schemas = schemas
                        .iter()
                        .map(|(name, schema)| (name.clone(), self.schema(schema)));
                    (name, Value::Object(schemas.collect()))
                }
                (name, _) if DATA.contains(&name) => (name, value.clone()),
                (name, Value::Array(schemas)) => (
                    name,
                    schemas
                        .iter()
                        .map(|schema| self.schema_or_data(schema))
                        .collect(),
                ),
                (name, value) => (name, self.schema_or_data(value)),
            };
            moved.insert(keyword.into(), value);
        }
        Value::Object(moved)
    }

    fn schema_or_data(&self, value: &Value) -> Value {
        if value.is_object() {
            self.schema(value)
        } else {
            value.clone()
        }
    }

    fn target(&self, target: &str) -> Option<String> {
        let pointer = self.rules.target(target)?;
        let (place, name) = self
            .places
            .iter()
            .filter(|(place, _)| {
                pointer
                    .strip_prefix(place.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
            .max_by_key(|(place, _)| place.len())?;
        Some(format!(
            "#/components/schemas/{name}{}",
            fragment(&pointer[place.len()..])
        ))
    }
}

/// The schema of a record in a response: with its id.
fn answered(mut schema: Value, id: Option<&str>, seen: Option<&Observed>) -> Value {
    if let (Some(id), Value::Object(members)) = (id, &mut schema) {
        add_id(members, id, seen.map(|seen| seen.schema(true)));
        let required = members.entry("required").or_insert_with(|| json!([]));
        if let Value::Array(required) = required
            && !required.iter().any(|name| name == id)
        {
            required.push(id.into());
        }
    }
    schema
}

/// Adds the properties that `_embed` and `_expand` put into a response.
fn with_related(mut schema: Value, related: &Related<'_, '_>) -> Value {
    let children = related.children.iter().map(|child| {
        let items = json!({ "type": "array", "items": reference(&child.name), "description": "With `_embed`." });
        (child.resource.name().to_string(), items)
    });
    let parents = related.parents.iter().map(|(name, parent)| {
        let mut record = reference(&parent.name);
        record["description"] = "With `_expand`.".into();
        (name.clone(), record)
    });
    let mut added = children.chain(parents).peekable();
    if added.peek().is_some()
        && let Some(members) = schema.as_object_mut()
        && let Value::Object(properties) = members.entry("properties").or_insert_with(|| json!({}))
    {
        for (name, schema) in added {
            properties.entry(name).or_insert(schema);
        }
    }
    schema
}

/// The schema of a new record in a request: the id may be missing.
fn sent(mut schema: Value, id: Option<&str>) -> Value {
    if let (Some(id), Value::Object(members)) = (id, &mut schema) {
        add_id(members, id, None);
        if let Some(Value::Array(required)) = members.get_mut("required") {
            required.retain(|name| name != id);
        }
    }
    schema
}

/// The schema of a record that replaces another: its id is ignored.
fn replacement(schema: Value, id: Option<&str>) -> Value {
    let mut schema = sent(schema, id);
    if let (Some(id), Some(properties)) = (id, schema.get_mut("properties")) {
        properties[id] = json!({ "description": "Ignored: the id does not change." });
    }
    schema
}

/// The schema of a PATCH: no property is required.
fn changes(schema: Value, id: Option<&str>) -> Value {
    let Value::Object(mut members) = replacement(schema, id) else {
        return json!({});
    };
    // Keywords about the whole record.
    const OF_THE_WHOLE: [&str; 13] = [
        "required",
        "dependentRequired",
        "dependentSchemas",
        "minProperties",
        "maxProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "$ref",
    ];
    members.retain(|keyword, _| !OF_THE_WHOLE.contains(&keyword.as_str()));
    members.entry("type").or_insert("object".into());
    Value::Object(members)
}

fn add_id(members: &mut Map<String, Value>, id: &str, seen: Option<Value>) {
    let properties = members.entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(properties) = properties {
        let any = || json!({ "type": ["integer", "string", "number", "boolean"], "description": "Generated by the server if missing." });
        properties.entry(id).or_insert_with(|| {
            seen.filter(|seen| seen.get("type").is_some_and(|types| !types.is_array()))
                .unwrap_or_else(any)
        });
    }
}
