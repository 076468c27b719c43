//! The structural difference between a documented response and the real one.
//!
//! Array items are matched by their `id` where they have one, so that one
//! missing record is one finding and not a shift of all that follow.

mod walk;

use std::fmt;
use std::ops::Range;

use serde_json::Value;

use super::expect::{Marker, Node};
use walk::Walk;

/// One place where page and server disagree.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The way from the top of the body.
    pub path: Vec<Step>,
    /// How they disagree.
    pub what: What,
    /// The place in the response fence's content.
    pub place: Range<usize>,
    /// What the page says there.
    pub documented: Option<Value>,
    /// What the server says there.
    pub actual: Option<Value>,
}

/// One step into a body.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Into a member of an object.
    Key(String),
    /// To an item by its position, from 0.
    Index(usize),
    /// To the item with this id.
    Id(Value),
}

/// How page and server disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Same type, another value.
    Value,
    /// Another type.
    Type,
    /// The page has it, the server does not.
    Missing,
    /// The server has it, the page does not.
    Extra,
    /// The same items in another order.
    Order,
    /// The same members in another order: no contradiction, a warning.
    KeyOrder,
}

/// Everything in which the two differ.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diff {
    /// Contradictions.
    pub differences: Vec<Difference>,
    /// Members in another order.
    pub warnings: Vec<Difference>,
}

/// Compares a documented body with an actual one.
#[must_use]
pub fn diff(documented: &Node, actual: &Value) -> Diff {
    let mut walk = Walk::new();
    walk.node(documented, actual);
    walk.found()
}

/// Whether the documented value is met.
#[must_use]
pub fn matches(documented: &Node, actual: &Value) -> bool {
    diff(documented, actual).differences.is_empty()
}

/// The name of a JSON type with its article.
#[must_use]
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Whether two values are the same; numbers by value, not by spelling.
#[must_use]
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || (a.as_f64() == b.as_f64() && !(a.is_i64() && b.is_i64()) && !(a.is_u64() && b.is_u64()))
        }
        _ => one == other,
    }
}

impl Marker {
    /// Whether a value is of the described kind.
    #[must_use]
    pub fn accepts(self, value: &Value) -> bool {
        match self {
            Marker::Any => true,
            Marker::Text => value.is_string(),
            Marker::Number => value.is_number(),
            Marker::Integer => value.is_i64() || value.is_u64(),
            Marker::Boolean => value.is_boolean(),
            Marker::Uuid => value.as_str().is_some_and(is_uuid),
            Marker::Date => value.as_str().is_some_and(is_date),
            Marker::DateTime => value.as_str().is_some_and(|text| {
                text.split_once(['T', ' '])
                    .is_some_and(|(date, time)| is_date(date) && time.len() >= 5 && time.as_bytes()[2] == b':')
            }),
        }
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_date(text: &str) -> bool {
    let shape = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    shape.eq(*b"0000-00-00")
}

/// A path as a person reads it: `[id=3].name`, `items[0]`; `the body` for the top.
#[must_use]
pub fn show_path(path: &[Step]) -> String {
    if path.is_empty() {
        return "the body".to_owned();
    }
    let mut out = String::new();
    for step in path {
        match step {
            Step::Key(key) if out.is_empty() => out.push_str(key),
            Step::Key(key) => {
                out.push('.');
                out.push_str(key);
            }
            Step::Index(at) => out.push_str(&format!("[{at}]")),
            Step::Id(id) => out.push_str(&format!("[id={}]", short(id))),
        }
    }
    out
}

/// A value on one line, cut where it gets long.
#[must_use]
pub fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 72 {
        return text;
    }
    let cut: String = text.chars().take(69).collect();
    format!("{cut}...")
}

/// A type, and the value where it is a small one.
fn described(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) | Value::Null => type_name(value).to_owned(),
        _ => format!("{} ({})", type_name(value), short(value)),
    }
}

/// A value that is neither array nor object, in brackets.
fn small(value: &Option<Value>) -> String {
    match value {
        None | Some(Value::Array(_) | Value::Object(_)) => String::new(),
        Some(value) => format!(" ({})", short(value)),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = show_path(&self.path);
        let documented = self.documented.as_ref().map(short).unwrap_or_default();
        let actual = self.actual.as_ref().map(short).unwrap_or_default();
        match self.what {
            What::Value => write!(f, "{path}: documented {documented}, the server answers {actual}"),
            What::Type => match (&self.documented, &self.actual) {
                (Some(Value::String(marker)), _) if marker.starts_with('<') => {
                    write!(f, "{path}: documented {marker}, the server answers {actual}")
                }
                (Some(one), Some(other)) => {
                    write!(f, "{path}: documented {}, the server answers {}", described(one), described(other))
                }
                _ => write!(f, "{path}: documented {documented}, the server answers {actual}"),
            },
            What::Missing => write!(f, "{path}{}: documented, and not in the answer", small(&self.documented)),
            What::Extra => write!(f, "{path}{}: in the answer, and not documented", small(&self.actual)),
            What::Order => write!(f, "{path}: the ids come in the order {actual}, not {documented}"),
            What::KeyOrder => write!(f, "{path}: the members come in the order {actual}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::expect::parse;
    use super::*;

    fn compare(documented: &str, actual: &Value) -> Vec<String> {
        let node = parse(documented).unwrap().body.unwrap();
        diff(&node, actual)
            .differences
            .iter()
            .map(|found| format!("{:?} {}", found.what, show_path(&found.path)))
            .collect()
    }

    #[test]
    fn only_what_differs_is_named() {
        let users = json!([{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 3, "name": "c"}]);
        let rows: [(&str, Value, &[&str]); 22] = [
            ("{\"a\": 1}", json!({"a": 1}), &[]),
            ("{\"a\": 1, \"b\": 2}", json!({"b": 2, "a": 1}), &[]),
            ("{\"a\": 1.0}", json!({"a": 1}), &[]),
            ("{\"a\": \"1\"}", json!({"a": 1}), &["Type a"]),
            ("{\"a\": 2}", json!({"a": 1}), &["Value a"]),
            ("{\"a\": 1, \"b\": 2}", json!({"a": 1}), &["Missing b"]),
            ("{\"a\": 1}", json!({"a": 1, "b": 2}), &["Extra b"]),
            ("{\"a\": 1, ...}", json!({"a": 1, "b": 2}), &[]),
            ("{\"a\": 1}", json!([{"a": 1}]), &["Type the body"]),
            ("[{\"id\": 1, \"name\": \"a\"}, ...]", users.clone(), &[]),
            ("[..., {\"id\": 3, \"name\": \"c\"}]", users.clone(), &[]),
            ("[{\"id\": 1, ...}, ..., {\"id\": 3, ...}]", users.clone(), &[]),
            ("[..., {\"id\": 2, ...}, ...]", users.clone(), &[]),
            ("[{\"id\": 2, \"name\": \"b\"}, ...]", users.clone(), &["Order the body"]),
            ("[{\"id\": 1, \"name\": \"x\"}, ...]", users.clone(), &["Value [id=1].name"]),
            ("[{\"id\": 1, \"name\": \"a\"}, {\"id\": 3, \"name\": \"c\"}]", users.clone(), &["Extra [id=2]"]),
            (
                "[{\"id\": 2, \"name\": \"b\"}, {\"id\": 1, \"name\": \"a\"}, {\"id\": 3, \"name\": \"c\"}]",
                users.clone(),
                &["Order the body"],
            ),
            ("[1, 2]", json!([2, 1]), &["Value [0]", "Value [1]"]),
            ("[1, 2, 3]", json!([1, 2]), &["Missing [2]"]),
            ("{\"a\": \"<uuid>\"}", json!({"a": "0f8fad5b-d9cb-469f-a165-70867728950e"}), &[]),
            ("{\"a\": \"<date-time>\"}", json!({"a": "yesterday"}), &["Type a"]),
            ("[...]", json!([]), &[]),
        ];
        for (documented, actual, expected) in rows {
            assert_eq!(compare(documented, &actual), expected, "{documented} / {actual}");
        }
    }

    #[test]
    fn key_order_is_a_warning() {
        let node = parse("{\"b\": 1, \"a\": 2}").unwrap().body.unwrap();
        let found = diff(&node, &json!({"a": 2, "b": 1}));
        assert!(found.differences.is_empty());
        assert_eq!(found.warnings.len(), 1);
    }
}
