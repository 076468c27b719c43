//! An index from hashes to records: a sorted table of the records at one moment, and the changes since then in
//! persistent trees, so that a snapshot costs nothing and a write little.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet, Vector};

use crate::json::{
    FieldPath, Id, Kind, Layout, fingerprint, get_member, items, number_text, text_form, unquote,
};
use crate::rules::UniqueRule;
use crate::store::record::Record;

/// What a record is found by.
#[derive(Debug, Clone, PartialEq)]
pub enum HashKey {
    /// Its id.
    Id,
    /// The values that a rule says are unique.
    Unique(Arc<UniqueRule>),
    /// Every text that a field is equal to.
    Field(Arc<FieldPath>),
    /// The ids that a foreign key holds.
    Reference {
        /// The foreign key.
        property: Arc<str>,
        /// It is an array of ids.
        many: bool,
    },
}

impl HashKey {
    /// Calls `see` with each hash of `record`, perhaps more than once.
    fn each_hash(&self, record: &Record, see: &mut dyn FnMut(u64)) {
        match self {
            HashKey::Id => record.id().map(of_id).into_iter().for_each(see),
            HashKey::Unique(rule) => {
                unique_key(rule, record.value())
                    .map(|key| of_text(&key))
                    .into_iter()
                    .for_each(see);
            }
            HashKey::Field(path) => each_text(path, record.value(), &mut |text| see(of_text(text))),
            HashKey::Reference { property, many } => {
                pointers(record.value(), property, *many)
                    .iter()
                    .map(of_id)
                    .for_each(see);
            }
        }
    }
}

/// The hash of a text.
pub fn of_text(text: &str) -> u64 {
    fingerprint(text.as_bytes())
}

/// The hash of an id.
pub fn of_id(id: &Id) -> u64 {
    match id {
        Id::Number(number) => number.cast_unsigned(),
        Id::Text(text) => of_text(text),
    }
}

/// What the foreign key `property` of `record` points to; `many`: it is an array.
pub fn pointers(record: &str, property: &str, many: bool) -> Vec<Id> {
    match get_member(record, property) {
        Some(list) if many => items(list).filter_map(Id::from_json).collect(),
        Some(pointer) => Id::from_json(pointer).into_iter().collect(),
        None => Vec::new(),
    }
}

/// Calls `see` with every text that the field `path` of `record` is equal to: a number has two where it is not spelt as
/// JavaScript prints it.
fn each_text(path: &FieldPath, record: &str, see: &mut dyn FnMut(&str)) {
    path.any(record, &mut |value| {
        match Kind::of(value) {
            Kind::Null => {}
            Kind::Number => {
                let printed = number_text(value);
                see(&printed);
                if printed != value {
                    see(value);
                }
            }
            _ => see(&text_form(value)),
        }
        false
    });
}

/// The values of `record` that `rule` is about, as one text; `None` where one is missing or null, as such a record
/// collides with no other.
pub fn unique_key(rule: &UniqueRule, record: &str) -> Option<String> {
    let mut key = String::with_capacity(64);
    for property in &rule.properties {
        let value = get_member(record, &property.name)?;
        match Kind::of(value) {
            Kind::Null => return None,
            Kind::String => {
                key.push('"');
                let text = unquote(value);
                key.push_str(&if property.fold_case {
                    text.to_lowercase().into()
                } else {
                    text
                });
            }
            _ => key.push_str(&Layout::MINIFIED.render(value, "")),
        }
        key.push('\u{0}');
    }
    Some(key)
}

/// Records by hashes. The keys themselves are not stored: callers compare the candidates.
#[derive(Debug, Clone)]
pub struct HashIndex {
    key: HashKey,
    /// The records at some moment, sorted by hash and number.
    table: Arc<Vec<(u64, Arc<Record>)>>,
    /// Numbers of the table's records that have been removed or replaced.
    removed: OrdSet<u64>,
    /// What came since, by hash and number.
    added: OrdMap<(u64, u64), Arc<Record>>,
}

impl HashIndex {
    /// An index of `records`.
    pub fn build(records: &Vector<Arc<Record>>, key: HashKey) -> HashIndex {
        let mut table: Vec<(u64, Arc<Record>)> = Vec::with_capacity(records.len());
        for record in records {
            key.each_hash(record, &mut |hash| table.push((hash, record.clone())));
        }
        // A stable sort: records with the same hash stay in order.
        table.sort_by_key(|(hash, _)| *hash);
        table
            .dedup_by(|(one, record), (other, before)| one == other && Arc::ptr_eq(record, before));
        HashIndex {
            key,
            table: Arc::new(table),
            removed: OrdSet::new(),
            added: OrdMap::new(),
        }
    }

    /// The records that may be under `hash`, those of the table first.
    pub fn candidates(&self, hash: u64) -> impl Iterator<Item = &Arc<Record>> {
        let start = self.table.partition_point(|(other, _)| *other < hash);
        let of_table = self.table[start..]
            .iter()
            .take_while(move |(other, _)| *other == hash)
            .map(|(_, record)| record);
        let kept = of_table.filter(move |record| {
            self.removed.is_empty() || !self.removed.contains(&record.number())
        });
        // One step after the other: setting up an iterator over the tree costs more than most lookups find.
        let next = move |number: u64| {
            let found = self
                .added
                .get_next(&(hash, number))
                .filter(|((other, _), _)| *other == hash);
            found.map(|(_, record)| record)
        };
        kept.chain(std::iter::successors(next(0), move |record| {
            next(record.number() + 1)
        }))
    }

    /// The first record of the table that is the `same` as one before it, and that one.
    pub fn first_repeated(
        &self,
        same: impl Fn(&Record, &Record) -> bool,
    ) -> Option<(&Record, &Record)> {
        let of_hash = self
            .table
            .chunk_by(|(one, _), (other, _)| one == other)
            .filter(|chunk| chunk.len() > 1);
        let repeated = of_hash.filter_map(|chunk| {
            chunk.iter().enumerate().find_map(|(at, (_, later))| {
                let before = chunk[..at].iter().find(|(_, before)| same(before, later))?;
                Some((&**later, &*before.1))
            })
        });
        repeated.min_by_key(|(later, _)| later.number())
    }

    /// Inserts `record`, which must already be in `records`.
    pub fn insert(&mut self, record: &Arc<Record>, records: &Vector<Arc<Record>>) {
        let added = &mut self.added;
        self.key.each_hash(record, &mut |hash| {
            drop(added.insert((hash, record.number()), record.clone()))
        });
        // A new table needs a scan, so it waits until there are as many changes as records.
        if self.added.len() + self.removed.len() > 512 + records.len() {
            *self = HashIndex::build(records, self.key.clone());
        }
    }

    /// Removes `record`.
    pub fn remove(&mut self, record: &Record) {
        let HashIndex {
            key,
            removed,
            added,
            ..
        } = self;
        key.each_hash(record, &mut |hash| {
            if added.remove(&(hash, record.number())).is_none() {
                removed.insert(record.number());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::RecordText;

    fn record(number: u64, id: i64) -> Arc<Record> {
        Arc::new(Record::new(
            number,
            Some(Id::Number(id)),
            RecordText::new("", &format!("{{\"id\":{id}}}")),
        ))
    }

    #[test]
    fn a_field_is_indexed_by_every_text_that_it_is_equal_to() {
        let values = [
            "1",
            "1.0",
            "1e3",
            "\"a\\nb\"",
            "\"1\"",
            "null",
            "true",
            "[1,null,\"b\"]",
            "{}",
            "-0",
        ];
        let wanted = [
            "1",
            "1.0",
            "1e3",
            "1000",
            "a\nb",
            "null",
            "true",
            "1,,b",
            "[object Object]",
            "0",
            "-0",
            "",
        ];
        for value in values {
            let record = format!("{{\"v\":{value}}}");
            for wanted in wanted {
                let mut found = false;
                each_text(&FieldPath::new("v"), &record, &mut |text| {
                    found |= text == wanted
                });
                assert_eq!(
                    found,
                    crate::json::is_text(value, wanted),
                    "{value} {wanted}"
                );
            }
        }
    }

    proptest! {
        /// After any writes the index finds what a scan finds, under every id.
        #[test]
        fn finds_what_a_scan_finds(
            first in 0usize..40,
            writes in prop::collection::vec((0usize..60, 0i64..20, any::<bool>()), 0..1500),
        ) {
            let mut rows: Vector<Arc<Record>> = (0..first as u64).map(|at| record(at, at as i64 % 7)).collect();
            let mut index = HashIndex::build(&rows, HashKey::Id);
            let mut next = first as u64;
            for (place, id, replaces) in writes {
                match rows.get(place).cloned() {
                    Some(old) if replaces => {
                        let new = record(old.number(), id);
                        rows.set(place, new.clone());
                        index.remove(&old);
                        index.insert(&new, &rows);
                    }
                    Some(old) => {
                        rows.remove(place);
                        index.remove(&old);
                    }
                    None => {
                        let new = record(next, id);
                        next += 1;
                        rows.push_back(new.clone());
                        index.insert(&new, &rows);
                    }
                }
            }
            for id in 0..20 {
                let id = Id::Number(id);
                let has_id = |record: &&Arc<Record>| record.id() == Some(&id);
                let mut found: Vec<u64> =
                    index.candidates(of_id(&id)).filter(has_id).map(|record| record.number()).collect();
                found.sort_unstable();
                let expected: Vec<u64> = rows.iter().filter(has_id).map(|record| record.number()).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
