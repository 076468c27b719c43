//! `standin check`: from what was typed to [`check::Options`], and the server that answers the pages.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::check::client::{Database, in_process};
use crate::check::{self, CheckError, FailOn, Fix, Format, Options, Reset, url::Ours};

/// What can be typed after `standin check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Pages and folders of pages [default: README.md and docs/]
    paths: Vec<PathBuf>,
    /// The data file for pages that name none [default: found beside or above the page]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// The rules file [default: NAME.schema.json beside NAME.json, if it is there]
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Rewrite responses that are wrong; `--fix=missing` also adds one where there is none
    #[arg(long, value_name = "WHAT", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "wrong")]
    fix: Option<What>,
    /// Rewrite pages with uncommitted changes, too
    #[arg(long, requires = "fix")]
    allow_dirty: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Print::Human)]
    format: Print,
    /// When the data is reset; `auto` takes an example that holds on fresh data or after the writes above it
    #[arg(long, value_enum, default_value_t = When::Auto)]
    reset: When,
    /// What makes the exit code 1
    #[arg(long, value_enum, default_value_t = On::Findings)]
    fail_on: On,
    /// List the examples; nothing is sent
    #[arg(long)]
    list: bool,
    /// List every endpoint and what documents it
    #[arg(long)]
    coverage: bool,
    /// A host name that means this server; may be given more than once
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// The beginning of every path that the server does not know, as /api/v1
    #[arg(long, value_name = "PATH")]
    prefix: Option<String>,
    /// Ask a real service instead, as http://localhost:8080
    #[arg(long, value_name = "URL", conflicts_with_all = ["fix", "reset"])]
    server: Option<String>,
    /// Send writes to the real service, too
    #[arg(long, requires = "server")]
    allow_writes: bool,
    /// Check again whenever a page or its data is saved
    #[arg(short, long)]
    watch: bool,
    /// Show passing and skipped examples, too
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// Responses that are wrong
    Wrong,
    /// And a response for examples that have none
    Missing,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Print {
    /// For a person
    Human,
    /// Annotations for GitHub's workflows
    Github,
    /// A JUnit file
    Junit,
    /// One JSON object
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum When {
    /// Fresh data for each example, or the data after the writes above it
    Auto,
    /// At the beginning of each page
    Page,
    /// Before each example
    Example,
    /// At the beginning of each page, whatever its comments say
    Never,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum On {
    /// Examples that fail or cannot be run, and tables that contradict
    Findings,
    /// Examples that fail or cannot be run
    Examples,
    /// Findings, warnings, and promises that nothing backs
    Warnings,
    /// Nothing
    Never,
}

impl Check {
    pub(super) fn run(self) -> ExitCode {
        let watch = self.watch;
        let options = self.options();
        let real = |_: &Database| Ok(check::remote::open(options.server.as_deref().unwrap_or_default()));
        let open: &check::client::Opener<'_> = if options.server.is_some() { &real } else { &in_process };
        let mut out = std::io::stdout().lock();
        let mut aside = std::io::stderr();
        let ended = if watch {
            check::watch::run(&options, open, &mut out, &mut aside)
        } else {
            check::run(&options, open, &mut out, &mut aside)
        };
        let ended = ended.and_then(|outcome| out.flush().map(|()| outcome).map_err(CheckError::Output));
        match ended {
            Ok(outcome) => ExitCode::from(outcome.code()),
            // The reader has gone, as `head` does: that is no failure of ours.
            Err(CheckError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                ExitCode::from(super::OK)
            }
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::from(super::FAILED)
            }
        }
    }

    fn options(self) -> Options {
        Options {
            paths: self.paths,
            database: self.db,
            schema: self.schema,
            reset: match self.reset {
                When::Auto => Reset::Auto,
                When::Page => Reset::Page,
                When::Example => Reset::Example,
                When::Never => Reset::Never,
            },
            fix: match self.fix {
                None => Fix::Nothing,
                Some(What::Wrong) => Fix::Wrong,
                Some(What::Missing) => Fix::Missing,
            },
            allow_dirty: self.allow_dirty,
            format: match self.format {
                Print::Human => Format::Human,
                Print::Github => Format::Github,
                Print::Junit => Format::Junit,
                Print::Json => Format::Json,
            },
            fail_on: match self.fail_on {
                On::Findings => FailOn::Findings,
                On::Examples => FailOn::Examples,
                On::Warnings => FailOn::Warnings,
                On::Never => FailOn::Never,
            },
            list: self.list,
            coverage: self.coverage,
            ours: Ours { hosts: self.host.iter().map(|host| host.to_lowercase()).collect(), prefix: self.prefix },
            server: self.server,
            allow_writes: self.allow_writes,
            terminal: std::io::stdout().is_terminal(),
            verbose: self.verbose,
        }
    }
}
