//! A request that a page shows, and why it cannot be sent as it is.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::blocks::Fence;
use super::claims::Claim;
use super::http_message;
use super::parts::Print;
use super::printed::{self, Printed};
use super::service::{Request, WrittenRequest};
use super::shell::{self, Mistake};
use super::text::nearest;
use super::transcript;
use super::url;
use super::variables::substitute;

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
    /// What a program says about parts of the response.
    pub claims: Vec<Claim>,
    /// All that a program prints from its call on, if that is known.
    pub prints: Vec<Print>,
    /// A `?` in the URL that some shells take for a pattern.
    pub unquoted: Option<Range<usize>>,
}

impl FoundRequest {
    /// The same request with one mistake, which makes others unimportant.
    pub fn with_mistake(self, span: Range<usize>, text: &str, fix: Option<String>) -> FoundRequest {
        let mistake = Mistake::new(span.clone(), text, fix);
        FoundRequest {
            span,
            problem: Some(Problem::Mistakes(vec![mistake])),
            ..self
        }
    }

    /// The same request with a mistake in a part of it.
    pub fn with_mistake_at(self, part: Range<usize>, text: &str) -> FoundRequest {
        let span = self.span.clone();
        FoundRequest {
            span,
            ..self.with_mistake(part, text, None)
        }
    }

    /// The same request further down in the content.
    pub fn moved(mut self, by: usize) -> FoundRequest {
        let moved = |span: &Range<usize>| span.start + by..span.end + by;
        self.span = moved(&self.span);
        if let Some(written) = &mut self.written {
            written.url_span = moved(&written.url_span);
        }
        for claim in &mut self.claims {
            claim.range = moved(&claim.range);
        }
        if let Some(Problem::Mistakes(mistakes)) = &mut self.problem {
            for mistake in mistakes {
                mistake.span = moved(&mistake.span);
            }
        }
        self
    }

    /// Accepts JSON without quotes around it, as shells that do not split it at commas.
    pub fn allow_braces(&mut self) {
        if let Some(Problem::Mistakes(mistakes)) = &mut self.problem {
            mistakes.retain(|mistake| mistake.text != shell::SPLIT_BRACES);
            self.problem
                .take_if(|problem| matches!(problem, Problem::Mistakes(left) if left.is_empty()));
        }
    }

    /// Whether a block could be what it prints.
    pub fn may_print(&self, fence: &Fence) -> bool {
        transcript::shows_response(fence)
            || self.printed.fits(fence)
            || printed::may_be_lines(&self.prints, fence)
    }

    /// Gives a request without a body one that the page shows elsewhere.
    pub fn add_body(&mut self, body: &str) {
        let Some(written) = &mut self.written else {
            return;
        };
        written.request.body = Some(body.trim().to_owned());
        let request = &mut written.request;
        request.default_header("Content-Type", "application/json");
        self.problem = None;
    }

    /// Whether this is a method and a path, or a URL, and not a command.
    pub fn is_message(&self, fence: &Fence) -> bool {
        let text = fence.content.get(self.span.clone()).unwrap_or_default();
        http_message::begins_message(text) || self.target() == text
    }

    /// Whether this is only a method and a path, as in an overview of the endpoints.
    pub fn is_endpoint(&self, fence: &Fence) -> bool {
        let line = fence.content.get(self.span.clone()).unwrap_or_default();
        self.is_message(fence)
            && !line.contains(['\n', '"'])
            && !line.contains(" HTTP/")
            && self.output.is_none()
            && self.body().is_none()
            && fence.expected.is_empty()
    }

    /// The URL or path as it is written; empty if the command could not be parsed.
    pub fn target(&self) -> &str {
        self.written
            .as_ref()
            .map_or("", |written| &written.request.target)
    }

    /// Whether the path is that of any record: `/users/:id`.
    pub fn has_placeholder_in_path(&self) -> bool {
        url::placeholder(url::path_of(self.target())).is_some()
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
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let is_base = |name: &&String| {
            let rest = target.strip_prefix(name.as_str());
            rest.is_some_and(|rest| !rest.starts_with(is_word))
        };
        if written.request.target.starts_with('$')
            && let Some(name) = variables.iter().find(is_base)
        {
            let reason = format!("`${name}` is set by a command, which is not run");
            self.problem = Some(Problem::Skip(reason));
        }
    }

    /// Whether this is the request above it, written for another client.
    pub fn repeats(&self, other: &FoundRequest) -> bool {
        let is_same_path = || url::path_of(self.target()) == url::path_of(other.target());
        let is_same_body = || match (self.json_body(), other.json_body()) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        let is_skipped = matches!(self.problem, Some(Problem::Skip(_)));
        self.has_path_of(other) && (is_skipped || is_same_path() && is_same_body())
    }

    /// Whether its method and path are those of another request; a call in a program may add the query elsewhere.
    pub fn has_path_of(&self, other: &FoundRequest) -> bool {
        let (Some(own), Some(other)) = (&self.written, &other.written) else {
            return false;
        };
        let path = |written: &WrittenRequest| {
            let path = url::path_of(&written.request.target);
            path.split('?').next().map(str::to_owned)
        };
        (own.request.method.is_empty() || own.request.method == other.request.method)
            && path(own) == path(other)
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
        self.problem.is_none() && self.lacks_own_body()
    }

    /// Whether it has no body, and requests of its method usually have one.
    pub fn lacks_own_body(&self) -> bool {
        self.writes() && self.body().is_none()
    }

    /// Whether a request of its method usually has a body.
    pub fn writes(&self) -> bool {
        let written = self.written.as_ref();
        written.is_some_and(|written| matches!(&*written.request.method, "POST" | "PUT" | "PATCH"))
    }

    fn body(&self) -> Option<&str> {
        self.written.as_ref()?.request.body.as_deref()
    }

    /// The body, if it is JSON.
    pub fn json_body(&self) -> Option<serde_json::Value> {
        serde_json::from_str(self.body()?).ok()
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

static PLACEHOLDER: LazyLock<Regex> = regex!(
    r#"(?x)
        "(?P<quoted> \{\{?[A-Za-z][^{}"]*\}\}? | <[A-Za-z][\w\ .-]*> | \$\{?[A-Za-z_]\w*\}? | \$\([^"]*\) )"
      | [:\[,]\s* (?P<bare> [A-Z]+(?:_[A-Z0-9]+)+\b | \{\{?[A-Za-z][\w\ .-]*\}\}? | <[A-Za-z][\w\ .-]*> | \$[A-Za-z_]\w* | \$\([^)]*\) )
      "#
);

/// A placeholder in the body or in the content type.
pub fn placeholder(request: &Request) -> Option<String> {
    if let Some(body) = &request.body {
        if let Some(captures) = PLACEHOLDER.captures(body) {
            let found = captures.name("quoted").or(captures.name("bare"));
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
    url::placeholder(request.header("content-type")?)
}
