//! What to check and how to report it.

use std::path::PathBuf;

/// What to check and how to report it. With the feature `clap` these are the arguments of a command.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct Options {
    /// Pages and folders of pages [default: README.md and docs/]
    pub paths: Vec<PathBuf>,
    /// The data file for pages that name none [default: found beside or above the page]
    #[cfg_attr(feature = "clap", arg(long = "db", value_name = "FILE"))]
    pub database: Option<PathBuf>,
    /// Rules file [default: NAME.schema.json beside NAME.json, if it exists]
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILE"))]
    pub schema: Option<PathBuf>,
    /// Rewrite responses that are wrong; `--fix=missing` also adds one where there is none
    #[cfg_attr(feature = "clap", arg(long, value_name = "WHAT", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "wrong"))]
    pub fix: Option<Fix>,
    /// Rewrite pages with uncommitted changes, too
    #[cfg_attr(feature = "clap", arg(long, requires = "fix"))]
    pub allow_dirty: bool,
    /// Output format
    #[cfg_attr(feature = "clap", arg(long, value_enum, default_value_t))]
    pub format: Format,
    /// When the data is reset
    #[cfg_attr(feature = "clap", arg(long, value_enum, default_value_t))]
    pub reset: Reset,
    /// What makes the exit code 1
    #[cfg_attr(feature = "clap", arg(long, value_enum, default_value_t))]
    pub fail_on: FailOn,
    /// Exit with 0 if there is no example to run
    #[cfg_attr(feature = "clap", arg(long))]
    pub allow_empty: bool,
    /// List the examples without sending anything
    #[cfg_attr(feature = "clap", arg(long, conflicts_with = "fix"))]
    pub list: bool,
    /// List every endpoint and what documents it
    #[cfg_attr(feature = "clap", arg(long))]
    pub coverage: bool,
    /// A host name that means this server; may be repeated
    #[cfg_attr(feature = "clap", arg(long = "host", value_name = "NAME"))]
    pub hosts: Vec<String>,
    /// A path prefix to remove from every request, such as /api/v1 [default: detected]
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
    pub prefix: Option<String>,
    /// Send the requests to a running service, such as http://localhost:8080
    #[cfg_attr(feature = "clap", arg(long, value_name = "URL", conflicts_with_all = ["fix", "reset"]))]
    pub server: Option<String>,
    /// Send writes to the running service, too
    #[cfg_attr(feature = "clap", arg(long, requires = "server"))]
    pub allow_writes: bool,
    /// A header for every request to the service, such as "Authorization: Bearer TOKEN"; may be repeated
    #[cfg_attr(
        feature = "clap",
        arg(long = "header", value_name = "HEADER", requires = "server")
    )]
    pub headers: Vec<String>,
    /// Seconds to wait for a response of the service [default: 30]
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "SECONDS", requires = "server")
    )]
    pub timeout: Option<u32>,
    /// Accept any certificate of the service
    #[cfg_attr(feature = "clap", arg(long, requires = "server"))]
    pub insecure: bool,
    /// Check again whenever a page or its data is saved
    #[cfg_attr(feature = "clap", arg(short, long, conflicts_with_all = ["fix", "list"]))]
    pub watch: bool,
    /// Show passing and skipped examples, too
    #[cfg_attr(feature = "clap", arg(short, long))]
    pub verbose: bool,
    /// Whether the report has colours.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub color: bool,
    /// Whether the report goes to a terminal: then there is a progress line, and `watch` clears the screen.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub terminal: bool,
}

/// When the data is reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Reset {
    /// Fresh data for each example, or the data after the writes above it
    #[default]
    Auto,
    /// At the beginning of each page
    Page,
    /// Before each example
    Example,
    /// At the beginning of each page, whatever its comments say
    Never,
}

/// What is rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Fix {
    /// Responses that are wrong
    Wrong,
    /// Also add a response to examples that have none
    Missing,
}

/// How the result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Format {
    /// Text for people
    #[default]
    Human,
    /// Annotations for GitHub Actions
    Github,
    /// A JUnit file
    Junit,
    /// One JSON object
    Json,
}

/// What makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum FailOn {
    /// Examples that fail or cannot be run, and tables that contradict
    #[default]
    Findings,
    /// Examples that fail or cannot be run
    Examples,
    /// Findings and warnings
    Warnings,
    /// Nothing
    Never,
}
