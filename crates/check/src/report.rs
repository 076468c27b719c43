//! Reports for programs: JSON, GitHub annotations and JUnit.

use std::io::{self, Write};
use std::ops::Range;

use serde_json::{Value, json};

use super::options::{Format, Options};
use super::outcome::{ExampleResult, Finding, Outcome, PageResult, RunResult, TableResult};
use super::page::Page;
use super::service::{Body, Received};
use super::summary::{Summary, coverage, detected_prefixes, uncompared};
use super::terminal;

/// Prints a report in the format of the options.
pub fn print(result: &RunResult, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    match options.format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &to_json(result))?;
            writeln!(out)
        }
        Format::Github => github(result, out),
        Format::Junit => junit(result, out),
        Format::Human if options.list => terminal::list(result, out),
        Format::Human => terminal::print(result, options, out),
    }
}

/// The reason and the likely cause in one sentence.
fn with_cause(result: &ExampleResult) -> String {
    let failure = result.outcome.failure();
    let cause = failure.and_then(|failure| failure.shown_cause());
    let cause = cause.map(|cause| format!("; likely cause: {}", cause.text));
    result.outcome.reason() + &cause.unwrap_or_default()
}

fn to_json(result: &RunResult) -> Value {
    let pages = &result.pages;
    let examples = pages.iter().flat_map(|result| {
        let examples = result.examples.iter();
        examples.map(|example| example_json(&result.page, example))
    });
    let tables = pages.iter().flat_map(|result| {
        let tables = result.tables.iter();
        tables.map(|table| table_json(&result.page, table))
    });
    let coverage = coverage(&result.pages).into_iter().map(|endpoint| {
        json!({"endpoint": endpoint.to_string(), "documented": endpoint.documented, "tested": endpoint.tested})
    });
    let summary = Summary::of(&result.pages);
    json!({
        "examples": examples.collect::<Vec<_>>(),
        "tables": tables.collect::<Vec<_>>(),
        "coverage": coverage.collect::<Vec<_>>(),
        "notCompared": uncompared(pages).into_iter().map(|(page, line, reason)| {
            json!({"page": page.path.display().to_string(), "line": line, "reason": reason})
        }).collect::<Vec<_>>(),
        "notRead": result.unread.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "prefixes": detected_prefixes(pages),
        "summary": {
            "pass": summary.passed,
            "fail": summary.failed,
            "skipped": summary.skipped,
            "error": summary.errors,
            "pages": summary.pages,
            "tables": summary.tables,
            "warnings": summary.warnings,
        },
    })
}

fn example_json(page: &Page, result: &ExampleResult) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "line": page.line(finding.range.start),
            "column": page.column(finding.range.start),
            "text": finding.text,
            "fix": finding.fix,
        })
    };
    let details = &result.details;
    let failure = result.outcome.failure();
    let findings = failure.into_iter().flat_map(|failure| failure.findings());
    let cause = failure.and_then(|failure| failure.cause.as_ref());
    let causes: Vec<&str> = cause.iter().map(|cause| &*cause.text).collect();
    let actual = match &details.received {
        Some(received) => answer(received),
        None => json!({"status": null, "body": null}),
    };
    json!({
        "page": page.path.display().to_string(),
        "line": result.line(page),
        "request": result.title(),
        "verdict": result.outcome.word(),
        "reason": with_cause(result),
        "causes": causes,
        "documented": {
            "status": details.expected.as_ref().and_then(|expected| expected.statuses.first()),
            "body": details.documented.as_ref().map(|node| node.to_value()),
        },
        "actual": actual,
        "findings": findings.map(finding).collect::<Vec<_>>(),
        "warnings": details.warnings.iter().map(finding).collect::<Vec<_>>(),
        "drift": details.drift.as_ref().map(|drift| {
            json!({"alone": drift.alone, "text": drift.text, "mock": answer(&drift.mock)})
        }),
    })
}

fn answer(received: &Received) -> Value {
    let body = match &received.body {
        Body::Empty => Value::Null,
        Body::Json(value) => value.clone(),
        Body::Text(text) => text.as_str().into(),
    };
    json!({"status": received.status, "body": body})
}

fn table_json(page: &Page, table: &TableResult) -> Value {
    let findings = table.findings.iter().map(|finding| {
        json!({
            "line": page.line(finding.range.start),
            "text": finding.text,
            "verdict": if finding.wrong { "fail" } else { "warning" },
        })
    });
    json!({
        "page": page.path.display().to_string(),
        "line": page.line(table.range.start),
        "kind": table.kind,
        "resource": table.resource,
        "verdict": if table.is_wrong() { "fail" } else { "pass" },
        "findings": findings.collect::<Vec<_>>(),
    })
}

/// Annotations for GitHub Actions.
fn github(result: &RunResult, out: &mut dyn Write) -> io::Result<()> {
    for PageResult {
        page,
        examples,
        tables,
        ..
    } in &result.pages
    {
        let mut annotate = |level: &str, range: &Range<usize>, title: &str, message: &str| {
            writeln!(
                out,
                "::{level} file={},line={},col={},title={}::{}",
                github_property(&page.path.display().to_string()),
                page.line(range.start),
                page.column(range.start),
                github_property(title),
                github_data(message)
            )
        };
        for result in examples {
            let title = result.title();
            match &result.outcome {
                Outcome::Failed(failure) => {
                    let mut message = result.outcome.reason();
                    if let Some(cause) = failure.shown_cause() {
                        message.push_str(&format!("\ncause: {}", cause.text));
                    }
                    for Finding { range, text, .. } in &failure.more {
                        let line = page.line(range.start);
                        message.push_str(&format!("\nline {line}: {text}"));
                    }
                    annotate("error", &failure.first.range, &title, &message)?;
                }
                Outcome::Error(reason) => annotate("error", &result.range, &title, reason)?,
                Outcome::Passed(_) | Outcome::Skipped(_) => {}
            }
            for warning in &result.details.warnings {
                annotate("warning", &warning.range, &title, &warning.text)?;
            }
        }
        for finding in tables.iter().flat_map(|table| &table.findings) {
            let level = if finding.wrong { "error" } else { "warning" };
            annotate(level, &finding.range, "table", &finding.text)?;
        }
    }
    for (page, line, reason) in uncompared(&result.pages) {
        let path = github_property(&page.path.display().to_string());
        writeln!(
            out,
            "::notice file={path},line={line}::this response was not compared ({reason})"
        )?;
    }
    for path in &result.unread {
        let path = github_property(&path.display().to_string());
        writeln!(
            out,
            "::notice file={path}::not read: only Markdown, .http and .rest are"
        )?;
    }
    writeln!(out, "{}", Summary::of(&result.pages).counts())
}

fn github_data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn github_property(text: &str) -> String {
    github_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A JUnit file with a suite for each page that has examples or tables.
fn junit(result: &RunResult, out: &mut dyn Write) -> io::Result<()> {
    let all = result.pages.iter().fold([0; 4], |sum, page| {
        let counts = junit_counts(page);
        std::array::from_fn(|at| sum[at] + counts[at])
    });
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let attributes = junit_attributes(all);
    writeln!(out, "<testsuites name=\"standin check\" {attributes}>")?;
    for page in &result.pages {
        if !page.examples.is_empty() || !page.tables.is_empty() {
            junit_suite(page, out)?;
        }
    }
    writeln!(out, "</testsuites>")
}

/// Tests, failures, errors and skipped.
fn junit_counts(page: &PageResult) -> [usize; 4] {
    let summary = Summary::of(std::slice::from_ref(page));
    let wrong_tables = page.tables.iter().filter(|table| table.is_wrong()).count();
    let tests = page.examples.len() + page.tables.len();
    let failures = summary.failed + wrong_tables;
    [tests, failures, summary.errors, summary.skipped]
}

fn junit_attributes([tests, failures, errors, skipped]: [usize; 4]) -> String {
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"")
}

fn junit_suite(result: &PageResult, out: &mut dyn Write) -> io::Result<()> {
    let page = &result.page;
    let path = escape_xml(&page.path.display().to_string());
    let attributes = junit_attributes(junit_counts(result));
    writeln!(out, "  <testsuite name=\"{path}\" {attributes}>")?;
    let mut case = |line: usize, name: String, child: Option<(&str, String, String)>| {
        let name = escape_xml(&format!("line {line}: {name}"));
        write!(
            out,
            "    <testcase classname=\"{path}\" name=\"{name}\" file=\"{path}\" line=\"{line}\""
        )?;
        match child {
            None => writeln!(out, "/>"),
            Some((tag, message, text)) => {
                let (message, text) = (escape_xml(&message), escape_xml(&text));
                writeln!(
                    out,
                    "><{tag} message=\"{message}\">{text}</{tag}></testcase>"
                )
            }
        }
    };
    for example in &result.examples {
        let child = match &example.outcome {
            Outcome::Passed(_) => None,
            Outcome::Failed(failure) => {
                let lines = failure.findings().map(|Finding { range, text, .. }| {
                    let (path, line) = (page.path.display(), page.line(range.start));
                    format!("{path}:{line}: {text}")
                });
                let lines = lines.collect::<Vec<_>>().join("\n");
                Some(("failure", with_cause(example), lines))
            }
            Outcome::Error(reason) => Some(("error", reason.clone(), String::new())),
            Outcome::Skipped(reason) => Some(("skipped", reason.clone(), String::new())),
        };
        case(example.line(page), example.title(), child)?;
    }
    for table in &result.tables {
        let wrong = table.findings.iter().filter(|finding| finding.wrong);
        let wrong: Vec<&str> = wrong.map(|finding| finding.text.as_str()).collect();
        let first = wrong.first();
        let child = first.map(|first| ("failure", (*first).to_owned(), wrong.join("\n")));
        let line = page.line(table.range.start);
        case(line, format!("table of {}", table.kind), child)?;
    }
    writeln!(out, "  </testsuite>")
}

fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            // XML 1.0 cannot represent other control characters.
            control if control.is_control() => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(
            escape_xml("<a b=\"c\">&\u{1}"),
            "&lt;a b=&quot;c&quot;&gt;&amp;\u{fffd}"
        );
        assert_eq!(github_data("50%\nnext"), "50%25%0Anext");
        assert_eq!(github_property("a: b, c"), "a%3A b%2C c");
    }
}
