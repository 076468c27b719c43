//! Connections: hyper over warp's service, with limits and an orderly stop.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower_service::Service;
use warp::http::header::CONNECTION;

use super::App;
use super::events;
use super::filter::{Arrival, filter};
use super::framing::{Framing, Progress};

/// How many headers hyper takes when nothing is said.
const USUAL_HEADER_COUNT: usize = 100;

/// The smallest buffer that hyper reads with.
const SMALLEST_BUFFER: usize = 8192;
/// How long a connection that the server ends may go on sending, and how many bytes.
const LINGER: Duration = Duration::from_secs(5);
const MOST_LINGERED: u64 = 64 * 1024 * 1024;

/// What a client may ask of the server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a request's line and headers together.
    pub headers: usize,
    /// How many headers a request may have.
    pub header_count: usize,
    /// How long a connection may wait for the end of a request's headers, or for its client to take in more of an
    /// answer. The next look at it may come half as much later.
    pub header_time: Duration,
    /// From the headers to the end of the body.
    pub body_time: Duration,
    /// How long an answer may wait for a client that does not read.
    pub write_time: Duration,
    /// Connections at a time; further ones wait.
    pub connections: usize,
    /// How long a stop waits for what is under way.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            headers: 64 * 1024,
            header_count: USUAL_HEADER_COUNT,
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            write_time: Duration::from_secs(30),
            connections: 10_000,
            grace: Duration::from_secs(2),
        }
    }
}

/// Serves `app` on `listeners` until `stop` holds `true`; then finishes what is under way within the grace period.
pub async fn serve(listeners: Vec<TcpListener>, app: Arc<App>, limits: Limits, stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(limits.connections.clamp(1, Semaphore::MAX_PERMITS)));
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    let accepting: Vec<_> = listeners
        .into_iter()
        .map(|listener| tokio::spawn(accept(listener, app.clone(), limits.clone(), places.clone(), stop.clone())))
        .collect();
    for task in accepting {
        // A task that panicked accepts nothing any more.
        let _ = task.await;
    }
    // Every connection holds a place until it has ended.
    let _ = tokio::time::timeout(limits.grace, places.acquire_many(all.max(1))).await;
}

async fn accept(
    listener: TcpListener,
    app: Arc<App>,
    limits: Limits,
    places: Arc<Semaphore>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            next = next => next,
        };
        let Ok((stream, remote)) = accepted else {
            // Out of file descriptors, or the client is gone already: others may end meanwhile.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let arrival = Arc::new(Arrival::default());
        let filter = filter(app.clone(), (arrival.clone(), remote), limits.body_time, stop.clone());
        let service = warp::service(filter);
        let progress = Arc::new(Progress::default());
        let watched = progress.clone();
        let serve = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            watched.busy();
            let version = request.version();
            arrival.put(std::mem::take(request.uri_mut()), version, std::mem::take(request.headers_mut()));
            let watched = watched.clone();
            service.clone().call(request).inspect(move |answer| match answer {
                // A stream of events goes on for as long as the client wants it; only its writes may stall.
                Ok(answer) if events::is_stream(answer) => {}
                Ok(answer) if answer.headers().contains_key(CONNECTION) => watched.ends(),
                _ => watched.waits(),
            })
        });
        let (limits, stop) = (limits.clone(), stop.clone());
        let app = app.clone();
        tokio::spawn(async move {
            // Without this a small answer may wait for the acknowledgement of the one before.
            let _ = stream.set_nodelay(true);
            let io = Framing::new(TokioIo::new(stream), (app, progress.clone()), (limits.headers, limits.write_time));
            converse((io, progress), serve, &limits, stop).await;
            drop(place);
        });
    }
}

async fn converse<S>(
    (io, progress): (Framing<TokioIo<TcpStream>>, Arc<Progress>),
    service: S,
    limits: &Limits,
    mut stop: watch::Receiver<bool>,
) where
    S: hyper::service::Service<hyper::Request<hyper::body::Incoming>, Response = warp::reply::Response> + Send,
    S::Future: Send,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut http = hyper::server::conn::http1::Builder::new();
    http.header_read_timeout(None).max_header_size(limits.headers).max_buf_size(limits.headers.max(SMALLEST_BUFFER));
    if limits.header_count != USUAL_HEADER_COUNT {
        // A count of one's own makes hyper clear room for so many before every request.
        http.max_headers(limits.header_count);
    }
    let mut connection = http.serve_connection(io, service);
    let ended = tokio::select! {
        biased;
        ended = &mut connection => Some(ended),
        () = stall(&progress, limits.header_time) => return,
        _ = stop.wait_for(|stop| *stop) => None,
    };
    let Some(ended) = ended else {
        Pin::new(&mut connection).graceful_shutdown();
        let _ = tokio::time::timeout(limits.grace, connection).await;
        return;
    };
    // An error is the client's: it went away, or what it sent was not HTTP and has been answered.
    let is_unread = ended.is_err_and(|error| error.is_parse());
    if is_unread || progress.has_ended() {
        let stream = connection.into_parts().io.into_inner(is_unread).into_inner();
        tokio::select! {
            () = linger(stream) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// Closes a connection whose client may still be sending: a socket that is closed with unread input resets the
/// connection, and the client loses the answer that says why.
async fn linger(mut stream: TcpStream) {
    // The client may be gone, then there is nothing to wait for.
    if stream.shutdown().await.is_ok() {
        let mut rest = stream.take(MOST_LINGERED);
        let _ = tokio::time::timeout(LINGER, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    }
}

/// Returns when the client has let `limit` pass.
async fn stall(progress: &Progress, limit: Duration) {
    let mut looks = tokio::time::interval((limit / 2).max(Duration::from_millis(1)));
    looks.tick().await;
    let mut stalled = 0;
    while stalled < 2 {
        looks.tick().await;
        stalled = if progress.has_stalled() { stalled + 1 } else { 0 };
    }
}
