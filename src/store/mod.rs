//! The in-memory store: collections, ids, uniqueness, foreign keys, and the text of the file.
//!
//! A [`Store`] is a persistent data structure: a clone is a cheap snapshot that later changes do not affect. A change
//! is first planned ([`Store::draft`], [`Store::plan`]), which changes nothing and can be refused, and then applied
//! ([`Store::apply`]), which cannot fail. There is no I/O, no clock and no randomness here.

mod collection;
mod command;
mod diff;
mod foreign_keys;
mod index;
mod merge;
mod public;
mod write;

pub mod plural;

use std::sync::{Arc, OnceLock};

use bytestring::ByteString;

use crate::json::{
    Document, EntryValue, Id, Indent, Kind, Layout, Place, RecordText, SyntaxError, quote,
};
use crate::rules::{OnDelete, ReferenceRule, UniqueRule};
use crate::schema::{IdRules, Schema};
use crate::work::Work;

use plural::Singular;

pub use collection::{Collection, is_like_id};
pub use command::{Command, Merge, Operation, Outcome, Refusal, Written, holder_name};
pub use diff::{ResourceChanges, ResourceDiff, things};
pub use foreign_keys::Link;
pub use index::{SortKey, sorted};
pub use merge::{ApiChange, Conflict, Merged, PastState, Version};
pub use write::{Change, Draft, is_truthy};

/// Settings of the whole store.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The property that holds a record's id.
    pub id: String,
    /// The suffix of foreign keys: the `Id` of `postId`.
    pub foreign_key_suffix: String,
    /// The effect of a deletion on dependents that have no rule for it.
    pub on_delete: OnDelete,
    /// The rules. The store enforces those for unique values, references, ids and hidden values; the others are checked
    /// before a command is planned.
    pub schema: Arc<Schema>,
}

impl Settings {
    /// The rules for the ids of a resource.
    pub fn id_rules(&self, resource: &str) -> Option<&IdRules> {
        self.schema.rules(resource)?.ids.as_deref()
    }

    /// The unique rules of a resource.
    fn unique(&self, resource: &str) -> &[UniqueRule] {
        let rules = self.schema.rules(resource);
        rules.map_or(&[], |rules| rules.unique.as_slice())
    }

    /// The references that the rules declare for a resource.
    fn references(&self, resource: &str) -> &[ReferenceRule] {
        let rules = self.schema.rules(resource);
        rules.map_or(&[], |rules| rules.references.as_slice())
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            id: "id".into(),
            foreign_key_suffix: "Id".into(),
            on_delete: OnDelete::default(),
            schema: Arc::default(),
        }
    }
}

/// The data of one file at one moment.
#[derive(Debug, Clone)]
pub struct Store {
    resources: Vec<Arc<Resource>>,
    tail: ByteString,
    layout: Layout,
    settings: Arc<Settings>,
}

/// A top-level property of the file.
#[derive(Debug, Clone)]
pub struct Resource {
    name: String,
    /// The text between the previous value and this one, including name and colon.
    before: ByteString,
    data: Data,
    /// The singular names of its records in foreign keys; computed when first needed.
    singulars: OnceLock<Arc<[Singular]>>,
}

/// The data of a resource.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one a resource, and each is behind a pointer"
)]
pub enum Data {
    /// An array of records.
    Collection(Collection),
    /// A single object.
    Object(ByteString),
    /// Any other value; it is kept and can be read.
    Scalar(ByteString),
}

/// Duplicate ids in a file.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RepeatedIds {
    /// The first of them.
    pub list: Vec<RepeatedId>,
    /// How many more there are.
    pub more: usize,
}

/// Two records of the file with the same id: only the first is found by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepeatedId {
    /// The resource.
    pub resource: String,
    /// The id.
    pub id: Id,
    /// The lines of the file on which the two begin.
    pub lines: [usize; 2],
}

/// A record of a collection: its text as it is in the file.
#[derive(Debug)]
pub struct Record {
    id: Option<Id>,
    text: RecordText,
    /// Ascending in the collection's order, so that a record's position can be found by binary search.
    pub number: u64,
    /// Its byte offset in the file that it was read from; 0 for other records.
    pub offset: usize,
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

    /// A record that was not in the file.
    pub fn new(number: u64, id: Option<Id>, text: RecordText) -> Record {
        Record {
            number,
            id,
            offset: 0,
            text,
        }
    }

    /// The record that replaces this one.
    pub fn replaced_by(&self, id: Option<Id>, text: RecordText) -> Record {
        Record {
            number: self.number,
            id,
            offset: self.offset,
            text,
        }
    }
}

impl Store {
    /// Builds the store from a data file. Records without an id get one, which is saved with the next write to their
    /// collection.
    ///
    /// # Errors
    /// Two records violate a unique rule.
    pub fn open(document: Document, settings: Arc<Settings>) -> Result<Store, SyntaxError> {
        let mut resources = Vec::with_capacity(document.entries.len());
        for entry in document.entries {
            let data = match entry.value {
                EntryValue::Array(array) => {
                    Data::Collection(Collection::open(&entry.name, array, &settings)?)
                }
                EntryValue::Object(text) => Data::Object(text),
                EntryValue::Scalar(text) => Data::Scalar(text),
            };
            resources.push(Arc::new(Resource {
                name: entry.name,
                before: entry.before,
                data,
                singulars: OnceLock::new(),
            }));
        }
        Ok(Store {
            resources,
            tail: document.tail,
            layout: document.layout,
            settings,
        })
    }

    /// The resources in the file's order, `$schema` left out.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.resources
            .iter()
            .map(Arc::as_ref)
            .filter(|resource| !resource.is_hidden())
    }

    /// The resource called `name`.
    pub fn resource(&self, name: &str) -> Option<&Resource> {
        self.index_of(name).map(|index| &*self.resources[index])
    }

    /// The records of the collection called `name`.
    pub fn records(&self, name: &str) -> Option<&Collection> {
        self.resource(name)?.collection()
    }

    /// The records that cannot be found by their id, because an earlier one has the same; at most `most` are listed.
    /// `text` is what the store has just been opened from.
    pub fn repeated_ids(&self, text: &str, most: usize) -> RepeatedIds {
        let mut found = RepeatedIds::default();
        let collections = self
            .resources()
            .filter_map(|one| Some((one, one.collection()?)));
        let records = collections.flat_map(|(resource, collection)| {
            let rows = collection.rows();
            rows.filter_map(move |record| {
                let id = record.id()?;
                let first = collection.get(id)?;
                (!Arc::ptr_eq(first, record)).then_some((resource, id, [first, record]))
            })
        });
        for (resource, id, both) in records {
            if found.list.len() == most {
                found.more += 1;
                continue;
            }
            found.list.push(RepeatedId {
                resource: resource.name.clone(),
                id: id.clone(),
                lines: both.map(|record| Place::of(text, record.offset).line),
            });
        }
        found
    }

    /// Bytes of the text of all resources.
    pub fn bytes(&self) -> usize {
        let bytes = |resource: &Resource| match &resource.data {
            Data::Collection(collection) => collection.bytes,
            Data::Object(text) | Data::Scalar(text) => text.len(),
        };
        self.resources().map(bytes).sum()
    }

    /// The settings of the store.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The same data under other settings. Their unique rules are not checked.
    pub fn with_settings(&self, settings: &Arc<Settings>) -> Store {
        if Arc::ptr_eq(&self.settings, settings) {
            return self.clone();
        }
        let mut store = self.clone();
        for resource in &mut store.resources {
            let unique = settings.unique(&resource.name);
            if let Data::Collection(collection) = &resource.data
                && self.settings.unique(&resource.name) != unique
            {
                *resource = resource.with_data(Data::Collection(collection.with_unique(unique)));
            }
        }
        store.settings = settings.clone();
        store
    }

    /// Writes all data as json-server's `/db` does: pretty-printed, including generated ids.
    pub fn write_all(&self, out: &mut Vec<u8>, work: &Work<'_>) {
        out.push(b'{');
        for (number, resource) in self.resources.iter().enumerate() {
            out.extend_from_slice(if number == 0 { b"\n  " } else { b",\n  " });
            out.extend_from_slice(quote(&resource.name).as_bytes());
            out.extend_from_slice(b": ");
            resource.write(out, "  ", work);
        }
        if !self.resources.is_empty() {
            out.push(b'\n');
        }
        out.push(b'}');
    }

    fn index_of(&self, name: &str) -> Option<usize> {
        self.resources
            .iter()
            .position(|resource| resource.name == name && !resource.is_hidden())
    }
}

impl Resource {
    /// Its name, a property at the top of the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its data.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// `3 records`, or the kind of the resource.
    pub fn size_in_words(&self) -> String {
        match &self.data {
            Data::Collection(rows) if rows.len() == 1 => "1 record".into(),
            Data::Collection(rows) => format!("{} records", rows.len()),
            Data::Object(_) => "object".into(),
            Data::Scalar(_) => "value, read-only".into(),
        }
    }

    /// The records, if it is a collection.
    pub fn collection(&self) -> Option<&Collection> {
        match &self.data {
            Data::Collection(collection) => Some(collection),
            _ => None,
        }
    }

    /// Appends the resource's value, pretty printed with two spaces, to `out`; its lines begin with `base`.
    pub fn write(&self, out: &mut Vec<u8>, base: &str, work: &Work<'_>) {
        match &self.data {
            Data::Collection(collection) => {
                let rows = collection.rows().map(|record| record.value());
                write_list(out, rows.take_while(|row| work.charge(row.len())), base);
            }
            Data::Object(text) | Data::Scalar(text) => {
                if work.charge(text.len()) {
                    Layout::PRETTY.write(out, text, base);
                }
            }
        }
    }

    /// `$schema` tells an editor how to check the file and is not data (json-server 0.17).
    fn is_hidden(&self) -> bool {
        self.name == "$schema"
    }

    /// Appends the resource to `out`, as it is in the file.
    fn write_text(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.before.as_bytes());
        match &self.data {
            Data::Object(text) | Data::Scalar(text) => out.extend_from_slice(text.as_bytes()),
            Data::Collection(collection) => {
                if let Some(text) = &collection.untouched {
                    return out.extend_from_slice(text.as_bytes());
                }
                out.push(b'[');
                for (number, record) in collection.rows().enumerate() {
                    if number > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(record.text.as_str().as_bytes());
                }
                out.extend_from_slice(collection.closing.as_bytes());
                out.push(b']');
            }
        }
    }
}

/// The text of the data file, and how new records are laid out in it.
impl Store {
    /// The text of the data file for this store: what no write has changed is as it was read, byte for byte.
    pub fn file_text(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.text_size());
        for resource in &self.resources {
            resource.write_text(&mut text);
        }
        text.extend_from_slice(self.tail.as_bytes());
        text
    }

    /// The approximate length of the file's text, without building it.
    pub fn text_size(&self) -> usize {
        let size = |resource: &Resource| {
            let value = match &resource.data {
                Data::Collection(collection) => {
                    match (&collection.untouched, collection.rows().next_back()) {
                        (Some(text), _) => text.len(),
                        (None, Some(last)) => {
                            collection.len() * (last.text.as_str().len() + 8) + 16
                        }
                        (None, None) => 16,
                    }
                }
                Data::Object(text) | Data::Scalar(text) => text.len(),
            };
            resource.before.len() + value
        };
        self.tail.len() + self.resources.iter().map(|one| size(one)).sum::<usize>()
    }

    /// The style of a new record of the resource at `index`: that of its last record, or of another collection, or of
    /// the file.
    fn style(&self, index: usize) -> Style {
        let of = |resource: &Arc<Resource>| Style::of(resource.collection()?, self.layout);
        if let Some(style) = of(&self.resources[index]) {
            return style;
        }
        if let Some(style) = self.resources.iter().find_map(of) {
            return Style {
                leading: style.first_leading.clone(),
                ..style
            };
        }
        let mut layout = self.layout;
        if self.tail.is_empty() || matches!(layout.indent, Indent::Spaces(0) | Indent::Tabs(0)) {
            layout.indent = Indent::Spaces(2);
        }
        let leading = layout.line("", 2);
        Style {
            first_leading: leading.clone(),
            leading,
            closing: layout.line("", 1),
            layout,
        }
    }
}

/// How a record is written into a collection.
#[derive(Debug)]
struct Style {
    /// White space before a record that is the first.
    first_leading: String,
    /// White space before a record that follows another.
    leading: String,
    /// White space before the closing bracket, needed if the collection was empty.
    closing: String,
    /// The layout of the record itself.
    layout: Layout,
}

impl Style {
    /// The white space before a record that is added to `collection`.
    fn leading_in(&self, collection: &Collection) -> &str {
        match collection.is_empty() {
            true => &self.first_leading,
            false => &self.leading,
        }
    }

    fn of(collection: &Collection, fallback: Layout) -> Option<Style> {
        let mut rows = collection.rows().rev();
        let last = rows.find(|record| Kind::of(record.value()) == Kind::Object)?;
        let leading = match collection.len() {
            1 if last.text.leading().contains('\n') => last.text.leading(),
            1 if fallback.space_after_comma => " ",
            1 => "",
            _ => collection.rows().next_back()?.text.leading(),
        };
        let layout = Layout::of(last.value(), fallback);
        let first_leading = collection.rows().next()?.text.leading().to_string();
        Some(Style {
            first_leading,
            leading: leading.to_string(),
            closing: collection.closing.to_string(),
            layout,
        })
    }
}

/// Appends a JSON array of `values`, pretty printed with two spaces, to `out`; its lines begin with `base`.
pub fn write_list<'a>(out: &mut Vec<u8>, values: impl Iterator<Item = &'a str>, base: &str) {
    let inner = format!("{base}  ");
    out.push(b'[');
    let mut empty = true;
    for value in values {
        out.extend_from_slice(if empty { b"\n" } else { b",\n" });
        out.extend_from_slice(inner.as_bytes());
        Layout::PRETTY.write(out, value, &inner);
        empty = false;
    }
    if !empty {
        out.push(b'\n');
        out.extend_from_slice(base.as_bytes());
    }
    out.push(b']');
}
