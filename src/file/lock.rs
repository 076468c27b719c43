//! The lock on the data file itself: the server that holds it is the only one that saves the file.
//!
//! The lock belongs to the inode, so that a second server finds it under any name: through a symbolic or hard link, a
//! bind mount, as another user. The system releases it when the process ends. Editors do not notice it: it is advisory,
//! and its byte range is beyond the end of any file. A save replaces the file, so the new one is locked before it
//! becomes visible; after locking a file by its path, a server checks that the path still names it.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

use super::rights::{identity, open_regular};
use super::{DataFile, Role, take_lock};

/// The exclusive lock on a data file; released when dropped or when the process ends.
#[derive(Debug)]
pub struct Lock {
    /// `None`: on a simulated disk, which no other process uses.
    file: Option<File>,
    identity: (u64, u64),
    port: u16,
}

/// The server that holds the lock, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holder {
    /// Its process.
    pub process: Option<u32>,
    /// The port that it serves on.
    pub port: Option<u16>,
}

impl fmt::Display for Holder {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.process, self.port) {
            (Some(process), Some(port)) => write!(to, "the process {process} on port {port}"),
            (Some(process), None) => write!(to, "the process {process}"),
            (None, _) => to.write_str("another process"),
        }
    }
}

/// Why a data file was not opened or locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another server has the lock.
    #[error("already being served by {0}")]
    Held(Holder),
    /// The operating system refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Lock {
    /// A lock on a disk that no other process uses.
    pub(super) fn nominal() -> Lock {
        Lock {
            file: None,
            identity: (0, 0),
            port: 0,
        }
    }

    /// Locks the file at `path`, and stores `port` in the lock; 0 if it is not known yet.
    ///
    /// # Errors
    /// Another server has the lock; or the file cannot be read, or its file system has no locks.
    pub(super) fn take(path: &Path, port: u16) -> Result<Lock, LockError> {
        loop {
            // Open for reading: the file system can still be remounted read-only.
            let file = open_regular(File::options().read(true), path)?;
            let identity = identity(&file.metadata()?);
            if !system::lock(&file, port)? {
                return Err(LockError::Held(system::holder(&file)));
            }
            let lock = Lock {
                file: Some(file),
                identity,
                port,
            };
            // It may have been replaced since it was opened.
            if self::identity(&std::fs::metadata(path)?) == identity {
                return Ok(lock);
            }
        }
    }

    /// The file that is locked, if it has no name any more.
    pub(super) fn unlinked(&self, identity: (u64, u64)) -> Option<File> {
        let file = self.file.as_ref().filter(|_| self.identity == identity)?;
        has_no_name(file).then(|| file.try_clone().ok())?
    }

    pub(super) fn covers(&self, identity: (u64, u64)) -> bool {
        self.file.is_none() || self.identity == identity
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Explicitly, because a process that is being spawned may have inherited the descriptor for a moment.
        if let Some(file) = &self.file {
            system::unlock(file);
        }
    }
}

impl DataFile {
    /// Stores the port in the lock, for the error of a second server.
    pub fn served_on(&mut self, port: u16) {
        self.port = port;
        if let Some(lock) = &mut self.lock {
            if let Some(file) = &lock.file {
                system::store_port(file, lock.port, port);
            }
            lock.port = port;
        }
    }

    /// Locks the file that is at the path now, if another program has replaced it. `false`: it cannot be locked, and
    /// another server may save it.
    ///
    /// # Errors
    /// Another server has locked it meanwhile.
    pub(super) fn ensure_locked(&mut self) -> io::Result<bool> {
        if self.role == Role::Reader {
            return Ok(false);
        }
        let is_covered =
            |lock: &Option<Lock>, identity| lock.as_ref().is_some_and(|lock| lock.covers(identity));
        if is_covered(&self.lock, self.known.stamp.identity)
            || is_covered(&self.lock, self.medium.stamp(&self.path)?.identity)
        {
            return Ok(true);
        }
        match take_lock(&*self.medium, &self.path, self.role, self.port) {
            Ok(lock) => {
                self.lock = lock;
                Ok(self.lock.is_some())
            }
            Err(error) => {
                self.lock = None;
                Err(io::Error::new(io::ErrorKind::WouldBlock, error))
            }
        }
    }

    /// Takes over the lock on the file that a save has put in place.
    pub(super) fn keep_lock_of_save(&mut self, lock: Option<Lock>) {
        // The exchange may have been undone.
        if let Some(lock) = lock
            && lock.covers(self.known.stamp.identity)
        {
            self.lock = Some(lock);
        }
    }
}

fn has_no_name(file: &File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        file.metadata().is_ok_and(|about| about.nlink() == 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// Open file description (OFD) locks on single bytes. Each server locks a byte whose offset encodes its process and
/// port, and checks whether another byte is locked. So nothing has to be written to a file, where others could change
/// it. These are shared locks: they need no write permission.
#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    target_pointer_width = "64"
))]
mod system {
    use std::fs::File;
    use std::io;
    use std::time::Duration;

    use nix::fcntl::{FcntlArg, fcntl};

    use super::Holder;

    const FIRST: i64 = 1 << 62;

    fn range(kind: libc::c_int, start: i64, length: i64) -> libc::flock {
        libc::flock {
            l_type: kind as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: start,
            l_len: length,
            // Must be 0 for OFD locks.
            l_pid: 0,
        }
    }

    fn byte(port: u16) -> i64 {
        FIRST + (i64::from(std::process::id()) << 16) + i64::from(port)
    }

    /// `false`: another process holds it.
    pub(super) fn lock(file: &File, port: u16) -> io::Result<bool> {
        let own = byte(port);
        fcntl(file, FcntlArg::F_OFD_SETLK(&range(libc::F_RDLCK, own, 1)))?;
        // Of two that start at the same moment, one has to back off.
        for _ in 0..20 {
            match other(file)? {
                None => return Ok(true),
                Some(other) if other <= own => break,
                Some(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        unlock(file);
        Ok(false)
    }

    fn other(file: &File) -> io::Result<Option<i64>> {
        let mut found = range(libc::F_WRLCK, FIRST, 0);
        fcntl(file, FcntlArg::F_OFD_GETLK(&mut found))?;
        Ok((found.l_type != libc::F_UNLCK as libc::c_short).then_some(found.l_start))
    }

    pub(super) fn store_port(file: &File, before: u16, port: u16) {
        let new = range(libc::F_RDLCK, byte(port), 1);
        if before != port && fcntl(file, FcntlArg::F_OFD_SETLK(&new)).is_ok() {
            let old = range(libc::F_UNLCK, byte(before), 1);
            // If it stays, it locks as well as the new one.
            let _ = fcntl(file, FcntlArg::F_OFD_SETLK(&old));
        }
    }

    pub(super) fn holder(file: &File) -> Holder {
        // A lock of another program on the whole file has a smaller offset.
        let number = other(file).ok().flatten().unwrap_or(0) - FIRST;
        Holder {
            process: u32::try_from(number >> 16).ok().filter(|id| *id != 0),
            port: u16::try_from(number & 0xffff)
                .ok()
                .filter(|port| *port != 0),
        }
    }

    pub(super) fn unlock(file: &File) {
        let all = range(libc::F_UNLCK, FIRST, 0);
        let _ = fcntl(file, FcntlArg::F_OFD_SETLK(&all));
    }
}

/// A lock on the whole file, which on other systems does not affect reading and writing. It does not say who has it.
#[cfg(all(
    unix,
    not(all(
        any(target_os = "linux", target_os = "android"),
        target_pointer_width = "64"
    ))
))]
mod system {
    use std::fs::{File, TryLockError};
    use std::io;

    use super::Holder;

    /// `false`: another process holds it.
    pub(super) fn lock(file: &File, _: u16) -> io::Result<bool> {
        match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    pub(super) fn store_port(_: &File, _: u16, _: u16) {}

    pub(super) fn holder(_: &File) -> Holder {
        Holder::default()
    }

    pub(super) fn unlock(file: &File) {
        let _ = file.unlock();
    }
}

/// A lock on one byte far beyond the end: on Windows others cannot read or write a locked range.
#[cfg(windows)]
mod system {
    use std::fs::File;
    use std::io;
    use std::os::windows::io::AsRawHandle;

    use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, ERROR_LOCK_VIOLATION};
    use windows_sys::Win32::Storage::FileSystem::{
        LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx,
    };
    use windows_sys::Win32::System::IO::OVERLAPPED;

    use super::Holder;

    /// The upper half of the byte's number.
    const HIGH: u32 = 1 << 30;

    /// `false`: another process holds it.
    #[allow(unsafe_code)]
    pub(super) fn lock(file: &File, _: u16) -> io::Result<bool> {
        let mut place = OVERLAPPED::default();
        place.Anonymous.Anonymous.OffsetHigh = HIGH;
        let flags = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
        // SAFETY: the handle is open as long as `file` is borrowed, and was opened for synchronous use, so that the
        // call does not keep the pointer to `place` when it returns.
        if unsafe { LockFileEx(file.as_raw_handle(), flags, 0, 1, 0, &mut place) } != 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        let code = error
            .raw_os_error()
            .and_then(|code| u32::try_from(code).ok());
        match code {
            Some(ERROR_LOCK_VIOLATION | ERROR_IO_PENDING) => Ok(false),
            _ => Err(error),
        }
    }

    pub(super) fn store_port(_: &File, _: u16, _: u16) {}

    pub(super) fn holder(_: &File) -> Holder {
        Holder::default()
    }

    /// Closing the file releases the lock: no other process inherits the handle.
    pub(super) fn unlock(_: &File) {}
}
