//! Records, and the ids that they have and are given.

use std::collections::HashSet;
use std::sync::Arc;

use super::Settings;
use crate::json::{
    FieldPath, Id, IdSequence, Kind, Layout, RecordText, get_member, offset_in, with_member,
};
use crate::schema::IdRules;

/// A record of a collection: its text as it is in the file.
#[derive(Debug)]
pub struct Record {
    id: Option<Id>,
    pub(in crate::store) text: RecordText,
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

    /// Its id; only an item that is not an object has none.
    pub fn id(&self) -> Option<&Id> {
        self.id.as_ref()
    }

    /// Where the record began in the file that it was read from.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Its number, which rises along the collection.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// A record that was not in the file.
    pub fn new(number: u64, id: Option<Id>, text: RecordText) -> Record {
        Record {
            number,
            id,
            offset: 0,
            text,
        }
    }

    /// The record that takes the place of this one.
    pub fn replaced_by(&self, id: Option<Id>, text: RecordText) -> Record {
        Record {
            number: self.number,
            id,
            offset: self.offset,
            text,
        }
    }
}

impl AsRef<str> for Record {
    fn as_ref(&self) -> &str {
        self.value()
    }
}

/// The records of the array `array`, which begins at `offset` of the file, and the sequence of their ids.
pub fn read(
    array: &str,
    offset: usize,
    items: Vec<RecordText>,
    id_property: &str,
) -> (Vec<Arc<Record>>, IdSequence) {
    // A path is found faster than a member, and is the same unless the name reads as more than one.
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

/// The id of a new record, as JSON text. Where the rules allow none that the server can make, it is one that they do not
/// allow, which the check of the record then says.
pub fn next_id(
    id_sequence: &IdSequence,
    rules: Option<&IdRules>,
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
    if let Some(rules) = rules.filter(|rules| !rules.allows(&next)) {
        let mut proposed = rules.propose(above.integer(), random);
        if let Some(id) = proposed.find(|id| is_free(id) && rules.allows(id)) {
            return id;
        }
    }
    next
}

/// Whether a property of that name is likely to hold ids where it is not the id property: `_id`, `uuid`, `userId`.
pub fn is_like_id(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.ends_with("id") || matches!(lower.as_str(), "key" | "_key" | "guid" | "pk" | "slug")
}

/// Gives an id to those of `rows` that are objects without one; says to how many.
pub fn give_ids(
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
