//! JavaScript regular expressions, run by a matcher with linear time.

use std::cell::Cell;

use regex::{Regex, RegexBuilder};

use super::{Fault, QueryError, quoted};
use crate::text::query_encode;
use crate::work::Work;

/// The longest pattern that is accepted, in bytes.
pub const MAX_PATTERN: usize = 1000;
/// How many patterns a query may have.
pub const MAX_PATTERNS: usize = 50;
/// The cost of compiling a pattern, in bytes read, and of each byte of it.
const COMPILE: usize = 32 << 10;
const COMPILE_BYTE: usize = 256;
/// The cost of starting a match, in bytes read, and of each byte of the text.
const MATCH: usize = 1 << 10;
const MATCH_BYTE: usize = 4;
/// How much memory one compiled pattern may take, in bytes. A URL has room for hundreds of patterns.
const MAX_COMPILED: usize = 128 << 10;

/// A regular expression of a query.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// Whether it matches in `text`; `false` once `work` is stopped.
    pub fn is_match(&self, text: &str, work: &Work<'_>) -> bool {
        work.charge(MATCH + MATCH_BYTE * text.len()) && self.0.is_match(text)
    }
}

/// Compiles the patterns of one query.
pub(super) struct Patterns<'a> {
    /// How many bytes a pattern may have.
    longest: usize,
    /// How many more there may be.
    left: Cell<usize>,
    work: Option<&'a Work<'a>>,
}

impl<'a> Patterns<'a> {
    /// Each may have `longest` bytes; compiling them is part of `work`.
    pub fn new(longest: usize, work: Option<&'a Work<'a>>) -> Patterns<'a> {
        Patterns {
            longest,
            left: Cell::new(MAX_PATTERNS),
            work,
        }
    }

    /// Compiles `source`, the value of `parameter`.
    pub fn compile(&self, source: &str, parameter: &str) -> Result<Pattern, QueryError> {
        let error =
            |fault, detail, example| Err(QueryError::new(fault, parameter, detail, example));
        let example = String::from("id_like=1");
        let Some(left) = self.left.get().checked_sub(1) else {
            let detail = format!("the query has more than {MAX_PATTERNS} patterns");
            return error(Fault::TooManyPatterns, detail, example);
        };
        self.left.set(left);
        let (length, longest) = (source.len(), self.longest.min(MAX_PATTERN));
        if length > longest {
            let detail = format!("the pattern has {length} bytes; the limit is {longest}");
            return error(Fault::PatternLength, detail, example);
        }
        let cost = COMPILE + COMPILE_BYTE * length;
        if self.work.is_some_and(|work| !work.charge(cost)) {
            // The work is stopped, so nobody will see this.
            return error(Fault::Pattern, "it was not compiled".into(), example);
        }
        compile(source).or_else(|what| {
            let shown = quoted(source);
            let detail = format!("{shown} is not a valid regular expression: {what}");
            // Suggest a search for the literal text, in case that was meant.
            let literal = match length {
                ..80 => query_encode(&regex::escape(source)),
                _ => "^a".into(),
            };
            error(Fault::Pattern, detail, format!("{parameter}={literal}"))
        })
    }
}

/// Compiles `source`, a JavaScript pattern, without regard to case; the error is a sentence without a full stop.
fn compile(source: &str) -> Result<Pattern, String> {
    RegexBuilder::new(&translate(source)?)
        .case_insensitive(true)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .nest_limit(50)
        .build()
        .map(Pattern)
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                "the pattern is too large once its repetitions are expanded".into()
            }
            other => {
                // The last line is the message, those above show the translated pattern.
                let text = other.to_string();
                let last = text.lines().last().unwrap_or_default();
                last.trim_start_matches("error: ").to_string()
            }
        })
}

/// Translates `source` to this matcher's syntax, where JavaScript's differs.
fn translate(source: &str) -> Result<String, String> {
    let mut out = String::with_capacity(source.len() + 8);
    let mut rest = source;
    let mut in_class = false;
    // Whether the previous token is a quantifier, which only a single `?` may follow.
    let mut quantified = false;
    while let Some(first) = rest.chars().next() {
        let tail = &rest[first.len_utf8()..];
        let was_quantified = std::mem::replace(&mut quantified, false);
        rest = tail;
        match first {
            '\\' => rest = escape(tail, in_class, &mut out)?,
            '[' if in_class => out.push_str("\\["),
            '[' if tail.starts_with("^]") => {
                out.push_str("(?s:.)");
                rest = &tail[2..];
            }
            '[' if tail.starts_with(']') => return Err("the empty class [] matches nothing".into()),
            '&' | '~' if in_class => out.extend(['\\', first]),
            '-' if in_class && out.ends_with('-') => out.push_str("\\-"),
            '[' | ']' => {
                in_class = first == '[';
                out.push(first);
            }
            '(' if !in_class
                && ["?=", "?!", "?<=", "?<!"]
                    .iter()
                    .any(|look| tail.starts_with(look)) =>
            {
                return Err("look-around such as (?=...) is not supported, because its time cannot be bounded".into());
            }
            '{' if !in_class && counted(tail).is_none() => out.push_str("\\{"),
            '*' | '+' | '?' | '{' if !in_class => {
                if was_quantified {
                    return Err(format!(
                        "nothing to repeat before {first}; write \\{first} to find the sign itself"
                    ));
                }
                quantified = true;
                let length = match first {
                    '{' => counted(tail).unwrap_or(0),
                    _ => 0,
                };
                out.push(first);
                out.push_str(&tail[..length]);
                rest = &tail[length..];
                if let Some(after) = rest.strip_prefix('?') {
                    out.push('?');
                    rest = after;
                }
            }
            _ => out.push(first),
        }
    }
    Ok(out)
}

/// Translates what follows a backslash and returns the rest.
fn escape<'a>(tail: &'a str, in_class: bool, out: &mut String) -> Result<&'a str, String> {
    let Some(sign) = tail.chars().next() else {
        return Err("the pattern ends in a lone backslash".into());
    };
    match sign {
        'd' if in_class => out.push_str("0-9"),
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' if in_class => out.push_str("A-Za-z0-9_"),
        'w' => out.push_str("[A-Za-z0-9_]"),
        'W' => out.push_str("[^A-Za-z0-9_]"),
        'b' if in_class => out.push_str("\\x08"),
        'b' => out.push_str("(?-u:\\b)"),
        '0' => out.push_str("\\x00"),
        '1'..='9' if !in_class => {
            return Err(format!(
                "the back-reference \\{sign} is not supported, because its time cannot be bounded"
            ));
        }
        's' | 'S' | 'B' | 'n' | 'r' | 't' | 'v' | 'f' | 'x' | 'u' | 'p' | 'P' => {
            out.extend(['\\', sign]);
        }
        _ if sign.is_ascii_alphanumeric() => out.push(sign),
        _ => out.push_str(&regex::escape(sign.encode_utf8(&mut [0; 4]))),
    }
    Ok(&tail[sign.len_utf8()..])
}

/// The length of `2}`, `2,}` or `2,3}` at the start of `tail`, if one is there.
fn counted(tail: &str) -> Option<usize> {
    let end = tail.find('}')?;
    let (least, most) = tail[..end].split_once(',').unwrap_or((&tail[..end], ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (!least.is_empty() && digits(least) && digits(most)).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_as_in_javascript() {
        let cases = [
            ("json", "JSON thing", true),
            ("^another|mock$", "Rust mock", true),
            ("", "anything", true),
            ("c\\+\\+", "c++", true),
            ("\\d{3}", "a123", true),
            ("\\d", "\u{663}", false),
            ("a{", "a{", true),
            ("a{,2}", "a{,2}", true),
            ("[[]", "[", true),
            ("[a&&b]", "&", true),
            ("[+--]", ",", true),
            ("[^]", "\n", true),
            ("\\/", "/", true),
            ("\\bfoo\\b", "a foo b", true),
            ("(?:ab)+?c", "ababc", true),
            ("\u{e9}", "\u{c9}T\u{c9}", true),
            ("a.b", "a\nb", false),
            ("[\\w.]+@[\\w.]+", "x.y@z.org", true),
            ("\\u00e9", "\u{e9}", true),
        ];
        for (pattern, text, expected) in cases {
            let compiled = compile(pattern);
            assert_eq!(
                compiled.map(|pattern| pattern.is_match(text, &Work::unlimited())),
                Ok(expected),
                "{pattern}"
            );
        }
    }

    #[test]
    fn what_cannot_be_run_says_why() {
        let cases = [
            ("(", "unclosed group"),
            ("c++", "nothing to repeat"),
            ("*a", "missing expression"),
            ("(?=a)", "look-around"),
            ("(a)\\1", "back-reference"),
            ("a\\", "lone backslash"),
            ("((a{500}){500}){500}", "too large"),
            ("[b-a]", "invalid character class range"),
        ];
        for (pattern, part) in cases {
            let error = compile(pattern).unwrap_err();
            assert!(error.contains(part), "{pattern}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_pattern_makes_it_panic(source in "[\\[\\]\\\\(){}*+?|^$.,a-c0-9&~-]{0,20}") {
            let _ = compile(&source);
        }
    }
}
