//! Conditions on records: filters of one field, 1.0's `_where`, and the full-text search.

use super::pattern::{Pattern, Patterns};
use super::{Fault, Fields, QueryError, quoted};
use crate::json::{self, FieldPath, Kind, is_loosely, is_text, order, text_form};
use crate::rules::{OPERATORS, Op, Operator, Spelling, operator_names};
use crate::text::nearest;
use crate::work::Work;

/// The cost of a comparison with a value, in bytes read.
const VALUE: usize = 16;

/// A condition on a field. Several values are alternatives, except for `ne`, which excludes all of them.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    /// The parameter's name as it was sent.
    pub parameter: String,
    pub path: FieldPath,
    /// `None` is 0.17's equality of texts.
    pub operator: Option<(Op, Spelling)>,
    /// The values as they were sent.
    pub values: Vec<String>,
    /// The same in lower case.
    lower: Vec<String>,
    /// The same as regular expressions, for `like`.
    patterns: Vec<Pattern>,
}

impl Filter {
    pub fn new(
        parameter: &str,
        path: &str,
        operator: Option<(Op, Spelling)>,
        mut values: Vec<String>,
        patterns: &Patterns<'_>,
    ) -> Result<Filter, QueryError> {
        if let Some((Op::In, _)) = operator {
            let parts = values.iter().flat_map(|value| value.split(','));
            values = parts.map(|part| part.trim().to_string()).collect();
        }
        let patterns = match operator {
            Some((Op::Like, _)) => values
                .iter()
                .map(|value| patterns.compile(value, parameter))
                .collect::<Result<_, _>>()?,
            _ => Vec::new(),
        };
        Ok(Filter {
            parameter: parameter.to_string(),
            path: FieldPath::new(path),
            operator,
            lower: values.iter().map(|value| value.to_lowercase()).collect(),
            values,
            patterns,
        })
    }

    /// Whether `record` passes; `false` once `work` is stopped.
    pub fn passes(&self, record: &str, work: &Work<'_>) -> bool {
        if !work.charge(record.len() + self.values.len() * VALUE) {
            return false;
        }
        // If the path has several values, those of an array's items, one must match; with `ne`, none may.
        let mut is_there = false;
        let found = self.path.any(record, &mut |value| {
            is_there = true;
            self.matches(value, work)
        });
        match self.operator {
            Some((Op::Ne, _)) => is_there && !found,
            _ => found,
        }
    }

    /// Whether the operator matches `value`; for `ne`, whether it excludes it.
    fn matches(&self, value: &str, work: &Work<'_>) -> bool {
        let kind = Kind::of(value);
        let mut values = self.values.iter();
        let Some((op, spelling)) = self.operator else {
            return values.any(|wanted| is_text(value, wanted));
        };
        match op {
            // 0.17 treats null as a missing field.
            Op::Ne if spelling == Spelling::Underscore => {
                kind == Kind::Null || values.any(|denied| is_text(value, denied))
            }
            Op::Eq | Op::In | Op::Ne => values.any(|wanted| is_loosely(value, wanted)),
            Op::Lt | Op::Lte | Op::Gt | Op::Gte => values.any(|limit| {
                order(value, limit, spelling == Spelling::Colon).is_some_and(|found| match op {
                    Op::Lt => found.is_lt(),
                    Op::Lte => found.is_le(),
                    Op::Gt => found.is_gt(),
                    _ => found.is_ge(),
                })
            }),
            Op::Contains if kind == Kind::Array => {
                json::items(value).any(|item| values.clone().any(|wanted| is_loosely(item, wanted)))
            }
            Op::Contains | Op::StartsWith | Op::EndsWith if kind != Kind::String => false,
            Op::Contains => {
                let text = json::unquote(value);
                self.lower.iter().any(|part| holds(&text, part))
            }
            Op::StartsWith | Op::EndsWith => {
                let text = json::unquote(value).to_lowercase();
                self.lower.iter().any(|part| match op {
                    Op::StartsWith => text.starts_with(part),
                    _ => text.ends_with(part),
                })
            }
            Op::Like => {
                kind != Kind::Null && {
                    let text = text_form(value);
                    let mut patterns = self.patterns.iter();
                    patterns.any(|pattern| pattern.is_match(&text, work))
                }
            }
        }
    }
}

/// Whether `text` contains `part`, which is in lower case, ignoring case.
fn holds(text: &str, part: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(part);
    }
    holds_ascii(text.as_bytes(), part.as_bytes())
}

/// [`holds`] for bytes of which only the ASCII letters are cased.
fn holds_ascii(text: &[u8], part: &[u8]) -> bool {
    let Some((first, rest)) = part.split_first() else {
        return true;
    };
    let Some(last_start) = text.len().checked_sub(part.len()) else {
        return false;
    };
    let starts = &text[..=last_start];
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), starts)
        .any(|at| text[at + 1..at + part.len()].eq_ignore_ascii_case(rest))
}

/// A field and an operator; `None` is plain equality.
pub(super) type FieldAndOp<'a> = (&'a str, Option<(Op, Spelling)>);

/// Splits the name of a filter into field and operator.
///
/// A field of exactly that name takes precedence: `logged_in=true` and `dc:title=x` filter by the fields `logged_in`
/// and `dc:title` if records have them. Then `id[0]` is `id` and `views[gte]` is `views_gte`, then come other
/// operators.
pub(super) fn read_name<'a>(
    parameter: &'a str,
    fields: &Fields<'_>,
) -> Result<FieldAndOp<'a>, QueryError> {
    let plain = (parameter, None);
    let looks_special = parameter.contains([':', '[', '_']);
    // Nothing is known of an empty collection; it may get that field.
    let may_be_field = parameter.contains(':') && fields.is_blank();
    if !looks_special || may_be_field || fields.has(parameter) {
        return Ok(plain);
    }
    // `id[0]`, as some clients send a list; `views[gte]`, OpenAPI's `deepObject`.
    let brackets = parameter
        .strip_suffix(']')
        .and_then(|rest| rest.rsplit_once('['));
    if let Some((base, index)) = brackets.filter(|(base, _)| !base.is_empty()) {
        if index.bytes().all(|byte| byte.is_ascii_digit()) {
            return read_name(base, fields);
        }
        if let Some(operator) = Operator::named(index) {
            return Ok((base, Some((operator.op, Spelling::Underscore))));
        }
    }
    if let Some((path, name)) = parameter.rsplit_once(':') {
        let Some(operator) = Operator::named(name) else {
            let names = OPERATORS.iter().map(|operator| operator.name);
            let near = Operator::named(nearest(name, names).unwrap_or("gte"));
            let example = near.map_or_else(String::new, |near| near.example(path, Spelling::Colon));
            let detail = unknown_operator(&quoted(name));
            return Err(QueryError::new(Fault::Value, parameter, detail, example));
        };
        return Ok((path, Some((operator.op, Spelling::Colon))));
    }
    Ok(
        Operator::suffix_of(parameter).map_or(plain, |(path, operator)| {
            (path, Some((operator.op, Spelling::Underscore)))
        }),
    )
}

fn unknown_operator(what: &str) -> String {
    let known = operator_names();
    format!("unknown operator {what}; the operators are {known}")
}

const WHERE_EXAMPLE: &str =
    r#"_where={"or":[{"views":{"gt":10}},{"author":{"name":{"eq":"ann"}}}]}"#;

/// A tree of conditions.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    /// All of them; true if there are none.
    All(Vec<Condition>),
    /// One of them; false if there are none.
    Any(Vec<Condition>),
    /// A single field.
    Field(Box<Filter>),
}

impl Condition {
    /// Reads the value of a `_where` parameter.
    pub fn parse(text: &str, patterns: &Patterns<'_>) -> Result<Condition, QueryError> {
        if let Err(error) = json::check(text, json::MAX_BODY_DEPTH) {
            let detail = format!(
                "{} is not JSON: {}, at character {}",
                quoted(text),
                error.message,
                error.offset + 1
            );
            return Err(wrong_where(detail));
        }
        where_object(text.trim_ascii(), "", patterns)
    }

    /// Whether `record` passes.
    pub fn passes(&self, record: &str, work: &Work<'_>) -> bool {
        match self {
            Condition::All(parts) => parts.iter().all(|part| part.passes(record, work)),
            Condition::Any(parts) => parts.iter().any(|part| part.passes(record, work)),
            Condition::Field(filter) => filter.passes(record, work),
        }
    }

    /// The filters in it.
    pub fn filters(&self) -> Vec<&Filter> {
        match self {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().flat_map(Condition::filters).collect()
            }
            Condition::Field(filter) => vec![filter],
        }
    }
}

fn wrong_where(detail: impl Into<String>) -> QueryError {
    QueryError::new(Fault::Value, "_where", detail, WHERE_EXAMPLE)
}

/// An object whose names are fields below `prefix`, or at the top also `and` and `or`.
fn where_object(
    value: &str,
    prefix: &str,
    patterns: &Patterns<'_>,
) -> Result<Condition, QueryError> {
    if Kind::of(value) != Kind::Object {
        let what = Kind::of(value).with_article();
        return Err(wrong_where(format!(
            "an object of fields is expected, found {what}: {}",
            quoted(value)
        )));
    }
    let mut parts = Vec::new();
    for member in json::members(value) {
        let name = &*member.key;
        match (prefix, name) {
            ("", "or") => parts.push(Condition::Any(where_list(name, member.value, patterns)?)),
            ("", "and") => parts.push(Condition::All(where_list(name, member.value, patterns)?)),
            _ => {
                let path = if prefix.is_empty() {
                    name.to_string()
                } else {
                    format!("{prefix}.{name}")
                };
                parts.push(where_field(&path, member.value, patterns)?);
            }
        }
    }
    Ok(Condition::All(parts))
}

fn where_list(
    name: &str,
    value: &str,
    patterns: &Patterns<'_>,
) -> Result<Vec<Condition>, QueryError> {
    if Kind::of(value) != Kind::Array {
        let what = Kind::of(value).with_article();
        return Err(wrong_where(format!(
            "{name:?} takes an array of conditions, found {what}"
        )));
    }
    json::items(value)
        .map(|item| where_object(item, "", patterns))
        .collect()
}

/// The conditions on the field at `path`: an object of operators, an object of fields below it, or a value to be equal
/// to.
fn where_field(path: &str, value: &str, patterns: &Patterns<'_>) -> Result<Condition, QueryError> {
    match Kind::of(value) {
        Kind::Object => {
            let is_operator = |name: &str| Operator::named(name).is_some();
            if !json::members(value).any(|member| is_operator(&member.key)) {
                return where_object(value, path, patterns);
            }
            let tests = json::members(value).map(|member| {
                let Some(operator) = Operator::named(&member.key) else {
                    let what = format!("{:?} for {path:?}", member.key);
                    return Err(wrong_where(unknown_operator(&what)));
                };
                where_leaf(path, operator.op, member.value, patterns)
            });
            Ok(Condition::All(tests.collect::<Result<_, _>>()?))
        }
        Kind::Array => Err(wrong_where(format!(
            "{path:?} has an array as its value; for one of several values use {{\"in\": [...]}}"
        ))),
        _ => where_leaf(path, Op::Eq, value, patterns),
    }
}

fn where_leaf(
    path: &str,
    op: Op,
    value: &str,
    patterns: &Patterns<'_>,
) -> Result<Condition, QueryError> {
    let (op, values) = match (op, Kind::of(value)) {
        // The items are not split at commas.
        (Op::In, Kind::Array) => (Op::Eq, json::items(value).map(text).collect()),
        (_, kind @ (Kind::Object | Kind::Array)) => {
            return Err(wrong_where(format!(
                "an operator of {path:?} has {} as its value: {}",
                kind.with_article(),
                quoted(value)
            )));
        }
        _ => (op, vec![text(value)]),
    };
    let filter = Filter::new(
        "_where",
        path,
        Some((op, Spelling::Colon)),
        values,
        patterns,
    );
    match filter {
        Ok(filter) => Ok(Condition::Field(Box::new(filter))),
        Err(error) if error.fault == Fault::Pattern => Err(wrong_where(error.detail)),
        Err(error) => Err(error),
    }
}

/// A JSON value as the text that a parameter would give.
fn text(value: &str) -> String {
    if Kind::of(value) == Kind::String {
        json::unquote(value).into_owned()
    } else {
        value.to_string()
    }
}

/// A case-insensitive search for a text.
#[derive(Debug, Clone)]
pub(super) struct Search {
    /// The fields to look in; none: everywhere.
    paths: Vec<FieldPath>,
    lower: String,
    /// The text could be a part of a number, whose spelling may differ from its text form.
    is_numeric: bool,
}

impl Search {
    pub fn new(text: &str, paths: Vec<FieldPath>) -> Search {
        let is_numeric = text
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
        Search {
            paths,
            lower: text.to_lowercase(),
            is_numeric,
        }
    }

    /// Whether one of the values in `record` contains the text; names are not searched.
    pub fn passes(&self, record: &str) -> bool {
        // Prefilter: most records do not contain the text anywhere. Their bytes show that if nothing is escaped and no
        // letter's length depends on its case.
        let bytes = record.as_bytes();
        let is_plain =
            !self.is_numeric && bytes.is_ascii() && memchr::memchr(b'\\', bytes).is_none();
        if is_plain && !holds_ascii(bytes, self.lower.as_bytes()) {
            false
        } else if self.paths.is_empty() {
            self.found_in(record)
        } else {
            let found = |path: &FieldPath| path.any(record, &mut |value| self.found_in(value));
            self.paths.iter().any(found)
        }
    }

    fn found_in(&self, value: &str) -> bool {
        match Kind::of(value) {
            Kind::Object => json::members(value).any(|member| self.found_in(member.value)),
            Kind::Array => json::items(value).any(|item| self.found_in(item)),
            // 0.17 skips falsy values; here these are `false` and null.
            Kind::Boolean if value == "false" => false,
            Kind::Null => false,
            _ => holds(&text_form(value), &self.lower),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Condition, QueryError> {
        Condition::parse(text, &Patterns::new(1000, None))
    }

    #[test]
    fn conditions_hold_or_not() {
        let record =
            r#"{"id": 3, "views": 20, "author": {"name": "ann"}, "title": "JSON", "gone": null}"#;
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
            (
                r#"{"or": [{"views": {"gt": 100}}, {"and": [{"id": {"in": [1, 3]}}, {"title": {"like": "^j"}}]}]}"#,
                true,
            ),
            (r#"{"id": {"eq": "3"}, "gone": {"eq": null}}"#, true),
            (r#"{"id": {"in": "1,3"}}"#, true),
            (r#"{"id": {"in": []}}"#, false),
            (r#"{"nope": {"ne": 1}}"#, false),
            (r#"{"views": {}}"#, true),
        ];
        for (text, expected) in cases {
            assert_eq!(
                parse(text).unwrap().passes(record, &Work::unlimited()),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_broken_where_says_what_is_wrong() {
        let cases = [
            ("{", "is not JSON"),
            ("", "is not JSON"),
            ("5", "found a number"),
            ("[]", "found an array"),
            (r#"{"or": {}}"#, "takes an array"),
            (r#"{"or": [5]}"#, "found a number"),
            (
                r#"{"views": {"foo": 1, "gt": 5}}"#,
                "unknown operator \"foo\"",
            ),
            (r#"{"views": [1]}"#, "{\"in\": [...]}"),
            (
                r#"{"views": {"gt": {"a": 1}}}"#,
                "has an object as its value",
            ),
            (r#"{"t": {"like": "("}}"#, "regular expression"),
        ];
        for (text, part) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.detail.contains(part), "{text}: {error}");
            let example = error.example.strip_prefix("_where=").unwrap();
            assert!(parse(example).is_ok());
        }
    }

    #[test]
    fn all_values_are_searched_and_no_names() {
        let record = r#"{"id": 12, "t": "Caf\u00e9 JSON", "n": {"tags": ["Deep", {"x": true}]}, "e": 1e3, "z": 0, "no": false, "nil": null}"#;
        let cases = [
            ("json", true),
            ("CAFÉ", true),
            ("deep", true),
            ("1000", true),
            ("true", true),
            ("0", true),
            ("tags", false),
            ("null", false),
            ("false", false),
            ("json 1", false),
        ];
        for (text, expected) in cases {
            assert_eq!(
                Search::new(text, Vec::new()).passes(record),
                expected,
                "{text}"
            );
        }
        assert!(!Search::new("name", Vec::new()).passes("{\"name\":\"bob\"}"));
        assert!(Search::new("BO", Vec::new()).passes("{\"name\":\"bob\"}"));
    }
}
