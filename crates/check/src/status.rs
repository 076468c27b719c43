//! The status that a page documents for an example: in a directive, the front matter, the response's status line, the
//! text, a heading or a table of statuses; else what the method usually returns.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::examples::Example;
use super::labels::{self, Announces};
use super::page::{Block, Cell, Page, Table};
use super::text::pattern;

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
            StatusSource::Table => "the table of statuses",
            StatusSource::Method => "the verb",
        }
    }
}

static IN_TEXT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:status(?:\s+code)?|http\s+(?:status|code)|returns?|responds?\s+with|response\s+code)\b[^\w\n]{0,6}(?:an?\s+|http(?:/\d\.\d)?\s+|status\s+|code\s+)*([1-5]\d\d)\b",
    )
});
static IN_HEADING: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b([1-5]\d\d)\b(?:\s|\)|$|:|,|-)"));

/// The documented status of an example; `head` is the status line in its response.
pub fn expected(page: &Page, example: &Example, head: Option<(u16, Range<usize>)>) -> Expected {
    let method = example.method();
    if let Some(status) = example.directives.status {
        return one(status, StatusSource::Directive, None);
    }
    if let Some(entry) = example.testable.and_then(|entry| page.front.testable.get(entry))
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
        .or_else(|| in_table(page, example, method))
        .unwrap_or_else(|| one(usual(method), StatusSource::Method, None))
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
    Expected { statuses: vec![status], source, place }
}

/// A status in the text between the request and the end of the example, or in the headings and labels of its response.
fn in_text(page: &Page, example: &Example) -> Option<Expected> {
    let until = match &example.response {
        // Text after the response may still speak of its status.
        Some(response) if response.fence != example.fence => response.fence + 2,
        _ => example.end,
    };
    let mut heading = None;
    for index in example.fence + 1..until.min(example.end.max(example.fence + 1)) {
        match &page.blocks[index] {
            Block::Prose(prose) => {
                let captures = IN_TEXT.captures(&prose.text);
                if let Some(code) = captures.and_then(|captures| captures.get(1))
                    && is_statement(&prose.text)
                    && let Ok(status) = code.as_str().parse()
                {
                    return Some(one(status, StatusSource::Text, Some(prose.range.clone())));
                }
                let bold = prose.bold.as_deref().unwrap_or_default();
                if labels::heading(bold) == Announces::Response
                    && let Some(status) = in_heading(&prose.text)
                {
                    heading = Some(one(status, StatusSource::Heading, Some(prose.range.clone())));
                }
            }
            Block::Heading(found) => {
                let answers = labels::heading(&found.text) == Announces::Response;
                if !answers && example.response.as_ref().is_none_or(|response| response.fence < index) {
                    break;
                }
                if answers && let Some(status) = in_heading(&found.text) {
                    heading = Some(one(status, StatusSource::Heading, Some(found.range.clone())));
                }
            }
            _ => {}
        }
    }
    heading
}

/// False for conditions such as "Returns 404 if ...", which are about other cases.
fn is_statement(text: &str) -> bool {
    let lower = text.to_lowercase();
    !([" if ", " when ", " unless ", " otherwise", " or "].iter().any(|word| lower.contains(word))) && text.len() < 200
}

fn in_heading(text: &str) -> Option<u16> {
    let captures = IN_HEADING.captures(text)?;
    captures.get(1)?.as_str().parse().ok()
}

/// The column with status codes, if it is a table of statuses.
pub fn status_column(table: &Table) -> Option<usize> {
    let named = table.header.iter().position(|cell| {
        let words = labels::words(&cell.text);
        let has = |word: &str| words.iter().any(|have| have == word);
        (has("status") || has("code")) && !has("description")
    })?;
    let codes = table.rows.iter().filter(|row| row.get(named).and_then(code).is_some()).count();
    (codes > 0 && codes * 2 >= table.rows.len()).then_some(named)
}

/// The status code at the beginning of a cell: `200`, `200 OK`, `HTTP 200`.
pub fn code(cell: &Cell) -> Option<u16> {
    let text = cell.text.trim();
    let digits = text.split_whitespace().find(|word| !word.eq_ignore_ascii_case("http"))?;
    digits.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok().filter(|code| (100..600).contains(code))
}

/// The table of statuses for an example: the next one in its section, else the nearest above it there, else the only
/// one outside of sections with examples.
pub fn table_of<'a>(page: &'a Page, example: &Example) -> Option<&'a Table> {
    let is_status =
        |index: &usize| matches!(&page.blocks[*index], Block::Table(table) if status_column(table).is_some());
    let section = section(page, example.fence);
    let after = (example.fence..section.end).find(is_status);
    let before = || (section.start..example.fence).rev().find(is_status);
    let only = || {
        let mut all = (0..page.blocks.len()).filter(is_status).filter(|index| !has_requests(page, *index));
        all.next().filter(|_| all.next().is_none())
    };
    match &page.blocks[after.or_else(before).or_else(only)?] {
        Block::Table(table) => Some(table),
        _ => None,
    }
}

/// The blocks of the `#` or `##` section that contains a block.
pub fn section(page: &Page, index: usize) -> Range<usize> {
    let top = |at: &usize| matches!(&page.blocks[*at], Block::Heading(heading) if heading.level <= 2);
    let start = (0..index).rev().find(top).unwrap_or(0);
    let end = (index + 1..page.blocks.len()).find(top).unwrap_or(page.blocks.len());
    start..end
}

/// Whether the section of a block contains requests.
fn has_requests(page: &Page, index: usize) -> bool {
    page.blocks[section(page, index)].iter().any(|block| match block {
        Block::Fence(fence) => {
            fence.content.contains("curl ") || super::http_message::begins_message(fence.content.trim())
        }
        _ => false,
    })
}

fn in_table(page: &Page, example: &Example, method: &str) -> Option<Expected> {
    let table = table_of(page, example)?;
    let column = status_column(table)?;
    let mut first = None;
    for row in &table.rows {
        let Some(cell) = row.get(column) else { continue };
        let Some(status) = code(cell).filter(|status| (200..300).contains(status)) else { continue };
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
                let expected = expected(&page, example, None);
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
            (format!("<!-- standin: status=409 -->\n\n{post}"), 409, StatusSource::Directive),
            (
                format!("---\ntest:\n  testable:\n    - POST x / 204\n---\n\n### POST x request\n\n{post}"),
                204,
                StatusSource::FrontMatter,
            ),
            (format!("{get}**Status:** 404\n"), 404, StatusSource::Text),
            (format!("{get}Returns 404 if it is gone.\n"), 200, StatusSource::Method),
            (
                format!("### Request\n\n{get}### Response (404 Not Found)\n\n```json\n{{}}\n```\n"),
                404,
                StatusSource::Heading,
            ),
            (format!("## A\n\n{post}{table}"), 200, StatusSource::Table),
            (format!("## A\n\n{get}{table}"), 200, StatusSource::Table),
            (format!("{table}\n## A\n\n{get}"), 200, StatusSource::Table),
            (format!("## A\n\n{post}## Return status\n\n{table}"), 200, StatusSource::Table),
        ];
        for (text, status, source) in rows {
            assert_eq!(statuses(&text), [(status, source)], "{text}");
        }
    }

    #[test]
    fn a_table_of_another_request_says_nothing() {
        let text =
            "## A\n\n```sh\ncurl -X POST h/a -d x\n```\n\n## B\n\n```sh\ncurl h/b\n```\n\n| Code |\n|---|\n| 200 |\n";
        assert_eq!(statuses(text), [(201, StatusSource::Method), (200, StatusSource::Table)]);
    }

    #[test]
    fn only_tables_of_statuses() {
        let rows = [("Status value", true), ("HTTP code", true), ("Parameter", false)];
        for (header, is) in rows {
            let page = Page::parse(Path::new("p.md"), format!("| {header} | x |\n|---|---|\n| 200 | a |\n"));
            let Some(Block::Table(table)) = page.blocks.first() else { panic!() };
            assert_eq!(status_column(table).is_some(), is, "{header}");
        }
    }
}
