//! JSON as text: records, their members, ids and layout.
//!
//! A record is kept as the text it was written in, so that what did not change is neither parsed nor printed again, and a
//! file keeps the formatting of the person who wrote it. Nothing here does I/O.

mod document;
mod edit;
mod id;
mod javascript;
mod layout;
mod members;
mod parse;
mod path;
pub mod pointer;
mod positions;

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};

pub use document::{Array, Document, Entry, EntryValue, RecordText, indent_of, is_blank};
pub use edit::{merge_patch, merge_shallow, same_value, with_member, without_member};
pub use id::{Id, IdSequence};
pub use javascript::{is_loosely, is_text, number, number_text, order, order_exactly, text_form};
pub use layout::{Indent, Layout};
pub use members::{Member, NotObject, Object, get_member, items, locate, members};
#[cfg(feature = "cli")]
pub use parse::floor_char_boundary;
pub use parse::{MAX_BODY_DEPTH, MAX_DEPTH, Place, SyntaxError, check};
pub use path::FieldPath;

/// The kind of a JSON value, as its first byte tells it.
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

/// The strong entity tag of a body (RFC 9110, 8.8.3), with its quotes: equal bytes have equal tags, also after a restart.
pub fn tag(body: &[u8]) -> String {
    let hash = fingerprint(body);
    // Formatting it would cost more than the hash.
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
