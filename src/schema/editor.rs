//! The JSON Schema of a rules file, with which an editor completes and checks it.

use serde_json::{Map, Value, json};

use super::DRAFT;
use super::keywords::{AT_ROOT, AUTH, GENERATED, KEYWORDS, REFERENCES, Shape};
use crate::rules::{Generated, OnDelete};

/// The JSON Schema of rules files. It is made from the list of keywords, so that it knows no other ones; those of our own
/// are described in `editor.json`.
pub fn editor_schema() -> Value {
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
