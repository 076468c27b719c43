//! `--fix`: what is rewritten, and what never is.

use serde_json::Value;
use standin_check::{Fix, Format, Options};

use super::{Folder, POST, check, example, printed};

fn fixed(page: &str, fix: Fix) -> (String, Value) {
    let folder = Folder::new(page);
    let options = Options {
        fix: Some(fix),
        format: Format::Json,
        ..folder.options()
    };
    check(&options).unwrap();
    let text = std::fs::read_to_string(folder.page()).unwrap();
    let report = folder.report(&folder.options());
    // A second run finds nothing to do.
    check(&options).unwrap();
    assert_eq!(std::fs::read_to_string(folder.page()).unwrap(), text);
    (text, report)
}

#[test]
fn fixes() {
    let rows = [
        // One number, and nothing else of the page.
        (
            format!("# T\n\nText   with odd  spaces \n\n```bash\n{POST}\n```\n\n```json\n{{\n    \"lastName\": \"Noor\",\n    \"firstName\": \"Sam\",\n    \"email\": \"sam@example.com\",\n    \"id\": 1\n}}\n```\n\n| a |\n|-|\n"),
            format!("# T\n\nText   with odd  spaces \n\n```bash\n{POST}\n```\n\n```json\n{{\n    \"lastName\": \"Noor\",\n    \"firstName\": \"Sam\",\n    \"email\": \"sam@example.com\",\n    \"id\": 4\n}}\n```\n\n| a |\n|-|\n"),
        ),
        // In a list, with CRLF, the key order of the page, an elision.
        (
            "1. Do\r\n\r\n   ```sh\r\n   curl localhost:3000/users\r\n   ```\r\n\r\n   ```json\r\n   [\r\n     { \"email\": \"x\", \"id\": 1, \"lastName\": \"Ito\", \"firstName\": \"Kei\" },\r\n     ...\r\n   ]\r\n   ```\r\n".to_owned(),
            "1. Do\r\n\r\n   ```sh\r\n   curl localhost:3000/users\r\n   ```\r\n\r\n   ```json\r\n   [\r\n     { \"email\": \"kei@example.com\", \"id\": 1, \"lastName\": \"Ito\", \"firstName\": \"Kei\" },\r\n     ...\r\n   ]\r\n   ```\r\n".to_owned(),
        ),
        // In a quote; an object where the server has an array is a new layout.
        (
            "> ```sh\n> curl localhost:3000/users/2\n> ```\n>\n> ```json\n> {\n>   \"id\": 2,\n>   \"name\": \"Ada\"\n> }\n> ```\n".to_owned(),
            "> ```sh\n> curl localhost:3000/users/2\n> ```\n>\n> ```json\n> {\n>   \"id\": 2,\n>   \"lastName\": \"Okoro\",\n>   \"firstName\": \"Ada\",\n>   \"email\": \"ada@example.com\"\n> }\n> ```\n".to_owned(),
        ),
        // Below a status line and headers, which stay.
        (
            format!("```sh\n{POST}\n```\n\n```http\nHTTP/1.1 201 Created\nContent-Type: x\n\n{{\"id\": 1, ...}}\n```\n"),
            format!("```sh\n{POST}\n```\n\n```http\nHTTP/1.1 201 Created\nContent-Type: x\n\n{{\"id\": 4, ...}}\n```\n"),
        ),
        // After the writes above it; headers and dots stay.
        (
            "```sh\ncurl -X DELETE localhost:3000/users/2\n```\n\n```sh\ncurl localhost:3000/users\n```\n\n```txt\n[\n  {\"id\": 1, \"lastName\": \"Itoh\", ...},\n  {\"id\": 3, ...}\n]\n\nHeaders:\nX-Total-Count: 2\n```\n".to_owned(),
            "```sh\ncurl -X DELETE localhost:3000/users/2\n```\n\n```sh\ncurl localhost:3000/users\n```\n\n```txt\n[\n  {\"id\": 1, \"lastName\": \"Ito\", ...},\n  {\"id\": 3, ...}\n]\n\nHeaders:\nX-Total-Count: 2\n```\n".to_owned(),
        ),
        // A page without spaces, and one with types.
        (
            "```sh\ncurl localhost:3000/users\n```\n\n```json\n[{\"id\":1,...},{\"id\":3,\"lastName\":\"Berg\"}]\n```\n".to_owned(),
            "```sh\ncurl localhost:3000/users\n```\n\n```json\n[{\"id\":1,...},{\"id\":2,\"lastName\":\"Okoro\",\"firstName\":\"Ada\",\"email\":\"ada@example.com\"},{\"id\":3,\"lastName\":\"Berg\",\"firstName\":\"Liv\",\"email\":\"liv@example.com\"}]\n```\n".to_owned(),
        ),
        (
            "```sh\ncurl localhost:3000/users/1\n```\n\n```json\n{ \"id\": \"<string>\", ... }\n```\n".to_owned(),
            "```sh\ncurl localhost:3000/users/1\n```\n\n```json\n{ \"id\": \"<number>\", ... }\n```\n".to_owned(),
        ),
        // Broken JSON.
        (
            "```sh\ncurl localhost:3000/profile\n```\n\n```json\n{\n  \"name\" \"demo\"\n}\n```\n".to_owned(),
            "```sh\ncurl localhost:3000/profile\n```\n\n```json\n{\n  \"name\": \"demo\"\n}\n```\n".to_owned(),
        ),
    ];
    for (page, expected) in rows {
        let (text, report) = fixed(&page, Fix::Wrong);
        assert_eq!(text, expected);
        assert_eq!(report["summary"]["fail"], 0, "{report}");
    }
}

#[test]
fn only_json_that_is_wrong_is_rewritten() {
    let rows = [
        // The status line is wrong.
        format!("```sh\n{POST}\n```\n\n```http\nHTTP/1.1 200 OK\n\n{{\"id\": 1, ...}}\n```\n"),
        example("curl localhost:3000/users/99", "{\"id\": 99}"),
        // The request is wrong.
        example(
            "curl 'localhost:3000/users?lastNam=Ito'",
            "[{\"id\": 1, ...}]",
        ),
        example("curl localhost:3000/user", "[{\"id\": 9, ...}]"),
        // The page is nearer to the data before the deletion in another section.
        "## A\n\n```sh\ncurl -X DELETE localhost:3000/users/2\n```\n\n## B\n\n```sh\ncurl localhost:3000/users\n```\n\n```json\n[\n  {\"id\": 1, \"lastName\": \"Ito\", ...},\n  {\"id\": 2, \"lastName\": \"Okoro\", \"firstName\": \"Adda\", \"email\": \"ada@example.com\"},\n  {\"id\": 3, ...}\n]\n```\n".to_owned(),
        // The sample of a tool.
        example(
            "curl localhost:3000/users/1",
            "{\"id\": 0, \"lastName\": \"string\"}",
        ),
        // The remarks would be lost.
        example(
            "curl localhost:3000/users/1",
            "{\"id\": 1, \"lastName\": \"Itoh\", <1>\n \"firstName\": \"Kei\"}",
        ),
        // Nothing would remain.
        example(
            "curl 'localhost:3000/users?lastName=Nobody'",
            "[{\"id\": 1, ...}]",
        ),
        example("curl localhost:3000/profile", "{\"delay\": 200}"),
        example(
            "curl localhost:3000/users -D '{\"lastName\": \"Noor\"}'",
            "{\"lastName\": \"Noor\", \"id\": 4}",
        ),
        format!(
            "Without the email:\n\n{}",
            example(
                "curl localhost:3000/users/1",
                "{\"id\": 1, \"lastName\": \"Itoh\", \"firstName\": \"Kei\"}"
            )
        ),
        "```sh\ncurl localhost:3000/profile\n```\n\n```js\n{ name: 'other' }\n```\n".to_owned(),
        example("curl https://localhost:3000/users/1", "{\"id\": 99}"),
        "```sh\ncurl localhost:3000/profile\n```\n".to_owned(),
    ];
    for page in rows {
        assert_eq!(fixed(&page, Fix::Wrong).0, page);
    }
}

#[test]
fn a_missing_response_is_added_when_asked() {
    let page = "- Step\n\n  ```sh\n  curl localhost:3000/profile\n  ```\n\nEnd.\n";
    let (text, _) = fixed(page, Fix::Missing);
    assert_eq!(
        text,
        "- Step\n\n  ```sh\n  curl localhost:3000/profile\n  ```\n\n  ```json\n  {\n    \"name\": \"demo\"\n  }\n  ```\n\nEnd.\n"
    );
}

/// Pieces of pages, in no sensible order.
fn pieces() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let piece = prop::sample::select(vec![
        "## Request\n\n",
        "### Response (404)\n\n",
        "**Response:**\n\n",
        "1. step\n\n",
        "> quote\n",
        "   ",
        "> ",
        "```bash\n",
        "```json\n",
        "```\n",
        "\r\n",
        "curl localhost:3000/users/1\n",
        "curl -X POST localhost:3000/users \\\n",
        "  -H 'Content-Type: application/json' \\\n",
        "  -d '{\"lastName\": \"é\"}'\n",
        "curl “x” {a} <b> $C 'd\n",
        "GET /users HTTP/1.1\n",
        "HTTP/1.1 200 OK\n\n",
        "{\"id\": 1, ...}\n",
        "[\n  {\"id\": 1},\n  …\n",
        "{\n  \"lastName\": \"x\"\n}\n",
        "\"a\": 1,\n",
        "| Property | Type |\n|---|---|\n| `id` | number |\n",
        "| Status |\n|---|\n| 404 |\n",
        "<!-- standin: skip status=201 -->\n",
        "\n",
        "---\n",
        "test:\n  testable: [A / 200]\n",
        "## イベント [/users/9]\n\n",
        "### 更新 [PATCH]\n\n",
        "+ Response 200 (application/json)\n\n",
        " `[\n  {\n  }\n ]`\n\n",
        "Run `curl localhost:3000/users/9`:\n\n",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

#[test]
fn requests_that_a_page_states_in_other_words_are_reported_at_their_lines() {
    // The request is shorter than its heading, and ends within a character of it.
    let page = "# Group\n\n## イベント [/users/9]\n\n### イベントの更新 [DELETE]\n\n```json\n{\"id\": 9}\n```\n";
    let shown = printed(page, Format::Human);
    assert!(shown.contains("page.md:"), "{shown}");
    // A part of code in backticks is not a block of its own.
    printed("`[\n  {\n  }\n ]`\n", Format::Human);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]

    /// Whatever a page is, it is judged without a panic, and a repair repairs:
    /// what it changes passes then, nothing else fails for it, and it is done once.
    #[test]
    fn any_page_is_judged_and_repaired_once(text in pieces()) {
        for format in [Format::Human, Format::Json, Format::Github, Format::Junit] {
            printed(&text, format);
        }
        let folder = Folder::new(&text);
        let verdicts = || -> Vec<String> {
            let report = folder.report(&folder.options());
            report["examples"].as_array().unwrap().iter().map(|one| one["verdict"].to_string()).collect()
        };
        let read = || std::fs::read_to_string(folder.page()).unwrap();
        let before = verdicts();
        let options = Options { fix: Some(Fix::Wrong), ..folder.options() };
        check(&options).unwrap();
        let repaired = read();
        if repaired != text {
            let after = verdicts();
            proptest::prop_assert_eq!(before.len(), after.len());
            let mut changes = before.iter().zip(&after).filter(|(before, after)| before != after);
            proptest::prop_assert!(changes.next().is_some());
            proptest::prop_assert!(changes.all(|(before, after)| before == "\"fail\"" && after == "\"pass\""));
            // Nothing outside of code blocks, and no command.
            let kept = |text: &str| -> Vec<String> {
                let words = ["#", "**", "1.", "curl", "-H", "-d", "GET", "HTTP/", "|", "<!--", "test:", "```"];
                let is_kept = |line: &&str| words.iter().any(|word| line.trim_start_matches(['>', ' ']).starts_with(word));
                text.lines().filter(is_kept).map(str::to_owned).collect()
            };
            proptest::prop_assert_eq!(kept(&text), kept(&repaired));
            check(&options).unwrap();
            proptest::prop_assert_eq!(read(), repaired);
        }
    }
}
