//! The report for a person: the page's text with the place underlined, what
//! differs, and the likely causes; then what was not run, and the counts.

use std::io::{self, Write};
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::count;
use crate::compare::{Difference, Step, What, short, show_path};
use crate::page::Page;
use crate::run::{Finding, Judged, LISTED, PageReport, Verdict};
use crate::tables::TableReport;
use crate::{Checked, FailOn, Options, coverage};

/// How many places of one example are underlined.
const PLACES: usize = 6;
/// How many differing members of one example are listed.
const MEMBERS: usize = 12;

/// Lists the examples without judging them.
///
/// # Errors
/// The output cannot be written.
pub fn list(checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
    for page in &checked.pages {
        for judged in &page.judged {
            let response = match &judged.example.response {
                Some(response) => match page.page.fence(response.fence) {
                    Some(fence) => format!("response on line {}", page.page.line(fence.source(response.range.start))),
                    None => String::new(),
                },
                None => "no response".to_owned(),
            };
            let status = judged.expected.as_ref().and_then(|expected| expected.statuses.first());
            let said = match (judged.verdict, status) {
                (Verdict::Skipped, Some(status)) if judged.reason == LISTED => format!("{status}, {response}"),
                (Verdict::Skipped, _) => format!("skipped: {}", judged.reason),
                _ => judged.reason.clone(),
            };
            writeln!(out, "{}: {} ({said})", place(&page.page, judged), judged.title())?;
        }
    }
    Ok(())
}

/// Prints the findings and the counts.
///
/// # Errors
/// The output cannot be written.
pub fn print(checked: &Checked, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let renderer = if options.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(if options.color { DecorStyle::Unicode } else { DecorStyle::Ascii });
    for page in &checked.pages {
        for judged in &page.judged {
            match judged.verdict {
                Verdict::Fail | Verdict::Error => failed(page, judged, &renderer, out)?,
                Verdict::Pass if !judged.warnings.is_empty() => warned(page, judged, &renderer, out)?,
                _ => {}
            }
        }
        for table in &page.tables {
            table_findings(page, table, options, &renderer, out)?;
        }
    }
    if options.verbose {
        for page in &checked.pages {
            for judged in page.judged.iter().filter(|judged| judged.verdict == Verdict::Pass) {
                writeln!(out, "pass     {}: {} ({})", place(&page.page, judged), judged.title(), judged.reason)?;
            }
        }
    }
    for page in &checked.pages {
        for judged in page.judged.iter().filter(|judged| judged.verdict == Verdict::Skipped) {
            writeln!(out, "skipped  {}: {} ({})", place(&page.page, judged), judged.title(), judged.reason)?;
        }
    }
    endpoints(checked, options, out)?;
    summary(checked, out)
}

fn place(page: &Page, judged: &Judged) -> String {
    format!("{}:{}", page.path.display(), judged.line(page))
}

fn failed(page: &PageReport, judged: &Judged, renderer: &Renderer, out: &mut dyn Write) -> io::Result<()> {
    let title = match judged.title() {
        title if title.is_empty() => judged.reason.clone(),
        title => format!("{title}: {}", judged.reason),
    };
    let path = page.page.path.display().to_string();
    let level = Level::ERROR;
    let mut group = Group::with_title(level.primary_title(title));
    if judged.findings.is_empty() {
        // Nothing of the page is wrong; the example itself is the place.
        let range = match page.page.fence(judged.example.fence) {
            Some(fence) => fence.source_range(&judged.example.span),
            None => 0..0,
        };
        group = group.element(snippet(&page.page, &path, &[(range, String::new())]));
    } else {
        let shown: Vec<(Range<usize>, String)> = places(&judged.findings);
        group = group.element(snippet(&page.page, &path, &shown));
    }
    for cause in &judged.causes {
        group = group.element(Level::NOTE.with_name("cause").message(cause.clone()));
    }
    for fix in judged.findings.iter().filter_map(|finding| finding.fix.as_ref()) {
        group = group.element(Level::HELP.message(format!("write {}", fix.trim())));
    }
    writeln!(out, "{}", renderer.render(&[group]))?;
    members(&judged.diff.differences, out)?;
    writeln!(out)
}

fn warned(page: &PageReport, judged: &Judged, renderer: &Renderer, out: &mut dyn Write) -> io::Result<()> {
    let path = page.page.path.display().to_string();
    let Some(first) = judged.warnings.first() else { return Ok(()) };
    let title = format!("{}: {}", judged.title(), first.text);
    let group = Group::with_title(Level::WARNING.primary_title(title));
    let group = group.element(snippet(&page.page, &path, &places(&judged.warnings)));
    writeln!(out, "{}\n", renderer.render(&[group]))
}

fn table_findings(
    page: &PageReport,
    table: &TableReport,
    options: &Options,
    renderer: &Renderer,
    out: &mut dyn Write,
) -> io::Result<()> {
    let path = page.page.path.display().to_string();
    for (wrong, level) in [(true, Level::ERROR), (false, Level::WARNING)] {
        // What nothing backs is worth a look, not a page of output.
        if !wrong && !options.verbose && options.fail_on != FailOn::Warnings {
            continue;
        }
        let found: Vec<Finding> = table
            .findings
            .iter()
            .filter(|finding| finding.wrong == wrong)
            .map(|finding| Finding { range: finding.range.clone(), text: finding.text.clone(), fix: None })
            .collect();
        let Some(first) = found.first() else { continue };
        let group = Group::with_title(level.primary_title(format!("table of {}: {}", table.kind, first.text)));
        let shown = if found.len() == 1 { vec![(first.range.clone(), String::new())] } else { places(&found) };
        let group = group.element(snippet(&page.page, &path, &shown));
        writeln!(out, "{}\n", renderer.render(&[group]))?;
    }
    Ok(())
}

/// The places to underline, each with its sentence; the first one's sentence
/// is the title already.
fn places(findings: &[Finding]) -> Vec<(Range<usize>, String)> {
    let mut shown: Vec<(Range<usize>, String)> = Vec::new();
    for (index, finding) in findings.iter().enumerate().take(PLACES) {
        let text = if index == 0 && findings.len() == 1 { String::new() } else { finding.text.clone() };
        // Two sentences about one place are one underline.
        match shown.iter_mut().find(|(range, _)| *range == finding.range) {
            Some((_, have)) => {
                if !have.is_empty() {
                    have.push_str("; ");
                }
                have.push_str(&text);
            }
            None => shown.push((finding.range.clone(), text)),
        }
    }
    shown
}

fn snippet<'a>(
    page: &'a Page,
    path: &'a str,
    places: &[(Range<usize>, String)],
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let mut snippet = Snippet::source(page.text.as_str()).path(path).fold(true);
    for (index, (range, text)) in places.iter().enumerate() {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let annotation = kind.span(on_one_line(page, range));
        snippet = snippet.annotation(if text.is_empty() { annotation } else { annotation.label(text.clone()) });
    }
    snippet
}

/// A place cut to its first line: a whole table underlined says less.
fn on_one_line(page: &Page, range: &Range<usize>) -> Range<usize> {
    let start = range.start.min(page.text.len());
    let end = range.end.clamp(start, page.text.len());
    let line = page.text[start..end].find('\n').map_or(end, |at| start + at);
    let line = if page.text[start..line].ends_with('\r') { line - 1 } else { line };
    if line > start {
        return start..line;
    }
    // Something must be underlined, and it must be a whole letter.
    let width = page.text[start..].chars().next().filter(|letter| *letter != '\n').map_or(0, char::len_utf8);
    start..start + width
}

/// The differing members, `-` for the page and `+` for the server.
fn members(differences: &[Difference], out: &mut dyn Write) -> io::Result<()> {
    if differences.is_empty() {
        return Ok(());
    }
    writeln!(out, "  - documented  + the server")?;
    let mut above: Option<&[Step]> = None;
    for found in differences.iter().take(MEMBERS) {
        let (parent, name) = match found.path.split_last() {
            Some((Step::Key(key), parent)) => (parent, format!("\"{key}\": ")),
            _ => (found.path.as_slice(), String::new()),
        };
        if above != Some(parent) {
            if !parent.is_empty() {
                writeln!(out, "    {}", show_path(parent))?;
            }
            above = Some(parent);
        }
        let pad = if parent.is_empty() { "" } else { "  " };
        if found.what == What::Order {
            let ids = |value: &Option<serde_json::Value>| value.as_ref().map(short).unwrap_or_default();
            writeln!(out, "  - {pad}ids {}", ids(&found.documented))?;
            writeln!(out, "  + {pad}ids {}", ids(&found.actual))?;
            continue;
        }
        if let Some(documented) = &found.documented {
            writeln!(out, "  - {pad}{name}{}", short(documented))?;
        }
        if let Some(actual) = &found.actual {
            writeln!(out, "  + {pad}{name}{}", short(actual))?;
        }
    }
    match differences.len().saturating_sub(MEMBERS) {
        0 => Ok(()),
        more => writeln!(out, "    and {more} more"),
    }
}

fn endpoints(checked: &Checked, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let all = coverage::of(checked);
    if all.is_empty() {
        return Ok(());
    }
    if options.coverage {
        for endpoint in &all {
            let state = match (endpoint.documented, endpoint.tested) {
                (_, true) => "tested",
                (true, false) => "documented",
                (false, false) => "nowhere",
            };
            writeln!(out, "{state:<11}{endpoint}")?;
        }
    }
    let documented = all.iter().filter(|endpoint| endpoint.documented).count();
    let tested = all.iter().filter(|endpoint| endpoint.tested).count();
    let nowhere: Vec<String> = all.iter().filter(|endpoint| !endpoint.documented).map(ToString::to_string).collect();
    write!(out, "endpoints: {documented} of {} documented, {tested} tested", all.len())?;
    match nowhere.len() {
        0 => writeln!(out),
        1..=6 => writeln!(out, "; documented nowhere: {}", nowhere.join(", ")),
        many => writeln!(out, "; {many} are documented nowhere (--coverage lists them)"),
    }
}

fn summary(checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
    let summary = &checked.summary;
    let examples = summary.pass + summary.fail + summary.skipped + summary.error;
    write!(
        out,
        "{} on {}: {} as documented, {} not",
        count(examples, "example", "examples"),
        count(summary.pages, "page", "pages"),
        summary.pass,
        summary.fail
    )?;
    if summary.error > 0 {
        write!(out, ", {} could not be run", summary.error)?;
    }
    if summary.skipped > 0 {
        write!(out, ", {} skipped", summary.skipped)?;
    }
    if summary.tables > 0 {
        write!(out, "; {} contradicted", count(summary.tables, "row of a table is", "rows of tables are"))?;
    }
    if summary.warnings > 0 {
        write!(out, "; {}", count(summary.warnings, "warning", "warnings"))?;
    }
    writeln!(out)
}
