use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use notify::event::ModifyKind;
use notify::{EventKind, RecursiveMode, Watcher};

/// Watches for changes until dropped.
pub struct Watch {
    files: Vec<PathBuf>,
    changed: Arc<dyn Fn() + Send + Sync>,
    places: Places,
    /// A watched folder was removed or replaced, perhaps by one with the same inode number.
    stale: Arc<AtomicBool>,
    _watcher: notify::RecommendedWatcher,
}

/// The watcher sleeps this long after an event, to receive the following ones together: our own saves make a dozen
/// events each, and waking for each of them takes a tenth of the time of consecutive saves. It usually delays an edit
/// by as much.
const REST: Duration = Duration::from_millis(5);
/// How long it stays awake between two sleeps at least.
const AWAKE: Duration = Duration::from_millis(1);

/// Calls `changed` whenever one of `files`, which are absolute paths, may have changed or been replaced: by a rename,
/// by switching a symbolic link on the way to it, or by removing or creating its folder. Folders are watched, because
/// editors replace files.
///
/// # Errors
/// The system cannot watch (no such service, or its limit is reached).
pub fn watch(files: &[PathBuf], changed: impl Fn() + Send + Sync + 'static) -> io::Result<Watch> {
    let (changed, places) = (Arc::new(changed), Places::of(files));
    let stale = Arc::new(AtomicBool::new(false));
    Ok(Watch {
        files: files.to_vec(),
        _watcher: start(&places, changed.clone(), stale.clone()).map_err(io::Error::other)?,
        changed,
        places,
        stale,
    })
}

impl Watch {
    /// Watches `files` instead.
    ///
    /// # Errors
    /// Like [`watch`].
    pub fn follow(&mut self, files: &[PathBuf]) -> io::Result<()> {
        self.files = files.to_vec();
        self.refresh()
    }

    /// Watches the folders on the way to the files as it is now, if they have changed.
    ///
    /// # Errors
    /// Like [`watch`].
    pub fn refresh(&mut self) -> io::Result<()> {
        loop {
            let is_stale = self.stale.swap(false, Ordering::Relaxed);
            let places = Places::of(&self.files);
            if places == self.places && !is_stale {
                return Ok(());
            }
            // A file that appears before the new folders are watched makes no event: check again.
            self._watcher = start(&places, self.changed.clone(), self.stale.clone())
                .map_err(io::Error::other)?;
            self.places = places;
        }
    }
}

fn start(
    places: &Places,
    changed: Arc<dyn Fn() + Send + Sync>,
    stale: Arc<AtomicBool>,
) -> notify::Result<notify::RecommendedWatcher> {
    let watched = places.clone();
    let mut rested = Instant::now();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let is_heard = match event {
            Ok(event) => {
                if watched.has_folder_replaced_by(&event) {
                    stale.store(true, Ordering::Relaxed);
                }
                watched.are_concerned_by(&event)
            }
            // It may mean lost events: check the file.
            Err(_) => true,
        };
        if is_heard {
            changed();
            if rested.elapsed() >= AWAKE {
                std::thread::sleep(REST);
                rested = Instant::now();
            }
        }
    })?;
    for (number, (folder, _)) in places.folders.iter().enumerate() {
        let watched = watcher.watch(folder, RecursiveMode::NonRecursive);
        // This user may not be allowed to watch the others; polling covers those.
        if number == 0 {
            watched?;
        }
    }
    for file in &places.files {
        // A file that is itself a mount point may be written from outside, without an event of its folder. Other files
        // are replaced at the first save; then the events of the folder suffice.
        let _ = watcher.watch(file, RecursiveMode::NonRecursive);
    }
    Ok(watcher)
}

/// The watched folders (those on the way to the files), and the names to listen for in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Places {
    /// The folders to watch, nearest first, with the identity of each (device and inode).
    folders: Vec<(PathBuf, Option<(u64, u64)>)>,
    /// The folders of the file and of the links on the way to it.
    own_folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
    /// The names to listen for: of the file, of its folder, and of links on the way.
    names: Vec<OsString>,
}

/// How long a chain of links is followed.
const MOST_LINKS: usize = 40;

impl Places {
    fn of(files: &[PathBuf]) -> Places {
        let mut places = Places::default();
        for file in files {
            let mut path = file.clone();
            for _ in 0..MOST_LINKS {
                places.add(&path);
                match std::fs::read_link(&path) {
                    // A relative target starts from the link's folder.
                    Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
                    Err(_) => break,
                }
            }
        }
        places
    }

    /// Whether a watched folder was made, removed or renamed.
    fn has_folder_replaced_by(&self, event: &notify::Event) -> bool {
        use EventKind::{Create, Modify, Remove};
        let replaces = matches!(
            event.kind,
            Create(_) | Remove(_) | Modify(ModifyKind::Name(_))
        );
        let is_watched = |path| self.folders.iter().any(|(folder, _)| folder == path);
        replaces && event.paths.iter().any(is_watched)
    }

    /// Whether one of the files may have changed. An event without a path may be about any.
    fn are_concerned_by(&self, event: &notify::Event) -> bool {
        if matches!(event.kind, EventKind::Access(_)) {
            return false;
        }
        let is_ours = |path: &PathBuf| {
            let name = path.file_name();
            // An event on a folder itself: it is gone.
            self.own_folders.contains(path)
                || name.is_some_and(|name| self.names.iter().any(|own| own == name))
        };
        event.paths.is_empty() || event.paths.iter().any(is_ours)
    }

    fn add(&mut self, file: &Path) {
        self.files.push(file.to_path_buf());
        self.own_folders
            .extend(file.parent().map(Path::to_path_buf));
        // The folder and its parent, since the folder may be removed and created again. If they do not exist, the
        // nearest ancestor that does.
        let mut watched = 0;
        for path in file.ancestors() {
            let Some(folder) = path.parent() else { break };
            let is_link = std::fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink());
            if watched >= 2 && !is_link {
                continue;
            }
            self.names.extend(path.file_name().map(ToOwned::to_owned));
            if let Ok(about) = std::fs::metadata(folder) {
                watched += 1;
                let folder = (folder.to_path_buf(), identity(&about));
                if !self.folders.contains(&folder) {
                    self.folders.push(folder);
                }
            }
        }
    }
}

#[cfg(unix)]
fn identity(about: &std::fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((about.dev(), about.ino()))
}

#[cfg(not(unix))]
fn identity(about: &std::fs::Metadata) -> Option<(u64, u64)> {
    let since = about
        .created()
        .ok()?
        .duration_since(std::time::UNIX_EPOCH)
        .ok()?;
    Some((since.as_secs(), since.subsec_nanos().into()))
}
