//! Text helpers: name suggestions, lines with offsets, constant patterns.

use regex::Regex;

/// The candidate that `word` was probably meant to be: equal but for case, or at most two edits away.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let limit = if lower.chars().count() <= 3 { 1 } else { 2 };
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::osa_distance(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= limit && *candidate != word)
        // A letter is left out more often than added.
        .min_by_key(|(distance, candidate)| (*distance, std::cmp::Reverse(candidate.len())))
        .map(|(_, candidate)| candidate)
}

/// Whether what begins at an offset of a text in Markdown is an item of a list.
pub(crate) fn is_list_item(text: &str, offset: usize) -> bool {
    let before = &text[line_start(text, offset)..offset];
    let before = before.trim_start_matches([' ', '>']);
    let marks = ["- ", "* ", "+ "];
    marks.iter().any(|mark| before.starts_with(mark))
        || before.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a name is close to that of a resource: a few letters differ, it is the singular, or `&` begins the query.
pub(crate) fn is_misspelt(name: &str, resources: &[&str]) -> bool {
    let stem = |name: &str| {
        let name = name.to_lowercase();
        let singular = name.strip_suffix("ies").map(|stem| format!("{stem}y"));
        singular.unwrap_or_else(|| name.trim_end_matches('s').trim_end_matches('e').to_owned())
    };
    let own = stem(name);
    let is_of =
        |resource: &&str| stem(resource) == own || name.split('&').next() == Some(*resource);
    nearest(name, resources.iter().copied()).is_some() || resources.iter().any(is_of)
}

/// The start of the character that a byte offset is in, or the end of the text. (std has it from Rust 1.91 on.)
pub(crate) fn floor_char_boundary(text: &str, at: usize) -> usize {
    let is_start = |at: &usize| text.is_char_boundary(*at);
    (0..=at.min(text.len())).rev().find(is_start).unwrap_or(0)
}

/// Whether a list of words, separated by spaces, has this one.
pub(crate) fn is_one_of(word: &str, list: &str) -> bool {
    list.split(' ').any(|listed| listed == word)
}

/// `text` without control characters but tabs: they are escaped.
pub(crate) fn one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_control() && letter != '\t' {
            true => shown.extend(letter.escape_default()),
            false => shown.push(letter),
        }
    }
    shown
}

/// A constant pattern, which is compiled when it is first used. For `static` items.
macro_rules! regex {
    ($pattern:expr $(,)?) => {
        std::sync::LazyLock::new(|| crate::text::pattern($pattern))
    };
}

/// Compiles a pattern that is a constant of the program, apart from escaped words in it.
pub(crate) fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern)
        .expect("constant patterns are compiled by the tests, and escaped words are valid")
}

/// Where the line at an offset begins.
pub(crate) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

/// The offset after the line at an offset.
pub(crate) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}

/// Iterates over lines (line ends included) with their byte offsets.
pub(crate) struct Lines<'a> {
    text: &'a str,
    /// Offset of the next line.
    pub(crate) at: usize,
}

impl<'a> Lines<'a> {
    /// The lines of a text from an offset on.
    pub(crate) fn new(text: &'a str, at: usize) -> Lines<'a> {
        Lines { text, at }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (&'a str, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let start = self.at;
        self.at += length;
        Some((&rest[..length], start))
    }
}
