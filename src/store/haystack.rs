//! All records of a collection as one text, in which a word is found many times faster than record by record.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use imbl::Vector;
use memchr::memmem::Finder;

use super::Record;
use super::query::is_telling;

/// How often a collection is searched as it is before its text is made: that takes as long as a search without it, and
/// the next write drops it.
const ASKED: u32 = if cfg!(test) { 1 } else { 2 };

/// The text of a collection's records, made when it is searched again and again.
#[derive(Debug, Default)]
pub(super) struct Haystack {
    asked: AtomicU32,
    made: OnceLock<Option<Made>>,
}

#[derive(Debug)]
struct Made {
    /// In small letters, each record followed by a byte that no JSON text has.
    text: Vec<u8>,
    /// Where each record ends in the text, and its place in the collection.
    records: Vec<(u32, u32)>,
    /// The places of those whose bytes do not tell what they hold.
    others: Vec<u32>,
}

impl Haystack {
    /// The places of all records that may hold `part`, a text in small letters; `None` where all have to be looked at.
    pub(super) fn candidates(&self, part: &str, rows: &Vector<Arc<Record>>) -> Option<Vec<u32>> {
        if self.asked.fetch_add(1, Relaxed) < ASKED {
            return None;
        }
        let made = self.made.get_or_init(|| Made::of(rows)).as_ref()?;
        let finder = Finder::new(part);
        let mut found = made.others.clone();
        let mut from = 0;
        while let Some(at) = finder.find(&made.text[from..]) {
            let at = (from + at) as u32;
            let record = made.records.partition_point(|(end, _)| *end <= at);
            let Some((end, place)) = made.records.get(record) else { break };
            found.push(*place);
            from = *end as usize;
        }
        found.sort_unstable();
        Some(found)
    }
}

impl Made {
    fn of(rows: &Vector<Arc<Record>>) -> Option<Made> {
        let mut made = Made { text: Vec::new(), records: Vec::with_capacity(rows.len()), others: Vec::new() };
        for (place, record) in (0u32..).zip(rows) {
            let bytes = record.value().as_bytes();
            if !is_telling(bytes) {
                made.others.push(place);
                continue;
            }
            let start = made.text.len();
            made.text.extend_from_slice(bytes);
            made.text[start..].make_ascii_lowercase();
            made.text.push(0);
            // More than that is searched record by record.
            made.records.push((u32::try_from(made.text.len()).ok()?, place));
        }
        Some(made)
    }
}
