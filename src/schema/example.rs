//! Generates examples from the rules: small valid records and values, strings that match a regular expression, and ids
//! for new records.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use indexmap::IndexSet;
use jsonschema::Validator;
use regex_syntax::hir::{Class, Hir, HirKind};
use serde_json::{Map, Value, json};

use super::check::Budget;
use super::document::{Document, Subschema, all, format_named, items_of, property_names, types};
use crate::json::pointer::join;
use crate::text::uuid;

/// How deep an example may nest: a schema may contain itself.
const DEEPEST: usize = 4;

/// Generates values from the schemas of a document.
#[derive(Clone, Copy)]
pub(super) struct Examples<'d> {
    document: &'d Document,
    /// Only required properties are generated.
    required_only: bool,
    /// The nesting depth of the value.
    depth: usize,
}

impl<'d> Examples<'d> {
    pub fn new(document: &'d Document, required_only: bool) -> Examples<'d> {
        Examples {
            document,
            required_only,
            depth: 0,
        }
    }

    /// A value that probably matches the schema at `pointer`; `name` is that of the property.
    pub fn of(self, pointer: &str, name: &str) -> Value {
        let schemas = self.document.schemas(pointer);
        let first = |keyword| all(&schemas, keyword).next();
        let given = first("const")
            .or_else(|| first("examples")?.get(0))
            .or_else(|| first("default"))
            .or_else(|| first("enum")?.get(0));
        if let Some(given) = given {
            return given.clone();
        }
        if self.depth > DEEPEST {
            return Value::Null;
        }
        let types = types(&schemas);
        let kind = types.iter().find(|name| *name != "null").or(types.first());
        let kind = kind.map_or_else(|| implied_type(&schemas), String::as_str);
        let form = match kind {
            "object" => return self.object(&schemas),
            "array" => return self.array(&schemas, name),
            "" => self.form(&schemas, name),
            _ => None,
        };
        form.or_else(|| scalars(&schemas, kind, name, None).into_iter().next())
            .unwrap_or_default()
    }

    /// The generator for nested values.
    pub fn inner(self) -> Self {
        let depth = self.depth + 1;
        Examples {
            depth,
            // Deep inside, only required properties: a schema that contains itself ten times would grow exponentially.
            required_only: self.required_only || depth > 1,
            ..self
        }
    }

    /// An example for the first schema of `oneOf` or `anyOf`.
    fn form(self, schemas: &[Subschema<'_>], name: &str) -> Option<Value> {
        let pointer = schemas.iter().find_map(|schema| {
            let mut keywords = ["oneOf", "anyOf"].into_iter();
            let keyword = keywords.find(|keyword| schema.keywords.contains_key(*keyword))?;
            Some(format!("{}/{keyword}/0", schema.pointer))
        })?;
        Some(self.inner().of(&pointer, name))
    }

    fn object(self, schemas: &[Subschema<'_>]) -> Value {
        let required: Vec<&str> = items_of(schemas, "required")
            .filter_map(Value::as_str)
            .collect();
        let mut members = Map::new();
        // In the order of `properties`, then required ones that are not described.
        let described =
            property_names(schemas).filter(|name| !self.required_only || required.contains(name));
        for name in described.chain(required.iter().copied()) {
            let property = self.document.property(schemas, name);
            let is_read_only = all(&property[..property.len().min(1)], "readOnly")
                .any(|flag| flag == &Value::Bool(true));
            if members.contains_key(name) || (is_read_only && !required.contains(&name)) {
                continue;
            }
            let value = match property.first() {
                Some(schema) => self.inner().of(&schema.pointer, name),
                None => scalars(&[], "string", name, None).swap_remove(0),
            };
            members.insert(name.to_owned(), value);
        }
        if let Some(Value::Object(first)) = self.form(schemas, "") {
            for (name, value) in first {
                members.entry(name).or_insert(value);
            }
        }
        Value::Object(members)
    }

    fn array(self, schemas: &[Subschema<'_>], name: &str) -> Value {
        let least = bounds(schemas, "minItems").next().unwrap_or_default() as usize;
        let mut with_items = schemas
            .iter()
            .filter(|one| one.keywords.contains_key("items"));
        let Some(schema) = with_items.next() else {
            return Value::Array(vec![json!(1); least.min(10)]);
        };
        let singular = name.strip_suffix('s').unwrap_or(name);
        let item = self.inner().of(&join(&schema.pointer, "items"), singular);
        Value::Array(vec![item; least.clamp(1, 10)])
    }
}

/// The type that the other keywords imply if there is no `type`; empty if they imply none.
pub(super) fn implied_type(schemas: &[Subschema<'_>]) -> &'static str {
    let has = |names: &[&str]| names.iter().any(|name| all(schemas, name).next().is_some());
    if has(&[
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
    ]) {
        "object"
    } else if has(&["items", "prefixItems", "contains", "minItems"]) {
        "array"
    } else if has(&["minimum", "maximum", "multipleOf"])
        || has(&["exclusiveMinimum", "exclusiveMaximum"])
    {
        "number"
    } else {
        ""
    }
}

/// Candidate values of the type `kind`, the best first; `now` is the value to replace.
pub(super) fn scalars(
    schemas: &[Subschema<'_>],
    kind: &str,
    name: &str,
    now: Option<&Value>,
) -> Vec<Value> {
    match kind {
        "integer" | "number" => numbers(schemas, kind, now.and_then(Value::as_f64)),
        "boolean" => vec![false.into(), true.into()],
        "null" => vec![Value::Null],
        _ => strings(schemas, name, now.and_then(Value::as_str))
            .into_iter()
            .map(Value::from)
            .collect(),
    }
}

fn bounds<'a>(
    schemas: &'a [Subschema<'_>],
    keyword: &'static str,
) -> impl Iterator<Item = f64> + 'a {
    all(schemas, keyword).filter_map(Value::as_f64)
}

/// The first `multipleOf`.
fn step(schemas: &[Subschema<'_>]) -> Option<f64> {
    bounds(schemas, "multipleOf").find(|step| *step > 0.0)
}

fn numbers(schemas: &[Subschema<'_>], kind: &str, now: Option<f64>) -> Vec<Value> {
    let step = step(schemas);
    // Without a step, any distance from an exclusive limit will do.
    let by = step.unwrap_or(1.0);
    let limits = |keyword, by: f64| bounds(schemas, keyword).map(move |limit| limit + by);
    let inside = |by: f64| {
        let least = limits("minimum", 0.0).chain(limits("exclusiveMinimum", by));
        let most = limits("maximum", 0.0).chain(limits("exclusiveMaximum", -by));
        (least.reduce(f64::max), most.reduce(f64::min))
    };
    let mut found = Vec::new();
    for by in [by, 0.5, 0.01] {
        let (least, most) = inside(by);
        let clamped = |number: f64| {
            number
                .max(least.unwrap_or(f64::MIN))
                .min(most.unwrap_or(f64::MAX))
        };
        let middle = least
            .zip(most)
            .map(|(least, most)| f64::midpoint(least, most));
        let wanted = [now, Some(by), least, most, middle];
        for number in wanted.into_iter().flatten().map(clamped) {
            let of = |steps: f64| steps * step.unwrap_or(by);
            let steps = number / step.unwrap_or(by);
            found.extend([of(steps.ceil()), of(steps.floor()), number]);
        }
    }
    found.push(0.0);
    // 0.3 instead of 0.30000000000000004.
    let tidy = |number: f64| (number * 1e9).round() / 1e9;
    let found = found.into_iter().flat_map(|number| [tidy(number), number]);
    let (least, most) = inside(0.0);
    let fits = |number: &f64| {
        least.is_none_or(|least| *number >= least) && most.is_none_or(|most| *number <= most)
    };
    let found = found.filter(fits).map(|number| match kind {
        "integer" => json!(number.round() as i64),
        _ if number.fract() == 0.0 && number.abs() < 1e15 => json!(number as i64),
        _ => json!(number),
    });
    distinct(found)
}

/// Each value once.
pub(super) fn distinct(values: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let distinct: IndexSet<Value> = values.into_iter().collect();
    distinct.into_iter().collect()
}

fn strings(schemas: &[Subschema<'_>], name: &str, now: Option<&str>) -> Vec<String> {
    /// For patterns with lookahead, such as those of passwords.
    const MIXED: &str = "Abcdef1!xyzXYZ23";
    let keywords = |name: &'static str| all(schemas, name).filter_map(Value::as_str);
    let least = bounds(schemas, "minLength")
        .reduce(f64::max)
        .unwrap_or_default() as usize;
    let most = bounds(schemas, "maxLength")
        .reduce(f64::min)
        .map_or(usize::MAX, |most| most as usize);
    let sized = |text: &str| {
        let pad = std::iter::repeat_n('x', least.min(2000).saturating_sub(text.chars().count()));
        text.chars().take(most).chain(pad).collect::<String>()
    };
    let formats = keywords("format").filter_map(format_named);
    let mut texts: Vec<String> = formats.map(|format| format.example.to_owned()).collect();
    for pattern in keywords("pattern").filter_map(parse_pattern) {
        let exact = (least..least + 20).map(|length| length as u32);
        for extra in [0, 1, 2, 3, 5, 8].into_iter().chain(exact) {
            for first in 0..2 {
                let text = matching(&pattern, extra, &mut |count| first % count.max(1));
                texts.extend(text.filter(|text| (least..=most).contains(&text.chars().count())));
            }
        }
    }
    if keywords("pattern").next().is_some() {
        if let Some(now) = now {
            texts.extend([now.to_lowercase(), now.to_uppercase(), now.trim().into()]);
        }
        texts.push(sized(MIXED));
    }
    if let Some(now) = now.filter(|now| !now.is_empty()) {
        // Too short or too long, but otherwise what was meant.
        texts.insert(0, sized(now));
    }
    texts.extend([sized(by_name(name)), sized("text"), sized("a"), sized("1")]);
    texts
}

/// Other values of the same kind as `value`, for properties whose values are unique.
pub(super) fn variants(schemas: &[Subschema<'_>], value: &Value, number: usize) -> Vec<Value> {
    let mut variants: Vec<Value> = items_of(schemas, "enum").cloned().collect();
    match value {
        Value::String(text) => {
            for number in number..number + 10 {
                if let Some((user, host)) = text.split_once('@') {
                    variants.push(format!("{user}{number}@{host}").into());
                }
                variants.push(format!("{text} {number}").into());
                variants.push(format!("{text}{number}").into());
                // Replace the end and keep the length, for UUIDs and dates.
                for digits in [format!("{number}"), format!("{number:02}")] {
                    let kept = text.chars().count().saturating_sub(digits.len());
                    let start: String = text.chars().take(kept).collect();
                    variants.push((start + &digits).into());
                }
            }
            let patterns = all(schemas, "pattern").filter_map(Value::as_str);
            for pattern in patterns.filter_map(parse_pattern) {
                for number in number..number + 10 {
                    let mut state = number;
                    // The digits of the number, in the base of the number of alternatives.
                    let mut pick = |count: usize| {
                        let picked = state % count.max(1);
                        state /= count.max(1);
                        picked
                    };
                    let more = (0..3).filter_map(|extra| matching(&pattern, extra, &mut pick));
                    variants.extend(more.map(Value::from));
                }
            }
        }
        Value::Number(now) => {
            let step = step(schemas).unwrap_or(1.0);
            let now = now.as_f64().unwrap_or_default();
            variants.push(number.into());
            for times in 1..20 {
                for other in [now + step * f64::from(times), now - step * f64::from(times)] {
                    variants.push(if other.fract() == 0.0 {
                        json!(other as i64)
                    } else {
                        json!(other)
                    });
                }
            }
        }
        _ => {}
    }
    variants.retain(|variant| variant != value);
    variants
}

/// A typical value of a property of that name.
fn by_name(name: &str) -> &str {
    match name.replace(['-', '_'], "").to_lowercase().as_str() {
        "firstname" | "givenname" => "Ada",
        "lastname" | "surname" | "familyname" => "Lovelace",
        "name" | "fullname" | "author" => "Ada Lovelace",
        "username" | "login" | "nickname" => "ada",
        "email" | "mail" => "name@example.com",
        "title" => "A title",
        "body" | "text" | "content" | "description" => "Some text",
        "date" => "2026-01-31",
        "phone" => "+1 555 0100",
        "url" | "website" | "link" => "https://example.com/",
        "city" => "London",
        "country" => "Japan",
        "color" | "colour" => "blue",
        "password" => "correct horse battery staple",
        _ if name.is_empty() => "text",
        _ => name,
    }
}

/// The longest string that is generated from a pattern.
const LONGEST: usize = 2000;

/// The characters to choose from, if the pattern allows them.
const ORDINARY: &str = "abcdefghijklmnopqrstuvwxyz123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0-_. ";

/// The pattern; `None` if it needs a backtracking engine.
fn parse_pattern(pattern: &str) -> Option<Hir> {
    regex_syntax::parse(pattern).ok()
}

/// A string that `pattern` should match, `None` if it would be too long. `pick` chooses one of that many alternatives,
/// and repetitions are repeated `extra` times more than necessary.
///
/// Anchors and word boundaries are ignored: the caller checks the string.
fn matching(pattern: &Hir, extra: u32, pick: &mut dyn FnMut(usize) -> usize) -> Option<String> {
    let mut out = String::new();
    write(pattern, extra, pick, &mut out)?;
    Some(out)
}

fn write(
    hir: &Hir,
    extra: u32,
    pick: &mut dyn FnMut(usize) -> usize,
    out: &mut String,
) -> Option<()> {
    if out.len() > LONGEST {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class.ranges();
            let has = |c| (ranges.iter()).any(|range| (range.start()..=range.end()).contains(&c));
            let first = || ranges.first().map(|range| range.start());
            out.push(one_of(has, pick).or_else(first)?);
        }
        HirKind::Class(Class::Bytes(class)) => {
            let ranges = class.ranges();
            let has = |c| (ranges.iter()).any(|range| (range.start()..=range.end()).contains(&c));
            out.push(one_of(|c| u8::try_from(c).is_ok_and(has), pick)?);
        }
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX);
            let count = repetition.min.saturating_add(extra).min(most);
            (0..count).try_for_each(|_| write(&repetition.sub, extra, pick, out))?;
        }
        HirKind::Capture(capture) => write(&capture.sub, extra, pick, out)?,
        HirKind::Concat(parts) => parts
            .iter()
            .try_for_each(|part| write(part, extra, pick, out))?,
        HirKind::Alternation(parts) => write(parts.get(pick(parts.len()))?, extra, pick, out)?,
    }
    Some(())
}

fn one_of(contains: impl Fn(char) -> bool, pick: &mut dyn FnMut(usize) -> usize) -> Option<char> {
    let fitting: Vec<char> = ORDINARY.chars().filter(|c| contains(*c)).collect();
    let is_any = !fitting.is_empty();
    is_any.then(|| fitting[pick(fitting.len())])
}

/// The rules for the id of a record.
#[derive(Debug)]
pub struct IdRules {
    /// Checks an object with only the id.
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

    /// Candidate ids for a new record, the best first, as JSON texts. `highest` is the highest number so far; `random`
    /// returns seven letters or digits.
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

    /// Ids for rules for which [`IdRules::propose`] finds none, such as dates.
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

    /// The next number above the highest, or if there is none, those from the lowest on.
    fn numbers(&self, highest: Option<i64>) -> impl Iterator<Item = String> + use<> {
        /// After this many numbers that are taken, a range counts as full.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_match_their_pattern() {
        for pattern in [
            "^[A-Z]{3}-\\d{4}$",
            "^(red|green|blue)$",
            "^\\+?[1-9]\\d{1,14}$",
            "^#[0-9a-fA-F]{6}$",
            "^[a-z0-9]+(?:-[a-z0-9]+)*$",
            "^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$",
            "^.{3,10}$",
            "^\\p{Lu}\\p{L}*$",
            "^[äöü]+$",
            "foo|bar",
            "^$",
            "^\\S+$",
        ] {
            let regex = regex::Regex::new(pattern).unwrap();
            for extra in [0, 1, 3] {
                for first in 0..3 {
                    let text = matching(&parse_pattern(pattern).unwrap(), extra, &mut |count| {
                        first % count
                    })
                    .unwrap();
                    assert!(regex.is_match(&text), "{pattern}: {text}");
                }
            }
        }
        assert_eq!(parse_pattern("^(?=.*x).{8}$"), None);
        assert_eq!(
            matching(&parse_pattern("(a{1000}){1000}").unwrap(), 0, &mut |_| 0),
            None
        );
    }
}
