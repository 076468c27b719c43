//! The status of an example in the text and headings between its request and its response. Text below the response is
//! about something else, and so is text after another code block or table.

use std::ops::ControlFlow;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::candidates;
use super::example::Example;
use super::labels::{self, Announces};
use super::mentions;
use super::other_requests;
use super::page::{Block, Fence, Heading, Page};
use super::pairing;
use super::programs;
use super::status::{Expected, StatusSource, one, usual};
use super::status_text::{self, in_line, in_paragraph, status_column};
use super::transcript;

/// The status that is documented below a request, and before its response if there is one.
pub fn stated(page: &Page, example: &Example) -> Option<Expected> {
    // The heading or text that describes an endpoint is not code.
    let fence = page.fence(example.fence);
    let response = example.response.as_ref().map(|response| response.fence);
    let own = page.headings_above(example.fence).next();
    let mut below = Below {
        page,
        example,
        response,
        until: response
            .unwrap_or(example.end)
            .min(example.end.max(example.fence + 1)),
        is_named: fence
            .is_none_or(|fence| !fence.fenced || candidates::is_bare_url(&fence.content)),
        body: example.request.json_body(),
        own,
        found: None,
        is_listed: false,
        in_errors: false,
    };
    if let Some(fence) = fence {
        below.read_rest_of_paragraph(fence);
    }
    // Of several requests in a block, the text below is about the last one.
    if fence.is_none_or(|fence| is_last_in_block(fence, example)) {
        for index in example.fence + 1..below.until.min(page.blocks.len()) {
            if below.read(index).is_break() {
                break;
            }
        }
    }
    below.found
}

/// Whether no other request is below this one in its block.
pub fn is_last_in_block(fence: &Fence, example: &Example) -> bool {
    !has_request(fence.content.get(example.request.span.end..))
}

/// Whether no other request is above this one in its block.
pub fn is_first_in_block(fence: &Fence, example: &Example) -> bool {
    !has_request(fence.content.get(..example.request.span.start))
}

fn has_request(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.contains("curl ") || programs::has_call(text))
}

/// The blocks below a request, read from the top.
struct Below<'a> {
    page: &'a Page,
    example: &'a Example,
    /// The block with the response.
    response: Option<usize>,
    /// The first block that is not read.
    until: usize,
    /// The request is a heading or sentence that names it, so its section may have parts.
    is_named: bool,
    /// The JSON that is sent.
    body: Option<Value>,
    /// The heading above the request.
    own: Option<&'a Heading>,
    found: Option<Expected>,
    /// Whether that is in an item of a list.
    is_listed: bool,
    /// Below "Errors:", where the statuses that can come are listed.
    in_errors: bool,
}

impl Below<'_> {
    /// A command within a sentence, which goes on after it.
    fn read_rest_of_paragraph(&mut self, fence: &Fence) {
        if let Some(Block::Prose(prose)) = self
            .example
            .fence
            .checked_sub(1)
            .map(|at| &self.page.blocks[at])
            && let Some(rest) = self.page.text.get(fence.range.end..prose.range.end)
        {
            let rest = rest.trim_matches(['`', ' ', '\n']);
            let expected = || {
                let mut lines = rest.lines();
                lines.find_map(|line| status_text::of_choices(line)?.first().copied())
            };
            let status = status_text::in_brackets(rest)
                .or_else(|| in_paragraph(rest))
                .or_else(|| status_text::on_success(rest))
                .or_else(expected);
            let place = Some(prose.range.clone());
            self.found = status.map(|status| one(status, StatusSource::Text, place));
        }
    }

    /// Reads a block; breaks at one that is not about the request.
    fn read(&mut self, index: usize) -> ControlFlow<()> {
        let page = self.page;
        let block = &page.blocks[index];
        if candidates::begins_errors(block) || candidates::begins_cases(block) {
            if self.found.is_some() {
                return ControlFlow::Break(());
            }
            // One error alone is that of the example.
            let is_one =
                matches!(block, Block::Prose(prose) if in_paragraph(&prose.text).is_some());
            self.in_errors = !is_one || candidates::begins_cases(block);
        }
        if self.response.is_none() && mentions::begins_endpoint(block) {
            return ControlFlow::Break(());
        }
        match block {
            Block::Prose(prose) => {
                if self.is_title_of_next(index) {
                    return ControlFlow::Break(());
                }
                if !labels::is_about_another(&prose.text) {
                    self.read_paragraph(index);
                }
            }
            Block::Heading(heading) => return self.read_heading(index, heading),
            Block::Fence(fence) => return self.pass_code(index, fence),
            // A table of options or parameters is about the request.
            Block::Table(table) if self.response.is_none() && status_column(table).is_some() => {
                return ControlFlow::Break(());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    /// Whether a paragraph is the title of the next collapsible part.
    fn is_title_of_next(&self, index: usize) -> bool {
        let Block::Prose(prose) = &self.page.blocks[index] else {
            return false;
        };
        self.response.is_none()
            && self.page.text[..prose.range.start].ends_with('>')
            && in_line(&prose.text).is_none()
            && labels::stem(&prose.text, Announces::Response).is_none()
    }

    /// Whether a paragraph is about the next request: "This returns 200 and the list:", "Not found".
    fn is_about_next(&self, index: usize) -> bool {
        let Block::Prose(prose) = &self.page.blocks[index] else {
            return false;
        };
        self.response.is_none()
            && index + 1 == self.until
            && self.page.fence(self.until).is_some()
            && (leads_on(&prose.text)
                || !prose.text.contains(|c: char| c.is_numeric())
                || prose.range.end > self.page.blocks[self.until].range().start)
    }

    fn read_paragraph(&mut self, index: usize) {
        let Block::Prose(prose) = &self.page.blocks[index] else {
            return;
        };
        let text = other_requests::without(self.page, prose, &self.example.request);
        let text = status_text::without_lists_of_errors(&text);
        let mut text = text.as_str();
        if self.is_about_next(index) {
            // "Returns `204`. If it is gone, it returns `404`:"
            let rest = text
                .trim_end()
                .strip_suffix(labels::last_sentence(text).trim_end());
            text = rest.unwrap_or_default();
        }
        let label = || {
            let source = self.page.text[prose.range.clone()].lines().last();
            let mut texts = [source?, text].into_iter();
            texts
                .find_map(status_text::of_any_label)
                .filter(|_| self.response == Some(index + 1))
        };
        // "`204 No Content`. `404 Not Found` if there is none."
        let first = || {
            let (first, _) = text.split_once(". ")?;
            in_line(first).filter(|status| first.contains(&status.to_string()))
        };
        let remark = || status_text::in_short_sentence(text);
        let alternative = status_text::with_alternative(text);
        let choices = status_text::of_choices(text).unwrap_or_default();
        let Some(status) = in_paragraph(text)
            .or_else(|| status_text::explained(text))
            .or_else(|| status_text::of_expectation(text))
            .or_else(label)
            .or_else(|| status_text::of_success(text))
            .or_else(|| status_text::on_success(text))
            .or_else(first)
            .or(alternative.map(|[status, _]| status))
            .or(choices.first().copied())
            .or_else(remark)
            .or_else(|| status_text::of_no_content(text))
        else {
            // "`404` if it is missing", below "`200` on success".
            if self.is_listed
                && self.page.is_list_item(prose.range.start)
                && !status_text::is_unconditional(text)
                && let Some(found) = &mut self.found
            {
                let mut codes = status_text::codes(text);
                codes.retain(|code| *code >= 400);
                found.statuses.append(&mut codes);
            }
            return;
        };
        let mut stated = one(status, StatusSource::Text, Some(prose.range.clone()));
        match alternative {
            Some([_, other]) => stated.statuses.push(other),
            None if choices.is_empty() => {}
            None => stated.statuses = choices.clone(),
        }
        if let Some(statuses) = status_text::of_cases(text) {
            stated.statuses = statuses;
        }
        let is_listed = self.page.is_list_item(prose.range.start);
        let is_item =
            status_text::explained(text).is_some() && is_listed && !labels::says_expected(text);
        let is_expected = status_text::of_expectation(text).is_some();
        let is_general = choices.is_empty()
            && !is_expected
            && in_paragraph(text).is_some()
            && text.lines().all(|line| in_line(line).is_none())
            && status_text::is_general(text)
            && label().is_none();
        let is_sure = in_paragraph(text).is_some() || status_text::of_expectation(text).is_some();
        let is_remark = !is_sure && remark() == Some(status);
        let is_possible = is_general || (self.in_errors || is_item || is_remark) && status >= 400;
        if self.found.is_none() && is_possible {
            // The text lists a possible status, so the usual one is accepted, too.
            stated.statuses.insert(0, usual(self.example.method()));
        }
        // A success and a failure are a list of what can come.
        match &mut self.found {
            Some(earlier)
                if (earlier.statuses[0] < 400) != (stated.statuses[0] < 400)
                    || is_listed && self.is_listed =>
            {
                earlier.statuses.append(&mut stated.statuses);
            }
            _ => self.found = Some(stated),
        }
        self.is_listed = is_listed;
    }

    fn read_heading(&mut self, index: usize, heading: &Heading) -> ControlFlow<()> {
        // A further step of the same request.
        if self.is_named && candidates::is_next_step(self.page, self.example.fence, heading) {
            return ControlFlow::Continue(());
        }
        if self.response.is_none() && self.begins_another(index, heading) {
            return ControlFlow::Break(());
        }
        let status = status_text::of_label(&heading.text)
            .or_else(|| status_text::of_any_label(&heading.text));
        if let Some(status) = status {
            let place = Some(heading.range.clone());
            self.found = Some(one(status, StatusSource::Heading, place));
            return ControlFlow::Continue(());
        }
        let is_response = labels::heading(&heading.text) == Announces::Response
            && !labels::has_word(&heading.text, "responses");
        let begins_errors = self.in_errors && candidates::begins_errors(&self.page.blocks[index]);
        match self.response.is_none() && !is_response && !begins_errors {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Whether a heading begins a section about its own request or about another case.
    fn begins_another(&self, index: usize, heading: &Heading) -> bool {
        let blocks = &self.page.blocks;
        // A heading of the same level, such as "Not found", with its own request begins another example.
        let has_request = || {
            let below = blocks[index + 1..].iter();
            let mut below = below.take_while(|block| !matches!(block, Block::Heading(_)));
            below.any(
                |block| matches!(block, Block::Fence(fence) if !transcript::shows_response(fence)),
            )
        };
        if self.own.is_some_and(|own| heading.level <= own.level) && has_request() {
            return true;
        }
        let own = self
            .own
            .filter(|own| status_text::of_heading(&own.text).is_some());
        labels::heading(&heading.text) != Announces::Response
            && !(self.is_named && labels::names_part(&heading.text))
            && (in_line(&heading.text).is_none()
                || own.is_some_and(|own| heading.level <= own.level))
    }

    /// Goes on after the code that belongs to the request.
    fn pass_code(&self, index: usize, fence: &Fence) -> ControlFlow<()> {
        // The body of a failure, below which a success may be described.
        let is_of_failure = || {
            let is_failure = self
                .found
                .as_ref()
                .is_some_and(|found| found.statuses[0] >= 400);
            is_failure && self.example.unpaired.contains(&index)
        };
        let is_passed = self.response.is_some()
            || pairing::is_sent(fence, self.body.as_ref())
            || is_of_failure()
            || self.example.body.is_some_and(|body| index <= body);
        match is_passed {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }
}

/// Whether a paragraph ends with a sentence about what is below it and is not a label such as `Response (404):`.
fn leads_on(text: &str) -> bool {
    // "Now delete it; this returns 200."
    static NEXT: LazyLock<Regex> = regex!(
        r"(?i)^\W*(?:now|next|then|finally),?\s+(?:let['’]?s\s+|we\s+)?(?:delete|get|fetch|read|list|create|add|post|update|change|send|try|call|request|remove|look|check|see)\b"
    );
    let sentence = labels::last_sentence(text);
    NEXT.is_match(text)
        || labels::leads(sentence)
            && in_line(sentence).is_none()
            && labels::words(sentence).len() > 3
}
