//! The rules of a data file: one JSON Schema 2020-12 for the whole file, compiled once and checked often.
//!
//! 1. [`Schema::compile`] reads the text of `db.schema.json` and refuses whatever it would not hold (`compile`).
//! 2. [`Schema::rules`] are the [`Rules`] of one resource; [`Rules::check`] says what a record violates (`explain`).
//!
//! Uniqueness and references are only read here: who holds all records enforces them. Nothing here knows of files,
//! HTTP, threads or other records.

mod budget;
mod compile;
mod editor;
mod example;
mod explain;
mod gather;
mod ids;
mod keywords;
mod pattern;
mod repair;
mod sentences;
mod walk;
mod words;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::json::{Place, SyntaxError};
use crate::rules::{ReferenceRule, UniqueRule};

pub use budget::{Budget, TooComplex};
pub use editor::editor_schema;
pub use ids::IdRules;

/// The compiled rules of a data file. The default has rules for nothing, as where there is no rules file.
#[derive(Debug, Default)]
pub struct Schema {
    rules: Vec<Rules>,
    raw: Value,
}

impl Schema {
    /// Compiles the text of a rules file, for records whose id is called `id`.
    ///
    /// # Errors
    /// Everything in the file that is not a rule standin can hold, with the place.
    #[cfg(any(test, feature = "internals"))]
    pub fn compile(text: &str) -> Result<Schema, SchemaError> {
        Schema::compile_with_id(text, "id")
    }

    /// Compiles the text of a rules file, for records whose id is called `id_name`.
    ///
    /// # Errors
    /// As [`Schema::compile`].
    pub fn compile_with_id(text: &str, id_name: &str) -> Result<Schema, SchemaError> {
        let (raw, rules) = compile::compile(text, id_name)?;
        Ok(Schema { rules, raw })
    }

    /// The rules of the collection or object `resource`; `None` where the file has none for it.
    pub fn rules(&self, resource: &str) -> Option<&Rules> {
        self.rules.iter().find(|rules| rules.resource == resource)
    }

    /// The rules of all resources, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Rules> {
        self.rules.iter()
    }

    /// The whole file, for whoever follows a `$ref` of [`Rules::raw`].
    pub fn raw(&self) -> &Value {
        &self.raw
    }
}

/// The rules of one collection's records, or of one single object.
#[derive(Debug)]
pub struct Rules {
    resource: String,
    holds: Holds,
    raw: Value,
    properties: Vec<Property>,
    unique: Vec<UniqueRule>,
    references: Vec<ReferenceRule>,
    example: Option<Value>,
    checker: explain::Checker,
}

/// What rules are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Each record of a collection.
    Records,
    /// A single object, or another value that is no collection.
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
    /// Its `description`.
    pub description: Option<String>,
    /// What it must be, in words: `an e-mail address`, `a string or null`; empty where anything is allowed.
    pub words: String,
}

/// One thing about a record that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The place in the record (RFC 6901). A missing property is named where it should be.
    pub pointer: String,
    /// What is wrong and what would be right, to be read after the name of the place.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            return formatter.write_str(&self.detail);
        }
        write!(formatter, "{} {}", self.pointer, self.detail)
    }
}

impl Rules {
    /// The collection or object the rules are for.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Whether these are rules for records or for a single object.
    pub fn holds(&self) -> Holds {
        self.holds
    }

    /// Everything in `value` that breaks a rule, in the order in which a reader of `value` meets it: what a place lacks
    /// comes before what is wrong inside it. Empty where it is valid.
    ///
    /// A record's id belongs to the server: only what the rules say of that property holds for it, and a record without
    /// one breaks no rule.
    ///
    /// # Errors
    /// The check, or saying what is wrong, would take more than `budget`, from which it takes what it needs.
    pub fn check(&self, value: Value, budget: &mut Budget) -> Result<Vec<Violation>, TooComplex> {
        self.checker.check(value, budget)
    }

    /// As [`Rules::check`], from the JSON text of a record.
    ///
    /// # Errors
    /// As [`Rules::check`].
    pub fn check_text(&self, text: &str, budget: &mut Budget) -> Result<Vec<Violation>, TooComplex> {
        match serde_json::from_str(text) {
            Ok(value) => self.check(value, budget),
            Err(error) => {
                Ok(vec![Violation { pointer: String::new(), detail: format!("cannot be read as JSON: {error}") }])
            }
        }
    }

    /// The properties the rules describe, in the order of the file; those of `$ref` and `allOf` included.
    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// What the rules say of the id of a record; `None` where they say nothing.
    pub fn ids(&self) -> Option<&Arc<IdRules>> {
        self.checker.ids.as_ref()
    }

    /// What must be unique among the records.
    pub fn unique(&self) -> &[UniqueRule] {
        &self.unique
    }

    /// Which properties point to other records.
    pub fn references(&self) -> &[ReferenceRule] {
        &self.references
    }

    /// A small record that keeps the rules, for a command that a reader can try: the required properties, or all where
    /// none is required, without the id. `None` where none was found.
    pub fn example(&self) -> Option<&Value> {
        self.example.as_ref()
    }

    /// A record like `value` that keeps the rules; `None` where none was found.
    pub fn repaired(&self, value: Value) -> Option<Value> {
        repair::repaired(&self.checker, value)
    }

    /// Ids that clients may send where the server can generate none.
    pub fn example_ids(&self) -> Vec<Value> {
        self.checker.ids.as_ref().map_or_else(Vec::new, |ids| ids.examples())
    }

    /// Other values for a property that has the value `value`; they may break rules.
    pub fn variants(&self, property: &str, value: &Value, number: usize) -> Vec<Value> {
        let sheet = &self.checker.sheet;
        example::variants(&sheet.property_layers(&sheet.layers(&self.checker.pointer), property), value, number)
    }

    /// The schema of a record as the file has it; its `$ref` point into [`Schema::raw`].
    pub fn raw(&self) -> &Value {
        &self.raw
    }
}

/// Why a rules file was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    /// Everything that is wrong, in the order of the file; never empty.
    pub problems: Vec<SchemaProblem>,
}

/// One thing in a rules file that is no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaProblem {
    /// The place in the schema (RFC 6901); empty for the whole file and for errors of syntax.
    pub pointer: String,
    /// The byte of the file's text at which it stands.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
    /// What to do, where we know.
    pub hint: Option<String>,
}

impl SchemaProblem {
    /// Line and column of the problem in the text that was compiled.
    pub fn place(&self, text: &str) -> Place {
        Place::of(text, self.offset)
    }
}

impl From<SyntaxError> for SchemaError {
    fn from(error: SyntaxError) -> SchemaError {
        let SyntaxError { offset, message, hint, .. } = error;
        let problem = SchemaProblem { pointer: String::new(), offset, message, hint: hint.map(str::to_owned) };
        SchemaError { problems: vec![problem] }
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

impl fmt::Display for SchemaError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{problem}")?;
        }
        Ok(())
    }
}
impl std::error::Error for SchemaError {}

#[cfg(test)]
mod tests;
