//! What points to what: foreign keys by their names (`postId`), and references that the rules declare.

use std::sync::Arc;

use super::plural::singulars;
use super::{Record, ReferenceRule, Refusal, Resource, Store};
use crate::json::{Id, Kind, get_member, items, same_value};

impl Store {
    /// The records that go with the record `first` of the resource at `index`: those that point to it, those that point
    /// to these, and so on. A record that pointed nowhere before stays.
    pub(super) fn dependents(&self, index: usize, first: &Arc<Record>) -> Vec<(usize, Arc<Record>)> {
        let mut gone = vec![(index, first.clone())];
        let mut next = 0;
        while let Some((parent, record)) = gone.get(next).cloned() {
            next += 1;
            let Some(parent) = self.resources.get(parent) else { continue };
            let keys: Vec<String> = singulars(&parent.name)
                .iter()
                .map(|one| format!("{one}{}", self.settings.foreign_key_suffix))
                .collect();
            for (place, child) in self.resources.iter().enumerate() {
                let Some(collection) = child.collection() else { continue };
                let rules = self.settings.references.get(&child.name).map_or(&[][..], Vec::as_slice);
                let rules: Vec<_> = rules.iter().filter(|rule| rule.resource == parent.name && !rule.many).collect();
                let pointing = collection.rows().filter(|row| {
                    keys.iter().any(|key| holds(row.value(), key, record.id()))
                        || rules.iter().any(|rule| points(row.value(), rule, record.value()))
                });
                for row in pointing {
                    if !gone.iter().any(|(known, other)| *known == place && other.number() == row.number()) {
                        gone.push((place, row.clone()));
                    }
                }
            }
        }
        gone
    }

    /// Whether every declared reference of `record` points to a record. What `old`, the record before, had already is
    /// not asked again.
    pub(super) fn check_references(&self, resource: &Resource, record: &str, old: Option<&str>) -> Result<(), Refusal> {
        for rule in self.settings.references.get(&resource.name).into_iter().flatten() {
            let Some(value) = get_member(record, &rule.property) else { continue };
            let known = old.and_then(|old| get_member(old, &rule.property));
            if known.is_some_and(|known| same_value(known, value)) {
                continue;
            }
            let pointers: Vec<&str> = if rule.many { items(value).collect() } else { vec![value] };
            for pointer in pointers {
                if Kind::of(pointer) != Kind::Null && !self.is_there(rule, pointer) {
                    return Err(Refusal::Dangling { rule: rule.clone(), value: pointer.to_string() });
                }
            }
        }
        Ok(())
    }

    fn is_there(&self, rule: &ReferenceRule, value: &str) -> bool {
        let Some(collection) = self.resource(&rule.resource).and_then(Resource::collection) else { return false };
        if rule.target == self.settings.id {
            return Id::from_json(value).is_some_and(|id| collection.get(&id).is_some());
        }
        collection.rows().any(|row| get_member(row.value(), &rule.target).is_some_and(|known| same_value(known, value)))
    }
}

fn holds(record: &str, key: &str, id: Option<&Id>) -> bool {
    // Most records hold no such key, and to look for its bytes is many times faster than to read the members.
    id.is_some()
        && memchr::memmem::find(record.as_bytes(), key.as_bytes()).is_some()
        && get_member(record, key).and_then(Id::from_json).as_ref() == id
}

fn points(record: &str, rule: &ReferenceRule, parent: &str) -> bool {
    match (get_member(record, &rule.property), get_member(parent, &rule.target)) {
        (Some(pointer), Some(target)) => Kind::of(pointer) != Kind::Null && same_value(pointer, target),
        _ => false,
    }
}
