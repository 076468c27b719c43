//! Output that a page shows in comments below a command: `# -> {"id": 1}`.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::http_message;
use super::labels;
use super::transcript::{STATUS_BEFORE, begins_object, below_status, status_words};

/// Words that mark a comment as output without a colon: `# Expected []`, `# returns {`, `# should 404`.
static OUTPUT_WORDS: LazyLock<Regex> = regex!(
    r"(?xi)^(?:(?:->|=>|>|→)[\ \t]*)?
        (?:(?:expected|should|response|returns?|output|result|prints|gives)[\w\ \t]*:?[\ \t]*)?"
);

/// A number or a text in quotation marks that a comment expects: `# expect 8`, `# should print "Ada"`.
static EXPECTED_VALUE: LazyLock<Regex> = regex!(
    r"(?xi)^(?:expect(?:s|ed)?|must|should|prints?|returns?|gives?|outputs?|shows?) (?:[\ \t]+(?:be|equal|give|output|print|return|see|show))?
        :?[\ \t]+(?P<value>\x22[^\x22]*\x22|-?\d+(?:\.\d+)?)(?:\s+[(–—-][^\n]*)?\s*$"
);

/// A remark behind a value: `{...} — 404 if there is none`, `"Ada" (the first)`.
static NOTE: LazyLock<Regex> = regex!(
    r"(?:[}\]]|^\s*(?:\x22[^\x22]*\x22|-?\d+(?:\.\d+)?))(?P<note>[ \t]+(?:[–—-][ \t]|\([^\d)])[^{}\[\]]*)$"
);

/// The mark of a comment at the beginning of a text, `#` or `//`, with spaces around it.
fn comment_mark(line: &str) -> Option<(char, usize)> {
    let text = line.trim_start();
    let mark = text
        .chars()
        .next()
        .filter(|mark| matches!(mark, '#' | '/'))?;
    let rest = text.trim_start_matches(mark);
    let is_mark = mark == '#' || text.len() - rest.len() >= 2;
    let rest = rest.trim_start_matches([' ', '\t']);
    is_mark.then_some((mark, line.len() - rest.len()))
}

/// Where the output begins in the first line of a comment, and whether a word or an arrow marks it as output.
fn output_in_comment(line: &str) -> (usize, bool) {
    let (_, start) = comment_mark(line).unwrap_or_default();
    let comment = &line[start..];
    if let Some(at) = http_message::labelled_response(comment) {
        return (start + at, true);
    }
    if let Some(value) = EXPECTED_VALUE
        .captures(comment)
        .and_then(|found| found.name("value"))
    {
        return (start + value.start(), true);
    }
    let mark = OUTPUT_WORDS.find(comment).map_or(0, |mark| mark.end());
    (start + mark, mark > 0)
}

/// Removes the comment marks of output that is shown in comments, such as `# -> {"id": 1}`; offsets stay valid.
pub fn uncomment(text: &str) -> Cow<'_, str> {
    if comment_output(text) != text.len() {
        let start = text.len() - text.trim_start().len();
        return match below_status(&text[start..]) {
            Some(below) => Cow::Owned(format!("{}{below}", &text[..start])),
            None => Cow::Borrowed(text),
        };
    }
    Cow::Owned(without_marks(text))
}

/// The text with spaces in place of the comment marks.
pub fn without_marks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut begun = false;
    for line in text.split_inclusive('\n') {
        let is_first = !begun && !line.trim().is_empty();
        let plain = comment_mark(line).map_or(0, |(_, mark)| mark);
        let (start, _) = output_in_comment(line);
        let mark = match is_first {
            true if is_label(&line[plain..]) || line[start..].trim().is_empty() => {
                line.trim_end().len()
            }
            true => start,
            // Each line may have an arrow.
            false if line[plain..start].contains(['>', '→']) => start,
            false => plain,
        };
        out.push_str(&" ".repeat(mark));
        let rest = line[mark..].trim_end_matches(['\n', '\r']);
        let note = NOTE.captures(rest);
        let note = note.and_then(|found| Some(found.name("note")?.range()));
        let noted = note.map(|note| {
            let end = &line[mark + note.end..];
            format!("{}{}{end}", &rest[..note.start], " ".repeat(note.len()))
        });
        let rest = noted.as_deref().unwrap_or(&line[mark..]);
        begun |= !rest.trim().is_empty();
        match below_status(rest).filter(|_| is_first) {
            Some(below) => out.push_str(&below),
            None => out.push_str(rest),
        }
    }
    out
}

/// The mark of a comment that is a line, with its words, and the text after it.
pub fn uncommented_line(line: &str) -> Option<(&str, &str)> {
    let (_, plain) = comment_mark(line)?;
    let end = match is_label(&line[plain..]) {
        true => line.len(),
        false => output_in_comment(line).0,
    };
    let shown = line[end..].trim();
    let note = NOTE.captures(shown).and_then(|found| found.name("note"));
    let shown = note.map_or(shown, |note| &shown[..note.start()]);
    Some((line[..end].trim(), shown))
}

/// Whether a comment is only a label of the response: "Antwort:".
fn is_label(comment: &str) -> bool {
    let says_so = labels::label(comment) == labels::Announces::Response;
    labels::leads(comment.trim()) && (says_so || labels::says_expected(comment))
}

/// The length of output in comments at the beginning of a text, 0 if there is none.
pub fn comment_output(text: &str) -> usize {
    let blank = text.len() - text.trim_start_matches(['\n', '\r']).len();
    let first = text[blank..].lines().next().unwrap_or_default();
    let Some((mark, start)) = comment_mark(first) else {
        return 0;
    };
    // "Old response: {...}"
    let label = first[start..]
        .split_once(':')
        .map_or("", |(label, _)| label);
    if labels::words(label).len() <= 4 && labels::is_of_other_time(label) {
        return 0;
    }
    let is_comment = |line: &&str| comment_mark(line).is_some_and(|(own, _)| own == mark);
    let without_mark = |line: &'_ str| comment_mark(line).map_or(0, |(_, at)| at);
    let mut lines = text[blank..].lines().take_while(is_comment);
    let mut first = lines.next().unwrap_or_default();
    let is_words = |line: &str| {
        let (start, marked) = output_in_comment(line);
        marked && line[start..].trim().is_empty()
    };
    let labelled = is_label(&first[without_mark(first)..]) || is_words(first);
    if labelled {
        first = lines.next().unwrap_or_default();
    }
    let (start, marked) = output_in_comment(first);
    let marked = marked || labelled;
    let first = &first[start..];
    let first = STATUS_BEFORE
        .find(first)
        .map_or(first, |status| &first[status.end() - 1..]);
    // A comment such as `# [optional] ...` is not output.
    let is_list = |items: &str| items.starts_with('{') || matches!(items, "]" | "");
    let is_json = begins_object(first)
        || first
            .strip_prefix('[')
            .is_some_and(|items| is_list(items.trim()))
        || (marked && first.starts_with('['));
    let is_value = marked
        && (matches!(first.trim(), "true" | "false" | "null") || http_message::is_string(first));
    if is_value || status_words(first).is_some() {
        let end = text.find(first).map_or(0, |at| at + first.len());
        // The body below a status.
        let below = &text[end..];
        let next = below.lines().nth(1).filter(is_comment);
        let is_body = next.is_some_and(|line| line[without_mark(line)..].starts_with(['{', '[']));
        return end + if is_body { comment_output(below) } else { 0 };
    }
    if !is_json {
        return 0;
    }
    let (mut depth, mut length) = (0, 0);
    for line in text.split_inclusive('\n') {
        if length > blank && !is_comment(&line) {
            break;
        }
        length += line.len();
        let count = |brackets: [char; 2]| line.matches(brackets).count();
        let before = depth;
        depth += count(['{', '[']);
        depth = depth.saturating_sub(count(['}', ']']));
        if depth == 0 && (before > 0 || line.contains(['{', '['])) {
            break;
        }
    }
    // `404 {"error": "..."} for unknown ids`
    static CONDITION: LazyLock<Regex> = regex!(
        r"(?i)[}\]]\s+(?:or|for|if|when|on|unless|otherwise|oder|bei|wenn|ou|o|si|se|для|если)\s[^{}\[\]]*$"
    );
    match CONDITION.is_match(text[..length].trim_end()) {
        true => 0,
        false => length,
    }
}

/// Whether the comments with output stand above the commands of a block, and not below them.
pub fn shows_output_above(text: &str) -> bool {
    let last = text.trim_end().rsplit('\n').next().unwrap_or_default();
    comment_output(text.trim_start()) > 0 && comment_output(last) == 0
}

/// The output in the comments directly above a command.
pub fn comment_above(text: &str, command: usize) -> Option<Range<usize>> {
    let end = text[..command].rfind('\n')?;
    let mut start = end;
    while start > 0 {
        let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
        comment_mark(&text[line..start])?;
        let length = comment_output(&text[line..end]);
        if length > 0 && text[line + length..end].trim().is_empty() {
            return Some(line..end);
        }
        start = line.saturating_sub(1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_in_comments() {
        let rows = [
            ("# -> {\"a\": 1}\n", "{\"a\": 1}"),
            ("# Expected: {\"a\": 1}\n# next step\n", "{\"a\": 1}"),
            (
                "# Response:\n# {\n#   \"a\": 1\n# }\n",
                "{\n   \"a\": 1\n }",
            ),
            ("# => 404 Not Found\n", "404 Not Found"),
            ("# 응답:\n# {\n#   \"a\": 1\n# }\n", "{\n   \"a\": 1\n }"),
            ("\n# -> {\"a\": 1}\n", "{\"a\": 1}"),
            ("# returns [1]\n", "[1]"),
            ("#   [{\"a\": 1}]\n", "[{\"a\": 1}]"),
            ("# 期待: []\n", "[]"),
            ("# Ожидается: 404 Not Found\n", "404 Not Found"),
            ("# Oczekiwana odpowiedź: {\"a\": 1}\n", "{\"a\": 1}"),
            ("# 预期：\n# [\n#   1\n# ]\n", "[\n1\n]"),
            ("# 预期：\n# [{\n#   \"a\": 1\n# }]\n", "[{\n\"a\": 1\n}]"),
            (
                "// Expected:\n// {\n//   \"a\": 1\n// }\n",
                "{\n\"a\": 1\n}",
            ),
            ("// beklenen: 204 No Content\n", "204 No Content"),
            ("# [optional] delete it\n", ""),
            ("# Caso 2: [optional] delete it\n", ""),
            ("// {id} is a placeholder\n", ""),
            ("# delete it\ncurl h/a\n", ""),
        ];
        for (text, expected) in rows {
            let length = comment_output(text);
            let shown = uncomment(&text[..length]).into_owned();
            assert_eq!(shown.len(), length, "{text}");
            let lines: Vec<&str> = shown.trim().lines().map(str::trim).collect();
            let expected: Vec<&str> = expected.lines().map(str::trim).collect();
            assert_eq!(lines, expected, "{text}");
        }
    }
}
