//! The query parameters of a list: the fixed ones, and every operator on every field.

use serde_json::{Map, Value, json};

use super::infer::Seen;
use crate::rules::{OPERATORS, Op, Operator, Spelling};

/// How many fields get parameters: a document with more could not be read.
const MOST_FIELDS: usize = 40;

/// The parameter of a deletion.
pub(super) fn dependent() -> Value {
    query(
        "_dependent",
        "Collections, which commas separate: their records are deleted with the record that they point to.",
        json!({ "type": "string" }),
        None,
    )
}

/// The parameters of a list of what was `seen`; `names` are fields that the rules name.
pub(super) fn of_list<'a>(seen: &'a Seen, declared: impl Iterator<Item = (&'a str, &'a [String])>) -> Vec<Value> {
    let mut parameters = vec![
        query(
            "q",
            "Search: records that hold the text somewhere, whatever the case.",
            json!({ "type": "string" }),
            None,
        ),
        query(
            "_sort",
            "Fields to sort by, which commas separate; a minus before one turns its order round.",
            json!({ "type": "string" }),
            Some("id".into()),
        ),
        query(
            "_order",
            "For each field of `_sort`: `asc` or `desc`.",
            json!({ "type": "string" }),
            Some("desc".into()),
        ),
        query(
            "_page",
            "A page from 1 on, of `_limit` records (10 without). The header `Link` names the others, `X-Total-Count` counts all records.",
            count(1),
            Some(1.into()),
        ),
        query("_limit", "At most so many records.", count(0), Some(10.into())),
        query(
            "_start",
            "The place of the first record, from 0 on; a negative one counts from the end. With `_end` or `_limit`.",
            whole(),
            None,
        ),
        query("_end", "The place behind the last record; a negative one counts from the end.", whole(), None),
    ];
    let mut fields: Vec<Field> = Vec::new();
    for (name, types) in declared {
        let types = types.iter().map(String::as_str).collect();
        fields.push(Field { path: name.into(), types, seen: seen.property(name) });
    }
    for (name, seen) in seen.properties() {
        if !fields.iter().any(|field| field.path == name) {
            fields.push(Field { path: name.into(), types: seen.types().to_vec(), seen: Some(seen) });
        }
        for (inner, seen) in seen.properties() {
            // A dot in a name would be taken for a path.
            if !name.contains(['.', '[']) && !inner.contains(['.', '[']) {
                fields.push(Field { path: format!("{name}.{inner}"), types: seen.types().to_vec(), seen: Some(seen) });
            }
        }
    }
    fields.retain(|field| !field.path.is_empty() && !crate::rules::is_reserved(&field.path));
    for field in fields.iter().take(MOST_FIELDS) {
        let path = &field.path;
        if field.holds_only(&["object"]) {
            continue;
        }
        let sample = field.seen.and_then(Seen::sample);
        let equal = format!("Records whose `{path}` is the value; several are alternatives.");
        let text = json!({ "type": "string" });
        parameters.push(field_query(path, None, query(path, &equal, text.clone(), sample.map(Value::from))));
        for operator in OPERATORS.iter().filter(|operator| field.takes(operator.op)) {
            let name = parameter(path, operator);
            let meaning = format!("Records whose `{path}` {}.", operator.meaning);
            let sample = match operator.op {
                Op::Eq | Op::Ne | Op::Lt | Op::Lte | Op::Gt | Op::Gte => sample.unwrap_or(operator.sample),
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
    let spelling = if operator.in_017 { Spelling::Underscore } else { Spelling::Colon };
    let example = operator.example(field, spelling);
    example.strip_suffix(&format!("={}", operator.sample)).unwrap_or(&example).to_string()
}

struct Field<'a> {
    path: String,
    types: Vec<&'a str>,
    seen: Option<&'a Seen>,
}

impl Field<'_> {
    fn holds_only(&self, types: &[&str]) -> bool {
        !self.types.is_empty() && self.types.iter().all(|name| *name == "null" || types.contains(name))
    }

    fn takes(&self, operator: Op) -> bool {
        match operator {
            Op::Eq | Op::Ne | Op::In | Op::Like => true,
            Op::Lt | Op::Lte | Op::Gt | Op::Gte => !self.holds_only(&["boolean", "array"]),
            Op::Contains => self.types.is_empty() || self.types.iter().any(|kind| matches!(*kind, "string" | "array")),
            Op::StartsWith | Op::EndsWith => self.types.is_empty() || self.types.contains(&"string"),
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

fn count(least: u64) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": u64::MAX })
}

fn whole() -> Value {
    json!({ "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX })
}
