//! The JSON Schema of a rules file, with which an editor completes and checks it.

use serde_json::{Map, Value, json};

use super::keywords::{AT_ROOT, AUTH, GENERATED, GUARD, KEYWORDS, REFERENCES, Shape, UNIQUE};
use crate::rules::{Generated, OnDelete};

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
    keywords.insert(
        GENERATED.into(),
        json!({ "enum": Generated::ALL.map(|(name, _)| name) }),
    );
    keywords.insert(GUARD.into(), guard());
    keywords.shift_remove(AUTH);
    let mut at_root: Map<String, Value> = AT_ROOT
        .iter()
        .filter_map(|name| Some((name.to_string(), keywords.get(*name)?.clone())))
        .collect();
    at_root.insert(AUTH.into(), auth());
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

/// `x-auth`, at the root only.
fn auth() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "description": "Adds POST /register, POST /login, POST /logout and GET /me",
        "type": "object",
        "properties": {
            "users": text("The collection of the users; \"users\" unless it is said"),
            "login": text("The property by which a user is found; \"email\" unless it is said"),
            "password": text("The property with the password; \"password\" unless it is said"),
            "expires": text("How long a token is valid, such as 1h")
        },
        "additionalProperties": false
    })
}

fn guard() -> Value {
    let one = json!({
        "anyOf": [
            { "enum": ["anyone", "user", "owner", "basic"] },
            { "type": "string", "pattern": "^(role|token|key):." }
        ]
    });
    json!({
        "description": "Who may read and write the resource",
        "anyOf": [
            one,
            { "type": "string", "pattern": "^[0246]{3}$" },
            {
                "type": "object",
                "properties": { "read": one, "write": one },
                "additionalProperties": false
            }
        ]
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
    let on_delete = json!({ "enum": OnDelete::ALL.map(|(name, _)| name) });
    json!({
        "description": "The collection to whose records the values of this property point",
        "anyOf": [
            resource,
            {
                "type": "object",
                "properties": { "resource": resource, "onDelete": on_delete },
                "required": ["resource"],
                "additionalProperties": false
            }
        ]
    })
}
