//! Turning an invalid value into a valid one by changing only what is wrong.
//!
//! Each round takes an error of the validator, tries the changes that may fix it, and continues with the first one that
//! leaves fewer errors. A result has been validated; after a bounded number of rounds there is none.

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

/// A small valid record: what is required, or all properties.
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

/// A valid value like `start`.
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

/// How much is wrong. Of several alternatives, the best one counts.
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

struct Repair<'a> {
    checker: &'a Checker,
    value: &'a Value,
}

impl Repair<'_> {
    /// Changes that may fix the error, the best first.
    fn fixes(&self, error: &ValidationError<'_>, depth: usize) -> Vec<Vec<Edit>> {
        let at = error.instance_path().as_str().to_owned();
        let here = self.value.pointer(&at);
        let members = here.and_then(Value::as_object);
        let items = here.and_then(Value::as_array);
        let own = schemas_of(&self.checker.document, error);
        let mut fixes: Vec<Vec<Edit>> = Vec::new();
        let set_at = |pointer: &str, value| vec![Edit::Set(pointer.to_owned(), value)];
        let set = |value: Value| set_at(&at, value);
        let remove = |step: &str| Edit::Remove(join(&at, step));
        let names = members.into_iter().flat_map(Map::keys);
        // The server generates the id.
        let id = self.checker.id.as_ref();
        if id.is_some_and(|id| at == join("", id)) {
            fixes.push(vec![Edit::Remove(at.clone())]);
        }
        match error.kind() {
            Kind::Required { property } => {
                let Some(name) = property.as_str() else {
                    return fixes;
                };
                let is_unknown = |other: &&str| !property_names(&own).any(|known| known == *other);
                let unknown = names.map(String::as_str).filter(is_unknown);
                let rename = |other: &str| Edit::Rename(at.clone(), other.into(), name.into());
                fixes.extend(nearest(name, unknown).map(|other| vec![rename(other)]));
                let pointer = join(&at, name);
                let values = self.values(&self.place(&pointer, &own), name, None);
                fixes.extend(values.into_iter().map(|value| set_at(&pointer, value)));
                return fixes;
            }
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                let is_missing =
                    |name: &&str| members.is_some_and(|members| !members.contains_key(*name));
                let fix =
                    |name: &String| match nearest(name, property_names(&own)).filter(is_missing) {
                        Some(near) => Edit::Rename(at.clone(), name.clone(), near.to_owned()),
                        None => remove(name),
                    };
                fixes.push(unexpected.iter().map(fix).collect());
                fixes.push(unexpected.iter().map(|name| remove(name)).collect());
                return fixes;
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                let mut forms: Vec<usize> = (0..context.len()).collect();
                forms.sort_by_key(|form| weight(&context[*form]));
                for form in forms {
                    if depth < 3 {
                        let all = context[form].iter();
                        let first =
                            all.filter_map(|error| self.fixes(error, depth + 1).into_iter().next());
                        fixes.push(first.flatten().collect());
                    }
                    let pointer = format!("{}/{form}", error.schema_path().as_str());
                    let name = steps(&at).last().unwrap_or_default();
                    let examples = Examples::new(&self.checker.document, true);
                    fixes.push(set(examples.of(&pointer, &name)));
                }
            }
            Kind::MinItems { .. } => fixes.extend(self.longer(items, &at, &own).map(&set)),
            Kind::Contains => {
                fixes.extend(self.longer(items, &at, &own).take(20).map(&set));
                // There may be too many of them.
                let first = format!("{at}/0");
                let others = self.values(&self.place(&first, &own), "", None);
                let others = others.into_iter().take(10);
                fixes.extend(others.map(|value| set_at(&first, value)));
            }
            Kind::UniqueItems => {
                let items = distinct(items.into_iter().flatten().cloned());
                fixes.extend(self.longer(Some(&items), &at, &own).map(&set));
                fixes.push(set(items.into()));
            }
            Kind::MinProperties { .. } => {
                let schemas = self.place(&at, &[]);
                let names = (property_names(&schemas).map(str::to_owned))
                    .chain(('a'..='z').map(String::from))
                    .chain((1..50).map(|n| format!("property{n}")));
                let is_free = |name: &String| members.is_some_and(|all| !all.contains_key(name));
                for name in names.filter(is_free) {
                    let pointer = join(&at, &name);
                    let values = self.values(&self.place(&pointer, &[]), &name, None);
                    let first = values.into_iter().next();
                    fixes.extend(first.map(|value| set_at(&pointer, value)));
                }
            }
            Kind::FalseSchema => fixes.push(vec![Edit::Remove(at.clone())]),
            _ => {}
        }
        // Without one of its properties, and with fewer items.
        fixes.extend(names.rev().map(|name| vec![remove(name)]));
        if let Some(items) = items {
            let lengths = (0..items.len()).rev().take(20);
            fixes.extend(lengths.map(|length| set(items[..length].into())));
            fixes.extend((0..items.len().min(10)).map(|index| vec![remove(&index.to_string())]));
        }
        let names = steps(&at).filter(|step| step.parse::<usize>().is_err());
        let name = names.last().unwrap_or_default();
        let schemas: Vec<_> = own.iter().cloned().chain(self.place(&at, &[])).collect();
        // A record stays an object.
        let is_record = at.is_empty() && here.is_some_and(Value::is_object);
        let values = self.values(&schemas, &name, here).into_iter();
        let values = values.filter(|value| !is_record || value.is_object());
        fixes.extend(values.map(set));
        if !at.is_empty() {
            fixes.push(vec![Edit::Remove(at)]);
        }
        fixes
    }

    /// The array with one more item.
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
        // More of the same kind, for arrays whose items are unique.
        for value in new.clone().into_iter().take(4) {
            new.extend(variants(&schemas, &value, items.len() + 1));
        }
        let (repeated, new): (Vec<_>, Vec<_>) =
            new.into_iter().partition(|item| items.contains(item));
        new.into_iter()
            .chain(repeated)
            .map(move |item| items.iter().cloned().chain([item]).collect())
    }

    /// The schemas that apply at a place of the value; `parent` are some of those that apply to the object or array around
    /// it.
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

    /// Values for a place with these schemas, the best first; `now` is the value to replace.
    fn values(&self, schemas: &[Subschema<'_>], name: &str, now: Option<&Value>) -> Vec<Value> {
        let mut values: Vec<Value> = all(schemas, "const").cloned().collect();
        if let Some(now) = now.and_then(Value::as_str) {
            values.extend(
                nearest(now, items_of(schemas, "enum").filter_map(Value::as_str)).map(Value::from),
            );
        }
        values.extend(items_of(schemas, "enum").take(20).cloned());
        values.extend(now.into_iter().flat_map(converted));
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
        // `null` only where nothing else fits.
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

/// Where in the document the schemas of a property or an item are.
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

/// The same value as another type.
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
