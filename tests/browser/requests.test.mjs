// Requests: copying in each format, editing and resending; the request list.
import { test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { browse, openPanel, serve, until, WIDTHS } from "./support.mjs";

const { visit, nothingWrong, clipboard } = browse();
const data = JSON.stringify({ users: [{ id: 1, name: "Ann O'Neil" }, { id: 2, name: "Ben" }] }, null, 2);
const rules = JSON.stringify({ type: "object", properties: { users: { type: "array", items: { type: "object", required: ["name"], properties: { name: { type: "string" } } } } } });
const dataOf = (file) => JSON.parse(readFileSync(file, "utf8"));

for (const width of WIDTHS) {
  const check = (name, run) => test(`${name} (${width} px)`, async (context) => { await run(context); nothingWrong(); });

  check("a request is copied in seven formats, and they work", async (context) => {
    const { url, file } = await serve(context, data, rules);
    const page = await visit(`${url}/#/users/1`, { width });
    await page.getByLabel("name").fill("Zoë O'Brien \"Z\" $1");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved user 1").waitFor();
    await openPanel(page);
    const copy = async (name) => {
      await page.locator("#panel .request").getByText("Copy as", { exact: true }).first().click();
      await page.locator("#panel .menu-body").getByRole("button", { name: `Copy as ${name}`, exact: true }).click();
      await page.locator(".toast").filter({ hasText: name === "documentation example" ? "documentation example" : `as ${name}` }).last().waitFor();
      return clipboard();
    };
    await page.locator("#panel").getByRole("button", { name: "Copy as curl", exact: true }).first().click();
    const command = await clipboard();
    assert.ok(command.startsWith(`curl -X PATCH ${url}/users/1 -H "Content-Type: application/json" -d '`), command);
    execFileSync("sh", ["-c", command.replace("Zoë", "Zena")]);
    assert.equal(dataOf(file).users[0].name, "Zena O'Brien \"Z\" $1");
    assert.equal(await copy("curl"), command);
    const fetched = await copy("fetch");
    await new Function(`return (async () => { ${fetched.replace("Zoë", "Zara")}; return data; })()`)();
    assert.equal(dataOf(file).users[0].name, "Zara O'Brien \"Z\" $1");
    const axios = await copy("axios");
    let called;
    await new Function("axios", `return (async () => { ${axios} })()`)((request) => { called = request; return { data: 1 }; });
    assert.deepEqual([called.method, called.url, called.data], ["patch", `${url}/users/1`, { name: "Zoë O'Brien \"Z\" $1" }]);
    const httpie = await copy("HTTPie");
    // Check how a shell splits the command into words.
    const words = execFileSync("sh", ["-c", `http() { printf '%s\\n' "$@"; }; ${httpie}`], { encoding: "utf8" }).trim().split("\n");
    assert.deepEqual(words, ["PATCH", `${url}/users/1`, "--raw", JSON.stringify({ name: "Zoë O'Brien \"Z\" $1" })]);
    assert.equal(await copy("PowerShell"), `Invoke-RestMethod -Method PATCH -Uri '${url}/users/1' -ContentType 'application/json' -Body '{"name":"Zoë O''Brien \\"Z\\" $1"}'`);
    assert.equal(await copy(".http"), `PATCH ${url}/users/1\nContent-Type: application/json\n\n{"name":"Zoë O'Brien \\"Z\\" $1"}\n`);
    assert.match(await copy("documentation example"), /^```bash\ncurl .*\n```\n\n```json\n\{[^`]*\}\n```\n$/);
  });

  check("what clients send is listed with the hint, filtered by status, and can be changed and sent again", async (context) => {
    const { url, file } = await serve(context, data, rules);
    const page = await visit(`${url}/#requests`, { width });
    const log = page.locator('[data-test="log"]');
    await page.getByText("Nothing yet").waitFor();
    await fetch(`${url}/users`, { method: "POST", headers: { "Content-Type": "application/json", Authorization: "Bearer hunter2" }, body: '{"Name": "x"}' });
    await fetch(`${url}/users/1`);
    await fetch(`${url}/-/health`);
    await log.getByText("/users", { exact: true }).waitFor();
    await log.getByText("/users/1", { exact: true }).waitFor();
    await log.getByText(/names are case-sensitive/).first().waitFor();
    assert.equal(await log.getByText("/-/").count(), 0);
    assert.match(await log.locator("li").nth(1).textContent(), /POST.*400.*ms/);
    // In the navigation the failures are counted.
    await page.locator("#pages .count").getByText("1").waitFor();
    await page.getByRole("group", { name: "Status" }).getByRole("button", { name: /4xx/ }).click();
    await until(async () => (await log.locator("li").count()) === 1, "one request");
    await log.locator("summary").first().click();
    assert.ok(!(await page.content()).includes("hunter2"));
    await log.getByText(/Secret values/).waitFor();
    await log.getByRole("button", { name: "Edit and send" }).click();
    const dialog = page.getByRole("dialog");
    assert.equal(await dialog.getByLabel("Method").inputValue(), "POST");
    await dialog.getByLabel("Body").fill('{"name": "Cleo"}');
    await dialog.getByRole("button", { name: "Send" }).click();
    await dialog.getByText("201").first().waitFor();
    assert.equal(dataOf(file).users[2].name, "Cleo");
    await dialog.getByLabel("Path and query").fill("//example.com/x");
    await dialog.getByRole("button", { name: "Send" }).click();
    await dialog.getByText(/leads to this server/).waitFor();
    await dialog.getByRole("button", { name: "Close" }).last().click();
    await page.getByRole("button", { name: "Discard" }).click();
    // This page's requests are shown on demand.
    await page.getByRole("group", { name: "Status" }).getByRole("button", { name: /All/ }).click();
    await page.getByLabel(/Include this page/).check();
    await until(async () => (await log.locator("li").count()) === 3, "the page's own request");
    await page.getByLabel("Filter by method or path").fill("get /users/1");
    await until(async () => (await log.locator("li").count()) === 1, "one request");
  });

  check("the request of the panel is changed and sent", async (context) => {
    const { url } = await serve(context, data, rules);
    const page = await visit(`${url}/#/users`, { width });
    await page.locator('tr[data-id="1"]').waitFor();
    await openPanel(page);
    await page.locator("#panel").getByRole("button", { name: "Edit and send" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Path and query").fill("/users/99");
    await dialog.getByRole("button", { name: "Send" }).click();
    await dialog.getByText("404").first().waitFor();
    await page.keyboard.press("Escape");
    assert.match(await page.locator("#panel .request-line").textContent(), /GET\/users\/99404/);
  });
}
