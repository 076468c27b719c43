//! A cache of whole lists as they are sent, one for each version of the data.

use std::sync::Mutex;

use bytes::Bytes;

use crate::json::tag;
use crate::store::Resource;
use crate::work::Work;

/// Longer lists are not cached, to bound the memory.
const LARGEST: usize = 4 * 1024 * 1024;

/// The lists of one version of the data that were requested.
#[derive(Debug, Default)]
pub(super) struct ListCache(Mutex<Vec<CachedList>>);

#[derive(Debug)]
struct CachedList {
    resource: String,
    list: Bytes,
    tag: String,
}

impl ListCache {
    /// The list of `resource`, pretty printed, with its entity tag; not complete if `work` was stopped.
    pub(super) fn get(&self, resource: &Resource, work: &Work<'_>) -> (Bytes, String) {
        let cached = self.0.lock().ok().and_then(|all| {
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
            && list.len() <= LARGEST
            && let Ok(mut all) = self.0.lock()
            && !all.iter().any(|cached| cached.resource == resource.name())
        {
            all.push(CachedList {
                resource: resource.name().to_string(),
                list: list.clone(),
                tag: tag.clone(),
            });
        }
        (list, tag)
    }
}
