//! The queue in front of the writer. It wakes the writer once for as many messages as that waits for, not for each.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What comes in through an inbox.
pub(super) trait Letter {
    /// Whether it need not wait for others.
    fn is_urgent(&self) -> bool;
}

/// The end of the queue that takes letters out; dropping it closes the queue.
pub(super) struct Inbox<T>(Arc<Shared<T>>);

/// The end of the queue that puts letters in.
pub(super) struct Sender<T>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    bell: Condvar,
}

struct State<T> {
    letters: Vec<T>,
    /// With how many letters the receiver is to be woken; `None`: it does not sleep.
    awaited: Option<usize>,
    has_urgent: bool,
    is_closed: bool,
}

/// A queue.
pub(super) fn inbox<T>() -> (Sender<T>, Inbox<T>) {
    let state = State { letters: Vec::new(), awaited: None, has_urgent: false, is_closed: false };
    let shared = Arc::new(Shared { state: Mutex::new(state), bell: Condvar::new() });
    (Sender(shared.clone()), Inbox(shared))
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nobody panics while holding it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender(self.0.clone())
    }
}

impl<T: Letter> Sender<T> {
    /// Puts a letter in; `false` where nobody takes it out any more.
    pub(super) fn send(&self, letter: T) -> bool {
        let wake = {
            let mut state = self.0.lock();
            if state.is_closed {
                return false;
            }
            state.has_urgent |= letter.is_urgent();
            state.letters.push(letter);
            let enough = |count| state.letters.len() >= count || state.has_urgent;
            let wake = state.awaited.is_some_and(enough);
            if wake {
                state.awaited = None;
            }
            wake
        };
        if wake {
            self.0.bell.notify_one();
        }
        true
    }
}

impl<T> Inbox<T> {
    /// Moves all letters that are there behind `letters`, in the order in which they came, but waits until there are
    /// `count` of them or an urgent one, and no longer than until `end`.
    pub(super) fn wait(&self, letters: &mut Vec<T>, count: usize, end: Option<Instant>) {
        let mut state = self.0.lock();
        while state.letters.len() < count && !state.has_urgent {
            state.awaited = Some(count);
            state = match end.map(|end| end.saturating_duration_since(Instant::now())) {
                Some(left) if left.is_zero() => break,
                Some(left) => self.0.bell.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.0.bell.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        state.awaited = None;
        state.has_urgent = false;
        letters.append(&mut state.letters);
    }
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        let letters = {
            let mut state = self.0.lock();
            state.is_closed = true;
            std::mem::take(&mut state.letters)
        };
        // Whoever waits for an answer to one of them finds out now.
        drop(letters);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[derive(Debug, PartialEq)]
    enum Any {
        Common(usize),
        Urgent,
    }

    impl Letter for Any {
        fn is_urgent(&self) -> bool {
            *self == Any::Urgent
        }
    }

    /// What a receiver gets that waits for `count` while `letters` come.
    fn received(count: usize, letters: Vec<Any>) -> Vec<Any> {
        let (sender, inbox) = inbox();
        let receiver = std::thread::spawn(move || {
            let mut all = Vec::new();
            inbox.wait(&mut all, count, None);
            all
        });
        letters.into_iter().for_each(|letter| assert!(sender.send(letter)));
        receiver.join().unwrap()
    }

    #[test]
    fn waits_for_as_many_as_were_asked_for() {
        assert_eq!(received(3, (0..3).map(Any::Common).collect()), (0..3).map(Any::Common).collect::<Vec<_>>());
    }

    #[test]
    fn an_urgent_one_ends_the_wait() {
        assert_eq!(received(9, vec![Any::Common(0), Any::Urgent]), [Any::Common(0), Any::Urgent]);
    }

    #[test]
    fn a_wait_ends_in_time_and_keeps_what_came() {
        let (sender, inbox) = inbox();
        assert!(sender.send(Any::Common(7)));
        let mut all = Vec::new();
        inbox.wait(&mut all, 2, Some(Instant::now() + Duration::from_millis(1)));
        assert_eq!(all, [Any::Common(7)]);
    }

    #[test]
    fn nothing_goes_into_a_closed_one_and_what_was_in_it_is_dropped() {
        let (sender, inbox) = inbox();
        let (kept, waits) = (Arc::new(()), Arc::new(()));
        struct Held(#[expect(dead_code, reason = "it is only there to be dropped")] Arc<()>);
        impl Letter for Held {
            fn is_urgent(&self) -> bool {
                false
            }
        }
        assert!(sender.send(Held(kept.clone())));
        drop(inbox);
        assert_eq!(Arc::strong_count(&kept), 1);
        assert!(!sender.send(Held(waits)));
    }

    #[test]
    fn many_senders_lose_nothing() {
        let (sender, inbox) = inbox();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                let sender = sender.clone();
                scope.spawn(move || (0..1000).for_each(|number| assert!(sender.send(Any::Common(number)))));
            }
            let mut all = Vec::new();
            while all.len() < 8000 {
                let more = 33.min(8000 - all.len());
                inbox.wait(&mut all, more, None);
            }
        });
    }
}
