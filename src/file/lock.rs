use std::fs::{self, File, TryLockError};
use std::hash::Hasher;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The right to be the only server of a data file; given back when dropped or when the process ends in any way.
///
/// The lock lies in the system's folder for such things under a name made from the data file's path, so that nothing is
/// left beside the data.
#[derive(Debug)]
pub struct Lock {
    held: File,
}

/// Why there is no [`Lock`].
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another server has it: what it said of itself.
    #[error("held by {0}")]
    Held(String),
    /// The lock file cannot be created.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Lock {
    /// Takes the lock for the data file at `path` (symbolic links followed), leaving `about` for others to read.
    ///
    /// # Errors
    /// Another process holds it, or the lock's folder cannot be written.
    pub fn take(path: &Path, about: &str) -> Result<Lock, LockError> {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write(path.as_os_str().as_encoded_bytes());
        let folder = folder();
        fs::create_dir_all(&folder).map_err(LockError::Io)?;
        let name = folder.join(format!("{:016x}.lock", hasher.finish()));
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(name)
            .map_err(LockError::Io)?;
        match file.try_lock() {
            Ok(()) => {
                let mut lock = Lock { held: file };
                lock.tell(about);
                Ok(lock)
            }
            Err(TryLockError::WouldBlock) => {
                let mut words = String::new();
                let _ = file.rewind().and_then(|()| file.read_to_string(&mut words));
                Err(LockError::Held(words))
            }
            Err(TryLockError::Error(error)) => Err(LockError::Io(error)),
        }
    }

    /// Leaves other words for whoever comes second; the lock itself holds without them.
    pub fn tell(&mut self, about: &str) {
        let file = &mut self.held;
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(about.as_bytes()));
    }
}

fn folder() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(folder) if Path::new(&folder).is_dir() => Path::new(&folder).join("standin"),
        _ => {
            #[cfg(unix)]
            let user = rustix::process::getuid().as_raw().to_string();
            #[cfg(not(unix))]
            let user = std::env::var("USERNAME").unwrap_or_default();
            std::env::temp_dir().join(format!("standin-{user}"))
        }
    }
}
