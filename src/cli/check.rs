//! `standin check`: runs the checker with an in-memory server, and turns its result into an exit code.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};

use standin_check::{CheckError, Format, Options, run};

use super::Done;
use crate::check::in_process;
use crate::text::{printable, printable_lines};

/// The sequence with which `standin check --watch` clears the screen.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Runs the checker.
pub(super) fn check(options: Options) -> Done {
    let options = Options {
        color: AutoStream::choice(&std::io::stdout()) != ColorChoice::Never,
        terminal: std::io::stdout().is_terminal()
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
        ..options
    };
    // On Windows it also translates colours for consoles without escape sequences.
    let stdout = UntilClosed {
        inner: anstream::stdout().lock(),
        is_closed: false,
        watches: options.watch,
    };
    let mut out: Box<dyn Write> = match options.format {
        // Formats for programs, which have their own escapes.
        Format::Json | Format::Junit => Box::new(stdout),
        _ => Box::new(Shown {
            inner: stdout,
            line: Vec::new(),
            has_styles: options.color && options.format == Format::Human,
        }),
    };
    let ended = run(&options, &in_process, &mut *out, &mut std::io::stderr());
    let ended = ended.and_then(|status| out.flush().map(|()| status).map_err(CheckError::Output));
    match ended {
        Ok(status) => Ok(ExitCode::from(status.code())),
        // The reader of `--watch` has closed the pipe.
        Err(CheckError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Ok(ExitCode::from(super::OK))
        }
        Err(error) => Err(error.to_string().into()),
    }
}

/// Drops the output once the reader has closed the pipe, as `head` does, so the exit code is still that of the whole run.
/// A run that watches ends then.
struct UntilClosed<W> {
    inner: W,
    is_closed: bool,
    watches: bool,
}

impl<W> UntilClosed<W> {
    /// `done` in place of an error if the pipe is closed.
    fn unless_closed<T>(&mut self, result: io::Result<T>, done: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe && !self.watches => {
                self.is_closed = true;
                Ok(done)
            }
            result => result,
        }
    }
}

impl<W: Write> Write for UntilClosed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_closed {
            return Ok(bytes.len());
        }
        let written = self.inner.write(bytes);
        self.unless_closed(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.unless_closed(flushed, ())
    }
}

/// Escapes control characters from pages, data and responses; the report's own styles pass.
struct Shown<W> {
    inner: W,
    /// The part of the line that has been written.
    line: Vec<u8>,
    has_styles: bool,
}

impl<W: Write> Write for Shown<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        if let Some(end) = self.line.iter().rposition(|byte| *byte == b'\n') {
            let lines: Vec<u8> = self.line.drain(..=end).collect();
            self.write_text(&lines)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        self.write_text(&line)?;
        self.inner.flush()
    }
}

impl<W: Write> Shown<W> {
    fn write_text(&mut self, bytes: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(bytes);
        let mut shown = String::with_capacity(text.len());
        let mut rest = &*text;
        while let Some(at) = rest.find('\x1b') {
            shown.push_str(&printable_lines(&rest[..at]));
            let sequence = match own_sequence(&rest[at..]) {
                Some(length) if self.has_styles => &rest[at..at + length],
                _ => "\x1b",
            };
            match sequence.len() {
                1 => shown.push_str(&printable(sequence)),
                _ => shown.push_str(sequence),
            }
            rest = &rest[at + sequence.len()..];
        }
        shown.push_str(&printable_lines(rest));
        self.inner.write_all(shown.as_bytes())
    }
}

/// The length of the style or clear sequence that `text` begins with.
fn own_sequence(text: &str) -> Option<usize> {
    if text.starts_with(CLEAR) {
        return Some(CLEAR.len());
    }
    let parameters = text.strip_prefix("\x1b[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    // 8 would hide text.
    let is_style =
        parameters[end..].starts_with('m') && parameters[..end].split(';').all(|one| one != "8");
    is_style.then_some("\x1b[".len() + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, has_styles: bool) -> String {
        let mut out = Shown {
            inner: Vec::new(),
            line: Vec::new(),
            has_styles,
        };
        // However the writes are split.
        for byte in text.bytes() {
            out.write_all(&[byte]).unwrap();
        }
        out.flush().unwrap();
        String::from_utf8(out.inner).unwrap()
    }

    #[test]
    fn only_the_styles_of_the_report_reach_the_terminal() {
        let styled = "\x1b[1m\x1b[38;5;9merror\x1b[0m: caf\u{e9}\n";
        assert_eq!(shown(styled, true), styled);
        assert_eq!(shown("\x1b[31ma\n", false), "\\u{1b}[31ma\n");
        for text in [
            "\x1b]0;title\x07",
            "\x1b[2J",
            "\x1b[8mhidden",
            "\u{9b}31m",
            "\u{202e}",
        ] {
            let shown = shown(text, true);
            assert!(shown.starts_with("\\u{"), "{shown:?}");
            assert!(!shown.contains(char::is_control), "{shown:?}");
        }
    }
}
