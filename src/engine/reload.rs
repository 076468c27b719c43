//! Reloads: the data file as the engine sees it. Edits are noticed, read and merged with the writes that they have
//! not seen; what the file lacks is saved.

mod late;
mod save;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use super::history::{Cause, History};
use super::journal::{Journal, Journaling, replay};
use super::notice::{Faults, LossCause, Notice, Trouble, TroubleKind, Troubles, WriteError};
use super::recent::{RecentStates, SavedEdits, WriteCounts, saved_at};
use super::rulebook::given_ids;
use crate::file::{DataFile, Edit, Left, Watch};
use crate::memory::SharedQueue;
use crate::store::{Merged, PastState, ResourceChanges, ResourceDiff, Store, things};
use late::{dropped, unmerged_text};

/// A data file that is kept up to date.
pub struct FileSource {
    /// The file, opened.
    pub file: Box<DataFile>,
    /// Whether edits are loaded when they happen; otherwise the next write finds them.
    pub watched: bool,
    /// How often to compare a watched file's stamp besides: not every file system reports changes. Zero: never.
    pub poll: Duration,
    /// How young a write must be to be kept when an edit lacks it: its maker may not have seen it.
    pub unseen: Duration,
    /// Whether writes go into a journal first.
    pub journaling: Journaling,
    /// What the last run left in the journal.
    pub left: Option<Left>,
}

/// How the file and the data relate. What the journal has beyond the file is not counted here.
enum FileState {
    /// The file holds the data.
    InSync,
    /// The file cannot be read, since that moment.
    Missing(Instant),
    /// The file holds an edit that is not valid; it is not overwritten.
    Broken(Broken),
    /// The data has something that belongs in the file at once: writes that an edit lacked, a late edit, or what the
    /// journal could not bring to the file. Nothing goes into the journal until it is saved.
    Unsaved,
}

/// An edit that is not valid.
struct Broken {
    faults: Faults,
    edit: Edit,
    since: Instant,
    is_reported: bool,
    /// When to write down the writes that it may lack.
    note_at: Option<Instant>,
}

/// When to look at the file next.
#[derive(Default)]
struct Schedule {
    at: Option<Instant>,
    /// When the first event since the last look came.
    first_event: Option<Instant>,
}

impl Schedule {
    /// Debounces events: looks when there were none for a while, but not too late.
    fn event(&mut self) {
        let now = Instant::now();
        let first = *self.first_event.get_or_insert(now);
        self.at = Some((now + QUIET).min(first + MAX_DEBOUNCE));
    }

    /// Looks within `time`.
    fn within(&mut self, time: Duration) {
        let at = Instant::now() + time;
        self.at = Some(self.at.map_or(at, |earlier| earlier.min(at)));
    }
}

/// How long the file must have been left alone before an edit is read: a save comes as several events.
const QUIET: Duration = Duration::from_millis(20);
/// How long to wait for that at most: our own saves make events, too.
const MAX_DEBOUNCE: Duration = Duration::from_millis(200);
/// How long the file may be invalid before that is reported: it may be half of a save.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long the file may be invalid before the writes that it lacks are written down.
const LONG: Duration = Duration::from_secs(1);
/// How often to look at a file that is missing, cannot be watched, or has replaced files that may be written to.
const POLL: Duration = Duration::from_millis(100);
/// How often to look whether a save in progress has been written.
const SAVING: Duration = Duration::from_millis(10);

/// An edit of a replaced file, with what that held, and until when; `None`: another file was served then.
type LateEdit = (Edit, Option<(Instant, Store)>);

/// The data file, and what is needed to merge edits of it.
pub(super) struct Reloader {
    file: DataFile,
    conflicts: SharedQueue<Value>,
    troubles: Troubles,
    notice: Arc<dyn Fn(Notice) + Send + Sync>,
    state: FileState,
    schedule: Schedule,
    watch: Option<Watch>,
    /// What the path leads to since a link was switched has not been loaded yet, and this is what its journal has.
    arriving: Option<Option<Left>>,
    /// Why what the path leads to cannot be loaded, as it was reported.
    unfollowed: Option<String>,
    /// The file cannot be watched.
    is_unwatched: bool,
    /// How often to compare the file's stamp, and when next.
    poll: Option<(Duration, Instant)>,
    journal: Journal,
    /// What a save in progress brings to the file, and how many writes that has seen.
    saving: Option<(Store, u64)>,
    recent: RecentStates,
    counts: WriteCounts,
    /// What the file holds, as far as it could be read.
    in_file: Store,
    edits: SavedEdits,
    /// Edits of replaced files that have not been merged yet.
    late: Vec<LateEdit>,
    /// What replaced files held, by the number of the state, and when they were replaced.
    replaced: HashMap<u64, (Instant, Store)>,
}

impl Reloader {
    /// Takes over the file, which holds the data of `history`, and brings back what the journal of the last run has
    /// besides.
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
            watch: watch.ok().flatten(),
            arriving: None,
            unfollowed: None,
            conflicts,
            troubles,
            notice,
            state: FileState::InSync,
            schedule: Schedule::default(),
            is_unwatched: unwatched.is_some(),
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
                // Nobody has asked for the data yet.
                let (store, differs) = reloader.replay(&left);
                history.start_with(store);
                reloader.after_replay(differs, history);
            }
            // Whoever has edited the file had seen all.
            Some(None) => reloader.journal.clear(&mut reloader.file),
            None => {}
        }
        if reloader.watch.is_some() {
            // What was saved between the reading of the file and the watching of it has made no event.
            reloader.event();
        }
        reloader
    }

    /// The data with what the journal of the last run has besides, and whether the file lacks some of it.
    fn replay(&mut self, left: &Left) -> (Store, bool) {
        let replayed = replay(self.in_file.clone(), left);
        self.journal.appended(&self.file);
        self.counts.add(replayed.writes, None);
        self.recent.add_writes(&self.in_file, replayed.lacking);
        (self.notice)(replayed.notice);
        self.keep(LossCause::Edit, &replayed.conflicts);
        self.keep_lines(
            LossCause::Edit,
            replayed
                .unreadable
                .iter()
                .map(|line| unmerged_text("unreadable", line))
                .collect(),
        );
        (replayed.store, replayed.differs)
    }

    /// Saves what a replay has brought back. From then on the writes are known as recent ones.
    fn after_replay(&mut self, differs: bool, history: &mut History) {
        if differs {
            self.save_what_it_lacks(history);
        }
        if !differs || !self.lacks_something() {
            self.journal.clear(&mut self.file);
        }
    }

    /// A watcher event.
    pub(super) fn event(&mut self) {
        self.schedule.event();
    }

    /// When something is to be done though nobody asks.
    pub(super) fn due(&mut self) -> Option<Instant> {
        // A file that is broken is saved as soon as it is fixed, whether anybody watches it or not.
        let waits = self.journal.is_ahead() && matches!(self.state, FileState::Broken(_));
        if (self.is_unwatched || waits) && self.schedule.at.is_none() {
            self.schedule.within(POLL);
        }
        let poll = self.poll.map(|(_, at)| at);
        let saving = self.file.is_saving().then(|| Instant::now() + SAVING);
        self.schedule
            .at
            .into_iter()
            .chain(poll)
            .chain(saving)
            .chain(self.file.check_due())
            .chain(self.journal_due())
            .min()
    }

    fn journal_due(&self) -> Option<Instant> {
        let waits = self.file.is_saving()
            || self.file.check_due().is_some()
            || matches!(self.state, FileState::Broken(_) | FileState::Unsaved);
        self.journal
            .due()
            .or(self.journal.expires())
            .filter(|_| !waits)
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
            self.look(history);
        }
        self.file.check();
        if self.file.has_written() {
            self.end_save(history);
        }
        if self.journal_due().is_some_and(|due| due <= Instant::now()) {
            if !self.journal.is_ahead() {
                self.expire_journal();
            } else if !self.begin_save(history) {
                self.save_what_it_lacks(history);
            }
        }
    }

    /// Removes the journal, unless there is an edit that may lack something of it and is not loaded yet.
    fn expire_journal(&mut self) {
        if self.file.shows_edit() || self.lacks_something() {
            self.journal.keep_on();
        } else {
            self.journal.clear(&mut self.file);
        }
    }

    /// Brings everything to the file; the server stops.
    pub(super) fn finish(&mut self, history: &mut History) {
        // What somebody writes to the file after this is found by the next start.
        self.look(history);
        self.end_save(history);
        self.file.end_check();
        self.look_for_late_edits(history);
        if !matches!(self.state, FileState::Unsaved) {
            // Should this fail, the next start finds the journal.
            self.save_what_it_lacks(history);
        }
        if !self.lacks_something() {
            self.journal.clear(&mut self.file);
        } else if let Some(journal) = self.file.journal_path().filter(|_| self.journal.is_ahead()) {
            (self.notice)(Notice::InJournal { journal });
        }
        if let FileState::Broken(broken) = &mut self.state
            && (!broken.is_reported || broken.note_at.is_some())
        {
            broken.note_at = Some(Instant::now());
        }
        self.note_pending(history);
    }

    /// Looks whether the file was edited, and reloads it.
    fn look(&mut self, history: &mut History) {
        tracing::trace!("checking the file for changes");
        self.refresh_watch();
        if let Err(error) = self.follow(history) {
            self.cannot_follow(error);
            return;
        }
        let is_broken = matches!(self.state, FileState::Broken(_));
        // An unsettled stamp that is the same is most likely that of our own save.
        if let Some(time) = self.file.settles_in().filter(|_| !is_broken) {
            self.schedule.within(time);
        } else {
            match self.file.moved().and_then(|_| self.file.changed()) {
                Ok(Some(edit)) => self.reload(edit, history),
                Ok(None) => self.still_the_same(),
                // Between the deletion and the creation of a file there is none; a save reports it if it stays away.
                Err(_) => self.missing(),
            }
        }
        self.note_pending(history);
        self.look_for_late_edits(history);
        if matches!(self.state, FileState::Unsaved) {
            self.save_what_it_lacks(history);
        }
    }

    /// Missing -> in sync. Broken, for a while -> reported as broken.
    fn still_the_same(&mut self) {
        match &mut self.state {
            FileState::Missing(_) => {
                self.state = FileState::InSync;
                self.troubles.set(None);
            }
            FileState::Broken(broken) if !broken.is_reported => {
                broken.is_reported = true;
                broken.note_at = Some(broken.since + LONG);
                self.troubles
                    .set(Some(broken.faults.trouble(self.file.path().to_path_buf())));
                (self.notice)(Notice::Broken(broken.faults.clone()));
            }
            _ => {}
        }
    }

    /// In sync -> missing. Looks again soon.
    fn missing(&mut self) {
        if matches!(self.state, FileState::InSync) {
            tracing::debug!("the file is missing");
            self.state = FileState::Missing(Instant::now());
        }
        // A file that is replaced is missing for a moment.
        if matches!(self.state, FileState::Missing(since) if since.elapsed() >= LONG) {
            self.troubles.set(Some(Trouble {
                file: self.file.path().to_path_buf(),
                kind: TroubleKind::Missing,
                place: None,
                message: "the file cannot be read".into(),
                hint: "the next write creates it again".into(),
            }));
        }
        self.look_soon();
    }

    fn look_soon(&mut self) {
        self.schedule.within(POLL);
    }

    /// Watches the folders that lead to the file now: they may have gone, come, or been replaced.
    fn refresh_watch(&mut self) {
        if let Some(Err(error)) = self.watch.as_mut().map(Watch::refresh) {
            tracing::debug!(%error, "the file cannot be watched any more");
            (self.watch, self.is_unwatched) = (None, true);
            (self.notice)(Notice::Unwatched(error.to_string()));
        }
    }

    /// Any state -> broken.
    fn broken(&mut self, faults: Faults, edit: Edit) {
        tracing::debug!(%faults, "the edited file is not valid; waiting, since its save may not be complete");
        let since = if let FileState::Broken(broken) = &self.state {
            broken.since
        } else {
            saved_at(edit.found, edit.age)
        };
        self.state = FileState::Broken(Broken {
            faults,
            edit,
            since,
            is_reported: false,
            note_at: None,
        });
        self.schedule.at = Some(Instant::now() + PATIENCE);
    }

    /// Reads what somebody else wrote to the file, and merges it with the writes that it has not seen.
    pub(super) fn reload(&mut self, edit: Edit, history: &mut History) {
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

    fn publish(
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

    /// Looks for edits that have been noticed and not read yet, so that writes are planned on them. An editor may be in
    /// the middle of a save: text that is not valid gets a moment to become so.
    ///
    /// # Errors
    /// The file is broken, or the path leads to another that cannot be read.
    pub(super) fn before_write(&mut self, history: &mut History) -> Result<(), WriteError> {
        if let Err(error) = self.follow(history) {
            self.cannot_follow(error.clone());
            return Err(error);
        }
        let is_broken = matches!(self.state, FileState::Broken(_));
        // Should the file only seem to be the same, the save finds the edit.
        if is_broken || (self.schedule.at.is_some() && self.file.settles_in().is_none()) {
            let end = Instant::now() + PATIENCE;
            loop {
                if let Ok(Some(edit)) = self.file.changed() {
                    self.reload(edit, history);
                }
                let is_half =
                    matches!(&self.state, FileState::Broken(broken) if !broken.is_reported);
                if !is_half || Instant::now() >= end {
                    break;
                }
                std::thread::sleep(PATIENCE / 20);
            }
        }
        self.look_for_late_edits(history);
        match &self.state {
            FileState::Broken(broken) => Err(broken.faults.refusal()),
            _ => Ok(()),
        }
    }
}
