//! The rules of a data file: one JSON Schema 2020-12 for the whole file, compiled once and checked often.
//!
//! [`Schema::compile`] reads the text of `db.schema.json` and refuses whatever would have no effect; [`Rules::check`]
//! lists what is wrong with a record. Uniqueness and references are only read here: the store enforces them.

mod access;
mod check;
mod compile;
mod document;
mod example;
mod lint;
mod repair;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::json::Place;
use crate::rules::{Access, Auth, Generated, Hidden, ReferenceRule, UniqueRule};

pub use check::{Budget, TooComplex, Violation};
#[cfg(feature = "cli")]
pub use document::editor_schema;
pub use example::IdRules;

/// The URI of the draft of JSON Schema that rules are written in.
pub const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The compiled rules of a data file. The default has no rules.
#[derive(Debug, Default)]
pub struct Schema {
    rules: Vec<Rules>,
    auth: Option<Auth>,
    /// The guards, by resource.
    pub guards: Vec<(String, Access)>,
    document: document::Document,
}

impl Schema {
    /// Compiles the text of a rules file, for records whose id is called `id_name`.
    ///
    /// # Errors
    /// Everything in the file that would have no effect, with its place.
    pub fn compile(text: &str, id_name: &str) -> Result<Schema, SchemaError> {
        compile::compile(text, id_name)
    }

    /// How users log in, if there are logins.
    pub fn auth(&self) -> Option<&Auth> {
        self.auth.as_ref()
    }

    /// The guards of `resource`; `None`: it has none.
    pub fn access(&self, resource: &str) -> Option<&Access> {
        let found = self.guards.iter().find(|(name, _)| name == resource);
        found.map(|(_, access)| access)
    }

    /// The rules of the collection or object `resource`; `None` if the file has none for it.
    pub fn rules(&self, resource: &str) -> Option<&Rules> {
        self.iter().find(|rules| rules.resource == resource)
    }

    /// The rules of all resources, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Rules> {
        self.rules.iter()
    }

    /// The names of the hidden properties.
    pub fn hidden_names(&self) -> Vec<&str> {
        let hidden = self.rules.iter().map(|rules| &rules.hidden);
        hidden.flat_map(Hidden::names).collect()
    }

    /// The whole file without `$schema` and `$id`.
    pub fn raw(&self) -> &Value {
        &self.document.root
    }

    /// The JSON pointer into [`Schema::raw`] that a `$ref` resolves to.
    pub fn target(&self, reference: &str) -> Option<String> {
        self.document.target(reference)
    }
}

/// The rules of one collection's records, or of one single object.
#[derive(Debug)]
pub struct Rules {
    /// The name of the collection or object.
    pub resource: String,
    /// Whether it is a collection or an object.
    pub holds: Holds,
    /// The properties that the rules describe, in the order of the file; those of `$ref` and `allOf` included.
    pub properties: Vec<Property>,
    /// The unique rules.
    pub unique: Vec<UniqueRule>,
    /// The properties that refer to other records.
    pub references: Vec<ReferenceRule>,
    /// The hidden values, which are stored and never sent.
    pub hidden: Hidden,
    /// The schema of a record as written in the file; its references resolve in [`Schema::raw`].
    pub raw: Value,
    /// The rules for the id of a record, if there are any.
    pub ids: Option<Arc<IdRules>>,
    /// A small valid record without an id, for example commands: the required properties, or all if none is required.
    /// `None` if none was found.
    pub example: Option<Value>,
    checker: check::Checker,
}

/// The kind of resource that rules are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Each record of a collection.
    Records,
    /// A single object, or another value that is not a collection.
    Single,
}

/// A property of a record, as the rules describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// The JSON types it may have, as the schema names them; empty where any is allowed.
    pub types: Vec<String>,
    /// Its `format`.
    pub format: Option<String>,
    /// Whether a record must have it.
    pub required: bool,
    /// Whether it is marked `readOnly`.
    pub read_only: bool,
    /// Whether it is marked `writeOnly`.
    pub write_only: bool,
    /// Its `default`.
    pub default: Option<Value>,
    /// The value that the server generates for it.
    pub generated: Option<Generated>,
    /// Its `description`.
    pub description: Option<String>,
    /// The allowed values in words: `an e-mail address`, `a string or null`; empty if anything is allowed.
    pub words: String,
}

impl Rules {
    /// The violations of a record, given as its JSON text, in the order of the text; empty if it is valid.
    ///
    /// The server sets the id of a record, so a record without one is valid, and only the rules for that property
    /// itself apply to it.
    ///
    /// # Errors
    /// The check would exceed `budget`, which it consumes.
    pub fn check(&self, text: &str, budget: &mut Budget) -> Result<Vec<Violation>, TooComplex> {
        match serde_json::from_str(text) {
            Ok(value) => self.checker.check(value, budget),
            Err(error) => Ok(vec![Violation {
                pointer: String::new(),
                detail: error.to_string(),
            }]),
        }
    }

    /// Whether the value of `property` is never sent.
    pub fn hides(&self, property: &str) -> bool {
        let hidden = &self.hidden;
        !hidden.is_empty() && hidden.hides(&hidden.member(&[0], property))
    }

    /// A valid record similar to `value`; `None` if none was found.
    pub fn repaired(&self, value: Value) -> Option<Value> {
        repair::repaired(&self.checker, value)
    }

    /// Ids for clients to send if the server cannot generate any.
    pub fn example_ids(&self) -> Vec<Value> {
        (self.ids.as_ref()).map_or_else(Vec::new, |ids| ids.examples())
    }

    /// Other values for a property that has the value `value`; they may break rules.
    pub fn variants(&self, property: &str, value: &Value, number: usize) -> Vec<Value> {
        let document = &self.checker.document;
        example::variants(
            &document.property(&document.schemas(&self.checker.pointer), property),
            value,
            number,
        )
    }
}

/// Why a rules file is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.iter().map(SchemaProblem::to_string).collect::<Vec<_>>().join("\n"))]
#[non_exhaustive]
pub struct SchemaError {
    /// Everything that is wrong, in the order of the file; never empty.
    pub problems: Vec<SchemaProblem>,
}

/// An error in a rules file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaProblem {
    /// The place in the schema (RFC 6901); empty for the whole file and for syntax errors.
    pub pointer: String,
    /// Its byte offset in the text of the file.
    pub offset: usize,
    /// The error message.
    pub message: String,
    /// How to fix it, if known.
    pub hint: Option<String>,
}

impl SchemaProblem {
    /// A problem at `pointer`, without the offset yet.
    fn new(
        pointer: impl Into<String>,
        message: impl fmt::Display,
        hint: Option<String>,
    ) -> SchemaProblem {
        SchemaProblem {
            pointer: pointer.into(),
            offset: 0,
            message: message.to_string(),
            hint,
        }
    }

    /// Line and column of the problem in the text that was compiled.
    pub fn place(&self, text: &str) -> Place {
        Place::of(text, self.offset)
    }
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(formatter, "{}: ", self.pointer)?;
        }
        formatter.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(formatter, " ({hint})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
