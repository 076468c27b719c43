#!/usr/bin/env bash
# Writes the npm tarballs for this machine into target/npm: the package `standin` and the one with the program.
#
#   packaging/npm/pack.sh [BINARY]     BINARY: the program to pack; default: a release build
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
binary=${1:-}
[ -z "$binary" ] || binary=$(realpath "$binary")
cd "$root"
if [ -z "$binary" ]; then
  cargo build --release --quiet
  binary=${CARGO_TARGET_DIR:-target}/release/standin
fi
platform=$(node -p 'process.platform === "linux"
  ? `linux-${process.arch}-${process.report.getReport().header.glibcVersionRuntime ? "gnu" : "musl"}`
  : `${process.platform}-${process.arch}`')
out=$root/target/npm
rm -rf "$out"
mkdir -p "$out/packages"
node packaging/npm/generate.mjs "$out/packages" main
node packaging/npm/generate.mjs "$out/packages" "$platform" "$binary"
cd "$out"
npm pack --silent "./packages/standin" "./packages/cli-$platform"
