//! The status that a page documents for an example: in a directive, the front matter, the response's status line, the
//! text, a heading or a table of statuses; else what the method usually returns.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::candidates;
use super::comments;
use super::example::Example;
use super::labels::{self, Announces};
use super::node::Node;
use super::other_requests;
use super::page::{Block, Page};
use super::shell;
use super::status::{Expected, StatusSource, one, usual};
use super::status_above;
use super::status_below;
use super::status_tables::in_table;
use super::status_text;
use super::transcript;

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
        let is_row = |block: &Block| matches!(block, Block::Table(table) if table.range.contains(&place.start));
        let source = match page.blocks.iter().any(is_row) {
            true => StatusSource::Table,
            false => StatusSource::StatusLine,
        };
        return one(status, source, Some(place));
    }
    let stated = status_below::stated(page, example)
        .or_else(|| in_comment(page, example))
        .or_else(|| in_curl_error(page, example))
        .or_else(|| above(page, example))
        .or_else(|| in_own_block(page, example))
        .or_else(|| below_response(page, example));
    let in_body = || in_error(body?, method);
    // The text says that the request fails, and the body how.
    if stated
        .as_ref()
        .is_some_and(|stated| stated.statuses.ends_with(status_text::ANY_ERROR))
        && let Some(mut stated) = in_body()
    {
        stated.statuses.truncate(1);
        return stated;
    }
    stated
        .or_else(in_body)
        .or_else(|| in_description(page, example))
        .or_else(|| in_table(page, example, method))
        .unwrap_or_else(|| one(usual(method), StatusSource::Method, None))
}

/// A status in the text or heading above the only request of a block.
fn above(page: &Page, example: &Example) -> Option<Expected> {
    let fence = page.fence(example.fence)?;
    let is_only = status_below::is_last_in_block(fence, example)
        && status_below::is_first_in_block(fence, example);
    is_only.then(|| {
        status_above::announced(page, example)
            .or_else(|| status_above::stated(page, example))
            .or_else(|| status_above::in_own_heading(page, example))
    })?
}

/// The status in a block of its own below the response, whose label or heading names a status: "HTTP code".
fn in_own_block(page: &Page, example: &Example) -> Option<Expected> {
    let response = example.response.as_ref()?.fence;
    let shown = (response + 1..example.end).find(|index| page.fence(*index).is_some())?;
    let fence = page.fence(shown)?;
    let label = page.blocks.get(shown.checked_sub(1)?)?.text()?;
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

/// The status in the description of the endpoint of which an example is a sample call.
fn in_description(page: &Page, example: &Example) -> Option<Expected> {
    let mut described = Example {
        fence: example.described_at?,
        end: example.fence,
        described_at: None,
        ..example.clone()
    };
    let length = page.fence(described.fence).map(|fence| fence.content.len());
    described.request.span = 0..length.unwrap_or(0);
    let stated = expected(page, &described, None, None);
    (stated.source != StatusSource::Method).then_some(stated)
}

/// The status below a response: in a label ("**Status:** `200 OK`"), or in a list of what can come.
fn below_response(page: &Page, example: &Example) -> Option<Expected> {
    let response = example.response.as_ref()?.fence;
    if response < example.fence {
        return None;
    }
    let mut found: Option<Expected> = None;
    for index in response + 1..example.end {
        let block = &page.blocks[index];
        // A label of the next request.
        if page.fence(index + 1).is_some() {
            break;
        }
        let is_label = |text: &str| status_text::is_status_label(text.trim_end_matches(':'));
        if found.is_none()
            && (candidates::begins_cases(block) || block.text().is_some_and(is_label))
        {
            continue;
        }
        let Some(prose) = block.prose() else {
            break;
        };
        if other_requests::is_about(&page.text[prose.range.clone()], &example.request) {
            break;
        }
        let is_item = page.is_list_item(prose.range.start);
        let text = prose.text.trim();
        // The label of another response: "Response (Not Found)".
        if found.is_none() && !is_item && text.contains('(') {
            break;
        }
        let status = status_text::in_line(text)
            .or_else(|| status_text::of_any_label(text))
            .or_else(|| status_text::explained(text).filter(|_| is_item))
            .or_else(|| status_text::in_short_sentence(text));
        match (status, &mut found) {
            (Some(status), None) => {
                let mut stated = one(status, StatusSource::Text, Some(prose.range.clone()));
                if status >= 400 && is_item {
                    stated.statuses.insert(0, usual(example.method()));
                }
                found = Some(stated);
            }
            (Some(status), Some(found)) if is_item => found.statuses.push(status),
            _ => break,
        }
    }
    found
}

/// The status that a documented error has as a member. A record may have such a member, too, so the usual status is
/// accepted as well.
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

/// A status in a comment above the request or at the end of its line, `# returns 404`, or in a test below it.
fn in_comment(page: &Page, example: &Example) -> Option<Expected> {
    // `client.assert(response.status === 201)`, as editors run it.
    static TESTED: LazyLock<Regex> =
        regex!(r"(?:response\.status\s*={2,3}\s*|to\.have\.status\()([1-5]\d\d)\b");
    // `# => 400 Bad Request with Problem Details` in the line below.
    static BELOW: LazyLock<Regex> = regex!(
        r"^\s*(?:#|//)\s*(?:->|=>|→|⇒|>)\s*(?:HTTP(?:/[\d.]+)?\s+)?(?P<code>[1-5]\d\d)(?:\s+[A-Z]|\s*[,:;(–—-]|\s*$)"
    );
    let content = page.fence(example.fence)?.content.as_str();
    let span = &example.request.span;
    let end = example.shares_with.unwrap_or(span.end);
    let line_end = content[end..]
        .find('\n')
        .map_or(content.len(), |at| end + at);
    let after = content[end..line_end].trim();
    let marks = ["#"].iter().chain(&shell::ARROWS);
    let after = marks.copied().find_map(|mark| after.strip_prefix(mark));
    // Output of jq is not a status.
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
    let comment = |text: &str| {
        let statuses = status_text::of_comment(text, usual)?;
        let is_own = !other_requests::is_about(text, &example.request);
        // "creates it (201), then updates it (200)"
        let is_of_steps =
            status_text::codes(text).contains(&usual) && labels::has_word(text, "then");
        is_own.then(|| if is_of_steps { vec![usual] } else { statuses })
    };
    let tested = || {
        let status = TESTED.captures(&content[span.clone()])?[1].parse().ok()?;
        Some(vec![status])
    };
    let statuses = after.into_iter().chain(above).find_map(comment);
    let below = || {
        let lines = content.get(line_end..)?.lines().skip(1).map(str::trim);
        let mut lines = lines.skip_while(|line| line.is_empty()).peekable();
        let is_near = content[line_end..]
            .lines()
            .nth(1)
            .is_some_and(|line| !line.trim().is_empty());
        // "# Response (204 No Content)", also below an empty line.
        let is_labelled = |line: &&str| {
            let label = line.trim_start_matches(['#', '/', ' ']);
            let is_comment = label.len() < line.len();
            let label = label.split(['(', ':', '-']).next().unwrap_or_default();
            is_comment
                && labels::words(label).len() <= 3
                && (labels::label(label) == Announces::Response || labels::says_expected(label))
        };
        let labelled = lines.peek().copied().filter(is_labelled);
        let line = lines.next().filter(|_| example.request.output.is_none());
        let line = line.filter(|_| is_near || labelled.is_some())?;
        if let Some(found) = BELOW.captures(line) {
            return Some(vec![found["code"].parse().ok()?]);
        }
        // "(empty response, status 204)" in place of the output.
        if let Some(note) = line
            .strip_prefix('(')
            .and_then(|line| line.strip_suffix(')'))
        {
            return comment(note);
        }
        // Above another command, it may be about that.
        let is_last = labelled.is_some() || lines.next().is_none_or(str::is_empty);
        comment(line.strip_prefix('#').filter(|_| is_last)?)
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
        regex!(r"^\s*curl: \(22\) The requested URL returned error: (\d{3})");
    let below = &page.fence(example.fence)?.content[example.request.span.end..];
    let output = page
        .fence(example.fence + 1)
        .or_else(|| page.fence(example.fence + 2));
    let output = output
        .filter(|fence| fence.fenced)
        .map(|fence| fence.content.as_str());
    let status = [Some(below), output]
        .into_iter()
        .flatten()
        .find_map(|text| ERROR.captures(text))?;
    Some(one(status[1].parse().ok()?, StatusSource::Text, None))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::examples;
    use super::super::page::Block;
    use super::super::status_text::status_column;
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
    fn a_table_of_errors_alone_allows_the_usual_status_too() {
        let table = "| Status | Meaning |\n|---|---|\n| 400 | bad |\n| 404 | gone |\n";
        let text = format!("## A\n\n```sh\ncurl -X POST h/a -d x\n```\n\n{table}");
        assert_eq!(statuses(&text), [(201, StatusSource::Table)]);
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
