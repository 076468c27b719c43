//! Tables are promises too: properties are compared with real records and with
//! the rules, statuses with what the rules can produce.

use std::ops::Range;

use serde_json::Value;

use super::data::Source;
use super::explain::nearest;
use super::labels;
use super::page::{Block, Cell, Page, Table};
use super::run::Judged;
use super::status::{code, section, status_column};
use super::url;

/// A table that was held against the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableReport {
    /// Where the table stands in the page.
    pub range: Range<usize>,
    /// `properties` or `statuses`.
    pub kind: &'static str,
    /// The resource it speaks of, as far as is known.
    pub resource: Option<String>,
    /// What it promises and the server does not keep.
    pub findings: Vec<TableFinding>,
}

/// A row that is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFinding {
    /// The place in the page.
    pub range: Range<usize>,
    /// A sentence without a full stop.
    pub text: String,
    /// Whether it is a contradiction; else a promise that nothing backs.
    pub wrong: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Response,
    RequestBody,
    Resource,
}

/// What is known about a table's section.
struct Section<'a> {
    source: &'a Source,
    resource: Option<String>,
    examples: Vec<&'a Judged>,
}

/// Holds every table of a page against the server.
#[must_use]
pub fn check(page: &Page, judged: &[Judged], source: Option<&Source>) -> Vec<TableReport> {
    let Some(source) = source else { return Vec::new() };
    let mut out = Vec::new();
    for (index, block) in page.blocks.iter().enumerate() {
        let Block::Table(table) = block else { continue };
        let range = section(page, index);
        let mut examples: Vec<&Judged> = judged.iter().filter(|one| range.contains(&one.example.fence)).collect();
        // A section of its own speaks of the whole page, if the page is about one thing.
        if examples.is_empty() && one_endpoint(judged, source) {
            examples = judged.iter().collect();
        }
        let resource =
            examples.iter().find_map(|one| resource_of(one, source)).or_else(|| named_resource(page, &range, source));
        let section = Section { source, resource, examples };
        let (kind, findings) = if let Some(column) = status_column(table) {
            ("statuses", statuses(page, index, table, column, &section))
        } else if let Some((name, kind)) = property_columns(table) {
            match role(page, index) {
                Some(role) => ("properties", properties(table, name, kind, role, &section)),
                None => continue,
            }
        } else {
            continue;
        };
        out.push(TableReport { range: table.range.clone(), kind, resource: section.resource, findings });
    }
    out
}

/// Whether all examples of a page ask the same resource in the same way.
fn one_endpoint(judged: &[Judged], source: &Source) -> bool {
    let mut kinds =
        judged.iter().filter(|one| !one.method.is_empty()).map(|one| (&one.method, resource_of(one, source)));
    match kinds.next() {
        Some((method, Some(resource))) => kinds.all(|(other, of)| other == method && of.as_ref() == Some(&resource)),
        _ => false,
    }
}

fn resource_of(judged: &Judged, source: &Source) -> Option<String> {
    let path = url::path_of(&judged.target);
    let known = source.resources();
    url::segments(path).into_iter().rev().find(|part| known.contains(&part.as_str()))
}

/// A resource named by an endpoint fence or by the headings of a section.
fn named_resource(page: &Page, range: &Range<usize>, source: &Source) -> Option<String> {
    let known = source.resources();
    page.blocks[range.clone()].iter().find_map(|block| match block {
        Block::Fence(fence) => {
            let text = fence.content.trim();
            (!text.contains('\n') && text.contains('/'))
                .then(|| url::segments(url::path_of(text)).into_iter().next())
                .flatten()
                .filter(|part| known.contains(&part.as_str()))
        }
        Block::Heading(heading) => {
            let words = labels::words(&heading.text);
            known
                .iter()
                .find(|name| words.iter().any(|word| word == *name || format!("{word}s") == **name))
                .map(|name| (*name).to_owned())
        }
        _ => None,
    })
}

fn property_columns(table: &Table) -> Option<(usize, usize)> {
    let has = |cell: &Cell, list: &[&str]| labels::words(&cell.text).iter().any(|word| list.contains(&word.as_str()));
    let name =
        table.header.iter().position(|cell| has(cell, &["property", "field", "attribute", "member", "key", "name"]))?;
    let kind = table.header.iter().position(|cell| has(cell, &["type"]))?;
    (name != kind).then_some((name, kind))
}

/// What a property table describes, by the headings and labels above it.
fn role(page: &Page, index: usize) -> Option<Role> {
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

fn properties(table: &Table, name: usize, kind: usize, role: Role, section: &Section<'_>) -> Vec<TableFinding> {
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
                super::compare::type_name(value),
                super::compare::short(value)
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
            let near = rows.iter().any(|(cell, _, _)| nearest(key, std::iter::once(property(cell))).is_some());
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
            rows.iter().find_map(|(cell, _, _)| nearest(key, std::iter::once(property(cell))).map(|near| (cell, near)))
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

fn rules_name(source: &Source) -> String {
    let path = source.database.schema_path.as_ref();
    let name = path.and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| {
        let stem = source.database.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        format!("{}.schema.json", stem.unwrap_or_else(|| "db".to_owned()))
    })
}

/// Rows of a status table that nothing can produce.
fn statuses(page: &Page, index: usize, table: &Table, column: usize, section: &Section<'_>) -> Vec<TableFinding> {
    let mut out = Vec::new();
    let Some(resource) = section.resource.as_deref() else { return out };
    // A troubleshooting table lists what a reader may meet, and promises less.
    let trouble = table.header.iter().any(|cell| {
        labels::words(&cell.text).iter().any(|word| matches!(word.as_str(), "problem" | "solution" | "cause" | "fix"))
    });
    let methods: Vec<&str> = {
        let mut methods: Vec<&str> =
            section.examples.iter().map(|one| one.method.as_str()).filter(|method| !method.is_empty()).collect();
        methods.dedup();
        methods
    };
    if methods.is_empty() {
        return out;
    }
    let item = section.examples.iter().any(|one| {
        let parts = url::segments(url::path_of(&one.target));
        parts.iter().position(|part| part == resource).is_some_and(|at| parts.len() > at + 1)
    });
    let writes = methods.iter().any(|method| matches!(*method, "POST" | "PUT" | "PATCH"));
    let ruled = section.source.record_rules(resource);
    let file = rules_name(section.source);
    for row in &table.rows {
        let Some(cell) = row.get(column) else { continue };
        let Some(status) = code(cell) else { continue };
        let says: String = row.iter().map(|cell| cell.text.to_lowercase()).collect::<Vec<_>>().join(" ");
        let has_rules = ruled.is_some() || section.source.has_unique(resource);
        let text = match status {
            400 if writes && (says.contains("missing") || says.contains("required")) => {
                let demands = ruled.and_then(|rules| rules.get("required")).and_then(Value::as_array);
                demands.is_none_or(Vec::is_empty).then(|| {
                    (
                        format!(
                            "the 400 row speaks of required fields, and no rule in {file} requires any of {resource}"
                        ),
                        has_rules,
                    )
                })
            }
            404 if !item && methods.iter().all(|method| *method == "GET") => {
                Some(("the 404 row is documented, and a list that matches nothing is `[]` with 200".to_owned(), false))
            }
            404 if !item && methods.contains(&"POST") => {
                let text = if references(section.source, resource) {
                    "the 404 row is documented, and a reference to a record that is not there is answered with 400"
                        .to_owned()
                } else {
                    format!("the 404 row is documented, and no rule in {file} makes one for POST /{resource}")
                };
                Some((text, false))
            }
            // A taken id is a conflict without any rule.
            409 if writes
                && !section.source.has_unique(resource)
                && !labels::words(&says).iter().any(|word| word == "id") =>
            {
                Some((format!("the 409 row is documented, and no rule in {file} makes one"), has_rules))
            }
            409 if !writes => {
                Some((format!("the 409 row is documented, and {} creates no conflict", methods.join(", ")), false))
            }
            _ => None,
        };
        if let Some((text, wrong)) = text {
            out.push(TableFinding { range: cell.range.clone(), text, wrong: wrong && !trouble });
        }
    }
    let promised: Vec<u16> = table.rows.iter().filter_map(|row| code(row.get(column)?)).collect();
    if !trouble && writes && section.source.has_unique(resource) && methods != ["PATCH"] && !promised.contains(&409) {
        let text = format!("{file} makes a property of {resource} unique, and the table has no 409 row");
        out.push(TableFinding { range: page.blocks[index].range(), text, wrong: false });
    }
    out
}

/// Whether the rules of a collection refer to another one.
fn references(source: &Source, resource: &str) -> bool {
    source.record_rules(resource).is_some_and(|rules| rules.to_string().contains("\"references\":"))
}
