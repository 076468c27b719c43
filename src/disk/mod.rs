//! The data file on disk: reading it, replacing it so that it is whole at every instant, and seeing that somebody else
//! has changed it.
//!
//! A save takes these steps; `docs/durability.md` says what each failure leaves behind:
//! 1. write a new file beside the old one, flush it;
//! 2. exchange the two in one atomic step;
//! 3. look at what came out. If it is not what was read or written last, a person has saved in between: exchange again,
//!    so that their file is in its place as if we had never been there;
//! 4. flush the folder;
//! 5. put the old file aside, and watch it for as long as somebody has it open: an editor that opened it before step 2
//!    writes to it after.

mod lock;
mod medium;
mod recover;
mod watch;

use std::collections::HashMap;
use std::hash::Hasher;
use std::io;
use std::path::{Path, PathBuf};

pub use lock::{Lock, LockError};
pub use medium::{Handle, Medium, RealDisk, Stamp, Taken};
pub use watch::{Watch, watch};

/// How sure a save must be before it counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// File and folder are flushed: an acknowledged write survives a power cut.
    Synced,
    /// The operating system has it: an acknowledged write survives a crash of the process.
    Written,
}

/// What came of a save.
#[derive(Debug, PartialEq, Eq)]
pub enum Saved {
    /// The file holds the text.
    Done,
    /// Somebody else had changed the file: it is as they left it, and this is what it holds.
    Foreign(Edit),
}

/// What somebody else made of the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Edit {
    /// What the file holds.
    pub bytes: Vec<u8>,
    /// Where it held the same before: the number of the state ([`DataFile::number`]) in which it did.
    pub earlier: Option<u64>,
}

/// The data file, and what it held when we last looked.
pub struct DataFile {
    path: PathBuf,
    medium: Box<dyn Medium>,
    durability: Durability,
    known: Known,
    /// Every content that was read or written, with the number of its state.
    seen: HashMap<Content, u64>,
    number: u64,
    in_place: bool,
    retired: Vec<Retired>,
}

/// A file that was exchanged for a newer one while somebody had it open.
struct Retired {
    handle: Box<dyn Handle>,
    /// What it held when it was put aside, and the number of that state.
    content: Content,
    number: u64,
}

/// What is known of the file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    stamp: Stamp,
    content: Content,
}

/// A content, by its size and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Content {
    size: usize,
    hash: u64,
}

impl Content {
    pub(crate) fn of(bytes: &[u8]) -> Content {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write(bytes);
        Content { size: bytes.len(), hash: hasher.finish() }
    }
}

/// How many states are remembered, to tell a return to one of them from an edit.
const MOST_STATES: usize = 100_000;
/// How many files that somebody has open are watched after they were exchanged.
const MOST_RETIRED: usize = 64;

impl DataFile {
    /// Opens the file at `path` (through symbolic links, which stay) and reads it. What a crash left beside it is removed;
    /// should that be an edit that was never taken in, it is kept, and returned is where.
    ///
    /// # Errors
    /// It cannot be found or read.
    pub fn open(
        path: &Path,
        durability: Durability,
        medium: Box<dyn Medium>,
    ) -> io::Result<(DataFile, Vec<u8>, Option<PathBuf>)> {
        let path = medium.resolve(path)?;
        let stamp = medium.stamp(&path)?;
        let bytes = medium.read(&path)?;
        let known = Known { stamp, content: Content::of(&bytes) };
        let recovered = recover::clear(&*medium, &path, known.content);
        let seen = HashMap::from([(known.content, 0)]);
        let file = DataFile { path, medium, durability, known, seen, number: 0, in_place: false, retired: Vec::new() };
        Ok((file, bytes, recovered))
    }

    /// Where the file is, symbolic links followed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Counts the states of the file that were read or written, from 0.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether the file cannot be exchanged (it is a mount point) and is written over instead.
    pub fn is_written_in_place(&self) -> bool {
        self.in_place
    }

    /// What the file holds, if that is not what was read or written last.
    ///
    /// # Errors
    /// The file cannot be read; what was known stays known.
    pub fn changed(&mut self) -> io::Result<Option<Edit>> {
        let stamp = self.medium.stamp(&self.path)?;
        if stamp == self.known.stamp && self.known.stamp.is_settled() {
            return Ok(None);
        }
        let bytes = self.medium.read(&self.path)?;
        let content = Content::of(&bytes);
        if content == self.known.content {
            self.known.stamp = stamp;
            return Ok(None);
        }
        Ok(Some(self.take(Known { stamp, content }, bytes)))
    }

    fn take(&mut self, known: Known, bytes: Vec<u8>) -> Edit {
        let earlier = self.seen.get(&known.content).copied();
        self.learn(known);
        Edit { bytes, earlier }
    }

    fn learn(&mut self, known: Known) {
        self.known = known;
        self.number += 1;
        if self.seen.len() >= MOST_STATES {
            let half = self.number.saturating_sub(MOST_STATES as u64 / 2);
            self.seen.retain(|_, number| *number > half);
        }
        self.seen.insert(known.content, self.number);
    }

    /// What was written to a file after it was exchanged for a newer one, by whoever had it open; with it the number of
    /// the state that they had opened. Text that is not complete yet stays until it is, or until it is left alone.
    pub fn late_edits(&mut self, is_complete: impl Fn(&[u8]) -> bool) -> Vec<(Vec<u8>, u64)> {
        let mut edits = Vec::new();
        self.retired.retain_mut(|retired| {
            let closed = retired.handle.is_unshared();
            let Ok(bytes) = retired.handle.read() else { return false };
            let content = Content::of(&bytes);
            if content != retired.content && (closed || is_complete(&bytes)) {
                edits.push((bytes, retired.number));
                retired.content = content;
            }
            !closed
        });
        edits
    }

    /// Whether the file of the state `number` was exchanged while somebody had it open, and still is.
    pub fn holds_retired(&self, number: u64) -> bool {
        self.retired.iter().any(|retired| retired.number == number)
    }

    /// Where versions are kept that lost against an edit: a file of JSON lines beside the data file.
    pub fn conflicts_path(&self) -> PathBuf {
        self.path.with_extension("conflicts.jsonl")
    }

    /// Adds a line to the file of versions that lost.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn keep(&self, line: &str) -> io::Result<()> {
        self.medium.append(&self.conflicts_path(), line)
    }

    /// Whether somebody has a file open that was exchanged for a newer one.
    pub fn is_watched_for_late_edits(&self) -> bool {
        !self.retired.is_empty()
    }

    /// Makes the file hold `text`. At every instant it holds either that or what it held before.
    ///
    /// # Errors
    /// The disk refuses; the file holds what it held before.
    pub fn save(&mut self, text: &[u8]) -> io::Result<Saved> {
        if self.in_place {
            return self.overwrite(text);
        }
        let flush = self.durability == Durability::Synced;
        let scratch = recover::scratch_name(&self.path, self.known.content);
        let saved = self
            .medium
            .write_new(&scratch, text, &self.path, flush)
            .and_then(|()| self.exchange(&scratch, Content::of(text), flush));
        match saved {
            Err(error) if is_mount_point(&error) => {
                let _ = self.medium.remove(&scratch);
                self.in_place = true;
                self.overwrite(text)
            }
            Err(error) => {
                // The first error tells the cause; a scratch file that stays is removed at the next start.
                let _ = self.medium.remove(&scratch);
                Err(error)
            }
            done => done,
        }
    }

    fn exchange(&mut self, scratch: &Path, content: Content, flush: bool) -> io::Result<Saved> {
        let mut ours = Known { stamp: self.medium.stamp(scratch)?, content };
        match self.medium.exchange(scratch, &self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return self.rename(scratch, ours, flush),
            Err(error) => return Err(error),
        }
        let mut out = match self.came_out(scratch) {
            Ok(out) => out,
            Err(error) => {
                // What came out cannot be judged, so it goes back where it was.
                self.medium.exchange(scratch, &self.path)?;
                return Err(error);
            }
        };
        if out.content == self.known.content {
            if flush && let Err(error) = self.medium.flush_folder(&self.path) {
                self.medium.exchange(scratch, &self.path)?;
                return Err(error);
            }
            self.retire(scratch);
            self.learn(ours);
            return Ok(Saved::Done);
        }
        // A person's edit came out. Put it back; should yet another edit come out of that, it is the newer one and goes
        // back in its turn.
        loop {
            self.medium.exchange(scratch, &self.path)?;
            let back = self.came_out(scratch)?;
            if back.content == ours.content {
                let stamp = self.medium.stamp(&self.path)?;
                let bytes = self.medium.read(&self.path)?;
                let _ = self.medium.remove(scratch);
                let content = Content::of(&bytes);
                return Ok(Saved::Foreign(self.take(Known { stamp, content }, bytes)));
            }
            (ours, out) = (out, back);
        }
    }

    fn came_out(&self, scratch: &Path) -> io::Result<Known> {
        let stamp = self.medium.stamp(scratch)?;
        if stamp == self.known.stamp && self.known.stamp.is_settled() {
            return Ok(Known { stamp, content: self.known.content });
        }
        Ok(Known { stamp, content: Content::of(&self.medium.read(scratch)?) })
    }

    /// Removes the file that came out of an exchange, and keeps hold of it if somebody else has it open.
    fn retire(&mut self, scratch: &Path) {
        let handle = self.medium.open(scratch);
        // Left there it does no harm, and the next start removes it. It must be gone before the question below is put:
        // the kernel signals a process that holds a lease on a file which is just being opened.
        let removed = self.medium.remove(scratch).is_ok();
        if let (true, Ok(handle)) = (removed, handle)
            && !handle.is_unshared()
        {
            if self.retired.len() >= MOST_RETIRED {
                self.retired.remove(0);
            }
            self.retired.push(Retired { handle, content: self.known.content, number: self.number });
        }
    }

    /// Where two files cannot be exchanged: look just before the rename. The window is the time between the two calls.
    fn rename(&mut self, scratch: &Path, ours: Known, flush: bool) -> io::Result<Saved> {
        if let Some(edit) = self.changed()? {
            let _ = self.medium.remove(scratch);
            return Ok(Saved::Foreign(edit));
        }
        self.medium.rename(scratch, &self.path)?;
        self.learn(ours);
        if flush {
            self.medium.flush_folder(&self.path)?;
        }
        Ok(Saved::Done)
    }

    /// Where no other file can take the place of this one: look, and write over it.
    fn overwrite(&mut self, text: &[u8]) -> io::Result<Saved> {
        if let Some(edit) = self.changed()? {
            return Ok(Saved::Foreign(edit));
        }
        self.medium.overwrite(&self.path, text, self.durability == Durability::Synced)?;
        let known = Known { stamp: self.medium.stamp(&self.path)?, content: Content::of(text) };
        self.learn(known);
        Ok(Saved::Done)
    }
}

/// Whether an exchange failed because the file is a mount point of its own, as a single file mounted into a container.
fn is_mount_point(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices)
}
