use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use notify::{EventKind, RecursiveMode, Watcher};

/// Watches for changes until dropped.
pub struct Watch {
    _watcher: notify::RecommendedWatcher,
}

/// A save of our own makes a dozen events. To wake for each of them takes a tenth of the time of saves that follow each
/// other, so that the watcher rests after it has heard of the file, and finds the others together. An edit is seen so much
/// later, as a rule.
const REST: Duration = Duration::from_millis(5);
/// How long it stays awake between two rests at least.
const AWAKE: Duration = Duration::from_millis(1);

/// Calls `changed` whenever one of `files` may have changed. The folders are watched, since editors replace files.
///
/// # Errors
/// The system cannot watch (no such service, or its limit is reached).
pub fn watch(files: &[PathBuf], changed: impl Fn() + Send + 'static) -> notify::Result<Watch> {
    let names: Vec<_> = files
        .iter()
        .filter_map(|file| file.file_name().map(ToOwned::to_owned))
        .collect();
    let own_folders: Vec<PathBuf> = files
        .iter()
        .filter_map(|file| file.parent().map(Path::to_path_buf))
        .collect();
    let mut rested = Instant::now();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let is_heard = match event {
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => false,
            Ok(event) if !event.paths.is_empty() => {
                let is_ours = |path: &PathBuf| {
                    path.file_name()
                        .is_some_and(|name| names.iter().any(|own| own == name))
                };
                // An event of a folder itself: it is gone.
                event
                    .paths
                    .iter()
                    .any(|path| is_ours(path) || own_folders.contains(path))
            }
            // An error may stand for lost events: look.
            _ => true,
        };
        if is_heard {
            changed();
            if rested.elapsed() >= AWAKE {
                std::thread::sleep(REST);
                rested = Instant::now();
            }
        }
    })?;
    let mut folders: Vec<&Path> = files.iter().filter_map(|file| file.parent()).collect();
    folders.sort_unstable();
    folders.dedup();
    for folder in folders {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    for file in files {
        // A file that is a mount point of its own may be written from outside, where the folder does not hear of it.
        // Others are replaced at the first save; then the folder tells.
        let _ = watcher.watch(file, RecursiveMode::NonRecursive);
    }
    Ok(Watch { _watcher: watcher })
}
