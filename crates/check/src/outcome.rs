//! The results of examples and pages.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::compare::Difference;
use super::datasets::{Dataset, Datasets};
use super::example::Example;
use super::node::Node;
use super::page::Page;
use super::printed::Form;
use super::service::Received;
use super::status::Expected;

/// A message about a range of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The range in the page.
    pub range: Range<usize>,
    /// What is wrong.
    pub text: String,
    /// What to write instead.
    pub fix: Option<String>,
}

impl Finding {
    pub fn new(range: Range<usize>, text: impl Into<String>) -> Finding {
        Finding {
            range,
            text: text.into(),
            fix: None,
        }
    }
}

/// The outcome of an example.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The server does what the page documents, as this note says.
    Passed(String),
    /// Page and server disagree, or the command is wrong.
    Failed(Box<Failure>),
    /// Not run, for this reason.
    Skipped(String),
    /// Could not be run, for this reason.
    Error(String),
}

/// Why an example failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The most important finding.
    pub first: Finding,
    /// Further findings.
    pub more: Vec<Finding>,
    /// The differences between the bodies.
    pub differences: Vec<Difference>,
    /// The likely cause.
    pub cause: Option<Cause>,
}

/// A likely cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// One sentence.
    pub text: String,
    /// Whether the request is probably what is wrong, and not the documented response.
    pub in_request: bool,
    /// The record that is missing: its collection and its id.
    pub missing: Option<(String, String)>,
}

impl Failure {
    /// The cause, unless the finding says the same.
    pub fn shown_cause(&self) -> Option<&Cause> {
        self.cause
            .as_ref()
            .filter(|cause| cause.text != self.first.text)
    }

    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        std::iter::once(&self.first).chain(&self.more)
    }
}

impl Outcome {
    /// The word for reports.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Passed(_) => "pass",
            Outcome::Failed(_) => "fail",
            Outcome::Skipped(_) => "skipped",
            Outcome::Error(_) => "error",
        }
    }

    /// The reason in one sentence.
    pub fn reason(&self) -> String {
        match self {
            Outcome::Passed(reason) | Outcome::Skipped(reason) | Outcome::Error(reason) => {
                reason.clone()
            }
            Outcome::Failed(failure) => match failure.more.len() {
                0 => failure.first.text.clone(),
                1 => format!("{} (and 1 more difference)", failure.first.text),
                more => format!("{} (and {more} more differences)", failure.first.text),
            },
        }
    }

    /// Why the example failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Outcome::Failed(failure) => Some(failure),
            _ => None,
        }
    }
}

/// An example and its outcome.
#[derive(Debug, Clone)]
pub struct ExampleResult {
    /// The example.
    pub example: Example,
    /// The range that identifies it: its code block, or its entry in the front matter.
    pub range: Range<usize>,
    /// The outcome.
    pub outcome: Outcome,
    /// What was found on the way.
    pub details: Details,
}

/// What is known about an example, as far as it was run.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// The path and query that were sent, or the URL as written.
    pub target: String,
    /// The documented status.
    pub expected: Option<Expected>,
    /// The documented body.
    pub documented: Option<Node>,
    /// How the body is shown.
    pub form: Form,
    /// Whether a response is documented that should be JSON, but is not.
    pub unparsed: bool,
    /// Whether the page says that only a part of the list is shown.
    pub truncated: bool,
    /// Differences that are accepted: random ids, and members that are excluded from the comparison.
    pub accepted: Vec<Difference>,
    /// The response that was compared.
    pub received: Option<Received>,
    /// The response after the writes above the example, where that differs from the page, too.
    pub after_writes: Option<Received>,
    /// Whether it was skipped as a request that would change nothing here.
    pub without_effect: bool,
    /// Why a response that is documented was not compared.
    pub uncompared: Option<&'static str>,
    /// With `--server`, how the page, our server and the real service differ.
    pub drift: Option<Drift>,
    /// What suggests that the request of an example that passed is misspelt.
    pub hint: Option<String>,
    /// What is suspicious, but not wrong.
    pub warnings: Vec<Finding>,
}

/// Which of the three answers to an example stands alone.
#[derive(Debug, Clone)]
pub struct Drift {
    /// `page`, `mock`, `real`, or `none` if all three differ.
    pub alone: &'static str,
    /// The same as a sentence.
    pub text: String,
    /// The response of our own server.
    pub mock: Received,
}

impl ExampleResult {
    /// The line for reports: that of the request.
    pub fn line(&self, page: &Page) -> usize {
        match page.fence(self.example.fence) {
            Some(_) => self.example.request_line(page),
            None => page.line(self.range.start),
        }
    }

    /// The request in a few words: `GET /users/1`.
    pub fn title(&self) -> String {
        format!("{} {}", self.example.method(), self.details.target)
            .trim()
            .to_owned()
    }
}

/// A page and its results.
#[derive(Debug)]
pub struct PageResult {
    /// The page.
    pub page: Page,
    /// The results of its examples in reading order.
    pub examples: Vec<ExampleResult>,
    /// The results of its tables.
    pub tables: Vec<TableResult>,
    /// The data file of its examples.
    pub dataset: Option<Arc<Dataset>>,
    /// The prefix that was detected and removed from the paths.
    pub detected_prefix: Option<String>,
    /// Why the data cannot be served, if so.
    pub broken: Option<String>,
    /// Whether the page could not be read.
    pub unread: bool,
}

/// A table that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableResult {
    /// The table's range in the page.
    pub range: Range<usize>,
    /// `properties` or `statuses`.
    pub kind: &'static str,
    /// The resource the table is about, if known.
    pub resource: Option<String>,
    /// What is wrong.
    pub findings: Vec<TableFinding>,
}

/// A row or table that disagrees with the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFinding {
    /// The range in the page.
    pub range: Range<usize>,
    /// What is wrong.
    pub text: String,
    /// Whether the server contradicts it; else nothing backs it, which is a warning.
    pub wrong: bool,
}

impl TableResult {
    /// Whether the server contradicts the table.
    pub fn is_wrong(&self) -> bool {
        self.findings.iter().any(|finding| finding.wrong)
    }
}

/// The results of a run.
pub struct RunResult {
    /// The pages in order.
    pub pages: Vec<PageResult>,
    /// The data files that were used.
    pub datasets: Datasets,
    /// Files that were passed over, because their markup language is not read.
    pub unread: Vec<PathBuf>,
}
