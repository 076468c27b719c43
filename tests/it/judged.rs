//! Pages with their own data and rules, and the verdicts of their examples: dependencies on examples that are not run,
//! generated values, and grouping.

use std::process::Command;

use serde_json::Value;

const DATA: &str = r#"{
  "songs": [
    { "id": 1, "title": "Blue", "bandId": 1, "addedAt": "2024-01-05T10:00:00Z" },
    { "id": 2, "title": "Red", "bandId": 2, "addedAt": "2024-01-06T10:00:00Z" }
  ],
  "bands": [ { "id": 1, "name": "Owls" }, { "id": 2, "name": "Foxes" } ],
  "keys": [ { "id": "k-one", "label": "First" } ],
  "settings": { "volume": 3 }
}"#;

const RULES: &str = r#"{
  "properties": {
    "songs": {
      "items": {
        "properties": {
          "addedAt": { "type": "string", "format": "date-time", "x-generated": "created" },
          "code": { "type": "string", "x-generated": "uuid" }
        },
        "required": ["title"]
      }
    }
  }
}"#;

/// For each page its examples, as their verdicts and, after a colon, the reasons. One run checks all of them.
fn judged(pages: &[&str]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("db.json"), DATA).unwrap();
    std::fs::write(folder.path().join("db.schema.json"), RULES).unwrap();
    for (at, page) in pages.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{at}.md")), page).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_standin"))
        .args(["check", "--format", "json", "."])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let mut judged = vec![Vec::new(); pages.len()];
    for example in report["examples"].as_array().unwrap() {
        let text = |key: &str| example[key].as_str().unwrap_or_default();
        let name = text("page")
            .trim_start_matches("./")
            .trim_end_matches(".md");
        let at: usize = name.parse().unwrap();
        judged[at].push(format!("{}: {}", text("verdict"), text("reason")));
    }
    judged
}

/// Checks the beginning of each verdict.
fn assert_judged(page: &str, expected: &[&str]) {
    assert_rows(&[(page, expected)]);
}

/// Rows whose pages are written in place.
pub fn assert_rows(rows: &[(&str, &[&str])]) {
    let pages: Vec<&str> = rows.iter().map(|(page, _)| *page).collect();
    for ((page, expected), seen) in rows.iter().zip(judged(&pages)) {
        let fits = seen.len() == expected.len()
            && seen.iter().zip(*expected).all(|(seen, expected)| {
                seen.starts_with(expected) || seen.contains(&format!(": {expected}"))
            });
        assert!(fits, "{page}\nexpected {expected:#?}\nseen {seen:#?}");
    }
}

pub fn assert_all_judged(rows: &[(String, &[&str])]) {
    let rows: Vec<(&str, &[&str])> = rows
        .iter()
        .map(|(page, expected)| (page.as_str(), *expected))
        .collect();
    assert_rows(&rows);
}

fn get(path: &str, response: &str) -> String {
    format!("```bash\ncurl http://localhost:3000{path}\n```\n\n```json\n{response}\n```\n\n")
}

fn post(path: &str, body: &str, response: &str) -> String {
    format!(
        "```bash\ncurl http://localhost:3000{path} --json '{body}'\n```\n\n```json\n{response}\n```\n\n"
    )
}

const UNRUN: &str = "needs the write on line";

#[test]
fn generated_values_cannot_be_documented() {
    let code = "7f0c2f6e-0f0c-4c8e-9d57-0a4f4ad0a111";
    let song = |added: &str, code: &str| {
        format!(
            r#"{{"title": "New", "bandId": 1, "addedAt": "{added}", "code": "{code}", "id": 3}}"#
        )
    };
    let body = r#"{"title": "New", "bandId": 1}"#;
    let right = song("2024-05-05T08:00:00Z", code);
    let create = post("/songs", body, &right);
    let rows = [
        (create.clone(), &["pass"][..]),
        (post("/songs", body, &song("today", code)), &["fail"]),
        (
            post("/songs", body, &song("2024-05-05T08:00:00Z", "seven")),
            &["fail"],
        ),
        (
            post("/songs", body, &right.replace("New", "Old")),
            &["fail"],
        ),
        // In later responses, also within other records and lists.
        (create.clone() + &get("/songs/3", &right), &["pass", "pass"]),
        (
            create.clone() + &get("/songs?id=3", &format!("[{right}]")),
            &["pass", "pass"],
        ),
        (
            create.clone()
                + &get(
                    "/bands/1?_embed=songs",
                    &format!(
                        r#"{{"id": 1, "name": "Owls", "songs": [{{"id": 1, "title": "Blue", "bandId": 1, "addedAt": "2024-01-05T10:00:00Z"}}, {right}]}}"#
                    ),
                ),
            &["pass", "pass"],
        ),
        // What is in the data, or was sent, is not generated.
        (
            get(
                "/songs/1",
                r#"{"id": 1, "title": "Blue", "bandId": 1, "addedAt": "2023-01-05T10:00:00Z"}"#,
            ),
            &["fail"],
        ),
        (
            post(
                "/songs",
                &body.replace('}', &format!(", \"code\": \"{code}\"}}")),
                &right.replace(code, &code.replace('7', "8")),
            ),
            &["fail"],
        ),
        // Random ids, in lists, too.
        (
            post(
                "/keys",
                r#"{"label": "Second"}"#,
                r#"{"label": "Second", "id": "a1b2"}"#,
            ),
            &["pass"],
        ),
        (
            post(
                "/keys",
                r#"{"label": "Second"}"#,
                r#"{"label": "Second", "id": "a1b2"}"#,
            ) + &get(
                "/keys",
                r#"[{"id": "k-one", "label": "First"}, {"label": "Second", "id": "a1b2"}]"#,
            ),
            &["pass", "pass"],
        ),
        (
            post(
                "/keys",
                r#"{"label": "Second"}"#,
                r#"{"label": "Second", "id": "a1b2"}"#,
            ) + &get(
                "/keys",
                r#"[{"id": "k-one", "label": "First"}, {"label": "Third", "id": "a1b2"}]"#,
            ),
            &["pass", "fail"],
        ),
        (
            get("/keys", r#"[{"id": "k-two", "label": "First"}]"#),
            &["fail"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn reads_after_a_write_that_is_not_run_are_skipped() {
    let fetch = "```js\nawait fetch('http://localhost:3000/songs', {\n  method: 'POST',\n  body: JSON.stringify({ title: 'New' }),\n});\n```\n\n";
    let python = "```python\nrequests.patch('http://localhost:3000/settings', json={'volume': loud})\n```\n\n";
    let shell = "```powershell\nInvoke-RestMethod -Method Delete -Uri http://localhost:3000/bands/2 -Credential $me\n```\n\n";
    let file = "```bash\ncurl http://localhost:3000/songs -H 'Content-Type: application/json' -d @song.json\n```\n\n";
    let template = "```bash\ncurl -X PATCH http://localhost:3000/songs/{id} --json '{\"title\": \"Late\"}'\n```\n\n";
    let new_song = get("/songs/3", r#"{"title": "New", "id": 3}"#);
    let blue = |title: &str| {
        get(
            "/songs/1",
            &format!(
                r#"{{"id": 1, "title": "{title}", "bandId": 1, "addedAt": "2024-01-05T10:00:00Z"}}"#
            ),
        )
    };
    let rows = [
        (format!("{fetch}{new_song}"), &["skipped", UNRUN][..]),
        (format!("{file}{new_song}"), &["skipped", UNRUN]),
        (
            format!("{python}{}", get("/settings", r#"{"volume": 9}"#)),
            &["skipped", UNRUN],
        ),
        (
            format!("{shell}{}", get("/bands", r#"[{"id": 1, "name": "Owls"}]"#)),
            &["skipped", UNRUN],
        ),
        (format!("{template}{}", blue("Late")), &["skipped", UNRUN]),
        // An example that does not depend on the write passes, and a difference that the write does not cause is still
        // wrong.
        (format!("{template}{}", blue("Blue")), &["skipped", "pass"]),
        (format!("{fetch}{}", blue("Green")), &["skipped", "fail"]),
        (format!("{python}{}", blue("Green")), &["skipped", "fail"]),
        (
            format!("{shell}{}", get("/bands/1", r#"{"id": 1, "name": "Cats"}"#)),
            &["skipped", "fail"],
        ),
        (
            format!(
                "{fetch}{}",
                post("/songs", r#"{"bandId": 1}"#, r#"{"bandId": 1, "id": 4}"#)
            ),
            &["skipped", "fail"],
        ),
        // A call that is the command above it for another client is run.
        (
            format!(
                "```bash\ncurl -X PATCH http://localhost:3000/songs/1 --json '{{\"title\": \"Late\"}}'\n```\n\n```python\nrequests.patch('http://localhost:3000/songs/1', json={{'title': 'Late'}})\n```\n\n{}",
                blue("Green")
            ),
            &["pass", "pass", "fail"],
        ),
        // One that is literal is run.
        (
            format!(
                "{}{}",
                python.replace("loud", "9"),
                get("/settings", r#"{"volume": 9}"#)
            ),
            &["pass", "pass"],
        ),
        // Readers may not run a program without a response.
        (
            format!(
                "{}{}{}",
                "```js\naxios.delete('http://localhost:3000/bands/2');\n```\n\n",
                get("/bands", r#"[{"id": 1, "name": "Owls"}]"#),
                get("/bands", r#"[{"id": 2, "name": "Wolves"}]"#),
            ),
            &[
                "pass",
                "pass",
                "the page may not count the write of the program",
            ],
        ),
        // Neither a write of another service nor the name of an endpoint is one.
        (
            format!("```bash\ncurl -X DELETE https://example.com/songs/1\n```\n\n{new_song}"),
            &["skipped", "fail"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn what_belongs_together_is_read_as_one() {
    let song = r#"{"title": "New", "bandId": 2}"#;
    let created = "```json\n{\"title\": \"New\", \"bandId\": 2, \"addedAt\": \"<any>\", \"code\": \"<any>\", \"id\": 3}\n```\n";
    let send = "```bash\ncurl http://localhost:3000/songs -H 'Content-Type: application/json' -d @song.json\n```\n\n";
    let rows = [
        // The body of a command is a file that the page shows.
        (format!("Save this as `song.json`:\n\n```json\n{song}\n```\n\n{send}{created}"), &["pass"][..]),
        (format!("### Sample payload\n\n```json\n{song}\n```\n\n### Sample request\n\n{send}### Sample response\n\n{created}"), &["pass"]),
        (format!("```json title=\"song.json\"\n{song}\n```\n\nThen:\n\n{send}{created}"), &["pass"]),
        (format!("```bash\ncat > song.json <<EOF\n{song}\nEOF\n```\n\n{send}{created}"), &["pass"]),
        (format!("### Payload\n\n```json\n{}\n```\n\n{send}{created}", song.replace("2", "1")), &["fail"]),
        (format!("Elsewhere:\n\n```json\n[]\n```\n\n{send}"), &["the body is read from the file `song.json`"]),
        // In components, the body is in a block of its own.
        (format!("<Request>\n\n`POST http://localhost:3000/songs`\n\n```js\n{{ title: 'New', bandId: 2 }}\n```\n\n</Request>\n<Response>\n\n{created}\n</Response>\n"), &["pass"]),
        // The status of a response in a block above it.
        (format!("```bash\ncurl http://localhost:3000/bands/2\n```\n\n#### Response\n\n```\nStatus: 200 OK\n```\n\n```json\n{}\n```\n", r#"{"id": 2, "name": "Foxes"}"#), &["pass: as documented"]),
        (format!("```bash\ncurl http://localhost:3000/bands/2\n```\n\n#### Response\n\n```\nStatus: 200 OK\n```\n\n```json\n{}\n```\n", r#"{"id": 2, "name": "Wolves"}"#), &["fail"]),
        (format!("```bash\ncurl http://localhost:3000/bands/2\n```\n\nResponse:\n\n```\nStatus: 404 Not Found\n```\n\n```json\n{}\n```\n", r#"{"id": 2, "name": "Foxes"}"#), &["fail"]),
        // Labels and marks in the block, and dots for headers.
        ("```command\ncurl http://localhost:3000/bands/2\n```\n\n```\n[secondary_label Output]\n{\"id\": <^>2<^>, \"name\": \"<^>Foxes<^>\"}\n```\n".to_owned(), &["pass: as documented"]),
        ("```command\ncurl http://localhost:3000/bands/2\n```\n\n```\n[secondary_label Output]\n{\"id\": <^>2<^>, \"name\": \"<^>Wolves<^>\"}\n```\n".to_owned(), &["fail"]),
        ("Try it:\n\n    http :3000/bands/2\n\n    HTTP/1.1 200 OK\n    ...\n\n    {\"id\": 2, \"name\": \"Foxes\"}\n".to_owned(), &["pass: as documented"]),
        ("Try it:\n\n    http :3000/bands/2\n\n    HTTP/1.1 200 OK\n    ...\n    {\"id\": 2, \"name\": \"Wolves\"}\n".to_owned(), &["fail"]),
        // A query of its own.
        ("* Method: `GET`\n* Endpoint: `/bands`\n* Query: `name=Foxes`\n* Response:\n\n```json\n[{\"id\": 2, \"name\": \"Foxes\"}]\n```\n".to_owned(), &["pass: as documented"]),
        ("**POST** `/songs` with `{\"bandId\": 2}`\n\nResponse: 400\n\n```json\n{\"title\": \"The record breaks the rules\", ...}\n```\n".to_owned(), &["pass: as documented"]),
        ("`$ curl http://localhost:3000/bands/2`\n\n```json\n{\"id\": 2, \"name\": \"Foxes\"}\n```\n".to_owned(), &["pass: as documented"]),
    ];
    assert_all_judged(&rows);
}

#[test]
fn requests_to_other_servers_are_skipped() {
    let own = get("/bands/2", r#"{"id": 2, "name": "Foxes"}"#);
    let other = get("/hello", r#"{"message": "Hi"}"#).replace(":3000", ":4000");
    let rows = [
        (format!("{own}{own}{other}"), &["pass", "pass", "goes to port 4000"][..]),
        (format!("```js\napp.listen(4000);\n```\n\n{other}"), &["goes to port 4000"]),
        (format!("{own}{own}{}", other.replace(":4000", ":3000")), &["pass", "pass", "`/hello` is a route that this data does not have"]),
        (format!("{own}{}", own.replace(":3000", ":4000").replace("Foxes", "Cats")), &["pass", "fail"]),
        ("```bash\nAPI=$(minikube service songs --url)\ncurl $API/version\n```\n\n```json\n{\"version\": 1}\n```\n".to_owned(), &["`$API` is set by a command"]),
        ("```console\n$ curl http://localhost:3000/bands\ncurl: (7) Failed to connect to localhost port 3000: Connection refused\n```\n".to_owned(), &["the page shows curl's error for a server that is not running"]),
        ("```bash\ncurl -X POST http://localhost:3000/songs\n```\n\n> Body parameter\n\n```json\n{\"title\": \"string\"}\n```\n".to_owned(), &["its body is shown separately"]),
    ];
    assert_all_judged(&rows);
}

#[test]
fn what_only_names_an_endpoint_has_no_response() {
    let foxes = get("/bands/2", r#"{"id": 2, "name": "Foxes"}"#);
    let bands = get(
        "/bands",
        r#"[{"id": 1, "name": "Owls"}, {"id": 2, "name": "Foxes"}]"#,
    );
    let rows = [
        (format!("```\nGET    /bands\nPOST   /bands\nDELETE /bands/2\n```\n\n{bands}"), &["pass: the status", "pass: the status", "pass: as documented"][..]),
        (format!("## One\n\n```\nGET /bands/{{band_id}}\n```\n\n| Name | In |\n|---|---|\n| `band_id` | path |\n\n### Example\n\n{foxes}"), &["pass"]),
        // A request on its own is one.
        (format!("```\nDELETE /bands/2\n```\n\n## List\n\n{bands}"), &["pass", "pass"]),
        // The same request for another client has the same response, unless it has one of its own.
        (foxes.replace("\n\n```json", "\n\n```bash\nhttp :3000/bands/2\n```\n\n```json"), &["pass: as documented", "pass: as documented"]),
        (foxes.clone() + "With HTTPie:\n\n```bash\nhttp :3000/bands/2\n```\n\n```json\n{\"id\": 2, \"name\": \"Cats\"}\n```\n", &["pass: as documented", "fail"]),
        // A table of errors has requests and their statuses.
        ("| Request | Status |\n|---|---|\n| `GET http://localhost:3000/bands/9` | `404 Not Found` |\n| `GET http://localhost:3000/bands/1` | 404 |\n| `GET /bands/:id` | 404 |\n".to_owned(), &["pass", "fail"]),
    ];
    assert_all_judged(&rows);
}

#[test]
fn rows_of_tables_are_requests_with_their_results() {
    let table = "| Step | Expected |\n|---|---|\n";
    let rows = [
        (format!("{table}| `GET http://localhost:3000/bands/1` | `{{\"id\": 1, \"name\": \"Owls\"}}` |\n| `curl http://localhost:3000/bands/2` | `{{\"id\": 2, \"name\": \"Cats\"}}` |\n"), &["pass: as documented", "fail"][..]),
        (format!("{table}| POST `/songs` with `{{\"bandId\": 1}}` | 400, there is no title |\n| GET `/bands` | 200, 2 bands |\n| GET `/bands/8` | 200 |\n"), &["pass", "pass", "fail"]),
        // The sentence above it deletes what is missing in the table.
        (format!("Now call `DELETE /bands/1`, which answers `{{}}`.\n\n{table}| GET `/bands/1` | 404 |\n"), &[UNRUN]),
        // A table that says nothing about results has none, but its commands must work.
        ("| Task | Command |\n|---|---|\n| List | `curl localhost:3000/bands` |\n\nThis is all.\n".to_owned(), &["pass: the status"]),
    ];
    assert_all_judged(&rows);
}

#[test]
fn what_is_planned_or_past_is_not_checked() {
    let plan = get("/venues/1", r#"{"id": 1}"#);
    let rows = [
        (format!("## Proposal\n\n{plan}"), &["the heading marks it as planned"][..]),
        (format!("## Venues\n\n{plan}"), &["fail"]),
        (format!("**Old**\n\n{plan}**New**\n\n{}", get("/bands/1", r#"{"id": 1, "name": "Owls"}"#)), &["the heading or label above it", "pass"]),
        ("Before 1.4 `GET http://localhost:3000/bands/1` returned\n\n```json\n{\"id\": 1}\n```\n".to_owned(), &[]),
        (get("/bands/NUMBER", r#"{"id": 1, "name": "Owls"}"#), &["a template"]),
        (get("/bands/<ім'я>", r#"{"id": 1, "name": "Owls"}"#).replace("'", ""), &["a template"]),
    ];
    assert_all_judged(&rows);
}

#[test]
fn a_status_belongs_to_the_request_beside_it() {
    let remove = "```bash\ncurl -X DELETE http://localhost:3000/bands/9\n```\n\n";
    let rows = [
        (
            format!("{remove}This is not found (`404`), as there are two bands.\n"),
            &["pass"][..],
        ),
        (
            format!("{remove}This is forbidden (`403`), as there are two bands.\n"),
            &["fail"],
        ),
        (
            "Pages are answered with HTTP 400:\n\n```bash\ncurl 'http://localhost:3000/bands?_page=0'\n```\n\n<details>\n<summary><b>I get 404 Not Found</b></summary>\n\nRead on.\n\n</details>\n"
                .to_owned(),
            &["pass"],
        ),
    ];
    assert_all_judged(&rows);
}

/// The example below the syntax of a write does not need that write. Dots in place of a body say nothing about it.
#[test]
fn the_syntax_of_a_write_excuses_no_wrong_response() {
    let syntax = "### Syntax\n\n```bash\ncurl -X POST http://localhost:3000/songs \\\n  --json '{\"title\": \"{title}\"}'\n```\n\n### Example\n\n";
    let wrong = post(
        "/songs",
        "{\"title\": \"Green\"}",
        "{\"title\": \"Green\", \"bandId\": 9, \"id\": 3}",
    );
    assert_judged(&format!("{syntax}{wrong}"), &["skipped", "fail"]);
    let whole = "```console\n$ curl -i http://localhost:3000/songs/9\nHTTP/1.1 404 Not Found\n\n[...]\n```\n";
    assert_judged(whole, &["pass"]);
    for template in [
        "```bash\ncurl http://localhost:3000/songs/DITT-ID\n```\n",
        "```http\nGET http://localhost:3000/me\nAuthorization: Bearer {{token}}\n```\n",
    ] {
        assert_judged(template, &["skipped: a template"]);
    }
}

/// What a label or a paragraph says about a response, in whatever language, is compared with what came.
#[test]
fn what_is_said_about_a_response_counts() {
    let show = "```bash\ncurl http://localhost:3000/bands/2\n```\n\n";
    let list = show.replace("/2", "");
    let remove = show.replace("curl", "curl -X DELETE");
    let change = "```bash\ncurl -X PATCH http://localhost:3000/bands/2 --json '{\"name\": \"Cats\"}'\n```\n\n";
    let wrong = "```json\n{\"ok\": true, \"band\": {\"id\": 2, \"name\": \"Foxes\"}}\n```\n";
    let labels = [
        "Beispielantwort (eine Band):",
        "**Respuesta exitosa:**",
        "النتيجة المتوقعة:",
        "Success (200 OK):",
        "### Oczekiwana odpowiedź",
        "#### Beklenen sonuç",
    ];
    for label in labels {
        let right = wrong
            .replace("{\"ok\": true, \"band\": ", "")
            .replace("}}", "}");
        assert_judged(
            &format!("{show}{label}\n\n{right}"),
            &["pass: as documented"],
        );
        assert_judged(&format!("{show}{label}\n\n{wrong}"), &["fail"]);
    }
    let rows = [
        // Something else than the response.
        (
            format!("{show}The mail that is sent:\n\n{wrong}"),
            &["the status is as documented"][..],
        ),
        (
            format!("{list}A band that nobody knows:\n\n```json\n[]\n```\n"),
            &["fail"],
        ),
        (
            format!(
                "{show}The record as a label says it:\n\n```json\n{{\"id\": 3, \"name\": \"Cats\"}}\n```\n"
            ),
            &["fail"],
        ),
        // The same request for another client is between request and response.
        (
            format!(
                "## Read\n\n### curl\n\n{show}### JavaScript (fetch)\n\n```js\nfetch('http://localhost:3000/bands/2')\n```\n\n### Réponse\n\n{wrong}"
            ),
            &["fail", "pass: the status"],
        ),
        (
            format!(
                "{show}With fetch:\n\n```js\nfetch('http://localhost:3000/bands/2')\n```\n\n{wrong}"
            ),
            &["fail", "pass: the status"],
        ),
        // Statuses of successes.
        (
            format!("{remove}→ Attends **204 No Content**.\n"),
            &["fail"],
        ),
        (format!("{remove}→ Attends **200 OK**.\n"), &["pass"]),
        (
            format!(
                "{remove}**Response:**\n\n- **If deleted successfully:** `204 No Content`\n- **If not found:** `404 Not Found`\n"
            ),
            &["fail"],
        ),
        (
            format!(
                "{remove}**Response:**\n\n- **If deleted successfully:** `200 OK`\n- **If not found:** `404 Not Found`\n"
            ),
            &["pass"],
        ),
        (
            format!("## Remove\n\n{remove}### Response\n\n`Status code: 204 (No Content)`\n"),
            &["fail"],
        ),
        (
            format!(
                "{change}**Code:** 201 <br />\n**Content:**\n\n```json\n{{\"id\": 2, \"name\": \"Cats\"}}\n```\n"
            ),
            &["fail"],
        ),
        // No body.
        (
            format!("{change}**Resposta:** 200 OK (sem body)\n"),
            &["fail"],
        ),
        (
            format!("{change}The server answers with an empty body.\n"),
            &["fail"],
        ),
        (
            format!("{remove}The server answers with an empty body.\n"),
            &["pass"],
        ),
        (
            show.replace("curl", "curl -I") + "The response has no body.\n",
            &["pass"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn headers_that_say_where_a_record_is_are_compared() {
    let page = |location: &str| {
        format!(
            "```console\n$ curl -i http://localhost:3000/bands --json '{{\"name\": \"Cats\"}}'\nHTTP/1.1 201 Created\nlocation: {location}\n\n{{\"name\": \"Cats\", \"id\": 3}}\n```\n"
        )
    };
    let random = "```console\n$ curl -i http://localhost:3000/keys --json '{\"label\": \"New\"}'\nHTTP/1.1 201 Created\nLocation: /keys/k-x1\n\n{\"label\": \"New\", \"id\": \"k-x1\"}\n```\n";
    let read = "```console\n$ curl -i http://localhost:3000/bands/1\nHTTP/1.1 200 OK\nLocation: /bands/1\n\n{\"id\": 1, \"name\": \"Owls\"}\n```\n";
    let rows = [
        (page("/bands/3"), &["pass"][..]),
        (page("http://localhost:3000/api/bands/3"), &["pass"]),
        (page("/bands/{id}"), &["pass"]),
        (page("/bands/2"), &["fail"]),
        (page("/songs/3"), &["fail"]),
        (random.to_owned(), &["pass"]),
        (random.replace("/keys/", "/songs/"), &["fail"]),
        (read.to_owned(), &["fail"]),
    ];
    assert_all_judged(&rows);
}

#[test]
fn a_response_ends_where_other_text_begins() {
    let bands = "{\"id\": 2, \"name\": \"Foxes\"}";
    let rows = [
        (
            format!(
                "```\n> curl http://localhost:3000/bands/2\n{bands}\n\n# Look at the file\n> cat db.json | head -1\n{{\n```\n"
            ),
            &["pass: as documented"][..],
        ),
        (
            format!("```bash\ncurl http://localhost:3000/bands/2\n```\n\n```json\n{bands}}}\n```\n"),
            &["fail"],
        ),
        // A status before the JSON, and a fence that is indented too far.
        (
            format!("```bash\ncurl http://localhost:3000/bands/2\n```\n\n```\n< 200: {bands}\n```\n"),
            &["pass: as documented"],
        ),
        (
            format!("```bash\ncurl http://localhost:3000/bands/2\n```\n\n```\n< 201: {bands}\n```\n"),
            &["fail"],
        ),
        (
            "* Command:\n\n        ```bash\n        curl http://localhost:3000/bands/2\n        ```\n\n* Response:\n\n        ```json\n        {\"id\": 2, \"name\": \"Cats\"}\n        ```\n"
                .to_owned(),
            &["fail"],
        ),
        (
            "```bash\nhttp --form POST :3000/songs title=Late\n```\n\n```json\n{\"title\": \"Late\", \"id\": 3}\n```\n"
                .to_owned(),
            &["fail"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn output_below_a_label_in_comments_and_in_nested_components_is_compared() {
    let labelled = |name: &str| {
        format!(
            "```bash\ncurl http://localhost:3000/bands/2\n\n# Antwort:\n# {{\n#   \"id\": 2,  # the id\n#   \"name\": \"{name}\"\n# }}\n```\n"
        )
    };
    let components = "<Row>\n  <Col>\n\n    Reads a band.\n\n  </Col>\n  <Col sticky>\n\n    <CodeGroup title=\"Request\">\n\n    ```sh {{ title: 'cURL' }}\n    curl http://localhost:3000/bands/2\n    ```\n\n    ```python\n    import requests\n    ```\n\n    </CodeGroup>\n\n    ```json {{ title: 'Response' }}\n    { \"id\": 2, \"name\": \"Foxes\" }\n    ```\n\n  </Col>\n</Row>\n";
    let rows = [
        (labelled("Foxes"), &["pass: as documented"][..]),
        (labelled("Cats"), &["fail"]),
        (components.to_owned(), &["pass: as documented"]),
        (components.replace("Foxes", "Cats"), &["fail"]),
    ];
    assert_all_judged(&rows);
}

/// A host in a variable without a value is another server, if one of its paths is not here.
#[test]
fn hosts_without_a_value_may_be_others() {
    let get = |path: &str| format!("```bash\ncurl {path}\n```\n\n");
    let rows = [
        (
            get("http://$GATEWAY/health") + &get("http://$GATEWAY/bands/health"),
            &["`$GATEWAY` is not defined", "`$GATEWAY` is not defined"][..],
        ),
        (
            get("$API/bands/1") + &get("$API/bands/9"),
            &["pass", "fail"],
        ),
        (
            get("$API/concerts").replace("curl", "API=http://localhost:3000\ncurl"),
            &["fail"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn queries_in_one_block_are_examples() {
    let page = r#"## Filter

```
GET /songs?title=Blue
GET /songs?bandId=1&bandId=2
GET /song?title=Blue
```

## Operators

```
GET /songs?id_gte=1
```

```
GET /songs?id_ne=1
```

## Routes

```
GET /songs
GET /songs/1
```
"#;
    assert_judged(
        page,
        &["pass", "pass", "fail", "pass", "pass", "pass", "pass"],
    );
}

#[test]
fn a_label_in_a_block_separates_request_and_response() {
    let page = r#"```
GET /songs

Antwort (200):
[
  { "id": 1, "title": "Blue", "bandId": 1, "addedAt": "2024-01-05T10:00:00Z" },
  ...
]
```

```
GET /bands/1

Response:
{ "id": 1, "name": "Hawks" }
```

```
$ curl localhost:3000/bands/9
Odpowiedź (200):
{}
```
"#;
    assert_judged(page, &["pass", "fail", "fail"]);
}

#[test]
fn a_prompt_of_root_is_no_comment() {
    let page = r#"```shell
root@c0ffee:~/shop# curl http://localhost:3000/bands/1
{ "id": 1, "name": "Hawks" }
# curl http://localhost:3000/bands/2
```
"#;
    assert_judged(page, &["fail"]);
}

#[test]
fn the_title_of_a_request_names_its_status() {
    let page = r#"```http
### One song
GET http://localhost:3000/songs/1

### A song that is not there (404)
GET http://localhost:3000/songs/9

### A song that is there (404)
GET http://localhost:3000/songs/2
```
"#;
    assert_judged(page, &["pass", "pass", "fail"]);
}

#[test]
fn a_token_without_a_value_may_belong_to_another_server() {
    let page = r#"```bash
curl -H "Authorization: Bearer {admin_token}" http://localhost:3000/admin/songs
curl -H "Authorization: Bearer {admin_token}" http://localhost:3000/songs/1
curl -H "Authorization: Bearer {admin_token}" http://localhost:3000/song/1
```
"#;
    assert_judged(page, &["skipped: a template", "pass", "fail"]);
}

#[test]
fn front_matter_that_names_no_file_leaves_the_usual_one() {
    let page = "---\ntest:\n  local_database: /api/nowhere.json\n---\n\n```bash\ncurl localhost:3000/bands/1\n```\n";
    assert_judged(page, &["pass"]);
}

/// On a page whose examples are steps, a read shows what the writes above it did.
#[test]
fn a_page_must_not_forget_its_writes() {
    let band = r#"{"name": "Cats", "id": 3}"#;
    let create = post("/bands", r#"{"name": "Cats"}"#, band);
    let old = r#"{"id": 1, "name": "Owls"}, {"id": 2, "name": "Foxes"}"#;
    let list = |items: &str| get("/bands", &format!("[{items}]"));
    let rows = [
        // A reference: each example is right for those who run only this one.
        (create.clone() + &list(old), &["pass", "pass"][..]),
        // Steps: the second needs the first.
        (
            create.clone() + &get("/bands/3", band) + &list(old),
            &[
                "pass",
                "pass",
                "this was the response before the writes above",
            ],
        ),
        (
            create.clone() + &list(&format!("{old}, {band}")),
            &["pass", "pass"],
        ),
        (list(old) + &create, &["pass", "pass"]),
        (
            create.clone() + "<!-- standin: reset -->\n\n" + &list(old),
            &["pass", "pass"],
        ),
        // Writes without a response are an overview, and what is gone may be described below.
        (
            "```bash\ncurl -X DELETE http://localhost:3000/bands/2\n```\n\n".to_owned()
                + &list(old),
            &["pass", "pass"],
        ),
    ];
    for (page, expected) in rows {
        let seen = judged(&[&page]).concat();
        let seen_in_full = seen.join("\n");
        for (seen, expected) in seen.iter().zip(expected) {
            assert!(seen.contains(expected), "{page}\n{seen_in_full}");
        }
    }
}

#[test]
fn responses_that_are_not_quite_json() {
    let page = r#"## GET /bands/1

### Response

    {
        id: 1,
        name: "Owls"
    }

## GET /bands/2

### Response

    {
        id: 2,
        name: "Owls"
    }

## Remove a band

```bash
curl -X DELETE http://localhost:3000/bands/1
```

Response:

```json
true
```
"#;
    assert_judged(page, &["pass", "fail", "fail"]);
}

#[test]
fn statuses_in_tests_and_below_headings() {
    let page = r#"```http
POST http://localhost:3000/bands
Content-Type: application/json

{ "name": "Hawks" }

> {%
client.test("created", function() { client.assert(response.status === 200, "not 200"); });
%}

###
POST http://localhost:3000/bands
Content-Type: application/json

< ./band.json
```

## DELETE /bands/1

* Status: `200`

## DELETE /bands/2

* Status: `204`

## Update

#### Route
`PATCH /songs/1`

#### JSON request body
```json
{ "title": "Green" }
```

#### Example response
```json
{ "id": 1, "title": "Blue", "bandId": 1, "addedAt": "2024-01-05T10:00:00Z" }
```

## Remove

```bash
curl -X DELETE http://localhost:3000/keys/k-one
```

A `204` response should be returned to indicate that the key was removed.
"#;
    assert_judged(
        page,
        &[
            "fail",
            "skipped: the body is",
            "pass",
            "fail",
            "fail",
            "fail",
        ],
    );
}

#[test]
fn a_no_body_label_beside_a_url_is_about_the_request() {
    let page = r#"## List

```bash
curl http://localhost:3000/bands
```

**Postman**

- **URL**: `GET http://localhost:3000/bands`
- **No body**

## One

```bash
curl http://localhost:3000/bands/1
```

### Response

No body.
"#;
    assert_judged(page, &["pass", "pass", "fail"]);
}
