use std::hash::{BuildHasher, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::oneshot;

use super::data::{Faults, Rulebook, changes};
use super::{Expected, Notice, Published, WriteError};
use crate::disk::{DataFile, Saved};
use crate::store::{Command, Outcome, Refusal, Store};

type Answer = Result<Outcome, WriteError>;

pub(super) enum Message {
    Write { command: Command, expected: Option<Expected>, reply: oneshot::Sender<Answer> },
    Look,
    Stop,
}

struct Job {
    command: Command,
    expected: Option<Expected>,
    reply: oneshot::Sender<Answer>,
}

/// An edit that cannot be taken in, as long as the file stays so.
struct Broken {
    faults: Faults,
    told: bool,
}

/// How long the file must have been left alone before an edit is read: a save comes as several events.
const QUIET: Duration = Duration::from_millis(20);
/// How long a broken text may stand before it is told: it may be half of a save.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often the file is looked at where it cannot be watched.
const POLL: Duration = Duration::from_millis(100);
/// How many writes share one save at most, so that the first of them does not wait without bound.
const MOST_TOGETHER: usize = 4096;

pub(super) struct Writer {
    published: Arc<ArcSwap<Published>>,
    rulebook: Arc<Rulebook>,
    file: Option<DataFile>,
    poll: bool,
    notice: Box<dyn Fn(Notice) + Send>,
    broken: Option<Broken>,
    look_at: Option<Instant>,
}

impl Writer {
    pub(super) fn new(
        published: Arc<ArcSwap<Published>>,
        rulebook: Arc<Rulebook>,
        file: Option<DataFile>,
        poll: bool,
        notice: Box<dyn Fn(Notice) + Send>,
    ) -> Writer {
        Writer { published, rulebook, file, poll, notice, broken: None, look_at: None }
    }

    pub(super) fn run(mut self, receiver: &mpsc::Receiver<Message>) {
        let mut stopping = false;
        while !stopping {
            let mut jobs = Vec::new();
            let mut next = match self.wait() {
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
                    Message::Look => self.look_at = Some(Instant::now() + QUIET),
                    Message::Stop => stopping = true,
                }
                next = if jobs.len() < MOST_TOGETHER { receiver.try_recv().ok() } else { None };
            }
            if !jobs.is_empty() {
                self.carry_out(jobs);
            }
            if self.look_at.is_some_and(|at| at <= Instant::now()) {
                self.look_at = None;
                self.look();
            }
        }
    }

    fn wait(&mut self) -> Option<Duration> {
        if self.poll && self.look_at.is_none() {
            self.look_at = Some(Instant::now() + POLL);
        }
        self.look_at.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Looks whether the file was edited, and takes the edit in.
    fn look(&mut self) {
        let Some(file) = &mut self.file else { return };
        match file.changed() {
            Ok(Some(bytes)) => self.take_in(bytes),
            Ok(None) => {
                if let Some(broken) = self.broken.as_mut().filter(|broken| !broken.told) {
                    broken.told = true;
                    (self.notice)(Notice::Broken(broken.faults.clone()));
                }
            }
            // Between the deletion and the creation of a file there is none; a save will say so if it stays away.
            Err(_) => {}
        }
    }

    /// Takes in what somebody else wrote to the file.
    fn take_in(&mut self, bytes: Vec<u8>) {
        match self.rulebook.read(bytes) {
            Ok(store) => {
                self.broken = None;
                let changes = changes(&self.published.load().store, &store);
                self.publish(store);
                (self.notice)(Notice::Reloaded { changes });
            }
            Err(faults) => {
                self.broken = Some(Broken { faults, told: false });
                self.look_at = Some(Instant::now() + PATIENCE);
            }
        }
    }

    fn publish(&self, store: Store) {
        let version = self.published.load().version + 1;
        self.published.store(Arc::new(Published { store, version }));
    }

    fn carry_out(&mut self, jobs: Vec<Job>) {
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
            if self.broken.is_some() || self.look_at.is_some() {
                if let Some(Ok(Some(bytes))) = self.file.as_mut().map(DataFile::changed) {
                    self.take_in(bytes);
                }
                if let Some(broken) = &self.broken {
                    return all(broken.faults.refusal());
                }
            }
            let mut next = self.published.load().store.clone();
            let mut changed = false;
            let answers: Vec<Answer> = commands
                .iter()
                .map(|(command, expected)| {
                    let outcome = self.run_one(&mut next, command, expected.as_ref())?;
                    changed |= outcome.changed;
                    Ok(outcome)
                })
                .collect();
            if !changed {
                return answers;
            }
            let Some(file) = &mut self.file else {
                self.publish(next);
                return answers;
            };
            match file.save(&next.file_text()) {
                Ok(Saved::Done) => {
                    self.publish(next);
                    return answers;
                }
                Ok(Saved::Foreign(bytes)) => self.take_in(bytes),
                Err(error) => {
                    let words = format!("{}: {error}", file.path().display());
                    (self.notice)(Notice::Unsaved(words.clone()));
                    return all(WriteError::Unsaved(words));
                }
            }
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
