//! How long responses wait.

use std::time::Duration;

/// The longest that a response waits.
const LONGEST: Duration = Duration::from_secs(600);
/// The distance of the 99th percentile of a normal distribution from its middle, in standard deviations.
const P99: f64 = 2.326_347_874;

/// How long a response waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Delay {
    /// Always the same time.
    Fixed(Duration),
    /// Any time between two, each as likely.
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
    /// A time; `random` gives numbers from 0 to 1.
    pub fn draw(self, random: &mut dyn FnMut() -> f64) -> Duration {
        let time = match self {
            Delay::Fixed(time) => time,
            Delay::Range(from, to) => from + (to - from).mul_f64(random()),
            Delay::Percentiles { p50, p99 } => {
                // Box and Muller: a normally distributed number of two others.
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
}
