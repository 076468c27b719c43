//! Mistakes that writers make, one a page: each is found, and what is right beside it is not reported.

use super::judged::{assert_all_judged, assert_rows};

/// Words about an error excuse no misspelt name.
#[test]
fn a_misspelt_name_is_not_the_error_that_the_text_speaks_of() {
    assert_rows(&[
        (
            "## Correct a wrong name\n\n```bash\ncurl -X PATCH http://localhost:3000/bnds/1 --json '{\"name\": \"Cats\"}'\n```\n",
            &["fail"],
        ),
        (
            "## Find failed songs\n\n```bash\ncurl http://localhost:3000/sogs\n```\n",
            &["fail"],
        ),
        (
            "## A missing band\n\n```bash\ncurl http://localhost:3000/bands/7\n```\n",
            &["pass"],
        ),
        (
            "## A typo in the URL\n\nAn error names the right one.\n\n```bash\ncurl http://localhost:3000/bnds\n```\n\nThe status is 404 Not Found.\n",
            &["pass"],
        ),
    ]);
}

#[test]
fn a_status_counts_by_its_number() {
    let page = |response: &str| {
        format!("```bash\ncurl http://localhost:3000/bands/7\n```\n\n{response}\n")
    };
    assert_all_judged(&[
        (
            page("Response: `400 Not Found`"),
            &["fail: the text documents 400"][..],
        ),
        (page("Response: `404 Bad Request`"), &["pass"]),
        (
            page("Response: `422 Unprocessable Content`"),
            &["fail: the text documents 422"],
        ),
        (
            page("```\nHTTP/1.1 440 Not Found\n```"),
            &["fail: the response documents 440"],
        ),
        (
            page("**Responses**\n\n- `200` - the band\n- `401` - not allowed"),
            &["fail: the text documents 200 or 401"],
        ),
        (
            page("**Responses**\n\n- `200` - the band\n- `404` - not there"),
            &["pass"],
        ),
    ]);
}

/// The heading of the next section is not the status of the example above it.
#[test]
fn the_next_heading_is_about_its_own_request() {
    assert_rows(&[(
        "## Get a band\n\n```bash\ncurl http://localhost:3000/bands/1\n```\n\n\
         ## Not found\n\n```bash\ncurl http://localhost:3000/bands/7\n```\n",
        &["pass", "pass"],
    )]);
}

#[test]
fn comments_to_the_checker_are_not_ignored() {
    let read = "```bash\ncurl http://localhost:3000/bands/7\n```\n";
    let wrong = "```json\n{\"id\": 1, \"name\": \"Hawks\"}\n```\n";
    assert_all_judged(&[
        (format!("<!-- stand-in: status=404 -->\n\n{read}"), &["fail", "error: a comment for the checker begins with"][..]),
        (format!("<!-- standin status: 404 -->\n\n{read}"), &["fail", "error: a comment for the checker is"]),
        (format!("<!-- standn: skip -->\n\n{read}"), &["fail", "error"]),
        (format!("<!-- stand-alone: a note -->\n\n{read}"), &["fail"]),
        // Between a request and its response it is for both.
        (format!("{}\n<!-- standin: any=name -->\n\n{wrong}", read.replace('7', "1")), &["pass"]),
        (format!("<!-- standin: any=name, id -->\n\n{}\n{wrong}", read.replace('7', "2")), &["pass"]),
        ("```bash\ncurl http://localhost:3000/bands --json '{\"name\": \"Cats\"}'\n```\n\n<!-- standin: save sid=.id -->\n\n```bash\ncurl http://localhost:3000/bands/{sdi}\n```\n".to_owned(),
            &["pass", "fail: `sdi` is not saved, did you mean `sid`?"]),
    ]);
}

#[test]
fn a_comment_without_a_request_is_an_error() {
    let read = "```bash\ncurl http://localhost:3000/bands/1\n```\n";
    assert_all_judged(&[
        (
            "<!-- standin: status=404 -->\n\nA band that is missing.\n".to_owned(),
            &["error: `status` is about the next request"][..],
        ),
        (
            format!("<!-- standin: status=404 -->\n\n## A missing band\n\n{read}"),
            &["skipped", "error: `status`"],
        ),
        (
            format!("{read}\n## Next\n\n<!-- standin: any=name -->\n\nText.\n"),
            &["pass", "error: `any`"],
        ),
        (
            format!("<!-- standin: save one=.id -->\n\n{read}"),
            &[
                "pass",
                "error: `save` reads the response of the request above it",
            ],
        ),
        // These are for more than one request, or for none.
        (
            format!(
                "<!-- standin: db=db.json -->\n\n# Bands\n\n<!-- standin: skip -->\n\n## Read\n\n{read}"
            ),
            &["pass"],
        ),
        (
            format!("<!-- standin: status=200 any=name -->\n\n{read}"),
            &["pass"],
        ),
    ]);
}

#[test]
fn misspelt_methods_and_cmdlets_are_found_everywhere() {
    let fix = "fail: `DELTE` is not a method, did you mean `DELETE`?";
    assert_rows(&[
        (
            "| Method | URL | Result |\n| --- | --- | --- |\n| DELTE | `http://localhost:3000/bands/1` | 200 |\n",
            &[fix],
        ),
        ("DELTE http://localhost:3000/bands/1\n", &[fix]),
        ("```http\nDELTE {{host}}/bands/1\n```\n", &[fix]),
        (
            "```powershell\nInvoke-RestMehtod http://localhost:3000/bands/1\n```\n",
            &["fail: `Invoke-RestMehtod` is not a command"],
        ),
        (
            "```powershell\ninvoke-restmethod http://localhost:3000/bands/1\n```\n",
            &["pass"],
        ),
        (
            "wget -qO- 'http://localhost:3000/bands/1\n",
            &["fail: this quote is never closed"],
        ),
    ]);
}

#[test]
fn json_that_cannot_be_read_is_found_without_a_fence() {
    let page = |shown: &str| {
        format!("curl http://localhost:3000/bands/1\n\nResponse:\n\n{shown}\n\nFurther text.\n")
    };
    assert_all_judged(&[
        (
            page("{\n\"id\": 1,\n\"name\": ]\n}"),
            &["fail: the documented response is not JSON"][..],
        ),
        (
            page("{\n\"id\": 1,\n\"name\": \"Owls\""),
            &["fail: this `{` is never closed"],
        ),
        (page("{\nid: 1,\nname: \"Hawks\"\n}"), &["fail"]),
        (page("{\n\"id\": 1,\n\"name\": \"Owls\"\n}"), &["pass"]),
    ]);
}

#[test]
fn responses_are_found_and_read() {
    let read = "```bash\ncurl http://localhost:3000/bands/1\n```\n\n";
    assert_all_judged(&[
        (
            format!(
                "## Request\n\n{read}## Respones\n\n```json\n{{\"id\": 1, \"name\": \"Hawks\"}}\n```\n"
            ),
            &["fail"][..],
        ),
        (
            format!("{read}```json\n{{\"id\": 1, \"name\": \"Hawks\", \"name\": \"Owls\"}}\n```\n"),
            &["fail: the documented response is not JSON: duplicate key `name`"],
        ),
        (
            format!("{read}```json\n{{\"id\": 1\n \"name\": \"Owls\"}}\n```\n"),
            &["fail: a comma is missing"],
        ),
        (
            format!("{read}```json\n{{\"id\": 1, \"name\": \"Owls\"\n```\n"),
            &["fail: this `{` is never closed"],
        ),
        // What another server receives is not the response.
        (
            format!(
                "{read}Your server then receives:\n\n```json\n{{\"id\": 1, \"name\": \"Hawks\"}}\n```\n"
            ),
            &["pass"],
        ),
        // Which of the two it belongs to is not clear.
        (
            "=== \"curl\"\n\n    ```bash\n    curl http://localhost:3000/bands/1\n    ```\n\n=== \"HTTPie\"\n\n    ```bash\n    http :3000/bands/2\n    ```\n\nResponse:\n\n```json\n{\"id\": 1, \"name\": \"Owls\"}\n```\n".to_string(),
            &[
                "pass",
                "pass: the status is as documented; the body was not compared",
            ],
        ),
    ]);
}

#[test]
fn misspelt_clients_and_messages_are_found() {
    assert_rows(&[
        (
            "```bash\nhttps localhost:3000/bands/1\n```\n",
            &["fail: the URL is https"],
        ),
        (
            "```bash\nhtpp GET http://localhost:3000/bands/1\n```\n",
            &["`htpp` is not a command, did you mean `http`?"],
        ),
        (
            "```bash\nwgte http://localhost:3000/bands/1\n```\n",
            &["`wgte` is not a command, did you mean `wget`?"],
        ),
        (
            "```bash\nhttp GETT :3000/bands/1\n```\n",
            &["`GETT` is not a method"],
        ),
        (
            "```http\nGET bands/1 HTTP/1.1\n```\n",
            &["fail: the path does not begin with `/`"],
        ),
        (
            "```http\nGET /bands/1 HTPP/1.1\n```\n",
            &["fail: the version is not"],
        ),
        (
            "```http\nGET/bands/1 HTTP/1.1\n```\n",
            &["fail: a space is missing after the method"],
        ),
        (
            "```http\nPOST /bands HTTP/1.1\nContent-Tpye: application/json\n\n{\"name\": \"Cats\"}\n```\n",
            &["the request has no Content-Type"],
        ),
        (
            "```bash\ncurl -x POST http://localhost:3000/bands\n```\n",
            &["fail: `-x` names a proxy"],
        ),
        (
            "```bash\ncurl http:\\\\localhost:3000/bands\n```\n",
            &["fail: `http:"],
        ),
        (
            "```bash\ncurl localhost/3000/bands\n```\n",
            &["fail: GET usually returns 200"],
        ),
        (
            "```http\n@host = http://localhost:3000\n\n### One\nGET {{hots}}/bands/1\n```\n",
            &["fail: no line sets `hots`, did you mean `host`?"],
        ),
    ]);
}

/// One cause, and the one that helps.
#[test]
fn causes_name_what_to_change() {
    assert_rows(&[
        (
            "```bash\ncurl -X PUT http://localhost:3000/bands/1 --json '{\"city\": \"Bonn\"}'\n```\n\n```json\n{\"id\": 1, \"name\": \"Owls\", \"city\": \"Bonn\"}\n```\n",
            &["PUT replaces the whole record"],
        ),
        (
            "```bash\ncurl http://localhost:3000/bands/3\n```\n\n```bash\ncurl http://localhost:3000/bands --json '{\"name\": \"Cats\"}'\n```\n",
            &[
                "the POST on line 6, further down, creates this record",
                "pass",
            ],
        ),
        (
            "```bash\ncurl http://localhost:3000:/bands/1\n```\n",
            &["fail: unexpected colon after `localhost:3000`"],
        ),
        (
            "```bash\ncurl -X PSOT http://localhost:3000/bands/1\n```\n",
            &["fail: the server returns 501"],
        ),
    ]);
}

/// What another version or another server answers is not wrong.
#[test]
fn other_versions_and_servers_are_not_reported() {
    let get = "```bash\ncurl http://localhost:3000/bands/1\n```\n\n";
    let old = "```json\n{\"id\": 1, \"title\": \"Owls\"}\n```\n\n";
    let now = "```json\n{\"id\": 1, \"name\": \"Owls\"}\n```\n\n";
    for (before, after) in [
        ("Before (1.x)", "After (2.x)"),
        ("Version 1", "Version 2"),
        ("v1", "v2"),
        ("Old behaviour", "New behaviour"),
        ("Vorher", "Nachher"),
        ("❌ Wrong", "Right"),
    ] {
        let page = format!("### {before}\n\n{get}{old}### {after}\n\n{get}{now}");
        let expected = &[
            "the heading or label above it refers to another version",
            "pass: as documented",
        ];
        assert_all_judged(&[(page, expected)]);
    }
    // One version alone is that of the page.
    assert_all_judged(&[(format!("### v1\n\n{get}{old}"), &["fail"])]);
    for words in [
        "In 1.x:",
        "Don't expect this:",
        "The Rails backend returned:",
        "Earlier versions answered with",
    ] {
        assert_all_judged(&[(
            format!("`GET /bands/1` changed. {words}\n\n{old}Now:\n\n{now}"),
            &[],
        )]);
    }
    // The reader builds that server.
    assert_all_judged(&[(
        format!("{get}Your server should return:\n\n{old}"),
        &["fail"],
    )]);
    let add = "```bash\ncurl http://localhost:3000/bands --json '{\"name\": \"Cats\"}'\n```\n\n";
    let added = |id| format!("```json\n{{\"name\": \"Cats\", \"id\": {id}}}\n```\n\n");
    let hook = "Your endpoint must answer with `200 OK`:\n\n```json\n{\"received\": true}\n```\n";
    let remove = "```bash\ncurl -X DELETE http://localhost:3000/bands/2\n```\n\n```json\n{}\n```\n";
    assert_all_judged(&[
        (format!("{add}{}{hook}", added(3)), &["pass: as documented"][..]),
        (format!("{add}{}{hook}", added(4)), &["fail: id"]),
        (format!("Note that deleting it twice gives a 404:\n\n{remove}"), &["pass"]),
        (format!("Unlike the old API, which returned 204:\n\n{remove}"), &["pass"]),
        ("| Old | New |\n|---|---|\n| `GET /band/1` | `GET /bands/1` |\n| `GET /sogs` | `GET /songs` |\n".to_owned(), &[]),
        (
            "A field that does not exist gives an empty list:\n\n```bash\ncurl 'http://localhost:3000/bands?nme=Owls'\n```\n\n```json\n[]\n```\n".to_owned(),
            &["pass"],
        ),
    ]);
}

/// After a deletion in a session or a step, the record is gone.
#[test]
fn what_is_read_after_a_deletion_is_gone() {
    assert_rows(&[
        (
            "```console\n$ curl -X DELETE localhost:3000/bands/1\n{}\n$ curl localhost:3000/bands/1\n{\"id\": 1, \"name\": \"Owls\"}\n```\n",
            &["pass", "fail"],
        ),
        (
            "```console\n$ curl -X DELETE localhost:3000/bands/1\n{}\n$ curl localhost:3000/bands\n[{\"id\": 2, \"name\": \"Foxes\"}]\n```\n",
            &["pass", "pass"],
        ),
        (
            "## Step 1: Delete\n\n```bash\ncurl -X DELETE localhost:3000/bands/1\n```\n\n## Step 2: Look\n\n```bash\ncurl localhost:3000/bands/1\n```\n\n```json\n{\"id\": 1, \"name\": \"Owls\"}\n```\n",
            &["pass", "fail"],
        ),
    ]);
}
