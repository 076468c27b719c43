//! How long `standin check` takes for 100 pages with 1,000 examples; fewer than 2,000 a second is a failure.
//!
//! `cargo bench -p standin-bench --bench check`
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::fmt::Write;
use std::time::{Duration, Instant};

use standin::in_process;
use standin_check::{ExitStatus, Options, run};

const PAGES: usize = 100;
const EXAMPLES: usize = 10;
const LIMIT: Duration = Duration::from_millis(500);

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let users: Vec<String> = (1..=50)
        .map(|id| {
            format!("  {{\n    \"id\": {id},\n    \"name\": \"User {id}\",\n    \"email\": \"{id}@example.com\"\n  }}")
        })
        .collect();
    let list = format!("[\n{}\n]", users.join(",\n"));
    std::fs::write(
        folder.path().join("db.json"),
        format!("{{ \"users\": {list} }}"),
    )
    .unwrap();
    for page in 0..PAGES {
        let mut text = format!("# Page {page}\n");
        for example in 1..=EXAMPLES {
            let (command, response) = match example % 3 {
                0 => (
                    "curl -X POST http://localhost:3000/users \\\n  -H \"Content-Type: application/json\" \\\n  -d '{\"name\": \"New\"}'".to_owned(),
                    "{\n  \"name\": \"New\",\n  \"id\": 51\n}".to_owned(),
                ),
                1 => ("curl http://localhost:3000/users".to_owned(), list.clone()),
                _ => (format!("curl http://localhost:3000/users/{example}"), users[example - 1].clone()),
            };
            write!(
                text,
                "\n## Example {example}\n\n### Request example\n\n```bash\n{command}\n```\n\n### Response example\n\n```json\n{response}\n```\n"
            )
            .unwrap();
        }
        std::fs::write(folder.path().join(format!("page-{page:03}.md")), text).unwrap();
    }
    let options = Options {
        paths: vec![folder.path().to_owned()],
        ..Options::default()
    };
    let best = (0..5)
        .map(|_| {
            let start = Instant::now();
            let outcome = run(
                &options,
                &in_process,
                &mut std::io::sink(),
                &mut std::io::sink(),
            )
            .unwrap();
            assert_eq!(outcome, ExitStatus::Passed);
            start.elapsed()
        })
        .min()
        .unwrap();
    println!("{} examples on {PAGES} pages: {best:.0?}", PAGES * EXAMPLES);
    assert!(best < LIMIT, "slower than {LIMIT:?}");
}
