//! What a page documents as the response to an example, and how a response compares with it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::comments;
use super::compare::{self, Diff, DifferenceKind, Step};
use super::error_bodies;
use super::examples::{Example, ResponseBlock};
use super::failures::Around;
use super::generated::Generated;
use super::jq::Stop;
use super::labels;
use super::lenient_json;
use super::node::{Item, Kind, Node};
use super::omissions::{self, OneItem};
use super::outcome::{Drift, Finding};
use super::page::{Fence, Page};
use super::pairing;
use super::powershell;
use super::printed::{self, Form, Printed};
use super::programs;
use super::service::{Body, Received};
use super::status::{Expected, StatusSource};
use super::status_text;
use super::text::{is_one_of, line_start, pattern};
use super::transcript;
use super::url;

/// Text of a page.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The text.
    pub text: String,
    /// Its range in the page.
    pub range: Range<usize>,
}

/// What a page shows as a response.
#[derive(Default)]
pub struct DocumentedResponse {
    /// The status line and its range in the page.
    pub status: Option<(u16, Range<usize>)>,
    /// The body, if it is JSON.
    pub body: Option<Node>,
    /// A body that is not JSON.
    pub plain: Option<Shown>,
    /// The headers that are compared, by their names in lower case.
    pub headers: Vec<(String, Shown)>,
    /// Whether the page says that only a part is shown.
    pub truncated: bool,
    /// The item of a list that the page says that it shows, or the form of each.
    pub one_item: Option<OneItem>,
    /// Words of a sentence that says which members are left out.
    pub left_out: Vec<String>,
    /// A closing bracket or a comma that is missing in the body.
    pub missing: Option<Finding>,
    /// How the body is shown.
    pub form: Form,
}

/// What is documented for an example.
pub struct Documented<'a> {
    pub expected: &'a Expected,
    pub body: Option<&'a Node>,
    /// How it is shown, and what the command prints of the response.
    pub form: Form,
    pub printed: &'a Printed,
    /// A body that is not JSON.
    pub plain: Option<&'a Shown>,
    /// The item of a list that the body is.
    pub one_item: Option<OneItem>,
    /// How sure it is that the body is the response.
    pub confidence: Confidence,
    /// Members whose values are not compared.
    pub any: &'a [String],
    /// Members that may be missing.
    pub left_out: &'a [String],
    /// The headers that are compared, by their names in lower case.
    pub headers: &'a [(String, Shown)],
    /// Whether the page says that there is no body.
    pub no_body: bool,
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
pub const OTHER_ERROR: &str = "an error in another form than the server's";

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
        let body = self.body.filter(|_| is_known);
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
                && self.one_item.is_none()
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
        let status_ok = is_listed && !(may_succeed && received.is_misspelling())
            || self.expected.source == StatusSource::Method
                && diff.differences.is_empty()
                && unprinted.is_none()
                && uncompared.is_none_or(|why| why == OTHER_ERROR)
                && match (body, self.plain) {
                    (Some(_), _) => {
                        received.is_success()
                            || self.is_error_body()
                            || self.shows_missing(&received)
                            || self.form != Form::Body
                    }
                    (None, Some(shown)) => status_text::says_failure(&shown.text),
                    (None, None) => self.around.allows(&received),
                };
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

    /// What the command prints of a response, if the page shows it.
    fn actual(&self, received: &Received) -> Result<Option<Value>, Unprinted> {
        let is_error = self.form == Form::Error;
        if self.body.is_none() && !is_error {
            return Ok(None);
        }
        match self.printed.of(received, self.form) {
            Ok(Some(Value::Array(values))) if self.form == Form::Values && values.is_empty() => {
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
            Value::Array(items) if self.one_item.is_some() && members > 0 => {
                let item = match self.one_item {
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
        if let (Some(actual), false, false) =
            (actual, self.one_item.is_some(), diff.differences.is_empty())
        {
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
            Confidence::Likely => resembles(node, actual.unwrap_or(&Value::Null)),
            Confidence::Doubtful => false,
        }
    }

    /// A wrong header, or a body where the page says that there is none; `{}` counts as none.
    fn other_difference(&self, received: &Received) -> Option<OtherDifference> {
        for (name, shown) in self.headers {
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
        if let (Some(shown), Body::Json(value)) = (self.plain, &received.body)
            && transcript::is_message(&shown.text)
            && received.is_success()
        {
            let place = Some(shown.range.clone());
            let text = format!(
                "the page shows the text `{}`, the server returns JSON: {}",
                shown.text,
                compare::short(value)
            );
            return Some(OtherDifference { place, text });
        }
        let is_empty = match &received.body {
            Body::Empty => true,
            Body::Json(Value::Object(members)) => members.is_empty(),
            Body::Json(Value::Array(items)) => items.is_empty(),
            Body::Json(value) => value.is_null(),
            Body::Text(text) => text.trim().is_empty(),
        };
        (self.no_body && !is_empty && received.is_success()).then(|| OtherDifference {
            place: None,
            text: "the page says that there is no body, the server returns one".to_owned(),
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
        if found.kind == DifferenceKind::Extra && labels::names(self.left_out, key) {
            return true;
        }
        let has_values = found.documented.is_some() && found.actual.is_some();
        (has_values && self.any.contains(key)) || self.generated.accepts(found)
    }

    /// Whether the documented body reports an error, and in another form than the server's errors have.
    fn is_error_of_other_form(&self) -> bool {
        let body = self.body.map(Node::to_value);
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
            && self.body.is_some_and(is_empty)
    }

    fn is_error_body(&self) -> bool {
        if self.is_error_of_other_form() {
            return true;
        }
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

/// A block with the text of a response in a range, without the marks of comments and of shells; what is not of the body
/// is blanked out, so that offsets stay valid. And the status that curl writes after the body.
fn readable(
    example: &Example,
    fence: &Fence,
    range: &Range<usize>,
) -> (String, Option<(u16, Range<usize>)>) {
    let printed = &example.request.printed;
    let shown = &fence.content[range.clone()];
    let shown = match example.request.program() {
        Some(_) => programs::comments(shown),
        None => Cow::Borrowed(shown),
    };
    let response = match printed.is_filtered() && shown.trim_start().starts_with('#') {
        true => Cow::Owned(comments::without_marks(&shown)),
        false => comments::uncomment(&shown),
    };
    let mut content = format!("{}{response}", " ".repeat(range.start));
    let mut written = None;
    if let Some(found) = printed.status(&content) {
        let status = found.status;
        written = status.map(|(status, span)| (status, fence.source_range(&span)));
        content.replace_range(found.range.clone(), &" ".repeat(found.range.len()));
    } else if let Some(found) = status_after(&content) {
        written = Some((found.status, fence.source_range(&found.span)));
        content.replace_range(found.span.clone(), &" ".repeat(found.span.len()));
    } else if let Some(found) = status_below(&content) {
        written = Some((found.status, fence.source_range(&found.span)));
        let whole = line_start(&content, found.span.start)..content.len();
        content.replace_range(whole.clone(), &" ".repeat(whole.len()));
    }
    // zsh marks output without a line end by `%`.
    let length = content.trim_end().len();
    if content[..length].ends_with("}%") || content[..length].ends_with("]%") {
        content.replace_range(length - 1..length, " ");
    }
    (content, written)
}

/// The status after the body in the last line of an output: `{} (404)`, `{} with status 404`.
fn status_after(content: &str) -> Option<transcript::Head> {
    static AFTER: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)[}\]](?P<all>[ \t]*[,(][ \t]*(?:(?:http|status|code)[ \t:]+)*(?P<code>[1-5]\d\d)\)?|[ \t]+(?:and|with|mit|et|y|e)[ \t]+(?:(?:an?|the|http|status|code)[ \t]+)*(?P<other>[1-5]\d\d))\s*$",
        )
    });
    let found = AFTER.captures(content)?;
    let status = found.name("code").or(found.name("other"))?;
    Some(transcript::Head {
        status: status.as_str().parse().ok()?,
        span: found.name("all")?.range(),
    })
}

/// The status in the last line of an output, below the body: `HTTP 404`, as scripts print it.
fn status_below(content: &str) -> Option<transcript::Head> {
    let (body, last) = content.trim_end().rsplit_once('\n')?;
    let is_body = body.trim_start().starts_with(['{', '[']) || transcript::is_message(body);
    if !last.trim_start().starts_with("HTTP") || !is_body {
        return None;
    }
    let head = transcript::head(last).0?;
    let at = body.len() + 1;
    Some(transcript::Head {
        span: at + head.span.start..at + head.span.end,
        ..head
    })
}

/// The documented response, or where it is not JSON. Ranges in the body are those of the whole block's content.
pub fn response(page: &Page, example: &Example) -> (DocumentedResponse, Option<Finding>) {
    let block = example.response.as_ref();
    let Some((block, fence)) = block.and_then(|block| Some((block, page.fence(block.fence)?)))
    else {
        return (DocumentedResponse::default(), None);
    };
    let above = block.head.as_ref();
    let above = above.and_then(|(index, range)| Some((page.fence(*index)?, range)));
    let status_above = above.and_then(|(fence, range)| {
        let head = transcript::head(&fence.content[range.clone()]).0?;
        let span = range.start + head.span.start..range.start + head.span.end;
        Some((head.status, fence.source_range(&span)))
    });
    let printed = &example.request.printed;
    let in_program = example.request.program().is_some();
    let (content, written) = readable(example, fence, &block.range);
    let response = &content[block.range.start..];
    let javascript = is_one_of(&fence.language, "js javascript jsx ts typescript node");
    // A block of no language may show an object as a program writes it, without quotes around the names.
    let literal = |error| {
        let read = lenient_json::parse_literals(&content, true).ok();
        let read = read.filter(|read| fence.language.is_empty() && read.body.is_some());
        read.ok_or(error)
    };
    let parsed = match printed.is_filtered() {
        true => printed.parse(&content, block.range.start),
        false => lenient_json::parse_literals(&content, javascript || in_program)
            .or_else(literal)
            .map(|documented| (documented, Form::Body)),
    };
    match parsed {
        Ok((mut documented, form)) => {
            let status = documented
                .head
                .map(|head| (head.status, fence.source_range(&head.span)))
                .or(written)
                .or(status_above);
            let said = omissions::apply(page, example, block.fence, documented.body.as_mut());
            let shown = |span: Range<usize>| Shown {
                text: content[span.clone()].to_owned(),
                range: fence.source_range(&span),
            };
            let is_above = |span: &Range<usize>| {
                let body = documented.body.as_ref();
                status.is_some() && body.is_none_or(|body| span.start < body.span.start)
            };
            // A block that shows several messages has several types.
            let mut types = transcript::compared_headers(&content)
                .filter(|(name, span)| name == "content-type" && is_above(span));
            let is_only = types.nth(1).is_none();
            let is_own = |name: &str| name != "content-type" || is_only;
            let headers = transcript::compared_headers(&content)
                .filter(|(name, span)| is_above(span) && is_own(name))
                .map(|(name, span)| (name, shown(span)))
                .collect();
            let plain = documented.text.map(shown);
            let missing = documented.missing.map(|error| {
                let at = fence.source(error.at);
                Finding::new(at..at + 1, error.text)
            });
            (
                DocumentedResponse {
                    status,
                    body: documented.body,
                    plain,
                    headers,
                    truncated: said.truncated,
                    one_item: said.one_item,
                    left_out: said.left_out,
                    missing,
                    form,
                },
                None,
            )
        }
        // A message in words that a label calls the response.
        Err(_) if transcript::is_message(response) && status_above.is_none() => (
            DocumentedResponse {
                plain: Some(Shown {
                    text: response.trim().to_owned(),
                    range: fence.source_range(&block.range),
                }),
                ..DocumentedResponse::default()
            },
            None,
        ),
        Err(error) => {
            let at = fence.source(error.at);
            let end = page.text[at..]
                .chars()
                .next()
                .map_or(at, |letter| at + letter.len_utf8());
            // Output of a program need not be JSON.
            if javascript || powershell::is_listing(&content[block.range.clone()]) {
                let text = content[block.range.clone()].to_owned();
                let range = fence.range.clone();
                return (
                    DocumentedResponse {
                        plain: Some(Shown { text, range }),
                        ..DocumentedResponse::default()
                    },
                    None,
                );
            }
            let text = format!("the documented response is not JSON: {}", error.text);
            let head = transcript::head(&content).0;
            let status = head.map(|head| (head.status, fence.source_range(&head.span)));
            let status = status.or(written).or(status_above);
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
