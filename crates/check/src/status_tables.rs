//! The tables of statuses of a page, and the sections that they belong to.

use std::ops::Range;

use super::example::Example;
use super::http_message::begins_message;
use super::page::{Block, Page, Table};
use super::result_rows;
use super::status::{Expected, StatusSource, one, usual};
use super::status_below;
use super::status_text::{code, status_column};

/// The table of statuses for an example: the next one in the smallest section that has one, else the nearest above it
/// there, else the only one outside of sections with examples. The table of another example does not count.
fn table_of<'a>(page: &'a Page, example: &Example) -> Option<&'a Table> {
    let own = example.fence;
    // A row with a request of its own says nothing about others.
    let is_of_requests = |table: &Table| {
        table
            .rows
            .iter()
            .any(|row| result_rows::request(row).is_some())
    };
    let is_status = |index: &usize| matches!(&page.blocks[*index], Block::Table(table) if status_column(table).is_some() && !is_of_requests(table));
    let is_of_other = |index: usize| {
        let apart = |section: &Range<usize>| !section.contains(&own);
        let mut apart = page.sections(index).into_iter().filter(apart);
        apart.any(|section| has_requests(page, section))
    };
    let is_own = |index: &usize| is_status(index) && !is_of_other(*index);
    let nearest = page.sections(own).into_iter().find_map(|section| {
        let before = || (section.start..own).rev().find(is_own);
        (own..section.end).find(is_own).or_else(before)
    });
    let only = || {
        let mut all = (0..page.blocks.len())
            .filter(is_status)
            .filter(|index| !has_requests(page, page.section(*index)));
        all.next().filter(|_| all.next().is_none())
    };
    match &page.blocks[nearest.or_else(only)?] {
        Block::Table(table) => Some(table),
        _ => None,
    }
}

/// Whether a table is in a larger section than an example, which has other requests, too.
fn is_general(page: &Page, example: &Example, table: &Table) -> bool {
    let own = example.fence;
    let is_table =
        |block: &Block| matches!(block, Block::Table(other) if other.range == table.range);
    let sections = page.sections(own);
    let has_table = |section: &Range<usize>| page.blocks[section.clone()].iter().any(is_table);
    let Some(at) = sections.iter().position(has_table) else {
        return true;
    };
    let section = &sections[at];
    let is_only = page.fence(own).is_none_or(|fence| {
        status_below::is_last_in_block(fence, example)
            && status_below::is_first_in_block(fence, example)
    });
    let has_others =
        has_requests(page, section.start..own) || has_requests(page, own + 1..section.end);
    at > 0 && (!is_only || has_others)
}

/// Whether a section contains requests.
fn has_requests(page: &Page, section: Range<usize>) -> bool {
    page.blocks[section].iter().any(|block| match block {
        Block::Fence(fence) => {
            fence.content.contains("curl ") || begins_message(fence.content.trim())
        }
        _ => false,
    })
}

/// The success that the table of an example documents, or the errors that it may have.
pub fn in_table(page: &Page, example: &Example, method: &str) -> Option<Expected> {
    let table = table_of(page, example)?;
    let column = status_column(table)?;
    let mut first = None;
    let mut errors = vec![usual(method)];
    for row in &table.rows {
        let Some(cell) = row.get(column) else {
            continue;
        };
        let Some(status) = code(cell) else {
            continue;
        };
        if !(200..300).contains(&status) {
            errors.push(status);
            continue;
        }
        // A table for several verbs lists the success of each.
        if status == usual(method) {
            return Some(one(status, StatusSource::Table, Some(cell.range.clone())));
        }
        first.get_or_insert_with(|| one(status, StatusSource::Table, Some(cell.range.clone())));
    }
    // A table of errors besides the usual response. One for all examples says nothing about one of them.
    if first.is_none() && is_general(page, example, table) {
        return None;
    }
    let with_errors = Expected {
        statuses: errors,
        source: StatusSource::Table,
        place: None,
    };
    first.or(Some(with_errors).filter(|expected| expected.statuses.len() > 1))
}
