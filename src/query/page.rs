//! Which part of the found records is asked for: slices and pages.

use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use super::error::{Fault, QueryError, quoted};
use super::parameters::with_page;

/// The part that is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Window {
    /// Everything, without a total.
    #[default]
    All,
    /// `_start` to `_end`, not included; negative ones count from the end.
    Slice(i64, i64),
    /// So many (`_limit`) from `_start` on.
    Limit(i64, usize),
    /// A page (from 1) of so many.
    Page(usize, usize, PageStyle),
}

/// How the response describes a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStyle {
    /// 0.17: the records as an array, with `X-Total-Count` and `Link`.
    Link,
    /// 1.0: an object of `first`, `prev`, `next`, `last`, `pages`, `items` and the records under `data`.
    Envelope,
}

/// A page among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageInfo {
    /// The number of this page, from 1. With [`PageStyle::Link`] it may lie behind the last.
    pub current: usize,
    /// The number of the last page: 1 where there are no records.
    pub last: usize,
    /// How many records a page holds.
    pub per_page: usize,
    /// How many records all pages hold together.
    pub items: usize,
    /// How the response describes it.
    pub style: PageStyle,
}

impl PageInfo {
    /// The page before this one; behind the end it is the last one.
    pub fn previous(&self) -> Option<usize> {
        (self.current > 1).then(|| (self.current - 1).min(self.last))
    }

    /// The page after this one.
    pub fn next(&self) -> Option<usize> {
        (self.current < self.last).then(|| self.current + 1)
    }

    /// The value of the `Link` header, made of `url` (that of the request) with another `_page`: `first`, `prev`, `next`
    /// and `last`, each where it applies. `None` where this page is all there is.
    pub fn link(&self, url: &str) -> Option<String> {
        if self.last == 1 && self.current == 1 {
            return None;
        }
        let members = self.envelope();
        let links = members[..4].iter().filter_map(|(relation, page)| {
            page.map(|page| format!("<{}>; rel=\"{relation}\"", with_page(url, page)))
        });
        Some(links.collect::<Vec<_>>().join(", "))
    }

    /// The members of 1.0's envelope in their order, without `data`, which follows them. `None` is `null`.
    pub fn envelope(&self) -> [(&'static str, Option<usize>); 6] {
        [
            ("first", Some(1)),
            ("prev", self.previous()),
            ("next", self.next()),
            ("last", Some(self.last)),
            ("pages", Some(self.last)),
            ("items", Some(self.items)),
        ]
    }
}

/// The number that the parameter `name` has, at least `least`.
fn whole<T: FromStr + PartialOrd + Display>(
    (name, text): (&str, Option<&str>),
    least: Option<T>,
    example: &str,
) -> Result<Option<T>, QueryError> {
    let Some(text) = text else { return Ok(None) };
    match (text.trim().parse(), least) {
        (Ok(number), None) => Ok(Some(number)),
        (Ok(number), Some(least)) if number >= least => Ok(Some(number)),
        (_, least) => {
            let range = least.map_or_else(String::new, |least| format!(" of at least {least}"));
            let detail = format!("must be a whole number{range}, got {}", quoted(text));
            Err(QueryError::new(Fault::Value, name, detail, example))
        }
    }
}

impl Window {
    /// The window that is meant: a page goes before a slice, `_end` before `_limit`. `first` gives the first value of a
    /// parameter that is not empty.
    pub fn parse<'a>(first: impl Fn(&str) -> Option<&'a str>) -> Result<Window, QueryError> {
        let sent = |name: &'static str| (name, first(name));
        let start = whole(sent("_start"), None, "_start=0&_end=10")?.unwrap_or(0);
        let end = whole(sent("_end"), None, "_start=0&_end=10")?;
        let limit = whole(sent("_limit"), Some(0), "_limit=10")?;
        let page = whole(sent("_page"), Some(1), "_page=1&_limit=10")?;
        let per_page = whole(sent("_per_page"), Some(1), "_page=1&_per_page=10")?;
        Ok(match (page, per_page, end, limit) {
            (Some(page), Some(size), ..) => Window::Page(page, size, PageStyle::Envelope),
            (Some(_), None, _, Some(0)) => {
                let detail =
                    "a page of 0 records has no number; _limit=0 alone counts without showing any";
                let example = "_page=1&_limit=10";
                return Err(QueryError::new(Fault::Value, "_limit", detail, example));
            }
            (Some(page), None, _, size) => Window::Page(page, size.unwrap_or(10), PageStyle::Link),
            (None, _, Some(end), _) => Window::Slice(start, end),
            (None, _, None, Some(size)) => Window::Limit(start, size),
            (None, _, None, None) => Window::All,
        })
    }

    /// The places that the window shows of `total` found records.
    pub fn range(self, total: usize) -> Range<usize> {
        let from_end = |place: i64| {
            let distance = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
            match place {
                0.. => distance.min(total),
                _ => total.saturating_sub(distance),
            }
        };
        let (start, end) = match self {
            Window::All => (0, total),
            Window::Slice(start, end) => (from_end(start), from_end(end)),
            Window::Limit(start, size) => {
                let start = from_end(start);
                (start, start.saturating_add(size).min(total))
            }
            Window::Page(..) => {
                let Some(page) = self.page(total) else {
                    return 0..0;
                };
                let start = (page.current - 1).saturating_mul(page.per_page).min(total);
                (start, start.saturating_add(page.per_page).min(total))
            }
        };
        start..end.max(start)
    }

    /// The page that the window is of `total` found records, if it is one.
    pub fn page(self, total: usize) -> Option<PageInfo> {
        let Window::Page(page, per_page, style) = self else {
            return None;
        };
        let last = total.div_ceil(per_page).max(1);
        // For a page beyond the end, 1.0 shows the last page and 0.17 an empty one.
        let current = match style {
            PageStyle::Envelope => page.min(last),
            PageStyle::Link => page,
        };
        Some(PageInfo {
            current,
            last,
            per_page,
            items: total,
            style,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_javascript_slices() {
        let cases = [
            (Window::All, 0..25),
            (Window::Slice(2, 5), 2..5),
            (Window::Slice(-2, 25), 23..25),
            (Window::Slice(5, 2), 5..5),
            (Window::Slice(0, -1), 0..24),
            (Window::Slice(-99, 99), 0..25),
            (Window::Slice(i64::MIN, i64::MAX), 0..25),
            (Window::Limit(0, 3), 0..3),
            (Window::Limit(23, 9), 23..25),
            (Window::Limit(-2, 1), 23..24),
            (Window::Limit(99, usize::MAX), 25..25),
            (Window::Page(3, 10, PageStyle::Link), 20..25),
            (Window::Page(9, 10, PageStyle::Link), 25..25),
            (Window::Page(9, 10, PageStyle::Envelope), 20..25),
            (
                Window::Page(usize::MAX, usize::MAX, PageStyle::Link),
                25..25,
            ),
        ];
        for (window, expected) in cases {
            assert_eq!(window.range(25), expected, "{window:?}");
        }
    }

    #[test]
    fn links_are_those_that_apply() {
        let relations = |page, total| {
            let info = Window::Page(page, 10, PageStyle::Link).page(total).unwrap();
            let link = info.link("/p?_page=0").unwrap_or_default();
            link.replace("</p?_page=", "")
                .replace(">; rel=", " ")
                .replace('"', "")
        };
        assert_eq!(relations(1, 25), "1 first, 2 next, 3 last");
        assert_eq!(relations(2, 25), "1 first, 1 prev, 3 next, 3 last");
        assert_eq!(relations(3, 25), "1 first, 2 prev, 3 last");
        assert_eq!(relations(9, 25), "1 first, 3 prev, 3 last");
        assert_eq!(relations(usize::MAX, 25), "1 first, 3 prev, 3 last");
        assert_eq!(relations(1, 10), "");
        assert_eq!(relations(1, 0), "");
    }
}
