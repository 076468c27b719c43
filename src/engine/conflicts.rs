//! Versions of records that the API had stored and that lost against an edit: kept in a file beside the data, and in
//! memory for `GET /-/conflicts`.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::memory::SharedQueue;
use crate::store::{ApiChange, Conflict, Store, Written};

/// How many are kept in memory; the file has all.
pub(super) const MOST: usize = 1000;

/// The conflicts of this run, oldest first.
pub(super) type Conflicts = SharedQueue<Value>;

/// The lines of the conflicts file.
pub(super) fn lines(values: &[Value]) -> String {
    values
        .iter()
        .map(Value::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// A version that lost: `kind` says against what.
pub(super) fn describe(kind: &str, conflict: &Conflict) -> Value {
    let value = |text: &Option<String>| {
        text.as_deref().map_or(Value::Null, |text| {
            serde_json::from_str(text).unwrap_or_else(|_| text.into())
        })
    };
    let mut line = json!({
        "at": httpdate::fmt_http_date(SystemTime::now()),
        "kind": kind,
        "resource": conflict.resource,
        "id": conflict.id.as_ref().map(ToString::to_string),
        "api": value(&conflict.api),
        "edit": value(&conflict.edit),
    });
    if let (Some(property), Some(members)) = (&conflict.property, line.as_object_mut()) {
        members.insert("property".into(), property.clone().into());
    }
    line
}

/// A write that is in memory only while the file is broken.
pub(super) fn pending(change: &ApiChange) -> Value {
    let Written { resource, id } = change.what.clone();
    describe(
        "pending",
        &Conflict {
            resource,
            id,
            property: None,
            api: change.after.clone(),
            edit: None,
        },
    )
}

/// Text that was to be merged with the data and cannot be: `kind` says why.
pub(super) fn unmerged_text(kind: &str, text: &str) -> Value {
    json!({ "at": httpdate::fmt_http_date(SystemTime::now()), "kind": kind, "text": text })
}

/// What a return to an earlier state drops.
pub(super) fn dropped(ours: &Store, theirs: &Store) -> Vec<Conflict> {
    let conflict = |one: &Written| Conflict {
        resource: one.resource.clone(),
        id: one.id.clone(),
        property: None,
        api: ours.text_of(one).map(ToString::to_string),
        edit: theirs.text_of(one).map(ToString::to_string),
    };
    ours.written_since(theirs).iter().map(conflict).collect()
}
