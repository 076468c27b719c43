//! What pages state about a response without showing it: values that programs print or assert, numbers of records and
//! headers in sentences.

use super::judged::{assert_all_judged, assert_rows};

#[test]
fn values_that_a_program_prints_or_asserts_are_compared() {
    let python = |lines: &str| {
        format!("```python\nr = requests.get(\"http://localhost:3000/bands/1\")\n{lines}\n```\n")
    };
    let js = |lines: &str| {
        format!("```js\nconst res = await fetch('http://localhost:3000/bands');\n{lines}\n```\n")
    };
    assert_all_judged(&[
        (python("print(r.json()[\"name\"])  # Owls"), &["pass"][..]),
        (
            python("print(r.json()[\"name\"])  # Foxes"),
            &["fail: name: documented \"Foxes\", got \"Owls\""],
        ),
        (
            python("print(r.status_code)  # 200\nprint(r.json())\nassert r.json()['id'] == 2"),
            &["fail: id: documented 2, got 1"],
        ),
        (
            "```python\ndef test_band():\n    r = requests.get(\"http://localhost:3000/bands/1\")\n    assert r.status_code == 201\n```\n".to_owned(),
            &["fail: the response documents 201"],
        ),
        // An explanation.
        (python("print(r.json()[\"name\"])  # the name of the band"), &["pass"]),
        (js("const bands = await res.json();\nconsole.log(bands.length); // 2"), &["pass"]),
        (
            js("const bands = await res.json();\nconsole.log(bands.length); // 5"),
            &["fail: the number of items: documented 5, got 2"],
        ),
        (
            js("expect((await res.json())[0]).toEqual({ id: 1, name: 'Cats' });"),
            &["fail: [0]: documented"],
        ),
        (
            "```\n>>> r = requests.get(\"http://localhost:3000/bands/1\")\n>>> r.status_code\n404\n```\n".to_owned(),
            &["fail: the response documents 404"],
        ),
        (
            "```\n>>> r = requests.get(\"http://localhost:3000/bands/1\")\n>>> r.json()['name']\n'Cats'\n```\n".to_owned(),
            &["fail: name: documented \"Cats\", got \"Owls\""],
        ),
        (
            "```js\nconst songs = [1];\nconst res = await fetch('http://localhost:3000/songs', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ title: 'New' }) });\nconst song = await res.json();\nconsole.log(song.addedAt); // \"2025-01-01T00:00:00Z\"\nconsole.log(song.id); // 4\n```\n".to_owned(),
            &["fail: id: documented 4, got 3"],
        ),
    ]);
}

#[test]
fn numbers_of_records_and_headers_in_a_sentence_are_compared() {
    let bands = |above: &str, below: &str| {
        format!("{above}\n\n```bash\ncurl http://localhost:3000/bands\n```\n\n{below}\n")
    };
    let post = |below: &str| {
        format!(
            "```bash\ncurl http://localhost:3000/bands -H 'Content-Type: application/json' -d '{{\"name\": \"Cats\"}}'\n```\n\n{below}\n"
        )
    };
    assert_all_judged(&[
        (
            bands("", "You should get 6 results."),
            &["fail: the number of items: documented 6, got 2"][..],
        ),
        (bands("", "You should get 2 results."), &["pass"]),
        (
            bands("This returns three bands:", ""),
            &["fail: the number of items: documented 3"],
        ),
        (bands("", "It returns five bands per page."), &["pass"]),
        (
            bands("", "If you added some, it returns 5 bands."),
            &["pass"],
        ),
        (
            bands("", "The header `X-Total-Count` is 10."),
            &["fail: the server sends"],
        ),
        (
            post("The response has the header `Location: /bands/3`."),
            &["pass"],
        ),
        (
            post("The response has the header `Location: /bands/{id}`."),
            &["pass"],
        ),
        (
            post("The response has the header `Location: /bands/1`."),
            &["fail: the server sends `Location: /bands/3`"],
        ),
    ]);
}

#[test]
fn outputs_that_a_sentence_states_are_compared() {
    let length = "```bash\ncurl -s http://localhost:3000/bands | jq length\n```\n\n";
    let name = "```bash\ncurl -s http://localhost:3000/bands/1 | jq -r .name\n```\n\n";
    let status =
        "```bash\ncurl -s -o /dev/null -w '%{http_code}' http://localhost:3000/bands/1\n```\n\n";
    let rows = [
        (length, "It prints `2`.", &["pass"][..]),
        (
            length,
            "It prints `7`.",
            &["fail: the text says that the output is `7`, it is `2`"],
        ),
        (
            length,
            "Output: 7",
            &["fail: the text says that the output"],
        ),
        (
            length,
            "Salida: `7`",
            &["fail: the text says that the output"],
        ),
        (name, "You should see \"Owls\".", &["pass"]),
        (
            name,
            "The output is `\"Cats\"`.",
            &["fail: the text says that the output"],
        ),
        (
            name,
            "This prints `Cats`, which is a band.",
            &["fail: the text says that the output"],
        ),
        (status, "This prints `200`.", &["pass"]),
        (
            status,
            "This prints `404`.",
            &["fail: the text says that the output is `404`"],
        ),
        // Not the whole output, or what may come.
        (name, "It prints `name` and nothing else.", &["pass"]),
        (length, "It may print `7`.", &["pass"]),
        (length, "With `/songs` it prints `7`.", &["pass"]),
    ];
    let rows = rows.map(|(request, text, verdicts)| (format!("{request}{text}\n"), verdicts));
    assert_all_judged(&rows);
}

#[test]
fn filters_and_variables_that_make_texts_are_compared_as_texts() {
    assert_rows(&[
        (
            "```bash\ncurl -s http://localhost:3000/bands | jq -r '.[] | tojson'\n```\n\n```\n{\"id\":1,\"name\":\"Owls\"}\n{\"id\":2,\"name\":\"Foxes\"}\n```\n",
            &["pass: as documented"],
        ),
        (
            "```bash\ncurl -s http://localhost:3000/bands | jq -r '.[] | tojson'\n```\n\n```\n{\"id\":1,\"name\":\"Cats\"}\n{\"id\":2,\"name\":\"Foxes\"}\n```\n",
            &["fail: line 1 of the output"],
        ),
        (
            "```console\n$ curl -s -o /dev/null -w \"%{method} %{http_code}\\n\" http://localhost:3000/bands/1\nGET 200\n```\n",
            &["pass"],
        ),
        (
            "```console\n$ curl -s -o /dev/null -w \"%{http_code}, %{content_type}\\n\" http://localhost:3000/bands/1\n404, text/html\n```\n",
            &["fail: the response documents 404"],
        ),
        (
            "```console\n$ curl -s -o /dev/null -w '%{json}' http://localhost:3000/bands/1 | jq .http_code\n200\n```\n",
            &["skipped"],
        ),
    ]);
}

#[test]
fn counts_and_bodies_in_sentences_of_several_languages_are_compared() {
    let list = "```bash\ncurl http://localhost:3000/bands\n```\n\n";
    let band = "```bash\ncurl http://localhost:3000/bands/1\n```\n\n";
    let rows = [
        (list, "All 2 bands are returned.", &["pass"][..]),
        (
            list,
            "5 bands are returned.",
            &["fail: the number of items: documented 5, got 2"],
        ),
        (list, "Expect 5 results.", &["fail: the number of items"]),
        (
            list,
            "Die Antwort enthält 5 Einträge.",
            &["fail: the number of items"],
        ),
        (
            list,
            "Devuelve 3 resultados.",
            &["fail: the number of items"],
        ),
        // They are not records, or not those of this response.
        (list, "10 items are returned by default.", &["pass"]),
        (list, "Die Antwort enthält 5 Felder.", &["pass"]),
        (
            band,
            "The response looks like this: `{\"id\": 1, \"name\": \"Owls\"}`. Note the name.",
            &["pass: as documented"],
        ),
        (
            band,
            "The response looks like this: `{\"id\": 1, \"name\": \"Cats\"}`. Note the name.",
            &["fail: name"],
        ),
        (
            band,
            "Die Antwort ist `{\"id\": 1, \"name\": \"Cats\"}`.",
            &["fail: name"],
        ),
        (
            band,
            "Send `{\"name\": \"Cats\"}`. Then read it again.",
            &["pass"],
        ),
    ];
    let rows = rows.map(|(request, text, verdicts)| (format!("{request}{text}\n"), verdicts));
    assert_all_judged(&rows);
    assert_rows(&[(
        "```bash\ncat > band.json <<'EOF'\n{ \"name\": \"Cats\" }\nEOF\n\ncurl -X POST http://localhost:3000/bands -H \"Content-Type: application/json\" -d @band.json\n```\n\n```json\n{ \"name\": \"Cats\", \"id\": 7 }\n```\n",
        &["fail: id: documented 7, got 3"],
    )]);
}

#[test]
fn long_texts_are_shown_where_they_differ() {
    let text =
        "a rather long text that goes on and on, well beyond the width of a terminal, until it";
    assert_all_judged(&[(
        format!(
            "```bash\ncurl -X PATCH http://localhost:3000/bands/1 -H 'Content-Type: application/json' -d '{{\"name\": \"{text} ends\"}}'\n```\n\n```json\n{{\"id\": 1, \"name\": \"{text} stops\"}}\n```\n"
        ),
        &[
            "fail: name: documented ... terminal, until it stops\", got ... terminal, until it ends\"",
        ],
    )]);
}

#[test]
fn lines_that_a_program_prints_are_compared_with_the_block_below_it() {
    let python = |lines: &str, below: &str| {
        format!(
            "```python\nr = requests.get(\"http://localhost:3000/bands/1\")\n{lines}\n```\n\n{below}\n"
        )
    };
    let two = "print(\"Status:\", r.status_code)\nprint(f\"Name: {r.json()['name']}\")";
    let js = |lines: &str, below: &str| {
        format!(
            "```js\nconst res = await fetch('http://localhost:3000/songs/1');\nconst song = await res.json();\n{lines}\n```\n\n{below}\n"
        )
    };
    assert_all_judged(&[
        (
            python(two, "Output:\n\n```\nStatus: 200\nName: Owls\n```"),
            &["pass"][..],
        ),
        (
            python(two, "Output:\n\n```\nStatus: 200\nName: Cats\n```"),
            &["fail: line 2 of the output: documented \"Name: Cats\", got \"Name: Owls\""],
        ),
        (
            python(two, "```text\nStatus: 201\nName: Owls\n```"),
            &["fail: line 1 of the output"],
        ),
        (
            "```python\nr = requests.get(\"http://localhost:3000/bands\")\nfor band in r.json():\n    print(band[\"name\"])\n```\n\nOutput:\n\n```\nOwls\nCats\n```\n".to_owned(),
            &["fail: line 2 of the output: documented \"Cats\", got \"Foxes\""],
        ),
        (
            "```js\nconst bands = await (await fetch('http://localhost:3000/bands')).json();\nbands.forEach((band) => console.log(`${band.id}: ${band.name}`));\n```\n\n```text\n1: Owls\n2: Foxes\n```\n".to_owned(),
            &["pass"],
        ),
        // Other cases, and what the program does not print in this order.
        (
            python(two, "Output before the fix:\n\n```\nStatus: 200\nName: Cats\n```"),
            &["pass"],
        ),
        (
            python("for letter in r.json()[\"name\"]:\n    print(letter)\n    break", "Output:\n\n```\nX\n```"),
            &["pass"],
        ),
        (
            js("console.log('%s costs %d', song.title, song.price);", "Output:\n\n```\nBlue costs 4.5\n```"),
            &["pass"],
        ),
        (
            js("console.log(song.id + song.bandId);", "Output:\n\n```\n2\n```"),
            &["pass"],
        ),
        (
            "```js\nfetch('http://localhost:3000/bands/1')\n  .then(r => r.json())\n  .then(band => console.log(band.name));\nconsole.log('waiting');\n```\n\nOutput:\n\n```\nwaiting\nOwls\n```\n".to_owned(),
            &["pass"],
        ),
        (
            "```js\ntry {\n  const { data } = await axios.get('http://localhost:3000/bands/9');\n  console.log(data.name);\n} catch (error) {\n  console.log(error.response.status);\n}\n```\n\nOutput:\n\n```\n404\n```\n".to_owned(),
            &["pass"],
        ),
        // Other numbers of lines and branches are not understood.
        (python(two, "Output:\n\n```\nName: Cats\n```"), &["pass"]),
        (
            python("if r.ok:\n    print(\"ok\")", "Output:\n\n```\nfailed\n```"),
            &["pass"],
        ),
        (
            js("console.log('Title: ' + song.title);", "It prints `Title: Red`."),
            &["fail: the text says that the output is `Title: Red`, it is `\"Title: Blue\"`"],
        ),
        (
            js("console.log(`Title: ${song.title}`);", "It prints `Blue`."),
            &["pass"],
        ),
        (
            js("console.log(`Title: ${song.title}`); // Title: Red", ""),
            &["fail: title: documented \"Red\", got \"Blue\""],
        ),
        (
            js("console.log(res.ok); // false", ""),
            &["fail: whether it succeeds: documented false, got true"],
        ),
        (
            "```js\nconst [, second] = [];\nconst [first] = await (await fetch('http://localhost:3000/bands')).json();\nconsole.log(first.name); // Foxes\n```\n".to_owned(),
            &["fail: [0].name: documented \"Foxes\", got \"Owls\""],
        ),
        (
            "```python\nr = requests.get(\"http://localhost:3000/bands/9\")\nassert r.ok\n```\n".to_owned(),
            &["fail"],
        ),
    ]);
}

#[test]
fn cells_labels_and_comments_say_what_comes_back() {
    let table = |header: &str, row: &str| format!("{header}\n| --- | --- |\n{row}\n");
    let call = |row: &str| table("| Call | Expected |", row);
    let command =
        |comment: &str| format!("```bash\ncurl http://localhost:3000/bands  {comment}\n```\n");
    let label = |text: &str| format!("```bash\ncurl http://localhost:3000/bands\n```\n\n{text}\n");
    assert_all_judged(&[
        (
            call("| `GET /bands` | 200, 3 bands |"),
            &["fail: the number of items: documented 3, got 2"][..],
        ),
        (call("| `GET /bands` | 200, 2 bands |"), &["pass"]),
        (
            call("| `GET /bands` | array with 5 objects |"),
            &["fail: the number of items"],
        ),
        (
            call("| `GET /songs?bandId=9` | 200, empty array |\n| `GET /bands` | empty array |"),
            &["pass", "fail: the number of items: documented 0"],
        ),
        (
            call("| `GET /bands/1` | 200, `name` == \"Cats\" |"),
            &["fail: name: documented \"Cats\", got \"Owls\""],
        ),
        (
            table("| Call | Number of results |", "| `GET /bands` | 4 |"),
            &["fail: the number of items: documented 4"],
        ),
        // Rows with words beside rows with a result.
        (
            call("| `GET /bands/2` | the band |\n| `GET /bands/9` | 404 |"),
            &["pass", "pass"],
        ),
        // The output of a command in a table.
        (
            table(
                "| Command | Output |",
                "| `curl -s http://localhost:3000/bands \\| jq length` | `3` |\n| `curl -s -o /dev/null -w '%{http_code}' http://localhost:3000/bands/9` | 404 |",
            ),
            &["fail: the output of jq: documented 3, got 2", "pass"],
        ),
        (
            command("# 200 + array of 3 bands"),
            &["fail: the number of items"],
        ),
        (command("# 2 bands"), &["pass"]),
        (
            command("# at least 3 bands"),
            &["fail: the number of items: documented \">= 3\", got 2"],
        ),
        (command("# at least 2 bands"), &["pass"]),
        (command("# 10 bands by default"), &["pass"]),
        (command("# only 1 band has songs"), &["pass"]),
        (command("\n# -> 5 bands"), &["fail: the number of items: documented 5"]),
        (command("# 返回 6 条记录"), &["fail: the number of items: documented 6"]),
        (command("| jq 'map(select(.id == 2))'  # 1 band"), &["pass"]),
        (command("# 2 (both of them)"), &["pass"]),
        (
            command("| jq '.[0].name'\n# Expected: \"Cats\" (the first)"),
            &["fail: the output of jq: documented \"Cats\", got \"Owls\""],
        ),
        (
            table("| Request | Count | Avg (ms) |", "| `GET /bands` | 1200 | 3 |").replace("| --- | --- |", "| --- | --- | --- |"),
            &["pass"],
        ),
        (
            "| Request | Expected | Actual |\n| --- | --- | --- |\n| `GET /bands` | 3 bands | 2 bands |\n| `GET /bands/2` | 201 | 201 Created, as expected |\n".to_owned(),
            &["pass", "fail: the table documents 201"],
        ),
        (
            call("| `GET /songs/1` | 200 + id >= 8 |"),
            &["fail: id: documented \">= 8\", got 1"],
        ),
        (call("| `GET /songs/1` | 200, title = string |"), &["pass"]),
        (
            table("| Pedido | Esperado |", "| `GET /bands` | 200, 5 grupos |\n| `POST /bands` con `{ \"name\": \"New\" }` | 201, `id: 7` |"),
            &["fail: the number of items: documented 5", "fail: id: documented 7, got 3"],
        ),
        // What stands behind a request explains it.
        (
            table("| Call | Status |", "| `DELETE /bands/1` | 200 |\n| `DELETE /bands/1` (again) | 410 |\n| `POST /bands` without a name | 400 |"),
            &["pass", "fail: the table documents 410", "skipped"],
        ),
        (command("\n# 5 bands"), &["fail: the number of items: documented 5"]),
        (
            "```bash\n# Expected: 5 bands\ncurl http://localhost:3000/bands\n```\n".to_owned(),
            &["fail: the number of items: documented 5"],
        ),
        (
            "- `GET /bands` returns all four bands\n- `GET /bands/1` returns only that one\n".to_owned(),
            &["fail: the number of items: documented 4", "pass"],
        ),
        (
            command("# 201 + the bands"),
            &["fail: the text documents 201"],
        ),
        (
            command("| jq length # expect 3"),
            &["fail: the output of jq: documented 3, got 2"],
        ),
        (
            command("| jq -r '.[0].name'  # Cats"),
            &["fail: line 1 of the output"],
        ),
        (command("| jq -r '.[0].name'  # Name"), &["pass"]),
        (
            label("**Resultado esperado:** 5 grupos"),
            &["fail: the number of items"],
        ),
        (
            label("**Expected:** all bands (status 404)"),
            &["fail: the text documents 404"],
        ),
        (
            label("Esperado: erro 404 com uma mensagem"),
            &["fail: the text documents 404"],
        ),
    ]);
}

#[test]
fn the_id_of_a_new_record_and_headers_in_a_block_are_compared() {
    let post = "```bash\ncurl http://localhost:3000/bands -H 'Content-Type: application/json' -d '{\"name\": \"Cats\"}'\n```\n";
    let response = "```json\n{ \"id\": 3, \"name\": \"Cats\" }\n```\n";
    let said = |text: &str| format!("{post}\n{text}\n");
    let headers = |id: u8| {
        format!(
            "{post}\n{response}\n**Headers:**\n\n```\nLocation: http://localhost:3000/bands/{id}\n```\n"
        )
    };
    assert_all_judged(&[
        (said("The new band has the id 9."), &["fail: id: documented 9, got 3"][..]),
        (said("The new band has the id 3."), &["pass"]),
        (said("The new band gets an id, e.g. with id 9."), &["pass"]),
        (said("**Resultado:** Se crea el grupo con ID 7"), &["fail: id: documented 7"]),
        (said("If there are eight bands, the new one has the id 9."), &["pass"]),
        (headers(4), &["fail: the server sends `Location: /bands/3`"]),
        (headers(3), &["pass"]),
        (
            "### POST /bands\n\nCreates a band.\n\n**Response:** `202 Accepted` with the new band.\n".to_owned(),
            &["fail: the text documents 202"],
        ),
    ]);
}

#[test]
fn assertions_of_editors_are_compared() {
    let page = |assertion: &str| {
        format!(
            "```http\nGET http://localhost:3000/bands/1\n\n> {{%\nclient.test(\"x\", function() {{\n  client.assert({assertion}, \"x\");\n}});\n%}}\n```\n"
        )
    };
    assert_all_judged(&[
        (page("response.status === 200"), &["pass"][..]),
        (page("response.body.name === \"Owls\""), &["pass"]),
        (page("response.body.name === \"Cats\""), &["fail: name: documented \"Cats\""]),
        // The comment explains the body, and is not sent.
        (
            "```http\nPOST http://localhost:3000/bands\nContent-Type: application/json\n\n{\n  \"name\": \"Cats\" // any text\n}\n```\n".to_owned(),
            &["pass"],
        ),
    ]);
}

#[test]
fn objects_that_powershell_prints_are_compared() {
    let page = |command: &str, shown: &str| {
        format!("```powershell\n{command}\n```\n\n```\n{shown}\n```\n")
    };
    let all = "Invoke-RestMethod http://localhost:3000/bands";
    let one = "irm http://localhost:3000/bands/1";
    let rows = [
        (page(all, "id name\n-- ----\n 1 Owls\n 2 Foxes"), &["pass"][..]),
        (
            page(all, "id name\n-- ----\n 1 Owls\n 2 Cats"),
            &["fail: [1].name: documented \"Cats\", got \"Foxes\""],
        ),
        (page(one, "id   : 1\nname : Cats"), &["fail: name"]),
        // Types, other data, and what is done with the response.
        (page(one, "id   : number\nname : string"), &["pass"]),
        (page(one, "name : demo\nport : 3000"), &["pass"]),
        (page(&format!("$all = {all}\n$all[0]"), "id name\n-- ----\n 1 Owls"), &["pass"]),
        (
            format!("```powershell\n{all}\n```\n\nOutput (truncated):\n\n```\nid name\n-- ----\n 1 Owls\n```\n"),
            &["pass"],
        ),
        // A condition in a cell is not the status, so this row says nothing.
        (
            "| Call | Expected |\n| --- | --- |\n| `POST /bands` with `{\"name\": \"Cats\"}` | 400 if the name is missing |\n| `GET /bands` | 200 |\n".to_owned(),
            &["pass"],
        ),
    ];
    assert_all_judged(&rows);
}
