//! The report for people: source snippets with what differs and the likely cause, then what was skipped, and counts.

use std::io::{self, Write};
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::compare::{Difference, DifferenceKind, Step, short, show_path};
use super::options::{FailOn, Options};
use super::outcome::{ExampleResult, Finding, Outcome, PageResult, RunResult, TableResult};
use super::page::Page;
use super::run::LISTED;
use super::summary::{Summary, count, coverage, detected_prefixes, uncompared};
use super::text::{floor_char_boundary, one_line};

/// How many ranges of an example are underlined.
const MAX_UNDERLINED: usize = 6;
/// How many differing members of an example are listed.
const MAX_DIFFERENCES: usize = 12;

/// Writes one line. What it shows of pages and names cannot end it, or style what follows.
macro_rules! line {
    ($out:expr, $($text:tt)*) => {
        writeln!($out, "{}", one_line(&format!($($text)*)))
    };
}

/// Lists the examples that were found.
pub fn list(result: &RunResult, out: &mut dyn Write) -> io::Result<()> {
    for PageResult { page, examples, .. } in &result.pages {
        for result in examples {
            let response = result.example.response.as_ref();
            let response = response
                .and_then(|response| Some((page.fence(response.fence)?, response.range.start)));
            let response = match response {
                Some((fence, start)) => {
                    format!("response on line {}", page.line(fence.source(start)))
                }
                None => "no response".to_owned(),
            };
            let status = result
                .details
                .expected
                .as_ref()
                .and_then(|expected| expected.statuses.first());
            let note = match (&result.outcome, status) {
                (Outcome::Skipped(reason), Some(status)) if reason == LISTED => {
                    format!("{status}, {response}")
                }
                (Outcome::Skipped(reason), _) => format!("skipped: {reason}"),
                (outcome, _) => outcome.reason(),
            };
            line!(out, "{}: {} ({note})", place(page, result), result.title())?;
        }
    }
    print_unread(result, out)
}

/// Names the files that were passed over.
fn print_unread(result: &RunResult, out: &mut dyn Write) -> io::Result<()> {
    let unread: Vec<String> = result
        .unread
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    if unread.is_empty() {
        return Ok(());
    }
    let files = count(unread.len(), "file was", "files were");
    let names = unread.join(", ");
    line!(
        out,
        "{files} not read: {names} (only Markdown, .http and .rest files are read)"
    )
}

/// Prints the findings and the counts.
pub fn print(result: &RunResult, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let renderer = match options.color {
        true => Renderer::styled().decor_style(DecorStyle::Unicode),
        false => Renderer::plain().decor_style(DecorStyle::Ascii),
    };
    let results = || {
        result
            .pages
            .iter()
            .flat_map(|page| page.examples.iter().map(|result| (&page.page, result)))
    };
    for page in &result.pages {
        let mut printer = Printer {
            page: &page.page,
            path: one_line(&page.page.path.display().to_string()),
            renderer: &renderer,
            out,
        };
        for result in &page.examples {
            printer.example(result)?;
        }
        for table in &page.tables {
            // A row that the data and the rules neither confirm nor contradict is a warning.
            printer.table(
                table,
                options.verbose || options.fail_on == FailOn::Warnings,
            )?;
        }
    }
    for (page, result) in results().filter(|_| options.verbose) {
        if let Outcome::Passed(note) = &result.outcome {
            line!(
                out,
                "passed   {}: {} ({note})",
                place(page, result),
                result.title()
            )?;
        }
    }
    for (page, result) in results() {
        if let Outcome::Skipped(reason) = &result.outcome {
            line!(
                out,
                "skipped  {}: {} ({reason})",
                place(page, result),
                result.title()
            )?;
        }
    }
    print_coverage(result, options, out)?;
    let summary = Summary::of(&result.pages);
    let examples = summary.passed + summary.failed + summary.skipped + summary.errors;
    let examples = count(examples, "example", "examples");
    line!(
        out,
        "{examples} on {}: {}",
        count(summary.pages, "page", "pages"),
        summary.counts()
    )?;
    let uncompared: Vec<String> = uncompared(&result.pages)
        .into_iter()
        .map(|(page, line, reason)| format!("{}:{line} ({reason})", page.path.display()))
        .collect();
    if !uncompared.is_empty() {
        let responses = count(uncompared.len(), "response was", "responses were");
        line!(out, "{responses} not compared: {}", uncompared.join(", "))?;
    }
    print_unread(result, out)?;
    let mut files: Vec<String> = options.server.iter().cloned().collect();
    for dataset in result.pages.iter().filter_map(|page| page.dataset.as_ref()) {
        let rules = dataset
            .rules
            .as_ref()
            .map(|rules| format!(" with the rules in {}", rules.path.display()));
        let name = format!(
            "{}{}",
            dataset.data.path.display(),
            rules.unwrap_or_default()
        );
        if !name.is_empty() && !files.contains(&name) {
            files.push(name);
        }
    }
    if !files.is_empty() {
        line!(out, "data: {}", files.join(", "))?;
    }
    for (prefix, pages) in detected_prefixes(&result.pages) {
        let pages = pages.join(", ");
        line!(
            out,
            "prefix: {prefix} is removed from the paths in {pages}, as with `--prefix {prefix}`"
        )?;
    }
    Ok(())
}

fn place(page: &Page, result: &ExampleResult) -> String {
    format!("{}:{}", page.path.display(), result.line(page))
}

fn print_coverage(result: &RunResult, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let all = coverage(&result.pages);
    if all.is_empty() {
        return Ok(());
    }
    for endpoint in all.iter().filter(|_| options.coverage) {
        let state = match (endpoint.documented, endpoint.tested) {
            (_, true) => "tested",
            (true, false) => "documented",
            (false, false) => "undocumented",
        };
        line!(out, "{state:<13}{endpoint}")?;
    }
    let tested = all.iter().filter(|endpoint| endpoint.tested).count();
    let undocumented: Vec<String> = all
        .iter()
        .filter(|endpoint| !endpoint.documented)
        .map(ToString::to_string)
        .collect();
    let documented = all.len() - undocumented.len();
    write!(
        out,
        "endpoints: {documented} of {} documented, {tested} tested",
        all.len()
    )?;
    match undocumented.len() {
        0 => writeln!(out),
        1..=6 => line!(out, "; undocumented: {}", undocumented.join(", ")),
        many => line!(out, "; {many} undocumented (--coverage lists them)"),
    }
}

struct Printer<'a> {
    page: &'a Page,
    path: String,
    renderer: &'a Renderer,
    out: &'a mut dyn Write,
}

impl Printer<'_> {
    fn example(&mut self, result: &ExampleResult) -> io::Result<()> {
        let title =
            |text: &str| one_line(format!("{}: {text}", result.title()).trim_start_matches(": "));
        let reason = title(&result.outcome.reason());
        match &result.outcome {
            Outcome::Failed(failure) => {
                let findings: Vec<&Finding> = failure.findings().collect();
                let snippet = self.snippet(&underlined(&findings));
                let mut group =
                    Group::with_title(Level::ERROR.primary_title(reason)).element(snippet);
                let cause = failure.shown_cause().map(|cause| ("cause", &cause.text));
                let drift = result.details.drift.as_ref();
                let drift = drift.map(|drift| ("drift", &drift.text));
                for (name, text) in cause.into_iter().chain(drift) {
                    group = group.element(Level::NOTE.with_name(name).message(one_line(text)));
                }
                // The values of differences are listed below.
                let others = findings.len().saturating_sub(failure.differences.len());
                let fixes = findings.iter().take(others);
                for fix in fixes.filter_map(|finding| finding.fix.as_ref()) {
                    group = group.element(Level::HELP.message(one_line(&advice(fix.trim()))));
                }
                for warning in &result.details.warnings {
                    group = group.element(Level::WARNING.message(one_line(&warning.text)));
                }
                let rendered = self.renderer.render(&[group]);
                writeln!(self.out, "{rendered}")?;
                self.differences(&failure.differences)?;
                writeln!(self.out)
            }
            Outcome::Error(_) => {
                let snippet = self.snippet(&[(result.range.clone(), String::new())]);
                self.group(Group::with_title(Level::ERROR.primary_title(reason)).element(snippet))
            }
            Outcome::Passed(_) => {
                let warnings: Vec<&Finding> = result.details.warnings.iter().collect();
                let Some(first) = warnings.first() else {
                    return Ok(());
                };
                let snippet = self.snippet(&underlined(&warnings));
                self.group(
                    Group::with_title(Level::WARNING.primary_title(title(&first.text)))
                        .element(snippet),
                )
            }
            Outcome::Skipped(_) => Ok(()),
        }
    }

    fn table(&mut self, table: &TableResult, with_warnings: bool) -> io::Result<()> {
        for (wrong, level) in [(true, Level::ERROR), (false, Level::WARNING)] {
            let of_level = table
                .findings
                .iter()
                .filter(|finding| finding.wrong == wrong && (wrong || with_warnings));
            let found: Vec<Finding> = of_level
                .map(|finding| Finding::new(finding.range.clone(), finding.text.clone()))
                .collect();
            let Some(first) = found.first() else { continue };
            let title = one_line(&format!("table of {}: {}", table.kind, first.text));
            let snippet = self.snippet(&underlined(&found.iter().collect::<Vec<_>>()));
            self.group(Group::with_title(level.primary_title(title)).element(snippet))?;
        }
        Ok(())
    }

    fn group(&mut self, group: Group<'_>) -> io::Result<()> {
        let rendered = self.renderer.render(&[group]);
        writeln!(self.out, "{rendered}\n")
    }

    fn snippet(&self, ranges: &[(Range<usize>, String)]) -> Snippet<'static, Annotation<'static>> {
        let mut snippet = Snippet::source(self.page.text.clone())
            .path(self.path.clone())
            .fold(true);
        for (index, (range, text)) in ranges.iter().enumerate() {
            let kind = if index == 0 {
                AnnotationKind::Primary
            } else {
                AnnotationKind::Context
            };
            let annotation = kind.span(self.first_line(range));
            snippet = snippet.annotation(if text.is_empty() {
                annotation
            } else {
                annotation.label(one_line(text))
            });
        }
        snippet
    }

    /// The part of a range that is on its first line, at least one character.
    fn first_line(&self, range: &Range<usize>) -> Range<usize> {
        let text = &self.page.text;
        // The text of a table cell may differ from its source, so an offset may be within a character.
        let start = floor_char_boundary(text, range.start);
        let end = floor_char_boundary(text, range.end).max(start);
        let line = text[start..end].lines().next().unwrap_or_default().len();
        if line > 0 {
            return start..start + line;
        }
        let width = text[start..]
            .chars()
            .next()
            .filter(|letter| *letter != '\n')
            .map_or(0, char::len_utf8);
        start..start + width
    }

    /// The differing members, `-` for the page and `+` for the server.
    fn differences(&mut self, differences: &[Difference]) -> io::Result<()> {
        if differences.is_empty() {
            return Ok(());
        }
        line!(self.out, "  - page  + server")?;
        let mut above: Option<&[Step]> = None;
        for found in differences.iter().take(MAX_DIFFERENCES) {
            let (parent, name) = match found.path.split_last() {
                Some((Step::Key(key), parent)) => (parent, format!("\"{key}\": ")),
                _ => (found.path.as_slice(), String::new()),
            };
            if above != Some(parent) && !parent.is_empty() {
                line!(self.out, "    {}", show_path(parent))?;
            }
            above = Some(parent);
            let indent = if parent.is_empty() { "" } else { "  " };
            let name = if found.kind == DifferenceKind::Order {
                "ids ".to_owned()
            } else {
                name
            };
            for (sign, value) in [('-', &found.documented), ('+', &found.actual)] {
                if let Some(value) = value {
                    line!(self.out, "  {sign} {indent}{name}{}", short(value))?;
                }
            }
        }
        match differences.len().saturating_sub(MAX_DIFFERENCES) {
            0 => Ok(()),
            more => line!(self.out, "    and {more} more"),
        }
    }
}

/// The ranges to underline, each with its message; a single message is in the title already.
fn underlined(findings: &[&Finding]) -> Vec<(Range<usize>, String)> {
    let mut out: Vec<(Range<usize>, String)> = Vec::new();
    for finding in findings.iter().take(MAX_UNDERLINED) {
        let text = if findings.len() == 1 {
            ""
        } else {
            &finding.text
        };
        match out.iter_mut().find(|(range, _)| *range == finding.range) {
            Some((_, messages)) => messages.push_str(&format!("; {text}")),
            None => out.push((finding.range.clone(), text.to_owned())),
        }
    }
    out
}

/// What to do: an instruction as it is, and text to write after "write".
fn advice(fix: &str) -> String {
    match fix.starts_with("put ") {
        true => fix.to_owned(),
        false => format!("write {fix}"),
    }
}
