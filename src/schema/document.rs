//! A schema document: the keywords and formats that rules may use, following references, and collecting the schemas
//! that apply to a value.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::json::pointer::join;
use crate::rules::named;
use crate::text::percent_decode;

/// The places of schemas in the value of a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nowhere.
    Plain,
    /// It is a schema.
    Schema,
    /// It is an array of schemas.
    Schemas,
    /// It is an object whose values are schemas.
    SchemaMap,
}

/// The keyword that makes properties of a collection's records unique.
pub(super) const UNIQUE: &str = "uniqueItemProperties";
/// The keyword that makes a property a reference to a record.
pub(super) const REFERENCES: &str = "references";
/// The keyword that says how users log in.
pub(super) const AUTH: &str = "x-auth";
/// The keyword that says who may read and write a resource.
pub(super) const GUARD: &str = "x-guard";
/// The keyword that lets the server fill a property.
pub(super) const GENERATED: &str = "x-generated";
/// The keyword of properties that are stored and never sent.
pub(super) const WRITE_ONLY: &str = "writeOnly";

/// Every keyword that rules may use. A test compares the list with `docs/rules.md`.
#[rustfmt::skip]
pub(super) const KEYWORDS: &[(&str, Shape)] = {
    use Shape::{Plain, Schema, SchemaMap, Schemas};
    &[
        ("$schema", Plain), ("$id", Plain), ("$ref", Plain), ("$anchor", Plain), ("$dynamicRef", Plain),
        ("$dynamicAnchor", Plain), ("$comment", Plain), ("$defs", SchemaMap), ("definitions", SchemaMap),
        ("type", Plain), ("enum", Plain), ("const", Plain), ("format", Plain),
        ("minLength", Plain), ("maxLength", Plain), ("pattern", Plain),
        ("minimum", Plain), ("exclusiveMinimum", Plain), ("maximum", Plain), ("exclusiveMaximum", Plain),
        ("multipleOf", Plain),
        ("properties", SchemaMap), ("required", Plain), ("additionalProperties", Schema),
        ("patternProperties", SchemaMap), ("propertyNames", Schema), ("minProperties", Plain),
        ("maxProperties", Plain), ("dependentRequired", Plain), ("dependentSchemas", SchemaMap),
        ("unevaluatedProperties", Schema),
        ("items", Schema), ("prefixItems", Schemas), ("minItems", Plain), ("maxItems", Plain), ("uniqueItems", Plain),
        ("contains", Schema), ("minContains", Plain), ("maxContains", Plain), ("unevaluatedItems", Schema),
        ("allOf", Schemas), ("anyOf", Schemas), ("oneOf", Schemas), ("not", Schema), ("if", Schema), ("then", Schema),
        ("else", Schema),
        ("title", Plain), ("description", Plain), ("default", Plain), ("examples", Plain), ("deprecated", Plain),
        ("readOnly", Plain), (WRITE_ONLY, Plain), ("contentEncoding", Plain), ("contentMediaType", Plain),
        ("contentSchema", Schema),
        ("markdownDescription", Plain), ("enumDescriptions", Plain), ("defaultSnippets", Plain),
        (UNIQUE, Plain), (REFERENCES, Plain), (AUTH, Plain), (GUARD, Plain), (GENERATED, Plain),
    ]
};

/// Keywords of other drafts, of OpenAPI and of habit, and what to write instead.
pub(super) const OLD_NAMES: &[(&str, &str)] = &[
    (
        "id",
        "`$id`; a property named id belongs inside `properties`",
    ),
    ("$recursiveRef", "`$dynamicRef`"),
    ("$recursiveAnchor", "`$dynamicAnchor`"),
    (
        "additionalItems",
        "`items`, with the leading items in `prefixItems`",
    ),
    ("dependencies", "`dependentRequired` or `dependentSchemas`"),
    ("nullable", "`\"type\": [\"string\", \"null\"]`"),
    ("example", "`examples`, an array"),
    ("discriminator", "`oneOf` with a `const` in each form"),
    ("unique", "`uniqueItemProperties`, beside `items`"),
    ("foreignKey", "`references`"),
];

/// The keywords that have an effect at the root of a rules file.
#[rustfmt::skip]
pub(super) const AT_ROOT: &[&str] = &[
    "$schema", "$id", "$defs", "definitions", "$comment", "$anchor", "title", "description", "markdownDescription",
    "type", "properties", "required", "additionalProperties", "default", "examples", "defaultSnippets",
];

/// The keywords that have an effect next to `items` of a collection: records are checked one by one.
#[rustfmt::skip]
pub(super) const AT_COLLECTION: &[&str] = &[
    "type", "items", UNIQUE, "uniqueItems", "$ref", "allOf", "$comment", "$defs", "$anchor", "title", "description",
    "markdownDescription", "default", "examples", "deprecated", "readOnly", "defaultSnippets",
];

/// A format that is checked.
pub(super) struct Format {
    pub name: &'static str,
    /// The name of such a string in messages.
    pub noun: &'static str,
    /// A valid string.
    pub example: &'static str,
}

const fn format(name: &'static str, noun: &'static str, example: &'static str) -> Format {
    Format {
        name,
        noun,
        example,
    }
}

/// The formats that are checked.
#[rustfmt::skip]
pub(super) const FORMATS: &[Format] = &[
    format("email", "an e-mail address", "name@example.com"),
    format("date", "a date", "2026-01-31"),
    format("date-time", "a date and time", "2026-01-31T12:00:00Z"),
    format("time", "a time with its offset", "12:00:00Z"),
    format("duration", "a duration", "P1DT2H"),
    format("uuid", "a UUID", "123e4567-e89b-12d3-a456-426614174000"),
    format("uri", "a URI", "https://example.com/page"),
    format("uri-reference", "a URI or a relative reference", "/page?x=1"),
    format("uri-template", "a URI template", "/users/{id}"),
    format("iri", "an IRI", "https://example.com/page"),
    format("iri-reference", "an IRI or a relative reference", "/page?x=1"),
    format("hostname", "a host name", "www.example.com"),
    format("ipv4", "an IPv4 address", "192.0.2.1"),
    format("ipv6", "an IPv6 address", "2001:db8::1"),
    format("regex", "a regular expression", "^[a-z]+$"),
    format("json-pointer", "a JSON pointer", "/users/0/name"),
    format("relative-json-pointer", "a relative JSON pointer", "1/name"),
];

/// Formats of OpenAPI that are accepted and not checked.
#[rustfmt::skip]
pub(super) const UNCHECKED_FORMATS: &[&str] =
    &["int32", "int64", "float", "double", "decimal", "byte", "binary", "password"];

/// The checked format with that name.
pub(super) fn format_named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The shape of the keyword `name`; `None` for keywords that rules may not use, and for those with `x-`.
pub(super) fn shape(name: &str) -> Option<Shape> {
    named(KEYWORDS, name)
}

/// The JSON Schema of rules files, for completion and validation in editors. It is generated from the list of keywords;
/// our custom ones are described in `editor.json`.
#[cfg(feature = "cli")]
pub fn editor_schema() -> Value {
    use serde_json::json;

    use super::DRAFT;
    use crate::rules::{Generated, OnDelete};

    let mut own: Map<String, Value> =
        serde_json::from_str(include_str!("editor.json")).unwrap_or_default();
    own[GENERATED]["enum"] = json!(Generated::ALL.map(|(name, _)| name));
    own[REFERENCES]["anyOf"][1]["properties"]["onDelete"]["enum"] =
        json!(OnDelete::ALL.map(|(name, _)| name));
    let schema = json!({ "$ref": "#/$defs/schema" });
    let mut keywords: Map<String, Value> = KEYWORDS
        .iter()
        .map(|(name, shape)| {
            let value = match shape {
                Shape::Plain => own.get(*name).cloned().unwrap_or_else(|| json!({})),
                Shape::Schema => schema.clone(),
                Shape::Schemas => json!({ "type": "array", "items": schema }),
                Shape::SchemaMap => json!({ "type": "object", "additionalProperties": schema }),
            };
            (name.to_string(), value)
        })
        .collect();
    let at_root: Map<String, Value> = (AT_ROOT.iter().chain([&AUTH]))
        .filter_map(|name| Some((name.to_string(), keywords.get(*name)?.clone())))
        .collect();
    keywords.shift_remove(AUTH);
    json!({
        "$schema": DRAFT,
        "title": "standin rules file",
        "$ref": DRAFT,
        "type": "object",
        "properties": at_root,
        "patternProperties": { "^x-": {} },
        "additionalProperties": false,
        "$defs": {
            "schema": {
                "$ref": DRAFT,
                "properties": keywords,
                "patternProperties": { "^x-": {} },
                "additionalProperties": false
            }
        }
    })
}

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

    /// The JSON pointer that a `$ref` resolves to; `None` if it does not resolve.
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

/// The pointers at which `object` declares the property `name`.
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

/// Calls `see` with `schema` and each schema inside it, and its JSON pointer.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_known_to_the_crate_and_its_example_valid() {
        for format in FORMATS {
            let options = jsonschema::options()
                .with_draft(jsonschema::Draft::Draft202012)
                .should_validate_formats(true)
                .should_ignore_unknown_formats(false);
            let validator = options
                .build(&serde_json::json!({ "format": format.name }))
                .expect(format.name);
            assert!(
                validator.is_valid(&format.example.into()),
                "{}",
                format.name
            );
            assert!(
                !validator.is_valid(&"\u{7f} ~ {{[".into()),
                "{}",
                format.name
            );
        }
    }
}
