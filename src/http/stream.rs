//! The TCP stream of a connection: how long a client may take to send the head of a request, and what it means that a
//! client has ended its side.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;
use warp::http::Method;

/// How long the answer to a read may take whose client sends nothing more.
const READ_AT_END: Duration = Duration::from_secs(1);

/// What the routes are doing on a connection, as far as its stream must know.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// A request is being answered.
    is_busy: AtomicBool,
    /// That request may change the data.
    is_write: AtomicBool,
    /// A head is complete, of which the stream does not know yet.
    has_head: AtomicBool,
    /// The body of a request that has its response is still being read.
    is_discarding: AtomicBool,
    /// A response is ready, and no request has come since.
    is_answered: AtomicBool,
    /// The response is the last one of the connection.
    is_last: AtomicBool,
    /// A response that has an end is not yet with the stream as a whole.
    is_sending: AtomicBool,
    /// The client sends nothing more.
    is_ended: AtomicBool,
    /// Bytes of a request have arrived.
    has_begun: AtomicBool,
    /// Who reads the body, and waits for more of it.
    body: AtomicWaker,
    /// Who reads the stream, and waits for the response.
    reader: AtomicWaker,
}

impl Progress {
    /// A request is being answered.
    pub(super) fn set_busy(&self, method: &Method) {
        let is_read = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        self.is_write.store(!is_read, Ordering::Relaxed);
        self.is_answered.store(false, Ordering::Relaxed);
        self.has_head.store(true, Ordering::Relaxed);
        self.is_busy.store(true, Ordering::Relaxed);
    }

    /// There is a response.
    pub(super) fn set_answered(&self, is_last: bool) {
        self.is_last.store(is_last, Ordering::Relaxed);
        self.is_answered.store(true, Ordering::Relaxed);
        self.is_busy.store(false, Ordering::Release);
        self.reader.wake();
    }

    /// `body`, a response's that has an end, is being sent until it is dropped.
    pub(super) fn sending<B>(self: &Arc<Progress>, body: B) -> Sending<B> {
        self.is_sending.store(true, Ordering::Release);
        Sending {
            body,
            progress: Some(self.clone()),
        }
    }

    /// Whether bytes of a request have arrived on the connection.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// Whether the rest of a body is being read, whose request has its response.
    pub(super) fn set_discarding(&self, is_discarding: bool) {
        self.is_discarding.store(is_discarding, Ordering::Relaxed);
    }

    /// Whether the server closes the connection after its last response, even if the client is still sending.
    pub(super) fn is_last(&self) -> bool {
        self.is_last.load(Ordering::Relaxed)
    }

    /// Whether the next read starts a request. True once for each response.
    pub(super) fn take_answered(&self) -> bool {
        self.is_answered.load(Ordering::Relaxed) && self.is_answered.swap(false, Ordering::Relaxed)
    }

    /// Whether the client sends nothing more; otherwise who asks is woken when that becomes so.
    pub(super) fn poll_ended(&self, context: &Context<'_>) -> bool {
        self.body.register(context.waker());
        self.is_ended.load(Ordering::Acquire)
    }

    /// The client sends nothing more. Whether a request is being answered; then who asks is woken when there is a response.
    fn poll_busy_at_end(&self, context: &Context<'_>) -> bool {
        self.is_ended.store(true, Ordering::Release);
        self.body.wake();
        self.reader.register(context.waker());
        self.is_busy.load(Ordering::Acquire)
    }

    /// Whether a head has become complete. True once for each.
    fn take_head(&self) -> bool {
        self.has_head.load(Ordering::Relaxed) && self.has_head.swap(false, Ordering::Relaxed)
    }

    /// Whether what arrives is the head of a request.
    fn expects_head(&self) -> bool {
        !self.is_busy.load(Ordering::Relaxed) && !self.is_discarding.load(Ordering::Relaxed)
    }
}

/// The body of a response. As long as it is there, the end of what the client sends does not end the connection.
pub(super) struct Sending<B> {
    body: B,
    /// `None` for a body without an end.
    progress: Option<Arc<Progress>>,
}

impl<B> Sending<B> {
    /// A body without an end: only the client can end it.
    pub(super) fn endless(body: B) -> Sending<B> {
        Sending {
            body,
            progress: None,
        }
    }
}

impl<B: Body + Unpin> Body for Sending<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Sending<B> {
    fn drop(&mut self) {
        if let Some(progress) = &self.progress {
            progress.is_sending.store(false, Ordering::Release);
            progress.reader.wake();
        }
    }
}

/// A stream that reports to its [`Progress`].
pub(super) struct Stream<T> {
    inner: T,
    progress: Arc<Progress>,
    header_time: Duration,
    /// When the head of the request must be there, once its first byte is; a new connection must send one.
    header_timer: Option<Pin<Box<Sleep>>>,
    /// Until when a read is answered whose client sends nothing more.
    end_timer: Option<Pin<Box<Sleep>>>,
    /// A write waits for the client to read.
    is_blocked: bool,
}

impl<T> Stream<T> {
    /// A head may take `header_time`.
    pub(super) fn new(inner: T, progress: Arc<Progress>, header_time: Duration) -> Stream<T> {
        Stream {
            inner,
            progress,
            header_time,
            header_timer: Some(Box::pin(tokio::time::sleep(header_time))),
            end_timer: None,
            is_blocked: false,
        }
    }

    /// Waits at the end of what the client sends while a request is answered and the response is sent: hyper would take
    /// it for the end of the connection and drop both. A client that has gone looks the same, so that a read does not wait
    /// for its response for long; once that is sent, the writes fail.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.progress.poll_busy_at_end(context) {
            let is_sending = self.progress.is_sending.load(Ordering::Acquire);
            return match is_sending || self.is_blocked {
                true => Poll::Pending,
                false => Poll::Ready(()),
            };
        }
        if self.progress.is_write.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        self.end_timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(READ_AT_END)))
            .as_mut()
            .poll(context)
    }

    /// Notes whether a write waits, and wakes whoever waits for the end of the writes.
    fn note(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if std::mem::replace(&mut self.is_blocked, written.is_pending()) && written.is_ready() {
            self.progress.reader.wake();
        }
        written
    }

    /// The stream itself.
    pub(super) fn into_inner(self) -> T {
        self.inner
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let expects_head = this.progress.expects_head();
        if this.progress.take_head() || !expects_head {
            this.header_timer = None;
        }
        let before = buffer.filled().len();
        match Pin::new(&mut this.inner).poll_read(context, buffer) {
            Poll::Ready(Ok(())) if buffer.filled().len() == before => {
                this.poll_end(context).map(Ok)
            }
            Poll::Ready(Ok(())) => {
                this.progress.has_begun.store(true, Ordering::Relaxed);
                if expects_head && this.header_timer.is_none() {
                    this.header_timer = Some(Box::pin(tokio::time::sleep(this.header_time)));
                }
                Poll::Ready(Ok(()))
            }
            Poll::Pending => match &mut this.header_timer {
                Some(timer) => timer
                    .as_mut()
                    .poll(context)
                    .map(|()| Err(io::ErrorKind::TimedOut.into())),
                None => Poll::Pending,
            },
            failed => failed,
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Stream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, buffers);
        self.note(written)
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
