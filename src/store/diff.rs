//! The difference between two stores, up to white space: a formatter changes no record. Records are matched by their
//! ids.

use std::sync::Arc;

use super::{Collection, Data, Record, Resource, Store, Written};
use crate::json::{Id, same_value};

/// How many records of a resource were added, changed and removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceChanges {
    /// The resource.
    pub resource: String,
    /// New records.
    pub added: usize,
    /// Records with another value.
    pub changed: usize,
    /// Records that are gone.
    pub removed: usize,
}

/// The differences in one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceDiff {
    /// How much differs.
    pub changes: ResourceChanges,
    /// The records with ids that differ, or the single object: those that are there now, then those that are gone.
    pub things: Vec<Written>,
}

/// The things that differ in all of `diff`.
pub fn things(diff: &[ResourceDiff]) -> impl Iterator<Item = &Written> {
    diff.iter().flat_map(|diff| &diff.things)
}

impl Store {
    /// The differences from `old` to this store, by resource; resources that are the same are left out.
    pub fn diff(&self, old: &Store) -> Vec<ResourceDiff> {
        let gone = (old.resources()).filter(|old| self.resource(old.name()).is_none());
        let names = self.resources().chain(gone).map(Resource::name);
        let differs = |name: &str| match (old.resource(name), self.resource(name)) {
            (Some(old), Some(new)) if std::ptr::eq(old, new) => None,
            (old, new) => {
                let (old, new) = (old.map(Resource::data), new.map(Resource::data));
                Some(ResourceDiff::new(name, old, new))
            }
        };
        names
            .filter_map(differs)
            .filter(|diff| !diff.is_empty())
            .collect()
    }

    /// The things that differ between `old` and this store.
    pub fn written_since(&self, old: &Store) -> Vec<Written> {
        things(&self.diff(old)).cloned().collect()
    }
}

impl ResourceDiff {
    fn new(name: &str, old: Option<&Data>, new: Option<&Data>) -> ResourceDiff {
        let mut diff = ResourceDiff::default();
        diff.changes.resource = name.to_string();
        match (old, new) {
            (Some(Data::Collection(old)), Some(Data::Collection(new))) => {
                diff.collections(old, new);
            }
            (Some(Data::Object(old)), Some(Data::Object(new))) => {
                if !same_value(old, new) {
                    diff.changes.changed = 1;
                    diff.add(None);
                }
            }
            (Some(Data::Scalar(old)), Some(Data::Scalar(new))) if same_value(old, new) => {}
            (Some(Data::Object(_) | Data::Scalar(_)), Some(Data::Object(_) | Data::Scalar(_))) => {
                diff.changes.changed = 1;
            }
            (old, new) => {
                diff.changes.removed = old.map_or(0, count);
                diff.changes.added = new.map_or(0, count);
            }
        }
        diff
    }

    fn add(&mut self, id: Option<&Id>) {
        self.things.push(Written {
            resource: self.changes.resource.clone(),
            id: id.cloned(),
        });
    }

    fn collections(&mut self, old: &Collection, new: &Collection) {
        let mut rest = Vec::new();
        for record in new.rows() {
            let Some(id) = own_id(new, record) else {
                rest.push(record.value());
                continue;
            };
            match old.get(id) {
                Some(before)
                    if Arc::ptr_eq(before, record)
                        || same_value(before.value(), record.value()) =>
                {
                    continue;
                }
                Some(_) => self.changes.changed += 1,
                None => self.changes.added += 1,
            }
            self.add(Some(id));
        }
        let mut old_rest = Vec::new();
        for record in old.rows() {
            match own_id(old, record) {
                None => old_rest.push(record.value()),
                Some(id) if new.get(id).is_none() => {
                    self.changes.removed += 1;
                    self.add(Some(id));
                }
                Some(_) => {}
            }
        }
        // Records without an id, or with a repeated one, are compared by position.
        let pairs = rest.iter().zip(&old_rest);
        self.changes.changed += pairs.filter(|(new, old)| !same_value(new, old)).count();
        self.changes.added += rest.len().saturating_sub(old_rest.len());
        self.changes.removed += old_rest.len().saturating_sub(rest.len());
    }

    fn is_empty(&self) -> bool {
        let changes = &self.changes;
        changes.added + changes.changed + changes.removed == 0
    }
}

/// The id by which `record` is found in `rows`: of several records with one id only the first is.
fn own_id<'r>(rows: &Collection, record: &'r Arc<Record>) -> Option<&'r Id> {
    let is_first = |id: &&Id| rows.get(id).is_some_and(|first| Arc::ptr_eq(first, record));
    record.id().filter(is_first)
}

fn count(data: &Data) -> usize {
    match data {
        Data::Collection(rows) => rows.len(),
        _ => 1,
    }
}
