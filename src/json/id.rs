use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::{Kind, quote, unquote};

/// A record's id as it is compared: by its text, so that `/posts/1` finds `1` and `"1"` (json-server 0.17).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    /// Text that is a whole number in its shortest form.
    Number(i64),
    /// Any other text.
    Text(Arc<str>),
}

impl Id {
    /// The id that `text` (a decoded path segment) names.
    pub fn from_text(text: &str) -> Id {
        match text.parse::<i64>() {
            Ok(number) if is_shortest(text) => Id::Number(number),
            _ => Id::Text(text.into()),
        }
    }

    /// The id that the JSON value `value` is, or `None` where it can be none: `null`, objects and arrays.
    pub fn from_json(value: &str) -> Option<Id> {
        let text: Cow<str> = match Kind::of(value) {
            Kind::String => unquote(value),
            Kind::Number => {
                if let (Ok(number), true) = (value.parse::<i64>(), is_shortest(value)) {
                    return Some(Id::Number(number));
                }
                number_text(value)
            }
            Kind::Boolean => value.into(),
            Kind::Null | Kind::Object | Kind::Array => return None,
        };
        Some(Id::from_text(&text))
    }
}

fn is_shortest(text: &str) -> bool {
    text == "0" || !(text.starts_with(['0', '+']) || text.starts_with("-0"))
}

/// A number as its id in a URL: as JavaScript prints it where that loses nothing, else as it is spelt.
fn number_text(spelt: &str) -> Cow<'_, str> {
    match spelt.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 => {
            (number as i64).to_string().into()
        }
        Ok(number) if number.fract() != 0.0 => number.to_string().into(),
        _ => spelt.into(),
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Id::Number(number) => write!(formatter, "{number}"),
            Id::Text(text) => formatter.write_str(text),
        }
    }
}

/// The highest id that a collection has had, from which the next one follows.
///
/// json-server 0.17 takes the greatest id by JavaScript's `>`, one after the other: a number gives that plus one, a
/// string a short random one.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Highest {
    /// There has been no id yet: the first is 1.
    #[default]
    None,
    /// A whole number.
    Whole(i64),
    /// Another number.
    Fraction(f64),
    /// A string.
    Text(Arc<str>),
}

impl Highest {
    /// Takes note of an id, as JSON text.
    pub fn see(&mut self, value: &str) {
        let seen = match Kind::of(value) {
            Kind::Number => match value.parse::<i64>() {
                Ok(whole) => Highest::Whole(whole),
                Err(_) => match value.parse::<f64>() {
                    Ok(number) if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 => {
                        Highest::Whole(number as i64)
                    }
                    Ok(number) => Highest::Fraction(number),
                    Err(_) => return,
                },
            },
            Kind::String => Highest::Text(unquote(value).into()),
            _ => return,
        };
        if *self == Highest::None || seen.is_above(self) {
            *self = seen;
        }
    }

    /// The highest whole number, if the highest id is one.
    pub fn whole(&self) -> Option<i64> {
        if let Highest::Whole(whole) = self { Some(*whole) } else { None }
    }

    fn number(&self) -> f64 {
        match self {
            Highest::None => f64::NAN,
            Highest::Whole(whole) => *whole as f64,
            Highest::Fraction(number) => *number,
            Highest::Text(text) => text.trim().parse().unwrap_or(f64::NAN),
        }
    }

    fn is_above(&self, other: &Highest) -> bool {
        match (self, other) {
            (Highest::Text(one), Highest::Text(other)) => one > other,
            (Highest::Whole(one), Highest::Whole(other)) => one > other,
            _ => self.number() > other.number(),
        }
    }

    /// The next id as JSON text; `random` makes the letters of a string id.
    pub fn next(&self, random: &mut dyn FnMut() -> String) -> String {
        match self {
            Highest::None => "1".into(),
            Highest::Whole(whole) if *whole < i64::MAX => (whole + 1).to_string(),
            Highest::Fraction(number) if number.abs() < 9_007_199_254_740_992.0 => (number + 1.0).to_string(),
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
            assert_eq!(Id::from_json(json) == Some(Id::from_text(text)), same, "{json} {text}");
        }
        assert_eq!(Id::from_json("null"), None);
        assert_eq!(Id::from_json("{}"), None);
    }

    #[test]
    fn the_next_id_follows_the_highest() {
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
            let mut highest = Highest::None;
            ids.iter().for_each(|id| highest.see(id));
            assert_eq!(highest.next(&mut || "rnd".into()), next, "{ids:?}");
        }
    }
}
