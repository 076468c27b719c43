//! An edit of the file and writes through the API, brought together: record by record, in a single object property by
//! property.
//!
//! This is a three-way merge whose base is not known: the data may have gone through several states while the edit was
//! made. The state from which the edit differs least is taken for it; see [`Store::base`]. Then, for each thing that the API
//! wrote:
//! - the API has not changed it since the base: the edit had seen the write, and its version stands;
//! - the edit says what the base says: the API's version stands;
//! - both changed it: the edit's version stands, and the API's is a [`Conflict`], unless the edit has all that the API
//!   changed;
//! - both made a new record under one id: the API's client already knows that id, so the edit's record moves.

use std::collections::{BTreeMap, HashSet};

use indexmap::IndexMap;

use super::command::Written;
use super::write::Formatting;
use super::{Collection, Data, Store};
use crate::json::{
    Id, Kind, Layout, Member, get_member, members, same_value, with_member, without_member,
};

/// What became of a thing in the last states of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiChange {
    /// The thing.
    pub what: Written,
    /// The API wrote it. Otherwise only edits changed it, and it merely helps to find out what an edit was based on.
    pub by_api: bool,
    /// It was changed by an edit that was saved after the one that is merged now: where both changed it, it stands.
    pub wins: bool,
    /// The texts that it had before, oldest first, at least one.
    pub before: Vec<Version>,
    /// Its text now; `None`: it is gone.
    pub after: Option<String>,
}

/// What a thing was in some of the states that the data went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its text; `None`: it was not there.
    pub text: Option<String>,
    /// The last state in which it had that text. States are counted from 0; in the one after the last write, and in all
    /// later ones, a thing is as it is now.
    pub until: usize,
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

impl Conflict {
    /// A conflict about a whole record or object: what the API had stored, and what the edit says.
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

/// A state that the data was in, and what was changed next.
#[derive(Debug, Clone, Copy)]
pub struct PastState<'a> {
    /// The data.
    pub store: &'a Store,
    /// What the API wrote then.
    pub written: &'a [Written],
    /// What was changed otherwise.
    pub edited: &'a [Written],
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
    /// What could not be kept of the edit, since a later one changed the same.
    pub outdated: Vec<Conflict>,
    /// New records of the edit that got another id, since the API had given theirs away: resource, old and new id.
    pub renumbered: Vec<(String, Id, Id)>,
    /// What the API wrote and lost against the edit, in a conflict: it does not belong to the API any more.
    pub settled: Vec<Written>,
    /// What the API wrote and the edit had seen and changed. The fuzz tests look at it.
    pub seen: Vec<Written>,
}

/// What it takes to remove a record by hand; a member that is changed, added or removed counts as one.
const DELETION: usize = 2;
/// A record that has just been written is less likely to be removed. Of two states that are equally near
/// otherwise, the one before the write is chosen, so that nothing is lost.
const FRESH_DELETION: usize = 3;

impl Store {
    /// Merges this store, an edit, with what the API wrote. `bases` are the states that the edit may have been based on,
    /// the likeliest first.
    pub fn merge(self, changes: &[ApiChange], bases: &[usize]) -> Merged {
        let base = self.base(changes, bases);
        let mut merged = Merged::new(self);
        let written = || changes.iter().filter(|change| change.by_api);
        merged.reserve(written());
        // Values that must be unique may have moved from one record to another: a change that is refused is retried.
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

    /// The state among `bases` from which this store, an edit, differs least in the things that have changed. How much they
    /// differ is counted in members that had to be typed or removed. Where several are equally near, it is the
    /// likeliest if that is one of them; otherwise the edit has not seen all, and the last one gives away least.
    fn base(&self, changes: &[ApiChange], bases: &[usize]) -> usize {
        // How much the distance grows or shrinks from one state to the next.
        let mut steps: BTreeMap<usize, isize> = BTreeMap::new();
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
                *steps.entry(from).or_default() += distance - last;
                last = distance;
                from = until.map_or(from, |until| until + 1);
            }
        }
        let mut sum = 0;
        for step in steps.values_mut() {
            sum += *step;
            *step = sum;
        }
        let distances = steps;
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

    /// What became of the things that have changed since the first of `states`, which come oldest first, up to this store.
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
                    after: self.text_of(one).map(str::to_string),
                    ..ApiChange::new(one.clone())
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

    /// The text of what was written, as it is in this store.
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

/// Whether `their` has all that the API changed when it made `our` of `before`.
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

/// How many members of `our` the record `their` has as they are, if only under another name in the same place, and how
/// many it has not.
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

/// Whether `their` may be an edited `our`, rather than another record that happens to have the same id.
fn is_made_of(our: &str, their: &str, id: &str) -> bool {
    let (kept, changed) = kept_and_changed(our, their, id);
    if kept > changed {
        return true;
    }
    // An editor leaves the members in their order.
    let names = |of: &str, shared: &str| -> Vec<String> {
        let shared = members(of).filter(|member| get_member(shared, &member.key).is_some());
        shared.map(|member| member.key.into_owned()).collect()
    };
    let in_order = names(our, their) == names(their, our);
    let renamed = others(our, id).any(|member| get_member(their, &member.key).is_none());
    in_order && (kept > 0 || (changed <= 1 && !renamed))
}

impl ApiChange {
    /// Of `what` nothing is known yet.
    pub fn new(what: Written) -> ApiChange {
        ApiChange {
            what,
            by_api: false,
            wins: false,
            before: Vec::new(),
            after: None,
        }
    }

    /// Takes note that the thing was `text` in the state `until`, and in those before it up to the last one noted.
    pub fn was(&mut self, text: Option<String>, until: usize) {
        match self.before.last_mut() {
            Some(last) if last.text == text => last.until = until,
            _ => self.before.push(Version { text, until }),
        }
    }

    /// How many members had to be changed to make `their` of a version of the thing. `fresh`: that version was
    /// written while the edit may have been under way.
    fn distance(&self, version: Option<&str>, their: Option<&str>, id: &str, fresh: bool) -> usize {
        let deletion = if fresh { FRESH_DELETION } else { DELETION };
        let was_there = self.before.iter().all(|version| version.text.is_some());
        match (version, their) {
            (None, None) => 0,
            (Some(_), None) => deletion,
            (None, Some(their)) => {
                // The more it has of what the API wrote under this id, the less it can be chance.
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

    /// What the thing was in a state.
    fn at(&self, state: usize) -> Option<&str> {
        let version = self.before.iter().find(|version| state <= version.until);
        version.map_or(self.after.as_deref(), |version| version.text.as_deref())
    }
}

impl Merged {
    /// An edit, with nothing of the API's yet.
    pub fn new(store: Store) -> Merged {
        Merged {
            store,
            kept: Vec::new(),
            conflicts: Vec::new(),
            outdated: Vec::new(),
            renumbered: Vec::new(),
            settled: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Reserves the ids that the API has given away, so that no other record gets one.
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
        self.settled.push(change.what.clone());
        self.conflicts.push(change.conflict(edit));
    }

    /// Brings together what the API wrote to a record, which was `was` in the base. `false`: values that must be unique
    /// belong to another record as yet.
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
        // Whatever the rest of the file looks like, this cannot be chance.
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

    /// Makes a record what the API has made of it, unless values that must be unique belong to another.
    fn keep(&mut self, change: &ApiChange, id: &Id) -> bool {
        let (resource, our) = (&change.what.resource, change.after.as_deref());
        let is_done = (self.store).set_record(resource, id, None, our, Formatting::OfNeighbours);
        if is_done {
            self.kept.push(change.what.clone());
        }
        is_done
    }

    /// Gives the record `id` of the edit, whose text is `value`, another id.
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

    /// Brings together what the API wrote to a single object, which was `was` in the base.
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
        // In the order in which the API has them; what it took away comes first.
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
