//! The data file on disk: reading it, replacing it so that it is whole at every instant, and seeing that somebody else
//! has changed it.
//!
//! A save writes a new file beside the old one and exchanges the two. What comes out of the exchange is looked at: if it
//! is not what was read or written last, a person has saved in between, and the exchange is taken back.

mod lock;
mod medium;
mod watch;

use std::hash::Hasher;
use std::io;
use std::path::{Path, PathBuf};

pub use lock::{Lock, LockError};
pub use medium::{Medium, RealDisk, Stamp};
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
    Foreign(Vec<u8>),
}

/// The data file, and what it held when we last looked.
pub struct DataFile {
    path: PathBuf,
    scratch: PathBuf,
    medium: Box<dyn Medium>,
    durability: Durability,
    known: Known,
}

/// What is known of the file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    stamp: Stamp,
    content: Content,
}

/// A content, by its size and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Content {
    size: usize,
    hash: u64,
}

impl Content {
    fn of(bytes: &[u8]) -> Content {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write(bytes);
        Content { size: bytes.len(), hash: hasher.finish() }
    }
}

impl DataFile {
    /// Opens the file at `path` (through symbolic links, which stay) and reads it.
    ///
    /// # Errors
    /// It cannot be found or read.
    pub fn open(path: &Path, durability: Durability, medium: Box<dyn Medium>) -> io::Result<(DataFile, Vec<u8>)> {
        let path = medium.resolve(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let scratch = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let stamp = medium.stamp(&path)?;
        let bytes = medium.read(&path)?;
        let known = Known { stamp, content: Content::of(&bytes) };
        Ok((DataFile { path, scratch, medium, durability, known }, bytes))
    }

    /// Where the file is, symbolic links followed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file holds, if that is not what was read or written last.
    ///
    /// # Errors
    /// The file cannot be read; what was known stays known.
    pub fn changed(&mut self) -> io::Result<Option<Vec<u8>>> {
        let stamp = self.medium.stamp(&self.path)?;
        if stamp == self.known.stamp && stamp.is_settled() {
            return Ok(None);
        }
        let bytes = self.medium.read(&self.path)?;
        let content = Content::of(&bytes);
        let same = content == self.known.content;
        self.known = Known { stamp, content };
        Ok((!same).then_some(bytes))
    }

    /// Makes the file hold `text`. At every instant it holds either that or what it held before.
    ///
    /// # Errors
    /// The disk refuses; the file holds what it held before.
    pub fn save(&mut self, text: &[u8]) -> io::Result<Saved> {
        let flush = self.durability == Durability::Synced;
        let saved = self.medium.write_new(&self.scratch, text, &self.path, flush).and_then(|()| self.exchange(text));
        match saved {
            Ok(Saved::Done) => {
                if flush {
                    self.medium.flush_folder(&self.path)?;
                }
                Ok(Saved::Done)
            }
            Ok(foreign) => Ok(foreign),
            Err(error) => {
                // The first error tells the cause; a scratch file that cannot be removed either is overwritten later.
                let _ = self.medium.remove(&self.scratch);
                Err(error)
            }
        }
    }

    fn exchange(&mut self, text: &[u8]) -> io::Result<Saved> {
        let ours = Known { stamp: self.medium.stamp(&self.scratch)?, content: Content::of(text) };
        match self.medium.exchange(&self.scratch, &self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return self.rename(ours),
            Err(error) => return Err(error),
        }
        let mut out = self.came_out()?;
        if out.content == self.known.content {
            self.known = ours;
            self.medium.remove(&self.scratch)?;
            return Ok(Saved::Done);
        }
        // A person's edit came out. Put it back; should yet another edit come out of that, it is the newer one and goes
        // back in its turn.
        let mut ours = ours;
        loop {
            self.medium.exchange(&self.scratch, &self.path)?;
            let back = self.came_out()?;
            if back.content == ours.content {
                self.known = Known { stamp: self.medium.stamp(&self.path)?, content: out.content };
                self.medium.remove(&self.scratch)?;
                return Ok(Saved::Foreign(self.medium.read(&self.path)?));
            }
            (ours, out) = (out, back);
        }
    }

    fn came_out(&self) -> io::Result<Known> {
        let stamp = self.medium.stamp(&self.scratch)?;
        if stamp == self.known.stamp && stamp.is_settled() {
            return Ok(Known { stamp, content: self.known.content });
        }
        Ok(Known { stamp, content: Content::of(&self.medium.read(&self.scratch)?) })
    }

    /// Where two files cannot be exchanged: look just before the rename. The window is the time between the two calls.
    fn rename(&mut self, ours: Known) -> io::Result<Saved> {
        if let Some(bytes) = self.changed()? {
            self.medium.remove(&self.scratch)?;
            return Ok(Saved::Foreign(bytes));
        }
        self.medium.rename(&self.scratch, &self.path)?;
        self.known = ours;
        Ok(Saved::Done)
    }
}
