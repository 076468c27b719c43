#!/usr/bin/env bash
# Writes the wheel for this machine into target/wheels.
#
#   packaging/wheel.sh            a release build
#   packaging/wheel.sh BINARY     the wheel with that program in it; a wheel that is there already is repacked
#   packaging/wheel.sh --test [BINARY]   the same, then installs it into a fresh virtual environment and tests it
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
test=
if [ "${1:-}" = --test ]; then test=1; shift; fi
binary=${1:-}
[ -z "$binary" ] || binary=$(realpath "$binary")
cd "$root"
tools=$root/target/packaging-venv
[ -x "$tools/bin/maturin" ] || { python3 -m venv "$tools" && "$tools/bin/pip" install --quiet 'maturin>=1.9,<2' wheel; }
wheels=$root/target/wheels
newest() { ls -t "$wheels"/standin_server-*.whl 2> /dev/null | head -n 1; }
if [ -z "$binary" ] || [ -z "$(newest)" ]; then
  # With a program given, what maturin builds is replaced below: the debug build is the quickest.
  rm -rf "$wheels"
  PATH=$tools/bin:$PATH maturin build --quiet --profile "$([ -n "$binary" ] && echo dev || echo release)" --out "$wheels"
fi
if [ -n "$binary" ]; then
  wheel=$(newest)
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  "$tools/bin/wheel" unpack --dest "$work" "$wheel" > /dev/null
  cp "$binary" "$work"/standin_server-*/standin_server-*.data/scripts/standin
  # The Python sources may be newer than the wheel as well.
  cp "$root"/packaging/python/standin_server/*.py "$work"/standin_server-*/standin_server/
  rm -f "$wheel"
  "$tools/bin/wheel" pack --dest-dir "$wheels" "$work"/standin_server-* > /dev/null
fi
newest
if [ -n "$test" ]; then
  fresh=$root/target/wheel-test
  rm -rf "$fresh"
  python3 -m venv "$fresh"
  "$fresh/bin/pip" install --quiet "$(newest)" pytest
  "$fresh/bin/standin" --version
  env -u STANDIN_BINARY "$fresh/bin/pytest" -q -p no:cacheprovider packaging/python/tests
fi
