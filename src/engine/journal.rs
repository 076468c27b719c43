//! Writes to a large file: they are acknowledged when they are in the journal beside it, and the file follows soon.
//!
//! What goes into the journal is what a write did, not what was asked for: the same writes give the same data again,
//! whatever letters were drawn for ids. With each text goes the one before, so that what a crash left can be brought
//! together with an edit that was made while no server ran.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::edits;
use super::writer::Writer;
use super::{Notice, Published};
use crate::file::{Left, Saved};
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
}

impl Default for Journaling {
    fn default() -> Journaling {
        let (pause, latest) = (Duration::from_millis(50), Duration::from_millis(500));
        Journaling { above: 8 * 1024 * 1024, pause, latest }
    }
}

/// The journal has writes that the file lacks.
pub(super) struct Behind {
    pub(super) first: Instant,
    last: Instant,
    /// The number of the state in which the file is.
    pub(super) state: u64,
}

/// What a write did to one thing.
struct Effect {
    what: Written,
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
        match command {
            Command::Delete { .. } => Before::All(store.clone()),
            _ => Before::Text(store.current(command).map(ToString::to_string)),
        }
    }

    /// The line of the journal for a command that made `after` of the data.
    pub(super) fn line(&self, after: &Store, outcome: &Outcome) -> String {
        let effects = outcome.written.iter().enumerate().map(|(at, what)| {
            let (was, now) = match self {
                Before::Text(text) => (text.as_deref(), Some(&*outcome.value)),
                Before::All(before) if at < outcome.removed => (before.lost_in(after, what), None),
                Before::All(before) => (before.text_of(what), after.text_of(what)),
            };
            json!({
                "resource": what.resource,
                "id": what.id.as_ref().map(ToString::to_string),
                "was": was,
                "now": now,
            })
        });
        Value::Array(effects.collect()).to_string()
    }
}

impl Effect {
    /// The effects that a line tells; `None` where it is not one of ours.
    fn of_line(line: &str) -> Option<Vec<Effect>> {
        let effects: Value = serde_json::from_str(line).ok()?;
        effects.as_array()?.iter().map(Effect::of).collect()
    }

    fn of(value: &Value) -> Option<Effect> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(ToString::to_string);
        let what = Written { resource: text("resource")?, id: text("id").map(|id| Id::from_text(&id)) };
        let (was, now) = (text("was"), text("now"));
        now.as_deref().is_none_or(|now| check(now, MAX_DEPTH).is_ok()).then_some(Effect { what, was, now })
    }
}

/// Data with what a journal had of it.
pub struct Replayed {
    /// The data.
    pub store: Store,
    /// What happened, for the log.
    pub notice: Notice,
    /// What the file lacks.
    lacking: Vec<Written>,
    /// Whether something differs from the file, be it only an id.
    differs: bool,
    writes: usize,
    conflicts: Vec<Conflict>,
    unreadable: Vec<String>,
}

/// Brings what was left in a journal together with `store`, which is what the file holds. If that is what the writes were
/// carried out on, they are again, in their order; otherwise somebody has edited it, and both sides are merged.
pub fn replay(store: Store, left: &Left) -> Replayed {
    let mut effects = Vec::new();
    let mut unreadable = Vec::new();
    for line in &left.writes {
        match Effect::of_line(line) {
            Some(read) => effects.extend(read),
            None => unreadable.push(line.clone()),
        }
    }
    let merged = if left.follows {
        carry_out_again(store, effects)
    } else {
        // The file had none of the writes, or all of them, should the crash have come just after they were saved.
        let bases = [0, effects.len()];
        store.merge(&changes(effects), &bases)
    };
    let Merged { store, kept, conflicts, renumbered, .. } = merged;
    let writes = left.writes.len() - unreadable.len();
    let differs = !kept.is_empty() || !renumbered.is_empty();
    let notice = Notice::Replayed { writes, edited: !left.follows, renumbered };
    Replayed { store, notice, lacking: kept, differs, writes, conflicts, unreadable }
}

fn carry_out_again(store: Store, effects: Vec<Effect>) -> Merged {
    let mut merged = Merged::new(store);
    for Effect { what, was, now } in effects {
        if merged.store.redo(&what, was.as_deref(), now.as_deref()) {
            merged.kept.push(what);
        } else {
            // Other rules hold now than when it was written.
            let edit = merged.store.text_of(&what).map(ToString::to_string);
            let Written { resource, id } = what;
            merged.conflicts.push(Conflict { resource, id, property: None, api: now, edit });
        }
    }
    merged
}

/// What the effects made of each thing, taken together.
fn changes(effects: Vec<Effect>) -> Vec<ApiChange> {
    let mut places: HashMap<Written, usize> = HashMap::new();
    let mut changes: Vec<ApiChange> = Vec::new();
    for (until, Effect { what, was, now }) in effects.into_iter().enumerate() {
        let place = *places.entry(what.clone()).or_insert_with(|| {
            changes.push(ApiChange { what, by_api: true, before: Vec::new(), after: None });
            changes.len() - 1
        });
        if let Some(change) = changes.get_mut(place) {
            change.was(was, until);
            change.after = now;
        }
    }
    changes
}

impl Writer {
    /// Whether writes go into the journal now. What was kept against an edit is saved whole first.
    pub(super) fn journals(&self) -> bool {
        let takes = self.file.as_ref().is_some_and(|file| file.size() >= self.journaling.above && !file.is_stranded());
        takes && !self.unsaved
    }

    /// Puts a batch that made `next` of the data into the journal, or saves `next` where that does not do.
    pub(super) fn save_or_record(&mut self, next: &Store, lines: Option<Vec<String>>) -> io::Result<Saved> {
        let (Some(file), Some(lines)) = (self.file.as_mut(), lines) else { return self.save(next) };
        match file.record(&lines) {
            Ok(Some(Saved::Done)) => {
                let (now, state) = (Instant::now(), file.number());
                self.behind.get_or_insert(Behind { first: now, last: now, state }).last = now;
                Ok(Saved::Done)
            }
            Ok(Some(foreign)) => Ok(foreign),
            Ok(None) => self.save(next),
            Err(error) => {
                self.tell_unsaved(&error);
                Err(error)
            }
        }
    }

    /// When the file is to follow. Not while it is broken: then it must be mended first; and where that has failed, the
    /// next look tries again.
    pub(super) fn due(&self) -> Option<Instant> {
        let behind = self.behind.as_ref().filter(|_| self.broken.is_none() && !self.unsaved)?;
        let Journaling { pause, latest, .. } = self.journaling;
        Some((behind.last + pause).min(behind.first + latest))
    }

    /// The file lacks nothing of the journal, or what it lacks is to be forgotten.
    pub(super) fn let_journal_go(&mut self) {
        self.behind = None;
        if let Some(file) = &mut self.file {
            file.drop_journal();
        }
    }

    /// Brings back what the journal of the last run had, before anybody asks for the data.
    pub(super) fn bring_back(&mut self, left: &Left) {
        let replayed = replay(self.in_file.clone(), left);
        let now = Instant::now();
        let state = self.file.as_ref().map_or(0, |file| file.number());
        self.behind = Some(Behind { first: now, last: now, state });
        self.counts.add(replayed.writes, None);
        self.young.note(&self.in_file, replayed.lacking.iter().cloned());
        self.published.store(Arc::new(Published::new(replayed.store, 0)));
        (self.notice)(replayed.notice);
        self.keep("conflict", &replayed.conflicts);
        if !replayed.unreadable.is_empty() {
            self.keep_lines(replayed.unreadable.iter().map(|line| edits::unreadable(line)).collect());
        }
        if replayed.differs {
            self.save_what_was_kept();
        } else {
            self.let_journal_go();
        }
    }
}
