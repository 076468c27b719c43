//! Delays, rate limits and failures of the routes file.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::source::{RoutesError, Source};
use super::template::{Template, Text};
use crate::text::nearest;

/// The longest that a response waits.
const LONGEST: Duration = Duration::from_secs(600);
/// The 99th percentile of the standard normal distribution.
const P99: f64 = 2.326_347_874;

/// How long a response waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Delay {
    /// Always the same time.
    Fixed(Duration),
    /// Uniformly distributed between two times.
    Range(Duration, Duration),
    /// A log-normal distribution, by its percentiles.
    Percentiles {
        /// Half of the responses take less.
        p50: Duration,
        /// All but one in a hundred take less.
        p99: Duration,
    },
}

impl Default for Delay {
    fn default() -> Delay {
        Delay::Fixed(Duration::ZERO)
    }
}

impl std::fmt::Display for Delay {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Delay::Fixed(time) => write!(formatter, "{time:?}"),
            Delay::Range(from, to) => write!(formatter, "{from:?}..{to:?}"),
            Delay::Percentiles { p50, p99 } => write!(formatter, "p50={p50:?} p99={p99:?}"),
        }
    }
}

impl std::str::FromStr for Delay {
    type Err = String;

    fn from_str(text: &str) -> Result<Delay, String> {
        let text = text.trim();
        if let Some((from, to)) = text.split_once("..") {
            let (from, to) = (duration(from)?, duration(to)?);
            return match from <= to {
                true => Ok(Delay::Range(from, to)),
                false => Err(format!("{text:?} ends before it begins")),
            };
        }
        if let Some((p50, p99)) = text.split_once(char::is_whitespace)
            && let (Some(p50), Some(p99)) =
                (p50.strip_prefix("p50="), p99.trim().strip_prefix("p99="))
        {
            let (p50, p99) = (duration(p50)?, duration(p99)?);
            return match p50 <= p99 && !p50.is_zero() {
                true => Ok(Delay::Percentiles { p50, p99 }),
                false => Err(format!("{text:?}: p50 must be more than 0 and at most p99")),
            };
        }
        duration(text).map(Delay::Fixed)
    }
}

impl Delay {
    /// Draws a time; `random` returns numbers from 0 to 1.
    pub fn draw(self, random: &mut dyn FnMut() -> f64) -> Duration {
        let time = match self {
            Delay::Fixed(time) => time,
            Delay::Range(from, to) => from + (to - from).mul_f64(random()),
            Delay::Percentiles { p50, p99 } => {
                // Box-Muller: a normally distributed number from two uniform ones.
                let (one, two) = (1.0 - random(), random());
                let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * two).cos();
                let deviation = (p99.as_secs_f64() / p50.as_secs_f64()).ln() / P99;
                Duration::try_from_secs_f64(p50.as_secs_f64() * (deviation * normal).exp())
                    .unwrap_or(LONGEST)
            }
        };
        time.min(LONGEST)
    }
}

/// A time as people write it: `200ms`, `1.5s`, `2min`; a plain number is milliseconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = &text[..text.len() - unit.len()];
    let seconds = match unit {
        "" | "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => 0.0,
    };
    let parsed = number.parse::<f64>().ok().filter(|_| seconds > 0.0);
    let time = parsed.and_then(|number| Duration::try_from_secs_f64(number * seconds).ok());
    time.ok_or_else(|| {
        format!("{text:?} is not a time such as 200ms or 2s, a range 200ms..2s, or p50=80ms p99=1s")
    })
}

/// How many addresses, header values or users have separate counters; beyond it all counters are reset.
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

/// Counters by key. A reload resets them.
#[derive(Debug, Default)]
pub(super) struct Counts<C>(Mutex<HashMap<String, C>>);

impl<C: Default> Counts<C> {
    fn with<R>(&self, key: &str, change: impl FnOnce(&mut C) -> R) -> R {
        let mut counts = self.0.lock();
        if counts.len() >= MAX_KEYS && !counts.contains_key(key) {
            counts.clear();
        }
        match counts.get_mut(key) {
            Some(count) => change(count),
            None => change(counts.entry(key.to_string()).or_default()),
        }
    }

    pub(super) fn clear(&self) {
        self.0.lock().clear();
    }
}

/// A rate limit: a number of requests in a window.
#[derive(Debug, Default)]
pub struct Limit {
    pub(super) quota: u64,
    pub(super) window: Duration,
    /// Whose requests share the quota.
    pub per: Per,
    pub(super) windows: Counts<Window>,
}

#[derive(Debug, Default)]
pub(super) struct Window {
    end: Option<Instant>,
    used: u64,
}

/// The state of a rate limit for one request.
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
        self.windows.with(key, |window| {
            let running = window.end.filter(|end| now < *end);
            let end = running.unwrap_or(now + self.window);
            if running.is_none() {
                let end = Some(end);
                *window = Window { end, used: 0 };
            }
            let allowed = window.used < self.quota;
            window.used += u64::from(allowed);
            Quota {
                quota: self.quota,
                window: self.window,
                remaining: self.quota - window.used,
                reset: end.saturating_duration_since(now),
                allowed,
            }
        })
    }
}

/// Selects the requests that a failure applies to.
#[derive(Debug, Default)]
pub struct Trigger {
    pub(super) chance: Option<f64>,
    /// Only the first this many.
    pub(super) times: Option<u64>,
    /// Only from the request of this number on.
    pub(super) after: Option<u64>,
    /// Only every n-th request.
    pub(super) every: Option<u64>,
    /// Whose requests are counted together.
    pub per: Per,
    pub(super) counts: Counts<u64>,
}

impl Trigger {
    /// Counts a request of `key`, and returns whether the failure applies to it. The same `seed` gives the same
    /// sequence.
    pub fn next(&self, key: &str, seed: u64) -> bool {
        let number = self.counts.with(key, |count| {
            *count += 1;
            *count
        });
        // Requests are numbered from `after` on, so `after` and `times` can be combined.
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

    /// Whether it applies to every request.
    pub(super) fn always(&self) -> bool {
        self.chance.is_none_or(|chance| chance >= 1.0)
            && self.times.is_none()
            && self.after.is_none_or(|after| after <= 1)
            && self.every.is_none_or(|every| every == 1)
    }
}

/// A failure.
#[derive(Debug)]
pub struct Fail {
    /// The failure as the client sees it.
    pub how: How,
    /// The requests that it applies to.
    pub trigger: Trigger,
    /// The failure happens after the request was carried out, which the client does not see.
    pub after: bool,
}

/// The form of a failure, as the client sees it.
#[derive(Debug)]
pub enum How {
    /// A response.
    Status {
        /// Its status.
        status: u16,
        /// Its body; `None`: a problem document.
        body: Option<Template>,
        /// Its headers.
        headers: Headers,
    },
    /// The connection is closed.
    Abort,
    /// No response is sent, and the connection stays open.
    Hang,
}

/// Headers of a response.
pub type Headers = Vec<(String, Text)>;

/// Headers that frame the body.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

const KEYS: [&str; 11] = [
    "status", "body", "headers", "abort", "hang", "chance", "times", "after", "every", "per",
    "when",
];

impl Fail {
    pub(super) fn parse(source: Source, value: &str) -> Result<Fail, RoutesError> {
        let mut fail = Fail {
            how: How::Abort,
            trigger: Trigger::default(),
            after: false,
        };
        let (mut status, mut body, mut headers, mut cut) = (None, None, Headers::new(), None);
        let mut is_several = false;
        for member in source.members(value, "\"fail\"", &KEYS)? {
            let value = member.value;
            let key = &*member.key;
            match key {
                "status" => status = Some(source.integer(value, key, 200..=599)? as u16),
                "body" => body = Some(Template::parse(source, value, key)?),
                "headers" => headers = read_headers(source, value)?,
                "abort" | "hang" if source.boolean(value, key)? => {
                    is_several = cut.is_some();
                    cut = Some(match key {
                        "abort" => How::Abort,
                        _ => How::Hang,
                    });
                }
                "chance" => {
                    let chance = value
                        .parse()
                        .ok()
                        .filter(|chance| (0.0..=1.0).contains(chance));
                    let wrong = || format!("chance must be a number from 0 to 1, got {value}");
                    fail.trigger.chance = Some(chance.ok_or_else(|| source.error(value, wrong()))?);
                }
                "times" => fail.trigger.times = Some(source.integer(value, key, 1..=u64::MAX)?),
                "after" => fail.trigger.after = Some(source.integer(value, key, 1..=u64::MAX)?),
                "every" => fail.trigger.every = Some(source.integer(value, key, 1..=u64::MAX)?),
                "per" => fail.trigger.per = read_word(source, value, key)?,
                "when" => match &*source.string(value, key)? {
                    "before" => fail.after = false,
                    "after" => fail.after = true,
                    other => {
                        let message = format!("when is \"before\" or \"after\", got {other:?}");
                        return Err(source.error(value, message));
                    }
                },
                _ => {}
            }
        }
        let is_response = status.is_some() || body.is_some() || !headers.is_empty();
        fail.how = match cut {
            Some(_) if is_response || is_several => {
                let message = "a failure is either a response, or \"abort\", or \"hang\"";
                return Err(source.error(value, message));
            }
            Some(cut) => cut,
            None => How::Status {
                status: status.unwrap_or(500),
                body,
                headers,
            },
        };
        Ok(fail)
    }
}

pub(super) fn read_headers(source: Source, value: &str) -> Result<Headers, RoutesError> {
    let members = source.any_members(value, "headers")?;
    let read = |member: crate::json::Member| {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if member.key.is_empty() || !member.key.bytes().all(is_token) {
            let message = format!("{:?} is not the name of a header", member.key);
            return Err(source.error(member.raw_key, message));
        }
        if FRAMING
            .iter()
            .any(|name| member.key.eq_ignore_ascii_case(name))
        {
            let message = format!("standin sets the header {} itself", member.key);
            return Err(source.error(member.raw_key, message));
        }
        let text = Text::parse(source, member.value, &member.key)?;
        text.check_header(source, member.value, &member.key)?;
        Ok((member.key.to_string(), text))
    };
    members.into_iter().map(read).collect()
}

/// Parses a string as `T`.
pub(super) fn read_word<T: std::str::FromStr<Err = String>>(
    source: Source,
    value: &str,
    name: &str,
) -> Result<T, RoutesError> {
    let text = source.string(value, name)?;
    text.parse()
        .map_err(|wrong| source.error(value, format!("{name}: {wrong}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_read() {
        let ms = Duration::from_millis;
        for (text, expected) in [
            ("200", Delay::Fixed(ms(200))),
            ("1.5s", Delay::Fixed(ms(1500))),
            ("200ms..2s", Delay::Range(ms(200), ms(2000))),
            (
                "p50=80ms p99=1s",
                Delay::Percentiles {
                    p50: ms(80),
                    p99: ms(1000),
                },
            ),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in [
            "",
            "fast",
            "2s..1s",
            "5 years",
            "-3",
            "p50=0s p99=1s",
            "1e9s",
        ] {
            assert!(text.parse::<Delay>().is_err(), "{text}");
        }
    }

    #[test]
    fn percentiles_hold() {
        let mut random = fastrand::Rng::with_seed(7);
        let delay: Delay = "p50=80ms p99=1s".parse().unwrap();
        let mut drawn: Vec<_> = (0..10_000)
            .map(|_| delay.draw(&mut || random.f64()).as_secs_f64())
            .collect();
        drawn.sort_by(f64::total_cmp);
        assert!((0.075..0.085).contains(&drawn[5000]), "{}", drawn[5000]);
        assert!((0.85..1.15).contains(&drawn[9900]), "{}", drawn[9900]);
    }

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
    fn triggers_are_counted() {
        let triggered = |trigger: Trigger| (1..=8).filter(|_| trigger.next("", 1)).count();
        let new = Trigger::default;
        assert_eq!(triggered(new()), 8);
        assert_eq!(
            triggered(Trigger {
                times: Some(2),
                ..new()
            }),
            2
        );
        assert_eq!(
            triggered(Trigger {
                after: Some(3),
                ..new()
            }),
            6
        );
        assert_eq!(
            triggered(Trigger {
                every: Some(3),
                ..new()
            }),
            2
        );
        assert_eq!(
            triggered(Trigger {
                after: Some(3),
                times: Some(1),
                ..new()
            }),
            1
        );
        let some = || {
            triggered(Trigger {
                chance: Some(0.5),
                ..new()
            })
        };
        assert_eq!(some(), some());
        assert!((1..8).contains(&some()));
    }
}
