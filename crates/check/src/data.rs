//! Which database a page speaks about, and what is in it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;

use super::client::Database;

/// A database read once and shared by every page that uses it.
#[derive(Debug)]
pub struct Source {
    /// The texts, as the server gets them.
    pub database: Database,
    /// The database as a value, for explanations.
    pub value: Value,
    /// The rules as a value, if there are any and they are JSON.
    pub rules: Option<Value>,
}

/// Finds and keeps the databases of a run.
#[derive(Debug, Default)]
pub struct Sources {
    given: Option<PathBuf>,
    schema: Option<PathBuf>,
    read: Mutex<HashMap<PathBuf, Result<Arc<Source>, String>>>,
    found: Mutex<HashMap<PathBuf, Option<PathBuf>>>,
    nothing: OnceLock<Arc<Source>>,
}

impl Sources {
    /// Databases of a run with what the command line names.
    #[must_use]
    pub fn new(given: Option<PathBuf>, schema: Option<PathBuf>) -> Self {
        Sources { given, schema, ..Sources::default() }
    }

    /// The database for a page: what the page names, else what the command
    /// line names, else what lies where such files lie.
    ///
    /// # Errors
    /// A sentence naming the file and what is wrong with it.
    pub fn of(&self, page: &Path, named: Option<&str>) -> Result<Arc<Source>, String> {
        if let Some(named) = named {
            match (near(page, named), &self.given) {
                (Some(path), _) => return self.read(&path),
                (None, Some(given)) => return self.read(given),
                (None, None) => {
                    return Err(format!(
                        "the page names the database `{named}`, and there is no such file; name one with --db"
                    ));
                }
            }
        }
        if let Some(given) = &self.given {
            return self.read(given);
        }
        let folder = page.parent().map(Path::to_owned).unwrap_or_default();
        let known = self.found.lock().unwrap_or_else(PoisonError::into_inner).get(&folder).cloned();
        let found = known.unwrap_or_else(|| {
            let found = discover(&folder);
            self.found.lock().unwrap_or_else(PoisonError::into_inner).insert(folder, found.clone());
            found
        });
        match found {
            Some(path) => self.read(&path),
            None => Err("no database was found for this page; name one with --db".to_owned()),
        }
    }

    /// A database without anything in it, for a service that brings its own.
    #[must_use]
    pub fn nothing(&self) -> Arc<Source> {
        let empty = || {
            let database = Database { path: PathBuf::new(), text: "{}".into(), schema: None, schema_path: None };
            Arc::new(Source { database, value: Value::Object(serde_json::Map::new()), rules: None })
        };
        Arc::clone(self.nothing.get_or_init(empty))
    }

    /// Every file that was read: databases and their rules.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let mut files: Vec<PathBuf> = read.keys().cloned().collect();
        files.extend(read.values().flatten().filter_map(|source| source.database.schema_path.clone()));
        files
    }

    /// Every file with the text it had when it was read; what could not be used
    /// has the bytes that stand there now.
    #[must_use]
    pub fn contents(&self) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = Vec::new();
        for (path, source) in read.iter() {
            match source {
                Ok(source) => {
                    let database = &source.database;
                    out.push((path.clone(), Some(database.text.as_bytes().to_vec())));
                    if let (Some(path), Some(text)) = (&database.schema_path, &database.schema) {
                        out.push((path.clone(), Some(text.as_bytes().to_vec())));
                    }
                }
                Err(_) => out.push((path.clone(), std::fs::read(path).ok())),
            }
        }
        out
    }

    fn read(&self, path: &Path) -> Result<Arc<Source>, String> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(path.to_owned()).or_insert_with(|| load(path, self.schema.as_deref()).map(Arc::new)).clone()
    }
}

fn load(path: &Path, schema: Option<&Path>) -> Result<Source, String> {
    let text = std::fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()))?;
    let value = serde_json::from_str(&text).map_err(|why| format!("{}: {why}", path.display()))?;
    let beside = path.with_extension("schema.json");
    let schema_path = match schema {
        Some(given) => Some(given.to_owned()),
        None => beside.exists().then_some(beside),
    };
    let schema = match &schema_path {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()))?;
            Some(text)
        }
        None => None,
    };
    let rules = schema.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let database = Database { path: path.to_owned(), text: text.into(), schema: schema.map(Into::into), schema_path };
    Ok(Source { database, value, rules })
}

/// A named file: from the page's folder upwards, then from where we stand. A
/// leading slash means the root of the documentation, wherever that is.
fn near(page: &Path, named: &str) -> Option<PathBuf> {
    let relative = named.trim_start_matches('/');
    let absolute = std::path::absolute(page).unwrap_or_else(|_| page.to_owned());
    let beside = page.parent().map(|folder| folder.join(relative)).filter(|path| path.is_file());
    beside
        .or_else(|| absolute.ancestors().skip(2).map(|folder| folder.join(relative)).find(|path| path.is_file()))
        .or_else(|| Some(PathBuf::from(relative)).filter(|path| path.is_file()))
        .or_else(|| Some(PathBuf::from(named)).filter(|path| path.is_file()))
}

/// Looks for a database upwards from a folder, as far as its repository goes.
fn discover(folder: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    for up in absolute.ancestors() {
        for name in ["db.json", "data/db.json"] {
            let path = up.join(name);
            if path.is_file() {
                return Some(path);
            }
        }
        let mut only = ["", "data", "api"].iter().filter_map(|sub| only_database(&up.join(sub)));
        if let Some(path) = only.next() {
            return Some(path);
        }
        if up.join(".git").exists() {
            return None;
        }
    }
    None
}

/// The one file of a folder that is a database, if there is exactly one.
fn only_database(folder: &Path) -> Option<PathBuf> {
    let mut found = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".json") && !name.ends_with(".schema.json") && !name.starts_with('.') && is_database(path)
    });
    found.next().filter(|_| found.next().is_none())
}

fn is_database(path: &Path) -> bool {
    // A file this large is not read on suspicion.
    let small = std::fs::metadata(path).is_ok_and(|data| data.len() < 32 * 1024 * 1024);
    let value = || std::fs::read_to_string(path).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
    small
        && value().is_some_and(|value| {
            value.as_object().is_some_and(|object| {
                object.values().any(|rows| {
                    rows.as_array().is_some_and(|rows| !rows.is_empty() && rows.iter().all(Value::is_object))
                })
            })
        })
}

impl Source {
    /// The names of the resources.
    #[must_use]
    pub fn resources(&self) -> Vec<&str> {
        self.value
            .as_object()
            .map(|object| object.keys().filter(|key| *key != "$schema").map(String::as_str).collect())
            .unwrap_or_default()
    }

    /// The records of a collection.
    #[must_use]
    pub fn records(&self, resource: &str) -> Option<&Vec<Value>> {
        self.value.get(resource)?.as_array()
    }

    /// Every field that a record of a collection has.
    #[must_use]
    pub fn fields(&self, resource: &str) -> Vec<&str> {
        let mut fields: Vec<&str> = Vec::new();
        for record in self.records(resource).into_iter().flatten().filter_map(Value::as_object) {
            for key in record.keys() {
                if !fields.contains(&key.as_str()) {
                    fields.push(key);
                }
            }
        }
        let ruled = self.record_rules(resource).and_then(|rules| rules.get("properties")?.as_object());
        for key in ruled.into_iter().flat_map(serde_json::Map::keys) {
            if !fields.contains(&key.as_str()) {
                fields.push(key);
            }
        }
        fields
    }

    /// The rules for one record of a collection.
    #[must_use]
    pub fn record_rules(&self, resource: &str) -> Option<&Value> {
        let rules = self.rules.as_ref()?.get("properties")?.get(resource)?;
        let items = rules.get("items")?;
        // `{"$ref": "#/$defs/user"}` is how editors like it.
        match items.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#')) {
            Some(pointer) => self.rules.as_ref()?.pointer(pointer),
            None => Some(items),
        }
    }

    /// Whether a collection has a rule that a property be unique.
    #[must_use]
    pub fn has_unique(&self, resource: &str) -> bool {
        let collection = || self.rules.as_ref()?.get("properties")?.get(resource)?.get("uniqueItemProperties");
        collection().and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_finds_its_database() {
        let root = tempfile::tempdir().unwrap();
        let docs = root.path().join("docs/api");
        std::fs::create_dir_all(&docs).unwrap();
        std::fs::create_dir_all(root.path().join("api")).unwrap();
        std::fs::create_dir(root.path().join(".git")).unwrap();
        std::fs::write(root.path().join("api/source.json"), "{\"users\": [{\"id\": 1}]}").unwrap();
        std::fs::write(root.path().join("package.json"), "{\"name\": \"x\"}").unwrap();
        std::fs::write(root.path().join("other.json"), "{\"things\": [{\"id\": 1, \"a b\": 2}]}").unwrap();
        let page = docs.join("page.md");
        let rows: [(Option<&str>, &str); 3] =
            [(Some("/api/source.json"), "users"), (Some("../../other.json"), "things"), (None, "things")];
        for (named, resource) in rows {
            let source = Sources::default().of(&page, named).unwrap();
            assert_eq!(source.resources(), [resource], "{named:?}");
        }
        let missing = Sources::default().of(&page, Some("/nowhere.json")).unwrap_err();
        assert!(missing.contains("nowhere.json") && missing.contains("--db"), "{missing}");
        let given = Sources::new(Some(root.path().join("other.json")), None);
        assert_eq!(given.of(&page, Some("/nowhere.json")).unwrap().fields("things"), ["id", "a b"]);
    }
}
