//! Checking a value, and saying in our own words what is wrong with it.

use std::sync::Arc;

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value};

use super::Violation;
use super::budget::{Budget, TooComplex};
use super::ids::IdRules;
use super::keywords::{edits, fold, nearest};
use super::words::{Layer, Sheet, any_of, found, join, literal, segments, split_last, wanted};

/// No answer lists more violations than this: a body can hold a million mistakes, and nobody reads them.
const MOST: usize = 200;

/// A compiled validator with what its messages need to know.
#[derive(Debug)]
pub(super) struct Checker {
    pub validator: Validator,
    /// What the rules say of the id, if anything.
    pub ids: Option<Arc<IdRules>>,
    pub sheet: Arc<Sheet>,
    /// Where in the sheet the schema of the value is.
    pub pointer: String,
    pub resource: String,
    /// The property that holds the record's id. It is none of the properties that the rules count.
    pub id: Option<String>,
}

impl Checker {
    pub fn check(&self, mut value: Value, budget: &mut Budget) -> Result<Vec<Violation>, TooComplex> {
        let own = self.take_id(&mut value);
        let is_valid = budget.spend(|| self.validator.is_valid(&value))?;
        let id_is_valid = match (&self.ids, &own) {
            (Some(ids), Some((_, id))) => budget.spend(|| ids.validator.is_valid(id))?,
            _ => true,
        };
        if is_valid && id_is_valid {
            return Ok(Vec::new());
        }
        let mut body = value.clone();
        if let (Value::Object(body), Some((place, Value::Object(own)))) = (&mut body, &own) {
            own.iter().for_each(|(name, id)| drop(body.shift_insert(*place, name.clone(), id.clone())));
        }
        let explainer = Explainer { sheet: &self.sheet, resource: &self.resource, id: self.id.as_deref(), body: &body };
        let of_id = || self.ids.iter().zip(&own).flat_map(|(ids, (_, id))| ids.validator.iter_errors(id));
        let all = || explainer.violations(self.validator.iter_errors(&value).chain(of_id()));
        let first = || explainer.violations(self.validator.validate(&value).err().into_iter().chain(of_id()));
        let mut budget = Budget::for_explaining(&value);
        budget.clone().spend(all).or_else(|TooComplex| budget.spend(first))
    }

    /// The validator's own errors; `None` where finding them takes too long.
    pub fn errors(&self, value: &Value, budget: &mut Budget) -> Option<Vec<ValidationError<'static>>> {
        let mut value = value.clone();
        let own = self.take_id(&mut value);
        let of_id = || self.ids.iter().zip(&own).flat_map(|(ids, (_, id))| ids.validator.iter_errors(id));
        let all = || self.validator.iter_errors(&value).chain(of_id()).map(ValidationError::to_owned).collect();
        budget.spend(all).ok()
    }

    /// Takes the id out of a record: its place and an object with nothing else.
    fn take_id(&self, value: &mut Value) -> Option<(usize, Value)> {
        let members = value.as_object_mut()?;
        let name = self.id.as_ref()?;
        let place = members.keys().position(|key| key == name)?;
        let id = members.shift_remove(name)?;
        Some((place, Value::Object(Map::from_iter([(name.clone(), id)]))))
    }
}

/// The schema that holds the keyword of the error, with what it includes.
pub(super) fn layers_of<'s>(sheet: &'s Sheet, error: &ValidationError<'_>) -> Vec<Layer<'s>> {
    let path = error.schema_path().as_str();
    let path = path.rfind("/dependentRequired").map_or(path, |end| &path[..=end]);
    split_last(path).map_or_else(Vec::new, |(parent, _)| sheet.layers(parent))
}

/// Turns the errors of one check into violations.
pub(super) struct Explainer<'a> {
    pub sheet: &'a Sheet,
    pub resource: &'a str,
    pub id: Option<&'a str>,
    pub body: &'a Value,
}

impl Explainer<'_> {
    /// The violations in the order in which a reader of the body meets them.
    pub fn violations<'e>(&self, errors: impl Iterator<Item = ValidationError<'e>>) -> Vec<Violation> {
        let mut found = Vec::new();
        // What is missing must not be lost behind a thousand other mistakes.
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
        // The sort is stable: what a place lacks stays in the order of `required`.
        found.sort_by_cached_key(|violation| self.position(&violation.pointer));
        let mut violations: Vec<Violation> = Vec::with_capacity(found.len());
        for violation in found {
            // The same rule may be reached twice, through `allOf` or `$ref`.
            if !violations.contains(&violation) {
                violations.push(violation);
            }
        }
        if more {
            let detail = format!("breaks more rules than the {MOST} listed");
            violations.push(Violation { pointer: String::new(), detail });
        }
        violations
    }

    /// Where a reader of the body meets the place: the index of each step, 0 for what is not there.
    fn position(&self, pointer: &str) -> Vec<usize> {
        let mut at = Some(self.body);
        let mut position = Vec::new();
        for segment in segments(pointer) {
            let (index, child) = match at {
                Some(Value::Object(members)) => {
                    let index = members.keys().position(|name| *name == segment).map_or(0, |index| index + 1);
                    (index, members.get(&segment))
                }
                Some(Value::Array(items)) => {
                    let index = segment.parse::<usize>().unwrap_or(items.len());
                    (index + 1, items.get(index))
                }
                _ => (0, None),
            };
            position.push(index);
            at = child;
        }
        position
    }

    pub(super) fn explain(&self, error: &ValidationError<'_>, out: &mut Vec<Violation>) {
        let at = error.instance_path().as_str();
        let mut add = |pointer: String, detail: String| out.push(Violation { pointer, detail });
        match error.kind() {
            Kind::Required { property } => {
                let Some(name) = property.as_str() else { return };
                if !self.is_own_id(at, name) {
                    add(join(at, name), self.missing(error, name));
                }
            }
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                let known = self.known_names(&self.layers(error));
                for name in unexpected.iter().filter(|name| !self.is_own_id(at, name)).take(MOST + 1) {
                    add(join(at, name), self.unknown(at, name, &known));
                }
            }
            Kind::PropertyNames { error: inner } => {
                let name = inner.instance().as_str().unwrap_or_default();
                add(join(at, name), format!("is no allowed name: the name {}", self.detail(inner)));
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => self.forms(error, context, out),
            // The crate reports an object in which no property at all is allowed as a false schema, and one member.
            Kind::FalseSchema if self.forbids_all(error) => {
                let members = self.body.pointer(at).and_then(Value::as_object).into_iter().flatten();
                for (name, _) in members.filter(|(name, _)| !self.is_own_id(at, name)).take(MOST + 1) {
                    add(join(at, name), self.unknown(at, name, &[]));
                }
            }
            _ => add(at.to_owned(), self.detail(error)),
        }
    }

    /// Whether the error means `"additionalProperties": false` or `"propertyNames": false` and no property beside it.
    fn forbids_all(&self, error: &ValidationError<'_>) -> bool {
        let at = error.instance_path().as_str();
        let Some(keyword) = ["/additionalProperties", "/propertyNames"]
            .into_iter()
            .find(|keyword| error.schema_path().as_str().ends_with(keyword))
        else {
            return false;
        };
        // A property that is itself called so would end in the same step.
        !at.ends_with(keyword) && self.body.pointer(at).is_some_and(Value::is_object)
    }

    /// The id of the record itself: the server sees to it.
    fn is_own_id(&self, at: &str, name: &str) -> bool {
        at.is_empty() && self.id == Some(name)
    }

    /// The schema that holds the keyword of the error, with what it includes.
    pub(super) fn layers(&self, error: &ValidationError<'_>) -> Vec<Layer<'_>> {
        layers_of(self.sheet, error)
    }

    fn known_names<'s>(&self, layers: &[Layer<'s>]) -> Vec<&'s str> {
        let properties = layers.iter().filter_map(|layer| layer.schema.get("properties")?.as_object());
        properties.flat_map(Map::keys).map(String::as_str).collect()
    }

    fn missing(&self, error: &ValidationError<'_>, name: &str) -> String {
        let layers = self.layers(error);
        let because = match split_last(error.schema_path().as_str()) {
            _ if !error.schema_path().as_str().contains("/dependentRequired") => "required".to_owned(),
            Some((_, trigger)) if trigger != "dependentRequired" => format!("required with `{trigger}`"),
            _ => self.trigger(error, &layers, name),
        };
        let wanted = wanted(&self.sheet.property_layers(&layers, name));
        let detail = if wanted.is_empty() {
            format!("is missing ({because})")
        } else {
            format!("is missing ({because}, {wanted})")
        };
        let known = self.known_names(&layers);
        let instance = error.instance();
        let unknown = |other: &&String| !known.contains(&other.as_str());
        // Of a body with thousands of unknown names the first ones will do.
        let names = instance.as_object().into_iter().flat_map(Map::keys).filter(unknown).take(MOST);
        match names.map(|other| (edits(&fold(name), &fold(other)), other)).min_by_key(|(distance, _)| *distance) {
            Some((0, other)) if other.to_lowercase() == name.to_lowercase() => {
                format!("{detail}; the body has `{other}`: names are case-sensitive")
            }
            Some((distance, other)) if distance == 0 || (distance == 1 && name.len() > 2) => {
                format!("{detail}; the body has `{other}`: did you mean `{name}`?")
            }
            _ => detail,
        }
    }

    /// The property whose presence makes `name` required.
    fn trigger(&self, error: &ValidationError<'_>, layers: &[Layer<'_>], name: &str) -> String {
        let instance = error.instance();
        let rules = layers.iter().filter_map(|layer| layer.schema.get("dependentRequired")?.as_object());
        let trigger = rules.flatten().find(|(trigger, needed)| {
            instance.get(trigger.as_str()).is_some()
                && needed.as_array().is_some_and(|needed| needed.iter().any(|needed| needed == name))
        });
        trigger.map_or_else(|| "required".to_owned(), |(trigger, _)| format!("required with `{trigger}`"))
    }

    fn unknown(&self, at: &str, name: &str, known: &[&str]) -> String {
        // The last name on the way is what a reader calls the object; an index says nothing.
        let inside = segments(at).filter(|step| step.parse::<usize>().is_err()).last();
        let object = inside.as_deref().unwrap_or(self.resource);
        match nearest(name, known.iter().copied()) {
            Some(near) => format!("is no property of {object}, did you mean {}?", literal(&near.into())),
            None => format!("is no property of {object}"),
        }
    }

    /// A value that fits none of several forms: say what the form that was most likely meant lacks.
    fn forms(&self, error: &ValidationError<'_>, context: &[Vec<ValidationError<'static>>], out: &mut Vec<Violation>) {
        let at = error.instance_path().as_str();
        let instance = error.instance();
        let here = |inner: &ValidationError<'_>| inner.instance_path().as_str() == at;
        let keep = |forms: Vec<usize>, wrong: &dyn Fn(&ValidationError<'_>) -> bool| -> Vec<usize> {
            forms.into_iter().filter(|form| !context[*form].iter().any(wrong)).collect()
        };
        // A form of another type, or marked by another constant, was not meant.
        let typed =
            keep((0..context.len()).collect(), &|inner| here(inner) && matches!(inner.kind(), Kind::Type { .. }));
        let marked = keep(typed.clone(), &|inner| !here(inner) && matches!(inner.kind(), Kind::Constant { .. }));
        let meant = if marked.is_empty() { typed } else { marked };
        if let [only] = meant[..] {
            context[only].iter().for_each(|inner| self.explain(inner, out));
            return;
        }
        let all_missing = |form: &usize| {
            context[*form].iter().all(|inner| here(inner) && matches!(inner.kind(), Kind::Required { .. }))
        };
        let detail = if meant.is_empty() {
            let mut words: Vec<String> = Vec::new();
            for form in 0..context.len() {
                let path = format!("{}/{form}", error.schema_path().as_str());
                words.push(wanted(&self.sheet.layers(&path)));
            }
            words.dedup();
            if words.iter().any(String::is_empty) {
                format!("fits none of the {} allowed forms, is {}", context.len(), found(instance))
            } else {
                format!("must be {}, is {}", any_of(&words), found(instance))
            }
        } else if meant.iter().all(all_missing) {
            let needs = |form: &usize| {
                let names = context[*form].iter().filter_map(|inner| match inner.kind() {
                    Kind::Required { property } => property.as_str().map(|name| format!("`{name}`")),
                    _ => None,
                });
                names.collect::<Vec<_>>().join(" and ")
            };
            format!("must have {}", any_of(&meant.iter().map(needs).collect::<Vec<_>>()))
        } else {
            let nearest = meant.iter().copied().min_by_key(|form| context[*form].len()).unwrap_or_default();
            let mut inner = Vec::new();
            context[nearest].iter().for_each(|error| self.explain(error, &mut inner));
            let inner = inner.iter().map(Violation::to_string).collect::<Vec<_>>().join("; ");
            format!("fits none of the {} allowed forms; nearest is form {}: {inner}", context.len(), nearest + 1)
        };
        out.push(Violation { pointer: at.to_owned(), detail });
    }
}
