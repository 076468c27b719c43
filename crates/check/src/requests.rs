//! Finds the requests in a code block: curl commands and HTTP messages.

use std::ops::Range;

use super::blocks::Fence;
use super::claims;
use super::commands::{
    commands, from_command, inside, misspelt, misspelt_message, without_command,
};
use super::found::{FoundRequest, Problem, placeholder};
use super::http_message;
use super::labels::{self, Announces};
use super::lenient_json;
use super::powershell;
use super::printed::Printed;
use super::prompt;
use super::service::{Request, WrittenRequest};
use super::shell;
use super::shown::{self, command_in_line};
use super::status_text;
use super::text::{is_one_of, line_end};
use super::url;

/// Languages in which a line that begins with `curl` is not a command.
const OTHER_LANGUAGES: &str = "python py php ruby rb rust rs c cpp java kotlin go yaml yml toml xml html diff patch \
     dockerfile makefile sql css mermaid lua swift perl r";

/// Finds the requests of a code block in order. `other_clients` finds those of other programs than curl in a text of a
/// language.
pub fn find(
    fence: &Fence,
    other_clients: fn(&str, &str) -> Vec<FoundRequest>,
) -> Vec<FoundRequest> {
    let text = prompt::plain(&fence.content);
    let text = &*powershell::without_aliases(&text);
    if is_of_other_language(fence, text) {
        return other_clients(text, &fence.language);
    }
    if fence.is_mention {
        return mentioned(text, other_clients);
    }
    if fence.info.starts_with("curl ") && fence.info.contains(['/', ':']) {
        let found = from_command(&fence.info, shell::command(&fence.info, 0));
        let text = "the command is in the opening line of the code block, which readers do not see";
        return vec![found.with_mistake(0..0, text, None)];
    }
    let mut found = if text.to_ascii_lowercase().contains("curl") {
        commands(text)
    } else {
        messages(text, fence.is_unclosed)
    };
    for request in &mut found {
        // A page explains a body in comments; a file of requests is sent as it is.
        if fence.fenced
            && let Some(WrittenRequest { request, .. }) = &mut request.written
            && let Some(plain) = request.body.as_deref().and_then(without_comments)
        {
            request.body = Some(plain);
        }
        if is_one_of(&fence.language, shell::WINDOWS) {
            request.allow_braces();
        }
        if is_one_of(&fence.language, shell::CMD) {
            check_quotes_of_cmd(request, text);
        }
    }
    if !found.is_empty() && has_other_commands(text) {
        let mut others = other_clients(text, &fence.language);
        others.retain(|other| {
            let overlaps = |own: &FoundRequest| own.span.contains(&other.span.start);
            !found.iter().any(overlaps)
        });
        found.extend(others);
        found.sort_by_key(|found| found.span.start);
    }
    if found.is_empty() && is_one_of(&fence.language, "json jsonc json5 js javascript") {
        found.extend(in_first_comment(text));
    }
    if found.is_empty() && text.trim_start().starts_with("# curl ") {
        // The prompt of root.
        found = commands(&text.replace("# curl ", "$ curl "));
    }
    if found.is_empty() {
        let command = without_command(text).or_else(|| Some(misspelt(text)?.0));
        found.extend(command.or_else(|| misspelt_message(text)));
    }
    if found.is_empty() {
        found = other_clients(text, &fence.language);
    }
    if let Some(first) = found.first_mut().filter(|_| fence.is_unclosed) {
        let span = first.span.clone();
        *first = first.clone().with_mistake(span, UNCLOSED, None);
    }
    found
}

/// Whether a block is in a language in which a line that begins with `curl` is not a command.
fn is_of_other_language(fence: &Fence, text: &str) -> bool {
    // A page in a page has more than a request.
    let is_page = is_one_of(&fence.language, "md markdown");
    // No program begins like a message.
    let begins = http_message::begins_message(text.trim_start())
        || is_page && command_in_line(&text[..line_end(text, 0)]).is_some();
    // A cell of a notebook.
    let is_shell =
        |line: &str| line.starts_with("!curl ") || is_one_of(line.trim_end(), "%%bash %%sh");
    (is_page || is_one_of(&fence.language, OTHER_LANGUAGES))
        && (!begins || text.contains("```"))
        && !text.lines().map(str::trim_start).any(is_shell)
}

/// The requests in inline code, which is run only if it is one whole request.
fn mentioned(text: &str, other_clients: fn(&str, &str) -> Vec<FoundRequest>) -> Vec<FoundRequest> {
    let found = match text.contains("curl ") {
        true => commands(text),
        false if http_message::begins_message(text) => messages(text, false),
        false => other_clients(text, ""),
    };
    match found.as_slice() {
        [only] if only.problem.is_none() && !only.has_placeholder_in_path() => found,
        _ => Vec::from_iter(inside(text, 0..text.len(), "is only mentioned")),
    }
}

/// Reports single quotes around JSON, which are no quotes for cmd.exe.
fn check_quotes_of_cmd(request: &mut FoundRequest, text: &str) {
    let quoted = text[request.span.clone()].find(" '{");
    if let Some(at) = quoted.filter(|_| request.problem.is_none()) {
        let quote = request.span.start + at + 1;
        let text = "cmd.exe takes single quotes for a part of the text: put the JSON into double quotes, with `\\\"` in it";
        *request = request.clone().with_mistake_at(quote..quote + 1, text);
    }
}

/// Whether a block with commands of curl may have some of other clients, too.
fn has_other_commands(text: &str) -> bool {
    const PROGRAMS: [&str; 6] = ["http ", "https ", "xh ", "wget ", "irm ", "iwr "];
    let is_other = |line: &str| {
        let command = &line[prompt::typed(line)..];
        PROGRAMS.iter().any(|name| command.starts_with(name))
    };
    text.contains("Invoke-") || text.lines().any(is_other)
}

/// The request that the first line of JSON names in a comment: `// GET /users`. The JSON is its response, or its body.
fn in_first_comment(text: &str) -> Option<FoundRequest> {
    let line = &text[..line_end(text, 0)];
    let message = line.trim_start_matches(['/', ' ']);
    let is_comment = line.starts_with("//") && http_message::begins_message(message);
    let start = line.len() - message.len();
    let (mut written, mut span) = http_message::parse(text, start).filter(|_| is_comment)?;
    let has_body = is_one_of(&written.request.method, "POST PUT PATCH");
    if !has_body {
        written.request.body = None;
        span.end = line.len();
    }
    let output = match has_body {
        true => shown::output(text, span.end, &Printed::default()).0,
        false => Some(span.end..text.len()),
    };
    let output = output.filter(|output| !text[output.clone()].trim().is_empty());
    let problem = match placeholder(&written.request) {
        Some(_) => Some(Problem::Template),
        None => (has_body && written.request.body.is_none()).then_some(Problem::NoBody),
    };
    Some(FoundRequest {
        span,
        written: Some(written),
        problem,
        output,
        ..FoundRequest::default()
    })
}

/// What is wrong with a block whose closing mark is missing.
pub const UNCLOSED: &str = "the code block is not closed, so all that is below is shown as code";

/// The request of a block that contains only a URL.
pub fn bare_url(text: &str, method: &str) -> Option<FoundRequest> {
    let url = text.trim();
    let is_url = url.contains("://") || url.starts_with(['/', '{']) || url.starts_with("localhost");
    let path = url.split('?').next().unwrap_or_default();
    if !is_url || !path.contains('/') || path.contains(' ') || url.contains(['\n', '"']) {
        return None;
    }
    // Clients encode the spaces of a query.
    if url.contains(' ') && url::placeholder(url::path_of(url)).is_some() {
        return None;
    }
    let start = text.len() - text.trim_start().len();
    let span = start..start + url.len();
    let request = Request {
        method: method.to_owned(),
        target: url.replace(' ', "%20"),
        ..Request::default()
    };
    let needs_body = matches!(method, "POST" | "PUT" | "PATCH");
    // `?name=` is for the reader to complete.
    let problem = match url.rsplit(['?', '&']).next() {
        Some(name) if name.ends_with('=') => {
            Some(Problem::Skip(format!("a template: `{name}` has no value")))
        }
        _ => needs_body.then_some(Problem::NoBody),
    };
    Some(FoundRequest {
        problem,
        written: Some(WrittenRequest {
            request,
            url_span: span.clone(),
        }),
        span,
        ..FoundRequest::default()
    })
}

/// The messages in a text. Other text before the first one means that it is something else, unless `in_text`.
fn messages(text: &str, in_text: bool) -> Vec<FoundRequest> {
    let mut found: Vec<FoundRequest> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let line = &text[at..line_end(text, at)];
        let indent = line.len() - line.trim_start().len();
        if let Some((written, span)) = http_message::parse(text, at + indent)
            && !is_log(&text[span.clone()], &written.request)
        {
            let (output, next) = shown::output(text, span.end, &Printed::default());
            at = next.max(span.end);
            let request = message(text, written, span);
            found.push(FoundRequest { output, ..request });
        } else if found.is_empty()
            && !in_text
            && !line.trim().is_empty()
            && !line.trim_start().starts_with(['#', '/', '@'])
            && !is_label_of_request(line.trim())
        {
            // Other text before the first request: the block is something else.
            return found;
        } else {
            at += line.len();
        }
    }
    found
}

/// The request of a message in a range of a text, and why it cannot be sent.
fn message(text: &str, written: WrittenRequest, span: Range<usize>) -> FoundRequest {
    let message = text[span.clone()].trim_end();
    let first = message.lines().next().unwrap_or_default();
    let request = &written.request;
    let method = request.method.clone();
    let is_template = || placeholder(request).map(|_| Problem::Template);
    // With the type of JSON, the body is shown elsewhere.
    let media_type = request.header("content-type").unwrap_or_default();
    let is_complete = first.contains(" HTTP/") && !media_type.contains("json");
    let problem = body_file(request).map(Problem::BodyFile);
    let mut found = FoundRequest {
        span: span.start..span.start + message.len(),
        problem: problem.or_else(is_template),
        written: Some(written),
        ..FoundRequest::default()
    };
    if found.lacks_body() && !is_complete {
        found.problem = Some(Problem::NoBody);
    }
    if message.contains("{%") {
        found.claims = claims::in_script(text, found.span.clone());
    }
    if http_message::misspelt_method(first).is_some() {
        let word = first.split_whitespace().next().unwrap_or_default();
        let text = format!("`{word}` is not a method, did you mean `{method}`?");
        return found.with_mistake(span.start..span.start + word.len(), &text, Some(method));
    }
    found
}

/// JSON without the comments in it, if it is all there.
fn without_comments(body: &str) -> Option<String> {
    let has = |marks: &[&str]| marks.iter().any(|mark| body.contains(mark));
    let is_explained = has(&[" //", "/*"]) && !has(&["...", "…"]);
    let read = is_explained.then(|| lenient_json::parse(body).ok())??;
    Some(read.body?.to_value().to_string())
}

/// Whether a GET with a text directly below it is a line of a log. A request does not have such a body.
fn is_log(text: &str, request: &Request) -> bool {
    let mut lines = text.lines();
    let versioned = lines.next().is_some_and(|line| line.contains(" HTTP/"));
    let next = lines.next().unwrap_or_default().trim();
    let is_text = next.starts_with(char::is_alphabetic) && next.contains(' ');
    let body = request.body.as_deref().unwrap_or_default();
    // "Not found" is what comes back.
    let is_response = status_text::says_failure(next) || labels::words(next).len() < 3;
    request.method == "GET"
        && !versioned
        && is_text
        && !is_response
        && body.trim_start().starts_with(next)
}

/// Whether a line is only a label ("Request:"), or was copied with the block ("Copy code").
fn is_label_of_request(line: &str) -> bool {
    labels::leads(line) && labels::label(line) == Announces::Request || labels::is_leftover(line)
}

/// The file that the body of a message is read from, as editors write it: `< ./user.json`.
fn body_file(request: &Request) -> Option<String> {
    let last = request.body.as_deref()?.lines().last()?;
    let file = last.trim().strip_prefix('<')?.trim_start_matches('@');
    (file.starts_with(' ') && !file.contains('>')).then(|| file.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::page::{Block, Page};
    use super::*;

    fn found(text: &str) -> Vec<FoundRequest> {
        let page = Page::parse(Path::new("p.md"), text.to_owned());
        page.blocks
            .iter()
            .filter_map(|block| match block {
                Block::Fence(fence) => Some(find(fence, crate::clients::find)),
                _ => None,
            })
            .flatten()
            .collect()
    }

    #[test]
    fn fences_and_their_requests() {
        let rows: [(&str, &[&str]); 12] = [
            (
                "```bash\ncurl localhost:3000/a\n```\n",
                &["GET localhost:3000/a"],
            ),
            (
                "```\n$ curl localhost:3000/a\n```\n",
                &["GET localhost:3000/a"],
            ),
            (
                "```console\nme@host:~$ curl localhost:3000/a\n```\n",
                &["GET localhost:3000/a"],
            ),
            (
                "```sh\n# first\ncurl h/a\n\n# second\ncurl -X DELETE h/b\n```\n",
                &["GET h/a", "DELETE h/b"],
            ),
            ("```json\ncurl h/a\n```\n", &["GET h/a"]),
            ("```python\ncurl h/a\n```\n", &[]),
            ("```text\ncurl is a tool\n```\n", &[]),
            ("```sh\ncurl --version\n```\n", &[]),
            (
                "```http\nGET /users/1 HTTP/1.1\nHost: x\n```\n",
                &["GET x/users/1"],
            ),
            ("```\nGET /a\n\nDELETE /b\n```\n", &["GET /a", "DELETE /b"]),
            ("```json\n{\"a\": \"curl x/y\"}\n```\n", &[]),
            ("> ```sh\n> curl h/a \\\n>   -X PUT\n> ```\n", &["PUT h/a"]),
        ];
        for (text, expected) in rows {
            let seen: Vec<_> = found(text)
                .iter()
                .map(|found| {
                    let written = found
                        .written
                        .as_ref()
                        .unwrap_or_else(|| panic!("{text}: {found:?}"));
                    format!("{} {}", written.request.method, written.request.target)
                })
                .collect();
            assert_eq!(seen, expected, "{text}");
        }
    }

    #[test]
    fn what_a_fence_prints_is_the_response() {
        let text = "```console\n$ curl h/a\n{\"id\": 1}\n$ curl h/b\n[]\n```\n";
        let outputs: Vec<_> = found(text)
            .into_iter()
            .map(|found| found.output.is_some())
            .collect();
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
            assert!(
                matches!(found[0].problem, Some(Problem::Template)),
                "{command}: {found:?}"
            );
        }
        let sent =
            found("```sh\ncurl h/a -d '{\"html\": \"<b>x</b>\", \"t\": \"a {b} c\"}'\n```\n");
        assert!(sent[0].problem.is_none());
    }

    #[test]
    fn commands_in_other_commands_are_listed() {
        let rows = [
            ("ID=$(curl -s localhost:3000/a | jq .id)", 1),
            ("for i in 1 2; do curl localhost:3000/a/$i; done", 1),
            ("{\"try\": \"curl http://localhost:3000/a\"}", 0),
            ("Reset    curl -X POST http://localhost:3000/a", 0),
        ];
        for (text, count) in rows {
            let found = found(&format!("```\n{text}\n```\n"));
            assert_eq!(found.len(), count, "{text}: {found:?}");
            assert!(
                found
                    .iter()
                    .all(|found| matches!(found.problem, Some(Problem::Skip(_)))),
                "{text}"
            );
        }
    }

    #[test]
    fn here_documents_and_pipes_are_bodies() {
        let rows = [
            "curl localhost:3000/a -d @- <<EOF\n{\"b\": 1}\nEOF\n",
            "cat <<'EOF' | curl localhost:3000/a --json @-\n{\"b\": 1}\nEOF\n",
            "echo '{\"b\": 1}' | curl localhost:3000/a -d @-\n",
        ];
        for text in rows {
            let found = found(&format!("```sh\n{text}```\n"));
            assert!(found[0].problem.is_none(), "{text}: {found:?}");
            assert_eq!(
                found[0].json_body(),
                Some(serde_json::json!({"b": 1})),
                "{text}"
            );
        }
    }

    #[test]
    fn pipes_that_change_the_output_are_run_or_skipped() {
        let rows = [
            ("jq .", true),
            ("jq -c .", true),
            ("jq . | tee a.json", true),
            ("jq . > a.json", true),
            ("jq . | head -3", false),
            ("jq --sort-keys", true),
            ("jq '.name'", true),
            ("jq '.[] | select(.id == 1)' | jq -r .name", true),
            ("\\\n  jq '\n.name\n'", true),
            ("jq -r .name | wc -l", false),
            ("jq -r .name | jq .", false),
            ("jq 'repeat(.)'", false),
            ("jq '.['", false),
            ("python3 -m json.tool", true),
            ("grep x", false),
            ("jq . || exit 1", true),
        ];
        for (filter, sent) in rows {
            let found = found(&format!("```sh\ncurl h/a | {filter}\n```\n"));
            assert_eq!(found[0].problem.is_none(), sent, "{filter}: {found:?}");
        }
    }
}
