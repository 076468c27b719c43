//! Which response belongs to a request.

use super::declared;
use crate::expect;
use crate::labels::{self, Part};
use crate::page::{Block, Page};

/// What stands where a response is expected.
pub(super) enum Answer {
    Fence(usize),
    NoBody,
    Silent,
}

/// The response of the request in the fence at `at`; `end` is the next request,
/// `requests` are all fences with requests, `taken` those given to others.
pub(super) fn response_of(page: &Page, at: usize, end: usize, requests: &[usize], taken: &[usize]) -> Answer {
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
