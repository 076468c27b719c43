//! Checking a value, and saying in our own words what is wrong with it.

use std::sync::Arc;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value};

use super::Violation;
use super::keywords::{edits, fold, format_named, nearest};
use super::words::{Layer, Sheet, any_of, found, join, literal, one_of, segments, split_last, type_words, wanted};

/// No answer lists more violations than this: a body can hold a million mistakes, and nobody reads them.
const MOST: usize = 200;

/// A compiled validator with what its messages need to know.
#[derive(Debug)]
pub(super) struct Checker {
    pub validator: Validator,
    pub sheet: Arc<Sheet>,
    pub resource: String,
    /// The property the server fills in itself: its absence, or an undeclared presence, breaks no rule.
    pub id: Option<String>,
}

impl Checker {
    pub fn check(&self, value: &Value) -> Vec<Violation> {
        if self.validator.is_valid(value) {
            return Vec::new();
        }
        let explainer = Explainer { sheet: &self.sheet, resource: &self.resource, id: self.id.as_deref(), body: value };
        explainer.violations(self.validator.iter_errors(value))
    }
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
        for error in errors {
            self.explain(&error, &mut found);
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

    fn explain(&self, error: &ValidationError<'_>, out: &mut Vec<Violation>) {
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
                for name in unexpected.iter().filter(|name| !self.is_own_id(at, name)) {
                    add(join(at, name), self.unknown(at, name, &known));
                }
            }
            Kind::PropertyNames { error: inner } => {
                let name = inner.instance().as_str().unwrap_or_default();
                add(join(at, name), format!("is no allowed name: the name {}", self.detail(inner)));
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => self.forms(error, context, out),
            _ => add(at.to_owned(), self.detail(error)),
        }
    }

    /// The id of the record itself: the server sees to it.
    fn is_own_id(&self, at: &str, name: &str) -> bool {
        at.is_empty() && self.id == Some(name)
    }

    /// The schema that holds the keyword of the error, with what it includes.
    fn layers(&self, error: &ValidationError<'_>) -> Vec<Layer<'_>> {
        let path = error.schema_path().as_str();
        let path = path.rfind("/dependentRequired").map_or(path, |end| &path[..=end]);
        split_last(path).map_or_else(Vec::new, |(parent, _)| self.sheet.layers(parent))
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
        let names =
            instance.as_object().into_iter().flat_map(Map::keys).filter(|other| !known.contains(&other.as_str()));
        match names.map(|other| (edits(&fold(name), &fold(other)), other)).min_by_key(|(distance, _)| *distance) {
            Some((0, other)) if other.to_lowercase() == name.to_lowercase() => {
                format!("{detail}; the body has `{other}`: names are case-sensitive")
            }
            Some((0, other)) => format!("{detail}; the body has `{other}`: did you mean `{name}`?"),
            Some((1, other)) if name.len() > 2 => format!("{detail}; the body has `{other}`: did you mean `{name}`?"),
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
                format!("fits none of the {} allowed forms, is {}", context.len(), found(&instance))
            } else {
                format!("must be {}, is {}", any_of(&words), found(&instance))
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

    /// What is wrong with the value at the place of the error.
    fn detail(&self, error: &ValidationError<'_>) -> String {
        let instance: &Value = error.instance();
        let layers = self.layers(error);
        let keyword = |name: &str| layers.first().and_then(|layer| layer.schema.get(name));
        let is = literal(instance);
        match error.kind() {
            Kind::Type { kind } => {
                let types: Vec<String> = match kind {
                    TypeKind::Single(one) => vec![type_words(one.as_str()).to_owned()],
                    TypeKind::Multiple(set) => set.iter().map(|one| type_words(one.as_str()).to_owned()).collect(),
                };
                format!("must be {}, is {}", any_of(&types), found(instance))
            }
            Kind::Format { format } => match format_named(format) {
                Some(format) => format!("must be {} such as {}, is {is}", format.noun, format.example),
                None => format!("must have the format {format}, is {is}"),
            },
            Kind::Enum { options } => {
                let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
                let near = instance.as_str().and_then(|text| nearest(text, options.iter().filter_map(Value::as_str)));
                let hint = near.map_or_else(String::new, |near| format!(", did you mean {}?", literal(&near.into())));
                format!("must be {}, is {is}{hint}", one_of(options))
            }
            Kind::Constant { expected_value } => format!("must be {}, is {is}", literal(expected_value)),
            Kind::Pattern { pattern } => format!("must match the pattern {pattern}, is {is}"),
            Kind::MinLength { limit } => match length(instance) {
                0 => format!("is empty, at least {} needed", count(*limit, "character", "is", "are")),
                now => format!("is {} long, at least {limit} {} needed", characters(now), verb(*limit)),
            },
            Kind::MaxLength { limit } => {
                format!("is {} long, at most {limit} {} allowed", characters(length(instance)), verb(*limit))
            }
            Kind::Minimum { limit } => format!("must be at least {limit}, is {is}"),
            Kind::Maximum { limit } => format!("must be at most {limit}, is {is}"),
            Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}, is {is}"),
            Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}, is {is}"),
            Kind::MultipleOf { multiple_of } => {
                let factor = keyword("multipleOf").map_or_else(|| multiple_of.to_string(), Value::to_string);
                format!("must be a multiple of {factor}, is {is}")
            }
            Kind::MinItems { limit } => {
                format!("has {}, at least {limit} {} needed", items(size(instance)), verb(*limit))
            }
            Kind::MaxItems { limit } => {
                format!("has {}, at most {limit} {} allowed", items(size(instance)), verb(*limit))
            }
            Kind::MinProperties { limit } => {
                format!("has {}, at least {limit} {} needed", properties(size(instance)), verb(*limit))
            }
            Kind::MaxProperties { limit } => {
                format!("has {}, at most {limit} {} allowed", properties(size(instance)), verb(*limit))
            }
            Kind::UniqueItems => match repeated(instance) {
                Some(item) => format!("must not hold an item twice, holds {} again", literal(item)),
                None => "must not hold an item twice".to_owned(),
            },
            Kind::Contains => self.contains(&layers),
            Kind::AdditionalItems { limit } => {
                format!("has {}, at most {limit} {} allowed", items(size(instance)), verb(*limit as u64))
            }
            Kind::UnevaluatedItems { unexpected } => {
                format!("has {} that no rule allows", items(unexpected.len()))
            }
            Kind::FalseSchema => "is not allowed here".to_owned(),
            Kind::Not { schema } => self.not(error, schema),
            Kind::OneOfMultipleValid { context } => {
                let fitting = context.iter().enumerate().filter(|(_, errors)| errors.is_empty());
                let fitting: Vec<String> = fitting.map(|(form, _)| (form + 1).to_string()).collect();
                format!("must fit exactly one of the allowed forms, fits {}", fitting.join(" and "))
            }
            Kind::ContentEncoding { content_encoding } => format!("must be encoded as {content_encoding}"),
            Kind::ContentMediaType { content_media_type } => format!("must hold {content_media_type}"),
            Kind::FromUtf8 { .. } => "must hold UTF-8 text".to_owned(),
            Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => {
                "cannot be checked against its pattern in reasonable time".to_owned()
            }
            Kind::Custom { message, .. } => message.clone(),
            Kind::Required { .. }
            | Kind::AdditionalProperties { .. }
            | Kind::UnevaluatedProperties { .. }
            | Kind::PropertyNames { .. }
            | Kind::AnyOf { .. }
            | Kind::OneOfNotValid { .. } => {
                // Met only inside another message (`propertyNames`), where one sentence has to do.
                let mut inner = Vec::new();
                self.explain(error, &mut inner);
                inner.into_iter().map(|violation| violation.detail).collect::<Vec<_>>().join("; ")
            }
            _ => error.to_string(),
        }
    }

    fn contains(&self, layers: &[Layer<'_>]) -> String {
        let Some(layer) = layers.first() else { return "lacks an item it must contain".to_owned() };
        let limit = |name: &str| layer.schema.get(name).and_then(Value::as_u64);
        let least = limit("minContains").unwrap_or(1);
        let number = match limit("maxContains") {
            Some(most) if most == least => format!("exactly {least}"),
            Some(most) if least == 0 => format!("at most {most}"),
            Some(most) => format!("{least} to {most}"),
            None => format!("at least {least}"),
        };
        let wanted = wanted(&self.sheet.layers(&format!("{}/contains", layer.pointer)));
        let which = match wanted.as_str() {
            "" => layer.schema.get("contains").map(|schema| format!("like {}", literal(schema))).unwrap_or_default(),
            words => format!("that is {words}"),
        };
        let noun = if number.ends_with(" 1") { "item" } else { "items" };
        format!("must contain {number} {noun} {which}")
    }

    fn not(&self, error: &ValidationError<'_>, schema: &Value) -> String {
        let names = schema.get("required").and_then(Value::as_array);
        if let (Some(names), Some(1)) = (names, schema.as_object().map(Map::len)) {
            let names: Vec<String> = names.iter().filter_map(Value::as_str).map(|name| format!("`{name}`")).collect();
            return format!("must not have {}", names.join(" and "));
        }
        let simple = schema.as_object().is_some_and(|schema| schema.len() == 1);
        match wanted(&self.sheet.layers(error.schema_path().as_str())) {
            words if simple && !words.is_empty() => format!("must not be {words}"),
            _ => format!("must not fit {}", literal(schema)),
        }
    }
}

fn length(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.chars().count())
}

fn size(value: &Value) -> usize {
    value.as_array().map(Vec::len).or_else(|| value.as_object().map(Map::len)).unwrap_or_default()
}

fn verb(number: u64) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

fn count(number: u64, noun: &str, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {noun} {one}") } else { format!("{number} {noun}s {many}") }
}

fn characters(number: usize) -> String {
    if number == 1 { "1 character".to_owned() } else { format!("{number} characters") }
}

fn items(number: usize) -> String {
    if number == 1 { "1 item".to_owned() } else { format!("{number} items") }
}

fn properties(number: usize) -> String {
    if number == 1 { "1 property".to_owned() } else { format!("{number} properties") }
}

/// The first item that stood there before. Looked for among the first items only: it is a courtesy, not the check.
fn repeated(value: &Value) -> Option<&Value> {
    let items = value.as_array()?;
    let items = &items[..items.len().min(500)];
    items.iter().enumerate().find(|(index, item)| items[..*index].contains(item)).map(|(_, item)| item)
}
