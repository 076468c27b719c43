//! Sorting records by fields: stable, and total over values of different kinds; and the index that keeps a collection
//! sorted.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use imbl::Vector;

use crate::json::{self, FieldPath, Kind, number, order_exactly, text_form};
use crate::store::Record;

/// A field to sort by.
#[derive(Debug, Clone, PartialEq)]
pub struct SortKey {
    /// The field.
    pub path: FieldPath,
    /// In descending order.
    pub descending: bool,
}

/// A sort index: all records of a collection in the order of some keys.
#[derive(Debug, Clone)]
pub struct OrderIndex {
    keys: Arc<[SortKey]>,
    /// The kinds of values under each key.
    counts: Vec<Count>,
    /// The records in order.
    pub records: Vector<Arc<Record>>,
}

/// How many records have a number and how many a text under a key; if there are both, numeric texts are compared as
/// numbers.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    numbers: usize,
    texts: usize,
}

impl Count {
    fn is_mixed(self) -> bool {
        self.numbers > 0 && self.texts > 0
    }
}

impl OrderIndex {
    /// Builds the index of `records` on `keys`.
    pub fn build(records: &Vector<Arc<Record>>, keys: Arc<[SortKey]>) -> OrderIndex {
        let texts: Vec<&str> = records.iter().map(|record| record.value()).collect();
        let places = sorted(&texts, &keys, 0..texts.len());
        let in_order = places
            .into_iter()
            .filter_map(|place| records.get(place as usize).cloned())
            .collect();
        let counts = vec![Count::default(); keys.len()];
        let mut index = OrderIndex {
            keys,
            counts,
            records: in_order,
        };
        for text in texts {
            index.count(text, true);
        }
        index
    }

    /// Inserts `record`. `false`: the order of the others changes, so the index has to be rebuilt.
    pub fn insert(&mut self, record: &Arc<Record>) -> bool {
        let stays = self.count(record.value(), true);
        if stays {
            let (Ok(place) | Err(place)) = self.place(record);
            self.records.insert(place, record.clone());
        }
        stays
    }

    /// Removes `record`. `false`: the order of the others changes, so the index has to be rebuilt.
    pub fn remove(&mut self, record: &Record) -> bool {
        let Ok(place) = self.place(record) else {
            return false;
        };
        self.records.remove(place);
        self.count(record.value(), false)
    }

    fn place(&self, record: &Record) -> Result<usize, usize> {
        self.records
            .binary_search_by(|other| self.compare(other, record))
    }

    fn compare(&self, one: &Record, other: &Record) -> Ordering {
        let by_key = |(key, count): (&SortKey, &Count)| {
            let value = |text| {
                let value = Key::of(key.path.of(text));
                if count.is_mixed() {
                    value.read_as_number()
                } else {
                    value
                }
            };
            key.turn(value(one.value()).compare(&value(other.value())))
        };
        let mut by_keys = self.keys.iter().zip(&self.counts).map(by_key);
        let first = by_keys.find(|ordering| ordering.is_ne());
        first.unwrap_or_else(|| one.number.cmp(&other.number))
    }

    /// Adds a record to the counts, or subtracts it. `false`: a key has become mixed, or is no longer mixed.
    fn count(&mut self, record: &str, is_in: bool) -> bool {
        let mut stays = true;
        for (key, count) in self.keys.iter().zip(&mut self.counts) {
            let was_mixed = count.is_mixed();
            let number = match Key::of(key.path.of(record)) {
                Key::Number(..) => &mut count.numbers,
                Key::Text(_) => &mut count.texts,
                _ => continue,
            };
            *number = if is_in {
                *number + 1
            } else {
                number.saturating_sub(1)
            };
            stays &= count.is_mixed() == was_mixed;
        }
        stays
    }
}

impl SortKey {
    fn turn(&self, ordering: Ordering) -> Ordering {
        if self.descending {
            ordering.reverse()
        } else {
            ordering
        }
    }
}

/// A sort value. The variants are in the ascending order of kinds; strings are ordered by code points, so `B` comes
/// before `a`.
#[derive(Debug, Clone, PartialEq)]
enum Key<'a> {
    Boolean(bool),
    Number(f64, &'a str),
    /// A string, or the text form of an array or object.
    Text(Cow<'a, str>),
    Null,
    Missing,
}

impl<'a> Key<'a> {
    fn of(value: Option<&'a str>) -> Key<'a> {
        let Some(value) = value else {
            return Key::Missing;
        };
        match Kind::of(value) {
            Kind::Null => Key::Null,
            Kind::Boolean => Key::Boolean(value == "true"),
            // A JSON number is never NaN.
            Kind::Number => Key::Number(value.parse().unwrap_or(f64::INFINITY), value),
            Kind::String => Key::Text(json::unquote(value)),
            Kind::Array | Kind::Object => Key::Text(Cow::Owned(text_form(value).into_owned())),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Key::Boolean(_) => 0,
            Key::Number(..) => 1,
            Key::Text(_) => 2,
            Key::Null => 3,
            Key::Missing => 4,
        }
    }

    /// The same, parsed as a number if possible.
    fn read_as_number(self) -> Key<'a> {
        match self {
            Key::Text(Cow::Borrowed(text)) if !text.trim().is_empty() => match number(text) {
                Some(number) => Key::Number(number, text),
                None => self,
            },
            other => other,
        }
    }

    fn compare(&self, other: &Key<'_>) -> Ordering {
        match (self, other) {
            (Key::Number(one, spelt), Key::Number(other, other_spelt)) => {
                order_exactly((*one, spelt), (*other, other_spelt))
            }
            (Key::Text(one), Key::Text(other)) => one.as_bytes().cmp(other.as_bytes()),
            (Key::Boolean(one), Key::Boolean(other)) => one.cmp(other),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

/// The sort values of `texts` for one key.
///
/// If some records have a number and others a numeric string (`1` and `"1"`, as forms send it), all are compared as
/// numbers; if all are strings, they are compared as strings.
fn column<'a>(texts: &[&'a str], by: &SortKey) -> Vec<Key<'a>> {
    let keys: Vec<Key<'a>> = texts.iter().map(|text| Key::of(by.path.of(text))).collect();
    let is_mixed = keys.iter().any(|key| matches!(key, Key::Number(..)))
        && keys.iter().any(|key| matches!(key, Key::Text(_)));
    if is_mixed {
        return keys.into_iter().map(Key::read_as_number).collect();
    }
    keys
}

/// The positions `wanted` of the `texts` sorted by `keys`, as indexes into `texts`.
///
/// A partial sort: the first page of many records costs little more than reading their fields.
pub fn sorted(texts: &[&str], keys: &[SortKey], wanted: Range<usize>) -> Vec<u32> {
    let wanted = wanted.start.min(texts.len())..wanted.end.min(texts.len());
    let Some((first, rest)) = keys.split_first().filter(|_| !wanted.is_empty()) else {
        return wanted.map(|at| at as u32).collect();
    };
    let further: Vec<Vec<Key<'_>>> = rest.iter().map(|key| column(texts, key)).collect();
    let mut entries: Vec<(Key<'_>, u32)> = column(texts, first).into_iter().zip(0u32..).collect();
    // The position decides between equals, which makes the order total: an unstable selection and sort give the stable
    // result.
    let compare = |(key, at): &(Key<'_>, u32), (other_key, other_at): &(Key<'_>, u32)| {
        first
            .turn(key.compare(other_key))
            .then_with(|| {
                rest.iter()
                    .zip(&further)
                    .map(|(key, column)| {
                        key.turn(column[*at as usize].compare(&column[*other_at as usize]))
                    })
                    .find(|ordering| ordering.is_ne())
                    .unwrap_or(Ordering::Equal)
            })
            .then(at.cmp(other_at))
    };
    let mut part = entries.as_mut_slice();
    let Range { mut start, end } = wanted;
    if end < part.len() {
        part = part.select_nth_unstable_by(end, compare).0;
    }
    if start > 0 && start < part.len() {
        part.select_nth_unstable_by(start, compare);
        part = &mut part[start..];
        start = 0;
    }
    part.sort_unstable_by(compare);
    part.iter().skip(start).map(|(_, at)| *at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(list: &[(&str, bool)]) -> Vec<SortKey> {
        list.iter()
            .map(|(path, descending)| SortKey {
                path: FieldPath::new(path),
                descending: *descending,
            })
            .collect()
    }

    #[test]
    fn kinds_have_a_defined_order() {
        let texts = [
            r#"{"v": "b"}"#,
            r#"{"v": 3}"#,
            r#"{"v": true}"#,
            r#"{"v": "10"}"#,
            r#"{"v": null}"#,
            r#"{}"#,
            r#"{"v": false}"#,
            r#"{"v": ""}"#,
            r#"{"v": [1]}"#,
            r#"{"v": 2.5}"#,
            r#"{"v": "B"}"#,
        ];
        let ascending = sorted(&texts, &keys(&[("v", false)]), 0..100);
        assert_eq!(ascending, [6, 2, 9, 1, 3, 7, 8, 10, 0, 4, 5]);
        let mut descending = sorted(&texts, &keys(&[("v", true)]), 0..100);
        descending.reverse();
        assert_eq!(descending, ascending);
    }

    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            prop::sample::select(vec![
                "9007199254740993",
                "9007199254740992",
                "9.007199254740993e15",
                "1e300",
                "-0"
            ])
            .prop_map(|number| format!("{{\"v\":{number}}}")),
            (0..4i32).prop_map(|n| format!("{{\"v\":{n},\"w\":{}}}", n % 2)),
            "[ab1]{0,2}".prop_map(|text| format!("{{\"v\":\"{text}\",\"w\":null}}")),
            Just("{\"v\":null}".to_string()),
            Just("{\"v\":true,\"w\":\"x\"}".to_string()),
            Just("{}".to_string()),
        ]
    }

    proptest! {
        /// Any window equals that window of a full stable sort.
        #[test]
        fn a_window_is_a_part_of_the_stable_sort(
            records in prop::collection::vec(value(), 0..40),
            down in any::<[bool; 2]>(),
            start in 0usize..45,
            length in 0usize..45,
        ) {
            let texts: Vec<&str> = records.iter().map(String::as_str).collect();
            let keys = keys(&[("v", down[0]), ("w", down[1])]);
            let columns: Vec<Vec<Key<'_>>> = keys.iter().map(|key| column(&texts, key)).collect();
            let mut expected: Vec<u32> = (0..texts.len() as u32).collect();
            expected.sort_by(|one, other| {
                keys.iter().zip(&columns).fold(Ordering::Equal, |so_far, (key, column)| so_far.then_with(|| {
                    let ordering = column[*one as usize].compare(&column[*other as usize]);
                    if key.descending { ordering.reverse() } else { ordering }
                }))
            });
            let range = start.min(texts.len())..(start + length).min(texts.len());
            prop_assert_eq!(sorted(&texts, &keys, start..start + length), &expected[range]);
        }

        /// The comparison is antisymmetric and transitive over every three values.
        #[test]
        fn keys_are_in_a_total_order(one in value(), two in value(), three in value()) {
            let of = |text| Key::of(json::get_member(text, "v"));
            let (a, b, c) = (of(&one), of(&two), of(&three));
            prop_assert_eq!(a.compare(&b), b.compare(&a).reverse());
            if a.compare(&b).is_le() && b.compare(&c).is_le() {
                prop_assert!(a.compare(&c).is_le());
            }
        }
    }
}
