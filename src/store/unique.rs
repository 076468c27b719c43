use std::sync::Arc;

use imbl::HashMap;

use super::Record;
use crate::json::{Kind, Layout, get_member, unquote};

/// Properties whose values, taken together, no two records of a collection may share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueRule {
    /// The properties; one, or several for a composite.
    pub properties: Vec<UniqueProperty>,
}

/// A property that takes part in a [`UniqueRule`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueProperty {
    /// Its name.
    pub name: String,
    /// Strings compare without case, as e-mail addresses do.
    pub fold_case: bool,
}

impl UniqueRule {
    /// The text under which `record` stands in the index; `None` where a property is missing or null, as such a record
    /// collides with no other.
    pub(super) fn key(&self, record: &str) -> Option<String> {
        let mut key = String::new();
        for property in &self.properties {
            let value = get_member(record, &property.name)?;
            match Kind::of(value) {
                Kind::Null => return None,
                Kind::String if property.fold_case => {
                    key.push('"');
                    key.push_str(&unquote(value).to_lowercase());
                }
                Kind::String => {
                    key.push('"');
                    key.push_str(&unquote(value));
                }
                _ => key.push_str(&Layout::MINIFIED.render(value, "")),
            }
            key.push('\u{0}');
        }
        Some(key)
    }

    /// The properties with the values that `record` has there, as JSON text.
    pub(super) fn values(&self, record: &str) -> Vec<(String, String)> {
        let value = |name: &str| get_member(record, name).unwrap_or("null").to_string();
        self.properties.iter().map(|property| (property.name.clone(), value(&property.name))).collect()
    }
}

/// A rule and the records that it holds apart.
#[derive(Debug, Clone)]
pub(super) struct UniqueIndex {
    pub(super) rule: UniqueRule,
    records: HashMap<String, Arc<Record>>,
}

impl UniqueIndex {
    pub(super) fn new(rule: UniqueRule) -> UniqueIndex {
        UniqueIndex { rule, records: HashMap::new() }
    }

    /// The record other than `own` that has the values which `value` has.
    pub(super) fn holder(&self, value: &str, own: Option<u64>) -> Option<&Arc<Record>> {
        let holder = self.records.get(&self.rule.key(value)?)?;
        (Some(holder.number()) != own).then_some(holder)
    }

    pub(super) fn insert(&mut self, record: &Arc<Record>) {
        if let Some(key) = self.rule.key(record.value()) {
            self.records.insert(key, record.clone());
        }
    }

    pub(super) fn remove(&mut self, record: &Record) {
        if let Some(key) = self.rule.key(record.value()) {
            self.records.remove(&key);
        }
    }
}
