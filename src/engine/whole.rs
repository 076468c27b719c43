//! Lists as they are sent whole, kept for as long as the data is as it is.

use std::sync::Mutex;

use bytes::Bytes;

use crate::json::tag;
use crate::store::Resource;

/// Longer lists are put together anew for every answer, so that the memory that they take is bounded.
const LARGEST: usize = 4 * 1024 * 1024;

/// The lists of one version of the data that have been asked for.
#[derive(Debug, Default)]
pub(super) struct Wholes(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    resource: String,
    list: Bytes,
    tag: String,
}

impl Wholes {
    /// The list of `resource`, pretty printed, with its entity tag.
    pub(super) fn get(&self, resource: &Resource) -> (Bytes, String) {
        let kept = self.0.lock().ok().and_then(|all| {
            let kept = all.iter().find(|kept| kept.resource == resource.name())?;
            Some((kept.list.clone(), kept.tag.clone()))
        });
        if let Some(kept) = kept {
            return kept;
        }
        let mut list = Vec::new();
        resource.write(&mut list, "");
        let (tag, list) = (tag(&list), Bytes::from(list));
        if list.len() <= LARGEST
            && let Ok(mut all) = self.0.lock()
            && !all.iter().any(|kept| kept.resource == resource.name())
        {
            all.push(Kept { resource: resource.name().to_string(), list: list.clone(), tag: tag.clone() });
        }
        (list, tag)
    }
}
