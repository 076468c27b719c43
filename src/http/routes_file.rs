//! The routes file, and its reload when it is saved.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use crate::behaviour::RoutesFile;
use crate::file;

/// Debounce: a save causes several events, so the file is read when there has been none for this long.
const DEBOUNCE: Duration = Duration::from_millis(20);
/// How long a broken file may stay before it is reported: it may be half of a save.
const GRACE: Duration = Duration::from_millis(100);

/// The rules in effect.
#[derive(Debug, Default)]
pub struct Routes(RwLock<Arc<RoutesFile>>);

impl Routes {
    /// Starts with `rules`.
    pub fn new(rules: RoutesFile) -> Routes {
        Routes(RwLock::new(Arc::new(rules)))
    }

    /// The current rules.
    pub fn current(&self) -> Arc<RoutesFile> {
        // Holders of the lock do not panic.
        self.0.read().map(|rules| rules.clone()).unwrap_or_default()
    }

    pub(super) fn replace(&self, rules: RoutesFile) {
        if let Ok(mut current) = self.0.write() {
            *current = Arc::new(rules);
        }
    }
}

/// Reloads a routes file until it is dropped.
pub struct RoutesWatch {
    stopped: Arc<AtomicBool>,
    wake: mpsc::Sender<()>,
}

impl Drop for RoutesWatch {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // The thread may have ended.
        let _ = self.wake.send(());
    }
}

/// Reloads the rules of the file at `path` into `routes` when it is saved, and calls `report` with their number. If the
/// file is broken the rules stay, and the report says where and why. The file is also polled every `poll`, if that is not
/// zero.
///
/// # Errors
/// The thread cannot be started.
pub fn follow(
    path: PathBuf,
    routes: Arc<Routes>,
    poll: Duration,
    report: impl Fn(Result<usize, String>) + Send + 'static,
) -> io::Result<RoutesWatch> {
    let (wake, woken) = mpsc::channel();
    // A save between the start and now has caused no event.
    let _ = wake.send(());
    let heard = wake.clone();
    let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
    // Without a watcher the poll remains.
    let mut watch = file::watch(&absolute, move || _ = heard.send(())).ok();
    let mut known = None;
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = stopped.clone();
    std::thread::Builder::new()
        .name("standin-routes".into())
        .spawn(move || {
            loop {
                let wait = if poll.is_zero() { Duration::MAX } else { poll };
                // Woken by an event, or by the time.
                let _ = woken.recv_timeout(wait);
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                while woken.recv_timeout(DEBOUNCE).is_ok() {}
                if watch.as_mut().is_some_and(|watch| watch.refresh().is_err()) {
                    watch = None;
                }
                let mut read = read_rules(&path);
                if known.as_ref() == Some(&read.0) {
                    continue;
                }
                if read.1.is_err() {
                    let _ = woken.recv_timeout(GRACE);
                    read = read_rules(&path);
                }
                let is_first = known.is_none();
                let (text, rules) = read;
                known = Some(text);
                match rules {
                    Ok(rules) => {
                        // At the first look there is usually nothing new.
                        let is_new = !is_first || rules.text() != routes.current().text();
                        let count = rules.count();
                        routes.replace(rules);
                        if is_new {
                            report(Ok(count));
                        }
                    }
                    Err(message) => report(Err(message)),
                }
            }
        })?;
    Ok(RoutesWatch { stopped, wake })
}

/// The text of the file, if it can be read, and its rules or what is wrong: `file:line:column: message`.
fn read_rules(path: &Path) -> (Option<String>, Result<RoutesFile, String>) {
    let name = path.display();
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let rules = read(path, &text);
            (Some(text), rules)
        }
        Err(error) => (None, Err(format!("cannot read {name}: {error}"))),
    }
}

/// The rules of the file at `path`, whose text is `text`.
///
/// # Errors
/// What is wrong, as `file:line:column: message`, and what to do about it in a second line.
pub fn read(path: &Path, text: &str) -> Result<RoutesFile, String> {
    let rules = RoutesFile::parse(text).map_err(|error| {
        let help = error
            .hint
            .as_ref()
            .map_or_else(String::new, |hint| format!("\n  help: {hint}"));
        format!("{}:{error}{help}", path.display())
    })?;
    Ok(rules.at(path.to_path_buf()))
}
