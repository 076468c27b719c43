//! Requests, bodies and statuses that pages state in tables, lists, headings, labels and steps.

use super::judged::{assert_all_judged, assert_rows};

#[test]
fn tables_show_requests() {
    let rows = [
        (
            "| What | URL |\n|---|---|\n| All songs | [http://localhost:3000/songs](http://localhost:3000/songs) |\n\
             | One | http://localhost:3000/song/1 |\n| Sorted | http://localhost:3000/songs?_sort=title |\n"
                .to_owned(),
            &["pass", "fail", "pass"][..],
        ),
        (
            "| Item | Value |\n|---|---|\n| **URL** | `DELETE http://localhost:3000/songs/1` |\n| **Status code** | `200 OK` |\n"
                .to_owned(),
            &["pass"],
        ),
        (
            "| Item | Value |\n|---|---|\n| **URL** | `GET http://localhost:3000/bands/1` |\n\n\
             **Response:**\n\n```json\n{ \"id\": 1, \"name\": \"Hawks\" }\n```\n"
                .to_owned(),
            &["fail"],
        ),
        // It creates a record.
        (
            "| What | URL |\n|---|---|\n| Create a song | http://localhost:3000/songs |\n".to_owned(),
            &[],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn blocks_list_paths_with_remarks() {
    let block = |heading: &str, lines: &str| format!("#### {heading}\n\n```\n{lines}\n```\n");
    let rows = [
        (
            block("GET", "/songs - all of them\n/song/1 - the first"),
            &["pass", "fail"][..],
        ),
        (block("Filter", "/songs?title=Blue - by title"), &["pass"]),
        (block("Filter", "/songs?titel=Blue"), &["fail"]),
        (block("Files", "/songs - the folder"), &[]),
        (block("Filter", "/songs?title=VALUE"), &[]),
        (
            block("Open", "localhost:3000\n\nlocalhost:3000/songs"),
            &["pass"],
        ),
        (
            "#### GET\n- /bands/1\n```\n{ \"id\": 1, \"name\": \"Hawks\" }\n```\n".to_owned(),
            &["fail"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn headings_and_list_items_name_the_method() {
    let rows = [
        (
            "## Method\n\n`GET`\n\n## URL\n\n`{base_url}/bands/1` - the first\n\n## Response\n\n```json\n{ \"id\": 1, \"name\": \"Hawks\" }\n```\n",
            &["fail"][..],
        ),
        (
            "### **Method**: Post\n\n### Postman post request\n\n```shell\n{{base_url}}/bands\n```\n\n#### Request data\n\n\
             ```json\n{ \"name\": \"Crows\" }\n```\n\n### Postman response\n\n```json\n{ \"name\": \"Crows\", \"id\": 4 }\n```\n",
            &["fail"],
        ),
        (
            "### Postman Delete request\n\n**Method**:\n\n```shell\n{base_url}/bands/2\n```\n\n### Postman Delete response\n\n```json\n{}\n```\n",
            &["pass"],
        ),
        (
            "1. **GET all** → `GET http://localhost:3000/bands`\n2. **POST new** → `POST http://localhost:3000/bands`\n   \
             - Body (JSON): `{\"name\": \"Crows\"}`\n3. **DELETE** → `DELETE http://localhost:3000/band/1`\n",
            &["pass", "pass", "fail"],
        ),
        (
            "3. PUT /bands/:id\nReplaces a band.\n\nURL: /bands/1\n\nBody JSON (example):\n\n{\n  \"name\": \"Crows\"\n}\n\
             Response example:\n\n{\n  \"id\": 1,\n  \"name\": \"Hawks\"\n}\n",
            &["fail"],
        ),
        ("* DELETE\n    - http://localhost:3000/bands/1\n", &["pass"]),
        (
            "### Request\n\n```\n{base_url}/bands?name=Foxes\n```\n\n### Response\n\n```\n[{ \"id\": 2, \"name\": \"Owls\" }]\n```\n",
            &["fail"],
        ),
        (
            "`GET /bands`:\n\n![The bands](bands.gif)\n\n`GET /band`\n![The bands](bands.gif)\n",
            &["pass", "fail"],
        ),
    ];
    assert_all_judged(&rows.map(|(page, expected)| (page.to_owned(), expected)));
}

#[test]
fn steps_of_a_client_are_requests() {
    let rows = [
        (
            "We switch our request from GET to POST. Click on the list beside the URL bar, which shows the methods of HTTP, \
             and switch over to the one that creates.\n\nSend it to this URL:\n\n```txt\nhttp://localhost:3000/bands\n```\n\n\
             Write this into the **Body** tab:\n\n```json\n{ \"name\": \"Crows\" }\n```\n\nThe response:\n\n\
             ```json\n{ \"name\": \"Crows\", \"id\": 4 }\n```\n",
            &["fail"][..],
        ),
        (
            "1. Select **PATCH** from the list.\n1. Enter the following URL:\n\n    `http://localhost:3000/bands/2`\n\n\
             1. Enter this body:\n\n    ```json\n    { \"name\": \"Crows\" }\n    ```\n\n1. Send it. You should see `201 Created`.\n",
            &["fail"],
        ),
        (
            "1. Change method to `POST`\n2. Set URL to `http://localhost:3000/bands`\n3. Open the **Body** tab\n4. Add: `{\"name\": \"Crows\"}`\n",
            &["pass"],
        ),
        (
            "1. Select `DELETE`\n2. Insert URL {{base_url}}/bands followed by the id of the band.\n\nExample:\n\n\
             ```shell\nhttp://localhost:3000/bands/2\n```\n",
            &["pass"],
        ),
        (
            "- **METHOD**: `GET`\n- **URL**: `{{base_url}}/songs?title=Deep blue`\n- **Headers**:\n  - `Content-Type: application/json`\n\n\
             1. Send it.\n2. The system returns the songs of that title.\n\n    ```json\n    [{ \"id\": 1 }]\n    ```\n",
            &["fail"],
        ),
        // The same request from another client sends the same body.
        (
            "```bash\ncurl -X PATCH http://localhost:3000/bands/1 -H 'Content-Type: application/json' -d '{\"name\": \"Crows\"}'\n```\n\n\
             - Method: PATCH, URL: `http://localhost:3000/bands/1`\n- Body: Paste the JSON above.\n",
            &["pass", "pass"],
        ),
        (
            "#### Endpoint\n\nSelect **PATCH** and enter `http://localhost:3000/bands/1`.\n\n#### Request body\n\nEnter:\n\n\
             ```json\n{ \"name\": \"Crows\" }\n```\n\n## Return body\n\n```json\n{ \"name\": \"Hawks\", \"id\": 1 }\n```\n",
            &["fail"],
        ),
        (
            "向`http://127.0.0.1:3000/bands`发出POST请求，数据体选择x-www-form-urlencoded编码，添加下面的字段。\n\n```\nname: \"Crows\"\n```\n\n\
             再向http://127.0.0.1:3000/bands发出GET请求。\n",
            &["pass", "pass"],
        ),
    ];
    assert_all_judged(&rows.map(|(page, expected)| (page.to_owned(), expected)));
}

#[test]
fn a_body_above_the_example_is_sent() {
    let page = |body: &str, status: &str| {
        format!(
            "### Create\n\n**POST /bands**\n\n**Request body (JSON, required):**\n\n- `name` (text)\n\n```json\n{body}\n```\n\n\
             **Response:**\n\n- `{status}` - The band was added.\n- `400 Bad Request` - If the name is missing.\n\n\
             **Example:**\n\n```\nPOST http://localhost:3000/bands\n```\n\n### Change\n\n**PUT /bands/:id**\n\n\
             **Request body:**\n\n```json\n{{ \"name\": \"Other\" }}\n```\n"
        )
    };
    let rows = [
        (
            page("{ \"name\": \"Crows\" }", "201 Created"),
            &["pass", "skipped"][..],
        ),
        (
            page("{ \"name\": \"Crows\" }", "200 OK"),
            &["fail", "skipped"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn statuses_with_alternatives_and_conditions() {
    let post =
        "```bash\ncurl -X POST http://localhost:3000/bands --json '{\"name\": \"Crows\"}'\n```\n";
    let patch = "```bash\ncurl -X PATCH http://localhost:3000/bands/1 --json '{\"name\": \"Crows\"}'\n```\n";
    let rows = [
        (
            format!("- **PATCH** `/bands/:id`\n- **Response:** `201 Created` with the band, or `400`/`404`\n\n{patch}"),
            &["fail"][..],
        ),
        (
            format!("{patch}\nExpected: `201` and the updated band.\n"),
            &["fail"],
        ),
        (
            format!("{patch}\nExpected: `200` and the updated band.\n"),
            &["pass"],
        ),
        (
            format!("{post}\n- **Success status:** `200 OK` (the response contains the band)\n"),
            &["fail"],
        ),
        (format!("- Create a band (returns 200 on success):\n\n{post}"), &["fail"]),
        (
            "```bash\n$ curl localhost:3000/bands/9\nOdpowiedź (200):\n{}\n```\n".to_owned(),
            &["fail"],
        ),
        // The only status of an example is that of it, also in a list; no rule refuses this body.
        (
            "- Method: `POST`\n- URL: `http://localhost:3000/bands`\n- Body:\n  ```json\n  { \"name\": \"C\" }\n  ```\n\
             - Expected Response: `400 Bad Request` with the errors.\n"
                .to_owned(),
            &["fail: the text documents 400"],
        ),
        // json-server returns an empty object for what is missing.
        (
            "```bash\ncurl localhost:3000/bands/9\n```\n\n```json\n{}\n```\n".to_owned(),
            &["pass"],
        ),
        (
            "```bash\ncurl localhost:3000/bands/1\n```\n\n```json\n{}\n```\n".to_owned(),
            &["fail"],
        ),
        // The method that is sent is not the one that counts.
        (
            "```bash\ncurl -X POST -H 'X-HTTP-Method-Override: PUT' http://localhost:3000/bands/1 --json '{\"name\": \"Crows\"}'\n```\n"
                .to_owned(),
            &["pass"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn examples_of_a_sequence_see_the_writes_above() {
    let rows = [
        (
            "## Step 1: Delete\n\n```bash\ncurl -X DELETE http://localhost:3000/bands/2\n```\n\n## Step 2: Verify\n\n\
             ```bash\ncurl http://localhost:3000/bands\n```\n\n```json\n[{ \"id\": 1, \"name\": \"Owls\" }, { \"id\": 2, \"name\": \"Foxes\" }]\n```\n",
            &["pass", "fail"][..],
        ),
        (
            "```console\n$ curl -X POST localhost:3000/bands --json '{\"name\": \"Crows\"}'\n{\"name\": \"Crows\", \"id\": 3}\n\n\
             $ curl localhost:3000/bands?id=3\n[]\n```\n",
            &["pass", "fail"],
        ),
        // The record of the first read is there once it is created.
        (
            "```bash\ncurl -X POST http://localhost:3000/bands --json '{\"name\": \"Crows\"}'\n```\n\n## Change\n\n- **Response:** `201 Created` or `404 Not Found`\n\n\
             ```bash\ncurl -X PATCH http://localhost:3000/bands/3 --json '{\"name\": \"Rooks\"}'\n```\n",
            &["pass", "fail"],
        ),
        // The general form of an example is not a write that is missing.
        (
            "```bash\ncurl -X PATCH -d 'name=<name>' http://localhost:3000/bands/<id>\n```\n\nFor example:\n\n\
             ```bash\ncurl -X PATCH -d 'name=Crows' http://localhost:3000/bands/1\n```\n\n```json\n{ \"id\": 1, \"nam\": \"Crows\" }\n```\n",
            &["skipped", "fail"],
        ),
        (
            "```bash\ncurl -X PUT http://localhost:3000/bands/<id> -d '{ \"name\": <name> }'\n```\n\n\
             ```console\n$ curl -X PUT localhost:3000/bands/2 --json '{\"name\": \"Crows\"}'\n{\"name\": \"Crows\", \"id\": 2}\n\n\
             $ curl localhost:3000/bands/2\n{\"name\": \"Rooks\", \"id\": 2}\n```\n",
            &["skipped", "pass", "fail"],
        ),
    ];
    assert_all_judged(&rows.map(|(page, expected)| (page.to_owned(), expected)));
}

#[test]
fn mistakes_in_commands_are_found() {
    let rows = [
        (
            "```bash\ncurl http://localhost:3000/songs\n\ncrul http://localhost:3000/songs/1 \\\n  -H 'Accept: application/json'\n```\n",
            &["pass", "`crul` is not a command"][..],
        ),
        (
            "a)curl http://localhost:3000/bands/1\n{\"id\": 1, \"name\": \"Hawks\"}\n",
            &["fail"],
        ),
        (
            "```javascript\nfetch('http://localhost:3000/bands', {\n  method: 'POST',\n  body: JSON.stringify({\n    name: 'Crows'\n    members: 4\n  })\n});\n```\n",
            &["a comma is missing"],
        ),
        (
            "```bash\ncurl -X PUT \"JSON\" -d '{\"name\": \"Crows\"}' 127.0.0.1:3000/bands/1\n```\n",
            &["curl takes `JSON` as another URL"],
        ),
        // A body is sent as it is written.
        (
            "```\nPOST http://localhost:3000/bands\n```\n\nBody:\n\n```json\n{ \"name\": \"Crows\", }\n```\n",
            &["fail"],
        ),
        (
            "PUT http://localhost:3000/bands/1\n\nBody (JSON):\n{\n  \"name\": \"Crows\"\n  \"members\": 4\n}\n",
            &["fail"],
        ),
    ];
    assert_all_judged(&rows.map(|(page, expected)| (page.to_owned(), expected)));
}

#[test]
fn what_only_other_services_have_is_skipped() {
    let rows = [
        (
            "```bash\ncurl -X PUT http://localhost:3000/songs/1/play\n```\n",
            &["`/songs/1/play` is an action"][..],
        ),
        (
            "```bash\ncurl -X POST http://localhost:3000/songs/1/rate --json '{\"stars\": 5}'\n```\n\n```json\n{ \"success\": true }\n```\n",
            &["`/songs/1/rate` is an action"],
        ),
        (
            "```bash\ncurl -X POST http://localhost:3000/settings/login --json '{\"name\": \"ada\"}'\n```\n",
            &["`/settings/login` is an authentication"],
        ),
        (
            "```\nGET http://localhost:3000/songs?page=1&limit=5\n```\n",
            &["pass"],
        ),
        // A page about json-server means `_page`.
        (
            "json-server has pages:\n\n```\nGET http://localhost:3000/songs?page=1&limit=5\n```\n",
            &["fail"],
        ),
        // Ids are numbers here.
        (
            "```bash\ncurl http://localhost:3000/songs/top_rated\n```\n",
            &["`/songs/top_rated` is a route"],
        ),
        (
            "```bash\ncurl http://localhost:3000/keys/other-key\n```\n",
            &["fail"],
        ),
        (
            "```bash\ncurl http://localhost:3000/\n```\n\n```json\n{ \"message\": \"Welcome\" }\n```\n",
            &["`/` is not part of the data"],
        ),
    ];
    assert_all_judged(&rows.map(|(page, expected)| (page.to_owned(), expected)));
}

#[test]
fn a_body_that_is_not_json_is_a_failure() {
    assert_rows(&[
        (
            "### POST /bands\n\nExample request:\n\n```json\n{\n  \"name\": Crows\n}\n```\n\nExpected response:\n\n- HTTP 201 Created\n",
            &["fail"],
        ),
        (
            "* **METHOD**: POST\n* **URL**: `http://localhost:3000/bands`\n* **Request body**:\n\n```js\n{ \"name: \"Crows\" }\n```\n\n\
             The response:\n\n```js\n{ \"name\": \"Crows\", \"id\": 3 }\n```\n",
            &["fail"],
        ),
        // A comma too many.
        (
            "* **METHOD**: POST\n* **URL**: `http://localhost:3000/bands`\n* **Request body**:\n\n```js\n{ \"name\": \"Crows\", }\n```\n\n\
             The response:\n\n```js\n{ \"name\": \"Crows\", \"id\": 3 }\n```\n",
            &["fail"],
        ),
        // What is assumed to be the body.
        (
            "```http\nPOST /bands\nContent-Type: application/json\n```\n\n```json\n{\n  \"name\": \"Crows\"\n  \"members\": 4\n}\n```\n",
            &["fail"],
        ),
        // A description of the body.
        (
            "* **METHOD**: POST\n* **URL**: `http://localhost:3000/bands`\n* **Request body**:\n\n```json\n{\n  \"name\": string,\n  \"tags\": [string],\n  \"members\": COUNT\n}\n```\n",
            &["skipped"],
        ),
        // Values that a client or a program puts in.
        (
            "* **METHOD**: POST\n* **URL**: `http://localhost:3000/bands`\n* **Request body**:\n\n```json\n{ \"name\": \"Crows\", \"members\": {{$randomInt}} }\n```\n",
            &["skipped"],
        ),
        (
            "* **METHOD**: POST\n* **URL**: `http://localhost:3000/bands`\n* **Request body**:\n\n```js\n{ \"name\": name, \"members\": count }\n```\n",
            &["skipped"],
        ),
        // As a program writes it.
        (
            "* **METHOD**: POST\n* **URL**: `http://localhost:3000/bands`\n* **Request body**:\n\n```js\n{ name: 'Crows' }\n```\n",
            &["pass"],
        ),
    ]);
}

#[test]
fn misspelt_commands_methods_and_options_are_found() {
    assert_rows(&[
        (
            "```http\nGET /bands\nGTE /songs?q=Blue\n```\n",
            &["pass", "`GTE` is not a method, did you mean `GET`?"],
        ),
        // Commands of other services, and words.
        ("```\nSET /bands\nLIST /bands\n```\n", &[]),
        ("```\nBANDS /bands\nPOSTS /posts\n```\n", &[]),
        // Marks of Markdown around a command.
        (
            "### GET\n\n`curl -X GET \"http://localhost:3000/bands\" -v`\n\n1. Run it:\n\n    `curl -X DELETE \"http://localhost:3000/bands/2\"`\n",
            &["pass", "pass"],
        ),
        (
            "Call http://localhost:3000/bands -- it lists the bands.\n",
            &["pass"],
        ),
        (
            "##Delete\ncurl-X DELETE http://localhost:3000/bands/1\n",
            &["`curl-X` is not a command"],
        ),
        (
            "Command: url -i http://localhost:3000/bands/1\n",
            &["`url` is not a command"],
        ),
        (
            "```powershell\ncurl.exe http://localhost:3000/bands\nInvoke-RestMethod -Uri http://localhost:3000/bands/1 -Methd Delete\n```\n",
            &["pass", "PowerShell has no option `-Methd`"],
        ),
        (
            "```powershell\nInvoke-RestMethod -Uri http://localhost:3000/bands -Method POST `\n-ContentType \"application/json\" `\n\
             -Body (@{\n  name = \"Crows\n} | ConvertTo-Json)\n```\n",
            &["this quote is never closed"],
        ),
        (
            "```bash\nhttp PATCH http://localhost:3000/bands/1 members:=four\n```\n",
            &["`four` after `:=` is not JSON"],
        ),
        (
            "```javascript\nfetch('http://localhost:3000/bands/1', {\n  method: 'PATCH'\n  headers: { 'Content-Type': 'application/json' },\n\
             \x20 body: JSON.stringify({ name: 'Crows' })\n});\n```\n",
            &["a comma is missing"],
        ),
        (
            "```javascript\nfetch('http://localhost:3000/bands/1' {\n  method: 'DELETE'\n});\n```\n",
            &["a comma is missing"],
        ),
    ]);
}

#[test]
fn requests_stand_in_links_lists_and_tables() {
    assert_rows(&[
        (
            "- sorted -\n  [/songs?_sort=title&_limit=1](http://localhost:3000/songs?_sort=title&_limit=1)\n\
             - one [`/song/1`](http://localhost:3000/song/1)\n- [more](http://localhost:3000/other)\n",
            &["pass", "fail"],
        ),
        (
            "- **GET**: `Invoke-RestMethod -Uri http://localhost:3000/bands`\n\
             - **DELETE**: `Invoke-RestMethod -Uri http://localhost:3000/band/1 -Method Delete`\n",
            &["pass", "fail"],
        ),
        (
            "## Sample request\n\ncurl {base_url}/bands?name=Owls\n\n## Sample return\n\n```js\n[{ \"id\": 1, \"name\": \"Hawks\" }]\n```\n",
            &["fail"],
        ),
        (
            "| Element | Value | Required | Notes |\n|---|---|---|---|\n| **METHOD** | GET | Required | |\n\
             | **URL** | `{server_url}/songs` | Required | |\n| **Params** | `Key/Value` | Required | Enter *title/Red*. |\n\n\
             1. Send it.\n1. The response:\n\n    ```js\n    [{ \"id\": 2, \"title\": \"Red\", \"bandId\": 2, \"addedAt\": \"2024-01-06T10:00:00Z\" }]\n    ```\n",
            &["pass"],
        ),
        // Its parameters are left open.
        (
            "| Element | Value | Required | Notes |\n|---|---|---|---|\n| **METHOD** | GET | Required | |\n\
             | **URL** | `{server_url}/songs` | Required | |\n| **Params** | `Key/Value` | Required | Enter *bandId/{id}*. |\n\n\
             The response:\n\n```js\n[]\n```\n",
            &[],
        ),
        (
            "## Step 2: Retrieve the bands\n\nRun this to get a list.\n\n```shell\n\n{base_url}/bands\n```\n\nIt returns:\n\n\
             ```json\n[{ \"id\": 1, \"name\": \"Hawks\" }]\n```\n",
            &["fail"],
        ),
        (
            "## Song [/songs/{id}]\n\n+ Parameters\n    + id (required, number, `1`) ... The id\n\n### Get it [GET]\n\n+ Response 200 (application/json)\n\n\
             \x20       { \"id\": 1, \"title\": \"Green\" }\n",
            &["fail"],
        ),
    ]);
}

#[test]
fn statuses_and_queries_stand_in_steps() {
    let deletion = |status: &str| {
        format!(
            "## Step 2: Create the request\n\n1. Change the method from **GET** to **DELETE**.\n2. Enter this URL:\n\n```\nhttp://localhost:3000/bands/1\n```\n\n\
             ## Step 3: Send the request\n\n1. Click **Send**.\n2. You should see a `{status}` status.\n"
        )
    };
    let list = |status: &str| {
        format!(
            "1. Create this request:\n\n    ```shell\n    GET {{base_url}}/bands\n    ```\n\n2. Click **Send**.\n\n   Postman returns a `{status}` message.\n"
        )
    };
    let keyed = |id: u8| {
        format!(
            "1. Select the \"GET\" method.\n\n2. Enter the URL:\n\n```shell\n{{{{base_url}}}}/bands\n```\n\n\
             3. Under the \"Key\" column of the \"Query Params\" section, input `id`.\n\n\
             4. Under the \"Value\" column of the \"Query Params\" section, input the id. For example, put `{id}`.\n\n\
             5. The response body looks like below:\n\n```json\n[{{ \"id\": 2, \"name\": \"Foxes\" }}]\n```\n"
        )
    };
    assert_rows(&[
        (&deletion("204 No Content"), &["fail"]),
        (&deletion("200 OK"), &["pass"]),
        (&list("201 Created"), &["fail"]),
        (&list("200 OK"), &["pass"]),
        (&keyed(2), &["pass"]),
        (&keyed(1), &["fail"]),
        // The status below the body, as a script prints it.
        (
            "```\n$ curl http://localhost:3000/bands/9\n{\"message\":\"none\"}\nHTTP 404\n\n$ curl http://localhost:3000/bands/8\n{\"message\":\"none\"}\nHTTP 400\n```\n",
            &["pass", "fail"],
        ),
        // A status in a block of its own.
        (
            "```http\nGET /bands/9\n```\n\nOčekivani odgovor:\n\n```json\n{ \"detail\": \"nema\" }\n```\n\nI HTTP status:\n\n```http\n404 Not Found\n```\n",
            &["pass"],
        ),
    ]);
}

#[test]
fn what_may_be_meant_otherwise_is_not_a_failure() {
    assert_rows(&[
        // Several URLs and a block that belongs to none of them.
        (
            "The keys are resources:\n\n```\n  http://localhost:3000/songs\n  http://localhost:3000/settings\n```\n\nIf you add a key (such as \"tags\")\n\n\
             ```js\n{ \"settings\": { \"volume\": 3 }, \"tags\": [] }\n```\n",
            &["pass", "pass"],
        ),
        // A route of its own: the ids of the records are numbers.
        (
            "### GET /songs/newest\n\n```json\n[{ \"id\": 2 }]\n```\n",
            &["`/songs/newest` is a route"],
        ),
        (
            "### GET /songs/abc\n\nResponse: 400 Bad Request\n\n```json\n{ \"error\": \"id\" }\n```\n",
            &["fail"],
        ),
        // Errors have a type and a text of their own.
        (
            "```shell\n$ curl -i localhost:3000/bands/9\nHTTP/1.1 404\nContent-Type: text/plain\n\nCould not find band 9\n```\n",
            &["pass"],
        ),
        (
            "```shell\n$ curl -X DELETE localhost:3000/bands/2\n$ curl localhost:3000/bands/2\nCould not find band 2\n```\n",
            &["pass", "pass"],
        ),
        // The format of an item.
        (
            "* **METHOD** — `GET`\n* **URL** — `http://localhost:3000/bands`\n* **Request body** — None\n\n\
             It returns all bands. Each band has the following format. Note the id.\n\n```json\n{ \"id\": 2, \"name\": \"Foxes\" }\n```\n",
            &["pass"],
        ),
        (
            "```bash\ncurl -X POST http://localhost:3000/bands --json '{\"name\": \"Crows\"}'\n```\n\n**Without a key, you'll get:**\n\n\
             ```json\n{ \"error\": \"Unauthorized\" }\n```\n",
            &["pass"],
        ),
        // What the reader sees is surely the response.
        (
            "```\ncurl http://localhost:3000/bands/1\n```\n\nIf the service runs correctly, you should see one of the bands, such as in this example.\n\n\
             ```\n{ \"band\": { \"id\": 1 } }\n```\n",
            &["fail"],
        ),
        // A parameter that begins with `_` and is of another service.
        ("```\nGET /songs?_include=bands\n```\n", &["pass"]),
    ]);
}

/// A short sentence states a status in any language. An error in it may be a remark about other requests.
#[test]
fn a_status_in_a_short_sentence() {
    let below = |text: &str| {
        format!("```bash\ncurl -X DELETE http://localhost:3000/bands/1\n```\n\n{text}\n")
    };
    let above = |text: &str| {
        format!("{text}\n\n```bash\ncurl -X DELETE http://localhost:3000/bands/9\n```\n")
    };
    let mut rows: Vec<(String, &[&str])> = Vec::new();
    for text in [
        "The response has the status 204:",
        "You should see a 204 status code.",
        "A `204` is returned.",
        "Der Statuscode ist 204.",
        "El estado es 204.",
        "Serwer zwraca 204.",
        "Sunucu 204 döndürür.",
        "204 が返ってきます。",
    ] {
        rows.push((below(text), &["fail"]));
        rows.push((below(&text.replace("204", "200")), &["pass"]));
    }
    for text in [
        "Usunięcie zwraca 404:",
        "削除すると 404 が返ります:",
        "Menghapus menghasilkan 404:",
    ] {
        rows.push((above(text), &["pass"]));
        rows.push((above(&text.replace("404", "204")), &["fail"]));
    }
    // A remark.
    rows.push((below("Eksik kayıt 404 döndürür."), &["pass"]));
    assert_all_judged(&rows);
}

#[test]
fn a_status_in_a_comment_below_the_command() {
    let of = |id: u8, comment: &str| {
        format!("```bash\ncurl -X DELETE http://localhost:3000/bands/{id}\n{comment}\n```\n")
    };
    let comments = [
        "# (404)",
        "# Not Found",
        "# 404: no such band",
        "# {} (404)",
        "# => {}, 404",
        "# prints {} with status 404",
    ];
    let mut rows: Vec<(String, &[&str])> = Vec::new();
    for comment in comments {
        rows.push((of(9, comment), &["pass"]));
        rows.push((of(1, comment), &["fail"]));
    }
    assert_all_judged(&rows);
}

#[test]
fn rows_of_a_table_document_statuses_and_bodies() {
    assert_rows(&[
        (
            "| Method | URL | Status |\n|---|---|---|\n| DELETE | http://localhost:3000/bands/1 | 204 |\n\
             | GET | /bands/9 | 200 |\n| GET | /bands/2 | 200 OK |\n",
            &["fail", "fail", "pass"],
        ),
        (
            "| Method | URL | Body | Expected |\n|---|---|---|---|\n\
             | POST | `/bands` | `{\"name\": \"Bats\"}` | `201` · the new band |\n\
             | PUT | `/bands/1` | `{\"name\": \"Bats\"}` | `200` or `404` |\n| PUT | `/bands/1` | | 200 |\n",
            &["pass", "pass", "pass"],
        ),
        (
            "| URI | Method | Params | Response |\n|---|---|---|---|\n\
             | /bands/1 | GET | | 200: `{\"id\": 1, \"name\": \"Owl\"}` |\n\
             | /bands | POST | *required* body `{\"name\": \"Bats\"}` | 201: `{\"name\": \"Bats\", \"id\": 3}` |\n\
             | /bands/{id} | GET | | 200: `{\"id\": 1, \"name\": \"Owls\"}` |\n",
            &["fail", "pass"],
        ),
    ]);
}

/// JSON below a list of statuses is the response of the success in it; within an item it is that of the item.
#[test]
fn json_below_a_list_of_statuses_is_that_of_the_success() {
    let get = "```bash\ncurl http://localhost:3000/bands/1\n```\n\n**Responses**\n\n- `200` – the band\n- `404` – not found";
    let right = r#"{"id": 1, "name": "Owls"}"#;
    let wrong = r#"{"id": 1, "name": "Owl"}"#;
    let fence = |json: &str| format!("```json\n{json}\n```\n");
    assert_all_judged(&[
        (
            format!("{get}\n\n{}", fence(right)),
            &["pass: as documented"],
        ),
        (format!("{get}\n\n{}", fence(wrong)), &["fail"]),
        (
            format!("{get}\n\nExample response:\n\n{}", fence(wrong)),
            &["fail"],
        ),
        (
            format!("{get}:\n\n  ```json\n  {{\"error\": \"none\"}}\n  ```\n"),
            &["pass: the status"],
        ),
    ]);
}

/// A row with its own request says nothing about the command beside the table.
#[test]
fn a_table_of_requests_is_not_one_of_statuses() {
    assert_rows(&[(
        "```bash\ncurl http://localhost:3000/bands --json '{\"name\": \"Bats\"}'\n```\n\n\
         | Request | Status |\n|---|---|\n| `GET http://localhost:3000/bands/1` | 200 |\n\
         | `GET http://localhost:3000/bands/9` | 404 |\n",
        &["pass", "pass", "pass"],
    )]);
}

/// The steps of one section do not make those of a reference further down.
#[test]
fn a_sequence_ends_with_its_section() {
    let create = "## Create\n\n```bash\ncurl http://localhost:3000/bands --json '{\"name\": \"Bats\"}'\n```\n\n\
                  ```bash\ncurl http://localhost:3000/bands/3\n```\n\n```json\n{\"name\": \"Bats\", \"id\": 3}\n```\n\n";
    let list = "```bash\ncurl http://localhost:3000/bands\n```\n\n\
                ```json\n[{\"id\": 1, \"name\": \"Owls\"}, {\"id\": 2, \"name\": \"Foxes\"}]\n```\n";
    assert_all_judged(&[
        (
            format!("{create}## List\n\n{list}"),
            &["pass", "pass", "pass"],
        ),
        (format!("{create}{list}"), &["pass", "pass", "fail"]),
    ]);
}

/// A sentence may say that a read shows what the write above it has changed.
#[test]
fn a_read_again_is_that_of_the_changed_record() {
    let page = |lead: &str, name: &str| {
        format!(
            "```bash\ncurl -X PATCH http://localhost:3000/bands/1 --json '{{\"name\": \"Bats\"}}'\n```\n\n{lead}\n\n\
             ```bash\ncurl http://localhost:3000/bands/1\n```\n\n```json\n{{\"id\": 1, \"name\": \"{name}\"}}\n```\n"
        )
    };
    let mut rows: Vec<(String, &[&str])> = Vec::new();
    for lead in [
        "Fetch it again:",
        "Verify that it has changed:",
        "Prüfen, ob es gespeichert wurde:",
        "再次查询：",
    ] {
        rows.push((page(lead, "Owls"), &["pass", "fail"]));
        rows.push((page(lead, "Bats"), &["pass", "pass"]));
    }
    // An example of its own.
    rows.push((page("One band:", "Owls"), &["pass", "pass"]));
    assert_all_judged(&rows);
}
