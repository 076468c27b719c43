//! The steps of a save, and how each is undone.
//!
//! A large file is saved in the background: the scratch file is written on a separate thread ([`DataFile::begin_save`],
//! [`DataFile::end_save`]) while writes go on into the journal. The text is a snapshot of the moment in which the save
//! began, so the file lacks these writes afterwards, and the journal says how many they are. Until the exchange, the
//! scratch file is all that the save has done: if anything intervenes, the save is abandoned, and the file is saved as
//! usual.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use super::replaced::Replaced;
use super::{Content, DataFile, Durability, Known, Medium, Saved, Stamp, recover};
use crate::json::Document;

/// A failed save that could not be undone. That is retried before anything else is done to the file.
pub(super) enum FailedSave {
    /// The file holds `placed`, if that is known; what it should hold is in the file `at`.
    Exchanged {
        at: PathBuf,
        placed: Option<Content>,
    },
    /// The text of a failed save, or a part of it, was written over the file, which should hold `before`.
    Overwritten {
        spare: PathBuf,
        ours: Vec<u8>,
        before: Vec<u8>,
    },
}

/// The file that a save has replaced.
struct Displaced {
    at: PathBuf,
    /// If `at` is a copy of it: the file itself.
    held: Option<Replaced>,
}

/// A scratch file with the new content of the data file.
struct Scratch {
    path: PathBuf,
    ours: Known,
}

/// A background save in progress.
pub(super) struct BackgroundSave {
    thread: JoinHandle<io::Result<Option<Scratch>>>,
    /// The state of the file in which it began.
    number: u64,
    stamp: Stamp,
    /// The length of the journal then: the text has all writes before that.
    journal: u64,
}

/// How often a save is retried because of edits that are gone by the time they are read.
const MOST_TRIES: usize = 5;

impl DataFile {
    /// Atomically makes the file hold `text`.
    ///
    /// # Errors
    /// The disk refuses; the file holds what it held before, or will as soon as the disk allows it.
    pub fn save(&mut self, text: &[u8]) -> io::Result<Saved> {
        self.abandon_background_save();
        if self.moved()?.is_some() {
            return Ok(Saved::Moved);
        }
        self.undo_failed_save()?;
        self.may_be_written()?;
        self.ensure_locked()?;
        let content = Content::of(text);
        self.announce_save(content, 0)?;
        for _ in 0..MOST_TRIES {
            let mut saved = self.try_save(text, content);
            if saved.as_ref().is_err_and(is_out_of_space) && self.checks_any_replaced() {
                // Replaced files use space and descriptors as long as they are open.
                self.replaced.clear();
                saved = self
                    .undo_failed_save()
                    .and_then(|()| self.try_save(text, content));
            }
            if let Some(saved) = saved? {
                if saved == Saved::Done {
                    self.drop_copies();
                }
                return Ok(saved);
            }
        }
        Err(io::Error::other("another program keeps changing it"))
    }

    /// Like [`DataFile::save`]. `None`: an edit was found, but was gone when it was to be read.
    fn try_save(&mut self, text: &[u8], content: Content) -> io::Result<Option<Saved>> {
        if self.in_place {
            return self.overwrite(text);
        }
        let path = recover::scratch_name(&self.path, self.known.content, content);
        let written = write_scratch(
            &*self.medium,
            path,
            text,
            content,
            &self.path,
            self.flushes(),
        )?;
        let Some(scratch) = written else {
            tracing::debug!(
                "a new file would have other permissions: writing in place from now on"
            );
            self.in_place = true;
            return self.overwrite(text);
        };
        match self.install(scratch, false) {
            Err(_) if self.in_place => self.overwrite(text),
            saved => saved,
        }
    }

    /// Puts a scratch file in the place of the data file. `None`: as [`DataFile::try_save`]. `check_later`: the
    /// replaced file is not read now if its stamp has not changed.
    fn install(&mut self, scratch: Scratch, check_later: bool) -> io::Result<Option<Saved>> {
        // It is better to find an existing edit before the exchange: until that is undone, others would read the file
        // without it. (A folder in the file's place stays there, too.)
        let mut accepted = None;
        match self.medium.stamp(&self.path) {
            Ok(now) if self.known.stamp.is_same(&now) => {
                accepted = (check_later && self.known.stamp.proves_unchanged(&now)).then_some(now);
            }
            Ok(_) => {
                if let Ok(Some(edit)) = self.changed() {
                    tracing::debug!("found an edit before the exchange");
                    let _ = self.medium.remove(&scratch.path);
                    return Ok(Some(Saved::Foreign(edit)));
                }
            }
            Err(error) => {
                let _ = self.medium.remove(&scratch.path);
                return Err(error);
            }
        }
        // Locked before anybody can find it at the path.
        let lock = self
            .lock
            .as_ref()
            .and_then(|_| self.medium.lock(&scratch.path, self.port).ok());
        match self.exchange(&scratch.path) {
            Ok(out) => {
                let saved = self.verify_exchange(out, scratch.ours, accepted);
                self.keep_lock_of_save(lock);
                saved
            }
            Err(error) => {
                let _ = self.medium.remove(&scratch.path);
                if is_mount_point(&error) {
                    tracing::debug!("the file is a mount point: writing in place from now on");
                    self.in_place = true;
                }
                Err(error)
            }
        }
    }

    /// Writes a file beside the data file; if `flush`, the folder is fsynced, too.
    pub(super) fn write_linked(&self, path: &Path, bytes: &[u8], flush: bool) -> io::Result<()> {
        self.medium.write_new(path, bytes, &self.path, flush)?;
        if flush {
            self.medium.flush_folder(path)?;
        }
        Ok(())
    }

    pub(super) fn flushes(&self) -> bool {
        self.durability == Durability::Synced
    }

    /// Puts the file `new` in the place of the data file, and returns where the old one is.
    fn exchange(&self, new: &Path) -> io::Result<Displaced> {
        match self.medium.exchange(new, &self.path) {
            Ok(()) => Ok(Displaced {
                at: new.to_path_buf(),
                held: None,
            }),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => self.rename_over(new),
            Err(error) => Err(error),
        }
    }

    /// Like [`DataFile::exchange`], if files cannot be exchanged: the data file gets a second hard link, and `new` is
    /// renamed over the first. If an editor renames a file over it between these two calls, that file is lost.
    fn rename_over(&self, new: &Path) -> io::Result<Displaced> {
        let at = recover::other_name(new);
        let held = match self.medium.link(&self.path, &at) {
            Ok(()) => None,
            Err(error) => {
                tracing::debug!(%error, "the file cannot have a second link: copying it");
                Some(self.copy(&at)?)
            }
        };
        match self.medium.rename(new, &self.path) {
            Ok(()) => Ok(Displaced { at, held }),
            Err(error) => {
                let _ = self.medium.remove(&at);
                Err(error)
            }
        }
    }

    /// Copies the data file to `to`, and keeps it open: what is written to it after that is a late edit.
    fn copy(&self, to: &Path) -> io::Result<Replaced> {
        // A partial copy must not be mistaken for an edit.
        let copy = recover::copy_name(to);
        let copied = self.copy_whole(&copy);
        let renamed = copied.and_then(|old| self.medium.rename(&copy, to).map(|()| old));
        if renamed.is_err() {
            let _ = self.medium.remove(&copy);
        }
        renamed
    }

    fn copy_whole(&self, to: &Path) -> io::Result<Replaced> {
        let mut tries = MOST_TRIES;
        loop {
            let handle = self.medium.open(&self.path)?;
            let (stamp, bytes) = (handle.stamp()?, handle.read()?);
            self.medium
                .write_new(to, &bytes, &self.path, self.flushes())?;
            tries -= 1;
            // An edit that was made meanwhile must be copied, too.
            if tries == 0 || self.medium.stamp(&self.path)?.is_same(&stamp) {
                return Ok(Replaced::new(handle, stamp, Content::of(&bytes)));
            }
        }
    }

    /// Checks the file that was swapped out. `None`: as [`DataFile::try_save`]. If it has the stamp `accepted`, it is
    /// read later.
    fn verify_exchange(
        &mut self,
        out: Displaced,
        ours: Known,
        accepted: Option<Stamp>,
    ) -> io::Result<Option<Saved>> {
        let at = out.at.clone();
        let opened = self.open_replaced(out, accepted);
        // If a link was switched just before the exchange, the text does not belong in this file.
        let resolves_elsewhere = self.resolves_elsewhere();
        let mut found = None;
        let failed = match opened {
            Ok((out, is_read)) if out.content == self.known.content && !resolves_elsewhere => {
                let flushed = if self.flushes() {
                    self.medium.flush_folder(&self.path)
                } else {
                    Ok(())
                };
                if flushed.is_ok() {
                    if is_read {
                        self.keep_and_unlink(&at, out);
                        self.update_known_after_rename(ours);
                    } else {
                        self.keep_replaced(out);
                        self.update_known_after_rename(ours);
                        self.check_later(at);
                    }
                    return Ok(Some(Saved::Done));
                }
                flushed.err()
            }
            Ok((out, _)) => {
                // Putting it back changes its ctime once more.
                found = Some((out.stamp.identity, out.saved(self.known.stamp)));
                None
            }
            Err(error) => Some(error),
        };
        // An edit was swapped out, or what it is cannot be determined: put it back.
        tracing::debug!(error = ?failed, placed = ?ours.content, "the exchange replaced an edit, or failed: undoing it");
        self.failed_save = Some(FailedSave::Exchanged {
            at,
            placed: Some(ours.content),
        });
        let undone = self.undo_failed_save();
        if resolves_elsewhere || self.resolves_elsewhere() {
            return Ok(Some(Saved::Moved));
        }
        if let Some(error) = failed {
            return Err(error);
        }
        undone?;
        // The stamp has not shown the edit.
        self.known.stamp.modified = None;
        let mut edit = self.changed()?;
        if let (Some(edit), Some((identity, saved))) = (&mut edit, found)
            && identity == self.known.stamp.identity
        {
            edit.saved = saved;
        }
        Ok(edit.map(Saved::Foreign))
    }

    /// Whether the path resolves to another file, or to nothing, while the last one is where it was.
    pub(super) fn resolves_elsewhere(&self) -> bool {
        !matches!(self.moved(), Ok(None)) && self.medium.stamp(&self.path).is_ok()
    }

    /// Opens and fingerprints the file that was swapped out. The exchange has changed its ctime, so only its content
    /// shows whether somebody wrote to it and set the mtime back. If it has the stamp `accepted`, it is not read, and
    /// the last known content is assumed.
    fn open_replaced(
        &self,
        out: Displaced,
        accepted: Option<Stamp>,
    ) -> io::Result<(Replaced, bool)> {
        if let Some(held) = out.held {
            return Ok((held, true));
        }
        let handle = self.medium.open(&out.at)?;
        let stamp = handle.stamp()?;
        let is_read = accepted != Some(stamp);
        let content = if is_read {
            handle.content()?
        } else {
            self.known.content
        };
        Ok((Replaced::new(handle, stamp, content), is_read))
    }

    fn keep_and_unlink(&mut self, scratch: &Path, out: Replaced) {
        // If it stays it does no harm, and the next start removes it.
        let _ = self.medium.remove(scratch);
        self.keep_replaced(out);
    }

    /// Undoes a save that failed.
    pub(super) fn undo_failed_save(&mut self) -> io::Result<()> {
        let Some(mut failed) = self.failed_save.take() else {
            return Ok(());
        };
        let undone = match &mut failed {
            FailedSave::Exchanged { at, placed } => self.undo_exchange(at, placed),
            FailedSave::Overwritten {
                spare,
                ours,
                before,
            } => self.undo_overwrite(spare, ours, before),
        };
        if let Err(error) = &undone {
            tracing::debug!(%error, "a failed save cannot be undone yet");
            self.failed_save = Some(failed);
        }
        undone
    }

    fn undo_overwrite(&self, spare: &Path, ours: &[u8], before: &[u8]) -> io::Result<()> {
        let now = self.medium.read(&self.path)?;
        let done = now
            .iter()
            .zip(ours)
            .take_while(|(one, other)| one == other)
            .count();
        let rest = before.get(done..).unwrap_or_default();
        let was_cut = now.len() == ours.len() && rest.starts_with(&now[done..]);
        if now[done..] == *rest || was_cut {
            self.medium.overwrite(&self.path, before, self.flushes())?;
        }
        // Otherwise the file has been edited since.
        let _ = self.medium.remove(spare);
        Ok(())
    }

    /// Puts back what a save has swapped out. If that swaps out yet another edit, it is the newer one and is put back
    /// in turn.
    fn undo_exchange(&mut self, at: &mut PathBuf, placed: &mut Option<Content>) -> io::Result<()> {
        loop {
            let is_missing = |read: &io::Result<Vec<u8>>| matches!(read, Err(error) if error.kind() == io::ErrorKind::NotFound);
            let mut read = self.medium.read(at);
            if is_missing(&read) {
                // The folder may have been unmounted.
                self.medium.stamp(&self.path)?;
                read = self.medium.read(at);
            }
            let going = match read {
                Ok(bytes) => Some(Content::of(&bytes)),
                // Another program has removed it; there is nothing to put back.
                Err(_) if is_missing(&read) => return Ok(()),
                // Unreadable, but it was there before the save.
                Err(_) => None,
            };
            let out = self.exchange(at)?;
            at.clone_from(&out.at);
            // From here on the file holds the edit again, whatever was swapped out.
            let Ok((out, _)) = self.open_replaced(out, None) else {
                return Ok(());
            };
            if Some(out.content) == *placed {
                self.keep_and_unlink(at, out);
                return Ok(());
            }
            *placed = going;
        }
    }

    /// Saves in place, if the file cannot be replaced. The text is written to a spare file first, from which the next
    /// start repairs a write that a crash interrupted. As that takes some time, the file is checked for edits again
    /// after it, and once more after the write.
    fn overwrite(&mut self, text: &[u8]) -> io::Result<Option<Saved>> {
        if let Some(edit) = self.changed()? {
            return Ok(Some(Saved::Foreign(edit)));
        }
        let content = Content::of(text);
        let spare = recover::spare_name(&self.path, self.known.content, content);
        let flush = self.flushes();
        let written = self.write_linked(&spare, text, flush);
        let before = match written.and_then(|()| self.medium.read(&self.path)) {
            Ok(before) => before,
            Err(error) => {
                let _ = self.medium.remove(&spare);
                return Err(error);
            }
        };
        if Content::of(&before) != self.known.content {
            tracing::debug!("found an edit before the file was overwritten");
            let _ = self.medium.remove(&spare);
            self.known.stamp.modified = None;
            return Ok(self.changed()?.map(Saved::Foreign));
        }
        if let Err(error) = self.medium.overwrite(&self.path, text, flush) {
            self.failed_save = Some(FailedSave::Overwritten {
                spare,
                ours: text.to_vec(),
                before,
            });
            // If this fails too, it is retried before the next save.
            let _ = self.undo_failed_save();
            return Err(error);
        }
        let stamp = self.medium.stamp(&self.path);
        let is_ours = self.medium.read(&self.path).is_ok_and(|now| now == text);
        let _ = self.medium.remove(&spare);
        self.written_over = text.to_vec();
        // With the old stamp, the file is read again next time.
        let mut stamp = stamp.unwrap_or(self.known.stamp);
        if !is_ours {
            tracing::debug!("the file was edited after it was overwritten");
            stamp.modified = None;
        }
        self.update_known(Known { stamp, content });
        Ok(Some(Saved::Done))
    }

    /// Begins a background save of what `text` returns, which must have all that is in the journal. `false`: the file
    /// has to be saved as usual ([`DataFile::save`]).
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
        let Some(journal) = self.append_position() else {
            return false;
        };
        let (medium, path, flush) = (self.medium.clone(), self.path.clone(), self.flushes());
        let before = self.known.content;
        let write = move || {
            let text = text();
            let content = Content::of(&text);
            let scratch = recover::scratch_name(&path, before, content);
            write_scratch(&*medium, scratch, &text, content, &path, flush)
        };
        let thread = std::thread::Builder::new().name("standin-save".into());
        self.saving = thread.spawn(write).ok().map(|thread| BackgroundSave {
            thread,
            number: self.number,
            stamp: self.known.stamp,
            journal,
        });
        self.saving.is_some()
    }

    /// Whether a background save is in progress.
    pub fn is_saving(&self) -> bool {
        self.saving.is_some()
    }

    /// Whether a background save has written its text.
    pub fn has_written(&self) -> bool {
        let saving = self.saving.as_ref();
        saving.is_some_and(|saving| saving.thread.is_finished())
    }

    /// Ends the background save: the file holds the text, and the journal what came since. Journal lines older than
    /// `keep` may be dropped. `None`: nothing was done; the file has to be saved as usual, which shows the cause.
    pub fn end_save(&mut self, keep: Duration) -> Option<Saved> {
        let (number, stamp, journal) = {
            let saving = self.saving.as_ref()?;
            (saving.number, saving.stamp, saving.journal)
        };
        let scratch = self.written()?;
        // If the file's rights were changed, the scratch file has the old ones.
        let is_same = self.number == number
            && matches!(self.medium.stamp(&self.path), Ok(now) if stamp.is_same(&now))
            && matches!(self.moved(), Ok(None))
            && self.may_be_written().is_ok()
            && matches!(self.ensure_locked(), Ok(true));
        let lacking = self.lines_since(journal);
        if !is_same
            || self.announce_save(scratch.ours.content, lacking).is_err()
            || self.append_position().is_none()
        {
            tracing::debug!(
                is_same,
                "abandoning the background save: the file or its journal has changed"
            );
            let _ = self.medium.remove(&scratch.path);
            return None;
        }
        let saved = self.install(scratch, true);
        if matches!(saved, Ok(Some(Saved::Done))) && lacking > 0 {
            self.note_partial_save(journal, keep);
        }
        saved.unwrap_or_else(|error| {
            tracing::debug!(%error, "cannot put the new file in its place");
            None
        })
    }

    /// Waits for the background save, and returns the file that it has written.
    fn written(&mut self) -> Option<Scratch> {
        let written = self.saving.take()?.thread.join();
        let scratch = written.unwrap_or_else(|_| Err(io::Error::other("the thread has panicked")));
        scratch.unwrap_or_else(|error| {
            tracing::debug!(%error, "cannot write the new file");
            None
        })
    }

    /// Abandons the background save.
    pub(super) fn abandon_background_save(&mut self) {
        self.end_check();
        if let Some(scratch) = self.written() {
            tracing::debug!("abandoning the background save: the file has to be saved at once");
            let _ = self.medium.remove(&scratch.path);
        }
    }
}

/// Writes a scratch file at `path` with the rights of the data file `like`. `None`: it could not be given them.
fn write_scratch(
    medium: &dyn Medium,
    path: PathBuf,
    text: &[u8],
    content: Content,
    like: &Path,
    flush: bool,
) -> io::Result<Option<Scratch>> {
    let written = medium.write_new(&path, text, like, flush);
    if matches!(written, Ok(false)) {
        let _ = medium.remove(&path);
        return Ok(None);
    }
    match written.and_then(|_| medium.stamp(&path)) {
        Ok(stamp) => {
            let ours = Known { stamp, content };
            Ok(Some(Scratch { path, ours }))
        }
        Err(error) => {
            // The first error is the cause; a scratch file that stays is removed at the next start.
            let _ = medium.remove(&path);
            Err(error)
        }
    }
}

/// An editor may truncate the file before we write `ours` in place, and write after it. Then `now` begins with its
/// text, followed by the rest of ours. Returns the editor's text.
pub(super) fn split_mixed_write<'a>(now: &'a [u8], ours: &[u8]) -> Option<&'a [u8]> {
    use serde::de::IgnoredAny;
    if now.len() != ours.len() || now == ours {
        return None;
    }
    let mut values = serde_json::Deserializer::from_slice(now).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    let end = values.byte_offset();
    let blank = now[end..]
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace());
    // A line break after the value may be theirs or ours.
    let end = (end..=end + blank.count()).find(|end| now[*end..] == ours[*end..])?;
    let theirs = &now[..end];
    (end < now.len() && Document::is_whole(theirs)).then_some(theirs)
}

/// Whether an exchange failed because the file itself is a mount point, like a single file mounted into a container.
fn is_mount_point(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices
    )
}

/// Whether the disk or the table of open files is full.
fn is_out_of_space(error: &io::Error) -> bool {
    #[cfg(unix)]
    if [libc::EMFILE, libc::ENFILE]
        .map(Some)
        .contains(&error.raw_os_error())
    {
        return true;
    }
    error.kind() == io::ErrorKind::StorageFull
}

#[cfg(test)]
mod tests {
    use super::split_mixed_write;

    #[test]
    fn a_complete_edit_over_the_beginning_of_our_text_is_found() {
        let ours = b"{\"a\": [{\"id\": 1}, {\"id\": 2}]}\n";
        let over = |theirs: &str| {
            let mut now = ours.to_vec();
            now[..theirs.len()].copy_from_slice(theirs.as_bytes());
            now
        };
        for theirs in [
            "{\"a\": []}\n",
            "{\"a\": []}",
            "{}",
            "{\"a\": [{\"id\": 1}], \"b\": 10}",
        ] {
            let found = over(theirs);
            assert_eq!(split_mixed_write(&found, ours), Some(theirs.as_bytes()));
        }
        for theirs in ["", "{\"a\": [", "[1]"] {
            assert_eq!(split_mixed_write(&over(theirs), ours), None);
        }
        assert_eq!(split_mixed_write(b"{}", ours), None);
    }
}
