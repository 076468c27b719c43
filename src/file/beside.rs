//! Files that are opened by a name that somebody else could guess: the data file and those beside it.

use std::path::Path;
use std::{fs, io};

/// Opens a regular file. Whatever else has its name, such as a link that somebody put there, or a pipe at which we would
/// wait, is refused.
pub(super) fn open_regular(options: &mut fs::OpenOptions, path: &Path) -> io::Result<fs::File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(not_regular())
}

pub(super) fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::IsADirectory, "it is not a regular file")
}
