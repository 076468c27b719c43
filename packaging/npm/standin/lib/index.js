"use strict";

const { spawn } = require("node:child_process");
const { mkdtempSync, rmSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { binaryPath } = require("./binary.js");

/** Options of `start` that are passed on as they are: name and flag. */
const FLAGS = {
  host: "--host",
  routes: "--routes",
  delay: "--delay",
  id: "--id",
  foreignKeySuffix: "--foreign-key-suffix",
};
const SWITCHES = { ephemeral: "--ephemeral", readOnly: "--read-only" };
const OWN = ["data", "rules", "port", "args", "timeout"];

/** See index.d.ts. */
async function start(options = {}) {
  for (const name of Object.keys(options)) {
    if (!(name in FLAGS) && !(name in SWITCHES) && !OWN.includes(name)) {
      throw new TypeError(`start: unknown option "${name}"; pass flags of the program in "args"`);
    }
  }
  const { data = "db.json", rules, port = 0, args = [], timeout = 10_000 } = options;
  if (typeof data !== "string" && !isObject(data)) {
    throw new TypeError('start: "data" must be the path of a file or an object of resources');
  }
  if (rules !== undefined && typeof rules !== "string" && !isObject(rules)) {
    throw new TypeError('start: "rules" must be the path of a file or a JSON Schema');
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new TypeError('start: "port" must be a port number');
  if (!Array.isArray(args)) throw new TypeError('start: "args" must be an array of strings');
  const folder = isObject(data) || isObject(rules) ? mkdtempSync(join(tmpdir(), "standin-")) : undefined;
  const removeFolder = () => folder && rmSync(folder, { recursive: true, force: true });
  // For a process that ends without stop().
  process.once("exit", removeFolder);
  const cleanUp = () => {
    process.off("exit", removeFolder);
    removeFolder();
  };
  try {
    const file = isObject(data) ? writeJson(folder, "db.json", data) : data;
    const schema = isObject(rules) ? writeJson(folder, "db.schema.json", rules) : rules;
    const flags = [file, "--port", String(port), "--exit-on-stdin-close"];
    if (schema) flags.push("--schema", schema);
    for (const [name, flag] of Object.entries(FLAGS)) {
      if (options[name] !== undefined) flags.push(`${flag}=${options[name]}`);
    }
    for (const [name, flag] of Object.entries(SWITCHES)) if (options[name]) flags.push(flag);
    // Nobody will read the temporary file, so it need not be saved.
    if (isObject(data) && !options.ephemeral) flags.push("--ephemeral");
    // The last ones win: the address is read from the banner, whatever the other options are.
    return await launch([...flags, ...args, "--quiet=false", "--log-level=info"], timeout, cleanUp);
  } catch (error) {
    cleanUp();
    throw error;
  }
}

function launch(flags, timeout, cleanUp) {
  // The server ends when this end of its stdin is closed, and the system closes it however this process ends.
  const child = spawn(binaryPath(), flags, {
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
    env: { ...process.env, NO_COLOR: "1", CLICOLOR_FORCE: "0", STANDIN_LOG: "" },
  });
  const exited = new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)));
  let output = "";
  let errors = "";
  child.stderr.on("data", (chunk) => (errors = (errors + chunk).slice(-64 * 1024)));
  child.stdin.on("error", () => {});

  async function stop() {
    child.stdin.end();
    const force = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await exited;
    clearTimeout(force);
    cleanUp();
  }

  return new Promise((resolve, reject) => {
    const fail = (message) => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      reject(new Error(message));
    };
    const timer = setTimeout(() => fail(`standin did not start within ${timeout} ms\n${errors}`), timeout);
    child.once("error", (error) => fail(`cannot run standin: ${error.message}`));
    exited.then((end) => fail(errors.trim() || `standin ended at once (${end})`));
    child.stdout.on("data", (chunk) => {
      output += chunk;
      // The banner is printed once the port is open.
      const url = /^ *Home +(http\S+?)\/?\r?\n/m.exec(output)?.[1];
      if (!url) return;
      clearTimeout(timer);
      // Whatever follows is not needed, but must be read, or the server would wait for us.
      child.stdout.removeAllListeners("data").resume();
      // A test runner that forgets stop() must still be able to end.
      for (const handle of [child, child.stdin, child.stdout, child.stderr]) handle.unref?.();
      resolve({
        url,
        port: Number(new URL(url).port),
        stop,
        async reset(snapshot) {
          const query = snapshot === undefined ? "" : `?snapshot=${encodeURIComponent(snapshot)}`;
          const response = await fetch(`${url}/-/reset${query}`, { method: "POST" });
          if (!response.ok) throw new Error(`reset failed with ${response.status}: ${await response.text()}`);
        },
        [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]: stop,
      });
    });
  });
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function writeJson(folder, name, value) {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(value, null, 2));
  return path;
}

module.exports = { start, binaryPath };
