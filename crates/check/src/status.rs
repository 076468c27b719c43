//! The status that a page promises for an example.
//!
//! Asked in this order: a comment, the front matter, the response's own status
//! line, `**Status:** 201`, a heading, the table of statuses, and the verb.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::examples::Example;
use super::labels::{self, Part};
use super::page::{Block, Cell, Page, Table};

/// The promised status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The statuses that keep the promise; the first is the one to show.
    pub statuses: Vec<u16>,
    /// Who promises it.
    pub source: Source,
    /// Where the promise stands in the page.
    pub place: Option<Range<usize>>,
}

/// Who promises a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `<!-- standin: status=404 -->`
    Comment,
    /// `testable: [NAME / 200,204]`
    FrontMatter,
    /// `HTTP/1.1 201 Created` in the response.
    StatusLine,
    /// `**Status:** 201` in running text.
    Prose,
    /// A heading or label that names one.
    Heading,
    /// The first success row of a table of statuses.
    Table,
    /// Nobody; this is what the verb usually answers.
    Verb,
}

impl Source {
    /// The source in words, for "… promises 201".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Source::Comment => "the comment above it",
            Source::FrontMatter => "the front matter",
            Source::StatusLine => "the status line of the response",
            Source::Prose => "the text",
            Source::Heading => "the heading",
            Source::Table => "the table of statuses",
            Source::Verb => "the verb",
        }
    }
}

static IN_PROSE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:status(?:\s+code)?|http\s+(?:status|code)|returns?|responds?\s+with|response\s+code)\b[^\w\n]{0,6}(?:an?\s+|http(?:/\d\.\d)?\s+|status\s+|code\s+)*([1-5]\d\d)\b").ok()
});
static IN_HEADING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b([1-5]\d\d)\b(?:\s|\)|$|:|,|-)").ok());

/// The status an example must answer.
#[must_use]
pub fn expected(page: &Page, example: &Example, head: Option<(u16, Range<usize>)>, method: &str) -> Expected {
    if let Some(status) = example.asks.status {
        return one(status, Source::Comment, None);
    }
    if let Some(entry) = example.testable.and_then(|entry| page.front.testable.get(entry))
        && !entry.statuses.is_empty()
    {
        return Expected {
            statuses: entry.statuses.clone(),
            source: Source::FrontMatter,
            place: Some(entry.range.clone()),
        };
    }
    if let Some((status, place)) = head {
        return one(status, Source::StatusLine, Some(place));
    }
    said(page, example)
        .or_else(|| by_table(page, example, method))
        .unwrap_or_else(|| one(usual(method), Source::Verb, None))
}

/// What a verb answers when all goes well.
#[must_use]
pub fn usual(method: &str) -> u16 {
    match method {
        "POST" => 201,
        "OPTIONS" => 204,
        _ => 200,
    }
}

fn one(status: u16, source: Source, place: Option<Range<usize>>) -> Expected {
    Expected { statuses: vec![status], source, place }
}

/// A status in the text between the request and the end of its section, or in
/// the headings and labels of its response.
fn said(page: &Page, example: &Example) -> Option<Expected> {
    let until = match &example.response {
        // Text after the response may still speak of its status.
        Some(response) if response.fence != example.fence => response.fence + 2,
        _ => example.end,
    };
    let mut heading = None;
    for index in example.fence + 1..until.min(example.end.max(example.fence + 1)) {
        match &page.blocks[index] {
            Block::Prose(prose) => {
                let captures = IN_PROSE.as_ref()?.captures(&prose.text);
                if let Some(code) = captures.and_then(|captures| captures.get(1))
                    && is_statement(&prose.text)
                    && let Ok(status) = code.as_str().parse()
                {
                    return Some(one(status, Source::Prose, Some(prose.range.clone())));
                }
                let bold = prose.bold.as_deref().unwrap_or_default();
                if labels::part(bold) == Part::Response
                    && let Some(status) = in_heading(&prose.text)
                {
                    heading = Some(one(status, Source::Heading, Some(prose.range.clone())));
                }
            }
            Block::Heading(found) => {
                let answers = labels::part(&found.text) == Part::Response;
                if !answers && example.response.as_ref().is_none_or(|response| response.fence < index) {
                    break;
                }
                if answers && let Some(status) = in_heading(&found.text) {
                    heading = Some(one(status, Source::Heading, Some(found.range.clone())));
                }
            }
            _ => {}
        }
    }
    heading
}

/// "Returns 404 if…" speaks of another case than the example's.
fn is_statement(text: &str) -> bool {
    let lower = text.to_lowercase();
    !([" if ", " when ", " unless ", " otherwise", " or "].iter().any(|word| lower.contains(word))) && text.len() < 200
}

fn in_heading(text: &str) -> Option<u16> {
    let captures = IN_HEADING.as_ref()?.captures(text)?;
    captures.get(1)?.as_str().parse().ok()
}

/// The column of statuses of a table, if it is a table of statuses.
#[must_use]
pub fn status_column(table: &Table) -> Option<usize> {
    let named = table.header.iter().position(|cell| {
        let words = labels::words(&cell.text);
        let has = |word: &str| words.iter().any(|have| have == word);
        (has("status") || has("code")) && !has("description")
    })?;
    let codes = table.rows.iter().filter(|row| row.get(named).and_then(code).is_some()).count();
    (codes > 0 && codes * 2 >= table.rows.len()).then_some(named)
}

/// The status at the beginning of a cell: `200`, `200 OK`, `HTTP 200`.
#[must_use]
pub fn code(cell: &Cell) -> Option<u16> {
    let text = cell.text.trim();
    let digits = text.split_whitespace().find(|word| !word.eq_ignore_ascii_case("http"))?;
    digits.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok().filter(|code| (100..600).contains(code))
}

/// The table of statuses that speaks about an example: the next one of its
/// section, else the nearest before it there, else the only one of the page.
#[must_use]
pub fn table_of<'a>(page: &'a Page, example: &Example) -> Option<&'a Table> {
    let is_status =
        |index: &usize| matches!(&page.blocks[*index], Block::Table(table) if status_column(table).is_some());
    let section = section(page, example.fence);
    let after = (example.fence..section.end).find(is_status);
    let before = || (section.start..example.fence).rev().find(is_status);
    // A table in a section without examples speaks of the whole page.
    let only = || {
        let mut all = (0..page.blocks.len()).filter(is_status).filter(|index| !has_requests(page, *index));
        all.next().filter(|_| all.next().is_none())
    };
    match &page.blocks[after.or_else(before).or_else(only)?] {
        Block::Table(table) => Some(table),
        _ => None,
    }
}

/// The blocks of the `##` section (or `#`) in which a block stands.
#[must_use]
pub fn section(page: &Page, index: usize) -> Range<usize> {
    let top = |at: &usize| matches!(&page.blocks[*at], Block::Heading(heading) if heading.level <= 2);
    let start = (0..index).rev().find(top).unwrap_or(0);
    let end = (index + 1..page.blocks.len()).find(top).unwrap_or(page.blocks.len());
    start..end
}

/// Whether the section of a block shows requests of its own.
fn has_requests(page: &Page, index: usize) -> bool {
    page.blocks[section(page, index)].iter().any(|block| match block {
        Block::Fence(fence) => {
            fence.content.contains("curl ") || super::http_text::begins_message(fence.content.trim())
        }
        _ => false,
    })
}

fn by_table(page: &Page, example: &Example, method: &str) -> Option<Expected> {
    let table = table_of(page, example)?;
    let column = status_column(table)?;
    let mut first = None;
    for row in &table.rows {
        let Some(cell) = row.get(column) else { continue };
        let Some(status) = code(cell).filter(|status| (200..300).contains(status)) else { continue };
        // A table for several verbs lists the success of each.
        if status == usual(method) {
            return Some(one(status, Source::Table, Some(cell.range.clone())));
        }
        first.get_or_insert_with(|| one(status, Source::Table, Some(cell.range.clone())));
    }
    first
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::examples;
    use super::*;

    fn statuses(text: &str) -> Vec<(u16, Source)> {
        let page = Page::parse(Path::new("p.md"), text.to_owned());
        examples::find(&page)
            .iter()
            .map(|example| {
                let method = &example.reading.request().unwrap().method;
                let expected = expected(&page, example, None, method);
                (expected.statuses[0], expected.source)
            })
            .collect()
    }

    #[test]
    fn who_promises_what() {
        let post = "```sh\ncurl -X POST h/a -d '{}'\n```\n\n";
        let get = "```sh\ncurl h/a\n```\n\n";
        let table = "| Status code | Meaning |\n|---|---|\n| 200 OK | fine |\n| 404 | gone |\n";
        let rows = [
            (post.to_owned(), 201, Source::Verb),
            (get.to_owned(), 200, Source::Verb),
            (format!("<!-- standin: status=409 -->\n\n{post}"), 409, Source::Comment),
            (
                format!("---\ntest:\n  testable:\n    - POST x / 204\n---\n\n### POST x request\n\n{post}"),
                204,
                Source::FrontMatter,
            ),
            (format!("{get}**Status:** 404\n"), 404, Source::Prose),
            (format!("{get}Returns 404 if it is gone.\n"), 200, Source::Verb),
            (format!("### Request\n\n{get}### Response (404 Not Found)\n\n```json\n{{}}\n```\n"), 404, Source::Heading),
            (format!("## A\n\n{post}{table}"), 200, Source::Table),
            (format!("## A\n\n{get}{table}"), 200, Source::Table),
            (format!("{table}\n## A\n\n{get}"), 200, Source::Table),
            (format!("## A\n\n{post}## Return status\n\n{table}"), 200, Source::Table),
        ];
        for (text, status, source) in rows {
            assert_eq!(statuses(&text), [(status, source)], "{text}");
        }
    }

    #[test]
    fn a_table_of_another_request_says_nothing() {
        let text =
            "## A\n\n```sh\ncurl -X POST h/a -d x\n```\n\n## B\n\n```sh\ncurl h/b\n```\n\n| Code |\n|---|\n| 200 |\n";
        assert_eq!(statuses(text), [(201, Source::Verb), (200, Source::Table)]);
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
