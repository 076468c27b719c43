//! A small record that keeps the rules, made up from them.

use serde_json::{Map, Value, json};

use super::budget::Budget;
use super::explain::Checker;
use super::keywords::format_named;
use super::words::{Layer, Sheet, join, types};

/// How deep an example may nest: a schema may contain itself.
const DEEPEST: usize = 4;

/// The example for the schema at `pointer`: the smallest of a few attempts that is valid, else the fullest.
pub(super) fn record(checker: &Checker, pointer: &str, required: &[String]) -> Value {
    let sheet = &*checker.sheet;
    let without_id = |mut value: Value| {
        if let (Some(members), Some(id)) = (value.as_object_mut(), &checker.id) {
            members.shift_remove(id);
        }
        value
    };
    let small = without_id(example(sheet, pointer, "", !required.is_empty(), 0));
    let fits = |value: &Value| {
        let mut budget = Budget::for_length(0);
        checker.check(value.clone(), &mut budget).is_ok_and(|violations| violations.is_empty())
    };
    if fits(&small) {
        return small;
    }
    let full = without_id(example(sheet, pointer, "", false, 0));
    if fits(&full) { full } else { small }
}

fn example(sheet: &Sheet, pointer: &str, name: &str, required_only: bool, depth: usize) -> Value {
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
fn implied(layers: &[Layer<'_>]) -> &'static str {
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

fn bound(layers: &[Layer<'_>], keyword: &str) -> Option<f64> {
    layers.iter().find_map(|layer| layer.schema.get(keyword)?.as_f64())
}

fn number(layers: &[Layer<'_>], kind: &str) -> Value {
    let step = bound(layers, "multipleOf").unwrap_or(1.0);
    let least = bound(layers, "minimum").or_else(|| bound(layers, "exclusiveMinimum").map(|limit| limit + step));
    let most = bound(layers, "maximum").or_else(|| bound(layers, "exclusiveMaximum").map(|limit| limit - step));
    let wanted = match (least, most) {
        (Some(least), _) if least > step => (least / step).ceil() * step,
        (_, Some(most)) if most < step => (most / step).floor() * step,
        _ => step,
    };
    if kind == "integer" || wanted.fract() == 0.0 { json!(wanted as i64) } else { json!(wanted) }
}

fn string(layers: &[Layer<'_>], name: &str) -> Value {
    let keyword = |name: &str| layers.iter().find_map(|layer| layer.schema.get(name));
    if let Some(format) = keyword("format").and_then(Value::as_str).and_then(format_named) {
        return format.example.into();
    }
    let mut text = by_name(name).to_owned();
    let least = bound(layers, "minLength").unwrap_or_default() as usize;
    let most = bound(layers, "maxLength").map_or(usize::MAX, |most| most as usize);
    while text.chars().count() < least.min(200) {
        text.push('x');
    }
    text.chars().take(most).collect::<String>().into()
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
