//! Snapshots of the data, taken with the key `s` as in json-server.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::log::Log;
use crate::server::Reader;

/// Writes a snapshot whenever a line `s` is typed, until the input ends.
pub(super) fn on_key(reader: Reader, folder: PathBuf, file: PathBuf, log: Log) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if !line.trim().eq_ignore_ascii_case("s") {
                continue;
            }
            let words = match write(&reader, &folder, &file) {
                Ok(path) => format!("saved a snapshot to {}\n", path.display()),
                Err(error) => format!("error: cannot save a snapshot to {}: {error}\n", folder.display()),
            };
            log.print(words);
        }
    });
}

fn write(reader: &Reader, folder: &Path, file: &Path) -> std::io::Result<PathBuf> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis());
    let stem = file.file_stem().map_or_else(|| "db".into(), |stem| stem.to_string_lossy());
    let path = folder.join(format!("{stem}-{now}.json"));
    std::fs::write(&path, reader.store().file_text())?;
    Ok(path)
}
