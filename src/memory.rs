//! Bounds on memory other than the data: history and caches.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

/// The memory limit (`--memory-limit`), and how it is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimit(
    /// All of it, in bytes.
    pub usize,
);

impl Default for MemoryLimit {
    fn default() -> MemoryLimit {
        MemoryLimit(64 * 1024 * 1024)
    }
}

impl MemoryLimit {
    /// For the undo history.
    pub fn undo(self) -> usize {
        self.0 / 4
    }

    /// For the states of the last seconds, which an edit may be based on.
    pub fn recent(self) -> usize {
        self.0 / 4
    }

    /// For the ring buffer of events.
    pub fn events(self) -> usize {
        self.0 / 8
    }

    /// For cached response bodies.
    pub fn lists(self) -> usize {
        self.0 / 8
    }

    /// For decompressed and large request bodies.
    pub fn bodies(self) -> usize {
        self.0 / 8
    }

    /// For the log of requests.
    pub fn requests(self) -> usize {
        self.0 / 16
    }

    /// For versions of records that lost against an edit.
    pub fn conflicts(self) -> usize {
        self.0 / 16
    }
}

/// The approximate overhead of an entry, in addition to its text: allocator and tables.
pub const OVERHEAD: usize = 256;

/// A queue that drops its oldest entries when there are too many, or when they are too large in total. The newest entry
/// stays, whatever its size.
#[derive(Debug)]
pub struct BoundedQueue<T> {
    /// The entries and their bytes, oldest first.
    entries: VecDeque<(T, usize)>,
    bytes: usize,
    most: usize,
    most_bytes: usize,
}

impl<T> BoundedQueue<T> {
    /// A queue of at most `most` entries with at most `most_bytes` in total.
    pub fn new(most: usize, most_bytes: usize) -> BoundedQueue<T> {
        BoundedQueue {
            entries: VecDeque::new(),
            bytes: 0,
            most,
            most_bytes,
        }
    }

    /// Adds an entry of about `bytes`.
    pub fn push(&mut self, entry: T, bytes: usize) {
        let bytes = bytes + OVERHEAD;
        self.bytes += bytes;
        self.entries.push_back((entry, bytes));
        while self.entries.len() > 1
            && (self.entries.len() > self.most || self.bytes > self.most_bytes)
        {
            self.pop_front();
        }
    }

    /// Drops the oldest entry.
    pub fn pop_front(&mut self) -> Option<T> {
        let (entry, bytes) = self.entries.pop_front()?;
        self.bytes -= bytes;
        Some(entry)
    }

    /// Drops the newest entry.
    pub fn pop_back(&mut self) -> Option<T> {
        let (entry, bytes) = self.entries.pop_back()?;
        self.bytes -= bytes;
        Some(entry)
    }

    /// The entries, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.entries.iter().map(|(entry, _)| entry)
    }

    /// The entries, oldest first.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.iter_mut().map(|(entry, _)| entry)
    }

    /// Drops all entries.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }
}

/// A [`BoundedQueue`] shared between threads; readers copy the entries.
#[derive(Debug, Clone)]
pub struct SharedQueue<T>(Arc<Mutex<BoundedQueue<T>>>);

impl<T: Clone> SharedQueue<T> {
    /// A queue with these limits, like [`BoundedQueue::new`].
    pub fn new(most: usize, most_bytes: usize) -> SharedQueue<T> {
        SharedQueue(Arc::new(Mutex::new(BoundedQueue::new(most, most_bytes))))
    }

    /// The queue, locked.
    pub fn lock(&self) -> MutexGuard<'_, BoundedQueue<T>> {
        self.0.lock()
    }

    /// Copies of the entries, oldest first.
    pub fn all(&self) -> Vec<T> {
        self.lock().iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_dropped_and_the_newest_stays() {
        let mut queue = BoundedQueue::new(3, 10_000);
        for (entry, bytes) in [(1, 10), (2, 10), (3, 10), (4, 10)] {
            queue.push(entry, bytes);
        }
        assert_eq!(queue.iter().copied().collect::<Vec<_>>(), [2, 3, 4]);
        queue.push(5, 9_400);
        assert_eq!(queue.iter().copied().collect::<Vec<_>>(), [4, 5]);
        queue.push(6, 1_000_000);
        assert_eq!(queue.iter().copied().collect::<Vec<_>>(), [6]);
        queue.push(7, 1);
        assert_eq!(queue.iter().copied().collect::<Vec<_>>(), [7]);
        assert_eq!((queue.pop_back(), queue.pop_front()), (Some(7), None));
        assert_eq!(queue.bytes, 0);
    }
}
