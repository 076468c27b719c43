use std::ops::Range;

use super::parse::Query;
use super::sort::sorted;
use super::window::{PageInfo, Window};

/// The records that a query chose, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection<R> {
    /// The records of the window.
    pub rows: Vec<R>,
    /// How many records there are without the window, where `X-Total-Count` is due.
    pub total: Option<usize>,
    /// The page that the window is, if it is one.
    pub page: Option<PageInfo>,
}

impl Query {
    /// Chooses among `rows`, whose JSON texts `text` gives.
    ///
    /// Filters and search first, then sort, then window; equal records stay in the order of `rows`.
    pub fn select<'a, R: Copy>(&self, rows: impl Iterator<Item = R>, text: impl Fn(R) -> &'a str) -> Selection<R> {
        let mut chosen: Vec<R> =
            if self.takes_all() { rows.collect() } else { rows.filter(|row| self.passes(text(*row))).collect() };
        let total = chosen.len();
        let range = self.range(total);
        if self.sort.is_empty() || total < 2 {
            chosen.truncate(range.end);
            chosen.drain(..range.start);
        } else {
            let texts: Vec<&str> = chosen.iter().map(|row| text(*row)).collect();
            chosen = sorted(&texts, &self.sort, range).into_iter().map(|at| chosen[at as usize]).collect();
        }
        Selection { rows: chosen, total: self.counts().then_some(total), page: self.page(total) }
    }

    /// Whether `record` passes the filters, the conditions and the search.
    pub fn passes(&self, record: &str) -> bool {
        self.filters.iter().all(|filter| filter.passes(record))
            && self.conditions.iter().all(|condition| condition.passes(record))
            && self.search.as_ref().is_none_or(|search| search.passes(record))
    }

    /// The places that the window shows of `total` found records.
    pub fn range(&self, total: usize) -> Range<usize> {
        self.window.range(total)
    }

    /// The page that the window is of `total` found records, if it is one.
    pub fn page(&self, total: usize) -> Option<PageInfo> {
        self.window.page(total)
    }

    /// Whether the number of found records is due in the answer (`X-Total-Count`).
    pub fn counts(&self) -> bool {
        self.window != Window::All
    }
}
