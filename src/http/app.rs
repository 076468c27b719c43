//! The application: the state that handlers share, and what happens before and after each handler.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::Future;
use std::io;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use fastrand::Rng;
use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use warp::http::{Method, Response, StatusCode, header};

use super::costly::{self, Scheduler};
use super::cross_site;
use super::hot_reload::{self, HotReload, InEffect, Routes, Targets, WatchedFile, Watching};
use super::idempotency::Keys;
use super::login::{self, Logins};
use super::problem::{self, LogNote, Problem};
use super::profile::Profile;
use super::request::{Received, Request};
use super::request_log::{Hidden, RequestLog};
use super::response;
use super::settings::{Settings, is_loopback, is_private, is_rebinding_safe};
use crate::engine::{Engine, Notice, Rulebook};
use crate::memory::MemoryLimit;
use crate::store::{Outcome, Store};

/// The reply of a handler: a response, or a problem to make one of.
pub(super) type Reply = Result<Response<Bytes>, Problem>;

/// A line of the access log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AccessLogEntry {
    /// The request's method.
    pub method: Method,
    /// The request's target as it was sent.
    pub target: String,
    /// The response's status.
    pub status: StatusCode,
    /// The time from the request's last byte to the response.
    pub time: Duration,
    /// The size of the response's body, in bytes.
    pub size: usize,
    /// The problem and its hint, if there is one; several lines.
    pub note: Option<String>,
}

/// The OpenAPI document, and what it was generated from.
#[derive(Clone)]
pub(super) struct Described {
    pub(super) version: u64,
    pub(super) rulebook: Arc<Rulebook>,
    pub(super) routes: Arc<InEffect>,
    pub(super) profile: Option<Arc<Profile>>,
    pub(super) text: Bytes,
}

/// The state of the application.
pub struct App {
    pub(crate) engine: Arc<Engine>,
    pub(super) settings: Settings,
    /// The folder of static files, if there is one.
    pub(super) folder: Option<PathBuf>,
    /// Whether the page at `/` is the explorer, not one of the static files.
    explorer_is_home: bool,
    pub(super) started: Instant,
    /// The data at the start.
    pub(super) start: Store,
    /// Snapshots by name: the version of the data, and the data.
    pub(super) snapshots: Mutex<BTreeMap<String, (u64, Store)>>,
    pub(super) request_log: RequestLog,
    pub(super) scheduler: Arc<Scheduler>,
    /// A semaphore for the memory of large bodies, in KiB: they are in memory until their write is acknowledged.
    pub(super) bodies: Semaphore,
    pub(super) logins: Logins,
    /// Whether writes are refused; the explorer has a switch for it.
    pub(super) read_only: AtomicBool,
    pub(super) keys: Keys,
    /// Rules that were set at run time.
    pub(super) faults: Routes,
    random: Mutex<Rng>,
    /// The cached OpenAPI document.
    pub(super) openapi: Mutex<Option<Described>>,
    /// Called when something happens to the files or the rules.
    pub(super) notice: Arc<dyn Fn(Notice) + Send + Sync>,
    pub(super) hot_reload: Arc<Mutex<HotReload>>,
    /// The profile of the command line.
    profile: Arc<ArcSwapOption<Profile>>,
    access_log: Option<Box<dyn Fn(AccessLogEntry) + Send + Sync>>,
}

impl App {
    /// An application on `engine`, with `files` that are reloaded: `notice` is called when that is done or fails.
    /// `access_log` is called for every response, except to requests for the server's own pages and to those that the
    /// explorer sends.
    pub fn new(
        engine: Engine,
        settings: Settings,
        files: Vec<WatchedFile>,
        notice: Arc<dyn Fn(Notice) + Send + Sync>,
        access_log: Option<Box<dyn Fn(AccessLogEntry) + Send + Sync>>,
    ) -> App {
        // The command line has reported a folder that does not exist.
        let folder = settings
            .folder
            .as_deref()
            .and_then(|path| path.canonicalize().ok());
        let memory = MemoryLimit(settings.memory_limit);
        let random = Mutex::new(Rng::with_seed(settings.seed));
        let profile = Arc::new(ArcSwapOption::new(settings.profile.clone()));
        let engine = Arc::new(engine);
        let targets = Targets {
            engine: engine.clone(),
            routes: settings.routes.clone(),
            profile: profile.clone(),
            has_secret: settings.secret.is_some(),
            seed: settings.seed,
            data: settings.file.clone(),
            notice: notice.clone(),
        };
        let hot_reload = HotReload {
            files,
            tried_with: None,
            targets,
        };
        App {
            explorer_is_home: !folder
                .as_deref()
                .is_some_and(|path| path.join("index.html").is_file()),
            folder,
            bodies: Semaphore::new(kib(memory.bodies().max(settings.body_limit)) as usize),
            scheduler: Arc::new(Scheduler::new(settings.query_time)),
            logins: Logins::new(settings.secret.as_deref()),
            read_only: settings.read_only.into(),
            settings,
            started: Instant::now(),
            start: engine.snapshot().full.clone(),
            engine,
            snapshots: Mutex::default(),
            request_log: RequestLog::new(memory.requests()),
            keys: Keys::new(memory.requests()),
            faults: Routes::default(),
            random,
            openapi: Mutex::default(),
            notice,
            hot_reload: Arc::new(Mutex::new(hot_reload)),
            profile,
            access_log,
        }
    }

    /// The present data.
    pub fn store(&self) -> Store {
        self.engine.snapshot().full.clone()
    }

    /// The profile in effect: that of the settings, or else that of the routes file.
    pub(super) fn profile(&self) -> Option<Arc<Profile>> {
        let named = || self.settings.routes.as_ref()?.profile();
        self.profile.load_full().or_else(named)
    }

    /// Reloads the files when they are saved, and checks them every `poll`.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn watch_files(&self, poll: Duration) -> io::Result<Watching> {
        hot_reload::watch(&self.hot_reload, poll)
    }

    /// The content of the routes file.
    pub(super) fn routes(&self) -> Arc<InEffect> {
        let routes = self.settings.routes.as_ref();
        routes.map(|routes| routes.in_effect()).unwrap_or_default()
    }

    /// Whether writes are refused.
    pub(super) fn is_read_only(&self) -> bool {
        self.read_only.load(Ordering::Relaxed)
    }

    /// The problem of a write while writes are refused.
    pub(super) fn read_only_problem(&self, detail: impl Into<String>) -> Problem {
        let hint = if self.settings.read_only {
            "standin was started with --read-only"
        } else {
            "writes have been switched off in the explorer"
        };
        Problem::new(problem::READ_ONLY, detail).hint(hint)
    }

    /// Refuses `what`, which would change the data, while writes are refused.
    pub(super) fn check_writable(&self, what: &str) -> Result<(), Problem> {
        match self.is_read_only() {
            true => Err(self.read_only_problem(format!("{what} would change the data"))),
            false => Ok(()),
        }
    }

    /// Draws from the generator that `--seed` sets.
    pub(super) fn random<R>(&self, draw: impl FnOnce(&mut Rng) -> R) -> R {
        draw(&mut self.random.lock())
    }

    /// The written record without hidden properties.
    pub(super) fn seen(&self, outcome: &Outcome) -> String {
        let full = &self.engine.snapshot().full;
        full.public_text(&outcome.resource, &outcome.value)
            .into_owned()
    }

    /// The problem of a template that fails.
    pub(super) fn failed(&self, error: &dyn Display) -> Problem {
        let routes = self.settings.routes.as_ref();
        let path = routes.and_then(|routes| routes.current().path.clone());
        let name = path.map_or("the routes file".into(), |path| path.display().to_string());
        Problem::new(problem::TEMPLATE, format!("{name}:{error}"))
            .hint("fix the expression; the routes file is reloaded when it is saved")
    }

    /// Resets the counters and the random sequence of the rules.
    pub(super) fn restart_rules(&self) {
        self.keys.clear();
        self.random(|random| random.seed(self.settings.seed));
        self.faults.current().restart();
        if let Some(routes) = &self.settings.routes {
            routes.current().restart();
        }
    }

    /// Finishes the writes in the queue; later ones are refused.
    pub fn stop(&self) {
        self.engine.stop();
    }

    /// Checks the request, runs `handler`, completes the response and logs it.
    pub(super) async fn respond<F: Future<Output = Reply>>(
        self: &Arc<App>,
        received: Received,
        handler: impl FnOnce(Arc<App>, Arc<Request>) -> F,
    ) -> Response<Bytes> {
        let start = Instant::now();
        let Received {
            request,
            sent_method,
            sent_target,
            is_complete,
        } = received;
        let reply = async {
            self.check(&request)?;
            handler(self.clone(), request.clone()).await
        };
        // Without this a panic would close the connection without a response.
        let reply = AssertUnwindSafe(reply)
            .catch_unwind()
            .await
            .unwrap_or_else(|_| {
                Err(
                    Problem::new(problem::BUG, "internal error; the data was not changed")
                        .hint("please report the request that caused it"),
                )
            });
        let response = reply.unwrap_or_else(Problem::into_response);
        let document = RequestLog::document(&response);
        let mut response = self.finish(&request, response).await;
        if !is_complete {
            // The unread rest of the body must not be parsed as the next request.
            response::set_fixed(response.headers_mut(), header::CONNECTION, "close");
        }
        let target = sent_target.as_deref().unwrap_or(request.target());
        self.log(
            (&sent_method, target, start),
            &request,
            &mut response,
            document,
        );
        response
    }

    /// Adds a request that came at `start`, with method and target as they were sent, and its response to the request
    /// log (`/-/requests`) and the access log.
    fn log(
        &self,
        (method, target, start): (&Method, &str, Instant),
        request: &Request,
        response: &mut Response<Bytes>,
        problem: Option<Bytes>,
    ) {
        let is_own_page = self.is_own_page(target, request);
        if self.settings.admin && !is_own_page {
            let schema = self.engine.schema();
            let hidden = match login::is_private(&schema, request.uri.path()) {
                true => Hidden::All,
                false => Hidden::Properties(&schema.hidden_names()),
            };
            let sent = (method, target, start);
            self.request_log
                .add(sent, request, response, problem, hidden);
        }
        let note = response.extensions_mut().remove::<LogNote>();
        if let Some(log) = &self.access_log
            && !is_own_page
            && !self.is_from_explorer(request)
        {
            log(AccessLogEntry {
                method: method.clone(),
                target: target.to_string(),
                status: response.status(),
                time: start.elapsed(),
                size: response::size(response),
                note: note.map(|note| note.0),
            });
        }
    }

    /// Completes a response; a large one is compressed on a thread that may block.
    async fn finish(
        self: &Arc<App>,
        request: &Arc<Request>,
        response: Response<Bytes>,
    ) -> Response<Bytes> {
        let changes = request.headers.contains_key(header::ACCEPT_ENCODING)
            || request
                .uri
                .query()
                .is_some_and(|query| query.contains("callback"));
        if response.body().len() <= costly::INLINE_LIMIT || !changes {
            return response::finish(request, &self.settings, response);
        }
        let (app, asked) = (self.clone(), request.clone());
        let finished = self
            .scheduler
            .run(move |_| Ok(response::finish(&asked, &app.settings, response)));
        match finished.await {
            Ok(response) => response,
            Err(problem) => response::finish(request, &self.settings, problem.into_response()),
        }
    }

    /// Logs a request whose head could not be parsed; `line` is its beginning.
    pub(super) fn log_unparsed(&self, line: &str, response: &Response<Bytes>) {
        let Some(log) = &self.access_log else { return };
        let parts = line
            .split_once(' ')
            .and_then(|(method, target)| Some((method.parse().ok()?, target)));
        let (method, target) = parts.unwrap_or_else(|| ("-".parse().unwrap_or_default(), line));
        let target = target
            .rsplit_once(" HTTP/")
            .map_or(target, |(target, _)| target);
        let note = response
            .extensions()
            .get::<LogNote>()
            .map(|note| note.0.clone());
        let (target, status, size) = (target.to_string(), response.status(), response.body().len());
        log(AccessLogEntry {
            method,
            target,
            status,
            time: Duration::ZERO,
            size,
            note,
        });
    }

    /// Whether a request is for one of the server's own pages or the icon.
    fn is_own_page(&self, target: &str, request: &Request) -> bool {
        target.starts_with("/-/")
            || (target == "/" && self.explorer_is_home)
            // Browsers request the icon by themselves.
            || (request.uri.path() == "/favicon.ico" && request.reads())
    }

    /// Whether the explorer sent a request; such requests are not in the access log.
    fn is_from_explorer(&self, request: &Request) -> bool {
        let page = || {
            let (_, rest) = request.header(header::REFERER)?.split_once("://")?;
            rest.strip_prefix(request.header(header::HOST)?)
        };
        page().is_some_and(|page| page.starts_with("/-/") || (page == "/" && self.explorer_is_home))
    }

    /// The checks of every request, whatever it is for.
    fn check(&self, request: &Request) -> Result<(), Problem> {
        let is_remote = request.remote.is_some();
        if let Some(problem) = request.bad_host().filter(|_| is_remote) {
            return Err(problem);
        }
        if request.method == Method::CONNECT || request.uri.path().is_empty() {
            return Err(
                Problem::new(problem::NOT_SUPPORTED, "the server is not a proxy")
                    .hint("remove the proxy setting of the client, for example curl's --proxy")
                    .attempt(request.curl("GET", "/", None)),
            );
        }
        let length = request.target().len();
        if length > self.settings.target_limit {
            let limit = self.settings.target_limit;
            let detail = format!("the URL has {length} bytes; the limit is {limit}");
            return Err(Problem::new(problem::TARGET_TOO_LONG, detail)
                .hint("ask for less at a time, or start standin with a larger --url-limit"));
        }
        if let (Some(names), Some(host)) = (
            self.settings.hosts.as_ref().filter(|_| is_remote),
            request.host_names().next(),
        ) && !is_loopback(host)
            && !names.iter().any(|name| name.eq_ignore_ascii_case(host))
            && !(self.settings.on_network && (is_private(host) || is_rebinding_safe(host)))
        {
            let detail =
                format!("the request is for the host {host}, and standin serves this machine");
            return Err(Problem::new(problem::FOREIGN_HOST, detail).hint(format!(
                "use localhost as the host; to accept {host}, start standin with --allow-host {host}"
            )));
        }
        cross_site::check(request, &self.settings)
    }
}

/// `bytes` in KiB, rounded up.
pub(super) fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}
