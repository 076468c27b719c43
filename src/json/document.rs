//! A lossless split of a data file's text into resources and records.

use std::collections::HashSet;
use std::fmt;

use bytestring::ByteString;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::parse::{MAX_DEPTH, SyntaxError, check, expected};
use super::{Layout, offset_in, skip_space, unquote};

/// The text of a data file, split into its resources and records. Joined, the pieces are the file again, byte for byte;
/// they share the memory of its text.
#[derive(Debug, Clone)]
pub struct Document {
    /// The resources in the file's order.
    pub entries: Vec<Entry>,
    /// The text after the last value: white space, the closing brace, the end of the file.
    pub tail: ByteString,
    /// The layout of the file.
    pub layout: Layout,
}

/// A top-level property of the file.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name, decoded.
    pub name: String,
    /// Everything from the end of the previous value (or the beginning of the file) to this value.
    pub before: ByteString,
    /// Its value.
    pub value: EntryValue,
}

/// The value of a top-level property.
#[derive(Debug, Clone)]
pub enum EntryValue {
    /// An array of records.
    Array(Array),
    /// An object.
    Object(ByteString),
    /// A string, number, boolean or null.
    Scalar(ByteString),
}

/// An array, as a whole and split into its items.
#[derive(Debug, Clone)]
pub struct Array {
    /// From `[` to `]`.
    pub text: ByteString,
    /// Byte offset of the array in the file.
    pub offset: usize,
    /// The items with the white space around them; the last one only with the white space before it.
    pub items: Vec<RecordText>,
    /// The white space before the closing bracket.
    pub closing: ByteString,
}

/// The text of a record with the white space around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordText {
    text: ByteString,
    /// The length of the white space before the record.
    leading: usize,
    /// The offset of the record's end.
    end: usize,
}

impl RecordText {
    /// The record `value` with the white space `leading` before it.
    pub fn new(leading: &str, value: &str) -> RecordText {
        let text = format!("{leading}{value}");
        RecordText {
            leading: leading.len(),
            end: text.len(),
            text: text.into(),
        }
    }

    /// Another record with the same white space.
    pub fn with_value(&self, value: &str) -> RecordText {
        let text = format!("{}{value}{}", self.leading(), &self.text[self.end..]);
        RecordText {
            leading: self.leading,
            end: self.leading + value.len(),
            text: text.into(),
        }
    }

    /// The record with the white space around it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The record itself.
    pub fn value(&self) -> &str {
        &self.text[self.leading..self.end]
    }

    /// The record itself, as text that shares its memory.
    pub fn shared_value(&self) -> ByteString {
        self.text.slice_ref(self.value())
    }

    /// The white space before it.
    pub fn leading(&self) -> &str {
        &self.text[..self.leading]
    }

    /// The indent of the line that the record begins on.
    pub fn indent(&self) -> &str {
        indent_of(self.leading())
    }
}

/// The white space after the last line break in the white space `leading`.
pub fn indent_of(leading: &str) -> &str {
    leading.rfind('\n').map_or("", |at| &leading[at + 1..])
}

/// How to write a file that is an array, or a sequence of objects (NDJSON).
const ONE_OBJECT: &str = "one JSON object for the whole file: {\"items\": [...]}";

impl Document {
    /// Splits the text of a data file. A blank file counts as one without resources, as in json-server; a UTF-8 byte
    /// order mark is kept.
    ///
    /// # Errors
    /// The first place at which the text is not JSON, is not an object at the top, or repeats a resource's name.
    pub fn parse(text: ByteString) -> Result<Document, SyntaxError> {
        let text = if is_blank(&text) {
            ByteString::from_static("{}\n")
        } else {
            text
        };
        let body = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let start = skip_space(text.as_bytes(), offset_in(&text, body));
        if !text[start..].starts_with('{') {
            let error = expected(&text, start, "an object of resources");
            return Err(match text[start..].starts_with('/') {
                true => error,
                false => error.hint(ONE_OBJECT),
            });
        }
        let in_file = |error: SyntaxError| {
            let error = SyntaxError {
                offset: start + error.offset,
                ..error
            };
            let is_behind = error.message.starts_with("expected the end of the text");
            if is_behind && text[error.offset..].starts_with(['{', '[', '"', ',']) {
                error.hint(ONE_OBJECT)
            } else {
                error
            }
        };
        let range = check(&text[start..], MAX_DEPTH).map_err(in_file)?;
        let object = &text[start..][range];
        let split =
            serde_json::Deserializer::from_str(object).deserialize_map(SplitObject { file: &text });
        // `check` has accepted the text, so serde_json has nothing left to refuse.
        let (entries, end) = split.map_err(|error| SyntaxError::new(start, error.to_string()))?;
        let mut names = HashSet::new();
        let mut again = entries
            .iter()
            .filter(|(_, entry)| !names.insert(&*entry.name));
        if let Some((offset, entry)) = again.next() {
            let message = format!("the resource `{}` is in the file twice", entry.name);
            return Err(SyntaxError::new(*offset, message).hint("put the records of both into one"));
        }
        let layout = Layout::of(object, Layout::PRETTY);
        let entries = entries.into_iter().map(|(_, entry)| entry).collect();
        Ok(Document {
            entries,
            tail: text.slice_ref(&text[end..]),
            layout,
        })
    }

    /// Whether `bytes` are a complete data file. A blank one is not: it may be a partial save.
    pub fn is_whole(bytes: &[u8]) -> bool {
        std::str::from_utf8(bytes)
            .is_ok_and(|text| !is_blank(text) && Document::parse(text.into()).is_ok())
    }
}

/// Whether a file with this text holds nothing, not even an object.
pub fn is_blank(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_ascii().is_empty()
}

/// Splits the object of resources in `file`.
struct SplitObject<'a> {
    file: &'a ByteString,
}

impl<'de> Visitor<'de> for SplitObject<'de> {
    /// The entries, repeated names included, each with the offset of its name in the file; and where the last one ends.
    type Value = (Vec<(usize, Entry)>, usize);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of resources")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (file, bytes) = (self.file, self.file.as_bytes());
        let (mut entries, mut previous_end) = (Vec::new(), 0);
        while let Some(key) = map.next_key::<&RawValue>()? {
            let key_offset = offset_in(file, key.get());
            let colon = skip_space(bytes, key_offset + key.get().len());
            let start = skip_space(bytes, colon + 1);
            let mut text = || Ok(file.slice_ref(map.next_value::<&RawValue>()?.get()));
            let value = match bytes.get(start) {
                Some(b'[') => {
                    let items = map.next_value::<Vec<&RawValue>>()?;
                    EntryValue::Array(Array::split(file, start, &items))
                }
                Some(b'{') => EntryValue::Object(text()?),
                _ => EntryValue::Scalar(text()?),
            };
            let before = file.slice_ref(&file[previous_end..start]);
            previous_end = start + value.text().len();
            let name = unquote(key.get()).into_owned();
            let entry = Entry {
                name,
                before,
                value,
            };
            entries.push((key_offset, entry));
        }
        Ok((entries, previous_end))
    }
}

impl Array {
    /// The array at `offset` of `file`, whose items are `raw`.
    fn split(file: &ByteString, offset: usize, raw: &[&RawValue]) -> Array {
        let bytes = file.as_bytes();
        let (mut from, mut last_end) = (offset + 1, offset + 1);
        let mut items = Vec::with_capacity(raw.len());
        for (number, item) in raw.iter().enumerate() {
            let start = offset_in(file, item.get());
            let end = start + item.get().len();
            let comma = skip_space(bytes, end);
            let to = if number + 1 == raw.len() { end } else { comma };
            items.push(RecordText {
                text: file.slice_ref(&file[from..to]),
                leading: start - from,
                end: end - from,
            });
            (from, last_end) = (comma + 1, end);
        }
        let close = skip_space(bytes, last_end);
        let closing = file.slice_ref(&file[last_end..close]);
        Array {
            text: file.slice_ref(&file[offset..=close]),
            offset,
            items,
            closing,
        }
    }
}

impl EntryValue {
    /// The value's text.
    pub fn text(&self) -> &ByteString {
        match self {
            EntryValue::Array(array) => &array.text,
            EntryValue::Object(text) | EntryValue::Scalar(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(document: &Document) -> String {
        let mut out = String::new();
        for entry in &document.entries {
            out.push_str(&entry.before);
            match &entry.value {
                EntryValue::Array(array) => {
                    let items: Vec<_> = array.items.iter().map(RecordText::as_str).collect();
                    out.push_str(&format!("[{}{}]", items.join(","), array.closing));
                }
                EntryValue::Object(text) | EntryValue::Scalar(text) => out.push_str(text),
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
    fn records_keep_the_white_space_around_them() {
        let document =
            Document::parse("{\"a\": [\n  {\"x\": 1} , \"],\" ,\n  [2]\n]}".into()).unwrap();
        let EntryValue::Array(array) = &document.entries[0].value else {
            panic!("{document:?}")
        };
        let items: Vec<_> = array
            .items
            .iter()
            .map(|item| (item.leading(), item.value(), item.as_str()))
            .collect();
        let expected = [
            ("\n  ", "{\"x\": 1}", "\n  {\"x\": 1} "),
            (" ", "\"],\"", " \"],\" "),
            ("\n  ", "[2]", "\n  [2]"),
        ];
        assert_eq!(items, expected);
        assert_eq!((&*array.closing, array.offset), ("\n", 6));
    }

    #[test]
    fn names_the_place_of_an_error() {
        for (text, offset, message) in [
            ("[]", 0, "expected an object of resources, found `[`"),
            (
                "{\"a\": [1,]}",
                9,
                "expected another value after the comma, found `]`",
            ),
            (
                "\u{feff} {\"a\": [], \"\\u0061\": 1}",
                14,
                "the resource `a` is in the file twice",
            ),
            ("{} x", 3, "expected the end of the text, found `x`"),
        ] {
            let error = Document::parse(text.into()).unwrap_err();
            assert_eq!(
                (error.offset, error.message.as_str()),
                (offset, message),
                "{text}"
            );
        }
    }
}
