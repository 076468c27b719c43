//! Code in running text: the lines of a paragraph that are commands, requests, status lines or JSON. They become blocks
//! like those of a fence.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::blocks::Fence;
use super::clients;
use super::commands;
use super::http_message;
use super::labels::{self, Announces};
use super::lenient_json;
use super::mentions;
use super::node::is_dots;
use super::programs;
use super::prompt;
use super::shell;
use super::shown;
use super::status_text;
use super::text::{floor_char_boundary, is_one_of, line_end, line_start};
use super::transcript;
use super::url;

/// How far below its paragraph code may end, so that a long page costs no more than its length.
const MAX_BELOW: usize = 16 * 1024;

/// A line that is only a method and a URL.
static REQUEST: LazyLock<Regex> = regex!(
    r"^[\s*_`]*(?P<method>GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)(?P<mark>[*_`:]*)\s+[*_`]*(?P<url>(?:https?://|localhost|/|\{\{?\w+\}\}?/)[^\s`]*?)(?P<version>\s+HTTP/[\d.]+)?(?P<end>[\s*_`\\]*)$"
);

/// The same for a URL of this machine, with the method in any case: "Post `http://localhost:3000/users`".
static REQUEST_HERE: LazyLock<Regex> = regex!(
    r"^[\s*_`]*(?i:get|post|put|patch|delete)[*_`:]*\s+[*_`]*(?:http://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0)[^\s`]*[\s*_`\\]*$"
);

/// A write with its body and the status that it gets: "`PUT /users/1` with `{"name": 1}` → `400 Bad Request`".
static SENT_FOR_STATUS: LazyLock<Regex> = regex!(
    r"(?x)^[\s*_`]*(?P<method>POST|PUT|PATCH)[\s*_`]+(?P<url>[^\s`]*/[^\s`]*)[*_`]*
        (?:\s+(?:with|mit|avec|con|com|and|body|the|a))*[\s:`]+(?P<body>\{.*\})[`\s]*
        (?:[^\w\s`{}]+|returns?|gives?|yields?|answers?|responds?(?:\s+with)?)[\s*_`]*
        (?P<status>[1-5]\d\d)\b[\s*_`]*(?:\p{Lu}[\w'\ ]*)?[\s*_`.]*$"
);

/// A label with code on the same line.
static LABEL: LazyLock<Regex> = regex!(r"^\s*(?P<label>[^:：{}\[\]`/.]{1,60}[:：][*_]*\s*)\S");

/// JSON after a word such as "returns", without a colon.
static RETURNS: LazyLock<Regex> =
    regex!(r"^[^\p{L}{}\[\]`]*(?P<label>\p{L}+(?:\s+\p{L}+){0,2})\s+(?P<json>[{\[])");

/// A status and JSON behind a label: `200 OK, {"id": 1}`.
static WITH_STATUS: LazyLock<Regex> = regex!(
    r"^(?:\p{L}+\s+){0,2}[1-5]\d\d\b[^{}\[\]`:\n]{0,40}?[\s,;:+–—-]\s*(?:(?:body|response|returns|json|data):\s*)?(?P<json>[{\[])"
);

/// What marks a line as output: an arrow, or "A1." below "Q1.".
static ARROW: LazyLock<Regex> = regex!(r"^\s*(?:(?://\s*)?(?:=>|->|→|⇒)|A\d+[.:)])\s*");

/// The language of a code block that was copied as text: `httpGET http://localhost:3000/users`.
static GLUED: LazyLock<Regex> = regex!(
    r"^(?:http|json|javascript|bash|shell|sh|text|plaintext)(?P<code>(?:GET|POST|PUT|PATCH|DELETE)\s|curl\s|[{\[])"
);

/// The marks of a quotation.
static QUOTE: LazyLock<Regex> = regex!(r"(?m)^[ \t]*(?:>[ \t]?)+");

/// A part of a paragraph that stands for itself.
pub enum Part {
    /// Code.
    Code(Fence),
    /// A line that names an endpoint: a method and a path.
    Endpoint(Range<usize>),
}

impl Part {
    /// Byte range in the page.
    pub fn range(&self) -> Range<usize> {
        match self {
            Part::Code(fence) => fence.range.clone(),
            Part::Endpoint(range) => range.clone(),
        }
    }
}

/// Where the code of an indented block ends that goes on below it, as its last lines lack the indentation.
pub fn continued(text: &str, fence: &Fence) -> Option<usize> {
    let content = fence.content.trim_end();
    let limit = below(text, fence.range.end);
    let is_whole = |end: usize| {
        let rest = text[end..].lines().next().unwrap_or_default();
        end > fence.source(content.len()) && rest.trim().is_empty()
    };
    let json = transcript::head(content).1;
    let json = content.len() - content[json..].trim_start().len();
    if content[json..].starts_with(['{', '[']) {
        if lenient_json::value_end(&content[json..]).is_some() {
            return None;
        }
        let start = fence.source(json);
        let end = start + lenient_json::value_end(&text[start..limit])?;
        return Some(end).filter(|end| is_whole(*end));
    }
    let command = content.rfind("curl ")?;
    if shell::command(content, command).mistakes.is_empty() {
        return None;
    }
    let whole = shell::command(&text[..limit], fence.source(command));
    (whole.mistakes.is_empty() && is_whole(whole.end)).then_some(whole.end)
}

/// How far code may go on below an offset: to the next code block or heading.
fn below(text: &str, start: usize) -> usize {
    let limit = floor_char_boundary(text, start + MAX_BELOW);
    let blocks = ["\n```", "\n~~~", "\n#"].iter();
    let next = blocks
        .filter_map(|mark| text[start..limit].find(mark))
        .min();
    next.map_or(limit, |next| start + next)
}

/// The parts of a paragraph that stand for themselves, in order. What begins in the paragraph may end below it.
pub fn parts(text: &str, paragraph: &Range<usize>, is_quoted: bool) -> Vec<Part> {
    let rest = &text[paragraph.end..below(text, paragraph.end)];
    if is_quoted {
        // The request as `curl -v` prints it.
        let is_more = |line: &&str| line.starts_with(['>', '*']) || line.trim().is_empty();
        let received = rest.lines().skip(1).find(|line| !is_more(line));
        if received.is_some_and(|line| line.starts_with("< HTTP/")) {
            return Vec::new();
        }
    }
    let below = match is_quoted {
        true => {
            let lines = rest.split_inclusive('\n').skip(1);
            let quoted = lines.take_while(|line| line.trim_start().starts_with('>'));
            line_end(rest, 0) + quoted.map(str::len).sum::<usize>()
        }
        false => rest.len(),
    };
    let mut whole = Fence::unfenced(text, paragraph.start..paragraph.end + below);
    let mut end = paragraph.len();
    if is_quoted {
        let marks: Vec<_> = QUOTE
            .find_iter(&whole.content)
            .map(|mark| mark.range())
            .collect();
        let within = marks.iter().filter(|mark| mark.end <= paragraph.len());
        end -= within.map(ExactSizeIterator::len).sum::<usize>();
        marks.into_iter().rev().for_each(|mark| whole.cut(mark));
    }
    let content = whole.content.as_str();
    let above = &text[..line_start(text, paragraph.start)];
    let above = above.trim_end().lines().next_back();
    let scan = Scan {
        content,
        end,
        above: above.unwrap_or_default(),
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at < end {
        let next = line_end(content, at).min(end);
        let mut line = scan.trimmed(at..next);
        let glued = GLUED.captures(&content[line.clone()]);
        let glued = glued.and_then(|found| found.name("code"));
        let glued = glued.map_or(0, |code| code.start());
        line.start += glued;
        at = next;
        if let Some(code) = scan.code(&line) {
            let code = scan.trimmed(code);
            at = at.max(code.end);
            let mut fence = whole.part(code);
            fence.range.start -= glued;
            found.push(Part::Code(fence));
        } else if let Some(stated) = scan.stated(&line) {
            let range = whole.source_range(&line);
            found.push(Part::Code(Fence::synthetic(text, range, stated)));
        } else if REQUEST.is_match(scan.unlabelled(&line))
            || REQUEST_HERE.is_match(&content[line.clone()])
            || mentions::has_status(&content[line.clone()])
        {
            found.push(Part::Endpoint(whole.source_range(&line)));
        }
    }
    found
}

/// Looks for code in lines.
struct Scan<'a> {
    content: &'a str,
    /// Where the paragraph ends.
    end: usize,
    /// The line above the paragraph.
    above: &'a str,
}

impl Scan<'_> {
    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let text = &self.content[range.clone()];
        let start = range.end - text.trim_start().len();
        start..start + text.trim().len()
    }

    fn unlabelled(&self, line: &Range<usize>) -> &str {
        let text = &self.content[line.clone()];
        let label = LABEL.captures(text).and_then(|found| found.name("label"));
        label.map_or(text, |label| &text[label.end()..])
    }

    /// The code that begins in a line, maybe after a label.
    fn code(&self, line: &Range<usize>) -> Option<Range<usize>> {
        let start = line.start;
        let whole = self
            .command(line)
            .or_else(|| self.message(line))
            .or_else(|| Some(start..start + programs::call_end(&self.content[start..])?))
            .or_else(|| self.response(line))
            .or_else(|| Some(start..self.value_end(start, self.end)?));
        if whole.is_some() {
            return whole;
        }
        if let Some(end) = self.broken_end(start) {
            return Some(start..end);
        }
        // `=> {"id": 1}`, `// -> []`
        if let Some(arrow) = ARROW.find(&self.content[line.clone()]) {
            let value = start + arrow.end();
            return Some(value..self.value_end(value, self.end)?);
        }
        let code = line.end - self.unlabelled(line).len();
        let label = self.content[start..code].trim();
        // "Content: {...}" below "Code: 200".
        let is_below_status = || {
            labels::label(self.above) == Announces::Response
                || status_text::of_response_label(self.above).is_some()
                || status_text::in_line(self.above).is_some()
        };
        let announces_json = labels::is_body_label(label) && is_below_status()
            || matches!(
                labels::label(label),
                Announces::Response | Announces::RequestBody | Announces::Body
            );
        let rest = code..line.end;
        let short = !label.is_empty() && labels::words(label).len() <= 8;
        short
            .then(|| self.command(&rest).or_else(|| self.message(&rest)))
            .flatten()
            .or_else(|| {
                let end = announces_json.then(|| self.value_end(code, self.end))??;
                Some(code..end)
            })
            .or_else(|| {
                let announces = announces_json || labels::says_expected(label);
                let found = WITH_STATUS.captures(&self.content[rest.clone()]);
                let json = code + found.filter(|_| announces)?.name("json")?.start();
                let is_empty = matches!(self.content[json..line.end].trim(), "[]" | "{}");
                let empty = || is_empty.then_some(line.end);
                Some(json..self.value_end(json, self.end).or_else(empty)?)
            })
            .or_else(|| {
                let found = RETURNS.captures(&self.content[line.clone()])?;
                let json = start + found.name("json")?.start();
                let is_response = labels::label(&found["label"]) == Announces::Response;
                let end = is_response.then(|| self.value_end(json, self.end))??;
                Some(json..end)
            })
    }

    /// A command in the words of a shell.
    fn command(&self, line: &Range<usize>) -> Option<Range<usize>> {
        let text = &self.content[line.clone()];
        let Some(at) = shown::command_in_line(text) else {
            let program = text[prompt::typed(text)..].split(' ').next()?;
            if commands::misspelt(text).is_some() || http_message::misspelt_method(text).is_some() {
                return Some(line.clone());
            }
            let is_client = is_one_of(program, "http https xh xhs wget");
            let found = is_client.then(|| clients::find(text, ""))?.pop()?;
            return found.written.is_some().then(|| line.clone());
        };
        let start = line.start + at;
        let mut command = shell::command(&self.content[..self.end], start);
        // The body of a command may have empty lines.
        let shown = &self.content[start..self.end];
        if !command.mistakes.is_empty() || shown.trim_end().ends_with('\\') {
            let longer = shell::command(self.content, start);
            if longer.mistakes.is_empty() {
                command = longer;
            }
        }
        let is_url = |word: &shell::Word| {
            word.text.contains("://")
                || url::this_machine(&word.text).is_some()
                || url::has_base(&word.text)
        };
        let url = command.words.iter().position(is_url)?;
        // A sentence goes on after the URL.
        let is_word = |word: &shell::Word| {
            let word = word.text.trim_end_matches([',', '.', ':']);
            word.chars().all(char::is_alphabetic)
        };
        let in_sentence = command.words.get(url + 1).is_some_and(is_word);
        (!in_sentence).then_some(line.start..command.end)
    }

    /// A request as a message, with more than a path.
    fn message(&self, line: &Range<usize>) -> Option<Range<usize>> {
        let found = REQUEST.captures(&self.content[line.clone()])?;
        // `stated` reads what has markup.
        if !found["mark"].is_empty() || !found[0].starts_with(&found["method"]) {
            return None;
        }
        let next = line_end(self.content, line.start);
        let headers = self.headers_end(next);
        let is_message = found.name("version").is_some() || headers > next;
        let writes = is_one_of(&found["method"], "POST PUT PATCH");
        let is_below = self.content[headers..].starts_with(['{', '[']);
        let body = self
            .json_below(headers)
            .filter(|_| writes && (is_message || is_below));
        let is_local = url::this_machine(&found["url"]).is_some();
        match body {
            Some(body) => Some(line.start..body),
            None if is_message => Some(line.start..headers),
            None => is_local.then(|| line.start..line.end - found["end"].len()),
        }
    }

    /// A method and a URL of this machine with markup, or with a body and a status.
    fn stated(&self, line: &Range<usize>) -> Option<String> {
        if let Some(found) = SENT_FOR_STATUS.captures(&self.content[line.clone()]) {
            let [method, url, body, status] =
                ["method", "url", "body", "status"].map(|part| &found[part]);
            let is_json = serde_json::from_str::<Value>(body).is_ok();
            return is_json.then(|| format!("{method} {url}\n\n{body}\n\nHTTP/1.1 {status}"));
        }
        let found = REQUEST.captures(self.unlabelled(line))?;
        let url = found["url"].trim_end_matches(['*', '_']);
        url::this_machine(url)?;
        Some(format!("{} {url}", &found["method"]))
    }

    /// A response that begins with its status line.
    fn response(&self, line: &Range<usize>) -> Option<Range<usize>> {
        let text = &self.content[line.clone()];
        let received = text.strip_prefix("< ");
        let is_status =
            received.unwrap_or(text).starts_with("HTTP/") && transcript::head(text).0.is_some();
        let headers = is_status.then(|| self.headers_end(line_end(self.content, line.start)))?;
        // A status alone is a label of what is below it, unless `curl -v` printed it.
        let empty = || {
            let below = self.content[headers..].trim_start();
            let line = below.lines().next()?.trim_end();
            let start = self.content.len() - below.len();
            matches!(line, "[]" | "{}").then_some(start + line.len())
        };
        let end = self.json_below(headers).or_else(empty);
        Some(line.start..end.or(received.map(|_| headers))?)
    }

    /// The end of the lines that are headers.
    fn headers_end(&self, mut at: usize) -> usize {
        const PLAIN: &str = "accept authorization connection cookie date etag host link location origin server vary";
        let is_header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap_or_default();
            let is_known = name.contains('-') || is_one_of(&name.to_lowercase(), PLAIN);
            is_known && transcript::is_header(line) && !value.trim().is_empty()
        };
        while at < self.content.len() {
            let next = line_end(self.content, at);
            let line = self.content[at..next].trim();
            // `curl -v` marks what it received.
            let line = line.strip_prefix("< ").unwrap_or(line);
            if line != "<" && !is_header(line) && !is_dots(line) {
                break;
            }
            at = next;
        }
        at
    }

    /// The end of JSON that is the next thing below an offset.
    fn json_below(&self, at: usize) -> Option<usize> {
        let value = self.content.len() - self.content[at..].trim_start().len();
        self.value_end(value, value)
    }

    /// The end of what looks like an array or object and cannot be read: the line of its last bracket, or the end of the
    /// paragraph if brackets are missing.
    fn broken_end(&self, start: usize) -> Option<usize> {
        static BEGIN: LazyLock<Regex> = regex!(r#"^[{\[]+\s*\n\s*(?:["{}]|'?\w+'?\s*:)"#);
        let rest = &self.content[start..];
        BEGIN.find(rest)?;
        let mut depth = 0;
        let mut at = start;
        for line in rest.split_inclusive('\n') {
            at += line.len();
            depth += line.matches(['{', '[']).count();
            depth = depth.saturating_sub(line.matches(['}', ']']).count());
            if depth == 0 {
                return Some(at);
            }
        }
        Some(self.end)
    }

    /// The end of the array or object at an offset, if nothing follows it in its line. It ends in the paragraph, or
    /// else below it.
    fn value_end(&self, at: usize, paragraph: usize) -> Option<usize> {
        let rest = &self.content[at..];
        if !rest.starts_with(['{', '[']) {
            return None;
        }
        let within = lenient_json::value_end(&self.content[at..paragraph]);
        let mut length = within.or_else(|| lenient_json::value_end(rest))?;
        // A list without its brackets.
        while let Some(next) = rest[length..].strip_prefix(',').map(str::trim_start)
            && next.starts_with('{')
            && let Some(item) = lenient_json::value_end(next)
        {
            length = rest.len() - next.len() + item;
        }
        let after = rest[length..].lines().next().unwrap_or_default();
        // Dots may stand for the closing bracket, but they would take all that follows. A shell marks the missing end of a
        // line with `%`.
        let is_value = rest[..length].contains(['"', '\n']) && rest[..length].ends_with(['}', ']']);
        (is_value && after.trim_matches([' ', '\\', '\r', '%']).is_empty()).then_some(at + length)
    }
}
