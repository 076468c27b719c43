//! Runs the fuzz targets on the committed corpus, as regression tests.

#[path = "fuzz/checks.rs"]
mod checks;

use std::path::Path;

/// Runs `check` on every file of the corpus `name`, and on truncated and mutated copies of each.
fn run(name: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz_corpus")
        .join(name);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        check(&bytes);
        count += 1;
        for place in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
            check(&bytes[..place]);
            let mut other = bytes.clone();
            other[place] = other[place].wrapping_add(1);
            check(&other);
            other[place] = b'"';
            check(&other);
            other.remove(place);
            check(&other);
        }
    }
    assert!(count >= 8, "{count} files in {}", folder.display());
}

#[test]
fn file_text_and_splice() {
    run("file", checks::file);
}

#[test]
fn query_strings() {
    run("query", checks::query);
}

#[test]
fn merges() {
    run("merge", checks::merge);
}

#[test]
fn requests() {
    run("request", checks::request);
}
