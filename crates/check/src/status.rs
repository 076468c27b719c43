//! The status that a page documents for an example: in a directive, the front matter, the response's status line, the
//! text, a heading or a table of statuses; else what the method usually returns.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::candidates;
use super::comments;
use super::examples::Example;
use super::labels;
use super::mentions;
use super::node::Node;
use super::page::{Block, Fence, Page, Table};
use super::pairing;
use super::programs;
use super::status_text::{self, code, in_line, in_paragraph, status_column};
use super::text::pattern;
use super::transcript;

/// The documented status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The allowed statuses; the first is the one to show.
    pub statuses: Vec<u16>,
    /// Where it is documented.
    pub source: StatusSource,
    /// The range in the page.
    pub place: Option<Range<usize>>,
}

/// Where a status is documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusSource {
    /// `<!-- standin: status=404 -->`
    Directive,
    /// `testable: [NAME / 200,204]`
    FrontMatter,
    /// `HTTP/1.1 201 Created` in the response.
    StatusLine,
    /// `**Status:** 201` in a paragraph.
    Text,
    /// A heading or label.
    Heading,
    /// The member `status` of an error.
    Body,
    /// The first success row of a table of statuses.
    Table,
    /// Nowhere; this is what the method usually returns.
    Method,
}

impl StatusSource {
    /// The source for messages such as "the heading documents 201".
    pub fn description(self) -> &'static str {
        match self {
            StatusSource::Directive => "the comment above it",
            StatusSource::FrontMatter => "the front matter",
            StatusSource::StatusLine => "the status line of the response",
            StatusSource::Text => "the text",
            StatusSource::Heading => "the heading",
            StatusSource::Body => "the response",
            StatusSource::Table => "the table of statuses",
            StatusSource::Method => "the method",
        }
    }
}

/// The documented status of an example; `head` is the status line in its response, and `body` the documented body.
pub fn expected(
    page: &Page,
    example: &Example,
    head: Option<(u16, Range<usize>)>,
    body: Option<&Node>,
) -> Expected {
    let method = example.method();
    if !example.directives.statuses.is_empty() {
        let statuses = example.directives.statuses.clone();
        return Expected {
            statuses,
            source: StatusSource::Directive,
            place: None,
        };
    }
    if let Some(entry) = example
        .testable
        .and_then(|entry| page.front.testable.get(entry))
        && !entry.statuses.is_empty()
    {
        return Expected {
            statuses: entry.statuses.clone(),
            source: StatusSource::FrontMatter,
            place: Some(entry.range.clone()),
        };
    }
    if let Some((status, place)) = head {
        return one(status, StatusSource::StatusLine, Some(place));
    }
    in_text(page, example)
        .or_else(|| in_own_block(page, example))
        .or_else(|| in_error(body?, method))
        .or_else(|| in_table(page, example, method))
        .unwrap_or_else(|| one(usual(method), StatusSource::Method, None))
}

/// The status in a block of its own below the response, whose label or heading names a status: "HTTP code".
fn in_own_block(page: &Page, example: &Example) -> Option<Expected> {
    let response = example.response.as_ref()?.fence;
    let shown = (response + 1..example.end).find(|index| page.fence(*index).is_some())?;
    let fence = page.fence(shown)?;
    let above = page.blocks.get(shown.checked_sub(1)?)?;
    let label = match above {
        Block::Heading(heading) => &heading.text,
        Block::Prose(prose) => &prose.text,
        _ => return None,
    };
    let (head, body) = transcript::head(&fence.content);
    let is_alone = fence.content[body..].trim().is_empty();
    const STATUS: &str = "status statut estado stato статус état";
    let label = label.trim_end_matches([':', '：', ' ']);
    let is_labelled = status_text::is_status_label(label)
        || labels::words(label).len() <= 4 && labels::has_word(label, STATUS);
    let head = head.filter(|_| is_alone && is_labelled)?;
    let place = Some(fence.source_range(&head.span));
    Some(one(head.status, StatusSource::StatusLine, place))
}

/// The status that a documented error has as a member. A record may have such a member, too, so a success is as good.
fn in_error(body: &Node, method: &str) -> Option<Expected> {
    let body = body.to_value();
    let status = ["status", "statusCode", "status_code", "code"]
        .iter()
        .find_map(|key| body.get(key)?.as_u64());
    let status = u16::try_from(status?).ok()?;
    let says_why = ["title", "detail", "error", "message"]
        .iter()
        .any(|key| body.get(key).is_some());
    (says_why && (400..600).contains(&status)).then(|| Expected {
        statuses: vec![status, usual(method)],
        source: StatusSource::Body,
        place: None,
    })
}

/// The status of a method on success.
pub fn usual(method: &str) -> u16 {
    match method {
        "POST" => 201,
        "OPTIONS" => 204,
        _ => 200,
    }
}

fn one(status: u16, source: StatusSource, place: Option<Range<usize>>) -> Expected {
    Expected {
        statuses: vec![status],
        source,
        place,
    }
}

/// A status in the text between the request and its response, or in a heading above them. Text below the response
/// is about something else, and so is text after another code block or table.
fn in_text(page: &Page, example: &Example) -> Option<Expected> {
    // Of several requests in a block, the text below is about the last one, and the text above about none.
    let content = page.fence(example.fence)?.content.as_str();
    let span = &example.request.span;
    let has_request = |text: Option<&str>| {
        text.is_some_and(|text| text.contains("curl ") || programs::has_call(text))
    };
    let is_last = !has_request(content.get(span.end..));
    let is_only = is_last && !has_request(content.get(..span.start));
    let response = example.response.as_ref().map(|response| response.fence);
    let until = response
        .unwrap_or(example.end)
        .min(example.end.max(example.fence + 1));
    let until = if is_last { until } else { example.fence + 1 };
    // A heading or sentence that names a request, whose section has parts.
    let is_named = page
        .fence(example.fence)
        .is_some_and(|fence| !fence.fenced || candidates::is_bare_url(&fence.content));
    let body = example.request.json_body();
    let mut found: Option<Expected> = None;
    let mut in_errors = false;
    let own = match page.heading_of(example.fence).map(|at| &page.blocks[at]) {
        Some(Block::Heading(own)) => Some(own),
        _ => None,
    };
    // "Not found" of the same level, with a request of its own.
    let is_next = |index: usize, level: u8| {
        let is_heading = |block: &&Block| matches!(block, Block::Heading(_));
        let below = page.blocks[index + 1..].iter();
        let mut below = below.take_while(|block| !is_heading(block));
        own.is_some_and(|own| level <= own.level)
            && below.any(
                |block| matches!(block, Block::Fence(fence) if !transcript::shows_response(fence)),
            )
    };
    // The level of the example's own heading, if that is about another status than those below it.
    let own = own.filter(|own| status_text::of_heading(&own.text).is_some());
    let own = own.map(|own| own.level);
    // The paragraph of a command within it goes on below the command.
    if let Some(Block::Prose(prose)) = example.fence.checked_sub(1).map(|at| &page.blocks[at])
        && let Some(fence) = page.fence(example.fence)
        && let Some(rest) = page.text.get(fence.range.end..prose.range.end)
    {
        let rest = rest.trim_matches(['`', ' ', '\n']);
        let status = in_paragraph(rest).or_else(|| status_text::on_success(rest));
        found = status.map(|status| one(status, StatusSource::Text, Some(prose.range.clone())));
    }
    for index in example.fence + 1..until.min(page.blocks.len()) {
        let block = &page.blocks[index];
        if candidates::begins_errors(block) || candidates::begins_cases(block) {
            if found.is_some() {
                break;
            }
            // One error alone is that of the example.
            let is_one =
                matches!(block, Block::Prose(prose) if in_paragraph(&prose.text).is_some());
            in_errors = !is_one || candidates::begins_cases(block);
        }
        match block {
            block if response.is_none() && mentions::begins_endpoint(block) => break,
            // The title of the next collapsible part.
            Block::Prose(prose)
                if response.is_none()
                    && page.text[..prose.range.start].ends_with('>')
                    && in_line(&prose.text).is_none()
                    && labels::stem(&prose.text, labels::Announces::Response).is_none() =>
            {
                break;
            }
            // It is about the next request: "This returns 200 and the list:", "Not found".
            Block::Prose(prose)
                if response.is_none()
                    && index + 1 == until
                    && page.fence(until).is_some()
                    && (leads_on(&prose.text)
                        || !prose.text.contains(|c: char| c.is_numeric())
                        || prose.range.end > page.blocks[until].range().start) => {}
            // What another server is to answer.
            Block::Prose(prose) if labels::is_about_another(&prose.text) => {}
            Block::Prose(prose) => {
                let explained = || status_text::explained(&prose.text);
                let label = || {
                    let source = page.text[prose.range.clone()].lines().last();
                    let mut texts = [source?, &prose.text].into_iter();
                    texts
                        .find_map(status_text::of_any_label)
                        .filter(|_| response == Some(index + 1))
                };
                let success = || {
                    let status = status_text::of_success(&prose.text);
                    status.or_else(|| status_text::on_success(&prose.text))
                };
                let found_here = in_paragraph(&prose.text).or_else(explained).or_else(label);
                // "`204 No Content`. `404 Not Found` if there is none."
                let first = || {
                    let (first, _) = prose.text.split_once(". ")?;
                    in_line(first).filter(|status| first.contains(&status.to_string()))
                };
                let found_here = found_here.or_else(success).or_else(first);
                let alternative = status_text::with_alternative(&prose.text);
                let choices = status_text::of_choices(&prose.text).unwrap_or_default();
                let found_here = found_here
                    .or(alternative.map(|[status, _]| status))
                    .or(choices.first().copied());
                if let Some(status) = found_here {
                    let mut text = one(status, StatusSource::Text, Some(prose.range.clone()));
                    text.statuses.extend(alternative.map(|[_, other]| other));
                    if alternative.is_none() {
                        text.statuses.extend(choices.iter().skip(1));
                    }
                    if let Some(statuses) = status_text::of_cases(&prose.text) {
                        text.statuses = statuses;
                    }
                    let is_item = explained().is_some()
                        && page.is_list_item(prose.range.start)
                        && !labels::says_expected(&prose.text);
                    let is_general = choices.is_empty()
                        && in_paragraph(&prose.text).is_some()
                        && prose.text.lines().all(|line| in_line(line).is_none())
                        && status_text::is_general(&prose.text)
                        && label().is_none();
                    if found.is_none() && (is_general || ((in_errors || is_item) && status >= 400))
                    {
                        // What can come: whether it does here is not clear.
                        text.statuses.insert(0, usual(example.method()));
                    }
                    // A success and a failure are a list of what can come.
                    if let Some(earlier) = &mut found
                        && (earlier.statuses[0] < 400) != (text.statuses[0] < 400)
                    {
                        earlier.statuses.append(&mut text.statuses);
                    } else {
                        found = Some(text);
                    }
                }
            }
            // A further step of the same request.
            Block::Heading(heading)
                if is_named && candidates::is_next_step(page, example.fence, heading) => {}
            Block::Heading(heading) if response.is_none() && is_next(index, heading.level) => break,
            // Another section, which is about its own request or about another case.
            Block::Heading(heading)
                if response.is_none()
                    && labels::heading(&heading.text) != labels::Announces::Response
                    && !(is_named && labels::names_part(&heading.text))
                    && (in_line(&heading.text).is_none()
                        || own.is_some_and(|own| heading.level <= own)) =>
            {
                break;
            }
            Block::Heading(heading)
                if status_text::of_label(&heading.text)
                    .or_else(|| status_text::of_any_label(&heading.text))
                    .is_some() =>
            {
                let status = status_text::of_label(&heading.text)
                    .or_else(|| status_text::of_any_label(&heading.text));
                let place = Some(heading.range.clone());
                found = status.map(|status| one(status, StatusSource::Heading, place));
            }
            Block::Fence(fence) if pairing::is_sent(fence, body.as_ref()) => {}
            // The body of a failure, below which a success may be described.
            Block::Fence(_)
                if example.unpaired.contains(&index)
                    && found.as_ref().is_some_and(|found| found.statuses[0] >= 400) => {}
            Block::Heading(_) if in_errors && candidates::begins_errors(block) => {}
            Block::Heading(heading)
                if labels::heading(&heading.text) == labels::Announces::Response
                    && !labels::has_word(&heading.text, "responses") => {}
            Block::Fence(_) if example.body.is_some_and(|body| index <= body) => {}
            // A table of options or parameters is about the request.
            Block::Table(table) if response.is_none() && status_column(table).is_some() => break,
            Block::Heading(_) | Block::Fence(_) if response.is_none() => break,
            _ => {}
        }
    }
    let above = || {
        announced_above(page, example)
            .or_else(|| stated_above(page, example))
            .or_else(|| in_own_heading(page, example))
    };
    found
        .or_else(|| in_comment(page, example))
        .or_else(|| in_curl_error(page, example))
        .or_else(|| is_only.then(above).flatten())
}

/// Whether a paragraph ends with a sentence about what is below it and is not a label such as `Response (404):`.
fn leads_on(text: &str) -> bool {
    let sentence = labels::last_sentence(text);
    labels::leads(sentence) && in_line(sentence).is_none() && labels::words(sentence).len() > 3
}

/// A status in a comment above the request or at the end of its line, `# returns 404`, or in a test below it.
fn in_comment(page: &Page, example: &Example) -> Option<Expected> {
    // `client.assert(response.status === 201)`, as editors run it.
    static TESTED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?:response\.status\s*={2,3}\s*|to\.have\.status\()([1-5]\d\d)\b")
    });
    // `# => 400 Bad Request with Problem Details` in the line below.
    static BELOW: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^\s*(?:#|//)\s*(?:->|=>|→|⇒|>)\s*(?:HTTP(?:/[\d.]+)?\s+)?(?P<code>[1-5]\d\d)(?:\s+[A-Z]|\s*[,:;(–—-]|\s*$)",
        )
    });
    let content = page.fence(example.fence)?.content.as_str();
    let span = &example.request.span;
    let line_end = content[span.end..]
        .find('\n')
        .map_or(content.len(), |at| span.end + at);
    let after = content[span.end..line_end].trim().strip_prefix('#');
    // What jq prints is not a status.
    let is_output = example.request.printed.is_filtered() && example.request.output.is_some();
    let after = after.filter(|_| !is_output);
    let mut lines = content[..span.start]
        .trim_end_matches([' ', '\t', '$', '%'])
        .strip_suffix('\n')
        .unwrap_or_default()
        .rsplit('\n')
        .map(str::trim);
    // Directly below another command, a status alone is that command's.
    let above = lines.next().filter(|line| {
        lines.next().unwrap_or_default().is_empty() || comments::comment_output(line) == 0
    });
    let above = above.and_then(|line| line.strip_prefix('#'));
    // "### A user that is not there (404)" in a file of requests.
    let usual = usual(example.method());
    let comment = |text: &str| status_text::of_comment(text, usual);
    let tested = || {
        let status = TESTED.captures(&content[span.clone()])?[1].parse().ok()?;
        Some(vec![status])
    };
    let statuses = after.into_iter().chain(above).find_map(comment);
    let below = || {
        let line = content.get(line_end..)?.lines().nth(1)?;
        let code = BELOW.captures(line)?["code"].parse().ok()?;
        Some(vec![code]).filter(|_| example.request.output.is_none())
    };
    let statuses = statuses.or_else(below);
    Some(Expected {
        statuses: statuses.or_else(tested)?,
        source: StatusSource::Text,
        place: None,
    })
}

/// The status in the error that `curl --fail` prints below the command.
fn in_curl_error(page: &Page, example: &Example) -> Option<Expected> {
    static ERROR: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^\s*curl: \(22\) The requested URL returned error: (\d{3})"));
    let content = page.fence(example.fence)?.content.as_str();
    let status = ERROR.captures(&content[example.request.span.end..])?;
    Some(one(status[1].parse().ok()?, StatusSource::Text, None))
}

/// A status in the sentence that leads to the request: "Deleting it again returns 404:".
fn announced_above(page: &Page, example: &Example) -> Option<Expected> {
    let Block::Prose(prose) = page.blocks.get(example.fence.checked_sub(1)?)? else {
        return None;
    };
    let text = labels::last_sentence(&prose.text);
    // "Add one. Expected: 201"
    let ends_with_status = text.len() < prose.text.trim().len() && in_line(text).is_some();
    // The status of a second call, of another server, or one that does not come.
    static OTHER: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(?:twice|second\s+time|the\s+next|later|otherwise|unlike|others?|does\s+not\s+return|doesn['’]t\s+return)\b",
        )
    });
    if !labels::leads(text) && !ends_with_status || OTHER.is_match(text) {
        return None;
    }
    let status = in_paragraph(text)
        .or_else(|| status_text::of_other_case(text))
        .or_else(|| status_text::of_heading(text))
        .or_else(|| status_text::on_success(text))?;
    Some(one(status, StatusSource::Text, Some(prose.range.clone())))
}

/// A status in the text between the heading and the first request of its section: `**Response code:** 400`.
fn stated_above(page: &Page, example: &Example) -> Option<Expected> {
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
            Block::Fence(fence) if pairing::is_sent(fence, body.as_ref()) => continue,
            Block::Prose(prose)
                if !candidates::begins_errors(block) && !candidates::begins_cases(block) =>
            {
                prose
            }
            _ => return None,
        };
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
fn in_own_heading(page: &Page, example: &Example) -> Option<Expected> {
    let at = page.heading_of(example.fence)?;
    let Block::Heading(heading) = &page.blocks[at] else {
        return None;
    };
    let status = status_text::of_heading(&heading.text)?;
    let is_request = |fence: &Fence| !transcript::shows_response(fence);
    let mut above = (0..at).rev().filter_map(|index| page.fence(index));
    let mut below = (at + 1..=example.fence).filter_map(|index| page.fence(index));
    if above.next().is_some_and(is_request) && !below.next().is_some_and(is_request) {
        return None;
    }
    let place = Some(heading.range.clone());
    Some(one(status, StatusSource::Heading, place))
}

/// The table of statuses for an example: the next one in the smallest section that has one, else the nearest above it
/// there, else the only one outside of sections with examples. The table of another example does not count.
pub fn table_of<'a>(page: &'a Page, example: &Example) -> Option<&'a Table> {
    let own = example.fence;
    let is_status = |index: &usize| matches!(&page.blocks[*index], Block::Table(table) if status_column(table).is_some());
    let is_of_other = |index: usize| {
        let apart = |section: &Range<usize>| !section.contains(&own);
        let mut apart = sections(page, index).into_iter().filter(apart);
        apart.any(|section| has_requests(page, section))
    };
    let is_own = |index: &usize| is_status(index) && !is_of_other(*index);
    let nearest = sections(page, own).into_iter().find_map(|section| {
        let before = || (section.start..own).rev().find(is_own);
        (own..section.end).find(is_own).or_else(before)
    });
    let only = || {
        let mut all = (0..page.blocks.len())
            .filter(is_status)
            .filter(|index| !has_requests(page, section(page, *index)));
        all.next().filter(|_| all.next().is_none())
    };
    match &page.blocks[nearest.or_else(only)?] {
        Block::Table(table) => Some(table),
        _ => None,
    }
}

/// The sections that contain a block, up to that of `##`, the smallest first: those of headings, and a collapsible part.
fn sections(page: &Page, index: usize) -> Vec<Range<usize>> {
    let mut out = vec![section(page, index)];
    let mut level = u8::MAX;
    for start in (0..index).rev() {
        let Block::Heading(heading) = &page.blocks[start] else {
            continue;
        };
        if heading.level <= 2 {
            break;
        }
        if heading.level < level {
            level = heading.level;
            let ends = |at: &usize| matches!(&page.blocks[*at], Block::Heading(next) if next.level <= level);
            let end = (index + 1..page.blocks.len()).find(ends);
            out.push(start..end.unwrap_or(page.blocks.len()));
        }
    }
    out.extend(collapsible(page, index));
    out.sort_by_key(Range::len);
    out
}

/// The blocks of the `<details>` element that contains a block.
fn collapsible(page: &Page, index: usize) -> Option<Range<usize>> {
    let at = page.blocks[index].range().start;
    let start = page.text[..at].rfind("<details")?;
    let length = page.text[start..].find("</details>")?;
    let inside = start..start + length;
    let is_before = |end: usize| move |block: &Block| block.range().start < end;
    inside.contains(&at).then(|| {
        page.blocks.partition_point(is_before(inside.start))
            ..page.blocks.partition_point(is_before(inside.end))
    })
}

/// The blocks of the `#` or `##` section that contains a block.
pub fn section(page: &Page, index: usize) -> Range<usize> {
    let top =
        |at: &usize| matches!(&page.blocks[*at], Block::Heading(heading) if heading.level <= 2);
    let start = (0..index).rev().find(top).unwrap_or(0);
    let end = (index + 1..page.blocks.len())
        .find(top)
        .unwrap_or(page.blocks.len());
    start..end
}

/// Whether a section contains requests.
fn has_requests(page: &Page, section: Range<usize>) -> bool {
    page.blocks[section].iter().any(|block| match block {
        Block::Fence(fence) => {
            fence.content.contains("curl ")
                || super::http_message::begins_message(fence.content.trim())
        }
        _ => false,
    })
}

fn in_table(page: &Page, example: &Example, method: &str) -> Option<Expected> {
    let table = table_of(page, example)?;
    let column = status_column(table)?;
    let mut first = None;
    for row in &table.rows {
        let Some(cell) = row.get(column) else {
            continue;
        };
        let Some(status) = code(cell).filter(|status| (200..300).contains(status)) else {
            continue;
        };
        // A table for several verbs lists the success of each.
        if status == usual(method) {
            return Some(one(status, StatusSource::Table, Some(cell.range.clone())));
        }
        first.get_or_insert_with(|| one(status, StatusSource::Table, Some(cell.range.clone())));
    }
    first
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::examples;
    use super::*;

    fn statuses(text: &str) -> Vec<(u16, StatusSource)> {
        let page = Page::parse(Path::new("p.md"), text.to_owned());
        examples::find(&page)
            .iter()
            .map(|example| {
                let expected = expected(&page, example, None, None);
                (expected.statuses[0], expected.source)
            })
            .collect()
    }

    #[test]
    fn where_statuses_are_documented() {
        let post = "```sh\ncurl -X POST h/a -d '{}'\n```\n\n";
        let get = "```sh\ncurl h/a\n```\n\n";
        let table = "| Status code | Meaning |\n|---|---|\n| 200 OK | fine |\n| 404 | gone |\n";
        let rows = [
            (post.to_owned(), 201, StatusSource::Method),
            (get.to_owned(), 200, StatusSource::Method),
            (
                format!("<!-- standin: status=409 -->\n\n{post}"),
                409,
                StatusSource::Directive,
            ),
            (
                format!(
                    "---\ntest:\n  testable:\n    - POST x / 204\n---\n\n### POST x request\n\n{post}"
                ),
                204,
                StatusSource::FrontMatter,
            ),
            (format!("{get}**Status:** 404\n"), 404, StatusSource::Text),
            (
                format!("{get}Returns 404 if it is gone.\n"),
                200,
                StatusSource::Method,
            ),
            (
                format!("### Request\n\n{get}### Response (404 Not Found)\n\n```json\n{{}}\n```\n"),
                404,
                StatusSource::Heading,
            ),
            (format!("## A\n\n{post}{table}"), 200, StatusSource::Table),
            (format!("## A\n\n{get}{table}"), 200, StatusSource::Table),
            (format!("{table}\n## A\n\n{get}"), 200, StatusSource::Table),
            (
                format!("## A\n\n{post}## Return status\n\n{table}"),
                200,
                StatusSource::Table,
            ),
        ];
        for (text, status, source) in rows {
            assert_eq!(statuses(&text), [(status, source)], "{text}");
        }
    }

    #[test]
    fn the_usual_ways_to_document_a_failure() {
        let understood = [
            "Response: `404 Not Found`",
            "Response: 404 Not Found",
            "**Response:** 404 Not Found",
            "**Response**: `404`",
            "Response (404):",
            "**Response (404 Not Found):**",
            "Response - 404",
            "Status: 404",
            "**Status Code:** `404 NOT FOUND`",
            "Status code 404",
            "- Code: 404 NOT FOUND",
            "HTTP 404",
            "HTTP/1.1 404 Not Found",
            "HTTP Status: **404**",
            "404 Not Found",
            "\u{274c} 404 Not Found",
            "Error 404",
            "Antwort: `404 Not Found`",
            "**Antwort** (404 Not Found)",
            "Réponse : `404 Not Found`",
            "Respuesta: 404 Not Found",
            "Resposta: `404`",
            "Risposta: 404 Not Found",
            "Das liefert 404:",
            "You get 404 from it.",
            "Expected response: 404",
            "Result: 404 Not Found",
            "Output: 404 Not Found",
            "=> 404 Not Found",
            "![Status: 404](https://img.shields.io/badge/status-404-red)",
            "Returns `404`:",
            "returns a 404 error.",
            "This returns HTTP 404.",
            "The server responds with 404 Not Found:",
            "The API replies with status code 404.",
            "You get a 404 response:",
            "The request fails with 404.",
            "The response is 404 Not Found because there is no such user:",
            "This results in a `404 Not Found` error.",
            "> **404 Not Found** – no such user",
            "404 - no such user",
            "Response (Not Found)",
            "**Not found**",
            "**Error response:** 404",
            "El servidor devuelve un error 404.",
            "响应：`404 Not Found`",
            "返回 404",
            "Ответ: 404",
        ];
        for text in understood {
            let page = format!("```sh\ncurl h/a\n```\n\n{text}\n");
            assert_eq!(statuses(&page)[0].0, 404, "{text}");
            let page = format!("{page}\n```json\n{{}}\n```\n");
            assert_eq!(statuses(&page)[0].0, 404, "{text}");
        }
        let others = [
            "Duplicate names return 409.",
            "Short names fail with 422.",
            "Ein Abruf liefert danach 404.",
            "Missing tokens give 401 on the real service.",
            "Returns 404 if there is no such user.",
            "If it lacks a name, the server will respond with the status code 404 bad request:",
            "Returns 404 for unknown users.",
            "Returns 404 users.",
            "There are 404 users.",
            "It gets 404 records.",
            "Returns 200 or 404.",
            "Otherwise the status is 404.",
            "Das liefert 404, wenn es keinen gibt.",
        ];
        for text in others {
            let page = format!("```sh\ncurl h/a\n```\n\n{text}\n");
            assert_eq!(statuses(&page)[0].0, 200, "{text}");
        }
    }

    #[test]
    fn text_above_the_request_counts_where_it_leads_to_it() {
        let rows = [
            ("Deleting it again returns 404:", 404),
            (
                "If there is no such user, the server responds with 404:",
                404,
            ),
            ("Unknown users give 404. Known ones are shown:", 200),
            ("If there is no such user, it returns 404.", 200),
            ("You get 404 from the following, as there is none:", 404),
            ("- `404` – when missing:", 404),
            ("## Get a missing user (404)", 404),
            ("## A missing user gives 404", 404),
            ("## Missing user - 404 Not Found", 404),
            ("## Delete nothing: 404", 404),
            ("## 404 when the user is missing", 404),
            ("## Create (204)", 204),
            ("## Get a user (404 if it is missing)", 200),
            ("## Top users (404 of them)", 200),
            ("## 500 users", 200),
        ];
        for (text, status) in rows {
            let page = format!("{text}\n\n```sh\ncurl h/a\n```\n");
            assert_eq!(statuses(&page)[0].0, status, "{text}");
        }
    }

    #[test]
    fn of_several_requests_the_last_one_has_the_status_below() {
        let text = "Both give 404:\n\n```sh\ncurl h/a\ncurl h/b\n```\n\nResponse: 403\n";
        let seen: Vec<u16> = statuses(text).iter().map(|(status, _)| *status).collect();
        assert_eq!(seen, [200, 403]);
    }

    #[test]
    fn a_table_of_errors_alone_leaves_the_status_of_success() {
        let table = "| Status | Meaning |\n|---|---|\n| 400 | bad |\n| 404 | gone |\n";
        let text = format!("## A\n\n```sh\ncurl -X POST h/a -d x\n```\n\n{table}");
        assert_eq!(statuses(&text), [(201, StatusSource::Method)]);
    }

    #[test]
    fn a_table_of_another_request_says_nothing() {
        let text = "## A\n\n```sh\ncurl -X POST h/a -d x\n```\n\n## B\n\n```sh\ncurl h/b\n```\n\n| Code |\n|---|\n| 200 |\n";
        assert_eq!(
            statuses(text),
            [(201, StatusSource::Method), (200, StatusSource::Table)]
        );
    }

    #[test]
    fn only_tables_of_statuses() {
        let rows = [
            ("Status value", true),
            ("HTTP code", true),
            ("Parameter", false),
        ];
        for (header, is) in rows {
            let page = Page::parse(
                Path::new("p.md"),
                format!("| {header} | x |\n|---|---|\n| 200 | a |\n"),
            );
            let Some(Block::Table(table)) = page.blocks.first() else {
                panic!()
            };
            assert_eq!(status_column(table).is_some(), is, "{header}");
        }
    }
}
