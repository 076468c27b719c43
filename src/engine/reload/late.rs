//! Edits that are found late: their makers had opened a file that has been replaced since.

use std::collections::HashSet;
use std::time::{Instant, SystemTime};

use super::super::conflicts;
use super::super::history::History;
use super::super::notice::{LossCause, Notice};
use super::{FileState, POLL, Reloader};
use crate::file::Edit;
use crate::json::Document;
use crate::memory::BoundedQueue;
use crate::store::{ResourceDiff, Store, Written};

/// What the last edits changed, and when they were saved: an older one may be found after them.
pub(super) struct SavedEdits(BoundedQueue<(SystemTime, Vec<Written>)>);

/// How many of them are remembered, and how many bytes they may take up.
const MOST: usize = 100;
const MOST_BYTES: usize = 256 * 1024;

impl Default for SavedEdits {
    fn default() -> SavedEdits {
        SavedEdits(BoundedQueue::new(MOST, MOST_BYTES))
    }
}

impl SavedEdits {
    pub(super) fn add(&mut self, saved: Option<SystemTime>, diff: &[ResourceDiff]) {
        let things = || diff.iter().flat_map(|diff| &diff.things);
        let Some(saved) = saved.filter(|_| things().next().is_some()) else {
            return;
        };
        let bytes = things()
            .map(|thing| size_of::<Written>() + thing.resource.len())
            .sum();
        self.0.push((saved, things().cloned().collect()), bytes);
    }

    /// What was changed by edits that were saved after `saved`.
    pub(super) fn after(&self, saved: Option<SystemTime>) -> HashSet<&Written> {
        let newer = self.0.iter().filter(|(at, _)| Some(*at) > saved);
        newer.flat_map(|(_, things)| things).collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// An edit of a replaced file, with what that held, and until when; `None`: another file was served then.
pub(super) type LateEdit = (Edit, Option<(Instant, Store)>);

impl Reloader {
    /// Takes note of what the files held that are checked from now on.
    pub(super) fn note_replaced(&mut self) {
        for state in self.file.replaced_states() {
            self.replaced
                .entry(state)
                .or_insert_with(|| (Instant::now(), self.in_file.clone()));
        }
        if self.file.checks_any_replaced() {
            self.schedule.within(POLL);
        }
        self.replaced
            .retain(|state, _| self.file.checks_replaced(*state));
    }

    /// Merges what was written to a file after it was replaced by a newer one. In sync -> unsaved.
    pub(super) fn look_for_late_edits(&mut self, history: &mut History) {
        // One after the other: the file must have what was made of the last one.
        if matches!(self.state, FileState::Unsaved | FileState::Broken(_))
            || (self.late.is_empty() && !self.file.checks_any_replaced())
        {
            return;
        }
        for (edit, state) in self.file.late_edits(Document::is_whole) {
            tracing::debug!(state, "found an edit of a file that had been replaced");
            let base = self.replaced.get(&state).cloned();
            self.late.push((edit, base));
        }
        // What is in the file's place may be a newer edit.
        if !self.late.is_empty()
            && let Ok(Some(edit)) = self.file.changed()
        {
            self.reload(edit, history);
        }
        if !matches!(self.state, FileState::Broken(_)) {
            for late in std::mem::take(&mut self.late) {
                self.take_late(late, history);
            }
        }
        self.note_replaced();
    }

    /// Merges an edit of a replaced file. Where a later edit changed the same, that stands.
    fn take_late(&mut self, (edit, replaced): LateEdit, history: &mut History) {
        let Some((end, base)) = replaced else {
            let text = String::from_utf8_lossy(&edit.bytes);
            return self.keep_lines(
                LossCause::Move,
                vec![conflicts::unmerged_text("moved", &text)],
            );
        };
        let theirs = match history.rulebook().read_edit(edit.bytes.clone()) {
            Ok((theirs, _)) => theirs,
            Err(faults) => {
                let text = String::from_utf8_lossy(&edit.bytes);
                self.keep_lines(
                    LossCause::Edit,
                    vec![conflicts::unmerged_text("unreadable", &text)],
                );
                (self.notice)(Notice::Broken(faults));
                return;
            }
        };
        // Readers see it before the file has it.
        self.file.keep_copy(&edit.bytes);
        let is_latest = self.edits.after(edit.saved).is_empty();
        if let Some(earlier) = edit.earlier.filter(|_| is_latest) {
            self.restore((theirs, edit.saved), earlier, false, history);
            if !self.journal.is_ahead() {
                self.journal.clear(&mut self.file);
            }
        } else {
            // The file was opened in that state; what its maker had read may be older.
            self.recent.forget_before(Instant::now());
            let merged = self.merge_on((&base, end), theirs.clone(), edit.saved, history);
            self.take_merged(merged, (&theirs, edit.saved), false, history);
        }
        // The file itself has nothing of this edit yet.
        self.state = FileState::Unsaved;
    }
}
