//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a repeated POST gets the response of the first, and
//! is not carried out again.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use warp::http::{HeaderName, Method, Response, header};

use super::body;
use super::costly;
use super::problem::{self, Problem};
use super::request::Request;
use crate::engine::Rulebook;
use crate::json::fingerprint;
use crate::memory::BoundedQueue;

/// How many keys are kept.
const MAX_KEYS: usize = 1000;
/// How long a key is kept.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest key.
const MAX_KEY: usize = 255;

const NAME: HeaderName = HeaderName::from_static("idempotency-key");

/// The user, and the key.
type Key = (String, String);

/// The keys of the last writes.
#[derive(Debug, Clone)]
pub(super) struct Keys(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    /// Requests that are being carried out, with a hash of what was sent.
    running: HashMap<Key, u64>,
    done: BoundedQueue<Done>,
    /// The rules under which the writes were carried out; other rules may hide what is in the responses.
    rulebook: Option<Arc<Rulebook>>,
}

/// A write that was carried out.
#[derive(Debug)]
struct Done {
    key: Key,
    at: Instant,
    /// A hash of what was sent.
    sent: u64,
    response: Response<Bytes>,
}

impl Keys {
    /// No keys yet; the cached responses may use `most_bytes`.
    pub(super) fn new(most_bytes: usize) -> Keys {
        Keys(Arc::new(Mutex::new(Kept {
            running: HashMap::new(),
            rulebook: None,
            done: BoundedQueue::new(MAX_KEYS, most_bytes),
        })))
    }

    /// Drops all keys of finished writes.
    pub(super) fn clear(&self) {
        self.0.lock().done.clear();
    }

    /// Begins `request` with `key` of `user`.
    ///
    /// # Errors
    /// The key belongs to another request, or to one that is still running.
    pub(super) fn begin(
        &self,
        rulebook: &Arc<Rulebook>,
        request: &Request,
        user: String,
        key: &str,
    ) -> Result<Begun, Problem> {
        if key.len() > MAX_KEY {
            let detail = format!("the Idempotency-Key has more than {MAX_KEY} bytes");
            return Err(Problem::new(problem::BAD_REQUEST, detail).hint("use a UUID"));
        }
        let key = (user, key.to_string());
        let kind = request.header(header::CONTENT_TYPE).unwrap_or_default();
        let mut sent = format!("{}\n{kind}\n", request.target()).into_bytes();
        sent.extend_from_slice(body::whole(request)?);
        let sent = fingerprint(&sent);

        let mut kept = self.0.lock();
        let kept = &mut *kept;
        let before = kept.rulebook.replace(rulebook.clone());
        if !before.is_some_and(|before| Arc::ptr_eq(&before, rulebook)) {
            kept.done.clear();
        }
        let mut all = kept.done.iter();
        let done = all.find(|done| done.key == key && done.at.elapsed() < LIFE);
        let running = || kept.running.get(&key).copied();
        let first = done.map(|done| done.sent).or_else(running);
        if first.is_some_and(|first| first != sent) {
            let detail = "the Idempotency-Key was sent before, with another URL or body";
            let problem = Problem::new(problem::KEY_REUSED, detail);
            return Err(problem.hint("use a new key for a new request"));
        }
        if let Some(done) = done {
            return Ok(Begun::Done(done.response.clone()));
        }
        if kept.running.insert(key.clone(), sent).is_some() {
            let detail = "the request with this Idempotency-Key is still being carried out";
            let problem = Problem::new(problem::KEY_BUSY, detail);
            return Err(problem.hint("send it again a little later"));
        }
        let keys = self.clone();
        Ok(Begun::New(Running { keys, key, sent }))
    }
}

/// A request that is being carried out. Dropping it lets the request be sent again.
pub(super) struct Running {
    keys: Keys,
    key: Key,
    sent: u64,
}

impl Running {
    fn finish(&self, response: &Response<Bytes>) {
        let bytes = response.body().len() + self.key.0.len() + self.key.1.len();
        let done = Done {
            key: self.key.clone(),
            at: Instant::now(),
            sent: self.sent,
            response: response.clone(),
        };
        self.keys.0.lock().done.push(done, bytes);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.keys.0.lock().running.remove(&self.key);
    }
}

/// The key of `request`, if it is a POST and has one.
pub(super) fn key(request: &Request) -> Option<&str> {
    if request.method != Method::POST {
        return None;
    }
    let value = request.header(NAME)?.trim();
    let bare = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    Some(bare.unwrap_or(value)).filter(|key| !key.is_empty())
}

/// A request with a key.
pub(super) enum Begun {
    /// It was carried out before, with this response.
    Done(Response<Bytes>),
    /// It is to be carried out now.
    New(Running),
}

impl Begun {
    /// The cached response, or that of `carry_out`, which is not cancelled if the client disconnects.
    pub(super) async fn answer(
        self,
        carry_out: impl Future<Output = Result<Response<Bytes>, Problem>> + Send + 'static,
    ) -> Result<Response<Bytes>, Problem> {
        let running = match self {
            Begun::Done(response) => return Ok(response),
            Begun::New(running) => running,
        };
        let task = tokio::spawn(async move {
            let reply = carry_out.await;
            if let Ok(response) = &reply
                && response.status().is_success()
            {
                running.finish(response);
            }
            reply
        });
        costly::joined(task.await)
    }
}
