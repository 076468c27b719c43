// The JavaScript API of the installed package. Run by packaging/npm/test.sh.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { end, project, remove, reset } from "./support.mjs";

let folder;
let start;
before(() => {
  folder = project();
  ({ start } = createRequire(join(folder, "package.json"))("standin"));
});
after(() => remove(folder));

const post = (body) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

test("data from an object, reset and stop", async () => {
  const server = await start({ data: { users: [{ id: 1, name: "Ada" }] } });
  assert.match(server.url, /^http:\/\/localhost:\d+$/);
  assert.equal(server.port, Number(new URL(server.url).port));
  assert.equal((await fetch(`${server.url}/users`, post({ name: "Grace" }))).status, 201);
  assert.equal((await (await fetch(`${server.url}/users`)).json()).length, 2);
  await server.reset();
  assert.deepEqual(await (await fetch(`${server.url}/users`)).json(), [{ id: 1, name: "Ada" }]);
  await server.stop();
  await server.stop();
  await assert.rejects(fetch(server.url));
});

test("rules from an object", async () => {
  const rules = { properties: { users: { items: { required: ["email"] } } } };
  const server = await start({ data: { users: [] }, rules });
  const response = await fetch(`${server.url}/users`, post({ name: "Ada" }));
  assert.equal(response.status, 400);
  assert.equal((await response.json()).errors[0].pointer, "/email");
  await server.stop();
});

test("a file is written to, unless ephemeral", async () => {
  reset(folder);
  const file = join(folder, "db.json");
  for (const ephemeral of [true, false]) {
    const server = await start({ data: file, ephemeral });
    assert.equal((await fetch(`${server.url}/users`, post({ name: "Grace" }))).status, 201);
    await server.stop();
    assert.equal(/Grace/.test(readFileSync(file, "utf8")), !ephemeral);
  }
});

test("options become flags", async () => {
  const server = await start({ data: { users: [] }, readOnly: true, args: ["--no-admin"] });
  assert.equal((await fetch(`${server.url}/users`, post({}))).status, 403);
  await server.stop();
  await assert.rejects(start({ data: {}, prot: 1 }), /unknown option "prot"/);
});

test("a quiet or coloured log does not hide the address", async () => {
  process.env.CLICOLOR_FORCE = "1";
  process.env.STANDIN_LOG = "error";
  try {
    for (const args of [[], ["--quiet"], ["--log-level", "error"]]) {
      const server = await start({ data: {}, args });
      assert.match(server.url, /^http:\/\/localhost:\d+$/);
      await server.stop();
    }
  } finally {
    delete process.env.CLICOLOR_FORCE;
    delete process.env.STANDIN_LOG;
  }
});

test("wrong values are refused with their names", async () => {
  for (const options of [{ data: null }, { data: [1] }, { rules: 1 }, { port: -1 }, { args: "--quiet" }]) {
    await assert.rejects(start(options), { name: "TypeError", message: new RegExp(`"${Object.keys(options)[0]}"`) });
  }
});

test("several servers at once", async () => {
  const servers = await Promise.all([1, 2, 3].map((n) => start({ data: { items: [{ id: n }] } })));
  const ids = await Promise.all(servers.map(async ({ url }) => (await (await fetch(`${url}/items`)).json())[0].id));
  assert.deepEqual(ids, [1, 2, 3]);
  await Promise.all(servers.map((server) => server.stop()));
});

test("a start that fails says why", async () => {
  await assert.rejects(start({ data: join(folder, "missing.json") }), /missing\.json/);
  await assert.rejects(start({ data: { users: [{ id: 1 }] }, rules: { properties: { users: { items: { required: ["email"] } } } } }), /email/);
  await assert.rejects(start({ data: {}, args: ["--no-such-option"] }), /--no-such-option/);
});

test("the server ends with the process that started it", async () => {
  const code = `require("standin").start({ data: {} }).then(({ url }) => { console.log(url); setInterval(() => {}, 1000); })`;
  const child = spawn("node", ["-e", code], { cwd: folder });
  const url = await new Promise((resolve) => child.stdout.once("data", (chunk) => resolve(String(chunk).trim())));
  assert.equal((await fetch(`${url}/db`)).status, 200);
  child.kill("SIGKILL");
  await end(child);
  await refused(url);
});

test("a process that forgets stop() can end", async () => {
  const code = `require("standin").start({ data: {} }).then(({ url }) => console.log(url))`;
  const temporary = mkdtempSync(join(folder, "tmp-"));
  const child = spawn("node", ["-e", code], { cwd: folder, env: { ...process.env, TMPDIR: temporary } });
  const url = new Promise((resolve) => child.stdout.once("data", (chunk) => resolve(String(chunk).trim())));
  assert.equal(await end(child), 0);
  await refused(await url);
  assert.deepEqual(readdirSync(temporary), []);
});

/** Waits until nothing accepts connections any more. */
async function refused(url) {
  for (;;) {
    try {
      await (await fetch(url)).arrayBuffer();
    } catch {
      return;
    }
  }
}
