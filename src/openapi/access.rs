//! Logins and guards: security schemes, what each operation needs, and the paths that `x-auth` adds.

use serde_json::{Map, Value, json};

use super::paths::{answer, reference};
use super::resource::Described;
use crate::problems::{FORBIDDEN, LOGIN, RULES, UNAUTHORIZED};
use crate::rules::{Access, Auth, Guard};
use crate::schema::Schema;

/// Adds to `document` what the rules say of access.
pub(super) fn add(document: &mut Value, schema: &Schema, described: &[Described<'_>]) {
    let mut schemes = Map::new();
    if let Some(auth) = schema.auth() {
        schemes.insert(
            "user".into(),
            json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT" }),
        );
        let user = described
            .iter()
            .find(|one| one.resource.name() == auth.users);
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
                    // A nested path shows which records the first one has.
                    let is_last = path.trim_end_matches("/{id}").ends_with(name);
                    guard(
                        operation,
                        access.of(verb == "get" || !is_last),
                        &mut schemes,
                    );
                }
            }
        }
    }
    if !schemes.is_empty() {
        document["components"]["securitySchemes"] = schemes.into();
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

/// Says that `operation` needs what `guard` asks for.
pub(super) fn guard(operation: &mut Value, guard: &Guard, schemes: &mut Map<String, Value>) {
    let (name, scheme) = match guard {
        Guard::Anyone => return,
        Guard::Nobody | Guard::User | Guard::Owner | Guard::Role(_) => (
            "user".to_string(),
            json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT" }),
        ),
        Guard::Token(_) => (
            "token".into(),
            json!({ "type": "http", "scheme": "bearer" }),
        ),
        Guard::Basic => ("basic".into(), json!({ "type": "http", "scheme": "basic" })),
        Guard::Key { header, .. } => (
            format!("key-{header}"),
            json!({ "type": "apiKey", "in": "header", "name": header }),
        ),
    };
    let Some(members) = operation
        .as_object_mut()
        .filter(|one| one.contains_key("responses"))
    else {
        return;
    };
    // Both guards of a nested path must be passed.
    let known = members.get("security").and_then(|all| all.get(0));
    let mut needed = known
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    needed.insert(name.clone(), json!([]));
    members.insert("security".into(), json!([needed]));
    schemes.insert(name, scheme);
    let problems = answer(&[], &[UNAUTHORIZED, FORBIDDEN]);
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
    let operation = |id: &str, summary: &str, responses: Value| json!({ "operationId": id, "summary": summary, "tags": ["login"], "responses": responses });
    let mut register = operation(
        "register",
        "Register a user",
        answer(&[(201, session.clone())], &[LOGIN, RULES]),
    );
    register["requestBody"] = body(credentials.clone());
    let mut log_in = operation("login", "Log in", answer(&[(200, session)], &[LOGIN]));
    log_in["requestBody"] = body(credentials);
    let done = json!({ "description": "The token is refused from now on." });
    let mut log_out = operation("logout", "Log out", answer(&[(204, done)], &[UNAUTHORIZED]));
    log_out["security"] = needs.clone();
    let own = json!({
        "description": "The user.",
        "content": { "application/json": { "schema": reference(user) } }
    });
    let mut me = operation(
        "getMe",
        "Get the user who is logged in",
        answer(&[(200, own)], &[UNAUTHORIZED]),
    );
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
