// The installed packages as their users call them. Run by packaging/npm/test.sh.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { address, end, project, remove, reset } from "./support.mjs";

let folder;
before(() => (folder = project()));
after(() => remove(folder));

const run = (command, args, options) => spawn(command, args, { cwd: folder, ...options });
const json = (method, body) => ({ method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

test("npx standin --version prints the version of the package", () => {
  const { version } = JSON.parse(readFileSync(join(folder, "node_modules/standin/package.json"), "utf8"));
  const output = execFileSync("npx", ["--no-install", "standin", "--version"], { cwd: folder, encoding: "utf8" });
  assert.equal(output.trim(), `standin ${version}`);
});

test("npx standin db.json serves the file and saves to it", async () => {
  reset(folder);
  const child = run("npx", ["--no-install", "standin", "db.json", "--port", "0"], { detached: true });
  const url = await address(child);
  const response = await fetch(`${url}/users`, json("POST", { name: "Grace" }));
  assert.deepEqual([response.status, await response.json()], [201, { name: "Grace", id: 2 }]);
  assert.match(readFileSync(join(folder, "db.json"), "utf8"), /Grace/);
  // npx does not pass SIGTERM on; process managers send it to the whole group.
  process.kill(-child.pid, "SIGTERM");
  assert.ok([0, 143, "SIGTERM"].includes(await end(child)));
});

test("the npx commands of the README work in an empty folder", async () => {
  const readme = readFileSync(join(folder, "node_modules/standin/README.md"), "utf8");
  const commands = [...readme.matchAll(/^npx (standin [^#\n]+)/gm)].map(([, command]) => command.trim());
  assert.deepEqual(commands, ["standin init", "standin db.json"]);
  rmSync(join(folder, "db.json"));
  const environment = { ...process.env, PORT: "0" };
  execFileSync("npx", ["--no-install", ...commands[0].split(" ")], { cwd: folder });
  const child = run("npx", ["--no-install", ...commands[1].split(" ")], { detached: true, env: environment });
  const url = await address(child);
  assert.equal((await (await fetch(`${url}/users/1`)).json()).name, "Ada Lovelace");
  process.kill(-child.pid, "SIGTERM");
  await end(child);
  rmSync(join(folder, "db.schema.json"));
  reset(folder);
});

test("the exit code of the program is passed on", () => {
  const result = spawnSync("npx", ["--no-install", "standin", "missing.json"], { cwd: folder, encoding: "utf8" });
  assert.equal(result.status, 2);
  assert.match(result.stderr, /missing\.json/);
});

test("npm start runs it, and SIGTERM to npm ends it", async () => {
  const child = run("npm", ["start"], { detached: true });
  const url = await address(child);
  assert.equal((await fetch(`${url}/users/1`)).status, 200);
  process.kill(-child.pid, "SIGTERM");
  await end(child);
  await assert.rejects(fetch(`${url}/users/1`));
});

test("npx standin db.json in a terminal ends with Ctrl+C", { skip: process.platform === "win32" }, async () => {
  reset(folder);
  const command = [join(import.meta.dirname, "terminal.py"), "npx", "--no-install", "standin", "db.json", "--port", "0"];
  const child = run("python3", command, { env: { ...process.env, NO_COLOR: "1" } });
  const url = await address(child);
  assert.equal((await fetch(`${url}/users`, json("POST", { name: "Grace" }))).status, 201);
  child.stdin.write("\x03");
  // npx itself ends by the signal: -2, as a byte.
  assert.ok([0, 130, 254].includes(await end(child)));
  await assert.rejects(fetch(`${url}/users/1`));
  assert.match(readFileSync(join(folder, "db.json"), "utf8"), /Grace/);
});

for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"]) {
  test(`child_process.spawn with default stdio, then kill(${signal})`, async () => {
    const path = join(folder, "node_modules/.bin/standin");
    // SIGINT goes to the whole group in a terminal; sent to the launcher alone it is ignored, as it should be.
    const child = run(path, ["db.json", "--port", "0"], { detached: true });
    const url = await address(child);
    process.kill(signal === "SIGINT" ? -child.pid : child.pid, signal);
    const code = await end(child);
    assert.ok([0, 130, 129, 143, signal].includes(code), `ended with ${code}`);
    await assert.rejects(fetch(`${url}/users/1`));
  });
}

test("a missing platform package is explained", () => {
  const scope = join(folder, "node_modules/@standin");
  renameSync(scope, `${scope}-away`);
  try {
    const result = spawnSync("npx", ["--no-install", "standin", "--version"], { cwd: folder, encoding: "utf8" });
    assert.equal(result.status, 2);
    assert.match(result.stderr, /@standin\/cli-.*is not installed[\s\S]*--omit=optional[\s\S]*lock file/);
  } finally {
    renameSync(`${scope}-away`, scope);
  }
});

test("STANDIN_BINARY names another program", () => {
  const { binaryPath } = requireFrom(folder);
  const copy = join(folder, "copy-of-standin");
  copyFileSync(binaryPath(), copy);
  const result = spawnSync("npx", ["--no-install", "standin", "--version"], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, STANDIN_BINARY: copy },
  });
  assert.match(result.stdout, /^standin \d/);
  const wrong = spawnSync("npx", ["--no-install", "standin"], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, STANDIN_BINARY: join(folder, "nothing") },
  });
  assert.deepEqual([wrong.status, /STANDIN_BINARY/.test(wrong.stderr)], [2, true]);
});

function requireFrom(path) {
  const code = "console.log(JSON.stringify({ path: require('standin').binaryPath() }))";
  const { path: binary } = JSON.parse(execFileSync("node", ["-e", code], { cwd: path, encoding: "utf8" }));
  return { binaryPath: () => binary };
}

test("require and import give the same functions", () => {
  writeFileSync(join(folder, "both.mjs"), 'import { start } from "standin";\nimport { createRequire } from "node:module";\nconsole.log(start === createRequire(import.meta.url)("standin").start);\n');
  assert.equal(execFileSync("node", ["both.mjs"], { cwd: folder, encoding: "utf8" }).trim(), "true");
});
