//! 1.0's `_where`: conditions as JSON, joined by `and` and `or`.

use super::error::{Fault, QueryError, quoted};
use super::filter::{Filter, Test};
use super::operators::{Op, Operator, Spelling, names};
use crate::json::{self, Kind};

const EXAMPLE: &str = r#"_where={"or":[{"views":{"gt":10}},{"author":{"name":{"eq":"ann"}}}]}"#;

/// A tree of conditions.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    /// All of them; true where there is none.
    All(Vec<Condition>),
    /// One of them; false where there is none.
    Any(Vec<Condition>),
    /// A single field.
    Field(Box<Filter>),
}

impl Condition {
    /// Reads the value of a `_where` parameter.
    pub fn parse(text: &str) -> Result<Condition, QueryError> {
        if let Err(error) = json::check(text, json::MAX_BODY_DEPTH) {
            let detail = format!("{} is no JSON: {}, at character {}", quoted(text), error.message, error.offset + 1);
            return Err(wrong(detail));
        }
        object(text.trim_ascii(), "")
    }

    /// Whether `record` passes.
    pub fn passes(&self, record: &str) -> bool {
        match self {
            Condition::All(parts) => parts.iter().all(|part| part.passes(record)),
            Condition::Any(parts) => parts.iter().any(|part| part.passes(record)),
            Condition::Field(filter) => filter.passes(record),
        }
    }

    /// Shows every field that is asked for.
    pub fn each_field(&self, see: &mut dyn FnMut(&str)) {
        match self {
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| part.each_field(see)),
            Condition::Field(filter) => see(&filter.path.text),
        }
    }
}

fn wrong(detail: impl Into<String>) -> QueryError {
    QueryError::new(Fault::Where, "_where", detail, EXAMPLE)
}

/// An object whose names are fields below `prefix`, or at the top also `and` and `or`.
fn object(value: &str, prefix: &str) -> Result<Condition, QueryError> {
    if Kind::of(value) != Kind::Object {
        let what = Kind::of(value).with_article();
        return Err(wrong(format!("an object of fields is expected, found {what}: {}", quoted(value))));
    }
    let mut parts = Vec::new();
    for member in json::members(value) {
        let name = &*member.key;
        match (prefix, name) {
            ("", "or") => parts.push(Condition::Any(list(name, member.value)?)),
            ("", "and") => parts.push(Condition::All(list(name, member.value)?)),
            _ => {
                let path = if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
                parts.push(field(&path, member.value)?);
            }
        }
    }
    Ok(Condition::All(parts))
}

fn list(name: &str, value: &str) -> Result<Vec<Condition>, QueryError> {
    if Kind::of(value) != Kind::Array {
        let what = Kind::of(value).with_article();
        return Err(wrong(format!("{name:?} takes an array of conditions, found {what}")));
    }
    json::items(value).map(|item| object(item, "")).collect()
}

/// What is asked of the field at `path`: an object of operators, an object of fields below it, or a value to be equal
/// to.
fn field(path: &str, value: &str) -> Result<Condition, QueryError> {
    match Kind::of(value) {
        Kind::Object => {
            let known = json::members(value).filter(|member| Operator::named(&member.key).is_some()).count();
            if known == 0 {
                return object(value, path).map(|condition| match json::members(value).next() {
                    Some(_) => condition,
                    None => Condition::All(Vec::new()),
                });
            }
            let tests = json::members(value).map(|member| {
                let Some(operator) = Operator::named(&member.key) else {
                    let detail =
                        format!("there is no operator {:?} (asked of {path:?}); there are {}", member.key, names());
                    return Err(wrong(detail));
                };
                leaf(path, operator.op, member.value)
            });
            Ok(Condition::All(tests.collect::<Result<_, _>>()?))
        }
        Kind::Array => Err(wrong(format!("{path:?} is given an array; one of several values is {{\"in\": [...]}}"))),
        _ => leaf(path, Op::Eq, value),
    }
}

fn leaf(path: &str, op: Op, value: &str) -> Result<Condition, QueryError> {
    let values = match (op, Kind::of(value)) {
        (Op::In, Kind::Array) => {
            let wanted: Vec<String> = json::items(value).map(text).collect();
            let test = if wanted.is_empty() { Test::Nothing } else { Test::Loose(wanted) };
            return Ok(Condition::Field(Box::new(Filter::new("_where", path, test))));
        }
        (_, Kind::Object | Kind::Array) => {
            let what = Kind::of(value).with_article();
            return Err(wrong(format!("an operator asked of {path:?} is given {what}: {}", quoted(value))));
        }
        _ => vec![text(value)],
    };
    let test = Test::new(op, values, Spelling::Colon, "_where").map_err(|error| wrong(error.detail))?;
    Ok(Condition::Field(Box::new(Filter::new("_where", path, test))))
}

/// A JSON value as the text that a parameter would give.
fn text(value: &str) -> String {
    if Kind::of(value) == Kind::String { json::unquote(value).into_owned() } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_hold_or_not() {
        let record = r#"{"id": 3, "views": 20, "author": {"name": "ann"}, "title": "JSON", "gone": null}"#;
        let cases = [
            (r#"{}"#, true),
            (r#"{"views": {"gt": 7}}"#, true),
            (r#"{"views": {"gt": 7, "lt": 20}}"#, false),
            (r#"{"views": 20}"#, true),
            (r#"{"author": {"name": {"eq": "ann"}}}"#, true),
            (r#"{"author": {"name": "bob"}}"#, false),
            (r#"{"author.name": {"startsWith": "A"}}"#, true),
            (r#"{"or": []}"#, false),
            (r#"{"and": []}"#, true),
            (r#"{"or": [{"views": {"gt": 100}}, {"and": [{"id": {"in": [1, 3]}}, {"title": {"like": "^j"}}]}]}"#, true),
            (r#"{"id": {"eq": "3"}, "gone": {"eq": null}}"#, true),
            (r#"{"id": {"in": "1,3"}}"#, true),
            (r#"{"id": {"in": []}}"#, false),
            (r#"{"nope": {"ne": 1}}"#, false),
            (r#"{"views": {}}"#, true),
        ];
        for (text, expected) in cases {
            assert_eq!(Condition::parse(text).unwrap().passes(record), expected, "{text}");
        }
    }

    #[test]
    fn a_broken_where_says_what_is_wrong() {
        let cases = [
            ("{", "no JSON"),
            ("", "no JSON"),
            ("5", "found a number"),
            ("[]", "found an array"),
            (r#"{"or": {}}"#, "takes an array"),
            (r#"{"or": [5]}"#, "found a number"),
            (r#"{"views": {"foo": 1, "gt": 5}}"#, "no operator \"foo\""),
            (r#"{"views": [1]}"#, "{\"in\": [...]}"),
            (r#"{"views": {"gt": {"a": 1}}}"#, "is given an object"),
            (r#"{"t": {"like": "("}}"#, "regular expression"),
        ];
        for (text, part) in cases {
            let error = Condition::parse(text).unwrap_err();
            assert!(error.detail.contains(part), "{text}: {error}");
            let example = error.example.strip_prefix("_where=").unwrap();
            assert!(Condition::parse(example).is_ok());
        }
    }
}
