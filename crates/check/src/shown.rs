//! Finds the output of a command that a block shows: below the command, or in comments.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::http_message;
use super::labels;
use super::printed::Printed;
use super::prompt;
use super::shell;
use super::text::{line_end, line_start};
use super::transcript;

/// The output of a command, whose last word is at an offset and which ends at another one, and where to continue: in a
/// comment after the command, or below it.
pub fn output_of(
    text: &str,
    last: usize,
    printed: &Printed,
    end: usize,
) -> (Option<Range<usize>>, usize) {
    if let Some(comment) = comment_after(text, last, printed) {
        return (Some(comment), end);
    }
    // `; echo` after the command prints a line end.
    let rest = &text[end..line_end(text, end)];
    let is_another = text[..end].ends_with([';', '&']) && !rest.contains("curl ");
    let below = if is_another { end + rest.len() } else { end };
    let (shown, next) = output(text, below, printed);
    // What another command prints, or what is not printed: `> users.json`, `&& echo 'Saved'`.
    let behind = text[last..line_end(text, last)].trim_start();
    let command = &text[line_start(text, last)..last];
    let is_saved = printed.is_whole()
        && [" -o ", " --output "]
            .iter()
            .any(|option| command.contains(option));
    let is_other = |shown: &Range<usize>| {
        let shown = text[shown.clone()].trim();
        let is_json = shown.starts_with(['{', '[']);
        let is_echo = !shown.is_empty() && behind.contains(shown);
        !is_json && (is_saved || behind.starts_with('>') || is_echo)
    };
    match shown.as_ref().is_some_and(is_other) {
        true => (None, next),
        false => (shown, next),
    }
}

/// The response in a comment at the end of a command's line: `curl ... # {"id": 1}`.
fn comment_after(text: &str, end: usize, printed: &Printed) -> Option<Range<usize>> {
    let line = &text[end..line_end(text, end)];
    let comment = line.trim();
    let start = end + line.len() - line.trim_start().len();
    if let Some(value) = shell::ARROWS
        .iter()
        .find_map(|arrow| comment.strip_prefix(arrow))
        && printed.is_filtered()
    {
        return Some(start + comment.len() - value.trim_start().len()..start + comment.len());
    }
    let is_output = comment.starts_with('#')
        && (comment.ends_with(['}', ']']) || printed.is_filtered())
        && (printed.comment_output(comment) == comment.len() || printed.is_text_in(comment));
    is_output.then(|| start..start + comment.len())
}

/// The output shown below a command that prints this, and where to continue.
pub fn output(text: &str, start: usize, printed: &Printed) -> (Option<Range<usize>>, usize) {
    let mut at = below_progress(text, start);
    // Labels may be above each other.
    for _ in 0..3 {
        let in_comments = printed.comment_output(&text[at..]);
        if in_comments > 0 {
            return (Some(at..at + in_comments), at + in_comments);
        }
        let first = text.len() - text[at..].trim_start().len();
        let label = text[first..line_end(text, first)].trim();
        if is_command(label) {
            break;
        }
        if let Some(shown) = http_message::labelled_response(label) {
            at = first + shown;
        } else if transcript::labelled_status(label).is_some() {
            // The label is the status line.
            at = first;
            break;
        } else if http_message::introduces_response(label) || is_copied_language(text, first, at) {
            at = line_end(text, first);
        } else {
            break;
        }
    }
    let (shown, end) = until_command(text, at);
    let prompted = text.lines().any(prompt::begins);
    match printed.looks_like_output(&text[shown.clone()], prompted) {
        true => (Some(shown), end),
        false => (None, start),
    }
}

/// Whether a line below a label is the language of a block that was copied as text: "json".
fn is_copied_language(text: &str, line: usize, start: usize) -> bool {
    let above = text[..start].trim_end().lines().last().unwrap_or_default();
    let below = text[line_end(text, line)..].trim_start();
    http_message::introduces_response(above.trim())
        && labels::is_leftover(&text[line..line_end(text, line)])
        && below.starts_with(['{', '['])
}

/// Where the output begins below the progress meter that curl prints if its output goes to another program.
fn below_progress(text: &str, start: usize) -> usize {
    let is_progress = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("% Total")
            || line.starts_with("Dload")
            || line.starts_with(|c: char| c.is_ascii_digit()) && line.contains("--:--:--")
    };
    let first = text.len() - text[start..].trim_start_matches(['\n', '\r']).len();
    let lines = text[first..].split_inclusive('\n');
    let length: usize = lines.take_while(is_progress).map(str::len).sum();
    if length > 0 { first + length } else { start }
}

/// Whether a line begins another command or request.
fn is_command(line: &str) -> bool {
    let is_client = ["http ", "wget ", "PS ", "Invoke-"];
    let line = line.trim_start();
    let is_client = is_client.iter().any(|client| line.starts_with(client));
    let is_message = http_message::begins_message(line) && !line.starts_with(['H', '#']);
    prompt::begins(line) || is_client || is_message || command_in_line(line).is_some()
}

/// The output up to the next command, and the offset of that command.
fn until_command(text: &str, start: usize) -> (Range<usize>, usize) {
    let lines = text[start..]
        .split_inclusive('\n')
        .take_while(|line| !is_command(line));
    let end = start + lines.map(str::len).sum::<usize>();
    // A comment before the next command belongs to that command.
    let shown = text[start..end].trim_end();
    let shown = match shown.rfind("\n#") {
        Some(at) if end < text.len() => &shown[..at],
        _ => shown,
    };
    (start..start + shown.len(), end)
}

/// Where a curl command begins in a line: at its start or after a prompt.
pub fn command_in_line(line: &str) -> Option<usize> {
    let at = line.to_ascii_lowercase().find("curl")?;
    let after = &line[at + 4..];
    let after = after.strip_prefix(".exe").unwrap_or(after);
    // Alone above its options, without the backslash.
    let is_alone = after.trim().is_empty() && line[..at].trim_matches(['$', ' ']).is_empty();
    if !after.starts_with([' ', '\t', '\\', '^']) && !is_alone {
        return None;
    }
    let before = line[..at].trim_end();
    let spaced = before.len() < at;
    // The prompt of root ends with `#`, like a comment, so it must contain `user@host`.
    let of_root = before.ends_with('#')
        && before
            .trim_start_matches('[')
            .split([':', ' '])
            .next()
            .is_some_and(|user| user.contains('@'));
    let ends_in_prompt = (before.ends_with(['$', '%', '>']) || of_root)
        && !before.contains(['"', '\'', '`', '{', '<']);
    static HELPER: LazyLock<Regex> = regex!(
        r"(?x)^\s*(?:[$%]\s+)?(?: sudo | time | winpty | watch(?:\s+-\S+(?:\s+\d+)?)*
            | docker(?:-compose|\s+compose)?\s+(?:exec|run)(?:\s+-\S+)*\s+[\w.-]+ | kubectl\s+exec\s[^|;&]*-- )$"
    );
    let helper = HELPER.is_match(before);
    let notebook = before.trim_start() == "!";
    let first = before.trim_start_matches(['$', '%', ' ', '\t']);
    let piped = before.ends_with('|') && (first.starts_with("echo ") || first.starts_with("cat "));
    // Commands before it that change nothing of the request: `sleep 1 && curl ...`.
    static BEFORE: LazyLock<Regex> =
        regex!(r"^(?:(?:sleep|cd|echo|printf|clear)\b[^|;&$`]*(?:;|&&)\s*)+$");
    let typed_from = prompt::typed(line).min(at);
    // The mark of a list item: `a)curl ...`.
    static ITEM: LazyLock<Regex> = regex!(r"^\s*\(?(?:[a-z]|Q?\d{1,2})[).]\s*$");
    let typed = before.trim().is_empty()
        || typed_from == at
        || BEFORE.is_match(&line[typed_from..at])
        || ITEM.is_match(before);
    (typed || notebook || (spaced && (ends_in_prompt || helper || piped))).then_some(at)
}
