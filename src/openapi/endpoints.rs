//! The endpoints that the routes file declares, and the guards, failures and limits that it puts around others.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::access;
use super::paths::{answer, problem_content};
use crate::behaviour::{Answer, How, Mode, RoutesFile, Rule, Verb, What};
use crate::problems::{BAD_QUERY, LIMIT, TEMPLATE};

const VERBS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The tag of declared endpoints.
const TAG: &str = "routes file";

/// Adds to `document` what `routes` say.
pub(super) fn add(document: &mut Value, routes: &RoutesFile) {
    let mut schemes = Map::new();
    let rules: Vec<&Rule> = routes.rules().collect();
    if rules.iter().any(|rule| rule.answer.is_some())
        && let Some(tags) = document["tags"].as_array_mut()
    {
        tags.push(json!({ "name": TAG }));
    }
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    // The most specific rules come last, and have the last word.
    for rule in rules.iter().rev() {
        if let Some(answer) = &rule.answer {
            add_answer(paths, rule, answer);
        }
    }
    for (path, item) in paths.iter_mut() {
        let segments: Vec<Cow<'_, str>> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(Cow::Borrowed)
            .collect();
        for verb in VERBS {
            let Some(operation) = item.get_mut(verb).filter(|one| one.is_object()) else {
                continue;
            };
            let method = verb.to_uppercase();
            for rule in rules.iter().filter(|rule| rule.matches(&method, &segments)) {
                add_around(operation, rule, verb, &mut schemes);
            }
        }
    }
    let known = &mut document["components"]["securitySchemes"];
    match known.as_object_mut() {
        Some(known) => known.extend(schemes),
        None if !schemes.is_empty() => *known = schemes.into(),
        None => {
            if let Some(components) = document["components"].as_object_mut() {
                components.remove("securitySchemes");
            }
        }
    }
}

/// What holds around an operation, whoever answers.
fn add_around(operation: &mut Value, rule: &Rule, verb: &str, schemes: &mut Map<String, Value>) {
    if let Some(guard) = &rule.guard {
        access::guard(operation, guard.of(verb == "get"), schemes);
    }
    let mut more = Map::new();
    if rule.limit.is_some()
        && let Value::Object(limited) = answer(&[], &[LIMIT])
    {
        more.extend(limited);
    }
    if let Some(fail) = &rule.fail
        && let How::Status { status, body, .. } = &fail.how
    {
        let mut failure = json!({ "description": "A failure on demand." });
        failure["content"] = match body {
            Some(body) => json_content(body.fixed()),
            None => problem_content(),
        };
        more.insert(status.to_string(), failure);
    }
    for (status, response) in more {
        let known = &mut operation["responses"][status];
        if known.is_null() {
            *known = response;
        }
    }
}

/// JSON; `fixed` is the text, if it is always the same.
fn json_content(fixed: Option<&str>) -> Value {
    let mut content = json!({ "schema": {} });
    if let Some(fixed) = fixed {
        content["example"] = serde_json::from_str(fixed).unwrap_or_default();
    }
    json!({ "application/json": content })
}

fn add_answer(paths: &mut Map<String, Value>, rule: &Rule, own: &Answer) {
    let Some((path, parameters)) = template(&rule.key) else {
        return;
    };
    // The same path may have other names for its parameters.
    let shape = |path: &str| -> Vec<String> {
        let parts = path.split('/').map(|part| match part.starts_with('{') {
            true => "{}".to_string(),
            false => part.to_lowercase(),
        });
        parts.collect()
    };
    let known = paths.keys().find(|known| shape(known) == shape(&path));
    let (path, is_known) = match known {
        Some(known) => (known.clone(), true),
        None => (path, false),
    };
    let verbs: Vec<String> = match rule.method() {
        Some("HEAD") => return,
        Some(method) => vec![method.to_lowercase()],
        None => VERBS.map(String::from).to_vec(),
    };
    for verb in verbs {
        let before = paths.get(&path).and_then(|item| item.get(&verb)).cloned();
        let operation = match (&own.what, before) {
            (What::Api(Mode::Upsert), Some(mut before)) if verb == "put" => {
                let mut made = before["responses"]["200"].clone();
                made["description"] = "The new record.".into();
                before["responses"]["201"] = made;
                before
            }
            (What::Api(Mode::Bulk), None) if is_known && matches!(&*verb, "patch" | "delete") => {
                bulk(&paths[&path]["get"], rule, &verb)
            }
            (What::Api(_), _) => continue,
            // With a condition it is one of several answers.
            (_, Some(mut before)) if rule.has_conditions() => {
                let (status, response) = response(own);
                let known = &mut before["responses"][status];
                if known.is_null() {
                    *known = response;
                }
                before
            }
            _ => operation(rule, own, &verb),
        };
        let is_new = !paths.contains_key(&path);
        let item = paths.entry(path.as_str()).or_insert_with(|| json!({}));
        if is_new && !parameters.is_empty() {
            item["parameters"] = parameters.iter().map(parameter).collect();
        }
        item[verb] = operation;
    }
}

fn parameter(name: &String) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } })
}

/// The path of a rule as OpenAPI writes it, and the names of its parameters; `None` where it has any number of segments.
fn template(key: &str) -> Option<(String, Vec<String>)> {
    let path = key.split_whitespace().last()?;
    let (mut made, mut names) = (String::new(), Vec::new());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let name = match segment {
            "**" => return None,
            "*" => Some(format!("segment{}", names.len() + 1)),
            _ => segment.strip_prefix(':').map(str::to_string),
        };
        match name {
            Some(name) => {
                made.push_str(&format!("/{{{name}}}"));
                names.push(name);
            }
            None => made.push_str(&format!("/{segment}")),
        }
    }
    Some((if made.is_empty() { "/".into() } else { made }, names))
}

fn operation(rule: &Rule, own: &Answer, verb: &str) -> Value {
    let (status, good) = response(own);
    let mut operation = json!({
        "operationId": id(rule, verb),
        "summary": format!("Answered by the rule {:?}", rule.key),
        "tags": [TAG],
        "responses": answer(&[], &[TEMPLATE]),
    });
    operation["responses"][status] = good;
    if matches!(verb, "post" | "put" | "patch") {
        operation["requestBody"] = json!({ "content": { "application/json": { "schema": {} } } });
    }
    operation
}

/// A change of all records that a query selects. `list` is the operation that lists them.
fn bulk(list: &Value, rule: &Rule, verb: &str) -> Value {
    let mut operation = json!({
        "operationId": id(rule, verb),
        "summary": if verb == "patch" { "Change all records that the query selects" } else { "Delete all records that the query selects" },
        "tags": list["tags"],
        "parameters": list["parameters"],
        "responses": answer(&[(200, json!({
            "description": "The records.",
            "content": { "application/json": { "schema": list["responses"]["200"]["content"]["application/json"]["schema"] } },
        }))], &[BAD_QUERY]),
    });
    if verb == "patch" {
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": { "type": "object" } } } });
    }
    operation
}

fn id(rule: &Rule, verb: &str) -> String {
    let words = rule.key.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words
        .filter(|word| !word.is_empty() && *word != verb.to_uppercase())
        .collect();
    format!("{verb}_{}", words.join("_"))
}

/// The status and the response.
fn response(own: &Answer) -> (String, Value) {
    let (usual, description, content) = match &own.what {
        What::Body(None) => (200, "No body.", None),
        What::Body(Some(body)) => (
            200,
            "The body that the rule declares.",
            Some(json_content(body.fixed())),
        ),
        What::File(_) => (200, "A file.", Some(json!({ "*/*": {} }))),
        What::Redirect(_) => (302, "A redirect.", None),
        What::Actions(actions, body) => {
            let adds = actions.last().is_some_and(|last| last.verb == Verb::Post);
            let fixed = body.as_ref().and_then(|body| body.fixed());
            (
                if adds { 201 } else { 200 },
                "The record that was written last, or the body that the rule declares.",
                Some(json_content(fixed)),
            )
        }
        What::Api(_) => (200, "The response of the API.", None),
    };
    let mut response = json!({ "description": description });
    if let Some(content) = content {
        response["content"] = content;
    }
    (own.status.unwrap_or(usual).to_string(), response)
}
