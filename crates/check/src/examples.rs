//! Finds the examples of a page: requests and the responses documented for them.

use std::ops::Range;

use serde_json::{Map, Value};

use super::addresses;
use super::candidates::{self, Candidate};
use super::clients;
use super::directive::Directives;
use super::endpoints;
use super::found::{FoundRequest, Problem};
use super::http_message::{self, METHODS};
use super::labels;
use super::lenient_json;
use super::node::{Item, Kind};
use super::other_requests;
use super::page::{Block, Page};
use super::pairing::{self, Paired};
use super::parts::Print;
use super::printed::{self, Printed};
use super::programs;
use super::repeats::Repeats;
use super::requests;
use super::sample_calls;
use super::text::line_start;
use super::url;
use super::variables;

/// A request of a page with what is documented for it.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// The block of the request, as an index into the page's blocks.
    pub fence: usize,
    /// The request.
    pub request: FoundRequest,
    /// The block with the body of a request that names none itself.
    pub body: Option<usize>,
    /// Whether nothing says that this is what is sent.
    pub is_body_assumed: bool,
    /// Whether an empty object is sent, since the page shows no body.
    pub is_sent_empty: bool,
    /// The documented response.
    pub response: Option<ResponseBlock>,
    /// Whether the page says that there is no response body.
    pub no_body: bool,
    /// Blocks below the request that look like responses, but are not the one to it.
    pub unpaired: Vec<usize>,
    /// The block at which the example ends: the next request, or the end of the page.
    pub end: usize,
    /// The directives above the request.
    pub directives: Directives,
    /// The index of the front matter's `testable` entry for this example.
    pub testable: Option<usize>,
    /// The block that describes the endpoint of which this is a sample call.
    pub described_at: Option<usize>,
    /// Where the same request for another client ends that is below it in its block and shows the response to both.
    pub shares_with: Option<usize>,
    /// Whether this is the request of the example above, for another client: what it writes is written once.
    pub is_repeated: bool,
    /// Whether it creates for a program what a request further up creates: it is sent, and then taken back.
    pub is_variant: bool,
    /// Whether the page only mentions it, within a sentence or in a list of endpoints: it is sent, and nothing is known of
    /// its response.
    pub is_mention: bool,
}

/// A documented response: a code block, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseBlock {
    /// The block, as an index into the page's blocks.
    pub fence: usize,
    /// The range in the block's content.
    pub range: Range<usize>,
    /// Whether the page may mean the body of the request.
    pub doubtful: bool,
    /// The block above it that shows its status, and where.
    pub head: Option<(usize, Range<usize>)>,
}

impl Example {
    /// The page range of the request.
    pub fn request_range(&self, page: &Page) -> Range<usize> {
        page.fence(self.fence)
            .map_or(0..0, |fence| fence.source_range(&self.request.span))
    }

    /// The range of its URL in the page, if it has one.
    pub fn url_range(&self, page: &Page) -> Range<usize> {
        match (page.fence(self.fence), &self.request.written) {
            (Some(fence), Some(written)) => fence.source_range(&written.url_span),
            _ => 0..0,
        }
    }

    /// The line of the request.
    pub fn request_line(&self, page: &Page) -> usize {
        page.line(self.request_range(page).start)
    }

    /// Gives an endpoint whose body and response the page does not show an empty object: it tells whether the path and the
    /// status are right.
    fn send_empty(&mut self, page: &Page) {
        let is_endpoint = matches!(self.request.problem, Some(Problem::NoBody));
        let shown = self.response.as_ref();
        let shown =
            shown.and_then(|shown| Some(&page.fence(shown.fence)?.content[shown.range.clone()]));
        // JSON that cannot be read may be the body.
        let mut below = (self.fence + 1..self.end).filter_map(|at| page.fence(at));
        let shows_json = shown.is_some_and(|text| text.contains(['{', '[']))
            || below.any(|fence| fence.content.trim_start().starts_with(['{', '[']));
        if is_endpoint && !shows_json && !self.request.has_placeholder_in_path() {
            self.request.add_body("{}");
            self.is_sent_empty = true;
        }
    }

    /// Whether the page surely shows what it returns or a part of it, or it is not part of a program.
    pub fn is_shown(&self) -> bool {
        let is_sure = |response: &ResponseBlock| !response.doubtful;
        self.request.program().is_none()
            || self.no_body
            || !self.request.claims.is_empty()
            || self.response.as_ref().is_some_and(is_sure)
    }

    /// Whether its response has no body.
    fn is_of_headers(&self) -> bool {
        matches!(self.method(), "HEAD" | "OPTIONS")
    }

    /// The method that the server carries out; empty if the command could not be parsed.
    pub fn method(&self) -> &str {
        let Some(written) = &self.request.written else {
            return "";
        };
        let request = &written.request;
        let overridden = request.header("x-http-method-override");
        let known = |name: &&str| METHODS.contains(name) && request.method == "POST";
        overridden.filter(known).unwrap_or(&request.method)
    }
}

/// Finds the examples of a page in reading order.
pub fn find(page: &Page) -> Vec<Example> {
    let Found {
        mut requests,
        mentions,
    } = requests_of(page);
    let repeats = Repeats::find(page, &mut requests);
    let mut finder = Finder {
        page,
        repeats,
        examples: Vec::new(),
        taken: Vec::new(),
    };
    for (at, found) in requests {
        finder.add(at, found);
    }
    let Finder {
        mut examples,
        taken,
        ..
    } = finder;
    for example in &mut examples {
        example.unpaired.retain(|block| !taken.contains(block));
    }
    mark_variants(&mut examples);
    pair_programs(page, &mut examples);
    for (at, mut found) in mentions {
        found.retain(|found| !found.has_placeholder_in_path() && has_values(found));
        let mention = |request| Example {
            fence: at,
            end: at + 1,
            directives: page.directives(at, at + 1),
            request,
            is_mention: true,
            ..Example::default()
        };
        examples.extend(found.into_iter().map(mention));
    }
    examples.sort_by_key(|example| example.fence);
    examples
}

/// Whether the parameters of a request have values, and not words for them.
fn has_values(found: &FoundRequest) -> bool {
    let target = found.written.as_ref().map(|own| &*own.request.target);
    target.is_none_or(|target| !target.contains('?') || addresses::has_values(target))
}

/// The requests of a page by their blocks.
struct Found {
    requests: Vec<(usize, Vec<FoundRequest>)>,
    /// The requests that are only mentioned.
    mentions: Vec<(usize, Vec<FoundRequest>)>,
}

fn requests_of(page: &Page) -> Found {
    let mut variables = Vec::new();
    let mut commanded: Vec<String> = Vec::new();
    let in_block = |at: usize| {
        let fence = page.fence(at)?;
        let mut found = requests::find(fence, clients::find);
        variables.extend(variables::variables(fence));
        commanded.extend(variables::commanded_variables(fence));
        for request in &mut found {
            request.set(&variables);
            request.check_variable(&variables);
            request.skip_if_unknown(&commanded);
        }
        if found.is_empty() {
            found.extend(endpoints::bare_url(page, at));
        }
        if found.is_empty() {
            found = addresses::in_block(&page.blocks, at);
        }
        endpoints::add_query(page, at, &mut found);
        (!found.is_empty()).then_some((at, found))
    };
    let is_mention = |(at, _): &(usize, _)| page.fence(*at).is_some_and(|fence| fence.is_mention);
    let (mut mentions, mut requests): (Vec<_>, Vec<_>) = (0..page.blocks.len())
        .filter(|at| !matches!(page.declared_role(*at), Some("none" | "response")))
        .filter_map(in_block)
        .partition(is_mention);
    mentions.extend(endpoints::remove_named(page, &mut requests));
    Found { requests, mentions }
}

/// Collects the examples of a page.
struct Finder<'a> {
    page: &'a Page,
    repeats: Repeats,
    examples: Vec<Example>,
    /// The blocks that are responses.
    taken: Vec<usize>,
}

impl Finder<'_> {
    /// Adds the examples of a block with requests.
    fn add(&mut self, at: usize, found: Vec<FoundRequest>) {
        let page = self.page;
        let mut starts = self.repeats.starts.iter().copied();
        let end = starts.find(|next| *next > at);
        let end = end.unwrap_or(page.blocks.len());
        let count = found.len();
        let content = page.fence(at).map_or("", |fence| &fence.content);
        let shared = shared_with_next(content, &found);
        for (index, request) in found.into_iter().enumerate() {
            let mut example = Example {
                fence: at,
                end,
                directives: page.directives(at, end),
                request,
                ..Example::default()
            };
            if let Some(Shared { end, output }) = &shared[index] {
                example.shares_with = Some(*end);
                example.request.output.clone_from(output);
            }
            example.is_repeated = index > 0 && shared[index - 1].is_some();
            if let Some(Problem::BodyFile(file)) = &example.request.problem
                && let Some(body) = pairing::file(page, at, end, file)
            {
                example.request.add_body(&body);
            }
            if example.request.problem.is_none() && pairing::is_of_old_version(page, at) {
                let reason = "the heading or label above it refers to another version";
                example.request.problem = Some(Problem::Skip(reason.to_owned()));
            }
            let is_last = index + 1 == count;
            if let Some(output) = example.request.output.clone() {
                self.show_output(&mut example, output, index, is_last);
            } else if is_last {
                self.find_body(&mut example);
                self.find_response(&mut example, index);
            }
            if let Some(response) = &example.response
                && response.fence > at
            {
                // Text between the request and its response is about both clients.
                for directive in page.directives_above(response.fence) {
                    example.directives.add(directive);
                }
            }
            example.send_empty(page);
            self.share_response(&mut example);
            self.take_described_response(&mut example);
            // An entry names one example: the first under its heading.
            example.testable = testable(page, at).filter(|entry| {
                let mut earlier = self.examples.iter();
                !earlier.any(|earlier| earlier.testable == Some(*entry))
            });
            self.examples.push(example);
        }
    }

    /// Takes the output that the block of a request shows, and the body below it if that is only a status.
    fn show_output(
        &mut self,
        example: &mut Example,
        output: Range<usize>,
        index: usize,
        is_last: bool,
    ) {
        let (page, at) = (self.page, example.fence);
        let shown = page
            .fence(at)
            .map_or("", |fence| &fence.content[output.clone()]);
        let is_status = example.request.program().is_some() && !shown.contains(['{', '[']);
        let (body, head) = match is_last {
            true => pairing::with_body(page, at, output.clone(), &example.request),
            false => (at, None),
        };
        if is_last && is_status && head.is_none() {
            self.find_response(example, index);
            if let Some(response) = &mut example.response {
                response.head = Some((at, output));
                return;
            }
        }
        example.response = Some(match head.is_some() && !example.is_of_headers() {
            true => ResponseBlock {
                head,
                ..ResponseBlock::whole(page, body)
            },
            false => ResponseBlock {
                fence: at,
                range: output,
                doubtful: false,
                head: None,
            },
        });
        if body != at {
            self.taken.push(body);
        }
    }

    /// Finds the body of a request that has none itself.
    fn find_body(&self, example: &mut Example) {
        let (page, at, end) = (self.page, example.fence, example.end);
        if matches!(example.request.problem, Some(Problem::NoBody)) {
            let starts = &self.repeats.starts;
            example.body = pairing::request_body(page, at, end)
                .or_else(|| pairing::body_above(page, at, starts));
            if example.body.is_none() {
                example.body = pairing::assumed_body(page, at, end);
                example.is_body_assumed = example.body.is_some();
            }
        }
        let text = example.body.and_then(|body| pairing::sent_json(page, body));
        if let Some(text) = text {
            example.request.add_body(&text);
        }
        if example.request.lacks_body() && pairing::has_request_body(page, at, end) {
            let reason = "its body is shown separately from the command";
            example.request.problem = Some(Problem::Skip(reason.to_owned()));
        }
    }

    /// Finds the response below the last request of a block, which is the request with this index there.
    fn find_response(&mut self, example: &mut Example, index: usize) {
        let (page, at) = (self.page, example.fence);
        let mut candidates = candidates::candidates(page, at, example.end, &example.request);
        candidates
            .0
            .retain(|found| example.body != Some(found.fence));
        let starts = &self.repeats.starts;
        match pairing::response_of(page, at, starts, &self.taken, &candidates, &example.request) {
            Paired::Block(fence) => {
                let of = |found: &Candidate| found.fence == fence && found.doubtful;
                let doubtful = candidates.0.iter().any(of)
                    || self.is_next_client(at)
                    || is_of_another_case(page, fence, &example.request);
                let range = ResponseBlock::whole(page, fence).range;
                let (body, head) = pairing::with_body(page, fence, range, &example.request);
                example.response = Some(ResponseBlock {
                    doubtful,
                    head,
                    ..ResponseBlock::whole(page, body)
                });
                self.taken.extend([fence, body]);
            }
            Paired::NoBody => example.no_body = true,
            Paired::Nothing => example.response = run_output(page, example),
        }
        self.send_shown_record(example);
        let blocks: Vec<usize> = candidates.0.iter().map(|found| found.fence).collect();
        let succeeds = |found: &Candidate| found.status.is_none_or(|status| status < 300);
        let whole = |block: &usize| ResponseBlock::whole(page, *block);
        let is_in_order = blocks.len() == index + 1 && candidates.0.iter().all(succeeds);
        let mut in_order: Vec<ResponseBlock> = match is_in_order {
            true => blocks.iter().map(whole).collect(),
            false => example
                .response
                .iter()
                .flat_map(|shown| shown.values(page))
                .collect(),
        };
        if index > 0 && in_order.len() == index + 1 {
            // As many responses as requests are in the order of the requests.
            example.response = in_order.pop();
            let above = self.examples.len() - index;
            for (example, response) in self.examples[above..].iter_mut().zip(in_order) {
                example.response = Some(response);
            }
            self.taken.extend(blocks);
        } else {
            let named = candidates.0.into_iter().filter(|found| !found.is_body());
            example.unpaired = named.map(|found| found.fence).collect();
        }
    }

    /// Gives a POST whose body the page does not show the members of the record that it shows as the response: a server
    /// returns what it was sent, with an id.
    fn send_shown_record(&self, example: &mut Example) {
        let is_endpoint = matches!(example.request.problem, Some(Problem::NoBody));
        let response = example.response.as_ref().filter(|shown| !shown.doubtful);
        let (Some(response), true, "POST") = (response, is_endpoint, example.method()) else {
            return;
        };
        // What is above the response may describe the body.
        let mut between = (example.fence + 1..response.fence).filter_map(|at| self.page.fence(at));
        let is_described = between.any(|fence| fence.content.trim_start().starts_with('{'));
        if !is_described && let Some(mut record) = self.shown_record(response) {
            // What has no id is sent, unless a label calls it the response.
            let has_id = record.remove("id").is_some();
            if !has_id && !pairing::is_called_response(self.page, response.fence) {
                example.body = Some(response.fence);
                example.response = None;
            }
            let body = Value::Object(record).to_string();
            example.request.add_body(&body);
            example.is_body_assumed = true;
        }
    }

    /// Whether a block is for another client than the one above it, which sends something else: the response below is the
    /// one to either.
    fn is_next_client(&self, at: usize) -> bool {
        let page = self.page;
        let is_directly_above = |above: &Example| {
            // Several requests may be in one block.
            let between = page.blocks.get(above.fence + 1..at);
            let mut between = between.unwrap_or_default().iter();
            above.response.is_none() && between.all(|block| matches!(block, Block::Prose(_)))
        };
        pairing::names_tool(page, at)
            && self.repeats.repeated_by(at).is_none()
            && self.examples.last().is_some_and(is_directly_above)
    }

    /// Gives a sample call the response of the endpoint that is described above it: "Success Response" above "Sample
    /// Call".
    fn take_described_response(&self, example: &mut Example) {
        if example.response.is_some() || example.no_body {
            return;
        }
        let is_described = |above: &&Example| {
            above.request.has_placeholder_in_path()
                && above.request.is_form_of(&example.request)
                && above.response.as_ref().is_some_and(|shown| !shown.doubtful)
        };
        let above = self.examples.last().filter(is_described);
        // The response to another body has the same status.
        let sends_same =
            |above: &Example| match (above.request.json_body(), example.request.json_body()) {
                (Some(described), Some(own)) => described == own,
                _ => true,
            };
        let above = above.map(|above| {
            let response = above.response.clone();
            (above.fence, response.filter(|_| sends_same(above)))
        });
        let starts = &self.repeats.starts;
        let in_text = || {
            let at = example.fence;
            let (above, shown) = sample_calls::described(self.page, at, &example.request, starts)?;
            Some((above, shown.map(|at| ResponseBlock::whole(self.page, at))))
        };
        let Some((at, response)) = above.or_else(in_text) else {
            return;
        };
        // That of another record has the same status.
        let target = example
            .request
            .written
            .as_ref()
            .map(|own| &*own.request.target);
        let own = target.and_then(|target| url::segments(target).pop());
        let is_own = |response: &ResponseBlock| {
            let id = self
                .shown_record(response)
                .and_then(|record| record.get("id").cloned());
            id.is_none_or(|id| Some(id.to_string().trim_matches('"')) == own.as_deref())
        };
        example.response = response.filter(is_own);
        example.described_at = Some(at);
    }

    /// The object that is shown as a response.
    fn shown_record(&self, response: &ResponseBlock) -> Option<Map<String, Value>> {
        let shown = self
            .page
            .fence(response.fence)?
            .content
            .get(response.range.clone())?;
        let read = lenient_json::parse_literals(shown, true).ok()?.body?;
        match read.to_value() {
            Value::Object(record) => Some(record),
            _ => None,
        }
    }

    /// Gives the same request for another client the response that is shown below both.
    fn share_response(&self, example: &mut Example) {
        let at = example.fence;
        let Some(above_at) = self.repeats.repeated_by(at) else {
            return;
        };
        example.is_repeated = true;
        let mut above = self.examples.iter().rev();
        let above = above.find(|above| above.fence == above_at);
        if let Some(above) = above.filter(|_| example.response.is_none()) {
            let is_below = |response: &&ResponseBlock| response.fence > at;
            example.response = above.response.as_ref().filter(is_below).cloned();
            example.no_body |= above.no_body;
        }
    }
}

/// Marks what a program creates if the page creates the same further up: it is sent, but not counted as a second record.
fn mark_variants(examples: &mut [Example]) {
    for index in 1..examples.len() {
        let (above, own) = examples.split_at_mut(index);
        let own = &mut own[0];
        let is_same = |other: &Example| {
            other.request.problem.is_none() && own.request.repeats(&other.request)
        };
        own.is_variant = own.method() == "POST"
            && own.request.program().is_some()
            && own.response.is_none()
            && above.iter().any(is_same);
    }
}

/// The response that a request shares with the next one in its block.
struct Shared {
    /// Where the next request ends.
    end: usize,
    /// The output below it.
    output: Option<Range<usize>>,
}

/// For each request of a block what it shares with the next one, if that is the same for another client.
fn shared_with_next(content: &str, found: &[FoundRequest]) -> Vec<Option<Shared>> {
    let client = |found: &FoundRequest| content.get(found.span.clone())?.split_whitespace().next();
    let is_run = |found: &FoundRequest| found.problem.is_none();
    let shared = |(index, own): (usize, &FoundRequest)| {
        let next = found.get(index + 1)?;
        let is_shared = is_run(own)
            && is_run(next)
            && own.output.is_none()
            && client(own) != client(next)
            && next.repeats(own);
        is_shared.then(|| Shared {
            end: next.span.end,
            output: next.output.clone(),
        })
    };
    found.iter().enumerate().map(shared).collect()
}

/// Decides what is surely the response to the calls of programs, which may print other things, too.
fn pair_programs(page: &Page, examples: &mut [Example]) {
    let is_program = |example: &Example| example.request.program().is_some();
    let others = examples
        .iter()
        .filter(|example| example.request.problem.is_none());
    let answered: Vec<usize> = others
        .filter_map(|example| Some(example.response.as_ref()?.fence))
        .collect();
    let unanswered = examples.iter().filter(|example| example.response.is_none());
    let unanswered: Vec<usize> = unanswered.map(|example| example.fence).collect();
    let calls: Vec<usize> = examples.iter().map(|example| example.fence).collect();
    let is_only_call = |fence: usize| calls.iter().filter(|at| **at == fence).count() == 1;
    let is_own = |example: &Example| is_program(example) && example.described_at.is_none();
    for example in examples.iter_mut().filter(|example| is_own(example)) {
        let at = example.fence;
        let prints = std::mem::take(&mut example.request.prints);
        let Some(response) = &mut example.response else {
            if prints.len() == 1 && is_only_call(at) {
                example.request.printed = Printed::by_program(prints);
            }
            continue;
        };
        let (Some(program), Some(fence)) = (page.fence(at), page.fence(response.fence)) else {
            continue;
        };
        let is_own = response.fence == at;
        let is_of_other = !is_own && answered.contains(&response.fence);
        let shown = &fence.content[response.range.clone()];
        if !is_own
            && !is_of_other
            && is_only_call(at)
            && is_output_of(page, at, response.fence, &prints)
        {
            example.request.printed = Printed::by_program(prints);
            continue;
        }
        if is_of_other || !programs::is_printed(shown) {
            example.response = None;
            continue;
        }
        let start = line_start(&program.content, example.request.span.start);
        let run = match is_own {
            true => &program.content[start..response.range.start],
            false => &program.content,
        };
        let is_called = pairing::is_called_response(page, response.fence);
        let is_text = |block: &Block| !matches!(block, Block::Directive(_) | Block::Fence(_));
        let mut between = page.blocks.iter().take(response.fence).skip(at + 1);
        let is_below = is_own
            || is_called
            || pairing::surely_response(page, at, response.fence)
            || !between.any(is_text);
        let is_of_several = !is_own && unanswered.contains(&at);
        let label = response.fence.checked_sub(1);
        let label = label.and_then(|above| page.blocks[above].text());
        let is_printed = label.is_some_and(programs::is_output_label);
        let is_of_api = is_called && fence.language == "json" && !is_printed;
        // A comment that leaves something out is a sketch.
        let is_sketch = is_own && shown.contains("...");
        response.doubtful |=
            is_of_several || is_sketch || !is_below || !is_of_api && programs::prints_other(run);
    }
}

/// Whether a block below a program can be the lines that it prints.
fn is_output_of(page: &Page, program: usize, output: usize, prints: &[Print]) -> bool {
    let label = output.checked_sub(1).filter(|above| *above != program);
    let label = label.and_then(|above| page.blocks[above].text());
    page.fence(output).is_some_and(|fence| {
        printed::may_be_lines(prints, fence)
            && label.is_none_or(programs::is_plain_output_label)
            && !http_message::begins_message(fence.content.trim())
            && (label.is_some() || !printed::is_like_command(fence.content.trim()))
    })
}

/// Whether the sentence above a block says that it is about another request, or another case of this one.
fn is_of_another_case(page: &Page, fence: usize, request: &FoundRequest) -> bool {
    let above = fence.checked_sub(1).and_then(|at| page.blocks[at].prose());
    above.is_some_and(|prose| {
        let sentence = labels::last_sentence(&page.text[prose.range.clone()]);
        let is_other = other_requests::names_other_target(sentence, request.target());
        (is_other || other_requests::is_other_case(sentence)) && labels::leads(sentence)
    })
}

/// The output of a program in the next block below a call in it.
fn run_output(page: &Page, example: &Example) -> Option<ResponseBlock> {
    example.request.program()?;
    let next = (example.fence + 1..example.end).find(|at| page.fence(*at).is_some())?;
    let range = programs::run_output(&page.fence(next)?.content)?;
    Some(ResponseBlock {
        range,
        ..ResponseBlock::whole(page, next)
    })
}

impl ResponseBlock {
    /// Each of its JSON values, as several commands print them; empty if there is only one, or something else.
    fn values(&self, page: &Page) -> Vec<ResponseBlock> {
        let content = page
            .fence(self.fence)
            .map_or("", |fence| &fence.content[..self.range.end]);
        let read = lenient_json::values(content, self.range.start).ok();
        let body = read.and_then(|(read, is_one)| read.body.filter(|_| !is_one));
        let Some(Kind::Array(items)) = body.map(|body| body.kind) else {
            return Vec::new();
        };
        let value = |item: &Item| {
            let range = item.node()?.span.clone();
            Some(ResponseBlock {
                range,
                ..self.clone()
            })
        };
        items
            .iter()
            .map(value)
            .collect::<Option<_>>()
            .unwrap_or_default()
    }

    /// A code block as a response.
    pub fn whole(page: &Page, fence: usize) -> ResponseBlock {
        let length = page.fence(fence).map_or(0, |fence| fence.content.len());
        ResponseBlock {
            fence,
            range: 0..length,
            doubtful: false,
            head: None,
        }
    }
}

/// The front matter's entry whose name is in a heading above the block.
fn testable(page: &Page, at: usize) -> Option<usize> {
    page.headings_above(at).find_map(|heading| {
        let heading = labels::plain_name(&heading.text);
        page.front.testable.iter().position(|entry| {
            let rest = heading.strip_prefix(&labels::plain_name(&entry.name));
            rest.is_some_and(|rest| rest.is_empty() || rest.trim_start().starts_with("request"))
        })
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Each example as `URL -> first line of its response`.
    fn pairs(text: &str) -> Vec<String> {
        let page = Page::parse(Path::new("p.md"), text.to_owned());
        find(&page)
            .iter()
            .map(|example| {
                let request = &example.request.written.as_ref().unwrap().request;
                let response = match &example.response {
                    Some(response) => {
                        let content = &page.fence(response.fence).unwrap().content;
                        content[response.range.clone()]
                            .trim()
                            .lines()
                            .next()
                            .unwrap()
                            .to_owned()
                    }
                    None if example.no_body => "no body".to_owned(),
                    None => "-".to_owned(),
                };
                format!("{} -> {response}", request.target)
            })
            .collect()
    }

    fn curl(path: &str) -> String {
        format!("```bash\ncurl h/{path}\n```\n\n")
    }

    fn json(id: u8) -> String {
        format!("```json\n{{\"id\": {id}}}\n```\n\n")
    }

    #[test]
    fn by_heading_first() {
        let text = format!(
            "## Users\n\n### Request example\n\n**Original resource:**\n\n{}{}### Response format\n\n{}### Response example\n\n{}### Return status\n",
            json(1),
            curl("a"),
            json(2),
            json(3)
        );
        assert_eq!(pairs(&text), ["h/a -> {\"id\": 3}"]);
    }

    #[test]
    fn two_tools_side_by_side() {
        let text = format!(
            "## Get\n\n### cURL command\n\n{}### Postman response\n\n{}### cURL response\n\n{}",
            curl("a"),
            json(1),
            json(2)
        );
        assert_eq!(pairs(&text), ["h/a -> {\"id\": 2}"]);
        let only = format!(
            "## Get\n\n### cURL command\n\n{}### Postman response\n\n{}",
            curl("a"),
            json(1)
        );
        assert_eq!(pairs(&only), ["h/a -> -"]);
    }

    #[test]
    fn requests_first_and_responses_after() {
        let text = format!(
            "### `GET` one request\n\n{}### `GET` two request\n\n{}### `GET` one response\n\n{}### `GET` two response\n\n{}",
            curl("1"),
            curl("2"),
            json(1),
            json(2)
        );
        assert_eq!(pairs(&text), ["h/1 -> {\"id\": 1}", "h/2 -> {\"id\": 2}"]);
    }

    #[test]
    fn by_order() {
        let rows = [
            (
                format!("{}{}", curl("a"), json(1)),
                vec!["h/a -> {\"id\": 1}"],
            ),
            (format!("{}{}", json(1), curl("a")), vec!["h/a -> -"]),
            (
                format!("{}{}{}", curl("a"), curl("b"), json(1)),
                vec!["h/a -> -", "h/b -> {\"id\": 1}"],
            ),
            (
                format!("{}It answers:\n\n{}", curl("a"), json(1)),
                vec!["h/a -> {\"id\": 1}"],
            ),
            (
                format!(
                    "{}**Request body:**\n\n{}**Response:**\n\n{}",
                    curl("a"),
                    json(1),
                    json(2)
                ),
                vec!["h/a -> {\"id\": 2}"],
            ),
            (
                format!("## Get\n\n{}## Model\n\n{}", curl("a"), json(1)),
                vec!["h/a -> -"],
            ),
            (
                format!("### Get\n\n{}### Configuration\n\n{}", curl("a"), json(1)),
                vec!["h/a -> -"],
            ),
            (
                format!("### Get\n\n{}### Response\n\n{}", curl("a"), json(1)),
                vec!["h/a -> {\"id\": 1}"],
            ),
            (
                format!(
                    "### Get\n\n{}#### What comes back\n\n{}",
                    curl("a"),
                    json(1)
                ),
                vec!["h/a -> {\"id\": 1}"],
            ),
            (
                format!(
                    "### Do it\n\n{}No response body returned.\n\n### Later\n\n{}",
                    curl("a"),
                    json(1)
                ),
                vec!["h/a -> no body"],
            ),
            (
                format!(
                    "1. Call\n\n   ```sh\n   curl h/a\n   ```\n\n2. See\n\n{}",
                    json(1)
                ),
                vec!["h/a -> {\"id\": 1}"],
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(pairs(&text), expected, "{text}");
        }
    }

    #[test]
    fn directives_apply_to_the_next_block() {
        let text = format!(
            "<!-- standin: skip status=404 reset db=other.json -->\n\n{}{}",
            curl("a"),
            curl("b")
        );
        let page = Page::parse(Path::new("p.md"), text);
        let examples = find(&page);
        let first = &examples[0].directives;
        assert_eq!(
            (first.skip, first.statuses.as_slice(), first.reset),
            (true, [404].as_slice(), true)
        );
        assert!(!examples[1].directives.skip);
        assert_eq!(examples[1].directives.data.as_deref(), Some("other.json"));
    }

    #[test]
    fn the_front_matter_names_examples() {
        let text = format!(
            "---\ntest:\n  testable:\n    - GET /users / 200\n    - PUT `user` / 204\n---\n\n## `GET` /users request\n\n{}### PUT user request (curl)\n\n{}### Other\n\n{}",
            curl("a"),
            curl("b"),
            curl("c")
        );
        let page = Page::parse(Path::new("p.md"), text);
        let seen: Vec<_> = find(&page).iter().map(|example| example.testable).collect();
        assert_eq!(seen, [Some(0), Some(1), None]);
    }
}
