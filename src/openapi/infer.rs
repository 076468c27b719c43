//! Infers schemas from values: types, properties, formats; and a rules file from data.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::json::{Id, Kind, get_member, items, members, unquote};
use crate::schema::DRAFT;
use crate::store::{Collection, Data, Resource, Store};

/// How deep values are inspected.
const DEEPEST: usize = 5;
/// How many properties of an object are listed; an object with more is a dictionary, not a record.
const MOST_PROPERTIES: usize = 200;
/// How many items of one array are inspected.
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

/// Statistics of the values at one path.
#[derive(Debug, Default)]
pub(super) struct Observed {
    pub(super) count: usize,
    objects: usize,
    /// The types seen, as JSON Schema names them.
    pub(super) types: Vec<&'static str>,
    /// A bit for each of [`FORMATS`] that some string did not have.
    not: u8,
    pub(super) properties: IndexMap<String, Observed>,
    too_many: bool,
    items: Option<Box<Observed>>,
    /// The first value as it is written in a query, if it is short and not an object or array.
    pub(super) sample: Option<String>,
}

impl Observed {
    /// Adds a value.
    pub(super) fn see(&mut self, value: &str) {
        self.look(value, 0);
    }

    /// The properties in the order in which they were met.
    pub(super) fn properties(&self) -> impl Iterator<Item = (&str, &Observed)> {
        self.properties
            .iter()
            .map(|(name, seen)| (name.as_str(), seen))
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
        for member in members(object) {
            if let Some(seen) = self.properties.get_mut(&*member.key) {
                seen.look(member.value, depth + 1);
            } else if self.properties.len() < MOST_PROPERTIES {
                let mut seen = Observed::default();
                seen.look(member.value, depth + 1);
                self.properties.insert(member.key.into_owned(), seen);
            } else {
                self.too_many = true;
                return;
            }
        }
    }

    /// The format that all strings have.
    pub(super) fn format(&self) -> Option<&'static str> {
        let strings = self.types.contains(&"string");
        let mut formats = FORMATS.iter().enumerate();
        let (_, (name, _)) = formats.find(|(place, _)| self.not & (1 << place) == 0)?;
        strings.then_some(*name)
    }

    /// A schema that all values match. `required`: properties that all objects have are required.
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
            let of_one =
                |(name, seen): (&str, &Observed)| (name.to_string(), seen.schema(required));
            let properties: Map<_, _> = self.properties().map(of_one).collect();
            let everywhere = self
                .properties()
                .filter(|(_, seen)| seen.count == self.objects);
            let everywhere: Vec<_> = everywhere.map(|(name, _)| name).collect();
            schema.insert("properties".into(), properties.into());
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

/// A rules file for `store`: types and formats, required properties, unique e-mail addresses, and references.
pub fn rules(store: &Store) -> Value {
    let id = &store.settings().id;
    let mut properties = Map::new();
    for resource in store.resources() {
        let mut seen = Observed::default();
        let rows = match resource.data() {
            Data::Collection(rows) => rows,
            Data::Object(text) | Data::Scalar(text) => {
                seen.see(text);
                properties.insert(resource.name().into(), seen.schema(true));
                continue;
            }
        };
        rows.rows().for_each(|row| seen.see(row.value()));
        let mut items = seen.schema(true);
        items["type"] = "object".into();
        if let Some(Value::Array(required)) = items.get_mut("required") {
            required.retain(|name| name != id);
        }
        if let Some(items) = items.as_object_mut() {
            items.retain(|name, value| name != "required" || *value != json!([]));
        }
        let is_collection = |parent: &&Resource| parent.collection().is_some();
        for parent in store.resources().filter(is_collection) {
            for link in store.links(resource.name(), parent.name()) {
                let is_kept = link.used && points_to(store, rows, &link.key, parent.name());
                if let Some(property) = items["properties"]
                    .get_mut(&link.key)
                    .filter(|_| is_kept && !link.many && link.target == *id)
                {
                    property["references"] = parent.name().into();
                }
            }
        }
        let unique: Vec<&str> = seen
            .properties()
            .filter(|(name, one)| one.format() == Some("email") && is_unique(rows, name))
            .map(|(name, _)| name)
            .collect();
        let mut collection = json!({ "type": "array", "items": items });
        if !unique.is_empty() {
            collection["uniqueItemProperties"] = json!(unique);
        }
        properties.insert(resource.name().into(), collection);
    }
    json!({
        "$schema": DRAFT,
        "type": "object",
        "properties": properties,
    })
}

/// Whether all records that have `name` have different values of it, ignoring case.
fn is_unique(rows: &Collection, name: &str) -> bool {
    let mut known = HashSet::new();
    rows.rows()
        .filter_map(|row| get_member(row.value(), name))
        .all(|value| known.insert(value.to_lowercase()))
}

/// Whether each record with the property `key` points to a record of `parent`, or to nothing.
fn points_to(store: &Store, rows: &Collection, key: &str, parent: &str) -> bool {
    let Some(parent) = store.records(parent) else {
        return false;
    };
    rows.rows()
        .filter_map(|row| get_member(row.value(), key))
        .all(|value| {
            value.trim_ascii() == "null"
                || Id::from_json(value).is_some_and(|id| parent.get(&id).is_some())
        })
}
