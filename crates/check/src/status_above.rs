//! The status of an example in the text above it and in its heading.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::blocks::Prose;
use super::candidates;
use super::example::Example;
use super::http_message::{self, METHODS};
use super::labels;
use super::mentions;
use super::other_requests;
use super::page::{Block, Fence, Page};
use super::pairing;
use super::status::{Expected, StatusSource, one, usual};
use super::status_text::{self, in_line, in_paragraph};
use super::text::line_start;
use super::transcript;

/// A status in the sentence that leads to the request: "Deleting it again returns 404:".
pub fn announced(page: &Page, example: &Example) -> Option<Expected> {
    if let Some(status) = in_label(page, example) {
        return Some(status);
    }
    let Block::Prose(prose) = page.blocks.get(example.fence.checked_sub(1)?)? else {
        return None;
    };
    let text = labels::last_sentence(&prose.text);
    // "Add one. Expected: 201"
    let above = prose.text.trim().strip_suffix(text).unwrap_or_default();
    if status_text::names_request(above) && !labels::leads(text) {
        return None;
    }
    let ends_with_status = !above.is_empty() && in_line(text).is_some();
    // The status of a second call, of another server, or one that does not come.
    static OTHER: LazyLock<Regex> = regex!(
        r"(?i)\b(?:twice|second\s+time|the\s+next|later|otherwise|others?|does\s+not\s+return|doesn['’]t\s+return)\b"
    );
    // "**Delete it → 204**"
    static AFTER_ARROW: LazyLock<Regex> =
        regex!(r"(?:→|->|=>)\s*`?(?:HTTP\s+)?[1-5]\d\d\b[\s\w()`]*$");
    // "2) Delete it (204 No Content)"
    static IN_BRACKETS: LazyLock<Regex> =
        regex!(r"\((?P<status>(?:HTTP\s+)?[1-5]\d\d\s+[A-Z][A-Za-z ]+)\)\W*$");
    let in_brackets = IN_BRACKETS.captures(text);
    const DOUBT: &str = "avoid not no never without prevent if as when until";
    let is_title = |text: &str| {
        labels::words(text).len() <= 10
            && status_text::is_statement(text)
            && !labels::has_word(text.split('(').next().unwrap_or_default(), DOUBT)
    };
    let in_brackets = in_brackets.filter(|_| is_title(text));
    let in_brackets = in_brackets.and_then(|found| in_line(&found["status"]));
    let is_title = prose.bold.as_deref() == Some(prose.text.trim())
        || AFTER_ARROW.is_match(text)
        || in_brackets.is_some();
    // "- `GET /users/9` returns `404`"
    let is_item = page
        .fence(example.fence)
        .is_some_and(|fence| fence.range == prose.range);
    if !labels::leads(text) && !ends_with_status && !is_title && !is_item
        || OTHER.is_match(text)
        || other_requests::is_about(
            labels::last_sentence(&page.text[prose.range.clone()]),
            &example.request,
        )
    {
        return None;
    }
    let place = Some(prose.range.clone());
    if let Some(statuses) = status_text::of_cases(&prose.text) {
        return Some(several(statuses, prose));
    }
    let sure = in_brackets
        .or_else(|| in_paragraph(text))
        .or_else(|| status_text::of_other_case(text))
        .or_else(|| status_text::of_heading(text))
        .or_else(|| status_text::on_success(text));
    if let Some(status) = sure {
        return Some(one(status, StatusSource::Text, place));
    }
    let status = status_text::in_short_sentence(text)?;
    let mut stated = one(status, StatusSource::Text, place);
    // An error may be a remark about other requests.
    if status >= 400 {
        stated.statuses.push(usual(example.method()));
    }
    Some(stated)
}

/// The statuses of the cases that a paragraph lists.
fn several(statuses: Vec<u16>, prose: &Prose) -> Expected {
    Expected {
        statuses,
        source: StatusSource::Text,
        place: Some(prose.range.clone()),
    }
}

/// The status in the label of a request in a line: "No user (404): `GET /users/9`".
fn in_label(page: &Page, example: &Example) -> Option<Expected> {
    let fence = page.fence(example.fence).filter(|fence| !fence.fenced)?;
    let line = &page.text[line_start(&page.text, fence.range.start)..fence.range.end];
    let method = METHODS
        .iter()
        .filter_map(|method| line.find(method))
        .min()?;
    let label = line[..method].trim_matches(['`', ' ', '*', '-']);
    let status = status_text::of_heading(label).filter(|_| labels::leads(label))?;
    Some(one(status, StatusSource::Text, Some(fence.range.clone())))
}

/// A status in the text between the heading and the first request of its section: `**Response code:** 400`.
pub fn stated(page: &Page, example: &Example) -> Option<Expected> {
    let start = page.heading_of(example.fence).map_or(0, |at| at + 1);
    let above: Vec<&Block> = page.blocks[start..example.fence].iter().collect();
    stated_in(page, &above, example).or_else(|| {
        // The path of the endpoint is a block, too.
        let is_text = |block: &&Block| !matches!(block, Block::Fence(fence) if !fence.fenced);
        let described = page.blocks[described_above(page, example)?].iter();
        let success = stated_in(
            page,
            &described.filter(is_text).collect::<Vec<_>>(),
            example,
        )?;
        (success.statuses[0] < 300).then_some(success)
    })
}

/// The blocks that describe a request above the heading of its example: "Example request".
fn described_above(page: &Page, example: &Example) -> Option<Range<usize>> {
    let end = page.heading_of(example.fence)?;
    let Block::Heading(own) = &page.blocks[end] else {
        return None;
    };
    let is_alone = end + 1 == example.fence;
    let start = (0..end)
        .rev()
        .find(|at| matches!(page.blocks[*at], Block::Heading(_)))?;
    let is_outer = matches!(&page.blocks[start], Block::Heading(outer) if outer.level < own.level);
    (is_alone && is_outer && labels::names_example(&own.text)).then_some(start + 1..end)
}

/// The only status in text, or those of a list of what can come.
fn stated_in(page: &Page, above: &[&Block], example: &Example) -> Option<Expected> {
    // Where endpoints are set in bold, each begins a section of its own.
    let named = above
        .iter()
        .rposition(|block| mentions::begins_endpoint(block));
    let body = example.request.json_body();
    let mut found: Option<Expected> = None;
    let mut is_listed = true;
    for block in &above[named.unwrap_or_default()..] {
        let prose = match block {
            Block::Directive(_) => continue,
            // A path or a body in the text, or another request.
            Block::Fence(fence)
                if !fence.fenced
                    && (fence.content.starts_with(['{', '/'])
                        || http_message::begins_message(&fence.content)) =>
            {
                continue;
            }
            Block::Fence(fence) if pairing::is_sent(fence, body.as_ref()) => continue,
            Block::Prose(prose)
                if !candidates::begins_errors(block) && !candidates::begins_cases(block) =>
            {
                prose
            }
            _ => return None,
        };
        if other_requests::is_about(&page.text[prose.range.clone()], &example.request) {
            continue;
        }
        if let Some(statuses) = status_text::of_cases(&prose.text) {
            found = Some(several(statuses, prose));
            continue;
        }
        let is_item = page.is_list_item(prose.range.start);
        let item = || status_text::explained(&prose.text).filter(|_| is_item);
        let success = || status_text::on_success(&prose.text);
        let choices = status_text::of_choices(&prose.text).unwrap_or_default();
        let status = in_paragraph(&prose.text).or_else(success).or_else(item);
        let Some(status) = status.or(choices.first().copied()) else {
            continue;
        };
        let is_label = prose.text.lines().any(|line| in_line(line).is_some());
        if !is_label
            && item().is_none()
            && choices.is_empty()
            && status_text::is_general(&prose.text)
        {
            continue;
        }
        is_listed &= is_item;
        match &mut found {
            // A list of what can come, the success first.
            Some(earlier) if is_listed && earlier.statuses[0] < 300 => {
                earlier.statuses.push(status)
            }
            Some(_) => return None,
            None => {
                let mut text = one(status, StatusSource::Text, Some(prose.range.clone()));
                text.statuses
                    .extend(choices.into_iter().filter(|code| *code != status));
                let goes_on = prose.text.trim_end_matches('.').contains(". ");
                if status >= 400 && (item().is_some() || !is_label && goes_on) {
                    text.statuses.insert(0, usual(example.method()));
                }
                found = Some(text);
            }
        }
    }
    found
}

/// The status in the heading above a request, unless it is the heading of another one's response.
pub fn in_own_heading(page: &Page, example: &Example) -> Option<Expected> {
    let at = page.heading_of(example.fence)?;
    let Block::Heading(heading) = &page.blocks[at] else {
        return None;
    };
    static QUESTION: LazyLock<Regex> =
        regex!(r"(?i)^\W*(?:why|when|what|how|warum|wann|pourquoi|por\s+qu[eé]|почему)\b|\?\s*$");
    if QUESTION.is_match(&heading.text) {
        return None;
    }
    let status = status_text::of_heading(&heading.text)?;
    let is_request = |fence: &Fence| !transcript::shows_response(fence);
    let mut above = (0..at).rev().filter_map(|index| page.fence(index));
    let mut below = (at + 1..=example.fence).filter_map(|index| page.fence(index));
    if above.next().is_some_and(is_request) && !below.next().is_some_and(is_request) {
        return None;
    }
    let mut stated = one(status, StatusSource::Heading, Some(heading.range.clone()));
    // "Existing user (200), missing user (404)"
    let others = status_text::codes(&heading.text).into_iter();
    stated
        .statuses
        .extend(others.filter(|code| *code != status));
    Some(stated)
}
