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

pub mod client;
pub mod compare;
pub mod coverage;
pub mod curl;
pub mod data;
pub mod examples;
pub mod expect;
pub mod explain;
pub mod fix;
pub mod front;
pub mod http_text;
pub mod labels;
mod lines;
pub mod page;
pub mod remote;
pub mod report;
pub mod requests;
pub mod run;
pub mod shell;
pub mod status;
pub mod tables;
pub mod url;
pub mod watch;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use client::Opener;
use data::Sources;
use page::Page;
use report::Summary;
use run::{Context, PageReport};

/// What is meant by a run of the checker.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Pages and folders of pages; empty for `README.md` and `docs/`.
    pub paths: Vec<PathBuf>,
    /// The database of pages that name none.
    pub database: Option<PathBuf>,
    /// The rules; nothing for those beside the database.
    pub schema: Option<PathBuf>,
    /// When the data is reset.
    pub reset: Reset,
    /// What is rewritten.
    pub fix: Fix,
    /// Whether pages with uncommitted changes may be rewritten.
    pub allow_dirty: bool,
    /// How the result is printed.
    pub format: Format,
    /// What makes the exit code 1.
    pub fail_on: FailOn,
    /// Only list the examples; nothing is sent.
    pub list: bool,
    /// Whether every endpoint is listed with what documents it.
    pub coverage: bool,
    /// Which URLs are meant for the server.
    pub ours: url::Ours,
    /// A real service to ask instead, as a URL.
    pub server: Option<String>,
    /// Whether a real service may be written to.
    pub allow_writes: bool,
    /// Whether the output is for a terminal: colours and a progress line.
    pub terminal: bool,
    /// Whether passing and skipped examples are listed too.
    pub verbose: bool,
}

/// When the data is reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reset {
    /// Fresh for each example; one that contradicts its page then is asked
    /// again after the writes above it.
    #[default]
    Auto,
    /// Once, at the beginning of each page.
    Page,
    /// Before each example.
    Example,
    /// Once, at the beginning of each page, and no comment resets it.
    Never,
}

/// What is rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fix {
    /// Nothing.
    #[default]
    Nothing,
    /// Responses that are wrong.
    Wrong,
    /// Responses that are wrong, and a response for examples that have none.
    Missing,
}

/// How the result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For a person.
    #[default]
    Human,
    /// Annotations of GitHub's workflows.
    Github,
    /// A JUnit file.
    Junit,
    /// One JSON object.
    Json,
}

/// What makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailOn {
    /// Examples that fail or cannot be run, and tables that contradict.
    #[default]
    Findings,
    /// Examples that fail or cannot be run.
    Examples,
    /// Findings, warnings, and promises that nothing backs.
    Warnings,
    /// Nothing.
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
pub struct Checked {
    /// The pages in the order of their paths.
    pub pages: Vec<PageReport>,
    /// Their counts.
    pub summary: Summary,
    /// The databases that were read.
    pub sources: Sources,
}

/// Checks pages, prints the report to `out` and progress to `aside`, and
/// rewrites pages if that is asked for.
///
/// # Errors
/// See [`CheckError`]; a page that is wrong is no error but an [`Outcome`].
pub fn run(
    options: &Options,
    open: &Opener<'_>,
    out: &mut dyn Write,
    aside: &mut (dyn Write + Send),
) -> Result<Outcome, CheckError> {
    let paths = collect(options)?;
    let mut checked = check(options, open, &paths, aside)?;
    if options.fix != Fix::Nothing && !options.list {
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
pub fn check(
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
pub fn outcome(checked: &Checked, options: &Options) -> Outcome {
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
pub fn collect(options: &Options) -> Result<Vec<PathBuf>, CheckError> {
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

#[cfg(test)]
mod tests;
