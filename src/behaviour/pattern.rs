//! The keys of rules: a method and a path with parameters.

use std::borrow::Cow;

use crate::text::{list, nearest};

/// The methods that rules are for.
pub const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// The key of a rule: `POST /todos/:id/done`.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// `None`: any method.
    pub(crate) method: Option<String>,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    // In order of precedence.
    Literal(String),
    /// `:name`
    Parameter(String),
    /// `*`: one segment.
    One,
    /// `**`: any number of segments.
    Rest,
}

/// The values of a path's parameters by name.
pub type Parameters = Vec<(String, String)>;

impl Pattern {
    /// Parses a key: a path, optionally after a method.
    ///
    /// # Errors
    /// The key is not valid: the message, and how to fix it.
    pub(super) fn parse(key: &str) -> Result<Pattern, (String, String)> {
        let (method, path) = match key.split_once(char::is_whitespace) {
            Some((method, path)) => (Some(method), path.trim_start()),
            None => (None, key),
        };
        let method = match method {
            None | Some("*") => None,
            Some(method) if METHODS.contains(&method) => Some(method.to_string()),
            Some(method) => {
                let known = METHODS.map(String::from);
                let hint = match nearest(method, METHODS) {
                    Some(meant) => format!("did you mean \"{meant} {path}\"?"),
                    None => format!("the methods are {}, and * for all of them", list(&known)),
                };
                return Err((format!("{method:?} is not a method"), hint));
            }
        };
        if !path.starts_with('/') {
            let method = method.map_or_else(String::new, |method| method + " ");
            return Err((
                format!("the path of the rule {key:?} does not begin with a slash"),
                format!("write \"{method}/{path}\""),
            ));
        }
        if path.contains('?') {
            return Err((
                format!("the path of the rule {key:?} has a query"),
                "write the query as {\"match\": {\"query\": {...}}}".into(),
            ));
        }
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let segments = segments.map(|segment| match segment {
            "*" => Ok(Segment::One),
            "**" => Ok(Segment::Rest),
            _ if segment.contains('*') => Err((
                format!("{segment:?} in the rule {key:?} mixes * with other characters"),
                "* stands for one whole segment, ** for any number of them".into(),
            )),
            _ => match segment.strip_prefix(':') {
                Some(name) if !name.is_empty() => Ok(Segment::Parameter(name.to_string())),
                _ => Ok(Segment::Literal(lowercase(segment).collect())),
            },
        });
        Ok(Pattern {
            method,
            segments: segments.collect::<Result<_, _>>()?,
        })
    }

    /// The names of its parameters.
    pub(super) fn parameters(&self) -> Vec<&str> {
        let segments = self.segments.iter();
        let names = segments.filter_map(|segment| match segment {
            Segment::Parameter(name) => Some(name.as_str()),
            _ => None,
        });
        names.collect()
    }

    /// The parameters of `path` (decoded segments), if the pattern matches it and `method`. GET also matches HEAD; case
    /// is ignored, as in the names of resources.
    pub(crate) fn matches(&self, method: &str, path: &[Cow<'_, str>]) -> Option<Parameters> {
        let is_for = |own: &str| own == method || (own == "GET" && method == "HEAD");
        if !self.method.as_deref().is_none_or(is_for) {
            return None;
        }
        let mut parameters = Vec::new();
        matches(&self.segments, path, &mut parameters).then_some(parameters)
    }

    /// Why it does not match a request; `None`: it matches.
    pub(super) fn mismatch(&self, method: &str, path: &[Cow<'_, str>]) -> Option<String> {
        if self.matches(method, path).is_some() {
            return None;
        }
        let own = self.method.as_deref().unwrap_or(method);
        Some(match self.matches(own, path) {
            Some(_) => format!("it is for {own}"),
            None => "its path does not match".into(),
        })
    }

    /// Whether both match the same requests.
    pub(super) fn is_same(&self, other: &Pattern) -> bool {
        let shape = |pattern: &Pattern| {
            let segments = pattern.segments.iter().map(|segment| match segment {
                Segment::Parameter(_) => Segment::One,
                other => other.clone(),
            });
            (pattern.method.clone(), segments.collect::<Vec<_>>())
        };
        shape(self) == shape(other)
    }

    /// The specificity, smallest first: by segments, then by method.
    pub(super) fn rank(&self) -> impl Ord + use<> {
        let rank = |segment: &Segment| match segment {
            Segment::Literal(_) => 0,
            Segment::Parameter(_) | Segment::One => 1,
            Segment::Rest => 3,
        };
        // A path that ends is more specific than one with `**`.
        let mut ranks: Vec<u8> = self.segments.iter().map(rank).collect();
        ranks.push(2);
        (ranks, self.method.is_none())
    }

    /// A path that it matches.
    pub(super) fn example(&self) -> String {
        let segments = self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(text) => Some(format!("/{text}")),
            Segment::Parameter(_) | Segment::One => Some("/x".into()),
            Segment::Rest => None,
        });
        segments.collect()
    }
}

fn matches(pattern: &[Segment], path: &[Cow<'_, str>], parameters: &mut Parameters) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return path.is_empty();
    };
    if *first == Segment::Rest {
        // Backtracking is fine: patterns are short, and the user's own.
        return (0..=path.len()).any(|skipped| {
            let known = parameters.len();
            let found = matches(rest, &path[skipped..], parameters);
            if !found {
                parameters.truncate(known);
            }
            found
        });
    }
    let Some((segment, tail)) = path.split_first() else {
        return false;
    };
    match first {
        Segment::Literal(text) if !is_same(text, segment) => return false,
        Segment::Parameter(name) => parameters.push((name.clone(), segment.to_string())),
        _ => {}
    }
    matches(rest, tail, parameters)
}

/// Whether `segment` in lower case is `text`.
fn is_same(text: &str, segment: &str) -> bool {
    match segment.is_ascii() {
        true => text.eq_ignore_ascii_case(segment),
        false => lowercase(segment).eq(text.chars()),
    }
}

fn lowercase(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(path: &str) -> Vec<Cow<'_, str>> {
        path.split('/')
            .filter(|segment| !segment.is_empty())
            .map(Cow::Borrowed)
            .collect()
    }

    #[test]
    fn patterns_match_methods_and_segments() {
        for (key, method, path, expected) in [
            ("/a", "GET", "/a", true),
            ("/a", "DELETE", "/A", true),
            ("GET /a", "HEAD", "/a", true),
            ("GET /a", "POST", "/a", false),
            ("* /a/**", "PUT", "/a", true),
            ("/a/**", "PUT", "/a/b/c", true),
            ("/a/*", "PUT", "/a/b/c", false),
            ("/a/*", "PUT", "/a", false),
            ("/**/c", "GET", "/a/b/c", true),
            ("/a/:id/done", "GET", "/a/7/done", true),
            ("/", "GET", "/", true),
        ] {
            let pattern = Pattern::parse(key).unwrap();
            let matched = pattern.matches(method, &split(path)).is_some();
            assert_eq!(matched, expected, "{key} {method} {path}");
        }
        let pattern = Pattern::parse("/a/:id/:name").unwrap();
        let found = pattern.matches("GET", &split("/a/7/X")).unwrap();
        assert_eq!(
            found,
            [("id".into(), "7".into()), ("name".into(), "X".into())]
        );
    }

    #[test]
    fn the_most_specific_comes_first() {
        let keys = [
            "GET /a/b",
            "/a/b",
            "/a/b/**",
            "GET /a/:id",
            "/a/*",
            "/a/**",
            "* /**",
        ];
        let mut sorted = keys;
        sorted.reverse();
        sorted.sort_by_key(|key| Pattern::parse(key).unwrap().rank());
        assert_eq!(sorted, keys);
    }
}
