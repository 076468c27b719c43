//! The id that the response to an endpoint with a placeholder shows: `GET /users/:id` above `{"id": 1}` is a request
//! for `/users/1`.

use serde_json::{Map, Value};

use super::example::Example;
use super::page::Page;
use super::url;

/// The target of an example with the id of its response in place of the placeholder at the end of its path.
pub fn target(page: &Page, example: &Example) -> Option<String> {
    let target = example.request.target();
    let start = target.rfind('/')? + 1;
    let placeholder = url::placeholder(&target[start - 1..])?;
    let response = example.response.as_ref().filter(|shown| !shown.doubtful)?;
    // Nothing else may be left open, as in `/users/:user/posts/:id` or `:id.json`.
    let (parent, last) = target.split_at(start);
    if placeholder != last || url::placeholder(url::path_of(parent)).is_some() {
        return None;
    }
    let id = id_of(&response.record(page)?, &placeholder)?;
    Some(format!("{parent}{}", url::encode_component(&id)))
}

/// The id of a record: its `id`, or the member that the placeholder names, as `isbn` for `:isbn`.
fn id_of(record: &Map<String, Value>, placeholder: &str) -> Option<String> {
    let name = placeholder.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
    match record.get("id").or_else(|| record.get(name))? {
        Value::Number(id) => Some(id.to_string()),
        Value::String(id) => {
            let is_id = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
            (!id.is_empty() && id.chars().all(is_id)).then(|| id.clone())
        }
        _ => None,
    }
}
