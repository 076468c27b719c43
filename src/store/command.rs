//! Commands: what clients may ask the store to do, why it may refuse, and what came of it.

use bytestring::ByteString;

use crate::json::{Id, Layout, Object, members, with_member};
use crate::rules::ReferenceRule;

/// A change that somebody asks for. Resources and records are named, since both may change before it is their turn.
#[derive(Debug, Clone)]
pub enum Command {
    /// Adds a record to a collection.
    Create {
        /// The collection's name.
        resource: String,
        /// The record; its own id is taken if it has one that is neither null, empty nor 0, as in json-server.
        body: Object,
    },
    /// Puts another record in the place of one; the id stays.
    Replace {
        /// The collection's name.
        resource: String,
        /// Which record.
        id: Id,
        /// The record.
        body: Object,
    },
    /// Changes some properties of a record; the id stays.
    Merge {
        /// The collection's name.
        resource: String,
        /// Which record.
        id: Id,
        /// The properties.
        patch: Object,
        /// How they are laid over the record.
        how: Merge,
    },
    /// Takes a record away, and does to those that point to it what [`OnDelete`](crate::rules::OnDelete) says.
    Delete {
        /// The collection's name.
        resource: String,
        /// Which record.
        id: Id,
        /// The collections whose records go with it in any case.
        dependent: Vec<String>,
    },
    /// Puts another object in the place of a single one.
    ReplaceObject {
        /// The resource's name.
        resource: String,
        /// The object.
        body: Object,
    },
    /// Changes some properties of a single object.
    MergeObject {
        /// The resource's name.
        resource: String,
        /// The properties.
        patch: Object,
        /// How they are laid over the object.
        how: Merge,
    },
}

/// How a PATCH is laid over what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// One level deep, `null` is a value (json-server).
    Shallow,
    /// RFC 7396: recursively, `null` removes.
    MergePatch,
}

/// Why a command cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such resource, or it is of another kind.
    NoResource(String),
    /// The collection has no record with that id.
    NoRecord {
        /// The collection.
        resource: String,
        /// The id.
        id: Id,
    },
    /// The id given for a new record is an object or an array.
    NoId {
        /// The id property.
        property: String,
        /// The value, as JSON.
        value: String,
    },
    /// A record has that id already.
    IdTaken {
        /// The collection.
        resource: String,
        /// The id property.
        property: String,
        /// The id.
        id: Id,
    },
    /// Another record has those values, which must be unique.
    NotUnique {
        /// The collection.
        resource: String,
        /// The properties with the values, as JSON.
        values: Vec<(String, String)>,
        /// The id of the record that has them.
        holder: Option<Id>,
    },
    /// A declared reference points to no record.
    Dangling {
        /// The reference.
        rule: ReferenceRule,
        /// The value that points nowhere, as JSON.
        value: String,
    },
    /// Other records point to what would be deleted, and must not lose it.
    Referenced {
        /// The collection of the record that was to be deleted.
        resource: String,
        /// Its id.
        id: Option<Id>,
        /// The records that point, by collection and id.
        holders: Vec<(String, Option<Id>)>,
        /// The collections from which records would have to go with it (`_dependent`).
        dependent: Vec<String>,
        /// The pointer cannot be null, for this reason; `None`: it is to be kept.
        not_null: Option<String>,
    },
    /// The record is not in the state that the writer expected (`If-Match`).
    Changed,
}

impl Command {
    /// The name of the resource that it is about.
    pub fn resource(&self) -> &str {
        match self {
            Command::Create { resource, .. }
            | Command::Replace { resource, .. }
            | Command::Merge { resource, .. }
            | Command::Delete { resource, .. }
            | Command::ReplaceObject { resource, .. }
            | Command::MergeObject { resource, .. } => resource,
        }
    }

    /// The body; a deletion has none.
    pub fn body(&self) -> Option<&Object> {
        match self {
            Command::Create { body, .. }
            | Command::Replace { body, .. }
            | Command::Merge { patch: body, .. }
            | Command::ReplaceObject { body, .. }
            | Command::MergeObject { patch: body, .. } => Some(body),
            Command::Delete { .. } => None,
        }
    }

    /// The body, to change it; a deletion has none.
    pub fn body_mut(&mut self) -> Option<&mut Object> {
        match self {
            Command::Create { body, .. }
            | Command::Replace { body, .. }
            | Command::Merge { patch: body, .. }
            | Command::ReplaceObject { body, .. }
            | Command::MergeObject { patch: body, .. } => Some(body),
            Command::Delete { .. } => None,
        }
    }

    /// This command with `sent` as its body. Members that the body has already are kept: a nested path sets the foreign
    /// key, whatever was sent.
    pub fn with_body(mut self, sent: &Object) -> Command {
        let Some(body) = self.body_mut() else {
            return self;
        };
        let preset = std::mem::replace(body, sent.clone());
        self.with_preset(&preset)
    }

    /// This command with the members of `preset` in its body.
    pub fn with_preset(mut self, preset: &Object) -> Command {
        let Some(body) = self.body_mut() else {
            return self;
        };
        for member in members(preset.as_str()) {
            let text = with_member(body.as_str(), &member.key, member.value, Layout::PRETTY, "");
            *body = Object::parse(&text).unwrap_or_else(|_| body.clone());
        }
        self
    }
}

/// What a change left behind.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The id of the record.
    pub id: Option<Id>,
    /// The record's text as stored; of a deletion, as it was.
    pub value: ByteString,
    /// Whether the data differs from before.
    pub changed: bool,
    /// What was written, the records included that a deletion took along.
    pub written: Vec<Written>,
    /// How many of these, the first ones, are gone.
    pub removed: usize,
}

impl Outcome {
    /// Whether it removed the record that `command` is about.
    pub fn removes(&self, command: &Command) -> bool {
        let (Command::Delete { resource, id, .. }
        | Command::Replace { resource, id, .. }
        | Command::Merge { resource, id, .. }) = command
        else {
            return false;
        };
        let mut removed = self.written.iter().take(self.removed);
        removed.any(|written| written.resource == *resource && written.id.as_ref() == Some(id))
    }
}

/// Names what was written: a record of a collection, or a single object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Written {
    /// The resource.
    pub resource: String,
    /// The record; `None` for a single object.
    pub id: Option<Id>,
}
