//! What is wrong about a response, at its place in the page.

use std::ops::Range;

use serde_json::Value;

use super::compare::{self, Diff, DifferenceKind};
use super::datasets;
use super::documented::{Compared, Documented};
use super::example::Example;
use super::http_message::METHODS;
use super::outcome::Finding;
use super::page::{Fence, Page};
use super::service::{Body, Received};
use super::shell;
use super::status::{Expected, StatusSource};
use super::text::is_one_of;

/// Adds what is wrong about a response to `findings` and what is suspicious to `warnings`; returns the differences
/// to show.
pub fn add(
    page: &Page,
    example: &Example,
    compared: &Compared,
    documented: &Documented<'_>,
    findings: &mut Vec<Finding>,
    warnings: &mut Vec<Finding>,
) -> Diff {
    let (received, expected) = (&compared.received, documented.expected);
    let range = |place: &Option<Range<usize>>| {
        let request = || example.request_range(page);
        place.clone().unwrap_or_else(request)
    };
    if !compared.status_ok {
        let status = received.status;
        let text = wrong_status(example.method(), received, expected);
        let fix = format!("`<!-- standin: status={status} -->` above the request if that is meant");
        findings.push(Finding {
            fix: (expected.source == StatusSource::Method).then_some(fix),
            ..Finding::new(range(&expected.place), text)
        });
    } else if let Some(other) = &compared.other {
        findings.push(Finding::new(range(&other.place), other.text.clone()));
    }
    // An error response differs from a documented record in everything, which is not worth showing.
    let refused =
        !compared.status_ok && received.status >= 400 && expected.statuses.iter().all(|s| *s < 400);
    if refused || example.method() == "HEAD" {
        return Diff::default();
    }
    let fence = example
        .response
        .as_ref()
        .and_then(|response| page.fence(response.fence));
    if let (Body::Text(text), Some(plain)) = (&received.body, &documented.response.plain)
        && !text.split_whitespace().eq(plain.text.split_whitespace())
    {
        findings.push(Finding::new(
            plain.range.clone(),
            format!("the body is not as documented, got {text:?}"),
        ));
    }
    if let (Body::Text(_), Some(_)) = (&received.body, &documented.response.body) {
        let range = range(&fence.map(|fence| fence.range.clone()));
        let text = "the server returns text that is not JSON";
        findings.push(Finding::new(range, text));
    } else if let Some(fence) = fence {
        let finding = |found: &compare::Difference| Finding {
            fix: found.actual.as_ref().map(Value::to_string),
            ..Finding::new(
                place(fence, found),
                documented.response.form.describe(found),
            )
        };
        findings.extend(compared.diff.differences.iter().map(finding));
        // The order of members is of no interest where their values are wrong.
        if findings.is_empty() {
            warnings.extend(compared.diff.warnings.iter().map(finding));
        }
    }
    compared.diff.clone()
}

/// What is wrong about a status.
fn wrong_status(method: &str, received: &Received, expected: &Expected) -> String {
    let status = received.status;
    // Of a misspelt name a status that is listed is not meant.
    let meant = expected.statuses.iter().filter(|meant| **meant != status);
    let statuses = meant.map(u16::to_string).collect::<Vec<_>>().join(" or ");
    let text = match expected.source {
        _ if statuses.is_empty() => format!("the {status} is that of a misspelt path"),
        StatusSource::Method if !METHODS.contains(&method) => {
            format!("the server returns {status}")
        }
        StatusSource::Method => {
            format!("{method} usually returns {statuses}, the server returns {status}")
        }
        source => {
            let source = source.description();
            format!("{source} documents {statuses}, the server returns {status}")
        }
    };
    match received.redirect() {
        Some(location) => format!("{text} and redirects to {location}"),
        None => text,
    }
}

/// Adds what is suspicious about an example, whether it is as documented or not.
pub fn warn(page: &Page, example: &Example, received: &Received, warnings: &mut Vec<Finding>) {
    for name in &example.directives.any {
        if received
            .json()
            .is_some_and(|body| !datasets::has(body, name, None))
        {
            let text = format!("`any={name}`: the response has no member `{name}`");
            warnings.push(Finding::new(example.url_range(page), text));
        }
    }
    if let (Some(span), Some(fence)) = (&example.request.unquoted, page.fence(example.fence))
        && !is_one_of(&fence.language, shell::WINDOWS)
    {
        let text = "zsh treats an unquoted `?` as a pattern and reports `no matches found`";
        warnings.push(Finding {
            fix: Some("put the URL in quotes".to_owned()),
            ..Finding::new(fence.source_range(span), text)
        });
    }
}

/// The range of a difference in the page: for something that the page lacks, the opening bracket around it.
fn place(fence: &Fence, difference: &compare::Difference) -> Range<usize> {
    match difference.kind {
        DifferenceKind::Extra | DifferenceKind::Order | DifferenceKind::KeyOrder => {
            let start = difference.place.start;
            fence.source_range(&(start..(start + 1).min(difference.place.end)))
        }
        _ => fence.source_range(&difference.place),
    }
}
