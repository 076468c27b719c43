//! A JUnit file: a suite for each page, a case for each example and table.

use std::io::{self, Write};

use crate::Checked;
use crate::run::{PageReport, Verdict};

/// Prints the file.
///
/// # Errors
/// The output cannot be written.
pub fn print(checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
    let summary = &checked.summary;
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let cases: usize = checked.pages.iter().map(|page| page.judged.len() + page.tables.len()).sum();
    let tables = checked.pages.iter().flat_map(|page| &page.tables);
    let broken = tables.filter(|table| table.findings.iter().any(|finding| finding.wrong)).count();
    writeln!(
        out,
        "<testsuites name=\"standin check\" tests=\"{cases}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        summary.fail + broken,
        summary.error,
        summary.skipped
    )?;
    for page in &checked.pages {
        suite(page, out)?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(report: &PageReport, out: &mut dyn Write) -> io::Result<()> {
    let page = &report.page;
    let path = escape(&page.path.display().to_string());
    let of = |verdict: Verdict| report.judged.iter().filter(|judged| judged.verdict == verdict).count();
    let broken = report.tables.iter().filter(|table| table.findings.iter().any(|finding| finding.wrong)).count();
    writeln!(
        out,
        "  <testsuite name=\"{path}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        report.judged.len() + report.tables.len(),
        of(Verdict::Fail) + broken,
        of(Verdict::Error),
        of(Verdict::Skipped)
    )?;
    for judged in &report.judged {
        let line = judged.line(page);
        let name = escape(&format!("line {line}: {}", judged.title()));
        write!(out, "    <testcase classname=\"{path}\" name=\"{name}\" file=\"{path}\" line=\"{line}\"")?;
        let detail: Vec<String> = judged
            .findings
            .iter()
            .map(|finding| format!("{}:{}: {}", page.path.display(), page.line(finding.range.start), finding.text))
            .collect();
        let (reason, detail) = (escape(&super::with_causes(judged)), escape(&detail.join("\n")));
        match judged.verdict {
            Verdict::Pass => writeln!(out, "/>")?,
            Verdict::Fail => writeln!(out, "><failure message=\"{reason}\">{detail}</failure></testcase>")?,
            Verdict::Error => writeln!(out, "><error message=\"{reason}\">{detail}</error></testcase>")?,
            Verdict::Skipped => writeln!(out, "><skipped message=\"{reason}\"/></testcase>")?,
        }
    }
    for table in &report.tables {
        let line = page.line(table.range.start);
        let name = escape(&format!("line {line}: table of {}", table.kind));
        write!(out, "    <testcase classname=\"{path}\" name=\"{name}\" file=\"{path}\" line=\"{line}\"")?;
        let wrong: Vec<&str> =
            table.findings.iter().filter(|finding| finding.wrong).map(|finding| finding.text.as_str()).collect();
        match wrong.first() {
            None => writeln!(out, "/>")?,
            Some(first) => {
                let (first, all) = (escape(first), escape(&wrong.join("\n")));
                writeln!(out, "><failure message=\"{first}\">{all}</failure></testcase>")?;
            }
        }
    }
    writeln!(out, "  </testsuite>")
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            // XML 1.0 has no way to write other control characters.
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
    fn markup_is_escaped() {
        assert_eq!(escape("<a b=\"c\">&\u{1}"), "&lt;a b=&quot;c&quot;&gt;&amp;\u{fffd}");
    }
}
