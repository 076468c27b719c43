//! The structure of the code: the order of the modules, no import cycles between files, and what each module must not
//! use.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The modules of the library, lowest first. Each may import those before it.
const ORDER: [&str; 17] = [
    "json",
    "text",
    "work",
    "memory",
    "rules",
    "problems",
    "schema",
    "file",
    "store",
    "query",
    "behaviour",
    "engine",
    "openapi",
    "http",
    "server",
    "check",
    "cli",
];

/// I/O, threads and the clock: words that the code of a pure module must not contain.
const MACHINE: [&str; 7] = [
    "tokio",
    "async",
    "std::fs",
    "std::io",
    "std::thread",
    "std::time",
    "std::net",
];
const PURE: [&str; 5] = ["json", "text", "store", "query", "schema"];

/// Other words that the code of a module must not contain.
const FORBIDDEN: [(&str, &[&str]); 12] = [
    ("json", &["notify"]),
    ("store", &["RandomState"]),
    ("query", &["RandomState"]),
    ("schema", &["warp"]),
    (
        "behaviour",
        &["tokio", "async", "std::fs", "std::net", "warp"],
    ),
    ("file", &["tokio", "async", "jsonschema", "hyper", "warp"]),
    ("engine", &["hyper", "warp", "notify::"]),
    ("http", &["notify::", "jsonschema"]),
    ("openapi", &["tokio", "async", "std::fs", "warp"]),
    ("server", &["jsonschema", "hyper", "warp"]),
    ("check", &["jsonschema", "arc_swap", "hyper", "warp"]),
    ("cli", &["hyper", "warp", "jsonschema"]),
];

/// A path in the source: `["crate", "store", "Store"]`.
type Names = Vec<String>;

/// A source file.
struct Source {
    /// Its module, from the root of the package: `["store", "merge"]`.
    module: Names,
    /// Its text without comments, strings, tests and `use` declarations.
    code: String,
    /// What its `use` declarations import.
    imports: Vec<Names>,
    /// What it re-exports by `pub use`; the file itself does not use them.
    exports: Vec<Names>,
}

/// The sources of a package.
struct Package {
    folder: &'static str,
    files: Vec<Source>,
}

impl Package {
    fn read(folder: &'static str) -> Package {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut files = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if path.is_dir() {
                    folders.extend((name != "tests").then_some(path));
                } else if let Some(stem) = name.strip_suffix(".rs").filter(|stem| *stem != "tests")
                {
                    let parents = path.parent().unwrap().strip_prefix(&root).unwrap().iter();
                    let mut module: Names = parents
                        .map(|part| part.to_string_lossy().into_owned())
                        .collect();
                    module.extend((!["mod", "lib"].contains(&stem)).then(|| stem.to_string()));
                    files.push(Source::new(
                        module,
                        &std::fs::read_to_string(&path).unwrap(),
                    ));
                }
            }
        }
        assert!(files.len() > 20);
        Package { folder, files }
    }

    /// The file of the longest module path that `path` begins with.
    fn file(&self, path: &[String]) -> &Source {
        let prefixes = self
            .files
            .iter()
            .filter(|file| path.starts_with(&file.module));
        prefixes
            .max_by_key(|file| file.module.len())
            .expect("the root is a module")
    }

    /// `path` as written in `file`, from the root of the package; `None` for other crates.
    fn absolute(&self, file: &Source, path: &[String]) -> Option<Names> {
        let supers = path.iter().take_while(|name| *name == "super").count();
        let child = [&file.module[..], &path[..1]].concat();
        match path[0].as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([&file.module[..], &path[1..]].concat()),
            _ if supers > 0 => Some(
                [
                    &file.module[..file.module.len().checked_sub(supers)?],
                    &path[supers..],
                ]
                .concat(),
            ),
            _ if self.files.iter().any(|other| other.module == child) => {
                Some([&file.module[..], path].concat())
            }
            _ => None,
        }
    }

    /// The file that defines what `path` (from the root) names, following at most `hops` re-exports.
    fn definition(&self, path: &[String], hops: usize) -> &Source {
        let file = self.file(path);
        let Some(name) = path.get(file.module.len()) else {
            return file;
        };
        let by_name = file
            .exports
            .iter()
            .chain(&file.imports)
            .filter(|import| import.last() == Some(name));
        let found = by_name
            .filter_map(|import| self.absolute(file, import))
            .find(|found| found != path);
        match found {
            Some(found) if hops > 0 => self.definition(
                &[&found[..], &path[file.module.len() + 1..]].concat(),
                hops - 1,
            ),
            _ => file,
        }
    }

    /// The files that `file` imports from. The file of a folder (`mod.rs`) and the files in it belong together: what
    /// these take from it is not an import.
    fn imports(&self, file: &Source) -> BTreeSet<Names> {
        let paths = file.imports.iter().cloned().chain(inline_paths(&file.code));
        let found = paths.filter_map(|path| {
            Some(
                self.definition(&self.absolute(file, &path)?, 5)
                    .module
                    .clone(),
            )
        });
        found
            .filter(|module| !file.module.starts_with(module))
            .collect()
    }
}

impl Source {
    fn new(module: Names, text: &str) -> Source {
        let text = code(text);
        let (mut imports, mut exports) = (Vec::new(), Vec::new());
        let mut code = String::new();
        for (number, part) in text.split("use ").enumerate() {
            let is_use = number > 0 && code.chars().next_back().is_none_or(char::is_whitespace);
            match part.split_once(';').filter(|_| is_use) {
                Some((tree, after)) => {
                    let before = code.lines().next_back().unwrap_or_default().trim();
                    let is_public = before.starts_with("pub") && !code.ends_with('\n');
                    expand(
                        &[],
                        tree,
                        if is_public {
                            &mut exports
                        } else {
                            &mut imports
                        },
                    );
                    code.push_str(after);
                }
                None => code.push_str(part),
            }
        }
        Source {
            module,
            code,
            imports,
            exports,
        }
    }

    fn top(&self) -> &str {
        self.module.first().map_or("lib", String::as_str)
    }
}

/// The text without comments, strings and tests.
fn code(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines().take_while(|line| *line != "#[cfg(test)]") {
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
            before = if before == '\\' && letter == '\\' {
                ' '
            } else {
                letter
            };
        }
        out.push('\n');
    }
    out
}

/// Adds the paths of a `use` tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(prefix: &[String], tree: &str, paths: &mut Vec<Names>) {
    let mut depth = 0;
    let parts = tree.split(|letter: char| {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        letter == ',' && depth == 0
    });
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        let (head, inner) = part
            .split_once('{')
            .map_or((part, None), |(head, inner)| (head, Some(inner)));
        let names = head
            .split(" as ")
            .next()
            .unwrap_or_default()
            .split("::")
            .map(str::trim);
        let names = names.filter(|name| !name.is_empty() && (*name != "self" || prefix.is_empty()));
        let path: Names = prefix
            .iter()
            .cloned()
            .chain(names.map(String::from))
            .collect();
        match inner {
            Some(inner) => expand(&path, inner.rsplit_once('}').unwrap().0, paths),
            None => paths.push(path),
        }
    }
}

/// The paths in expressions and types: `super::list::page(…)`, `reload::Broken`.
fn inline_paths(code: &str) -> impl Iterator<Item = Names> {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .filter(|word| word.contains("::") && !word.starts_with(':'))
        .map(|word| {
            word.split(':')
                .filter(|name| !name.is_empty())
                .map(String::from)
                .collect()
        })
}

/// Whether the code has the word, not as part of a longer one.
fn contains_word(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].chars().next_back().is_some_and(part)
            && (word.ends_with(':') || !code[at + word.len()..].chars().next().is_some_and(part))
    })
}

#[test]
fn modules_import_only_what_is_below_them() {
    let package = Package::read("src");
    let rank = |name: &str| {
        ORDER
            .iter()
            .position(|known| *known == name)
            .unwrap_or_else(|| panic!("src/{name} is not in ORDER"))
    };
    let mut count = 0;
    for file in package
        .files
        .iter()
        .filter(|file| !["lib", "main"].contains(&file.top()))
    {
        for module in package
            .imports(file)
            .iter()
            .filter(|module| !module.is_empty())
        {
            count += 1;
            let is_below = rank(&module[0]) <= rank(file.top());
            assert!(
                is_below,
                "src/{} imports {}",
                file.module.join("/"),
                module.join("/")
            );
        }
    }
    assert!(count > 100, "the imports are read: {count}");
}

#[test]
fn files_do_not_import_each_other_in_circles() {
    let mut circles = Vec::new();
    for package in [Package::read("src"), Package::read("crates/check/src")] {
        let graph: BTreeMap<Names, BTreeSet<Names>> = package
            .files
            .iter()
            .map(|file| (file.module.clone(), package.imports(file)))
            .collect();
        for (file, imports) in &graph {
            let (mut reached, mut next) = (BTreeSet::new(), Vec::from_iter(imports));
            while let Some(other) = next.pop() {
                if reached.insert(other) {
                    next.extend(&graph[other]);
                }
            }
            if reached.contains(file) {
                circles.push(format!("{}/{}", package.folder, file.join("/")));
            }
        }
    }
    assert!(
        circles.is_empty(),
        "these files import each other in circles: {circles:#?}"
    );
}

#[test]
fn modules_leave_alone_what_is_not_theirs() {
    let mut wrong = Vec::new();
    for file in Package::read("src").files {
        let paths = file
            .imports
            .iter()
            .chain(&file.exports)
            .map(|path| path.join("::"));
        let text = paths.fold(file.code.clone(), |text, path| text + "\n" + &path);
        let own = FORBIDDEN.iter().filter(|(name, _)| *name == file.top());
        let machine = MACHINE.iter().filter(|_| PURE.contains(&file.top()));
        let words = own.flat_map(|(_, words)| *words).chain(machine);
        let found = words.filter(|word| contains_word(&text, word));
        wrong.extend(found.map(|word| format!("src/{} has {word}", file.module.join("/"))));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn imports_are_read_as_the_compiler_reads_them() {
    let text = "use crate::a::{b, c::{D, self}}; // crate::x\npub use self::e::F as G;\nlet x = \"crate::d \\\" crate::e\"; super::f::g();\n'\"'; crate::h::I;\n";
    let source = Source::new(vec!["m".into()], text);
    let joined = |paths: &[Names]| paths.iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(
        joined(&source.imports),
        ["crate::a::b", "crate::a::c::D", "crate::a::c"]
    );
    assert_eq!(joined(&source.exports), ["self::e::F"]);
    assert_eq!(
        joined(&inline_paths(&source.code).collect::<Vec<_>>()),
        ["super::f::g", "crate::h::I"]
    );
    assert!(
        contains_word("use warp::Filter;", "warp")
            && !contains_word("a_warp unwarp warped", "warp")
    );
}
