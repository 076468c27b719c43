//! The journal: acknowledged writes, a line each, in a hidden file beside the data file.
//!
//! It has two uses:
//! - A large file is not rebuilt for every write. A write counts as done when its line is in the journal; the file follows
//!   soon, whole.
//! - Whoever edits the file may have read it before the last writes. While the server runs it knows these writes; should it
//!   be killed before it has seen the edit, the next start finds them here. So the lines stay for some seconds after the
//!   file has them.
//!
//! Each line is an object, and its last member is a CRC-32 of the text before it, which continues from that of the line
//! before, so that a line that is missing is noticed, too:
//! - `journal`, in the first line: the content of the data file that the next lines were carried out on; the boot of the
//!   system, since lines that the file has are not flushed; and `chain`, the CRC from which the second line continues;
//! - `wrote`: a write, and when; what it says is the engine's;
//! - `had`: the same of a write that the file has already; it counts if a `saved` comes after it;
//! - `saving`: the data file is about to be replaced; the content that it will have with all the lines before in it;
//! - `saved`: the data file has this content, with all the lines before in it.
//!
//! So the file's content tells which lines it lacks: those after the last one that names it. If none does, somebody has
//! edited the file since. A line counts if its end is there: what a crash has cut short was never acknowledged. What an
//! append that failed has left behind is cut off at once, or, should that fail too, before anything else happens. A journal
//! of an older version has no `chain`, and each CRC is that of its line alone; of a still older one, no checksums, in no
//! line.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{Content, DataFile, Medium, Recovered, Role, Saved, recover};
use crate::json::{MAX_BODY_DEPTH, check, get_member};

/// What a journal holds that the data file may lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The writes, oldest first.
    pub writes: Vec<LeftWrite>,
    /// Whether the file is as it was before the first of them. Otherwise somebody has edited it since it was saved last,
    /// and it may have some of them.
    pub follows: bool,
}

/// A write that the data file may lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftWrite {
    /// What was given to [`DataFile::record`] or [`DataFile::note`].
    pub line: String,
    /// How long the file had had it when it was edited; `None`: it may never have had it.
    pub in_file_for: Option<Duration>,
}

impl Left {
    /// Without the writes that the file had had for longer than `unseen` when it was edited: whoever edited it has seen
    /// them. `None`: it has no others.
    pub fn within(mut self, unseen: Duration) -> Option<Left> {
        let all = self.writes.len();
        self.writes
            .retain(|write| write.in_file_for.is_none_or(|time| time <= unseen));
        self.follows &= self.writes.len() == all;
        (!self.writes.is_empty()).then_some(self)
    }
}

/// The journal that is beside the file.
pub(super) struct Journal {
    path: PathBuf,
    /// How many bytes the first line is.
    first: u64,
    /// How many bytes its whole lines are.
    length: u64,
    /// The CRC of the last of them, from which that of the next one continues.
    chain: Chain,
    /// Something may stand after them that was refused.
    spoilt: bool,
    /// What the file must hold for the next line to be one about it; `None`: it goes on no further.
    tip: Option<Content>,
    /// It has lines that the file may lack.
    is_ahead: bool,
    /// Its name is flushed.
    is_linked: bool,
    batches: VecDeque<BatchStart>,
}

/// The CRC of the line before; `None` in a journal of an older version, where each line has its own.
type Chain = Option<u32>;

/// Where the lines of a batch begin.
struct BatchStart {
    offset: u64,
    chain: Chain,
    at: SystemTime,
    /// What the file held before the batch.
    before: Content,
}

/// Up to this size a journal is not rewritten to get rid of old lines.
const SMALL: u64 = 64 * 1024;
/// A journal is not to be longer on account of lines that the file has.
const LONGEST: u64 = 16 * 1024 * 1024;

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
        let stamp = self.medium.stamp(&self.path)?;
        if !self.known.stamp.is_same(&stamp)
            && let Some(edit) = self.changed()?
        {
            return Ok(Some(Saved::Foreign(edit)));
        }
        let now = self.known.stamp.taken.max(stamp.taken);
        let (length, chain) = self.journal_end();
        let lines = Lines::after(chain).writes("wrote", writes, now);
        let flush = self.flushes();
        let recorded = match &self.journal {
            Some(journal) if journal.tip != Some(self.known.content) => false,
            Some(journal) => {
                if flush && !journal.is_linked {
                    self.medium.flush_folder(&self.path)?;
                }
                self.extend_journal(lines, flush)?
            }
            None => self.begin_journal(self.known.content, lines, flush)?,
        };
        if recorded && self.leads_away() {
            self.spoil(length, chain);
            return Ok(Some(Saved::Moved));
        }
        if let Some(journal) = self.journal.as_mut().filter(|_| recorded) {
            (journal.is_ahead, journal.is_linked) = (true, true);
            journal.batches.push_back(BatchStart {
                offset: length.max(journal.first),
                chain,
                at: now,
                before: self.known.content,
            });
        }
        Ok(recorded.then_some(Saved::Done))
    }

    /// Notes that the file, which held `before`, has been saved and has `writes` now, for the case that somebody edits it
    /// without having seen them. Lines that are older than `keep` may go. The writes do not depend on it.
    pub fn note(&mut self, before: Content, writes: &[String], keep: Duration) {
        if self.lock.is_none() {
            // Another server may take the journal for its own.
            return;
        }
        let at = self.known.stamp.modified.unwrap_or(self.known.stamp.taken);
        let flush = self.flushes() && self.medium.boot().is_none();
        let (length, chain) = self.journal_end();
        let lines = Lines::after(chain)
            .writes("had", writes, at)
            .value(&json!({ "saved": named(self.known.content) }));
        let noted = match &self.journal {
            None if writes.is_empty() => return,
            None => self.begin_journal(before, lines, flush),
            Some(_) => self.extend_journal(lines, flush),
        };
        let known = self.known.content;
        let Some(journal) = self.journal.as_mut() else {
            return;
        };
        if !matches!(noted, Ok(true)) {
            tracing::debug!(?noted, "cannot note what the file has");
            // The file lacks nothing of it.
            self.spoil(0, NEW);
            return;
        }
        (journal.tip, journal.is_ahead) = (Some(known), false);
        if !writes.is_empty() {
            journal.batches.push_back(BatchStart {
                offset: length.max(journal.first),
                chain,
                at,
                before,
            });
        }
        if let Err(error) = self.shorten_journal(at, keep, flush) {
            tracing::debug!(%error, "cannot shorten the journal");
        }
    }

    /// Rewrites a journal that is mostly old lines. The file must have all of it.
    fn shorten_journal(&mut self, now: SystemTime, keep: Duration, flush: bool) -> io::Result<()> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        let is_old = |batch: &BatchStart| now.duration_since(batch.at).is_ok_and(|age| age > keep);
        let length = journal.length;
        while let Some(first) = journal.batches.front()
            && (is_old(first) || (length > LONGEST && length - first.offset > LONGEST / 2))
        {
            journal.batches.pop_front();
        }
        let (offset, chain, before) = match journal.batches.front() {
            Some(first) => (first.offset, first.chain, first.before),
            None => (length, journal.chain, self.known.content),
        };
        if length <= SMALL || offset <= length / 2 {
            return Ok(());
        }
        let bytes = self.medium.read(&journal.path)?;
        let rest = bytes
            .get(offset as usize..length as usize)
            .unwrap_or_default();
        let text = [header(&*self.medium, before, chain).as_bytes(), rest].concat();
        // In one step: a part of it would be worse than nothing.
        let scratch = recover::scratch_name(&self.path, Content::default(), Content::of(&text));
        self.medium.write_new(&scratch, &text, &self.path, flush)?;
        if let Err(error) = self.medium.rename(&scratch, &journal.path) {
            let _ = self.medium.remove(&scratch);
            return Err(error);
        }
        journal.first = (text.len() - rest.len()) as u64;
        for batch in &mut journal.batches {
            batch.offset = batch.offset - offset + journal.first;
        }
        (journal.length, journal.is_linked) = (text.len() as u64, false);
        Ok(())
    }

    /// How many bytes the journal is, and its last CRC.
    fn journal_end(&self) -> (u64, Chain) {
        self.journal
            .as_ref()
            .map_or((0, NEW), |journal| (journal.length, journal.chain))
    }

    /// `false`: something else has its name.
    fn begin_journal(&mut self, before: Content, lines: Lines, flush: bool) -> io::Result<bool> {
        let path = recover::journal_name(&self.path);
        let header = header(&*self.medium, before, NEW);
        let first = header.len() as u64;
        let text = header + &lines.text;
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
            first,
            length: text.len() as u64,
            chain: lines.chain,
            spoilt: false,
            tip: Some(self.known.content),
            is_ahead: false,
            is_linked: flush,
            batches: VecDeque::new(),
        });
        if begun.is_err() {
            self.spoil(0, NEW);
        }
        begun
            .map(|_| true)
            .map_err(|error| about_journal(&self.path, error))
    }

    /// `false`: somebody has taken the journal away, or a part of it.
    fn extend_journal(&mut self, lines: Lines, flush: bool) -> io::Result<bool> {
        let Some(journal) = &mut self.journal else {
            return Ok(false);
        };
        match self
            .medium
            .extend(&journal.path, journal.length, lines.text.as_bytes(), flush)
        {
            Ok(()) => {
                journal.length += lines.text.len() as u64;
                journal.chain = lines.chain;
                Ok(true)
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof
                ) =>
            {
                // Unless the folder is away, and comes back with it.
                self.medium.stamp(&self.path)?;
                self.spoil(0, NEW);
                Ok(false)
            }
            Err(error) => {
                let (length, chain) = (journal.length, journal.chain);
                self.spoil(length, chain);
                Err(about_journal(&self.path, error))
            }
        }
    }

    /// Cuts the journal back to `length`, where the last line has the CRC `chain`.
    fn spoil(&mut self, length: u64, chain: Chain) {
        if let Some(journal) = &mut self.journal {
            (journal.length, journal.chain, journal.spoilt) = (length, chain, true);
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
                .extend(&journal.path, journal.length, b"", flush)
                .map_err(|error| about_journal(&self.path, error))?;
            journal.spoilt = false;
            return Ok(());
        }
        remove(&*self.medium, &journal.path, &self.path)
            .map_err(|error| about_journal(&self.path, error))?;
        self.journal = None;
        Ok(())
    }

    /// Says in the journal, if there is one, that the file will have `content`, with all that it says in it.
    pub(super) fn announce(&mut self, content: Content) -> io::Result<()> {
        self.repair_journal()?;
        let Some(is_ahead) = self.journal.as_ref().map(|journal| journal.is_ahead) else {
            return Ok(());
        };
        let flush = self.flushes() && (is_ahead || self.medium.boot().is_none());
        let saving = Lines::after(self.journal_end().1).value(&json!({ "saving": named(content) }));
        let announced = self.extend_journal(saving, flush).map(|_| ());
        if announced.is_err() && !is_ahead {
            // The file lacks nothing of it, and must not be taken for an edit because it is not named there.
            self.spoil(0, NEW);
            return if self.journal.is_none() {
                Ok(())
            } else {
                announced
            };
        }
        announced
    }

    /// Removes the journal: the file lacks nothing of it, or was put back to what it was before.
    pub fn drop_journal(&mut self) {
        let Some(journal) = &self.journal else { return };
        if remove(&*self.medium, &journal.path, &self.path).is_ok() {
            self.journal = None;
            if self.flushes() {
                // Should it come back after a power cut, it names what the file held when it was removed.
                let _ = self.medium.flush_folder(&self.path);
            }
            return;
        }
        // It goes on from here, and is removed after the next save.
        let saved = Lines::after(self.journal_end().1)
            .value(&json!({ "saved": named(self.known.content) }));
        let (known, flush) = (self.known.content, self.flushes());
        if matches!(self.extend_journal(saved, flush), Ok(true))
            && let Some(journal) = &mut self.journal
        {
            (journal.tip, journal.is_ahead) = (Some(known), false);
        }
    }

    /// Takes up the journal of the last run, whose text is `bytes`. Returns what the file may lack.
    pub(super) fn take_up_journal(
        &mut self,
        bytes: &[u8],
        role: Role,
        recovered: &mut Vec<Recovered>,
    ) -> io::Result<Option<Left>> {
        let Parsed {
            boot,
            lines,
            length,
            chain,
            broken,
        } = parse(bytes);
        let known = self.known.content;
        let since = lines
            .iter()
            .rposition(|line| matches!(line, Line::Names { content, .. } if *content == known));
        if let Some(number) = broken {
            let kept = recover::kept_journal_name(&self.path, Content::of(bytes));
            if role == Role::Owner {
                self.medium.write_new(&kept, bytes, &self.path, true)?;
            }
            recovered.push(Recovered::Journal {
                line: number,
                kept: (role == Role::Owner).then_some(kept),
            });
        }
        // Until then the file had them.
        let saved = lines
            .iter()
            .rposition(|line| matches!(line, Line::Names { is_done: true, .. }))
            .unwrap_or(0);
        let is_same_boot = boot.is_none() || boot == self.medium.boot();
        let edited = self.known.stamp.modified;
        let mut undone = 0;
        let writes: Vec<LeftWrite> = lines
            .into_iter()
            .enumerate()
            .skip(since.unwrap_or(0))
            .filter_map(|(number, line)| {
                let Line::Wrote { line, at, had } = line else {
                    return None;
                };
                if had && number > saved {
                    // It was not acknowledged.
                    return None;
                }
                if number > saved {
                    return Some(LeftWrite {
                        line,
                        in_file_for: None,
                    });
                }
                if since.is_some() {
                    // The file had it, and is as it was before: somebody has put it back.
                    undone += 1;
                    return None;
                }
                // After a power cut, what seems to be an edit may be a save that was not noted.
                let in_file_for = is_same_boot.then(|| {
                    let age = edited
                        .zip(at)
                        .and_then(|(edited, at)| edited.duration_since(at).ok());
                    Some(age.unwrap_or_default())
                })?;
                Some(LeftWrite { line, in_file_for })
            })
            .collect();
        if undone > 0 {
            recovered.push(Recovered::Restored { writes: undone });
        }
        if role == Role::Owner {
            self.journal = Some(Journal {
                path: recover::journal_name(&self.path),
                first: 0,
                length: length as u64,
                chain,
                spoilt: bytes.len() > length,
                tip: since.map(|_| known),
                is_ahead: !writes.is_empty(),
                is_linked: false,
                batches: VecDeque::new(),
            });
        }
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

fn header(medium: &dyn Medium, content: Content, chain: Chain) -> String {
    let header = json!({ "journal": named(content), "boot": medium.boot(), "chain": chain });
    Lines::after(None).value(&header).text
}

/// Of a journal that is to be made.
const NEW: Chain = Some(0);

/// Lines that are to be added to a journal.
struct Lines {
    text: String,
    chain: Chain,
}

impl Lines {
    fn after(chain: Chain) -> Lines {
        Lines {
            text: String::new(),
            chain,
        }
    }

    fn writes(mut self, name: &str, writes: &[String], at: SystemTime) -> Lines {
        let at = at
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_millis());
        for write in writes {
            self.add(&format!("{{\"{name}\":{write},\"at\":{at}"));
        }
        self
    }

    fn value(mut self, value: &Value) -> Lines {
        let text = value.to_string();
        self.add(text.strip_suffix('}').unwrap_or(&text));
        self
    }

    /// Adds a line whose members are `members`.
    fn add(&mut self, members: &str) {
        let crc = crc(members, self.chain);
        self.chain = self.chain.map(|_| crc);
        self.text += &format!("{members}{CRC}{crc}}}\n");
    }
}

/// The CRC of a line whose members are `members`.
fn crc(members: &str, chain: Chain) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(chain.unwrap_or(0));
    hasher.update(members.as_bytes());
    hasher.finalize()
}

const CRC: &str = ",\"crc\":";

/// The text of the journal of the file at `path`; `None` where there is none.
pub(super) fn read(medium: &dyn Medium, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let journal = recover::journal_name(path);
    match medium.read(&journal) {
        Ok(bytes) => Ok(Some(bytes)),
        // Only a regular file can be ours.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::IsADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(about_journal(path, error)),
    }
}

/// An error about the journal of the file at `path`: which file that is, and what to do if it is somebody else's.
fn about_journal(path: &Path, error: io::Error) -> io::Error {
    let journal = recover::journal_name(path);
    let mut message = format!("its journal {}: {error}", journal.display());
    if error.kind() == io::ErrorKind::PermissionDenied {
        message += "; if another user put it there, remove it or move it away";
    }
    io::Error::new(error.kind(), message)
}

/// Removes the journal of the file at `path`, if it is there. Where the folder is away, it may be in that.
fn remove(medium: &dyn Medium, journal: &Path, path: &Path) -> io::Result<()> {
    match medium.remove(journal) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => medium.stamp(path).map(drop),
        removed => removed,
    }
}

fn named(content: Content) -> Value {
    json!({ "size": content.size, "hash": format!("{:016x}", content.hash) })
}

enum Line {
    /// Where the file has this content, it has all before this line and nothing after.
    Names {
        content: Content,
        /// The file had it, and not only was to have it.
        is_done: bool,
    },
    Wrote {
        line: String,
        at: Option<SystemTime>,
        /// The file had it before the line was written.
        had: bool,
    },
}

#[derive(Default)]
struct Parsed {
    boot: Option<String>,
    lines: Vec<Line>,
    /// How many bytes the lines are that could be read.
    length: usize,
    /// The CRC of the last of them.
    chain: Chain,
    /// The number of the line after them, if it cannot be read though its end is there: that is not the work of a crash.
    broken: Option<usize>,
}

fn parse(bytes: &[u8]) -> Parsed {
    let mut parsed = Parsed::default();
    let mut is_checked = true;
    for text in bytes.split_inclusive(|byte| *byte == b'\n') {
        let is_first = parsed.lines.is_empty();
        let read = std::str::from_utf8(text).ok().and_then(|text| {
            let text = text.strip_suffix('\n')?;
            let (text, has_crc) = match text.rsplit_once(CRC) {
                Some((text, crc)) => {
                    let crc: u32 = crc.strip_suffix('}')?.parse().ok()?;
                    (self::crc(text, parsed.chain) == crc).then_some(())?;
                    parsed.chain = parsed.chain.map(|_| crc);
                    (format!("{text}}}"), true)
                }
                None if is_first && text.contains("\"boot\":") => return None,
                // An older version wrote it.
                None => (text.to_string(), false),
            };
            is_checked = if is_first { has_crc } else { is_checked };
            (has_crc || !is_checked).then_some(())?;
            if is_first {
                let member = |name| get_member(&text, name);
                parsed.boot = member("boot").and_then(|boot| serde_json::from_str(boot).ok()?);
                parsed.chain =
                    member("chain").and_then(|chain| serde_json::from_str(chain).ok()?);
            }
            Line::parse(&text, is_first)
        });
        match read {
            Some(read) => {
                parsed.lines.push(read);
                parsed.length += text.len();
            }
            None => {
                // Of the last line, the end itself may be damaged.
                let is_whole = text.ends_with(b"\n")
                    || text
                        .split_last()
                        .is_some_and(|(_, before)| is_intact(before, parsed.chain));
                parsed.broken = is_whole.then_some(parsed.lines.len() + 1);
                break;
            }
        }
    }
    parsed
}

/// Whether the text of a line without its end has the checksum that it says.
fn is_intact(text: &[u8], chain: Chain) -> bool {
    let Some((text, crc)) = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.rsplit_once(CRC))
    else {
        return false;
    };
    crc.strip_suffix('}').and_then(|crc| crc.parse().ok()) == Some(self::crc(text, chain))
}

impl Line {
    fn parse(line: &str, first: bool) -> Option<Line> {
        check(line, MAX_BODY_DEPTH).ok()?;
        let names = |name, is_done| {
            let content = get_member(line, name).map(content)?;
            Some(content.map(|content| Line::Names { content, is_done }))
        };
        if first {
            return names("journal", true)?;
        }
        if let Some(named) = names("saving", false).or_else(|| names("saved", true)) {
            return named;
        }
        let at = get_member(line, "at").and_then(|at| at.parse().ok());
        let wrote = get_member(line, "wrote").map(|write| (write, false));
        let (write, had) = wrote.or_else(|| Some((get_member(line, "had")?, true)))?;
        Some(Line::Wrote {
            line: write.to_string(),
            at: at.map(|at| UNIX_EPOCH + Duration::from_millis(at)),
            had,
        })
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

    /// A journal of today, one as it was written with a checksum for each line, and one without checksums.
    fn whole() -> [String; 3] {
        let one = |chain| json!({ "journal": named(Content { size: 7, hash: u64::MAX }), "boot": "b", "chain": chain });
        let two = json!({ "saving": named(Content { size: 8, hash: 1 }) });
        let write = "[1.0,\"{\\\"a\\\":1e3}\\n\"]".to_string();
        let new = |chain: Chain| {
            let lines = Lines::after(chain)
                .writes(
                    "wrote",
                    std::slice::from_ref(&write),
                    UNIX_EPOCH + Duration::from_millis(5),
                )
                .value(&two)
                .writes("had", &["[2]".into()], UNIX_EPOCH);
            Lines::after(None).value(&one(chain)).text + &lines.text
        };
        let one = json!({ "journal": named(Content { size: 7, hash: u64::MAX }) });
        let old = format!("{one}\n{{\"wrote\":{write}}}\n{two}\n{{\"wrote\":[2]}}\n");
        [new(Some(3)), new(None), old]
    }

    #[test]
    fn lines_are_read_as_they_were_written_and_a_torn_one_is_left_out() {
        for text in whole() {
            for end in 0..=text.len() {
                let parsed = parse(&text.as_bytes()[..end]);
                let expected = text[..end].matches('\n').count();
                assert_eq!(parsed.lines.len(), expected, "{end}");
                assert_eq!(
                    parsed.length,
                    text[..end].rfind('\n').map_or(0, |at| at + 1)
                );
                assert_eq!(parsed.broken, None, "{end}");
            }
            let parsed = parse(text.as_bytes());
            let Line::Wrote { line, .. } = &parsed.lines[1] else {
                panic!("it is a write")
            };
            assert_eq!(line, "[1.0,\"{\\\"a\\\":1e3}\\n\"]");
            let Line::Names { content, .. } = &parsed.lines[0] else {
                panic!("it names a content")
            };
            let (size, hash) = (7, u64::MAX);
            assert_eq!(*content, Content { size, hash });
        }
        let [new, ..] = whole();
        let parsed = parse(new.as_bytes());
        assert_eq!(parsed.boot.as_deref(), Some("b"));
        let at = Some(UNIX_EPOCH + Duration::from_millis(5));
        assert!(matches!(&parsed.lines[1], Line::Wrote { at: found, .. } if *found == at));
    }

    #[test]
    fn a_line_that_is_damaged_before_others_is_noticed() {
        for whole in whole() {
            for damaged in [
                whole.replacen("\"wrote\"", "\0\0\0\0\0\0\0", 1),
                whole.replacen("journal", "another", 1),
            ] {
                let parsed = parse(damaged.as_bytes());
                assert!(
                    parsed.broken.is_some() && parsed.lines.len() < 2,
                    "{damaged}"
                );
            }
        }
    }

    #[test]
    fn a_line_that_is_missing_before_others_is_noticed() {
        let [whole, ..] = whole();
        let lines: Vec<&str> = whole.split_inclusive('\n').collect();
        for missing in 0..lines.len() - 1 {
            let mut rest = lines.clone();
            rest.remove(missing);
            let parsed = parse(rest.concat().as_bytes());
            assert_eq!(parsed.broken, Some(missing + 1));
            assert_eq!(parsed.lines.len(), missing);
        }
    }

    #[test]
    fn no_byte_can_change_unnoticed() {
        let [whole, ..] = whole();
        let starts: Vec<usize> = [0]
            .into_iter()
            .chain(whole.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let line = starts.iter().filter(|start| **start <= at).count();
                let parsed = parse(&bytes);
                assert_eq!(parsed.broken, Some(line), "bit {bit} of byte {at}");
                assert_eq!(parsed.lines.len(), line - 1);
            }
        }
    }
}
