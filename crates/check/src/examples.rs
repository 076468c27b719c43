//! Finds the examples of a page: requests and the responses documented for them.

use std::ops::Range;

use super::addresses;
use super::clients;
use super::endpoints;
use super::labels;
use super::page::{Block, Page};
use super::pairing::{self, Candidate, Paired};
use super::powershell;
use super::requests::{self, FoundRequest, Problem};

/// A request of a page with what is documented for it.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// The block of the request, as an index into the page's blocks.
    pub fence: usize,
    /// The request.
    pub request: FoundRequest,
    /// The block with the body of a request that names none itself.
    pub body: Option<usize>,
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

/// The `<!-- standin: ... -->` directives above a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directives {
    /// Do not run the example.
    pub skip: bool,
    /// The expected statuses.
    pub statuses: Vec<u16>,
    /// Use fresh data for this example.
    pub reset: bool,
    /// The data file for this and the following examples.
    pub data: Option<String>,
    /// Whether the query is suspicious on purpose, so that the server gives a hint.
    pub expects_hint: bool,
    /// Members of the response whose values are not compared.
    pub any: Vec<String>,
    /// Names and paths of values to save from the response; these directives are below the request.
    pub save: Vec<(String, String)>,
}

impl Example {
    /// The page range of the request.
    pub fn request_range(&self, page: &Page) -> Range<usize> {
        page.fence(self.fence)
            .map_or(0..0, |fence| fence.source_range(&self.request.span))
    }

    /// The line of the request.
    pub fn request_line(&self, page: &Page) -> usize {
        page.line(self.request_range(page).start)
    }

    /// Whether its response has no body.
    fn is_of_headers(&self) -> bool {
        matches!(self.method(), "HEAD" | "OPTIONS")
    }

    /// The method; empty if the command could not be parsed.
    pub fn method(&self) -> &str {
        self.request
            .written
            .as_ref()
            .map_or("", |written| &written.request.method)
    }
}

/// Finds the examples of a page in reading order.
pub fn find(page: &Page) -> Vec<Example> {
    let mut variables = Vec::new();
    let mut commanded: Vec<String> = Vec::new();
    let mut in_fences: Vec<(usize, Vec<FoundRequest>)> = (0..page.blocks.len())
        .filter(|at| !matches!(page.declared_role(*at), Some("none" | "response")))
        .filter_map(|at| {
            let fence = page.fence(at)?;
            let mut found = requests::find(fence, clients::find);
            variables.extend(requests::variables(fence));
            commanded.extend(requests::commanded_variables(fence));
            for request in &mut found {
                request.set(&variables);
                request.skip_if_unknown(&commanded);
            }
            if found.is_empty() {
                found.extend(endpoints::bare_url(page, at));
            }
            if found.is_empty() {
                found = addresses::in_block(page, at);
            }
            endpoints::add_query(page, at, &mut found);
            (!found.is_empty()).then_some((at, found))
        })
        .collect();
    endpoints::remove_named(page, &mut in_fences);
    // The same request for another client, or in a sentence, does not end the example above it.
    let mut fences: Vec<usize> = Vec::new();
    let mut above: Option<(usize, FoundRequest)> = None;
    let client = |at: usize, found: &FoundRequest| {
        let command = page
            .fence(at)
            .and_then(|fence| fence.content.get(found.span.clone()));
        command
            .and_then(|command| command.split_whitespace().next())
            .unwrap_or_default()
            .to_owned()
    };
    for (at, found) in &mut in_fences {
        let is_listing = |index: usize| {
            let fence = page.fence(index);
            fence.is_some_and(|fence| powershell::is_listing(&fence.content))
        };
        let again = above.as_ref().filter(|(above_at, above)| {
            found.len() == 1
                && !(above_at + 1..*at).any(is_listing)
                && found[0].repeats(above)
                && client(*at, &found[0]) != client(*above_at, above)
        });
        // It has no response of its own, so it is run once.
        if let Some((above_at, above)) = again
            && matches!(found[0].problem, None | Some(Problem::Program(_)))
            && !matches!(above.problem, Some(Problem::Skip(_) | Problem::Program(_)))
            && found[0].output.is_none()
            && above.output.is_none()
            && !(above_at + 1..*at).any(|index| pairing::shows_json(page, index))
        {
            let reason = "the request above it, for another client";
            found[0].problem = Some(Problem::Skip(reason.to_owned()));
        }
        let in_sentence = page.fence(*at).is_some_and(|fence| fence.in_sentence);
        if again.is_none() && !in_sentence {
            fences.push(*at);
            above = found.last().map(|last| (*at, last.clone()));
        }
    }
    let mut examples: Vec<Example> = Vec::new();
    let mut taken: Vec<usize> = Vec::new();
    for (at, found) in in_fences {
        let end = fences
            .iter()
            .copied()
            .find(|next| *next > at)
            .unwrap_or(page.blocks.len());
        let count = found.len();
        for (index, request) in found.into_iter().enumerate() {
            let mut example = Example {
                fence: at,
                end,
                directives: directives(page, at, end),
                request,
                ..Example::default()
            };
            if let Some(Problem::BodyFile(file)) = &example.request.problem
                && let Some(body) = pairing::file(page, at, end, file)
            {
                example.request.add_body(&body);
            }
            if example.request.problem.is_none() && pairing::is_of_old_version(page, at) {
                let reason = "what is above it says that it is about another version";
                example.request.problem = Some(Problem::Skip(reason.to_owned()));
            }
            if let Some(range) = example.request.output.clone() {
                let (body, head) = match index + 1 == count {
                    true => pairing::with_body(page, at, range.clone()),
                    false => (at, None),
                };
                example.response = Some(match head.is_some() && !example.is_of_headers() {
                    true => ResponseBlock {
                        head,
                        ..whole(page, body)
                    },
                    false => ResponseBlock {
                        fence: at,
                        range,
                        doubtful: false,
                        head: None,
                    },
                });
                if body != at {
                    taken.push(body);
                }
            } else if index + 1 == count {
                let body = matches!(example.request.problem, Some(Problem::NoBody))
                    .then(|| pairing::request_body(page, at, end))
                    .flatten();
                if let Some(text) = body.and_then(|body| pairing::sent_json(page, body)) {
                    example.request.add_body(&text);
                }
                if example.request.lacks_body() && pairing::has_request_body(page, at, end) {
                    let reason = "its body is shown apart from the command";
                    example.request.problem = Some(Problem::Skip(reason.to_owned()));
                }
                let mut candidates = pairing::candidates(page, at, end, &example.request);
                candidates.0.retain(|found| body != Some(found.fence));
                example.body = body;
                let writes = example.request.writes();
                match pairing::response_of(page, at, &fences, &taken, &candidates, writes) {
                    Paired::Block(fence) => {
                        let of = |found: &Candidate| found.fence == fence && found.doubtful;
                        let doubtful = candidates.0.iter().any(of);
                        let (body, head) =
                            pairing::with_body(page, fence, whole(page, fence).range);
                        example.response = Some(ResponseBlock {
                            doubtful,
                            head,
                            ..whole(page, body)
                        });
                        taken.extend([fence, body]);
                    }
                    Paired::NoBody => example.no_body = true,
                    Paired::Nothing => {}
                }
                let blocks: Vec<usize> = candidates.0.iter().map(|found| found.fence).collect();
                let is_success = |status| status < 300;
                let plain = candidates
                    .0
                    .iter()
                    .all(|found| found.status.is_none_or(is_success));
                if count > 1 && blocks.len() == count && plain {
                    // As many responses as requests are in the order of the requests.
                    let above = examples.len() - index;
                    for (example, block) in examples[above..].iter_mut().zip(&blocks) {
                        example.response = Some(whole(page, *block));
                    }
                    example.response = blocks.last().map(|block| whole(page, *block));
                    taken.extend(blocks);
                } else {
                    let named = candidates.0.into_iter().filter(|found| !found.is_body());
                    example.unpaired = named.map(|found| found.fence).collect();
                }
            }
            // An entry names one example: the first under its heading.
            example.testable = testable(page, at).filter(|entry| {
                !examples
                    .iter()
                    .any(|earlier| earlier.testable == Some(*entry))
            });
            examples.push(example);
        }
    }
    let answered: Vec<usize> = examples
        .iter()
        .filter(|example| example.request.problem.is_none())
        .filter_map(|example| Some(example.response.as_ref()?.fence))
        .collect();
    for example in &mut examples {
        example.unpaired.retain(|block| !taken.contains(block));
        if let Some(Problem::Program(reason)) = &example.request.problem {
            let response = example.response.as_ref();
            let is_own = response.is_some_and(|response| !answered.contains(&response.fence));
            let skip = || Problem::Skip(reason.clone());
            example.request.problem = (!is_own).then(skip);
        }
    }
    examples
}

/// A code block as a response.
fn whole(page: &Page, fence: usize) -> ResponseBlock {
    let length = page.fence(fence).map_or(0, |fence| fence.content.len());
    ResponseBlock {
        fence,
        range: 0..length,
        doubtful: false,
        head: None,
    }
}

fn directives(page: &Page, at: usize, end: usize) -> Directives {
    let mut out = Directives::default();
    for directive in page.directives_above(at) {
        out.skip |= directive.has("skip");
        out.reset |= directive.has("reset");
        out.expects_hint |= directive.value("expect") == Some("hint");
        let list = |name| {
            directive
                .value(name)
                .into_iter()
                .flat_map(|list| list.split(','))
        };
        out.statuses
            .extend(list("status").filter_map(|status| status.parse::<u16>().ok()));
        out.any.extend(list("any").map(str::to_owned));
    }
    for directive in page.blocks[at..end]
        .iter()
        .filter_map(Block::directive)
        .filter(|directive| directive.has("save"))
    {
        let paths = directive
            .words
            .iter()
            .filter_map(|(name, path)| Some((name.clone(), path.clone()?)));
        out.save.extend(paths);
    }
    // A data file holds until another is named.
    let above = page.blocks[..at].iter().rev().filter_map(Block::directive);
    out.data = above
        .filter_map(|directive| directive.value("db"))
        .next()
        .map(str::to_owned);
    out
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
