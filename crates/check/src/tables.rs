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
        let is_here = |result: &&ExampleResult| range.contains(&result.example.fence);
        let mut examples: Vec<&ExampleResult> = results.iter().filter(is_here).collect();
        // A section without examples is about the whole page, if the page is about one endpoint.
        if examples.is_empty() && has_one_endpoint(results, dataset) {
            examples = results.iter().collect();
        }
        let used = examples
            .iter()
            .find_map(|result| resource_of(result, dataset));
        let in_titles = || {
            let mut titles = page.headings_above(index);
            titles.find_map(|title| resource_in(&title.text, dataset))
        };
        let resource = used
            .or_else(|| named_resource(page, &range, dataset))
            .or_else(in_titles);
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
    matches!(first, Some((_, Some(_)))) && endpoints.all(|next| Some(next) == first)
}

fn resource_of(result: &ExampleResult, dataset: &Dataset) -> Option<String> {
    let known = dataset.resources();
    let segments = url::segments(url::path_of(&result.details.target));
    let mut segments = segments.into_iter().rev();
    segments.find(|part| known.contains(&part.as_str()))
}

/// A resource named by an endpoint in a code block or by a heading.
fn named_resource(page: &Page, range: &Range<usize>, dataset: &Dataset) -> Option<String> {
    let known = dataset.resources();
    let mut blocks = page.blocks[range.clone()].iter();
    blocks.find_map(|block| match block {
        Block::Fence(fence) => {
            let path = fence.content.trim();
            if path.contains('\n') || !path.contains('/') {
                return None;
            }
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
        let mut words = words.iter();
        words.any(|word| word == name || format!("{word}s") == **name)
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
    let name = table.column("property field attribute member key name")?;
    let kind = table.column("type")?;
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
    let above = index.checked_sub(1).map(|above| &page.blocks[above]);
    let lead = above.and_then(Block::prose);
    let lead = lead.map(|prose| labels::last_sentence(&prose.text));
    let lead = lead.filter(|text| labels::leads(text));
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
    /// Reports what the server contradicts (`wrong`), or what nothing backs.
    fn report(&mut self, range: &Range<usize>, wrong: bool, text: String) {
        let range = range.clone();
        self.findings.push(TableFinding { range, text, wrong });
    }

    /// The rules for records of the resource.
    fn rules(&self) -> Option<&'a Value> {
        self.dataset.record_rules(self.resource.as_deref()?)
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
        let resource = self.resource.as_deref();
        let place = format!("any record of {}", resource.unwrap_or_default());
        let stored = resource.and_then(|resource| self.dataset.records(resource));
        let stored = stored.map(|records| records.iter().collect::<Vec<_>>());
        match (role, stored) {
            (Role::Response, stored) => self.response(&rows, stored),
            (Role::Resource, Some(records)) => self.compare(&rows, &records, &place),
            (Role::Resource, None) => {}
            (Role::RequestBody, _) => self.sent_body(&rows),
        }
        self.compare_with_rules(&rows, role);
    }

    /// Compares with the records in the successful responses of the section.
    fn response(&mut self, rows: &[Property<'_>], stored: Option<Vec<&Value>>) {
        let examples = self.examples.iter();
        let received = examples.filter_map(|result| result.details.received.as_ref());
        let received = received.filter(|received| received.is_success());
        let bodies: Vec<&Value> = received.filter_map(Received::json).collect();
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
            Some(stored) if last.is_array() => self.compare(rows, &stored, "any record"),
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
        let objects = records.iter().filter_map(|record| record.as_object());
        for key in objects.flat_map(serde_json::Map::keys) {
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
                let is_unlisted = |key: &&str| !rows.iter().any(|row| row.name == *key);
                let near = nearest(name, keys.iter().copied().filter(is_unlisted));
                let near = near.map(|near| format!("; did you mean `{near}`?"));
                let near = near.unwrap_or_default();
                let text = format!("`{name}` is documented, but not in {place}{near}");
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
                let text = format!("`{key}` is in {one}, but not in the table");
                self.report(&self.table.range, false, text);
            }
        }
    }

    /// Whether the rules declare a property, which may be in no record yet.
    fn is_in_rules(&self, name: &str) -> bool {
        let rules = self.rules();
        rules.is_some_and(|rules| rules["properties"].get(name).is_some())
    }

    /// Compares names with the request body of the section's example.
    fn sent_body(&mut self, rows: &[Property<'_>]) {
        let body = self.examples.iter().find_map(|result| {
            let received = result.details.received.as_ref();
            received.filter(|received| received.is_success())?;
            result.example.request.json_body()?.as_object().cloned()
        });
        for key in body.iter().flat_map(serde_json::Map::keys) {
            if rows.iter().any(|row| row.name == key) {
                continue;
            }
            if let Some(row) = rows.iter().find(|row| nearest(key, [row.name]).is_some()) {
                let name = row.name;
                let text = format!("the table lists `{name}`, but the example sends `{key}`");
                self.report(row.name_range, true, text);
            }
        }
    }

    fn compare_with_rules(&mut self, rows: &[Property<'a>], role: Role) {
        let Some(resource) = self.resource.clone() else {
            return;
        };
        let column = self.table.column("required");
        let required_cell = |row: &Property<'a>| {
            let cell = row.row.get(column?)?;
            let word = cell.text.trim().to_lowercase();
            match word.split(|c: char| !c.is_alphabetic()).next()? {
                "yes" | "true" | "required" | "y" => Some((true, &cell.range)),
                "no" | "false" | "optional" | "n" => Some((false, &cell.range)),
                _ => None,
            }
        };
        let Some(rules) = self.rules() else {
            let is_required = |row: &&Property<'a>| matches!(required_cell(row), Some((true, _)));
            let required = rows.iter().filter(is_required);
            let names: Vec<String> = required.map(|row| format!("`{}`", row.name)).collect();
            if role == Role::RequestBody && !names.is_empty() {
                let names = names.join(", ");
                let text = format!(
                    "documented as required, but there are no rules for {resource}: {names}"
                );
                self.report(&self.table.range, false, text);
            }
            return;
        };
        let file = self.dataset.rules_name();
        let required = rules.get("required").and_then(Value::as_array);
        let required = required.into_iter().flatten();
        let required: Vec<&str> = required.filter_map(Value::as_str).collect();
        // Only what creates or replaces a record must be complete.
        let mut methods = self.examples.iter().map(|result| result.example.method());
        let complete = role != Role::Response && methods.all(|method| method != "PATCH");
        for row in rows {
            let Property { name, kind, .. } = row;
            if let (Some((documented, range)), true) = (required_cell(row), complete) {
                // A record can always be sent without its id.
                let ruled = required.contains(name) && *name != "id";
                if documented && !ruled {
                    let text =
                        format!("`{name}` is documented as required, but not required by {file}");
                    self.report(range, true, text);
                } else if !documented && ruled {
                    let text =
                        format!("`{name}` is documented as optional, but required by {file}");
                    self.report(range, true, text);
                }
            }
            let ruled = rules
                .get("properties")
                .and_then(|all| all.get(name)?.get("type")?.as_str());
            let reported = self.findings.iter().any(|found| found.range == kind.range);
            if let Some(ruled) = ruled
                && let Some(sample) = sample(ruled)
                && !is_of_type(&sample, &kind.text)
                && !reported
            {
                let documented = kind.text.trim();
                let text =
                    format!("`{name}` is documented as {documented}, but {file} says {ruled}");
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
        let is_item = self.examples.iter().any(|result| {
            let segments = url::segments(url::path_of(&result.details.target));
            let at = segments.iter().position(|part| *part == resource);
            at.is_some_and(|at| segments.len() > at + 1)
        });
        let methods = self.examples.iter().map(|result| result.example.method());
        let mut methods: Vec<&str> = methods.filter(|method| !method.is_empty()).collect();
        methods.dedup();
        if methods.is_empty() {
            return;
        }
        let is_write = |method: &&str| matches!(*method, "POST" | "PUT" | "PATCH");
        let writes = methods.iter().any(is_write);
        let rules = self.rules();
        let requires = rules.and_then(|rules| rules.get("required")?.as_array());
        let unique = self.dataset.has_unique(&resource);
        let file = self.dataset.rules_name();
        let rows = self.table.rows.iter();
        let codes = rows.filter_map(|row| Some((row, row.get(column)?, code(row.get(column)?)?)));
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
            let text = format!("status {status} is documented, but {why}");
            self.report(&cell.range, false, text);
        }
    }
}

/// A member by name or by a path such as `address.city`; the first item for `tags[]`.
fn lookup<'a>(record: &'a Value, name: &str) -> Option<&'a Value> {
    if let Some(list) = name.strip_suffix("[]") {
        return lookup(record, list)?.get(0);
    }
    record.get(name).or_else(|| {
        let mut keys = name.split('.');
        keys.try_fold(record, |value, key| value.get(key.trim_end_matches("[]")))
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
