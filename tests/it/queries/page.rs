use std::path::PathBuf;

use serde_json::Value;
use standin::internals::rules::{OPERATORS, RESERVED};
use standin::internals::text::query_encode;

use super::Data;

fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn blog() -> Data {
    Data::new(&serde_json::from_str(crate::support::BLOG).unwrap())
}

/// The path and query of a `curl` line of the page.
fn target(command: &str) -> Option<String> {
    let rest = command.strip_prefix("curl ")?;
    let start = rest.find("http://localhost:3000")? + "http://localhost:3000".len();
    let end = rest[start..]
        .find(['\'', ' '])
        .map_or(rest.len(), |length| start + length);
    let mut url = rest[start..end].to_string();
    for data in rest[end..].split("--data-urlencode '").skip(1) {
        let (name, value) = data.split_once('\'')?.0.split_once('=')?;
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(&format!("{name}={}", query_encode(value)));
    }
    Some(url)
}

/// A response as the page shows it: one record per line.
fn shown(body: &Value) -> String {
    match body {
        Value::Array(rows) if rows.is_empty() => "[]".into(),
        Value::Array(rows) => {
            let rows: Vec<String> = rows
                .iter()
                .map(|row| format!("  {}", one_line(row)))
                .collect();
            format!("[\n{}\n]", rows.join(",\n"))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| {
                    let value = match value {
                        Value::Array(rows) if rows.iter().any(Value::is_object) => {
                            shown(value).replace('\n', "\n  ")
                        }
                        other => one_line(other),
                    };
                    format!("  {}: {value}", Value::from(name.as_str()))
                })
                .collect();
            format!("{{\n{}\n}}", members.join(",\n"))
        }
        other => other.to_string(),
    }
}

fn one_line(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), one_line(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(one_line).collect::<Vec<_>>().join(", ")
        ),
        other => other.to_string(),
    }
}

/// Every request of the page has the response below it. With `UPDATE_PAGES` set the responses are rewritten.
#[test]
fn the_page_shows_real_responses() {
    let (path, data) = (project("docs/queries.md"), blog());
    let page = std::fs::read_to_string(&path).unwrap();
    let (mut out, mut asked, mut examples) = (Vec::new(), None, 0);
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        out.push(line.to_string());
        if !line.starts_with("```") || line == "```" {
            continue;
        }
        let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let mut text = inside.join("\n");
        match line {
            "```bash" => asked = target(&text),
            "```json" => {
                let url = asked.take().expect("a request precedes its response");
                let response = data.get(&url);
                assert_eq!((response.status, response.error), (200, None), "{url}");
                examples += 1;
                if std::env::var_os("UPDATE_PAGES").is_some() {
                    text = shown(&response.body);
                }
                let expected: Value =
                    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{url}: {error}"));
                assert_eq!(response.body, expected, "{url}");
            }
            _ => {}
        }
        out.extend([text, "```".to_string()]);
    }
    assert!(examples > 30, "{examples}");
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(path, out.join("\n") + "\n").unwrap();
    }
}

/// The tables of the page: the declared operators, actual mistakes, every reserved name.
#[test]
fn the_pages_tables_are_true() {
    let page = std::fs::read_to_string(project("docs/queries.md")).unwrap();
    for operator in OPERATORS {
        let row = format!("| `{}` | {} |", operator.name, operator.meaning);
        assert!(page.contains(&row), "{row}");
    }
    for name in RESERVED {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
    let mistakes: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `/")?.split_once("` |"))
        .map(|row| row.0)
        .collect();
    assert!(mistakes.len() > 8);
    for url in mistakes {
        let response = blog().get(&format!("/{url}"));
        let error = response
            .error
            .unwrap_or_else(|| panic!("/{url} is not a mistake"));
        let example = match error.example.split_once('=') {
            Some((name, json)) if name == "_where" => format!("{name}={}", query_encode(json)),
            _ => error.example,
        };
        assert_eq!(
            blog().get(&format!("/posts?{example}")).status,
            200,
            "{url}: {example}"
        );
    }
}
