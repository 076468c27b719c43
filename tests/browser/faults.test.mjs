// Regressions of the explorer, each at the width of a phone and of a laptop.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { browse, focused, openPanel, serve, until, WIDTHS } from "./support.mjs";

const { visit, nothingWrong } = browse();
const blog = JSON.stringify({
  posts: [
    { id: 1, title: "Why tea", views: 120, tags: ["tea", "morning"], userId: 1 },
    { id: 2, title: "A better kettle", views: 45, tags: ["tools"], userId: 2 },
    { id: 3, title: "Tea on trains", views: 8, tags: ["tea", "travel"], userId: 1 },
  ],
  comments: [{ id: 1, postId: 1, body: "So true" }, { id: 2, postId: 1, body: "Not before noon" }, { id: 3, postId: 2, body: "Which?" }],
  users: [{ id: 1, name: "Ann" }, { id: 2, name: "Ben" }],
}, null, 2);
const dataOf = (file) => JSON.parse(readFileSync(file, "utf8"));

for (const width of WIDTHS) {
  const check = (name, run) => test(`${name} (${width} px)`, async (context) => {
    await run(context);
    nothingWrong();
  });

  check("1: help and headers print texts, and the helper refuses what is none", async (context) => {
    const { url } = await serve(context, blog);
    const page = await visit(`${url}/#/posts/1`, { width });
    await page.getByLabel("title").waitFor();
    await openPanel(page);
    await page.locator("#panel").getByText(/Response headers/).first().click();
    await page.locator("dl.headers dt").getByText("content-type", { exact: true }).first().waitFor();
    if (width < 1100) await page.getByRole("button", { name: "Close the request panel" }).click();
    await page.locator("main h1").focus();
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("Undo the last change").waitFor();
    assert.ok(!(await page.locator("body").textContent()).includes("[object"), "a text has [object …]");
    const made = await page.evaluate(async () => {
      const { h, nodes } = await import("/-/explorer/dom.js");
      const deep = h("dl.a.b", {}, [["x", [h("dt", {}, "1"), [h("dd", {}, 2)]]], null, false, undefined]);
      let refused = "";
      try { nodes([{}]); } catch (error) { refused = error.constructor.name; }
      let link = "";
      try { h("a", { href: "javascript:alert(1)" }); } catch (error) { link = error.message; }
      return [deep.outerHTML, refused, link, h("p", {}, "<b>").innerHTML];
    });
    assert.deepEqual(made, ['<dl class="a b">x<dt>1</dt><dd>2</dd></dl>', "TypeError", "no link to javascript:alert(1)", "&lt;b&gt;"]);
  });

  check("2: JSON is left only when it is valid, and is sent as it is", async (context) => {
    const { url, file } = await serve(context, blog);
    const page = await visit(`${url}/#/posts/2`, { width });
    await page.getByRole("button", { name: "Edit as JSON" }).click();
    const json = page.getByLabel("The record as JSON");
    await json.fill('{ "title": ');
    await page.getByRole("button", { name: "Edit as a form" }).click();
    await page.locator("#json-wrong").getByText(/Not valid JSON/).waitFor();
    assert.ok(await json.isVisible());
    await page.getByRole("button", { name: "Save" }).click();
    assert.ok(await json.isVisible());
    assert.deepEqual(dataOf(file), JSON.parse(blog));
    // An added property is in the form; a removed one is not set.
    await json.fill('{ "id": 2, "title": "Kettle", "views": 45, "userId": 2, "extra": "new" }');
    await page.getByRole("button", { name: "Edit as a form" }).click();
    assert.equal(await page.getByLabel("extra", { exact: true }).inputValue(), "new");
    assert.equal(await page.locator("#field-tags").inputValue(), "");
    await page.getByRole("button", { name: "Edit as JSON" }).click();
    const text = '{ "id": 2, "title": "Kettle",   "extra": "new" }';
    await json.fill(text);
    const sent = page.waitForRequest((request) => request.method() === "PUT");
    await page.getByRole("button", { name: "Save" }).click();
    assert.equal((await sent).postData(), text);
    await until(() => !("tags" in dataOf(file).posts[1]), "the property to be gone");
    assert.deepEqual(dataOf(file).posts[1], { id: 2, title: "Kettle", extra: "new" });
  });

  check("3: fields keep their type, a text can be empty, and a button removes a property", async (context) => {
    const { url, file } = await serve(context, blog);
    const page = await visit(`${url}/#/posts/3`, { width });
    await page.getByLabel("title").fill("");
    await page.getByLabel("tags").fill("tea, travel, rain");
    const save = page.getByRole("button", { name: "Save" });
    await save.click();
    await page.getByText("Saved post 3").waitFor();
    assert.deepEqual(dataOf(file).posts[2], { id: 3, title: "", views: 8, tags: ["tea", "travel", "rain"], userId: 1 });
    await page.getByLabel("views").fill("abc");
    await save.click();
    await page.getByText(/must be a number, got "abc"/).waitFor();
    assert.equal(await page.getByLabel("views").getAttribute("aria-invalid"), "true");
    assert.equal(dataOf(file).posts[2].views, 8);
    await page.getByLabel("views").fill("9.50");
    await page.getByRole("button", { name: "Remove tags" }).click();
    await save.click();
    await until(() => !("tags" in dataOf(file).posts[2]), "the property to be gone");
    assert.match(readFileSync(file, "utf8"), /9\.50/);
    assert.equal(typeof dataOf(file).posts[2].views, "number");
    // The type comes from other records if the record lacks the property.
    assert.equal(await page.locator("#field-tags").getAttribute("placeholder"), "one, another");
    await page.getByLabel("tags").fill("again");
    await save.click();
    await until(() => dataOf(file).posts[2].tags?.[0] === "again", "the list");
  });

  check("4: unsaved changes are asked about", async (context) => {
    const { url, file } = await serve(context, blog);
    const page = await visit(`${url}/#/posts`, { width });
    await page.locator('tr[data-id="1"] a').first().click();
    await page.getByLabel("title").fill("Half written");
    await page.getByText("Unsaved changes").waitFor();
    const nav = page.getByRole("navigation", { name: "Resources" });
    await nav.getByRole("link", { name: /users/ }).click();
    await page.getByRole("dialog").getByText("Discard the changes?").waitFor();
    await page.getByRole("button", { name: "Keep editing" }).click();
    assert.equal(await page.getByLabel("title").inputValue(), "Half written");
    await page.waitForURL(/#\/posts\/1$/);
    // The browser's Back button counts as a click, too.
    await page.goBack();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    assert.equal(await page.getByLabel("title").inputValue(), "Half written");
    // So is a change elsewhere: it does not overwrite.
    await fetch(`${url}/posts/1`, { method: "PATCH", headers: { "Content-Type": "application/json" }, body: '{"views": 121}' });
    await page.getByText("The record has been changed elsewhere").waitFor();
    assert.equal(await page.getByLabel("title").inputValue(), "Half written");
    await nav.getByRole("link", { name: /users/ }).click();
    await page.getByRole("button", { name: "Discard" }).click();
    await page.getByRole("heading", { name: "users", level: 1 }).waitFor();
    assert.equal(dataOf(file).posts[0].title, "Why tea");
  });

  check("5: the panel shows the request that was made, and those after it under then", async (context) => {
    const { url } = await serve(context, blog);
    const page = await visit(`${url}/#new/posts`, { width });
    await page.getByLabel("title").fill("New");
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByRole("heading", { name: "post 4" }).waitFor();
    await openPanel(page);
    const shown = page.locator("#panel .request-line");
    assert.match(await shown.textContent(), /POST\/posts201/);
    assert.match(await page.locator('#panel pre[aria-label="Response"]').first().textContent(), /"title": "New"/);
    await page.locator(".then summary").getByText("/posts/4").waitFor();
    if (width < 1100) await page.getByRole("button", { name: "Close the request panel" }).click();
    await page.getByLabel("views").fill("5");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved post 4").waitFor();
    await openPanel(page);
    assert.match(await shown.textContent(), /PATCH\/posts\/4200/);
    if (width < 1100) await page.getByRole("button", { name: "Close the request panel" }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("heading", { name: "posts", level: 1 }).waitFor();
    await page.locator("tbody tr").first().waitFor();
    await openPanel(page);
    assert.match(await shown.textContent(), /DELETE\/posts\/4200/);
    await page.locator(".then summary").getByText(/\/posts\?/).first().waitFor();
  });

  check("6: deleting names the dependents, and can be undone", async (context) => {
    const { url, file } = await serve(context, blog);
    const page = await visit(`${url}/#/posts/1`, { width });
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("heading", { name: "Delete post 1 and 2 comments?" }).waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    assert.equal(dataOf(file).posts.length, 3);
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    const toast = page.locator(".toast").filter({ hasText: "Deleted post 1 and 2 comments" });
    await toast.waitFor();
    assert.deepEqual([dataOf(file).posts.length, dataOf(file).comments.length], [2, 1]);
    await toast.getByRole("button", { name: "Undo" }).click();
    await page.locator('tr[data-id="1"]').waitFor();
    assert.deepEqual(dataOf(file), JSON.parse(blog));
  });

  check("7: the focus follows the action, and rows are targets", async (context) => {
    const { url } = await serve(context, blog);
    const page = await visit(`${url}/#/posts`, { width });
    const here = () => focused(page);
    await page.locator('tr[data-id="1"]').waitFor();
    await page.getByRole("button", { name: "views", exact: true }).click();
    await page.locator('th[aria-sort="ascending"]').waitFor();
    assert.match(await here(), /^button.*views/);
    // The whole row is clickable, not only the link in it.
    const row = await page.locator('tr[data-id="2"]').boundingBox();
    assert.ok(row.height >= 36);
    const id = await page.locator('tr[data-id="2"] a.id').boundingBox();
    assert.ok(id.height >= 24 && id.width >= 24, `${id.width} x ${id.height}`);
    await page.locator('tr[data-id="2"] td[data-column="title"]').click();
    await page.getByRole("heading", { name: "post 2" }).waitFor();
    await until(async () => /^h1.*post 2/.test(await here()), "the focus on the heading");
    await page.getByLabel("title").fill("Changed");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved post 2").waitFor();
    await until(async () => (await here()) !== "body", "the focus after saving");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").waitFor();
    await until(async () => /^button.*Delete/.test(await here()), "the focus in the dialog");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await until(async () => /^button.*Delete/.test(await here()), "the focus back on the button");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "posts", level: 1 }).waitFor();
    await until(async () => /^(h1|a|td)/.test(await here()), "the focus after deleting");
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.getByLabel("Value").fill("120");
    await page.getByLabel("Field").selectOption("views");
    await page.keyboard.press("Tab");
    await page.getByRole("button", { name: "Add filter" }).click();
    await page.getByText("1–1 of 1").waitFor();
    assert.match(await here(), /^button.*Add filter/);
    await page.getByRole("button", { name: /Remove the filter/ }).click();
    await page.getByText("1–2 of 2").waitFor();
    assert.notEqual(await here(), "body");
  });

  check("8: a broken file is shown, live, and health says why", async (context) => {
    const { url, file } = await serve(context, blog);
    const page = await visit(`${url}/#/posts`, { width });
    const health = async () => (await fetch(`${url}/-/health`)).json();
    assert.equal((await health()).status, "ok");
    assert.ok(!(await page.locator("#banner").isVisible()));
    writeFileSync(file, blog.replace('"views": 45,', '"views": 45,,'));
    await page.locator("#banner").getByText(/The data file is broken/).waitFor();
    const line = blog.slice(0, blog.indexOf('"views": 45,')).split("\n").length;
    assert.match(await page.locator("#banner code").textContent(), new RegExp(`db\\.json:${line}:\\d+`));
    const now = await health();
    assert.equal(now.status, "degraded");
    assert.deepEqual([now.reason.kind, now.reason.line], ["broken", line]);
    assert.ok(now.reason.message && now.reason.hint && now.reason.file);
    // A page that is opened afterwards shows it, too.
    await page.reload();
    await page.locator("#banner").getByText(/The data file is broken/).waitFor();
    writeFileSync(file, blog);
    await page.locator("#banner").waitFor({ state: "hidden" });
    assert.equal((await health()).status, "ok");
  });

  check("8: read-only and ephemeral show as such", async (context) => {
    const { url } = await serve(context, blog, undefined, { options: ["--read-only", "--ephemeral"] });
    const page = await visit(`${url}/#/posts`, { width });
    await page.locator(".bar").getByText("read-only").waitFor();
    await page.locator(".bar").getByText("ephemeral").waitFor();
    await page.locator('tr[data-id="1"]').waitFor();
    assert.equal(await page.getByRole("button", { name: "New record" }).count(), 0);
  });

  check("9: the page's own requests are not in the log, and nothing is polled", async (context) => {
    const { url, log } = await serve(context, blog);
    const page = await visit(`${url}/#requests`, { width });
    const polls = [];
    page.on("request", (request) => polls.push(request.url()));
    await page.getByText("Nothing yet").waitFor();
    await fetch(`${url}/posts?views_gte=x`);
    await page.locator('[data-test="log"]').getByText("/posts?views_gte=x").waitFor();
    await page.getByRole("navigation", { name: "Resources" }).getByRole("link", { name: /posts/ }).click();
    await page.locator('tr[data-id="1"]').waitFor();
    await fetch(`${url}/users/2`);
    await until(() => log().includes("/users/2"), "the line of another client");
    const lines = log().split("\n").filter((line) => /^[A-Z]+ \//.test(line));
    assert.deepEqual(lines.map((line) => line.split(" ")[1]), ["/posts?views_gte=x", "/users/2"]);
    assert.ok(polls.filter((one) => one.includes("/-/requests")).length <= 1, "the list is asked for again and again");
  });

  check("10: all columns can be seen, numbers stand under their headings, the panel is beside the table", async (context) => {
    const wide = { id: 1, count: 5, ...Object.fromEntries(Array.from({ length: 28 }, (_, at) => [`p${at}`, `v${at}`])) };
    const { url } = await serve(context, JSON.stringify({ wide: [wide] }));
    const page = await visit(`${url}/#/wide`, { width });
    await page.getByRole("button", { name: "Columns 12/30" }).click();
    await page.getByLabel("p27", { exact: true }).check();
    await page.getByRole("columnheader", { name: "p27" }).waitFor();
    assert.match(decodeURIComponent(page.url()), /_columns=.*p27/);
    await page.reload();
    await page.getByRole("columnheader", { name: "p27" }).waitFor();
    const [heading, value] = await page.evaluate(() => {
      const edge = (one) => { const range = document.createRange(); range.selectNodeContents(one); return range.getBoundingClientRect().right; };
      const at = [...document.querySelectorAll("thead th")].findIndex((one) => one.textContent === "count");
      return [edge(document.querySelectorAll("thead th")[at].querySelector("button")), edge(document.querySelector("tbody tr").cells[at])];
    });
    assert.ok(Math.abs(heading - value) < 2, `${heading} over ${value}`);
    if (width >= 1200) {
      const [panel, table] = [await page.locator("#panel").boundingBox(), await page.locator(".scroll").boundingBox()];
      assert.ok(panel.x >= table.x + table.width - 1 && panel.y < table.y, "the panel is beside the table");
    }
    // The page itself does not scroll horizontally.
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page is wider than the window");
  });
}
