//! The cases as they are written: one JSON object a line.

use std::fmt;
use std::path::Path;

use serde_json::Value;

/// Which json-server a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// 0.17: everything counts.
    Old,
    /// 1.0 beta: only the results of queries count.
    New,
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Line::Old => "0.17",
            Line::New => "1.0",
        })
    }
}

/// The groups of the 1.0 line that are about its query syntax.
const QUERIES: [&str; 7] = [
    "filter",
    "operators",
    "where",
    "sort",
    "paginate",
    "relations",
    "dependents",
];

/// A case: a database, what is sent, what comes back.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub group: String,
    pub line: Line,
    /// The rest, unparsed.
    pub all: Value,
}

impl Case {
    /// Whether standin is meant to respond like json-server here.
    pub fn is_ours(&self) -> bool {
        self.line == Line::Old || QUERIES.contains(&self.group.as_str())
    }

    /// The text of the data file; `None` where there is no file.
    pub fn data(&self) -> Option<String> {
        if let Some(text) = self.all["db_text"].as_str() {
            return Some(text.to_string());
        }
        (!self.all["db"].is_null()).then(|| format!("{:#}", self.all["db"]))
    }

    /// The name of the data file.
    pub fn source(&self) -> &str {
        self.all["source"].as_str().unwrap_or("db.json")
    }

    pub fn steps(&self) -> &[Value] {
        self.all["steps"].as_array().map_or(&[], Vec::as_slice)
    }

    pub fn arguments(&self) -> Vec<String> {
        let arguments = self.all["args"].as_array().into_iter().flatten();
        arguments
            .filter_map(Value::as_str)
            .map(str::to_string)
            .collect()
    }

    /// Further files by name.
    pub fn files(&self) -> Vec<(String, String)> {
        let files = self.all["files"].as_object().into_iter().flatten();
        files
            .map(|(name, text)| {
                (
                    name.clone(),
                    text.as_str()
                        .map_or_else(|| format!("{text:#}"), str::to_string),
                )
            })
            .collect()
    }
}

/// The cases of all files in `folder`.
pub fn read(folder: &Path) -> Vec<Case> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in paths.iter().filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "jsonl")
    }) {
        let text = std::fs::read_to_string(path).unwrap();
        for (number, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
        {
            let place = format!("{}:{}", path.display(), number + 1);
            let all: Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{place}: {error}"));
            let word = |name: &str| {
                all[name]
                    .as_str()
                    .unwrap_or_else(|| panic!("{place}: no {name}"))
                    .to_string()
            };
            let line = match word("line").as_str() {
                "017" => Line::Old,
                "v1" => Line::New,
                other => panic!("{place}: no line {other}"),
            };
            cases.push(Case {
                name: word("name"),
                group: word("group"),
                line,
                all,
            });
        }
    }
    cases
}
