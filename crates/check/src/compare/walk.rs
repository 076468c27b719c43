//! The walk over a documented value and an actual one, side by side.

use std::ops::Range;

use serde_json::Value;

use super::{Diff, Difference, Step, What, matches, same};
use crate::expect::{Item, Kind, Node};

pub(super) struct Walk {
    path: Vec<Step>,
    out: Diff,
}

impl Walk {
    pub(super) fn new() -> Self {
        Walk { path: Vec::new(), out: Diff::default() }
    }

    pub(super) fn found(self) -> Diff {
        self.out
    }

    fn say(&mut self, what: What, place: &Range<usize>, documented: Option<Value>, actual: Option<&Value>) {
        let found =
            Difference { path: self.path.clone(), what, place: place.clone(), documented, actual: actual.cloned() };
        if what == What::KeyOrder {
            self.out.warnings.push(found);
        } else {
            self.out.differences.push(found);
        }
    }

    fn within(&mut self, step: Step, act: impl FnOnce(&mut Self)) {
        self.path.push(step);
        act(self);
        self.path.pop();
    }

    pub(super) fn node(&mut self, documented: &Node, actual: &Value) {
        match (&documented.kind, actual) {
            (Kind::Described(marker), _) => {
                if !marker.accepts(actual) {
                    self.say(What::Type, &documented.span, Some(documented.to_value()), Some(actual));
                }
            }
            (Kind::Exact(value), _) if same(value, actual) => {}
            (Kind::Exact(value), _) => {
                let alike = std::mem::discriminant(value) == std::mem::discriminant(actual);
                let what = if alike { What::Value } else { What::Type };
                self.say(what, &documented.span, Some(value.clone()), Some(actual));
            }
            (Kind::Object { .. }, Value::Object(_)) => self.object(documented, actual),
            (Kind::Array(items), Value::Array(values)) => self.array(documented, items, values),
            _ => self.say(What::Type, &documented.span, Some(documented.to_value()), Some(actual)),
        }
    }

    fn object(&mut self, documented: &Node, actual: &Value) {
        let Kind::Object { members, elided, .. } = &documented.kind else { return };
        let Some(object) = actual.as_object() else { return };
        let mut written = Vec::new();
        for member in members {
            match object.get(&member.key) {
                Some(value) => {
                    written.push(member.key.as_str());
                    self.within(Step::Key(member.key.clone()), |walk| walk.node(&member.value, value));
                }
                None => {
                    let place = member.key_span.start..member.value.span.end;
                    let value = member.value.to_value();
                    self.within(Step::Key(member.key.clone()), |walk| {
                        walk.say(What::Missing, &place, Some(value), None);
                    });
                }
            }
        }
        if !elided {
            for (key, value) in object {
                if !members.iter().any(|member| member.key == *key) {
                    self.within(Step::Key(key.clone()), |walk| {
                        walk.say(What::Extra, &documented.span, None, Some(value));
                    });
                }
            }
        }
        let stored = object.keys().filter(|key| written.contains(&key.as_str()));
        if !stored.eq(written.iter().copied()) {
            let keys = object.keys().cloned().map(Value::String).collect();
            let order = written.into_iter().map(|key| Value::String(key.to_owned())).collect();
            self.say(What::KeyOrder, &documented.span, Some(Value::Array(order)), Some(&Value::Array(keys)));
        }
    }

    fn array(&mut self, documented: &Node, items: &[Item], values: &[Value]) {
        let elided = items.iter().any(|item| matches!(item, Item::Elided(_)));
        let nodes: Vec<&Node> = items
            .iter()
            .filter_map(|item| match item {
                Item::Value(node) => Some(node),
                Item::Elided(_) => None,
            })
            .collect();
        if elided && elided_match(items, values) {
            // The members' order is still worth a warning.
            self.pair_elided(&nodes, values);
            return;
        }
        match (node_ids(&nodes), value_ids(values)) {
            (Some(ours), Some(theirs)) => self.by_id(documented, &nodes, values, &ours, &theirs, elided),
            _ => self.by_position(documented, &nodes, values, elided),
        }
    }

    fn pair_elided(&mut self, nodes: &[&Node], values: &[Value]) {
        let mut from = 0;
        for node in nodes {
            if let Some(found) = values[from..].iter().position(|value| matches(node, value)) {
                let at = from + found;
                self.within(Step::Index(at), |walk| walk.node(node, &values[at]));
                from = at + 1;
            }
        }
    }

    fn by_id(
        &mut self,
        documented: &Node,
        nodes: &[&Node],
        values: &[Value],
        ours: &[&Value],
        theirs: &[&Value],
        elided: bool,
    ) {
        let before = self.out.differences.len();
        for (node, id) in nodes.iter().zip(ours) {
            let found = theirs.iter().position(|other| same(id, other));
            self.within(Step::Id((*id).clone()), |walk| match found {
                Some(at) => walk.node(node, &values[at]),
                None => walk.say(What::Missing, &node.span, Some(node.to_value()), None),
            });
        }
        if !elided {
            for (value, id) in values.iter().zip(theirs) {
                if !ours.iter().any(|other| same(id, other)) {
                    self.within(Step::Id((*id).clone()), |walk| {
                        walk.say(What::Extra, &documented.span, None, Some(value));
                    });
                }
            }
        }
        let known = |ids: &[&Value], others: &[&Value]| -> Vec<Value> {
            ids.iter().filter(|id| others.iter().any(|other| same(id, other))).map(|id| (*id).clone()).collect()
        };
        let (page, server) = (known(ours, theirs), known(theirs, ours));
        let moved = page.len() != server.len() || page.iter().zip(&server).any(|(a, b)| !same(a, b));
        // With an elision, what is left is that the items stand elsewhere.
        if moved || (elided && self.out.differences.len() == before) {
            let all = theirs.iter().map(|id| (*id).clone()).collect();
            self.say(What::Order, &documented.span, Some(Value::Array(page)), Some(&Value::Array(all)));
        }
    }

    fn by_position(&mut self, documented: &Node, nodes: &[&Node], values: &[Value], elided: bool) {
        for (at, node) in nodes.iter().enumerate() {
            self.within(Step::Index(at), |walk| match values.get(at) {
                Some(value) => walk.node(node, value),
                None => walk.say(What::Missing, &node.span, Some(node.to_value()), None),
            });
        }
        if !elided {
            for (at, value) in values.iter().enumerate().skip(nodes.len()) {
                self.within(Step::Index(at), |walk| walk.say(What::Extra, &documented.span, None, Some(value)));
            }
        }
    }
}

/// Items before the first elision are the first ones, those after the last are
/// the last ones, and those between two follow each other somewhere between.
fn elided_match(items: &[Item], values: &[Value]) -> bool {
    let runs: Vec<Vec<&Node>> = items
        .split(|item| matches!(item, Item::Elided(_)))
        .map(|run| {
            run.iter()
                .filter_map(|item| match item {
                    Item::Value(node) => Some(node),
                    Item::Elided(_) => None,
                })
                .collect()
        })
        .collect();
    let fits = |run: &[&Node], at: usize| {
        values
            .get(at..at + run.len())
            .is_some_and(|values| run.iter().zip(values).all(|(node, value)| matches(node, value)))
    };
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return true };
    if first.len() + last.len() > values.len() {
        return false;
    }
    let end = values.len() - last.len();
    if !fits(first, 0) || !fits(last, end) {
        return false;
    }
    let mut at = first.len();
    for run in &runs[1..runs.len() - 1] {
        match (at..=end.saturating_sub(run.len())).find(|start| fits(run, *start)) {
            Some(start) => at = start + run.len(),
            None => return false,
        }
    }
    at <= end
}

fn node_ids<'a>(nodes: &[&'a Node]) -> Option<Vec<&'a Value>> {
    let ids: Option<Vec<&Value>> = nodes
        .iter()
        .map(|node| match &node.kind {
            Kind::Object { members, .. } => members.iter().find_map(|member| match &member.value.kind {
                Kind::Exact(id) if member.key == "id" => Some(id),
                _ => None,
            }),
            _ => None,
        })
        .collect();
    ids.filter(|ids| distinct(ids))
}

fn value_ids(values: &[Value]) -> Option<Vec<&Value>> {
    let ids: Option<Vec<&Value>> = values.iter().map(|value| value.get("id")).collect();
    ids.filter(|ids| distinct(ids))
}

fn distinct(ids: &[&Value]) -> bool {
    let mut seen = std::collections::HashSet::with_capacity(ids.len());
    ids.iter().all(|id| seen.insert(id.to_string()))
}
