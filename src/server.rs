//! Starting and stopping a server: reads the files, locks the data file, takes the port, and connects engine and HTTP.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;

use crate::behaviour::RoutesError;
use crate::engine::{self, Engine, Faults, FileSource, Journaling, Notice, Rulebook, TroubleKind};
use crate::file::{DataFile, Durability, Leftover, Loaded, LockError, RealDisk, Role};
use crate::http::{
    self, AccessLogEntry, App, Limits, LocalService, Request, Response, WatchedFile,
};
use crate::memory::MemoryLimit;
use crate::rules::OnDelete;
use crate::schema::{Schema, SchemaError};
use crate::store::{RepeatedIds, Settings, Store};

/// Options for [`Server::start`]: create them with [`Options::new`] or [`Options::from_json`], then set fields.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// The data file.
    pub file: PathBuf,
    /// The data as JSON text, served instead of the file. `file` then only names it in messages, and writes stay in
    /// memory.
    pub data: Option<String>,
    /// The rules file (default: `NAME.schema.json` beside `NAME.json`, if it exists).
    pub schema: Option<PathBuf>,
    /// The rules as JSON text, used instead of a rules file.
    pub rules: Option<String>,
    /// The host name or address to listen on.
    pub host: String,
    /// The port; 0 picks a free one.
    pub port: u16,
    /// Whether writes are saved to the file, and how durable they are.
    pub saving: Saving,
    /// Whether to reload the file when it changes.
    pub watch: bool,
    /// How often to check a watched file for changes as well; zero turns that off.
    pub poll: Duration,
    /// API writes newer than this are kept when the file is edited and the edit does not contain them.
    pub unseen: Duration,
    /// The file size in bytes from which writes are logged to a journal first.
    pub journal_above: usize,
    /// The routes file, which is followed if `watch` is set; its rules are in `http`. One beside the data file
    /// (`NAME.routes.json`) need not be there yet.
    pub routes: Option<PathBuf>,
    /// The file of the profile in `http`, which is followed if `watch` is set.
    pub profile: Option<PathBuf>,
    /// Limits on the size and duration of requests.
    pub limits: Limits,
    /// The property that holds a record's id.
    pub id: String,
    /// The suffix of foreign keys.
    pub foreign_key_suffix: String,
    /// The effect of a deletion on records that point to the deleted one, if no rule sets it.
    pub on_delete: OnDelete,
    /// How requests are answered.
    pub http: http::Settings,
}

/// The target of writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saving {
    /// To the file.
    File(Durability),
    /// To memory; the file is never written.
    Memory,
}

impl Options {
    /// Serves `file` on port 3000 of localhost and saves every write to it.
    pub fn new(file: impl Into<PathBuf>) -> Options {
        Options {
            file: file.into(),
            data: None,
            schema: None,
            rules: None,
            host: "localhost".into(),
            port: 3000,
            saving: Saving::File(Durability::Synced),
            watch: true,
            poll: Duration::from_secs(1),
            unseen: Duration::from_secs(2),
            journal_above: Journaling::default().above,
            routes: None,
            profile: None,
            limits: Limits::default(),
            id: "id".into(),
            foreign_key_suffix: "Id".into(),
            on_delete: OnDelete::default(),
            http: http::Settings {
                hosts: Some(Vec::new()),
                ..http::Settings::default()
            },
        }
    }

    /// Serves `data`, an object of resources, on a free port of 127.0.0.1; writes stay in memory.
    pub fn from_json(data: Value) -> Options {
        Options {
            data: Some(data.to_string()),
            host: "127.0.0.1".into(),
            port: 0,
            saving: Saving::Memory,
            watch: false,
            ..Options::new("data.json")
        }
    }

    /// Whether the data file is written.
    fn saves(&self) -> Option<Durability> {
        match self.saving {
            Saving::File(durability) if self.data.is_none() => Some(durability),
            _ => None,
        }
    }
}

/// Callbacks for responses and for events of the data file.
#[derive(Default)]
#[non_exhaustive]
pub struct Listeners {
    /// Called for every response.
    pub access: Option<Box<dyn Fn(AccessLogEntry) + Send + Sync>>,
    /// Called when the data file is reloaded, cannot be saved, and so on.
    pub notice: Option<Box<dyn Fn(Notice) + Send + Sync>>,
}

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        error: io::Error,
    },
    /// The data is not valid.
    #[error("invalid data in {}", path.display())]
    Data {
        /// The path of the data file.
        path: PathBuf,
        /// The error message.
        #[source]
        faults: Box<Faults>,
    },
    /// The rules are not valid.
    #[error("invalid rules in {}", path.display())]
    Rules {
        /// The path of the rules file.
        path: PathBuf,
        /// Its text.
        text: String,
        /// The error message.
        #[source]
        error: SchemaError,
    },
    /// The routes file does not fit the rules, as `file:line:column: message`.
    #[error("{0}")]
    Routes(RoutesError),
    /// Another server has the file locked.
    #[error("{} is already being served by {holder}", path.display())]
    Locked {
        /// The path of the data file.
        path: PathBuf,
        /// That server, as far as it is known: `the process 4711 on port 3000`.
        holder: String,
    },
    /// The server cannot listen on the address.
    #[error("cannot listen on {address}")]
    Address {
        /// The address.
        address: String,
        /// The operating system's error.
        #[source]
        error: io::Error,
    },
    /// The operating system refuses to create a thread or an event queue.
    #[error("cannot start")]
    System(#[from] io::Error),
}

/// A running server. Dropping it stops it as [`Server::stop`] does.
///
/// It runs on its own threads, so it can be started, used and dropped in blocking and in async code. Dropping it blocks
/// until requests in progress are finished, at most for [`Limits::grace`].
pub struct Server {
    app: Arc<App>,
    addresses: Vec<SocketAddr>,
    rules: Option<PathBuf>,
    stop: watch::Sender<bool>,
    _watching: Option<http::Watching>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `data`, an object of resources, on a free port of 127.0.0.1; writes stay in memory.
    /// [`Options::from_json`] takes other options, too.
    ///
    /// ```
    /// let server = standin::Server::from_json(serde_json::json!({"users": []}))?;
    /// assert!(server.url().starts_with("http://127.0.0.1:"));
    /// # Ok::<(), standin::StartError>(())
    /// ```
    ///
    /// # Errors
    /// The data is not an object of resources, or no port is free.
    pub fn from_json(data: Value) -> Result<Server, StartError> {
        Server::start(&Options::from_json(data), Listeners::default())
    }

    /// Reads the files, takes the lock and the port, and serves. The port is open when this returns.
    ///
    /// # Errors
    /// A file is missing or broken, or the port is taken.
    pub fn start(options: &Options, listeners: Listeners) -> Result<Server, StartError> {
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let runtime = BackgroundRuntime(Some(runtime));
        let (mut server, sockets) = Server::open(options, listeners, &handle)?;
        let (limits, app) = (options.limits.clone(), server.app.clone());
        let stopped = server.stop.subscribe();
        let thread = std::thread::Builder::new()
            .name("standin-server".into())
            .spawn(move || {
                // Requests still in progress have had the grace period when it is dropped.
                let _runtime = runtime;
                handle.block_on(http::serve(sockets, app, limits, stopped));
            })?;
        server.thread = Some(thread);
        Ok(server)
    }

    /// The addresses that the server listens on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The URL of the API, without a slash at the end: `http://127.0.0.1:41234`.
    pub fn url(&self) -> String {
        match self.addresses.first() {
            Some(address) if address.ip().is_unspecified() => {
                format!("http://localhost:{}", address.port())
            }
            Some(address) => format!("http://{address}"),
            // Not reached: starting fails if there is no address.
            None => String::new(),
        }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.addresses.first().map_or(0, SocketAddr::port)
    }

    /// The rules file in use.
    pub fn rules(&self) -> Option<&Path> {
        self.rules.as_deref()
    }

    /// The current data, formatted as in the data file.
    pub fn to_json(&self) -> String {
        String::from_utf8_lossy(&self.app.store().file_text()).into_owned()
    }

    /// The current data.
    #[cfg(feature = "cli")]
    pub(crate) fn store(&self) -> Store {
        self.app.store()
    }

    /// Whether the data file holds an edit that is not valid.
    #[cfg(feature = "cli")]
    pub(crate) fn file_is_broken(&self) -> bool {
        self.app.engine.trouble().borrow().data_is_broken()
    }

    /// Reads the data while the server runs, without keeping it running. Once the server has stopped, the result is the
    /// data at the time of this call.
    #[cfg(feature = "cli")]
    pub(crate) fn reader(&self) -> impl Fn() -> Store + Send + use<> {
        let (app, last) = (Arc::downgrade(&self.app), self.store());
        move || {
            app.upgrade()
                .map_or_else(|| last.clone(), |app| app.store())
        }
    }

    /// Stops the server: accepts no more connections, finishes the requests in progress within [`Limits::grace`], and
    /// saves all acknowledged writes.
    pub fn stop(self) {
        drop(self);
    }

    /// A server that accepts no connections yet, and its sockets.
    fn open(
        options: &Options,
        listeners: Listeners,
        runtime: &Handle,
    ) -> Result<(Server, Vec<TcpListener>), StartError> {
        let (mut file, loaded) = load(options)?;
        let opened = Opened::read(options, loaded.bytes)?;
        let sockets = bind(runtime, &options.host, options.port)?;
        let addresses: Vec<SocketAddr> = sockets
            .iter()
            .filter_map(|socket| socket.local_addr().ok())
            .collect();
        if let Some(file) = &mut file {
            file.served_on(addresses.first().map_or(0, SocketAddr::port));
        }
        let notice: Arc<dyn Fn(Notice) + Send + Sync> = listeners
            .notice
            .map_or_else(|| Arc::new(|_| {}) as _, Arc::from);
        let recovered = loaded.recovered.into_iter();
        recovered.for_each(|found| notice(Notice::Recovered(found)));
        remarks(options, &opened).for_each(|remark| notice(remark));
        let mut store = opened.store;
        let source = match file.filter(|_| options.saves().is_some()) {
            Some(file) => {
                let remarks = saving_remarks(&file).filter(|_| !options.http.read_only);
                remarks.for_each(|remark| notice(remark));
                Some(source_of(options, file, loaded.left))
            }
            None => {
                if let Some(left) = loaded.left.and_then(|left| left.within(options.unseen)) {
                    let replayed = engine::replay(store, &left);
                    notice(replayed.notice);
                    store = replayed.store;
                }
                None
            }
        };
        let reported = notice.clone();
        let memory = MemoryLimit(options.http.memory_limit);
        let engine = Engine::start(store, opened.rulebook, source, memory, move |event| {
            reported(event)
        })?;
        let mut settings = settings_of(options, opened.rules.as_deref(), &addresses);
        let files = watched_files(options, &mut settings, opened.text);
        let app = Arc::new(App::new(engine, settings, files, notice, listeners.access));
        let watching = options.watch.then(|| app.watch_files(options.poll));
        let server = Server {
            app,
            addresses,
            rules: opened.rules,
            stop: watch::Sender::new(false),
            _watching: watching.transpose()?,
            thread: None,
        };
        Ok((server, sockets))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // This fails only if the server thread has ended already.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // Explicitly, because the last owner of the app may be a connection that is being aborted.
        self.app.stop();
    }
}

/// The data file for the engine. `left`: the writes in its journal.
fn source_of(options: &Options, file: DataFile, left: Option<Leftover>) -> FileSource {
    FileSource {
        file: Box::new(file),
        watched: options.watch,
        poll: options.poll,
        unseen: options.unseen,
        journaling: Journaling {
            above: options.journal_above,
            keep: engine::keep_journal(options.unseen),
            ..Journaling::default()
        },
        left,
    }
}

/// The data file, locked if it is to be written, and its content; or the data that is served instead.
fn load(options: &Options) -> Result<(Option<DataFile>, Loaded), StartError> {
    if let Some(text) = &options.data {
        let loaded = Loaded {
            bytes: text.clone().into_bytes(),
            ..Loaded::default()
        };
        return Ok((None, loaded));
    }
    let (role, durability) = match options.saves() {
        Some(durability) => (Role::Owner, durability),
        None => (Role::Reader, Durability::Written),
    };
    let opened = DataFile::open(&options.file, durability, Box::new(RealDisk), role);
    let (file, loaded) = opened.map_err(|error| match error {
        LockError::Held(holder) => StartError::Locked {
            path: options.file.clone(),
            holder: holder.to_string(),
        },
        LockError::Io(error) => unreadable(&options.file, error),
    })?;
    Ok((Some(file), loaded))
}

/// Warnings about the data and the rules.
fn remarks(options: &Options, opened: &Opened) -> impl Iterator<Item = Notice> {
    let (store, schema) = (&opened.store, opened.rulebook.schema());
    let repeated = Some(&opened.repeated).filter(|repeated| !repeated.list.is_empty());
    let has_random_secret = schema.auth().is_some() && options.http.secret.is_none();
    let without_ids = opened.rulebook.without_ids().map(str::to_string);
    engine::given_ids(store, None)
        .chain(repeated.cloned().map(Notice::RepeatedIds))
        .chain(not_a_file_warnings(options))
        .chain(has_random_secret.then_some(Notice::RandomSecret))
        .chain(engine::unused_rules(schema, store))
        .chain(without_ids.map(Notice::NoIds))
}

/// Warnings about how `file` can be saved.
fn saving_remarks(file: &DataFile) -> impl Iterator<Item = Notice> {
    let unwritable = file.obstacle().map(|obstacle| {
        let (reason, hint) = obstacle.explain(&file.path);
        Notice::Unwritable { reason, hint }
    });
    let in_place = file.in_place.then(|| {
        let (reason, hint) = if file.is_mounted_alone() {
            (
                "it is mounted by itself, and an edit in the moment of a save can be lost",
                "mount its folder instead of the file",
            )
        } else {
            (
                "a new file could not have its owner, group, ACL and attributes",
                "start the server as the user who owns the file",
            )
        };
        Notice::InPlace {
            reason: reason.into(),
            hint: hint.into(),
        }
    });
    unwritable.into_iter().chain(in_place)
}

/// The settings, adjusted to the other options. `rules`: the rules file in use.
fn settings_of(
    options: &Options,
    rules: Option<&Path>,
    addresses: &[SocketAddr],
) -> http::Settings {
    let is_file = options.data.is_none();
    let beside = options.file.with_extension("schema.json");
    let on_network = addresses.iter().any(|address| !address.ip().is_loopback());
    let hosts = options.http.hosts.clone();
    http::Settings {
        file: is_file.then(|| options.file.display().to_string()),
        rules_file: (is_file && options.rules.is_none())
            .then(|| rules.map_or(beside, Path::to_path_buf)),
        ephemeral: options.saves().is_none(),
        on_network,
        // On the network, any name is accepted unless names are given.
        hosts: hosts.filter(|names| !on_network || !names.is_empty()),
        ..options.http.clone()
    }
}

/// The files for the hot reload. `text` is that of the rules file.
fn watched_files(
    options: &Options,
    settings: &mut http::Settings,
    text: Option<String>,
) -> Vec<WatchedFile> {
    let file = |kind, path: PathBuf, end: &str| {
        let is_optional = path == options.file.with_extension(end);
        WatchedFile::new(kind, path, is_optional)
    };
    let rules = settings.rules_file.clone();
    let rules = rules.map(|path| file(TroubleKind::Rules, path, "schema.json").with_text(text));
    let routes = options.routes.clone().map(|path| {
        settings.routes.get_or_insert_default();
        file(TroubleKind::Routes, path, "routes.json")
    });
    let profile = options.profile.clone();
    let profile = profile.map(|path| WatchedFile::new(TroubleKind::Profile, path, false));
    [rules, routes, profile].into_iter().flatten().collect()
}

/// A server without a port, for tests that call the API directly. Writes stay in memory.
///
/// ```
/// use standin::{Options, Sandbox};
///
/// let sandbox = Sandbox::open(&Options::from_json(serde_json::json!({"users": [{"id": 1}]})))?;
/// let response = sandbox.call("DELETE", "/users/1", &[], Vec::new())?;
/// assert_eq!(response.status(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sandbox {
    service: LocalService,
}

impl Sandbox {
    /// Opens a sandbox on the data of `options`; a data file is read and not written.
    ///
    /// # Errors
    /// A file is missing or broken.
    pub fn open(options: &Options) -> Result<Sandbox, StartError> {
        let bytes = match &options.data {
            Some(text) => text.clone().into_bytes(),
            None => {
                std::fs::read(&options.file).map_err(|error| unreadable(&options.file, error))?
            }
        };
        let opened = Opened::read(options, bytes)?;
        let memory = MemoryLimit(options.http.memory_limit);
        let engine = Engine::start(opened.store, opened.rulebook, None, memory, |_| {})?;
        let settings = options.http.clone();
        let app = App::new(engine, settings, Vec::new(), Arc::new(|_| {}), None);
        let service = LocalService::new(Arc::new(app));
        Ok(Sandbox { service })
    }

    /// Answers a request, blocking until the response is complete. Works in async code, too.
    ///
    /// # Errors
    /// The method, the target or a header is not valid HTTP.
    pub fn call(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> io::Result<Response<Bytes>> {
        let invalid = |message| io::Error::new(io::ErrorKind::InvalidInput, message);
        let request = Request::within(method, target, headers, body).map_err(invalid)?;
        // On a separate thread, because `block_on` panics within a runtime.
        std::thread::scope(|scope| {
            let answer = scope.spawn(|| {
                let runtime = Builder::new_current_thread().enable_time().build()?;
                Ok(runtime.block_on(self.respond(request)))
            });
            answer
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Explains the routes file's effect on a request: the target after the rewrites, and the effect of each rule.
    #[cfg(feature = "cli")]
    pub(crate) fn explain(
        &self,
        method: &str,
        target: &str,
    ) -> Result<(String, Vec<crate::behaviour::Explained>), String> {
        let request = Request::within(method, target, &[], Vec::new())?;
        Ok(self.service.explain(request))
    }

    /// An async [`Sandbox::call`], for the benchmarks and fuzz targets of this project.
    #[doc(hidden)]
    pub async fn respond(&self, request: Request) -> Response<Bytes> {
        self.service.call(request).await
    }
}

fn unreadable(path: &Path, error: io::Error) -> StartError {
    StartError::Unreadable {
        path: path.to_path_buf(),
        error,
    }
}

/// Warnings about a rules or routes file beside the data that is not a regular file, and so was not read.
fn not_a_file_warnings(options: &Options) -> impl Iterator<Item = Notice> {
    let rules = (
        "schema.json",
        "rules",
        options.schema.is_none() && options.rules.is_none(),
    );
    let beside = options.file.with_extension("routes.json");
    let no_other = options.routes.as_ref().is_none_or(|path| *path == beside);
    let routes = ("routes.json", "routes", no_other);
    let is_beside = options.data.is_none();
    [rules, routes]
        .into_iter()
        .filter(move |(_, _, is_looked_for)| *is_looked_for && is_beside)
        .map(|(end, holds, _)| (options.file.with_extension(end), holds))
        .filter(|(path, _)| !path.is_file() && path.symlink_metadata().is_ok())
        .map(|(path, holds)| Notice::NotAFile { path, holds })
}

/// The data and the rules, validated against each other and the routes.
struct Opened {
    store: Store,
    repeated: RepeatedIds,
    rulebook: Rulebook,
    /// The rules file.
    rules: Option<PathBuf>,
    /// The text of the rules.
    text: Option<String>,
}

impl Opened {
    /// The data in `bytes` under the rules from the options, from the rules file, or from the file beside the data
    /// file.
    fn read(options: &Options, bytes: Vec<u8>) -> Result<Opened, StartError> {
        let beside = options.file.with_extension("schema.json");
        let beside = Some(beside).filter(|path| options.data.is_none() && path.is_file());
        let rules = options.schema.clone().or(beside);
        let text = match (&options.rules, &rules) {
            (Some(text), _) => Some(text.clone()),
            (None, Some(path)) => {
                Some(std::fs::read_to_string(path).map_err(|error| unreadable(path, error))?)
            }
            (None, None) => None,
        };
        let schema = match &text {
            Some(text) => Schema::compile(text, &options.id).map_err(|error| {
                let path = rules.clone().unwrap_or_else(|| "rules.json".into());
                let text = text.clone();
                StartError::Rules { path, text, error }
            })?,
            None => Schema::default(),
        };
        if let (Some(routes), None) = (&options.http.routes, schema.auth()) {
            let checked = routes.current().check_without_users();
            checked.map_err(StartError::Routes)?;
        }
        let settings = Settings {
            id: options.id.clone(),
            foreign_key_suffix: options.foreign_key_suffix.clone(),
            on_delete: options.on_delete,
            ..Settings::default()
        };
        let rulebook = Rulebook::new(schema, settings);
        let (store, repeated) = rulebook
            .read_file(bytes)
            .map_err(|faults| StartError::Data {
                path: options.file.clone(),
                faults: Box::new(faults),
            })?;
        Ok(Opened {
            store,
            repeated,
            rulebook,
            rules,
            text,
        })
    }
}

/// A runtime whose tasks are not waited for when it is dropped: waiting panics in async code.
struct BackgroundRuntime(Option<Runtime>);

impl Drop for BackgroundRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Opens the port on every address of `host`; `localhost` is both 127.0.0.1 and ::1, if the machine has it.
fn bind(runtime: &Handle, host: &str, port: u16) -> Result<Vec<TcpListener>, StartError> {
    let _inside = runtime.enter();
    let failed = |address: String| |error| StartError::Address { address, error };
    let ips: Vec<IpAddr> = match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(ip) => vec![ip],
        Err(_) if host.eq_ignore_ascii_case("localhost") => {
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        }
        Err(_) => {
            use std::net::ToSocketAddrs;
            let found = (host, port)
                .to_socket_addrs()
                .map_err(failed(format!("{host}:{port}")))?;
            found.map(|address| address.ip()).collect()
        }
    };
    let mut sockets: Vec<TcpListener> = Vec::new();
    for ip in ips {
        // With port 0 the first address chooses and the others follow.
        let port = sockets
            .first()
            .and_then(|socket| socket.local_addr().ok())
            .map_or(port, |address| address.port());
        match listen(SocketAddr::new(ip, port)) {
            Ok(socket) => sockets.push(socket),
            // A machine without IPv6 has no ::1.
            Err(error) if !sockets.is_empty() && lacks_address(&error) => {}
            Err(error) => return Err(failed(SocketAddr::new(ip, port).to_string())(error)),
        }
    }
    Ok(sockets)
}

/// Whether this machine has no such address, or no addresses of that family at all.
fn lacks_address(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(libc::EAFNOSUPPORT) {
        return true;
    }
    matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
    )
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // Otherwise a server that is restarted at once would find its own port in use for a minute.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}
