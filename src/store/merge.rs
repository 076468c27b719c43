//! Merges an edit of the file with API writes: record by record, and in a single object property by property.
//!
//! This is a three-way merge with an unknown base: the data may have gone through several states while the edit was
//! made. The state from which the edit differs least is chosen; see [`Store::base`]. Then, for each record or object
//! that the API wrote:
//! - the API has not changed it since the base: the editor had seen the write, and the edit's version wins;
//! - the edit has not changed it since the base: the API's version wins;
//! - both changed it: the edit's version wins, and the API's is a [`Conflict`], unless the edit includes all of the
//!   API's changes;
//! - both made a new record with the same id: the API's client already knows that id, so the edit's record gets another
//!   one.

use std::collections::{BTreeMap, HashSet};

use indexmap::IndexMap;

use super::command::Written;
use super::write::Formatting;
use super::{Collection, Data, Store};
use crate::json::{
    Id, Kind, Layout, Member, get_member, members, same_value, with_member, without_member,
};

/// The recent versions of a record or object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiChange {
    /// The record or object.
    pub what: Written,
    /// The API wrote it. Otherwise only edits changed it, and it just helps to find the base of an edit.
    pub by_api: bool,
    /// It was changed by an edit that was saved after the one that is merged now: if both changed it, this version
    /// wins.
    pub wins: bool,
    /// Its previous versions, oldest first, at least one.
    pub before: Vec<Version>,
    /// Its text now; `None`: it was deleted.
    pub after: Option<String>,
}

/// A version of a record or object, in some of the past states of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its text; `None`: it did not exist.
    pub text: Option<String>,
    /// The last state in which it had that text. States are counted from 0; from the one after the last write on, it
    /// has its present text.
    pub until: usize,
}

/// A record that both sides changed. The edit's version wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The resource.
    pub resource: String,
    /// The record; `None` for a single object.
    pub id: Option<Id>,
    /// The property, for a conflict in one property of a single object.
    pub property: Option<String>,
    /// The API's version, as JSON; `None`: the API had deleted it.
    pub api: Option<String>,
    /// The edit's version, as JSON; `None`: the edit deleted it.
    pub edit: Option<String>,
}

impl Conflict {
    /// A conflict about a whole record or object, with both versions.
    pub fn new(what: &Written, api: Option<&str>, edit: Option<&str>) -> Conflict {
        Conflict {
            resource: what.resource.clone(),
            id: what.id.clone(),
            property: None,
            api: api.map(str::to_string),
            edit: edit.map(str::to_string),
        }
    }
}

/// A past state of the data, and what was changed next.
#[derive(Debug, Clone, Copy)]
pub struct PastState<'a> {
    /// The data.
    pub store: &'a Store,
    /// The records that the API wrote next.
    pub written: &'a [Written],
    /// The records that edits changed next.
    pub edited: &'a [Written],
}

/// The result of a merge.
#[derive(Debug)]
pub struct Merged {
    /// Both sides' changes.
    pub store: Store,
    /// API writes that the edit did not have and that were kept.
    pub kept: Vec<Written>,
    /// API writes that lost against the edit.
    pub conflicts: Vec<Conflict>,
    /// Changes of the edit that lost against a later edit.
    pub outdated: Vec<Conflict>,
    /// New records of the edit that got another id, because the API had assigned theirs: resource, old and new id.
    pub renumbered: Vec<(String, Id, Id)>,
    /// API writes that lost in a conflict: they no longer count as the API's.
    pub superseded: Vec<Written>,
    /// API writes that the edit had seen and changed, for the fuzz tests.
    pub seen: Vec<Written>,
}

/// The edit distance of a deleted record; that of a member that is changed, added or removed is one.
const DELETION: usize = 2;
/// A record that has just been written is less likely to be deleted by hand. If two states are otherwise equally near,
/// the one before the write is chosen, so that nothing is lost.
const FRESH_DELETION: usize = 3;

impl Store {
    /// Merges this store, an edit, with API writes. `bases` are the states that the edit may be based on, the likeliest
    /// first.
    pub fn merge(self, changes: &[ApiChange], bases: &[usize]) -> Merged {
        let base = self.base(changes, bases);
        let mut merged = Merged::new(self);
        let written = || changes.iter().filter(|change| change.by_api);
        merged.reserve(written());
        // Unique values may have moved from one record to another: a change that is refused is retried.
        let mut waiting: Vec<&ApiChange> = written().collect();
        loop {
            let before = waiting.len();
            waiting.retain(|change| {
                let was = change.at(base);
                !match &change.what.id {
                    Some(id) => merged.record(change, id, was),
                    None => merged.object(change, was),
                }
            });
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
        }
        for change in waiting {
            let edit = merged.store.text_of(&change.what).map(str::to_string);
            merged.conflict(change, edit.as_deref());
        }
        merged
    }

    /// The state among `bases` from which this store, an edit, differs least in what has changed. The distance is the
    /// number of members that had to be typed or removed. If several are equally near, it is the likeliest if that is
    /// one of them; otherwise the editor has not seen all writes, and the last one loses least.
    fn base(&self, changes: &[ApiChange], bases: &[usize]) -> usize {
        // At first, how much the distance grows or shrinks from one state to the next.
        let mut distances: BTreeMap<usize, isize> = BTreeMap::new();
        for change in changes {
            let their = self.text_of(&change.what);
            let mut from = 0;
            let mut last = 0;
            let before = change.before.iter();
            let versions = before.map(|version| (version.text.as_deref(), Some(version.until)));
            for (text, until) in versions.chain([(change.after.as_deref(), None)]) {
                let distance = change
                    .distance(text, their, &self.settings.id, from > 0)
                    .cast_signed();
                *distances.entry(from).or_default() += distance - last;
                last = distance;
                from = until.map_or(from, |until| until + 1);
            }
        }
        let mut sum = 0;
        for distance in distances.values_mut() {
            sum += *distance;
            *distance = sum;
        }
        let near = |state: &usize| {
            let last = distances.range(..=*state).next_back();
            last.map_or(0, |(_, distance)| *distance)
        };
        let nearest = bases.iter().map(near).min();
        let is_nearest = |state: &&usize| Some(near(state)) == nearest;
        let first = bases.first().filter(is_nearest);
        let base = first.or_else(|| bases.iter().rfind(is_nearest));
        base.copied().unwrap_or_default()
    }

    /// The versions of everything that has changed since the first of `states`, which are oldest first, up to this
    /// store.
    pub fn changes_since<'a>(
        &self,
        states: impl IntoIterator<Item = PastState<'a>>,
    ) -> Vec<ApiChange> {
        let mut changes: IndexMap<&Written, ApiChange> = IndexMap::new();
        for (until, state) in states.into_iter().enumerate() {
            let written = state.written.iter().map(|one| (one, true));
            let edited = state.edited.iter().map(|one| (one, false));
            for (one, by_api) in written.chain(edited) {
                let change = changes.entry(one).or_insert_with(|| ApiChange {
                    what: one.clone(),
                    after: self.text_of(one).map(str::to_string),
                    ..ApiChange::default()
                });
                change.by_api |= by_api;
                change.was(state.store.text_of(one).map(str::to_string), until);
            }
        }
        let differs = |change: &ApiChange| {
            let after = change.after.as_deref();
            (change.before.iter()).any(|before| !same(before.text.as_deref(), after))
        };
        changes.into_values().filter(differs).collect()
    }

    /// The text in this store of what was written.
    pub fn text_of(&self, written: &Written) -> Option<&str> {
        self.text(&written.resource, written.id.as_ref())
    }

    /// Bytes of the text of what was written.
    pub fn bytes_of(&self, written: &Written) -> usize {
        self.text_of(written).map_or(0, str::len)
    }

    fn collection_mut(&mut self, resource: &str) -> Option<&mut Collection> {
        match self.data_mut(self.index_of(resource)?) {
            Data::Collection(collection) => Some(collection),
            _ => None,
        }
    }
}

fn same(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => same_value(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Whether `their` includes all changes of the API from `before` to `our`.
fn includes(before: Option<&str>, our: &str, their: &str, id: &str) -> bool {
    let has = |name: &str, value: Option<&str>| same(get_member(their, name), value);
    let mut changed = others(our, id).filter(|member| {
        let value = Some(member.value);
        before.is_none_or(|before| !same(get_member(before, &member.key), value))
    });
    let mut gone =
        members(before.unwrap_or("{}")).filter(|member| get_member(our, &member.key).is_none());
    others(our, id).next().is_some()
        && changed.all(|member| has(&member.key, get_member(our, &member.key)))
        && gone.all(|member| has(&member.key, None))
}

/// The members of `record` other than its id.
fn others<'a>(record: &'a str, id: &str) -> impl Iterator<Item = Member<'a>> {
    members(record).filter(move |member| member.key != id)
}

/// How many members of `our` are unchanged in `their` (possibly renamed in the same position), and how many are not.
fn kept_and_changed(our: &str, their: &str, id: &str) -> (usize, usize) {
    let all = others(our, id).count();
    let is_renamed = |(ours, theirs): &(Member, Member)| {
        same(Some(ours.value), Some(theirs.value))
            && get_member(their, &ours.key).is_none()
            && get_member(our, &theirs.key).is_none()
    };
    let pairs = others(our, id).zip(others(their, id));
    let is_kept = |member: &Member| same(get_member(their, &member.key), Some(member.value));
    let kept = pairs.filter(is_renamed).count() + others(our, id).filter(is_kept).count();
    (kept, all - kept)
}

/// Whether `their` may be an edited version of `our`, rather than another record with the same id.
fn is_made_of(our: &str, their: &str, id: &str) -> bool {
    let (kept, changed) = kept_and_changed(our, their, id);
    if kept > changed {
        return true;
    }
    // An edit usually keeps the order of the members.
    let names = |of: &str, shared: &str| -> Vec<String> {
        let shared = members(of).filter(|member| get_member(shared, &member.key).is_some());
        shared.map(|member| member.key.into_owned()).collect()
    };
    let in_order = names(our, their) == names(their, our);
    let renamed = others(our, id).any(|member| get_member(their, &member.key).is_none());
    in_order && (kept > 0 || (changed <= 1 && !renamed))
}

impl ApiChange {
    /// Adds the version `text`, up to the state `until`.
    pub fn was(&mut self, text: Option<String>, until: usize) {
        match self.before.last_mut() {
            Some(last) if last.text == text => last.until = until,
            _ => self.before.push(Version { text, until }),
        }
    }

    /// The edit distance from `version` to `their`, in members. `fresh`: that version was written while the edit may
    /// have been in progress.
    fn distance(&self, version: Option<&str>, their: Option<&str>, id: &str, fresh: bool) -> usize {
        let deletion = if fresh { FRESH_DELETION } else { DELETION };
        let was_there = self.before.iter().all(|version| version.text.is_some());
        match (version, their) {
            (None, None) => 0,
            (Some(_), None) => deletion,
            (None, Some(their)) => {
                // The more it shares with what the API wrote under this id, the less likely that is a coincidence.
                let our = self.after.as_deref();
                let our = our.filter(|our| !was_there && is_made_of(our, their, id));
                let by_chance = our.map_or(0, |our| kept_and_changed(our, their, id).0);
                1 + others(their, id).count() + 2 * by_chance
            }
            (Some(version), Some(their)) if was_there || is_made_of(version, their, id) => {
                let typed = others(their, id)
                    .filter(|member| !same(Some(member.value), get_member(version, &member.key)));
                let gone =
                    others(version, id).filter(|member| get_member(their, &member.key).is_none());
                typed.count() + gone.count()
            }
            (Some(_), Some(their)) => deletion + 1 + others(their, id).count(),
        }
    }

    fn conflict(&self, edit: Option<&str>) -> Conflict {
        Conflict::new(&self.what, self.after.as_deref(), edit)
    }

    /// Its text in a state.
    fn at(&self, state: usize) -> Option<&str> {
        let version = self.before.iter().find(|version| state <= version.until);
        version.map_or(self.after.as_deref(), |version| version.text.as_deref())
    }
}

impl Merged {
    /// An edit, not yet merged with API writes.
    pub fn new(store: Store) -> Merged {
        Merged {
            store,
            kept: Vec::new(),
            conflicts: Vec::new(),
            outdated: Vec::new(),
            renumbered: Vec::new(),
            superseded: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Reserves the ids that the API has assigned, so that no other record gets one.
    fn reserve<'a>(&mut self, changes: impl Iterator<Item = &'a ApiChange>) {
        let id_property = self.store.settings.id.clone();
        for change in changes {
            let after = change.after.as_deref();
            if let Some(id) = after.and_then(|after| get_member(after, &id_property))
                && let Some(collection) = self.store.collection_mut(&change.what.resource)
            {
                collection.id_sequence.observe(id);
            }
        }
    }

    fn conflict(&mut self, change: &ApiChange, edit: Option<&str>) {
        self.superseded.push(change.what.clone());
        self.conflicts.push(change.conflict(edit));
    }

    /// Merges an API write to a record, which was `was` in the base. `false`: another record still has its unique
    /// values.
    fn record(&mut self, change: &ApiChange, id: &Id, was: Option<&str>) -> bool {
        let resource = change.what.resource.as_str();
        let our = change.after.as_deref();
        let their = self.store.text_of(&change.what);
        if same(our, their) {
            return true;
        }
        if same(our, was) {
            self.seen.push(change.what.clone());
            return true;
        }
        if same(their, was) {
            return self.keep(change, id);
        }
        let id_property = &self.store.settings.id;
        let their = their.map(ToString::to_string);
        // However the rest of the file differs, this cannot be a coincidence.
        let is_like = |our, their| {
            let (kept, changed) = kept_and_changed(our, their, id_property);
            kept > changed
        };
        match (our, &their) {
            (Some(our), Some(their)) if includes(was, our, their, id_property) => {
                self.seen.push(change.what.clone());
            }
            (Some(our), Some(their)) if was.is_none() && !is_like(our, their) => {
                let before = self.store.clone();
                if !(self.renumber(resource, id, their) && self.keep(change, id)) {
                    self.store = before;
                    self.renumbered
                        .retain(|(name, old, _)| !(name == resource && old == id));
                    return false;
                }
            }
            _ if change.wins => {
                if !self.keep(change, id) {
                    return false;
                }
                self.outdated.push(change.conflict(their.as_deref()));
            }
            (Some(_), Some(_)) if was.is_none() => self.seen.push(change.what.clone()),
            _ => self.conflict(change, their.as_deref()),
        }
        true
    }

    /// Applies the API's version of a record, unless another record has its unique values.
    fn keep(&mut self, change: &ApiChange, id: &Id) -> bool {
        let (resource, our) = (&change.what.resource, change.after.as_deref());
        let is_done = (self.store).set_record(resource, id, None, our, Formatting::OfNeighbours);
        if is_done {
            self.kept.push(change.what.clone());
        }
        is_done
    }

    /// Gives the edit's record `id`, whose text is `value`, another id.
    fn renumber(&mut self, resource: &str, id: &Id, value: &str) -> bool {
        let id_property = self.store.settings.id.clone();
        let Some(collection) = self.store.collection_mut(resource) else {
            return false;
        };
        let Some(old) = collection.get(id).cloned() else {
            return false;
        };
        let mut attempt = 0u32;
        let new = loop {
            attempt += 1;
            let mut letters = || format!("{id}-{attempt}");
            let next = collection.id_sequence.next(&mut letters);
            collection.id_sequence.observe(&next);
            match Id::from_json(&next) {
                Some(new) if collection.get(&new).is_none() => break (new, next),
                _ if attempt > 1000 => return false,
                _ => {}
            }
        };
        let indent = old.text.indent();
        let text = with_member(value, &id_property, &new.1, Layout::PRETTY, indent);
        let text = old.text.with_value(&text);
        collection.put(&old, Some(new.0.clone()), text);
        self.renumbered
            .push((resource.to_string(), id.clone(), new.0));
        true
    }

    /// Merges an API write to a single object, which was `was` in the base.
    fn object(&mut self, change: &ApiChange, was: Option<&str>) -> bool {
        let resource = change.what.resource.as_str();
        let Some(our) = change.after.as_deref() else {
            return true;
        };
        if same(Some(our), was) {
            self.seen.push(change.what.clone());
            return true;
        }
        let Some(their) = self.store.text(resource, None).map(ToString::to_string) else {
            self.conflict(change, None);
            return true;
        };
        let was = was.unwrap_or("{}");
        let mut text = their.clone();
        // In the API's order; removed members come first.
        let gone = members(was).filter(|one| get_member(our, &one.key).is_none());
        let names = gone.chain(members(our)).map(|member| member.key);
        let mut seen = HashSet::new();
        for name in names.filter(|name| seen.insert(name.clone())) {
            let [our, their, was] = [our, &their, was].map(|object| get_member(object, &name));
            if same(our, their) || same(our, was) {
                continue;
            }
            if !same(their, was) {
                let conflict = Conflict {
                    property: Some(name.to_string()),
                    ..Conflict::new(&change.what, our, their)
                };
                if !change.wins {
                    self.conflicts.push(conflict);
                    continue;
                }
                self.outdated.push(conflict);
            }
            if self.kept.last() != Some(&change.what) {
                self.kept.push(change.what.clone());
            }
            let layout = Layout::of(&text, self.store.layout);
            let base = layout.indent(1);
            text = match our {
                Some(value) => with_member(&text, &name, value, layout, &base),
                None => without_member(&text, &name, layout, &base),
            };
        }
        if text != their
            && Kind::of(&text) == Kind::Object
            && let Some(index) = self.store.index_of(resource)
        {
            *self.store.data_mut(index) = Data::Object(text.into());
        }
        true
    }
}
