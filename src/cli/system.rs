//! Operating system services: ports, limits, memory and threads, the signals that stop the server, and the command of
//! `--exec`.

use std::io;
use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::{FAILED, write_error};

/// The value of `--port`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    /// The first free one from 3000 on.
    Auto,
    /// This one; 0 picks a free one.
    Number(u16),
}

impl Port {
    /// Parses the value.
    pub(super) fn parse(text: &str) -> Result<Port, &'static str> {
        if text.eq_ignore_ascii_case("auto") {
            return Ok(Port::Auto);
        }
        text.parse()
            .map(Port::Number)
            .map_err(|_| "a port is a number from 0 to 65535, or auto")
    }
}

/// The first port from `start` on that a server could listen on, among the next hundred.
pub(super) fn next_free(host: &str, start: u16) -> Option<u16> {
    (start..=u16::MAX)
        .take(100)
        .find(|port| is_free(host, *port))
}

fn is_free(host: &str, port: u16) -> bool {
    let hosts = if host.eq_ignore_ascii_case("localhost") {
        &["127.0.0.1", "::1"][..]
    } else {
        &[host][..]
    };
    // A machine without IPv6 has no ::1; the server skips it, too.
    hosts.iter().all(|host| {
        let bound = TcpListener::bind((host.trim_matches(['[', ']']), port));
        !bound.is_err_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
            )
        })
    })
}

/// Raises the soft limit of open files to the hard limit: each connection is one, and shells set the soft limit to a
/// thousand. (Programs that use `select` need the lower limit; this one does not.)
pub(super) fn allow_many_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // If the system refuses, connections beyond the limit wait.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// Makes the C library return large blocks of memory to the system as soon as they are freed. By default it raises that
/// threshold up to 32 MiB, and a server that has handled some large bodies keeps hundreds of megabytes.
pub(super) fn return_large_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code)]
    // SAFETY: mallopt takes two integers and changes a setting of the allocator under its own lock.
    let _ = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, 1024 * 1024) };
}

/// Ends the program when its main thread panics, as it does if a thread cannot be created: the existing threads would
/// keep the port and answer nothing.
pub(super) fn end_with_main_thread() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() != Some("main") {
            return usual(info);
        }
        let payload = info.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or(payload.downcast_ref::<&str>().copied());
        // The panic messages of std and tokio; notify panics because nobody receives.
        let is_thread = |text: &str| {
            (text.contains("spawn") && text.contains("thread")) || text.contains("SendError")
        };
        if text.is_some_and(is_thread) {
            write_error(
                "error: the system allows no more threads\n  help: raise the limit of processes and threads (ulimit -u), or end others\n",
            );
        } else {
            usual(info);
        }
        std::process::exit(FAILED.into());
    }));
}

/// Within this time, a second signal is a duplicate of the first: Ctrl+C under `npm start` comes from the terminal and
/// once more from npm.
const TWICE: Duration = Duration::from_millis(150);

/// The reason for the end of the server.
pub(super) enum Stop {
    /// A signal, as the exit code of a process that it kills.
    Signal(u8),
    /// Another reason, with its exit code.
    Asked(u8),
}

/// Listens for SIGINT, SIGTERM and SIGHUP (elsewhere: Ctrl+C).
pub(super) struct Signals {
    runtime: Runtime,
    #[cfg(unix)]
    streams: Vec<(u8, tokio::signal::unix::Signal)>,
}

impl Signals {
    /// Installs the handlers: from here on these signals do not kill the process.
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
            // If it fails, the process can only be killed.
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
            // Nothing else can request a stop now.
            let (_, mut asked) = tokio::sync::mpsc::unbounded_channel();
            let (Stop::Signal(code) | Stop::Asked(code)) = self.wait(&mut asked);
            std::thread::sleep(TWICE.saturating_sub(first.elapsed()));
            std::process::exit(code.into());
        });
    }
}

/// The exit code of a process that is killed by a signal, as shells report it.
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

/// The running command of `--exec`; when it ends, the server stops.
pub(super) struct Exec {
    #[cfg(unix)]
    process: Option<rustix::process::Pid>,
    /// Whether the terminal sends Ctrl+C to the command as well as to us.
    #[cfg(unix)]
    shares_terminal: bool,
}

/// Runs `command` in the shell with `STANDIN_URL` set to `url`; its exit code is sent to `ended`. `has_keyboard`: this
/// process is in the foreground of a terminal.
pub(super) fn start_command(
    command: &str,
    url: &str,
    has_keyboard: bool,
    ended: UnboundedSender<u8>,
) -> io::Result<Exec> {
    let mut shell = shell(command);
    // PORT is our port; a development server would use it, too.
    shell.env("STANDIN_URL", url).env_remove("PORT");
    #[cfg(unix)]
    if !has_keyboard {
        // So a signal reaches all processes that the shell has started.
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    }
    let child = shell.spawn()?;
    let exec = Exec {
        #[cfg(unix)]
        process: i32::try_from(child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw),
        #[cfg(unix)]
        shares_terminal: has_keyboard,
    };
    #[cfg(not(unix))]
    let _ = has_keyboard;
    std::thread::spawn(move || {
        // An error means that the server has already stopped.
        let _ = ended.send(wait(child));
    });
    Ok(exec)
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    use std::os::windows::process::CommandExt;
    let mut shell = Command::new("cmd");
    shell
        .args(["/d", "/s", "/c"])
        .raw_arg(format!("\"{command}\""));
    shell
}

/// The exit code, as a shell reports it.
fn wait(mut child: Child) -> u8 {
    let Ok(status) = child.wait() else {
        return FAILED;
    };
    #[cfg(unix)]
    let code = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
    #[cfg(not(unix))]
    let code = None;
    code.or(status.code())
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(FAILED)
}

impl Exec {
    /// Forwards a signal, given as an exit code.
    #[cfg(unix)]
    pub(super) fn forward(&self, code: u8) {
        use rustix::process::{Signal, kill_process, kill_process_group};
        let Some((process, signal)) = self
            .process
            .zip(Signal::from_named_raw(i32::from(code) - 128))
        else {
            return;
        };
        // The command may have ended meanwhile.
        let _ = match (self.shares_terminal, signal) {
            (true, Signal::INT) => Ok(()),
            (true, signal) => kill_process(process, signal),
            (false, signal) => kill_process_group(process, signal),
        };
    }

    /// The console has sent Ctrl+C to the command as well.
    #[cfg(not(unix))]
    pub(super) fn forward(&self, _code: u8) {}
}
