// The explorer in a real browser: what a person does with it, and what hostile data does not.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { many, open, root, serve } from "./support.mjs";

const rules = readFileSync(join(root, "tests/data/db.schema.json"), "utf8");
const three = `{
  "users": [
    { "lastName": "Lovelace", "firstName": "Ada", "email": "ada@example.com", "id": 1 },
    { "lastName": "Hopper", "firstName": "Grace", "email": "grace@example.com", "id": 2 },
    { "lastName": "Turing", "firstName": "Alan", "email": "alan@example.com", "id": 3 }
  ],
  "profile": { "name": "typicode" }
}
`;
let browser;
before(async () => { browser = await open(); });
after(async () => { await browser.close(); });

/// A page that is new to `url`.
async function visit(url) {
  await browser.page.goto("about:blank");
  await browser.page.goto(url);
  return browser.page;
}
const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());
const nothingWrong = () => {
  assert.deepEqual(browser.faults.splice(0), []);
  assert.deepEqual(browser.foreign.splice(0), []);
};

test("open, filter, create with a broken e-mail, fix it, copy as curl, edit the file, undo", async (context) => {
  const { url, file } = await serve(context, three, rules);
  const page = await visit(url);
  await page.getByRole("navigation", { name: "Resources" }).getByRole("link", { name: /users/ }).click();
  await page.locator("tbody tr").nth(2).waitFor();
  assert.equal(await page.locator('[data-test="range"]').textContent(), "1–3 of 3");

  // Filter; the address bar has it, and a reload keeps it.
  await page.getByLabel("Field").selectOption("firstName");
  await page.locator("#operator").selectOption({ label: "contains" });
  await page.getByLabel("Value").fill("gra");
  await page.getByRole("button", { name: "Add filter" }).click();
  await page.getByText("1–1 of 1").waitFor();
  assert.equal(new URL(page.url()).hash, "#/users?firstName:contains=gra");
  await page.reload();
  await page.getByText("1–1 of 1").waitFor();
  assert.match(await page.locator('[data-test="curl"]').textContent(), /users\?firstName:contains=gra/);
  await page.getByRole("button", { name: /Remove the filter/ }).click();
  await page.getByText("1–3 of 3").waitFor();

  // Sort by the API's own parameter.
  await page.getByRole("button", { name: "lastName" }).click();
  await page.locator('th[aria-sort="ascending"]').waitFor();
  await page.locator("tbody tr").first().getByText("Hopper").waitFor();

  // A broken e-mail: the server's message is at the field.
  await page.getByRole("button", { name: "New record" }).click();
  await page.getByLabel("lastName").fill("O'Brien");
  await page.getByLabel("firstName").fill("Zoë");
  await page.getByLabel("email").fill("broken");
  await page.getByRole("button", { name: "Create" }).click();
  const email = page.getByLabel("email");
  await page.locator('[aria-invalid="true"]').waitFor();
  assert.equal(await email.getAttribute("aria-invalid"), "true");
  const described = (await email.getAttribute("aria-describedby")).split(" ")[0];
  assert.match(await page.locator(`[id="${described}"]`).textContent(), /must be an e-mail address/);
  assert.ok(await email.evaluate((input) => input === document.activeElement), "the field has the focus");

  // Once fixed, it is created.
  await email.fill("zoe@example.com");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { name: "users / 4" }).waitFor();
  assert.equal(JSON.parse(readFileSync(file, "utf8")).users[3].lastName, "O'Brien");

  // Change it; copy the command, and run it with another value.
  await page.getByLabel("firstName").fill("Zora");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved").waitFor();
  await page.getByRole("button", { name: "Copy as curl" }).click();
  const command = await clipboard(page);
  assert.equal(command, `curl -X PATCH ${url}/users/4 -H "Content-Type: application/json" -d '{"firstName":"Zora"}'`);
  execFileSync("sh", ["-c", command.replace("Zora", "Zena")]);
  assert.equal(JSON.parse(readFileSync(file, "utf8")).users[3].firstName, "Zena");
  await page.waitForFunction(() => document.getElementById("field-firstName").value === "Zena");

  // As a documentation example.
  await page.getByRole("button", { name: "Copy as documentation example" }).click();
  assert.match(await clipboard(page), /^```bash\ncurl .*\n```\n\n```json\n\{[^`]*\}\n```\n$/);

  // An edit of the file shows by itself.
  await page.getByRole("link", { name: "All users" }).click();
  await page.locator('tr[data-id="2"]').getByText("Hopper").waitFor();
  writeFileSync(file, readFileSync(file, "utf8").replace("Hopper", "Edited"));
  await page.locator('tr[data-id="2"]').getByText("Edited").waitFor();

  // Undo takes it back, in the table and in the file.
  await page.getByRole("button", { name: "Undo" }).click();
  await page.locator('tr[data-id="2"]').getByText("Hopper").waitFor();
  assert.match(readFileSync(file, "utf8"), /Hopper/);
  nothingWrong();
});

test("what another client sends is shown with its problem", async (context) => {
  const { url, } = await serve(context, three, rules);
  const page = await visit(`${url}/#/users`);
  await page.getByText("Recent requests").click();
  await fetch(`${url}/users`, { method: "POST", headers: { "Content-Type": "application/json", Authorization: "Bearer hunter2" }, body: '{"lastname": "x"}' });
  const log = page.locator('[data-test="log"]');
  await log.getByText("POST /users").waitFor();
  await log.getByText(/names are case-sensitive/).first().waitFor();
  assert.ok(!(await page.content()).includes("hunter2"));
  nothingWrong();
});

test("hostile records stay text", async (context) => {
  const attack = '<img src=x onerror="alert(1)">';
  const wide = Object.fromEntries(Array.from({ length: 10000 }, (_, index) => [`p${index}`, index]));
  const data = JSON.stringify({
    [attack]: [{ id: attack, [attack]: attack, link: "javascript:alert(1)", long: "x".repeat(1000000) }],
    "__proto__x": [], wide: [{ id: 1, ...wide }], odd: [5, null, "text", [1], { id: "a/b c?#%", n: 12345678901234567890n.toString() }],
    "a/b": [{ id: "../x", "__proto__x": 1 }],
  }).replaceAll("__proto__x", "__proto__").replace('"12345678901234567890"', "12345678901234567890");
  const { url, file } = await serve(context, data);
  const page = await visit(url);
  const resources = page.getByRole("navigation", { name: "Resources" }).getByRole("link");
  await resources.nth(4).waitFor();
  for (let number = 0; number < 5; number++) {
    await resources.nth(number).click();
    await page.locator("main h2").waitFor();
    const records = page.locator("tbody a");
    await page.locator('[data-test="range"], .empty').first().waitFor();
    if ((await records.count()) > 0) {
      await records.first().click();
      await page.locator("main form").waitFor();
    }
  }
  // A value that is too long for a field, and a number that JavaScript would round, survive a change beside them.
  await visit(`${url}/#/${encodeURIComponent(attack)}/${encodeURIComponent(attack)}`);
  await page.getByLabel("link").fill("changed");
  await page.getByRole("button", { name: "Replace" }).click();
  await page.getByText("Saved").waitFor();
  // Not from the file: one of this size follows its journal.
  const saved = (await (await fetch(`${url}/db`)).json())[attack][0];
  assert.deepEqual([saved.link, saved.long.length, saved[attack]], ["changed", 1000000, attack]);
  await visit(`${url}/#/odd/${encodeURIComponent("a/b c?#%")}`);
  await page.getByRole("button", { name: "Replace" }).click();
  await page.getByText("Saved").waitFor();
  assert.match(readFileSync(file, "utf8"), /12345678901234567890\b/);
  assert.equal(await page.locator("img, iframe, object, script:not([src])").count(), 0);
  for (const href of await page.locator("a").evaluateAll((links) => links.map((link) => link.getAttribute("href")))) {
    assert.match(href, /^(#|\/)/);
  }
  nothingWrong();
});

test("a hundred thousand records are asked for page by page", async (context) => {
  const { url, } = await serve(context, many());
  const page = await visit(`${url}/#/people`);
  await page.getByText("1–20 of 100,000").waitFor();
  const sizes = [];
  page.on("response", async (response) => sizes.push([response.url(), (await response.body().catch(() => "")).length]));
  const start = Date.now();
  await page.getByRole("button", { name: "Last page" }).click();
  await page.getByText("99,981–100,000 of 100,000").waitFor();
  const time = Date.now() - start;
  assert.ok(time < 2000, `the last page took ${time} ms`);
  for (const [asked, size] of sizes) assert.ok(size < 100000, `${asked} has ${size} bytes`);
  await page.getByLabel("Search").fill("Ada 99991");
  await page.keyboard.press("Enter");
  await page.getByText("1–1 of 1").waitFor();
  nothingWrong();
});

test("it is used with the keyboard alone", async (context) => {
  const { url, file } = await serve(context, three, rules);
  const page = await visit(`${url}/#/users`);
  await page.locator("tbody tr").first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("grace");
  await page.keyboard.press("Enter");
  await page.getByText("1–1 of 1").waitFor();
  await page.keyboard.press("Tab");
  await page.locator("tbody a").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "users / 2" }).waitFor();
  await page.getByLabel("firstName").focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("Gracia");
  await page.keyboard.press("Enter");
  await page.getByText("Saved").waitFor();
  assert.match(readFileSync(file, "utf8"), /Gracia/);
  await page.locator("main").focus();
  await page.keyboard.press("u");
  await page.waitForFunction(() => document.getElementById("field-firstName")?.value === "Grace");
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("main").focus();
  await page.keyboard.press("n");
  await page.getByRole("heading", { name: "New record in users" }).waitFor();
  // Everything that can be used has a name.
  const nameless = await page.locator("button, a, input, select, textarea").evaluateAll((all) => all.filter((one) =>
    !(one.textContent.trim() || one.getAttribute("aria-label") || one.labels?.length)).map((one) => one.outerHTML));
  assert.deepEqual(nameless, []);
  nothingWrong();
});

test("an empty file, an object, and a resource that is not there", async (context) => {
  const { url, file } = await serve(context, "{}");
  const page = await visit(url);
  await page.getByText("No resources yet").waitFor();
  writeFileSync(file, '{"notes": [], "settings": {"dark": true, "size": 1.0}}');
  await page.getByRole("link", { name: "notes" }).first().click();
  await page.getByText("notes is empty").waitFor();
  await page.getByRole("navigation", { name: "Resources" }).getByRole("link", { name: "settings" }).click();
  await page.getByLabel("dark").selectOption("false");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved").waitFor();
  assert.equal(readFileSync(file, "utf8"), '{"notes": [], "settings": {"dark": false, "size": 1.0}}');
  await visit(`${url}/#/nothing`);
  await page.getByText("The data has no resource nothing").waitFor();
  nothingWrong();
});

test("the API reference shows every operation", async (context) => {
  const { url, } = await serve(context, three, rules);
  const page = await visit(`${url}/-/docs`);
  await page.getByText("POST").first().click();
  await page.locator("details.operation[open]").getByText("Answers").click();
  await page.getByText("The record breaks the rules").first().waitFor();
  assert.equal(await page.locator("details.operation").count(), 11);
  nothingWrong();
});
