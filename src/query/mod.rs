//! The query of a list request: what its parameters mean, and which records it selects.
//!
//! json-server 0.17 is the base, and the syntax of 1.0 is supported, too; where the two disagree, 0.17 wins. The steps:
//!
//! 1. [`pairs`] splits and decodes the query string;
//! 2. [`Query::parse`] parses the parameters, or reports an invalid one;
//! 3. [`Collection::run`](crate::store::Collection::run) finds the records by an index or a scan, sorts them and
//!    selects the page;
//! 4. [`Relations`] embeds related records (`_embed`, `_expand`).

mod filter;
mod parameters;
mod parse;
mod pattern;
mod relations;
mod run;

use std::collections::BTreeSet;
use std::fmt;

use crate::json::{self, FieldPath, Kind};
use crate::store::Collection;
use crate::text::nearest;
use crate::work::Work;

pub use parameters::{PageInfo, PageStyle, names_in, pairs, with_page};
pub use parse::Query;
pub use pattern::MAX_PATTERN;
pub use relations::Relations;
pub use run::{Page, Row};

/// The kind of mistake in a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A `%` that no two hexadecimal digits follow, or escapes that are not UTF-8.
    Encoding,
    /// A `_like` pattern that is not a regular expression, or is too large.
    Pattern,
    /// A pattern that is longer than allowed.
    PatternLength,
    /// More patterns than a query may have.
    TooManyPatterns,
    /// Conditions on more fields than a query may have.
    TooManyFields,
    /// A value or operator that the parameter does not support.
    Value,
}

/// Why a query is not valid: a client's mistake, for a 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {detail}; for example: {example}")]
pub struct QueryError {
    /// The kind of mistake.
    pub fault: Fault,
    /// The name of the parameter as it was sent (decoded if possible).
    pub parameter: String,
    /// One sentence: what is wrong, with the value that was sent.
    pub detail: String,
    /// A parameter of the same kind that works: `_page=1&_limit=10`. JSON in it is not escaped, to be readable.
    pub example: String,
}

impl QueryError {
    fn new(
        fault: Fault,
        parameter: &str,
        detail: impl Into<String>,
        example: impl Into<String>,
    ) -> QueryError {
        QueryError {
            fault,
            parameter: parameter.into(),
            detail: detail.into(),
            example: example.into(),
        }
    }
}

/// A hint about a valid query: a field that no record has, a parameter without effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The name of the parameter as it was sent.
    pub parameter: String,
    /// One sentence: what was done and why that may not be what the client meant.
    pub detail: String,
    /// The most similar parameter that would have an effect, as written in a URL.
    pub instead: Option<String>,
}

impl Notice {
    fn new(parameter: &str, detail: impl Into<String>, instead: Option<String>) -> Notice {
        Notice {
            parameter: parameter.to_string(),
            detail: detail.into(),
            instead,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.parameter, self.detail)?;
        match &self.instead {
            Some(instead) => write!(formatter, " Did you mean {instead}?"),
            None => Ok(()),
        }
    }
}

/// `text` as it is shown in a message: in quotes, truncated if it is long.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// How many records the suggested names are taken from.
const SAMPLE: usize = 500;

/// The known fields of a collection: those that a record has and those that a rule declares.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    /// The collection with the records.
    pub collection: Option<&'a Collection>,
    /// The paths that the rules declare.
    pub declared: &'a [&'a str],
    /// How many fields a query may have conditions on.
    pub limit: usize,
    /// How many bytes a pattern may have.
    pub pattern_limit: usize,
    /// The work that the search for fields and the compilation of patterns count towards.
    pub work: Option<&'a Work<'a>>,
}

impl<'a> Fields<'a> {
    /// The fields of `collection` and the paths that the rules declare, without limits.
    pub fn new(collection: Option<&'a Collection>, declared: &'a [&'a str]) -> Fields<'a> {
        Fields {
            collection,
            declared,
            limit: usize::MAX,
            pattern_limit: MAX_PATTERN,
            work: None,
        }
    }

    /// Whether a rule declares `path` or a record has a value there (`null` is one).
    pub fn has(&self, path: &str) -> bool {
        let in_records = |collection: &Collection| {
            if !path.contains(['.', '[']) {
                return collection.has_member(path);
            }
            let path = FieldPath::new(path);
            self.records().any(|record| path.any(record, &mut |_| true))
        };
        self.declared.contains(&path) || self.collection.is_some_and(in_records)
    }

    fn records(&self) -> impl Iterator<Item = &'a str> {
        let rows = self.collection.into_iter().flat_map(Collection::rows);
        rows.map(|record| record.value())
            .take_while(|record| self.work.is_none_or(|work| work.charge(record.len())))
    }

    /// Whether the field `path` is an array in the first record that has it.
    pub fn is_array(&self, path: &str) -> bool {
        let path = FieldPath::new(path);
        self.records()
            .find_map(|record| path.of(record))
            .is_some_and(|value| Kind::of(value) == Kind::Array)
    }

    /// Whether nothing is known: there is no record and no rule.
    pub fn is_blank(&self) -> bool {
        self.declared.is_empty() && self.collection.is_none_or(Collection::is_empty)
    }

    /// The known name most similar to `path`, if it is similar enough for a typo.
    pub fn nearest(&self, path: &str) -> Option<String> {
        let mut names: BTreeSet<String> =
            self.declared.iter().map(|name| name.to_string()).collect();
        self.records()
            .take(SAMPLE)
            .for_each(|record| collect_names(record, "", 3, &mut names));
        nearest(path, names.iter().map(String::as_str)).map(str::to_string)
    }
}

fn collect_names(object: &str, prefix: &str, depth: usize, names: &mut BTreeSet<String>) {
    for member in json::members(object) {
        let name = if prefix.is_empty() {
            member.key.to_string()
        } else {
            format!("{prefix}.{}", member.key)
        };
        if depth > 1 && Kind::of(member.value) == Kind::Object {
            collect_names(member.value, &name, depth - 1, names);
        }
        if names.len() < 1000 {
            names.insert(name);
        }
    }
}

#[cfg(test)]
mod tests;
