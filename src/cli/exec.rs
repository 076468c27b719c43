//! `--exec`: a command that runs beside the server; when it ends, the server does.

use std::io;
use std::process::{Child, Command};

use tokio::sync::mpsc::UnboundedSender;

/// A running command.
pub(super) struct Exec {
    #[cfg(unix)]
    process: Option<rustix::process::Pid>,
    /// Whether the terminal sends Ctrl+C to the command as well as to us.
    #[cfg(unix)]
    shares_terminal: bool,
}

/// Runs `command` in the shell with `STANDIN_URL` set to `url`; its exit code is sent to `ended`. `has_keyboard`: this
/// process is in the foreground of a terminal.
pub(super) fn start(
    command: &str,
    url: &str,
    has_keyboard: bool,
    ended: UnboundedSender<u8>,
) -> io::Result<Exec> {
    let mut shell = shell(command);
    // PORT names our port; a development server would take it for its own.
    shell.env("STANDIN_URL", url).env_remove("PORT");
    #[cfg(unix)]
    if !has_keyboard {
        // A signal then reaches all that the shell has started.
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
        // The server has stopped already where nobody wants to know.
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

/// The exit code, as a shell gives it.
fn wait(mut child: Child) -> u8 {
    let Ok(status) = child.wait() else {
        return super::FAILED;
    };
    #[cfg(unix)]
    let code = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
    #[cfg(not(unix))]
    let code = None;
    code.or(status.code())
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(super::FAILED)
}

impl Exec {
    /// Forwards a signal, given as its exit code.
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
