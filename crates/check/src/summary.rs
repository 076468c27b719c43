//! Counts over all pages, and the coverage of endpoints.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use super::labels::{self, Announces};
use super::outcome::{ExampleResult, Outcome, PageResult};
use super::page::{Block, Cell, Page, Table};
use super::pairing;
use super::transcript::shows_response;
use super::url;

/// Counts over all pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub pages: usize,
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    /// Examples that could not be run.
    pub errors: usize,
    /// Rows of tables that the server contradicts.
    pub tables: usize,
    /// Warnings, including rows of tables that nothing backs.
    pub warnings: usize,
}

impl Summary {
    pub fn of(pages: &[PageResult]) -> Summary {
        let mut summary = Summary {
            pages: pages.len(),
            ..Summary::default()
        };
        for page in pages {
            for result in &page.examples {
                *match result.outcome {
                    Outcome::Passed(_) => &mut summary.passed,
                    Outcome::Failed(_) => &mut summary.failed,
                    Outcome::Skipped(_) => &mut summary.skipped,
                    Outcome::Error(_) => &mut summary.errors,
                } += 1;
                summary.warnings += result.details.warnings.len();
            }
            for finding in page.tables.iter().flat_map(|table| &table.findings) {
                *match finding.wrong {
                    true => &mut summary.tables,
                    false => &mut summary.warnings,
                } += 1;
            }
        }
        summary
    }

    /// `43 passed, 0 failed, 1 skipped`, and what else there is.
    pub fn counts(&self) -> String {
        let mut out = format!(
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        );
        let others = [
            (self.errors, "error", "errors"),
            (self.tables, "wrong table row", "wrong table rows"),
            (self.warnings, "warning", "warnings"),
        ];
        for (number, one, many) in others.into_iter().filter(|(number, ..)| *number > 0) {
            out.push_str(&format!(", {}", count(number, one, many)));
        }
        out
    }
}

/// `1 page`, `2 pages`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The prefixes that were detected and removed from paths, each with its pages.
pub fn detected_prefixes(pages: &[PageResult]) -> BTreeMap<&str, Vec<String>> {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for page in pages {
        if let Some(prefix) = &page.detected_prefix {
            let name = page.page.path.display().to_string();
            found.entry(prefix).or_default().push(name);
        }
    }
    found
}

/// The responses of pages that were not compared with anything: page, line and reason.
pub fn uncompared(pages: &[PageResult]) -> Vec<(&Page, usize, &'static str)> {
    let mut out = Vec::new();
    for PageResult { page, examples, .. } in pages {
        let mut found: Vec<(usize, &'static str)> = Vec::new();
        let mut claimed: HashSet<usize> = HashSet::new();
        for ExampleResult {
            example,
            details,
            outcome,
            ..
        } in examples
        {
            claimed.insert(example.fence);
            claimed.extend(&example.unpaired);
            if let Some(response) = &example.response {
                claimed.insert(response.fence);
                claimed.extend(response.head.as_ref().map(|(block, _)| block));
                found.extend(details.uncompared.map(|reason| (response.fence, reason)));
            }
            // The others are listed as skipped or as errors.
            if matches!(outcome, Outcome::Passed(_) | Outcome::Failed(_)) {
                for block in &example.unpaired {
                    let is_json = page.fence(*block).is_some_and(shows_response);
                    let reason = match is_json {
                        true => "not the response to a request",
                        false => "not JSON",
                    };
                    found.push((*block, reason));
                }
            }
        }
        for (index, block) in page.blocks.iter().enumerate() {
            match block {
                _ if page.front.skip || claimed.contains(&index) => {}
                Block::Table(table) if has_responses(table) => found.push((index, "in a table")),
                _ if pairing::is_called_response(page, index) => {
                    found.push((index, "no request was found for it"));
                }
                _ => {}
            }
        }
        // Several requests may have the same block below them.
        found.sort_unstable();
        found.dedup();
        for (block, reason) in found {
            let line = page.line(page.blocks[block].range().start);
            out.push((page, line, reason));
        }
    }
    out
}

/// Whether a column of responses has JSON.
fn has_responses(table: &Table) -> bool {
    let is_json = |cell: &Cell| cell.text.starts_with(['{', '[']) && cell.text.contains('"');
    let columns = table.header.iter().enumerate();
    let named = columns.filter(|(_, cell)| labels::label(&cell.text) == Announces::Response);
    let mut cells = named.flat_map(|(at, _)| table.rows.iter().filter_map(move |row| row.get(at)));
    cells.any(is_json)
}

/// An endpoint and what the pages say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    method: &'static str,
    resource: String,
    /// Whether it is about one record of a collection.
    item: bool,
    /// Whether an example or a template shows it.
    pub documented: bool,
    /// Whether an example of it passed.
    pub tested: bool,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = if self.item { "/{id}" } else { "" };
        write!(f, "{} /{}{id}", self.method, self.resource)
    }
}

/// Every endpoint of the data files that the pages use.
pub fn coverage(pages: &[PageResult]) -> Vec<Endpoint> {
    const COLLECTION: &[(&str, bool)] = &[
        ("GET", false),
        ("POST", false),
        ("GET", true),
        ("PUT", true),
        ("PATCH", true),
        ("DELETE", true),
    ];
    const SINGULAR: &[(&str, bool)] = &[
        ("GET", false),
        ("POST", false),
        ("PUT", false),
        ("PATCH", false),
    ];
    let mut out: Vec<Endpoint> = Vec::new();
    let mut seen = HashSet::new();
    for dataset in pages.iter().filter_map(|page| page.dataset.as_ref()) {
        if !seen.insert(&dataset.data.path) {
            continue;
        }
        for resource in dataset.resources() {
            let endpoints = match dataset.records(resource) {
                Some(_) => COLLECTION,
                None => SINGULAR,
            };
            out.extend(endpoints.iter().map(|(method, item)| Endpoint {
                method,
                resource: resource.to_owned(),
                item: *item,
                documented: false,
                tested: false,
            }));
        }
    }
    for result in pages.iter().flat_map(|page| &page.examples) {
        let segments = url::segments(url::path_of(&result.details.target));
        let shown = out.iter_mut().find(|endpoint| {
            let at = segments.iter().position(|part| *part == endpoint.resource);
            result.example.method() == endpoint.method
                && at.is_some_and(|at| (segments.len() > at + 1) == endpoint.item)
        });
        if let Some(endpoint) = shown {
            let other_host = matches!(&result.outcome, Outcome::Skipped(reason) if reason.starts_with("goes to "));
            endpoint.documented |= !other_host;
            endpoint.tested |= matches!(result.outcome, Outcome::Passed(_));
        }
    }
    out
}
