//! Reads literal values in JavaScript and Python: those that are written in a call, and names that are set above it.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

use super::lenient_json;
use super::text::pattern;

/// A part of a call or an object: its name, which may be empty, and where its value begins.
pub type Part = (String, usize);

/// How many names may stand for one another.
const MAX_DEPTH: u8 = 5;

/// Reads a program from an offset on.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    text: &'a str,
    /// What is read next.
    pub at: usize,
    /// Names have the values that they are given above this offset.
    above: usize,
    depth: u8,
    /// Whether what is not literal in a text is kept as it is written.
    is_partial: bool,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str, at: usize, above: usize) -> Reader<'a> {
        Reader {
            text,
            at,
            above,
            depth: 0,
            is_partial: false,
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, mark: &str) -> bool {
        let yes = self.rest().starts_with(mark);
        if yes {
            self.at += mark.len();
        }
        yes
    }

    /// Skips white space and comments.
    fn space(&mut self) {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            let rest = self.rest();
            let end = match rest {
                rest if rest.starts_with("//") || rest.starts_with('#') => rest.find('\n'),
                rest if rest.starts_with("/*") => rest.find("*/").map(|end| end + 2),
                _ => return,
            };
            self.at += end.unwrap_or(rest.len());
        }
    }

    /// Goes to the next comma or closing bracket that is not within brackets or strings.
    fn skip(&mut self) {
        let bytes = self.text.as_bytes();
        let mut open = 0;
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                quote @ (b'"' | b'\'' | b'`') => {
                    self.at += 1;
                    // A quotation mark that is never closed ends with its line.
                    let is_end = |byte: &u8| byte == quote || *byte == b'\n' && *quote != b'`';
                    while let Some(byte) = bytes.get(self.at).filter(|byte| !is_end(byte)) {
                        self.at += if *byte == b'\\' { 2 } else { 1 };
                    }
                }
                b'/' | b'#' => {
                    let start = self.at;
                    self.space();
                    if self.at > start {
                        continue;
                    }
                }
                b'(' | b'[' | b'{' => open += 1,
                b')' | b']' | b'}' | b',' if open == 0 => return,
                b')' | b']' | b'}' => open -= 1,
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.text.len();
    }

    /// The name at this place, which may be empty.
    fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// The arguments of a call after its opening bracket, each with its keyword.
    pub fn arguments(&mut self) -> Option<Vec<Part>> {
        let mut out = Vec::new();
        loop {
            self.space();
            if self.eat(")") {
                return Some(out);
            }
            let mut ahead = *self;
            let keyword = ahead.name();
            ahead.space();
            let is_keyword = ahead.eat("=") && !ahead.rest().starts_with(['=', '>']);
            let keyword = if is_keyword { keyword } else { "" };
            if is_keyword {
                ahead.space();
                self.at = ahead.at;
            }
            out.push((keyword.to_owned(), self.at));
            self.skip();
            if !self.eat(",") && !self.rest().starts_with(')') {
                return None;
            }
        }
    }

    /// The members of the object at an offset, or of the one that a name there stands for.
    pub fn members(&self, at: usize) -> Option<Vec<Part>> {
        let mut reader = Reader { at, ..*self };
        let name = reader.name();
        if !name.is_empty() {
            reader.at = self.set(name)?.0;
        }
        reader.eat("{").then_some(())?;
        let mut out = Vec::new();
        loop {
            reader.space();
            if reader.eat("}") {
                return Some(out);
            }
            let start = reader.at;
            let name = match reader.name() {
                "" => reader.literal()?.as_str()?.to_owned(),
                name => name.to_owned(),
            };
            reader.space();
            // A name alone is a member and its value.
            let is_pair = reader.eat(":");
            reader.space();
            out.push((name, if is_pair { reader.at } else { start }));
            reader.skip();
            if !reader.eat(",") && !reader.rest().starts_with('}') {
                return None;
            }
        }
    }

    /// The range of the expression at an offset.
    pub fn span(&self, at: usize) -> std::ops::Range<usize> {
        let mut reader = Reader { at, ..*self };
        reader.skip();
        at..at + self.text[at..reader.at].trim_end().len()
    }

    /// Whether the expression at an offset is a function.
    pub fn is_function(&self, at: usize) -> bool {
        let text = &self.text[self.span(at)];
        text.starts_with("function") || text.starts_with("async") || text.contains("=>")
    }

    /// The value at an offset, if it is literal and nothing is done with it.
    pub fn value_at(&self, at: usize) -> Option<Value> {
        let mut reader = Reader { at, ..*self };
        let value = reader.value()?;
        reader.space();
        let rest = reader.rest();
        (rest.is_empty() || rest.starts_with([',', ')', '}', ']'])).then_some(value)
    }

    /// The text at an offset, with what is not literal in it as it is written.
    pub fn partial_at(&self, at: usize) -> Option<Value> {
        let mut reader = Reader {
            at,
            is_partial: true,
            ..*self
        };
        reader.value()
    }

    /// A value, or several texts that are put together.
    fn value(&mut self) -> Option<Value> {
        let mut value = self.term()?;
        loop {
            let end = self.at;
            self.space();
            if !self.eat("+") {
                self.at = end;
                return Some(value);
            }
            self.space();
            let text = value.as_str()?.to_owned();
            value = match self.term() {
                Some(next) => (text + next.as_str()?).into(),
                None if self.is_partial => return Some((text + "${...}").into()),
                None => return None,
            };
        }
    }

    fn term(&mut self) -> Option<Value> {
        let rest = self.rest();
        if rest.starts_with(['"', '\'', '{', '[', '-'])
            || rest.starts_with(|c: char| c.is_ascii_digit())
        {
            return self.literal();
        }
        if rest.starts_with('`') {
            return self.template("${").map(Value::String);
        }
        if (rest.starts_with("f\"") || rest.starts_with("f'"))
            && !rest[2..].starts_with(['"', '\''])
        {
            self.at += 1;
            return self.template("{").map(Value::String);
        }
        if self.eat("JSON.stringify(") || self.eat("json.dumps(") {
            self.space();
            let value = self.value()?;
            // The indentation does not matter.
            self.space();
            while self.eat(",") {
                self.skip();
            }
            return self.eat(")").then(|| value.to_string().into());
        }
        match self.name() {
            "" => None,
            "true" | "True" => Some(true.into()),
            "false" | "False" => Some(false.into()),
            "null" | "None" => Some(Value::Null),
            name => self.named(name),
        }
    }

    fn literal(&mut self) -> Option<Value> {
        let (value, length) = lenient_json::literal(self.rest())?;
        self.at += length;
        Some(value)
    }

    /// A text with names in it, from its opening quote on.
    fn template(&mut self, open: &str) -> Option<String> {
        let quote = self.rest().chars().next()?;
        let inner = self.rest()[1..].split(quote).next()?;
        self.at += 1 + inner.len();
        if !self.eat(&quote.to_string()) || inner.contains('\\') {
            return None;
        }
        let mut out = String::new();
        let mut rest = inner;
        while let Some((before, after)) = rest.split_once(open) {
            let (name, after) = after.split_once('}')?;
            out.push_str(before);
            match self.named(name.trim()) {
                Some(Value::String(text)) => out.push_str(&text),
                Some(Value::Number(number)) => out.push_str(&number.to_string()),
                _ if self.is_partial => out.push_str(&format!("${{{name}}}")),
                _ => return None,
            }
            rest = after;
        }
        out.push_str(rest);
        Some(out)
    }

    /// The value of a name.
    fn named(&self, name: &str) -> Option<Value> {
        let (at, above) = self.set(name)?;
        let mut reader = Reader {
            at,
            above,
            depth: self.depth + 1,
            ..*self
        };
        let value = reader.value()?;
        let (line, below) = reader
            .rest()
            .split_once('\n')
            .unwrap_or((reader.rest(), ""));
        let line = line.trim();
        // An argument by keyword, which ends with a comma, sets no name.
        let is_end = line.is_empty() || line.starts_with([';', '#']) || line.starts_with("//");
        (is_end && !below.trim_start().starts_with('.')).then_some(value)
    }

    /// Where the value begins that a name is given last, and where this statement begins. Nothing if it may have another
    /// value at the call.
    fn set(&self, name: &str) -> Option<(usize, usize)> {
        let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$')
            && !name.contains(|c: char| !c.is_alphanumeric() && c != '_' && c != '$');
        if !is_name || self.depth >= MAX_DEPTH {
            return None;
        }
        static STATEMENT: LazyLock<Regex> = regex!(
            r"(?m)(?:^[ \t]*(?:>>> )?|[;{]\s*)(?:(?:export|const|let|var)\s+)*(?P<name>[\w$]+)(?:\s*:\s*[\w<>\[\], |]+)?\s*=(?P<value>\s*)[^=>\s]"
        );
        let above = &self.text[..self.above];
        let own = |found: &Captures<'_>| &found["name"] == name;
        let found = STATEMENT.captures_iter(above).filter(own).last()?;
        let (whole, value) = (found.get(0)?, found.name("value")?);
        let name = regex::escape(name);
        let other = pattern(&format!(
            r"(?x)
            \b{name}\s*(?:(?:\.\w+|\[[^\]]*\])+\s*|[-+*/|&?]+)=[^=>]      # it is changed
          | \b{name}\.(?:push|append|update|set|pop|splice)\(
          | [(,]\s*{name}\s*(?:[:=][^,()]*)?(?:,[^()]*)?\)\s*(?::\s*[\w<>\[\].|\ ]+)?(?:=>|\s=>|\s*\{{|\s*:)   # it is a parameter
          | \b{name}\s*=>
          | \b(?:const|let|var)\s*[\[{{][^\]}}]*\b{name}\b
          | \bfor\b[^\n]*\b{name}\b"
        ));
        let is_same = !other.is_match(&above[value.end()..]);
        is_same.then_some((value.end(), whole.start()))
    }
}
