//! The indexes of a collection, which let a lookup, a rule, a query or a cascade avoid a scan.
//!
//! Two kinds are there from the start: by id, and one for each rule of unique values. Those over a field, a foreign key
//! or an order are built when they are wanted for the second time. Every write keeps all of them up to date.

mod hash;
mod order;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use imbl::Vector;

use super::record::Record;
use crate::json::{FieldPath, Id};
use crate::rules::UniqueRule;
use crate::work::Work;
use hash::{HashIndex, HashKey};
use order::OrderIndex;

pub use hash::pointers;
pub use order::{SortKey, sorted};

/// How many indexes a collection has at most that are built on demand.
const MAX_ON_DEMAND: usize = 8;
/// What it costs to put a record into an index, in bytes looked at.
const COST: usize = 64;

/// All indexes of a collection.
#[derive(Debug)]
pub struct Indexes {
    /// Two records of the file may have the same id; the first is found by it, the others when that is gone.
    by_id: HashIndex,
    unique: Vec<(Arc<UniqueRule>, HashIndex)>,
    /// The most recently used one is last.
    on_demand: Mutex<Vec<Arc<OnDemand>>>,
}

/// An index that has been wanted at least once. The second time it is built: a query that never comes again does
/// without.
#[derive(Debug, Clone)]
struct OnDemand {
    key: Key,
    built: OnceLock<Index>,
}

/// What records are found or ordered by.
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
        let on_demand = self
            .on_demand
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
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

    /// `update` returns `false` where an index has to be built again.
    fn update_on_demand(&mut self, mut update: impl FnMut(&mut Index) -> bool) {
        let on_demand = self.on_demand.get_mut();
        for index in on_demand.unwrap_or_else(PoisonError::into_inner) {
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
            .candidates(hash::of_id(id))
            .filter(move |record| record.id() == Some(id))
    }

    /// The first rule that keeps a record from being `value`, and the record that has the values already. The record
    /// with the number `own` may be the same.
    pub fn violated_by(
        &self,
        value: &str,
        own: Option<u64>,
    ) -> Option<(&UniqueRule, &Arc<Record>)> {
        self.unique.iter().find_map(|(rule, index)| {
            let key = hash::unique_key(rule, value)?;
            let others = index
                .candidates(hash::of_text(&key))
                .filter(|record| Some(record.number()) != own);
            let mut same = others
                .filter(|record| hash::unique_key(rule, record.value()).as_ref() == Some(&key));
            Some((&**rule, same.next()?))
        })
    }

    /// The first record that has the values of one before it, which a rule says are unique, and that one.
    pub fn first_violation(&self) -> Option<(&UniqueRule, &Record, &Record)> {
        let violations = self.unique.iter().filter_map(|(rule, index)| {
            let key = |record: &Record| hash::unique_key(rule, record.value());
            index
                .first_repeated(|one, other| key(one) == key(other))
                .map(|(later, first)| (&**rule, later, first))
        });
        violations.min_by_key(|(_, later, _)| later.number())
    }

    /// The records whose field `path` may be equal to `value`, in order; `None` where a scan has to find them.
    pub fn equal(
        &self,
        path: &str,
        value: &str,
        records: &Vector<Arc<Record>>,
        work: &Work<'_>,
    ) -> Option<Vec<Arc<Record>>> {
        let key = HashKey::Field(Arc::new(FieldPath::new(path)));
        self.lookup(key, hash::of_text(value), records, work)
    }

    /// The records that may point to `target` by the foreign key `property`, an array of them if `many`, in order;
    /// `None` where a scan has to find them.
    pub fn pointing(
        &self,
        (property, many): (&str, bool),
        target: &Id,
        records: &Vector<Arc<Record>>,
    ) -> Option<Vec<Arc<Record>>> {
        let key = HashKey::Reference {
            property: property.into(),
            many,
        };
        self.lookup(key, hash::of_id(target), records, &Work::unlimited())
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
            .take_while(|_| work.goes_on(COST))
            .cloned()
            .collect();
        found.sort_unstable_by_key(|record| record.number());
        Some(found)
    }

    /// All records in the order of `keys`; `None` where they have to be sorted.
    pub fn sorted(
        &self,
        keys: &[SortKey],
        records: &Vector<Arc<Record>>,
        work: &Work<'_>,
    ) -> Option<Vector<Arc<Record>>> {
        let wanted = self.on_demand(Key::Order(keys.into()), records, work)?;
        match wanted.built.get()? {
            Index::Order(index) => Some(index.records().clone()),
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
            let mut indexes = self
                .on_demand
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
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
        if wanted.built.get().is_none() && !work.goes_on(records.len() * COST) {
            return None;
        }
        wanted.built.get_or_init(|| match &wanted.key {
            Key::Hash(key) => Index::Hash(HashIndex::build(records, key.clone())),
            Key::Order(keys) => Index::Order(OrderIndex::build(records, keys.clone())),
        });
        Some(wanted)
    }
}
