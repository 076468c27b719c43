//! Edits of the file, and other rules: how they are brought together with the writes that they have not seen.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use serde_json::{Value, json};

use super::super::history::{Cause, History};
use super::super::notice::{Faults, LossCause, Notice};
use super::super::recent::saved_at;
use super::super::rulebook::{Rulebook, given_ids};
use super::{FileState, LateEdit, POLL, Reloader};
use crate::file::Edit;
use crate::json::Document;
use crate::store::{Conflict, Merged, PastState, ResourceChanges, ResourceDiff, Store, things};

impl Reloader {
    /// Reads what somebody else wrote to the file, and merges it with the writes that it has not seen.
    pub(in super::super) fn reload(&mut self, edit: Edit, history: &mut History) {
        let (theirs, repeated) = match history.rulebook().read_edit(edit.bytes.clone()) {
            Ok(read) => read,
            Err(faults) => return self.broken(faults, edit),
        };
        if !repeated.list.is_empty() {
            (self.notice)(Notice::RepeatedIds(repeated));
        }
        let (since, was_reported) = match std::mem::replace(&mut self.state, FileState::InSync) {
            FileState::Broken(broken) => (broken.since, broken.is_reported),
            _ => (saved_at(edit.found, edit.age), false),
        };
        self.troubles.set(None);
        self.note_replaced();
        let before = std::mem::replace(&mut self.in_file, theirs.clone());
        if let Some(left) = self.arriving.take() {
            return self.arrive(left, history);
        }
        self.recent.forget_before(since);
        // A file that is broken and then again as the journal knows it is not restored: the journal goes on.
        if let Some(state) = edit
            .earlier
            .filter(|state| Some(*state) != self.journal.state())
        {
            self.restore((theirs, edit.saved), state, was_reported, history);
            self.journal.clear(&mut self.file);
            return;
        }
        let merged = self.merged(&before, theirs.clone(), edit.saved, history);
        self.take_merged(merged, (&theirs, edit.saved), was_reported, history);
        if matches!(self.state, FileState::Unsaved) {
            self.journal.follows(&self.file);
        } else {
            self.journal.settle(&mut self.file);
        }
    }

    /// The data of an edit with the writes that it has not seen. `before` is what the file held.
    fn merged(
        &self,
        before: &Store,
        theirs: Store,
        saved: Option<SystemTime>,
        history: &History,
    ) -> Merged {
        match self.journal.first() {
            None => {
                let bases: Vec<usize> = (0..=self.recent.len()).rev().collect();
                let changes = history.current().full.changes_since(self.recent.iter());
                theirs.merge(&changes, &bases)
            }
            // What the file never had, its editor cannot have seen.
            Some(first) => self.merge_on((before, first), theirs, saved, history),
        }
    }

    /// Takes a state that the file had before as a whole: somebody wants it back, however young the writes are that this
    /// drops.
    fn restore(
        &mut self,
        (theirs, saved): (Store, Option<SystemTime>),
        state: u64,
        was_reported: bool,
        history: &mut History,
    ) {
        let ours = history.current().full.clone();
        let diff = theirs.diff(&ours);
        let is_same = diff.is_empty();
        tracing::debug!(
            state,
            is_same,
            "the file holds an earlier state: restoring it"
        );
        let writes = if is_same { 0 } else { self.counts.since(state) };
        if writes > 0 {
            self.keep(LossCause::Restore, &dropped(&ours, &theirs));
        }
        self.edits.add(saved, &diff);
        self.publish((theirs, diff), history, |changes| {
            if was_reported && is_same {
                Notice::ValidAgain
            } else {
                Notice::Restored { changes, writes }
            }
        });
        if !is_same {
            self.recent.clear();
        }
    }

    /// Merges an edit that was made on `base`, which the file held until `end`, or on an older state. What was changed by
    /// edits that were saved after it stands.
    fn merge_on(
        &self,
        (base, end): (&Store, Instant),
        theirs: Store,
        saved: Option<SystemTime>,
        history: &History,
    ) -> Merged {
        let ours = history.current().full.clone();
        let since = ours.written_since(base);
        let states = self.recent.iter().chain([PastState {
            store: base,
            written: &since,
            edited: &[],
        }]);
        let older = (0..self.recent.count_before(end)).rev();
        let bases: Vec<usize> = [self.recent.len()].into_iter().chain(older).collect();
        let newer = self.edits.after(saved);
        let mut changes = ours.changes_since(states);
        for change in &mut changes {
            change.wins = newer.contains(&change.what);
        }
        theirs.merge(&changes, &bases)
    }

    /// Publishes the result of a merge. In sync -> unsaved, if the file lacks some of it.
    fn take_merged(
        &mut self,
        merged: Merged,
        (theirs, saved): (&Store, Option<SystemTime>),
        was_reported: bool,
        history: &mut History,
    ) {
        let Merged {
            store,
            kept,
            conflicts,
            outdated,
            renumbered,
            settled,
            ..
        } = merged;
        self.recent.settle(&settled);
        let ours = history.current().full.clone();
        let diff = store.diff(&ours);
        self.edits.add(saved, &diff);
        self.recent
            .add_edit(&ours, things(&diff).cloned().collect());
        let count = kept.len();
        tracing::debug!(
            kept = count,
            conflicts = conflicts.len(),
            renumbered = renumbered.len(),
            "merged an edit with recent API writes"
        );
        if count > 0 {
            // The file goes from the one to the other, and gets these writes when both are saved.
            self.recent.add_writes(&ours, kept.clone());
            self.recent.add_writes(theirs, kept);
        }
        self.keep(LossCause::Edit, &conflicts);
        self.keep(LossCause::OlderEdit, &outdated);
        if count > 0 || !renumbered.is_empty() {
            self.state = FileState::Unsaved;
        }
        self.publish((store, diff), history, |changes| {
            let is_same = changes.is_empty() && renumbered.is_empty() && conflicts.is_empty();
            if was_reported && is_same {
                return Notice::ValidAgain;
            }
            Notice::Reloaded {
                changes,
                kept: count,
                renumbered,
            }
        });
    }

    pub(super) fn publish(
        &self,
        (store, diff): (Store, Vec<ResourceDiff>),
        history: &mut History,
        notice: impl FnOnce(Vec<ResourceChanges>) -> Notice,
    ) {
        let given: Vec<Notice> = given_ids(&store, Some(&history.current().full)).collect();
        history.publish_whole(store, Cause::Edit, &diff);
        (self.notice)(notice(diff.into_iter().map(|diff| diff.changes).collect()));
        given.into_iter().for_each(|given| (self.notice)(given));
    }

    /// Keeps versions of the API's that the data or the file has no more, where a person finds them.
    pub(super) fn keep(&self, cause: LossCause, conflicts: &[Conflict]) {
        let kind = match cause {
            LossCause::Edit => "conflict",
            LossCause::OlderEdit => "older edit",
            LossCause::Restore | LossCause::Move => "dropped",
        };
        let lines = conflicts.iter().map(|conflict| describe(kind, conflict));
        self.keep_lines(cause, lines.collect());
    }

    pub(super) fn keep_lines(&self, cause: LossCause, lines: Vec<Value>) {
        if lines.is_empty() {
            return;
        }
        let texts: Vec<String> = lines.iter().map(Value::to_string).collect();
        let failed = self.file.keep(&texts.join("\n")).err();
        (self.notice)(Notice::Conflicts {
            count: lines.len(),
            cause,
            path: self.file.conflicts_path(),
            failed: failed.map(|error| error.to_string()),
        });
        for (line, text) in lines.into_iter().zip(texts) {
            self.conflicts.lock().push(line, text.len());
        }
    }

    /// Writes down what a broken file may lack of the last writes: until it is fixed they are in memory only. A file that
    /// is valid again after a moment was only being saved.
    pub(super) fn note_pending(&mut self, history: &History) {
        let FileState::Broken(broken) = &mut self.state else {
            return;
        };
        let Some(at) = broken.note_at else { return };
        let now = Instant::now();
        if now < at {
            self.schedule.within(at - now);
            return;
        }
        broken.note_at = None;
        let changes = history.current().full.changes_since(self.recent.iter());
        let pending = changes.iter().filter(|change| change.by_api).map(|change| {
            let conflict = Conflict::new(&change.what, change.after.as_deref(), None);
            describe("pending", &conflict).to_string()
        });
        let pending: Vec<String> = pending.collect();
        if !pending.is_empty() {
            // Where it cannot be written, there is still the memory.
            let _ = self.file.keep(&pending.join("\n"));
        }
    }

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
            return self.keep_lines(LossCause::Move, vec![unmerged_text("moved", &text)]);
        };
        let theirs = match history.rulebook().read_edit(edit.bytes.clone()) {
            Ok((theirs, _)) => theirs,
            Err(faults) => {
                let text = String::from_utf8_lossy(&edit.bytes);
                self.keep_lines(LossCause::Edit, vec![unmerged_text("unreadable", &text)]);
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

    /// Puts other rules into effect. An edit that breaks the rules so far may have been made for these.
    ///
    /// # Errors
    /// The data breaks them; the rules stay.
    pub(in super::super) fn take_rules(
        &mut self,
        rulebook: Arc<Rulebook>,
        history: &mut History,
    ) -> Result<(), Faults> {
        self.look(history);
        let edit = match &self.state {
            FileState::Broken(broken) => Some(broken.edit.clone()),
            _ => None,
        };
        let read = edit.map(|edit| (rulebook.read_edit(edit.bytes.clone()), edit));
        let current = history.current();
        match read {
            None => history.publish_rules(rulebook.clone(), rulebook.take_over(&current.full)?),
            Some((Ok((theirs, _)), edit)) => {
                let merged = self.merged(&self.in_file, theirs, edit.saved, history);
                rulebook.read_file(merged.store.file_text())?;
                history.publish_rules(rulebook.clone(), rulebook.over(&current.full));
                self.reload(edit, history);
            }
            Some((Err(faults), edit)) => {
                history.publish_rules(rulebook.clone(), rulebook.take_over(&current.full)?);
                // The edit may be fixed later.
                self.broken(faults, edit);
            }
        }
        self.in_file = rulebook.over(&self.in_file);
        if let Some((store, _)) = &mut self.saving {
            *store = rulebook.over(store);
        }
        Ok(())
    }
}

/// A version that lost: `kind` says against what.
fn describe(kind: &str, conflict: &Conflict) -> Value {
    let value = |text: &Option<String>| {
        text.as_deref().map_or(Value::Null, |text| {
            serde_json::from_str(text).unwrap_or_else(|_| text.into())
        })
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

/// Text that was to be merged with the data and cannot be: `kind` says why.
pub(super) fn unmerged_text(kind: &str, text: &str) -> Value {
    json!({ "at": httpdate::fmt_http_date(SystemTime::now()), "kind": kind, "text": text })
}

/// What a return to an earlier state drops.
pub(super) fn dropped(ours: &Store, theirs: &Store) -> Vec<Conflict> {
    let written = ours.written_since(theirs);
    let conflicts = written
        .iter()
        .map(|one| Conflict::new(one, ours.text_of(one), theirs.text_of(one)));
    conflicts.collect()
}
