//! JSON as text: spans, places, records and ids.
//!
//! Nothing here knows of files, HTTP or threads. A record is kept as the text it was written in, so that what did not
//! change is neither parsed nor printed again, and a file keeps the hand of the person who wrote it.

mod document;
mod id;
mod layout;
mod object;
mod scan;
mod text;

pub use document::{Chunk, Document, Entry, Part};
pub use id::{Highest, Id};
pub use layout::{Indent, Layout};
pub use object::{
    Member, NotObject, Object, get, get_member, items, locate, members, merge_patch, merge_shallow, same_value,
    with_member, without_member,
};
pub use scan::{MAX_DEPTH, Place, SyntaxError, check, check_file};
pub use text::{Base, Text, fingerprint, tag};

/// What kind of JSON value a text holds, told from its first byte.
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

/// The decoded text of a JSON string literal (with its quotes), which must be valid.
pub fn unquote(literal: &str) -> std::borrow::Cow<'_, str> {
    let inner = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(literal);
    if !inner.as_bytes().contains(&b'\\') {
        return std::borrow::Cow::Borrowed(inner);
    }
    match serde_json::from_str::<String>(literal) {
        Ok(decoded) => std::borrow::Cow::Owned(decoded),
        Err(_) => std::borrow::Cow::Borrowed(inner),
    }
}

/// `value` as a JSON string literal.
pub fn quote(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}
