//! Validates the file's text and writes against the rules, and adds to a write what the rules provide: defaults,
//! generated values, and properties that a PUT keeps although it leaves them out.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::SystemTime;

use bytestring::ByteString;

use super::notice::{Fault, Faults, Notice, WriteError};
use crate::json::{
    Document, Id, SyntaxError, get_member, is_blank, locate, members, offset_in, pointer, quote,
    same_value, unquote,
};
use crate::rules::{Auth, Generated};
use crate::schema::{Budget, Holds, IdRules, Property, Rules, Schema, TooComplex, Violation};
use crate::store::{
    Change, Command, Data, Draft, Operation, Refusal, RepeatedIds, Resource, Settings, Store,
    is_like_id, is_truthy,
};
use crate::text::{nearest, uuid};

/// How many errors of a file are listed; the others are counted.
const MOST_FAULTS: usize = 10;

/// The rules, and the settings of the store that follow from them.
#[derive(Debug)]
pub struct Rulebook {
    settings: Arc<Settings>,
}

impl Rulebook {
    /// The rules of `schema` for a store with `settings`, to which the unique properties are added.
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

    /// `store` under these rules, without checking it.
    pub fn apply_to(&self, store: &Store) -> Store {
        store.with_settings(&self.settings)
    }

    /// `store` under these rules.
    ///
    /// # Errors
    /// It breaks them. The faults refer to the text of the data file.
    pub fn try_apply_to(&self, store: &Store) -> Result<Store, Faults> {
        if !std::ptr::eq(store.settings(), &*self.settings) {
            self.read_file(store.file_text())?;
        }
        Ok(self.apply_to(store))
    }

    /// The collections whose rules allow no id that the server can generate: clients must send it.
    pub fn without_ids(&self) -> impl Iterator<Item = &str> {
        let rules = self
            .schema()
            .iter()
            .filter_map(|rules| Some((rules.resource.as_str(), rules.ids.as_ref()?)));
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

    /// Reads the content of a data file, and finds duplicate ids.
    ///
    /// # Errors
    /// It is not UTF-8 text, not JSON, or breaks the rules.
    pub fn read_file(&self, bytes: Vec<u8>) -> Result<(Store, RepeatedIds), Faults> {
        let text = String::from_utf8(bytes).map_err(|error| {
            let offset = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let error = SyntaxError::new(offset, "the file is not UTF-8 text");
            Faults::one(text, error.hint("save it with the encoding UTF-8"))
        })?;
        let text = ByteString::from(text);
        let store = Document::parse(text.clone())
            .and_then(|document| Store::open(document, self.settings.clone()))
            .map_err(|error| Faults::one(text.to_string(), error))?;
        let mut faults = Faults::default();
        // One budget for all records: they come from one file.
        let mut budget = Budget::for_length(text.len());
        for resource in store.resources() {
            self.check_resource(resource, &text, &mut budget, &mut faults);
        }
        if faults.list.is_empty() {
            let repeated = store.repeated_ids(&text, MOST_FAULTS);
            return Ok((store, repeated));
        }
        faults.text = text.to_string();
        Err(faults)
    }

    /// Adds what is wrong with `resource` of the file `text` to `faults`.
    fn check_resource(
        &self,
        resource: &Resource,
        text: &str,
        budget: &mut Budget,
        faults: &mut Faults,
    ) {
        let name = resource.name();
        if self.schema().auth().is_some() && Auth::PATHS.contains(&name) {
            faults.list.push(Fault {
                offset: text.find(&quote(name)).unwrap_or(0),
                message: format!(
                    "`x-auth` uses the path /{name}, so no resource can have that name"
                ),
                hint: Some("rename the resource".into()),
            });
        }
        let Some(rules) = self.schema().rules(name) else {
            return;
        };
        match resource.data() {
            Data::Collection(collection) => {
                for (place, record) in collection.rows().enumerate() {
                    let violations = self.violations(rules, record.value(), budget);
                    let is_too_complex = violations.is_err();
                    if !violations.as_ref().is_ok_and(Vec::is_empty) {
                        let name = format!("{name}[{place}]");
                        faults.add(&name, record.offset, record.value(), violations);
                    }
                    if is_too_complex {
                        return;
                    }
                }
            }
            Data::Object(value) | Data::Scalar(value) => {
                let violations = rules.check(value, budget);
                faults.add(name, offset_in(text, value), value, violations);
            }
        }
    }

    /// Reads an edit. An empty file is an error, not empty data: many editors truncate it and then write it.
    ///
    /// # Errors
    /// Those of [`Rulebook::read_file`]; or the file is empty.
    pub fn read_edit(&self, bytes: Vec<u8>) -> Result<(Store, RepeatedIds), Faults> {
        match std::str::from_utf8(&bytes) {
            Ok(text) if is_blank(text) => {
                let error = SyntaxError::new(0, "the file is empty");
                let error = error.hint("write {} for a file without resources");
                Err(Faults::one(text.to_string(), error))
            }
            _ => self.read_file(bytes),
        }
    }

    /// Plans `command` on `store`.
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
        if let Some(updated) =
            rules.and_then(|rules| with_update_times(rules, store, &filled, &draft))
        {
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

    /// How `record` breaks its rules, except those of a hashed password, which are for the clear text.
    fn violations(
        &self,
        rules: &Rules,
        record: &str,
        budget: &mut Budget,
    ) -> Result<Vec<Violation>, TooComplex> {
        let mut found = rules.check(record, budget)?;
        let auth = self.schema().auth();
        if let Some(auth) = auth.filter(|auth| !found.is_empty() && auth.users == rules.resource)
            && get_member(record, &auth.password).is_some_and(|stored| is_hash(&unquote(stored)))
        {
            let place = pointer::join("", &auth.password);
            found.retain(|one| one.pointer != place);
        }
        Ok(found)
    }

    /// Checks a record of `resource` against its rules.
    fn check(&self, resource: &str, record: &str) -> Result<(), WriteError> {
        let Some(rules) = self.schema().rules(resource) else {
            return Ok(());
        };
        match self.violations(rules, record, &mut Budget::for_length(record.len())) {
            Ok(violations) if violations.is_empty() => Ok(()),
            Ok(violations) => Err(WriteError::Rules {
                resource: resource.into(),
                violations,
            }),
            Err(TooComplex) => Err(WriteError::TooComplex(resource.into())),
        }
    }
}

/// The error if the rules forbid that a deletion sets a foreign key to null.
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
            let detail = "takes too long to check: its rules are recursive, and the cost grows exponentially with depth";
            vec![Violation { pointer: String::new(), detail: detail.to_owned() }]
        });
        for Violation { pointer, detail } in violations {
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

/// Notices for the collections whose records were given ids when the file was read, unless they were `before`.
pub fn given_ids(store: &Store, before: Option<&Store>) -> impl Iterator<Item = Notice> {
    store.resources().filter_map(move |resource| {
        let collection = resource.collection()?;
        let count = collection.without_id;
        let known = before.and_then(|before| before.records(resource.name()));
        if count == 0 || known.is_some_and(|known| known.without_id == count) {
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

/// Notices for rules without effect, because the data has no resource of that name.
pub fn unused_rules(schema: &Schema, store: &Store) -> impl Iterator<Item = Notice> {
    let missing = move |name: &str| store.resource(name).is_none();
    schema.iter().flat_map(move |rules| {
        let name = rules.resource.as_str();
        let unused = |by: Option<String>, resource: &str| Notice::UnusedRules {
            by,
            resource: resource.to_string(),
            near: nearest(resource, store.resources().map(Resource::name)).map(str::to_string),
        };
        let own = missing(name).then(|| unused(None, name));
        let references = rules
            .references
            .iter()
            .filter(move |rule| missing(&rule.resource))
            .map(move |rule| unused(Some(format!("{name}.{}", rule.property)), &rule.resource));
        own.into_iter().chain(references)
    })
}

/// Whether a stored password is a hash: argon2, or bcrypt, which json-server-auth uses.
pub fn is_hash(stored: &str) -> bool {
    ["$argon2", "$2a$", "$2b$", "$2x$", "$2y$"]
        .iter()
        .any(|start| stored.starts_with(start))
}

/// Members that the rules add to a body: names and JSON values.
type Added<'r> = Vec<(&'r str, String)>;

/// `command` with what the rules add to its body.
///
/// # Errors
/// It would set a property that is read-only.
fn fill<'c>(
    rules: &Rules,
    store: &Store,
    command: &'c Command,
) -> Result<Cow<'c, Command>, WriteError> {
    let (sent, stored) = (command.body.as_str(), store.current(command));
    let id = &store.settings().id;
    let added = match command.operation {
        Operation::Delete { .. } => return Ok(Cow::Borrowed(command)),
        Operation::Create => new_values(rules, id, sent),
        Operation::Replace => kept_values(rules, id, sent, stored),
        Operation::Merge(_) => kept_times(rules, sent, stored),
    };
    let violations: Vec<Violation> = rules
        .properties
        .iter()
        .filter_map(|property| read_only(property, sent, stored))
        .collect();
    if violations.is_empty() {
        return Ok(with_members(command, added));
    }
    Err(WriteError::Rules {
        resource: command.resource.clone(),
        violations,
    })
}

/// Whether the property is the id of the records that the rules are for.
fn is_id(rules: &Rules, property: &Property, id: &str) -> bool {
    property.name == id && rules.holds == Holds::Records
}

/// For a new record: defaults and generated values.
fn new_values<'r>(rules: &'r Rules, id: &str, sent: &str) -> Added<'r> {
    let (ids, others): (Vec<_>, Vec<_>) = rules
        .properties
        .iter()
        .partition(|property| is_id(rules, property, id));
    let mut added: Added<'_> = Vec::new();
    for property in others {
        let is_there = get_member(sent, &property.name).is_some();
        let value = match property.generated {
            Some(Generated::Created | Generated::Updated) => Some(time(property)),
            _ if is_there => None,
            Some(generated) => generate(generated, property),
            None => property.default.as_ref().map(ToString::to_string),
        };
        added.extend(value.map(|value| (property.name.as_str(), value)));
    }
    // Last, like any id.
    for property in ids {
        let is_there = get_member(sent, id).is_some_and(is_truthy);
        let generated = property.generated.filter(|_| !is_there);
        let value = generated.and_then(|generated| generate(generated, property));
        added.extend(value.map(|value| (property.name.as_str(), value)));
    }
    added
}

/// For a PUT: properties that are kept although it leaves them out.
fn kept_values<'r>(rules: &'r Rules, id: &str, sent: &str, stored: Option<&str>) -> Added<'r> {
    let is_kept = |property: &&Property| {
        let is_sent = get_member(sent, &property.name).is_some() && !is_time(property);
        let is_kept = property.write_only
            || property.read_only
            || property.generated.is_some()
            || rules.hides(&property.name);
        is_kept && !is_sent && !is_id(rules, property, id)
    };
    let value = |property: &'r Property| {
        let value = get_member(stored?, &property.name)?;
        Some((property.name.as_str(), value.to_string()))
    };
    rules
        .properties
        .iter()
        .filter(is_kept)
        .filter_map(value)
        .collect()
}

/// For a PATCH: the stored times that only the server sets, if the patch has others.
fn kept_times<'r>(rules: &'r Rules, sent: &str, stored: Option<&str>) -> Added<'r> {
    let is_sent = |property: &&Property| get_member(sent, &property.name).is_some();
    let times = rules.properties.iter().filter(|one| is_time(one));
    let value = |property: &'r Property| {
        let value = stored.and_then(|stored| get_member(stored, &property.name));
        let value = value.map_or_else(|| time(property), str::to_string);
        (property.name.as_str(), value)
    };
    times.filter(is_sent).map(value).collect()
}

/// `filled` with the present time as the time of the last change, if `draft` is a change.
fn with_update_times(
    rules: &Rules,
    store: &Store,
    filled: &Command,
    draft: &Draft,
) -> Option<Command> {
    let (stored, record) = (store.current(filled)?, draft.record()?);
    let is_updated = |one: &&Property| one.generated == Some(Generated::Updated);
    let times: Added<'_> = (rules.properties.iter().filter(is_updated))
        .map(|property| (property.name.as_str(), time(property)))
        .collect();
    (!times.is_empty() && !same_value(stored, record))
        .then(|| with_members(filled, times).into_owned())
}

/// Whether the server alone sets the property, to a time.
fn is_time(property: &Property) -> bool {
    let generated = property.generated;
    matches!(generated, Some(Generated::Created | Generated::Updated))
}

/// `command` with `members` set in its body.
fn with_members<'c>(command: &'c Command, members: Added<'_>) -> Cow<'c, Command> {
    if members.is_empty() {
        return Cow::Borrowed(command);
    }
    let mut command = command.clone();
    for (name, value) in &members {
        command.body = command.body.with(name, value);
    }
    Cow::Owned(command)
}

/// The violation of setting a read-only `property` to what was `sent`.
fn read_only(property: &Property, sent: &str, stored: Option<&str>) -> Option<Violation> {
    // In a new record, the user has already been set to the one who is logged in.
    let is_user = property.generated == Some(Generated::User);
    if (!property.read_only && !is_user) || (is_user && stored.is_none()) {
        return None;
    }
    let sent = get_member(sent, &property.name)?;
    let own = stored.and_then(|stored| get_member(stored, &property.name));
    let default = property.default.as_ref().map(ToString::to_string);
    let expected = own.or(default.as_deref().filter(|_| stored.is_none()));
    if expected.is_some_and(|own| same_value(own, sent)) || (expected.is_none() && sent == "null") {
        return None;
    }
    let detail = match (expected, property.write_only) {
        (Some(own), false) if own.len() <= 100 => {
            format!("is read-only: leave it out, or send {own}, which it is")
        }
        _ => "is read-only: the server sets it, so leave it out".to_string(),
    };
    Some(Violation {
        pointer: pointer::join("", &property.name),
        detail,
    })
}

/// The present time in the property's format: a date and time, a date, or milliseconds.
fn time(property: &Property) -> String {
    let is = |name: &str| property.types.iter().any(|one| one == name);
    if (is("integer") || is("number")) && !is("string") {
        return millis().to_string();
    }
    let text = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
    match property.format.as_deref() {
        Some("date") => quote(&text[..10]),
        _ => quote(&text),
    }
}

/// The present time in milliseconds.
fn millis() -> u128 {
    let now = SystemTime::UNIX_EPOCH.elapsed();
    now.unwrap_or_default().as_millis()
}

/// A new value, as JSON; `None` if it comes from the request.
fn generate(generated: Generated, property: &Property) -> Option<String> {
    let bits = || (u128::from(random_bits()) << 64) | u128::from(random_bits());
    match generated {
        Generated::Created | Generated::Updated => Some(time(property)),
        Generated::Uuid => Some(quote(&uuid(bits()))),
        Generated::Ulid => Some(quote(&ulid(millis(), bits()))),
        Generated::Nanoid => {
            let parts = [(); 3].map(|()| random_characters());
            Some(quote(&parts.concat()))
        }
        Generated::User => None,
    }
}

fn random_bits() -> u64 {
    // Each `RandomState` has different keys.
    RandomState::new().build_hasher().finish()
}

/// Seven characters for a string id, as in json-server 0.17.
fn random_characters() -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    let bits = random_bits();
    let character = |place| char::from(ALPHABET[(bits >> (6 * place)) as usize % 64]);
    (0..7).map(character).collect()
}

/// A ULID: 48 bits of time and 80 random ones, in Crockford's base 32.
fn ulid(millis: u128, bits: u128) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let value = (millis << 80) | (bits & ((1 << 80) - 1));
    (0..26)
        .rev()
        .map(|place| char::from(DIGITS[(value >> (5 * place)) as usize & 31]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_form() {
        let uuid = uuid(u128::MAX >> 2);
        assert_eq!(uuid, "3fffffff-ffff-4fff-bfff-ffffffffffff");
        // The example of the specification.
        assert_eq!(&ulid(1_469_918_176_385, 0)[..10], "01ARYZ6S41");
        assert_eq!(ulid((1 << 48) - 1, u128::MAX), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    }
}
