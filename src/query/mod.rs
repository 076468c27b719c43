//! The query of a list request: what its parameters mean, and which records it selects.
//!
//! json-server 0.17 is the base, the syntax of 1.0 is understood beside it; where the two disagree 0.17 wins. In order:
//!
//! 1. [`pairs`] splits and decodes the query string;
//! 2. [`Query::parse`] gives every parameter its meaning, or says which one has none;
//! 3. [`Collection::run`](crate::store::Collection::run) finds the records by an index or a scan, sorts them and cuts out
//!    the page;
//! 4. [`Relations`] puts related records into them (`_embed`, `_expand`).

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

/// What is wrong with a parameter.
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
    /// Another value or operator than the parameter takes.
    Value,
}

/// Why a query cannot be carried out: a client's mistake, to be answered with 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {detail}; for example: {example}")]
pub struct QueryError {
    /// What kind of mistake it is.
    pub fault: Fault,
    /// The name of the parameter as it was sent (decoded where it could be).
    pub parameter: String,
    /// One sentence: what is wrong, with the value that was sent.
    pub detail: String,
    /// A parameter of the same kind that works: `_page=1&_limit=10`. JSON in it is not escaped, so that it can be read.
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

/// Something that the sender of a valid query should know: a field that no record has, a parameter without effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The name of the parameter as it was sent.
    pub parameter: String,
    /// One sentence: what was done and why it may not be what was meant.
    pub detail: String,
    /// The nearest thing that would have had an effect, as it is written in a URL.
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

/// `text` as it is shown in a message: in quotes, cut where it is long.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// How many records are looked at for names to suggest.
const SAMPLE: usize = 500;

/// The fields that a query may be about: those that a record has and those that a rule declares.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    /// The collection whose records are looked at.
    pub collection: Option<&'a Collection>,
    /// The paths that the rules declare.
    pub declared: &'a [&'a str],
    /// On how many fields a query may have conditions.
    pub limit: usize,
    /// How many bytes a pattern may have.
    pub pattern_limit: usize,
    /// What looking for fields and compiling patterns is a part of.
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
            .take_while(|record| self.work.is_none_or(|work| work.goes_on(record.len())))
    }

    /// Whether the field `path` is an array, as the first record that has it shows.
    pub fn is_array(&self, path: &str) -> bool {
        let path = FieldPath::new(path);
        self.records()
            .find_map(|record| path.of(record))
            .is_some_and(|value| Kind::of(value) == Kind::Array)
    }

    /// Whether nothing at all is known: there is no record and no rule.
    pub fn is_blank(&self) -> bool {
        self.declared.is_empty() && self.collection.is_none_or(Collection::is_empty)
    }

    /// The known name nearest to `path`, where one is near enough to be a typing mistake.
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
