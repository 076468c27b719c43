//! What the routes and the socket of a connection know of each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Context;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use warp::http::Method;

/// What the routes are doing on a connection, as far as its stream must know.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// A request is being answered.
    is_busy: AtomicBool,
    /// That request may change the data.
    is_write: AtomicBool,
    /// The answer is delayed, which costs nothing.
    is_delayed: AtomicBool,
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
        self.is_delayed.store(false, Ordering::Relaxed);
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

    /// A response that has an end is being sent until this is dropped.
    pub(super) fn sending(self: &Arc<Progress>) -> Sending {
        self.is_sending.store(true, Ordering::Release);
        Sending(self.clone())
    }

    /// Bytes of a request have arrived.
    pub(super) fn set_begun(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
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

    /// The client sends nothing more. Who asks is woken when there is a response, and when it has been sent.
    pub(super) fn poll_at_end(&self, context: &Context<'_>) -> AtEnd {
        self.is_ended.store(true, Ordering::Release);
        self.body.wake();
        self.reader.register(context.waker());
        match self.is_busy.load(Ordering::Acquire) {
            true if self.is_write.load(Ordering::Relaxed) => AtEnd::Writing,
            true if self.is_delayed.load(Ordering::Acquire) => AtEnd::Delayed,
            true => AtEnd::Reading,
            false if self.is_sending.load(Ordering::Acquire) => AtEnd::Sending,
            false => AtEnd::Idle,
        }
    }

    /// Wakes who waits for the end of a response.
    pub(super) fn wake_reader(&self) {
        self.reader.wake();
    }

    /// Whether a head has become complete. True once for each.
    pub(super) fn take_head(&self) -> bool {
        self.has_head.load(Ordering::Relaxed) && self.has_head.swap(false, Ordering::Relaxed)
    }

    /// Whether what arrives is the head of a request.
    pub(super) fn expects_head(&self) -> bool {
        !self.is_busy.load(Ordering::Relaxed) && !self.is_discarding.load(Ordering::Relaxed)
    }
}

tokio::task_local! {
    /// That of the connection on which the request came that the task answers.
    pub(super) static CURRENT: Arc<Progress>;
}

/// Waits before a request is answered. Its client may have gone: nothing is lost by that but the time.
pub(super) async fn delay(time: Duration) {
    let progress = CURRENT.try_with(Arc::clone).unwrap_or_default();
    progress.is_delayed.store(true, Ordering::Release);
    tokio::time::sleep(time).await;
    progress.is_delayed.store(false, Ordering::Release);
    progress.reader.wake();
}

/// What is still to be done when the client sends nothing more.
pub(super) enum AtEnd {
    /// A request that may change the data is being answered.
    Writing,
    /// A request waits for its answer to be due.
    Delayed,
    /// Another request is being answered.
    Reading,
    /// A response is being sent.
    Sending,
    Idle,
}

/// A response that is being sent: as long as this is there, the end of what the client sends does not end the connection.
pub(super) struct Sending(Arc<Progress>);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.is_sending.store(false, Ordering::Release);
        self.0.reader.wake();
    }
}
