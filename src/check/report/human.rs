//! The report for a person.

use std::io::{self, Write};

use crate::check::{Checked, Options};

/// Lists the examples without judging them.
///
/// # Errors
/// The output cannot be written.
pub fn list(checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
    for page in &checked.pages {
        for judged in &page.judged {
            writeln!(out, "{}:{}: {}", page.page.path.display(), judged.line(&page.page), judged.title())?;
        }
    }
    Ok(())
}

/// Prints the findings and the counts.
///
/// # Errors
/// The output cannot be written.
pub fn print(checked: &Checked, _options: &Options, out: &mut dyn Write) -> io::Result<()> {
    for page in &checked.pages {
        for judged in &page.judged {
            writeln!(
                out,
                "{}:{}: {} {} -- {} {:?}",
                page.page.path.display(),
                judged.line(&page.page),
                judged.verdict.word(),
                judged.title(),
                judged.reason,
                judged.causes
            )?;
        }
        for table in &page.tables {
            for finding in &table.findings {
                writeln!(
                    out,
                    "{}:{}: table {} {}",
                    page.page.path.display(),
                    page.page.line(finding.range.start),
                    finding.wrong,
                    finding.text
                )?;
            }
        }
    }
    writeln!(out, "{:?}", checked.summary)
}
