// The server's page, and the rules.
import { test } from "node:test";
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { browse, focused, serve, until, WIDTHS } from "./support.mjs";

const { visit, nothingWrong } = browse();
const data = JSON.stringify({ users: [{ id: 1, name: "Ann", email: "ann@example.com" }, { id: 2, name: "Ben", email: "ben@example.com" }], posts: [{ id: 1, title: "Tea", userId: 1 }, { id: 2, title: "Cup", userId: 2, sub: "x" }] }, null, 2);
const dataOf = (file) => JSON.parse(readFileSync(file, "utf8"));
const post = (url, body) => fetch(`${url}/users`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

for (const width of WIDTHS) {
  const check = (name, run) => test(`${name} (${width} px)`, async (context) => { await run(context); nothingWrong(); });

  check("read-only is a switch", async (context) => {
    const { url } = await serve(context, data);
    const page = await visit(`${url}/#server`, { width });
    await page.getByRole("switch", { name: /Read-only/ }).click();
    await page.locator(".bar").getByText("read-only").waitFor();
    assert.equal((await post(url, { name: "x" })).status, 403);
    assert.ok((await (await fetch(`${url}/-/health`)).json()).readOnly);
    await page.getByRole("switch", { name: /Read-only/ }).click();
    await page.locator(".bar").getByText("read-only").waitFor({ state: "detached" });
    assert.equal((await post(url, { name: "x" })).status, 201);
  });

  check("snapshots are taken, named and restored; reset can be undone", async (context) => {
    const { url, file } = await serve(context, data);
    const page = await visit(`${url}/#server`, { width });
    await post(url, { name: "One" });
    await page.getByLabel("Name", { exact: true }).fill("before lunch");
    await page.getByRole("button", { name: "Take a snapshot" }).click();
    await page.locator(".snapshots").getByText("before lunch").waitFor();
    await post(url, { name: "Two" });
    await page.getByRole("button", { name: "Go back to before lunch" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Go back" }).click();
    await until(() => dataOf(file).users.length === 3, "the snapshot");
    await page.getByRole("button", { name: "Reset to the start" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Reset" }).click();
    await until(() => readFileSync(file, "utf8") === data, "the start");
    await page.locator(".toast").filter({ hasText: "at the start" }).getByRole("button", { name: "Undo" }).click();
    await until(() => dataOf(file).users.length === 3, "the undo");
  });

  check("delays and failures are switched on for a resource, and off", async (context) => {
    const { url } = await serve(context, data);
    const page = await visit(`${url}/#server`, { width });
    await page.getByLabel("Failure of posts").selectOption("503");
    await page.getByLabel("Delay of users").fill("5ms");
    await page.getByRole("button", { name: "Apply" }).click();
    await page.getByText("The rules for delay and failures are in effect").waitFor();
    assert.deepEqual([(await fetch(`${url}/posts`)).status, (await fetch(`${url}/posts/1`)).status, (await fetch(`${url}/users`)).status], [503, 503, 200]);
    await page.reload();
    await page.getByLabel("Failure of posts").waitFor();
    assert.equal(await page.getByLabel("Failure of posts").inputValue(), "503");
    await page.getByLabel("Delay of posts").fill("soon");
    await page.getByRole("button", { name: "Apply" }).click();
    // The message is about the input, not about a position in generated JSON.
    const problem = page.getByRole("region", { name: "Delay and failures" }).locator(".problem");
    assert.match(await problem.textContent(), /^posts: delay: "soon" is not a time such as 200ms or 2s/);
    assert.equal(await focused(page), "input Delay of posts");
    await page.getByRole("button", { name: "Turn all off" }).click();
    await until(async () => (await fetch(`${url}/posts`)).status === 200, "no failures");
  });

  check("rules set elsewhere are shown as they are, and stay when another resource's are changed", async (context) => {
    const { url } = await serve(context, data);
    const set = (method, body) => fetch(`${url}/-/faults`, { method, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body) }).then((response) => response.json());
    const page = await visit(`${url}/#server`, { width });
    const fields = ["Delay of posts", "Failure of posts", "Chance for posts, in per cent"].map((name) => page.getByLabel(name));
    for (const [rule, shown] of [[{ delay: 200 }, ["200", "", "100"]], [{ fail: {} }, ["", "500", "100"]], [{ fail: { abort: true } }, ["", "abort", "100"]], [{ limit: "9/minute", fail: { status: 418, chance: 0.005, times: 2 } }, ["", "418", "0.5"]]]) {
      const before = { "GET /users": { delay: 1 }, "* /posts/**": rule };
      await set("PUT", before);
      await page.reload();
      await fields[0].waitFor();
      assert.deepEqual(await Promise.all(fields.map((one) => one.inputValue())), shown);
      // So do rules that are set while the page is open.
      await set("PUT", { ...before, "GET /posts/2": { delay: 1 } });
      await page.getByLabel("Delay of users").fill("5");
      await page.getByRole("button", { name: "Apply" }).click();
      await until(async () => (await page.getByLabel("Delay of users").inputValue()) === "5ms", "the rules in effect");
      assert.deepEqual(await set("GET"), { ...before, "GET /posts/2": { delay: 1 }, "* /users/**": { delay: "5ms" } });
    }
  });

  check("a failure has a chance, which is asked for only then; what is not applied is not lost by a click", async (context) => {
    const { url } = await serve(context, data, undefined, { options: ["--routes", "routes.json", "--no-faults"], files: { "routes.json": '{"GET /users": {"fail": {"status": 418}}}' } });
    const page = await visit(`${url}/#server`, { width });
    const chance = page.getByLabel("Chance for users");
    await page.getByLabel("Failure of users").waitFor();
    assert.ok(await chance.isDisabled());
    await page.getByLabel("Failure of users").selectOption("503");
    for (const wrong of ["", "101", "-1"]) {
      await chance.fill(wrong);
      await page.getByRole("button", { name: "Apply" }).click();
      assert.equal(await focused(page), "input Chance for users, in per cent");
    }
    assert.equal((await fetch(`${url}/users`)).status, 418);
    await page.locator('#nav a[href="#rules"]').click();
    await page.getByRole("dialog").getByRole("button", { name: "Keep editing" }).click();
    await chance.fill("33.3");
    await page.getByRole("button", { name: "Apply" }).click();
    await page.getByText("The rules for delay and failures are in effect").waitFor();
    assert.deepEqual(await (await fetch(`${url}/-/faults`)).json(), { "* /users/**": { fail: { status: 503, chance: 0.333 } } });
    await page.getByRole("button", { name: "Turn all off" }).click();
    // The rules of the file are not switches of this page.
    await page.getByText("All switches are off").waitFor();
    assert.equal((await fetch(`${url}/users`)).status, 418);
    assert.equal(await focused(page), "button  Turn all off");
  });

  check("switches follow the resources; names that are patterns have none", async (context) => {
    const { url, file } = await serve(context, JSON.stringify({ posts: [], "a b": [], ":id": [], "**": [] }), undefined, { options: ["--read-only"] });
    const page = await visit(`${url}/#server`, { width });
    await page.getByLabel("Failure of a b").selectOption("no response");
    assert.equal(await page.getByLabel(/^Failure of/).count(), 2);
    await page.getByRole("button", { name: "Apply" }).click();
    await page.getByText("The rules for delay and failures are in effect").waitFor();
    await assert.rejects(fetch(`${url}/a%20b`, { signal: AbortSignal.timeout(300) }), { name: "TimeoutError" });
    assert.equal((await fetch(`${url}/posts`)).status, 200);
    writeFileSync(file, '{"posts": [], "teas": []}');
    await page.getByLabel("Failure of teas").waitFor();
  });

  check("the links lead to the data, the OpenAPI document and the references", async (context) => {
    const { url } = await serve(context, data);
    const page = await visit(`${url}/#server`, { width });
    for (const href of await page.locator(".link-list a").evaluateAll((links) => links.map((link) => link.href))) assert.equal((await fetch(href)).status, 200, href);
  });

  check("rules are shown, made from the data, and saved after a look", async (context) => {
    const { url, folder } = await serve(context, data);
    const page = await visit(`${url}/#rules`, { width });
    await page.getByRole("region", { name: "Rules of posts" }).getByRole("link", { name: "→ users" }).waitFor();
    await page.getByRole("button", { name: "Make rules from the data" }).click();
    const made = JSON.parse(await page.getByLabel("JSON Schema").inputValue());
    assert.equal(made.properties.posts.items.properties.userId.references, "users");
    assert.deepEqual(made.properties.posts.items.required, ["title", "userId"]);
    assert.deepEqual(made.properties.users.uniqueItemProperties, ["email"]);
    const file = join(folder, "db.schema.json");
    assert.ok(!existsSync(file), "nothing is saved before the look");
    await page.getByLabel("JSON Schema").fill("{");
    await page.getByRole("button", { name: "Save as the rules file" }).click();
    await page.getByText(/Not valid JSON/).waitFor();
    // Input is not lost by closing the editor, or by inferring the rules again.
    for (const name of ["Close", "Make rules from the data"]) {
      await page.locator("main").getByRole("button", { name }).click();
      await page.getByRole("dialog").getByText("Discard the changes?").waitFor();
      await page.keyboard.press("Escape");
      assert.equal(await page.getByLabel("JSON Schema").inputValue(), "{");
    }
    await page.getByLabel("JSON Schema").fill('{"type": "object", "requierd": []}');
    await page.getByRole("button", { name: "Save as the rules file" }).click();
    await page.locator("#rules-wrong").getByText(/unknown keyword/).waitFor();
    assert.ok(!existsSync(file));
    await page.getByLabel("JSON Schema").fill(JSON.stringify(made, null, 2));
    await page.getByRole("button", { name: "Save as the rules file" }).click();
    await page.getByText(/Saved db\.schema\.json/).waitFor();
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), made);
    // They take effect at once, here and in open forms; so do edits of the file.
    await page.getByText(/The rules are in effect/).waitFor();
    assert.equal((await post(url, { name: "x" })).status, 400);
    await page.getByRole("region", { name: "Rules of posts" }).getByText("required").first().waitFor();
    await page.goto(`${url}/#/users/1`);
    await page.getByLabel("name").waitFor();
    made.properties.users.items.properties.name.maxLength = 7;
    writeFileSync(file, JSON.stringify(made));
    await page.getByText("at most 7 characters").waitFor();
    writeFileSync(file, "{");
    await page.locator("#banner").getByText(/The rules file cannot be used/).waitFor();
    writeFileSync(file, JSON.stringify(made));
    await page.locator("#banner").waitFor({ state: "hidden" });
  });
}

test("the rules that are made hold for the data, and are rules", async (context) => {
  const { url } = await serve(context, data);
  const made = await (await fetch(`${url}/-/rules?from=data`)).text();
  const { url: strict } = await serve(context, data, made);
  const model = await (await fetch(`${strict}/-/model`)).json();
  assert.ok(model.resources.every((one) => one.rules));
  assert.equal((await post(strict, { name: "x" })).status, 400);
});
