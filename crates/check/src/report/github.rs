//! Annotations as GitHub's workflows read them from the log.

use std::io::{self, Write};
use std::ops::Range;

use crate::Checked;
use crate::page::Page;
use crate::run::Verdict;

/// Prints one annotation for each finding and the counts.
///
/// # Errors
/// The output cannot be written.
pub fn print(checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
    for report in &checked.pages {
        let page = &report.page;
        for judged in &report.judged {
            if matches!(judged.verdict, Verdict::Fail | Verdict::Error) {
                let range = match judged.findings.first() {
                    Some(finding) => finding.range.clone(),
                    None => page.blocks.get(judged.example.fence).map_or(0..0, |block| block.range()),
                };
                let mut message = judged.reason.clone();
                for cause in &judged.causes {
                    message.push_str("\ncause: ");
                    message.push_str(cause);
                }
                for finding in judged.findings.iter().skip(1) {
                    message.push_str(&format!("\nline {}: {}", page.line(finding.range.start), finding.text));
                }
                annotate(out, "error", page, &range, &judged.title(), &message)?;
            }
            for warning in &judged.warnings {
                annotate(out, "warning", page, &warning.range, &judged.title(), &warning.text)?;
            }
        }
        for finding in report.tables.iter().flat_map(|table| &table.findings) {
            let kind = if finding.wrong { "error" } else { "warning" };
            annotate(out, kind, page, &finding.range, "table", &finding.text)?;
        }
    }
    let summary = &checked.summary;
    writeln!(
        out,
        "{} as documented, {} not, {} skipped, {} could not be run, {} rows of tables contradicted",
        summary.pass, summary.fail, summary.skipped, summary.error, summary.tables
    )
}

fn annotate(
    out: &mut dyn Write,
    kind: &str,
    page: &Page,
    range: &Range<usize>,
    title: &str,
    message: &str,
) -> io::Result<()> {
    writeln!(
        out,
        "::{kind} file={},line={},col={},title={}::{}",
        property(&page.path.display().to_string()),
        page.line(range.start),
        page.column(range.start),
        property(title),
        data(message)
    )
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_an_annotation_is_escaped() {
        assert_eq!(data("50%\nnext"), "50%25%0Anext");
        assert_eq!(property("a: b, c"), "a%3A b%2C c");
    }
}
