//! Error messages for the terminal: the place, the line, and what to do.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::engine::{Fault, Faults};
use crate::json::{Place, floor_char_boundary};
use crate::schema::{SchemaError, SchemaProblem};
use crate::server::{Options, StartError};
use crate::text::{list, printable, printable_lines, shell_word, with_causes};

use super::{Failure, USUAL_PORT, init, style, system};

/// Why the server did not start. `named`: the data file was given on the command line.
pub(super) fn start_error(error: &StartError, options: &Options, named: bool) -> Failure {
    Failure(text_of(error, options, named))
}

fn text_of(error: &StartError, options: &Options, named: bool) -> String {
    match error {
        StartError::Data { path, faults } => {
            let mut text = self::faults(&style::path(path), faults);
            if init::lacks_names(&faults.text) {
                text.push_str(&format!("  help: to convert it: {}\n", conversion(path)));
            } else if has_comment(faults) && init::is_json5(&faults.text) {
                let (path, other) = (word(path), word(&path.with_extension("jsonc")));
                text.push_str(&format!(
                    "  help: to convert it: mv {path} {other} && standin init --from {other}\n"
                ));
            }
            text
        }
        StartError::Rules { path, text, error } => rules(path, text, error),
        StartError::Unreadable { path, error } if error.kind() == ErrorKind::NotFound => {
            missing(path, options, named)
        }
        StartError::Unreadable { path, error }
            if error.kind() == ErrorKind::IsADirectory && path.is_dir() =>
        {
            let folder = style::path(path);
            let files = json_files(&[path]);
            let help = if files.is_empty() {
                "name a JSON file".to_string()
            } else {
                format!("JSON files in it: {}", list(&files))
            };
            format!("error: {folder} is a folder, not a file\n  help: {help}\n")
        }
        // Our own errors name their file, which may be another one.
        StartError::Unreadable { path, error }
            if error.kind() == ErrorKind::PermissionDenied && error.raw_os_error().is_some() =>
        {
            let (file, word) = (style::path(path), word(path));
            let help = format!("ls -l {word} shows whose it is; chmod u+rw {word} helps its owner");
            format!("error: no permission to read {file}\n  help: {help}\n")
        }
        StartError::Address { address, error } => self::address(address, error, options),
        StartError::Locked { path, holder } => format!(
            "error: {} is already being served by {}\n  help: stop that one first, or serve a copy of the file\n",
            style::path(path),
            printable(holder)
        ),
        StartError::Routes(message) => {
            format!("error: {}\n", printable_lines(&message.to_string()))
        }
        other => format!("error: {}\n", printable(&with_causes(other))),
    }
}

/// The error that there is no file at `path`. `named`: as in [`start_error`].
fn missing(path: &Path, options: &Options, named: bool) -> String {
    let file = style::path(path);
    let absent = format!("there is no file {file}");
    let extension = path.extension().unwrap_or_default();
    let is_page = ["md", "markdown", "mdx"]
        .map(OsStr::new)
        .contains(&extension);
    let (what, help) = if Some(path) == options.schema.as_deref() {
        (absent, "--schema names the rules file".into())
    } else if is_page {
        (absent, "to test a page: standin check PAGE.md".into())
    } else if named && path.extension().is_none() {
        (
            format!("{absent}, and no command of that name"),
            format!(
                "to serve a file: standin db.json; commands are {}",
                list(&super::commands())
            ),
        )
    } else if let Ok(target) = path.read_link() {
        (
            format!(
                "{file} is a link to {}, which is not there",
                style::path(&target)
            ),
            format!("ls -l {}", word(path)),
        )
    } else {
        let found = json_files(&[Path::new("."), Path::new("data")]);
        match found.as_slice() {
            _ if !named => {
                let other = found.first().map_or("FILE".into(), |file| shell_word(file));
                (
                    "there is no data file here (data/db.json or db.json)".into(),
                    format!(
                        "for a small sample file: standin init\n  help: to serve another file: standin {other}"
                    ),
                )
            }
            [] => (absent, "for a small sample data file: standin init".into()),
            found => (absent, format!("JSON files here: {}", list(found))),
        }
    };
    format!("error: {what}\n  help: {help}\n")
}

/// The errors of the rules in the file at `path`.
pub(super) fn rules(path: &Path, text: &str, error: &SchemaError) -> String {
    let path = style::path(path);
    let one = |problem: &SchemaProblem| {
        let (offset, message) = (problem.offset, &problem.message);
        snippet(&path, text, offset, message, problem.hint.as_deref())
    };
    error.problems.iter().map(one).collect()
}

/// Why the server cannot listen on `address`, with a port that is free.
fn address(address: &str, error: &std::io::Error, options: &Options) -> String {
    let port = options.port;
    let address = printable(address);
    match error.kind() {
        ErrorKind::AddrInUse => match system::next_free(&options.host, port.saturating_add(1)) {
            Some(free) => format!(
                "error: port {port} is in use; {free} is free: {}\n  help: --port auto picks the next free port\n",
                with_port(free)
            ),
            None => format!(
                "error: port {port} is in use\n  help: 0 picks a free port: {}\n",
                with_port(0)
            ),
        },
        ErrorKind::PermissionDenied if port < 1024 => format!(
            "error: no permission to listen on port {port}: ports below 1024 need root (or CAP_NET_BIND_SERVICE on Linux)\n  help: choose a higher one: {}\n",
            with_port(if port == 80 { 8080 } else { USUAL_PORT })
        ),
        ErrorKind::AddrNotAvailable => format!(
            "error: cannot listen on {address}: this machine does not have that address\n  help: --host is localhost, 0.0.0.0 (the network), or an address of this machine\n"
        ),
        _ => format!(
            "error: cannot listen on {address}: {error}\n  help: --host is localhost, 0.0.0.0 (the network), or an address of this machine\n"
        ),
    }
}

/// The command that was typed, with another port.
fn with_port(port: u16) -> String {
    let mut words = vec!["standin".to_string()];
    let mut typed = std::env::args_os().skip(1);
    while let Some(word) = typed.next() {
        let word = word.to_string_lossy();
        match &*word {
            "-p" | "--port" => drop(typed.next()),
            _ if word.starts_with("--port=") || word.starts_with("-p") => {}
            _ => words.push(shell_word(&word)),
        }
    }
    words.push(format!("--port {port}"));
    printable(&words.join(" ")).into_owned()
}

/// Whether the data file is broken by a comment.
fn has_comment(faults: &Faults) -> bool {
    let starts = |fault: &Fault| {
        let rest = faults.text.get(fault.offset..).unwrap_or_default();
        rest.starts_with("//") || rest.starts_with("/*")
    };
    faults.list.iter().any(starts)
}

/// The command that converts `path`, which has records without a name, to a data file.
fn conversion(path: &Path) -> String {
    let (file, other) = (word(path), word(&path.with_file_name("items.json")));
    match path.file_name().is_some_and(|name| name == "db.json") {
        true => format!("mv {file} {other} && standin init --from {other}"),
        false => format!("standin init --from {file}"),
    }
}

/// `path` as one word of a shell.
fn word(path: &Path) -> String {
    shell_word(&style::path(path))
}

/// The errors of a data file.
pub(super) fn faults(path: &str, faults: &Faults) -> String {
    let one = |fault: &Fault| {
        let (offset, message) = (fault.offset, &fault.message);
        snippet(path, &faults.text, offset, message, fault.hint.as_deref())
    };
    let mut text: String = faults.list.iter().map(one).collect();
    if faults.more > 0 {
        text.push_str(&format!("and {} more like these\n", faults.more));
    }
    text
}

fn snippet(path: &str, text: &str, offset: usize, message: &str, hint: Option<&str>) -> String {
    let place = Place::of(text, offset);
    // Only a part of the line is passed on: a file may be large, and a line of a minified one, too.
    let offset = floor_char_boundary(text, offset);
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let from = floor_char_boundary(text, offset.saturating_sub(60).max(start));
    let line = text[from..floor_char_boundary(text, (offset + 60).min(end))].trim_end();
    let at = (offset - from).min(line.len());
    let to = (at + 1..=line.len())
        .find(|to| line.is_char_boundary(*to))
        .unwrap_or(at);
    let parts = [&line[..at], &line[at..to], &line[to..]].map(printable);
    let span = parts[0].len()..parts[0].len() + parts[1].len();
    let line = parts.concat();
    let element = Snippet::source(line.as_str())
        .line_start(place.line)
        .annotation(AnnotationKind::Primary.span(span).label("here"));
    let title = format!("{path}:{place}: {}", printable_lines(message));
    let mut group = Group::with_title(Level::ERROR.primary_title(title)).element(element);
    let hint = hint.map(printable_lines);
    if let Some(hint) = hint.as_deref() {
        group = group.element(Level::HELP.message(hint));
    }
    format!("{}\n", Renderer::styled().render(&[group]))
}

fn json_files(folders: &[&Path]) -> Vec<String> {
    let mut found: Vec<String> = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| style::path(path.strip_prefix("./").unwrap_or(&path)))
        .filter(|name| {
            !name.ends_with(".schema.json")
                && !name.starts_with("package")
                && !name.starts_with("tsconfig")
        })
        .collect();
    found.sort();
    found.truncate(5);
    found
}
