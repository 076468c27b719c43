//! The journal: acknowledged writes, a line each, in a hidden file beside the data file.
//!
//! It has two uses:
//! - A large file is not rewritten for every write. A write is done when its line is in the journal; the file is
//!   rewritten soon after.
//! - An editor may have read the file before the last writes. A running server has these writes in memory; if it is
//!   killed before it has seen the edit, the next start finds them here. So the lines stay for some seconds after the
//!   file has them.
//!
//! Each line is an object. Its last member is a CRC-32 of the text before it, seeded with that of the previous line, so
//! a missing line is detected, too:
//! - `journal`, in the first line: the content of the data file that the next lines apply to; the boot id of the
//!   system, since lines that the file has are not flushed; and `chain`, the seed of the second line's CRC;
//! - `wrote`: a write, and when; the payload is the engine's;
//! - `had`: the same for a write that the file has already; it counts if a `saved` follows;
//! - `saving`: the data file is about to be replaced; its new content, with all the previous lines in it;
//! - `saved`: the data file has this content, with all the previous lines in it.
//!
//! In the last two, `lacks` is how many of the previous writes are not in that content, because they came while it was
//! written.
//!
//! So the file's content determines which lines it lacks: those after the last line that names it, and `lacks` before
//! that. If no line names it, the file has been edited since. A torn last line was never acknowledged and is ignored.
//! What a failed append leaves behind is truncated at once, or, if that fails too, before anything else is done. In the
//! journal of an older version there is no `chain`, and each line has its own CRC; a still older one has no checksums
//! at all.

use std::collections::VecDeque;
use std::io;
use std::io::ErrorKind::{IsADirectory, NotFound, PermissionDenied, UnexpectedEof};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::lines::{Chain, Line, Lines, NEW, header, in_file, parse};
use super::{Content, DataFile, Medium, Recovered, Role, Saved, recover};

/// The writes in a journal that the data file may lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The writes, oldest first.
    pub writes: Vec<LeftoverWrite>,
    /// Whether the file is as it was before the first of them. Otherwise it has been edited since the last save, and
    /// may have some of them.
    pub follows: bool,
    /// How many of the last writes the file has never had, whether its last save succeeded or not.
    pub lacking: usize,
}

/// A write that the data file may lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftoverWrite {
    /// The payload that was passed to [`DataFile::record`] or [`DataFile::note`].
    pub line: String,
    /// How long it had been in the file when the file was edited; `None`: it may never have been.
    pub in_file_for: Option<Duration>,
}

impl Leftover {
    /// The writes in the `lines` of a journal that a file with the content `known`, written at `edited`, may lack; and
    /// how many writes were undone by restoring an earlier content.
    fn of(
        lines: Vec<Line>,
        known: Content,
        edited: Option<SystemTime>,
        is_same_boot: bool,
    ) -> (Leftover, usize) {
        let has = in_file(&lines, |content, _| content == known);
        // The file had the lines before `saved`, and was about to have those before `named`.
        let saved = in_file(&lines, |_, is_done| is_done).unwrap_or(0);
        let named = in_file(&lines, |_, _| true).unwrap_or(0);
        let (mut writes, mut lacking, mut undone) = (Vec::new(), 0, 0);
        for (number, line) in lines.into_iter().enumerate().skip(has.unwrap_or(0)) {
            let Line::Wrote { line, at, had } = line else {
                continue;
            };
            let was_saved = number < saved;
            if had && !was_saved {
                // It was not acknowledged.
                continue;
            }
            lacking += usize::from(number >= named);
            if was_saved && has.is_some() {
                undone += 1;
                continue;
            }
            // After a power cut, what looks like an edit may be a save that is not in the journal.
            if was_saved && !is_same_boot {
                continue;
            }
            let age = edited
                .zip(at)
                .and_then(|(edited, at)| edited.duration_since(at).ok());
            let in_file_for = was_saved.then(|| age.unwrap_or_default());
            writes.push(LeftoverWrite { line, in_file_for });
        }
        let left = Leftover {
            writes,
            follows: has.is_some(),
            lacking,
        };
        (left, undone)
    }

    /// Drops the writes that had been in the file for longer than `unseen` when it was edited: the editor has seen
    /// them. `None`: none are left.
    pub fn within(mut self, unseen: Duration) -> Option<Leftover> {
        let all = self.writes.len();
        self.writes
            .retain(|write| write.in_file_for.is_none_or(|time| time <= unseen));
        self.follows &= self.writes.len() == all;
        (!self.writes.is_empty()).then_some(self)
    }
}

/// The journal beside the file.
pub(super) struct Journal {
    path: PathBuf,
    /// Length of the first line.
    first: u64,
    /// Length of all complete lines.
    length: u64,
    /// The CRC of the last of them, the seed of the next one's.
    chain: Chain,
    /// A failed append may have left something after them.
    pub(super) needs_repair: bool,
    /// The content that the next line applies to; `None`: nothing more can be appended.
    tip: Option<Content>,
    /// It has lines that the file may lack.
    is_ahead: bool,
    /// Its folder entry is flushed.
    is_linked: bool,
    batches: VecDeque<BatchStart>,
}

/// The beginning of a batch in the journal.
struct BatchStart {
    offset: u64,
    chain: Chain,
    lines: usize,
    at: SystemTime,
    /// The file's content before the batch.
    before: Content,
}

/// Up to this size a journal is not rewritten to get rid of old lines.
const SMALL: u64 = 64 * 1024;
/// Lines that the file has may not make a journal longer than this.
const LONGEST: u64 = 16 * 1024 * 1024;

impl Journal {
    /// Records that a batch of `lines` lines was appended.
    fn add_batch(&mut self, end: u64, chain: Chain, lines: usize, at: SystemTime, before: Content) {
        self.batches.push_back(BatchStart {
            offset: end.max(self.first),
            chain,
            lines,
            at,
            before,
        });
    }
}

impl DataFile {
    /// How many bytes the file has.
    pub fn size(&self) -> usize {
        self.known.content.size
    }

    /// Appends writes, each a line of JSON, to the journal: all or none. `None` if the journal does not apply to the
    /// file's present content: then the file must be saved.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn record(&mut self, writes: &[String]) -> io::Result<Option<Saved>> {
        if self.moved()?.is_some() {
            return Ok(Some(Saved::Moved));
        }
        self.undo_failed_save()?;
        self.repair_journal()?;
        self.may_be_written()?;
        if self.in_place {
            // A file mounted by itself may come back without its journal.
            return Ok(None);
        }
        if !self.ensure_locked()? {
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
            None => self.create_journal(self.known.content, lines, flush)?,
        };
        if recorded && self.resolves_elsewhere() {
            self.truncate_journal(length, chain);
            return Ok(Some(Saved::Moved));
        }
        if let Some(journal) = self.journal.as_mut().filter(|_| recorded) {
            (journal.is_ahead, journal.is_linked) = (true, true);
            journal.add_batch(length, chain, writes.len(), now, self.known.content);
        }
        Ok(recorded.then_some(Saved::Done))
    }

    /// Records in the journal that the file, which held `before`, has been saved with `writes`, in case somebody edits
    /// it without having seen them. Lines older than `keep` may be dropped. The durability of the writes does not
    /// depend on this.
    pub fn note(&mut self, before: Content, writes: &[String], keep: Duration) {
        if self.lock.is_none() {
            // Another server may take the journal for its own.
            return;
        }
        let at = self.known.stamp.modified.unwrap_or(self.known.stamp.taken);
        let flush = self.flushes() && self.medium.boot().is_none();
        let (length, chain) = self.journal_end();
        let lines =
            Lines::after(chain)
                .writes("had", writes, at)
                .names("saved", self.known.content, 0);
        let noted = match &self.journal {
            None if writes.is_empty() => return,
            None => self.create_journal(before, lines, flush),
            Some(_) => self.extend_journal(lines, flush),
        };
        let known = self.known.content;
        let Some(journal) = self.journal.as_mut() else {
            return;
        };
        if !matches!(noted, Ok(true)) {
            tracing::debug!(?noted, "cannot record in the journal what the file has");
            // The file lacks nothing of it.
            self.truncate_journal(0, NEW);
            return;
        }
        (journal.tip, journal.is_ahead) = (Some(known), false);
        if !writes.is_empty() {
            journal.add_batch(length, chain, writes.len(), at, before);
        }
        self.shorten_journal(at, keep, u64::MAX);
    }

    /// The offset of the next line, if the journal applies to the file's content.
    pub(super) fn append_position(&self) -> Option<u64> {
        let journal = self
            .journal
            .as_ref()
            .filter(|journal| !journal.needs_repair)?;
        (journal.tip == Some(self.known.content)).then_some(journal.length)
    }

    /// The path of the journal, if there is one.
    pub fn journal_path(&self) -> Option<PathBuf> {
        self.journal.as_ref().map(|journal| journal.path.clone())
    }

    /// Whether writes can be recorded without saving the file.
    pub fn can_record(&self) -> bool {
        self.append_position().is_some()
    }

    /// How many writes have been recorded since the journal had that length.
    pub(super) fn lines_since(&self, length: u64) -> usize {
        let batches = self.journal.iter().flat_map(|journal| &journal.batches);
        batches
            .filter(|batch| batch.offset >= length)
            .map(|batch| batch.lines)
            .sum()
    }

    /// Records that the file has been saved with the first `since` bytes of the journal. If that fails, nothing more
    /// can be recorded.
    pub(super) fn note_partial_save(&mut self, since: u64, keep: Duration) {
        let (known, now) = (self.known.content, self.known.stamp.taken);
        let saved =
            Lines::after(self.journal_end().1).names("saved", known, self.lines_since(since));
        // The line before says the same, and is flushed.
        if !matches!(self.extend_journal(saved, false), Ok(true)) {
            return;
        }
        if let Some(journal) = &mut self.journal {
            (journal.tip, journal.is_ahead) = (Some(known), true);
            let later = journal
                .batches
                .iter_mut()
                .filter(|batch| batch.offset >= since);
            later.for_each(|batch| batch.before = known);
        }
        self.shorten_journal(now, keep, since);
    }

    fn shorten_journal(&mut self, now: SystemTime, keep: Duration, since: u64) {
        if let Err(error) = self.try_to_shorten_journal(now, keep, since) {
            tracing::debug!(%error, "cannot shorten the journal");
        }
    }

    /// Rewrites a journal that is mostly old lines. The file must have all lines before `since`.
    fn try_to_shorten_journal(
        &mut self,
        now: SystemTime,
        keep: Duration,
        since: u64,
    ) -> io::Result<()> {
        let is_ahead = since < u64::MAX;
        let flush = self.flushes() && (is_ahead || self.medium.boot().is_none());
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        let is_old = |batch: &BatchStart| now.duration_since(batch.at).is_ok_and(|age| age > keep);
        let length = journal.length;
        while let Some(first) = journal.batches.front()
            && first.offset < since
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
        let text = [header(before, self.medium.boot(), chain).as_bytes(), rest].concat();
        // Atomically: a partial journal would be worse than none.
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

    /// The length of the journal, and its last CRC.
    fn journal_end(&self) -> (u64, Chain) {
        self.journal
            .as_ref()
            .map_or((0, NEW), |journal| (journal.length, journal.chain))
    }

    /// `false`: something else is at its path.
    fn create_journal(&mut self, before: Content, lines: Lines, flush: bool) -> io::Result<bool> {
        let path = recover::journal_name(&self.path);
        let header = header(before, self.medium.boot(), NEW);
        let first = header.len() as u64;
        let text = header + &lines.text;
        let begun = self.write_linked(&path, text.as_bytes(), flush);
        if matches!(&begun, Err(error) if error.kind() == IsADirectory) {
            return Ok(false);
        }
        self.journal = Some(Journal {
            path,
            first,
            length: text.len() as u64,
            chain: lines.chain,
            needs_repair: false,
            tip: Some(self.known.content),
            is_ahead: false,
            is_linked: flush,
            batches: VecDeque::new(),
        });
        if begun.is_err() {
            self.truncate_journal(0, NEW);
        }
        begun
            .map(|()| true)
            .map_err(|error| about_journal(&self.path, error))
    }

    /// `false`: the journal, or a part of it, was removed by another program.
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
            Err(error) if matches!(error.kind(), NotFound | UnexpectedEof) => {
                // Unless the folder is unmounted and will come back with it.
                self.medium.stamp(&self.path)?;
                self.truncate_journal(0, NEW);
                Ok(false)
            }
            Err(error) => {
                let (length, chain) = (journal.length, journal.chain);
                self.truncate_journal(length, chain);
                Err(about_journal(&self.path, error))
            }
        }
    }

    /// Truncates the journal to `length`, where the last line has the CRC `chain`.
    fn truncate_journal(&mut self, length: u64, chain: Chain) {
        if let Some(journal) = &mut self.journal {
            (journal.length, journal.chain, journal.needs_repair) = (length, chain, true);
        }
        // If this fails, it is retried before anything else is done.
        let _ = self.repair_journal();
    }

    /// Truncates what a failed append has left.
    fn repair_journal(&mut self) -> io::Result<()> {
        let flush = self.flushes();
        let Some(journal) = self.journal.as_mut().filter(|journal| journal.needs_repair) else {
            return Ok(());
        };
        if journal.length > 0 {
            self.medium
                .extend(&journal.path, journal.length, b"", flush)
                .map_err(|error| about_journal(&self.path, error))?;
            journal.needs_repair = false;
            return Ok(());
        }
        remove(&*self.medium, &journal.path, &self.path)
            .map_err(|error| about_journal(&self.path, error))?;
        self.journal = None;
        Ok(())
    }

    /// Records in the journal, if there is one, that the file is about to have `content`, with all recorded writes but
    /// the last `lacks`.
    pub(super) fn announce_save(&mut self, content: Content, lacks: usize) -> io::Result<()> {
        self.repair_journal()?;
        let Some(is_ahead) = self.journal.as_ref().map(|journal| journal.is_ahead) else {
            return Ok(());
        };
        let flush = self.flushes() && (is_ahead || self.medium.boot().is_none());
        if let Some(journal) = self.journal.as_mut().filter(|journal| !journal.is_linked)
            && is_ahead
            && flush
        {
            self.medium.flush_folder(&self.path)?;
            journal.is_linked = true;
        }
        let saving = Lines::after(self.journal_end().1).names("saving", content, lacks);
        let announced = self.extend_journal(saving, flush).map(|_| ());
        if announced.is_err() && !is_ahead {
            // The file lacks nothing of it, and must not be mistaken for an edit because the journal does not name its
            // content.
            self.truncate_journal(0, NEW);
            if self.journal.is_none() {
                return Ok(());
            }
        }
        announced
    }

    /// Removes the journal: the file lacks nothing of it, or was restored to an earlier state.
    pub fn drop_journal(&mut self) {
        let Some(journal) = &self.journal else { return };
        if remove(&*self.medium, &journal.path, &self.path).is_ok() {
            self.journal = None;
            if self.flushes() {
                // If it comes back after a power cut, it names the file's content at its removal.
                let _ = self.medium.flush_folder(&self.path);
            }
            return;
        }
        // It continues from here, and is removed after the next save.
        let saved = Lines::after(self.journal_end().1).names("saved", self.known.content, 0);
        let (known, flush) = (self.known.content, self.flushes());
        if matches!(self.extend_journal(saved, flush), Ok(true))
            && let Some(journal) = &mut self.journal
        {
            (journal.tip, journal.is_ahead) = (Some(known), false);
        }
    }

    /// Loads the journal of the last run, whose text is `bytes`. Returns what the file may lack.
    pub(super) fn load_journal(
        &mut self,
        bytes: &[u8],
        recovered: &mut Vec<Recovered>,
    ) -> io::Result<Option<Leftover>> {
        let known = self.known.content;
        let parsed = parse(bytes);
        if let Some(line) = parsed.broken {
            let kept = recover::kept_name(&self.path, Content::of(bytes).hash, "jsonl");
            let kept = (self.role == Role::Owner).then_some(kept);
            if let Some(kept) = &kept {
                self.medium.write_new(kept, bytes, &self.path, true)?;
            }
            recovered.push(Recovered::Journal { line, kept });
        }
        // The lines before the one that names the file's content do not matter.
        let (lines, length, chain) = match parsed.last.filter(|last| last.cover(known)) {
            Some(last) => (last.lines, last.length, last.chain),
            None => (parsed.lines, parsed.length, parsed.chain),
        };
        let is_same_boot = parsed.boot.is_none() || parsed.boot == self.medium.boot();
        let (left, undone) = Leftover::of(lines, known, self.known.stamp.modified, is_same_boot);
        if undone > 0 {
            recovered.push(Recovered::Restored { writes: undone });
        }
        if self.role == Role::Owner {
            self.journal = Some(Journal {
                path: recover::journal_name(&self.path),
                first: 0,
                length: length as u64,
                chain,
                needs_repair: bytes.len() > length,
                tip: left.follows.then_some(known),
                is_ahead: !left.writes.is_empty(),
                is_linked: false,
                batches: VecDeque::new(),
            });
        }
        if left.writes.is_empty() {
            self.drop_journal();
            return Ok(None);
        }
        Ok(Some(left))
    }
}

/// The text of the journal of the file at `path`; `None` if there is none.
pub(super) fn read(medium: &dyn Medium, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let journal = recover::journal_name(path);
    match medium.read(&journal) {
        Ok(bytes) => Ok(Some(bytes)),
        // The journal is always a regular file.
        Err(error) if matches!(error.kind(), NotFound | IsADirectory) => Ok(None),
        Err(error) => Err(about_journal(path, error)),
    }
}

/// An error about the journal of the file at `path`: which file that is, and what to do if it belongs to another user.
fn about_journal(path: &Path, error: io::Error) -> io::Error {
    let journal = recover::journal_name(path);
    let mut message = format!("its journal {}: {error}", journal.display());
    if error.kind() == PermissionDenied {
        message += "; if another user put it there, remove it or move it away";
    }
    io::Error::new(error.kind(), message)
}

/// Removes the journal of the file at `path`, if there is one. An error if the folder is missing: it may come back with
/// the journal.
fn remove(medium: &dyn Medium, journal: &Path, path: &Path) -> io::Result<()> {
    match medium.remove(journal) {
        Err(error) if error.kind() == NotFound => medium.stamp(path).map(drop),
        removed => removed,
    }
}
