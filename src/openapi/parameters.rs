//! The query parameters of a list: the fixed ones, and every operator on every field.

use serde_json::{Map, Value, json};

use super::fragments;
use super::infer::Seen;
use crate::rules::{OPERATORS, Op, Operator, Spelling};

/// How many fields get parameters, to keep the document readable.
const MAX_FIELDS: usize = 40;

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
            seen: seen.property(name),
        });
    }
    for (name, seen) in seen.properties() {
        if !fields.iter().any(|field| field.path == name) {
            fields.push(Field {
                path: name.into(),
                types: seen.types().to_vec(),
                seen: Some(seen),
            });
        }
        for (inner, seen) in seen.properties() {
            // A dot in a name would be taken for a path.
            if !name.contains(['.', '[']) && !inner.contains(['.', '[']) {
                fields.push(Field {
                    path: format!("{name}.{inner}"),
                    types: seen.types().to_vec(),
                    seen: Some(seen),
                });
            }
        }
    }
    fields.retain(|field| !field.path.is_empty() && !crate::rules::is_reserved(&field.path));
    for field in fields.iter().take(MAX_FIELDS) {
        let path = &field.path;
        if field.holds_only(&["object"]) {
            continue;
        }
        let sample = field.seen.and_then(Seen::sample);
        let equal = format!("Records whose `{path}` is the value; several are alternatives.");
        let text = json!({ "type": "string" });
        parameters.push(field_query(
            path,
            None,
            query(path, &equal, text.clone(), sample.map(Value::from)),
        ));
        for operator in OPERATORS.iter().filter(|operator| field.takes(operator.op)) {
            let name = parameter(path, operator);
            let meaning = format!("Records whose `{path}` {}.", operator.meaning);
            let sample = match operator.op {
                Op::Eq | Op::Ne | Op::Lt | Op::Lte | Op::Gt | Op::Gte => {
                    sample.unwrap_or(operator.sample)
                }
                _ => operator.sample,
            };
            let mut schema = text.clone();
            if operator.op == Op::Like {
                schema["format"] = "regex".into();
            }
            let parameter = query(&name, &meaning, schema, Some(sample.into()));
            parameters.push(field_query(path, Some(operator), parameter));
        }
    }
    // A field `views_ne` and the operator `ne` on a field `views` have one name; the field is what is meant.
    let mut known = std::collections::HashSet::new();
    parameters.retain(|parameter| known.insert(parameter["name"].as_str().map(str::to_string)));
    parameters
}

/// The name of the parameter, in the spelling of the json-server that has the operator.
fn parameter(field: &str, operator: &Operator) -> String {
    let spelling = if operator.in_017 {
        Spelling::Underscore
    } else {
        Spelling::Colon
    };
    let example = operator.example(field, spelling);
    example
        .strip_suffix(&format!("={}", operator.sample))
        .unwrap_or(&example)
        .to_string()
}

struct Field<'a> {
    path: String,
    types: Vec<&'a str>,
    seen: Option<&'a Seen>,
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
}

/// A parameter that says of which field and operator it is made, for whoever builds a form of it.
fn field_query(path: &str, operator: Option<&Operator>, mut parameter: Value) -> Value {
    parameter["x-field"] = path.into();
    if let Some(operator) = operator {
        parameter["x-operator"] = operator.name.into();
    }
    parameter
}

fn query(name: &str, description: &str, schema: Value, example: Option<Value>) -> Value {
    let mut parameter = Map::new();
    parameter.insert("name".into(), name.into());
    parameter.insert("in".into(), "query".into());
    parameter.insert("description".into(), description.into());
    parameter.insert("schema".into(), schema);
    if let Some(example) = example {
        parameter.insert("example".into(), example);
    }
    Value::Object(parameter)
}
