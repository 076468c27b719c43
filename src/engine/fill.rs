//! What the rules add to a write: defaults, generated values, and what a PUT leaves out and keeps all the same.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::SystemTime;

use super::notice::WriteError;
use crate::json::{Layout, Object, get_member, pointer, quote, same_value, with_member};
use crate::rules::Generated;
use crate::schema::{Holds, Property, Rules, Violation};
use crate::store::{Command, Draft, Operation, Store, is_truthy};
use crate::text::uuid;

/// `command` with what the rules add to its body.
///
/// # Errors
/// It would set a property that is read-only.
pub(super) fn fill<'c>(
    rules: &Rules,
    store: &Store,
    command: &'c Command,
) -> Result<Cow<'c, Command>, WriteError> {
    if command.deletes() {
        return Ok(Cow::Borrowed(command));
    }
    let sent = command.body.as_str();
    let stored = store.current(command);
    let violations: Vec<Violation> = rules
        .properties()
        .iter()
        .filter_map(|property| read_only(property, sent, stored))
        .collect();
    if !violations.is_empty() {
        return Err(WriteError::Rules {
            resource: command.resource.clone(),
            violations,
        });
    }
    let mut added: Vec<(&str, String)> = Vec::new();
    let id = &store.settings().id;
    let own_id = |property: &Property| property.name == *id && rules.holds() == Holds::Records;
    match command.operation {
        Operation::Create => {
            for property in rules.properties().iter().filter(|one| !own_id(one)) {
                let is_there = get_member(sent, &property.name).is_some();
                let value = match property.generated {
                    Some(Generated::Created | Generated::Updated) => Some(time(property)),
                    _ if is_there => None,
                    Some(generated) => generate(generated, property),
                    None => property.default.as_ref().map(ToString::to_string),
                };
                added.extend(value.map(|value| (property.name.as_str(), value)));
            }
            // Last, as an id always is.
            if let Some(property) = rules.properties().iter().find(|one| own_id(one))
                && !get_member(sent, id).is_some_and(is_truthy)
                && let Some(generated) = property.generated
            {
                let value = generate(generated, property);
                added.extend(value.map(|value| (id.as_str(), value)));
            }
        }
        Operation::Replace => {
            let kept = rules.properties().iter().filter(|property| {
                property.write_only
                    || property.read_only
                    || property.generated.is_some()
                    || rules.hides(&property.name)
            });
            for property in kept.filter(|one| !own_id(one)) {
                let is_sent = get_member(sent, &property.name).is_some() && !is_time(property);
                let value = stored.and_then(|stored| get_member(stored, &property.name));
                added.extend(
                    value
                        .filter(|_| !is_sent)
                        .map(|value| (property.name.as_str(), value.to_string())),
                );
            }
        }
        Operation::Merge(_) => {
            let times = rules.properties().iter().filter(|one| is_time(one));
            for property in times.filter(|one| get_member(sent, &one.name).is_some()) {
                let value = stored.and_then(|stored| get_member(stored, &property.name));
                let value = value.map_or_else(|| time(property), str::to_string);
                added.push((&property.name, value));
            }
        }
        Operation::Delete { .. } => {}
    }
    Ok(with(command, added))
}

/// `filled` with the time of now as the time of the last change, where `draft` is a change.
pub(super) fn touched(
    rules: &Rules,
    store: &Store,
    filled: &Command,
    draft: &Draft,
) -> Option<Command> {
    let mut properties = updated(rules).peekable();
    properties.peek()?;
    if same_value(store.current(filled)?, draft.record()?) {
        return None;
    }
    let times = properties.map(|property| (property.name.as_str(), time(property)));
    Some(with(filled, times.collect()).into_owned())
}

/// Whether the server alone sets the property, to a time.
fn is_time(property: &Property) -> bool {
    let generated = property.generated;
    matches!(generated, Some(Generated::Created | Generated::Updated))
}

fn updated(rules: &Rules) -> impl Iterator<Item = &Property> {
    let is_updated = |one: &&Property| one.generated == Some(Generated::Updated);
    rules.properties().iter().filter(is_updated)
}

/// `command` with `members` set in its body.
fn with<'c>(command: &'c Command, members: Vec<(&str, String)>) -> Cow<'c, Command> {
    if members.is_empty() {
        return Cow::Borrowed(command);
    }
    let text = members
        .iter()
        .fold(command.body.as_str().to_string(), |text, (name, value)| {
            with_member(&text, name, value, Layout::PRETTY, "")
        });
    let mut command = command.clone();
    command.body = Object::parse(&text).unwrap_or(command.body);
    Cow::Owned(command)
}

/// What is wrong with setting `property` to what was `sent`.
fn read_only(property: &Property, sent: &str, stored: Option<&str>) -> Option<Violation> {
    // Of a new record the user has been set already, to who is logged in.
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

/// The time of now as the property may have it: a date and time, a date, or milliseconds.
fn time(property: &Property) -> String {
    let now = SystemTime::now();
    let is = |name: &str| property.types.iter().any(|one| one == name);
    if (is("integer") || is("number")) && !is("string") {
        return millis(now).to_string();
    }
    let text = humantime::format_rfc3339_millis(now).to_string();
    match property.format.as_deref() {
        Some("date") => quote(&text[..10]),
        _ => quote(&text),
    }
}

fn millis(time: SystemTime) -> u128 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis()
}

/// A new value, as JSON; `None` where only the request can say it.
fn generate(generated: Generated, property: &Property) -> Option<String> {
    let bits = || (u128::from(random_bits()) << 64) | u128::from(random_bits());
    match generated {
        Generated::Created | Generated::Updated => Some(time(property)),
        Generated::Uuid => Some(quote(&uuid(bits()))),
        Generated::Ulid => Some(quote(&ulid(millis(SystemTime::now()), bits()))),
        Generated::Nanoid => {
            let parts = [(); 3].map(|()| random_characters());
            Some(quote(&parts.concat()))
        }
        Generated::User => None,
    }
}

fn random_bits() -> u64 {
    // Each `RandomState` has keys of its own.
    RandomState::new().build_hasher().finish()
}

/// Seven characters for a string id, as many as json-server 0.17 gives.
pub(super) fn random_characters() -> String {
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
