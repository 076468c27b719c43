//! What a crash leaves beside the data file, and what to make of it.
//!
//! A scratch file is named for what the data file held when the save began. So after a crash one can tell what it holds:
//! - the data file holds that still: the crash came before the exchange, and the scratch file was never acknowledged;
//! - the scratch file holds that: the exchange was done;
//! - neither does: a person's edit came out of the exchange, and the crash came before it was put back. It is kept.

use std::path::{Path, PathBuf};

use super::{Content, Medium};

const END: &str = ".standin-tmp";

/// The scratch file for a save over a file that holds `before`.
pub(super) fn scratch_name(path: &Path, before: Content) -> PathBuf {
    path.with_file_name(format!("{}{:016x}{END}", beginning(path), before.hash))
}

fn beginning(path: &Path) -> String {
    format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy())
}

/// Removes what a crash left beside the file at `path`, which holds `now`. Returns where an edit was kept.
pub(super) fn clear(medium: &dyn Medium, path: &Path, now: Content) -> Option<PathBuf> {
    let beginning = beginning(path);
    let mut kept = None;
    for name in medium.list(path) {
        let Some(hash) = name.strip_prefix(&beginning).and_then(|rest| rest.strip_suffix(END)) else { continue };
        let scratch = path.with_file_name(&name);
        let before = u64::from_str_radix(hash, 16).ok();
        let holds = medium.read(&scratch).map(|bytes| Content::of(&bytes).hash).ok();
        if before == Some(now.hash) || before == holds || before.is_none() || holds.is_none() {
            // It may be left by another user; then it stays where it does no harm.
            let _ = medium.remove(&scratch);
            continue;
        }
        let keep = path.with_file_name(format!("{}recovered-{hash}.json", &beginning[1..]));
        if medium.rename(&scratch, &keep).is_ok() {
            kept = Some(keep);
        }
    }
    kept
}
