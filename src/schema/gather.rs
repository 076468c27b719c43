//! What the rules say about each resource: what it requires, keeps unique and points to.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::keywords::{AT_COLLECTION, AT_ROOT, KEYWORDS, REFERENCES, Shape, UNIQUE, nearest};
use super::walk::{Problem, is_own};
use super::words::{Layer, Sheet, join, literal, types, wanted};
use super::{Holds, Property};
use crate::rules::{OnDelete, ReferenceRule, UniqueProperty, UniqueRule};

/// A resource's rules before they are compiled.
#[derive(Debug)]
pub(super) struct Gathered {
    pub resource: String,
    pub holds: Holds,
    /// Where the schema of a record (or of the object) stands.
    pub pointer: String,
    /// Where the schemas of a record's id are.
    pub id_pointers: Vec<String>,
    pub required: Vec<String>,
    pub properties: Vec<Property>,
    pub unique: Vec<UniqueRule>,
    pub references: Vec<ReferenceRule>,
}

struct Gatherer<'a> {
    sheet: &'a Sheet,
    id: &'a str,
    problems: &'a mut Vec<Problem>,
    /// Our own keywords that were read where they mean something.
    used: HashSet<String>,
}

/// The resources in the order of the file.
pub(super) fn gather(sheet: &Sheet, id: &str, problems: &mut Vec<Problem>) -> Vec<Gathered> {
    let mut gatherer = Gatherer { sheet, id, problems, used: HashSet::new() };
    gatherer.only(
        AT_ROOT,
        &Layer { pointer: String::new(), schema: sheet.root.as_object().unwrap_or(&Map::new()) },
        "at the root",
    );
    let names = sheet.root.get("properties").and_then(Value::as_object).into_iter().flatten();
    // `$schema` may be listed so that an editor does not complain of it; it is no resource.
    let names = names.map(|(name, _)| name.as_str()).filter(|name| *name != "$schema");
    let gathered: Vec<Gathered> = names.filter_map(|name| gatherer.resource(name)).collect();
    for resource in &gathered {
        gatherer.targets(resource, &gathered);
    }
    gatherer.unused(&sheet.root, "");
    gathered
}

impl Gatherer<'_> {
    fn problem(&mut self, pointer: String, message: String, hint: Option<String>) {
        self.problems.push(Problem { pointer, message, hint });
    }

    /// Refuses keywords that would have no effect in `layer`.
    fn only(&mut self, allowed: &[&str], layer: &Layer<'_>, place: &str) {
        for name in layer.schema.keys().filter(|name| !name.starts_with("x-") && !is_own(name)) {
            if !allowed.contains(&name.as_str()) {
                let message = format!("`{name}` is not held {place}: standin checks records one by one");
                let hint = "rules for a record stand in `items` of its collection".to_owned();
                self.problem(join(&layer.pointer, name), message, Some(hint));
            }
        }
    }

    fn resource(&mut self, name: &str) -> Option<Gathered> {
        let pointer = join("/properties", name);
        let outer = self.sheet.layers(&pointer);
        let is_array = types(&outer).iter().any(|name| name == "array");
        let items = outer.iter().find(|layer| layer.schema.contains_key("items"));
        let (holds, pointer) = match items {
            Some(layer) => (Holds::Records, format!("{}/items", layer.pointer)),
            None if is_array => (Holds::Records, String::new()),
            None => (Holds::Single, pointer),
        };
        if holds == Holds::Records {
            outer.iter().for_each(|layer| self.only(AT_COLLECTION, layer, "for a collection"));
        }
        if pointer.is_empty() {
            // An array of anything. Our own keywords beside it are reported as unused.
            return None;
        }
        let layers = self.sheet.layers(&pointer);
        let mut required: Vec<String> = Vec::new();
        for name in layers.iter().filter_map(|layer| layer.schema.get("required")?.as_array()).flatten() {
            let Some(name) = name.as_str().filter(|name| holds == Holds::Single || *name != self.id) else { continue };
            if !required.iter().any(|known| known == name) {
                required.push(name.to_owned());
            }
        }
        let properties = self.properties(&layers, &required);
        let references = self.references(&layers, &properties);
        let unique = if holds == Holds::Records { self.unique(&outer, &properties) } else { Vec::new() };
        let own = |layer: &&Layer<'_>| layer.schema.get("properties").is_some_and(|all| all.get(self.id).is_some());
        let id_pointer = |layer: &Layer<'_>| join(&join(&layer.pointer, "properties"), self.id);
        let id_pointers = layers.iter().filter(own).map(id_pointer).collect();
        let resource = name.to_owned();
        Some(Gathered { resource, holds, pointer, id_pointers, required, properties, unique, references })
    }

    fn properties(&self, layers: &[Layer<'_>], required: &[String]) -> Vec<Property> {
        let mut properties: Vec<Property> = Vec::new();
        for name in layers.iter().filter_map(|layer| layer.schema.get("properties")?.as_object()).flat_map(Map::keys) {
            if properties.iter().any(|property| property.name == *name) {
                continue;
            }
            let layers = self.sheet.property_layers(layers, name);
            let keyword = |keyword: &str| layers.iter().find_map(|layer| layer.schema.get(keyword));
            let text = |name: &str| keyword(name).and_then(Value::as_str).map(str::to_owned);
            properties.push(Property {
                name: name.clone(),
                types: types(&layers),
                format: text("format"),
                required: required.contains(name),
                read_only: keyword("readOnly") == Some(&Value::Bool(true)),
                description: text("description"),
                words: wanted(&layers),
            });
        }
        properties
    }

    fn references(&mut self, layers: &[Layer<'_>], properties: &[Property]) -> Vec<ReferenceRule> {
        let mut references = Vec::new();
        for property in properties {
            let direct = self.sheet.property_layers(layers, &property.name);
            let items = direct.iter().filter(|layer| layer.schema.contains_key("items"));
            let items: Vec<Layer<'_>> =
                items.flat_map(|layer| self.sheet.layers(&format!("{}/items", layer.pointer))).collect();
            for (layers, many) in [(direct, false), (items, true)] {
                for layer in layers {
                    let Some(value) = layer.schema.get(REFERENCES) else { continue };
                    let pointer = join(&layer.pointer, REFERENCES);
                    if let Some((resource, target, on_delete)) = self.reference(value, &pointer) {
                        let property = property.name.clone();
                        references.push(ReferenceRule { property, many, resource, target, on_delete });
                    }
                    self.used.insert(pointer);
                }
            }
        }
        references
    }

    /// What the value of `references` says: the collection and the property there, and what is done on a deletion.
    fn reference(&mut self, value: &Value, pointer: &str) -> Option<(String, String, Option<OnDelete>)> {
        const FORM: &str = "write {\"resource\": \"bands\", \"onDelete\": \"restrict\"}";
        let mut on_delete = None;
        let mut name = Some(value);
        if let Value::Object(members) = value {
            name = members.get("resource");
            for (key, value) in members {
                let pointer = join(pointer, key);
                match key.as_str() {
                    "resource" => {}
                    "onDelete" => {
                        on_delete = value.as_str().and_then(OnDelete::named);
                        if on_delete.is_none() {
                            let message =
                                format!("must be one of {}, got {}", OnDelete::NAMES.join(", "), literal(value));
                            let near = value.as_str().and_then(|text| nearest(text, OnDelete::NAMES));
                            self.problem(pointer, message, near.map(|near| format!("did you mean \"{near}\"?")));
                        }
                    }
                    _ => self.problem(pointer, format!("unknown key \"{key}\" of `references`"), Some(FORM.to_owned())),
                }
            }
        }
        let found = name.and_then(|name| target(name, self.id));
        if found.is_none() {
            let (message, hint) = match (value.is_object(), name) {
                (true, None) => ("`references` lacks \"resource\"".to_owned(), FORM),
                (_, name) => (
                    format!("must be the name of a collection, got {}", literal(name.unwrap_or(value))),
                    "write \"bands\", or \"bands/name\" for another property than the id",
                ),
            };
            self.problem(pointer.to_owned(), message, Some(hint.to_owned()));
        }
        found.map(|(resource, target)| (resource, target, on_delete))
    }

    fn unique(&mut self, outer: &[Layer<'_>], properties: &[Property]) -> Vec<UniqueRule> {
        let mut unique = Vec::new();
        for layer in outer {
            let Some(value) = layer.schema.get(UNIQUE) else { continue };
            let pointer = join(&layer.pointer, UNIQUE);
            self.used.insert(pointer.clone());
            let Some(entries) = value.as_array() else {
                self.problem(pointer, format!("must be an array such as [\"email\"], is {}", literal(value)), None);
                continue;
            };
            for (index, entry) in entries.iter().enumerate() {
                let pointer = format!("{pointer}/{index}");
                let names = match entry {
                    Value::Array(names) if !names.is_empty() => names.as_slice(),
                    single => std::slice::from_ref(single),
                };
                let mut together = Vec::new();
                for name in names {
                    match self.unique_property(name, properties) {
                        Ok(property) => together.push(property),
                        Err((message, hint)) => self.problem(pointer.clone(), message, hint),
                    }
                }
                unique.push(UniqueRule { properties: together });
            }
        }
        unique
    }

    fn unique_property(
        &self,
        name: &Value,
        properties: &[Property],
    ) -> Result<UniqueProperty, (String, Option<String>)> {
        let Some(name) = name.as_str() else {
            let hint = "write [\"email\"], or [[\"name\", \"album\"]] for a pair".to_owned();
            return Err((format!("must be the name of a property, is {}", literal(name)), Some(hint)));
        };
        let names = properties.iter().map(|property| property.name.as_str());
        match properties.iter().find(|property| property.name == name) {
            Some(property) => {
                let fold_case = property.format.as_deref() == Some("email");
                Ok(UniqueProperty { name: name.to_owned(), fold_case })
            }
            None if name == self.id => Ok(UniqueProperty { name: name.to_owned(), fold_case: false }),
            None => {
                let hint = nearest(name, names).map(|near| format!("did you mean \"{near}\"?"));
                Err((format!("{} is none of the properties of a record", literal(&name.into())), hint))
            }
        }
    }

    /// Where the rules describe the collection a reference points to, they must know the property.
    fn targets(&mut self, resource: &Gathered, all: &[Gathered]) {
        for reference in &resource.references {
            let place = || join(&join(&resource.pointer, "properties"), &reference.property);
            let Some(other) = all.iter().find(|other| other.resource == reference.resource) else { continue };
            if other.holds == Holds::Single {
                let message =
                    format!("references {}, which is no collection", literal(&reference.resource.as_str().into()));
                self.problem(place(), message, None);
                continue;
            }
            let names = other.properties.iter().map(|property| property.name.as_str());
            let known = reference.target == self.id || names.clone().any(|name| name == reference.target);
            if !known && names.clone().next().is_some() {
                let hint = nearest(&reference.target, names).map(|near| format!("did you mean \"{near}\"?"));
                let message = format!("references `{}`, which is no property of {}", reference.target, other.resource);
                self.problem(place(), message, hint);
            }
        }
    }

    /// Our own keywords where nobody reads them.
    fn unused(&mut self, value: &Value, pointer: &str) {
        let Value::Object(schema) = value else { return };
        for (name, value) in schema {
            let here = join(pointer, name);
            if is_own(name) && !self.used.contains(&here) {
                let belongs = if name == UNIQUE {
                    "it belongs beside `items` of a collection"
                } else {
                    "it belongs in a property of a record, or in the `items` of one that is an array"
                };
                self.problem(here, format!("`{name}` has no effect here"), Some(belongs.to_owned()));
                continue;
            }
            match (KEYWORDS.iter().find(|(known, _)| known == name).map(|(_, shape)| *shape), value) {
                (Some(Shape::Schema), value) => self.unused(value, &here),
                (Some(Shape::Schemas), Value::Array(schemas)) => {
                    let schemas = schemas.iter().enumerate();
                    schemas.for_each(|(index, schema)| self.unused(schema, &format!("{here}/{index}")));
                }
                (Some(Shape::SchemaMap), Value::Object(schemas)) => {
                    schemas.iter().for_each(|(key, schema)| self.unused(schema, &join(&here, key)));
                }
                _ => {}
            }
        }
    }
}

/// The collection and the property that the value of `references` names.
fn target(value: &Value, id: &str) -> Option<(String, String)> {
    let text = value.as_str()?;
    let (resource, property) = text.split_once('/').unwrap_or((text, id));
    let plain = !resource.is_empty() && !property.is_empty() && !property.contains('/');
    plain.then(|| (resource.to_owned(), property.to_owned()))
}
