//! One sentence for each keyword that says what a value must be.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::{Map, Value};

use super::explain::Explainer;
use super::keywords::{format_named, nearest};
use super::words::{Layer, any_of, found, literal, one_of, type_words, types, wanted};

impl Explainer<'_> {
    /// What is wrong with the value at the place of the error.
    pub(super) fn detail(&self, error: &ValidationError<'_>) -> String {
        let instance: &Value = error.instance();
        let layers = self.layers(error);
        let keyword = |name: &str| layers.first().and_then(|layer| layer.schema.get(name));
        let is = literal(instance);
        match error.kind() {
            Kind::Type { kind } => {
                // In the order of the file, which the crate's set has lost.
                let mut types = match (types(&layers[..layers.len().min(1)]), kind) {
                    (written, _) if !written.is_empty() => written,
                    (_, TypeKind::Single(one)) => vec![one.as_str().to_owned()],
                    (_, TypeKind::Multiple(set)) => set.iter().map(|one| one.as_str().to_owned()).collect(),
                };
                types.iter_mut().for_each(|name| *name = type_words(name).to_owned());
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
        let (noun, verb) = if number.ends_with(" 1") { ("item", "is") } else { ("items", "are") };
        let which = match wanted.as_str() {
            "" => layer.schema.get("contains").map(|schema| format!("like {}", literal(schema))).unwrap_or_default(),
            words => format!("that {verb} {words}"),
        };
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
