//! Small valid records and values, made up from the rules, and strings that match a regular expression.

use regex_syntax::hir::{Class, Hir, HirKind};
use serde_json::{Map, Value, json};

use super::document::{Document, Subschema, all, items_of, property_names, types};
use super::keywords::format_named;
use crate::json::pointer::join;

/// How deep an example may nest: a schema may contain itself.
const DEEPEST: usize = 4;

/// Makes up values from the schemas of a document.
#[derive(Clone, Copy)]
pub(super) struct Examples<'d> {
    document: &'d Document,
    /// Only what is required goes into an object.
    required_only: bool,
    /// How many objects and arrays are around the value.
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

    /// A value that probably fits the schema at `pointer`; `name` is that of the property.
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

    /// For values inside of one.
    pub fn inner(self) -> Self {
        let depth = self.depth + 1;
        Examples {
            depth,
            // Deep inside only what is required: a schema that contains itself ten times would grow exponentially.
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
        // In the order of `properties`, then what is required but not described.
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

/// The type that the other keywords imply where there is no `type`; empty where they imply none.
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

/// Values of the type `kind` that may fit, the best first; `now` is the value to replace.
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

pub(super) fn bounds<'a>(
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
    let mut found = Vec::new();
    for value in values {
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found
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
                // At the end of the same length, for UUIDs and dates.
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
                    // The digits of the number, each to the base of the number of alternatives.
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

/// What a property of that name usually holds.
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

/// No string that is made from a pattern gets longer than this, whatever the pattern repeats.
const LONGEST: usize = 2000;

/// The characters to choose from, if the pattern allows them.
const ORDINARY: &str = "abcdefghijklmnopqrstuvwxyz123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0-_. ";

/// The pattern; `None` where it needs a backtracking engine.
pub(super) fn parse_pattern(pattern: &str) -> Option<Hir> {
    regex_syntax::parse(pattern).ok()
}

/// A string that `pattern` should match, `None` where it would be long. `pick` chooses one of so many alternatives, and
/// what may be repeated is repeated `extra` times more than it must.
///
/// Anchors and word boundaries are taken for granted: whoever asks checks the string.
pub(super) fn matching(
    pattern: &Hir,
    extra: u32,
    pick: &mut dyn FnMut(usize) -> usize,
) -> Option<String> {
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
