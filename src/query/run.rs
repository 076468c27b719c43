//! Runs a query: the planner, which chooses between id lookup, index, sort index and scan, and the selection itself.

use std::ops::Range;
use std::sync::Arc;

use super::parameters::{PageInfo, Window};
use super::parse::Query;
use super::relations::Relations;
use crate::json::{Id, Layout};
use crate::store::{Collection, Record, sorted};
use crate::work::Work;

/// With fewer records, a scan is as fast as an index.
const FEW: usize = 32;
/// The cost of adding a record to a result, in bytes read.
const CLONE: usize = 64;

/// The records that a query selected, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<R> {
    /// The records of the window.
    pub rows: Vec<R>,
    /// How many records there are without the window, if the response has `X-Total-Count`.
    pub total: Option<usize>,
    /// The page that the window is, if it is one.
    pub info: Option<PageInfo>,
}

/// A record in a result.
#[derive(Debug, Clone)]
pub enum Row {
    /// A record as it is stored.
    Stored(Arc<Record>),
    /// The text of a record with embedded relations, or with some of its fields.
    WithRelations(String),
}

impl Row {
    /// The record's JSON text.
    pub fn text(&self) -> &str {
        match self {
            Row::Stored(record) => record.value(),
            Row::WithRelations(text) => text,
        }
    }
}

impl<R> Page<R> {
    fn map<T>(self, to: impl Fn(R) -> T) -> Page<T> {
        Page {
            rows: self.rows.into_iter().map(to).collect(),
            total: self.total,
            info: self.info,
        }
    }
}

impl Collection {
    /// The records that `query` selects, with `relations` embedded. Incomplete if `work` was stopped.
    pub fn run(&self, query: &Query, relations: &Relations<'_>, work: &Work<'_>) -> Page<Row> {
        let attach = |record: &str| {
            let text = relations.attach(record, Layout::PRETTY, work);
            Row::WithRelations(text.into_owned())
        };
        let page = if relations.is_empty() {
            self.stored_page(query, relations.id_property(), work)
                .map(Row::Stored)
        } else if query.needs_relations() {
            let rows = self.rows().map(|record| attach(record.value()));
            query.select(rows, Row::text, work)
        } else {
            let page = self.stored_page(query, relations.id_property(), work);
            page.map(|record| attach(record.value()))
        };
        if !query.shows_some() {
            return page;
        }
        page.map(|row| {
            let is_due = work.charge(row.text().len());
            let shown = is_due.then(|| query.shown(row.text()));
            Row::WithRelations(shown.unwrap_or_default())
        })
    }

    fn stored_page(&self, query: &Query, id_property: &str, work: &Work<'_>) -> Page<Arc<Record>> {
        if query.is_window_only() {
            let range = query.window.range(self.len());
            let rows = self.window(range.start, range.len());
            let rows = rows.take_while(|_| work.charge(CLONE));
            return query.page(rows.cloned().collect(), self.len());
        }
        if let Some(found) = self.candidates(query, id_property, work) {
            return query.select(found.into_iter(), |record| record.value(), work);
        }
        let keys = query.sorts_all().filter(|_| self.len() > FEW);
        if let Some(in_order) = keys.and_then(|keys| self.sorted(keys, work)) {
            let range = query.window.range(in_order.len());
            let rows = in_order.focus().narrow(range).into_iter();
            let rows = rows.take_while(|_| work.charge(CLONE));
            return query.page(rows.cloned().collect(), in_order.len());
        }
        let page = query.select(self.rows(), |record| record.value(), work);
        page.map(Arc::clone)
    }

    /// The candidates for the query, if the id or an index of a field finds them.
    fn candidates(
        &self,
        query: &Query,
        id_property: &str,
        work: &Work<'_>,
    ) -> Option<Vec<Arc<Record>>> {
        let (path, value) = query.equality()?;
        let id = Id::from_text(value);
        // A number in an unusual spelling may be equal to the value without having the same id.
        if path == id_property && (matches!(id, Id::Number(_)) || value.parse::<f64>().is_err()) {
            let mut found: Vec<_> = self.with_id(&id).cloned().collect();
            found.sort_unstable_by_key(|record| record.number);
            return Some(found);
        }
        (self.len() > FEW).then(|| self.equal(path, value, work))?
    }
}

impl Query {
    /// Selects among `rows`, whose JSON texts `text` returns.
    ///
    /// Filters and search first, then sort, then window; the sort is stable. Incomplete if `work` was stopped.
    pub fn select<R: Clone>(
        &self,
        rows: impl Iterator<Item = R>,
        text: impl Fn(&R) -> &str,
        work: &Work<'_>,
    ) -> Page<R> {
        let rows = rows.take_while(|_| work.charge(CLONE));
        let mut selected: Vec<R> = if self.takes_all() {
            rows.collect()
        } else {
            rows.filter(|row| self.passes(text(row), work)).collect()
        };
        let total = selected.len();
        let Range { start, end } = self.window.range(total);
        if self.sort.is_empty() || total < 2 {
            selected.truncate(end);
            selected.drain(..start);
        } else {
            let by_keys = |text: &&str| work.charge(self.sort.len() * text.len());
            let texts: Vec<&str> = selected.iter().map(&text).take_while(by_keys).collect();
            if work.is_stopped() {
                return self.page(Vec::new(), 0);
            }
            let places = sorted(&texts, &self.sort, start..end);
            let places = places.into_iter();
            selected = places
                .map(|place| selected[place as usize].clone())
                .collect();
        }
        self.page(selected, total)
    }

    fn page<R>(&self, rows: Vec<R>, total: usize) -> Page<R> {
        let counts = self.window != Window::All;
        Page {
            rows,
            total: counts.then_some(total),
            info: self.window.page(total),
        }
    }

    fn passes(&self, record: &str, work: &Work<'_>) -> bool {
        (self.filters.iter()).all(|filter| filter.passes(record, work))
            && (self.conditions.iter()).all(|condition| condition.passes(record, work))
            && (self.searches.iter())
                .all(|search| work.charge(record.len()) && search.passes(record))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::{Document, Object};
    use crate::query::{Fields, pairs};
    use crate::store::{Command, Operation, Settings, Store};

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

    fn selected(store: &Store, text: &str) -> (Page<Row>, Page<Row>) {
        let users = store
            .resource("users")
            .and_then(|users| users.collection())
            .unwrap();
        let query = Query::parse(&pairs(text).unwrap(), &Fields::new(None, &["a", "b"])).unwrap();
        let work = Work::unlimited();
        let scan = query.select(users.rows(), |record| record.value(), &work);
        (
            users.run(
                &query,
                &Relations::new(store, "users", &query, &work),
                &work,
            ),
            scan.map(|record| Row::Stored(record.clone())),
        )
    }

    fn check(store: &Store, text: &str) -> Result<(), TestCaseError> {
        let (found, expected) = selected(store, text);
        let texts = |page: &Page<Row>| {
            page.rows
                .iter()
                .map(|row| row.text().to_string())
                .collect::<Vec<_>>()
        };
        prop_assert_eq!(texts(&found), texts(&expected), "{}", text);
        prop_assert_eq!(
            (found.total, found.info),
            (expected.total, expected.info),
            "{}",
            text
        );
        Ok(())
    }

    proptest! {
        /// Indexes that live through writes find what a scan finds, in the same order.
        #[test]
        fn an_index_finds_what_a_scan_finds(
            first in prop::collection::vec((value(), value()), 33..60),
            writes in prop::collection::vec((0usize..5, 1i64..70, value(), value()), 0..40),
        ) {
            let rows: Vec<String> = (1..).zip(&first).map(|(id, (a, b))| format!("{{\"id\":{id},\"a\":{a},\"b\":{b}}}")).collect();
            let document = Document::parse(format!("{{\"users\":[{}]}}", rows.join(",")).into()).unwrap();
            let mut store = Store::open(document, Arc::new(Settings::default())).unwrap();
            let queries = ["a=1", "b=a", "a=1&b=a", "_sort=a", "_sort=a,b&_order=desc,asc&_page=2&_limit=7", "_sort=-b", "id=5", "a=1.0", "q=a", "q=B&_sort=b", "q=1", "q=tr", "q=[", "q=object", "a_like=tr", "a_like=A", "a_like=^tru", "a_like=^ru", "b_like=rue$", "a_like=ob", "b_like=ru&_sort=a&_limit=3", "q=caf\u{e9}"];
            for (write, id, a, b) in writes {
                for text in queries {
                    check(&store, text)?;
                }
                let body = Object::parse(&format!("{{\"a\":{a},\"b\":{b}}}")).unwrap();
                let id = Some(Id::Number(id));
                let (id, operation) = match write {
                    0 | 1 => (None, Operation::Create),
                    2 | 3 => (id, Operation::Replace),
                    _ => (id, Operation::Delete { dependent: Vec::new() }),
                };
                let command = Command { resource: "users".into(), id, operation, body };
                let before = store.clone();
                if let Ok(draft) = store.draft(&command, &mut String::new) {
                    let change = store.plan(draft).unwrap();
                    store.apply(change);
                }
                drop(before);
            }
            for text in queries {
                check(&store, text)?;
            }
        }
    }
}
