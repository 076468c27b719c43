//! Errors for a person at a terminal: the place, the line, and what to do.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::engine::Faults;
use crate::server::{Options, StartError};
use crate::words::list;

/// Why the server did not start. `named`: the person named the data file.
pub(super) fn start_error(error: &StartError, options: &Options, named: bool) -> String {
    match error {
        StartError::Data { path, faults } => self::faults(&path.display().to_string(), faults),
        StartError::Rules { path, text, error } => {
            let path = path.display().to_string();
            error
                .problems
                .iter()
                .map(|problem| snippet(&path, text, problem.offset, &problem.message, problem.hint.as_deref()))
                .collect()
        }
        StartError::Unreadable { path, error } if error.kind() == std::io::ErrorKind::NotFound => {
            let file = path.display();
            if Some(path) == options.schema.as_ref() {
                return format!("error: there is no file {file}\n  help: --schema names the rules file\n");
            }
            let found = json_files();
            let help = match found.as_slice() {
                _ if !named => "name a data file: standin db.json".to_string(),
                [] => "a data file is a JSON object of resources: {\"users\": []}".to_string(),
                found => format!("here there is {}", list(found)),
            };
            format!("error: there is no file {file}\n  help: {help}\n")
        }
        StartError::Address { address, error } if error.kind() == std::io::ErrorKind::AddrInUse => {
            let port = options.port;
            let other = port.checked_add(1).unwrap_or(3001);
            format!(
                "error: port {port} is taken: something is serving on {address} already\n  help: stop that, or choose another port: standin --port {other} (0 for any that is free)\n"
            )
        }
        StartError::Locked { path, holder } => format!(
            "error: {} is served already by {holder}\n  help: stop that one first, or serve a copy of the file\n",
            path.display()
        ),
        other => format!("error: {other}\n"),
    }
}

/// What is wrong with a data file.
pub(super) fn faults(path: &str, faults: &Faults) -> String {
    let mut text: String = faults
        .list
        .iter()
        .map(|fault| snippet(path, &faults.text, fault.offset, &fault.message, fault.hint.as_deref()))
        .collect();
    if faults.more > 0 {
        text.push_str(&format!("and {} more like these\n", faults.more));
    }
    text
}

fn snippet(path: &str, text: &str, offset: usize, message: &str, hint: Option<&str>) -> String {
    // Only the line itself is handed over: a file may be large, and a line of a minified one, too.
    let start = text[..floor(text, offset)].rfind('\n').map_or(0, |at| at + 1);
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let number = text[..start].matches('\n').count() + 1;
    let offset = floor(text, offset.min(end));
    let from = floor(text, offset.saturating_sub(60).max(start));
    let line = text[from..floor(text, (offset + 60).min(end))].trim_end();
    let at = (offset - from).min(line.len());
    let column = text[start..offset].chars().filter(|c| *c != '\u{feff}').count() + 1;
    let to = (at + 1..=line.len()).find(|to| line.is_char_boundary(*to)).unwrap_or(at);
    let place = format!("{path}:{number}:{column}");
    let element =
        Snippet::source(line).line_start(number).annotation(AnnotationKind::Primary.span(at..to).label("here"));
    let mut group = Group::with_title(Level::ERROR.primary_title(format!("{place}: {message}"))).element(element);
    if let Some(hint) = hint {
        group = group.element(Level::HELP.message(hint));
    }
    format!("{}\n", Renderer::plain().render(&[group]))
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn json_files() -> Vec<String> {
    let mut found: Vec<String> = [".", "data"]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| path.strip_prefix("./").unwrap_or(&path).display().to_string())
        .filter(|name| !name.ends_with(".schema.json") && !name.starts_with("package") && !name.starts_with("tsconfig"))
        .collect();
    found.sort();
    found.truncate(5);
    found
}
