//! The reader of lenient JSON: one step for each thing that writers write.

use super::{Item, Kind, MARKERS, Marker, Member, Node, Trouble};

/// Reads on from an offset.
pub(super) struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Whether something was left out: then brackets may stay open.
    elided: bool,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Parser { text, at, elided: false }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn trouble(&self, text: impl Into<String>) -> Trouble {
        Trouble { at: self.at, text: text.into() }
    }

    /// Passes white space and comments. A comment of nothing but dots is an elision.
    pub(super) fn space(&mut self) -> bool {
        let mut dots = false;
        loop {
            let trimmed = self.rest().trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            self.at = self.text.len() - trimmed.len();
            let (comment, length) = if trimmed.starts_with("//") || trimmed.starts_with('#') {
                let line = trimmed.lines().next().unwrap_or_default();
                (line.trim_start_matches(['/', '#']), line.len())
            } else if let Some(inner) = trimmed.strip_prefix("/*") {
                match inner.find("*/") {
                    Some(end) => (&inner[..end], end + 4),
                    None => (inner, trimmed.len()),
                }
            } else {
                return dots;
            };
            let said = comment.trim();
            dots |= said.starts_with("...") || said.starts_with('…');
            self.at += length;
        }
    }

    pub(super) fn eat(&mut self, letter: char) -> bool {
        let yes = self.rest().starts_with(letter);
        if yes {
            self.at += letter.len_utf8();
        }
        yes
    }

    /// `...`, `…`, more dots than three, and the words some add: `... more`.
    pub(super) fn dots(&mut self) -> bool {
        let rest = self.rest();
        let after = if rest.starts_with("..") {
            rest.trim_start_matches('.')
        } else if let Some(after) = rest.strip_prefix('…') {
            after
        } else {
            return false;
        };
        self.at += rest.len() - after.len();
        self.elided = true;
        // `... more items ...` and `...etc`: words up to the end of the line.
        let line = after.lines().next().unwrap_or_default();
        let words = line.find(['{', '}', '[', ']', '"', ',']).map_or(line, |end| &line[..end]);
        self.at += words.len();
        true
    }

    pub(super) fn member_ahead(&self) -> bool {
        let mut ahead = Parser::new(self.text, self.at);
        if ahead.string().is_err() {
            return false;
        }
        ahead.space();
        ahead.rest().starts_with(':')
    }

    pub(super) fn value(&mut self) -> Result<Node, Trouble> {
        let start = self.at;
        let kind = match self.rest().chars().next() {
            Some('{') => {
                if let Some(end) = self.hole() {
                    self.at = end;
                    Kind::Described(Marker::Any)
                } else {
                    return self.object(false);
                }
            }
            Some('[') => return self.array(),
            Some('"') => string_kind(self.string()?),
            Some('<') => match self.rest().find('>') {
                Some(length) => {
                    let name = &self.rest()[1..length];
                    let marker = marker(name).unwrap_or(Marker::Any);
                    self.at += length + 1;
                    Kind::Described(marker)
                }
                None => return Err(self.trouble("expected a value")),
            },
            Some('.' | '…') if self.dots() => Kind::Described(Marker::Any),
            Some('\'' | '\u{2018}' | '\u{201c}' | '\u{201d}') => {
                return Err(self.trouble("a string is written with straight double quotes"));
            }
            Some(_) => self.word()?,
            None => return Err(self.trouble("the text ends where a value belongs")),
        };
        Ok(Node { kind, span: start..self.at })
    }

    /// `{id}` where a value belongs.
    fn hole(&self) -> Option<usize> {
        let rest = self.rest();
        let end = rest.find('}')?;
        let inner = rest[1..end].trim();
        let named = inner.starts_with(|c: char| c.is_alphabetic())
            && inner.chars().all(|c| c.is_alphanumeric() || "_- ".contains(c));
        named.then_some(self.at + end + 1)
    }

    fn word(&mut self) -> Result<Kind, Trouble> {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || ",]}:/#".contains(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        match serde_json::from_str(word) {
            Ok(value) => {
                self.at += end;
                Ok(Kind::Exact(value))
            }
            Err(_) if word.is_empty() => {
                let found = rest.chars().next().map(String::from).unwrap_or_default();
                Err(self.trouble(format!("expected a value, found `{found}`")))
            }
            Err(_) => Err(self.trouble(format!("`{word}` is no JSON value"))),
        }
    }

    fn string(&mut self) -> Result<String, Trouble> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut at = start + 1;
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                Some(b'\n') | None => {
                    return Err(Trouble { at: start, text: "this string is not closed on its line".to_owned() });
                }
                Some(_) => at += 1,
            }
        }
        let raw = self.text.get(start..=at).unwrap_or_default();
        self.at = at + 1;
        serde_json::from_str(raw)
            .map_err(|_| Trouble { at: start, text: "this string has an escape that JSON does not know".to_owned() })
    }

    fn array(&mut self) -> Result<Node, Trouble> {
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
                if self.elided {
                    break;
                }
                return Err(Trouble { at: start, text: "this `[` is never closed".to_owned() });
            }
            if self.eat(',') {
                expect_comma = false;
                continue;
            }
            if self.dots() {
                items.push(Item::Elided(from..self.at));
                expect_comma = false;
                continue;
            }
            if expect_comma {
                return Err(self.trouble("a comma is missing here"));
            }
            if matches!(self.rest().as_bytes().first(), Some(b'}')) && self.elided {
                break;
            }
            let node = self.value()?;
            items.push(match &node.kind {
                Kind::Described(Marker::Any) if is_dots(&self.text[node.span.clone()]) => {
                    self.elided = true;
                    Item::Elided(node.span.clone())
                }
                _ => Item::Value(node),
            });
            expect_comma = true;
        }
        Ok(Node { kind: Kind::Array(items), span: start..self.at })
    }

    pub(super) fn object(&mut self, bare: bool) -> Result<Node, Trouble> {
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
                break;
            }
            if self.rest().is_empty() {
                if bare || self.elided {
                    end = if bare { end } else { self.at };
                    break;
                }
                return Err(Trouble { at: start, text: "this `{` is never closed".to_owned() });
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
                break;
            }
            if expect_comma {
                return Err(self.trouble("a comma is missing here"));
            }
            if !self.rest().starts_with('"') {
                return Err(self.trouble("expected a member, which begins with a key in double quotes"));
            }
            let key_start = self.at;
            let key = self.string()?;
            let key_span = key_start..self.at;
            self.space();
            if !self.eat(':') {
                return Err(self.trouble("a colon is missing after this key"));
            }
            self.space();
            let value = self.value()?;
            end = self.at;
            expect_comma = true;
            if is_dots(&key) {
                elided = true;
                self.elided = true;
                continue;
            }
            members.push(Member { key, key_span, value });
        }
        // Members without their braces are an excerpt by their form.
        let elided = elided || bare;
        Ok(Node { kind: Kind::Object { members, elided, bare }, span: start..end })
    }
}

fn string_kind(text: String) -> Kind {
    if is_dots(&text) {
        return Kind::Described(Marker::Any);
    }
    let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    match inner.and_then(marker) {
        Some(marker) => Kind::Described(marker),
        None => Kind::Exact(serde_json::Value::String(text)),
    }
}

fn marker(name: &str) -> Option<Marker> {
    let name = name.trim().to_ascii_lowercase();
    MARKERS.iter().find(|(word, _)| *word == name).map(|(_, marker)| *marker)
}

pub(super) fn is_dots(text: &str) -> bool {
    let text = text.trim_matches('"');
    text == "…" || (text.len() >= 3 && text.bytes().all(|byte| byte == b'.'))
}
