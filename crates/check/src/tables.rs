//! Compares the tables of a page with the server: tables of properties with responses, records and rules, tables of
//! statuses with what the rules can cause.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::compare::{short, type_name};
use super::datasets::Dataset;
use super::labels::{self, has_word};
use super::outcome::{ExampleResult, TableFinding, TableResult};
use super::page::{Block, Cell, Page, Table};
use super::service::Received;
use super::status_text::{code, status_column};
use super::text::nearest;
use super::url;

/// Checks every table of a page.
pub fn check(
    page: &Page,
    results: &[ExampleResult],
    dataset: Option<&Dataset>,
) -> Vec<TableResult> {
    let Some(dataset) = dataset else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for (index, block) in page.blocks.iter().enumerate() {
        let Block::Table(table) = block else { continue };
        let range = page.section(index);
        let mut examples: Vec<&ExampleResult> = results
            .iter()
            .filter(|result| range.contains(&result.example.fence))
            .collect();
        // A section without examples is about the whole page, if the page is about one endpoint.
        if examples.is_empty() && has_one_endpoint(results, dataset) {
            examples = results.iter().collect();
        }
        let resource = examples
            .iter()
            .find_map(|result| resource_of(result, dataset));
        let titles = || {
            page.headings_above(index)
                .map(|heading| heading.text.as_str())
        };
        let resource = resource
            .or_else(|| named_resource(page, &range, dataset))
            .or_else(|| titles().find_map(|title| resource_in(title, dataset)));
        let mut checker = Checker {
            table,
            dataset,
            resource,
            examples,
            findings: Vec::new(),
        };
        let kind = if let Some(column) = status_column(table) {
            checker.statuses(column);
            "statuses"
        } else if let (Some(columns), Some(role)) = (property_columns(table), role(page, index)) {
            checker.properties(columns, role);
            "properties"
        } else {
            continue;
        };
        out.push(TableResult {
            range: table.range.clone(),
            kind,
            resource: checker.resource,
            findings: checker.findings,
        });
    }
    out
}

/// Whether all examples of a page use the same method on the same resource.
fn has_one_endpoint(results: &[ExampleResult], dataset: &Dataset) -> bool {
    let mut endpoints = results
        .iter()
        .filter(|result| !result.example.method().is_empty())
        .map(|result| (result.example.method(), resource_of(result, dataset)));
    let first = endpoints.next();
    first
        .as_ref()
        .is_some_and(|(_, resource)| resource.is_some())
        && endpoints.all(|next| Some(next) == first)
}

fn resource_of(result: &ExampleResult, dataset: &Dataset) -> Option<String> {
    let known = dataset.resources();
    let segments = url::segments(url::path_of(&result.details.target));
    segments
        .into_iter()
        .rev()
        .find(|part| known.contains(&part.as_str()))
}

/// A resource named by an endpoint in a code block or by a heading.
fn named_resource(page: &Page, range: &Range<usize>, dataset: &Dataset) -> Option<String> {
    let known = dataset.resources();
    page.blocks[range.clone()]
        .iter()
        .find_map(|block| match block {
            Block::Fence(fence) => {
                let path = Some(fence.content.trim())
                    .filter(|text| !text.contains('\n') && text.contains('/'))?;
                let first = url::segments(url::path_of(path)).into_iter().next()?;
                known.contains(&first.as_str()).then_some(first)
            }
            Block::Heading(heading) => resource_in(&heading.text, dataset),
            _ => None,
        })
}

/// A resource that a title names, as a word of its own or in the singular.
fn resource_in(title: &str, dataset: &Dataset) -> Option<String> {
    let words = labels::words(title);
    let is_named = |name: &&str| {
        words
            .iter()
            .any(|word| word == name || format!("{word}s") == **name)
    };
    let mut known = dataset.resources().into_iter();
    known.find(is_named).map(str::to_owned)
}

/// What a table of properties describes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Response,
    RequestBody,
    Resource,
}

/// The columns with names and types of properties.
fn property_columns(table: &Table) -> Option<(usize, usize)> {
    let column = |list: &str| {
        table
            .header
            .iter()
            .position(|cell| has_word(&cell.text, list))
    };
    let name = column("property field attribute member key name")?;
    let kind = column("type")?;
    (name != kind).then_some((name, kind))
}

/// What a table of properties describes, from the headings and labels above it.
fn role(page: &Page, index: usize) -> Option<Role> {
    let heading = page.heading_of(index).unwrap_or(0);
    let texts = page.blocks[heading..index]
        .iter()
        .rev()
        .filter_map(|block| match block {
            Block::Heading(heading) => Some(heading.text.as_str()),
            Block::Prose(prose) => prose.bold.as_deref(),
            _ => None,
        });
    // "The response has these fields:"
    let lead = index
        .checked_sub(1)
        .and_then(|above| page.blocks[above].prose());
    let lead = lead
        .map(|prose| labels::last_sentence(&prose.text))
        .filter(|text| labels::leads(text));
    for text in lead.into_iter().chain(texts) {
        const OTHERS: &str = "parameter parameters header headers query path error errors configuration config settings option options \
            webhook webhooks event events form cookie token component database deprecated planned private writable envelope pagination \
            metadata filter filters problem server client environment v1 v2 new old";
        if has_word(text, OTHERS) {
            return None;
        } else if has_word(text, "response return returns returned result") {
            return Some(Role::Response);
        } else if has_word(text, "request body payload") {
            return Some(Role::RequestBody);
        } else if has_word(
            text,
            "resource properties schema fields model object attributes",
        ) {
            return Some(Role::Resource);
        }
    }
    None
}

/// A row of a table of properties.
struct Property<'a> {
    name: &'a str,
    name_range: &'a Range<usize>,
    kind: &'a Cell,
    row: &'a [Cell],
}

struct Checker<'a> {
    table: &'a Table,
    dataset: &'a Dataset,
    resource: Option<String>,
    examples: Vec<&'a ExampleResult>,
    findings: Vec<TableFinding>,
}

impl<'a> Checker<'a> {
    fn report(&mut self, range: &Range<usize>, wrong: bool, text: String) {
        self.findings.push(TableFinding {
            range: range.clone(),
            text,
            wrong,
        });
    }

    fn properties(&mut self, (name, kind): (usize, usize), role: Role) {
        let table = self.table;
        let property = |row: &'a Vec<Cell>| {
            let (cell, kind) = (row.get(name)?, row.get(kind)?);
            let name = cell
                .text
                .trim_matches(|c: char| c.is_whitespace() || "`\"*'".contains(c));
            // A mark behind the name, a footnote or a remark: `name[^1]`, `city (optional)`.
            let end = name.find("[^").or(name.find(" (")).unwrap_or(name.len());
            let name = name[..end].trim_end();
            let none = matches!(name.to_lowercase().as_str(), "" | "none" | "-" | "n/a");
            // What is nested is written in many ways: `» city`, `address > city`.
            static NAME: LazyLock<Regex> = regex!(r"^[\w$@-]+(?:\[\d*\]|\.[\w$@-]+)*$");
            (!none && NAME.is_match(name)).then_some(Property {
                name,
                name_range: &cell.range,
                kind,
                row,
            })
        };
        let rows: Vec<Property<'_>> = table.rows.iter().filter_map(property).collect();
        if rows.is_empty() {
            return;
        }
        let stored = self
            .resource
            .as_deref()
            .and_then(|resource| self.dataset.records(resource));
        match role {
            Role::Response => self.response(&rows, stored),
            Role::Resource => {
                if let Some(records) = stored {
                    let place = format!(
                        "any record of {}",
                        self.resource.as_deref().unwrap_or_default()
                    );
                    self.compare(&rows, &records.iter().collect::<Vec<_>>(), &place);
                }
            }
            Role::RequestBody => self.sent_body(&rows),
        }
        self.compare_with_rules(&rows, role);
    }

    /// Compares with the records in the successful responses of the section.
    fn response(&mut self, rows: &[Property<'_>], stored: Option<&'a [Value]>) {
        let received = self
            .examples
            .iter()
            .filter_map(|result| result.details.received.as_ref());
        let bodies: Vec<&Value> = received
            .filter(|received| received.is_success())
            .filter_map(Received::json)
            .collect();
        let Some(last) = bodies.last() else { return };
        let mut records: Vec<&Value> = Vec::new();
        for body in &bodies {
            match body {
                Value::Array(items) => records.extend(items.iter().filter(|item| item.is_object())),
                Value::Object(object) if !object.is_empty() => records.push(body),
                _ => {}
            }
        }
        match stored {
            _ if !records.is_empty() => self.compare(rows, &records, "the response"),
            // An empty list shows no record, but the data does.
            Some(stored) if last.is_array() => {
                self.compare(rows, &stored.iter().collect::<Vec<_>>(), "any record")
            }
            _ if last.is_object() => {
                let text = format!(
                    "the table lists {} properties, but the server returns `{{}}`",
                    rows.len()
                );
                self.report(&self.table.range, true, text);
            }
            _ => {}
        }
    }

    /// Compares names and types with records.
    fn compare(&mut self, rows: &[Property<'_>], records: &[&Value], place: &str) {
        // "not in any record", "in a record"
        let one = place.replacen("any ", "a ", 1);
        let mut keys: Vec<&str> = Vec::new();
        for key in records
            .iter()
            .filter_map(|record| record.as_object())
            .flat_map(serde_json::Map::keys)
        {
            if !keys.contains(&key.as_str()) {
                keys.push(key);
            }
        }
        for property in rows {
            let Property { name, kind, .. } = property;
            let values: Vec<&Value> = records
                .iter()
                .filter_map(|record| lookup(record, name))
                .collect();
            if values.is_empty() {
                // Related records are in a response with `_embed`.
                let is_of_items = name.ends_with("[]");
                if is_of_items || self.is_in_rules(name) || self.dataset.resources().contains(name)
                {
                    continue;
                }
                let unlisted = keys
                    .iter()
                    .copied()
                    .filter(|key| !rows.iter().any(|row| row.name == *key));
                let near = nearest(name, unlisted).map(|near| format!("; did you mean `{near}`?"));
                let text = format!(
                    "`{name}` is documented, but not in {place}{}",
                    near.unwrap_or_default()
                );
                self.report(property.name_range, true, text);
            } else if let Some(value) = values.iter().find(|value| !is_of_type(value, &kind.text)) {
                let text = format!(
                    "`{name}` is documented as {}, but is {} in {one} ({})",
                    kind.text.trim(),
                    type_name(value),
                    short(value)
                );
                self.report(&kind.range, true, text);
            }
        }
        for key in keys {
            let listed = rows
                .iter()
                .any(|row| row.name.split(['.', '[']).next() == Some(key) || row.name == key);
            if !listed && !rows.iter().any(|row| nearest(key, [row.name]).is_some()) {
                // A table may list the most important ones only.
                self.report(
                    &self.table.range,
                    false,
                    format!("`{key}` is in {one}, but not in the table"),
                );
            }
        }
    }

    /// Whether the rules declare a property, which may be in no record yet.
    fn is_in_rules(&self, name: &str) -> bool {
        let resource = self.resource.as_deref();
        let rules = resource.and_then(|resource| self.dataset.record_rules(resource));
        rules.is_some_and(|rules| rules["properties"].get(name).is_some())
    }

    /// Compares names with the request body of the section's example.
    fn sent_body(&mut self, rows: &[Property<'_>]) {
        let body = self.examples.iter().find_map(|result| {
            result
                .details
                .received
                .as_ref()
                .filter(|received| received.is_success())?;
            result.example.request.json_body()?.as_object().cloned()
        });
        for key in body.iter().flat_map(serde_json::Map::keys) {
            if rows.iter().any(|row| row.name == key) {
                continue;
            }
            if let Some(row) = rows.iter().find(|row| nearest(key, [row.name]).is_some()) {
                self.report(
                    row.name_range,
                    true,
                    format!(
                        "the table lists `{}`, but the example sends `{key}`",
                        row.name
                    ),
                );
            }
        }
    }

    fn compare_with_rules(&mut self, rows: &[Property<'a>], role: Role) {
        let (dataset, Some(resource)) = (self.dataset, self.resource.clone()) else {
            return;
        };
        let column = self
            .table
            .header
            .iter()
            .position(|cell| has_word(&cell.text, "required"));
        let required_cell = |row: &Property<'a>| {
            let cell = row.row.get(column?)?;
            let word = cell.text.trim().to_lowercase();
            match word.split(|c: char| !c.is_alphabetic()).next()? {
                "yes" | "true" | "required" | "y" => Some((true, &cell.range)),
                "no" | "false" | "optional" | "n" => Some((false, &cell.range)),
                _ => None,
            }
        };
        let Some(rules) = dataset.record_rules(&resource) else {
            let is_required = |row: &&Property<'a>| matches!(required_cell(row), Some((true, _)));
            let names: Vec<String> = rows
                .iter()
                .filter(is_required)
                .map(|row| format!("`{}`", row.name))
                .collect();
            if role == Role::RequestBody && !names.is_empty() {
                let names = names.join(", ");
                let text = format!(
                    "documented as required, but there are no rules for {resource}: {names}"
                );
                self.report(&self.table.range, false, text);
            }
            return;
        };
        let file = dataset.rules_name();
        let required = rules
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let required: Vec<&str> = required.filter_map(Value::as_str).collect();
        // Only what creates or replaces a record must be complete.
        let complete = role != Role::Response
            && self
                .examples
                .iter()
                .all(|result| result.example.method() != "PATCH");
        for row in rows {
            let Property { name, kind, .. } = row;
            if let (Some((documented, range)), true) = (required_cell(row), complete) {
                // A record can always be sent without its id.
                let ruled = required.contains(name) && *name != "id";
                if documented && !ruled {
                    self.report(
                        range,
                        true,
                        format!("`{name}` is documented as required, but not required by {file}"),
                    );
                } else if !documented && ruled {
                    self.report(
                        range,
                        true,
                        format!("`{name}` is documented as optional, but required by {file}"),
                    );
                }
            }
            let ruled = rules
                .get("properties")
                .and_then(|all| all.get(name)?.get("type")?.as_str());
            let Some((ruled, sample)) = ruled.and_then(|ruled| Some((ruled, sample(ruled)?)))
            else {
                continue;
            };
            let reported = self.findings.iter().any(|found| found.range == kind.range);
            if !is_of_type(&sample, &kind.text) && !reported {
                let text = format!(
                    "`{name}` is documented as {}, but {file} says {ruled}",
                    kind.text.trim()
                );
                self.report(&kind.range, true, text);
            }
        }
    }

    /// Checks a table of statuses for rows that nothing can cause: warnings, as there may be causes outside of the
    /// examples and rules.
    fn statuses(&mut self, column: usize) {
        let Some(resource) = self.resource.clone() else {
            return;
        };
        let (dataset, table) = (self.dataset, self.table);
        let targets = self.examples.iter().map(|result| &*result.details.target);
        let is_item = targets.into_iter().any(|target| {
            let segments = url::segments(url::path_of(target));
            let at = segments.iter().position(|part| *part == resource);
            at.is_some_and(|at| segments.len() > at + 1)
        });
        let mut methods: Vec<&str> = self
            .examples
            .iter()
            .map(|result| result.example.method())
            .filter(|method| !method.is_empty())
            .collect();
        methods.dedup();
        if methods.is_empty() {
            return;
        }
        let writes = methods
            .iter()
            .any(|method| matches!(*method, "POST" | "PUT" | "PATCH"));
        let rules = dataset.record_rules(&resource);
        let requires = rules.and_then(|rules| rules.get("required")?.as_array());
        let unique = dataset.has_unique(&resource);
        let file = dataset.rules_name();
        let codes = table
            .rows
            .iter()
            .filter_map(|row| Some((row, row.get(column)?, code(row.get(column)?)?)));
        for (row, cell, status) in codes {
            let words: String = row
                .iter()
                .map(|cell| cell.text.to_lowercase() + " ")
                .collect();
            let why = match status {
                400 if writes
                    && (words.contains("missing") || words.contains("required"))
                    && requires.is_none_or(Vec::is_empty) =>
                {
                    format!("{file} requires no field of {resource}")
                }
                404 if !is_item && methods.iter().all(|method| *method == "GET") => {
                    "a list without matches is `[]` with status 200".to_owned()
                }
                // An id that exists already is a conflict without any rule.
                409 if writes && !unique && !has_word(&words, "id") => {
                    format!("{file} makes no property of {resource} unique")
                }
                409 if !writes => format!("{} causes no conflict", methods.join(", ")),
                _ => continue,
            };
            self.report(
                &cell.range,
                false,
                format!("status {status} is documented, but {why}"),
            );
        }
    }
}

/// A member by name or by a path such as `address.city`; the first item for `tags[]`.
fn lookup<'a>(record: &'a Value, name: &str) -> Option<&'a Value> {
    if let Some(list) = name.strip_suffix("[]") {
        return lookup(record, list)?.get(0);
    }
    record.get(name).or_else(|| {
        name.split('.')
            .try_fold(record, |value, key| value.get(key.trim_end_matches("[]")))
    })
}

/// A value of a JSON Schema type.
fn sample(type_name: &str) -> Option<Value> {
    Some(match type_name {
        "string" => Value::from(""),
        "integer" => Value::from(1),
        "number" => Value::from(1.5),
        "boolean" => Value::from(true),
        "array" => Value::Array(Vec::new()),
        "object" => Value::Object(serde_json::Map::new()),
        _ => return None,
    })
}

/// Whether a value is of a type as tables name it; unknown type names match everything, and "array of strings" matches
/// arrays.
fn is_of_type(value: &Value, named: &str) -> bool {
    // `string | string[]`, `string or null`
    static OR: LazyLock<Regex> = regex!(r"\s*\|\s*|\s+or\s+");
    let mut types = OR
        .split(named)
        .filter(|name| !has_word(name, "null undefined none"));
    value.is_null() || types.any(|name| is_of_one_type(value, name))
}

/// The same for one type.
fn is_of_one_type(value: &Value, named: &str) -> bool {
    // `string[]`, `[String!]!`, `[]string`, `repeated string`
    static ARRAY: LazyLock<Regex> = regex!(r"\[\s*\]|^\W*\[.+\]|(?i:\brepeated\b)");
    // `HashMap<String, u32>`, `{ width: number }`
    static OBJECT: LazyLock<Regex> = regex!(r"(?i)^\W*\{\s*\w|\w*map\b|\bdict\b|\brecord\b");
    if ARRAY.is_match(named) {
        return value.is_array();
    }
    if OBJECT.is_match(named) {
        return value.is_object();
    }
    let types = [
        ("array list", value.is_array()),
        ("object map", value.is_object()),
        (
            "string text str date datetime uuid email url uri",
            value.is_string(),
        ),
        ("integer int long", value.is_i64() || value.is_u64()),
        ("number float double decimal", value.is_number()),
        ("boolean bool", value.is_boolean()),
    ];
    let mut named = types
        .iter()
        .filter(|(words, _)| has_word(named, words))
        .peekable();
    named.peek().is_none() || named.any(|(_, matches)| *matches)
}
