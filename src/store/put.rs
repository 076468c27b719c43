//! Writes that were carried out once, carried out again on the data that they were carried out on.

use super::index::Ids;
use super::{Collection, Data, Resource, Store, Written};
use crate::json::{Chunk, Kind, get_member};

impl Store {
    /// Makes `now` of a record or a single object that was `was`; `None` where it was not there, or is to be gone. The
    /// text is taken as it is. `false`: it cannot be, and nothing has changed.
    pub fn redo(&mut self, what: &Written, was: Option<&str>, now: Option<&str>) -> bool {
        let Some(index) = self.index_of(&what.resource) else { return false };
        let style = self.style(index);
        let id_property = self.settings.id.clone();
        let Some(Resource { data, .. }) = self.resources.get_mut(index).map(std::sync::Arc::make_mut) else {
            return false;
        };
        let (collection, id) = match (data, &what.id) {
            (Data::Collection(collection), Some(id)) => (collection, id),
            (data @ Data::Object(_), None) => {
                let text = now.filter(|text| Kind::of(text) == Kind::Object);
                return text.map(|text| *data = Data::Object(text.into())).is_some();
            }
            _ => return false,
        };
        // Two records of a file may have one id: it is the one that was so.
        let of_id = || collection.by_id(Ids::hash(id)).filter(|record| record.id() == Some(id));
        let old = of_id().filter(|record| Some(record.value()) == was).min_by_key(|record| record.number());
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
                let chunk = old.chunk.with_value(now);
                collection.replace(&old, chunk);
            }
            (Some(old), None) => collection.remove(&old),
            (None, Some(now)) => {
                if let Some(json) = get_member(now, &id_property) {
                    collection.highest.see(json);
                }
                let lead = if collection.is_empty() {
                    collection.close = style.close.as_str().into();
                    &style.first_lead
                } else {
                    &style.lead
                };
                collection.push(Some(id.clone()), Chunk::new(lead, now));
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
