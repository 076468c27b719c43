//! Opening and creating files by names that somebody else could guess, and keeping private what is private.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a regular file. Whatever else has its name, such as a link that somebody put there, or a pipe at which we would
/// wait, is refused.
pub(super) fn open_regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    let file = options.open(path).map_err(|error| {
        let is_other = fs::symlink_metadata(path).is_ok_and(|about| !about.is_file());
        if is_other { not_regular() } else { error }
    })?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(not_regular())
}

pub(super) fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::IsADirectory, "it is not a regular file")
}

/// The device and the inode of a file; 0 where the system has none.
pub(super) fn identity(about: &fs::Metadata) -> (u64, u64) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (about.dev(), about.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = about;
        (0, 0)
    }
}

/// A file that was just made.
pub struct Created {
    /// The file, open for writing.
    pub file: File,
    /// Whether it has the owner, the mode, the ACL and the extended attributes that it should have. Otherwise nobody but
    /// its owner may read it.
    pub has_rights: bool,
}

/// Makes a new file at `path` with the rights of the file `like`. At no moment may anybody read it who may not read that
/// one.
///
/// # Errors
/// Something is at `path` already, or the disk refuses.
pub fn create_like(path: &Path, like: &Path) -> io::Result<Created> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    create_with(&mut options, path, like)
}

/// As [`create_like`], but adds to a file that is there already.
pub(super) fn append_like(path: &Path, like: &Path) -> io::Result<Created> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    create_with(&mut options, path, like)
}

fn create_with(options: &mut OpenOptions, path: &Path, like: &Path) -> io::Result<Created> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let file = open_regular(options, path)?;
    let has_rights = match give_rights(&file, like) {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(%error, path = %path.display(), "cannot give the file the rights of the data file");
            false
        }
    };
    if !has_rights {
        narrow(&file)?;
    }
    Ok(Created { file, has_rights })
}

/// Whether a new file in the place of `path` would have its rights without further ado.
#[cfg(unix)]
pub(super) fn has_plain_rights(path: &Path) -> bool {
    use rustix::process::{getegid, geteuid};
    use std::os::unix::fs::MetadataExt;
    let (Ok(about), Ok(attributes)) = (fs::metadata(path), attributes(path)) else {
        return false;
    };
    (about.uid(), about.gid()) == (geteuid().as_raw(), getegid().as_raw()) && attributes.is_empty()
}

#[cfg(not(unix))]
pub(super) fn has_plain_rights(_: &Path) -> bool {
    true
}

/// Owner, attributes, mode, in that order: the mode of a file with an ACL also limits what the ACL grants.
#[cfg(unix)]
fn give_rights(file: &File, like: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let (own, about) = (file.metadata()?, fs::metadata(like)?);
    if own.uid() != about.uid() {
        fchown(file, Some(about.uid()), None)?;
    }
    if own.gid() != about.gid() {
        fchown(file, None, Some(about.gid()))?;
    }
    copy_attributes(file, like)?;
    let mode = about.mode() & 0o7777;
    // A file system without modes refuses, and has none to lose.
    if file.metadata()?.mode() & 0o7777 != mode {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn give_rights(file: &File, like: &Path) -> io::Result<()> {
    file.set_permissions(fs::metadata(like)?.permissions())
}

/// The ACL of a file is an attribute, too.
#[cfg(unix)]
const ACL: &str = "system.posix_acl_access";

/// Attributes that the system makes itself.
#[cfg(unix)]
const OF_SYSTEM: [&str; 3] = ["security.ima", "security.evm", "com.apple.provenance"];

#[cfg(unix)]
fn copy_attributes(file: &File, like: &Path) -> io::Result<()> {
    use xattr::FileExt;
    for name in attributes(like)? {
        if OF_SYSTEM.iter().any(|other| name == *other) {
            continue;
        }
        // It may have been removed meanwhile.
        let Some(value) = xattr::get_deref(like, &name)? else {
            continue;
        };
        if file.get_xattr(&name)?.as_ref() != Some(&value) {
            file.set_xattr(&name, &value)?;
        }
    }
    // The folder may give one to every new file.
    if xattr::get_deref(like, ACL).unwrap_or_default().is_none()
        && file.get_xattr(ACL).unwrap_or_default().is_some()
    {
        file.remove_xattr(ACL)?;
    }
    Ok(())
}

#[cfg(unix)]
fn attributes(path: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    match xattr::list_deref(path) {
        Ok(names) => Ok(names.collect()),
        Err(error) if error.raw_os_error() == Some(libc::ENOTSUP) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Leaves the file to its owner alone.
fn narrow(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata()?.permissions().mode() & 0o600;
        // With an ACL, the bits of the group are the most that it grants to others than the owner.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    let _ = file;
    Ok(())
}
