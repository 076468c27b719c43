//! What was typed to what is meant, and what happens to what is printed.

mod banner;
mod check;
mod diagnose;
mod log;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::disk::Durability;
use crate::http::Limits;
use crate::server::{Listeners, Options, Saving, Server};

/// All as it should be.
const OK: u8 = 0;
/// The program could not do what was asked.
const FAILED: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  standin                           serve data/db.json (or db.json) on http://localhost:3000
  standin db.json --port 4000       serve another file on another port
  standin --ephemeral db.json       take writes, and leave the file as it is
  standin --host 0.0.0.0 db.json    serve to the network: everybody there can read and write the data

  curl -X POST http://localhost:3000/users -H \"Content-Type: application/json\" -d '{\"name\": \"Ada\"}'";

/// A mock API server driven by a JSON file.
#[derive(Debug, Parser)]
#[command(name = "standin", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a data file (what happens without a command, too)
    #[command(after_help = EXAMPLES)]
    Serve(Serve),
    /// Hold documentation pages against the data: every curl example is run and compared
    Check(check::Check),
}

#[derive(Debug, Args)]
struct Serve {
    /// The data file [default: data/db.json, or else db.json]
    file: Option<PathBuf>,
    /// The port; 0 for any that is free
    #[arg(short, long, default_value_t = 3000, env = "PORT")]
    port: u16,
    /// The host name or address to serve on
    #[arg(short = 'H', long, default_value = "localhost")]
    host: String,
    /// Take edits of the file in as they are saved (the default; accepted as json-server's option)
    #[arg(short, long, overrides_with = "no_watch")]
    watch: bool,
    /// See edits of the file only when a write finds them
    #[arg(long)]
    no_watch: bool,
    /// The rules file [default: NAME.schema.json beside NAME.json, if it is there]
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// How sure a write is when it is acknowledged
    #[arg(long, value_enum, default_value_t = Sure::Synced)]
    durability: Sure,
    /// Never write the file; the same as --durability memory
    #[arg(long)]
    ephemeral: bool,
    /// The largest body of a request, in bytes, or with k or m
    #[arg(long, value_name = "SIZE", default_value = "10m", value_parser = size)]
    body_limit: usize,
    /// Print nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sure {
    /// Flushed to the device: it survives a power cut
    Synced,
    /// With the operating system: it survives a crash of standin
    Written,
    /// In memory only: the file stays as it is
    Memory,
}

/// Runs the program on what was typed, to the exit code.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let typed = match Cli::try_parse_from(arguments) {
        Ok(typed) => typed,
        Err(error) => {
            // Nothing can be said where even the terminal is gone.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { FAILED } else { OK });
        }
    };
    let serve = match typed.command {
        Some(Command::Serve(serve)) => serve,
        Some(Command::Check(check)) => return check.run(),
        None => typed.serve,
    };
    serve.run()
}

impl Serve {
    fn run(self) -> ExitCode {
        let quiet = self.quiet;
        let named = self.file.is_some();
        let options = self.options();
        let name = options.file.display().to_string();
        let log = log::Log::start(quiet);
        let (access, notices) = (log.clone(), log.clone());
        let listeners = Listeners {
            access: (!quiet).then(|| Box::new(move |entry| access.entry(entry)) as Box<_>),
            notice: Some(Box::new(move |notice| notices.notice(&name, notice))),
        };
        let server = match Server::start(&options, listeners) {
            Ok(server) => server,
            Err(error) => {
                eprint!("{}", diagnose::start_error(&error, &options, named));
                return ExitCode::from(FAILED);
            }
        };
        if !quiet {
            log.print(banner::banner(&server, &options));
        }
        wait_for_signal(&log);
        server.stop();
        log.finish();
        ExitCode::from(OK)
    }

    fn options(self) -> Options {
        let file = self.file.unwrap_or_else(|| {
            let usual = PathBuf::from("data/db.json");
            let plain = PathBuf::from("db.json");
            if !usual.exists() && plain.exists() { plain } else { usual }
        });
        let saving = match (self.ephemeral, self.durability) {
            (true, _) | (_, Sure::Memory) => Saving::Memory,
            (_, Sure::Synced) => Saving::File(Durability::Synced),
            (_, Sure::Written) => Saving::File(Durability::Written),
        };
        Options {
            file,
            schema: self.schema,
            host: self.host,
            port: self.port,
            saving,
            watch: !self.no_watch,
            limits: Limits { body: self.body_limit, ..Limits::default() },
        }
    }
}

/// A size as people write it: `500`, `100k`, `10m`.
fn size(text: &str) -> Result<usize, String> {
    let lower = text.to_ascii_lowercase();
    let lower = lower.strip_suffix("ib").or(lower.strip_suffix('b')).unwrap_or(&lower);
    let (digits, factor) = match lower.as_bytes().last() {
        Some(b'k') => (&lower[..lower.len() - 1], 1024),
        Some(b'm') => (&lower[..lower.len() - 1], 1024 * 1024),
        _ => (lower, 1),
    };
    let number: Option<usize> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(factor))
        .filter(|size| *size > 0)
        .ok_or_else(|| "a size is a number of bytes, as 500, 100k or 10m".into())
}

/// Returns at the first SIGINT or SIGTERM; a second one ends the process at once. Nothing that was acknowledged is lost
/// then either, since it is in the file.
fn wait_for_signal(log: &log::Log) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let failed = runtime.block_on(signal()).is_err();
    if failed {
        log.print("the system gives no signals; end the process to stop\n".into());
        std::thread::park();
    }
    std::thread::spawn(move || {
        if runtime.block_on(signal()).is_ok() {
            std::process::exit(130);
        }
    });
}

#[cfg(unix)]
async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
