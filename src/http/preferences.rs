//! Failures and delays that a request asks for itself: `Prefer: status=503, delay=2`, or `_status` and `_delay` in the URL.

use std::time::Duration;

use warp::http::HeaderName;

use super::problem::{self, Problem};
use super::request::Request;

/// The longest delay that a request can ask for.
const MAX_DELAY: Duration = Duration::from_secs(60);

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What a request asks for.
#[derive(Debug, Default)]
pub(super) struct Preferences {
    /// The status to fail with.
    pub(super) status: Option<u16>,
    /// How long to wait.
    pub(super) delay: Duration,
    /// What is done of that, for `Preference-Applied`.
    pub(super) applied: Vec<String>,
}

impl Preferences {
    /// What `request` asks for.
    ///
    /// # Errors
    /// `_status` in the URL is not an error status. In the header that is ignored, as RFC 7240 wants it.
    pub(super) fn of(request: &Request) -> Result<Preferences, Problem> {
        let mut asked = Preferences::default();
        if let Some(list) = request.list(PREFER) {
            asked.read(&list);
        }
        if let Some(text) = request.first("_status") {
            let status = text.parse().ok().filter(is_error);
            let wrong = || {
                Problem::new(
                    problem::BAD_QUERY,
                    format!("_status must be an error status from 400 to 599, got {text:?}"),
                )
                .hint("for example: _status=503")
            };
            asked.status = Some(status.ok_or_else(wrong)?);
            asked.applied.push(format!("status={text}"));
        }
        if let Some(text) = request.first("_delay") {
            // As json-server 0.17 reads it.
            asked.delay = Duration::from_millis(text.parse().unwrap_or(1));
            asked
                .applied
                .push(format!("delay={}", asked.delay.as_secs_f64()));
        }
        asked.delay = asked.delay.min(MAX_DELAY);
        Ok(asked)
    }

    fn read(&mut self, list: &str) {
        let mut delay = None;
        for preference in list.split(',') {
            let first = preference.split(';').next().unwrap_or_default();
            let Some((name, value)) = first.split_once('=') else {
                continue;
            };
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            // Of a preference that is there twice the first one counts (RFC 7240, 2).
            if name.eq_ignore_ascii_case("delay") && delay.is_none() {
                let time = value.parse().ok();
                delay = time.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            } else if (name.eq_ignore_ascii_case("status") || name.eq_ignore_ascii_case("code"))
                && self.status.is_none()
            {
                self.status = value.parse().ok().filter(is_error);
            } else {
                continue;
            }
            self.applied
                .push(format!("{}={value}", name.to_ascii_lowercase()));
        }
        self.delay = delay.unwrap_or_default();
        self.applied.retain(|one| match one.starts_with("delay") {
            true => delay.is_some(),
            false => self.status.is_some(),
        });
    }
}

/// Whether a request can ask for that status.
fn is_error(status: &u16) -> bool {
    (400..=599).contains(status)
}
