//! The query parameters of a list: the fixed ones, and every operator on every field.

use serde_json::{Map, Value, json};

use super::fragments;
use super::infer::Seen;
use crate::rules::{OPERATORS, Op};

/// How many fields get a parameter, to keep the document readable.
const MAX_FIELDS: usize = 30;

/// The parameters of a list. `declared` are the fields that the rules name, `seen` those of the records.
pub(super) fn of_list<'a>(
    seen: &'a Seen,
    declared: impl Iterator<Item = (&'a str, &'a [String])>,
) -> Vec<Value> {
    let mut parameters = fragments::get("listParameters")
        .as_array_mut()
        .map(std::mem::take)
        .unwrap_or_default();
    let mut fields: Vec<Field> = Vec::new();
    for (name, types) in declared {
        let types = types.iter().map(String::as_str).collect();
        fields.push(Field {
            path: name.into(),
            types,
        });
    }
    for (name, seen) in seen.properties() {
        if !fields.iter().any(|field| field.path == name) {
            fields.push(Field {
                path: name.into(),
                types: seen.types().to_vec(),
            });
        }
        for (inner, seen) in seen.properties() {
            // A dot in a name would be taken for a path.
            if !name.contains(['.', '[']) && !inner.contains(['.', '[']) {
                fields.push(Field {
                    path: format!("{name}.{inner}"),
                    types: seen.types().to_vec(),
                });
            }
        }
    }
    fields.retain(|field| {
        !field.path.is_empty()
            && !crate::rules::is_reserved(&field.path)
            && !field.holds_only(&["object"])
    });
    parameters.extend(fields.iter().take(MAX_FIELDS).map(Field::parameter));
    parameters
}

struct Field<'a> {
    path: String,
    types: Vec<&'a str>,
}

impl Field<'_> {
    fn holds_only(&self, types: &[&str]) -> bool {
        !self.types.is_empty()
            && self
                .types
                .iter()
                .all(|name| *name == "null" || types.contains(name))
    }

    fn takes(&self, operator: Op) -> bool {
        match operator {
            Op::Eq | Op::Ne | Op::In | Op::Like => true,
            Op::Lt | Op::Lte | Op::Gt | Op::Gte => !self.holds_only(&["boolean", "array"]),
            Op::Contains => {
                self.types.is_empty()
                    || self
                        .types
                        .iter()
                        .any(|kind| matches!(*kind, "string" | "array"))
            }
            Op::StartsWith | Op::EndsWith => {
                self.types.is_empty() || self.types.contains(&"string")
            }
        }
    }

    /// The filters of the field as one `deepObject` parameter: `views=5`, `views[gte]=5`.
    fn parameter(&self) -> Value {
        let path = &self.path;
        let value = self.value();
        let operators: Map<_, _> = OPERATORS
            .iter()
            // `has` is another name of `contains`.
            .filter(|operator| self.takes(operator.op) && operator.name != "has")
            .map(|operator| {
                let mut schema = match operator.op {
                    Op::Eq | Op::Ne | Op::Lt | Op::Lte | Op::Gt | Op::Gte => value.clone(),
                    _ => json!({ "type": "string" }),
                };
                schema["description"] = format!("`{path}` {}.", operator.meaning).into();
                (operator.name.to_string(), schema)
            })
            .collect();
        let mut schema = json!({ "properties": operators });
        let mut types = value["type"].as_array().cloned().unwrap_or_default();
        if types.is_empty() {
            types.push(value["type"].clone());
        }
        types.push("object".into());
        schema["type"] = types.into();
        json!({
            "name": path,
            "in": "query",
            "style": "deepObject",
            "explode": true,
            "description": format!("Records whose `{path}` is the value, or passes all of the operators."),
            "schema": schema,
            // Viewers would otherwise fill in a made-up value for every operator.
            "example": {},
        })
    }

    /// The schema of a value that the field is compared with.
    fn value(&self) -> Value {
        let scalars: Vec<_> = self
            .types
            .iter()
            .filter(|kind| !matches!(**kind, "null" | "object" | "array"))
            .collect();
        match scalars.as_slice() {
            [one] => json!({ "type": one }),
            _ if scalars.is_empty() || scalars.contains(&&"string") => json!({ "type": "string" }),
            several => json!({ "type": several }),
        }
    }
}
