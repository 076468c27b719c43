//! The data file on disk: reading it, replacing it atomically, and noticing edits.
//!
//! A save takes these steps; `docs/durability.md` says what each failure leaves behind:
//! 1. write a new file beside the old one, fsync it;
//! 2. exchange the two in one atomic step;
//! 3. check the file that was swapped out. If it is not what was read or written last, it was edited in between:
//!    exchange again, which puts the edited file back;
//! 4. fsync the folder;
//! 5. unlink the old file, but keep it open for a while (`replaced`): an editor that opened it before step 2 writes to
//!    it after.
//!
//! Writes to a large file go to its journal first (`journal`), and the file is saved soon after; for a very large one,
//! step 1 runs on another thread.

mod journal;
mod lines;
mod lock;
mod medium;
mod recover;
mod replaced;
mod rights;
mod save;
mod watch;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::json::fingerprint;

pub use journal::{Leftover, LeftoverWrite};
pub use lock::{Holder, Lock, LockError};
pub use medium::{Handle, Medium, RealDisk, Stamp, replace};
pub use rights::{Created, Obstacle, create_like};
pub use watch::{Watch, watch};

use journal::Journal;
use replaced::{Checked, Unchecked};
use save::{BackgroundSave, FailedSave};

/// How durable a save must be before it counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// File and folder are fsynced: an acknowledged write survives a power cut.
    Synced,
    /// The page cache has it: an acknowledged write survives a crash of the process.
    Written,
}

/// The role of this process for the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// We save it and have the [`Lock`]: what a crash left beside the file is ours to clear away.
    Owner,
    /// Another server may be saving it: everything beside it is left alone.
    Reader,
}

/// The result of a save.
#[derive(Debug, PartialEq, Eq)]
pub enum Saved {
    /// The file holds the text.
    Done,
    /// The file had been edited: it was not overwritten, and this is what it holds.
    Foreign(Edit),
    /// The path leads to another file now, and neither was written: [`DataFile::follow`].
    Moved,
}

/// An edit of the file by another program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The file's content.
    pub bytes: Vec<u8>,
    /// If the file held the same before: the number of that state ([`DataFile::number`]).
    pub earlier: Option<u64>,
    /// The time at which it was found.
    pub found: Instant,
    /// How long before that the file was written.
    pub age: Duration,
    /// The time at which it was written or renamed into place, by the file system's clock.
    pub saved: Option<SystemTime>,
}

/// A leftover of a crash or of the last run, found at the start and to be reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// An edit that a crash had left in a scratch file, and where it was put.
    Edit(PathBuf),
    /// The file was restored to a state before the last writes of the last run.
    Restored {
        /// How many writes that undid.
        writes: usize,
    },
    /// The journal is damaged.
    Journal {
        /// The number of the first line that cannot be read; the lines before it count.
        line: usize,
        /// The path of a copy of the whole journal.
        kept: Option<PathBuf>,
    },
}

/// The result of opening a file, or of following the path to another ([`DataFile::follow`]).
#[derive(Default)]
pub struct Loaded {
    /// The file's content.
    pub bytes: Vec<u8>,
    /// Damage, and leftovers of a crash.
    pub recovered: Vec<Recovered>,
    /// Acknowledged writes that the file may lack, from its journal. They are to be merged with what the file holds,
    /// and saved.
    pub left: Option<Leftover>,
}

/// The data file, and what it held when it was last read or written.
pub struct DataFile {
    /// The path that the user gave, absolute.
    pub(crate) named: PathBuf,
    /// The file that it resolved to when it was last checked, symbolic links resolved.
    pub(crate) path: PathBuf,
    medium: Arc<dyn Medium>,
    durability: Durability,
    known: Known,
    /// Every content that was read or written, with the number of its state.
    seen: HashMap<Content, u64>,
    /// The number of the file's state: how many were read or written, from 0.
    pub(crate) number: u64,
    /// Whether saves are known to overwrite the file in place instead of replacing it.
    pub(crate) in_place: bool,
    /// The text that the last save in place wrote.
    written_over: Vec<u8>,
    replaced: VecDeque<Checked>,
    /// Copies of late edits that the file does not have yet.
    copies: Vec<PathBuf>,
    /// A save that failed and could not be undone yet.
    failed_save: Option<FailedSave>,
    /// A save that is in progress on another thread.
    saving: Option<BackgroundSave>,
    /// The files of the last save that have not been verified yet.
    unchecked: Option<Unchecked>,
    journal: Option<Journal>,
    role: Role,
    /// `None`: it cannot be locked, or this process only reads it.
    lock: Option<Lock>,
    /// The port that it is served on; 0 if that is not known yet.
    port: u16,
}

/// The file's last known stamp and content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    stamp: Stamp,
    content: Content,
}

/// A fingerprint of what a file holds: its size and a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Content {
    size: usize,
    hash: u64,
}

impl Content {
    /// The block size of the hash, so that a file need not be in memory as a whole.
    pub(crate) const BLOCK: usize = 256 * 1024;

    /// The content `bytes`.
    pub fn of(bytes: &[u8]) -> Content {
        let mut content = Content::default();
        bytes
            .chunks(Content::BLOCK)
            .for_each(|block| content.add(block));
        content
    }

    /// Adds the next block: all but the last have [`Content::BLOCK`] bytes. An empty one adds nothing.
    pub(crate) fn add(&mut self, block: &[u8]) {
        if block.is_empty() {
            return;
        }
        self.size += block.len();
        self.hash = self.hash.rotate_left(5) ^ fingerprint(block);
    }
}

/// A file as it was found at a start; `loaded` does not have its journal yet.
struct Found {
    known: Known,
    journal: Option<Vec<u8>>,
    loaded: Loaded,
}

impl Found {
    fn read(medium: &dyn Medium, path: &Path, role: Role) -> io::Result<Found> {
        let recovered = match role {
            Role::Owner => recover::clear(medium, path)?,
            Role::Reader => Vec::new(),
        };
        // Another server may be writing both. The journal is read first: writes that reach the file in between are in
        // both.
        let journal = journal::read(medium, path)?;
        let stamp = medium.stamp(path)?;
        let bytes = medium.read(path)?;
        let content = Content::of(&bytes);
        Ok(Found {
            known: Known { stamp, content },
            journal,
            loaded: Loaded {
                bytes,
                recovered: recovered.into_iter().map(Recovered::Edit).collect(),
                left: None,
            },
        })
    }
}

/// Locks the file at `path` for a server that saves it. `None`: it cannot be locked.
///
/// # Errors
/// Another server has the lock.
fn take_lock(
    medium: &dyn Medium,
    path: &Path,
    role: Role,
    port: u16,
) -> Result<Option<Lock>, LockError> {
    if role == Role::Reader {
        return Ok(None);
    }
    match medium.lock(path, port) {
        Ok(lock) => Ok(Some(lock)),
        Err(held @ LockError::Held(_)) => Err(held),
        // Its file system has no locks, perhaps. Each save tries again.
        Err(LockError::Io(error)) => {
            tracing::debug!(%error, "the file cannot be locked");
            Ok(None)
        }
    }
}

/// How many states are remembered, to tell a restore of one of them from an edit.
const MOST_STATES: usize = 100_000;

impl DataFile {
    /// Opens the file at `path` (following symbolic links, which stay) and reads it and its journal. Its owner removes
    /// what a crash left beside it; an edit that was never loaded is kept.
    ///
    /// # Errors
    /// It cannot be found, another server has it, or one of the two cannot be read.
    pub fn open(
        path: &Path,
        durability: Durability,
        medium: Box<dyn Medium>,
        role: Role,
    ) -> Result<(DataFile, Loaded), LockError> {
        let medium: Arc<dyn Medium> = Arc::from(medium);
        let named = std::path::absolute(path)?;
        let path = medium.resolve(&named)?;
        let lock = take_lock(&*medium, &path, role, 0)?;
        let found = Found::read(&*medium, &path, role)?;
        let mut file = DataFile {
            named,
            path,
            medium,
            durability,
            known: found.known,
            seen: HashMap::from([(found.known.content, 0)]),
            number: 0,
            in_place: false,
            written_over: Vec::new(),
            copies: Vec::new(),
            replaced: VecDeque::new(),
            failed_save: None,
            saving: None,
            unchecked: None,
            journal: None,
            role,
            lock,
            port: 0,
        };
        let loaded = file.load(found)?;
        Ok((file, loaded))
    }

    /// Takes over what was found: decides how the file is saved, and reads its journal.
    fn load(&mut self, found: Found) -> io::Result<Loaded> {
        let scratch = recover::scratch_name(&self.path, Content::default(), Content::default());
        self.in_place = self.role == Role::Owner
            && (self.is_mounted_alone() || !self.medium.keeps_rights(&self.path, &scratch));
        let mut loaded = found.loaded;
        if let Some(journal) = found.journal {
            loaded.left = self.load_journal(&journal, &mut loaded.recovered)?;
        }
        Ok(loaded)
    }

    /// The file that the path resolves to now, if it is not the one that was read or written last: a symbolic link was
    /// switched.
    ///
    /// # Errors
    /// It resolves to nothing.
    pub fn moved(&self) -> io::Result<Option<PathBuf>> {
        let path = self.medium.resolve(&self.named)?;
        Ok((path != self.path).then_some(path))
    }

    /// Switches to the file at `path`, to which the path resolves now. It is read as at a start, and the previous file
    /// is not written any more; its journal, if it has one, stays beside it.
    ///
    /// # Errors
    /// The new file cannot be read, or another server has it; this goes on with the old one.
    pub fn follow(&mut self, path: PathBuf) -> Result<Loaded, LockError> {
        let identity = self.medium.stamp(&path)?.identity;
        let is_locked = self.lock.as_ref().is_some_and(|lock| lock.covers(identity));
        let lock = if is_locked {
            None
        } else {
            take_lock(&*self.medium, &path, self.role, self.port)?
        };
        let found = Found::read(&*self.medium, &path, self.role)?;
        // If this fails, the next start on that file does it.
        let _ = self.undo_failed_save();
        (self.failed_save, self.journal) = (None, None);
        if !is_locked {
            self.lock = lock;
        }
        self.path = path;
        self.written_over.clear();
        // They belong to the previous file, and stay beside it.
        self.copies.clear();
        self.seen.clear();
        self.update_known(found.known);
        Ok(self.load(found)?)
    }

    /// Whether a save failed and could not be undone yet: the file, or its journal, holds what was reported as failed.
    pub fn has_failed_save(&self) -> bool {
        let journal = self.journal.as_ref();
        self.failed_save.is_some() || journal.is_some_and(|journal| journal.needs_repair)
    }

    /// The path for error messages: the file, or, if there is none, the path that should resolve to one.
    pub fn path_for_errors(&self) -> &Path {
        if self.medium.resolve(&self.named).is_ok() {
            &self.path
        } else {
            &self.named
        }
    }

    /// The reason why the file cannot be saved, if the file system reports one.
    pub fn obstacle(&self) -> Option<Obstacle> {
        self.medium.obstacle(self.path_for_errors())
    }

    /// An error if the file must not be replaced.
    fn may_be_written(&self) -> io::Result<()> {
        match self.obstacle().filter(|obstacle| obstacle.forbids()) {
            Some(_) => Err(io::ErrorKind::PermissionDenied.into()),
            None => Ok(()),
        }
    }

    /// Whether the file is known to be a mount point itself.
    pub fn is_mounted_alone(&self) -> bool {
        self.medium.is_mounted_alone(&self.path)
    }

    /// The file's content when it was last read or written.
    pub fn content(&self) -> Content {
        self.known.content
    }

    /// The edit, if the file does not hold what was read or written last.
    ///
    /// # Errors
    /// The file cannot be read; nothing changes.
    pub fn changed(&mut self) -> io::Result<Option<Edit>> {
        self.undo_failed_save()?;
        let mut stamp = self.medium.stamp(&self.path)?;
        let found = Instant::now();
        if self.known.stamp.proves_unchanged(&stamp) {
            return Ok(None);
        }
        let mut bytes = self.medium.read(&self.path)?;
        if let Some(theirs) = save::split_mixed_write(&bytes, &self.written_over) {
            tracing::debug!("somebody wrote at the same moment: truncating the rest of ours");
            let length = theirs.len();
            if self
                .medium
                .overwrite(&self.path, theirs, self.flushes())
                .is_ok()
            {
                bytes.truncate(length);
                stamp = self.medium.stamp(&self.path)?;
            }
        }
        let content = Content::of(&bytes);
        if content == self.known.content {
            self.known.stamp = stamp;
            // If another server has the lock, the next save says so.
            let _ = self.ensure_locked();
            return Ok(None);
        }
        if stamp.identity != self.known.stamp.identity {
            self.keep_unlinked(stamp.saved());
        }
        let edit = self.take(Known { stamp, content }, bytes, found);
        let _ = self.ensure_locked();
        Ok(Some(edit))
    }

    /// Whether the file's stamp allows that it holds something else than what was read or written last.
    pub fn may_have_changed(&self) -> bool {
        !self.is_as_known(Stamp::proves_unchanged)
    }

    /// Whether the file's stamp shows an edit. One that was made right after the last save may not show.
    pub fn shows_edit(&self) -> bool {
        !self.is_as_known(Stamp::is_same)
    }

    fn is_as_known(&self, is_same: fn(&Stamp, &Stamp) -> bool) -> bool {
        let has_same = |now: Stamp| is_same(&self.known.stamp, &now);
        matches!(self.moved(), Ok(None)) && self.medium.stamp(&self.path).is_ok_and(has_same)
    }

    /// How long until the file's stamp can prove that it has not been written since the last save; `None` if it proves
    /// that already, or shows a change. Until then, only reading the whole file can.
    pub fn settles_in(&self) -> Option<Duration> {
        let stamp = self
            .medium
            .stamp(&self.path)
            .ok()
            .filter(|_| self.failed_save.is_none())?;
        let until_checked = self
            .check_due()
            .map(|due| due.saturating_duration_since(Instant::now()));
        until_checked
            .or(stamp.settles_in())
            .filter(|_| self.known.stamp.is_same(&stamp))
    }

    fn take(&mut self, known: Known, bytes: Vec<u8>, found: Instant) -> Edit {
        let earlier = self.seen.get(&known.content).copied();
        tracing::debug!(bytes = bytes.len(), ?earlier, "the file was edited");
        self.update_known(known);
        Edit {
            bytes,
            earlier,
            found,
            age: known.stamp.age(),
            saved: known.stamp.saved(),
        }
    }

    /// Updates what is known after the rename of the new file, which changes its ctime.
    fn update_known_after_rename(&mut self, mut known: Known) {
        if let Ok(now) = self.medium.stamp(&self.path)
            && now == known.stamp
        {
            known.stamp.changed = now.changed;
        }
        self.update_known(known);
    }

    fn update_known(&mut self, known: Known) {
        self.known = known;
        self.number += 1;
        if self.seen.len() >= MOST_STATES {
            let half = self.number.saturating_sub(MOST_STATES as u64 / 2);
            self.seen.retain(|_, number| *number > half);
        }
        self.seen.insert(known.content, self.number);
    }

    /// The file for versions that lost against an edit: JSON lines, beside the data file.
    pub fn conflicts_path(&self) -> PathBuf {
        self.path.with_extension("conflicts.jsonl")
    }

    /// Appends lines to the file of versions that lost.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn append_conflicts(&self, line: &str) -> io::Result<()> {
        let path = self.conflicts_path();
        self.medium.append(&path, line, &self.path, self.flushes())
    }
}
