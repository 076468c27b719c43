//! Connections: hyper over the routes, with limits and a graceful stop.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Body;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tower_service::Service;
use warp::http::header::{CONNECTION, CONTENT_LENGTH};

use super::app::App;
use super::behave::Cut;
use super::routes::{prepare, routes};
use super::settings::{DEFAULT_HEADER_COUNT, Limits};
use super::socket::Socket;
use super::stream::{Progress, Sending, Stream};

/// The smallest buffer that hyper reads with.
const MIN_BUFFER: usize = 8192;
/// How long a new client waits for a place before an older one has to go.
const PATIENCE: Duration = Duration::from_millis(20);
/// Descriptors that connections leave to files, and how many are open at the start where that cannot be counted.
#[cfg(unix)]
const RESERVE: usize = 64;
#[cfg(unix)]
const USUALLY_OPEN: usize = 16;
/// How long a client may go on sending on a connection that the server closes, and how many bytes.
const LINGER: Duration = Duration::from_secs(5);
const MAX_LINGERED: u64 = 64 * 1024 * 1024;

/// Serves `app` on `listeners` until `stop` holds `true`; then finishes requests in progress within the grace period.
pub async fn serve(
    listeners: Vec<TcpListener>,
    app: Arc<App>,
    limits: Limits,
    stop: watch::Receiver<bool>,
) {
    let all = limits
        .connections
        .min(descriptors())
        .clamp(1, Semaphore::MAX_PERMITS);
    let places = Arc::new(Semaphore::new(all));
    let all = u32::try_from(all).unwrap_or(u32::MAX);
    let crowd = Arc::new(Notify::new());
    let accepting: Vec<_> = listeners
        .into_iter()
        .map(|listener| {
            tokio::spawn(accept(
                listener,
                app.clone(),
                limits.clone(),
                (places.clone(), crowd.clone()),
                stop.clone(),
            ))
        })
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
    (places, crowd): (Arc<Semaphore>, Arc<Notify>),
    mut stop: watch::Receiver<bool>,
) {
    let routes = routes(&app, limits.body_time, &stop);
    loop {
        let next = async {
            let accepted = listener.accept().await;
            (place(&places, &crowd).await, accepted)
        };
        let (place, accepted) = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            next = next => next,
        };
        let Ok((stream, remote)) = accepted else {
            // Out of file descriptors, or the client is gone already: other connections may end meanwhile.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let progress = Arc::new(Progress::default());
        let (service, reported, owner) =
            (warp::service(routes.clone()), progress.clone(), app.clone());
        let stopping = stop.clone();
        let service = hyper::service::service_fn(
            move |mut request: hyper::Request<hyper::body::Incoming>| {
                reported.set_busy(request.method());
                prepare(&owner, &mut request, Some(remote), &reported);
                let reported = reported.clone();
                let mut stopping = stopping.clone();
                let answer = service.clone().call(request);
                async move {
                    let Ok(response) = answer.await;
                    if let Some(cut) = response.extensions().get::<Cut>() {
                        if *cut == Cut::Hang {
                            // It is dropped when the client goes.
                            let _ = stopping.wait_for(|stop| *stop).await;
                        }
                        return Err(std::io::Error::other("closed by a rule"));
                    }
                    reported.set_answered(response.headers().contains_key(CONNECTION));
                    let has_end = response.headers().contains_key(CONTENT_LENGTH)
                        || response.body().size_hint().exact().is_some();
                    Ok(response.map(|body| match has_end {
                        true => reported.sending(body),
                        false => Sending::endless(body),
                    }))
                }
            },
        );
        let (limits, stop, app) = (limits.clone(), stop.clone(), app.clone());
        let crowd = crowd.clone();
        tokio::spawn(async move {
            // Without this a small response may wait for the acknowledgement of the one before.
            let _ = stream.set_nodelay(true);
            let stream = Stream::new(stream, progress.clone(), limits.header_time);
            let socket = Socket::new(TokioIo::new(stream), app, progress.clone(), &limits);
            serve_connection(socket, service, &progress, &limits, (stop, &crowd)).await;
            drop(place);
        });
    }
}

/// A place for a connection. If there is none, the oldest connections are asked to go, one after the other.
async fn place(places: &Arc<Semaphore>, crowd: &Notify) -> Option<OwnedSemaphorePermit> {
    loop {
        let place = places.clone().acquire_owned();
        match tokio::time::timeout(PATIENCE, place).await {
            // It is never closed.
            Ok(place) => return place.ok(),
            Err(_) => crowd.notify_one(),
        }
    }
}

/// How many connections there may be so that other files can be opened, too: those of a save, and static ones.
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

async fn serve_connection<S, B>(
    socket: Socket<TokioIo<Stream<TcpStream>>>,
    service: S,
    progress: &Progress,
    limits: &Limits,
    (mut stop, crowd): (watch::Receiver<bool>, &Notify),
) where
    S: hyper::service::Service<
            hyper::Request<hyper::body::Incoming>,
            Response = hyper::Response<B>,
        > + Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        // From the last response to the head of the next request.
        .header_read_timeout(limits.idle_time.max(limits.header_time))
        .max_header_size(limits.headers)
        .max_buf_size(limits.headers.max(MIN_BUFFER));
    if limits.header_count != DEFAULT_HEADER_COUNT {
        // hyper allocates room for this many before every request.
        http.max_headers(limits.header_count);
    }
    let mut connection = http.serve_connection(socket, service);
    let mut may_stay = true;
    let ended = loop {
        tokio::select! {
            biased;
            ended = &mut connection => break Some(ended),
            _ = stop.wait_for(|stop| *stop) => break None,
            () = crowd.notified(), if may_stay => {
                // Others wait for a place. A connection between two requests ends now, another one after its response;
                // for hyper one before its first request is not between two.
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
    // An error is the client's: it went away, or sent what is not HTTP and has its response.
    let is_unread = ended.is_err_and(|error| error.is_parse());
    if is_unread || progress.is_last() {
        let stream = connection
            .into_parts()
            .io
            .into_inner(is_unread)
            .into_inner()
            .into_inner();
        tokio::select! {
            () = linger(stream) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// Closes a connection whose client may still be sending. A socket that is closed with unread input resets the
/// connection, and the client loses the response.
async fn linger(mut stream: TcpStream) {
    // The client may be gone, then there is nothing to wait for.
    if stream.shutdown().await.is_ok() {
        let mut rest = stream.take(MAX_LINGERED);
        let _ =
            tokio::time::timeout(LINGER, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    }
}
