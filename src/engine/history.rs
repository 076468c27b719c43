//! What remembers: the snapshot that readers see, the states before it that can be gone back to, and the events.

use std::collections::VecDeque;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;

use super::feed::{Cause, Feed};
use super::list_cache::ListCache;
use crate::store::{Command, Outcome, Resource, ResourceDiff, Store};
use crate::work::Work;

/// The data as readers see it.
#[derive(Debug)]
pub struct Published {
    /// The records.
    pub store: Store,
    /// Counts the changes of the data since the start.
    pub version: u64,
    lists: ListCache,
}

impl Published {
    /// The value of `resource`, which is one of this store, as it is sent whole, and its entity tag. Not complete if
    /// `work` was stopped.
    pub fn whole(&self, resource: &Resource, work: &Work<'_>) -> (Bytes, String) {
        self.lists.get(resource, work)
    }
}

/// How many changes can be undone.
const MOST_STEPS: usize = 100;
/// How many bytes of text may be kept for it that are not shared with newer states.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The published snapshot and what was before it.
pub(super) struct History {
    published: Arc<ArcSwap<Published>>,
    feed: Arc<Feed>,
    /// The data before each of the last changes, with the bytes that are kept for it alone.
    undo: VecDeque<(Arc<Published>, usize)>,
}

impl History {
    pub(super) fn new(store: Store) -> History {
        let published = Published {
            store,
            version: 0,
            lists: ListCache::default(),
        };
        let published = Arc::new(ArcSwap::from_pointee(published));
        History {
            published,
            feed: Arc::new(Feed::new()),
            undo: VecDeque::new(),
        }
    }

    /// The snapshot, for readers.
    pub(super) fn published(&self) -> Arc<ArcSwap<Published>> {
        Arc::clone(&self.published)
    }

    /// The events, for readers.
    pub(super) fn feed(&self) -> Arc<Feed> {
        Arc::clone(&self.feed)
    }

    pub(super) fn current(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// The data before the last change.
    pub(super) fn previous(&self) -> Option<&Store> {
        self.undo.back().map(|(before, _)| &before.store)
    }

    /// Replaces the data that the server starts with; nobody has seen it yet.
    pub(super) fn start_with(&mut self, store: Store) {
        self.published.store(Arc::new(Published {
            store,
            version: 0,
            lists: ListCache::default(),
        }));
    }

    /// Forgets the states before: they are of another file.
    pub(super) fn forget_steps(&mut self) {
        self.undo.clear();
    }

    /// Publishes what a batch of writes made of the data.
    pub(super) fn publish_writes<'a>(
        &mut self,
        store: Store,
        writes: impl Iterator<Item = (&'a Command, &'a Outcome)> + Clone,
    ) {
        let before = self.current();
        let version = self.publish(store.clone());
        let mut changes = writes.filter(|(_, outcome)| outcome.changed);
        self.feed.wrote(&store, version, changes.clone());
        if changes.next().is_some() {
            self.remember(before, 0);
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
        self.feed.reloaded(&store, version, cause, diff);
        match cause {
            Cause::Undo => drop(self.undo.pop_back()),
            Cause::Edit | Cause::Reset => {
                // It shares no text with what was read from the file again.
                let bytes = before.store.text_size();
                self.remember(before, bytes);
            }
        }
        version
    }

    fn publish(&self, store: Store) -> u64 {
        let version = self.published.load().version + 1;
        self.published.store(Arc::new(Published {
            store,
            version,
            lists: ListCache::default(),
        }));
        version
    }

    fn remember(&mut self, before: Arc<Published>, bytes: usize) {
        self.undo.push_back((before, bytes));
        let mut kept: usize = self.undo.iter().map(|(_, bytes)| bytes).sum();
        while self.undo.len() > MOST_STEPS || (kept > MOST_BYTES && self.undo.len() > 1) {
            kept -= self.undo.pop_front().map_or(0, |(_, bytes)| bytes);
        }
    }
}
