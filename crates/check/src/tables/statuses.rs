//! Tables of statuses against what the rules can produce.

use serde_json::Value;

use super::{Section, TableFinding, rules_name};
use crate::data::Source;
use crate::labels;
use crate::page::{Page, Table};
use crate::status::code;
use crate::url;

/// Rows of a status table that nothing can produce.
pub(super) fn statuses(
    page: &Page,
    index: usize,
    table: &Table,
    column: usize,
    section: &Section<'_>,
) -> Vec<TableFinding> {
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
