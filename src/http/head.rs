//! The head of a request on its way to hyper. Clients such as curl send `"`, `<`, `{` and non-ASCII letters in URLs as they
//! are; hyper would reject the request, so they are percent-encoded here. Of a head that hyper cannot read, the log and the
//! CORS headers of the response need a part.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, percent_encode, utf8_percent_encode};
use warp::http::HeaderValue;

/// How much of a request line is shown in the log.
const SHOWN: usize = 200;
const SHOWN_OF_BINARY: usize = 16;
/// How much memory a connection keeps for the next head.
const KEPT: usize = 4096;

/// The head of the current request as far as it has been read.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// From the request line on. May end with a part of the body.
    bytes: Vec<u8>,
    place: Place,
    target_end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// Before the request line, where empty lines are allowed (RFC 9112, 2.2).
    #[default]
    Start,
    Method,
    /// Before the first character of the target.
    Space,
    Target,
    /// After the target, where nothing is changed.
    Rest,
    Complete,
}

impl Head {
    /// Starts the next request.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        (self.place, self.target_end) = (Place::Start, 0);
    }

    /// Whether the empty line after the headers has been read.
    pub(super) fn is_complete(&self) -> bool {
        self.place == Place::Complete
    }

    /// The number of bytes up to the end of the target.
    pub(super) fn target_end(&self) -> usize {
        self.target_end
    }

    /// Whether the client sent a TLS handshake.
    pub(super) fn is_tls(&self) -> bool {
        self.bytes.starts_with(&[0x16, 3])
    }

    /// The request line as it was sent, or its beginning, for the log.
    pub(super) fn line(&self) -> String {
        let line = self.lines().next().unwrap_or_default().trim_ascii_end();
        match std::str::from_utf8(&line[..line.len().min(SHOWN)]) {
            Ok(line) => line.escape_debug().to_string(),
            Err(_) => line[..line.len().min(SHOWN_OF_BINARY)]
                .escape_ascii()
                .to_string(),
        }
    }

    /// The header `Origin`.
    pub(super) fn origin(&self) -> Option<HeaderValue> {
        let mut headers = self
            .lines()
            .skip(1)
            .take_while(|line| !line.trim_ascii().is_empty());
        headers.find_map(|line| {
            let (name, value) = line.split_at_checked("origin:".len())?;
            name.eq_ignore_ascii_case(b"origin:").then_some(())?;
            HeaderValue::from_bytes(value.trim_ascii()).ok()
        })
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.split(|byte| *byte == b'\n')
    }

    /// The next bytes, with what belongs to the target encoded.
    pub(super) fn encode<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.is_complete() {
            return Cow::Borrowed(bytes);
        }
        let (mut start, mut target) = (0, 0..0);
        for (at, byte) in bytes.iter().enumerate() {
            self.place = match (self.place, byte) {
                (Place::Start, b'\r' | b'\n') => Place::Start,
                (Place::Start | Place::Method, b'A'..=b'Z') => Place::Method,
                (Place::Method, b' ') => Place::Space,
                // A path, or a URL with its host.
                (Place::Space, b'/' | b'h') => Place::Target,
                (Place::Target, 0x21..=0x7e | 0x80..) => Place::Target,
                _ => Place::Rest,
            };
            match self.place {
                Place::Start => start = at + 1,
                Place::Target if target.is_empty() => target = at..at + 1,
                Place::Target => target.end = at + 1,
                Place::Rest => break,
                _ => {}
            }
        }
        let before = self.bytes.len();
        self.bytes.extend_from_slice(&bytes[start..]);
        if !target.is_empty() {
            self.target_end = before + target.end - start;
        }
        // The empty line may have begun with the bytes before.
        let new = &self.bytes[before.saturating_sub(2)..];
        let is_last = |at: usize| matches!(new[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]);
        if memchr::memchr_iter(b'\n', new).any(is_last) {
            self.place = Place::Complete;
        }
        let encoded = Cow::from(percent_encode(&bytes[target.clone()], UNSAFE));
        if encoded.len() == target.len() {
            return Cow::Borrowed(bytes);
        }
        let (before, after) = (&bytes[..target.start], &bytes[target.end..]);
        Cow::Owned([before, encoded.as_bytes(), after].concat())
    }
}

/// What a URI may have only percent-encoded (RFC 3986, 2), besides spaces and control characters, which clients encode.
/// Brackets are left alone: `tags[0]` is common.
const UNSAFE: &AsciiSet = &AsciiSet::EMPTY
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
pub(super) fn encode_target(target: &str) -> Cow<'_, str> {
    utf8_percent_encode(target, UNSAFE).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_however_it_arrives() {
        let sent = "\r\nPOST /a?x={\"ü\":`<>|^\\`} HTTP/1.1\r\nCookie: a=\"{b}\"\r\nORIGIN:  http://a.example \r\n\r\nOrigin: \"x\"\n".as_bytes();
        let wanted = "\r\nPOST /a?x=%7B%22%C3%BC%22:%60%3C%3E%7C%5E%5C%60%7D HTTP/1.1\r\nCookie: a=\"{b}\"\r\nORIGIN:  http://a.example \r\n\r\nOrigin: \"x\"\n";
        let line_end = "POST /a?x={\"ü\":`<>|^\\`}".len();
        for cut in 0..sent.len() {
            let mut head = Head::default();
            let mut read = head.encode(&sent[..cut]).into_owned();
            read.extend_from_slice(&head.encode(&sent[cut..]));
            assert_eq!(String::from_utf8(read).unwrap(), wanted, "cut at {cut}");
            assert!(head.is_complete(), "cut at {cut}");
            assert_eq!(head.origin().unwrap(), "http://a.example", "cut at {cut}");
            assert_eq!(head.target_end(), line_end, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_request_line_is_left_alone() {
        for text in [
            "",
            "\r\n",
            "hello \"\r\n",
            "{\"a\": 1}",
            "GET\r\n\"",
            " \"a\"",
            "GET \"a\"",
            "\u{16}\u{3}\u{1}\"",
        ] {
            assert_eq!(*Head::default().encode(text.as_bytes()), *text.as_bytes());
        }
    }

    #[test]
    fn the_log_gets_the_line() {
        let mut head = Head::default();
        head.encode(b"GET /a");
        head.encode(b" \x16b HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(head.line(), "GET /a \\u{16}b HTTP/1.1");
        head.clear();
        head.encode(b"\x16\x03\x01\xff\xfe");
        assert!(head.is_tls() && !head.is_complete());
        assert_eq!(head.line(), "\\x16\\x03\\x01\\xff\\xfe");
        head.clear();
        head.encode("x".repeat(1000).as_bytes());
        assert_eq!(head.line().len(), SHOWN);
    }

    #[test]
    fn other_urls_stay_as_they_are() {
        assert_eq!(
            encode_target("/a?tags[0]=b&c='%22'"),
            "/a?tags[0]=b&c='%22'"
        );
        assert_eq!(encode_target("/ü?a=\"b\""), "/%C3%BC?a=%22b%22");
    }
}
