//! What the document needs to know about a resource.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::infer::Seen;
use crate::json::Object;
use crate::schema::{Property, Schema};
use crate::store::plural::singular;
use crate::store::{Command, Data, Operation, Refusal, Resource, Store};
use crate::text::capital;

/// Longer records are not shown as examples, in bytes.
const MAX_EXAMPLE: usize = 16 * 1024;

/// What the document needs to know about a resource.
pub(super) struct Described<'a> {
    pub(super) resource: &'a Resource,
    /// The path, percent-encoded, as `/users`.
    pub(super) path: String,
    /// The word for one record, as `user`; of an object or a value its name.
    pub(super) singular: String,
    /// The name of the schema of one record, as `User`; others are made of it.
    pub(super) name: String,
    /// Whether there are rules.
    pub(super) strict: bool,
    /// The properties that the rules describe.
    pub(super) declared: &'a [Property],
    /// What the records have in common.
    pub(super) seen: Seen,
    /// A record as in a response, and one as in a request.
    pub(super) example: Option<Value>,
    pub(super) body: Option<Value>,
}

pub(super) fn describe<'a>(
    schema: &'a Schema,
    store: &Store,
    resource: &'a Resource,
    names: &mut Names,
) -> Described<'a> {
    let id = &store.settings().id;
    let mut seen = Seen::default();
    let parsed = |text: &str| {
        (text.len() <= MAX_EXAMPLE)
            .then(|| serde_json::from_str(text).ok())
            .flatten()
    };
    let (example, single) = match resource.data() {
        Data::Collection(rows) => {
            rows.rows().for_each(|row| seen.see(row.value()));
            (
                rows.window(0, 1).next().and_then(|row| parsed(row.value())),
                false,
            )
        }
        Data::Object(text) | Data::Scalar(text) => {
            seen.see(text);
            (parsed(text), true)
        }
    };
    let rules = schema.rules(resource.name());
    let body = match (rules, &example) {
        (Some(rules), _) => rules
            .example()
            .filter(|example| may_be_sent(store, resource, example))
            .cloned(),
        (None, Some(Value::Object(members))) => {
            let mut members = members.clone();
            members.retain(|name, _| single || name != id);
            Some(Value::Object(members))
        }
        (None, _) => None,
    };
    let word = if single {
        resource.name().to_string()
    } else {
        singular(resource.name())
    };
    let path = format!("/{}", encode(resource.name()));
    Described {
        resource,
        path,
        name: names.unique(&capital(&word)),
        singular: word,
        strict: rules.is_some(),
        declared: rules.map_or(&[], |rules| rules.properties()),
        seen,
        example,
        body,
    }
}

/// Whether the references of an example point to records.
fn may_be_sent(store: &Store, resource: &Resource, example: &Value) -> bool {
    let Ok(body) = Object::parse(&example.to_string()) else {
        return false;
    };
    let command = Command {
        resource: resource.name().to_string(),
        id: None,
        operation: Operation::Create,
        body,
    };
    let planned = store
        .draft(&command, &mut String::new)
        .and_then(|draft| store.plan(draft));
    !matches!(planned, Err(Refusal::Dangling { .. }))
}

/// Names of schemas, which match `^[a-zA-Z0-9._-]+$`; each is given out once.
#[derive(Default)]
pub(super) struct Names(std::collections::HashSet<String>);

impl Names {
    /// A name like `wanted`; the names derived from it are free, too.
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        let kept = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let base: String = wanted.chars().map(kept).take(60).collect();
        let base = if base.is_empty() { "_".into() } else { base };
        let mut name = base.clone();
        let mut number = 1;
        while self.forms(&name).iter().any(|form| self.0.contains(form)) {
            number += 1;
            name = format!("{base}{number}");
        }
        self.0.extend(self.forms(&name));
        name
    }

    fn forms(&self, name: &str) -> [String; 4] {
        [
            name.to_string(),
            format!("New{name}"),
            format!("{name}Replacement"),
            format!("{name}Changes"),
        ]
    }
}

/// What is escaped in a path of the document; braces would mark a parameter.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Encodes `text` as one segment of a path.
fn encode(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}
