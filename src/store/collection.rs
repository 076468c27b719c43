use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use bytestring::ByteString;
use imbl::{OrdMap, Vector};

use super::aids::Aids;
use super::index::{HashIndex, Ids};
use super::query::{Absent, Field};
use super::refer::Link;
use super::unique::{UniqueIndex, UniqueRule};
use super::{IdRule, LoadError};
use crate::json::{Array, Id, IdSequence, Kind, Layout, RecordText, get_member, members, offset_in, with_member};

/// A record of a collection: its text as it stands in the file.
#[derive(Debug)]
pub struct Record {
    id: Option<Id>,
    pub(super) text: RecordText,
    /// Counts up along the collection's order, so that a record's place can be found by search.
    number: u64,
    /// Where it began in the file that it was read from.
    offset: usize,
}

impl Record {
    /// The record's JSON text, laid out as in the file.
    pub fn value(&self) -> &str {
        self.text.value()
    }

    /// Its id; only an item that is no object has none.
    pub fn id(&self) -> Option<&Id> {
        self.id.as_ref()
    }

    /// Where the record began in the file that it was read from.
    pub fn offset(&self) -> usize {
        self.offset
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    #[cfg(test)]
    pub(super) fn new(number: u64, id: Option<Id>, text: RecordText) -> Record {
        Record { number, id, offset: 0, text }
    }
}

impl AsRef<str> for Record {
    fn as_ref(&self) -> &str {
        self.value()
    }
}

/// Finds the id in a record's text. A field is found faster than a member, and is the same unless the name reads as a path.
enum IdProperty<'a> {
    Field(Box<Field>),
    Member(&'a str),
}

impl<'a> IdProperty<'a> {
    fn new(name: &'a str) -> IdProperty<'a> {
        if name.contains(['.', '[']) { IdProperty::Member(name) } else { IdProperty::Field(Box::new(Field::new(name))) }
    }

    fn of<'r>(&self, record: &'r str) -> Option<&'r str> {
        match self {
            IdProperty::Field(field) => field.value(record),
            IdProperty::Member(name) => get_member(record, name),
        }
    }
}

/// The records of the array `array`, which begins at `offset` of the file, and the ids they have had.
fn read(array: &str, offset: usize, items: Vec<RecordText>, id_property: &str) -> (Vec<Arc<Record>>, IdSequence) {
    let (ids, mut id_sequence) = (IdProperty::new(id_property), IdSequence::Empty);
    let records = (0..).zip(items).map(|(number, text)| {
        let json = ids.of(text.value());
        if let Some(json) = json {
            id_sequence.observe(json);
        }
        let (id, offset) = (json.and_then(Id::from_json), offset + offset_in(array, text.value()));
        Arc::new(Record { number, id, offset, text })
    });
    (records.collect(), id_sequence)
}

/// The id of a new record, as JSON text. Where the rules allow none that the server can make, it is one that they do not
/// allow, which the check of the record then says.
pub(super) fn next_id(
    id_sequence: &IdSequence,
    rule: Option<&dyn IdRule>,
    random: &mut dyn FnMut() -> String,
    is_taken: &dyn Fn(&Id) -> bool,
) -> String {
    let is_free = |json: &str| Id::from_json(json).is_some_and(|id| !is_taken(&id));
    let mut next = id_sequence.next(random);
    let mut above = id_sequence.clone();
    while !is_free(&next) {
        // Random letters that are taken, or a number that a string id has.
        above.observe(&next);
        next = above.next(random);
    }
    if let Some(rule) = rule.filter(|rule| !rule.allows(&next)) {
        rule.propose(above.integer(), random, &mut |id| {
            let fits = is_free(id) && rule.allows(id);
            if fits {
                next = id.to_string();
            }
            fits
        });
    }
    next
}

/// Whether a property of that name is likely to hold ids where it is not the id property: `_id`, `uuid`, `userId`.
pub fn is_like_id(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.ends_with("id") || matches!(lower.as_str(), "key" | "_key" | "guid" | "pk" | "slug")
}

/// Gives an id to those of `rows` that are objects without one; says to how many.
fn give_ids(
    name: &str,
    rows: &mut [Arc<Record>],
    id_sequence: &mut IdSequence,
    id_property: &str,
    rule: Option<&dyn IdRule>,
) -> usize {
    let without = |record: &Record| record.id.is_none() && Kind::of(record.value()) == Kind::Object;
    if !rows.iter().any(|record| without(record)) {
        return 0;
    }
    let mut taken: HashSet<Id> = rows.iter().filter_map(|record| record.id.clone()).collect();
    let (mut given, mut generated) = (0, 0u64);
    for record in rows.iter_mut().filter(|record| without(record)) {
        let mut letters = || {
            generated += 1;
            format!("{name}-{generated}")
        };
        let json = next_id(id_sequence, rule, &mut letters, &|id| taken.contains(id));
        id_sequence.observe(&json);
        taken.extend(Id::from_json(&json));
        let text = with_member(record.value(), id_property, &json, Layout::PRETTY, record.text.indent());
        let (id, text) = (Id::from_json(&json), record.text.with_value(&text));
        *record = Arc::new(Record { number: record.number, id, offset: record.offset, text });
        given += 1;
    }
    given
}

/// An array of records, in the file's order.
#[derive(Debug, Clone)]
pub struct Collection {
    rows: Vector<Arc<Record>>,
    /// Two records of the file may have one id; the first is found by it, the others when that is gone.
    by_id: HashIndex<Ids>,
    pub(super) unique: Vec<UniqueIndex>,
    pub(super) id_sequence: IdSequence,
    next_number: u64,
    /// The white space before the closing bracket.
    pub(super) closing: ByteString,
    /// The array as it stands in the file, for as long as no write has touched it.
    pub(super) untouched: Option<ByteString>,
    /// Another one whenever something else happened to the rows than that one was added.
    lineage: Arc<()>,
    /// What queries have needed.
    pub(super) aids: Aids,
    /// How many records have a member of each name; counted when it is first needed.
    names: OnceLock<Names>,
    /// How many records of the file had no id and were given one.
    without_id: usize,
}

/// Names of members, and how many records have each.
type Names = OrdMap<Arc<str>, usize>;

/// Removing a record from the middle copies a path of the tree; beyond this many it is faster to build a new one.
const REMOVED_ONE_BY_ONE: usize = 64;

/// So many records are looked at before the names of all are counted.
const SAMPLE: usize = 100;

impl Collection {
    pub(super) fn open(
        name: &str,
        array: Array,
        rules: &[UniqueRule],
        (id_property, id_rule): (&str, Option<&dyn IdRule>),
    ) -> Result<Collection, LoadError> {
        let Array { text, offset, items, closing } = array;
        let (mut rows, mut id_sequence) = read(&text, offset, items, id_property);
        let without_id = give_ids(name, &mut rows, &mut id_sequence, id_property, id_rule);
        let rows = Vector::from(rows);
        let unique: Vec<_> = rules.iter().map(|rule| UniqueIndex::of(&rows, rule.clone())).collect();
        let repeated = unique.iter().filter_map(|index| Some((index, index.first_repeated()?)));
        if let Some((index, (later, holder))) = repeated.min_by_key(|(_, (later, _))| later.number) {
            let values = index.rule().values(later.value());
            let names: Vec<_> = values.iter().map(|(name, value)| format!("`{name}` {value}")).collect();
            let other = holder.id().map_or_else(String::new, |id| format!(" with the id {id}"));
            let place = later.number;
            let message = format!(
                "{name}[{place}] has the {} of the record{other}, and the rules say it is unique",
                names.join(" and ")
            );
            return Err(LoadError { offset: later.offset, message });
        }
        Ok(Collection {
            by_id: HashIndex::of(&rows, Ids),
            next_number: rows.len() as u64,
            rows,
            unique,
            id_sequence,
            closing,
            untouched: Some(text),
            lineage: Arc::default(),
            aids: Aids::default(),
            names: OnceLock::new(),
            without_id,
        })
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

    /// The names that are known to be those of no property here.
    pub fn absent(&self) -> &Absent {
        &self.aids.of_now().absent
    }

    /// How many records of the file had no id and were given one.
    pub fn without_id(&self) -> usize {
        self.without_id
    }

    /// Whether a record has a member called `name`.
    pub fn has_member(&self, name: &str) -> bool {
        if let Some(names) = self.names.get() {
            return names.contains_key(name);
        }
        let mut first = self.rows.iter().take(SAMPLE);
        first.any(|record| get_member(record.value(), name).is_some())
            || (self.rows.len() > SAMPLE && self.names().contains_key(name))
    }

    /// The names of the records' members.
    pub fn member_names(&self) -> impl Iterator<Item = &str> {
        self.names().keys().map(|name| &**name)
    }

    fn names(&self) -> &Names {
        self.names.get_or_init(|| {
            let mut names = Names::new();
            self.rows.iter().for_each(|record| count_names(&mut names, record, true));
            names
        })
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The record with the id `id`; the first of them, where the file has several.
    pub fn get(&self, id: &Id) -> Option<&Arc<Record>> {
        let mut of_id = self.by_id.candidates(Ids::hash(id)).filter(|record| record.id.as_ref() == Some(id));
        // As a rule there is one, whose number need not be looked at.
        let first = of_id.next()?;
        Some(of_id.fold(first, |first, other| if other.number < first.number { other } else { first }))
    }

    /// The records that point to `target` by `link`, in order.
    pub(super) fn pointing(&self, link: &Link, target: &Id) -> Vec<Arc<Record>> {
        let points = |record: &Record| {
            // To look for the key's bytes is many times faster than to read the members.
            memchr::memmem::find(record.value().as_bytes(), link.key.as_bytes()).is_some()
                && link.points(record.value(), target)
        };
        if let Some(mut found) = self.aids.pointing(link, target, &self.rows) {
            found.retain(|record| points(record));
            return found;
        }
        self.rows.iter().filter(|record| points(record)).cloned().collect()
    }

    pub(super) fn by_id(&self, hash: u64) -> impl Iterator<Item = &Arc<Record>> {
        self.by_id.candidates(hash)
    }

    pub(super) fn records(&self) -> &Vector<Arc<Record>> {
        &self.rows
    }

    pub(super) fn last(&self) -> Option<&Arc<Record>> {
        self.rows.last()
    }

    pub(super) fn nth(&self, place: usize) -> Option<&Arc<Record>> {
        self.rows.get(place)
    }

    /// Whether these are the records of `before` and others behind them.
    pub(super) fn grew_from(&self, before: &Collection) -> bool {
        // The last one of before tells one growth from another that began at the same rows.
        let last = before.rows.last().zip(before.rows.len().checked_sub(1).and_then(|place| self.rows.get(place)));
        Arc::ptr_eq(&self.lineage, &before.lineage) && last.is_some_and(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// Adds a record, whose id must be free.
    pub(super) fn push(&mut self, id: Option<Id>, text: RecordText) -> Arc<Record> {
        let record = Arc::new(Record { number: self.next_number, id, offset: 0, text });
        self.next_number += 1;
        self.rows.push_back(record.clone());
        self.index(&record);
        record
    }

    pub(super) fn replace(&mut self, old: &Record, text: RecordText) -> Arc<Record> {
        self.put(old, old.id.clone(), text)
    }

    /// Puts `old` under another id, which must be free.
    pub(super) fn move_to(&mut self, old: &Record, id: Id, text: RecordText) {
        self.put(old, Some(id), text);
    }

    fn put(&mut self, old: &Record, id: Option<Id>, text: RecordText) -> Arc<Record> {
        let record = Arc::new(Record { number: old.number, id, offset: old.offset, text });
        self.lineage = Arc::default();
        if let Some(place) = self.place(old.number) {
            self.rows.set(place, record.clone());
        }
        self.forget(old);
        self.index(&record);
        record
    }

    /// Removes records of this collection.
    pub(super) fn remove_all(&mut self, gone: &[&Arc<Record>]) {
        let first = self.rows.front().cloned();
        if gone.len() <= REMOVED_ONE_BY_ONE {
            for record in gone {
                if let Some(place) = self.place(record.number) {
                    self.rows.remove(place);
                }
            }
        } else {
            let numbers: HashSet<u64> = gone.iter().map(|record| record.number).collect();
            self.rows = self.rows.iter().filter(|record| !numbers.contains(&record.number)).cloned().collect();
        }
        gone.iter().for_each(|record| self.forget(record));
        self.lineage = Arc::default();
        let (Some(first), Some(new_first)) = (first, self.rows.front().cloned()) else {
            self.closing = "".into();
            if let IdSequence::Text(_) = self.id_sequence {
                self.id_sequence = IdSequence::Empty;
            }
            return;
        };
        if new_first.text.leading() != first.text.leading() {
            // On one line the first record has no space before it, and the others have.
            self.replace(&new_first, new_first.text.with_leading(first.text.leading()));
        }
    }

    fn index(&mut self, record: &Arc<Record>) {
        self.by_id.insert(record, &self.rows);
        self.unique.iter_mut().for_each(|index| index.insert(record, &self.rows));
        self.aids.insert(record, &self.rows);
        if let Some(names) = self.names.get_mut() {
            count_names(names, record, true);
        }
    }

    fn forget(&mut self, record: &Record) {
        self.by_id.remove(record);
        self.unique.iter_mut().for_each(|index| index.remove(record));
        self.aids.remove(record);
        if let Some(names) = self.names.get_mut() {
            count_names(names, record, false);
        }
    }

    /// Where the record with that number stands: the numbers rise along the rows.
    fn place(&self, number: u64) -> Option<usize> {
        self.rows.binary_search_by(|record| record.number.cmp(&number)).ok()
    }
}

/// Counts the members of `record` in, or out. A name that the record repeats counts as often in both directions.
fn count_names(names: &mut Names, record: &Record, is_in: bool) {
    for member in members(record.value()) {
        match names.get_mut(&*member.key) {
            Some(count) if is_in => *count += 1,
            Some(count) if *count > 1 => *count -= 1,
            Some(_) => drop(names.remove(&*member.key)),
            None if is_in => drop(names.insert(member.key.as_ref().into(), 1)),
            None => {}
        }
    }
}
