//! Group commit: one thread carries out writes in batches, with one save for each batch.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvError, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::history::History;
use super::journal::{Batch, BeforeImage, Effect};
use super::notice::{Cause, Faults, Notice, WriteError};
use super::reload::Reloader;
use super::rulebook::Rulebook;
use crate::json::SyntaxError;
use crate::store::{Command, Outcome, Refusal, Store};

/// Whether the text that is about to be changed is as the client expects (`If-Match`).
pub type Expected = Box<dyn Fn(&str) -> bool + Send>;

/// The state to revert the data to.
#[derive(Debug, Clone)]
pub enum Revert {
    /// The state before the last change.
    Undo {
        /// The version that the change made, if the caller names it.
        version: Option<u64>,
    },
    /// This data.
    To(Box<Store>),
}

/// A step of a job: decides what to write when its turn comes, from the data at that time and the outcome of the
/// previous command.
pub type Stage = Box<dyn Fn(&Store, Option<&Outcome>) -> Result<Vec<Command>, WriteError> + Send>;

/// The commands that were carried out, with their outcomes.
type Done<'j> = Vec<(Cow<'j, Command>, Outcome)>;
type WriteResult = Result<Vec<Outcome>, WriteError>;

/// A request to the writer thread.
pub(super) enum Message {
    Write(Job),
    Revert {
        revert: Revert,
        reply: oneshot::Sender<Result<Option<u64>, WriteError>>,
    },
    Rules {
        rulebook: Arc<Rulebook>,
        reply: oneshot::Sender<Result<(), Faults>>,
    },
    /// A watcher event of the data file.
    FileEvent,
    Stop,
}

/// A write, and the channel for its result.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) reply: oneshot::Sender<WriteResult>,
}

/// The content of a write.
pub(super) enum Work {
    /// One command.
    One(Command, Option<Expected>),
    /// Several steps, each on the data that the previous ones left; all or nothing.
    Steps(Vec<Stage>),
}

/// How many writes share one save at most; this bounds the wait of the first.
const MOST_TOGETHER: usize = 4096;
/// How long a save waits for more writes at most.
const MAX_WAIT: Duration = Duration::from_millis(2);

/// Carries out writes, one batch per save.
pub(super) struct Writer {
    history: History,
    /// `None`: the data is in memory only.
    file: Option<Reloader>,
    notice: Arc<dyn Fn(Notice) + Send + Sync>,
    /// How many writes shared the last save, and how long that took.
    last: (usize, Duration),
    is_stopping: bool,
}

impl Writer {
    pub(super) fn new(
        history: History,
        file: Option<Reloader>,
        notice: Arc<dyn Fn(Notice) + Send + Sync>,
    ) -> Writer {
        Writer {
            history,
            file,
            notice,
            last: (0, Duration::ZERO),
            is_stopping: false,
        }
    }

    /// Handles messages until it is asked to stop.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        while !self.is_stopping {
            let Ok(mut next) = self.wait(messages) else {
                break;
            };
            let deadline = Instant::now() + (self.last.1 / 2).min(MAX_WAIT);
            let mut jobs = Vec::new();
            while let Some(message) = next.take() {
                self.handle(message, &mut jobs);
                if jobs.len() >= MOST_TOGETHER {
                    self.carry_out(&mut jobs);
                }
                if !self.is_stopping {
                    next = self.next(messages, jobs.len(), deadline);
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

    /// The next message; `None` if the reloader is due before one comes.
    ///
    /// # Errors
    /// The channel is closed.
    fn wait(&mut self, messages: &Receiver<Message>) -> Result<Option<Message>, RecvError> {
        let Some(due) = self.file.as_mut().and_then(Reloader::due) else {
            return messages.recv().map(Some);
        };
        match messages.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(message) => Ok(Some(message)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(RecvError),
        }
    }

    /// The next message to add to the batch. Clients whose writes were in the last save may be about to send their next
    /// ones: a short wait lets these share the save of the `waiting` ones; otherwise half of the clients would wait for
    /// two saves.
    fn next(
        &self,
        messages: &Receiver<Message>,
        waiting: usize,
        deadline: Instant,
    ) -> Option<Message> {
        let message = messages.try_recv().ok();
        if message.is_some() || !(1..self.last.0).contains(&waiting) {
            return message;
        }
        let time = deadline.saturating_duration_since(Instant::now());
        messages.recv_timeout(time).ok()
    }

    /// Handles a message; a write is added to `jobs`.
    fn handle(&mut self, message: Message, jobs: &mut Vec<Job>) {
        match message {
            Message::Write(job) => jobs.push(job),
            Message::Revert { revert, reply } => {
                // Earlier writes go first.
                self.carry_out(jobs);
                let result = self.guarded(|writer| writer.revert(&revert));
                drop(reply.send(result.unwrap_or(Err(WriteError::Bug))));
            }
            Message::Rules { rulebook, reply } => {
                self.carry_out(jobs);
                let result = self.guarded(|writer| writer.set_rules(rulebook));
                let bug = || {
                    let error = SyntaxError::new(0, "internal error; the rules were not changed");
                    Err(Faults::one(String::new(), error))
                };
                drop(reply.send(result.unwrap_or_else(bug)));
            }
            Message::FileEvent => {
                if let Some(file) = &mut self.file {
                    file.event();
                }
            }
            Message::Stop => self.is_stopping = true,
        }
    }

    /// Runs `work`; `None` if it panics. The published snapshot is not affected by a panic half way, so the writer can
    /// go on.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Writer) -> T) -> Option<T> {
        catch_unwind(AssertUnwindSafe(|| work(self))).ok()
    }

    /// Carries out writes and acknowledges them.
    fn carry_out(&mut self, jobs: &mut Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let start = Instant::now();
        let results = self.guarded(|writer| writer.commit(jobs));
        let results = results.unwrap_or_else(|| all(jobs, &WriteError::Bug));
        self.last = (jobs.len(), start.elapsed());
        for (job, result) in jobs.drain(..).zip(results) {
            // The client may have disconnected; the write is done all the same.
            let Job { work, reply } = job;
            // Drop the steps first: they hold the application, which the caller may drop once it has the result.
            drop(work);
            drop(reply.send(result));
        }
    }

    /// Commits a batch of writes, and returns the result of each.
    fn commit(&mut self, jobs: &[Job]) -> Vec<WriteResult> {
        loop {
            match self.try_commit(jobs) {
                Ok(Some(results)) => return results,
                Ok(None) => {}
                Err(error) => return all(jobs, &error),
            }
        }
    }

    /// The steps of a commit, up to the acknowledgement. `None`: an edit was found and merged, and the batch has to be
    /// planned again.
    ///
    /// # Errors
    /// Nothing of the batch was saved.
    fn try_commit(&mut self, jobs: &[Job]) -> Result<Option<Vec<WriteResult>>, WriteError> {
        if let Some(file) = &mut self.file {
            file.before_write(&mut self.history)?;
        }
        let mut next = self.history.current().full.clone();
        let mut batch = Batch::default();
        // 1. to 4., for each write: draft, check, plan, and apply to an unpublished copy.
        let done: Vec<_> = (jobs.iter())
            .map(|job| self.work(&job.work, &mut next, &mut batch))
            .collect();
        let writes = || {
            let done = done.iter().filter_map(|done| done.as_ref().ok()).flatten();
            done.map(|(command, outcome)| (&**command, outcome))
        };
        let changed = writes().filter(|(_, outcome)| outcome.changed).count();
        // If no write changes anything, they are acknowledged without a save, unless the file lacks something.
        if changed > 0 || self.file.as_ref().is_some_and(Reloader::must_save) {
            // 5. Save the file, or append to its journal.
            if let Some(file) = &mut self.file {
                let written = writes().flat_map(|(_, outcome)| outcome.written.iter().cloned());
                let written = written.collect();
                if !file.save_batch(&next, batch, changed, written, &mut self.history)? {
                    return Ok(None);
                }
            }
            // 6. Publish the new snapshot.
            self.history.publish_writes(next, writes());
        }
        // 7. Acknowledge.
        let outcomes = |done: Done| done.into_iter().map(|(_, outcome)| outcome).collect();
        Ok(Some(
            done.into_iter().map(|done| done.map(outcomes)).collect(),
        ))
    }

    /// Carries out a write on the unpublished `next`; on an error `next` is as before.
    fn work<'j>(
        &self,
        work: &'j Work,
        next: &mut Store,
        batch: &mut Batch,
    ) -> Result<Done<'j>, WriteError> {
        let mut effects = Vec::new();
        let done = match work {
            Work::One(command, expected) => {
                if let (Some(expected), Some(current)) = (expected, next.current(command))
                    && !expected(&next.public_text(&command.resource, current))
                {
                    return Err(WriteError::Refused(Refusal::Changed));
                }
                let outcome = self.apply(command, next, &mut effects)?;
                vec![(Cow::Borrowed(command), outcome)]
            }
            Work::Steps(steps) => {
                let mut trial = next.clone();
                let done = self.steps(steps, &mut trial, &mut effects)?;
                *next = trial;
                done
            }
        };
        batch.add(&effects);
        Ok(done)
    }

    /// Carries out the commands of `steps` on `store`, one after the other.
    fn steps(
        &self,
        steps: &[Stage],
        store: &mut Store,
        effects: &mut Vec<Effect>,
    ) -> Result<Done<'static>, WriteError> {
        let mut done: Done = Vec::new();
        for step in steps {
            let last = done.last().map(|(_, outcome)| outcome);
            for command in step(store, last)? {
                let removes = |(_, outcome): &(_, Outcome)| outcome.removes(&command);
                if command.deletes() && done.iter().any(removes) {
                    // An earlier deletion has cascaded to the record.
                    continue;
                }
                let outcome = self.apply(&command, store, effects)?;
                done.push((Cow::Owned(command), outcome));
            }
        }
        Ok(done)
    }

    /// Carries out `command` on `store`; `effects` gets what it did, for the journal.
    fn apply(
        &self,
        command: &Command,
        store: &mut Store,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, WriteError> {
        let before = (self.file.is_some()).then(|| BeforeImage::of(store, command));
        // 1. Draft: what would the record be? 2. Check: is it valid under the rules? 3. Plan: is its id free, are its
        // values unique, do its references exist?
        let change = self.history.rulebook().plan(store, command)?;
        // 4. Apply.
        let outcome = store.apply(change);
        if let Some(before) = before.filter(|_| outcome.changed) {
            effects.extend(before.effects(store, &outcome));
        }
        Ok(outcome)
    }

    /// Puts other rules into effect.
    ///
    /// # Errors
    /// The data breaks them; the rules stay.
    fn set_rules(&mut self, rulebook: Arc<Rulebook>) -> Result<(), Faults> {
        if let Some(file) = &mut self.file {
            return file.set_rules(rulebook, &mut self.history);
        }
        let store = rulebook.try_apply_to(&self.history.current().full)?;
        self.history.publish_rules(rulebook, store);
        Ok(())
    }

    /// Reverts the data, and returns the version that this made; `None` if there was nothing to undo.
    fn revert(&mut self, to: &Revert) -> Result<Option<u64>, WriteError> {
        loop {
            if let Some(file) = &mut self.file {
                file.before_write(&mut self.history)?;
            }
            let before = self.history.current();
            let (next, cause) = match to {
                Revert::Undo { version }
                    if version.is_some_and(|version| version != before.version) =>
                {
                    return Err(WriteError::Refused(Refusal::Changed));
                }
                Revert::Undo { .. } => match self.history.previous() {
                    Some(store) => (store, Cause::Undo),
                    None => return Ok(None),
                },
                Revert::To(store) => (store.as_ref().clone(), Cause::Reset),
            };
            // The rules may have been different then.
            let next = before.rulebook.try_apply_to(&next);
            let next = next.map_err(|faults| WriteError::Unfit(faults.to_string()))?;
            let diff = next.diff(&before.full);
            if let Some(file) = &mut self.file
                && !file.save_change(&next, &diff, &mut self.history)?
            {
                continue;
            }
            let version = self.history.publish_whole(next, cause, &diff);
            let changes = diff.into_iter().map(|diff| diff.changes).collect();
            (self.notice)(Notice::Reverted { cause, changes });
            return Ok(Some(version));
        }
    }
}

/// The same error for all of `jobs`.
fn all(jobs: &[Job], error: &WriteError) -> Vec<WriteResult> {
    jobs.iter().map(|_| Err(error.clone())).collect()
}
