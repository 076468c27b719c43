//! Reloads: edits of the data file are noticed, read and merged with recent writes; what the file lacks is saved.

mod late;
mod save;
mod state;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use super::history::History;
use super::journal::{Journal, Journaling, replay};
use super::notice::{Cause, Faults, LossCause, Notice, Trouble, TroubleKind, Troubles, WriteError};
use super::rulebook::given_ids;
use crate::file::{DataFile, Edit, Leftover, Watch};
use crate::memory::SharedQueue;
use crate::store::{Merged, PastState, ResourceChanges, ResourceDiff, Store, things};
use late::{dropped, unmerged_text};
use state::{Broken, FileState, RecentStates, SavedEdits, Schedule, WriteCounts, saved_at};

pub use state::keep_journal;

/// A data file that is kept up to date.
pub struct FileSource {
    /// The file, opened.
    pub file: Box<DataFile>,
    /// Whether edits are loaded when they happen; otherwise the next write finds them.
    pub watched: bool,
    /// How often to poll a watched file's stamp, too: not every file system reports changes. Zero: never.
    pub poll: Duration,
    /// How recent a write must be to be kept when an edit lacks it: the editor may not have seen it (`--unseen`).
    pub unseen: Duration,
    /// Whether writes go into a journal first.
    pub journaling: Journaling,
    /// The writes that the last run left in the journal.
    pub left: Option<Leftover>,
}

/// How long the file may be invalid before that is reported: its save may not be complete.
const MAX_PARTIAL_SAVE: Duration = Duration::from_millis(100);
/// How long the file may be missing before that is reported, or invalid before the writes that it lacks are saved to
/// the conflicts file.
const LONG_OUTAGE: Duration = Duration::from_secs(1);
/// How often to poll a file that is missing, cannot be watched, or has replaced files that may still be written to.
const POLL: Duration = Duration::from_millis(100);
/// How often to poll a background save.
const SAVE_POLL: Duration = Duration::from_millis(10);

/// A merge base: what the file held until it was replaced, or until the first write that is only in the journal.
#[derive(Clone)]
struct Base {
    store: Store,
    until: Instant,
}

/// An edit of a replaced file.
struct LateEdit {
    edit: Edit,
    /// The data of that file; `None`: another file was served then.
    base: Option<Base>,
}

/// An edit that was read and is valid.
struct ValidEdit {
    store: Store,
    /// The time of the save, by the file system's clock.
    saved: Option<SystemTime>,
    /// It replaces an edit that was reported as broken.
    fixes_reported: bool,
}

impl ValidEdit {
    /// `edit`, whose data is `store` and which replaces the edit `broken`.
    fn new(store: Store, edit: &Edit, broken: Option<Broken>) -> ValidEdit {
        ValidEdit {
            store,
            saved: edit.saved,
            fixes_reported: broken.is_some_and(|broken| broken.is_reported),
        }
    }
}

/// A file that a symbolic link was switched to, and that has not been loaded yet.
struct SwitchedFile {
    /// The writes in its journal.
    left: Option<Leftover>,
}

/// The data file, and the state for merging its edits.
pub(super) struct Reloader {
    file: DataFile,
    conflicts: SharedQueue<Value>,
    troubles: Troubles,
    notice: Arc<dyn Fn(Notice) + Send + Sync>,
    state: FileState,
    schedule: Schedule,
    /// Whether edits are loaded when they happen; otherwise the next write finds them.
    is_watched: bool,
    /// `None`: the file is not watched, or cannot be.
    watch: Option<Watch>,
    switched: Option<SwitchedFile>,
    /// The last reported reason why the file that a link was switched to cannot be read.
    follow_error: Option<String>,
    /// The interval in which the file's stamp is polled, and the next time.
    poll: Option<(Duration, Instant)>,
    journal: Journal,
    /// The data in the background save, and how many writes it has seen.
    saving: Option<(Store, u64)>,
    recent: RecentStates,
    counts: WriteCounts,
    /// The data of the file when it was last valid.
    in_file: Store,
    edits: SavedEdits,
    /// Edits of replaced files that have not been merged yet.
    late: Vec<LateEdit>,
    /// The data of replaced files, by the number of the state.
    replaced: HashMap<u64, Base>,
}

impl Reloader {
    /// Takes over the file, which holds the data of `history`, and replays the journal of the last run.
    pub(super) fn new(
        source: FileSource,
        watch: Option<io::Result<Watch>>,
        conflicts: SharedQueue<Value>,
        troubles: Troubles,
        notice: Arc<dyn Fn(Notice) + Send + Sync>,
        history: &mut History,
    ) -> Reloader {
        let poll = (source.watched && !source.poll.is_zero())
            .then(|| (source.poll, Instant::now() + source.poll));
        let watch = watch.transpose();
        let unwatched = watch.as_ref().err().map(ToString::to_string);
        let mut reloader = Reloader {
            file: *source.file,
            is_watched: source.watched,
            watch: watch.ok().flatten(),
            switched: None,
            follow_error: None,
            conflicts,
            troubles,
            notice,
            state: FileState::InSync,
            schedule: Schedule::default(),
            poll,
            journal: Journal::new(source.journaling),
            saving: None,
            recent: RecentStates::new(source.unseen, history.memory.recent()),
            counts: WriteCounts::default(),
            in_file: history.current().full.clone(),
            edits: SavedEdits::default(),
            late: Vec::new(),
            replaced: HashMap::new(),
        };
        if let Some(reason) = unwatched {
            (reloader.notice)(Notice::Unwatched(reason));
        }
        match source.left.map(|left| left.within(source.unseen)) {
            Some(Some(left)) => {
                // The engine has not started, so there are no readers yet.
                let (store, differs) = reloader.replay(&left);
                history.publish_rules(history.rulebook(), store);
                reloader.after_replay(differs, history);
            }
            // The editor has seen all of these writes.
            Some(None) => reloader.journal.clear(&mut reloader.file),
            None => {}
        }
        if reloader.watch.is_some() {
            // An edit between the read and the start of the watch has made no event.
            reloader.event();
        }
        reloader
    }

    /// Replays the journal of the last run. Returns the data, and whether the file lacks some of it.
    fn replay(&mut self, left: &Leftover) -> (Store, bool) {
        let replayed = replay(self.in_file.clone(), left);
        self.journal.appended(&self.file);
        self.counts.add(replayed.writes, None);
        self.recent.add_writes(&self.in_file, replayed.lacking);
        (self.notice)(replayed.notice);
        self.keep_lost(LossCause::Edit, &replayed.conflicts);
        let unreadable = (replayed.unreadable.iter()).map(|line| unmerged_text("unreadable", line));
        self.keep_lost_lines(LossCause::Edit, unreadable.collect());
        (replayed.store, replayed.differs)
    }

    /// Saves what a replay has restored. From then on the writes count as recent.
    fn after_replay(&mut self, differs: bool, history: &mut History) {
        if differs {
            self.catch_up(history);
        }
        if !differs || !self.is_behind() {
            self.journal.clear(&mut self.file);
        }
    }

    /// A watcher event.
    pub(super) fn event(&mut self) {
        self.schedule.event();
    }

    /// The time at which [`Reloader::run`] must be called, if no message comes before.
    pub(super) fn due(&mut self) -> Option<Instant> {
        // A broken file is saved as soon as it is fixed, whether it is watched or not.
        let waits = self.journal.is_ahead() && self.state.is_broken();
        let cannot_be_watched = self.is_watched && self.watch.is_none();
        if (cannot_be_watched || waits) && self.schedule.at.is_none() {
            self.schedule.within(POLL);
        }
        let poll = self.poll.map(|(_, at)| at);
        let saving = self.file.is_saving().then(|| Instant::now() + SAVE_POLL);
        let check = self.file.check_due();
        let due = [self.schedule.at, poll, saving, check, self.journal_due()];
        due.into_iter().flatten().min()
    }

    fn journal_due(&self) -> Option<Instant> {
        let waits = self.file.is_saving()
            || self.file.check_due().is_some()
            || self.state.is_broken()
            || self.state.is_unsaved();
        self.journal.due().filter(|_| !waits)
    }

    /// Does what is due.
    pub(super) fn run(&mut self, history: &mut History) {
        let now = Instant::now();
        if let Some((every, at)) = &mut self.poll
            && *at <= now
        {
            *at = now + *every;
            if self.schedule.at.is_none() && self.file.may_have_changed() {
                self.schedule.at = Some(now);
            }
        }
        if self.schedule.at.is_some_and(|at| at <= now) {
            self.schedule = Schedule::default();
            let is_in_order = matches!(self.state, FileState::InSync | FileState::Unsaved);
            if self.is_watched || !is_in_order || self.follow_error.is_some() {
                self.check_file(history);
            } else {
                // The check is for the files that a save has replaced.
                self.after_check(history);
            }
        }
        self.file.check();
        if self.file.has_written() {
            self.end_save(history);
        }
        if self.journal_due().is_some_and(|due| due <= Instant::now()) {
            if !self.journal.is_ahead() {
                self.expire_journal();
            } else if !self.begin_save(history) {
                self.catch_up(history);
            }
        }
    }

    /// Removes the journal, unless there is an edit that may lack something of it and is not loaded yet.
    fn expire_journal(&mut self) {
        if self.file.shows_edit() || self.is_behind() {
            self.journal.postpone_expiry();
        } else {
            self.journal.clear(&mut self.file);
        }
    }

    /// Saves everything; the server is stopping.
    pub(super) fn finish(&mut self, history: &mut History) {
        // An edit after this is found by the next start.
        self.check_file(history);
        self.end_save(history);
        self.file.end_check();
        self.look_for_late_edits(history);
        if !self.state.is_unsaved() {
            // If this fails, the next start finds the journal.
            self.catch_up(history);
        }
        if !self.is_behind() {
            self.journal.clear(&mut self.file);
        } else if let Some(journal) = self.file.journal_path().filter(|_| self.journal.is_ahead()) {
            (self.notice)(Notice::InJournal { journal });
        }
        if let FileState::Broken(broken) = &mut self.state
            && (!broken.is_reported || broken.keep_pending_at.is_some())
        {
            broken.keep_pending_at = Some(Instant::now());
        }
        self.keep_pending(history);
    }

    /// Checks whether the file was edited, and reloads it.
    fn check_file(&mut self, history: &mut History) {
        tracing::trace!("checking the file for changes");
        self.refresh_watch();
        if let Err(error) = self.follow(history) {
            self.cannot_follow(error);
            return;
        }
        let is_broken = self.state.is_broken();
        // An unsettled stamp is most likely that of our own save.
        if let Some(time) = self.file.settles_in().filter(|_| !is_broken) {
            self.schedule.within(time);
        } else {
            match self.file.moved().and_then(|_| self.file.changed()) {
                Ok(Some(edit)) => self.reload(edit, history),
                Ok(None) => self.unchanged(),
                // An editor may delete the file and create it again; a save reports it if it stays away.
                Err(_) => self.missing(),
            }
        }
        self.after_check(history);
    }

    /// The work after each check of the file.
    fn after_check(&mut self, history: &mut History) {
        self.keep_pending(history);
        self.look_for_late_edits(history);
        if self.state.is_unsaved() {
            self.catch_up(history);
        }
    }

    /// The file is there and has not changed: missing -> in sync, broken -> reported.
    fn unchanged(&mut self) {
        match &mut self.state {
            FileState::Missing(_) => {
                self.state.set_in_sync();
                self.troubles.set(None);
            }
            FileState::Broken(broken) if !broken.is_reported => {
                broken.is_reported = true;
                broken.keep_pending_at = Some(broken.since + LONG_OUTAGE);
                self.troubles
                    .set(Some(broken.faults.trouble(self.file.path.clone())));
                (self.notice)(Notice::Broken(broken.faults.clone()));
            }
            _ => {}
        }
    }

    /// The file cannot be read: in sync -> missing. It is missing for a moment while an editor replaces it.
    fn missing(&mut self) {
        if matches!(self.state, FileState::InSync) {
            tracing::debug!("the file is missing");
        }
        let missing_for = self.state.set_missing();
        if missing_for.is_some_and(|time| time >= LONG_OUTAGE) {
            self.troubles.set(Some(Trouble {
                file: self.file.path.clone(),
                kind: TroubleKind::Missing,
                place: None,
                message: "the file cannot be read".into(),
                hint: "the next write creates it again".into(),
            }));
        }
        self.schedule.within(POLL);
    }

    /// Updates the watched folders: they may have been removed, created or replaced.
    fn refresh_watch(&mut self) {
        if let Some(Err(error)) = self.watch.as_mut().map(Watch::refresh) {
            tracing::debug!(%error, "the file cannot be watched any more");
            self.watch = None;
            (self.notice)(Notice::Unwatched(error.to_string()));
        }
    }

    /// The file holds an edit that is not valid: any state -> broken.
    fn broken(&mut self, faults: Faults, edit: Edit) {
        tracing::debug!(%faults, "the edited file is not valid; waiting, since its save may not be complete");
        self.state.set_broken(edit, faults);
        self.schedule.at = Some(Instant::now() + MAX_PARTIAL_SAVE);
    }

    /// Reads an edit of the file, and merges it with the writes that it has not seen: any state -> in sync,
    /// unsaved or broken.
    pub(super) fn reload(&mut self, edit: Edit, history: &mut History) {
        let (theirs, repeated) = match history.rulebook().read_edit(edit.bytes.clone()) {
            Ok(read) => read,
            Err(faults) => return self.broken(faults, edit),
        };
        if !repeated.list.is_empty() {
            (self.notice)(Notice::RepeatedIds(repeated));
        }
        let broken = self.state.set_in_sync();
        self.troubles.set(None);
        self.remember_replaced();
        let before = std::mem::replace(&mut self.in_file, theirs.clone());
        if let Some(switched) = self.switched.take() {
            return self.load_switched(switched, history);
        }
        let since = match &broken {
            Some(broken) => broken.since,
            None => saved_at(edit.found, edit.age),
        };
        self.recent.forget_before(since);
        let theirs = ValidEdit::new(theirs, &edit, broken);
        // If a broken file is back at the state that the journal is ahead of, that is not a restore: the journal
        // continues.
        let ahead_of = self.journal.ahead.as_ref().map(|ahead| ahead.state);
        if let Some(state) = edit.earlier.filter(|state| Some(*state) != ahead_of) {
            self.restore(theirs, state, history);
            self.journal.clear(&mut self.file);
            return;
        }
        let merged = self.merged(before, &theirs, history);
        self.apply_merged(merged, &theirs, history);
        if self.state.is_unsaved() {
            self.journal.rebase(&self.file);
        } else {
            self.journal.caught_up(&mut self.file);
        }
    }

    /// Merges an edit with the writes that it has not seen. `before` is what the file held.
    fn merged(&self, before: Store, theirs: &ValidEdit, history: &History) -> Merged {
        match &self.journal.ahead {
            None => {
                let bases: Vec<usize> = (0..=self.recent.len()).rev().collect();
                let changes = history.current().full.changes_since(self.recent.iter());
                theirs.store.clone().merge(&changes, &bases)
            }
            // The editor cannot have seen writes that the file never had.
            Some(ahead) => {
                let (store, until) = (before, ahead.first);
                self.merge_on(&Base { store, until }, theirs, history)
            }
        }
    }

    /// Restores the file's earlier state `state` without a merge: somebody put it back on purpose, however recent the
    /// writes are that this drops.
    fn restore(&mut self, theirs: ValidEdit, state: u64, history: &mut History) {
        let ours = history.current().full.clone();
        let diff = theirs.store.diff(&ours);
        let is_same = diff.is_empty();
        tracing::debug!(
            state,
            is_same,
            "the file holds an earlier state: restoring it"
        );
        let writes = if is_same { 0 } else { self.counts.since(state) };
        if writes > 0 {
            self.keep_lost(LossCause::Restore, &dropped(&ours, &theirs.store));
        }
        self.edits.add(theirs.saved, &diff);
        self.publish(theirs.store, diff, history, |changes| {
            if theirs.fixes_reported && is_same {
                Notice::ValidAgain
            } else {
                Notice::Restored { changes, writes }
            }
        });
        if !is_same {
            self.recent.clear();
        }
    }

    /// Merges an edit that was made on `base` or on an older state. Changes of edits that were saved after it win.
    fn merge_on(&self, base: &Base, theirs: &ValidEdit, history: &History) -> Merged {
        let ours = history.current().full.clone();
        let since = ours.written_since(&base.store);
        let states = self.recent.iter().chain([PastState {
            store: &base.store,
            written: &since,
            edited: &[],
        }]);
        let older = (0..self.recent.count_before(base.until)).rev();
        let bases: Vec<usize> = [self.recent.len()].into_iter().chain(older).collect();
        let newer = self.edits.after(theirs.saved);
        let mut changes = ours.changes_since(states);
        for change in &mut changes {
            change.wins = newer.contains(&change.what);
        }
        theirs.store.clone().merge(&changes, &bases)
    }

    /// Publishes the result of a merge: in sync -> unsaved, if the file lacks some of it.
    fn apply_merged(&mut self, merged: Merged, theirs: &ValidEdit, history: &mut History) {
        self.recent.move_to_edits(&merged.superseded);
        let ours = history.current().full.clone();
        let diff = merged.store.diff(&ours);
        self.edits.add(theirs.saved, &diff);
        self.recent
            .add_edit(&ours, things(&diff).cloned().collect());
        let (kept, renumbered) = (merged.kept.len(), merged.renumbered);
        tracing::debug!(
            kept,
            conflicts = merged.conflicts.len(),
            renumbered = renumbered.len(),
            "merged an edit with recent API writes"
        );
        if kept > 0 {
            // The file may be read in either state before it has these writes.
            self.recent.add_writes(&ours, merged.kept.clone());
            self.recent.add_writes(&theirs.store, merged.kept);
        }
        self.keep_lost(LossCause::Edit, &merged.conflicts);
        self.keep_lost(LossCause::OlderEdit, &merged.outdated);
        if kept > 0 || !renumbered.is_empty() {
            self.state.set_unsaved();
        }
        let has_conflicts = !merged.conflicts.is_empty();
        self.publish(merged.store, diff, history, |changes| {
            let is_same = changes.is_empty() && renumbered.is_empty() && !has_conflicts;
            if theirs.fixes_reported && is_same {
                return Notice::ValidAgain;
            }
            Notice::Reloaded {
                changes,
                kept,
                renumbered,
            }
        });
    }

    fn publish(
        &self,
        store: Store,
        diff: Vec<ResourceDiff>,
        history: &mut History,
        notice: impl FnOnce(Vec<ResourceChanges>) -> Notice,
    ) {
        let given: Vec<Notice> = given_ids(&store, Some(&history.current().full)).collect();
        history.publish_whole(store, Cause::Edit, &diff);
        (self.notice)(notice(diff.into_iter().map(|diff| diff.changes).collect()));
        given.into_iter().for_each(|given| (self.notice)(given));
    }

    /// Reads edits that have been noticed but not loaded yet, so that writes are planned on them. An editor may be in
    /// the middle of a save: invalid text is retried for a moment.
    ///
    /// # Errors
    /// The file is broken, or the path was switched to another that cannot be read.
    pub(super) fn before_write(&mut self, history: &mut History) -> Result<(), WriteError> {
        if let Err(error) = self.follow(history) {
            self.cannot_follow(error.clone());
            return Err(error);
        }
        let is_broken = self.state.is_broken();
        // If the stamp does not show an edit, the save finds it.
        if is_broken || (self.schedule.at.is_some() && self.file.settles_in().is_none()) {
            let end = Instant::now() + MAX_PARTIAL_SAVE;
            loop {
                if let Ok(Some(edit)) = self.file.changed() {
                    self.reload(edit, history);
                }
                let is_partial = (self.state.broken()).is_some_and(|broken| !broken.is_reported);
                if !is_partial || Instant::now() >= end {
                    break;
                }
                std::thread::sleep(MAX_PARTIAL_SAVE / 20);
            }
        }
        self.look_for_late_edits(history);
        match self.state.broken() {
            Some(broken) => Err(broken.faults.refusal()),
            None => Ok(()),
        }
    }
}
