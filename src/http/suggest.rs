//! Bodies for the commands that errors offer. Each has been tried on the data as it is.

use serde_json::{Map, Value};

use crate::engine::{Engine, Published, WriteError};
use crate::json::{Object, get_member, members};
use crate::rules::ReferenceRule;
use crate::schema::Rules;
use crate::store::{Command, Data, Operation, Refusal, Resource};
use crate::text::nearest;

/// A longer body is not repaired: nobody would read the command.
const LONGEST: usize = 16 * 1024;
/// How many refusals are met with another value.
const MOST_TRIES: usize = 20;

/// A body with which `command` works: `sent` with what is wrong changed, or else an example. `None` if none was found.
pub(super) fn body(engine: &Engine, command: &Command, sent: Option<&Object>) -> Option<String> {
    let published = engine.snapshot();
    let resource = published.store.resource(&command.resource)?;
    let suggestion = Suggestion {
        engine,
        published: &published,
        resource,
        command,
    };
    if let Some(sent) = sent.filter(|sent| suggestion.outcome(sent).is_ok()) {
        return Some(sent.as_str().trim_ascii().to_string());
    }
    let schema = engine.schema();
    let Some(rules) = schema.rules(&command.resource) else {
        let stored = suggestion.stored(|_| true);
        return stored
            .map(|value| value.to_string())
            .or_else(|| suggestion.sample());
    };
    let may_send = |name: &str| {
        let mut properties = rules.properties().iter();
        !properties.any(|property| property.name == name && property.read_only)
    };
    let sent = sent.filter(|sent| sent.as_str().len() <= LONGEST);
    let sent = sent.and_then(|sent| serde_json::from_str(sent.as_str()).ok());
    sent.into_iter()
        .chain(
            suggestion
                .stored(may_send)
                .or_else(|| rules.example().cloned()),
        )
        .find_map(|start| suggestion.fit(rules, start))
}

/// `value` with the names that the rules do not know replaced by the nearest that they do. (A missing property of a whole
/// record is found by the rules themselves.)
fn with_known_names(value: Value, rules: &Rules) -> Value {
    let Value::Object(sent) = value else {
        return value;
    };
    let known = || rules.properties().iter().map(|one| one.name.as_str());
    let mut members = Map::new();
    for (name, value) in &sent {
        let meant = match nearest(name, known()) {
            Some(near) if !known().any(|one| one == name) && !sent.contains_key(near) => near,
            _ => name,
        };
        members.insert(meant.to_string(), value.clone());
    }
    Value::Object(members)
}

struct Suggestion<'a> {
    engine: &'a Engine,
    published: &'a Published,
    resource: &'a Resource,
    command: &'a Command,
}

impl Suggestion<'_> {
    fn id(&self) -> &str {
        &self.published.store.settings().id
    }

    /// What would become of the body.
    fn outcome(&self, body: &Object) -> Result<(), WriteError> {
        let command = self.command.clone().with_body(body);
        self.engine
            .rulebook()
            .plan(&self.published.full, &command)
            .map(|_| ())
    }

    /// What is stored already, so that the command changes nothing that was not asked for: all of it for PUT, one member
    /// for PATCH. `None` where the command makes a record.
    fn stored(&self, may_send: impl Fn(&str) -> bool) -> Option<Value> {
        if self.command.operation == Operation::Create {
            return None;
        }
        let text = self.published.store.current(self.command)?;
        let mut members: Map<String, Value> = serde_json::from_str(text).ok()?;
        if self.resource.collection().is_some() {
            members.shift_remove(self.id());
        }
        members.retain(|name, _| may_send(name));
        if matches!(self.command.operation, Operation::Merge(_)) {
            members = members.into_iter().take(1).collect();
        }
        (!members.is_empty()).then_some(Value::Object(members))
    }

    /// A body for a resource without rules.
    fn sample(&self) -> Option<String> {
        let sample = match self.resource.data() {
            Data::Collection(collection) => collection
                .window(0, 1)
                .next()
                .map(|record| record.value().to_string()),
            Data::Object(text) | Data::Scalar(text) => Some(text.to_string()),
        };
        let sample = sample.and_then(|text| serde_json::from_str::<Map<String, Value>>(&text).ok());
        let sample = sample.map(|mut members| {
            members.shift_remove(self.id());
            Value::Object(members).to_string()
        });
        Some(sample.unwrap_or_else(|| "{\"name\": \"value\"}".into()))
    }

    /// A body like `start` that the rules and the data allow.
    fn fit(&self, rules: &Rules, start: Value) -> Option<String> {
        let is_patch = matches!(self.command.operation, Operation::Merge(_));
        let is_new = self.command.operation == Operation::Create;
        let current = self.published.full.current(self.command);
        let current = current.filter(|_| is_patch);
        let current: Option<Map<String, Value>> =
            current.and_then(|text| serde_json::from_str(text).ok());
        let mut value = start;
        if !is_new && rules.holds() == crate::schema::Holds::Records {
            // The id stays what it is.
            value.as_object_mut()?.shift_remove(self.id());
        }
        if is_patch {
            value = with_known_names(value, rules);
        }
        let sent: Vec<String> = value.as_object()?.keys().cloned().collect();
        if let Some(current) = &current {
            let mut merged = current.clone();
            merged.extend(value.as_object()?.clone());
            value = Value::Object(merged);
        }
        for member in members(self.command.body.as_str()) {
            value.as_object_mut()?.insert(
                member.key.to_string(),
                serde_json::from_str(member.value).ok()?,
            );
        }
        for number in 1..=MOST_TRIES {
            value = rules.repaired(value)?;
            let mut members = value.as_object()?.clone();
            if let Some(current) = &current {
                members
                    .retain(|name, value| sent.contains(name) || current.get(name) != Some(value));
            }
            let is_set = |name: &str| {
                rules
                    .properties()
                    .iter()
                    .any(|one| one.name == name && one.read_only)
            };
            members.retain(|name, _| !is_set(name));
            if is_patch && members.is_empty() {
                return None;
            }
            let text = Value::Object(members).to_string();
            match self.outcome(&Object::parse(&text).ok()?) {
                Ok(()) => return Some(text),
                Err(WriteError::Refused(refusal)) => {
                    self.give_way(rules, &refusal, &mut value, number)?
                }
                // The generated id.
                Err(WriteError::Rules { .. }) if is_new => {
                    let id = rules.example_ids().into_iter().nth(number - 1)?;
                    value.as_object_mut()?.insert(self.id().to_string(), id);
                }
                Err(_) => return None,
            }
        }
        None
    }

    /// Gives another value to what the data does not allow.
    fn give_way(
        &self,
        rules: &Rules,
        refusal: &Refusal,
        value: &mut Value,
        number: usize,
    ) -> Option<()> {
        match refusal {
            Refusal::NotUnique { values, .. } => {
                let (name, _) = values.first()?;
                let count = self.resource.collection().map_or(0, |rows| rows.len());
                let before = value[name].clone();
                // As many as were tried before are passed over.
                let variants = rules.variants(name, &before, count + number);
                let found = variants.into_iter().take(200).find(|variant| {
                    value[name] = variant.clone();
                    let body = Object::parse(&value.to_string());
                    let outcome = body.map(|body| self.outcome(&body));
                    match outcome {
                        Ok(Err(WriteError::Refused(Refusal::NotUnique {
                            values: others, ..
                        }))) => {
                            others != *values
                                && others.first().is_some_and(|(other, _)| other != name)
                        }
                        Ok(Err(WriteError::Rules { .. } | WriteError::TooComplex(_))) | Err(_) => {
                            false
                        }
                        Ok(_) => true,
                    }
                });
                found.map(|_| ())
            }
            Refusal::Dangling { rule, .. } => {
                let target = self.target(rule);
                let members = value.as_object_mut()?;
                let instead = match (target, rule.many) {
                    (Some(target), true) => Some(Value::Array(vec![target])),
                    (None, true) => Some(Value::Array(Vec::new())),
                    (target, false) => target,
                };
                match instead.filter(|instead| members.get(&rule.property) != Some(instead)) {
                    Some(instead) => drop(members.insert(rule.property.clone(), instead)),
                    None => drop(members.shift_remove(&rule.property)?),
                }
                Some(())
            }
            Refusal::IdTaken { .. } | Refusal::NoId { .. } => {
                value.as_object_mut()?.shift_remove(self.id()).map(|_| ())
            }
            _ => None,
        }
    }

    /// A value that the reference may have.
    fn target(&self, rule: &ReferenceRule) -> Option<Value> {
        let rows = self
            .published
            .store
            .resource(&rule.resource)
            .and_then(Resource::collection)?;
        rows.window(0, 100)
            .find_map(|row| serde_json::from_str(get_member(row.value(), &rule.target)?).ok())
    }
}
