//! What pages say about a response in other ways than by JSON below the request: words, statuses around it, the
//! description of the endpoint.

use super::judged::{assert_all_judged, assert_rows};

fn curl(command: &str) -> String {
    format!("```bash\ncurl {command}\n```\n\n")
}

const DELETE: &str = "-X DELETE http://localhost:3000/bands/2";
const OWLS: &str = "```bash\ncurl http://localhost:3000/bands/1\n```\n\n```json\n{\"id\": 1, \"name\": \"Owls\"}\n```\n\n";
const CATS: &str = "http://localhost:3000/bands --json '{\"name\": \"Cats\"}'";

#[test]
fn a_message_in_words_is_not_json() {
    let wrong = |shown: &str| curl(DELETE) + shown;
    let rows = [
        (
            wrong("Result: `Band deleted`\n"),
            &["fail: the page shows the text"][..],
        ),
        (
            wrong("Response: `deleted`\n"),
            &["fail: the page shows the text"],
        ),
        (wrong("Response: `true`\n"), &["fail"]),
        (wrong("Response:\n\n```\ntrue\n```\n"), &["fail"]),
        (
            wrong("Response:\n\n```bash\nBand with ID 2 deleted.\n```\n"),
            &["fail"],
        ),
        (
            wrong("Resposta:\n\n```\nRemovido com sucesso\n```\n"),
            &["fail"],
        ),
        (
            format!(
                "### Request\n\n{}### Response\n\n```\nBand deleted\n```\n",
                curl(DELETE)
            ),
            &["fail"],
        ),
        (
            format!("```\n$ curl {DELETE}\nsuccess\n```\n"),
            &["fail: the page shows the text `success`"],
        ),
        (
            format!(
                "```\n$ curl -i {DELETE}\nHTTP/1.1 200 OK\nContent-Type: application/json\n\ntrue\n```\n"
            ),
            &["fail"],
        ),
        // Words that describe it.
        (
            curl("http://localhost:3000/bands") + "Response: `Array of bands`\n",
            &["pass"],
        ),
        (
            curl("http://localhost:3000/bands") + "Response:\n\n```\nArray of bands\n```\n",
            &["pass"],
        ),
        (
            curl(DELETE) + "Response: `200 OK`, the band was deleted\n",
            &["pass"],
        ),
        (
            curl("http://localhost:3000/bands/9") + "Response (404):\n\n```\nBand not found\n```\n",
            &["pass"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn json_after_a_status_is_compared() {
    assert_rows(&[
        (
            "`GET http://localhost:3000/bands/1`\n\nExpected: `200` + `{\"id\": 9}`\n",
            &["fail"],
        ),
        (
            "`GET http://localhost:3000/bands/1`\n\nResponse: 200 OK `{\"id\": 9}`\n",
            &["fail"],
        ),
        (
            "- `GET http://localhost:3000/bands/1` → `200`, `{\"id\": 9}`\n",
            &["fail"],
        ),
        (
            "`GET http://localhost:3000/bands/1`\n\nExpected: `200` + `{\"id\": 1, \"name\": \"Owls\"}`\n",
            &["pass: as documented"],
        ),
        // As a program writes it.
        (
            "```\ncurl http://localhost:3000/bands/1\n```\n\nResponse: `{ id: 1, name: \"Cats\" }`\n",
            &["fail"],
        ),
        (
            "```\ncurl http://localhost:3000/bands/1\n```\n\nResponse: `{ id: 1, name: \"Owls\" }`\n",
            &["pass: as documented"],
        ),
    ]);
}

#[test]
fn a_status_stands_below_the_response() {
    let rows = [
        (
            format!("{OWLS}**Status:** `404 Not Found`\n"),
            &["fail: the text documents 404"][..],
        ),
        (
            format!("{OWLS}Status code: 201\n\n## Next\n"),
            &["fail: the text documents 201"],
        ),
        (
            format!("{OWLS}**Код ответа:** 404\n"),
            &["fail: the text documents 404"],
        ),
        (
            format!("{OWLS}**Status codes**\n\n- `201 Created`\n- `404 Not Found`\n"),
            &["fail: the text documents 201 or 404"],
        ),
        (
            format!("{OWLS}**Status codes**\n\n- `200 OK`\n- `404 Not Found`\n"),
            &["pass"],
        ),
        (
            format!("{OWLS}Errors:\n\n- 404: not found\n- 400: bad\n"),
            &["pass"],
        ),
        (
            format!("{OWLS}**Response (Not Found)**\n\n* **Status:** `404 Not Found`\n"),
            &["pass"],
        ),
        // That of the next request.
        (
            format!(
                "{OWLS}Status: 404\n\n{}",
                curl("http://localhost:3000/bands/9")
            ),
            &["pass", "pass"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn a_status_stands_between_fields_and_in_notes() {
    let rows = [
        ("- API Endpoint: `/bands`\n- HTTP Method: `POST`\n- HTTP Status Code: `200`\n\nRequest:\n```bash\nhttp post :3000/bands name=Cats\n```\n\nResponse:\n```json\n{ \"id\": 3, \"name\": \"Cats\" }\n```\n".to_owned(), &["fail: the text documents 200"][..]),
        (format!("```\n$ curl {DELETE}\n(пустой ответ, статус 204)\n\n$ curl http://localhost:3000/bands/1\n{{\"id\": 1, \"name\": \"Owls\"}}\n```\n"), &["fail: the text documents 204", "pass"]),
        (format!("```bash\ncurl {CATS}\n\n# Tentar duplicar\ncurl {CATS}\n# Deve retornar 400 (duplicada)\n```\n"), &["pass", "fail: the text documents 400"]),
        (format!("Use `DELETE /bands/2` to delete a band. It returns status 204.\n\n{}", curl(DELETE)), &["fail: the text documents 204"]),
        // A session goes on with the data that it changes.
        (format!("```\n$ curl {DELETE}\n{{}}\n$ curl -i http://localhost:3000/bands/2\nHTTP/1.1 200 OK\n```\n"), &["pass", "fail"]),
        (format!("```\n$ curl {DELETE}\n{{}}\n$ curl -i http://localhost:3000/bands/2\nHTTP/1.1 404 Not Found\n```\n"), &["pass", "pass"]),
    ];
    assert_all_judged(&rows);
}

#[test]
fn a_request_that_the_text_calls_wrong_must_fail() {
    let post = "http://localhost:3000/bands --json '{\"name\": 1}'";
    let rows = [
        (
            format!(
                "{}You will get an error that names the field.\n",
                curl(post)
            ),
            &["fail: the text says that the request fails"][..],
        ),
        (
            format!("```bash\n# Test validation error\ncurl {post}\n```\n"),
            &["fail: the text says that the request fails"],
        ),
        // About errors in general, and about tokens, which the server does not know.
        (format!("## Error handling\n\n{}", curl(CATS)), &["skipped"]),
        (
            format!(
                "### Create without a token\n\n{}The server rejects it.\n",
                curl(post)
            ),
            &["skipped"],
        ),
        // The error comes, for the reason that the text gives.
        (
            format!(
                "## Create a song without a title\n\n{}",
                curl("http://localhost:3000/songs --json '{\"bandId\": 1}'")
            ),
            &["pass"],
        ),
        (
            format!(
                "The title is required:\n\n{}",
                curl("http://localhost:3000/songs --json '{\"bandId\": 1}'")
            ),
            &["pass"],
        ),
        (
            format!(
                "## Create a song\n\n{}",
                curl("http://localhost:3000/songs --json '{\"bandId\": 1}'")
            ),
            &["fail"],
        ),
        (
            format!(
                "There is no band 9:\n\n{}",
                curl("http://localhost:3000/bands/9")
            ),
            &["pass"],
        ),
        (
            format!(
                "{}| Status | Description |\n|---|---|\n| 404 | not found |\n",
                curl("http://localhost:3000/bands/9")
            ),
            &["pass"],
        ),
        // A misspelt path is not a missing record.
        (
            format!(
                "{}Response: `404 Not Found`\n",
                curl("http://localhost:3000/bnds/9")
            ),
            &["fail: the 404 is that of a misspelt path"],
        ),
        (
            format!(
                "A misspelt path:\n\n{}Response: `404 Not Found`\n",
                curl("http://localhost:3000/bnds/9")
            ),
            &["pass"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn what_is_called_wrong_or_removed_is_skipped() {
    let form = "-X POST http://localhost:3000/bands -d '{\"name\": \"Cats\"}'";
    let rows = [
        (
            format!("```bash\n# wrong\ncurl {form}\n```\n"),
            &["skipped"][..],
        ),
        (format!("Don't do this:\n\n{}", curl(form)), &["skipped"]),
        (
            format!(
                "In v1 you fetched a band with\n\n{}",
                curl("http://localhost:3000/band/1")
            ),
            &["skipped"],
        ),
        (
            format!(
                "## Removed in 3.0\n\n{}",
                curl("http://localhost:3000/band/1")
            ),
            &["skipped"],
        ),
        (curl(form), &["fail"]),
    ];
    assert_all_judged(&rows);
}

#[test]
fn routes_without_records_are_skipped() {
    let rows = [
        (curl("http://localhost:3000/hello"), &["skipped"][..]),
        (curl("http://localhost:3000/stats"), &["skipped"]),
        (
            curl("http://localhost:3000/songs/1/plays-count"),
            &["skipped"],
        ),
        (curl("http://localhost:3000/bands/song/Blue"), &["skipped"]),
        (curl("http://localhost:3000/bands/1/address"), &["skipped"]),
        (curl("http://localhost:3000/auth/me"), &["skipped"]),
        (curl("http://localhost:3000/bands/1/albums"), &["fail"]),
        (curl("http://localhost:3000/albums"), &["fail"]),
        (curl("http://localhost:3000/album/1"), &["fail"]),
        (curl("http://localhost:3000/song"), &["fail"]),
        (
            format!(
                "{}```json\n[{{\"id\": 1}}]\n```\n",
                curl("http://localhost:3000/album")
            ),
            &["fail"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn an_endpoint_and_its_sample_call_share_a_response() {
    let described = |path: &str, code: &str, name: &str, call: &str| {
        format!(
            "## Show Band\n\n* **URL**: `{path}`\n* **Method**: `GET`\n* **Success Response**:\n  * **Code**: {code}\n  * **Content**: `{{\"id\": 1, \"name\": \"{name}\"}}`\n* **Sample Call**:\n\n  ```bash\n  curl http://localhost:3000{call}\n  ```\n"
        )
    };
    let rows = [
        (described("/bands/:id", "200", "Owls", "/bands/1"), &["skipped", "pass: as documented"][..]),
        (described("/bands/:id", "200", "Cats", "/bands/1"), &["skipped", "fail: name: documented \"Cats\""]),
        (described("/bands/:id", "201", "Owls", "/bands/1"), &["skipped", "fail: the text documents 201"]),
        (described("/bands/:id", "201", "Owls", "/bands/1").replace("* **Sample", "* **Error Response**:\n  * **Code**: 404\n* **Sample"), &["skipped", "fail: the text documents 201"]),
        // Another record than the one that is shown.
        (described("/bands/:id", "200", "Owls", "/bands/2"), &["skipped", "pass: the status"]),
        // A POST sends what it returns.
        ("`POST /bands`\n\nResponse:\n\n```json\n{\"id\": 3, \"name\": \"Cats\"}\n```\n".to_owned(), &["pass: as documented"]),
        ("`POST /bands`\n\nResponse:\n\n```json\n{\"id\": 9, \"name\": \"Cats\"}\n```\n".to_owned(), &["fail: id: documented 9"]),
        ("`POST /bands`\n\nResponse:\n\n```json\n{\"ok\": true}\n```\n".to_owned(), &["fail: id (3)"]),
        ("```http\nPOST /bands HTTP/1.1\nContent-Type: application/json\n```\n\n> Body:\n\n```json\n{\"name\": \"Cats\"}\n```\n\n> Response:\n\n```json\n{\"id\": 3, \"name\": \"Cats\"}\n```\n".to_owned(), &["pass: as documented"]),
        ("```\nMethod: POST\nURL: http://localhost:3000/bands\nHeaders:\n  Accept: application/json\nBody (JSON):\n{\n  \"name\": \"Cats\"\n}\n```\n".to_owned(), &["pass"]),
        ("**Call 2 — POST band**\n- URL: `http://localhost:3000/bands`\n- Body: `{\"name\": \"Cats\"}`\n- Response: 201 Created\n\n**Call 3 — DELETE band**\n- URL: `http://localhost:3000/bands/1`\n- Response: 204 No Content\n".to_owned(), &["pass", "fail: the text documents 204"]),
        (format!("{}**Response Format:**\n\n```json\n{{\"message\": \"Created\", \"band\": {{\"id\": 3}}}}\n```\n", curl(CATS)), &["fail"]),
    ];
    assert_all_judged(&rows);
}

/// Several requests are in a block below the name of a client.
#[test]
fn a_client_has_several_requests() {
    assert_rows(&[(
        "## Try it (Postman works too)\n\n```bash\ncurl http://localhost:3000/bands/1\ncurl http://localhost:3000/bands/2\n```\n\n```json\n{\"id\": 2, \"name\": \"Foxes\"}\n```\n",
        &["pass", "pass: as documented"],
    )]);
}

#[test]
fn commands_and_blocks_that_are_not_whole() {
    let rows = [
        (
            "```\ncurl\n--include\n--request GET\nhttp://localhost:3000/bands\n```\n",
            &["fail: the backslash at the end of line"][..],
        ),
        (
            "```\ncurl -X POST http://localhost:3000/bands\n\n-H \"Content-Type: application/json\"\n-d '{\"name\": \"Cats\"}'\n```\n",
            &["fail: the backslash at the end of line"],
        ),
        (
            "```bash\ncurl <http://localhost:3000/bands/1>\n```\n",
            &["fail: the shell treats `<` and `>` as redirections"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands/1\n",
            &["fail: the code block is not closed"],
        ),
        (
            "- one\n\n  ```bash\n  curl http://localhost:3000/bands/1\n  ```\n",
            &["pass"],
        ),
        (
            "> ```bash\n> curl http://localhost:3000/bands/1\n> ```",
            &["pass"],
        ),
        // A prompt follows the output on its line.
        (
            "```\n$ curl localhost:3000/bands/1\n{\"id\": 1, \"name\": \"Owls\"}$\n```\n",
            &["pass: as documented"],
        ),
        (
            "```\nada@pc:~$ curl localhost:3000/bands/1\n{\n  \"id\": 1,\n  \"name\": \"Owls\"\n}ada@pc:~$\n```\n",
            &["pass: as documented"],
        ),
        (
            "```\n$ curl localhost:3000/bands/1\n{\"id\": 1, \"name\": \"Cats\"}\n$ curl localhost:3000/bands/2\n{\"id\": 2, \"name\": \"Foxes\"}\n```\n",
            &["fail", "pass"],
        ),
    ];
    assert_rows(&rows);
}

/// Pages that nest or repeat without end are read like others.
#[test]
fn nesting_has_a_limit() {
    let many = |text: &str| text.repeat(20_000);
    let command = "curl http://localhost:3000/bands/1";
    let rows = [
        (
            format!("```\n{command}\n```\n\n```json\n{}\n```\n", many("[")),
            &["fail: the documented response is not JSON: nested too deeply"][..],
        ),
        (
            format!("```\n{command}\n```\n\n```json\n{}\n```\n", many("{\"a\":")),
            &["fail: the documented response is not JSON: nested too deeply"],
        ),
        (
            format!(
                "```powershell\nInvoke-RestMethod http://localhost:3000/bands -Method Post -Body {}\n```\n",
                many("(")
            ),
            &["skipped"],
        ),
        (
            format!("```\n{command} {}\n```\n", "<<< a ".repeat(2000)),
            &["pass"],
        ),
        (
            format!("```\n{command} {}\n```\n", "| cat ".repeat(2000)),
            &["pass"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn a_sample_call_has_the_response_of_its_endpoint() {
    let template = |endpoint: &str, name: &str| {
        format!(
            "## Get a band\n\n{endpoint}\n\nResponse:\n\n```json\n{{\"id\": 1, \"name\": \"{name}\"}}\n```\n\n\
             Example:\n\n```bash\ncurl http://localhost:3000/bands/1\n```\n"
        )
    };
    let patch = |status: &str, name: &str| {
        format!(
            "## PATCH /bands/:id\n\n### Request body\n\n```json\n{{ \"name\": \"Cats\" }}\n```\n\n### Response `{status}`\n\n\
             ```json\n{{\"id\": 1, \"name\": \"{name}\"}}\n```\n\n### Error response\n\n```json\n{{\"error\": \"none\"}}\n```\n\n\
             ### Example\n\n```bash\ncurl -X PATCH http://localhost:3000/bands/1 --json '{{\"name\": \"Cats\"}}'\n```\n"
        )
    };
    let rows = [
        (
            template("**Endpoint:** `GET /bands/{id}`", "Owls"),
            &["pass: as documented"][..],
        ),
        (
            template("**Endpoint:** `GET /bands/{id}`", "Owl"),
            &["fail: name"],
        ),
        (template("`GET /bands/:id`", "Owl"), &["fail: name"]),
        (patch("200 OK", "Cats"), &["pass: as documented"]),
        (patch("200 OK", "Bats"), &["fail: name"]),
        (patch("201 Created", "Cats"), &["fail"]),
        // Another endpoint, and another record.
        (template("`GET /songs/{id}`", "Owl"), &["pass"]),
        (
            template("`GET /bands/{id}`", "Owl").replace("bands/1", "bands/2"),
            &["pass"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn an_endpoint_without_a_body_is_sent_an_empty_one() {
    assert_rows(&[
        (
            "| Method | URL | Status |\n|---|---|---|\n| POST | /bands | 201 |\n| POST | /bands | 200 |\n\
             | PATCH | /bands/1 | 200 |\n| PUT | /bands/9 | 200 |\n| POST | /bands | 409 |\n",
            &[
                "pass: the status is as documented; the page shows no request body, so an empty object was sent",
                "fail: the table documents 200, the server returns 201",
                "pass",
                "fail: the table documents 200, the server returns 404",
                "skipped: an endpoint without a request body",
            ],
        ),
        // The rules require a title.
        (
            "| Method | URL | Status |\n|---|---|---|\n| POST | /songs | 201 |\n",
            &["skipped: an endpoint without a request body"],
        ),
        // It does not change what is below.
        (
            "### Create\n\n```http\nPOST /bands\n```\n\n### List\n\n```http\nGET /bands\n```\n\n\
             ```json\n[{\"id\": 1, \"name\": \"Owls\"}, {\"id\": 2, \"name\": \"Foxes\"}]\n```\n",
            &["pass", "pass: as documented"],
        ),
    ]);
}

#[test]
fn text_below_a_command_of_a_session_is_its_output() {
    let session = |shown: &str| {
        format!(
            "```\n$ curl http://localhost:3000/bands/1\n{shown}\n$ curl http://localhost:3000/bands/2\n{{\"id\": 2, \"name\": \"Foxes\"}}\n```\n"
        )
    };
    let rows = [
        (
            session("ShowBand controller with ID = 1"),
            &["fail: the page shows the text", "pass"][..],
        ),
        (session("Output omitted"), &["pass", "pass"]),
        (session("The list of bands is returned"), &["pass", "pass"]),
        (session("..."), &["pass", "pass"]),
        (
            "```json\nThis action removes a #2 band\n```\n".to_owned(),
            &[],
        ),
        (
            curl(DELETE) + "Response:\n\n```json\nThis action removes a #2 band\n```\n",
            &["fail: the page shows the text"],
        ),
        (curl(DELETE) + "**Response**\n\n`Deleted.`\n", &["fail"]),
        (curl(DELETE) + "Returns `true`.\n", &["fail"]),
        (
            curl(DELETE) + "**Response:**\n\n- **Code:** 200\n- **Content:** `Deleted.`\n",
            &["fail"],
        ),
        (curl(DELETE) + "It is `true` that it is gone.\n", &["pass"]),
    ];
    assert_all_judged(&rows);
}

#[test]
fn an_arrow_after_a_command_leads_to_its_status() {
    assert_rows(&[(
        "```console\n$ curl localhost:3000/bands/1   → 200\n{\"id\": 1, \"name\": \"Owls\"}\n$ http :3000/bands/9  -> 404\n\
         $ http :3000/bands/1 → 201\n$ curl localhost:3000/bands/1  => 404 Not Found\n```\n",
        &["pass: as documented", "pass", "fail", "fail"],
    )]);
}

#[test]
fn statuses_in_lists_headings_and_remarks_are_read() {
    let rows = [
        (
            "## Delete\n\n- [ ] Endpoint: `DELETE /bands/2`\n- [ ] Expected status: **204**\n- [ ] GET /bands/2 then returns **404**\n\n"
                .to_owned()
                + &curl(DELETE),
            &["fail: the text documents 204"][..],
        ),
        (
            format!("```bash\ncurl {CATS}\n# Should return 400 or 409 (it is there)\n```\n"),
            &["fail: the text documents 400 or 409"],
        ),
        (
            "- TC-4\n  Request: `curl http://localhost:3000/bands/1`\n  Expected response: `405`, a body with `detail`\n"
                .to_owned(),
            &["fail: the text documents 405"],
        ),
        (
            "### GET /bands/x → 400 Bad Request (not a number)\n\n".to_owned()
                + &curl("http://localhost:3000/bands/x"),
            &["fail: the heading documents 400"],
        ),
        (
            "**Request:** `GET /bands?name=Night Owls`\n**Expected:** 200 OK, a list\n".to_owned(),
            &["pass"],
        ),
        ("* Example request: GET /bands/1\n".to_owned(), &["pass"]),
        (
            "#### DELETE /bands/1\n\n#### GET /songs\n".to_owned(),
            &["pass"],
        ),
        // What was not sent does not explain these differences.
        (
            "```bash\ncurl -X DELETE http://localhost:3000/bands/{id}\n```\n\nReturns 204.\n\n".to_owned()
                + &format!("```bash\ncurl {CATS}\n# Response: 400 Bad Request\n```\n"),
            &["skipped", "fail: the response documents 400"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn unquoted_json_is_split_by_the_shell() {
    let command = |language: &str, body: &str| {
        format!(
            "```{language}\ncurl http://localhost:3000/bands -H 'Content-Type: application/json' -d {body}\n```\n"
        )
    };
    let rows = [
        (
            command("bash", r#"{\"name\":\"Cats\",\"size\":1}"#),
            &["fail: the shell splits"][..],
        ),
        (command("bash", r#"{\"name\":\"Cats\"}"#), &["pass"]),
        (
            command("cmd", r#"{\"name\":\"Cats\",\"size\":1}"#),
            &["pass"],
        ),
        (command("bash", r#"'{"name":"Cats","size":1}'"#), &["pass"]),
    ];
    assert_all_judged(&rows);
}

#[test]
fn two_clients_in_a_block_have_the_response_below_both() {
    assert_rows(&[
        (
            "```bash\n# curl\ncurl http://localhost:3000/bands/1\n\n# HTTPie\nhttp :3000/bands/1\n\n# Response (200 OK):\n\
             {\"id\": 1, \"name\": \"Owl\"}\n```\n",
            &["fail: name", "fail: name"],
        ),
        (
            "```bash\ncurl -X DELETE http://localhost:3000/bands/2\nhttp DELETE :3000/bands/2\n\n# Expected response (204 No Content):\n\
             # (no body)\n```\n",
            &[
                "fail: the text documents 204",
                "fail: the text documents 204",
            ],
        ),
        // The same client twice are two requests.
        (
            "```bash\ncurl -X DELETE http://localhost:3000/bands/2\ncurl -i -X DELETE http://localhost:3000/bands/2\nHTTP/1.1 404 Not Found\n```\n",
            &["pass", "pass"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands/1\n\n# Response (201 Created) - from the cache\n{\"id\": 1, \"name\": \"Owls\"}\n```\n",
            &["fail: the response documents 201"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands/1\n# HTTP/1.1 200 OK\n# {\"id\": 1, \"name\": \"Owl\"}\n\n\
             curl http://localhost:3000/bands/2\n# prints\n# {\"id\": 2, \"name\": \"Fox\"}\n```\n",
            &["fail: name", "fail: name"],
        ),
    ]);
}

#[test]
fn prompts_stand_behind_bodies_and_in_many_forms() {
    assert_rows(&[
        (
            "```console\n$ curl localhost:3000/bands/1\n{\n  \"id\": 1,\n  \"name\": \"Owls\"\n}$ curl localhost:3000/bands/2\n\
             {\"id\": 2, \"name\": \"Foxes\"}ada@box:~$ curl localhost:3000/bands/1\n{\"id\": 1, \"name\": \"Owl\"}$\n```\n",
            &["pass: as documented", "pass: as documented", "fail: name"],
        ),
        (
            "```bash\nbox:~$ http :3000/bands/1\nHTTP/1.1 200\n\n{\"id\": 1, \"name\": \"Owl\"}\n```\n",
            &["fail: name"],
        ),
        (
            "```\n# curl http://localhost:3000/bands/1\n{\"id\": 1, \"name\": \"Owl\"}\n```\n",
            &["fail: name"],
        ),
    ]);
}

#[test]
fn every_name_of_this_machine_is_known() {
    assert_rows(&[(
        "```bash\ncurl http://0.0.0.0:8000/bands/1\nhttp http://0.0.0.0:8000/bands/9\nwget -qO- 'http://[::1]:8000/bands/1'\n```\n\n\
         ```powershell\nInvoke-RestMethod http://0.0.0.0:8000/bands/1\n```\n\n```js\nfetch('http://0.0.0.0:8000/bands/1')\n```\n",
        &["pass", "fail", "pass", "pass", "pass"],
    )]);
}

#[test]
fn a_read_right_after_a_write_shows_what_was_written() {
    let patched = |between: &str| {
        format!(
            "```bash\ncurl -X PATCH http://localhost:3000/bands/1 --json '{{\"name\": \"Bats\"}}'\n```\n\n{between}{}",
            get("/bands/1", r#"{"id": 1, "name": "Owls"}"#)
        )
    };
    let rows = [
        (patched(""), &["pass", "fail: name"][..]),
        (
            patched("Now the band looks like this:\n\n"),
            &["pass", "fail: name"],
        ),
        (patched("One band:\n\n"), &["pass", "pass"]),
        (patched("## Now read\n\n"), &["pass", "pass"]),
    ];
    assert_all_judged(&rows);
}

fn get(path: &str, response: &str) -> String {
    format!("```bash\ncurl http://localhost:3000{path}\n```\n\n```json\n{response}\n```\n\n")
}

#[test]
fn errors_and_bodies_of_named_endpoints() {
    let rows = [
        (
            curl("http://localhost:3000/bands/77")
                + "**Error response**\n\n```json\n{ \"code\": \"NO_BAND\" }\n```\n",
            &["pass"][..],
        ),
        (
            curl("http://localhost:3000/bands/1")
                + "**Error response**\n\n```json\n{ \"code\": \"NO_BAND\" }\n```\n",
            &["pass"],
        ),
        // An object without an id is sent.
        (
            "### POST /bands\n\n```json\n{ \"name\": \"Cats\" }\n```\n\n#### Errors\n\n```json\n{ \"error\": \"Bad\" }\n```\n"
                .to_owned(),
            &["pass"],
        ),
        (
            "### POST /bands\n\nResponse:\n\n```json\n{ \"name\": \"Cats\" }\n```\n".to_owned(),
            &["fail: id"],
        ),
        (
            curl(CATS) + "Antw:\n\n```json\n{ \"message\": \"gemaakt\" }\n```\n",
            &["fail: message"],
        ),
        (
            curl(DELETE) + "Expected: status `204 No Content` when it is gone.\n",
            &["fail: the text documents 204"],
        ),
        (
            curl(DELETE) + "You should get a `404 Not Found` status.\n",
            &["fail: the text documents 404"],
        ),
        (
            "## Delete\n\n`DELETE /bands/2`\n\nYou should get a 204 No Content status.\n".to_owned(),
            &["fail: the text documents 204"],
        ),
        (
            "- No band (404 Not Found): `GET http://localhost:3000/bands/9`\n- One: `GET http://localhost:3000/bands/1`\n"
                .to_owned(),
            &["pass", "pass"],
        ),
        // The number in compact JSON is not a port.
        (
            curl("http://localhost:3000/band/1") + "```json\n{\"id\":1,\"size\":1}\n```\n",
            &["fail"],
        ),
        (
            "```js\nawait fetch('http://localhost:3000/bands/1')\n```\n\n**Status:** 404\n".to_owned(),
            &["fail: the text documents 404"],
        ),
        (
            "```js\nawait fetch('http://localhost:3000/bands', {\n  method: 'POST',\n  headers: { 'Content-Type': 'application/json' },\n  \
             data: JSON.stringify({ name: 'Cats' }),\n})\n```\n"
                .to_owned(),
            &["fail: `fetch` has no option `data`"],
        ),
        (
            "```js\nawait fetch('http://localhost:3000/bands', {\n  method: 'POST',\n  headers: { 'Content-Type': 'application/json' },\n  \
             body: JSON.stringify({ data: 'Cats' }),\n})\n```\n"
                .to_owned(),
            &["pass"],
        ),
        (
            "`GET /bands/1` changed:\n\n```diff\n {\n-  \"cost\": 1\n+  \"price\": 1\n }\n```\n".to_owned(),
            &[],
        ),
        (
            curl("http://localhost:3000/bands/1") + "```json5\n{ id: 1, name: 'Owls' }\n```\n",
            &["pass: as documented"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn routes_below_records_and_prefixes_are_of_the_service() {
    assert_rows(&[
        (
            "```bash\ncurl http://localhost:3000/bands/1/songs/1/download\ncurl -X POST http://localhost:3000/api/v2/bands/search --json '{\"a\": 1}'\n```\n",
            &["skipped", "skipped"],
        ),
        (
            "```bash\ncurl http://localhost:3000/api/v2/bands\n```\n",
            &["pass"],
        ),
        (
            "```bash\ncurl -X DELETE http://localhost:3000/bands/latest\n```\n\nReturns 200.\n",
            &["skipped"],
        ),
        (
            "```bash\ncurl http://localhost:8080/rest/v1/bands\ncurl http://localhost:8080/rest/v1/bands/9\n```\n",
            &[
                "pass",
                "fail: GET usually returns 200, the server returns 404",
            ],
        ),
        // Only some requests have it, or it is another resource.
        (
            "```bash\ncurl http://localhost:3000/api/bands\ncurl http://localhost:3000/songs\n```\n",
            &["fail", "pass"],
        ),
        (
            "```bash\ncurl http://localhost:3000/venues/1/bands\n```\n",
            &[
                "fail: GET usually returns 200, the server returns 404; likely cause: the server says: there is nothing at",
            ],
        ),
        (
            "```bash\ncurl http://localhost:3000/band/1/songs\n```\n",
            &["fail"],
        ),
    ]);
}

#[test]
fn notes_behind_a_status_or_a_body_are_not_part_of_it() {
    let rows = [
        (
            "```sh\ncurl http://localhost:3000/bands/1\n# 200 {...} — 404 if there is none\n```\n".to_owned(),
            &["pass"][..],
        ),
        (
            "```sh\ncurl http://localhost:3000/bands/1\n# 200 {\"id\": 1, \"name\": \"Owl\"} — 404 if there is none\n```\n"
                .to_owned(),
            &["fail: name"],
        ),
        (
            "```sh\ncurl -X DELETE http://localhost:3000/bands/2\n# 204 No Content — 404 if there is none\n```\n".to_owned(),
            &["fail: the text documents 204 or 404"],
        ),
        (
            "```\n$ curl http://localhost:3000/bands/1\nrun find one%\n```\n".to_owned(),
            &["fail: the page shows the text"],
        ),
        (
            curl(CATS)
                + "Maka yang dihasilkan:\n\n```json\n{ \"message\": \"ok\", \"data\": { \"name\": \"Cats\" } }\n```\n",
            &["fail: message"],
        ),
        (
            "```bash\ncurl -X POST http://localhost:3000/sync/retry/1\n```\n".to_owned(),
            &["skipped"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn a_status_above_json_calls_it_the_response() {
    let created = |label: &str, id: u8| {
        format!(
            "## Create\n\n- **Method:** POST\n- **URL:** `http://localhost:3000/bands`\n- **Body:** `{{ \"name\": \"Cats\" }}`\n\n\
             {label}\n\n```json\n{{ \"name\": \"Cats\", \"id\": {id} }}\n```\n"
        )
    };
    let rows = [
        (
            created("#### Response 201", 3),
            &["pass: as documented"][..],
        ),
        (created("Status: 201", 3), &["pass: as documented"]),
        (created("Status: 201", 9), &["fail: id"]),
        (created("Status: 200", 3), &["fail: the text documents 200"]),
    ];
    assert_all_judged(&rows);
}

#[test]
fn the_writes_of_another_page_are_those_that_it_carries_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("db.json", r#"{"bands": [{"id": 1, "name": "Owls"}]}"#);
    file(
        "first.md",
        "- `DELETE /bands/1`\n- `GET /bands`\n\n```http\nPOST /bands\n```\n",
    );
    file(
        "second.md",
        "<!-- standin: after=first.md -->\n\n```bash\ncurl http://localhost:3000/bands\n```\n\n```json\n[{\"id\": 1, \"name\": \"Owls\"}]\n```\n",
    );
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_standin"))
        .args(["check", "--reset", "page", "second.md"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
}
