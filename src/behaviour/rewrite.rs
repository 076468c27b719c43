//! `--routes`: requests rewritten by the rules of a file, as json-server 0.17 does it.
//!
//! ```json
//! { "/api/*": "/$1", "/:resource/:id/show": "/:resource/:id", "/articles?id=:id": "/posts/:id" }
//! ```
//!
//! A rule is a path with `:name` (one segment), `:name?` (optional), `:name(\\d+)` (a regular expression) and `*`
//! (anything); its target uses them as `:name`, or by number as `$1`. Case and a trailing slash are ignored. A
//! backslash escapes: `\\?`, `\\(`, `\\:` (doubled in JSON). Every rule is tried once, in the order of the file, on the
//! result of the previous ones.
//!
//! Three things differ from 0.17, each where it does what nobody wants:
//!
//! - A rule with parameters does not apply to the path of an existing record that an earlier rule has produced. With
//!   the four rules of its README, 0.17 rewrites `/api/posts/1` to `/posts/1` and then to `/posts?category=1`.
//! - A rule without a query matches the path only, and the request's query is kept: `/top` matches `/top?author=bob`,
//!   and `:id` never swallows `1?_embed=comments`.
//! - A missing `:name?` is empty, not the word `undefined`.

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
    /// Whether the rule has a `?` that is not for an optional parameter, and so matches the query, too.
    has_query: bool,
    has_parameters: bool,
}

/// A piece of a target.
#[derive(Debug, Clone)]
enum Part {
    Text(String),
    /// A group of the rule's pattern, and whether it is used in the target's query.
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
        let rule = Rule::new(source, member)?;
        // The last of repeated rules wins, in the position of the first, as in JavaScript.
        let mut known = self.rules.iter_mut();
        match known.find(|known| known.source == rule.source) {
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

    /// Rewrites `url`, a path with or without a query, still percent-encoded.
    ///
    /// `is_record` returns whether a path (without query, still encoded) is that of an existing record; it is called
    /// only for the result of an earlier rule.
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

impl Rule {
    fn new(source: Source, member: &Member) -> Result<Rule, RoutesError> {
        let (rule, target) = (&*member.key, json::unquote(member.value).into_owned());
        let wrong = |message| source.error(member.raw_key, message);
        let mut names = Vec::new();
        let (pattern, has_query) = pattern_of(rule, &mut names)
            .map_err(|message| wrong(format!("{rule:?}: {message}")))?;
        let pattern = RegexBuilder::new(&pattern)
            .case_insensitive(true)
            .size_limit(MAX_COMPILED)
            .build()
            .map_err(|error| {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                let last = last.trim_start_matches("error: ");
                wrong(format!(
                    "the rule {rule:?} holds a regular expression that cannot be run: {last}"
                ))
            })?;
        let parts = parts_of(&target, &names, pattern.captures_len())
            .map_err(|message| source.error(member.value, format!("{target:?}: {message}")))?;
        Ok(Rule {
            place: source.place(member.raw_key),
            source: rule.to_string(),
            target,
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

    /// The target with the captured groups. A part of a path is re-encoded for a query: `+` is a plus in the one and a
    /// space in the other.
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

/// The regular expression of a rule, and whether it has a query; the names of its groups, in order (numbers for unnamed
/// ones), are added to `names`.
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
        // The slash before an optional parameter is optional, too.
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
        out.push_str(&match sign {
            "?" => format!("(?:{slash}({inside}))?"),
            "*" => format!("(?:{slash}((?:{inside})(?:/(?:{inside}))*))?"),
            "+" => format!("{slash}((?:{inside})(?:/(?:{inside}))*)"),
            _ => format!("{slash}({inside})"),
        });
        rest = tail;
    }
    out.push_str("/?$");
    Ok((out, has_query))
}

/// The end of the group at the start of `text`. Capturing groups in it are refused, because they would shift the
/// numbers.
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

/// A target split at its `:name`s and `$1`s.
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
        let number = match first {
            ':' => {
                let at = names.iter().rposition(|known| known == name);
                at.map(|at| at + 1)
            }
            _ => name.parse().ok(),
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
mod tests {
    use proptest::prelude::*;

    use super::super::RoutesFile;
    use super::*;

    const README: &str = r#"{
        "/api/*": "/$1",
        "/:resource/:id/show": "/:resource/:id",
        "/posts/:category": "/posts?category=:category",
        "/articles?id=:id": "/posts/:id"
    }"#;

    fn is_record(path: &str) -> bool {
        matches!(path, "/posts/1" | "/posts/2")
    }

    #[test]
    fn rules_rewrite() {
        // URLs and what they become, below their rules; the first are for those of README.
        let cases = r#"
                /api/posts /posts
                /api/posts/1 /posts/1
                /API/posts/1?_embed=comments /posts/1?_embed=comments
                /api/posts/javascript /posts?category=javascript
                /posts/1/show /posts/1
                /posts/bob /posts?category=bob
                /posts/bob?_sort=id /posts?category=bob&_sort=id
                /posts/a+b&c /posts?category=a%2Bb%26c
                /articles?id=1 /posts/1
                /article?id=1 /article?id=1
                /articles?id=1&x=2 /posts/1&x=2
                /api /api
                / /
            {"/v1/*": "/a/$1", "/a/*": "/$1"}
                /v1/posts/1 /posts/1
            {"/me": "/profile"}
                /ME/?x=1 /profile?x=1
            {"/top/": "/posts?_sort=views"}
                /top?author=bob /posts?_sort=views&author=bob
            {"/p/:id(\\d+)": "/posts/:id"}
                /p/12 /posts/12
                /p/abc /p/abc
            {"/x/:r/:id?": "/:r/:id"}
                /x/posts /posts/
                /x/posts/2 /posts/2
            {"/by/:t": "/posts?title=:t"}
                /by/Rust%20mock /posts?title=Rust%20mock
            {"/f/:path+": "/files?path=:path"}
                /f/a/b /files?path=a/b
            {"/f/:path*": "/files?path=:path"}
                /f /files?path=
            {"/n/(\\d+)/(\\w+)": "/$2/$1"}
                /n/3/posts /posts/3
            {"/a.b": "/c"}
                /axb /axb
            {"/articles\\?id=:id": "/posts/:id"}
                /articles?id=2 /posts/2
                /articles /articles
            {"/a/:id\\?x=:x": "/posts/:id?x=:x"}
                /a/5?x=7 /posts/5?x=7
            {"/web/getByTitle\\('F'\\)/Items": "/posts"}
                /web/getByTitle('F')/Items /posts
            {"/f\\(:id\\)": "/posts/:id"}
                /f(3) /posts/3
            {"/posts\\:publish": "/drafts"}
                /posts:publish /drafts
            {"/a\\*": "/b"}
                /a* /b
                /ab /ab
            {"/a\\+b": "/c"}
                /a+b /c
            {"/caf\u00e9/*": "/$1"}
                /café/posts /posts
        "#;
        let mut file = RoutesFile::parse(README).unwrap();
        for line in cases.lines().map(str::trim) {
            if line.starts_with('{') {
                file = RoutesFile::parse(line).unwrap();
            } else if let Some((url, expected)) = line.split_once(' ') {
                assert_eq!(file.rewriter.apply(url, is_record), expected, "{url}");
            }
        }
    }

    #[test]
    fn a_broken_file_names_the_place() {
        let cases = [
            ("{\n  \"/a\": \"/b\",\n}", (3, 1), ""),
            ("[]", (1, 1), "not an array"),
            ("{\"/a\":\n 5}", (2, 2), "got a number"),
            ("{\n \"a\": \"/b\"}", (2, 2), "does not begin with a slash"),
            ("{\"/a/:id(\": \"/b\"}", (1, 2), "not closed"),
            ("{\"/a/:id([)\": \"/b\"}", (1, 2), "cannot be run"),
            ("{\"/a/:id\":\n\"/b/:x\"}", (2, 1), "uses :x"),
            ("{\"/a/:id\": \"/b/$2\"}", (1, 12), "uses $2"),
        ];
        for (text, (line, column), part) in cases {
            let error = RoutesFile::parse(text).unwrap_err();
            assert!(error.message.contains(part), "{text}: {error}");
            assert_eq!(
                error.place.map(|place| (place.line, place.column)),
                Some((line, column)),
                "{text}: {error}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_rule_makes_it_panic(source in "/[a-z:*()?+$\\\\/é]{0,12}", target in "/[a-z:$0-3?/]{0,12}", url in "/[a-zé/?&+%]{0,12}") {
            let rules = format!("{{{}:{}}}", json::quote(&source), json::quote(&target));
            if let Ok(file) = RoutesFile::parse(&rules) {
                file.rewriter.apply(&url, is_record);
            }
        }
    }
}
