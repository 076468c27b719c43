//! Tables are promises too: properties are compared with real records and with
//! the rules, statuses with what the rules can produce.

mod properties;
mod statuses;

use std::ops::Range;

use super::data::Source;
use super::labels;
use super::page::{Block, Page};
use super::run::Judged;
use super::status::{section, status_column};
use super::url;

/// A table that was held against the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableReport {
    /// Where the table stands in the page.
    pub range: Range<usize>,
    /// `properties` or `statuses`.
    pub kind: &'static str,
    /// The resource it speaks of, as far as is known.
    pub resource: Option<String>,
    /// What it promises and the server does not keep.
    pub findings: Vec<TableFinding>,
}

/// A row that is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFinding {
    /// The place in the page.
    pub range: Range<usize>,
    /// A sentence without a full stop.
    pub text: String,
    /// Whether it is a contradiction; else a promise that nothing backs.
    pub wrong: bool,
}

/// What is known about a table's section.
struct Section<'a> {
    source: &'a Source,
    resource: Option<String>,
    examples: Vec<&'a Judged>,
}

/// Holds every table of a page against the server.
#[must_use]
pub fn check(page: &Page, judged: &[Judged], source: Option<&Source>) -> Vec<TableReport> {
    let Some(source) = source else { return Vec::new() };
    let mut out = Vec::new();
    for (index, block) in page.blocks.iter().enumerate() {
        let Block::Table(table) = block else { continue };
        let range = section(page, index);
        let mut examples: Vec<&Judged> = judged.iter().filter(|one| range.contains(&one.example.fence)).collect();
        // A section of its own speaks of the whole page, if the page is about one thing.
        if examples.is_empty() && one_endpoint(judged, source) {
            examples = judged.iter().collect();
        }
        let resource =
            examples.iter().find_map(|one| resource_of(one, source)).or_else(|| named_resource(page, &range, source));
        let section = Section { source, resource, examples };
        let (kind, findings) = if let Some(column) = status_column(table) {
            ("statuses", statuses::statuses(page, index, table, column, &section))
        } else if let Some((name, kind)) = properties::property_columns(table) {
            match properties::role(page, index) {
                Some(role) => ("properties", properties::properties(table, name, kind, role, &section)),
                None => continue,
            }
        } else {
            continue;
        };
        out.push(TableReport { range: table.range.clone(), kind, resource: section.resource, findings });
    }
    out
}

/// Whether all examples of a page ask the same resource in the same way.
fn one_endpoint(judged: &[Judged], source: &Source) -> bool {
    let mut kinds =
        judged.iter().filter(|one| !one.method.is_empty()).map(|one| (&one.method, resource_of(one, source)));
    match kinds.next() {
        Some((method, Some(resource))) => kinds.all(|(other, of)| other == method && of.as_ref() == Some(&resource)),
        _ => false,
    }
}

fn resource_of(judged: &Judged, source: &Source) -> Option<String> {
    let path = url::path_of(&judged.target);
    let known = source.resources();
    url::segments(path).into_iter().rev().find(|part| known.contains(&part.as_str()))
}

/// A resource named by an endpoint fence or by the headings of a section.
fn named_resource(page: &Page, range: &Range<usize>, source: &Source) -> Option<String> {
    let known = source.resources();
    page.blocks[range.clone()].iter().find_map(|block| match block {
        Block::Fence(fence) => {
            let text = fence.content.trim();
            (!text.contains('\n') && text.contains('/'))
                .then(|| url::segments(url::path_of(text)).into_iter().next())
                .flatten()
                .filter(|part| known.contains(&part.as_str()))
        }
        Block::Heading(heading) => {
            let words = labels::words(&heading.text);
            known
                .iter()
                .find(|name| words.iter().any(|word| word == *name || format!("{word}s") == **name))
                .map(|name| (*name).to_owned())
        }
        _ => None,
    })
}

fn rules_name(source: &Source) -> String {
    let path = source.database.schema_path.as_ref();
    let name = path.and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| {
        let stem = source.database.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        format!("{}.schema.json", stem.unwrap_or_else(|| "db".to_owned()))
    })
}
