//! The write path and the reload path: one writer, which owns the file.
//!
//! A write goes through these steps, together with all that came while the last save was under way:
//! 1. draft: what would the record be?
//! 2. rules: does it keep to them?
//! 3. plan: is its id free, are its values unique?
//! 4. apply, to a copy that nobody sees yet;
//! 5. save the copy, or, beside a large file, put what the writes did into the journal (`journal`); if somebody else
//!    changed the file meanwhile, take that in (`reload`) and begin again at 1;
//! 6. publish the copy to the readers;
//! 7. acknowledge.
//!
//! So a reader sees only what the file or its journal holds, and a save that fails leaves nothing to undo. Readers take
//! the published snapshot and never wait for the writer.

mod data;
mod edits;
mod feed;
mod inbox;
mod journal;
mod reload;
mod restore;
mod whole;
mod writer;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::file::{self, DataFile, Left, Watch};
use crate::json::{Id, Place};
use crate::schema::{Schema, Violation};
use crate::store::{Command, Outcome, Refusal, RepeatedId, Resource, Store};

pub use data::{Fault, Faults, Rulebook, given_ids};
pub use feed::{Cause, Event, Feed, Found, What};
pub use journal::{Journaling, Replayed, replay};
pub use restore::Back;

use inbox::{Sender, inbox};
use whole::Wholes;
use writer::{Message, Writer};

/// The data as readers see it.
#[derive(Debug)]
pub struct Published {
    /// The records.
    pub store: Store,
    /// Counts the changes of the data since the start.
    pub version: u64,
    wholes: Wholes,
}

impl Published {
    fn new(store: Store, version: u64) -> Published {
        Published { store, version, wholes: Wholes::default() }
    }

    /// The value of `resource`, which is one of this store, as it is sent whole, and its entity tag.
    pub fn whole(&self, resource: &Resource) -> (Bytes, String) {
        self.wholes.get(resource)
    }
}

/// Why a write was not carried out.
#[derive(Debug, Clone)]
pub enum WriteError {
    /// The data does not allow it.
    Refused(Refusal),
    /// The record would break rules.
    Rules {
        /// The resource whose rules they are.
        resource: String,
        /// All that is broken.
        violations: Vec<Violation>,
    },
    /// Checking the record against the rules of this resource takes too many steps.
    TooComplex(String),
    /// The file cannot be written.
    Unsaved {
        /// Why: which file or folder, and the operating system's words.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// The file has been edited into something that cannot be taken in; a write would overwrite the edit.
    Broken {
        /// Where.
        place: Option<Place>,
        /// What is wrong there.
        message: String,
    },
    /// The server is stopping.
    Stopped,
    /// The writer failed on this command in a way that it should not.
    Bug,
}

/// Told the text of what is about to be changed, whether the write may go on (`If-Match`).
pub type Expected = Box<dyn Fn(&str) -> bool + Send>;

/// What happened to the file, for the log.
#[derive(Debug, Clone)]
pub enum Notice {
    /// An edit was taken in.
    Reloaded {
        /// What changed, by resource.
        changes: Vec<ResourceChanges>,
        /// How many writes of the last moments were kept that the edit did not have.
        kept: usize,
        /// New records of the edit that got another id, since the API had given theirs away: resource, old and new id.
        renumbered: Vec<(String, Id, Id)>,
    },
    /// The file was put back to what it was before, and the data with it.
    Restored {
        /// What changed, by resource.
        changes: Vec<ResourceChanges>,
        /// How many writes were dropped.
        writes: u64,
    },
    /// Versions that lost against an edit were kept.
    Conflicts {
        /// How many.
        count: usize,
        /// The file of JSON lines that they were added to.
        path: PathBuf,
        /// Why they are in memory only.
        failed: Option<String>,
    },
    /// An edit cannot be taken in; the data stays as it was.
    Broken(Faults),
    /// The file is valid again after an edit that was reported as broken, and no record differs from what was served
    /// meanwhile.
    ValidAgain,
    /// Records of the file have ids that others before them have.
    RepeatedIds(RepeatedIds),
    /// A save failed.
    Unsaved {
        /// Why: which file or folder, and the operating system's words.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// At the start: no save can succeed as things are.
    Unwritable {
        /// Why: which file or folder.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A crash had left an edit beside the file that was never taken in; it is kept there.
    Recovered(PathBuf),
    /// Writes that were acknowledged in the last run and that the file lacked were brought back from its journal.
    Replayed {
        /// How many.
        writes: usize,
        /// Whether somebody had edited the file since.
        edited: bool,
        /// New records of that edit that got another id, since the API had given theirs away: resource, old and new id.
        renumbered: Vec<(String, Id, Id)>,
    },
    /// The rules allow no id that the server can make for a new record of this collection.
    NoIds(String),
    /// Records of the file had no id and were given one, which reaches the file with the next write to their collection.
    GivenIds {
        /// The collection.
        resource: String,
        /// How many records.
        count: usize,
        /// The name of the id property.
        id: String,
        /// A property of theirs that looks like their id.
        like: Option<String>,
    },
    /// The routes file was saved, and its rules are in effect.
    RoutesReloaded {
        /// The file.
        file: PathBuf,
        /// How many rules.
        rules: usize,
    },
    /// The routes file is broken, and the rules stay as they were: where and why.
    RoutesBroken(String),
    /// The file cannot be watched; it is looked at in short intervals instead.
    Unwatched(String),
}

/// Ids that records of a file have in common.
#[derive(Debug, Clone, Default)]
pub struct RepeatedIds {
    /// The first of them.
    pub list: Vec<RepeatedId>,
    /// How many more there are.
    pub more: usize,
}

/// How many records of a resource an edit added, changed and removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceChanges {
    /// The resource.
    pub resource: String,
    /// New records.
    pub added: usize,
    /// Records with another text.
    pub changed: usize,
    /// Records that are gone.
    pub removed: usize,
}

/// Where the data comes from and where it goes.
pub enum Source {
    /// A file that is kept up to date. `watched`: edits are taken in when they happen, else when a write finds them.
    File {
        /// The file, opened.
        file: Box<DataFile>,
        /// Whether to watch it.
        watched: bool,
        /// How often to look at a watched file besides: not every file system reports changes. Zero: never.
        poll: Duration,
        /// The path by which the person named it, if that is a symbolic link.
        named: PathBuf,
        /// How young a write must be to be kept when an edit lacks it: its maker may not have seen it.
        unseen: Duration,
        /// Whether writes go into a journal first.
        journaling: Journaling,
        /// What the last run had left in it.
        left: Option<Left>,
    },
    /// Nothing is ever written.
    Memory,
}

/// The owner of the data. Dropping it finishes the writes that were asked for.
pub struct Engine {
    published: Arc<ArcSwap<Published>>,
    rulebook: Arc<Rulebook>,
    conflicts: Arc<Mutex<VecDeque<Value>>>,
    feed: Arc<Feed>,
    sender: Sender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
    _watch: Option<Watch>,
}

impl Engine {
    /// Starts the writer on data that has been read ([`Rulebook::read`]), with what the journal of the file has besides.
    /// `notice` is called from its thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        store: Store,
        rulebook: Rulebook,
        source: Source,
        notice: impl Fn(Notice) + Send + Sync + 'static,
    ) -> std::io::Result<Engine> {
        let published = Arc::new(ArcSwap::from_pointee(Published::new(store, 0)));
        let rulebook = Arc::new(rulebook);
        let (sender, inbox) = inbox();
        let conflicts = Arc::default();
        let feed = Arc::new(Feed::new());
        let mut blind = false;
        let mut polls = None;
        let mut ways = (Duration::ZERO, Journaling::default(), None);
        let (file, watch) = match source {
            Source::Memory => (None, None),
            Source::File { file, watched: false, unseen, journaling, left, .. } => {
                ways = (unseen, journaling, left);
                (Some(*file), None)
            }
            Source::File { file, watched: true, poll, named, unseen, journaling, left } => {
                polls = Some(poll).filter(|poll| !poll.is_zero());
                ways = (unseen, journaling, left);
                let wake = sender.clone();
                // Only once the server stops is there nobody to wake.
                let watch = file::watch(&[file.path().to_path_buf(), named], move || _ = wake.send(Message::Look));
                let watch = match watch {
                    Ok(watch) => Some(watch),
                    Err(error) => {
                        notice(Notice::Unwatched(error.to_string()));
                        blind = true;
                        None
                    }
                };
                (Some(*file), watch)
            }
        };
        if watch.is_some() {
            // What was saved between the reading of the file and the watching of it has made no event.
            sender.send(Message::Look);
        }
        let (window, journaling, left) = ways;
        let mut writer = Writer::new(
            published.clone(),
            rulebook.clone(),
            Arc::clone(&conflicts),
            feed.clone(),
            file,
            (blind, polls, window, journaling),
            Box::new(notice),
        );
        if let Some(left) = left {
            writer.bring_back(&left);
        }
        let thread = std::thread::Builder::new().name("standin-writer".into()).spawn(move || writer.run(&inbox))?;
        Ok(Engine { published, rulebook, conflicts, feed, sender, thread: Mutex::new(Some(thread)), _watch: watch })
    }

    /// The data as it is now. The snapshot stays as it is while it is held.
    pub fn snapshot(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// The versions that lost against an edit in this run, oldest first, at most a thousand.
    pub fn conflicts(&self) -> Vec<Value> {
        self.conflicts.lock().map(|all| all.iter().cloned().collect()).unwrap_or_default()
    }

    /// The history of changes.
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// Goes back to data as it was; when this returns `Ok`, the file holds it and readers see it. Gives the version that
    /// this made, or `None` where there was nothing to undo.
    ///
    /// # Errors
    /// Nothing was changed, for the reason given.
    pub async fn back(&self, back: Back) -> Result<Option<u64>, WriteError> {
        let (reply, answer) = oneshot::channel();
        if !self.sender.send(Message::Back { back, reply }) {
            return Err(WriteError::Stopped);
        }
        answer.await.unwrap_or(Err(WriteError::Stopped))
    }

    /// The rules, with what follows from them.
    pub fn rulebook(&self) -> &Rulebook {
        &self.rulebook
    }

    /// The rules.
    pub fn schema(&self) -> &Schema {
        self.rulebook.schema()
    }

    /// Carries out `command`, if what it changes is as `expected`; when this returns `Ok`, the file
    /// or its journal holds the change and readers see it.
    ///
    /// # Errors
    /// Nothing was changed, for the reason given.
    pub async fn write(&self, command: Command, expected: Option<Expected>) -> Result<Outcome, WriteError> {
        let (reply, answer) = oneshot::channel();
        if !self.sender.send(Message::Write { command, expected, reply }) {
            return Err(WriteError::Stopped);
        }
        answer.await.unwrap_or(Err(WriteError::Stopped))
    }

    /// Carries out what was asked for so far, brings it to the file, and ends the writer.
    pub fn stop(&self) {
        // The writer may have ended on its own; then there is nothing to stop.
        self.sender.send(Message::Stop);
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            // A writer that panicked has answered its callers already.
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self._watch = None;
        self.stop();
    }
}
