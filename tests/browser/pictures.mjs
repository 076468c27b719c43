// Pictures of the explorer: one for the README, and all states for whoever works on it.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { many, open, root, serve } from "./support.mjs";

const [readme, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const rules = readFileSync(join(root, "tests/data/db.schema.json"), "utf8");
const three = JSON.stringify({
  users: [
    { lastName: "Lovelace", firstName: "Ada", email: "ada@example.com", id: 1 },
    { lastName: "Hopper", firstName: "Grace", email: "grace@example.com", id: 2 },
    { lastName: "Turing", firstName: "Alan", email: "alan@example.com", id: 3 },
  ],
  notes: [{ id: "k3", text: "Call Grace", done: false, tags: ["work", "today"] }],
  profile: { name: "typicode" },
}, null, 2);

const ends = [];
const context = { after: (end) => ends.push(end) };

async function shoot(name, { data, hash = "", steps, width = 1440, height = 900, colorScheme = "light", path, page: target = "/" }) {
  const held = data === three ? rules : undefined;
  // Readers know the port; where it is taken any other does.
  const { url } = await (path ? serve(context, data, held, 3000).catch(() => serve(context, data, held)) : serve(context, data, held));
  const browser = await open({ viewport: { width, height }, colorScheme });
  const { page } = browser;
  await page.goto(url + target + hash);
  await page.locator("main h2").first().waitFor();
  await page.waitForLoadState("networkidle", { timeout: 1500 }).catch(() => {});
  await steps?.(page, url);
  await page.screenshot({ path: path ?? join(folder, `${name}.png`) });
  await browser.close();
}

async function broken(page) {
  await page.getByLabel("lastName").fill("O'Brien");
  await page.getByLabel("firstName").fill("Zoë");
  await page.getByLabel("email").fill("zoe at example.com");
  await page.getByRole("button", { name: "Create" }).click();
  await page.locator('[aria-invalid="true"]').waitFor();
}

async function log(page, url) {
  await page.getByText("Recent requests").click();
  await fetch(`${url}/users`, { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"lastname": "x"}' });
  await fetch(`${url}/users?lastname=x`);
  await page.locator(".entry").nth(1).waitFor();
  await page.getByText("Recent requests").scrollIntoViewIfNeeded();
}

const phone = { width: 390, height: 844 };
await shoot("empty", { data: "{}" });
await shoot("home", { data: three });
await shoot("three", { data: three, hash: "#/users" });
await shoot("three-dark", { data: three, hash: "#/users", colorScheme: "dark" });
await shoot("three-phone", { data: three, hash: "#/users", ...phone });
await shoot("form", { data: three, hash: "#new/users", steps: broken, path: readme, height: 760 });
await shoot("form-dark", { data: three, hash: "#new/users", steps: broken, colorScheme: "dark" });
await shoot("form-phone", { data: three, hash: "#new/users", steps: broken, ...phone });
await shoot("log", { data: three, hash: "#/users", steps: log });
await shoot("many", { data: many(), hash: "#/people?_sort=-age&_page=3" });
await shoot("none", { data: three, hash: "#/users?firstName=Nobody" });
await shoot("many-phone-dark", { data: many(), hash: "#/people", colorScheme: "dark", ...phone });
await shoot("laptop", { data: three, hash: "#/users/1", width: 1100, height: 800 });
await shoot("docs", { data: three, page: "/-/docs" });
for (const end of ends) await end();
