//! What an edit of the file and the writes through the API make together.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use super::Published;
use crate::store::{Conflict, Store, Written};

/// How close together two remembered states may be; between them the earlier one stands for both.
const STEP: Duration = Duration::from_millis(20);

/// The writes of the last moments, which somebody who saves an edit now may not have seen, and what was before them.
pub(super) struct Young {
    window: Duration,
    /// What the data was until that moment.
    bases: VecDeque<(Instant, Store)>,
    written: VecDeque<(Instant, Written)>,
}

impl Young {
    pub(super) fn new(window: Duration) -> Young {
        Young { window, bases: VecDeque::new(), written: VecDeque::new() }
    }

    /// Takes note of writes that were acknowledged just now; `before` is what the data was.
    pub(super) fn note(&mut self, before: &Store, written: impl Iterator<Item = Written>) {
        let now = Instant::now();
        if self.bases.back().is_none_or(|(until, _)| now.duration_since(*until) >= STEP) {
            self.bases.push_back((now, before.clone()));
        }
        self.written.extend(written.map(|one| (now, one)));
    }

    /// Forgets what was written longer before `end` than the window.
    pub(super) fn forget(&mut self, end: Instant) {
        let Some(horizon) = end.checked_sub(self.window) else { return };
        while self.bases.front().is_some_and(|(until, _)| *until < horizon) {
            self.bases.pop_front();
        }
        while self.written.front().is_some_and(|(at, _)| *at < horizon) {
            self.written.pop_front();
        }
        if self.bases.is_empty() {
            self.written.clear();
        }
    }

    /// Forgets everything: the data has just been taken whole from the file.
    pub(super) fn clear(&mut self) {
        self.bases.clear();
        self.written.clear();
    }

    /// What the data was before the young writes, and these, each once; `None` where there are none.
    pub(super) fn since(&self) -> Option<(Store, Vec<Written>)> {
        let (_, base) = self.bases.front()?;
        let mut known = std::collections::HashSet::new();
        let written = self.written.iter().map(|(_, one)| one).filter(|one| known.insert(*one)).cloned().collect();
        Some((base.clone(), written))
    }
}

/// How many writes the data had seen in each state of the file, for as many states as the file remembers.
#[derive(Default)]
pub(super) struct Counts {
    writes: u64,
    at: HashMap<u64, u64>,
}

impl Counts {
    pub(super) fn add(&mut self, writes: usize, state: u64) {
        self.writes += writes as u64;
        self.at.insert(state, self.writes);
        if self.at.len() > 100_000 {
            let half = state.saturating_sub(50_000);
            self.at.retain(|number, _| *number > half);
        }
    }

    pub(super) fn since(&self, state: u64) -> u64 {
        self.writes - self.at.get(&state).copied().unwrap_or(0)
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
