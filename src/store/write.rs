//! Carries out commands: first drafted (what would the record be?), then planned (is that allowed?), then applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytestring::ByteString;

use super::collection::next_id;
use super::command::{Command, Merge, Operation, Outcome, Refusal, Written};
use super::foreign_keys::Dependents;
use super::{Collection, Data, Record, Store, Style};
use crate::json::{
    Id, Kind, Layout, RecordText, get_member, indent_of, merge_patch, merge_shallow, same_value,
    with_member,
};

/// The result of a command, before anything but the ids is checked.
#[derive(Debug)]
pub struct Draft {
    resource: usize,
    target: Target,
    text: String,
}

#[derive(Debug)]
enum Target {
    /// Its id, and how it is written.
    New(Option<Id>, Style),
    Record(Arc<Record>),
    Gone(Dependents),
    Object,
}

impl Draft {
    /// The record's text as it would be stored; `None` for a deletion.
    pub fn record(&self) -> Option<&str> {
        (!matches!(self.target, Target::Gone(_))).then_some(self.text.as_str())
    }

    /// The records whose keys a deletion would clear: the collection, the id, and the new text.
    pub fn emptied<'a>(
        &'a self,
        store: &'a Store,
    ) -> impl Iterator<Item = (&'a str, Option<&'a Id>, &'a str)> {
        let emptied = match &self.target {
            Target::Gone(dependents) => dependents.emptied.as_slice(),
            _ => &[],
        };
        emptied.iter().map(|(place, record, text)| {
            let resource = store.resources[*place].name();
            (resource, record.id(), text.as_str())
        })
    }
}

/// A validated change. Only [`Store::plan`] creates one, and [`Store::apply`] cannot fail on it.
#[derive(Debug)]
pub struct Change(Draft);

impl Store {
    /// The draft of `command`. `random` returns the letters of a new string id.
    ///
    /// # Errors
    /// The resource or record does not exist, or the given value cannot be an id.
    pub fn draft(
        &self,
        command: &Command,
        random: &mut dyn FnMut() -> String,
    ) -> Result<Draft, Refusal> {
        let id_property = self.settings.id.as_str();
        let body = command.body.as_str();
        match &command.operation {
            Operation::Create => return self.draft_new(&command.resource, body, random),
            Operation::Delete { dependent } => return self.draft_deletion(command, dependent),
            Operation::Replace | Operation::Merge(_) => {}
        }
        let (resource, target, old) = match &command.id {
            Some(id) => {
                let (resource, record) = self.record(&command.resource, id)?;
                (resource, Target::Record(record.clone()), record.value())
            }
            None => {
                let (resource, object) = self.object(&command.resource)?;
                (resource, Target::Object, object)
            }
        };
        // A single object has no id, even if it has a property of that name.
        let (base, layout, id) = match &target {
            Target::Record(record) => (
                record.text.indent().to_string(),
                self.style(resource).layout,
                Some(get_member(old, id_property).unwrap_or("null")),
            ),
            _ => (Layout::of(old, self.layout).indent(1), self.layout, None),
        };
        let text = if let Operation::Merge(how) = command.operation {
            // The id keeps its value and position: a patch of it is replaced by one with the same value.
            let patch = match id.filter(|_| get_member(body, id_property).is_some()) {
                Some(id) => &with_member(body, id_property, id, layout, ""),
                None => body,
            };
            match how {
                Merge::Shallow => merge_shallow(old, patch, layout, &base),
                Merge::MergePatch => merge_patch(old, patch, layout, &base),
            }
        } else {
            let layout = Layout::of(old, layout);
            let text = layout.render(body, &base);
            match id {
                Some(id) => {
                    let text = with_member(&text, id_property, id, layout, &base);
                    let is_same = same_value(&text, old);
                    if is_same { old.to_string() } else { text }
                }
                None => merge_shallow(&text, "{}", layout, &base),
            }
        };
        Ok(Draft {
            resource,
            target,
            text,
        })
    }

    /// The draft of a deletion, with the records of `dependent` that point to it.
    fn draft_deletion(&self, command: &Command, dependent: &[String]) -> Result<Draft, Refusal> {
        let Some(id) = &command.id else {
            return Err(Refusal::NoResource(command.resource.clone()));
        };
        let (resource, record) = self.record(&command.resource, id)?;
        let dependents = self.dependents(resource, record, dependent)?;
        Ok(Draft {
            resource,
            target: Target::Gone(dependents),
            text: String::new(),
        })
    }

    /// The draft of a new record of `resource` from `body`.
    fn draft_new(
        &self,
        resource: &str,
        body: &str,
        random: &mut dyn FnMut() -> String,
    ) -> Result<Draft, Refusal> {
        let id_property = self.settings.id.as_str();
        let (index, collection) = self.collection(resource)?;
        let style = self.style(index);
        let base = indent_of(&style.leading);
        let text = style.layout.render(body, base);
        let (id, text) = match get_member(body, id_property).filter(|value| is_truthy(value)) {
            Some(given) => {
                let id = Id::from_json(given).ok_or_else(|| Refusal::NoId {
                    property: id_property.into(),
                    value: given.into(),
                })?;
                // The last value of a repeated name wins.
                (Some(id), merge_shallow(&text, "{}", style.layout, base))
            }
            None => {
                let rules = self.settings.id_rules(resource);
                let is_taken = |id: &Id| collection.get(id).is_some();
                let next = next_id(&collection.id_sequence, rules, random, &is_taken);
                let text = with_member(&text, id_property, &next, style.layout, base);
                (Id::from_json(&next), text)
            }
        };
        Ok(Draft {
            resource: index,
            target: Target::New(id, style),
            text,
        })
    }

    /// Validates a draft.
    ///
    /// # Errors
    /// The id of a new record is taken, or values that must be unique belong to another record.
    pub fn plan(&self, draft: Draft) -> Result<Change, Refusal> {
        let resource = &self.resources[draft.resource];
        let Data::Collection(collection) = &resource.data else {
            return Ok(Change(draft));
        };
        let (own, old) = match &draft.target {
            Target::Record(record) => (Some(record.number), Some(record.value())),
            Target::New(id, _) => {
                if let Some(id) = id.as_ref().filter(|id| collection.get(id).is_some()) {
                    return Err(Refusal::IdTaken {
                        resource: resource.name.clone(),
                        property: self.settings.id.clone(),
                        id: id.clone(),
                    });
                }
                (None, None)
            }
            Target::Gone(_) | Target::Object => return Ok(Change(draft)),
        };
        self.check_references(resource, &draft.text, old)?;
        if let Some((rule, holder)) = collection.indexes.violated_by(&draft.text, own) {
            return Err(Refusal::NotUnique {
                resource: resource.name.clone(),
                values: rule.values(&draft.text),
                holder: holder.id().cloned(),
            });
        }
        Ok(Change(draft))
    }

    /// Applies a change that was planned on this very store.
    pub fn apply(&mut self, Change(draft): Change) -> Outcome {
        let target = match draft.target {
            Target::Gone(dependents) => return self.delete(&dependents),
            target => target,
        };
        let id_property = self.settings.id.clone();
        let name = self.resources[draft.resource].name.clone();
        let written = |record: &Record| Written {
            resource: name.clone(),
            id: record.id().cloned(),
        };
        match (self.data_mut(draft.resource), target) {
            (Data::Collection(collection), Target::New(id, style)) => {
                let record = insert(collection, id, &style, &id_property, &draft.text);
                Outcome::of(name.clone(), &record, true, vec![written(&record)])
            }
            (Data::Collection(collection), Target::Record(old)) => {
                if old.value() == draft.text {
                    return Outcome::of(name.clone(), &old, false, Vec::new());
                }
                let text = old.text.with_value(&draft.text);
                let record = collection.replace(&old, text);
                Outcome::of(name.clone(), &record, true, vec![written(&old)])
            }
            (data, _) => {
                let changed = !matches!(data, Data::Object(old) if **old == *draft.text);
                let value = ByteString::from(draft.text);
                *data = Data::Object(value.clone());
                Outcome {
                    resource: name.clone(),
                    value,
                    changed,
                    written: vec![Written {
                        resource: name,
                        id: None,
                    }],
                    ..Outcome::default()
                }
            }
        }
    }

    fn delete(&mut self, Dependents { gone, emptied }: &Dependents) -> Outcome {
        for (place, record, text) in emptied {
            if let Data::Collection(collection) = self.data_mut(*place) {
                collection.replace(record, record.text.with_value(text));
            }
        }
        let mut by_collection: BTreeMap<usize, Vec<&Arc<Record>>> = BTreeMap::new();
        for (place, record) in gone {
            by_collection.entry(*place).or_default().push(record);
        }
        for (place, records) in by_collection {
            if let Data::Collection(collection) = self.data_mut(place) {
                collection.remove_all(&records);
            }
        }
        let gone_records = gone.iter().map(|(place, record)| (*place, record));
        let emptied = emptied.iter().map(|(place, record, _)| (*place, record));
        let written = gone_records.chain(emptied).map(|(place, record)| Written {
            resource: self.resources[place].name.clone(),
            id: record.id().cloned(),
        });
        let written = written.collect();
        match gone.first() {
            Some((place, record)) => Outcome {
                removed: gone.len(),
                ..Outcome::of(self.resources[*place].name.clone(), record, true, written)
            },
            None => Outcome::default(),
        }
    }

    /// The text that `command` is about to change or remove, if it is there.
    pub fn current(&self, command: &Command) -> Option<&str> {
        let is_new = command.operation == Operation::Create;
        (!is_new).then(|| self.text(&command.resource, command.id.as_ref()))?
    }

    /// The text of a record, or of a single object.
    pub(super) fn text(&self, resource: &str, id: Option<&Id>) -> Option<&str> {
        match (self.resource(resource)?.data(), id) {
            (Data::Collection(collection), Some(id)) => Some(collection.get(id)?.value()),
            (Data::Object(text), None) => Some(text),
            _ => None,
        }
    }

    /// Mutable access to the data of the resource at `index`.
    pub(super) fn data_mut(&mut self, index: usize) -> &mut Data {
        &mut Arc::make_mut(&mut self.resources[index]).data
    }

    fn collection(&self, name: &str) -> Result<(usize, &Collection), Refusal> {
        let found = self
            .index_of(name)
            .and_then(|index| Some((index, self.resources[index].collection()?)));
        found.ok_or_else(|| Refusal::NoResource(name.into()))
    }

    fn record(&self, name: &str, id: &Id) -> Result<(usize, &Arc<Record>), Refusal> {
        let (index, collection) = self.collection(name)?;
        match collection.get(id) {
            Some(record) => Ok((index, record)),
            None => Err(Refusal::NoRecord {
                resource: name.into(),
                id: id.clone(),
            }),
        }
    }

    fn object(&self, name: &str) -> Result<(usize, &str), Refusal> {
        match self
            .index_of(name)
            .map(|index| (index, &self.resources[index].data))
        {
            Some((index, Data::Object(text))) => Ok((index, text)),
            _ => Err(Refusal::NoResource(name.into())),
        }
    }
}

/// How the text of a new record is formatted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Formatting {
    /// The text stays as it is.
    Kept,
    /// The text is formatted like its neighbours.
    OfNeighbours,
}

/// Records replayed from the journal, or decided by a merge.
impl Store {
    /// Changes a record or a single object from `was` to `now`; `None`: it does not exist before or after. The text is
    /// used as it is. `false`: that is not possible, and nothing has changed.
    pub fn redo(&mut self, what: &Written, was: Option<&str>, now: Option<&str>) -> bool {
        let Some(id) = &what.id else {
            let Some(index) = self.index_of(&what.resource) else {
                return false;
            };
            return match (self.data_mut(index), now) {
                (data @ Data::Object(_), Some(text)) if Kind::of(text) == Kind::Object => {
                    *data = Data::Object(text.into());
                    true
                }
                _ => false,
            };
        };
        self.set_record(&what.resource, id, was, now, Formatting::Kept)
    }

    /// Upserts a record with the text `now`; `None` deletes it. If several have that id, it is the one with the text
    /// `was`, or else the first. `false`: that is not possible, and nothing has changed.
    pub(super) fn set_record(
        &mut self,
        resource: &str,
        id: &Id,
        was: Option<&str>,
        now: Option<&str>,
        formatting: Formatting,
    ) -> bool {
        let Some(index) = self.index_of(resource) else {
            return false;
        };
        let style = self.style(index);
        let id_property = self.settings.id.clone();
        let Data::Collection(collection) = self.data_mut(index) else {
            return false;
        };
        let old = collection
            .with_id(id)
            .filter(|record| Some(record.value()) == was)
            .min_by_key(|record| record.number);
        let old = old.or_else(|| collection.get(id)).cloned();
        if let Some(now) = now {
            let own = old.as_ref().map(|old| old.number);
            if collection.indexes.violated_by(now, own).is_some() {
                return false;
            }
        }
        match (old, now) {
            (Some(old), Some(now)) => {
                let text = old.text.with_value(now);
                collection.replace(&old, text);
            }
            (Some(old), None) => collection.remove_all(&[&old]),
            (None, Some(now)) => {
                let leading = style.leading_in(collection);
                let text = match formatting {
                    Formatting::Kept => now,
                    Formatting::OfNeighbours => &style.layout.render(now, indent_of(leading)),
                };
                insert(collection, Some(id.clone()), &style, &id_property, text);
            }
            (None, None) => {}
        }
        true
    }

    /// The text of the record that this store has and `after`, a later state, does not.
    pub fn lost_in(&self, after: &Store, what: &Written) -> Option<&str> {
        let id = what.id.as_ref()?;
        let now = after.records(&what.resource);
        let is_there = |number: u64| {
            now.is_some_and(|now| now.with_id(id).any(|record| record.number == number))
        };
        let mut records = self.records(&what.resource)?.with_id(id);
        records
            .find(|record| !is_there(record.number))
            .map(|record| record.value())
    }
}

/// Adds a record, whose id must be free, to `collection`.
fn insert(
    collection: &mut Collection,
    id: Option<Id>,
    style: &Style,
    id_property: &str,
    text: &str,
) -> Arc<Record> {
    let leading = style.leading_in(collection);
    if collection.is_empty() {
        collection.closing = style.closing.as_str().into();
    }
    if let Some(json) = get_member(text, id_property) {
        collection.id_sequence.observe(json);
    }
    collection.push(id, RecordText::new(leading, text))
}

impl Outcome {
    fn of(resource: String, record: &Record, changed: bool, written: Vec<Written>) -> Outcome {
        Outcome {
            resource,
            id: record.id().cloned(),
            value: record.text.shared_value(),
            changed,
            written,
            removed: 0,
        }
    }
}

/// Whether a value is truthy in JavaScript: json-server replaces an id of `null`, `""`, `0` or `false`.
pub fn is_truthy(value: &str) -> bool {
    match Kind::of(value) {
        Kind::Null => false,
        Kind::String => value != "\"\"",
        Kind::Boolean => value == "true",
        Kind::Number => value.parse::<f64>().is_ok_and(|number| number != 0.0),
        Kind::Object | Kind::Array => true,
    }
}
