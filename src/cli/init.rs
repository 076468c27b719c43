//! `standin init`: writes a sample data file, or converts one from another format.

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value, json};

use super::{Done, print};
use crate::file::create_like;
use crate::schema::DRAFT;
use crate::text::{list, printable_lines, shell_word};

const DATA: &str = "db.json";
const RULES: &str = "db.schema.json";
/// The collections that have sample records.
const SAMPLES: [&str; 3] = ["users", "posts", "comments"];

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The collections to make [default: users posts comments]
    collections: Vec<String>,
    /// Convert FILE to db.json beside it: JSON5, JSONC, YAML, CSV, NDJSON, or JSON with an array at the top
    #[arg(long, value_name = "FILE", conflicts_with = "collections")]
    from: Option<PathBuf>,
}

impl Init {
    pub(super) fn run(self) -> Done {
        let text = match &self.from {
            Some(file) => from_file(file)?,
            None => samples(self.collections)?,
        };
        print(printable_lines(&text).as_bytes())
    }
}

/// Writes the data file and the rules file; returns the message.
fn samples(named: Vec<String>) -> Result<String, String> {
    let mut names: Vec<String> = Vec::new();
    for name in named {
        if name.is_empty()
            || name.contains(['.', '/', '\\', '$'])
            || name.contains(char::is_whitespace)
        {
            return Err(format!(
                "{name:?} cannot be the name of a collection\n  help: a name is a word: standin init users posts; to convert a file: standin init --from FILE"
            ));
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        names = SAMPLES.map(String::from).into();
    }
    // It would be served instead of the new one.
    let usual = super::usual_file();
    for path in [usual.as_path(), Path::new(DATA), Path::new(RULES)] {
        if path.exists() {
            return Err(exists(path, "nothing was written"));
        }
    }
    let mut data = Map::from_iter([("$schema".to_string(), json!(RULES))]);
    let mut rules = Map::new();
    for name in &names {
        let (records, rules_of) = sample(name, &names);
        data.insert(name.clone(), records);
        rules.insert(name.clone(), rules_of);
    }
    let schema = json!({
        "$schema": DRAFT,
        "type": "object",
        "properties": rules
    });
    write_new(Path::new(RULES), &format!("{schema:#}\n"), None)?;
    write_new(
        Path::new(DATA),
        &format!("{:#}\n", Value::Object(data)),
        None,
    )?;
    let names = list(&names);
    Ok(format!(
        "wrote {DATA}: {names}\nwrote {RULES}: their validation rules; edit them as you like\n\nTo serve it: standin\n"
    ))
}

/// The sample records of a collection, and their rules. References to a collection that is not `made` are left out.
fn sample(name: &str, made: &[String]) -> (Value, Value) {
    let mut samples: Value = serde_json::from_str(include_str!("init.json")).unwrap_or_default();
    let [mut records, mut rules] = ["records", "rules"].map(|part| samples[name][part].take());
    if rules.is_null() {
        let any = json!({ "type": "array", "items": { "type": "object" } });
        return (json!([]), any);
    }
    for (key, target) in [("userId", "users"), ("postId", "posts")] {
        if !made.iter().any(|name| name == target) {
            let records = records.as_array_mut().into_iter().flatten();
            let objects = records.chain([&mut rules["items"]["properties"]]);
            for object in objects.filter_map(Value::as_object_mut) {
                object.shift_remove(key);
            }
        }
    }
    (records, rules)
}

/// Converts `file` to `db.json` beside it; returns the message.
fn from_file(file: &Path) -> Result<String, String> {
    let target = file.with_file_name(DATA);
    let text = to_json(file)?;
    if target == file {
        let other = file.with_file_name("items.json");
        let (file, other) = (word(file), word(&other));
        return Err(format!(
            "{file} would be overwritten\n  help: rename it first: mv {file} {other} && standin init --from {other}"
        ));
    }
    if target.exists() {
        return Err(exists(&target, "nothing was written"));
    }
    write_new(&target, &text, Some(file))?;
    Ok(format!(
        "wrote {} from {}\n\nTo serve it: standin {}\n",
        target.display(),
        file.display(),
        word(&target)
    ))
}

fn word(path: &Path) -> String {
    shell_word(&path.display().to_string())
}

fn exists(path: &Path, then: &str) -> String {
    let help = if path == Path::new(RULES) {
        format!("rename or remove it first: mv {RULES} old.schema.json")
    } else {
        "to serve the data that is there: standin".into()
    };
    format!("{} exists already; {then}\n  help: {help}", path.display())
}

/// Writes a file that must not exist yet, with the rights of the file `like`.
fn write_new(path: &Path, text: &str, like: Option<&Path>) -> Result<(), String> {
    let created = match like {
        Some(like) => create_like(path, like).map(|created| created.file),
        None => File::create_new(path),
    };
    let written = created.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(path, "it was left as it is"),
        _ => format!("cannot write {}: {error}", path.display()),
    })
}

/// The format of a file, by its extension; `None` if it cannot be converted.
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
fn to_json(file: &Path) -> Result<String, String> {
    let name = file.display();
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("cannot read {name}: {error}"))?;
    let text = text.trim_start_matches('\u{feff}');
    let failed = |error: &dyn fmt::Display| format!("{name}: {error}");
    let collection = collection(file);
    let value: Value = match format(file) {
        Some("JSON5" | "JSON with comments") => {
            json5::from_str::<Lossless>(text)
                .map_err(|error| failed(&error))?
                .0
        }
        // YAML 1.2, in which `no` is a string.
        Some("YAML") => {
            let options = serde_saphyr::options! { strict_booleans: true };
            serde_saphyr::from_str_with_options::<Lossless>(text, options)
                .map_err(|error| failed(&error))?
                .0
        }
        Some("CSV") => records(text).map_err(|error| failed(&*error))?,
        Some(_) => return wrap_lines(&collection, text).map_err(|error| failed(&error)),
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
        Value::Array(_) => Ok(format!("{:#}\n", json!({ collection: value }))),
        _ => Err(format!(
            "{name} holds neither resources by name nor a list of records"
        )),
    }
}

/// A value of another format that JSON can represent: without duplicate keys, of which one would be lost, and without
/// numbers like infinity, which would become null.
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
                return Err(de::Error::custom(format!("the key {key:?} appears twice")));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// The collection name for a file of records without a name.
fn collection(file: &Path) -> String {
    let stem = file
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    stem.filter(|stem| stem != "db")
        .unwrap_or_else(|| "items".into())
}

/// Whether `text` has records without a name: an array, or a sequence of values.
pub(super) fn lacks_names(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let starts =
        text.starts_with('[') || (matches!(values.next(), Some(Ok(_))) && values.next().is_some());
    starts && wrap("", text).is_ok()
}

/// Whether `text` is JSON5, which may have comments.
pub(super) fn is_json5(text: &str) -> bool {
    json5::from_str::<Lossless>(text).is_ok()
}

/// Wraps an array, or a sequence of values (NDJSON), under the name `collection`. The values are not reformatted.
fn wrap(collection: &str, text: &str) -> Result<String, serde_json::Error> {
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

/// Like [`wrap`] for NDJSON. The error is that of the first line that is not a value by itself: one that is not closed
/// would only show in a later line.
fn wrap_lines(collection: &str, text: &str) -> Result<String, serde_json::Error> {
    wrap(collection, text).map_err(|error| {
        let mut end = 0;
        for line in text.split_inclusive('\n') {
            end += line.len();
            let is_value = serde_json::from_str::<&RawValue>(line).is_ok();
            if !is_value && !line.trim().is_empty() {
                break;
            }
        }
        let upto = wrap(collection, text[..end].trim_end());
        upto.err().unwrap_or(error)
    })
}

/// The records of a CSV file with a header row.
fn records(text: &str) -> Result<Value, Box<dyn std::error::Error>> {
    if text.matches('"').count() % 2 == 1 {
        // The parser would read the rest of the file as one cell.
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
        // An integer without a fraction or an exponent that does not fit would become a float.
        Value::Number(number) if number.is_f64() && !text.contains(['.', 'e', 'E']) => None,
        value @ (Value::Number(_) | Value::Bool(_)) => Some(value),
        _ => None,
    }
}
