//! Percent-encodes what clients leave unencoded in URLs. curl and scripts send `"`, `<`, `{` and non-ASCII letters as they
//! are; hyper would reject the request.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, percent_encode, utf8_percent_encode};

/// How much of a request line is kept for the log.
const KEPT: usize = 200;
const KEPT_OF_BINARY: usize = 16;

/// Parses the request line of the current request, across reads.
#[derive(Debug, Default)]
pub(super) struct RequestLine {
    place: Place,
    length: usize,
    start: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Method,
    /// Before the first character of the target.
    Space,
    Target,
    /// After the target, where nothing is changed.
    Rest,
}

impl RequestLine {
    /// Starts the next request.
    pub(super) fn clear(&mut self) {
        self.place = Place::Method;
        self.length = 0;
        self.start.clear();
    }

    /// Whether the next bytes may belong to the target.
    pub(super) fn is_open(&self) -> bool {
        self.place != Place::Rest
    }

    /// The number of bytes up to the end of the target.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Whether the client sent a TLS handshake.
    pub(super) fn is_tls(&self) -> bool {
        self.start.starts_with(&[0x16, 3])
    }

    /// The line as it was sent, or its beginning, for the log.
    pub(super) fn text(&self) -> String {
        let line = self
            .start
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        match std::str::from_utf8(line.trim_ascii_end()) {
            Ok(line) => line.escape_debug().to_string(),
            Err(_) => line[..line.len().min(KEPT_OF_BINARY)]
                .escape_ascii()
                .to_string(),
        }
    }

    /// The next bytes, with the target encoded.
    pub(super) fn encode<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        // Empty lines before a request are allowed (RFC 9112, 2.2).
        let skipped = if self.start.is_empty() {
            bytes
                .iter()
                .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                .count()
        } else {
            0
        };
        let line = &bytes[skipped..];
        self.start
            .extend_from_slice(&line[..line.len().min(KEPT - self.start.len())]);
        let mut encoded: Option<Vec<u8>> = None;
        for (offset, byte) in bytes.iter().copied().enumerate().skip(skipped) {
            self.place = match (self.place, byte) {
                (Place::Method, b'A'..=b'Z') => Place::Method,
                (Place::Method, b' ') if self.length > 0 => Place::Space,
                // A path, or a URL with its host.
                (Place::Space, b'/' | b'h') => Place::Target,
                (Place::Target, 0x21..=0x7e | 0x80..) => Place::Target,
                _ => Place::Rest,
            };
            if self.place == Place::Rest {
                if let Some(encoded) = &mut encoded {
                    encoded.extend_from_slice(&bytes[offset..]);
                }
                break;
            }
            self.length += 1;
            let escaped = percent_encode(&bytes[offset..=offset], UNSAFE)
                .next()
                .unwrap_or_default()
                .as_bytes();
            if self.place == Place::Target && escaped.len() > 1 {
                encoded
                    .get_or_insert_with(|| bytes[..offset].to_vec())
                    .extend_from_slice(escaped);
            } else if let Some(encoded) = &mut encoded {
                encoded.push(byte);
            }
        }
        encoded.map_or(Cow::Borrowed(bytes), Cow::Owned)
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

    /// What hyper reads of a head that arrives in these parts.
    fn read(parts: &[&[u8]]) -> String {
        let mut line = RequestLine::default();
        let read = parts
            .iter()
            .flat_map(|part| line.encode(part).into_owned())
            .collect();
        String::from_utf8(read).unwrap()
    }

    #[test]
    fn a_target_is_encoded_however_it_arrives() {
        let sent =
            "\r\nGET /a?x={\"ü\":`<>|^\\`} HTTP/1.1\r\nCookie: a=\"{b}\"\r\n\r\n{\"x\"}".as_bytes();
        let wanted = "\r\nGET /a?x=%7B%22%C3%BC%22:%60%3C%3E%7C%5E%5C%60%7D HTTP/1.1\r\nCookie: a=\"{b}\"\r\n\r\n{\"x\"}";
        assert_eq!(read(&[sent]), wanted);
        for cut in 0..sent.len() {
            assert_eq!(read(&[&sent[..cut], &sent[cut..]]), wanted, "cut at {cut}");
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
            assert_eq!(read(&[text.as_bytes()]), text);
        }
    }

    #[test]
    fn the_log_gets_the_line() {
        let mut line = RequestLine::default();
        line.encode(b"GET /a");
        line.encode(b" \x16b HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(line.text(), "GET /a \\u{16}b HTTP/1.1");
        line.clear();
        line.encode(b"\x16\x03\x01\xff\xfe");
        assert!(line.is_tls());
        assert_eq!(line.text(), "\\x16\\x03\\x01\\xff\\xfe");
        line.clear();
        line.encode("x".repeat(1000).as_bytes());
        assert_eq!(line.text().len(), KEPT);
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
