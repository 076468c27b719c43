//! From a page to its examples: each request and the response that belongs to it.
//!
//! A response is looked for below its request only, by heading first and else
//! as the next JSON before the next request.

use std::ops::Range;

use super::expect;
use super::labels::{self, Part};
use super::page::{Block, Directive, Page};
use super::requests::{self, Found, Reading};

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

enum Answer {
    Fence(usize),
    NoBody,
    Silent,
}

fn response_of(page: &Page, at: usize, end: usize, requests: &[usize], taken: &[usize]) -> Answer {
    match by_heading(page, at, requests, taken) {
        Some(answer) => answer,
        None => by_order(page, at, end),
    }
}

/// The label right above a fence: bold words or a paragraph that ends in a
/// colon, between the fence and what stands before it.
fn label_above(page: &Page, at: usize) -> Option<&str> {
    page.blocks[..at]
        .iter()
        .rev()
        .take_while(|block| !matches!(block, Block::Heading(_) | Block::Fence(_) | Block::Table(_)))
        .find_map(label)
}

/// The label that a block is, if it is one.
fn label(block: &Block) -> Option<&str> {
    let Block::Prose(prose) = block else { return None };
    if let Some(bold) = &prose.bold {
        return Some(bold);
    }
    let last = prose.text.trim().lines().last().unwrap_or_default().trim();
    // The last sentence, so that a long paragraph is judged by what announces the fence.
    let sentence = last.rsplit_once(". ").map_or(last, |(_, sentence)| sentence);
    (last.ends_with(':') && sentence.len() < 120).then_some(sentence)
}

/// The response whose heading or label is the request's own with "response"
/// in place of "request".
fn by_heading(page: &Page, at: usize, requests: &[usize], taken: &[usize]) -> Option<Answer> {
    let heading = page.heading_of(at);
    let own_level = heading.map_or(0, |index| level(page, index));
    let label_stem = label_above(page, at).and_then(|label| labels::stem(label, Part::Request));
    let heading_stem = heading.and_then(|index| match &page.blocks[index] {
        Block::Heading(heading) => labels::stem(&heading.text, Part::Request),
        _ => None,
    });
    for (stem, is_label) in [(label_stem, true), (heading_stem, false)] {
        let Some(stem) = stem else { continue };
        for index in at + 1..page.blocks.len() {
            let (text, depth) = match &page.blocks[index] {
                Block::Heading(heading) => (heading.text.as_str(), heading.level),
                block => match label(block) {
                    Some(label) => (label, 7),
                    None => continue,
                },
            };
            // Another section, or the next example of the same name.
            if depth < own_level || (is_label && depth <= own_level) {
                break;
            }
            if labels::stem(text, Part::Request).as_ref() == Some(&stem) {
                break;
            }
            if labels::stem(text, Part::Response).as_ref() != Some(&stem) {
                continue;
            }
            // Without a name of its own the pair must not reach across another request.
            let crossed = requests.iter().any(|request| *request > at && *request < index);
            if crossed && stem.is_empty() {
                break;
            }
            return Some(below(page, index, depth, requests, taken));
        }
    }
    None
}

/// The answer below a response heading.
fn below(page: &Page, heading: usize, depth: u8, requests: &[usize], taken: &[usize]) -> Answer {
    for index in heading..page.blocks.len() {
        match &page.blocks[index] {
            Block::Heading(next) if index > heading && next.level <= depth => break,
            Block::Fence(fence) => {
                if requests.contains(&index) {
                    break;
                }
                if !taken.contains(&index) && (expect::looks_like_response(&fence.content)) {
                    return Answer::Fence(index);
                }
            }
            Block::Prose(prose) if labels::says_no_body(&prose.text) => return Answer::NoBody,
            _ => {}
        }
    }
    Answer::Silent
}

/// The next JSON that nothing announces as something else.
fn by_order(page: &Page, at: usize, end: usize) -> Answer {
    let own = page.heading_of(at);
    let own_level = own.map_or(0, |index| level(page, index));
    let own_tool = tool_above(page, at);
    let mut part = Part::Plain;
    let mut foreign: Option<u8> = None;
    for index in at + 1..end {
        match &page.blocks[index] {
            Block::Heading(heading) => {
                if foreign.is_some_and(|depth| heading.level <= depth) {
                    foreign = None;
                }
                let tool = labels::other_tool(&heading.text);
                if tool.is_some() && tool != own_tool {
                    foreign = Some(heading.level);
                }
                part = labels::part(&heading.text);
                let leaves =
                    heading.level < own_level || heading.level <= 2 && own_level > 0 && heading.level <= own_level;
                if leaves && part != Part::Response {
                    return Answer::Silent;
                }
            }
            Block::Prose(prose) => {
                if let Some(label) = label(&page.blocks[index]) {
                    let said = labels::label_part(label);
                    let tool = labels::other_tool(label);
                    if tool.is_some() && tool != own_tool && said != Part::Plain {
                        foreign.get_or_insert(7);
                    } else if foreign == Some(7) && said == Part::Response {
                        foreign = None;
                    }
                    if said != Part::Plain {
                        part = said;
                    }
                }
                if labels::says_no_body(&prose.text) {
                    return Answer::NoBody;
                }
            }
            Block::Fence(fence) => {
                if declared(page, index) == Some("response") {
                    return Answer::Fence(index);
                }
                if is_bare_url(&fence.content) {
                    return Answer::Silent;
                }
                let fits = expect::looks_like_response(&fence.content) && declared(page, index).is_none();
                if fits && foreign.is_none() && matches!(part, Part::Plain | Part::Response) {
                    return Answer::Fence(index);
                }
            }
            Block::Table(_) | Block::Directive(_) => {}
        }
    }
    Answer::Silent
}

/// A URL alone in a fence is the request of another tool.
fn is_bare_url(content: &str) -> bool {
    let text = content.trim();
    let begins = ["http://", "https://", "localhost:", "{"].iter().any(|start| text.starts_with(start));
    !text.contains(['\n', '"', ' ']) && begins && text.contains('/')
}

fn tool_above(page: &Page, at: usize) -> Option<&'static str> {
    let mut depth = 7;
    for index in (0..at).rev() {
        if let Block::Heading(heading) = &page.blocks[index]
            && heading.level < depth
        {
            depth = heading.level;
            if let Some(tool) = labels::other_tool(&heading.text) {
                return Some(tool);
            }
        }
    }
    None
}

fn level(page: &Page, index: usize) -> u8 {
    match &page.blocks[index] {
        Block::Heading(heading) => heading.level,
        _ => 0,
    }
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
