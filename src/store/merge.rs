//! An edit of the file and writes through the API, brought together: record by record, in a single object property by
//! property.
//!
//! For each thing that the API wrote there are the texts that it had while the edit may have been begun, the one that it
//! has now, and what the edit says. If that is one of the earlier ones, the edit is not about this thing, and the API's
//! stands. Otherwise both changed it: the edit's stands, and the API's is a [`Conflict`], unless
//! - the edit has all that the API changed: it began from there, and nothing is lost;
//! - the edit has a new record whole that the API wrote at the same time or later: it has seen the write, and what
//!   differs is its wish;
//! - both made a new record under one id: the API has told that id to its client, so the edit's record moves.

use std::collections::HashMap;
use std::sync::Arc;

use super::put::Look;
use super::{Data, Resource, Store};
use crate::json::{Id, Kind, Layout, get_member, members, same_value, with_member, without_member};

/// What the API wrote: a record of a collection, or a single object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Written {
    /// The resource.
    pub resource: String,
    /// The record; `None` for a single object.
    pub id: Option<Id>,
}

/// What the API made of a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiChange {
    /// The thing.
    pub what: Written,
    /// The texts that it had before, oldest first, at least one; `None`: it was not there.
    pub before: Vec<Option<String>>,
    /// Its text now; `None`: it is gone.
    pub after: Option<String>,
    /// The place of the last write to it in the order of all.
    pub last: usize,
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
    /// What the API wrote and the edit did not have: it was kept.
    pub kept: Vec<Written>,
    /// What could not be kept of the API's side.
    pub conflicts: Vec<Conflict>,
    /// New records of the edit that got another id, since the API had given theirs away: resource, old and new id.
    pub renumbered: Vec<(String, Id, Id)>,
    /// What the API wrote and the edit has overruled: it is no longer the API's.
    pub settled: Vec<Written>,
}

impl Store {
    /// Brings this store, an edit, together with what the API wrote, in the order in which it did.
    pub fn merge(self, changes: &[ApiChange]) -> Merged {
        let seen = changes.iter().filter(|change| self.has_new(change)).map(|change| change.last).max();
        let mut merged = Merged {
            store: self,
            kept: Vec::new(),
            conflicts: Vec::new(),
            renumbered: Vec::new(),
            settled: Vec::new(),
        };
        merged.reserve(changes);
        // Values that must be unique may have moved from one record to another: who is refused gets his turn again.
        let mut waiting: Vec<&ApiChange> = changes.iter().collect();
        loop {
            let before = waiting.len();
            waiting.retain(|change| {
                let was_seen = seen.is_some_and(|seen| change.last <= seen);
                !match &change.what.id {
                    Some(id) => merged.record(change, id, was_seen),
                    None => merged.object(change, was_seen),
                }
            });
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
        }
        for change in waiting {
            let edit = merged.store.text_of(&change.what).map(ToString::to_string);
            merged.conflict(change, edit);
        }
        merged
    }

    /// What this store made of the things that were written after the states in `states`, oldest first.
    pub fn changes_since<'a>(&self, states: impl IntoIterator<Item = (&'a Store, &'a [Written])>) -> Vec<ApiChange> {
        let mut places: HashMap<&Written, usize> = HashMap::new();
        let mut changes: Vec<ApiChange> = Vec::new();
        for (last, (store, written)) in states.into_iter().enumerate() {
            for one in written {
                let text = store.text_of(one).map(ToString::to_string);
                let place = *places.entry(one).or_insert(changes.len());
                match changes.get_mut(place) {
                    Some(change) => {
                        change.last = last;
                        if change.before.last() != Some(&text) {
                            change.before.push(text);
                        }
                    }
                    None => {
                        let after = self.text_of(one).map(ToString::to_string);
                        changes.push(ApiChange { what: one.clone(), before: vec![text], after, last });
                    }
                }
            }
        }
        changes.retain(|change| !change.before.iter().all(|before| same(before.as_deref(), change.after.as_deref())));
        changes
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

    /// Whether this edit has a new record of the API's just as the API made it.
    fn has_new(&self, change: &ApiChange) -> bool {
        change.is_new() && change.after.is_some() && same(change.after.as_deref(), self.text_of(&change.what))
    }

    fn data_mut(&mut self, resource: &str) -> Option<&mut Resource> {
        let index = self.index_of(resource)?;
        self.resources.get_mut(index).map(Arc::make_mut)
    }
}

fn same(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => same_value(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Whether `their` has all that the API changed when it made `our` of `before`.
fn includes(before: Option<&str>, our: &str, their: &str, id: &str) -> bool {
    let has = |name: &str, value: Option<&str>| same(get_member(their, name), value);
    let mut changed = members(our).filter(|member| {
        member.key != id && before.is_none_or(|before| !same(get_member(before, &member.key), Some(member.value)))
    });
    let mut gone = members(before.unwrap_or("{}")).filter(|member| get_member(our, &member.key).is_none());
    let any = members(our).any(|member| member.key != id);
    any && changed.all(|member| has(&member.key, get_member(our, &member.key)))
        && gone.all(|member| has(&member.key, None))
}

impl ApiChange {
    fn first(&self) -> Option<&str> {
        self.before.first().and_then(Option::as_deref)
    }

    fn is_new(&self) -> bool {
        self.first().is_none()
    }
}

impl Merged {
    /// Sees to it that an id which the API has given away is given to no other record.
    fn reserve(&mut self, changes: &[ApiChange]) {
        let id_property = self.store.settings.id.clone();
        for change in changes {
            let Some(id) = change.after.as_deref().and_then(|after| get_member(after, &id_property)) else { continue };
            if let Some(Resource { data: Data::Collection(collection), .. }) =
                self.store.data_mut(&change.what.resource)
            {
                collection.highest.see(id);
            }
        }
    }

    fn conflict(&mut self, change: &ApiChange, edit: Option<String>) {
        self.settled.push(change.what.clone());
        let Written { resource, id } = change.what.clone();
        self.conflicts.push(Conflict { resource, id, property: None, api: change.after.clone(), edit });
    }

    /// Settles what the API wrote to a record. `false`: values that must be unique belong to another record as yet.
    fn record(&mut self, change: &ApiChange, id: &Id, was_seen: bool) -> bool {
        let resource = change.what.resource.as_str();
        let our = change.after.as_deref();
        let their = self.store.text_of(&change.what);
        if same(our, their) {
            return true;
        }
        if change.before.iter().any(|before| same(their, before.as_deref())) {
            let done = self.store.put(resource, id, None, (our, Look::Neighbours));
            if done {
                self.kept.push(change.what.clone());
            }
            return done;
        }
        let their = their.map(ToString::to_string);
        match (our, &their) {
            (Some(our), Some(their)) if was_seen || includes(change.first(), our, their, &self.store.settings.id) => {
                self.settled.push(change.what.clone());
            }
            (Some(our), Some(their)) if change.is_new() => {
                let was = self.store.clone();
                if !(self.renumber(resource, id, their)
                    && self.store.put(resource, id, None, (Some(our), Look::Neighbours)))
                {
                    self.store = was;
                    self.renumbered.retain(|(name, old, _)| !(name == resource && old == id));
                    return false;
                }
                self.kept.push(change.what.clone());
            }
            _ => self.conflict(change, their),
        }
        true
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

    fn object(&mut self, change: &ApiChange, was_seen: bool) -> bool {
        let resource = change.what.resource.as_str();
        let Some(our) = change.after.as_deref() else { return true };
        let Some(their) = self.store.object_text(resource).map(ToString::to_string) else {
            self.conflict(change, None);
            return true;
        };
        let before: Vec<&str> = change.before.iter().map(|before| before.as_deref().unwrap_or("{}")).collect();
        let mut text = their.clone();
        // In the order in which the API has them; what it took away comes first.
        let mut names: Vec<String> = Vec::new();
        let gone = before.iter().flat_map(|before| members(before)).filter(|one| get_member(our, &one.key).is_none());
        for member in gone.chain(members(our)) {
            if !names.iter().any(|name| *name == member.key) {
                names.push(member.key.into_owned());
            }
        }
        for name in names {
            let (our, their) = (get_member(our, &name), get_member(&their, &name));
            let mut before = before.iter().map(|before| get_member(before, &name));
            if same(our, their) || before.clone().all(|before| same(our, before)) {
                continue;
            }
            if !before.any(|before| same(their, before)) {
                if !was_seen {
                    self.conflicts.push(Conflict {
                        resource: resource.to_string(),
                        id: None,
                        property: Some(name),
                        api: our.map(ToString::to_string),
                        edit: their.map(ToString::to_string),
                    });
                }
                continue;
            }
            if self.kept.last() != Some(&change.what) {
                self.kept.push(change.what.clone());
            }
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
        true
    }
}
