//! Options from a file, as json-server's `--config`.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::Value;

use crate::json::{Place, check};

/// The file that is read when none is named.
const USUAL: &str = "json-server.json";

/// `typed` with the options of the config file put before those that were typed, so that these win.
///
/// # Errors
/// A file that was named is not there, or is not an object of options.
pub(super) fn with_config(typed: Vec<OsString>) -> Result<Vec<OsString>, String> {
    let Some((path, must)) = path(&typed) else { return Ok(typed) };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(_) if !must => return Ok(typed),
        Err(error) => return Err(format!("cannot read the config file {}: {error}", path.display())),
    };
    let name = path.display();
    if let Err(error) = check(&text) {
        return Err(format!("{name}:{}: {error}", Place::of(&text, error.offset)));
    }
    let Ok(Value::Object(options)) = serde_json::from_str(&text) else {
        return Err(format!("{name}:1:1: a config file is an object of options: {{\"port\": 4000}}"));
    };
    let serves = typed.get(1).is_some_and(|word| word == "serve");
    if typed.get(1).is_some_and(|word| word == "check") {
        return Ok(typed);
    }
    let mut all: Vec<OsString> = typed.iter().take(1 + usize::from(serves)).cloned().collect();
    for (key, value) in options {
        let option = kebab(&key);
        match value {
            Value::Bool(true) => all.push(format!("--{option}").into()),
            Value::Bool(false) if option == "watch" => all.push("--no-watch".into()),
            Value::Bool(false) | Value::Null => {}
            Value::String(text) => all.push(format!("--{option}={text}").into()),
            Value::Number(number) => all.push(format!("--{option}={number}").into()),
            Value::Array(_) if option == "middlewares" => all.push("--middlewares".into()),
            other => return Err(format!("{name}: the option {key} cannot be {other}")),
        }
    }
    all.extend(typed.into_iter().skip(1 + usize::from(serves)));
    Ok(all)
}

/// The config file, and whether it must be there.
fn path(typed: &[OsString]) -> Option<(PathBuf, bool)> {
    let mut words = typed.iter().skip(1).map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        if word == "-c" || word == "--config" {
            return words.next().map(|path| (PathBuf::from(path.as_ref()), true));
        }
        if let Some(path) =
            word.strip_prefix("--config=").or_else(|| word.strip_prefix("-c").filter(|rest| !rest.is_empty()))
        {
            return Some((PathBuf::from(path), true));
        }
    }
    Some((PathBuf::from(USUAL), false))
}

/// `readOnly` as it is typed: `read-only`.
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
