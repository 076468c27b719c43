//! Recovery at the start: the files that a crash leaves beside the data file.
//!
//! A file that a save leaves is named for what the data file held before and for what it was to hold after. So one can
//! tell from the names and contents how far the save had come:
//! - the scratch file holds what was before: the exchange was done, and all is well;
//! - it holds what was to be after: the exchange was not done or was undone, and the save was never acknowledged;
//! - it holds something else, and the data file what was to be after: an edit came out of the exchange, and is
//!   put back;
//! - otherwise it is the beginning of a save that was cut short, or an edit that came out while another was saved:
//!   if it is whole, it is kept where a person finds it.
//!
//! The copy of a late edit is named for what it holds. If it is whole, the edit was served, and the data file may lack it: it
//! is kept where a person finds it.

use std::io;
use std::path::{Path, PathBuf};

use super::{Content, Medium};
use crate::json::Document;

/// The end of the names of files that are to take the place of the data file, that had it before where files cannot be
/// exchanged, that hold what is written in place, and that hold an edit which the data file does not have yet.
const SCRATCH: &str = ".standin-tmp";
const ASIDE: &str = ".standin-old";
const SPARE: &str = ".standin-new";
const EDIT: &str = ".standin-edit";

/// The scratch file for a save over a file that holds `before`.
pub(super) fn scratch_name(path: &Path, before: Content, after: Content) -> PathBuf {
    named(path, before.hash, after.hash, SCRATCH)
}

/// Where the file is put of which the one called `name` takes the place.
pub(super) fn other_name(name: &Path) -> PathBuf {
    let is_scratch = name.extension().is_some_and(|end| end == &SCRATCH[1..]);
    let end = if is_scratch { ASIDE } else { SCRATCH };
    name.with_extension(&end[1..])
}

/// Where a copy of the file is made that is to be called `name`.
pub(super) fn copy_name(name: &Path) -> PathBuf {
    name.with_extension(&SPARE[1..])
}

/// The copy of what is being written into the file in place.
pub(super) fn spare_name(path: &Path, before: Content, after: Content) -> PathBuf {
    named(path, before.hash, after.hash, SPARE)
}

/// The copy of an edit of a file that had been replaced.
pub(super) fn edit_name(path: &Path, holds: Content) -> PathBuf {
    named(path, holds.hash, holds.hash, EDIT)
}

/// The journal of the file.
pub(super) fn journal_name(path: &Path) -> PathBuf {
    path.with_file_name(format!("{}standin-journal", beginning(path)))
}

/// Where a journal is kept that cannot be read to its end.
pub(super) fn kept_journal_name(path: &Path, holds: Content) -> PathBuf {
    kept_name(path, holds.hash, "jsonl")
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

/// Finishes or undoes the saves that a crash has interrupted, and removes their files. Returns where edits were kept.
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

/// As [`clear`], of the file `name`.
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
        // A copy that was cut short is of an edit that was never served.
        EDIT => holds == after && holds != now,
        _ if holds == before || holds == after || holds == now => false,
        // Where a save changes nothing, this may as well be the beginning of it.
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
    // It may be left by another user; then it stays where it does no harm.
    let _ = medium.remove(&left);
    Ok(kept)
}

/// Writes the text that a crash cut short while it was written in place. Returns where what does not stay in the file is
/// kept.
fn finish(medium: &dyn Medium, path: &Path, text: &[u8]) -> io::Result<PathBuf> {
    let half = medium.read(path)?;
    if Document::is_whole(&half) {
        // The file was edited since, or the half happens to be whole, which looks the same. Both stay.
        let keep = kept_name(path, Content::of(text).hash, "json");
        medium.write_new(&keep, text, path, true)?;
        return Ok(keep);
    }
    let keep = kept_name(path, Content::of(&half).hash, "json");
    medium.write_new(&keep, &half, path, true)?;
    medium.overwrite(path, text, true)?;
    Ok(keep)
}

/// Where a file is kept for a person, under a name that is not hidden.
fn kept_name(path: &Path, hash: u64, end: &str) -> PathBuf {
    let beginning = beginning(path);
    path.with_file_name(format!("{}recovered-{hash:016x}.{end}", &beginning[1..]))
}
