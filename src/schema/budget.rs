//! A limit for the work of a check.
//!
//! Collecting errors can take exponential time in the depth of the value, but only where a schema contains itself through
//! references. So a keyword of our own in every referenced schema counts the visits, and when the budget is spent it ends
//! the check by unwinding: the validator has no other way to stop early.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Value};

use super::document::{Document, visit};

/// The name of the counting keyword.
pub(super) const KEYWORD: &str = "x-standin-count";

/// How many visits to referenced schemas a check may take. A visit that collects errors counts as several, by the size of
/// the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget(u64);

/// The budget was spent before the check was finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooComplex;

impl Budget {
    /// Enough for any sensible value with a JSON text of that length; spent in well under a second if the text is short.
    pub fn for_length(bytes: usize) -> Budget {
        Budget(200_000 + 8 * bytes as u64)
    }

    /// What may be spent on collecting the errors of `value`.
    pub(super) fn for_messages(value: &Value) -> Budget {
        Budget(100_000 + 4 * size(value))
    }

    #[cfg(test)]
    pub(super) fn of(visits: u64) -> Budget {
        Budget(visits)
    }

    /// Runs `work`, which may validate.
    pub(super) fn spend<T>(&mut self, work: impl FnOnce() -> T) -> Result<T, TooComplex> {
        let outer = LEFT.replace(self.0);
        let done = catch_unwind(AssertUnwindSafe(work));
        self.0 = LEFT.replace(outer);
        done.map_err(|payload| {
            if payload.is::<TooComplex>() {
                TooComplex
            } else {
                resume_unwind(payload)
            }
        })
    }
}

/// What it costs to copy `value`, in values; 64 bytes of text count as one.
fn size(value: &Value) -> u64 {
    let text = |text: &str| text.len() as u64 / 64;
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| text(name) + size(value))
            .sum(),
        Value::String(string) => text(string),
        _ => 0,
    }
}

thread_local! {
    /// What is left for the check that runs on this thread.
    static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
}

struct Count;

impl Count {
    fn step(cost: u64) {
        match LEFT.get().checked_sub(cost) {
            Some(left) => LEFT.set(left),
            // Not `panic!`, which would call the panic hook.
            None => resume_unwind(Box::new(TooComplex)),
        }
    }
}

impl<'i> Keyword<'i> for Count {
    /// An error has a copy of the value, as has each error around it, so a visit costs what the value is large.
    fn validate(&self, value: &'i Value) -> Result<(), ValidationError<'i>> {
        Count::step(size(value));
        Ok(())
    }

    fn is_valid(&self, _: &'i Value) -> bool {
        Count::step(1);
        true
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the signature of a keyword's factory"
)]
pub(super) fn keyword<'a>(
    _: &'a Map<String, Value>,
    _: &'a Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    Ok(Box::new(Count))
}

/// Puts the counting keyword into every schema of `root` that a reference points to.
pub(super) fn count_references(root: &mut Value) {
    let document = Document::new(root.clone());
    visit(&document.root, "", &mut |_, schema| {
        let references = ["$ref", "$dynamicRef"]
            .iter()
            .filter_map(|keyword| schema.get(*keyword)?.as_str());
        for target in references.filter_map(|reference| document.target(reference)) {
            if let Some(Value::Object(schema)) = root.pointer_mut(&target) {
                schema.insert(KEYWORD.to_owned(), Value::Bool(true));
            }
        }
    });
}
