//! The indexes of a collection, which spare lookups, unique rules, queries and cascades a scan.
//!
//! Two kinds exist from the start: by id, and one for each unique rule. Those on a field, a foreign key or a sort order
//! are built when they are requested for the second time. Every write keeps all of them up to date.

mod order;

use std::sync::{Arc, OnceLock};

use imbl::{OrdMap, OrdSet, Vector};
use parking_lot::Mutex;

use super::Record;
use crate::json::{
    FieldPath, Id, Kind, Layout, fingerprint, get_member, items, number_text, text_form, unquote,
};
use crate::rules::UniqueRule;
use crate::work::Work;
use order::OrderIndex;

pub use order::{SortKey, sorted};

/// How many indexes a collection has at most that are built on demand.
const MAX_ON_DEMAND: usize = 8;
/// The cost of inserting a record into an index, in bytes read.
const COST: usize = 64;

/// All indexes of a collection.
#[derive(Debug)]
pub struct Indexes {
    /// Two records of the file may have the same id; the others are found when the first is deleted.
    by_id: HashIndex,
    unique: Vec<(Arc<UniqueRule>, HashIndex)>,
    /// The most recently used one is last.
    on_demand: Mutex<Vec<Arc<OnDemand>>>,
}

/// An index that has been requested at least once. It is built the second time, not for a query that is never repeated.
#[derive(Debug, Clone)]
struct OnDemand {
    key: Key,
    built: OnceLock<Index>,
}

/// The key of an index on demand.
#[derive(Debug, Clone, PartialEq)]
enum Key {
    Hash(HashKey),
    Order(Arc<[SortKey]>),
}

#[derive(Debug, Clone)]
enum Index {
    Hash(HashIndex),
    Order(OrderIndex),
}

impl Clone for Indexes {
    fn clone(&self) -> Indexes {
        let on_demand = self.on_demand.lock();
        Indexes {
            by_id: self.by_id.clone(),
            unique: self.unique.clone(),
            on_demand: Mutex::new(on_demand.clone()),
        }
    }
}

impl Indexes {
    /// The indexes of `records`, whose values are unique under `rules`.
    pub fn build(records: &Vector<Arc<Record>>, rules: &[UniqueRule]) -> Indexes {
        let unique = |rule: &UniqueRule| {
            let rule = Arc::new(rule.clone());
            let index = HashIndex::build(records, HashKey::Unique(rule.clone()));
            (rule, index)
        };
        Indexes {
            by_id: HashIndex::build(records, HashKey::Id),
            unique: rules.iter().map(unique).collect(),
            on_demand: Mutex::default(),
        }
    }

    /// Inserts `record`, which must already be in `records`.
    pub fn insert(&mut self, record: &Arc<Record>, records: &Vector<Arc<Record>>) {
        self.by_id.insert(record, records);
        self.unique
            .iter_mut()
            .for_each(|(_, index)| index.insert(record, records));
        self.update_on_demand(|index| match index {
            Index::Hash(index) => {
                index.insert(record, records);
                true
            }
            Index::Order(index) => index.insert(record),
        });
    }

    /// Removes `record`.
    pub fn remove(&mut self, record: &Record) {
        self.by_id.remove(record);
        self.unique
            .iter_mut()
            .for_each(|(_, index)| index.remove(record));
        self.update_on_demand(|index| match index {
            Index::Hash(index) => {
                index.remove(record);
                true
            }
            Index::Order(index) => index.remove(record),
        });
    }

    /// Updates the indexes; `update` returns `false` if an index has to be rebuilt.
    fn update_on_demand(&mut self, mut update: impl FnMut(&mut Index) -> bool) {
        for index in self.on_demand.get_mut() {
            let OnDemand { built, .. } = Arc::make_mut(index);
            if built.get_mut().is_some_and(|index| !update(index)) {
                *built = OnceLock::new();
            }
        }
    }

    /// The records with the id `id`, in no particular order.
    pub fn with_id<'a, 'i>(
        &'a self,
        id: &'i Id,
    ) -> impl Iterator<Item = &'a Arc<Record>> + use<'a, 'i> {
        self.by_id
            .candidates(of_id(id))
            .filter(move |record| record.id() == Some(id))
    }

    /// The first unique rule that `value` violates, and the record that has the values already. The record with the
    /// number `own` is ignored.
    pub fn violated_by(
        &self,
        value: &str,
        own: Option<u64>,
    ) -> Option<(&UniqueRule, &Arc<Record>)> {
        self.unique.iter().find_map(|(rule, index)| {
            let key = unique_key(rule, value)?;
            let others = index
                .candidates(of_text(&key))
                .filter(|record| Some(record.number) != own);
            let mut same =
                others.filter(|record| unique_key(rule, record.value()).as_ref() == Some(&key));
            Some((&**rule, same.next()?))
        })
    }

    /// The first violation of a unique rule: the record that repeats the values, and the earlier one.
    pub fn first_violation(&self) -> Option<(&UniqueRule, &Record, &Record)> {
        let violations = self.unique.iter().filter_map(|(rule, index)| {
            let key = |record: &Record| unique_key(rule, record.value());
            index
                .first_repeated(|one, other| key(one) == key(other))
                .map(|(later, first)| (&**rule, later, first))
        });
        violations.min_by_key(|(_, later, _)| later.number)
    }

    /// The records whose field `path` may be equal to `value`, in order; `None` if a scan is needed.
    pub fn equal(
        &self,
        path: &str,
        value: &str,
        records: &Vector<Arc<Record>>,
        work: &Work<'_>,
    ) -> Option<Vec<Arc<Record>>> {
        let key = HashKey::Field(Arc::new(FieldPath::new(path)));
        self.lookup(key, of_text(value), records, work)
    }

    /// The records that may point to `target` by the foreign key `property`, an array of them if `many`, in order;
    /// `None` if a scan is needed.
    pub fn pointing(
        &self,
        property: &str,
        many: bool,
        target: &Id,
        records: &Vector<Arc<Record>>,
    ) -> Option<Vec<Arc<Record>>> {
        let key = HashKey::Reference {
            property: property.into(),
            many,
        };
        self.lookup(key, of_id(target), records, &Work::unlimited())
    }

    fn lookup(
        &self,
        key: HashKey,
        hash: u64,
        records: &Vector<Arc<Record>>,
        work: &Work<'_>,
    ) -> Option<Vec<Arc<Record>>> {
        let wanted = self.on_demand(Key::Hash(key), records, work)?;
        let Index::Hash(index) = wanted.built.get()? else {
            return None;
        };
        let mut found: Vec<_> = index
            .candidates(hash)
            .take_while(|_| work.charge(COST))
            .cloned()
            .collect();
        found.sort_unstable_by_key(|record| record.number);
        Some(found)
    }

    /// All records in the order of `keys`; `None` if they have to be sorted.
    pub fn sorted(
        &self,
        keys: &[SortKey],
        records: &Vector<Arc<Record>>,
        work: &Work<'_>,
    ) -> Option<Vector<Arc<Record>>> {
        let wanted = self.on_demand(Key::Order(keys.into()), records, work)?;
        match wanted.built.get()? {
            Index::Order(index) => Some(index.records.clone()),
            Index::Hash(_) => None,
        }
    }

    fn on_demand(
        &self,
        key: Key,
        records: &Vector<Arc<Record>>,
        work: &Work<'_>,
    ) -> Option<Arc<OnDemand>> {
        let wanted = {
            let mut indexes = self.on_demand.lock();
            let Some(known) = indexes.iter().position(|index| index.key == key) else {
                if indexes.len() == MAX_ON_DEMAND {
                    indexes.remove(0);
                }
                indexes.push(Arc::new(OnDemand {
                    key,
                    built: OnceLock::new(),
                }));
                return None;
            };
            indexes[known..].rotate_left(1);
            indexes.last()?.clone()
        };
        if wanted.built.get().is_none() && !work.charge(records.len() * COST) {
            return None;
        }
        wanted.built.get_or_init(|| match &wanted.key {
            Key::Hash(key) => Index::Hash(HashIndex::build(records, key.clone())),
            Key::Order(keys) => Index::Order(OrderIndex::build(records, keys.clone())),
        });
        Some(wanted)
    }
}

/// The key of a hash index.
#[derive(Debug, Clone, PartialEq)]
enum HashKey {
    /// Its id.
    Id,
    /// The values of a unique rule.
    Unique(Arc<UniqueRule>),
    /// Every text form that a field is equal to.
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
    /// Calls `see` with each hash of `record`, possibly with repetitions.
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
fn of_text(text: &str) -> u64 {
    fingerprint(text.as_bytes())
}

/// The hash of an id.
fn of_id(id: &Id) -> u64 {
    match id {
        Id::Number(number) => number.cast_unsigned(),
        Id::Text(text) => of_text(text),
    }
}

/// The ids that the foreign key `property` of `record` points to; `many`: it is an array.
pub fn pointers(record: &str, property: &str, many: bool) -> Vec<Id> {
    match get_member(record, property) {
        Some(list) if many => items(list).filter_map(Id::from_json).collect(),
        Some(pointer) => Id::from_json(pointer).into_iter().collect(),
        None => Vec::new(),
    }
}

/// Calls `see` with every text that the field `path` of `record` is equal to: two for a number that is not spelt as
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

/// The values of `record` under `rule`, as one text; `None` if one is missing or null: such a record never violates the
/// rule.
fn unique_key(rule: &UniqueRule, record: &str) -> Option<String> {
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

/// A hash index: a sorted table of the records at one moment, and the changes since then in persistent trees, so that
/// snapshots are free and writes cheap. The keys themselves are not stored: callers compare the candidates.
#[derive(Debug, Clone)]
struct HashIndex {
    key: HashKey,
    /// The records at some moment, sorted by hash and number.
    table: Arc<Vec<(u64, Arc<Record>)>>,
    /// Numbers of the table's records that have been removed or replaced.
    removed: OrdSet<u64>,
    /// Records added since, by hash and number.
    added: OrdMap<(u64, u64), Arc<Record>>,
}

impl HashIndex {
    /// An index of `records`.
    fn build(records: &Vector<Arc<Record>>, key: HashKey) -> HashIndex {
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
    fn candidates(&self, hash: u64) -> impl Iterator<Item = &Arc<Record>> {
        let start = self.table.partition_point(|(other, _)| *other < hash);
        let of_table = self.table[start..]
            .iter()
            .take_while(move |(other, _)| *other == hash)
            .map(|(_, record)| record);
        let kept = of_table.filter(move |record| {
            self.removed.is_empty() || !self.removed.contains(&record.number)
        });
        // Step by step: for most lookups, setting up a tree iterator would cost more than the lookup.
        let next = move |number: u64| {
            let found = self
                .added
                .get_next(&(hash, number))
                .filter(|((other, _), _)| *other == hash);
            found.map(|(_, record)| record)
        };
        kept.chain(std::iter::successors(next(0), move |record| {
            next(record.number + 1)
        }))
    }

    /// The first record of the table that is the `same` as an earlier one, and that one.
    fn first_repeated(
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
        repeated.min_by_key(|(later, _)| later.number)
    }

    /// Inserts `record`, which must already be in `records`.
    fn insert(&mut self, record: &Arc<Record>, records: &Vector<Arc<Record>>) {
        self.key.each_hash(record, &mut |hash| {
            drop(self.added.insert((hash, record.number), record.clone()))
        });
        // A new table costs a scan, so it is built when there are as many changes as records (amortised).
        if self.added.len() + self.removed.len() > 512 + records.len() {
            *self = HashIndex::build(records, self.key.clone());
        }
    }

    /// Removes `record`.
    fn remove(&mut self, record: &Record) {
        self.key.each_hash(record, &mut |hash| {
            if self.added.remove(&(hash, record.number)).is_none() {
                self.removed.insert(record.number);
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
                        let new = record(old.number, id);
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
                    index.candidates(of_id(&id)).filter(has_id).map(|record| record.number).collect();
                found.sort_unstable();
                let expected: Vec<u64> = rows.iter().filter(has_id).map(|record| record.number).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
