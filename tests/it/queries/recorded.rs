use std::path::Path;

use serde_json::Value;
use standin::RoutesFile;

use super::Data;

const GROUPS: [&str; 10] = [
    "filter",
    "operators",
    "search",
    "sort",
    "paginate",
    "where",
    "relations",
    "nested",
    "routes",
    "plural",
];

/// Intended differences: the case and the reason.
const CHOSEN: &[(&str, &str)] = &[
    (
        "017/filter-proto-key",
        "a filter on a field that no record has gives nothing and a hint, not everything",
    ),
    (
        "017/filter-unknown-nested-ignored",
        "a filter on a field that no record has gives nothing and a hint, not everything",
    ),
    (
        "017/page-link-substring-bug",
        "a filter on a field that no record has gives nothing and a hint, not everything; only _page itself is replaced in Link",
    ),
    (
        "017/op-field-whose-name-ends-like-operator",
        "a field of exactly that name comes before an operator",
    ),
    (
        "v1/op-field-ending-like-op",
        "a field of exactly that name comes before an operator",
    ),
    (
        "017/op-like-invalid-regex",
        "an invalid pattern is a 400, not a 500",
    ),
    (
        "017/op-like-plus-must-be-escaped",
        "an invalid pattern is a 400, not a 500",
    ),
    (
        "017/end-nan",
        "an invalid number, or one out of range, is a 400 that shows a working one",
    ),
    (
        "017/limit-nan",
        "an invalid number, or one out of range, is a 400 that shows a working one",
    ),
    (
        "017/limit-negative",
        "an invalid number, or one out of range, is a 400 that shows a working one",
    ),
    (
        "017/page-limit-nan-is-10",
        "an invalid number, or one out of range, is a 400 that shows a working one",
    ),
    (
        "017/page-negative-is-1",
        "an invalid number, or one out of range, is a 400 that shows a working one",
    ),
    (
        "017/page-not-a-number",
        "an invalid number, or one out of range, is a 400 that shows a working one",
    ),
    (
        "v1/page-leading-number",
        "an invalid number, or one out of range, is a 400 that shows a working one",
    ),
    (
        "v1/page-nan-not-paginated",
        "an invalid number, or one out of range, is a 400 that shows a working one",
    ),
    (
        "v1/page-zero",
        "an invalid number, or one out of range, is a 400 that shows a working one",
    ),
    (
        "v1/per-page-nan-is-10",
        "an invalid number, or one out of range, is a 400 that shows a working one",
    ),
    (
        "v1/per-page-negative-is-1",
        "an invalid number, or one out of range, is a 400 that shows a working one",
    ),
    (
        "017/page-beyond-end",
        "behind the last page Link still leads to the pages that there are",
    ),
    (
        "017/embed-parent-not-supported",
        "_embed puts in parents too, as in 1.0",
    ),
    (
        "017/embed-singular-name",
        "a name that leads nowhere adds nothing to the record, and a hint to the response",
    ),
    (
        "017/expand-null-key",
        "a record without a parent is shown without one, not a 500",
    ),
    (
        "017/expand-plural-name",
        "a name that leads nowhere adds nothing to the record, and a hint to the response",
    ),
    (
        "017/filter-on-expanded-not-possible",
        "related records can be filtered by, as in 1.0",
    ),
    (
        "017/routes-optional-param",
        "a missing optional parameter is nothing, not the word undefined",
    ),
    (
        "017/routes-readme-examples",
        "a rule with parameters leaves alone what an earlier rule made the address of a record",
    ),
    (
        "017/q-falsy-values-not-searched",
        "q finds 0 as it finds other numbers",
    ),
    (
        "017/q-object",
        "a parameter written as an object is a 400, not a 500",
    ),
    (
        "017/sort-repeated-param",
        "a repeated _sort goes on with the list, not a 500",
    ),
    (
        "017/sort-space-after-comma",
        "spaces around names in a list do not count",
    ),
    (
        "v1/eq-array-dot-index",
        "tags.0 is the first of tags, as in 0.17",
    ),
    (
        "v1/eq-array-field",
        "where both lines know a parameter 0.17 wins: plain equality compares the text, of an array its items with commas",
    ),
    (
        "v1/eq-hex-number",
        "where both lines know a parameter 0.17 wins: plain equality compares the text",
    ),
    (
        "v1/eq-null",
        "where both lines know a parameter 0.17 wins: plain equality compares the text; field:eq=null finds nulls",
    ),
    (
        "v1/eq-number-forms",
        "where both lines know a parameter 0.17 wins: plain equality compares the text; field:eq=2e1 compares numbers",
    ),
    (
        "v1/eq-whitespace-number",
        "where both lines know a parameter 0.17 wins: plain equality compares the text",
    ),
    (
        "v1/eq-id-numeric-string-never-matches",
        "an id that looks like a number is found, whatever its type in the file",
    ),
    (
        "v1/op-contains-array",
        "contains finds an item of an array that is equal to the value",
    ),
    (
        "v1/op-in-id-never-matches",
        "an id that looks like a number is found, whatever its type in the file",
    ),
    (
        "v1/op-ne-id-matches-all",
        "an id that looks like a number is found, whatever its type in the file",
    ),
    (
        "v1/v0-expand-is-filter",
        "parameters of 0.17 work beside those of 1.0",
    ),
    (
        "v1/v0-like-is-filter",
        "parameters of 0.17 work beside those of 1.0",
    ),
    (
        "v1/v0-q-is-filter",
        "parameters of 0.17 work beside those of 1.0",
    ),
    (
        "v1/v0-start-end-are-filters",
        "parameters of 0.17 work beside those of 1.0",
    ),
    (
        "v1/page-limit-is-filter",
        "parameters of 0.17 work beside those of 1.0",
    ),
    (
        "v1/op-gt-null-is-zero",
        "null is neither less nor greater than anything, as in 0.17",
    ),
    (
        "v1/op-like-unknown-ignored",
        "like is an operator in both spellings",
    ),
    (
        "v1/op-underscore-startsWith-not-matched",
        "every operator has both spellings",
    ),
    (
        "v1/page-last",
        "_page without _per_page is 0.17's: an array with X-Total-Count and Link",
    ),
    (
        "v1/embed-object-as-children",
        "a name that is not a collection gives an empty array as in 0.17, not a 500",
    ),
    (
        "v1/embed-parent-numeric-key-not-matched",
        "ids and keys are compared by their text",
    ),
    (
        "v1/embed-singular-resource-fails",
        "a name that is not a collection gives an empty array, as in 0.17",
    ),
    (
        "v1/embed-unknown-singular",
        "a name that is not a collection gives an empty array, as in 0.17",
    ),
    (
        "v1/sort-mixed-types",
        "values of different kinds have a defined order",
    ),
    ("v1/where-array", "a _where that is not understood is a 400"),
    (
        "v1/where-mixed-unknown-op",
        "a _where that is not understood is a 400",
    ),
    (
        "v1/where-scalar-falls-back",
        "a _where that is not understood is a 400",
    ),
    (
        "v1/where-plain-value-matches-none",
        "a bare value in _where is one to be equal to",
    ),
];

/// The recorded list requests of both lines of json-server, if the recordings are available.
#[test]
fn lists_are_answered_as_recorded() {
    let Some(folder) = std::env::var_os("STANDIN_SHARED") else {
        println!("STANDIN_SHARED is not set: the recorded cases are not compared");
        return;
    };
    let folder = Path::new(&folder).join("conformance");
    let (mut compared, mut wrong, mut seen) = (0, Vec::new(), Vec::new());
    for file in ["json-server-0.17.jsonl", "json-server-1.0.jsonl"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        for line in text.lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            let group = case["group"].as_str().unwrap();
            if !GROUPS.contains(&group) || !case["db"].is_object() {
                continue;
            }
            // 1.0 has no nested routes and other statuses; only its queries are supported here.
            if file.contains("1.0") && matches!(group, "plural" | "nested") {
                continue;
            }
            let name = format!(
                "{}/{}",
                case["line"].as_str().unwrap_or(file),
                case["name"].as_str().unwrap()
            );
            let differences = differences(&case, &mut compared);
            let chosen = CHOSEN.iter().find(|(known, _)| *known == name);
            match (differences.is_empty(), chosen) {
                (true, None) => {}
                (true, Some(_)) => {
                    wrong.push(format!("{name} is listed as a difference and is none"))
                }
                (false, Some(_)) => seen.push(name),
                (false, None) => wrong.push(format!(
                    "{name} {}\n  {}",
                    case["quirk"],
                    differences.join("\n  ")
                )),
            }
        }
    }
    for (name, _) in CHOSEN {
        if !seen.iter().any(|known| known == name) {
            wrong.push(format!("{name} is listed as a difference and was not met"));
        }
    }
    println!(
        "{compared} requests compared, {} cases differ on purpose",
        seen.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn differences(case: &Value, compared: &mut usize) -> Vec<String> {
    let mut data = Data::new(&case["db"]);
    let args: Vec<&str> = case["args"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if let Some(at) = args
        .iter()
        .position(|arg| matches!(*arg, "--fks" | "--foreignKeySuffix"))
    {
        data.suffix = args[at + 1].to_string();
    }
    if let Some(rules) = case["files"].get("routes.json") {
        let text = rules
            .as_str()
            .map_or_else(|| rules.to_string(), str::to_string);
        data.rules = RoutesFile::parse(&text).unwrap().rewriter;
    }
    let mut found = Vec::new();
    for step in case["steps"].as_array().unwrap() {
        // Steps after a write need a store.
        if step["method"] != "GET" {
            break;
        }
        let (url, expected) = (step["path"].as_str().unwrap(), &step["expect"]);
        if url == "/db" || url == "/__rules" {
            continue;
        }
        *compared += 1;
        let response = data.get(url);
        let header = |name: &str| {
            let headers = expected["headers"].as_object()?;
            headers
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .and_then(|(_, value)| value.as_str())
        };
        let is_v1 = case["line"] == "v1";
        let total = response.total.map(|total| total.to_string());
        let is_same = expected["status"] == response.status
            && (response.status != 200 || expected["body"] == response.body)
            && (is_v1 || header("x-total-count") == total.as_deref())
            && (is_v1
                || header("link").filter(|link| !link.is_empty()) == response.link.as_deref());
        if !is_same {
            let notes: Vec<String> = response.notices.iter().map(ToString::to_string).collect();
            let error = response
                .error
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            found.push(format!(
                "{url}: {} {} {total:?} {:?} {error} {notes:?}\n    recorded {} {} {:?} {:?}",
                response.status,
                short(&response.body),
                response.link,
                expected["status"],
                short(&expected["body"]),
                header("x-total-count"),
                header("link"),
            ));
        }
    }
    found
}

/// The ids of a list, or the beginning of anything else.
fn short(body: &Value) -> String {
    let text = match body {
        Value::Array(rows) => {
            Value::Array(rows.iter().map(|row| row["id"].clone()).collect()).to_string()
        }
        other => other.to_string(),
    };
    text.chars().take(200).collect()
}
