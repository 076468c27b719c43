//! The tree of a documented body, with the byte range of each value in the block's content.

use std::ops::Range;

use serde_json::Value;

/// A documented value.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub kind: Kind,
    /// Its range in the block's content.
    pub span: Range<usize>,
}

/// The kinds of documented values.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `null`, a boolean, a number or a string, compared exactly.
    Exact(Value),
    /// Any value that a matcher accepts.
    Match(Matcher),
    /// An array and its items.
    Array(Vec<Item>),
    /// An object.
    Object {
        /// The members in the page's order.
        members: Vec<Member>,
        /// Whether further members are allowed: after `...`, and without braces.
        elided: bool,
        /// Whether the braces are missing.
        bare: bool,
    },
}

/// An item of an array, or an elision.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A documented item.
    Value(Node),
    /// `...`
    Elided(Range<usize>),
}

impl Item {
    /// The documented item, unless it is an elision.
    pub fn node(&self) -> Option<&Node> {
        match self {
            Item::Value(node) => Some(node),
            Item::Elided(_) => None,
        }
    }
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The key, unescaped.
    pub key: String,
    /// The key's range, including quotes.
    pub key_span: Range<usize>,
    /// Its value.
    pub value: Node,
}

/// A placeholder for values of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matcher {
    /// Any value.
    Any,
    /// A string.
    Text,
    /// A number.
    Number,
    /// A number without a fraction.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A UUID.
    Uuid,
    /// A date and a time.
    DateTime,
    /// A date.
    Date,
}

/// The words between angle brackets.
pub const MATCHERS: &[(&str, Matcher)] = &[
    ("any", Matcher::Any),
    ("string", Matcher::Text),
    ("number", Matcher::Number),
    ("integer", Matcher::Integer),
    ("boolean", Matcher::Boolean),
    ("uuid", Matcher::Uuid),
    ("date-time", Matcher::DateTime),
    ("date", Matcher::Date),
];

impl Node {
    /// The documented `id` of an object.
    pub fn id(&self) -> Option<&Value> {
        let Kind::Object { members, .. } = &self.kind else {
            return None;
        };
        members.iter().find_map(|member| match &member.value.kind {
            Kind::Exact(id) if member.key == "id" => Some(id),
            _ => None,
        })
    }

    /// Takes the sample values of OpenAPI tools (`0`, `"string"`, `true`) for any value of their type, if all texts of the
    /// body are such values.
    pub fn match_samples(&mut self) {
        let mut scalars = Vec::new();
        self.collect_scalars(&mut scalars);
        let types: Option<Vec<Matcher>> = scalars
            .iter()
            .map(|node| type_of_sample(&node.kind))
            .collect();
        let sample = Kind::Exact(SAMPLES[0].into());
        let is_sample = scalars.iter().any(|node| node.kind == sample);
        let Some(types) = types.filter(|_| is_sample) else {
            return;
        };
        for (node, matcher) in scalars.into_iter().zip(types) {
            node.kind = Kind::Match(matcher);
        }
        let end = self.span.end;
        if let Kind::Array(items) = &mut self.kind {
            items.push(Item::Elided(end..end));
        }
    }

    /// Whether all values stand for any of their types.
    pub fn has_only_types(&self) -> bool {
        match &self.kind {
            Kind::Exact(_) => false,
            Kind::Match(_) => true,
            Kind::Array(items) => {
                let mut nodes = items.iter().filter_map(Item::node);
                !items.is_empty() && nodes.all(Node::has_only_types)
            }
            Kind::Object { members, .. } => {
                !members.is_empty() && members.iter().all(|member| member.value.has_only_types())
            }
        }
    }

    /// The values that are neither arrays nor objects.
    fn collect_scalars<'a>(&'a mut self, scalars: &mut Vec<&'a mut Node>) {
        if matches!(self.kind, Kind::Exact(_) | Kind::Match(_)) {
            return scalars.push(self);
        }
        match &mut self.kind {
            Kind::Array(items) => {
                for item in items {
                    if let Item::Value(node) = item {
                        node.collect_scalars(scalars);
                    }
                }
            }
            Kind::Object { members, .. } => {
                for member in members {
                    member.value.collect_scalars(scalars);
                }
            }
            Kind::Exact(_) | Kind::Match(_) => {}
        }
    }

    /// The value as JSON; elisions and matchers become strings.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Exact(value) => value.clone(),
            Kind::Match(matcher) => {
                let known = MATCHERS.iter().find(|(_, known)| known == matcher);
                let word = known.map_or("any", |(word, _)| word);
                Value::String(format!("<{word}>"))
            }
            Kind::Array(items) => {
                let item = |item: &Item| item.node().map_or("...".into(), Node::to_value);
                items.iter().map(item).collect()
            }
            Kind::Object {
                members,
                elided,
                bare,
            } => {
                let value = |member: &Member| (member.key.clone(), member.value.to_value());
                let dots = (*elided && !bare).then(|| ("...".to_owned(), "...".into()));
                members.iter().map(value).chain(dots).collect()
            }
        }
    }
}

/// The texts that OpenAPI tools write as samples; one is in every sample of a record.
const SAMPLES: [&str; 4] = [
    "string",
    "user@example.com",
    "http://example.com",
    "https://example.com",
];

/// The type of which OpenAPI tools would write a value as a sample.
fn type_of_sample(kind: &Kind) -> Option<Matcher> {
    match kind {
        Kind::Exact(Value::String(text)) if SAMPLES.contains(&text.as_str()) => Some(Matcher::Text),
        Kind::Exact(Value::Number(_)) => Some(Matcher::Number),
        Kind::Exact(Value::Bool(_)) => Some(Matcher::Boolean),
        Kind::Exact(value) => [Matcher::DateTime, Matcher::Date, Matcher::Uuid]
            .into_iter()
            .find(|matcher| matcher.accepts(value)),
        Kind::Match(matcher) => Some(*matcher),
        Kind::Array(_) | Kind::Object { .. } => None,
    }
}

/// Whether a text is nothing but dots, which stand for anything further.
pub fn is_dots(text: &str) -> bool {
    let text = text.trim_matches('"');
    text == "…" || (text.len() >= 3 && text.bytes().all(|byte| byte == b'.'))
}
