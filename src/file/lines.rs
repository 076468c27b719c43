//! The lines of the journal, as they are written and read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::Content;
use crate::json::{MAX_BODY_DEPTH, check, get_member};

/// The CRC of the previous line; `None` in a journal of an older version, where each line has its own.
pub(super) type Chain = Option<u32>;

/// The first line of a journal whose next lines apply to `content`; `chain` seeds the CRC of the second.
pub(super) fn header(content: Content, boot: Option<String>, chain: Chain) -> String {
    let header = json!({ "journal": named(content), "boot": boot, "chain": chain });
    Lines::after(None).value(&header).text
}

/// The chain of a new journal.
pub(super) const NEW: Chain = Some(0);

/// Lines to append to a journal.
pub(super) struct Lines {
    pub(super) text: String,
    /// The CRC of the last of them.
    pub(super) chain: Chain,
}

impl Lines {
    pub(super) fn after(chain: Chain) -> Lines {
        Lines {
            text: String::new(),
            chain,
        }
    }

    pub(super) fn writes(mut self, name: &str, writes: &[String], at: SystemTime) -> Lines {
        let at = at
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_millis());
        for write in writes {
            self.add(&format!("{{\"{name}\":{write},\"at\":{at}"));
        }
        self
    }

    /// Adds a line that names what the file holds or will hold: all previous writes but the last `lacks`.
    pub(super) fn names(self, name: &str, content: Content, lacks: usize) -> Lines {
        match lacks {
            0 => self.value(&json!({ name: named(content) })),
            _ => self.value(&json!({ name: named(content), "lacks": lacks })),
        }
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

fn named(content: Content) -> Value {
    json!({ "size": content.size, "hash": format!("{:016x}", content.hash) })
}

pub(super) enum Line {
    /// A file with this content has all previous writes but this many, and nothing after.
    Names {
        content: Content,
        lacks: usize,
        /// The file had it: the line is a `saved`, not a `saving`.
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
pub(super) struct Parsed {
    pub(super) boot: Option<String>,
    pub(super) lines: Vec<Line>,
    /// Length of the lines that could be read.
    pub(super) length: usize,
    /// The CRC of the last of them.
    pub(super) chain: Chain,
    /// The first line has a checksum, so all must have one.
    is_checked: bool,
    /// The number of the line after them, if it cannot be read although it is complete: damage, not a torn write.
    pub(super) broken: Option<usize>,
    /// The readable lines at the end.
    pub(super) last: Option<Last>,
}

/// The readable lines at the end of a journal, after one that cannot be read.
pub(super) struct Last {
    pub(super) lines: Vec<Line>,
    /// Length of the journal up to the end of them.
    pub(super) length: usize,
    /// The CRC of the last of them.
    pub(super) chain: Chain,
}

impl Last {
    /// Whether they determine what a file with the content `known` lacks.
    pub(super) fn cover(&self, known: Content) -> bool {
        let mut lacking = None;
        for line in self.lines.iter().rev() {
            match line {
                Line::Names { content, lacks, .. } if lacking.is_none() && *content == known => {
                    lacking = Some(*lacks);
                }
                Line::Wrote { had: false, .. } => {
                    lacking = lacking.map(|lacking| lacking.saturating_sub(1));
                }
                _ => {}
            }
        }
        lacking == Some(0)
    }
}

/// Reads a journal up to the first line that cannot be read, and the readable lines at its end.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let mut parsed = Parsed::default();
    let mut texts = bytes.split_inclusive(|byte| *byte == b'\n');
    while let Some(text) = texts.next() {
        if let Some(line) = parsed.read(text) {
            parsed.lines.push(line);
            parsed.length += text.len();
            continue;
        }
        // Of the last line, the end itself may be damaged.
        let is_whole = text.ends_with(b"\n")
            || text.split_last().is_some_and(|(_, before)| {
                let repaired = [before, b"\n"].concat();
                split(&repaired).is_some_and(|(text, found)| found == crc(text, parsed.chain))
            });
        parsed.broken = is_whole.then_some(parsed.lines.len() + 1);
        parsed.last = last(text, texts, parsed.length);
        break;
    }
    parsed
}

impl Parsed {
    /// The next line; `None` if it is torn or its checksum is wrong.
    fn read(&mut self, text: &[u8]) -> Option<Line> {
        let is_first = self.lines.is_empty();
        let text = match split(text) {
            Some((text, found)) => {
                (found == crc(text, self.chain)).then_some(())?;
                self.chain = self.chain.map(|_| found);
                self.is_checked |= is_first;
                format!("{text}}}")
            }
            None => {
                let text = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
                // An older version wrote no checksums at all.
                let is_damaged = self.is_checked || text.contains(CRC);
                let is_new = is_first && text.contains("\"boot\":");
                (!is_damaged && !is_new).then(|| text.to_string())?
            }
        };
        if is_first {
            let member = |name| get_member(&text, name);
            self.boot = member("boot").and_then(|boot| serde_json::from_str(boot).ok()?);
            self.chain = member("chain").and_then(|chain| serde_json::from_str(chain).ok()?);
        }
        Line::parse(&text, is_first)
    }
}

/// The readable lines at the end of `rest`, which follows `length` bytes and the line `broken`. The CRC of a line is
/// seeded with that of the line before.
fn last<'a>(broken: &[u8], rest: impl Iterator<Item = &'a [u8]>, length: usize) -> Option<Last> {
    let mut last = Last {
        lines: Vec::new(),
        length: length + broken.len(),
        chain: split(broken).map(|(_, crc)| crc),
    };
    for text in rest.take_while(|text| text.ends_with(b"\n")) {
        let found = split(text);
        let line = found
            .zip(last.chain)
            .filter(|((text, crc), chain)| self::crc(text, Some(*chain)) == *crc)
            .and_then(|((text, _), _)| Line::parse(&format!("{text}}}"), false));
        match line {
            Some(line) => last.lines.push(line),
            None => last.lines.clear(),
        }
        last.length += text.len();
        last.chain = found.map(|(_, crc)| crc);
    }
    (!last.lines.is_empty()).then_some(last)
}

/// Splits a complete line into the text before its CRC, and the CRC.
fn split(text: &[u8]) -> Option<(&str, u32)> {
    let text = std::str::from_utf8(text).ok()?;
    let (text, crc) = text.strip_suffix("}\n")?.rsplit_once(CRC)?;
    Some((text, crc.parse().ok()?))
}

impl Line {
    fn parse(line: &str, first: bool) -> Option<Line> {
        check(line, MAX_BODY_DEPTH).ok()?;
        let names = |name, is_done| {
            let content = get_member(line, name).map(content)?;
            let lacks = get_member(line, "lacks").map_or(Some(0), |lacks| lacks.parse().ok());
            let names = |(content, lacks)| Line::Names {
                content,
                lacks,
                is_done,
            };
            Some(content.zip(lacks).map(names))
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

/// How many of the first lines the file has, if it holds what is named by the last line for which `is_wanted` is true.
pub(super) fn in_file(lines: &[Line], is_wanted: impl Fn(Content, bool) -> bool) -> Option<usize> {
    let (number, lacks) = lines.iter().enumerate().rev().find_map(|(number, line)| {
        let Line::Names {
            content,
            lacks,
            is_done,
        } = line
        else {
            return None;
        };
        is_wanted(*content, *is_done).then_some((number, *lacks))
    })?;
    let Some(before) = lacks.checked_sub(1) else {
        return Some(number + 1);
    };
    let wrote = |(_, line): &(usize, &Line)| matches!(line, Line::Wrote { had: false, .. });
    let mut writes = lines[..number].iter().enumerate().rev().filter(wrote);
    let first = writes.nth(before);
    Some(first.map_or(0, |(number, _)| number))
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

    /// A journal of this version, one with a separate checksum for each line, and one without checksums.
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
    fn lines_behind_a_damaged_one_tell_what_the_file_lacks() {
        let known = Content { size: 8, hash: 1 };
        let first = header(Content { size: 7, hash: 0 }, None, NEW);
        let writes: Vec<String> = (1..=3).map(|number| format!("[{number}]")).collect();
        for lacks in 0..=3 {
            let lines = Lines::after(NEW)
                .writes("wrote", &writes, UNIX_EPOCH)
                .names("saving", known, lacks);
            let text = first.clone() + &lines.text;
            let damaged = text.replacen("[1]", "[x]", 1);
            let last = parse(damaged.as_bytes()).last.unwrap();
            assert_eq!(last.cover(known), lacks < 3, "{lacks}");
            if lacks < 3 {
                let in_file = in_file(&last.lines, |content, _| content == known).unwrap();
                let lacking = last.lines.iter().skip(in_file);
                let wrote = lacking.filter(|line| matches!(line, Line::Wrote { .. }));
                assert_eq!(wrote.count(), lacks);
            }
        }
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
    fn every_changed_byte_is_detected() {
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
