//! Recovery at the start: the files that a crash leaves beside the data file.
//!
//! The scratch file of a save is named for the content of the data file before and after the save. So names and
//! contents show how far the save had come:
//! - the scratch file holds the content before: the exchange was done, and all is well;
//! - it holds the content after: the exchange was not done or was undone, and the save was never acknowledged;
//! - it holds something else, and the data file the content after: the exchange swapped out an edit, which is put back;
//! - otherwise it is a partial write of the save, or an edit that was swapped out while another was saved: if it is
//!   complete JSON, it is kept where a person finds it.
//!
//! The copy of a late edit is named for its content. If it is complete, the edit was served, and the data file may lack
//! it: it is kept where a person finds it.

use std::io;
use std::path::{Path, PathBuf};

use super::{Content, Medium};
use crate::json::Document;

/// Suffixes: of the new file; of the old one, if files cannot be exchanged; of the text that is written in place; of an
/// edit that the data file does not have yet.
const SCRATCH: &str = ".standin-tmp";
const ASIDE: &str = ".standin-old";
const SPARE: &str = ".standin-new";
const EDIT: &str = ".standin-edit";

/// The scratch file for a save over a file that holds `before`.
pub(super) fn scratch_name(path: &Path, before: Content, after: Content) -> PathBuf {
    named(path, before.hash, after.hash, SCRATCH)
}

/// The second name of the file that `name` replaces.
pub(super) fn other_name(name: &Path) -> PathBuf {
    let is_scratch = name.extension().is_some_and(|end| end == &SCRATCH[1..]);
    let end = if is_scratch { ASIDE } else { SCRATCH };
    name.with_extension(&end[1..])
}

/// The scratch name of a copy that is renamed to `name` when it is complete.
pub(super) fn copy_name(name: &Path) -> PathBuf {
    name.with_extension(&SPARE[1..])
}

/// The copy of the text that is being written in place.
pub(super) fn spare_name(path: &Path, before: Content, after: Content) -> PathBuf {
    named(path, before.hash, after.hash, SPARE)
}

/// The copy of a late edit of a replaced file.
pub(super) fn edit_name(path: &Path, holds: Content) -> PathBuf {
    named(path, holds.hash, holds.hash, EDIT)
}

/// The journal of the file.
pub(super) fn journal_name(path: &Path) -> PathBuf {
    path.with_file_name(format!("{}standin-journal", beginning(path)))
}

fn named(path: &Path, one: u64, other: u64, end: &str) -> PathBuf {
    path.with_file_name(format!("{}{one:016x}-{other:016x}{end}", beginning(path)))
}

fn beginning(path: &Path) -> String {
    format!(
        ".{}.",
        path.file_name().unwrap_or_default().to_string_lossy()
    )
}

/// Finishes or undoes the saves that a crash has interrupted, and removes their files. Returns the paths of kept edits.
pub(super) fn clear(medium: &dyn Medium, path: &Path) -> io::Result<Vec<PathBuf>> {
    let beginning = beginning(path);
    let mut kept = Vec::new();
    for name in medium.list(path) {
        kept.extend(clear_one(medium, path, &beginning, &name).map_err(|error| {
            let left = path.with_file_name(&name);
            io::Error::new(
                error.kind(),
                format!(
                    "{} is beside it, left by a crash or put there by another user, and cannot be moved aside: {error}. \
                     Move it away, or remove it",
                    left.display()
                ),
            )
        })?);
    }
    Ok(kept)
}

/// Like [`clear`], for the file `name`.
fn clear_one(
    medium: &dyn Medium,
    path: &Path,
    beginning: &str,
    name: &str,
) -> io::Result<Option<PathBuf>> {
    let found = name.strip_prefix(beginning).and_then(|rest| {
        let mut ends = [SCRATCH, ASIDE, SPARE, EDIT].into_iter();
        ends.find_map(|end| Some((rest.strip_suffix(end)?, end)))
    });
    let Some((hashes, end)) = found else {
        return Ok(None);
    };
    let left = path.with_file_name(name);
    let hashes = hashes.split_once('-').and_then(|(one, other)| {
        Some((
            u64::from_str_radix(one, 16).ok()?,
            u64::from_str_radix(other, 16).ok()?,
        ))
    });
    let (Some((before, after)), Ok(bytes)) = (hashes, medium.read(&left)) else {
        return Ok(None);
    };
    let mut kept = None;
    let holds = Content::of(&bytes).hash;
    let now = Content::of(&medium.read(path)?).hash;
    let is_edit = match end {
        SPARE => {
            if now != before && now != after && holds == after {
                kept = Some(finish(medium, path, &bytes)?);
            }
            false
        }
        // A partial copy is of an edit that was never served.
        EDIT => holds == after && holds != now,
        _ if holds == before || holds == after || holds == now => false,
        // If the save changed nothing, this may as well be a partial write of it.
        _ if now == after && before != after => {
            medium
                .exchange(&left, path)
                .or_else(|_| medium.rename(&left, path))?;
            medium.flush_folder(path)?;
            false
        }
        _ => Document::is_whole(&bytes),
    };
    tracing::debug!(
        file = name,
        is_edit,
        "found a file that a crash left behind"
    );
    if is_edit {
        let keep = kept_name(path, holds, "json");
        medium.rename(&left, &keep)?;
        kept = Some(keep);
    }
    // It may belong to another user; then it stays and does no harm.
    let _ = medium.remove(&left);
    Ok(kept)
}

/// Completes a write in place that a crash interrupted. Returns the path of the version that is not in the file.
fn finish(medium: &dyn Medium, path: &Path, text: &[u8]) -> io::Result<PathBuf> {
    let half = medium.read(path)?;
    if Document::is_whole(&half) {
        // The file was edited since, or the partial text happens to be valid, which looks the same. Both are kept.
        let keep = kept_name(path, Content::of(text).hash, "json");
        medium.write_new(&keep, text, path, true)?;
        return Ok(keep);
    }
    let keep = kept_name(path, Content::of(&half).hash, "json");
    medium.write_new(&keep, &half, path, true)?;
    medium.overwrite(path, text, true)?;
    Ok(keep)
}

/// The path at which a file is kept for a person, not hidden.
pub(super) fn kept_name(path: &Path, hash: u64, end: &str) -> PathBuf {
    let beginning = beginning(path);
    path.with_file_name(format!("{}recovered-{hash:016x}.{end}", &beginning[1..]))
}
