//! Which records a query chooses, found without a look at all of them where that is possible.

use std::sync::Arc;

use super::index::Ids;
use super::query::{Query, Selection};
use super::{Collection, Record};
use crate::json::Id;

/// In fewer records a look at all of them is as fast as an index.
const FEW: usize = 32;

impl Collection {
    /// The records that `query` chooses, where an index tells them: by the id, by an equality or by an order that is
    /// asked for again and again. Else `None`, and [`Query::select`] is to be given all rows.
    pub fn choose(&self, query: &Query, id_property: &str) -> Option<Selection<Arc<Record>>> {
        if let Some((path, value)) = query.equality() {
            let id = Id::from_text(value);
            // A number in an odd spelling is equal to a text that its id is not.
            let by_id = path == id_property && (matches!(id, Id::Number(_)) || value.parse::<f64>().is_err());
            let found = if by_id { self.with_id(&id) } else { self.equal(path, value)? };
            return Some(among(&found, query));
        }
        if let Some(part) = query.part().filter(|_| self.len() > FEW) {
            let places = self.aids.of_now().haystack.candidates(&part, self.records())?;
            let found: Vec<_> = places.into_iter().filter_map(|place| self.nth(place as usize).cloned()).collect();
            return Some(among(&found, query));
        }
        let keys = query.sorts_all().filter(|_| self.len() > FEW)?;
        let sorted = self.aids.sorted(keys, self.records())?;
        let range = query.range(sorted.len());
        Some(Selection {
            rows: sorted.focus().narrow(range).into_iter().cloned().collect(),
            total: query.counts().then_some(sorted.len()),
            page: query.page(sorted.len()),
        })
    }

    fn with_id(&self, id: &Id) -> Vec<Arc<Record>> {
        let mut found: Vec<_> = self.by_id(Ids::hash(id)).filter(|record| record.id() == Some(id)).cloned().collect();
        found.sort_unstable_by_key(|record| record.number());
        found
    }

    fn equal(&self, path: &str, value: &str) -> Option<Vec<Arc<Record>>> {
        if self.len() > FEW { self.aids.equal(path, value, self.records()) } else { None }
    }
}

fn among(found: &[Arc<Record>], query: &Query) -> Selection<Arc<Record>> {
    let text = |place: usize| found.get(place).map_or("", |record| record.value());
    let Selection { rows, total, page } = query.select(0..found.len(), text);
    let rows = rows.into_iter().filter_map(|place| found.get(place).cloned()).collect();
    Selection { rows, total, page }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::query::{Fields, Query, pairs};
    use super::super::{Command, Settings, Store};
    use crate::json::{Document, Id, Object};

    fn value() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "1",
            "1.0",
            "2",
            "\"1\"",
            "\"a\"",
            "\"b\"",
            "\"\\u0061\"",
            "null",
            "true",
            "[1]",
            "{\"x\":\"true\"}",
            "\"Caf\u{e9}\"",
            "\"caf\\u00e9\"",
            "10",
        ])
    }

    fn chosen(store: &Store, text: &str) -> (Vec<String>, Vec<String>) {
        let users = store.resource("users").and_then(|users| users.collection()).unwrap();
        let query = Query::parse(&pairs(text).unwrap(), &Fields::new(&|_| (), &["a", "b"])).unwrap();
        let all = query.select(users.rows().map(|row| row.value()), |row| row);
        let expected = all.rows.into_iter().map(str::to_string).collect();
        let found = users.choose(&query, "id").map(|found| {
            assert_eq!((found.total, found.page), (all.total, all.page), "{text}");
            found.rows.iter().map(|record| record.value().to_string()).collect()
        });
        (found.unwrap_or_else(|| Vec::clone(&expected)), expected)
    }

    proptest! {
        /// Indexes that live through writes choose what a look at all records chooses, in the same order.
        #[test]
        fn an_index_chooses_what_a_look_at_all_chooses(
            first in prop::collection::vec((value(), value()), 33..60),
            writes in prop::collection::vec((0usize..5, 1i64..70, value(), value()), 0..40),
        ) {
            let rows: Vec<String> = (1..).zip(&first).map(|(id, (a, b))| format!("{{\"id\":{id},\"a\":{a},\"b\":{b}}}")).collect();
            let document = Document::parse(format!("{{\"users\":[{}]}}", rows.join(",")).into()).unwrap();
            let mut store = Store::open(document, Arc::new(Settings::default())).unwrap();
            let queries = ["a=1", "b=a", "a=1&b=a", "_sort=a", "_sort=a,b&_order=desc,asc&_page=2&_limit=7", "_sort=-b", "id=5", "a=1.0", "q=a", "q=B&_sort=b", "q=1", "q=tr", "q=[", "q=object", "a_like=tr", "a_like=A", "a_like=^tru", "a_like=^ru", "b_like=rue$", "a_like=ob", "b_like=ru&_sort=a&_limit=3", "q=caf\u{e9}"];
            for (write, id, a, b) in writes {
                for text in queries {
                    let (found, expected) = chosen(&store, text);
                    prop_assert_eq!(found, expected, "{}", text);
                }
                let body = Object::parse(&format!("{{\"a\":{a},\"b\":{b}}}")).unwrap();
                let (resource, id) = ("users".to_string(), Id::Number(id));
                let command = match write {
                    0 | 1 => Command::Create { resource, body },
                    2 | 3 => Command::Replace { resource, id, body },
                    _ => Command::Delete { resource, id, dependent: Vec::new() },
                };
                let before = store.clone();
                if let Ok(draft) = store.draft(&command, &mut String::new) {
                    let change = store.plan(draft).unwrap();
                    store.apply(change);
                }
                drop(before);
            }
            for text in queries {
                let (found, expected) = chosen(&store, text);
                prop_assert_eq!(found, expected, "{}", text);
            }
        }
    }
}
