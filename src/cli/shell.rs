//! `standin completions` and `standin man`: made from the options themselves.

use std::process::ExitCode;

use clap_complete::Shell;

use super::{fail, print};

const NAME: &str = "standin";

/// Prints the completions for a shell.
pub(super) fn completions(shell: Shell) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut super::command(), NAME, &mut text);
    print(&text)
}

/// Prints the manual page.
pub(super) fn man() -> ExitCode {
    let mut text = Vec::new();
    match clap_mangen::Man::new(super::command()).render(&mut text) {
        Ok(()) => print(&text),
        Err(error) => fail(&format!("cannot write the manual page: {error}")),
    }
}
