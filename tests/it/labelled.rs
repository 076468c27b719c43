//! Requests, bodies and statuses whose parts have labels, or are in blocks of their own.

use super::judged::{assert_all_judged, assert_rows};

#[test]
fn a_url_with_values_is_the_example_of_its_template() {
    let page = |name: &str| {
        format!(
            "### Update\n\n**Method:** `PUT`\n\n**URL:**\n```\n/bands/:id\n```\n\n**Example:**\n```\n/bands/2\n```\n\n**Body (JSON):**\n```json\n{{\"name\": \"Cats\"}}\n```\n\n**Response (200 OK):**\n```json\n{{\"id\": 2, \"name\": \"{name}\"}}\n```\n"
        )
    };
    assert_rows(&[
        (&page("Cats"), &["pass: as documented"]),
        (&page("Dogs"), &["fail: name"]),
    ]);
}

#[test]
fn a_request_line_may_have_a_label() {
    let page = |status: &str| {
        format!(
            "Test it:\n\n```\nURL:    POST http://localhost:3000/bands\nHeaders: Content-Type: application/json\nBody (JSON):\n{{\n  \"name\": \"Cats\"\n}}\nExpected response: {status}\n```\n"
        )
    };
    assert_rows(&[
        (&page("201 Created"), &["pass"]),
        (&page("200 OK"), &["fail: the response documents 200"]),
    ]);
}

#[test]
fn comments_in_a_body_are_not_sent() {
    let page = |name: &str| {
        format!(
            "### Create\n\n```\nPOST /bands\n```\n\n**Request:**\n```json\n{{\n  \"name\": \"Cats\", // string\n  \"year\": 1999 // optional\n}}\n```\n\n**Response (201 Created):**\n```json\n{{\"name\": \"{name}\", \"year\": 1999, \"id\": 3}}\n```\n"
        )
    };
    assert_rows(&[
        (&page("Cats"), &["pass: as documented"]),
        (&page("Dogs"), &["fail: name"]),
    ]);
}

#[test]
fn a_sentence_may_be_between_the_status_and_the_body() {
    let page = |name: &str| {
        format!(
            "```\ncurl -i -X PUT localhost:3000/bands/2 -H 'Content-Type: application/json' -d '{{\"name\": \"Cats\"}}'\n```\n\n#### Result:\n```\nStatus: 200 OK\n```\nReturns the body, which should look like this\n```\n{{\"id\": 2, \"name\": \"{name}\"}}\n```\n"
        )
    };
    assert_rows(&[
        (&page("Cats"), &["pass: as documented"]),
        (&page("Foxes"), &["fail: name"]),
    ]);
}

#[test]
fn messages_and_statuses_in_notes_are_understood() {
    let delete = "```bash\ncurl -X DELETE http://localhost:3000/bands/2\n```\n";
    let rows = [
        (
            "```\nREQUEST:\nGET /bands/1\n\nRESPONSE:\nHTTP/1.1 200 OK\n\n{ \"id\": 1, \"name\": \"Cats\" }\n```\n".to_owned(),
            &["fail: name: documented \"Cats\", got \"Owls\""][..],
        ),
        (
            "```bash\nGET /bands/1\n# Response: {\"id\": 1, \"name\": \"Cats\"}\n\nPOST /bands {\"name\": \"Cats\"}\n# Response: {\"id\": 3, \"name\": \"Cats\"}\n```\n".to_owned(),
            &["fail: name", "pass"],
        ),
        (
            format!("{delete}\nReturns `204 No Content`. If it is gone, it returns `404`:\n\n```bash\ncurl -X DELETE http://localhost:3000/bands/9\n```\n"),
            &["fail: the text documents 204", "pass"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands/1\n```\n\nSuccess: `200 OK`  \nNot found: `404 Not Found` (empty body)\n".to_owned(),
            &["pass"],
        ),
        (
            "```bash\ndocker compose exec web curl http://localhost:3000/bands/1\n```\n\n```json\n{ \"id\": 1, \"name\": \"Cats\" }\n```\n".to_owned(),
            &["fail: name"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands/1\n# 404 {\"error\": \"x\"} for unknown ids\n```\n".to_owned(),
            &["pass"],
        ),
        // Several requests in a paragraph are not read.
        (
            "Method: GET\nURL: http://localhost:3000/bands/1\nResponse: 200\nMethod: DELETE\nURL: http://localhost:3000/bands/9\nResponse: 404\n".to_owned(),
            &[],
        ),
        // "A1." below "Q1.".
        (
            "Q1. curl http://localhost:3000/bands/1  \nA1. {\"id\": 1, \"name\": \"Cats\"}  \n".to_owned(),
            &["fail: name"],
        ),
        (
            "Q4. curl http://localhost:3000/bands/9  \nA4. Could not find band 9  \n".to_owned(),
            &["pass"],
        ),
        // What is read after its deletion is gone.
        (
            "```bash\n$ curl -X DELETE http://localhost:3000/bands/1\n{}\n$ curl http://localhost:3000/bands/1\n```\n".to_owned(),
            &["pass", "pass"],
        ),
        (
            "```bash\n$ curl -i http://localhost:3000/bands/1 | head -1\nHTTP/1.1 404 Not Found\n```\n".to_owned(),
            &["fail: the response documents 404"],
        ),
        (
            "## List\n\n```sh\nGET /bands\n```\n\n### 200 - List of bands\n\n```json\n{ \"page\": 1, \"data\": [] }\n```\n".to_owned(),
            &["fail: the body: documented an object, got an array"],
        ),
        // Each entry has its own status.
        (
            "- Request: GET /bands\n- Expected: 201 Created\n\nOther:\n- Request: GET /bands?name=Owls\n- Expected: 200 OK\n".to_owned(),
            &["fail: the text documents 201", "pass"],
        ),
        // A placeholder in a heading is HTML for Markdown.
        (
            "## Band [/bands/<id>]\n\n### Get it [GET]\n\n+ Response 200 (application/json)\n\n        { \"id\": 1, \"name\": \"Cats\" }\n".to_owned(),
            &["fail: name: documented \"Cats\", got \"Owls\""],
        ),
        // A page in a code block that is not closed.
        (
            "```sh\nnpm run dev\nIt starts.\n\nGET /bands/1\nReturns:\n\n{ \"id\": 1, \"name\": \"Owls\" }\n".to_owned(),
            &["fail: the code block is not closed"],
        ),
        // The status of each command stands behind it.
        (
            "```bash\nhttp PUT /bands    # Returns 405\nhttp GET /bands/9  # Returns 404\n```\n".to_owned(),
            &["pass", "pass"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands/1\n```\n\nResponse: 200 OK, {\"id\": 1, \"name\": \"Cats\"}\n".to_owned(),
            &["fail: name"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands/1\n```\n\nResponse: 404 Not Found, {\"error\": \"not found\"}\n".to_owned(),
            &["fail: the text documents 404"],
        ),
        // A line in the log of a server.
        (
            "```\nGET http://localhost:3000/bands/1\n```\n\nIn the console:\n\n```\nGET /bands/1\nLooking for the band\n```\n".to_owned(),
            &["pass"],
        ),
        // The number of an error.
        ("```bash\ncurl http://localhost:3000/bands/9  # code=1001\n```\n".to_owned(), &["pass"]),
        (
            "**`GET /bands/1`**: Returns the band\n\nResponse:\n\n```json\n{ \"id\": 1, \"name\": \"Cats\" }\n```\n".to_owned(),
            &["fail: name"],
        ),
        (format!("3) Delete it (204 No Content)\n{delete}"), &["fail: the text documents 204"]),
        (format!("{delete}\nVerify: status 204. Then go on.\n"), &["fail: the text documents 204"]),
    ];
    assert_all_judged(&rows);
}
