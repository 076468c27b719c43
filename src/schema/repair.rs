//! Turns an invalid value into a valid one with minimal changes.
//!
//! Each round takes an error of the validator, tries the changes that may fix it, and continues with the first one that
//! leaves fewer errors. The result is validated; the number of rounds is bounded.

use std::mem::discriminant;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::{Map, Value, json};

use super::check::{Budget, Checker, schemas_of};
use super::document::{Subschema, all, items_of, property_names, types};
use super::example::{Examples, distinct, implied_type, scalars, variants};
use crate::json::pointer::{join, split_last, steps};
use crate::text::nearest;

const MOST_ROUNDS: usize = 60;
/// How many fixes of one error are tried.
const MOST_FIXES: usize = 40;

type Errors = Vec<ValidationError<'static>>;

#[derive(Debug, Clone)]
enum Edit {
    Set(String, Value),
    Remove(String),
    /// In the object at a place, from one name to another.
    Rename(String, String, String),
}

/// A small valid record: the required properties, or all.
pub(super) fn example_record(checker: &Checker, required: &[String]) -> Option<Value> {
    let make = |required_only| {
        let mut value = Examples::new(&checker.document, required_only).of(&checker.pointer, "");
        if let (Some(members), Some(id)) = (value.as_object_mut(), &checker.id) {
            members.shift_remove(id);
        }
        repaired(checker, value)
    };
    make(!required.is_empty())
        .or_else(|| make(false))
        .or_else(|| repaired(checker, json!({})))
}

/// A valid value similar to `start`.
pub(super) fn repaired(checker: &Checker, start: Value) -> Option<Value> {
    let mut budget = Budget::for_messages(&start);
    let mut value = start;
    let mut errors = checker.errors(&value, &mut budget)?;
    let mut seen = Vec::new();
    for _ in 0..MOST_ROUNDS {
        if errors.is_empty() {
            return Some(value);
        }
        let before = weight(&errors);
        let mut best: Option<(usize, Value, Errors)> = None;
        'search: for error in errors.iter().take(3) {
            let repair = Repair {
                checker,
                value: &value,
            };
            for fix in repair.fixes(error, 0).into_iter().take(MOST_FIXES) {
                let mut next = value.clone();
                fix.iter().for_each(|edit| apply(edit, &mut next));
                if next == value || seen.contains(&next) {
                    continue;
                }
                let left = checker.errors(&next, &mut budget)?;
                let weight = weight(&left);
                if best.as_ref().is_none_or(|(least, _, _)| weight < *least) {
                    best = Some((weight, next, left));
                }
                if weight < before {
                    break 'search;
                }
            }
        }
        let (_, next, left) = best?;
        seen.push(std::mem::replace(&mut value, next));
        errors = left;
    }
    None
}

/// The number of errors. Of several alternatives, the best one counts.
fn weight(errors: &[ValidationError<'_>]) -> usize {
    let one = |error: &ValidationError<'_>| match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            let least = context.iter().map(|form| weight(form)).min();
            1 + least.unwrap_or_default()
        }
        _ => 1,
    };
    errors.iter().map(one).sum()
}

fn apply(edit: &Edit, value: &mut Value) {
    let (pointer, new) = match edit {
        Edit::Set(pointer, new) => (pointer, Some(new)),
        Edit::Remove(pointer) => (pointer, None),
        Edit::Rename(object, from, to) => {
            if let Some(Value::Object(members)) = value.pointer_mut(object) {
                let renamed = std::mem::take(members).into_iter();
                *members = renamed
                    .map(|(name, value)| (if name == *from { to.clone() } else { name }, value))
                    .collect();
            }
            return;
        }
    };
    let Some((parent, name)) = split_last(pointer) else {
        if let Some(new) = new {
            *value = new.clone();
        }
        return;
    };
    match (value.pointer_mut(parent), new) {
        (Some(Value::Object(members)), Some(new)) => drop(members.insert(name, new.clone())),
        (Some(Value::Object(members)), None) => drop(members.shift_remove(&name)),
        (Some(Value::Array(items)), new) => {
            let place = name.parse().ok().filter(|place| *place < items.len());
            match (place, new) {
                (Some(place), Some(new)) => items[place] = new.clone(),
                (Some(place), None) => drop(items.remove(place)),
                (None, _) => {}
            }
        }
        _ => {}
    }
}

/// Edits that are made together.
type Fix = Vec<Edit>;

fn set(pointer: &str, value: Value) -> Fix {
    vec![Edit::Set(pointer.to_owned(), value)]
}

struct Repair<'a> {
    checker: &'a Checker,
    value: &'a Value,
}

impl Repair<'_> {
    /// Changes that may fix the error, the best first.
    fn fixes(&self, error: &ValidationError<'_>, depth: usize) -> Vec<Fix> {
        let at = error.instance_path().as_str();
        let own = schemas_of(&self.checker.document, error);
        // The server generates the id.
        let is_id = (self.checker.id.as_ref()).is_some_and(|id| at == join("", id));
        let mut fixes: Vec<Fix> = Vec::new();
        fixes.extend(is_id.then(|| vec![Edit::Remove(at.to_owned())]));
        match error.kind() {
            Kind::Required { property } => {
                let name = property.as_str();
                fixes.extend(name.into_iter().flat_map(|name| self.add(at, name, &own)));
            }
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                fixes.extend(self.rename_or_remove(at, unexpected, &own));
            }
            _ => {
                fixes.extend(self.by_keyword(error, &own, depth));
                fixes.extend(self.smaller(at));
                fixes.extend(self.others(at, &own));
            }
        }
        fixes
    }

    /// Adds the missing property `name` to the object at `at`, or renames a misspelt one.
    fn add(&self, at: &str, name: &str, own: &[Subschema<'_>]) -> Vec<Fix> {
        let is_unknown = |other: &&str| !property_names(own).any(|known| known == *other);
        let unknown = (self.members(at).into_iter())
            .flat_map(Map::keys)
            .map(String::as_str)
            .filter(is_unknown);
        let renamed = nearest(name, unknown)
            .map(|other| vec![Edit::Rename(at.to_owned(), other.into(), name.into())]);
        let pointer = join(at, name);
        let values = self.values(&self.place(&pointer, own), name, None);
        (renamed.into_iter())
            .chain(values.into_iter().map(|value| set(&pointer, value)))
            .collect()
    }

    /// Renames the `unexpected` properties of the object at `at` that look like others, or else removes them.
    fn rename_or_remove(&self, at: &str, unexpected: &[String], own: &[Subschema<'_>]) -> [Fix; 2] {
        let members = self.members(at);
        let is_missing = |name: &&str| members.is_some_and(|members| !members.contains_key(*name));
        let remove = |name: &String| Edit::Remove(join(at, name));
        let rename = |name: &String| {
            let near = nearest(name, property_names(own)).filter(is_missing)?;
            Some(Edit::Rename(at.to_owned(), name.clone(), near.to_owned()))
        };
        [
            (unexpected.iter())
                .map(|name| rename(name).unwrap_or_else(|| remove(name)))
                .collect(),
            unexpected.iter().map(remove).collect(),
        ]
    }

    /// Fixes for the keyword of the error.
    fn by_keyword(
        &self,
        error: &ValidationError<'_>,
        own: &[Subschema<'_>],
        depth: usize,
    ) -> Vec<Fix> {
        let at = error.instance_path().as_str();
        let here = self.value.pointer(at);
        let items = here.and_then(Value::as_array);
        let set_here = |value| set(at, value);
        match error.kind() {
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                self.forms(error, context, depth)
            }
            Kind::MinItems { .. } => self.longer(items, at, own).map(set_here).collect(),
            Kind::Contains => {
                // There may be too many of them.
                let first = format!("{at}/0");
                let others = self.values(&self.place(&first, own), "", None);
                let others = others.into_iter().take(10);
                (self.longer(items, at, own).take(20).map(set_here))
                    .chain(others.map(|value| set(&first, value)))
                    .collect()
            }
            Kind::UniqueItems => {
                let items = distinct(items.into_iter().flatten().cloned());
                (self.longer(Some(&items), at, own).map(set_here))
                    .chain([set(at, items.clone().into())])
                    .collect()
            }
            Kind::MinProperties { .. } => {
                let schemas = self.place(at, &[]);
                let names = (property_names(&schemas).map(str::to_owned))
                    .chain(('a'..='z').map(String::from))
                    .chain((1..50).map(|n| format!("property{n}")));
                let members = here.and_then(Value::as_object);
                let is_free = |name: &String| members.is_some_and(|all| !all.contains_key(name));
                let add = |name: String| {
                    let pointer = join(at, &name);
                    let values = self.values(&self.place(&pointer, &[]), &name, None);
                    values.into_iter().next().map(|value| set(&pointer, value))
                };
                names.filter(is_free).filter_map(add).collect()
            }
            Kind::FalseSchema => vec![vec![Edit::Remove(at.to_owned())]],
            _ => Vec::new(),
        }
    }

    /// Values for one of several schemas, the best of which has the fewest errors (`context`).
    fn forms(&self, error: &ValidationError<'_>, context: &[Errors], depth: usize) -> Vec<Fix> {
        let at = error.instance_path().as_str();
        let name = steps(at).last().unwrap_or_default();
        let examples = Examples::new(&self.checker.document, true);
        let mut forms: Vec<usize> = (0..context.len()).collect();
        forms.sort_by_key(|form| weight(&context[*form]));
        let mut fixes = Vec::new();
        for form in forms {
            if depth < 3 {
                let all = context[form].iter();
                let first = all.filter_map(|error| self.fixes(error, depth + 1).into_iter().next());
                fixes.push(first.flatten().collect());
            }
            let pointer = format!("{}/{form}", error.schema_path().as_str());
            fixes.push(set(at, examples.of(&pointer, &name)));
        }
        fixes
    }

    /// Fixes that remove a property of the object, or items of the array, at `at`.
    fn smaller(&self, at: &str) -> Vec<Fix> {
        let remove = |step: &str| vec![Edit::Remove(join(at, step))];
        match self.value.pointer(at) {
            Some(Value::Object(members)) => members.keys().rev().map(|name| remove(name)).collect(),
            Some(Value::Array(items)) => {
                let lengths = (0..items.len()).rev().take(20);
                (lengths.map(|length| set(at, items[..length].into())))
                    .chain((0..items.len().min(10)).map(|index| remove(&index.to_string())))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// Fixes that replace the value at `at`, or remove it.
    fn others(&self, at: &str, own: &[Subschema<'_>]) -> Vec<Fix> {
        let here = self.value.pointer(at);
        let names = steps(at).filter(|step| step.parse::<usize>().is_err());
        let name = names.last().unwrap_or_default();
        let schemas: Vec<_> = own.iter().cloned().chain(self.place(at, &[])).collect();
        // A record stays an object.
        let is_record = at.is_empty() && here.is_some_and(Value::is_object);
        let values = self.values(&schemas, &name, here).into_iter();
        let removed = (!at.is_empty()).then(|| vec![Edit::Remove(at.to_owned())]);
        (values.filter(|value| !is_record || value.is_object()))
            .map(|value| set(at, value))
            .chain(removed)
            .collect()
    }

    fn members(&self, at: &str) -> Option<&Map<String, Value>> {
        self.value.pointer(at)?.as_object()
    }

    /// Fixes that add an item to the array.
    fn longer(
        &self,
        items: Option<&Vec<Value>>,
        at: &str,
        own: &[Subschema<'_>],
    ) -> impl Iterator<Item = Value> {
        let items = items.cloned().unwrap_or_default();
        let pointer = format!("{at}/{}", items.len());
        let name = steps(at).last().unwrap_or_default();
        let name = name.strip_suffix('s').unwrap_or(&name);
        let schemas = self.place(&pointer, own);
        let document = &self.checker.document;
        let contains = own
            .iter()
            .map(|schema| format!("{}/contains", schema.pointer));
        let contains = contains.flat_map(|pointer| document.schemas(&pointer));
        let values = contains.flat_map(|schema| self.values(&[schema], name, None));
        let mut new: Vec<Value> = values.collect();
        new.extend(self.values(&schemas, name, None));
        // Several different ones, for arrays with unique items.
        for value in new.clone().into_iter().take(4) {
            new.extend(variants(&schemas, &value, items.len() + 1));
        }
        let (repeated, new): (Vec<_>, Vec<_>) =
            new.into_iter().partition(|item| items.contains(item));
        new.into_iter()
            .chain(repeated)
            .map(move |item| items.iter().cloned().chain([item]).collect())
    }

    /// The schemas that apply at a place of the value; `parent` are some of those that apply to the object or array
    /// around it.
    fn place<'s>(&'s self, pointer: &str, parent: &[Subschema<'s>]) -> Vec<Subschema<'s>> {
        let document = &self.checker.document;
        let mut schemas = document.schemas(&self.checker.pointer);
        let mut at = Some(self.value);
        let path: Vec<String> = steps(pointer).collect();
        for (number, step) in path.iter().enumerate() {
            if number + 1 == path.len() {
                schemas.extend(parent.iter().cloned());
            }
            let is_array = matches!(at, Some(Value::Array(_)));
            let below = schemas
                .iter()
                .flat_map(|schema| children(schema, step, is_array));
            schemas = below
                .flat_map(|pointer| document.schemas(&pointer))
                .collect();
            at = at.and_then(|at| {
                if is_array {
                    at.get(step.parse::<usize>().ok()?)
                } else {
                    at.get(step)
                }
            });
        }
        schemas
    }

    /// Candidate values for these schemas, the best first; `now` is the value to replace.
    fn values(&self, schemas: &[Subschema<'_>], name: &str, now: Option<&Value>) -> Vec<Value> {
        let mut values: Vec<Value> = all(schemas, "const").cloned().collect();
        if let Some(now) = now.and_then(Value::as_str) {
            values.extend(
                nearest(now, items_of(schemas, "enum").filter_map(Value::as_str)).map(Value::from),
            );
        }
        values.extend(items_of(schemas, "enum").take(20).cloned());
        // What only strings are checked for is fixed by another string; any other type would pass, unchecked.
        let is_untyped_text = now.is_some_and(Value::is_string)
            && types(schemas).is_empty()
            && ["pattern", "format", "minLength", "maxLength"]
                .iter()
                .any(|keyword| all(schemas, keyword).next().is_some());
        let other = now.filter(|_| !is_untyped_text);
        values.extend(other.into_iter().flat_map(converted));
        values.extend(
            items_of(schemas, "examples")
                .chain(all(schemas, "default"))
                .cloned(),
        );
        let mut kinds = types(schemas);
        if kinds.is_empty() {
            kinds = match (implied_type(schemas), now) {
                ("", Some(Value::Object(_))) => vec!["object".to_owned()],
                ("", Some(Value::Array(_))) => vec!["array".to_owned()],
                ("", _) => vec!["string".to_owned(), "integer".to_owned()],
                (kind, _) => vec![kind.to_owned()],
            };
        }
        // `null` only if nothing else fits.
        kinds.sort_by_key(|kind| kind == "null");
        for kind in &kinds {
            let empty = match kind.as_str() {
                "object" => json!({}),
                "array" => json!([]),
                _ => {
                    values.extend(scalars(schemas, kind, name, now));
                    continue;
                }
            };
            let examples = Examples::new(&self.checker.document, true).inner();
            let made = schemas
                .iter()
                .map(|schema| examples.of(&schema.pointer, name));
            values.extend(made.filter(|made| discriminant(made) == discriminant(&empty)));
            values.push(empty);
        }
        distinct(values)
    }
}

/// The pointers to the schemas of a property or an item.
fn children(schema: &Subschema<'_>, step: &str, is_array: bool) -> Vec<String> {
    let Subschema { pointer, keywords } = schema;
    if is_array {
        let index = step.parse::<usize>().unwrap_or_default();
        let leading = keywords.get("prefixItems").and_then(Value::as_array);
        if index < leading.map_or(0, Vec::len) {
            return vec![format!("{pointer}/prefixItems/{index}")];
        }
        let items = keywords.get("items").map(|_| format!("{pointer}/items"));
        return items.into_iter().collect();
    }
    let has = |keyword: &str| keywords.get(keyword).and_then(Value::as_object);
    let mut found = Vec::new();
    if has("properties").is_some_and(|properties| properties.contains_key(step)) {
        found.push(join(&format!("{pointer}/properties"), step));
    }
    for pattern in has("patternProperties").into_iter().flat_map(Map::keys) {
        if regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(step)) {
            found.push(join(&format!("{pointer}/patternProperties"), pattern));
        }
    }
    if found.is_empty() && has("additionalProperties").is_some() {
        found.push(format!("{pointer}/additionalProperties"));
    }
    found
}

/// The same value converted to other types.
fn converted(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            let whole = text.parse::<i64>().ok().map(Value::from);
            let number = whole.or_else(|| text.parse::<f64>().ok().map(Value::from));
            let boolean = text
                .to_ascii_lowercase()
                .parse::<bool>()
                .ok()
                .map(Value::from);
            let found = [number, boolean, Some(json!([text]))];
            found.into_iter().flatten().collect()
        }
        Value::Number(number) => {
            let whole = number.as_f64().map(|number| json!(number.round() as i64));
            let found = [
                Some(number.to_string().into()),
                whole,
                Some(json!([number])),
            ];
            found.into_iter().flatten().collect()
        }
        Value::Bool(is) => vec![is.to_string().into(), Value::from(u8::from(*is))],
        Value::Array(items) if items.len() == 1 => items.clone(),
        Value::Object(_) => vec![json!([value])],
        _ => Vec::new(),
    }
}
