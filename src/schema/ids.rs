//! Ids for new records that the rules of `id` allow.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::check::Budget;
use super::document::{Subschema, all, items_of, types};
use super::example::{bounds, matching, parse_pattern, variants};
use super::keywords::format_named;
use crate::text::uuid;

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
        let limits = |keyword| bounds(schemas, keyword);
        // Casts of floats saturate.
        let least = limits("minimum").map(|limit| limit.ceil() as i64);
        let above = limits("exclusiveMinimum");
        let above = above.map(|limit| (limit.floor() as i64).saturating_add(1));
        let most = limits("maximum").map(|limit| limit.floor() as i64);
        let below = limits("exclusiveMaximum");
        let below = below.map(|limit| (limit.ceil() as i64).saturating_sub(1));
        let most = most.chain(below).min().unwrap_or(i64::MAX);
        let lowest = if most < 1 { i64::MIN } else { 1 };
        let least = least.chain(above).max().unwrap_or(lowest);
        let step = limits("multipleOf").find(|step| step.fract() == 0.0);
        let step = step.map_or(1, |step| (step as i64).max(1));
        let length = |keyword| limits(keyword).map(|length| length as usize);
        let texts = |keyword| {
            let texts = all(schemas, keyword).filter_map(Value::as_str);
            texts.map(str::to_owned)
        };
        IdRules {
            validator,
            name: name.to_owned(),
            types: types(schemas),
            given: (all(schemas, "const").chain(items_of(schemas, "enum")))
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
        serde_json::from_str::<Value>(id).is_ok_and(|id| {
            let id = json!({ &self.name: id });
            let valid = Budget::for_length(0).spend(|| self.validator.is_valid(&id));
            valid.unwrap_or(false)
        })
    }

    /// Ids to try for a new record, the best first, as JSON texts. `highest` is the highest number so far; `random` makes
    /// seven letters or digits.
    pub fn propose(
        &self,
        highest: Option<i64>,
        random: &mut dyn FnMut() -> String,
    ) -> impl Iterator<Item = String> {
        let is_number = self.may_be(&["integer", "number"]);
        let numbers = is_number.then(|| self.numbers(highest));
        let texts = self.may_be(&["string"]).then(|| self.texts(random));
        let given = self.given.iter().map(Value::to_string);
        let texts = texts.into_iter().flatten();
        given
            .chain(numbers.into_iter().flatten())
            .chain(texts.map(|text| Value::from(text).to_string()))
    }

    /// Ids where [`IdRules::propose`] finds none, such as dates.
    pub(super) fn examples(&self) -> Vec<Value> {
        let format = self.format.as_deref().and_then(format_named);
        let example = Value::from(format.map_or("text", |format| format.example));
        let mut all = variants(&[], &example, 1);
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
        let at_least = move |number: i64| match number.rem_euclid(step) {
            0 => Some(number),
            above => number.checked_add(step - above),
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
        let patterns = self.patterns.iter();
        for pattern in patterns.filter_map(|pattern| parse_pattern(pattern)) {
            for extra in [6, 6, 6, 1, 0, 3, 12, 30] {
                let mut random = fastrand::Rng::with_seed(bits());
                let mut pick = |count: usize| random.usize(..count.max(1));
                texts.extend(matching(&pattern, extra, &mut pick));
            }
        }
        let (high, low) = (bits(), bits());
        let uuid = uuid((u128::from(high) << 64) | u128::from(low));
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
