//! Finds the response that belongs to a request: by matching headings or labels, else the next JSON before the next
//! request. A response is always below its request.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::addresses;
use super::candidates::{Candidate, by_order, is_request_body, label, level};
use super::error_bodies;
use super::forms;
use super::found::FoundRequest;
use super::labels::{self, Announces};
use super::lenient_json;
use super::mentions;
use super::page::{Block, Fence, Page};
use super::status_text;
use super::text::{is_one_of, line_start};
use super::transcript::{self, is_schema, shows_response};

/// What is documented as the response.
pub enum Paired {
    /// The code block with this index.
    Block(usize),
    /// The page says that there is no body.
    NoBody,
    /// Nothing.
    Nothing,
}

/// The response to the request in block `at`. `end` is the block of the next request, `requests` are all blocks with
/// requests, `taken` the responses of other requests.
pub fn response_of(
    page: &Page,
    at: usize,
    requests: &[usize],
    taken: &[usize],
    (candidates, no_body): &(Vec<Candidate>, bool),
    request: &FoundRequest,
) -> Paired {
    match (
        by_heading(page, at, requests, taken, request),
        by_order(candidates, request.writes()),
    ) {
        (Some(answer), _) => answer,
        (None, Some(fence)) => Paired::Block(fence),
        (None, None) if *no_body => Paired::NoBody,
        (None, None) => Paired::Nothing,
    }
}

/// The label directly above a block: bold text, or a paragraph that ends in a colon.
fn label_above(page: &Page, at: usize) -> Option<&str> {
    page.blocks[..at]
        .iter()
        .rev()
        .take_while(|block| !block.separates())
        .find_map(label)
}

/// Whether the label above a request is about another version of the service: "Old:".
pub fn is_of_old_version(page: &Page, at: usize) -> bool {
    let is_old =
        |word: &String| is_one_of(word, "old legacy deprecated obsolete previously formerly");
    label_above(page, at).is_some_and(|label| labels::words(label).iter().all(is_old))
}

/// What the nearest label or heading above a block announces, whatever table is between.
fn announced(page: &Page, index: usize) -> Announces {
    // A sentence may name the request and announce its body.
    let is_in_sentence = |at: usize, fence: &Fence| {
        let above = at.checked_sub(1).map(|above| &page.blocks[above]);
        matches!(above, Some(Block::Prose(prose)) if prose.range.contains(&fence.range.start))
    };
    let are_headers = |at: usize| {
        let label = at
            .checked_sub(1)
            .and_then(|above| page.blocks[above].text());
        label.is_some_and(|label| labels::words(label) == ["headers"])
    };
    let above = || {
        let above = page.blocks[..index].iter().enumerate().rev();
        let near = above.take_while(|(at, block)| match block {
            Block::Fence(fence) => !fence.fenced && is_in_sentence(*at, fence) || are_headers(*at),
            _ => true,
        });
        near.map(|(_, block)| block)
    };
    let states_status = |block: &Block| {
        let text = block.text();
        text.is_some_and(|text| status_text::in_line(text.trim_end_matches([':', ' '])).is_some())
    };
    let nearest = above().find_map(|block| match block {
        block if states_status(block) => Some(Announces::Response),
        Block::Heading(heading) => Some(labels::heading(&heading.text)),
        block => Some(labels::label(label(block)?)).filter(|said| *said != Announces::Unspecific),
    });
    // "Body" below "Response".
    let parent = || {
        labels::stem(
            &page.headings_above(index).nth(1)?.text,
            Announces::Response,
        )
    };
    let in_response = || {
        let mut labels = above().map_while(|block| match block {
            Block::Heading(_) => None,
            block => Some(label(block)),
        });
        labels.any(|label| label.is_some_and(|label| labels::label(label) == Announces::Response))
    };
    match nearest.unwrap_or(Announces::Unspecific) {
        Announces::Body if in_response() || parent().is_some() => Announces::Response,
        said => said,
    }
}

/// Whether a block has the form of a response, and its label or else its heading calls it one.
pub fn is_called_response(page: &Page, index: usize) -> bool {
    let has_form = |fence: &Fence| shows_response(fence) && !is_schema(&fence.content);
    // "Response: `201 Created` with `{...}`"
    let in_line = |fence: &Fence| {
        let before = &page.text[line_start(&page.text, fence.range.start)..fence.range.start];
        let label = before.split([':', '：']).next().unwrap_or_default();
        label.len() < before.len() && labels::label(label) == Announces::Response
    };
    page.fence(index).is_some_and(has_form)
        && (announced(page, index) == Announces::Response || page.fence(index).is_some_and(in_line))
        && page.declared_role(index).is_none()
}

/// Whether a block is called the body of a request.
pub fn is_called_body(page: &Page, index: usize) -> bool {
    matches!(
        announced(page, index),
        Announces::RequestBody | Announces::Body
    )
}

/// Whether nothing casts doubt on that a block is the response: what is directly above it says so, or says nothing.
pub fn surely_response(page: &Page, request: usize, at: usize) -> bool {
    let above = page.blocks.get(request + 1..at).unwrap_or_default();
    // The sentence that names the request is about its response.
    let sentence = request.checked_sub(1).map(|before| &page.blocks[before]);
    if let (Some(Block::Prose(prose)), Some(fence)) = (sentence, page.fence(request))
        && !fence.fenced
        && prose.range.contains(&fence.range.start)
        && mentions::is_sentence(&prose.text)
        && above.is_empty()
    {
        return labels::surely_introduces(&mentions::without_request(&prose.text));
    }
    let nearest = above
        .iter()
        .rev()
        .find(|block| !matches!(block, Block::Directive(_)));
    let says_so = |text: &str| {
        let is_status = || status_text::in_line(text).or_else(|| status_text::of_any_label(text));
        labels::surely_introduces(text) || is_status().is_some()
    };
    // A block below a URL may be anything, and one below several URLs need not belong to any of them.
    let own = page
        .fence(request)
        .filter(|fence| addresses::is_address(fence));
    let is_called = || announced(page, at) == Announces::Response;
    match (own, nearest) {
        (Some(_), None) => return is_called(),
        (Some(own), Some(Block::Prose(prose)))
            if own.content.trim().contains('\n')
                && !is_called()
                && !says_so(labels::last_sentence(&prose.text)) =>
        {
            return false;
        }
        _ => {}
    }
    match nearest {
        Some(block @ Block::Prose(prose)) => match label(block) {
            Some(label) => {
                says_so(label)
                    || prose
                        .text
                        .lines()
                        .any(|line| status_text::in_line(line).is_some())
            }
            None => {
                let sentence = labels::last_sentence(&prose.text);
                let leads = labels::has_word(sentence, "this these following below");
                // Without a full stop it is a label, too.
                let leads = leads || !sentence.ends_with(['.', '!', '?', ')', '。']);
                !labels::is_elsewhere(sentence) && (!leads || says_so(sentence))
            }
        },
        Some(Block::Heading(heading)) => {
            // "200 - List of users"
            let is_success = || status_text::of_label(&heading.text).is_some_and(|code| code < 400);
            says_so(&heading.text)
                || is_success()
                || (labels::heading(&heading.text) == Announces::Response
                    && !labels::is_elsewhere(&heading.text))
        }
        _ => true,
    }
}

/// The body of a request that is shown in a block below it, labelled "Payload", "Body" or "Data example"; the last one,
/// as constraints come before an example. Without a label it is the first block, if the next is called a response.
pub fn request_body(page: &Page, at: usize, end: usize) -> Option<usize> {
    let is_json = |(index, said): &(usize, Announces)| {
        *said == Announces::Response || sent_json(page, *index).is_some()
    };
    let fences: Vec<_> = blocks_below(page, at, end)
        .map(|index| (index, announced(page, index)))
        .filter(is_json)
        .collect();
    let is_body = |(index, _): &&_| is_called_body(page, *index);
    let labelled = fences.iter().take_while(is_body).last();
    let body = match (labelled, fences.as_slice()) {
        (Some(body), _) => body,
        (None, [first, ..])
            if first.1 == Announces::Request
                || is_introduced_as_body(page, first.0)
                || fields(page, first.0).is_some() =>
        {
            first
        }
        (None, [first, next, ..])
            if first.1 == Announces::Unspecific
                && (next.1 == Announces::Response
                    || (first.0 == at + 1 && next.0 == at + 2 && shows_json(page, next.0))) =>
        {
            first
        }
        // "`POST /users` creates a user from the JSON: ... This returns `201 Created`."
        (None, [only])
            if only.0 == at + 1
                && only.1 == Announces::Unspecific
                && matches!(page.blocks.get(only.0 + 1), Some(Block::Prose(prose))
                    if status_text::on_success(&prose.text).is_some()
                        || status_text::of_response(&prose.text).is_some()
                        || status_text::of_choices(&prose.text).is_some()) =>
        {
            only
        }
        _ => return None,
    };
    sent_json(page, body.0).is_some().then_some(body.0)
}

/// The only block below a write without a body that nothing calls a response, and that has no id as a response would
/// have: probably what is sent.
pub fn assumed_body(page: &Page, at: usize, end: usize) -> Option<usize> {
    let is_new = |index: &usize| {
        // A body that lacks a comma is one, too.
        let json = json(page, *index).and_then(|text| {
            let read = || Some(lenient_json::parse(&text).ok()?.body?.to_value());
            serde_json::from_str(&text).ok().or_else(read)
        });
        let json = json.as_ref().and_then(Value::as_object);
        let is_new = |members: &Map<_, Value>| !members.is_empty() && !members.contains_key("id");
        announced(page, *index) == Announces::Unspecific
            && !is_called_response(page, *index)
            && json.is_some_and(is_new)
    };
    let is_heading = |index| matches!(page.blocks[index], Block::Heading(_));
    let mut below = blocks_below(page, at, end);
    let first = below.next().filter(is_new)?;
    let is_other = |next: &usize| {
        let shown = json(page, *next).and_then(|text| serde_json::from_str(&text).ok());
        is_new(next) && !shown.is_some_and(|body| error_bodies::reports_error(&body))
    };
    let is_alone = !below.next().is_some_and(|next| is_other(&next));
    (is_alone && !(at..first).any(is_heading)).then_some(first)
}

/// Whether the paragraph above a block mentions a body and no response: "Paste this into the body:".
fn is_introduced_as_body(page: &Page, index: usize) -> bool {
    let above = index.checked_sub(1).map(|above| &page.blocks[above]);
    matches!(above, Some(Block::Prose(prose)) if labels::names_sent_body(&prose.text))
}

/// The content of a block as JSON, below labels and the headers that it is sent with: `Body:`.
pub fn sent_json(page: &Page, index: usize) -> Option<String> {
    json(page, index)
        .or_else(|| fields(page, index))
        .or_else(|| {
            let content = &page.fence(index)?.content;
            let start = content.find("\n{").or_else(|| content.find("\n["))?;
            let (above, shown) = content.split_at(start);
            let is_above = |line: &str| {
                let line = line.trim();
                line.is_empty() || line.ends_with(':') || transcript::is_header(line)
            };
            let is_sent =
                above.lines().all(is_above) && serde_json::from_str::<Value>(shown).is_ok();
            is_sent.then(|| shown.trim().to_owned())
        })
}

/// The content of a block as the fields of a form, if the text above it mentions them.
fn fields(page: &Page, index: usize) -> Option<String> {
    let above = page.blocks[..index].iter().rev().find_map(Block::prose);
    let fields = above
        .filter(|prose| forms::is_named(&prose.text))
        .and_then(|_| forms::fields(&page.fence(index)?.content))?;
    Some(Value::Object(fields).to_string())
}

/// Whether the block below a request is called its body.
pub fn has_request_body(page: &Page, at: usize, end: usize) -> bool {
    let next = blocks_below(page, at, end).next();
    next.is_some_and(|next| announced(page, next) == Announces::RequestBody)
}

/// The body of a request that is shown above it in its section, as "Request body:" above the parameters and the example.
pub fn body_above(page: &Page, at: usize, requests: &[usize]) -> Option<usize> {
    let heading = page.heading_of(at)?;
    // The heading of the example itself is one of the parts.
    let start = match &page.blocks[heading] {
        Block::Heading(own) if labels::names_example(&own.text) => {
            let is_outer = |index: &usize| (1..own.level).contains(&level(page, *index));
            (0..heading).rev().find(is_outer)?
        }
        _ => heading,
    };
    let is_body = |index: &usize| {
        announced(page, *index) == Announces::RequestBody && sent_json(page, *index).is_some()
    };
    let mut above = (start..at)
        .rev()
        .take_while(|index| !requests.contains(index));
    above.find(is_body)
}

/// The code blocks below a request in its section, without those of headers that it is sent with.
fn blocks_below(page: &Page, at: usize, end: usize) -> impl Iterator<Item = usize> {
    let own = page
        .heading_of(at)
        .map_or(0, |heading| level(page, heading));
    let begins_other = move |index: &usize| {
        matches!(&page.blocks[*index], Block::Heading(heading) if heading.level <= own
            && labels::heading(&heading.text) == Announces::Unspecific && !labels::names_part(&heading.text) && !labels::is_step(&heading.text))
    };
    let below = (at + 1..end).take_while(move |index| !begins_other(index));
    below.filter(move |index| {
        page.fence(*index).is_some_and(|fence| {
            !shows_headers(fence)
                || announced(page, *index) == Announces::Response
                || fields(page, *index).is_some()
        })
    })
}

/// Whether a block shows headers only, and no status.
fn shows_headers(fence: &Fence) -> bool {
    transcript::is_headers(&fence.content) && !shows_response(fence)
}

/// Whether a block shows headers or the body of a request.
pub fn is_sent(fence: &Fence, body: Option<&Value>) -> bool {
    shows_headers(fence) || is_request_body(&fence.content, body)
}

/// The content of the file that a command sends: a block above it, or else below it, whose label, heading or title names
/// the file, or the block above it that is called a payload.
pub fn file(page: &Page, at: usize, end: usize, name: &str) -> Option<String> {
    // A file of another folder must be named: what is called a payload may be another one.
    let is_beside = !name.trim_start_matches("./").contains('/');
    let name = name.rsplit('/').next().unwrap_or(name);
    let fences = |range: Range<usize>| range.filter(|index| page.fence(*index).is_some());
    let named = |index: &usize| {
        let above = page.blocks[..*index].iter().rev();
        let mut above =
            above.take_while(|block| !matches!(block, Block::Fence(own) if !own.is_mention));
        let says = |block: &Block| block.text().is_some_and(|text| text.contains(name));
        let title = page
            .fence(*index)
            .is_some_and(|fence| fence.info.contains(name));
        title || above.any(says)
    };
    let payload = |index: &usize| is_called_body(page, *index);
    let above = || fences(0..at).rev();
    let written = above().find_map(|index| here_document(&page.fence(index)?.content, name));
    // The block of the command may write the file itself, once, and without variables.
    let own = || {
        let content = &page.fence(at)?.content;
        let text = here_document(content, name).filter(|text| !text.contains('$'))?;
        let is_whole =
            content.matches(name).count() == 2 && serde_json::from_str::<Value>(&text).is_ok();
        is_whole.then_some(text)
    };
    let written = own().or(written);
    written.or_else(|| {
        let found = above().find(|index| named(index) && json(page, *index).is_some());
        let found = found.or_else(|| above().next().filter(payload).filter(|_| is_beside));
        let found = found.or_else(|| fences(at + 1..end).find(named));
        json(page, found?)
    })
}

/// What `cat > NAME <<EOF` writes to a file.
fn here_document(content: &str, name: &str) -> Option<String> {
    let mut lines = content.lines();
    let first =
        lines.find(|line| line.contains("<<") && line.contains('>') && line.contains(name))?;
    let (_, word) = first.split_once("<<")?;
    let word = word.split('>').next()?.trim_matches(['-', ' ', '\'', '"']);
    let text: Vec<&str> = lines.take_while(|line| line.trim() != word).collect();
    Some(text.join("\n"))
}

/// The content of a block as JSON.
pub fn json(page: &Page, index: usize) -> Option<String> {
    let fence = page.fence(index)?;
    if let Ok(value) = serde_json::from_str::<Value>(&fence.content) {
        // A number such as 201 is the status of a response.
        let is_status = value
            .as_u64()
            .is_some_and(|code| (100..600).contains(&code));
        return (!is_status).then(|| fence.content.clone());
    }
    // A block of no language may show an object as a program writes it.
    let is_script = is_one_of(&fence.language, "js javascript jsx ts typescript node")
        || fence.language.is_empty() && fence.content.trim_start().starts_with('{');
    // A body with elisions or choices cannot be sent.
    let has = |marks: &[&str]| marks.iter().any(|mark| fence.content.contains(mark));
    let is_elided = has(&["...", "…", "<", "|"]);
    let is_whole = !is_elided && !has(&[" //", "/*", "#"]);
    let Ok(parsed) = lenient_json::parse_literals(&fence.content, true) else {
        let is_broken = is_whole && is_broken_json(fence);
        return is_broken.then(|| fence.content.clone());
    };
    let is_json =
        fence.language == "json" || parsed.missing.is_some() || has_surplus_comma(&fence.content);
    let is_explained = is_json && !is_whole && !is_elided;
    let body = parsed
        .body
        .filter(|_| parsed.head.is_none() && (is_script || is_whole || is_explained))?;
    // A block that is called JSON is sent as it is written, also with a comma too few or too many, but without comments.
    Some(match is_json && is_whole {
        true => fence.content.clone(),
        false => body.to_value().to_string(),
    })
}

/// Whether a block is meant as a JSON object with double quotes, and cannot be read as one. One whose values are names of
/// types or placeholders describes a body.
fn is_broken_json(fence: &Fence) -> bool {
    static DESCRIBES: LazyLock<Regex> = regex!(
        r"[:\[,]\s*(?:(?i:string|str|number|integer|int|long|float|double|decimal|boolean|bool|date|datetime|timestamp|object|array|list|text|any|uuid|id|email|required|optional|value)\b|[A-Z][A-Z0-9_]*\b|\{\{|\$|[{\[]\s*\w+\s*[}\]])"
    );
    static MEMBER: LazyLock<Regex> = regex!(r#"^\{\s*"[\w -]+"?\s*:(?s:.*)\}$"#);
    let content = fence.content.trim();
    // A program may have names as values, but no open quote.
    let has_open_quote = || {
        content
            .lines()
            .any(|line| line.matches('"').count() % 2 == 1)
    };
    let is_language = match fence.language.as_str() {
        "json" | "" => true,
        "js" | "javascript" => has_open_quote(),
        _ => false,
    };
    // Text within quotes is not the name of a type.
    let outside: Vec<&str> = content.split('"').step_by(2).collect();
    is_language
        && MEMBER.is_match(content)
        && !content.contains(['`', ';'])
        && !is_schema(content)
        && !DESCRIBES.is_match(&outside.join("\"\""))
}

/// Whether a text is JSON but for commas after the last member.
fn has_surplus_comma(text: &str) -> bool {
    static SURPLUS: LazyLock<Regex> = regex!(r",(\s*[}\]])");
    serde_json::from_str::<Value>(&SURPLUS.replace_all(text, "$1")).is_ok()
}

/// Whether a block could be a response.
pub fn shows_json(page: &Page, index: usize) -> bool {
    page.fence(index).is_some_and(shows_response)
}

/// Whether a sentence between the status of a response and JSON introduces its body.
fn introduces_body(sentence: &str) -> bool {
    const RETURNED: &str = "returns returned return responds response body";
    const SENT: &str = "send sends sent save store file post put request";
    // "Example:"
    let is_example = labels::words(sentence).len() == 1 && labels::says_example(sentence);
    (labels::has_word(sentence, RETURNED) || is_example)
        && !labels::has_word(sentence, SENT)
        && !labels::is_elsewhere(sentence)
        && !status_text::says_failure(sentence)
        && status_text::is_promise(sentence)
}

/// The block with the body of the response in a range of a block, which is the next one if the range shows its status only.
pub fn with_body(
    page: &Page,
    fence: usize,
    range: Range<usize>,
    request: &FoundRequest,
) -> (usize, Option<(usize, Range<usize>)>) {
    let is_status = page.fence(fence).is_some_and(|fence| {
        let (head, body) = transcript::head(&fence.content[range.clone()]);
        head.is_some_and(|head| head.status != 204)
            && fence.content[range.start + body..range.end]
                .trim()
                .is_empty()
    });
    // A sentence may introduce the body.
    let is_introduced = matches!(page.blocks.get(fence + 1), Some(Block::Prose(prose))
        if introduces_body(labels::last_sentence(&prose.text)));
    let next = fence + if is_introduced { 2 } else { 1 };
    let is_body = page.fence(next).is_some_and(|next| {
        next.fenced && next.content.trim_start().starts_with(['{', '[']) && shows_response(next)
    });
    let is_whole = !request.printed.is_filtered();
    match is_whole && is_status && is_body && page.declared_role(next).is_none() {
        true => (next, Some((fence, range))),
        false => (fence, None),
    }
}

/// The response whose heading or label is the request's with "response" in place of "request".
fn by_heading(
    page: &Page,
    at: usize,
    requests: &[usize],
    taken: &[usize],
    request: &FoundRequest,
) -> Option<Paired> {
    let heading = page.heading_of(at);
    let own_level = heading.map_or(0, |index| level(page, index));
    let label_stem =
        label_above(page, at).and_then(|label| labels::stem(label, Announces::Request));
    let heading_stem = heading.and_then(|index| match &page.blocks[index] {
        Block::Heading(heading) => labels::stem(&heading.text, Announces::Request),
        _ => None,
    });
    for (stem, is_label) in [(label_stem, true), (heading_stem, false)] {
        let Some(stem) = stem else { continue };
        for index in at + 1..page.blocks.len() {
            let (text, depth) = match &page.blocks[index] {
                Block::Heading(heading) => (heading.text.as_str(), heading.level),
                block => match label(block) {
                    Some(label) => (label, 7),
                    None => continue,
                },
            };
            // The next section.
            if depth < own_level || (is_label && depth <= own_level) {
                break;
            }
            if labels::stem(text, Announces::Request).as_ref() == Some(&stem) {
                break;
            }
            if labels::stem(text, Announces::Response).as_ref() != Some(&stem) {
                continue;
            }
            // A pair without a name must not skip another request.
            let crossed = requests
                .iter()
                .any(|request| *request > at && *request < index);
            if crossed && stem.is_empty() {
                break;
            }
            let is_free = |fence: &usize| !taken.contains(fence);
            let is_own = |fence: &usize, shown: &Fence| {
                is_free(fence)
                    && (request.may_print(shown) || transcript::is_message(&shown.content))
            };
            return Some(below(page, index, depth, requests, is_own));
        }
    }
    None
}

/// The response below a response heading, of those that may be it.
fn below(
    page: &Page,
    heading: usize,
    depth: u8,
    requests: &[usize],
    may_be: impl Fn(&usize, &Fence) -> bool,
) -> Paired {
    for index in heading..page.blocks.len() {
        match &page.blocks[index] {
            Block::Heading(next) if index > heading && next.level <= depth => break,
            Block::Fence(fence) => {
                if requests.contains(&index) {
                    break;
                }
                let elsewhere = label_above(page, index).is_some_and(labels::is_elsewhere);
                if !elsewhere && may_be(&index, fence) {
                    return Paired::Block(index);
                }
            }
            Block::Prose(prose) if labels::says_no_body(&prose.text, false) => {
                return Paired::NoBody;
            }
            _ => {}
        }
    }
    Paired::Nothing
}

/// Whether the label or heading directly above a block names a client: "Python".
pub fn names_tool(page: &Page, at: usize) -> bool {
    let text = match at.checked_sub(1).and_then(|above| page.blocks.get(above)) {
        Some(Block::Heading(heading)) => Some(heading.text.as_str()),
        Some(block) => label(block),
        None => None,
    };
    text.is_some_and(|text| labels::other_tool(text).is_some())
}
