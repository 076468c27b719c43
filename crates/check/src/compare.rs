//! Compares a documented body with a received one.
//!
//! Array items are matched by `id` where they have one, so that a missing record is one difference.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use serde_json::{Map, Value};

use super::node::{Item, Kind, Matcher, Member, Node};

/// A difference between page and response.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The path from the top of the body.
    pub path: Vec<Step>,
    /// The kind of difference.
    pub kind: DifferenceKind,
    /// The range in the content of the response block.
    pub place: Range<usize>,
    /// The documented value.
    pub documented: Option<Value>,
    /// The received value.
    pub actual: Option<Value>,
}

/// A step of a path.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The member with this key.
    Key(String),
    /// The item at this index.
    Index(usize),
    /// The item with this id.
    Id(Value),
}

/// Kinds of differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceKind {
    /// A different value of the same type.
    Value,
    /// A different type.
    Type,
    /// Documented, but not in the response.
    Missing,
    /// In the response, but not documented.
    Extra,
    /// Items in a different order.
    Order,
    /// Members in a different order, which is only a warning.
    KeyOrder,
}

/// The result of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diff {
    /// Contradictions, in the page's order.
    pub differences: Vec<Difference>,
    /// Members in a different order.
    pub warnings: Vec<Difference>,
}

impl Diff {
    /// How many values differ; a record that is missing has several.
    pub fn values(&self) -> usize {
        fn count(value: &Option<Value>) -> usize {
            match value {
                Some(Value::Object(members)) => members.len().max(1),
                _ => 1,
            }
        }
        let values = |found: &Difference| count(&found.documented).max(count(&found.actual));
        self.differences.iter().map(values).sum()
    }
}

/// Compares a documented body with a received one.
pub fn diff(documented: &Node, actual: &Value) -> Diff {
    let mut comparison = Comparison::default();
    comparison.node(documented, actual);
    comparison.out
}

/// Whether a value is as documented.
pub fn matches(documented: &Node, actual: &Value) -> bool {
    diff(documented, actual).differences.is_empty()
}

/// The name of a value's type with its article.
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

/// Whether two values are equal; `1` and `1.0` are.
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => {
            a == b
                || (a.as_f64() == b.as_f64()
                    && !(a.is_i64() && b.is_i64())
                    && !(a.is_u64() && b.is_u64()))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let has = |(key, value): (&String, &Value)| {
                other.get(key).is_some_and(|own| same(value, own))
            };
            one.len() == other.len() && one.iter().all(has)
        }
        _ => one == other,
    }
}

/// Whether a documented text such as `"Aus..."`, `"eyJ...x"` or `"...Z"` is the beginning, and the end, of a longer one.
fn begins(documented: &Value, actual: &Value) -> bool {
    let (Value::String(documented), Value::String(actual)) = (documented, actual) else {
        return false;
    };
    let parts = documented
        .split_once("...")
        .or_else(|| documented.split_once('…'));
    parts.is_some_and(|(start, end)| {
        start.len() + end.len() > 0
            && start.len() + end.len() <= actual.len()
            && actual.starts_with(start)
            && actual.ends_with(end)
    })
}

impl Matcher {
    /// Whether a value matches.
    pub fn accepts(self, value: &Value) -> bool {
        match self {
            Matcher::Any => true,
            Matcher::Text => value.is_string(),
            Matcher::Number => value.is_number(),
            Matcher::Integer => value.is_i64() || value.is_u64(),
            Matcher::Boolean => value.is_boolean(),
            Matcher::Uuid => value.as_str().is_some_and(is_uuid),
            Matcher::Date => value.as_str().is_some_and(is_date),
            Matcher::DateTime => {
                let parts = value.as_str().and_then(|text| text.split_once(['T', ' ']));
                parts.is_some_and(|(date, time)| {
                    is_date(date) && time.len() >= 5 && time.as_bytes()[2] == b':'
                })
            }
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
    let shape = text
        .bytes()
        .map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    shape.eq(*b"0000-00-00")
}

/// Formats a path: `[id=3].name`, `items[0]`; `the body` for the top.
pub fn show_path(path: &[Step]) -> String {
    if path.is_empty() {
        return "the body".to_owned();
    }
    let mut out = String::new();
    for step in path {
        match step {
            Step::Key(key) if out.is_empty() => out.push_str(key),
            Step::Key(key) => out.push_str(&format!(".{key}")),
            Step::Index(at) => out.push_str(&format!("[{at}]")),
            Step::Id(id) => out.push_str(&format!("[id={}]", short(id))),
        }
    }
    out
}

/// A value on one line, truncated.
pub fn short(value: &Value) -> String {
    truncated(value.to_string())
}

fn truncated(text: String) -> String {
    if text.chars().count() <= 72 {
        return text;
    }
    let cut: String = text.chars().take(69).collect();
    format!("{cut}...")
}

/// Two values on a line each. Long ones begin shortly before they differ.
pub fn short_pair(documented: &Value, actual: &Value) -> (String, String) {
    const BEFORE: usize = 20;
    let pair = (short(documented), short(actual));
    if pair.0 != pair.1 || documented == actual {
        return pair;
    }
    let (documented, actual) = (documented.to_string(), actual.to_string());
    let same = documented.chars().zip(actual.chars());
    let same = same.take_while(|(one, other)| one == other).count();
    let from_there = |text: &str| {
        let rest: String = text.chars().skip(same.saturating_sub(BEFORE)).collect();
        truncated(format!("...{rest}"))
    };
    (from_there(&documented), from_there(&actual))
}

/// A value's type, with the value if it is a scalar.
fn described(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) | Value::Null => type_name(value).to_owned(),
        _ => format!("{} ({})", type_name(value), short(value)),
    }
}

/// A scalar in parentheses.
fn scalar(value: &Option<Value>) -> String {
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
        match self.kind {
            DifferenceKind::Value => {
                let pair = self.documented.as_ref().zip(self.actual.as_ref());
                let pair = pair.map(|(one, other)| short_pair(one, other));
                let (documented, actual) = pair.unwrap_or((documented, actual));
                write!(f, "{path}: documented {documented}, got {actual}")
            }
            DifferenceKind::Type => match (&self.documented, &self.actual) {
                (Some(Value::String(marker)), _) if marker.starts_with('<') => {
                    write!(f, "{path}: documented {marker}, got {actual}")
                }
                (Some(one), Some(other)) => {
                    let (documented, actual) = (described(one), described(other));
                    write!(f, "{path}: documented {documented}, got {actual}")
                }
                _ => write!(f, "{path}: documented {documented}, got {actual}"),
            },
            DifferenceKind::Missing => {
                let value = scalar(&self.documented);
                write!(f, "{path}{value}: documented, but not in the response")
            }
            DifferenceKind::Extra => {
                let value = scalar(&self.actual);
                write!(f, "{path}{value}: in the response, but not documented")
            }
            DifferenceKind::Order => write!(
                f,
                "{path}: the ids are in the order {actual}, not {documented}"
            ),
            DifferenceKind::KeyOrder => write!(f, "{path}: the members are in the order {actual}"),
        }
    }
}

/// Compares two trees side by side.
#[derive(Default)]
struct Comparison {
    path: Vec<Step>,
    out: Diff,
}

impl Comparison {
    fn report(
        &mut self,
        kind: DifferenceKind,
        place: &Range<usize>,
        documented: Option<Value>,
        actual: Option<&Value>,
    ) {
        let found = Difference {
            path: self.path.clone(),
            kind,
            place: place.clone(),
            documented,
            actual: actual.cloned(),
        };
        if kind == DifferenceKind::KeyOrder {
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

    /// Compares an item or member with the one in the response, if there is one.
    fn part(
        &mut self,
        step: Step,
        place: &Range<usize>,
        documented: &Node,
        actual: Option<&Value>,
    ) {
        self.within(step, |inner| match actual {
            Some(actual) => inner.node(documented, actual),
            None => {
                let value = documented.to_value();
                inner.report(DifferenceKind::Missing, place, Some(value), None);
            }
        });
    }

    /// Reports an item or member that is only in the response.
    fn extra(&mut self, step: Step, documented: &Node, actual: &Value) {
        self.within(step, |inner| {
            inner.report(DifferenceKind::Extra, &documented.span, None, Some(actual));
        });
    }

    fn node(&mut self, documented: &Node, actual: &Value) {
        match (&documented.kind, actual) {
            (Kind::Match(matcher), _) if matcher.accepts(actual) => {}
            (Kind::Exact(value), _) if same(value, actual) || begins(value, actual) => {}
            (Kind::Exact(value), _) => {
                let alike = std::mem::discriminant(value) == std::mem::discriminant(actual);
                let kind = match alike {
                    true => DifferenceKind::Value,
                    false => DifferenceKind::Type,
                };
                self.report(kind, &documented.span, Some(value.clone()), Some(actual));
            }
            (
                Kind::Object {
                    members, elided, ..
                },
                Value::Object(object),
            ) => self.object(documented, members, *elided, object),
            // `[...]` stands for a whole body.
            (Kind::Array(items), _)
                if self.path.is_empty() && matches!(&items[..], [Item::Elided(_)]) => {}
            (Kind::Array(items), Value::Array(values)) => self.array(documented, items, values),
            _ => self.report(
                DifferenceKind::Type,
                &documented.span,
                Some(documented.to_value()),
                Some(actual),
            ),
        }
    }

    fn object(
        &mut self,
        documented: &Node,
        members: &[Member],
        elided: bool,
        object: &Map<String, Value>,
    ) {
        for member in members {
            let place = member.key_span.start..member.value.span.end;
            let actual = object.get(&member.key);
            self.part(Step::Key(member.key.clone()), &place, &member.value, actual);
        }
        if !elided {
            for (key, value) in object {
                if !members.iter().any(|member| member.key == *key) {
                    self.extra(Step::Key(key.clone()), documented, value);
                }
            }
        }
        let written = members.iter().map(|member| member.key.as_str());
        let written: Vec<&str> = written.filter(|key| object.contains_key(*key)).collect();
        let stored = object.keys().filter(|key| written.contains(&key.as_str()));
        // HTTPie, `jq -S` and other tools sort the members.
        if !stored.eq(written.iter().copied()) && !written.is_sorted() {
            let keys = object.keys().cloned().map(Value::String).collect();
            self.report(
                DifferenceKind::KeyOrder,
                &documented.span,
                Some(written.into()),
                Some(&Value::Array(keys)),
            );
        }
    }

    fn array(&mut self, documented: &Node, items: &[Item], values: &[Value]) {
        let elided = items.iter().any(|item| matches!(item, Item::Elided(_)));
        let nodes: Vec<&Node> = items.iter().filter_map(Item::node).collect();
        if elided && elided_match(items, values) {
            // For warnings about the order of members.
            self.pair_elided(&nodes, values);
            return;
        }
        let ours = distinct(nodes.iter().map(|node| node.id()));
        let theirs = distinct(values.iter().map(|value| value.get("id")));
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => {
                self.by_id(documented, &nodes, values, &ours, &theirs, elided)
            }
            _ => self.by_position(documented, &nodes, values, elided),
        }
    }

    fn pair_elided(&mut self, nodes: &[&Node], values: &[Value]) {
        let mut from = 0;
        for node in nodes {
            if let Some(found) = values[from..].iter().position(|value| matches(node, value)) {
                let at = from + found;
                self.within(Step::Index(at), |inner| inner.node(node, &values[at]));
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
            let actual = found.map(|at| &values[at]);
            self.part(Step::Id((*id).clone()), &node.span, node, actual);
        }
        if !elided {
            for (value, id) in values.iter().zip(theirs) {
                if !ours.iter().any(|other| same(id, other)) {
                    self.extra(Step::Id((*id).clone()), documented, value);
                }
            }
        }
        let known = |ids: &[&Value], others: &[&Value]| -> Vec<Value> {
            ids.iter()
                .filter(|id| others.iter().any(|other| same(id, other)))
                .map(|id| (*id).clone())
                .collect()
        };
        let (page, server) = (known(ours, theirs), known(theirs, ours));
        let moved =
            page.len() != server.len() || page.iter().zip(&server).any(|(a, b)| !same(a, b));
        // With an elision, the only difference left is that the items are elsewhere.
        if moved || (elided && self.out.differences.len() == before) {
            let all = theirs.iter().map(|id| (*id).clone()).collect();
            self.report(
                DifferenceKind::Order,
                &documented.span,
                Some(Value::Array(page)),
                Some(&Value::Array(all)),
            );
        }
    }

    fn by_position(&mut self, documented: &Node, nodes: &[&Node], values: &[Value], elided: bool) {
        for (at, node) in nodes.iter().enumerate() {
            self.part(Step::Index(at), &node.span, node, values.get(at));
        }
        if !elided {
            for (at, value) in values.iter().enumerate().skip(nodes.len()) {
                self.extra(Step::Index(at), documented, value);
            }
        }
    }
}

/// Items before the first elision must come first, items after the last one last, and each run between two elisions
/// somewhere in between.
fn elided_match(items: &[Item], values: &[Value]) -> bool {
    let runs: Vec<Vec<&Node>> = items
        .split(|item| matches!(item, Item::Elided(_)))
        .map(|run| run.iter().filter_map(Item::node).collect())
        .collect();
    let fits = |run: &[&Node], at: usize| {
        let values = values.get(at..at + run.len());
        values.is_some_and(|values| {
            run.iter()
                .zip(values)
                .all(|(own, value)| matches(own, value))
        })
    };
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
        return true;
    };
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

/// The ids of items, if each has one of its own.
fn distinct<'a>(ids: impl Iterator<Item = Option<&'a Value>>) -> Option<Vec<&'a Value>> {
    let mut seen = HashSet::new();
    ids.map(|id| id.filter(|id| seen.insert(id.to_string())))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::lenient_json::parse;
    use super::*;

    fn compare(documented: &str, actual: &Value) -> Vec<String> {
        let node = parse(documented).unwrap().body.unwrap();
        diff(&node, actual)
            .differences
            .iter()
            .map(|found| format!("{:?} {}", found.kind, show_path(&found.path)))
            .collect()
    }

    #[test]
    fn differences() {
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
            (
                "[{\"id\": 1, ...}, ..., {\"id\": 3, ...}]",
                users.clone(),
                &[],
            ),
            ("[..., {\"id\": 2, ...}, ...]", users.clone(), &[]),
            (
                "[{\"id\": 2, \"name\": \"b\"}, ...]",
                users.clone(),
                &["Order the body"],
            ),
            (
                "[{\"id\": 1, \"name\": \"x\"}, ...]",
                users.clone(),
                &["Value [id=1].name"],
            ),
            (
                "[{\"id\": 1, \"name\": \"a\"}, {\"id\": 3, \"name\": \"c\"}]",
                users.clone(),
                &["Extra [id=2]"],
            ),
            (
                "[{\"id\": 2, \"name\": \"b\"}, {\"id\": 1, \"name\": \"a\"}, {\"id\": 3, \"name\": \"c\"}]",
                users.clone(),
                &["Order the body"],
            ),
            ("[1, 2]", json!([2, 1]), &["Value [0]", "Value [1]"]),
            ("[1, 2, 3]", json!([1, 2]), &["Missing [2]"]),
            (
                "{\"a\": \"<uuid>\"}",
                json!({"a": "0f8fad5b-d9cb-469f-a165-70867728950e"}),
                &[],
            ),
            (
                "{\"a\": \"<date-time>\"}",
                json!({"a": "yesterday"}),
                &["Type a"],
            ),
            ("[...]", json!([]), &[]),
        ];
        for (documented, actual, expected) in rows {
            assert_eq!(
                compare(documented, &actual),
                expected,
                "{documented} / {actual}"
            );
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
