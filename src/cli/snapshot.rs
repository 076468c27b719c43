//! Snapshots of the data, saved by typing `s` as in json-server.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::log::Log;
use super::style;
use crate::file::create_like;
use crate::store::Store;

/// Saves a snapshot whenever a line `s` is typed in the terminal while the program runs in the foreground. Other input
/// is read only to call `at_end` at its end.
pub(super) fn on_key(
    store: impl Fn() -> Store + Send + 'static,
    folder: PathBuf,
    file: PathBuf,
    log: Log,
    at_end: Option<impl FnOnce() + Send + 'static>,
) {
    let is_terminal = io::stdin().is_terminal();
    if !is_terminal && at_end.is_none() {
        return;
    }
    std::thread::spawn(move || {
        let save = |line: &str| {
            if !line.trim().eq_ignore_ascii_case("s") {
                return;
            }
            match write(&store, &folder, &file) {
                Ok(path) => log.print(format!("saved a snapshot to {}\n", path.display())),
                Err(error) => log.error(style::error(&format!(
                    "cannot save a snapshot to {}: {error}",
                    folder.display()
                ))),
            }
        };
        if is_terminal {
            read_lines(save);
        } else {
            // An input that cannot be read counts as ended.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        }
        at_end.into_iter().for_each(|at_end| at_end());
    });
}

/// Whether a key typed now would reach this process.
pub(super) fn has_keyboard() -> bool {
    io::stdin().is_terminal() && is_in_foreground().unwrap_or(false)
}

/// Whether the terminal's input is for this process. A read in the background would stop it (SIGTTIN).
#[cfg(unix)]
fn is_in_foreground() -> io::Result<bool> {
    Ok(rustix::termios::tcgetpgrp(rustix::stdio::stdin())? == rustix::process::getpgrp())
}

#[cfg(not(unix))]
fn is_in_foreground() -> io::Result<bool> {
    Ok(true)
}

/// Calls `line` with the lines that are typed while the process is in the foreground, until the terminal is gone.
#[cfg(unix)]
fn read_lines(mut line: impl FnMut(&str)) {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;

    /// A shell's `fg` sends no signal to a running job, so this has to be polled.
    const RECHECK: std::time::Duration = std::time::Duration::from_millis(250);
    let input = rustix::stdio::stdin();
    let mut typed = Vec::new();
    let mut buffer = [0; 256];
    while let Ok(foreground) = is_in_foreground() {
        if !foreground {
            std::thread::sleep(RECHECK);
            continue;
        }
        match poll(&mut [PollFd::new(&input, PollFlags::IN)], None) {
            // The process may be in the background by now, and this input the shell's.
            Ok(_) if !is_in_foreground().unwrap_or(false) => continue,
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => return,
        }
        match rustix::io::read(input, &mut buffer) {
            Ok(0) => return,
            Ok(count) => typed.extend_from_slice(&buffer[..count]),
            Err(Errno::INTR) => continue,
            Err(_) => return,
        }
        while let Some(end) = typed.iter().position(|byte| *byte == b'\n') {
            let whole: Vec<u8> = typed.drain(..=end).collect();
            line(&String::from_utf8_lossy(&whole));
        }
    }
}

#[cfg(not(unix))]
fn read_lines(mut line: impl FnMut(&str)) {
    io::stdin()
        .lines()
        .map_while(Result::ok)
        .for_each(|typed| line(&typed));
}

/// Saves the data before the server stops while the file holds an invalid edit: the data is nowhere else.
pub(super) fn keep_last_good(store: &impl Fn() -> Store, folder: &Path, path: &Path, log: &Log) {
    let file = style::path(path);
    match write(store, folder, path) {
        Ok(copy) => log.warn(style::warning(&format!(
            "{file} is not valid; the last good data is saved in {}",
            style::path(&copy)
        ))),
        Err(error) => log.error(style::error(&format!(
            "{file} is not valid, and the last good data cannot be saved in {}: {error}",
            style::path(folder)
        ))),
    }
}

fn write(store: &impl Fn() -> Store, folder: &Path, file: &Path) -> io::Result<PathBuf> {
    let now = UNIX_EPOCH.elapsed().map_or(0, |time| time.as_millis());
    let stem = file
        .file_stem()
        .map_or_else(|| "db".into(), |stem| stem.to_string_lossy());
    let path = folder.join(format!("{stem}-{now}.json"));
    // Private data stays private.
    let mut snapshot = create_like(&path, file)?.file;
    snapshot.write_all(&store().file_text())?;
    Ok(path)
}
