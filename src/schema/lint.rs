//! Collects the rules for each resource from a rules file, and reports everything that would silently have no effect.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::check::{literal, wanted};
use super::document::{
    AT_COLLECTION, AT_ROOT, AUTH, Document, FORMATS, GENERATED, GUARD, KEYWORDS, OLD_NAMES,
    REFERENCES, Subschema, UNCHECKED_FORMATS, UNIQUE, WRITE_ONLY, all, format_named, items_of,
    property_names, property_pointers, shape, types, visit,
};
use super::{Holds, Property, SchemaProblem};
use crate::json::pointer::{join, steps};
use crate::rules::{
    Access, Auth, Hidden, OnDelete, ReferenceRule, UniqueProperty, UniqueRule, named,
};
use crate::text::nearest;

/// The rules for a resource, before they are compiled.
#[derive(Debug)]
pub(super) struct Gathered {
    pub resource: String,
    pub holds: Holds,
    pub properties: Vec<Property>,
    pub unique: Vec<UniqueRule>,
    pub references: Vec<ReferenceRule>,
    pub hidden: Hidden,
    /// The pointer to the schema of a record, or of the object.
    pub pointer: String,
    /// The pointers to the schemas of a record's id.
    pub id_pointers: Vec<String>,
    pub required: Vec<String>,
}

/// Reports keywords, references, patterns and formats that would have no effect.
pub(super) fn check_keywords(document: &Document, problems: &mut Vec<SchemaProblem>) {
    visit(&document.root, "", &mut |pointer, schema| {
        for (name, value) in schema {
            let here = join(pointer, name);
            let found = match (name.as_str(), value) {
                (name, _) if name.starts_with("x-") && shape(name).is_none() => mistyped(name),
                (name, _) if shape(name).is_none() => Some(unknown_keyword(name)),
                ("$ref" | "$dynamicRef", Value::String(reference)) => {
                    bad_reference(document, reference)
                }
                ("$id" | "$schema", _) => Some((
                    format!(
                        "`{name}` is only allowed at the root: the rules are one schema in one file"
                    ),
                    Some("use `$ref` with `#/$defs/...`".to_owned()),
                )),
                ("pattern", Value::String(pattern)) => bad_pattern(pattern),
                ("patternProperties", Value::Object(patterns)) => {
                    for pattern in patterns.keys() {
                        let place = join(&here, pattern);
                        let found = bad_pattern(pattern);
                        problems.extend(
                            found.map(|(message, hint)| SchemaProblem::new(place, message, hint)),
                        );
                    }
                    None
                }
                ("format", Value::String(format)) => bad_format(format),
                ("then" | "else", _) => without("if", name, schema),
                ("minContains" | "maxContains", _) => without("contains", name, schema),
                _ => None,
            };
            problems.extend(found.map(|(message, hint)| SchemaProblem::new(here, message, hint)));
        }
    });
}

/// A message and a hint.
type Finding = (String, Option<String>);

fn without(other: &str, name: &str, schema: &Map<String, Value>) -> Option<Finding> {
    let message = format!("`{name}` has no effect without `{other}` next to it");
    (!schema.contains_key(other)).then_some((message, None))
}

fn bad_reference(document: &Document, reference: &str) -> Option<Finding> {
    let name = literal(&reference.into());
    if !reference.starts_with('#') {
        let message = format!("{name} is outside this file, and standin fetches nothing");
        let hint = "copy that schema into `$defs` and refer to it with \"#/$defs/...\"";
        return Some((message, Some(hint.to_owned())));
    }
    if document.target(reference).is_some() {
        return None;
    }
    let definitions = ["$defs", "definitions"]
        .iter()
        .filter_map(|place| document.root.get(place)?.as_object());
    let last = steps(&reference[1..]).last().unwrap_or_default();
    let near = nearest(&last, definitions.flat_map(Map::keys).map(String::as_str));
    Some((
        format!("{name} does not exist"),
        near.map(|near| format!("did you mean {near}?")),
    ))
}

fn bad_pattern(pattern: &str) -> Option<Finding> {
    let schema = json!({ "pattern": pattern });
    if jsonschema::options().build(&schema).is_ok() {
        return None;
    }
    // The validator does not name the reason, the regex crate does.
    let error = regex::Regex::new(pattern)
        .err()
        .map(|error| error.to_string());
    let reason = (error.as_deref())
        .and_then(|error| error.lines().last()?.strip_prefix("error: "))
        .map_or_else(String::new, |reason| format!(": {reason}"));
    let name = literal(&pattern.into());
    let message = format!("{name} is not a valid regular expression{reason}");
    let hint = "in JSON a backslash is written twice: \"^\\\\d+$\"";
    Some((message, Some(hint.to_owned())))
}

fn bad_format(format: &str) -> Option<Finding> {
    if format_named(format).is_some()
        || UNCHECKED_FORMATS.contains(&format)
        || format.starts_with("x-")
    {
        return None;
    }
    let names = FORMATS.iter().map(|format| format.name);
    let hint = did_you_mean(format, names.clone())
        .unwrap_or_else(|| format!("known are {}", names.collect::<Vec<_>>().join(", ")));
    let message = format!("unknown format {}", literal(&format.into()));
    Some((message, Some(hint)))
}

fn unknown_keyword(name: &str) -> Finding {
    let old = OLD_NAMES.iter().find(|(old, _)| *old == name);
    let near = || nearest(name, KEYWORDS.iter().map(|(name, _)| *name));
    let hint = (old.map(|(_, now)| format!("use {now}")))
        .or_else(|| near().map(|near| format!("did you mean `{near}`?")))
        .unwrap_or_else(|| {
            "properties belong inside `properties`; keywords of your own begin with `x-`".into()
        });
    let message = format!("unknown keyword {}", literal(&name.into()));
    (message, Some(hint))
}

/// Custom keywords of users begin with `x-`, too; one that is a typo away from ours is reported.
fn mistyped(name: &str) -> Option<Finding> {
    let lower = name.to_lowercase();
    let near = |own: &&&str| strsim::osa_distance(&lower, own) <= 1;
    let meant = [AUTH, GUARD, GENERATED].iter().find(near)?;
    Some((
        format!("unknown keyword {}", literal(&name.into())),
        Some(format!("did you mean `{meant}`?")),
    ))
}

/// A "did you mean" hint for `word`.
pub(super) fn did_you_mean<'n>(
    word: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<String> {
    nearest(word, names).map(|near| format!("did you mean \"{near}\"?"))
}

/// Whether the keyword is standin's own: these have an effect in certain places only.
fn is_own(name: &str) -> bool {
    [UNIQUE, REFERENCES, AUTH, GUARD, GENERATED].contains(&name)
}

/// Reads the rules, and reports what has no effect in them.
pub(super) struct Gatherer<'a> {
    pub document: &'a Document,
    pub id: &'a str,
    problems: &'a mut Vec<SchemaProblem>,
    /// The places at which standin's own keywords have an effect.
    pub used: HashSet<String>,
}

/// Collects the rules: the resources in the order of the file, how users log in, and the guards by resource.
pub(super) fn gather(
    document: &Document,
    id: &str,
    problems: &mut Vec<SchemaProblem>,
) -> (Vec<Gathered>, Option<Auth>, Vec<(String, Access)>) {
    let mut gatherer = Gatherer {
        document,
        id,
        problems,
        used: HashSet::new(),
    };
    if let Some(keywords) = document.root.as_object() {
        let pointer = String::new();
        gatherer.only(AT_ROOT, &Subschema { pointer, keywords }, "at the root");
    }
    let properties = document.root.get("properties").and_then(Value::as_object);
    // `$schema` may be listed for editors; it is not a resource.
    let names: Vec<&str> = (properties.into_iter().flatten())
        .map(|(name, _)| name.as_str())
        .filter(|name| *name != "$schema")
        .collect();
    let auth = gatherer.auth(&names);
    let access = names
        .iter()
        .filter_map(|name| Some((name.to_string(), gatherer.access(name, auth.as_ref())?)))
        .collect();
    let resources: Vec<Gathered> = names
        .iter()
        .filter_map(|name| gatherer.resource(name, auth.as_ref()))
        .collect();
    for resource in &resources {
        gatherer.targets(resource, &resources);
    }
    gatherer.users(auth.as_ref(), &resources);
    gatherer.unused();
    (resources, auth, access)
}

impl Gatherer<'_> {
    pub fn problem(&mut self, pointer: String, message: String, hint: Option<String>) {
        let problem = SchemaProblem::new(pointer, message, hint);
        self.problems.push(problem);
    }

    /// The entry of `known` that `value` names; anything else is reported.
    pub fn one_of<T: Copy>(
        &mut self,
        known: &[(&str, T)],
        value: &Value,
        pointer: String,
    ) -> Option<T> {
        let names = known.iter().map(|(name, _)| *name);
        let text = value.as_str();
        let found = text.and_then(|text| named(known, text));
        if found.is_none() {
            let all = names.clone().collect::<Vec<_>>().join(", ");
            let message = format!("must be one of {all}, got {}", literal(value));
            let hint = text.and_then(|text| did_you_mean(text, names));
            self.problem(pointer, message, hint);
        }
        found
    }

    /// The values of one of our own keywords in `schemas`, with their pointers, which are marked as used.
    pub fn own<'s>(
        &mut self,
        keyword: &str,
        schemas: &[Subschema<'s>],
    ) -> Vec<(String, &'s Value)> {
        let found = schemas.iter().filter_map(|schema| {
            let value = schema.keywords.get(keyword)?;
            Some((join(&schema.pointer, keyword), value))
        });
        let found: Vec<_> = found.collect();
        self.used
            .extend(found.iter().map(|(place, _)| place.clone()));
        found
    }

    /// Reports a key that `keyword` does not have.
    pub fn unknown_key(&mut self, key: &str, keyword: &str, known: &[&str], pointer: String) {
        let hint = did_you_mean(key, known.iter().copied())
            .unwrap_or_else(|| format!("known are {}", known.join(", ")));
        let message = format!("unknown key \"{key}\" of `{keyword}`");
        self.problem(pointer, message, Some(hint));
    }

    /// `value` as a non-empty string; anything else is reported.
    pub fn text<'v>(&mut self, value: &'v Value, pointer: &str) -> Option<&'v str> {
        let text = value.as_str().filter(|text| !text.is_empty());
        if text.is_none() {
            let message = format!("must be a non-empty string, got {}", literal(value));
            self.problem(pointer.to_owned(), message, None);
        }
        text
    }

    /// Reports keywords that would have no effect in `schema`.
    fn only(&mut self, allowed: &[&str], schema: &Subschema<'_>, place: &str) {
        let is_allowed =
            |name: &str| name.starts_with("x-") || is_own(name) || allowed.contains(&name);
        for name in schema.keywords.keys().filter(|name| !is_allowed(name)) {
            let message =
                format!("`{name}` has no effect {place}: standin checks records one by one");
            let hint = "rules for records belong inside `items` of their collection".to_owned();
            self.problem(join(&schema.pointer, name), message, Some(hint));
        }
    }

    fn resource(&mut self, name: &str, auth: Option<&Auth>) -> Option<Gathered> {
        let pointer = join("/properties", name);
        let outer = self.document.schemas(&pointer);
        let is_array = types(&outer).iter().any(|name| name == "array");
        let items = outer
            .iter()
            .find(|schema| schema.keywords.contains_key("items"));
        let (holds, pointer) = match items {
            Some(schema) => (Holds::Records, format!("{}/items", schema.pointer)),
            None if is_array => (Holds::Records, String::new()),
            None => (Holds::Single, pointer),
        };
        if holds == Holds::Records {
            outer
                .iter()
                .for_each(|schema| self.only(AT_COLLECTION, schema, "for a collection"));
        }
        if pointer.is_empty() {
            // An array of anything. Keywords of our own next to it are reported as unused.
            return None;
        }
        let schemas = self.document.schemas(&pointer);
        // The server sets the id of a record.
        let required: Vec<String> = items_of(&schemas, "required")
            .filter_map(Value::as_str)
            .filter(|name| holds == Holds::Single || *name != self.id)
            .map(str::to_owned)
            .collect();
        let properties = self.properties(&schemas, &required);
        let hidden = self.hidden(&schemas, auth.filter(|auth| auth.users == name));
        let references = self.references(&schemas, &properties);
        let unique = match holds {
            Holds::Records => self.unique(&outer, &properties),
            Holds::Single => Vec::new(),
        };
        let id_pointers = property_pointers(&schemas, self.id).collect();
        Some(Gathered {
            resource: name.to_owned(),
            holds,
            properties,
            unique,
            references,
            hidden,
            pointer,
            id_pointers,
            required,
        })
    }

    fn properties(&mut self, schemas: &[Subschema<'_>], required: &[String]) -> Vec<Property> {
        let mut properties: Vec<Property> = Vec::new();
        for name in property_names(schemas) {
            if properties.iter().any(|property| property.name == name) {
                continue;
            }
            let schemas = self.document.property(schemas, name);
            let generated = self.generated(&schemas);
            let keyword = |keyword: &str| all(&schemas, keyword).next();
            let text = |name: &str| keyword(name).and_then(Value::as_str).map(str::to_owned);
            properties.push(Property {
                name: name.to_owned(),
                types: types(&schemas),
                format: text("format"),
                required: required.iter().any(|required| required == name),
                read_only: keyword("readOnly") == Some(&Value::Bool(true)),
                write_only: keyword(WRITE_ONLY) == Some(&Value::Bool(true)),
                default: keyword("default").cloned(),
                generated,
                description: text("description"),
                words: wanted(&schemas),
            });
        }
        properties
    }

    fn references(
        &mut self,
        schemas: &[Subschema<'_>],
        properties: &[Property],
    ) -> Vec<ReferenceRule> {
        let mut references = Vec::new();
        for property in properties {
            let direct = self.document.property(schemas, &property.name);
            let items = self.document.items(&direct);
            for (schemas, many) in [(direct, false), (items, true)] {
                for (pointer, value) in self.own(REFERENCES, &schemas) {
                    references.extend(self.reference(&property.name, many, value, &pointer));
                }
            }
        }
        references
    }

    /// Parses the `references` of a property, or of its items if `many`: the name of a collection, or an object.
    fn reference(
        &mut self,
        property: &str,
        many: bool,
        value: &Value,
        pointer: &str,
    ) -> Option<ReferenceRule> {
        const FORM: &str = "write {\"resource\": \"bands\", \"onDelete\": \"restrict\"}";
        let members = value.as_object();
        let name = members.map_or(Some(value), |members| members.get("resource"));
        let mut on_delete = None;
        for (key, value) in members.into_iter().flatten() {
            let pointer = join(pointer, key);
            match key.as_str() {
                "resource" => {}
                "onDelete" => on_delete = self.one_of(&OnDelete::ALL, value, pointer),
                _ => self.problem(
                    pointer,
                    format!("unknown key \"{key}\" of `references`"),
                    Some(FORM.to_owned()),
                ),
            }
        }
        let found = name.and_then(|name| target(name, self.id));
        if found.is_none() {
            let (message, hint) = match (value.is_object(), name) {
                (true, None) => ("`references` needs \"resource\"".to_owned(), FORM),
                (_, name) => (
                    format!(
                        "must be the name of a collection, got {}",
                        literal(name.unwrap_or(value))
                    ),
                    "write \"bands\", or \"bands/name\" for another property than the id",
                ),
            };
            self.problem(pointer.to_owned(), message, Some(hint.to_owned()));
        }
        let (resource, target) = found?;
        Some(ReferenceRule {
            property: property.to_owned(),
            many,
            resource,
            target,
            on_delete,
        })
    }

    fn unique(&mut self, outer: &[Subschema<'_>], properties: &[Property]) -> Vec<UniqueRule> {
        let mut unique = Vec::new();
        for (pointer, value) in self.own(UNIQUE, outer) {
            let Some(entries) = value.as_array() else {
                let got = literal(value);
                let message = format!("must be an array such as [\"email\"], got {got}");
                self.problem(pointer, message, None);
                continue;
            };
            for (index, entry) in entries.iter().enumerate() {
                let pointer = format!("{pointer}/{index}");
                let names = match entry {
                    Value::Array(names) if !names.is_empty() => names.as_slice(),
                    single => std::slice::from_ref(single),
                };
                let together = names
                    .iter()
                    .filter_map(|name| self.unique_property(name, properties, &pointer));
                unique.push(UniqueRule {
                    properties: together.collect(),
                });
            }
        }
        unique
    }

    fn unique_property(
        &mut self,
        name: &Value,
        properties: &[Property],
        pointer: &str,
    ) -> Option<UniqueProperty> {
        let known = properties.iter().find(|one| *name == one.name);
        if known.is_none() && name != self.id {
            let got = literal(name);
            let (message, hint) = match name.as_str() {
                Some(name) => (
                    format!("{got} is not a property of the records"),
                    did_you_mean(name, properties.iter().map(|one| one.name.as_str())),
                ),
                None => (
                    format!("must be the name of a property, got {got}"),
                    Some("write [\"email\"], or [[\"name\", \"album\"]] for a pair".to_owned()),
                ),
            };
            self.problem(pointer.to_owned(), message, hint);
        }
        Some(UniqueProperty {
            name: name.as_str()?.to_owned(),
            fold_case: known.is_some_and(|one| one.format.as_deref() == Some("email")),
        })
    }

    /// Reports references to a property that the rules of the other collection do not describe.
    fn targets(&mut self, resource: &Gathered, all: &[Gathered]) {
        for reference in &resource.references {
            let place = || join(&join(&resource.pointer, "properties"), &reference.property);
            let other = all
                .iter()
                .find(|other| other.resource == reference.resource);
            let Some(other) = other else {
                continue;
            };
            if other.holds == Holds::Single {
                let message = format!(
                    "references {}, which is not a collection",
                    literal(&reference.resource.as_str().into())
                );
                self.problem(place(), message, None);
                continue;
            }
            let mut names = other.properties.iter().map(|one| one.name.as_str());
            let known =
                reference.target == self.id || names.clone().any(|name| name == reference.target);
            if !known && names.len() > 0 {
                let hint = did_you_mean(&reference.target, &mut names);
                let message = format!(
                    "references `{}`, which is not a property of {}",
                    reference.target, other.resource
                );
                self.problem(place(), message, hint);
            }
        }
    }

    /// Reports standin's own keywords where they have no effect.
    fn unused(&mut self) {
        visit(&self.document.root, "", &mut |pointer, schema| {
            let hides = schema.get(WRITE_ONLY) == Some(&Value::Bool(true));
            let here = join(pointer, WRITE_ONLY);
            if hides && !self.used.contains(&here) {
                let message = "`writeOnly` has no effect here: such a value would be sent";
                let hint = "it belongs in `properties` of a record, or of an object within it";
                let hint = Some(hint.to_owned());
                self.problems.push(SchemaProblem::new(here, message, hint));
            }
            for name in schema.keys().filter(|name| is_own(name)) {
                let here = join(pointer, name);
                let belongs = match name.as_str() {
                    UNIQUE => "it belongs next to `items` of a collection",
                    AUTH => "it belongs at the root, beside `properties`",
                    GUARD => {
                        "it belongs next to `items` of a collection, or in the schema of a single object"
                    }
                    GENERATED => "it belongs in a property of a record",
                    _ => {
                        "it belongs in a property of a record, or in the `items` of one that is an array"
                    }
                };
                if !self.used.contains(&here) {
                    let message = format!("`{name}` has no effect here");
                    let hint = Some(belongs.to_owned());
                    self.problems.push(SchemaProblem::new(here, message, hint));
                }
            }
        });
    }
}

/// The collection and the property in the value of `references`.
fn target(value: &Value, id: &str) -> Option<(String, String)> {
    let text = value.as_str()?;
    let (resource, property) = text.split_once('/').unwrap_or((text, id));
    let plain = !resource.is_empty() && !property.is_empty() && !property.contains('/');
    plain.then(|| (resource.to_owned(), property.to_owned()))
}
