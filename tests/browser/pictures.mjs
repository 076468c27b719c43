// Screenshots of the explorer: one for the README, and eight others for development.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { many, open, openPanel, serve } from "./support.mjs";

const [readme, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const rules = JSON.stringify({ type: "object", properties: {
  posts: { type: "array", items: { type: "object", required: ["title", "userId"], properties: { id: { type: "integer" }, title: { type: "string", minLength: 1, maxLength: 80 }, userId: { type: "integer", references: "users" },
    state: { enum: ["draft", "review", "published"] }, views: { type: "integer", minimum: 0 }, published: { type: "boolean" }, date: { type: "string", format: "date" }, tags: { type: "array", items: { type: "string" } } } } },
  users: { type: "array", uniqueItemProperties: ["email"], items: { type: "object", required: ["name", "email"], properties: { id: { type: "integer" }, name: { type: "string" }, email: { type: "string", format: "email" }, role: { enum: ["reader", "editor", "admin"] } } } },
} });
const titles = ["Why tea", "A better kettle", "Tea on trains", "Coffee after all", "The last cup", "Water, first of all", "Cups we have known", "A field guide to teapots", "What the label says", "Oolong for beginners", "The four o’clock meeting", "Descaling, honestly", "Letters about lemons", "Night trains and samovars"];
const data = JSON.stringify({
  posts: titles.map((title, at) => ({ id: at + 1, title, userId: (at * 7) % 5 + 1, state: ["published", "published", "review", "draft"][at % 4], views: (at * 137 + 45) % 900, published: at % 4 < 2, date: `2026-0${(at % 9) + 1}-1${at % 9}`, tags: [["tea", "morning"], ["tools"], ["tea", "travel"], []][at % 4] })),
  comments: Array.from({ length: 23 }, (_, at) => ({ id: at + 1, postId: (at * 3) % 14 + 1, body: ["So true", "Not before noon", "Which kettle?", "Finally"][at % 4] })),
  users: ["Ann Lund", "Ben Okafor", "Cleo Marsh", "Dora Weiss", "Emil Brandt"].map((name, at) => ({ id: at + 1, name, email: `${name.split(" ")[0].toLowerCase()}@example.com`, role: ["admin", "editor", "reader"][at % 3] })),
  profile: { name: "The tea blog", theme: "green", author: { name: "Ann", links: ["/about", "/feed"] } },
}, null, 2);

const ends = [];
const context = { after: (end) => ends.push(end) };
const send = (url, path, method, body) => fetch(url + path, { method, headers: { "Content-Type": "application/json", Referer: "" }, body: JSON.stringify(body) });

async function shoot(name, { hash = "", steps, before, width = 1280, height = 800, colorScheme = "light", content = data, path, port }) {
  const held = content === data ? rules : undefined;
  // Port 3000 as in the documentation, or any other if it is in use.
  const { url, file } = await (port ? serve(context, content, held, { port }).catch(() => serve(context, content, held)) : serve(context, content, held));
  await before?.(url, file);
  const browser = await open({ viewport: { width, height }, colorScheme });
  const { page } = browser;
  await page.goto(`${url}/${hash}`);
  await page.locator("main h1").first().waitFor();
  await page.waitForLoadState("networkidle", { timeout: 1500 }).catch(() => {});
  await steps?.(page, url, file);
  await page.screenshot({ path: path ?? join(folder, `${name}.png`) });
  await browser.close();
}

async function broken(page) {
  await page.getByLabel("name").fill("Zoë");
  await page.getByLabel("email").fill("zoe at example.com");
  await page.getByRole("button", { name: "Create" }).click();
  await page.locator('[aria-invalid="true"]').waitFor();
}

const busy = async (url) => {
  await send(url, "/posts", "POST", { tittle: "Typo", userId: 1 });
  await send(url, "/posts/3", "PATCH", { views: 12 });
  await fetch(`${url}/posts?usreId=1`);
  await send(url, "/users", "POST", { name: "Ann", email: "ann@example.com" });
  await fetch(`${url}/posts/99`);
  await send(url, "/posts/2", "PATCH", { title: "A much better kettle", state: "review" });
  await fetch(`${url}/comments/4`, { method: "DELETE" });
};

const SITUATIONS = {
  table: { hash: "#/posts", steps: async (page) => { await page.getByRole("button", { name: "Facets" }).click(); await page.locator(".facet").first().waitFor(); } },
  record: { hash: "#/posts/1" },
  problem: { hash: "#new/users", steps: broken },
  requests: { hash: "#requests", before: busy, steps: (page) => page.locator(".requests summary").nth(1).click() },
  history: { hash: "#history", before: busy },
  server: { hash: "#server" },
  large: { hash: "#/people?_sort=-age&_page=3", content: many() },
  degraded: { hash: "#/posts", before: async (_, file) => { const { writeFileSync } = await import("node:fs"); writeFileSync(file, data.replace('"tea"', '"tea",,')); }, steps: (page) => page.locator("#banner").waitFor() },
};
const sizes = [[390, 844], [1280, 800], [1920, 1080]];
const only = process.env.ONLY?.split(",");
for (const [name, situation] of Object.entries(SITUATIONS)) {
  if (only && !only.includes(name)) continue;
  for (const [width, height] of sizes) {
    for (const colorScheme of ["light", "dark"]) await shoot(`${name}-${width}-${colorScheme}`, { ...situation, width, height, colorScheme });
  }
}
if (!only) {
  await shoot("readme", { hash: "#/posts", width: 1360, height: 720, port: 3000, path: readme, steps: async (page) => {
    await page.locator('tr[data-id="3"] td[data-column="title"]').focus();
    await page.keyboard.press("F2");
    await page.locator(".edit input").fill("Tea on night trains");
    await page.keyboard.press("Enter");
    await page.getByText("Saved post 3").waitFor();
    await openPanel(page);
  } });
}
for (const end of ends) await end();
