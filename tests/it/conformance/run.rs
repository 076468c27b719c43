//! Runs a case on a new server.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use regex::Regex;
use serde_json::{Map, Value};
use standin::{AllowedOrigin, Listeners, Options, Server};
use tempfile::TempDir;

use super::case::Case;
use super::compare::{self, Difference};
use super::tags;
use crate::support::{DEADLINE, folder_with, names_in};
use crate::wire::{self, Program, Response};

/// How long a request is repeated until it shows the effect of an edit.
const PATIENCE: Duration = Duration::from_secs(3);

/// The server of the case.
enum Host {
    Library(Server, TempDir),
    Program(Program, TempDir),
}

impl Host {
    fn start(case: &Case) -> Option<Host> {
        let alone = |step: &Value| step["action"] == "stdin";
        let needs_program = case.all.get("startup").is_some()
            || case.data().is_none()
            || case.source() != "db.json"
            || !case.arguments().is_empty()
            || !case.files().is_empty()
            || case.steps().iter().any(alone);
        if !needs_program {
            let folder = folder_with(&[("db.json", case.data()?)]);
            let mut options = Options::new(folder.path().join("db.json"));
            (options.host, options.port) = ("127.0.0.1".into(), 0);
            // json-server allows every origin.
            options.http.origins = vec![AllowedOrigin::Any];
            let server = Server::start(&options, Listeners::default());
            return Some(Host::Library(server.ok()?, folder));
        }
        let mut files = case.files();
        if let Some(text) = case.data() {
            files.push((case.source().to_string(), text));
        }
        let folder = folder_with(&files);
        let mut arguments = vec![case.source().to_string()];
        arguments.extend(case.arguments());
        arguments.push("--cors=*".into());
        Some(Host::Program(
            Program::start(folder.path(), &arguments),
            folder,
        ))
    }

    fn address(&self) -> Option<SocketAddr> {
        match self {
            Host::Library(server, _) => server.addresses().first().copied(),
            Host::Program(program, _) => program.address(),
        }
    }

    fn folder(&self) -> &Path {
        match self {
            Host::Library(_, folder) | Host::Program(_, folder) => folder.path(),
        }
    }
}

/// Runs the case, and returns all differences from what it expects.
pub fn differences(case: &Case) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut host = Host::start(case);
    let address = host.as_ref().and_then(Host::address);
    if let Some(startup) = case.all.get("startup") {
        let words = |listens: bool| if listens { "listens" } else { "refused" };
        let (expected, got) = (startup["listens"] == true, address.is_some());
        if expected != got {
            let what = format!("{} -> {}", words(expected), words(got));
            found.push(Difference {
                tags: tags::of_case(case, false),
                ..Difference::of("start", what)
            });
        } else if let (false, Some(Host::Program(program, _))) = (got, &mut host) {
            let end = program.end();
            if end.code() != Some(2) {
                found.push(Difference::of("start", format!("ends with {end}")));
            }
        }
        return found;
    }
    let (Some(mut host), Some(address)) = (host, address) else {
        return vec![Difference {
            tags: tags::of_case(case, false),
            ..Difference::of("start", "listens -> refused")
        }];
    };
    let mut names: Vec<(String, Value)> = Vec::new();
    let (mut edited, mut changed, mut deleted) = (None, false, false);
    for step in case.steps() {
        match step["action"].as_str() {
            Some("write_file") => {
                let path = host.folder().join(text(&step["path"]));
                std::fs::write(path, text(&step["text"])).unwrap();
                edited = Some(Instant::now());
                continue;
            }
            Some("stdin") => {
                if let Host::Program(program, _) = &mut host {
                    program.write(&text(&step["text"]));
                }
                continue;
            }
            // The waits for json-server are not needed here: the file is saved when the response arrives.
            Some(_) => continue,
            None => {}
        }
        let fill = |text: &str| fill(text, &names);
        let method = text(&step["method"]);
        let target = fill(&text(&step["path"]));
        let headers: Vec<(String, String)> = step["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), fill(&text(value))))
            .collect();
        let body = body(step).map(|body| {
            String::from_utf8(body.clone()).map_or(body, |text| fill(&text).into_bytes())
        });
        let start = Instant::now();
        let mut response = wire::send(address, &method, &target, &headers, body.as_deref());
        let took = start.elapsed();
        for (name, capture) in step["capture"].as_object().into_iter().flatten() {
            let value = response
                .json()
                .and_then(|body| body.pointer(&text(&capture["pointer"])).cloned());
            let value = value.unwrap_or_default();
            let plain = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_string);
            let pattern = Regex::new(&format!("^(?:{})$", text(&capture["pattern"]))).unwrap();
            if !pattern.is_match(&plain) {
                found.push(Difference::of(
                    format!("{method} {target}"),
                    format!("captured {name} {value}"),
                ));
            }
            names.push((name.clone(), value));
        }
        let expect = filled(&step["expect"], &names);
        let look = |response: &Response| {
            let mut found = compare::responses(case.line, &method, &target, &expect, response);
            found.extend(compare::pinned(
                &method,
                &target,
                &filled(&step["standin"], &names),
                response,
            ));
            found
        };
        let mut now = look(&response);
        // A watched file is reloaded after the debounce.
        while !now.is_empty()
            && method == "GET"
            && edited.is_some_and(|edit| edit.elapsed() < PATIENCE)
        {
            std::thread::park_timeout(Duration::from_millis(20));
            response = wire::send(address, &method, &target, &headers, None);
            now = look(&response);
        }
        if let Some(least) = expect["min_ms"]
            .as_u64()
            .filter(|least| took.as_millis() < u128::from(*least))
        {
            found.push(Difference::of(
                format!("{method} {target}"),
                format!("answered before {least} ms"),
            ));
        }
        let own = tags::of_request(case, &method, &target, &headers, &response, deleted);
        let writes = !matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS") && !now.is_empty();
        found.extend(now.into_iter().map(|one| Difference {
            tags: own.clone(),
            after_write: changed,
            ..one
        }));
        changed |= writes;
        deleted |= tags::deletes(&method, &headers);
    }
    let own = tags::of_case(case, deleted);
    let after = after(case, &host, &names);
    found.extend(after.into_iter().map(|one| Difference {
        tags: own.clone(),
        after_write: changed,
        ..one
    }));
    found
}

/// The differences of the files.
fn after(case: &Case, host: &Host, names: &[(String, Value)]) -> Vec<Difference> {
    let mut found = Vec::new();
    let read = || std::fs::read_to_string(host.folder().join(case.source())).unwrap_or_default();
    if let Some(expected) = case.all.get("db_after") {
        match serde_json::from_str(&read()) {
            Ok(got) => found.extend(compare::files(case.line, &filled(expected, names), &got)),
            Err(_) => found.push(Difference::of("file", "JSON -> no JSON")),
        }
    }
    if let Some(expected) = case.all["db_after_text"].as_str()
        && expected != read()
    {
        found.push(Difference::of("file", "another text"));
    }
    if let Some(expected) = case.all.get("standin_file").and_then(Value::as_str)
        && expected != read()
    {
        found.push(Difference::of(
            "file",
            format!("standin_file is wrong: {:?}", read()),
        ));
    }
    if let Some(expected) = case.all["files_after"].as_array() {
        let expected: Vec<&str> = expected.iter().filter_map(Value::as_str).collect();
        let snapshot = Regex::new(r"^db-\d+\.json$").unwrap();
        let look = || -> Vec<String> {
            let names = names_in(host.folder());
            names
                .into_iter()
                .map(|name| snapshot.replace(&name, "db-<epoch-ms>.json").into_owned())
                .collect()
        };
        let start = Instant::now();
        while look() != expected && start.elapsed() < DEADLINE {
            std::thread::park_timeout(Duration::from_millis(10));
        }
        if look() != expected {
            found.push(Difference::of(
                "files",
                format!("{expected:?} -> {:?}", look()),
            ));
        }
    }
    found
}

fn body(step: &Value) -> Option<Vec<u8>> {
    if let Some(repeat) = step.get("body_repeat") {
        let count = repeat["x_count"].as_u64().unwrap() as usize;
        return Some(
            format!(
                "{}{}{}",
                text(&repeat["prefix"]),
                "x".repeat(count),
                text(&repeat["suffix"])
            )
            .into_bytes(),
        );
    }
    if let Some(plain) = step["body_gzip_of"].as_str() {
        let mut encoder =
            flate2::read::GzEncoder::new(plain.as_bytes(), flate2::Compression::fast());
        let mut packed = Vec::new();
        std::io::Read::read_to_end(&mut encoder, &mut packed).unwrap();
        return Some(packed);
    }
    if let Some(plain) = step["body_text"].as_str() {
        return Some(plain.into());
    }
    step.get("body")
        .filter(|body| !body.is_null())
        .map(|body| body.to_string().into_bytes())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

/// `text` with each `{{name}}` replaced by its value.
fn fill(text: &str, names: &[(String, Value)]) -> String {
    names.iter().fold(text.to_string(), |text, (name, value)| {
        let plain = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_string);
        text.replace(&format!("{{{{{name}}}}}"), &plain)
    })
}

fn filled(value: &Value, names: &[(String, Value)]) -> Value {
    match value {
        Value::String(text) => match names
            .iter()
            .find(|(name, _)| *text == format!("{{{{{name}}}}}"))
        {
            Some((_, value)) => value.clone(),
            None => fill(text, names).into(),
        },
        Value::Array(items) => items.iter().map(|item| filled(item, names)).collect(),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| (fill(name, names), filled(value, names)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}
