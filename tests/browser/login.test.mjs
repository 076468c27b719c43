// Signing in where the rules have `x-auth`.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { browse, serve, until, WIDTHS } from "./support.mjs";

const { visit, nothingWrong, held } = browse();
const data = JSON.stringify({ users: [{ id: 1, email: "ann@example.com", password: "change-me-1" }], orders: [{ id: 1, item: "tea", userId: 1 }], sensors: [{ id: 1, place: "roof" }] }, null, 2);
const rules = JSON.stringify({ "x-auth": { expires: "3s" }, type: "object", properties: {
  users: { "x-guard": { read: "anyone", write: "user" }, items: { type: "object", properties: { email: { type: "string" }, password: { type: "string", format: "password", writeOnly: true } } } },
  orders: { "x-guard": "owner", items: { type: "object", properties: { item: { type: "string" }, userId: { type: "integer", references: "users" } } } },
  sensors: { "x-guard": "key:X-Api-Key=abc", items: { type: "object" } } } });
const dataOf = (file) => JSON.parse(readFileSync(file, "utf8"));

for (const width of WIDTHS) {
  const start = async (context, expires) => {
    const { url, file } = await serve(context, data, rules.replace("3s", expires));
    const page = await visit(`${url}/#/orders`, { width });
    await page.evaluate(() => sessionStorage.clear());
    await page.reload();
    // A refused request shows the login fields, and is repeated after the login.
    await page.getByLabel("email").fill("ann@example.com");
    await page.getByLabel("password").fill("wrong");
    await page.locator("main").getByRole("button", { name: "Sign in" }).click();
    await page.getByText("the password is wrong").waitFor();
    await page.getByLabel("password").fill("change-me-1");
    await page.keyboard.press("Enter");
    await page.locator('tr[data-id="1"]').getByText("tea").waitFor();
    return { url, file, page };
  };

  test(`signing in, writing as a user, signing out (${width} px)`, async (context) => {
    const { url, file, page } = await start(context, "1h");
    assert.ok(!(await page.content()).includes("change-me-1"), "the password is shown");
    await page.locator('tr[data-id="1"] td[data-column="item"]').focus();
    await page.keyboard.press("F2");
    await page.locator(".edit input").fill("rice");
    await page.keyboard.press("Enter");
    await page.getByText("Saved order 1").waitFor();
    assert.equal(dataOf(file).orders[0].item, "rice");
    // Changes that only this user may see are received, too.
    const token = JSON.parse(await page.evaluate(() => sessionStorage.getItem("standin-headers"))).Authorization.value.replace("Bearer ", "");
    await fetch(`${url}/orders/1`, { method: "PATCH", headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` }, body: '{"item": "salt"}' });
    await page.locator('tr[data-id="1"]').getByText("salt").waitFor();
    // The login survives a reload, and a request that needs another key.
    await page.goto(`${url}/#/sensors`);
    await page.locator(".problem").getByText(/x-api-key/).first().waitFor();
    await page.goto(`${url}/#/orders/1`);
    await page.reload();
    await page.getByLabel("item").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.locator(".problem").getByRole("button", { name: "Sign in" }).waitFor();
    // The bar has it, too.
    await page.locator(".bar").getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("dialog").getByLabel("email").fill("ann@example.com");
    await page.getByRole("dialog").getByLabel("password").fill("change-me-1");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.getByLabel("item").waitFor();
    assert.equal((await fetch(`${url}/me`, { headers: { Authorization: `Bearer ${token}` } })).status, 401);
    nothingWrong();
  });

  test(`a login that has expired is asked for again, and what was typed stays (${width} px)`, async (context) => {
    const { file, page } = await start(context, "4s");
    await page.locator('tr[data-id="1"] a.id').click();
    await page.getByLabel("item").fill("rice");
    const token = JSON.parse(await page.evaluate(() => sessionStorage.getItem("standin-headers"))).Authorization.value.replace("Bearer ", "");
    const url = new URL(page.url()).origin;
    await until(async () => (await fetch(`${url}/me`, { headers: { Authorization: `Bearer ${token}` } })).status === 401, "the token to expire");
    const refreshed = page.waitForResponse((one) => one.request().method() === "GET" && one.url().endsWith("/orders/1"));
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator(".problem").getByRole("button", { name: "Sign in" }).first().waitFor();
    assert.equal(await page.getByLabel("item").inputValue(), "rice");
    assert.equal(dataOf(file).orders[0].item, "tea");
    // The refresh after the login expires does not show the login fields twice.
    await (await refreshed).finished();
    await page.locator(".problem").getByLabel("email").fill("ann@example.com");
    await page.locator(".problem").getByLabel("password").fill("change-me-1");
    await page.keyboard.press("Enter");
    await page.locator("#user").getByText("ann@example.com").waitFor();
    assert.equal(await page.getByLabel("item").inputValue(), "rice");
    nothingWrong();
  });
}

/// Guards without logins: the credentials are typed where the request was refused.
const guarded = JSON.stringify({ "x-auth": {}, type: "object", properties: {
  users: { "x-guard": { read: "anyone", write: "user" }, items: { type: "object", properties: { email: { type: "string" }, password: { type: "string", format: "password", writeOnly: true } } } },
  sensors: { "x-guard": "key:X-Api-Key=abc", items: { type: "object" } },
  orders: { "x-guard": { read: "anyone", write: "token:t0ken" }, items: { type: "object" } },
  notes: { "x-guard": "basic", items: { type: "object" } } } });

for (const width of WIDTHS) {
  test(`a key, a token, and a user with a password are asked for by what needs them (${width} px)`, async (context) => {
    const { url, file } = await serve(context, JSON.stringify({ ...JSON.parse(data), notes: [{ id: 1, text: "secret" }] }, null, 2), guarded);
    const page = await visit(`${url}/#/sensors`, { width });
    await page.evaluate(() => sessionStorage.clear());
    await page.reload();
    // Input is kept while the page receives other changes.
    const key = page.getByLabel("x-api-key");
    await key.fill("wrong");
    await key.press("Enter");
    await page.locator("#user").getByText("x-api-key").waitFor();
    await key.fill("abc");
    await fetch(`${url}/orders/1`, { method: "PATCH", headers: { "Content-Type": "application/json", Authorization: "Bearer t0ken" }, body: '{"item": "rice"}' });
    await until(() => dataOf(file).orders[0].item === "rice", "the change");
    assert.equal(await key.inputValue(), "abc");
    await page.getByRole("button", { name: "Send it from now on" }).click();
    await page.locator('tr[data-id="1"]').getByText("roof").waitFor();
    // It is kept together with a token, which a write to the record needs.
    await page.goto(`${url}/#/orders/1`);
    await page.getByLabel("item").fill("salt");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByLabel("Token").fill("t0ken");
    await page.getByLabel("Token").press("Enter");
    assert.equal(await page.getByLabel("item").inputValue(), "salt");
    await page.getByRole("button", { name: "Save" }).click();
    await until(() => dataOf(file).orders[0].item === "salt", "the order");
    await page.goto(`${url}/#/sensors/1`);
    await page.getByLabel("place").waitFor();
    // HTTP Basic, on the page of a record; without the browser's password dialog.
    await page.goto(`${url}/#/notes/1`);
    await page.getByLabel("User").fill("ann@example.com");
    await page.getByLabel("Password").fill("change-me-1");
    await page.getByLabel("Password").press("Enter");
    await until(async () => (await page.getByLabel("text").inputValue()) === "secret", "the note");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.goto(`${url}/#/sensors`);
    await key.waitFor();
    // An injected failure does not show login fields.
    await fetch(`${url}/-/faults`, { method: "PUT", headers: { "Content-Type": "application/json" }, body: '{"* /users/**": {"fail": {"status": 401}}}' });
    await page.goto(`${url}/#/users`);
    await page.locator(".problem").waitFor();
    assert.equal(await page.locator(".problem input").count(), 0);
    nothingWrong();
  });
}
