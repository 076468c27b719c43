//! The query string as decoded pairs.

use std::borrow::Cow;

use super::error::{Fault, QueryError, quoted};
use crate::rules::is_reserved;
use crate::text::{form_decode, query_encode};

/// The decoded pairs of a raw query string (what follows the `?`), in the order sent, repeated names kept.
///
/// `+` is a space, a name without `=` has the empty value, `name[]` is `name` (and `_sort[0]` is `_sort`; the index of a
/// field is kept, it may be a path), empty pieces (`a=1&&b=2`) are left out.
/// A malformed percent escape is an error that names the parameter.
pub fn pairs(raw: &str) -> Result<Vec<(String, String)>, QueryError> {
    let mut out = Vec::new();
    for piece in raw.split('&').filter(|piece| !piece.is_empty()) {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        let broken = |what: &str, text: &str, parameter: &str, example: String| {
            let detail = format!(
                "the {what} {} holds a broken percent escape; a percent sign is %25",
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

/// The names that all parameters called `name` (`_embed`, `_expand`, `_dependent`) hold, each once; commas separate
/// several in one.
pub fn names_in(pairs: &[(String, String)], name: &str) -> Vec<String> {
    let mut names = Vec::<String>::new();
    let values = pairs.iter().filter(|(known, _)| known == name);
    for part in values
        .flat_map(|(_, value)| value.split(','))
        .map(str::trim)
    {
        if !part.is_empty() && !names.iter().any(|known| known == part) {
            names.push(part.to_string());
        }
    }
    names
}

/// `url` with the value of its first `_page` parameter replaced by `page`, everything else kept letter by letter.
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
