//! What is between the TCP stream and hyper: percent-encodes what clients leave unencoded in URLs, replaces the empty
//! responses of hyper to what is not HTTP by problem documents, limits how long a head and a write may take, and decides
//! what it means that a client has ended its side.

use std::borrow::Cow;
use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Duration, Sleep, sleep};

use super::app::App;
use super::head::Head;
use super::problem::{self, Problem};
use super::progress::{AtEnd, Progress};
use super::response;
use super::settings::Limits;

/// How much is read at a time while the head of a request is incomplete.
const FIRST_READ: usize = 4096;
/// How long the answer to a read may take whose client sends nothing more.
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
    /// The response that replaces one of hyper's, as far as it has not been written.
    replacement: Option<Bytes>,
    is_logged: bool,
    /// When the head of the request must be there, once its first byte is; a new connection must send one.
    header_timer: Option<Pin<Box<Sleep>>>,
    /// Until when a read is answered whose client sends nothing more.
    end_timer: Option<Pin<Box<Sleep>>>,
    /// Until when a write waits for the client to read, if one does.
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

    /// The stream, once hyper is done with it. `is_unread`: hyper could not read a request, which is logged.
    pub(super) fn into_inner(self, is_unread: bool) -> TcpStream {
        if is_unread && !self.is_logged {
            let problem = Problem::new(
                problem::BAD_REQUEST,
                "what arrived is not an HTTP/1.1 request",
            );
            self.app
                .log_unread(&self.head.line(), &problem.into_response());
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

    /// Waits at the end of what the client sends while a request is answered and the response is sent: hyper would take
    /// it for the end of the connection and drop both. A client that has gone looks the same, so that a read does not wait
    /// for its response for long; once that is sent, the writes fail.
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

    /// Writes the replacement of `head`, if there is one; then `head` counts as written.
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
            response::finish_unread(problem.into_response(), origin.as_ref(), &self.app.settings);
        self.is_logged = true;
        self.app.log_unread(&self.head.line(), &response);
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

/// The problem for a response that hyper made: a client error without a body. Responses of the routes have a
/// `content-type` or another status.
fn problem(response: &[u8], head: &Head, header_limit: usize) -> Option<Problem> {
    if !response.starts_with(b"HTTP/1.1 4") && !response.starts_with(b"HTTP/1.0 4") {
        return None;
    }
    let response = std::str::from_utf8(response).ok()?;
    if !response.ends_with("\r\n\r\n")
        || !response.contains("\r\ncontent-length: 0\r\n")
        || response.contains("\r\ncontent-type:")
    {
        return None;
    }
    match response.get(9..12)? {
        "400" if head.is_tls() => Some(
            Problem::new(problem::BAD_REQUEST, "the client speaks https, and the server speaks http")
                .hint("use a URL that begins with http://"),
        ),
        "400" => Some(
            Problem::new(problem::BAD_REQUEST, "what arrived is not an HTTP/1.1 request")
                .hint("the first line is `GET /users HTTP/1.1`, then headers such as `Name: value`, then an empty line; a URL has no spaces; the server speaks http, not https"),
        ),
        "414" => Some(Problem::new(problem::TARGET_TOO_LONG, "the URL is longer than 65,534 bytes")),
        "431" if head.target_end() >= header_limit => Some(
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
