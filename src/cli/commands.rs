//! The read-only commands: `standin routes` (the rules of the routes file, and which of them answers a request),
//! `standin schema` (JSON Schemas of the files that the program reads, for editors) and `standin health` (the health
//! check of a container).

use std::any::TypeId;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::system::Port;
use super::{Data, Done, OK, config, print, read_routes, write_error};
use crate::behaviour::{Explained, METHODS, Part};
use crate::http::Routes;
use crate::schema::DRAFT;
use crate::text::{camel, nearest, printable, printable_lines};

#[derive(Debug, Args)]
pub(super) struct ListRoutes {
    #[command(flatten)]
    data: Data,
    /// The routes file [default: NAME.routes.json beside NAME.json]
    #[arg(short, long, value_name = "FILE")]
    routes: Option<PathBuf>,
    /// Say which rule answers a request such as "GET /x", what else applies, and why the others do not
    #[arg(long, value_name = "REQUEST")]
    explain: Option<String>,
}

impl ListRoutes {
    pub(super) fn run(self) -> Done {
        let (sandbox, (path, routes)) = self.data.open(|options| {
            let beside = options.file.with_extension("routes.json");
            let path = self.routes.unwrap_or(beside);
            let routes = read_routes(&path)?;
            options.http.routes = Some(routes.clone());
            Ok((path, routes))
        })?;
        let Some(request) = &self.explain else {
            return print(list_rules(&path, &routes).as_bytes());
        };
        let (method, target) = match request.split_once(char::is_whitespace) {
            Some((method, target)) => (method.to_ascii_uppercase(), target.trim_start()),
            None => ("GET".to_string(), request.as_str()),
        };
        if !target.starts_with('/') {
            return Err(format!(
                "--explain {request:?}: the path does not begin with a slash\n  help: for example --explain \"GET /users\""
            )
            .into());
        }
        if !METHODS.contains(&method.as_str()) {
            let near = nearest(&method, METHODS).unwrap_or("GET");
            return Err(format!(
                "--explain {request:?}: {method:?} is not a method\n  help: did you mean \"{near} {target}\"?"
            )
            .into());
        }
        let (rewritten, rules) = sandbox
            .explain(&method, target)
            .map_err(|message| format!("--explain {request:?}: {message}"))?;
        let text = explanation(&path, (&method, target, &rewritten), &rules);
        print(text.as_bytes())
    }
}

/// The rewrites, and the rules, the most specific first.
fn list_rules(path: &Path, routes: &Routes) -> String {
    let current = routes.current();
    let name = path.display();
    let rewrites = current.rewriter.rules();
    let rewrites = rewrites
        .map(|(place, rule, target)| format!("{name}:{place}  {rule}  rewritten to {target}"));
    let rules = current.rules.iter().map(|rule| {
        let parts: Vec<String> = rule.summary(|_| true).collect();
        format!("{name}:{}  {}  {}", rule.place, rule.key, parts.join(", "))
    });
    let lines = rewrites.chain(rules);
    lines
        .map(|line| format!("{}\n", printable(&line)))
        .collect()
}

fn explanation(
    path: &Path,
    (method, sent, rewritten): (&str, &str, &str),
    rules: &[Explained],
) -> String {
    let mut lines = vec![format!("{method} {rewritten}")];
    if sent != rewritten {
        lines.push(format!("rewritten from {sent}"));
    }
    let has_answer = rules.iter().any(|rule| rule.part == Part::Answers);
    if !has_answer {
        lines.push("answered by the API: no rule has a response for it".into());
    }
    for (part, word) in [
        (Part::Answers, "answers"),
        (Part::Applies, "applies"),
        (Part::Unused, "not used"),
    ] {
        for rule in rules.iter().filter(|rule| rule.part == part) {
            lines.push(format!(
                "{word}: {}:{} {:?}: {}",
                path.display(),
                rule.place,
                rule.key,
                rule.why
            ));
        }
    }
    lines
        .iter()
        .map(|line| format!("{}\n", printable(line)))
        .collect()
}

/// The schema of the routes file; a test compares it with the parser.
const ROUTES: &str = include_str!("routes.schema.json");

/// The kind of file.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum File {
    /// The data file, db.json
    Api,
    /// The rules file, db.schema.json
    Rules,
    /// The routes file (--routes)
    Routes,
    /// The config file, json-server.json
    Config,
}

/// Prints the schema of a file.
pub(super) fn print_schema(file: File) -> Done {
    let schema = match file {
        File::Api => api_schema(),
        File::Rules => crate::schema::editor_schema(),
        File::Routes => return print(ROUTES.as_bytes()),
        File::Config => config_schema(),
    };
    print(format!("{schema:#}\n").as_bytes())
}

fn api_schema() -> Value {
    json!({
        "$schema": DRAFT,
        "title": "standin data file",
        "type": "object",
        "properties": {
            "$schema": { "type": "string", "description": "The rules file, so that an editor checks the data" }
        },
        "additionalProperties": {
            "description": "A resource: an array of records is a collection",
            "items": {
                "properties": { "id": { "type": ["string", "number"], "description": "Unique in its collection" } }
            }
        }
    })
}

/// Generated from the options of the command line, so it is always complete.
fn config_schema() -> Value {
    let command = super::command();
    let mut properties = Map::new();
    properties.insert("$schema".into(), json!({ "type": "string" }));
    for arg in config::keys(&command).filter(|arg| !arg.is_hide_set()) {
        let value = option_schema(arg);
        for name in config::names(arg) {
            properties.insert(name.to_string(), value.clone());
            properties.insert(camel(name), value.clone());
        }
    }
    json!({
        "$schema": DRAFT,
        "title": "standin config file",
        "type": "object",
        "properties": properties,
        "additionalProperties": false
    })
}

/// The schema of an option's value.
fn option_schema(arg: &Arg) -> Value {
    let parser = arg.get_value_parser();
    let kind = parser.type_id();
    let names: Vec<String> = parser
        .possible_values()
        .map(|values| values.map(|value| value.get_name().to_string()).collect())
        .unwrap_or_default();
    let numbers = [
        TypeId::of::<u16>(),
        TypeId::of::<u64>(),
        TypeId::of::<usize>(),
    ];
    let mut schema = if !names.is_empty() {
        json!({ "enum": names })
    } else if kind == TypeId::of::<Port>() {
        json!({ "anyOf": [{ "type": "integer", "minimum": 0, "maximum": 65535 }, { "const": "auto" }] })
    } else if arg
        .get_value_names()
        .is_some_and(|names| names.iter().any(|name| name == "SIZE"))
    {
        json!({ "type": ["integer", "string"], "pattern": "^[0-9]+([kKmM]([iI]?[bB])?)?$", "minimum": 0 })
    } else if numbers.iter().any(|number| kind == *number) {
        json!({ "type": "integer", "minimum": 0 })
    } else if matches!(arg.get_action(), ArgAction::Append) {
        json!({ "type": ["string", "array"], "items": { "type": "string" } })
    } else {
        json!({ "type": "string" })
    };
    // Both count as not given.
    schema = if kind == TypeId::of::<bool>() {
        json!({ "type": ["boolean", "null"] })
    } else {
        json!({ "anyOf": [schema, { "enum": [false, null] }] })
    };
    if let Some(help) = arg.get_help() {
        schema["description"] = help.to_string().into();
    }
    schema
}

/// The exit code for "unhealthy" in container runtimes.
const UNHEALTHY: u8 = 1;
const TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct Health {
    /// The server's address
    #[arg(default_value = "http://localhost:3000")]
    url: String,
}

impl Health {
    pub(super) fn run(&self) -> ExitCode {
        match ask(&self.url) {
            Ok(()) => ExitCode::from(OK),
            Err(message) => {
                write_error(&printable_lines(&format!(
                    "error: {}: {message}\n",
                    self.url
                )));
                ExitCode::from(UNHEALTHY)
            }
        }
    }
}

fn ask(url: &str) -> Result<(), String> {
    if let Some(rest) = url.strip_prefix("https://") {
        return Err(format!("standin serves http: standin health http://{rest}"));
    }
    let base = if url.contains("://") {
        url.to_string()
    } else {
        format!("http://{url}")
    };
    // Ignore a proxy in the environment: it is not part of the server's health.
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .proxy(None);
    let agent = ureq::Agent::new_with_config(config.http_status_as_error(false).build());
    let reply = agent
        .get(format!("{}/-/health", base.trim_end_matches('/')))
        .call();
    let mut reply = reply.map_err(|error| format!("no response: {error}"))?;
    if reply.status() != 200 {
        return Err(format!("/-/health has the status {}", reply.status()));
    }
    let body = reply
        .body_mut()
        .read_to_string()
        .map_err(|error| format!("no whole response: {error}"))?;
    match serde_json::from_str::<Value>(&body) {
        Ok(health) if health["status"] == "ok" => Ok(()),
        // It responds; a restart would not repair its file.
        Ok(health) if health["status"] == "degraded" => {
            let reason = health["reason"]["message"].as_str().unwrap_or_default();
            write_error(&printable_lines(&format!("warning: {url}: {reason}\n")));
            Ok(())
        }
        _ => Err("the response of /-/health is not that of a healthy standin".into()),
    }
}
