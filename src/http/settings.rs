//! Settings of the application, and limits on its connections.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::origin::AllowedOrigin;
use super::profile::Profile;
use super::routes_file::Routes;
use crate::behaviour::Delay;
use crate::json::MAX_BODY_DEPTH;
use crate::memory::MemoryLimit;
use crate::query::MAX_PATTERN;

/// The number of headers that hyper takes by default.
pub(super) const DEFAULT_HEADER_COUNT: usize = 100;

/// Settings of the application. Begin with the default and set fields.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The data file as the home page names it.
    pub file: Option<String>,
    /// The rules file, or where one would be.
    pub rules_file: Option<PathBuf>,
    /// The data file is never written.
    pub ephemeral: bool,
    /// Responses to allowed origins have CORS headers. Without them no page of another origin can read.
    pub cors: bool,
    /// The origins whose pages may read and change the data, besides those of this machine.
    pub origins: Vec<AllowedOrigin>,
    /// Other machines reach the server, so that pages of the local network may use it, too. [`Server::start`] sets it.
    ///
    /// [`Server::start`]: crate::Server::start
    pub on_network: bool,
    /// Responses are compressed for clients that accept gzip.
    pub gzip: bool,
    /// The admin routes under `/-/` are there, for this machine.
    pub admin: bool,
    /// How often an event stream without events sends a comment.
    pub heartbeat: Duration,
    /// Only GET, HEAD and OPTIONS are answered.
    pub read_only: bool,
    /// Requests can ask for failures and delays themselves (`Prefer`, `_status`, `_delay`).
    pub faults: bool,
    /// What chance and random values are drawn from: the same seed gives the same sequence.
    pub seed: u64,
    /// Delays every response of the API.
    pub delay: Delay,
    /// Names, envelopes and statuses of another API around the data.
    pub profile: Option<Arc<Profile>>,
    /// What tokens are signed with; `None`: something random, so that they are valid until the server stops.
    pub secret: Option<String>,
    /// The rules of the routes file.
    pub routes: Option<Arc<Routes>>,
    /// The values of `Host` that are accepted besides those of this machine and, `on_network`, of the local network;
    /// `None`: all. A server for this machine alone must refuse others, or any web page could read the data through a
    /// name of its own that resolves to this machine (DNS rebinding). Pages of these hosts may use the server.
    pub hosts: Option<Vec<String>>,
    /// Bytes of a request's body, as sent and after decompression.
    pub body_limit: usize,
    /// Bytes of a request's target.
    pub target_limit: usize,
    /// Bytes of a regular expression in a query, at most `MAX_PATTERN`. What it may cost to run is bounded in any case.
    pub pattern_limit: usize,
    /// How many fields a query may have conditions on.
    pub query_fields: usize,
    /// How long a query may take.
    pub query_time: Duration,
    /// Bytes of memory for what is kept besides the data: what can be undone, events, requests, lists, large bodies.
    pub memory_limit: usize,
    /// How deep the arrays and objects of a body may be nested.
    pub depth: usize,
    /// A folder of static files.
    pub folder: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            file: None,
            rules_file: None,
            ephemeral: false,
            cors: true,
            origins: Vec::new(),
            on_network: false,
            gzip: true,
            admin: true,
            heartbeat: Duration::from_secs(15),
            read_only: false,
            faults: true,
            seed: 0,
            delay: Delay::default(),
            profile: None,
            secret: None,
            routes: None,
            hosts: None,
            body_limit: 10 * 1024 * 1024,
            target_limit: 8 * 1024,
            pattern_limit: MAX_PATTERN,
            memory_limit: MemoryLimit::default().0,
            query_fields: 64,
            query_time: Duration::from_secs(10),
            depth: MAX_BODY_DEPTH,
            folder: None,
        }
    }
}

/// Limits of size, time and number for connections. Begin with the default and set fields.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a request's line and headers together.
    pub headers: usize,
    /// How many headers a request may have.
    pub header_count: usize,
    /// How long a connection may take to send a request's headers, counted from the first byte.
    pub header_time: Duration,
    /// How long a connection may be idle between two requests.
    pub idle_time: Duration,
    /// From the headers to the end of the body.
    pub body_time: Duration,
    /// How long a response may wait for a client that does not read.
    pub write_time: Duration,
    /// Connections at a time; further ones wait.
    pub connections: usize,
    /// How long a stop waits for requests in progress.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            headers: 64 * 1024,
            header_count: DEFAULT_HEADER_COUNT,
            header_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            body_time: Duration::from_secs(30),
            write_time: Duration::from_secs(30),
            connections: 10_000,
            grace: Duration::from_secs(2),
        }
    }
}
