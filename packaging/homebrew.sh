#!/usr/bin/env bash
# Prints the Homebrew formula for a release.
#
#   packaging/homebrew.sh VERSION SHA256SUMS [REPOSITORY]     REPOSITORY: owner/name; default: $GITHUB_REPOSITORY
set -euo pipefail
version=$1
sums=$2
repository=https://github.com/${3:-$GITHUB_REPOSITORY}
sum() { awk -v file="standin-$version-$1.tar.gz" '$2 == file { print $1 }' "$sums"; }
resource() {
  cat << RUBY
      url "$repository/releases/download/v$version/standin-$version-$1.tar.gz"
      sha256 "$(sum "$1")"
RUBY
}
cat << RUBY
class Standin < Formula
  desc "Mock REST API from a JSON file"
  homepage "$repository"
  version "$version"
  license "MIT"

  on_macos do
    on_arm do
$(resource aarch64-apple-darwin)
    end
    on_intel do
$(resource x86_64-apple-darwin)
    end
  end

  on_linux do
    on_arm do
$(resource aarch64-unknown-linux-gnu)
    end
    on_intel do
$(resource x86_64-unknown-linux-gnu)
    end
  end

  def install
    bin.install "standin"
    man1.install "standin.1"
    bash_completion.install "completions/standin.bash" => "standin"
    zsh_completion.install "completions/standin.zsh" => "_standin"
    fish_completion.install "completions/standin.fish"
  end

  test do
    (testpath/"db.json").write '{"users": []}'
    assert_match "openapi", shell_output("#{bin}/standin openapi db.json")
  end
end
RUBY
