//! `standin init`: a data file to begin with, or one made from data in another format.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};

use super::{Done, convert, print};
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

/// Writes the data file and the rules file; says what was written.
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
        "wrote {DATA}: {names}\nwrote {RULES}: the rules that hold for them; change them as you like\n\nTo serve it: standin\n"
    ))
}

/// The sample records of a collection, and the rules that hold for them. What would point to a collection that is not
/// `made` is left out.
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

/// Converts `file` to `db.json` beside it; says what was written.
fn from_file(file: &Path) -> Result<String, String> {
    let target = file.with_file_name(DATA);
    let text = convert::to_json(file)?;
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

/// Writes a file that must not be there yet, with the rights of the file `like`.
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
