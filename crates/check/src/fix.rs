//! `--fix`: rewrites the documented JSON of responses that are wrong.
//!
//! Only JSON in response blocks is rewritten, around what is right in it ([`rewrite`]). An example is left alone if its
//! status differs, if probably the request is wrong, or if nothing of what is documented would remain. The new page is
//! checked in memory before it is written: every rewritten example must pass, and no other outcome may change.

use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;
use similar::{DiffTag, TextDiff};

use super::compare::{self, Difference, DifferenceKind, Step, same};
use super::datasets::Dataset;
use super::example::Example;
use super::labels::{self, Announces};
use super::lenient_json;
use super::node::{Item, Kind, Member, Node};
use super::options::Fix;
use super::outcome::{ExampleResult, Outcome, PageResult, RunResult};
use super::page::{Block, Fence, Page};
use super::pairing;
use super::printed::Form;
use super::rewrite;
use super::run::{self, Context};
use super::service::Received;
use super::status_text;
use super::text::{Lines, is_one_of, line_end, line_start, one_line};
use super::watch;

/// A range of a page and its replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    range: Range<usize>,
    text: String,
    /// The example it belongs to, as an index into the page's results.
    example: usize,
}

/// Rewrites the pages of a run and prints the changes; returns how many pages were rewritten.
pub fn apply(result: &RunResult, context: &Context<'_>, out: &mut dyn Write) -> io::Result<usize> {
    let mut written = 0;
    for page in &result.pages {
        let path = one_line(&page.page.path.display().to_string());
        let (text, left) = fixed(page, result, context);
        for (line, reason) in left {
            writeln!(out, "{path}:{line}: not repaired: {}", one_line(reason))?;
        }
        let Some(text) = text else {
            continue;
        };
        let result = match !context.options.allow_dirty && is_dirty(&page.page.path) {
            true => Err(io::Error::other(
                "it has uncommitted changes (--allow-dirty rewrites it)",
            )),
            false => replace(&page.page.path, &page.page.text, &text),
        };
        if let Err(error) = result {
            writeln!(out, "{path}: not rewritten: {error}")?;
            continue;
        }
        written += 1;
        let diff = TextDiff::from_lines(&page.page.text, &text);
        let mut diff = diff.unified_diff();
        write!(out, "{}", diff.context_radius(2).header(&path, &path))?;
    }
    Ok(written)
}

/// The page's text with its responses fixed, `None` if there is nothing to fix; and the lines of failed examples that
/// are left alone with the reasons.
fn fixed(
    result: &PageResult,
    run: &RunResult,
    context: &Context<'_>,
) -> (Option<String>, Vec<(usize, &'static str)>) {
    let page = &result.page;
    let mut edits: Vec<Edit> = Vec::new();
    let mut left = Vec::new();
    let line = |index: usize| result.examples[index].line(page);
    // The same request for another client shows the same response.
    let is_shared = |one: usize, other: usize| {
        let [one, other] = [one, other].map(|at| &result.examples[at].example.response);
        one.is_some() && one == other
    };
    let fails = |index: usize| matches!(result.examples[index].outcome, Outcome::Failed(_));
    for (index, example) in result.examples.iter().enumerate() {
        if (0..index).any(|above| is_shared(above, index) && fails(above)) {
            continue;
        }
        let found = match &example.outcome {
            Outcome::Failed(_) => {
                let dataset = result.dataset.as_deref();
                rewritten_response(page, example, dataset).unwrap_or_else(|reason| {
                    left.push((line(index), reason));
                    Vec::new()
                })
            }
            Outcome::Passed(_)
                if context.options.fix == Some(Fix::Missing) && !example.example.is_sent_empty =>
            {
                missing_response(page, example).into_iter().collect()
            }
            _ => Vec::new(),
        };
        edits.extend(found.into_iter().map(|(range, text)| Edit {
            range,
            text,
            example: index,
        }));
    }
    while !edits.is_empty() {
        let text = splice(&page.text, &edits);
        let changed = Page::parse(&page.path, text.clone());
        let again = run::page(changed, context, &run.datasets);
        let is_edited = |index: usize| {
            let is_of = |edit: &Edit| {
                edit.example == index || is_shared(edit.example, index) && fails(index)
            };
            edits.iter().any(is_of)
        };
        let mut pairs = result.examples.iter().zip(&again.examples).enumerate();
        let others_unchanged = again.examples.len() == result.examples.len()
            && pairs.all(|(index, (before, after))| {
                is_edited(index) || before.outcome.word() == after.outcome.word()
            });
        let passes = |edit: &Edit| {
            let result = again.examples.get(edit.example);
            result.is_some_and(|result| {
                matches!(result.outcome, Outcome::Passed(_)) && result.details.documented.is_some()
            })
        };
        let (kept, failing): (Vec<Edit>, Vec<Edit>) = edits.into_iter().partition(passes);
        edits = kept;
        let reason = "the example would still fail with the new response";
        let mut lines: Vec<_> = failing
            .iter()
            .map(|edit| (line(edit.example), reason))
            .collect();
        lines.dedup();
        left.extend(lines);
        if failing.is_empty() {
            if !others_unchanged {
                let reason = "the change would alter the result of another example";
                left.extend(edits.iter().map(|edit| (line(edit.example), reason)));
                left.dedup();
            }
            return (others_unchanged.then_some(text), left);
        }
    }
    (None, left)
}

/// The edits that make the response of a failed example match the server's.
fn rewritten_response(
    page: &Page,
    result: &ExampleResult,
    dataset: Option<&Dataset>,
) -> Result<Vec<(Range<usize>, String)>, &'static str> {
    let repair = Repair::of(page, result)?;
    repair.is_request_right()?;
    repair.is_replaceable()?;
    repair.is_response_meant()?;
    let content = repair.content(repair.new_body(dataset)?)?;
    Ok(changed_lines(page, repair.fence, &content))
}

/// What the command of an example prints of a response.
fn printed(result: &ExampleResult, received: &Received) -> Option<Value> {
    let printed = &result.example.request.printed;
    printed.of(received, result.details.form).ok().flatten()
}

/// The response after the writes above, unless the page may mean the one before them.
fn response_meant(result: &ExampleResult) -> Result<&Received, &'static str> {
    let details = &result.details;
    let distance = |received: &Received| {
        let body = printed(result, received)?;
        Some(compare::diff(details.documented.as_ref()?, &body).values())
    };
    let (Some(before), Some(after)) = (&details.received, &details.after_writes) else {
        let only = details.received.as_ref().or(details.after_writes.as_ref());
        return only.ok_or("the command is wrong, or it was not sent");
    };
    let is_cut = matches!(details.documented.as_ref().map(|body| &body.kind), Some(Kind::Array(items))
        if items.iter().any(|item| item.node().is_none()));
    match distance(before).zip(distance(after)) {
        Some((fresh, later)) if fresh < later || fresh == later && is_cut => Err(
            "it is closer to the data before the writes above it, so it is not clear which is meant",
        ),
        _ => Ok(after),
    }
}

/// A documented response that is to be rewritten.
struct Repair<'a> {
    page: &'a Page,
    result: &'a ExampleResult,
    /// The block with the response.
    fence: &'a Fence,
    /// The part of its content that is the response.
    range: Range<usize>,
    /// The response of the server; for readers who run all examples, it follows the writes above.
    received: &'a Received,
}

impl<'a> Repair<'a> {
    fn of(page: &'a Page, result: &'a ExampleResult) -> Result<Repair<'a>, &'static str> {
        let details = &result.details;
        let received = response_meant(result)?;
        let expected = details.expected.as_ref().ok_or("no status is expected")?;
        if !expected.statuses.contains(&received.status) {
            return Err("the status is not as documented");
        }
        let response = result.example.response.as_ref();
        let fence = response.and_then(|response| page.fence(response.fence));
        let (response, fence) = response.zip(fence).ok_or("the page shows no response")?;
        if is_one_of(&fence.language, "python py json5") {
            return Err("the response is shown in another language than JSON");
        }
        Ok(Repair {
            page,
            result,
            fence,
            range: response.range.clone(),
            received,
        })
    }

    fn differences(&self) -> impl Iterator<Item = &'a Difference> {
        let failure = self.result.outcome.failure();
        failure.into_iter().flat_map(|failure| &failure.differences)
    }

    /// The text of the response.
    fn documented(&self) -> &'a str {
        &self.fence.content[self.range.clone()]
    }

    /// Whether the request is not what is wrong.
    fn is_request_right(&self) -> Result<(), &'static str> {
        // The page documents this error.
        if self.received.status >= 400 {
            return Ok(());
        }
        let failure = self.result.outcome.failure();
        let cause = failure.and_then(|failure| failure.cause.as_ref());
        if cause.is_some_and(|cause| cause.in_request) || self.received.hint.is_some() {
            return Err("the request is probably what is wrong");
        }
        // One of the two is wrong, and it is not clear which.
        let sent = self.result.example.request.json_body().unwrap_or_default();
        let is_sent = |found: &Difference| {
            let [Step::Key(key)] = found.path.as_slice() else {
                return false;
            };
            found.kind == DifferenceKind::Value
                && found.actual.is_some()
                && sent.get(key) == found.actual.as_ref()
        };
        if self.differences().any(is_sent) {
            return Err("the request sends a different value from the one shown");
        }
        // `{"qty": 5}` where the page shows `"quantity": 5`.
        let is_renamed = |found: &Difference| {
            let is_member =
                matches!(found.path.as_slice(), [Step::Key(key)] if sent.get(key).is_none());
            let value = found.documented.as_ref().filter(|_| is_member);
            value.is_some_and(|value| {
                let mut sent = sent.as_object().into_iter().flatten();
                sent.any(|(name, sent)| sent == value && self.is_extra(name))
            })
        };
        match self.differences().any(is_renamed) {
            true => Err("the request sends a value by another name than the page shows"),
            false => Ok(()),
        }
    }

    /// Whether the response has a member that the page does not show.
    fn is_extra(&self, name: &str) -> bool {
        let is_it = |found: &Difference| {
            found.kind == DifferenceKind::Extra
                && matches!(found.path.as_slice(), [Step::Key(key)] if key == name)
        };
        self.differences().any(is_it)
    }

    /// Whether the response is in a place that can be rewritten.
    fn is_replaceable(&self) -> Result<(), &'static str> {
        let (page, fence, example) = (self.page, self.fence, &self.result.example);
        let response = example.response.as_ref();
        let in_own_block = response.is_some_and(|response| response.fence == example.fence);
        let in_program = example.request.program().is_some() && in_own_block;
        if in_program || self.documented().trim_start().starts_with('#') {
            return Err("the response is in comments");
        }
        let documented = self.result.details.documented.as_ref();
        // `"<string>"` is to be put right.
        if documented.is_some_and(Node::has_only_types) && !self.documented().contains('<') {
            return Err("the response shows types, and no values");
        }
        let rest = page.text[fence.range.end..].lines().next();
        if !fence.fenced && !rest.unwrap_or_default().trim().is_empty() {
            return Err("the response is within a line of text");
        }
        if page.text[fence.range.clone()].starts_with('<') {
            return Err("the response is in HTML");
        }
        let details = &self.result.details;
        let is_filtered = example.request.printed.is_filtered();
        if matches!(details.form, Form::Lines | Form::Error) || is_filtered && details.unparsed {
            return Err("it shows text that jq prints");
        }
        Ok(())
    }

    /// Whether the page means the whole response, and that of this request.
    fn is_response_meant(&self) -> Result<(), &'static str> {
        let details = &self.result.details;
        let example = &self.result.example;
        if details.truncated {
            return Err("the page says that it shows only a part");
        }
        let response = example.response.as_ref();
        let is_sure = response.is_some_and(|response| {
            pairing::surely_response(self.page, example.fence, response.fence)
        });
        if !is_sure {
            return Err("nothing above the JSON says that it is the response");
        }
        let is_cut = |found: &Difference| matches!(&found.documented, Some(Value::String(text)) if text.contains("...") || text.contains('…'));
        match self.differences().any(is_cut) {
            true => Err("a string is truncated with `...`"),
            false => Ok(()),
        }
    }

    /// The body to write.
    fn new_body(&self, dataset: Option<&Dataset>) -> Result<Value, &'static str> {
        let details = &self.result.details;
        let mut body = printed(self.result, self.received).ok_or("there is no JSON to write")?;
        // Records as the data has them, and no write above removes them: the query or the path is wrong, not the list.
        let before = details.received.as_ref();
        let before = before.and_then(|received| printed(self.result, received));
        let before = before.as_ref().and_then(Value::as_array);
        let shown = details.documented.as_ref().map(Node::to_value);
        let shown_items = shown.as_ref().and_then(Value::as_array);
        let is_elsewhere = |item: &Value| {
            let mut received = body.as_array().into_iter().chain(before).flatten();
            !received.any(|received| received == item)
                && dataset.is_some_and(|dataset| dataset.has_record(item))
        };
        let mut shown = shown_items.into_iter().flatten();
        if shown.any(is_elsewhere) {
            return Err("the request is probably what is wrong");
        }
        if let (Some(all), Some(shown)) = (body.as_array(), shown_items)
            && names_filter(self.page, self.result, all, shown)
        {
            return Err(
                "the text above asks for the records that are shown, so the request probably lacks a filter",
            );
        }
        // Values that cannot be documented stay as they are.
        for found in &details.accepted {
            if let Some(documented) = &found.documented
                && let Some(value) = value_at(&mut body, &found.path)
            {
                *value = documented.clone();
            }
        }
        Ok(body)
    }

    /// The new content of the block.
    fn content(&self, body: Value) -> Result<String, &'static str> {
        let (details, fence) = (&self.result.details, self.fence);
        let is_json = || lenient_json::parse(self.documented()).is_ok();
        if details.form == Form::Body && !is_json() && !details.unparsed {
            return Err("it is a program's output, not JSON");
        }
        let mut content = fence.content.clone();
        if let Some(node) = &details.documented {
            if !keeps_something(node, &body) {
                return Err("nothing of what is documented would remain");
            }
            let parts = match details.form {
                Form::Values => rewrite::one_after_another(node, &body)
                    .ok_or("jq prints a different number of values")?,
                _ => vec![(node, &body)],
            };
            // From the end, so that the ranges above stay valid.
            for (node, value) in parts.into_iter().rev() {
                let text = rewrite::value(&fence.content, node, value);
                content.replace_range(node.span.clone(), &text);
            }
        } else if details.unparsed {
            let begin = self.documented().find(['{', '[']).ok_or("it is not JSON")?;
            let start = self.range.start + begin;
            let end = self.range.start + self.documented().trim_end().len();
            let indent = rewrite::indent_at(&fence.content, start);
            if !is_one_value(&fence.content[start..end], indent) {
                return Err("it is not JSON, and rewriting it might delete other text");
            }
            let text = rewrite::pretty(&body, indent, rewrite::unit(&fence.content));
            content.replace_range(start..end, &text);
        }
        if content == fence.content {
            return Err("the finding is not about a value in the JSON");
        }
        if !keeps_comments(&fence.content, &content) {
            return Err("a comment in the JSON would be lost");
        }
        Ok(content)
    }
}

/// Strings and comments of JSON with comments.
static COMMENT: LazyLock<Regex> = regex!(
    r#"(?s)"(?:[^"\\\n]|\\.)*"|(?P<comment>//[^\n]*|\#[^\n]*|/\*.*?\*/|<\d+>|<-[^\n]*|←[^\n]*)"#
);

/// Whether all comments are in the new content, except those that stand for what is not shown: `// 3 more users`.
fn keeps_comments(old: &str, new: &str) -> bool {
    let is_elision = |comment: &str| {
        ["...", "…", " more"]
            .iter()
            .any(|mark| comment.contains(mark))
    };
    let comments = |text: &str| -> Vec<String> {
        let found = COMMENT.captures_iter(text);
        let comments =
            found.filter_map(|found| Some(found.name("comment")?.as_str().trim().to_owned()));
        comments.filter(|comment| !is_elision(comment)).collect()
    };
    let mut kept = comments(new);
    comments(old).into_iter().all(|comment| {
        let at = kept.iter().position(|other| *other == comment);
        at.map(|at| kept.swap_remove(at)).is_some()
    })
}

/// Whether broken JSON is surely one array or object with nothing around it and no comments or elisions inside.
fn is_one_value(broken: &str, indent: &str) -> bool {
    let close = if broken.starts_with('{') { '}' } else { ']' };
    let inside = |line: &str| {
        let content = line.trim_start();
        content.starts_with(['}', ']']) || line.len() - content.len() > indent.len()
    };
    broken.ends_with(close)
        && broken.lines().skip(1).all(inside)
        && !["//", "/*", "#", "...", "…"]
            .iter()
            .any(|other| broken.contains(other))
}

/// The value at a path.
fn value_at<'a>(body: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(body, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
        Step::Id(id) => value
            .as_array_mut()?
            .iter_mut()
            .find(|item| item.get("id").is_some_and(|own| same(own, id))),
    })
}

/// Whether anything of a documented value is in the response: a member's name, an item or a scalar.
fn keeps_something(documented: &Node, actual: &Value) -> bool {
    match (&documented.kind, actual) {
        (Kind::Match(matcher), _) => matcher.accepts(actual),
        (Kind::Exact(value), _) => same(value, actual),
        (Kind::Object { members, .. }, Value::Object(object)) => {
            let is_kept = |member: &Member| object.contains_key(&member.key);
            members.is_empty() || members.iter().any(is_kept)
        }
        (Kind::Array(items), Value::Array(values)) => {
            let mut nodes = items.iter().filter_map(Item::node).peekable();
            nodes.peek().is_none()
                || nodes.any(|node| values.iter().any(|value| keeps_something(node, value)))
        }
        _ => false,
    }
}

/// Whether the records shown are those of a list that have one value of a member, and the text that leads to the request
/// has its name or value: "All published posts:".
fn names_filter(page: &Page, result: &ExampleResult, all: &[Value], shown: &[Value]) -> bool {
    let above = result.example.fence.checked_sub(1);
    let Some(prose) = above.and_then(|at| page.blocks[at].prose()) else {
        return false;
    };
    let words = labels::words(labels::last_sentence(&prose.text));
    let is_shown = |item: &&Value| shown.contains(item);
    let (kept, left): (Vec<&Value>, Vec<&Value>) = all.iter().partition(is_shown);
    let Some(Value::Object(first)) = kept.first() else {
        return false;
    };
    let is_filter = |(name, value): (&String, &Value)| {
        let has = |item: &&Value| item.get(name) == Some(value);
        let is_named = labels::names(&words, name)
            || value
                .as_str()
                .is_some_and(|value| words.contains(&value.to_lowercase()));
        is_named && kept.iter().all(has) && !left.iter().any(has)
    };
    kept.len() == shown.len() && !left.is_empty() && first.iter().any(is_filter)
}

/// Where a missing response belongs: below its label or heading, if the page has one, or else below the request. Nowhere
/// if an empty block is there.
fn place_of_response(page: &Page, example: &Example) -> Option<usize> {
    let blocks = page.blocks.get(example.fence + 1..example.end);
    let mut blocks = blocks.unwrap_or_default().iter().map_while(Block::text);
    let is_label = |text: &&str| {
        let is_alone = labels::names_part(text) || text.trim_end().ends_with([':', '：']);
        let said = [labels::label(text), labels::heading(text)];
        is_alone && said.contains(&Announces::Response) || status_text::in_line(text).is_some()
    };
    let label = blocks.position(|text| is_label(&text));
    let above = example.fence + label.map_or(0, |at| at + 1);
    let is_empty = |fence: &Fence| fence.content.trim().is_empty();
    let is_taken = page.fence(above + 1).is_some_and(is_empty);
    (!is_taken).then(|| page.blocks[above].range().end)
}

/// A response block for a passing example that has none.
fn missing_response(page: &Page, result: &ExampleResult) -> Option<(Range<usize>, String)> {
    let example = &result.example;
    let has_response = example.response.is_some() || !example.unpaired.is_empty();
    let in_program = example.request.program().is_some();
    let is_other = example.no_body || in_program || !example.request.printed.is_whole();
    if has_response || is_other || example.method() == "HEAD" {
        return None;
    }
    // Clients that print no body, or more than it.
    static PRINTS_ELSE: LazyLock<Regex> = regex!(
        r"\s(?:-[a-zA-Z]*[oOifvIh]|--output|--remote-name|--headers|--include|--verbose|--fail\S*)(?:\s|$)|>\s*\S+\s*$|^\s*\$?\s*wget\b|^\s*(?i:irm|Invoke-RestMethod)\b"
    );
    let fence = page.fence(example.fence)?;
    let span = &example.request.span;
    let command = &fence.content[span.start..line_end(&fence.content, span.end)];
    // A suspicious request is not to be documented.
    if PRINTS_ELSE.is_match(command) || result.details.hint.is_some() {
        return None;
    }
    // For readers who run all examples, the response follows the writes above.
    let details = &result.details;
    let received = details.after_writes.as_ref().or(details.received.as_ref());
    let is_expected = |received: &&Received| {
        let expected = details.expected.as_ref();
        expected.is_none_or(|expected| expected.statuses.contains(&received.status))
    };
    let body = received.filter(is_expected).and_then(Received::json)?;
    // In a block with several requests it would not be clear which one is answered.
    if !fence.fenced || fence.content[example.request.span.end..].contains("curl") {
        return None;
    }
    let eol = eol(page.text.contains("\r\n"));
    let start = line_start(&page.text, fence.range.start);
    let before = &page.text[start..fence.range.start];
    // Below a list item's marker its content is indented.
    let is_mark = |c: char| c != '>' && !c.is_whitespace();
    let prefix = before.replace(is_mark, " ");
    let mut end = place_of_response(page, example)?;
    if !page.text[..end].ends_with('\n') {
        end = line_end(&page.text, end);
    }
    let mut text = String::new();
    if !page.text[..end].ends_with('\n') {
        text.push_str(eol);
    }
    text.push_str(prefix.trim_end());
    text.push_str(eol);
    let block = format!("```json\n{}\n```", rewrite::pretty(body, "", "  "));
    for line in block.lines() {
        text.extend([&prefix, line, eol]);
    }
    Some((end..end, text))
}

fn eol(is_windows: bool) -> &'static str {
    if is_windows { "\r\n" } else { "\n" }
}

/// The lines of a block that differ from its new content, as ranges of the page and their replacements.
fn changed_lines(page: &Page, fence: &Fence, content: &str) -> Vec<(Range<usize>, String)> {
    let old: Vec<&str> = fence.content.split_inclusive('\n').collect();
    let new: Vec<&str> = content.split_inclusive('\n').collect();
    let diff = TextDiff::from_slices(&old, &new);
    let lines = Lines::new(&fence.content, 0);
    let starts: Vec<usize> = lines.map(|(_, at)| fence.source(at)).collect();
    // A line of the page, including list indentation and quote marks.
    let whole = |index: usize| {
        let at = starts[index];
        line_start(&page.text, at)..line_end(&page.text, at)
    };
    let mut out = Vec::new();
    let changes = diff.ops().iter();
    for op in changes.filter(|op| op.tag() != DiffTag::Equal && !old.is_empty()) {
        let from = op.old_range();
        let model = from.start.min(old.len() - 1);
        let place = whole(model);
        let prefix = &page.text[place.start..starts[model]];
        let eol = eol(page.text[place.clone()].ends_with("\r\n"));
        let range = match (from.is_empty(), from.start == old.len()) {
            (false, _) => place.start..whole(from.end - 1).end,
            (true, true) => place.end..place.end,
            (true, false) => place.start..place.start,
        };
        let lines = new[op.new_range()].iter();
        let lines =
            lines.map(|line| format!("{prefix}{}{eol}", line.trim_end_matches(['\n', '\r'])));
        out.push((range, lines.collect()));
    }
    out
}

fn splice(text: &str, edits: &[Edit]) -> String {
    let mut order: Vec<&Edit> = edits.iter().collect();
    order.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in order {
        // Two clients may share a response.
        if edit.range.start < at {
            continue;
        }
        out.push_str(&text[at..edit.range.start]);
        out.push_str(&edit.text);
        at = edit.range.end;
    }
    out + &text[at..]
}

/// Whether git knows of uncommitted changes of the page.
fn is_dirty(path: &Path) -> bool {
    let Some(name) = path.file_name() else {
        return false;
    };
    let output = Command::new("git")
        .arg("-C")
        .arg(watch::parent(path))
        .args(["status", "--porcelain", "--"])
        .arg(name)
        .output();
    output.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
}

/// Replaces a page atomically, if it was not changed since it was read.
fn replace(path: &Path, old: &str, new: &str) -> io::Result<()> {
    // A symbolic link stays one.
    let path = std::fs::canonicalize(path)?;
    if std::fs::read_to_string(&path)? != old {
        return Err(io::Error::other("it was changed in the meantime"));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(new.as_bytes())?;
    file.as_file()
        .set_permissions(std::fs::metadata(&path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}
