//! Running the examples of a page and judging each.

mod judge;
mod session;

use std::ops::Range;
use std::sync::Arc;

use super::Options;
use super::client::{Answer, Opener};
use super::compare::Diff;
use super::data::{Source, Sources};
use super::examples::{self, Example};
use super::expect::Node;
use super::page::{Block, Page};
use super::requests::Reading;
use super::status::Expected;
use super::url::Ours;
use session::Session;

/// What became of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As documented.
    Pass,
    /// The page and the server disagree, or the page's command is wrong.
    Fail,
    /// Not run, for a reason that is shown.
    Skipped,
    /// Could not be run.
    Error,
}

impl Verdict {
    /// The word used in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Skipped => "skipped",
            Verdict::Error => "error",
        }
    }
}

/// The reason of an example that is only listed.
pub const LISTED: &str = "listed, not run";

/// A place in the page and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The place in the page's text.
    pub range: Range<usize>,
    /// What is wrong, as a sentence without a full stop.
    pub text: String,
    /// What to write instead.
    pub fix: Option<String>,
}

/// An example and what became of it.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The example as the page has it.
    pub example: Example,
    /// The verb; empty if it could not be read.
    pub method: String,
    /// The path and query that were sent, or the URL as written.
    pub target: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: String,
    /// The places that are wrong.
    pub findings: Vec<Finding>,
    /// Likely causes, in words.
    pub causes: Vec<String>,
    /// What is not wrong and still worth a word.
    pub warnings: Vec<Finding>,
    /// The promised status.
    pub expected: Option<Expected>,
    /// The documented body.
    pub documented: Option<Node>,
    /// The structural difference.
    pub diff: Diff,
    /// The answer, if one came.
    pub answer: Option<Answer>,
    /// Whether the response fence as a whole could not be read.
    pub unreadable: bool,
}

/// A page and everything that was found out about it.
#[derive(Debug)]
pub struct PageReport {
    /// The page.
    pub page: Page,
    /// Its examples in reading order.
    pub judged: Vec<Judged>,
    /// What its tables promise and the server does not keep.
    pub tables: Vec<super::tables::TableReport>,
    /// The database of its examples, if one was found.
    pub source: Option<Arc<Source>>,
}

/// Everything a page needs to be run.
pub struct Context<'a> {
    /// What was asked for.
    pub options: &'a Options,
    /// The databases of the run.
    pub sources: &'a Sources,
    /// What opens a service over a database.
    pub open: &'a Opener<'a>,
}

/// Runs the examples of a page.
#[must_use]
pub fn page(page: Page, context: &Context<'_>) -> PageReport {
    let examples = examples::find(&page);
    let ours = ours(&page, context.options);
    let mut session = Session::new(context);
    let mut judged: Vec<Judged> = Vec::with_capacity(examples.len());
    for example in examples {
        let one = session.judge(&page, example, &ours, &judged);
        judged.push(one);
    }
    for (index, entry) in page.front.testable.iter().enumerate() {
        if !judged.iter().any(|one| one.example.testable == Some(index)) {
            judged.push(unknown_testable(&page, index, entry));
        }
    }
    // A page without a runnable example still has tables, and templates that document.
    let speaks = !judged.is_empty() || page.blocks.iter().any(|block| matches!(block, Block::Table(_)));
    let source = session
        .source()
        .or_else(|| context.sources.of(&page.path, page.front.database.as_deref()).ok())
        .filter(|_| speaks && !context.options.list);
    let tables = super::tables::check(&page, &judged, source.as_deref());
    PageReport { page, judged, tables, source }
}

/// The hosts and the prefix for a page: the command line's and its own.
fn ours(page: &Page, options: &Options) -> Ours {
    let hosts = options.hosts.iter().map(|host| host.to_lowercase()).collect();
    let mut ours = Ours { hosts, prefix: options.prefix.clone() };
    if let Some(server) = &page.front.server_url {
        let bare = server.split_once("://").map_or(server.as_str(), |(_, rest)| rest);
        let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        ours.hosts.push(name.to_lowercase());
        if ours.prefix.is_none() && !path.trim_matches('/').is_empty() {
            ours.prefix = Some(format!("/{}", path.trim_matches('/')));
        }
    }
    ours.prefix = ours.prefix.or_else(|| page.front.prefix.clone());
    ours
}

fn unknown_testable(page: &Page, index: usize, entry: &super::front::Testable) -> Judged {
    let range = entry.range.clone();
    let text = format!(
        "the front matter names `{}`, and no heading `{} request` with a request under it is on the page",
        entry.name, entry.name
    );
    let fence = page.blocks.len();
    Judged {
        example: Example {
            fence,
            span: 0..0,
            reading: Reading::Skip(String::new(), None),
            response: None,
            no_body: false,
            end: fence,
            asks: examples::Asks::default(),
            testable: Some(index),
        },
        method: String::new(),
        target: entry.name.clone(),
        verdict: Verdict::Error,
        reason: text.clone(),
        findings: vec![Finding { range, text, fix: None }],
        causes: Vec::new(),
        warnings: Vec::new(),
        expected: None,
        documented: None,
        diff: Diff::default(),
        answer: None,
        unreadable: false,
    }
}

impl Judged {
    /// The line of the fence's opening marks, or of what else is meant; from 1.
    #[must_use]
    pub fn line(&self, page: &Page) -> usize {
        match page.blocks.get(self.example.fence) {
            Some(_) => self.example.line(page),
            None => self.findings.first().map_or(1, |finding| page.line(finding.range.start)),
        }
    }

    /// The request in a few words: `GET /users/1`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.method, self.target).trim().to_owned()
    }
}

fn start(example: &Example) -> Judged {
    let request = example.reading.request();
    Judged {
        example: example.clone(),
        method: request.map(|request| request.method.clone()).unwrap_or_default(),
        target: request.map(|request| request.url.clone()).unwrap_or_default(),
        verdict: Verdict::Pass,
        reason: String::new(),
        findings: Vec::new(),
        causes: Vec::new(),
        warnings: Vec::new(),
        expected: None,
        documented: None,
        diff: Diff::default(),
        answer: None,
        unreadable: false,
    }
}

impl Judged {
    fn skip(mut self, reason: String) -> Self {
        self.verdict = Verdict::Skipped;
        self.reason = reason;
        self
    }

    fn error(mut self, reason: String) -> Self {
        self.verdict = Verdict::Error;
        self.reason = reason;
        self
    }
}

/// Whether a verb changes data.
#[must_use]
pub fn writes(method: &str) -> bool {
    !matches!(method, "GET" | "HEAD" | "OPTIONS")
}
