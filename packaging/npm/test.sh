#!/usr/bin/env bash
# Packs the npm packages with BINARY, installs them offline into empty folders and uses them.
#
#   packaging/npm/test.sh [BINARY]
set -euo pipefail
cd "$(dirname "$0")/../.."
packaging/npm/pack.sh "$@" > /dev/null
node --test --test-timeout=120000 packaging/npm/test/package.test.mjs packaging/npm/test/api.test.mjs
