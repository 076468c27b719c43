//! What values have in common: types, properties, formats.

use serde_json::{Map, Value, json};

use crate::json::{Kind, items, members, unquote};

/// How deep values are looked into.
const DEEPEST: usize = 5;
/// How many properties of an object are listed; an object with more is a dictionary, not a record.
const MOST_PROPERTIES: usize = 200;
/// How many items of one array are looked at.
const MOST_ITEMS: usize = 20;

/// A format, and whether a text has it.
type Format = (&'static str, fn(&str) -> bool);

const FORMATS: [Format; 5] = [
    ("email", is_email),
    ("date-time", is_date_time),
    ("date", is_date),
    ("uuid", is_uuid),
    ("uri", is_uri),
];

/// What was seen of the values at one place.
#[derive(Debug, Default)]
pub(super) struct Seen {
    count: usize,
    objects: usize,
    types: Vec<&'static str>,
    /// A bit for each of [`FORMATS`] that some string did not have.
    not: u8,
    properties: Vec<(String, Seen)>,
    too_many: bool,
    items: Option<Box<Seen>>,
    /// The first value, where it is short and no object or array.
    sample: Option<String>,
}

impl Seen {
    /// Takes note of a value.
    pub(super) fn see(&mut self, value: &str) {
        self.look(value, 0);
    }

    /// Whether no value was seen.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The types seen, as JSON Schema names them.
    pub(super) fn types(&self) -> &[&'static str] {
        &self.types
    }

    /// What was seen of the property `name`.
    pub(super) fn property(&self, name: &str) -> Option<&Seen> {
        self.properties
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, seen)| seen)
    }

    /// The properties in the order in which they were met.
    pub(super) fn properties(&self) -> impl Iterator<Item = (&str, &Seen)> {
        self.properties
            .iter()
            .map(|(name, seen)| (name.as_str(), seen))
    }

    /// A value that was seen, as it is written in a query.
    pub(super) fn sample(&self) -> Option<&str> {
        self.sample.as_deref()
    }

    fn look(&mut self, value: &str, depth: usize) {
        self.count += 1;
        let value = value.trim_ascii();
        let kind = Kind::of(value);
        let name = match kind {
            Kind::Object => "object",
            Kind::Array => "array",
            Kind::String => "string",
            Kind::Boolean => "boolean",
            Kind::Null => "null",
            Kind::Number if value.contains(['.', 'e', 'E']) => "number",
            Kind::Number => "integer",
        };
        if !self.types.contains(&name) {
            self.types.push(name);
        }
        match kind {
            Kind::Object if depth < DEEPEST => self.look_into(value, depth),
            Kind::Array if depth < DEEPEST => {
                let seen = self.items.get_or_insert_default();
                items(value)
                    .take(MOST_ITEMS)
                    .for_each(|item| seen.look(item, depth + 1));
            }
            Kind::Object | Kind::Array | Kind::Null => {}
            Kind::String => {
                let text = unquote(value);
                for (place, (_, fits)) in FORMATS.iter().enumerate() {
                    if self.not & (1 << place) == 0 && !fits(&text) {
                        self.not |= 1 << place;
                    }
                }
                if self.sample.is_none() && text.len() <= 60 {
                    self.sample = Some(text.into_owned());
                }
            }
            Kind::Number | Kind::Boolean => {
                if self.sample.is_none() && value.len() <= 60 {
                    self.sample = Some(value.to_string());
                }
            }
        }
    }

    fn look_into(&mut self, object: &str, depth: usize) {
        self.objects += 1;
        // Records mostly have the same properties in the same order, so the next one is looked for where it stood.
        for (at, member) in members(object).enumerate() {
            let is = |(name, _): &(String, Seen)| *name == member.key;
            let there = self.properties.get(at).is_some_and(is);
            let place = if there {
                Some(at)
            } else {
                self.properties.iter().position(is)
            };
            match place {
                Some(place) => self.properties[place].1.look(member.value, depth + 1),
                None if self.properties.len() < MOST_PROPERTIES => {
                    let mut seen = Seen::default();
                    seen.look(member.value, depth + 1);
                    self.properties.push((member.key.into_owned(), seen));
                }
                None => {
                    self.too_many = true;
                    return;
                }
            }
        }
    }

    /// The format that all strings have.
    pub(super) fn format(&self) -> Option<&'static str> {
        let strings = self.types.contains(&"string");
        let formats = FORMATS
            .iter()
            .enumerate()
            .filter(|(place, _)| self.not & (1 << place) == 0);
        formats
            .map(|(_, (name, _))| *name)
            .next()
            .filter(|_| strings)
    }

    /// A schema that all values fit. `required`: properties that all objects have are named so.
    pub(super) fn schema(&self, required: bool) -> Value {
        let mut schema = Map::new();
        let has = |name| self.types.contains(&name);
        // A number in one record and an integer in another are numbers.
        let types: Vec<_> = self
            .types
            .iter()
            .filter(|name| !(**name == "integer" && has("number")))
            .collect();
        match types.as_slice() {
            [] => {}
            [one] => drop(schema.insert("type".into(), json!(one))),
            several => drop(schema.insert("type".into(), json!(several))),
        }
        if let Some(format) = self.format() {
            schema.insert("format".into(), format.into());
        }
        if has("object") {
            let properties: Map<_, _> = self
                .properties
                .iter()
                .map(|(name, seen)| (name.clone(), seen.schema(required)))
                .collect();
            let everywhere = self
                .properties
                .iter()
                .filter(|(_, seen)| seen.count == self.objects);
            let everywhere: Vec<_> = everywhere.map(|(name, _)| name.as_str()).collect();
            schema.insert("properties".into(), Value::Object(properties));
            if required && !everywhere.is_empty() && !self.too_many {
                schema.insert("required".into(), json!(everywhere));
            }
        }
        if let Some(items) = &self.items {
            schema.insert("items".into(), items.schema(required));
        }
        Value::Object(schema)
    }
}

fn is_email(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@<>()\",;".contains(c))
    };
    text.split_once('@')
        .is_some_and(|(name, host)| plain(name) && plain(host) && host.contains('.'))
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    bytes.len() == 10
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && [0, 1, 2, 3, 5, 6, 8, 9].into_iter().all(digit)
}

fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['T', 't']) else {
        return false;
    };
    let zoned =
        time.ends_with(['Z', 'z']) || time.get(8..).is_some_and(|rest| rest.contains(['+', '-']));
    let digits = time.bytes().take(8).filter(u8::is_ascii_digit).count();
    is_date(date) && zoned && digits == 6 && time.as_bytes().get(2) == Some(&b':')
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12]
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn is_uri(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or(text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || "<>\"{}|\\^`".contains(c))
    })
}
