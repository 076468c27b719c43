//! Parses the keywords for logins, guards, and generated or hidden properties: `x-auth`, `x-guard`, `x-generated` and
//! `writeOnly`.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Holds;
use super::check::literal;
use super::document::{AUTH, GENERATED, GUARD, Subschema, WRITE_ONLY};
use super::lint::{Gathered, Gatherer, did_you_mean};
use crate::json::pointer::join;
use crate::rules::{Access, Auth, Generated, Guard, Hidden, HiddenPlace};

const AUTH_KEYS: [&str; 4] = ["users", "login", "password", "expires"];

impl Gatherer<'_> {
    /// The `x-auth` of the root, if there is one. `names` are the resources.
    pub fn auth(&mut self, names: &[&str]) -> Option<Auth> {
        let value = self.document.root.get(AUTH)?;
        let here = join("", AUTH);
        self.used.insert(here.clone());
        let Value::Object(members) = value else {
            let hint = "write {\"users\": \"users\"}".to_owned();
            self.problem(
                here,
                format!("must be an object, got {}", literal(value)),
                Some(hint),
            );
            return None;
        };
        let mut auth = Auth {
            users: "users".into(),
            login: "email".into(),
            password: "password".into(),
            expires: 3600,
        };
        for (key, value) in members {
            let pointer = join(&here, key);
            if !AUTH_KEYS.contains(&key.as_str()) {
                self.unknown_key(key, AUTH, &AUTH_KEYS, pointer);
                continue;
            }
            let Some(text) = self.text(value, &pointer) else {
                continue;
            };
            match key.as_str() {
                "users" => auth.users = text.into(),
                "login" => auth.login = text.into(),
                "password" => auth.password = text.into(),
                _ => match humantime::parse_duration(text).map(|time| time.as_secs()) {
                    Ok(seconds @ 1..) => auth.expires = seconds,
                    _ => self.problem(
                        pointer,
                        format!("\"{text}\" is not a time"),
                        Some("write for example \"1h\", \"15m\" or \"7d\"".into()),
                    ),
                },
            }
        }
        for name in names.iter().filter(|name| Auth::PATHS.contains(name)) {
            let message =
                format!("`{AUTH}` uses the path /{name}, so no resource can have that name");
            self.problem(
                join("/properties", name),
                message,
                Some("rename the resource".into()),
            );
        }
        Some(auth)
    }

    /// Reports a collection of users that does not exist, or lacks the properties for the login.
    pub fn users(&mut self, auth: Option<&Auth>, resources: &[Gathered]) {
        let Some(auth) = auth else { return };
        let here = |key: &str| join(&join("", AUTH), key);
        let place = |gatherer: &Self, key: &str| {
            let is_there = gatherer.document.root.pointer(&here(key)).is_some();
            if is_there { here(key) } else { join("", AUTH) }
        };
        let names = resources.iter().map(|one| one.resource.as_str());
        let users = resources.iter().find(|one| one.resource == auth.users);
        let Some(users) = users.filter(|users| users.holds == Holds::Records) else {
            let message = format!("the rules describe no collection `{}`", auth.users);
            let hint = did_you_mean(&auth.users, names)
                .unwrap_or_else(|| "add it to `properties`, with `items`".to_owned());
            let place = place(self, "users");
            return self.problem(place, message, Some(hint));
        };
        for (key, property) in [("login", &auth.login), ("password", &auth.password)] {
            let mut names = users.properties.iter().map(|one| one.name.as_str());
            // An undescribed property is allowed, unless the name is a typo.
            if names.clone().any(|name| name == property) {
                continue;
            }
            if let Some(hint) = did_you_mean(property, &mut names) {
                let message = format!("`{property}` is not a property of {}", auth.users);
                let place = place(self, key);
                self.problem(place, message, Some(hint));
            }
        }
    }

    /// The guards of the resource `name`, if its schema has some.
    pub fn access(&mut self, name: &str, auth: Option<&Auth>) -> Option<Access> {
        let outer = self.document.schemas(&join("/properties", name));
        let schema = outer.iter().find(|one| one.keywords.contains_key(GUARD))?;
        let value = schema.keywords.get(GUARD)?;
        let here = join(&schema.pointer, GUARD);
        self.used.insert(here.clone());
        let mut access = Access::default();
        match value {
            Value::String(text) => match Access::parse(text) {
                Ok(both) => access = both,
                Err(error) => self.problem(here.clone(), error.message, error.hint),
            },
            Value::Object(members) => {
                for (key, value) in members {
                    let pointer = join(&here, key);
                    let Some(text) = self.text(value, &pointer) else {
                        continue;
                    };
                    let guard = match Guard::parse(text) {
                        Ok(guard) => guard,
                        Err(error) => {
                            self.problem(pointer, error.message, error.hint);
                            continue;
                        }
                    };
                    match key.as_str() {
                        "read" => access.read = guard,
                        "write" => access.write = guard,
                        _ => self.unknown_key(key, GUARD, &["read", "write"], pointer),
                    }
                }
            }
            other => {
                let hint =
                    "write \"user\", or {\"read\": \"anyone\", \"write\": \"user\"}".to_owned();
                let message = format!("must be a guard, got {}", literal(other));
                self.problem(here.clone(), message, Some(hint));
            }
        }
        if access.needs_users() && auth.is_none() {
            let message =
                "the guard asks for a user, and the rules do not say how users log in".to_owned();
            let hint = format!("add \"{AUTH}\": {{\"users\": \"users\"}} beside `properties`");
            self.problem(here, message, Some(hint));
        }
        Some(access)
    }

    /// The generated value of the property with these `schemas`.
    pub fn generated(&mut self, schemas: &[Subschema<'_>]) -> Option<Generated> {
        let mut found = None;
        for (pointer, value) in self.own(GENERATED, schemas) {
            found = found.or(self.one_of(&Generated::ALL, value, pointer));
        }
        found
    }

    /// The hidden values. `users`: these are the records of users, whose password is hidden, too.
    pub fn hidden(&mut self, record: &[Subschema<'_>], users: Option<&Auth>) -> Hidden {
        let document = self.document;
        let mut places = vec![HiddenPlace::default()];
        let mut known = HashMap::<String, usize>::new();
        // Each schema is visited once, however many refer to it.
        let mut todo = vec![(0, record.to_vec())];
        while let Some((at, schemas)) = todo.pop() {
            let mut place_of = |places: &mut Vec<HiddenPlace>, pointer: String| {
                *known.entry(pointer).or_insert_with_key(|pointer| {
                    places.push(HiddenPlace::default());
                    todo.push((places.len() - 1, document.schemas(pointer)));
                    places.len() - 1
                })
            };
            for schema in &schemas {
                if at > 0 && schema.keywords.get(WRITE_ONLY) == Some(&Value::Bool(true)) {
                    self.used.insert(join(&schema.pointer, WRITE_ONLY));
                    places[at].hides = true;
                }
                let properties = schema.keywords.get("properties").and_then(Value::as_object);
                for name in properties.into_iter().flat_map(Map::keys) {
                    let pointer = join(&format!("{}/properties", schema.pointer), name);
                    let next = place_of(&mut places, pointer);
                    places[at]
                        .members
                        .entry(name.clone())
                        .or_default()
                        .push(next);
                }
                if schema.keywords.contains_key("items") {
                    let next = place_of(&mut places, format!("{}/items", schema.pointer));
                    places[at].items.push(next);
                }
            }
        }
        let mut hidden = Hidden::new(places);
        if let Some(auth) = users {
            hidden.hide(&auth.password);
        }
        hidden
    }
}
