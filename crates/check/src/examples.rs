//! From a page to its examples: each request and the response that belongs to it.
//!
//! A response is looked for below its request only, by heading first and else
//! as the next JSON before the next request.

mod pairing;

use std::ops::Range;

use super::labels;
use super::page::{Block, Directive, Page};
use super::requests::{self, Found, Reading};
use pairing::{Answer, response_of};

/// A request of a page with what the page says about its answer.
#[derive(Debug, Clone)]
pub struct Example {
    /// The fence, as an index among the page's blocks.
    pub fence: usize,
    /// Where the request stands in the fence's content.
    pub span: Range<usize>,
    /// What the request says.
    pub reading: Reading,
    /// The documented response, if there is one.
    pub response: Option<Response>,
    /// Whether running text says that no body is returned.
    pub no_body: bool,
    /// The block at which the example ends: the next request, or the page's end.
    pub end: usize,
    /// What comments before the request ask for.
    pub asks: Asks,
    /// The entry of the front matter that names this example.
    pub testable: Option<usize>,
}

/// A documented response: a fence, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The fence, as an index among the page's blocks.
    pub fence: usize,
    /// The part of the fence's content.
    pub range: Range<usize>,
}

/// What `<!-- standin: … -->` before a request asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asks {
    /// The example is not run.
    pub skip: bool,
    /// The status the answer must have.
    pub status: Option<u16>,
    /// The data is reset before the request.
    pub reset: bool,
    /// The database from here on.
    pub database: Option<String>,
}

impl Example {
    /// The line of the fence's opening marks, from 1.
    #[must_use]
    pub fn line(&self, page: &Page) -> usize {
        page.blocks.get(self.fence).map_or(1, |block| page.line(block.range().start))
    }

    /// The line of the request itself, from 1.
    #[must_use]
    pub fn request_line(&self, page: &Page) -> usize {
        page.fence(self.fence).map_or(1, |fence| page.line(fence.source(self.span.start)))
    }
}

/// Finds the examples of a page in reading order.
#[must_use]
pub fn find(page: &Page) -> Vec<Example> {
    let in_fences: Vec<(usize, Vec<Found>)> = page
        .blocks
        .iter()
        .enumerate()
        .filter_map(|(at, block)| match block {
            Block::Fence(fence) if declared(page, at) != Some("none") && declared(page, at) != Some("response") => {
                let found = requests::find(fence);
                (!found.is_empty()).then_some((at, found))
            }
            _ => None,
        })
        .collect();
    let fences: Vec<usize> = in_fences.iter().map(|(at, _)| *at).collect();
    let mut examples = Vec::new();
    let mut taken: Vec<usize> = Vec::new();
    for (at, found) in in_fences {
        let end = fences.iter().copied().find(|next| *next > at).unwrap_or(page.blocks.len());
        let asks = asks(page, at);
        let count = found.len();
        for (index, request) in found.into_iter().enumerate() {
            let last = index + 1 == count;
            let (mut response, mut no_body) = (None, false);
            if let Some(range) = request.output {
                response = Some(Response { fence: at, range });
            } else if last {
                match response_of(page, at, end, &fences, &taken) {
                    Answer::Fence(fence) => {
                        let length = page.fence(fence).map_or(0, |fence| fence.content.len());
                        response = Some(Response { fence, range: 0..length });
                        taken.push(fence);
                    }
                    Answer::NoBody => no_body = true,
                    Answer::Silent => {}
                }
            }
            examples.push(Example {
                fence: at,
                span: request.span,
                reading: request.reading,
                response,
                no_body,
                end,
                asks: asks.clone(),
                testable: testable(page, at).filter(|entry| {
                    // One entry names one example: the first under its heading.
                    !examples.iter().any(|earlier: &Example| earlier.testable == Some(*entry))
                }),
            });
        }
    }
    examples
}

/// The comments between a fence and the block before it that is not prose.
fn directives_above(page: &Page, at: usize) -> impl Iterator<Item = &Directive> {
    page.blocks[..at]
        .iter()
        .rev()
        .take_while(|block| !matches!(block, Block::Heading(_) | Block::Fence(_) | Block::Table(_)))
        .filter_map(|block| match block {
            Block::Directive(directive) => Some(directive),
            _ => None,
        })
}

/// `as=request`, `as=response` or `as=none` above a fence.
fn declared(page: &Page, at: usize) -> Option<&str> {
    directives_above(page, at).find_map(|directive| directive.value("as"))
}

fn asks(page: &Page, at: usize) -> Asks {
    let mut asks = Asks::default();
    for directive in directives_above(page, at) {
        asks.skip |= directive.has("skip");
        asks.reset |= directive.has("reset");
        asks.status = asks.status.or_else(|| directive.value("status").and_then(|status| status.parse().ok()));
    }
    // A database holds until another is named.
    asks.database = page.blocks[..at].iter().rev().find_map(|block| match block {
        Block::Directive(directive) => directive.value("db").map(str::to_owned),
        _ => None,
    });
    asks
}

/// The entry of the front matter whose name stands in a heading above.
fn testable(page: &Page, at: usize) -> Option<usize> {
    let mut depth = 7;
    for index in (0..at).rev() {
        let Block::Heading(heading) = &page.blocks[index] else { continue };
        if heading.level >= depth {
            continue;
        }
        depth = heading.level;
        let heading = labels::plain_name(&heading.text);
        let found = page.front.testable.iter().position(|entry| {
            let name = labels::plain_name(&entry.name);
            match heading.strip_prefix(&name) {
                Some(rest) => rest.is_empty() || rest.trim_start().starts_with("request"),
                None => false,
            }
        });
        if found.is_some() {
            return found;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Each example as `VERB url -> first line of its response`.
    fn pairs(text: &str) -> Vec<String> {
        let page = Page::parse(Path::new("p.md"), text.to_owned());
        find(&page)
            .iter()
            .map(|example| {
                let request = example.reading.request().unwrap();
                let response = match &example.response {
                    Some(response) => {
                        let content = &page.fence(response.fence).unwrap().content;
                        content[response.range.clone()].trim().lines().next().unwrap().to_owned()
                    }
                    None if example.no_body => "no body".to_owned(),
                    None => "-".to_owned(),
                };
                format!("{} -> {response}", request.url)
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
        let only = format!("## Get\n\n### cURL command\n\n{}### Postman response\n\n{}", curl("a"), json(1));
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
            (format!("{}{}", curl("a"), json(1)), vec!["h/a -> {\"id\": 1}"]),
            (format!("{}{}", json(1), curl("a")), vec!["h/a -> -"]),
            (format!("{}{}{}", curl("a"), curl("b"), json(1)), vec!["h/a -> -", "h/b -> {\"id\": 1}"]),
            (format!("{}It answers:\n\n{}", curl("a"), json(1)), vec!["h/a -> {\"id\": 1}"]),
            (
                format!("{}**Request body:**\n\n{}**Response:**\n\n{}", curl("a"), json(1), json(2)),
                vec!["h/a -> {\"id\": 2}"],
            ),
            (format!("## Get\n\n{}## Model\n\n{}", curl("a"), json(1)), vec!["h/a -> -"]),
            (format!("### Get\n\n{}### What comes back\n\n{}", curl("a"), json(1)), vec!["h/a -> {\"id\": 1}"]),
            (
                format!("### Do it\n\n{}No response body returned.\n\n### Later\n\n{}", curl("a"), json(1)),
                vec!["h/a -> no body"],
            ),
            (format!("1. Call\n\n   ```sh\n   curl h/a\n   ```\n\n2. See\n\n{}", json(1)), vec!["h/a -> {\"id\": 1}"]),
        ];
        for (text, expected) in rows {
            assert_eq!(pairs(&text), expected, "{text}");
        }
    }

    #[test]
    fn comments_ask() {
        let text = format!("<!-- standin: skip status=404 reset db=other.json -->\n\n{}{}", curl("a"), curl("b"));
        let page = Page::parse(Path::new("p.md"), text);
        let examples = find(&page);
        let first = &examples[0].asks;
        assert_eq!((first.skip, first.status, first.reset), (true, Some(404), true));
        assert!(!examples[1].asks.skip);
        assert_eq!(examples[1].asks.database.as_deref(), Some("other.json"));
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
