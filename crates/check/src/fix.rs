//! `--fix`: rewriting what is wrong inside response fences.
//!
//! 1. For each example that fails, and whose answer has the promised status,
//!    the fence's content is written anew around what is right in it
//!    ([`rewrite`]): indentation, key order and elisions are kept.
//! 2. The new content is put back line by line; lines that did not change keep
//!    their bytes.
//! 3. The rewritten page is checked again in memory; an example that then still
//!    fails is left as it was.
//! 4. The page is replaced in one step, and the difference is shown.
//!
//! A page with uncommitted changes is left alone unless that is allowed.

mod diff;
pub mod rewrite;

use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use similar::DiffTag;

use super::client::Opener;
use super::page::{Fence, Page};
use super::run::{self, Context, Judged, PageReport, Verdict};
use super::status::Source;
use super::{Checked, Fix, Options};

/// A piece of a page and what takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    range: Range<usize>,
    text: String,
    /// The example it repairs, by its place among the page's examples.
    example: usize,
}

/// Rewrites the pages of a run and prints what was changed; gives how many were.
///
/// # Errors
/// The output cannot be written. A page that cannot be written is reported.
pub fn apply(checked: &Checked, options: &Options, open: &Opener<'_>, out: &mut dyn Write) -> io::Result<usize> {
    let mut written = 0;
    for report in &checked.pages {
        let context = Context { options, sources: &checked.sources, open };
        let Some(text) = repaired(report, &context) else { continue };
        let path = &report.page.path;
        if !options.allow_dirty && is_dirty(path) {
            writeln!(out, "{}: not rewritten, it has uncommitted changes (--allow-dirty rewrites it)", path.display())?;
            continue;
        }
        match replace(path, &report.page.text, &text) {
            Ok(()) => {
                written += 1;
                show(path, &report.page.text, &text, out)?;
            }
            Err(why) => writeln!(out, "{}: not rewritten: {why}", path.display())?,
        }
    }
    Ok(written)
}

/// The page's text with its responses put right; nothing if there is nothing to do.
#[must_use]
pub fn repaired(report: &PageReport, context: &Context<'_>) -> Option<String> {
    let mut edits: Vec<Edit> = Vec::new();
    for (index, judged) in report.judged.iter().enumerate() {
        edits.extend(edits_for(&report.page, judged, index, context.options.fix));
    }
    // What an edit does not repair is not written.
    while !edits.is_empty() {
        let text = splice(&report.page.text, &edits);
        let again = run::page(Page::parse(&report.page.path, text.clone()), context);
        let repaired = |edit: &Edit| {
            again
                .judged
                .get(edit.example)
                .is_some_and(|judged| judged.verdict == Verdict::Pass && judged.documented.is_some())
        };
        let before = edits.len();
        edits.retain(repaired);
        if edits.len() == before {
            return Some(text);
        }
    }
    None
}

fn edits_for(page: &Page, judged: &Judged, example: usize, fix: Option<Fix>) -> Vec<Edit> {
    let Some(answer) = &judged.answer else { return Vec::new() };
    let Some(expected) = &judged.expected else { return Vec::new() };
    let in_fence = expected.source == Source::StatusLine;
    let status_kept = expected.statuses.contains(&answer.status);
    // Another status than the page promises is a question for a person: the
    // request may be what is wrong.
    if !status_kept && !in_fence {
        return Vec::new();
    }
    let Some(body) = answer.json() else { return Vec::new() };
    match (&judged.example.response, judged.verdict) {
        (Some(response), Verdict::Fail) => {
            let Some(fence) = page.fence(response.fence) else { return Vec::new() };
            let mut content = fence.content.clone();
            if let Some(node) = &judged.documented {
                let new = rewrite::value(&fence.content, node, &body);
                content.replace_range(node.span.clone(), &new);
            } else if judged.unreadable {
                let part = &fence.content[response.range.clone()];
                let Some(from) = part.find(['{', '[']) else { return Vec::new() };
                let from = response.range.start + from;
                let to = response.range.start + part.trim_end().len();
                let indent = rewrite::indent_at(&fence.content, from);
                content.replace_range(from..to, &rewrite::pretty(&body, &indent, rewrite::unit(&fence.content)));
            }
            let mut edits: Vec<Edit> =
                lines(page, fence, &content).into_iter().map(|(range, text)| Edit { range, text, example }).collect();
            if !status_kept && let Some(place) = &expected.place {
                let text = format!("{} {}", answer.status, reason(answer.status)).trim_end().to_owned();
                edits.push(Edit { range: place.clone(), text, example });
            }
            edits
        }
        (None, Verdict::Pass) if fix == Some(Fix::Missing) && !judged.example.no_body && judged.method != "HEAD" => {
            missing(page, judged, &body).map(|(range, text)| Edit { range, text, example }).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// A response fence to stand after a request that has none.
fn missing(page: &Page, judged: &Judged, body: &serde_json::Value) -> Option<(Range<usize>, String)> {
    let fence = page.fence(judged.example.fence)?;
    // Where a fence holds several requests it is unclear whose answer follows.
    if !fence.fenced || fence.content[judged.example.span.end..].contains("curl") {
        return None;
    }
    let eol = if page.text.contains("\r\n") { "\r\n" } else { "\n" };
    let start = page.line_start(page.line(fence.range.start));
    let before = &page.text[start..fence.range.start];
    // The marker of a list item becomes the indentation of what belongs to it.
    let prefix: String =
        before.chars().map(|letter| if letter == '>' || letter.is_whitespace() { letter } else { ' ' }).collect();
    let end = page.text[fence.range.end..].find('\n').map_or(page.text.len(), |at| fence.range.end + at + 1);
    let end = if page.text[..fence.range.end].ends_with('\n') { fence.range.end } else { end };
    let mut text = String::new();
    if !page.text[..end].ends_with('\n') {
        text.push_str(eol);
    }
    text.push_str(prefix.trim_end());
    text.push_str(eol);
    for line in std::iter::once("```json").chain(rewrite::pretty(body, "", "  ").lines()).chain(std::iter::once("```"))
    {
        text.push_str(&prefix);
        text.push_str(line);
        text.push_str(eol);
    }
    Some((end..end, text))
}

/// The lines of a fence that differ from its new content, with what takes their
/// place in the page.
fn lines(page: &Page, fence: &Fence, content: &str) -> Vec<(Range<usize>, String)> {
    let old: Vec<&str> = fence.content.split_inclusive('\n').collect();
    let new: Vec<&str> = content.split_inclusive('\n').collect();
    let mut starts = Vec::with_capacity(old.len());
    let mut at = 0;
    for line in &old {
        starts.push(fence.source(at));
        at += line.len();
    }
    // A source line from its beginning, list indentation and quote marks included.
    let whole = |index: usize| {
        let start = page.line_start(page.line(starts[index]));
        let end = page.text[starts[index]..].find('\n').map_or(page.text.len(), |at| starts[index] + at + 1);
        start..end
    };
    let mut out = Vec::new();
    for op in diff::steps(&old, &new) {
        if op.tag() == DiffTag::Equal {
            continue;
        }
        let (from, to) = (op.old_range(), op.new_range());
        let model = from.start.min(old.len().saturating_sub(1));
        if old.is_empty() {
            continue;
        }
        let place = whole(model);
        let prefix = page.text[place.start..starts[model]].to_owned();
        let eol = if page.text[place.clone()].ends_with("\r\n") { "\r\n" } else { "\n" };
        let range = match (from.is_empty(), from.start == old.len()) {
            (false, _) => whole(from.start).start..whole(from.end - 1).end,
            (true, true) => place.end..place.end,
            (true, false) => place.start..place.start,
        };
        let text: String =
            new[to].iter().map(|line| format!("{prefix}{}{eol}", line.trim_end_matches(['\n', '\r']))).collect();
        out.push((range, text));
    }
    out
}

fn splice(text: &str, edits: &[Edit]) -> String {
    let mut order: Vec<&Edit> = edits.iter().collect();
    order.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in order {
        // A status line in a line that is rewritten anyway would be cut twice.
        if edit.range.start < at {
            continue;
        }
        out.push_str(&text[at..edit.range.start]);
        out.push_str(&edit.text);
        at = edit.range.end;
    }
    out.push_str(&text[at..]);
    out
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        _ => "",
    }
}

/// Whether a version control system knows changes of the page that it has not
/// been given. Where there is none, there is nothing to lose that it would keep.
fn is_dirty(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = path.file_name() else { return false };
    let output = Command::new("git").arg("-C").arg(folder).args(["status", "--porcelain", "--"]).arg(name).output();
    output.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
}

/// Replaces a page in one step, if it still is what was read.
fn replace(path: &Path, old: &str, new: &str) -> io::Result<()> {
    // A link is followed, so that it stays one.
    let path = std::fs::canonicalize(path)?;
    if std::fs::read_to_string(&path)? != old {
        return Err(io::Error::other("it was changed in the meantime"));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(new.as_bytes())?;
    file.as_file().set_permissions(std::fs::metadata(&path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

fn show(path: &Path, old: &str, new: &str, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(diff::unified(&path.display().to_string(), old, new).as_bytes())
}
