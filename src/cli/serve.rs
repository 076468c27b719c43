//! `standin serve`: the options of the command line, and a server that runs until it is asked to stop.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use clap::builder::{PossibleValuesParser, RangedU64ValueParser, TypedValueParser};
use clap::{ArgAction, Args, ValueEnum};

use super::log::{self, LogLevel};
use super::system::{self, Port, Signals, Stop};
use super::{
    Done, OK, USUAL_PORT, banner, config, diagnose, init, read_routes, snapshot, style, usual_file,
    write_error,
};
use crate::behaviour::Delay;
use crate::file::Durability;
use crate::http::{self, AllowedOrigin, Limits, Profile, Settings};
use crate::json::MAX_BODY_DEPTH;
use crate::rules::{OnDelete, named};
use crate::server::{Listeners, Options, Saving, Server, StartError};
use crate::text::{list, nearest, shell_word};

/// How long a stop waits for the writer, after the grace period of requests.
const LAST_SAVE: Duration = Duration::from_millis(500);

/// How long a stop waits for the log, whose reader may have stopped reading.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The headings of the options in the help.
const DATA: &str = "Data";
const RESPONSES: &str = "Responses";
const LIMITS: &str = "Limits";

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The data file [default: data/db.json, or else db.json]
    file: Option<PathBuf>,
    /// Further data files (refused, with a way to join them)
    #[arg(hide = true)]
    more: Vec<PathBuf>,
    /// Port to listen on; 0 picks a free port, auto the first free one from 3000 on [default: PORT from the
    /// environment, or else 3000]
    #[arg(short, long, value_parser = Port::parse, allow_negative_numbers = true)]
    port: Option<Port>,
    /// Host name or address to listen on [default: STANDIN_HOST from the environment, or else localhost]
    #[arg(short = 'H', long)]
    host: Option<String>,
    /// Open the explorer in the browser
    #[arg(long)]
    open: bool,
    /// Run a shell command with STANDIN_URL set, stop when it ends, and exit with its exit code
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// Stop when standard input closes, for programs that start standin
    #[arg(long, conflicts_with = "exec")]
    exit_on_stdin_close: bool,
    /// Reload the file when it changes (default)
    #[arg(short, long, default_value_t = true, overrides_with = "no_watch", help_heading = DATA)]
    watch: bool,
    /// Don't watch the file; notice edits at the next write
    #[arg(long, help_heading = DATA)]
    no_watch: bool,
    /// Also check the file for changes every MS milliseconds, for mounts that report none; 0 turns it off
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = number, help_heading = DATA)]
    poll: u64,
    /// Rules file [default: NAME.schema.json beside NAME.json, if it exists]
    #[arg(long, value_name = "FILE", help_heading = DATA)]
    schema: Option<PathBuf>,
    /// How durable a write is once acknowledged
    #[arg(long, value_enum, default_value_t = Sure::Synced, help_heading = DATA)]
    durability: Sure,
    /// Never write the file, and do not read edits of it; the same as --durability memory
    #[arg(long, help_heading = DATA)]
    ephemeral: bool,
    /// When you edit the file, keep API writes of the last MS milliseconds that your edit does not contain
    #[arg(long, value_name = "MS", default_value_t = 2000, value_parser = number, help_heading = DATA)]
    unseen: u64,
    /// For files this large, log writes to a journal first and rewrite the file within a second: in bytes, or with k or
    /// m; 0 for every file
    #[arg(long, value_name = "SIZE", default_value = "512k", value_parser = any_size, help_heading = DATA)]
    journal_above: usize,
    /// Folder for snapshots (type s, Enter in the terminal)
    #[arg(short = 'S', long, value_name = "FOLDER", default_value = ".", help_heading = DATA)]
    snapshots: PathBuf,
    /// Property that holds a record's id
    #[arg(short, long, value_name = "NAME", default_value = "id", value_parser = name, help_heading = DATA)]
    id: String,
    /// Suffix of foreign keys
    #[arg(long, value_name = "SUFFIX", default_value = "Id", alias = "foreignKeySuffix", visible_alias = "fks", help_heading = DATA)]
    foreign_key_suffix: String,
    /// What DELETE does to records that point to the deleted one; "onDelete" in the rules overrides it
    #[arg(long, value_name = "WHAT", default_value = "cascade", value_parser = on_delete(), help_heading = DATA)]
    on_delete: OnDelete,
    /// Folder of static files to serve beside the API [default: public, if it exists]
    #[arg(short = 's', long = "static", value_name = "FOLDER", help_heading = RESPONSES)]
    folder: Option<PathBuf>,
    /// File of rules by path: rewrites such as {"/api/*": "/$1"}, custom responses, failures, delays, limits [default:
    /// NAME.routes.json beside the data file, if it exists]
    #[arg(short, long, value_name = "FILE", help_heading = RESPONSES)]
    routes: Option<PathBuf>,
    /// File with the names, envelopes and statuses of another API, such as examples/profiles/laravel.json
    #[arg(long, value_name = "FILE", help_heading = RESPONSES)]
    profile: Option<PathBuf>,
    /// Do not let requests ask for failures and delays (Prefer: status=503, _status, _delay)
    #[arg(long, help_heading = RESPONSES)]
    no_faults: bool,
    /// Seed of random choices in the routes file, to repeat a run [default: random]
    #[arg(long, value_name = "NUMBER", help_heading = RESPONSES, value_parser = seed)]
    seed: Option<u64>,
    /// Accept only GET, HEAD and OPTIONS
    #[arg(long, visible_alias = "ro", help_heading = RESPONSES)]
    read_only: bool,
    /// Disable the admin routes under /-/
    #[arg(long, help_heading = RESPONSES)]
    no_admin: bool,
    /// Origin whose web pages may read and change the data besides those of this machine, such as https://app.example;
    /// null for pages without one, * for every site; can be given more than once
    #[arg(long, value_name = "ORIGIN", help_heading = RESPONSES)]
    cors: Vec<AllowedOrigin>,
    /// Do not send CORS headers: only pages of this server can read responses
    #[arg(long, visible_alias = "nc", help_heading = RESPONSES)]
    no_cors: bool,
    /// Do not compress responses
    #[arg(long, visible_alias = "ng", help_heading = RESPONSES)]
    no_gzip: bool,
    /// Delay every API response: MS milliseconds, a time such as 2s, a range such as 200ms..1s, or "p50=80ms p99=1s"
    #[arg(short, long, value_name = "TIME", default_value = "0", allow_negative_numbers = true, help_heading = RESPONSES)]
    delay: Delay,
    /// Largest request body, in bytes, or with k or m
    #[arg(long, value_name = "SIZE", default_value = "10m", value_parser = size, help_heading = LIMITS)]
    body_limit: usize,
    /// Longest URL, in bytes, or with k or m
    #[arg(long, value_name = "SIZE", default_value = "8k", value_parser = size, help_heading = LIMITS)]
    url_limit: usize,
    /// Largest request line and headers together, in bytes, or with k or m
    #[arg(long, value_name = "SIZE", default_value = "64k", value_parser = size, help_heading = LIMITS)]
    header_limit: usize,
    /// Maximum number of headers in a request
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = count(u16::MAX.into()), help_heading = LIMITS)]
    header_count: usize,
    /// Longest regular expression in a query, in bytes (at most 1000)
    #[arg(long, value_name = "BYTES", default_value_t = 1000, value_parser = count(1000), help_heading = LIMITS)]
    pattern_limit: usize,
    /// Maximum number of fields that a query may filter by, and that it may sort by
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = count(u16::MAX.into()), help_heading = LIMITS)]
    query_fields: usize,
    /// Memory for history and caches (undo, events, request log, lists), in bytes, or with k or m
    #[arg(long, value_name = "SIZE", default_value = "64m", value_parser = size, help_heading = LIMITS)]
    memory_limit: usize,
    /// How long a query may take, in seconds, or such as 500ms or 2m
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time, help_heading = LIMITS)]
    query_time: Duration,
    /// Maximum nesting depth of arrays and objects in a body (at most 116)
    #[arg(long, value_name = "COUNT", default_value_t = 116, value_parser = count(116), help_heading = LIMITS)]
    depth_limit: usize,
    /// Maximum number of open connections; beyond it, older ones make room
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = count(u32::MAX.into()), help_heading = LIMITS)]
    connections: usize,
    /// Timeout for receiving the headers of a request, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = number, help_heading = LIMITS)]
    header_time: u64,
    /// Timeout for receiving the body of a request, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = number, help_heading = LIMITS)]
    body_time: u64,
    /// Timeout for clients that stop reading, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = number, help_heading = LIMITS)]
    write_time: u64,
    /// When stopping, wait up to MS milliseconds for requests in progress
    #[arg(long, value_name = "MS", default_value_t = 2000, value_parser = number, help_heading = LIMITS)]
    grace: u64,
    /// Extra Host name to accept, such as that of a tunnel; can be given more than once. With --host on the network, no
    /// other names are accepted, only addresses and local names
    #[arg(long, value_name = "NAME", value_parser = name, help_heading = LIMITS)]
    allow_host: Vec<String>,
    /// Config file (JSON): options by name [default: json-server.json, if it exists]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Refused: standin runs no JavaScript
    #[arg(short, long, num_args = 0.., hide = true)]
    middlewares: Option<Vec<String>>,
    /// Start each line of the log with the time (UTC)
    #[arg(long)]
    timestamps: bool,
    /// How much to log; debug includes every decision of reloads, merges and saves [default: STANDIN_LOG from the
    /// environment, or else info]
    #[arg(long, value_enum, value_name = "LEVEL")]
    log_level: Option<LogLevel>,
    /// Print only errors and warnings; the same as --log-level warn
    #[arg(short, long)]
    quiet: bool,
    /// Print the version
    #[arg(short = 'v', short_alias = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sure {
    /// Flushed to the device: it survives a power cut
    Synced,
    /// Handed to the operating system: it survives a crash of standin
    Written,
    /// In memory only: the file stays as it is
    Memory,
}

impl Serve {
    /// Runs the server. `opened`: what a config file exposes to others.
    pub(super) fn run(self, opened: Option<&str>) -> Done {
        self.check()?;
        system::end_with_main_thread();
        system::allow_many_files();
        system::return_large_memory();
        let level = self.level()?;
        let (opens, at_stdin_end, timestamps) =
            (self.open, self.exit_on_stdin_close, self.timestamps);
        let (exec, snapshots) = (self.exec.clone(), self.snapshots.clone());
        let is_named = self.file.is_some();
        let (mut options, port) = self.options()?;
        let log = log::Log::start(level, timestamps);
        let server = start(&mut options, port, &log, level)
            .map_err(|error| diagnose::start_error(&error, &options, is_named))?;
        let mut signals =
            Signals::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
        let url = banner::base_url(&server, &options);
        let has_keyboard = snapshot::has_keyboard();
        if level >= LogLevel::Info {
            let takes_keys = has_keyboard && exec.is_none();
            log.plain(banner::banner(&server, &options, opened, takes_keys));
        } else {
            if let Some(opened) = opened {
                // The config file may have turned the banner off.
                log.error(style::warning(opened));
            }
            if matches!(port, Port::Auto | Port::Number(0)) {
                log.plain(format!("{}\n", server.port()));
            }
        }
        if opens && let Err(error) = open::that_detached(&url) {
            log.error(style::warning(&format!(
                "cannot open a browser ({error}); open {url}/ yourself"
            )));
        }
        let (ask, mut asked) = tokio::sync::mpsc::unbounded_channel();
        // The port is open, so the command's requests are answered. It inherits standard input.
        let command = exec
            .map(|command| system::start_command(&command, &url, has_keyboard, ask.clone()))
            .transpose()
            .map_err(|error| format!("cannot run a shell for --exec: {error}"))?;
        if command.is_none() {
            // Nobody receives once the server stops for another reason.
            let at_end = at_stdin_end.then_some(move || _ = ask.send(OK));
            let (folder, file) = (snapshots.clone(), options.file.clone());
            snapshot::on_key(server.reader(), folder, file, log.clone(), at_end);
        }
        let code = loop {
            match (signals.wait(&mut asked), &command) {
                (Stop::Asked(code), _) => break code,
                (Stop::Signal(_), None) => break OK,
                (Stop::Signal(signal), Some(command)) => command.forward(signal),
            }
        };
        signals.exit_on_next();
        if server.file_is_broken() {
            snapshot::keep_last_good(&server.reader(), &snapshots, &options.file, &log);
        }
        stop(server, options.limits.grace, &log);
        log.finish(LAST_LINES);
        Ok(ExitCode::from(code))
    }

    /// Refuses options of json-server that standin does not support, with what to do instead.
    fn check(&self) -> Result<(), String> {
        if self.middlewares.is_some() {
            return Err("--middlewares names JavaScript modules, and standin runs none.\n  help: a delay is --delay, other URLs are --routes, extra files --static; for anything else put a proxy before standin".into());
        }
        if let (Some(first), [second, ..]) = (&self.file, self.more.as_slice()) {
            return Err(one_file(first, second));
        }
        if let Some(file) = &self.file {
            check_is_json(file)?;
        }
        for (option, folder) in [
            ("--static", self.folder.as_ref()),
            ("--snapshots", Some(&self.snapshots)),
        ] {
            if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
                return Err(format!(
                    "{option} {}: there is no such folder",
                    style::path(folder)
                ));
            }
        }
        Ok(())
    }

    fn level(&self) -> Result<LogLevel, String> {
        let level = match (self.log_level, environment("STANDIN_LOG")) {
            (Some(level), _) => level,
            (None, None) => LogLevel::Info,
            (None, Some(text)) => LogLevel::from_str(text.trim(), true).map_err(|_| {
                format!("the environment variable STANDIN_LOG is {text:?}, which is not a level\n  help: use error, warn, info, debug or trace")
            })?,
        };
        Ok(match self.quiet {
            true => level.min(LogLevel::Warn),
            false => level,
        })
    }

    fn port(&self) -> Result<Port, String> {
        match (self.port, environment("PORT")) {
            (Some(port), _) => Ok(port),
            (None, None) => Ok(Port::Number(USUAL_PORT)),
            (None, Some(text)) => Port::parse(text.trim()).map_err(|_| {
                format!(
                    "the environment variable PORT is {text:?}, which is not a port (0 to 65535)\n  help: unset PORT, or choose a port with --port {USUAL_PORT}"
                )
            }),
        }
    }

    /// The options of the server, and the requested port.
    fn options(self) -> Result<(Options, Port), String> {
        let port = self.port()?;
        let host = self
            .host
            .or_else(|| environment("STANDIN_HOST"))
            .unwrap_or_else(|| "localhost".into());
        let file = self.file.unwrap_or_else(usual_file);
        let saving = match (self.ephemeral, self.durability) {
            (true, _) | (_, Sure::Memory) => Saving::Memory,
            (_, Sure::Synced) => Saving::File(Durability::Synced),
            (_, Sure::Written) => Saving::File(Durability::Written),
        };
        let beside = file.with_extension("routes.json");
        let routes = Some(self.routes.unwrap_or_else(|| beside.clone()));
        let rules = routes
            .as_deref()
            .filter(|path| *path != beside || path.is_file());
        let rules = rules.map(read_routes).transpose()?;
        let http = Settings {
            file: None,
            cors: !self.no_cors,
            origins: self.cors,
            gzip: !self.no_gzip,
            admin: !self.no_admin,
            read_only: self.read_only,
            secret: environment("STANDIN_SECRET"),
            profile: self.profile.as_deref().map(read_profile).transpose()?,
            faults: !self.no_faults,
            seed: self.seed.unwrap_or_else(|| fastrand::u64(..1_000_000)),
            delay: self.delay,
            routes: rules,
            hosts: Some(self.allow_host),
            body_limit: self.body_limit,
            target_limit: self.url_limit,
            pattern_limit: self.pattern_limit,
            memory_limit: self.memory_limit,
            query_fields: self.query_fields,
            query_time: self.query_time,
            depth: self.depth_limit.min(MAX_BODY_DEPTH),
            folder: self.folder.or_else(usual_folder),
            ..Settings::default()
        };
        let options = Options {
            file,
            schema: self.schema,
            host,
            port: match port {
                Port::Number(port) => port,
                Port::Auto => USUAL_PORT,
            },
            saving,
            watch: self.watch && !self.no_watch,
            poll: Duration::from_millis(self.poll),
            unseen: Duration::from_millis(self.unseen),
            journal_above: self.journal_above,
            limits: Limits {
                headers: self.header_limit,
                header_count: self.header_count,
                header_time: Duration::from_secs(self.header_time),
                body_time: Duration::from_secs(self.body_time),
                connections: self.connections,
                write_time: Duration::from_secs(self.write_time),
                grace: Duration::from_millis(self.grace),
                ..Limits::default()
            },
            routes,
            profile: self.profile,
            id: self.id,
            foreign_key_suffix: self.foreign_key_suffix,
            on_delete: self.on_delete,
            http,
            ..Options::new("")
        };
        Ok((options, port))
    }
}

/// The error for a second data file, or a mistyped command.
fn one_file(first: &Path, second: &Path) -> String {
    let (first_name, second_name) = (style::path(first), style::path(second));
    let names = super::commands();
    let is_word = first.extension().is_none() && first.components().count() == 1 && !first.exists();
    if is_word {
        let meant =
            nearest(&first.to_string_lossy(), names.iter().map(String::as_str)).unwrap_or("serve");
        return format!(
            "there is no command {first_name} (commands: {}); standin serves one file\n  help: standin {meant} {}",
            list(&names),
            shell_word(&second.to_string_lossy())
        );
    }
    format!(
        "standin serves one file, and was given {first_name} and {second_name}\n  help: join them (jq -s add {} {} > {}), or start standin once for each, with another --port",
        shell_word(&first.to_string_lossy()),
        shell_word(&second.to_string_lossy()),
        shell_word(&new_file("joined"))
    )
}

/// Refuses a data file whose extension is not `.json`.
fn check_is_json(file: &Path) -> Result<(), String> {
    let name = file.to_string_lossy();
    if name.starts_with("http://") || name.starts_with("https://") {
        return Err(format!(
            "{name} is a URL, and standin serves a file.\n  help: save it first: curl -o db.json {}",
            shell_word(&name)
        ));
    }
    if let Some(format) = init::format(file) {
        return Err(format!(
            "{name} is {format}, and standin serves JSON files only\n  help: convert it once: standin init --from {}",
            shell_word(&name)
        ));
    }
    let extension = file.extension().unwrap_or_default().to_ascii_lowercase();
    if !["js", "cjs", "mjs"].iter().any(|known| extension == *known) {
        return Ok(());
    }
    let is_path = file.is_absolute() || file.starts_with(".") || file.starts_with("..");
    let module = format!("{}{name}", if is_path { "" } else { "./" });
    let script = format!(
        "const data = require({module:?}); console.log(JSON.stringify(typeof data == \"function\" ? data() : data))"
    );
    Err(format!(
        "{} is JavaScript, and standin runs none.\n  help: let it write its data once: node -e {} > {}",
        file.display(),
        shell_word(&script),
        shell_word(&new_file("db"))
    ))
}

/// The name of a JSON file that does not exist yet, for a command that redirects to it: a shell truncates a file before
/// the command reads it.
fn new_file(stem: &str) -> String {
    let numbered = (2..).map(|number| format!("{stem}-{number}.json"));
    std::iter::once(format!("{stem}.json"))
        .chain(numbered)
        .find(|name| !Path::new(name).exists())
        .unwrap_or_default()
}

/// The values of `--on-delete`.
fn on_delete() -> impl TypedValueParser<Value = OnDelete> {
    // The parser accepts no other values.
    PossibleValuesParser::new(OnDelete::ALL.map(|(name, _)| name))
        .map(|name| named(&OnDelete::ALL, &name).unwrap_or_default())
}

/// The default folder of static files, unless it is a link out of the project, which may be somebody else's.
fn usual_folder() -> Option<PathBuf> {
    let public = PathBuf::from("public");
    let real = public.canonicalize().ok().filter(|real| real.is_dir())?;
    if config::is_within(&real, Path::new(".")) {
        return Some(public);
    }
    write_error(&style::warning(
        "public is a link out of this folder, so its files are not served\n  help: if you mean it: --static public",
    ));
    None
}

fn read_profile(path: &Path) -> Result<Arc<Profile>, String> {
    let profile = http::read_profile(path).map(Arc::new);
    profile.map_err(|error| error.to_string())
}

/// A count from 1 to `most`.
fn count(most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=most)
}

fn name(text: &str) -> Result<String, &'static str> {
    match text {
        "" => Err("it must not be empty"),
        name => Ok(name.into()),
    }
}

fn number(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .map_err(|_| "it is a whole number, such as 500")
}

fn seed(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .map_err(|_| "a seed is a whole number, such as the one that the log shows")
}

/// A size as people write it: `500`, `100k`, `10m`; more than nothing.
fn size(text: &str) -> Result<usize, String> {
    match any_size(text)? {
        0 => Err(format!("it is at least 1; {NO_SIZE}")),
        size => Ok(size),
    }
}

/// A time as people write it: `10`, `10s`, `500ms`, `2m`; more than nothing.
fn time(text: &str) -> Result<Duration, String> {
    let time = match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text).ok(),
    };
    time.filter(|time| !time.is_zero())
        .ok_or_else(|| "a time is a number of seconds, or such as 500ms, 10s or 2m".into())
}

const NO_SIZE: &str = "a size is a number of bytes, such as 500, 100k or 10m";

/// Like [`size`], but 0 is allowed.
fn any_size(text: &str) -> Result<usize, String> {
    let lower = text.to_ascii_lowercase();
    let lower = lower
        .strip_suffix("ib")
        .or(lower.strip_suffix('b'))
        .unwrap_or(&lower);
    let (digits, factor) = match lower.as_bytes().last() {
        Some(b'k') => (&lower[..lower.len() - 1], 1024),
        Some(b'm') => (&lower[..lower.len() - 1], 1024 * 1024),
        _ => (lower, 1),
    };
    let number: Option<usize> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| NO_SIZE.into())
}

/// The value of an environment variable; an empty one counts as unset.
fn environment(name: &str) -> Option<String> {
    std::env::var_os(name)
        .map(|value| value.to_string_lossy().into_owned())
        .filter(|value| !value.is_empty())
}

/// Starts a server; with `--port auto` on the first free port, which is put into `options`.
fn start(
    options: &mut Options,
    port: Port,
    log: &log::Log,
    level: LogLevel,
) -> Result<Server, StartError> {
    let name = options.file.display().to_string();
    loop {
        if port == Port::Auto {
            options.port = system::next_free(&options.host, options.port).unwrap_or(options.port);
        }
        let (access, notices, name) = (log.clone(), log.clone(), name.clone());
        let listeners = Listeners {
            access: (level >= LogLevel::Info)
                .then(|| Box::new(move |entry| access.entry(entry)) as Box<_>),
            notice: Some(Box::new(move |notice| notices.notice(&name, notice))),
        };
        match Server::start(options, listeners) {
            // Another program has taken the port meanwhile.
            Err(StartError::Address { error, .. })
                if port == Port::Auto
                    && error.kind() == std::io::ErrorKind::AddrInUse
                    && system::next_free(&options.host, options.port).is_some() =>
            {
                options.port = options.port.saturating_add(1);
            }
            done => return done,
        }
    }
}

/// Stops the server. Does not wait for a request, a rule check or a disk that takes longer than `grace` and a moment:
/// everything acknowledged is in the file or its journal, and the threads end with the process.
fn stop(server: Server, grace: Duration, log: &log::Log) {
    let (stopping, stopped) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        server.stop();
        drop(stopping);
    });
    if stopped.recv_timeout(grace + LAST_SAVE) == Err(mpsc::RecvTimeoutError::Timeout) {
        log.error(style::warning(
            "stopped before all work was finished; every acknowledged write is saved",
        ));
    }
}
