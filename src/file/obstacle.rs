//! Why a data file cannot be saved, for the person who has to do something about it.

use std::fs;
use std::path::Path;

/// What prevents saving a file, where the file system can say.
#[cfg_attr(not(unix), allow(dead_code))] // Some of it is found on Unix only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The folder that the file was in is gone.
    NoFolder,
    /// The file is gone.
    NoFile,
    /// It is a symbolic link, and what it leads to is not there.
    LeadsNowhere,
    /// Something else is in the file's place.
    NotAFile,
    /// The file has no name any more: it is mounted by itself, and was replaced on the other side of the mount.
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

/// What always helps.
const EPHEMERAL: &str = "start with --ephemeral to keep changes in memory";

impl Obstacle {
    /// What prevents saving the file at `path`.
    pub(super) fn find(path: &Path) -> Option<Obstacle> {
        let Ok(about) = fs::metadata(path) else {
            // Where it cannot even be asked for, the error of the save says more.
            if fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink()) {
                return Some(Obstacle::LeadsNowhere);
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
            if about.nlink() == 0 {
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

    /// Whether a save must not be tried: the system would let it replace a file that is not to be written, or that nobody
    /// else would see.
    pub(super) fn forbids(self) -> bool {
        matches!(
            self,
            Obstacle::Unlinked | Obstacle::MarkedReadOnly | Obstacle::NotWritable { .. }
        )
    }

    /// What is the matter with the file at `path`.
    pub fn message(self, path: &Path) -> String {
        let (file, folder) = (path.display(), folder(path).display());
        match self {
            Obstacle::NoFolder => format!("the folder {folder} is gone"),
            Obstacle::NoFile => format!("{file} is gone: it was deleted or moved"),
            Obstacle::LeadsNowhere => format!("{file} is a symbolic link that leads to no file"),
            Obstacle::NotAFile => format!("{file} is not a file any more"),
            Obstacle::Unlinked => format!(
                "{file} is mounted as a single file and was replaced outside: what is written to it reaches nobody"
            ),
            Obstacle::ReadOnlyFileSystem => {
                format!("the file system of {file} is mounted read-only")
            }
            Obstacle::MarkedReadOnly => format!("{file} is marked read-only"),
            Obstacle::NotWritable { owner, mode } => {
                format!(
                    "this user may not write {file} (it belongs to user {owner}, its mode is {mode:03o})"
                )
            }
            Obstacle::FolderNotWritable => {
                format!(
                    "this user may not write the folder {folder}, and a save of {file} puts a new file there"
                )
            }
        }
    }

    /// What to do about it.
    pub fn hint(self, path: &Path) -> String {
        let (file, folder) = (path.display(), folder(path).display());
        match self {
            Obstacle::NoFolder => {
                format!("put {folder} back; the server still has the data: GET /db")
            }
            Obstacle::NoFile => format!("put {file} back; the server still has the data: GET /db"),
            Obstacle::LeadsNowhere => {
                format!("point {file} to a data file; the server still has the data: GET /db")
            }
            Obstacle::NotAFile => {
                format!("move it away and put {file} back; the server still has the data: GET /db")
            }
            Obstacle::Unlinked => {
                "mount the folder instead of the file, and start the server again".into()
            }
            Obstacle::ReadOnlyFileSystem => format!("mount it writable, or {EPHEMERAL}"),
            Obstacle::MarkedReadOnly => format!("chmod u+w {file}, or {EPHEMERAL}"),
            Obstacle::NotWritable { .. } => {
                format!("give this user the right to write (chown, chmod), or {EPHEMERAL}")
            }
            Obstacle::FolderNotWritable => {
                format!(
                    "give this user the right to write {folder}, move the file to another folder, or {EPHEMERAL}"
                )
            }
        }
    }
}

fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}
