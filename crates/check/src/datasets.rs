//! Finds the data file of a page and keeps it for all pages that use it.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;
use thiserror::Error;

use super::service::{Opener, Service, ServiceError, TextFile};

/// A data file and its rules.
#[derive(Debug)]
pub struct Dataset {
    /// The data file.
    pub data: TextFile,
    /// The rules file, if there is one.
    pub rules: Option<TextFile>,
    value: Value,
    rules_value: Option<Value>,
}

/// Why a page has no usable data file.
#[derive(Debug, Error)]
pub enum DatasetError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Syntax {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("the page names the data file `{0}`, which does not exist; choose one with --db")]
    NotFound(String),
    #[error("`db={0}` names a data file that does not exist")]
    NoSuchFile(String),
    #[error("no data file was found for this page; choose one with --db")]
    NotNamed,
}

type Loaded = Result<Arc<Dataset>, Arc<DatasetError>>;

/// The data files of a run.
#[derive(Debug, Default)]
pub struct Datasets {
    given: Option<PathBuf>,
    rules: Option<PathBuf>,
    loaded: Mutex<HashMap<PathBuf, Loaded>>,
    /// The data file found for each folder of pages.
    discovered: Mutex<HashMap<PathBuf, Option<PathBuf>>>,
    empty: OnceLock<Arc<Dataset>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Datasets {
    /// With the data and rules files given on the command line.
    pub fn new(given: Option<PathBuf>, rules: Option<PathBuf>) -> Self {
        Datasets {
            given,
            rules,
            ..Datasets::default()
        }
    }

    /// The data file that an example of a page names.
    pub fn named(&self, page: &Path, named: &str) -> Loaded {
        let path = named_file(page, named);
        self.load(&path.ok_or_else(|| DatasetError::NoSuchFile(named.to_owned()))?)
    }

    /// The data for a page: the file that its front matter names, the one given on the command line, or one near the page.
    pub fn find(&self, page: &Path, front: Option<&str>) -> Loaded {
        let named = front.and_then(|named| named_file(page, named));
        if let Some(path) = named.as_ref().or(self.given.as_ref()) {
            return self.load(path);
        }
        let not_found = || match front {
            Some(named) => DatasetError::NotFound(named.to_owned()),
            None => DatasetError::NotNamed,
        };
        self.load(&self.near(page).ok_or_else(not_found)?)
    }

    /// The data file near a page.
    fn near(&self, page: &Path) -> Option<PathBuf> {
        let folder = page.parent().map(Path::to_owned).unwrap_or_default();
        let mut discovered = locked(&self.discovered);
        let found = discovered.entry(folder);
        found.or_insert_with_key(|folder| discover(folder)).clone()
    }

    /// A dataset without data, for a real service.
    pub fn empty(&self) -> Arc<Dataset> {
        let empty = || {
            let data = TextFile {
                path: PathBuf::new(),
                text: "{}".into(),
            };
            Arc::new(Dataset {
                data,
                rules: None,
                value: Value::Object(serde_json::Map::new()),
                rules_value: None,
            })
        };
        Arc::clone(self.empty.get_or_init(empty))
    }

    /// Every file that was read, with its content at that time.
    pub fn contents(&self) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let mut out = Vec::new();
        let content = |file: &TextFile| (file.path.clone(), Some(file.text.as_bytes().to_vec()));
        for (path, loaded) in locked(&self.loaded).iter() {
            match loaded {
                Ok(dataset) => {
                    let files = std::iter::once(&dataset.data).chain(&dataset.rules);
                    out.extend(files.map(content));
                }
                Err(_) => out.push((path.clone(), std::fs::read(path).ok())),
            }
        }
        out
    }

    fn load(&self, path: &Path) -> Loaded {
        let load = || match load(path, self.rules.as_deref()) {
            Ok(dataset) => Ok(Arc::new(dataset)),
            Err(error) => Err(Arc::new(error)),
        };
        let mut loaded = locked(&self.loaded);
        loaded.entry(path.to_owned()).or_insert_with(load).clone()
    }
}

fn load(path: &Path, rules: Option<&Path>) -> Result<Dataset, DatasetError> {
    let data = read(path)?;
    let syntax = |source| DatasetError::Syntax {
        path: path.to_owned(),
        source,
    };
    let value = serde_json::from_str(&data.text).map_err(syntax)?;
    let beside = path.with_extension("schema.json");
    let rules = rules.or_else(|| beside.exists().then_some(&*beside));
    let rules = rules.map(read).transpose()?;
    let rules_text = rules.as_ref().map(|rules| &*rules.text);
    let rules_value = rules_text.and_then(|text| serde_json::from_str(text).ok());
    Ok(Dataset {
        data,
        rules,
        value,
        rules_value,
    })
}

fn read(path: &Path) -> Result<TextFile, DatasetError> {
    let path = path.to_owned();
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(TextFile {
            path,
            text: text.into(),
        }),
        Err(source) => Err(DatasetError::Read { path, source }),
    }
}

/// A file named by a page: looked for from its folder upwards, then from the working directory. A leading slash means
/// the root of the documentation, wherever that is.
fn named_file(page: &Path, named: &str) -> Option<PathBuf> {
    let relative = named.trim_start_matches('/');
    let absolute = std::path::absolute(page).unwrap_or_else(|_| page.to_owned());
    let beside = page.parent().map(|folder| folder.join(relative));
    let above = absolute.ancestors().skip(2);
    let above = above.map(|folder| folder.join(relative));
    let elsewhere = [PathBuf::from(relative), PathBuf::from(named)];
    let mut candidates = beside.into_iter().chain(above).chain(elsewhere);
    candidates.find(|path| path.is_file())
}

/// Looks for a data file upwards from a folder, up to the root of its repository.
fn discover(folder: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    for up in absolute.ancestors() {
        let usual = ["db.json", "data/db.json"].map(|name| up.join(name));
        let found = usual.into_iter().find(|path| path.is_file());
        let mut folders = ["", "data", "api"].iter();
        let only = || folders.find_map(|sub| only_data_file(&up.join(sub)));
        if let Some(path) = found.or_else(only) {
            return Some(path);
        }
        if up.join(".git").exists() {
            break;
        }
    }
    None
}

/// The data file in a folder, if there is exactly one.
fn only_data_file(folder: &Path) -> Option<PathBuf> {
    let is_it = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.unwrap_or_default();
        name.ends_with(".json")
            && !name.ends_with(".schema.json")
            && !name.starts_with('.')
            && is_data_file(path)
    };
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let mut found = entries.map(|entry| entry.path()).filter(is_it);
    found.next().filter(|_| found.next().is_none())
}

/// Whether a file contains collections of records.
fn is_data_file(path: &Path) -> bool {
    const LARGEST: u64 = 32 * 1024 * 1024;
    let is_collection = |rows: &Value| {
        let rows = rows.as_array();
        rows.is_some_and(|rows| !rows.is_empty() && rows.iter().all(Value::is_object))
    };
    let read = || {
        let bytes = std::fs::read(path).ok()?;
        serde_json::from_slice::<serde_json::Map<String, Value>>(&bytes).ok()
    };
    std::fs::metadata(path).is_ok_and(|data| data.len() < LARGEST)
        && read().is_some_and(|members| members.values().any(is_collection))
}

/// Whether a record has an id, as a URL writes it.
pub fn has_id(record: &Value, id: &str) -> bool {
    let own = record.get("id").map(Value::to_string);
    own.is_some_and(|own| own.trim_matches('"') == id)
}

/// Whether an object in `whole` has a member with this name, and with this value if one is given.
pub fn has(whole: &Value, key: &str, value: Option<&Value>) -> bool {
    match whole {
        Value::Object(members) => {
            let is_it = |own: &Value| value.is_none_or(|value| own == value);
            members.get(key).is_some_and(is_it)
                || members.values().any(|inner| has(inner, key, value))
        }
        Value::Array(items) => items.iter().any(|item| has(item, key, value)),
        _ => false,
    }
}

impl Dataset {
    /// Opens a service over the data and the rules.
    pub fn open(&self, open: &Opener<'_>) -> Result<Service, ServiceError> {
        open(&self.data, self.rules.as_ref())
    }

    /// The names of the resources.
    pub fn resources(&self) -> Vec<&str> {
        let keys = self.value.as_object().into_iter().flatten();
        let keys = keys.map(|(key, _)| key.as_str());
        keys.filter(|key| *key != "$schema").collect()
    }

    /// The records of a collection.
    pub fn records(&self, resource: &str) -> Option<&[Value]> {
        self.value.get(resource)?.as_array().map(Vec::as_slice)
    }

    /// Every field that a record of a collection has or that its rules name.
    pub fn fields(&self, resource: &str) -> Vec<&str> {
        let records = self.records(resource).into_iter().flatten();
        let records = records.filter_map(Value::as_object);
        let ruled = self.record_rules(resource);
        let ruled = ruled.and_then(|rules| rules.get("properties")?.as_object());
        let mut fields: Vec<&str> = Vec::new();
        for key in records.chain(ruled).flat_map(serde_json::Map::keys) {
            if !fields.contains(&key.as_str()) {
                fields.push(key);
            }
        }
        fields
    }

    fn collection_rules(&self, resource: &str) -> Option<&Value> {
        self.rules_value.as_ref()?.get("properties")?.get(resource)
    }

    /// The rules for a record of a collection.
    pub fn record_rules(&self, resource: &str) -> Option<&Value> {
        let items = self.collection_rules(resource)?.get("items")?;
        let reference = items.get("$ref").and_then(Value::as_str);
        match reference.and_then(|name| name.strip_prefix('#')) {
            Some(pointer) => self.rules_value.as_ref()?.pointer(pointer),
            None => Some(items),
        }
    }

    /// What the rules let the server generate for properties with this name: the value of `x-generated`.
    pub fn generated(&self, property: &str) -> Option<&str> {
        fn search<'a>(rules: &'a Value, property: &str) -> Option<&'a str> {
            match rules {
                Value::Object(members) => {
                    let own = members.get("properties").and_then(|all| all.get(property));
                    own.and_then(|rules| rules.get("x-generated")?.as_str())
                        .or_else(|| members.values().find_map(|rules| search(rules, property)))
                }
                Value::Array(items) => items.iter().find_map(|rules| search(rules, property)),
                _ => None,
            }
        }
        search(self.rules_value.as_ref()?, property)
    }

    /// Whether a collection has this record, with all its members.
    pub fn has_record(&self, record: &Value) -> bool {
        let resources = self.resources();
        let mut records = resources.iter().filter_map(|name| self.records(name));
        records.any(|records| records.contains(record))
    }

    /// Whether a record has this value of a property.
    pub fn has_value(&self, property: &str, value: &Value) -> bool {
        has(&self.value, property, Some(value))
    }

    /// Whether a collection has a property whose values are unique.
    pub fn has_unique(&self, resource: &str) -> bool {
        let rules = self.collection_rules(resource);
        let unique = rules.and_then(|rules| rules.get("uniqueItemProperties")?.as_array());
        unique.is_some_and(|list| !list.is_empty())
    }

    /// The name of the rules file, or the one it would have.
    pub fn rules_name(&self) -> String {
        let path = match &self.rules {
            Some(rules) => rules.path.clone(),
            None => self.data.path.with_extension("schema.json"),
        };
        let name = path.file_name().unwrap_or("db.schema.json".as_ref());
        name.to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_finds_its_data() {
        let root = tempfile::tempdir().unwrap();
        let docs = root.path().join("docs/api");
        std::fs::create_dir_all(&docs).unwrap();
        std::fs::create_dir_all(root.path().join("api")).unwrap();
        std::fs::create_dir(root.path().join(".git")).unwrap();
        std::fs::write(
            root.path().join("api/source.json"),
            "{\"users\": [{\"id\": 1}]}",
        )
        .unwrap();
        std::fs::write(root.path().join("package.json"), "{\"name\": \"x\"}").unwrap();
        std::fs::write(
            root.path().join("other.json"),
            "{\"things\": [{\"id\": 1, \"a b\": 2}]}",
        )
        .unwrap();
        let page = docs.join("page.md");
        let rows: [(Option<&str>, &str); 4] = [
            (Some("/api/source.json"), "users"),
            (Some("../../other.json"), "things"),
            (Some("/nowhere.json"), "things"),
            (None, "things"),
        ];
        for (named, resource) in rows {
            let dataset = Datasets::default().find(&page, named).unwrap();
            assert_eq!(dataset.resources(), [resource], "{named:?}");
        }
        let missing = Datasets::default()
            .named(&page, "/nowhere.json")
            .unwrap_err()
            .to_string();
        assert!(missing.contains("nowhere.json"), "{missing}");
        let given = Datasets::new(Some(root.path().join("other.json")), None);
        assert_eq!(
            given
                .find(&page, Some("/nowhere.json"))
                .unwrap()
                .fields("things"),
            ["id", "a b"]
        );
    }
}
