//! Which values of a record are stored and never sent.

use std::collections::BTreeMap;

/// The `writeOnly` values of a record, as a graph: schemas may refer to themselves, so that there is no end to the paths.
/// A value is at several places of it at a time, where several schemas apply. The record is at the first place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hidden {
    places: Vec<HiddenPlace>,
}

/// What is hidden in a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HiddenPlace {
    /// The value itself is.
    pub hides: bool,
    /// The places of its members.
    pub members: BTreeMap<String, Vec<usize>>,
    /// The places of its items.
    pub items: Vec<usize>,
}

impl Hidden {
    /// The graph of `places`, without the parts from which nothing hidden is reached.
    pub fn new(mut places: Vec<HiddenPlace>) -> Hidden {
        // Without its items an array would have another length for readers, so all of it is hidden.
        while spread(&mut places, |known, place| {
            place.items.iter().any(|item| known[*item])
        }) {}
        let hides: Vec<bool> = places.iter().map(|place| place.hides).collect();
        while spread(&mut places, |known, place| {
            let members = place.members.values().flatten();
            members.chain(&place.items).any(|next| known[*next])
        }) {}
        let leads: Vec<bool> = places.iter().map(|place| place.hides).collect();
        for (place, hides) in places.iter_mut().zip(hides) {
            place.hides = hides;
            place.items.retain(|next| leads[*next]);
            for next in place.members.values_mut() {
                next.retain(|next| leads[*next]);
            }
            place.members.retain(|_, next| !next.is_empty());
        }
        if !leads.first().is_some_and(|leads| *leads) {
            places.clear();
        }
        Hidden { places }
    }

    /// Whether nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Hides the property `name` of the record.
    pub fn hide(&mut self, name: &str) {
        if self.places.is_empty() {
            self.places.push(HiddenPlace::default());
        }
        let last = self.places.len();
        self.places.push(HiddenPlace {
            hides: true,
            ..HiddenPlace::default()
        });
        self.places[0]
            .members
            .entry(name.to_string())
            .or_default()
            .push(last);
    }

    /// Whether a value at one of the places `at` is hidden.
    pub fn hides(&self, at: &[usize]) -> bool {
        at.iter().any(|place| self.places[*place].hides)
    }

    /// Where the member `name` of a value at `at` is.
    pub fn member(&self, at: &[usize], name: &str) -> Vec<usize> {
        self.next(at, |place| {
            place.members.get(name).map_or(&[][..], Vec::as_slice)
        })
    }

    /// Where the items of an array at `at` are.
    pub fn items(&self, at: &[usize]) -> Vec<usize> {
        self.next(at, |place| &place.items)
    }

    fn next<'h>(&'h self, at: &[usize], of: impl Fn(&'h HiddenPlace) -> &'h [usize]) -> Vec<usize> {
        let mut next: Vec<usize> = at
            .iter()
            .flat_map(|place| of(&self.places[*place]))
            .copied()
            .collect();
        next.sort_unstable();
        next.dedup();
        next
    }

    /// The names of members that are hidden somewhere.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let members = self.places.iter().flat_map(|place| &place.members);
        members
            .filter(|(_, next)| self.hides(next))
            .map(|(name, _)| name.as_str())
    }
}

/// Sets `hides` where `is_so` of what is known; whether that changed something.
fn spread(places: &mut [HiddenPlace], is_so: impl Fn(&[bool], &HiddenPlace) -> bool) -> bool {
    let mut known: Vec<bool> = places.iter().map(|place| place.hides).collect();
    let before = known.clone();
    // Backwards, since what a place leads to was found after it.
    for at in (0..places.len()).rev() {
        known[at] |= is_so(&known, &places[at]);
        places[at].hides = known[at];
    }
    known != before
}
