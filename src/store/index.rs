//! From a hash to the records that have it: a compact table of the records as they were at one moment, and the changes
//! since then in persistent trees, so that a snapshot costs nothing and a write little.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet, Vector};

use super::Record;

/// What a record is found by: calls the function with each hash under which it stands.
pub(super) trait Keys: Sync {
    fn each(&self, record: &Record, see: &mut dyn FnMut(u64));
}

/// Records by the hashes of some key of theirs. The key itself is not kept: who asks compares the candidates.
#[derive(Debug, Clone)]
pub(super) struct HashIndex<K> {
    keys: K,
    base: Arc<Base>,
    /// Numbers of the base's records that are gone or changed.
    gone: OrdSet<u64>,
    /// What came since, by hash and number.
    added: OrdMap<(u64, u64), Arc<Record>>,
}

/// A table that never changes. The upper bits of a hash choose a part of `entries`; within a part the records are in
/// order. Where there are many records, each step to another place in memory is felt: this way there are two to a record,
/// and the parts are so few that they are near.
#[derive(Debug)]
struct Base {
    shift: u32,
    /// Where each part begins, and where the last one ends.
    parts: Vec<u32>,
    entries: Vec<(u64, Arc<Record>)>,
}

/// How many entries a part has on average, as a power of two.
const PART: u32 = 2;

impl Base {
    fn of(rows: &Vector<Arc<Record>>, keys: &impl Keys) -> Base {
        let mut entries: Vec<(u64, Arc<Record>)> = Vec::with_capacity(rows.len());
        for record in rows {
            keys.each(record, &mut |hash| entries.push((hash, record.clone())));
        }
        let bits = (entries.len() >> PART).next_power_of_two().trailing_zeros().max(1);
        let shift = 64 - bits;
        let mut parts = vec![0u32; (1 << bits) + 1];
        for (hash, _) in &entries {
            parts[(hash >> shift) as usize + 1] += 1;
        }
        // More records than a `u32` counts do not fit into the memory.
        let mut sum = 0;
        for part in &mut parts {
            sum += *part;
            *part = sum;
        }
        // A stable sort: within a part the records stay in order.
        entries.sort_by_key(|(hash, _)| hash >> shift);
        Base { shift, parts, entries }
    }

    fn find(&self, hash: u64) -> impl Iterator<Item = &Arc<Record>> {
        let part = (hash >> self.shift) as usize;
        let range = self.parts[part] as usize..self.parts[part + 1] as usize;
        let found = self.entries[range].iter().filter(move |(other, _)| *other == hash);
        found.map(|(_, record)| record)
    }
}

impl<K: Keys> HashIndex<K> {
    /// An index of `rows`.
    pub(super) fn of(rows: &Vector<Arc<Record>>, keys: K) -> HashIndex<K> {
        let base = Arc::new(Base::of(rows, &keys));
        HashIndex { keys, base, gone: OrdSet::new(), added: OrdMap::new() }
    }

    /// What records are found by.
    pub(super) fn keys(&self) -> &K {
        &self.keys
    }

    /// The records that may be under `hash`, those of the file first.
    pub(super) fn candidates(&self, hash: u64) -> impl Iterator<Item = &Arc<Record>> {
        let kept = |record: &&Arc<Record>| self.gone.is_empty() || !self.gone.contains(&record.number());
        // One step after the other: to set up an iterator over the tree costs more than most answers hold.
        let next = move |number: u64| {
            let found = self.added.get_next(&(hash, number)).filter(|((other, _), _)| *other == hash);
            found.map(|(_, record)| record)
        };
        let added = std::iter::successors(next(0), move |record| next(record.number() + 1));
        self.base.find(hash).filter(kept).chain(added)
    }

    /// The first record of the table that is the `same` as one before it, and that one.
    pub(super) fn first_repeated(&self, same: impl Fn(&Record, &Record) -> bool) -> Option<(&Record, &Record)> {
        let Base { parts, entries, .. } = &*self.base;
        let of_part = |range: &[u32]| {
            let part = &entries[range[0] as usize..range[1] as usize];
            part.iter().enumerate().find_map(|(at, (hash, later))| {
                let mut before = part[..at].iter().filter(|(other, _)| other == hash);
                before.find(|(_, one)| same(one, later)).map(|(_, one)| (&**later, &**one))
            })
        };
        parts.windows(2).filter_map(of_part).min_by_key(|(later, _)| later.number())
    }

    /// Takes in a new record; `rows` are all records with it.
    pub(super) fn insert(&mut self, record: &Arc<Record>, rows: &Vector<Arc<Record>>) {
        let added = &mut self.added;
        self.keys.each(record, &mut |hash| drop(added.insert((hash, record.number()), record.clone())));
        // A new table costs a look at every record, so it waits until there are as many changes as records.
        if self.added.len() + self.gone.len() > 512 + rows.len() {
            self.base = Arc::new(Base::of(rows, &self.keys));
            (self.gone, self.added) = (OrdSet::new(), OrdMap::new());
        }
    }

    /// Takes out a record.
    pub(super) fn remove(&mut self, record: &Record) {
        let HashIndex { keys, gone, added, .. } = self;
        keys.each(record, &mut |hash| {
            if added.remove(&(hash, record.number())).is_none() {
                gone.insert(record.number());
            }
        });
    }
}

/// A hash of a key's text.
pub(super) fn hash_of(text: &str) -> u64 {
    crate::json::fingerprint(text.as_bytes())
}

/// Ids.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids;

impl Ids {
    pub(super) fn hash(id: &crate::json::Id) -> u64 {
        match id {
            // Fibonacci hashing: ids that follow each other are spread over all parts.
            crate::json::Id::Number(number) => (*number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            crate::json::Id::Text(text) => hash_of(text),
        }
    }
}

impl Keys for Ids {
    fn each(&self, record: &Record, see: &mut dyn FnMut(u64)) {
        if let Some(id) = record.id() {
            see(Ids::hash(id));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::{Id, RecordText};

    fn record(number: u64, id: i64) -> Arc<Record> {
        Arc::new(Record::new(number, Some(Id::Number(id)), RecordText::new("", &format!("{{\"id\":{id}}}"))))
    }

    proptest! {
        /// After any writes the index finds what is there, under every id.
        #[test]
        fn finds_what_a_look_at_all_finds(
            first in 0usize..40,
            writes in prop::collection::vec((0usize..60, 0i64..20, any::<bool>()), 0..1500),
        ) {
            let mut rows: Vector<Arc<Record>> = (0..first as u64).map(|at| record(at, at as i64 % 7)).collect();
            let mut index = HashIndex::of(&rows, Ids);
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
                let of_id = |record: &&Arc<Record>| record.id() == Some(&id);
                let mut found: Vec<u64> =
                    index.candidates(Ids::hash(&id)).filter(of_id).map(|record| record.number()).collect();
                found.sort_unstable();
                let expected: Vec<u64> = rows.iter().filter(of_id).map(|record| record.number()).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
