//! A small record that keeps the rules, made up from them.

use serde_json::{Map, Value, json};

use super::explain::Checker;
use super::keywords::format_named;
use super::pattern;
use super::repair::repaired;
use super::words::{Layer, Sheet, join, types};

/// How deep an example may nest: a schema may contain itself.
const DEEPEST: usize = 4;

/// The example for the schema at `pointer`: the smallest of a few attempts that can be made valid.
pub(super) fn record(checker: &Checker, required: &[String]) -> Option<Value> {
    let make = |required_only| {
        let mut value = example(&checker.sheet, &checker.pointer, "", required_only, 0);
        if let (Some(members), Some(id)) = (value.as_object_mut(), &checker.id) {
            members.shift_remove(id);
        }
        repaired(checker, value)
    };
    make(!required.is_empty()).or_else(|| make(false)).or_else(|| repaired(checker, json!({})))
}

pub(super) fn example(sheet: &Sheet, pointer: &str, name: &str, required_only: bool, depth: usize) -> Value {
    let layers = sheet.layers(pointer);
    let keyword = |name: &str| layers.iter().find_map(|layer| layer.schema.get(name));
    let given = keyword("const")
        .or_else(|| keyword("examples").and_then(|examples| examples.get(0)))
        .or_else(|| keyword("default"))
        .or_else(|| keyword("enum").and_then(|options| options.get(0)));
    if let Some(given) = given {
        return given.clone();
    }
    if depth > DEEPEST {
        return Value::Null;
    }
    // Further down only what must be there: a schema that contains itself ten times would grow without end.
    let required_only = required_only || depth > 1;
    let types = types(&layers);
    let kind = types.iter().find(|name| *name != "null").or(types.first());
    let kind = kind.map_or_else(|| implied(&layers), String::as_str);
    match kind {
        "object" => object(sheet, &layers, required_only, depth),
        "array" => array(sheet, &layers, name, required_only, depth),
        "integer" | "number" => number(&layers, kind),
        "boolean" => Value::Bool(false),
        "null" => Value::Null,
        "" => form(sheet, &layers, name, required_only, depth).unwrap_or_else(|| string(&layers, name)),
        _ => string(&layers, name),
    }
}

/// The type that the other keywords imply where `type` is not given.
pub(super) fn implied(layers: &[Layer<'_>]) -> &'static str {
    let has = |names: &[&str]| layers.iter().any(|layer| names.iter().any(|name| layer.schema.contains_key(*name)));
    if has(&["properties", "required", "additionalProperties", "patternProperties"]) {
        "object"
    } else if has(&["items", "prefixItems", "contains", "minItems"]) {
        "array"
    } else if has(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) {
        "number"
    } else {
        ""
    }
}

/// An example of the first form of `oneOf` or `anyOf`.
fn form(sheet: &Sheet, layers: &[Layer<'_>], name: &str, required_only: bool, depth: usize) -> Option<Value> {
    let layer_form = layers.iter().find_map(|layer| {
        let keyword = ["oneOf", "anyOf"].into_iter().find(|keyword| layer.schema.contains_key(*keyword))?;
        Some(format!("{}/{keyword}/0", layer.pointer))
    })?;
    Some(example(sheet, &layer_form, name, required_only, depth + 1))
}

fn object(sheet: &Sheet, layers: &[Layer<'_>], required_only: bool, depth: usize) -> Value {
    let mut members = Map::new();
    // The first form adds what it needs to what all forms share.
    let first = form(sheet, layers, "", required_only, depth);
    let properties = layers.iter().filter_map(|layer| layer.schema.get("properties")?.as_object()).flat_map(Map::keys);
    let required: Vec<&str> = layers
        .iter()
        .filter_map(|layer| layer.schema.get("required")?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    // In the order of `properties`, as a person would write the record; then what is required but not described.
    let wanted = properties.map(String::as_str).filter(|name| !required_only || required.contains(name));
    let mut names: Vec<&str> = Vec::new();
    for name in wanted.chain(required.iter().copied()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        let declared = sheet.property_layers(layers, name);
        let value = match declared.first() {
            Some(layer) => {
                let read_only = layer.schema.get("readOnly") == Some(&Value::Bool(true));
                if read_only && !required.contains(&name) {
                    continue;
                }
                example(sheet, &layer.pointer, name, required_only, depth + 1)
            }
            None => string(&[], name),
        };
        members.insert(name.to_owned(), value);
    }
    if let Some(Value::Object(first)) = first {
        first.into_iter().for_each(|(name, value)| {
            members.entry(name).or_insert(value);
        });
    }
    Value::Object(members)
}

fn array(sheet: &Sheet, layers: &[Layer<'_>], name: &str, required_only: bool, depth: usize) -> Value {
    let least = bound(layers, "minItems").unwrap_or_default() as usize;
    let items = layers.iter().find(|layer| layer.schema.contains_key("items"));
    let singular = name.strip_suffix('s').unwrap_or(name);
    let Some(layer) = items else { return Value::Array(vec![json!(1); least.min(10)]) };
    let item = example(sheet, &join(&layer.pointer, "items"), singular, required_only, depth + 1);
    Value::Array(vec![item; least.clamp(1, 10)])
}

fn bounds<'a>(layers: &'a [Layer<'_>], keyword: &'static str) -> impl Iterator<Item = f64> + 'a {
    layers.iter().filter_map(move |layer| layer.schema.get(keyword)?.as_f64())
}

fn bound(layers: &[Layer<'_>], keyword: &'static str) -> Option<f64> {
    bounds(layers, keyword).next()
}

fn number(layers: &[Layer<'_>], kind: &str) -> Value {
    numbers(layers, kind, None).into_iter().next().unwrap_or_else(|| json!(1))
}

/// Numbers that may fit, the best first; `now` is what is there.
pub(super) fn numbers(layers: &[Layer<'_>], kind: &str, now: Option<f64>) -> Vec<Value> {
    let step = bound(layers, "multipleOf").filter(|step| *step > 0.0);
    // Without a step, what is just inside of an exclusive limit is a matter of taste.
    let by = step.unwrap_or(1.0);
    let most = |keyword, inside: f64| bounds(layers, keyword).map(move |limit| limit - inside);
    let inside = |by: f64| {
        let least = most("minimum", 0.0).chain(most("exclusiveMinimum", -by)).reduce(f64::max);
        (least, most("maximum", 0.0).chain(most("exclusiveMaximum", by)).reduce(f64::min))
    };
    let mut found = Vec::new();
    for by in [by, 0.5, 0.01] {
        let (least, most) = inside(by);
        let clamped = |number: f64| {
            let number = least.map_or(number, |least| number.max(least));
            most.map_or(number, |most| number.min(most))
        };
        let middle = least.zip(most).map(|(least, most)| f64::midpoint(least, most));
        let wanted = now.into_iter().chain([by]).chain(least).chain(most).chain(middle);
        for number in wanted.map(clamped) {
            let of = |steps: f64| steps * step.unwrap_or(by);
            let steps = number / step.unwrap_or(by);
            found.extend([of(steps.ceil()), of(steps.floor()), number]);
        }
    }
    found.push(0.0);
    // What adding up of steps makes of 0.3 is not what a person would write.
    let tidy = |number: f64| (number * 1e9).round() / 1e9;
    let found = found.into_iter().flat_map(|number| [tidy(number), number]);
    let (least, most) = (inside(0.0).0, inside(0.0).1);
    let fits = |number: &f64| least.is_none_or(|least| *number >= least) && most.is_none_or(|most| *number <= most);
    let found = found.filter(fits).map(|number| match kind {
        "integer" => json!(number.round() as i64),
        _ if number.fract() == 0.0 && number.abs() < 1e15 => json!(number as i64),
        _ => json!(number),
    });
    let mut once: Vec<Value> = Vec::new();
    found.for_each(|number| {
        if !once.contains(&number) {
            once.push(number);
        }
    });
    once
}

fn string(layers: &[Layer<'_>], name: &str) -> Value {
    texts(layers, name, None).into_iter().next().unwrap_or_default().into()
}

/// Texts that may fit, the best first; `now` is what is there.
pub(super) fn texts(layers: &[Layer<'_>], name: &str, now: Option<&str>) -> Vec<String> {
    /// For patterns that look ahead, as those of passwords do.
    const MIXED: &str = "Abcdef1!xyzXYZ23";
    let keywords = |name: &'static str| layers.iter().filter_map(move |layer| layer.schema.get(name)?.as_str());
    let least = bounds(layers, "minLength").reduce(f64::max).unwrap_or_default() as usize;
    let most = bounds(layers, "maxLength").reduce(f64::min).map_or(usize::MAX, |most| most as usize);
    let sized = |text: &str| {
        let pad = std::iter::repeat_n('x', least.min(2000).saturating_sub(text.chars().count()));
        text.chars().take(most).chain(pad).collect::<String>()
    };
    let mut texts: Vec<String> = Vec::new();
    texts.extend(keywords("format").filter_map(format_named).map(|format| format.example.to_owned()));
    for pattern in keywords("pattern").filter_map(pattern::parse) {
        let exact = (least..least + 20).map(|length| length as u32);
        for extra in [0, 1, 2, 3, 5, 8].into_iter().chain(exact) {
            for first in 0..2 {
                let text = pattern::matching(&pattern, extra, &mut |count| first % count.max(1));
                texts.extend(text.filter(|text| (least..=most).contains(&text.chars().count())));
            }
        }
    }
    if keywords("pattern").next().is_some() {
        texts.extend(now.into_iter().flat_map(|now| [now.to_lowercase(), now.to_uppercase(), now.trim().to_owned()]));
        texts.push(sized(MIXED));
    }
    match now {
        // Too short or too long, but otherwise what was meant.
        Some(now) if !now.is_empty() => texts.insert(0, sized(now)),
        _ => {}
    }
    texts.extend([sized(by_name(name)), sized("text"), sized("a"), sized("1")]);
    texts
}

/// Other values of the same kind as `value`, for properties whose values are unique.
pub(super) fn variants(layers: &[Layer<'_>], value: &Value, number: usize) -> Vec<Value> {
    let mut variants: Vec<Value> = Vec::new();
    let options = layers.iter().filter_map(|layer| layer.schema.get("enum")?.as_array()).flatten();
    variants.extend(options.cloned());
    match value {
        Value::String(text) => {
            for number in number..number + 10 {
                if let Some((user, host)) = text.split_once('@') {
                    variants.push(format!("{user}{number}@{host}").into());
                }
                variants.push(format!("{text} {number}").into());
                variants.push(format!("{text}{number}").into());
                // In the place of what is there, for texts of a fixed length such as UUIDs and dates.
                for digits in [format!("{number}"), format!("{number:02}")] {
                    let kept = text.chars().count().saturating_sub(digits.len());
                    variants.push(text.chars().take(kept).chain(digits.chars()).collect::<String>().into());
                }
            }
            let patterns = layers.iter().filter_map(|layer| layer.schema.get("pattern")?.as_str());
            for pattern in patterns.filter_map(pattern::parse) {
                for number in number..number + 10 {
                    let mut state = number;
                    // The digits of the number, each to the base of what there is to choose from.
                    let mut pick = |count: usize| {
                        let picked = state % count.max(1);
                        state /= count.max(1);
                        picked
                    };
                    let more = (0..3).filter_map(|extra| pattern::matching(&pattern, extra, &mut pick));
                    variants.extend(more.map(Value::from));
                }
            }
        }
        Value::Number(now) => {
            let step = bound(layers, "multipleOf").filter(|step| *step > 0.0).unwrap_or(1.0);
            let now = now.as_f64().unwrap_or_default();
            variants.push(number.into());
            for times in 1..20 {
                for other in [now + step * f64::from(times), now - step * f64::from(times)] {
                    variants.push(if other.fract() == 0.0 { json!(other as i64) } else { json!(other) });
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
    let folded = super::keywords::fold(name);
    match folded.as_str() {
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
