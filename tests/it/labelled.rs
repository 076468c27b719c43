//! Requests, bodies and statuses whose parts have labels, or are in blocks of their own.

use super::judged::assert_rows;

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
