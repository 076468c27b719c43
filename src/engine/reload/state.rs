//! The reloader's state: how the file and the data relate ([`FileState`]), when to check the file ([`Schedule`]), and
//! the states of the last seconds, any of which an edit may be based on ([`RecentStates`]).

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant, SystemTime};

use super::super::notice::Faults;
use crate::file::Edit;
use crate::memory::{BoundedQueue, OVERHEAD};
use crate::store::{PastState, ResourceDiff, Store, Written, things};

/// How the file and the data relate, not counting what only the journal has.
pub(super) enum FileState {
    /// The file holds the data.
    InSync,
    /// The file has been unreadable since then.
    Missing(Instant),
    /// The file holds an edit that is not valid; it is not overwritten.
    Broken(Broken),
    /// The data has something that the file must get at once: writes that an edit lacked, a late edit, or a failed save
    /// of the journal's writes. Until that is saved, nothing goes into the journal.
    Unsaved,
}

/// An edit that is not valid.
pub(super) struct Broken {
    pub(super) faults: Faults,
    pub(super) edit: Edit,
    pub(super) since: Instant,
    pub(super) is_reported: bool,
    /// The time at which the writes that it may lack are saved to the conflicts file.
    pub(super) keep_pending_at: Option<Instant>,
}

impl FileState {
    pub(super) fn is_unsaved(&self) -> bool {
        matches!(self, FileState::Unsaved)
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken().is_some()
    }

    pub(super) fn broken(&self) -> Option<&Broken> {
        match self {
            FileState::Broken(broken) => Some(broken),
            _ => None,
        }
    }

    /// The file was saved, or a valid edit was read: any state -> in sync. Returns the broken edit before that, if
    /// there was one.
    pub(super) fn set_in_sync(&mut self) -> Option<Broken> {
        match std::mem::replace(self, FileState::InSync) {
            FileState::Broken(broken) => Some(broken),
            _ => None,
        }
    }

    /// The file cannot be read: in sync -> missing. Returns for how long it has been; `None` in other states.
    pub(super) fn set_missing(&mut self) -> Option<Duration> {
        if matches!(self, FileState::InSync) {
            *self = FileState::Missing(Instant::now());
        }
        match self {
            FileState::Missing(since) => Some(since.elapsed()),
            _ => None,
        }
    }

    /// The file holds an edit that is not valid: any state -> broken.
    pub(super) fn set_broken(&mut self, edit: Edit, faults: Faults) {
        let since = self.broken().map(|broken| broken.since);
        *self = FileState::Broken(Broken {
            since: since.unwrap_or_else(|| saved_at(edit.found, edit.age)),
            faults,
            edit,
            is_reported: false,
            keep_pending_at: None,
        });
    }

    /// The file must be saved at once, or such a save has failed: any state but broken -> unsaved.
    pub(super) fn set_unsaved(&mut self) {
        *self = FileState::Unsaved;
    }
}

/// The schedule of checks of the file.
#[derive(Default)]
pub(super) struct Schedule {
    pub(super) at: Option<Instant>,
    /// The time of the first event since the last check.
    first_event: Option<Instant>,
}

/// Debounce: how long there must have been no event before the file is checked, because a save makes several.
const QUIET: Duration = Duration::from_millis(20);
/// How long to wait for that at most: our own saves make events, too.
const MAX_DEBOUNCE: Duration = Duration::from_millis(200);

impl Schedule {
    /// Debounces an event: schedules a check for when there were none for a while, but not too late.
    pub(super) fn event(&mut self) {
        let now = Instant::now();
        let first = *self.first_event.get_or_insert(now);
        self.at = Some((now + QUIET).min(first + MAX_DEBOUNCE));
    }

    /// Schedules a check within `time`.
    pub(super) fn within(&mut self, time: Duration) {
        let at = Instant::now() + time;
        self.at = Some(self.at.map_or(at, |earlier| earlier.min(at)));
    }
}

/// The states of the last seconds (`--unseen`), and what was changed after each.
pub(super) struct RecentStates {
    /// How recent a write must be to be kept when an edit lacks it.
    pub(super) window: Duration,
    states: BoundedQueue<State>,
}

struct State {
    at: Instant,
    store: Store,
    /// The records that the API wrote next.
    written: Vec<Written>,
    /// The records that an edit changed next, and API writes that lost against an edit.
    edited: Vec<Written>,
}

/// An older edit is treated as this old.
const MAX_EDIT_AGE: Duration = Duration::from_secs(5);

/// How long an edit may lack a write, if writes younger than `unseen` are kept.
pub fn keep_journal(unseen: Duration) -> Duration {
    if unseen.is_zero() {
        return unseen;
    }
    unseen + MAX_EDIT_AGE
}

/// The time at which an edit was written, given its age when it was found; at most [`MAX_EDIT_AGE`] before.
pub(super) fn saved_at(found: Instant, age: Duration) -> Instant {
    found.checked_sub(age.min(MAX_EDIT_AGE)).unwrap_or(found)
}

impl RecentStates {
    /// The states of the last `window`, bounded by `most_bytes` of replaced records.
    pub(super) fn new(window: Duration, most_bytes: usize) -> RecentStates {
        RecentStates {
            window,
            states: BoundedQueue::new(usize::MAX, most_bytes),
        }
    }

    /// Records API writes to the data `before`, or those that a merge with the edit `before` has kept.
    pub(super) fn add_writes(&mut self, before: &Store, written: Vec<Written>) {
        let replaced = written
            .iter()
            .map(|written| before.bytes_of(written) + OVERHEAD)
            .sum();
        self.add(before, written, Vec::new(), replaced);
        self.forget_before(saved_at(Instant::now(), MAX_EDIT_AGE));
    }

    /// Records an edit of the data `before`: the next edit may be based on that, too.
    pub(super) fn add_edit(&mut self, before: &Store, edited: Vec<Written>) {
        self.add(before, Vec::new(), edited, 0);
    }

    fn add(&mut self, before: &Store, written: Vec<Written>, edited: Vec<Written>, bytes: usize) {
        let state = State {
            at: Instant::now(),
            store: before.clone(),
            written,
            edited,
        };
        self.states.push(state, bytes);
    }

    /// Forgets the states that ended more than the window before `time`: an edit saved then was not made from them.
    pub(super) fn forget_before(&mut self, time: Instant) {
        let Some(horizon) = time.checked_sub(self.window) else {
            return;
        };
        let is_forgotten = |state: &State| state.at < horizon;
        while self.states.iter().next().is_some_and(is_forgotten) {
            self.states.pop_front();
        }
    }

    pub(super) fn clear(&mut self) {
        self.states.clear();
    }

    /// Writes that lost against an edit no longer count as the API's.
    pub(super) fn move_to_edits(&mut self, superseded: &[Written]) {
        let superseded: HashSet<&Written> = superseded.iter().collect();
        for state in self.states.iter_mut().filter(|_| !superseded.is_empty()) {
            state
                .edited
                .extend(state.written.extract_if(.., |one| superseded.contains(one)));
        }
    }

    /// The states, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = PastState<'_>> {
        self.states.iter().map(|state| PastState {
            store: &state.store,
            written: &state.written,
            edited: &state.edited,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.states.iter().len()
    }

    /// How many of the states are older than `time`.
    pub(super) fn count_before(&self, time: Instant) -> usize {
        self.states
            .iter()
            .take_while(|state| state.at < time)
            .count()
    }
}

/// The changes of the last edits, and the times of their saves: an older edit may be found after them.
pub(super) struct SavedEdits(BoundedQueue<(SystemTime, Vec<Written>)>);

/// How many of them are remembered, and how many bytes they may use.
const MOST_EDITS: usize = 100;
const MOST_EDIT_BYTES: usize = 256 * 1024;

impl Default for SavedEdits {
    fn default() -> SavedEdits {
        SavedEdits(BoundedQueue::new(MOST_EDITS, MOST_EDIT_BYTES))
    }
}

impl SavedEdits {
    pub(super) fn add(&mut self, saved: Option<SystemTime>, diff: &[ResourceDiff]) {
        let things: Vec<Written> = things(diff).cloned().collect();
        if let Some(saved) = saved.filter(|_| !things.is_empty()) {
            let size = |thing: &Written| size_of::<Written>() + thing.resource.len();
            let bytes = things.iter().map(size).sum();
            self.0.push((saved, things), bytes);
        }
    }

    /// The records that were changed by edits saved after `saved`.
    pub(super) fn after(&self, saved: Option<SystemTime>) -> HashSet<&Written> {
        let newer = self.0.iter().filter(|(at, _)| Some(*at) > saved);
        newer.flat_map(|(_, things)| things).collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// How many writes the data had seen in each state of the file, to tell how many a restore drops.
#[derive(Default)]
pub(super) struct WriteCounts {
    /// How many writes the data has seen.
    pub(super) total: u64,
    by_state: BTreeMap<u64, u64>,
}

impl WriteCounts {
    /// Counts writes; `state` is the number of the file's state that has them, if there is one yet.
    pub(super) fn add(&mut self, writes: usize, state: Option<u64>) {
        self.total += writes as u64;
        if let Some(state) = state {
            self.saved(state, self.total);
        }
    }

    /// Records that the file's state `state` has the first `total` writes.
    pub(super) fn saved(&mut self, state: u64, total: u64) {
        self.by_state.insert(state, total);
        if self.by_state.len() > 100_000 {
            self.by_state = self.by_state.split_off(&state.saturating_sub(50_000));
        }
    }

    /// How many writes came after the file's state `state`.
    pub(super) fn since(&self, state: u64) -> u64 {
        let seen = self.by_state.range(..=state).next_back();
        self.total - seen.map_or(0, |(_, writes)| *writes)
    }
}
