//! What an index needs of a query: an order that holds for all records, and the texts under which a field is found.

use std::cmp::Ordering;

use super::parse::Query;
use super::path::Path;
use super::sort::{Key, SortKey, sorted};
use super::value::{number_text, text_form};
use crate::json::Kind;

/// An order of all records.
#[derive(Debug, Clone)]
pub(in crate::store) struct Order {
    keys: Vec<SortKey>,
}

/// How many records have a number and how many a text under one key of an [`Order`]; where there are both, texts that
/// read as numbers are compared as such.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::store) struct Count {
    numbers: usize,
    texts: usize,
}

impl Count {
    pub(in crate::store) fn is_mixed(self) -> bool {
        self.numbers > 0 && self.texts > 0
    }
}

impl Order {
    /// Whether it is the order that the keys `asked` ask for.
    pub(in crate::store) fn is(&self, asked: &[SortKey]) -> bool {
        let same =
            |(one, other): (&SortKey, &SortKey)| one.path.text == other.path.text && one.descending == other.descending;
        self.keys.len() == asked.len() && self.keys.iter().zip(asked).all(same)
    }

    /// The places of `texts` in this order.
    pub(in crate::store) fn sorted(&self, texts: &[&str]) -> Vec<u32> {
        sorted(texts, &self.keys, 0..texts.len())
    }

    /// Counts `record` in, or out, under each key.
    pub(in crate::store) fn count(&self, counts: &mut Vec<Count>, record: &str, is_in: bool) {
        counts.resize(self.keys.len(), Count::default());
        for (key, count) in self.keys.iter().zip(counts) {
            let number = match Key::of(key.path.of(record)) {
                Key::Number(..) => &mut count.numbers,
                Key::Text(_) => &mut count.texts,
                _ => continue,
            };
            *number = if is_in { *number + 1 } else { number.saturating_sub(1) };
        }
    }

    /// How two records stand to each other, where their places do not matter.
    pub(in crate::store) fn compare(&self, one: &str, other: &str, counts: &[Count]) -> Ordering {
        let mut orderings = self.keys.iter().zip(counts).map(|(key, count)| {
            let of = |record| {
                let own = Key::of(key.path.of(record));
                if count.is_mixed() { own.read_as_number() } else { own }
            };
            let ordering = of(one).compare(&of(other));
            if key.descending { ordering.reverse() } else { ordering }
        });
        orderings.find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
    }
}

impl Query {
    /// The keys by which the collection as a whole is sorted: there is no filter, and nothing of a related record.
    pub(in crate::store) fn sorts_all(&self) -> Option<&[SortKey]> {
        (self.takes_all() && !self.sort.is_empty() && !self.needs_relations()).then_some(&self.sort)
    }
}

/// The order that `keys` ask for.
pub(in crate::store) fn order(keys: &[SortKey]) -> Order {
    Order { keys: keys.to_vec() }
}

/// A field whose values are looked up.
#[derive(Debug, Clone)]
pub(in crate::store) struct Field(Path);

impl Field {
    pub(in crate::store) fn new(path: &str) -> Field {
        Field(Path::new(path))
    }

    /// The field's value.
    pub(in crate::store) fn value<'r>(&self, record: &'r str) -> Option<&'r str> {
        self.0.of(record)
    }

    pub(in crate::store) fn path(&self) -> &str {
        &self.0.text
    }

    /// Shows every text to which the field of `record` is equal ([`Query::equality`]): a number has two where it is not
    /// spelt as JavaScript prints it.
    pub(in crate::store) fn each_text(&self, record: &str, see: &mut dyn FnMut(&str)) {
        self.0.any(record, &mut |value| {
            match Kind::of(value) {
                Kind::Null => {}
                Kind::Number => {
                    let printed = number_text(value);
                    see(&printed);
                    if printed != value {
                        see(value);
                    }
                }
                _ => see(&text_form(value)),
            }
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::query::value::is_text;

    #[test]
    fn a_field_stands_under_every_text_that_it_is_equal_to() {
        let values = ["1", "1.0", "1e3", "\"a\\nb\"", "\"1\"", "null", "true", "[1,null,\"b\"]", "{}", "-0"];
        let wanted = ["1", "1.0", "1e3", "1000", "a\nb", "null", "true", "1,,b", "[object Object]", "0", "-0", ""];
        for value in values {
            let record = format!("{{\"v\":{value}}}");
            for wanted in wanted {
                let mut found = false;
                Field::new("v").each_text(&record, &mut |text| found |= text == wanted);
                assert_eq!(found, is_text(value, wanted), "{value} {wanted}");
            }
        }
    }
}
