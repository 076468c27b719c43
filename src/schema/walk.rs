//! The walk over a whole rules file: nothing in it may be silently without effect.

use serde_json::{Map, Value, json};

use super::keywords::{
    FORMATS, KEYWORDS, OLD_NAMES, REFERENCES, Shape, UNCHECKED_FORMATS, UNIQUE, format_named, nearest,
};
use super::words::{Sheet, join, literal, segments};

/// Something that is no rule, before its place in the text is known.
#[derive(Debug)]
pub(super) struct Problem {
    pub pointer: String,
    pub message: String,
    pub hint: Option<String>,
}

pub(super) struct Walk<'a> {
    sheet: &'a Sheet,
    problems: Vec<Problem>,
}

impl<'a> Walk<'a> {
    pub fn new(sheet: &'a Sheet) -> Walk<'a> {
        Walk { sheet, problems: Vec::new() }
    }

    /// Everything that the walk finds wrong.
    pub fn problems(mut self) -> Vec<Problem> {
        self.schema(&self.sheet.root, "");
        self.problems
    }

    fn problem(&mut self, pointer: String, message: String, hint: Option<String>) {
        self.problems.push(Problem { pointer, message, hint });
    }

    fn schema(&mut self, value: &Value, pointer: &str) {
        let Value::Object(schema) = value else { return };
        for (name, value) in schema {
            let here = join(pointer, name);
            match KEYWORDS.iter().find(|(known, _)| known == name) {
                Some((_, shape)) => self.keyword(name, *shape, value, schema, &here),
                None if name.starts_with("x-") => {}
                None => {
                    let (message, hint) = unknown_keyword(name);
                    self.problem(here, message, hint);
                }
            }
        }
    }

    fn keyword(&mut self, name: &str, shape: Shape, value: &Value, beside: &Map<String, Value>, here: &str) {
        match (shape, value) {
            (Shape::Schema, value) => self.schema(value, here),
            (Shape::Schemas, Value::Array(schemas)) => {
                schemas.iter().enumerate().for_each(|(index, schema)| self.schema(schema, &format!("{here}/{index}")));
            }
            (Shape::SchemaMap, Value::Object(schemas)) => {
                schemas.iter().for_each(|(key, schema)| self.schema(schema, &join(here, key)));
            }
            // A value of another shape is the meta-schema's to refuse.
            _ => {}
        }
        match (name, value) {
            ("$ref" | "$dynamicRef", Value::String(reference)) => self.reference(reference, here),
            ("$id" | "$schema", _) => {
                let message = format!("`{name}` may stand at the root only: the rules are one schema in one file");
                self.problem(here.to_owned(), message, Some("use `$ref` with `#/$defs/...`".to_owned()));
            }
            ("pattern", Value::String(pattern)) => self.pattern(pattern, here),
            ("patternProperties", Value::Object(patterns)) => {
                patterns.keys().for_each(|pattern| self.pattern(pattern, &join(here, pattern)));
            }
            ("format", Value::String(format)) => self.format(format, here),
            ("then" | "else", _) => self.needs("if", name, beside, here),
            ("minContains" | "maxContains", _) => self.needs("contains", name, beside, here),
            _ => {}
        }
    }

    fn needs(&mut self, other: &str, name: &str, beside: &Map<String, Value>, here: &str) {
        if !beside.contains_key(other) {
            self.problem(here.to_owned(), format!("`{name}` has no effect without `{other}` beside it"), None);
        }
    }

    fn reference(&mut self, reference: &str, here: &str) {
        if !reference.starts_with('#') {
            let message =
                format!("{} points outside this file, and standin fetches nothing", literal(&reference.into()));
            let hint = "copy that schema into `$defs` and point to it with \"#/$defs/...\"".to_owned();
            self.problem(here.to_owned(), message, Some(hint));
        } else if self.sheet.target(reference).is_none() {
            let names: Vec<&str> = ["$defs", "definitions"]
                .iter()
                .filter_map(|place| self.sheet.root.get(place)?.as_object())
                .flat_map(Map::keys)
                .map(String::as_str)
                .collect();
            let last = segments(&reference[1..]).last().unwrap_or_default();
            let hint = nearest(&last, names).map(|near| format!("did you mean {near}?"));
            self.problem(here.to_owned(), format!("{} points to nothing", literal(&reference.into())), hint);
        }
    }

    fn pattern(&mut self, pattern: &str, here: &str) {
        if jsonschema::options().build(&json!({ "pattern": pattern })).is_ok() {
            return;
        }
        // The regex crate names the reason; where it takes the pattern, the reason is in what it does not support.
        let reason = regex::Regex::new(pattern).err().map(|error| error.to_string());
        let reason = reason.as_deref().and_then(|reason| reason.lines().last()?.strip_prefix("error: "));
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let message = format!("{} is no regular expression{reason}", literal(&pattern.into()));
        let hint = "in JSON a backslash is written twice: \"^\\\\d+$\"".to_owned();
        self.problem(here.to_owned(), message, Some(hint));
    }

    fn format(&mut self, format: &str, here: &str) {
        if format_named(format).is_some() || UNCHECKED_FORMATS.contains(&format) || format.starts_with("x-") {
            return;
        }
        let names = FORMATS.iter().map(|format| format.name);
        let hint = match nearest(format, names.clone()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("known are {}", names.collect::<Vec<_>>().join(", ")),
        };
        self.problem(here.to_owned(), format!("{} is no format that is checked", literal(&format.into())), Some(hint));
    }
}

fn unknown_keyword(name: &str) -> (String, Option<String>) {
    let message = format!("{} is no keyword", literal(&name.into()));
    if let Some((_, now)) = OLD_NAMES.iter().find(|(old, _)| *old == name) {
        return (message, Some(format!("use {now}")));
    }
    let hint = match nearest(name, KEYWORDS.iter().map(|(name, _)| *name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "properties belong inside `properties`; keywords of your own begin with `x-`".to_owned(),
    };
    (message, Some(hint))
}

/// Whether the keyword is one of our own, which have an effect in certain places only.
pub(super) fn is_own(name: &str) -> bool {
    name == UNIQUE || name == REFERENCES
}
