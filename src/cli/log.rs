//! The log: requests, events of the data file and diagnostics, printed on a separate thread so that no request waits.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime};

use anstream::{AutoStream, ColorChoice, StripStream};
use clap::ValueEnum;
use parking_lot::Mutex;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::style::{self, FAINT, error, warning};
use super::{banner, diagnose};
use crate::engine::{Cause, LossCause, Notice, RepeatedIds, ResourceChanges, RulesFault};
use crate::file::Recovered;
use crate::http::AccessLogEntry;
use crate::json::Id;
use crate::store::RepeatedId;
use crate::text::{printable, printable_lines};

/// How many requests and diagnostics may wait to be printed; further ones are only counted.
const MOST_WAITING: usize = 10_000;

/// How much is logged; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[value(rename_all = "lower")]
pub(super) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

enum Line {
    /// A request.
    Entry(AccessLogEntry),
    /// An event of `tracing`, with the end of the line.
    Diagnostic(String),
    /// An event.
    Text(String),
    /// A warning or an error, for the error stream.
    Error(String),
    /// The banner, printed without a time.
    Plain(String),
    End,
}

/// Counts the lines in the channel. (A bounded channel would allocate all its memory at the start.)
#[derive(Default)]
struct Queue {
    waiting: AtomicUsize,
    left_out: AtomicUsize,
}

/// Standard output, without colours unless they are wanted. The buffer is below the colour filter, which writes a line
/// in several pieces.
fn output() -> Box<dyn Write> {
    match AutoStream::choice(&io::stdout()) {
        ColorChoice::Never => {
            let out: Box<dyn Write> = Box::new(io::BufWriter::new(io::stdout()));
            Box::new(StripStream::new(out))
        }
        // On Windows it also translates colours for consoles without escape sequences.
        _ => Box::new(io::BufWriter::new(anstream::stdout())),
    }
}

/// A handle to the log.
#[derive(Clone)]
pub(super) struct Log {
    sender: mpsc::Sender<(SystemTime, Line)>,
    queue: Arc<Queue>,
    /// Closed when the log's thread has printed everything.
    ended: Arc<Mutex<mpsc::Receiver<()>>>,
    level: LogLevel,
}

impl Log {
    /// Starts the log's thread, and from [`LogLevel::Debug`] on collects the events of `tracing`. `timestamps` prefixes
    /// each line with the time.
    pub(super) fn start(level: LogLevel, timestamps: bool) -> Log {
        let (sender, receiver) = mpsc::channel();
        let queue = Arc::new(Queue::default());
        let (end, ended) = mpsc::channel();
        std::thread::spawn({
            let queue = queue.clone();
            move || {
                write(&receiver, &queue, timestamps, &mut output());
                drop(end);
            }
        });
        let log = Log {
            sender,
            queue,
            ended: Arc::new(Mutex::new(ended)),
            level,
        };
        let filter = match level {
            LogLevel::Error | LogLevel::Warn | LogLevel::Info => return log,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        };
        let diagnostics = log.clone();
        let lines = tracing_subscriber::fmt::layer()
            .without_time()
            .with_writer(move || Diagnostics(diagnostics.clone()))
            .with_filter(Targets::new().with_target("standin", filter));
        // A program that embeds this one may have a subscriber already.
        let _ = tracing_subscriber::registry().with(lines).try_init();
        log
    }

    fn send(&self, line: Line) {
        // The thread ends only after `finish`.
        let _ = self.sender.send((SystemTime::now(), line));
    }

    /// Prints the line of a request.
    pub(super) fn entry(&self, entry: AccessLogEntry) {
        self.send_bounded(Line::Entry(entry));
    }

    fn send_bounded(&self, line: Line) {
        // If the queue is full, the terminal cannot keep up: drop the line rather than delay the request.
        if self.queue.waiting.fetch_add(1, Ordering::Relaxed) >= MOST_WAITING {
            self.queue.waiting.fetch_sub(1, Ordering::Relaxed);
            self.queue.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.send(line);
    }

    /// Prints an event of [`LogLevel::Info`].
    pub(super) fn print(&self, text: String) {
        if self.level >= LogLevel::Info {
            self.send(Line::Text(text));
        }
    }

    /// Prints text that is not an event, such as the banner, at any level.
    pub(super) fn plain(&self, text: String) {
        self.send(Line::Plain(text));
    }

    /// Prints a warning.
    pub(super) fn warn(&self, text: String) {
        if self.level >= LogLevel::Warn {
            self.error(text);
        }
    }

    /// Prints an error.
    pub(super) fn error(&self, text: String) {
        self.send(Line::Error(text));
    }

    /// Prints that the file at `path` was reloaded, with a summary; `None`: it was deleted, which means `gone`.
    fn reloaded(&self, path: &Path, what: Option<String>, gone: &str) {
        let path = style::path(path);
        self.print(match what {
            Some(what) => format!("reloaded {path}: {what}\n"),
            None => format!("{path} is gone: {gone}\n"),
        });
    }

    /// Prints what happened to the files.
    pub(super) fn notice(&self, file: &str, notice: Notice) {
        let file = &*printable(file);
        match notice {
            Notice::Reloaded { changes, kept, renumbered } => {
                self.print(reloaded(file, &changes, kept) + &describe_renumbered(renumbered));
            }
            Notice::Replayed { writes, edited, renumbered } => {
                self.print(replayed(file, writes, edited) + &describe_renumbered(renumbered));
            }
            Notice::Restored { changes, writes } => self.print(restored(file, &changes, writes)),
            Notice::Reverted { cause, changes } => {
                let route = if cause == Cause::Undo { "/-/undo" } else { "/-/reset" };
                self.print(format!("POST {route}: {}\n", describe(&changes)));
            }
            Notice::Conflicts { count, cause, path, failed } => {
                self.warn(conflicts(count, cause, &path, failed));
            }
            Notice::Recovered(found) => self.warn(recovered(file, found)),
            Notice::Broken(faults) => self.error(format!(
                "{}{file} is ignored until it is fixed: still serving the last good data; writes get 503\n",
                diagnose::faults(file, &faults)
            )),
            Notice::ValidAgain => self.print(format!("{file} is valid again; nothing changed\n")),
            Notice::RepeatedIds(RepeatedIds { mut list, more }) => {
                // A third record in the same line would get the same message.
                list.dedup();
                for id in list {
                    self.warn(repeated_id(file, id));
                }
                if more > 0 {
                    self.warn(warning(&format!("{} in {file}", count(more, "more duplicate id"))));
                }
            }
            Notice::Moved { to } => self.print(format!("{file} points to {} now\n", style::path(&to))),
            Notice::Unsaved { reason, hint } => {
                self.error(error(&format!("cannot save: {reason}\n  help: {hint}")));
            }
            Notice::InJournal { journal } => self.warn(warning(&format!(
                "{file} lacks writes that are in its journal, {}; the next start brings them to the file: keep both",
                style::path(&journal)
            ))),
            Notice::Unwritable { reason, hint } => {
                self.warn(warning(&format!("changes cannot be saved: {reason}\n  help: {hint}")));
            }
            Notice::InPlace { reason, hint } => self.warn(warning(&format!(
                "saves overwrite {file} in place instead of replacing it: {reason}\n  help: {hint}"
            ))),
            Notice::NotAFile { path, holds } => {
                let path = style::path(&path);
                self.warn(warning(&format!(
                    "{path} is not a file, or a link that points to none: no {holds} are read\n  help: put a file there and start again, or remove it"
                )));
            }
            Notice::RandomSecret => self.print(
                "tokens are signed with a random secret and valid until the server stops; set STANDIN_SECRET to keep them\n".into(),
            ),
            Notice::NoIds(resource) => self.warn(warning(&format!(
                "the rules of {} allow no id that the server can generate; clients must send one",
                printable(&resource)
            ))),
            Notice::UnusedRules { by, resource, near } => {
                self.warn(unused_rules(file, by, &resource, near));
            }
            Notice::GivenIds { resource, count, id, like } => {
                self.print(given_ids(&resource, count, &id, like));
            }
            Notice::RulesReloaded { file: path, resources, without_ids, random_secret } => {
                let what = resources.map(|resources| format!("rules for {}", count(resources, "resource")));
                self.reloaded(&path, what, "writes are not validated any more");
                without_ids.into_iter().for_each(|resource| self.notice(file, Notice::NoIds(resource)));
                if random_secret {
                    self.notice(file, Notice::RandomSecret);
                }
            }
            Notice::RulesBroken { file: path, error } => self.error(broken_rules(file, &path, *error)),
            Notice::Seed(seed) => self.print(format!("seed {}\n", banner::seed(seed))),
            Notice::RoutesReloaded { file, rules } => {
                let what = rules.map(|rules| count(rules, "rule"));
                self.reloaded(&file, what, "no rules by path apply any more");
            }
            Notice::ProfileReloaded { file } => {
                self.print(format!("reloaded the profile of {}\n", style::path(&file)));
            }
            Notice::RoutesBroken(message) => {
                self.error(error(&format!("{message}\n  the routes stay as they were until it is fixed")));
            }
            Notice::Unwatched(reason) => self.warn(warning(&format!(
                "cannot watch {file} ({reason}); checking it ten times a second instead"
            ))),
        }
    }

    /// Waits until everything is printed, or until `limit` has passed: a pipe that nobody reads blocks the log's
    /// thread.
    pub(super) fn finish(self, limit: Duration) {
        self.send(Line::End);
        let _ = self.ended.lock().recv_timeout(limit);
    }
}

/// `1 write`, `2 writes`.
fn count<N: Display + PartialEq + From<u8>>(number: N, what: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn reloaded(file: &str, changes: &[ResourceChanges], kept: usize) -> String {
    let mut text = format!("reloaded {file}: {}\n", describe(changes));
    if kept > 0 {
        text.push_str(&format!(
            "    kept {} that your edit did not contain\n",
            count(kept, "recent API write")
        ));
    }
    text
}

fn replayed(file: &str, writes: usize, edited: bool) -> String {
    let writes = count(writes, "write");
    match edited {
        true => format!(
            "recovered {writes} from the journal, merged with an edit of {file} made since\n"
        ),
        false => {
            format!("recovered {writes} from the journal that {file} did not have yet\n")
        }
    }
}

fn restored(file: &str, changes: &[ResourceChanges], writes: u64) -> String {
    let undone = match writes {
        0 => String::new(),
        writes => format!("; {} undone", count(writes, "API write")),
    };
    let changes = describe(changes);
    format!("{file} is back to an earlier state: {changes}{undone}\n")
}

fn conflicts(changes: usize, cause: LossCause, path: &Path, failed: Option<String>) -> String {
    let what = match cause {
        LossCause::Edit => "conflicted with your edit",
        LossCause::OlderEdit => "of an older edit conflicted with a newer one",
        LossCause::Restore => "not in the restored file",
        LossCause::Move => "had not yet reached the file that was served before",
    };
    // A restore drops edits, too.
    let thing = match cause {
        LossCause::Restore => "change",
        LossCause::Edit | LossCause::OlderEdit | LossCause::Move => "API change",
    };
    let (changes, path) = (count(changes, thing), style::path(path));
    match failed {
        None => format!("{changes} {what}; saved in {path}\n"),
        Some(reason) => warning(&format!(
            "{changes} {what}; listed at /-/conflicts until the server stops, because {path} cannot be written: {reason}"
        )),
    }
}

fn recovered(file: &str, found: Recovered) -> String {
    match found {
        Recovered::Edit(path) => warning(&format!(
            "a crash left an edit of {file} behind; it is kept in {}",
            style::path(&path)
        )),
        Recovered::Restored { writes } => format!(
            "{file} was put back to an earlier state while no server ran; {} undone\n",
            count(writes, "API write")
        ),
        Recovered::Journal { line, kept } => {
            let kept = kept.map_or_else(String::new, |path| {
                format!("; a copy of the whole journal is in {}", style::path(&path))
            });
            warning(&format!(
                "the journal of {file} is damaged in line {line}: the writes before it count, those after it are lost{kept}"
            ))
        }
    }
}

fn repeated_id(file: &str, repeated: RepeatedId) -> String {
    let place = match repeated.lines {
        [first, second] if first == second => format!("in line {first}"),
        [first, second] => format!("lines {first} and {second}"),
    };
    warning(&format!(
        "duplicate id in {file}: {} has the id {} twice: {place}; the second cannot be reached",
        printable(&repeated.resource),
        printable(&repeated.id.to_string())
    ))
}

fn given_ids(resource: &str, records: usize, id: &str, like: Option<String>) -> String {
    let (resource, records) = (printable(resource), count(records, "record"));
    let like = like.map_or_else(String::new, |like| {
        format!("; if {like:?} is the id, start with --id {like}")
    });
    format!(
        "{resource}: gave an {id:?} to {records} without one; the file gets them with the next write to {resource}{like}\n"
    )
}

fn unused_rules(file: &str, by: Option<String>, resource: &str, near: Option<String>) -> String {
    let resource = printable(resource);
    let what = match by {
        None => format!("there are rules for {resource}"),
        Some(by) => format!(
            "the rules say that {} references {resource}",
            printable(&by)
        ),
    };
    let near = near.map_or_else(String::new, |near| {
        format!("; did you mean {}?", printable(&near))
    });
    warning(&format!("{what}, and {file} has no {resource}{near}"))
}

fn broken_rules(file: &str, path: &Path, fault: RulesFault) -> String {
    let text = match fault {
        RulesFault::Rules { text, error } => diagnose::rules(path, &text, &error),
        RulesFault::Data(faults) => diagnose::faults(file, &faults),
        RulesFault::Routes(error) => {
            format!("error: {}\n", printable_lines(&error.to_string()))
        }
    };
    let path = style::path(path);
    format!("{text}{path}: the rules stay as they were until this is fixed\n")
}

fn describe_renumbered(renumbered: Vec<(String, Id, Id)>) -> String {
    let one = |(resource, old, new): (String, Id, Id)| {
        let shown = |id: Id| printable(&id.to_string()).into_owned();
        let (old, new) = (shown(old), shown(new));
        format!(
            "    your new record {old} in {} got id {new}, because the API had already used {old}\n",
            printable(&resource)
        )
    };
    renumbered.into_iter().map(one).collect()
}

/// `2 records added, 1 removed in users; 1 record changed in posts`.
fn describe(changes: &[ResourceChanges]) -> String {
    if changes.is_empty() {
        return "no records changed".into();
    }
    let one = |change: &ResourceChanges| {
        let counts = [
            (change.added, "added"),
            (change.changed, "changed"),
            (change.removed, "removed"),
        ];
        let parts = counts
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .enumerate()
            .map(|(place, (number, what))| {
                let number = if place == 0 {
                    count(number, "record")
                } else {
                    number.to_string()
                };
                format!("{number} {what}")
            });
        format!(
            "{} in {}",
            parts.collect::<Vec<_>>().join(", "),
            printable(&change.resource)
        )
    };
    changes.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn write(
    receiver: &mpsc::Receiver<(SystemTime, Line)>,
    queue: &Queue,
    timestamps: bool,
    out: &mut impl Write,
) {
    while let Ok(first) = receiver.recv() {
        let mut next = Some(first);
        let mut ends = false;
        while let Some((time, line)) = next.take() {
            let time = match timestamps {
                true => format!(
                    "{FAINT}{}{FAINT:#} ",
                    humantime::format_rfc3339_millis(time)
                ),
                false => String::new(),
            };
            if matches!(line, Line::Entry(_) | Line::Diagnostic(_)) {
                queue.waiting.fetch_sub(1, Ordering::Relaxed);
            }
            ends = matches!(line, Line::End);
            // If the output is gone, there is nowhere to report that.
            let _ = write_line(out, &time, &line);
            if !ends {
                next = receiver.try_recv().ok();
            }
        }
        let left_out = queue.left_out.swap(0, Ordering::Relaxed);
        if left_out > 0 {
            let _ = writeln!(
                out,
                "    {left_out} log lines dropped: the output could not keep up"
            );
        }
        let _ = out.flush();
        if ends {
            return;
        }
    }
}

fn write_line(out: &mut impl Write, time: &str, line: &Line) -> io::Result<()> {
    match line {
        Line::Entry(entry) => write_entry(out, time, entry),
        Line::Diagnostic(text) => write!(out, "{time}{}", printable_lines(text.trim_start())),
        Line::Text(text) => write!(out, "{time}{}", printable_lines(text)),
        Line::Plain(text) => out.write_all(text.as_bytes()),
        Line::Error(text) => {
            out.flush()?;
            write!(anstream::stderr(), "{time}{text}")
        }
        Line::End => Ok(()),
    }
}

/// Writes the lines of `tracing` to the log: the formatter writes each at once.
struct Diagnostics(Log);

impl Write for Diagnostics {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0
            .send_bounded(Line::Diagnostic(String::from_utf8_lossy(text).into_owned()));
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_entry(out: &mut impl Write, time: &str, entry: &AccessLogEntry) -> io::Result<()> {
    let duration = entry.time.as_secs_f64() * 1000.0;
    let status = entry.status.as_u16();
    let style = style::status(status);
    let (method, target, size) = (&entry.method, printable(&entry.target), entry.size);
    writeln!(
        out,
        "{time}{method} {target} {style}{status}{style:#} {duration:.2} ms {size} B"
    )?;
    for line in entry.note.iter().flat_map(|note| note.lines()) {
        writeln!(out, "    {}", printable(line))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn omitted_lines_are_counted_and_reported() {
        let (sender, receiver) = mpsc::channel();
        let queue = Arc::new(Queue::default());
        let log = Log {
            sender,
            queue: queue.clone(),
            ended: Arc::new(Mutex::new(mpsc::channel().1)),
            level: LogLevel::Info,
        };
        for _ in 0..MOST_WAITING + 3 {
            log.entry(AccessLogEntry {
                method: "GET".parse().unwrap(),
                target: "/users".into(),
                status: "200".parse().unwrap(),
                time: Duration::from_millis(1),
                size: 2,
                note: None,
            });
        }
        drop(log);
        let mut out = Vec::new();
        write(&receiver, &queue, false, &mut out);
        let out = anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string();
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(
            (lines.len(), lines[0]),
            (MOST_WAITING + 1, "GET /users 200 1.00 ms 2 B")
        );
        assert_eq!(
            lines[MOST_WAITING].trim(),
            "3 log lines dropped: the output could not keep up"
        );
        assert_eq!(queue.waiting.load(Ordering::Relaxed), 0);
    }
}
