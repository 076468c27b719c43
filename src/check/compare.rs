//! The structural difference between a documented response and the real one.
//!
//! Array items are matched by their `id` where they have one, so that one
//! missing record is one finding and not a shift of all that follow.

use std::fmt;
use std::ops::Range;

use serde_json::Value;

use super::expect::{Item, Kind, Marker, Node};

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
    let mut walk = Walk { path: Vec::new(), out: Diff::default() };
    walk.node(documented, actual);
    walk.out
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

struct Walk {
    path: Vec<Step>,
    out: Diff,
}

impl Walk {
    fn say(&mut self, what: What, place: &Range<usize>, documented: Option<Value>, actual: Option<&Value>) {
        let found =
            Difference { path: self.path.clone(), what, place: place.clone(), documented, actual: actual.cloned() };
        if what == What::KeyOrder {
            self.out.warnings.push(found);
        } else {
            self.out.differences.push(found);
        }
    }

    fn within(&mut self, step: Step, act: impl FnOnce(&mut Self)) {
        self.path.push(step);
        act(self);
        self.path.pop();
    }

    fn node(&mut self, documented: &Node, actual: &Value) {
        match (&documented.kind, actual) {
            (Kind::Described(marker), _) => {
                if !marker.accepts(actual) {
                    self.say(What::Type, &documented.span, Some(documented.to_value()), Some(actual));
                }
            }
            (Kind::Exact(value), _) if same(value, actual) => {}
            (Kind::Exact(value), _) => {
                let alike = std::mem::discriminant(value) == std::mem::discriminant(actual);
                let what = if alike { What::Value } else { What::Type };
                self.say(what, &documented.span, Some(value.clone()), Some(actual));
            }
            (Kind::Object { .. }, Value::Object(_)) => self.object(documented, actual),
            (Kind::Array(items), Value::Array(values)) => self.array(documented, items, values),
            _ => self.say(What::Type, &documented.span, Some(documented.to_value()), Some(actual)),
        }
    }

    fn object(&mut self, documented: &Node, actual: &Value) {
        let Kind::Object { members, elided, .. } = &documented.kind else { return };
        let Some(object) = actual.as_object() else { return };
        let mut written = Vec::new();
        for member in members {
            match object.get(&member.key) {
                Some(value) => {
                    written.push(member.key.as_str());
                    self.within(Step::Key(member.key.clone()), |walk| walk.node(&member.value, value));
                }
                None => {
                    let place = member.key_span.start..member.value.span.end;
                    let value = member.value.to_value();
                    self.within(Step::Key(member.key.clone()), |walk| {
                        walk.say(What::Missing, &place, Some(value), None);
                    });
                }
            }
        }
        if !elided {
            for (key, value) in object {
                if !members.iter().any(|member| member.key == *key) {
                    self.within(Step::Key(key.clone()), |walk| {
                        walk.say(What::Extra, &documented.span, None, Some(value));
                    });
                }
            }
        }
        let stored = object.keys().filter(|key| written.contains(&key.as_str()));
        if !stored.eq(written.iter().copied()) {
            let keys = object.keys().cloned().map(Value::String).collect();
            let order = written.into_iter().map(|key| Value::String(key.to_owned())).collect();
            self.say(What::KeyOrder, &documented.span, Some(Value::Array(order)), Some(&Value::Array(keys)));
        }
    }

    fn array(&mut self, documented: &Node, items: &[Item], values: &[Value]) {
        let elided = items.iter().any(|item| matches!(item, Item::Elided(_)));
        let nodes: Vec<&Node> = items
            .iter()
            .filter_map(|item| match item {
                Item::Value(node) => Some(node),
                Item::Elided(_) => None,
            })
            .collect();
        if elided && elided_match(items, values) {
            // The members' order is still worth a warning.
            self.pair_elided(&nodes, values);
            return;
        }
        match (node_ids(&nodes), value_ids(values)) {
            (Some(ours), Some(theirs)) => self.by_id(documented, &nodes, values, &ours, &theirs, elided),
            _ => self.by_position(documented, &nodes, values, elided),
        }
    }

    fn pair_elided(&mut self, nodes: &[&Node], values: &[Value]) {
        let mut from = 0;
        for node in nodes {
            if let Some(found) = values[from..].iter().position(|value| matches(node, value)) {
                let at = from + found;
                self.within(Step::Index(at), |walk| walk.node(node, &values[at]));
                from = at + 1;
            }
        }
    }

    fn by_id(
        &mut self,
        documented: &Node,
        nodes: &[&Node],
        values: &[Value],
        ours: &[&Value],
        theirs: &[&Value],
        elided: bool,
    ) {
        let before = self.out.differences.len();
        for (node, id) in nodes.iter().zip(ours) {
            let found = theirs.iter().position(|other| same(id, other));
            self.within(Step::Id((*id).clone()), |walk| match found {
                Some(at) => walk.node(node, &values[at]),
                None => walk.say(What::Missing, &node.span, Some(node.to_value()), None),
            });
        }
        if !elided {
            for (value, id) in values.iter().zip(theirs) {
                if !ours.iter().any(|other| same(id, other)) {
                    self.within(Step::Id((*id).clone()), |walk| {
                        walk.say(What::Extra, &documented.span, None, Some(value));
                    });
                }
            }
        }
        let known = |ids: &[&Value], others: &[&Value]| -> Vec<Value> {
            ids.iter().filter(|id| others.iter().any(|other| same(id, other))).map(|id| (*id).clone()).collect()
        };
        let (page, server) = (known(ours, theirs), known(theirs, ours));
        let moved = page.len() != server.len() || page.iter().zip(&server).any(|(a, b)| !same(a, b));
        // With an elision, what is left is that the items stand elsewhere.
        if moved || (elided && self.out.differences.len() == before) {
            let all = theirs.iter().map(|id| (*id).clone()).collect();
            self.say(What::Order, &documented.span, Some(Value::Array(page)), Some(&Value::Array(all)));
        }
    }

    fn by_position(&mut self, documented: &Node, nodes: &[&Node], values: &[Value], elided: bool) {
        for (at, node) in nodes.iter().enumerate() {
            self.within(Step::Index(at), |walk| match values.get(at) {
                Some(value) => walk.node(node, value),
                None => walk.say(What::Missing, &node.span, Some(node.to_value()), None),
            });
        }
        if !elided {
            for (at, value) in values.iter().enumerate().skip(nodes.len()) {
                self.within(Step::Index(at), |walk| walk.say(What::Extra, &documented.span, None, Some(value)));
            }
        }
    }
}

/// Items before the first elision are the first ones, those after the last are
/// the last ones, and those between two follow each other somewhere between.
fn elided_match(items: &[Item], values: &[Value]) -> bool {
    let runs: Vec<Vec<&Node>> = items
        .split(|item| matches!(item, Item::Elided(_)))
        .map(|run| {
            run.iter()
                .filter_map(|item| match item {
                    Item::Value(node) => Some(node),
                    Item::Elided(_) => None,
                })
                .collect()
        })
        .collect();
    let fits = |run: &[&Node], at: usize| {
        values
            .get(at..at + run.len())
            .is_some_and(|values| run.iter().zip(values).all(|(node, value)| matches(node, value)))
    };
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return true };
    if first.len() + last.len() > values.len() {
        return false;
    }
    let end = values.len() - last.len();
    if !fits(first, 0) || !fits(last, end) {
        return false;
    }
    let mut at = first.len();
    for run in &runs[1..runs.len() - 1] {
        match (at..=end.saturating_sub(run.len())).find(|start| fits(run, *start)) {
            Some(start) => at = start + run.len(),
            None => return false,
        }
    }
    at <= end
}

fn node_ids<'a>(nodes: &[&'a Node]) -> Option<Vec<&'a Value>> {
    let ids: Option<Vec<&Value>> = nodes
        .iter()
        .map(|node| match &node.kind {
            Kind::Object { members, .. } => members.iter().find_map(|member| match &member.value.kind {
                Kind::Exact(id) if member.key == "id" => Some(id),
                _ => None,
            }),
            _ => None,
        })
        .collect();
    ids.filter(|ids| distinct(ids))
}

fn value_ids(values: &[Value]) -> Option<Vec<&Value>> {
    let ids: Option<Vec<&Value>> = values.iter().map(|value| value.get("id")).collect();
    ids.filter(|ids| distinct(ids))
}

fn distinct(ids: &[&Value]) -> bool {
    let mut seen = std::collections::HashSet::with_capacity(ids.len());
    ids.iter().all(|id| seen.insert(id.to_string()))
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
