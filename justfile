# The commands of CONTRIBUTING.md. `just` without arguments lists them.

_default:
    @just --list

# Seconds: the unit tests of all packages
test-fast:
    cargo test --workspace --lib

# One feature: just test-one verbs
test-one name:
    cargo test --test it {{name}}

# Minutes: everything a change must pass on a developer's machine
test:
    cargo test --workspace

# The long runs of docs/durability.md: kills under load and random sequences of writes, edits and crashes
test-long rounds="50":
    STANDIN_STRESS={{rounds}} STANDIN_MODEL={{rounds}} cargo test --test it

# Format, lints and documentation, as CI runs them
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Licences, advisories and duplicate dependencies (cargo install cargo-deny)
deny:
    cargo deny check

# The explorer in a headless Chromium
browser:
    .ci/browser

# The OpenAPI document against other people's tools
openapi:
    .ci/openapi

# Fuzz one target for a while (cargo install cargo-fuzz): just fuzz query 60
fuzz target seconds="60":
    cd fuzz && cargo +nightly fuzz run {{target}} -- -max_total_time={{seconds}}

# All that CI runs
ci:
    .ci/run
