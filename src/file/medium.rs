use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::rights::{
    self, append_like, create_like, has_plain_rights, identity, not_regular, open_regular,
};
use super::{Content, Lock, LockError, Obstacle};

/// The file system operations of a save: the real ones, or those of a test that fail at a given step.
pub trait Medium: Send + Sync {
    /// The file that `path` leads to, symbolic links followed.
    ///
    /// # Errors
    /// There is none.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;
    /// The content of a file.
    ///
    /// # Errors
    /// It cannot be read.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// The stamp of a file, a cheap check whether it is still the same.
    ///
    /// # Errors
    /// Its metadata cannot be read.
    fn stamp(&self, path: &Path) -> io::Result<Stamp>;
    /// The reason why the file at `path` cannot be saved, if it is known.
    fn obstacle(&self, _path: &Path) -> Option<Obstacle> {
        None
    }
    /// Locks the file at `path` for this process, which serves it on `port`.
    ///
    /// # Errors
    /// Another server has locked it, or it cannot be locked.
    fn lock(&self, _path: &Path, _port: u16) -> Result<Lock, LockError> {
        Ok(Lock::nominal())
    }
    /// Whether a new file can be given the owner, mode, ACL and attributes of the one at `path`. `scratch` may be
    /// created and removed to find that out.
    fn keeps_rights(&self, _path: &Path, _scratch: &Path) -> bool {
        true
    }
    /// Whether the file at `path` is itself a mount point, so that it cannot be replaced.
    fn is_mounted_alone(&self, _path: &Path) -> bool {
        false
    }
    /// Writes a new file at `path` with the owner, mode, ACL and attributes of the file `like`, with fsync if `flush`.
    /// `false`: it could not be given them, and only its owner may read it.
    ///
    /// # Errors
    /// The disk refuses; a part may have been written.
    fn write_new(&self, path: &Path, bytes: &[u8], like: &Path, flush: bool) -> io::Result<bool>;
    /// Exchanges two files atomically.
    ///
    /// # Errors
    /// `Unsupported` if the system has no such call; otherwise the disk refuses and nothing changed.
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()>;
    /// Renames `from` over `to` atomically.
    ///
    /// # Errors
    /// The disk refuses; nothing changed.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes `other` a hard link to the file at `path`, replacing what is there.
    ///
    /// # Errors
    /// The file system has no hard links, or the disk refuses.
    fn link(&self, path: &Path, other: &Path) -> io::Result<()>;
    /// Overwrites the file at `path` in place, with fsync if `flush`.
    ///
    /// # Errors
    /// The disk refuses; a part may have been written.
    fn overwrite(&self, path: &Path, bytes: &[u8], flush: bool) -> io::Result<()>;
    /// Appends a line to the file at `path`, which is created with the rights of the file `like` if it does not exist;
    /// with fsync if `flush`.
    ///
    /// # Errors
    /// The disk refuses.
    fn append(&self, path: &Path, line: &str, like: &Path, flush: bool) -> io::Result<()>;
    /// Writes `bytes` after the first `length` bytes of the file at `path` and truncates whatever was there, with fsync
    /// if `flush`.
    ///
    /// # Errors
    /// `NotFound` if there is no such file, `UnexpectedEof` if it has fewer bytes; otherwise the disk refuses,
    /// and a part may have been written after the first `length` bytes.
    fn extend(&self, path: &Path, length: u64, bytes: &[u8], flush: bool) -> io::Result<()>;
    /// Opens the file at `path`, so that it can be read after it is unlinked.
    ///
    /// # Errors
    /// It cannot be opened.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// The names of the regular files in the folder that `path` is in; none if it cannot be read.
    fn list(&self, path: &Path) -> Vec<String>;
    /// Removes a file.
    ///
    /// # Errors
    /// The disk refuses.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The boot id, if the system has one: what was not flushed before a reboot may be lost.
    fn boot(&self) -> Option<String> {
        None
    }
    /// Fsyncs the folder that `path` is in, so that a rename in it survives a power cut.
    ///
    /// # Errors
    /// The disk refuses.
    fn flush_folder(&self, path: &Path) -> io::Result<()>;
}

/// A file that is held open.
pub trait Handle: Send {
    /// Like [`Medium::stamp`].
    ///
    /// # Errors
    /// Its metadata cannot be read.
    fn stamp(&self) -> io::Result<Stamp>;
    /// The file's content.
    ///
    /// # Errors
    /// It cannot be read.
    fn read(&self) -> io::Result<Vec<u8>>;
    /// The fingerprint of what the file holds, computed block by block.
    ///
    /// # Errors
    /// It cannot be read.
    fn content(&self) -> io::Result<Content> {
        Ok(Content::of(&self.read()?))
    }
}

/// The metadata that identifies a version of a file. Two stamps are equal if inode, size and mtime are: our own saves
/// change the ctime when they exchange two files.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// Device and inode; 0 if the system has none.
    pub identity: (u64, u64),
    /// Bytes.
    pub size: u64,
    /// The mtime, if the system has one.
    pub modified: Option<SystemTime>,
    /// The ctime in seconds and nanoseconds, if the system has one.
    pub changed: Option<(i64, i64)>,
    /// The time at which this stamp was taken.
    pub taken: SystemTime,
}

impl PartialEq for Stamp {
    fn eq(&self, other: &Stamp) -> bool {
        (self.identity, self.size, self.modified) == (other.identity, other.size, other.modified)
    }
}

impl Eq for Stamp {}

/// File times have a granularity of some milliseconds; within one step two contents of the same size look alike.
const STEP: Duration = Duration::from_millis(50);
/// The granularity of file systems that store whole seconds (ext with small inodes, HFS+) or pairs of them (FAT).
const COARSE_STEP: Duration = Duration::from_millis(2050);

/// The coarsest granularity that this time is consistent with.
fn step(time: SystemTime) -> Duration {
    let is_whole = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .is_ok_and(|since| since.subsec_nanos() == 0);
    if is_whole { COARSE_STEP } else { STEP }
}

impl Stamp {
    fn of(about: &fs::Metadata) -> Stamp {
        #[cfg(unix)]
        let changed = {
            use std::os::unix::fs::MetadataExt;
            Some((about.ctime(), about.ctime_nsec()))
        };
        #[cfg(not(unix))]
        let changed = None;
        Stamp {
            identity: identity(about),
            size: about.len(),
            modified: about.modified().ok(),
            changed,
            taken: SystemTime::now(),
        }
    }

    /// How long the file had been left alone when the stamp was taken.
    pub fn age(&self) -> Duration {
        self.modified
            .and_then(|modified| self.taken.duration_since(modified).ok())
            .unwrap_or_default()
    }

    /// Whether the two are equal, ctime included. The ctime changes with each write, even if the mtime is set back.
    pub fn is_same(&self, other: &Stamp) -> bool {
        self == other && self.changed == other.changed
    }

    /// Whether a file that had this stamp, and now has `other`, cannot have been written in between.
    pub fn proves_unchanged(&self, other: &Stamp) -> bool {
        self.is_same(other) && self.is_settled() && self.ctime().is_none_or(|at| self.is_past(at))
    }

    /// Whether the stamp was taken so long after the last write that a later write must have another mtime.
    pub fn is_settled(&self) -> bool {
        self.modified.is_some_and(|at| self.is_past(at))
    }

    /// Whether the stamp was taken so long after `time` that a later write must have another time.
    fn is_past(&self, time: SystemTime) -> bool {
        let age = self.taken.duration_since(time);
        age.is_ok_and(|age| age > step(time))
    }

    fn ctime(&self) -> Option<SystemTime> {
        let (seconds, nanoseconds) = self.changed?;
        let since = Duration::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?);
        SystemTime::UNIX_EPOCH.checked_add(since)
    }

    /// The time of the last write or rename (ctime). The mtime can be set to anything.
    pub fn saved(&self) -> Option<SystemTime> {
        self.ctime().or(self.modified)
    }

    /// How long until a stamp like this one is settled, if it is not.
    pub fn settles_in(&self) -> Option<Duration> {
        let last = self
            .modified?
            .max(self.ctime().unwrap_or(SystemTime::UNIX_EPOCH));
        // A file time in the future, from another machine's clock, says nothing.
        let age = self.taken.duration_since(last).ok()?;
        let step = step(last);
        (age <= step).then(|| step - age + Duration::from_millis(1))
    }
}

/// The operating system's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Medium for RealDisk {
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Handle::read(&open_regular(File::options().read(true), path)?)
    }

    fn stamp(&self, path: &Path) -> io::Result<Stamp> {
        let about = fs::symlink_metadata(path)?;
        if !about.is_file() {
            return Err(not_regular());
        }
        Ok(Stamp::of(&about))
    }

    fn obstacle(&self, path: &Path) -> Option<Obstacle> {
        Obstacle::find(path)
    }

    fn lock(&self, path: &Path, port: u16) -> Result<Lock, LockError> {
        Lock::take(path, port)
    }

    fn keeps_rights(&self, path: &Path, scratch: &Path) -> bool {
        if has_plain_rights(path) {
            return true;
        }
        // If none can be created, the error of the save says more.
        let Ok(made) = create_like(scratch, path) else {
            return true;
        };
        let _ = fs::remove_file(scratch);
        made.has_rights
    }

    fn is_mounted_alone(&self, path: &Path) -> bool {
        rights::is_mount_point(path) == Some(true)
    }

    fn write_new(&self, path: &Path, bytes: &[u8], like: &Path, flush: bool) -> io::Result<bool> {
        // If there is none, the folder may be gone too, and the error says which.
        fs::metadata(like)?;
        // Only one server saves a file (see `Lock`): an existing scratch file was left by a failed save.
        remove_if_there(path)?;
        let mut made = create_like(path, like)?;
        made.file.write_all(bytes)?;
        if flush {
            made.file.sync_all()?;
        }
        Ok(made.has_rights)
    }

    #[cfg(target_os = "linux")]
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).map_err(|error| match error {
            Errno::INVAL | Errno::NOSYS | Errno::NOTSUP => {
                io::Error::from(io::ErrorKind::Unsupported)
            }
            error => io::Error::from(error),
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn exchange(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, path: &Path, other: &Path) -> io::Result<()> {
        remove_if_there(other)?;
        fs::hard_link(path, other)
    }

    fn overwrite(&self, path: &Path, bytes: &[u8], flush: bool) -> io::Result<()> {
        let mut file = open_regular(File::options().write(true), path)?;
        // Not after the write: that could truncate what an editor has written since.
        if file.metadata()?.len() > bytes.len() as u64 {
            file.set_len(bytes.len() as u64)?;
        }
        file.write_all(bytes)?;
        if flush {
            file.sync_all()?;
        }
        Ok(())
    }

    fn append(&self, path: &Path, line: &str, like: &Path, flush: bool) -> io::Result<()> {
        let mut file = append_like(path, like)?.file;
        file.write_all(format!("{line}\n").as_bytes())?;
        if flush { file.sync_all() } else { Ok(()) }
    }

    fn extend(&self, path: &Path, length: u64, bytes: &[u8], flush: bool) -> io::Result<()> {
        use std::io::{Seek, SeekFrom};
        let mut file = open_regular(File::options().write(true), path)?;
        let now = file.metadata()?.len();
        if now < length {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it is shorter than it was",
            ));
        }
        if now > length {
            file.set_len(length)?;
        }
        file.seek(SeekFrom::Start(length))?;
        file.write_all(bytes)?;
        // The times need no fsync.
        if flush { file.sync_data() } else { Ok(()) }
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        Ok(Box::new(open_regular(File::options().read(true), path)?))
    }

    fn list(&self, path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path.parent().unwrap_or(Path::new(".")))
            .into_iter()
            .flatten()
            .flatten();
        entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    #[cfg(target_os = "linux")]
    fn boot(&self) -> Option<String> {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().to_string())
    }

    #[cfg(unix)]
    fn flush_folder(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }

    #[cfg(not(unix))]
    fn flush_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Atomically replaces the file at `path`, also across a power cut. The new one has the rights of the old one, or else
/// of the file `like`.
///
/// # Errors
/// The disk refuses.
pub fn replace(path: &Path, bytes: &[u8], like: &Path) -> io::Result<()> {
    let (path, like) = match path.canonicalize() {
        Ok(path) => (path.clone(), path),
        Err(_) => (std::path::absolute(path)?, like.to_path_buf()),
    };
    let scratch = path.with_extension("standin-tmp");
    let written = RealDisk.write_new(&scratch, bytes, &like, true);
    if let Err(error) = written.and_then(|_| RealDisk.rename(&scratch, &path)) {
        let _ = RealDisk.remove(&scratch);
        return Err(error);
    }
    RealDisk.flush_folder(&path)
}

impl Handle for File {
    fn stamp(&self) -> io::Result<Stamp> {
        Ok(Stamp::of(&self.metadata()?))
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        let mut file = self;
        file.rewind()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn content(&self) -> io::Result<Content> {
        let mut file = self;
        file.rewind()?;
        let mut content = Content::default();
        let mut block = Vec::new();
        loop {
            block.clear();
            if file.take(Content::BLOCK as u64).read_to_end(&mut block)? == 0 {
                return Ok(content);
            }
            content.add(&block);
        }
    }
}
