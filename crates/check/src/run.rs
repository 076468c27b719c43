//! Runs the examples of a page.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::causes::{self, Case};
use super::datasets::{Dataset, DatasetError, Datasets};
use super::documented::{self, Compared, Documented, Surety};
use super::examples::{self, Example};
use super::failures::Around;
use super::findings;
use super::front_matter::Testable;
use super::generated::Generated;
use super::labels;
use super::options::{Options, Reset};
use super::outcome::{Cause, Details, ExampleResult, Failure, Finding, Outcome, PageResult};
use super::own_routes;
use super::page::{Block, Page};
use super::requests;
use super::sendable::{Sendable, sendable, target_hosts};
use super::service::{Opener, Received, Request, Service, ServiceError};
use super::status::{self, StatusSource};
use super::tables;
use super::unmet::Unmet;
use super::url::TargetHosts;

/// The reason of examples under `--list`.
pub const LISTED: &str = "listed, not run";

/// What the pages of a run share.
pub struct Context<'a> {
    /// The options.
    pub options: &'a Options,
    /// Opens a service over a data file.
    pub open: &'a Opener<'a>,
    /// With `--server`: opens our own server over a data file, to compare it with the real service.
    pub mock: Option<&'a Opener<'a>>,
}

/// Runs the examples of a page.
pub fn page(page: Page, context: &Context<'_>, datasets: &Datasets) -> PageResult {
    let examples = examples::find(&page);
    let saves = examples
        .iter()
        .any(|example| !example.directives.save.is_empty());
    let runner = |context, mock| Runner {
        context,
        mock,
        datasets,
        page: &page,
        hosts: target_hosts(&page, context.options),
        fixtures: Vec::new(),
        writes: Vec::new(),
        is_sequence: are_steps(&page, &examples),
        saves,
        saved: Vec::new(),
        broken: None,
    };
    let mock_options = Options {
        server: None,
        ..context.options.clone()
    };
    let mock_context = context.mock.map(|open| Context {
        options: &mock_options,
        open,
        mock: None,
    });
    // Saved ids of the real service do not exist in ours.
    let mock = mock_context
        .as_ref()
        .filter(|_| !saves)
        .map(|context| Box::new(runner(context, None)));
    let mut runner = runner(context, mock);
    let mut results: Vec<ExampleResult> = Vec::with_capacity(examples.len());
    for directive in page.blocks.iter().filter_map(Block::directive) {
        let Some(name) = directive
            .value("after")
            .filter(|_| context.options.server.is_none())
        else {
            continue;
        };
        let path = page.path.with_file_name(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => runner.run_writes_of(&Page::parse(&path, text)),
            Err(error) => {
                let error = format!("cannot read {}: {error}", path.display());
                results.push(not_an_example(
                    &page,
                    directive.range.clone(),
                    String::new(),
                    error,
                ));
            }
        }
    }
    for example in examples {
        let result = runner.example(example, &results);
        results.push(result);
    }
    let broken = runner.broken;
    let used = runner
        .fixtures
        .first()
        .map(|fixture| Arc::clone(&fixture.dataset));
    for (index, entry) in page.front.testable.iter().enumerate() {
        if !results
            .iter()
            .any(|result| result.example.testable == Some(index))
        {
            results.push(unknown_testable(&page, entry));
        }
    }
    for directive in page.blocks.iter().filter_map(Block::directive) {
        if let Some(error) = directive.error() {
            results.push(not_an_example(
                &page,
                directive.range.clone(),
                String::new(),
                error,
            ));
        }
    }
    for (at, block) in page.blocks.iter().enumerate() {
        let is_before =
            |result: &ExampleResult| (at + 1..page.blocks.len()).contains(&result.example.fence);
        let is_of_request = |result: &ExampleResult| result.example.fence == at;
        if let Block::Fence(fence) = block
            && fence.is_unclosed
            && !results.iter().any(is_of_request)
            && results.iter().any(is_before)
        {
            let range = fence.range.start..fence.range.start;
            let error = requests::UNCLOSED.to_owned();
            results.push(not_an_example(&page, range, String::new(), error));
        }
    }
    if let Some(range) = unclosed_comment(&page) {
        let error = "the HTML comment is not closed, so the rest of the page is hidden".to_owned();
        results.push(not_an_example(&page, range, String::new(), error));
    }
    // Tables can be checked without a runnable example.
    let relevant = !results.is_empty()
        || page
            .blocks
            .iter()
            .any(|block| matches!(block, Block::Table(_)));
    let dataset = used
        .or_else(|| {
            datasets
                .find(&page.path, page.front.database.as_deref())
                .ok()
        })
        .filter(|_| relevant && !context.options.list);
    let tables = tables::check(&page, &results, dataset.as_deref());
    PageResult {
        page,
        examples: results,
        tables,
        dataset,
        broken,
        unread: false,
    }
}

/// Whether examples of a page are in the sections of different numbered steps.
fn are_steps(page: &Page, examples: &[Example]) -> bool {
    let step = |example: &Example| {
        let mut headings = page.headings_above(example.fence);
        headings
            .find(|heading| labels::is_step(&heading.text))
            .map(|heading| heading.range.start)
    };
    let mut steps = examples.iter().filter_map(step);
    let first = steps.next();
    // A session in a terminal, with its output.
    let goes_on = |pair: &[Example]| {
        pair[0].fence == pair[1].fence
            && pair[0].request.writes()
            && pair.iter().all(|example| example.request.output.is_some())
    };
    steps.any(|other| Some(other) != first) || examples.windows(2).any(goes_on)
}

/// The result of a page that cannot be read.
pub fn unread(path: &Path, error: &dyn std::fmt::Display) -> PageResult {
    let page = Page::parse(path, String::new());
    let error = not_an_example(&page, 0..0, String::new(), error.to_string());
    PageResult {
        page,
        examples: vec![error],
        tables: Vec::new(),
        dataset: None,
        broken: None,
        unread: true,
    }
}

/// Whether an object in a body has a member with this name.
fn has_member(body: &Value, name: &str) -> bool {
    match body {
        Value::Object(members) => {
            members.contains_key(name) || members.values().any(|value| has_member(value, name))
        }
        Value::Array(items) => items.iter().any(|item| has_member(item, name)),
        _ => false,
    }
}

/// The beginning of an HTML comment that hides code blocks because `-->` is missing.
fn unclosed_comment(page: &Page) -> Option<Range<usize>> {
    let start = page.text.rfind("<!--")?;
    let rest = &page.text[start..];
    let line = page.text[..start].rsplit('\n').next()?;
    let in_code = page.blocks.iter().any(|block| {
        let range = block.range();
        range.start <= start && start < range.end
    });
    let is_markdown = !page
        .path
        .extension()
        .is_some_and(|end| end == "mdx" || end == "http" || end == "rest");
    (is_markdown
        && line.trim().is_empty()
        && !in_code
        && !rest.contains("-->")
        && rest.contains("```"))
    .then_some(start..start + 4)
}

fn unknown_testable(page: &Page, entry: &Testable) -> ExampleResult {
    let reason = format!(
        "the front matter names `{}`, but the page has no heading `{} request` with a request under it",
        entry.name, entry.name
    );
    not_an_example(page, entry.range.clone(), entry.name.clone(), reason)
}

/// An error that does not belong to a request.
fn not_an_example(
    page: &Page,
    range: Range<usize>,
    target: String,
    error: String,
) -> ExampleResult {
    ExampleResult {
        example: Example {
            fence: page.blocks.len(),
            end: page.blocks.len(),
            ..Example::default()
        },
        range,
        outcome: Outcome::Error(error),
        details: Details {
            target,
            ..Details::default()
        },
    }
}

/// A data file while a page is run.
struct Fixture {
    dataset: Arc<Dataset>,
    /// Answers reads on fresh data; nothing is ever written to it.
    pristine: Option<Service>,
    /// Has seen the page's writes, up to `applied`.
    running: Option<Service>,
    applied: usize,
    /// Where the page last asks for fresh data.
    base: usize,
}

impl Fixture {
    /// The next request in sequence is sent after the page's writes again.
    fn restart(&mut self) {
        self.running = None;
        self.applied = self.base;
    }
}

struct Runner<'a> {
    context: &'a Context<'a>,
    /// With `--server`, runs the same requests on our own server.
    mock: Option<Box<Runner<'a>>>,
    /// Why the page's data cannot be served.
    broken: Option<String>,
    datasets: &'a Datasets,
    page: &'a Page,
    hosts: TargetHosts,
    fixtures: Vec<Fixture>,
    /// The page's writes so far, each with the index of its fixture.
    writes: Vec<(usize, Request)>,
    /// Whether the examples of the page are steps: one is true only after the writes above it.
    is_sequence: bool,
    /// Whether an example of the page saves values.
    saves: bool,
    /// The saved values by name.
    saved: Vec<(String, String)>,
}

impl Runner<'_> {
    fn example(&mut self, example: Example, earlier: &[ExampleResult]) -> ExampleResult {
        let mut details = Details::default();
        // Both variants are the outcome; `Err` is one that ended the run early.
        let (Ok(outcome) | Err(outcome)) = self.run(&example, earlier, &mut details);
        let range = self
            .page
            .blocks
            .get(example.fence)
            .map_or(0..0, Block::range);
        ExampleResult {
            example,
            range,
            outcome,
            details,
        }
    }

    fn run(
        &mut self,
        example: &Example,
        earlier: &[ExampleResult],
        details: &mut Details,
    ) -> Result<Outcome, Outcome> {
        let error = |error: &dyn std::fmt::Display| Outcome::Error(error.to_string());
        let (page, options) = (self.page, self.context.options);
        if let Some(written) = &example.request.written {
            details.target = written.request.target.clone();
        } else if let Some(fence) = page.fence(example.fence) {
            let command = fence
                .content
                .get(example.request.span.clone())
                .unwrap_or_default();
            details.target = command.lines().next().unwrap_or_default().to_owned();
        }
        if page.front.skip {
            return Err(Outcome::Skipped("the front matter says so".to_owned()));
        }
        if example.directives.skip {
            return Err(Outcome::Skipped("a comment says so".to_owned()));
        }
        let sendable = sendable(page, example, &self.hosts, &self.saved);
        if let Sendable::Skip(reason) = sendable {
            return Err(Outcome::Skipped(reason));
        }
        let (response, syntax_error) = documented::response(page, example);
        details.unparsed = syntax_error.is_some();
        details.documented = response.body;
        details.form = response.form;
        details.truncated = response.truncated || !response.left_out.is_empty();
        details.warnings.extend(response.missing);
        let body = details.documented.as_ref();
        let expected = status::expected(page, example, response.status, body);
        details.expected = Some(expected.clone());
        let request = match sendable {
            Sendable::Request(request) => request,
            Sendable::Wrong(findings) => {
                return Err(failed(findings).unwrap_or_else(|| error(&"no request")));
            }
            Sendable::Skip(reason) => return Err(Outcome::Skipped(reason)),
        };
        details.target = request.target.clone();
        if options.list {
            return Err(Outcome::Skipped(LISTED.to_owned()));
        }
        let fixture = self.fixture(example).map_err(|why| error(&why))?;
        let unsent = options.server.is_some() && !options.allow_writes && request.writes();
        if unsent
            && let Some(mock) = &mut self.mock
            && let Ok(own) = mock.fixture(example)
        {
            mock.writes.push((own, request.clone()));
        }
        if unsent {
            let reason = "it writes to a real service (--allow-writes sends it)";
            return Err(Outcome::Skipped(reason.to_owned()));
        }
        if example.is_repeated && request.writes() {
            if options.server.is_some() || self.saves {
                let reason = "the request above it, for another client";
                return Err(Outcome::Skipped(reason.to_owned()));
            }
            self.take_back(fixture, &request);
        }
        let dataset = Arc::clone(&self.fixtures[fixture].dataset);
        let documented = Documented {
            expected: &expected,
            body: details.documented.as_ref(),
            form: response.form,
            printed: &example.request.printed,
            plain: response.plain.as_ref(),
            one_item: response.one_item,
            surety: Surety::of(page, example, response.form),
            any: &example.directives.any,
            left_out: &response.left_out,
            headers: &response.headers,
            no_body: example.no_body && example.method() != "HEAD",
            generated: Generated::new(
                &dataset,
                options.server.is_none(),
                &request,
                self.writes.iter().map(|(_, write)| write),
            ),
            around: Around { page, example },
        };
        let fresh = example.directives.reset;
        let (compared, later) = self
            .responses(fixture, &request, fresh, &documented)
            .map_err(|why| error(&why))?;
        if request.writes() {
            self.writes.push((fixture, request.clone()));
        }
        if let Some(mock) = &mut self.mock
            && let Ok(own) = mock.fixture(example)
            && let Ok((answer, after)) = mock.responses(own, &request, fresh, &documented)
        {
            if request.writes() {
                mock.writes.push((own, request.clone()));
            } else if matches!(after, Later::Matched)
                && !options.allow_writes
                && !compared.is_as_documented()
            {
                let reason = "it needs the writes above it, which are not sent to a real service";
                return Err(Outcome::Skipped(reason.to_owned()));
            }
            details.drift = documented::drift(&compared, &answer);
        }
        let differs = !compared.status_ok
            || !compared.diff.differences.is_empty()
            || compared.other.is_some();
        let unmet = || {
            let unmet = Unmet {
                page,
                example,
                request: &request,
                expected: &expected,
                compared: &compared,
                dataset: &dataset,
                hosts: &self.hosts,
                earlier,
            };
            unmet.reason()
        };
        if differs
            && syntax_error.is_none()
            && let Some(reason) = unmet()
        {
            details.without_effect = reason.without_effect;
            if reason.without_effect && request.writes() {
                self.writes.pop();
                self.fixtures[fixture].restart();
            }
            return Err(Outcome::Skipped(reason.text));
        }
        let is_accident = compared.accident(details.documented.as_ref()).is_some()
            && !example.directives.expects_hint;
        if is_accident
            && !differs
            && let Some(reason) = own_routes::parameter(page, example, &request, &dataset)
        {
            return Err(Outcome::Skipped(reason));
        }
        let after_writes = matches!(later, Later::Matched);
        self.is_sequence |= after_writes;
        let mut findings: Vec<Finding> = syntax_error.into_iter().collect();
        let diff = findings::add(
            page,
            example,
            &compared,
            &documented,
            &mut findings,
            &mut details.warnings,
        );
        if let (Some(hint), true, true) = (
            compared.accident(details.documented.as_ref()),
            findings.is_empty(),
            is_accident,
        ) {
            let fix =
                "`<!-- standin: expect=hint -->` above the request if that is meant".to_owned();
            findings.push(Finding {
                fix: Some(fix),
                ..Finding::new(self.url_range(example), hint.clone())
            });
        }
        for name in &example.directives.any {
            if compared
                .received
                .json()
                .is_some_and(|body| !has_member(body, name))
            {
                let text = format!("`any={name}`: the response has no member `{name}`");
                details
                    .warnings
                    .push(Finding::new(self.url_range(example), text));
            }
        }
        if let (Some(span), Some(fence)) = (&example.request.unquoted, page.fence(example.fence)) {
            let text = "zsh takes an unquoted `?` for a pattern and answers `no matches found`";
            let fix = Some("put the URL in quotes".to_owned());
            details.warnings.push(Finding {
                fix,
                ..Finding::new(fence.source_range(span), text)
            });
        }
        if let (Some(drift), true) = (&details.drift, findings.is_empty()) {
            details
                .warnings
                .push(Finding::new(self.url_range(example), drift.text.clone()));
        }
        let outcome = match failed(findings) {
            Some(Outcome::Failed(mut failure)) => {
                failure.differences = diff.differences;
                failure.cause = causes::likely(&Case {
                    page,
                    request: &request,
                    received: &compared.received,
                    differences: &failure.differences,
                    is_filtered: example.request.printed.is_filtered(),
                    dataset: &dataset,
                    earlier,
                });
                if matches!(later, Later::Outdated) {
                    failure.cause = Some(causes::outdated());
                    failure.first.fix = Some(causes::RESET.to_owned());
                }
                // A misspelt request is not what the page means.
                let is_typo =
                    |cause: &Cause| cause.in_request && cause.text.contains("did you mean");
                if failure.cause.as_ref().is_some_and(is_typo) {
                    failure.first.fix = None;
                }
                Outcome::Failed(failure)
            }
            Some(other) => other,
            None => {
                if let (Some(hint), false) =
                    (&compared.received.hint, example.directives.expects_hint)
                {
                    details
                        .warnings
                        .push(Finding::new(self.url_range(example), hint.clone()));
                }
                let note = if compared.uncompared.is_some() {
                    details.uncompared = compared.uncompared;
                    details.documented = None;
                    "the status is as documented; the body was not compared"
                } else if after_writes {
                    "as documented, after the writes above it on the page"
                } else if !compared.accepted.is_empty() {
                    "as documented, except for values that cannot be documented"
                } else if details.truncated {
                    "as documented; the page says that only a part is shown"
                } else if response.plain.is_some() && compared.received.json().is_some() {
                    details.uncompared = Some("not JSON");
                    "the status is as documented; the documented body is not JSON and was not compared"
                } else if details.documented.is_some() {
                    "as documented"
                } else if example.no_body {
                    "the status is as documented; the page says that there is no body"
                } else {
                    "the status is as documented; the page shows no response"
                };
                Outcome::Passed(note.to_owned())
            }
        };
        let saved = self.save(example, &compared.received);
        details.accepted = compared.accepted;
        details.received = Some(compared.received);
        if let Later::Differs(received) = later {
            details.after_writes = Some(received);
        }
        saved.map(|()| outcome)
    }

    /// Takes the last write back if it is the same one, for another client.
    fn take_back(&mut self, fixture: usize, request: &Request) {
        let is_same = |(of, write): &(usize, Request)| {
            *of == fixture && write.method == request.method && write.target == request.target
        };
        if self.writes.last().is_some_and(is_same) {
            self.writes.pop();
            self.fixtures[fixture].restart();
        }
    }

    /// Puts the writes of another page before those of this one.
    fn run_writes_of(&mut self, other: &Page) {
        let hosts = target_hosts(other, self.context.options);
        for example in examples::find(other)
            .into_iter()
            .filter(|example| !example.directives.skip)
        {
            if let Sendable::Request(request) = sendable(other, &example, &hosts, &[])
                && request.writes()
                && let Ok(fixture) = self.fixture(&example)
            {
                self.writes.push((fixture, request));
            }
        }
    }

    /// Saves the values that the directives below an example name.
    fn save(&mut self, example: &Example, received: &Received) -> Result<(), Outcome> {
        for (name, path) in &example.directives.save {
            let steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
            let found = steps.clone().try_fold(received.json(), |value, step| {
                let value = value?;
                Some(
                    step.parse()
                        .ok()
                        .and_then(|index: usize| value.get(index))
                        .or_else(|| value.get(step)),
                )
            });
            match found.flatten() {
                Some(Value::String(text)) => self.saved.push((name.clone(), text.clone())),
                Some(value) => self.saved.push((name.clone(), value.to_string())),
                None => {
                    return Err(Outcome::Error(format!(
                        "the response has no `{path}` to save as `{name}`"
                    )));
                }
            }
        }
        Ok(())
    }

    fn url_range(&self, example: &Example) -> Range<usize> {
        match (self.page.fence(example.fence), &example.request.written) {
            (Some(fence), Some(written)) => fence.source_range(&written.url_span),
            _ => 0..0,
        }
    }

    /// The index of the fixture for an example's data file.
    fn fixture(&mut self, example: &Example) -> Result<usize, ServiceError> {
        let page = self.page;
        let found = match &example.directives.data {
            Some(named) => self.datasets.named(&page.path, named),
            None => self
                .datasets
                .find(&page.path, page.front.database.as_deref()),
        };
        let dataset = match found {
            // A real service has its own data; ours is only for explanations.
            Err(_) if self.context.options.server.is_some() => self.datasets.empty(),
            Err(error) => {
                if matches!(*error, DatasetError::Syntax { .. }) {
                    self.broken.get_or_insert(error.to_string());
                }
                return Err(error.into());
            }
            Ok(found) => found,
        };
        if let Some(at) = self
            .fixtures
            .iter()
            .position(|fixture| Arc::ptr_eq(&fixture.dataset, &dataset))
        {
            return Ok(at);
        }
        let pristine = match &self.context.options.server {
            Some(_) => None,
            None => match (self.context.open)(&dataset.data, dataset.rules.as_ref()) {
                Ok(service) => Some(service),
                Err(error) => {
                    self.broken.get_or_insert(error.to_string());
                    return Err(error);
                }
            },
        };
        self.fixtures.push(Fixture {
            dataset,
            pristine,
            running: None,
            applied: 0,
            base: 0,
        });
        Ok(self.fixtures.len() - 1)
    }

    /// Sends a request to the service that the reset mode selects.
    ///
    /// By default that is one with fresh data, and if its response is not as documented, one that has seen the writes
    /// above: a page is right if it is right for readers who run only this example, or for those who run all of them. Where
    /// an earlier example shows that the page means the latter, what a read shows must be true after the writes.
    fn responses(
        &mut self,
        fixture: usize,
        request: &Request,
        reset: bool,
        documented: &Documented<'_>,
    ) -> Result<(Compared, Later), ServiceError> {
        // A real service cannot be reset.
        let mode = match self.context.options.reset {
            _ if self.context.options.server.is_some() => Reset::Never,
            // A saved value is from a write above.
            Reset::Auto if self.saves => Reset::Page,
            reset => reset,
        };
        if matches!(mode, Reset::Page | Reset::Never) {
            if reset && mode == Reset::Page {
                let fixture = &mut self.fixtures[fixture];
                fixture.base = self.writes.len();
                fixture.restart();
            }
            return Ok((
                documented.compare(self.in_sequence(fixture, request)?),
                Later::NotSent,
            ));
        }
        let fresh = documented.compare(self.on_fresh_data(fixture, request)?);
        let is_right = fresh.is_as_documented();
        // "`200 OK` or `404 Not Found`": the record may be one that the page creates.
        let is_usual = |status: &u16| *status < 400;
        let is_alternative = is_right
            && !fresh.received.is_success()
            && documented.expected.statuses.first().is_some_and(is_usual);
        let shows_data = documented.body.is_some() && !request.target.starts_with("/-/");
        // A record that is to be missing may be one that the page creates.
        let expects_failure = documented.expected.source != StatusSource::Method
            && !documented.expected.statuses.iter().any(is_usual);
        let is_read_again =
            self.is_sequence && (shows_data || expects_failure) && !request.writes();
        let in_doubt = !is_right || is_alternative || is_read_again;
        if mode == Reset::Example || reset || self.writes.is_empty() || !in_doubt {
            return Ok((fresh, Later::NotSent));
        }
        let later = documented.compare(self.in_sequence(fixture, request)?);
        if is_alternative {
            return Ok(
                match (later.received.is_success(), later.is_as_documented()) {
                    (false, _) => (fresh, Later::NotSent),
                    (true, true) => (later, Later::Matched),
                    (true, false) => (later, Later::NotSent),
                },
            );
        }
        if is_right {
            let contradicts =
                (fresh.received.is_success() || expects_failure) && later.received.is_success();
            return Ok(match later.is_as_documented() || !contradicts {
                true => (fresh, Later::NotSent),
                false => (later, Later::Outdated),
            });
        }
        if later.is_as_documented() {
            return Ok((later, Later::Matched));
        }
        // The response closer to the page is the one to report.
        let succeeds = documented
            .expected
            .statuses
            .iter()
            .any(|status| *status < 400);
        let distance = |compared: &Compared| {
            let other_kind = succeeds && !compared.received.is_success();
            let differences = compared.diff.differences.len();
            (
                !compared.status_ok,
                !compared.status_ok && other_kind,
                differences,
            )
        };
        let after_writes = later.received.clone();
        let closer = if distance(&later) < distance(&fresh) {
            later
        } else {
            fresh
        };
        Ok((closer, Later::Differs(after_writes)))
    }

    fn on_fresh_data(
        &mut self,
        fixture: usize,
        request: &Request,
    ) -> Result<Received, ServiceError> {
        let fixture = &mut self.fixtures[fixture];
        let open = || (self.context.open)(&fixture.dataset.data, fixture.dataset.rules.as_ref());
        let response = if request.writes() {
            open()?(request)?
        } else {
            let service = match &mut fixture.pristine {
                Some(service) => service,
                none => none.insert(open()?),
            };
            service(request)?
        };
        Ok(response.into())
    }

    /// Sends the writes above that the running service has not seen, then the request.
    fn in_sequence(&mut self, index: usize, request: &Request) -> Result<Received, ServiceError> {
        let fixture = &mut self.fixtures[index];
        let service = match &mut fixture.running {
            Some(service) => service,
            none => none.insert((self.context.open)(
                &fixture.dataset.data,
                fixture.dataset.rules.as_ref(),
            )?),
        };
        for (_, write) in self.writes[fixture.applied..]
            .iter()
            .filter(|(of, _)| *of == index)
        {
            service(write)?;
        }
        let response = service(request)?;
        // The request itself is added to `writes` by the caller.
        fixture.applied = self.writes.len() + usize::from(request.writes());
        Ok(response.into())
    }
}

/// The response after the writes above an example.
enum Later {
    NotSent,
    /// It is as documented.
    Matched,
    /// It is not, but that of fresh data is: the page forgets its own writes.
    Outdated,
    /// It is not, either.
    Differs(Received),
}

/// A failure with these findings, if there are any.
fn failed(findings: Vec<Finding>) -> Option<Outcome> {
    let mut findings = findings.into_iter();
    let first = findings.next()?;
    let failure = Failure {
        first,
        more: findings.collect(),
        differences: Vec::new(),
        cause: None,
    };
    Some(Outcome::Failed(Box::new(failure)))
}
