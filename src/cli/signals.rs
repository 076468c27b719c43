//! The signals that stop the server.

use std::io;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::UnboundedReceiver;

/// How soon after the first signal a second one may be the same: Ctrl+C under `npm start` comes from the terminal, and
/// once more from npm.
const TWICE: Duration = Duration::from_millis(150);

/// What ends the server.
pub(super) enum Stop {
    /// A signal, given as the exit code of a process that it ends at once.
    Signal(u8),
    /// Something else, with the exit code that it asks for.
    Asked(u8),
}

/// Listens for SIGINT, SIGTERM and SIGHUP (elsewhere: Ctrl+C).
pub(super) struct Signals {
    runtime: Runtime,
    #[cfg(unix)]
    streams: Vec<(u8, tokio::signal::unix::Signal)>,
}

impl Signals {
    /// Starts to listen: from here on these signals do not end the process by themselves.
    ///
    /// # Errors
    /// The operating system refuses.
    pub(super) fn listen() -> io::Result<Signals> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        #[cfg(unix)]
        let streams = {
            use tokio::signal::unix::{SignalKind, signal};
            let _inside = runtime.enter();
            [
                SignalKind::interrupt(),
                SignalKind::terminate(),
                SignalKind::hangup(),
            ]
            .into_iter()
            // `nohup` starts a program with SIGHUP ignored, so that it outlives its terminal.
            .filter(|kind| *kind != SignalKind::hangup() || !is_ignored(libc::SIGHUP))
            .map(|kind| Ok((exit_code(kind.as_raw_value()), signal(kind)?)))
            .collect::<io::Result<_>>()?
        };
        Ok(Signals {
            runtime,
            #[cfg(unix)]
            streams,
        })
    }

    /// Waits for the next signal, or for an exit code from `asked`.
    pub(super) fn wait(&mut self, asked: &mut UnboundedReceiver<u8>) -> Stop {
        #[cfg(unix)]
        let signal = {
            use std::task::Poll;
            let streams = &mut self.streams;
            std::future::poll_fn(move |context| {
                let mut codes = streams
                    .iter_mut()
                    .map(|(code, stream)| (*code, stream.poll_recv(context)));
                codes
                    .find(|(_, ready)| ready.is_ready())
                    .map_or(Poll::Pending, |(code, _)| Poll::Ready(code))
            })
        };
        #[cfg(not(unix))]
        let signal = async {
            // If it fails there is no way to be asked to stop, other than to be killed.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            130
        };
        self.runtime.block_on(async {
            tokio::select! {
                code = signal => Stop::Signal(code),
                Some(code) = asked.recv() => Stop::Asked(code),
            }
        })
    }

    /// Ends the process at the next signal. Everything acknowledged is in the file or its journal at any time.
    pub(super) fn exit_on_next(mut self) {
        let first = Instant::now();
        std::thread::spawn(move || {
            // Nobody else asks any more.
            let (_, mut asked) = tokio::sync::mpsc::unbounded_channel();
            let (Stop::Signal(code) | Stop::Asked(code)) = self.wait(&mut asked);
            std::thread::sleep(TWICE.saturating_sub(first.elapsed()));
            std::process::exit(code.into());
        });
    }
}

/// The exit code of a process that a signal ends, as shells give it.
#[cfg(unix)]
fn exit_code(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

#[cfg(unix)]
#[allow(unsafe_code)]
fn is_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: Without a new action, sigaction(2) only writes the current one to `action`, which has the type and size
    // for it; it is read only after the call succeeded.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}
