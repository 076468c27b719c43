//! What remembers: the snapshot that readers see, the states before it that can be gone back to, and the events.

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use bytes::Bytes;

use super::feed::{Cause, Feed};
use super::list_cache::ListCache;
use super::rulebook::Rulebook;
use crate::memory::{MemoryLimit, OVERHEAD, SharedQueue};
use crate::store::{Command, Outcome, Resource, ResourceDiff, Store};
use crate::work::Work;

/// The data as readers see it.
#[derive(Debug)]
pub struct Published {
    /// The records as they may be sent.
    pub store: Store,
    /// The records as they are stored, with what is never sent.
    pub full: Store,
    /// Counts the changes of the data since the start.
    pub version: u64,
    /// The rules that the data keeps.
    pub rulebook: Arc<Rulebook>,
    lists: ListCache,
}

impl Published {
    fn new(
        full: Store,
        version: u64,
        rulebook: Arc<Rulebook>,
        before: Option<&Published>,
        memory: MemoryLimit,
    ) -> Published {
        // Under other rules other values are hidden.
        let before = before.filter(|before| Arc::ptr_eq(&before.rulebook, &rulebook));
        Published {
            store: full.public(before.map(|before| (&before.full, &before.store))),
            full,
            version,
            rulebook,
            lists: ListCache::new(memory.lists()),
        }
    }

    /// These data as somebody sees it who sees only `store` of it.
    pub fn seen_as(&self, store: Store) -> Published {
        Published {
            store,
            full: self.full.clone(),
            version: self.version,
            rulebook: self.rulebook.clone(),
            // It is for one request.
            lists: ListCache::new(0),
        }
    }

    /// The value of `resource`, which is one of this store, as it is sent whole, and its entity tag. Not complete if
    /// `work` was stopped.
    pub fn whole(&self, resource: &Resource, work: &Work<'_>) -> (Bytes, String) {
        self.lists.get(resource, work)
    }
}

/// How many changes can be undone.
const MOST_STEPS: usize = 100;

/// The published snapshot and what was before it.
pub(super) struct History {
    pub(super) published: Arc<ArcSwap<Published>>,
    pub(super) feed: Arc<Feed>,
    /// The last changes, oldest first.
    pub(super) undo: SharedQueue<Step>,
    pub(super) memory: MemoryLimit,
}

/// A change that can be undone.
#[derive(Debug, Clone)]
pub struct Step {
    /// The version of the data before it. The change made the next one.
    pub version: u64,
    /// The data before it.
    pub before: Store,
    /// When it was made.
    pub at: SystemTime,
}

impl History {
    pub(super) fn new(store: Store, rulebook: Arc<Rulebook>, memory: MemoryLimit) -> History {
        let published = Published::new(store, 0, rulebook, None, memory);
        let published = Arc::new(ArcSwap::from_pointee(published));
        History {
            published,
            feed: Arc::new(Feed::new(memory.events())),
            undo: SharedQueue::new(MOST_STEPS, memory.undo()),
            memory,
        }
    }

    pub(super) fn current(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// The data before the last change.
    pub(super) fn previous(&self) -> Option<Store> {
        let steps = self.undo.lock();
        steps.iter().next_back().map(|step| step.before.clone())
    }

    /// Replaces the data that the server starts with; nobody has seen it yet.
    pub(super) fn start_with(&mut self, store: Store) {
        let rulebook = self.rulebook();
        let published = Published::new(store, 0, rulebook, None, self.memory);
        self.published.store(Arc::new(published));
    }

    /// The rules in effect.
    pub(super) fn rulebook(&self) -> Arc<Rulebook> {
        self.published.load().rulebook.clone()
    }

    /// Puts other rules into effect, for the data as it is in `store`.
    pub(super) fn publish_rules(&mut self, rulebook: Arc<Rulebook>, store: Store) {
        let before = self.current();
        let hides = |published: &Published| {
            let rules = published.rulebook.schema().iter();
            let hidden = rules.map(|rules| (rules.resource().to_string(), rules.hidden().clone()));
            hidden
                .filter(|(_, hidden)| !hidden.is_empty())
                .collect::<Vec<_>>()
        };
        let published = Published::new(store, before.version, rulebook, Some(&before), self.memory);
        let hides_other = hides(&before) != hides(&published);
        self.published.store(Arc::new(published));
        // Events hold records as they could be sent before.
        self.feed.rules_changed(hides_other);
    }

    /// Forgets the states before: they are of another file.
    pub(super) fn forget_steps(&mut self) {
        self.undo.lock().clear();
    }

    /// Publishes what a batch of writes made of the data.
    pub(super) fn publish_writes<'a>(
        &mut self,
        store: Store,
        writes: impl Iterator<Item = (&'a Command, &'a Outcome)> + Clone,
    ) {
        let before = self.current();
        let version = self.publish(store.clone());
        let writes = writes.filter(|(_, outcome)| outcome.changed);
        self.feed.wrote(&store, version, writes.clone());
        if writes.clone().next().is_some() {
            let replaced: usize = writes
                .flat_map(|(_, outcome)| &outcome.written)
                .map(|written| before.full.bytes_of(written) + OVERHEAD)
                .sum();
            self.remember(&before, replaced);
        }
    }

    /// Publishes data that takes the place of the present one as a whole; `diff` is what differs. Gives its version.
    pub(super) fn publish_whole(
        &mut self,
        store: Store,
        cause: Cause,
        diff: &[ResourceDiff],
    ) -> u64 {
        let before = self.current();
        let version = self.publish(store.clone());
        self.feed
            .reloaded((&before.full, &store), version, cause, diff);
        match cause {
            Cause::Undo => drop(self.undo.lock().pop_back()),
            // There is nothing to take back.
            Cause::Edit | Cause::Reset if diff.is_empty() => {}
            Cause::Edit | Cause::Reset => {
                // It shares no text with what was read from the file again.
                let bytes = before.full.text_size();
                self.remember(&before, bytes);
            }
        }
        version
    }

    fn publish(&self, store: Store) -> u64 {
        let before = self.published.load();
        let version = before.version + 1;
        let rulebook = before.rulebook.clone();
        let next = Published::new(store, version, rulebook, Some(&before), self.memory);
        self.published.store(Arc::new(next));
        version
    }

    fn remember(&self, before: &Published, bytes: usize) {
        let step = Step {
            version: before.version,
            before: before.full.clone(),
            at: SystemTime::now(),
        };
        self.undo.lock().push(step, bytes);
    }
}
