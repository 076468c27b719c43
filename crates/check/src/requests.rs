//! The requests of one fence: curl commands, and requests written as text.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::curl::{self, Refusal, Request};
use super::shell::{self, Mistake};
use super::{expect, http_text};
use crate::page::Fence;

/// A request found in a fence.
#[derive(Debug, Clone)]
pub struct Found {
    /// Where it stands in the fence's content.
    pub span: Range<usize>,
    /// What it says.
    pub reading: Reading,
    /// What the fence shows as its output, in the fence's content.
    pub output: Option<Range<usize>>,
}

/// What a request says.
#[derive(Debug, Clone)]
pub enum Reading {
    /// It can be sent.
    Request(Request),
    /// The page is wrong; the request is what was surely meant.
    Mistakes(Vec<Mistake>, Option<Request>),
    /// It is right and not sent, for this reason.
    Skip(String, Option<Request>),
}

/// Languages in which a line that begins with `curl` is something else.
const PROGRAMS: &[&str] = &[
    "python",
    "py",
    "php",
    "ruby",
    "rb",
    "rust",
    "rs",
    "c",
    "cpp",
    "java",
    "kotlin",
    "go",
    "yaml",
    "yml",
    "toml",
    "xml",
    "html",
    "diff",
    "patch",
    "dockerfile",
    "makefile",
    "sql",
    "css",
    "md",
    "markdown",
    "mermaid",
    "lua",
    "swift",
    "perl",
    "r",
];

static HOLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)
        "(?P<quoted> \{\{?[A-Za-z][^{}"]*\}\}? | <[A-Za-z][\w\ .-]*> | \$\{?[A-Za-z_]\w*\}? )"
      | [:\[,]\s* (?P<bare> \{\{?[A-Za-z][\w\ .-]*\}\}? | <[A-Za-z][\w\ .-]*> | \$[A-Za-z_]\w* )
      "#,
    )
    .ok()
});

impl Reading {
    /// The request, if there is one, sent or not.
    #[must_use]
    pub fn request(&self) -> Option<&Request> {
        match self {
            Reading::Request(request) => Some(request),
            Reading::Mistakes(_, request) | Reading::Skip(_, request) => request.as_ref(),
        }
    }
}

/// Finds the requests of a fence in their order.
#[must_use]
pub fn find(fence: &Fence) -> Vec<Found> {
    if PROGRAMS.contains(&fence.language.as_str()) {
        return Vec::new();
    }
    let text = fence.content.as_str();
    if !text.contains("curl") {
        return written(text);
    }
    let mut found: Vec<Found> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
        let Some(start) = curl_in_line(&text[at..line_end]) else {
            at = line_end;
            continue;
        };
        let command = shell::command(text, at + start);
        at = command.end.max(at + start + 1);
        let addressed = command
            .words
            .iter()
            .skip(1)
            .any(|word| word.text.contains(['/', ':', '{', '<', '$']) || word.text.contains("localhost"));
        if !addressed {
            continue;
        }
        let (output, next) = output(text, at);
        at = next;
        found.push(Found { span: command.span.clone(), reading: read(&command), output });
    }
    found
}

/// Where a command begins in a line: at its start or after a prompt.
fn curl_in_line(line: &str) -> Option<usize> {
    let at = line.find("curl")?;
    let after = &line[at + 4..];
    let after = after.strip_prefix(".exe").unwrap_or(after);
    if !(after.starts_with([' ', '\t', '\\', '^'])) {
        return None;
    }
    let before = line[..at].trim_end();
    let spaced = before.len() < at;
    let prompt = before.ends_with(['$', '%', '>']) && !before.contains(['"', '\'', '`', '{', '<']);
    let helper = matches!(before.trim_start(), "sudo" | "time" | "winpty");
    (before.trim().is_empty() || (spaced && (prompt || helper))).then_some(at)
}

fn is_prompt(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("$ ") || line.starts_with("% ") || curl_in_line(line).is_some()
}

/// What a command printed, as far as the fence shows it, and where to go on.
fn output(text: &str, start: usize) -> (Option<Range<usize>>, usize) {
    if !expect::looks_like_response(&text[start..]) {
        return (None, start);
    }
    let mut end = start;
    for line in text[start..].split_inclusive('\n') {
        if is_prompt(line) {
            break;
        }
        end += line.len();
    }
    // A comment before the next command belongs to that command.
    let shown = text[start..end].trim_end();
    let shown = match shown.rfind("\n#") {
        Some(at) if end < text.len() => &shown[..at],
        _ => shown,
    };
    (Some(start..start + shown.len()), end)
}

fn read(command: &shell::Command) -> Reading {
    let parsed = curl::parse(command);
    let mut mistakes = command.mistakes.clone();
    let request = match parsed {
        Ok(request) => Some(request),
        Err(Refusal::Mistake(mistake)) => {
            mistakes.push(mistake);
            None
        }
        Err(Refusal::Unsupported(reason)) if mistakes.is_empty() => {
            return Reading::Skip(reason, None);
        }
        Err(Refusal::Unsupported(_)) => None,
    };
    // A template is no example, so its mistakes are not worth a finding.
    if let Some(request) = &request
        && let Some(hole) = hole(request)
    {
        return Reading::Skip(template(&hole), Some(request.clone()));
    }
    match request {
        Some(request) if mistakes.is_empty() => match &command.pipe {
            Some(filter) if !keeps_json(filter) => {
                let reason = format!("its output goes through `{filter}`, which is not run here");
                Reading::Skip(reason, Some(request))
            }
            _ => Reading::Request(request),
        },
        request => Reading::Mistakes(mistakes, request),
    }
}

/// Why a template is not sent.
#[must_use]
pub fn template(hole: &str) -> String {
    format!("a syntax template: `{hole}` stands for a value")
}

/// Filters that print the JSON they read.
fn keeps_json(filter: &str) -> bool {
    let first = filter.split(['|', '>']).next().unwrap_or_default().trim();
    let words: Vec<_> = first.split_whitespace().collect();
    matches!(
        words.as_slice(),
        ["jq"]
            | ["jq", "." | "'.'" | "\".\""]
            | ["json_pp"]
            | ["python" | "python3", "-m", "json.tool"]
            | ["cat" | "more" | "less"]
    )
}

fn written(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
        let indent = text[at..line_end].len() - text[at..line_end].trim_start().len();
        match http_text::parse(text, at + indent) {
            Some((request, span)) => {
                at = span.end;
                let (output, next) = output(text, at);
                at = next.max(at);
                let versioned = text[span.clone()].lines().next().unwrap_or_default().contains(" HTTP/");
                let reading = match hole(&request) {
                    Some(hole) => Reading::Skip(template(&hole), Some(request)),
                    None if request.body.is_none()
                        && !versioned
                        && matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") =>
                    {
                        Reading::Skip("names an endpoint: a verb and a path without a body".to_owned(), Some(request))
                    }
                    None => Reading::Request(request),
                };
                let kept = text[span.clone()].trim_end().len();
                found.push(Found { span: span.start..span.start + kept, reading, output });
            }
            // Text before the first request says that this is something else.
            None if found.is_empty()
                && !text[at..line_end].trim().is_empty()
                && !text[at..line_end].trim_start().starts_with(['#', '/']) =>
            {
                return found;
            }
            None => at = line_end,
        }
    }
    found
}

/// A hole in the body or in a header that matters.
fn hole(request: &Request) -> Option<String> {
    if let Some(body) = &request.body {
        if let Some(captures) = HOLE.as_ref().and_then(|hole| hole.captures(body)) {
            let found = captures.name("quoted").or_else(|| captures.name("bare"));
            return found.map(|found| found.as_str().to_owned());
        }
        let outside: String = body.split('"').step_by(2).collect();
        if outside.contains("...") || outside.contains('…') {
            return Some("...".to_owned());
        }
        if body.starts_with('<') && body.ends_with('>') && !body.contains('/') {
            return Some(body.clone());
        }
    }
    // A token is not looked at by a mock, so a hole there does no harm.
    let typed = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    typed.and_then(|(_, value)| super::url::hole(value))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::page::{Block, Page};
    use super::*;

    fn found(text: &str) -> Vec<Found> {
        let page = Page::parse(Path::new("p.md"), text.to_owned());
        page.blocks
            .iter()
            .filter_map(|block| match block {
                Block::Fence(fence) => Some(find(fence)),
                _ => None,
            })
            .flatten()
            .collect()
    }

    #[test]
    fn fences_and_their_requests() {
        let rows: [(&str, &[&str]); 12] = [
            ("```bash\ncurl localhost:3000/a\n```\n", &["GET localhost:3000/a"]),
            ("```\n$ curl localhost:3000/a\n```\n", &["GET localhost:3000/a"]),
            ("```console\nme@host:~$ curl localhost:3000/a\n```\n", &["GET localhost:3000/a"]),
            ("```sh\n# first\ncurl h/a\n\n# second\ncurl -X DELETE h/b\n```\n", &["GET h/a", "DELETE h/b"]),
            ("```json\ncurl h/a\n```\n", &["GET h/a"]),
            ("```python\ncurl h/a\n```\n", &[]),
            ("```text\ncurl is a tool\n```\n", &[]),
            ("```sh\ncurl --version\n```\n", &[]),
            ("```http\nGET /users/1 HTTP/1.1\nHost: x\n```\n", &["GET x/users/1"]),
            ("```\nGET /a\n\nDELETE /b\n```\n", &["GET /a", "DELETE /b"]),
            ("```json\n{\"a\": \"curl x/y\"}\n```\n", &[]),
            ("> ```sh\n> curl h/a \\\n>   -X PUT\n> ```\n", &["PUT h/a"]),
        ];
        for (text, expected) in rows {
            let seen: Vec<_> = found(text)
                .iter()
                .map(|found| {
                    let request = found.reading.request().unwrap_or_else(|| panic!("{text}: {found:?}"));
                    format!("{} {}", request.method, request.url)
                })
                .collect();
            assert_eq!(seen, expected, "{text}");
        }
    }

    #[test]
    fn what_a_fence_prints_is_the_response() {
        let text = "```console\n$ curl h/a\n{\"id\": 1}\n$ curl h/b\n[]\n```\n";
        let outputs: Vec<_> = found(text).into_iter().map(|found| found.output.is_some()).collect();
        assert_eq!(outputs, [true, true]);
    }

    #[test]
    fn templates_are_skipped() {
        let rows = [
            "curl h/a -d '{\"name\": \"{name}\"}'",
            "curl h/a -d '{\"n\": {number}}'",
            "curl h/a -d '{\"n\": \"<firstName>\"}'",
            "curl h/a -d '{\"n\": 1, ...}'",
            "curl h/a -d '{\"{property}\": \"{value}\"}'",
        ];
        for command in rows {
            let found = found(&format!("```sh\n{command}\n```\n"));
            assert!(matches!(found[0].reading, Reading::Skip(..)), "{command}: {found:?}");
        }
        let sent = found("```sh\ncurl h/a -d '{\"html\": \"<b>x</b>\", \"t\": \"a {b} c\"}'\n```\n");
        assert!(matches!(sent[0].reading, Reading::Request(_)));
    }

    #[test]
    fn pipes_that_change_the_output_are_not_run() {
        let rows = [("jq .", true), ("jq '.name'", false), ("python3 -m json.tool", true), ("grep x", false)];
        for (filter, sent) in rows {
            let found = found(&format!("```sh\ncurl h/a | {filter}\n```\n"));
            assert_eq!(matches!(found[0].reading, Reading::Request(_)), sent, "{filter}");
        }
    }
}
