//! Text helpers for messages, URLs and ids.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The most similar candidate to `word`, ignoring case, if it is at most a few edits away; longer words may differ in
/// more characters.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing long texts takes time, and nobody mistypes them.
    let lower = |text: &str| {
        text.chars()
            .flat_map(char::to_lowercase)
            .take(100)
            .collect::<String>()
    };
    let wanted = lower(word);
    let limit = match wanted.chars().count() {
        0..=1 => 0,
        2..=3 => 1,
        length => (length / 3).clamp(2, 4),
    };
    candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (strsim::osa_distance(&wanted, &lower(candidate)), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `text` with its percent escapes decoded; `None` if an escape is broken or the result is not UTF-8.
pub fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let is_escape = |rest: &str| {
        rest.as_bytes()
            .get(..2)
            .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    let is_valid = text.split('%').skip(1).all(is_escape);
    is_valid
        .then(|| percent_decode_str(text).decode_utf8().ok())
        .flatten()
}

/// [`percent_decode`] of a name or value in a query string or form, where `+` is a space.
pub fn form_decode(text: &str) -> Option<Cow<'_, str>> {
    match text.contains('+') {
        true => percent_decode(&text.replace('+', " ")).map(|text| Cow::Owned(text.into_owned())),
        false => percent_decode(text),
    }
}

/// `text` as one line that is safe on a terminal: control characters (except tabs) and bidirectional controls are
/// escaped, so that a name in a URL or a file can neither send commands to the terminal nor look like another.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            c if is_unprintable(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// [`printable`] for text of several lines.
#[cfg(feature = "cli")]
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c == '\n' || !is_unprintable(c);
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<_> = text.split('\n').map(printable).collect();
    Cow::Owned(lines.join("\n"))
}

/// C0 and C1 control characters, DEL, the controls of bidirectional text, and Unicode's ends of lines.
fn is_unprintable(c: char) -> bool {
    let is_reordering = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && c != '\t') || is_reordering || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Everything but letters, digits and `kept`.
pub const fn all_but(kept: &[u8]) -> AsciiSet {
    // A copy: 0 is in the set already.
    let mut set = NON_ALPHANUMERIC.add(0);
    let mut at = 0;
    while at < kept.len() {
        set = set.remove(kept[at]);
        at += 1;
    }
    set
}

/// The characters to escape in a path segment: everything but `pchar` (RFC 3986, 3.3).
const SEGMENT: &AsciiSet = &all_but(b"-._~!$&'()*+,;=:@");

/// `text` escaped as one segment of a path.
pub fn path_encode(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// The characters that must be percent-encoded in a URI (RFC 3986, 2), other than spaces and control characters, which
/// clients encode. Brackets are not among them: `tags[0]` is common.
pub const UNSAFE: &AsciiSet = &AsciiSet::EMPTY
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Percent-encodes what a URI must not contain.
pub fn encode_target(target: &str) -> Cow<'_, str> {
    utf8_percent_encode(target, UNSAFE).into()
}

/// The characters to escape in a query string.
const QUERY: &AsciiSet = &all_but(b"-_.~:,/@!$*");

/// `text` escaped for a query string.
pub fn query_encode(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// `text` as one word of a POSIX shell.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_string();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// `word` with a capital at its beginning.
pub fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters.clone()).collect()
}

/// `order_item` and `order-item` as `orderItem`.
pub fn camel(name: &str) -> String {
    let words = name
        .split(['_', '-', ' ', '.'])
        .filter(|word| !word.is_empty());
    let mut out = String::new();
    for word in words {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if out.is_empty() => out.extend(first.to_lowercase()),
            first => out.extend(first.into_iter().flat_map(char::to_uppercase)),
        }
        out.push_str(letters.as_str());
    }
    out
}

/// The UUID of version 4 (RFC 9562) that has these random bits.
pub fn uuid(bits: u128) -> String {
    let bits = (bits & !(0xf << 76) & !(0b11 << 62)) | (4 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    let ends = [0..8, 8..12, 12..16, 16..20, 20..32];
    ends.map(|part| &hex[part]).join("-")
}

/// An error with its causes: `cannot read db.json: permission denied`.
#[cfg(any(feature = "cli", feature = "check"))]
pub fn with_causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// `items` as a sentence lists them: `a, b and c`.
pub fn list(items: &[String]) -> String {
    joined(items, "and")
}

/// `items` with commas between them, and with the word `last` before the last one: `a, b or c`.
pub fn joined(items: &[String], last: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., end] => format!("{} {last} {end}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_urls_stay_as_they_are() {
        assert_eq!(
            encode_target("/a?tags[0]=b&c='%22'"),
            "/a?tags[0]=b&c='%22'"
        );
        assert_eq!(encode_target("/ü?a=\"b\""), "/%C3%BC?a=%22b%22");
    }

    #[test]
    fn finds_what_was_meant() {
        let names = [
            "users",
            "lastName",
            "id",
            "title",
            "author",
            "author.name",
            "views",
            "createdAt",
        ];
        for (word, meant) in [
            ("user", Some("users")),
            ("Users", Some("users")),
            ("last_name", Some("lastName")),
            ("ix", Some("id")),
            ("zebra", None),
            ("titel", Some("title")),
            ("auther", Some("author")),
            ("author.nme", Some("author.name")),
            ("createdat", Some("createdAt")),
            ("nope", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, names), meant, "{word}");
        }
    }

    #[test]
    fn percent_escapes_are_decoded_or_refused() {
        for (text, expected) in [
            ("a", Some("a")),
            ("caf%C3%A9%20", Some("caf\u{e9} ")),
            ("%2525", Some("%25")),
            ("%", None),
            ("%4", None),
            ("%\u{e9}1", None),
            ("%GG", None),
            ("%+1", None),
            ("%E0%A4%A", None),
            ("%ff", None),
        ] {
            assert_eq!(percent_decode(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        for (text, shown) in [
            ("caf\u{e9} \u{1f642}\tx", "caf\u{e9} \u{1f642}\tx"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("\u{9b}2J\u{7f}\0\u{8}", "\\u{9b}2J\\u{7f}\\u{0}\\u{8}"),
            ("a\r\nb", "a\\r\\nb"),
            ("\u{202e}gpj.exe\u{2066}", "\\u{202e}gpj.exe\\u{2066}"),
            ("\u{2028}\u{85}", "\\u{2028}\\u{85}"),
        ] {
            assert_eq!(printable(text), shown);
            assert_eq!(printable(shown), shown, "once is enough");
        }
        assert_eq!(printable_lines("a\n\u{1b}b\n"), "a\n\\u{1b}b\n");
        assert_eq!(printable_lines("a\nb"), "a\nb");
    }

    #[test]
    fn quotes_for_a_shell() {
        assert_eq!(
            shell_word("http://localhost:3000/users"),
            "http://localhost:3000/users"
        );
        assert_eq!(shell_word("{\"a\": \"it's\"}"), "'{\"a\": \"it'\\''s\"}'");
        assert_eq!(shell_word("/a?b=c&d"), "'/a?b=c&d'");
    }
}
