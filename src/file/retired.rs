//! Files that were exchanged for newer ones while somebody had them open, and what is still written to them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{Content, DataFile, Edit, Handle, Sharing};

/// A file that was exchanged for a newer one.
pub(super) struct Retired {
    handle: Box<dyn Handle>,
    /// What it held when it was put aside or looked at last, and the number of the state in which it was put aside.
    content: Content,
    number: u64,
    /// Its name, kept so that a crash does not take along what is written to it.
    name: Option<PathBuf>,
    /// Where the system does not tell whether somebody has it open: until when it is watched.
    until: Option<Instant>,
}

/// How many files that somebody has open are watched.
const MOST: usize = 64;
/// How long a file is watched where the system does not tell whether somebody has it open.
const BLIND: Duration = Duration::from_secs(2);

impl DataFile {
    pub(super) fn retire(
        &mut self,
        handle: Box<dyn Handle>,
        sharing: Sharing,
        content: Content,
        name: Option<PathBuf>,
    ) {
        if self.retired.len() >= MOST {
            let oldest = self.retired.remove(0);
            self.drop_name(&oldest);
        }
        let until = (sharing == Sharing::Unknown).then(|| Instant::now() + BLIND);
        self.retired.push(Retired { handle, content, number: self.number, name, until });
    }

    fn drop_name(&self, retired: &Retired) {
        if let Some(name) = &retired.name {
            // Left there it does no harm, and the next start removes it.
            let _ = self.medium.remove(name);
        }
    }

    /// What was written to a file after it was exchanged for a newer one, by whoever had it open; with it the number of
    /// the state that they had opened. Text that is not complete yet stays until it is, or until it is left alone.
    ///
    /// What was returned before counts as saved when this is called again.
    pub fn late_edits(&mut self, is_complete: impl Fn(&[u8]) -> bool) -> Vec<(Edit, u64)> {
        let mut edits = Vec::new();
        let mut retired = std::mem::take(&mut self.retired);
        retired.retain_mut(|retired| {
            let closed = match retired.handle.sharing() {
                Sharing::Alone => true,
                Sharing::Shared => false,
                Sharing::Unknown => retired.until.is_none_or(|until| until <= Instant::now()),
            };
            let Ok(bytes) = retired.handle.read() else { return false };
            let content = Content::of(&bytes);
            if content == retired.content {
                if closed {
                    self.drop_name(retired);
                }
                return !closed;
            }
            if closed || is_complete(&bytes) {
                retired.content = content;
                let earlier = self.seen.get(&content).copied();
                if content != self.known.content {
                    edits.push((Edit { bytes, earlier, age: Duration::ZERO }, retired.number));
                }
            }
            true
        });
        self.retired = retired;
        edits
    }

    /// Whether the file of the state `number` was exchanged while somebody had it open, and still is.
    pub fn holds_retired(&self, number: u64) -> bool {
        self.retired.iter().any(|retired| retired.number == number)
    }

    /// Whether somebody has a file open that was exchanged for a newer one.
    pub fn is_watched_for_late_edits(&self) -> bool {
        !self.retired.is_empty()
    }
}
