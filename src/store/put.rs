//! Records put as they are to be: writes that were carried out once, carried out again on the data that they were carried
//! out on, and what a merge decides.

use std::sync::Arc;

use super::index::Ids;
use super::{Collection, Data, Resource, Store, Written};
use crate::json::{Id, Kind, RecordText, get_member, indent_of};

/// How the text of a record that was not there before is laid out.
pub(super) enum Look {
    /// As it is.
    Own,
    /// As its neighbours.
    Neighbours,
}

impl Store {
    /// Makes `now` of a record or a single object that was `was`; `None` where it was not there, or is to be gone. The
    /// text is taken as it is. `false`: it cannot be, and nothing has changed.
    pub fn redo(&mut self, what: &Written, was: Option<&str>, now: Option<&str>) -> bool {
        let Some(id) = &what.id else {
            let Some(index) = self.index_of(&what.resource) else { return false };
            let data = self.resources.get_mut(index).map(|resource| &mut Arc::make_mut(resource).data);
            let (Some(data @ Data::Object(_)), Some(text)) = (data, now) else { return false };
            if Kind::of(text) != Kind::Object {
                return false;
            }
            *data = Data::Object(text.into());
            return true;
        };
        self.put(&what.resource, id, was, (now, Look::Own))
    }

    /// Makes a record what `now` says; `None`: it is to be gone. Of several with that id it is the one that is `was`, or
    /// else the first. `false`: it cannot be, and nothing has changed.
    pub(super) fn put(
        &mut self,
        resource: &str,
        id: &Id,
        was: Option<&str>,
        (now, look): (Option<&str>, Look),
    ) -> bool {
        let Some(index) = self.index_of(resource) else { return false };
        let style = self.style(index);
        let id_property = self.settings.id.clone();
        let Some(Resource { data: Data::Collection(collection), .. }) =
            self.resources.get_mut(index).map(Arc::make_mut)
        else {
            return false;
        };
        let of_id = collection.by_id(Ids::hash(id)).filter(|record| record.id() == Some(id));
        let old = of_id.filter(|record| Some(record.value()) == was).min_by_key(|record| record.number());
        let old = old.or_else(|| collection.get(id)).cloned();
        if let Some(now) = now {
            let own = old.as_ref().map(|old| old.number());
            if collection.unique.iter().any(|unique| unique.holder(now, own).is_some()) {
                return false;
            }
        }
        collection.untouched = None;
        match (old, now) {
            (Some(old), Some(now)) => {
                let text = old.text.with_value(now);
                collection.replace(&old, text);
            }
            (Some(old), None) => collection.remove_all(&[&old]),
            (None, Some(now)) => {
                if let Some(json) = get_member(now, &id_property) {
                    collection.id_sequence.observe(json);
                }
                let leading = if collection.is_empty() {
                    collection.closing = style.closing.as_str().into();
                    &style.first_leading
                } else {
                    &style.leading
                };
                let text = match look {
                    Look::Own => RecordText::new(leading, now),
                    Look::Neighbours => RecordText::new(leading, &style.layout.render(now, indent_of(leading))),
                };
                collection.push(Some(id.clone()), text);
            }
            (None, None) => {}
        }
        true
    }

    /// The text of the record that this store has and `after`, which came of it, has not.
    pub fn lost_in(&self, after: &Store, what: &Written) -> Option<&str> {
        let (id, hash) = (what.id.as_ref()?, Ids::hash(what.id.as_ref()?));
        let has = |collection: &Collection, number: u64| {
            collection.by_id(hash).any(|record| record.id() == Some(id) && record.number() == number)
        };
        let now = after.resource(&what.resource).and_then(Resource::collection);
        let records = self.resource(&what.resource)?.collection()?.by_id(hash);
        let mut lost =
            records.filter(|record| record.id() == Some(id) && !now.is_some_and(|now| has(now, record.number())));
        lost.next().map(|record| record.value())
    }
}
