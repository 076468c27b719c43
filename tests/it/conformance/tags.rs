//! Tags of cases and requests, so that a row of the page need not name cases.
//!
//! | tag | what has it |
//! | --- | --- |
//! | `--no-cors`, ... | an option that the server was started with |
//! | `no file`, `db.js` | the source is not there, or of another kind |
//! | `no ids` | the data has records without ids |
//! | `value at the top`, `slash in a name` | the data has a top-level value, or such a name |
//! | `hinted` | the response has an `X-Hint` |
//! | `after DELETE` | a DELETE was sent before |
//! | `application/...` | the type of the request's body, where it is neither plain JSON nor a form |
//! | `own field` | a parameter that ends like an operator is the name of a field |
//! | `array field` | a filter is about a field that is an array somewhere |
//! | `other number` | a filter's value is a number in another spelling than JSON's |
//! | `digits` | the filtered field has strings somewhere that read as numbers, and so does the value |
//! | `several kinds` | the sorted field has values of several kinds |
//! | `other order` | it has letters that languages order in their own ways, `""` or `false` |

use std::collections::BTreeSet;

use serde_json::Value;
use standin::internals::query::pairs;

use super::case::Case;
use crate::wire::Response;

type Headers = [(String, String)];

const OPERATORS: [&str; 11] = [
    "gte",
    "lte",
    "gt",
    "lt",
    "ne",
    "eq",
    "in",
    "like",
    "contains",
    "startsWith",
    "endsWith",
];

/// Whether a request removes a record.
pub fn deletes(method: &str, headers: &Headers) -> bool {
    let overridden = |(name, value): &(String, String)| {
        name.eq_ignore_ascii_case("x-http-method-override") && value == "DELETE"
    };
    method == "DELETE" || (method == "POST" && headers.iter().any(overridden))
}

pub fn of_case(case: &Case, deleted: bool) -> Vec<String> {
    let mut tags: Vec<String> = case
        .arguments()
        .into_iter()
        .filter(|argument| argument.starts_with('-'))
        .collect();
    if case.data().is_none() && case.source().ends_with(".json") {
        tags.push("no file".into());
    }
    if !case.source().ends_with(".json") {
        tags.push(case.source().into());
    }
    let id = id_property(case);
    if rows(case).any(|row| row.is_object() && row.get(&id).is_none_or(Value::is_null)) {
        tags.push("no ids".into());
    }
    for (name, value) in case.all["db"].as_object().into_iter().flatten() {
        if name != "$schema" && !value.is_array() && !value.is_object() {
            tags.push("value at the top".into());
        }
        if name.contains('/') {
            tags.push("slash in a name".into());
        }
    }
    if deleted {
        tags.push("after DELETE".into());
    }
    tags
}

pub fn of_request(
    case: &Case,
    method: &str,
    target: &str,
    headers: &Headers,
    response: &Response,
    deleted: bool,
) -> Vec<String> {
    let mut tags = of_case(case, deleted);
    if response.header("x-hint").is_some() {
        tags.push("hinted".into());
    }
    let kind = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| value);
    if let Some(kind) = kind.and_then(|kind| kind.split(';').next())
        && !["application/json", "application/x-www-form-urlencoded"].contains(&kind)
    {
        tags.push(kind.into());
    }
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let Ok(pairs) = pairs(query) else { return tags };
    for (name, value) in pairs.iter().filter(|_| method == "GET") {
        tags.extend(
            of_parameter(case, name, value)
                .into_iter()
                .map(str::to_string),
        );
    }
    tags.sort();
    tags.dedup();
    tags
}

fn of_parameter(case: &Case, name: &str, value: &str) -> Vec<&'static str> {
    let has = |name: &str| rows(case).any(|row| row.get(name).is_some());
    let is_operator = |end: &str| OPERATORS.contains(&end);
    if name
        .rsplit_once('_')
        .is_some_and(|(_, end)| is_operator(end))
        && has(name)
    {
        return vec!["own field"];
    }
    if name == "_sort" {
        let fields = || {
            value
                .split(',')
                .map(|field| field.trim().trim_start_matches('-'))
        };
        let several = fields().any(|field| kinds(case, field).len() > 1);
        let other = fields().any(|field| is_ordered_otherwise(case, field));
        let tags = [(several, "several kinds"), (other, "other order")];
        return tags
            .into_iter()
            .filter_map(|(has, tag)| has.then_some(tag))
            .collect();
    }
    let mut tags = Vec::new();
    let path = name.split(['[', ':']).next().unwrap_or(name);
    let path = path
        .rsplit_once('_')
        .filter(|(_, end)| is_operator(end))
        .map_or(path, |(path, _)| path);
    let base = path.split('.').next().unwrap_or(path);
    if rows(case).any(|row| row[base].is_array()) {
        tags.push("array field");
    }
    let number = |text: &str| text.trim().parse::<f64>().is_ok_and(f64::is_finite);
    let plain =
        serde_json::from_str::<Value>(value).is_ok_and(|parsed| format!("{parsed}") == value);
    if (number(value) || value.starts_with("0x")) && !plain {
        tags.push("other number");
    }
    let is_digits = |known: &&Value| known.as_str().is_some_and(number);
    if value.split(',').any(number) && values(case, path).iter().any(is_digits) {
        tags.push("digits");
    }
    tags
}

fn values<'a>(case: &'a Case, field: &str) -> Vec<&'a Value> {
    let pointer = format!("/{}", field.replace('.', "/"));
    rows(case)
        .filter_map(|row| row.pointer(&pointer))
        .filter(|value| !value.is_null())
        .collect()
}

fn kinds(case: &Case, field: &str) -> BTreeSet<u8> {
    let kind = |value: &&Value| match value {
        Value::Bool(_) => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        _ => 3,
    };
    values(case, field).iter().map(kind).collect()
}

fn is_ordered_otherwise(case: &Case, field: &str) -> bool {
    let values = values(case, field);
    let texts: Vec<&str> = values.iter().filter_map(|value| value.as_str()).collect();
    let capitals: BTreeSet<bool> = texts
        .iter()
        .filter_map(|text| text.chars().next())
        .map(char::is_uppercase)
        .collect();
    capitals.len() > 1
        || texts.iter().any(|text| !text.is_ascii() || text.is_empty())
        || values.iter().any(|value| **value == Value::Bool(false))
}

/// The rows of all collections.
fn rows(case: &Case) -> impl Iterator<Item = &Value> {
    case.all["db"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, value)| value.as_array())
        .flatten()
}

fn id_property(case: &Case) -> String {
    let arguments = case.arguments();
    let at = arguments
        .iter()
        .position(|argument| argument == "--id" || argument == "-i");
    at.and_then(|at| arguments.get(at + 1))
        .map_or_else(|| "id".into(), Clone::clone)
}
