//! What the application is told at its start.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::routes::Routes;
use crate::json::MAX_BODY_DEPTH;
use crate::store::query::MAX_PATTERN;

/// What the application is told at its start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data file as the home page names it.
    pub file: Option<String>,
    /// Answers carry cross-origin headers.
    pub cors: bool,
    /// Answers are compressed for clients that take it.
    pub gzip: bool,
    /// The administration under `/-/` is there, for this machine.
    pub admin: bool,
    /// How often an event stream with nothing to tell says that it is still there.
    pub heartbeat: Duration,
    /// Only GET, HEAD and OPTIONS are answered.
    pub read_only: bool,
    /// Every answer of the API waits so long.
    pub delay: Duration,
    /// Rules that rewrite targets before anything else looks at them.
    pub routes: Option<Arc<Routes>>,
    /// The names in `Host` that are answered beside those of this machine; `None`: all. A server that is meant for this
    /// machine alone must not answer to others, or any web page could read and change the data through a name of its
    /// own that leads here (DNS rebinding).
    pub hosts: Option<Vec<String>>,
    /// Bytes of a request's body, as it was sent and after it was unpacked.
    pub body_limit: usize,
    /// Bytes of a request's target.
    pub target_limit: usize,
    /// Bytes of a regular expression in a query, at most [`MAX_PATTERN`]. What it may cost to run is bounded in any case.
    pub pattern_limit: usize,
    /// How deep the arrays and objects of a body may be nested.
    pub depth: usize,
    /// A folder of files that are served beside the API.
    pub folder: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            file: None,
            cors: true,
            gzip: true,
            admin: true,
            heartbeat: super::meta::HEARTBEAT,
            read_only: false,
            delay: Duration::ZERO,
            routes: None,
            hosts: None,
            body_limit: 10 * 1024 * 1024,
            target_limit: 8 * 1024,
            pattern_limit: MAX_PATTERN,
            depth: MAX_BODY_DEPTH,
            folder: None,
        }
    }
}
