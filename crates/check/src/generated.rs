//! Values that a page cannot document, because the server generates them: random ids, and properties with `x-generated`.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::compare::{Difference, DifferenceKind, Step};
use super::datasets::{Dataset, has};
use super::node::{Item, Kind, Matcher, Node};
use super::service::Request;
use super::url;

/// What is known about the values of a response.
pub struct Generated<'a> {
    dataset: &'a Dataset,
    /// The bodies that were sent up to this response; their values are not generated.
    sent: Vec<Value>,
    /// Whether the request creates a record without giving its id.
    creates: bool,
    /// Whether the request changes a record.
    changes: bool,
    /// The ids that a new record cannot have, as the data has them.
    taken: Vec<&'a Value>,
    /// Whether the data is that of the service, so that other ids are generated.
    is_own_data: bool,
}

impl<'a> Generated<'a> {
    /// For the response to `request`, after `writes`.
    pub fn new<'b>(
        dataset: &'a Dataset,
        is_own_data: bool,
        request: &Request,
        writes: impl Iterator<Item = &'b Request>,
    ) -> Self {
        let body = |request: &Request| serde_json::from_str(request.body.as_deref()?).ok();
        let own: Option<Value> = body(request);
        let creates =
            request.method == "POST" && own.as_ref().is_some_and(|body| body.get("id").is_none());
        let segments = url::segments(&request.target);
        let records = segments.first().and_then(|name| dataset.records(name));
        let records = records.filter(|_| creates && is_own_data);
        Generated {
            dataset,
            taken: (records.into_iter().flatten())
                .filter_map(|record| record.get("id"))
                .collect(),
            sent: writes.filter_map(body).chain(own).collect(),
            creates,
            changes: matches!(request.method.as_str(), "PUT" | "PATCH"),
            is_own_data,
        }
    }

    /// Whether a difference is between a generated value and one that could be.
    pub fn accepts(&self, found: &Difference) -> bool {
        let (Some(Step::Key(key)), Some(documented), Some(actual), DifferenceKind::Value) = (
            found.path.last(),
            &found.documented,
            &found.actual,
            found.kind,
        ) else {
            return false;
        };
        let is_top = found.path.len() == 1;
        // The time of a change, which only the real service makes.
        let is_change = self.changes && is_top && UPDATED.is_match(key);
        if is_change && is_time(documented) && is_time(actual) && !self.is_sent(key, actual) {
            return true;
        }
        // Data that has the record already may be that of after the page's writes.
        let is_random = |id: &&str| id.len() >= 8 && id.bytes().any(|byte| byte.is_ascii_digit());
        let is_taken = is_top
            && key == "id"
            && self.taken.contains(&documented)
            && documented.as_str().filter(is_random).is_none();
        self.could_be(key, documented, is_top) && !self.is_known(key, actual) && !is_taken
    }

    /// Gives the items of lists that have random ids those that the page shows, in order, so that they are compared
    /// with each other; returns what was changed.
    pub fn align(&self, node: &Node, actual: &mut Value) -> Vec<Difference> {
        let mut changed = Vec::new();
        self.align_below(node, actual, &mut Vec::new(), &mut changed);
        changed
    }

    fn align_below(
        &self,
        node: &Node,
        actual: &mut Value,
        path: &mut Vec<Step>,
        changed: &mut Vec<Difference>,
    ) {
        match (&node.kind, actual) {
            (Kind::Object { members, .. }, Value::Object(object)) => {
                for member in members {
                    if let Some(value) = object.get_mut(&member.key) {
                        path.push(Step::Key(member.key.clone()));
                        self.align_below(&member.value, value, path, changed);
                        path.pop();
                    }
                }
            }
            (Kind::Array(items), Value::Array(values)) => {
                let nodes: Vec<&Node> = items.iter().filter_map(Item::node).collect();
                let ids: Vec<Option<Value>> = values
                    .iter()
                    .map(|value| value.get("id").cloned())
                    .collect();
                let is_shown = |id: &Value| nodes.iter().any(|node| node.id() == Some(id));
                let mut random = (0..values.len()).filter(|at| {
                    let id = ids[*at].as_ref();
                    id.is_some_and(|id| !is_shown(id) && !self.is_known("id", id))
                });
                for node in &nodes {
                    let Some(id) = node.id().filter(|id| self.could_be("id", id, false)) else {
                        continue;
                    };
                    let same = ids.iter().position(|own| own.as_ref() == Some(id));
                    let Some(at) = same.or_else(|| random.next()) else {
                        continue;
                    };
                    path.push(Step::Index(at));
                    if same.is_none() {
                        changed.push(Difference {
                            path: [path.as_slice(), &[Step::Key("id".to_owned())]].concat(),
                            kind: DifferenceKind::Value,
                            place: node.span.clone(),
                            documented: Some(id.clone()),
                            actual: ids[at].clone(),
                        });
                        values[at]["id"] = id.clone();
                    }
                    self.align_below(node, &mut values[at], path, changed);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    /// Whether a documented value has the form of those that the server generates for a property.
    fn could_be(&self, key: &str, documented: &Value, is_top: bool) -> bool {
        let by_rules = match self.dataset.generated(key) {
            Some("created" | "updated") => Matcher::DateTime.accepts(documented),
            Some("uuid") => Matcher::Uuid.accepts(documented),
            Some("user") => true,
            Some(_) => documented.is_string(),
            None => false,
        };
        let is_id = key == "id" && documented.is_string();
        by_rules || (is_id && (self.is_own_data || (self.creates && is_top)))
    }

    /// Whether a value is in the data or was sent, so that it is not generated.
    fn is_known(&self, key: &str, value: &Value) -> bool {
        let is_random = value.is_string() || key != "id";
        !is_random || self.dataset.has_value(key, value) || self.is_sent(key, value)
    }

    fn is_sent(&self, key: &str, value: &Value) -> bool {
        self.sent.iter().any(|body| has(body, key, Some(value)))
    }
}

/// Names of members that hold the time of the last change.
static UPDATED: LazyLock<Regex> =
    regex!(r"(?i)^(?:last)?_?(?:updated|modified|changed)_?(?:at|on|date|time)?$");

fn is_time(value: &Value) -> bool {
    let begins =
        |text: &str| text.len() >= 16 && text.as_bytes()[..4].iter().all(u8::is_ascii_digit);
    Matcher::DateTime.accepts(value) || value.as_str().is_some_and(begins)
}
