//! The log on the terminal, written by a thread of its own so that no request waits for it.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::diagnose;
use crate::engine::{Notice, ResourceChanges};
use crate::http::Entry;
use crate::json::Id;

/// How many lines may wait; beyond that lines of the access log are left out, and how many is said.
const MOST_WAITING: usize = 10_000;

enum Line {
    Entry(Entry),
    Text(String),
    Error(String),
}

/// What the log's thread is behind with. (A channel of that size would take its memory from the start.)
#[derive(Default)]
struct Queue {
    waiting: AtomicUsize,
    left_out: AtomicUsize,
}

/// A handle to the log.
#[derive(Clone)]
pub(super) struct Log {
    sender: mpsc::Sender<Line>,
    queue: Arc<Queue>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    quiet: bool,
}

impl Log {
    /// Starts the log's thread. `quiet` leaves out all but errors.
    pub(super) fn start(quiet: bool) -> Log {
        let (sender, receiver) = mpsc::channel();
        let queue = Arc::new(Queue::default());
        let thread = std::thread::spawn({
            let queue = queue.clone();
            move || write(&receiver, &queue, &mut std::io::BufWriter::new(std::io::stdout()))
        });
        Log { sender, queue, thread: Arc::new(Mutex::new(Some(thread))), quiet }
    }

    /// Prints the line of a request.
    pub(super) fn entry(&self, entry: Entry) {
        // A full queue means a terminal that cannot follow; the request matters more than its line.
        if self.queue.waiting.fetch_add(1, Ordering::Relaxed) >= MOST_WAITING {
            self.queue.waiting.fetch_sub(1, Ordering::Relaxed);
            self.queue.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let _ = self.sender.send(Line::Entry(entry));
    }

    /// Prints text as it is.
    pub(super) fn print(&self, text: String) {
        let _ = self.sender.send(Line::Text(text));
    }

    /// Prints what happened to the data file.
    pub(super) fn notice(&self, file: &str, notice: Notice) {
        let line = match notice {
            Notice::Reloaded { changes, kept, renumbered } => {
                let mut text = format!("reloaded {file}: {}\n", describe(&changes));
                if kept > 0 {
                    text.push_str(&format!("    kept {kept} of the last writes, which the edit had not seen\n"));
                }
                text.push_str(&describe_renumbered(renumbered));
                Line::Text(text)
            }
            Notice::Replayed { writes, edited, renumbered } => {
                let (writes, they) =
                    if writes == 1 { ("1 write".into(), "it") } else { (format!("{writes} writes"), "them") };
                let mut text = if edited {
                    format!("brought {writes} from the journal together with an edit of {file} that was made since\n")
                } else {
                    format!("brought {writes} back from the journal: {file} had not had {they} yet\n")
                };
                text.push_str(&describe_renumbered(renumbered));
                Line::Text(text)
            }
            Notice::Restored { changes, writes } => {
                let dropped = match writes {
                    0 => String::new(),
                    1 => ", 1 write is dropped".into(),
                    _ => format!(", {writes} writes are dropped"),
                };
                Line::Text(format!("{file} is back at an earlier state: {}{dropped}\n", describe(&changes)))
            }
            Notice::Conflicts { count, path, failed: None } => {
                Line::Error(format!("kept {count} versions that lost against the edit in {}\n", path.display()))
            }
            Notice::Conflicts { count, path, failed: Some(words) } => Line::Error(format!(
                "warning: {count} versions lost against the edit; they are at /-/conflicts until the server stops, since {} cannot be written: {words}\n",
                path.display()
            )),
            Notice::Recovered(path) => Line::Error(format!(
                "warning: a crash had left an edit of {file} or a damaged journal; it is kept in {}\n",
                path.display()
            )),
            Notice::Broken(faults) => Line::Error(format!(
                "{}{file} stays unread until it is mended: reads go on with the data before, writes are refused\n",
                diagnose::faults(file, &faults)
            )),
            Notice::Unsaved(words) => Line::Error(format!("error: cannot save {words}\n")),
            Notice::Unwatched(words) => Line::Error(format!(
                "warning: cannot watch {file} ({words}); looking at it ten times a second instead\n"
            )),
        };
        if !(self.quiet && matches!(line, Line::Text(_))) {
            let _ = self.sender.send(line);
        }
    }

    /// Waits until all is printed.
    pub(super) fn finish(self) {
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        let Log { sender, .. } = self;
        let _ = sender.send(Line::Text(String::new()));
        drop(sender);
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

fn describe_renumbered(renumbered: Vec<(String, Id, Id)>) -> String {
    let one = |(resource, old, new): (String, Id, Id)| {
        format!("    the new record {old} of {resource} is now {new}: the API had given {old} away\n")
    };
    renumbered.into_iter().map(one).collect()
}

fn describe(changes: &[ResourceChanges]) -> String {
    if changes.is_empty() {
        return "no record differs".into();
    }
    let one = |change: &ResourceChanges| {
        let mut text = change.resource.clone();
        for (sign, count) in [('+', change.added), ('~', change.changed), ('-', change.removed)] {
            if count > 0 {
                text.push_str(&format!(" {sign}{count}"));
            }
        }
        text
    };
    changes.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn write(receiver: &mpsc::Receiver<Line>, queue: &Queue, out: &mut impl Write) {
    while let Ok(first) = receiver.recv() {
        let mut next = Some(first);
        while let Some(line) = next {
            // A terminal that is gone takes no words about it either.
            let _ = match line {
                Line::Entry(entry) => {
                    queue.waiting.fetch_sub(1, Ordering::Relaxed);
                    write_entry(out, &entry)
                }
                Line::Text(text) => out.write_all(text.as_bytes()),
                Line::Error(text) => out.flush().and_then(|()| std::io::stderr().write_all(text.as_bytes())),
            };
            next = receiver.try_recv().ok();
        }
        let left_out = queue.left_out.swap(0, Ordering::Relaxed);
        if left_out > 0 {
            let _ =
                writeln!(out, "    {left_out} more requests are left out, as they came faster than their lines go out");
        }
        let _ = out.flush();
    }
}

fn write_entry(out: &mut impl Write, entry: &Entry) -> std::io::Result<()> {
    let time = entry.time.as_secs_f64() * 1000.0;
    writeln!(out, "{} {} {} {time:.2} ms {} B", entry.method, entry.target, entry.status.as_u16(), entry.size)?;
    for line in entry.told.iter().flat_map(|told| told.lines()) {
        writeln!(out, "    {line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_and_said() {
        let (sender, receiver) = mpsc::channel();
        let queue = Arc::new(Queue::default());
        let log = Log { sender, queue: queue.clone(), thread: Arc::default(), quiet: false };
        for _ in 0..MOST_WAITING + 3 {
            log.entry(Entry {
                method: "GET".parse().unwrap(),
                target: "/users".into(),
                status: "200".parse().unwrap(),
                time: std::time::Duration::from_millis(1),
                size: 2,
                told: None,
            });
        }
        drop(log);
        let mut out = Vec::new();
        write(&receiver, &queue, &mut out);
        let out = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!((lines.len(), lines[0]), (MOST_WAITING + 1, "GET /users 200 1.00 ms 2 B"));
        assert_eq!(
            lines[MOST_WAITING].trim(),
            "3 more requests are left out, as they came faster than their lines go out"
        );
        assert_eq!(queue.waiting.load(Ordering::Relaxed), 0);
    }
}
