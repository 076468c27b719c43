//! Runs the examples of a page.

use std::path::Path;

use serde_json::Value;

use super::causes::{self, Case};
use super::datasets::{Dataset, Datasets};
use super::documented::{self, Compared, Confidence, Documented, OtherDifference};
use super::documented_response::{self, DocumentedResponse, Shown};
use super::documented_status;
use super::example::Example;
use super::examples;
use super::failures::Around;
use super::findings;
use super::generated::Generated;
use super::labels;
use super::node::Node;
use super::options::{Fix, Options};
use super::outcome::{Cause, Details, Drift, ExampleResult, Failure, Finding, Outcome, PageResult};
use super::own_routes;
use super::page::{Block, Page};
use super::page_mistakes::{self, not_an_example};
use super::prefix;
use super::sendable::{Sendable, sendable, target_hosts};
use super::service::{Opener, Received, Request};
use super::session::{Later, Session};
use super::status::{Expected, StatusSource};
use super::status_text;
use super::tables;
use super::unmet::Unmet;
use super::url::{self, TargetHosts};

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
    let is_saved = |example: &Example| !example.directives.save.is_empty();
    let saves = examples.iter().any(is_saved);
    let session = |options, open| {
        let mut session = Session::new(options, open, datasets, &page);
        session.is_sequence = are_steps(&page, &examples);
        session.saves = saves;
        session
    };
    let mut hosts = target_hosts(&page, context.options);
    let database = page.front.database.as_deref();
    let data = || datasets.find(&page.path, database).ok();
    let detected_prefix = match (&hosts.prefix, &context.options.server) {
        (None, None) => data().and_then(|data| prefix::of_page(&examples, &data.resources())),
        _ => None,
    };
    hosts.prefix = hosts.prefix.or_else(|| detected_prefix.clone());
    let mock_options = Options {
        server: None,
        ..context.options.clone()
    };
    let mut runner = Runner {
        options: context.options,
        page: &page,
        hosts,
        session: session(context.options, context.open),
        // Saved ids of the real service do not exist in ours.
        mock: context
            .mock
            .filter(|_| !saves)
            .map(|open| session(&mock_options, open)),
        saved: Vec::new(),
    };
    let mut results = runner.run_pages_before();
    for example in examples {
        let result = runner.example(example, &results);
        results.push(result);
    }
    let used = runner.session.first_dataset();
    let broken = runner.session.broken;
    results.extend(page_mistakes::of_page(&page, &results));
    // Tables can be checked without a runnable example.
    let is_table = |block: &Block| matches!(block, Block::Table(_));
    let relevant = !results.is_empty() || page.blocks.iter().any(is_table);
    let dataset = used.or_else(data);
    let dataset = dataset.filter(|_| relevant && !context.options.list);
    let tables = tables::check(&page, &results, dataset.as_deref());
    PageResult {
        page,
        examples: results,
        tables,
        dataset,
        detected_prefix,
        broken,
        unread: false,
    }
}

/// Whether examples of a page are in the sections of different numbered steps.
fn are_steps(page: &Page, examples: &[Example]) -> bool {
    let step = |example: &Example| {
        let mut headings = page.headings_above(example.fence);
        let heading = headings.find(|heading| labels::is_step(&heading.text));
        let label = || {
            let above = page.blocks.get(example.fence.checked_sub(1)?)?;
            let text = above.prose().filter(|prose| labels::is_step(&prose.text))?;
            Some(text.range.start)
        };
        heading.map(|heading| heading.range.start).or_else(label)
    };
    let mut steps = examples.iter().filter_map(step);
    let first = steps.next();
    // A session in a terminal, with its output.
    let goes_on = |pair: &[Example]| {
        pair[0].fence == pair[1].fence
            && (pair[0].request.writes() || pair[0].method() == "DELETE")
            && pair.iter().all(|example| example.request.output.is_some())
    };
    steps.any(|other| Some(other) != first) || examples.windows(2).any(goes_on)
}

/// The result of a page that cannot be read.
pub fn unread(path: &Path, error: &dyn std::fmt::Display) -> PageResult {
    let page = Page::parse(path, String::new());
    let error = not_an_example(&page, 0..0, error.to_string());
    PageResult {
        page,
        examples: vec![error],
        tables: Vec::new(),
        dataset: None,
        detected_prefix: None,
        broken: None,
        unread: true,
    }
}

struct Runner<'a> {
    options: &'a Options,
    page: &'a Page,
    hosts: TargetHosts,
    session: Session<'a>,
    /// With `--server`, runs the same requests on our own server.
    mock: Option<Session<'a>>,
    /// The saved values by name.
    saved: Vec<(String, String)>,
}

impl Runner<'_> {
    fn example(&mut self, example: Example, earlier: &[ExampleResult]) -> ExampleResult {
        let mut details = Details {
            target: self.as_written(&example),
            ..Details::default()
        };
        // Both variants are the outcome; `Err` is one that ended the run early.
        let (Ok(outcome) | Err(outcome)) = self.run(&example, earlier, &mut details);
        let block = self.page.blocks.get(example.fence);
        ExampleResult {
            example,
            range: block.map_or(0..0, Block::range),
            outcome,
            details,
        }
    }

    /// The target of a request as the page writes it.
    fn as_written(&self, example: &Example) -> String {
        if let Some(written) = &example.request.written {
            return written.request.target.clone();
        }
        let fence = self.page.fence(example.fence);
        let command = fence.and_then(|fence| fence.content.get(example.request.span.clone()));
        let line = command.and_then(|command| command.lines().next());
        line.unwrap_or_default().to_owned()
    }

    /// What an example asks and what it documents, or why it is not sent.
    fn prepared(&self, example: &Example, details: &mut Details) -> Result<Prepared, Outcome> {
        let (page, options) = (self.page, self.options);
        if page.front.skip {
            return Err(skipped("the front matter says so"));
        }
        if example.directives.skip {
            return Err(skipped("a comment says so"));
        }
        let request = match sendable(page, example, &self.hosts, &self.saved) {
            Sendable::Request(request) => Ok(request),
            Sendable::Wrong(findings) => Err(findings),
            Sendable::Skip(reason) => return Err(Outcome::Skipped(reason)),
        };
        let (mut response, mut syntax_error) = documented_response::response(page, example);
        let confidence = Confidence::of(page, example, response.form);
        if confidence == Confidence::Doubtful {
            // A block that may not be the response need not be JSON.
            let unread = syntax_error.take().is_some() | response.missing.take().is_some();
            details.uncompared = unread.then_some(documented::NOT_SURE);
        }
        details.unparsed = syntax_error.is_some();
        details.form = response.form;
        details.truncated = response.truncated || !response.left_out.is_empty();
        details.documented = response.body.clone();
        let body = response.body.as_ref();
        let expected = documented_status::expected(page, example, response.status.clone(), body);
        details.expected = Some(expected.clone());
        let wrong =
            |findings| failed(findings).map_or_else(|| error("no request"), Outcome::Failed);
        let request = request.map_err(wrong)?;
        details.target = request.target.clone();
        let is_root = request.target.split('?').next() == Some("/");
        if is_root && options.server.is_none() && body.is_none() {
            let reason = "`/` is a page of the server itself, not of the data";
            return Err(skipped(reason));
        }
        if options.list {
            return Err(skipped(LISTED));
        }
        Ok(Prepared {
            request,
            response,
            syntax_error,
            confidence,
            expected,
        })
    }

    fn run(
        &mut self,
        example: &Example,
        earlier: &[ExampleResult],
        details: &mut Details,
    ) -> Result<Outcome, Outcome> {
        let page = self.page;
        let prepared = self.prepared(example, details)?;
        let (request, response) = (&prepared.request, &prepared.response);
        let fixture = self.session.fixture(example).map_err(error)?;
        self.may_send(example, fixture, request)?;
        let dataset = self.session.dataset(fixture);
        let documented = Documented {
            expected: &prepared.expected,
            response,
            confidence: prepared.confidence,
            generated: Generated::new(
                &dataset,
                self.options.server.is_none(),
                request,
                self.session.writes(),
            ),
            around: Around { page, example },
        };
        let (mut compared, later) = self
            .session
            .responses(fixture, request, example.directives.reset, &documented)
            .map_err(error)?;
        details.drift = self.drift(example, request, &documented, &compared)?;
        self.session.data_includes_writes |=
            documents_existing_id(request, &dataset, response.body.as_ref());
        if self.options.fix == Some(Fix::Missing)
            && example.response.is_none()
            && matches!(later, Later::NotSent)
        {
            details.after_writes = self.session.after_writes(fixture, request).map_err(error)?;
        }
        self.session.remember(fixture, request);
        self.session.write_above = request.writes().then_some(example.fence);
        let is_kept = !example.is_mention && !example.is_sent_empty && !example.is_variant;
        if request.writes() && !is_kept {
            self.session.forget_last(fixture);
        }
        if !compared.differs() {
            compared.other = contradiction(&documented, &compared.received, &dataset)?;
        } else if prepared.syntax_error.is_none() {
            let unmet = Unmet {
                page,
                example,
                request,
                expected: &prepared.expected,
                compared: &compared,
                dataset: &dataset,
                hosts: &self.hosts,
                earlier,
            };
            if let Some(reason) = unmet.reason() {
                details.without_effect = reason.without_effect;
                if reason.without_effect && request.writes() && is_kept {
                    self.session.forget_last(fixture);
                }
                return Err(Outcome::Skipped(reason.text));
            }
        }
        if matches!(later, Later::Matched) {
            self.session.sequence = page.section(example.fence);
        }
        let outcome = outcome(
            &prepared,
            &documented,
            &compared,
            &later,
            &dataset,
            earlier,
            details,
        );
        let saved = self.save(example, &compared.received);
        details.accepted = compared.accepted;
        details.received = Some(compared.received);
        if let Later::Differs(received) = later {
            details.after_writes = Some(received);
        }
        saved.map(|()| outcome)
    }

    /// Whether a write may be sent: not to a real service without permission, and not twice.
    fn may_send(
        &mut self,
        example: &Example,
        fixture: usize,
        request: &Request,
    ) -> Result<(), Outcome> {
        if !request.writes() {
            return Ok(());
        }
        let is_real = self.options.server.is_some();
        if is_real && example.is_sent_empty {
            return Err(skipped("an endpoint without a request body"));
        }
        if is_real && example.is_mention {
            return Err(skipped(
                "only mentioned, so it is not sent to a real service",
            ));
        }
        if is_real && !self.options.allow_writes {
            if let Some(mock) = &mut self.mock
                && let Ok(own) = mock.fixture(example)
            {
                mock.remember(own, request);
            }
            let reason = "it writes to a real service (--allow-writes sends it)";
            return Err(skipped(reason));
        }
        if example.is_repeated {
            if is_real || self.session.saves {
                return Err(skipped("the same request as above, for another client"));
            }
            self.session.take_back(fixture, request);
        }
        Ok(())
    }

    /// With `--server`, how the page, our server and the real service differ.
    fn drift(
        &mut self,
        example: &Example,
        request: &Request,
        documented: &Documented<'_>,
        compared: &Compared,
    ) -> Result<Option<Drift>, Outcome> {
        let reset = example.directives.reset;
        let Some(mock) = &mut self.mock else {
            return Ok(None);
        };
        let Ok(own) = mock.fixture(example) else {
            return Ok(None);
        };
        let Ok((answer, later)) = mock.responses(own, request, reset, documented) else {
            return Ok(None);
        };
        mock.remember(own, request);
        let needs_writes = !request.writes() && matches!(later, Later::Matched);
        if needs_writes && !self.options.allow_writes && !compared.is_as_documented() {
            let reason = "it needs the writes above it, which are not sent to a real service";
            return Err(skipped(reason));
        }
        Ok(documented::drift(compared, &answer))
    }

    /// Puts the writes of the pages that `after=` names before those of this one. Pages that cannot be read are errors.
    fn run_pages_before(&mut self) -> Vec<ExampleResult> {
        let mut errors = Vec::new();
        if self.options.server.is_some() {
            return errors;
        }
        let page = self.page;
        for directive in page.blocks.iter().filter_map(Block::directive) {
            let Some(name) = directive.value("after") else {
                continue;
            };
            let path = page.path.with_file_name(name);
            match std::fs::read_to_string(&path) {
                Ok(text) => self.run_writes_of(&Page::parse(&path, text)),
                Err(error) => {
                    let error = format!("cannot read {}: {error}", path.display());
                    errors.push(not_an_example(page, directive.range.clone(), error));
                }
            }
        }
        errors
    }

    /// Puts the writes of another page before those of this one.
    fn run_writes_of(&mut self, other: &Page) {
        let hosts = TargetHosts {
            prefix: self.hosts.prefix.clone(),
            ..target_hosts(other, self.options)
        };
        let is_run = |example: &Example| {
            !example.directives.skip && !example.is_mention && !example.is_sent_empty
        };
        for example in examples::find(other).into_iter().filter(is_run) {
            if let Sendable::Request(request) = sendable(other, &example, &hosts, &[])
                && let Ok(fixture) = self.session.fixture(&example)
            {
                self.session.remember(fixture, &request);
            }
        }
    }

    /// Saves the values that the directives below an example name.
    fn save(&mut self, example: &Example, received: &Received) -> Result<(), Outcome> {
        for (name, path) in &example.directives.save {
            let mut steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
            let found = received.json().and_then(|body| {
                steps.try_fold(body, |value, step| {
                    let item = step.parse().ok().and_then(|at: usize| value.get(at));
                    item.or_else(|| value.get(step))
                })
            });
            let missing = || error(format!("the response has no `{path}` to save as `{name}`"));
            let text = match found.ok_or_else(missing)? {
                Value::String(text) => text.clone(),
                value => value.to_string(),
            };
            self.saved.push((name.clone(), text));
        }
        Ok(())
    }
}

/// The difference that the text says that a request fails, and it succeeds. Where no rule could refuse the request, the
/// example is skipped.
fn contradiction(
    documented: &Documented<'_>,
    received: &Received,
    dataset: &Dataset,
) -> Result<Option<OtherDifference>, Outcome> {
    let (expected, around) = (documented.expected, &documented.around);
    let is_stated = expected.source != StatusSource::Method
        && !expected.statuses.ends_with(status_text::ANY_ERROR);
    if is_stated || !around.contradicts(received) {
        return Ok(None);
    }
    if !around.is_about_values() {
        let reason =
            "the text says that the request fails, which the data and the rules cannot cause";
        return Err(skipped(reason));
    }
    let text = format!(
        "the text says that the request fails, the server returns {}: no rule in {} refuses it",
        received.status,
        dataset.rules_name()
    );
    Ok(Some(OtherDifference { place: None, text }))
}

/// What to do about a failure with a likely cause.
fn fix(failure: &mut Failure, later: &Later) -> Option<String> {
    if matches!(later, Later::Outdated) {
        failure.cause = Some(causes::outdated());
        return Some(causes::RESET.to_owned());
    }
    // A mistake in the request is not what the page means.
    let is_mistake = |cause: &Cause| cause.in_request;
    let fix = failure.first.fix.take();
    fix.filter(|_| !failure.cause.as_ref().is_some_and(is_mistake))
}

/// Whether the page shows words, and the server returns JSON.
fn is_plain_for_json(
    example: &Example,
    response: &DocumentedResponse,
    compared: &Compared,
) -> bool {
    let is_read = |plain: &Shown| example.request.printed.is_listing(&plain.text);
    let plain = response.plain.as_ref().filter(|plain| !is_read(plain));
    plain.is_some() && compared.received.json().is_some()
}

/// What was compared of an example that is as documented.
fn note(documented: &Documented<'_>, compared: &Compared, later: &Later) -> &'static str {
    let (example, response) = (documented.around.example, documented.response);
    if compared.uncompared.is_some() {
        "the status is as documented; the body was not compared"
    } else if matches!(later, Later::Matched) {
        "as documented, after the writes above it on the page"
    } else if !compared.accepted.is_empty() {
        "as documented, except for values that cannot be documented"
    } else if response.truncated || !response.left_out.is_empty() {
        "as documented; the page says that only a part is shown"
    } else if is_plain_for_json(example, response, compared) {
        "the status is as documented; the documented body is not JSON and was not compared"
    } else if response.body.is_some() || response.plain.is_some() {
        "as documented"
    } else if example.no_body {
        "the status is as documented; the page says that there is no body"
    } else if example.is_sent_empty {
        "the status is as documented; the page shows no request body, so an empty object was sent"
    } else {
        "the status is as documented; the page shows no response"
    }
}

/// What an example asks and what it documents.
struct Prepared {
    request: Request,
    response: DocumentedResponse,
    /// Why the response is not JSON.
    syntax_error: Option<Finding>,
    confidence: Confidence,
    expected: Expected,
}

/// Whether an example passes, with its findings, their cause, and warnings.
fn outcome(
    prepared: &Prepared,
    documented: &Documented<'_>,
    compared: &Compared,
    later: &Later,
    dataset: &Dataset,
    earlier: &[ExampleResult],
    details: &mut Details,
) -> Outcome {
    let Around { page, example } = documented.around;
    let response = &prepared.response;
    let is_meant = || {
        example.directives.expects_hint
            || says_empty(page, example.fence)
            || own_routes::has_other_parameter(page, example, &prepared.request, dataset)
    };
    let hint = compared.suspicious_hint(response.body.as_ref());
    let suspicious_hint = hint.filter(|_| !is_meant());
    let syntax = prepared.syntax_error.iter().chain(&response.missing);
    let mut findings: Vec<Finding> = syntax.cloned().collect();
    let diff = findings::add(
        page,
        example,
        compared,
        documented,
        &mut findings,
        &mut details.warnings,
    );
    if let (Some(hint), true) = (suspicious_hint, findings.is_empty()) {
        let fix = "`<!-- standin: expect=hint -->` above the request if that is meant";
        findings.push(Finding {
            fix: Some(fix.to_owned()),
            ..Finding::new(example.url_range(page), hint.clone())
        });
    }
    findings::warn(page, example, &compared.received, &mut details.warnings);
    if let (Some(drift), true) = (&details.drift, findings.is_empty()) {
        let finding = Finding::new(example.url_range(page), drift.text.clone());
        details.warnings.push(finding);
    }
    let Some(mut failure) = failed(findings) else {
        let hint = compared.received.hint.clone();
        let hint = hint.or_else(|| causes::unknown_field(&prepared.request, dataset));
        details.hint = hint.filter(|_| !example.directives.expects_hint);
        if let Some(hint) = &details.hint {
            let warning = Finding::new(example.url_range(page), hint.clone());
            details.warnings.push(warning);
        }
        if compared.uncompared.is_some() {
            details.uncompared = compared.uncompared;
            details.documented = None;
        } else if is_plain_for_json(example, response, compared) {
            details.uncompared = Some("not JSON");
        }
        return Outcome::Passed(note(documented, compared, later).to_owned());
    };
    failure.differences = diff.differences;
    let case = Case {
        page,
        request: &prepared.request,
        received: &compared.received,
        expected: documented.expected,
        differences: &failure.differences,
        is_filtered: example.request.printed.is_filtered(),
        dataset,
        earlier,
    };
    failure.cause = causes::likely(&case);
    failure.first.fix = fix(&mut failure, later);
    Outcome::Failed(failure)
}

/// Whether the text above a request says that it finds nothing: "A field that does not exist gives an empty list:".
fn says_empty(page: &Page, at: usize) -> bool {
    let above = at.checked_sub(1).map(|above| &page.blocks[above]);
    matches!(above, Some(Block::Prose(prose)) if labels::has_word(&prose.text, "empty leere vide vacía vazia vuota"))
}

/// Whether a POST is documented to create a record with an id that is in the data.
fn documents_existing_id(request: &Request, dataset: &Dataset, body: Option<&Node>) -> bool {
    let body = body.map(Node::to_value);
    let id = body.as_ref().and_then(|body| body.get("id"));
    let segments = url::segments(&request.target);
    let records = segments.first().and_then(|name| dataset.records(name));
    let mut records = records.into_iter().flatten();
    request.method == "POST" && id.is_some() && records.any(|record| record.get("id") == id)
}

fn skipped(reason: &str) -> Outcome {
    Outcome::Skipped(reason.to_owned())
}

fn error(error: impl std::fmt::Display) -> Outcome {
    Outcome::Error(error.to_string())
}

/// A failure with these findings, if there are any.
fn failed(findings: Vec<Finding>) -> Option<Box<Failure>> {
    let mut findings = findings.into_iter();
    Some(Box::new(Failure {
        first: findings.next()?,
        more: findings.collect(),
        differences: Vec::new(),
        cause: None,
    }))
}
