//! JavaScript's printing, parsing and comparison of JSON values, and the ids of records, which depend on it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::{Kind, items, quote, unquote};

/// From here on (2^53), a double may be the rounding of several integers.
const INEXACT: f64 = 9_007_199_254_740_992.0;

/// The text form of a JSON value, which 0.17 compares: a string's characters, a number as JavaScript prints it, `a,b`
/// for an array, `[object Object]` for an object.
pub fn text_form(value: &str) -> Cow<'_, str> {
    match Kind::of(value) {
        Kind::String => unquote(value),
        Kind::Number => number_text(value),
        Kind::Boolean | Kind::Null => Cow::Borrowed(value),
        Kind::Object => Cow::Borrowed("[object Object]"),
        Kind::Array => {
            let text = |item| match Kind::of(item) {
                Kind::Null => Cow::Borrowed(""),
                _ => text_form(item),
            };
            Cow::Owned(items(value).map(text).collect::<Vec<_>>().join(","))
        }
    }
}

/// Whether the text form of `value` is `wanted`; a number may also be spelt as the file spells it.
pub fn is_text(value: &str, wanted: &str) -> bool {
    match Kind::of(value) {
        Kind::Null => false,
        Kind::Number => value == wanted || (!is_plain(value) && number_text(value) == wanted),
        _ => text_form(value) == wanted,
    }
}

/// Equality as in 1.0, and as json-server's users expect it: the same text, the same number, or both null.
pub fn is_loosely(value: &str, wanted: &str) -> bool {
    match Kind::of(value) {
        Kind::Null => wanted == "null",
        Kind::Number => {
            is_text(value, wanted)
                || (!wanted.trim().is_empty()
                    && order_of_numbers(value, wanted) == Some(Ordering::Equal))
        }
        _ => is_text(value, wanted),
    }
}

/// Compares a JSON number with a text that may be one. Whole numbers are compared digit by digit, so that long ids with
/// the same double stay distinct.
fn order_of_numbers(value: &str, wanted: &str) -> Option<Ordering> {
    match (value.parse::<i128>(), wanted.parse::<i128>()) {
        (Ok(one), Ok(other)) => Some(one.cmp(&other)),
        _ => value.parse::<f64>().ok()?.partial_cmp(&number(wanted)?),
    }
}

/// The order of two JSON numbers, given with their doubles: total, and exact for whole numbers.
pub fn order_exactly(one: (f64, &str), other: (f64, &str)) -> Ordering {
    let whole = |(double, spelt): (f64, &str)| spelt.parse::<i128>().unwrap_or(double as i128);
    match one.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal) {
        Ordering::Equal if one.0.abs() >= INEXACT => whole(one).cmp(&whole(other)),
        ordering => ordering,
    }
}

/// Compares the field `value` with `wanted`; `None` if the two have no order: null, objects, a number and a text that
/// is not a number; with `is_typed` arrays, too.
///
/// Strings are compared by their characters. With `is_typed` (1.0) `wanted` is parsed as a JSON value: a numeric string
/// is compared as a number if `wanted` is a number, too, and `true` and `false` are booleans.
pub fn order(value: &str, wanted: &str, is_typed: bool) -> Option<Ordering> {
    match Kind::of(value) {
        Kind::Number => order_of_numbers(value, wanted),
        Kind::Boolean => {
            let wanted = match wanted {
                "true" if is_typed => 1.0,
                "false" if is_typed => 0.0,
                other => number(other)?,
            };
            f64::from(u8::from(value == "true")).partial_cmp(&wanted)
        }
        Kind::String => {
            let text = unquote(value);
            let is_blank = text.trim().is_empty() || wanted.trim().is_empty();
            if is_typed
                && !is_blank
                && let (Some(one), Some(other)) = (number(&text), number(wanted))
            {
                return one.partial_cmp(&other);
            }
            Some((*text).cmp(wanted))
        }
        Kind::Array if !is_typed => Some((*text_form(value)).cmp(wanted)),
        Kind::Null | Kind::Array | Kind::Object => None,
    }
}

/// `text` as JavaScript's `Number` reads it; `None` for what is not a number.
pub fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let (sign, digits) = match text.as_bytes() {
        [] => return Some(0.0),
        [b'-', ..] => (-1.0, &text[1..]),
        [b'+', ..] => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    if digits == "Infinity" {
        return Some(sign * f64::INFINITY);
    }
    let radix = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 10,
    };
    if radix != 10 {
        let whole = u64::from_str_radix(&text[2..], radix).ok();
        return whole.map(|whole| whole as f64);
    }
    // Rust also parses "inf", "nan" and such, which are words here.
    let plain = digits
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if plain && !digits.starts_with(['+', '-']) {
        digits.parse::<f64>().ok().map(|size| sign * size)
    } else {
        None
    }
}

/// Whether a JSON number is spelt as JavaScript prints it because it is a short whole number.
fn is_plain(spelt: &str) -> bool {
    let digits = spelt.strip_prefix('-').unwrap_or(spelt);
    digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit()) && spelt != "-0"
}

/// A JSON number as JavaScript prints it.
pub fn number_text(spelt: &str) -> Cow<'_, str> {
    if is_plain(spelt) {
        return Cow::Borrowed(spelt);
    }
    let Ok(number) = spelt.parse::<f64>() else {
        return Cow::Borrowed(spelt);
    };
    Cow::Owned(match number.abs() {
        0.0 => "0".into(),
        1e-6..1e21 => number.to_string(),
        f64::INFINITY if number > 0.0 => "Infinity".into(),
        f64::INFINITY => "-Infinity".into(),
        size if size < 1.0 => format!("{number:e}"),
        _ => format!("{number:e}").replacen('e', "e+", 1),
    })
}

/// A record's id. Ids are compared as text, so that `/posts/1` finds `1` and `"1"` (json-server 0.17).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    /// Text that is an integer in its shortest form.
    Number(i64),
    /// Any other text.
    Text(Arc<str>),
}

impl Id {
    /// The id for `text` (a decoded path segment).
    pub fn from_text(text: &str) -> Id {
        match text.parse::<i64>() {
            Ok(number) if is_shortest(text) => Id::Number(number),
            _ => Id::Text(text.into()),
        }
    }

    /// The id for the JSON value `value`; `None` for `null`, objects and arrays.
    pub fn from_json(value: &str) -> Option<Id> {
        let text: Cow<str> = match Kind::of(value) {
            Kind::String => unquote(value),
            Kind::Number if is_shortest(value) && value.parse::<i64>().is_ok() => value.into(),
            // As JavaScript prints it if that is exact, else as it is spelt.
            Kind::Number => match value.parse::<f64>() {
                Ok(number) if is_safe_integer(number) || number.fract() != 0.0 => {
                    number_text(value)
                }
                _ => value.into(),
            },
            Kind::Boolean => value.into(),
            Kind::Null | Kind::Object | Kind::Array => return None,
        };
        Some(Id::from_text(&text))
    }
}

fn is_shortest(text: &str) -> bool {
    text == "0" || !(text.starts_with(['0', '+']) || text.starts_with("-0"))
}

/// Whether a double is a safe integer: no other integer is rounded to it.
fn is_safe_integer(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() < INEXACT
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Id::Number(number) => write!(formatter, "{number}"),
            Id::Text(text) => formatter.write_str(text),
        }
    }
}

impl From<&Id> for Value {
    fn from(id: &Id) -> Value {
        match id {
            Id::Number(number) => (*number).into(),
            Id::Text(text) => (**text).into(),
        }
    }
}

/// The greatest id that a collection has had, from which the next one is generated.
///
/// json-server 0.17 compares ids pairwise with JavaScript's `>`. If the greatest is a number, the next id is that plus
/// one; if it is a string, a short random string.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum IdSequence {
    /// No id yet: the first is 1.
    #[default]
    Empty,
    /// An integer.
    Integer(i64),
    /// Another number.
    Fraction(f64),
    /// A string.
    Text(Arc<str>),
}

impl IdSequence {
    /// Updates the sequence with an id, as JSON text.
    pub fn observe(&mut self, value: &str) {
        let seen = match Kind::of(value) {
            Kind::Number => match value.parse::<i64>().map_err(|_| value.parse::<f64>()) {
                Ok(integer) => IdSequence::Integer(integer),
                Err(Ok(number)) if is_safe_integer(number) => IdSequence::Integer(number as i64),
                Err(Ok(number)) => IdSequence::Fraction(number),
                Err(Err(_)) => return,
            },
            Kind::String => IdSequence::Text(unquote(value).into()),
            _ => return,
        };
        if *self == IdSequence::Empty || seen.is_above(self) {
            *self = seen;
        }
    }

    /// The greatest id, if it is an integer.
    pub fn integer(&self) -> Option<i64> {
        match self {
            IdSequence::Integer(integer) => Some(*integer),
            _ => None,
        }
    }

    fn number(&self) -> f64 {
        match self {
            IdSequence::Empty => f64::NAN,
            IdSequence::Integer(integer) => *integer as f64,
            IdSequence::Fraction(number) => *number,
            IdSequence::Text(text) => text.trim().parse().unwrap_or(f64::NAN),
        }
    }

    fn is_above(&self, other: &IdSequence) -> bool {
        match (self, other) {
            (IdSequence::Text(one), IdSequence::Text(other)) => one > other,
            (IdSequence::Integer(one), IdSequence::Integer(other)) => one > other,
            _ => self.number() > other.number(),
        }
    }

    /// The next id as JSON text; `random` makes the characters of a string id.
    pub fn next(&self, random: &mut dyn FnMut() -> String) -> String {
        match self {
            IdSequence::Empty => "1".into(),
            IdSequence::Integer(integer) if *integer < i64::MAX => (integer + 1).to_string(),
            IdSequence::Fraction(number) if number.abs() < INEXACT => (number + 1.0).to_string(),
            _ => quote(&random()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_are_javascripts() {
        let cases = [
            ("20", "20"),
            ("20.0", "20"),
            ("-0", "0"),
            ("0.50", "0.5"),
            ("1e3", "1000"),
            ("1e21", "1e+21"),
            ("1.5e-7", "1.5e-7"),
            ("12345678901234567890", "12345678901234567000"),
            ("true", "true"),
            ("\"a\\nb\"", "a\nb"),
            ("[\"a\", null, 1.0, [2, {}]]", "a,,1,2,[object Object]"),
            ("{\"a\": 1}", "[object Object]"),
            ("[]", ""),
        ];
        for (json, text) in cases {
            assert_eq!(text_form(json), text, "{json}");
            assert!(is_text(json, &text_form(json)), "{json}");
        }
        assert!(is_text("12345678901234567890", "12345678901234567890"));
        assert!(!is_text("null", "null"));
        assert!(is_loosely("20.0", "2e1") && is_loosely("null", "null") && !is_loosely("0", ""));
        assert!(!is_loosely("12345678901234567890", "12345678901234567891"));
    }

    #[test]
    fn texts_read_as_javascript_numbers() {
        let cases = [
            ("", Some(0.0)),
            (" 20 ", Some(20.0)),
            ("2e1", Some(20.0)),
            ("0x14", Some(20.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("-3", Some(-3.0)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("inf", None),
            ("nan", None),
            ("--3", None),
            ("abc", None),
            ("1 2", None),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn order_follows_the_fields_type() {
        use Ordering::{Equal, Greater, Less};
        let cases = [
            ("10", "9", false, Some(Greater)),
            ("10", "abc", false, None),
            ("10", "", false, Some(Greater)),
            ("\"10\"", "9", false, Some(Less)),
            ("\"10\"", "9", true, Some(Greater)),
            ("\"2024-01-02\"", "2024", true, Some(Greater)),
            ("true", "1", false, Some(Equal)),
            ("false", "true", true, Some(Less)),
            ("false", "true", false, None),
            ("null", "0", true, None),
            (
                "12345678901234567891",
                "12345678901234567890",
                true,
                Some(Greater),
            ),
            ("[1]", "0", true, None),
            ("[1, \"b\"]", "1,a", false, Some(Greater)),
            ("[]", "", false, Some(Equal)),
            ("{}", "0", true, None),
        ];
        for (value, wanted, numeric, expected) in cases {
            assert_eq!(order(value, wanted, numeric), expected, "{value} {wanted}");
        }
    }

    #[test]
    fn ids_compare_as_text() {
        let cases = [
            ("1", "1", true),
            ("\"1\"", "1", true),
            ("1.0", "1", true),
            ("1", "01", false),
            ("\"01\"", "01", true),
            ("1", "1.0", false),
            ("0", "0", true),
            ("-4", "-4", true),
            ("1.5", "1.5", true),
            ("12345678901234567890", "12345678901234567890", true),
            ("\"caf\\u00e9\"", "café", true),
            ("true", "true", true),
        ];
        for (json, text, same) in cases {
            assert_eq!(
                Id::from_json(json) == Some(Id::from_text(text)),
                same,
                "{json} {text}"
            );
        }
        assert_eq!(Id::from_json("null"), None);
        assert_eq!(Id::from_json("{}"), None);
    }

    #[test]
    fn the_next_id_follows_the_greatest() {
        let cases: [(&[&str], &str); 9] = [
            (&[], "1"),
            (&["7", "3"], "8"),
            (&["1.5"], "2.5"),
            (&["-5"], "-4"),
            (&["5", "\"abc\""], "6"),
            (&["\"abc\"", "5"], "\"rnd\""),
            (&["\"5\""], "\"rnd\""),
            (&["4", "\"5\""], "\"rnd\""),
            (&["null", "2.0"], "3"),
        ];
        for (ids, next) in cases {
            let mut sequence = IdSequence::Empty;
            ids.iter().for_each(|id| sequence.observe(id));
            assert_eq!(sequence.next(&mut || "rnd".into()), next, "{ids:?}");
        }
    }
}
