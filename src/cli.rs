//! The program: parses the arguments, runs the command, and turns its errors into messages and exit codes.

mod banner;
#[cfg(feature = "check")]
mod check;
mod commands;
mod config;
mod diagnose;
mod init;
mod log;
mod serve;
mod snapshot;
mod style;
mod system;

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use self::serve::Serve;
use crate::http::{self, Routes};
use crate::server::{Options, Sandbox};
use crate::text::{printable, printable_lines};

/// Success.
const OK: u8 = 0;
/// The command failed.
const FAILED: u8 = 2;

/// The port if neither an option nor the environment sets one.
const USUAL_PORT: u16 = 3000;

const EXAMPLES: &str = "\
Examples:
  standin                           serve data/db.json (or db.json) on http://localhost:3000
  standin db.json --port 4000       serve another file on another port
  standin init                      write a sample db.json
  standin --ephemeral db.json       accept writes, but never change the file
  standin --exec \"npm test\"         serve while a command runs; its STANDIN_URL is the address
  standin --host 0.0.0.0 db.json    serve on the network: everybody there can read and write the data

  curl -X POST http://localhost:3000/users -H \"Content-Type: application/json\" -d '{\"name\": \"Ada\"}'";

/// A mock API server driven by a JSON file.
#[derive(Debug, Parser)]
#[command(name = "standin", version, disable_version_flag = true, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true, args_override_self = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a data file (default command)
    #[command(display_name = "standin", version, disable_version_flag = true, after_help = EXAMPLES, args_override_self = true)]
    Serve(Box<Serve>),
    /// Write a sample data file, or convert one from another format
    Init(init::Init),
    /// Print the OpenAPI 3.1 document of the API
    Openapi(Data),
    /// Check that the curl examples in your docs still work
    #[cfg(feature = "check")]
    Check(standin_check::Options),
    /// List the rules of the routes file, or say which of them answers a request and why
    Routes(commands::ListRoutes),
    /// Check that a running server is healthy
    Health(commands::Health),
    /// Print the JSON Schema of a file that standin reads, for editors
    Schema {
        /// The file
        #[arg(value_enum)]
        file: commands::File,
    },
    /// Print shell completions
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// The data file and its rules, for commands that only read them.
#[derive(Debug, Args)]
struct Data {
    /// The data file [default: data/db.json, or else db.json]
    file: Option<PathBuf>,
    /// Rules file [default: NAME.schema.json beside NAME.json, if it exists]
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
}

impl Data {
    /// Opens a sandbox on the data, with its options adjusted by `adjust`.
    fn open<T>(
        self,
        adjust: impl FnOnce(&mut Options) -> Result<T, Failure>,
    ) -> Result<(Sandbox, T), Failure> {
        let named = self.file.is_some();
        let mut options = Options::new(self.file.unwrap_or_else(usual_file));
        options.schema = self.schema;
        let adjusted = adjust(&mut options)?;
        let sandbox = Sandbox::open(&options)
            .map_err(|error| diagnose::start_error(&error, &options, named))?;
        Ok((sandbox, adjusted))
    }
}

/// The result of a command: an exit code, or an error.
type Done = Result<ExitCode, Failure>;

/// An error message for standard error.
struct Failure(String);

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure(printable_lines(&format!("error: {message}\n")).into())
    }
}

/// Runs the program with these arguments, and returns its exit code.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    carry_out(arguments.collect()).unwrap_or_else(|Failure(text)| {
        write_error(&text);
        ExitCode::from(FAILED)
    })
}

fn carry_out(arguments: Vec<OsString>) -> Done {
    let (arguments, opened) = config::with_config(arguments)?;
    let typed = match parse(arguments.clone()) {
        Ok(typed) => typed,
        Err(error) => {
            let error = shown(error, &arguments);
            // If even the terminal is gone, there is nowhere to report that.
            let _ = error.print();
            return Ok(ExitCode::from(if error.use_stderr() { FAILED } else { OK }));
        }
    };
    match typed.command {
        None => typed.serve.run(opened.as_deref()),
        Some(Command::Serve(serve)) => serve.run(opened.as_deref()),
        #[cfg(feature = "check")]
        Some(Command::Check(options)) => check::check(options),
        Some(Command::Init(init)) => init.run(),
        Some(Command::Openapi(data)) => openapi(data),
        Some(Command::Health(health)) => Ok(health.run()),
        Some(Command::Routes(routes)) => routes.run(),
        Some(Command::Schema { file }) => commands::print_schema(file),
        Some(Command::Completions { shell }) => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut command(), "standin", &mut text);
            print(&text)
        }
        Some(Command::Man) => {
            let mut text = Vec::new();
            clap_mangen::Man::new(command())
                .render(&mut text)
                .map_err(|error| format!("cannot write the manual page: {error}"))?;
            print(&text)
        }
    }
}

/// Prints the response of a server at `/-/openapi.json`.
fn openapi(data: Data) -> Done {
    let (sandbox, ()) = data.open(|_| Ok(()))?;
    let response = sandbox
        .call("GET", "/-/openapi.json", &[], Vec::new())
        .map_err(|error| format!("cannot make the document: {error}"))?;
    print(&[response.body(), &b"\n"[..]].concat())
}

/// The clap command. Each flag also takes a value, as json-server's do: `--no-cors=true`.
fn command() -> clap::Command {
    let flags = |command: clap::Command| {
        command.mut_args(|arg| match arg.get_action() {
            ArgAction::SetTrue if arg.get_default_values().is_empty() => {
                as_flag(arg.default_value("false"))
            }
            ArgAction::SetTrue => as_flag(arg),
            _ => arg,
        })
    };
    flags(Cli::command()).mut_subcommand("serve", flags)
}

fn as_flag(arg: clap::Arg) -> clap::Arg {
    arg.action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .value_parser(BoolishValueParser::new())
        .value_name("BOOL")
        .hide_default_value(true)
        .hide_possible_values(true)
}

fn parse(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut command = command();
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// `error` with control characters escaped: its message repeats arguments, which may come from a config file.
fn shown(error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let plain = |argument: &OsString| printable(&argument.to_string_lossy()).into_owned().into();
    let plain: Vec<OsString> = arguments.iter().map(plain).collect();
    if plain == arguments {
        return error;
    }
    // The same error for escaped arguments. If those are valid, the message is printed without styles.
    match parse(plain) {
        Err(same) => same,
        Ok(_) => clap::Error::raw(
            error.kind(),
            format!("{}\n", printable(error.to_string().trim())),
        ),
    }
}

fn write_error(text: &str) {
    // If standard error is gone, there is nowhere to report that.
    let _ = anstream::stderr().write_all(style::labels(text).as_bytes());
}

/// Prints the output of a command.
fn print(text: &[u8]) -> Done {
    let mut out = std::io::stdout();
    match out.write_all(text).and_then(|()| out.flush()) {
        // The reader has closed the pipe, as `head` does.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("cannot print: {error}").into())
        }
        _ => Ok(ExitCode::from(OK)),
    }
}

/// The names of the commands.
fn commands() -> Vec<String> {
    command()
        .get_subcommands()
        .map(|command| command.get_name().to_string())
        .collect()
}

/// The default data file.
fn usual_file() -> PathBuf {
    let (usual, plain) = (PathBuf::from("data/db.json"), PathBuf::from("db.json"));
    if !usual.exists() && plain.exists() {
        plain
    } else {
        usual
    }
}

fn read_routes(path: &Path) -> Result<Arc<Routes>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let name = path.display();
        match error.kind() {
            ErrorKind::NotFound => format!(
                "there is no routes file {name}\n  help: to create one: put {{\"/api/*\": \"/$1\"}} into it, which serves the API below /api, too"
            ),
            _ => format!("cannot read the routes file {name}: {error}"),
        }
    })?;
    let routes = http::read(path, &text).map_err(|error| error.to_string())?;
    Ok(Arc::new(Routes::from(routes)))
}
