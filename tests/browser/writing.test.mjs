// Writing: cells, forms, pickers, bulk actions, errors at the field, undo and history.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { browse, serve, until, WIDTHS } from "./support.mjs";

const { visit, nothingWrong } = browse();
const data = JSON.stringify({
  users: [{ id: 1, name: "Ann", email: "ann@example.com", role: "reader" }, { id: 2, name: "Ben", email: "ben@example.com", role: "reader" }],
  posts: [{ id: 1, title: "Why tea", userId: 1, views: 120 }, { id: 2, title: "Kettles", userId: 2, views: 45 }, { id: 3, title: "Trains", userId: 1, views: 8 }],
}, null, 2);
const rules = JSON.stringify({ type: "object", properties: {
  users: { type: "array", uniqueItemProperties: ["email"], items: { type: "object", required: ["name", "email"], additionalProperties: false, properties: {
    id: { type: "integer" }, name: { type: "string", minLength: 1, maxLength: 40 }, email: { type: "string", format: "email" }, role: { enum: ["reader", "admin"], default: "reader" },
    born: { type: "string", format: "date" }, seen: { type: "string", format: "date-time" }, active: { type: "boolean", default: true }, age: { type: "integer", minimum: 0, maximum: 150 }, password: { type: "string", format: "password" } } } },
  posts: { type: "array", items: { type: "object", required: ["title"], properties: { title: { type: "string" }, userId: { type: ["integer", "null"], references: "users" }, views: { type: "integer", minimum: 0 } } } } } });
const dataOf = (file) => JSON.parse(readFileSync(file, "utf8"));
const cell = (page, id, column) => page.locator(`tr[data-id="${id}"] td[data-column="${column}"]`);

for (const width of WIDTHS) {
  const check = (name, run) => test(`${name} (${width} px)`, async (context) => { await run(context); nothingWrong(); });

  check("a cell is edited in place, with the problem at it", async (context) => {
    const { url, file } = await serve(context, data, rules);
    const page = await visit(`${url}/#/posts`, { width });
    await cell(page, 1, "title").focus();
    await page.keyboard.press("F2");
    const input = cell(page, 1, "title").getByRole("textbox");
    await input.fill("Why coffee");
    await input.press("Enter");
    const toast = page.locator(".toast").filter({ hasText: "Saved post 1" });
    await toast.waitFor();
    assert.equal(dataOf(file).posts[0].title, "Why coffee");
    await cell(page, 1, "title").getByText("Why coffee").waitFor();
    await toast.getByRole("button", { name: "Undo" }).click();
    await cell(page, 1, "title").getByText("Why tea").waitFor();
    assert.equal(dataOf(file).posts[0].title, "Why tea");
    // A violation of the rules: the message is at the cell, and the field stays open.
    await cell(page, 2, "views").focus();
    await cell(page, 2, "views").getByRole("button", { name: "Edit this value" }).click();
    await cell(page, 2, "views").getByRole("textbox").fill("-1");
    await page.keyboard.press("Enter");
    await cell(page, 2, "views").getByText(/must be at least 0/).waitFor();
    assert.equal(dataOf(file).posts[1].views, 45);
    await page.keyboard.press("Escape");
    await until(async () => (await cell(page, 2, "views").textContent()).startsWith("45"), "the old value");
    await until(() => cell(page, 2, "views").evaluate((one) => one === document.activeElement), "the cell has the focus");
    // A reference has a picker with search.
    await cell(page, 3, "userId").focus();
    await page.keyboard.press("e");
    const pick = cell(page, 3, "userId").getByRole("combobox");
    await pick.fill("ben");
    await page.getByRole("option", { name: /Ben/ }).click();
    await cell(page, 3, "userId").getByRole("link", { name: /Ben/ }).waitFor();
    await until(() => dataOf(file).posts[2].userId === 2, "the reference");
  });

  check("a new record has the defaults, typed fields with their limits, and the server's problem at the field", async (context) => {
    const { url, file } = await serve(context, data, rules);
    const page = await visit(`${url}/#/users`, { width });
    await page.getByRole("button", { name: "New record" }).click();
    await page.getByRole("heading", { name: "New user" }).waitFor();
    assert.equal(await page.getByLabel("role").inputValue(), '"reader"');
    assert.equal(await page.getByLabel("active").inputValue(), "true");
    assert.equal(await page.getByLabel("born").getAttribute("type"), "date");
    assert.equal(await page.getByLabel("seen").getAttribute("type"), "datetime-local");
    assert.equal(await page.getByLabel("password", { exact: true }).getAttribute("type"), "password");
    await page.getByText("0 to 150").waitFor();
    await page.getByText("1 to 40 characters").waitFor();
    await page.getByLabel("name").fill("Zoë");
    await page.getByLabel("email").fill("broken");
    await page.getByRole("button", { name: "Create" }).click();
    await page.locator('[aria-invalid="true"]').waitFor();
    const described = (await page.getByLabel("email").getAttribute("aria-describedby")).split(" ")[0];
    assert.match(await page.locator(`[id="${described}"]`).textContent(), /must be an e-mail address/);
    assert.ok(await page.getByLabel("email").evaluate((one) => one === document.activeElement), "the field has the focus");
    await page.getByLabel("email").fill("ANN@example.com");
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByText(/already used by users\/1/).first().waitFor();
    await page.getByLabel("email").fill("zoe@example.com");
    await page.getByLabel("born").fill("1990-02-03");
    await page.getByLabel("active").selectOption("false");
    await page.getByLabel("age").fill("34");
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByRole("heading", { name: "user 3" }).waitFor();
    assert.deepEqual(dataOf(file).users[2], { name: "Zoë", email: "zoe@example.com", role: "reader", born: "1990-02-03", active: false, age: 34, id: 3 });
    // Duplicate it: everything but the id.
    await page.getByRole("button", { name: "Duplicate" }).click();
    await page.getByRole("heading", { name: "New user" }).waitFor();
    assert.equal(await page.getByLabel("born").inputValue(), "1990-02-03");
    await page.getByLabel("email").fill("zoe2@example.com");
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByRole("heading", { name: "user 4" }).waitFor();
    assert.equal(dataOf(file).users[3].age, 34);
  });

  check("a reference of the form is picked with the keyboard, and set to null", async (context) => {
    const { url, file } = await serve(context, data, rules);
    const page = await visit(`${url}/#/posts/1`, { width });
    await page.locator(".picked").getByRole("link", { name: "Ann" }).waitFor();
    const pick = page.getByLabel("userId");
    await pick.fill("be");
    await page.getByRole("option", { name: /Ben/ }).waitFor();
    await pick.press("ArrowDown");
    await pick.press("Enter");
    assert.equal(await pick.inputValue(), "2");
    await page.getByRole("button", { name: "Save" }).click();
    await until(() => dataOf(file).posts[0].userId === 2, "the reference");
    await page.locator(".field").filter({ has: pick }).getByRole("button", { name: "Set to null" }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await until(() => dataOf(file).posts[0].userId === null, "null");
  });

  check("rows are selected and deleted, and one undo brings them back", async (context) => {
    const { url, file } = await serve(context, data, rules);
    const page = await visit(`${url}/#/posts`, { width });
    await page.getByLabel("Select 1", { exact: true }).check();
    await page.getByLabel("Select 3", { exact: true }).check();
    await page.getByText("2 selected").waitFor();
    await page.locator(".bulk").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("heading", { name: "Delete posts 1 and 3?" }).waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    const toast = page.locator(".toast").filter({ hasText: "Deleted posts 1 and 3" });
    await toast.waitFor();
    assert.deepEqual(dataOf(file).posts.map((one) => one.id), [2]);
    await page.getByText("1–1 of 1").waitFor();
    await toast.getByRole("button", { name: "Undo" }).click();
    await page.getByText("1–3 of 3").waitFor();
    assert.deepEqual(dataOf(file), JSON.parse(data));
    // One that others point to: they are listed. A refused deletion shows the reason.
    await page.goto(`${url}/#/users/1`);
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("heading", { name: "Delete user 1 and 2 posts?" }).waitFor();
  });

  check("several records are created from JSON, and what is refused stays to be corrected", async (context) => {
    const { url, file } = await serve(context, data, rules);
    const page = await visit(`${url}/#/users`, { width });
    await page.getByRole("button", { name: "Paste JSON" }).click();
    const area = page.getByLabel("One object, or a list of objects");
    const create = page.getByRole("button", { name: "Create" });
    await area.fill("[{");
    await create.click();
    await page.getByText(/Not valid JSON/).waitFor();
    // Pasted text is not discarded by accident.
    await page.getByRole("link", { name: "Cancel" }).click();
    await page.getByRole("dialog").getByText("Discard the changes?").waitFor();
    await page.keyboard.press("Escape");
    assert.equal(await area.inputValue(), "[{");
    await area.fill('[{"name": "A", "email": "a@example.com"}, {"name": "B", "email": "b"}, {"name": "C", "email": "c@example.com"}]');
    await create.click();
    await page.getByText("Record 2 was not created.").waitFor();
    assert.equal(dataOf(file).users.length, 3);
    assert.deepEqual(JSON.parse(await area.inputValue()).map((one) => one.name), ["B", "C"]);
    await area.fill((await area.inputValue()).replace('"b"', '"b@example.com"'));
    await create.click();
    await page.getByText("1–5 of 5").waitFor();
    assert.deepEqual(dataOf(file).users.slice(2).map((one) => one.name), ["A", "B", "C"]);
    await page.locator(".toast").filter({ hasText: "Created 2 users" }).getByRole("button", { name: "Undo" }).click();
    await page.getByText("1–3 of 3").waitFor();
  });

  check("the history shows what differs, and goes back", async (context) => {
    const { url, file } = await serve(context, data, rules);
    const patch = (path, body) => fetch(url + path, { method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    await patch("/posts/1", { title: "One" });
    await patch("/posts/1", { title: "Two" });
    await fetch(`${url}/posts/2`, { method: "DELETE" });
    const page = await visit(`${url}/#history`, { width });
    const step = page.locator('li[data-version="2"]');
    await step.getByText("Version 2", { exact: true }).waitFor();
    assert.match(await step.locator(".old").textContent(), /One/);
    assert.match(await step.locator(".new").textContent(), /Two/);
    await page.locator('li[data-version="3"]').getByText("deleted", { exact: true }).waitFor();
    await page.locator('li[data-version="1"]').getByRole("button", { name: /Go back to here/ }).click();
    await page.locator(".toast").filter({ hasText: "Went back to version 1" }).waitFor();
    assert.deepEqual(dataOf(file).posts.map((one) => one.title), ["One", "Kettles", "Trains"]);
    await page.locator(".toast").getByRole("button", { name: "Undo" }).click();
    await until(() => dataOf(file).posts.length === 2, "the undo");
    assert.equal(dataOf(file).posts[0].title, "Two");
    await page.locator('li[data-version="0"]').getByRole("button", { name: /Go back to here/ }).click();
    await until(() => readFileSync(file, "utf8") === data, "the start");
    // An edit of the file is in the history, too.
    writeFileSync(file, data.replace("Kettles", "Edited"));
    await page.getByText("edit of the file").waitFor();
  });

  check("hostile records stay text", async (context) => {
    const attack = '<img src=x onerror="alert(1)">';
    const wide = Object.fromEntries(Array.from({ length: 10000 }, (_, index) => [`p${index}`, index]));
    const hostile = JSON.stringify({
      [attack]: [{ id: attack, [attack]: attack, link: "javascript:alert(1)", image: "data:text/html,x", long: "x".repeat(1000000) }],
      "__proto__x": [], wide: [{ id: 1, ...wide }], odd: [5, null, "text", [1], { id: "a/b c?#%", n: "N" }], "a/b": [{ id: "../x", "__proto__x": 1 }],
    }).replaceAll("__proto__x", "__proto__").replace('"N"', "12345678901234567890");
    const { url, file } = await serve(context, hostile);
    const page = await visit(url, { width });
    const resources = page.getByRole("navigation", { name: "Resources" }).getByRole("link");
    await resources.nth(4).waitFor();
    for (let number = 0; number < 5; number += 1) {
      await resources.nth(number).click();
      await page.locator(".toolbar").waitFor();
      await page.locator('[data-test="range"]:not(:empty), .empty:not([hidden])').first().waitFor();
      const records = page.locator("tbody a.id");
      if ((await records.count()) > 0) {
        await records.first().click();
        await page.locator("form.record").waitFor();
      }
    }
    // A value that is too long for a field, and a number that JavaScript would round, survive a change beside them.
    await page.goto(`${url}/#/${encodeURIComponent(attack)}/${encodeURIComponent(attack)}`);
    await page.getByLabel("link").fill("changed");
    await page.getByRole("button", { name: "Remove image" }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText(/^Saved/).waitFor();
    const saved = (await (await fetch(`${url}/db`)).json())[attack][0];
    assert.deepEqual([saved.link, saved.long.length, saved[attack], saved.image], ["changed", 1000000, attack, undefined]);
    await page.goto(`${url}/#/odd/${encodeURIComponent("a/b c?#%")}`);
    await page.getByLabel("New property").fill("extra");
    await page.getByRole("button", { name: "Add property" }).click();
    await page.getByLabel("extra", { exact: true }).fill("text");
    await page.getByRole("button", { name: "Edit as JSON" }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText(/^Saved/).first().waitFor();
    await until(() => /12345678901234567890\b/.test(readFileSync(file, "utf8")) && /extra/.test(readFileSync(file, "utf8")), "the number as it was");
    assert.equal(await page.locator("main img, iframe, object, script:not([src])").count(), 0);
    for (const href of await page.locator("a").evaluateAll((links) => links.map((link) => link.getAttribute("href")))) assert.match(href, /^(#|\/|https?:\/\/)/);
  });

  check("an empty file, a single object, and a resource that is not there", async (context) => {
    const { url, file } = await serve(context, "{}");
    const page = await visit(url, { width });
    await page.getByText("No resources yet").waitFor();
    writeFileSync(file, '{"notes": [], "settings": {"dark": true, "size": 1.0}}');
    await page.getByRole("navigation", { name: "Resources" }).getByRole("link", { name: "notes" }).click();
    await page.getByText("notes is empty").waitFor();
    await page.getByRole("navigation", { name: "Resources" }).getByRole("link", { name: "settings" }).click();
    await page.getByLabel("dark").selectOption("false");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved settings").waitFor();
    assert.equal(readFileSync(file, "utf8"), '{"notes": [], "settings": {"dark": false, "size": 1.0}}');
    await page.goto(`${url}/#/nothing`);
    await page.getByText("The data has no resource nothing").waitFor();
  });
}

test("it is used with the keyboard alone", async (context) => {
  const { url, file } = await serve(context, data, rules);
  const page = await visit(`${url}/#/users`);
  await page.locator("tbody tr").first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("ben@");
  await page.getByText("1–1 of 1").waitFor();
  await page.locator("tbody a.id").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.column), "name");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "user 2" }).waitFor();
  await page.getByLabel("name").focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("Benno");
  await page.keyboard.press("Control+S");
  await page.getByText("Saved user 2").waitFor();
  assert.equal(dataOf(file).users[1].name, "Benno");
  await page.locator("main h1").focus();
  await page.keyboard.press("u");
  await until(() => page.evaluate(() => document.getElementById("field-name")?.value === "Ben"), "the undo");
  await page.locator("main h1").focus();
  await page.keyboard.press("n");
  await page.getByRole("heading", { name: "New user" }).waitFor();
  nothingWrong();
});
