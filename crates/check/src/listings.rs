//! Objects as PowerShell prints them: a list of their members (`name : Ada`), or a table with a row for each.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::claims::Claim;
use super::parts::Part;
use super::service::Received;
use super::text::is_one_of;

/// The members of an object: names and values as they are printed.
type Object = Vec<(String, String)>;

static MEMBER: LazyLock<Regex> = regex!(r"^(?P<name>\w+) *: ?(?P<value>.*)$");
static DASHES: LazyLock<Regex> = regex!(r"^-{2,}[ -]*$");

/// Whether text shows an object as PowerShell prints it: `name : Ada`, or a header above dashes.
pub fn is_listing(text: &str) -> bool {
    static FIRST: LazyLock<Regex> = regex!(r"^\w+ +: ");
    let lines = text.lines().map(|line| line.trim_start_matches('#').trim());
    let mut lines = lines.filter(|line| !line.is_empty());
    let is_member = |line: &str| FIRST.is_match(line);
    lines.next().is_some_and(is_member) || lines.next().is_some_and(|line| DASHES.is_match(line))
}

/// Words for what a value is.
const KINDS: &str = "string number integer int boolean bool object array date datetime uuid guid text float double decimal";

/// What a listing claims of a response. Values that may be cut off or that PowerShell writes in its own way are left out.
pub fn claims(text: &str, range: &Range<usize>, received: &Received) -> Vec<Claim> {
    let text = &*uncommented(text);
    let objects = match table(text) {
        Some(rows) => rows,
        None => list(text),
    };
    let claim = |part: Part, value: Value| Claim::new(part, value, range.clone());
    let body = Part::Body(Vec::new());
    let member = |name: &str| objects.iter().flatten().find(|(known, _)| known == name);
    // The status is read elsewhere.
    if is_of_web_request(&objects) {
        let json = member("Content").and_then(|(_, value)| serde_json::from_str(value).ok());
        return json.map(|json| claim(body, json)).into_iter().collect();
    }
    let items = received.json().and_then(Value::as_array);
    // It may show something else.
    let first = match items {
        Some(items) => items.first(),
        None => received.json(),
    };
    let is_member =
        |(name, _): &(String, String)| first.is_some_and(|first| first.get(name).is_some());
    if !objects.iter().flatten().all(is_member) {
        return Vec::new();
    }
    let mut claims = Vec::new();
    let is_cut = objects.is_empty() || text.contains("...") || text.contains('…');
    if items.is_some_and(|items| !items.is_empty()) && !is_cut {
        claims.push(Claim::count(objects.len(), range.clone()));
    }
    for (index, object) in objects.iter().enumerate() {
        let of = match items {
            Some(_) => body.item(index),
            None => (index == 0).then(|| body.clone()),
        };
        for (name, shown) in object {
            let Some(part) = of.as_ref().and_then(|of| of.member(name)) else {
                continue;
            };
            let actual = match part.value(received) {
                Some(Value::String(text)) if is_plain(&text) => text,
                Some(Value::Number(number)) => number.to_string(),
                Some(Value::Bool(true)) => "True".to_owned(),
                Some(Value::Bool(false)) => "False".to_owned(),
                _ => continue,
            };
            let is_open = shown.is_empty()
                || shown.ends_with("...")
                || shown.contains(['…', '<', '#', '\n'])
                || is_one_of(&shown.to_lowercase(), KINDS);
            // Windows writes numbers as its language does.
            let is_same = shown.eq_ignore_ascii_case(&actual) || shown.replace(',', ".") == actual;
            if !is_open && !is_same {
                let value = serde_json::from_str(shown).unwrap_or_else(|_| shown.clone().into());
                claims.push(claim(part, value));
            }
        }
    }
    claims
}

/// Whether objects are a response as `Invoke-WebRequest` prints it; the line of the status may be read already.
fn is_of_web_request(objects: &[Object]) -> bool {
    let mut members = objects.iter().flatten();
    members.any(|(name, value)| match name.as_str() {
        "StatusDescription" | "RawContent" => true,
        "Content" => value.starts_with(['{', '[']),
        _ => false,
    })
}

/// Whether text is a response as `Invoke-WebRequest` prints it, whose alias was `curl`.
pub fn is_web_response(text: &str) -> bool {
    is_listing(text) && is_of_web_request(&list(text))
}

/// A listing without the marks of comments.
fn uncommented(text: &str) -> Cow<'_, str> {
    static MARK: LazyLock<Regex> = regex!(r"(?m)^# ?");
    match text.trim_start().starts_with('#') {
        true => MARK.replace_all(text, ""),
        false => Cow::Borrowed(text),
    }
}

/// Whether a text is printed as it is: dates and lines are not.
fn is_plain(text: &str) -> bool {
    static DATE: LazyLock<Regex> = regex!(r"^\d{4}-\d\d-\d\d");
    !DATE.is_match(text) && !text.contains('\n') && text.trim() == text
}

/// The objects of a list, which are separated by an empty line or begin with the same member.
fn list(text: &str) -> Vec<Object> {
    let mut objects: Vec<Object> = Vec::new();
    let mut ended = true;
    for line in text.lines() {
        match MEMBER.captures(line.trim_end()) {
            Some(found) => {
                let name = &found["name"];
                let is_new = |last: &Object| last.iter().any(|(known, _)| known == name);
                if ended || objects.last().is_some_and(is_new) {
                    objects.push(Vec::new());
                }
                let member = (name.to_owned(), found["value"].trim().to_owned());
                if let Some(last) = objects.last_mut() {
                    last.push(member);
                }
                ended = false;
            }
            None if line.trim().is_empty() => ended = true,
            // The value goes on in the next line.
            None => {
                if let Some((_, value)) = objects.last_mut().and_then(|last| last.last_mut()) {
                    value.push('\n');
                    value.push_str(line.trim());
                }
            }
        }
    }
    objects
}

/// The rows of a table. A column is what has no space in a line between two positions at which all lines have one; what has
/// no dashes belongs to the column on its left, since texts have spaces, too.
fn table(text: &str) -> Option<Vec<Object>> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let [names, dashes, rows @ ..] = lines.as_slice() else {
        return None;
    };
    if !DASHES.is_match(dashes.trim()) || !text.is_ascii() {
        return None;
    }
    let is_filled =
        |at: usize, line: &&str| line.as_bytes().get(at).is_some_and(|byte| *byte != b' ');
    let width = lines.iter().map(|line| line.len()).max()?;
    let mut columns: Vec<Range<usize>> = Vec::new();
    for at in 0..width {
        if !lines.iter().any(|line| is_filled(at, line)) {
            continue;
        }
        let goes_on = columns.last().is_some_and(|last| last.end == at);
        let has_dashes = |from: usize| {
            let end = (from..width).find(|at| !lines.iter().any(|line| is_filled(*at, line)));
            (from..end.unwrap_or(width)).any(|at| is_filled(at, dashes))
        };
        match columns.last_mut() {
            Some(last) if goes_on || !has_dashes(at) => last.end = at + 1,
            _ => columns.push(at..at + 1),
        }
    }
    let cell = |line: &str, column: &Range<usize>| {
        let end = column.end.min(line.len());
        line.get(column.start..end)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let row = |line: &&str| -> Object {
        let cells = columns
            .iter()
            .map(|column| (cell(names, column), cell(line, column)));
        cells.collect()
    };
    let has_names = columns
        .iter()
        .all(|column| !cell(names, column).contains(' '));
    has_names.then(|| rows.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_from_lists_and_tables() {
        let shown = |objects: Vec<Object>| {
            let object = |object: &Object| {
                let members = object.iter().map(|(name, value)| format!("{name}={value}"));
                members.collect::<Vec<_>>().join(" ")
            };
            objects.iter().map(object).collect::<Vec<_>>().join("; ")
        };
        let text = "id   : 1\nname : Ada\n       Lovelace\n\nid   : 2\nname : Bob\n";
        assert_eq!(shown(list(text)), "id=1 name=Ada\nLovelace; id=2 name=Bob");
        let text = "id name  price\n-- ----  -----\n 1 Ada Y   4.5\n 2 Bob       7\n";
        let rows = table(text).map(shown);
        assert_eq!(
            rows.as_deref(),
            Some("id=1 name=Ada Y price=4.5; id=2 name=Bob price=7")
        );
        let text = "StatusCode        : 201\nContent           : {\"id\":5}\n";
        assert!(is_listing(text) && !is_listing("Done: yes\n") && !is_listing(""));
    }
}
