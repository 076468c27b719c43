//! The house: imports go down only, and each floor leaves alone what is not its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Module and floor, in halves.
const FLOORS: [(&str, u32); 14] = [
    ("json", 1),
    ("words", 1),
    ("problems", 1),
    ("file", 2),
    ("store", 2),
    ("schema", 2),
    ("engine", 3),
    ("http", 4),
    ("openapi", 3),
    ("server", 6),
    ("check", 8),
    ("cli", 10),
    ("main", 10),
    ("lib", 10),
];

/// Words that the code of a module never says.
const NEVER: [(&str, &[&str]); 9] = [
    ("json", &["tokio", "async", "std::fs", "std::io", "std::thread", "std::time", "std::net", "hyper", "notify"]),
    ("words", &["tokio", "async", "std::fs", "std::io", "std::thread", "std::time", "std::net"]),
    (
        "store",
        &[
            "tokio",
            "async",
            "std::fs",
            "std::io",
            "std::thread",
            "std::time",
            "std::net",
            "Instant",
            "SystemTime",
            "RandomState",
        ],
    ),
    ("schema", &["tokio", "async", "std::fs", "std::io", "std::thread", "std::time", "std::net"]),
    ("file", &["tokio", "async", "jsonschema", "hyper", "StatusCode"]),
    ("engine", &["hyper", "StatusCode", "notify::"]),
    ("http", &["notify::", "jsonschema", "arc_swap"]),
    ("openapi", &["tokio", "async", "std::fs"]),
    ("check", &["jsonschema", "arc_swap", "hyper"]),
];

fn sources() -> Vec<(String, PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    assert!(found.len() > 20, "{found:?}");
    let source = |path: PathBuf| {
        let inside = path.strip_prefix(&root).unwrap().to_path_buf();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let module = first.strip_suffix(".rs").unwrap_or(&first).to_string();
        let text = std::fs::read_to_string(&path).unwrap();
        (module, inside, code(&text))
    };
    found.into_iter().map(source).collect()
}

/// The text without comments and what stands in quotes, line by line.
fn code(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut quoted = false;
        let mut before = ' ';
        let mut letters = line.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '"' if before != '\\' && before != '\'' => quoted = !quoted,
                '/' if !quoted && letters.peek() == Some(&'/') => break,
                _ if !quoted => out.push(letter),
                _ => {}
            }
            before = if before == '\\' && letter == '\\' { ' ' } else { letter };
        }
        out.push('\n');
    }
    out
}

fn floor(module: &str) -> u32 {
    let found = FLOORS.iter().find(|(name, _)| *name == module);
    found.unwrap_or_else(|| panic!("src/{module} has no floor: put it in the table, and in docs/architecture.md")).1
}

/// The top-level modules that the code names with `crate::` (or `standin::`).
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for start in ["crate::", "standin::"] {
        for rest in code.split(start).skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            assert!(!name.is_empty(), "name one module at a time: {start}{}", &rest[..rest.len().min(40)]);
            found.push(name);
        }
    }
    found
}

/// Whether the code has the word, not as part of a longer one.
fn says(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].chars().next_back().is_some_and(part)
            && (word.ends_with(':') || !code[at + word.len()..].chars().next().is_some_and(part))
    })
}

#[test]
fn imports_go_down_only_and_siblings_do_not_see_each_other() {
    let mut wrong = Vec::new();
    let mut seen = BTreeMap::new();
    // The program says `standin::run`, which is not a module.
    for (module, path, code) in sources().into_iter().filter(|(module, ..)| module != "main") {
        for name in imports(&code) {
            *seen.entry((module.clone(), name.clone())).or_insert(0) += 1;
            if name != module && floor(&name) >= floor(&module) && module != "main" {
                wrong.push(format!("src/{} (floor {}) says {name}", path.display(), floor(&module)));
            }
        }
        // The way out of a module is `crate::`; `super` must not lead there by the back door.
        let depth = path.components().count();
        let climbs = "super::".repeat(depth);
        if !code.contains("mod tests") && code.contains(&climbs) {
            wrong.push(format!("src/{} climbs out of its module with {climbs}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen.contains_key(&("engine".to_string(), "store".to_string())), "the reading of imports works: {seen:?}");
}

#[test]
fn only_http_says_warp() {
    let saying: Vec<_> = sources()
        .into_iter()
        .filter(|(_, _, code)| says(code, "warp"))
        .map(|(module, path, _)| (module, path))
        .collect();
    assert!(!saying.is_empty());
    let elsewhere: Vec<_> = saying.iter().filter(|(module, _)| module != "http").collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}

#[test]
fn each_floor_leaves_alone_what_it_never_does() {
    let mut wrong = Vec::new();
    for (module, path, code) in sources() {
        // Tests may look at files.
        if path.file_name().is_some_and(|name| name == "tests.rs")
            || path.components().any(|part| part.as_os_str() == "tests")
        {
            continue;
        }
        let code = code.split("#[cfg(test)]").next().unwrap();
        for word in NEVER.iter().filter(|(name, _)| *name == module).flat_map(|(_, words)| *words) {
            if says(code, word) {
                wrong.push(format!("src/{} says {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_is_in_the_table_and_main_is_a_table_of_contents() {
    for (module, path, code) in sources() {
        floor(&module);
        if module == "main" {
            assert!(code.lines().count() < 60, "{}", path.display());
        }
    }
}

#[test]
fn the_reading_of_code_leaves_out_comments_and_strings() {
    let text = "use crate::a; // crate::b\n/// crate::c\nlet x = \"crate::d \\\" crate::e\"; crate::f::g();\n'\"'; crate::h;\n";
    assert_eq!(imports(&code(text)), ["a", "f", "h"]);
    assert!(says("use warp::Filter;", "warp") && !says("a_warp unwarp warped", "warp"));
}

/// In the package of the checker every file may import others, as long as no two files need each other.
#[test]
fn files_of_the_checker_import_each_other_without_cycles() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/check/src");
    let mut imports_of = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let (Some(name), Some("rs")) = (path.file_stem(), path.extension().and_then(|end| end.to_str())) else {
            continue;
        };
        let text = code(std::fs::read_to_string(&path).unwrap().split("#[cfg(test)]").next().unwrap());
        let imported: Vec<String> = text
            .split("use super::")
            .skip(1)
            .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
            .collect();
        assert!(!imported.contains(&String::new()), "name one module at a time: {}", path.display());
        imports_of.insert(name.to_string_lossy().into_owned(), imported);
    }
    assert!(imports_of.len() > 20, "{imports_of:?}");
    // Files whose imports are all gone are removed until none is left, or a cycle.
    while !imports_of.is_empty() {
        let names: Vec<String> = imports_of.keys().cloned().collect();
        let before = names.len();
        imports_of.retain(|_, imported| imported.iter().any(|name| names.contains(name)));
        assert!(imports_of.len() < before, "a cycle: {imports_of:?}");
    }
}
