//! The write-ahead journal of a large file: a write is acknowledged when it is in the journal, and the file is saved
//! soon after.
//!
//! The journal has the effect of a write, not the request: replaying it gives the same data, random ids included. It
//! has each record's text before the write, too, for a three-way merge with an edit that was made while no server ran.

use std::io;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::notice::Notice;
use crate::file::{Content, DataFile, Leftover, Saved};
use crate::json::{Id, MAX_DEPTH, check};
use crate::store::{ApiChange, Command, Conflict, Merged, Outcome, Store, Written};

/// Settings of the journal: which files have one, and when the file is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Journaling {
    /// Files of this size and larger ones have one.
    pub above: usize,
    /// The file is saved when there was no write for this long.
    pub pause: Duration,
    /// The file is saved at the latest this long after the first write that it lacks.
    pub latest: Duration,
    /// Files of this size and larger ones are saved in the background, while writes go on.
    pub background: usize,
    /// How long writes stay in the journal, of a file of any size, after the file has them: an edit may lack them, and
    /// the server may be killed before it has seen the edit. Zero: not at all.
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

/// Decides which files have a journal, when the file is saved, and when the journal is removed.
pub(super) struct Journal {
    journaling: Journaling,
    pub(super) ahead: Option<Ahead>,
    /// Until when it may be needed.
    needed_until: Option<Instant>,
}

/// The journal has writes that the file lacks.
pub(super) struct Ahead {
    /// The time of the first of them.
    pub(super) first: Instant,
    last: Instant,
    /// The time of the first write that is not in the background save.
    later: Option<Instant>,
    /// The number of the file's state that the journal is ahead of.
    pub(super) state: u64,
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

    /// The time at which the file must be saved; if it lacks nothing, the time at which the journal can be removed.
    pub(super) fn due(&self) -> Option<Instant> {
        let Journaling { pause, latest, .. } = self.journaling;
        match &self.ahead {
            Some(ahead) => Some((ahead.last + pause).min(ahead.first + latest)),
            None => self.needed_until,
        }
    }

    /// Keeps the journal for another while.
    pub(super) fn postpone_expiry(&mut self) {
        self.needed_until = Some(Instant::now() + self.journaling.keep);
    }

    /// Whether writes to `file` go into the journal first.
    pub(super) fn takes_writes_to(&self, file: &DataFile) -> bool {
        file.size() >= self.journaling.above && !file.has_failed_save()
    }

    /// Appends a batch to the journal. `None`: the file must be saved instead.
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

    /// Records that the journal of `file` has writes that the file lacks.
    pub(super) fn appended(&mut self, file: &DataFile) {
        let now = Instant::now();
        let ahead = self.ahead.get_or_insert(Ahead {
            first: now,
            last: now,
            later: None,
            state: file.number,
        });
        ahead.last = now;
        if file.is_saving() {
            ahead.later.get_or_insert(now);
        }
    }

    /// Begins a background save of what the journal has. `false`: the file is to be saved as usual.
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

    /// Ends the background save. `None`: the file is to be saved as usual.
    pub(super) fn end_save(&mut self, file: &mut DataFile) -> Option<Saved> {
        let saved = file.end_save(self.journaling.keep)?;
        if saved == Saved::Done {
            let later = self.ahead.take().and_then(|ahead| {
                let first = ahead.later?;
                let state = file.number;
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

    /// Records that the file has been edited, and still lacks what the journal has.
    pub(super) fn rebase(&mut self, file: &DataFile) {
        if let Some(ahead) = &mut self.ahead {
            ahead.state = file.number;
        }
    }

    /// Records that the file, which held `before`, was saved with everything, including the writes of `batch`. Returns
    /// whether it lacked something.
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

    /// Another file is served now; its journal starts afresh.
    pub(super) fn forget(&mut self) {
        (self.ahead, self.needed_until) = (None, None);
    }

    /// Records that the file lacks nothing of the journal.
    pub(super) fn caught_up(&mut self, file: &mut DataFile) {
        self.ahead = None;
        self.note(file, file.content(), &[]);
    }

    /// Removes the journal: the file has all of it and no edit can lack any of it, or the writes were undone.
    pub(super) fn clear(&mut self, file: &mut DataFile) {
        self.forget();
        file.drop_journal();
    }
}

/// The journal lines of a batch of writes.
#[derive(Default)]
pub(super) struct Batch {
    lines: Vec<String>,
}

impl Batch {
    /// Adds an atomic group of writes as one line.
    pub(super) fn add(&mut self, effects: &[Effect]) {
        if !effects.is_empty() {
            // Strings always serialize.
            self.lines.extend(serde_json::to_string(effects));
        }
    }

    /// The changes from `before` to `after` that an undo or a reset makes.
    pub(super) fn of_change(before: &Store, after: &Store, things: &[Written]) -> Batch {
        let mut batch = Batch::default();
        for what in things {
            batch.add(&[Effect::new(what, before.text_of(what), after.text_of(what))]);
        }
        batch
    }
}

/// The effect of a write on one record or value, as stored in the journal.
#[derive(Serialize, Deserialize)]
pub(super) struct Effect {
    resource: String,
    id: Option<String>,
    was: Option<String>,
    now: Option<String>,
}

/// The before-image of a command.
pub(super) enum BeforeImage {
    Text(Option<String>),
    /// A deletion may cascade; to which records is known afterwards.
    All(Store),
}

impl BeforeImage {
    pub(super) fn of(store: &Store, command: &Command) -> BeforeImage {
        match command.deletes() {
            true => BeforeImage::All(store.clone()),
            false => BeforeImage::Text(store.current(command).map(ToString::to_string)),
        }
    }

    /// The effects of a write whose result is `after`.
    pub(super) fn effects(&self, after: &Store, outcome: &Outcome) -> Vec<Effect> {
        let effects = outcome.written.iter().enumerate().map(|(at, what)| {
            let (was, now) = match self {
                BeforeImage::Text(text) => (text.as_deref(), Some(&*outcome.value)),
                BeforeImage::All(before) if at < outcome.removed => {
                    (before.lost_in(after, what), None)
                }
                BeforeImage::All(before) => (before.text_of(what), after.text_of(what)),
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

    /// Parses a line; `None` if it is not a valid one.
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

/// The result of a replay of the journal.
pub struct Replayed {
    /// The data.
    pub store: Store,
    /// The notice for the log.
    pub notice: Notice,
    /// The replayed writes.
    pub(super) lacking: Vec<Written>,
    /// Whether something, even just an id, differs from the file.
    pub(super) differs: bool,
    pub(super) writes: usize,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) unreadable: Vec<String>,
}

/// How many of the states between the writes are tried as the base of an edit at a start.
const MOST_BASES: usize = 100;

/// Replays a journal on `store`, the data of the file. If that is the state that the writes were applied to, they are
/// applied again in order; otherwise the file was edited, and both sides are merged.
pub fn replay(store: Store, left: &Leftover) -> Replayed {
    let mut effects = Vec::new();
    let mut unreadable = Vec::new();
    // The file has had the effects before `in_file`, and may have had those before `may_have`.
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
        redo_all(store, effects)
    } else {
        // The editor may have read the file before all of the writes, or between those that were saved; or, if the
        // crash came right after the last save, after all writes in that save.
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

fn redo_all(store: Store, effects: Vec<Effect>) -> Merged {
    let mut merged = Merged::new(store);
    for effect in effects {
        let (what, now) = (effect.what(), effect.now.as_deref());
        if merged.store.redo(&what, effect.was.as_deref(), now) {
            merged.kept.push(what);
        } else {
            // The rules have changed since it was written.
            let conflict = Conflict::new(&what, now, merged.store.text_of(&what));
            merged.conflicts.push(conflict);
        }
    }
    merged
}

/// The combined effect on each record or value.
fn changes(effects: Vec<Effect>) -> Vec<ApiChange> {
    let mut changes: IndexMap<Written, ApiChange> = IndexMap::new();
    for (until, effect) in effects.into_iter().enumerate() {
        let what = effect.what();
        let change = changes.entry(what.clone()).or_insert_with(|| ApiChange {
            what,
            by_api: true,
            ..ApiChange::default()
        });
        change.was(effect.was, until);
        change.after = effect.now;
    }
    changes.into_values().collect()
}
