//! The write path: one thread that carries out writes, many at a time, and brings them to the file.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use serde_json::Value;
use tokio::sync::oneshot;

use super::data::{Rulebook, changes};
use super::edits::{Counts, Young};
use super::feed::{Cause, Feed};
use super::inbox::{Inbox, Letter};
use super::journal::{Before, Behind, Journaling};
use super::reload::{Broken, HEARD, POLL, QUIET};
use super::restore::{Back, Steps};
use super::{Expected, Notice, Published, WriteError};
use crate::file::{DataFile, Saved};
use crate::store::{Command, FileText, Outcome, Refusal, Store, Written};

type Answer = Result<Outcome, WriteError>;

pub(super) enum Message {
    Write { command: Command, expected: Option<Expected>, reply: oneshot::Sender<Answer> },
    Back { back: Back, reply: oneshot::Sender<Result<Option<u64>, WriteError>> },
    Look,
    Stop,
}

impl Letter for Message {
    fn is_urgent(&self) -> bool {
        matches!(self, Message::Back { .. } | Message::Stop)
    }
}

fn writes(messages: &[Message]) -> usize {
    messages.iter().filter(|message| matches!(message, Message::Write { .. })).count()
}

struct Job {
    command: Command,
    expected: Option<Expected>,
    reply: oneshot::Sender<Answer>,
}

/// How long to wait with a save that failed after an edit was taken in.
const AGAIN: Duration = Duration::from_millis(500);
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
    /// How many writes to wait for, and until when, if there are `others` than those that were answered.
    fn wait_for(&self, others: usize) -> (usize, Instant) {
        (self.count + others, Instant::now() + (self.time / 2).min(LONGEST_PATIENCE))
    }
}

/// How long writes wait for others at most.
const LONGEST_PATIENCE: Duration = Duration::from_millis(2);

pub(super) struct Writer {
    pub(super) published: Arc<ArcSwap<Published>>,
    pub(super) rulebook: Arc<Rulebook>,
    pub(super) conflicts: Arc<Mutex<VecDeque<Value>>>,
    pub(super) feed: Arc<Feed>,
    pub(super) steps: Steps,
    pub(super) file: Option<DataFile>,
    /// The file cannot be watched.
    pub(super) blind: bool,
    /// How often to look at the file besides watching it, and when to do so next.
    polls: Option<Duration>,
    poll_at: Option<Instant>,
    pub(super) journaling: Journaling,
    pub(super) notice: Box<dyn Fn(Notice) + Send>,
    pub(super) broken: Option<Broken>,
    pub(super) look_at: Option<Instant>,
    /// When something was heard of the file first since the last look.
    heard: Option<Instant>,
    pub(super) young: Young,
    pub(super) counts: Counts,
    /// What the data was in states of the file that somebody still has open, and when that was replaced.
    pub(super) late_bases: HashMap<u64, (Instant, Store)>,
    /// What the file holds, as far as it could be read.
    pub(super) in_file: Store,
    /// The text that was saved last.
    text: FileText,
    /// The data has something that the file has not and that belongs there at once: what was kept when an edit was taken
    /// in, or what the file should have had from the journal by now.
    pub(super) unsaved: bool,
    /// The file lacks what the journal has.
    pub(super) behind: Option<Behind>,
    together: Together,
}

impl Writer {
    pub(super) fn new(
        published: Arc<ArcSwap<Published>>,
        rulebook: Arc<Rulebook>,
        conflicts: Arc<Mutex<VecDeque<Value>>>,
        feed: Arc<Feed>,
        file: Option<DataFile>,
        (blind, polls, window, journaling): (bool, Option<Duration>, Duration, Journaling),
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
            blind,
            polls,
            poll_at: None,
            journaling,
            notice,
            broken: None,
            look_at: None,
            heard: None,
            young: Young::new(window),
            counts: Counts::default(),
            late_bases: HashMap::new(),
            text: FileText::default(),
            unsaved: false,
            behind: None,
            together: Together::default(),
        }
    }

    pub(super) fn run(mut self, inbox: &Inbox<Message>) {
        let mut stopping = false;
        let mut messages = Vec::new();
        // How many writes came while others were carried out: they are not from those that have just been answered.
        let mut others = 0;
        while !stopping {
            let awaited = usize::from(messages.is_empty());
            inbox.wait(&mut messages, awaited, self.wait());
            let (count, end) = self.together.wait_for(others);
            while (1..count).contains(&writes(&messages))
                && !messages.iter().any(Message::is_urgent)
                && Instant::now() < end
            {
                let more = count - writes(&messages);
                inbox.wait(&mut messages, more, Some(end));
            }
            let mut jobs = Vec::new();
            for message in messages.drain(..) {
                match message {
                    Message::Write { command, expected, reply } => {
                        jobs.push(Job { command, expected, reply });
                        if jobs.len() >= MOST_TOGETHER {
                            send(self.carry_out(std::mem::take(&mut jobs)));
                        }
                    }
                    Message::Back { back, reply } => {
                        // What was asked before goes first.
                        send(self.carry_out(std::mem::take(&mut jobs)));
                        let answer = catch_unwind(AssertUnwindSafe(|| self.go_back(&back)));
                        drop(reply.send(answer.unwrap_or(Err(WriteError::Bug))));
                    }
                    Message::Look => {
                        let now = Instant::now();
                        let heard = *self.heard.get_or_insert(now);
                        self.look_at = Some((now + QUIET).min(heard + HEARD));
                    }
                    Message::Stop => stopping = true,
                }
            }
            let answers = self.carry_out(jobs);
            inbox.wait(&mut messages, 0, None);
            others = writes(&messages);
            send(answers);
            self.poll();
            if self.look_at.is_some_and(|at| at <= Instant::now()) {
                (self.look_at, self.heard) = (None, None);
                self.look();
            }
            if self.due().is_some_and(|due| due <= Instant::now()) {
                self.save_what_was_kept();
            }
            if let Some(file) = &mut self.file {
                file.let_go();
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
        self.keep_pending_now();
    }

    /// Until when to wait for a message, if there is something else to do then.
    fn wait(&mut self) -> Option<Instant> {
        // The file follows as soon as it is mended, whether anybody watches it or not.
        let waits = self.behind.is_some() && self.broken.is_some();
        if (self.blind || waits) && self.look_at.is_none() {
            self.look_at = Some(Instant::now() + POLL);
        }
        if let Some(every) = self.polls {
            self.poll_at.get_or_insert(Instant::now() + every);
        }
        self.look_at.into_iter().chain(self.poll_at).chain(self.due()).min()
    }

    /// Looks at the file's stamp when it is time, whether or not an event came. It is read only if that has changed.
    fn poll(&mut self) {
        if self.poll_at.is_some_and(|at| at <= Instant::now()) {
            self.poll_at = None;
            if self.look_at.is_none() && self.file.as_ref().is_some_and(DataFile::may_have_changed) {
                self.look_at = Some(Instant::now());
            }
        }
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

    /// Saves a store. Remembers what the file held if somebody had it open.
    pub(super) fn save(&mut self, store: &Store) -> std::io::Result<Saved> {
        let Some(file) = &mut self.file else { return Ok(Saved::Done) };
        let state = file.number();
        let saved = file.save(self.text.of(store));
        self.text.let_go_if_large();
        if file.holds_retired(state) {
            self.late_bases.entry(state).or_insert_with(|| (Instant::now(), self.in_file.clone()));
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
        let (reason, hint) = self.why_unsaved(error);
        (self.notice)(Notice::Unsaved { reason, hint });
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

    pub(super) fn publish(&self, store: Store) {
        let version = self.published.load().version + 1;
        self.published.store(Arc::new(Published::new(store, version)));
    }

    fn carry_out(&mut self, jobs: Vec<Job>) -> Vec<(oneshot::Sender<Answer>, Answer)> {
        if jobs.is_empty() {
            return Vec::new();
        }
        let start = Instant::now();
        let (commands, replies): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| ((job.command, job.expected), job.reply)).unzip();
        // The published snapshot is untouched by whatever stopped a batch half way, so the writer can go on.
        let answers = catch_unwind(AssertUnwindSafe(|| self.answer(&commands)))
            .unwrap_or_else(|_| commands.iter().map(|_| Err(WriteError::Bug)).collect());
        self.together = Together { count: commands.len(), time: start.elapsed() };
        replies.into_iter().zip(answers).collect()
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
        let (reason, hint) = self.why_unsaved(error);
        WriteError::Unsaved { reason, hint }
    }

    /// Why a save failed, and what to do.
    fn why_unsaved(&self, error: &std::io::Error) -> (String, String) {
        let Some(file) = &self.file else { return (error.to_string(), String::new()) };
        match file.obstacle() {
            Some(obstacle) => (format!("{}: {error}", obstacle.message(file.path())), obstacle.hint(file.path())),
            None => {
                let hint = "free disk space or fix the file's permissions, then send the request again";
                (format!("{}: {error}", file.path().display()), hint.into())
            }
        }
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

    fn run_one(&self, store: &mut Store, command: &Command, expected: Option<&Expected>) -> Answer {
        if let (Some(expected), Some(current)) = (expected, store.current(command))
            && !expected(current)
        {
            return Err(WriteError::Refused(Refusal::Changed));
        }
        let change = self.rulebook.plan(store, command, &mut random_letters)?;
        Ok(store.apply(change))
    }
}

fn send(answers: Vec<(oneshot::Sender<Answer>, Answer)>) {
    for (reply, answer) in answers {
        // Whoever asked may have gone away; the write stands all the same.
        drop(reply.send(answer));
    }
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
