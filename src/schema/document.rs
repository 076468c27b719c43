//! A schema document: following its references and collecting the schemas that apply to a value.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::keywords::{Shape, shape};
use crate::json::pointer::join;
use crate::text::percent_decode;

/// A schema document that refers only to itself.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub root: Value,
    /// The JSON pointer of each `$anchor` and `$dynamicAnchor`.
    anchors: HashMap<String, String>,
}

/// A schema that applies to a value, and where it is in the document.
#[derive(Debug, Clone)]
pub(super) struct Subschema<'a> {
    pub pointer: String,
    pub keywords: &'a Map<String, Value>,
}

impl Document {
    pub fn new(root: Value) -> Document {
        let mut anchors = HashMap::new();
        visit(&root, "", &mut |pointer, schema| {
            for keyword in ["$anchor", "$dynamicAnchor"] {
                if let Some(anchor) = schema.get(keyword).and_then(Value::as_str) {
                    anchors.insert(anchor.to_owned(), pointer.to_owned());
                }
            }
        });
        Document { root, anchors }
    }

    /// The schema at `pointer`.
    pub fn at(&self, pointer: &str) -> Value {
        let schema = self.root.pointer(pointer);
        schema.cloned().unwrap_or(Value::Bool(true))
    }

    /// The JSON pointer that a `$ref` resolves to; `None` where there is nothing.
    pub fn target(&self, reference: &str) -> Option<String> {
        let fragment = percent_decode(reference.strip_prefix('#')?)?;
        let is_pointer = fragment.is_empty() || fragment.starts_with('/');
        let pointer = match is_pointer {
            true => fragment.as_ref(),
            false => self.anchors.get(fragment.as_ref())?,
        };
        self.root.pointer(pointer).map(|_| pointer.to_owned())
    }

    /// The schema at `pointer` and those it includes by `$ref` and `allOf`, the nearest first.
    pub fn schemas(&self, pointer: &str) -> Vec<Subschema<'_>> {
        let mut found: Vec<Subschema<'_>> = Vec::new();
        let mut next = vec![pointer.to_owned()];
        while let Some(pointer) = next.pop() {
            let Some(Value::Object(keywords)) = self.root.pointer(&pointer) else {
                continue;
            };
            if found.iter().any(|schema| schema.pointer == pointer) {
                continue;
            }
            if let Some(Value::Array(all)) = keywords.get("allOf") {
                let places = (0..all.len()).rev();
                next.extend(places.map(|index| format!("{pointer}/allOf/{index}")));
            }
            if let Some(Value::String(reference)) = keywords.get("$ref") {
                next.extend(self.target(reference));
            }
            found.push(Subschema { pointer, keywords });
        }
        found
    }

    /// The schemas of the property `name` of an object that `object` describes.
    pub fn property(&self, object: &[Subschema<'_>], name: &str) -> Vec<Subschema<'_>> {
        let pointers = property_pointers(object, name);
        pointers
            .flat_map(|pointer| self.schemas(&pointer))
            .collect()
    }

    /// The schemas of the items of an array that `array` describes.
    pub fn items(&self, array: &[Subschema<'_>]) -> Vec<Subschema<'_>> {
        let pointers = array
            .iter()
            .map(|schema| format!("{}/items", schema.pointer));
        pointers
            .flat_map(|pointer| self.schemas(&pointer))
            .collect()
    }
}

/// Where `object` declares the property `name`.
pub(super) fn property_pointers(
    object: &[Subschema<'_>],
    name: &str,
) -> impl Iterator<Item = String> {
    object.iter().filter_map(move |schema| {
        schema.keywords.get("properties")?.get(name)?;
        Some(join(&format!("{}/properties", schema.pointer), name))
    })
}

/// The items of the arrays that a keyword has in `schemas`.
pub(super) fn items_of<'s>(
    schemas: &[Subschema<'s>],
    keyword: &str,
) -> impl Iterator<Item = &'s Value> {
    all(schemas, keyword).filter_map(Value::as_array).flatten()
}

/// The values that a keyword has in `schemas`.
pub(super) fn all<'s>(schemas: &[Subschema<'s>], keyword: &str) -> impl Iterator<Item = &'s Value> {
    schemas
        .iter()
        .filter_map(move |schema| schema.keywords.get(keyword))
}

/// The names under `properties`.
pub(super) fn property_names<'s>(schemas: &[Subschema<'s>]) -> impl Iterator<Item = &'s str> {
    all(schemas, "properties")
        .filter_map(Value::as_object)
        .flat_map(Map::keys)
        .map(String::as_str)
}

/// The types that the nearest of `schemas` with a `type` allows.
pub(super) fn types(schemas: &[Subschema<'_>]) -> Vec<String> {
    match all(schemas, "type").next() {
        Some(Value::String(name)) => vec![name.clone()],
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// Calls `see` with each schema inside of `schema`, itself included, and its JSON pointer.
pub(super) fn visit<'s>(
    schema: &'s Value,
    pointer: &str,
    see: &mut dyn FnMut(&str, &'s Map<String, Value>),
) {
    let Value::Object(keywords) = schema else {
        return;
    };
    see(pointer, keywords);
    for (name, value) in keywords {
        let here = join(pointer, name);
        match (shape(name), value) {
            (Some(Shape::Schema), value) => visit(value, &here, see),
            (Some(Shape::SchemaMap), Value::Object(schemas)) => {
                for (key, schema) in schemas {
                    visit(schema, &join(&here, key), see);
                }
            }
            (Some(Shape::Schemas), Value::Array(schemas)) => {
                for (index, schema) in schemas.iter().enumerate() {
                    visit(schema, &format!("{here}/{index}"), see);
                }
            }
            _ => {}
        }
    }
}

/// [`visit`] for changing the schemas, though not what they contain.
pub(super) fn visit_mut(schema: &mut Value, see: &mut dyn FnMut(&mut Map<String, Value>)) {
    let mut pointers = Vec::new();
    visit(schema, "", &mut |pointer, _| {
        pointers.push(pointer.to_owned())
    });
    for pointer in pointers {
        if let Some(Value::Object(keywords)) = schema.pointer_mut(&pointer) {
            see(keywords);
        }
    }
}
