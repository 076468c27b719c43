//! Follows the files beside the data: a thread that reads them again when they are saved.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, Weak, mpsc};
use std::time::Duration;

use super::app::App;
use crate::file;

/// Debounce: a save causes several events, so the files are read when there has been none for this long.
const DEBOUNCE: Duration = Duration::from_millis(20);
/// How often to look whether what keeps a file from being used is gone.
const RETRY: Duration = Duration::from_millis(250);

/// Follows the files until it is dropped.
pub struct Following {
    stopped: Arc<AtomicBool>,
    wake: mpsc::Sender<()>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // The thread may have ended.
        let _ = self.wake.send(());
    }
}

/// Reloads the files of `app` when they are saved. They are also polled every `poll`, if that is not zero.
///
/// # Errors
/// The thread cannot be started.
pub fn follow(app: &Arc<App>, poll: Duration) -> io::Result<Following> {
    let (wake, woken) = mpsc::channel();
    // A save between the start and now has caused no event.
    let _ = wake.send(());
    let heard = wake.clone();
    let declared = |app: &App| {
        app.declared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .paths()
    };
    let paths = declared(app);
    // Without a watcher the poll remains.
    let mut watch = file::watch(&paths, move || _ = heard.send(())).ok();
    let stopped = Arc::new(AtomicBool::new(false));
    let (stop, app): (_, Weak<App>) = (stopped.clone(), Arc::downgrade(app));
    let mut is_broken = false;
    std::thread::Builder::new()
        .name("standin-declared".into())
        .spawn(move || {
            loop {
                let wait = match (is_broken, poll.is_zero()) {
                    (true, _) => RETRY,
                    (false, true) => Duration::MAX,
                    (false, false) => poll,
                };
                // Woken by an event, or by the time.
                if woken.recv_timeout(wait).is_ok() {
                    while woken.recv_timeout(DEBOUNCE).is_ok() {}
                }
                let Some(app) = app.upgrade().filter(|_| !stop.load(Ordering::Relaxed)) else {
                    return;
                };
                let mut files = app.declared.lock().unwrap_or_else(PoisonError::into_inner);
                loop {
                    let paths = files.paths();
                    // First: what is saved before it is watched causes no event.
                    if watch
                        .as_mut()
                        .is_some_and(|watch| watch.follow(&paths).is_err())
                    {
                        watch = None;
                    }
                    files.look(&app.in_use());
                    if files.paths() == paths {
                        break;
                    }
                }
                is_broken = files.is_broken();
            }
        })?;
    Ok(Following { stopped, wake })
}
