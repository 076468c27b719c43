//! Connections: hyper over the routes, with limits and a graceful stop.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tower_service::Service;
use warp::http::header::{CONNECTION, CONTENT_LENGTH};
use warp::http::{Request, Response};
use warp::reply::Response as WarpResponse;

use super::app::App;
use super::request::{CURRENT, Progress};
use super::route_rules::Cut;
use super::routes::{prepare, routes};
use super::settings::{DEFAULT_HEADER_COUNT, Limits};
use super::socket::Socket;

/// The smallest buffer that hyper reads with.
const MIN_BUFFER: usize = 8192;
/// How long a new client waits for a free connection before the oldest one is closed.
const PERMIT_WAIT: Duration = Duration::from_millis(20);
/// File descriptors that are reserved for files, and how many are assumed open at the start if they cannot be counted.
#[cfg(unix)]
const RESERVE: usize = 128;
#[cfg(unix)]
const USUALLY_OPEN: usize = 16;
/// How long a client may go on sending on a connection that the server closes (lingering close), and how many bytes.
const LINGER: Duration = Duration::from_secs(5);
const MAX_LINGERED: u64 = 64 * 1024 * 1024;

/// Serves `app` on `listeners` until `stop` holds `true`; then finishes requests in progress within the grace period.
pub async fn serve(
    listeners: Vec<TcpListener>,
    app: Arc<App>,
    limits: Limits,
    stop: watch::Receiver<bool>,
) {
    let all = limits.connections.min(descriptors());
    // The semaphore and `acquire_many` have lower limits.
    let all = u32::try_from(all.clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
    let grace = limits.grace;
    let shared = Shared {
        permits: Arc::new(Semaphore::new(all as usize)),
        make_room: Arc::new(Notify::new()),
        limits: Arc::new(limits),
        app,
        stop,
    };
    let accepting: Vec<_> = listeners
        .into_iter()
        .map(|listener| tokio::spawn(shared.clone().accept(listener)))
        .collect();
    for task in accepting {
        // A task that panicked accepts no more connections.
        let _ = task.await;
    }
    // Every connection holds a permit until it has ended.
    let _ = tokio::time::timeout(grace, shared.permits.acquire_many(all)).await;
}

/// The state that all connections share.
#[derive(Clone)]
struct Shared {
    app: Arc<App>,
    limits: Arc<Limits>,
    permits: Arc<Semaphore>,
    /// Asks a connection to close for another one.
    make_room: Arc<Notify>,
    stop: watch::Receiver<bool>,
}

impl Shared {
    async fn accept(mut self, listener: TcpListener) {
        let routes = routes(&self.app, self.limits.body_time, &self.stop);
        loop {
            let next = async {
                let accepted = listener.accept().await;
                (
                    connection_permit(&self.permits, &self.make_room).await,
                    accepted,
                )
            };
            let (permit, accepted) = tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => return,
                next = next => next,
            };
            let Ok((stream, remote)) = accepted else {
                // Out of file descriptors, or the client is gone already. Other connections may end soon.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let (shared, routes) = (self.clone(), warp::service(routes.clone()));
            let progress = Arc::new(Progress::default());
            let connection = shared.connection(stream, remote, routes, progress.clone());
            tokio::spawn(async move {
                CURRENT.scope(progress, connection).await;
                drop(permit);
            });
        }
    }

    /// Serves a connection until it ends.
    async fn connection<S>(
        self,
        stream: TcpStream,
        remote: SocketAddr,
        routes: S,
        progress: Arc<Progress>,
    ) where
        S: Service<Request<Incoming>, Response = WarpResponse, Error = Infallible> + Clone + Send,
        S::Future: Send,
    {
        // Otherwise a small response may wait for the TCP acknowledgement of the previous one (Nagle).
        let _ = stream.set_nodelay(true);
        let (limits, app) = (self.limits.clone(), self.app.clone());
        let socket = Socket::new(stream, app.clone(), progress.clone(), limits.clone());
        let (current, stop) = (&progress, &self.stop);
        let service = service_fn(|mut request| {
            current.set_busy(request.method());
            prepare(&app, &mut request, Some(remote), current);
            let response = routes.clone().call(request);
            async move {
                let Ok(response) = response.await;
                sent(response, current, stop).await
            }
        });
        let mut connection = http(&limits).serve_connection(TokioIo::new(socket), service);
        let (mut may_stay, mut stop) = (true, self.stop.clone());
        let ended = loop {
            tokio::select! {
                biased;
                ended = &mut connection => break Some(ended),
                _ = stop.wait_for(|stop| *stop) => break None,
                () = self.make_room.notified(), if may_stay => {
                    // Others wait for a permit. An idle connection ends now, a busy one after its response. hyper does
                    // not consider a connection before its first request idle.
                    if !progress.has_begun() {
                        return;
                    }
                    may_stay = false;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        let Some(ended) = ended else {
            Pin::new(&mut connection).graceful_shutdown();
            let _ = tokio::time::timeout(limits.grace, connection).await;
            return;
        };
        // An error is the client's: it disconnected, or sent what is not HTTP and has its response.
        let is_unread = ended.is_err_and(|error| error.is_parse());
        if is_unread || progress.is_last() {
            let socket = connection.into_parts().io.into_inner();
            tokio::select! {
                () = linger(socket.into_inner(is_unread)) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }
}

/// The response as hyper sends it.
///
/// # Errors
/// A rule of the routes file closes the connection without a response.
async fn sent(
    response: WarpResponse,
    progress: &Arc<Progress>,
    stop: &watch::Receiver<bool>,
) -> io::Result<Response<impl Body<Data = Bytes, Error = warp::Error> + use<>>> {
    if let Some(cut) = response.extensions().get::<Cut>() {
        if *cut == Cut::Hang {
            // It is dropped when the client disconnects.
            let _ = stop.clone().wait_for(|stop| *stop).await;
        }
        return Err(io::Error::other("closed by a rule"));
    }
    progress.set_answered(response.headers().contains_key(CONNECTION));
    // A body without an end: only the client can end it.
    let has_end = response.headers().contains_key(CONTENT_LENGTH)
        || response.body().size_hint().exact().is_some();
    let sending = has_end.then(|| progress.sending());
    // `sending` is dropped with the body.
    Ok(response.map(|body| {
        body.map_err(move |error| {
            let _ = &sending;
            error
        })
    }))
}

fn http(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        // From the last response to the head of the next request.
        .header_read_timeout(limits.idle_time.max(limits.header_time))
        .max_header_size(limits.headers)
        .max_buf_size(limits.headers.max(MIN_BUFFER));
    if limits.header_count != DEFAULT_HEADER_COUNT {
        // hyper allocates room for this many before every request.
        http.max_headers(limits.header_count);
    }
    http
}

/// A permit for a connection. If there is none, the oldest connections are asked to close, one after the other.
async fn connection_permit(
    permits: &Arc<Semaphore>,
    make_room: &Notify,
) -> Option<OwnedSemaphorePermit> {
    loop {
        let permit = permits.clone().acquire_owned();
        match tokio::time::timeout(PERMIT_WAIT, permit).await {
            // It is never closed.
            Ok(permit) => return permit.ok(),
            Err(_) => make_room.notify_one(),
        }
    }
}

/// How many connections there may be, given the limit of file descriptors and those that saves and static files need.
fn descriptors() -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        let limit = getrlimit(Resource::Nofile).current;
        let limit = limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        let open = std::fs::read_dir("/dev/fd").map_or(USUALLY_OPEN, Iterator::count);
        limit
            .saturating_sub(open)
            .saturating_sub(RESERVE.min(limit / 3))
    }
    #[cfg(not(unix))]
    usize::MAX
}

/// Closes a connection whose client may still be sending. A socket that is closed with unread input resets the
/// connection, and the client loses the response.
async fn linger(mut stream: TcpStream) {
    // The client may have disconnected; then there is nothing to wait for.
    if stream.shutdown().await.is_ok() {
        let mut rest = stream.take(MAX_LINGERED);
        let _ =
            tokio::time::timeout(LINGER, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    }
}
