// axe finds no violation on any page, at two widths, light and dark.
import { test } from "node:test";
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { browse, openPanel, serve, WIDTHS } from "./support.mjs";

const { visit, nothingWrong } = browse();
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = JSON.stringify({ type: "object", properties: { users: { type: "array", uniqueItemProperties: ["email"], items: { type: "object", required: ["name", "email"], properties: {
  name: { type: "string", minLength: 1 }, email: { type: "string", format: "email" }, role: { enum: ["admin", "reader"] }, born: { type: "string", format: "date" },
  age: { type: "integer", minimum: 0 }, active: { type: "boolean" }, password: { type: "string", format: "password" } } } } } });
const DATA = JSON.stringify({
  users: [{ id: 1, name: "Ann", email: "ann@example.com", role: "admin", born: "1990-02-03", active: true, age: 30 }, { id: 2, name: "Ben", email: "ben@example.com", role: "reader", active: false }],
  posts: [{ id: 1, title: "Why tea", userId: 1, tags: ["tea"], author: { name: "Ann", more: { deep: [1, { a: 2 }] } }, web: "https://example.com/a", at: "2024-01-31T10:00:00Z", nothing: null },
    { id: 2, title: "", userId: 2, tags: [], views: 5 }],
  profile: { name: "The tea blog", theme: "green" },
});

async function violations(page) {
  // Bypass the page's content security policy for the tests.
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => `${node.target.join(" ")} (${node.failureSummary.split("\n").slice(1, 3).join(" ").trim().slice(0, 200)})`).join(" | ")}`);
}

const click = (name) => (page) => page.getByRole("button", { name, exact: true }).first().click();
/// Each page, and what is done there before the check.
const PAGES = [
  ["#/", []], ["#/posts", []], ["#/posts?_sort=-title&title=", [click("Filter"), click("Facets"), (page) => page.locator(".facet").first().waitFor()]],
  ["#/posts", [(page) => page.getByRole("button", { name: "Columns" }).click()]], ["#/posts", [(page) => page.locator("tbody input").first().check()]],
  ["#/posts/1", []], ["#/posts/1", [click("Edit as JSON")]], ["#/posts/1", [click("Delete"), (page) => page.getByRole("dialog").waitFor()]], ["#/users/1", []],
  ["#new/users", [click("Create"), (page) => page.locator("[aria-invalid]").first().waitFor()]], ["#/profile", []], ["#/nothing", []], ["#/posts?title=zzz", []],
  ["#/posts", [click("Paste JSON"), (page) => page.locator("#json").waitFor()]], ["#requests", [(page) => page.locator(".requests summary").first().click()]], ["#history", []], ["#rules", [click("Make rules from the data"), (page) => page.locator("#rules-text").waitFor()]],
  ["#server", []], ["#/posts/1", [openPanel, click("Edit and send")]], ["#/posts/1", [openPanel]], ["#/posts/1", [(page) => page.locator("main h1").focus(), (page) => page.keyboard.press("?")]],
];

for (const width of WIDTHS) {
  for (const colorScheme of ["light", "dark"]) {
    test(`no page has a violation (${width} px, ${colorScheme})`, async (context) => {
      const { url, file } = await serve(context, DATA, RULES);
      await fetch(`${url}/users`, { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"name": 5}' });
      await fetch(`${url}/posts/2`, { method: "PATCH", headers: { "Content-Type": "application/json" }, body: '{"views": 6}' });
      const found = [];
      for (const [at, [hash, steps]] of PAGES.entries()) {
        const page = await visit(`${url}/${hash}`, { width, colorScheme });
        await page.waitForLoadState("networkidle", { timeout: 300 }).catch(() => {});
        for (const step of steps) await step(page);
        for (const one of await violations(page)) found.push(`${at} ${hash}: ${one}`);
      }
      writeFileSync(file, "{");
      const page = await visit(`${url}/#/posts`, { width, colorScheme });
      await page.locator("#banner").getByText("The data file is broken").waitFor();
      for (const one of await violations(page)) found.push(`broken: ${one}`);
      assert.deepEqual(found, []);
      nothingWrong();
    });
  }
}
