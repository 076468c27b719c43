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
    if result.unread.is_empty() {
        return Ok(());
    }
    let files = count(result.unread.len(), "file was", "files were");
    let names = result.unread.iter().map(|path| path.display().to_string());
    let names = names.collect::<Vec<_>>().join(", ");
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
    if options.verbose {
        print_with_reason(result, out, "passed ", |outcome| match outcome {
            Outcome::Passed(note) => Some(note),
            _ => None,
        })?;
    }
    print_with_reason(result, out, "skipped", |outcome| match outcome {
        Outcome::Skipped(reason) => Some(reason),
        _ => None,
    })?;
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
    let files = data_files(result, options);
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

/// Lists the examples whose outcome has a reason to show.
fn print_with_reason(
    result: &RunResult,
    out: &mut dyn Write,
    state: &str,
    reason: impl Fn(&Outcome) -> Option<&String>,
) -> io::Result<()> {
    for PageResult { page, examples, .. } in &result.pages {
        for result in examples {
            if let Some(reason) = reason(&result.outcome) {
                let place = place(page, result);
                line!(out, "{state}  {place}: {} ({reason})", result.title())?;
            }
        }
    }
    Ok(())
}

/// The address of the real service, and the data files with their rules.
fn data_files(result: &RunResult, options: &Options) -> Vec<String> {
    let mut files = Vec::from_iter(options.server.clone());
    for dataset in result.pages.iter().filter_map(|page| page.dataset.as_ref()) {
        let mut name = dataset.data.path.display().to_string();
        if let Some(rules) = &dataset.rules {
            name += &format!(" with the rules in {}", rules.path.display());
        }
        if !name.is_empty() && !files.contains(&name) {
            files.push(name);
        }
    }
    files
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
            let kind = match index {
                0 => AnnotationKind::Primary,
                _ => AnnotationKind::Context,
            };
            let annotation = kind.span(self.first_line(range));
            snippet = snippet.annotation(match text.is_empty() {
                true => annotation,
                false => annotation.label(one_line(text)),
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
        let letter = text[start..].chars().next();
        let letter = letter.filter(|letter| *letter != '\n');
        start..start + letter.map_or(0, char::len_utf8)
    }

    /// The differing members, `-` for the page and `+` for the server.
    fn differences(&mut self, differences: &[Difference]) -> io::Result<()> {
        if differences.is_empty() {
            return Ok(());
        }
        line!(self.out, "  - page  + server")?;
        let mut above: Option<&[Step]> = None;
        for found in differences.iter().take(MAX_DIFFERENCES) {
            let (parent, mut name) = match found.path.split_last() {
                Some((Step::Key(key), parent)) => (parent, format!("\"{key}\": ")),
                _ => (found.path.as_slice(), String::new()),
            };
            if found.kind == DifferenceKind::Order {
                name = "ids ".to_owned();
            }
            if above != Some(parent) && !parent.is_empty() {
                line!(self.out, "    {}", show_path(parent))?;
            }
            above = Some(parent);
            let indent = if parent.is_empty() { "" } else { "  " };
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
        let text = match findings.len() {
            1 => "",
            _ => &finding.text,
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
