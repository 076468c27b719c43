//! The JSON Schema of a rules file, with which an editor completes and checks it.

use serde_json::{Map, Value, json};

use super::keywords::{AT_ROOT, KEYWORDS, REFERENCES, Shape, UNIQUE};
use crate::rules::OnDelete;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The JSON Schema of rules files. It is made from the list of keywords, so that it knows no other ones.
pub fn editor_schema() -> Value {
    let mut keywords: Map<String, Value> = KEYWORDS
        .iter()
        .map(|(name, shape)| {
            let schema = json!({ "$ref": "#/$defs/schema" });
            let value = match shape {
                Shape::Plain => json!({}),
                Shape::Schema => schema,
                Shape::Schemas => json!({ "type": "array", "items": schema }),
                Shape::SchemaMap => json!({ "type": "object", "additionalProperties": schema }),
            };
            (name.to_string(), value)
        })
        .collect();
    keywords.insert(UNIQUE.into(), unique());
    keywords.insert(REFERENCES.into(), references());
    let at_root: Map<String, Value> = AT_ROOT
        .iter()
        .filter_map(|name| Some((name.to_string(), keywords.get(*name)?.clone())))
        .collect();
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

fn unique() -> Value {
    json!({
        "description": "Properties whose values are unique in the collection; an inner array is a combination",
        "type": "array",
        "items": {
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 }
            ]
        }
    })
}

fn references() -> Value {
    let resource =
        json!({ "type": "string", "description": "A collection, or collection/property" });
    json!({
        "description": "The collection to whose records the values of this property point",
        "anyOf": [
            resource,
            {
                "type": "object",
                "properties": { "resource": resource, "onDelete": { "enum": OnDelete::NAMES } },
                "required": ["resource"],
                "additionalProperties": false
            }
        ]
    })
}
