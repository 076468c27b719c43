//! `standin check`: passes an in-memory server to the checker and its outcome to the exit code.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};

use standin_check::{CheckError, Options, run};

use crate::check::in_process;

/// Runs the checker.
pub(super) fn check(options: Options) -> ExitCode {
    let options = Options {
        color: AutoStream::choice(&std::io::stdout()) != ColorChoice::Never,
        terminal: std::io::stdout().is_terminal()
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
        ..options
    };
    // On Windows it also translates colours for consoles that know no escape sequences.
    let mut out = anstream::stdout().lock();
    let ended = run(&options, &in_process, &mut out, &mut std::io::stderr());
    let ended = ended.and_then(|status| out.flush().map(|()| status).map_err(CheckError::Output));
    match ended {
        Ok(status) => ExitCode::from(status.code()),
        // The reader has closed the pipe, as `head` does.
        Err(CheckError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::from(super::OK)
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(super::FAILED)
        }
    }
}
