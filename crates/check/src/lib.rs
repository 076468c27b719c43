//! Documentation pages as tests: runs the HTTP examples of Markdown pages and compares the responses with what the pages
//! show.
//!
//! The checker is a client. It talks to the server through an [`Opener`], a closure that opens a service over a data
//! file, or over HTTP to [`Options::server`]. It starts no shell, and the only files it writes are pages under `--fix`.
//!
//! How an example is processed: `page` parses Markdown, `requests` finds commands (`shell`, `curl`) and HTTP messages,
//! `pairing` finds the response that belongs to each, `run` sends the request and compares the response with what the
//! page documents (`documented_status`, `documented_response`, `compare`), `causes` explains a difference, and `report` prints the results or `fix` rewrites the page.
#![warn(missing_docs)]

#[macro_use]
mod text;

mod addresses;
mod batch;
mod blocks;
mod candidates;
mod captions;
mod causes;
mod claims;
mod clients;
mod commands;
mod comments;
mod compare;
mod curl;
mod datasets;
mod directive;
mod documented;
mod documented_response;
mod documented_status;
mod endpoints;
mod error_bodies;
mod example;
mod examples;
mod expected_results;
mod failures;
mod findings;
mod fix;
mod forms;
mod found;
mod front_matter;
mod generated;
mod html;
mod http_message;
mod implied;
mod jq;
mod labels;
mod lenient_json;
mod listings;
mod literals;
mod markup;
mod mentions;
mod node;
mod omissions;
mod options;
mod other_requests;
mod outcome;
mod own_routes;
mod page;
mod page_mistakes;
mod pairing;
mod parts;
mod powershell;
mod prefix;
mod printed;
mod program_names;
mod program_outputs;
mod programs;
mod promises;
mod prompt;
mod reader;
mod remote;
mod repeats;
mod report;
mod request_tables;
mod requests;
mod result_rows;
mod result_text;
mod rewrite;
mod run;
mod sample_calls;
mod sample_ids;
mod sendable;
mod sentences;
mod service;
mod session;
mod shell;
mod shown;
mod status;
mod status_above;
mod status_below;
mod status_tables;
mod status_text;
mod summary;
mod tables;
mod terminal;
mod transcript;
mod unclosed;
mod unfenced;
mod unmet;
mod url;
mod variables;
mod watch;

#[cfg(any(test, fuzzing))]
pub mod fuzz;

use std::io::Write;

pub use batch::CheckError;
use batch::{check, collect};
pub use options::{FailOn, Fix, Format, Options, Reset};
use run::Context;
pub use service::{Opener, Request, Response, Service, ServiceError, TextFile};
use summary::Summary;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Nothing is wrong.
    Passed,
    /// There are findings.
    Failed,
    /// No example was run.
    Empty,
    /// A page could not be read; the others were checked.
    Unread,
}

impl ExitStatus {
    /// The exit code of the process.
    pub fn code(self) -> u8 {
        match self {
            ExitStatus::Passed => 0,
            ExitStatus::Failed => 1,
            ExitStatus::Empty | ExitStatus::Unread => 2,
        }
    }
}

/// Checks pages and rewrites them if asked to. The report is written to `out`, progress to `err`.
///
/// # Errors
/// The pages could not be checked. What is wrong with them is not an error, but [`ExitStatus::Failed`].
pub fn run(
    options: &Options,
    open: &Opener<'_>,
    out: &mut dyn Write,
    err: &mut (dyn Write + Send),
) -> Result<ExitStatus, CheckError> {
    if let Some(path) = &options.schema {
        std::fs::metadata(path).map_err(|source| CheckError::Schema {
            path: path.clone(),
            source,
        })?;
    }
    let mut url = String::new();
    if let Some(server) = &options.server {
        let error = |source| CheckError::Server {
            url: server.clone(),
            source,
        };
        url = remote::parse(server).map_err(error)?;
        if !options.list {
            remote::ping(&url, options).map_err(error)?;
        }
    }
    let remote = |_: &TextFile, _: Option<&TextFile>| remote::connect(&url, options);
    let context = match options.server {
        Some(_) => Context {
            options,
            open: &remote,
            mock: Some(open),
        },
        None => Context {
            options,
            open,
            mock: None,
        },
    };
    if options.watch {
        return watch::run(&context, out, err).map(|()| ExitStatus::Passed);
    }
    let files = collect(options)?;
    let mut result = check(&context, &files, err)?;
    if options.fix.is_some() && !options.list {
        // Reports for programs are alone on their stream.
        let shown: &mut dyn Write = if options.format == Format::Human {
            out
        } else {
            err
        };
        let rewritten = fix::apply(&result, &context, shown).map_err(CheckError::Output)?;
        if rewritten > 0 {
            // Reports the state after the fix.
            result = check(&context, &files, err)?;
        }
    }
    report::print(&result, options, out).map_err(CheckError::Output)?;
    let status = match result.pages.iter().any(|page| page.unread) {
        true => ExitStatus::Unread,
        false => exit_status(Summary::of(&result.pages), options),
    };
    if status == ExitStatus::Empty {
        let error = "error: no example was run (--allow-empty accepts that)";
        writeln!(err, "{error}").map_err(CheckError::Output)?;
    }
    Ok(status)
}

fn exit_status(summary: Summary, options: &Options) -> ExitStatus {
    let examples = summary.failed + summary.errors;
    let findings = match options.fail_on {
        _ if options.list => 0,
        FailOn::Never => 0,
        FailOn::Examples => examples,
        FailOn::Findings => examples + summary.tables,
        FailOn::Warnings => examples + summary.tables + summary.warnings,
    };
    match findings {
        0 if examples + summary.passed == 0 && !options.list && !options.allow_empty => {
            ExitStatus::Empty
        }
        0 => ExitStatus::Passed,
        _ => ExitStatus::Failed,
    }
}
