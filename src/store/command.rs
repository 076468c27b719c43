//! Commands to the store, their outcomes, and why they may be refused.

use bytestring::ByteString;

use crate::json::{Id, Member, Object, members};
use crate::rules::ReferenceRule;
use crate::text::list;

/// A change that a client requests. It refers to resources and records by name and id, because both may change before
/// it is carried out.
#[derive(Debug, Clone)]
pub struct Command {
    /// The resource's name.
    pub resource: String,
    /// The record of a collection; `None` for a new one, and for a single object.
    pub id: Option<Id>,
    /// The operation.
    pub operation: Operation,
    /// The record, the object, or the properties to change; a deletion does not look at it.
    pub body: Object,
}

/// The operation of a [`Command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Adds a record to a collection; its own id is taken if it has one that is neither null, empty nor 0, as in
    /// json-server.
    Create,
    /// Replaces a record or object; the id stays.
    Replace,
    /// Changes some properties of a record or a single object; the id stays.
    Merge(Merge),
    /// Deletes a record, and applies [`OnDelete`](crate::rules::OnDelete) to those that point to it.
    Delete {
        /// The collections whose records are deleted with it in any case.
        dependent: Vec<String>,
    },
}

/// How a PATCH is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// One level deep, `null` is a value (json-server).
    Shallow,
    /// RFC 7396: recursively, `null` removes.
    MergePatch,
}

/// Why a command cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such resource, or it is of another kind.
    #[error("there is no resource {0} any more")]
    NoResource(String),
    /// The collection has no record with that id.
    #[error("{resource} has no record with the id {id}")]
    NoRecord {
        /// The collection.
        resource: String,
        /// The id.
        id: Id,
    },
    /// The id given for a new record is an object or an array.
    #[error("{property} is {value}; an id is a string or a number")]
    NoId {
        /// The id property.
        property: String,
        /// The value, as JSON.
        value: String,
    },
    /// A record has that id already.
    #[error("{resource} already has a record with the {property} {id}")]
    IdTaken {
        /// The collection.
        resource: String,
        /// The id property.
        property: String,
        /// The id.
        id: Id,
    },
    /// Another record has those values, which must be unique.
    #[error("{} already has {}", holder_name(resource, holder.as_ref()), list(&values_in_use(values)))]
    NotUnique {
        /// The collection.
        resource: String,
        /// The properties with the values, as JSON.
        values: Vec<(String, String)>,
        /// The id of the record that has them.
        holder: Option<Id>,
    },
    /// A declared reference points to no record.
    #[error("{} is {value}, and no record of {} has that {}", rule.property, rule.resource, rule.target)]
    Dangling {
        /// The reference.
        rule: ReferenceRule,
        /// The value without a target, as JSON.
        value: String,
    },
    /// Other records point to what would be deleted, with a reference that restricts deletion.
    #[error("{}", referenced(&record_path(resource, id.as_ref()), holders, not_null.as_deref()))]
    Referenced {
        /// The collection of the record that was to be deleted.
        resource: String,
        /// Its id.
        id: Option<Id>,
        /// The records that point, by collection and id.
        holders: Vec<(String, Option<Id>)>,
        /// The collections whose records would have to be deleted with it (`_dependent`).
        dependent: Vec<String>,
        /// Why the foreign key cannot be null; `None`: the rule restricts deletion.
        not_null: Option<String>,
    },
    /// The record is not in the state that the writer expected (`If-Match`).
    #[error("the record is not in the state that the request expects")]
    Changed,
}

/// The record that has values which must be unique.
pub fn holder_name(resource: &str, holder: Option<&Id>) -> String {
    match holder {
        Some(_) => record_path(resource, holder),
        None => format!("another record of {resource}"),
    }
}

fn values_in_use(values: &[(String, String)]) -> Vec<String> {
    let values = values.iter();
    values
        .map(|(name, value)| format!("the {name} {value}"))
        .collect()
}

fn record_path(resource: &str, id: Option<&Id>) -> String {
    let id = id.map(ToString::to_string).unwrap_or_default();
    format!("{resource}/{id}")
}

/// Why a record that others refer to is not deleted.
fn referenced(record: &str, holders: &[(String, Option<Id>)], not_null: Option<&str>) -> String {
    const MAX_NAMED: usize = 5;
    let paths = holders
        .iter()
        .map(|(resource, id)| record_path(resource, id.as_ref()));
    let mut named: Vec<String> = paths.take(MAX_NAMED).collect();
    match holders.len().saturating_sub(MAX_NAMED) {
        0 => {}
        1 => named.push("one more".into()),
        more => named.push(format!("{more} more")),
    }
    let named = list(&named);
    let point = if holders.len() == 1 {
        "points"
    } else {
        "point"
    };
    match not_null {
        Some(rule) => {
            format!(
                "{record} cannot be deleted: {named} points to it, and the rules say that {rule}"
            )
        }
        None => format!("{record} cannot be deleted: {named} {point} to it"),
    }
}

impl Command {
    /// Whether it deletes a record.
    pub fn deletes(&self) -> bool {
        matches!(self.operation, Operation::Delete { .. })
    }

    /// This command with `sent` as its body. Members that the body has already are kept: a nested path sets the foreign
    /// key, whatever was sent.
    pub fn with_body(mut self, sent: &Object) -> Command {
        let preset = std::mem::replace(&mut self.body, sent.clone());
        self.with_preset(&preset)
    }

    /// This command with the members of `preset` in its body.
    pub fn with_preset(mut self, preset: &Object) -> Command {
        for Member { key, value, .. } in members(preset.as_str()) {
            self.body = self.body.with(&key, value);
        }
        self
    }
}

/// The outcome of a change.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The resource of the record, or the single object.
    pub resource: String,
    /// The id of the record.
    pub id: Option<Id>,
    /// The record's text as stored; of a deletion, as it was.
    pub value: ByteString,
    /// Whether the data differs from before.
    pub changed: bool,
    /// The written records, including those that a deletion cascaded to.
    pub written: Vec<Written>,
    /// How many of these, the first ones, were deleted.
    pub removed: usize,
}

impl Outcome {
    /// Whether it removed the record that `command` is about.
    pub fn removes(&self, command: &Command) -> bool {
        let mut removed = self.written.iter().take(self.removed);
        removed.any(|written| written.resource == command.resource && written.id == command.id)
    }
}

/// The name of what was written: a record of a collection, or a single object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Written {
    /// The resource.
    pub resource: String,
    /// The record; `None` for a single object.
    pub id: Option<Id>,
}
