//! The data file as text: where each resource and each record stands, with everything between them kept.

use std::ops::Range;
use std::sync::Arc;

use super::layout::Layout;
use super::scan::{MAX_DEPTH, Scanner, SyntaxError};
use super::{Text, unquote};

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

impl Document {
    /// Cuts up the text of a data file. A blank file counts as one without resources, as in json-server; a UTF-8 byte
    /// order mark is kept.
    ///
    /// # Errors
    /// The text, and the first place at which it is not JSON, is not an object at the top, or repeats a resource's name.
    pub fn parse(text: String) -> Result<Document, (String, SyntaxError)> {
        let text = if text.trim_start_matches('\u{feff}').trim_ascii().is_empty() { "{}\n".to_string() } else { text };
        let base = Arc::new(text);
        Document::cut(&base).map_err(|error| (base.to_string(), error))
    }

    fn cut(base: &Arc<String>) -> Result<Document, SyntaxError> {
        let mark = if base.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let mut scanner = Scanner::new(base, MAX_DEPTH);
        scanner.at = mark;
        scanner.space();
        if scanner.peek() != Some(b'{') {
            let mut error = scanner.expected("an object of resources");
            error.hint = Some("a data file is an object: {\"users\": []}");
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
                let part = part(base, &mut scanner)?;
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
        scanner.end()?;
        let layout = Layout::of(&base[start..end], Layout::PRETTY);
        Ok(Document { entries, tail: Text::slice(base, last..base.len()), layout })
    }
}

fn part(base: &Arc<String>, scanner: &mut Scanner<'_>) -> Result<Part, SyntaxError> {
    let start = scanner.at;
    match scanner.peek() {
        Some(b'[') => {
            scanner.enter()?;
            let mut items = Vec::new();
            let mut from = start + 1;
            let mut close = from..scanner.at;
            if scanner.peek() != Some(b']') {
                loop {
                    let value: Range<usize> = scanner.value()?;
                    scanner.space();
                    let before_comma = scanner.at;
                    let more = scanner.comma(b']')?;
                    let end = if more { before_comma } else { value.end };
                    items.push(Chunk {
                        text: Text::slice(base, from..end),
                        lead: offset(value.start - from, value.start)?,
                        end: offset(value.end - from, value.start)?,
                    });
                    from = before_comma + 1;
                    close = value.end..before_comma;
                    if !more {
                        break;
                    }
                }
            }
            scanner.leave();
            let whole = Text::slice(base, start..scanner.at);
            Ok(Part::Array { whole, items, close: Text::slice(base, close) })
        }
        Some(b'{') => Ok(Part::Object(Text::slice(base, scanner.value()?))),
        _ => Ok(Part::Scalar(Text::slice(base, scanner.value()?))),
    }
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
