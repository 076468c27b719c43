//! Permissions: opening and creating files at paths that other users could guess, copying owner, mode, ACL and
//! attributes, and explaining why a data file cannot be saved.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a regular file. Anything else, such as a symbolic link, or a pipe on which the open would block, is an error.
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

/// The device and the inode of a file; 0 if the system has none.
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

/// Whether the file at `path` is mounted by itself; `None` if the system does not tell.
pub(super) fn is_mount_point(path: &Path) -> Option<bool> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
        let about = statx(CWD, path, AtFlags::empty(), StatxFlags::empty()).ok()?;
        let is_known = about
            .stx_attributes_mask
            .contains(StatxAttributes::MOUNT_ROOT);
        is_known.then(|| about.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        Some(false)
    }
}

/// A file that was just created.
pub struct Created {
    /// The file, open for writing.
    pub file: File,
    /// Whether it has the owner, mode, ACL and extended attributes that it should have. Otherwise only its owner may
    /// read it.
    pub has_rights: bool,
}

/// Creates a file at `path` with the rights of the file `like`. At no moment can anybody read it who cannot read that
/// one.
///
/// # Errors
/// Something is at `path` already, or the disk refuses.
pub fn create_like(path: &Path, like: &Path) -> io::Result<Created> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    create_with(&mut options, path, like)
}

/// Like [`create_like`], but appends if the file exists.
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
    let has_rights = match copy_rights(&file, like) {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(%error, path = %path.display(), "cannot give the file the rights of the data file");
            false
        }
    };
    if !has_rights {
        restrict_to_owner(&file)?;
    }
    Ok(Created { file, has_rights })
}

/// Whether a new file in the place of `path` would have the same rights without copying them.
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
fn copy_rights(file: &File, like: &Path) -> io::Result<()> {
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
    // Only if it differs: a file system without modes refuses chmod.
    if file.metadata()?.mode() & 0o7777 != mode {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn copy_rights(file: &File, like: &Path) -> io::Result<()> {
    file.set_permissions(fs::metadata(like)?.permissions())
}

/// The extended attribute that holds the ACL.
#[cfg(unix)]
const ACL: &str = "system.posix_acl_access";

/// Attributes that the system sets itself.
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
    // The folder may have a default ACL.
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

/// Removes all permissions but the owner's.
fn restrict_to_owner(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata()?.permissions().mode() & 0o600;
        // With an ACL, the group bits are its mask: the most that it grants to anybody but the owner.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    let _ = file;
    Ok(())
}

/// A reason why a file cannot be saved, as reported by the file system.
#[cfg_attr(not(unix), allow(dead_code))] // Some of it is found on Unix only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The folder that the file was in is gone.
    NoFolder,
    /// The file is gone.
    NoFile,
    /// It is a symbolic link to nothing.
    DanglingLink,
    /// Something else is in the file's place.
    NotAFile,
    /// The file is unlinked: it is mounted by itself, and was replaced on the other side of the mount.
    Unlinked,
    /// The file system is mounted read-only.
    ReadOnlyFileSystem,
    /// Nobody may write the file: its owner has marked it read-only.
    MarkedReadOnly,
    /// This user may not write the file.
    NotWritable {
        /// The user whose file it is.
        owner: u32,
        /// Its permission bits.
        mode: u32,
    },
    /// This user may not write the folder, and a save puts a new file there.
    FolderNotWritable,
}

impl Obstacle {
    /// The reason why the file at `path` cannot be saved, if there is one.
    pub(super) fn find(path: &Path) -> Option<Obstacle> {
        let Ok(about) = fs::metadata(path) else {
            // If it has no metadata that can be read, the error of the save says more.
            if fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink()) {
                return Some(Obstacle::DanglingLink);
            }
            let folder_is_there = folder(path).try_exists().ok()?;
            return match path.try_exists() {
                Ok(false) => Some(if folder_is_there {
                    Obstacle::NoFile
                } else {
                    Obstacle::NoFolder
                }),
                _ => None,
            };
        };
        if !about.is_file() {
            return Some(Obstacle::NotAFile);
        }
        #[cfg(unix)]
        {
            use rustix::fs::{Access, access};
            use rustix::io::Errno;
            use std::os::unix::fs::MetadataExt;
            // While another file is renamed over it, the path still leads to a file without a link.
            if about.nlink() == 0 && is_mount_point(path) != Some(false) {
                return Some(Obstacle::Unlinked);
            }
            match access(path, Access::WRITE_OK) {
                Err(Errno::ROFS) => return Some(Obstacle::ReadOnlyFileSystem),
                _ if about.permissions().readonly() => return Some(Obstacle::MarkedReadOnly),
                Err(Errno::ACCESS | Errno::PERM) => {
                    return Some(Obstacle::NotWritable {
                        owner: about.uid(),
                        mode: about.mode() & 0o777,
                    });
                }
                _ => {}
            }
            if let Err(Errno::ACCESS | Errno::PERM) = access(folder(path), Access::WRITE_OK) {
                return Some(Obstacle::FolderNotWritable);
            }
        }
        #[cfg(not(unix))]
        if about.permissions().readonly() {
            return Some(Obstacle::MarkedReadOnly);
        }
        None
    }

    /// Whether a save must not be tried although the system would allow it: the file is not writable, or nobody else
    /// would see the new one.
    pub(super) fn forbids(self) -> bool {
        matches!(
            self,
            Obstacle::Unlinked | Obstacle::MarkedReadOnly | Obstacle::NotWritable { .. }
        )
    }

    /// Explains the obstacle for the file at `path`, and how to remove it.
    pub fn explain(self, path: &Path) -> (String, String) {
        let (file, folder) = (path.display(), folder(path).display());
        let in_memory = "start with --ephemeral to keep changes in memory";
        let has_data = "the server still has the data: GET /db";
        match self {
            Obstacle::NoFolder => (
                format!("the folder {folder} is gone"),
                format!("put {folder} back; {has_data}"),
            ),
            Obstacle::NoFile => (
                format!("{file} is gone: it was deleted or moved"),
                format!("put {file} back; {has_data}"),
            ),
            Obstacle::DanglingLink => (
                format!("{file} is a symbolic link that points to no file"),
                format!("point {file} to a data file; {has_data}"),
            ),
            Obstacle::NotAFile => (
                format!("{file} is not a file any more"),
                format!("move it away and put {file} back; {has_data}"),
            ),
            Obstacle::Unlinked => (
                format!(
                    "{file} is mounted as a single file and was replaced outside: nobody would see what is written to it"
                ),
                "mount the folder instead of the file, and start the server again".into(),
            ),
            Obstacle::ReadOnlyFileSystem => (
                format!("the file system of {file} is mounted read-only"),
                format!("mount it writable, or {in_memory}"),
            ),
            Obstacle::MarkedReadOnly => (
                format!("{file} is marked read-only"),
                format!("chmod u+w {file}, or {in_memory}"),
            ),
            Obstacle::NotWritable { owner, mode } => (
                format!(
                    "this user may not write {file} (it belongs to user {owner}, its mode is {mode:03o})"
                ),
                format!("give this user the right to write (chown, chmod), or {in_memory}"),
            ),
            Obstacle::FolderNotWritable => (
                format!(
                    "this user may not write the folder {folder}, and a save of {file} puts a new file there"
                ),
                format!(
                    "give this user the right to write {folder}, move the file to another folder, or {in_memory}"
                ),
            ),
        }
    }
}

fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// An editor renames another file over the data file while a save looks at it.
    #[test]
    fn a_file_that_is_being_replaced_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.json");
        fs::write(&path, "{}").unwrap();
        std::thread::scope(|scope| {
            let editor = scope.spawn(|| {
                let beside = folder.path().join("db.json~");
                for _ in 0..20_000 {
                    fs::write(&beside, "{}").unwrap();
                    fs::rename(&beside, &path).unwrap();
                }
            });
            while !editor.is_finished() {
                assert_eq!(Obstacle::find(&path), None);
            }
        });
    }
}
