//! Sentences, headings and comments about other requests and other cases than that of an example: what they say does not
//! count for it.

use super::judged::{assert_all_judged, assert_rows};

const GET: &str = "```bash\ncurl http://localhost:3000/bands/1\n```\n";
const POST: &str = "```bash\ncurl http://localhost:3000/bands -H 'Content-Type: application/json' -d '{\"name\": \"Cats\"}'\n```\n";
const DELETE: &str = "```bash\ncurl -X DELETE http://localhost:3000/bands/1\n```\n";

/// Each text passes below (or above, for headings) the request.
fn assert_passing(request: &str, texts: &[&str]) {
    let pages = texts.iter().map(|text| match text.starts_with('#') {
        true => format!("{text}\n\n{request}"),
        false => format!("{request}\n{text}\n"),
    });
    let rows: Vec<(String, &[&str])> = pages.map(|page| (page, &["pass"][..])).collect();
    assert_all_judged(&rows);
}

#[test]
fn json_of_another_request_or_case_is_not_compared() {
    let foxes = "```json\n{ \"id\": 2, \"name\": \"Foxes\" }\n```";
    let leads = [
        "With `/bands/2` you get:",
        "For the foxes (id 2):",
        "Without `_limit`, you would get:",
        "When the owls have a birthday, you get:",
        "After their birthday, it is:",
        "Last year it was:",
        "An administrator would get:",
        "Logged in as admin, you get:",
        "You might expect:",
        "Not:",
        "Change it to:",
    ];
    let pages: Vec<String> = leads
        .iter()
        .map(|lead| format!("{lead}\n\n{foxes}"))
        .collect();
    assert_passing(GET, &pages.iter().map(String::as_str).collect::<Vec<_>>());
    let own = [
        "With `/bands/1` you get:",
        "For the owls (id 1):",
        "You get:",
    ];
    let rows = own.map(|lead| {
        (
            format!("{GET}\n{lead}\n\n{foxes}\n"),
            &["fail: id: documented 2, got 1"][..],
        )
    });
    assert_all_judged(&rows);
}

#[test]
fn values_may_differ_where_the_page_says_so() {
    let page = |shown: &str| format!("{GET}\nYour output may differ:\n\n```json\n{shown}\n```\n");
    assert_all_judged(&[
        (page(r#"{ "id": 7, "name": "Cats" }"#), &["pass"][..]),
        (page(r#"{ "id": 7, "name": 8 }"#), &["fail: name"]),
        (page(r#"{ "id": 7, "title": "Cats" }"#), &["fail"]),
    ]);
}

#[test]
fn statuses_of_other_requests_do_not_count() {
    assert_passing(
        GET,
        &[
            "Now try `/bands/99`: you get `404`.",
            "An id that is not a number, e.g. `/bands/abc`, gives `404 Not Found`.",
            "Try it with 99 instead of 1: the answer is `404 Not Found` with `{}`.",
            "Had the band been deleted, the status would be 404.",
            "Responses:\n\n- 200 OK\n- 304 Not Modified\n- 404 Not Found",
            "Response codes: 200 (found), 404 (not found)",
            "For lists there is a header with the total, e.g. `X-Total-Count: 4`.",
            "`?name=Zoe` returns an empty list.",
            "A fresh installation returns an empty list.",
            "## Why you get 404",
            "## Existing band (200), missing band (404)",
            "## GET: 200, POST: 201",
        ],
    );
    assert_passing(
        POST,
        &[
            "Now you have 5 bands.",
            "A PUT would return 200 instead.",
            "Unlike GET, which returns 200, it returns 201.",
            "## Missing members\n\nMembers may be left out:",
        ],
    );
    assert_passing(
        DELETE,
        &["```json\n{}\n```\n\nA GET of the same URL now returns 404."],
    );
    assert_rows(&[
        (
            "```bash\ncurl -X DELETE http://localhost:3000/bands/1\n```\n\nReturns 204. The second time it returns 404.\n",
            &["fail: the text documents 204"],
        ),
        (
            "> **Q:** Why does this return 404?\n\n```bash\ncurl http://localhost:3000/band/1\n```\n",
            &["pass"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands/1\n```\n\nResponses:\n\n- 201 Created\n- 304 Not Modified\n",
            &["fail: the text documents 201 or 304"],
        ),
    ]);
    let next = format!("{POST}\nNow delete it; this returns 200.\n\n{DELETE}");
    assert_all_judged(&[(next, &["pass", "pass"])]);
}

/// A short item of a list that names a request and its status is an example.
#[test]
fn items_with_a_status_are_examples() {
    assert_rows(&[
        (
            "1. `GET /bands/1` returns `404 Not Found`\n2. `GET /bands/99` returns `404 Not Found`\n",
            &["fail: the text documents 404", "pass"],
        ),
        (
            "- [x] `GET /bands/1` → 201\n- [ ] `GET /bands/99` → 404\n",
            &["fail: the text documents 201", "pass"],
        ),
    ]);
}

/// Whose base URL a page names beside HTTPie's short form of this machine does not matter.
#[test]
fn short_urls_of_httpie_are_of_this_machine() {
    assert_rows(&[
        (
            "Needs https://httpie.io, or convert it to curl if you like.\n\n### Get\n\n`$ http :8080/bands/1`\n\n```json\n{\"id\": 1, \"name\": \"Cats\"}\n```\n",
            &["fail: name"],
        ),
        (
            "```\nhttp PUT :3000/keys/\"my key\" label=x\n```\n",
            &["fail: PUT usually returns 200, the server returns 404"],
        ),
    ]);
}

#[test]
fn clients_that_a_program_makes_are_known() {
    assert_rows(&[
        (
            "```js\nconst api = axios.create({ baseURL: 'http://localhost:3000' });\nconst { data } = await api.get('/bands/1');\nconsole.log(data.name); // Cats\n```\n",
            &["fail: name: documented \"Cats\", got \"Owls\""],
        ),
        (
            "```python\nwith requests.Session() as s:\n    r = s.get('http://localhost:3000/bands/1')\n    print(r.json()['name'])  # Cats\n```\n",
            &["fail: name: documented \"Cats\", got \"Owls\""],
        ),
        (
            "```js\napp.get('/bands/1', (req, res) => res.json({}));\n```\n",
            &[],
        ),
    ]);
}

#[test]
fn comments_about_other_requests_do_not_count() {
    assert_rows(&[
        (
            "```bash\ncurl http://localhost:3000/bands/2  # id 99 -> 404\n```\n",
            &["pass"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands/2  # id 2 -> 404\n```\n",
            &["fail: the text documents 404"],
        ),
        (
            "```bash\n# creates (201), then update (200)\ncurl http://localhost:3000/bands -H 'Content-Type: application/json' -d '{\"name\": \"Cats\"}'\n```\n",
            &["pass"],
        ),
        (
            "```bash\n# fails with 400 without the header\ncurl http://localhost:3000/bands -H 'Content-Type: application/json' -d '{\"name\": \"Cats\"}'\n```\n",
            &["pass"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands  # -> [{ id: 1, ... }, ...]\n```\n",
            &["pass"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands  # -> [{ id: 5, ... }, ...]\n```\n",
            &["fail"],
        ),
    ]);
}

/// A program that changes what it got prints other values, also in a block of JSON.
#[test]
fn output_of_programs_that_change_values_is_not_compared() {
    let js = |lines: &str| {
        format!(
            "```js\nconst bands = await (await fetch('http://localhost:3000/bands')).json();\n{lines}\n```\n"
        )
    };
    let output =
        |lines: &str, shown: &str| format!("{}\nOutput:\n\n```json\n{shown}\n```\n", js(lines));
    let foxes = r#"[{ "id": 2, "name": "Foxes" }]"#;
    assert_all_judged(&[
        (
            output("console.log(bands[0]);", r#"{ "id": 2, "name": "Cats" }"#),
            &["pass"][..],
        ),
        (
            output("bands.reverse();\nconsole.log(bands);", foxes),
            &["pass"],
        ),
        (output("console.log(bands.slice(1));", foxes), &["pass"]),
        (
            output("console.log({ ...bands[0], age: 3 });", r#"{ "age": 3 }"#),
            &["pass"],
        ),
        (output("console.log(bands);", foxes), &["fail: [id=1]"]),
        (
            js("bands.reverse();\nconsole.log(bands[0].name); // Foxes"),
            &["pass"],
        ),
        (
            js("bands[0].name = 'Cats';\nconsole.log(bands[0].name); // Cats"),
            &["pass"],
        ),
        (
            js("console.log(bands[0].name); // Foxes\nbands.reverse();"),
            &["fail: [0].name"],
        ),
        (
            js("rename(bands);\nconsole.log(bands[0].name); // Cats"),
            &["pass"],
        ),
        (
            js("[{ name: 'Cats' }].forEach(bands => console.log(bands.name)); // Cats"),
            &["pass"],
        ),
        (js("// console.log(bands[0].name); // Cats"), &["pass"]),
        (
            js("console.log(bands[0].age); // 3"),
            &["fail: [0].age (3): documented, but not in the response"],
        ),
    ]);
}

/// Prose about an error is a remark where the page shows the body of the success, in any language.
#[test]
fn a_shown_success_is_not_made_an_error_by_prose() {
    let owls = "```json\n{ \"id\": 1, \"name\": \"Owls\" }\n```\n";
    let below = [
        "Für unbekannte Bands liefert der Server 404.",
        "Sinon, le serveur renvoie 404.",
        "Un pedido inexistente devuelve 404.",
        "Иначе возвращается 404.",
        "不存在的订单返回404。",
        "**Error responses**\n\n`404 Not Found`",
        "**Failure:** `404 Not Found`",
    ];
    let mut rows: Vec<(String, &[&str])> = Vec::new();
    for text in below {
        rows.push((format!("{GET}\n{owls}\n{text}\n"), &["pass"]));
    }
    rows.push((
        format!("{GET}\nShould the band be missing, expect a 404.\n\n{owls}"),
        &["pass"],
    ));
    for heading in [
        "## Fixing \"404 Not Found\"",
        "## Preventing 409 Conflict",
        "## Error: 404 Not Found",
    ] {
        rows.push((
            format!("{heading}\n\nUse the plural:\n\n{GET}\n{owls}"),
            &["pass"],
        ));
    }
    // A label calls the block itself an error.
    rows.push((
        format!("{GET}\nResponse (404):\n\n{owls}"),
        &["fail: the text documents 404"],
    ));
    rows.push((
        format!("{GET}\n```json\n{{ \"id\": 1, \"name\": \"Cats\" }}\n```\n\nSinon, le serveur renvoie 404.\n"),
        &["fail"],
    ));
    assert_all_judged(&rows);
}

#[test]
fn questions_and_remarks_about_missing_records_expect_the_error() {
    let get = "```bash\ncurl -i http://localhost:3000/bands/99\n```\n";
    let above = [
        "Send a request for a missing band. What status do you expect?",
        "Try an id that isn't in the file:",
        "See what an error looks like:",
        "This band was never created:",
    ];
    let mut rows: Vec<(String, &[&str])> = Vec::new();
    rows.extend(above.map(|text| (format!("{text}\n\n{get}"), &["pass"][..])));
    rows.push((
        format!("{get}\nAs expected, nothing was found.\n"),
        &["pass"],
    ));
    rows.push((
        "```bash\ncurl http://localhost:3000/bands/99   # what happens?\n```\n".to_owned(),
        &["pass"],
    ));
    rows.push((format!("Get a band:\n\n{get}"), &["fail"]));
    assert_all_judged(&rows);
}

#[test]
fn what_is_called_wrong_is_not_an_example() {
    assert_rows(&[
        ("- Bad: `curl http://localhost:3000/band/1`\n", &["skipped"]),
        (
            "```bash\n# ❌ singular\ncurl http://localhost:3000/band/1\n```\n",
            &["skipped"],
        ),
        (
            "A common mistake is `curl http://localhost:3000/band/1` (singular).\n",
            &["skipped"],
        ),
        (
            "Don't use http://localhost:3000/band/1, but the plural.\n",
            &[],
        ),
        // A sign in a title may be that of a deletion.
        (
            "## ❌ Delete\n\n```bash\ncurl -X DELETE http://localhost:3000/bands/1\n```\n\nReturns 204.\n",
            &["fail: the text documents 204"],
        ),
    ]);
}

#[test]
fn promises_about_other_values_are_not_those_of_the_request() {
    assert_passing(
        "```bash\ncurl http://localhost:3000/bands?name=Owls\n```\n",
        &[
            "Unknown values return an empty list.",
            "A typo returns an empty list.",
            "Searching for toys returns an empty list.",
            "This doesn't return an empty list.",
            "The `X-Total-Count` header is only there with pages, e.g. `X-Total-Count: 5`.",
        ],
    );
    assert_rows(&[(
        "```bash\ncurl http://localhost:3000/bands?name=Owls\n```\n\nThis returns an empty list.\n",
        &["fail: the text says that the list is empty"],
    )]);
}

/// What clients print beside the response.
#[test]
fn the_output_of_clients_is_read() {
    assert_rows(&[
        (
            "```\n$ curl -v http://localhost:3000/bands/1\n> GET /bands/1 HTTP/1.1\n>\n< HTTP/1.1 200 OK\n<\n{\"id\":1,\"name\":\"Owls\"}* Connection #0 to host localhost left intact\n```\n",
            &["pass: as documented"],
        ),
        (
            "```console\n$ wget http://localhost:3000/bands\n--2024-05-01 10:00:00--  http://localhost:3000/bands\nResolving localhost (localhost)... 127.0.0.1\n```\n",
            &["pass"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands/1\n```\n\n```json\n{\n  \"id\": 1, <1>\n  \"name\": \"Owls\" <-- they fly\n}\n```\n",
            &["pass: as documented"],
        ),
        (
            "Band: `curl http://localhost:3000/bands/1` returns\n\n```json\n{\"id\": 1, \"name\": \"Cats\"}\n```\n",
            &["fail: name"],
        ),
        (
            "```cmd\ncurl -X POST http://localhost:3000/bands -H \"Content-Type: application/json\" -d '{\"name\":\"Cats\"}'\n```\n",
            &["fail: cmd.exe takes single quotes for a part of the text"],
        ),
        (
            "```bash\ncurl -X PUT http://localhost:3000/bands/1 -H 'Content-Type: application/json' -d '{\"name\": \"Cats\", \"age\": 2}'\n```\n\nUnlike with PATCH, all other fields are removed:\n\n```json\n{ \"id\": 1, \"name\": \"Cats\" }\n```\n",
            &["fail: age (2): in the response"],
        ),
    ]);
}

#[test]
fn a_list_of_all_errors_does_not_excuse_a_request() {
    let missing = "```bash\ncurl http://localhost:3000/bands/7\n```\n\n";
    for list in [
        "Error responses (400 missing, 404 not found, 409 conflict):",
        "The errors are 400 for a missing value, 404 for a missing record and 409 for a conflict.",
        "Errors have a status mapped from the domain (400 malformed, 404 not found, 422 invalid).",
    ] {
        assert_rows(&[(
            &format!("{missing}{list}\n"),
            &["fail: GET usually returns 200"],
        )]);
    }
    assert_rows(&[
        (
            &format!("{missing}Returns 404 if there is no such band.\n"),
            &["pass"],
        ),
        // The status of a comment is the one that it says, whatever stands behind it.
        (
            "```bash\ncurl http://localhost:3000/bands/7\n# Expected: 400 - \"The id must be positive\"\n```\n",
            &["fail: the text documents 400"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands/7\n# Expected: 404 - \"There is no such band\"\n```\n",
            &["pass"],
        ),
    ]);
}

#[test]
fn routes_that_no_data_has_are_skipped() {
    let request = |request: &str| format!("```bash\ncurl {request}\n```\n");
    let rows = [
        "-X POST http://localhost:3000/admin/tenants/owls",
        "http://localhost:3000/admin/stock/1",
        "http://localhost:3000/inventory/SKU-1/usable",
        "-X POST http://localhost:3000/shelves/A-1/count",
        "-X DELETE http://localhost:3000/bands/yourBandId",
        "http://localhost:3000/bands/idOfBandHere",
    ];
    let rows = rows.map(|row| (request(row), &["skipped"][..]));
    assert_all_judged(&rows);
    let shown = "```json\n{\"mood\": \"fine\"}\n```\n";
    let rows = [
        // What is shown is not a record that is missing.
        (
            format!("{}\n{shown}", request("http://localhost:3000/bands/me")),
            &["skipped"][..],
        ),
        (
            format!("{}\n{shown}", request("http://localhost:3000/bands/1/mood")),
            &["skipped"],
        ),
        // A collection that is missing.
        (
            request("http://localhost:3000/customers/1/orders"),
            &["fail"],
        ),
        (request("http://localhost:3000/band/1/mood"), &["fail"]),
    ];
    assert_all_judged(&rows);
}

#[test]
fn statuses_are_read_in_more_forms_of_sentences() {
    let below = |text: &str| {
        format!("{POST}\n{text}\n\n```json\n{{ \"name\": \"Cats\", \"id\": 3 }}\n```\n")
    };
    let missing =
        |text: &str| format!("{text}\n\n```bash\ncurl http://localhost:3000/bands/7\n```\n");
    let delete = |title: &str| format!("**{title}**\n{DELETE}");
    assert_all_judged(&[
        (missing("もう一度取得すると404になります。"), &["pass"][..]),
        (missing("再次获取会得到404。"), &["pass"]),
        (
            missing("これは400エラーになります:"),
            &["fail: the text documents 400"],
        ),
        (missing("## Errores"), &["pass"]),
        (missing("## Обработка ошибок"), &["pass"]),
        (
            missing("Success: 200. Error: 404."),
            &["fail: the text documents 200"],
        ),
        (
            below("You should see `201 Created` and this response:"),
            &["pass: as documented"],
        ),
        (
            below("Press Enter. You should see `200 OK` and this response:"),
            &["fail: the text documents 200"],
        ),
        (
            below("Vous devriez obtenir un code `200` et :"),
            &["fail: the text documents 200"],
        ),
        (
            delete("Remove (DELETE → 204, 404 or 409)"),
            &["fail: the text documents 204 or 404 or 409"],
        ),
        (
            delete("5. Remove (DELETE → 204, 404 or 409)"),
            &["fail: the text documents 204 or 404 or 409"],
        ),
        (delete("Remove (DELETE → 200 or 404)"), &["pass"]),
        (
            format!("{POST}\nReturns `201 Created` and `{{ \"id\": 3, \"name\": \"Dogs\" }}`.\n"),
            &["fail: name"],
        ),
        (
            "### `POST /bands`\n\n- Antwort: `201 Created` mit `{ \"status\": \"received\" }`.\n"
                .to_owned(),
            &["fail: id (3)"],
        ),
    ]);
}

#[test]
fn json_of_another_body_or_a_further_request_is_not_compared() {
    let described = |name: &str| {
        format!(
            "#### Update\n\n**Request:**\n```http\nPUT /bands/:id\nContent-Type: application/json\n\n{{\"name\": \"Cats\"}}\n```\n\n**Response:** `200 OK`\n```json\n{{\"name\": \"Cats\", \"id\": 1}}\n```\n\n**Example:**\n```bash\ncurl -X PUT http://localhost:3000/bands/1 -H 'Content-Type: application/json' -d '{{\"name\": \"{name}\"}}'\n```\n"
        )
    };
    assert_all_judged(&[
        (described("Cats"), &["skipped", "pass: as documented"][..]),
        (described("Dogs"), &["skipped", "pass"]),
        (
            "1. Get a band: `GET /bands/1`\n2. Change it with `PUT /bands/1`:\n\n```json\n{\"name\": \"Cats\", \"year\": 1999, \"label\": \"A\"}\n```\n".to_owned(),
            &["pass"],
        ),
    ]);
    assert_passing(
        "```bash\ncurl -X PATCH http://localhost:3000/bands/1 -H 'Content-Type: application/json' -d '{\"name\": \"Cats\"}'\n```\n",
        &[
            "The old value:\n\n```json\n{\"id\": 1, \"name\": \"Owls\"}\n```",
            "With PUT you would get:\n\n```json\n{\"name\": \"Cats\"}\n```",
            "修改前：\n\n```json\n{\"id\": 1, \"name\": \"Owls\"}\n```",
        ],
    );
    assert_passing(
        "```bash\ncurl http://localhost:3000/bands\n```\n",
        &[
            "Send it without a body.",
            "A GET has no body.",
            "To save space, just one band is printed here:\n\n```json\n[{\"id\": 1, \"name\": \"Owls\"}]\n```",
        ],
    );
    assert_rows(&[(
        "```bash\ncurl http://localhost:3000/songs/1\n```\n\n## Response fields\n\n| Field | Type |\n| --- | --- |\n| `title` | string |\n| `tags[]` | string |\n",
        &["pass"],
    )]);
}

#[test]
fn conditions_and_other_records_in_several_languages_are_not_about_the_request() {
    assert_passing(
        GET,
        &[
            "存在しない場合は404になります。",
            "存在しないIDを指定すると404を返します。",
            "404を返しません。",
            "第二次得到404。",
            "Avec un id inconnu, vous devriez obtenir un code 404.",
            "Essayez avec l'id 99. Vous devriez obtenir un code 404.",
            "Press Send with id 99. You should see `404 Not Found`.",
            "Now try `/bands/99`. You should see `404 Not Found`.",
            "For a missing band you get `{}`. Check for that.",
            "It does not return `{\"ok\": true}`. It returns the band.",
            "Errors return `400 Bad Request` and `{\"error\": \"name\"}`.",
        ],
    );
    let missing = "```bash\ncurl http://localhost:3000/bands/7\n```\n";
    assert_all_judged(&[
        (format!("{missing}\n404ではありません。\n"), &["fail"][..]),
        (
            format!("The server returns 400, 404 or 409 on errors; this one is a 404.\n\n{missing}"),
            &["pass"],
        ),
        (
            "```bash\ncurl -s -o /dev/null -w '%{remote_ip} %{http_version}' http://localhost:3000/bands/1\n```\n\nYou should see `127.0.0.1 1.1`.\n".to_owned(),
            &["pass"],
        ),
    ]);
}

#[test]
fn a_record_is_created_once_for_two_clients() {
    let python = "```python\nimport requests\nrequests.post('http://localhost:3000/bands', json={'name': 'Cats'})\n```\n";
    let length = |number: u8| {
        format!(
            "```bash\ncurl -s http://localhost:3000/bands | jq length\n```\n\n```\n{number}\n```\n"
        )
    };
    let shown = "```json\n{ \"name\": \"Cats\", \"id\": 3 }\n```\n";
    assert_all_judged(&[
        (
            format!(
                "{POST}\n{shown}\nOr in Python:\n\n{python}\nNow:\n\n{}",
                length(3)
            ),
            &["pass", "pass", "pass"][..],
        ),
        (
            format!(
                "{POST}\n{shown}\nOr in Python:\n\n{python}\nNow:\n\n{}",
                length(4)
            ),
            &["pass", "pass", "fail"],
        ),
    ]);
}
