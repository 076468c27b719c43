//! What spares a query the look at all records. Indexes by field and by order are made when they have been asked for
//! twice, kept up to date by every write, and dropped when nobody asks for them any more; a text of all records, and the
//! names that are no fields, are dropped by the next write.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};

use imbl::Vector;

use super::Record;
use super::haystack::Haystack;
use super::index::{HashIndex, Ids, Keys, hash_of};
use super::ordered::Ordered;
use super::query::{Absent, Field, SortKey, order};
use super::refer::Link;
use crate::json::Id;

/// How often an aid is asked for before it is made: a query that never comes again does without.
const ASKED: u32 = 2;
/// How many aids a collection has at most.
const MOST: usize = 8;
/// After so many writes without a use an aid is dropped.
const IDLE_WRITES: u32 = 10_000;

/// The aids of a collection. A clone, which is made for a write, shares nothing but the counts of uses, so that the write
/// changes its own.
#[derive(Debug, Default)]
pub(super) struct Aids {
    indexes: Mutex<Vec<Arc<Aid>>>,
    /// What a write drops, since it costs a look at all records to make it anew, and no write to do without.
    of_now: OfNow,
}

/// What holds for the records as they are.
#[derive(Debug, Default)]
pub(super) struct OfNow {
    pub(super) haystack: Haystack,
    pub(super) absent: Absent,
}

#[derive(Debug, Clone)]
struct Aid {
    subject: Subject,
    uses: Arc<Uses>,
    made: OnceLock<Made>,
}

#[derive(Debug, Clone)]
enum Subject {
    Equal(Arc<Field>),
    Pointing(Arc<Link>),
    Order(Arc<[SortKey]>),
}

#[derive(Debug, Default)]
struct Uses {
    asked: AtomicU32,
    idle_writes: AtomicU32,
    is_being_made: AtomicBool,
}

#[derive(Debug, Clone)]
enum Made {
    Equal(HashIndex<Texts>),
    Pointing(HashIndex<Pointers>),
    Order(Ordered),
}

/// The ids to which a foreign key points.
#[derive(Debug, Clone)]
struct Pointers(Arc<Link>);

impl Keys for Pointers {
    fn each(&self, record: &Record, see: &mut dyn FnMut(u64)) {
        let mut hashes: Vec<u64> = self.0.pointers(record.value()).iter().map(Ids::hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes.into_iter().for_each(see);
    }
}

/// The texts to which a field is equal.
#[derive(Debug, Clone)]
struct Texts(Arc<Field>);

impl Keys for Texts {
    fn each(&self, record: &Record, see: &mut dyn FnMut(u64)) {
        // Items of one array may be equal to the same text.
        let mut seen = Vec::new();
        self.0.each_text(record.value(), &mut |text| {
            let hash = hash_of(text);
            if !seen.contains(&hash) {
                seen.push(hash);
                see(hash);
            }
        });
    }
}

impl Made {
    fn of(subject: &Subject, rows: &Vector<Arc<Record>>) -> Made {
        match subject {
            Subject::Equal(field) => Made::Equal(HashIndex::of(rows, Texts(field.clone()))),
            Subject::Pointing(link) => Made::Pointing(HashIndex::of(rows, Pointers(link.clone()))),
            Subject::Order(keys) => Made::Order(Ordered::of(rows, order(keys))),
        }
    }
}

impl Clone for Aids {
    fn clone(&self) -> Aids {
        let Ok(aids) = self.indexes.lock() else { return Aids::default() };
        // A clone is made for a write.
        let used = |aid: &&Arc<Aid>| aid.uses.idle_writes.fetch_add(1, Relaxed) < IDLE_WRITES;
        let indexes = Mutex::new(aids.iter().filter(used).map(|aid| Arc::new(Aid::clone(aid))).collect());
        Aids { indexes, of_now: OfNow::default() }
    }
}

impl Aids {
    /// What the next write drops.
    pub(super) fn of_now(&self) -> &OfNow {
        &self.of_now
    }

    /// The records whose field `path` may be equal to `value`, in order; `None` where all have to be looked at.
    pub(super) fn equal(&self, path: &str, value: &str, rows: &Vector<Arc<Record>>) -> Option<Vec<Arc<Record>>> {
        let is_it = |subject: &Subject| matches!(subject, Subject::Equal(field) if field.path() == path);
        let aid = self.ask(is_it, || Subject::Equal(Arc::new(Field::new(path))), rows)?;
        let Made::Equal(index) = aid.made.get()? else { return None };
        let mut found: Vec<_> = index.candidates(hash_of(value)).cloned().collect();
        found.sort_unstable_by_key(|record| record.number());
        Some(found)
    }

    /// The records that may point to `target` by `link`, in order; `None` where all have to be looked at.
    pub(super) fn pointing(&self, link: &Link, target: &Id, rows: &Vector<Arc<Record>>) -> Option<Vec<Arc<Record>>> {
        let is_it = |subject: &Subject| matches!(subject, Subject::Pointing(known) if (&known.key, known.many) == (&link.key, link.many));
        let aid = self.ask(is_it, || Subject::Pointing(Arc::new(link.clone())), rows)?;
        let Made::Pointing(index) = aid.made.get()? else { return None };
        let mut found: Vec<_> = index.candidates(Ids::hash(target)).cloned().collect();
        found.sort_unstable_by_key(|record| record.number());
        Some(found)
    }

    /// All records in the order that `keys` ask for; `None` where it has to be found out.
    pub(super) fn sorted(&self, keys: &[SortKey], rows: &Vector<Arc<Record>>) -> Option<Vector<Arc<Record>>> {
        let is_it = |subject: &Subject| matches!(subject, Subject::Order(known) if order(known).is(keys));
        let aid = self.ask(is_it, || Subject::Order(keys.into()), rows)?;
        let Made::Order(ordered) = aid.made.get()? else { return None };
        Some(ordered.rows().clone())
    }

    fn ask(
        &self,
        is_it: impl Fn(&Subject) -> bool,
        subject: impl FnOnce() -> Subject,
        rows: &Vector<Arc<Record>>,
    ) -> Option<Arc<Aid>> {
        let aid = {
            let mut aids = self.indexes.lock().ok()?;
            match aids.iter().find(|aid| is_it(&aid.subject)) {
                Some(aid) => aid.clone(),
                None => {
                    if aids.len() >= MOST
                        && let Some((least, _)) =
                            aids.iter().enumerate().min_by_key(|(_, aid)| aid.uses.asked.load(Relaxed))
                    {
                        aids.swap_remove(least);
                    }
                    let aid = Arc::new(Aid { subject: subject(), uses: Arc::default(), made: OnceLock::new() });
                    aids.push(aid.clone());
                    aid
                }
            }
        };
        let uses = &aid.uses;
        uses.idle_writes.store(0, Relaxed);
        let asked = uses.asked.fetch_add(1, Relaxed) + 1;
        if aid.made.get().is_none() {
            // One reader makes it, the others look at all records meanwhile.
            if asked < ASKED || uses.is_being_made.swap(true, Relaxed) {
                return None;
            }
            let made = Made::of(&aid.subject, rows);
            uses.is_being_made.store(false, Relaxed);
            // Should another have been quicker, its aid is as good.
            let _ = aid.made.set(made);
        }
        Some(aid)
    }

    /// Takes in a new record; `rows` are all records with it. An aid that a reader has asked for, and made for a
    /// snapshot that is old by now, is made here.
    pub(super) fn insert(&mut self, record: &Arc<Record>, rows: &Vector<Arc<Record>>) {
        self.each(|aid| {
            let stays = match aid.made.get_mut() {
                Some(Made::Equal(index)) => {
                    index.insert(record, rows);
                    true
                }
                Some(Made::Pointing(index)) => {
                    index.insert(record, rows);
                    true
                }
                Some(Made::Order(ordered)) => ordered.insert(record),
                None => aid.uses.asked.load(Relaxed) < ASKED,
            };
            if !stays {
                aid.made = OnceLock::from(Made::of(&aid.subject, rows));
            }
        });
    }

    /// Takes out a record.
    pub(super) fn remove(&mut self, record: &Record) {
        self.each(|aid| match aid.made.get_mut() {
            Some(Made::Equal(index)) => index.remove(record),
            Some(Made::Pointing(index)) => index.remove(record),
            Some(Made::Order(ordered)) => {
                let stays = ordered.remove(record);
                if !stays {
                    aid.made = OnceLock::new();
                }
            }
            None => {}
        });
    }

    fn each(&mut self, mut change: impl FnMut(&mut Aid)) {
        self.of_now = OfNow::default();
        if let Ok(aids) = self.indexes.get_mut() {
            aids.iter_mut().for_each(|aid| change(Arc::make_mut(aid)));
        }
    }
}
