//! Documented responses: JSON as writers write it, read into a tree of
//! patterns with the place of every part.
//!
//! `...` and `…` mean "anything further"; after one, a closing bracket may be
//! missing. Comments, trailing commas and members without their braces are
//! taken, and `"<any>"` and its like match a kind of value.

mod reader;

use std::ops::Range;

use reader::Parser;

/// A documented response.
#[derive(Debug, Clone, Default)]
pub struct Documented {
    /// The status line and headers before the body.
    pub head: Option<Head>,
    /// The body; nothing when the fence has none.
    pub body: Option<Node>,
}

/// `HTTP/1.1 201 Created` and what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// From the status to the end of its reason, in the fence's content.
    pub span: Range<usize>,
}

/// A value and where it stands in the fence's content.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What is written there.
    pub kind: Kind,
    /// From its first byte to its last.
    pub span: Range<usize>,
}

/// What a documented value says.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `null`, `true`, a number or a string, which must be met exactly.
    Exact(serde_json::Value),
    /// A value that is only described.
    Described(Marker),
    /// An array and its items.
    Array(Vec<Item>),
    /// An object.
    Object {
        /// The members in the order of the page.
        members: Vec<Member>,
        /// Whether further members are allowed: after dots, and without braces.
        elided: bool,
        /// Whether the braces are missing on the page.
        bare: bool,
    },
}

/// An item of an array, or the place where items are left out.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A documented item.
    Value(Node),
    /// `...`
    Elided(Range<usize>),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The key, unescaped.
    pub key: String,
    /// Where the key stands, quotes included.
    pub key_span: Range<usize>,
    /// Its value.
    pub value: Node,
}

/// A kind of value that stands for many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// Anything at all.
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

/// The words between angle brackets and what they stand for.
pub const MARKERS: &[(&str, Marker)] = &[
    ("any", Marker::Any),
    ("string", Marker::Text),
    ("number", Marker::Number),
    ("integer", Marker::Integer),
    ("boolean", Marker::Boolean),
    ("uuid", Marker::Uuid),
    ("date-time", Marker::DateTime),
    ("date", Marker::Date),
];

/// Where a documented response cannot be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The place in the fence's content.
    pub at: usize,
    /// A sentence without a full stop.
    pub text: String,
}

/// Whether text could be a documented response: it begins as JSON, as members
/// without braces, or with a status line.
#[must_use]
pub fn looks_like_response(content: &str) -> bool {
    let text = content.trim_start();
    if text.starts_with(['{', '[']) || text.starts_with("HTTP/") || text.starts_with("< HTTP/") {
        return !text.starts_with("{{") && !is_template_url(text);
    }
    let bare =
        text.starts_with('"') && text[1..].find('"').is_some_and(|at| text[at + 2..].trim_start().starts_with(':'));
    bare || (text.starts_with(['/', '#']) && {
        let mut parser = Parser::new(content, 0);
        parser.space();
        parser.rest().starts_with(['{', '['])
    })
}

/// `{server_url}/users` begins like an object and is none.
fn is_template_url(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.starts_with('{')
        && first.contains('}')
        && !first.contains(['"', ':'])
        && first.trim() != "{}"
        && !first.contains("...")
        && !first.contains('…')
}

/// Reads a documented response.
///
/// # Errors
/// The place where the text stops being JSON, however leniently read.
pub fn parse(content: &str) -> Result<Documented, Trouble> {
    let (head, start) = head(content);
    let mut parser = Parser::new(content, start);
    let mut documented = Documented { head, body: None };
    parser.space();
    if parser.rest().is_empty() {
        return Ok(documented);
    }
    let bare = parser.rest().starts_with('"') && parser.member_ahead();
    let node = if bare { parser.object(true)? } else { parser.value()? };
    parser.space();
    // A loose comma or dots after the value say that more was there.
    while parser.eat(',') || parser.dots() {
        parser.space();
    }
    if !parser.rest().is_empty() {
        return Err(parser.trouble("this text follows the JSON"));
    }
    documented.body = Some(node);
    Ok(documented)
}

/// The status line, the headers after it, and where the body begins. `curl -v`
/// marks the lines it received with `<` and its own with `*` and `>`.
fn head(content: &str) -> (Option<Head>, usize) {
    let mut at = 0;
    let mut found: Option<Head> = None;
    for line in content.split_inclusive('\n') {
        let trimmed = line.trim();
        let plain = trimmed.strip_prefix("< ").unwrap_or(trimmed);
        let start = at;
        at += line.len();
        if let Some(rest) = plain.strip_prefix("HTTP/") {
            let words = rest.split_once(' ').map_or("", |(_, words)| words.trim());
            let status = words.split_whitespace().next().and_then(|word| word.parse().ok());
            if let (Some(status), Some(offset)) = (status, line.find(words)) {
                found = Some(Head { status, span: start + offset..start + offset + words.len() });
            }
            continue;
        }
        let verbose = trimmed.starts_with("* ")
            || trimmed.starts_with("> ")
            || trimmed.starts_with('<')
            || trimmed == ">"
            || trimmed == "*";
        let header = found.is_some() && is_header(plain);
        if !(verbose || header || (trimmed.is_empty())) {
            return (found, start);
        }
    }
    (found, at)
}

fn is_header(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

impl Node {
    /// The value as plain JSON; what is elided or described appears as text.
    #[must_use]
    pub fn to_value(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.kind {
            Kind::Exact(value) => value.clone(),
            Kind::Described(marker) => {
                let word = MARKERS.iter().find(|(_, known)| known == marker).map_or("any", |(word, _)| word);
                Value::String(format!("<{word}>"))
            }
            Kind::Array(items) => items
                .iter()
                .map(|item| match item {
                    Item::Value(node) => node.to_value(),
                    Item::Elided(_) => Value::String("...".to_owned()),
                })
                .collect(),
            Kind::Object { members, elided, bare } => {
                let mut object: serde_json::Map<String, Value> =
                    members.iter().map(|member| (member.key.clone(), member.value.to_value())).collect();
                if *elided && !bare {
                    object.insert("...".to_owned(), Value::String("...".to_owned()));
                }
                Value::Object(object)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::reader::is_dots;
    use super::*;

    #[test]
    fn json_as_writers_write_it() {
        let rows = [
            ("{\"a\": 1}", json!({"a": 1})),
            ("\n{\"a\": 1,}\n", json!({"a": 1})),
            ("[1, 2, ...]", json!([1, 2, "..."])),
            ("[\n  {\"id\": 1},\n  ...\n]", json!([{"id": 1}, "..."])),
            ("[\n  {\"id\": 1},\n  …", json!([{"id": 1}, "..."])),
            ("[{\"id\": 1, ...", json!([{"id": 1, "...": "..."}])),
            ("[{\"id\": 1}, \"...\"]", json!([{"id": 1}, "..."])),
            ("{\"a\": 1, ...}", json!({"a": 1, "...": "..."})),
            ("{\n  \"a\": 1\n  ...\n}", json!({"a": 1, "...": "..."})),
            ("{\"a\": [...]}", json!({"a": ["..."]})),
            ("{ ... }", json!({"...": "..."})),
            ("[{\"id\": 1}\n  // ... more users\n]", json!([{"id": 1}, "..."])),
            ("{\"a\": 1 // one\n, /* two */ \"b\": 2}", json!({"a": 1, "b": 2})),
            ("\"a\": 1,\n\"b\": {\"c\": null},", json!({"a": 1, "b": {"c": null}})),
            ("{\"a\": \"<uuid>\", \"b\": <any>, \"c\": ...}", json!({"a": "<uuid>", "b": "<any>", "c": "<any>"})),
            ("{\"a\": {id}}", json!({"a": "<any>"})),
            ("{\"a\": \"<b>\"}", json!({"a": "<b>"})),
            ("{}", json!({})),
            ("[]", json!([])),
            ("true", json!(true)),
            ("{\"a\": 1}\n...", json!({"a": 1})),
            ("[{\"id\": 1}, ... more items ..., {\"id\": 9}]", json!([{"id": 1}, "...", {"id": 9}])),
        ];
        for (text, expected) in rows {
            let documented = parse(text).unwrap_or_else(|trouble| panic!("{text}: {trouble:?}"));
            assert_eq!(documented.body.unwrap().to_value(), expected, "{text}");
        }
    }

    #[test]
    fn heads() {
        let rows = [
            ("HTTP/1.1 201 Created\nContent-Type: a\n\n{\"a\": 1}", Some((201, "201 Created")), true),
            ("HTTP/1.1 204 No Content\n", Some((204, "204 No Content")), false),
            ("< HTTP/1.1 200 OK\r\n< A: b\r\n<\r\n{}", Some((200, "200 OK")), true),
            ("* Connected\n> GET / HTTP/1.1\n>\n< HTTP/1.1 404 Not Found\n<\n{}", Some((404, "404 Not Found")), true),
            ("{\"a\": 1}", None, true),
        ];
        for (text, head, body) in rows {
            let documented = parse(text).unwrap_or_else(|trouble| panic!("{text}: {trouble:?}"));
            let seen = documented.head.map(|head| (head.status, text[head.span].to_owned()));
            assert_eq!(seen, head.map(|(status, words)| (status, words.to_owned())), "{text}");
            assert_eq!(documented.body.is_some(), body, "{text}");
        }
    }

    #[test]
    fn what_is_broken_is_pointed_at() {
        let rows = [
            ("{\"a\": 1 \"b\": 2}", 8, "comma"),
            ("{\"a\" 1}", 5, "colon"),
            ("{\"a\": 1", 0, "never closed"),
            ("[1", 0, "never closed"),
            ("{\"a\": yes}", 6, "`yes`"),
            ("{a: 1}", 1, "double quotes"),
            ("{\"a\": “x”}", 6, "straight"),
            ("{\"a\": \"x}", 6, "not closed"),
            ("{} trailing", 3, "follows"),
        ];
        for (text, at, reason) in rows {
            let trouble = parse(text).unwrap_err();
            assert!(trouble.text.contains(reason) && trouble.at == at, "{text}: {trouble:?}");
        }
    }

    #[test]
    fn what_could_be_a_response() {
        let yes = ["{}", " [1]", "\"a\": 1", "HTTP/1.1 200 OK", "{ ... }", "// note\n{}", "{\n \"a\": 1\n}"];
        let no = ["{server_url}/users", "{{base}}/users", "hello", "\"text\"", "git branch", "", "<p>"];
        for text in yes {
            assert!(looks_like_response(text), "{text}");
        }
        for text in no {
            assert!(!looks_like_response(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn real_json_is_read_as_it_is(keys in prop::collection::vec("[a-z]{1,4}", 0..4), number in any::<i64>(), text in "\\PC{0,12}") {
            prop_assume!(!is_dots(&text) && !text.starts_with('<'));
            let mut object = serde_json::Map::new();
            for key in keys {
                object.insert(key, json!([number, text, null, {"deep": [true]}]));
            }
            let value = serde_json::Value::Object(object);
            for written in [value.to_string(), format!("{value:#}")] {
                let read = parse(&written).map_err(|why| TestCaseError::fail(format!("{why:?}")))?;
                prop_assert_eq!(read.body.unwrap().to_value(), value.clone());
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "[\\PC\\n]{0,60}") {
            let _ = (parse(&text), looks_like_response(&text));
        }
    }
}
