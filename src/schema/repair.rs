//! Turns a value that breaks rules into one that keeps them, and changes only what is wrong.
//!
//! Each round takes an error of the validator, tries the changes that may mend it, and goes on with the first that leaves
//! less to mend. What comes out has been checked; where nothing is found in a bounded number of rounds, there is nothing.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::{Map, Value, json};

use super::budget::Budget;
use super::example::{example, numbers, texts};
use super::explain::{Checker, layers_of};
use super::keywords::{edits, fold, nearest};
use super::words::{Layer, join, segments, split_last, types};

const MOST_ROUNDS: usize = 60;
/// How many changes of one place are tried at most.
const MOST_FIXES: usize = 40;

type Errors = Vec<ValidationError<'static>>;

#[derive(Debug, Clone)]
enum Edit {
    Set(String, Value),
    Remove(String),
    /// Another name for a member of the object at a place.
    Rename(String, String, String),
}

/// A value like `start` that keeps the rules.
pub(super) fn repaired(checker: &Checker, start: Value) -> Option<Value> {
    let mut budget = Budget::for_explaining(&start);
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
            let repair = Repair { checker, value: &value };
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

/// How much is wrong: of several forms, that which is wrong least counts.
fn weight(errors: &[ValidationError<'_>]) -> usize {
    let one = |error: &ValidationError<'_>| match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            1 + context.iter().map(|form| weight(form)).min().unwrap_or_default()
        }
        _ => 1,
    };
    errors.iter().map(one).sum()
}

fn apply(edit: &Edit, value: &mut Value) {
    match edit {
        Edit::Set(pointer, new) if pointer.is_empty() => *value = new.clone(),
        Edit::Set(pointer, new) => {
            let Some((parent, name)) = split_last(pointer) else { return };
            match value.pointer_mut(parent) {
                Some(Value::Object(members)) => drop(members.insert(name, new.clone())),
                Some(Value::Array(items)) => {
                    if let Some(item) = name.parse().ok().and_then(|index: usize| items.get_mut(index)) {
                        *item = new.clone();
                    }
                }
                _ => {}
            }
        }
        Edit::Remove(pointer) => {
            let Some((parent, name)) = split_last(pointer) else { return };
            match value.pointer_mut(parent) {
                Some(Value::Object(members)) => drop(members.shift_remove(&name)),
                Some(Value::Array(items)) => {
                    if let Some(index) = name.parse().ok().filter(|index| *index < items.len()) {
                        items.remove(index);
                    }
                }
                _ => {}
            }
        }
        Edit::Rename(object, from, to) => {
            if let Some(Value::Object(members)) = value.pointer_mut(object) {
                let renamed = std::mem::take(members).into_iter();
                *members =
                    renamed.map(|(name, value)| (if name == *from { to.clone() } else { name }, value)).collect();
            }
        }
    }
}

struct Repair<'a> {
    checker: &'a Checker,
    value: &'a Value,
}

impl Repair<'_> {
    /// Changes that may mend the error, the best first.
    fn fixes(&self, error: &ValidationError<'_>, depth: usize) -> Vec<Vec<Edit>> {
        let at = error.instance_path().as_str().to_owned();
        let here = self.value.pointer(&at);
        let members = here.and_then(Value::as_object);
        let items = here.and_then(Value::as_array);
        let own = layers_of(&self.checker.sheet, error);
        let mut fixes: Vec<Vec<Edit>> = Vec::new();
        let set = |value: Value| vec![Edit::Set(at.clone(), value)];
        // The server generates the id.
        if self.checker.id.as_ref().is_some_and(|id| at == join("", id)) {
            fixes.push(vec![Edit::Remove(at.clone())]);
        }
        match error.kind() {
            Kind::Required { property } => {
                let Some(name) = property.as_str() else { return fixes };
                let known = known_names(&own);
                let close = |other: &&String| {
                    !known.contains(&other.as_str()) && edits(&fold(name), &fold(other)) <= usize::from(name.len() > 2)
                };
                if let Some(other) = members.into_iter().flat_map(Map::keys).find(close) {
                    fixes.push(vec![Edit::Rename(at.clone(), other.clone(), name.to_owned())]);
                }
                let pointer = join(&at, name);
                let values = self.values(&self.place(&pointer, &own), name, None);
                fixes.extend(values.into_iter().map(|value| vec![Edit::Set(pointer.clone(), value)]));
                return fixes;
            }
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                let known = known_names(&own);
                let is_missing = |name: &&str| members.is_some_and(|members| !members.contains_key(*name));
                let fix = |name: &String| match nearest(name, known.iter().copied()).filter(is_missing) {
                    Some(near) => Edit::Rename(at.clone(), name.clone(), near.to_owned()),
                    None => Edit::Remove(join(&at, name)),
                };
                fixes.push(unexpected.iter().map(fix).collect());
                fixes.push(unexpected.iter().map(|name| Edit::Remove(join(&at, name))).collect());
                return fixes;
            }
            Kind::PropertyNames { error } => {
                fixes.extend(error.instance().as_str().map(|name| vec![Edit::Remove(join(&at, name))]));
                return fixes;
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                let mut forms: Vec<usize> = (0..context.len()).collect();
                forms.sort_by_key(|form| weight(&context[*form]));
                for form in forms {
                    if depth < 3 {
                        let first = |error| self.fixes(error, depth + 1).into_iter().next().unwrap_or_default();
                        fixes.push(context[form].iter().flat_map(first).collect());
                    }
                    fixes.push(set(self.example(&format!("{}/{form}", error.schema_path().as_str()), &at)));
                }
            }
            Kind::OneOfMultipleValid { context } => {
                let removals = members.into_iter().flat_map(Map::keys);
                fixes.extend(removals.map(|name| vec![Edit::Remove(join(&at, name))]));
                let forms = 0..context.len();
                fixes.extend(
                    forms.map(|form| set(self.example(&format!("{}/{form}", error.schema_path().as_str()), &at))),
                );
            }
            Kind::Not { schema } => {
                let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
                let names = names.filter_map(Value::as_str);
                fixes.extend(names.map(|name| vec![Edit::Remove(join(&at, name))]));
            }
            Kind::FalseSchema => {
                fixes.push(vec![Edit::Remove(at.clone())]);
                fixes.push(set(json!({})));
            }
            Kind::MinProperties { .. } => {
                let layers = self.place(&at, &[]);
                let described = known_names(&layers).into_iter().chain(["a", "b", "c", "d", "e"]).map(str::to_owned);
                let names = described.chain((1..).map(|number| format!("property{number}"))).take(50);
                let names: Vec<String> =
                    names.filter(|name| members.is_some_and(|members| !members.contains_key(name))).collect();
                for name in names {
                    let pointer = join(&at, &name);
                    let value = self.values(&self.place(&pointer, &[]), &name, None).into_iter().next();
                    fixes.extend(value.map(|value| vec![Edit::Set(pointer, value)]));
                }
            }
            Kind::MaxProperties { .. } => {
                let names = members.into_iter().flat_map(Map::keys).rev();
                fixes.extend(names.map(|name| vec![Edit::Remove(join(&at, name))]));
                return fixes;
            }
            Kind::MinItems { .. } => fixes.extend(self.longer(items, &at, &own).map(&set)),
            Kind::MaxItems { limit } => {
                fixes.extend(items.map(|items| set(items.iter().take(*limit as usize).cloned().collect())));
            }
            Kind::AdditionalItems { limit } => {
                fixes.extend(items.map(|items| set(items.iter().take(*limit).cloned().collect())));
            }
            Kind::UnevaluatedItems { unexpected } => {
                let kept = items.map(|items| items.iter().take(items.len().saturating_sub(unexpected.len())));
                fixes.extend(kept.map(|kept| set(kept.cloned().collect())));
            }
            Kind::UniqueItems => {
                let mut once: Vec<Value> = Vec::new();
                for item in items.into_iter().flatten().filter(|item| !matches!(item, Value::Null)) {
                    if !once.contains(item) {
                        once.push(item.clone());
                    }
                }
                fixes.extend(self.longer(Some(&once), &at, &own).map(&set));
                fixes.push(set(once.into()));
            }
            Kind::Contains => {
                let Some(layer) = own.first() else { return fixes };
                let more = self.values(&self.checker.sheet.layers(&format!("{}/contains", layer.pointer)), "", None);
                for item in more {
                    let mut all = items.cloned().unwrap_or_default();
                    all.push(item.clone());
                    fixes.push(set(all.clone().into()));
                    all.swap_remove(0);
                    fixes.push(set(all.into()));
                }
                let fewer = |index: usize| vec![Edit::Remove(format!("{at}/{index}"))];
                fixes.extend((0..items.map_or(0, |items| items.len().min(10))).map(fewer));
            }
            _ => {}
        }
        let name = segments(&at).filter(|step| step.parse::<usize>().is_err()).last().unwrap_or_default();
        let layers: Vec<_> = own.iter().cloned().chain(self.place(&at, &[])).collect();
        fixes.extend(self.values(&layers, &name, here).into_iter().map(set));
        if !at.is_empty() {
            fixes.push(vec![Edit::Remove(at)]);
        }
        fixes
    }

    fn example(&self, pointer: &str, at: &str) -> Value {
        let name = segments(at).last().unwrap_or_default();
        example(&self.checker.sheet, pointer, &name, true, 0)
    }

    /// The array with another item.
    fn longer(&self, items: Option<&Vec<Value>>, at: &str, own: &[Layer<'_>]) -> impl Iterator<Item = Value> {
        let items = items.cloned().unwrap_or_default();
        let pointer = format!("{at}/{}", items.len());
        let name = segments(at).last().unwrap_or_default();
        let layers = self.place(&pointer, own);
        let mut new = self.values(&layers, name.strip_suffix('s').unwrap_or(&name), None);
        // More of the same kind, for arrays whose items are unique.
        let number = items.len() + 1;
        for value in new.clone().into_iter().take(4) {
            new.extend(super::example::variants(&layers, &value, number));
        }
        new.retain(|item| !items.contains(item));
        new.into_iter().map(move |item| items.iter().cloned().chain([item]).collect())
    }

    /// The schemas that apply at a place of the value; those of `parent` are among those of the object or array around it.
    fn place<'l>(&'l self, pointer: &str, parent: &[Layer<'l>]) -> Vec<Layer<'l>> {
        let sheet = &self.checker.sheet;
        let mut layers = sheet.layers(&self.checker.pointer);
        let mut at = Some(self.value);
        let steps: Vec<String> = segments(pointer).collect();
        for (number, step) in steps.iter().enumerate() {
            if number + 1 == steps.len() {
                layers.extend(parent.iter().cloned());
            }
            let is_array = matches!(at, Some(Value::Array(_)));
            let below: Vec<String> = layers.iter().flat_map(|layer| children(layer, step, is_array)).collect();
            layers = below.iter().flat_map(|pointer| sheet.layers(pointer)).collect();
            at = at.and_then(|at| if is_array { at.get(step.parse::<usize>().ok()?) } else { at.get(step) });
        }
        layers
    }

    /// Values for a place with these schemas, the best first; `now` is what is there.
    fn values(&self, layers: &[Layer<'_>], name: &str, now: Option<&Value>) -> Vec<Value> {
        let all = |keyword: &'static str| layers.iter().filter_map(move |layer| layer.schema.get(keyword));
        let lists = |keyword| all(keyword).filter_map(Value::as_array).flatten();
        let mut values: Vec<Value> = all("const").cloned().collect();
        let options: Vec<&Value> = lists("enum").collect();
        if let Some(near) = now.and_then(Value::as_str) {
            let near = nearest(near, options.iter().filter_map(|option| option.as_str()));
            values.extend(near.map(Value::from));
        }
        values.extend(options.into_iter().take(20).cloned());
        values.extend(now.into_iter().flat_map(converted));
        values.extend(lists("examples").chain(all("default")).cloned());
        let mut kinds = types(layers);
        if kinds.is_empty() {
            kinds = layers.iter().take(1).map(|_| super::example::implied(layers).to_owned()).collect();
        }
        if kinds.iter().all(String::is_empty) {
            kinds = ["string", "integer"].map(str::to_owned).to_vec();
        }
        // `null` is a value only where there is no other.
        kinds.sort_by_key(|kind| kind == "null");
        for kind in &kinds {
            match kind.as_str() {
                "string" => {
                    values.extend(texts(layers, name, now.and_then(Value::as_str)).into_iter().map(Value::from))
                }
                "integer" | "number" => values.extend(numbers(layers, kind, now.and_then(Value::as_f64))),
                "boolean" => values.extend([false, true].map(Value::from)),
                "null" => values.push(Value::Null),
                _ => {
                    let made = layers.iter().filter(|layer| !layer.pointer.is_empty());
                    let made = made.map(|layer| example(&self.checker.sheet, &layer.pointer, name, true, 1));
                    let made = made.filter(|value| value.is_object() == (kind == "object"));
                    values.extend(made.filter(|value| value.is_object() || value.is_array()));
                    values.push(if kind == "object" { json!({}) } else { json!([]) });
                }
            }
        }
        let mut once: Vec<Value> = Vec::new();
        values.into_iter().for_each(|value| {
            if !once.contains(&value) {
                once.push(value);
            }
        });
        once
    }
}

/// Where in the rules the schemas of a member or an item are.
fn children(layer: &Layer<'_>, step: &str, is_array: bool) -> Vec<String> {
    let Layer { pointer, schema } = layer;
    if is_array {
        let index = step.parse::<usize>().unwrap_or_default();
        let leading = schema.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
        if index < leading {
            return vec![format!("{pointer}/prefixItems/{index}")];
        }
        return schema.get("items").map(|_| format!("{pointer}/items")).into_iter().collect();
    }
    let has = |keyword: &str| schema.get(keyword).and_then(Value::as_object);
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

fn known_names<'s>(layers: &[Layer<'s>]) -> Vec<&'s str> {
    let properties = layers.iter().filter_map(|layer| layer.schema.get("properties")?.as_object());
    properties.flat_map(Map::keys).map(String::as_str).collect()
}

/// The same value as another type.
fn converted(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            let number = text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<f64>().map(Value::from)).ok();
            let boolean = text.to_ascii_lowercase().parse::<bool>().ok().map(Value::from);
            number.into_iter().chain(boolean).chain([json!([text])]).collect()
        }
        Value::Number(number) => {
            let whole = number.as_f64().map(|number| Value::from(number.round() as i64));
            [Value::from(number.to_string())].into_iter().chain(whole).chain([json!([number])]).collect()
        }
        Value::Bool(is) => vec![is.to_string().into(), Value::from(u8::from(*is))],
        Value::Array(items) if items.len() == 1 => items.clone(),
        Value::Object(_) => vec![json!([value])],
        _ => Vec::new(),
    }
}
