//! Forms whose fields a page lists, one a line, as the body of a request.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

/// Whether a text mentions a form or its fields.
pub fn is_named(text: &str) -> bool {
    static FORM: LazyLock<Regex> = regex!(
        r"(?i)urlencoded|\bform(?:ular|ulaire|ulario|ulário|[\s-]?data)?\b|\bfields?\b|\bcampos?\b|\bchamps?\b|字段|フィールド|表单"
    );
    FORM.is_match(text)
}

/// The fields of a form, one a line, as the members of an object: `name: Ada` or `name=Ada`.
pub fn fields(content: &str) -> Option<Map<String, Value>> {
    static FIELD: LazyLock<Regex> = regex!(
        r#"^\s*(?P<name>[A-Za-z_][\w.]*)\s*[:=]\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"'{\[<$].*?))\s*,?\s*$"#
    );
    let lines = content.lines().filter(|line| !line.trim().is_empty());
    let fields = lines.map(|line| {
        let found = FIELD.captures(line)?;
        let value = found.name("quoted").or(found.name("plain"))?.as_str();
        Some((found["name"].to_owned(), Value::from(value)))
    });
    let fields: Map<String, Value> = fields.collect::<Option<_>>()?;
    (!fields.is_empty()).then_some(fields)
}
