//! The difference between two stores. Records are matched by their ids.

use std::sync::Arc;

use super::{Collection, Data, Resource, Store, Written};

/// How many records of a resource were added, changed and removed.
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

/// What differs in one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceDiff {
    /// How much differs.
    pub changes: ResourceChanges,
    /// The records with ids that differ, or the single object: those that are there now, then those that are gone.
    pub things: Vec<Written>,
}

impl Store {
    /// What has changed from `old` to this store, by resource; without those that are the same.
    pub fn diff(&self, old: &Store) -> Vec<ResourceDiff> {
        let now = self
            .resources()
            .map(|new| (new.name(), old.resource(new.name()), Some(new)));
        let gone = old
            .resources()
            .filter(|old| self.resource(old.name()).is_none());
        let gone = gone.map(|old| (old.name(), Some(old), None));
        let differs =
            |(_, old, new): &(&str, Option<&Resource>, Option<&Resource>)| match (old, new) {
                (Some(old), Some(new)) => !std::ptr::eq(*old, *new),
                _ => true,
            };
        let diff = |(name, old, new): (&str, Option<&Resource>, Option<&Resource>)| {
            ResourceDiff::new(name, old.map(Resource::data), new.map(Resource::data))
        };
        now.chain(gone)
            .filter(differs)
            .map(diff)
            .filter(|diff| !diff.is_empty())
            .collect()
    }

    /// The things that differ between `old` and this store.
    pub fn written_since(&self, old: &Store) -> Vec<Written> {
        self.diff(old)
            .into_iter()
            .flat_map(|diff| diff.things)
            .collect()
    }
}

impl ResourceDiff {
    fn new(name: &str, old: Option<&Data>, new: Option<&Data>) -> ResourceDiff {
        let resource = name.to_string();
        let changes = ResourceChanges {
            resource: resource.clone(),
            added: 0,
            changed: 0,
            removed: 0,
        };
        let mut diff = ResourceDiff {
            changes,
            things: Vec::new(),
        };
        match (old, new) {
            (Some(Data::Collection(old)), Some(Data::Collection(new))) => {
                diff.collections(old, new)
            }
            (Some(Data::Object(old)), Some(Data::Object(new))) if old != new => {
                diff.changes.changed = 1;
                diff.things.push(Written { resource, id: None });
            }
            (Some(Data::Object(_)), Some(Data::Object(_))) => {}
            (Some(Data::Scalar(old)), Some(Data::Scalar(new))) => {
                diff.changes.changed = usize::from(old != new)
            }
            (Some(Data::Object(_) | Data::Scalar(_)), Some(Data::Object(_) | Data::Scalar(_))) => {
                diff.changes.changed = 1
            }
            (old, new) => {
                diff.changes.removed = old.map_or(0, count);
                diff.changes.added = new.map_or(0, count);
            }
        }
        diff
    }

    fn collections(&mut self, old: &Collection, new: &Collection) {
        let mut rest = Vec::new();
        for record in new.rows() {
            // Of several records with one id only the first is found by it.
            let Some(id) = record
                .id()
                .filter(|id| new.get(id).is_some_and(|first| Arc::ptr_eq(first, record)))
            else {
                rest.push(record.value());
                continue;
            };
            match old.get(id) {
                Some(before) if Arc::ptr_eq(before, record) || before.value() == record.value() => {
                    continue;
                }
                Some(_) => self.changes.changed += 1,
                None => self.changes.added += 1,
            }
            self.things.push(Written {
                resource: self.changes.resource.clone(),
                id: Some(id.clone()),
            });
        }
        let mut old_rest = Vec::new();
        for record in old.rows() {
            match record
                .id()
                .filter(|id| old.get(id).is_some_and(|first| Arc::ptr_eq(first, record)))
            {
                None => old_rest.push(record.value()),
                Some(id) if new.get(id).is_none() => {
                    self.changes.removed += 1;
                    self.things.push(Written {
                        resource: self.changes.resource.clone(),
                        id: Some(id.clone()),
                    });
                }
                Some(_) => {}
            }
        }
        // What has no id of its own is compared by its place.
        self.changes.changed += rest
            .iter()
            .zip(&old_rest)
            .filter(|(new, old)| new != old)
            .count();
        self.changes.added += rest.len().saturating_sub(old_rest.len());
        self.changes.removed += old_rest.len().saturating_sub(rest.len());
    }

    fn is_empty(&self) -> bool {
        let ResourceChanges {
            added,
            changed,
            removed,
            ..
        } = self.changes;
        (added, changed, removed) == (0, 0, 0)
    }
}

fn count(data: &Data) -> usize {
    if let Data::Collection(rows) = data {
        rows.len()
    } else {
        1
    }
}
