//! Minimal diffs: whatever the style of the file, a write changes only its own lines, by a line diff and by git's.

use std::path::Path;
use std::process::Command;

use similar::{ChangeTag, TextDiff};

use crate::support::*;

/// A file in some style; the lines of a record of `a` and of an empty collection's first record, and how many lines of
/// other records share its first or last line.
struct Style {
    name: &'static str,
    text: String,
    /// Lines that a new record `{"n": 3}` takes in `a`, as the others do.
    record: usize,
    /// Lines that a new record takes in the empty collection `b`, without the line of the bracket.
    first: usize,
    /// All is on one line.
    one_line: bool,
}

fn style(name: &'static str, text: impl Into<String>, record: usize, first: usize) -> Style {
    Style {
        name,
        text: text.into(),
        record,
        first,
        one_line: false,
    }
}

const TWO: &str = "{\n  \"$schema\": \"./db.schema.json\",\n  \"a\": [\n    {\n      \"id\": 1,\n      \"n\": 1.0,\n      \"s\": \"\\u00fc \\/ é 🙂\"\n    },\n    {\n      \"z\": 1e3,\n      \"id\": 2,\n      \"n\": 2\n    },\n    {\n      \"n\": -0,\n      \"big\": 12345678901234567890.50,\n      \"id\": 3\n    }\n  ],\n  \"b\": [],\n  \"o\": {\n    \"p\": 1E+2\n  },\n  \"version\": 1.10\n}\n";

fn styles() -> Vec<Style> {
    let lines = |inner: &str| {
        format!(
            "{{\n  \"$schema\": \"x\",\n  \"a\": [\n    {{{inner}\"id\": 1, \"n\": 1.0{inner}}},\n    {{{inner}\"z\": [1, 2], \"id\": 2, \"n\": 2{inner}}},\n    {{{inner}\"n\": 0.50, \"id\": 3{inner}}}\n  ],\n  \"b\": [],\n  \"o\": {{\"p\": 1}}\n}}\n"
        )
    };
    vec![
        style("two spaces", TWO, 4, 5),
        style("four spaces", TWO.replace("  ", "    "), 4, 5),
        style("three spaces", TWO.replace("  ", "   "), 4, 5),
        style("tabs", TWO.replace("  ", "\t"), 4, 5),
        style("CRLF", TWO.replace('\n', "\r\n"), 4, 5),
        style("CRLF and tabs", TWO.replace("  ", "\t").replace('\n', "\r\n"), 4, 5),
        style("no final newline", TWO.trim_end(), 4, 5),
        style("newlines at the end", format!("{TWO}\n\n"), 4, 5),
        style("a byte order mark", format!("\u{feff}{TWO}"), 4, 5),
        style("white space before it", format!("\n  {TWO}"), 4, 5),
        style("no space after colons", TWO.replace("\": ", "\":"), 4, 5),
        style("space before colons", TWO.replace("\": ", "\" : "), 4, 5),
        style("empty written with a space", TWO.replace("[]", "[ ]"), 4, 5),
        style("empty written over two lines", TWO.replace("[]", "[\n  ]"), 4, 4),
        style("a record a line", lines(""), 1, 2),
        style("a record a line, padded", lines(" "), 1, 2),
        style("a record a line, not indented", lines("").replace("\n    {", "\n{").replace("\n  ]", "\n]"), 1, 2),
        style("brackets on lines of their own", TWO.replace("\"a\": [", "\"a\":\n  ["), 4, 5),
        style(
            "a style for each collection",
            TWO.replace(
                "\"b\": []",
                "\"c\": [\n    {\"id\": 1}, {\"id\": 2}\n  ],\n  \"d\": [{\"id\":1},{\"id\":2}],\n  \"b\": []",
            ),
            4,
            5,
        ),
        Style {
            one_line: true,
            ..style(
                "minified",
                r#"{"$schema":"x","a":[{"id":1,"n":1.0},{"z":[1],"id":2,"n":2},{"n":1e3,"id":3}],"b":[],"o":{"p":1}}"#,
                1,
                1,
            )
        },
        Style {
            one_line: true,
            ..style(
                "as Python prints it",
                "{\"a\": [{\"id\": 1, \"n\": 1.0}, {\"id\": 2, \"n\": 2}, {\"n\": 7, \"id\": 3}], \"b\": [], \"o\": {\"p\": 1}}\n",
                1,
                1,
            )
        },
    ]
}

/// How many lines were added and removed.
fn count(before: &str, after: &str) -> (usize, usize) {
    let diff = TextDiff::from_lines(before, after);
    let count = |tag| {
        diff.iter_all_changes()
            .filter(|change| change.tag() == tag)
            .count()
    };
    (count(ChangeTag::Insert), count(ChangeTag::Delete))
}

/// The same by `git diff`; `None` without git.
fn git_count(before: &str, after: &Path) -> Option<(usize, usize)> {
    let old = after.with_extension("before");
    std::fs::write(&old, before).unwrap();
    let mut command = Command::new("git");
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    let out = command
        .args(["diff", "--no-index", "--numstat", "--"])
        .arg(old)
        .arg(after)
        .output()
        .ok()?;
    let out = String::from_utf8(out.stdout).unwrap();
    let mut words = out.split_whitespace().map(str::parse);
    match (words.next(), words.next()) {
        (Some(Ok(added)), Some(Ok(removed))) => Some((added, removed)),
        other => panic!("{other:?} in {out}"),
    }
}

#[test]
fn a_write_changes_its_own_lines_only() {
    for Style {
        name,
        text,
        record,
        first,
        one_line,
    } in styles()
    {
        let lines_of_second = if record == 1 { 1 } else { 5 };
        // The requests, and the numbers of added and removed lines. A new last record adds a comma to the line before
        // it, and deleting the last one removes that comma; if that line is a brace, it is the new record's as well.
        let comma = usize::from(record == 1);
        let mut requests = vec![
            ("PATCH", "/a/2", "{\"n\": 7}", (1, 1)),
            ("PATCH", "/a/1", "{\"n\": null}", (1, 1)),
            ("DELETE", "/a/2", "", (0, lines_of_second)),
            ("DELETE", "/a/3", "", (comma, lines_of_second + comma)),
            ("POST", "/a", "{\"n\": 3}", (record + comma, comma)),
            ("POST", "/b", "{\"n\": 3}", (first + 1, 1)),
            ("PATCH", "/o", "{\"p\": 5}", (1, 1)),
        ];
        if text.contains("[\n  ],\n  \"o\"") {
            // The brackets have lines of their own already.
            requests[5].3 = (first, 0);
        }
        for (method, path, body, expected) in requests {
            let expected = if one_line { (1, 1) } else { expected };
            let fixture = serve_data(&text);
            let reply = fixture.json(method, path, body);
            assert!(
                matches!(reply.status, 200 | 201),
                "{name}: {}",
                reply.text()
            );
            let after = fixture.text();
            let what = format!("{name}: {method} {path} {body}\n{after}");
            assert_eq!(count(&text, &after), expected, "{what}");
            // Not for all, to save processes.
            if matches!(
                (method, path),
                ("PATCH" | "DELETE", "/a/2") | ("POST", "/a")
            ) && let Some(counted) = git_count(&text, fixture.path())
            {
                assert_eq!(counted, expected, "{what}");
            }
            // Everything before and after the change is the same, byte for byte, also within a line.
            let same = |one: &mut dyn Iterator<Item = u8>, other: &mut dyn Iterator<Item = u8>| {
                one.zip(other)
                    .take_while(|(one, other)| one == other)
                    .count()
            };
            let before_it = same(&mut text.bytes(), &mut after.bytes());
            let after_it = same(&mut text.bytes().rev(), &mut after.bytes().rev());
            let longest = text.len().max(after.len()) - before_it.min(text.len()) - after_it;
            assert!(longest < 120, "{what}\n{longest} bytes differ");
        }
    }
}

#[test]
fn a_patch_keeps_the_order_and_the_spelling_of_all_it_does_not_name() {
    for Style { name, text, .. } in styles() {
        let fixture = serve_data(&text);
        let nothing = [
            ("PATCH", "/a/1", "{\"n\": 1.0}"),
            ("PATCH", "/a/1", "{}"),
            ("PATCH", "/o", "{}"),
        ];
        for (method, path, body) in nothing {
            fixture.json(method, path, body).status_is(200);
            assert_eq!(fixture.text(), text, "{name}: {method} {path} {body}");
        }
        // After a change and its reversal, the file is as it was.
        fixture.json("PATCH", "/a/1", "{\"n\": 9}").status_is(200);
        assert_ne!(fixture.text(), text, "{name}");
        fixture.json("PATCH", "/a/1", "{\"n\": 1.0}").status_is(200);
        assert_eq!(fixture.text(), text, "{name}");
        // So is a file after a record was added and deleted again.
        let id = fixture.json("POST", "/a", "{\"n\": 4}").value()["id"].clone();
        fixture.delete(&format!("/a/{id}")).status_is(200);
        assert_eq!(fixture.text(), text, "{name}");
    }
}
