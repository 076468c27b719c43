//! Late edits, of files that a save had replaced; new rules, which an edit may have been made for; and the versions of
//! records that lost in a conflict.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use serde_json::{Value, json};

use super::super::history::History;
use super::super::notice::{Faults, LossCause, Notice};
use super::super::rulebook::Rulebook;
use super::state::FileState;
use super::{Base, LateEdit, POLL, Reloader, ValidEdit};
use crate::json::Document;
use crate::store::{Conflict, Store};

impl Reloader {
    /// Reports versions of records that the API wrote and that lost, and appends them to the conflicts file.
    pub(super) fn keep_lost(&self, cause: LossCause, conflicts: &[Conflict]) {
        let kind = match cause {
            LossCause::Edit => "conflict",
            LossCause::OlderEdit => "older edit",
            LossCause::Restore | LossCause::Move => "dropped",
        };
        let lines = conflicts.iter().map(|conflict| describe(kind, conflict));
        self.keep_lost_lines(cause, lines.collect());
    }

    pub(super) fn keep_lost_lines(&self, cause: LossCause, lines: Vec<Value>) {
        if lines.is_empty() {
            return;
        }
        let texts: Vec<String> = lines.iter().map(Value::to_string).collect();
        let failed = self.file.append_conflicts(&texts.join("\n")).err();
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

    /// Appends the recent writes that a broken file may lack to the conflicts file: until it is fixed they are in
    /// memory only. Not at once, because the file may just be in the middle of a save.
    pub(super) fn keep_pending(&mut self, history: &History) {
        let FileState::Broken(broken) = &mut self.state else {
            return;
        };
        let Some(at) = broken.keep_pending_at else {
            return;
        };
        let now = Instant::now();
        if now < at {
            self.schedule.within(at - now);
            return;
        }
        broken.keep_pending_at = None;
        let changes = history.current().full.changes_since(self.recent.iter());
        let pending = changes.iter().filter(|change| change.by_api).map(|change| {
            let conflict = Conflict::new(&change.what, change.after.as_deref(), None);
            describe("pending", &conflict).to_string()
        });
        let pending: Vec<String> = pending.collect();
        if !pending.is_empty() {
            // If this fails, they are still in memory.
            let _ = self.file.append_conflicts(&pending.join("\n"));
        }
    }

    /// Remembers the data of the files that are checked for late edits from now on.
    pub(super) fn remember_replaced(&mut self) {
        let states: HashSet<u64> = self.file.replaced_states().collect();
        for state in &states {
            self.replaced.entry(*state).or_insert_with(|| Base {
                store: self.in_file.clone(),
                until: Instant::now(),
            });
        }
        if self.file.checks_any_replaced() {
            self.schedule.within(POLL);
        }
        self.replaced.retain(|state, _| states.contains(state));
    }

    /// Merges late edits of replaced files. In sync -> unsaved.
    pub(super) fn look_for_late_edits(&mut self, history: &mut History) {
        // One at a time: the result of the last one must have been saved.
        if self.state.is_unsaved()
            || self.state.is_broken()
            || (self.late.is_empty() && !self.file.checks_any_replaced())
        {
            return;
        }
        for (edit, state) in self.file.late_edits(Document::is_whole) {
            tracing::debug!(state, "found an edit of a replaced file");
            let base = self.replaced.get(&state).cloned();
            self.late.push(LateEdit { edit, base });
        }
        // The file itself may hold a newer edit.
        if !self.late.is_empty()
            && let Ok(Some(edit)) = self.file.changed()
        {
            self.reload(edit, history);
        }
        if !self.state.is_broken() {
            for late in std::mem::take(&mut self.late) {
                self.merge_late(late, history);
            }
        }
        self.remember_replaced();
    }

    /// Merges an edit of a replaced file. Where a later edit changed the same, the later one wins.
    fn merge_late(&mut self, LateEdit { edit, base }: LateEdit, history: &mut History) {
        let Some(base) = base else {
            let text = String::from_utf8_lossy(&edit.bytes);
            return self.keep_lost_lines(LossCause::Move, vec![unmerged_text("moved", &text)]);
        };
        let theirs = match history.rulebook().read_edit(edit.bytes.clone()) {
            Ok((theirs, _)) => theirs,
            Err(faults) => {
                let text = String::from_utf8_lossy(&edit.bytes);
                self.keep_lost_lines(LossCause::Edit, vec![unmerged_text("unreadable", &text)]);
                (self.notice)(Notice::Broken(faults));
                return;
            }
        };
        // Readers see it before the file has it.
        self.file.keep_copy(&edit.bytes);
        let theirs = ValidEdit::new(theirs, &edit, None);
        let is_latest = self.edits.after(edit.saved).is_empty();
        if let Some(earlier) = edit.earlier.filter(|_| is_latest) {
            self.restore(theirs, earlier, history);
            if !self.journal.is_ahead() {
                self.journal.clear(&mut self.file);
            }
        } else {
            // The editor opened the file in that state; what it had read may be older.
            self.recent.forget_before(Instant::now());
            let merged = self.merge_on(&base, &theirs, history);
            self.apply_merged(merged, &theirs, history);
        }
        // The data file does not have this edit yet.
        self.state.set_unsaved();
    }

    /// Puts new rules into effect. An edit that is invalid under the old rules may have been made for the new ones.
    ///
    /// # Errors
    /// The data breaks them; the rules stay.
    pub(in super::super) fn set_rules(
        &mut self,
        rulebook: Arc<Rulebook>,
        history: &mut History,
    ) -> Result<(), Faults> {
        self.check_file(history);
        let edit = self.state.broken().map(|broken| broken.edit.clone());
        let current = history.current();
        match edit.map(|edit| (rulebook.read_edit(edit.bytes.clone()), edit)) {
            Some((Ok((theirs, _)), edit)) => {
                let theirs = ValidEdit::new(theirs, &edit, None);
                let merged = self.merged(self.in_file.clone(), &theirs, history);
                rulebook.read_file(merged.store.file_text())?;
                history.publish_rules(rulebook.clone(), rulebook.apply_to(&current.full));
                self.reload(edit, history);
            }
            none_or_broken => {
                let store = rulebook.try_apply_to(&current.full)?;
                history.publish_rules(rulebook.clone(), store);
                // The edit may be fixed later.
                if let Some((Err(faults), edit)) = none_or_broken {
                    self.broken(faults, edit);
                }
            }
        }
        self.in_file = rulebook.apply_to(&self.in_file);
        if let Some((store, _)) = &mut self.saving {
            *store = rulebook.apply_to(store);
        }
        Ok(())
    }
}

/// The line for a version that lost; `kind` says against what.
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

/// The line for text that cannot be merged; `kind` says why.
pub(super) fn unmerged_text(kind: &str, text: &str) -> Value {
    json!({ "at": httpdate::fmt_http_date(SystemTime::now()), "kind": kind, "text": text })
}

/// The API writes that a restore drops.
pub(super) fn dropped(ours: &Store, theirs: &Store) -> Vec<Conflict> {
    let written = ours.written_since(theirs);
    let conflicts = written
        .iter()
        .map(|one| Conflict::new(one, ours.text_of(one), theirs.text_of(one)));
    conflicts.collect()
}
