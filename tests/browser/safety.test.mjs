// Nothing is lost or silently overwritten: changes of others, exact texts, ids, keys, references.
import { test } from "node:test";
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { browse, focused, serve, until, WIDTHS } from "./support.mjs";

const { visit, nothingWrong } = browse();
const data = JSON.stringify({
  users: [{ id: 1, name: "Ann" }, { id: 2, name: "Ben" }],
  posts: [{ id: 1, title: "Why tea", body: "one\r\ntwo\r\n", views: 120, userId: 1 }, { id: 2, title: "Kettles", body: "x", views: 1.50, userId: 2 }],
  mixed: [{ id: 1, code: null, size: "5" }, { id: 2, code: "A7", size: "7" }, { id: 3, code: 8, size: "x" }],
}, null, 2).replace("1.5,", "1.50,");
const rules = JSON.stringify({ type: "object", properties: {
  posts: { type: "array", items: { type: "object", properties: { title: { type: "string" }, userId: { type: ["integer", "null"], references: "users" }, slug: { type: "string", readOnly: true } } } },
  mixed: { type: "array", items: { type: "object", properties: { code: { type: ["integer", "string", "null"] }, size: { anyOf: [{ type: "string" }, { type: "integer" }] } } } } } });
const dataOf = (file) => JSON.parse(readFileSync(file, "utf8"));
const patch = (url, body, path = "/posts/1") => fetch(url + path, { method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
const cell = (page, id, column) => page.locator(`tr[data-id="${id}"] td[data-column="${column}"]`);
/// Blocks the event stream, as a bad network would.
const deafen = (page) => page.route("**/-/events*", (route) => route.abort());

for (const width of WIDTHS) {
  const check = (name, run) => test(`${name} (${width} px)`, async (context) => { await run(context); nothingWrong(); });
  const dialog = (page) => page.getByRole("dialog", { name: "Changed elsewhere" });

  check("a form does not overwrite another client's change unseen", async (context) => {
    const { url, file } = await serve(context, data);
    const page = await visit(url, { width });
    await deafen(page);
    await page.goto(`${url}/?#/posts/1`);
    const save = page.getByRole("button", { name: "Save" });
    await page.getByLabel("title").fill("Mine");
    await patch(url, { title: "Theirs", views: 121 });
    await save.click();
    await dialog(page).waitFor();
    assert.match(await dialog(page).textContent(), /title.*Why tea.*Theirs.*views.*120.*121/);
    assert.equal(dataOf(file).posts[0].title, "Theirs");
    await page.getByRole("button", { name: "Keep editing" }).click();
    assert.equal(await page.getByLabel("title").inputValue(), "Mine");
    // Still with a warning; and only the properties that were changed here are overwritten.
    await save.click();
    await dialog(page).getByRole("button", { name: "Overwrite" }).click();
    await page.getByText("Saved post 1").waitFor();
    assert.deepEqual([dataOf(file).posts[0].title, dataOf(file).posts[0].views], ["Mine", 121]);
    // The next change of another client is found, too.
    await patch(url, { title: "Theirs again" });
    await page.getByLabel("title").fill("Mine again");
    await save.click();
    await dialog(page).getByRole("button", { name: "Reload" }).click();
    await until(async () => (await page.getByLabel("title").inputValue()) === "Theirs again", "their title");
    await page.getByLabel("title").fill("Last");
    await save.click();
    await until(() => dataOf(file).posts[0].title === "Last", "the change to be saved");
  });

  check("JSON does not overwrite another client's change unseen, nor one of a deleted record", async (context) => {
    const { url, file } = await serve(context, data);
    const page = await visit(`${url}/#/posts/1`, { width });
    await page.getByRole("button", { name: "Edit as JSON" }).click();
    const json = page.getByLabel("The record as JSON");
    await json.fill('{"id": 1, "title": "Mine"}');
    await patch(url, { views: 999 });
    await page.getByText("The record has been changed elsewhere").waitFor();
    await page.getByRole("button", { name: "Show the changes" }).click();
    assert.match(await dialog(page).textContent(), /views.*120.*999/);
    await page.getByRole("button", { name: "Keep editing" }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await dialog(page).waitFor();
    assert.equal(dataOf(file).posts[0].title, "Why tea");
    await dialog(page).getByRole("button", { name: "Overwrite" }).click();
    await until(() => dataOf(file).posts[0].title === "Mine", "the JSON to be saved");
    assert.deepEqual(dataOf(file).posts[0], { id: 1, title: "Mine" });
    // The saved value is rendered again when the response arrives.
    await until(async () => (await json.inputValue()).includes("\n"), "the saved record");
    await json.fill('{"id": 1, "title": "Too late"}');
    await fetch(`${url}/posts/1`, { method: "DELETE" });
    await page.getByText("The record has been deleted elsewhere").waitFor();
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator(".problem, .notices").getByText(/deleted elsewhere|no record/).first().waitFor();
    assert.equal(await json.inputValue(), '{"id": 1, "title": "Too late"}');
  });

  check("a cell does not overwrite another client's change unseen", async (context) => {
    const { url, file } = await serve(context, data);
    const page = await visit(url, { width });
    await deafen(page);
    await page.goto(`${url}/?#/posts`);
    await cell(page, 1, "title").focus();
    await page.keyboard.press("F2");
    const input = cell(page, 1, "title").getByRole("textbox");
    await input.fill("Mine");
    await patch(url, { title: "Theirs" });
    await input.press("Enter");
    await cell(page, 1, "title").getByText(/Changed elsewhere to Theirs/).waitFor();
    assert.equal(dataOf(file).posts[0].title, "Theirs");
    await input.press("Enter");
    await page.getByText("Saved post 1").waitFor();
    assert.equal(dataOf(file).posts[0].title, "Mine");
    // A change of another property is not a conflict.
    await cell(page, 1, "title").focus();
    await page.keyboard.press("F2");
    await input.fill("Mine too");
    await patch(url, { views: 7 });
    await input.press("Enter");
    await until(() => dataOf(file).posts[0].title === "Mine too", "the change");
    assert.equal(dataOf(file).posts[0].views, 7);
    // A click on a link does not discard an incomplete number in a cell.
    await cell(page, 1, "views").focus();
    await page.keyboard.press("F2");
    await cell(page, 1, "views").getByRole("textbox").fill("12x");
    await page.getByRole("navigation", { name: "Tools" }).getByRole("link", { name: "History" }).click();
    await page.getByRole("dialog").getByText("Discard the changes?").waitFor();
    await page.getByRole("button", { name: "Keep editing" }).click();
    assert.equal(await cell(page, 1, "views").getByRole("textbox").inputValue(), "12x");
  });

  check("what is not touched is not sent, and line ends stay", async (context) => {
    const { url, file } = await serve(context, data);
    const page = await visit(`${url}/#/posts/1`, { width });
    const save = page.getByRole("button", { name: "Save" });
    const sent = async () => { const request = page.waitForRequest((one) => ["PATCH", "PUT"].includes(one.method())); await save.click(); return JSON.parse((await request).postData()); };
    await page.getByLabel("title").fill("New");
    assert.deepEqual(await sent(), { title: "New" });
    await page.getByText("Saved post 1").waitFor();
    // A change that was reverted does not count as a change.
    await page.locator("#field-body").press("End");
    await page.keyboard.type("x");
    await page.getByText("Unsaved changes").waitFor();
    await page.keyboard.press("Backspace");
    await page.getByText("Unsaved changes").waitFor({ state: "hidden" });
    await page.locator("#field-body").fill("one\ntwo\nthree");
    assert.deepEqual(await sent(), { body: "one\r\ntwo\r\nthree" });
    await until(() => dataOf(file).posts[0].body === "one\r\ntwo\r\nthree", "the line ends");
    await page.getByRole("button", { name: "Remove views" }).click();
    assert.deepEqual(await sent(), { views: null });
    await until(() => !("views" in dataOf(file).posts[0]), "the property to be gone");
    await page.getByRole("button", { name: "Undo" }).first().click();
    await until(() => "views" in dataOf(file).posts[0], "the undo");
    // Through JSON and back: the same bytes for what is not changed.
    await page.goto(`${url}/#/posts/2`);
    await page.getByRole("heading", { name: "post 2" }).waitFor();
    await page.getByRole("button", { name: "Edit as JSON" }).click();
    await page.getByRole("button", { name: "Edit as a form" }).click();
    await page.getByText("Unsaved changes").waitFor({ state: "hidden" });
    await page.getByLabel("title").fill("Kettle");
    assert.deepEqual(await sent(), { title: "Kettle" });
    assert.match(readFileSync(file, "utf8"), /"views": 1\.50\b/);
  });

  check("a reference to nothing is said before it is saved, and the server's problem is at the field", async (context) => {
    const { url, file } = await serve(context, data, rules);
    const page = await visit(`${url}/#/posts/1`, { width });
    const save = page.getByRole("button", { name: "Save" });
    const pick = page.getByLabel("userId");
    await pick.fill("99");
    await page.keyboard.press("Tab");
    await page.getByText("There is no user with the id 99").waitFor();
    assert.equal(await pick.getAttribute("aria-invalid"), "true");
    await save.click();
    await page.getByText("Save again to save it all the same").waitFor();
    await save.click();
    await page.locator(".wrong").getByText("must be the id of a record of users").waitFor();
    assert.equal(dataOf(file).posts[0].userId, 1);
    await pick.fill("2");
    await save.click();
    await until(() => dataOf(file).posts[0].userId === 2, "the reference");
    // Read-only properties are shown, but cannot be edited.
    assert.equal(await page.locator("#field-slug").evaluate((one) => one.tagName), "OUTPUT");
  });

  check("without rules, too; there it can be saved all the same", async (context) => {
    const { url, file } = await serve(context, data);
    const page = await visit(`${url}/#/posts/1`, { width });
    await page.getByLabel("userId").fill("99");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("There is no user with the id 99").waitFor();
    // The field shows the error on blur; the save must have finished before the next one.
    await page.getByText("Save again to save it all the same").waitFor();
    assert.equal(dataOf(file).posts[0].userId, 1);
    await page.getByRole("button", { name: "Save" }).click();
    await until(() => dataOf(file).posts[0].userId === 99, "the reference");
  });

  check("a click on Save is not lost to the message of the field that it leaves", async (context) => {
    const { url } = await serve(context, data);
    const page = await visit(`${url}/#/posts/1`, { width });
    const save = page.getByRole("button", { name: "Save" });
    await page.getByLabel("userId").fill("99");
    await save.hover();
    const checked = page.waitForResponse((one) => one.url().includes("/users?"));
    await page.mouse.down();
    await checked;
    // Two frames, in which a message that is shown at once would move the button.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await page.mouse.up();
    await page.getByText("Save again to save it all the same").waitFor();
    await page.getByText("There is no user with the id 99").waitFor();
  });

  check("JSON with another id, or with a key twice, is refused at the place", async (context) => {
    const { url, file } = await serve(context, data);
    const page = await visit(`${url}/#/posts/1`, { width });
    await page.getByRole("button", { name: "Edit as JSON" }).click();
    const json = page.getByLabel("The record as JSON");
    const save = page.getByRole("button", { name: "Save" });
    await json.fill('{\n  "inner": {"id": 3},\n  "id": 5,\n  "title": "x"\n}');
    await save.click();
    await page.locator("#json-wrong").getByText(/^line 3, column 3: the id is 1 and cannot be changed/).waitFor();
    await json.fill('{\n  "id": 1,\n  "title": "a \\" {",\n  "tags": [{"title": 1}], "title": "b"\n}');
    await save.click();
    await page.locator("#json-wrong").getByText(/line 4, column 27: "title" appears twice/).waitFor();
    assert.equal(await json.getAttribute("aria-invalid"), "true");
    assert.deepEqual(dataOf(file), JSON.parse(data));
    await json.fill('{"title": "without an id"}');
    await save.click();
    await until(() => dataOf(file).posts[0].title === "without an id", "the JSON to be saved");
    assert.equal(dataOf(file).posts[0].id, 1);
  });

  check("a field of several types takes each of them", async (context) => {
    for (const held of [rules, undefined]) {
      const { url, file } = await serve(context, data, held);
      const page = await visit(`${url}/#/mixed/1`, { width });
      const save = page.getByRole("button", { name: "Save" });
      const code = page.locator("#field-code");
      for (const [typed, value] of [["abc", "abc"], ["12", 12], ['"12"', "12"], ["", ""], ["true", "true"]]) {
        await code.fill(typed);
        await save.click();
        await until(() => dataOf(file).mixed[0].code === value, `${typed} as ${JSON.stringify(value)}`);
      }
      assert.equal(dataOf(file).mixed[0].size, "5");
    }
  });

  check("what a broken file had refused is not said once it is in order", async (context) => {
    const { url, file } = await serve(context, data);
    const page = await visit(`${url}/#/posts/1`, { width });
    await page.getByLabel("title").fill("New");
    writeFileSync(file, "{");
    await page.locator("#banner").getByText(/broken/).waitFor();
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator(".problem").getByText(/503/).waitFor();
    writeFileSync(file, data);
    await page.locator("#banner").waitFor({ state: "hidden" });
    await page.locator(".problem").waitFor({ state: "detached" });
    assert.equal(await page.getByLabel("title").inputValue(), "New");
    await page.getByRole("button", { name: "Save" }).click();
    await until(() => dataOf(file).posts[0].title === "New", "the change");
  });

  /// Delays the requests that `match` until they are released, and reports when one has arrived.
  const hold = async (page, match) => {
    let free;
    let arrived;
    const freed = new Promise((done) => { free = done; });
    const there = new Promise((done) => { arrived = done; });
    await page.route("**/posts*/**", wait);
    await page.route("**/posts?*", wait);
    async function wait(route) {
      if (match(route.request())) { arrived(); await freed; }
      await route.fallback();
    }
    return { there, free };
  };
  /// The text and caret position of the focused field.
  const typing = (page) => page.evaluate(() => [document.activeElement.closest("td")?.dataset.column, document.activeElement.value, document.activeElement.selectionStart]);
  const startTyping = async (page, id, column, text) => {
    await cell(page, id, column).focus();
    await page.keyboard.press("F2");
    await page.keyboard.press("Control+A");
    await page.keyboard.type(text);
  };

  check("cells are edited one after the other without waiting for the server", async (context) => {
    const { url, file } = await serve(context, data);
    const page = await visit(`${url}/#/posts`, { width });
    const write = await hold(page, (request) => request.method() === "PATCH");
    const reload = await hold(page, (request) => request.method() === "GET" && request.url().includes("_limit") && existsSync(file) && dataOf(file).posts[0].title === "Fast");
    await startTyping(page, 1, "title", "Fast");
    await page.keyboard.press("Enter");
    await write.there;
    // What was typed is shown already, and the next cell can be opened.
    assert.match(await cell(page, 1, "title").textContent(), /Fast/);
    await startTyping(page, 1, "views", "1305");
    await page.keyboard.press("ArrowLeft");
    write.free();
    await reload.there;
    assert.deepEqual(await typing(page), ["views", "1305", 3]);
    reload.free();
    await page.getByText("Saved post 1").waitFor();
    // Another client's change, a resource that is new in the file.
    const seen = page.waitForResponse((one) => one.url().includes("/posts?") && one.request().method() === "GET");
    await patch(url, { title: "Theirs" }, "/posts/2");
    await seen;
    writeFileSync(file, JSON.stringify({ ...dataOf(file), tags: [{ id: 1 }] }, null, 2));
    await page.getByRole("navigation", { name: "Resources" }).getByRole("link", { name: /tags/ }).waitFor();
    assert.deepEqual(await typing(page), ["views", "1305", 3]);
    await page.keyboard.press("Backspace");
    await page.keyboard.press("Enter");
    await until(() => dataOf(file).posts[0].views === 135, "the number");
    await cell(page, 2, "title").getByText("Theirs").waitFor();
    assert.equal(dataOf(file).posts[0].title, "Fast");
    // The same cell again, before the server has answered.
    await startTyping(page, 2, "title", "One");
    await page.keyboard.press("Enter");
    await startTyping(page, 2, "title", "Two");
    await page.keyboard.press("Enter");
    await until(() => dataOf(file).posts[1].title === "Two", "the second title");
    assert.equal(await page.locator(".edit").count(), 0);
  });

  check("an editor whose value is refused comes back and does not take the focus from another one", async (context) => {
    const held = JSON.stringify({ type: "object", properties: { posts: { type: "array", items: { type: "object", properties: { title: { type: "string" }, views: { type: "number", minimum: 0 } } } } } });
    const { url, file } = await serve(context, data, held);
    const page = await visit(`${url}/#/posts`, { width });
    const write = await hold(page, (request) => request.method() === "PATCH");
    await startTyping(page, 1, "views", "-5");
    await page.keyboard.press("Enter");
    await write.there;
    await startTyping(page, 2, "title", "Typed");
    write.free();
    await cell(page, 1, "views").getByText(/at least 0/).waitFor();
    assert.deepEqual(await typing(page), ["title", "Typed", 5]);
    await page.keyboard.press("Enter");
    await until(() => dataOf(file).posts[1].title === "Typed", "the title");
    assert.equal(await cell(page, 1, "views").getByRole("textbox").inputValue(), "-5");
    await cell(page, 1, "views").getByRole("textbox").fill("5");
    await page.keyboard.press("Enter");
    await until(() => dataOf(file).posts[0].views === 5, "the number");
    await until(async () => (await page.locator(".edit").count()) === 0, "the editors to be closed");
    // A value that was changed elsewhere is overwritten by Enter, not on blur.
    await deafen(page);
    await page.reload();
    await startTyping(page, 1, "title", "Mine");
    await patch(url, { title: "Theirs" });
    await page.keyboard.press("Enter");
    await cell(page, 1, "title").getByText(/Changed elsewhere/).waitFor();
    await page.getByLabel("Search").focus();
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    assert.equal(await cell(page, 1, "title").getByRole("textbox").inputValue(), "Mine");
    assert.equal(dataOf(file).posts[0].title, "Theirs");
    // Discarding once does not discard later changes.
    for (const text of ["12x", "13x"]) {
      await page.getByRole("button", { name: "id", exact: true }).click();
      await page.getByRole("button", { name: "Discard" }).click();
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await until(async () => (await page.locator(".edit").count()) === 0, "the editor to be closed");
      await startTyping(page, 1, "views", text);
    }
    await page.getByRole("button", { name: "id", exact: true }).click();
    await page.getByRole("dialog").getByText("Discard the changes?").waitFor();
  });

  check("a redraw leaves what a person is at: rows, selection, menus, the place in a list", async (context) => {
    const { url, file } = await serve(context, data, rules);
    const page = await visit(`${url}/#/posts`, { width });
    await cell(page, 1, "userId").getByRole("link", { name: /Ann/ }).waitFor();
    const mark = (locator) => locator.evaluate((one) => { one.marked = true; });
    const isMarked = (locator) => locator.evaluate((one) => one.marked === true);
    // Unchanged elements are not replaced, so a click in progress is not lost.
    const link = page.getByRole("navigation", { name: "Tools" }).getByRole("link", { name: "Rules" });
    for (const one of [page.locator('tr[data-id="1"]'), cell(page, 1, "title"), page.getByRole("button", { name: "title", exact: true }), link]) await mark(one);
    await page.getByLabel("Select 1", { exact: true }).check();
    await patch(url, { views: 77 });
    await cell(page, 1, "views").getByText("77").waitFor();
    for (const one of [page.locator('tr[data-id="1"]'), cell(page, 1, "title"), page.getByRole("button", { name: "title", exact: true }), link]) assert.ok(await isMarked(one));
    // Sorting and choosing columns do not change the selection.
    await page.getByRole("button", { name: "title", exact: true }).click();
    await page.locator('th[aria-sort="ascending"]').waitFor();
    assert.ok(await page.getByLabel("Select 1", { exact: true }).isChecked());
    await page.getByText("1 selected").waitFor();
    // A pending search does not navigate back from the next page.
    await page.clock.install();
    await page.getByLabel("Search").fill("tea");
    await page.getByRole("navigation", { name: "Resources" }).getByRole("link", { name: /users/ }).click();
    await page.getByRole("heading", { name: "users", level: 1 }).waitFor();
    await page.clock.fastForward(1000);
    await page.waitForURL(/#\/users$/);
    // The list of requests: the focus in a row, and an open menu.
    await patch(url, { nothing: 1 }, "/posts/99");
    await page.goto(`${url}/#requests`);
    const row = page.locator(".requests > li").filter({ hasText: "/posts/99" });
    await row.locator("summary").first().click();
    await row.getByText("Copy as", { exact: true }).click();
    await row.getByRole("button", { name: "Copy as axios" }).focus();
    await fetch(`${url}/users/1`);
    await page.locator(".requests > li").filter({ hasText: "/users/1" }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Copy as axios");
    // The history: what was closed stays closed.
    await page.goto(`${url}/#history`);
    const step = page.locator(".step").filter({ hasText: "Version 1" }).locator("details").first();
    await step.locator("summary").click();
    await until(async () => !(await step.evaluate((one) => one.open)), "the change to be closed");
    await patch(url, { views: 78 });
    await page.getByText("Version 2").waitFor();
    assert.equal(await step.evaluate((one) => one.open), false);
    assert.match(await focused(page), /^summary/);
    // A form: the caret stays where it is when the record is drawn again.
    await page.goto(`${url}/#/posts/1`);
    const title = page.getByLabel("title");
    await title.focus();
    await title.evaluate((one) => one.setSelectionRange(3, 3));
    await patch(url, { views: 79 });
    await until(async () => (await page.getByLabel("views").inputValue()) === "79", "the change");
    assert.equal(await page.evaluate(() => `${document.activeElement.id} ${document.activeElement.selectionStart}`), "field-title 3");
    assert.equal(dataOf(file).posts[0].views, 79);
  });

  check("what is typed into a record stays when a change arrives while it is being opened", async (context) => {
    const { url } = await serve(context, data);
    const page = await visit(`${url}/#/posts`, { width });
    const sent = [];
    await page.route(`${url}/posts/1`, (route) => sent.push(route));
    await page.goto(`${url}/#/posts/1`);
    await until(() => sent.length === 1, "the request for the record");
    const model = page.waitForResponse(/health/);
    await patch(url, { views: 8 });
    await (await model).finished();
    await sent[0].continue();
    await page.getByLabel("title").fill("Typed");
    await until(() => sent.length === 2, "the request for the changed record");
    const last = page.waitForResponse(`${url}/posts/1`);
    await sent[1].continue();
    await (await last).finished();
    await page.getByText("The record has been changed elsewhere").or(page.getByText("Unsaved changes")).first().waitFor();
    assert.equal(await page.getByLabel("title").inputValue(), "Typed");
  });

  check("a double click creates one record, and saves once", async (context) => {
    const { url, file } = await serve(context, data, undefined, { options: ["--delay", "150"] });
    const page = await visit(`${url}/#new/users`, { width });
    await page.getByLabel("name").fill("Cleo");
    await page.getByRole("button", { name: "Create" }).dblclick();
    await page.getByRole("heading", { name: "user 3" }).waitFor();
    await page.getByLabel("name").fill("Cleopatra");
    await page.getByRole("button", { name: "Save" }).dblclick();
    await page.getByText("Saved user 3").waitFor();
    assert.deepEqual(dataOf(file).users.map((one) => one.name), ["Ann", "Ben", "Cleopatra"]);
    assert.equal(await page.getByRole("dialog").count(), 0);
  });

  check("what is done while a save is on its way waits for it", async (context) => {
    const { url, file } = await serve(context, data, rules);
    const page = await visit(`${url}/#/posts/1`, { width });
    let release;
    const hold = () => page.route((to) => to.pathname.startsWith("/posts"), async (route) => {
      if (route.request().method() === "GET") { await route.continue(); return; }
      const response = await route.fetch();
      await new Promise((done) => { release = done; });
      await route.fulfill({ response });
    });
    const held = async () => { await until(() => release, "the response that is held back"); const go = release; release = undefined; return go; };
    await hold();
    const save = page.getByRole("button", { name: "Save" });
    // Another Save saves later input, and leaving needs no confirmation when all is saved.
    await page.getByLabel("title").fill("First");
    await save.click();
    const first = await held();
    await page.getByLabel("title").fill("Second");
    await save.click();
    await page.evaluate(() => { location.hash = "#/posts/2"; });
    assert.equal(dataOf(file).posts[0].title, "First");
    first();
    (await held())();
    await until(() => page.getByLabel("title").inputValue().then((title) => title === "Kettles"), "the other record");
    assert.equal(dataOf(file).posts[0].title, "Second");
    assert.equal(await page.getByRole("dialog").count(), 0);
    // Leaving after input since the last Save needs a confirmation.
    await page.getByLabel("title").fill("Third");
    await save.click();
    const third = await held();
    await page.getByLabel("title").fill("Fourth");
    await page.evaluate(() => { location.hash = "#/posts/1"; });
    third();
    await page.getByRole("dialog").getByRole("button", { name: "Keep editing" }).click();
    assert.equal(await page.getByLabel("title").inputValue(), "Fourth");
    assert.equal(dataOf(file).posts[1].title, "Third");
    // Nothing is typed into a new record that is being created.
    await page.evaluate(() => { location.hash = "#new/posts"; });
    await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
    await page.getByRole("button", { name: "Create" }).waitFor();
    await page.getByLabel("title").fill("New");
    await page.getByRole("button", { name: "Create" }).click();
    const created = await held();
    assert.equal(await page.locator(".record-body").evaluate((one) => one.inert), true);
    created();
    await page.getByRole("button", { name: "Save" }).waitFor();
    assert.equal(dataOf(file).posts[2].title, "New");
  });

  check("single objects are not overwritten unseen either", async (context) => {
    const { url, file } = await serve(context, '{"settings": {"colour": "green", "size": 1.0}}');
    const page = await visit(`${url}/#/settings`, { width });
    await page.getByLabel("colour").fill("mine");
    await patch(url, { colour: "theirs" }, "/settings");
    await page.getByText("has been changed elsewhere").waitFor();
    await page.getByRole("button", { name: "Save" }).click();
    await dialog(page).getByRole("button", { name: "Overwrite" }).click();
    await until(() => dataOf(file).settings.colour === "mine", "the change");
    assert.match(readFileSync(file, "utf8"), /"size": 1\.0\b/);
  });

  check("a request that is being written is not left by Escape", async (context) => {
    const { url } = await serve(context, data);
    const page = await visit(`${url}/#requests`, { width });
    await page.getByRole("button", { name: "Send a request" }).click();
    await page.getByLabel("Body").fill('{"a": 1}');
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").getByText("Discard the changes?").waitFor();
    await page.keyboard.press("Escape");
    assert.equal(await page.getByLabel("Body").inputValue(), '{"a": 1}');
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Discard" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });
}
