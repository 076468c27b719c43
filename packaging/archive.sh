#!/usr/bin/env bash
# Writes dist/standin-VERSION-TARGET.tar.gz (.zip for Windows): the program, its manual page, completions, licence.
#
#   packaging/archive.sh TARGET PLATFORM [NATIVE]
#
# NATIVE is `true` where this machine can run the program, which then prints its own manual and completions.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$1
native=${3:-true}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
program=target/$target/release/standin
[ -f "$program" ] || program=$program.exe
name=standin-$version-$target
folder=target/archive/$name
rm -rf "$folder"
mkdir -p "$folder/completions" dist
cp "$program" README.md LICENSE CHANGELOG.md "$folder/"
if [ "$native" = true ]; then
  "$program" man > "$folder/standin.1"
  for shell in bash zsh fish powershell elvish; do
    "$program" completions "$shell" > "$folder/completions/standin.$shell"
  done
fi
case $target in
  *windows*) (cd target/archive && 7z a -bso0 "../../dist/$name.zip" "$name") ;;
  *) tar -C target/archive -czf "dist/$name.tar.gz" "$name" ;;
esac
