//! Checks whether a text is JSON, and if not, says where and why.
//!
//! serde_json parses. This module adds a limit on nesting and turns serde_json's errors, which give a line and a
//! column, into messages that say what was expected, what was found, and what the likely mistake is.

use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::outside_strings;

/// How deep arrays and objects may be nested in a data file.
pub const MAX_DEPTH: usize = 120;

/// How deep they may be nested in a request body: less, so that the file with the body in it can be read back.
pub const MAX_BODY_DEPTH: usize = MAX_DEPTH - 4;

/// Why a text cannot be read, and at which byte.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Byte offset of the error.
    pub offset: usize,
    /// The error message: what was expected and what was found.
    pub message: String,
    /// How to fix it, for common mistakes.
    pub hint: Option<String>,
    /// The text may be JSON, but is nested too deep.
    pub too_deep: bool,
}

impl SyntaxError {
    /// The error with `message` at the byte `offset`.
    pub fn new(offset: usize, message: impl Into<String>) -> SyntaxError {
        SyntaxError {
            offset,
            message: message.into(),
            hint: None,
            too_deep: false,
        }
    }

    /// The error with advice.
    pub fn hint(self, hint: impl Into<String>) -> SyntaxError {
        let hint = Some(hint.into());
        SyntaxError { hint, ..self }
    }
}

/// A position in a text as an editor shows it: line and column count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Place {
    /// The position of byte `offset` in `text`; the end if the offset lies beyond it.
    pub fn of(text: &str, offset: usize) -> Place {
        let before = &text[..floor_char_boundary(text, offset)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1;
        Place {
            line,
            column: before[line_start..]
                .chars()
                .filter(|c| *c != '\u{feff}')
                .count()
                + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

/// Checks that `text` is one JSON value, nested at most `max_depth` deep. Returns the range of the value, without the
/// white space around it.
///
/// # Errors
/// The first place at which the text is not JSON, or a value that JSON readers do not agree on: half a surrogate pair,
/// a number that is infinite as a double.
pub fn check(text: &str, max_depth: usize) -> Result<Range<usize>, SyntaxError> {
    let mut parser = serde_json::Deserializer::from_str(text);
    let checked = Check {
        depth_left: max_depth,
    }
    .deserialize(&mut parser);
    match checked.and_then(|()| parser.end()) {
        Ok(()) => Ok(text.len() - text.trim_ascii_start().len()..text.trim_ascii_end().len()),
        Err(error) => Err(explain(text, &error, max_depth)),
    }
}

/// Parses any value and discards it. (serde's `IgnoredAny` would let serde_json skip over escapes and numbers.)
#[derive(Clone, Copy)]
struct Check {
    depth_left: usize,
}

impl Check {
    fn inner<E: Error>(self) -> Result<Check, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Check { depth_left }),
            None => Err(E::custom("too deep")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Check {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let inner = self.inner()?;
        while array.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let inner = self.inner()?;
        while object.next_key_seed(inner)?.is_some() {
            object.next_value_seed(inner)?;
        }
        Ok(())
    }
}

/// Translates `error`, which serde_json found in `text`, for the author of the text.
fn explain(text: &str, error: &serde_json::Error, max_depth: usize) -> SyntaxError {
    // The only error of that category is our own.
    if error.is_data() {
        let message = format!("arrays and objects are nested more than {max_depth} deep");
        return SyntaxError {
            too_deep: true,
            ..SyntaxError::new(first_deeper_than(text, max_depth), message)
        };
    }
    let line_start = memchr::memchr_iter(b'\n', text.as_bytes())
        .nth(error.line().wrapping_sub(2))
        .map_or(0, |at| at + 1);
    let at = floor_char_boundary(text, (line_start + error.column()).saturating_sub(1));
    // The kinds of syntax errors can only be distinguished by their messages.
    let words = error.to_string();
    match words.split(" at line ").next().unwrap_or_default() {
        "EOF while parsing a string" => unclosed_string(text),
        _ if error.is_eof() => cut_off(text),
        "key must be a string" => expected(text, at, PROPERTY_NAME),
        "expected `:`" => expected(text, at, COLON),
        "expected `,` or `}`" => expected(text, at, COMMA_OR_BRACE),
        "expected `,` or `]`" => expected(text, at, COMMA_OR_BRACKET),
        "trailing characters" => expected(text, at, "the end of the text"),
        "trailing comma" => {
            let what = if text[at..].starts_with('}') {
                "property"
            } else {
                "value"
            };
            expected(text, at, &format!("another {what} after the comma"))
                .hint("remove the comma before it: JSON allows none after the last one")
        }
        "invalid number" if text[at..].starts_with(|c: char| c.is_ascii_digit()) => {
            expected(text, at, "no digit after a leading zero")
                .hint("write the number without the leading zero, or as a string in double quotes")
        }
        "invalid number" => expected(text, at, DIGIT),
        "number out of range" => SyntaxError::new(word_start(text, at), "the number is too large"),
        "invalid escape" => invalid_escape(text, at),
        "lone leading surrogate in hex escape" | "unexpected end of hex escape" => {
            half_surrogate_pair(text, at)
        }
        words if words.starts_with("control character") => {
            let hint = if text[at..].starts_with(['\n', '\r']) {
                "the string has no closing quote on its line; a line break inside is `\\n`"
            } else {
                "write a tab inside a string as `\\t`, other control characters as `\\u00xx`"
            };
            expected(text, at, "the closing `\"` of the string").hint(hint)
        }
        // "expected value", "expected ident"
        _ => expected(text, word_start(text, at), VALUE),
    }
}

const VALUE: &str = "a value";
const DIGIT: &str = "a digit";
const PROPERTY_NAME: &str = "a property name in double quotes";
const COLON: &str = "`:` after the property name";
const COMMA_OR_BRACE: &str = "`,` or `}`";
const COMMA_OR_BRACKET: &str = "`,` or `]`";

/// The error at `offset`, where `what` should be; says what is there and guesses why.
pub(super) fn expected(text: &str, offset: usize, what: &str) -> SyntaxError {
    let rest = text.get(offset..).unwrap_or("");
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let (found, hint) = match rest.chars().next() {
        None => (
            "the end of the text".to_string(),
            Some("a closing bracket, brace or quote may be missing"),
        ),
        Some('\'') => (
            "`'`".into(),
            Some("JSON writes names and strings in double quotes"),
        ),
        Some('/') => ("`/`".into(), Some("JSON has no comments")),
        Some(quote @ ('“' | '”' | '„' | '‘' | '’')) => (
            format!("`{quote}`"),
            Some("these are typographic quotes; JSON needs straight ones: \""),
        ),
        Some('\n' | '\r') => ("the end of the line".into(), None),
        Some(letter) if is_name(letter) && !letter.is_numeric() => {
            let word: String = rest.chars().take_while(|c| is_name(*c)).take(24).collect();
            let hint = match word.as_str() {
                "True" | "False" | "None" | "NULL" | "Null" | "TRUE" | "FALSE" => {
                    Some("JSON writes `true`, `false` and `null` in small letters")
                }
                "undefined" | "NaN" | "Infinity" => {
                    Some("JSON has no such value; use `null` or leave the property out")
                }
                _ if what == PROPERTY_NAME => Some("put the property name in double quotes"),
                _ if what == VALUE => Some("put a string in double quotes"),
                _ => None,
            };
            (format!("`{word}`"), hint)
        }
        Some(open @ ('"' | '{' | '[')) if what.starts_with("`,`") => {
            (format!("`{open}`"), Some("a comma is missing before it"))
        }
        Some(other) => (format!("`{}`", other.escape_debug()), None),
    };
    SyntaxError {
        hint: hint.map(Into::into),
        ..SyntaxError::new(offset, format!("expected {what}, found {found}"))
    }
}

/// The start of the character that `offset` lies in. (std has it from Rust 1.91 on.)
pub fn floor_char_boundary(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or_default()
}

/// The start of the word or number that `at` lies in.
fn word_start(text: &str, at: usize) -> usize {
    text[..at]
        .trim_end_matches(|c: char| c.is_ascii_alphanumeric() || "+-.".contains(c))
        .len()
}

/// The error for an escape before `at` that is half of a surrogate pair.
fn half_surrogate_pair(text: &str, at: usize) -> SyntaxError {
    let is_surrogate = |(at, _): &(usize, &str)| {
        matches!(
            text.as_bytes()[at + 2..],
            [b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F', ..]
        )
    };
    let mut escapes = text[..at].rmatch_indices("\\u");
    let escape = escapes.find(is_surrogate).map_or(at, |(at, _)| at);
    let message = "the escape is half a surrogate pair, which is not a character";
    SyntaxError::new(escape, message)
        .hint("write both halves (`\\ud83d\\ude00`) or the character itself")
}

fn invalid_escape(text: &str, at: usize) -> SyntaxError {
    // serde_json reads the four digits of a `\u` in one go.
    let from = at.saturating_sub(5);
    let recent = &text.as_bytes()[from..text.len().min(at + 1)];
    let unicode = recent.windows(2).position(|pair| pair == b"\\u");
    let start = unicode
        .or(memchr::memrchr(b'\\', recent))
        .map_or(at, |place| from + place);
    if text[start..].starts_with("\\u") {
        let digits = text[start + 2..]
            .bytes()
            .take_while(u8::is_ascii_hexdigit)
            .count();
        return expected(
            text,
            start + 2 + digits,
            "four hexadecimal digits after `\\u`",
        );
    }
    expected(
        text,
        start + 1,
        "one of `\" \\ / b f n r t u` after the backslash",
    )
    .hint("a backslash itself is written `\\\\`")
}

/// The error for a text that ends inside a string.
fn unclosed_string(text: &str) -> SyntaxError {
    match text.rfind("\\u") {
        Some(escape) if text.len() - escape < 6 => invalid_escape(text, text.len()),
        _ => {
            let start = outside_strings(text.as_bytes(), 0)
                .filter(|(_, byte)| *byte == b'"')
                .last()
                .map_or(0, |(at, _)| at);
            SyntaxError::new(start, "the string that begins here has no closing `\"`")
        }
    }
}

/// The error for a text that ends too early, but not inside a string.
fn cut_off(text: &str) -> SyntaxError {
    let end = text.len();
    let (mut open, mut last, mut before) = (Vec::new(), b' ', b' ');
    for (_, byte) in
        outside_strings(text.as_bytes(), 0).filter(|(_, byte)| !byte.is_ascii_whitespace())
    {
        match byte {
            b'{' | b'[' => open.push(byte),
            b'}' | b']' => drop(open.pop()),
            _ => {}
        }
        (before, last) = (last, byte);
    }
    let word = &text[word_start(text, end)..];
    let is_number = !word.starts_with(|c: char| c.is_ascii_alphabetic());
    match (open.last(), before, last) {
        (Some(b'{'), _, b'{' | b',') => expected(text, end, PROPERTY_NAME),
        (Some(b'{'), b'{' | b',', b'"') => expected(text, end, COLON),
        (_, _, b' ' | b':' | b'[' | b',') => expected(text, end, VALUE),
        _ if is_number && word.ends_with(['-', '+', '.', 'e', 'E']) => expected(text, end, DIGIT),
        _ if !is_number && !["true", "false", "null"].contains(&word) => {
            expected(text, end - word.len(), VALUE)
        }
        (Some(b'{'), ..) => expected(text, end, COMMA_OR_BRACE),
        _ => expected(text, end, COMMA_OR_BRACKET),
    }
}

/// The offset of the first bracket that opens a level below `max_depth`.
fn first_deeper_than(text: &str, max_depth: usize) -> usize {
    let mut depth = 0usize;
    let mut brackets = outside_strings(text.as_bytes(), 0).filter(|(_, byte)| {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > max_depth
    });
    brackets.next().map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_place_what_was_expected_and_the_fix() {
        let cases = [
            (
                "{\"a\": 1,\n}",
                2,
                1,
                "expected another property after the comma, found `}`",
                "remove the comma",
            ),
            (
                "{'a': 1}",
                1,
                2,
                "expected a property name in double quotes, found `'`",
                "double quotes",
            ),
            (
                "{a: 1}",
                1,
                2,
                "expected a property name in double quotes, found `a`",
                "double quotes",
            ),
            (
                "{\"é\": True}",
                1,
                7,
                "expected a value, found `True`",
                "small letters",
            ),
            (
                "[1, 2",
                1,
                6,
                "expected `,` or `]`, found the end of the text",
                "missing",
            ),
            (
                "[01]",
                1,
                3,
                "expected no digit after a leading zero, found `1`",
                "leading zero",
            ),
            (
                "{\"a\": \"b\n\"}",
                1,
                9,
                "expected the closing `\"` of the string, found the end of the line",
                "no closing quote",
            ),
            (
                "// x\n{}",
                1,
                1,
                "expected a value, found `/`",
                "no comments",
            ),
            (
                "{“a”: 1}",
                1,
                2,
                "expected a property name in double quotes, found `“`",
                "straight",
            ),
            (
                "\"\\ud800\"",
                1,
                2,
                "the escape is half a surrogate pair, which is not a character",
                "both halves",
            ),
            (
                "\"\\x\"",
                1,
                3,
                "expected one of `\" \\ / b f n r t u` after the backslash, found `x`",
                "itself",
            ),
        ];
        for (text, line, column, message, hint) in cases {
            let error = check(text, MAX_DEPTH).unwrap_err();
            assert_eq!(
                Place::of(text, error.offset),
                Place { line, column },
                "{text}"
            );
            assert_eq!(error.message, message, "{text}");
            assert!(
                error
                    .hint
                    .as_ref()
                    .is_some_and(|words| words.contains(hint)),
                "{text}: {:?}",
                error.hint
            );
        }
    }

    #[test]
    fn a_text_that_ends_too_early_says_what_is_missing() {
        let cases = [
            ("", 0, "expected a value, found the end of the text"),
            (
                "{",
                1,
                "expected a property name in double quotes, found the end of the text",
            ),
            (
                "{\"a\"",
                4,
                "expected `:` after the property name, found the end of the text",
            ),
            ("{\"a\": ", 6, "expected a value, found the end of the text"),
            (
                "{\"a\": \"b\"",
                9,
                "expected `,` or `}`, found the end of the text",
            ),
            (
                "{\"a\": 1, ",
                9,
                "expected a property name in double quotes, found the end of the text",
            ),
            (
                "[[1], \"]\"",
                9,
                "expected `,` or `]`, found the end of the text",
            ),
            ("[1, ", 4, "expected a value, found the end of the text"),
            ("[true", 5, "expected `,` or `]`, found the end of the text"),
            ("[nul", 1, "expected a value, found `nul`"),
            ("[-1.5e", 6, "expected a digit, found the end of the text"),
            (
                "[\"a\", \"b\\\"",
                6,
                "the string that begins here has no closing `\"`",
            ),
            (
                "[\"\\u12",
                6,
                "expected four hexadecimal digits after `\\u`, found the end of the text",
            ),
        ];
        for (text, offset, message) in cases {
            let error = check(text, MAX_DEPTH).unwrap_err();
            assert_eq!(
                (error.offset, error.message.as_str()),
                (offset, message),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_what_json_readers_do_not_agree_on() {
        let long = "9".repeat(400);
        let cases = [
            ("[\"\\ud83d\\ude00\", 1e308, 1e-999, 0e999]", None),
            (
                "[\"\\ud83d\"]",
                Some((
                    2,
                    "the escape is half a surrogate pair, which is not a character",
                )),
            ),
            (
                "[\"\\ud83d\\u0041\"]",
                Some((
                    2,
                    "the escape is half a surrogate pair, which is not a character",
                )),
            ),
            (
                "[\"a\\uDE00\"]",
                Some((
                    3,
                    "the escape is half a surrogate pair, which is not a character",
                )),
            ),
            ("[1, -1e400]", Some((4, "the number is too large"))),
            (long.as_str(), Some((0, "the number is too large"))),
            (
                "[\"\\u00é\"]",
                Some((6, "expected four hexadecimal digits after `\\u`, found `é`")),
            ),
            (
                "[\"\\u00e9\\é\"]",
                Some((
                    9,
                    "expected one of `\" \\ / b f n r t u` after the backslash, found `é`",
                )),
            ),
        ];
        for (text, expected) in cases {
            let error = check(text, MAX_DEPTH).err();
            let found = error
                .as_ref()
                .map(|error| (error.offset, error.message.as_str()));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_a_crash() {
        let error = check(&"[".repeat(100_000), 100).unwrap_err();
        assert_eq!((error.offset, error.too_deep), (100, true));
        let nested = |depth: usize| "[ ".repeat(depth) + &" ]".repeat(depth);
        assert_eq!(check(&nested(100), 100), Ok(0..400));
        assert_eq!(check(&nested(101), 100).unwrap_err().offset, 200);
    }
}
