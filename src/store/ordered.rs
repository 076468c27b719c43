//! The records of a collection in another order, kept by every write.

use std::cmp::Ordering;
use std::sync::Arc;

use imbl::Vector;

use super::Record;
use super::query::{Count, Order};

/// All records of a collection in the order of a query.
#[derive(Debug, Clone)]
pub(super) struct Ordered {
    order: Arc<Order>,
    /// Per key of the order.
    counts: Vec<Count>,
    rows: Vector<Arc<Record>>,
}

impl Ordered {
    /// Puts `rows` into `order`.
    pub(super) fn of(rows: &Vector<Arc<Record>>, order: Order) -> Ordered {
        let texts: Vec<&str> = rows.iter().map(|record| record.value()).collect();
        let mut counts = Vec::new();
        texts.iter().for_each(|text| order.count(&mut counts, text, true));
        let places = order.sorted(&texts);
        let sorted = places.into_iter().filter_map(|place| rows.get(place as usize).cloned()).collect();
        Ordered { order: Arc::new(order), counts, rows: sorted }
    }

    /// The records in order.
    pub(super) fn rows(&self) -> &Vector<Arc<Record>> {
        &self.rows
    }

    fn place(&self, record: &Record) -> Result<usize, usize> {
        let compare = |other: &Arc<Record>| -> Ordering {
            let by_keys = self.order.compare(other.value(), record.value(), &self.counts);
            by_keys.then(other.number().cmp(&record.number()))
        };
        self.rows.binary_search_by(compare)
    }

    /// Counts a record in or out; whether the order of the others stays as it is.
    fn count(&mut self, record: &Record, is_in: bool) -> bool {
        let mixed = |counts: &[Count]| counts.iter().map(|count| count.is_mixed()).collect::<Vec<_>>();
        let mut counts = self.counts.clone();
        self.order.count(&mut counts, record.value(), is_in);
        let stays = mixed(&counts) == mixed(&self.counts);
        self.counts = counts;
        stays
    }

    /// Takes in a new record; `false` where the order has to be made anew.
    pub(super) fn insert(&mut self, record: &Arc<Record>) -> bool {
        if !self.count(record, true) {
            return false;
        }
        let (Ok(place) | Err(place)) = self.place(record);
        self.rows.insert(place, record.clone());
        true
    }

    /// Takes out a record; `false` where the order has to be made anew.
    pub(super) fn remove(&mut self, record: &Record) -> bool {
        let Ok(place) = self.place(record) else { return false };
        self.rows.remove(place);
        self.count(record, false)
    }
}
