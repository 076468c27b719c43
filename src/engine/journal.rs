//! Writes to a large file: they are acknowledged when they are in the journal beside it, and the file follows soon.
//!
//! What goes into the journal is what a write did, not what was asked for: the same writes give the same data again,
//! whatever random ids were drawn. With each text goes the one before, so that what a crash left can be brought
//! together with an edit that was made while no server ran.

use std::io;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::notice::Notice;
use crate::file::{Content, DataFile, Leftover, Saved};
use crate::json::{Id, MAX_DEPTH, check};
use crate::store::{ApiChange, Command, Conflict, Merged, Outcome, Store, Written};

/// Which files have a journal, and when the file follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Journaling {
    /// Files of this size and larger ones have one.
    pub above: usize,
    /// The file follows when no write has come for so long,
    pub pause: Duration,
    /// and at the latest so long after the first write that it lacks.
    pub latest: Duration,
    /// Files of this size and larger ones are written on a thread of their own, while writes go on.
    pub background: usize,
    /// For how long writes stay in a journal beside any file after the file has them: an edit may lack them, and the server
    /// may be killed before it has seen the edit. Zero: not at all.
    pub keep: Duration,
}

impl Default for Journaling {
    fn default() -> Journaling {
        let (pause, latest) = (Duration::from_millis(50), Duration::from_millis(500));
        Journaling {
            above: 512 * 1024,
            pause,
            latest,
            background: 8 * 1024 * 1024,
            keep: Duration::from_secs(7),
        }
    }
}

/// What decides about the journal: which files have one, and when the file follows.
pub(super) struct Journal {
    journaling: Journaling,
    ahead: Option<Ahead>,
    /// When nothing of it can be needed any more.
    needed_until: Option<Instant>,
}

/// The journal has writes that the file lacks.
struct Ahead {
    first: Instant,
    last: Instant,
    /// When the first write came that the save in progress does not bring to the file.
    later: Option<Instant>,
    /// The number of the state in which the file is.
    state: u64,
}

impl Journal {
    pub(super) fn new(journaling: Journaling) -> Journal {
        Journal {
            journaling,
            ahead: None,
            needed_until: None,
        }
    }

    /// Whether the file lacks something that the journal has.
    pub(super) fn is_ahead(&self) -> bool {
        self.ahead.is_some()
    }

    /// When the first write came that the file lacks.
    pub(super) fn ahead_since(&self) -> Option<Instant> {
        self.ahead.as_ref().map(|ahead| ahead.first)
    }

    /// The number of the file's state that the journal is ahead of.
    pub(super) fn base_state(&self) -> Option<u64> {
        self.ahead.as_ref().map(|ahead| ahead.state)
    }

    /// When the file is to be saved.
    pub(super) fn save_due(&self) -> Option<Instant> {
        let Journaling { pause, latest, .. } = self.journaling;
        self.ahead
            .as_ref()
            .map(|ahead| (ahead.last + pause).min(ahead.first + latest))
    }

    /// When the journal is to be removed, unless the file lacks some of it.
    pub(super) fn expires(&self) -> Option<Instant> {
        self.needed_until.filter(|_| self.ahead.is_none())
    }

    /// It is needed for longer than was thought.
    pub(super) fn postpone_expiry(&mut self) {
        self.needed_until = Some(Instant::now() + self.journaling.keep);
    }

    /// Whether writes to `file` go into the journal first.
    pub(super) fn takes_writes_to(&self, file: &DataFile) -> bool {
        file.size() >= self.journaling.above && !file.has_failed_save()
    }

    /// Appends a batch. `None`: the file must be saved instead.
    pub(super) fn append(
        &mut self,
        file: &mut DataFile,
        batch: &Batch,
    ) -> io::Result<Option<Saved>> {
        let saved = file.record(&batch.lines)?;
        if saved == Some(Saved::Done) {
            self.appended(file);
        }
        Ok(saved)
    }

    /// The journal of `file` has writes that the file lacks.
    pub(super) fn appended(&mut self, file: &DataFile) {
        let now = Instant::now();
        let ahead = self.ahead.get_or_insert(Ahead {
            first: now,
            last: now,
            later: None,
            state: file.number(),
        });
        ahead.last = now;
        if file.is_saving() {
            ahead.later.get_or_insert(now);
        }
    }

    /// Begins to save the file, which lacks what the journal has, on a thread of its own. `false`: it is to be saved as
    /// usual.
    pub(super) fn begin_save(&mut self, file: &mut DataFile, store: &Store) -> bool {
        let Some(ahead) = self.ahead.as_mut() else {
            return false;
        };
        let store = store.clone();
        if file.size() < self.journaling.background || !file.begin_save(move || store.file_text()) {
            return false;
        }
        ahead.later = None;
        true
    }

    /// Ends that save. `None`: the file is to be saved as usual.
    pub(super) fn end_save(&mut self, file: &mut DataFile) -> Option<Saved> {
        let saved = file.end_save(self.journaling.keep)?;
        if saved == Saved::Done {
            let later = self.ahead.take().and_then(|ahead| {
                let first = ahead.later?;
                let state = file.number();
                Some(Ahead {
                    first,
                    state,
                    ..ahead
                })
            });
            self.ahead = later;
            if self.ahead.is_none() {
                self.note(file, file.content(), &[]);
            }
        }
        Some(saved)
    }

    /// The file has been edited, and still lacks what the journal has.
    pub(super) fn rebase(&mut self, file: &DataFile) {
        if let Some(ahead) = &mut self.ahead {
            ahead.state = file.number();
        }
    }

    /// The file, which held `before`, was saved and has all, with the writes of `batch`. Whether it lacked something.
    pub(super) fn saved(&mut self, file: &mut DataFile, before: Content, batch: Batch) -> bool {
        let lacked = self.ahead.take().is_some();
        self.note(file, before, &batch.lines);
        lacked
    }

    fn note(&mut self, file: &mut DataFile, before: Content, lines: &[String]) {
        let keep = self.journaling.keep;
        if keep.is_zero() {
            return file.drop_journal();
        }
        file.note(before, lines, keep);
        if !lines.is_empty() || self.needed_until.is_none() {
            self.needed_until = Some(Instant::now() + keep);
        }
    }

    /// The journal is another file's.
    pub(super) fn forget(&mut self) {
        (self.ahead, self.needed_until) = (None, None);
    }

    /// The file lacks nothing of the journal.
    pub(super) fn caught_up(&mut self, file: &mut DataFile) {
        self.ahead = None;
        self.note(file, file.content(), &[]);
    }

    /// Removes the journal: the file has all of it and no edit can lack any of it, or the writes were taken back.
    pub(super) fn clear(&mut self, file: &mut DataFile) {
        self.forget();
        file.drop_journal();
    }
}

/// The lines for a batch of writes.
#[derive(Default)]
pub(super) struct Batch {
    lines: Vec<String>,
}

impl Batch {
    /// Adds writes that are carried out together or not at all: one line.
    pub(super) fn add(&mut self, effects: &[Effect]) {
        if !effects.is_empty() {
            // Texts can always be written as JSON.
            self.lines.extend(serde_json::to_string(effects));
        }
    }

    /// What makes `after` of `before`, where that is not a write: an undo or a reset.
    pub(super) fn of_change(before: &Store, after: &Store, things: &[Written]) -> Batch {
        let mut batch = Batch::default();
        for what in things {
            batch.add(&[Effect::new(what, before.text_of(what), after.text_of(what))]);
        }
        batch
    }
}

/// What a write did to one thing, as the journal has it.
#[derive(Serialize, Deserialize)]
pub(super) struct Effect {
    resource: String,
    id: Option<String>,
    was: Option<String>,
    now: Option<String>,
}

/// What a command is about to change.
pub(super) enum Before {
    Text(Option<String>),
    /// A deletion takes others along; which, is seen afterwards.
    All(Store),
}

impl Before {
    pub(super) fn of(store: &Store, command: &Command) -> Before {
        match command.deletes() {
            true => Before::All(store.clone()),
            false => Before::Text(store.current(command).map(ToString::to_string)),
        }
    }

    /// What a write did that made `after` of the data.
    pub(super) fn effects(&self, after: &Store, outcome: &Outcome) -> Vec<Effect> {
        let effects = outcome.written.iter().enumerate().map(|(at, what)| {
            let (was, now) = match self {
                Before::Text(text) => (text.as_deref(), Some(&*outcome.value)),
                Before::All(before) if at < outcome.removed => (before.lost_in(after, what), None),
                Before::All(before) => (before.text_of(what), after.text_of(what)),
            };
            Effect::new(what, was, now)
        });
        effects.collect()
    }
}

impl Effect {
    fn new(what: &Written, was: Option<&str>, now: Option<&str>) -> Effect {
        Effect {
            resource: what.resource.clone(),
            id: what.id.as_ref().map(ToString::to_string),
            was: was.map(str::to_string),
            now: now.map(str::to_string),
        }
    }

    /// The effects that a line tells; `None` where it is not one of ours.
    fn of_line(line: &str) -> Option<Vec<Effect>> {
        let effects: Vec<Effect> = serde_json::from_str(line).ok()?;
        let mut texts = effects.iter().filter_map(|effect| effect.now.as_deref());
        texts
            .all(|now| check(now, MAX_DEPTH).is_ok())
            .then_some(effects)
    }

    fn what(&self) -> Written {
        Written {
            resource: self.resource.clone(),
            id: self.id.as_deref().map(Id::from_text),
        }
    }
}

/// Data with what a journal had of it.
pub struct Replayed {
    /// The data.
    pub store: Store,
    /// What happened, for the log.
    pub notice: Notice,
    /// What the file lacks.
    pub(super) lacking: Vec<Written>,
    /// Whether something differs from the file, be it only an id.
    pub(super) differs: bool,
    pub(super) writes: usize,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) unreadable: Vec<String>,
}

/// To how many states between the writes an edit is compared at a start.
const MOST_BASES: usize = 100;

/// Brings what was left in a journal together with `store`, which is what the file holds. If that is what the writes were
/// carried out on, they are again, in their order; otherwise it was edited, and both sides are merged.
pub fn replay(store: Store, left: &Leftover) -> Replayed {
    let mut effects = Vec::new();
    let mut unreadable = Vec::new();
    // The file has had the effects before the first number, and may have had those before the second.
    let (mut in_file, mut may_have) = (0, 0);
    let never = left.writes.len().saturating_sub(left.lacking);
    for (number, write) in left.writes.iter().enumerate() {
        match Effect::of_line(&write.line) {
            Some(read) => effects.extend(read),
            None => unreadable.push(write.line.clone()),
        }
        if write.in_file_for.is_some() {
            in_file = effects.len();
        }
        if number < never {
            may_have = effects.len();
        }
    }
    let merged = if left.follows {
        carry_out_again(store, effects)
    } else {
        // The editor may have read the file before all of the writes, or between those that were saved; or, if the crash
        // came right after the last save, after all that this brought to the file.
        let step = in_file / MOST_BASES + 1;
        let bases: Vec<usize> = (0..=in_file).step_by(step).chain([may_have]).collect();
        store.merge(&changes(effects), &bases)
    };
    let (writes, edited) = (left.writes.len() - unreadable.len(), !left.follows);
    tracing::debug!(
        writes,
        edited,
        conflicts = merged.conflicts.len(),
        "replayed the journal"
    );
    Replayed {
        store: merged.store,
        differs: !merged.kept.is_empty() || !merged.renumbered.is_empty(),
        notice: Notice::Replayed {
            writes,
            edited,
            renumbered: merged.renumbered,
        },
        lacking: merged.kept,
        writes,
        conflicts: merged.conflicts,
        unreadable,
    }
}

fn carry_out_again(store: Store, effects: Vec<Effect>) -> Merged {
    let mut merged = Merged::new(store);
    for effect in effects {
        let (what, now) = (effect.what(), effect.now.as_deref());
        if merged.store.redo(&what, effect.was.as_deref(), now) {
            merged.kept.push(what);
        } else {
            // Other rules hold now than when it was written.
            let conflict = Conflict::new(&what, now, merged.store.text_of(&what));
            merged.conflicts.push(conflict);
        }
    }
    merged
}

/// What the effects made of each thing, taken together.
fn changes(effects: Vec<Effect>) -> Vec<ApiChange> {
    let mut changes: IndexMap<Written, ApiChange> = IndexMap::new();
    for (until, effect) in effects.into_iter().enumerate() {
        let what = effect.what();
        let change = changes.entry(what.clone()).or_insert_with(|| ApiChange {
            by_api: true,
            ..ApiChange::new(what)
        });
        change.was(effect.was, until);
        change.after = effect.now;
    }
    changes.into_values().collect()
}
