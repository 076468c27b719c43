use std::ops::{Deref, Range};
use std::sync::Arc;

/// A piece of a shared text: a record keeps its piece of the file alive without a copy of its own.
#[derive(Clone)]
pub struct Text {
    base: Base,
    start: usize,
    end: usize,
}

/// A text that pieces are cut from. Each clone counts as one user of it.
#[derive(Clone)]
pub struct Base(Arc<Whole>);

enum Whole {
    Own(String),
    /// Somebody else's: see [`Base::apart`].
    Part(Arc<String>),
}

impl Base {
    /// The same text with a count of users of its own, so that a thread that cuts off a million pieces does not count in
    /// another's way.
    pub fn apart(text: &Arc<String>) -> Base {
        Base(Arc::new(Whole::Part(text.clone())))
    }
}

impl Deref for Base {
    type Target = str;
    fn deref(&self) -> &str {
        match &*self.0 {
            Whole::Own(text) => text,
            Whole::Part(text) => text,
        }
    }
}

impl Text {
    /// The piece of `base` that `range` (byte offsets on character boundaries) names.
    pub fn slice(base: &Base, range: Range<usize>) -> Text {
        Text { base: base.clone(), start: range.start, end: range.end }
    }

    /// The piece of this piece that `range`, counted from its own start, names.
    pub fn sub(&self, range: Range<usize>) -> Text {
        Text { base: self.base.clone(), start: self.start + range.start, end: self.start + range.end }
    }

    /// Where the piece begins in the text that it was cut from.
    pub fn offset(&self) -> usize {
        self.start
    }

    /// The text that it was cut from.
    pub fn whole(&self) -> &str {
        &self.base
    }

    /// The piece as a string.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.base[self.start..self.end]
    }
}

impl From<String> for Text {
    fn from(owned: String) -> Text {
        let end = owned.len();
        Text { base: Base(Arc::new(Whole::Own(owned))), start: 0, end }
    }
}

impl From<&str> for Text {
    fn from(borrowed: &str) -> Text {
        Text::from(borrowed.to_string())
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        self.as_str() == other.as_str()
    }
}
impl Eq for Text {}

/// The strong entity tag of a body (RFC 9110, 8.8.3), with its quotes: equal bytes have equal tags, also after a restart.
pub fn tag(body: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let hash = fingerprint(body);
    let mut tag = String::with_capacity(18);
    tag.push('"');
    for place in (0..16).rev() {
        tag.push(char::from(DIGITS[(hash >> (4 * place)) as usize & 15]));
    }
    tag.push('"');
    tag
}

/// A hash of `bytes` that is the same in every run of this version, at some ten bytes a nanosecond.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = foldhash::quality::FixedState::with_seed(0).build_hasher();
    hasher.write(bytes);
    hasher.finish()
}
