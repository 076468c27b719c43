use std::path::{Path, PathBuf};

use notify::{EventKind, RecursiveMode, Watcher};

/// Watches for changes until dropped.
pub struct Watch {
    _watcher: notify::RecommendedWatcher,
}

/// Calls `changed` whenever one of `files` may have changed. The folders are watched, since editors replace files.
///
/// # Errors
/// The system cannot watch (no such service, or its limit is reached).
pub fn watch(files: &[PathBuf], changed: impl Fn() + Send + 'static) -> notify::Result<Watch> {
    let names: Vec<_> = files.iter().filter_map(|file| file.file_name().map(ToOwned::to_owned)).collect();
    let own_folders: Vec<PathBuf> = files.iter().filter_map(|file| file.parent().map(Path::to_path_buf)).collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| match event {
        Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
        Ok(event) if !event.paths.is_empty() => {
            let is_ours = |path: &PathBuf| path.file_name().is_some_and(|name| names.iter().any(|own| own == name));
            // An event of a folder itself: it is gone.
            if event.paths.iter().any(|path| is_ours(path) || own_folders.contains(path)) {
                changed();
            }
        }
        // An error may stand for lost events: look.
        _ => changed(),
    })?;
    let mut folders: Vec<&Path> = files.iter().filter_map(|file| file.parent()).collect();
    folders.sort_unstable();
    folders.dedup();
    for folder in folders {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(Watch { _watcher: watcher })
}
