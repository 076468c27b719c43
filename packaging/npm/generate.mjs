// Writes the npm packages into folders, ready for `npm pack`.
//
//   node generate.mjs OUT main                     the package `standin`
//   node generate.mjs OUT PLATFORM BINARY          the package `@standin/cli-PLATFORM` with that program
//
// The version comes from Cargo.toml, so that it is written in one place.

import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const platforms = JSON.parse(readFileSync(join(here, "platforms.json"), "utf8"));
const manifest = readFileSync(join(root, "Cargo.toml"), "utf8");
const version = /^version = "(.+)"$/m.exec(manifest)[1];
// npm's provenance must name the repository that the package was built in.
const { GITHUB_REPOSITORY } = process.env;
const repository = GITHUB_REPOSITORY && { type: "git", url: `git+https://github.com/${GITHUB_REPOSITORY}.git` };
const [out, what, binary] = process.argv.slice(2);

if (what === "main") {
  const folder = join(out, "standin");
  cpSync(join(here, "standin"), folder, { recursive: true });
  const template = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const names = Object.keys(platforms).map((name) => `@standin/cli-${name}`);
  write(folder, {
    ...template,
    version,
    ...(repository && { repository }),
    optionalDependencies: Object.fromEntries(names.map((name) => [name, version])),
  });
  for (const file of ["README.md", "LICENSE"]) cpSync(join(root, file), join(folder, file));
  chmodSync(join(folder, "bin/standin.js"), 0o755);
} else if (platforms[what] && binary) {
  const { os, cpu, libc } = platforms[what];
  const folder = join(out, `cli-${what}`);
  const file = os === "win32" ? "standin.exe" : "standin";
  mkdirSync(folder, { recursive: true });
  cpSync(binary, join(folder, file));
  chmodSync(join(folder, file), 0o755);
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  writeFileSync(join(folder, "README.md"), `The ${what} program of [standin](https://www.npmjs.com/package/standin).\n`);
  write(folder, {
    name: `@standin/cli-${what}`,
    version,
    description: `The ${what} program of standin`,
    license: "MIT",
    ...(repository && { repository }),
    os: [os],
    cpu: [cpu],
    ...(libc && { libc: [libc] }),
    files: [file],
    preferUnplugged: true,
  });
} else {
  console.error(`usage: generate.mjs OUT main | OUT PLATFORM BINARY\nplatforms: ${Object.keys(platforms).join(", ")}`);
  process.exit(2);
}

function write(folder, value) {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(value, null, 2)}\n`);
}
