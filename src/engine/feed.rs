//! The events of `GET /-/events`: a ring buffer, and a notification when it grows.
//!
//! Readers keep their own position and fetch what is new; there is no queue per reader, so that a slow one costs nothing
//! and the writer never waits. A reader that falls behind the buffer gets [`Found::Lost`].

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tokio::sync::watch;

use crate::json::{Id, Layout};
use crate::memory::BoundedQueue;
use crate::store::{
    Command, Data, Operation, Outcome, Resource, ResourceChanges, ResourceDiff, Store,
};

/// How many events are kept at most.
const MOST_EVENTS: usize = 1000;
/// How many bytes of records a reload names for each resource.
const MOST_RELOADED_BYTES: usize = 1024 * 1024;
/// How many records a reload names for each resource.
const MOST_RELOADED: usize = 100;

/// What happened to a record, or to a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A record was added.
    Create,
    /// A record was replaced.
    Replace,
    /// Some properties of a record were changed.
    Merge,
    /// A record was deleted.
    Delete,
    /// Several records were changed at once: the file was edited, or the data put back.
    Reload {
        /// Why.
        cause: Cause,
        /// How many records, by kind of change.
        changes: ResourceChanges,
        /// The records that are new or different, and the ids of those that are gone; at most a hundred.
        records: Vec<(Option<Id>, Option<Arc<str>>)>,
    },
}

/// Why data was taken as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The file was edited.
    Edit,
    /// The last change was undone.
    Undo,
    /// The data was put back to a snapshot.
    Reset,
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
    /// The record's id, where one record of a collection changed.
    pub id: Option<Id>,
    /// What happened.
    pub what: What,
    /// The record's text without white space: as it is now, or of a deletion nothing.
    pub record: Option<Arc<str>>,
}

/// The history of changes.
#[derive(Debug)]
pub struct Feed {
    run: String,
    history: Mutex<History>,
    updates: watch::Sender<u64>,
}

#[derive(Debug)]
struct History {
    last: u64,
    events: BoundedQueue<Arc<Event>>,
}

/// What a reader finds behind its place.
#[derive(Debug)]
pub enum Found {
    /// The next events, none where there are no new ones.
    Events(Vec<Arc<Event>>),
    /// The history has gone on without the reader: some of what it has not seen is forgotten.
    Lost,
}

impl Feed {
    /// A history of `most_bytes`.
    pub(super) fn new(most_bytes: usize) -> Feed {
        let started = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let run = format!("{:x}", started.as_micros());
        Feed {
            run,
            history: Mutex::new(History {
                last: 0,
                events: BoundedQueue::new(MOST_EVENTS, most_bytes),
            }),
            updates: watch::Sender::new(0),
        }
    }

    /// Tells this run of the server from others, whose events have the same numbers.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Changes with each event; its value is the number of the last one.
    pub fn updates(&self) -> watch::Receiver<u64> {
        self.updates.subscribe()
    }

    /// The number of the last event; 0 before the first.
    pub fn last(&self) -> u64 {
        *self.updates.borrow()
    }

    /// At most `most` events behind the one with the number `after`.
    pub fn after(&self, after: u64, most: usize) -> Found {
        let Ok(history) = self.history.lock() else {
            return Found::Lost;
        };
        let first = history
            .events
            .iter()
            .next()
            .map_or(history.last + 1, |event| event.number);
        if after + 1 < first || after > history.last {
            return Found::Lost;
        }
        let skip = usize::try_from(after + 1 - first).unwrap_or(usize::MAX);
        Found::Events(
            history
                .events
                .iter()
                .skip(skip)
                .take(most)
                .cloned()
                .collect(),
        )
    }

    /// The events that are kept.
    pub fn kept(&self) -> Vec<Arc<Event>> {
        self.history.lock().map_or_else(
            |_| Vec::new(),
            |history| history.events.iter().cloned().collect(),
        )
    }

    fn add(&self, events: impl Iterator<Item = Event>) {
        let last = {
            let Ok(mut history) = self.history.lock() else {
                return;
            };
            for event in events {
                history.last += 1;
                let event = Event {
                    number: history.last,
                    ..event
                };
                let size = event.size();
                history.events.push(Arc::new(event), size);
            }
            history.last
        };
        // The lock is gone before anybody wakes.
        self.updates.send_replace(last);
    }

    /// Wakes the readers, since the rules are others; forgets the events if they hold what may not be sent any more.
    pub(super) fn rules_changed(&self, forgets: bool) {
        if forgets && let Ok(mut history) = self.history.lock() {
            history.events.clear();
        }
        self.updates.send_modify(|_| {});
    }

    /// Adds the events of writes; `store` is the data after them.
    pub(super) fn wrote<'a>(
        &self,
        store: &Store,
        version: u64,
        writes: impl Iterator<Item = (&'a Command, &'a Outcome)>,
    ) {
        let events = writes.flat_map(|(command, outcome)| {
            outcome
                .written
                .iter()
                .enumerate()
                .map(move |(at, written)| {
                    let record = record(store, &written.resource, written.id.as_ref());
                    let what = match (&command.operation, &record) {
                        (Operation::Create, _) => What::Create,
                        (_, None) => What::Delete,
                        (Operation::Delete { .. }, _) if at < outcome.removed => What::Delete,
                        (Operation::Merge(_) | Operation::Delete { .. }, _) => What::Merge,
                        (Operation::Replace, _) => What::Replace,
                    };
                    let record = record.filter(|_| what != What::Delete);
                    Event {
                        number: 0,
                        version,
                        resource: written.resource.clone(),
                        id: written.id.clone(),
                        what,
                        record,
                    }
                })
        });
        self.add(events);
    }

    /// Adds the events of data that took the place of `old` as a whole; `diff` is what differs.
    pub(super) fn reloaded(
        &self,
        (old, new): (&Store, &Store),
        version: u64,
        cause: Cause,
        diff: &[ResourceDiff],
    ) {
        let event = |changes: ResourceChanges, records| Event {
            number: 0,
            version,
            resource: changes.resource.clone(),
            id: None,
            what: What::Reload {
                cause,
                changes,
                records,
            },
            record: None,
        };
        let changed = diff
            .iter()
            .map(|diff| event(diff.changes.clone(), records(new, diff)));
        // An empty resource that came or went has no record that differs.
        let only_in = |one: &Store, other: &Store| -> Vec<String> {
            let names = one.resources().map(Resource::name);
            let only = names.filter(|name| other.resource(name).is_none());
            only.filter(|name| diff.iter().all(|diff| diff.changes.resource != *name))
                .map(str::to_string)
                .collect()
        };
        let empty = [only_in(new, old), only_in(old, new)].concat();
        let empty = empty.into_iter().map(|resource| {
            let changes = ResourceChanges {
                resource,
                ..ResourceChanges::default()
            };
            event(changes, Vec::new())
        });
        self.add(changed.chain(empty));
    }
}

impl Event {
    fn size(&self) -> usize {
        let records = match &self.what {
            What::Reload { records, .. } => records
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
