//! Tables of properties against answers, records and rules.

use std::ops::Range;

use serde_json::Value;

use super::{Section, TableFinding, rules_name};
use crate::compare::{short, type_name};
use crate::labels;
use crate::page::{Block, Cell, Page, Table};
use crate::words::nearest;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Response,
    RequestBody,
    Resource,
}

pub(super) fn property_columns(table: &Table) -> Option<(usize, usize)> {
    let has = |cell: &Cell, list: &[&str]| labels::words(&cell.text).iter().any(|word| list.contains(&word.as_str()));
    let name =
        table.header.iter().position(|cell| has(cell, &["property", "field", "attribute", "member", "key", "name"]))?;
    let kind = table.header.iter().position(|cell| has(cell, &["type"]))?;
    (name != kind).then_some((name, kind))
}

/// What a property table describes, by the headings and labels above it.
pub(super) fn role(page: &Page, index: usize) -> Option<Role> {
    let heading = page.heading_of(index).unwrap_or(0);
    let texts = page.blocks[heading..index].iter().rev().filter_map(|block| match block {
        Block::Heading(heading) => Some(heading.text.as_str()),
        Block::Prose(prose) => prose.bold.as_deref(),
        _ => None,
    });
    for text in texts {
        let words = labels::words(text);
        let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        if has(&["parameter", "parameters", "header", "headers", "query", "path", "error", "errors"]) {
            return None;
        }
        if has(&["response", "return", "returns", "returned", "result"]) {
            return Some(Role::Response);
        }
        if has(&["request", "body", "payload"]) {
            return Some(Role::RequestBody);
        }
        if has(&["resource", "properties", "schema", "fields", "model", "object", "attributes"]) {
            return Some(Role::Resource);
        }
    }
    None
}

pub(super) fn properties(
    table: &Table,
    name: usize,
    kind: usize,
    role: Role,
    section: &Section<'_>,
) -> Vec<TableFinding> {
    let mut out = Vec::new();
    let rows: Vec<(&Cell, &Cell, &Vec<Cell>)> = table
        .rows
        .iter()
        .filter_map(|row| Some((row.get(name)?, row.get(kind)?, row)))
        .filter(|(cell, _, _)| !matches!(property(cell).to_lowercase().as_str(), "" | "none" | "-" | "n/a"))
        .collect();
    if rows.is_empty() {
        return out;
    }
    match role {
        Role::Response => {
            if let Some((records, whole)) = answered(section) {
                let stored = section.resource.as_deref().and_then(|resource| section.source.records(resource));
                if let (true, true, Some(stored)) = (records.is_empty(), whole.is_array(), stored) {
                    // An empty list shows no record; the database does.
                    let stored: Vec<&Value> = stored.iter().collect();
                    members(&rows, &stored, table, true, "any record", &mut out);
                } else if records.is_empty() {
                    if whole.as_object().is_some_and(serde_json::Map::is_empty) {
                        let text = format!("the table lists {} properties, and the server answers `{{}}`", rows.len());
                        out.push(TableFinding { range: table.range.clone(), text, wrong: true });
                    }
                } else {
                    members(&rows, &records, table, true, "the answer", &mut out);
                }
            }
        }
        Role::Resource => {
            let resource = section.resource.as_deref();
            if let Some(records) = resource.and_then(|resource| section.source.records(resource)) {
                let records: Vec<&Value> = records.iter().collect();
                let place = format!("any record of {}", resource.unwrap_or_default());
                members(&rows, &records, table, true, &place, &mut out);
            }
        }
        Role::RequestBody => sent(&rows, section, &mut out),
    }
    against_rules(table, &rows, role, section, &mut out);
    out
}

/// The records of the section's successful answers, and the last body as it was.
fn answered<'a>(section: &Section<'a>) -> Option<(Vec<Value>, Value)> {
    let bodies = section.examples.iter().filter_map(|one| {
        let answer = one.answer.as_ref().filter(|answer| answer.status < 300)?;
        answer.json()
    });
    let mut records = Vec::new();
    let mut last = None;
    for body in bodies {
        match &body {
            Value::Array(items) => records.extend(items.iter().filter(|item| item.is_object()).cloned()),
            Value::Object(object) if !object.is_empty() => records.push(body.clone()),
            _ => {}
        }
        last = Some(body);
    }
    last.map(|last| (records, last))
}

fn property(cell: &Cell) -> &str {
    cell.text.trim().trim_matches(|c| matches!(c, '`' | '"' | '*' | '\''))
}

fn lookup<'a>(record: &'a Value, name: &str) -> Option<&'a Value> {
    record.get(name).or_else(|| name.split('.').try_fold(record, |value, key| value.get(key.trim_end_matches("[]"))))
}

fn members<R: std::borrow::Borrow<Value>>(
    rows: &[(&Cell, &Cell, &Vec<Cell>)],
    records: &[R],
    table: &Table,
    all: bool,
    place: &str,
    out: &mut Vec<TableFinding>,
) {
    let mut keys: Vec<&str> = Vec::new();
    for key in records.iter().filter_map(|record| record.borrow().as_object()).flat_map(serde_json::Map::keys) {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    for (cell, kind, _) in rows {
        let name = property(cell);
        let values: Vec<&Value> = records.iter().filter_map(|record| lookup(record.borrow(), name)).collect();
        if values.is_empty() {
            let near = nearest(
                name,
                keys.iter().copied().filter(|key| !rows.iter().any(|(cell, _, _)| property(cell) == *key)),
            );
            let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            let text = format!("`{name}` is documented, and not in {place}{near}");
            out.push(TableFinding { range: cell.range.clone(), text, wrong: true });
        } else if let Some(value) = values.iter().find(|value| !is_of_type(value, &kind.text)) {
            let text = format!(
                "`{name}` is documented as {}, and is {} in {place} ({})",
                kind.text.trim(),
                type_name(value),
                short(value)
            );
            out.push(TableFinding { range: kind.range.clone(), text, wrong: true });
        }
    }
    if !all {
        return;
    }
    for key in keys {
        let listed = rows.iter().any(|(cell, _, _)| {
            let name = property(cell);
            name == key || name.split(['.', '[']).next() == Some(key)
        });
        if !listed {
            let near = rows.iter().any(|(cell, _, _)| nearest(key, [property(cell)]).is_some());
            if !near {
                let text = format!("`{key}` is in {place}, and not in the table");
                out.push(TableFinding { range: table.range.clone(), text, wrong: true });
            }
        }
    }
}

/// Whether a value is of a type as tables name it; an unknown name is no promise.
fn is_of_type(value: &Value, named: &str) -> bool {
    let words = labels::words(named);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if value.is_null() {
        return true;
    }
    let mut known = false;
    let mut check = |list: &[&str], met: bool| {
        let named = has(list);
        known |= named;
        named && met
    };
    let met = [
        check(&["array", "list"], value.is_array()),
        check(&["object", "map"], value.is_object()),
        check(&["string", "text", "str", "date", "datetime", "uuid", "email", "url", "uri"], value.is_string()),
        check(&["integer", "int", "long"], value.is_i64() || value.is_u64()),
        check(&["number", "float", "double", "decimal"], value.is_number()),
        check(&["boolean", "bool"], value.is_boolean()),
    ];
    // "array of strings" names two types and means the first.
    !known || met.contains(&true)
}

/// The request body's table against the body that the section's example sends.
fn sent(rows: &[(&Cell, &Cell, &Vec<Cell>)], section: &Section<'_>, out: &mut Vec<TableFinding>) {
    let body = section.examples.iter().find_map(|one| {
        one.answer.as_ref().filter(|answer| answer.status < 300)?;
        let body = one.example.reading.request()?.body.as_deref()?;
        serde_json::from_str::<Value>(body).ok()?.as_object().cloned()
    });
    let Some(body) = body else { return };
    for key in body.keys() {
        if rows.iter().any(|(cell, _, _)| property(cell) == key) {
            continue;
        }
        if let Some((cell, near)) =
            rows.iter().find_map(|(cell, _, _)| nearest(key, [property(cell)]).map(|near| (cell, near)))
        {
            let text = format!("the table says `{near}`, the example sends `{key}`");
            out.push(TableFinding { range: cell.range.clone(), text, wrong: true });
        }
    }
}

fn against_rules(
    table: &Table,
    rows: &[(&Cell, &Cell, &Vec<Cell>)],
    role: Role,
    section: &Section<'_>,
    out: &mut Vec<TableFinding>,
) {
    let required = table.header.iter().position(|cell| labels::words(&cell.text).iter().any(|word| word == "required"));
    let said = |row: &Vec<Cell>| -> Option<(bool, Range<usize>)> {
        let cell = row.get(required?)?;
        let word = cell.text.trim().to_lowercase();
        match word.split(|c: char| !c.is_alphabetic()).next()? {
            "yes" | "true" | "required" | "y" => Some((true, cell.range.clone())),
            "no" | "false" | "optional" | "n" => Some((false, cell.range.clone())),
            _ => None,
        }
    };
    let Some(resource) = section.resource.as_deref() else { return };
    let Some(rules) = section.source.record_rules(resource) else {
        let names: Vec<String> = rows
            .iter()
            .filter(|(_, _, row)| matches!(said(row), Some((true, _))))
            .map(|(cell, _, _)| format!("`{}`", property(cell)))
            .collect();
        if role == Role::RequestBody && !names.is_empty() {
            let text = format!(
                "{} documented as required, and there are no rules for {resource}: the server takes a body without",
                if names.len() == 1 { format!("{} is", names[0]) } else { format!("{} are", names.join(", ")) }
            );
            out.push(TableFinding { range: table.range.clone(), text, wrong: false });
        }
        return;
    };
    let file = rules_name(section.source);
    let demanded: Vec<&str> =
        rules.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    // Whatever the rules say, a record may come without its id.
    let demanded: Vec<&str> = demanded.into_iter().filter(|name| *name != "id").collect();
    // Only what creates or replaces a record must be complete.
    let complete = section.examples.iter().all(|one| one.method != "PATCH");
    for (cell, kind, row) in rows {
        let name = property(cell);
        if let (Some((yes, range)), true) = (said(row), role != Role::Response && complete) {
            let ruled = demanded.contains(&name);
            if yes && !ruled {
                let text = format!("`{name}` is documented as required, and no rule in {file} requires it");
                out.push(TableFinding { range, text, wrong: true });
            } else if !yes && ruled {
                let text = format!("`{name}` is documented as optional, and {file} requires it");
                out.push(TableFinding { range, text, wrong: true });
            }
        }
        let typed = rules
            .get("properties")
            .and_then(|all| all.get(name))
            .and_then(|rule| rule.get("type"))
            .and_then(Value::as_str);
        if let Some(typed) = typed {
            let sample = match typed {
                "string" => Value::String(String::new()),
                "integer" => Value::from(1),
                "number" => Value::from(1.5),
                "boolean" => Value::Bool(true),
                "array" => Value::Array(Vec::new()),
                "object" => Value::Object(serde_json::Map::new()),
                _ => continue,
            };
            let already = out.iter().any(|found| found.range == kind.range);
            if !is_of_type(&sample, &kind.text) && !already {
                let text = format!("`{name}` is documented as {}, and {file} says {typed}", kind.text.trim());
                out.push(TableFinding { range: kind.range.clone(), text, wrong: true });
            }
        }
    }
}
