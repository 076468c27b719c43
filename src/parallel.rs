//! Work on many things by all processors at once. Floors that do no threading of their own come here for it.

use std::cell::Cell;
use std::num::NonZero;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::thread::{self, Scope, ScopedJoinHandle};

/// More threads than this gain little: what they do is bound by the memory.
const MOST: usize = 8;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` on a thread that leaves the processors to others, as far as the system knows of such threads. What it
/// would share with other threads it does alone.
pub(crate) fn quietly<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let quiet = || {
        QUIET.set(true);
        // To Linux a thread is a process here; elsewhere this would slow down all threads.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::setpriority_process(None, NICE);
    };
    thread::scope(|scope| begin(scope, quiet, work)())
}

/// How much less often than others such a thread runs where there is more to do than processors: a tenth.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// How many threads can work at once.
pub(crate) fn width() -> usize {
    if QUIET.get() {
        return 1;
    }
    thread::available_parallelism().map_or(1, NonZero::get).min(MOST)
}

/// In how many parts `count` things are worth being worked on, if fewer than `least` are not worth a thread.
fn parts(count: usize, least: usize) -> usize {
    width().min(count / least.max(1)).max(1)
}

/// Does `work` for ranges that make up `0..count`, and gives what came of each, in their order. Fewer than `least` things
/// are not worth a thread.
pub(crate) fn in_parts<R: Send>(count: usize, least: usize, work: impl Fn(Range<usize>) -> R + Sync) -> Vec<R> {
    let (parts, work) = (parts(count, least), &work);
    let bound = move |part: usize| count * part / parts;
    all((0..parts).map(|part| move || work(bound(part)..bound(part + 1))))
}

/// Does `work` for parts that make up `things`, each with the place of its first, as [`in_parts`] does.
pub(crate) fn by_parts<T: Send, R: Send>(
    mut things: Vec<T>,
    least: usize,
    work: impl Fn(usize, Vec<T>) -> R + Sync,
) -> Vec<R> {
    let (count, parts, work) = (things.len(), parts(things.len(), least), &work);
    let mut split: Vec<(usize, Vec<T>)> = Vec::with_capacity(parts);
    for part in (1..parts).rev() {
        let place = count * part / parts;
        split.push((place, things.split_off(place)));
    }
    split.push((0, things));
    all(split.into_iter().rev().map(|(place, part)| move || work(place, part)))
}

/// Does all of `tasks`, each on a thread of its own but the first, and gives what came of each, in their order.
pub(crate) fn all<R: Send>(tasks: impl IntoIterator<Item = impl FnOnce() -> R + Send>) -> Vec<R> {
    let mut tasks = tasks.into_iter();
    let Some(first) = tasks.next() else { return Vec::new() };
    thread::scope(|scope| {
        let others: Vec<_> = tasks.map(|task| begin(scope, || (), task)).collect();
        std::iter::once(first()).chain(others.into_iter().map(|wait| wait())).collect()
    })
}

/// Begins `task` on a thread of its own, after `prepare`; what it returns waits for the end. Where the system has no
/// thread to give, the task is done by whoever waits.
fn begin<'scope, 'env, R: Send + 'scope>(
    scope: &'scope Scope<'scope, 'env>,
    prepare: impl FnOnce() + Send + 'scope,
    task: impl FnOnce() -> R + Send + 'scope,
) -> impl FnOnce() -> R {
    // A thread that cannot be begun does not give back what it was to do.
    let task = Arc::new(Mutex::new(Some(task)));
    let take = |task: &Mutex<Option<_>>| task.lock().ok().and_then(|mut task| task.take());
    let thread = thread::Builder::new().spawn_scoped(scope, {
        let task = task.clone();
        move || {
            prepare();
            take(&task).map(|task| task())
        }
    });
    move || {
        // A panic goes on where it would have gone without the thread.
        let join = |thread: ScopedJoinHandle<'_, _>| thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        let done = thread.ok().and_then(join).or_else(|| take(&task).map(|task| task()));
        done.unwrap_or_else(|| unreachable!("if no thread has taken the task, it is still there"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_the_whole_in_order() {
        for count in [0, 1, 7, 100, 1001] {
            let parts: Vec<usize> = in_parts(count, 10, |range| range.collect::<Vec<_>>()).concat();
            assert_eq!(parts, (0..count).collect::<Vec<_>>());
            let parts = by_parts((0..count).collect(), 10, |first, part: Vec<usize>| {
                assert!(part.first().is_none_or(|one| *one == first));
                part
            });
            assert_eq!(parts.concat(), (0..count).collect::<Vec<_>>());
        }
        assert_eq!(in_parts(19, 10, |range| range).len(), 1, "not worth a thread");
    }

    #[test]
    fn a_panic_comes_through() {
        let tasks = (0..3).map(|number| move || assert_ne!(number, 2));
        assert!(std::panic::catch_unwind(|| all(tasks)).is_err());
    }
}
