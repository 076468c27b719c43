//! Ids for new records that the rules of `id` allow.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::budget::Budget;
use super::document::{Subschema, all, types};
use super::keywords::format_named;
use super::pattern;

/// What the rules say about the id of a record.
#[derive(Debug)]
pub struct IdRules {
    /// Checks an object that has the id only.
    pub(super) validator: Arc<Validator>,
    name: String,
    types: Vec<String>,
    given: Vec<Value>,
    patterns: Vec<String>,
    format: Option<String>,
    lengths: (usize, usize),
    /// The lowest and the highest number, and the step between numbers.
    numbers: (i64, i64, i64),
}

impl IdRules {
    pub(super) fn new(validator: Arc<Validator>, name: &str, schemas: &[Subschema<'_>]) -> IdRules {
        let all = |keyword: &'static str| all(schemas, keyword);
        let numbers = |keyword: &'static str| all(keyword).filter_map(Value::as_f64);
        // Casts of floats saturate.
        let least = numbers("minimum").map(|limit| limit.ceil() as i64);
        let above =
            numbers("exclusiveMinimum").map(|limit| (limit.floor() as i64).saturating_add(1));
        let most = numbers("maximum").map(|limit| limit.floor() as i64);
        let below =
            numbers("exclusiveMaximum").map(|limit| (limit.ceil() as i64).saturating_sub(1));
        let most = most.chain(below).min().unwrap_or(i64::MAX);
        let least = least
            .chain(above)
            .max()
            .unwrap_or(if most < 1 { i64::MIN } else { 1 });
        let step = numbers("multipleOf")
            .find(|step| step.fract() == 0.0)
            .map_or(1, |step| (step as i64).max(1));
        let length = |keyword| {
            all(keyword)
                .filter_map(Value::as_u64)
                .map(|length| length as usize)
        };
        let texts = |keyword| all(keyword).filter_map(Value::as_str).map(str::to_owned);
        IdRules {
            validator,
            name: name.to_owned(),
            types: types(schemas),
            given: all("const")
                .chain(all("enum").filter_map(Value::as_array).flatten())
                .cloned()
                .collect(),
            patterns: texts("pattern").collect(),
            format: texts("format").next(),
            lengths: (
                length("minLength").max().unwrap_or(0),
                length("maxLength").min().unwrap_or(usize::MAX),
            ),
            numbers: (least, most, step),
        }
    }

    /// Whether a record may have the id `id`, a JSON text.
    pub fn allows(&self, id: &str) -> bool {
        let Ok(id) = serde_json::from_str::<Value>(id) else {
            return false;
        };
        let id = json!({ &self.name: id });
        Budget::for_length(0)
            .spend(|| self.validator.is_valid(&id))
            .unwrap_or(false)
    }

    /// Ids to try for a new record, the best first, as JSON texts. `highest` is the highest number so far; `random` makes
    /// seven letters or digits.
    pub fn propose(
        &self,
        highest: Option<i64>,
        random: &mut dyn FnMut() -> String,
    ) -> impl Iterator<Item = String> {
        let numbers = self
            .may_be(&["integer", "number"])
            .then(|| self.numbers(highest));
        let texts = if self.may_be(&["string"]) {
            self.texts(random)
        } else {
            Vec::new()
        };
        let given = self.given.iter().map(Value::to_string);
        given
            .chain(numbers.into_iter().flatten())
            .chain(texts.into_iter().map(|text| Value::from(text).to_string()))
    }

    /// Ids where [`IdRules::propose`] finds none, such as dates.
    pub(super) fn examples(&self) -> Vec<Value> {
        let example = self
            .format
            .as_deref()
            .and_then(format_named)
            .map_or("text", |format| format.example);
        let example = Value::from(example);
        let mut all = super::example::variants(&[], &example, 1);
        all.insert(0, example);
        all.retain(|id| self.allows(&id.to_string()));
        all
    }

    fn may_be(&self, kinds: &[&str]) -> bool {
        self.types.is_empty() || self.types.iter().any(|name| kinds.contains(&name.as_str()))
    }

    /// The next number above the highest, and where there is none, those from the lowest on.
    fn numbers(&self, highest: Option<i64>) -> impl Iterator<Item = String> + use<> {
        /// After so many numbers that are taken, a range counts as full.
        const MOST_TRIES: i64 = 1_000_000;
        let (least, most, step) = self.numbers;
        let at_least = move |number: i64| {
            let above = number.rem_euclid(step);
            if above == 0 {
                Some(number)
            } else {
                number.checked_add(step - above)
            }
        };
        let next = highest.map_or(Some(least), |highest| {
            Some(highest.checked_add(1)?.max(least))
        });
        let next = next.and_then(at_least).into_iter();
        let first = at_least(least);
        let all =
            (0..MOST_TRIES).map_while(move |place| first?.checked_add(place.checked_mul(step)?));
        next.chain(all.take_while(move |number| *number <= most))
            .map(|number| number.to_string())
    }

    fn texts(&self, random: &mut dyn FnMut() -> String) -> Vec<String> {
        let mut bits = || {
            let mut hasher = DefaultHasher::new();
            random().hash(&mut hasher);
            hasher.finish()
        };
        let mut texts = Vec::new();
        for pattern in self
            .patterns
            .iter()
            .filter_map(|pattern| pattern::parse(pattern))
        {
            for extra in [6, 6, 6, 1, 0, 3, 12, 30] {
                let mut state = bits();
                let mut pick = |count: usize| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    (state >> 33) as usize % count.max(1)
                };
                texts.extend(pattern::matching(&pattern, extra, &mut pick));
            }
        }
        let (high, low) = (bits(), bits());
        let uuid = format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            (low >> 48) & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        );
        let letters = random();
        match self.format.as_deref() {
            Some("uuid") => texts.push(uuid.clone()),
            Some("email") => texts.push(format!("{letters}@example.com")),
            Some("hostname") => texts.push(format!("{:x}.example.com", low)),
            Some("uri" | "iri") => texts.push(format!("https://example.com/{letters}")),
            _ => {}
        }
        let (least, most) = self.lengths;
        let mut fitting = letters;
        while fitting.len() < least.min(200) {
            fitting.push_str(&random());
        }
        fitting.truncate(if least > 7 { least } else { most });
        texts.extend([fitting, uuid, (low >> 11).to_string()]);
        texts
    }
}
