use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use serde_json::Value;
use tokio::sync::oneshot;

use super::data::{Faults, Rulebook, changes, is_blank};
use super::edits::{self, Counts, Young};
use super::feed::{Cause, Feed};
use super::journal::{Before, Behind, Journaling};
use super::restore::{Back, Steps};
use super::{Expected, Notice, Published, ResourceChanges, WriteError};
use crate::disk::{DataFile, Edit, Saved};
use crate::json::Document;
use crate::parallel;
use crate::store::{Command, Conflict, Merged, Outcome, Refusal, Store, Written};

type Answer = Result<Outcome, WriteError>;

pub(super) enum Message {
    Write { command: Command, expected: Option<Expected>, reply: oneshot::Sender<Answer> },
    Back { back: Back, reply: oneshot::Sender<Result<Option<u64>, WriteError>> },
    Look,
    Stop,
}

struct Job {
    command: Command,
    expected: Option<Expected>,
    reply: oneshot::Sender<Answer>,
}

/// An edit that cannot be taken in, as long as the file stays so.
pub(super) struct Broken {
    faults: Faults,
    told: bool,
    since: Instant,
    /// When to write down what it may lack.
    look_at: Option<Instant>,
}

/// How long the file must have been left alone before an edit is read: a save comes as several events.
const QUIET: Duration = Duration::from_millis(20);
/// How long a broken text may stand before it is told: it may be half of a save.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long a broken text may stand before what it lacks is written down.
const LONG: Duration = Duration::from_secs(1);
/// How long to wait with a save that failed after an edit was taken in.
const AGAIN: Duration = Duration::from_millis(500);
/// How often the file is looked at where it cannot be watched.
const POLL: Duration = Duration::from_millis(100);
/// How many writes share one save at most, so that the first of them does not wait without bound.
const MOST_TOGETHER: usize = 4096;

/// The last writes that shared a save. Whoever was answered by it may be about to ask again: those that come first wait
/// a moment for the others, or they would go by themselves, and the others would wait for two saves.
#[derive(Default)]
struct Together {
    count: usize,
    time: Duration,
}

impl Together {
    fn patience(&self) -> Duration {
        (self.time / 2).min(LONGEST_PATIENCE)
    }
}

/// How long writes wait for others at most.
const LONGEST_PATIENCE: Duration = Duration::from_millis(2);

pub(super) struct Writer {
    pub(super) published: Arc<ArcSwap<Published>>,
    rulebook: Arc<Rulebook>,
    conflicts: Arc<Mutex<VecDeque<Value>>>,
    feed: Arc<Feed>,
    pub(super) steps: Steps,
    pub(super) file: Option<DataFile>,
    poll: bool,
    pub(super) journaling: Journaling,
    pub(super) notice: Box<dyn Fn(Notice) + Send>,
    pub(super) broken: Option<Broken>,
    look_at: Option<Instant>,
    pub(super) young: Young,
    pub(super) counts: Counts,
    /// What the data was in states of the file that somebody still has open.
    late_bases: HashMap<u64, Store>,
    /// What the file holds, as far as it could be read.
    pub(super) in_file: Store,
    /// The data has something that the file has not and that belongs there at once: what was kept when an edit was taken
    /// in, or what the file should have had from the journal by now.
    pub(super) unsaved: bool,
    /// The file lacks what the journal has.
    pub(super) behind: Option<Behind>,
    together: Together,
}

/// From that size on an edit takes so long to be read that it would be felt.
const LARGE: usize = 1 << 20;

/// How many conflicts are kept for readers; the file beside the data keeps all.
const MOST_CONFLICTS: usize = 1000;

impl Writer {
    pub(super) fn new(
        published: Arc<ArcSwap<Published>>,
        rulebook: Arc<Rulebook>,
        conflicts: Arc<Mutex<VecDeque<Value>>>,
        feed: Arc<Feed>,
        file: Option<DataFile>,
        (poll, window, journaling): (bool, Duration, Journaling),
        notice: Box<dyn Fn(Notice) + Send>,
    ) -> Writer {
        let in_file = published.load().store.clone();
        Writer {
            in_file,
            published,
            rulebook,
            conflicts,
            feed,
            steps: Steps::default(),
            file,
            poll,
            journaling,
            notice,
            broken: None,
            look_at: None,
            young: Young::new(window),
            counts: Counts::default(),
            late_bases: HashMap::new(),
            unsaved: false,
            behind: None,
            together: Together::default(),
        }
    }

    pub(super) fn run(mut self, receiver: &mpsc::Receiver<Message>) {
        let mut stopping = false;
        while !stopping {
            let mut jobs = Vec::new();
            let mut gathering = None;
            let queued = receiver.try_recv().ok();
            let was_queued = queued.is_some();
            let mut next = match self.wait() {
                _ if was_queued => queued,
                Some(time) => match receiver.recv_timeout(time) {
                    Ok(message) => Some(message),
                    Err(mpsc::RecvTimeoutError::Timeout) => None,
                    Err(mpsc::RecvTimeoutError::Disconnected) => return,
                },
                None => match receiver.recv() {
                    Ok(message) => Some(message),
                    Err(mpsc::RecvError) => return,
                },
            };
            while let Some(message) = next {
                match message {
                    Message::Write { command, expected, reply } => jobs.push(Job { command, expected, reply }),
                    Message::Back { back, reply } => {
                        // What was asked before goes first.
                        self.carry_out(std::mem::take(&mut jobs));
                        let answer = catch_unwind(AssertUnwindSafe(|| self.go_back(&back)));
                        drop(reply.send(answer.unwrap_or(Err(WriteError::Bug))));
                    }
                    Message::Look => self.look_at = Some(Instant::now() + QUIET),
                    Message::Stop => stopping = true,
                }
                next = if jobs.len() < MOST_TOGETHER { receiver.try_recv().ok() } else { None };
                if next.is_none() && !jobs.is_empty() && !stopping {
                    let now = Instant::now();
                    // Those that came during the last save are others than those that it answered.
                    let others = if was_queued { jobs.len() } else { 0 };
                    let (count, end) =
                        *gathering.get_or_insert((self.together.count + others, now + self.together.patience()));
                    if jobs.len() < count {
                        next = receiver.recv_timeout(end.saturating_duration_since(now)).ok();
                    }
                }
            }
            if !jobs.is_empty() {
                let (count, start) = (jobs.len(), Instant::now());
                self.carry_out(jobs);
                self.together = Together { count, time: start.elapsed() };
            }
            if self.look_at.is_some_and(|at| at <= Instant::now()) {
                self.look_at = None;
                self.look();
            }
            if self.due().is_some_and(|due| due <= Instant::now()) {
                self.save_what_was_kept();
            }
        }
        // What somebody writes to the file after this is found by the next start.
        self.look();
        if !self.unsaved {
            // Should this fail, the next start finds the journal.
            self.save_what_was_kept();
        }
        if !self.lags() {
            self.let_journal_go();
        }
        if let Some(broken) = self.broken.as_mut() {
            if !broken.told || broken.look_at.is_some() {
                broken.look_at = Some(Instant::now());
            }
            self.keep_pending();
        }
    }

    fn wait(&mut self) -> Option<Duration> {
        // The file follows as soon as it is mended, whether anybody watches it or not.
        let waits = self.behind.is_some() && self.broken.is_some();
        if (self.poll || waits) && self.look_at.is_none() {
            self.look_at = Some(Instant::now() + POLL);
        }
        let next = self.look_at.into_iter().chain(self.due()).min();
        next.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Looks whether the file was edited, and takes the edit in.
    fn look(&mut self) {
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
            let then = Instant::now() + time;
            self.look_at = Some(self.look_at.map_or(then, |at| at.min(then)));
        }
        self.keep_pending();
        self.look_for_late_edits();
        if self.unsaved && self.broken.is_none() {
            self.save_what_was_kept();
        }
    }

    /// Looks again soon: the file cannot be read or written now.
    fn look_again(&mut self) {
        // Another folder may take the place of one that is gone, and nobody watches that.
        self.poll |= self.file.as_ref().is_some_and(DataFile::is_homeless);
        let soon = Instant::now() + POLL;
        self.look_at = Some(self.look_at.map_or(soon, |at| at.min(soon)));
    }

    /// Takes in what somebody else wrote to the file.
    pub(super) fn take_in(&mut self, edit: Edit) {
        if edit.bytes.len() < LARGE {
            self.take_in_now(edit);
        } else {
            // Requests are answered meanwhile.
            parallel::quietly(|| self.take_in_now(edit));
        }
    }

    fn take_in_now(&mut self, edit: Edit) {
        let theirs = match self.rulebook.read_edit(edit.bytes) {
            Ok(theirs) => theirs,
            Err(faults) => {
                let since = self.broken.as_ref().map_or_else(|| Young::moment(edit.age), |broken| broken.since);
                self.broken = Some(Broken { faults, told: false, since, look_at: None });
                self.look_at = Some(Instant::now() + PATIENCE);
                return;
            }
        };
        let since = self.broken.take().map_or_else(|| Young::moment(edit.age), |broken| broken.since);
        let before = std::mem::replace(&mut self.in_file, theirs.clone());
        self.young.forget(since);
        let ours = self.published.load_full();
        // What the file holds again after it was broken is no state of before.
        let behind = self.behind.as_ref().map(|behind| behind.state);
        if let Some(state) = edit.earlier.filter(|state| Some(*state) != behind) {
            self.restore(theirs, state);
            self.unsaved = false;
            self.let_journal_go();
            return;
        }
        // Whatever the file has never had, its editor cannot have seen.
        let lacking = if behind.is_some() { ours.store.written_since(&before) } else { Vec::new() };
        let unseen = self.young.states().chain([(&before, lacking.as_slice())]);
        let changes = ours.store.changes_since(unseen);
        if changes.is_empty() {
            self.unsaved = false;
            self.replace(theirs, |changes| Notice::Reloaded { changes, kept: 0, renumbered: Vec::new() });
        } else {
            self.take_merged(theirs.merge(&changes), behind.map(|_| &before));
        }
        if !self.unsaved {
            self.let_journal_go();
        } else if let (Some(behind), Some(file)) = (&mut self.behind, &self.file) {
            behind.state = file.number();
        }
    }

    /// Takes an earlier state whole. A return to one is a wish, however young the writes are that it drops.
    fn restore(&mut self, theirs: Store, state: u64) {
        let dropped = edits::dropped(&self.published.load(), &theirs);
        let writes = self.counts.since(state);
        self.keep("dropped", if writes > 0 { &dropped } else { &[] });
        self.replace(theirs, |changes| Notice::Restored { changes, writes });
        self.young.clear();
    }

    fn take_merged(&mut self, merged: Merged, base: Option<&Store>) {
        let Merged { store, kept, conflicts, renumbered, settled } = merged;
        self.young.settle(&settled);
        self.young.renew(&kept, base);
        let kept = kept.len();
        self.keep("conflict", &conflicts);
        self.unsaved = kept > 0 || !renumbered.is_empty();
        self.replace(store, |changes| Notice::Reloaded { changes, kept, renumbered });
    }

    fn replace(&mut self, store: Store, notice: impl FnOnce(Vec<ResourceChanges>) -> Notice) {
        let before = self.published.load_full();
        let changes = changes(&before.store, &store);
        self.publish(store.clone());
        self.feed.reloaded(&before.store, &store, before.version + 1, Cause::Edit, &changes);
        self.steps.note(before, true);
        (self.notice)(notice(changes));
    }

    /// Publishes data that takes the place of the present one as a whole; gives its version.
    pub(super) fn publish_whole(&self, store: Store, cause: Cause) -> u64 {
        let before = self.published.load_full();
        let changes = changes(&before.store, &store);
        self.publish(store.clone());
        self.feed.reloaded(&before.store, &store, before.version + 1, cause, &changes);
        before.version + 1
    }

    /// Publishes what the writes of a batch have made of the data.
    fn publish_writes(&mut self, store: Store, commands: &[(Command, Option<Expected>)], answers: &[Answer]) {
        let before = self.published.load_full();
        let done = commands.iter().zip(answers);
        let done = done.filter_map(|((command, _), answer)| Some((command, answer.as_ref().ok()?)));
        self.publish(store.clone());
        self.feed.wrote(&store, before.version + 1, done.filter(|(_, outcome)| outcome.changed));
        if answers.iter().flatten().any(|outcome| outcome.changed) {
            self.steps.note(before, false);
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
            self.look_at = Some(self.look_at.map_or(at, |other| other.min(at)));
            return;
        }
        broken.look_at = None;
        let ours = self.published.load();
        let pending: Vec<Value> = ours.store.changes_since(self.young.states()).iter().map(edits::pending).collect();
        if let Some(file) = self.file.as_ref().filter(|_| !pending.is_empty()) {
            // Where it cannot be written, there is still the memory.
            let _ = file.keep(&join(&pending));
        }
    }

    /// Takes in what was written to a file of ours after it was exchanged for a newer one.
    fn look_for_late_edits(&mut self) {
        // An edit stays where it is until what was made of it is saved.
        let Some(file) = self.file.as_mut().filter(|_| !self.unsaved && self.broken.is_none()) else { return };
        let is_complete = |bytes: &[u8]| {
            std::str::from_utf8(bytes).is_ok_and(|text| !is_blank(text) && Document::parse(text.into()).is_ok())
        };
        let late = file.late_edits(is_complete);
        if file.is_watched_for_late_edits() {
            let soon = Instant::now() + QUIET;
            self.look_at = Some(self.look_at.map_or(soon, |at| at.min(soon)));
        }
        for (edit, state) in late {
            let Some(base) = self.late_bases.get(&state).cloned() else { continue };
            let text = String::from_utf8_lossy(&edit.bytes).into_owned();
            match (self.rulebook.read_edit(edit.bytes), edit.earlier) {
                (Ok(theirs), Some(earlier)) => self.restore(theirs, earlier),
                (Ok(theirs), None) => {
                    // The file was opened in that state; what its maker had read may be older.
                    self.young.forget(Instant::now());
                    let ours = &self.published.load_full().store;
                    let since = ours.written_since(&base);
                    let changes = ours.changes_since(self.young.states().chain([(&base, since.as_slice())]));
                    self.take_merged(theirs.merge(&changes), Some(&base));
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

    /// Saves a store. Remembers what the file held if somebody had it open.
    pub(super) fn save(&mut self, store: &Store) -> std::io::Result<Saved> {
        let Some(file) = &mut self.file else { return Ok(Saved::Done) };
        let state = file.number();
        let saved = file.save(&store.file_text());
        if file.holds_retired(state) {
            self.late_bases.entry(state).or_insert_with(|| self.in_file.clone());
            self.look_at.get_or_insert_with(|| Instant::now() + QUIET);
        }
        match &saved {
            Ok(Saved::Done) => {
                self.in_file = store.clone();
                self.unsaved = false;
                if self.behind.take().is_some() {
                    self.counts.add(0, Some(file.number()));
                }
            }
            Ok(Saved::Foreign(_)) => {}
            Err(error) => self.tell_unsaved(error),
        }
        saved
    }

    pub(super) fn tell_unsaved(&mut self, error: &std::io::Error) {
        if let Some(file) = &self.file {
            (self.notice)(Notice::Unsaved(format!("{}: {error}", file.path().display())));
        }
        self.look_again();
    }

    /// Whether the file lacks something that the data has.
    fn lags(&self) -> bool {
        self.unsaved || self.behind.is_some()
    }

    /// Brings to the file what it lacks: what was kept against an edit, what the journal has.
    pub(super) fn save_what_was_kept(&mut self) {
        while self.lags() && self.broken.is_none() {
            let store = self.published.load().store.clone();
            match self.save(&store) {
                Ok(Saved::Done) => {}
                Ok(Saved::Foreign(edit)) => self.take_in(edit),
                Err(_) => {
                    // Nothing more goes into the journal until the file can be saved.
                    self.unsaved = true;
                    self.look_at = Some(Instant::now() + AGAIN);
                    return;
                }
            }
        }
    }

    fn publish(&self, store: Store) {
        let version = self.published.load().version + 1;
        self.published.store(Arc::new(Published::new(store, version)));
    }

    fn carry_out(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let (commands, replies): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| ((job.command, job.expected), job.reply)).unzip();
        // The published snapshot is untouched by whatever stopped a batch half way, so the writer can go on.
        let answers = catch_unwind(AssertUnwindSafe(|| self.answer(&commands)))
            .unwrap_or_else(|_| commands.iter().map(|_| Err(WriteError::Bug)).collect());
        for (reply, answer) in replies.into_iter().zip(answers) {
            // Whoever asked may have gone away; the write stands all the same.
            drop(reply.send(answer));
        }
    }

    fn answer(&mut self, commands: &[(Command, Option<Expected>)]) -> Vec<Answer> {
        let all = |error: WriteError| commands.iter().map(|_| Err(error.clone())).collect();
        loop {
            if let Err(error) = self.take_in_what_is_there() {
                return all(error);
            }
            let mut next = self.published.load().store.clone();
            let mut changed = false;
            let mut lines = self.journals().then(Vec::new);
            let answers: Vec<Answer> = commands
                .iter()
                .map(|(command, expected)| {
                    let before = lines.is_some().then(|| Before::of(&next, command));
                    let outcome = self.run_one(&mut next, command, expected.as_ref())?;
                    changed |= outcome.changed;
                    if let (Some(lines), Some(before), true) = (&mut lines, before, outcome.changed) {
                        lines.push(before.line(&next, &outcome));
                    }
                    Ok(outcome)
                })
                .collect();
            // A write that changes nothing is acknowledged if the file says what the data says.
            if !changed && !self.unsaved && !self.file.as_ref().is_some_and(DataFile::is_stranded) {
                return answers;
            }
            match self.save_or_record(&next, lines) {
                Ok(Saved::Done) => {
                    self.note(&answers);
                    self.publish_writes(next, commands, &answers);
                    return answers;
                }
                Ok(Saved::Foreign(edit)) => self.take_in(edit),
                Err(error) => return all(self.unsaved(&error)),
            }
        }
    }

    /// The answer to writes whose save failed.
    pub(super) fn unsaved(&self, error: &std::io::Error) -> WriteError {
        let path = self.file.as_ref().map_or_else(String::new, |file| file.path().display().to_string());
        WriteError::Unsaved(format!("{path}: {error}"))
    }

    /// Takes note of what has just been saved and is not published yet.
    fn note(&mut self, answers: &[Answer]) {
        let written = answers.iter().flatten().flat_map(|outcome| outcome.written.iter().cloned());
        let count = answers.iter().flatten().filter(|outcome| outcome.changed).count();
        self.note_written(count, written);
    }

    /// As [`Writer::note`], by what was written.
    pub(super) fn note_written(&mut self, count: usize, written: impl Iterator<Item = Written>) {
        let Some(file) = &self.file else { return };
        // What is in the journal only is in no state of the file.
        self.counts.add(count, self.behind.is_none().then(|| file.number()));
        self.young.note(&self.published.load().store, written);
        self.young.forget(Young::moment(Young::LAG));
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

    fn run_one(&self, store: &mut Store, command: &Command, expected: Option<&Expected>) -> Answer {
        if let (Some(expected), Some(current)) = (expected, store.current(command))
            && !expected(current)
        {
            return Err(WriteError::Refused(Refusal::Changed));
        }
        let draft = store.draft(command, &mut random_letters).map_err(WriteError::Refused)?;
        if let Some(record) = draft.record() {
            self.rulebook.check(command.resource(), record)?;
        }
        let change = store.plan(draft).map_err(WriteError::Refused)?;
        Ok(store.apply(change))
    }
}

fn join(lines: &[Value]) -> String {
    lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

/// Seven letters for a string id, as many as json-server 0.17 gives.
fn random_letters() -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    // Each `RandomState` has keys of its own.
    let mut bits = std::hash::RandomState::new().build_hasher().finish();
    let mut letters = String::new();
    for _ in 0..7 {
        letters.push(char::from(LETTERS[(bits % 64) as usize]));
        bits /= 64;
    }
    letters
}
