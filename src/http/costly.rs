//! Costly requests run on blocking threads, so that the runtime's workers can answer other requests. They share the
//! processors in time slices, and stop when their time is up or the client has disconnected.

use std::cell::Cell;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinError;
use tokio::time::timeout_at;

use super::problem::{self, Problem};
use crate::work::Work;

/// A request that reads fewer bytes than this runs on the worker itself.
pub(super) const INLINE_LIMIT: usize = 256 * 1024;
/// The time slice: how long a request has a processor before others get their turn.
const SLICE: Duration = Duration::from_millis(10);
/// How many costly requests run at a time, with a thread each; further ones wait.
const MAX_RUNNING: usize = 128;

/// The scheduler of costly requests.
#[derive(Debug)]
pub(super) struct Scheduler {
    /// How long a request may take.
    limit: Duration,
    running: Arc<Semaphore>,
    /// Permits for the first slice, so that a short request does not wait for long ones.
    first: Arc<Semaphore>,
    /// Permits for further slices.
    further: Arc<Semaphore>,
}

impl Scheduler {
    /// A request may take `limit`.
    pub(super) fn new(limit: Duration) -> Scheduler {
        let half = std::thread::available_parallelism().map_or(1, |all| all.get().div_ceil(2));
        Scheduler {
            limit,
            running: Arc::new(Semaphore::new(MAX_RUNNING)),
            first: Arc::new(Semaphore::new(half)),
            further: Arc::new(Semaphore::new(half)),
        }
    }

    /// Runs `job` on a blocking thread.
    ///
    /// # Errors
    /// Those of `job`; or it takes longer than `--query-time`.
    pub(super) async fn run<T, F>(&self, job: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Work<'_>) -> Result<T, Problem> + Send + 'static,
    {
        let limit = self.limit;
        let deadline = Instant::now() + limit;
        // It is dropped with this future, when nobody waits for the result any more.
        let waiting = Arc::new(());
        let client = Arc::downgrade(&waiting);
        let places = async {
            let running = self.running.clone().acquire_owned().await;
            (running, self.first.clone().acquire_owned().await)
        };
        let Ok((Ok(running), Ok(first))) = timeout_at(deadline.into(), places).await else {
            return Err(too_long(limit));
        };
        let slot = Slot {
            _running: running,
            turn: Cell::new(Some(first)),
            further: self.further.clone(),
            slice_end: Cell::new(Instant::now() + SLICE),
            deadline,
            client,
            runtime: Handle::current(),
        };
        let reply = tokio::task::spawn_blocking(move || {
            let pause = || slot.yield_turn();
            let work = Work::new(&pause);
            let reply = job(&work);
            match work.is_stopped() {
                true if work.is_too_large() => Err(too_large()),
                true => Err(too_long(limit)),
                false => reply,
            }
        });
        joined(reply.await)
    }
}

/// The permits that a job holds while it runs.
struct Slot {
    _running: OwnedSemaphorePermit,
    turn: Cell<Option<OwnedSemaphorePermit>>,
    further: Arc<Semaphore>,
    slice_end: Cell<Instant>,
    deadline: Instant,
    /// Dropped when nobody waits for the result any more.
    client: Weak<()>,
    runtime: Handle,
}

impl Slot {
    /// Yields to others when the slice is over. `false`: the job is to stop.
    fn yield_turn(&self) -> bool {
        let now = Instant::now();
        if self.client.strong_count() == 0 || now >= self.deadline {
            return false;
        }
        if now >= self.slice_end.get() {
            drop(self.turn.take());
            // Without a timeout, because a runtime that is shutting down has no timer; slices are short.
            let next = self.further.clone().acquire_owned();
            let Ok(next) = self.runtime.block_on(next) else {
                return false;
            };
            self.turn.set(Some(next));
            self.slice_end.set(Instant::now() + SLICE);
        }
        true
    }
}

/// The result of a task, which passes on the panic if there was one.
pub(super) fn joined<T>(ended: Result<Result<T, Problem>, JoinError>) -> Result<T, Problem> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(reply) => reply,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => Err(Problem::new(problem::STOPPING, "the server is stopping")),
    }
}

fn too_large() -> Problem {
    Problem::new(problem::QUERY_TIME, "the response would be too large")
        .hint("ask for fewer records at a time, for example with _page=1&_limit=10")
}

fn too_long(limit: Duration) -> Problem {
    let detail = format!("the query takes longer than {} s", limit.as_secs_f32());
    Problem::new(problem::QUERY_TIME, detail).hint(
        "ask for less: fewer conditions, or fields that are compared with `=`, which have an index; or start standin with a larger --query-time",
    )
}
