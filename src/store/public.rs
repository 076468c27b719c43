//! The public view of the data: records without their `writeOnly` values. [`Store::public_text`] is the one place that
//! decides; a [`Store::public`] has only public values, so code that reads from it cannot leak the others.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use super::{Data, Record, Resource, Store};
use crate::json::{Kind, Layout, items, members, with_member, without_member};
use crate::rules::Hidden;

impl Store {
    /// The public part of `text`, a record of `resource`.
    pub fn public_text<'t>(&self, resource: &str, text: &'t str) -> Cow<'t, str> {
        let hidden = self
            .settings
            .schema
            .rules(resource)
            .map(|rules| &rules.hidden);
        let hidden = hidden.filter(|hidden| !hidden.is_empty());
        let public = hidden.and_then(|hidden| without(text, hidden, &[0]));
        public.map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// The public view of this store. `before` is an earlier state with its public view, from which unchanged records
    /// are reused.
    pub fn public(&self, before: Option<(&Store, &Store)>) -> Store {
        let mut public = self.clone();
        let hiding = (self.settings.schema.iter()).filter(|rules| !rules.hidden.is_empty());
        for name in hiding.map(|rules| rules.resource.as_str()) {
            let Some(index) = self.index_of(name) else {
                continue;
            };
            let known = before.and_then(|(full, public)| {
                let same = Arc::ptr_eq(full.resources.get(index)?, &self.resources[index]);
                same.then(|| public.resources.get(index).cloned())?
            });
            public.resources[index] = known.unwrap_or_else(|| {
                let resource = &self.resources[index];
                resource.with_data(match &resource.data {
                    Data::Collection(collection) => {
                        let rows = collection.rows();
                        let records = rows.map(|record| self.public_record(name, record));
                        Data::Collection(collection.with_rows(records))
                    }
                    Data::Object(text) => {
                        Data::Object(self.public_text(name, text).as_ref().into())
                    }
                    Data::Scalar(text) => Data::Scalar(text.clone()),
                })
            });
        }
        public
    }

    fn public_record(&self, resource: &str, record: &Arc<Record>) -> Arc<Record> {
        match self.public_text(resource, record.value()) {
            Cow::Borrowed(_) => record.clone(),
            Cow::Owned(text) => {
                let text = record.text.with_value(&text);
                Arc::new(record.replaced_by(record.id().cloned(), text))
            }
        }
    }

    /// This store with only the records of `resource` for which `keep` returns true; without `keep`, with none.
    pub fn narrowed(&self, resource: &str, keep: Option<&dyn Fn(&Record) -> bool>) -> Store {
        let mut narrowed = self.clone();
        let Some(index) = self.index_of(resource) else {
            return narrowed;
        };
        let data = match (&self.resources[index].data, keep) {
            (Data::Collection(collection), keep) => {
                let is_kept = |record: &&Arc<Record>| keep.is_some_and(|keep| keep(record));
                let kept = collection.rows().filter(is_kept);
                Data::Collection(collection.with_rows(kept.cloned()))
            }
            (_, Some(_)) => return narrowed,
            (Data::Object(_), None) => Data::Object("{}".into()),
            (Data::Scalar(_), None) => Data::Scalar("null".into()),
        };
        narrowed.resources[index] = self.resources[index].with_data(data);
        narrowed
    }
}

impl Resource {
    pub(super) fn with_data(&self, data: Data) -> Arc<Resource> {
        Arc::new(Resource {
            name: self.name.clone(),
            before: self.before.clone(),
            data,
            singulars: OnceLock::new(),
        })
    }
}

/// `text`, which is at the places `at`, without what is hidden in it; `None` if nothing is hidden.
fn without(text: &str, hidden: &Hidden, at: &[usize]) -> Option<String> {
    match Kind::of(text) {
        Kind::Object => {
            let mut changed: Option<String> = None;
            for member in members(text) {
                let next = hidden.member(at, &member.key);
                if next.is_empty() {
                    continue;
                }
                let object = changed.as_deref().unwrap_or(text);
                if hidden.hides(&next) {
                    changed = Some(without_member(object, &member.key, Layout::PRETTY, ""));
                } else if let Some(inner) = without(member.value, hidden, &next) {
                    changed = Some(with_member(object, &member.key, &inner, Layout::PRETTY, ""));
                }
            }
            changed
        }
        Kind::Array => {
            let next = hidden.items(at);
            if next.is_empty() {
                return None;
            }
            let public: Vec<Cow<str>> = items(text)
                .map(|item| without(item, hidden, &next).map_or(Cow::Borrowed(item), Cow::Owned))
                .collect();
            let is_other = |item: &Cow<str>| matches!(item, Cow::Owned(_));
            let is_changed = public.iter().any(is_other);
            is_changed.then(|| format!("[{}]", public.join(",")))
        }
        _ => None,
    }
}
