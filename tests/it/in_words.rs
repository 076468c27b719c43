//! Pages that describe responses in prose, or next to the request, instead of in blocks.

use super::judged::assert_all_judged;

const CREATE: &str = "```bash\ncurl http://localhost:3000/songs --json '{\"bandId\": 1}'\n```\n\n";

#[test]
fn what_the_page_says_to_fail_may_fail() {
    let below = |text: &str| format!("{CREATE}{text}\n");
    let above = |text: &str| format!("{text}\n\n{CREATE}");
    let rows = [
        (
            below("You will get an error that names the title."),
            &["pass"][..],
        ),
        (below("Erro: `title` é obrigatório!"), &["pass"]),
        (below("Fehler: Der Titel fehlt."), &["pass"]),
        (
            below("Le serveur renvoie une erreur de validation."),
            &["pass"],
        ),
        (below("El servidor rechaza la petición."), &["pass"]),
        (below("会返回错误。"), &["pass"]),
        (above("### Missing title"), &["pass"]),
        (above("### 2. Dados inválidos"), &["pass"]),
        (above("Without a title this is rejected:"), &["pass"]),
        (
            CREATE.replace("bash\n", "bash\n# missing title\n"),
            &["pass"],
        ),
        (below("> Le champ `title` est obligatoire."), &["pass"]),
        (below("Note that the `title` must be there."), &["pass"]),
        (below("Ohne Titel lehnt der Server das ab."), &["pass"]),
        (above("### Der Titel fehlt"), &["pass"]),
        // What may happen, or does not, or is about another property.
        (below("Note that the `name` must be there."), &["fail"]),
        (below("Errors are returned as JSON."), &["fail"]),
        (
            below("The new song is there. Check the log for errors."),
            &["fail"],
        ),
        (below("It fails if the title is missing."), &["fail"]),
        (below("There should be no error."), &["fail"]),
        (below("Hier kommt kein Fehler."), &["fail"]),
        (below("The song is there."), &["fail"]),
        (above("### Create a song"), &["fail"]),
        (above("## Missing title\n\n## Create a song"), &["fail"]),
        // Another status is meant.
        (
            above("Without a title the server answers with an error 422:"),
            &["fail"],
        ),
        (
            below("You get an error:\n\n```\nHTTP/1.1 422 Unprocessable\n```"),
            &["fail"],
        ),
        // It is about the last request of a block, and about none in the next section.
        (
            below("You will get an error.")
                .replace("\n```", "\ncurl http://localhost:3000/nothing\n```"),
            &["fail", "pass"],
        ),
        (below("## Others\n\nYou will get an error."), &["fail"]),
    ];
    assert_all_judged(&rows.map(|(page, verdicts)| (page, verdicts)));
}

/// Some pages put a prompt in front of the response.
#[test]
fn a_status_line_behind_a_prompt() {
    let page = |status: &str, name: &str| {
        format!(
            "This is an error:\n\n```sh\n$ curl -i http://localhost:3000/bands/1\n\n> HTTP/1.1 {status}\n\n{{\"id\": 1, \"name\": \"{name}\"}}\n```\n"
        )
    };
    assert_all_judged(&[
        (page("200 OK", "Owls"), &["pass: as documented"]),
        (page("200 OK", "Cats"), &["fail"]),
        (page("404 Not Found", "Owls"), &["fail"]),
    ]);
}

/// Endpoints in bold start their own sections.
#[test]
fn text_below_the_next_endpoint_is_about_that() {
    let page = r#"## Routes

**GET - /songs**

All songs. Will return `200` on success.

```sh
http :3000/songs
```

**GET - /songs/titles**

The titles.

```sh
http :3000/songs/titles
```

**GET - /songs/:id**

One song. Will return `404` if not found and `200` on success.

```sh
http :3000/songs/1
```

**DELETE - /songs/:id**

Takes a song away. Returns `404 Not Found` if there is none and `204` on success.

```sh
http DELETE :3000/songs/1
```

**DELETE - /bands/:id**

Returns `200` on success, `404` otherwise.

```sh
http DELETE :3000/bands/1
```
"#;
    let verdicts = &["pass", "`/songs/titles` is a route", "pass", "fail", "pass"][..];
    assert_all_judged(&[(page.to_owned(), verdicts)]);
}

#[test]
fn the_output_of_a_command_on_the_line_of_its_label() {
    let block = |label: &str, shown: &str| {
        format!("```\ncurl http://localhost:3000/bands/1\n{label}{shown}\n```\n")
    };
    let right = r#"{"id": 1, "name": "Owls"}"#;
    let wrong = r#"{"id": 1, "name": "Cats"}"#;
    for label in [
        "Expected Result -> ",
        "Returns ",
        "Expected:\n",
        "=> ",
        "// Output: ",
        "Expected Output: ",
        "Response: ",
        "Antwort: ",
        "返回：",
        "Expected: ",
        "Result => ",
    ] {
        let label = label.replace(" =>", ": =>");
        assert_all_judged(&[
            (block(&label, right), &["pass: as documented"]),
            (block(&label, wrong), &["fail"]),
            (block(&label, "404 Not Found"), &["fail"]),
        ]);
    }
    for label in ["> ", ">> "] {
        assert_all_judged(&[
            (block(label, right), &["pass: as documented"]),
            (block(label, wrong), &["fail"]),
        ]);
    }
    let behind = |shown: &str| block("", "").replace("/1\n", &format!("/1  # {shown}\n"));
    assert_all_judged(&[
        (behind(right), &["pass: as documented"]),
        (behind(wrong), &["fail"]),
        (behind("[one band]"), &["pass: the status"]),
        (block("Response: ", "[one band]"), &["pass: the status"]),
        (block("Returns ", "[one band]"), &["pass: the status"]),
        (block("Result: ", "{band}"), &["pass: the status"]),
        (block("Returns ", "200 bands"), &["pass: the status"]),
        (block("Expect ", "404"), &["fail"]),
    ]);
    let message = format!("```http\nGET http://localhost:3000/bands/1\nResponse: {wrong}\n```\n");
    assert_all_judged(&[(message, &["fail"])]);
}

#[test]
fn the_output_of_a_command_without_a_block() {
    let rows = [
        "# => {SHOWN}",
        "# {SHOWN}",
        "# Expected: {SHOWN}",
        "// => {SHOWN}",
        "=> {SHOWN}",
        "→ {SHOWN}",
    ];
    for row in rows {
        let page = |shown: &str| {
            let shown = row.replace("{SHOWN}", shown);
            format!(
                "Try it\n\ncurl -X POST http://localhost:3000/bands \\\n  --json '{{\"name\": \"Bats\"}}'\n{shown}\n\ncurl http://localhost:3000/bands/1\n"
            )
        };
        assert_all_judged(&[
            (
                page(r#"{"id": 3, "name": "Bats"}"#),
                &["pass: as documented", "pass"],
            ),
            (page(r#"{"id": 3, "name": "Cats"}"#), &["fail", "pass"]),
        ]);
    }
    let headings = "curl http://localhost:3000/bands/1\n\n# Bands\n\n# => and so on\n";
    assert_all_judged(&[(headings.to_owned(), &["pass"])]);
}

/// A transcript of `curl -v` that Markdown takes for quotations and lists.
#[test]
fn a_transcript_in_a_list() {
    let step = |status: u16, shown: &str| {
        format!(
            "1) add a band\n\n\t> curl -v localhost:3000/bands --json '{{\"name\": \"Bats\"}}'\n\n\t* Connected to localhost\n\t> POST /bands HTTP/1.1\n\t> Host: localhost:3000\n\t>\n\t* upload completely sent off: 16 out of 16 bytes\n\t< HTTP/1.1 {status}\n\t< Location: /bands/3\n\t<\n\t{shown}\n\n* so it is there\n"
        )
    };
    let right = r#"{"name": "Bats", "id": 3}"#;
    assert_all_judged(&[
        (step(201, right), &["pass: as documented", "skipped"]),
        (step(200, right), &["fail", "skipped"]),
        (step(409, ""), &["fail", "skipped"]),
        (step(201, ""), &["pass", "skipped"]),
        (
            step(201, &right.replace("Bats", "Cats")),
            &["fail", "skipped"],
        ),
    ]);
}

/// Endpoints with their data and the status that is the response.
#[test]
fn a_status_that_is_called_the_response() {
    let write = |path: &str, body: &str, response: &str| {
        format!("### Écrire\n\n{path}\n\n```\n{body}\n```\n{response}\n\n---\n")
    };
    let song = "{\n  title: \"New\",\n  bandId: 1\n}";
    let rows = [
        (
            write(
                "**POST** `/songs`",
                r#"{"title": "New"}"#,
                "Réponse attendue : `201 Created`",
            ),
            &["pass"][..],
        ),
        (
            write(
                "**POST** `/songs`",
                r#"{"title": "New"}"#,
                "Expected response: `200 OK`",
            ),
            &["fail"],
        ),
        (
            write(
                "**PUT** `/songs/99`",
                r#"{"title": "New"}"#,
                "Respuesta esperada: `404 Not Found`",
            ),
            &["pass"],
        ),
        (
            write(
                "**POST** `/songs`",
                r#"{"bandId": 1}"#,
                "Antwort: 400 Bad Request",
            ),
            &["pass"],
        ),
        (
            write(
                "`POST /songs`  \nAdds a song.  \nData example:",
                song,
                "Success response: 201 Created  \nError response: 400 Bad Request",
            ),
            &["pass"],
        ),
        (
            write(
                "`POST /songs`  \nAdds a song.  \nData example:",
                song,
                "Success response: 200 OK  \nError response: 400 Bad Request - no title",
            ),
            &["fail"],
        ),
        (
            "### Lister\n**GET** `/songs`\n\nRéponse attendue : `200 OK`\n".to_owned(),
            &["pass"],
        ),
        (
            "### Un\n**GET** `/songs/99`\n\nRéponse attendue : `200 OK`\n".to_owned(),
            &["fail"],
        ),
        (
            "### Un\n**GET** `/songs/9`\n\n> Il n'y en a pas.\n\nResponse: `404 Not Found`\n"
                .to_owned(),
            &["pass"],
        ),
        (
            "### Un\n**DELETE** `/songs/1`\n\nResponse: `204 No Content`\n".to_owned(),
            &["fail"],
        ),
        (
            "### Un\n**DELETE** `/songs/1`\n\nStatus attendu : `204`\n".to_owned(),
            &["fail"],
        ),
        (
            "### Un\n\n- **GET** `/songs/9` → 404\n- `GET /songs/1` => 404 Not Found\n- `DELETE /songs/2` - 204 No Content\n- `GET /songs/2` (200)\n- `GET /songs/:id` → 404\n".to_owned(),
            &["pass", "fail", "fail", "pass"],
        ),
        (
            "### Un\n**GET** `/songs/:id`\n\nResponse: `200 OK`\n".to_owned(),
            &[],
        ),
    ];
    assert_all_judged(&rows.map(|(page, verdicts)| (page, verdicts)));
}

#[test]
fn queries_in_a_list_of_endpoints() {
    let page = r#"## Endpoints

- `GET /songs`: All songs
- `GET /songs/:id`: One song
- `GET /songs?title=:title`: By title

### Queries

- `GET /songs?_page=1&_limit=1` (First page)
- `GET /songs?_page=2&_limit=1`
- `GET /songs?_sort=title&_order=desc` (By title)
- `GET /songs?_sort=FIELD` (By a field)
- `GET /songs?q=keyword` (By a word)
- `GET /song?q=blue` (By text)
- **GET** `/songs?titel=Blue`: a misspelt name
- `GET /things?a=1` - other things
"#;
    let verdicts = &["pass", "pass", "pass", "pass", "fail", "fail", "skipped"][..];
    assert_all_judged(&[(page.to_owned(), verdicts)]);
}

#[test]
fn headers_of_lists_are_compared() {
    let page = |header: &str| {
        format!(
            "```console\n$ curl -i 'http://localhost:3000/bands?_page=1&_limit=1'\nHTTP/1.1 200 OK\nDate: today\n{header}\n\n[{{\"id\": 1, \"name\": \"Owls\"}}]\n```\n"
        )
    };
    let whole = |header: &str| {
        page(header)
            .replace("?_page=1&_limit=1", "/1")
            .replace(['[', ']'], "")
    };
    let rows = [
        (page("X-Total-Count: 2"), &["pass"][..]),
        (
            page("x-total-count: 3"),
            &["fail: the server sends `X-Total-Count: 2`"],
        ),
        (page("X-Total-Count: <number>"), &["pass"]),
        (
            page("Link: <https://api.example.com/v1/bands?_limit=1&_page=2>; rel=\"next\""),
            &["pass"],
        ),
        (page("Cache-Control: no-store\nETag: \"1\""), &["pass"]),
        (
            whole("X-Total-Count: 1"),
            &["fail: the server sends no header `X-Total-Count`"],
        ),
        (
            whole("Link: </bands?_page=2>; rel=next"),
            &["fail: the server sends no header `Link`"],
        ),
        (whole("Link: </docs>; rel=\"describedby\""), &["pass"]),
    ];
    assert_all_judged(&rows.map(|(page, verdicts)| (page, verdicts)));
}

#[test]
fn a_documented_content_type_is_compared() {
    let song = r#"{"id": 1, "title": "Blue", "bandId": 1, "addedAt": "2024-01-05T10:00:00Z"}"#;
    let page = |kind: &str| {
        format!(
            "```bash\ncurl -i http://localhost:3000/songs/1\n```\n\n```http\nHTTP/1.1 200 OK\nContent-Type: {kind}\n\n{song}\n```\n"
        )
    };
    let rows = [
        (page("application/json"), &["pass"][..]),
        (page("application/json; charset=utf-8"), &["pass"]),
        (page("Application/JSON;charset=UTF-8"), &["pass"]),
        (page("application/vnd.music+json"), &["fail"]),
        (page("text/html; charset=utf-8"), &["fail"]),
        // The next request and its response, in the same block.
        (
            page("application/json").replace(
                "}\n```",
                "}\n\nGET /songs/9 HTTP/1.1\n\nHTTP/1.1 404 Not Found\nContent-Type: application/problem+json\n```",
            ),
            &["pass"],
        ),
        // What the client sends says nothing about the response.
        (
            page("application/json").replace(
                "HTTP/1.1 200",
                "> Content-Type: text/plain\n>\n< HTTP/1.1 200",
            ),
            &["pass"],
        ),
    ];
    assert_all_judged(&rows);
}

#[test]
fn a_comment_alone_stands_for_the_members() {
    let page = |path: &str, body: &str| {
        format!("```http\nGET /{path}\n```\n\n**Response:**\n\n```json\n{body}\n```\n")
    };
    let rows = [
        (
            page("songs", "[\n  { /* a song */ },\n  ...\n]"),
            &["pass"][..],
        ),
        (page("songs/1", "{ /* the song */ }"), &["pass"]),
        (page("songs/1", "{\n  // the song\n}"), &["pass"]),
        (page("songs/1", "{ }"), &["fail"]),
    ];
    assert_all_judged(&rows);
}

#[test]
fn a_port_of_another_server_is_named_without_a_host() {
    let page = "```bash\nhttp GET :3000/songs\n```\n\n```bash\nhttp GET :3000/bands\n```\n\n```bash\nhttp POST :8080/token grant=password\n```\n";
    assert_all_judged(&[(page.to_owned(), &["pass", "pass", "goes to port 8080"])]);
}

/// HTTPie nests fields by brackets.
#[test]
fn fields_of_httpie_are_nested() {
    let page = |shown: &str| {
        format!(
            "```bash\nhttp POST :3000/bands name=x tags[a]=1 tags[b]:=2 list[]=c list[1]=d in[0][a]=b\n```\n\n```json\n{shown}\n```\n"
        )
    };
    assert_all_judged(&[
        (
            page(r#"{"name": "x", "tags": {"a": "1", "b": 2}, "list": ["c", "d"], "in": [{"a": "b"}], "id": 3}"#),
            &["pass"][..],
        ),
        (
            page(r#"{"name": "x", "tags": {"a": 1, "b": 2}, "list": ["c", "d"], "in": [{"a": "b"}], "id": 3}"#),
            &["fail: tags.a"],
        ),
        (
            "```bash\nhttp PATCH :3000/bands/1 members:=number\n```\n".to_owned(),
            &["skipped"],
        ),
        // Windows PowerShell passes `\"` on as a quote.
        (
            "```bash\ncurl.exe -X POST http://localhost:3000/bands `\n  -H 'Content-Type: application/json' `\n  -d '{\\\"name\\\": \\\"x\\\"}'\n```\n".to_owned(),
            &["pass"],
        ),
    ]);
}

#[test]
fn several_commands_print_into_one_block() {
    let page = |second: &str| {
        format!(
            "```bash\ncurl -s http://localhost:3000/bands/1 && echo && curl -s http://localhost:3000/bands/2\n```\n\n\
             ```\n{{\"id\":1,\"name\":\"Owls\"}}\n{{\"id\":2,\"name\":\"{second}\"}}\n```\n"
        )
    };
    assert_all_judged(&[
        (page("Foxes"), &["pass", "pass"][..]),
        (page("Cats"), &["pass", "fail: name"]),
    ]);
}

#[test]
fn a_write_stands_in_a_line_with_its_body_and_status() {
    let band = "{\"name\": \"Cats\"}";
    assert_all_judged(&[
        (format!("`PUT /bands/9` with `{band}` → `404`\n"), &["pass"][..]),
        (format!("`PUT /bands/9` with `{band}` → 200 OK\n"), &["fail"]),
        (
            format!("- `PUT /bands/9` with `{band}` → 404\n- `GET /bands/9` → 200\n- POST /bands with {band} returns 200\n"),
            &["pass", "fail", "fail"],
        ),
        ("- **Create**: `POST /bands` → 202 Created\n".to_owned(), &["fail: the text documents 202"]),
        (
            "`GET /bands/9` returns 200.\n\n`DELETE /bands/1` deletes the band and returns `204 No Content`.\n\n```bash\ncurl http://localhost:3000/bands/1\n```\n".to_owned(),
            &["fail: the text documents 200", "fail: the text documents 204", "pass"],
        ),
        // The sentence is about the command.
        (
            "`GET /bands/1` returns 200.\n\n```bash\ncurl http://localhost:3000/bands/1\n```\n".to_owned(),
            &["pass"],
        ),
        (
            "**PUT** `/bands/9`\n```json\n{\"id\": 9, \"name\": \"Cats\"}\n```\nExpected response: `404 Not Found` or `500`\n".to_owned(),
            &["pass"],
        ),
        (
            "### All bands\n\nSend a GET request to `/bands`.\n\n#### Response\n\n```json\n[{\"id\": 7}]\n```\n".to_owned(),
            &["fail"],
        ),
    ]);
}

#[test]
fn words_are_compared_wherever_they_are_called_the_response() {
    let delete = "```bash\nDELETE http://localhost:3000/bands/1\n";
    assert_all_judged(&[
        (format!("{delete}\n# Response: \"Deleted: Owls\"\n```\n"), &["fail: the body: documented a string"][..]),
        (
            format!("{delete}```\n\nAnd the response I got was:\n\n```json\nThis action removes a #1 band\n```\n"),
            &["fail: the page shows the text"],
        ),
        (format!("{delete}```\n\nExpected print: status `204 No Content` when it is gone.\n"), &["fail: the text documents 204"]),
        (
            "```js\nfetch(\"http://localhost:3000/bands/1\").then(r => r.json()).then(console.log);\n```\n\nJSON:\n\n```json\n{\"id\": 1, \"name\": \"Cats\"}\n```\n".to_owned(),
            &["fail: name"],
        ),
    ]);
}

#[test]
fn a_status_that_a_program_asserts_is_documented() {
    let python = |assert: &str| {
        format!("```python\nr = requests.get(\"http://localhost:3000/bands/1\")\n{assert}\n```\n")
    };
    let js = |expect: &str| {
        format!(
            "```js\nconst res = await fetch(\"http://localhost:3000/bands/1\");\n{expect}\n```\n"
        )
    };
    let wrong = "\nResponse:\n\n```json\n{\"id\": 1, \"name\": \"Cats\"}\n```\n";
    assert_all_judged(&[
        (
            python("assert r.status_code == 404"),
            &["fail: the response documents 404"][..],
        ),
        (python("assert r.status_code == 200"), &["pass"]),
        (python("assert r.status_code != 404"), &["pass"]),
        (python("assert r.status_code in (404, 200)"), &["pass"]),
        (
            python("assert r.status_code == 200") + wrong,
            &["fail: name"],
        ),
        (
            js("expect(res.status).toBe(404);"),
            &["fail: the response documents 404"],
        ),
        (js("expect(res.status).not.toBe(404);"), &["pass"]),
    ]);
}

#[test]
fn sample_values_and_named_members_are_not_compared_exactly() {
    let song = |above: &str, shown: &str| {
        format!(
            "{above}\n\n```bash\ncurl http://localhost:3000/songs/1\n```\n\n```json\n{shown}\n```\n"
        )
    };
    let model = r#"{ "id": 0, "title": "string", "bandId": 0, "addedAt": "2019-08-24T14:15:22Z" }"#;
    assert_all_judged(&[
        (song("", model), &["pass"][..]),
        (song("", &model.replace("\"bandId\": 0", "\"bandId\": \"string\"")), &["fail: bandId"]),
        (song("", &model.replace("string", "Blue")), &["fail: id: documented 0"]),
        (song("", &format!("[{model}]")), &["fail"]),
        (
            "```bash\ncurl http://localhost:3000/bands\n```\n\n```json\n[{ \"id\": 0, \"name\": \"string\" }]\n```\n".to_owned(),
            &["pass"],
        ),
        (song("Only the `title` of the response matters here:", r#"{ "title": "Blue" }"#), &["pass"]),
        (song("Only the `title` of the response matters here:", r#"{ "title": "Red" }"#), &["fail: title"]),
    ]);
}

#[test]
fn a_missing_content_type_is_not_excused_by_errors_of_another_kind() {
    let post = |text: &str| {
        format!("{text}\n\n```bash\ncurl localhost:3000/bands -d '{{\"name\": \"Cats\"}}'\n```\n")
    };
    assert_all_judged(&[
        (
            post("Both need a `name`; omitting it is a `400`."),
            &["fail: POST usually returns 201"][..],
        ),
        (
            post("Without the Content-Type, curl sends a form, which is a `400`:"),
            &["pass"],
        ),
    ]);
}

#[test]
fn a_title_with_an_arrow_documents_the_status() {
    let delete = |title: &str| {
        format!("{title}\n\n```bash\ncurl -X DELETE http://localhost:3000/bands/1\n```\n")
    };
    assert_all_judged(&[
        (
            delete("**Delete a real one → 204**"),
            &["fail: the text documents 204"][..],
        ),
        (
            delete("Delete a real one -> 204 No Content"),
            &["fail: the text documents 204"],
        ),
        (delete("**Delete a real one → 200**"), &["pass"]),
    ]);
}

/// The prompt of a session is what is before its first command, and `curl` leaves it behind a body.
#[test]
fn any_prompt_ends_the_output_above_it() {
    let prompts = [
        "[ada@pc api]$ ",
        "λ ",
        "❯ ",
        "~ % ",
        "~/api$ ",
        "➜  api ",
        "➜  api git:(main) ✗ ",
        "bash-5.1$ ",
        "(venv) $ ",
        "/ # ",
        "PS C:\\api> ",
        "C:\\Users\\Ada B>",
        "MacBook-Pro:api ada$ ",
        "ada@mac api % ",
    ];
    let owls = "{\"id\": 1, \"name\": \"Owls\"}";
    let page = |prompt: &str, end: &str, name: &str| {
        let foxes = format!("{{\"id\": 2, \"name\": \"{name}\"}}");
        format!(
            "```\n{prompt}curl http://localhost:3000/bands/1\n{owls}{end}{prompt}curl http://localhost:3000/bands/2\n{foxes}{end}{prompt}\n```\n"
        )
    };
    for prompt in prompts {
        assert_all_judged(&[
            (
                page(prompt, "\n", "Foxes"),
                &["pass: as documented", "pass: as documented"][..],
            ),
            (
                page(prompt, "", "Foxes"),
                &["pass: as documented", "pass: as documented"],
            ),
            (
                page(prompt, "", "Cats"),
                &["pass: as documented", "fail: name"],
            ),
        ]);
    }
    let windows = format!(
        "C:\\Users\\Ada É>curl -i http://localhost:3000/bands/1\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n{}\n",
        owls.replace("Owls", "Cats")
    );
    assert_all_judged(&[(windows, &["fail: name"][..])]);
}

#[test]
fn the_progress_meter_of_curl_is_not_output() {
    let page = |filter: &str, output: &str| {
        format!(
            "```\n$ curl http://localhost:3000/bands/1 | jq {filter}\n  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   Spent    Left  Speed\n\
             100    62  100    62    0     0  12345      0 --:--:-- --:--:-- --:--:-- 12345\n{output}\n```\n"
        )
    };
    assert_all_judged(&[
        (page(".name", "\"Owls\""), &["pass"][..]),
        (page(".name", "\"Cats\""), &["fail"]),
        (
            page(".", "{\n  \"id\": 1,\n  \"name\": \"Cats\"\n}"),
            &["fail"],
        ),
    ]);
}

#[test]
fn what_the_text_says_of_other_requests_is_not_about_this_one() {
    let read = "```bash\ncurl http://localhost:3000/bands/1\n```\n";
    let rows = [
        (
            "Try `GET /bands/99`: the server answers 404.\n\n",
            &["pass"][..],
        ),
        ("We no longer get a 404:\n\n", &["pass"]),
        ("`GET /bands/1` returns 404:\n\n", &["fail"]),
        ("`GET /bands/:id` returns 404:\n\n", &["fail"]),
        ("This returns an empty list:\n\n", &["pass"]),
    ];
    assert_all_judged(&rows.map(|(text, expected)| (format!("{text}{read}"), expected)));
    let list = read.replace("/1", "?name=Owls");
    assert_all_judged(&[
        (
            format!("This returns an empty list:\n\n{list}"),
            &["fail: the text says that the list is empty"][..],
        ),
        (
            format!("{list}\nThe result is an empty array.\n"),
            &["fail"],
        ),
        (
            format!("{list}\nIf nothing fits, the server returns an empty array.\n"),
            &["pass"],
        ),
    ]);
}

#[test]
fn steps_are_in_sequence() {
    let delete = "```bash\ncurl -X DELETE http://localhost:3000/bands/2\n```\n\n";
    let list = "```bash\ncurl http://localhost:3000/bands\n```\n\n```json\n[{\"id\": 1, \"name\": \"Owls\"}, {\"id\": 2, \"name\": \"Foxes\"}]\n```\n";
    assert_all_judged(&[
        (
            format!("Step 1: Delete it:\n\n{delete}**Step 2:** List them:\n\n{list}"),
            &["pass", "fail"][..],
        ),
        (
            format!("Delete it:\n\n{delete}Now list the bands:\n\n{list}"),
            &["pass", "fail"],
        ),
        (
            format!("Delete it:\n\n{delete}List the bands:\n\n{list}"),
            &["pass", "pass"],
        ),
        (
            format!("## Delete\n\n{delete}## List\n\nNow list the bands:\n\n{list}"),
            &["pass", "pass"],
        ),
    ]);
    let put = "```bash\ncurl -X PUT http://localhost:3000/songs/1 --json '{\"title\": \"Blue\"}'\n```\n\n";
    let wrong = "```json\n{\"id\": 1, \"title\": \"Blue\", \"price\": 12}\n```\n";
    assert_all_judged(&[
        (format!("{put}The updated song:\n\n{wrong}"), &["fail"][..]),
        (
            format!("{put}The record now looks like this:\n\n{wrong}"),
            &["fail"],
        ),
    ]);
}

#[test]
fn a_response_of_a_line_and_a_labelled_body_are_read() {
    let read = |path: &str| format!("```\nGET {path}\n```\n\nResponse:\n\n");
    let placeholders =
        "```bash\ncurl http://localhost:3000/songs --json '{\"title\":THE_TITLE}'\n```\n";
    assert_all_judged(&[
        (read("/bands/99") + "```\n404 - Band 99 not found\n```\n", &["pass"][..]),
        (read("/bands/1") + "```\n404 - Band 1 not found\n```\n", &["fail: the response documents 404"]),
        (read("/bands/1") + "```\n200 OK\nContent-Type: application/json\nBody: {\"name\": \"Cats\"}\n```\n", &["fail"]),
        (
            "```\nGET /bands/1\n```\n\nIf the id does not exist:\n\n```\n404 Not Found\n```\n".to_owned(),
            &["pass"],
        ),
        (
            "```\nGET /bands/9\n```\n\nNesse caso, a resposta HTTP é:\n\n```\n404 Not Found\n```\n".to_owned(),
            &["pass"],
        ),
        (placeholders.to_owned(), &["skipped: a template"]),
        (
            "| Operation | HTTP | Path | Response |\n| --- | --- | --- | --- |\n| Read | GET | /bands/1 | 200 |\n".to_owned(),
            &["pass"],
        ),
        (
            "```bash\n# 5) ลบ -> 204 (หรือ 404)\ncurl -X DELETE http://localhost:3000/bands/1\n```\n".to_owned(),
            &["fail: the text documents 204"],
        ),
        ("<!-- standin: db=nope.json -->\n\n```\nGET /bands/1\n```\n".to_owned(), &["error: `db=nope.json`"]),
    ]);
}

/// PowerShell's `curl` is another command than curl, with its own options.
#[test]
fn curl_of_powershell_is_not_curl() {
    assert_all_judged(&[
        (
            "```powershell\ncurl -Method DELETE http://localhost:3000/bands/1\n```\n".to_owned(),
            &["pass"][..],
        ),
        (
            "```powershell\ncurl -Method PUT http://localhost:3000/bands/1 `\n  -Headers @{\"Content-Type\"=\"application/json\"} `\n  -Body '{\"name\":\"Cats\"}'\n```\n".to_owned(),
            &["pass"],
        ),
        (
            "```\ncurl http://localhost:3000/bands/1\n\ncurl -Method DELETE http://localhost:3000/bands/9\n```\n".to_owned(),
            &["pass", "fail"],
        ),
        // This is curl's own option, or none.
        (
            "```bash\ncurl --method DELETE http://localhost:3000/bands/1\n```\n".to_owned(),
            &["fail"],
        ),
    ]);
}

#[test]
fn a_table_of_errors_for_all_requests_excuses_none() {
    let table =
        "| Code | When |\n| --- | --- |\n| `400` | invalid JSON |\n| `404` | not found |\n\n";
    let missing = "```bash\ncurl http://localhost:3000/bands/9\n```\n\n";
    let read = "```bash\ncurl http://localhost:3000/bands/1\n```\n\n";
    assert_all_judged(&[
        (
            format!("## API\n\n### Errors\n\n{table}### Examples\n\n{read}{missing}"),
            &["pass", "fail: GET usually returns 200"][..],
        ),
        (format!("### A band\n\n{missing}{table}"), &["pass"]),
        (
            format!("### A band\n\n#### Errors\n\n{table}#### Example\n\n{missing}"),
            &["pass"],
        ),
    ]);
}
