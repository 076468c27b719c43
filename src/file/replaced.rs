//! Files that a save has replaced. An editor that had one open before the save still writes to the old inode
//! afterwards, and the edit would be lost: so each is kept open for a while and checked.
//!
//! Reading a large file takes long, so the file that was swapped out is accepted by its stamp, if that is settled. But
//! somebody may have written to it just before the exchange and set the mtime back, which only reading it shows; and
//! the stamp of the new file is not settled yet. So both are read on a thread a little later. Until then the old file
//! keeps the scratch file's name, by which the next start would find an edit. If its content has changed, that is a
//! late edit.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use super::{Content, DataFile, Edit, Handle, Known, Medium, Stamp, recover};

/// A replaced, unlinked file that is held open.
pub(super) struct Replaced {
    handle: Box<dyn Handle>,
    pub(super) stamp: Stamp,
    pub(super) content: Content,
    /// An incomplete text was written to it.
    is_partial: bool,
}

/// A [`Replaced`] that is checked for late edits.
pub(super) struct Checked {
    file: Replaced,
    /// The number of the state that it held.
    state: u64,
    until: Instant,
}

/// A finished save whose files have not been verified yet.
pub(super) struct Unchecked {
    /// The path of the old file.
    at: PathBuf,
    /// The state of the file after the save.
    number: u64,
    /// The time from which on the stamp of the new file is settled.
    due: Instant,
    thread: Option<JoinHandle<[io::Result<Known>; 2]>>,
}

/// How often to poll whether a thread is done.
const POLL: Duration = Duration::from_millis(10);
/// For how long a replaced file is checked.
const CHECKED_FOR: Duration = Duration::from_secs(5);
/// How many are kept open, and how much disk space they may occupy; the newest is kept whatever its size.
const MOST: usize = 64;
const MOST_BYTES: usize = 256 * 1024 * 1024;
/// From this size on, closing one takes long, because the system frees its blocks.
const LARGE: usize = 16 * 1024 * 1024;

fn read(medium: &dyn Medium, path: &Path) -> io::Result<Known> {
    let handle = medium.open(path)?;
    let stamp = handle.stamp()?;
    let content = handle.content()?;
    Ok(Known { stamp, content })
}

impl DataFile {
    /// Schedules the verification of the save that was just done.
    pub(super) fn check_later(&mut self, at: PathBuf) {
        let settles_in = self
            .medium
            .stamp(&self.path)
            .ok()
            .and_then(|now| now.settles_in());
        self.unchecked = Some(Unchecked {
            at,
            number: self.number,
            due: Instant::now() + settles_in.unwrap_or_default(),
            thread: None,
        });
    }

    /// The time to call [`DataFile::check`], if files of the last save have not been read yet.
    pub fn check_due(&self) -> Option<Instant> {
        self.unchecked
            .as_ref()
            .map(|unchecked| match unchecked.thread {
                Some(_) => Instant::now() + POLL,
                None => unchecked.due,
            })
    }

    /// Whether the file that the state `number` replaced has not been verified yet.
    fn is_unchecked(&self, number: u64) -> bool {
        let unchecked = self.unchecked.as_ref();
        unchecked.is_some_and(|unchecked| unchecked.number == number + 1)
    }

    /// Verifies the files of the last save on a separate thread when that is due, and collects the result.
    pub fn check(&mut self) {
        let Some(unchecked) = &mut self.unchecked else {
            return;
        };
        match &unchecked.thread {
            Some(thread) if thread.is_finished() => self.end_check(),
            None if unchecked.due <= Instant::now() => {
                let (medium, new, old) =
                    (self.medium.clone(), self.path.clone(), unchecked.at.clone());
                let thread = std::thread::Builder::new().name("standin-save".into());
                let read = move || [&new, &old].map(|path| read(&*medium, path));
                match thread.spawn(read) {
                    Ok(thread) => unchecked.thread = Some(thread),
                    Err(_) => self.end_check(),
                }
            }
            _ => {}
        }
    }

    /// Like [`DataFile::check`], at once.
    pub fn end_check(&mut self) {
        let Some(unchecked) = self.unchecked.take() else {
            return;
        };
        let found = unchecked.thread.and_then(|thread| thread.join().ok());
        let [new, old] = found
            .unwrap_or_else(|| [&self.path, &unchecked.at].map(|path| read(&*self.medium, path)));
        let state = unchecked.number - 1;
        if let Some(file) = self.replaced(state) {
            let is_same = |found: &Known| {
                found.content == file.content
                    && matches!(file.handle.stamp(), Ok(now) if now.is_same(&found.stamp))
            };
            match old.ok().filter(is_same) {
                Some(found) => file.stamp = found.stamp,
                // It is read when late edits are looked for.
                None => file.stamp.modified = None,
            }
        }
        if let Ok(new) = new
            && self.number == unchecked.number
            && self.known.content == new.content
            && self.known.stamp.is_same(&new.stamp)
        {
            self.known = new;
        }
        // If it stays it does no harm, and the next start removes it.
        let _ = self.medium.remove(&unchecked.at);
        if let Some(file) = self.replaced(state) {
            file.unlinked();
        }
    }

    /// The file of the state `number`.
    fn replaced(&mut self, number: u64) -> Option<&mut Replaced> {
        let mut replaced = self.replaced.iter_mut();
        let checked = replaced.find(|checked| checked.state == number)?;
        Some(&mut checked.file)
    }

    pub(super) fn keep_replaced(&mut self, mut file: Replaced) {
        file.unlinked();
        self.replaced.push_back(Checked {
            file,
            state: self.number,
            until: Instant::now() + CHECKED_FOR,
        });
    }

    /// Like [`DataFile::keep_replaced`], for a file that another program has replaced at `time`. Writes before that are
    /// ignored, and so is a file that has another name now: that is up to the other program.
    pub(super) fn keep_unlinked(&mut self, time: Option<SystemTime>) {
        let Known { stamp, content } = self.known;
        let lock = self.lock.as_ref();
        let Some(file) = lock.and_then(|lock| lock.unlinked(stamp.identity)) else {
            return;
        };
        let mut file = Replaced::new(Box::new(file), stamp, content);
        match file.handle.stamp() {
            Ok(now) if now != stamp && now.modified <= time => {
                let Ok(content) = file.handle.content() else {
                    return;
                };
                (file.stamp, file.content) = (now, content);
            }
            _ => {}
        }
        self.keep_replaced(file);
    }

    /// The late edits of replaced files, oldest first, each with the number of the state that the editor had opened. An
    /// incomplete text is left until it is complete, or until the file is closed. A file is read only if its stamp has
    /// changed.
    pub fn late_edits(&mut self, is_complete: impl Fn(&[u8]) -> bool) -> Vec<(Edit, u64)> {
        let now = Instant::now();
        let mut edits = Vec::new();
        let mut bytes = 0;
        let (mut kept, mut dropped) = (Vec::new(), Vec::new());
        for mut checked in std::mem::take(&mut self.replaced).into_iter().rev() {
            bytes += checked.file.content.size;
            let is_unchecked = self.is_unchecked(checked.state);
            let is_over_limit = !kept.is_empty() && (kept.len() >= MOST || bytes > MOST_BYTES);
            let is_surplus = is_over_limit && !checked.file.is_partial && !is_unchecked;
            let is_last = is_surplus || (checked.until <= now && !is_unchecked);
            let before = checked.file.stamp;
            let changed = checked.file.changed(is_last, &is_complete);
            let is_kept = if changed.is_some() {
                checked.until = now + CHECKED_FOR;
                !is_surplus
            } else {
                !is_last
            };
            let content = checked.file.content;
            if let Some(bytes) = changed.filter(|_| content != self.known.content) {
                let edit = Edit {
                    bytes,
                    earlier: self.seen.get(&content).copied(),
                    found: now,
                    age: Duration::ZERO,
                    saved: checked.file.saved(before),
                };
                edits.push((edit, checked.state));
            }
            if is_kept {
                kept.push(checked);
            } else {
                dropped.push(checked);
            }
        }
        if dropped
            .iter()
            .any(|checked| checked.file.content.size > LARGE)
        {
            let thread = std::thread::Builder::new().name("standin-close".into());
            let _ = thread.spawn(move || drop(dropped));
        }
        self.replaced = kept.into_iter().rev().collect();
        edits.sort_by_key(|(edit, _): &(Edit, u64)| edit.saved);
        edits
    }

    /// Copies a late edit to a separate file until the data file has it: a crash would lose it otherwise.
    pub fn keep_copy(&mut self, text: &[u8]) {
        let path = recover::edit_name(&self.path, Content::of(text));
        if let Err(error) = self.write_linked(&path, text, self.flushes()) {
            tracing::debug!(%error, "cannot copy a late edit");
        }
        self.copies.push(path);
    }

    /// Removes the copies: the data file has all late edits that were found.
    pub(super) fn drop_copies(&mut self) {
        for copy in self.copies.drain(..) {
            // If it stays it does no harm: the next start keeps it for a person.
            let _ = self.medium.remove(&copy);
        }
    }

    /// The states of the files that are checked for late edits.
    pub fn replaced_states(&self) -> impl Iterator<Item = u64> {
        self.replaced.iter().map(|checked| checked.state)
    }

    /// Whether any file is checked for late edits.
    pub fn checks_any_replaced(&self) -> bool {
        !self.replaced.is_empty()
    }
}

impl Replaced {
    pub(super) fn new(handle: Box<dyn Handle>, stamp: Stamp, content: Content) -> Replaced {
        Replaced {
            handle,
            stamp,
            content,
            is_partial: false,
        }
    }

    /// Updates the stamp after the unlink, which changes the ctime.
    fn unlinked(&mut self) {
        if let Ok(now) = self.handle.stamp()
            && now == self.stamp
        {
            self.stamp.changed = now.changed;
        }
    }

    /// When it was written or renamed, if it had the stamp `before` until then. Exchanging files changes their ctime,
    /// so it is a little later than a write.
    pub(super) fn saved(&self, before: Stamp) -> Option<SystemTime> {
        let is_written =
            self.stamp.identity == before.identity && self.stamp.modified > before.modified;
        if is_written {
            self.stamp.modified
        } else {
            self.stamp.saved()
        }
    }

    /// What the file holds, if somebody has written to it since the last check. `is_last`: there will be no other
    /// check.
    fn changed(&mut self, is_last: bool, is_complete: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        let stamp = self.handle.stamp().ok()?;
        // A stamp that is not settled does not show another write in the same moment.
        let is_unsure = !self.stamp.is_settled() && (is_last || stamp.is_settled());
        if self.stamp.is_same(&stamp) && !is_unsure && !(is_last && self.is_partial) {
            return None;
        }
        let bytes = self.handle.read().ok()?;
        let content = Content::of(&bytes);
        let is_changed = content != self.content;
        // An incomplete text is read again when more of it is written, or at the end.
        self.is_partial = is_changed && !is_last && !is_complete(&bytes);
        if self.is_partial {
            self.stamp = stamp;
            return None;
        }
        (self.stamp, self.content) = (stamp, content);
        is_changed.then_some(bytes)
    }
}
