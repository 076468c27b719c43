//! The write path and the reload path: one writer thread, which owns the data and its file.
//!
//! Three objects, each with its own fields:
//! - `commit`: group commit. Its function `commit` is the seven steps of a write, for all writes that came during the
//!   last save;
//! - `reload`: owns the file: notices edits, merges them, saves;
//! - `history`: publishes snapshots, and keeps the previous ones and the events.
//!
//! A reader sees only what the file or its journal holds, so a failed save needs no rollback. Readers take the
//! published snapshot and never wait for the writer.

mod commit;
mod history;
mod journal;
mod notice;
mod reload;
mod rulebook;

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{oneshot, watch};

use crate::file;
use crate::memory::{MemoryLimit, SharedQueue};
use crate::schema::Schema;
use crate::store::{Command, Outcome, Store};

pub use crate::store::{RepeatedIds, ResourceChanges};
pub use commit::{Expected, Revert, Stage};
pub use history::{Event, EventKind, Feed, FeedRead, Published, UndoStep};
pub use journal::{Journaling, Replayed, replay};
pub use notice::{
    Cause, Fault, Faults, LossCause, Notice, Present, RulesFault, Trouble, TroubleKind, WriteError,
};
pub use reload::{FileSource, keep_journal};
pub use rulebook::{Rulebook, given_ids, is_hash, unused_rules};

use commit::{Job, Message, Work, Writer};
use history::History;
use notice::Troubles;
use reload::Reloader;

/// How many versions that lost against an edit are kept in memory; the conflicts file has all.
const MOST_CONFLICTS: usize = 1000;

/// A handle to the writer thread, which owns the data. Dropping it finishes the pending writes.
pub struct Engine {
    published: Arc<ArcSwap<Published>>,
    conflicts: SharedQueue<Value>,
    /// The events.
    pub feed: Arc<Feed>,
    steps: SharedQueue<UndoStep>,
    troubles: Troubles,
    sender: Sender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Starts the writer with data that has been read ([`Rulebook::read_file`]), and replays the journal of its file.
    /// Without a file the data is in memory only. `memory` bounds caches and history. `notice` is called on the
    /// writer's thread.
    ///
    /// # Errors
    /// No thread can be created.
    pub fn start(
        store: Store,
        rulebook: Rulebook,
        file: Option<FileSource>,
        memory: MemoryLimit,
        notice: impl Fn(Notice) + Send + Sync + 'static,
    ) -> std::io::Result<Engine> {
        let notice: Arc<dyn Fn(Notice) + Send + Sync> = Arc::new(notice);
        let conflicts = SharedQueue::new(MOST_CONFLICTS, memory.conflicts());
        let troubles = Troubles::default();
        let mut history = History::new(store, Arc::new(rulebook), memory);
        let (sender, receiver) = channel();
        let watch = file.as_ref().filter(|file| file.watched).map(|source| {
            let wake = sender.clone();
            // The writer is gone only when the server stops.
            file::watch(std::slice::from_ref(&source.file.named), move || {
                drop(wake.send(Message::FileEvent));
            })
        });
        let file = file.map(|source| {
            Reloader::new(
                source,
                watch,
                conflicts.clone(),
                troubles.clone(),
                notice.clone(),
                &mut history,
            )
        });
        let (published, feed) = (history.published.clone(), history.feed.clone());
        let steps = history.undo.clone();
        let writer = Writer::new(history, file, notice);
        let thread = std::thread::Builder::new()
            .name("standin-writer".into())
            .spawn(move || writer.run(&receiver))?;
        Ok(Engine {
            published,
            conflicts,
            feed,
            steps,
            troubles,
            sender,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The present snapshot, which is immutable.
    pub fn snapshot(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// The versions that lost against an edit in this run, oldest first; the last thousand.
    pub fn conflicts(&self) -> Vec<Value> {
        self.conflicts.all()
    }

    /// The present troubles of the files; changes wake the receiver.
    pub fn trouble(&self) -> watch::Receiver<Present> {
        self.troubles.subscribe()
    }

    /// The changes that can be undone, oldest first.
    pub fn undo_steps(&self) -> Vec<UndoStep> {
        let rulebook = self.rulebook();
        let under = |step: UndoStep| UndoStep {
            before: rulebook.apply_to(&step.before),
            ..step
        };
        self.steps.all().into_iter().map(under).collect()
    }

    /// The data as it was in `version`, as long as the changes since can be undone.
    pub fn at(&self, version: u64) -> Option<Store> {
        let published = self.published.load_full();
        if published.version == version {
            return Some(published.full.clone());
        }
        let steps = self.undo_steps();
        if let Some(step) = steps.iter().find(|step| step.version == version) {
            return Some(step.before.clone());
        }
        // After an undo, the state that a change made is current under a new number.
        let made = steps.iter().position(|step| step.version + 1 == version)?;
        let after = steps
            .get(made + 1)
            .map_or(&published.full, |next| &next.before);
        Some(after.clone())
    }

    /// Reverts the data; when this returns `Ok`, the file holds it and readers see it. Returns the version that this
    /// made, or `None` if there was nothing to undo.
    ///
    /// # Errors
    /// Nothing was changed, for the reason given.
    pub async fn revert(&self, revert: Revert) -> Result<Option<u64>, WriteError> {
        self.ask(|reply| Message::Revert { revert, reply }).await
    }

    /// The rules in effect, with the settings that follow from them.
    pub fn rulebook(&self) -> Arc<Rulebook> {
        self.published.load().rulebook.clone()
    }

    /// The rules.
    pub fn schema(&self) -> Arc<Schema> {
        self.published.load().rulebook.schema().clone()
    }

    /// Puts new rules into effect, for the present data and for the file. Blocks until that is done. While the server
    /// stops this does nothing.
    ///
    /// # Errors
    /// The data breaks them; the old rules stay.
    pub fn set_rules(&self, rulebook: Rulebook) -> Result<(), Faults> {
        let (reply, result) = oneshot::channel();
        let rulebook = Arc::new(rulebook);
        drop(self.sender.send(Message::Rules { rulebook, reply }));
        result.blocking_recv().unwrap_or(Ok(()))
    }

    /// Sets what is wrong with a file of `kind`: the rules, the routes, the profile. `None`: nothing.
    pub fn set_trouble(&self, kind: TroubleKind, trouble: Option<Trouble>) {
        self.troubles.replace(|known| known == kind, trouble);
    }

    /// Carries out `command`, if what it changes is as `expected`; when this returns `Ok`, the file
    /// or its journal holds the change and readers see it.
    ///
    /// # Errors
    /// Nothing was changed, for the reason given.
    pub async fn write(
        &self,
        command: Command,
        expected: Option<Expected>,
    ) -> Result<Outcome, WriteError> {
        let mut outcomes = self.send(Work::One(command, expected)).await?;
        outcomes.pop().ok_or(WriteError::Bug)
    }

    /// Carries out `steps` as one write: all or nothing.
    ///
    /// # Errors
    /// Nothing was changed, for the reason given.
    pub async fn write_all(&self, steps: Vec<Stage>) -> Result<Vec<Outcome>, WriteError> {
        self.send(Work::Steps(steps)).await
    }

    /// Dry run: what `commands` would do to the present data, one after the other.
    ///
    /// # Errors
    /// The number of the first that could not be carried out, and why.
    pub fn preview<'c>(
        &self,
        commands: impl Iterator<Item = &'c Command>,
    ) -> Result<Vec<Outcome>, Box<(usize, WriteError)>> {
        let published = self.snapshot();
        let mut store = published.full.clone();
        let rulebook = &published.rulebook;
        let mut one = |command| {
            let change = rulebook.plan(&store, command)?;
            Ok(store.apply(change))
        };
        let numbered = commands.enumerate();
        numbered
            .map(|(at, command)| one(command).map_err(|error| Box::new((at, error))))
            .collect()
    }

    async fn send(&self, work: Work) -> Result<Vec<Outcome>, WriteError> {
        self.ask(|reply| Message::Write(Job { work, reply })).await
    }

    /// Sends a message to the writer and waits for the result.
    async fn ask<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<Result<T, WriteError>>) -> Message,
    ) -> Result<T, WriteError> {
        let (reply, result) = oneshot::channel();
        let sent = self.sender.send(message(reply));
        sent.map_err(|_| WriteError::Stopped)?;
        result.await.unwrap_or(Err(WriteError::Stopped))
    }

    /// Finishes the pending writes, saves the file, and ends the writer.
    pub fn stop(&self) {
        // The writer may have ended already; then there is nothing to stop.
        drop(self.sender.send(Message::Stop));
        let thread = self.thread.lock().take();
        // If a step held the last reference, the writer itself drops the engine; it ends by itself then.
        let is_other =
            |thread: &JoinHandle<()>| thread.thread().id() != std::thread::current().id();
        if let Some(thread) = thread.filter(is_other) {
            // A writer that panicked has dropped its callers' channels already.
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}
