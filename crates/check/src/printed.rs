//! What a command prints of a response: its body, what filters make of it, and what curl adds to it.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::blocks::Fence;
use super::comments;
use super::compare::{Difference, Step};
use super::jq::{self, Stop};
use super::lenient_json::{self, Documented, SyntaxError};
use super::listings;
use super::node::{Item, Kind, Node, is_dots};
use super::parts::{self, Print};
use super::prompt;
use super::service::{Body, Received};
use super::shell;
use super::text::{Lines, is_one_of};
use super::transcript;

/// What a command prints of a response.
#[derive(Debug, Clone, Default)]
pub struct Printed {
    filters: Vec<jq::Filter>,
    write_out: Option<WriteOut>,
    by_program: Vec<Print>,
    /// Whether objects are printed as lists and tables, as PowerShell does.
    is_listed: bool,
}

/// How a page shows what filters print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// There are no filters.
    #[default]
    Body,
    /// One value.
    Value,
    /// Values one after another.
    Values,
    /// Lines of text.
    Lines,
    /// An error of jq.
    Error,
}

impl Form {
    /// A difference of what is printed in this form.
    pub fn describe(self, found: &Difference) -> String {
        let text = found.to_string();
        match (self, found.path.as_slice()) {
            (Form::Body, _) => text,
            (Form::Lines, [Step::Index(at)]) => {
                let rest = text.trim_start_matches(&format!("[{at}]"));
                format!("line {} of the output{rest}", at + 1)
            }
            _ => format!(
                "the output of jq: {}",
                text.trim_start_matches("the body: ")
            ),
        }
    }
}

impl Printed {
    /// What a command prints whose output goes through other commands; otherwise one of these that is not run, and why.
    pub fn through(filters: &[shell::Filter]) -> Result<Printed, String> {
        let mut out = Printed::default();
        for filter in filters {
            let is_text = out.filters.last().is_some_and(|last| last.raw);
            let words: Vec<_> = filter.words.iter().map(|word| &*word.text).collect();
            match words.as_slice() {
                ["cat" | "more" | "less" | "tee", ..] => {}
                // Its input is not JSON.
                _ if is_text => return Err(not_run(&filter.text)),
                [
                    "json_pp" | "json_reformat" | "bat" | "batcat" | "pygmentize",
                    ..,
                ]
                | ["json" | "jsonlint" | "fx"]
                | ["python" | "python3" | "py", "-m", "json.tool", ..]
                | ["python" | "python3" | "py", "-mjson.tool", ..] => {}
                ["jq", ..] => {
                    let read = jq::Filter::parse(&filter.words).map_err(|why| {
                        format!("its output goes through `{}`: {why}", filter.text)
                    })?;
                    if !read.prints_input() {
                        out.filters.push(read);
                    }
                }
                _ => return Err(not_run(&filter.text)),
            }
        }
        Ok(out)
    }

    /// What a program prints, one line each.
    pub fn by_program(prints: Vec<Print>) -> Printed {
        Printed {
            by_program: prints,
            ..Printed::default()
        }
    }

    /// The body, as PowerShell prints objects.
    pub fn listed() -> Printed {
        Printed {
            is_listed: true,
            ..Printed::default()
        }
    }

    /// Whether a text is an object or several as they are printed.
    pub fn is_listing(&self, text: &str) -> bool {
        self.is_listed && listings::is_listing(text)
            || !self.is_filtered() && listings::is_web_response(text)
    }

    /// Adds the text that curl writes after the body.
    pub fn with_write_out(self, write_out: Option<WriteOut>) -> Printed {
        Printed { write_out, ..self }
    }

    /// Whether it is the response as it is.
    pub fn is_whole(&self) -> bool {
        !self.is_filtered() && self.write_out.is_none()
    }

    /// Whether parts of the body, or other values of it, are printed: by filters or by a program.
    pub fn is_filtered(&self) -> bool {
        !self.filters.is_empty() || !self.by_program.is_empty()
    }

    fn is_raw(&self) -> bool {
        !self.by_program.is_empty() || self.filters.last().is_some_and(|last| last.raw)
    }

    /// Whether the filter makes texts of JSON: `jq -r '.[] | tojson'`.
    fn prints_json_as_text(&self) -> bool {
        const TO_TEXT: [&str; 3] = ["tojson", "@json", "tostring"];
        let last = self.filters.last().filter(|last| last.raw);
        let program = last.map_or("", |last| last.program.trim_end());
        TO_TEXT.iter().any(|name| program.ends_with(name))
    }

    /// Whether text below a command could be what it prints; `prompted` if other commands have prompts.
    pub fn looks_like_output(&self, text: &str, prompted: bool) -> bool {
        if let Some(write_out) = &self.write_out
            && let Some(found) = write_out.find(text)
        {
            let body = text[..found.range.start].trim();
            return body.is_empty() || transcript::looks_like_response(body);
        }
        match self.is_filtered() {
            true => {
                let first = text.trim_start().lines().next().unwrap_or_default().trim();
                let is_below = self.is_raw() && !text.starts_with(['\n', '\r']);
                let may_be_text = prompted || is_below && !is_like_command(first);
                begins_value(first)
                    || first.starts_with("jq: error")
                    || may_be_text && !first.is_empty() && !first.starts_with('#')
            }
            false => {
                let mut lines = text.trim().lines();
                let only = lines.next().filter(|_| lines.next().is_none());
                let is_text = |line| transcript::is_message(line) || transcript::is_words(line);
                prompted && only.is_some_and(is_text) || transcript::looks_like_response(text)
            }
        }
    }

    /// Whether a block could be what it prints, although it would not be taken for a response.
    pub fn fits(&self, fence: &Fence) -> bool {
        let is_shell = fence.language.starts_with("powershell") || fence.language == "ps1";
        self.is_listing(&fence.content) && (is_shell || is_of_output(fence))
            || !self.is_whole()
                && is_of_output(fence)
                && self.looks_like_output(&fence.content, self.is_raw())
    }

    /// The length of what it prints in comments at the beginning of a text, 0 if there is none.
    pub fn comment_output(&self, text: &str) -> usize {
        if !self.is_filtered() {
            return comments::comment_output(text);
        }
        let blank = text.len() - text.trim_start_matches(['\n', '\r']).len();
        let mut length = 0;
        let mut marked = false;
        for (line, at) in Lines::new(text, blank) {
            if at < length {
                continue;
            }
            let json = comments::comment_output(&text[at..]);
            let shown = comments::uncommented_line(line);
            let is_json = text[at..at + json].contains(['{', '[']);
            match shown {
                None => break,
                _ if json > 0 && is_json => length = at + json,
                Some((mark, shown)) => {
                    marked |= mark.contains("->") || mark.ends_with([':', '>', '→']);
                    let is_text = marked && self.is_raw() && !shown.is_empty();
                    match is_value(shown) || is_text {
                        true => length = at + line.trim_end().len(),
                        false => break,
                    }
                }
            }
        }
        length
    }

    /// Whether a comment behind the command is a text that `jq -r` prints, and does not explain it: `# Ada`.
    pub fn is_text_in(&self, comment: &str) -> bool {
        let program = self.filters.last().filter(|last| last.raw);
        let name = program.map(|last| {
            last.program
                .rsplit(['.', '[', '|'])
                .next()
                .unwrap_or_default()
        });
        let text = comment.trim_start_matches(['#', ' ']);
        let is_one =
            program.is_some_and(|last| !last.program.contains("[]")) && !text.contains(',');
        is_one && name.is_some_and(|name| parts::is_printed_text(text, &[name]))
    }

    /// The status in the text that curl writes, and its range; what is in the range is not the body.
    pub fn status(&self, shown: &str) -> Option<Status> {
        self.write_out.as_ref()?.find(shown)
    }

    /// The status in what a block shows: that of the response, or the one that curl writes.
    pub fn status_in(&self, content: &str) -> Option<u16> {
        let head = transcript::head(content).0.map(|head| head.status);
        let written = || Some(self.status(content)?.status?.0);
        head.filter(|_| !self.is_filtered()).or_else(written)
    }

    /// Parses what a page shows from an offset on.
    pub fn parse(&self, content: &str, start: usize) -> Result<(Documented, Form), SyntaxError> {
        let text = content[start..].trim_start();
        if text.lines().any(|line| line.starts_with("jq: error")) {
            return Ok((Documented::default(), Form::Error));
        }
        let is_json = text.starts_with(['{', '[']);
        let may_be_json = is_json || text.starts_with('"') || !self.is_raw();
        if may_be_json && !self.prints_json_as_text() {
            match lenient_json::values(content, start) {
                Ok((documented, is_one)) => {
                    let form = if is_one { Form::Value } else { Form::Values };
                    return Ok((documented, form));
                }
                Err(error) if is_json => return Err(error),
                // Strings without quotes.
                Err(_) => {}
            }
        }
        let documented = Documented {
            body: Some(lines(content, start)),
            ..Documented::default()
        };
        Ok((documented, Form::Lines))
    }

    /// What filters or `curl --write-out` print of a response, if that is one value and differs from a text.
    pub fn other_than(&self, text: &str, received: &Received) -> Option<String> {
        if !self.is_filtered() {
            let (status, range) = self.status(text)?.status?;
            let is_alone = range.len() == text.trim().len();
            return (is_alone && status != received.status).then(|| received.status.to_string());
        }
        let values = self
            .of(received, Form::Values)
            .ok()
            .filter(|_| self.is_filtered())?;
        let [value] = values.as_ref()?.as_array()?.as_slice() else {
            return None;
        };
        // A program may print a value after a fixed text.
        let ends = |line: &str| !self.by_program.is_empty() && line.ends_with(&format!(" {text}"));
        let is_text = |value: &Value| {
            value
                .as_str()
                .is_some_and(|line| line == text || ends(line))
        };
        let is_same =
            is_text(value) || serde_json::from_str(text).is_ok_and(|text: Value| text == *value);
        // Otherwise it describes the output.
        let is_value = serde_json::from_str::<Value>(text).is_ok();
        let is_output = match value {
            Value::String(_) => !text.contains(['/', '\\', '<', '>']),
            Value::Array(_) | Value::Object(_) => false,
            _ => is_value,
        };
        (!is_same && is_output).then(|| value.to_string())
    }

    /// What is printed of a response, in the form of the page; without filters the body.
    pub fn of(&self, received: &Received, form: Form) -> Result<Option<Value>, Stop> {
        if !self.is_filtered() {
            return Ok(received.json().cloned());
        }
        if !self.by_program.is_empty() {
            let lines = self.by_program.iter().map(|print| print.lines(received));
            let lines: Option<Vec<Vec<String>>> = lines.collect();
            let unknown = || Stop::Unfinished("the program prints more than texts and numbers");
            let lines = lines.ok_or_else(unknown)?.concat();
            return Ok(Some(lines.iter().map(|line| line_value(line)).collect()));
        }
        let mut values = match &received.body {
            Body::Empty => Vec::new(),
            Body::Json(value) => vec![value.clone()],
            Body::Text(_) => return Err(Stop::Error("the response is not JSON".to_owned())),
        };
        for filter in &self.filters {
            values = filter.run(&values)?;
        }
        Ok(Some(match (form, values.as_slice()) {
            (Form::Value, [only]) => only.clone(),
            (Form::Value, _) => return Err(Stop::Several(values)),
            (Form::Lines, _) => values.iter().flat_map(text_lines).collect(),
            _ => Value::Array(values),
        }))
    }
}

/// Whether a block could be the lines that a program prints.
pub fn may_be_lines(prints: &[Print], fence: &Fence) -> bool {
    let content = fence.content.trim();
    let shown = content.lines().filter(|line| !line.trim().is_empty());
    let is_list = prints.iter().any(|print| print.list().is_some());
    !prints.is_empty()
        && is_of_output(fence)
        && !content.starts_with(['{', '['])
        && (is_list || shown.count() == prints.len())
}

/// Whether a block may be what a program or command prints, and no session.
fn is_of_output(fence: &Fence) -> bool {
    let languages = "text txt plain plaintext output console shell json csv tsv";
    let is_output = fence.language.is_empty() || is_one_of(&fence.language, languages);
    is_output && !fence.content.lines().any(prompt::begins)
}

fn not_run(filter: &str) -> String {
    format!("its output goes through `{filter}`, which is not run")
}

/// Whether text begins with a JSON value.
fn begins_value(line: &str) -> bool {
    line.starts_with(['{', '[', '"']) || is_value(line)
}

fn is_value(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok()
}

/// Whether text could be a command and not what one prints: its first word is in lower case, or sets a variable.
pub fn is_like_command(line: &str) -> bool {
    static COMMAND: LazyLock<Regex> = regex!(r"^\s*(?:[a-z][a-z0-9._/+-]*(?:\s|$)|\w+=|[./~(\\])");
    COMMAND.is_match(line) && !begins_value(line.trim())
}

/// The lines of a text as an array.
fn lines(content: &str, start: usize) -> Node {
    let mut items = Vec::new();
    for (line, at) in Lines::new(content, start) {
        let shown = line.trim();
        let from = at + line.len() - line.trim_start().len();
        let span = from..from + shown.len();
        // What an editor adds to the output.
        let is_of_editor = shown.starts_with("Process finished with exit code");
        if is_of_editor || shown.starts_with("...") || shown.starts_with('…') || is_dots(shown) {
            items.push(Item::Elided(span));
        } else if !shown.is_empty() {
            let kind = Kind::Exact(line_value(shown));
            items.push(Item::Value(Node { kind, span }));
        }
    }
    Node {
        kind: Kind::Array(items),
        span: start..content.trim_end().len().max(start),
    }
}

/// The lines that an output is printed on without quotes.
fn text_lines(value: &Value) -> Vec<Value> {
    let text = match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(line_value)
        .collect()
}

/// A line of output: a number, or words with one space between them. `3.0` is printed as `3`, too.
fn line_value(line: &str) -> Value {
    static WHOLE: LazyLock<Regex> = regex!(r"\b(\d+)\.0\b");
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    match serde_json::from_str(&line) {
        Ok(Value::Number(number)) => Value::Number(number),
        _ => WHOLE.replace_all(&line, "$1").into_owned().into(),
    }
}

/// The text that curl writes after the body, as `--write-out` gives it.
#[derive(Debug, Clone)]
pub struct WriteOut {
    pattern: Regex,
}

/// A status within written text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The range of the whole text.
    pub range: Range<usize>,
    /// The status and its range, if it is written.
    pub status: Option<(u16, Range<usize>)>,
}

impl WriteOut {
    /// Reads a format; `Err` is a variable whose text is not known.
    pub fn parse(format: &str) -> Result<WriteOut, String> {
        static PART: LazyLock<Regex> = regex!(
            r"(?P<escape>\\[nrt])|%\{(?P<name>[^}]*)\}|%(?P<percent>%)|(?P<space>\s+)|(?P<other>(?s:.))"
        );
        let mut out = String::new();
        for part in PART.captures_iter(format) {
            if let Some(name) = part.name("name") {
                match name.as_str() {
                    "http_code" | "response_code" if out.contains("?P<status>") => {
                        out.push_str(r"\d{3}");
                    }
                    "http_code" | "response_code" => out.push_str(r"(?P<status>[1-5]\d\d)"),
                    "http_version" | "exitcode" => out.push_str(r"[\d.]+"),
                    name if is_number(name) => out.push_str(r"\d+(?:[.,]\d+)?"),
                    name @ ("json" | "header_json") => return Err(name.to_owned()),
                    _ => out.push_str(r"[^\n]*?"),
                }
            } else if let Some(other) = part.name("other").or(part.name("percent")) {
                out.push_str(&regex::escape(other.as_str()));
            } else {
                out.push_str(r"\s*");
            }
        }
        // zsh marks output without a line end by `%`.
        let whole = format!(r"(?:^|[\s\]}}\x22]){out}\s*%?\s*$");
        let pattern = Regex::new(&whole).map_err(|_| format.to_owned())?;
        Ok(WriteOut { pattern })
    }

    fn find(&self, shown: &str) -> Option<Status> {
        let found = self.pattern.captures(shown)?;
        let whole = found.get(0)?;
        // The pattern begins with the character before the text.
        let is_of_body = whole.as_str().starts_with([']', '}', '"']);
        let start = whole.start() + usize::from(is_of_body);
        let status = found.name("status");
        Some(Status {
            range: start..whole.end(),
            status: status.and_then(|status| Some((status.as_str().parse().ok()?, status.range()))),
        })
    }
}

/// Whether a variable of `--write-out` is a number.
fn is_number(name: &str) -> bool {
    let starts = ["time_", "size_", "speed_", "num_"];
    starts.iter().any(|start| name.starts_with(start)) || name.ends_with("_port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_curl_writes_is_found_after_the_body() {
        let rows = [
            ("%{http_code}", "404", Some((404, ""))),
            ("%{http_code}", "{\"id\": 1}200", Some((200, "{\"id\": 1}"))),
            ("%{http_code}\\n", "[]200%\n", Some((200, "[]"))),
            (
                "\\nHTTP Status: %{http_code}\\n",
                "{}\nHTTP Status: 201\n",
                Some((201, "{}")),
            ),
            (
                "\nStatus: %{response_code}\n",
                "Status: 204",
                Some((204, "")),
            ),
            (
                " %{http_code} (%{time_total}s)",
                "{} 200 (0.0021s)",
                Some((200, "{}")),
            ),
            ("%{http_code} 100%%", "200 100%", Some((200, ""))),
            (
                "%{http_code}, %{content_type}",
                "404, text/html; charset=utf-8",
                Some((404, "")),
            ),
            ("Status: %{http_code}", "{}", None),
            ("%{http_code}", "{\"count\": 200}", None),
            ("%{http_code}", "PORT=300", None),
        ];
        for (format, shown, expected) in rows {
            let found = WriteOut::parse(format).unwrap().find(shown);
            let found = found.and_then(|found| {
                let (status, _) = found.status?;
                Some((status, shown[..found.range.start].trim()))
            });
            assert_eq!(found, expected, "{format}: {shown}");
        }
        let unknown = WriteOut::parse("%{json}").map(|_| ());
        assert_eq!(unknown, Err("json".to_owned()));
    }

    #[test]
    fn output_of_filters_is_in_comments_too() {
        let through = |command: &str| {
            let command = shell::command(&format!("curl h/a | {command}"), 0);
            Printed::through(&command.filters).unwrap()
        };
        let rows = [
            ("jq length", "# 3\n", "# 3"),
            ("jq length", "# => 3\n# next\n", "# => 3"),
            (
                "jq '.[].name'",
                "# \"Ada\"\n# \"Bob\"\n\n# next\n",
                "# \"Ada\"\n# \"Bob\"",
            ),
            (
                "jq -c '.[]'",
                "# {\"a\": 1}\n# {\"a\": 2}\n",
                "# {\"a\": 1}\n# {\"a\": 2}",
            ),
            ("jq -r .name", "# => Ada Lovelace\n", "# => Ada Lovelace"),
            (
                "jq -r .name",
                "# Output: Ada Lovelace\n",
                "# Output: Ada Lovelace",
            ),
            ("jq -r .name", "# the name\n", ""),
            ("jq .name", "# => the name\n", ""),
            ("jq .", "# 3\n", ""),
        ];
        for (command, text, expected) in rows {
            let length = through(command).comment_output(text);
            assert_eq!(text[..length].trim_end(), expected, "{command}: {text}");
        }
    }
}
