//! Documented responses: JSON as writers write it, parsed into a tree with byte ranges.
//!
//! `...` and `…` stand for anything further; after one, closing brackets may be missing. Comments, trailing commas and
//! members without braces are accepted, and `"<any>"`, `"<string>"` and the like match values of a type.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::node::{Item, Kind, MATCHERS, Matcher, Member, Node, is_dots};
use super::text::is_one_of;
use super::transcript::{Head, head};

/// A documented response.
#[derive(Debug, Clone, Default)]
pub struct Documented {
    /// The status line and headers before the body.
    pub head: Option<Head>,
    /// The body, if it is JSON.
    pub body: Option<Node>,
    /// The range of a body below a status line that is not JSON.
    pub text: Option<Range<usize>>,
    /// A mistake that does not prevent reading: a missing closing bracket, or a missing comma at the end of a line.
    pub missing: Option<SyntaxError>,
}

/// A syntax error in a documented response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The offset in the block's content.
    pub at: usize,
    /// What is wrong.
    pub text: String,
}

impl SyntaxError {
    fn new(at: usize, text: impl Into<String>) -> SyntaxError {
        let text = text.into();
        SyntaxError { at, text }
    }
}

/// Parses a documented response.
pub fn parse(content: &str) -> Result<Documented, SyntaxError> {
    parse_literals(content, false)
}

/// Parses a documented response, which may be as a program prints it: `{ id: 1, name: 'Ada' }`, `{'id': 1}`.
pub fn parse_literals(content: &str, printed: bool) -> Result<Documented, SyntaxError> {
    let (head, start) = head(content);
    let mut parser = Parser {
        printed,
        ..Parser::new(content, start)
    };
    let mut documented = Documented {
        head,
        ..Documented::default()
    };
    parser.space();
    if parser.rest().is_empty() || (documented.head.is_some() && is_dots(parser.rest().trim())) {
        return Ok(documented);
    }
    if documented.head.is_some() && !parser.rest().starts_with(['{', '[', '"', '.', '…']) {
        documented.text = Some(parser.at..content.trim_end().len());
        return Ok(documented);
    }
    documented.body = Some(parser.excerpt()?);
    documented.missing = parser.unclosed.take().or(parser.no_comma.take());
    // Headers, the next prompt or other words may be shown below the body, but no more JSON; beside it a remark such as
    // "(status 201)".
    let is_below = parser.is_at_line_start();
    let rest = parser.rest().trim_end();
    let is_remark = rest.starts_with('(') && rest.ends_with(')') && !rest.contains('\n')
        // A program ends with `;`, and a shell marks the missing end of a line with `%`.
        || matches!(rest, ";" | "%" | "⏎")
        // `curl -v` writes on behind a body without an end of line.
        || rest.starts_with("* Connection #")
        || rest.starts_with("* Closing connection");
    if rest.starts_with(is_json) || !(is_below || is_remark || rest.is_empty()) {
        return Err(parser.error("unexpected text after the JSON"));
    }
    Ok(documented)
}

/// Parses values one after another from an offset on, as jq prints them; true if it is one. More of them are the items of
/// an array.
pub fn values(content: &str, start: usize) -> Result<(Documented, bool), SyntaxError> {
    let mut parser = Parser::new(content, start);
    let mut items = Vec::new();
    let mut end = start;
    loop {
        if parser.space() {
            items.push(Item::Elided(parser.at..parser.at));
        }
        let from = parser.at;
        if parser.rest().is_empty() {
            break;
        }
        let is_line = parser.is_at_line_start();
        if parser.rest().starts_with(['.', '…']) && parser.dots() {
            items.push(Item::Elided(from..parser.at));
        } else if !parser.eat(',') {
            match parser.value_or_members() {
                Ok(value) => items.push(Item::Value(value)),
                // Words may be below.
                Err(_) if is_line && !items.is_empty() && !parser.rest().starts_with(is_json) => {
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        end = parser.at;
    }
    let first = items.iter().find_map(Item::node);
    let start = first.map_or(start, |first| first.span.start);
    let (body, is_one) = match items.as_slice() {
        [] => return Err(parser.error("a value is missing")),
        [Item::Value(only)] => (only.clone(), true),
        _ => {
            let kind = Kind::Array(items);
            let span = start..end;
            (Node { kind, span }, false)
        }
    };
    let documented = Documented {
        body: Some(body),
        missing: parser.unclosed.take().or(parser.no_comma.take()),
        ..Documented::default()
    };
    Ok((documented, is_one))
}

/// Whether a character is a part of JSON outside of strings and literals.
fn is_json(letter: char) -> bool {
    matches!(letter, '{' | '}' | '[' | ']' | ',' | ':' | '"')
}

/// The length of the array or object that a text begins with.
pub fn value_end(text: &str) -> Option<usize> {
    end_of_value(Parser::new(text, 0))
}

/// The length of the array or object that a text begins with, as a program prints it.
pub fn printed_end(text: &str) -> Option<usize> {
    end_of_value(Parser::printed(text))
}

fn end_of_value(mut parser: Parser<'_>) -> Option<usize> {
    let node = parser.value().ok()?;
    let has_brackets = matches!(node.kind, Kind::Array(_) | Kind::Object { .. });
    (has_brackets && parser.unclosed.is_none()).then_some(node.span.end)
}

/// The literal of a program that a text begins with, and its length. Placeholders are not literals.
pub fn literal(text: &str) -> Option<(serde_json::Value, usize)> {
    fn is_exact(node: &Node) -> bool {
        match &node.kind {
            Kind::Exact(_) => true,
            Kind::Match(_) => false,
            Kind::Array(items) => items.iter().all(|item| item.node().is_some_and(is_exact)),
            Kind::Object {
                members, elided, ..
            } => !elided && members.iter().all(|member| is_exact(&member.value)),
        }
    }
    let mut parser = Parser::printed(text);
    let node = parser.value().ok()?;
    let is_whole = parser.unclosed.is_none() && parser.no_comma.is_none() && is_exact(&node);
    is_whole.then(|| (node.to_value(), parser.at))
}

/// Where the object or array that a text begins with lacks the comma at the end of a line.
pub fn missing_comma(text: &str) -> Option<usize> {
    let mut parser = Parser::printed(text);
    parser.value().ok()?;
    parser.no_comma.map(|error| error.at)
}

/// A recursive descent parser.
#[derive(Default)]
struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Whether there was an elision; then closing brackets may be missing.
    elided: bool,
    /// The innermost bracket that is still open at the end.
    unclosed: Option<SyntaxError>,
    /// Whether the last object ends without its bracket, after `...`.
    is_cut: bool,
    /// The first line that lacks the comma at its end.
    no_comma: Option<SyntaxError>,
    /// Whether it is as a program writes it: keys need no quotes, strings may have single ones, and Python's words are
    /// values.
    printed: bool,
    /// The number of brackets that are open.
    depth: u8,
}

/// The brackets that may be open, as many as serde_json reads.
const MAX_DEPTH: u8 = 128;

impl<'a> Parser<'a> {
    fn new(text: &'a str, at: usize) -> Self {
        Parser {
            text,
            at,
            ..Parser::default()
        }
    }

    /// For a text that a program prints.
    fn printed(text: &'a str) -> Self {
        Parser {
            printed: true,
            ..Parser::new(text, 0)
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error(&self, text: impl Into<String>) -> SyntaxError {
        SyntaxError::new(self.at, text)
    }

    /// Whether only spaces are before it in a further line.
    fn is_at_line_start(&self) -> bool {
        let above = self.text[..self.at].trim_end_matches([' ', '\t']);
        above.ends_with('\n')
    }

    /// Skips white space and comments; true if a comment begins with dots, which is an elision.
    fn space(&mut self) -> bool {
        // The number of a remark below the block, or a remark: `<1>`, `<-- in euros`.
        static CALLOUT: LazyLock<Regex> = regex!(r"^(?:<\d+>|<-[^\n]*|←[^\n]*)");
        let mut dots = false;
        loop {
            let trimmed = self
                .rest()
                .trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            self.at = self.text.len() - trimmed.len();
            let (comment, length) = if trimmed.starts_with("//") || trimmed.starts_with('#') {
                let line = trimmed.lines().next().unwrap_or_default();
                (line.trim_start_matches(['/', '#']), line.len())
            } else if let Some(remark) = CALLOUT.find(trimmed) {
                (remark.as_str(), remark.len())
            } else if let Some(inner) = trimmed.strip_prefix("/*") {
                match inner.find("*/") {
                    Some(end) => (&inner[..end], end + 4),
                    None => (inner, trimmed.len()),
                }
            } else {
                return dots;
            };
            let before = self.text[..self.at].rsplit('\n').next().unwrap_or_default();
            dots |= is_elision(comment.trim(), before.trim().is_empty());
            self.at += length;
        }
    }

    fn eat(&mut self, letter: char) -> bool {
        let yes = self.rest().starts_with(letter);
        if yes {
            self.at += letter.len_utf8();
        }
        yes
    }

    /// Consumes `...` or `…` and words after it, such as `... more`.
    fn dots(&mut self) -> bool {
        let rest = self.rest();
        for marks in ["[...]", "(...)", "[…]", "(…)"] {
            if rest.starts_with(marks) {
                self.at += marks.len();
                self.elided = true;
                return true;
            }
        }
        let after = match rest.strip_prefix('…') {
            Some(after) => after,
            None if rest.starts_with("..") => rest.trim_start_matches('.'),
            None => return false,
        };
        self.at += rest.len() - after.len();
        self.elided = true;
        let line = after.lines().next().unwrap_or_default();
        let words = line
            .find(['{', '}', '[', ']', '"', ','])
            .map_or(line, |end| &line[..end]);
        self.at += words.len();
        true
    }

    /// The body: a value, or several items of an array without its brackets. `...` may surround them.
    fn excerpt(&mut self) -> Result<Node, SyntaxError> {
        let start = self.at;
        let mut items = Vec::new();
        loop {
            let from = self.at;
            if self.rest().starts_with(['.', '…']) && self.dots() {
                items.push(Item::Elided(from..self.at));
            } else if !self.eat(',') {
                items.push(Item::Value(self.value_or_members()?));
            }
            let end = self.at;
            self.space();
            let separated = matches!(self.text[..end].chars().last(), Some(',' | '.' | '…'));
            let rest = self.rest();
            if rest.starts_with([',', '.', '…']) || separated && rest.starts_with('{') {
                continue;
            }
            let mut values = items.iter().filter_map(Item::node);
            match (values.next(), values.next()) {
                (Some(only), None) => return Ok(only.clone()),
                (None, _) => return Err(self.error("a value is missing")),
                _ => {}
            }
            let kind = Kind::Array(items);
            let span = start..end;
            return Ok(Node { kind, span });
        }
    }

    /// A value, or the members of an object without its braces.
    fn value_or_members(&mut self) -> Result<Node, SyntaxError> {
        let mut ahead = Parser::new(self.text, self.at);
        if self.rest().starts_with('"') && ahead.string().is_ok() {
            ahead.space();
            if ahead.rest().starts_with(':') {
                return self.object(true);
            }
        }
        self.value()
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Node, SyntaxError>,
    ) -> Result<Node, SyntaxError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.depth += 1;
        let node = read(self);
        self.depth -= 1;
        node
    }

    fn value(&mut self) -> Result<Node, SyntaxError> {
        let start = self.at;
        let kind = match self.rest().chars().next() {
            Some('{') if let Some(end) = self.placeholder() => {
                self.at = end;
                Kind::Match(Matcher::Any)
            }
            Some('{') => return self.nested(|parser| parser.object(false)),
            Some('[') => return self.nested(Self::array),
            Some('"') => string_kind(self.string()?),
            Some('\'' | '`') if self.printed => string_kind(self.string()?),
            Some('<') => match self.rest().find('>') {
                Some(length) => {
                    let matcher = matcher(&self.rest()[1..length]);
                    self.at += length + 1;
                    Kind::Match(matcher)
                }
                None => return Err(self.error("expected a value")),
            },
            Some('.' | '…') if self.dots() => Kind::Match(Matcher::Any),
            Some('\'' | '\u{2018}' | '\u{201c}' | '\u{201d}') => {
                return Err(self.error("strings need straight double quotes"));
            }
            Some(_) => self.word()?,
            None => return Err(self.error("a value is missing at the end")),
        };
        let span = start..self.at;
        Ok(Node { kind, span })
    }

    /// The end of a placeholder such as `{id}`.
    fn placeholder(&self) -> Option<usize> {
        let rest = self.rest();
        let end = rest.find('}')?;
        is_name(rest[1..end].trim()).then_some(self.at + end + 1)
    }

    fn word(&mut self) -> Result<Kind, SyntaxError> {
        let rest = self.rest();
        let ends =
            |c: char| c.is_whitespace() || ",]}:/#".contains(c) || self.printed && ");".contains(c);
        let end = rest.find(ends).unwrap_or(rest.len());
        let word = &rest[..end];
        let json = match word {
            "True" if self.printed => "true",
            "False" if self.printed => "false",
            "None" if self.printed => "null",
            word => word,
        };
        match serde_json::from_str(json) {
            Ok(value) => {
                self.at += end;
                Ok(Kind::Exact(value))
            }
            Err(_) if word.is_empty() => {
                let found = rest.chars().next().map(String::from).unwrap_or_default();
                Err(self.error(format!("expected a value, found `{found}`")))
            }
            Err(_) => Err(self.error(format!("`{word}` is not a JSON value"))),
        }
    }

    /// The length of a name.
    fn identifier(&self) -> usize {
        let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
        let rest = self.rest();
        rest.find(|letter| !is_part(letter)).unwrap_or(rest.len())
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let quote = bytes.get(start).copied();
        let mut at = start + 1;
        loop {
            match bytes.get(at) {
                byte if byte == quote.as_ref() => break,
                Some(b'\\') => at += 2,
                Some(b'\n') | None => {
                    let text = "this string is not closed on the same line";
                    return Err(SyntaxError::new(start, text));
                }
                Some(_) => at += 1,
            }
        }
        let raw = self.text.get(start..=at).unwrap_or_default();
        self.at = at + 1;
        let inner = |quote: char| raw.strip_prefix(quote)?.strip_suffix(quote);
        // A template with names in it has no value.
        let template = || inner('`').filter(|text| !text.contains("${"));
        let json = match inner('\'').or_else(template) {
            Some(inner) => {
                let inner = inner.replace("\\'", "'").replace('"', "\\\"");
                Cow::Owned(format!("\"{inner}\""))
            }
            None => Cow::Borrowed(raw),
        };
        serde_json::from_str(&json)
            .map_err(|_| SyntaxError::new(start, "this string has an invalid escape"))
    }

    /// Notes a bracket that is open at the end, unless there was an elision.
    fn ends_open(&mut self, start: usize, bracket: char) {
        if !self.elided {
            let text = format!("this `{bracket}` is never closed");
            self.unclosed.get_or_insert(SyntaxError::new(start, text));
        }
    }

    /// Notes that a line lacks the comma at its end, as it does where a page adds a member by hand.
    fn lacks_comma(&mut self, end: usize) -> Result<(), SyntaxError> {
        if !self.text[end..self.at].contains('\n') {
            return Err(self.error("a comma is missing here"));
        }
        let error = SyntaxError::new(end - 1, "a comma is missing after this");
        self.no_comma.get_or_insert(error);
        Ok(())
    }

    fn array(&mut self) -> Result<Node, SyntaxError> {
        let start = self.at;
        self.at += 1;
        let mut items = Vec::new();
        let mut expect_comma = false;
        loop {
            let before = self.at;
            if self.space() {
                self.elided = true;
                items.push(Item::Elided(before..self.at));
            }
            let from = self.at;
            if self.eat(']') {
                break;
            }
            if self.rest().is_empty() {
                self.ends_open(start, '[');
                break;
            }
            if self.eat(',') {
                expect_comma = false;
                continue;
            }
            if !self.rest().starts_with('[') && self.dots() {
                items.push(Item::Elided(from..self.at));
                expect_comma = false;
                continue;
            }
            if expect_comma && let Some(Item::Value(last)) = items.last() {
                self.lacks_comma(last.span.end)?;
            }
            if self.elided && self.rest().starts_with('}') {
                break;
            }
            let node = self.value()?;
            items.push(match &node.kind {
                Kind::Match(Matcher::Any) if is_dots(&self.text[node.span.clone()]) => {
                    self.elided = true;
                    Item::Elided(node.span.clone())
                }
                _ => Item::Value(node),
            });
            // The object ends in `...` without its brace, so items after it are left out, too.
            if std::mem::take(&mut self.is_cut) {
                items.push(Item::Elided(self.at..self.at));
            }
            expect_comma = true;
        }
        let kind = Kind::Array(items);
        let span = start..self.at;
        Ok(Node { kind, span })
    }

    /// A member of an object; `others` are those above it.
    fn member(&mut self, others: &[Member]) -> Result<Member, SyntaxError> {
        let start = self.at;
        let key = match self.rest().chars().next() {
            Some('"') => self.string()?,
            Some('\'') if self.printed => self.string()?,
            _ if self.printed && self.identifier() > 0 => {
                self.at += self.identifier();
                self.text[start..self.at].to_owned()
            }
            _ => return Err(self.error("expected a key in double quotes")),
        };
        let key_span = start..self.at;
        if others.iter().any(|other| other.key == key) && !is_dots(&key) {
            return Err(SyntaxError::new(start, format!("duplicate key `{key}`")));
        }
        self.space();
        if !self.eat(':') {
            return Err(self.error("a colon is missing after this key"));
        }
        self.space();
        Ok(Member {
            key,
            key_span,
            value: self.value()?,
        })
    }

    /// The members of an object, without its braces if it is `bare`.
    fn object(&mut self, bare: bool) -> Result<Node, SyntaxError> {
        let start = self.at;
        if !bare {
            self.at += 1;
        }
        let mut members: Vec<Member> = Vec::new();
        let mut elided = false;
        let mut expect_comma = false;
        let mut end = self.at;
        loop {
            if self.space() {
                elided = true;
                self.elided = true;
            }
            if !bare && self.eat('}') {
                end = self.at;
                // A comment alone stands for the members: `{ /* the user */ }`.
                let inside = self.text[start + 1..end - 1].trim();
                elided |= members.is_empty() && !inside.is_empty();
                break;
            }
            if self.rest().is_empty() {
                if !bare {
                    end = self.at;
                    self.ends_open(start, '{');
                }
                break;
            }
            if self.eat(',') {
                expect_comma = false;
                continue;
            }
            if self.dots() {
                elided = true;
                expect_comma = false;
                end = self.at;
                continue;
            }
            if self.elided && self.rest().starts_with(']') {
                end = self.at;
                self.is_cut = true;
                break;
            }
            if expect_comma {
                self.lacks_comma(end)?;
            }
            let member = self.member(&members)?;
            end = self.at;
            expect_comma = true;
            if is_dots(&member.key) {
                elided = true;
                self.elided = true;
            } else {
                members.push(member);
            }
        }
        let kind = Kind::Object {
            members,
            elided: elided || bare,
            bare,
        };
        let span = start..end;
        Ok(Node { kind, span })
    }
}

/// Whether a comment stands for what is left out: `// ...`, or `// more users` on a line of its own.
fn is_elision(comment: &str, own_line: bool) -> bool {
    const MORE: &str = "more other others additional further remaining rest etc and the";
    let mut words = comment
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !word.bytes().all(|byte| byte.is_ascii_digit()));
    let first = words.next().unwrap_or_default().to_lowercase();
    let begins = match first.as_str() {
        // "and so on", "the rest", "the other users"
        "and" | "the" => words
            .next()
            .is_some_and(|word| word == "so" || is_one_of(word, MORE)),
        // "one more", "three more users"
        "one" | "two" | "three" | "four" | "five" => words.next() == Some("more"),
        first => is_one_of(first, MORE),
    };
    comment.starts_with("...") || comment.starts_with('…') || (own_line && begins)
}

/// Whether a text in brackets may be the name of what is meant: `{user id}`, `<string>`.
fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || " _-".contains(c);
    text.starts_with(char::is_alphabetic) && text.chars().all(is_part)
}

fn string_kind(text: String) -> Kind {
    if is_dots(&text) {
        return Kind::Match(Matcher::Any);
    }
    let inner = text.strip_prefix('<');
    let inner = inner.and_then(|rest| rest.strip_suffix('>'));
    match inner {
        Some(name) if is_name(name) && name.len() > 1 => Kind::Match(matcher(name)),
        _ => Kind::Exact(serde_json::Value::String(text)),
    }
}

/// The matcher with a name; other names stand for any value.
fn matcher(name: &str) -> Matcher {
    let name = name.trim().to_ascii_lowercase();
    let known = MATCHERS.iter().find(|(word, _)| *word == name);
    known.map_or(Matcher::Any, |(_, matcher)| *matcher)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

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
            ("{\"a\": 1, [...]}", json!({"a": 1, "...": "..."})),
            (
                "[{\"id\": 1}\n  // ... more users\n]",
                json!([{"id": 1}, "..."]),
            ),
            (
                "[{\"id\": 1},\n  // 3 more users\n  /* and so on */\n]",
                json!([{"id": 1}, "..."]),
            ),
            (
                "[{\"id\": 1}, // more or less\n  // the first user\n]",
                json!([{"id": 1}]),
            ),
            (
                "{\"a\": 1 // one\n, /* two */ \"b\": 2}",
                json!({"a": 1, "b": 2}),
            ),
            (
                "\"a\": 1,\n\"b\": {\"c\": null},",
                json!({"a": 1, "b": {"c": null}}),
            ),
            (
                "{\"a\": \"<uuid>\", \"b\": <any>, \"c\": ...}",
                json!({"a": "<uuid>", "b": "<any>", "c": "<any>"}),
            ),
            ("{\"a\": {id}}", json!({"a": "<any>"})),
            ("{\"a\": \"<b>\"}", json!({"a": "<b>"})),
            ("{}", json!({})),
            ("[]", json!([])),
            ("true", json!(true)),
            ("{\"a\": 1}\n...", json!({"a": 1})),
            ("...\n{\"a\": 1}\n...", json!({"a": 1})),
            (
                "...\n{\"a\": 1},\n{\"a\": 2},\n...",
                json!(["...", {"a": 1}, {"a": 2}, "..."]),
            ),
            ("{\"a\": 1},\n{\"a\": 2}", json!([{"a": 1}, {"a": 2}])),
            ("[1]\n\nHeaders:\nX-Total-Count: 1", json!([1])),
            (
                "Content-Type: application/json\n\n{\"a\": 1}",
                json!({"a": 1}),
            ),
            (
                "HTTP/1.1 200 OK\n\n[1]\n* Connection #0 left intact",
                json!([1]),
            ),
            (
                "[{\"id\": 1}, ... more items ..., {\"id\": 9}]",
                json!([{"id": 1}, "...", {"id": 9}]),
            ),
        ];
        for (text, expected) in rows {
            let documented = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            assert_eq!(documented.body.unwrap().to_value(), expected, "{text}");
        }
    }

    #[test]
    fn heads() {
        let rows = [
            (
                "HTTP/1.1 201 Created\nContent-Type: a\n\n{\"a\": 1}",
                Some((201, "201 Created")),
                true,
            ),
            (
                "HTTP/1.1 204 No Content\n",
                Some((204, "204 No Content")),
                false,
            ),
            (
                "< HTTP/1.1 200 OK\r\n< A: b\r\n<\r\n{}",
                Some((200, "200 OK")),
                true,
            ),
            (
                "* Connected\n> GET / HTTP/1.1\n>\n< HTTP/1.1 404 Not Found\n<\n{}",
                Some((404, "404 Not Found")),
                true,
            ),
            ("{\"a\": 1}", None, true),
            (
                "HTTP/1.1 404 Not Found\nContent-Type: text/plain\n\nnot found",
                Some((404, "404 Not Found")),
                false,
            ),
        ];
        for (text, head, body) in rows {
            let documented = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            let seen = documented
                .head
                .map(|head| (head.status, text[head.span].to_owned()));
            assert_eq!(
                seen,
                head.map(|(status, words)| (status, words.to_owned())),
                "{text}"
            );
            assert_eq!(documented.body.is_some(), body, "{text}");
        }
    }

    #[test]
    fn closing_brackets_may_be_missing_at_the_end() {
        let rows = [
            ("{\"a\": 1", Some(0), json!({"a": 1})),
            ("[{\"a\": [1", Some(6 + 1), json!([{"a": [1]}])),
            ("[{\"a\": 1},", Some(0), json!([{"a": 1}])),
            ("[1, ...", None, json!([1, "..."])),
        ];
        for (text, at, body) in rows {
            let read = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            assert_eq!(read.missing.map(|error| error.at), at, "{text}");
            assert_eq!(read.body.unwrap().to_value(), body, "{text}");
            assert_eq!(value_end(text).is_some(), at.is_none(), "{text}");
        }
    }

    #[test]
    fn a_comma_may_be_missing_at_the_end_of_a_line() {
        let read = parse("{\n  \"a\": 1\n  \"b\": 2\n}").unwrap();
        assert_eq!(read.missing.map(|error| error.at), Some(9));
        assert_eq!(read.body.unwrap().to_value(), json!({"a": 1, "b": 2}));
        assert!(value_end("[\n  1\n  2\n]").is_some());
    }

    #[test]
    fn syntax_errors_have_positions() {
        let rows = [
            ("{\"a\": 1 \"b\": 2}", 8, "comma"),
            ("{\"a\" 1}", 5, "colon"),
            ("{\"a\": ", 6, "missing at the end"),
            ("{\"a\": yes}", 6, "`yes`"),
            ("{a: 1}", 1, "double quotes"),
            ("{\"a\": “x”}", 6, "straight"),
            ("{\"a\": \"x}", 6, "not closed"),
            ("{} trailing", 3, "unexpected"),
        ];
        for (text, at, reason) in rows {
            let error = parse(text).unwrap_err();
            assert!(
                error.text.contains(reason) && error.at == at,
                "{text}: {error:?}"
            );
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
            let _ = (parse(&text), crate::transcript::looks_like_response(&text));
        }
    }
}
