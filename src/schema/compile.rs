//! Compiles the text of a rules file to a validator per resource.
//!
//! 1. `parse`: the text is a JSON object of the right draft, without duplicate keys.
//! 2. `lint::check_keywords` and the meta-schema: every keyword is known, has the right type of value, and has an
//!    effect.
//! 3. `lint::gather`: collects required properties, unique rules and references of each resource.
//! 4. `rules`: one validator per resource.

use std::collections::HashSet;
use std::sync::Arc;

use jsonschema::{Draft, Registry};
use serde_json::{Map, Value, json};

use super::check::{COUNT, Checker, Messages, count_keyword, count_references, found, literal};
use super::document::{Document, visit_mut};
use super::example::IdRules;
use super::lint::{Gathered, check_keywords, gather};
use super::{DRAFT, Holds, Rules, Schema, SchemaError, SchemaProblem, repair};
use crate::json;
use crate::json::pointer::{fragment, join, steps};

/// The URI of the rules file in the validators' registry.
const BASE: &str = "standin:/rules";

/// The rules of the text.
pub(super) fn compile(text: &str, id: &str) -> Result<Schema, SchemaError> {
    let raw = parse(text)?;
    let mut problems = Vec::new();
    duplicate_keys(text.trim_start_matches('\u{feff}'), "", &mut problems);
    if problems.is_empty() {
        problems.extend(wrong_draft(&raw));
    }
    if !problems.is_empty() {
        return Err(placed(problems, text));
    }
    let document = Document::new(without_base(&raw));
    check_keywords(&document, &mut problems);
    meta_problems(&raw, &mut problems);
    if !problems.is_empty() {
        return Err(placed(problems, text));
    }
    // `gather` relies on the types that the meta-schema has checked.
    let (resources, auth, guards) = gather(&document, id, &mut problems);
    if !problems.is_empty() {
        return Err(placed(problems, text));
    }
    let (root, pointers) = prepared(&document, &resources, id);
    let compiled = Arc::new(Document::new(root));
    let rules = Registry::new()
        .draft(Draft::Draft202012)
        .retriever(Offline)
        .add(BASE, &compiled.root)
        .and_then(jsonschema::RegistryBuilder::prepare)
        .map_err(|error| SchemaProblem::new("", error, None))
        .and_then(|registry| {
            let both = resources.into_iter().zip(&pointers);
            both.map(|(resource, prepared)| rules(resource, prepared, &compiled, &registry, id))
                .collect()
        });
    match rules {
        Ok(rules) => Ok(Schema {
            rules,
            auth,
            guards,
            document,
        }),
        Err(problem) => Err(placed(vec![problem], text)),
    }
}

fn parse(text: &str) -> Result<Value, SchemaError> {
    let body = text.trim_start_matches('\u{feff}');
    json::check(body, json::MAX_DEPTH).map_err(|error| {
        let mut problem = SchemaProblem::new("", error.message, error.hint);
        problem.offset = json::offset_in(text, body) + error.offset;
        SchemaError {
            problems: vec![problem],
        }
    })?;
    let message = match serde_json::from_str(body) {
        Ok(value @ Value::Object(_)) => return Ok(value),
        Ok(other) => format!("the rules must be a JSON object, got {}", found(&other)),
        Err(error) => error.to_string(),
    };
    Err(placed(vec![SchemaProblem::new("", message, None)], text))
}

/// Reports duplicate keys, of which the parser keeps only the last. (Objects inside arrays are not searched.)
fn duplicate_keys(object: &str, pointer: &str, problems: &mut Vec<SchemaProblem>) {
    let mut seen = HashSet::new();
    for member in json::members(object) {
        let here = join(pointer, &member.key);
        duplicate_keys(member.value, &here, problems);
        if !seen.insert(member.key) {
            problems.push(SchemaProblem::new(here, "duplicate key", None));
        }
    }
}

fn wrong_draft(raw: &Value) -> Option<SchemaProblem> {
    let draft = raw.get("$schema")?;
    // A file name here is for the editor; the drafts have URLs.
    let is_allowed = |draft: &str| draft.trim_end_matches('#') == DRAFT || !draft.contains("://");
    if draft.as_str().is_some_and(is_allowed) {
        return None;
    }
    let got = literal(draft);
    let message = format!("the rules must be JSON Schema 2020-12, got {got}");
    let hint = format!("write \"$schema\": \"{DRAFT}\"; `definitions` may stay as they are");
    Some(SchemaProblem::new("/$schema", message, Some(hint)))
}

/// The schema without its `$id`: references to it become local ones, which begin with `#`.
fn without_base(raw: &Value) -> Value {
    let mut root = raw.clone();
    let Some(members) = root.as_object_mut() else {
        return root;
    };
    members.shift_remove("$schema");
    let Some(Value::String(base)) = members.shift_remove("$id") else {
        return root;
    };
    let base = base.trim_end_matches('#');
    // A reference may also be relative to the `$id`.
    let file = base.rsplit('/').next().unwrap_or(base);
    visit_mut(&mut root, &mut |schema| {
        for keyword in ["$ref", "$dynamicRef"] {
            let Some(Value::String(reference)) = schema.get_mut(keyword) else {
                continue;
            };
            let (target, fragment) = reference.split_once('#').unwrap_or((reference, ""));
            let target = target.strip_prefix("./").unwrap_or(target);
            if !target.is_empty() && [base, file].contains(&target) {
                *reference = format!("#{fragment}");
            }
        }
    });
    root
}

/// Reports the errors of the meta-schema, unless there is a better message already.
fn meta_problems(raw: &Value, problems: &mut Vec<SchemaProblem>) {
    let validator = jsonschema::draft202012::meta::validator();
    if validator.is_valid(raw) {
        return;
    }
    let messages = Messages {
        document: &Document::default(),
        id: None,
        body: raw,
    };
    for violation in messages.violations(validator.iter_errors(raw)) {
        if (problems.iter()).all(|known| known.pointer != violation.pointer) {
            problems.push(SchemaProblem::new(
                violation.pointer,
                violation.detail,
                None,
            ));
        }
    }
}

/// The schema that the validators are built from, and where in it the schema of each resource is.
///
/// Records are checked without their id, so each record schema is copied without the rules for the id.
fn prepared(document: &Document, resources: &[Gathered], id: &str) -> (Value, Vec<String>) {
    let mut records = Records {
        document,
        id,
        copies: Vec::new(),
    };
    let pointer = |resource: &Gathered| match resource.holds {
        Holds::Records => records.copy(&resource.pointer),
        Holds::Single => resource.pointer.clone(),
    };
    let pointers = resources.iter().map(pointer).collect();
    let copies = records.copies.into_iter().enumerate();
    let copies: Map<String, Value> = copies
        .map(|(number, (_, copy))| (format!("{COPY}{number}"), copy))
        .collect();
    let mut root = document.root.clone();
    let members = root.as_object_mut();
    let definitions = members.map(|root| root.entry("$defs").or_insert_with(|| json!({})));
    if let Some(Value::Object(definitions)) = definitions {
        definitions.extend(copies);
    }
    count_references(&mut root);
    (root, pointers)
}

/// The prefix of the copies of [`prepared`] in `$defs`.
const COPY: &str = "x-standin-record-";

/// Copies schemas of records without the rules for the id.
struct Records<'a> {
    document: &'a Document,
    id: &'a str,
    /// The pointers of the originals, and the copies.
    copies: Vec<(String, Value)>,
}

impl Records<'_> {
    /// The pointer to the copy of the schema at `pointer`; makes the copy if there is none.
    fn copy(&mut self, pointer: &str) -> String {
        let known = self
            .copies
            .iter()
            .position(|(original, _)| original == pointer);
        let place = known.unwrap_or_else(|| {
            let place = self.copies.len();
            self.copies.push((pointer.to_owned(), Value::Null));
            let mut schema = self.document.at(pointer);
            // Anchors belong to the original.
            visit_mut(&mut schema, &mut |schema| {
                schema.retain(|name, _| name != "$anchor" && name != "$dynamicAnchor")
            });
            self.forget_id(&mut schema);
            self.copies[place].1 = schema;
            place
        });
        format!("/$defs/{COPY}{place}")
    }

    /// Removes the rules for the id, also in the schemas that apply to the record itself, except in `not` and `if`,
    /// which a record without an id would not match if they require one.
    fn forget_id(&mut self, schema: &mut Value) {
        let Some(members) = schema.as_object_mut() else {
            return;
        };
        for (keyword, value) in members {
            match (keyword.as_str(), value) {
                ("required", Value::Array(names)) => names.retain(|name| name != self.id),
                ("const", Value::Object(record)) => drop(record.shift_remove(self.id)),
                ("enum", Value::Array(records)) => {
                    for record in records.iter_mut().filter_map(Value::as_object_mut) {
                        record.shift_remove(self.id);
                    }
                }
                ("$ref", Value::String(reference)) => {
                    if let Some(target) = self.document.target(reference) {
                        *reference = format!("#{}", self.copy(&target));
                    }
                }
                ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => {
                    schemas.iter_mut().for_each(|schema| self.forget_id(schema));
                }
                ("dependentSchemas", Value::Object(schemas)) => {
                    (schemas.values_mut()).for_each(|schema| self.forget_id(schema));
                }
                ("then" | "else", schema) => self.forget_id(schema),
                _ => {}
            }
        }
    }
}

fn rules(
    gathered: Gathered,
    prepared: &str,
    document: &Arc<Document>,
    registry: &Registry<'_>,
    id: &str,
) -> Result<Rules, SchemaProblem> {
    let reference = |pointer: &str| json!({ "$ref": format!("{BASE}#{}", fragment(pointer)) });
    let build = |schema: Value| {
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_registry(registry)
            .with_retriever(Offline)
            .with_keyword(COUNT, count_keyword)
            .should_validate_formats(true)
            .build(&schema)
            .map_err(|error| SchemaProblem::new(&gathered.pointer, error, None))
    };
    let validator = build(reference(prepared))?;
    let own_id = (gathered.holds == Holds::Records).then(|| id.to_owned());
    let places = &gathered.id_pointers;
    let mut ids = None;
    if let (Some(id), false) = (&own_id, places.is_empty()) {
        let every: Vec<_> = places.iter().map(|one| reference(one)).collect();
        let validator = Arc::new(build(json!({ "properties": { id: { "allOf": every } } }))?);
        let schemas: Vec<_> = (places.iter())
            .flat_map(|one| document.schemas(one))
            .collect();
        ids = Some(Arc::new(IdRules::new(validator, id, &schemas)));
    }
    let checker = Checker {
        validator,
        id_validator: ids.as_ref().map(|ids| Arc::clone(&ids.validator)),
        id: own_id,
        document: Arc::clone(document),
        pointer: prepared.to_owned(),
    };
    Ok(Rules {
        resource: gathered.resource,
        holds: gathered.holds,
        properties: gathered.properties,
        unique: gathered.unique,
        references: gathered.references,
        hidden: gathered.hidden,
        raw: document.at(&gathered.pointer),
        ids,
        example: repair::example_record(&checker, &gathered.required),
        checker,
    })
}

/// Refuses to fetch anything, although remote references have been reported before.
struct Offline;

impl jsonschema::Retrieve for Offline {
    fn retrieve(
        &self,
        uri: &jsonschema::Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync + 'static>> {
        Err(format!("standin fetches nothing from the network: {uri}").into())
    }
}

/// The problems in the order of the text, each with its offset.
fn placed(mut problems: Vec<SchemaProblem>, text: &str) -> SchemaError {
    problems
        .iter_mut()
        .for_each(|problem| problem.offset = offset_of(text, &problem.pointer));
    problems.sort_by_key(|problem| problem.offset);
    problems.dedup();
    SchemaError { problems }
}

/// The offset of the key at `pointer`, or of the nearest key around it.
fn offset_of(text: &str, pointer: &str) -> usize {
    let mut value = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut offset = json::offset_in(text, value);
    for step in steps(pointer) {
        let Some(member) = json::members(value)
            .filter(|member| member.key == step)
            .last()
        else {
            break;
        };
        offset = json::offset_in(text, member.raw_key);
        value = member.value;
    }
    offset
}
