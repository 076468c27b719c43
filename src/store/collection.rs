//! Collections (arrays of records), and the ids that are generated for them.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use bytestring::ByteString;
use imbl::{OrdMap, Vector};

use super::index::{Indexes, SortKey, pointers};
use super::{Record, Settings};
use crate::json::{
    Array, FieldPath, Id, IdSequence, Kind, Layout, RecordText, SyntaxError, get_member, members,
    offset_in, with_member,
};
use crate::rules::UniqueRule;
use crate::schema::IdRules;
use crate::work::Work;

/// An array of records, in the file's order.
#[derive(Debug, Clone)]
pub struct Collection {
    rows: Vector<Arc<Record>>,
    pub(super) indexes: Indexes,
    pub(super) id_sequence: IdSequence,
    next_number: u64,
    /// The white space before the closing bracket.
    pub(super) closing: ByteString,
    /// The array as it is in the file, as long as no write has changed it.
    pub(super) untouched: Option<ByteString>,
    /// How many records have a member of each name; counted when it is first needed.
    names: OnceLock<Names>,
    /// How many records of the file had no id and were given one.
    pub without_id: usize,
    /// Bytes of the text of all records.
    pub(super) bytes: usize,
}

/// Names of members, and how many records have each.
type Names = OrdMap<Arc<str>, usize>;

/// Removing a record from the middle copies a path of the tree; for more than this, it is faster to build a new tree.
const REMOVED_ONE_BY_ONE: usize = 64;

/// How many records are searched for a name before the names of all are counted.
const SAMPLE: usize = 100;

impl Collection {
    pub(super) fn open(
        name: &str,
        array: Array,
        settings: &Settings,
    ) -> Result<Collection, SyntaxError> {
        let (mut rows, mut id_sequence) =
            read(&array.text, array.offset, array.items, &settings.id);
        let without_id = give_ids(name, &mut rows, &mut id_sequence, settings);
        let bytes = rows.iter().map(|row| row.value().len()).sum();
        let rows = Vector::from(rows);
        let indexes = Indexes::build(&rows, settings.unique(name));
        if let Some((rule, later, first)) = indexes.first_violation() {
            let values = rule.values(later.value()).into_iter();
            let names: Vec<_> = values
                .map(|(name, value)| format!("`{name}` {value}"))
                .collect();
            let id = first.id();
            let other = id.map_or_else(String::new, |id| format!(" with the id {id}"));
            let message = format!(
                "{name}[{}] has the {} of the record{other}, and the rules say it is unique",
                later.number,
                names.join(" and ")
            );
            return Err(SyntaxError::new(later.offset, message));
        }
        Ok(Collection {
            indexes,
            next_number: rows.len() as u64,
            rows,
            id_sequence,
            closing: array.closing,
            untouched: Some(array.text),
            names: OnceLock::new(),
            without_id,
            bytes,
        })
    }

    /// A read-only collection of these records, without indexes for unique values.
    pub(super) fn with_rows(&self, rows: impl Iterator<Item = Arc<Record>>) -> Collection {
        let rows: Vector<Arc<Record>> = rows.collect();
        Collection {
            indexes: Indexes::build(&rows, &[]),
            rows,
            id_sequence: self.id_sequence.clone(),
            untouched: None,
            names: OnceLock::new(),
            closing: self.closing.clone(),
            ..*self
        }
    }

    /// The same records with these rules for what is unique.
    pub(super) fn with_unique(&self, rules: &[UniqueRule]) -> Collection {
        Collection {
            indexes: Indexes::build(&self.rows, rules),
            ..self.clone()
        }
    }

    /// The records in order.
    pub fn rows(
        &self,
    ) -> impl ExactSizeIterator<Item = &Arc<Record>> + DoubleEndedIterator + Clone {
        self.rows.iter()
    }

    /// The records from the position `from` on, at most `count`.
    pub fn window(&self, from: usize, count: usize) -> impl Iterator<Item = &Arc<Record>> {
        let from = from.min(self.rows.len());
        let to = from.saturating_add(count).min(self.rows.len());
        self.rows.focus().narrow(from..to).into_iter()
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

    /// Whether the names of the members have been counted.
    pub fn knows_names(&self) -> bool {
        self.names.get().is_some()
    }

    /// Counts the names of the members of all records, if that has not been done.
    pub fn count_names(&self) {
        self.names();
    }

    /// The names of the records' members.
    pub fn member_names(&self) -> impl Iterator<Item = &str> {
        self.names().keys().map(|name| &**name)
    }

    fn names(&self) -> &Names {
        self.names.get_or_init(|| {
            let mut names = Names::new();
            for record in &self.rows {
                count_names(&mut names, record, true);
            }
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

    /// The record with the id `id`; the first one if the file has several.
    pub fn get(&self, id: &Id) -> Option<&Arc<Record>> {
        self.with_id(id).min_by_key(|record| record.number)
    }

    /// The records with the id `id`, in no particular order.
    pub fn with_id<'a, 'i>(
        &'a self,
        id: &'i Id,
    ) -> impl Iterator<Item = &'a Arc<Record>> + use<'a, 'i> {
        self.indexes.with_id(id)
    }

    /// The records whose field `path` may be equal to `value`, in order; `None` if there is no index and a scan is
    /// needed.
    pub fn equal(&self, path: &str, value: &str, work: &Work<'_>) -> Option<Vec<Arc<Record>>> {
        self.indexes.equal(path, value, &self.rows, work)
    }

    /// All records in the order of `keys`; `None` if there is no index and they have to be sorted.
    pub fn sorted(&self, keys: &[SortKey], work: &Work<'_>) -> Option<Vector<Arc<Record>>> {
        self.indexes.sorted(keys, &self.rows, work)
    }

    /// The records that point to `target` by the foreign key `property`, an array of them if `many`, in order.
    pub(super) fn pointing(&self, property: &str, many: bool, target: &Id) -> Vec<Arc<Record>> {
        let points = |record: &Record| {
            // A substring search for the key is many times faster than parsing the members.
            memchr::memmem::find(record.value().as_bytes(), property.as_bytes()).is_some()
                && pointers(record.value(), property, many).contains(target)
        };
        if let Some(mut found) = self.indexes.pointing(property, many, target, &self.rows) {
            found.retain(|record| points(record));
            return found;
        }
        let found = self.rows.iter().filter(|record| points(record));
        found.cloned().collect()
    }

    /// Adds a record, whose id must be free.
    pub(super) fn push(&mut self, id: Option<Id>, text: RecordText) -> Arc<Record> {
        let record = Arc::new(Record::new(self.next_number, id, text));
        self.next_number += 1;
        self.untouched = None;
        self.bytes += record.value().len();
        self.rows.push_back(record.clone());
        self.index(&record);
        record
    }

    pub(super) fn replace(&mut self, old: &Record, text: RecordText) -> Arc<Record> {
        self.put(old, old.id().cloned(), text)
    }

    /// Replaces `old` by a record with the id `id`, which must be free or that of `old`.
    pub(super) fn put(&mut self, old: &Record, id: Option<Id>, text: RecordText) -> Arc<Record> {
        let record = Arc::new(old.replaced_by(id, text));
        self.untouched = None;
        if let Some(place) = self.place(old.number) {
            self.rows.set(place, record.clone());
        }
        self.bytes = self.bytes + record.value().len() - old.value().len();
        self.unindex(old);
        self.index(&record);
        record
    }

    /// Removes records of this collection.
    pub(super) fn remove_all(&mut self, gone: &[&Arc<Record>]) {
        let first = self.rows.front().cloned();
        self.untouched = None;
        if gone.len() <= REMOVED_ONE_BY_ONE {
            for record in gone {
                if let Some(place) = self.place(record.number) {
                    self.rows.remove(place);
                }
            }
        } else {
            let numbers: HashSet<u64> = gone.iter().map(|record| record.number).collect();
            self.rows = self
                .rows
                .iter()
                .filter(|record| !numbers.contains(&record.number))
                .cloned()
                .collect();
        }
        gone.iter().for_each(|record| self.unindex(record));
        let lengths = gone.iter().map(|record| record.value().len());
        self.bytes -= lengths.sum::<usize>();
        let (Some(first), Some(new_first)) = (first, self.rows.front().cloned()) else {
            self.closing = "".into();
            if let IdSequence::Text(_) = self.id_sequence {
                self.id_sequence = IdSequence::Empty;
            }
            return;
        };
        if new_first.text.leading() != first.text.leading() {
            // On one line, the first record has no space before it, unlike the others.
            let text = RecordText::new(first.text.leading(), new_first.value());
            self.replace(&new_first, text);
        }
    }

    fn index(&mut self, record: &Arc<Record>) {
        self.indexes.insert(record, &self.rows);
        if let Some(names) = self.names.get_mut() {
            count_names(names, record, true);
        }
    }

    fn unindex(&mut self, record: &Record) {
        self.indexes.remove(record);
        if let Some(names) = self.names.get_mut() {
            count_names(names, record, false);
        }
    }

    /// The position of the record with that number, by binary search: the numbers are ascending.
    fn place(&self, number: u64) -> Option<usize> {
        self.rows
            .binary_search_by(|record| record.number.cmp(&number))
            .ok()
    }
}

/// Adds or subtracts the members of `record`. A repeated name counts each time, in both directions.
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

/// The records of the array `array`, which begins at `offset` of the file, and the sequence of their ids.
fn read(
    array: &str,
    offset: usize,
    items: Vec<RecordText>,
    id_property: &str,
) -> (Vec<Arc<Record>>, IdSequence) {
    // A `FieldPath` is faster than `get_member`, and equivalent unless the name looks like a path.
    let path = (!id_property.contains(['.', '['])).then(|| FieldPath::new(id_property));
    let mut id_sequence = IdSequence::Empty;
    let records = (0..).zip(items).map(|(number, text)| {
        let json = match &path {
            Some(path) => path.of(text.value()),
            None => get_member(text.value(), id_property),
        };
        if let Some(json) = json {
            id_sequence.observe(json);
        }
        Arc::new(Record {
            number,
            id: json.and_then(Id::from_json),
            offset: offset + offset_in(array, text.value()),
            text,
        })
    });
    (records.collect(), id_sequence)
}

/// The id of a new record, as JSON text. If the rules allow none that the server can generate, it is an invalid one,
/// which the check of the record then reports.
pub(super) fn next_id(
    id_sequence: &IdSequence,
    rules: Option<&IdRules>,
    random: &mut dyn FnMut() -> String,
    is_taken: &dyn Fn(&Id) -> bool,
) -> String {
    let is_free = |json: &str| Id::from_json(json).is_some_and(|id| !is_taken(&id));
    let mut next = id_sequence.next(random);
    let mut above = id_sequence.clone();
    while !is_free(&next) {
        // The random letters are taken, or the number is the text of a string id.
        above.observe(&next);
        next = above.next(random);
    }
    if let Some(rules) = rules.filter(|rules| !rules.allows(&next)) {
        let mut proposed = rules.propose(above.integer(), random);
        if let Some(id) = proposed.find(|id| is_free(id) && rules.allows(id)) {
            return id;
        }
    }
    next
}

/// Whether a property of that name probably holds ids although it is not the id property: `_id`, `uuid`, `userId`.
pub fn is_like_id(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.ends_with("id") || matches!(lower.as_str(), "key" | "_key" | "guid" | "pk" | "slug")
}

/// Gives an id to those of `rows` that are objects without one. Returns how many.
fn give_ids(
    name: &str,
    rows: &mut [Arc<Record>],
    id_sequence: &mut IdSequence,
    settings: &Settings,
) -> usize {
    let rules = settings.id_rules(name);
    let without = |record: &Record| record.id.is_none() && Kind::of(record.value()) == Kind::Object;
    let count = rows.iter().filter(|record| without(record)).count();
    if count == 0 {
        return 0;
    }
    let mut taken: HashSet<Id> = rows.iter().filter_map(|record| record.id.clone()).collect();
    let mut generated = 0u64;
    for record in rows.iter_mut().filter(|record| without(record)) {
        let mut letters = || {
            generated += 1;
            format!("{name}-{generated}")
        };
        let json = next_id(id_sequence, rules, &mut letters, &|id| taken.contains(id));
        id_sequence.observe(&json);
        taken.extend(Id::from_json(&json));
        let indent = record.text.indent();
        let text = with_member(record.value(), &settings.id, &json, Layout::PRETTY, indent);
        let (id, text) = (Id::from_json(&json), record.text.with_value(&text));
        *record = Arc::new(record.replaced_by(id, text));
    }
    count
}
