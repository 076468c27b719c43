//! The front matter of a page: its settings for testing.
//!
//! The block that documentation courses use:
//!
//! ```yaml
//! test:
//!   server_url: localhost:3000
//!   local_database: /api/db.json
//!   testable:
//!     - GET example / 200
//!     - PUT example / 200,204
//! ```
//!
//! Only this subset of YAML is parsed: nested keys, both list notations, quotes and comments.

use std::ops::Range;

use super::text::Lines;

/// Settings in the front matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FrontMatter {
    /// `test.server_url`, or `base_url`, as written.
    pub server_url: Option<String>,
    /// `test.local_database`, as written.
    pub database: Option<String>,
    /// The entries of `test.testable`.
    pub testable: Vec<Testable>,
    /// `standin: skip`: do not run any example of the page.
    pub skip: bool,
    /// `standin.prefix` or `test.prefix`: a path prefix to remove.
    pub prefix: Option<String>,
}

/// An entry of `testable`: the name of an example and its allowed statuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Testable {
    /// The example's heading up to the word "request".
    pub name: String,
    /// Allowed statuses; empty when the entry names none.
    pub statuses: Vec<u16>,
    /// Byte range in the page.
    pub range: Range<usize>,
}

impl FrontMatter {
    /// Parses the front matter; also returns where the page's body begins.
    pub fn parse(text: &str) -> (FrontMatter, usize) {
        let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let mut lines = Lines::new(text, start);
        match lines.next() {
            Some((first, _)) if first.trim_end() == "---" => {}
            _ => return (FrontMatter::default(), start),
        }
        let mut kept = Vec::new();
        for (line, at) in lines.by_ref() {
            if matches!(line.trim_end(), "---" | "...") {
                return (FrontMatter::read(&kept), lines.at);
            }
            kept.push((line, at));
        }
        (FrontMatter::default(), start)
    }

    fn read(lines: &[(&str, usize)]) -> FrontMatter {
        let mut front = FrontMatter::default();
        let mut path: Vec<(usize, String)> = Vec::new();
        for (line, at) in lines {
            let body = uncomment(line);
            let words = body.trim();
            if words.is_empty() {
                continue;
            }
            let indent = body.len() - body.trim_start().len();
            if let Some(item) = words.strip_prefix("- ") {
                // A list may be indented no deeper than its key.
                while path.last().is_some_and(|(depth, _)| *depth > indent) {
                    path.pop();
                }
                if key(&path) == "test.testable" {
                    let place = line.find(item).unwrap_or(0) + at;
                    front.testable.push(testable(item, place));
                }
                continue;
            }
            let Some((name, value)) = split_pair(words) else {
                continue;
            };
            while path.last().is_some_and(|(depth, _)| *depth >= indent) {
                path.pop();
            }
            path.push((indent, name.to_ascii_lowercase()));
            if !value.is_empty() {
                let place = line.find(value).unwrap_or(0) + at;
                front.set(&key(&path), value, place);
            }
        }
        front
    }

    fn set(&mut self, key: &str, value: &str, at: usize) {
        let plain = unquote(value);
        match key {
            "test.server_url" | "test.base_url" => self.server_url = Some(plain.to_owned()),
            "test.local_database" => self.database = Some(plain.to_owned()),
            "test.prefix" | "standin.prefix" => self.prefix = Some(plain.to_owned()),
            "standin.db" => self.database = Some(plain.to_owned()),
            "standin" | "test" if matches!(plain, "skip" | "false" | "off") => self.skip = true,
            "standin.skip" if plain == "true" => self.skip = true,
            "test.testable" => {
                let list = value
                    .strip_prefix('[')
                    .and_then(|list| list.strip_suffix(']'));
                match list {
                    // A comma also separates statuses: only one before a letter ends an entry.
                    Some(list) => {
                        let mut from = 0;
                        for (index, _) in list.match_indices(',') {
                            let next = list[index + 1..].trim_start();
                            if next.starts_with(|c: char| c.is_ascii_digit()) {
                                continue;
                            }
                            self.testable
                                .push(testable(&list[from..index], at + 1 + from));
                            from = index + 1;
                        }
                        if !list[from..].trim().is_empty() {
                            self.testable.push(testable(&list[from..], at + 1 + from));
                        }
                    }
                    None => self.testable.push(testable(value, at)),
                }
            }
            _ => {}
        }
    }
}

fn testable(entry: &str, at: usize) -> Testable {
    let trimmed = entry.trim();
    let at = at + (entry.len() - entry.trim_start().len());
    let plain = unquote(trimmed);
    // The name may contain slashes itself: `GET /users / 200`.
    let split = plain.rsplit_once('/').and_then(|(name, codes)| {
        let codes: Option<Vec<u16>> = codes
            .split(',')
            .map(|code| {
                code.trim()
                    .parse()
                    .ok()
                    .filter(|code| (100..600).contains(code))
            })
            .collect();
        codes.map(|codes| (name.trim().to_owned(), codes))
    });
    let (name, statuses) = split.unwrap_or_else(|| (plain.to_owned(), Vec::new()));
    Testable {
        name,
        statuses,
        range: at..at + trimmed.len(),
    }
}

fn key(path: &[(usize, String)]) -> String {
    path.iter()
        .map(|(_, name)| name.as_str())
        .collect::<Vec<_>>()
        .join(".")
}

fn split_pair(words: &str) -> Option<(&str, &str)> {
    let at = words.find(':')?;
    let rest = &words[at + 1..];
    (rest.is_empty() || rest.starts_with(' ')).then(|| (words[..at].trim(), rest.trim()))
}

fn unquote(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
        {
            return inner;
        }
    }
    value
}

fn uncomment(line: &str) -> &str {
    let line = line.trim_end();
    let mut quote = None;
    let mut before = ' ';
    for (at, letter) in line.char_indices() {
        match (quote, letter) {
            (None, '"' | '\'') if before == ' ' || before == '[' => quote = Some(letter),
            (Some(open), close) if open == close => quote = None,
            (None, '#') if before == ' ' => return line[..at].trim_end(),
            _ => {}
        }
        before = letter;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_of_the_course_is_read() {
        let text = "---\n# vale off\nlayout: default\ntest:\n    test_apps:\n        - some-server@1\n    server_url: localhost:3000\n    local_database: /api/db.json\n    testable:\n        - GET example / 200\n        - PUT `user` / 200,204\n        - GET /users/{id} / 200\n        - POST it\n# vale on\n---\n\n# Body\n";
        let (front, body) = FrontMatter::parse(text);
        assert_eq!(front.server_url.as_deref(), Some("localhost:3000"));
        assert_eq!(front.database.as_deref(), Some("/api/db.json"));
        let seen: Vec<_> = front
            .testable
            .iter()
            .map(|entry| (entry.name.as_str(), entry.statuses.clone()))
            .collect();
        assert_eq!(
            seen,
            [
                ("GET example", vec![200]),
                ("PUT `user`", vec![200, 204]),
                ("GET /users/{id}", vec![200]),
                ("POST it", vec![])
            ]
        );
        assert_eq!(
            &text[front.testable[1].range.clone()],
            "PUT `user` / 200,204"
        );
        assert!(text[body..].trim_start().starts_with("# Body"));
    }

    #[test]
    fn rows() {
        let rows: [(&str, usize, bool); 6] = [
            ("---\ntest:\n  testable: GET x / 200\n---\n", 1, false),
            (
                "---\ntest:\n  testable: [GET x / 200,204, \"POST y / 201\"]\n---\n",
                2,
                false,
            ),
            (
                "---\ntest:\n  testable:\n  - GET x / 200\n  - GET y / 200\n---\n",
                2,
                false,
            ),
            (
                "---\n# test:\n#   testable:\n#     - GET x / 200\n---\n",
                0,
                false,
            ),
            ("---\nstandin: skip\n---\n", 0, true),
            ("no front matter\n---\ntest: skip\n---\n", 0, false),
        ];
        for (text, entries, skip) in rows {
            let (front, _) = FrontMatter::parse(text);
            assert_eq!(
                (front.testable.len(), front.skip),
                (entries, skip),
                "{text}"
            );
        }
    }
}
