//! Data in other formats as the text of a data file, for `standin init --from`.

use std::fmt;
use std::path::Path;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use crate::text::shell_word;

/// The format of a file, by its extension; `None` for what is not converted.
pub(super) fn format(file: &Path) -> Option<&'static str> {
    let extension = file.extension()?.to_string_lossy().to_ascii_lowercase();
    Some(match extension.as_str() {
        "json5" => "JSON5",
        "jsonc" => "JSON with comments",
        "yaml" | "yml" => "YAML",
        "csv" => "CSV",
        "ndjson" | "jsonl" => "NDJSON",
        _ => return None,
    })
}

/// The text of a data file with the data of `file`.
pub(super) fn to_json(file: &Path) -> Result<String, String> {
    let name = file.display();
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("cannot read {name}: {error}"))?;
    let text = text.trim_start_matches('\u{feff}');
    let failed = |error: &dyn std::fmt::Display| format!("{name}: {error}");
    let collection = collection(file);
    let value: Value = match format(file) {
        Some("JSON5" | "JSON with comments") => {
            json5::from_str::<Lossless>(text)
                .map_err(|error| failed(&error))?
                .0
        }
        Some("YAML") => yaml(text).map_err(|error| failed(&error))?,
        Some("CSV") => records(text).map_err(|error| failed(&*error))?,
        Some(_) => return wrap(&collection, text).map_err(|error| failed(&error)),
        None if text.trim_start().starts_with('{')
            && serde_json::from_str::<&RawValue>(text).is_ok() =>
        {
            return Err(format!(
                "{name} is a data file already\n  help: standin {}",
                shell_word(&name.to_string())
            ));
        }
        None => {
            return wrap(&collection, text).map_err(|error| {
                format!(
                    "{name} is not JSON ({error})\n  help: files ending in .json5, .jsonc, .yaml, .csv or .ndjson are converted, too"
                )
            });
        }
    };
    match value {
        Value::Object(_) => Ok(format!("{value:#}\n")),
        Value::Array(_) => Ok(format!(
            "{:#}\n",
            Value::Object(Map::from_iter([(collection, value)]))
        )),
        _ => Err(format!(
            "{name} holds neither resources by name nor a list of records"
        )),
    }
}

/// YAML 1.2, in which `no` is a text.
fn yaml(text: &str) -> Result<Value, serde_saphyr::Error> {
    let value: Lossless = serde_saphyr::from_str_with_options(
        text,
        serde_saphyr::options! { strict_booleans: true },
    )?;
    Ok(value.0)
}

/// A value of another format that JSON can hold: without repeated keys, of which one would be lost, and without numbers
/// like infinity, which would become null.
struct Lossless(Value);

impl<'de> Deserialize<'de> for Lossless {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Lossless, D::Error> {
        deserializer.deserialize_any(LosslessVisitor).map(Lossless)
    }
}

struct LosslessVisitor;

impl<'de> Visitor<'de> for LosslessVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value that JSON can hold")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom(format!("JSON has no number {value}")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Lossless(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Lossless(value))) = members.next_entry::<String, Lossless>()? {
            if object.contains_key(&key) {
                return Err(de::Error::custom(format!("the key {key:?} is there twice")));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// The name that the records of a file without names get.
fn collection(file: &Path) -> String {
    let stem = file
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    stem.filter(|stem| stem != "db")
        .unwrap_or_else(|| "items".into())
}

/// Whether `text` is records without a name: an array, or values one after the other.
pub(super) fn lacks_names(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let starts =
        text.starts_with('[') || (matches!(values.next(), Some(Ok(_))) && values.next().is_some());
    starts && wrap("", text).is_ok()
}

/// An array, or values one after the other (NDJSON), under the name `collection`. The values stay as they are written.
pub(super) fn wrap(collection: &str, text: &str) -> Result<String, serde_json::Error> {
    let key = Value::from(collection);
    let values = serde_json::Deserializer::from_str(text)
        .into_iter::<&RawValue>()
        .collect::<Result<Vec<&RawValue>, _>>()?;
    match values.as_slice() {
        [array] if array.get().starts_with('[') => Ok(format!("{{\n  {key}: {array}\n}}\n")),
        [] => Ok(format!("{{\n  {key}: []\n}}\n")),
        values => {
            let lines: Vec<&str> = values.iter().map(|value| value.get()).collect();
            Ok(format!(
                "{{\n  {key}: [\n    {}\n  ]\n}}\n",
                lines.join(",\n    ")
            ))
        }
    }
}

/// The records of a table with a header row.
fn records(text: &str) -> Result<Value, Box<dyn std::error::Error>> {
    if text.matches('"').count() % 2 == 1 {
        // The reader would take the rest of the file for one cell.
        return Err("a quoted cell is not closed: the number of quotes is odd".into());
    }
    let header = text.lines().next().unwrap_or_default();
    // Spreadsheets write semicolons where the comma is the decimal sign.
    let count = |delimiter: &u8| header.bytes().filter(|byte| byte == delimiter).count();
    let delimiter = [b'\t', b';', b',']
        .into_iter()
        .max_by_key(count)
        .unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let names = reader.headers()?.clone();
    if let Some(name) = names
        .iter()
        .enumerate()
        .find_map(|(at, name)| names.iter().take(at).find(|one| *one == name))
    {
        return Err(format!("two columns are called {name:?}; rename one of them").into());
    }
    let rows = reader.records().collect::<Result<Vec<_>, _>>()?;
    // A column has one type: a postal code among numbers would lose its leading zero.
    let is_plain = |column: usize| {
        let mut filled = rows
            .iter()
            .map(|row| &row[column])
            .filter(|text| !text.is_empty())
            .peekable();
        filled.peek().is_some() && filled.all(|text| plain_value(text).is_some())
    };
    let plain: Vec<bool> = (0..names.len()).map(is_plain).collect();
    let record = |row: &csv::StringRecord| {
        let cell = |(column, text): (usize, &str)| match (plain[column], text) {
            (true, "") => Value::Null,
            (true, text) => plain_value(text).unwrap_or_else(|| text.into()),
            (false, text) => text.into(),
        };
        Value::Object(
            names
                .iter()
                .map(String::from)
                .zip(row.iter().enumerate().map(cell))
                .collect(),
        )
    };
    Ok(rows.iter().map(record).collect())
}

/// A number or a boolean; not a number that would lose digits.
fn plain_value(text: &str) -> Option<Value> {
    match serde_json::from_str(text).ok()? {
        Value::Number(number) if is_exact(&number, text) => Some(Value::Number(number)),
        value @ Value::Bool(_) => Some(value),
        _ => None,
    }
}

fn is_exact(number: &Number, text: &str) -> bool {
    !number.is_f64() || text.contains(['.', 'e', 'E'])
}
