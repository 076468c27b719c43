//! Finds the response that belongs to a request: by matching headings or labels, else the next JSON before the next
//! request. A response is always below its request.

use std::ops::Range;

use serde_json::{Map, Value};

use super::addresses;
use super::labels::{self, Announces};
use super::lenient_json;
use super::mentions;
use super::page::{Block, Fence, Page};
use super::requests::FoundRequest;
use super::status_text;
use super::text::is_one_of;
use super::transcript::{self, shows_response};
use super::url;

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
    let above = || {
        let above = page.blocks[..index].iter().enumerate().rev();
        let near = above.take_while(|(at, block)| match block {
            Block::Fence(fence) => !fence.fenced && is_in_sentence(*at, fence),
            _ => true,
        });
        near.map(|(_, block)| block)
    };
    let nearest = above().find_map(|block| match block {
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
    page.fence(index).is_some_and(has_form)
        && announced(page, index) == Announces::Response
        && page.declared_role(index).is_none()
}

/// Whether a block is called the body of a request.
pub fn is_called_body(page: &Page, index: usize) -> bool {
    matches!(
        announced(page, index),
        Announces::RequestBody | Announces::Body
    )
}

/// The label in a paragraph, if it has one.
fn label(block: &Block) -> Option<&str> {
    let Block::Prose(prose) = block else {
        return None;
    };
    if let Some(bold) = &prose.bold {
        return Some(bold);
    }
    // The title of a tab.
    if let Some(title) = prose
        .text
        .trim()
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    {
        return Some(title);
    }
    // A label without markup, or that of a request in its line.
    let text = prose.text.trim();
    let named = mentions::label(text).filter(|label| labels::label(label) != Announces::Unspecific);
    if named.is_some() {
        return named;
    }
    if (labels::words(text).len() <= 3 || text.split_whitespace().count() <= 3)
        && labels::label(text) != Announces::Unspecific
        && !text.ends_with('.')
    {
        return Some(text);
    }
    // Only the last sentence announces the code block.
    let mut sentence = labels::last_sentence(&prose.text);
    if sentence.len() >= 120
        && let Some((_, clause)) = sentence.rsplit_once(", ")
    {
        sentence = clause;
    }
    (labels::leads(sentence) && sentence.len() < 120).then_some(sentence)
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
    // What is below a URL may be anything.
    if page.fence(request).is_some_and(addresses::is_address) && nearest.is_none() {
        return announced(page, at) == Announces::Response;
    }
    let says_so = |text: &str| {
        let is_status = || status_text::in_line(text).or_else(|| status_text::of_any_label(text));
        labels::surely_introduces(text) || is_status().is_some()
    };
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
            says_so(&heading.text)
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
            if first.1 == Announces::Request || is_introduced_as_body(page, first.0) =>
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
                        || status_text::of_response(&prose.text).is_some()) =>
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
        let json = json(page, *index).and_then(|text| serde_json::from_str(&text).ok());
        let is_new = |members: &Map<_, Value>| !members.is_empty() && !members.contains_key("id");
        announced(page, *index) == Announces::Unspecific && json.as_ref().is_some_and(is_new)
    };
    let is_heading = |index| matches!(page.blocks[index], Block::Heading(_));
    let mut below = blocks_below(page, at, end);
    let first = below.next().filter(is_new)?;
    let is_alone = !below.next().is_some_and(|next| is_new(&next));
    (is_alone && !(at..first).any(is_heading)).then_some(first)
}

/// Whether the paragraph above a block speaks of a body, and of no response: "Paste this into the body:".
fn is_introduced_as_body(page: &Page, index: usize) -> bool {
    let above = index.checked_sub(1).map(|above| &page.blocks[above]);
    matches!(above, Some(Block::Prose(prose)) if labels::names_sent_body(&prose.text))
}

/// The content of a block as JSON, below labels and the headers that it is sent with: `Body:`.
pub fn sent_json(page: &Page, index: usize) -> Option<String> {
    json(page, index).or_else(|| {
        let content = &page.fence(index)?.content;
        let start = content.find("\n{").or_else(|| content.find("\n["))?;
        let (above, shown) = content.split_at(start);
        let is_above = |line: &str| {
            let line = line.trim();
            line.is_empty() || line.ends_with(':') || transcript::is_header(line)
        };
        let is_sent = above.lines().all(is_above) && serde_json::from_str::<Value>(shown).is_ok();
        is_sent.then(|| shown.trim().to_owned())
    })
}

/// Whether the block below a request is called its body.
pub fn has_request_body(page: &Page, at: usize, end: usize) -> bool {
    let next = blocks_below(page, at, end).next();
    next.is_some_and(|next| announced(page, next) == Announces::RequestBody)
}

/// The code blocks below a request, without those of headers that it is sent with.
fn blocks_below(page: &Page, at: usize, end: usize) -> impl Iterator<Item = usize> {
    (at + 1..end).filter(move |index| {
        page.fence(*index).is_some_and(|fence| {
            !shows_headers(fence) || announced(page, *index) == Announces::Response
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
            above.take_while(|block| !matches!(block, Block::Fence(own) if !own.in_sentence));
        let says = |block: &Block| match block {
            Block::Prose(prose) => prose.text.contains(name),
            Block::Heading(heading) => heading.text.contains(name),
            _ => false,
        };
        let title = page
            .fence(*index)
            .is_some_and(|fence| fence.info.contains(name));
        title || above.any(says)
    };
    let payload = |index: &usize| is_called_body(page, *index);
    let above = || fences(0..at).rev();
    let written = above().find_map(|index| here_document(&page.fence(index)?.content, name));
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
    if serde_json::from_str::<Value>(&fence.content).is_ok() {
        return Some(fence.content.clone());
    }
    // A block of no language may show an object as a program writes it.
    let is_script = is_one_of(&fence.language, "js javascript jsx ts typescript node")
        || fence.language.is_empty() && fence.content.trim_start().starts_with('{');
    let parsed = lenient_json::parse_literals(&fence.content, true).ok()?;
    // What is left out, explained, or a choice cannot be sent.
    let marks = ["...", "…", "<", "|", " //", "/*", "#"];
    let is_whole = || !marks.iter().any(|mark| fence.content.contains(mark));
    let body = parsed
        .body
        .filter(|_| parsed.head.is_none() && (is_script || is_whole()))?;
    Some(body.to_value().to_string())
}

/// Whether a block could be a response.
pub fn shows_json(page: &Page, index: usize) -> bool {
    page.fence(index).is_some_and(shows_response)
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
    let is_body = page.fence(fence + 1).is_some_and(|next| {
        next.fenced && next.content.trim_start().starts_with(['{', '[']) && shows_response(next)
    });
    let is_whole = !request.printed.is_filtered();
    match is_whole && is_status && is_body && page.declared_role(fence + 1).is_none() {
        true => (fence + 1, Some((fence, range))),
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
            let is_own = |fence: &usize, shown: &Fence| is_free(fence) && request.may_print(shown);
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

/// A block below a request that may be its response.
pub struct Candidate {
    /// The block, as an index into the page's blocks.
    pub fence: usize,
    /// Whether the page calls it a response.
    pub announced: bool,
    /// The status that a heading or label gives it.
    pub status: Option<u16>,
    /// Whether it may be a body of the request.
    pub doubtful: bool,
    /// Whether it is equal to the body of the request.
    repeats: bool,
    /// Whether nothing but directives is between it and the request.
    adjacent: bool,
    /// Whether it is about another case: "if there is no such user, it returns 404:".
    other_case: bool,
    /// Whether it belongs to another client.
    foreign: bool,
}

impl Candidate {
    /// Whether it is the body of the request, unless nothing else is shown.
    pub fn is_body(&self) -> bool {
        self.doubtful || self.repeats
    }
}

/// The blocks between a request and the next one, or the end of its section, that may be its response; and whether
/// the page says before them that there is no body.
pub fn candidates(
    page: &Page,
    at: usize,
    end: usize,
    request: &FoundRequest,
) -> (Vec<Candidate>, bool) {
    let (body, writes) = (request.json_body(), request.writes());
    let written = request.written.as_ref();
    let path = written.map_or("", |written| url::path_of(&written.request.target));
    let mut out: Vec<Candidate> = Vec::new();
    let mut no_body = false;
    let own_heading = page.heading_of(at);
    let own_level = own_heading.map_or(0, |index| level(page, index));
    let own_tool = tool_above(page, at);
    let is_named = page.fence(at).is_some_and(|fence| !fence.fenced);
    // What a page only names is for any client.
    let is_other_tool = |tool: Option<&str>| {
        tool.is_some() && tool != own_tool && !(is_named && own_tool.is_none())
    };
    let mut announced = Announces::Unspecific;
    let mut foreign: Option<u8> = None;
    let mut status = None;
    let mut other_case = false;
    // Whether the sentence above is about something other than the response.
    let mut elsewhere = false;
    // The level of a heading such as "Responses", which lists what may come.
    let mut list: Option<u8> = None;
    // The level of a heading such as "Response", whose section has parts.
    let mut response: Option<u8> = None;
    // Whether a label says in words what a success returns.
    let mut succeeds = false;
    // Whether there was a block since the last announcement.
    let mut used = false;
    // Whether there was a block since the last heading or paragraph.
    let mut shown = false;
    for index in at + 1..end {
        match &page.blocks[index] {
            Block::Heading(heading) => {
                shown = false;
                if foreign.is_some_and(|depth| heading.level <= depth) {
                    foreign = None;
                }
                let tool = labels::other_tool(&heading.text);
                if is_other_tool(tool) {
                    foreign = Some(heading.level);
                }
                status = status_text::of_response_label(&heading.text);
                elsewhere = labels::is_about_another(&heading.text);
                response = response.filter(|depth| heading.level > *depth);
                let words = labels::words(&heading.text);
                let part = response.is_some() && (words == ["body"] || words == ["example"]);
                announced = match labels::heading(&heading.text) {
                    _ if part => Announces::Response,
                    Announces::Unspecific | Announces::Request if status.is_some() => {
                        Announces::Response
                    }
                    said => said,
                };
                used = false;
                if announced == Announces::Response {
                    response.get_or_insert(heading.level);
                }
                // "Confirm success", below the steps of a client.
                let is_outcome =
                    is_step(page, own_heading) && labels::has_word(&heading.text, OUTCOME);
                if heading.level <= own_level
                    && !matches!(announced, Announces::Response | Announces::RequestBody)
                    && response.is_none()
                    && !is_outcome
                {
                    // A part of the description between a request and its response, or the same for another client.
                    let is_part = heading.level == own_level
                        && (labels::has_word(&heading.text, PARTS)
                            || foreign == Some(heading.level)
                            || is_named && labels::names_part(&heading.text)
                            || is_named
                                && is_step(page, own_heading)
                                && labels::is_step(&heading.text));
                    match is_part {
                        true => continue,
                        false => break,
                    }
                }
                list = list.filter(|depth| heading.level > *depth);
                if labels::has_word(&heading.text, "responses errors") {
                    list = Some(heading.level);
                }
                other_case = (list.is_some() && status.is_some_and(|status| status >= 400))
                    || begins_errors(&page.blocks[index]);
            }
            Block::Prose(prose) => {
                shown = false;
                let is_status = || {
                    prose
                        .text
                        .lines()
                        .any(|line| status_text::in_line(line).is_some())
                };
                let label =
                    label(&page.blocks[index]).or_else(|| is_status().then_some(&*prose.text));
                if used && label.is_none() {
                    announced = Announces::Unspecific;
                }
                if let Some(label) = label {
                    let said = labels::label(label);
                    let tool = labels::other_tool(label);
                    if is_other_tool(tool) && said != Announces::Unspecific {
                        foreign.get_or_insert(7);
                    } else if foreign == Some(7) && said == Announces::Response {
                        foreign = None;
                    }
                    let only_body = labels::words(label) == ["body"];
                    if (said != Announces::Unspecific || used)
                        && !(only_body && announced == Announces::Response)
                    {
                        announced = said;
                    }
                    used = false;
                    if let Some(code) = status_text::of_response_label(label) {
                        (status, other_case) = (Some(code), begins_errors(&page.blocks[index]));
                        announced = Announces::Response;
                    }
                }
                let code = status_text::explained(&prose.text)
                    .or(label.and_then(status_text::of_response_label));
                succeeds |= code.is_some_and(|code| code < 300);
                let sentence = labels::last_sentence(&prose.text);
                let leads =
                    labels::leads(sentence) || labels::has_word(sentence, "following below");
                elsewhere = (leads && labels::is_elsewhere(sentence))
                    || label.is_some_and(labels::is_about_another);
                let case = status_text::of_other_case(sentence).filter(|_| labels::leads(sentence));
                if case.is_some() {
                    (status, other_case) = (case, true);
                }
                if labels::names_a_file(sentence) {
                    announced = Announces::OtherJson;
                }
                let in_response = announced == Announces::Response;
                if labels::says_no_body(&prose.text, in_response) && out.is_empty() {
                    no_body = true;
                    break;
                }
            }
            Block::Fence(fence) => {
                let role = page.declared_role(index);
                let candidate = Candidate {
                    fence: index,
                    announced: true,
                    status: None,
                    doubtful: false,
                    repeats: false,
                    adjacent: (at + 1..index)
                        .all(|between| matches!(page.blocks[between], Block::Directive(_))),
                    other_case: false,
                    foreign: false,
                };
                if role == Some("response") {
                    (status, other_case) = (None, false);
                    out.push(candidate);
                    continue;
                }
                if is_bare_url(&fence.content) {
                    let url = fence.content.trim();
                    // Swagger UI shows the URL of a command again, below it. One in the text is a field.
                    let is_own = page.fence(at).is_some_and(|own| own.content.contains(url));
                    match is_own || !fence.fenced {
                        true => continue,
                        false => break,
                    }
                }
                // The same request for another client has the same response.
                if out.is_empty()
                    && !path.is_empty()
                    && !shows_response(fence)
                    && fence.content.contains(path)
                {
                    foreign = None;
                }
                let is_response = matches!(announced, Announces::Unspecific | Announces::Response);
                used = !is_response;
                let status = status.or_else(|| request.printed.status_in(&fence.content));
                let fits = role.is_none()
                    && !is_schema(&fence.content)
                    && announced != Announces::OtherJson
                    && !labels::names_a_file(&fence.info)
                    && request.may_print(fence);
                if fits {
                    // A body without further words is that of the request if that can have one.
                    let of_request = match announced {
                        Announces::Body => writes,
                        _ => !is_response,
                    };
                    out.push(Candidate {
                        announced: !of_request && announced != Announces::Unspecific,
                        status,
                        doubtful: of_request,
                        repeats: announced != Announces::Response
                            && is_request_body(&fence.content, body.as_ref()),
                        other_case,
                        foreign: foreign.is_some() || elsewhere,
                        ..candidate
                    });
                } else if announced == Announces::Response && !shown && is_other_text(fence) {
                    // What is not a message in words cannot be compared, but it is named.
                    let is_text = is_one_of(&fence.language, "text txt plain plaintext")
                        || fence.language.is_empty();
                    let is_message = is_labelled_response(page, index)
                        && is_text
                        && transcript::is_message(&fence.content);
                    out.push(Candidate {
                        foreign: !is_message || foreign.is_some() || elsewhere,
                        status,
                        other_case,
                        ..candidate
                    });
                }
                shown = true;
                elsewhere = false;
            }
            Block::Table(_) | Block::Directive(_) => {}
        }
    }
    for failure in out.iter_mut().filter(|found| fails(found)) {
        failure.other_case |= succeeds;
    }
    (out, no_body)
}

/// Whether a heading is a numbered step.
fn is_step(page: &Page, heading: Option<usize>) -> bool {
    matches!(heading.map(|at| &page.blocks[at]), Some(Block::Heading(heading)) if labels::is_step(&heading.text))
}

/// Whether the block directly above another one names it the response, and says nothing else.
fn is_labelled_response(page: &Page, at: usize) -> bool {
    let text = match at.checked_sub(1).and_then(|above| page.blocks.get(above)) {
        Some(Block::Heading(heading)) => &heading.text,
        Some(Block::Prose(prose)) => &prose.text,
        _ => return false,
    };
    labels::names_part(text) && labels::label(text) == Announces::Response
}

const OUTCOME: &str =
    "confirm verify check success successful result results outcome output expected";
const PARTS: &str =
    "parameters params parameter headers url arguments fields query properties authorization";

/// Whether a label or heading begins a list of the errors that a request can have, besides its normal response: "Error
/// response:".
pub fn begins_errors(block: &Block) -> bool {
    let text = match block {
        Block::Heading(heading) => Some(heading.text.as_str()),
        block => label(block),
    };
    text.is_some_and(|text| {
        labels::words(text).len() <= 4
            && status_text::names_error(text)
            && labels::label(text) == Announces::Response
            && status_text::of_label(text).is_none()
    })
}

/// Whether a label begins a list of what can come: "Possible responses:", "Errors:", "Status codes:".
pub fn begins_cases(block: &Block) -> bool {
    const PLURAL: &str =
        "responses errors codes failures réponses respuestas respostas risposte antworten";
    label(block)
        .is_some_and(|text| labels::words(text).len() <= 4 && labels::has_word(text, PLURAL))
}

/// Whether JSON describes types and has no values: a JSON Schema, or `{"id": "number"}`.
fn is_schema(content: &str) -> bool {
    fn only_types(value: &Value) -> bool {
        match value {
            Value::String(name) => {
                is_one_of(name, "string number integer int boolean bool object array")
            }
            Value::Array(items) => items.iter().all(only_types),
            Value::Object(members) => !members.is_empty() && members.values().all(only_types),
            _ => false,
        }
    }
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(content) else {
        return false;
    };
    let is_type = |name: &Value| name == "object" || name == "array";
    object.contains_key("$schema")
        || (object.get("type").is_some_and(is_type)
            && ["properties", "items", "required"]
                .iter()
                .any(|key| object.contains_key(*key)))
        || object.values().all(only_types) && !object.is_empty()
}

/// The next JSON that is not announced as something else; what is called a response before what is not, a success
/// before a failure, and the body of the request last.
fn by_order(candidates: &[Candidate], writes: bool) -> Option<usize> {
    let own = || candidates.iter().filter(|candidate| !candidate.foreign);
    let mut plain = own().filter(|candidate| !candidate.is_body());
    let Some(first) = plain.next() else {
        return own().next().map(|last| last.fence);
    };
    if fails(first) {
        let success = plain.find(|candidate| candidate.status.is_some_and(|status| status < 300));
        return match success {
            Some(success) => Some(success.fence),
            None => (!first.other_case).then_some(first.fence),
        };
    }
    let is_plainly_it = first.announced || (first.adjacent && !writes);
    let called = plain.find(|other| other.announced && !fails(other) && !other.other_case);
    match called.filter(|_| !is_plainly_it) {
        Some(called) => Some(called.fence),
        None => Some(first.fence),
    }
}

fn fails(candidate: &Candidate) -> bool {
    candidate.status.is_some_and(|status| status >= 400)
}

/// Whether a block shows the body of the request itself.
fn is_request_body(content: &str, body: Option<&Value>) -> bool {
    body.is_some() && serde_json::from_str(content).ok().as_ref() == body
}

/// A URL alone in a block is a request for another client.
fn is_bare_url(content: &str) -> bool {
    let text = content.trim();
    let begins = ["http://", "https://", "localhost:", "{", "/"]
        .iter()
        .any(|start| text.starts_with(start));
    !text.contains(['\n', '"', ' ']) && begins && text.contains('/')
}

/// Whether a block shows text or data that is not JSON, and no code.
fn is_other_text(fence: &Fence) -> bool {
    !fence.content.trim().is_empty()
        && !shows_response(fence)
        && (fence.language.is_empty()
            || is_one_of(
                &fence.language,
                "text txt plain plaintext json yaml yml xml html csv http console",
            ))
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

fn tool_above(page: &Page, at: usize) -> Option<&'static str> {
    page.headings_above(at)
        .find_map(|heading| labels::other_tool(&heading.text))
}

fn level(page: &Page, index: usize) -> u8 {
    match &page.blocks[index] {
        Block::Heading(heading) => heading.level,
        _ => 0,
    }
}
