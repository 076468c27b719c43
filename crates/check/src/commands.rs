//! Finds the curl commands in a code block, also misspelt ones.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::comments;
use super::curl;
use super::found::{FoundRequest, Problem, placeholder};
use super::http_message;
use super::printed::Printed;
use super::shell;
use super::shown::{self, command_in_line};
use super::text::{is_one_of, line_end};
use super::url;

/// What a synopsis calls the options: `[OPTIONS]`, `[-H HEADER]`, `...`.
static SYNOPSIS: LazyLock<Regex> = regex!(r"^(?:\[-{0,2}[A-Za-z][\w .-]*\]?|\.{3}|…|<options?>)$");

static SPACED: LazyLock<Regex> = regex!(r"\{\{ +[\w.-]+ +\}\}");

/// A command inside another one, which cannot be run.
pub fn inside(text: &str, span: Range<usize>, place: &str) -> Option<FoundRequest> {
    let line = &text[span.clone()];
    let local = url::names_this_machine(line) || (line.contains("$(curl ") && line.contains('/'));
    let reason = format!("a command that {place}, which is not run");
    (line.contains("curl ") && local && !line.trim_start().starts_with('#')).then(|| FoundRequest {
        span: span.start..span.start + line.trim_end().len(),
        problem: Some(Problem::Skip(reason)),
        ..FoundRequest::default()
    })
}

/// The options of a curl command without the word `curl`.
pub fn without_command(text: &str) -> Option<FoundRequest> {
    let line = text.trim_start().trim_start_matches("$ ");
    let word = line.split_whitespace().next().unwrap_or_default();
    let has_url = url::names_this_machine(line) || line.contains("://");
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
    let word = line.split_whitespace().next().unwrap_or_default();
    let start = text.len() - line.len();
    let place = start..start + word.len();
    if let Some(meant) = other_client(line, word) {
        let command = shell::command(text, start);
        return Some((
            not_a_command(FoundRequest::default(), place, word, meant),
            command.end,
        ));
    }
    // `curl-X DELETE ...`
    let is_glued = word.starts_with("curl-") && word.len() == "curl-X".len();
    // "Call http://localhost:3000/users" is two letters away.
    let is_near = word.chars().all(char::is_alphabetic)
        && strsim::osa_distance(&word.to_lowercase(), "curl") == 1;
    if !is_glued && !is_near {
        return None;
    }
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
    Some((not_a_command(found, place, word, "curl"), end))
}

/// A message whose first line is misspelt.
pub fn misspelt_message(text: &str) -> Option<FoundRequest> {
    let line = text[..line_end(text, 0)].trim_end();
    let (message, fix) = http_message::misspelt_line(line)?;
    Some(FoundRequest::default().with_mistake(0..line.len(), message, Some(fix)))
}

/// The client other than curl that the first word of a command means: `htpp GET :3000/users`, `wgte http://localhost/`.
fn other_client(line: &str, word: &str) -> Option<&'static str> {
    let mut others = line.split_whitespace().skip(1);
    let first = others.next()?;
    let is_here = |word: &str| url::this_machine(word).is_some();
    // PowerShell ignores the case.
    let is_cmdlet = |name: &&str| {
        strsim::osa_distance(&word.to_lowercase(), &name.to_lowercase()) <= 2
            && !word.eq_ignore_ascii_case(name)
            && word.chars().all(|c| c.is_alphabetic() || c == '-')
    };
    let cmdlet = ["Invoke-RestMethod", "Invoke-WebRequest"]
        .into_iter()
        .find(is_cmdlet);
    if cmdlet.is_some() {
        return cmdlet.filter(|_| line.split_whitespace().any(is_here));
    }
    let is_message = http_message::METHODS.contains(&first);
    let has_url = is_here(first) || is_message && others.next().is_some_and(is_here);
    let near = ["http", "wget"]
        .into_iter()
        .find(|client| word.len() == client.len() && strsim::osa_distance(word, client) == 1);
    near.filter(|_| has_url)
}

/// A request with the mistake that its program is misspelt.
fn not_a_command(
    found: FoundRequest,
    place: Range<usize>,
    word: &str,
    meant: &str,
) -> FoundRequest {
    let text = format!("`{word}` is not a command, did you mean `{meant}`?");
    found.with_mistake(place, &text, Some(meant.to_owned()))
}

pub fn commands(text: &str) -> Vec<FoundRequest> {
    let mut found = Vec::new();
    let is_above = comments::shows_output_above(text);
    // A comment after the command is its own.
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
                .split_once("curl ")
                .map_or("", |(before, _)| before.trim_end());
            let mut ends = ["$(", "`", ";", "&&", "||", "|", "do", "then", "if"].iter();
            if ends.any(|end| before.ends_with(end)) {
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
            let (below, next) = shown::output_of(text, request.span.end, &request.printed, at);
            let is_own = |shown: &Range<usize>| !is_comment_below(shown, &request);
            if is_above && !below.as_ref().is_some_and(is_own) {
                request.output = comments::comment_above(text, request.span.start);
            } else {
                request.output = below;
                at = next;
            }
            let is_loop = in_loop(&text[..name.start]) && text[request.span.clone()].contains('$');
            if is_loop && request.problem.is_none() {
                request.problem = Some(Problem::Skip("runs in a loop of the shell".to_owned()));
            }
            let below = text[at..].trim_start();
            if below.starts_with("curl: (7)") || below.starts_with("curl: (6)") {
                let reason = "the page shows curl's error for a server that is not running";
                request.problem = Some(Problem::Skip(reason.to_owned()));
            }
            found.push(match &text[name.clone()] {
                "curl" => request,
                other => not_a_command(request, name, other, "curl"),
            });
        }
    }
    found
}

/// Whether a text ends within a loop of a shell.
fn in_loop(before: &str) -> bool {
    static BEGIN: LazyLock<Regex> = regex!(r"(?m)^\s*(?:for|while|until)\b");
    static END: LazyLock<Regex> = regex!(r"(?m)(?:^|;)\s*done\b");
    BEGIN.find_iter(before).count() > END.find_iter(before).count()
}

/// A command with its response on the same line, `curl ... => {"id": 1}`, and where that begins.
fn with_arrow(text: &str, start: usize) -> Option<(shell::Command, usize)> {
    static ARROW: LazyLock<Regex> = regex!(r"\s(?:=>|->|→)\s*[{\[]");
    let line = &text[..line_end(text, start)];
    let arrow = ARROW.find_at(line, start)?;
    let command = shell::command(&text[..arrow.start()], start);
    // An arrow within quotes would leave them open, which is a mistake.
    let is_whole = command.mistakes.is_empty();
    is_whole.then_some((command, arrow.end() - 1))
}

/// The options of curl with which the response begins with its status line.
static HEADERS: LazyLock<Regex> = regex!(r"\s(?:-[a-zA-Z]*[iI][a-zA-Z]*|--include|--head)\s");

/// Whether a filter prints the first line: `head -1`.
fn is_first_line(filter: &shell::Filter) -> bool {
    let words: Vec<&str> = filter.words.iter().map(|word| &*word.text).collect();
    matches!(
        words.as_slice(),
        ["head", "-1" | "-n1"] | ["head", "-n", "1"]
    )
}

pub fn from_command(text: &str, command: shell::Command) -> FoundRequest {
    let text = text.get(command.span.clone()).unwrap_or_default();
    let parsed = curl::parse(&command);
    let written = parsed.request.as_ref();
    let placeholder = written.and_then(|written| placeholder(&written.request));
    let filters = match command.filters.split_last() {
        Some((last, before)) if is_first_line(last) && HEADERS.is_match(text) => before,
        _ => &command.filters,
    };
    let printed = Printed::through(filters).and_then(|printed| {
        let write_out = parsed.write_out.clone();
        match write_out.is_some() && printed.is_filtered() {
            true => Err("jq also reads the output of --write-out".to_owned()),
            false => Ok(printed.with_write_out(write_out)),
        }
    });
    let mut mistakes = command.mistakes;
    mistakes.extend(parsed.mistakes);
    let mut words = command.words.iter().map(|word| &*word.text);
    let synopsis = words.find(|word| SYNOPSIS.is_match(word));
    // Spaces in `{{ id }}` split the word.
    let spaced = SPACED.find(text).map(|found| found.as_str());
    let spaced = spaced.filter(|_| placeholder.is_none() && !mistakes.is_empty());
    let problem = if let Some(placeholder) = synopsis.or(spaced).or(command.substitution.as_deref())
    {
        let reason = format!("a template: `{placeholder}` is a placeholder");
        Some(Problem::Skip(reason))
    } else if placeholder.is_some() {
        // Mistakes in a template are not worth a finding.
        Some(Problem::Template)
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
        printed: printed.unwrap_or_default(),
        unquoted: command.unquoted,
        ..FoundRequest::default()
    }
}
