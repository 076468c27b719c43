//! Finding one's way in a schema, and putting values and schemas into words.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::keywords::format_named;
use crate::text::percent_decode;

/// A schema file whose references can be followed.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub root: Value,
    anchors: HashMap<String, String>,
}

/// A schema that applies at one place, and where in the file it stands.
#[derive(Debug, Clone)]
pub(super) struct Layer<'a> {
    pub pointer: String,
    pub schema: &'a Map<String, Value>,
}

impl Sheet {
    pub fn new(root: Value) -> Sheet {
        let mut anchors = HashMap::new();
        collect_anchors(&root, &mut String::new(), &mut anchors);
        Sheet { root, anchors }
    }

    /// Where a `$ref` inside this file points to; `None` where there is nothing.
    pub fn target(&self, reference: &str) -> Option<String> {
        let fragment = reference.strip_prefix('#')?;
        let pointer = match percent_decode(fragment)?.into_owned() {
            pointer if pointer.is_empty() || pointer.starts_with('/') => pointer,
            anchor => self.anchors.get(&anchor)?.clone(),
        };
        self.root.pointer(&pointer).map(|_| pointer)
    }

    /// The schema at `pointer` and those it includes by `$ref` and `allOf`, the nearest first.
    pub fn layers(&self, pointer: &str) -> Vec<Layer<'_>> {
        let mut found: Vec<Layer<'_>> = Vec::new();
        let mut next = vec![pointer.to_owned()];
        while let Some(pointer) = next.pop() {
            let Some(Value::Object(schema)) = self.root.pointer(&pointer) else { continue };
            if found.iter().any(|layer| layer.pointer == pointer) {
                continue;
            }
            if let Some(Value::Array(all)) = schema.get("allOf") {
                next.extend((0..all.len()).rev().map(|index| format!("{pointer}/allOf/{index}")));
            }
            if let Some(Value::String(reference)) = schema.get("$ref") {
                next.extend(self.target(reference));
            }
            found.push(Layer { pointer, schema });
        }
        found
    }

    /// The layers of the property `name` of the objects that `object` describes.
    pub fn property_layers(&self, object: &[Layer<'_>], name: &str) -> Vec<Layer<'_>> {
        let declared = object.iter().filter(|layer| {
            let properties = layer.schema.get("properties").and_then(Value::as_object);
            properties.is_some_and(|properties| properties.contains_key(name))
        });
        declared.flat_map(|layer| self.layers(&join(&format!("{}/properties", layer.pointer), name))).collect()
    }
}

fn collect_anchors(value: &Value, pointer: &mut String, anchors: &mut HashMap<String, String>) {
    let mut below = |segment: &str, child: &Value, pointer: &mut String| {
        let length = pointer.len();
        *pointer = join(pointer, segment);
        collect_anchors(child, pointer, anchors);
        pointer.truncate(length);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, child)| below(name, child, pointer)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, child)| below(&index.to_string(), child, pointer));
        }
        _ => {}
    }
    for keyword in ["$anchor", "$dynamicAnchor"] {
        if let Some(anchor) = value.get(keyword).and_then(Value::as_str) {
            anchors.insert(anchor.to_owned(), pointer.clone());
        }
    }
}

/// `pointer` one step further (RFC 6901).
pub(super) fn join(pointer: &str, segment: &str) -> String {
    if segment.contains(['~', '/']) {
        return format!("{pointer}/{}", segment.replace('~', "~0").replace('/', "~1"));
    }
    format!("{pointer}/{segment}")
}

/// The decoded steps of a pointer.
pub(super) fn segments(pointer: &str) -> impl Iterator<Item = String> + '_ {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~"))
}

/// A pointer's place within its parent: everything before its last step, and that step decoded.
pub(super) fn split_last(pointer: &str) -> Option<(&str, String)> {
    let (parent, last) = pointer.rsplit_once('/')?;
    Some((parent, last.replace("~1", "/").replace("~0", "~")))
}

/// A value as JSON, cut where it is long.
pub(super) fn literal(value: &Value) -> String {
    const LONGEST: usize = 60;
    let cut = |text: &str| text.chars().take(LONGEST).collect::<String>();
    match value {
        Value::String(text) if text.chars().nth(LONGEST).is_some() => format!("{}…", Value::from(cut(text))),
        other => {
            let text = other.to_string();
            if !other.is_string() && text.chars().nth(LONGEST).is_some() { format!("{}…", cut(&text)) } else { text }
        }
    }
}

/// A value as it is spoken of where its type is wrong.
pub(super) fn found(value: &Value) -> String {
    match value {
        Value::String(_) => format!("the string {}", literal(value)),
        Value::Number(_) => format!("the number {value}"),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Bool(_) | Value::Null => value.to_string(),
    }
}

/// A JSON type with its article.
pub(super) fn type_words(name: &str) -> &str {
    match name {
        "string" => "a string",
        "number" => "a number",
        "integer" => "a whole number",
        "boolean" => "true or false",
        "array" => "an array",
        "object" => "an object",
        other => other,
    }
}

/// `a, b or c`
pub(super) fn any_of(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    }
}

/// The types that the layers of a schema name: those of the nearest one that does.
pub(super) fn types(layers: &[Layer<'_>]) -> Vec<String> {
    match layers.iter().find_map(|layer| layer.schema.get("type")) {
        Some(Value::String(name)) => vec![name.clone()],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// What a value must be, in words; empty where anything is allowed or where it takes more than a few words.
pub(super) fn wanted(layers: &[Layer<'_>]) -> String {
    let keyword = |name: &str| layers.iter().find_map(|layer| layer.schema.get(name));
    if let Some(constant) = keyword("const") {
        return literal(constant);
    }
    if let Some(Value::Array(options)) = keyword("enum") {
        return one_of(options);
    }
    let format = keyword("format").and_then(Value::as_str).and_then(format_named);
    let types = types(layers);
    if let (Some(format), true) = (format, types.is_empty()) {
        return format.noun.to_owned();
    }
    let words = |name: &String| match format {
        Some(format) if name == "string" => format.noun.to_owned(),
        _ => type_words(name).to_owned(),
    };
    any_of(&types.iter().map(words).collect::<Vec<_>>())
}

/// `one of "a", "b"`
pub(super) fn one_of(options: &[Value]) -> String {
    const MOST: usize = 20;
    if let [only] = options {
        return literal(only);
    }
    let listed = options.iter().take(MOST).map(literal).collect::<Vec<_>>().join(", ");
    let more = options.len().saturating_sub(MOST);
    if more > 0 { format!("one of {listed} and {more} more") } else { format!("one of {listed}") }
}
