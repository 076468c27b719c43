//! What may be the response to a request: the code blocks below it, with what the text says about each.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::blocks::Prose;
use super::found::FoundRequest;
use super::labels::{self, Announces};
use super::mentions;
use super::other_requests;
use super::page::{Block, Fence, Heading, Page};
use super::status_text;
use super::text::{is_one_of, line_start};
use super::transcript::{self, is_schema, shows_response};
use super::url;

/// A block below a request that may be its response.
#[derive(Default)]
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

    /// Whether the page calls it the response to a request that succeeds.
    pub fn is_of_success(&self) -> bool {
        self.announced && !self.is_body() && !self.foreign && !self.other_case && !fails(self)
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
    let mut scan = Scan::new(page, at, request);
    for index in at + 1..end {
        let goes_on = match &page.blocks[index] {
            Block::Heading(heading) => scan.heading(index, heading),
            Block::Prose(prose) => scan.paragraph(index, prose),
            Block::Fence(fence) => scan.code(index, fence),
            Block::Table(_) | Block::Directive(_) => true,
        };
        if !goes_on {
            break;
        }
    }
    let Scan {
        mut out,
        no_body,
        succeeds,
        ..
    } = scan;
    for failure in out.iter_mut().filter(|found| fails(found)) {
        failure.other_case |= succeeds;
    }
    (out, no_body)
}

/// Whether a request is in a numbered step.
fn is_step(page: &Page, at: usize) -> bool {
    let heading = page.heading_of(at).map(|at| &page.blocks[at]);
    matches!(heading, Some(Block::Heading(heading)) if labels::is_step(&heading.text))
}

/// Whether a heading below a request in a numbered step is that of a further step.
pub fn is_next_step(page: &Page, at: usize, heading: &Heading) -> bool {
    is_step(page, at) && labels::is_step(&heading.text)
}

/// The level of a client that a label names. Headings have levels 1 to 6.
const LABEL: u8 = 7;

/// Goes through the blocks below a request.
struct Scan<'a> {
    page: &'a Page,
    at: usize,
    request: &'a FoundRequest,
    body: Option<Value>,
    own_level: u8,
    own_tool: Option<&'static str>,
    /// Whether the page names the request without a command.
    is_named: bool,
    out: Vec<Candidate>,
    no_body: bool,
    /// What the label or heading above says that is below it.
    announced: Announces,
    /// The level of a heading that names another client.
    foreign: Option<u8>,
    /// The status that a heading or label gives.
    status: Option<u16>,
    other_case: bool,
    /// Whether the sentence above is about something other than the response.
    elsewhere: bool,
    /// The level of a heading such as "Responses", which lists what may come.
    list: Option<u8>,
    /// The level of a heading such as "Response", whose section has parts.
    response: Option<u8>,
    /// Whether a label says in words what a success returns.
    succeeds: bool,
    /// The success in the list of statuses above.
    listed: Option<u16>,
    /// Whether there was a block since the last announcement.
    used: bool,
    /// Whether there was a block since the last heading or paragraph.
    shown: bool,
    /// Whether the next block is called the headers of the response.
    is_headers: bool,
    /// Below "Error response", where all is about failures.
    in_errors: bool,
}

impl<'a> Scan<'a> {
    fn new(page: &'a Page, at: usize, request: &'a FoundRequest) -> Scan<'a> {
        let own_heading = page.heading_of(at);
        Scan {
            page,
            at,
            request,
            body: request.json_body(),
            own_level: own_heading.map_or(0, |index| level(page, index)),
            own_tool: tool_above(page, at),
            is_named: page
                .fence(at)
                .is_none_or(|fence| !fence.fenced || is_bare_url(&fence.content)),
            out: Vec::new(),
            no_body: false,
            announced: Announces::Unspecific,
            foreign: None,
            status: None,
            other_case: false,
            elsewhere: false,
            list: None,
            response: None,
            succeeds: false,
            listed: None,
            used: false,
            shown: false,
            is_headers: false,
            in_errors: false,
        }
    }

    /// Whether a heading or label names another client. What a page only names is for any client.
    fn names_other_tool(&self, text: &str) -> bool {
        let tool = labels::other_tool(text);
        let is_for_any = self.is_named && self.own_tool.is_none();
        tool.is_some() && tool != self.own_tool && !is_for_any
    }

    /// Reads a heading; returns whether the section goes on.
    fn heading(&mut self, index: usize, heading: &Heading) -> bool {
        let text = &heading.text;
        self.shown = false;
        self.foreign = self.foreign.filter(|depth| heading.level > *depth);
        if self.names_other_tool(text) {
            self.foreign = Some(heading.level);
        }
        self.status = status_text::of_response_label(text);
        self.elsewhere = labels::is_about_another(text);
        self.response = self.response.filter(|depth| heading.level > *depth);
        let words = labels::words(text);
        let part = self.response.is_some() && (words == ["body"] || words == ["example"]);
        self.announced = match labels::heading(text) {
            _ if part => Announces::Response,
            Announces::Unspecific | Announces::Request if self.status.is_some() => {
                Announces::Response
            }
            said => said,
        };
        self.used = false;
        self.in_errors = false;
        if self.announced == Announces::Response {
            self.response.get_or_insert(heading.level);
        }
        let is_outer = heading.level <= self.own_level && self.response.is_none();
        let is_sent = self.announced == Announces::Body && self.request.writes();
        let is_body = self.announced == Announces::RequestBody || is_sent && self.out.is_empty();
        // "Confirm success", below the steps of a client.
        let is_outcome = is_step(self.page, self.at) && labels::has_word(text, OUTCOME);
        if is_outer && !is_body && !is_outcome {
            return heading.level == self.own_level && self.is_part(heading);
        }
        self.list = self.list.filter(|depth| heading.level > *depth);
        // "Error handling", above the errors of all endpoints.
        let is_of_all = heading.level < self.own_level && status_text::names_error(text);
        if labels::has_word(text, "responses errors") || is_of_all {
            self.list = Some(heading.level);
        }
        let fails = self.status.is_some_and(|status| status >= 400);
        self.other_case = (self.list.is_some() && fails) || begins_errors(&self.page.blocks[index]);
        true
    }

    /// Whether a heading of the same level is that of a part between a request and its response, or of the same request for
    /// another client.
    fn is_part(&self, heading: &Heading) -> bool {
        let is_of_named =
            || labels::names_part(&heading.text) || is_next_step(self.page, self.at, heading);
        labels::has_word(&heading.text, PARTS)
            || self.foreign == Some(heading.level)
            || self.is_named && is_of_named()
    }

    /// Reads a paragraph; returns whether there may be a response below it.
    fn paragraph(&mut self, index: usize, prose: &Prose) -> bool {
        let block = &self.page.blocks[index];
        self.shown = false;
        if !self.page.is_list_item(prose.range.start) {
            self.end_list();
        }
        let is_status = || {
            let mut lines = prose.text.lines();
            lines.any(|line| status_text::in_line(line).is_some())
        };
        let label = label(block).or_else(|| is_status().then_some(&*prose.text));
        match label {
            Some(label) => self.label(index, label),
            // Headers that are named in the text end where it goes on to the response.
            None if self.announced != Announces::Response
                && (self.used
                    || (self.announced == Announces::OtherJson || !self.request.writes())
                        && labels::label(&prose.text) == Announces::Response) =>
            {
                self.announced = Announces::Unspecific;
            }
            None => {}
        }
        let code =
            status_text::explained(&prose.text).or(label.and_then(status_text::of_response_label));
        self.succeeds |= code.is_some_and(|code| code < 300);
        if self.page.is_list_item(prose.range.start) && self.listed.is_none() {
            self.listed = code.filter(|code| *code < 300);
        }
        let sentence = labels::last_sentence(&prose.text);
        let leads = labels::leads(sentence) || labels::has_word(sentence, "following below");
        // "Change it with `PUT /users/1`:"
        let source = &self.page.text[prose.range.clone()];
        let names_other =
            || NAMED_CODE.is_match(source) && other_requests::is_about(source, self.request);
        if leads && names_other() {
            return false;
        }
        self.elsewhere = (leads && labels::is_elsewhere(sentence))
            || label.is_some_and(labels::is_about_another);
        static NAMED_CODE: LazyLock<Regex> =
            regex!(r"`(?:GET|POST|PUT|PATCH|DELETE) \S+`[^`]*:\s*$");
        // "If there is no such user:" above the status of a failure.
        static CONDITION: LazyLock<Regex> =
            regex!(r"(?i)^\W*(?:if|when|wenn|falls|si|se|caso|quand|cuando|quando|если)\b");
        let failure = || {
            let shown = self.page.fence(index + 1)?;
            let status = transcript::head(&shown.content).0?.status;
            (status >= 400 && CONDITION.is_match(sentence)).then_some(status)
        };
        let case = status_text::of_other_case(sentence).or_else(failure);
        let case = case.filter(|_| labels::leads(sentence));
        if case.is_some() {
            (self.status, self.other_case) = (case, true);
        }
        if labels::names_a_file(sentence) {
            self.announced = Announces::OtherJson;
        }
        let in_response = self.announced == Announces::Response;
        self.no_body = labels::says_no_body(&prose.text, in_response)
            && self.out.is_empty()
            && mentions::named_in(block).is_none();
        !self.no_body
    }

    /// Below a list of statuses the response is that of the success in it.
    fn end_list(&mut self) {
        if let Some(success) = self.listed.take()
            && !self.in_errors
        {
            (self.status, self.other_case) = (Some(success), false);
        }
    }

    fn label(&mut self, index: usize, label: &str) {
        // "+ Headers" between "+ Response" and its "+ Body".
        if self.announced == Announces::Response && labels::words(label) == ["headers"] {
            self.is_headers = true;
            return;
        }
        let said = labels::label(label);
        if self.names_other_tool(label) && said != Announces::Unspecific {
            self.foreign.get_or_insert(LABEL);
        } else if self.foreign == Some(LABEL) && said == Announces::Response {
            self.foreign = None;
        }
        let is_body_of_response =
            labels::is_body_label(label) && self.announced == Announces::Response;
        if (said != Announces::Unspecific || self.used) && !is_body_of_response {
            self.announced = said;
        }
        self.used = false;
        let begins_errors = begins_errors(&self.page.blocks[index]);
        let code = status_text::of_response_label(label);
        self.in_errors = match code {
            // "Code: 404" below "Error response:".
            Some(code) => begins_errors || self.in_errors && code >= 400,
            None if said == Announces::Response => begins_errors,
            None => self.in_errors,
        };
        if let Some(code) = code {
            (self.status, self.other_case) = (Some(code), self.in_errors);
            self.announced = Announces::Response;
        }
    }

    /// Reads a code block; returns whether there may be a response below it.
    fn code(&mut self, index: usize, fence: &Fence) -> bool {
        let page = self.page;
        // Code within an item belongs to that.
        let start = line_start(&page.text, fence.range.start);
        match page.text[start..fence.range.start].trim().is_empty() && start < fence.range.start {
            true => self.listed = None,
            false => self.end_list(),
        }
        if std::mem::take(&mut self.is_headers) {
            return true;
        }
        let role = page.declared_role(index);
        let mut between = self.at + 1..index;
        let candidate = Candidate {
            fence: index,
            announced: true,
            adjacent: between.all(|at| matches!(page.blocks[at], Block::Directive(_))),
            ..Candidate::default()
        };
        if role == Some("response") {
            (self.status, self.other_case) = (None, false);
            self.out.push(candidate);
            return true;
        }
        if is_bare_url(&fence.content) {
            let url = fence.content.trim();
            // Swagger UI shows the URL of a command again, below it. One in the text is a field.
            let own = page.fence(self.at);
            return own.is_some_and(|own| own.content.contains(url)) || !fence.fenced;
        }
        if self.out.is_empty() && self.is_same_request(fence) {
            self.foreign = None;
        }
        let announced = self.announced;
        let is_response = matches!(announced, Announces::Unspecific | Announces::Response);
        self.used = !is_response;
        let is_foreign = self.foreign.is_some() || self.elsewhere;
        let written = || self.request.printed.status_in(&fence.content);
        let candidate = Candidate {
            status: self.status.or_else(written),
            other_case: self.other_case,
            foreign: is_foreign,
            ..candidate
        };
        let fits = role.is_none()
            && !is_schema(&fence.content)
            && announced != Announces::OtherJson
            && !labels::names_a_file(&fence.info)
            && self.request.may_print(fence);
        if fits {
            // A body without further words is that of the request if that can have one.
            let of_request = match announced {
                Announces::Body => self.request.writes(),
                _ => !is_response,
            };
            self.out.push(Candidate {
                announced: !of_request && announced != Announces::Unspecific,
                doubtful: of_request,
                repeats: announced != Announces::Response
                    && is_request_body(&fence.content, self.body.as_ref()),
                ..candidate
            });
        } else if !self.shown && is_other_text(fence) {
            // Text that is not a message cannot be compared; it is named in the summary.
            let is_message =
                is_labelled_response(page, index) && transcript::is_message(&fence.content);
            if announced == Announces::Response || is_message && !fence.fenced {
                self.out.push(Candidate {
                    foreign: !is_message || is_foreign,
                    ..candidate
                });
            }
        }
        self.shown = true;
        self.elsewhere = false;
        true
    }

    /// Whether a block is the same request for another client, which has the same response.
    fn is_same_request(&self, fence: &Fence) -> bool {
        let written = self.request.written.as_ref();
        let path = written.map_or("", |written| url::path_of(&written.request.target));
        !path.is_empty() && !shows_response(fence) && fence.content.contains(path)
    }
}

const OUTCOME: &str =
    "confirm verify check success successful result results outcome output expected";

const PARTS: &str =
    "parameters params parameter headers url arguments fields query properties authorization";

/// Whether the block directly above another one calls it the response or its body, in a few words.
fn is_labelled_response(page: &Page, at: usize) -> bool {
    let above = at.checked_sub(1).and_then(|above| page.blocks.get(above));
    above.and_then(Block::text).is_some_and(|text| {
        let is_response = labels::label(text) == Announces::Response;
        labels::words(text).len() <= 4 && is_response
            || labels::surely_introduces(text)
            || labels::is_body_label(text)
    })
}

/// Whether a label or heading begins a list of the errors that a request can have, besides its normal response: "Error
/// response:".
pub fn begins_errors(block: &Block) -> bool {
    let text = match block {
        Block::Heading(heading) => Some(heading.text.as_str()),
        block => label(block),
    };
    text.is_some_and(|text| {
        let words = labels::words(text);
        // "Returns an error", which this example does.
        let is_sentence = block.prose().is_some_and(|prose| prose.bold.is_none())
            && !text.ends_with(':')
            && words
                .first()
                .is_some_and(|word| is_one_of(word, "returns gives shows"))
            && !words.iter().any(|word| word == "errors");
        words.len() <= 4
            && !is_sentence
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

/// The next JSON that is not announced as something else; what is called a response before what is not, a success
/// before a failure, and the body of the request last.
pub fn by_order(candidates: &[Candidate], writes: bool) -> Option<usize> {
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
pub fn is_request_body(content: &str, body: Option<&Value>) -> bool {
    body.is_some() && serde_json::from_str(content).ok().as_ref() == body
}

/// A URL alone in a block is a request for another client.
pub fn is_bare_url(content: &str) -> bool {
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
                "text txt plain plaintext json yaml yml xml html csv http console bash sh shell",
            ))
}

pub fn tool_above(page: &Page, at: usize) -> Option<&'static str> {
    page.headings_above(at)
        .find_map(|heading| labels::other_tool(&heading.text))
}

pub fn level(page: &Page, index: usize) -> u8 {
    match &page.blocks[index] {
        Block::Heading(heading) => heading.level,
        _ => 0,
    }
}

/// The label in a paragraph, if it has one.
pub fn label(block: &Block) -> Option<&str> {
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
    // Headers are named beside the label of the response.
    if prose
        .text
        .trim_start()
        .to_lowercase()
        .starts_with("headers:")
        && !prose.text.trim_end().ends_with(':')
    {
        return None;
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
