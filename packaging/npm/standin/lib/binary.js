"use strict";

const { existsSync } = require("node:fs");

/** Package names to try for this machine, the best first. */
function candidates() {
  const { platform, arch } = process;
  if (platform !== "linux") return [`@standin/cli-${platform}-${arch}`];
  // A musl binary is static and also runs where glibc is installed.
  const musl = `@standin/cli-linux-${arch}-musl`;
  return usesGlibc() ? [`@standin/cli-linux-${arch}-gnu`, musl] : [musl];
}

function usesGlibc() {
  const report = process.report?.getReport();
  return Boolean((typeof report === "string" ? JSON.parse(report) : report)?.header?.glibcVersionRuntime);
}

/**
 * The path of the program: `STANDIN_BINARY`, or that of the package for this platform.
 *
 * @returns {string}
 */
function binaryPath() {
  const own = process.env.STANDIN_BINARY;
  if (own) {
    if (!existsSync(own)) throw new Error(`error: STANDIN_BINARY is set to ${own}, which does not exist`);
    return own;
  }
  const names = candidates();
  const file = process.platform === "win32" ? "standin.exe" : "standin";
  for (const name of names) {
    try {
      return require.resolve(`${name}/${file}`);
    } catch {
      // Not installed: try the next one.
    }
  }
  throw new Error(
    `error: the package ${names[0]} is not installed; it holds the standin program for this machine.\n` +
      "  help: install again without --omit=optional (or --no-optional). If node_modules or the lock file came from\n" +
      "        another operating system, remove both and run npm install.\n" +
      "        Where there is no package for your platform, build the program and set STANDIN_BINARY to its path.",
  );
}

module.exports = { binaryPath };
