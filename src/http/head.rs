//! The header `Origin` of a request that hyper cannot read, for the CORS headers of the response.

use warp::http::HeaderValue;

/// Longer lines cannot be an `Origin`.
const MAX_LINE: usize = 300;

/// Reads the head of the current request, across reads.
#[derive(Debug, Default)]
pub(super) struct Head {
    line: Vec<u8>,
    is_started: bool,
    is_complete: bool,
    origin: Option<HeaderValue>,
}

impl Head {
    /// Starts the next request.
    pub(super) fn clear(&mut self) {
        *self = Head::default();
    }

    /// Whether the empty line after the headers has been read.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The `Origin`, as far as the head has been read.
    pub(super) fn origin(&self) -> Option<&HeaderValue> {
        self.origin.as_ref()
    }

    /// Reads the next bytes.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.is_complete {
                return;
            }
            let room = MAX_LINE.saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = self.line.trim_ascii();
        // Empty lines before a request are allowed (RFC 9112, 2.2).
        self.is_complete = line.is_empty() && self.is_started;
        self.is_started |= !line.is_empty();
        if let Some((name, value)) = line.split_at_checked("origin:".len())
            && name.eq_ignore_ascii_case(b"origin:")
        {
            self.origin = HeaderValue::from_bytes(value.trim_ascii()).ok();
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_found_however_it_arrives() {
        let sent = "\r\nPOST /a HTTP/1.1\r\nHost: x\r\nORIGIN:  http://a.example \r\nX: y\r\n\r\nOrigin: http://b.example\r\n";
        for cut in 0..sent.len() {
            let mut head = Head::default();
            head.read(&sent.as_bytes()[..cut]);
            head.read(&sent.as_bytes()[cut..]);
            assert!(head.is_complete());
            assert_eq!(head.origin().unwrap(), "http://a.example", "cut at {cut}");
        }
    }

    #[test]
    fn a_long_line_is_not_kept() {
        let mut head = Head::default();
        head.read(&[b'x'; 10 * MAX_LINE]);
        assert_eq!(head.line.len(), MAX_LINE);
        head.read(b"\nOrigin: http://a.example\n");
        assert!(head.origin().is_some() && !head.is_complete());
    }
}
