//! Conformance with json-server: cases, and every difference from it as a row of `tests/conformance/differences.md`.
//!
//! 1. Read the cases of a folder (`*.jsonl`, one case a line) and the tables of the page.
//! 2. Run each case on a new server and folder.
//! 3. Write down each difference from what is expected as one line, as `GET /posts/9: 404 {} -> 404 no-record`.
//! 4. Find the rows of the page that a line fits. A line that fits none is a failure.
//! 5. A row that no case of the project's own set fits any more is a failure, too.

mod case;
mod compare;
mod run;
mod table;
mod tags;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use case::{Case, Line};
use table::{Row, Table};

/// The results of the cases of one group.
#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    documented: usize,
    failed: usize,
    not_ours: usize,
}

/// The results of a whole folder.
#[derive(Debug, Default)]
struct Report {
    groups: BTreeMap<(Line, String), Tally>,
    failures: Vec<String>,
    used: BTreeSet<String>,
}

#[test]
fn own_cases_differ_only_as_documented() {
    let table = Table::read();
    let report = run_folder(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance")),
        &table,
    );
    report.print("tests/conformance");
    let mut failures = report.failures;
    for Row { id, .. } in table.rows() {
        if !report.used.contains(id) {
            failures.push(format!(
                "differences.md: no case differs as the row `{id}` says; it is stale"
            ));
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Cases that were recorded from json-server itself, if they are available.
#[test]
fn recorded_cases_differ_only_as_documented() {
    let Some(folder) = std::env::var_os("STANDIN_CONFORMANCE") else {
        println!("STANDIN_CONFORMANCE names no folder: no recorded cases");
        return;
    };
    let report = run_folder(Path::new(&folder), &Table::read());
    report.print("STANDIN_CONFORMANCE");
    assert!(
        report.failures.is_empty(),
        "{} failures\n{}",
        report.failures.len(),
        report.failures.join("\n")
    );
}

fn run_folder(folder: &Path, table: &Table) -> Report {
    let cases = case::read(folder);
    assert!(!cases.is_empty(), "{} has no cases", folder.display());
    let (next, report) = (AtomicUsize::new(0), Mutex::new(Report::default()));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = case.is_ours().then(|| {
                        std::panic::catch_unwind(|| run::differences(case)).unwrap_or_else(|_| {
                            vec![compare::Difference::of("case", "the runner failed")]
                        })
                    });
                    report.lock().unwrap().note(case, found, table);
                }
            });
        }
    });
    report.into_inner().unwrap()
}

impl Report {
    fn note(&mut self, case: &Case, found: Option<Vec<compare::Difference>>, table: &Table) {
        let tally = self
            .groups
            .entry((case.line, case.group.clone()))
            .or_default();
        let Some(found) = found else {
            tally.not_ours += 1;
            return;
        };
        let (used, unknown) = table.explain(case, &found);
        match (found.is_empty(), unknown.is_empty()) {
            (true, _) => tally.passed += 1,
            (false, true) => tally.documented += 1,
            (false, false) => tally.failed += 1,
        }
        if !unknown.is_empty() {
            self.failures.push(format!(
                "{} {}/{}\n    {}",
                case.line,
                case.group,
                case.name,
                unknown.join("\n    ")
            ));
        }
        self.used.extend(used);
    }

    fn print(&self, what: &str) {
        println!("{what}: passed / documented difference / failed");
        let mut sum = Tally::default();
        for ((line, group), tally) in &self.groups {
            let aside = if tally.not_ours > 0 {
                format!("  ({} not ours)", tally.not_ours)
            } else {
                String::new()
            };
            println!(
                "  {line:<4} {group:<12} {:>3} / {:>3} / {:>3}{aside}",
                tally.passed, tally.documented, tally.failed
            );
            sum.passed += tally.passed;
            sum.documented += tally.documented;
            sum.failed += tally.failed;
            sum.not_ours += tally.not_ours;
        }
        println!(
            "  all  {:>15} / {:>3} / {:>3}  ({} not ours)",
            sum.passed, sum.documented, sum.failed, sum.not_ours
        );
    }
}
