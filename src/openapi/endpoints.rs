//! Additions to the operations: logins and guards, the paths of `x-auth`, and the endpoints of the routes file.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::Described;
use super::paths::{problem_content, reference, responses};
use crate::behaviour::{CustomResponse, How, Mode, RoutesFile, Rule, Verb, What};
use crate::problems::{BAD_QUERY, FORBIDDEN, LIMIT, LOGIN, RULES, TEMPLATE, UNAUTHORIZED};
use crate::rules::{Access, Auth, Guard};
use crate::schema::Schema;

/// Adds the access rules to `document`.
pub(super) fn add_access(document: &mut Value, schema: &Schema, described: &[Described<'_>]) {
    let mut schemes = Map::new();
    if let Some(auth) = schema.auth() {
        schemes.extend(scheme(&Guard::User));
        let mut all = described.iter();
        let user = all.find(|one| one.resource.name() == auth.users);
        if let (Some(user), Some(paths)) = (user, document["paths"].as_object_mut()) {
            paths.extend(login(auth, &user.name));
        }
        if let Some(tags) = document["tags"].as_array_mut() {
            tags.push(json!({ "name": "login" }));
        }
    }
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths {
            for (verb, operation) in item.as_object_mut().into_iter().flatten() {
                for (name, access) in named(path, described, schema) {
                    // A nested path reveals that the parent record exists.
                    let is_last = path.trim_end_matches("/{id}").ends_with(name);
                    let guard = access.of(verb == "get" || !is_last);
                    add_guard(operation, guard, &mut schemes);
                }
            }
        }
    }
    add_schemes(document, schemes);
}

/// Adds security schemes to `document`.
fn add_schemes(document: &mut Value, schemes: Map<String, Value>) {
    if schemes.is_empty() {
        return;
    }
    let known = &mut document["components"]["securitySchemes"];
    match known.as_object_mut() {
        Some(known) => known.extend(schemes),
        None => *known = schemes.into(),
    }
}

/// The guarded resources on the way of `path`.
fn named<'s>(
    path: &str,
    described: &'s [Described<'_>],
    schema: &'s Schema,
) -> Vec<(&'s str, &'s Access)> {
    let on_the_way = |one: &&Described<'_>| {
        path == one.path
            || path.starts_with(&format!("{}/{{id}}", one.path))
            || path.ends_with(&format!("/{{id}}{}", one.path))
    };
    let guarded =
        |one: &'s Described<'_>| Some((one.path.as_str(), schema.access(one.resource.name())?));
    described
        .iter()
        .filter(on_the_way)
        .filter_map(guarded)
        .collect()
}

/// The security scheme of `guard`, and its name.
fn scheme(guard: &Guard) -> Option<(String, Value)> {
    let (name, scheme) = match guard {
        Guard::Anyone => return None,
        Guard::Nobody | Guard::User | Guard::Owner | Guard::Role(_) => {
            let scheme = json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT" });
            ("user".into(), scheme)
        }
        Guard::Token(_) => (
            "token".into(),
            json!({ "type": "http", "scheme": "bearer" }),
        ),
        Guard::Basic => ("basic".into(), json!({ "type": "http", "scheme": "basic" })),
        Guard::Key { header, .. } => {
            let scheme = json!({ "type": "apiKey", "in": "header", "name": header });
            (format!("key-{header}"), scheme)
        }
    };
    Some((name, scheme))
}

/// Adds the security requirement of `guard` to `operation`.
fn add_guard(operation: &mut Value, guard: &Guard, schemes: &mut Map<String, Value>) {
    let Some((name, scheme)) = scheme(guard) else {
        return;
    };
    let members = operation.as_object_mut();
    let Some(members) = members.filter(|one| one.contains_key("responses")) else {
        return;
    };
    // Both guards of a nested path must be passed.
    let needed = members.entry("security").or_insert_with(|| json!([{}]));
    needed[0][&name] = json!([]);
    schemes.insert(name, scheme);
    let problems = responses(&[], &[UNAUTHORIZED, FORBIDDEN]);
    for (status, problem) in problems.as_object().into_iter().flatten() {
        let known = &mut members["responses"][status];
        match known["description"].as_str() {
            Some(text) => {
                let added = problem["description"].as_str().unwrap_or_default();
                known["description"] = format!("{} {added}", text).into();
            }
            None => *known = problem.clone(),
        }
    }
}

/// The paths that `x-auth` adds. `user` is the schema of one.
fn login(auth: &Auth, user: &str) -> Map<String, Value> {
    let text = json!({ "type": "string" });
    let body = |schema: Value| json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    let session = json!({
        "description": "A token, and the user.",
        "content": { "application/json": { "schema": {
            "type": "object",
            "properties": { "accessToken": text, "user": reference(user) },
            "required": ["accessToken", "user"]
        } } }
    });
    let credentials = json!({
        "type": "object",
        "properties": { &auth.login: text, &auth.password: text },
        "required": [auth.login, auth.password]
    });
    let needs = json!([{ "user": [] }]);
    let operation = |id, summary, good, problems| json!({ "operationId": id, "summary": summary, "tags": ["login"], "responses": responses(&[good], problems) });
    let (made, problems) = ((201, session.clone()), [LOGIN, RULES]);
    let mut register = operation("register", "Register a user", made, &problems);
    register["requestBody"] = body(credentials.clone());
    let mut log_in = operation("login", "Log in", (200, session), &problems[..1]);
    log_in["requestBody"] = body(credentials);
    let done = (
        204,
        json!({ "description": "The token is refused from now on." }),
    );
    let mut log_out = operation("logout", "Log out", done, &[UNAUTHORIZED]);
    log_out["security"] = needs.clone();
    let schema = json!({ "schema": reference(user) });
    let own = json!({ "description": "The user.", "content": { "application/json": schema } });
    let summary = "Get the user who is logged in";
    let mut me = operation("getMe", summary, (200, own), &[UNAUTHORIZED]);
    me["security"] = needs;
    let items = [
        ("/register", "post", register),
        ("/login", "post", log_in),
        ("/logout", "post", log_out),
        ("/me", "get", me),
    ];
    items
        .into_iter()
        .map(|(path, verb, operation)| (path.to_string(), json!({ verb: operation })))
        .collect()
}

const VERBS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The tag of declared endpoints.
const TAG: &str = "routes file";

/// Adds `routes` to `document`.
pub(super) fn add_routes(document: &mut Value, routes: &RoutesFile) {
    let mut schemes = Map::new();
    let rules = &routes.rules;
    if rules.iter().any(|rule| rule.response.is_some())
        && let Some(tags) = document["tags"].as_array_mut()
    {
        tags.push(json!({ "name": TAG }));
    }
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    // The most specific rules come last, and win.
    for rule in rules.iter().rev() {
        if let Some(response) = &rule.response {
            add_response(paths, rule, response);
        }
    }
    for (path, item) in paths.iter_mut() {
        let segments: Vec<Cow<'_, str>> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(Cow::Borrowed)
            .collect();
        for verb in VERBS {
            let Some(operation) = item.get_mut(verb).filter(|one| one.is_object()) else {
                continue;
            };
            let method = verb.to_uppercase();
            let is_for = |rule: &&Rule| rule.pattern.matches(&method, &segments).is_some();
            for rule in rules.iter().filter(is_for) {
                add_around(operation, rule, verb, &mut schemes);
            }
        }
    }
    add_schemes(document, schemes);
}

/// Adds what a rule does to an operation, whether it answers or not: guards, limits, failures.
fn add_around(operation: &mut Value, rule: &Rule, verb: &str, schemes: &mut Map<String, Value>) {
    if let Some(guard) = &rule.guard {
        add_guard(operation, guard.of(verb == "get"), schemes);
    }
    let mut more = Map::new();
    if rule.limit.is_some()
        && let Value::Object(limited) = responses(&[], &[LIMIT])
    {
        more.extend(limited);
    }
    if let Some(fail) = &rule.fail
        && let How::Status { status, body, .. } = &fail.how
    {
        let mut failure = json!({ "description": "A failure on demand." });
        failure["content"] = match body {
            Some(body) => json_content(body.fixed()),
            None => problem_content(),
        };
        more.insert(status.to_string(), failure);
    }
    for (status, response) in more {
        let known = &mut operation["responses"][status];
        if known.is_null() {
            *known = response;
        }
    }
}

/// JSON; `fixed` is the text, if it is always the same.
fn json_content(fixed: Option<&str>) -> Value {
    let mut content = json!({ "schema": {} });
    if let Some(fixed) = fixed {
        content["example"] = serde_json::from_str(fixed).unwrap_or_default();
    }
    json!({ "application/json": content })
}

fn add_response(paths: &mut Map<String, Value>, rule: &Rule, own: &CustomResponse) {
    let Some((path, parameters)) = template(&rule.key) else {
        return;
    };
    // The same path may have other names for its parameters.
    let shape = |path: &str| -> Vec<String> {
        let parts = path.split('/').map(|part| match part.starts_with('{') {
            true => "{}".to_string(),
            false => part.to_lowercase(),
        });
        parts.collect()
    };
    let known = paths.keys().find(|known| shape(known) == shape(&path));
    let (path, is_known) = match known {
        Some(known) => (known.clone(), true),
        None => (path, false),
    };
    let verbs: Vec<String> = match rule.pattern.method.as_deref() {
        Some("HEAD") => return,
        Some(method) => vec![method.to_lowercase()],
        None => VERBS.map(String::from).to_vec(),
    };
    for verb in verbs {
        let before = paths.get(&path).and_then(|item| item.get(&verb)).cloned();
        let operation = match (&own.what, before) {
            (What::Api(Mode::Upsert), Some(mut before)) if verb == "put" => {
                let mut made = before["responses"]["200"].clone();
                made["description"] = "The new record.".into();
                before["responses"]["201"] = made;
                before
            }
            (What::Api(Mode::Bulk), None) if is_known && matches!(&*verb, "patch" | "delete") => {
                bulk(&paths[&path]["get"], rule, &verb)
            }
            (What::Api(_), _) => continue,
            // With a condition it is one of several responses.
            (_, Some(mut before)) if rule.has_conditions() => {
                let (status, response) = response(own);
                let known = &mut before["responses"][status];
                if known.is_null() {
                    *known = response;
                }
                before
            }
            _ => operation(rule, own, &verb),
        };
        let is_new = !paths.contains_key(&path);
        let item = paths.entry(path.as_str()).or_insert_with(|| json!({}));
        if is_new && !parameters.is_empty() {
            item["parameters"] = parameters.iter().map(parameter).collect();
        }
        item[verb] = operation;
    }
}

fn parameter(name: &String) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } })
}

/// The path of a rule in OpenAPI's syntax, and the names of its parameters; `None` if it has `**`.
fn template(key: &str) -> Option<(String, Vec<String>)> {
    let path = key.split_whitespace().last()?;
    let (mut made, mut names) = (String::new(), Vec::new());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let name = match segment {
            "**" => return None,
            "*" => Some(format!("segment{}", names.len() + 1)),
            _ => segment.strip_prefix(':').map(str::to_string),
        };
        match name {
            Some(name) => {
                made.push_str(&format!("/{{{name}}}"));
                names.push(name);
            }
            None => made.push_str(&format!("/{segment}")),
        }
    }
    Some((if made.is_empty() { "/".into() } else { made }, names))
}

fn operation(rule: &Rule, own: &CustomResponse, verb: &str) -> Value {
    let (status, good) = response(own);
    let mut operation = json!({
        "operationId": id(rule, verb),
        "summary": format!("Answered by the rule {:?}", rule.key),
        "tags": [TAG],
        "responses": responses(&[], &[TEMPLATE]),
    });
    operation["responses"][status] = good;
    if matches!(verb, "post" | "put" | "patch") {
        operation["requestBody"] = json!({ "content": { "application/json": { "schema": {} } } });
    }
    operation
}

/// A change of all records that a query selects. `list` is the operation that lists them.
fn bulk(list: &Value, rule: &Rule, verb: &str) -> Value {
    let mut operation = json!({
        "operationId": id(rule, verb),
        "summary": if verb == "patch" { "Change all records that the query selects" } else { "Delete all records that the query selects" },
        "tags": list["tags"],
        "parameters": list["parameters"],
        "responses": responses(&[(200, json!({
            "description": "The records.",
            "content": { "application/json": { "schema": list["responses"]["200"]["content"]["application/json"]["schema"] } },
        }))], &[BAD_QUERY]),
    });
    if verb == "patch" {
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": { "type": "object" } } } });
    }
    operation
}

fn id(rule: &Rule, verb: &str) -> String {
    let words = rule.key.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words
        .filter(|word| !word.is_empty() && *word != verb.to_uppercase())
        .collect();
    format!("{verb}_{}", words.join("_"))
}

/// The status and the response.
fn response(own: &CustomResponse) -> (String, Value) {
    let (usual, description, content) = match &own.what {
        What::Body(None) => (200, "No body.", None),
        What::Body(Some(body)) => (
            200,
            "The body that the rule declares.",
            Some(json_content(body.fixed())),
        ),
        What::File(_) => (200, "A file.", Some(json!({ "*/*": {} }))),
        What::Redirect(_) => (302, "A redirect.", None),
        What::Actions(actions, body) => {
            let adds = actions.last().is_some_and(|last| last.verb == Verb::Post);
            let fixed = body.as_ref().and_then(|body| body.fixed());
            (
                if adds { 201 } else { 200 },
                "The record that was written last, or the body that the rule declares.",
                Some(json_content(fixed)),
            )
        }
        What::Api(_) => (200, "The response of the API.", None),
    };
    let mut response = json!({ "description": description });
    if let Some(content) = content {
        response["content"] = content;
    }
    (own.status.unwrap_or(usual).to_string(), response)
}
