//! The layer between the TCP stream and hyper: percent-encodes what clients leave unencoded in URLs, replaces hyper's
//! empty responses to invalid HTTP by problem documents, has timeouts for the head and for writes, and handles clients
//! that close their side early.
//!
//! Clients such as curl send `"`, `<`, `{` and non-ASCII letters in URLs as they are; hyper would reject the request.
//! If hyper cannot parse a head, the log and the CORS headers of the response still need a part of it.

use std::borrow::Cow;
use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use percent_encoding::percent_encode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Duration, Sleep, sleep};
use warp::http::HeaderValue;

use super::app::App;
use super::problem::{self, Problem};
use super::request::{AtEnd, Progress};
use super::response;
use super::settings::Limits;
use crate::text::UNSAFE;

/// How much is read at a time while the head of a request is incomplete.
const FIRST_READ: usize = 4096;
/// How long a read may take after the client has closed its side.
const READ_AT_END: Duration = Duration::from_secs(1);

/// The stream that hyper reads and writes.
pub(super) struct Socket {
    stream: TcpStream,
    app: Arc<App>,
    progress: Arc<Progress>,
    limits: Arc<Limits>,
    head: Head,
    /// The part of an encoded request line that hyper has not read yet.
    ahead: Bytes,
    /// The unwritten rest of a response that replaces one of hyper's.
    replacement: Option<Bytes>,
    is_logged: bool,
    /// The timeout for the head of the request, from its first byte; on a new connection, from the beginning.
    header_timer: Option<Pin<Box<Sleep>>>,
    /// The timeout for a read after the client has closed its side.
    end_timer: Option<Pin<Box<Sleep>>>,
    /// The timeout for a write that waits for the client to read.
    write_timer: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(super) fn new(
        stream: TcpStream,
        app: Arc<App>,
        progress: Arc<Progress>,
        limits: Arc<Limits>,
    ) -> Socket {
        Socket {
            stream,
            app,
            progress,
            head: Head::default(),
            ahead: Bytes::new(),
            replacement: None,
            is_logged: false,
            header_timer: Some(Box::pin(sleep(limits.header_time))),
            end_timer: None,
            write_timer: None,
            limits,
        }
    }

    /// The stream, once hyper is done with it. `is_unread`: hyper could not parse a request, which is logged.
    pub(super) fn into_inner(self, is_unread: bool) -> TcpStream {
        if is_unread && !self.is_logged {
            let detail = "the request is not valid HTTP/1.1";
            let problem = Problem::new(problem::BAD_REQUEST, detail);
            self.app
                .log_unparsed(&self.head.line(), &problem.into_response());
        }
        self.stream
    }

    /// Reads from the stream, within the time for a head.
    fn read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let expects_head = self.progress.expects_head();
        if self.progress.take_head() || !expects_head {
            self.header_timer = None;
        }
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) if buffer.filled().len() == before => {
                self.poll_end(context).map(Ok)
            }
            Poll::Ready(Ok(())) => {
                self.progress.set_begun();
                if expects_head && self.header_timer.is_none() {
                    self.header_timer = Some(Box::pin(sleep(self.limits.header_time)));
                }
                Poll::Ready(Ok(()))
            }
            Poll::Pending => match &mut self.header_timer {
                Some(timer) => timer
                    .as_mut()
                    .poll(context)
                    .map(|()| Err(io::ErrorKind::TimedOut.into())),
                None => Poll::Pending,
            },
            failed => failed,
        }
    }

    /// After the client has closed its side, pretends that more may come until the request is answered and the response
    /// sent: hyper would drop both. A client that is gone looks the same, so a read has a short timeout; when its
    /// response is sent, the writes fail.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.progress.poll_at_end(context) {
            AtEnd::Writing | AtEnd::Delayed | AtEnd::Sending => Poll::Pending,
            AtEnd::Idle if self.write_timer.is_some() => Poll::Pending,
            AtEnd::Idle => Poll::Ready(()),
            AtEnd::Reading => self
                .end_timer
                .get_or_insert_with(|| Box::pin(sleep(READ_AT_END)))
                .as_mut()
                .poll(context),
        }
    }

    /// Writes to the stream. Fails if a write has waited too long for a client that has stopped reading.
    fn write(
        &mut self,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        if written.is_ready() {
            if self.write_timer.take().is_some() {
                self.progress.wake_reader();
            }
            return written;
        }
        let timer = self
            .write_timer
            .get_or_insert_with(|| Box::pin(sleep(self.limits.write_time)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Writes the replacement of `head`, if there is one, and reports `head` as written.
    fn write_replacement(
        &mut self,
        context: &mut Context<'_>,
        head: &[u8],
    ) -> Poll<Option<io::Result<usize>>> {
        if self.replacement.is_none() {
            self.replacement = self.replacement_of(head);
        }
        while let Some(rest) = self.replacement.clone() {
            match ready!(self.write(context, &[IoSlice::new(&rest)])) {
                Ok(0) => return Poll::Ready(Some(Err(io::ErrorKind::WriteZero.into()))),
                Ok(count) if count == rest.len() => {
                    self.replacement = None;
                    return Poll::Ready(Some(Ok(head.len())));
                }
                Ok(count) => self.replacement = Some(rest.slice(count..)),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        Poll::Ready(None)
    }

    /// The response with the problem document for one that hyper made.
    fn replacement_of(&mut self, head: &[u8]) -> Option<Bytes> {
        let problem = problem(head, &self.head, self.limits.headers)?;
        let origin = self.head.origin();
        let response =
            response::finish_unparsed(problem.into_response(), origin.as_ref(), &self.app.settings);
        self.is_logged = true;
        self.app.log_unparsed(&self.head.line(), &response);
        let mut text = format!("HTTP/1.1 {}\r\n", response.status());
        for (name, value) in response.headers() {
            text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or("")));
        }
        text.push_str(&format!(
            "content-length: {}\r\nconnection: close\r\n\r\n",
            response.body().len()
        ));
        Some([text.as_bytes(), response.body()].concat().into())
    }
}

/// The problem for a response that hyper made: a client error without a body. Those of the routes have
/// `x-content-type-options`.
fn problem(response: &[u8], head: &Head, header_limit: usize) -> Option<Problem> {
    if !response.starts_with(b"HTTP/1.1 4") && !response.starts_with(b"HTTP/1.0 4") {
        return None;
    }
    let response = std::str::from_utf8(response).ok()?;
    if !response.ends_with("\r\n\r\n")
        || !response.contains("\r\ncontent-length: 0\r\n")
        || response.contains("\r\nx-content-type-options:")
    {
        return None;
    }
    match response.get(9..12)? {
        "400" if head.is_tls() => Some(
            Problem::new(problem::BAD_REQUEST, "the client speaks https, and the server speaks http")
                .hint("use a URL that begins with http://"),
        ),
        "400" => Some(
            Problem::new(problem::BAD_REQUEST, "the request is not valid HTTP/1.1")
                .hint("the first line is `GET /users HTTP/1.1`, then headers such as `Name: value`, then an empty line; a URL has no spaces; the server speaks http, not https"),
        ),
        "414" => Some(Problem::new(problem::TARGET_TOO_LONG, "the URL is longer than 65,534 bytes")),
        "431" if head.target_end >= header_limit => Some(
            Problem::new(problem::TARGET_TOO_LONG, format!("the URL is longer than {header_limit} bytes"))
                .hint("ask for less at a time, or start standin with a larger --url-limit and --header-limit"),
        ),
        "431" => Some(
            Problem::new(problem::HEADERS_TOO_LARGE, "the request's headers are too large, or there are too many")
                .hint("send fewer headers, or start standin with a larger --header-limit or --header-count"),
        ),
        _ => None,
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        // What follows a response is the next request. (A client that pipelines must send URLs that need no encoding.)
        if this.progress.take_answered() {
            this.head.clear();
        }
        if this.ahead.is_empty() {
            if this.head.is_complete() {
                return this.read(context, buffer);
            }
            let mut bytes = [MaybeUninit::uninit(); FIRST_READ];
            let room = buffer.remaining().min(FIRST_READ);
            let mut read = ReadBuf::uninit(&mut bytes[..room]);
            ready!(this.read(context, &mut read))?;
            match this.head.encode(read.filled()) {
                Cow::Borrowed(bytes) => {
                    buffer.put_slice(bytes);
                    return Poll::Ready(Ok(()));
                }
                Cow::Owned(bytes) => this.ahead = bytes.into(),
            }
        }
        let count = this.ahead.len().min(buffer.remaining());
        buffer.put_slice(&this.ahead.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = buffers.iter().find(|buffer| !buffer.is_empty());
        let first = first.map_or(&[][..], |buffer| buffer);
        match ready!(self.write_replacement(context, first)) {
            Some(written) => Poll::Ready(written),
            None => self.write(context, buffers),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// How much of a request line is shown in the log.
const SHOWN: usize = 200;
const SHOWN_OF_BINARY: usize = 16;
/// How much memory a connection keeps for the next head.
const KEPT: usize = 4096;

/// The part of the current request's head that has been read.
#[derive(Debug, Default)]
struct Head {
    /// The bytes from the request line on, possibly with a part of the body.
    bytes: Vec<u8>,
    place: Place,
    /// The number of bytes up to the end of the target.
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
    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        (self.place, self.target_end) = (Place::Start, 0);
    }

    /// Whether the empty line after the headers has been read.
    fn is_complete(&self) -> bool {
        self.place == Place::Complete
    }

    /// Whether the client sent a TLS handshake.
    fn is_tls(&self) -> bool {
        self.bytes.starts_with(&[0x16, 3])
    }

    /// The request line as it was sent, or its beginning, for the log.
    fn line(&self) -> String {
        let line = self.lines().next().unwrap_or_default().trim_ascii_end();
        match std::str::from_utf8(&line[..line.len().min(SHOWN)]) {
            Ok(line) => line.escape_debug().to_string(),
            Err(_) => line[..line.len().min(SHOWN_OF_BINARY)]
                .escape_ascii()
                .to_string(),
        }
    }

    /// The header `Origin`.
    fn origin(&self) -> Option<HeaderValue> {
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
    fn encode<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
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
            assert_eq!(head.target_end, line_end, "cut at {cut}");
        }
    }

    #[test]
    fn only_request_lines_are_changed() {
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
}
