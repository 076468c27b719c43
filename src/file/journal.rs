//! The journal: acknowledged writes that the data file lacks as yet, a line each, in a hidden file beside it.
//!
//! A large file is not rebuilt for every write. A write counts as done when its line is in the journal; the
//! file follows soon, whole, and the journal is removed. Each line is an object with one member:
//! - `journal`, in the first line: the content of the data file that the next lines were carried out on;
//! - `wrote`: a write; what it says is the engine's;
//! - `saving`: the data file is about to be replaced; the content that it will have with all the lines before in it.
//!
//! So the file's content tells which lines it lacks: those after the last one that names it. If none does, somebody has
//! edited the file since. A line counts if its end is there: what a crash has cut short was never acknowledged. What an
//! append that failed has left behind is cut off at once, or, should that fail too, before anything else happens.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Content, DataFile, Medium, Role, Saved, recover};
use crate::json::{MAX_BODY_DEPTH, check, get_member};

/// What a journal holds that the data file may lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The writes as they were given to [`DataFile::record`], oldest first.
    pub writes: Vec<String>,
    /// Whether the file is as it was before the first of them. Otherwise somebody has edited it since it was saved last,
    /// and it may have some of them.
    pub follows: bool,
}

/// The journal that is beside the file.
pub(super) struct Journal {
    path: PathBuf,
    /// How many bytes its whole lines are.
    length: u64,
    /// Something may stand after them that was refused.
    spoilt: bool,
    /// What the file must hold for the next line to be one about it; `None`: it goes on no further.
    tip: Option<Content>,
}

impl Journal {
    pub(super) fn is_spoilt(&self) -> bool {
        self.spoilt
    }
}

impl DataFile {
    /// How many bytes the file has.
    pub fn size(&self) -> usize {
        self.known.content.size
    }

    /// Puts writes into the journal, each a line of JSON; afterwards they are there all, or none. `None` where that would
    /// not do, since the journal is not about what the file holds now: it must be saved whole.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn record(&mut self, writes: &[String]) -> io::Result<Option<Saved>> {
        if self.moved()?.is_some() {
            return Ok(Some(Saved::Moved));
        }
        self.undo_stranded()?;
        self.repair_journal()?;
        self.may_be_written()?;
        if self.in_place {
            // A file that is mounted alone may come back without what is beside it.
            return Ok(None);
        }
        if !self.hold()? {
            // Another server may take the journal for its own.
            return Ok(None);
        }
        // An edit that does not change the stamp is found when the file is exchanged.
        if self.medium.stamp(&self.path)? != self.known.stamp
            && let Some(edit) = self.changed()?
        {
            return Ok(Some(Saved::Foreign(edit)));
        }
        let lines: String = writes
            .iter()
            .map(|write| format!("{{\"wrote\":{write}}}\n"))
            .collect();
        let length = self.journal.as_ref().map_or(0, |journal| journal.length);
        let recorded = match &self.journal {
            Some(journal) if journal.tip != Some(self.known.content) => false,
            Some(_) => self.extend_journal(&lines)?,
            None => self.begin_journal(&lines)?,
        };
        if recorded && self.leads_away() {
            self.spoil(length);
            return Ok(Some(Saved::Moved));
        }
        Ok(recorded.then_some(Saved::Done))
    }

    /// `false`: something else has its name.
    fn begin_journal(&mut self, lines: &str) -> io::Result<bool> {
        let path = recover::journal_name(&self.path);
        let text = format!(
            "{}\n{lines}",
            json!({ "journal": named(self.known.content) })
        );
        let flush = self.flushes();
        let mut begun = self
            .medium
            .write_new(&path, text.as_bytes(), &self.path, flush);
        if matches!(&begun, Err(error) if error.kind() == io::ErrorKind::IsADirectory) {
            return Ok(false);
        }
        if flush && begun.is_ok() {
            begun = self.medium.flush_folder(&path).map(|()| true);
        }
        self.journal = Some(Journal {
            path,
            length: text.len() as u64,
            spoilt: false,
            tip: Some(self.known.content),
        });
        if begun.is_err() {
            self.spoil(0);
        }
        begun.map(|_| true)
    }

    /// `false`: somebody has taken the journal away, or a part of it.
    fn extend_journal(&mut self, lines: &str) -> io::Result<bool> {
        let flush = self.flushes();
        let Some(journal) = &mut self.journal else {
            return Ok(false);
        };
        match self
            .medium
            .extend(&journal.path, journal.length, lines.as_bytes(), flush)
        {
            Ok(()) => {
                journal.length += lines.len() as u64;
                Ok(true)
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof
                ) =>
            {
                self.spoil(0);
                Ok(false)
            }
            Err(error) => {
                let length = journal.length;
                self.spoil(length);
                Err(error)
            }
        }
    }

    /// Cuts the journal back to `length`.
    fn spoil(&mut self, length: u64) {
        if let Some(journal) = &mut self.journal {
            (journal.length, journal.spoilt) = (length, true);
        }
        // Should this fail, it is tried again before anything else happens.
        let _ = self.repair_journal();
    }

    /// Cuts off what was refused.
    fn repair_journal(&mut self) -> io::Result<()> {
        let flush = self.flushes();
        let Some(journal) = self.journal.as_mut().filter(|journal| journal.spoilt) else {
            return Ok(());
        };
        if journal.length > 0 {
            self.medium
                .extend(&journal.path, journal.length, b"", flush)?;
            journal.spoilt = false;
            return Ok(());
        }
        remove(&*self.medium, &journal.path)?;
        self.journal = None;
        Ok(())
    }

    /// Says in the journal, if there is one, that the file will have `content`, with all that it says in it.
    pub(super) fn announce(&mut self, content: Content) -> io::Result<()> {
        self.repair_journal()?;
        if self.journal.is_some() {
            self.extend_journal(&format!("{}\n", json!({ "saving": named(content) })))?;
        }
        Ok(())
    }

    /// Removes the journal: the file lacks nothing of it, or was put back to what it was before.
    pub fn drop_journal(&mut self) {
        let Some(journal) = &self.journal else { return };
        if remove(&*self.medium, &journal.path).is_ok() {
            self.journal = None;
            if self.flushes() {
                // Should it come back after a power cut, it names what the file held when it was removed.
                let _ = self.medium.flush_folder(&self.path);
            }
            return;
        }
        // It goes on from here, and is removed after the next save.
        let content = self.known.content;
        if self.announce(content).is_ok()
            && let Some(journal) = &mut self.journal
        {
            journal.tip = Some(content);
        }
    }

    /// Takes up the journal of the last run, whose text is `bytes`. Returns what the file may lack.
    pub(super) fn take_up_journal(
        &mut self,
        bytes: &[u8],
        role: Role,
        recovered: &mut Vec<PathBuf>,
    ) -> io::Result<Option<Left>> {
        let Parsed {
            lines,
            length,
            broken,
        } = parse(bytes);
        let known = self.known.content;
        let since = lines
            .iter()
            .rposition(|line| matches!(line, Line::Names(content) if *content == known));
        if role == Role::Owner {
            let path = recover::journal_name(&self.path);
            if broken {
                let kept = recover::kept_journal_name(&self.path, Content::of(bytes));
                self.medium.write_new(&kept, bytes, &self.path, true)?;
                recovered.push(kept);
            }
            let tip = since.map(|_| known);
            self.journal = Some(Journal {
                path,
                length: length as u64,
                spoilt: bytes.len() > length,
                tip,
            });
        }
        let writes = lines
            .into_iter()
            .skip(since.unwrap_or(0))
            .filter_map(|line| match line {
                Line::Wrote(write) => Some(write),
                Line::Names(_) => None,
            });
        let writes: Vec<String> = writes.collect();
        if writes.is_empty() {
            self.drop_journal();
            return Ok(None);
        }
        Ok(Some(Left {
            writes,
            follows: since.is_some(),
        }))
    }
}

/// The text of the journal of the file at `path`; `None` where there is none.
pub(super) fn read(medium: &dyn Medium, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let journal = recover::journal_name(path);
    match medium.read(&journal) {
        Ok(bytes) => Ok(Some(bytes)),
        // What is no regular file is not ours.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::IsADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(io::Error::new(
            error.kind(),
            format!("its journal {}: {error}", journal.display()),
        )),
    }
}

fn remove(medium: &dyn Medium, path: &Path) -> io::Result<()> {
    medium.remove(path).or_else(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            Ok(())
        } else {
            Err(error)
        }
    })
}

fn named(content: Content) -> Value {
    json!({ "size": content.size, "hash": format!("{:016x}", content.hash) })
}

enum Line {
    /// Where the file has this content, it has all before this line and nothing after.
    Names(Content),
    Wrote(String),
}

struct Parsed {
    lines: Vec<Line>,
    /// How many bytes the lines are that could be read.
    length: usize,
    /// Others come after one that could not: that is not the work of a crash.
    broken: bool,
}

fn parse(bytes: &[u8]) -> Parsed {
    let mut parsed = Parsed {
        lines: Vec::new(),
        length: 0,
        broken: false,
    };
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let first = parsed.lines.is_empty();
        match std::str::from_utf8(line)
            .ok()
            .and_then(|line| Line::parse(line, first))
        {
            Some(read) => {
                parsed.lines.push(read);
                parsed.length += line.len();
            }
            None => {
                parsed.broken = bytes.len() > parsed.length + line.len();
                break;
            }
        }
    }
    parsed
}

impl Line {
    fn parse(line: &str, first: bool) -> Option<Line> {
        let line = line.strip_suffix('\n')?;
        check(line, MAX_BODY_DEPTH).ok()?;
        if first {
            return content(get_member(line, "journal")?).map(Line::Names);
        }
        match get_member(line, "saving") {
            Some(saving) => content(saving).map(Line::Names),
            None => get_member(line, "wrote").map(|write| Line::Wrote(write.to_string())),
        }
    }
}

fn content(text: &str) -> Option<Content> {
    let value: Value = serde_json::from_str(text).ok()?;
    let hash = u64::from_str_radix(value["hash"].as_str()?, 16).ok()?;
    Some(Content {
        size: usize::try_from(value["size"].as_u64()?).ok()?,
        hash,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn whole() -> String {
        let one = json!({ "journal": named(Content { size: 7, hash: u64::MAX }) });
        let two = json!({ "saving": named(Content { size: 8, hash: 1 }) });
        format!("{one}\n{{\"wrote\":[1.0,\"{{\\\"a\\\":1e3}}\\n\"]}}\n{two}\n{{\"wrote\":[2]}}\n")
    }

    #[test]
    fn lines_are_read_as_they_were_written_and_a_torn_one_is_left_out() {
        let text = whole();
        for end in 0..=text.len() {
            let parsed = parse(&text.as_bytes()[..end]);
            let expected = text[..end].matches('\n').count();
            assert_eq!(parsed.lines.len(), expected, "{end}");
            assert_eq!(
                parsed.length,
                text[..end].rfind('\n').map_or(0, |at| at + 1)
            );
            assert!(!parsed.broken, "{end}");
        }
        let Line::Wrote(write) = &parse(text.as_bytes()).lines[1] else {
            panic!("it is a write")
        };
        assert_eq!(write, "[1.0,\"{\\\"a\\\":1e3}\\n\"]");
        let Line::Names(content) = &parse(text.as_bytes()).lines[0] else {
            panic!("it names a content")
        };
        assert_eq!(
            *content,
            Content {
                size: 7,
                hash: u64::MAX
            }
        );
    }

    #[test]
    fn a_line_that_is_damaged_before_others_is_noticed() {
        for damaged in [
            whole().replacen("\"wrote\"", "\0\0\0\0\0\0\0", 1),
            whole().replacen("journal", "another", 1),
        ] {
            let parsed = parse(damaged.as_bytes());
            assert!(parsed.broken && parsed.lines.len() < 2, "{damaged}");
        }
    }
}
