// Reading: tables and records, search, sort, filters and downloads.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { browse, many, serve, until, WIDTHS } from "./support.mjs";

const { visit, nothingWrong } = browse();
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg==";
const data = JSON.stringify({
  posts: [
    { id: 1, title: "Why tea", userId: 1, views: 120, published: true, at: "2024-01-31", author: { name: "Ann", city: "Oslo" }, tags: ["tea", "morning"], web: "https://example.com/tea", photo: "/pics/tea.png", sub: null },
    { id: 2, title: "A better kettle", userId: 2, views: 45, published: true, at: "2024-03-01", author: { name: "Ben", city: "Rome" }, tags: ["tools"] },
    { id: 3, title: "Tea, on trains", userId: 1, views: 8, published: false, at: "2024-02-10", author: { name: "Ann", city: "Oslo" }, tags: [] },
  ],
  comments: [{ id: 1, postId: 1, body: "So true" }, { id: 2, postId: 1, body: "Not before noon" }, { id: 3, postId: 2, body: "Which?" }],
  users: [{ id: 1, name: "Ann" }, { id: 2, name: "Ben" }],
  clubs: [{ id: 1, code: "FCB", city: "Basel" }], players: [{ id: 1, clubId: 1, email: "p@example.com" }],
});
const rules = JSON.stringify({ type: "object", properties: { clubs: { type: "array", "x-label": "code", items: { type: "object", properties: { code: { type: "string" }, city: { type: "string" } } } } } });
const cell = (page, id, column) => page.locator(`tr[data-id="${id}"] td[data-column="${column}"]`);

for (const width of WIDTHS) {
  const check = (name, run) => test(`${name} (${width} px)`, async (context) => { await run(context); nothingWrong(); });

  check("labels, counts, nested values, dates, pictures, links, null and missing", async (context) => {
    const { url } = await serve(context, data, rules, { files: { "public/pics/tea.png": Buffer.from(PIXEL, "base64") } });
    const page = await visit(`${url}/#/posts`, { width });
    await cell(page, 1, "userId").getByRole("link", { name: /Ann/ }).waitFor();
    await page.locator('tr[data-id="1"]').getByRole("link", { name: "2 comments" }).waitFor();
    await page.locator('tr[data-id="2"]').getByRole("link", { name: "1 comment", exact: true }).waitFor();
    assert.match(await cell(page, 1, "author").textContent(), /name Ann.*city Oslo/);
    assert.equal(await cell(page, 1, "at").locator("time").getAttribute("datetime"), "2024-01-31");
    assert.match(await cell(page, 1, "at").textContent(), /Jan.*2024|2024/);
    assert.equal(await cell(page, 1, "photo").locator("img").getAttribute("src"), "/pics/tea.png");
    await until(() => cell(page, 1, "photo").locator("img").evaluate((one) => one.naturalWidth === 1), "the picture");
    const link = cell(page, 1, "web").getByRole("link");
    assert.deepEqual([await link.getAttribute("href"), await link.getAttribute("rel")], ["https://example.com/tea", "noopener noreferrer"]);
    assert.equal(await cell(page, 1, "sub").textContent(), "null");
    assert.equal(await cell(page, 2, "sub").locator(".missing").getAttribute("aria-label"), "missing");
    assert.notEqual(await cell(page, 2, "sub").textContent(), "null");
    await page.locator('tr[data-id="1"]').getByRole("link", { name: "2 comments" }).click();
    await page.getByRole("heading", { name: "comments", level: 1 }).waitFor();
    await page.getByText("1–2 of 2").waitFor();
    await page.waitForURL(/#\/comments\?postId=1$/);
    // The rules say which property is the label; without a name it is the e-mail address.
    await page.goto(`${url}/#/players`);
    await cell(page, 1, "clubId").getByRole("link", { name: /FCB/ }).waitFor();
    await page.goto(`${url}/#/posts/1`);
    await page.locator(".related .tree").getByText("Oslo").waitFor();
    await page.locator(".related").getByRole("link", { name: "2 comments" }).waitFor();
  });

  check("a picture of another host is fetched when the reader allows it", async (context) => {
    const { url } = await serve(context, '{"users": [{"id": 1, "avatar": "http://localhost:9/a.png"}, {"id": 2, "avatar": "http://localhost:9/b.png"}]}');
    const page = await visit(`${url}/#/users`, { width });
    const asked = [];
    page.on("request", (request) => { if (request.url().includes(":9/")) asked.push(request.url()); });
    await cell(page, 1, "avatar").getByRole("link").waitFor();
    assert.deepEqual(asked, []);
    await cell(page, 1, "avatar").getByRole("button", { name: "Show pictures from localhost:9" }).click();
    await until(() => asked.length === 2, "both pictures to be asked for");
  });

  check("sort by a heading, filter by a value, facets, search while typing; the address has it all", async (context) => {
    const { url } = await serve(context, data, rules);
    const page = await visit(`${url}/#/posts`, { width });
    const titles = async () => (await page.locator('td[data-column="title"]').allTextContents()).map((one) => one.split(" ")[0]);
    await page.getByRole("button", { name: "views", exact: true }).click();
    await page.locator('th[aria-sort="ascending"]').waitFor();
    await until(async () => (await titles()).join() === "Tea,,A,Why", "the order");
    await page.getByRole("button", { name: "views", exact: true }).click();
    await until(async () => (await titles()).join() === "Why,A,Tea,", "the other order");
    await page.waitForURL(/_sort=-views/);
    await cell(page, 3, "published").focus();
    await cell(page, 3, "published").getByRole("button", { name: "Filter by this value" }).click();
    await page.getByText("1–1 of 1").waitFor();
    await page.waitForURL(/published=false/);
    await page.reload();
    await page.getByText("1–1 of 1").waitFor();
    await page.getByRole("button", { name: /Remove the filter published/ }).click();
    await page.getByText("1–3 of 3").waitFor();
    await page.getByRole("button", { name: "Facets" }).click();
    const facets = page.getByRole("group", { name: "Facets" });
    await facets.getByRole("button", { name: /Ann 2|Ann2/ }).click();
    await page.getByText("1–2 of 2").waitFor();
    await page.waitForURL(/userId=1/);
    await facets.locator('[aria-pressed="true"]').waitFor();
    await facets.locator('[aria-pressed="true"]').click();
    await facets.getByRole("button", { name: /^tea/ }).click();
    await page.getByText("1–1 of 1").waitFor();
    await page.waitForURL(/tags:contains=tea/);
    await page.getByRole("button", { name: /Remove the filter/ }).click();
    await page.getByLabel("Search").pressSequentially("kettle");
    await page.getByText("1–1 of 1").waitFor();
    await page.waitForURL(/q=kettle/);
    assert.ok(await page.getByLabel("Search").evaluate((one) => one === document.activeElement), "the search box keeps the focus");
    await page.getByLabel("Search").fill("nothing like it");
    await page.getByText("No matching records").waitFor();
    await page.getByRole("button", { name: "Show all records" }).click();
    await page.getByText("1–3 of 3").waitFor();
    // The filter form knows the operators, and fields inside objects.
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.getByLabel("Field").selectOption("author.city");
    await page.getByLabel("Operator").selectOption("startsWith");
    await page.getByLabel("Value").fill("os");
    await page.getByRole("button", { name: "Add filter" }).click();
    await page.getByText("1–2 of 2").waitFor();
    await page.waitForURL(/author\.city:startsWith=os/);
  });

  check("columns are chosen, pages turned, rows selected together, values filtered by, a theme switched", async (context) => {
    const wide = Object.fromEntries(Array.from({ length: 14 }, (_, at) => [`c${at}`, at]));
    const rows = JSON.stringify({ rows: Array.from({ length: 25 }, (_, at) => ({ id: at + 1, kind: at % 2 ? "odd" : "even", tags: ["a", "b"], ...wide })) });
    const { url } = await serve(context, rows);
    const page = await visit(`${url}/#/rows`, { width });
    const range = (text) => page.locator(".range").getByText(text).waitFor();
    const turn = (name) => page.getByRole("button", { name: `${name} page` }).click();
    await range("1–25 of 25");
    await page.getByLabel("Rows", { exact: true }).selectOption("10");
    await range("1–10 of 25");
    await turn("Next");
    await range("11–20 of 25");
    await turn("Last");
    await range("21–25 of 25");
    assert.equal(await page.getByRole("button", { name: "Next page" }).getAttribute("aria-disabled"), "true");
    await turn("Previous");
    await range("11–20 of 25");
    await turn("First");
    await range("1–10 of 25");
    // Twelve columns are shown; one is added, one is removed, and the choice is in the hash.
    await page.getByRole("button", { name: "Columns 12/17" }).click();
    await page.getByLabel("Find a column").fill("c1");
    await page.locator(".checks").getByLabel("c13").check();
    await page.locator('th').getByRole("button", { name: "c13" }).waitFor();
    await page.waitForURL(/_columns=id,kind,.*,c13/);
    assert.equal(await page.locator(".checks").getByLabel("c13").evaluate((one) => one === document.activeElement), true);
    await page.locator(".checks").getByLabel("c1", { exact: true }).uncheck();
    await page.locator("th").getByRole("button", { name: "c1", exact: true }).waitFor({ state: "detached" });
    await page.locator(".menu-body").getByRole("button", { name: "All" }).click();
    await page.locator("th").getByRole("button", { name: "c12", exact: true }).waitFor();
    await page.locator(".menu-body").getByRole("button", { name: "Standard" }).click();
    await page.locator("th").getByRole("button", { name: "c12", exact: true }).waitFor({ state: "detached" });
    await page.keyboard.press("Escape");
    // Select all on the page, and deselect one.
    const all = page.getByLabel("Select all on this page");
    await all.check();
    await page.getByText("10 selected").waitFor();
    await page.getByLabel("Select 3", { exact: true }).uncheck();
    await page.getByText("9 selected").waitFor();
    assert.equal(await all.isChecked(), false);
    await page.getByRole("button", { name: "Clear selection" }).click();
    assert.equal(await page.getByLabel("Select 4", { exact: true }).isChecked(), false);
    // The value of a cell, and of a list in it.
    await cell(page, 2, "kind").focus();
    await page.keyboard.press("f");
    await range("1–10 of 12");
    await cell(page, 2, "tags").focus();
    await page.keyboard.press("f");
    await page.locator(".chips").getByText(/tags contains a/).waitFor();
    await page.getByRole("button", { name: "Clear", exact: true }).click();
    await range("1–10 of 25");
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const before = await ground();
    await page.getByRole("button", { name: "Switch the theme" }).click();
    assert.notEqual(await ground(), before);
    await page.reload();
    assert.notEqual(await ground(), before);
  });

  check("a profile, and records with the names of errors, are no hindrance", async (context) => {
    const odd = JSON.stringify({ logs: [{ id: 1, level: "low", errors: ["a", "b"], hint: { a: 1 }, detail: [1], title: "Odd" }] });
    const laravel = JSON.stringify({ list: { data: "{{ items }}" }, record: { data: "{{ record }}" }, error: { message: "{{ problem.detail }}", errors: { level: ["wrong"] } }, status: { rules: 422 } });
    const limits = JSON.stringify({ type: "object", properties: { logs: { type: "array", items: { type: "object", properties: { level: { enum: ["low", "high"] } } } } } });
    const { url, file } = await serve(context, odd, limits, { options: ["--profile", "profile.json"], files: { "profile.json": laravel } });
    const page = await visit(`${url}/#/logs`, { width });
    await cell(page, 1, "title").getByText("Odd").waitFor();
    // Other clients get the profile's shape; their errors are listed.
    const refused = await fetch(`${url}/logs/1`, { method: "PATCH", headers: { "Content-Type": "application/json" }, body: '{"level": "none"}' });
    assert.equal(refused.status, 422);
    await page.goto(`${url}/#requests`);
    await page.locator(".requests > li").filter({ hasText: "/logs/1" }).getByText("422").waitFor();
    await page.goto(`${url}/#/logs/1`);
    await page.locator("#field-title").fill("Even");
    await page.getByRole("button", { name: "Save" }).click();
    await until(() => JSON.parse(readFileSync(file, "utf8")).logs[0].title === "Even", "the title");
    await page.getByText("Saved log 1").waitFor();
  });

  check("a page whose script does not come says so", async (context) => {
    const { url } = await serve(context, data);
    const page = await visit(url, { width });
    await page.route("**/record.js", (route) => route.abort());
    await page.evaluate(() => { location.hash = "#/posts/1"; });
    await page.getByText("The server does not respond.").waitFor();
  });

  check("what is shown is downloaded as CSV and JSON", async (context) => {
    const { url } = await serve(context, data, rules);
    const page = await visit(`${url}/#/posts?_sort=id&_columns=id,title,author&_limit=2`, { width });
    await page.getByText("1–2 of 3").waitFor();
    const save = async (name) => {
      await page.getByRole("button", { name: "Download" }).click();
      const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
      return [file.suggestedFilename(), readFileSync(await file.path(), "utf8")];
    };
    assert.deepEqual(await save("What is shown as CSV"), ["posts.csv", 'id,title,author\r\n1,Why tea,"{""name"":""Ann"",""city"":""Oslo""}"\r\n2,A better kettle,"{""name"":""Ben"",""city"":""Rome""}"\r\n']);
    const [name, text] = await save("What is shown as JSON");
    assert.equal(name, "posts.json");
    assert.deepEqual(JSON.parse(text), JSON.parse(data).posts.slice(0, 2).map(({ id, title, author }) => ({ id, title, author })));
    // "All" includes records of other pages, and properties that are not shown.
    assert.deepEqual(JSON.parse((await save("All 3 as JSON"))[1]), JSON.parse(data).posts);
    const csv = (await save("All 3 as CSV"))[1].split("\r\n");
    assert.equal(csv[0], "id,title,userId,views,published,at,author,tags,web,photo,sub");
    assert.equal(csv.length, 5);
    assert.match(csv[3], /^3,"Tea, on trains",1,8,false,2024-02-10/);
  });

  check("edits of the file show by themselves", async (context) => {
    const { url, file } = await serve(context, data, rules);
    const page = await visit(`${url}/#/posts`, { width });
    await cell(page, 2, "title").getByText("A better kettle").waitFor();
    writeFileSync(file, readFileSync(file, "utf8").replace("A better kettle", "Edited"));
    await cell(page, 2, "title").getByText("Edited").waitFor();
    await page.locator('tr[data-id="2"].flash').waitFor();
  });
}

test("a hundred thousand records are asked for page by page, and soon there", async (context) => {
  const { url } = await serve(context, many());
  const page = await visit(`${url}/#/people`);
  await page.getByText("1–50 of 100,000").waitFor();
  const sizes = [];
  page.on("response", async (response) => sizes.push([response.url(), (await response.body().catch(() => "")).length]));
  const timed = async (act, wait) => {
    const start = Date.now();
    await act();
    await wait.waitFor();
    return Date.now() - start;
  };
  // From the click to the rows; other processes share the machine, so the best of three counts.
  const times = [];
  for (let round = 0; round < 3; round += 1) {
    times.push(await timed(() => page.getByRole("button", { name: "Last page" }).click(), page.getByText("99,951–100,000 of 100,000")));
    await page.getByRole("button", { name: "First page" }).click();
    await page.getByText("1–50 of 100,000").waitFor();
  }
  assert.ok(Math.min(...times) < 1000, `the last page took ${times} ms`);
  context.diagnostic(`the last page of 100,000 records: ${times.join(", ")} ms`);
  for (const [asked, size] of sizes) assert.ok(size < 100000, `${asked} has ${size} bytes`);
  await page.getByLabel("Search").fill("Ada 99991");
  await page.getByText("1–1 of 1").waitFor();
  await page.getByLabel("Search").fill("");
  await page.getByText("1–50 of 100,000").waitFor();
  await page.getByRole("button", { name: "Facets" }).click();
  await page.locator(".facet").getByRole("button", { name: /^false/ }).click();
  await page.getByText("1–50 of 66,666").waitFor();
  nothingWrong();
});
