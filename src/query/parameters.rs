//! The query string as decoded pairs, and the window of the results that it selects: a slice or a page.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use indexmap::IndexSet;

use super::{Fault, QueryError, quoted};
use crate::rules::is_reserved;
use crate::text::{form_decode, query_encode};

/// The decoded pairs of a raw query string (what follows the `?`), in the order sent, repeated names kept.
///
/// `+` is a space, a name without `=` has the empty value, `name[]` is `name` (and `_sort[0]` is `_sort`; the index of
/// a field is kept, it may be a path), empty pairs (`a=1&&b=2`) are skipped. A malformed percent escape is an error
/// that names the parameter.
pub fn pairs(raw: &str) -> Result<Vec<(String, String)>, QueryError> {
    let mut out = Vec::new();
    for piece in raw.split('&').filter(|piece| !piece.is_empty()) {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        let broken = |what: &str, text: &str, parameter: &str, example: String| {
            let detail = format!(
                "the {what} {} has a broken percent escape; a percent sign is %25",
                quoted(text)
            );
            QueryError::new(Fault::Encoding, parameter, detail, example)
        };
        let mut name =
            form_decode(name).ok_or_else(|| broken("name", name, name, "title=100%25".into()))?;
        let value = form_decode(value).ok_or_else(|| {
            let example = format!("{}=100%25", query_encode(&name));
            broken("value", value, &name, example)
        })?;
        let end = match name.split_once('[') {
            Some((base, "]")) => base.len(),
            Some((base, index)) if is_reserved(base) && is_index(index) => base.len(),
            _ => name.len() - if name.ends_with("[]") { 2 } else { 0 },
        };
        if end < name.len() {
            name.to_mut().truncate(end);
        }
        if !(name.is_empty() && value.is_empty()) {
            out.push((name.into_owned(), value.into_owned()));
        }
    }
    Ok(out)
}

/// Whether `text` is what follows the bracket in `[0]`.
fn is_index(text: &str) -> bool {
    text.strip_suffix(']')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// The distinct names in all parameters called `name` (`_embed`, `_expand`, `_dependent`), separated by commas.
pub fn names_in(pairs: &[(String, String)], name: &str) -> Vec<String> {
    let values = pairs.iter().filter(|(known, _)| known == name);
    let parts = values.flat_map(|(_, value)| value.split(',').map(str::trim));
    let names: IndexSet<&str> = parts.filter(|part| !part.is_empty()).collect();
    names.into_iter().map(str::to_string).collect()
}

/// `url` with the value of its first `_page` parameter replaced by `page`, and otherwise unchanged.
pub fn with_page(url: &str, page: usize) -> String {
    let Some((path, query)) = url.split_once('?') else {
        return format!("{url}?_page={page}");
    };
    let mut replaced = false;
    let pieces: Vec<Cow<'_, str>> = query
        .split('&')
        .map(|piece| {
            let name = piece.split_once('=').map_or(piece, |(name, _)| name);
            let is_page = form_decode(name)
                .is_some_and(|name| matches!(&*name, "_page" | "_page[]" | "_page[0]"));
            if replaced || !is_page {
                return Cow::Borrowed(piece);
            }
            replaced = true;
            Cow::Owned(format!("{name}={page}"))
        })
        .collect();
    format!("{path}?{}", pieces.join("&"))
}

/// The part of the results that is requested.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Window {
    /// Everything, without a total.
    #[default]
    All,
    /// `_start` to `_end`, not included; negative ones count from the end.
    Slice(i64, i64),
    /// This many (`_limit`) from `_start` on.
    Limit(i64, usize),
    /// A page (from 1) and its size.
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
    /// The number of the last page: 1 if there are no records.
    pub last: usize,
    /// How many records a page holds.
    pub per_page: usize,
    /// How many records all pages hold together.
    pub items: usize,
    /// How the response describes it.
    pub style: PageStyle,
}

impl PageInfo {
    /// The page before this one; beyond the end it is the last one.
    pub fn previous(&self) -> Option<usize> {
        (self.current > 1).then(|| (self.current - 1).min(self.last))
    }

    /// The page after this one.
    pub fn next(&self) -> Option<usize> {
        (self.current < self.last).then(|| self.current + 1)
    }

    /// The value of the `Link` header: `url` (that of the request) with another `_page` for each of `first`, `prev`,
    /// `next` and `last` that applies. `None` if this is the only page.
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

/// The number in the parameter `name`, at least `least`.
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
    /// Parses the window: a page takes precedence over a slice, `_end` over `_limit`. `first` returns the first value
    /// of a parameter that is not empty.
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

    /// The positions of the window in `total` results.
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

    /// The page that the window is in `total` results, if it is one.
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
    use proptest::prelude::*;

    #[test]
    fn pairs_are_decoded_in_order() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("a=1&a=2", &[("a", "1"), ("a", "2")]),
            ("id[]=1&id%5B%5D=2", &[("id", "1"), ("id", "2")]),
            (
                "_sort[0]=a&a[0]=b&a[0][]=c",
                &[("_sort", "a"), ("a[0]", "b"), ("a[0]", "c")],
            ),
            ("a+b=c+d%2B", &[("a b", "c d+")]),
            ("flag&&x=", &[("flag", ""), ("x", "")]),
            ("e=a=b", &[("e", "a=b")]),
            ("caf%C3%A9=\u{e9}", &[("caf\u{e9}", "\u{e9}")]),
            ("=", &[]),
        ];
        for (raw, expected) in cases {
            let found = pairs(raw).unwrap();
            let found: Vec<(&str, &str)> = found
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect();
            assert_eq!(&found, expected, "{raw}");
        }
    }

    #[test]
    fn a_broken_escape_names_the_parameter() {
        for (raw, parameter) in [
            ("a=1&b=%", "b"),
            ("b=%4", "b"),
            ("b=%GG", "b"),
            ("b=%E0%A4%A", "b"),
            ("%ff=1", "%ff"),
        ] {
            let error = pairs(raw).unwrap_err();
            assert_eq!(
                (error.fault, error.parameter.as_str()),
                (Fault::Encoding, parameter),
                "{raw}"
            );
            assert!(pairs(&error.example).is_ok());
        }
    }

    #[test]
    fn a_page_is_replaced_where_it_stands() {
        let cases = [
            ("/p?_page=1&_limit=2", "/p?_page=7&_limit=2"),
            ("/p?xpage=2&_page=2", "/p?xpage=2&_page=7"),
            ("/p?_page=1&_page=2", "/p?_page=7&_page=2"),
            ("/p?%5Fpage=1&a=%20", "/p?%5Fpage=7&a=%20"),
        ];
        for (url, expected) in cases {
            assert_eq!(with_page(url, 7), expected);
        }
    }

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

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(name in "\\PC{1,12}", value in "\\PC{0,12}") {
            prop_assume!(!name.contains('['));
            let raw = format!("{}={}", query_encode(&name), query_encode(&value));
            prop_assert_eq!(pairs(&raw).unwrap(), vec![(name, value)]);
        }

        #[test]
        fn no_text_makes_it_panic(raw in ".{0,40}") {
            let _ = pairs(&raw);
            let _ = with_page(&raw, 3);
        }
    }
}
