//! History: the published snapshot, the previous ones for undo, and the events.
//!
//! The events of `GET /-/events` are in a ring buffer ([`Feed`]), with a notification when it grows. Readers keep their
//! own position and fetch what is new; there is no queue per reader, so a slow one costs nothing and the writer never
//! waits. A reader that falls behind the buffer gets [`FeedRead::Lagged`].

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::sync::watch;

use super::notice::Cause;
use super::rulebook::Rulebook;
use crate::json::{Id, Layout, tag};
use crate::memory::{MemoryLimit, OVERHEAD, SharedQueue};
use crate::rules::Hidden;
use crate::store::{
    Command, Data, Operation, Outcome, Resource, ResourceChanges, ResourceDiff, Store,
};
use crate::work::Work;

/// A snapshot of the data, as readers see it.
#[derive(Debug)]
pub struct Published {
    /// The records as they may be sent, without hidden properties.
    pub store: Store,
    /// The records as they are stored, with hidden properties.
    pub full: Store,
    /// The number of changes since the start.
    pub version: u64,
    /// The rules that the data is valid under.
    pub rulebook: Arc<Rulebook>,
    /// Cached response bodies for whole resources.
    lists: SharedQueue<CachedList>,
    /// How many bytes they may have.
    most_list_bytes: usize,
}

impl Published {
    fn new(
        full: Store,
        version: u64,
        rulebook: Arc<Rulebook>,
        before: Option<&Published>,
        memory: MemoryLimit,
    ) -> Published {
        // Under other rules, other properties are hidden.
        let before = before.filter(|before| Arc::ptr_eq(&before.rulebook, &rulebook));
        Published {
            store: full.public(before.map(|before| (&before.full, &before.store))),
            full,
            version,
            rulebook,
            lists: SharedQueue::new(usize::MAX, memory.lists()),
            most_list_bytes: memory.lists(),
        }
    }

    /// The same version for a client that may see only `store`.
    pub fn restricted_to(&self, store: Store) -> Published {
        Published {
            store,
            full: self.full.clone(),
            version: self.version,
            rulebook: self.rulebook.clone(),
            // It is used for one request.
            lists: SharedQueue::new(0, 0),
            most_list_bytes: 0,
        }
    }

    /// The response body for all of `resource`, which is one of this store, and its entity tag. Incomplete if `work`
    /// was stopped.
    pub fn body_of(&self, resource: &Resource, work: &Work<'_>) -> (Bytes, String) {
        let is_of = |cached: &&CachedList| cached.resource == resource.name();
        if let Some(cached) = self.lists.lock().iter().find(is_of) {
            return (cached.list.clone(), cached.tag.clone());
        }
        let mut list = Vec::new();
        resource.write(&mut list, "", work);
        let (tag, list) = (tag(&list), Bytes::from(list));
        let mut lists = self.lists.lock();
        if !work.is_stopped()
            && list.len() <= self.most_list_bytes
            && !lists.iter().any(|cached| is_of(&cached))
        {
            let cached = CachedList {
                resource: resource.name().to_string(),
                list: list.clone(),
                tag: tag.clone(),
            };
            lists.push(cached, list.len());
        }
        (list, tag)
    }
}

/// A cached response body for a whole resource.
#[derive(Debug, Clone)]
struct CachedList {
    resource: String,
    list: Bytes,
    tag: String,
}

/// How many changes can be undone.
const MOST_UNDO_STEPS: usize = 100;

/// The published snapshot and the previous ones.
pub(super) struct History {
    pub(super) published: Arc<ArcSwap<Published>>,
    pub(super) feed: Arc<Feed>,
    /// The last changes, oldest first.
    pub(super) undo: SharedQueue<UndoStep>,
    pub(super) memory: MemoryLimit,
}

/// A change that can be undone.
#[derive(Debug, Clone)]
pub struct UndoStep {
    /// The version of the data before it; the change made the next one.
    pub version: u64,
    /// The data before it.
    pub before: Store,
    /// The time of the change.
    pub at: SystemTime,
}

impl History {
    pub(super) fn new(store: Store, rulebook: Arc<Rulebook>, memory: MemoryLimit) -> History {
        let published = Published::new(store, 0, rulebook, None, memory);
        let published = Arc::new(ArcSwap::from_pointee(published));
        History {
            published,
            feed: Arc::new(Feed::new(memory.events())),
            undo: SharedQueue::new(MOST_UNDO_STEPS, memory.undo()),
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

    /// The rules in effect.
    pub(super) fn rulebook(&self) -> Arc<Rulebook> {
        self.published.load().rulebook.clone()
    }

    /// Publishes new rules, with the data `store` under them, without a new version of the data.
    pub(super) fn publish_rules(&mut self, rulebook: Arc<Rulebook>, store: Store) {
        let before = self.current();
        let hides_other = hidden(&before.rulebook) != hidden(&rulebook);
        let published = Published::new(store, before.version, rulebook, Some(&before), self.memory);
        self.published.store(Arc::new(published));
        // Events hold records without the properties that were hidden before.
        if hides_other {
            self.feed.events.lock().clear();
        }
        // Wakes the readers.
        self.feed.updates.send_modify(|_| {});
    }

    /// Publishes the result of a batch of writes.
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

    /// Publishes data that replaces all of the present data; `diff` is what differs. Returns its version.
    pub(super) fn publish_whole(
        &mut self,
        store: Store,
        cause: Cause,
        diff: &[ResourceDiff],
    ) -> u64 {
        let before = self.current();
        let version = self.publish(store.clone());
        self.feed
            .reloaded(&before.full, &store, version, cause, diff);
        match cause {
            Cause::Undo => drop(self.undo.lock().pop_back()),
            // There is nothing to undo.
            Cause::Edit | Cause::Reset if diff.is_empty() => {}
            Cause::Edit | Cause::Reset => {
                // The text that was read from the file again is not shared with it.
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
        let step = UndoStep {
            version: before.version,
            before: before.full.clone(),
            at: SystemTime::now(),
        };
        self.undo.lock().push(step, bytes);
    }
}

/// The hidden properties, by resource.
fn hidden(rulebook: &Rulebook) -> Vec<(&str, &Hidden)> {
    let rules = rulebook.schema().iter();
    (rules.map(|rules| (rules.resource.as_str(), &rules.hidden)))
        .filter(|(_, hidden)| !hidden.is_empty())
        .collect()
}

/// How many events are kept at most.
const MOST_EVENTS: usize = 1000;
/// How many bytes of records a reload event lists for each resource.
const MOST_RELOADED_BYTES: usize = 1024 * 1024;
/// How many records a reload event lists for each resource.
const MOST_RELOADED: usize = 100;

/// The kind of a change to a record or resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A record was added.
    Create,
    /// A record was replaced.
    Replace,
    /// Some properties of a record were changed.
    Merge,
    /// A record was deleted.
    Delete,
    /// Several records were changed at once: the file was edited, or the data reverted.
    Reload {
        /// Why.
        cause: Cause,
        /// How many records, by kind of change.
        changes: ResourceChanges,
        /// The new and changed records, and the ids of the deleted ones; at most a hundred.
        records: Vec<(Option<Id>, Option<Arc<str>>)>,
    },
}

/// One change.
#[derive(Debug, Clone)]
pub struct Event {
    /// Counts up from 1.
    pub number: u64,
    /// The version of the data that has the change.
    pub version: u64,
    /// The resource.
    pub resource: String,
    /// The record's id, if one record of a collection changed.
    pub id: Option<Id>,
    /// The kind of change.
    pub kind: EventKind,
    /// The record's new text, compact; none for a deletion.
    pub record: Option<Arc<str>>,
}

/// The ring buffer of events.
#[derive(Debug)]
pub struct Feed {
    /// The id of this run of the server: other runs have events with the same numbers.
    pub run: String,
    events: SharedQueue<Arc<Event>>,
    updates: watch::Sender<u64>,
}

/// The result of a read from a position.
#[derive(Debug)]
pub enum FeedRead {
    /// The next events; empty if there are no new ones.
    Events(Vec<Arc<Event>>),
    /// The reader has fallen behind: events that it has not seen were dropped.
    Lagged,
}

impl Feed {
    /// A buffer of `most_bytes`.
    pub(super) fn new(most_bytes: usize) -> Feed {
        let started = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Feed {
            run: format!("{:x}", started.as_micros()),
            events: SharedQueue::new(MOST_EVENTS, most_bytes),
            updates: watch::Sender::new(0),
        }
    }

    /// A receiver of the number of the last event.
    pub fn updates(&self) -> watch::Receiver<u64> {
        self.updates.subscribe()
    }

    /// The number of the last event; 0 before the first.
    pub fn last(&self) -> u64 {
        *self.updates.borrow()
    }

    /// At most `most` events after number `after`.
    pub fn after(&self, after: u64, most: usize) -> FeedRead {
        let events = self.events.lock();
        let newest = events.iter().next_back();
        let last = newest.map_or_else(|| self.last(), |event| event.number);
        let first = events.iter().next().map_or(last + 1, |event| event.number);
        if after + 1 < first || after > last {
            return FeedRead::Lagged;
        }
        let skip = usize::try_from(after + 1 - first).unwrap_or(usize::MAX);
        FeedRead::Events(events.iter().skip(skip).take(most).cloned().collect())
    }

    /// The events that are kept.
    pub fn kept(&self) -> Vec<Arc<Event>> {
        self.events.all()
    }

    fn add(&self, events: impl Iterator<Item = Event>) {
        // Only the writer's thread adds events.
        let mut last = self.last();
        let mut kept = self.events.lock();
        for event in events {
            last += 1;
            let event = Event {
                number: last,
                ..event
            };
            let size = event.size();
            kept.push(Arc::new(event), size);
        }
        // Unlock before readers wake.
        drop(kept);
        self.updates.send_replace(last);
    }

    /// Adds the events of writes; `store` is the data after them.
    pub(super) fn wrote<'a>(
        &self,
        store: &Store,
        version: u64,
        writes: impl Iterator<Item = (&'a Command, &'a Outcome)>,
    ) {
        let mut events = Vec::new();
        for (command, outcome) in writes {
            for (at, written) in outcome.written.iter().enumerate() {
                let record = record(store, &written.resource, written.id.as_ref());
                let kind = match (&command.operation, &record) {
                    (Operation::Create, _) => EventKind::Create,
                    (_, None) => EventKind::Delete,
                    (Operation::Delete { .. }, _) if at < outcome.removed => EventKind::Delete,
                    (Operation::Merge(_) | Operation::Delete { .. }, _) => EventKind::Merge,
                    (Operation::Replace, _) => EventKind::Replace,
                };
                events.push(Event {
                    number: 0,
                    version,
                    resource: written.resource.clone(),
                    id: written.id.clone(),
                    record: record.filter(|_| kind != EventKind::Delete),
                    kind,
                });
            }
        }
        self.add(events.into_iter());
    }

    /// Adds the events of data that replaced all of `old`; `diff` is what differs.
    pub(super) fn reloaded(
        &self,
        old: &Store,
        new: &Store,
        version: u64,
        cause: Cause,
        diff: &[ResourceDiff],
    ) {
        let event = |changes: ResourceChanges, records| Event {
            number: 0,
            version,
            resource: changes.resource.clone(),
            id: None,
            kind: EventKind::Reload {
                cause,
                changes,
                records,
            },
            record: None,
        };
        let changed = diff
            .iter()
            .map(|diff| event(diff.changes.clone(), records(new, diff)));
        // If an empty resource was added or removed, no record differs.
        let is_empty = |name: &&str| {
            old.resource(name).is_some() != new.resource(name).is_some()
                && diff.iter().all(|diff| diff.changes.resource != *name)
        };
        let names = new.resources().chain(old.resources()).map(Resource::name);
        let empty = names.filter(is_empty).map(|name| {
            let changes = ResourceChanges {
                resource: name.to_string(),
                ..ResourceChanges::default()
            };
            event(changes, Vec::new())
        });
        self.add(changed.chain(empty));
    }
}

impl Event {
    fn size(&self) -> usize {
        let records = match &self.kind {
            EventKind::Reload { records, .. } => records
                .iter()
                .map(|(_, record)| 64 + record.as_ref().map_or(0, |record| record.len()))
                .sum(),
            _ => 0,
        };
        self.record.as_ref().map_or(0, |record| record.len()) + records
    }
}

fn record(store: &Store, resource: &str, id: Option<&Id>) -> Option<Arc<str>> {
    let minified = |text: &str| {
        let text = store.public_text(resource, text);
        Layout::MINIFIED.render(&text, "").into()
    };
    match (store.resource(resource)?.data(), id) {
        (Data::Collection(rows), Some(id)) => rows.get(id).map(|row| minified(row.value())),
        (Data::Object(text) | Data::Scalar(text), None) => Some(minified(text)),
        _ => None,
    }
}

/// The records that differ, at most a hundred.
fn records(new: &Store, diff: &ResourceDiff) -> Vec<(Option<Id>, Option<Arc<str>>)> {
    let resource = &diff.changes.resource;
    if new
        .resource(resource)
        .is_some_and(|resource| resource.collection().is_none())
    {
        return vec![(None, record(new, resource, None))];
    }
    let mut bytes = 0;
    let records = diff
        .things
        .iter()
        .map(|thing| (thing.id.clone(), record(new, resource, thing.id.as_ref())));
    let fits = |(_, record): &(Option<Id>, Option<Arc<str>>)| {
        bytes += record.as_ref().map_or(0, |record| record.len());
        bytes < MOST_RELOADED_BYTES
    };
    records.take_while(fits).take(MOST_RELOADED).collect()
}
