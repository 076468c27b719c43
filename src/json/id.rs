//! Ids of records, and the next id of a collection.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::javascript::INEXACT;
use super::{Kind, number_text, quote, unquote};

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

    /// The id that the JSON value `value` is; `None` for `null`, objects and arrays.
    pub fn from_json(value: &str) -> Option<Id> {
        let text: Cow<str> = match Kind::of(value) {
            Kind::String => unquote(value),
            Kind::Number if is_shortest(value) && value.parse::<i64>().is_ok() => value.into(),
            // As JavaScript prints it where that loses nothing, else as it is spelt.
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

/// Whether a double is an integer that no other integer is rounded to.
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

/// The greatest id that a collection has had, which the next one follows.
///
/// json-server 0.17 compares ids one after the other with JavaScript's `>`. If the greatest is a number, the next id is
/// that plus one; if it is a string, a short random string.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum IdSequence {
    /// There has been no id yet: the first is 1.
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
    /// Takes account of an id, as JSON text.
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
