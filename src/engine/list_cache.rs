//! A cache of whole lists as they are sent, one for each version of the data.

use std::sync::Mutex;

use bytes::Bytes;

use crate::json::tag;
use crate::memory::BoundedQueue;
use crate::store::Resource;
use crate::work::Work;

/// The lists of one version of the data that were requested.
#[derive(Debug)]
pub(super) struct ListCache {
    lists: Mutex<BoundedQueue<CachedList>>,
    most_bytes: usize,
}

#[derive(Debug)]
struct CachedList {
    resource: String,
    list: Bytes,
    tag: String,
}

impl ListCache {
    /// A cache of `most_bytes`.
    pub(super) fn new(most_bytes: usize) -> ListCache {
        ListCache {
            lists: Mutex::new(BoundedQueue::new(usize::MAX, most_bytes)),
            most_bytes,
        }
    }

    /// The list of `resource`, pretty printed, with its entity tag; not complete if `work` was stopped.
    pub(super) fn get(&self, resource: &Resource, work: &Work<'_>) -> (Bytes, String) {
        let cached = self.lists.lock().ok().and_then(|all| {
            let cached = all
                .iter()
                .find(|cached| cached.resource == resource.name())?;
            Some((cached.list.clone(), cached.tag.clone()))
        });
        if let Some(cached) = cached {
            return cached;
        }
        let mut list = Vec::new();
        resource.write(&mut list, "", work);
        let (tag, list) = (tag(&list), Bytes::from(list));
        if !work.is_stopped()
            && list.len() <= self.most_bytes
            && let Ok(mut all) = self.lists.lock()
            && !all.iter().any(|cached| cached.resource == resource.name())
        {
            let cached = CachedList {
                resource: resource.name().to_string(),
                list: list.clone(),
                tag: tag.clone(),
            };
            all.push(cached, list.len());
        }
        (list, tag)
    }
}
