//! Layouts of API references and of test instructions: endpoints with placeholders, sections of errors, steps that check
//! something, sample calls below their responses.

use super::judged::{assert_all_judged, assert_rows};

fn curl(command: &str) -> String {
    format!("```bash\ncurl {command}\n```\n\n")
}

fn post(name: &str) -> String {
    curl(&format!(
        "http://localhost:3000/bands --json '{{\"name\": \"{name}\"}}'"
    ))
}

const NO_SUCH_SAMPLE: &str = "skipped: a template, and the data has no `/bands/9`";

#[test]
fn an_endpoint_with_a_placeholder_is_sent_with_the_id_of_its_response() {
    let endpoint = |line: &str, response: &str| {
        format!("## Bands\n\n```\n{line}\n```\n\nResponse:\n\n```json\n{response}\n```\n\n")
    };
    let update = |response: &str| {
        format!(
            "`PUT /bands/{{id}}`\n\nRequest body:\n\n```json\n{{\"name\": \"Cats\"}}\n```\n\nResponse:\n\n```json\n{response}\n```\n\n"
        )
    };
    let owls = r#"{"id": 1, "name": "Owls"}"#;
    let cats = r#"{"id": 1, "name": "Cats"}"#;
    assert_all_judged(&[
        (
            endpoint("GET /bands/:id", owls),
            &["pass: as documented"][..],
        ),
        (
            endpoint("GET /bands/{bandId}", cats),
            &["fail: name: documented \"Cats\", got \"Owls\""],
        ),
        (
            endpoint("GET /bands/:id", r#"{"id": 9, "name": "Owls"}"#),
            &[NO_SUCH_SAMPLE],
        ),
        (
            endpoint("GET /keys/:key", r#"{"id": "k-one", "label": "First"}"#),
            &["pass: as documented"],
        ),
        (
            endpoint("DELETE /bands/:id", r#"{"message": "Deleted"}"#),
            &["skipped: a template: `:id` is a placeholder"],
        ),
        (
            endpoint("GET /bands/:band/songs/:id", r#"{"id": 1}"#),
            &["skipped: a template: `:band`"],
        ),
        (update(cats), &["pass: as documented"]),
        (
            update(owls),
            &["fail: name: documented \"Owls\", got \"Cats\""],
        ),
        (
            update(cats) + &endpoint("GET /bands/1", owls),
            &["pass: as documented", "pass: as documented"],
        ),
        // A command with a placeholder is completed by the reader.
        (
            curl("http://localhost:3000/bands/{id}") + &format!("```json\n{owls}\n```\n"),
            &["skipped: a template: `{id}` is a placeholder"],
        ),
    ]);
}

#[test]
fn a_sample_call_has_the_response_of_the_endpoint_that_a_sentence_names() {
    let described = |name: &str, call: &str| {
        format!(
            "## Read a band\n### Request\nA band is read by an HTTP GET request on path `/bands/<bandId>`\n\n### Response\n- `200 OK` if it was found. The response body is the band as JSON\n  ```json\n  {{\"id\": 1, \"name\": \"{name}\"}}\n  ```\n- `403 Not Found` if there is none\n- `400 Bad Request` with details, e.g. `{{\"error\":\"incorrect ID\"}}`\n\n### Curl example\n```bash\ncurl --request GET http://localhost:3000/bands/{call} -v\n```\n"
        )
    };
    assert_all_judged(&[
        (described("Owls", "1"), &["pass: as documented"][..]),
        (
            described("Cats", "1"),
            &["fail: name: documented \"Cats\", got \"Owls\""],
        ),
        (described("Owls", "2"), &["pass: the status"]),
    ]);
}

/// "Error handling" is about all endpoints, also where it is a heading of a higher level.
#[test]
fn a_section_about_errors_belongs_to_no_example() {
    for heading in ["Error handling", "Fehlerbehandlung", "Errors"] {
        let page = format!(
            "### Delete\n\n{}**Response:** `200 OK`\n\n## {heading}\n\n### 404 - Not Found\n```json\n{{\"error\": 404, \"description\": \"Band not found\"}}\n```\n",
            curl("-X DELETE http://localhost:3000/bands/2")
        );
        assert_all_judged(&[(page, &["pass"][..])]);
    }
}

#[test]
fn a_list_may_lack_its_brackets() {
    let listed = |second: &str| {
        format!(
            "```GET /bands```\n\nResponse:\n\n```\n{{\n  id: 1,\n  name: \"Owls\"\n}},\n{{\n  id: 2,\n  name: \"{second}\"\n}}\n```\n"
        )
    };
    let in_line = |second: &str| {
        format!(
            "### Get bands\n- **URL**: `/bands`\n- **Method**: `GET`\n- **Success Response**:\n  - Code: 200\n  - Content:{{\"id\":1,\"name\":\"Owls\"}},{{\"id\":2,\"name\":\"{second}\"}}\n- **Error Response**:\n  - Code: 404\n  - Content: `{{ message: \"None\" }}`\n"
        )
    };
    let in_text = |second: &str| {
        format!(
            "List all bands\n\nGET /bands\n\nExample response:\n\n\n  {{\n    \"id\": 1,\n    \"name\": \"Owls\"\n  }},\n  {{\n    \"id\": 2,\n    \"name\": \"{second}\"\n  }}\n"
        )
    };
    let wrong = &["fail: [id=2].name: documented \"Dogs\", got \"Foxes\""][..];
    assert_all_judged(&[
        (listed("Foxes"), &["pass: as documented"][..]),
        (listed("Dogs"), wrong),
        (in_line("Foxes"), &["pass: as documented"]),
        (in_line("Dogs"), wrong),
        (in_text("Foxes"), &["pass: as documented"]),
        (in_text("Dogs"), wrong),
    ]);
}

#[test]
fn steps_name_requests_and_what_to_check() {
    let steps = |send: &str, checks: &[&str]| {
        let checks: String = checks.iter().map(|check| format!("- {check}\n")).collect();
        format!("### A test\n\n- Step 1: {send}\n{checks}")
    };
    let get = "Send a GET request to `/bands/1`.";
    let put = "Send a PUT request to `/bands/1`, with the body containing `{ name: \"Cats\" }`.";
    assert_all_judged(&[
        (
            steps(
                get,
                &[
                    "Step 2: Check that the status code is 200.",
                    "Step 3: Check that the `name` in the returned body is \"Owls\".",
                ],
            ),
            &["pass"][..],
        ),
        (
            steps(get, &["Step 2: Check that the status code is 201."]),
            &["fail: the text documents 201"],
        ),
        (
            steps(
                get,
                &[
                    "Step 2: Check that the status code is 200.",
                    "Step 3: Check that the `id` field in the returned body is 2.",
                ],
            ),
            &["fail: id: documented 2, got 1"],
        ),
        (steps(put, &["Step 2: Verify the status is 200"]), &["pass"]),
        (
            steps(
                put,
                &[
                    "Verify the status is 200",
                    "Ensure that `name` is \"Dogs\".",
                ],
            ),
            &["fail: name: documented \"Dogs\", got \"Cats\""],
        ),
        (
            curl("http://localhost:3000/bands")
                + "- [ ] Verify that the response contains 3 bands\n",
            &["fail: the number of items: documented 3, got 2"],
        ),
        (
            post("Cats") + "- [ ] Returns error response\n- [ ] Status code 400\n",
            &["fail: the text documents 400"],
        ),
        (
            curl("http://localhost:3000/bands/1") + "Check that the name is a text.\n",
            &["pass"],
        ),
    ]);
}

#[test]
fn the_response_below_several_posts_is_that_of_the_one_that_sent_it() {
    let titled = |name: &str| format!("### Create {name}\n\n{}", post(name));
    let posts = titled("Ants") + &titled("Bees");
    let response = |name: &str| {
        format!("**Expected Response:**\n```json\n{{\"id\": 3, \"name\": \"{name}\"}}\n```\n")
    };
    assert_all_judged(&[
        (
            posts.clone() + &response("Ants"),
            &["pass: as documented", "pass"][..],
        ),
        (
            posts + &response("Dogs"),
            &["pass", "fail: name: documented \"Dogs\", got \"Bees\""],
        ),
    ]);
}

#[test]
fn headers_are_shown_between_a_response_and_its_body() {
    let created = |name: &str| {
        format!(
            "## Bands [/bands]\n\n### Create [POST]\n\n+ Request (application/json)\n\n        {{ \"name\": \"Ants\" }}\n\n+ Response 201 (application/json)\n\n    + Headers\n\n            Location: /bands/3\n\n    + Body\n\n            {{ \"name\": \"{name}\", \"id\": 3 }}\n"
        )
    };
    assert_all_judged(&[
        (created("Ants"), &["pass: as documented"][..]),
        (
            created("Bees"),
            &["fail: name: documented \"Bees\", got \"Ants\""],
        ),
    ]);
}

/// `curl` is `Invoke-WebRequest` in Windows PowerShell.
#[test]
fn what_powershell_prints_for_curl_is_compared() {
    let shown = |content: &str| {
        curl("http://localhost:3000/bands")
            + &format!(
                "Response:\n\n```\nStatusCode        : 200\nContent           : {content}\n```\n"
            )
    };
    let rows = "[\n                      {\"id\":1,\"name\":\"Owls\"},\n                      {\"id\":2,\"name\":\"Foxes\"}\n                    ]";
    assert_all_judged(&[
        (shown(rows), &["pass: as documented"][..]),
        (
            shown(&rows.replace("Foxes", "Dogs")),
            &["fail: the body: documented"],
        ),
        (shown("[{\"id\":1,\"name\":\"Owls\"}]"), &["fail: the body"]),
    ]);
}

#[test]
fn an_error_that_the_text_announces_has_the_status_of_its_body() {
    let session = |status: u16| {
        format!(
            "```\n# a band that does not exist gives an error\n$ curl http://localhost:3000/bands/9\n{{\"statusCode\":{status},\"message\":\"no band\"}}\n```\n"
        )
    };
    assert_all_judged(&[
        (session(404), &["pass"][..]),
        (session(400), &["fail: the response documents 400"]),
    ]);
}

#[test]
fn what_fails_may_be_the_second_of_two_requests() {
    let page = "### A duplicate fails\n\n```bash\n# the first\ncurl http://localhost:3000/bands --json '{\"name\": \"Ants\"}'\n\n# the same again\ncurl http://localhost:3000/bands --json '{\"name\": \"Ants\"}'\n```\n\n**Response (409 Conflict):**\n";
    assert_rows(&[(page, &["pass", "fail: the text documents 409"])]);
}

#[test]
fn routes_and_values_that_are_not_here_are_skipped() {
    assert_all_judged(&[
        (
            curl("-X POST http://localhost:3000/return/1"),
            &["skipped: `/return/1` is a route"][..],
        ),
        (
            curl("-X DELETE http://localhost:3000/songs/albums/5")
                + "Response:\n\n```\nStatusCode : 200\nContent    : Album deleted\n```\n",
            &["skipped: `/songs/albums/5` is a route"],
        ),
        (
            curl(
                r#"http://localhost:3000/bands -H 'Content-Type: application/json' -d '{"name": "'$(python3 -c "print('A'*9)")'"}'"#,
            ),
            &["skipped: a template: `$(python3"],
        ),
    ]);
}

#[test]
fn a_message_may_name_the_id_behind_a_colon() {
    let session = "```bash\n$ curl -X DELETE http://localhost:3000/bands/2\nBand deleted with id: 2\n$ curl http://localhost:3000/bands/1\n```\n";
    assert_rows(&[(session, &["fail: the page shows the text", "pass"])]);
}

#[test]
fn the_body_may_be_below_a_block_with_the_status() {
    let page = |name: &str| {
        format!(
            "```http\nGET /bands/1\n```\n\nResponse:\n\n```http\n200 OK\n```\n\nExample:\n\n```json\n{{\"id\": 1, \"name\": \"{name}\"}}\n```\n"
        )
    };
    assert_all_judged(&[
        (page("Owls"), &["pass: as documented"][..]),
        (
            page("Dogs"),
            &["fail: name: documented \"Dogs\", got \"Owls\""],
        ),
    ]);
}

#[test]
fn a_table_of_a_request_may_be_above_one_of_its_response() {
    let tables = |method: &str, path: &str, sent: &str, status: &str, body: &str| {
        let sent = match sent {
            "" => String::new(),
            sent => format!("| **Body** | `{sent}` |\n"),
        };
        let body = match body {
            "" => String::new(),
            body => format!("| **Body** | `{body}` |\n"),
        };
        format!(
            "## A request\n\n| Field | Value |\n|---|---|\n| **Verb** | {method} |\n| **URL** | `http://localhost:3000{path}` |\n{sent}\n**Recorded response:**\n\n| Field | Value |\n|---|---|\n| **Status code** | `{status}` |\n{body}\n"
        )
    };
    let cats = r#"{"name": "Cats"}"#;
    assert_all_judged(&[
        (
            tables(
                "POST",
                "/bands",
                cats,
                "201 Created",
                r#"{"id": 3, "name": "Cats"}"#,
            ),
            &["pass: as documented"][..],
        ),
        (
            tables(
                "POST",
                "/bands",
                cats,
                "201 Created",
                r#"{"id": 3, "name": "Dogs"}"#,
            ),
            &["fail: name: documented \"Dogs\", got \"Cats\""],
        ),
        (
            tables("POST", "/bands", cats, "200 OK", ""),
            &["fail: the text documents 200"],
        ),
        (tables("GET", "/bands/1", "", "200 OK", ""), &["pass"]),
        (tables("GET", "/bands/1", "", "404", ""), &["fail"]),
    ]);
}

#[test]
fn each_item_of_a_list_of_requests_has_its_own_status() {
    let page = "1. GET /bands/9 (404 Not Found)\n2. PUT /bands/1 (200 OK)\n3. DELETE /bands/1 (204 No Content)\n";
    assert_rows(&[(page, &["pass", "pass", "fail: the text documents 204"])]);
}

#[test]
fn statuses_and_numbers_in_further_forms() {
    let get = |below: &str| curl("http://localhost:3000/bands/1") + below;
    let blueprint = |status: &str| {
        format!(
            "## Band [/bands/{{id}}]\n\n### Get [GET]\n\n+ Parameters\n    + id: `1` (number, required) - the id\n\n+ Response {status} (application/json)\n"
        )
    };
    let comment = |name: &str| {
        format!(
            "```bash\ncurl http://localhost:3000/bands --json '{{\"name\": \"Ants\"}}'\n# Output: 201 Created, {{\"id\":3,\"name\":\"{name}\",...}}\n```\n"
        )
    };
    let rows = |count: u8, id: u8| {
        format!(
            "| Метод | Путь | Ожидание | Дополнительная проверка |\n|---|---|---|---|\n| GET | /bands | 200 | Массив из {count} записей, id и name |\n| GET | /bands/2 | 200 | id = {id}, name |\n"
        )
    };
    assert_all_judged(&[
        (blueprint("200"), &["pass"][..]),
        (blueprint("404"), &["fail: the text documents 404"]),
        (
            get("*Response*\n\n`NoContent - 204`\n"),
            &["fail: the text documents 204"],
        ),
        (
            get("The above request should have a 200 response.\n"),
            &["pass"],
        ),
        (
            get("The above request should have a 201 response.\n"),
            &["fail: the text documents 201"],
        ),
        (comment("Ants"), &["pass: as documented"]),
        (
            comment("Bees"),
            &["fail: name: documented \"Bees\", got \"Ants\""],
        ),
        (
            curl("http://localhost:3000/bands") + "You should see three bands in an array.\n",
            &["fail: the number of items: documented 3, got 2"],
        ),
        (
            "```http\nGET http://localhost:3000/bands\n```\n\nClick **Send Request** above it.\n\nYou should get **3 bands**.\n".to_owned(),
            &["fail: the number of items: documented 3, got 2"],
        ),
        (
            "```bash\n# All of them (returns an empty array)\ncurl http://localhost:3000/bands\n```\n".to_owned(),
            &["fail: the number of items: documented 0"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands\n# One of them (returns 1 band)\ncurl http://localhost:3000/bands?name=Owls\n```\n".to_owned(),
            &["pass", "pass"],
        ),
        (rows(2, 2), &["pass", "pass"]),
        (
            rows(12, 3),
            &[
                "fail: the number of items: documented 12",
                "fail: id: documented 3",
            ],
        ),
        (
            curl("http://localhost:3000/bands/1/top-sold-songs") + "```json\n[{\"id\": 1}]\n```\n",
            &["skipped: `/bands/1/top-sold-songs` is a route"],
        ),
    ]);
}

/// What is said of other cases, other requests and other programs is not about the example.
#[test]
fn checks_and_contents_of_other_cases_are_left_alone() {
    let get = |below: &str| curl("http://localhost:3000/bands/1") + below;
    let endpoint = |success: &str, content: &str| {
        format!(
            "### Get a band\n\n- **URL**: `/bands/1`\n- **Method**: `GET`\n{success}\n- **Error Response**:\n  - **Code:** 404\n  - {content}\n"
        )
    };
    let long = "- **Success Response**:\n  - **Code:** 200";
    let short = "- **Success Response:** `200 OK`";
    let error = "Content: {\"error\": \"no band\"}";
    let pass = &["pass"][..];
    let right = |page: String| (page, pass);
    let mut rows = vec![
        right(endpoint(long, error)),
        right(endpoint(short, error)),
        right(endpoint(long, &error.replace(' ', ""))),
        right(get("Returns the band.\n\n**Returns errors:**\n\n```json\n{\"error\": \"not found\"}\n```\n")),
        right(get("Then a mail is sent:\n\n- To: band\n- Content: {\"event\": \"read\"}\n")),
        // The singular belongs to the request that fails.
        right("## Read a missing band\n\n### Request\n\n```bash\ncurl http://localhost:3000/bands/9\n```\n\n## Error response\n\n```json\n{\"error\": \"none\"}\n```\n".to_owned()),
    ];
    for check in [
        "Verify that reading it again with a wrong id returns 404.",
        "Also check that you get a 404 for a wrong id.",
        "Make sure that the server responds with 404 for a wrong path.",
        "Confirm that it returns 404 with a wrong id.",
        "Check that the client gets 404 with id 99.",
        "Make sure the name is Unchanged.",
    ] {
        rows.push(right(get(&format!("{check}\n"))));
    }
    assert_all_judged(&rows);
    let session = |command: &str, output: &str| {
        (
            format!(
                "```console\n$ curl -s http://localhost:3000/bands{command}\n{output}\n$ ls\n```\n"
            ),
            pass,
        )
    };
    assert_all_judged(&[
        session(" > out.json", "Created: out.json"),
        session(" -o out.json", "Saved out.json"),
        session(" && echo 'Bands saved'", "Bands saved"),
    ]);
    let several = format!(
        "{}\nVerify that the response contains 3 bands.\n",
        "```bash\ncurl http://localhost:3000/bands\ncurl http://localhost:3000/bands --json '{\"name\": \"Ants\"}'\ncurl http://localhost:3000/bands\n```\n"
    );
    assert_all_judged(&[
        (several, &["pass", "pass", "pass"][..]),
        ("## Notes\n\nYou can also send a DELETE request to `/bands/9`.\n\n- 200 OK\n- 403 Forbidden\n".to_owned(), &[]),
        ("## Notes\n\nOur tests send a GET request to `/bands/9` without a token.\n\nReturns 403.\n".to_owned(), &[]),
        ("Send a PUT request to `/bands/9` with the body `{ name: \"Cats\" }`.\n\n- `200` on success\n- `404` if it is missing\n".to_owned(), &["pass"]),
    ]);
}

/// A reference may describe a deletion that no example shows.
#[test]
fn a_state_after_a_described_deletion_is_not_reported() {
    let update = "## Change\n\n`PATCH /bands/{id}`\n\nBody:\n\n```json\n{\"name\": \"Cats\"}\n```\n\nResponse:\n\n```json\n{\"id\": 1, \"name\": \"Cats\"}\n```\n\n## Delete\n\n`DELETE /bands/{id}`\n\n";
    let missing = curl("http://localhost:3000/bands/1") + "Status: `404 Not Found`\n";
    let list =
        curl("http://localhost:3000/bands") + "```json\n[{\"id\": 2, \"name\": \"Foxes\"}]\n```\n";
    let wrong =
        curl("http://localhost:3000/bands/2") + "```json\n{\"id\": 2, \"name\": \"Dogs\"}\n```\n";
    let needs = "skipped: needs the write on line";
    assert_all_judged(&[
        (format!("{update}{missing}"), &["pass", needs][..]),
        (format!("{update}{list}"), &["pass", needs]),
        (format!("{update}{wrong}"), &["pass", "fail: name"]),
        (
            "Delete it with `DELETE /bands/1`.\n\n```bash\ncurl -X PUT http://localhost:3000/bands/1 --json '{\"name\": \"x\"}'\n```\n\nResponse: `404 Not Found`\n".to_owned(),
            &[needs],
        ),
    ]);
}

#[test]
fn a_sample_call_that_sends_or_asks_for_something_else_has_another_response() {
    let described = |shown: &str, call: &str, sent: &str| {
        format!(
            "## Band\n\nA band is changed by a PATCH request for `/bands/<id>`.\n\n### Response\n\n```json\n{shown}\n```\n\n### Example\n\n```bash\ncurl -X PATCH http://localhost:3000/bands/{call} --json '{sent}'\n```\n"
        )
    };
    let cats = r#"{"name": "Cats"}"#;
    let shown = r#"{"id": 1, "name": "Cats"}"#;
    assert_all_judged(&[
        (described(shown, "1", cats), &["pass: as documented"][..]),
        (
            described(shown, "1", r#"{"name": "Dogs"}"#),
            &["pass: the status"],
        ),
        (described(cats, "2", cats), &["pass: the status"]),
        (described(shown, "2", cats), &["pass: the status"]),
    ]);
}
