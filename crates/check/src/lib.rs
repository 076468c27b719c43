//! `standin check`: documentation pages as tests.
//!
//! 1. Pages are collected and read: headings, labels, fences, tables ([`page`]).
//! 2. Each request on a page is found and paired with its response
//!    ([`requests`], [`examples`]), curl by our own reader ([`shell`], [`curl`]).
//! 3. The request is sent, in process, to a fresh copy of the page's database
//!    ([`data`], [`client`], [`mod@run`]); pages run in parallel.
//! 4. The answer is held against what the page documents ([`expect`],
//!    [`status`], [`compare`]), and the tables against the rules ([`tables`]).
//! 5. What differs is explained ([`explain`]) and reported ([`report`]), or the
//!    response fence is rewritten ([`fix`]).
//!
//! No shell is started, no port is opened, and no file but a page is written,
//! and that only by [`fix`]. This folder is a client of the server: it never
//! looks into the store, the disk or HTTP.

mod client;
mod compare;
mod coverage;
mod curl;
mod data;
mod examples;
mod expect;
mod explain;
mod fix;
mod front;
mod http_text;
mod labels;
mod lines;
mod page;
mod remote;
mod report;
mod requests;
mod run;
mod shell;
mod status;
mod tables;
mod url;
mod watch;
mod words;

#[cfg(any(test, fuzzing))]
pub mod fuzz;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use client::{Answer, Call, Database, Opener, Service};

use data::Sources;
use page::Page;
use report::Summary;
use run::{Context, PageReport};

/// What to check and how to report it. With the feature `clap` these are the arguments of a command.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct Options {
    /// Pages and folders of pages [default: README.md and docs/]
    pub paths: Vec<PathBuf>,
    /// The data file for pages that name none [default: found beside or above the page]
    #[cfg_attr(feature = "clap", arg(long = "db", value_name = "FILE"))]
    pub database: Option<PathBuf>,
    /// The rules file [default: NAME.schema.json beside NAME.json, if it is there]
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
    /// List the examples without sending anything
    #[cfg_attr(feature = "clap", arg(long))]
    pub list: bool,
    /// List every endpoint and what documents it
    #[cfg_attr(feature = "clap", arg(long))]
    pub coverage: bool,
    /// A host name that means this server; may be repeated
    #[cfg_attr(feature = "clap", arg(long = "host", value_name = "NAME"))]
    pub hosts: Vec<String>,
    /// A path prefix to remove from every request, such as /api/v1
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
    pub prefix: Option<String>,
    /// Send the requests to a running service, such as http://localhost:8080
    #[cfg_attr(feature = "clap", arg(long, value_name = "URL", conflicts_with_all = ["fix", "reset"]))]
    pub server: Option<String>,
    /// Send writes to the running service, too
    #[cfg_attr(feature = "clap", arg(long, requires = "server"))]
    pub allow_writes: bool,
    /// Check again whenever a page or its data is saved
    #[cfg_attr(feature = "clap", arg(short, long))]
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
    /// Findings, warnings, and promises that nothing backs
    Warnings,
    /// Nothing
    Never,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All is as documented.
    AsDocumented,
    /// There are findings.
    Findings,
    /// Nothing could be checked.
    CouldNotRun,
}

impl Outcome {
    /// The exit code of the process.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Outcome::AsDocumented => 0,
            Outcome::Findings => 1,
            Outcome::CouldNotRun => 2,
        }
    }
}

/// Why nothing could be checked.
#[derive(Debug)]
pub enum CheckError {
    /// A page or folder cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// There is no page.
    NoPages(String),
    /// The given database or the rules cannot be used.
    Database(String),
    /// The output cannot be written.
    Output(std::io::Error),
}

impl std::fmt::Display for CheckError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CheckError::Unreadable(path, why) => write!(f, "cannot read {}: {why}", path.display()),
            CheckError::NoPages(where_) => write!(f, "no Markdown page in {where_}"),
            CheckError::Database(why) => f.write_str(why),
            CheckError::Output(why) => write!(f, "cannot print: {why}"),
        }
    }
}

impl std::error::Error for CheckError {}

/// The result of checking pages.
struct Checked {
    /// The pages in the order of their paths.
    pages: Vec<PageReport>,
    /// Their counts.
    summary: Summary,
    /// The databases that were read.
    sources: Sources,
}

/// Checks pages against the services that `open` makes, or against [`Options::server`]; prints the report to `out` and
/// progress to `aside`, and rewrites pages if asked to.
///
/// # Errors
/// The check could not be made. A page that is wrong is not an error but an [`Outcome`].
pub fn run(
    options: &Options,
    open: &Opener<'_>,
    out: &mut dyn Write,
    aside: &mut (dyn Write + Send),
) -> Result<Outcome, CheckError> {
    let remote = |_: &client::Database| Ok(remote::open(options.server.as_deref().unwrap_or_default()));
    let open: &Opener<'_> = if options.server.is_some() { &remote } else { open };
    if options.watch {
        return watch::run(options, open, out, aside);
    }
    let paths = collect(options)?;
    let mut checked = check(options, open, &paths, aside)?;
    if options.fix.is_some() && !options.list {
        // A report for a program is alone on its stream.
        let shown: &mut dyn Write = if options.format == Format::Human { out } else { aside };
        let rewritten = fix::apply(&checked, options, open, shown).map_err(CheckError::Output)?;
        // What is reported is the state after the repair.
        if rewritten > 0 {
            checked = check(options, open, &paths, aside)?;
        }
    }
    report::print(&checked, options, out).map_err(CheckError::Output)?;
    Ok(outcome(&checked, options))
}

/// Reads and runs pages, several at once.
///
/// # Errors
/// A page cannot be read, or the database that was given cannot be used.
fn check(
    options: &Options,
    open: &Opener<'_>,
    paths: &[PathBuf],
    aside: &mut (dyn Write + Send),
) -> Result<Checked, CheckError> {
    let sources = Sources::new(options.database.clone(), options.schema.clone());
    if options.database.is_some() && options.server.is_none() && !options.list {
        let source = sources.of(Path::new(""), None).map_err(CheckError::Database)?;
        drop(open(&source.database).map_err(CheckError::Database)?);
    }
    let context = Context { options, sources: &sources, open };
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<PageReport, CheckError>)>> = Mutex::new(Vec::with_capacity(paths.len()));
    let progress = Mutex::new(Progress { aside, shown: false, active: options.terminal && paths.len() > 20 });
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(paths.len()).max(1);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = paths.get(at) else { break };
                    let report = read(path).map(|page| run::page(page, &context));
                    let count = {
                        let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        done.push((at, report));
                        done.len()
                    };
                    progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner).show(count, paths.len());
                }
            });
        }
    });
    progress.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    let pages: Vec<PageReport> = done.into_iter().map(|(_, report)| report).collect::<Result<_, _>>()?;
    let summary = Summary::of(&pages);
    Ok(Checked { pages, summary, sources })
}

fn read(path: &Path) -> Result<Page, CheckError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Page::parse(path, text)),
        Err(why) => Err(CheckError::Unreadable(path.to_owned(), why)),
    }
}

/// The exit of a run.
#[must_use]
fn outcome(checked: &Checked, options: &Options) -> Outcome {
    let summary = &checked.summary;
    let examples = summary.fail + summary.error > 0;
    let found = match options.fail_on {
        _ if options.list => false,
        FailOn::Never => false,
        FailOn::Examples => examples,
        FailOn::Findings => examples || summary.tables > 0,
        FailOn::Warnings => examples || summary.tables + summary.warnings > 0,
    };
    if found { Outcome::Findings } else { Outcome::AsDocumented }
}

/// The pages that are meant, sorted.
///
/// # Errors
/// A path cannot be read, or there is no page.
fn collect(options: &Options) -> Result<Vec<PathBuf>, CheckError> {
    let mut found = Vec::new();
    let usual = ["README.md", "docs"].map(PathBuf::from);
    let given: Vec<PathBuf> = if options.paths.is_empty() {
        usual.into_iter().filter(|path| path.exists()).collect()
    } else {
        options.paths.clone()
    };
    for path in &given {
        let kind = std::fs::metadata(path).map_err(|why| CheckError::Unreadable(path.clone(), why))?;
        if kind.is_dir() {
            walk(path, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() {
        let names: Vec<String> = given.iter().map(|path| path.display().to_string()).collect();
        let place = if names.is_empty() { "README.md or docs/".to_owned() } else { names.join(", ") };
        return Err(CheckError::NoPages(place));
    }
    Ok(found)
}

/// Folders in which other people's pages lie.
const PASSED_OVER: &[&str] = &["node_modules", "target", "vendor", "_site", "dist", "build"];

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), CheckError> {
    let unreadable = |why| CheckError::Unreadable(folder.to_owned(), why);
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        // A link to a folder above would never end.
        let link = path.is_symlink();
        if path.is_dir() {
            if !link && !name.starts_with('.') && !PASSED_OVER.contains(&name.as_str()) {
                walk(&path, found)?;
            }
        } else if matches!(path.extension().and_then(|end| end.to_str()), Some("md" | "markdown" | "mdx")) {
            found.push(path);
        }
    }
    Ok(())
}

struct Progress<'a> {
    aside: &'a mut (dyn Write + Send),
    shown: bool,
    active: bool,
}

impl Progress<'_> {
    fn show(&mut self, done: usize, all: usize) {
        if self.active && (done.is_multiple_of(10) || done == all) {
            self.shown = write!(self.aside, "\r\x1b[Kchecked {done} of {all} pages").is_ok();
            // A progress line that cannot be shown is no reason to stop.
            let _ = self.aside.flush();
        }
    }

    fn clear(self) {
        if self.shown {
            let _ = write!(self.aside, "\r\x1b[K");
            let _ = self.aside.flush();
        }
    }
}
