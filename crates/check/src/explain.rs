//! Likely causes, in words.
//!
//! Each cause is a function from the case to a sentence, or to nothing when it
//! does not apply. They know the data, the request and the page, and guess only
//! where the guess can be shown.

mod records;
mod requests;

use serde_json::Value;

use super::client::{Answer, Call};
use super::compare::{Difference, Step, What, show_path};
use super::data::Source;
use super::page::Page;
use super::run::Judged;
use super::url;
use crate::words::nearest;
pub use requests::unknown_in_query;

/// What is known about a failed example.
pub struct Case<'a> {
    /// The page.
    pub page: &'a Page,
    /// The example with its findings.
    pub judged: &'a Judged,
    /// What was sent.
    pub call: &'a Call,
    /// What came back.
    pub answer: &'a Answer,
    /// The data.
    pub source: &'a Source,
    /// The examples above it on the page.
    pub earlier: &'a [Judged],
    /// What came back after the writes above it, if that was asked.
    pub later: Option<&'a Answer>,
}

/// Every cause that applies, the most telling first.
#[must_use]
pub fn causes(case: &Case<'_>) -> Vec<String> {
    let body = case.answer.json();
    let mut out = Vec::new();
    out.extend(requests::sent_as_form(case));
    out.extend(requests::broken_body(case));
    out.extend(requests::unknown_resource(case));
    out.extend(requests::unknown_fields(case));
    out.extend(shape(case, body.as_ref()));
    out.extend(records::created_elsewhere(case));
    out.extend(records::next_id(case));
    out.extend(renamed(case));
    out.extend(records::another_record(case));
    out.extend(records::stale_items(case));
    out.extend(numbers_as_text(case));
    out.extend(records::missing_id(case));
    out.extend(records::long_list(case, body.as_ref()));
    out.extend(after_writes(case));
    out.extend(server_says(case, body.as_ref()));
    out.dedup();
    out
}

impl Case<'_> {
    fn resource(&self) -> Option<String> {
        url::segments(&self.call.target).into_iter().next()
    }

    fn differences(&self) -> &[Difference] {
        &self.judged.diff.differences
    }
}

fn shape(case: &Case<'_>, body: Option<&Value>) -> Option<String> {
    let whole = case.differences().iter().find(|found| found.path.is_empty() && found.what == What::Type)?;
    match (whole.documented.as_ref()?, body?) {
        (Value::Object(_), Value::Array(items)) => {
            let count = match items.len() {
                0 => "an empty array: no record matches the query".to_owned(),
                1 => "an array of one".to_owned(),
                many => format!("an array of {many}"),
            };
            Some(format!("documents an object, the server returns {count}"))
        }
        (Value::Array(_), Value::Object(_)) if case.answer.status < 300 => {
            Some("documents an array, the server returns one object".to_owned())
        }
        _ => None,
    }
}

/// A documented member and an undocumented one that are nearly the same word.
fn renamed(case: &Case<'_>) -> Vec<String> {
    let key = |found: &Difference| match found.path.last() {
        Some(Step::Key(key)) => Some(key.clone()),
        _ => None,
    };
    let parent = |found: &Difference| found.path[..found.path.len().saturating_sub(1)].to_vec();
    let mut out: Vec<String> = Vec::new();
    for missing in case.differences().iter().filter(|found| found.what == What::Missing) {
        let Some(name) = key(missing) else { continue };
        let others: Vec<String> = case
            .differences()
            .iter()
            .filter(|found| found.what == What::Extra && parent(found) == parent(missing))
            .filter_map(key)
            .collect();
        if let Some(near) = nearest(&name, others.iter().map(String::as_str)) {
            let sentence = format!("the page writes `{name}`, the server `{near}`");
            if !out.contains(&sentence) {
                out.push(sentence);
            }
        }
    }
    out
}

fn numbers_as_text(case: &Case<'_>) -> Option<String> {
    let found = case.differences().iter().find(|found| found.what == What::Type && !found.path.is_empty())?;
    let (documented, actual) = (found.documented.as_ref()?, found.actual.as_ref()?);
    let path = show_path(&found.path);
    let quoted = |text: &Value, other: &Value| {
        let plain = other.to_string();
        text.as_str().is_some_and(|text| text == plain)
    };
    if quoted(documented, actual) {
        return Some(format!("`{path}` is a number in the answer; the page puts it in quotes"));
    }
    quoted(actual, documented).then(|| format!("`{path}` is text in the answer; the page writes it without quotes"))
}

/// The other answer, for a reader who has run what stands above.
fn after_writes(case: &Case<'_>) -> Option<String> {
    let later = case.later?;
    if later.status == case.answer.status {
        return None;
    }
    let empty = case.judged.documented.as_ref().is_some_and(|node| node.to_value() == serde_json::json!({}));
    let habit =
        if empty && later.status == 404 { " with a problem that says why, where json-server answers `{}`" } else { "" };
    Some(format!("after the writes above it the server answers {}{habit}", later.status))
}

/// What the server itself says about its refusal.
fn server_says(case: &Case<'_>, body: Option<&Value>) -> Option<String> {
    if case.answer.status < 400 {
        return None;
    }
    let body = body?;
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let detail = text("detail").or_else(|| text("error")).or_else(|| text("message")).or_else(|| text("title"))?;
    let hint = text("hint").map(|hint| format!(" ({hint})")).unwrap_or_default();
    Some(format!("the server says: {detail}{hint}"))
}
