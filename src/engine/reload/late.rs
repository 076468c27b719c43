//! Edits that are found late: their makers had opened a file that a save has replaced since.

use std::time::{Instant, SystemTime};

use super::{FileState, POLL, Reloader};
use crate::engine::conflicts;
use crate::engine::history::History;
use crate::engine::notice::Notice;
use crate::file::{Edit, LateEdit};
use crate::json::Document;
use crate::store::{Conflict, ResourceDiff, Store};

/// Of how many edits it is remembered what they changed: an older one may be found later.
const MOST_EDITS: usize = 100;

impl Reloader {
    /// Merges what was written to a file after it was replaced by a newer one. In sync -> unsaved.
    pub(super) fn look_for_late_edits(&mut self, history: &mut History) {
        // One after the other: the file must have what was made of the last one.
        if !self.file.checks_any_replaced()
            || matches!(self.state, FileState::Unsaved | FileState::Broken(_))
        {
            return;
        }
        let found = self.file.late_edits(Document::is_whole);
        if !found.is_empty() {
            // What is in the file's place may be newer.
            if let Ok(Some(edit)) = self.file.changed() {
                self.reload(edit, history);
            }
        }
        self.late
            .extend(found.into_iter().map(|LateEdit { edit, state }| {
                tracing::debug!(state, "found an edit of a file that had been replaced");
                (edit, self.replaced.get(&state).cloned())
            }));
        if !matches!(self.state, FileState::Broken(_)) {
            for (edit, replaced) in std::mem::take(&mut self.late) {
                self.take_late(edit, replaced, history);
            }
        }
        if self.file.checks_any_replaced() {
            self.schedule.within(POLL);
        }
        self.replaced
            .retain(|state, _| self.file.checks_replaced(*state));
    }

    /// Merges an edit that was made of the data that a replaced file held until then.
    fn take_late(&mut self, edit: Edit, replaced: Option<(Instant, Store)>, history: &mut History) {
        let Some((end, base)) = replaced else {
            // That was before a link was switched.
            let text = String::from_utf8_lossy(&edit.bytes);
            return self.keep_lines(vec![conflicts::text("moved", &text)]);
        };
        let text = String::from_utf8_lossy(&edit.bytes).into_owned();
        let saved = edit.saved;
        let mut theirs = match self.rulebook.read_edit(edit.bytes) {
            Ok((theirs, _)) => theirs,
            Err(faults) => {
                self.keep_lines(vec![conflicts::text("unreadable", &text)]);
                (self.notice)(Notice::Broken(faults));
                return;
            }
        };
        self.yield_to_newer(&mut theirs, &base, saved, history);
        if let Some(earlier) = edit.earlier {
            self.restore(theirs, earlier, false, saved, history);
            if !self.journal.is_ahead() {
                self.journal.clear(&mut self.file);
            }
        } else {
            // The file was opened in that state; what its maker had read may be older.
            self.recent.forget_before(Instant::now());
            let merged = self.merge_on(&base, end, theirs.clone(), history);
            self.take_merged(merged, &theirs, false, saved, history);
        }
        // The file itself has nothing of this edit yet.
        self.state = FileState::Unsaved;
    }

    /// Of two edits the one that was saved later wins, even if the other is found last. What that one made of a record
    /// that the later one changed, too, is kept beside the data.
    fn yield_to_newer(
        &self,
        theirs: &mut Store,
        base: &Store,
        saved: Option<SystemTime>,
        history: &History,
    ) {
        let ours = &history.current().full;
        let newer = self.edits.iter().filter(|(at, _)| *at > saved);
        let mut lost = Vec::new();
        for what in newer.flat_map(|(_, changed)| changed) {
            let (before, edit, now) =
                (base.text_of(what), theirs.text_of(what), ours.text_of(what));
            if before.is_none() || edit == before || edit == now {
                continue;
            }
            let (before, edit) = (
                before.map(ToString::to_string),
                edit.map(ToString::to_string),
            );
            if theirs.redo(what, edit.as_deref(), now) {
                lost.push(Conflict {
                    resource: what.resource.clone(),
                    id: what.id.clone(),
                    property: None,
                    api: now.map(ToString::to_string).or(before),
                    edit,
                });
            }
        }
        self.keep("older edit", &lost);
    }

    pub(super) fn remember_edit(&mut self, saved: Option<SystemTime>, diff: &[ResourceDiff]) {
        let changed = diff.iter().flat_map(|diff| diff.things.iter().cloned());
        self.edits.push_back((saved, changed.collect()));
        if self.edits.len() > MOST_EDITS {
            self.edits.pop_front();
        }
    }
}
