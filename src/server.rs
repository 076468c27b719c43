//! The composition root: from options to a running server, and back.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::disk::{DataFile, Durability, Lock, LockError, Opened, RealDisk, Role};
use crate::engine::{self, Engine, Faults, Journaling, Notice, RepeatedIds, Rulebook, Source};
pub use crate::http::Request;
use crate::http::{self, App, Entry, Limits, Response};
use crate::schema::{Schema, SchemaError};
use crate::store::{OnDelete, Settings, Store};

/// What is meant by a start of the server.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data file.
    pub file: PathBuf,
    /// The rules file; without one the file `NAME.schema.json` beside `NAME.json` where that is there.
    pub schema: Option<PathBuf>,
    /// The addresses to serve on: a host name or address.
    pub host: String,
    /// The port; 0 for any that is free.
    pub port: u16,
    /// Whether and how sure writes go to the file.
    pub saving: Saving,
    /// Whether edits of the file are taken in when they happen.
    pub watch: bool,
    /// How often to look at a watched file besides; zero: never.
    pub poll: Duration,
    /// How young a write must be to be kept when an edit of the file lacks it.
    pub unseen: Duration,
    /// From which size on a file has a journal, in bytes.
    pub journal_above: usize,
    /// The routes file, which is followed if `watch` is set; its rules are in `http`.
    pub routes: Option<PathBuf>,
    /// What a client may ask for.
    pub limits: Limits,
    /// The property that holds a record's id.
    pub id: String,
    /// What foreign keys end with.
    pub foreign_key_suffix: String,
    /// What becomes of the records that point to a deleted one, where no rule says.
    pub on_delete: OnDelete,
    /// How requests are answered.
    pub http: http::Settings,
}

/// Where writes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saving {
    /// To the file.
    File(Durability),
    /// To memory; the file is never written.
    Memory,
}

impl Options {
    /// The options for `file` when nothing else was said.
    pub fn new(file: impl Into<PathBuf>) -> Options {
        Options {
            file: file.into(),
            schema: None,
            host: "localhost".into(),
            port: 3000,
            saving: Saving::File(Durability::Synced),
            watch: true,
            poll: Duration::from_secs(1),
            unseen: Duration::from_secs(2),
            journal_above: Journaling::default().above,
            routes: None,
            limits: Limits::default(),
            id: "id".into(),
            foreign_key_suffix: "Id".into(),
            on_delete: OnDelete::default(),
            http: http::Settings { hosts: Some(Vec::new()), ..http::Settings::default() },
        }
    }
}

/// Who is told what happens.
#[derive(Default)]
pub struct Listeners {
    /// Called for every answer.
    pub access: Option<Box<dyn Fn(Entry) + Send + Sync>>,
    /// Called when something happens to the data file.
    pub notice: Option<Box<dyn Fn(Notice) + Send + Sync>>,
}

/// Why the server cannot start; a person reads it.
#[derive(Debug)]
pub enum StartError {
    /// A file cannot be read.
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The operating system's words.
        error: io::Error,
    },
    /// The data file is broken.
    Data {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        faults: Box<Faults>,
    },
    /// The rules file is broken.
    Rules {
        /// Which.
        path: PathBuf,
        /// Its text.
        text: String,
        /// What is wrong.
        error: SchemaError,
    },
    /// Another server has the file.
    Locked {
        /// Which.
        path: PathBuf,
        /// What that server said of itself.
        holder: String,
    },
    /// The address cannot be served on.
    Address {
        /// Which.
        address: String,
        /// The operating system's words.
        error: io::Error,
    },
    /// The operating system gives no threads.
    System(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Unreadable { path, error } => write!(formatter, "cannot read {}: {error}", path.display()),
            StartError::Data { path, .. } => write!(formatter, "{} is broken", path.display()),
            StartError::Rules { path, .. } => write!(formatter, "{} is broken", path.display()),
            StartError::Locked { path, holder } => {
                write!(formatter, "{} is served already by {holder}", path.display())
            }
            StartError::Address { address, error } => write!(formatter, "cannot serve on {address}: {error}"),
            StartError::System(error) => write!(formatter, "cannot start: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// A running server. It has threads of its own; dropping it stops it in order.
pub struct Server {
    app: Arc<App>,
    addresses: Vec<SocketAddr>,
    rules: Option<PathBuf>,
    stop: watch::Sender<bool>,
    _routes: Option<http::RoutesWatch>,
    thread: Option<JoinHandle<()>>,
    _lock: Option<Lock>,
}

impl Server {
    /// Reads the files, takes the lock and the port, and serves. The port is open when this returns.
    ///
    /// # Errors
    /// A file is missing or broken, or the port is taken.
    pub fn start(options: &Options, listeners: Listeners) -> Result<Server, StartError> {
        let durability = match options.saving {
            Saving::File(durability) => durability,
            Saving::Memory => Durability::Written,
        };
        let unreadable = |path: &Path| {
            let path = path.to_path_buf();
            |error| StartError::Unreadable { path, error }
        };
        let mut lock = take_lock(options)?;
        let role = if options.saving == Saving::Memory { Role::Reader } else { Role::Owner };
        let Opened { file, bytes, recovered, left } =
            DataFile::open(&options.file, durability, Box::new(RealDisk), role).map_err(unreadable(&options.file))?;
        let rules = rules_file(options);
        let schema = match &rules {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(unreadable(path))?;
                Schema::compile_with_id(&text, &options.id).map_err(|error| StartError::Rules {
                    path: path.clone(),
                    text,
                    error,
                })?
            }
            None => Schema::default(),
        };
        let settings = Settings {
            id: options.id.clone(),
            foreign_key_suffix: options.foreign_key_suffix.clone(),
            on_delete: options.on_delete,
            ..Settings::default()
        };
        let rulebook = Rulebook::new(schema, settings);
        let (mut store, repeated) = read_data(&rulebook, bytes, &options.file)?;
        let runtime = Builder::new_multi_thread().enable_all().build().map_err(StartError::System)?;
        let sockets = bind(&runtime, &options.host, options.port)?;
        let addresses: Vec<SocketAddr> = sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect();
        if let Some(lock) = &mut lock {
            let port = addresses.first().map_or(0, SocketAddr::port);
            lock.tell(&format!("{} on port {port}", this_process()));
        }
        let notice: Arc<dyn Fn(Notice) + Send + Sync> =
            listeners.notice.map_or_else(|| Arc::new(|_| {}) as _, Arc::from);
        recovered.into_iter().for_each(|path| notice(Notice::Recovered(path)));
        engine::given_ids(&store, None).for_each(|given| notice(given));
        if !repeated.list.is_empty() {
            notice(Notice::RepeatedIds(repeated));
        }
        rulebook.without_ids().for_each(|resource| notice(Notice::NoIds(resource.to_string())));
        let source = match options.saving {
            Saving::Memory => {
                if let Some(left) = left {
                    let replayed = engine::replay(store, &left);
                    notice(replayed.notice);
                    store = replayed.store;
                }
                Source::Memory
            }
            Saving::File(_) => {
                let obstacle = file.obstacle().filter(|_| !options.http.read_only);
                if let Some(obstacle) = obstacle {
                    let (reason, hint) = (obstacle.message(file.path()), obstacle.hint(file.path()));
                    notice(Notice::Unwritable { reason, hint });
                }
                Source::File {
                    file: Box::new(file),
                    watched: options.watch,
                    poll: options.poll,
                    named: options.file.clone(),
                    unseen: options.unseen,
                    // Without the lock another server may take the journal for its own.
                    journaling: Journaling {
                        above: if lock.is_some() { options.journal_above } else { usize::MAX },
                        ..Journaling::default()
                    },
                    left,
                }
            }
        };
        let reported = notice.clone();
        let engine =
            Engine::start(store, rulebook, source, move |event| reported(event)).map_err(StartError::System)?;
        let followed = options.routes.clone().zip(options.http.routes.clone()).filter(|_| options.watch);
        let routes = followed.map(|(path, routes)| {
            let file = path.clone();
            http::follow(path, routes, options.poll, move |read| {
                notice(match read {
                    Ok(rules) => Notice::RoutesReloaded { file: file.clone(), rules },
                    Err(message) => Notice::RoutesBroken(message),
                });
            })
        });
        let routes = routes.transpose().map_err(StartError::System)?;
        let mut settings = http::Settings { file: Some(options.file.display().to_string()), ..options.http.clone() };
        if addresses.iter().any(|address| !address.ip().is_loopback()) {
            // Open to the network by choice, under whatever name it has there.
            settings.hosts = None;
        }
        let app = Arc::new(App::new(engine, settings, listeners.access));
        let (stop, stopped) = watch::channel(false);
        let (limits, serving) = (options.limits.clone(), app.clone());
        let thread = std::thread::Builder::new()
            .name("standin-server".into())
            .spawn(move || {
                runtime.block_on(http::serve(sockets, serving, limits, stopped));
                // What did not end in time is cut off: the grace period was its time.
                runtime.shutdown_background();
            })
            .map_err(StartError::System)?;
        Ok(Server { app, addresses, rules, stop, thread: Some(thread), _routes: routes, _lock: lock })
    }

    /// The addresses that are served.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.addresses.first().map_or(0, SocketAddr::port)
    }

    /// The rules file that holds.
    pub fn rules(&self) -> Option<&Path> {
        self.rules.as_deref()
    }

    /// The data as it is now.
    pub fn store(&self) -> Store {
        self.app.store()
    }

    /// A handle that reads the data for as long as it is needed.
    pub fn reader(&self) -> Reader {
        Reader { app: Arc::downgrade(&self.app), last: self.store() }
    }

    /// Stops: no new connections, what is under way is finished within the grace period, what was asked of the writer
    /// is saved.
    pub fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        // Only where the server has ended on its own is there nobody to tell.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // Not left to the last owner of the app: that may be a connection that is being cut off, on a thread that ends
        // with the process.
        self.app.stop();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.halt();
    }
}

/// Reads the data of a server, and after its end what it was at the start of the reader.
pub struct Reader {
    app: Weak<App>,
    last: Store,
}

impl Reader {
    /// The data as it is now.
    pub fn store(&self) -> Store {
        self.app.upgrade().map_or_else(|| self.last.clone(), |app| app.store())
    }
}

/// An API within the process: no port, no file. Each call is answered as a connection would be.
pub struct Sandbox {
    app: Arc<App>,
    runtime: Runtime,
}

impl Sandbox {
    /// Opens the data in `data` under the rules in `rules`.
    ///
    /// # Errors
    /// A text is broken; the paths in the error are those given for messages.
    pub fn open(data: (&Path, &str), rules: Option<(&Path, &str)>) -> Result<Sandbox, StartError> {
        let schema = match rules {
            Some((path, text)) => Schema::compile(text).map_err(|error| {
                let (path, text) = (path.to_path_buf(), text.to_string());
                StartError::Rules { path, text, error }
            })?,
            None => Schema::default(),
        };
        let rulebook = Rulebook::new(schema, Settings::default());
        let (store, _) = read_data(&rulebook, data.1.as_bytes().to_vec(), data.0)?;
        let engine = Engine::start(store, rulebook, Source::Memory, |_| {}).map_err(StartError::System)?;
        let runtime = Builder::new_current_thread().enable_time().build().map_err(StartError::System)?;
        Ok(Sandbox { app: Arc::new(App::new(engine, http::Settings::default(), None)), runtime })
    }

    /// Answers a request.
    pub fn call(&self, request: Request) -> Response<bytes::Bytes> {
        self.runtime.block_on(self.app.respond(request))
    }
}

/// Takes the lock of the data file, before anything beside it is touched. A server that never writes needs none.
fn take_lock(options: &Options) -> Result<Option<Lock>, StartError> {
    if options.saving == Saving::Memory {
        return Ok(None);
    }
    let path = std::fs::canonicalize(&options.file)
        .map_err(|error| StartError::Unreadable { path: options.file.clone(), error })?;
    match Lock::take(&path, &this_process()) {
        Ok(lock) => Ok(Some(lock)),
        Err(LockError::Held(holder)) => Err(StartError::Locked { path: options.file.clone(), holder }),
        // Without a folder for locks there is no telling; the file itself is safe, as saves look first.
        Err(LockError::Io(_)) => Ok(None),
    }
}

fn this_process() -> String {
    format!("the process {}", std::process::id())
}

fn read_data(rulebook: &Rulebook, bytes: Vec<u8>, path: &Path) -> Result<(Store, RepeatedIds), StartError> {
    let broken = |faults| StartError::Data { path: path.to_path_buf(), faults: Box::new(faults) };
    rulebook.read_file(bytes).map_err(broken)
}

/// The rules file that was named, or the one beside the data file.
fn rules_file(options: &Options) -> Option<PathBuf> {
    options.schema.clone().or_else(|| {
        let beside = options.file.with_extension("schema.json");
        beside.is_file().then_some(beside)
    })
}

/// Opens the port on every address of `host`; `localhost` is both 127.0.0.1 and ::1, where the machine has it.
fn bind(runtime: &Runtime, host: &str, port: u16) -> Result<Vec<TcpListener>, StartError> {
    let _inside = runtime.enter();
    let failed = |address: String| |error| StartError::Address { address, error };
    let ips: Vec<IpAddr> = match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(ip) => vec![ip],
        Err(_) if host.eq_ignore_ascii_case("localhost") => {
            vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
        }
        Err(_) => {
            use std::net::ToSocketAddrs;
            let found = (host, port).to_socket_addrs().map_err(failed(format!("{host}:{port}")))?;
            found.map(|address| address.ip()).collect()
        }
    };
    let mut sockets: Vec<TcpListener> = Vec::new();
    for ip in ips {
        // With port 0 the first address chooses and the others follow.
        let port = sockets.first().and_then(|socket| socket.local_addr().ok()).map_or(port, |address| address.port());
        match listen(SocketAddr::new(ip, port)) {
            Ok(socket) => sockets.push(socket),
            // A machine without IPv6 has no ::1.
            Err(error)
                if !sockets.is_empty()
                    && matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported) => {}
            Err(error) if !sockets.is_empty() && error.raw_os_error() == Some(97) => {}
            Err(error) => return Err(failed(SocketAddr::new(ip, port).to_string())(error)),
        }
    }
    Ok(sockets)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A server that is started again at once would find its own port in use for a minute.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}
