//! Properties of `standin check --fix`, whatever the page is.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use standin::in_process;
use standin_check::{Fix, Format, Options, run};

const DATA: &str = r#"{
  "users": [
    { "id": 1, "name": "Ito", "age": 31, "tags": ["a", "b"], "address": { "city": "Oslo" } },
    { "id": 2, "name": "Okoro", "age": 42, "tags": [], "address": { "city": "Lagos" } },
    { "id": 3, "name": "Berg", "age": 53, "tags": ["c"], "address": { "city": "Bergen" } }
  ],
  "profile": { "name": "demo", "open": true }
}
"#;

const REQUESTS: &[&str] = &[
    "curl localhost:3000/users",
    "curl localhost:3000/users/2",
    "curl localhost:3000/users/9",
    "curl 'localhost:3000/users?name=Ito'",
    "curl 'localhost:3000/users?nme=Ito'",
    "curl localhost:3000/profile",
    "curl -X DELETE localhost:3000/users/1",
    "curl --json '{\"name\": \"New\"}' localhost:3000/users",
    "curl --json '{\"nam\": \"New\"}' localhost:3000/users",
    "curl -X PATCH --json '{\"age\": 7}' localhost:3000/users/3",
    "curl localhost:3000/users/{id}",
    "curl https://example.com/users",
    "http :3000/users/1",
    "curl -s localhost:3000/users | jq '.[1]'",
    "curl -s localhost:3000/users | jq '.[].name'",
    "curl -s localhost:3000/users | jq -c '.[] | {id, name}'",
    "curl -s localhost:3000/users | jq -r '.[].name'",
    "curl -s localhost:3000/users | jq length",
    "curl -s localhost:3000/users | jq '.users[]'",
    "curl -s -w '\\n%{http_code}' localhost:3000/users/2",
    "curl -s localhost:3000/users/1; echo",
];

const RESPONSES: &[&str] = &[
    "{ \"id\": 1, \"name\": \"Ito\", \"age\": 31, \"tags\": [\"a\", \"b\"], \"address\": { \"city\": \"Oslo\" } }",
    "{\n  \"name\": \"Okoro\",\n  \"id\": 2,\n  \"age\": 43, // years\n  ...\n}",
    "{\n    \"id\": 2,\n    \"tags\": [\"x\", ...],\n    \"address\": {\"city\": \"Rome\", \"zip\": \"0\"},\n    ...\n}",
    "[\n  { \"id\": 1, \"name\": \"Ito\", ... },\n  ...\n]",
    "[\n  {\"id\": 3, \"name\": \"Berg\", ...},\n  {\"id\": 1, \"name\": \"Itoh\", ...},\n  // 1 more\n]",
    "{ \"name\": \"New\", \"id\": 4 }",
    "{ \"id\": 9, \"name\": \"New\" }",
    "{ \"name\": \"demo\", \"open\": \"true\" }",
    "{ \"name\": \"<string>\", \"open\": \"<any>\" }",
    "{ \"port\": 3000 }",
    "{ \"id\": 3, \"name\" \"Berg\" }",
    "{}",
    "[]",
    "...\n{\"id\": 2}\n...",
    "\"name\": \"Ito\",\n\"age\": 32",
    "\"Ito\"\n\"Okora\"\n\"Berg\"",
    "{\"id\":1,\"name\":\"Ito\"}\n{\"id\":3,\"name\":\"Okoro\"}\n{\"id\":4,\"name\":\"Berg\"}",
    "{\n  \"id\": 1,\n  \"name\": \"Ito\"\n}\n{\n  \"id\": 2\n}\n{\n  \"id\": 3,\n  \"name\": \"B\"\n}",
    "{\"id\": 2, \"name\": \"Okoro\"}\n200",
    "4",
];

/// What may surround a request and its response; `R` is the request, `J` the JSON, whose lines get the prefix of the
/// line that it begins on.
const LAYOUTS: &[&str] = &[
    "## Get\n\n```sh\nR\n```\n\n```json\nJ\n```\n",
    "```sh\nR\n```\n\nResponse: `200 OK`\n\n```http\nHTTP/1.1 200 OK\nX-A: b\n\nJ\n```\n",
    "```sh\nR\n```\n\nReturns 404:\n\n```json\nJ\n```\n",
    "1. Do\n\n   ```sh\n   R\n   ```\n\n   ```json\n   J\n   ```\n\n   Text below.\n",
    "> ```sh\n> R\n> ```\n>\n> ```json\n> J\n> ```\n",
    "```console\n$ R\nJ\n```\n",
    "=== \"curl\"\n\n    ```sh\n    R\n    ```\n\n    Response:\n\n    ```json\n    J\n    ```\n",
    "```sh\nR\n```\n\nThe file `db.json`:\n\n```json\nJ\n```\n",
    "```sh\nR\n```\n\n## Model\n\n```json\nJ\n```\n",
    "```sh\nR\n```\n\nOnly the first is shown:\n\n```json\nJ\n```\n\nHeaders:\n",
    "Request body:\n\n```json\nJ\n```\n\n```sh\nR\n```\n",
    "<!-- standin: status=404 -->\n\n```sh\nR\n```\n\n```json\nJ\n```\n",
    "```sh\nR\n# => J\n```\n",
    "```sh\nR\n```\n\nIn version 1 the API returned:\n\n```json\nJ\n```\n",
    "```sh\nR\n```\n\n**Data example**\n\n```json\n{ \"x\": 1 }\n```\n\n## Success\n\n```json\nJ\n```\n",
    "```sh\nR\n```\n\nThe body:\n\n```json\nJ\n```\n",
    "Missing ones give 404.\n\n```sh\nR\n```\n\nThis request gives:\n\n```json\nJ\n```\n",
    "```sh\nR\n```\n\nAn excerpt:\n\n```json\nJ\n```\n",
    "<details><summary>Get</summary>\n\n```sh\nR\n```\n\n</details>\n\n<details><summary>200 OK</summary>\n\n```json\nJ\n```\n\n</details>\n",
    "```sh\nR\n```\n\nResponse:\n\nJ\n",
    "```sh\ncurl localhost:3000/users/2\n```\n\n```sh\nhttp :3000/users/2\n```\n\n```json\nJ\n```\n",
    "```sh\ncurl -X PATCH --json '{\"age\": 7}' localhost:3000/users/3\n```\n\n```sh\nhttp PATCH :3000/users/3 age:=7\n```\n\nResponse:\n\n```json\nJ\n```\n",
    "| Status |\n|---|\n| 200 |\n\n```sh\nR\n```\n\n```json\nJ\n```\n\n```json\n{ \"other\": 1 }\n```\n",
];

/// A piece of a page, and whether it is the JSON of a response.
type Piece = (String, bool);

fn section() -> impl Strategy<Value = Vec<Piece>> {
    (select(LAYOUTS), select(REQUESTS), select(RESPONSES)).prop_map(|(layout, request, json)| {
        let layout = layout
            .replace('R', "\u{1}")
            .replace("\u{1}esponse", "Response");
        let layout = layout
            .replace("\u{1}eturns", "Returns")
            .replace("\u{1}equest", "Request");
        let (before, after) = layout.split_once('J').unwrap();
        let prefix = before.rsplit('\n').next().unwrap();
        let prefix = if prefix.starts_with("# =>") {
            "# "
        } else {
            prefix
        };
        let json = json.replace('\n', &format!("\n{prefix}"));
        let text = |part: &str| part.replace('\u{1}', request);
        vec![(text(before), false), (json, true), (text(after), false)]
    })
}

fn check(folder: &Path, fix: Option<Fix>) -> Value {
    let options = Options {
        paths: vec![folder.join("page.md")],
        format: Format::Json,
        fix,
        ..Options::default()
    };
    let mut out = Vec::new();
    run(&options, &in_process, &mut out, &mut std::io::sink()).unwrap();
    serde_json::from_slice(&out).unwrap()
}

fn verdicts(report: &Value) -> Vec<String> {
    let examples = report["examples"].as_array().unwrap();
    let verdict = |example: &Value| example["verdict"].as_str().unwrap().to_owned();
    examples.iter().map(verdict).collect()
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok()
}

/// `PROPTEST_CASES` sets a longer run.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|cases| cases.parse().ok()).unwrap_or(48)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn only_the_json_of_wrong_responses_changes(sections in prop::collection::vec(section(), 1..5), windows in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let ending = |text: &str| if windows { text.replace('\n', "\r\n") } else { text.to_owned() };
        let parts = sections
            .into_iter()
            .flat_map(|section| section.into_iter().chain([("\n".to_owned(), false)]));
        // Neighbours that are not JSON are one piece.
        let mut pieces: Vec<Piece> = Vec::new();
        for (text, is_json) in parts.map(|(text, is_json)| (ending(&text), is_json)) {
            match pieces.last_mut().filter(|last| !last.1 && !is_json) {
                Some(last) => last.0.push_str(&text),
                None => pieces.push((text, is_json)),
            }
        }
        let page: String = pieces.iter().map(|(text, _)| text.as_str()).collect();
        std::fs::write(folder.path().join("db.json"), DATA).unwrap();
        std::fs::write(folder.path().join("page.md"), &page).unwrap();
        let before = check(folder.path(), None);
        let after = check(folder.path(), Some(Fix::Wrong));
        let fixed = std::fs::read_to_string(folder.path().join("page.md")).unwrap();

        // All that is not JSON is there, in order, and between it nothing but JSON.
        let mut rest = fixed.as_str();
        for (at, (text, is_response)) in pieces.iter().enumerate() {
            if *is_response {
                let next = pieces[at + 1].0.as_str();
                let end = match at + 2 == pieces.len() {
                    true => rest.strip_suffix(next).map(str::len),
                    false => rest.find(next),
                };
                let end = end.ok_or_else(|| TestCaseError::fail(fixed.clone()))?;
                let json = rest[..end].trim();
                prop_assert!(json == text.trim() || json.starts_with(['{', '[', '.', '"']) || is_json(json), "{fixed}");
                rest = &rest[end..];
            } else {
                prop_assert!(rest.starts_with(text.as_str()), "{text:?} is not at the start of {rest:?} in\n{fixed}");
                rest = &rest[text.len()..];
            }
        }
        prop_assert_eq!(rest, "");

        // A passing example is unchanged; one that failed passes or is unchanged.
        prop_assert_eq!(verdicts(&before).len(), verdicts(&after).len());
        let both = before["examples"].as_array().unwrap().iter().zip(after["examples"].as_array().unwrap());
        for (old, new) in both {
            let passes = old["verdict"] == "pass";
            prop_assert!(new["verdict"] == old["verdict"] || (old["verdict"] == "fail" && new["verdict"] == "pass"), "{fixed}");
            if passes {
                prop_assert_eq!(&old["documented"], &new["documented"], "{}", fixed);
            }
        }
        if verdicts(&before).iter().all(|verdict| verdict != "fail") {
            prop_assert_eq!(&fixed, &page);
        }

        // A second run changes nothing.
        let again = check(folder.path(), Some(Fix::Wrong));
        prop_assert_eq!(std::fs::read_to_string(folder.path().join("page.md")).unwrap(), fixed);
        prop_assert_eq!(verdicts(&again), verdicts(&after));
    }
}
