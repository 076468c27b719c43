//! The data file as text: where each resource and each record stands, with everything between them kept.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::layout::Layout;
use super::scan::{MAX_DEPTH, Scanner, SyntaxError};
use super::{Base, Text, unquote};
use crate::parallel;

/// A data file cut up at its resources and records. Put together again the pieces are the file, byte for byte.
#[derive(Debug, Clone)]
pub struct Document {
    /// The resources in the file's order.
    pub entries: Vec<Entry>,
    /// What follows the last value: white space, the closing brace, the end of the file.
    pub tail: Text,
    /// How the file as a whole is laid out.
    pub layout: Layout,
}

/// A top-level property of the file.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name, decoded.
    pub name: String,
    /// Everything from the end of the value before (or the beginning of the file) to this value.
    pub before: Text,
    /// Byte offset of its name in the file.
    pub offset: usize,
    /// Its value.
    pub part: Part,
}

/// What a top-level property holds.
#[derive(Debug, Clone)]
pub enum Part {
    /// An array: the text as a whole, and its items.
    Array {
        /// From `[` to `]`.
        whole: Text,
        /// The items with the white space around them; the last one only with that before it.
        items: Vec<Chunk>,
        /// The white space before the closing bracket.
        close: Text,
    },
    /// An object.
    Object(Text),
    /// A string, number, boolean or null.
    Scalar(Text),
}

/// An item of an array with the white space that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// White space, the item, white space.
    pub text: Text,
    /// How many bytes of white space come first.
    pub lead: u32,
    /// Where the item ends.
    pub end: u32,
}

impl Chunk {
    /// An item with the white space `lead` before it.
    pub fn new(lead: &str, value: &str) -> Chunk {
        let text = format!("{lead}{value}");
        // Longer than the largest request body or data file by far.
        let (lead, end) = (lead.len() as u32, text.len() as u32);
        Chunk { text: text.into(), lead, end }
    }

    /// Another item in the same white space.
    pub fn with_value(&self, value: &str) -> Chunk {
        let tail = &self.text.as_str()[self.end as usize..];
        let mut chunk = Chunk::new(self.lead(), value);
        if !tail.is_empty() {
            chunk.text = format!("{}{tail}", chunk.text.as_str()).into();
        }
        chunk
    }

    /// The same item behind other white space.
    pub fn with_lead(&self, lead: &str) -> Chunk {
        Chunk::new(lead, self.value())
    }

    /// The item itself.
    pub fn value(&self) -> &str {
        &self.text.as_str()[self.lead as usize..self.end as usize]
    }

    /// The white space before it.
    pub fn lead(&self) -> &str {
        &self.text.as_str()[..self.lead as usize]
    }

    /// The white space with which the line begins that the item begins on.
    pub fn base(&self) -> &str {
        let lead = self.lead();
        lead.rfind('\n').map_or("", |at| &lead[at + 1..])
    }
}

/// How to write a file that is an array, or a sequence of objects (NDJSON).
const ONE_OBJECT: &str = "one JSON object for the whole file: {\"items\": [...]}";

impl Document {
    /// Cuts up the text of a data file. A blank file counts as one without resources, as in json-server; a UTF-8 byte
    /// order mark is kept.
    ///
    /// # Errors
    /// The text, and the first place at which it is not JSON, is not an object at the top, or repeats a resource's name.
    pub fn parse(text: String) -> Result<Document, (String, SyntaxError)> {
        let text = if text.trim_start_matches('\u{feff}').trim_ascii().is_empty() { "{}\n".to_string() } else { text };
        let text = Arc::new(text);
        Document::cut(&text).map_err(|error| (Arc::unwrap_or_clone(text), error))
    }

    fn cut(text: &Arc<String>) -> Result<Document, SyntaxError> {
        let base = &Base::apart(text);
        let mark = if base.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let mut scanner = Scanner::new(base, MAX_DEPTH);
        scanner.at = mark;
        scanner.space();
        if scanner.peek() != Some(b'{') {
            let mut error = scanner.expected("an object of resources");
            if scanner.peek() != Some(b'/') {
                error.hint = Some(ONE_OBJECT);
            }
            return Err(error);
        }
        let start = scanner.at;
        scanner.enter()?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut last = 0;
        if scanner.peek() != Some(b'}') {
            loop {
                let key = scanner.key()?;
                let name = unquote(&base[key.clone()]).into_owned();
                if entries.iter().any(|entry| entry.name == name) {
                    return Err(SyntaxError {
                        offset: key.start,
                        message: format!("the resource `{name}` is in the file twice"),
                        hint: Some("put the records of both into one"),
                    });
                }
                let before = Text::slice(base, last..scanner.at);
                let part = part((text, base), &mut scanner)?;
                last = scanner.at;
                entries.push(Entry { name, before, offset: key.start, part });
                scanner.space();
                if !scanner.comma(b'}')? {
                    break;
                }
            }
        }
        scanner.leave();
        let end = scanner.at;
        scanner.space();
        let more = matches!(scanner.peek(), Some(b'{' | b'[' | b'"' | b','));
        scanner.end().map_err(|error| if more { SyntaxError { hint: Some(ONE_OBJECT), ..error } } else { error })?;
        let layout = Layout::of(&base[start..end], Layout::PRETTY);
        Ok(Document { entries, tail: Text::slice(base, last..base.len()), layout })
    }
}

fn part((text, base): (&Arc<String>, &Base), scanner: &mut Scanner<'_>) -> Result<Part, SyntaxError> {
    match scanner.peek() {
        Some(b'[') => array((text, base), scanner),
        Some(b'{') => Ok(Part::Object(Text::slice(base, scanner.value()?))),
        _ => Ok(Part::Scalar(Text::slice(base, scanner.value()?))),
    }
}

/// From so much text on an array is cut up by several threads.
const LARGE: usize = if cfg!(test) { 64 } else { 1 << 20 };

fn array((text, base): (&Arc<String>, &Base), scanner: &mut Scanner<'_>) -> Result<Part, SyntaxError> {
    let start = scanner.at;
    scanner.enter()?;
    let mut close = start + 1..scanner.at;
    let mut items = Vec::new();
    if scanner.peek() != Some(b']') {
        let mut run = Run { from: start + 1, close: None };
        run.one(base, scanner, &mut items)?;
        if run.close.is_none() {
            let places = guess(base, run.from, scanner.at);
            run = runs(text, scanner, run, &places, &mut items)?;
        }
        close = run.close.unwrap_or_default();
    }
    scanner.leave();
    let whole = Text::slice(base, start..scanner.at);
    Ok(Part::Array { whole, items, close: Text::slice(base, close) })
}

/// Where the cutting up of an array has got to.
struct Run {
    /// The end of the comma before the next item.
    from: usize,
    /// The white space before the closing bracket, when that is reached.
    close: Option<Range<usize>>,
}

impl Run {
    /// Steps over one item and the comma behind it.
    fn one(&mut self, base: &Base, scanner: &mut Scanner<'_>, items: &mut Vec<Chunk>) -> Result<(), SyntaxError> {
        let value = scanner.value()?;
        scanner.space();
        let before_comma = scanner.at;
        let more = scanner.comma(b']')?;
        let end = if more { before_comma } else { value.end };
        items.push(Chunk {
            text: Text::slice(base, self.from..end),
            lead: offset(value.start - self.from, value.start)?,
            end: offset(value.end - self.from, value.start)?,
        });
        self.from = before_comma + 1;
        self.close = (!more).then_some(value.end..before_comma);
        Ok(())
    }
}

/// Places, in order, at which items of an array probably begin: what separates its first two (from the line break before
/// the closing bracket of one to the first byte of the other, which is at `at`) stands there, too. `from`: the end of the
/// comma between them.
fn guess(text: &str, from: usize, at: usize) -> Vec<usize> {
    let bytes = text.as_bytes();
    let parts = ((bytes.len() - at) / LARGE).min(parallel::width());
    let close =
        bytes[..from - 1].iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'}' | b']')).count();
    let start = from - 1 - close;
    let separator = memchr::memmem::Finder::new(&bytes[start..(at + 1).min(bytes.len())]);
    let find = |part: usize| {
        let behind = at + (bytes.len() - at) / parts * part;
        Some(behind + separator.find(&bytes[behind..])? + from - start)
    };
    let mut places: Vec<usize> = (1..parts).filter_map(find).collect();
    places.dedup();
    places
}

/// Cuts up the rest of an array, by a thread for each of `places`. One of them that proves to be no beginning of an item
/// costs only time: the run before it goes on to the end then.
fn runs(
    text: &Arc<String>,
    scanner: &mut Scanner<'_>,
    first: Run,
    places: &[usize],
    items: &mut Vec<Chunk>,
) -> Result<Run, SyntaxError> {
    // The first run that goes on to the end. What those behind it find is not needed.
    let last = AtomicUsize::new(usize::MAX);
    let starts = std::iter::once(first.from).chain(places.iter().copied());
    let tasks = starts.enumerate().map(|(number, start)| {
        let (last, mut scanner) = (&last, *scanner);
        let mut items = if number == 0 { std::mem::take(items) } else { Vec::new() };
        move || {
            let (mut run, base) = (Run { from: start, close: None }, Base::apart(text));
            scanner.at = start;
            scanner.space();
            let next = places.get(number).copied().unwrap_or(usize::MAX);
            while run.close.is_none() && run.from != next && last.load(Ordering::Relaxed) >= number {
                let done = run.one(&base, &mut scanner, &mut items);
                if done.is_err() || run.close.is_some() || run.from > next {
                    last.fetch_min(number, Ordering::Relaxed);
                }
                done?;
            }
            Ok((run, scanner.at, items))
        }
    });
    let tasks: Vec<_> = tasks.collect();
    let mut reached = first;
    for (number, done) in parallel::all(tasks).into_iter().enumerate() {
        let (run, at, mut found) = done?;
        if number == 0 {
            *items = found
        } else {
            items.append(&mut found)
        }
        (reached, scanner.at) = (run, at);
        if reached.close.is_some() {
            break;
        }
    }
    Ok(reached)
}

fn offset(length: usize, place: usize) -> Result<u32, SyntaxError> {
    u32::try_from(length).map_err(|_| SyntaxError {
        offset: place,
        message: "the record is larger than 4 GiB".into(),
        hint: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(document: &Document) -> String {
        let mut out = String::new();
        for entry in &document.entries {
            out.push_str(&entry.before);
            match &entry.part {
                Part::Array { items, close, .. } => {
                    out.push('[');
                    out.push_str(&items.iter().map(|chunk| chunk.text.as_str()).collect::<Vec<_>>().join(","));
                    out.push_str(close);
                    out.push(']');
                }
                Part::Object(text) | Part::Scalar(text) => out.push_str(text),
            }
        }
        out + &document.tail
    }

    #[test]
    fn the_pieces_are_the_file() {
        for text in [
            "{}",
            "{ }\n",
            "{\"a\":[]}",
            "{\"a\": [ ] , \"b\": [\n  ]\n}\n\n",
            "\u{feff}{\r\n\t\"a\": [\r\n\t\t{\"id\": 1} , {\"id\": 2}\r\n\t]\r\n}",
            "{\"$schema\": \"x\", \"a\": [1, [2], null], \"b\": {\"c\": [ ]}, \"d\": 1e3}",
        ] {
            assert_eq!(join(&Document::parse(text.into()).unwrap()), text);
        }
        assert_eq!(join(&Document::parse(" \n".into()).unwrap()), "{}\n");
    }

    /// In tests an array counts as large from 64 bytes on.
    #[test]
    fn cut_up_by_several_threads_the_pieces_are_the_same() {
        let inner = [
            "1",
            "{}",
            "{\"a\": [{\"x\": 1},\n    {\"x\": 2}]}",
            "\"},\\n    {\"",
            "[[1],\n    {\"b\": 2}]",
            "{\"c\": {}}",
        ];
        let mut random = 7u32;
        for round in 0..2000 {
            let mut next = |below: usize| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (random >> 16) as usize % below
            };
            let separator = [",", ",\n    ", " , "][next(3)];
            let items: Vec<&str> = (0..1 + next(60)).map(|_| inner[next(inner.len())]).collect();
            let other = "3,".repeat(next(200));
            let mut text = format!("{{\"a\": [{}],\"b\":[{other}4]}}", items.join(separator));
            if round % 2 == 1 {
                let mut at = 6 + next(text.len() - 6);
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                text.insert_str(at, ["}", "]", "{", "\"", ","][next(5)]);
            }
            match Document::parse(text.clone()) {
                Ok(document) => {
                    assert_eq!(join(&document), text);
                    let Part::Array { items: found, .. } = &document.entries[0].part else { continue };
                    if round % 2 == 0 {
                        assert_eq!(found.iter().map(Chunk::value).collect::<Vec<_>>(), items);
                    }
                }
                Err((_, error)) => {
                    let mut scanner = Scanner::new(&text, MAX_DEPTH);
                    let serial = scanner.value().and_then(|_| scanner.end());
                    assert_eq!(serial, Err(error), "{text}");
                }
            }
        }
    }

    #[test]
    fn names_the_place_of_what_is_no_data_file() {
        for (text, offset, message) in [
            ("[]", 0, "expected an object of resources, found `[`"),
            ("{\"a\": [1,]}", 9, "expected another value after the comma, found `]`"),
            ("{\"a\": [], \"a\": 1}", 10, "the resource `a` is in the file twice"),
            ("{} x", 3, "expected the end of the text, found `x`"),
        ] {
            let (_, error) = Document::parse(text.into()).unwrap_err();
            assert_eq!((error.offset, error.message.as_str()), (offset, message), "{text}");
        }
    }
}
