//! The checking scanner: is this text JSON (RFC 8259), and where does each value end?

use std::fmt;
use std::ops::Range;

use super::layout::{plain, skip_space};

/// How deep arrays and objects may be nested in a data file. Request bodies get less, so that what was accepted can
/// always be read back from the file.
pub const MAX_DEPTH: usize = 120;

/// Why a text is not JSON, and at which byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Byte offset of the place.
    pub offset: usize,
    /// What was expected and what was found.
    pub message: String,
    /// What to do, where the mistake is a known one.
    pub hint: Option<&'static str>,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}
impl std::error::Error for SyntaxError {}

/// A place in a text as an editor shows it; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Place {
    /// The place of byte `offset` in `text`; the end where the offset lies behind it.
    pub fn of(text: &str, offset: usize) -> Place {
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &text[..end];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1;
        Place { line, column: before[line_start..].chars().filter(|c| *c != '\u{feff}').count() + 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

/// Checks that `text` is one JSON value nested no deeper than a request body may be.
///
/// Returns the value's own range, without the white space around it.
///
/// # Errors
/// The first place at which the text is not JSON.
pub fn check(text: &str) -> Result<Range<usize>, SyntaxError> {
    check_to(text, MAX_DEPTH - 4)
}

/// Checks that `text` is one JSON value nested no deeper than a data file may be; otherwise as [`check`].
///
/// # Errors
/// The first place at which the text is not JSON.
pub fn check_file(text: &str) -> Result<Range<usize>, SyntaxError> {
    check_to(text, MAX_DEPTH)
}

fn check_to(text: &str, depth: usize) -> Result<Range<usize>, SyntaxError> {
    let mut scanner = Scanner::new(text, depth);
    scanner.space();
    let range = scanner.value()?;
    scanner.space();
    scanner.end()?;
    Ok(range)
}

/// A cursor over a text that may not be JSON.
#[derive(Clone, Copy)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pub(super) at: usize,
    depth: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, depth: usize) -> Scanner<'a> {
        Scanner { text, bytes: text.as_bytes(), at: 0, depth }
    }

    #[inline(always)]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline(always)]
    pub(super) fn space(&mut self) {
        self.at = skip_space(self.bytes, self.at);
    }

    pub(super) fn end(&self) -> Result<(), SyntaxError> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.expected("the end of the text")) }
    }

    /// Steps over one value and returns its range.
    pub(super) fn value(&mut self) -> Result<Range<usize>, SyntaxError> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.string()?,
            Some(b'{') => self.object()?,
            Some(b'[') => self.array()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            _ => return Err(self.expected("a value")),
        }
        Ok(start..self.at)
    }

    pub(super) fn enter(&mut self) -> Result<(), SyntaxError> {
        if self.depth == 0 {
            return Err(SyntaxError {
                offset: self.at,
                message: format!("arrays and objects are nested more than {MAX_DEPTH} deep"),
                hint: None,
            });
        }
        self.depth -= 1;
        self.at += 1;
        self.space();
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth += 1;
        self.at += 1;
    }

    fn object(&mut self) -> Result<(), SyntaxError> {
        self.enter()?;
        if self.peek() != Some(b'}') {
            loop {
                self.key()?;
                self.value()?;
                self.space();
                if !self.comma(b'}')? {
                    break;
                }
            }
        }
        self.leave();
        Ok(())
    }

    fn array(&mut self) -> Result<(), SyntaxError> {
        self.enter()?;
        if self.peek() != Some(b']') {
            loop {
                self.value()?;
                self.space();
                if !self.comma(b']')? {
                    break;
                }
            }
        }
        self.leave();
        Ok(())
    }

    /// Steps over a property name, its colon and the white space around them; returns the name's range.
    #[inline(always)]
    pub(super) fn key(&mut self) -> Result<Range<usize>, SyntaxError> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.expected("a property name in double quotes"));
        }
        self.string()?;
        let end = self.at;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.expected("`:` after the property name"));
        }
        self.at += 1;
        self.space();
        Ok(start..end)
    }

    /// At the end of a member: steps over a comma and the white space behind it (`true`), or stays before `close`.
    #[inline(always)]
    pub(super) fn comma(&mut self, close: u8) -> Result<bool, SyntaxError> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                if self.peek() == Some(close) {
                    let what = if close == b'}' { "another property" } else { "another value" };
                    let mut error = self.expected(&format!("{what} after the comma"));
                    error.hint = Some("remove the comma before it: JSON allows none after the last one");
                    return Err(error);
                }
                Ok(true)
            }
            Some(found) if found == close => Ok(false),
            _ => Err(self.expected(if close == b'}' { "`,` or `}`" } else { "`,` or `]`" })),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), SyntaxError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), SyntaxError> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.expected("a digit"));
        }
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        Ok(())
    }

    #[inline(always)]
    fn number(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if let Some(b'0'..=b'9') = self.peek() {
                let mut error = self.expected("no digit after a leading zero");
                error.hint = Some("write the number without the leading zero, or as a string in double quotes");
                return Err(error);
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        let exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if exponent {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        // JSON sets no bound, but a number that is infinite to every reader would not come back as it went in.
        if (exponent || self.at - start > 300)
            && !self.text[start..self.at].parse::<f64>().is_ok_and(|number| number.is_finite())
        {
            return Err(SyntaxError { offset: start, message: "the number is too large".into(), hint: None });
        }
        Ok(())
    }

    #[inline(always)]
    fn string(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        self.at += 1;
        loop {
            self.at += plain(self.bytes.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(0x00..=0x1f) => {
                    let mut error = self.expected("the closing `\"` of the string");
                    if let Some(b'\n' | b'\r') = self.peek() {
                        error.hint = Some("the string has no closing quote on its line; a line break inside is `\\n`");
                    } else {
                        error.hint =
                            Some("write a tab inside a string as `\\t`, other control characters as `\\u00xx`");
                    }
                    return Err(error);
                }
                Some(_) => self.at += 1,
                None => {
                    return Err(SyntaxError {
                        offset: start,
                        message: "the string that begins here has no closing `\"`".into(),
                        hint: None,
                    });
                }
            }
        }
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                self.at += 1;
                let first = self.hex()?;
                let lone = SyntaxError {
                    offset: start,
                    message: "the escape is half a surrogate pair, which is no character".into(),
                    hint: Some("write both halves (`\\ud83d\\ude00`) or the character itself"),
                };
                match first {
                    0xd800..=0xdbff => {
                        if !self.text[self.at..].starts_with("\\u") {
                            return Err(lone);
                        }
                        self.at += 2;
                        if !(0xdc00..=0xdfff).contains(&self.hex()?) {
                            return Err(lone);
                        }
                        Ok(())
                    }
                    0xdc00..=0xdfff => Err(lone),
                    _ => Ok(()),
                }
            }
            _ => {
                let mut error = self.expected("one of `\" \\ / b f n r t u` after the backslash");
                error.hint = Some("a backslash itself is written `\\\\`");
                Err(error)
            }
        }
    }

    fn hex(&mut self) -> Result<u32, SyntaxError> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            value = value * 16 + digit.ok_or_else(|| self.expected("four hexadecimal digits after `\\u`"))?;
            self.at += 1;
        }
        Ok(value)
    }

    pub(super) fn expected(&self, what: &str) -> SyntaxError {
        let rest = self.text.get(self.at..).unwrap_or("");
        let (found, hint) = match rest.chars().next() {
            None => ("the end of the text".to_string(), Some("a closing bracket, brace or quote may be missing")),
            Some('\'') => ("`'`".into(), Some("JSON writes names and strings in double quotes")),
            Some('/') => ("`/`".into(), Some("JSON has no comments")),
            Some(quote @ ('“' | '”' | '„' | '‘' | '’')) => {
                (format!("`{quote}`"), Some("these are typographic quotes; JSON needs straight ones: \""))
            }
            Some('\n' | '\r') => ("the end of the line".into(), None),
            Some(letter) if letter.is_alphabetic() || letter == '_' || letter == '$' => {
                let word: String =
                    rest.chars().take_while(|c| c.is_alphanumeric() || "_$".contains(*c)).take(24).collect();
                let hint = match word.as_str() {
                    "True" | "False" | "None" | "NULL" | "Null" | "TRUE" | "FALSE" => {
                        Some("JSON writes `true`, `false` and `null` in small letters")
                    }
                    "undefined" | "NaN" | "Infinity" => {
                        Some("JSON has no such value; use `null` or leave the property out")
                    }
                    _ if what.starts_with("a property name") => Some("put the property name in double quotes"),
                    _ if what == "a value" => Some("put a string in double quotes"),
                    _ => None,
                };
                (format!("`{word}`"), hint)
            }
            Some('"') if what.starts_with("`,`") => ("`\"`".into(), Some("a comma is missing before it")),
            Some('{' | '[') if what.starts_with("`,`") => {
                (format!("`{}`", &rest[..1]), Some("a comma is missing before it"))
            }
            Some(other) => (format!("`{}`", other.escape_debug()), None),
        };
        SyntaxError { offset: self.at, message: format!("expected {what}, found {found}"), hint }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_place_what_was_expected_and_the_mend() {
        let cases = [
            ("{\"a\": 1,\n}", 2, 1, "expected another property after the comma, found `}`", "remove the comma"),
            ("{\"a\": 1\n \"b\": 2}", 2, 2, "expected `,` or `}`, found `\"`", "a comma is missing"),
            ("{'a': 1}", 1, 2, "expected a property name in double quotes, found `'`", "double quotes"),
            ("{a: 1}", 1, 2, "expected a property name in double quotes, found `a`", "double quotes"),
            ("{\"é\": True}", 1, 7, "expected a value, found `True`", "small letters"),
            ("[1, 2", 1, 6, "expected `,` or `]`, found the end of the text", "missing"),
            ("[01]", 1, 3, "expected no digit after a leading zero, found `1`", "leading zero"),
            (
                "{\"a\": \"b\n\"}",
                1,
                9,
                "expected the closing `\"` of the string, found the end of the line",
                "no closing quote",
            ),
            ("// x\n{}", 1, 1, "expected a value, found `/`", "no comments"),
            ("{“a”: 1}", 1, 2, "expected a property name in double quotes, found `“`", "straight"),
            ("\"\\ud800\"", 1, 2, "the escape is half a surrogate pair, which is no character", "both halves"),
            ("\"\\x\"", 1, 3, "expected one of `\" \\ / b f n r t u` after the backslash, found `x`", "itself"),
        ];
        for (text, line, column, message, hint) in cases {
            let error = check(text).unwrap_err();
            assert_eq!(Place::of(text, error.offset), Place { line, column }, "{text}");
            assert_eq!(error.message, message, "{text}");
            assert!(error.hint.is_some_and(|words| words.contains(hint)), "{text}: {:?}", error.hint);
        }
    }

    #[test]
    fn agrees_with_serde_json_on_what_is_json() {
        for text in [
            "",
            " ",
            "{}",
            "[]",
            "[1,]",
            "{\"a\":}",
            "nul",
            "1.",
            ".5",
            "1e5",
            "-",
            "-0",
            "1E+2",
            "1e999",
            "\"\\u00zz\"",
            "\"\u{1}\"",
            "{} {}",
            "[[[[]]]]",
            "{\"a\":{\"b\":[1,2,{\"c\":null}]}}",
            "true false",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\u{feff}{}",
            "[1 2]",
            "{\"a\" 1}",
            "+1",
            "00",
            "12345678901234567890123",
        ] {
            let ours = check(text).is_ok();
            assert_eq!(ours, serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_a_crash() {
        let text = "[".repeat(100_000);
        assert!(check(&text).unwrap_err().message.contains("nested"));
    }
}
