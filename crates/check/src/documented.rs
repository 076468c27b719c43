//! What a page documents as the response to an example, and how a response compares with it.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::compare::{self, Diff, Step};
use super::examples::Example;
use super::labels;
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
            abridged | excerpt | partial | omitted | for\s+brevity | first\s+\w+\s+(?:\w+\s+){0,3}(?:shown|listed) |
            goes\s+on | beginning\s+of\s+(?:the|this)\s+(?:list|response|output) | here\s+(?:are|is)\s+the\s+first |
            cut\s+(?:off|short) |
            nur\b[^.]*\b(?:gezeigt|angezeigt|aufgeführt|dargestellt) | gekürzt\w* | verkürzt\w* | auszug | ausschnitt |
            seul\w*\b[^.]*\b(?:affich|montr|list)\w* | tronqu\w* | extrait | abrég\w* | partiel\w* |
            (?:solo|sólo|solamente|somente|apenas|soltanto)\b[^.]*\b(?:muestra|mostr|most|list)\w* |
            recortad\w* | truncad\w* | abreviad\w* | acortad\w* | resumid\w* | extracto | trecho | parcial |
            troncat\w* | abbreviat\w* | estratto | parziale | ridott\w*)\b",
    )
});

/// A sentence that says that the members of a response are not all shown, either.
static PART: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)\b(?:part\s+of | parts\s+of | some\s+of\s+the\s+(?:fields|members|properties) | some\s+(?:fields|members|properties) |
            truncated | abbreviated | shortened | abridged | excerpt | partial | omitted | for\s+brevity |
            (?:fields|members|properties|attributes)\b[^.:]*\b(?:left\s+out|omitted|not\s+shown) | not\s+all\s+(?:of\s+)?(?:the\s+)?\w+\s+(?:are\s+)?shown |
            only\b[^.:]*\b(?:fields|members|properties|attributes)\b[^.:]*\b(?:shown|listed|displayed) | teil\s+der | gekürzt\w* | auszug | ausschnitt | partie\s+de | tronqu\w* | extrait | parte\s+d\w+ |
            recortad\w* | truncad\w* | extracto | trecho | troncat\w* | estratto)\b",
    )
});

/// Text below a response that says that it is not complete.
static REST_OMITTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)\b(?:rest|remaining|remainder|others?|more|list|output|response|body|result|records|items|entries|fields)\b
            [^.:]*\b(?:omitted|truncated|shortened|abridged|abbreviated|cut|left\s+out|not\s+shown|elided)\b
        | \bfor\s+brevity\b | ^\W*and\s+so\s+on\b | ^\s*(?:\(|\.\.\.|…|and\b)\W*(?:and\s+)?\w+\s+more\b | ^\W*(?:truncated|shortened|abridged|abbreviated)\b
        | \bonly\s+(?:the\s+)?first\b[^.:]*\bshown\b",
    )
});

/// A label for one item of a list: "Each record has this form:", "The first item of the response:".
static ONE_ITEM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)\b(?:each | every | one\s+(?:of | record | item | element | entry | object) |
            (?:a\s+single | first | second | third | last)\s+(?:record | item | element | entry)\b |
            (?:first|second|third|last)\s+\w+\s+(?:of|in)\s+the |
            an?\s+\w+\s+(?:of|from|in)\s+the\s+(?:list|array|response))\b",
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
    /// Whether the page says that it shows one item of a list, or the form of each.
    pub one_item: bool,
}

/// What is documented for an example.
pub struct Documented<'a> {
    pub expected: &'a Expected,
    pub body: Option<&'a Node>,
    /// A body that is not JSON.
    pub plain: Option<&'a (String, Range<usize>)>,
    /// Whether the body is one item of a list.
    pub one_item: bool,
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
    /// Whether the body was not compared, because it is one item of the list that was received.
    pub one_item: bool,
}

impl Compared {
    pub fn is_as_documented(&self) -> bool {
        self.status_ok && self.diff.differences.is_empty()
    }
}

impl Documented<'_> {
    pub fn compare(&self, received: Received) -> Compared {
        let null = Value::Null;
        let is_object = |node: &Node| matches!(node.kind, Kind::Object { .. });
        let one_item = self.one_item
            && self.body.is_some_and(is_object)
            && received.json().is_some_and(Value::is_array);
        let mut diff = match self.body {
            Some(_) if one_item => Diff::default(),
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
            one_item,
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
    let mut content = format!("{}{response}", " ".repeat(block.range.start));
    // zsh marks output without a line end by `%`.
    let shown = content.trim_end().len();
    if content[..shown].ends_with("}%") || content[..shown].ends_with("]%") {
        content.replace_range(shown - 1..shown, " ");
    }
    match lenient_json::parse(&content) {
        Ok(mut documented) => {
            let status = documented
                .head
                .map(|head| (head.status, fence.source_range(&head.span)));
            let truncated = says_truncated(page, example, block.fence);
            if let (true, Some(body)) = (truncated, &mut documented.body) {
                let part = says(page, example, block.fence, &PART);
                elide(body, part);
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
                    one_item: is_one_item(page, block.fence),
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

/// Lets a list go on after the items that are shown, and an object of which a part is shown have other members.
fn elide(body: &mut Node, part: bool) {
    match &mut body.kind {
        Kind::Array(items) => items.push(Item::Elided(body.span.end..body.span.end)),
        Kind::Object {
            members, elided, ..
        } if part => {
            *elided = true;
            let lists = members
                .iter_mut()
                .filter(|member| matches!(member.value.kind, Kind::Array(_)));
            lists.for_each(|member| elide(&mut member.value, part));
        }
        _ => {}
    }
}

/// Whether a heading or a paragraph between a request and its response says something.
fn says(page: &Page, example: &Example, response: usize, what: &Regex) -> bool {
    let between = page.blocks.get(example.fence + 1..response);
    between.into_iter().flatten().any(|block| match block {
        Block::Prose(prose) => what.is_match(&prose.text),
        Block::Heading(heading) => what.is_match(&heading.text),
        _ => false,
    })
}

/// Whether the sentence that leads to a response is about one item of a list.
fn is_one_item(page: &Page, response: usize) -> bool {
    let above = response.checked_sub(1).and_then(|at| page.blocks.get(at));
    matches!(above, Some(Block::Prose(prose)) if ONE_ITEM.is_match(labels::last_sentence(&prose.text)))
}

/// Whether the text around a response says that it is not complete.
fn says_truncated(page: &Page, example: &Example, response: usize) -> bool {
    let prose = |index: Option<usize>| match page.blocks.get(index?)? {
        Block::Prose(prose) => Some(labels::last_sentence(&prose.text)),
        _ => None,
    };
    let leads_here = prose(example.fence.checked_sub(1)).is_some_and(|text| {
        let words = labels::words(text);
        let points = words
            .iter()
            .any(|word| matches!(word.as_str(), "here" | "below" | "following"));
        (text.ends_with(':') || points) && TRUNCATED.is_match(text)
    });
    let below = prose(Some(response + 1)).is_some_and(|text| {
        !text.ends_with(':') && text.len() < 120 && REST_OMITTED.is_match(text)
    });
    leads_here
        || below
        || says(page, example, response, &TRUNCATED)
        || says(page, example, response, &PART)
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
