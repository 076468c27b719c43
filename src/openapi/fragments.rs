//! What is the same in every document.

use std::sync::LazyLock;

use serde_json::Value;

static FRAGMENTS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("fragments.json")).unwrap_or_default());

/// The fragment called `name` in `fragments.json`.
pub(super) fn get(name: &str) -> Value {
    FRAGMENTS[name].clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_json() {
        assert!(get("problem").is_object() && get("listParameters").is_array());
    }
}
