//! Cancellation of long computations.

use std::cell::Cell;

/// How many bytes are read between two calls of `pause`: some tenths of a millisecond.
const STEP: usize = 64 * 1024;

/// How many bytes a result with embedded records may have: it may contain the same record many times.
const MAX_RESULT: usize = 512 * 1024 * 1024;

/// The work of one request. The computation reports the bytes that it is about to read, and stops when
/// [`Work::charge`] returns `false`; its partial result must not be used.
pub struct Work<'a> {
    /// Bytes until the next call of `pause`.
    left: Cell<usize>,
    is_stopped: Cell<bool>,
    /// Bytes that the result has so far.
    kept: Cell<usize>,
    pause: &'a dyn Fn() -> bool,
}

impl<'a> Work<'a> {
    /// Work that calls `pause` again and again, and stops when it returns `false`.
    pub fn new(pause: &'a dyn Fn() -> bool) -> Work<'a> {
        Work {
            left: Cell::new(STEP),
            is_stopped: Cell::new(false),
            kept: Cell::new(0),
            pause,
        }
    }

    /// Work that stops when more than `bytes` have been read.
    pub fn at_most(bytes: usize) -> Work<'static> {
        Work {
            left: Cell::new(bytes),
            ..Work::new(&|| false)
        }
    }

    /// Work that is never stopped.
    pub fn unlimited() -> Work<'static> {
        Work::new(&|| true)
    }

    /// Counts `bytes` that are about to be read. `false`: the work is to stop.
    pub fn charge(&self, bytes: usize) -> bool {
        if self.is_stopped.get() {
            return false;
        }
        match self.left.get().checked_sub(bytes) {
            Some(left) => self.left.set(left),
            None => {
                self.is_stopped.set(!(self.pause)());
                self.left.set(STEP);
            }
        }
        !self.is_stopped.get()
    }

    /// Counts `bytes` that become a part of the result. `false`: the work is to stop.
    pub fn charge_result(&self, bytes: usize) -> bool {
        self.kept.set(self.kept.get().saturating_add(bytes));
        if self.is_too_large() {
            self.is_stopped.set(true);
        }
        self.charge(bytes)
    }

    /// Whether the result would be too large.
    pub fn is_too_large(&self) -> bool {
        self.kept.get() > MAX_RESULT
    }

    /// Whether the work was stopped, so its result is incomplete.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.get()
    }
}
