//! Instructions per request, counted by callgrind over requests within the process, so that a change which costs a
//! tenth is seen on a noisy machine: `cargo bench -p standin-bench --bench instructions` compares with what
//! `benches/instructions.txt` holds, and `-- --write` records them again.
#![allow(clippy::print_stdout)] // It prints a report.

#[path = "compare/data.rs"]
#[allow(dead_code)] // The comparison uses more of it.
mod data;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use standin::internals::http::{Body, HeaderMap, HeaderValue, Method, Request, Version, read};
use standin::{Options, Sandbox};

const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");
/// The requests of one kind.
const TIMES: usize = 1000;
/// How many records there are.
const COUNT: usize = 1000;
/// A routes file of which no rule matches.
const ROUTES: &str = r#"{
  "GET /reports/*": {"delay": "200ms..2s"},
  "POST /orders": {"fail": {"status": 503, "chance": 0.2}},
  "GET /stats": {"body": {"users": "{{ count('users') }}"}}
}"#;
/// What is reported as a change, in hundredths: memory addresses and hash seeds differ from run to run.
const TOLERANCE: f64 = 3.0;

const KINDS: [&str; 14] = [
    "get by id",
    "get by id, routes file",
    "get by id as a browser",
    "get by id, not modified",
    "get missing",
    "get whole list",
    "get page",
    "get sorted page",
    "get by e-mail",
    "get by last name",
    "get search",
    "post",
    "patch",
    "put and delete",
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|one| one != "--bench")
        .collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["--run", kind, times] => {
            script(kind, times.parse().unwrap_or(0));
            ExitCode::SUCCESS
        }
        [] => compare(false),
        ["--write"] => compare(true),
        _ => {
            println!("cargo bench -p standin-bench --bench instructions [-- --write]");
            ExitCode::FAILURE
        }
    }
}

fn compare(write: bool) -> ExitCode {
    let known = std::fs::read_to_string(RECORD).unwrap_or_default();
    let mut text = String::new();
    let mut grown = false;
    for kind in KINDS {
        let (Some(few), Some(many)) = (count(kind, TIMES / 2), count(kind, TIMES + TIMES / 2))
        else {
            println!("callgrind does not run here: install valgrind");
            return ExitCode::FAILURE;
        };
        let now = many.saturating_sub(few) / TIMES as u64;
        let before = known
            .lines()
            .find_map(|line| line.strip_prefix(kind)?.trim().parse::<u64>().ok());
        let change = before.map(|before| (now as f64 / before as f64 - 1.0) * 100.0);
        let words = change.map_or_else(|| "new".to_string(), |change| format!("{change:+.1} %"));
        println!("{kind:<28}{now:>10}  {words}");
        grown |= change.is_some_and(|change| change > TOLERANCE);
        text.push_str(&format!("{kind:<28}{now:>10}\n"));
    }
    if write {
        if let Err(error) = std::fs::write(RECORD, text) {
            println!("cannot write {RECORD}: {error}");
            return ExitCode::FAILURE;
        }
        return ExitCode::SUCCESS;
    }
    if grown {
        println!("more instructions than recorded; if that is meant, record them with -- --write");
    }
    ExitCode::from(u8::from(grown))
}

/// The instructions of a process that carries out `times` requests.
fn count(kind: &str, times: usize) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().ok()?)
        .args(["--run", kind, &times.to_string()])
        .output()
        .ok()?;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = words.lines().find(|line| line.contains("Collected"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

fn script(kind: &str, times: usize) {
    let data = data::file(COUNT);
    let mut options = Options::new("db.json");
    options.data = Some(data);
    options.rules = Some(data::RULES.into());
    if kind == "get by id, routes file" {
        let routes = read(Path::new("routes.json"), ROUTES).expect("the rules are valid");
        options.http.routes = Some(Arc::new(routes.into()));
    }
    let sandbox = Sandbox::open(&options).expect("the made-up data can be served");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let mut random = data::Random(7);
    for number in 0..times {
        let user = data::User(1 + random.below(COUNT));
        let id = user.0;
        let new = format!(
            r#"{{"lastName":"New","firstName":"Some","email":"new.{number}@example.org"}}"#
        );
        let (method, target, body) = match kind {
            "get whole list" => (Method::GET, "/users".into(), None),
            "get missing" => (Method::GET, format!("/users/{}", id + COUNT), None),
            "get page" => (
                Method::GET,
                format!("/users?_page={}&_limit=10", 1 + id % 100),
                None,
            ),
            "get sorted page" => (
                Method::GET,
                format!("/users?_sort=lastName&_page={}&_limit=10", 1 + id % 100),
                None,
            ),
            "get by e-mail" => (Method::GET, format!("/users?email={}", user.email()), None),
            "get by last name" => (
                Method::GET,
                format!("/users?lastName={}", user.last()),
                None,
            ),
            "get search" => (Method::GET, format!("/users?q={}", user.last()), None),
            "post" => (Method::POST, "/users".into(), Some(new)),
            "patch" => (
                Method::PATCH,
                format!("/users/{id}"),
                Some(format!(r#"{{"firstName":"No{number}"}}"#)),
            ),
            "put and delete" if number % 2 == 0 => {
                (Method::PUT, format!("/users/{}", 1 + number), Some(new))
            }
            "put and delete" => (Method::DELETE, format!("/users/{number}"), None),
            _ => (Method::GET, format!("/users/{id}"), None),
        };
        let mut request = request(method, &target, body);
        match kind {
            "get by id as a browser" => {
                for (name, value) in [
                    (
                        "user-agent",
                        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                    ),
                    ("accept", "application/json"),
                    ("accept-encoding", "gzip, deflate, br, zstd"),
                    ("origin", "http://localhost:5173"),
                    ("referer", "http://localhost:5173/"),
                ] {
                    request
                        .headers
                        .insert(name, HeaderValue::from_static(value));
                }
            }
            "get by id, not modified" => {
                request
                    .headers
                    .insert("if-none-match", HeaderValue::from_static("*"));
            }
            _ => {}
        }
        let answer = runtime.block_on(sandbox.respond(request));
        let wrong = if kind == "get missing" {
            answer.status() != 404
        } else {
            answer.status().as_u16() >= 400
        };
        assert!(!wrong, "{kind}: {} {:?}", answer.status(), answer.body());
    }
}

fn request(method: Method, target: &str, body: Option<String>) -> Request {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("localhost:3000"));
    if body.is_some() {
        headers.insert("content-type", HeaderValue::from_static("application/json"));
    }
    let uri = target.parse().expect("the targets are made here");
    Request {
        method,
        uri,
        version: Version::HTTP_11,
        headers,
        body: Body::Whole(body.unwrap_or_default().into()),
        remote: None,
    }
}
