//! Reports: for a person, for GitHub, as JUnit, as JSON.

pub mod github;
pub mod human;
pub mod json;
pub mod junit;

use std::io::{self, Write};

use super::run::{Judged, PageReport, Verdict};
use super::{Checked, Format, Options};

/// Counts over all pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Pages.
    pub pages: usize,
    /// Examples that are as documented.
    pub pass: usize,
    /// Examples that are not.
    pub fail: usize,
    /// Examples that were not run.
    pub skipped: usize,
    /// Examples that could not be run.
    pub error: usize,
    /// Rows of tables that contradict the server.
    pub tables: usize,
    /// Warnings, and rows that nothing backs.
    pub warnings: usize,
}

impl Summary {
    /// Counts the examples of pages.
    #[must_use]
    pub fn of(pages: &[PageReport]) -> Summary {
        let mut summary = Summary { pages: pages.len(), ..Summary::default() };
        for page in pages {
            for judged in &page.judged {
                match judged.verdict {
                    Verdict::Pass => summary.pass += 1,
                    Verdict::Fail => summary.fail += 1,
                    Verdict::Skipped => summary.skipped += 1,
                    Verdict::Error => summary.error += 1,
                }
                summary.warnings += judged.warnings.len();
            }
            for finding in page.tables.iter().flat_map(|table| &table.findings) {
                if finding.wrong {
                    summary.tables += 1;
                } else {
                    summary.warnings += 1;
                }
            }
        }
        summary
    }
}

/// Prints a report in the format that is asked for.
///
/// # Errors
/// The output cannot be written.
pub fn print(checked: &Checked, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    match options.format {
        Format::Json => json::print(checked, out),
        Format::Github => github::print(checked, out),
        Format::Junit => junit::print(checked, out),
        Format::Human if options.list => human::list(checked, out),
        Format::Human => human::print(checked, options, out),
    }
}

/// The reason and the likely causes in one sentence.
fn with_causes(judged: &Judged) -> String {
    match judged.causes.as_slice() {
        [] => judged.reason.clone(),
        causes => format!("{}; likely cause: {}", judged.reason, causes.join("; ")),
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
