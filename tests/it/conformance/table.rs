//! The tables of `tests/conformance/differences.md`: the intended differences.
//!
//! A row's last column has patterns in backticks. A pattern is matched against a difference as it is reported:
//! `PLACE: WHAT`, with `*` for anything. With `{TAG} ` before it, it is for differences with that tag; with `[NAME] `
//! for cases of that name. With `then ` before it, it is for consequences: it counts only after the same row has
//! explained an earlier difference of the case, at a request that changes the data.

use std::collections::BTreeSet;

use super::case::{Case, Line};
use super::compare::Difference;

const PAGE: &str = include_str!("../../conformance/differences.md");

/// All rows.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
}

/// An intended difference.
#[derive(Debug)]
pub struct Row {
    pub id: String,
    line: Line,
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    /// Only after the row has been used in the case.
    then: bool,
    case: Option<String>,
    tags: Vec<String>,
    place: String,
    what: String,
}

impl Table {
    /// Reads the tables of the page whose last column is called "seen as".
    pub fn read() -> Table {
        let (mut rows, mut line, mut inside) = (Vec::<Row>::new(), Line::Old, false);
        for text in PAGE.lines() {
            if let Some(title) = text.strip_prefix("## ") {
                line = if title.contains("1.0") {
                    Line::New
                } else {
                    Line::Old
                };
            }
            let Some(text) = text.strip_prefix('|') else {
                inside = false;
                continue;
            };
            let cells: Vec<&str> = text
                .trim_end()
                .trim_end_matches('|')
                .split('|')
                .map(str::trim)
                .collect();
            if cells.last() == Some(&"seen as") {
                inside = true;
            } else if inside && !cells[0].starts_with('-') {
                assert_eq!(cells.len(), 5, "a row has five columns: {text}");
                assert!(
                    cells.iter().all(|cell| !cell.is_empty()),
                    "a row says everything: {text}"
                );
                let id = cells[0].trim_matches('`').to_string();
                assert!(
                    !rows.iter().any(|row| row.id == id),
                    "two rows are called {id}"
                );
                let patterns: Vec<Pattern> = cells[4]
                    .split('`')
                    .skip(1)
                    .step_by(2)
                    .map(Pattern::parse)
                    .collect();
                assert!(!patterns.is_empty(), "the row {id} has no pattern");
                rows.push(Row { id, line, patterns });
            }
        }
        assert!(
            !rows.is_empty(),
            "differences.md has no table of differences"
        );
        Table { rows }
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The rows that explain differences of the case, and the differences that none explains.
    pub fn explain(&self, case: &Case, found: &[Difference]) -> (BTreeSet<String>, Vec<String>) {
        let (mut used, mut unknown) = (BTreeSet::new(), Vec::new());
        for difference in found {
            let mut known = false;
            for row in self.rows.iter().filter(|row| row.line == case.line) {
                let may_follow = difference.after_write && used.contains(&row.id);
                if row
                    .patterns
                    .iter()
                    .any(|one| (!one.then || may_follow) && one.fits(case, difference))
                {
                    used.insert(row.id.clone());
                    known = true;
                }
            }
            if !known {
                unknown.push(difference.to_string());
            }
        }
        (used, unknown)
    }
}

impl Pattern {
    fn parse(text: &str) -> Pattern {
        let (then, mut rest) = text
            .strip_prefix("then ")
            .map_or((false, text), |rest| (true, rest));
        let (mut case, mut tags) = (None, Vec::new());
        loop {
            if let Some((name, after)) = rest
                .strip_prefix('[')
                .and_then(|rest| rest.split_once("] "))
            {
                (case, rest) = (Some(name.to_string()), after);
            } else if let Some((tag, after)) = rest
                .strip_prefix('{')
                .and_then(|rest| rest.split_once("} "))
            {
                tags.push(tag.to_string());
                rest = after;
            } else {
                break;
            }
        }
        let (place, what) = rest
            .split_once(": ")
            .unwrap_or_else(|| panic!("a pattern is PLACE: WHAT, and not {text}"));
        Pattern {
            then,
            case,
            tags,
            place: place.into(),
            what: what.into(),
        }
    }

    fn fits(&self, case: &Case, difference: &Difference) -> bool {
        self.case.as_ref().is_none_or(|name| glob(name, &case.name))
            && self
                .tags
                .iter()
                .all(|tag| difference.tags.iter().any(|known| glob(tag, known)))
            && glob(&self.place, &difference.place)
            && glob(&self.what, &difference.what)
    }
}

/// Whether `text` fits `pattern`, in which `*` matches anything.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).any(|at| text.is_char_boundary(at) && glob(rest, &text[at..]))
        }),
    }
}

#[test]
fn a_star_stands_for_anything() {
    for (pattern, text, fits) in [
        ("a", "a", true),
        ("a", "ab", false),
        ("a*", "ab", true),
        ("*b*", "abc", true),
        ("*?*_limit=*", "/r?x=1&_limit=2", true),
        ("*c", "abd", false),
        ("é*", "éa", true),
    ] {
        assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
    }
}
