//! The routes file, and its reload when it is saved.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use super::profile::Profile;
use crate::behaviour::{RoutesError, RoutesFile};
use crate::file;

/// Debounce: a save causes several events, so the file is read when there has been none for this long.
const DEBOUNCE: Duration = Duration::from_millis(20);
/// How long a broken file may stay before it is reported: it may be half of a save.
const GRACE: Duration = Duration::from_millis(100);

/// The rules in effect, and the profile that the file names.
#[derive(Debug, Default)]
pub struct Routes(RwLock<InEffect>);

#[derive(Debug, Default, Clone)]
struct InEffect {
    rules: Arc<RoutesFile>,
    profile: Option<Arc<Profile>>,
}

impl Routes {
    /// Starts with `rules`.
    pub fn new(rules: RoutesFile) -> Routes {
        Routes(RwLock::new(InEffect {
            rules: Arc::new(rules),
            profile: None,
        }))
    }

    /// The current rules.
    pub fn current(&self) -> Arc<RoutesFile> {
        // Holders of the lock do not panic.
        let current = self.0.read().map(|current| current.rules.clone());
        current.unwrap_or_default()
    }

    /// The profile that the file names.
    pub fn profile(&self) -> Option<Arc<Profile>> {
        self.0.read().ok()?.profile.clone()
    }

    pub(super) fn replace(&self, new: Routes) {
        if let (Ok(mut current), Ok(new)) = (self.0.write(), new.0.into_inner()) {
            *current = new;
        }
    }

    /// Refuses guards that ask for a user where there are none.
    ///
    /// # Errors
    /// The place of such a guard, as `file:line:column: message`.
    pub(crate) fn check_without_users(&self) -> Result<(), String> {
        let rules = self.current();
        let path = rules.path.clone().unwrap_or_else(|| "routes.json".into());
        let checked = rules.check_without_users();
        checked.map_err(|error| located(&path, &error))
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
/// zero. `has_users`: guards can ask for a user.
///
/// # Errors
/// The thread cannot be started.
pub fn follow(
    path: PathBuf,
    routes: Arc<Routes>,
    has_users: bool,
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
                let mut read = read_rules(&path, has_users);
                if known.as_ref() == Some(&read.0) {
                    continue;
                }
                if read.1.is_err() {
                    let _ = woken.recv_timeout(GRACE);
                    read = read_rules(&path, has_users);
                }
                let is_first = known.is_none();
                let (text, rules) = read;
                known = Some(text);
                match rules {
                    Ok(rules) => {
                        // At the first look there is usually nothing new.
                        let new = rules.current();
                        let is_new = !is_first || new.text() != routes.current().text();
                        let count = new.count();
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
fn read_rules(path: &Path, has_users: bool) -> (Option<String>, Result<Routes, String>) {
    let name = path.display();
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let rules = read(path, &text).and_then(|rules| {
                if !has_users {
                    rules.check_without_users()?;
                }
                Ok(rules)
            });
            (Some(text), rules)
        }
        Err(error) => (None, Err(format!("cannot read {name}: {error}"))),
    }
}

/// The rules of the file at `path`, whose text is `text`, and the profile that it names.
///
/// # Errors
/// What is wrong, as `file:line:column: message`, and what to do about it in a second line.
pub fn read(path: &Path, text: &str) -> Result<Routes, String> {
    let rules = RoutesFile::parse(text).map_err(|error| located(path, &error))?;
    let profile = match &rules.profile {
        None => None,
        Some((name, place)) => {
            let file = path.with_file_name("").join(name);
            let profile = read_profile(&file).map_err(|error| match error {
                Unread::Missing(message) => format!("{}:{place}: {message}", path.display()),
                Unread::Broken(message) => message,
            })?;
            Some(Arc::new(profile))
        }
    };
    let rules = Arc::new(rules.at(path.to_path_buf()));
    Ok(Routes(RwLock::new(InEffect { rules, profile })))
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// Its file cannot be read.
    #[error("{0}")]
    Missing(String),
    /// Something in it is wrong, as `file:line:column: message`.
    #[error("{0}")]
    Broken(String),
}

/// The profile in the file at `path`.
///
/// # Errors
/// It cannot be read, or something in it is wrong.
pub fn read_profile(path: &Path) -> Result<Profile, Unread> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Unread::Missing(format!("cannot read the profile {name}: {error}")))?;
    Profile::parse(&text).map_err(|error| Unread::Broken(format!("{name}:{error}")))
}

/// `error` with the file's name, and what to do about it in a second line.
fn located(path: &Path, error: &RoutesError) -> String {
    let help = error.hint.as_ref();
    let help = help.map_or_else(String::new, |hint| format!("\n  help: {hint}"));
    format!("{}:{error}{help}", path.display())
}
