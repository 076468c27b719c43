//! An edit of the file and writes through the API, brought together: record by record, in a single object property by
//! property.

use std::sync::Arc;

use super::{Data, Resource, Store};
use crate::json::{Chunk, Id, Kind, Layout, get_member, members, same_value, with_member, without_member};

/// What the API wrote: a record of a collection, or a single object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Written {
    /// The resource.
    pub resource: String,
    /// The record; `None` for a single object.
    pub id: Option<Id>,
}

/// A record that both sides changed. The edit's version stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The resource.
    pub resource: String,
    /// The record; `None` for a single object.
    pub id: Option<Id>,
    /// The property, where two versions of a single object differ in it.
    pub property: Option<String>,
    /// What the API had stored, as JSON; `None`: it had deleted it.
    pub api: Option<String>,
    /// What the edit says, as JSON; `None`: it deleted it.
    pub edit: Option<String>,
}

/// What came of a merge.
#[derive(Debug)]
pub struct Merged {
    /// Both sides' changes.
    pub store: Store,
    /// How many writes of the API were kept that the edit did not have.
    pub kept: usize,
    /// What could not be kept of the API's side.
    pub conflicts: Vec<Conflict>,
    /// New records of the edit that got another id, since the API had given theirs away: resource, old and new id.
    pub renumbered: Vec<(String, Id, Id)>,
}

impl Store {
    /// Brings `theirs`, an edit that began from `base`, together with this store, in which the API has since written
    /// `written`.
    pub fn merge(&self, base: &Store, theirs: Store, written: &[Written]) -> Merged {
        let mut merged = Merged { store: theirs, kept: 0, conflicts: Vec::new(), renumbered: Vec::new() };
        for one in written {
            match &one.id {
                Some(id) => merged.record(base, self, &one.resource, id),
                None => merged.object(base, self, &one.resource),
            }
        }
        merged
    }

    /// What differs between `base` and this store, which grew out of it.
    pub fn written_since(&self, base: &Store) -> Vec<Written> {
        let mut written = Vec::new();
        for resource in self.resources() {
            let name = resource.name();
            match (base.resource(name).map(Resource::data), resource.data()) {
                (Some(Data::Collection(old)), Data::Collection(new)) => {
                    let changed = new.rows().filter(|row| {
                        let before = row.id().and_then(|id| old.get(id));
                        before.is_none_or(|before| !Arc::ptr_eq(before, row) && before.value() != row.value())
                    });
                    let gone = old.rows().filter(|row| row.id().is_some_and(|id| new.get(id).is_none()));
                    let ids = changed.chain(gone).filter_map(|row| row.id().cloned());
                    written.extend(ids.map(|id| Written { resource: name.to_string(), id: Some(id) }));
                }
                (Some(Data::Object(old)), Data::Object(new)) if old != new => {
                    written.push(Written { resource: name.to_string(), id: None });
                }
                _ => {}
            }
        }
        written
    }

    /// The text of what was written, as it stands in this store.
    pub fn text_of(&self, written: &Written) -> Option<&str> {
        match &written.id {
            Some(id) => self.text(&written.resource, id),
            None => self.object_text(&written.resource),
        }
    }

    fn text(&self, resource: &str, id: &Id) -> Option<&str> {
        Some(self.resource(resource)?.collection()?.get(id)?.value())
    }

    fn object_text(&self, resource: &str) -> Option<&str> {
        match self.resource(resource)?.data() {
            Data::Object(text) => Some(text),
            _ => None,
        }
    }

    fn data_mut(&mut self, resource: &str) -> Option<&mut Resource> {
        let index = self.index_of(resource)?;
        self.resources.get_mut(index).map(Arc::make_mut)
    }

    /// Puts the record text `value` in the place of the record `id`, or at the end; `None` takes it away. Whether the
    /// store takes it: its values may belong to another record of the edit.
    fn put(&mut self, resource: &str, id: &Id, value: Option<&str>) -> bool {
        let Some(index) = self.index_of(resource) else { return false };
        let style = self.style(index);
        let id_property = self.settings.id.clone();
        let Some(Resource { data: Data::Collection(collection), .. }) =
            self.resources.get_mut(index).map(Arc::make_mut)
        else {
            return false;
        };
        let old = collection.get(id).cloned();
        if let Some(value) = value {
            let own = old.as_ref().map(|old| old.number());
            if collection.unique.iter().any(|unique| unique.holder(value, own).is_some()) {
                return false;
            }
        }
        collection.untouched = None;
        match (old, value) {
            (Some(old), Some(value)) => {
                let chunk = old.chunk.with_value(value);
                collection.replace(&old, chunk);
            }
            (Some(old), None) => collection.remove(&old),
            (None, Some(value)) => {
                let lead = if collection.is_empty() {
                    collection.close = style.close.as_str().into();
                    &style.first_lead
                } else {
                    &style.lead
                };
                if let Some(json) = get_member(value, &id_property) {
                    collection.highest.see(json);
                }
                let value = style.layout.render(value, lead.rfind('\n').map_or("", |at| &lead[at + 1..]));
                collection.push(Some(id.clone()), Chunk::new(lead, &value));
            }
            (None, None) => {}
        }
        true
    }
}

fn same(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => same_value(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Whether `their` began from `our`, told by what the API had changed from `before`: an edit that has all of that has
/// seen it. Of a new record half is enough, since two people do not invent the same values.
fn has_seen(before: Option<&str>, our: &str, their: &str, id: &str) -> bool {
    let mut changed = 0;
    let mut had = 0;
    for member in members(our).filter(|member| member.key != id) {
        if before.is_some_and(|before| same(get_member(before, &member.key), Some(member.value))) {
            continue;
        }
        changed += 1;
        had += usize::from(same(get_member(their, &member.key), Some(member.value)));
    }
    if before.is_none() { had * 2 >= changed } else { changed > 0 && had == changed }
}

impl Merged {
    fn record(&mut self, base: &Store, ours: &Store, resource: &str, id: &Id) {
        let (before, our, their) = (base.text(resource, id), ours.text(resource, id), self.store.text(resource, id));
        if same(our, their) || same(our, before) {
            return;
        }
        let conflict = Conflict {
            resource: resource.to_string(),
            id: Some(id.clone()),
            property: None,
            api: our.map(ToString::to_string),
            edit: their.map(ToString::to_string),
        };
        if same(their, before) {
            if self.store.put(resource, id, our) {
                self.kept += 1;
            } else {
                self.conflicts.push(conflict);
            }
            return;
        }
        match (our, conflict.edit.clone()) {
            // Whoever made the edit had seen what the API wrote, and went on from there.
            (Some(our), Some(their)) if has_seen(before, our, &their, &self.store.settings.id) => {}
            // Both sides made a new record under one id. The API has told it to its client, so the other moves.
            (Some(our), Some(their)) if before.is_none() => {
                if self.renumber(resource, id, &their) && self.store.put(resource, id, Some(our)) {
                    self.kept += 1;
                } else {
                    self.conflicts.push(conflict);
                }
            }
            _ => self.conflicts.push(conflict),
        }
    }

    /// Gives the record `id` of the edit, whose text is `value`, another id.
    fn renumber(&mut self, resource: &str, id: &Id, value: &str) -> bool {
        let id_property = self.store.settings.id.clone();
        let Some(Resource { data: Data::Collection(collection), .. }) = self.store.data_mut(resource) else {
            return false;
        };
        let Some(old) = collection.get(id).cloned() else { return false };
        let mut attempt = 0u32;
        let new = loop {
            attempt += 1;
            let next = collection.highest.next(&mut || format!("{id}-{attempt}"));
            collection.highest.see(&next);
            match Id::from_json(&next) {
                Some(new) if collection.get(&new).is_none() => break (new, next),
                _ if attempt > 1000 => return false,
                _ => {}
            }
        };
        let text = with_member(value, &id_property, &new.1, Layout::PRETTY, old.chunk.base());
        let chunk = old.chunk.with_value(&text);
        collection.untouched = None;
        collection.move_to(&old, new.0.clone(), chunk);
        self.renumbered.push((resource.to_string(), id.clone(), new.0));
        true
    }

    fn object(&mut self, base: &Store, ours: &Store, resource: &str) {
        let Some(our) = ours.object_text(resource) else { return };
        let Some(their) = self.store.object_text(resource).map(ToString::to_string) else {
            let api = Some(our.to_string());
            self.conflicts.push(Conflict { resource: resource.into(), id: None, property: None, api, edit: None });
            return;
        };
        let before = base.object_text(resource).unwrap_or("{}");
        let mut text = their.clone();
        let mut names: Vec<String> = members(before).map(|member| member.key.into_owned()).collect();
        names.extend(members(our).map(|member| member.key.into_owned()));
        names.sort_unstable();
        names.dedup();
        // The order in which the API has them.
        let place = |name: &String| members(our).position(|member| member.key == name.as_str());
        names.sort_by_key(place);
        for name in names {
            let (before, our, their) = (get_member(before, &name), get_member(our, &name), get_member(&their, &name));
            if same(our, their) || same(our, before) {
                continue;
            }
            if !same(their, before) {
                self.conflicts.push(Conflict {
                    resource: resource.to_string(),
                    id: None,
                    property: Some(name),
                    api: our.map(ToString::to_string),
                    edit: their.map(ToString::to_string),
                });
                continue;
            }
            self.kept += 1;
            let layout = Layout::of(&text, self.store.layout);
            let base = layout.line("", 1);
            let base = base.trim_start_matches(['\r', '\n']);
            text = match our {
                Some(value) => with_member(&text, &name, value, layout, base),
                None => without_member(&text, &name, layout, base),
            };
        }
        if text != their
            && Kind::of(&text) == Kind::Object
            && let Some(resource) = self.store.data_mut(resource)
        {
            resource.data = Data::Object(text.into());
        }
    }
}
