//! What is between the TCP stream and hyper: percent-encodes what clients leave unencoded in URLs, replaces the empty
//! responses of hyper to what is not HTTP by problem documents, and limits how long a write may take.

use std::borrow::Cow;
use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use tokio::time::{Duration, Sleep};

use super::app::App;
use super::head::Head;
use super::problem::{self, Problem};
use super::request_line::RequestLine;
use super::response;
use super::settings::Limits;
use super::stream::Progress;

/// How much is read at a time while the head of a request is incomplete.
const FIRST_READ: usize = 4096;

/// The stream that hyper reads and writes.
pub(super) struct Socket<T> {
    inner: T,
    app: Arc<App>,
    progress: Arc<Progress>,
    line: RequestLine,
    head: Head,
    /// The part of an encoded request line that hyper has not read yet.
    ahead: Bytes,
    header_limit: usize,
    /// The response that replaces one of hyper's, and how much of it has been written.
    replacement: Option<(Vec<u8>, usize)>,
    is_logged: bool,
    /// How long a write may wait for the client to read, and the timer of a write that waits.
    write_time: Duration,
    write_timer: Option<Pin<Box<Sleep>>>,
}

impl<T> Socket<T> {
    pub(super) fn new(
        inner: T,
        app: Arc<App>,
        progress: Arc<Progress>,
        limits: &Limits,
    ) -> Socket<T> {
        Socket {
            inner,
            app,
            progress,
            line: RequestLine::default(),
            head: Head::default(),
            ahead: Bytes::new(),
            header_limit: limits.headers,
            replacement: None,
            is_logged: false,
            write_time: limits.write_time,
            write_timer: None,
        }
    }

    /// The stream, once hyper is done with it. `is_unread`: hyper could not read a request, which is logged.
    pub(super) fn into_inner(self, is_unread: bool) -> T {
        if is_unread && !self.is_logged {
            let problem = Problem::new(
                problem::BAD_REQUEST,
                "what arrived is not an HTTP/1.1 request",
            );
            self.app
                .log_unread(&self.line.text(), &problem.into_response());
        }
        self.inner
    }

    /// Fails if a write has waited too long for a client that has stopped reading.
    fn limit_time(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.write_timer = None;
            return written;
        }
        let write_time = self.write_time;
        let timer = self
            .write_timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(write_time)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

/// The problem for a response that hyper made: a client error without a body. Responses of the routes have a
/// `content-type` or another status.
fn problem(head: &[u8], line: &RequestLine, header_limit: usize) -> Option<Problem> {
    if !head.starts_with(b"HTTP/1.1 4") && !head.starts_with(b"HTTP/1.0 4") {
        return None;
    }
    let head = std::str::from_utf8(head).ok()?;
    if !head.ends_with("\r\n\r\n")
        || !head.contains("\r\ncontent-length: 0\r\n")
        || head.contains("\r\ncontent-type:")
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
                .hint("the first line is `GET /users HTTP/1.1`, then headers such as `Name: value`, then an empty line; a URL has no spaces; the server speaks http, not https"),
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

impl<T: Write + Unpin> Socket<T> {
    /// Writes the replacement of `head`, if there is one; then `head` counts as written.
    fn write_replacement(
        &mut self,
        context: &mut Context<'_>,
        head: &[u8],
    ) -> Poll<Option<io::Result<usize>>> {
        if self.replacement.is_none() {
            let Some(problem) = problem(head, &self.line, self.header_limit) else {
                return Poll::Ready(None);
            };
            let response = response::finish_unread(
                problem.into_response(),
                self.head.origin(),
                &self.app.settings,
            );
            self.is_logged = true;
            self.app.log_unread(&self.line.text(), &response);
            let mut text = format!("HTTP/1.1 {}\r\n", response.status());
            for (name, value) in response.headers() {
                text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or("")));
            }
            text.push_str(&format!(
                "content-length: {}\r\nconnection: close\r\n\r\n",
                response.body().len()
            ));
            let mut bytes = text.into_bytes();
            bytes.extend_from_slice(response.body());
            self.replacement = Some((bytes, 0));
        }
        while let Some((bytes, out)) = &mut self.replacement {
            match ready!(Pin::new(&mut self.inner).poll_write(context, &bytes[*out..])) {
                Ok(0) => return Poll::Ready(Some(Err(io::ErrorKind::WriteZero.into()))),
                Ok(count) => *out += count,
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            if *out == bytes.len() {
                self.replacement = None;
            }
        }
        Poll::Ready(Some(Ok(head.len())))
    }
}

impl<T: Read + Unpin> Read for Socket<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        // What follows a response is the next request. (A client that pipelines must send URLs that need no encoding.)
        if this.progress.take_answered() {
            this.line.clear();
            this.head.clear();
        }
        if this.ahead.is_empty() {
            if !this.line.is_open() && this.head.is_complete() {
                return Pin::new(&mut this.inner).poll_read(context, buffer);
            }
            let mut bytes = [MaybeUninit::uninit(); FIRST_READ];
            let room = buffer.remaining().min(FIRST_READ);
            let mut read = ReadBuf::uninit(&mut bytes[..room]);
            ready!(Pin::new(&mut this.inner).poll_read(context, read.unfilled()))?;
            this.head.read(read.filled());
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

impl<T: Write + Unpin> Write for Socket<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(self.write_replacement(context, buffer)) {
            Some(written) => Poll::Ready(written),
            None => {
                let written = Pin::new(&mut self.inner).poll_write(context, buffer);
                self.limit_time(context, written)
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = buffers
            .iter()
            .find(|buffer| !buffer.is_empty())
            .map_or(&[][..], |buffer| buffer);
        match ready!(self.write_replacement(context, first)) {
            Some(written) => Poll::Ready(written),
            None => {
                let written = Pin::new(&mut self.inner).poll_write_vectored(context, buffers);
                self.limit_time(context, written)
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
