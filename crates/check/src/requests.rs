//! Finds the requests in a code block: curl commands and HTTP messages.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::blocks::Fence;
use super::comments;
use super::curl;
use super::http_message;
use super::printed::Printed;
use super::service::{Request, WrittenRequest};
use super::shell::{self, Mistake};
use super::shown;
use super::shown::command_in_line;
use super::text::{is_one_of, line_end, nearest, pattern};
use super::transcript;
use super::url;

/// A request found in a code block.
#[derive(Debug, Clone, Default)]
pub struct FoundRequest {
    /// Range in the block's content.
    pub span: Range<usize>,
    /// The request, as far as it could be parsed.
    pub written: Option<WrittenRequest>,
    /// Why it cannot be sent as it is.
    pub problem: Option<Problem>,
    /// The range of the output that the block shows below the command.
    pub output: Option<Range<usize>>,
    /// What the command prints of the response.
    pub printed: Printed,
    /// A `?` in the URL that some shells take for a pattern.
    pub unquoted: Option<Range<usize>>,
}

impl FoundRequest {
    /// The same request with one mistake, which makes others unimportant.
    fn with_mistake(self, span: Range<usize>, text: &str, fix: Option<String>) -> FoundRequest {
        let mistake = Mistake {
            span: span.clone(),
            text: text.to_owned(),
            fix,
        };
        FoundRequest {
            span,
            problem: Some(Problem::Mistakes(vec![mistake])),
            ..self
        }
    }

    /// The same request further down in the content.
    pub fn moved(mut self, by: usize) -> FoundRequest {
        let moved = |span: &Range<usize>| span.start + by..span.end + by;
        self.span = moved(&self.span);
        if let Some(written) = &mut self.written {
            written.url_span = moved(&written.url_span);
        }
        if let Some(Problem::Mistakes(mistakes)) = &mut self.problem {
            for mistake in mistakes {
                mistake.span = moved(&mistake.span);
            }
        }
        self
    }

    /// Whether a block could be what it prints.
    pub fn may_print(&self, fence: &Fence) -> bool {
        transcript::shows_response(fence) || self.printed.fits(fence)
    }

    /// Gives a request without a body one that the page shows elsewhere.
    pub fn add_body(&mut self, body: &str) {
        let Some(written) = &mut self.written else {
            return;
        };
        written.request.body = Some(body.trim().to_owned());
        if written.request.header("content-type").is_none() {
            written
                .request
                .headers
                .push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        self.problem = None;
    }

    /// Whether this is only a method and a path, as in an overview of the endpoints.
    pub fn is_endpoint(&self, content: &str) -> bool {
        let line = content.get(self.span.clone()).unwrap_or_default();
        let has_body = |written: &WrittenRequest| written.request.body.is_some();
        let is_url = |written: &WrittenRequest| written.request.target == line;
        (http_message::begins_message(line) || self.written.as_ref().is_some_and(is_url))
            && !line.contains(['\n', '"'])
            && !line.contains(" HTTP/")
            && self.output.is_none()
            && !self.written.as_ref().is_some_and(has_body)
    }

    /// Whether the path is that of any record: `/users/:id`.
    pub fn has_placeholder_in_path(&self) -> bool {
        let target = self.written.as_ref().map(|own| &*own.request.target);
        target.is_some_and(|target| url::placeholder(url::path_of(target)).is_some())
    }

    /// Why a part of a program is not run, if this is one.
    pub fn program(&self) -> Option<&str> {
        match &self.problem {
            Some(Problem::Program(reason)) => Some(reason),
            _ => None,
        }
    }

    /// Puts values in place of variables.
    pub fn set(&mut self, values: &[(String, String)]) {
        let Some(written) = self.written.as_mut().filter(|_| !values.is_empty()) else {
            return;
        };
        substitute(&mut written.request, values);
        if matches!(self.problem, Some(Problem::Template))
            && placeholder(&written.request).is_none()
        {
            self.problem = None;
        }
    }

    /// Adds a query that the page shows apart from the URL.
    pub fn add_query(&mut self, query: Option<&str>) {
        if let (Some(query), Some(written)) = (query, &mut self.written)
            && !written.request.target.contains('?')
        {
            written.request.target.push_str(&format!("?{query}"));
        }
    }

    /// Reports a `{{name}}` that no line sets, if one sets almost that.
    pub fn check_variable(&mut self, values: &[(String, String)]) {
        let Some(written) = &self.written else {
            return;
        };
        let name = written.request.target.strip_prefix("{{");
        let name = name.and_then(|rest| Some(rest.split_once("}}")?.0.trim().to_owned()));
        let near = name.as_ref().and_then(|name| {
            let known = values.iter().map(|(known, _)| known.as_str());
            nearest(name, known)
        });
        if let (Some(name), Some(near)) = (&name, near) {
            let text = format!("no line sets `{name}`, did you mean `{near}`?");
            let span = written.url_span.clone();
            *self = self.clone().with_mistake(span, &text, None);
        }
    }

    /// Skips a request whose URL begins with a variable that a command sets.
    pub fn skip_if_unknown(&mut self, variables: &[String]) {
        let Some(written) = &self.written else {
            return;
        };
        let target = written.request.target.trim_start_matches(['$', '{']);
        let is_base = |name: &&String| {
            written.request.target.starts_with('$')
                && target.strip_prefix(name.as_str()).is_some_and(|rest| {
                    !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                })
        };
        if let Some(name) = variables.iter().find(is_base) {
            let reason = format!("`${name}` is set by a command, which is not run");
            self.problem = Some(Problem::Skip(reason));
        }
    }

    /// Whether this is the request above it, written for another client.
    pub fn repeats(&self, other: &FoundRequest) -> bool {
        let path = |found: &FoundRequest| {
            let written = found.written.as_ref()?;
            Some(super::url::path_of(&written.request.target).to_owned())
        };
        let is_same_body = match (self.json_body(), other.json_body()) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        let is_skipped = matches!(self.problem, Some(Problem::Skip(_)));
        self.has_path_of(other) && (is_skipped || path(self) == path(other) && is_same_body)
    }

    /// Whether its method and path are those of another request; a call in a program may add the query elsewhere.
    pub fn has_path_of(&self, other: &FoundRequest) -> bool {
        let (Some(own), Some(other)) = (&self.written, &other.written) else {
            return false;
        };
        let path = |target: &str| {
            super::url::path_of(target)
                .split('?')
                .next()
                .map(str::to_owned)
        };
        (own.request.method.is_empty() || own.request.method == other.request.method)
            && path(&own.request.target) == path(&other.request.target)
    }

    /// Whether another request is this template with values in place of its placeholders.
    pub fn is_form_of(&self, other: &FoundRequest) -> bool {
        let (Some(form), Some(other)) = (&self.written, &other.written) else {
            return false;
        };
        form.request.method == other.request.method
            && url::is_form_of(&form.request.target, &other.request.target)
    }

    /// Whether it is a command without the body that its method usually has.
    pub fn lacks_body(&self) -> bool {
        let has_body = |written: &WrittenRequest| written.request.body.is_some();
        self.problem.is_none() && self.writes() && !self.written.as_ref().is_some_and(has_body)
    }

    /// Whether a request of its method usually has a body.
    pub fn writes(&self) -> bool {
        let method = self
            .written
            .as_ref()
            .map(|written| &*written.request.method);
        matches!(method, Some("POST" | "PUT" | "PATCH"))
    }

    /// The body, if it is JSON.
    pub fn json_body(&self) -> Option<serde_json::Value> {
        serde_json::from_str(self.written.as_ref()?.request.body.as_deref()?).ok()
    }
}

/// Why a request is not sent.
#[derive(Debug, Clone)]
pub enum Problem {
    /// The command is wrong.
    Mistakes(Vec<Mistake>),
    /// A template: there are placeholders in it.
    Template,
    /// A method and a URL whose body is missing.
    NoBody,
    /// The body is read from this file.
    BodyFile(String),
    /// The command is valid, but not an example that can be run.
    Skip(String),
    /// A part of a program. If the page shows no response to it and the server refuses it, it is skipped for this reason.
    Program(String),
}

/// Languages in which a line that begins with `curl` is not a command.
const OTHER_LANGUAGES: &str = "python py php ruby rb rust rs c cpp java kotlin go yaml yml toml xml html diff patch \
     dockerfile makefile sql css mermaid lua swift perl r";

static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?x)
        "(?P<quoted> \{\{?[A-Za-z][^{}"]*\}\}? | <[A-Za-z][\w\ .-]*> | \$\{?[A-Za-z_]\w*\}? | \$\([^"]*\) )"
      | [:\[,]\s* (?P<bare> \{\{?[A-Za-z][\w\ .-]*\}\}? | <[A-Za-z][\w\ .-]*> | \$[A-Za-z_]\w* | \$\([^)]*\) )
      "#,
    )
});

/// What a synopsis calls the options: `[OPTIONS]`, `[-H HEADER]`, `...`.
static SYNOPSIS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:\[-{0,2}[A-Za-z][\w .-]*\]?|\.{3}|…|<options?>)$"));

static SPACED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\{\{ +[\w.-]+ +\}\}"));

static VARIABLE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?m)^\s*(?:\$ )?(?:@(\w+)\s*=\s*|(?:export )?([A-Z_][A-Z0-9_]*)=)(\S+)\s*$")
});

/// Finds the requests of a code block in order. `other_clients` finds those of other programs than curl in a text of a
/// language.
pub fn find(
    fence: &Fence,
    other_clients: fn(&str, &str) -> Vec<FoundRequest>,
) -> Vec<FoundRequest> {
    let text = fence.content.as_str();
    // A cell of a notebook.
    let mut lines = text.lines().map(str::trim_start);
    let is_shell =
        lines.any(|line| line.starts_with("!curl ") || is_one_of(line.trim_end(), "%%bash %%sh"));
    // No program begins like a message. A page in a page has more than a request.
    let is_page = is_one_of(&fence.language, "md markdown");
    let begins = http_message::begins_message(text.trim_start())
        || is_page && command_in_line(&text[..line_end(text, 0)]).is_some();
    let is_other = is_page || is_one_of(&fence.language, OTHER_LANGUAGES);
    if is_other && !is_shell && (!begins || text.contains("```")) {
        return other_clients(text, &fence.language);
    }
    if fence.is_mention {
        let mut found = match text.contains("curl ") {
            true => commands(text),
            false if http_message::begins_message(text) => messages(text),
            false => other_clients(text, ""),
        };
        // Whether the reader is to carry a write out is not clear.
        let reads = |own: &FoundRequest| {
            let written = own.written.as_ref();
            written.is_some_and(|written| !written.request.writes())
        };
        let is_run =
            |own: &FoundRequest| own.problem.is_none() && (own.is_endpoint(text) || reads(own));
        let is_whole = matches!(found.as_slice(), [only] if is_run(only));
        if !is_whole {
            let part = inside(text, 0..text.len(), "stands in a sentence");
            found = part.into_iter().collect();
        }
        return found;
    }
    if fence.info.starts_with("curl ") && fence.info.contains(['/', ':']) {
        let found = from_command(&fence.info, shell::command(&fence.info, 0));
        let text =
            "the command is in the opening line of the code block, which is not shown to readers";
        return vec![found.with_mistake(0..0, text, None)];
    }
    let mut found = if text.to_ascii_lowercase().contains("curl") {
        commands(text)
    } else {
        messages(text)
    };
    if !found.is_empty() && text.contains("Invoke-") {
        // A block for PowerShell has commands of both.
        let is_other = |other: &FoundRequest| {
            let overlaps = |own: &FoundRequest| own.span.contains(&other.span.start);
            !found.iter().any(overlaps)
        };
        let mut others = other_clients(text, &fence.language);
        others.retain(is_other);
        found.extend(others);
        found.sort_by_key(|found| found.span.start);
    }
    if found.is_empty() && is_one_of(&fence.language, "json jsonc json5 js javascript") {
        found.extend(in_first_comment(text));
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

/// The request that the first line of JSON names in a comment: `// GET /users`. The JSON is its response, or its body.
fn in_first_comment(text: &str) -> Option<FoundRequest> {
    let line = &text[..line_end(text, 0)];
    let message = line.trim_start_matches(['/', ' ']);
    let is_comment = line.starts_with("//") && http_message::begins_message(message);
    let start = line.len() - message.len();
    let (mut written, mut span) = http_message::parse(text, start).filter(|_| is_comment)?;
    if !is_one_of(&written.request.method, "POST PUT PATCH") {
        written.request.body = None;
        span.end = line.len();
    }
    let output = match written.request.writes() {
        true => shown::output(text, span.end, &Printed::default()).0,
        false => Some(span.end..text.len()),
    };
    let output = output.filter(|output| !text[output.clone()].trim().is_empty());
    let is_template = placeholder(&written.request).is_some();
    let problem = match is_template {
        true => Some(Problem::Template),
        false if written.request.writes() && written.request.body.is_none() => {
            Some(Problem::NoBody).filter(|_| written.request.method != "DELETE")
        }
        false => None,
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
pub const UNCLOSED: &str = "the code block is not closed, so what is below it is shown as code";

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

/// Replaces `{name}`, `{{name}}`, `$name` and `${name}` by values.
pub fn substitute(request: &mut Request, values: &[(String, String)]) {
    for (name, value) in values {
        let name = regex::escape(name);
        let placeholder = pattern(&format!(
            r"\{{\{{?\s*{name}\s*\}}?\}}|\$\{{{name}\}}|\${name}\b"
        ));
        let headers = request.headers.iter_mut().map(|(_, value)| value);
        for text in std::iter::once(&mut request.target)
            .chain(&mut request.body)
            .chain(headers)
        {
            *text = placeholder
                .replace_all(text, regex::NoExpand(value))
                .into_owned();
        }
    }
}

/// The variables that a block sets: `@name = value`, `NAME=value`, `export NAME=value`.
pub fn variables(fence: &Fence) -> impl Iterator<Item = (String, String)> {
    VARIABLE
        .captures_iter(&fence.content)
        .filter_map(|captures| {
            let name = captures.get(1).or_else(|| captures.get(2))?;
            let value = captures.get(3)?.as_str().trim_matches(['"', '\'']);
            // The output of a command is not known, and the base URL of another host stands for this server.
            let foreign = value.contains("://")
                && !value.contains("localhost")
                && !value.contains("127.0.0.1");
            (!foreign && !value.contains(['$', '`', '(']))
                .then(|| (name.as_str().to_owned(), value.to_owned()))
        })
}

/// The variables that a block sets to the output of a command: `HOST=$(minikube ip)`.
pub fn commanded_variables(fence: &Fence) -> impl Iterator<Item = String> {
    static COMMANDED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r#"(?m)^\s*(?:\$ )?(?:export )?([A-Za-z_]\w*)=["']?[^\s"']*?(?:\$\(|`)"#)
    });
    let found = COMMANDED.captures_iter(&fence.content);
    found.filter_map(|captures| Some(captures.get(1)?.as_str().to_owned()))
}

/// A command inside another one, which cannot be run.
fn inside(text: &str, span: Range<usize>, place: &str) -> Option<FoundRequest> {
    let line = &text[span.clone()];
    let local = line.contains("localhost")
        || line.contains("127.0.0.1")
        || (line.contains("$(curl ") && line.contains('/'));
    (line.contains("curl ") && local && !line.trim_start().starts_with('#')).then(|| FoundRequest {
        span: span.start..span.start + line.trim_end().len(),
        problem: Some(Problem::Skip(format!(
            "a command that {place}, which is not run"
        ))),
        ..FoundRequest::default()
    })
}

/// The options of a curl command without the word `curl`.
fn without_command(text: &str) -> Option<FoundRequest> {
    let line = text.trim_start().trim_start_matches("$ ");
    let word = line.split(' ').next().unwrap_or_default();
    let has_url = ["localhost", "127.0.0.1", "://"]
        .iter()
        .any(|part| line.contains(part));
    if !has_url || !is_one_of(word, "-X -H --request --header") {
        return None;
    }
    let start = text.len() - line.len();
    let whole = format!("curl {line}");
    let found = from_command(&whole, shell::command(&whole, 0));
    let fix = Some("curl".to_owned());
    Some(found.with_mistake(start..start + 2, "the word `curl` is missing", fix))
}

/// The command that a text begins with, if its program is a misspelling of curl, and where it ends.
pub fn misspelt(text: &str) -> Option<(FoundRequest, usize)> {
    let line = text.trim_start().trim_start_matches("$ ");
    let word = line.split(' ').next().unwrap_or_default();
    if let Some(meant) = other_client(line, word) {
        let start = text.len() - line.len();
        let command = shell::command(text, start);
        let (end, span) = (command.end, command.span);
        let found = FoundRequest {
            span,
            ..FoundRequest::default()
        };
        let message = not_a_command(word, meant);
        let found = found.with_mistake(start..start + word.len(), &message, Some(meant.into()));
        return Some((found, end));
    }
    // `curl-X DELETE ...`
    let is_glued = word
        .strip_prefix("curl-")
        .is_some_and(|option| option.len() == 1);
    // "Call http://localhost:3000/users" is two letters away.
    let is_near = word.chars().all(char::is_alphabetic)
        && strsim::osa_distance(&word.to_lowercase(), "curl") == 1;
    if !is_glued && !is_near {
        return None;
    }
    let start = text.len() - line.len();
    let command = shell::command(text, start);
    let is_here = |word: &shell::Word| url::this_machine(&word.text).is_some();
    // `url http://localhost:3000/users` may be a label.
    let is_command =
        word.starts_with('c') || command.words.iter().any(|word| word.text.starts_with('-'));
    if !is_command || !command.words.iter().any(is_here) {
        return None;
    }
    let end = command.end;
    let found = from_command(text, command);
    let fix = Some("curl".to_owned());
    let span = start..start + word.len();
    Some((
        found.with_mistake(span, &not_a_command(word, "curl"), fix),
        end,
    ))
}

/// A message whose first line is misspelt.
fn misspelt_message(text: &str) -> Option<FoundRequest> {
    let line = text[..line_end(text, 0)].trim_end();
    let (message, fix) = http_message::misspelt_line(line)?;
    let found = FoundRequest {
        span: 0..line.len(),
        ..FoundRequest::default()
    };
    Some(found.with_mistake(0..line.len(), message, Some(fix)))
}

/// The client other than curl that the first word of a command means: `htpp GET :3000/users`, `wgte http://localhost/`.
fn other_client(line: &str, word: &str) -> Option<&'static str> {
    let mut others = line.split_whitespace().skip(1);
    let first = others.next()?;
    let is_here = |word: &str| url::this_machine(word).is_some();
    let is_message = http_message::METHODS.contains(&first);
    let has_url = is_here(first) || is_message && others.next().is_some_and(is_here);
    let near = ["http", "wget"]
        .into_iter()
        .find(|client| word.len() == client.len() && strsim::osa_distance(word, client) == 1);
    near.filter(|_| has_url)
}

fn not_a_command(word: &str, meant: &str) -> String {
    format!("`{word}` is not a command, did you mean `{meant}`?")
}

fn commands(text: &str) -> Vec<FoundRequest> {
    let mut found = Vec::new();
    let is_above = comments::shows_output_above(text);
    // A comment behind the command is its own.
    let is_comment_below = |shown: &Range<usize>, found: &FoundRequest| {
        comments::comment_output(&text[shown.clone()]) > 0
            && text[found.span.end..shown.start].contains('\n')
    };
    let mut at = 0;
    while at < text.len() {
        let line_end = line_end(text, at);
        let Some(start) = command_in_line(&text[at..line_end]) else {
            let line = &text[at..line_end];
            if let Some((misspelt, length)) = misspelt(&text[at..]) {
                found.push(misspelt.moved(at));
                at = line_end.max(at + length);
                continue;
            }
            let before = line
                .find("curl ")
                .map_or("", |curl| line[..curl].trim_end());
            if ["$(", "`", ";", "&&", "||", "|", "do", "then", "if"]
                .iter()
                .any(|end| before.ends_with(end))
            {
                found.extend(inside(text, at..line_end, "is part of another"));
            }
            at = line_end;
            continue;
        };
        let (command, end) = with_arrow(text, at + start)
            .unwrap_or_else(|| (shell::command(text, at + start), at + start + 1));
        at = command.end.max(end);
        let has_url = command.words.iter().skip(1).any(|word| {
            word.text.contains(['/', ':', '{', '<', '$']) || word.text.contains("localhost")
        });
        if has_url {
            let name = command.span.start..command.span.start + 4;
            let mut request = from_command(text, command);
            let (output, next) =
                match shown::output_of(text, request.span.end, &request.printed, at) {
                    (below, _)
                        if is_above
                            && below
                                .as_ref()
                                .is_none_or(|shown| is_comment_below(shown, &request)) =>
                    {
                        (comments::comment_above(text, request.span.start), at)
                    }
                    below => below,
                };
            at = next;
            request.output = output;
            if text[at..].trim_start().starts_with("curl: (7)")
                || text[at..].trim_start().starts_with("curl: (6)")
            {
                let reason = "the page shows what happens while no server runs";
                request.problem = Some(Problem::Skip(reason.to_owned()));
            }
            found.push(match &text[name.clone()] {
                "curl" => request,
                other => request.with_mistake(
                    name.clone(),
                    &not_a_command(other, "curl"),
                    Some("curl".to_owned()),
                ),
            });
        }
    }
    found
}

/// A command with its response on the same line, `curl ... => {"id": 1}`, and where that begins.
fn with_arrow(text: &str, start: usize) -> Option<(shell::Command, usize)> {
    static ARROW: LazyLock<Regex> = LazyLock::new(|| pattern(r"\s(?:=>|->|→)\s*[{\[]"));
    let line = &text[..line_end(text, start)];
    let arrow = ARROW.find_at(line, start)?;
    let command = shell::command(&text[..arrow.start()], start);
    // An arrow within quotes would leave them open, which is a mistake.
    command
        .mistakes
        .is_empty()
        .then_some((command, arrow.end() - 1))
}

fn from_command(text: &str, command: shell::Command) -> FoundRequest {
    let text = text.get(command.span.clone()).unwrap_or_default();
    let parsed = curl::parse(&command);
    let placeholder = parsed
        .request
        .as_ref()
        .and_then(|written| placeholder(&written.request));
    let printed = Printed::through(&command.filters).and_then(|printed| {
        let write_out = parsed.write_out.clone();
        match write_out.is_some() && printed.is_filtered() {
            true => Err("its output with that of --write-out goes through jq".to_owned()),
            false => Ok(printed.with_write_out(write_out)),
        }
    });
    let mut mistakes = command.mistakes;
    mistakes.extend(parsed.mistakes);
    let synopsis = command
        .words
        .iter()
        .find(|word| SYNOPSIS.is_match(&word.text));
    // Spaces in `{{ id }}` split the word.
    let spaced = SPACED.find(text).map(|found| found.as_str());
    let problem = if let Some(word) = synopsis {
        let reason = format!("a template: `{}` is a placeholder", word.text);
        Some(Problem::Skip(reason))
    } else if placeholder.is_some() {
        // Mistakes in a template are not worth a finding.
        Some(Problem::Template)
    } else if let (false, Some(placeholder)) = (mistakes.is_empty(), spaced) {
        let reason = format!("a template: `{placeholder}` is a placeholder");
        Some(Problem::Skip(reason))
    } else if !mistakes.is_empty() {
        Some(Problem::Mistakes(mistakes))
    } else if let Some(reason) = parsed.unsupported {
        Some(Problem::Skip(reason))
    } else {
        let input = command.input;
        let file = |file| match file == "-" {
            true => input.unwrap_or(file),
            false => file,
        };
        let filter = printed.as_ref().err().cloned().map(Problem::Skip);
        filter.or_else(|| parsed.body_file.map(file).map(Problem::BodyFile))
    };
    FoundRequest {
        span: command.span,
        written: parsed.request,
        problem,
        output: None,
        printed: printed.unwrap_or_default(),
        unquoted: command.unquoted,
    }
}

fn messages(text: &str) -> Vec<FoundRequest> {
    let mut found: Vec<FoundRequest> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let line = &text[at..line_end(text, at)];
        let indent = line.len() - line.trim_start().len();
        if let Some((written, span)) = http_message::parse(text, at + indent) {
            let (output, next) = shown::output(text, span.end, &Printed::default());
            at = next.max(span.end);
            let request = &written.request;
            let versioned = text[span.clone()]
                .lines()
                .next()
                .unwrap_or_default()
                .contains(" HTTP/");
            let needs_body = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
            let problem = match placeholder(request) {
                Some(_) => Some(Problem::Template),
                None if request.body.is_none() && !versioned && needs_body => Some(Problem::NoBody),
                None => None,
            };
            let problem = body_file(request).map(Problem::BodyFile).or(problem);
            let kept = text[span.clone()].trim_end().len();
            let span = span.start..span.start + kept;
            let method = written.request.method.clone();
            let request = FoundRequest {
                span: span.clone(),
                written: Some(written),
                problem,
                output,
                ..FoundRequest::default()
            };
            found.push(match http_message::misspelt_method(line) {
                Some(_) => {
                    let word = line.split_whitespace().next().unwrap_or_default();
                    let text = format!("`{word}` is not a method, did you mean `{method}`?");
                    let span = span.start..span.start + word.len();
                    request.with_mistake(span, &text, Some(method))
                }
                None => request,
            });
        } else if found.is_empty()
            && !line.trim().is_empty()
            && !line.trim_start().starts_with(['#', '/', '@'])
        {
            // Other text before the first request: the block is something else.
            return found;
        } else {
            at += line.len();
        }
    }
    found
}

/// The file that the body of a message is read from, as editors write it: `< ./user.json`.
fn body_file(request: &Request) -> Option<String> {
    let last = request.body.as_deref()?.lines().last()?;
    let file = last.trim().strip_prefix('<')?.trim_start_matches('@');
    (file.starts_with(' ') && !file.contains('>')).then(|| file.trim().to_owned())
}

/// A placeholder in the body or in the content type.
pub fn placeholder(request: &Request) -> Option<String> {
    if let Some(body) = &request.body {
        if let Some(captures) = PLACEHOLDER.captures(body) {
            let found = captures.name("quoted").or_else(|| captures.name("bare"));
            return found.map(|found| found.as_str().to_owned());
        }
        let outside_strings: String = body.split('"').step_by(2).collect();
        if outside_strings.contains("...") || outside_strings.contains('…') {
            return Some("...".to_owned());
        }
        let is_tag = body.starts_with('<') && body.ends_with('>') && !body.contains('/');
        let is_variable = body.starts_with('$') && !body.contains(char::is_whitespace);
        if is_tag || is_variable {
            return Some(body.clone());
        }
    }
    // The server ignores other headers, so a placeholder such as a token does no harm there.
    request
        .header("content-type")
        .and_then(super::url::placeholder)
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
