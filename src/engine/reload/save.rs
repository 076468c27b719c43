//! Saves of the file: of writes, at once or through the journal, and of what the file lacks; and following a symbolic
//! link that was switched.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::super::history::History;
use super::super::journal::Batch;
use super::super::notice::{LossCause, Notice, Trouble, TroubleKind, WriteError};
use super::late::dropped;
use super::state::FileState;
use super::{POLL, Reloader, SwitchedFile};
use crate::file::{Edit, Saved};
use crate::store::{ResourceDiff, Store, Written, things};

/// How long to wait before a failed save is retried.
const RETRY: Duration = Duration::from_millis(500);

impl Reloader {
    /// Whether the file must be saved even if no write changes anything.
    pub(in super::super) fn must_save(&self) -> bool {
        self.state.is_unsaved() || self.file.has_failed_save()
    }

    /// Appends a batch whose result is `next` to the journal, or saves the file. `count` is how many writes changed
    /// something, `written` what they changed. `false`: the file was edited or switched, and the batch has to be
    /// planned again.
    ///
    /// # Errors
    /// The disk refuses; nothing was changed.
    pub(in super::super) fn save_batch(
        &mut self,
        next: &Store,
        batch: Batch,
        count: usize,
        written: Vec<Written>,
        history: &mut History,
    ) -> Result<bool, WriteError> {
        let saved = self.record_or_save(next, batch);
        self.after_save(saved, count, written, history)
    }

    /// Like [`Reloader::save_batch`], for an undo or a reset, which does not go into the journal first.
    pub(in super::super) fn save_change(
        &mut self,
        next: &Store,
        diff: &[ResourceDiff],
        history: &mut History,
    ) -> Result<bool, WriteError> {
        let written: Vec<Written> = things(diff).cloned().collect();
        let batch = Batch::of_change(&history.current().full, next, &written);
        let saved = self.save(next, batch);
        self.after_save(saved, 1, written, history)
    }

    fn after_save(
        &mut self,
        saved: io::Result<Saved>,
        count: usize,
        written: Vec<Written>,
        history: &mut History,
    ) -> Result<bool, WriteError> {
        match saved {
            Ok(Saved::Done) => {
                // Writes that are only in the journal are in no state of the file.
                let state = (!self.journal.is_ahead()).then_some(self.file.number);
                self.counts.add(count, state);
                self.recent.add_writes(&history.current().full, written);
                Ok(true)
            }
            Ok(Saved::Foreign(edit)) => {
                self.reload(edit, history);
                Ok(false)
            }
            Ok(Saved::Moved) => Ok(false),
            Err(error) => {
                let (reason, hint) = self.why_unsaved(&error);
                Err(WriteError::Unsaved { reason, hint })
            }
        }
    }

    fn record_or_save(&mut self, next: &Store, batch: Batch) -> io::Result<Saved> {
        if self.state.is_unsaved() || !self.journal.takes_writes_to(&self.file) {
            return self.save(next, batch);
        }
        match self.journal.append(&mut self.file, &batch) {
            Ok(Some(saved)) => {
                tracing::debug!("appended to the journal, or found an edit");
                Ok(saved)
            }
            Ok(None) => {
                let saved = self.save(next, batch);
                if saved.is_err() && self.journal.is_ahead() {
                    // A new journal would lack what this one had.
                    self.state.set_unsaved();
                }
                saved
            }
            Err(error) => {
                self.report_unsaved(&error);
                Err(error)
            }
        }
    }

    /// Saves the file, which then has the writes of `batch`. Any state but broken -> in sync.
    ///
    /// # Errors
    /// The disk refuses; nothing was changed.
    fn save(&mut self, store: &Store, batch: Batch) -> io::Result<Saved> {
        let before = self.file.content();
        let saved = self.file.save(&store.file_text());
        self.remember_replaced();
        match &saved {
            Ok(Saved::Done) => {
                tracing::debug!(state = self.file.number, "saved the file");
                self.in_file = store.clone();
                self.state.set_in_sync();
                self.troubles.set(None);
                if self.file.in_place && self.file.shows_edit() {
                    self.schedule.event();
                }
                if self.journal.saved(&mut self.file, before, batch) {
                    self.counts.add(0, Some(self.file.number));
                }
            }
            Ok(Saved::Foreign(_) | Saved::Moved) => {
                tracing::debug!(
                    "not saved: another program has edited the file, or switched a link to it"
                )
            }
            Err(error) => self.report_unsaved(error),
        }
        saved
    }

    /// Saves what the file lacks: writes that were kept in a merge, and what the journal has. On failure -> unsaved.
    pub(super) fn catch_up(&mut self, history: &mut History) {
        while self.is_behind() && !self.state.is_broken() {
            let store = history.current().full.clone();
            match self.save(&store, Batch::default()) {
                Ok(Saved::Done) => {}
                Ok(Saved::Foreign(edit)) => self.reload(edit, history),
                Ok(Saved::Moved) if self.follow(history).is_ok() => {}
                _ => {
                    self.state.set_unsaved();
                    self.schedule.at = Some(Instant::now() + RETRY);
                    return;
                }
            }
        }
    }

    /// Whether the file lacks some of the data; the journal may have it.
    pub(super) fn is_behind(&self) -> bool {
        self.state.is_unsaved() || self.journal.is_ahead()
    }

    fn report_unsaved(&mut self, error: &io::Error) {
        let (reason, hint) = self.why_unsaved(error);
        self.report(self.file.path.clone(), reason, hint);
        self.schedule.within(POLL);
    }

    /// Reports that `file` cannot be saved.
    pub(super) fn report(&mut self, file: PathBuf, reason: String, hint: String) {
        self.troubles.set(Some(Trouble {
            file,
            kind: TroubleKind::Unsaved,
            place: None,
            message: reason.clone(),
            hint: hint.clone(),
        }));
        (self.notice)(Notice::Unsaved { reason, hint });
    }

    /// Why a save failed, and what to do.
    fn why_unsaved(&self, error: &io::Error) -> (String, String) {
        let path = self.file.path_for_errors();
        match self.file.obstacle() {
            Some(obstacle) => {
                let (reason, hint) = obstacle.explain(path);
                (format!("{reason}: {error}"), hint)
            }
            None if error.kind() == io::ErrorKind::WouldBlock => {
                let hint = "stop one of the two servers, then send the request again";
                (format!("{} is {error}", path.display()), hint.into())
            }
            None => {
                let hint =
                    "free disk space or fix the file's permissions, then send the request again";
                (format!("{}: {error}", path.display()), hint.into())
            }
        }
    }

    /// Begins a background save of what the journal has. `false`: it is to be saved as usual.
    pub(super) fn begin_save(&mut self, history: &History) -> bool {
        let store = &history.current().full;
        if !matches!(self.state, FileState::InSync)
            || !self.journal.begin_save(&mut self.file, store)
        {
            return false;
        }
        tracing::debug!("saving the file in the background");
        self.saving = Some((store.clone(), self.counts.total));
        true
    }

    /// Ends the background save, if there is one; waits for it.
    pub(super) fn end_save(&mut self, history: &mut History) {
        let Some((store, seen)) = self.saving.take().filter(|_| self.file.is_saving()) else {
            return;
        };
        let saved = self.journal.end_save(&mut self.file);
        self.remember_replaced();
        match saved {
            Some(Saved::Done) => {
                tracing::debug!(state = self.file.number, "saved the file in the background");
                self.in_file = store;
                self.troubles.set(None);
                self.counts.saved(self.file.number, seen);
                if self.journal.is_ahead() && !self.file.can_record() {
                    self.state.set_unsaved();
                }
            }
            Some(Saved::Foreign(edit)) => self.reload(edit, history),
            // An ordinary save follows the link, or reports what is wrong.
            Some(Saved::Moved) | None => self.catch_up(history),
        }
        if self.state.is_unsaved() {
            self.catch_up(history);
        }
    }

    /// If a symbolic link was switched, loads the file that the path resolves to now, without a merge: API writes
    /// belong to the previous file. Any state -> in sync, or broken.
    ///
    /// # Errors
    /// It cannot be read, or another server has it.
    pub(super) fn follow(&mut self, history: &mut History) -> Result<(), WriteError> {
        let Ok(Some(path)) = self.file.moved() else {
            if self.follow_error.take().is_some() {
                let path = self.file.path.clone();
                let broken = self.state.broken();
                self.troubles
                    .set(broken.map(|broken| broken.faults.trouble(path)));
            }
            return Ok(());
        };
        let lacking = if self.is_behind() || self.state.is_broken() {
            dropped(&history.current().full, &self.in_file)
        } else {
            Vec::new()
        };
        let followed = self.file.follow(path.clone()).map_err(|error| {
            let (named, to) = (self.file.named.display(), path.display());
            WriteError::Unsaved {
                reason: format!("{named} points to {to} now: {error}"),
                hint: "point it to a data file that no other server has; this server still has the data: GET /db".into(),
            }
        })?;
        self.follow_error = None;
        self.state.set_in_sync();
        self.recent.clear();
        self.replaced.clear();
        self.edits.clear();
        self.journal.forget();
        self.counts.add(0, Some(self.file.number));
        (self.notice)(Notice::Moved { to: path });
        for found in followed.recovered {
            (self.notice)(Notice::Recovered(found));
        }
        self.keep_lost(LossCause::Move, &lacking);
        let unseen = self.recent.window;
        self.switched = Some(SwitchedFile {
            left: followed.left.and_then(|left| left.within(unseen)),
        });
        let edit = Edit {
            bytes: followed.bytes,
            earlier: None,
            found: Instant::now(),
            age: Duration::ZERO,
            saved: None,
        };
        self.reload(edit, history);
        Ok(())
    }

    /// Reports it once, and schedules a retry.
    pub(super) fn cannot_follow(&mut self, error: WriteError) {
        if let WriteError::Unsaved { reason, hint } = error
            && self.follow_error.as_ref() != Some(&reason)
        {
            self.follow_error = Some(reason.clone());
            self.report(self.file.named.clone(), reason, hint);
        }
        self.schedule.within(POLL);
    }

    /// Publishes the data of the file that the path was switched to, with what its journal has.
    pub(super) fn load_switched(&mut self, switched: SwitchedFile, history: &mut History) {
        let (store, differs) = match switched.left {
            Some(left) => self.replay(&left),
            None => (self.in_file.clone(), false),
        };
        let diff = store.diff(&history.current().full);
        self.publish(store, diff, history, |changes| Notice::Reloaded {
            changes,
            kept: 0,
            renumbered: Vec::new(),
        });
        // The undo history is of another file.
        history.undo.lock().clear();
        self.after_replay(differs, history);
    }
}
