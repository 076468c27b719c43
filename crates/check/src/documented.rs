//! What a page documents as the response to an example, and how a response compares with it.

use std::ops::Range;

use serde_json::Value;

use super::claims::Claim;
use super::compare::{self, Diff, DifferenceKind, Step};
use super::documented_response::DocumentedResponse;
use super::error_bodies;
use super::example::{Example, ResponseBlock};
use super::failures::Around;
use super::generated::Generated;
use super::jq::Stop;
use super::labels;
use super::listings;
use super::node::{Item, Kind, Node};
use super::omissions::{self, OneItem};
use super::outcome::Drift;
use super::page::Page;
use super::pairing;
use super::printed::{self, Form};
use super::service::{Body, Received};
use super::status::{Expected, StatusSource};
use super::status_text;
use super::url;

/// What is documented for an example.
pub struct Documented<'a> {
    pub expected: &'a Expected,
    /// The response that the page shows.
    pub response: &'a DocumentedResponse,
    /// How sure it is that the body is the response.
    pub confidence: Confidence,
    /// What the server generates.
    pub generated: Generated<'a>,
    /// The text around the example.
    pub around: Around<'a>,
}

/// How sure it is that a block is the response to a request. What is not sure is not reported as wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// The page says so, or nothing else.
    Sure,
    /// What the page says about it is not understood: it is compared only if it resembles the received body.
    Likely,
    /// It may be the body of the request: it is compared only if it equals the received body.
    Doubtful,
}

impl Confidence {
    /// How sure it is that the response of an example is the one to its request.
    pub fn of(page: &Page, example: &Example, form: Form) -> Confidence {
        // A block of lines may be other commands.
        let may_be_commands = |response: &ResponseBlock| {
            let content = page.fence(response.fence).map(|fence| &fence.content);
            response.fence != example.fence
                && form == Form::Lines
                && content.is_some_and(|content| printed::is_like_command(content.trim_start()))
        };
        match &example.response {
            Some(response) if response.doubtful => Confidence::Doubtful,
            Some(response) if may_be_commands(response) => Confidence::Likely,
            Some(response)
                if !pairing::surely_response(page, example.fence, response.fence)
                    && !omissions::says_truncated(page, example, response.fence) =>
            {
                Confidence::Likely
            }
            _ => Confidence::Sure,
        }
    }
}

/// A response compared with the page.
pub struct Compared {
    pub received: Received,
    pub status_ok: bool,
    pub diff: Diff,
    /// Differences that do not count.
    pub accepted: Vec<compare::Difference>,
    /// Why the body was not compared, if so.
    pub uncompared: Option<&'static str>,
    /// What else differs, and where the page documents it.
    pub other: Option<OtherDifference>,
}

/// A difference besides those of the status and of the members of a body.
#[derive(Debug, Clone)]
pub struct OtherDifference {
    /// Where the page documents it; `None`: around the request.
    pub place: Option<Range<usize>>,
    /// What the server does.
    pub text: String,
}

/// Why a body that is one item of the received list is not compared.
pub const ONE_OF_LIST: &str = "one item of the list";
pub const NOT_SURE: &str = "may not be the response";

/// Why there is nothing to compare a documented body with.
enum Unprinted {
    /// The command prints something of another kind.
    Other(String),
    /// The output is not known, for this reason.
    Unknown(&'static str),
}

/// Why the body of an error is not compared.
pub const OTHER_ERROR: &str = "an error in a different format from the server's";

impl Compared {
    pub fn is_as_documented(&self) -> bool {
        let is_compared = self
            .uncompared
            .is_none_or(|why| why == ONE_OF_LIST || why == OTHER_ERROR);
        self.status_ok && self.diff.differences.is_empty() && is_compared && self.other.is_none()
    }

    /// Whether status, body or headers differ from the page, as far as they were compared.
    pub fn differs(&self) -> bool {
        !self.status_ok || !self.diff.differences.is_empty() || self.other.is_some()
    }

    /// The server's hint that a name in the query is misspelt. Such a response may match the page by chance. A
    /// filter on a whole array does not count if the page shows the items that it finds.
    pub fn suspicious_hint(&self, documented: Option<&Node>) -> Option<&String> {
        let hint = self.received.hint.as_ref()?;
        let has_items = documented
            .is_some_and(|body| matches!(&body.kind, Kind::Array(items) if !items.is_empty()));
        let questions = hint.to_lowercase().matches("did you mean").count();
        let is_whole_array = has_items && hint.contains("compared as a whole");
        (questions > usize::from(is_whole_array)).then_some(hint)
    }
}

impl Documented<'_> {
    pub fn compare(&self, received: Received) -> Compared {
        let (actual, mut unprinted, mut uncompared) = match self.actual(&received) {
            Ok(actual) => (actual, None, None),
            Err(Unprinted::Other(text)) => (None, Some(text), None),
            Err(Unprinted::Unknown(why)) => (None, None, Some(why)),
        };
        let is_known = unprinted.is_none() && uncompared.is_none();
        let body = self.response.body.as_ref().filter(|_| is_known);
        let (mut diff, mut accepted) = (Diff::default(), Vec::new());
        if let Some(node) = body {
            match self.differences(node, actual.as_ref()) {
                Some(found) => (diff, accepted) = found,
                None => uncompared = Some(ONE_OF_LIST),
            }
            let differs = !diff.differences.is_empty();
            let is_other_error = received.status >= 400 && self.is_error_of_other_form()
                || self.shows_missing(&received);
            if differs && is_other_error {
                uncompared = Some(OTHER_ERROR);
            } else if differs
                && self.response.one_item.is_none()
                && !self.counts_as_response(node, actual.as_ref())
            {
                uncompared = Some(NOT_SURE);
            }
            if uncompared.is_some() {
                diff = Diff::default();
            }
        }
        if self.confidence != Confidence::Sure && unprinted.take().is_some() {
            uncompared = Some(NOT_SURE);
        }
        // If no status is documented, a documented error counts where the text mentions an error, and so does what
        // filters print of it. A misspelt name is not one of the cases that a page lists.
        let may_succeed = self.expected.statuses.iter().any(|status| *status < 400);
        let is_listed = self.expected.statuses.contains(&received.status);
        // The 404 of a misspelt path is not that of a missing record.
        let is_misspelt = || {
            received.is_misspelling()
                && (may_succeed || received.status == 404 && !self.means_misspelling())
        };
        let status_ok = is_listed && !is_misspelt()
            || self.expected.source == StatusSource::Method
                && diff.differences.is_empty()
                && unprinted.is_none()
                && uncompared.is_none_or(|why| why == OTHER_ERROR)
                && match (body, self.response.plain.as_ref()) {
                    (Some(_), _) => {
                        received.is_success()
                            || self.is_error_body() && self.around.means(&received)
                            || self.shows_missing(&received)
                            || self.response.form != Form::Body
                    }
                    (None, Some(shown)) => status_text::says_failure(&shown.text),
                    (None, None) => self.around.allows(&received),
                };
        // Prose about an error is a remark if the page shows the body of the success.
        let shows_success = || {
            let is_full = |node: &Node| match &node.kind {
                Kind::Object { members, .. } => !members.is_empty(),
                Kind::Array(items) => !items.is_empty(),
                Kind::Exact(_) | Kind::Match(_) => false,
            };
            received.is_success()
                && body.is_some_and(is_full)
                && diff.differences.is_empty()
                && uncompared.is_none()
        };
        let status_ok = status_ok || self.is_remark_about_error() && shows_success();
        let unprinted = unprinted.map(|text| OtherDifference { place: None, text });
        Compared {
            other: unprinted.or_else(|| self.other_difference(&received)),
            received,
            status_ok,
            diff,
            accepted,
            uncompared,
        }
    }

    /// Whether the documented status is that of an error in a heading, in text below the response or in a sentence.
    fn is_remark_about_error(&self) -> bool {
        let (page, example) = (self.around.page, self.around.example);
        let is_error = self.expected.statuses.iter().all(|status| *status >= 400);
        let response = example.response.as_ref();
        let shown = response.and_then(|shown| Some(page.fence(shown.fence)?.range.start));
        let is_remark = match (self.expected.source, &self.expected.place) {
            (StatusSource::Heading, _) => true,
            (StatusSource::Text, Some(place)) => {
                let is_below = shown.is_some_and(|shown| place.start > shown);
                let text = page.text[place.clone()].trim_end();
                // "**Status:** `404 Not Found`"
                let label = text.split_once([':', '：']).map_or("", |(label, _)| label);
                let is_label = (1..=3).contains(&labels::words(label).len())
                    && !status_text::names_error(label);
                is_below && !is_label || text.ends_with(['.', '。', '！', '!'])
            }
            _ => false,
        };
        is_error && is_remark
    }

    /// What the command prints of a response, if the page shows it.
    fn actual(&self, received: &Received) -> Result<Option<Value>, Unprinted> {
        let is_error = self.response.form == Form::Error;
        if self.response.body.as_ref().is_none() && !is_error {
            return Ok(None);
        }
        match self
            .around
            .example
            .request
            .printed
            .of(received, self.response.form)
        {
            Ok(Some(Value::Array(values)))
                if self.response.form == Form::Values && values.is_empty() =>
            {
                Err(Unprinted::Other("jq prints nothing".to_owned()))
            }
            Ok(Some(value)) if is_error => {
                let text = format!(
                    "jq ends without an error and prints {}",
                    compare::short(&value)
                );
                Err(Unprinted::Other(text))
            }
            Ok(actual) => Ok(actual),
            Err(Stop::Error(_)) if is_error => Ok(None),
            Err(Stop::Error(text)) => {
                Err(Unprinted::Other(format!("jq ends with an error: {text}")))
            }
            Err(Stop::Several(values)) => {
                let shown = compare::short(&Value::from(values));
                Err(Unprinted::Other(format!(
                    "the page shows one value, but jq does not print exactly one: {shown}"
                )))
            }
            Err(Stop::Unfinished(why)) => Err(Unprinted::Unknown(why)),
        }
    }

    /// The differences between the documented body and the actual one, and those that do not count; `None` if it is one
    /// item of a list that is not there.
    fn differences(
        &self,
        node: &Node,
        actual: Option<&Value>,
    ) -> Option<(Diff, Vec<compare::Difference>)> {
        let members = match &node.kind {
            Kind::Object { members, .. } => members.len(),
            _ => 0,
        };
        let mut diff = match actual.unwrap_or(&Value::Null) {
            Value::Array(items) if self.response.one_item.is_some() && members > 0 => {
                let item = match self.response.one_item {
                    Some(OneItem::First) => items.first(),
                    Some(OneItem::Last) => items.last(),
                    _ => None,
                };
                let nearest = || {
                    let diffs = items.iter().map(|item| compare::diff(node, item));
                    let nearest = diffs.min_by_key(|diff| diff.differences.len());
                    // Of a form, the values are made up.
                    nearest.filter(|diff| 2 * diff.differences.len() <= members)
                };
                let item = item.map(|item| compare::diff(node, item));
                item.or_else(nearest)?
            }
            body => compare::diff(node, body),
        };
        let mut aligned = Vec::new();
        if let (Some(actual), false, false) = (
            actual,
            self.response.one_item.is_some(),
            diff.differences.is_empty(),
        ) {
            let mut body = actual.clone();
            aligned = self.generated.align(node, &mut body);
            if !aligned.is_empty() {
                diff = compare::diff(node, &body);
            }
        }
        let differences = std::mem::take(&mut diff.differences);
        let (mut accepted, differences): (Vec<_>, _) = differences
            .into_iter()
            .partition(|found| self.accepts(found));
        accepted.splice(..0, aligned);
        diff.differences = differences;
        Some((diff, accepted))
    }

    /// Whether a body that differs is the response all the same.
    fn counts_as_response(&self, node: &Node, actual: Option<&Value>) -> bool {
        match self.confidence {
            Confidence::Sure => true,
            Confidence::Likely => {
                resembles(node, actual.unwrap_or(&Value::Null))
                    || error_bodies::is_message(&node.to_value())
            }
            Confidence::Doubtful => false,
        }
    }

    /// A wrong header, something that the text says, or a body where the page says that there is none; `{}` counts as
    /// none.
    fn other_difference(&self, received: &Received) -> Option<OtherDifference> {
        let json_for_text = || {
            let shown = self.response.plain.as_ref();
            let shown = shown.filter(|_| self.response.is_message && received.is_success())?;
            let value = compare::short(received.json()?);
            let text = format!(
                "the page shows the text `{}`, the server returns JSON: {value}",
                shown.text
            );
            let place = Some(shown.range.clone());
            Some(OtherDifference { place, text })
        };
        let other_output = || {
            let stated = self.around.stated_output()?;
            let printed = &self.around.example.request.printed;
            let actual = printed.other_than(&stated.text, received)?;
            let text = format!(
                "the text says that the output is `{}`, it is `{actual}`",
                stated.text
            );
            let place = Some(stated.range);
            Some(OtherDifference { place, text })
        };
        let not_empty = || {
            let text = match &received.body {
                Body::Json(Value::Array(items))
                    if self.response.body.is_none()
                        && !items.is_empty()
                        && self.around.says_empty_list() =>
                {
                    "the text says that the list is empty, the server returns records"
                }
                body if self.says_no_body() && !is_empty(body) && received.is_success() => {
                    "the page says that there is no body, the server returns one"
                }
                _ => return None,
            };
            let text = text.to_owned();
            Some(OtherDifference { place: None, text })
        };
        self.wrong_header(received)
            .or_else(json_for_text)
            .or_else(|| self.false_claim(received))
            .or_else(other_output)
            .or_else(not_empty)
    }

    /// A header that the page shows or names, and that the server sends otherwise or not at all.
    fn wrong_header(&self, received: &Received) -> Option<OtherDifference> {
        let named = match received.is_success() {
            true => self.around.named_headers(),
            false => Vec::new(),
        };
        for (name, shown) in self.response.headers.iter().chain(&named) {
            let sent = received.header(name);
            // The server sends none without a body, and its errors have a type of their own.
            if name == "content-type" && (sent.is_none() || !received.is_success()) {
                continue;
            }
            let is_same = sent.is_some_and(|sent| match name.as_str() {
                "location" => self.is_location(&shown.text, sent),
                "x-total-count" => shown.text == sent,
                "content-type" => is_same_type(&shown.text, sent),
                // Its addresses may have another host and another order of parameters.
                _ => true,
            });
            if !is_same {
                let title = match name.as_str() {
                    "location" => "Location",
                    "x-total-count" => "X-Total-Count",
                    "content-type" => "Content-Type",
                    _ => "Link",
                };
                let text = match sent {
                    Some(value) => format!("the server sends `{title}: {value}`"),
                    None => format!("the server sends no header `{title}`"),
                };
                let place = Some(shown.range.clone());
                return Some(OtherDifference { place, text });
            }
        }
        None
    }

    /// A value in the response that a program or a sentence states otherwise.
    fn false_claim(&self, received: &Received) -> Option<OtherDifference> {
        let (page, example) = (self.around.page, self.around.example);
        let fence = page.fence(example.fence)?;
        let in_page = |claim: &Claim| Claim {
            range: fence.source_range(&claim.range),
            ..claim.clone()
        };
        let claims = example.request.claims.iter().map(in_page);
        let is_list = received.json().is_some_and(Value::is_array);
        let count = self.around.promised_count().filter(|_| is_list);
        let is_shown = self.response.body.is_some() || self.response.plain.is_some();
        let expected = match &self.response.plain {
            Some(plain)
                if example.request.printed.is_listing(&plain.text)
                    && self.around.names_no_other_output() =>
            {
                listings::claims(&plain.text, &plain.range, received)
            }
            _ if is_shown => Vec::new(),
            _ => self.around.expected_claims(received),
        };
        claims.chain(count).chain(expected).find_map(|claim| {
            let found = claim.difference(received)?;
            let text = claim.describe(&found);
            let place = Some(claim.range);
            (!self.accepts(&found)).then_some(OtherDifference { place, text })
        })
    }

    /// Whether a header `Location` is as documented. The page may show it with a host and a prefix, and with another
    /// random id.
    fn is_location(&self, documented: &str, actual: &str) -> bool {
        let path = url::path_of(documented).trim_end_matches('/');
        let is_random = |(parent, id): (&str, &str)| {
            let (own_parent, own) = actual.rsplit_once('/')?;
            let found = compare::Difference {
                path: vec![Step::Key("id".to_owned())],
                kind: DifferenceKind::Value,
                place: 0..0,
                documented: Some(id.into()),
                actual: Some(own.into()),
            };
            let is_number = own.bytes().all(|byte| byte.is_ascii_digit());
            Some(parent.ends_with(own_parent) && !is_number && self.generated.accepts(&found))
        };
        path.ends_with(url::path_of(actual))
            || url::placeholder(path).is_some()
            || path.rsplit_once('/').and_then(is_random) == Some(true)
    }

    /// Whether a difference is a value that cannot be documented.
    fn accepts(&self, found: &compare::Difference) -> bool {
        let Some(Step::Key(key)) = found.path.last() else {
            return false;
        };
        if found.kind == DifferenceKind::Extra && labels::names(&self.response.left_out, key) {
            return true;
        }
        if self.response.has_other_values && found.kind == DifferenceKind::Value {
            let kind = |value: &Option<Value>| value.as_ref().map(compare::type_name);
            return kind(&found.documented) == kind(&found.actual);
        }
        let has_values = found.documented.is_some() && found.actual.is_some();
        (has_values && self.around.example.directives.any.contains(key))
            || self.generated.accepts(found)
    }

    /// Whether the documented body reports an error, and in another form than the server's errors have.
    fn is_error_of_other_form(&self) -> bool {
        let body = self.response.body.as_ref().map(Node::to_value);
        let Some(Value::Object(members)) = &body else {
            return false;
        };
        let fails = self.expected.source != StatusSource::Method
            && self.expected.statuses.iter().all(|status| *status >= 400);
        let is_record = members.contains_key("id");
        !error_bodies::is_of_server(members)
            && (fails && !is_record || body.as_ref().is_some_and(error_bodies::reports_error))
    }

    /// Whether the documented body is what json-server returns for a record that is missing: `{}`.
    fn shows_missing(&self, received: &Received) -> bool {
        let is_empty = |node: &Node| matches!(&node.kind, Kind::Object { members, elided, .. } if members.is_empty() && !elided);
        received.status == 404
            && !received.is_misspelling()
            && self.around.example.method() == "GET"
            && self.response.body.as_ref().is_some_and(is_empty)
    }

    /// Whether the page is about misspelt paths: its text says so, its response has the hint, or a comment has the status.
    fn means_misspelling(&self) -> bool {
        let body = self.response.body.as_ref().map(Node::to_value);
        self.expected.source == StatusSource::Directive
            || self.around.is_about_names()
            || body.is_some_and(|body| body.to_string().contains("did you mean"))
    }

    fn says_no_body(&self) -> bool {
        let example = self.around.example;
        example.no_body && example.method() != "HEAD"
    }

    fn is_error_body(&self) -> bool {
        if self.is_error_of_other_form() {
            return true;
        }
        let Some(Kind::Object { members, .. }) = self.response.body.as_ref().map(|node| &node.kind)
        else {
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

fn is_empty(body: &Body) -> bool {
    match body {
        Body::Empty => true,
        Body::Json(Value::Object(members)) => members.is_empty(),
        Body::Json(Value::Array(items)) => items.is_empty(),
        Body::Json(value) => value.is_null(),
        Body::Text(text) => text.trim().is_empty(),
    }
}

/// Whether a documented content type is the one that is sent. `application/json` stands for all kinds of JSON.
fn is_same_type(documented: &str, sent: &str) -> bool {
    let sent = sent.split(';').next().unwrap_or_default().trim();
    let is_json = sent.ends_with("+json") && documented.eq_ignore_ascii_case("application/json");
    is_json || documented.eq_ignore_ascii_case(sent)
}

/// Which of the page, our server and the real service stands alone, if they do not agree.
pub fn drift(real: &Compared, mock: &Compared) -> Option<Drift> {
    let same_status = real.received.status == mock.received.status;
    // A status that the page does not have is enough.
    let same = same_status && (!real.status_ok || real.received.body == mock.received.body);
    let (alone, text) = match (real.is_as_documented(), mock.is_as_documented()) {
        (true, true) => return None,
        (true, false) => {
            let text = "the page and the real service agree; the mock differs: its data or its rules are out of date";
            ("mock", text)
        }
        (false, true) => (
            "real",
            "the page and the mock agree; the real service differs",
        ),
        (false, false) if same => (
            "page",
            "the mock and the real service agree; the page is outdated",
        ),
        (false, false) => ("none", "the page, the mock and the real service all differ"),
    };
    let text = match (same_status, same) {
        (true, true) => format!("{text} (both: {})", real.received.status),
        (true, false) => format!("{text} (both: {}, with other bodies)", real.received.status),
        (false, _) => format!(
            "{text} (mock: {}, real: {})",
            mock.received.status, real.received.status
        ),
    };
    Some(Drift {
        alone,
        text,
        mock: mock.received.clone(),
    })
}

/// Whether a body is probably the response, with mistakes: all members of an object are there, or most and one has its
/// value.
fn resembles(documented: &Node, actual: &Value) -> bool {
    match (&documented.kind, actual) {
        (Kind::Object { members, .. }, Value::Object(object)) => {
            let mut found = members
                .iter()
                .filter_map(|member| Some((&member.value, object.get(&member.key)?)));
            let is_equal =
                |(node, value): (_, _)| compare::diff(node, value).differences.is_empty();
            let count = found.clone().count();
            // Words in place of numbers describe the members.
            let is_word = |(node, value): (&Node, &Value)| {
                node.to_value().is_string() && (value.is_number() || value.is_boolean())
            };
            let is_described = found.clone().any(is_word);
            (count == members.len() && count == object.len() && !is_described)
                || (2 * count > members.len() && found.any(is_equal))
        }
        (Kind::Array(items), Value::Array(values)) => {
            let first = items.iter().find_map(Item::node);
            // Words are those of the response if one of them is.
            let is_there = |node: &Node| {
                matches!(node.kind, Kind::Exact(_))
                    && values.iter().any(|value| compare::matches(node, value))
            };
            // An empty list is nothing else.
            first.is_none_or(|first| values.iter().any(|value| resembles(first, value)))
                || items.iter().filter_map(Item::node).any(is_there)
        }
        // One record in place of a list of it.
        (Kind::Object { .. }, Value::Array(values)) => {
            values.iter().any(|value| resembles(documented, value))
        }
        _ => false,
    }
}
