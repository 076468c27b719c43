//! The response that a page shows for an example: its status line, headers and body.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::comments;
use super::example::Example;
use super::lenient_json;
use super::listings;
use super::node::Node;
use super::omissions::{self, Omissions, OneItem};
use super::outcome::Finding;
use super::page::{Fence, Page};
use super::printed::Form;
use super::programs;
use super::text::{is_one_of, line_start};
use super::transcript;

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
    /// Whether that is surely what the server returns, and not a description of it.
    pub is_message: bool,
    /// The headers that are compared, by their names in lower case.
    pub headers: Vec<(String, Shown)>,
    /// Whether the page says that only a part is shown.
    pub truncated: bool,
    /// The item of a list that the page says that it shows, or the form of each.
    pub one_item: Option<OneItem>,
    /// Whether the page says that the reader may see other values.
    pub has_other_values: bool,
    /// Words of a sentence that says which members are left out.
    pub left_out: Vec<String>,
    /// A closing bracket or a comma that is missing in the body.
    pub missing: Option<Finding>,
    /// How the body is shown.
    pub form: Form,
}

/// The documented response, or where it is not JSON. Ranges in the body are those of the whole block's content.
pub fn response(page: &Page, example: &Example) -> (DocumentedResponse, Option<Finding>) {
    let (mut response, error) = shown(page, example);
    let claimed = example.request.claims.iter().find_map(|claim| {
        let place = page.fence(example.fence)?.source_range(&claim.range);
        Some((claim.status()?, place))
    });
    response.status = response.status.or(claimed);
    (response, error)
}

/// The response that blocks show.
fn shown(page: &Page, example: &Example) -> (DocumentedResponse, Option<Finding>) {
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
    let text = &content[block.range.clone()];
    let javascript = is_one_of(
        &fence.language,
        "js javascript jsx ts typescript node json5",
    );
    // A block of no language may show an object as a program writes it, without quotes around the names.
    let literal = |error| {
        let read = lenient_json::parse_literals(&content, true).ok();
        let in_comment = fence.content[block.range.clone()]
            .trim_start()
            .starts_with(['#', '/']);
        let is_literal = fence.language.is_empty() || in_comment;
        let read = read.filter(|read| is_literal && read.body.is_some());
        read.ok_or(error)
    };
    let parsed = match printed.is_filtered() {
        true => printed.parse(&content, block.range.start),
        false => lenient_json::parse_literals(&content, javascript || in_program)
            .or_else(literal)
            .map(|documented| (documented, Form::Body)),
    };
    let error = match parsed {
        Ok((read, form)) => {
            let head = read.head.as_ref();
            let head = head.map(|head| (head.status, fence.source_range(&head.span)));
            let status = head.or(written).or(status_above);
            let said = |body: Option<&mut Node>| omissions::apply(page, example, block.fence, body);
            return (of_json(fence, &content, read, form, status, said), None);
        }
        Err(error) => error,
    };
    let plain = |text: &str, range: &Range<usize>| DocumentedResponse {
        plain: Some(Shown {
            text: text.to_owned(),
            range: range.clone(),
        }),
        ..DocumentedResponse::default()
    };
    // A message in words that a label calls the response, or that is below its command.
    let response = content[block.range.start..].trim();
    let is_output =
        block.fence == example.fence && example.request.output.as_ref() == Some(&block.range);
    let is_message = transcript::is_message(response) || is_output && transcript::is_words(text);
    if is_message && status_above.is_none() {
        let response = DocumentedResponse {
            is_message,
            ..plain(response, &fence.source_range(&block.range))
        };
        return (response, None);
    }
    // Output of a program need not be JSON.
    if javascript || listings::is_listing(text) {
        return (plain(text, &fence.range), None);
    }
    let at = fence.source(error.at);
    let letter = page.text[at..].chars().next();
    let end = at + letter.map_or(0, char::len_utf8);
    let head = transcript::head(&content).0;
    let status = head.map(|head| (head.status, fence.source_range(&head.span)));
    let response = DocumentedResponse {
        status: status.or(written).or(status_above),
        ..DocumentedResponse::default()
    };
    let text = format!("the documented response is not JSON: {}", error.text);
    (response, Some(Finding::new(at..end, text)))
}

/// A response whose body, if it has one, is JSON.
fn of_json(
    fence: &Fence,
    content: &str,
    mut read: lenient_json::Documented,
    form: Form,
    status: Option<(u16, Range<usize>)>,
    omissions: impl FnOnce(Option<&mut Node>) -> Omissions,
) -> DocumentedResponse {
    if let Some(body) = read.body.as_mut() {
        body.match_samples();
    }
    let said = omissions(read.body.as_mut());
    let shown = |span: Range<usize>| Shown {
        text: content[span.clone()].to_owned(),
        range: fence.source_range(&span),
    };
    let is_above = |span: &Range<usize>| {
        let body = read.body.as_ref();
        status.is_some() && body.is_none_or(|body| span.start < body.span.start)
    };
    // A block that shows several messages has several types.
    let mut types = transcript::compared_headers(content)
        .filter(|(name, span)| name == "content-type" && is_above(span));
    let is_only = types.nth(1).is_none();
    let is_own = |name: &str| name != "content-type" || is_only;
    let headers = transcript::compared_headers(content)
        .filter(|(name, span)| is_above(span) && is_own(name))
        .map(|(name, span)| (name, shown(span)))
        .collect();
    DocumentedResponse {
        status,
        is_message: (read.text.clone()).is_some_and(|span| transcript::is_message(&content[span])),
        plain: read.text.map(shown),
        headers,
        truncated: said.truncated,
        one_item: said.one_item,
        has_other_values: said.has_other_values,
        left_out: said.left_out,
        missing: read.missing.map(|error| {
            let at = fence.source(error.at);
            Finding::new(at..at + 1, error.text)
        }),
        body: read.body,
        form,
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
    // The prompt after output without a line end, zsh's mark for it, and that of curl's own lines.
    static PROMPT: LazyLock<Regex> =
        regex!(r"[}\]](?P<prompt>(?:[\w.-]+@[\w.-]+:\S*|~)?[$#%*])\s*$");
    let prompt = PROMPT.captures(&content);
    if let Some(prompt) = prompt.and_then(|found| Some(found.name("prompt")?.range())) {
        content.replace_range(prompt.clone(), &" ".repeat(prompt.len()));
    }
    (content, written)
}

/// The status after the body in the last line of an output: `{} (404)`, `{} with status 404`.
fn status_after(content: &str) -> Option<transcript::Head> {
    static AFTER: LazyLock<Regex> = regex!(
        r"(?i)[}\]](?P<all>[ \t]*[,(][ \t]*(?:(?:http|status|code)[ \t:]+)*(?P<code>[1-5]\d\d)\)?|[ \t]+(?:and|with|mit|et|y|e)[ \t]+(?:(?:an?|the|http|status|code)[ \t]+)*(?P<other>[1-5]\d\d))\s*$"
    );
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
