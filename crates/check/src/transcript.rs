//! What blocks show around a body: status lines, headers, the marks of `curl -v`, and comments.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

use super::blocks::{Block, Fence};
use super::labels::{self, Announces};
use super::node::is_dots;
use super::status_text;
use super::text::is_one_of;

/// A status line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// The range of the status and its reason phrase in the block's content.
    pub span: Range<usize>,
}

/// Whether a block could be a documented response. A string or `true` alone is one if the block says that it is JSON.
pub fn shows_response(fence: &Fence) -> bool {
    let is_json =
        || fence.language == "json" && serde_json::from_str::<Value>(&fence.content).is_ok();
    // The two sides of a difference are not a response.
    fence.language != "diff" && (looks_like_response(&fence.content) || is_json())
}

/// Whether a block of a page could be a response.
pub fn is_response(block: &Block) -> bool {
    matches!(block, Block::Fence(fence) if shows_response(fence))
}

/// Whether text could be a documented response: it begins with JSON, members without braces, or a status line.
pub fn looks_like_response(content: &str) -> bool {
    let text = content.trim_start();
    let text = if is_dots(text.lines().next().unwrap_or_default().trim()) {
        text.trim_start_matches(['.', '…']).trim_start()
    } else {
        text
    };
    if headers_only(text) {
        return true;
    }
    if status_words(text.lines().next().unwrap_or_default()).is_some() || with_note(text).is_some()
    {
        return true;
    }
    if text.trim_end() == "null" {
        return true;
    }
    if text.starts_with(['{', '['])
        || text.starts_with("< HTTP/")
        || text.starts_with("> HTTP/")
        || STATUS_BEFORE.is_match(text)
    {
        return !text.starts_with("{{") && !is_template_url(text);
    }
    let bare = text.starts_with('"')
        && text[1..]
            .find('"')
            .is_some_and(|at| text[at + 2..].trim_start().starts_with(':'));
    let verbose =
        (text.starts_with(['*', '>']) || text.starts_with("Note: ")) && text.contains("\n< HTTP/");
    bare || verbose
        || (text.starts_with(['/', '#']) && {
            let mut lines = text.lines().map(str::trim_start);
            let first = lines.find(|line| !line.is_empty() && !line.starts_with(['/', '#', '*']));
            first.is_some_and(|line| line.starts_with(['{', '[']))
        })
}

/// `{server_url}/users` begins like an object but is a URL.
fn is_template_url(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.starts_with('{')
        && first.contains('}')
        && !first.contains(['"', ':'])
        && first.trim() != "{}"
        && !first.contains("...")
        && !first.contains('…')
}

/// A status before JSON on the same line: `404 {`, `404 Not Found: {`, `HTTP/1.1 201 Created, {`, `< 200: {`.
pub(super) static STATUS_BEFORE: LazyLock<Regex> = regex!(
    r"^(?:<\ )?(?P<status>(?:HTTP/\d(?:\.\d)?\ )?[1-5]\d\d(?:\ [A-Z][A-Za-z\ ]*)?)(?::\ ?|,\ |\ [–—+-]\ |\ )[{\[]"
);

/// The text with the JSON on a line of its own, if a status is before it; offsets stay valid.
pub(super) fn below_status(text: &str) -> Option<String> {
    let found = STATUS_BEFORE.captures(text)?;
    let (status, json) = (found.name("status")?.end(), found.get(0)?.end() - 1);
    let between = " ".repeat(json - status - 1);
    Some(format!("{}{between}\n{}", &text[..status], &text[json..]))
}

/// The headers whose values the data determines: their names in lower case and their values.
pub fn compared_headers(text: &str) -> impl Iterator<Item = (String, Range<usize>)> {
    static HEADER: LazyLock<Regex> = regex!(
        r"(?im)^[<\ \t/#]*(?:(?P<location>location):[\ \t]*(?P<path>\S+)|(?P<total>x-total-count):[\ \t]*(?P<count>\d+)[\ \t]*\r?$|(?P<link>link):[\ \t]*(?P<links>\S.*rel=.?(?:next|prev|first|last)\b.*)|(?P<type>content-type):[\ \t]*(?P<media>[\w.+-]+/[\w.+-]+))"
    );
    HEADER.captures_iter(text).filter_map(|found| {
        let pairs = [
            ("location", "path"),
            ("total", "count"),
            ("link", "links"),
            ("type", "media"),
        ];
        let pair = |(name, value)| Some((found.name(name)?, found.name(value)?));
        let (name, value) = pairs.into_iter().find_map(pair)?;
        Some((name.as_str().to_lowercase(), value.range()))
    })
}

/// Whether a line begins an object, and not a word in braces such as `{id}`.
pub(super) fn begins_object(line: &str) -> bool {
    line.strip_prefix('{').is_some_and(|rest| {
        let inner = rest.split('}').next().unwrap_or_default().trim();
        inner.is_empty() || inner.starts_with(['"', '\'', '.', '…', '{']) || inner.contains(':')
    })
}

/// Whether a response begins with headers and no status line.
fn headers_only(text: &str) -> bool {
    let mut lines = text
        .trim_start()
        .lines()
        .skip_while(|line| is_header(line.trim()));
    text.trim_start()
        .lines()
        .next()
        .is_some_and(|line| is_header(line.trim()))
        && lines.next().is_some_and(|line| line.trim().is_empty())
        && lines
            .find(|line| !line.trim().is_empty())
            .is_some_and(|line| line.trim_start().starts_with(['{', '[']))
}

/// How many letters a label in front of a status has.
const MOST_LETTERS: usize = 31;

/// The status in a label: `404 Not Found` of `Response (404 Not Found):`, in any language, or `201 Created` of
/// `Resposta: 201 Created`.
pub fn labelled_status(line: &str) -> Option<&str> {
    static LABEL: LazyLock<Regex> = regex!(
        r"^(?P<label>\p{L}[\p{L}\p{M} ]+)[(（](?P<status>[1-5]\d\d\b[^)）]*)[)）]\s*(?:[:：]|[–—-]\s.*)$"
    );
    static AFTER: LazyLock<Regex> = regex!(
        r"^(?P<label>\p{L}[\p{L}\p{M} ]+?)\s*[:：]?\s(?P<status>[1-5]\d\d\b[A-Za-z' -]*)[:：]?$"
    );
    // A limit in a pattern with classes of Unicode would make it slow to compile.
    let is_short = |found: &Captures<'_>| found["label"].chars().count() <= MOST_LETTERS;
    if let Some(found) = LABEL.captures(line).filter(is_short) {
        return found.name("status").map(|status| status.as_str());
    }
    let found = AFTER.captures(line).filter(is_short)?;
    let is_response = labels::label(&found["label"]) == labels::Announces::Response;
    found
        .name("status")
        .filter(|_| is_response && labels::words(&found["label"]).len() <= 3)
        .map(|status| status.as_str().trim())
}

/// Whether a line within a block begins a response: `201 Created`, `Status: 201`. A number alone may be a part of JSON.
pub fn begins_response(line: &str) -> bool {
    line.contains(' ') && status_words(line).is_some()
}

/// What a status line says: `404 Not Found` of `HTTP/1.1 404 Not Found`, `Status: 404 Not Found`, or as it is.
pub(super) fn status_words(line: &str) -> Option<&str> {
    /// A line of a server's log: `"GET /users/1 HTTP/1.1" 200`, `GET /users/1 200 3.1 ms`.
    static LOGGED: LazyLock<Regex> = regex!(
        r#"^(?:[\d.:]+ .*)?"?(?:GET|POST|PUT|PATCH|DELETE) /\S*(?: HTTP/[\d.]+)?"? (?P<status>[1-5]\d\d)(?: [\d.]+ ms.*| \d+| -)?$"#
    );
    let line = line.trim();
    if let Some(found) = LOGGED.captures(line) {
        return found.name("status").map(|status| status.as_str());
    }
    let arrow = ["->", "=>", "→", "<-", "←"];
    let line = arrow
        .iter()
        .find_map(|arrow| line.strip_prefix(arrow))
        .unwrap_or(line)
        .trim();
    let is_labelled = line.starts_with(char::is_alphabetic);
    let line = labelled_status(line).unwrap_or(line);
    let words = match line.strip_prefix("HTTP/") {
        Some(rest) => rest.split_once(' ')?.1,
        // As Hurl writes it.
        None if line.starts_with("HTTP ") => &line["HTTP ".len()..],
        None => match line.split_once([':', '：']) {
            Some((name, words)) => status_text::is_status_label(name).then_some(words)?,
            None => line,
        },
    };
    let words = words.trim();
    let (code, given) = words.split_once(' ').unwrap_or((words, ""));
    let status = ureq::http::StatusCode::from_bytes(code.as_bytes()).ok()?;
    if line.starts_with("HTTP/") {
        return Some(words);
    }
    // Other text that begins with a number is not a status line.
    let known = status.canonical_reason()?;
    // `Expected: 400 - "Name is required"`
    let is_noted = is_labelled && given.starts_with(['-', '–', '—']);
    (given.is_empty() || given.trim().eq_ignore_ascii_case(known) || is_noted).then_some(words)
}

/// The status of a text that is only a line with a message behind it: `404 - User not found`.
fn with_note(text: &str) -> Option<&str> {
    static NOTED: LazyLock<Regex> =
        regex!(r"^\s*(?P<status>[1-5]\d\d)[ \t]+[-–—][ \t]+\p{L}[^\n]*\s*$");
    Some(NOTED.captures(text)?.name("status")?.as_str())
}

/// The status line, and where the body begins. `curl -v` marks received lines with `<` and other lines with `*` and `>`.
pub fn head(content: &str) -> (Option<Head>, usize) {
    let mut at = 0;
    let mut found: Option<Head> = None;
    let noted = with_note(content);
    let headers_only = headers_only(content);
    let is_verbose = content
        .lines()
        .any(|line| line.trim_start().starts_with("< HTTP/"));
    let mut below_header = false;
    for line in content.split_inclusive('\n') {
        let trimmed = line.trim();
        let marks = ["< ", "> ", "// ", "# "];
        let plain = marks.iter().find_map(|mark| trimmed.strip_prefix(mark));
        let plain = plain.unwrap_or(trimmed);
        let start = at;
        at += line.len();
        if plain.starts_with("HTTP/") || found.is_none() {
            let words = status_words(plain).or(noted);
            let status = words.and_then(|words| words.split_whitespace().next()?.parse().ok());
            if let (Some(words), Some(status)) = (words, status)
                && let Some(offset) = line.find(words)
            {
                found = Some(Head {
                    status,
                    span: start + offset..start + offset + words.len(),
                });
                below_header = true;
                continue;
            }
            if plain.starts_with("HTTP/") {
                continue;
            }
        }
        let verbose = trimmed.starts_with("* ")
            || trimmed.starts_with("> ")
            || trimmed.starts_with('<')
            || is_verbose && trimmed.starts_with("Note: ")
            || trimmed.ends_with(" bytes data]")
            || trimmed == ">"
            || trimmed == "*";
        // `Body: {"id": 1}` below the headers.
        let labelled = plain.strip_prefix("Body:").filter(|_| found.is_some());
        if let Some(body) = labelled.filter(|body| body.trim_start().starts_with(['{', '['])) {
            return (found, start + line.trim_end().len() - body.len());
        }
        // Dots below the status line stand for headers, and in the output of `curl -v` for its other lines.
        let dots = (is_verbose || found.is_some() && below_header) && is_dots(trimmed);
        let header = dots || (found.is_some() || headers_only) && is_header(plain);
        below_header = header;
        if !(verbose || header || (trimmed.is_empty())) {
            return (found, start);
        }
    }
    (found, at)
}

/// Whether text is what a server may return in place of a record: a message in words ("Deleted successfully.") or a
/// value alone. "A list of users" describes a response.
pub fn is_message(text: &str) -> bool {
    /// What a message says, by the stems of its words. NestJS generates "This action removes a user".
    static OUTCOME: LazyLock<Regex> = regex!(
        r"(?ix)\b(?:suc+es|succeed|deleted|created|updated|removed|added|saved|registered|not\ found|(?:could|can)\ ?not|done
            |[ée]xito|exitos|eliminad|borrad|cread[oa]|criad[oa]|actualizad|atualizad|removid|agregad|adicionad
            |supprim|créée?|ajouté|mise?\ à\ jour|erfolg|gelöscht|erstellt|aktualisiert|hinzugefügt
            |this\ action
            |usun|utworzon|zaktualizowan|удал[её]н|создан|обновл[её]н|успешно|berhasil|başarı)
            |成功|しました"
    );
    let text = text.trim();
    if matches!(text, "true" | "false") {
        return true;
    }
    let quoted = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let words = quoted.unwrap_or(text);
    // "User deleted with id: 1"
    let plain = match words.split_once(": ") {
        Some((before, after)) if OUTCOME.is_match(before) => Cow::Owned([before, after].join(" ")),
        _ => Cow::Borrowed(words),
    };
    is_sentence(&plain) && (OUTCOME.is_match(words) || words.ends_with('!'))
}

/// Whether the only line below a command in a session is what the server returned, in words. "The list of users is
/// returned" describes a response.
pub fn is_words(line: &str) -> bool {
    // zsh marks the missing line end.
    let line = line.trim_end_matches('%');
    const OMITTED: &str = "omitted truncated same empty nothing none usage error";
    let begins = labels::words(line);
    is_sentence(line)
        && begins.len() > 1
        && status_words(line).is_none()
        && labels::label(line) == Announces::Unspecific
        && !labels::has_word(line, OMITTED)
}

/// Whether text is a short line of words without quotes and brackets.
fn is_sentence(text: &str) -> bool {
    let is_word = |c: char| {
        c.is_alphanumeric()
            || matches!(
                c,
                ' ' | '.' | '!' | ',' | '\'' | '`' | '#' | '-' | '=' | '！' | '。'
            )
    };
    text.starts_with(char::is_alphabetic)
        && text.chars().all(is_word)
        && text.len() < 100
        && !text.contains("..")
}

/// Whether a block has only headers.
pub fn is_headers(content: &str) -> bool {
    !content.trim().is_empty() && content.trim().lines().all(|line| is_header(line.trim()))
}

pub fn is_header(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// Whether JSON describes types and has no values: a JSON Schema, or `{"id": "number"}`.
pub fn is_schema(content: &str) -> bool {
    fn only_types(value: &Value) -> bool {
        match value {
            Value::String(name) => {
                is_one_of(name, "string number integer int boolean bool object array")
            }
            Value::Array(items) => items.iter().all(only_types),
            Value::Object(members) => !members.is_empty() && members.values().all(only_types),
            _ => false,
        }
    }
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(content) else {
        return false;
    };
    let is_type = |name: &Value| name == "object" || name == "array";
    object.contains_key("$schema")
        || (object.get("type").is_some_and(is_type)
            && ["properties", "items", "required"]
                .iter()
                .any(|key| object.contains_key(*key)))
        || object.values().all(only_types) && !object.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_response() {
        let yes = [
            "{}",
            " [1]",
            "\"a\": 1",
            "HTTP/1.1 200 OK",
            "{ ... }",
            "// note\n{}",
            "{\n \"a\": 1\n}",
            "...\n{}",
            "A: b\n\n{}",
            "*   Trying 127.0.0.1:3000...\n> GET / HTTP/1.1\n< HTTP/1.1 200 OK\n<\n{}",
        ];
        let no = [
            "{server_url}/users",
            "{{base}}/users",
            "hello",
            "\"text\"",
            "git branch",
            "",
            "<p>",
        ];
        for text in yes {
            assert!(looks_like_response(text), "{text}");
        }
        for text in no {
            assert!(!looks_like_response(text), "{text}");
        }
    }
}
