//! Counting requests: rate limits, and which failures strike.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::text::nearest;

/// How many addresses, header values or users are counted apart; beyond it the counts start again from zero.
const MAX_KEYS: usize = 10_000;

/// Whose requests are counted together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Per {
    /// All requests.
    #[default]
    All,
    /// Those of one address.
    Address,
    /// Those with the same value of a header.
    Header(String),
    /// Those of one user.
    User,
}

impl std::str::FromStr for Per {
    type Err = String;

    fn from_str(text: &str) -> Result<Per, String> {
        match text.split_once(':') {
            None if text == "address" => Ok(Per::Address),
            None if text == "user" => Ok(Per::User),
            Some(("header", name)) if !name.is_empty() => Ok(Per::Header(name.trim().into())),
            _ => Err(format!("{text:?} is not address, user or header:NAME")),
        }
    }
}

/// Counts by key. A reload begins with new ones.
#[derive(Debug)]
pub(super) struct Counts<C>(Mutex<HashMap<String, C>>);

impl<C> Default for Counts<C> {
    fn default() -> Counts<C> {
        Counts(Mutex::default())
    }
}

impl<C> Counts<C> {
    fn with<R>(&self, key: &str, new: impl FnOnce() -> C, change: impl FnOnce(&mut C) -> R) -> R {
        // What holds the lock does not panic.
        let mut counts = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if counts.len() >= MAX_KEYS && !counts.contains_key(key) {
            counts.clear();
        }
        match counts.get_mut(key) {
            Some(count) => change(count),
            None => change(counts.entry(key.to_string()).or_insert_with(new)),
        }
    }

    pub(super) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .clear();
    }
}

/// So many requests in so much time.
#[derive(Debug, Default)]
pub struct Limit {
    pub(super) quota: u64,
    pub(super) window: Duration,
    /// Whose requests share the quota.
    pub per: Per,
    windows: Counts<Window>,
}

#[derive(Debug)]
struct Window {
    end: Instant,
    used: u64,
}

/// What a limit says to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Requests per window.
    pub quota: u64,
    /// The window.
    pub window: Duration,
    /// Requests that are left in this window.
    pub remaining: u64,
    /// Until the window ends.
    pub reset: Duration,
    /// Whether this request is within the limit.
    pub allowed: bool,
}

impl std::str::FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Limit, String> {
        let wrong = || format!("{text:?} is not a rate such as 10/minute");
        let (quota, window) = text.split_once('/').ok_or_else(wrong)?;
        let window = match window.trim() {
            "second" | "s" => 1,
            "minute" | "min" | "m" => 60,
            "hour" | "h" => 3600,
            "day" | "d" => 86_400,
            other => {
                let units = ["second", "minute", "hour", "day"];
                let near = nearest(other, units).map_or_else(
                    || "second, minute, hour or day".into(),
                    |near| format!("did you mean {near:?}?"),
                );
                return Err(format!("{text:?} has no such unit {other:?}; {near}"));
            }
        };
        Ok(Limit {
            quota: quota.trim().parse().map_err(|_| wrong())?,
            window: Duration::from_secs(window),
            ..Limit::default()
        })
    }
}

impl Limit {
    /// Counts a request of `key`.
    pub fn take(&self, key: &str, now: Instant) -> Quota {
        let new = || Window {
            end: now + self.window,
            used: 0,
        };
        self.windows.with(key, new, |window| {
            if now >= window.end {
                *window = new();
            }
            let allowed = window.used < self.quota;
            window.used += u64::from(allowed);
            Quota {
                quota: self.quota,
                window: self.window,
                remaining: self.quota - window.used,
                reset: window.end.saturating_duration_since(now),
                allowed,
            }
        })
    }

    pub(super) fn restart(&self) {
        self.windows.clear();
    }
}

/// Which of the requests that come a failure strikes.
#[derive(Debug, Default)]
pub struct Strikes {
    pub(super) chance: Option<f64>,
    /// Only the first so many.
    pub(super) times: Option<u64>,
    /// Only from the request of this number on.
    pub(super) after: Option<u64>,
    /// Only each request whose number it divides.
    pub(super) every: Option<u64>,
    /// Whose requests are counted together.
    pub per: Per,
    counts: Counts<u64>,
}

impl Strikes {
    /// Counts a request of `key`, and says whether the failure strikes it. The same `seed` gives the same sequence.
    pub fn next(&self, key: &str, seed: u64) -> bool {
        let number = self.counts.with(
            key,
            || 0,
            |count| {
                *count += 1;
                *count
            },
        );
        // Numbers count from `after` on, so that `after` and `times` can be used together.
        let first = self.after.unwrap_or(1);
        let Some(number) = (number + 1).checked_sub(first).filter(|number| *number > 0) else {
            return false;
        };
        let draw = || {
            let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((seed, key, number));
            fastrand::Rng::with_seed(hash).f64()
        };
        self.times.is_none_or(|times| number <= times)
            && self.every.is_none_or(|every| number.is_multiple_of(every))
            && self.chance.is_none_or(|chance| draw() < chance)
    }

    /// Whether it strikes every request.
    pub(super) fn always(&self) -> bool {
        self.chance.is_none_or(|chance| chance >= 1.0)
            && self.times.is_none()
            && self.after.is_none_or(|after| after <= 1)
            && self.every.is_none_or(|every| every == 1)
    }

    pub(super) fn restart(&self) {
        self.counts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends() {
        let limit: Limit = "2/minute".parse().unwrap();
        let start = Instant::now();
        let took = |key, seconds| limit.take(key, start + Duration::from_secs(seconds));
        assert!(took("a", 0).allowed && took("a", 1).allowed && took("b", 1).allowed);
        let third = took("a", 2);
        assert!(!third.allowed && third.remaining == 0, "{third:?}");
        assert_eq!(third.reset, Duration::from_secs(58));
        assert!(took("a", 60).allowed);
    }

    #[test]
    fn strikes_are_counted() {
        let struck = |strikes: Strikes| (1..=8).filter(|_| strikes.next("", 1)).count();
        let new = Strikes::default;
        assert_eq!(struck(new()), 8);
        assert_eq!(
            struck(Strikes {
                times: Some(2),
                ..new()
            }),
            2
        );
        assert_eq!(
            struck(Strikes {
                after: Some(3),
                ..new()
            }),
            6
        );
        assert_eq!(
            struck(Strikes {
                every: Some(3),
                ..new()
            }),
            2
        );
        assert_eq!(
            struck(Strikes {
                after: Some(3),
                times: Some(1),
                ..new()
            }),
            1
        );
        let some = || {
            struck(Strikes {
                chance: Some(0.5),
                ..new()
            })
        };
        assert_eq!(some(), some());
        assert!((1..8).contains(&some()));
    }
}
