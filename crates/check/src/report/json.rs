//! The report as one JSON object.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::run::{Judged, PageReport};
use crate::{Checked, coverage};

/// Prints the object and a newline.
///
/// # Errors
/// The output cannot be written.
pub fn print(checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &object(checked))?;
    writeln!(out)
}

/// The report as a value.
#[must_use]
pub fn object(checked: &Checked) -> Value {
    let examples: Vec<Value> =
        checked.pages.iter().flat_map(|page| page.judged.iter().map(|judged| example(page, judged))).collect();
    let tables: Vec<Value> = checked.pages.iter().flat_map(tables).collect();
    let endpoints: Vec<Value> = coverage::of(checked)
        .into_iter()
        .map(|endpoint| {
            json!({
                "endpoint": endpoint.to_string(),
                "documented": endpoint.documented,
                "tested": endpoint.tested,
            })
        })
        .collect();
    let summary = &checked.summary;
    json!({
        "examples": examples,
        "tables": tables,
        "coverage": endpoints,
        "summary": {
            "pass": summary.pass,
            "fail": summary.fail,
            "skipped": summary.skipped,
            "error": summary.error,
            "pages": summary.pages,
            "tables": summary.tables,
            "warnings": summary.warnings,
        },
    })
}

fn example(page: &PageReport, judged: &Judged) -> Value {
    let documented = judged.documented.as_ref().map(|node| node.to_value());
    let findings: Vec<Value> = judged
        .findings
        .iter()
        .map(|finding| {
            json!({
                "line": page.page.line(finding.range.start),
                "column": page.page.column(finding.range.start),
                "text": finding.text,
                "fix": finding.fix,
            })
        })
        .collect();
    let warnings: Vec<Value> = judged
        .warnings
        .iter()
        .map(|finding| json!({ "line": page.page.line(finding.range.start), "text": finding.text }))
        .collect();
    let actual = judged.answer.as_ref().map(|answer| {
        let body = match answer.json() {
            Some(body) => body,
            None if answer.body.is_empty() => Value::Null,
            None => Value::String(String::from_utf8_lossy(&answer.body).into_owned()),
        };
        json!({ "status": answer.status, "body": body })
    });
    json!({
        "page": page.page.path.display().to_string(),
        "line": judged.line(&page.page),
        "request": judged.title(),
        "verdict": judged.verdict.word(),
        "reason": super::with_causes(judged),
        "causes": judged.causes,
        "documented": {
            "status": judged.expected.as_ref().and_then(|expected| expected.statuses.first()),
            "body": documented,
        },
        "actual": actual.unwrap_or_else(|| json!({ "status": null, "body": null })),
        "findings": findings,
        "warnings": warnings,
    })
}

fn tables(page: &PageReport) -> Vec<Value> {
    page.tables
        .iter()
        .map(|table| {
            let findings: Vec<Value> = table
                .findings
                .iter()
                .map(|finding| {
                    json!({
                        "line": page.page.line(finding.range.start),
                        "text": finding.text,
                        "verdict": if finding.wrong { "fail" } else { "warning" },
                    })
                })
                .collect();
            let wrong = table.findings.iter().any(|finding| finding.wrong);
            json!({
                "page": page.page.path.display().to_string(),
                "line": page.page.line(table.range.start),
                "kind": table.kind,
                "resource": table.resource,
                "verdict": if wrong { "fail" } else { "pass" },
                "findings": findings,
            })
        })
        .collect()
}
