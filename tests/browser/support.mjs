// A served data file in a temporary folder, and a headless Chromium.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

export const root = new URL("../..", import.meta.url).pathname;
const program = process.env.STANDIN ?? join(root, "target/debug/standin");

/// The path of Chromium, if it is installed.
export const browserPath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
  .find((path) => path && existsSync(path));

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/// Serves `data` (JSON text) under `rules` until the test `context` ends.
export async function serve(context, data, rules, { port = 0, options = [], files = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "standin-browser-"));
  const file = join(folder, "db.json");
  writeFileSync(file, data);
  if (rules) writeFileSync(join(folder, "db.schema.json"), rules);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const server = spawn(program, ["db.json", "--port", String(port), ...(options.includes("--ephemeral") ? [] : ["--durability", "written"]), ...options], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  context.after(() => new Promise((done) => {
    if (server.exitCode !== null) return done();
    server.on("exit", () => { rmSync(folder, { recursive: true, force: true }); done(); });
    server.kill("SIGTERM");
  }));
  let text = "";
  const url = await new Promise((found, failed) => {
    server.stdout.on("data", (part) => {
      text += part;
      const home = /Home +(http:\S+)\//.exec(text);
      if (home) found(home[1]);
    });
    server.on("exit", (code) => failed(new Error(`the server ended with ${code}: ${text}`)));
  });
  return { url, file, folder, log: () => text };
}

/// Opens a browser with a temporary profile; `close` ends it.
export async function open(options = {}) {
  const profile = mkdtempSync(join(tmpdir(), "standin-profile-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: browserPath, args: FLAGS, headless: true, viewport: { width: 1280, height: 800 },
    permissions: ["clipboard-read", "clipboard-write"], ...options,
  });
  // Delayed responses reveal missing waits in a test or the page.
  if (process.env.SLOW) {
    await context.route((url) => url.pathname !== "/-/events", async (route) => {
      try {
        const response = await route.fetch({ maxRedirects: 0 });
        await new Promise((done) => setTimeout(done, Math.random() * Number(process.env.SLOW)));
        await route.fulfill({ response });
      } catch { await route.abort().catch(() => {}); }
    });
  }
  const faults = [];
  const watch = (page) => {
    page.setDefaultTimeout(15000);
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => {
      // Error responses are a part of the tests.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) faults.push(message.text());
    });
    page.on("dialog", (dialog) => { faults.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
    return page;
  };
  const page = watch(context.pages()[0] ?? (await context.newPage()));
  /// Navigates to another page, discarding unsaved changes.
  const fresh = async () => {
    const next = watch(await context.newPage());
    for (const other of context.pages()) if (other !== next) await other.close();
    return next;
  };
  const foreign = [];
  context.on("request", (request) => { if (!request.url().startsWith("http://localhost:") && !request.url().startsWith("about:")) foreign.push(request.url()); });
  const close = async () => { await context.close(); rmSync(profile, { recursive: true, force: true }); };
  return { page, context, faults, foreign, fresh, close };
}

/// A hundred thousand records.
export const many = () => {
  const names = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald"];
  const records = Array.from({ length: 100000 }, (_, index) => ({
    id: index + 1, name: `${names[index % 6]} ${index + 1}`, email: `p${index + 1}@example.com`, age: 18 + (index % 60), active: index % 3 === 0,
  }));
  return JSON.stringify({ people: records });
};

/// The widths of all tests: a phone and a laptop.
export const WIDTHS = [390, 1280];

/// A browser for the tests of a file, and a function that visits a page.
export function browse() {
  const held = {};
  before(async () => { Object.assign(held, await open()); });
  after(async () => { await held.close(); });
  /// A new page at `url`, `width` wide.
  const visit = async (url, { width = 1280, colorScheme = "light" } = {}) => {
    const page = (held.page = await held.fresh());
    await page.setViewportSize({ width, height: width < 760 ? 844 : 800 });
    await page.emulateMedia({ colorScheme });
    await page.goto(url);
    await page.evaluate(() => { localStorage.clear(); });
    await page.reload();
    await page.locator("main h1").first().waitFor();
    return page;
  };
  const nothingWrong = () => {
    assert.deepEqual(held.faults.splice(0), []);
    assert.deepEqual(held.foreign.splice(0), []);
  };
  const clipboard = () => held.page.evaluate(() => navigator.clipboard.readText());
  return { visit, nothingWrong, clipboard, held };
}

/// Waits until `condition` is true.
export async function until(condition, what = "a condition") {
  const end = Date.now() + 20000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

/// Opens the request panel, which is closed on narrow pages.
export async function openPanel(page) {
  const bar = page.locator(".strip-button");
  if (await bar.isVisible()) await bar.click();
}

/// The name and role of the focused element.
export const focused = (page) => page.evaluate(() => {
  const { activeElement: one } = document;
  return `${one.tagName.toLowerCase()} ${one.getAttribute("aria-label") ?? one.id ?? ""} ${one.tagName === "MAIN" ? "" : one.textContent}`.trim();
});
