//! `--routes`: requests rewritten by the rules of a file, as json-server 0.17 does it.
//!
//! ```json
//! { "/api/*": "/$1", "/:resource/:id/show": "/:resource/:id", "/articles?id=:id": "/posts/:id" }
//! ```
//!
//! A rule is a path with `:name` (one segment), `:name?` (it may be missing), `:name(\\d+)` (what a regular expression
//! matches) and `*` (anything); its target uses them as `:name`, or by number as `$1`. Case does not count, and a slash at
//! the end may be there or not. A backslash takes a sign's meaning away: `\\?`, `\\(`, `\\:` (twice, since it is JSON). Every
//! rule is tried once, in the order of the file, on what the rules before it made.
//!
//! Three things differ from 0.17, each where it does what nobody means:
//!
//! - A rule with parameters leaves alone what an earlier rule has made the address of a record that exists. With the four
//!   rules of its README, 0.17 rewrites `/api/posts/1` to `/posts/1` and that on to `/posts?category=1`.
//! - A rule that has no query of its own looks at the path only, and the request's query is kept: `/top?author=bob` is
//!   matched by `/top`, and `:id` never swallows `1?_embed=comments`.
//! - A missing `:name?` is nothing, not the word `undefined`.

use std::borrow::Cow;

use regex::{Captures, Regex, RegexBuilder};

use super::source::{RoutesError, Source};
use crate::json::{self, Member, Place};

/// How much memory one compiled rule may take, in bytes.
const MAX_COMPILED: usize = 1 << 20;

/// The rules of a routes file.
#[derive(Debug, Clone, Default)]
pub struct Rewriter {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    place: Place,
    source: String,
    target: String,
    pattern: Regex,
    parts: Vec<Part>,
    /// Whether the rule has a `?` that does not make a parameter optional, and so looks at the query itself.
    has_query: bool,
    has_parameters: bool,
}

/// A piece of a target.
#[derive(Debug, Clone)]
enum Part {
    Text(String),
    /// A group of the rule's pattern; whether it is used in the target's query.
    Group {
        number: usize,
        in_query: bool,
    },
}

impl Rewriter {
    /// Adds a member of a routes file whose value is a string.
    pub(super) fn add(&mut self, source: Source, member: &Member) -> Result<(), RoutesError> {
        if !member.key.starts_with('/') {
            let message = format!("the rule {:?} does not begin with a slash", member.key);
            let error = source.error(member.raw_key, message);
            return Err(match member.key.split_once(" /") {
                Some((_, path)) => {
                    error.hint(format!("a rewrite has no method: write \"/{path}\""))
                }
                None => error.hint(format!("write \"/{}\"", member.key)),
            });
        }
        let rule = Rule::new(
            source.place(member.raw_key),
            &member.key,
            &json::unquote(member.value),
        )
        .map_err(|fault| {
            let part = if fault.in_target {
                member.value
            } else {
                member.raw_key
            };
            source.error(part, fault.message)
        })?;
        // Of a rule that is there twice the last one counts, in the place of the first, as in JavaScript.
        match self
            .rules
            .iter_mut()
            .find(|known| known.source == rule.source)
        {
            Some(known) => *known = rule,
            None => self.rules.push(rule),
        }
        Ok(())
    }

    /// The rules and their targets in the order of the file, with their places.
    pub fn rules(&self) -> impl Iterator<Item = (Place, &str, &str)> {
        self.rules
            .iter()
            .map(|rule| (rule.place, rule.source.as_str(), rule.target.as_str()))
    }

    /// What the rules make of `url`, a path with or without a query, still percent-encoded.
    ///
    /// `is_record` tells whether a path (no query, still encoded) is the address of a record that exists; it is asked only
    /// about what an earlier rule has made.
    pub fn apply<'u>(&self, url: &'u str, is_record: impl Fn(&str) -> bool) -> Cow<'u, str> {
        let mut url = Cow::Borrowed(url);
        for rule in &self.rules {
            let is_made = matches!(url, Cow::Owned(_));
            let path = url.split_once('?').map_or(&*url, |(path, _)| path);
            if is_made && rule.has_parameters && is_record(path) {
                continue;
            }
            if let Some(made) = rule.apply(&url) {
                url = Cow::Owned(made);
            }
        }
        url
    }
}

struct Fault {
    message: String,
    in_target: bool,
}

impl Rule {
    fn new(place: Place, source: &str, target: &str) -> Result<Rule, Fault> {
        let mut names = Vec::new();
        let fault = |message| Fault {
            message,
            in_target: false,
        };
        let (pattern, has_query) = pattern_of(source, &mut names)
            .map_err(|message| fault(format!("{source:?}: {message}")))?;
        let pattern = RegexBuilder::new(&pattern)
            .case_insensitive(true)
            .size_limit(MAX_COMPILED)
            .build()
            .map_err(|error| {
                let text = error.to_string();
                let last = text
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ");
                fault(format!(
                    "the rule {source:?} holds a regular expression that cannot be run: {last}"
                ))
            })?;
        let parts = parts_of(target, &names, pattern.captures_len()).map_err(|message| Fault {
            message: format!("{target:?}: {message}"),
            in_target: true,
        })?;
        Ok(Rule {
            place,
            source: source.to_string(),
            target: target.to_string(),
            has_query,
            has_parameters: pattern.captures_len() > 1,
            pattern,
            parts,
        })
    }

    fn apply(&self, url: &str) -> Option<String> {
        if self.has_query {
            let captures = self.pattern.captures(url)?;
            return Some(self.fill(&captures, false));
        }
        let (path, query) = url
            .split_once('?')
            .map_or((url, None), |(path, query)| (path, Some(query)));
        let captures = self.pattern.captures(path)?;
        let mut made = self.fill(&captures, true);
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            made.push(if made.contains('?') { '&' } else { '?' });
            made.push_str(query);
        }
        Some(made)
    }

    /// The target with what the groups caught. A piece of a path that goes into a query keeps its meaning there: `+` is a
    /// plus in the one and a space in the other.
    fn fill(&self, captures: &Captures<'_>, from_path: bool) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group { number, in_query } => {
                    let caught = captures.get(*number).map_or("", |found| found.as_str());
                    if *in_query && from_path {
                        out.push_str(&caught.replace('+', "%2B").replace('&', "%26"));
                    } else {
                        out.push_str(caught);
                    }
                }
            }
        }
        out
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The regular expression of a rule, and whether it has a query; the names of its groups, in order (numbers for those
/// without), go into `names`.
fn pattern_of(source: &str, names: &mut Vec<String>) -> Result<(String, bool), String> {
    let source = source
        .strip_suffix('/')
        .filter(|rest| !rest.is_empty() && !rest.ends_with('\\'))
        .unwrap_or(source);
    let mut out = String::from("^");
    let mut has_query = false;
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        if let Some(escaped) = rest.strip_prefix('\\').and_then(|rest| rest.chars().next()) {
            out.push_str(&regex::escape(escaped.encode_utf8(&mut [0; 4])));
            rest = &rest[1 + escaped.len_utf8()..];
            has_query |= escaped == '?';
            continue;
        }
        // A slash before an optional parameter is optional with it.
        let (slash, after) = match rest.strip_prefix('/') {
            Some(after) => ("/", after),
            None => ("", rest),
        };
        let name_length = after.strip_prefix(':').map_or(0, |name| {
            name.bytes().take_while(|byte| is_word(*byte)).count()
        });
        let (mut inside, mut tail) = if name_length > 0 {
            names.push(after[1..=name_length].to_string());
            ("[^/]+?".to_string(), &after[name_length + 1..])
        } else if let Some(tail) = after.strip_prefix('*') {
            names.push(names.len().to_string());
            (".*".to_string(), tail)
        } else if after.starts_with('(') {
            names.push(names.len().to_string());
            (String::new(), after)
        } else {
            out.push_str(&regex::escape(first.encode_utf8(&mut [0; 4])));
            rest = &rest[first.len_utf8()..];
            has_query |= first == '?';
            continue;
        };
        if tail.starts_with('(') {
            let end = group_end(tail).ok_or("a bracket is not closed")?;
            inside = tail[1..end].to_string();
            if inside.is_empty() {
                return Err("there is nothing between the brackets".into());
            }
            tail = &tail[end + 1..];
        }
        let (sign, tail) = match tail.as_bytes().first() {
            Some(b'?' | b'*' | b'+') if inside != ".*" => (&tail[..1], &tail[1..]),
            _ => ("", tail),
        };
        let segment = if slash.is_empty() {
            String::new()
        } else {
            "/".to_string()
        };
        match sign {
            "?" => out.push_str(&format!("(?:{segment}({inside}))?")),
            "*" => out.push_str(&format!("(?:{segment}((?:{inside})(?:/(?:{inside}))*))?")),
            "+" => out.push_str(&format!("{segment}((?:{inside})(?:/(?:{inside}))*)")),
            _ => out.push_str(&format!("{segment}({inside})")),
        }
        rest = tail;
    }
    out.push_str("/?$");
    Ok((out, has_query))
}

/// Where the bracket at the start of `text` is closed. Groups inside it must not catch anything, which would shift the
/// numbers; they are refused.
fn group_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b')' => return Some(at),
            b'(' => return None,
            _ => {}
        }
    }
    None
}

/// A target cut up at its `:name`s and `$1`s.
fn parts_of(target: &str, names: &[String], groups: usize) -> Result<Vec<Part>, String> {
    let (mut parts, mut text, mut rest) = (Vec::new(), String::new(), target);
    let mut in_query = false;
    while let Some(first) = rest.chars().next() {
        let tail = &rest[first.len_utf8()..];
        let length = match first {
            ':' => tail.bytes().take_while(|byte| is_word(*byte)).count(),
            '$' => tail.bytes().take_while(u8::is_ascii_digit).count(),
            _ => 0,
        };
        if length == 0 {
            in_query |= first == '?';
            text.push(first);
            rest = tail;
            continue;
        }
        let name = &tail[..length];
        let number = if first == ':' {
            names
                .iter()
                .rposition(|known| known == name)
                .map(|at| at + 1)
        } else {
            name.parse().ok()
        };
        let Some(number) = number.filter(|number| *number < groups) else {
            return Err(format!(
                "the target uses {first}{name}, and the rule has no such parameter"
            ));
        };
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        parts.push(Part::Group { number, in_query });
        rest = &tail[length..];
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests;
