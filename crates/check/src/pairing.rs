//! Finds the response that belongs to a request: by matching headings or labels, else the next JSON before the next
//! request. A response is always below its request.

use serde_json::Value;

use super::labels::{self, Announces};
use super::lenient_json::looks_like_response;
use super::page::{Block, Page};

/// What is documented as the response.
pub enum Paired {
    /// The code block with this index.
    Block(usize),
    /// The page says that there is no body.
    NoBody,
    /// Nothing.
    Nothing,
}

/// The response to the request in block `at`. `end` is the block of the next request, `requests` are all blocks with
/// requests, `taken` the responses of other requests.
pub fn response_of(
    page: &Page,
    at: usize,
    end: usize,
    requests: &[usize],
    taken: &[usize],
    body: Option<&Value>,
) -> Paired {
    match by_heading(page, at, requests, taken) {
        Some(answer) => answer,
        None => by_order(page, at, end, body),
    }
}

/// The label directly above a block: bold text, or a paragraph that ends in a colon.
fn label_above(page: &Page, at: usize) -> Option<&str> {
    page.blocks[..at]
        .iter()
        .rev()
        .take_while(|block| !block.separates())
        .find_map(label)
}

/// The label in a paragraph, if it has one.
fn label(block: &Block) -> Option<&str> {
    let Block::Prose(prose) = block else {
        return None;
    };
    if let Some(bold) = &prose.bold {
        return Some(bold);
    }
    // The title of a tab.
    if let Some(title) = prose
        .text
        .trim()
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    {
        return Some(title);
    }
    // A label without markup.
    let text = prose.text.trim();
    if text.split_whitespace().count() <= 3
        && labels::label(text) != Announces::Unspecific
        && !text.ends_with('.')
    {
        return Some(text);
    }
    let last = prose.text.trim().lines().last().unwrap_or_default().trim();
    // Only the last sentence announces the code block.
    let sentence = last
        .rsplit_once(". ")
        .map_or(last, |(_, sentence)| sentence);
    (last.ends_with(':') && sentence.len() < 120).then_some(sentence)
}

/// The body of a request that is shown in a block below it, labelled "Payload", "Body" or "Request data".
pub fn request_body(page: &Page, at: usize, end: usize) -> Option<&str> {
    let index = (at + 1..end).find(|index| page.fence(*index).is_some())?;
    let words = labels::words(label_above(page, index)?);
    let is_body = words
        .iter()
        .any(|word| matches!(word.as_str(), "payload" | "body" | "data"));
    let content = &page.fence(index)?.content;
    let is_json = serde_json::from_str::<Value>(content).is_ok();
    (is_body && is_json && labels::label(label_above(page, index)?) != Announces::Response)
        .then_some(content)
}

/// The response whose heading or label is the request's with "response" in place of "request".
fn by_heading(page: &Page, at: usize, requests: &[usize], taken: &[usize]) -> Option<Paired> {
    let heading = page.heading_of(at);
    let own_level = heading.map_or(0, |index| level(page, index));
    let label_stem =
        label_above(page, at).and_then(|label| labels::stem(label, Announces::Request));
    let heading_stem = heading.and_then(|index| match &page.blocks[index] {
        Block::Heading(heading) => labels::stem(&heading.text, Announces::Request),
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
            // The next section.
            if depth < own_level || (is_label && depth <= own_level) {
                break;
            }
            if labels::stem(text, Announces::Request).as_ref() == Some(&stem) {
                break;
            }
            if labels::stem(text, Announces::Response).as_ref() != Some(&stem) {
                continue;
            }
            // A pair without a name must not skip another request.
            let crossed = requests
                .iter()
                .any(|request| *request > at && *request < index);
            if crossed && stem.is_empty() {
                break;
            }
            return Some(below(page, index, depth, requests, taken));
        }
    }
    None
}

/// The response below a response heading.
fn below(page: &Page, heading: usize, depth: u8, requests: &[usize], taken: &[usize]) -> Paired {
    for index in heading..page.blocks.len() {
        match &page.blocks[index] {
            Block::Heading(next) if index > heading && next.level <= depth => break,
            Block::Fence(fence) => {
                if requests.contains(&index) {
                    break;
                }
                if !taken.contains(&index) && looks_like_response(&fence.content) {
                    return Paired::Block(index);
                }
            }
            Block::Prose(prose) if labels::says_no_body(&prose.text) => return Paired::NoBody,
            _ => {}
        }
    }
    Paired::Nothing
}

/// The next JSON that is not announced as something else.
fn by_order(page: &Page, at: usize, end: usize, body: Option<&Value>) -> Paired {
    let own = page.heading_of(at);
    let own_level = own.map_or(0, |index| level(page, index));
    let own_tool = tool_above(page, at);
    let mut announced = Announces::Unspecific;
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
                announced = labels::heading(&heading.text);
                let leaves = heading.level <= own_level;
                if leaves && announced != Announces::Response {
                    return Paired::Nothing;
                }
            }
            Block::Prose(prose) => {
                if let Some(label) = label(&page.blocks[index]) {
                    let said = labels::label(label);
                    let tool = labels::other_tool(label);
                    if tool.is_some() && tool != own_tool && said != Announces::Unspecific {
                        foreign.get_or_insert(7);
                    } else if foreign == Some(7) && said == Announces::Response {
                        foreign = None;
                    }
                    let only_body = labels::words(label) == ["body"];
                    if said != Announces::Unspecific
                        && !(only_body && announced == Announces::Response)
                    {
                        announced = said;
                    }
                }
                if labels::says_no_body(&prose.text) {
                    return Paired::NoBody;
                }
            }
            Block::Fence(fence) => {
                if page.declared_role(index) == Some("response") {
                    return Paired::Block(index);
                }
                if fence.fenced && is_bare_url(&fence.content) {
                    return Paired::Nothing;
                }
                let fits =
                    looks_like_response(&fence.content) && page.declared_role(index).is_none();
                if fits
                    && foreign.is_none()
                    && matches!(announced, Announces::Unspecific | Announces::Response)
                    && !(is_request_body(&fence.content, body) && json_follows(page, index, end))
                {
                    return Paired::Block(index);
                }
            }
            Block::Table(_) | Block::Directive(_) => {}
        }
    }
    Paired::Nothing
}

/// Whether a block shows the body of the request itself.
fn is_request_body(content: &str, body: Option<&Value>) -> bool {
    body.is_some() && serde_json::from_str(content).ok().as_ref() == body
}

fn json_follows(page: &Page, index: usize, end: usize) -> bool {
    let heading = page.heading_of(index);
    (index + 1..end).any(|at| {
        page.fence(at)
            .is_some_and(|fence| looks_like_response(&fence.content))
            && page.heading_of(at) == heading
    })
}

/// A URL alone in a block is a request for another client.
fn is_bare_url(content: &str) -> bool {
    let text = content.trim();
    let begins = ["http://", "https://", "localhost:", "{"]
        .iter()
        .any(|start| text.starts_with(start));
    !text.contains(['\n', '"', ' ']) && begins && text.contains('/')
}

fn tool_above(page: &Page, at: usize) -> Option<&'static str> {
    page.headings_above(at)
        .find_map(|heading| labels::other_tool(&heading.text))
}

fn level(page: &Page, index: usize) -> u8 {
    match &page.blocks[index] {
        Block::Heading(heading) => heading.level,
        _ => 0,
    }
}
