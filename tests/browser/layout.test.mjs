// No page scrolls horizontally, from a small phone to a large screen; and the focused element is visible.
import { test } from "node:test";
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { browse, openPanel, serve, until, WIDTHS } from "./support.mjs";

const { visit, nothingWrong } = browse();
const long = "x".repeat(300);
const words = "a very long text that goes on ".repeat(20);
const data = JSON.stringify({
  posts: [{ id: long, title: words, [long]: long, nested: { [long]: { deep: [long, { [words]: words }] } }, list: [long, words], web: `https://example.com/${long}`, userId: 1, at: "2024-01-31T10:00:00Z" }, { id: 2, title: null, userId: 9 }],
  users: [{ id: 1, name: long, email: `${long}@example.com` }],
  [long]: [], settings: { [long]: long, theme: words },
});
const rules = JSON.stringify({ "x-auth": {}, type: "object", properties: { users: { type: "array", uniqueItemProperties: ["email"], items: { type: "object", required: ["name", "email"], properties: { name: { type: "string", description: words }, email: { type: "string", pattern: `^${long}` }, password: { type: "string" }, kind: { enum: [long, words] }, state: { const: long } } } } } });
const click = (name) => (page) => page.getByRole("button", { name, exact: true }).first().click();
/// Each view, and what is done there before the measurement.
const VIEWS = [["#/"], ["#/posts", click("Filter"), click("Facets")], ["#/posts", click("Columns")], ["#/posts", click("Download")], [`#/posts?title=${words}&_sort=-title`], ["#/posts", (page) => page.locator("tbody input").first().check()],
  [`#/posts/${long}`], [`#/posts/${long}`, click("Edit as JSON")], ["#new/users", click("Create"), (page) => page.locator(".problem").waitFor()], ["#new/posts?_json"], ["#/users/1"], ["#/users/1", click("Delete")], ["#/settings"], ["#/nothing"], ["#/posts/none"],
  ["#requests", (page) => page.locator(".requests summary").nth(1).click()], ["#history", (page) => page.locator(".diff").first().waitFor()], ["#rules", click("Make rules from the data"), (page) => page.locator("#rules-text").waitFor()], ["#server"], ["#rules", (page) => page.keyboard.press("?")], ["#/posts", openPanel], ["#/posts", openPanel, click("Edit and send")]];

test("no view scrolls sideways between 360 and 2560 px", async (context) => {
  const { url, file } = await serve(context, data, rules);
  const send = (method, path, body) => fetch(url + path, { method, headers: { "Content-Type": "application/json", "X-Long": long }, body });
  await send("PATCH", "/settings", JSON.stringify({ theme: long }));
  await send("POST", `/users?${long}=${long}`, JSON.stringify({ [long]: long }));
  await send("GET", `/posts/${long}${long}`);
  const wide = [];
  const measure = async (page, name) => {
    for (const width of [360, 390, 600, 768, 1024, 1280, 1920, 2560]) {
      await page.setViewportSize({ width, height: 800 });
      const found = await page.evaluate(() => [["page", document.documentElement], ["main", document.querySelector("main")], ["panel", document.querySelector("#panel:not([hidden])")], ["dialog", document.querySelector("dialog[open]")]]
        .filter(([, one]) => one && one.scrollWidth > one.clientWidth).map(([part, one]) => `${part} ${one.scrollWidth} > ${one.clientWidth}`));
      if (found.length > 0) wide.push(`${name} at ${width}: ${found.join(", ")}`);
    }
  };
  for (const [at, [hash, ...steps]] of VIEWS.entries()) {
    const page = await visit(`${url}/${hash}`, { width: 1000 });
    await page.waitForLoadState("networkidle", { timeout: 300 }).catch(() => {});
    for (const step of steps) await step(page);
    await measure(page, `${at} ${hash.slice(0, 30)}`);
  }
  writeFileSync(file, "{");
  const page = await visit(`${url}/#/posts`);
  await page.locator("#banner").getByText("The data file is broken").waitFor();
  await measure(page, "broken");
  assert.deepEqual(wide, []);
  nothingWrong();
});

for (const width of [360, 390]) {
  test(`the current page is in sight in the navigation, whatever is counted there (${width} px)`, async (context) => {
    const { url } = await serve(context, JSON.stringify({ posts: [], comments: [], users: [] }));
    const page = await visit(`${url}/#server`, { width });
    const isSeen = () => page.evaluate(() => {
      const { left, right } = document.querySelector("#nav [aria-current]").getBoundingClientRect();
      return left >= 0 && right <= innerWidth;
    });
    await until(isSeen, "the last item");
    for (let count = 0; count < 10; count += 1) await fetch(`${url}/nothing`);
    await page.locator("#nav .bad").getByText("10").waitFor();
    await until(isSeen, "the last item beside a longer one");
    nothingWrong();
  });
}

for (const width of WIDTHS) {
  test(`what has the focus can be seen in a long form (${width} px)`, async (context) => {
    const fields = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`p${at}`, { type: "string", minLength: 1 }]));
    const { url } = await serve(context, JSON.stringify({ things: [{ id: 1, ...Object.fromEntries(Object.keys(fields).map((key) => [key, "x"])) }] }),
      JSON.stringify({ type: "object", properties: { things: { type: "array", items: { type: "object", properties: fields } } } }));
    const page = await visit(`${url}/#/things/1`, { width });
    /// Whether the focused element is visible, and not behind the bar with the buttons.
    const isSeen = () => page.evaluate(() => {
      const box = document.activeElement.getBoundingClientRect();
      const bar = document.querySelector(".save-bar").getBoundingClientRect();
      return box.height > 0 && box.top >= 0 && box.bottom <= Math.min(innerHeight, bar.top) + 1;
    });
    await page.getByLabel("New property").fill("extra");
    await page.getByRole("button", { name: "Add property" }).click();
    await until(() => page.evaluate(() => document.activeElement.id === "field-extra"), "the focus on the new field");
    assert.ok(await isSeen(), "the new field is in sight");
    // The page around it has not moved.
    if (width > 760) assert.deepEqual(await page.evaluate(() => [document.documentElement.scrollTop, document.body.scrollTop, document.querySelector(".bar").getBoundingClientRect().top]), [0, 0, 0]);
    await page.keyboard.type("x");
    await page.getByRole("button", { name: "Remove extra" }).click();
    await page.getByLabel("p39").fill("");
    await page.locator("main h1").focus();
    await page.evaluate(() => { document.querySelector("main").scrollTop = 0; scrollTo(0, 0); });
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator('[aria-invalid="true"]').waitFor();
    await until(() => page.evaluate(() => document.activeElement.id === "field-p39"), "the focus on the invalid field");
    assert.ok(await isSeen(), "the invalid field is in sight");
    nothingWrong();
  });
}
