//! JSON as text: records, their members, ids and layout.
//!
//! A record is kept as the text it was written in: what has not changed is not parsed or printed again, and a file
//! keeps its author's formatting. Nothing here does I/O.

mod document;
mod javascript;
mod layout;
mod members;
mod parse;

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};

pub use document::{Array, Document, Entry, EntryValue, RecordText, indent_of, is_blank};
pub use javascript::{
    Id, IdSequence, is_loosely, is_text, number, number_text, order, order_exactly, text_form,
};
pub use layout::{Indent, Layout};
pub use members::{
    FieldPath, Member, NotObject, Object, get_member, items, locate, members, merge_patch,
    merge_shallow, same_value, with_member, without_member,
};
#[cfg(feature = "cli")]
pub use parse::floor_char_boundary;
pub use parse::{MAX_BODY_DEPTH, MAX_DEPTH, Place, SyntaxError, check};

/// The kind of a JSON value, determined by its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{...}`
    Object,
    /// `[...]`
    Array,
    /// `"..."`
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `null`
    Null,
}

impl Kind {
    /// The kind of the value that `text` (valid JSON, leading white space allowed) holds.
    pub fn of(text: &str) -> Kind {
        match text.trim_ascii_start().as_bytes().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// The kind with its article, as a sentence needs it: `an object`.
    pub fn with_article(self) -> &'static str {
        match self {
            Kind::Object => "an object",
            Kind::Array => "an array",
            Kind::String => "a string",
            Kind::Number => "a number",
            Kind::Boolean => "a boolean",
            Kind::Null => "null",
        }
    }
}

/// The byte offset of `part`, a slice of `text`, in `text`.
pub fn offset_in(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize)
}

/// The decoded text of a JSON string literal (with its quotes), which must be valid.
pub fn unquote(literal: &str) -> Cow<'_, str> {
    let inner = literal
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let inner = inner.unwrap_or(literal);
    if !inner.as_bytes().contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    match serde_json::from_str::<String>(literal) {
        Ok(decoded) => Cow::Owned(decoded),
        Err(_) => Cow::Borrowed(inner),
    }
}

/// `value` as a JSON string literal.
pub fn quote(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

/// The strong entity tag of a body (RFC 9110, 8.8.3), with its quotes: equal bytes have equal tags, also after a
/// restart.
pub fn tag(body: &[u8]) -> String {
    let hash = fingerprint(body);
    // `format!` would cost more than the hash.
    let digits = (0..16).rev().map(|at| (hash >> (4 * at)) as u32 & 0xf);
    let mut tag = String::with_capacity(18);
    tag.push('"');
    tag.extend(digits.filter_map(|digit| char::from_digit(digit, 16)));
    tag.push('"');
    tag
}

/// A hash of `bytes` that is the same in every run of this version.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hasher = foldhash::quality::FixedState::with_seed(0).build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// The bytes from `start` on that are outside strings, and the opening quote of each string, with their offsets.
fn outside_strings(bytes: &[u8], start: usize) -> impl Iterator<Item = (usize, u8)> {
    let mut next = start;
    std::iter::from_fn(move || {
        let (at, byte) = (next, *bytes.get(next)?);
        next = if byte == b'"' {
            string_end(bytes, at)
        } else {
            at + 1
        };
        Some((at, byte))
    })
}

/// The end of the value that begins at `start`, in valid JSON.
fn value_end(bytes: &[u8], start: usize) -> usize {
    match bytes.get(start) {
        Some(b'"') => string_end(bytes, start),
        Some(b'{' | b'[') => {
            let mut depth = 0usize;
            let close = outside_strings(bytes, start).find(|(_, byte)| {
                match byte {
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                depth == 0
            });
            close.map_or(bytes.len(), |(at, _)| at + 1)
        }
        _ => word_end(bytes, start),
    }
}

/// The end of the string literal that begins at `start`, in valid JSON.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        at += plain(bytes.get(at..).unwrap_or_default());
        match bytes.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

/// The end of the number or word that begins at `start`, in valid JSON.
fn word_end(bytes: &[u8], start: usize) -> usize {
    let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
    bytes
        .get(start..)
        .unwrap_or_default()
        .iter()
        .position(is_end)
        .map_or(bytes.len(), |length| start + length)
}

/// The first byte from `at` on that is not white space.
#[inline(always)]
fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
        // Skip an indent eight spaces at a time.
        while bytes
            .get(at..at + 8)
            .is_some_and(|part| part == b"        ")
        {
            at += 8;
        }
    }
    at
}

/// How many of the first bytes of `rest` are neither a quote nor a backslash, rounded down to eight where none is
/// found. Most strings are too short for memchr to pay.
#[inline(always)]
fn plain(rest: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Marks the bytes that are zero. The lowest mark is exact; those above it may be due to a borrow.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let (words, _) = rest.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let of = |byte: u8| zero(word ^ (ONES * u64::from(byte)));
        let found = of(b'"') | of(b'\\');
        if found != 0 {
            return number * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8
}

/// JSON pointers (RFC 6901).
pub mod pointer {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

    /// The characters that are escaped in the fragment of a URI.
    const FRAGMENT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'$');

    /// `pointer` with one more step.
    pub fn join(pointer: &str, step: &str) -> String {
        format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"))
    }

    /// The steps of a pointer, unescaped.
    pub fn steps(pointer: &str) -> impl Iterator<Item = String> + '_ {
        pointer.split('/').skip(1).map(unescape)
    }

    /// The pointer to the parent, and the last step, unescaped; `None` for the whole document.
    pub fn split_last(pointer: &str) -> Option<(&str, String)> {
        pointer
            .rsplit_once('/')
            .map(|(parent, last)| (parent, unescape(last)))
    }

    /// `pointer` as it is written behind the `#` of a URI.
    pub fn fragment(pointer: &str) -> PercentEncode<'_> {
        utf8_percent_encode(pointer, FRAGMENT)
    }

    fn unescape(step: &str) -> String {
        step.replace("~1", "/").replace("~0", "~")
    }
}
