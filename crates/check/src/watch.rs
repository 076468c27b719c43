//! `--watch`: checking again whenever a page, its data or its rules are saved.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::{EventKind, RecursiveMode, Watcher};

use super::client::Opener;
use super::{CheckError, Checked, Format, Options, Outcome, check, collect, report};

/// How long nothing must happen before a save counts as done.
const QUIET: Duration = Duration::from_millis(60);

/// Checks once, then again after every save, until the process is ended.
///
/// A page that cannot be read for a moment is no reason to stop: it is looked
/// at again with the next save.
///
/// # Errors
/// The first run could not be made, or the folders cannot be watched.
pub fn run(
    options: &Options,
    open: &Opener<'_>,
    out: &mut dyn Write,
    aside: &mut (dyn Write + Send),
) -> Result<Outcome, CheckError> {
    let (sender, receiver) = channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading a file is an event, too, and the check itself reads.
        let changed = event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_)));
        if changed {
            // The receiver is gone only when the process ends.
            let _ = sender.send(());
        }
    })
    .map_err(not_watched)?;
    let mut watched: Vec<PathBuf> = Vec::new();
    loop {
        let paths = collect(options).or_else(|why| if watched.is_empty() { Err(why) } else { Ok(Vec::new()) })?;
        let mut seen = contents(&paths, &[]);
        match check(options, open, &paths, aside) {
            Ok(checked) => {
                // What was checked, not what stands there by now.
                seen.extend(
                    checked
                        .pages
                        .iter()
                        .map(|report| (report.page.path.clone(), Some(report.page.text.clone().into_bytes()))),
                );
                seen.extend(checked.sources.contents());
                // Before the report: whoever reads it may save at once.
                follow(&checked, &paths, options, &mut watcher, &mut watched)?;
                show(&checked, options, out)?;
            }
            Err(why) if watched.is_empty() => return Err(why),
            Err(why) => writeln!(out, "error: {why}").map_err(CheckError::Output)?,
        }
        let known: Vec<PathBuf> = seen.keys().cloned().collect();
        // Compared before waiting: a save during the check came before anybody
        // listened for it.
        while contents(&known, &collect(options).unwrap_or_default()) == seen {
            if !wait(&receiver) {
                return Ok(Outcome::AsDocumented);
            }
        }
    }
}

fn not_watched(why: notify::Error) -> CheckError {
    CheckError::Output(std::io::Error::other(format!("the folders cannot be watched: {why}")))
}

fn show(checked: &Checked, options: &Options, out: &mut dyn Write) -> Result<(), CheckError> {
    if options.terminal {
        write!(out, "\x1b[2J\x1b[H").map_err(CheckError::Output)?;
    }
    report::print(checked, options, out).map_err(CheckError::Output)?;
    if options.format == Format::Human {
        writeln!(out, "watching; ctrl-c ends it").map_err(CheckError::Output)?;
    }
    out.flush().map_err(CheckError::Output)
}

/// Watches the folders, not the files: an editor that saves by renaming
/// replaces the file that would be watched.
fn follow(
    checked: &Checked,
    paths: &[PathBuf],
    options: &Options,
    watcher: &mut impl Watcher,
    watched: &mut Vec<PathBuf>,
) -> Result<(), CheckError> {
    let parents = paths.iter().cloned().chain(checked.sources.files()).map(|path| match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    });
    let given = options.paths.iter().filter(|path| path.is_dir()).cloned();
    for folder in parents.chain(given) {
        if !watched.contains(&folder) {
            watcher.watch(&folder, RecursiveMode::NonRecursive).map_err(not_watched)?;
            watched.push(folder);
        }
    }
    Ok(())
}

/// Waits for an event and then for quiet; false when there is nobody left who
/// could send one.
fn wait(receiver: &Receiver<()>) -> bool {
    if receiver.recv().is_err() {
        return false;
    }
    loop {
        match receiver.recv_timeout(QUIET) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

/// What stands in the files, so that a save that changes nothing is passed over.
fn contents(known: &[PathBuf], more: &[PathBuf]) -> HashMap<PathBuf, Option<Vec<u8>>> {
    let read = |path: &Path| std::fs::read(path).ok();
    known.iter().chain(more).map(|path| (path.clone(), read(path))).collect()
}
