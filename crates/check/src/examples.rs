//! Finds the examples of a page: requests and the responses documented for them.

use std::ops::Range;

use serde_json::{Map, Value};

use super::addresses;
use super::candidates::{self, Candidate};
use super::clients;
use super::endpoints;
use super::example::{Example, ResponseBlock};
use super::found::{FoundRequest, Problem};
use super::labels;
use super::other_requests;
use super::page::{Block, Page};
use super::pairing::{self, Paired};
use super::program_outputs;
use super::repeats::Repeats;
use super::requests;
use super::sample_calls;
use super::sample_ids;
use super::url;
use super::variables;

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
    finder.fill_templates();
    let Finder {
        mut examples,
        taken,
        ..
    } = finder;
    for example in &mut examples {
        example.unpaired.retain(|block| !taken.contains(block));
    }
    mark_variants(&mut examples);
    program_outputs::pair(page, &mut examples);
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
            self.return_response(&mut example);
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
            Paired::Nothing => example.response = program_outputs::below_run(page, example),
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

    /// Gives the response below several POSTs to the one that sent its record, if that is not the last.
    fn return_response(&mut self, example: &mut Example) {
        let is_post = example.method() == "POST";
        let response = example.response.as_ref();
        let response = response.filter(|shown| is_post && !shown.doubtful);
        let Some(record) = response.and_then(|response| response.record(self.page)) else {
            return;
        };
        let body = |example: &Example| match example.request.json_body()? {
            Value::Object(body) => Some(body),
            _ => None,
        };
        let is_shown = |body: &Map<String, Value>| {
            let mut members = body.iter();
            members.all(|(name, value)| record.get(name) == Some(value))
        };
        let Some(own) = body(example).filter(|own| !is_shown(own)) else {
            return;
        };
        let is_message = |example: &Example| {
            let fence = self.page.fence(example.fence);
            fence.is_some_and(|fence| example.request.is_message(fence))
        };
        let is_own_message = is_message(example);
        // Text below a request may say what it returns.
        let is_bare = |above: &Example| {
            let below = self.page.blocks.get(above.fence + 1);
            !matches!(below, Some(Block::Prose(_)))
        };
        let is_unanswered = |above: &&mut Example| {
            above.response.is_none() && above.request.has_path_of(&example.request)
        };
        let mut above = self.examples.iter_mut().rev().take_while(is_unanswered);
        let of_record = above.find(|above| {
            let sent = body(above).filter(|sent| sent.len() >= own.len() && is_shown(sent));
            sent.is_some() && is_bare(above) && is_message(above) == is_own_message
        });
        if let Some(above) = of_record {
            above.response = example.response.take();
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
        if !is_described && let Some(mut record) = response.record(self.page) {
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
        // That of another record, or to another body, has the same status.
        let own = url::segments(example.request.target()).pop();
        let sent = example.request.json_body();
        let is_own = |response: &ResponseBlock| {
            let Some(record) = response.record(self.page) else {
                return true;
            };
            let id = record.get("id").map(Value::to_string);
            let is_of_id = id.is_none_or(|id| Some(id.trim_matches('"')) == own.as_deref());
            let mut between = (at..response.fence).filter_map(|at| self.page.fence(at));
            let members = sent.as_ref().and_then(Value::as_object);
            let mut members = members.into_iter().flatten();
            let fits = |(name, value)| record.get(name).is_none_or(|shown| shown == value);
            is_of_id
                && (between.any(|fence| pairing::is_sent(fence, sent.as_ref()))
                    || members.all(fits))
        };
        example.response = response.filter(is_own);
        example.described_at = Some(at);
    }

    /// Puts the ids that responses show in place of the placeholders of their endpoints. Where the page saves values,
    /// those take the place of placeholders.
    fn fill_templates(&mut self) {
        let is_saved = |example: &Example| !example.directives.save.is_empty();
        if self.examples.iter().any(is_saved) {
            return;
        }
        for index in 0..self.examples.len() {
            let template = &self.examples[index];
            // A sample call of the endpoint shows it with values.
            let is_sample = |example: &Example| example.described_at == Some(template.fence);
            let problem = &template.request.problem;
            if matches!(problem, None | Some(Problem::Template | Problem::NoBody))
                && !self.examples.iter().any(is_sample)
                && let Some(filled) = self.filled(template)
            {
                self.examples[index] = filled;
            }
        }
    }

    /// An endpoint with the id of its response, and with the body that it sends.
    fn filled(&self, template: &Example) -> Option<Example> {
        let mut example = Example {
            has_sample_id: true,
            ..template.clone()
        };
        let fence = self.page.fence(template.fence)?;
        // A command with a placeholder is one that the reader completes.
        let is_endpoint = template.request.is_message(fence);
        let target = sample_ids::target(self.page, template).filter(|_| is_endpoint)?;
        let request = &mut example.request;
        request.problem = request.lacks_own_body().then_some(Problem::NoBody);
        request.written.as_mut()?.request.target = target;
        self.find_body(&mut example);
        let shown = example.response.as_ref().map(|shown| shown.fence);
        let is_complete = example.request.problem.is_none()
            && example.body.is_none_or(|body| Some(body) != shown);
        is_complete.then_some(example)
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

/// Whether the sentence above a block says that it is about another request, or another case of this one.
fn is_of_another_case(page: &Page, fence: usize, request: &FoundRequest) -> bool {
    let above = fence.checked_sub(1).and_then(|at| page.blocks[at].prose());
    above.is_some_and(|prose| {
        let sentence = labels::last_sentence(&page.text[prose.range.clone()]);
        let is_other = other_requests::names_other_target(sentence, request.target());
        (is_other || other_requests::is_other_case(sentence)) && labels::leads(sentence)
    })
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
