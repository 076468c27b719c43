//! Rewrites a documented value to match a response: what is right keeps its text, the rest gets the page's layout.

use serde_json::Value;

use super::compare::{matches, same};
use super::node::{Item, Kind, Member, Node};
use super::text::line_start;

/// The new text of a documented value.
pub fn value(content: &str, node: &Node, actual: &Value) -> String {
    let shown = &content[node.span.clone()];
    let tight = shown.contains("\":") && !shown.contains("\": ");
    Writer {
        content,
        unit: unit(content),
        comma: if tight { "," } else { ", " },
        colon: if tight { ":" } else { ": " },
    }
    .value(node, actual)
}

/// The documented values of a sequence with the actual ones, if there are as many.
pub fn one_after_another<'a>(
    node: &'a Node,
    actual: &'a Value,
) -> Option<Vec<(&'a Node, &'a Value)>> {
    let (Kind::Array(items), Value::Array(values)) = (&node.kind, actual) else {
        return None;
    };
    let nodes: Vec<&Node> = items.iter().filter_map(Item::node).collect();
    let is_same = nodes.len() == items.len() && nodes.len() == values.len();
    is_same.then(|| nodes.into_iter().zip(values).collect())
}

/// One level of indentation in a block.
pub fn unit(content: &str) -> &'static str {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut lines = content.lines().filter(|line| !line.trim().is_empty());
    while let Some(line) = lines.next() {
        if !line.trim_end().ends_with(['{', '[']) {
            continue;
        }
        let Some(next) = lines.next() else { break };
        if next.trim_start_matches(' ').starts_with('\t') {
            return "\t";
        }
        return match depth(next).saturating_sub(depth(line)) {
            1 => " ",
            3 => "   ",
            4 => "    ",
            8 => "        ",
            _ => "  ",
        };
    }
    "  "
}

/// The indentation of the line that contains an offset.
pub fn indent_at(content: &str, offset: usize) -> &str {
    let line = &content[line_start(content, offset)..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// A value on several lines; the first one is not indented.
pub fn pretty(value: &Value, indent: &str, unit: &str) -> String {
    let text = format!("{value:#}");
    let lines = text.lines().map(|line| {
        let content = line.trim_start_matches(' ');
        unit.repeat((line.len() - content.len()) / 2) + content
    });
    lines.collect::<Vec<_>>().join(&format!("\n{indent}"))
}

fn quoted(key: &str) -> String {
    Value::String(key.to_owned()).to_string()
}

struct Writer<'a> {
    content: &'a str,
    unit: &'static str,
    /// `, ` and `: `, or without the spaces where the page has none.
    comma: &'static str,
    colon: &'static str,
}

impl Writer<'_> {
    /// A value on one line.
    fn inline(&self, value: &Value, padded: bool) -> String {
        let pad = if padded { " " } else { "" };
        let list = |parts: Vec<String>| parts.join(self.comma);
        match value {
            Value::Array(items) => {
                let items = items.iter().map(|item| self.inline(item, padded));
                format!("[{}]", list(items.collect()))
            }
            Value::Object(members) if members.is_empty() => "{}".to_owned(),
            Value::Object(members) => {
                let member = |(key, item): (&String, &Value)| {
                    format!("{}{}{}", quoted(key), self.colon, self.inline(item, padded))
                };
                let members = list(members.iter().map(member).collect());
                format!("{{{pad}{members}{pad}}}")
            }
            other => other.to_string(),
        }
    }

    fn value(&self, node: &Node, actual: &Value) -> String {
        if matches(node, actual) {
            return self.content[node.span.clone()].to_owned();
        }
        match (&node.kind, actual) {
            (
                Kind::Object {
                    members,
                    elided,
                    bare,
                },
                Value::Object(object),
            ) => self.object(node, members, *elided, *bare, object),
            (Kind::Array(items), Value::Array(values)) => self.array(node, items, values),
            // The page shows types.
            (Kind::Match(_), Value::String(_)) => "\"<string>\"".to_owned(),
            (Kind::Match(_), Value::Bool(_)) => "\"<boolean>\"".to_owned(),
            (Kind::Match(_), Value::Number(_)) => "\"<number>\"".to_owned(),
            _ => self.fresh(node.span.start, actual, None),
        }
    }

    /// A value that is not on the page, formatted like its neighbour.
    fn fresh(&self, at: usize, value: &Value, neighbour: Option<&Node>) -> String {
        let text = neighbour.map(|node| &self.content[node.span.clone()]);
        match text {
            Some(text) if !text.contains('\n') && text.starts_with(['{', '[']) => {
                self.inline(value, text.starts_with("{ ") || text.starts_with("[ "))
            }
            _ => pretty(value, indent_at(self.content, at), self.unit),
        }
    }

    fn object(
        &self,
        node: &Node,
        members: &[Member],
        elided: bool,
        bare: bool,
        object: &serde_json::Map<String, Value>,
    ) -> String {
        let find = |key: &str| members.iter().find(|member| member.key == key);
        let kept = members
            .iter()
            .filter_map(|member| Some((member, object.get(&member.key)?)));
        let kept: Vec<(&Member, &Value)> = kept.collect();
        let is_added = |key: &str| !elided && find(key).is_none();
        if kept.len() == members.len() && !object.keys().any(|key| is_added(key)) {
            let parts = kept.iter().map(|(member, value)| (&member.value, *value));
            return self.in_place(node, parts);
        }
        // The page's order is kept; a new member is put after the one it follows in the response.
        let mut order: Vec<&str> = kept.iter().map(|(member, _)| &*member.key).collect();
        let mut before: Option<&str> = None;
        for key in object.keys() {
            if is_added(key) {
                let at = order.iter().position(|have| Some(*have) == before);
                order.insert(at.map_or(0, |at| at + 1), key);
            }
            before = Some(key);
        }
        let first = members.first().map(|member| member.key_span.start);
        let opening = &self.content[node.span.start..first.unwrap_or(node.span.end)];
        let spread = opening.contains('\n')
            || (bare && self.content[node.span.clone()].contains('\n'))
            || first.is_none();
        let indent = self.indent(node, first.filter(|_| spread));
        let entry = |key: &&str| {
            let value = object.get(*key)?;
            Some(match find(key) {
                Some(member) => {
                    let between = &self.content[member.key_span.start..member.value.span.start];
                    format!("{between}{}", self.value(&member.value, value))
                }
                None if spread => {
                    format!("{}: {}", quoted(key), pretty(value, &indent, self.unit))
                }
                None => {
                    let value = self.inline(value, opening.ends_with(' '));
                    format!("{}{}{value}", quoted(key), self.colon)
                }
            })
        };
        let mut entries: Vec<String> = order.iter().filter_map(entry).collect();
        if elided && !bare {
            entries.push("...".to_owned());
        }
        if bare {
            return entries.join(&format!(",\n{indent}"));
        }
        if entries.is_empty() {
            return "{}".to_owned();
        }
        let indent = spread.then_some(indent.as_str());
        self.around(node, ["{", "}"], &entries, indent, opening.ends_with(' '))
    }

    /// The indentation inside a node, whose first item may be at an offset.
    fn indent(&self, node: &Node, first: Option<usize>) -> String {
        match first {
            Some(first) => indent_at(self.content, first).to_owned(),
            None => indent_at(self.content, node.span.start).to_owned() + self.unit,
        }
    }

    /// Brackets around entries, on lines of their own if there is an indentation.
    fn around(
        &self,
        node: &Node,
        [open, close]: [&str; 2],
        entries: &[String],
        indent: Option<&str>,
        padded: bool,
    ) -> String {
        let Some(indent) = indent else {
            let pad = if padded { " " } else { "" };
            return format!("{open}{pad}{}{pad}{close}", entries.join(self.comma));
        };
        let outer = indent_at(self.content, node.span.start);
        let entries = entries.join(&format!(",\n{indent}"));
        format!("{open}\n{indent}{entries}\n{outer}{close}")
    }

    /// The text of a node with some of the values inside replaced.
    fn in_place<'n>(
        &self,
        node: &Node,
        parts: impl Iterator<Item = (&'n Node, &'n Value)>,
    ) -> String {
        let mut out = String::new();
        let mut at = node.span.start;
        for (part, value) in parts {
            out.push_str(&self.content[at..part.span.start]);
            out.push_str(&self.value(part, value));
            at = part.span.end;
        }
        out.push_str(&self.content[at..node.span.end]);
        out
    }

    fn array(&self, node: &Node, items: &[Item], values: &[Value]) -> String {
        let nodes: Vec<&Node> = items.iter().filter_map(Item::node).collect();
        let is_elided = |item: &Item| matches!(item, Item::Elided(_));
        let elided = items.iter().position(is_elided);
        let last = items.iter().rposition(is_elided);
        let head = elided.unwrap_or(nodes.len());
        let tail = last.map_or(0, |at| items.len() - at - 1);
        let once = elided == last;
        // With one elision the page keeps its number of items.
        let mut shown: Vec<Option<&Value>> = values.iter().map(Some).collect();
        if elided.is_some() && once && values.len() > head + tail {
            shown.splice(head..values.len() - tail, [None]);
        }
        let pairs = items.iter().map(Item::node).zip(shown.iter().copied());
        let same_shape = shown.len() == items.len()
            && pairs.clone().all(|pair| match pair {
                (None, None) => true,
                (Some(node), Some(value)) => match (node.id(), value.get("id")) {
                    (Some(id), Some(own)) => same(id, own),
                    _ => true,
                },
                _ => false,
            });
        if same_shape {
            return self.in_place(node, pairs.filter_map(|(node, value)| node.zip(value)));
        }
        if shown.is_empty() {
            return "[]".to_owned();
        }
        let first = nodes.first().map(|node| node.span.start);
        let opening = &self.content[node.span.start..first.unwrap_or(node.span.end)];
        let spread = opening.contains('\n') || first.is_none();
        let indent = self.indent(node, first.filter(|_| spread));
        let dots = items.iter().find_map(|item| match item {
            Item::Elided(range) => Some(self.content[range.clone()].trim().to_owned()),
            Item::Value(_) => None,
        });
        let entry = |value: &Option<&Value>| {
            let Some(value) = value else {
                return dots.clone().unwrap_or_else(|| "...".to_owned());
            };
            let is_it = |node: &&&Node| match (node.id(), value.get("id")) {
                (Some(id), Some(own)) => same(id, own),
                _ => matches(node, value),
            };
            match (nodes.iter().find(is_it), nodes.first()) {
                (Some(known), _) => self.value(known, value),
                (None, Some(neighbour)) => self.fresh(neighbour.span.start, value, Some(neighbour)),
                (None, None) => pretty(value, &indent, self.unit),
            }
        };
        let entries: Vec<String> = shown.iter().map(entry).collect();
        let indent = spread.then_some(indent.as_str());
        self.around(node, ["[", "]"], &entries, indent, opening.ends_with(' '))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::lenient_json::parse;
    use super::*;

    fn rewritten(content: &str, actual: &Value) -> String {
        let node = parse(content).unwrap().body.unwrap();
        let mut out = content.to_owned();
        out.replace_range(node.span.clone(), &value(content, &node, actual));
        out
    }

    #[test]
    fn only_what_is_wrong_is_rewritten() {
        let rows = [
            (
                "{\n  \"a\": 1,\n  \"id\": 1\n}\n",
                json!({"a": 1, "id": 5}),
                "{\n  \"a\": 1,\n  \"id\": 5\n}\n",
            ),
            (
                "{ \"b\": 1, \"a\": 2 }",
                json!({"a": 3, "b": 1}),
                "{ \"b\": 1, \"a\": 3 }",
            ),
            (
                "{\n    \"a\": 1\n}",
                json!({"a": 1, "id": 5}),
                "{\n    \"a\": 1,\n    \"id\": 5\n}",
            ),
            (
                "{\n\t\"a\": 1,\n\t\"x\": 2\n}",
                json!({"a": 1}),
                "{\n\t\"a\": 1\n}",
            ),
            ("{\"a\": 1, \"x\": 2}", json!({"a": 1}), "{\"a\": 1}"),
            (
                "{\"a\": 1}",
                json!({"z": 0, "a": 1}),
                "{\"z\": 0, \"a\": 1}",
            ),
            (
                "   {\n     \"a\": 1\n   }",
                json!([{"a": 1}]),
                "   [\n     {\n       \"a\": 1\n     }\n   ]",
            ),
            (
                "[{\"id\": 1, \"n\": 1}, {\"id\": 3, \"n\": 3}]",
                json!([{"id": 1, "n": 1}, {"id": 2, "n": 2}, {"id": 3, "n": 3}]),
                "[{\"id\": 1, \"n\": 1}, {\"id\": 2, \"n\": 2}, {\"id\": 3, \"n\": 3}]",
            ),
            (
                "[\n  { \"id\": 1 },\n  ...\n]",
                json!([{"id": 4}, {"id": 5}]),
                "[\n  { \"id\": 4 },\n  ...\n]",
            ),
            (
                "[\n  {\n    \"id\": 1,\n    \"n\": 1\n  },\n  ...\n]",
                json!([{"id": 1, "n": 2}, {"id": 5, "n": 1}]),
                "[\n  {\n    \"id\": 1,\n    \"n\": 2\n  },\n  ...\n]",
            ),
            (
                "{\n  \"a\": 1,\n  ...\n}",
                json!({"a": 2, "b": 3}),
                "{\n  \"a\": 2,\n  ...\n}",
            ),
            (
                "\"a\": 1,\n\"b\": 2",
                json!({"a": 1, "b": 3}),
                "\"a\": 1,\n\"b\": 3",
            ),
            (
                "{\n  \"a\": 1, // kept\n  \"b\": 2\n}",
                json!({"a": 1, "b": 3}),
                "{\n  \"a\": 1, // kept\n  \"b\": 3\n}",
            ),
            ("[1, 2]", json!([]), "[]"),
            ("{}", json!({"a": 1}), "{\n  \"a\": 1\n}"),
            (
                "{\n  \"a\": {\n    \"b\": 1\n  }\n}",
                json!({"a": {"b": 1, "c": [1]}}),
                "{\n  \"a\": {\n    \"b\": 1,\n    \"c\": [\n      1\n    ]\n  }\n}",
            ),
        ];
        for (content, actual, expected) in rows {
            let out = rewritten(content, &actual);
            assert_eq!(out, expected, "{content}");
            let node = parse(&out).unwrap().body.unwrap();
            assert!(matches(&node, &actual), "{out}");
        }
    }
}
