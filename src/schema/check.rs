//! Validates a value against its rules, with a bound on the work, and builds the error messages.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use indexmap::IndexSet;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError, Validator};
use serde_json::{Map, Value};

use super::document::{Document, Subschema, all, format_named, property_names, types, visit};
use crate::json::pointer::{join, split_last, steps};
use crate::json::quote;
use crate::text::{joined, nearest};

/// How many violations are listed at most: a body can have a million, and nobody reads them.
const MOST: usize = 200;

/// A violation of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Violation {
    /// The place in the record (RFC 6901). For a missing property, where it should be.
    pub pointer: String,
    /// The error message: what is wrong, and what is allowed.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(formatter, "{}: ", self.pointer)?;
        }
        formatter.write_str(&self.detail)
    }
}

/// The validators of one resource.
#[derive(Debug)]
pub(super) struct Checker {
    /// Checks a record without its id.
    pub validator: Validator,
    /// Checks an object with nothing but the id, if the rules say anything about it.
    pub id_validator: Option<Arc<Validator>>,
    /// The property with the id of a record; `None` for single objects.
    pub id: Option<String>,
    pub document: Arc<Document>,
    /// The pointer to the schema of the value in the document.
    pub pointer: String,
}

impl Checker {
    pub fn check(
        &self,
        mut value: Value,
        budget: &mut Budget,
    ) -> Result<Vec<Violation>, TooComplex> {
        let id = self.take_id(&mut value);
        let parts = || self.parts(&value, id.as_ref().map(|(_, id)| id));
        if budget.spend(|| parts().all(|(validator, part)| validator.is_valid(part)))? {
            return Ok(Vec::new());
        }
        let mut body = value.clone();
        if let (Value::Object(body), Some((place, Value::Object(own)))) = (&mut body, &id) {
            own.iter()
                .for_each(|(name, id)| drop(body.shift_insert(*place, name.clone(), id.clone())));
        }
        let messages = Messages {
            document: &self.document,
            id: self.id.as_deref(),
            body: &body,
        };
        let every = || parts().flat_map(|(validator, part)| validator.iter_errors(part));
        let first = || parts().filter_map(|(validator, part)| validator.validate(part).err());
        let mut budget = Budget::for_messages(&value);
        let found = budget.clone().spend(|| messages.violations(every()));
        found.or_else(|TooComplex| budget.spend(|| messages.violations(first())))
    }

    /// The validator's own errors; `None` if collecting them takes too long.
    pub fn errors(
        &self,
        value: &Value,
        budget: &mut Budget,
    ) -> Option<Vec<ValidationError<'static>>> {
        let mut value = value.clone();
        let id = self.take_id(&mut value);
        let parts = self.parts(&value, id.as_ref().map(|(_, id)| id));
        let errors = parts.flat_map(|(validator, part)| validator.iter_errors(part));
        budget
            .spend(|| errors.map(ValidationError::to_owned).collect())
            .ok()
    }

    /// A value and its id, each with its validator.
    fn parts<'v>(
        &'v self,
        value: &'v Value,
        id: Option<&'v Value>,
    ) -> impl Iterator<Item = (&'v Validator, &'v Value)> {
        [(&self.validator, value)]
            .into_iter()
            .chain(self.id_validator.as_deref().zip(id))
    }

    /// Removes the id from a record and returns its place and an object with nothing else.
    fn take_id(&self, value: &mut Value) -> Option<(usize, Value)> {
        let members = value.as_object_mut()?;
        let name = self.id.as_ref()?;
        let place = members.keys().position(|key| key == name)?;
        let id = members.shift_remove(name)?;
        Some((place, Value::Object(Map::from_iter([(name.clone(), id)]))))
    }
}

/// The schema with the keyword of the error, and those that it includes.
pub(super) fn schemas_of<'s>(
    document: &'s Document,
    error: &ValidationError<'_>,
) -> Vec<Subschema<'s>> {
    let path = error.schema_path().as_str();
    let path = path
        .rfind("/dependentRequired")
        .map_or(path, |end| &path[..=end]);
    split_last(path).map_or_else(Vec::new, |(parent, _)| document.schemas(parent))
}

/// Turns the errors of one check into violations.
pub(super) struct Messages<'a> {
    pub document: &'a Document,
    /// The property with the id of the record. The server sets it, so it is neither missing nor unknown.
    pub id: Option<&'a str>,
    pub body: &'a Value,
}

impl Messages<'_> {
    /// The violations in the order of the body.
    pub fn violations<'e>(
        &self,
        errors: impl Iterator<Item = ValidationError<'e>>,
    ) -> Vec<Violation> {
        let mut found = Vec::new();
        // Missing properties must not be truncated because of a thousand other errors.
        let (missing, others): (Vec<_>, Vec<_>) =
            errors.partition(|error| matches!(error.kind(), Kind::Required { .. }));
        for error in missing.iter().chain(&others) {
            self.explain(error, &mut found);
            if found.len() > MOST {
                break;
            }
        }
        let more = found.len() > MOST;
        found.truncate(MOST);
        // The sort is stable: missing properties stay in the order of `required`.
        found.sort_by_cached_key(|violation| self.position(&violation.pointer));
        // `allOf` and `$ref` may apply the same rule twice.
        let distinct: IndexSet<Violation> = found.into_iter().collect();
        let mut violations: Vec<Violation> = distinct.into_iter().collect();
        if more {
            let detail = format!("more than {MOST} rules are broken, the rest is not listed");
            violations.push(Violation {
                pointer: String::new(),
                detail,
            });
        }
        violations
    }

    /// The index of each step in the body; 0 for missing ones.
    fn position(&self, pointer: &str) -> Vec<usize> {
        let mut at = Some(self.body);
        let index = |step: String| {
            let (index, child) = match at {
                Some(Value::Object(members)) => {
                    let index = members
                        .keys()
                        .position(|name| *name == step)
                        .map_or(0, |index| index + 1);
                    (index, members.get(&step))
                }
                Some(Value::Array(items)) => {
                    let index = step.parse::<usize>().unwrap_or(items.len());
                    (index + 1, items.get(index))
                }
                _ => (0, None),
            };
            at = child;
            index
        };
        steps(pointer).map(index).collect()
    }

    fn explain(&self, error: &ValidationError<'_>, out: &mut Vec<Violation>) {
        let at = error.instance_path().as_str();
        let mut add = |pointer: String, detail: String| out.push(Violation { pointer, detail });
        let is_own_id = |name: &str| at.is_empty() && self.id == Some(name);
        match error.kind() {
            Kind::Required { property } => {
                if let Some(name) = property.as_str().filter(|name| !is_own_id(name)) {
                    add(join(at, name), self.missing(error, name));
                }
            }
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                let schemas = schemas_of(self.document, error);
                for name in unexpected
                    .iter()
                    .filter(|name| !is_own_id(name))
                    .take(MOST + 1)
                {
                    let near = or_rather(nearest(name, property_names(&schemas)));
                    add(join(at, name), format!("unknown property{near}"));
                }
            }
            Kind::PropertyNames { error } => {
                let name = error.instance().as_str().unwrap_or_default();
                add(join(at, name), format!("the name {}", detail(error)));
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                self.forms(error, context, out)
            }
            // Reported for an object whose rules allow no property at all, and for one property of it.
            Kind::FalseSchema if self.allows_no_property(error) => {
                let members = self.body.pointer(at).and_then(Value::as_object);
                let names = members.into_iter().flat_map(Map::keys);
                for name in names.filter(|name| !is_own_id(name)).take(MOST + 1) {
                    add(join(at, name), "unknown property".to_owned());
                }
            }
            _ => add(at.to_owned(), detail(error)),
        }
    }

    /// Whether the error means `"additionalProperties": false` or `"propertyNames": false` without any properties.
    fn allows_no_property(&self, error: &ValidationError<'_>) -> bool {
        let at = error.instance_path().as_str();
        let path = error.schema_path().as_str();
        // The schema of a property with that name ends the same way.
        let is_of = |keyword| path.ends_with(keyword) && !at.ends_with(keyword);
        (is_of("/additionalProperties") || is_of("/propertyNames"))
            && self.body.pointer(at).is_some_and(Value::is_object)
    }

    fn missing(&self, error: &ValidationError<'_>, name: &str) -> String {
        let schemas = schemas_of(self.document, error);
        let instance = error.instance();
        let mut why = "required".to_owned();
        if error.schema_path().as_str().contains("/dependentRequired") {
            let has = |needed: &Vec<Value>| needed.iter().any(|one| one == name);
            let rules = all(&schemas, "dependentRequired").filter_map(Value::as_object);
            let trigger = rules.flatten().find(|(trigger, needed)| {
                instance.get(trigger.as_str()).is_some() && needed.as_array().is_some_and(has)
            });
            why.extend(trigger.map(|(trigger, _)| format!(" with `{trigger}`")));
        }
        let wanted = wanted(&self.document.property(&schemas, name));
        let separator = if wanted.is_empty() { "" } else { ", " };
        let detail = format!("is missing ({why}{separator}{wanted})");
        let is_unknown = |other: &&String| !property_names(&schemas).any(|known| known == *other);
        // For a body with thousands of unknown names, the first ones are enough.
        let names = instance
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .filter(is_unknown)
            .take(MOST);
        match nearest(name, names.map(String::as_str)) {
            Some(other) if other.to_lowercase() == name.to_lowercase() => {
                format!("{detail}; the body has `{other}`: names are case-sensitive")
            }
            Some(other) => format!("{detail}; the body has `{other}`: did you mean `{name}`?"),
            None => detail,
        }
    }

    /// A value that matches none of several schemas. If it is clear which one is meant, its errors say more.
    fn forms(
        &self,
        error: &ValidationError<'_>,
        forms: &[Vec<ValidationError<'static>>],
        out: &mut Vec<Violation>,
    ) {
        let at = error.instance_path().as_str();
        let is_here = |inner: &ValidationError<'_>| inner.instance_path().as_str() == at;
        let is_of_type = |inner: &ValidationError<'_>| {
            !(is_here(inner) && matches!(inner.kind(), Kind::Type { .. }))
        };
        // The usual discriminator: a constant in one of the properties.
        let has_mark = |inner: &ValidationError<'_>| {
            is_here(inner) || !matches!(inner.kind(), Kind::Constant { .. })
        };
        let of_type = |form: &&Vec<ValidationError<'_>>| form.iter().all(is_of_type);
        let marked = |form: &&Vec<ValidationError<'_>>| form.iter().all(has_mark);
        let mut meant: Vec<_> = forms.iter().filter(of_type).collect();
        if meant.iter().any(marked) {
            meant.retain(marked);
        }
        if let [only] = meant[..] {
            return only.iter().for_each(|inner| self.explain(inner, out));
        }
        let path = error.schema_path().as_str();
        let schemas = (0..forms.len()).map(|form| self.document.schemas(&format!("{path}/{form}")));
        let mut types: Vec<String> = schemas.map(|schemas| wanted(&schemas)).collect();
        types.dedup();
        let detail = if meant.is_empty() && !types.iter().any(String::is_empty) {
            let got = found(error.instance());
            format!("must be {}, got {got}", joined(&types, "or"))
        } else {
            detail(error)
        };
        let pointer = at.to_owned();
        out.push(Violation { pointer, detail });
    }
}

/// The message of an error.
fn detail(error: &ValidationError<'_>) -> String {
    let instance: &Value = error.instance();
    let got = literal(instance);
    let length = |bound: &str, limit: u64| {
        let unit = if limit == 1 {
            "character"
        } else {
            "characters"
        };
        let length = instance.as_str().map_or(0, |text| text.chars().count());
        format!("must be {bound} {limit} {unit} long, got {length}")
    };
    match error.kind() {
        Kind::Type { kind } => {
            let mut types = match kind {
                TypeKind::Single(one) => vec![one.as_str()],
                TypeKind::Multiple(set) => set.iter().map(|one| one.as_str()).collect(),
            };
            types.sort_by_key(|name| *name == "null");
            let types: Vec<String> = types.into_iter().map(with_article).collect();
            format!("must be {}, got {}", joined(&types, "or"), found(instance))
        }
        Kind::Format { format } => match format_named(format) {
            Some(known) => format!(
                "must be {} such as {}, got {got}",
                known.noun, known.example
            ),
            None => format!("must have the format {format}, got {got}"),
        },
        Kind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let texts = options.iter().filter_map(Value::as_str);
            let near = instance.as_str().and_then(|text| nearest(text, texts));
            format!("must be {}, got {got}{}", one_of(options), or_rather(near))
        }
        Kind::Constant { expected_value } => {
            format!("must be {}, got {got}", literal(expected_value))
        }
        Kind::Pattern { pattern } => format!("must match the pattern {pattern}, got {got}"),
        Kind::MinLength { limit: 1 } => "must not be empty".to_owned(),
        Kind::MinLength { limit } => length("at least", *limit),
        Kind::MaxLength { limit } => length("at most", *limit),
        Kind::Minimum { limit } => format!("must be at least {limit}, got {got}"),
        Kind::Maximum { limit } => format!("must be at most {limit}, got {got}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}, got {got}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}, got {got}"),
        Kind::FalseSchema => "is not allowed".to_owned(),
        // The validator prints the whole value, which may be long.
        _ => error.masked_with(got).to_string(),
    }
}

/// The suffix of a message that suggests what was probably meant.
fn or_rather(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| {
        format!(", did you mean {}?", quote(near))
    })
}

/// The allowed values in a few words; empty if anything is allowed, or if a few words do not do.
pub(super) fn wanted(schemas: &[Subschema<'_>]) -> String {
    if let Some(constant) = all(schemas, "const").next() {
        return literal(constant);
    }
    if let Some(Value::Array(options)) = all(schemas, "enum").next() {
        return one_of(options);
    }
    let format = all(schemas, "format")
        .next()
        .and_then(Value::as_str)
        .and_then(format_named);
    let mut types = types(schemas);
    if format.is_some() && types.is_empty() {
        types.push("string".to_owned());
    }
    let word = |name: &String| match format {
        Some(format) if name == "string" => format.noun.to_owned(),
        _ => with_article(name),
    };
    joined(&types.iter().map(word).collect::<Vec<_>>(), "or")
}

/// A value as JSON, truncated if it is long.
pub(super) fn literal(value: &Value) -> String {
    const LONGEST: usize = 60;
    let cut = |text: &str| {
        let (end, _) = text.char_indices().nth(LONGEST)?;
        Some(text[..end].to_owned())
    };
    let whole = value.to_string();
    let start = match value {
        Value::String(text) => cut(text).map(|start| quote(&start)),
        _ => cut(&whole),
    };
    start.map_or(whole, |start| start + "…")
}

/// A description of a value of the wrong type.
pub(super) fn found(value: &Value) -> String {
    match value {
        Value::String(_) => format!("the string {}", literal(value)),
        Value::Number(_) => format!("the number {value}"),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Bool(_) | Value::Null => value.to_string(),
    }
}

/// A JSON type with its article.
fn with_article(name: &str) -> String {
    match name {
        "integer" => "a whole number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "null" => "null".to_owned(),
        "array" | "object" => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

/// `one of "a", "b"`
fn one_of(options: &[Value]) -> String {
    const MOST: usize = 20;
    if let [only] = options {
        return literal(only);
    }
    let listed: Vec<_> = options.iter().take(MOST).map(literal).collect();
    let listed = listed.join(", ");
    match options.len().saturating_sub(MOST) {
        0 => format!("one of {listed}"),
        more => format!("one of {listed} and {more} more"),
    }
}

/// The name of the counting keyword.
pub(super) const COUNT: &str = "x-standin-count";

/// A budget of visits to referenced schemas. A visit that collects errors counts as several, depending on the size of
/// the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget(u64);

/// The budget was spent before the check was finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooComplex;

impl Budget {
    /// Enough for any reasonable value with a JSON text of that length; spent in well under a second if the text is
    /// short.
    pub fn for_length(bytes: usize) -> Budget {
        Budget(200_000 + 8 * bytes as u64)
    }

    /// The budget for collecting the errors of `value`.
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

/// The cost of copying `value`, in values; 64 bytes of text count as one.
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
    /// The remaining budget of the check on this thread.
    static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
}

/// The counting keyword. Collecting errors can take exponential time in the depth of the value, but only with recursive
/// references. So a custom keyword in every referenced schema counts the visits, and when the budget is spent it ends
/// the check by unwinding: the validator has no other way to stop early.
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
    /// Each error has a copy of its value, and so have the errors around it, so the cost of a visit is the size of the
    /// value.
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
pub(super) fn count_keyword<'a>(
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
                schema.insert(COUNT.to_owned(), Value::Bool(true));
            }
        }
    });
}
