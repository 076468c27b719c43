use std::sync::Arc;

use imbl::{HashMap, Vector};

use super::LoadError;
use super::unique::{UniqueIndex, UniqueRule};
use crate::json::{Chunk, Highest, Id, Kind, Layout, Text, get_member, with_member};

/// A record of a collection: its text as it stands in the file.
#[derive(Debug)]
pub struct Record {
    /// Counts up along the collection's order, so that a record's place can be found by search.
    number: u64,
    id: Option<Id>,
    /// Where it began in the text that it was read from. (A chunk that got an id is no piece of that text any more.)
    offset: usize,
    pub(super) chunk: Chunk,
}

impl Record {
    /// The record's JSON text, laid out as in the file.
    pub fn value(&self) -> &str {
        self.chunk.value()
    }

    /// Its id; only an item that is no object has none.
    pub fn id(&self) -> Option<&Id> {
        self.id.as_ref()
    }

    /// Where the record begins in the text that it was read from.
    pub fn offset(&self) -> usize {
        self.offset
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl AsRef<str> for Record {
    fn as_ref(&self) -> &str {
        self.value()
    }
}

/// An array of records, in the file's order.
#[derive(Debug, Clone)]
pub struct Collection {
    rows: Vector<Arc<Record>>,
    by_id: HashMap<Id, Arc<Record>>,
    /// Two records of the file have one id; the first is found by it, the others when that is gone.
    repeated_ids: bool,
    pub(super) unique: Vec<UniqueIndex>,
    pub(super) highest: Highest,
    next_number: u64,
    pub(super) close: Text,
    /// The array as it stands in the file, for as long as no write has touched it.
    pub(super) untouched: Option<Text>,
}

impl Collection {
    pub(super) fn open(
        name: &str,
        whole: Text,
        items: Vec<Chunk>,
        close: Text,
        rules: &[UniqueRule],
        id_property: &str,
    ) -> Result<Collection, LoadError> {
        let mut collection = Collection {
            rows: Vector::new(),
            by_id: HashMap::new(),
            repeated_ids: false,
            unique: rules.iter().cloned().map(UniqueIndex::new).collect(),
            highest: Highest::None,
            next_number: 0,
            close,
            untouched: Some(whole),
        };
        for chunk in &items {
            if let Some(id) = get_member(chunk.value(), id_property) {
                collection.highest.see(id);
            }
        }
        let mut generated = 0u64;
        for (place, chunk) in items.into_iter().enumerate() {
            let offset = chunk.text.offset() + chunk.lead as usize;
            let (id, chunk) = match get_member(chunk.value(), id_property).and_then(Id::from_json) {
                Some(id) => (Some(id), chunk),
                None if Kind::of(chunk.value()) == Kind::Object => {
                    let json = collection.highest.next(&mut || {
                        generated += 1;
                        format!("{name}-{generated}")
                    });
                    collection.highest.see(&json);
                    let text = with_member(chunk.value(), id_property, &json, Layout::PRETTY, chunk.base());
                    (Id::from_json(&json), chunk.with_value(&text))
                }
                None => (None, chunk),
            };
            for index in &collection.unique {
                if let Some(holder) = index.holder(chunk.value(), None) {
                    let values = index.rule.values(chunk.value());
                    let names: Vec<_> = values.iter().map(|(name, value)| format!("`{name}` {value}")).collect();
                    let other = holder.id().map_or_else(String::new, |id| format!(" with the id {id}"));
                    return Err(LoadError {
                        offset,
                        message: format!(
                            "{name}[{place}] has the {} of the record{other}, and the rules say it is unique",
                            names.join(" and ")
                        ),
                    });
                }
            }
            collection.push_from(offset, id, chunk);
        }
        Ok(collection)
    }

    /// The records in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &Arc<Record>> + DoubleEndedIterator + Clone {
        self.rows.iter()
    }

    /// The records from the place `from` on, at most `count`.
    pub fn window(&self, from: usize, count: usize) -> impl Iterator<Item = &Arc<Record>> {
        let from = from.min(self.rows.len());
        let to = from.saturating_add(count).min(self.rows.len());
        self.rows.focus().narrow(from..to).into_iter()
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The record with the id `id`.
    pub fn get(&self, id: &Id) -> Option<&Arc<Record>> {
        self.by_id.get(id)
    }

    /// Whether several records of the file have one id; then [`Collection::get`] finds the first of them.
    pub fn has_repeated_ids(&self) -> bool {
        self.repeated_ids
    }

    pub(super) fn last(&self) -> Option<&Arc<Record>> {
        self.rows.last()
    }

    pub(super) fn nth(&self, place: usize) -> Option<&Arc<Record>> {
        self.rows.get(place)
    }

    pub(super) fn push(&mut self, id: Option<Id>, chunk: Chunk) -> Arc<Record> {
        self.push_from(0, id, chunk)
    }

    fn push_from(&mut self, offset: usize, id: Option<Id>, chunk: Chunk) -> Arc<Record> {
        let record = Arc::new(Record { number: self.next_number, id, offset, chunk });
        self.next_number += 1;
        self.rows.push_back(record.clone());
        if let Some(id) = &record.id {
            if self.by_id.contains_key(id) {
                self.repeated_ids = true;
            } else {
                self.by_id.insert(id.clone(), record.clone());
            }
        }
        self.unique.iter_mut().for_each(|index| index.insert(&record));
        record
    }

    pub(super) fn replace(&mut self, old: &Record, chunk: Chunk) -> Arc<Record> {
        let record = Arc::new(Record { number: old.number, id: old.id.clone(), offset: old.offset, chunk });
        if let Some(place) = self.place(old.number) {
            self.rows.set(place, record.clone());
        }
        if let Some(id) = &record.id {
            self.by_id.insert(id.clone(), record.clone());
        }
        for index in &mut self.unique {
            index.remove(old);
            index.insert(&record);
        }
        record
    }

    /// Puts `old` under another id, which must be free.
    pub(super) fn move_to(&mut self, old: &Record, id: Id, chunk: Chunk) {
        if let Some(known) = &old.id {
            self.by_id.remove(known);
        }
        let renamed = Record { number: old.number, id: Some(id), chunk: old.chunk.clone(), offset: old.offset };
        self.replace(&renamed, chunk);
    }

    pub(super) fn remove(&mut self, old: &Record) {
        let Some(place) = self.place(old.number) else { return };
        self.rows.remove(place);
        self.unique.iter_mut().for_each(|index| index.remove(old));
        if let Some(id) = &old.id {
            self.by_id.remove(id);
            if self.repeated_ids
                && let Some(next) = self.rows.iter().find(|record| record.id.as_ref() == Some(id))
            {
                self.by_id.insert(id.clone(), next.clone());
            }
        }
        if self.rows.is_empty() {
            self.close = "".into();
            if let Highest::Text(_) = self.highest {
                self.highest = Highest::None;
            }
        } else if place == 0
            && let Some(first) = self.rows.front()
            && first.chunk.lead() != old.chunk.lead()
        {
            // On one line the first record has no space before it, and the others have.
            let chunk = first.chunk.with_lead(old.chunk.lead());
            let first = first.clone();
            self.replace(&first, chunk);
        }
    }

    /// Where the record with that number stands: the numbers rise along the rows.
    fn place(&self, number: u64) -> Option<usize> {
        self.rows.binary_search_by(|record| record.number.cmp(&number)).ok()
    }
}
