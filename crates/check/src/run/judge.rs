//! What an answer means for its example: the parts of a verdict.

use std::ops::Range;

use serde_json::Value;

use super::{Finding, Judged, Verdict};
use crate::client::Answer;
use crate::compare::{self, Diff};
use crate::curl::Request;
use crate::examples::Example;
use crate::expect::{self, Node};
use crate::page::{Block, Fence, Page};
use crate::requests::{self, Reading};
use crate::status::{Expected, Source as Promise};
use crate::url::{self, Ours, Resolved};

/// What is compared with an answer.
pub(super) struct Promised<'a> {
    pub(super) expected: &'a Expected,
    pub(super) body: Option<&'a Node>,
    /// The text around the example speaks of a failure.
    pub(super) troubled: bool,
}

/// The request and its target, unless the example is skipped or its command is
/// wrong; then the verdict is set.
pub(super) fn sendable(page: &Page, judged: &mut Judged, ours: &Ours) -> Option<(Request, String)> {
    let fence = page.fence(judged.example.fence)?;
    let reading = judged.example.reading.clone();
    let request = reading.request().cloned();
    let resolved = request.as_ref().map(|request| url::resolve(&request.url, ours));
    let mut refuse = |verdict: Verdict, reason: String| {
        judged.verdict = verdict;
        judged.reason = reason;
    };
    match (&reading, &resolved) {
        (_, Some(Resolved::Foreign(host))) => {
            refuse(Verdict::Skipped, format!("goes to {host}, which is not this server (`--host` makes it so)"));
            return None;
        }
        (Reading::Skip(reason, _), _) => {
            refuse(Verdict::Skipped, reason.clone());
            return None;
        }
        (_, Some(Resolved::Template(hole))) => {
            refuse(Verdict::Skipped, requests::template(hole));
            return None;
        }
        _ => {}
    }
    let mut findings = Vec::new();
    if let Reading::Mistakes(mistakes, _) = &reading {
        findings.extend(mistakes.iter().map(|mistake| {
            let range = fence.source_range(&mistake.span);
            let text = mistake.sentence(page.line(range.start));
            Finding { range, text, fix: mistake.fix.clone() }
        }));
    }
    if let (Some(request), Some(Resolved::Wrong(text, fix))) = (&request, &resolved) {
        findings.push(Finding { range: fence.source_range(&request.url_span), text: text.clone(), fix: fix.clone() });
    }
    if let Some(first) = findings.first() {
        judged.verdict = Verdict::Fail;
        judged.reason = first.text.clone();
        judged.findings = findings;
        return Some((request.unwrap_or_default(), String::new()));
    }
    match (request, resolved) {
        (Some(request), Some(Resolved::Target(target))) => {
            judged.target = target.clone();
            Some((request, target))
        }
        _ => None,
    }
}

#[derive(Default)]
pub(super) struct ReadResponse {
    pub(super) status: Option<(u16, Range<usize>)>,
    pub(super) body: Option<Node>,
}

/// The documented response; if it cannot be read the verdict is set.
///
/// Spans of the body are those of the whole fence's content.
pub(super) fn read_response(page: &Page, judged: &mut Judged) -> ReadResponse {
    let Some(response) = &judged.example.response else { return ReadResponse::default() };
    let Some(fence) = page.fence(response.fence) else { return ReadResponse::default() };
    // What stands before the response is blanked, so that places stay true.
    let before: String = fence.content[..response.range.start]
        .chars()
        .flat_map(|letter| std::iter::repeat_n(' ', letter.len_utf8()))
        .collect();
    let text = format!("{before}{}", &fence.content[response.range.clone()]);
    match expect::parse(&text) {
        Ok(documented) => ReadResponse {
            status: documented.head.map(|head| (head.status, fence.source_range(&head.span))),
            body: documented.body,
        },
        Err(trouble) => {
            if judged.verdict == Verdict::Pass {
                let at = fence.source(trouble.at);
                let end = page.text[at..].chars().next().map_or(at, |letter| at + letter.len_utf8());
                judged.verdict = Verdict::Fail;
                judged.reason = format!("the documented response is no JSON: {}", trouble.text);
                judged.unreadable = true;
                judged.findings.push(Finding { range: at..end, text: judged.reason.clone(), fix: None });
            }
            ReadResponse::default()
        }
    }
}

pub(super) fn difference(body: Option<&Node>, answer: &Answer) -> Diff {
    let Some(node) = body else { return Diff::default() };
    compare::diff(node, &answer.json().unwrap_or(Value::Null))
}

pub(super) fn promised_of<'a>(judged: &'a Judged, expected: &'a Expected, page: &Page) -> Promised<'a> {
    Promised { expected, body: judged.documented.as_ref(), troubled: troubled(page, &judged.example) }
}

/// Whether the status is as promised. Where only the verb "promises" one, a
/// documented failure is believed if the text around it speaks of one.
pub(super) fn promised_kept(promised: &Promised<'_>, answer: &Answer) -> bool {
    if promised.expected.statuses.contains(&answer.status) {
        return true;
    }
    let met = || promised.body.is_some_and(|node| compare::matches(node, &answer.json().unwrap_or(Value::Null)));
    promised.expected.source == Promise::Verb
        && (answer.status / 100 == 2 || promised.troubled || is_problem(promised.body))
        && met()
}

fn is_problem(body: Option<&Node>) -> bool {
    let Some(expect::Kind::Object { members, .. }) = body.map(|node| &node.kind) else { return false };
    members.iter().any(|member| matches!(member.key.as_str(), "error" | "errors" | "status" | "title" | "detail"))
}

/// Whether the text between the example's heading and its response speaks of a
/// failure.
pub(super) fn troubled(page: &Page, example: &Example) -> bool {
    let from = page.heading_of(example.fence).unwrap_or(example.fence);
    let to = example.response.as_ref().map_or(example.fence, |response| response.fence);
    page.blocks[from.min(to)..to].iter().any(|block| {
        let text = match block {
            Block::Heading(heading) => heading.text.as_str(),
            Block::Prose(prose) => prose.text.as_str(),
            _ => return false,
        };
        let text = text.to_lowercase();
        ["not found", "not exist", "n't exist", "error", "missing", "invalid", "fails", "conflict", "already exists"]
            .iter()
            .any(|word| text.contains(word))
    })
}

/// The verdict over an answer, with the places that are wrong.
pub(super) fn conclude(page: &Page, judged: &mut Judged, answer: &Answer, expected: &Expected, status_kept: bool) {
    let place_of_response = judged.example.response.as_ref().and_then(|response| page.fence(response.fence));
    let request_place = page.fence(judged.example.fence).map_or(0..0, |fence| fence.source_range(&judged.example.span));
    if !status_kept {
        let promised: Vec<String> = expected.statuses.iter().map(u16::to_string).collect();
        let text = match expected.source {
            Promise::Verb => format!(
                "a {} usually answers {}, the server answers {}",
                judged.method,
                promised.join(" or "),
                answer.status
            ),
            source => {
                format!("{} promises {}, the server answers {}", source.words(), promised.join(" or "), answer.status)
            }
        };
        let range = expected.place.clone().unwrap_or_else(|| request_place.clone());
        judged.findings.push(Finding { range, text, fix: None });
    }
    // A refusal differs from a documented record in everything, which says nothing.
    let refused = !status_kept && answer.status >= 400 && expected.statuses.iter().all(|status| *status < 400);
    if refused {
        judged.diff = Diff::default();
    } else if judged.method != "HEAD" {
        if let (Some(_), None, false) = (&judged.documented, answer.json(), answer.body.is_empty()) {
            judged.findings.push(Finding {
                range: place_of_response.map_or(request_place.clone(), |fence| fence.range.clone()),
                text: "the server answers text that is no JSON".to_owned(),
                fix: None,
            });
        } else if let Some(fence) = place_of_response {
            for difference in &judged.diff.differences {
                let range = place(fence, difference);
                judged.findings.push(Finding { range, text: difference.to_string(), fix: None });
            }
            for difference in &judged.diff.warnings {
                let range = place(fence, difference);
                judged.warnings.push(Finding { range, text: difference.to_string(), fix: None });
            }
        }
    }
    match judged.findings.first() {
        Some(first) => {
            judged.verdict = Verdict::Fail;
            let more = judged.findings.len() - 1;
            judged.reason = match more {
                0 => first.text.clone(),
                1 => format!("{} (and 1 more difference)", first.text),
                _ => format!("{} (and {more} more differences)", first.text),
            };
        }
        None => {
            judged.reason = if judged.documented.is_some() {
                "as documented".to_owned()
            } else if judged.example.no_body {
                "the status is as documented; the page says that there is no body".to_owned()
            } else {
                "the status is as documented; the page shows no response".to_owned()
            };
        }
    }
}

/// A difference in the page: for something that the page lacks, the opening
/// bracket of where it would stand.
fn place(fence: &Fence, difference: &compare::Difference) -> Range<usize> {
    match difference.what {
        compare::What::Extra | compare::What::Order | compare::What::KeyOrder => {
            let start = difference.place.start;
            fence.source_range(&(start..(start + 1).min(difference.place.end)))
        }
        _ => fence.source_range(&difference.place),
    }
}
