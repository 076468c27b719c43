//! `q`: a text looked for in all values of a record, however deep.

use super::filter::{holds, holds_ascii};
use super::value::text_form;
use crate::json::{self, Kind};

/// A text to look for, whatever its case.
#[derive(Debug, Clone)]
pub(super) struct Search {
    lower: String,
    /// The text could be a part of a number, and a number may be spelt otherwise than it is compared.
    is_numeric: bool,
}

impl Search {
    pub fn new(text: &str) -> Search {
        let is_numeric = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
        Search { lower: text.to_lowercase(), is_numeric }
    }

    /// What a record whose bytes tell must hold, in small letters.
    pub fn part(&self) -> Option<&str> {
        (!self.is_numeric && !self.lower.is_empty()).then_some(&self.lower)
    }

    /// Whether one of the values in `record` holds the text; names are not looked at.
    pub fn passes(&self, record: &str) -> bool {
        // Most records do not hold the text anywhere. Where nothing is escaped and no letter changes its length with its
        // case, the bytes tell.
        if !self.is_numeric && is_telling(record.as_bytes()) && !holds_ascii(record.as_bytes(), self.lower.as_bytes()) {
            return false;
        }
        self.found_in(record)
    }

    fn found_in(&self, value: &str) -> bool {
        match Kind::of(value) {
            Kind::Object => json::members(value).any(|member| self.found_in(member.value)),
            Kind::Array => json::items(value).any(|item| self.found_in(item)),
            // 0.17 leaves out all that is false to JavaScript; nobody would miss that word.
            Kind::Boolean if value == "false" => false,
            Kind::Null => false,
            _ => holds(&text_form(value), &self.lower),
        }
    }
}

/// Whether the bytes of a record are those of its values: nothing is escaped, and no letter changes its length with its
/// case.
pub(in crate::store) fn is_telling(record: &[u8]) -> bool {
    record.is_ascii() && memchr::memchr(b'\\', record).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_values_are_searched_and_no_names() {
        let record = r#"{"id": 12, "t": "Caf\u00e9 JSON", "n": {"tags": ["Deep", {"x": true}]}, "e": 1e3, "z": 0, "no": false, "nil": null}"#;
        let cases = [
            ("json", true),
            ("CAFÉ", true),
            ("deep", true),
            ("1000", true),
            ("true", true),
            ("0", true),
            ("tags", false),
            ("null", false),
            ("false", false),
            ("json 1", false),
        ];
        for (text, expected) in cases {
            assert_eq!(Search::new(text).passes(record), expected, "{text}");
        }
        assert!(!Search::new("name").passes("{\"name\":\"bob\"}"));
        assert!(Search::new("BO").passes("{\"name\":\"bob\"}"));
    }
}
