use std::sync::Arc;

use imbl::Vector;

use super::Record;
use super::index::{HashIndex, Keys, hash_of};
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
        let mut key = String::with_capacity(64);
        for property in &self.properties {
            let value = get_member(record, &property.name)?;
            match Kind::of(value) {
                Kind::Null => return None,
                Kind::String if property.fold_case => {
                    key.push('"');
                    let (start, value) = (key.len(), unquote(value));
                    if value.is_ascii() {
                        key.push_str(&value);
                        key[start..].make_ascii_lowercase();
                    } else {
                        key.push_str(&value.to_lowercase());
                    }
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

impl Keys for Arc<UniqueRule> {
    fn each(&self, record: &Record, see: &mut dyn FnMut(u64)) {
        if let Some(key) = self.key(record.value()) {
            see(hash_of(&key));
        }
    }
}

/// A rule and the records that it holds apart.
#[derive(Debug, Clone)]
pub(super) struct UniqueIndex {
    records: HashIndex<Arc<UniqueRule>>,
}

impl UniqueIndex {
    /// The index of `rows` under `rule`.
    pub(super) fn of(rows: &Vector<Arc<Record>>, rule: UniqueRule) -> UniqueIndex {
        UniqueIndex { records: HashIndex::of(rows, Arc::new(rule)) }
    }

    pub(super) fn rule(&self) -> &UniqueRule {
        self.records.keys()
    }

    /// The record other than `own` that has the values which `value` has; of several the first.
    pub(super) fn holder(&self, value: &str, own: Option<u64>) -> Option<&Arc<Record>> {
        let key = self.rule().key(value)?;
        self.records
            .candidates(hash_of(&key))
            .filter(|record| Some(record.number()) != own)
            .find(|record| self.rule().key(record.value()).as_ref() == Some(&key))
    }

    /// The first record of the file that has the values of one before it, and that one.
    pub(super) fn first_repeated(&self) -> Option<(&Record, &Record)> {
        self.records.first_repeated(|one, other| self.rule().key(one.value()) == self.rule().key(other.value()))
    }

    pub(super) fn insert(&mut self, record: &Arc<Record>, rows: &Vector<Arc<Record>>) {
        self.records.insert(record, rows);
    }

    pub(super) fn remove(&mut self, record: &Record) {
        self.records.remove(record);
    }
}
