//! Colours. Text is always styled; when it is printed, `anstream` removes the styles unless the output is a terminal
//! (`NO_COLOR`, `TERM=dumb` and `CLICOLOR_FORCE` are honoured).

use std::path::Path;

use anstyle::{AnsiColor, Style};

use crate::text::{printable, printable_lines};

pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub(super) const TITLE: Style = Style::new().bold();
pub(super) const LABEL: Style = Style::new().bold();
pub(super) const URL: Style = AnsiColor::Cyan.on_default();
pub(super) const FAINT: Style = Style::new().dimmed();
const HELP: Style = AnsiColor::Cyan.on_default().bold();

/// The style of a response's status.
pub(super) fn status(status: u16) -> Style {
    match status / 100 {
        2 => AnsiColor::Green.on_default(),
        3 => AnsiColor::Cyan.on_default(),
        4 => AnsiColor::Yellow.on_default(),
        5 => AnsiColor::Red.on_default(),
        _ => Style::new(),
    }
}

/// A path as it is shown.
pub(super) fn path(path: &Path) -> String {
    printable(&path.display().to_string()).into_owned()
}

/// An error message.
pub(super) fn error(message: &str) -> String {
    format!("{ERROR}error:{ERROR:#} {}\n", printable_lines(message))
}

/// A warning.
pub(super) fn warning(message: &str) -> String {
    format!(
        "{WARNING}warning:{WARNING:#} {}\n",
        printable_lines(message)
    )
}

/// Styles the labels `error:` and `help:` of a message.
pub(super) fn labels(message: &str) -> String {
    let styled = |line: &str| {
        let text = line.trim_start();
        let indent = &line[..line.len() - text.len()];
        [("error:", ERROR), ("help:", HELP)]
            .iter()
            .find_map(|(label, style)| {
                Some(format!(
                    "{indent}{style}{label}{style:#}{}",
                    text.strip_prefix(label)?
                ))
            })
            .unwrap_or_else(|| line.to_string())
    };
    message.split_inclusive('\n').map(styled).collect()
}
