//! The reload path: edits of the file are noticed, read and brought together with the writes that they have not seen.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::data::{Faults, changes, given_ids};
use super::edits::{self, Young};
use super::feed::Cause;
use super::writer::Writer;
use super::{Notice, ResourceChanges, WriteError};
use crate::file::{DataFile, Edit};
use crate::json::Document;
use crate::store::{Conflict, Merged, PastState, Store};

/// An edit that cannot be taken in, as long as the file stays so.
pub(super) struct Broken {
    faults: Faults,
    told: bool,
    since: Instant,
    /// When to write down what it may lack.
    look_at: Option<Instant>,
}

/// How long the file must have been left alone before an edit is read: a save comes as several events.
pub(super) const QUIET: Duration = Duration::from_millis(20);
/// How long that is waited for at most: our own saves are heard, too, and while they follow each other nothing is left
/// alone.
pub(super) const HEARD: Duration = Duration::from_millis(200);
/// How long a broken text may stand before it is told: it may be half of a save.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long a broken text may stand before what it lacks is written down.
const LONG: Duration = Duration::from_secs(1);
/// How often the file is looked at where it cannot be watched.
pub(super) const POLL: Duration = Duration::from_millis(100);

/// How many conflicts are kept for readers; the file beside the data keeps all.
const MOST_CONFLICTS: usize = 1000;

impl Writer {
    /// Looks whether the file was edited, and takes the edit in.
    pub(super) fn look(&mut self) {
        let Some(file) = &mut self.file else { return };
        // Most likely it was a save of our own that was heard.
        let settles_in = file.settles_in().filter(|_| self.broken.is_none());
        match settles_in.map_or_else(|| file.changed(), |_| Ok(None)) {
            Ok(Some(edit)) => self.take_in(edit),
            Ok(None) => {
                if let Some(broken) = self.broken.as_mut().filter(|broken| !broken.told) {
                    broken.told = true;
                    broken.look_at = Some(broken.since + LONG);
                    (self.notice)(Notice::Broken(broken.faults.clone()));
                }
            }
            // Between the deletion and the creation of a file there is none; a save will say so if it stays away.
            Err(_) => self.look_again(),
        }
        if let Some(time) = settles_in {
            self.look_by(Instant::now() + time);
        }
        self.keep_pending();
        self.look_for_late_edits();
        if self.unsaved && self.broken.is_none() {
            self.save_what_was_kept();
        }
    }

    /// Looks again soon: the file cannot be read or written now.
    pub(super) fn look_again(&mut self) {
        // Another folder may take the place of one that is gone, and nobody watches that.
        self.blind |= self.file.as_ref().is_some_and(DataFile::is_homeless);
        self.look_by(Instant::now() + POLL);
    }

    /// Looks at the file at the latest then.
    pub(super) fn look_by(&mut self, time: Instant) {
        self.look_at = Some(self.look_at.map_or(time, |at| at.min(time)));
    }

    /// Takes in what somebody else wrote to the file.
    pub(super) fn take_in(&mut self, edit: Edit) {
        let (theirs, repeated) = match self.rulebook.read_edit(edit.bytes) {
            Ok(read) => read,
            Err(faults) => {
                let since = self.broken.as_ref().map_or_else(|| Young::moment(edit.age), |broken| broken.since);
                self.broken = Some(Broken { faults, told: false, since, look_at: None });
                self.look_at = Some(Instant::now() + PATIENCE);
                return;
            }
        };
        if !repeated.list.is_empty() {
            (self.notice)(Notice::RepeatedIds(repeated));
        }
        let broken = self.broken.take();
        let was_told = broken.as_ref().is_some_and(|broken| broken.told);
        let since = broken.map_or_else(|| Young::moment(edit.age), |broken| broken.since);
        let before = std::mem::replace(&mut self.in_file, theirs.clone());
        self.young.forget(since);
        let ours = self.published.load_full();
        // What the file holds again after it was broken is no state of before.
        let behind = self.behind.as_ref().map(|behind| behind.state);
        if let Some(state) = edit.earlier.filter(|state| Some(*state) != behind) {
            self.restore(theirs, state, was_told);
            self.unsaved = false;
            self.let_journal_go();
            return;
        }
        let merged = match &self.behind {
            None => {
                let changes = ours.store.changes_since(self.young.states());
                let bases: Vec<usize> = (0..=self.young.states().count()).rev().collect();
                theirs.merge(&changes, &bases)
            }
            // Whatever the file has never had, its editor cannot have seen.
            Some(behind) => self.merge_unseen(theirs, &ours.store, (behind.first, &before)),
        };
        let theirs = self.in_file.clone();
        self.take_merged(merged, &theirs, was_told);
        if !self.unsaved {
            self.let_journal_go();
        } else if let (Some(behind), Some(file)) = (&mut self.behind, &self.file) {
            behind.state = file.number();
        }
    }

    /// Takes an earlier state whole. A return to one is a wish, however young the writes are that it drops.
    fn restore(&mut self, theirs: Store, state: u64, was_told: bool) {
        let before = self.published.load_full();
        if changes(&before.store, &theirs).is_empty() {
            // Whatever was written since, its effect is there.
            let restored = |changes| Notice::Restored { changes, writes: 0 };
            self.replace(theirs, |changes| if was_told { Notice::ValidAgain } else { restored(changes) });
            return;
        }
        let dropped = edits::dropped(&before, &theirs);
        let writes = self.counts.since(state);
        self.keep("dropped", if writes > 0 { &dropped } else { &[] });
        self.replace(theirs, |changes| Notice::Restored { changes, writes });
        self.young.clear();
    }

    /// Merges an edit that was made on `base`, which the file held until `end`, or on something older.
    fn merge_unseen(&self, theirs: Store, ours: &Store, (end, base): (Instant, &Store)) -> Merged {
        let since = ours.written_since(base);
        let states = self.young.states().chain([PastState { store: base, written: &since, edited: &[] }]);
        let older = (0..self.young.states_before(end)).rev();
        let bases: Vec<usize> = [self.young.states().count()].into_iter().chain(older).collect();
        theirs.merge(&ours.changes_since(states), &bases)
    }

    fn take_merged(&mut self, merged: Merged, theirs: &Store, was_told: bool) {
        let Merged { store, kept, conflicts, renumbered, settled, .. } = merged;
        self.young.settle(&settled);
        self.young.note_edit(&self.published.load().store, &store);
        if !kept.is_empty() {
            // The file went from the one to the other, and will have these writes once both are saved.
            for state in [&self.published.load().store, theirs] {
                self.young.note(state, kept.iter().cloned());
            }
        }
        let kept = kept.len();
        self.keep("conflict", &conflicts);
        self.unsaved = kept > 0 || !renumbered.is_empty();
        self.replace(store, |changes| {
            let is_same = changes.is_empty() && renumbered.is_empty() && conflicts.is_empty();
            if was_told && is_same { Notice::ValidAgain } else { Notice::Reloaded { changes, kept, renumbered } }
        });
    }

    fn replace(&mut self, store: Store, notice: impl FnOnce(Vec<ResourceChanges>) -> Notice) {
        let before = self.published.load_full();
        let changes = changes(&before.store, &store);
        self.publish(store.clone());
        self.feed.reloaded(&before.store, &store, before.version + 1, Cause::Edit, &changes);
        let given: Vec<Notice> = given_ids(&store, Some(&before.store)).collect();
        self.steps.note(before, true);
        (self.notice)(notice(changes));
        given.into_iter().for_each(|given| (self.notice)(given));
    }

    /// Takes in an edit that has been announced.
    ///
    /// # Errors
    /// It cannot be taken in.
    pub(super) fn take_in_what_is_there(&mut self) -> Result<(), WriteError> {
        let seems_same = || self.file.as_ref().is_some_and(|file| file.settles_in().is_some());
        // A save looks at the file's content, should it only seem to be the same.
        if self.broken.is_some() || (self.look_at.is_some() && !seems_same()) {
            self.wait_for_the_end_of_an_edit();
        }
        self.broken.as_ref().map_or(Ok(()), |broken| Err(broken.faults.refusal()))
    }

    /// Takes in an edit that is there already, so that writes are planned on it. An editor may be in the middle of a
    /// save: text that is not complete gets a moment to become so.
    fn wait_for_the_end_of_an_edit(&mut self) {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(Ok(Some(edit))) = self.file.as_mut().map(DataFile::changed) {
                self.take_in(edit);
            }
            let half = self.broken.as_ref().is_some_and(|broken| !broken.told);
            if !half || Instant::now() >= end {
                return;
            }
            std::thread::sleep(PATIENCE / 20);
        }
    }

    /// Keeps versions of the API's that lost against an edit, where a person finds them.
    pub(super) fn keep(&self, kind: &str, conflicts: &[Conflict]) {
        if conflicts.is_empty() {
            return;
        }
        let lines: Vec<Value> = conflicts.iter().map(|conflict| edits::describe(kind, conflict)).collect();
        self.keep_lines(lines);
    }

    pub(super) fn keep_lines(&self, lines: Vec<Value>) {
        let Some(file) = &self.file else { return };
        let count = lines.len();
        let kept = file.keep(&join(&lines));
        let path = file.conflicts_path();
        (self.notice)(Notice::Conflicts { count, path, failed: kept.err().map(|error| error.to_string()) });
        if let Ok(mut all) = self.conflicts.lock() {
            all.extend(lines);
            let surplus = all.len().saturating_sub(MOST_CONFLICTS);
            all.drain(..surplus);
        }
    }

    /// Writes down what a broken file may lack of the last writes: until it is mended they are in memory only. A file that
    /// is whole again after a moment was only being saved.
    fn keep_pending(&mut self) {
        let Some(broken) = &mut self.broken else { return };
        let Some(at) = broken.look_at else { return };
        if Instant::now() < at {
            self.look_by(at);
            return;
        }
        broken.look_at = None;
        let ours = self.published.load();
        let changes = ours.store.changes_since(self.young.states());
        let pending: Vec<Value> = changes.iter().filter(|change| change.by_api).map(edits::pending).collect();
        if let Some(file) = self.file.as_ref().filter(|_| !pending.is_empty()) {
            // Where it cannot be written, there is still the memory.
            let _ = file.keep(&join(&pending));
        }
    }

    /// Writes down what a broken file may lack now: the process ends.
    pub(super) fn keep_pending_now(&mut self) {
        if let Some(broken) = self.broken.as_mut().filter(|broken| !broken.told || broken.look_at.is_some()) {
            broken.look_at = Some(Instant::now());
        }
        self.keep_pending();
    }

    /// Takes in what was written to a file of ours after it was exchanged for a newer one.
    fn look_for_late_edits(&mut self) {
        // An edit stays where it is until what was made of it is saved.
        let Some(file) = self.file.as_mut().filter(|_| !self.unsaved && self.broken.is_none()) else { return };
        let late = file.late_edits(Document::is_whole);
        if file.is_watched_for_late_edits() {
            self.look_by(Instant::now() + QUIET);
        }
        for (edit, state) in late {
            let Some((end, base)) = self.late_bases.get(&state).cloned() else { continue };
            let text = String::from_utf8_lossy(&edit.bytes).into_owned();
            match (self.rulebook.read_edit(edit.bytes), edit.earlier) {
                (Ok((theirs, _)), Some(earlier)) => self.restore(theirs, earlier, false),
                (Ok((theirs, _)), None) => {
                    // The file was opened in that state; what its maker had read may be older.
                    self.young.forget(Instant::now());
                    let ours = self.published.load_full();
                    let merged = self.merge_unseen(theirs.clone(), &ours.store, (end, &base));
                    self.take_merged(merged, &theirs, false);
                }
                (Err(faults), _) => {
                    self.keep_lines(vec![edits::unreadable(&text)]);
                    (self.notice)(Notice::Broken(faults));
                    continue;
                }
            }
            // The file itself has nothing of this edit yet.
            self.unsaved = true;
        }
        if let Some(file) = &self.file {
            self.late_bases.retain(|state, _| file.holds_retired(*state));
        }
    }
}

fn join(lines: &[Value]) -> String {
    lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}
