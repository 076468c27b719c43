//! Collects the pages of a run and checks them on several threads.

use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use thiserror::Error;

use super::causes;
use super::datasets::Datasets;
use super::options::Options;
use super::outcome::{PageResult, RunResult};
use super::page::Page;
use super::run::{self, Context};
use super::service::ServiceError;

/// Why pages could not be checked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CheckError {
    /// A page or folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The page or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of another markup language.
    #[error("cannot check {}: only Markdown and requests (.http, .rest) are read", path.display())]
    NotMarkdown {
        /// The file.
        path: PathBuf,
    },
    /// There is no page.
    #[error("no Markdown page in {0}")]
    NoPages(String),
    /// The data file or the rules that were given cannot be used.
    #[error("{0}")]
    Data(#[source] ServiceError),
    /// The rules file that was given cannot be read.
    #[error("--schema {}: {source}", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The service that was given cannot be used.
    #[error("--server {url}: {source}")]
    Server {
        /// The service.
        url: String,
        /// Why.
        source: ServiceError,
    },
    /// The folders cannot be watched.
    #[error("cannot watch for changes: {0}")]
    Watch(#[from] notify::Error),
    /// The checker failed on a page, which is a bug.
    #[error("a bug of the checker ended the run of this page; please report it with the page")]
    Internal,
    /// The output cannot be written.
    #[error("cannot write the report: {0}")]
    Output(#[source] io::Error),
}

/// The files of a run.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// The pages to check, sorted.
    pub pages: Vec<PathBuf>,
    /// Files in the same folders that are in a markup language that is not read.
    pub unread: Vec<PathBuf>,
}

/// Runs the examples of pages, on several threads.
pub fn check(
    context: &Context<'_>,
    files: &Files,
    err: &mut (dyn Write + Send),
) -> Result<RunResult, CheckError> {
    let (options, paths) = (context.options, &files.pages);
    let datasets = Datasets::new(options.database.clone(), options.schema.clone());
    if options.database.is_some() && options.server.is_none() && !options.list {
        let opened = datasets
            .find(Path::new(""), None)
            .map_err(ServiceError::from);
        let opened =
            opened.and_then(|dataset| (context.open)(&dataset.data, dataset.rules.as_ref()));
        drop(opened.map_err(CheckError::Data)?);
    }
    let next = AtomicUsize::new(0);
    let progress = Mutex::new(Progress {
        err,
        done: 0,
        pages: paths.len(),
        active: options.terminal && paths.len() > 20,
    });
    let work = || {
        let mut done: Vec<(usize, PageResult)> = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = paths.get(index) else {
                return done;
            };
            let run = || match read(path) {
                Ok(page) => run::page(page, context, &datasets),
                Err(error) => run::unread(path, &error),
            };
            // A page shares nothing with the others but the data, which is only read.
            let result = panic::catch_unwind(AssertUnwindSafe(run))
                .unwrap_or_else(|_| run::unread(path, &CheckError::Internal));
            done.push((index, result));
            progress
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .page_done();
        }
    };
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(paths.len())
        .max(1);
    let mut done = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
            worker
                .join()
                .unwrap_or_else(|cause| panic::resume_unwind(cause))
        };
        workers.into_iter().flat_map(join).collect::<Vec<_>>()
    });
    done.sort_by_key(|(index, _)| *index);
    let mut pages: Vec<PageResult> = done.into_iter().map(|(_, result)| result).collect();
    if let Some(broken) = pages.iter().find_map(|page| page.broken.clone()) {
        return Err(CheckError::Data(broken.into()));
    }
    causes::name_other_pages(&mut pages);
    Ok(RunResult {
        pages,
        datasets,
        unread: files.unread.clone(),
    })
}

fn read(path: &Path) -> Result<Page, CheckError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Page::parse(path, text)),
        Err(source) => {
            let source = match source.kind() {
                io::ErrorKind::InvalidData => io::Error::other("it is not UTF-8 text"),
                _ => source,
            };
            let path = path.to_owned();
            Err(CheckError::Read { path, source })
        }
    }
}

/// Finds the pages to check.
pub fn collect(options: &Options) -> Result<Files, CheckError> {
    let mut paths = options.paths.clone();
    if paths.is_empty() {
        paths.extend(
            ["README.md", "docs"]
                .map(PathBuf::from)
                .into_iter()
                .filter(|path| path.exists()),
        );
    }
    let mut found = Files::default();
    for path in &paths {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => collect_folder(path, &mut found)?,
            Ok(_) if ends_in(path, &SOURCES) || ends_in(path, &DOCUMENTS) => {
                return Err(CheckError::NotMarkdown { path: path.clone() });
            }
            Ok(_) => found.pages.push(path.clone()),
            Err(source) => {
                return Err(CheckError::Read {
                    path: path.clone(),
                    source,
                });
            }
        }
    }
    let Files { pages, unread } = &mut found;
    for list in [&mut *pages, unread] {
        list.sort();
        list.dedup();
    }
    if pages.is_empty() {
        let names = |paths: &[PathBuf]| {
            let names: Vec<String> = paths
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            names.join(", ")
        };
        let mut places = names(&paths);
        if places.is_empty() {
            places = "README.md or docs/".to_owned();
        } else if !unread.is_empty() {
            places = format!("{places}; not read: {}", names(unread));
        }
        return Err(CheckError::NoPages(places));
    }
    Ok(found)
}

fn collect_folder(folder: &Path, found: &mut Files) -> Result<(), CheckError> {
    /// Folders with pages of other projects, or generated ones.
    const IGNORED: &[&str] = &["node_modules", "target", "vendor", "_site", "dist", "build"];
    let error = |source| CheckError::Read {
        path: folder.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(error)? {
        let path = entry.map_err(error)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            // A link to a folder above would never end.
            if !path.is_symlink() && !name.starts_with('.') && !IGNORED.contains(&name.as_str()) {
                collect_folder(&path, found)?;
            }
        } else if ends_in(&path, &PAGES) {
            found.pages.push(path);
        } else if ends_in(&path, &SOURCES) {
            found.unread.push(path);
        }
    }
    Ok(())
}

/// The ends of names of pages that are read, of pages in other markup languages, and of other documents.
const PAGES: [&str; 9] = [
    "md", "markdown", "mdown", "mkd", "mdx", "qmd", "rmd", "http", "rest",
];
const SOURCES: [&str; 6] = ["adoc", "asciidoc", "rst", "org", "textile", "ipynb"];
const DOCUMENTS: [&str; 4] = ["html", "tex", "docx", "pdf"];

fn ends_in(path: &Path, ends: &[&str]) -> bool {
    let end = path.extension().and_then(|end| end.to_str());
    end.is_some_and(|end| ends.contains(&end.to_ascii_lowercase().as_str()))
}

/// A progress line, removed when it is dropped.
struct Progress<'a> {
    err: &'a mut (dyn Write + Send),
    done: usize,
    pages: usize,
    active: bool,
}

impl Progress<'_> {
    fn page_done(&mut self) {
        self.done += 1;
        if self.active && self.done.is_multiple_of(10) {
            // Progress that cannot be shown is not an error.
            let _ = write!(
                self.err,
                "\r\x1b[Kchecked {} of {} pages",
                self.done, self.pages
            );
            let _ = self.err.flush();
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.active {
            let _ = write!(self.err, "\r\x1b[K");
            let _ = self.err.flush();
        }
    }
}
