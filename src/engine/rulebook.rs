//! From the file's text to data that keeps the rules, or to what is wrong with it.

use std::borrow::Cow;
use std::sync::Arc;

use bytestring::ByteString;

use super::fill::{fill, random_characters, touched};
use super::notice::{Fault, Faults, Notice, WriteError};
use crate::json::{
    Document, Id, get_member, is_blank, locate, members, offset_in, pointer, quote, unquote,
};
use crate::rules::Auth;
use crate::schema::{Budget, IdRules, Schema, TooComplex, Violation};
use crate::store::{
    Change, Collection, Command, Data, Operation, Refusal, RepeatedIds, Resource, Settings, Store,
    is_like_id,
};
use crate::text::nearest;

/// How many errors of one file are listed; the rest are counted.
const MOST_FAULTS: usize = 10;

/// The rules, and the settings of the store that follow from them.
#[derive(Debug)]
pub struct Rulebook {
    settings: Arc<Settings>,
}

impl Rulebook {
    /// The rules of `schema` for a store with `settings`; what the rules say is unique is added to these.
    pub fn new(schema: Schema, mut settings: Settings) -> Rulebook {
        settings.schema = Arc::new(schema);
        Rulebook {
            settings: Arc::new(settings),
        }
    }

    /// These rules replaced by those of `schema`.
    pub fn with_schema(&self, schema: Schema) -> Rulebook {
        Rulebook::new(schema, Settings::clone(&self.settings))
    }

    /// `store` under these rules, whether it keeps them or not.
    pub fn over(&self, store: &Store) -> Store {
        store.with_settings(&self.settings)
    }

    /// `store` under these rules.
    ///
    /// # Errors
    /// It breaks them. The text of the faults is that of the data file.
    pub fn take_over(&self, store: &Store) -> Result<Store, Faults> {
        if !std::ptr::eq(store.settings(), &*self.settings) {
            self.read_file(store.file_text())?;
        }
        Ok(self.over(store))
    }

    /// The collections whose rules for the id the server can make no id for: clients must send it.
    pub fn without_ids(&self) -> impl Iterator<Item = &str> {
        let rules = self
            .schema()
            .iter()
            .filter_map(|rules| Some((rules.resource(), rules.ids()?)));
        let none = |ids: &IdRules| {
            !IdRules::propose(ids, None, &mut || "1234567".into()).any(|id| ids.allows(&id))
        };
        rules
            .filter(move |(_, ids)| none(ids))
            .map(|(resource, _)| resource)
    }

    /// The rules.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.settings.schema
    }

    /// Reads the content of a data file, and finds the ids that it has twice.
    ///
    /// # Errors
    /// As [`Rulebook::read`].
    pub fn read_file(&self, bytes: Vec<u8>) -> Result<(Store, RepeatedIds), Faults> {
        let text = String::from_utf8(bytes).map_err(|error| {
            let offset = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            Faults::one(
                text,
                offset,
                "the file is not UTF-8 text".into(),
                Some("save it with the encoding UTF-8".into()),
            )
        })?;
        let text = ByteString::from(text);
        let broken = |offset, message, hint| Faults::one(text.to_string(), offset, message, hint);
        let store = Document::parse(text.clone())
            .and_then(|document| Store::open(document, self.settings.clone()))
            .map_err(|error| broken(error.offset, error.message, error.hint))?;
        let mut faults = Faults {
            text: String::new(),
            list: Vec::new(),
            more: 0,
        };
        // One budget for all records: they come from one file.
        let mut budget = Budget::for_length(text.len());
        for resource in store.resources() {
            let name = resource.name();
            if self.schema().auth().is_some() && Auth::PATHS.contains(&name) {
                faults.list.push(Fault {
                    offset: text.find(&quote(name)).unwrap_or(0),
                    message: format!(
                        "`x-auth` answers at /{name}, so no resource can have that name"
                    ),
                    hint: Some("rename the resource".into()),
                });
            }
            let Some(rules) = self.schema().rules(name) else {
                continue;
            };
            match resource.data() {
                Data::Collection(collection) => {
                    for (place, record) in collection.rows().enumerate() {
                        let violations = rules.check_text(record.value(), &mut budget);
                        let violations = violations
                            .map(|found| self.without_hash(resource.name(), record.value(), found));
                        if violations.as_ref().is_ok_and(Vec::is_empty) {
                            continue;
                        }
                        let name = format!("{}[{place}]", resource.name());
                        let is_too_complex = violations.is_err();
                        faults.add(&name, record.offset(), record.value(), violations);
                        if is_too_complex {
                            break;
                        }
                    }
                }
                Data::Object(value) | Data::Scalar(value) => {
                    let violations = rules.check_text(value, &mut budget);
                    faults.add(resource.name(), offset_in(&text, value), value, violations);
                }
            }
        }
        if faults.list.is_empty() {
            let repeated = store.repeated_ids(&text, MOST_FAULTS);
            Ok((store, repeated))
        } else {
            Err(Faults {
                text: text.to_string(),
                ..faults
            })
        }
    }

    /// Reads what an edit left. A file cut to nothing is half of a save and no data: many editors cut it first and
    /// write it then.
    pub fn read_edit(&self, bytes: Vec<u8>) -> Result<(Store, RepeatedIds), Faults> {
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return self.read_file(bytes);
        };
        if is_blank(text) {
            let hint = "write {} for a file without resources".to_string();
            return Err(Faults::one(
                text.to_string(),
                0,
                "the file is empty".into(),
                Some(hint),
            ));
        }
        self.read_file(bytes)
    }

    /// Whether `command` could be carried out on `store`, and what it then is.
    ///
    /// # Errors
    /// The record would break rules, or the data does not allow it.
    pub fn plan(&self, store: &Store, command: &Command) -> Result<Change, WriteError> {
        let random = &mut random_characters;
        let rules = self.schema().rules(&command.resource);
        let filled = match rules {
            Some(rules) => fill(rules, store, command)?,
            None => Cow::Borrowed(command),
        };
        let mut draft = store.draft(&filled, random).map_err(WriteError::Refused)?;
        if let Some(updated) = rules.and_then(|rules| touched(rules, store, &filled, &draft)) {
            draft = store.draft(&updated, random).map_err(WriteError::Refused)?;
        }
        if let Some(record) = draft.record() {
            self.check(&command.resource, record)?;
        }
        for (resource, id, text) in draft.emptied(store) {
            self.check(resource, text)
                .map_err(|error| not_null(error, command, resource, id))?;
        }
        store.plan(draft).map_err(WriteError::Refused)
    }

    /// The violations but for those of a password that is stored as its hash: its rules are for the clear text.
    fn without_hash(&self, resource: &str, record: &str, found: Vec<Violation>) -> Vec<Violation> {
        let auth = self.schema().auth().filter(|auth| auth.users == resource);
        let Some(auth) = auth.filter(|_| !found.is_empty()) else {
            return found;
        };
        let stored = get_member(record, &auth.password).map(unquote);
        if !stored.is_some_and(|stored| is_hash(&stored)) {
            return found;
        }
        let place = pointer::join("", &auth.password);
        let is_other = |one: &Violation| one.pointer != place;
        found.into_iter().filter(is_other).collect()
    }

    /// Checks a record of `resource` against its rules.
    fn check(&self, resource: &str, record: &str) -> Result<(), WriteError> {
        let Some(rules) = self.schema().rules(resource) else {
            return Ok(());
        };
        let violations = rules.check_text(record, &mut Budget::for_length(record.len()));
        match violations.map(|found| self.without_hash(resource, record, found)) {
            Ok(violations) if violations.is_empty() => Ok(()),
            Ok(violations) => Err(WriteError::Rules {
                resource: resource.into(),
                violations,
            }),
            Err(TooComplex) => Err(WriteError::TooComplex(resource.into())),
        }
    }
}

/// The error where the rules forbid that a deletion sets the key of a record to null.
fn not_null(error: WriteError, command: &Command, resource: &str, id: Option<&Id>) -> WriteError {
    match (error, &command.operation) {
        (WriteError::Rules { violations, .. }, Operation::Delete { dependent }) => {
            let mut dependent = dependent.clone();
            dependent.push(resource.to_string());
            let rule = violations
                .first()
                .map(|one| format!("{}: {}", one.pointer.trim_start_matches('/'), one.detail));
            WriteError::Refused(Refusal::Referenced {
                resource: command.resource.clone(),
                id: command.id.clone(),
                holders: vec![(resource.to_string(), id.cloned())],
                dependent,
                not_null: rule,
            })
        }
        (error, _) => error,
    }
}

impl Faults {
    fn add(
        &mut self,
        name: &str,
        offset: usize,
        value: &str,
        violations: Result<Vec<Violation>, TooComplex>,
    ) {
        let violations = violations.unwrap_or_else(|TooComplex| {
            let detail = "takes too long to check: its rules refer to themselves, and each level multiplies the work";
            vec![Violation { pointer: String::new(), detail: detail.to_owned() }]
        });
        for Violation {
            pointer, detail, ..
        } in violations
        {
            if self.list.len() == MOST_FAULTS {
                self.more += 1;
                continue;
            }
            let message = format!("{name}{pointer}: {detail}");
            let hint = Some("fix the record, or the rule in the rules file".into());
            self.list.push(Fault {
                offset: offset + locate(value, &pointer),
                message,
                hint,
            });
        }
    }
}

/// The collections whose records were given ids when the file was read, as far as they were not `before`.
pub fn given_ids(store: &Store, before: Option<&Store>) -> impl Iterator<Item = Notice> {
    let without_id = |store: &Store, name: &str| {
        store
            .resource(name)?
            .collection()
            .map(Collection::without_id)
    };
    store.resources().filter_map(move |resource| {
        let collection = resource.collection()?;
        let count = collection.without_id();
        if count == 0
            || before.and_then(|before| without_id(before, resource.name())) == Some(count)
        {
            return None;
        }
        let id = store.settings().id.clone();
        let first = collection.window(0, 1).next()?;
        let like = members(first.value()).map(|member| member.key.into_owned());
        let like = like
            .filter(|name| *name != id)
            .find(|name| is_like_id(name));
        Some(Notice::GivenIds {
            resource: resource.name().to_string(),
            count,
            id,
            like,
        })
    })
}

/// What in the rules is without effect, since the data has no resource of that name.
pub fn unused_rules(schema: &Schema, store: &Store) -> impl Iterator<Item = Notice> {
    let missing = move |name: &str| store.resource(name).is_none();
    schema.iter().flat_map(move |rules| {
        let name = rules.resource();
        let unused = |by: Option<String>, resource: &str| Notice::UnusedRules {
            by,
            resource: resource.to_string(),
            near: nearest(resource, store.resources().map(Resource::name)).map(str::to_string),
        };
        let own = missing(name).then(|| unused(None, name));
        let references = rules
            .references()
            .iter()
            .filter(move |rule| missing(&rule.resource))
            .map(move |rule| unused(Some(format!("{name}.{}", rule.property)), &rule.resource));
        own.into_iter().chain(references)
    })
}

/// Whether a stored password is a hash: argon2, or bcrypt as json-server-auth has it.
pub fn is_hash(stored: &str) -> bool {
    ["$argon2", "$2a$", "$2b$", "$2x$", "$2y$"]
        .iter()
        .any(|start| stored.starts_with(start))
}
