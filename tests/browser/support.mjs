// A served data file in a folder of its own, and a headless Chromium that looks at it.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const root = new URL("../..", import.meta.url).pathname;
const program = process.env.STANDIN ?? join(root, "target/debug/standin");

/// Where a Chromium is, if there is one.
export const browserPath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
  .find((path) => path && existsSync(path));

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/// Serves `data` (JSON text) under `rules` until the test `context` ends.
export async function serve(context, data, rules, port = 0) {
  const folder = mkdtempSync(join(tmpdir(), "standin-browser-"));
  const file = join(folder, "db.json");
  writeFileSync(file, data);
  if (rules) writeFileSync(join(folder, "db.schema.json"), rules);
  const server = spawn(program, ["db.json", "--port", String(port), "--durability", "written"], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  context.after(() => new Promise((done) => {
    if (server.exitCode !== null) return done();
    server.on("exit", () => { rmSync(folder, { recursive: true, force: true }); done(); });
    server.kill("SIGTERM");
  }));
  const url = await new Promise((found, failed) => {
    let text = "";
    server.stdout.on("data", (part) => {
      text += part;
      const home = /Home +(http:\S+)\//.exec(text);
      if (home) found(home[1]);
    });
    server.on("exit", (code) => failed(new Error(`the server ended with ${code}: ${text}`)));
  });
  return { url, file };
}

/// Opens a browser with a profile that is thrown away; `close` ends it.
export async function open(options = {}) {
  const profile = mkdtempSync(join(tmpdir(), "standin-profile-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: browserPath, args: FLAGS, headless: true, viewport: { width: 1440, height: 900 },
    permissions: ["clipboard-read", "clipboard-write"], ...options,
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(15000);
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    // That an answer is an error is a part of the tests.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) faults.push(message.text());
  });
  page.on("dialog", (dialog) => { faults.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  const foreign = [];
  context.on("request", (request) => { if (!request.url().startsWith("http://localhost:") && !request.url().startsWith("about:")) foreign.push(request.url()); });
  const close = async () => { await context.close(); rmSync(profile, { recursive: true, force: true }); };
  return { page, context, faults, foreign, close };
}

/// A hundred thousand records.
export const many = () => {
  const names = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald"];
  const records = Array.from({ length: 100000 }, (_, index) => ({
    id: index + 1, name: `${names[index % 6]} ${index + 1}`, email: `p${index + 1}@example.com`, age: 18 + (index % 60), active: index % 3 === 0,
  }));
  return JSON.stringify({ people: records });
};
