//! Commits: one thread carries out writes, many at a time (group commit), and saves them.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::history::{Cause, History};
use super::journal::{Batch, Before};
use super::notice::{Faults, WriteError};
use super::reload::Reloader;
use super::rulebook::Rulebook;
use crate::store::{Command, Outcome, Refusal, Store};

/// Whether the text that is about to be changed is as the client expects (`If-Match`).
pub type Expected = Box<dyn Fn(&str) -> bool + Send>;

/// Where to go back to.
#[derive(Debug, Clone)]
pub enum Back {
    /// To what was before the last change.
    Undo {
        /// The version that the change led to, where the caller says which one it means.
        version: Option<u64>,
    },
    /// To this data.
    To(Box<Store>),
}

/// Decides what to write when it is its turn, from the data as it is then and from what came of the command before.
pub type Stage = Box<dyn Fn(&Store, Option<&Outcome>) -> Result<Vec<Command>, WriteError> + Send>;

/// The commands that were carried out, with what came of them.
type Done<'j> = Vec<(Cow<'j, Command>, Outcome)>;
type Answer = Result<Vec<Outcome>, WriteError>;

/// What the writer is asked for.
pub(super) enum Message {
    Write(Job),
    Back {
        back: Back,
        reply: oneshot::Sender<Result<Option<u64>, WriteError>>,
    },
    Rules {
        rulebook: Arc<Rulebook>,
        reply: oneshot::Sender<Result<(), Faults>>,
    },
    /// Something happened to the file.
    FileEvent,
    Stop,
}

/// A write, and where the answer goes.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// What a write does.
pub(super) enum Work {
    /// One command.
    One(Command, Option<Expected>),
    /// Several steps, each on what those before it left; all or nothing.
    Steps(Vec<Stage>),
}

/// How many writes share one save at most, so that the first of them does not wait without bound.
const MOST_TOGETHER: usize = 4096;
/// How long a save waits for more writes at most.
const MAX_WAIT: Duration = Duration::from_millis(2);

/// Carries out writes, one batch per save.
pub(super) struct Writer {
    history: History,
    /// `None`: the data is in memory only.
    file: Option<Reloader>,
    /// How many writes shared the last save, and how long that took.
    last: (usize, Duration),
}

impl Writer {
    pub(super) fn new(history: History, file: Option<Reloader>) -> Writer {
        Writer {
            history,
            file,
            last: (0, Duration::ZERO),
        }
    }

    /// Carries out commands until it is asked to stop.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        let mut is_stopping = false;
        while !is_stopping {
            let first = match self.file.as_mut().and_then(Reloader::due) {
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => messages.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            let mut jobs = Vec::new();
            let mut next = match first {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let deadline = Instant::now() + (self.last.1 / 2).min(MAX_WAIT);
            while let Some(message) = next.take() {
                match message {
                    Message::Write(job) => jobs.push(job),
                    Message::Back { back, reply } => {
                        // What was asked before goes first.
                        self.carry_out(&mut jobs);
                        let answer = catch_unwind(AssertUnwindSafe(|| self.go_back(&back)));
                        drop(reply.send(answer.unwrap_or(Err(WriteError::Bug))));
                    }
                    Message::Rules { rulebook, reply } => {
                        self.carry_out(&mut jobs);
                        let answer = catch_unwind(AssertUnwindSafe(|| self.take_rules(rulebook)));
                        // Nobody is answered where this failed.
                        drop(answer.map(|answer| reply.send(answer)));
                    }
                    Message::FileEvent => {
                        if let Some(file) = &mut self.file {
                            file.event();
                        }
                    }
                    Message::Stop => {
                        is_stopping = true;
                        break;
                    }
                }
                if jobs.len() >= MOST_TOGETHER {
                    self.carry_out(&mut jobs);
                }
                next = messages.try_recv().ok();
                // Whoever was answered by the last save may be about to ask again. A short wait lets them share this
                // save; otherwise half of them would wait for two.
                if next.is_none() && (1..self.last.0).contains(&jobs.len()) {
                    next = messages
                        .recv_timeout(deadline.saturating_duration_since(Instant::now()))
                        .ok();
                }
            }
            self.carry_out(&mut jobs);
            if let Some(file) = &mut self.file {
                file.run(&mut self.history);
            }
        }
        if let Some(file) = &mut self.file {
            file.finish(&mut self.history);
        }
    }

    /// Carries out writes and acknowledges them.
    fn carry_out(&mut self, jobs: &mut Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let start = Instant::now();
        // The published snapshot is untouched by whatever stopped a batch half way, so the writer can go on.
        let answers = catch_unwind(AssertUnwindSafe(|| self.commit(jobs)))
            .unwrap_or_else(|_| jobs.iter().map(|_| Err(WriteError::Bug)).collect());
        self.last = (jobs.len(), start.elapsed());
        for (job, answer) in jobs.drain(..).zip(answers) {
            // The client may have gone away; the write stands all the same.
            let Job { work, reply } = job;
            // Steps hold the application, which their caller may drop once it has the answer.
            drop(work);
            drop(reply.send(answer));
        }
    }

    /// The steps of a batch of writes, up to the acknowledgement.
    fn commit(&mut self, jobs: &[Job]) -> Vec<Answer> {
        let all = |error: &WriteError| jobs.iter().map(|_| Err(error.clone())).collect();
        loop {
            if let Some(file) = &mut self.file
                && let Err(error) = file.before_write(&mut self.history)
            {
                return all(&error);
            }
            let mut next = self.history.current().full.clone();
            let mut batch = self.file.is_some().then(Batch::default);
            let done: Vec<_> = jobs
                .iter()
                .map(|job| self.work(&job.work, &mut next, &mut batch))
                .collect();
            let writes = || {
                let done = done.iter().filter_map(|done| done.as_ref().ok());
                done.flatten()
                    .map(|(command, outcome)| (&**command, outcome))
            };
            let changed = writes().filter(|(_, outcome)| outcome.changed).count();
            let answers = || {
                let outcomes =
                    |done: &Done| done.iter().map(|(_, outcome)| outcome.clone()).collect();
                done.iter()
                    .map(|done| done.as_ref().map(outcomes).map_err(Clone::clone))
                    .collect()
            };
            // A write that changes nothing is acknowledged if the file says what the data says.
            if changed == 0 && !self.file.as_ref().is_some_and(Reloader::must_save) {
                return answers();
            }
            // 5. Save the file, or append to its journal. An edit that is found there is merged, and all begins again.
            if let Some(file) = &mut self.file {
                let written = writes().flat_map(|(_, outcome)| outcome.written.iter().cloned());
                let (batch, written) = (batch.unwrap_or_default(), written.collect());
                match file.save_batch(&next, batch, (changed, written), &mut self.history) {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(error) => return all(&error),
                }
            }
            // 6. Publish: readers see it.
            self.history.publish_writes(next.clone(), writes());
            // 7. Acknowledge.
            return answers();
        }
    }

    /// Carries out a write on `next`, which nobody sees yet; on an error `next` is as before.
    fn work<'j>(
        &self,
        work: &'j Work,
        next: &mut Store,
        batch: &mut Option<Batch>,
    ) -> Result<Done<'j>, WriteError> {
        let rulebook = self.history.rulebook();
        let mut effects = Vec::new();
        let mut carry_out = |store: &mut Store, command: &Command| {
            let before = batch.is_some().then(|| Before::of(store, command));
            // 1. Draft: what would the record be? 2. Check: does it keep to the rules? 3. Plan: is its id free, are its
            // values unique, do its references point to records?
            let change = rulebook.plan(store, command)?;
            // 4. Apply, to a copy that nobody sees yet.
            let outcome = store.apply(change);
            if let (Some(before), true) = (before, outcome.changed) {
                effects.extend(before.effects(store, &outcome));
            }
            Ok(outcome)
        };
        let done = match work {
            Work::One(command, expected) => {
                if let (Some(expected), Some(current)) = (expected, next.current(command))
                    && !expected(&next.public_text(&command.resource, current))
                {
                    return Err(WriteError::Refused(Refusal::Changed));
                }
                vec![(Cow::Borrowed(command), carry_out(next, command)?)]
            }
            Work::Steps(steps) => {
                let mut trial = next.clone();
                let mut done: Done = Vec::new();
                for step in steps {
                    let last = done.last().map(|(_, outcome)| outcome);
                    for command in step(&trial, last)? {
                        let is_gone = command.deletes()
                            && done.iter().any(|(_, outcome)| outcome.removes(&command));
                        if is_gone {
                            // A deletion before it took the record along.
                            continue;
                        }
                        let outcome = carry_out(&mut trial, &command)?;
                        done.push((Cow::Owned(command), outcome));
                    }
                }
                *next = trial;
                done
            }
        };
        if let Some(batch) = batch.as_mut().filter(|_| !effects.is_empty()) {
            batch.add(&effects);
        }
        Ok(done)
    }

    /// Puts other rules into effect.
    ///
    /// # Errors
    /// The data breaks them; the rules stay.
    fn take_rules(&mut self, rulebook: Arc<Rulebook>) -> Result<(), Faults> {
        if let Some(file) = &mut self.file {
            return file.take_rules(rulebook, &mut self.history);
        }
        let store = rulebook.take_over(&self.history.current().full)?;
        self.history.publish_rules(rulebook, store);
        Ok(())
    }

    /// Goes back, and gives the version that this made; `None` where there was nothing to undo.
    fn go_back(&mut self, back: &Back) -> Result<Option<u64>, WriteError> {
        loop {
            if let Some(file) = &mut self.file {
                file.before_write(&mut self.history)?;
            }
            let before = self.history.current();
            let (next, cause) = match back {
                Back::Undo { version }
                    if version.is_some_and(|version| version != before.version) =>
                {
                    return Err(WriteError::Refused(Refusal::Changed));
                }
                Back::Undo { .. } => match self.history.previous() {
                    Some(store) => (store, Cause::Undo),
                    None => return Ok(None),
                },
                Back::To(store) => (store.as_ref().clone(), Cause::Reset),
            };
            // The rules may have been others then.
            let next = before.rulebook.take_over(&next);
            let next = next.map_err(|faults| WriteError::Unfit(faults.to_string()))?;
            let diff = next.diff(&before.full);
            if let Some(file) = &mut self.file
                && !file.save_change(&next, &diff, &mut self.history)?
            {
                continue;
            }
            return Ok(Some(self.history.publish_whole(next, cause, &diff)));
        }
    }
}
