//! The config file, as json-server's `--config`.

use std::any::TypeId;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, Command};
use serde_json::{Map, Value};

use super::style;
use crate::http::is_loopback;
use crate::json::{MAX_BODY_DEPTH, Place, check};
use crate::text::{nearest, printable, shell_word};

/// The file that is read when none is named.
const USUAL: &str = "json-server.json";

/// `typed`, the command line, with the options of the config file inserted before them, so that typed ones win; and a
/// warning about those that expose the machine, if there are any: the file may be in a folder from somebody else.
///
/// # Errors
/// A file that was named is not there, or is not an object of options with values that they take.
pub(super) fn with_config(typed: Vec<OsString>) -> Result<(Vec<OsString>, Option<String>), String> {
    let command = super::command();
    // The caller parses the result and reports the error.
    let Ok(matches) = command.clone().try_get_matches_from(&typed) else {
        return Ok((typed, None));
    };
    let (start, matches) = match matches.subcommand() {
        None => (1, &matches),
        Some(("serve", matches)) => (2, matches),
        Some(_) => return Ok((typed, None)),
    };
    let named = matches.get_one::<PathBuf>("config");
    let path = named.map_or(Path::new(USUAL), PathBuf::as_path);
    let Some(members) = read(path, named.is_some())? else {
        return Ok((typed, None));
    };
    let name = style::path(path);
    let mut options = Vec::new();
    // `$schema` is for editors.
    for (key, value) in members.iter().filter(|(key, _)| *key != "$schema") {
        options.extend(option(&command, key, value).map_err(|words| format!("{name}: {words}"))?);
    }
    // Typed options win, also those that can be given several times.
    let is_typed = |long: &str| {
        let mut args = keys(&command);
        let arg = args.find(|arg| arg.get_long() == Some(long));
        let source = arg.and_then(|arg| matches.value_source(arg.get_id().as_str()));
        source == Some(ValueSource::CommandLine)
    };
    options.retain(|(arg, _)| !is_typed(arg));
    let opened: Vec<String> = options
        .iter()
        .filter(|(arg, value)| opens(arg, value))
        .map(|(arg, value)| format!("{arg} {value}"))
        .collect();
    for (_, folder) in options.iter().filter(|(arg, _)| arg == "static") {
        check_folder(path, folder)?;
    }
    let options: Vec<OsString> = options
        .into_iter()
        .map(|(arg, value)| format!("--{arg}={value}").into())
        .collect();
    // Parsed alone first, so that a bad value is reported as one of the file.
    let program = typed.first().cloned().into_iter();
    super::parse(program.chain(options.iter().cloned()).collect()).map_err(|error| {
        let words = error.render().to_string();
        let first = words.lines().next().unwrap_or_default();
        format!("{name}: {}", first.strip_prefix("error: ").unwrap_or(first))
    })?;
    let mut all = typed;
    all.splice(start..start, options);
    let opened = (!opened.is_empty()).then(|| format!("{name} sets {}", opened.join(", ")));
    Ok((all, opened))
}

/// The members of the config file at `path`; `None`: the default file does not exist.
fn read(path: &Path, is_named: bool) -> Result<Option<Map<String, Value>>, String> {
    let name = style::path(path);
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if !is_named && error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(format!(
                "there is no config file {name}\n  help: to create one: put {{\"port\": 4000}} into it; standin schema config lists the options"
            ));
        }
        Err(error) => return Err(format!("cannot read the config file {name}: {error}")),
    };
    if let Err(error) = check(&text, MAX_BODY_DEPTH) {
        let place = Place::of(&text, error.offset);
        return Err(format!("{name}:{place}: {error}"));
    }
    match serde_json::from_str(&text) {
        Ok(Value::Object(members)) => Ok(Some(members)),
        _ => Err(format!(
            "{name}:1:1: a config file is an object of options: {{\"port\": 4000}}"
        )),
    }
}

/// Whether an option exposes the server or more of the machine to others.
fn opens(option: &str, value: &str) -> bool {
    match option {
        "host" => !is_loopback(value),
        "static" | "cors" | "allow-host" => true,
        _ => false,
    }
}

/// Whether a resolved path is in `folder`.
pub(super) fn is_within(real: &Path, folder: &Path) -> bool {
    folder
        .canonicalize()
        .is_ok_and(|folder| real.starts_with(folder))
}

/// Refuses a folder of static files outside the project: the folder of the config file, or the one where standin is
/// started.
fn check_folder(config: &Path, folder: &str) -> Result<(), String> {
    // What does not exist is reported with the other options.
    let Ok(real) = Path::new(folder).canonicalize() else {
        return Ok(());
    };
    let beside = config.parent().filter(|path| !path.as_os_str().is_empty());
    let projects = [beside.unwrap_or(Path::new(".")), Path::new(".")];
    if projects.iter().any(|project| is_within(&real, project)) {
        return Ok(());
    }
    Err(format!(
        "{}: the static folder {} is outside the project folder, so the config file cannot open it\n  help: if you mean it, type it: standin --static {}",
        style::path(config),
        printable(folder),
        shell_word(&printable(folder))
    ))
}

/// A key of the config file and its value, as the long name of an option and its text on the command line.
fn option(command: &Command, key: &str, value: &Value) -> Result<Vec<(String, String)>, String> {
    let name = kebab(key);
    let Some(arg) = keys(command).find(|arg| names(arg).any(|known| known == key || known == name))
    else {
        let known: Vec<&str> = keys(command)
            .filter(|arg| !arg.is_hide_set())
            .filter_map(Arg::get_long)
            .collect();
        let meant = nearest(key, keys(command).flat_map(names))
            .or_else(|| nearest(&name, keys(command).flat_map(names)));
        let meant = meant.map_or_else(String::new, |meant| format!("; did you mean \"{meant}\"?"));
        return Err(format!(
            "there is no option \"{}\"{meant}\n  help: its keys are {}",
            printable(key),
            known.join(", ")
        ));
    };
    let long = arg.get_long().unwrap_or_default();
    let is_flag = arg.get_value_parser().type_id() == TypeId::of::<bool>();
    let one = |value: &Value| match value {
        Value::String(text) => Ok((long.to_string(), text.clone())),
        Value::Number(number) => Ok((long.to_string(), number.to_string())),
        other => Err(format!("\"{}\" cannot be {other}", printable(key))),
    };
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) if long == "middlewares" && items.is_empty() => Ok(Vec::new()),
        _ if long == "middlewares" => Err("\"middlewares\" names JavaScript modules, and standin runs none\n  help: a delay is \"delay\", other URLs are \"routes\", extra files \"static\"".into()),
        Value::Bool(value) if is_flag => Ok(vec![(long.to_string(), value.to_string())]),
        // As in json-server: the option is not set.
        Value::Bool(false) => Ok(Vec::new()),
        Value::Array(items) if matches!(arg.get_action(), ArgAction::Append) => items.iter().map(one).collect(),
        other => Ok(vec![one(other)?]),
    }
}

/// The options that a config file may set. `--exec` is not among them: it would let a folder from somebody else run
/// programs.
pub(super) fn keys(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| {
        !matches!(
            arg.get_long(),
            None | Some("config" | "exec" | "exit-on-stdin-close" | "help" | "version")
        )
    })
}

/// The names of an option.
pub(super) fn names(arg: &Arg) -> impl Iterator<Item = &str> {
    arg.get_long()
        .into_iter()
        .chain(arg.get_all_aliases().unwrap_or_default())
}

/// `readOnly` as `read-only`.
fn kebab(key: &str) -> String {
    let mut option = String::new();
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            option.push('-');
        }
        option.push(letter.to_ascii_lowercase());
    }
    option
}
