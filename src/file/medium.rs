use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::rights::{
    append_like, create_like, has_plain_rights, identity, not_regular, open_regular,
};
use super::{Content, Lock, LockError, Obstacle};

/// The file system as far as a save needs it: the real one, or one in a test that fails at a given step.
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
    /// What tells cheaply whether a file is still the same.
    ///
    /// # Errors
    /// It cannot be asked.
    fn stamp(&self, path: &Path) -> io::Result<Stamp>;
    /// What prevents saving the file at `path`, where that is known.
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
    /// Whether a new file in the place of the one at `path` can have its owner, mode, ACL and attributes. `scratch` may be
    /// made and removed to find that out.
    fn keeps_rights(&self, _path: &Path, _scratch: &Path) -> bool {
        true
    }
    /// Whether the file at `path` is a mount point of its own, so that no other can take its place.
    fn is_mounted_alone(&self, _path: &Path) -> bool {
        false
    }
    /// Writes a new file at `path` with the owner, mode, ACL and attributes of the file `like`, flushed to the device if
    /// `flush`. `false`: it could not be given them, and nobody but its owner may read it.
    ///
    /// # Errors
    /// The disk refuses; a part may have been written.
    fn write_new(&self, path: &Path, bytes: &[u8], like: &Path, flush: bool) -> io::Result<bool>;
    /// Lets two files change places in one atomic step.
    ///
    /// # Errors
    /// `Unsupported` where the system has no such step; otherwise the disk refuses and nothing changed.
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()>;
    /// Renames `from` over `to` in one atomic step.
    ///
    /// # Errors
    /// The disk refuses; nothing changed.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives the file at `path` a second name, which is taken from whatever has it.
    ///
    /// # Errors
    /// The file system has no hard links, or the disk refuses.
    fn link(&self, path: &Path, other: &Path) -> io::Result<()>;
    /// Writes over the file at `path` in place, flushed to the device if `flush`.
    ///
    /// # Errors
    /// The disk refuses; a part may have been written.
    fn overwrite(&self, path: &Path, bytes: &[u8], flush: bool) -> io::Result<()>;
    /// Adds a line to the end of the file at `path`, which is made if it is not there, and gets the rights of the file
    /// `like`; flushed to the device if `flush`.
    ///
    /// # Errors
    /// The disk refuses.
    fn append(&self, path: &Path, line: &str, like: &Path, flush: bool) -> io::Result<()>;
    /// Adds `bytes` after the first `length` bytes of the file at `path` and cuts off whatever stood there, flushed to the
    /// device if `flush`.
    ///
    /// # Errors
    /// `NotFound` where there is no such file, `UnexpectedEof` where it has fewer bytes; otherwise the disk refuses, and a
    /// part may have been written after the first `length` bytes.
    fn extend(&self, path: &Path, length: u64, bytes: &[u8], flush: bool) -> io::Result<()>;
    /// Takes hold of the file at `path`, so that it can be read when it has no name any more.
    ///
    /// # Errors
    /// It cannot be opened.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// The names of the regular files in the folder that `path` is in; none where it cannot be read.
    fn list(&self, path: &Path) -> Vec<String>;
    /// Removes a file.
    ///
    /// # Errors
    /// The disk refuses.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// What is another after each start of the machine, where the system tells: what was not flushed before may be lost.
    fn boot(&self) -> Option<String> {
        None
    }
    /// Flushes the folder that `path` is in, so that a rename in it survives a power cut.
    ///
    /// # Errors
    /// The disk refuses.
    fn flush_folder(&self, path: &Path) -> io::Result<()>;
}

/// A file that is held open.
pub trait Handle: Send {
    /// As [`Medium::stamp`].
    ///
    /// # Errors
    /// It cannot be asked.
    fn stamp(&self) -> io::Result<Stamp>;
    /// What the file holds.
    ///
    /// # Errors
    /// It cannot be read.
    fn read(&self) -> io::Result<Vec<u8>>;
    /// What the file holds, without keeping it in memory.
    ///
    /// # Errors
    /// It cannot be read.
    fn content(&self) -> io::Result<Content> {
        Ok(Content::of(&self.read()?))
    }
}

/// What the file system says of a file without reading it. Two stamps are equal if identity, size and time of the last
/// write are: a save of our own changes the ctime when it exchanges two files.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// Device and inode; 0 where the system has none.
    pub identity: (u64, u64),
    /// Bytes.
    pub size: u64,
    /// When it was last written, where the system tells.
    pub modified: Option<SystemTime>,
    /// The ctime in seconds and nanoseconds, where the system tells.
    pub changed: Option<(i64, i64)>,
    /// When this stamp was taken.
    pub taken: SystemTime,
}

impl PartialEq for Stamp {
    fn eq(&self, other: &Stamp) -> bool {
        (self.identity, self.size, self.modified) == (other.identity, other.size, other.modified)
    }
}

impl Eq for Stamp {}

/// File times move in steps of some milliseconds; within one step two contents of one size look alike.
const STEP: Duration = Duration::from_millis(50);
/// The steps of file systems that keep whole seconds (ext with small inodes, HFS+) or pairs of them (FAT).
const COARSE_STEP: Duration = Duration::from_millis(2050);

/// The longest step in which a file system that gave this time may move it.
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

    /// How long before the stamp was taken the file was written.
    pub fn age(&self) -> Duration {
        self.modified
            .and_then(|modified| self.taken.duration_since(modified).ok())
            .unwrap_or_default()
    }

    /// Whether nothing tells the two apart, not even the ctime. It changes with each write, even if the time of the last
    /// write is set back.
    pub fn is_same(&self, other: &Stamp) -> bool {
        self == other && self.changed == other.changed
    }

    /// Whether a file that had this stamp, and now has `other`, must still hold the same.
    pub fn is_surely(&self, other: &Stamp) -> bool {
        self.is_same(other) && self.is_settled() && self.ctime().is_none_or(|at| self.is_past(at))
    }

    /// Whether the stamp was taken so long after the last write that a later write must show in it.
    pub fn is_settled(&self) -> bool {
        self.modified.is_some_and(|at| self.is_past(at))
    }

    /// Whether the stamp was taken so long after `time` that a later time must differ.
    fn is_past(&self, time: SystemTime) -> bool {
        let age = self.taken.duration_since(time);
        age.is_ok_and(|age| age > step(time))
    }

    fn ctime(&self) -> Option<SystemTime> {
        let (seconds, nanoseconds) = self.changed?;
        let since = Duration::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?);
        SystemTime::UNIX_EPOCH.checked_add(since)
    }

    /// When the file was written or renamed last. The time of the last write itself can be set to any other.
    pub fn saved(&self) -> Option<SystemTime> {
        self.ctime().or(self.modified)
    }

    /// How long it takes until a stamp like this one is settled, where it is not.
    pub fn settles_in(&self) -> Option<Duration> {
        let last = self
            .modified?
            .max(self.ctime().unwrap_or(SystemTime::UNIX_EPOCH));
        // A file time in the future, as another machine's clock may give, says nothing.
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
        // Where none can be made, the error of the save says more.
        let Ok(made) = create_like(scratch, path) else {
            return true;
        };
        let _ = fs::remove_file(scratch);
        made.has_rights
    }

    #[cfg(target_os = "linux")]
    fn is_mounted_alone(&self, path: &Path) -> bool {
        use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
        statx(CWD, path, AtFlags::empty(), StatxFlags::empty())
            .is_ok_and(|about| about.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
    }

    fn write_new(&self, path: &Path, bytes: &[u8], like: &Path, flush: bool) -> io::Result<bool> {
        // Where there is none, the folder may be gone too, and the error says which.
        fs::metadata(like)?;
        // Only one server saves a file (see `Lock`): a scratch file that is there was left by a save that failed.
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
        // Not after the write: that could cut off what an editor has written since.
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
        // Its times need no flush.
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

/// Puts a new file in the place of `path`, with the rights of the old one, or else of the file `like`: all of it or
/// nothing, also after a power cut.
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
