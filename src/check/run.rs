//! Running the examples of a page and judging each.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use super::client::{Answer, Call, Opener, Service};
use super::compare::{self, Diff};
use super::curl::Request;
use super::data::{Source, Sources};
use super::examples::{self, Example};
use super::expect::{self, Node};
use super::explain;
use super::page::{Block, Page};
use super::requests::Reading;
use super::status::{self, Expected, Source as Promise};
use super::url::{self, Ours, Resolved};
use super::{Options, Reset};

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
    let ours = ours(&page, &context.options.ours);
    let mut session = Session { context, lanes: Vec::new(), played: Vec::new() };
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
    let used = session.lanes.first().map(|lane| Arc::clone(&lane.source));
    // A page without a runnable example still has tables, and templates that document.
    let speaks = !judged.is_empty() || page.blocks.iter().any(|block| matches!(block, Block::Table(_)));
    let source = used
        .or_else(|| context.sources.of(&page.path, page.front.database.as_deref()).ok())
        .filter(|_| speaks && !context.options.list);
    let tables = super::tables::check(&page, &judged, source.as_deref());
    PageReport { page, judged, tables, source }
}

/// The hosts and the prefix for a page: the command line's and its own.
fn ours(page: &Page, given: &Ours) -> Ours {
    let mut ours = given.clone();
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

/// The state of one database while a page is run.
struct Lane {
    source: Arc<Source>,
    /// Answers reads; nothing is ever written to it.
    pristine: Option<Service>,
    /// Lives through the page, or, with `--reset never`, through its examples.
    running: Option<Service>,
    /// How many of the played requests the running copy has seen.
    seen: usize,
}

struct Session<'a> {
    context: &'a Context<'a>,
    lanes: Vec<Lane>,
    /// The writes of the page so far, each with its lane.
    played: Vec<(usize, Call)>,
}

/// The answer that counts.
struct Asked {
    answer: Answer,
    diff: Diff,
    later: Later,
}

/// What came back after the writes above the example.
enum Later {
    NotAsked,
    /// What the page documents; it is the answer that counts.
    Kept,
    /// Something else.
    Broken(Answer),
}

/// What is compared with an answer.
struct Promised<'a> {
    expected: &'a Expected,
    body: Option<&'a Node>,
    /// The text around the example speaks of a failure.
    troubled: bool,
}

impl Session<'_> {
    fn judge(&mut self, page: &Page, example: Example, ours: &Ours, earlier: &[Judged]) -> Judged {
        let mut judged = start(&example);
        judged.example = example;
        if page.front.skip || judged.example.asks.skip {
            let who = if page.front.skip { "the front matter" } else { "a comment" };
            return judged.skip(format!("{who} says so"));
        }
        let (request, target) = match sendable(page, &mut judged, ours) {
            Some(found) => found,
            None => return judged,
        };
        let documented = read_response(page, &mut judged);
        let expected = status::expected(page, &judged.example, documented.status, &judged.method);
        judged.expected = Some(expected.clone());
        judged.documented = documented.body;
        if judged.verdict == Verdict::Fail && !judged.unreadable {
            return judged;
        }
        if self.context.options.list {
            return judged.skip(LISTED.to_owned());
        }
        let named = judged.example.asks.database.as_deref().or(page.front.database.as_deref());
        let lane = match self.lane(page, named) {
            Ok(lane) => lane,
            Err(why) => return judged.error(why),
        };
        let call = Call {
            method: request.method.clone(),
            target,
            headers: request.headers.clone(),
            body: request.body.clone().unwrap_or_default().into_bytes(),
        };
        if self.context.options.server.is_some() && !self.context.options.allow_writes && writes(&call.method) {
            return judged.skip("it writes to a real service; allow that with --allow-writes".to_owned());
        }
        let promised = Promised {
            expected: &expected,
            body: judged.documented.as_ref(),
            troubled: troubled(page, &judged.example),
        };
        let Asked { answer, diff, later } = match self.answer(lane, &call, judged.example.asks.reset, &promised) {
            Ok(found) => found,
            Err(why) => return judged.error(why),
        };
        if writes(&call.method) {
            self.played.push((lane, call.clone()));
        }
        judged.diff = diff;
        let status_kept = promised_kept(&promised_of(&judged, &expected, page), &answer);
        conclude(page, &mut judged, &answer, &expected, status_kept);
        if judged.verdict == Verdict::Pass && matches!(later, Later::Kept) {
            judged.reason = "as documented, after the writes above it on the page".to_owned();
        }
        let source = &self.lanes[lane].source;
        if judged.verdict == Verdict::Fail {
            judged.causes = explain::causes(&explain::Case {
                page,
                judged: &judged,
                call: &call,
                answer: &answer,
                source,
                earlier,
                later: match &later {
                    Later::Broken(answer) => Some(answer),
                    _ => None,
                },
            });
        }
        if judged.verdict == Verdict::Pass && call.method == "GET" {
            // The answer is as documented, and the filter does nothing that the page means.
            let range = page.fence(judged.example.fence).map_or(0..0, |fence| fence.source_range(&request.url_span));
            let unknown = explain::unknown_in_query(&call.target, source).into_iter();
            judged.warnings.extend(unknown.map(|text| Finding { range: range.clone(), text, fix: None }));
        }
        judged.answer = Some(answer);
        judged
    }

    fn lane(&mut self, page: &Page, named: Option<&str>) -> Result<usize, String> {
        let found = self.context.sources.of(&page.path, named);
        let source = match found {
            // A real service brings its own data; ours is only for explanations.
            Err(_) if self.context.options.server.is_some() => self.context.sources.nothing(),
            found => found?,
        };
        if let Some(at) = self.lanes.iter().position(|lane| Arc::ptr_eq(&lane.source, &source)) {
            return Ok(at);
        }
        self.lanes.push(Lane { source, pristine: None, running: None, seen: 0 });
        Ok(self.lanes.len() - 1)
    }

    /// Sends a call to the copy that the reset rule names.
    ///
    /// The default asks a fresh copy, and where that contradicts the page, one
    /// that has seen the writes above: a page is right if it is right for the
    /// reader who runs this example, or for the one who runs them all.
    fn answer(
        &mut self,
        lane: usize,
        call: &Call,
        asked_reset: bool,
        promised: &Promised<'_>,
    ) -> Result<Asked, String> {
        let compared = |answer: Answer| {
            let diff = difference(promised.body, &answer);
            (answer, diff)
        };
        // A real service is one, and nobody resets it.
        let reset = if self.context.options.server.is_some() { Reset::Never } else { self.context.options.reset };
        if matches!(reset, Reset::Page | Reset::Never) {
            if asked_reset && reset == Reset::Page {
                self.lanes[lane].running = None;
                self.lanes[lane].seen = self.played.len();
            }
            let (answer, diff) = compared(self.in_sequence(lane, call)?);
            return Ok(Asked { answer, diff, later: Later::NotAsked });
        }
        let (answer, diff) = compared(self.fresh(lane, call)?);
        let kept = |answer: &Answer, diff: &Diff| diff.differences.is_empty() && promised_kept(promised, answer);
        let alone = reset == Reset::Example || asked_reset || self.played.is_empty();
        if alone || kept(&answer, &diff) {
            return Ok(Asked { answer, diff, later: Later::NotAsked });
        }
        let (later, later_diff) = compared(self.in_sequence(lane, call)?);
        Ok(if kept(&later, &later_diff) {
            Asked { answer: later, diff: later_diff, later: Later::Kept }
        } else {
            Asked { answer, diff, later: Later::Broken(later) }
        })
    }

    fn fresh(&mut self, lane: usize, call: &Call) -> Result<Answer, String> {
        let open = self.context.open;
        let lane = &mut self.lanes[lane];
        if writes(&call.method) {
            let mut service = open(&lane.source.database)?;
            return service(call);
        }
        let service = match &mut lane.pristine {
            Some(service) => service,
            empty => empty.insert(open(&lane.source.database)?),
        };
        service(call)
    }

    /// Plays the writes above that the running copy has not seen, then the call.
    fn in_sequence(&mut self, lane: usize, call: &Call) -> Result<Answer, String> {
        let open = self.context.open;
        let state = &mut self.lanes[lane];
        let service = match &mut state.running {
            Some(service) => service,
            empty => empty.insert(open(&state.source.database)?),
        };
        for (_, write) in self.played[state.seen..].iter().filter(|(of, _)| *of == lane) {
            service(write)?;
        }
        state.seen = self.played.len();
        let answer = service(call)?;
        // The call itself will be in `played` next.
        if writes(&call.method) {
            state.seen += 1;
        }
        Ok(answer)
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

/// The request and its target, unless the example is skipped or its command is
/// wrong; then the verdict is set.
fn sendable(page: &Page, judged: &mut Judged, ours: &Ours) -> Option<(Request, String)> {
    let fence = page.fence(judged.example.fence)?;
    let reading = judged.example.reading.clone();
    let request = reading.request().cloned();
    let resolved = request.as_ref().map(|request| url::resolve(&request.url, ours));
    let mut refuse = |verdict: Verdict, reason: String| {
        judged.verdict = verdict;
        judged.reason = reason;
    };
    match (&reading, &resolved) {
        (_, Some(Resolved::Foreign(host))) => {
            refuse(Verdict::Skipped, format!("goes to {host}, which is not this server (`--host` makes it so)"));
            return None;
        }
        (Reading::Skip(reason, _), _) => {
            refuse(Verdict::Skipped, reason.clone());
            return None;
        }
        (_, Some(Resolved::Template(hole))) => {
            refuse(Verdict::Skipped, super::requests::template(hole));
            return None;
        }
        _ => {}
    }
    let mut findings = Vec::new();
    if let Reading::Mistakes(mistakes, _) = &reading {
        findings.extend(mistakes.iter().map(|mistake| {
            let range = fence.source_range(&mistake.span);
            let text = mistake.sentence(page.line(range.start));
            Finding { range, text, fix: mistake.fix.clone() }
        }));
    }
    if let (Some(request), Some(Resolved::Wrong(text, fix))) = (&request, &resolved) {
        findings.push(Finding { range: fence.source_range(&request.url_span), text: text.clone(), fix: fix.clone() });
    }
    if let Some(first) = findings.first() {
        judged.verdict = Verdict::Fail;
        judged.reason = first.text.clone();
        judged.findings = findings;
        return Some((request.unwrap_or_default(), String::new()));
    }
    match (request, resolved) {
        (Some(request), Some(Resolved::Target(target))) => {
            judged.target = target.clone();
            Some((request, target))
        }
        _ => None,
    }
}

#[derive(Default)]
struct ReadResponse {
    status: Option<(u16, Range<usize>)>,
    body: Option<Node>,
}

/// The documented response; if it cannot be read the verdict is set.
///
/// Spans of the body are those of the whole fence's content.
fn read_response(page: &Page, judged: &mut Judged) -> ReadResponse {
    let Some(response) = &judged.example.response else { return ReadResponse::default() };
    let Some(fence) = page.fence(response.fence) else { return ReadResponse::default() };
    // What stands before the response is blanked, so that places stay true.
    let before: String = fence.content[..response.range.start]
        .chars()
        .flat_map(|letter| std::iter::repeat_n(' ', letter.len_utf8()))
        .collect();
    let text = format!("{before}{}", &fence.content[response.range.clone()]);
    match expect::parse(&text) {
        Ok(documented) => ReadResponse {
            status: documented.head.map(|head| (head.status, fence.source_range(&head.span))),
            body: documented.body,
        },
        Err(trouble) => {
            if judged.verdict == Verdict::Pass {
                let at = fence.source(trouble.at);
                let end = page.text[at..].chars().next().map_or(at, |letter| at + letter.len_utf8());
                judged.verdict = Verdict::Fail;
                judged.reason = format!("the documented response is no JSON: {}", trouble.text);
                judged.unreadable = true;
                judged.findings.push(Finding { range: at..end, text: judged.reason.clone(), fix: None });
            }
            ReadResponse::default()
        }
    }
}

/// Whether a verb changes data.
#[must_use]
pub fn writes(method: &str) -> bool {
    !matches!(method, "GET" | "HEAD" | "OPTIONS")
}

fn difference(body: Option<&Node>, answer: &Answer) -> Diff {
    let Some(node) = body else { return Diff::default() };
    compare::diff(node, &answer.json().unwrap_or(Value::Null))
}

fn promised_of<'a>(judged: &'a Judged, expected: &'a Expected, page: &Page) -> Promised<'a> {
    Promised { expected, body: judged.documented.as_ref(), troubled: troubled(page, &judged.example) }
}

/// Whether the status is as promised. Where only the verb "promises" one, a
/// documented failure is believed if the text around it speaks of one.
fn promised_kept(promised: &Promised<'_>, answer: &Answer) -> bool {
    if promised.expected.statuses.contains(&answer.status) {
        return true;
    }
    let met = || promised.body.is_some_and(|node| compare::matches(node, &answer.json().unwrap_or(Value::Null)));
    promised.expected.source == Promise::Verb
        && (answer.status / 100 == 2 || promised.troubled || is_problem(promised.body))
        && met()
}

fn is_problem(body: Option<&Node>) -> bool {
    let Some(expect::Kind::Object { members, .. }) = body.map(|node| &node.kind) else { return false };
    members.iter().any(|member| matches!(member.key.as_str(), "error" | "errors" | "status" | "title" | "detail"))
}

/// Whether the text between the example's heading and its response speaks of a
/// failure.
fn troubled(page: &Page, example: &Example) -> bool {
    let from = page.heading_of(example.fence).unwrap_or(example.fence);
    let to = example.response.as_ref().map_or(example.fence, |response| response.fence);
    page.blocks[from.min(to)..to].iter().any(|block| {
        let text = match block {
            Block::Heading(heading) => heading.text.as_str(),
            Block::Prose(prose) => prose.text.as_str(),
            _ => return false,
        };
        let text = text.to_lowercase();
        ["not found", "not exist", "n't exist", "error", "missing", "invalid", "fails", "conflict", "already exists"]
            .iter()
            .any(|word| text.contains(word))
    })
}

/// The verdict over an answer, with the places that are wrong.
fn conclude(page: &Page, judged: &mut Judged, answer: &Answer, expected: &Expected, status_kept: bool) {
    let place_of_response = judged.example.response.as_ref().and_then(|response| page.fence(response.fence));
    let request_place = page.fence(judged.example.fence).map_or(0..0, |fence| fence.source_range(&judged.example.span));
    if !status_kept {
        let promised: Vec<String> = expected.statuses.iter().map(u16::to_string).collect();
        let text = match expected.source {
            Promise::Verb => format!(
                "a {} usually answers {}, the server answers {}",
                judged.method,
                promised.join(" or "),
                answer.status
            ),
            source => {
                format!("{} promises {}, the server answers {}", source.words(), promised.join(" or "), answer.status)
            }
        };
        let range = expected.place.clone().unwrap_or_else(|| request_place.clone());
        judged.findings.push(Finding { range, text, fix: None });
    }
    // A refusal differs from a documented record in everything, which says nothing.
    let refused = !status_kept && answer.status >= 400 && expected.statuses.iter().all(|status| *status < 400);
    if refused {
        judged.diff = Diff::default();
    } else if judged.method != "HEAD" {
        if let (Some(_), None, false) = (&judged.documented, answer.json(), answer.body.is_empty()) {
            judged.findings.push(Finding {
                range: place_of_response.map_or(request_place.clone(), |fence| fence.range.clone()),
                text: "the server answers text that is no JSON".to_owned(),
                fix: None,
            });
        } else if let Some(fence) = place_of_response {
            for difference in &judged.diff.differences {
                let range = place(fence, difference);
                judged.findings.push(Finding { range, text: difference.to_string(), fix: None });
            }
            for difference in &judged.diff.warnings {
                let range = place(fence, difference);
                judged.warnings.push(Finding { range, text: difference.to_string(), fix: None });
            }
        }
    }
    match judged.findings.first() {
        Some(first) => {
            judged.verdict = Verdict::Fail;
            let more = judged.findings.len() - 1;
            judged.reason = match more {
                0 => first.text.clone(),
                1 => format!("{} (and 1 more difference)", first.text),
                _ => format!("{} (and {more} more differences)", first.text),
            };
        }
        None => {
            judged.reason = if judged.documented.is_some() {
                "as documented".to_owned()
            } else if judged.example.no_body {
                "the status is as documented; the page says that there is no body".to_owned()
            } else {
                "the status is as documented; the page shows no response".to_owned()
            };
        }
    }
}

/// A difference in the page: for something that the page lacks, the opening
/// bracket of where it would stand.
fn place(fence: &super::page::Fence, difference: &compare::Difference) -> Range<usize> {
    match difference.what {
        compare::What::Extra | compare::What::Order | compare::What::KeyOrder => {
            let start = difference.place.start;
            fence.source_range(&(start..(start + 1).min(difference.place.end)))
        }
        _ => fence.source_range(&difference.place),
    }
}
