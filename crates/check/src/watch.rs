//! `--watch`: checks again whenever a page, its data or its rules are saved.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::batch::{CheckError, check, collect};
use super::options::{Format, Options};
use super::outcome::{PageResult, RunResult};
use super::report;
use super::run::Context;

/// How long there must be no event before a save counts as complete.
const DEBOUNCE: Duration = Duration::from_millis(60);

/// Checks once, then after every save, until the process is ended. Errors after the first run are only reported, since
/// a file may be unreadable for a moment.
pub fn run(
    context: &Context<'_>,
    out: &mut dyn Write,
    err: &mut (dyn Write + Send),
) -> Result<(), CheckError> {
    let options = context.options;
    let (sender, receiver) = channel();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // The check itself causes access events.
        if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
            // The receiver lives as long as the process.
            let _ = sender.send(());
        }
    });
    let mut folders = Folders {
        watcher: watcher?,
        watched: Vec::new(),
    };
    let mut seen = HashMap::new();
    loop {
        let first = folders.watched.is_empty();
        let files = match collect(options) {
            Err(error) if first => return Err(error),
            files => files.unwrap_or_default(),
        };
        // Also the files of the last check: one that is broken now is read by none.
        seen = contents(files.pages.iter().chain(seen.keys()));
        match check(context, &files, err) {
            Ok(result) => {
                // The content that was checked; the files may have changed since.
                for PageResult { page, .. } in result.pages.iter().filter(|page| !page.unread) {
                    seen.insert(page.path.clone(), Some(page.text.clone().into_bytes()));
                }
                seen.extend(result.datasets.contents());
                // Before the report, whose reader may save at once.
                let given = options.paths.iter().filter(|path| path.is_dir());
                let given = given.map(PathBuf::as_path);
                folders.watch(given.chain(seen.keys().map(|path| parent(path))))?;
                show(&result, options, out).map_err(CheckError::Output)?;
            }
            Err(error) if first => return Err(error),
            Err(error) => {
                writeln!(out, "error: {error}").map_err(CheckError::Output)?;
                watching(options, out).map_err(CheckError::Output)?;
            }
        }
        // Compared before waiting: a file may have been saved during the check.
        loop {
            let files = collect(options).unwrap_or_default();
            if contents(seen.keys().chain(&files.pages)) != seen {
                break;
            }
            if !wait(&receiver) {
                return Ok(());
            }
        }
    }
}

fn show(result: &RunResult, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    if options.terminal {
        write!(out, "\x1b[2J\x1b[H")?;
    }
    report::print(result, options, out)?;
    watching(options, out)
}

/// Says that the next report comes with the next change.
fn watching(options: &Options, out: &mut dyn Write) -> io::Result<()> {
    if options.format == Format::Human {
        writeln!(out, "Watching for changes. Press Ctrl+C to stop.")?;
    }
    out.flush()
}

/// Watches folders and not files, since editors replace files.
struct Folders {
    watcher: RecommendedWatcher,
    watched: Vec<PathBuf>,
}

impl Folders {
    fn watch<'a>(&mut self, folders: impl Iterator<Item = &'a Path>) -> Result<(), CheckError> {
        for folder in folders {
            if !self.watched.iter().any(|watched| watched == folder) {
                self.watcher.watch(folder, RecursiveMode::NonRecursive)?;
                self.watched.push(folder.to_owned());
            }
        }
        Ok(())
    }
}

/// The folder of a file.
pub fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Waits for an event and the end of its debounce time; false if no event can come any more.
fn wait(receiver: &Receiver<()>) -> bool {
    if receiver.recv().is_err() {
        return false;
    }
    loop {
        match receiver.recv_timeout(DEBOUNCE) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

/// The contents of files, so that a save without a change is ignored.
fn contents<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> HashMap<PathBuf, Option<Vec<u8>>> {
    paths
        .map(|path| (path.clone(), std::fs::read(path).ok()))
        .collect()
}
