//! Requests that a page only mentions: commands within sentences, and lists and tables of endpoints. They are sent; what fails is not a failure, since ids may stand for any and a sentence may speak of an error.

use super::judged::{assert_all_judged, assert_rows};

const MENTIONED: &str = "only mentioned";

#[test]
fn commands_within_sentences_are_sent() {
    assert_rows(&[
        (
            "Check it with `curl http://localhost:3000/bands/1` whenever you like.\n",
            &["pass: the status"],
        ),
        (
            "You could ask for `curl http://localhost:3000/bands/7` here, and so on.\n",
            &[MENTIONED],
        ),
        (
            "Never type `curl -X DELETE http://localhost:3000/bands/1` by accident.\n",
            &["pass: the status"],
        ),
        (
            "Try `http DELETE :3000/bands/1`, then `http POST :3000/bands name=Cats`.\n",
            &["pass: the status", "pass: the status"],
        ),
        (
            "Try `curl http://localhost:3000/bands -d '{\"name\": \"Cats\"}'` now.\n",
            &["fail: POST usually returns 201, the server returns 400"],
        ),
        (
            "Try `curl http://localhost:3000/bands/7` (404), then `curl http://localhost:3000/bands/2`.\n\n\
             Or `curl http://localhost:3000/bands/2` (404 Not Found).\n",
            &["pass", "pass", "fail: the text documents 404"],
        ),
        (
            "Never type `curl http://localhost:3000/band/1` by accident.\n",
            &["fail: GET usually returns 200, the server returns 404"],
        ),
    ]);
}

#[test]
fn lists_and_tables_of_endpoints_are_sent() {
    assert_rows(&[
        (
            "```\nGET    /bands\nGET    /bands/1\nPOST   /bands\nPUT    /bands/1\nDELETE /bands/1\n```\n",
            &["pass", "pass", "pass"],
        ),
        ("```\nGET /bands\nGET /bands/:id\n```\n", &["pass"]),
        ("```\nGET /bands\nGET /bands/7\n```\n", &["pass", MENTIONED]),
        ("```\nGET /bands\nGET /venues\n```\n", &["pass", "skipped"]),
        ("```\nGET /bands\nGET /band/1\n```\n", &["pass", "fail"]),
        (
            "| Method | URL | What |\n|---|---|---|\n| GET | http://localhost:3000/bands | All |\n\
             | GET | http://localhost:3000/bands/1 | One |\n| POST | http://localhost:3000/bands | Add |\n\
             | DELETE | http://localhost:3000/bands/1 | Delete |\n",
            &["pass", "pass", "pass"],
        ),
        (
            "| Endpoint | What |\n|---|---|\n| `GET /songs?_sort=title` | Sorted |\n| `GET /songs/:id` | One |\n",
            &["pass"],
        ),
        (
            "| What | Command |\n|---|---|\n| All | `http GET http://localhost:3000/bands` |\n\
             | Add | `http POST http://localhost:3000/bands name=Cats` |\n| One | `curl localhost:3000/bands/7` |\n",
            &["pass", "pass", MENTIONED],
        ),
        (
            "1. GET    /bands\n2. GET    /bands/1\n3. POST   /bands\n",
            &["pass", "pass"],
        ),
    ]);
}

/// A deletion in a list of endpoints is not a step: what is below it is sent on fresh data.
#[test]
fn mentioned_writes_change_nothing() {
    let read = |id| {
        format!(
            "```bash\ncurl http://localhost:3000/bands/{id}\n```\n\n```json\n{{\"id\": {id}, \"name\": \"Owls\"}}\n```\n\n"
        )
    };
    let steps = format!(
        "```\nGET /bands\nDELETE /bands/1\n```\n\n## Step 1\n\n{}## Step 2\n\n{}",
        read(1),
        read(1)
    );
    assert_all_judged(&[(steps, &["pass", "pass", "pass", "pass"])]);
}

#[test]
fn clients_need_no_host_and_no_single_form() {
    assert_rows(&[
        (
            "```bash\nhttp POST /bands name=Cats\nhttp /bands/9\n```\n",
            &["pass", "fail"],
        ),
        (
            "```\nGET: http://localhost:3000/bands/1\n```\n\n```json\n{\"id\": 1, \"name\": \"Hawks\"}\n```\n",
            &["fail"],
        ),
        (
            "```json\n// GET /bands/1\n// status: 200 OK\n{\"id\": 1, \"name\": \"Hawks\"}\n```\n\n\
             ```json\n// POST /bands\n{\"name\": \"Cats\"}\n// response\n{\"id\": 3, \"name\": \"Cats\"}\n```\n",
            &["fail", "pass: as documented"],
        ),
        (
            "```\nwget -qO- --method=delete http://localhost:3000/bands/1\n```\n",
            &["pass"],
        ),
        // Jekyll's tags around what Liquid would read.
        (
            "1. Create a new **POST** request to `{% raw %}{{base_url}}/bands{% endraw %}`.\n\
             2. Enter the body:\n\n   ```json\n   {\"name\": \"Cats\"}\n   ```\n\n\
             3. Send it. The response:\n\n   ```json\n   {\"name\": \"Cats\", \"id\": 9}\n   ```\n",
            &["fail: id: documented 9, got 3"],
        ),
        (
            "Get one\ncurl http://localhost:3000/bands/<id>\n\n![one](one.jpg)\n",
            &["a template"],
        ),
        (
            "```bash\ncurl -X PATCH http://localhost:3000/bands/1 -H 'Content-Type: application/json' -d '{\"at\": \"'$(date -I)'\"}'\n```\n",
            &["a template"],
        ),
        (
            "```bash\ncurl http://localhost:3000/\n```\n",
            &["`/` is a page of the server"],
        ),
    ]);
}

#[test]
fn the_query_is_entered_in_a_step() {
    let page = |step: &str, title: &str| {
        format!(
            "1. Select `GET` as the method.\n2. Enter the URL `http://localhost:3000/songs`.\n{step}\n4. Click **Send**. The response is:\n\n   \
             ```json\n   [{{\"id\": 1, \"title\": \"{title}\", \"bandId\": 1, \"addedAt\": \"2024-01-05T10:00:00Z\"}}]\n   ```\n"
        )
    };
    let steps = [
        "3. Under Params, enter Key: `title`, Value: `Blue`.",
        "3. Open the **Params** tab and add `title` with the value `Blue`.",
        "3. Add a query parameter:\n\n   | Key | Value |\n   |---|---|\n   | title | Blue |\n",
    ];
    for step in steps {
        assert_all_judged(&[
            (page(step, "Blue"), &["pass: as documented"]),
            (page(step, "Red"), &["fail"]),
        ]);
    }
    let open = page("3. Open the **Params** tab and choose the title.", "Blue");
    assert_all_judged(&[(open, &["its query parameters are in a step"])]);
}

#[test]
fn routes_of_other_services_are_skipped() {
    assert_rows(&[
        (
            "```bash\ncurl -X POST http://localhost:3000/bands/bulk --json '[]'\n```\n",
            &["skipped"],
        ),
        (
            "```bash\ncurl -X DELETE http://localhost:3000/songs/1/bands/2\n```\n\nReturns `204 No Content`.\n",
            &["skipped"],
        ),
        (
            "```bash\ncurl http://localhost:3000/visitor/authenticate\n```\n",
            &["skipped"],
        ),
        (
            "```bash\ncurl http://localhost:3000/songs/1.xml\n```\n",
            &["skipped"],
        ),
        (
            "```bash\ncurl http://localhost:3000/song/1\n```\n",
            &["fail"],
        ),
    ]);
}

#[test]
fn responses_and_statuses_have_many_forms() {
    let curl = |command: &str| format!("```bash\ncurl {command}\n```\n\n");
    let hawks = "```json\n{\"id\": 1, \"name\": \"Hawks\"}\n```\n";
    assert_all_judged(&[
        (
            "```\nPOST /bands\nContent-Type: application/json\n\n{\"name\": \"Cats\"}\n\n>\n\n{\"id\": 9}\n```\n".to_owned(),
            &["fail: id: documented 9, got 3"][..],
        ),
        (format!("## Sample call\n\n{}## Sample o/p\n\n{hawks}", curl("http://localhost:3000/bands/1")), &["fail"]),
        (
            format!("{}```http\n\"DELETE /bands/1 HTTP/1.1\" 204\n```\n", curl("-X DELETE http://localhost:3000/bands/1")),
            &["fail: the response documents 204"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands/1\n# => 410 Gone with Problem Details\n```\n".to_owned(),
            &["fail: the text documents 410"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands/7\n# → HTTP 404, not there\n```\n".to_owned(),
            &["pass"],
        ),
        (
            format!("{}**Response:** `200 OK`\n- Headers: `Location: /bands/{{id}}`\n\n{hawks}", curl("http://localhost:3000/bands/1")),
            &["fail"],
        ),
        (
            "```\n$ curl -X PATCH http://localhost:3000/bands/1 --json '{\"name\": \"Cats\"}'\ntrue\n\n$ curl http://localhost:3000/bands/2\n{\"id\": 2, \"name\": \"Foxes\"}⏎\n```\n".to_owned(),
            &["fail", "pass"],
        ),
        (
            "1. Create a new **POST** request to `{{base_url}}/bands`.\n2. In the **Headers** tab, verify:\n\n   - Key: `Content-Type`\n   - Value: `application/json`\n\n\
             3. Enter the following JSON data:\n\n   ```json\n   {\"name\": \"Cats\"}\n   ```\n\n4. Send it. The response:\n\n   ```json\n   {\"name\": \"Cats\", \"id\": 9}\n   ```\n".to_owned(),
            &["fail: id: documented 9, got 3"],
        ),
        (
            "* Using httpie: `echo '{\"name\": \"Cats\"}' | http POST http://localhost:3000/bands`\n* Using httpie: `http :3000/bands/9`\n".to_owned(),
            &["pass", "fail"],
        ),
        // Words that it fails, where nothing in the data causes that.
        (
            format!("## Send invalid data\n\n{}You will get an error that names the field.\n", curl("http://localhost:3000/bands --json '{\"name\": 1}'")),
            &["fail: the text says that the request fails, the server returns 201"],
        ),
    ]);
}

/// A page whose records are in the data already is read on the data after its writes.
#[test]
fn data_with_what_a_page_creates_is_not_outdated() {
    assert_rows(&[(
        "```bash\ncurl http://localhost:3000/bands --json '{\"name\": \"Owls\"}'\n# -> {\"id\": 1, \"name\": \"Owls\"}\n\n\
         curl http://localhost:3000/bands\n# -> [{\"id\": 1, \"name\": \"Owls\"}, {\"id\": 2, \"name\": \"Foxes\"}]\n```\n",
        &["fail: id: documented 1, got 3", "pass: as documented"],
    )]);
}
