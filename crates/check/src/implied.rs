//! Requests that a page names without a command: which of them are examples, as their response follows.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::addresses;
use super::blocks::{Block, Fence, Heading, Prose, Stated};
use super::forms;
use super::http_message;
use super::labels::{self, Announces};
use super::lenient_json;
use super::mentions::{self, Form, Mention};
use super::node::Kind;
use super::request_tables;
use super::result_text;
use super::status_text;
use super::text::{is_list_item, line_start, pattern};
use super::transcript::is_response;
use super::url;

/// A URL after its label in a line: `URL: /users/1`.
static URL_LINE: LazyLock<Regex> = LazyLock::new(|| {
    let value = r"[\s*_]*[:：][\s*_]*(?P<url>(?:(?:https?://localhost|localhost|\{\{?\w+\}?\})[^\s/]*)?/[^\s`]*)\s*$";
    pattern(&[r"(?i)^[\W_]*", labels::URL, value].concat())
});

/// Whether a page has the base URL or commands of another service, and names this machine nowhere.
pub fn is_of_other_service(text: &str) -> bool {
    let names_other = |line: &str| {
        let lower = line.to_lowercase();
        let mut names = ["base url", "curl "].iter();
        let named = names.find_map(|name| lower.split_once(name));
        let is_host = lower.starts_with("host:") && lower.contains("://");
        is_host || named.is_some_and(|(_, rest)| rest.contains("://"))
    };
    // HTTPie's short form of this machine: `http :8080/users`.
    static HERE: LazyLock<Regex> = regex!(r"\b(?:http|xh)\s+(?:[A-Za-z]+\s+)?:\d*/");
    let names_here = url::names_this_machine(text) || HERE.is_match(text);
    !names_here && text.lines().any(names_other)
}

/// Reads a label and its value in blocks of their own like those in one: `* **URL**` above `/users/1`, `* **Method**` above
/// `GET`, the heading "URL" above "`{base_url}/users` - all users".
fn join_labels(text: &str, blocks: &mut [Block]) {
    static PATH: LazyLock<Regex> = regex!(
        r"^(?P<url>(?:(?:https?://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?|\{\{?[\w-]+\}\}?)?/[^\s`]*)(?P<rest>\s*(?:[-–—:]\s.*)?)$"
    );
    for index in 1..blocks.len() {
        let (above, below) = blocks.split_at_mut(index);
        let (label, is_heading) = match above.last() {
            Some(Block::Heading(heading)) => (&heading.text, true),
            Some(Block::Prose(prose)) => (&prose.text, false),
            _ => continue,
        };
        let Some(block) = below.first_mut() else {
            continue;
        };
        let Block::Prose(value) = block else {
            continue;
        };
        let word = value.text.trim();
        if labels::is_method_label(label) && http_message::METHODS.contains(&word) {
            value.text = format!("Method: {word}");
        } else if labels::is_url_label(label)
            && let Some(found) = PATH.captures(word)
            && (found["rest"].is_empty() || is_heading)
            && let Some(at) = text[value.range.clone()].find(&found["url"])
        {
            let start = value.range.start + at;
            *block = Block::Fence(Fence::unfenced(text, start..start + found["url"].len()));
        }
    }
}

/// Makes a request of two steps of an instruction: one chooses the method, and another, a few blocks below or above it,
/// enters the URL.
fn join_steps(text: &str, blocks: &mut Vec<Block>) {
    const NEAR: usize = 8;
    for index in (0..blocks.len()).rev() {
        let Some(method) = mentions::chosen_method(&blocks[index]) else {
            continue;
        };
        let url = |at: usize| {
            let block = &blocks[at];
            let url = bare_url(block)
                .or_else(|| mentions::url_alone(block))
                .or_else(|| mentions::entered_url(block))?;
            let is_literal = url::placeholder(url::path_of(url)).is_none();
            let range = block.range();
            let start = range.start + text[range].rfind(url)?;
            is_literal.then(|| (at, start..start + url.len()))
        };
        let goes_on = |at: &usize| {
            let block = &blocks[*at];
            let ends = mentions::chosen_method(block).is_some()
                || mentions::named_in(block).is_some()
                || is_response(block);
            url(*at).is_some() || !ends
        };
        let mut below = (index + 1..blocks.len().min(index + NEAR)).take_while(goes_on);
        let above = (index.saturating_sub(NEAR / 2)..index).rev();
        let mut above = above.take_while(goes_on);
        let Some((at, range)) = below.find_map(url).or_else(|| above.find_map(url)) else {
            continue;
        };
        let content = format!("{method} {}", &text[range.clone()]);
        let request = Block::Fence(Fence::synthetic(text, range, content));
        match bare_url(&blocks[at]) {
            Some(_) => blocks[at] = request,
            None => blocks.insert(at + 1, request),
        }
    }
}

/// The URL that is alone in a code block.
fn bare_url(block: &Block) -> Option<&str> {
    let text = block.fence()?.content.trim();
    let is_here = text.starts_with('{') || url::this_machine(text).is_some();
    (is_here && text.contains('/') && !text.contains([' ', '\n', '"'])).then_some(text)
}

/// Makes requests of endpoints that the text names: those that are followed by their response, or by the status of it, and
/// by no other request.
pub fn imply_requests(text: &str, blocks: &mut Vec<Block>) {
    join_labels(text, blocks);
    join_steps(text, blocks);
    for index in (0..blocks.len()).rev() {
        fields_as_text(text, &mut blocks[index]);
        if let Block::Table(table) = &blocks[index] {
            let found = request_tables::read(text, blocks, index, table);
            blocks.splice(index + 1..index + 1, found);
        } else if let Some(url) = labelled_url(text, &blocks[index]) {
            blocks.insert(index + 1, Block::Fence(url));
        } else if let Some(candidate) = Candidate::at(text, blocks, index)
            && (candidate.is_example() || candidate.is_bare_record())
        {
            let mut request = candidate.request(text);
            request.is_mention = !candidate.is_example();
            let message = request.content.clone();
            for at in candidate.more_pairs().into_iter().rev() {
                let again = Fence::synthetic(text, blocks[at].range(), message.clone());
                blocks.insert(at, Block::Fence(again));
            }
            blocks.insert(index + 1, Block::Fence(request));
        } else if let Some(request) = listed(text, blocks, index) {
            blocks.insert(index + 1, Block::Fence(request));
        }
    }
}

/// Makes a paragraph of a code block that shows the fields of a request, or a message if its body is among them.
fn fields_as_text(text: &str, block: &mut Block) {
    if let Block::Fence(fence) = block
        && fence.fenced
        && mentions::has_fields(&fence.content)
    {
        let range = fence.range.clone();
        *block = match mentions::fields_with_body(&fence.content) {
            Some(message) => Block::Fence(Fence::synthetic(text, range, message)),
            None => Block::Prose(Prose {
                text: fence.content.clone(),
                bold: None,
                range,
            }),
        };
    }
}

/// How many words an item has that is only a request and its status.
const MOST_WORDS: usize = 10;

/// The request of an item in a list of endpoints: `- GET /users/1`. It is only mentioned, unless the item has its status.
fn listed(text: &str, blocks: &[Block], index: usize) -> Option<Fence> {
    let named = |index: usize| {
        let block = blocks.get(index)?;
        let item = block
            .prose()
            .filter(|item| is_list_item(text, item.range.start));
        item.and_then(|_| mentions::named_in(block))
    };
    let own = named(index)?;
    let is_neighbour = |at: Option<usize>| at.and_then(named).is_some();
    let is_list = is_neighbour(Some(index + 1)) || is_neighbour(index.checked_sub(1));
    let is_literal = url::placeholder(url::path_of(&own.url)).is_none();
    (is_list && is_literal).then(|| {
        let message = format!("{} {}", own.method, own.url);
        let mut request = Fence::synthetic(text, blocks[index].range(), message);
        let said = blocks[index].text().unwrap_or_default();
        let is_stated = status_text::in_paragraph(said).is_some();
        request.is_mention = !is_stated || labels::words(said).len() > MOST_WORDS;
        // "`GET /users` returns all five users"
        let rest = said.split_once(&own.url).map_or("", |(_, rest)| rest);
        if result_text::returns(rest) {
            let rest = rest.trim_start_matches([' ', ':', ')']);
            let range = request.range.clone();
            request.expected.push(Stated {
                text: rest.to_owned(),
                is_foreign: false,
                range,
            });
        }
        request
    })
}

/// The URL after its label in a line, as a block of its own.
fn labelled_url(text: &str, block: &Block) -> Option<Fence> {
    let range = &block.prose()?.range;
    let label = URL_LINE.captures(&text[range.clone()])?;
    let url = label.name("url")?.range();
    let place = range.start + url.start..range.start + url.end;
    Some(Fence::unfenced(text, place))
}

/// A request that a block names, and what the page says about it.
struct Candidate<'a> {
    blocks: &'a [Block],
    index: usize,
    /// The text of the block.
    words: &'a str,
    mention: Mention,
    /// Whether a picture is below it, which shows the response.
    is_pictured: bool,
    /// The blocks below it that are about this request.
    section: Vec<&'a Block>,
}

impl<'a> Candidate<'a> {
    fn at(text: &str, blocks: &'a [Block], index: usize) -> Option<Candidate<'a>> {
        let words = blocks[index].text()?;
        let mut mention = mentions::in_blueprint(blocks, index)
            .or_else(|| mentions::below_method(blocks, index))
            .or_else(|| mentions::named_in(&blocks[index]))?;
        // A placeholder in angle brackets is HTML for Markdown.
        let url = &mut mention.url;
        let tag = text[blocks[index].range()].split_once(&format!("{url}<"));
        if let Some((name, _)) = tag.and_then(|(_, rest)| rest.split_once('>'))
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '))
        {
            url.push_str(&format!("<{name}>"));
        }
        let is_picture = |line: &str| line.trim_start().starts_with("![");
        let shows_picture = |block: &Block| {
            let start = line_start(text, block.range().start);
            is_picture(&text[start..])
        };
        let mut own = text[blocks[index].range()].lines().skip(1);
        let is_pictured = own.any(is_picture) || blocks.get(index + 1).is_some_and(shows_picture);
        Some(Candidate {
            is_pictured,
            blocks,
            index,
            words,
            section: section_of(blocks, index, &mention),
            mention,
        })
    }

    /// Whether this is a request to send, and not only the name of an endpoint.
    fn is_example(&self) -> bool {
        !self.is_only_described()
            && !self.repeats_command()
            && (self.is_address()
                || mentions::has_status(self.words)
                || self.states_status() && !self.is_sent_below()
                || !self.section.iter().any(|block| is_request(block))
                || self.is_answered_first())
            && (self.is_complete()
                || self.section.iter().any(|block| is_response(block))
                || self.sends_fields())
    }

    /// Whether the fields of a form, which are its body, are directly below it.
    fn sends_fields(&self) -> bool {
        matches!(self.section.first(), Some(Block::Fence(fence)) if forms::is_named(self.words) && forms::fields(&fence.content).is_some())
    }

    /// Whether its section shows the response, and only below that a command: "Response", then "Example with curl".
    fn is_answered_first(&self) -> bool {
        let is_of_other_service = self.section.iter().any(|block| is_foreign(block));
        let is_template = url::placeholder(self.path()).is_some();
        if self.mention.form != Form::Section || is_template || is_of_other_service {
            return false;
        }
        let mut said = Announces::Unspecific;
        for block in &self.section {
            match block {
                Block::Heading(heading) => {
                    said = match labels::heading(&heading.text) {
                        Announces::Unspecific if status_text::of_label(&heading.text).is_some() => {
                            Announces::Response
                        }
                        said => said,
                    }
                }
                Block::Prose(prose) => match labels::label(&prose.text) {
                    Announces::Unspecific => {}
                    label => said = label,
                },
                block if is_request(block) => return false,
                block if is_response(block) && said == Announces::Response => return true,
                _ => {}
            }
        }
        false
    }

    /// The request as a block. It stands where the method and the URL do.
    fn request(&self, text: &str) -> Fence {
        let Mention { method, url, .. } = &self.mention;
        let range = self.blocks[self.index].range();
        let source = &text[range.clone()];
        let (start, end) = match source.find(method).zip(source.rfind(url)) {
            Some((start, end)) if start > end => (end, start + method.len()),
            Some((start, end)) => (start, end + url.len()),
            // The tag of a documentation system, or a path that is in another heading.
            None => (0, source.len()),
        };
        let place = range.start + start..range.start + end;
        let mut request = Fence::synthetic(text, place, format!("{method} {url}"));
        if let Some(body) = self.body() {
            request.content.push_str(&format!("\n\n{body}"));
        }
        request
    }

    /// The body of a write in the line that names it, or in the step that sends it: "Send a PUT request to `/users/1` with
    /// `{ name: "Ada" }`".
    fn body(&self) -> Option<String> {
        let in_step = || {
            let (_, rest) = self.words.split_once(&self.mention.url)?;
            let object = rest.get(rest.find('{')?..=rest.rfind('}')?)?;
            let read = lenient_json::parse_literals(object, true).ok()?.body?;
            matches!(read.kind, Kind::Object { .. }).then(|| read.to_value().to_string())
        };
        let is_step = self.mention.form == Form::Step;
        let own = mentions::body(self.words).map(str::to_owned);
        own.or_else(|| is_step.then(in_step).flatten())
    }

    fn path(&self) -> &str {
        url::path_of(&self.mention.url)
    }

    fn is_heading(&self) -> bool {
        matches!(self.blocks[self.index], Block::Heading(_))
    }

    /// Whether the block above names a request, too.
    fn is_in_list(&self) -> bool {
        self.index > 0 && mentions::named_in(&self.blocks[self.index - 1]).is_some()
    }

    /// Whether the page describes an endpoint without an example of it.
    fn is_only_described(&self) -> bool {
        if self.mention.form != Form::Described
            || self.succeeds()
            || self.is_query()
            || self.is_address()
            || self.states_status()
        {
            return false;
        }
        let sends = self.sends();
        let says_more = mentions::continues_as_sentence(self.words)
            && labels::label(self.words) != Announces::Response
            && (!sends || self.mention.method == "DELETE");
        says_more || !sends && self.is_far()
    }

    /// Whether the JSON is not near below the paragraph.
    fn is_far(&self) -> bool {
        let is_text = |block: &&&Block| !matches!(block, Block::Fence(_));
        self.is_in_list() || self.section.iter().take_while(is_text).count() > 2
    }

    /// Whether the first JSON is called what is sent.
    fn sends(&self) -> bool {
        let said = |block: &&Block| match block {
            Block::Heading(heading) => Some(labels::heading(&heading.text)),
            Block::Prose(prose) => Some(labels::label(&prose.text)),
            _ => None,
        };
        let above = self.section.iter().take_while(|block| !is_response(block));
        matches!(
            above.filter_map(said).last(),
            Some(Announces::Request | Announces::RequestBody | Announces::Body)
        )
    }

    /// Whether it is a read in a list or paragraph.
    fn is_listed_read(&self) -> bool {
        !self.is_heading()
            && matches!(self.mention.form, Form::Section | Form::Described)
            && self.mention.method == "GET"
    }

    /// Whether it is a query with its values, which is an example wherever it is listed.
    fn is_query(&self) -> bool {
        self.is_listed_read() && addresses::has_values(self.path())
    }

    /// Whether it is a read of a URL of this machine, which can be opened wherever it is listed.
    fn is_address(&self) -> bool {
        let url = &self.mention.url;
        self.is_listed_read() && url::this_machine(url).is_some() && addresses::is_literal(url)
    }

    /// Whether the description is the status of the response, or has it in a sentence: "`GET /users/9` → 404",
    /// "`GET /users/9` returns 404."
    fn states_status(&self) -> bool {
        let described = mentions::description(self.words);
        let is_status = described.is_some_and(|words| status_text::in_line(words).is_some());
        let is_sentence = mentions::continues_as_sentence(self.words)
            && !labels::leads(self.words)
            && self.is_record()
            && status_text::is_statement(self.words)
            && status_text::in_paragraph(self.words).is_some();
        self.mention.form == Form::Described && (is_status || is_sentence)
    }

    /// Whether a request in its section may be this one.
    fn is_sent_below(&self) -> bool {
        let method = self.mention.method.as_str();
        let sends =
            |text: &str| has_path(text, self.path()) && (method == "GET" || text.contains(method));
        let is_it = |block: &&Block| matches!(block, Block::Fence(fence) if sends(&fence.content));
        self.section.iter().any(is_it)
    }

    /// Whether the description of a write says what it returns on success, here or below. A body is sent first.
    fn succeeds(&self) -> bool {
        if self.mention.form != Form::Described || self.mention.method == "GET" {
            return false;
        }
        let is_deletion = self.mention.method == "DELETE";
        let mut sent = is_deletion;
        let mut said = status_text::on_success(self.words).is_some();
        for block in self.section.iter().take(6) {
            match block {
                Block::Prose(prose) => said |= status_text::on_success(&prose.text).is_some(),
                Block::Fence(_) if is_deletion && !said => return false,
                block => sent |= is_response(block),
            }
        }
        sent && said
    }

    /// Whether a command above it in its section is this request. The response to that may not be between them.
    fn repeats_command(&self) -> bool {
        if self.is_heading() {
            return false;
        }
        let above = self.blocks[..self.index].iter().rev();
        let mut above = above.take_while(|block| match block {
            Block::Heading(_) => false,
            Block::Prose(above) => !mentions::is_instruction(&above.text),
            block => !is_response(block),
        });
        let command = above.find(|block| is_request(block));
        let is_of_other_method = |message: &str| {
            let method = message.split(' ').next().unwrap_or_default();
            http_message::METHODS.contains(&method) && method != self.mention.method
        };
        matches!(command, Some(Block::Fence(fence)) if has_path(&fence.content, self.path()) && !is_of_other_method(&fence.content))
    }

    /// Whether it needs no JSON below it: a read or deletion of one record with its status, or a write with its body.
    fn is_complete(&self) -> bool {
        if url::placeholder(self.path()).is_some() {
            return false;
        }
        if !matches!(self.mention.method.as_str(), "GET" | "DELETE") {
            let body = self.body();
            let object = body.as_deref().map(serde_json::from_str::<Map<_, Value>>);
            let has_status = || mentions::has_status(self.words) || self.is_reference();
            if self.mention.form == Form::Step && self.is_choice() {
                return false;
            }
            return object.map_or_else(has_status, |object| object.is_ok());
        }
        let is_named = matches!(self.mention.form, Form::Section | Form::Described);
        let near = if self.is_heading() { usize::MAX } else { 4 };
        let mut near = self.section.iter().take(near);
        self.succeeds()
            || self.is_pictured && self.mention.method == "GET"
            || self.states_status()
            || self.is_query()
            || self.is_address()
            || mentions::has_status(self.words)
            || self.is_record() && mentions::label(self.words).is_some_and(labels::says_example)
            || matches!(self.mention.form, Form::Step | Form::Fields)
                && url::this_machine(&self.mention.url).is_some()
            || (self.is_heading()
                || self.mention.form == Form::Step && !self.is_choice()
                || is_named && !self.is_in_list())
                && near.any(|block| says_status(block))
    }

    /// Whether the text leaves open whether the request is sent: "You can also send ...", "Never send ...".
    fn is_choice(&self) -> bool {
        const OPEN: &str = "can could may might also not never don another other";
        labels::has_word(self.words, OPEN) || !mentions::begins_with_instruction(self.words)
    }

    /// Whether it is the heading of a POST that says what it returns and shows no body: a reference.
    fn is_reference(&self) -> bool {
        let has_code = || self.section.iter().any(|block| block.fence().is_some());
        let says_response = |block: &&Block| {
            let said = block.prose().map(|prose| labels::label(&prose.text));
            said == Some(Announces::Response) && says_status(block)
        };
        self.is_heading()
            && self.mention.method == "POST"
            && !has_code()
            && self.section.iter().any(says_response)
    }

    /// Whether the path ends with the id of a record.
    fn is_record(&self) -> bool {
        let last = url::segments(self.path()).pop();
        last.is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// Whether it is a heading with the path of a record and nothing about the request below it: "### DELETE /users/1".
    fn is_bare_record(&self) -> bool {
        let is_code = |block: &&Block| matches!(block, Block::Fence(_));
        self.is_heading()
            && self.is_record()
            && matches!(&*self.mention.method, "GET" | "DELETE")
            && !self.section.iter().any(is_code)
    }

    /// Where an action of API Blueprint begins another pair of `+ Request` and `+ Response`.
    fn more_pairs(&self) -> Vec<usize> {
        let mut found = Vec::new();
        if mentions::in_blueprint(self.blocks, self.index).is_none() {
            return found;
        }
        let mut answered = false;
        for (at, block) in self.blocks.iter().enumerate().skip(self.index + 1) {
            match block {
                Block::Heading(_) => break,
                Block::Prose(prose) => match prose.text.split_whitespace().next() {
                    Some("Response") => answered = true,
                    Some("Request") if std::mem::take(&mut answered) => found.push(at),
                    _ => {}
                },
                _ => {}
            }
        }
        found
    }
}

/// The blocks that are about a request: up to the next heading of the same level or the next request that is named, or
/// fewer, by the form in which it is named.
fn section_of<'a>(blocks: &'a [Block], index: usize, mention: &Mention) -> Vec<&'a Block> {
    let form = mention.form;
    let heading = blocks[index].heading();
    let level = heading.map_or_else(|| level_above(blocks, index), |heading| heading.level);
    let is_step = matches!(form, Form::Step | Form::Fields) && heading.is_none();
    let is_within = |block: &&Block| match block {
        Block::Heading(next) => {
            let is_part =
                form == Form::Section && next.level == level && labels::names_part(&next.text);
            let is_of_step = match labels::heading(&next.text) {
                Announces::RequestBody | Announces::Body => true,
                Announces::Response => next.level > level,
                _ => false,
            };
            !is_step && (next.level > level || is_part) || is_step && is_of_step
        }
        _ => true,
    };
    let is_own = |block: &&Block| is_within(block) && mentions::named_in(block).is_none();
    let below = blocks[index + 1..].iter().take_while(is_own);
    let mut section: Vec<&Block> = below.filter(|block| block.directive().is_none()).collect();
    let first_response = section.iter().position(|block| is_response(block));
    // Commands of another service do not end it.
    let first_foreign = section.iter().position(|block| is_foreign(block));
    let is_write = !matches!(mention.method.as_str(), "GET" | "DELETE");
    let length = match form {
        // A sentence is about the block directly below it.
        Form::Sentence => Some(1),
        Form::Fields | Form::Described if !is_write => {
            first_response.map(|at| at + 1).or(first_foreign)
        }
        Form::Described => first_foreign,
        // A command near below is the request.
        Form::Step if url::this_machine(&mention.url).is_some() => Some(3),
        _ => None,
    };
    section.truncate(length.unwrap_or(usize::MAX));
    section
}

/// Whether a block below a request gives the status of its response.
fn says_status(block: &Block) -> bool {
    match block {
        Block::Prose(prose) => status_text::in_line(&prose.text)
            .or_else(|| status_text::explained(&prose.text))
            .or_else(|| status_text::of_response(&prose.text))
            .or_else(|| status_text::of_choices(&prose.text)?.first().copied())
            .or_else(|| status_text::in_paragraph(&prose.text))
            .is_some(),
        Block::Table(table) => status_text::status_column(table).is_some(),
        _ => false,
    }
}

fn is_request(block: &Block) -> bool {
    let Some(fence) = block.fence() else {
        return false;
    };
    let code = fence.content.to_lowercase();
    let mut words = ["curl", "http", "localhost"].iter();
    (words.any(|word| code.contains(word)) && !is_response(block))
        || http_message::begins_message(fence.content.trim()) && !code.starts_with("http")
}

fn is_foreign(block: &Block) -> bool {
    block.fence().is_some_and(|Fence { content, .. }| {
        content.contains("curl ") && content.contains("://") && !url::names_this_machine(content)
    })
}

/// Whether a command has `path`, with values in place of its parameters.
fn has_path(command: &str, path: &str) -> bool {
    let segments = path
        .split('/')
        .map(|segment| match segment.starts_with(['{', ':']) {
            true => r#"[^/?\s'"]+"#.to_owned(),
            false => regex::escape(segment),
        });
    let pattern = segments.collect::<Vec<_>>().join("/");
    Regex::new(&pattern).is_ok_and(|pattern| pattern.is_match(command))
}

/// The level of the section of a paragraph. Below "Request" or "Route" it goes on to "Response".
fn level_above(blocks: &[Block], index: usize) -> u8 {
    let heading = blocks[..index].iter().rev().find_map(Block::heading);
    // "POST request" is the title of the whole.
    let names_method = |heading: &Heading| {
        let mut words = heading.text.split(|c: char| !c.is_alphabetic());
        words.any(|word| http_message::METHODS.contains(&word))
    };
    heading.map_or(6, |heading| match labels::heading(&heading.text) {
        Announces::Request if !names_method(heading) => heading.level - 1,
        _ => heading.level,
    })
}
