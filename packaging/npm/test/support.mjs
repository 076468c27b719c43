// Installs the tarballs of target/npm into an empty folder, offline: nothing is fetched from a registry.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const tarballs = join(dirname(fileURLToPath(import.meta.url)), "../../../target/npm");

/** A folder with the packages installed and a `db.json`. */
export function project() {
  const folder = mkdtempSync(join(tmpdir(), "standin-npm-"));
  const files = readdirSync(tarballs).filter((name) => name.endsWith(".tgz"));
  const file = (prefix) => `file:${join(tarballs, files.find((name) => name.startsWith(prefix)))}`;
  const platform = file("standin-cli-");
  const name = `@standin/${/standin-(cli-.+)-\d+\.\d+\.\d+/.exec(platform)[1]}`;
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({
      private: true,
      scripts: { start: "standin db.json --port 0" },
      dependencies: { standin: file("standin-0"), [name]: platform },
    }),
  );
  execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", "--loglevel=error", "--omit=optional"], {
    cwd: folder,
    shell: process.platform === "win32",
  });
  reset(folder);
  return folder;
}

export function reset(folder) {
  writeFileSync(join(folder, "db.json"), '{\n  "users": [{ "id": 1, "name": "Ada" }]\n}\n');
}

export function remove(folder) {
  rmSync(folder, { recursive: true, force: true });
}

/** Waits until the output has the address of the server. */
export function address(child) {
  return new Promise((resolve, reject) => {
    let output = "";
    const read = (chunk) => {
      output += chunk;
      const url = /Home +(http\S+?)\/?\r?\n/.exec(output)?.[1];
      if (url) resolve(url);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("close", (code) => reject(new Error(`ended with ${code}:\n${output}`)));
  });
}

/** The exit code or signal of a child. */
export function end(child) {
  return new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)));
}
