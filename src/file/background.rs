//! A save whose first step, which takes as long as the file is large, is done on a thread of its own. Meanwhile writes go
//! on into the journal. The text is that of the moment in which the save began, so the file still lacks them afterwards, and
//! the journal says how many they are. Until the file is exchanged, nothing has happened but that there is a scratch file:
//! whatever comes between gives the save up, and the file is saved as usual.
//!
//! To read a large file takes long, too. What came out of the exchange is known by its stamp, if that is settled. Just before
//! the exchange somebody may have written to it and set the time back, which shows only when it is read; and the stamp of the
//! new file is too young to be relied on. So both are read on a thread a little later. Until then the old file keeps the name
//! of the scratch file, by which a start finds an edit. If it is not what it was, it is a late edit.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::save::{Scratch, write_scratch};
use super::{Content, DataFile, Known, Medium, Saved, Stamp, recover};

/// A save in progress.
pub(super) struct Saving {
    thread: JoinHandle<io::Result<Option<Scratch>>>,
    /// The state of the file in which it began.
    number: u64,
    stamp: Stamp,
    /// How long the journal was: the text has what stands before.
    journal: u64,
}

/// A save that is done, and its files, which have not been read yet.
pub(super) struct Unchecked {
    /// Where the old file is.
    at: PathBuf,
    /// The state of the file after the save.
    number: u64,
    /// When the stamp of the new file is settled.
    due: Instant,
    thread: Option<JoinHandle<[io::Result<Known>; 2]>>,
}

/// How often to look whether a thread is done.
const POLL: Duration = Duration::from_millis(10);

fn read(medium: &dyn Medium, path: &Path) -> io::Result<Known> {
    let handle = medium.open(path)?;
    let stamp = handle.stamp()?;
    let content = handle.content()?;
    Ok(Known { stamp, content })
}

impl DataFile {
    /// Begins to save what `text` gives, which must have all that is in the journal. `false`: the file has to be saved as
    /// usual ([`DataFile::save`]).
    pub fn begin_save(&mut self, text: impl FnOnce() -> Vec<u8> + Send + 'static) -> bool {
        if self.saving.is_some()
            || self.unchecked.is_some()
            || self.in_place
            || self.failed_save.is_some()
            || !matches!(self.moved(), Ok(None))
            || !matches!(self.ensure_locked(), Ok(true))
        {
            return false;
        }
        let Some(journal) = self.journal_goes_on() else {
            return false;
        };
        let (medium, path, flush) = (self.medium.clone(), self.path.clone(), self.flushes());
        let before = self.known.content;
        let write = move || {
            let text = text();
            let content = Content::of(&text);
            let scratch = recover::scratch_name(&path, before, content);
            write_scratch(&*medium, scratch, (&text, content), &path, flush)
        };
        let thread = std::thread::Builder::new().name("standin-save".into());
        self.saving = thread.spawn(write).ok().map(|thread| Saving {
            thread,
            number: self.number,
            stamp: self.known.stamp,
            journal,
        });
        self.saving.is_some()
    }

    /// Whether a save is in progress.
    pub fn is_saving(&self) -> bool {
        self.saving.is_some()
    }

    /// Whether a save is in progress whose text is written.
    pub fn has_written(&self) -> bool {
        let saving = self.saving.as_ref();
        saving.is_some_and(|saving| saving.thread.is_finished())
    }

    /// Ends the save that is in progress: the file holds the text, and the journal what came since. Journal lines that are
    /// older than `keep` may go. `None`: nothing has been done; the file has to be saved as usual, which shows what is in
    /// the way.
    pub fn end_save(&mut self, keep: Duration) -> Option<Saved> {
        let (number, stamp, journal) = {
            let saving = self.saving.as_ref()?;
            (saving.number, saving.stamp, saving.journal)
        };
        let scratch = self.written()?;
        // Should only its rights have been changed, the scratch file has those of before.
        let is_same = self.number == number
            && matches!(self.medium.stamp(&self.path), Ok(now) if stamp.is_same(&now))
            && matches!(self.moved(), Ok(None))
            && self.may_be_written().is_ok()
            && matches!(self.ensure_locked(), Ok(true));
        let lacking = self.lines_since(journal);
        if !is_same
            || self.announce(scratch.ours.content, lacking).is_err()
            || self.journal_goes_on().is_none()
        {
            tracing::debug!(
                is_same,
                "giving a save up: the file or its journal has changed"
            );
            let _ = self.medium.remove(&scratch.path);
            return None;
        }
        let saved = self.put_in_place(scratch, true);
        if matches!(saved, Ok(Some(Saved::Done))) && lacking > 0 {
            self.note_part(journal, keep);
        }
        saved.unwrap_or_else(|error| {
            tracing::debug!(%error, "cannot put the new file in its place");
            None
        })
    }

    /// What the save in progress has written, when it has.
    fn written(&mut self) -> Option<Scratch> {
        let written = self.saving.take()?.thread.join();
        let scratch = written.unwrap_or_else(|_| Err(io::Error::other("the thread has panicked")));
        scratch.unwrap_or_else(|error| {
            tracing::debug!(%error, "cannot write the new file");
            None
        })
    }

    /// The files of the save that was just done are to be read.
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

    /// When to call [`DataFile::check`], if files of the last save have not been read yet.
    pub fn check_due(&self) -> Option<Instant> {
        self.unchecked
            .as_ref()
            .map(|unchecked| match unchecked.thread {
                Some(_) => Instant::now() + POLL,
                None => unchecked.due,
            })
    }

    /// Whether the file that the state `number` replaced has not been read yet.
    pub(super) fn is_unchecked(&self, number: u64) -> bool {
        let unchecked = self.unchecked.as_ref();
        unchecked.is_some_and(|unchecked| unchecked.number == number + 1)
    }

    /// Has the files of the last save read on a thread of their own, when it is time, and takes note of what they hold.
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

    /// As [`DataFile::check`], at once.
    pub fn end_check(&mut self) {
        let Some(unchecked) = self.unchecked.take() else {
            return;
        };
        let found = unchecked.thread.and_then(|thread| thread.join().ok());
        let [new, old] = found
            .unwrap_or_else(|| [&self.path, &unchecked.at].map(|path| read(&*self.medium, path)));
        let state = unchecked.number - 1;
        self.checked_replaced(state, old);
        if let Ok(new) = new
            && self.number == unchecked.number
            && self.known.content == new.content
            && self.known.stamp.is_same(&new.stamp)
        {
            self.known = new;
        }
        // Left there it does no harm, and the next start removes it.
        let _ = self.medium.remove(&unchecked.at);
        self.unlinked_replaced(state);
    }

    /// Gives up the save that is in progress.
    pub(super) fn give_up_saving(&mut self) {
        self.end_check();
        if let Some(scratch) = self.written() {
            tracing::debug!("giving a save up: the file has to be saved at once");
            let _ = self.medium.remove(&scratch.path);
        }
    }
}
