//! Adapts the OpenAPI document to a profile.

use serde_json::{Map, Value, json};

use super::{Profile, whole};
use crate::problems::KINDS;
use crate::store::{Data, Store};

const VERBS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// The values that templates wrap.
#[derive(Default)]
struct Parts<'p> {
    resource: &'p str,
    /// Schemas of a record, of an item of a list, and of the list's items.
    record: Value,
    item: Value,
    items: Value,
}

impl Profile {
    /// Changes `document`, which describes the API of `store` without a profile.
    pub(in crate::http) fn describe(&self, document: &mut Value, store: &Store) {
        let schemas = document["components"]["schemas"].as_object_mut();
        for (name, schema) in schemas.into_iter().flatten() {
            if name != "Problem" {
                self.rename_properties(schema);
            }
        }
        for item in document["paths"].as_object_mut().into_iter().flatten() {
            for verb in VERBS {
                let Some(operation) = item.1.get_mut(verb).filter(|one| one.is_object()) else {
                    continue;
                };
                self.describe_errors(operation);
                let name = operation["tags"][0].as_str().unwrap_or_default();
                let resource = store.resource(name);
                let shaped = resource.filter(|one| !matches!(one.data(), Data::Scalar(_)));
                if let Some(resource) = shaped {
                    self.describe_parameters(operation);
                    self.describe_body(operation);
                    self.describe_responses(operation, verb, resource.name());
                }
            }
        }
    }

    /// The properties of the records as clients see them.
    fn rename_properties(&self, schema: &mut Value) {
        let Some(case) = self.case else {
            return;
        };
        match schema {
            Value::Object(members) => {
                for (name, member) in members.iter_mut() {
                    match (name.as_str(), &mut *member) {
                        ("properties", Value::Object(properties)) => {
                            let all = std::mem::take(properties).into_iter();
                            *properties = all.map(|(name, one)| (case.of(&name), one)).collect();
                        }
                        ("required", Value::Array(names)) => {
                            for name in names {
                                *name = case.of(name.as_str().unwrap_or_default()).into();
                            }
                        }
                        ("example" | "examples" | "default" | "enum" | "const", value) => {
                            *value = self.cased(value);
                        }
                        _ => {}
                    }
                    self.rename_properties(member);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|one| self.rename_properties(one)),
            _ => {}
        }
    }

    fn describe_errors(&self, operation: &mut Value) {
        let Some(responses) = operation["responses"].as_object_mut() else {
            return;
        };
        for (name, status) in &self.status {
            let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
                continue;
            };
            let text = format!("{} (`{name}`).", kind.title);
            let old = responses.get(&kind.status.to_string());
            let is_here = old.and_then(|old| old["description"].as_str());
            if is_here.is_some_and(|all| all.contains(text.trim_end_matches('.'))) {
                let content =
                    json!({ PROBLEM: { "schema": { "$ref": "#/components/schemas/Problem" } } });
                let new = json!({ "description": text, "content": content });
                responses.entry(status.to_string()).or_insert(new);
            }
        }
        let Some(error) = &self.error else {
            return;
        };
        for (_, response) in responses {
            let content = response["content"].as_object_mut();
            if content.is_some_and(|content| content.remove(PROBLEM).is_some()) {
                let schema = schema_of(error, &Parts::default());
                response["content"][self.media_type()] = json!({ "schema": schema });
            }
        }
    }

    fn describe_parameters(&self, operation: &mut Value) {
        for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
            let ours = parameter["name"].as_str().unwrap_or_default().to_string();
            if ours == "_page" {
                parameter["schema"]["minimum"] = self.first_page.into();
            }
            let theirs = self.query.iter().find(|(_, known)| **known == ours);
            // Paths are not renamed in a query, only fields.
            let is_field = parameter["style"] == "deepObject" && !ours.contains('.');
            parameter["name"] = match (theirs, self.case) {
                (Some((theirs, _)), _) => theirs.as_str().into(),
                (None, Some(case)) if is_field => case.of(&ours).into(),
                (None, _) => ours.into(),
            };
        }
    }

    fn describe_body(&self, operation: &mut Value) {
        let Some(content) = operation["requestBody"]["content"].as_object_mut() else {
            return;
        };
        let path = self.envelope();
        for (_, content) in content.iter_mut() {
            let schema = content["schema"].take();
            content["schema"] = path.iter().rev().fold(schema, |inner, key| {
                json!({ "type": "object", "properties": { key: inner }, "required": [key] })
            });
            if let Some(example) = content.get_mut("example") {
                let inner = self.cased(example);
                let wrap = |inner, key: &String| json!({ key: inner });
                *example = path.iter().rev().fold(inner, wrap);
            }
        }
        if let Some(json) = content.get(JSON).cloned() {
            content.insert(self.media_type().into(), json);
        }
    }

    fn describe_responses(&self, operation: &mut Value, verb: &str, resource: &str) {
        let Some(responses) = operation["responses"].as_object_mut() else {
            return;
        };
        let event = match verb {
            "post" => "create",
            "delete" => "delete",
            _ => "",
        };
        for status in ["200", "201"] {
            let Some(mut response) = responses.remove(status) else {
                continue;
            };
            let new = self.status(event).map(|status| status.to_string());
            let new = new.unwrap_or_else(|| status.into());
            if let Some(members) = response.as_object_mut().filter(|_| new == "204") {
                members.remove("content");
            } else if let Some(content) = response["content"].as_object_mut()
                && let Some(mut json) = content.remove(JSON)
            {
                if verb != "delete" {
                    self.describe_content(&mut json, verb, resource);
                }
                content.insert(self.media_type().into(), json);
            }
            responses.insert(new, response);
        }
    }

    /// The content of a response with one record or a list.
    fn describe_content(&self, content: &mut Value, verb: &str, resource: &str) {
        let schema = content["schema"].take();
        let is_list = schema["type"] == "array";
        let mut parts = Parts {
            resource,
            record: if is_list {
                schema["items"].clone()
            } else {
                schema.clone()
            },
            ..Parts::default()
        };
        let shaped = |template: &Option<Value>, usual: &Value, parts: &Parts<'_>| match template {
            Some(template) => schema_of(template, parts),
            None => usual.clone(),
        };
        parts.item = shaped(&self.item, &parts.record, &parts);
        parts.items = json!({ "type": "array", "items": parts.item });
        let template = match is_list {
            // The response of a bulk change has no envelope.
            true if verb != "get" => &None,
            true => &self.list,
            false => &self.record,
        };
        content["schema"] = match is_list {
            true => shaped(template, &parts.items, &parts),
            false => shaped(template, &parts.item, &parts),
        };
        if template.is_some() || self.item.is_some() {
            content
                .as_object_mut()
                .map(|content| content.remove("example"));
        } else if let Some(example) = content.get_mut("example") {
            *example = self.cased(example);
        }
    }

    fn media_type(&self) -> &str {
        let kind = self.content_type.as_deref().unwrap_or(JSON);
        kind.split(';').next().unwrap_or(kind).trim()
    }
}

/// The schema of the result of `template`.
fn schema_of(template: &Value, parts: &Parts<'_>) -> Value {
    match template {
        Value::String(text) => match whole(text) {
            Some(expression) => {
                schema_of_expression(expression, parts).unwrap_or_else(|| json!({}))
            }
            None if text.contains("{{") => json!({ "type": "string" }),
            None => json!({ "const": text }),
        },
        // An undefined item is left out.
        Value::Array(_) => json!({ "type": "array" }),
        Value::Object(members) => {
            let (mut properties, mut required) = (Map::new(), Vec::new());
            for (name, value) in members {
                let name = match whole(name) {
                    Some("resource") => parts.resource,
                    _ if name.contains("{{") => continue,
                    _ => name,
                };
                // An undefined member is left out.
                let is_there = match value.as_str().and_then(whole) {
                    Some(expression) => schema_of_expression(expression, parts).is_some(),
                    None => true,
                };
                if is_there {
                    required.push(name);
                }
                properties.insert(name.into(), schema_of(value, parts));
            }
            json!({ "type": "object", "properties": properties, "required": required })
        }
        other => json!({ "const": other }),
    }
}

/// The schema of what always has a value; `None`: it may have none, or is computed.
fn schema_of_expression(expression: &str, parts: &Parts<'_>) -> Option<Value> {
    Some(match expression {
        "record" => parts.record.clone(),
        "item" => parts.item.clone(),
        "items" => parts.items.clone(),
        "total" | "page" | "pages" | "size" | "problem.status" => json!({ "type": "integer" }),
        "from" | "to" => json!({ "type": ["integer", "null"] }),
        "next" | "prev" => json!({ "type": ["string", "null"] }),
        "first" | "last" | "current" | "path" | "url" | "resource" | "problem.title"
        | "problem.detail" => {
            json!({ "type": "string" })
        }
        _ if expression.starts_with("dict(") || expression.starts_with("record | without(") => {
            json!({ "type": "object" })
        }
        _ => return None,
    })
}
