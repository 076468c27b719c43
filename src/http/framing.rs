//! What goes between the socket and hyper: URLs as clients really send them, and problem documents in the place of the
//! bare statuses with which hyper answers what is not HTTP.

use std::borrow::Cow;
use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use tokio::time::{Duration, Sleep};

use super::App;
use super::problem::{self, Problem};
use super::request_line::RequestLine;

/// What a connection is at, so that one on which nothing happens can be ended. It takes the place of hyper's timer, which
/// would be set and cleared for every request.
#[derive(Debug, Default)]
pub(super) struct Progress {
    state: AtomicU8,
    /// Since the connection last asked, with no request since.
    has_answered: AtomicBool,
    has_ended: AtomicBool,
}

const WAITS: u8 = 0;
const WAITED: u8 = 1;
const BUSY: u8 = 2;

impl Progress {
    /// The server has a request to answer.
    pub(super) fn busy(&self) {
        // A request that came together with the one before: its body is what is read next.
        self.has_answered.store(false, Ordering::Relaxed);
        self.state.store(BUSY, Ordering::Relaxed);
    }

    /// The server has its answer, and the client is next.
    pub(super) fn waits(&self) {
        self.has_answered.store(true, Ordering::Relaxed);
        self.state.store(WAITS, Ordering::Relaxed);
    }

    /// The server has its answer, which is the last of the connection although the client may still be sending.
    pub(super) fn ends(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
        self.waits();
    }

    /// Whether the server ends the connection.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    /// Whether the next that is read is the beginning of a request.
    fn take_answered(&self) -> bool {
        self.has_answered.load(Ordering::Relaxed) && self.has_answered.swap(false, Ordering::Relaxed)
    }

    /// The client has taken something in.
    fn moves(&self) {
        let _ = self.state.compare_exchange(WAITED, WAITS, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Called in regular intervals: whether the client has let a whole one pass.
    pub(super) fn has_stalled(&self) -> bool {
        let state = self.state.compare_exchange(WAITS, WAITED, Ordering::Relaxed, Ordering::Relaxed);
        state == Err(WAITED)
    }
}

/// How much of a request is read at first, to look at its URL.
const FIRST_READ: usize = 4096;

/// A connection as hyper reads and writes it.
pub(super) struct Framing<T> {
    inner: T,
    app: Arc<App>,
    progress: Arc<Progress>,
    /// The request line that is being read, and what hyper has not taken of it yet.
    line: RequestLine,
    ahead: Bytes,
    header_limit: usize,
    /// The document that takes the place of the head now being written, and how much of it is out.
    instead: Option<(Vec<u8>, usize)>,
    has_told: bool,
    /// How long a write may wait for the client to read, and the end of the present wait.
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<T> Framing<T> {
    pub(super) fn new(
        inner: T,
        (app, progress): (Arc<App>, Arc<Progress>),
        (header_limit, patience): (usize, Duration),
    ) -> Framing<T> {
        let (line, ahead) = (RequestLine::default(), Bytes::new());
        Framing {
            inner,
            app,
            progress,
            line,
            ahead,
            header_limit,
            instead: None,
            has_told: false,
            patience,
            stalled: None,
        }
    }

    /// The connection, after hyper could not read a request. The log is told of it, if no answer was.
    pub(super) fn into_inner(self, failed: bool) -> T {
        if failed && !self.has_told {
            let problem = Problem::new(problem::BAD_REQUEST, "what arrived is not an HTTP/1.1 request");
            self.app.log_unread(&self.line.text(), &problem.into_response());
        }
        self.inner
    }

    /// Ends the connection of a client that has stopped reading: what waits for it would be kept for ever.
    fn watch(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.progress.moves();
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

/// The problem for a head that hyper made up: a client error, no body and the connection closed. Our own answers all
/// have a `content-type` or a status that is no such error.
fn problem(head: &[u8], line: &RequestLine, header_limit: usize) -> Option<Problem> {
    if !head.starts_with(b"HTTP/1.1 4") && !head.starts_with(b"HTTP/1.0 4") {
        return None;
    }
    let head = std::str::from_utf8(head).ok()?;
    if !head.ends_with("\r\n\r\n") || !head.contains("\r\ncontent-length: 0\r\n") || head.contains("\r\ncontent-type:")
    {
        return None;
    }
    match head.get(9..12)? {
        "400" if line.is_tls() => Some(
            Problem::new(problem::BAD_REQUEST, "the client speaks https, and the server speaks http")
                .hint("use a URL that begins with http://"),
        ),
        "400" => Some(
            Problem::new(problem::BAD_REQUEST, "what arrived is not an HTTP/1.1 request")
                .hint("the first line is `GET /users HTTP/1.1`, then headers as `Name: value`, then an empty line; a URL has no spaces; the server speaks http, not https"),
        ),
        "414" => Some(Problem::new(problem::TARGET_TOO_LONG, "the URL is longer than 65,534 bytes")),
        "431" if line.length() >= header_limit => Some(
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

impl<T: Write + Unpin> Framing<T> {
    /// Writes what takes the place of `head`, if something does; then `head` counts as written.
    fn write_instead(&mut self, context: &mut Context<'_>, head: &[u8]) -> Poll<Option<io::Result<usize>>> {
        if self.instead.is_none() {
            let Some(problem) = problem(head, &self.line, self.header_limit) else { return Poll::Ready(None) };
            let response = problem.into_response();
            self.has_told = true;
            self.app.log_unread(&self.line.text(), &response);
            let mut text = format!("HTTP/1.1 {}\r\n", response.status());
            for (name, value) in response.headers() {
                text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or("")));
            }
            text.push_str("access-control-allow-origin: *\r\n");
            text.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", response.body().len()));
            let mut bytes = text.into_bytes();
            bytes.extend_from_slice(response.body());
            self.instead = Some((bytes, 0));
        }
        while let Some((bytes, out)) = &mut self.instead {
            match ready!(Pin::new(&mut self.inner).poll_write(context, &bytes[*out..])) {
                Ok(0) => return Poll::Ready(Some(Err(io::ErrorKind::WriteZero.into()))),
                Ok(count) => *out += count,
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            if *out == bytes.len() {
                self.instead = None;
            }
        }
        Poll::Ready(Some(Ok(head.len())))
    }
}

impl<T: Read + Unpin> Read for Framing<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        // A client that waits for its answer begins its next request with what is read next. (One that does not wait
        // must send URLs that need no encoding.)
        if this.progress.take_answered() {
            this.line.clear();
        }
        if this.ahead.is_empty() {
            if !this.line.is_open() {
                return Pin::new(&mut this.inner).poll_read(context, buffer);
            }
            let mut bytes = [MaybeUninit::uninit(); FIRST_READ];
            let room = buffer.remaining().min(FIRST_READ);
            let mut read = ReadBuf::uninit(&mut bytes[..room]);
            ready!(Pin::new(&mut this.inner).poll_read(context, read.unfilled()))?;
            match this.line.encode(read.filled()) {
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

impl<T: Write + Unpin> Write for Framing<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        match ready!(self.write_instead(context, buffer)) {
            Some(written) => Poll::Ready(written),
            None => {
                let written = Pin::new(&mut self.inner).poll_write(context, buffer);
                self.watch(context, written)
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = buffers.iter().find(|buffer| !buffer.is_empty()).map_or(&[][..], |buffer| buffer);
        match ready!(self.write_instead(context, first)) {
            Some(written) => Poll::Ready(written),
            None => {
                let written = Pin::new(&mut self.inner).poll_write_vectored(context, buffers);
                self.watch(context, written)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_client_that_lets_a_whole_interval_pass_has_stalled() {
        let progress = Progress::default();
        assert!(!progress.has_stalled(), "the first look");
        assert!(progress.has_stalled(), "nothing came");
        progress.moves();
        assert!(!progress.has_stalled(), "it has taken in a part of the answer");
        progress.busy();
        progress.moves();
        assert!(!progress.has_stalled() && !progress.has_stalled(), "the server is at work");
        progress.waits();
        assert!(!progress.has_stalled() && progress.has_stalled());
    }
}
