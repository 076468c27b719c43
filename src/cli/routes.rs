//! `standin routes`: the rules of the routes file, and which of them answers a request.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Data, Done, print, read_routes};
use crate::behaviour::{Explained, METHODS, Part};
use crate::http::Routes;
use crate::text::{nearest, printable};

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    data: Data,
    /// The routes file [default: NAME.routes.json beside NAME.json]
    #[arg(short, long, value_name = "FILE")]
    routes: Option<PathBuf>,
    /// Say which rule answers a request such as "GET /x", what else applies, and why the others do not
    #[arg(long, value_name = "REQUEST")]
    explain: Option<String>,
}

impl List {
    pub(super) fn run(self) -> Done {
        let (sandbox, (path, routes)) = self.data.open(|options| {
            let beside = options.file.with_extension("routes.json");
            let path = self.routes.unwrap_or(beside);
            let routes = read_routes(&path)?;
            options.http.routes = Some(routes.clone());
            Ok((path, routes))
        })?;
        let Some(request) = &self.explain else {
            return print(list(&path, &routes).as_bytes());
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

/// The rewrites, and the rules from the most specific on.
fn list(path: &Path, routes: &Routes) -> String {
    let current = routes.current();
    let name = path.display();
    let rewrites = current.rewriter.rules();
    let rewrites = rewrites
        .map(|(place, rule, target)| format!("{name}:{place}  {rule}  rewritten to {target}"));
    let rules = current.rules().map(|rule| {
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
