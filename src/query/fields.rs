//! The fields that a query may be about.

use std::collections::BTreeSet;

use super::pattern::MAX_PATTERN;
use crate::json::{self, FieldPath, Kind};
use crate::store::Collection;
use crate::text::nearest;
use crate::work::Work;

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
