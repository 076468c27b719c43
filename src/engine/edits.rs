//! What an edit of the file and the writes through the API make together.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use super::Published;
use crate::store::{ApiChange, Conflict, PastState, Store, Written};

/// The writes of the last moments, which somebody who saves an edit now may not have seen.
pub(super) struct Young {
    window: Duration,
    saves: VecDeque<YoungSave>,
}

struct YoungSave {
    at: Instant,
    /// What the data was before.
    before: Store,
    written: Vec<Written>,
    /// What an edit changed, and what the API wrote and lost against one.
    edited: Vec<Written>,
}

impl Young {
    /// How late an edit may be seen: it is judged by when it was saved.
    pub(super) const LAG: Duration = Duration::from_secs(5);

    /// The moment `age` ago, but no longer ago than edits may be late.
    pub(super) fn moment(age: Duration) -> Instant {
        let now = Instant::now();
        now.checked_sub(age.min(Young::LAG)).unwrap_or(now)
    }

    pub(super) fn new(window: Duration) -> Young {
        Young { window, saves: VecDeque::new() }
    }

    /// Takes note of writes that are saved now, or that an edit lacked and that were kept; `before` is what the data was,
    /// or what the edit said: whoever goes on from that edit has not seen them either.
    pub(super) fn note(&mut self, before: &Store, written: impl Iterator<Item = Written>) {
        let (at, before) = (Instant::now(), before.clone());
        self.saves.push_back(YoungSave { at, before, written: written.collect(), edited: Vec::new() });
    }

    /// Records what an edit changed: the next edit may have been made from the data before it.
    pub(super) fn note_edit(&mut self, before: &Store, after: &Store) {
        let (at, edited) = (Instant::now(), after.written_since(before));
        self.saves.push_back(YoungSave { at, before: before.clone(), written: Vec::new(), edited });
    }

    /// Forgets what was written longer before `end` than the window.
    pub(super) fn forget(&mut self, end: Instant) {
        let Some(horizon) = end.checked_sub(self.window) else { return };
        while self.saves.front().is_some_and(|save| save.at < horizon) {
            self.saves.pop_front();
        }
    }

    /// Forgets everything: the data has just been taken whole from the file.
    pub(super) fn clear(&mut self) {
        self.saves.clear();
    }

    /// What lost against an edit is the API's no longer.
    pub(super) fn settle(&mut self, settled: &[Written]) {
        if settled.is_empty() {
            return;
        }
        let settled: HashSet<&Written> = settled.iter().collect();
        for save in &mut self.saves {
            save.edited.extend(save.written.extract_if(.., |one| settled.contains(one)));
        }
    }

    /// The last states of the data, oldest first.
    pub(super) fn states(&self) -> impl Iterator<Item = PastState<'_>> {
        self.saves.iter().map(|save| PastState { store: &save.before, written: &save.written, edited: &save.edited })
    }

    /// How many of these states are older than `moment`.
    pub(super) fn states_before(&self, moment: Instant) -> usize {
        self.saves.partition_point(|save| save.at < moment)
    }
}

/// How many writes the data had seen in each state of the file, for as many states as the file remembers.
#[derive(Default)]
pub(super) struct Counts {
    writes: u64,
    at: BTreeMap<u64, u64>,
}

impl Counts {
    /// Counts writes that the data has seen; `None`: no state of the file has them yet.
    pub(super) fn add(&mut self, writes: usize, state: Option<u64>) {
        self.writes += writes as u64;
        let Some(state) = state else { return };
        self.at.insert(state, self.writes);
        if self.at.len() > 100_000 {
            self.at = self.at.split_off(&state.saturating_sub(50_000));
        }
    }

    /// How many writes the data has seen since that state. One that an edit made has those of the state before it.
    pub(super) fn since(&self, state: u64) -> u64 {
        self.writes - self.at.range(..=state).next_back().map_or(0, |(_, writes)| *writes)
    }
}

/// A version of the API's that lost against an edit, as it is kept and shown.
pub(super) fn describe(kind: &str, conflict: &Conflict) -> Value {
    let value = |text: &Option<String>| {
        text.as_deref().map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| text.into()))
    };
    let mut line = json!({
        "at": httpdate::fmt_http_date(SystemTime::now()),
        "kind": kind,
        "resource": conflict.resource,
        "id": conflict.id.as_ref().map(ToString::to_string),
        "api": value(&conflict.api),
        "edit": value(&conflict.edit),
    });
    if let (Some(property), Some(members)) = (&conflict.property, line.as_object_mut()) {
        members.insert("property".into(), property.clone().into());
    }
    line
}

/// A write that is in memory only while the file is broken.
pub(super) fn pending(change: &ApiChange) -> Value {
    let Written { resource, id } = change.what.clone();
    describe("pending", &Conflict { resource, id, property: None, api: change.after.clone(), edit: None })
}

/// Text that was to be brought together with the data and cannot be read, as it is kept and shown.
pub(super) fn unreadable(text: &str) -> Value {
    json!({ "at": httpdate::fmt_http_date(SystemTime::now()), "kind": "unreadable", "text": text })
}

/// The conflicts of a return to an earlier state: every record that the API wrote since and that is not the same there.
pub(super) fn dropped(ours: &Published, theirs: &Store) -> Vec<Conflict> {
    let differing = ours.store.written_since(theirs);
    let conflict = |one: &Written| Conflict {
        resource: one.resource.clone(),
        id: one.id.clone(),
        property: None,
        api: ours.store.text_of(one).map(ToString::to_string),
        edit: theirs.text_of(one).map(ToString::to_string),
    };
    differing.iter().map(conflict).collect()
}
