//! A cache of whole lists as they are sent, one for each version of the data.

use bytes::Bytes;

use crate::json::tag;
use crate::memory::SharedQueue;
use crate::store::Resource;
use crate::work::Work;

/// The lists of one version of the data that were requested.
#[derive(Debug)]
pub(super) struct ListCache {
    lists: SharedQueue<CachedList>,
    most_bytes: usize,
}

#[derive(Debug, Clone)]
struct CachedList {
    resource: String,
    list: Bytes,
    tag: String,
}

impl ListCache {
    /// A cache of `most_bytes`.
    pub(super) fn new(most_bytes: usize) -> ListCache {
        ListCache {
            lists: SharedQueue::new(usize::MAX, most_bytes),
            most_bytes,
        }
    }

    /// The list of `resource`, pretty printed, with its entity tag; not complete if `work` was stopped.
    pub(super) fn get(&self, resource: &Resource, work: &Work<'_>) -> (Bytes, String) {
        let is_of = |cached: &&CachedList| cached.resource == resource.name();
        if let Some(cached) = self.lists.lock().iter().find(is_of) {
            return (cached.list.clone(), cached.tag.clone());
        }
        let mut list = Vec::new();
        resource.write(&mut list, "", work);
        let (tag, list) = (tag(&list), Bytes::from(list));
        let mut lists = self.lists.lock();
        if !work.is_stopped()
            && list.len() <= self.most_bytes
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
