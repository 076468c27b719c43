//! What a page documents as the response to an example, and how a response compares with it.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::compare::{self, Diff, Step};
use super::examples::Example;
use super::lenient_json;
use super::node::{Item, Kind, Node};
use super::outcome::Finding;
use super::page::{Block, Page};
use super::service::Received;
use super::status::{Expected, StatusSource};
use super::text::pattern;
use super::transcript;

/// A sentence that says that a response is not complete.
static TRUNCATED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)\b(?:only\b[^.]*\b(?:listed|shown|displayed|included|shows) | truncated | abbreviated | shortened |
            abridged | excerpt | partial | omitted | for\s+brevity | first\s+\w+\s+(?:\w+\s+){0,3}(?:shown|listed))\b",
    )
});

/// What a page shows as a response.
#[derive(Default)]
pub struct DocumentedResponse {
    /// The status line and its range in the page.
    pub status: Option<(u16, Range<usize>)>,
    /// The body, if it is JSON.
    pub body: Option<Node>,
    /// A body that is not JSON, with its range in the page.
    pub plain: Option<(String, Range<usize>)>,
    /// Whether the page says that only a part is shown.
    pub truncated: bool,
}

/// What is documented for an example.
pub struct Documented<'a> {
    pub expected: &'a Expected,
    pub body: Option<&'a Node>,
    /// A body that is not JSON.
    pub plain: Option<&'a (String, Range<usize>)>,
    /// Members whose values are not compared.
    pub any: &'a [String],
    /// Whether the server generates the id. A string is random, so it cannot be documented.
    pub generated_id: bool,
    /// Whether the text around the example mentions an error.
    pub mentions_error: bool,
}

/// A response compared with the page.
pub struct Compared {
    pub received: Received,
    pub status_ok: bool,
    pub diff: Diff,
    /// Differences that do not count.
    pub accepted: Vec<compare::Difference>,
}

impl Compared {
    pub fn is_as_documented(&self) -> bool {
        self.status_ok && self.diff.differences.is_empty()
    }
}

impl Documented<'_> {
    pub fn compare(&self, received: Received) -> Compared {
        let null = Value::Null;
        let mut diff = match self.body {
            Some(node) => compare::diff(node, received.json().unwrap_or(&null)),
            None => Diff::default(),
        };
        let differences = std::mem::take(&mut diff.differences);
        let (accepted, differences) = differences
            .into_iter()
            .partition(|found| self.accepts(found));
        diff.differences = differences;
        // If no status is documented, a documented error counts where the text mentions an error.
        let status_ok = self.expected.statuses.contains(&received.status)
            || self.expected.source == StatusSource::Method
                && self.body.is_some()
                && diff.differences.is_empty()
                && (received.is_success() || self.mentions_error || self.is_error_body());
        Compared {
            received,
            status_ok,
            diff,
            accepted,
        }
    }

    /// Whether a difference is a value that cannot be documented.
    fn accepts(&self, found: &compare::Difference) -> bool {
        let Some(Step::Key(key)) = found.path.last() else {
            return false;
        };
        let both_strings = matches!(
            (&found.documented, &found.actual),
            (Some(Value::String(_)), Some(Value::String(_)))
        );
        let has_values = found.documented.is_some() && found.actual.is_some();
        (has_values && self.any.contains(key))
            || (self.generated_id && both_strings && found.path.len() == 1 && key == "id")
    }

    fn is_error_body(&self) -> bool {
        let Some(Kind::Object { members, .. }) = self.body.map(|node| &node.kind) else {
            return false;
        };
        members.iter().any(|member| {
            matches!(
                member.key.as_str(),
                "error" | "errors" | "status" | "title" | "detail"
            )
        })
    }
}

/// The documented response, or where it is not JSON. Ranges in the body are those of the whole block's content.
pub fn response(page: &Page, example: &Example) -> (DocumentedResponse, Option<Finding>) {
    let block = example.response.as_ref();
    let Some((block, fence)) = block.and_then(|block| Some((block, page.fence(block.fence)?)))
    else {
        return (DocumentedResponse::default(), None);
    };
    // What is before the response is blanked out, so that offsets stay valid.
    let response = transcript::uncomment(&fence.content[block.range.clone()]);
    let content = format!("{}{response}", " ".repeat(block.range.start));
    match lenient_json::parse(&content) {
        Ok(mut documented) => {
            let status = documented
                .head
                .map(|head| (head.status, fence.source_range(&head.span)));
            let truncated = says_truncated(page, example, block.fence);
            if let (
                true,
                Some(Node {
                    kind: Kind::Array(items),
                    span,
                }),
            ) = (truncated, &mut documented.body)
            {
                items.push(Item::Elided(span.end..span.end));
            }
            let plain = documented
                .text
                .map(|span| (content[span.clone()].to_owned(), fence.source_range(&span)));
            (
                DocumentedResponse {
                    status,
                    body: documented.body,
                    plain,
                    truncated,
                },
                None,
            )
        }
        Err(error) => {
            let at = fence.source(error.at);
            let end = page.text[at..]
                .chars()
                .next()
                .map_or(at, |letter| at + letter.len_utf8());
            let text = format!("the documented response is not JSON: {}", error.text);
            let head = transcript::head(&content).0;
            let status = head.map(|head| (head.status, fence.source_range(&head.span)));
            (
                DocumentedResponse {
                    status,
                    ..DocumentedResponse::default()
                },
                Some(Finding::new(at..end, text)),
            )
        }
    }
}

/// Whether the text above a response says that it is not complete.
fn says_truncated(page: &Page, example: &Example, response: usize) -> bool {
    let between = page
        .blocks
        .get(example.fence + 1..response)
        .into_iter()
        .flatten();
    between
        .into_iter()
        .any(|block| matches!(block, Block::Prose(prose) if TRUNCATED.is_match(&prose.text)))
}

/// Whether the text between the example's heading and its response mentions an error.
pub fn mentions_error(page: &Page, example: &Example) -> bool {
    let from = page.heading_of(example.fence).unwrap_or(example.fence);
    let to = example
        .response
        .as_ref()
        .map_or(example.fence, |response| response.fence);
    page.blocks[from.min(to)..to].iter().any(|block| {
        let text = match block {
            Block::Heading(heading) => heading.text.to_lowercase(),
            Block::Prose(prose) => prose.text.to_lowercase(),
            _ => return false,
        };
        [
            "not found",
            "not exist",
            "n't exist",
            "error",
            "missing",
            "invalid",
            "fails",
            "conflict",
            "already exists",
        ]
        .iter()
        .any(|word| text.contains(word))
    })
}
