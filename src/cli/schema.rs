//! `standin schema`: JSON Schemas of the files that the program reads, for editors.

use std::any::TypeId;

use clap::{Arg, ArgAction, ValueEnum};
use serde_json::{Map, Value, json};

use super::{Done, config, print};
use crate::schema::DRAFT;
use crate::text::camel;

/// The schema of the routes file; a test holds it to what is read.
const ROUTES: &str = include_str!("routes.schema.json");

/// Which file.
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
pub(super) fn schema(file: File) -> Done {
    let schema = match file {
        File::Api => api(),
        File::Rules => crate::schema::editor_schema(),
        File::Routes => return print(ROUTES.as_bytes()),
        File::Config => config(),
    };
    print(format!("{schema:#}\n").as_bytes())
}

fn api() -> Value {
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

/// Made from the options of the command line, so that it cannot lack one.
fn config() -> Value {
    let command = super::command();
    let mut properties = Map::new();
    properties.insert("$schema".into(), json!({ "type": "string" }));
    for arg in config::keys(&command).filter(|arg| !arg.is_hide_set()) {
        let value = option(arg);
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

/// What an option takes.
fn option(arg: &Arg) -> Value {
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
    } else if kind == TypeId::of::<super::port::Port>() {
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
