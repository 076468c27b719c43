//! hyper answers what is not HTTP by itself, with a bare status. This puts a problem document in the place of that.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::time::{Duration, Sleep};

use super::problem::{self, Problem};

/// What a connection is at, so that one on which nothing happens can be ended. It takes the place of hyper's timer, which
/// would be set and cleared for every request.
#[derive(Debug, Default)]
pub(super) struct Progress(AtomicU8);

const WAITS: u8 = 0;
const WAITED: u8 = 1;
const BUSY: u8 = 2;

impl Progress {
    /// The server has a request to answer.
    pub(super) fn busy(&self) {
        self.0.store(BUSY, Ordering::Relaxed);
    }

    /// The server has its answer, and the client is next.
    pub(super) fn waits(&self) {
        self.0.store(WAITS, Ordering::Relaxed);
    }

    /// The client has taken something in.
    fn moves(&self) {
        let _ = self.0.compare_exchange(WAITED, WAITS, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Called in regular intervals: whether the client has let a whole one pass.
    pub(super) fn has_stalled(&self) -> bool {
        let state = self.0.compare_exchange(WAITS, WAITED, Ordering::Relaxed, Ordering::Relaxed);
        state == Err(WAITED)
    }
}

/// A connection on which bare answers of hyper's become problem documents.
pub(super) struct Framing<T> {
    inner: T,
    progress: Arc<Progress>,
    /// The document that takes the place of the head now being written, and how much of it is out.
    instead: Option<(Vec<u8>, usize)>,
    /// How long a write may wait for the client to read, and the end of the present wait.
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<T> Framing<T> {
    pub(super) fn new(inner: T, progress: Arc<Progress>, patience: Duration) -> Framing<T> {
        Framing { inner, progress, instead: None, patience, stalled: None }
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
fn problem(head: &[u8]) -> Option<Problem> {
    if !head.starts_with(b"HTTP/1.1 4") && !head.starts_with(b"HTTP/1.0 4") {
        return None;
    }
    let head = std::str::from_utf8(head).ok()?;
    if !head.ends_with("\r\n\r\n") || !head.contains("\r\ncontent-length: 0\r\n") || head.contains("\r\ncontent-type:")
    {
        return None;
    }
    match head.get(9..12)? {
        "400" => Some(
            Problem::new(problem::BAD_REQUEST, "what arrived is not an HTTP/1.1 request")
                .hint("the first line is `GET /users HTTP/1.1`, then headers as `Name: value`, then an empty line; a URL has no spaces; the server speaks http, not https"),
        ),
        "414" => Some(Problem::new(problem::TARGET_TOO_LONG, "the URL is longer than 65,534 bytes")),
        "431" => Some(Problem::new(problem::HEADERS_TOO_LARGE, "the request's line and headers are larger or more than the server takes")),
        _ => None,
    }
}

impl<T: Write + Unpin> Framing<T> {
    /// Writes what takes the place of `head`, if something does; then `head` counts as written.
    fn write_instead(&mut self, context: &mut Context<'_>, head: &[u8]) -> Poll<Option<io::Result<usize>>> {
        if self.instead.is_none() {
            let Some(problem) = problem(head) else { return Poll::Ready(None) };
            let response = problem.into_response();
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
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
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
