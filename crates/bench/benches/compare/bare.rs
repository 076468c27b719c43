//! The baselines: a bare warp route that responds with fixed bytes, and one that saves a file before it responds.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;
use warp::Filter;
use warp::http::{HeaderName, HeaderValue, Response, StatusCode};

use super::Outcome;

/// Serves the response in `file` on `address`: headers (none, for a bare route), an empty line, the body. With `saved`,
/// the response to a POST waits until that file holds the body.
pub fn serve(address: SocketAddr, file: &str, saved: Option<&str>) -> Outcome<()> {
    let text = std::fs::read(file)?;
    let split = memchr::memmem::find(&text, b"\n\n").ok_or("the answer has no empty line")?;
    let mut headers = Vec::new();
    for line in std::str::from_utf8(&text[..split])?.lines() {
        let (name, value) = line.split_once(": ").ok_or("a header has no colon")?;
        headers.push((HeaderName::try_from(name)?, HeaderValue::try_from(value)?));
    }
    let body = Bytes::from(text).slice(split + 2..);
    let answer = move |status: StatusCode| {
        let mut response = Response::new(body.clone());
        *response.status_mut() = status;
        for (name, value) in &headers {
            response.headers_mut().append(name, value.clone());
        }
        response
    };
    let read = answer.clone();
    let get = warp::get()
        .and(warp::path("users"))
        .map(move || read(StatusCode::OK));
    let saver = saved
        .map(|path| Saver::start(Path::new(path)))
        .transpose()?;
    let post = warp::post()
        .and(warp::path("users"))
        .and(warp::body::bytes())
        .then(move |body: Bytes| {
            let answer = answer.clone();
            let done = saver.as_ref().map(|saver| saver.save(body));
            async move {
                let saved = match done {
                    Some(done) => done.await.is_ok(),
                    None => true,
                };
                answer(if saved {
                    StatusCode::CREATED
                } else {
                    StatusCode::INTERNAL_SERVER_ERROR
                })
            }
        });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind(address).await?;
        warp::serve(get.or(post).unify())
            .incoming(listener)
            .run()
            .await;
        Ok(())
    })
}

/// A thread that saves bodies to a file in batches, with the steps of a durable save: write a new file, fsync, rename,
/// fsync the folder.
#[derive(Clone)]
struct Saver(mpsc::Sender<Job>);

type Job = (Bytes, oneshot::Sender<()>);

impl Saver {
    fn start(path: &Path) -> Outcome<Saver> {
        let (sender, receiver) = mpsc::channel();
        let (path, first) = (path.to_path_buf(), std::fs::read(path)?);
        std::thread::spawn(move || {
            save_all(&receiver, &path, &first).expect("the yardstick can save")
        });
        Ok(Saver(sender))
    }

    fn save(&self, body: Bytes) -> oneshot::Receiver<()> {
        let (reply, done) = oneshot::channel();
        // If the thread is gone, the receiver reports it.
        let _ = self.0.send((body, reply));
        done
    }
}

fn save_all(receiver: &mpsc::Receiver<Job>, path: &Path, first: &[u8]) -> std::io::Result<()> {
    let (mut text, mut records) = (first.to_vec(), 0);
    let (mut count, mut time) = (0, Duration::ZERO);
    while let Ok(job) = receiver.recv() {
        let mut jobs: Vec<Job> = std::iter::once(job).chain(receiver.try_iter()).collect();
        // Clients of the last save are about to send their next request.
        let end = Instant::now() + time / 2;
        while jobs.len() < count
            && let Ok(job) = receiver.recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            jobs.push(job);
            jobs.extend(receiver.try_iter());
        }
        let start = Instant::now();
        if records >= super::rates::TOGETHER {
            text.truncate(first.len());
            records = 0;
        }
        for (body, _) in &jobs {
            text.extend_from_slice(body);
        }
        records += jobs.len();
        put(path, &text)?;
        (count, time) = (jobs.len(), start.elapsed());
        for (_, reply) in jobs {
            let _ = reply.send(());
        }
    }
    Ok(())
}

fn put(path: &Path, text: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let new: PathBuf = path.with_extension("new");
    let mut file = std::fs::File::create(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
