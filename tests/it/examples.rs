//! The checker's library: whole pages against an in-process server.

use std::path::{Path, PathBuf};

use serde_json::Value;
use standin::in_process;
use standin_check::{CheckError, ExitStatus, FailOn, Fix, Format, Options, Reset, run};

use crate::support::serve_data;

mod fix;

const DATA: &str = r#"{
  "users": [
    { "id": 1, "lastName": "Ito", "firstName": "Kei", "email": "kei@example.com" },
    { "id": 2, "lastName": "Okoro", "firstName": "Ada", "email": "ada@example.com" },
    { "id": 3, "lastName": "Berg", "firstName": "Liv", "email": "liv@example.com" }
  ],
  "profile": { "name": "demo" }
}
"#;

/// A folder with `db.json` and `page.md`.
struct Folder {
    root: tempfile::TempDir,
}

impl Folder {
    fn new(page: &str) -> Folder {
        let folder = Folder {
            root: tempfile::tempdir().unwrap(),
        };
        folder.write("db.json", DATA);
        folder.write("page.md", page);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.root.path().join(name), text).unwrap();
    }

    fn page(&self) -> PathBuf {
        self.root.path().join("page.md")
    }

    fn options(&self) -> Options {
        Options {
            paths: vec![self.page()],
            ..Options::default()
        }
    }

    fn report(&self, options: &Options) -> Value {
        report(options)
    }
}

fn report(options: &Options) -> Value {
    let mut out = Vec::new();
    let options = Options {
        format: Format::Json,
        ..options.clone()
    };
    run(&options, &in_process, &mut out, &mut std::io::sink()).unwrap();
    serde_json::from_slice(&out).unwrap()
}

fn check(options: &Options) -> Result<ExitStatus, CheckError> {
    run(
        options,
        &in_process,
        &mut std::io::sink(),
        &mut std::io::sink(),
    )
}

/// `verdict: reason` of each example of a page.
fn verdicts(page: &str) -> Vec<String> {
    let folder = Folder::new(page);
    lines(&folder.report(&folder.options()))
}

fn lines(report: &Value) -> Vec<String> {
    let examples = report["examples"].as_array().unwrap();
    examples
        .iter()
        .map(|example| {
            format!(
                "{}: {}",
                example["verdict"].as_str().unwrap(),
                example["reason"].as_str().unwrap()
            )
        })
        .collect()
}

fn causes(page: &str) -> String {
    let folder = Folder::new(page);
    let report = folder.report(&folder.options());
    report["examples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|example| example["causes"].to_string())
        .collect()
}

fn example(command: &str, response: &str) -> String {
    format!("```bash\n{command}\n```\n\n```json\n{response}\n```\n\n")
}

const POST: &str = "curl -X POST http://localhost:3000/users \\\n  -H \"Content-Type: application/json\" \\\n  -d '{\"lastName\": \"Noor\", \"firstName\": \"Sam\", \"email\": \"sam@example.com\"}'";

#[test]
fn verdicts_and_reasons() {
    let user = r#"{"id": 1, "lastName": "Ito", "firstName": "Kei", "email": "kei@example.com"}"#;
    let rows = [
        (
            example("curl http://localhost:3000/users/1", user),
            "pass: as documented",
        ),
        (
            example("curl {server_url}/users/1", user),
            "pass: as documented",
        ),
        (
            example(
                "curl -i localhost:3000/users/1",
                &format!("HTTP/1.1 200 OK\nContent-Type: x\n\n{user}"),
            ),
            "pass: as documented",
        ),
        (
            example("GET /users/1 HTTP/1.1\nHost: localhost", user),
            "pass: as documented",
        ),
        (
            example(
                POST,
                r#"{"lastName": "Noor", "firstName": "Sam", "email": "sam@example.com", "id": 4}"#,
            ),
            "pass: as documented",
        ),
        (
            example(
                POST,
                r#"{"lastName": "Noor", "firstName": "Sam", "email": "sam@example.com", "id": 1}"#,
            ),
            "fail: id: documented 1, got 4",
        ),
        (
            example(
                "curl http://localhost:3000/users",
                "[{\"id\": 1, ...}, ...]",
            ),
            "pass: as documented",
        ),
        (
            example("curl http://localhost:3000/users/{id}", user),
            "skipped: a template: `{id}` is a placeholder",
        ),
        (
            example("curl https://api.example.com/users", user),
            "skipped: goes to api.example.com",
        ),
        (
            example("GET /users/1 HTTP/1.1\nHost: api.example.com", user),
            "skipped: goes to api.example.com",
        ),
        (
            example("curl https://localhost:3000/users/1", user),
            "fail: the URL is https, but the server uses http",
        ),
        (
            example("curl http://localhost:3000/users?firstName=Kei&id=1", user),
            "fail: the `&` is not quoted",
        ),
        (
            example(
                "curl \"http://localhost:3000/users?firstName=Kei Li\"",
                user,
            ),
            "fail: the URL contains a space",
        ),
        (
            example(
                "curl -X DELETE http://localhost:3000/users/1\n  -H \"Accept: x\"",
                "{}",
            ),
            "fail: the backslash at the end of line 2 is missing, so the shell runs `-H` as a separate command",
        ),
        (
            example("curl http://localhost:3000/users -d @body.json", user),
            "skipped: the body is read from the file",
        ),
        (
            example("curl http://localhost:3000/users/1", "{\"id\": 1,, \"a\""),
            "fail: the documented response is not JSON: a colon is missing",
        ),
        (
            example(
                "curl http://localhost:3000/users/1",
                user.trim_end_matches('}'),
            ),
            "fail: this `{` is never closed",
        ),
        (
            example(
                "curl http://localhost:3000/users/1",
                "HTTP/1.1 204 No Content",
            ),
            "fail: the response documents 204, the server returns 200",
        ),
        (
            "<!-- standin: skip -->\n\n```sh\ncurl localhost:3000/users/77\n```\n".to_owned(),
            "skipped: a comment says so",
        ),
        (
            "<!-- standin: status=404 -->\n\n```sh\ncurl localhost:3000/users/77\n```\n".to_owned(),
            "pass: the status is as documented",
        ),
        (
            "---\nstandin: skip\n---\n\n```sh\ncurl localhost:3000/users\n```\n".to_owned(),
            "skipped: the front matter says so",
        ),
        (
            "```sh\ncurl -X DELETE localhost:3000/users/1\n```\n\nNo response body is returned.\n"
                .to_owned(),
            "pass: the status is as documented; the page says that there is no body",
        ),
        (
            "---\ntest:\n  testable:\n    - GET nobody / 200\n---\n\nText.\n".to_owned(),
            "error: the front matter names `GET nobody`",
        ),
    ];
    for (page, expected) in rows {
        let seen = verdicts(&page);
        assert_eq!(seen.len(), 1, "{page}\n{seen:?}");
        assert!(
            seen[0].starts_with(expected),
            "{page}\n{seen:?}\nexpected {expected}"
        );
    }
}

#[test]
fn explanations() {
    let rows = [
        (
            example("curl http://localhost:3000/user", "[]"),
            "did you mean /users",
        ),
        (
            example("curl http://localhost:3000/shop/users", "[]"),
            "--prefix /shop",
        ),
        (
            example("curl http://localhost:3000/users/9", "{\"id\": 9}"),
            "no record with id 9",
        ),
        (
            example(
                "curl http://localhost:3000/users/1",
                "{\"lastName\": \"Ito\", \"firstName\": \"Kei\", \"email\": \"kei@example.com\"}",
            ),
            "the server adds an `id`",
        ),
        (
            example(
                "curl http://localhost:3000/users/1",
                "{\"id\": 1, \"lastName\": \"Okoro\", \"firstName\": \"Ada\", \"email\": \"ada@example.com\"}",
            ),
            "those of the record with id 2",
        ),
        (
            example(
                "curl http://localhost:3000/users",
                "[{\"id\": 1, \"lastName\": \"Ito\", \"firstName\": \"Kei\", \"email\": \"kei@example.com\"}]",
            ),
            "end the list with `...`",
        ),
        (
            example(
                "curl -X POST http://localhost:3000/users -d '{\"lastName\": \"x\"}'",
                "{\"lastName\": \"x\", \"id\": 4}",
            ),
            "application/json",
        ),
        (
            example(
                "curl -X POST http://localhost:3000/users -H 'Content-Type: application/json' -d '{\"lastName\": }'",
                "{\"id\": 4}",
            ),
            "server says",
        ),
        (
            example(
                POST,
                "{\"lastName\": \"Noor\", \"firstName\": \"Sam\", \"email\": \"sam@example.com\", \"id\": 1}",
            ),
            "users already has a record with id 1; its ids are 1 to 3, so the next is 4",
        ),
    ];
    for (page, expected) in rows {
        let causes = causes(&page);
        assert!(
            causes.contains(expected),
            "{page}\n{causes}\nexpected {expected}"
        );
    }
}

#[test]
fn a_page_may_be_read_alone_or_from_top_to_bottom() {
    let made = r#"{"lastName": "Noor", "firstName": "Sam", "email": "sam@example.com", "id": 4}"#;
    let page = format!(
        "{}{}",
        example(POST, made),
        example("curl localhost:3000/users/4", made)
    );
    assert_eq!(
        verdicts(&page),
        [
            "pass: as documented",
            "pass: as documented, after the writes above it on the page"
        ]
    );
    let folder = Folder::new(&page);
    let report = folder.report(&Options {
        reset: Reset::Example,
        ..folder.options()
    });
    assert_eq!(report["examples"][1]["verdict"], "fail");
    assert!(
        report["examples"][1]["causes"]
            .to_string()
            .contains("needs the record that the POST on line 2 creates"),
        "{report}"
    );
    // The same POST twice: each is right for a reader who starts with it, only the first for one who reads on.
    let folder = Folder::new(&format!("{0}{0}", example(POST, made)));
    assert_eq!(folder.report(&folder.options())["summary"]["pass"], 2);
    assert_eq!(
        folder.report(&Options {
            reset: Reset::Page,
            ..folder.options()
        })["summary"]["pass"],
        1
    );
}

#[test]
fn the_prefix_is_mapped_away() {
    let page = "---\ntest:\n  server_url: localhost:3000/api/v1\n---\n\n```sh\ncurl http://{server_url}/users/1\n```\n\n```sh\ncurl localhost:3000/api/v1/users/1\n```\n";
    assert!(
        verdicts(page).iter().all(|line| line.starts_with("pass")),
        "{:?}",
        verdicts(page)
    );
}

#[test]
fn the_database_file_is_never_touched() {
    let folder = Folder::new(&example(POST, "{\"id\": 9}"));
    folder.report(&folder.options());
    assert_eq!(
        std::fs::read_to_string(folder.root.path().join("db.json")).unwrap(),
        DATA
    );
    assert_eq!(std::fs::read_dir(folder.root.path()).unwrap().count(), 2);
}

#[test]
fn tables_are_compared_with_the_server() {
    let rules = r#"{"properties": {"users": {"items": {"properties": {"lastName": {"type": "string"}, "email": {"type": "string"}}, "required": ["email"]}}}}"#;
    let page = format!(
        "## Create\n\n### Request body\n\n| Property name | Type | Required |\n|---|---|---|\n| `lastName` | string | Yes |\n| `email` | number | Yes |\n\n### Request example\n\n```sh\n{POST}\n```\n\n### Response format\n\n| Property name | Type |\n|---|---|\n| `last_name` | string |\n| `firstName` | integer |\n| `email` | string |\n| `id` | integer |\n\n### Return status\n\n| Status | Meaning |\n|---|---|\n| 201 | Created |\n| 409 | Email exists |\n"
    );
    let folder = Folder::new(&page);
    folder.write("db.schema.json", rules);
    let report = folder.report(&folder.options());
    let all = report["tables"].to_string();
    for expected in [
        "`last_name` is documented, but not in the response; did you mean `lastName`?",
        "`firstName` is documented as integer, but is a string",
        "`lastName` is documented as required, but not required by db.schema.json",
        "`email` is documented as number, but db.schema.json says string",
        "status 409 is documented, but db.schema.json makes no property of users unique",
    ] {
        assert!(all.contains(expected), "{expected}\n{all}");
    }
    assert_eq!(report["summary"]["tables"], 4, "{all}");
    assert_eq!(report["summary"]["warnings"], 1, "{all}");
    assert_eq!(report["summary"]["pass"], 1);
}

/// Names and types as other tools write them, and tables about something else.
#[test]
fn tables_of_many_styles_are_read() {
    let get = "```sh\ncurl localhost:3000/users/1\n```\n";
    let table = |title: &str, rows: &str| {
        format!(
            "# User\n\n{get}\n{title}\n\n| Field | Type |\n|---|---|\n| `id` | number |\n{rows}"
        )
    };
    let rows = [
        ("## Response fields", "| email[^1] | string |\n", 0),
        (
            "## Response fields",
            "| lastName (optional) | string |\n",
            0,
        ),
        (
            "## Response fields",
            "| » city | string |\n| address > city | string |\n",
            0,
        ),
        ("## Response fields", "| email | string[] |\n", 1),
        ("## Response fields", "| email | string \\| string[] |\n", 0),
        ("## Response fields", "| email | integer or null |\n", 1),
        (
            "## Response fields",
            "| email | HashMap<String, u32> |\n",
            1,
        ),
        ("## Configuration properties", "| host | string |\n", 0),
        ("## Webhook fields", "| event | string |\n", 0),
        ("The response has these fields:", "| mail | string |\n", 1),
    ];
    for (title, rows, wrong) in rows {
        let report = Folder::new(&table(title, rows));
        let report = report.report(&report.options());
        assert_eq!(
            report["summary"]["tables"], wrong,
            "{title} {rows} {report:#}"
        );
    }
}

#[test]
fn tables_that_are_not_complete_are_not_wrong() {
    let rules =
        r#"{"properties": {"users": {"items": {"properties": {"phone": {"type": "string"}}}}}}"#;
    let page = "# User\n\n## Resource properties\n\n| Property | Type |\n|---|---|\n| `id` | number |\n| `email` | string |\n| `phone` | string |\n";
    let folder = Folder::new(page);
    folder.write("db.schema.json", rules);
    let report = folder.report(&folder.options());
    assert_eq!(report["tables"][0]["verdict"], "pass", "{report:#}");
    assert_eq!(report["summary"]["warnings"], 2, "{report:#}");
    folder.write("page.md", &page.replace("`email`", "`mail`"));
    let report = folder.report(&folder.options());
    assert_eq!(report["summary"]["tables"], 1, "{report:#}");
}

#[test]
fn coverage_counts_endpoints() {
    let folder = Folder::new(&format!(
        "{}{}",
        example("curl localhost:3000/users/1", "{...}"),
        example("curl -X PUT localhost:3000/users/{id} -d '{}'", "{}")
    ));
    let report = folder.report(&folder.options());
    let line = |endpoint: &str| {
        let found = report["coverage"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["endpoint"] == endpoint)
            .unwrap();
        (
            found["documented"].as_bool().unwrap(),
            found["tested"].as_bool().unwrap(),
        )
    };
    assert_eq!(line("GET /users/{id}"), (true, true));
    assert_eq!(line("PUT /users/{id}"), (true, false));
    assert_eq!(line("DELETE /users/{id}"), (false, false));
    assert_eq!(line("GET /profile"), (false, false));
}

/// Each page with the verdicts of its examples.
#[test]
fn what_belongs_to_an_example() {
    let user = r#"{"id": 1, "lastName": "Ito", "firstName": "Kei", "email": "kei@example.com"}"#;
    let get = "```sh\ncurl localhost:3000/users/1\n```\n\n";
    let missing = "```sh\ncurl localhost:3000/users/99\n```\n\n";
    let right = format!("```json\n{user}\n```\n\n");
    let wrong = "```json\n{\"id\": 9}\n```\n\n";
    let sent = r#"{"lastName": "Noor", "firstName": "Sam", "email": "sam@example.com"}"#;
    let rows: Vec<(String, &[&str])> = vec![
        // A status counts only where it belongs to the example.
        (format!("## Request\n\n{get}## Response (200 OK)\n\n{right}## Error response (404)\n\n{wrong}"), &["pass"]),
        (format!("{get}{right}Returns `404` for unknown users.\n"), &["pass"]),
        (format!("{missing}Response: `404 Not Found`\n"), &["pass"]),
        (format!("{get}Response: `404 Not Found`\n"), &["fail"]),
        (format!("<!-- standin: status=404,410 -->\n\n{missing}"), &["pass"]),
        (missing.to_owned(), &["fail"]),
        // The response ends with the section.
        (format!("### Get\n\n{get}### Configuration\n\n{wrong}"), &["pass"]),
        (format!("### Get\n\n{get}### Response\n\n{wrong}"), &["fail"]),
        // The body of the request, under a label in another language.
        (
            format!(
                "```sh\n{POST}\n```\n\nEnviado:\n\n```json\n{sent}\n```\n\nRecibido:\n\n```json\n{}, \"id\": 4}}\n```\n",
                sent.trim_end_matches('}')
            ),
            &["pass"],
        ),
        // Responses in many forms, each of them wrong.
        (format!("{get}Response\n\n- Body:\n\n{wrong}"), &["fail"]),
        (format!("{get}Response:\n\n{{\n  \"id\": 9\n}}\n"), &["fail"]),
        ("=== \"curl\"\n\n    ```sh\n    curl localhost:3000/users/1\n    ```\n\n=== \"Response\"\n\n    ```json\n    {\"id\": 9}\n    ```\n".to_owned(), &["fail"]),
        ("!!! note\n\n    ```sh\n    curl localhost:3000/users/1\n    ```\n\n    ```json\n    {\"id\": 9}\n    ```\n".to_owned(), &["fail"]),
        (format!("{get}```json\n...\n{{\"id\": 9}}\n...\n```\n"), &["fail"]),
        (format!("{get}```text\nContent-Type: application/json\n\n{{\"id\": 9}}\n```\n"), &["fail"]),
        ("```sh\ncurl localhost:3000/users/1\n# -> {\"id\": 9}\n```\n".to_owned(), &["fail"]),
        (format!("```sh\ncurl localhost:3000/users/1\n# -> {user}\n```\n"), &["pass"]),
        (format!("```console\n$ curl -v localhost:3000/users/1\n* Connected\n> GET /users/1 HTTP/1.1\n>\n< HTTP/1.1 200 OK\n<\n{user}\n* Connection #0 left intact\n```\n"), &["pass"]),
        ("```console\n$ curl -f localhost:3000/users/99\ncurl: (22) The requested URL returned error: 404\n```\n".to_owned(), &["pass"]),
        ("```console\n$ curl -f localhost:3000/users/1\ncurl: (22) The requested URL returned error: 404\n```\n".to_owned(), &["fail"]),
        (format!("Each user of the list has this form:\n\n```sh\ncurl localhost:3000/users\n```\n\n{right}"), &["pass"]),
        (format!("Each user of the list has this form:\n\n```sh\ncurl localhost:3000/users\n```\n\n{}", right.replace("Ito", "Ita")), &["fail"]),
        // A body that is not JSON.
        (format!("{missing}```http\nHTTP/1.1 404 Not Found\n\nno such user\n```\n"), &["pass"]),
        // A part of a list.
        (format!("```sh\ncurl localhost:3000/users\n```\n\nOnly the first user is shown:\n\n```json\n[{user}]\n```\n"), &["pass"]),
        (format!("```sh\ncurl localhost:3000/users\n```\n\nResponse (first only):\n\n```json\n[{user}]\n```\n"), &["pass"]),
        ("```sh\ncurl localhost:3000/users\n```\n\nIt gives (abbreviated):\n\n```json\n[{\"id\": 1, \"lastName\": \"Ito\"}]\n```\n".to_owned(), &["pass"]),
        (format!("```sh\ncurl localhost:3000/users\n```\n\nTruncated:\n\n{wrong}"), &["fail"]),
        (format!("```sh\ncurl localhost:3000/users\n```\n\n```json\n[{user}]\n```\n"), &["fail"]),
        // Values that cannot be documented.
        (format!("<!-- standin: any=email -->\n\n{get}{}", right.replace("kei@", "x@")), &["pass"]),
        (format!("{get}{}", right.replace("kei@", "x@")), &["fail"]),
        // Saved values.
        (
            format!("```sh\n{POST}\n```\n\n<!-- standin: save id=.id -->\n\n```sh\ncurl localhost:3000/users/{{id}}\n```\n\n```json\n{{\"id\": 4, ...}}\n```\n\n```sh\ncurl -X DELETE localhost:3000/users/$id\n```\n"),
            &["pass", "pass", "pass"],
        ),
        (format!("{get}<!-- standin: save x=.nothing -->\n"), &["error"]),
        // Commands that do not work.
        ("```sh\ncurl http://loalhost:3000/users/1\n```\n".to_owned(), &["fail"]),
        ("```sh\ncURL http://localhost:3000/users/1\n```\n".to_owned(), &["fail"]),
        ("```curl localhost:3000/users/1\n```\n".to_owned(), &["fail"]),
        ("```sh\n-X DELETE http://localhost:3000/users/1\n```\n".to_owned(), &["fail"]),
        ("```sh\ncurl localhost:3000/users/1\n\n### Response\n\n```json\n{}\n```\n".to_owned(), &["fail"]),
        ("```sh\ncurl -d \"a=b\"-X POST http://localhost:3000/users\n```\n".to_owned(), &["fail"]),
        ("```sh\ncrul http://localhost:3000/users/1\n```\n".to_owned(), &["fail"]),
        ("```sh\ncat localhost:3000/users/1\n```\n".to_owned(), &[]),
        // The headings of a page about errors are each about their own example.
        (
            "## 404 Not Found\n\n```sh\ncurl localhost:3000/users/99\n```\n\n## 405\n\n```sh\ncurl -X DELETE localhost:3000/users\n```\n\n## 415\n\nNot used.\n".to_owned(),
            &["pass", "pass"],
        ),
        // A response names the address that was asked.
        (
            "```sh\ncurl http://127.0.0.1:8000/users/99\n```\n\nStatus: 404\n\n```json\n{\"try\": \"curl http://127.0.0.1:8000/users\", ...}\n```\n".to_owned(),
            &["pass"],
        ),
        ("```sh\ncurl http://localhost.3000/users/1\n```\n".to_owned(), &["fail"]),
        ("```sh\ncurl localhost:3000/users -D '{\"lastName\": \"Noor\"}'\n```\n".to_owned(), &["fail"]),
        // Members that a sentence leaves out.
        ("All users, without the email:\n\n```sh\ncurl localhost:3000/users/1\n```\n\n```json\n{\"id\": 1, \"lastName\": \"Ito\", \"firstName\": \"Kei\"}\n```\n".to_owned(), &["pass"]),
        ("Without a token:\n\n```sh\ncurl localhost:3000/users/1\n```\n\n```json\n{\"id\": 1, \"lastName\": \"Ito\"}\n```\n".to_owned(), &["fail"]),
        ("Only id and lastName are shown:\n\n```sh\ncurl localhost:3000/users/1\n```\n\n```json\n{\"id\": 1, \"lastName\": \"Ito\"}\n```\n".to_owned(), &["pass"]),
        ("Only the id is shown:\n\n```sh\ncurl localhost:3000/users/1\n```\n\n```json\n{\"id\": 1, \"lastName\": \"Ito\"}\n```\n".to_owned(), &["fail"]),
        // As a program prints it.
        ("```sh\ncurl localhost:3000/profile\n```\n\n```js\n{ name: 'demo' }\n```\n".to_owned(), &["pass"]),
        ("```sh\ncurl localhost:3000/profile\n```\n\n```js\n{ name: 'other' }\n```\n".to_owned(), &["fail"]),
        ("```sh\ncurl localhost:3000/profile\n```\n\n```json\n{ name: 'demo' }\n```\n".to_owned(), &["fail"]),
        // Comments with the status, and both in a line of text.
        ("```sh\ncurl localhost:3000/profile\n# => 200 {\"name\": \"demo\"}\n```\n".to_owned(), &["pass"]),
        ("```sh\ncurl localhost:3000/profile\n# => 200 {\"name\": \"other\"}\n```\n".to_owned(), &["fail"]),
        ("```sh\ncurl localhost:3000/profile\n# 404 Not Found {\"name\": \"demo\"}\n```\n".to_owned(), &["fail"]),
        ("- `curl localhost:3000/profile` → `{\"name\": \"demo\"}`\n- **Get it**\n  `curl localhost:3000/profile`\n  → `{\"name\": \"other\"}`\n".to_owned(), &["pass", "fail"]),
        // An error with its status.
        ("```sh\ncurl localhost:3000/users/99\n```\n\n```json\n{\"status\": 404, \"title\": \"Not found\", ...}\n```\n".to_owned(), &["fail"]),
        // Prompts of continued lines, and a body in its own block.
        (
            format!("```sh\n    curl localhost:3000/users \\\n    > -H 'Content-Type: application/json' \\\n    > -d '{sent}'\n```\n"),
            &["pass"],
        ),
        (
            format!("```http\nPOST http://localhost:3000/users\n```\n\n**Payload:**\n\n```json\n{sent}\n```\n\n**Response:**\n\n```json\n{{\"id\": 4, ...}}\n```\n"),
            &["pass"],
        ),
        // A URL with its method beside it, and other clients.
        (format!("**Method**: GET\n\n```text\nhttp://localhost:3000/users/1\n```\n\n**Response:**\n\n{wrong}"), &["fail"]),
        (format!("**Method**: GET\n\n```text\nhttp://localhost:3000/users/1\n```\n\n**Response:**\n\n{right}"), &["pass"]),
        (format!("```sh\nhttp :3000/users/1\n```\n\n{wrong}"), &["fail"]),
        // Requests in sentences.
        (format!("`GET /users/1` returns one user:\n\n{wrong}"), &["fail"]),
        (format!("## Call\n\n`GET /users/1` gives one:\n\n{right}DELETE /users/1 removes it. The response:\n\n```json\n{{}}\n```\n"), &["pass", "pass"]),
        (format!("# Users\n\n`GET /users/1` returns it:\n\n{wrong}## More\n\n### GET /users/1\n\n{right}"), &["fail", "pass"]),
        (format!("Send a `GET` request to `/users/1`.\n\nResponse:\n\n{wrong}"), &["fail"]),
        (format!("**GET** `/users/1`\n\n{right}**GET** `/users/2`\n\n{wrong}"), &["pass", "fail"]),
        (format!("# Steps\n\nChoose **GET** and enter `{{{{base}}}}/users/1`:\n\n{wrong}## The same with curl\n\n{get}{right}"), &["fail", "pass"]),
        ("**DELETE** /users/2\n\nDeletes a user.\n\n```sh\ncurl -X DELETE localhost:3000/users/2\n```\n".to_owned(), &["pass"]),
        (format!("- `GET /users/1` – one user\n- `DELETE /users/1` – removes it\n\nA record:\n\n{wrong}"), &["pass", "pass"]),
        (
            format!("**POST** /users\n\n```json\n{sent}\n```\n\nResponse:\n\n{wrong}"),
            &["fail"],
        ),
        (
            format!("## 1. Shows\n\n### New\n\n**URL**: `/users`\n\n**Method**: `POST`\n\n**Data example**\n\n```json\n{sent}\n```\n\n**Response body**\n\n{wrong}"),
            &["fail"],
        ),
        (format!("{}> The above command returns JSON structured like this:\n\n```json\n{{\"deleted\": 1}}\n```\n", "```sh\ncurl -X DELETE localhost:3000/users/1\n```\n\n"), &["fail"]),
        // A misspelled name, where the response is right by accident.
        ("```sh\ncurl localhost:3000/users?last_name=Ito\n```\n\n```json\n[]\n```\n".to_owned(), &["fail"]),
        (
            "<!-- standin: expect=hint -->\n\n```sh\ncurl localhost:3000/users?last_name=Ito\n```\n\n```json\n[]\n```\n".to_owned(),
            &["pass"],
        ),
        // Directives.
        (format!("<!-- standin: skp -->\n\n{get}"), &["pass", "error"]),
        (format!("<!-- standin: as=respons -->\n\n{get}"), &["pass", "error"]),
        // Any status in the column makes a table of statuses.
        (
            format!("## Example\n\n```sh\n{POST}\n```\n\n## Status\n\n| Status | Meaning |\n|---|---|\n| 200 | Success |\n| none | offline |\n| ERROR | refused |\n"),
            &["fail"],
        ),
    ];
    for (page, expected) in rows {
        let lines = verdicts(&page);
        let seen: Vec<&str> = lines
            .iter()
            .map(|line| line.split(':').next().unwrap())
            .collect();
        assert_eq!(seen, expected, "{page}\n{lines:#?}");
    }
}

#[test]
fn a_random_id_need_not_be_documented() {
    let folder = Folder::new(&example(
        POST,
        r#"{"lastName": "Noor", "firstName": "Sam", "email": "sam@example.com", "id": "x7Tq"}"#,
    ));
    assert_eq!(
        folder.report(&folder.options())["summary"]["fail"],
        1,
        "ids are counted up, so this one is wrong"
    );
    folder.write("db.json", r#"{"users": [{"id": "a1", "lastName": "Ito"}]}"#);
    assert_eq!(folder.report(&folder.options())["summary"]["pass"], 1);
    // The id is kept when something else is fixed.
    folder.write(
        "page.md",
        &example(POST, r#"{"lastName": "Noor", "id": "x7Tq"}"#),
    );
    check(&Options {
        fix: Some(Fix::Wrong),
        ..folder.options()
    })
    .unwrap();
    let text = std::fs::read_to_string(folder.page()).unwrap();
    assert!(
        text.contains("\"id\": \"x7Tq\"") && text.contains("sam@example.com\""),
        "{text}"
    );
    assert_eq!(folder.report(&folder.options())["summary"]["pass"], 1);
}

#[test]
fn the_response_of_two_clients_is_fixed_once() {
    let page = example("curl localhost:3000/profile", "{\"name\": \"old\"}")
        .replace("```json", "```bash\nhttp :3000/profile\n```\n\n```json");
    let folder = Folder::new(&page);
    assert_eq!(folder.report(&folder.options())["summary"]["fail"], 2);
    check(&Options {
        fix: Some(Fix::Wrong),
        ..folder.options()
    })
    .unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.page()).unwrap(),
        page.replace("old", "demo")
    );
    assert_eq!(folder.report(&folder.options())["summary"]["pass"], 2);
}

#[test]
fn outcomes() {
    let good = example("curl localhost:3000/profile", "{\"name\": \"demo\"}");
    let bad = example("curl localhost:3000/profile", "{\"name\": \"x\"}");
    let rows = [
        (&good, FailOn::Findings, ExitStatus::Passed),
        (&bad, FailOn::Findings, ExitStatus::Failed),
        (&bad, FailOn::Never, ExitStatus::Passed),
    ];
    for (page, fail_on, expected) in rows {
        let folder = Folder::new(page);
        let options = Options {
            fail_on,
            ..folder.options()
        };
        let outcome = check(&options).unwrap();
        assert_eq!(outcome, expected, "{page}");
    }
    let folder = Folder::new(&good);
    folder.write("broken.json", "{\"users\": [}");
    let options = Options {
        database: Some(folder.root.path().join("broken.json")),
        ..folder.options()
    };
    let failed = check(&options).unwrap_err();
    assert!(failed.to_string().contains("broken.json"), "{failed}");
    let nowhere = Options {
        paths: vec![folder.root.path().join("no.md")],
        ..Options::default()
    };
    assert!(matches!(check(&nowhere), Err(CheckError::Read { .. })));
}

fn printed(page: &str, format: Format) -> String {
    let folder = Folder::new(page);
    let mut out = Vec::new();
    run(
        &Options {
            format,
            ..folder.options()
        },
        &in_process,
        &mut out,
        &mut std::io::sink(),
    )
    .unwrap();
    String::from_utf8(out)
        .unwrap()
        .replace(&folder.page().display().to_string(), "page.md")
}

#[test]
fn a_person_sees_the_place_the_difference_and_the_cause() {
    let page = format!(
        "# Users\n\n{}{}",
        example("curl localhost:3000/profile", "{\n  \"name\": \"Demo\"\n}"),
        example("curl localhost:3000/users/{id}", "{}")
    );
    let expected = "\
error: GET /profile: name: documented \"Demo\", got \"demo\"
 --> page.md:9:11
  |
9 |   \"name\": \"Demo\"
  |           ^^^^^^
  - page  + server
  - \"name\": \"Demo\"
  + \"name\": \"demo\"

skipped  page.md:14: GET localhost:3000/users/{id} (a template: `{id}` is a placeholder)
endpoints: 2 of 10 documented, 0 tested; 8 undocumented (--coverage lists them)
2 examples on 1 page: 0 passed, 1 failed, 1 skipped
";
    let text = printed(&page, Format::Human);
    let (text, data) = text.split_once("data: ").unwrap();
    assert_eq!(text, expected);
    assert!(data.ends_with("db.json\n"), "{data}");
}

#[test]
fn machines_get_their_formats() {
    let page = example("curl localhost:3000/profile", "{\"name\": \"Demo\"}");
    let github = printed(&page, Format::Github);
    assert!(
        github.starts_with(
            "::error file=page.md,line=6,col=10,title=GET /profile::name: documented \"Demo\", got \"demo\"\n"
        ),
        "{github}"
    );
    let junit = printed(&page, Format::Junit);
    assert!(
        junit.contains("<testsuites name=\"standin check\" tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\">"),
        "{junit}"
    );
    assert!(
        junit.contains(
            "<failure message=\"name: documented &quot;Demo&quot;, got &quot;demo&quot;\">"
        ),
        "{junit}"
    );
    let json: Value = serde_json::from_str(&printed(&page, Format::Json)).unwrap();
    let first = &json["examples"][0];
    assert_eq!(first["page"], "page.md");
    assert_eq!(first["line"], 2);
    assert_eq!(first["request"], "GET /profile");
    assert_eq!(first["verdict"], "fail");
    assert_eq!(
        first["documented"],
        serde_json::json!({"status": 200, "body": {"name": "Demo"}})
    );
    assert_eq!(
        first["actual"],
        serde_json::json!({"status": 200, "body": {"name": "demo"}})
    );
    assert_eq!(json["summary"]["fail"], 1);
}

#[test]
fn a_real_service_is_written_to_only_when_allowed() {
    let folder = Folder::new(&format!(
        "{}{}",
        example(POST, "{...}"),
        example("curl localhost:3000/profile", "{\"name\": \"demo\"}")
    ));
    let served = serve_data(DATA);
    let url = format!("http://{}", served.address());
    for (allow_writes, verdicts) in [(false, ["skipped", "pass"]), (true, ["pass", "pass"])] {
        let report = folder.report(&Options {
            server: Some(url.clone()),
            allow_writes,
            ..folder.options()
        });
        let seen: Vec<_> = report["examples"]
            .as_array()
            .unwrap()
            .iter()
            .map(|example| &example["verdict"])
            .collect();
        assert_eq!(seen, verdicts);
    }
    assert_eq!(
        served.get("/users").value().as_array().unwrap().len(),
        4,
        "one service, written to once"
    );
    // A real service needs no data file.
    std::fs::remove_file(folder.root.path().join("db.json")).unwrap();
    let report = folder.report(&Options {
        server: Some(url),
        ..folder.options()
    });
    assert_eq!(report["examples"][1]["verdict"], "pass");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = check(&Options {
        server: Some(format!("http://{nobody}")),
        ..folder.options()
    })
    .unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
}

/// The judged pages of real documentation, where they are at hand: the
/// variable `STANDIN_SHARED` names the folder that holds `corpus/`.
#[test]
fn the_corpus_is_judged_as_expected() {
    let Some(shared) = std::env::var_os("STANDIN_SHARED") else {
        eprintln!("not run: STANDIN_SHARED does not name the folder with the corpus");
        return;
    };
    let corpus = Path::new(&shared).join("corpus");
    let expected: Value =
        serde_json::from_str(&std::fs::read_to_string(corpus.join("expected.json")).unwrap())
            .unwrap();
    let mut wrong = Vec::new();
    for row in expected.as_array().unwrap() {
        let (Some(page), Some(line)) = (row["page"].as_str(), row["line"].as_u64()) else {
            continue;
        };
        let path = corpus.join(page);
        if !path.exists() {
            eprintln!("not run: {page} is not in the corpus");
            continue;
        }
        let project = page.split('/').next().unwrap();
        let options = Options {
            paths: vec![path],
            database: Some(corpus.join(project).join("api/api-ranks-db-source.json")),
            ..Options::default()
        };
        let report = report(&options);
        // The corpus names the line of the code block, the report that of the request in it.
        let below = |example: &&Value| {
            example["line"]
                .as_u64()
                .is_some_and(|of_request| of_request >= line)
        };
        let examples = report["examples"].as_array().unwrap().iter().filter(below);
        let Some(example) = examples.min_by_key(|example| example["line"].as_u64()) else {
            wrong.push(format!("{page}:{line} was not found"));
            continue;
        };
        let verdict = example["verdict"].as_str().unwrap();
        let met = match row["kind"].as_str().unwrap() {
            "pass" => verdict == "pass",
            "doc_bug" => verdict == "fail",
            "prose_body" => matches!(verdict, "pass" | "skipped"),
            _ => matches!(verdict, "skipped" | "error"),
        };
        let read = example["documented"]["body"] == row["documented_body"]
            && example["documented"]["status"] == row["documented_status"];
        if !met || !read {
            wrong.push(format!("{page}:{line} {}: {example}", row["kind"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
