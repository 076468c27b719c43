//! From the text of a rules file to rules.
//!
//! 1. `parse`: the text is JSON, an object, of the right draft.
//! 2. `Walk`: every keyword is known, every reference leads somewhere, every pattern and format can be checked.
//! 3. The meta-schema: every keyword has the value it needs.
//! 4. `gather`: what each resource requires, keeps unique and points to.
//! 5. `checker`: one validator per resource. What is wrong in 2 to 4 is told together.

use std::collections::HashSet;
use std::sync::Arc;

use jsonschema::{Draft, Registry};
use serde_json::{Value, json};

use super::explain::{Checker, Explainer};
use super::gather::{Gathered, gather};
use super::ids::IdRules;
use super::walk::{Problem, Walk};
use super::words::{Sheet, join};
use super::{Holds, Rules, SchemaError, SchemaProblem, budget, example};
use crate::json;

/// The name under which validators know the rules file. Never fetched: it is in their registry.
const BASE: &str = "standin:/rules";
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The file as a value, with references inside it only, and the rules of its resources.
pub(super) fn compile(text: &str, id: &str) -> Result<(Value, Vec<Rules>), SchemaError> {
    let raw = parse(text)?;
    let fail = |problems: Vec<Problem>| Err(SchemaError { problems: placed(problems, text) });
    let mut repeated = Vec::new();
    repeated_names(text.trim_start_matches('\u{feff}'), "", &mut repeated);
    if !repeated.is_empty() {
        return fail(repeated);
    }
    if let Some(problem) = wrong_draft(&raw) {
        return fail(vec![problem]);
    }
    let sheet = Sheet::new(without_base(&raw));
    let mut problems = Walk::new(&sheet).problems();
    let mut resources = Vec::new();
    meta_problems(&raw, &mut problems);
    // Gathering trusts the shape of the keywords, so their values must be right.
    if problems.is_empty() {
        resources = gather(&sheet, id, &mut problems);
    }
    if !problems.is_empty() {
        return fail(problems);
    }
    let (root, pointers) = prepared(&sheet, &resources, id);
    let compiled = Arc::new(Sheet::new(root));
    let registry = Registry::new()
        .draft(Draft::Draft202012)
        .retriever(Offline)
        .add(BASE, &compiled.root)
        .and_then(jsonschema::RegistryBuilder::prepare)
        .map_err(|error| refused("", &error.to_string()));
    let rules: Result<Vec<Rules>, Problem> = registry.and_then(|registry| {
        let both = resources.into_iter().zip(&pointers);
        both.map(|(resource, prepared)| rules(resource, prepared, &compiled, &registry, id)).collect()
    });
    match rules {
        Ok(rules) => Ok((sheet.root, rules)),
        Err(problem) => fail(vec![problem]),
    }
}

fn parse(text: &str) -> Result<Value, SchemaError> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mark = text.len() - body.len();
    json::check(body, json::MAX_DEPTH).map_err(|mut error| {
        error.offset += mark;
        SchemaError::from(error)
    })?;
    let problem = |message: String| SchemaError {
        problems: vec![SchemaProblem { pointer: String::new(), offset: mark, message, hint: None }],
    };
    match serde_json::from_str(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(other) => Err(problem(format!("the rules must be an object, this is {}", super::words::found(&other)))),
        Err(error) => Err(problem(format!("cannot be read as JSON: {error}"))),
    }
}

/// Names that stand twice in an object: of such a pair, parsing keeps one and says nothing. (Objects inside arrays, such
/// as the forms of `oneOf`, are not looked into.)
fn repeated_names(object: &str, pointer: &str, problems: &mut Vec<Problem>) {
    let mut seen = HashSet::new();
    for member in json::members(object) {
        let here = join(pointer, &member.key);
        repeated_names(member.value, &here, problems);
        if !seen.insert(member.key) {
            problems.push(Problem { pointer: here, message: "is written twice".to_owned(), hint: None });
        }
    }
}

fn wrong_draft(raw: &Value) -> Option<Problem> {
    let draft = raw.get("$schema")?;
    if draft.as_str().is_some_and(|draft| draft.trim_end_matches('#') == DRAFT) {
        return None;
    }
    Some(Problem {
        pointer: "/$schema".to_owned(),
        message: format!("rules are JSON Schema 2020-12, this says {}", super::words::literal(draft)),
        hint: Some(format!("write \"$schema\": \"{DRAFT}\"; `definitions` may stay as they are")),
    })
}

/// The schema without its own `$id`: references by that name become local ones, which begin with `#`.
fn without_base(raw: &Value) -> Value {
    let mut root = raw.clone();
    let Some(members) = root.as_object_mut() else { return root };
    members.shift_remove("$schema");
    if let Some(Value::String(base)) = members.shift_remove("$id") {
        let base = base.trim_end_matches('#');
        // A reference may also be relative to the `$id`.
        let file = base.rsplit('/').next().unwrap_or(base);
        shorten(&mut root, &[base, file]);
    }
    root
}

fn shorten(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(members) => {
            for (name, child) in members {
                match child {
                    Value::String(reference) if name == "$ref" || name == "$dynamicRef" => {
                        let (target, fragment) = reference.split_once('#').unwrap_or((reference, ""));
                        let target = target.strip_prefix("./").unwrap_or(target);
                        if !target.is_empty() && names.contains(&target) {
                            *reference = format!("#{fragment}");
                        }
                    }
                    other => shorten(other, names),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| shorten(item, names)),
        _ => {}
    }
}

/// What the meta-schema has to say, except where the walk has said it better.
fn meta_problems(raw: &Value, problems: &mut Vec<Problem>) {
    let validator = jsonschema::draft202012::meta::validator();
    if validator.is_valid(raw) {
        return;
    }
    let nothing = Sheet::default();
    let explainer = Explainer { sheet: &nothing, resource: "the schema", id: None, body: raw };
    for violation in explainer.violations(validator.iter_errors(raw)) {
        if problems.iter().any(|problem| problem.pointer == violation.pointer) {
            continue;
        }
        problems.push(Problem { pointer: violation.pointer, message: violation.detail, hint: None });
    }
}

/// The schema the validators are built from, and where in it the schema of each resource is.
///
/// Records are checked without their id, so the schema of a record gets a copy that does not ask for one.
fn prepared(sheet: &Sheet, resources: &[Gathered], id: &str) -> (Value, Vec<String>) {
    let mut records = Records { sheet, id, copies: Vec::new(), schemas: Vec::new() };
    let pointer = |resource: &Gathered| match resource.holds {
        Holds::Records => records.copy(&resource.pointer),
        Holds::Single => resource.pointer.clone(),
    };
    let pointers = resources.iter().map(pointer).collect();
    let schemas = records.schemas;
    let mut root = sheet.root.clone();
    if let Some(members) = root.as_object_mut().filter(|_| !schemas.is_empty()) {
        members.insert(RECORDS.to_owned(), schemas.into());
    }
    budget::count_references(&mut root);
    (root, pointers)
}

/// Where [`prepared`] keeps the schemas of records without their ids.
const RECORDS: &str = "x-standin-records";

/// Copies schemas of records without what they say of the id.
struct Records<'a> {
    sheet: &'a Sheet,
    id: &'a str,
    /// What has been copied, in the order of `schemas`.
    copies: Vec<String>,
    schemas: Vec<Value>,
}

impl Records<'_> {
    /// Where the copy of the schema at `pointer` is.
    fn copy(&mut self, pointer: &str) -> String {
        let known = self.copies.iter().position(|copied| copied == pointer);
        let place = known.unwrap_or_else(|| {
            let place = self.copies.len();
            self.copies.push(pointer.to_owned());
            self.schemas.push(Value::Null);
            let mut schema = self.sheet.root.pointer(pointer).cloned().unwrap_or(Value::Bool(true));
            without_anchors(&mut schema);
            self.forget_id(&mut schema);
            self.schemas[place] = schema;
            place
        });
        format!("/{RECORDS}/{place}")
    }

    /// Follows the keywords whose schemas apply to the record itself. `not` and `if` stay as they are: a record without
    /// an id does not fit them where they require one.
    fn forget_id(&mut self, schema: &mut Value) {
        let Some(members) = schema.as_object_mut() else { return };
        for (keyword, value) in members {
            match (keyword.as_str(), value) {
                ("required", Value::Array(names)) => names.retain(|name| name != self.id),
                ("const", Value::Object(record)) => drop(record.shift_remove(self.id)),
                ("enum", Value::Array(records)) => {
                    records.iter_mut().filter_map(Value::as_object_mut).for_each(|record| {
                        record.shift_remove(self.id);
                    });
                }
                ("$ref", Value::String(reference)) => {
                    if let Some(target) = self.sheet.target(reference) {
                        *reference = format!("#{}", self.copy(&target));
                    }
                }
                ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => {
                    schemas.iter_mut().for_each(|schema| self.forget_id(schema));
                }
                ("then" | "else", schema) => self.forget_id(schema),
                ("dependentSchemas", Value::Object(schemas)) => {
                    schemas.values_mut().for_each(|schema| self.forget_id(schema));
                }
                _ => {}
            }
        }
    }
}

/// Takes the names out of a copy: they belong to the original.
fn without_anchors(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["$anchor", "$dynamicAnchor"] {
                if members.get(name).is_some_and(Value::is_string) {
                    members.shift_remove(name);
                }
            }
            members.values_mut().for_each(without_anchors);
        }
        Value::Array(items) => items.iter_mut().for_each(without_anchors),
        _ => {}
    }
}

/// What only the validator's own compiler found wrong.
fn refused(pointer: &str, reason: &str) -> Problem {
    Problem { pointer: pointer.to_owned(), message: reason.to_owned(), hint: None }
}

fn rules(
    resource: Gathered,
    prepared: &str,
    sheet: &Arc<Sheet>,
    registry: &Registry<'_>,
    id: &str,
) -> Result<Rules, Problem> {
    let Gathered { resource, holds, pointer, id_pointers, required, properties, unique, references } = resource;
    let reference = |pointer: &str| json!({ "$ref": format!("{BASE}#{}", fragment(pointer)) });
    let build = |schema: Value| {
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_registry(registry)
            .with_retriever(Offline)
            .with_keyword(budget::KEYWORD, budget::keyword)
            .should_validate_formats(true)
            .build(&schema)
            .map_err(|error| refused(&pointer, &error.to_string()))
    };
    let validator = build(reference(prepared))?;
    let own_id = (holds == Holds::Records).then(|| id.to_owned());
    let ids = own_id.as_ref().filter(|_| !id_pointers.is_empty()).map(|id| {
        let all: Vec<Value> = id_pointers.iter().map(|pointer| reference(pointer)).collect();
        let validator = build(json!({ "properties": { id: { "allOf": all } } }))?;
        let layers: Vec<_> = id_pointers.iter().flat_map(|pointer| sheet.layers(pointer)).collect();
        Ok(Arc::new(IdRules::new(validator, id, &layers)))
    });
    let ids = ids.transpose()?;
    let checker = Checker {
        validator,
        ids,
        sheet: Arc::clone(sheet),
        pointer: prepared.to_owned(),
        resource: resource.clone(),
        id: own_id,
    };
    let raw = sheet.root.pointer(&pointer).cloned().unwrap_or(Value::Bool(true));
    let example = example::record(&checker, &required);
    Ok(Rules { resource, holds, raw, properties, unique, references, example, checker })
}

/// A pointer as it stands in the fragment of a reference.
fn fragment(pointer: &str) -> String {
    let mut out = String::with_capacity(pointer.len());
    for byte in pointer.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~$".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Refuses to fetch anything. The walk has refused remote references before; this is the second lock.
struct Offline;

impl jsonschema::Retrieve for Offline {
    fn retrieve(
        &self,
        uri: &jsonschema::Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync + 'static>> {
        Err(format!("standin fetches nothing from the network: {uri}").into())
    }
}

/// The problems with the place of each in the text, in the order of the text.
fn placed(problems: Vec<Problem>, text: &str) -> Vec<SchemaProblem> {
    let mut placed: Vec<SchemaProblem> = problems
        .into_iter()
        .map(|Problem { pointer, message, hint }| SchemaProblem {
            offset: offset_of(text, &pointer),
            pointer,
            message,
            hint,
        })
        .collect();
    placed.sort_by_key(|problem| problem.offset);
    placed.dedup();
    placed
}

/// Where the member at `pointer` stands in the text; where there is none, or it is inside an array, the nearest place
/// around it.
fn offset_of(text: &str, pointer: &str) -> usize {
    let mut value = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut offset = json::offset_in(text, value);
    let steps: Vec<String> = super::words::segments(pointer).collect();
    for step in &steps {
        let Some(member) = json::members(value).filter(|member| member.key == step.as_str()).last() else { break };
        offset = json::offset_in(text, member.raw_key);
        value = member.value;
    }
    offset
}
