//! Tests of records: one field put to one or more tests, 1.0's `_where`, and the full text search.

use super::error::{Fault, QueryError, quoted};
use super::fields::Fields;
use super::pattern::{Pattern, Patterns};
use crate::json::{self, FieldPath, Kind, is_loosely, is_text, order, text_form};
use crate::rules::{OPERATORS, Op, Operator, Spelling, operator_names};
use crate::text::nearest;
use crate::work::Work;

/// What it costs to compare with a value, in bytes looked at.
const VALUE: usize = 16;

/// A field and what is asked of it.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    /// The parameter's name as it was sent.
    pub parameter: String,
    pub path: FieldPath,
    pub test: Test,
}

/// What is asked of a field's value. Several values are alternatives, except for the two that deny.
#[derive(Debug, Clone)]
pub(super) enum Test {
    /// 0.17's equality: the text form is one of these.
    Text(Vec<String>),
    /// 0.17's `_ne`: there, not null, and the text form is none of these.
    NotText(Vec<String>),
    /// 1.0's equality.
    Loose(Vec<String>),
    /// 1.0's inequality: there, and equal to none of these.
    NotLoose(Vec<String>),
    /// An order with one of the values.
    Order(Op, Vec<String>, Spelling),
    /// A string that begins or ends with one of these (in lower case).
    Part(Op, Vec<String>),
    /// A string that holds one of these in lower case, or an array with one of them as an item.
    Contains {
        wanted: Vec<String>,
        lower: Vec<String>,
    },
    /// A regular expression found in the text form.
    Like(Vec<Pattern>),
    /// Of an empty list nothing can be equal to one.
    Nothing,
}

impl Test {
    /// The test that `operator` written so makes of `values`.
    pub fn new(
        operator: Op,
        values: Vec<String>,
        spelling: Spelling,
        parameter: &str,
        patterns: &Patterns<'_>,
    ) -> Result<Test, QueryError> {
        Ok(match (operator, spelling) {
            (Op::Eq, _) => Test::Loose(values),
            (Op::Ne, Spelling::Underscore) => Test::NotText(values),
            (Op::Ne, Spelling::Colon) => Test::NotLoose(values),
            (Op::In, _) => Test::Loose(
                values
                    .iter()
                    .flat_map(|value| value.split(','))
                    .map(|value| value.trim().to_string())
                    .collect(),
            ),
            (Op::Lt | Op::Lte | Op::Gt | Op::Gte, _) => Test::Order(operator, values, spelling),
            (Op::Contains, _) => Test::Contains {
                lower: values.iter().map(|value| value.to_lowercase()).collect(),
                wanted: values,
            },
            (Op::StartsWith | Op::EndsWith, _) => Test::Part(
                operator,
                values.iter().map(|value| value.to_lowercase()).collect(),
            ),
            (Op::Like, _) => {
                let compiled = values
                    .iter()
                    .map(|value| patterns.compile(value, parameter));
                Test::Like(compiled.collect::<Result<_, _>>()?)
            }
        })
    }

    /// How many values the test compares with.
    fn count(&self) -> usize {
        match self {
            Test::Text(values)
            | Test::NotText(values)
            | Test::Loose(values)
            | Test::NotLoose(values)
            | Test::Order(_, values, _)
            | Test::Part(_, values)
            | Test::Contains { wanted: values, .. } => values.len(),
            Test::Like(patterns) => patterns.len(),
            Test::Nothing => 0,
        }
    }

    /// Whether a record with `value` there passes.
    pub fn passes(&self, value: &str, work: &Work<'_>) -> bool {
        match self {
            Test::Text(wanted) => wanted.iter().any(|wanted| is_text(value, wanted)),
            Test::NotText(denied) => {
                Kind::of(value) != Kind::Null && !denied.iter().any(|denied| is_text(value, denied))
            }
            Test::Loose(wanted) => wanted.iter().any(|wanted| is_loosely(value, wanted)),
            Test::NotLoose(denied) => !denied.iter().any(|denied| is_loosely(value, denied)),
            Test::Order(op, limits, spelling) => limits.iter().any(|limit| {
                order(value, limit, *spelling == Spelling::Colon).is_some_and(|found| match op {
                    Op::Lt => found.is_lt(),
                    Op::Lte => found.is_le(),
                    Op::Gt => found.is_gt(),
                    _ => found.is_ge(),
                })
            }),
            Test::Part(op, parts) => {
                Kind::of(value) == Kind::String && {
                    let text = json::unquote(value);
                    parts.iter().any(|part| match op {
                        Op::StartsWith => starts_with(&text, part),
                        _ => text.to_lowercase().ends_with(part.as_str()),
                    })
                }
            }
            Test::Contains { wanted, lower } => match Kind::of(value) {
                Kind::String => {
                    let text = json::unquote(value);
                    lower.iter().any(|part| holds(&text, part))
                }
                Kind::Array => json::items(value)
                    .any(|item| wanted.iter().any(|wanted| is_loosely(item, wanted))),
                _ => false,
            },
            Test::Like(patterns) => {
                Kind::of(value) != Kind::Null && {
                    let text = text_form(value);
                    patterns.iter().any(|pattern| pattern.is_match(&text, work))
                }
            }
            Test::Nothing => false,
        }
    }
}

/// Whether `text` begins with `part`, which is in lower case, whatever the case of `text`.
fn starts_with(text: &str, part: &str) -> bool {
    if part.is_ascii() {
        return text
            .as_bytes()
            .get(..part.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(part.as_bytes()));
    }
    text.to_lowercase().starts_with(part)
}

/// Whether `text` holds `part`, which is in lower case, whatever the case of `text`.
fn holds(text: &str, part: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(part);
    }
    holds_ascii(text.as_bytes(), part.as_bytes())
}

/// [`holds`] for bytes of which only the ASCII letters have cases.
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

impl Filter {
    pub fn new(parameter: &str, path: &str, test: Test) -> Filter {
        Filter {
            parameter: parameter.to_string(),
            path: FieldPath::new(path),
            test,
        }
    }

    /// Whether `record` passes; `false` once `work` is stopped.
    pub fn passes(&self, record: &str, work: &Work<'_>) -> bool {
        if !work.goes_on(record.len() + self.test.count() * VALUE) {
            return false;
        }
        // Of several values, those of an array's items, one must pass; one that is denied must be none of them.
        let denies = matches!(self.test, Test::NotText(_) | Test::NotLoose(_));
        let mut is_there = false;
        let found = self.path.any(record, &mut |value| {
            is_there = true;
            self.test.passes(value, work) != denies
        });
        if denies { is_there && !found } else { found }
    }
}

/// What a parameter's name says: a field and an operator.
pub(super) struct Name<'a> {
    pub path: &'a str,
    /// `None` for plain equality.
    pub operator: Option<(&'static Operator, Spelling)>,
}

impl<'a> Name<'a> {
    /// Reads the name of a filter.
    ///
    /// A field of exactly that name comes before every other reading, so that `logged_in=true` and `dc:title=x` filter
    /// by the fields `logged_in` and `dc:title` where records have them. Then `id[0]` is `id` and `views[gte]` is
    /// `views_gte`, then other operators are seen.
    pub fn read(parameter: &'a str, fields: &Fields<'_>) -> Result<Name<'a>, QueryError> {
        let looks_special = parameter.contains([':', '[', '_']);
        // Of an empty collection nothing is known, it may be about to have that field.
        let may_be_field = parameter.contains(':') && fields.is_blank();
        if !looks_special || may_be_field || fields.has(parameter) {
            return Ok(Name {
                path: parameter,
                operator: None,
            });
        }
        if let Some((base, index)) = bracketed(parameter) {
            if index.bytes().all(|byte| byte.is_ascii_digit()) {
                return Name::read(base, fields);
            }
            if let Some(operator) = Operator::named(index) {
                return Ok(Name {
                    path: base,
                    operator: Some((operator, Spelling::Underscore)),
                });
            }
        }
        if let Some((path, name)) = parameter.rsplit_once(':') {
            let Some(operator) = Operator::named(name) else {
                let near = nearest(name, OPERATORS.iter().map(|operator| operator.name))
                    .and_then(Operator::named);
                let example = near.unwrap_or(&OPERATORS[5]).example(path, Spelling::Colon);
                let detail = format!(
                    "unknown operator {}; the operators are {}",
                    quoted(name),
                    operator_names()
                );
                return Err(QueryError::new(Fault::Operator, parameter, detail, example));
            };
            return Ok(Name {
                path,
                operator: Some((operator, Spelling::Colon)),
            });
        }
        Ok(match Operator::suffix_of(parameter) {
            Some((path, operator)) => Name {
                path,
                operator: Some((operator, Spelling::Underscore)),
            },
            None => Name {
                path: parameter,
                operator: None,
            },
        })
    }
}

/// The name and what is in brackets after it: `id` and `0` of `id[0]`, as a list of values is sent by some clients;
/// `views` and `gte` of `views[gte]`, OpenAPI's `deepObject`.
fn bracketed(parameter: &str) -> Option<(&str, &str)> {
    let (base, index) = parameter.strip_suffix(']')?.rsplit_once('[')?;
    (!base.is_empty()).then_some((base, index))
}

const WHERE_EXAMPLE: &str =
    r#"_where={"or":[{"views":{"gt":10}},{"author":{"name":{"eq":"ann"}}}]}"#;

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

    /// Shows every field that is asked for.
    pub fn each_field(&self, see: &mut dyn FnMut(&str)) {
        match self {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().for_each(|part| part.each_field(see))
            }
            Condition::Field(filter) => see(&filter.path.text),
        }
    }
}

fn wrong_where(detail: impl Into<String>) -> QueryError {
    QueryError::new(Fault::Where, "_where", detail, WHERE_EXAMPLE)
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
            let known = json::members(value)
                .filter(|member| Operator::named(&member.key).is_some())
                .count();
            if known == 0 {
                return where_object(value, path, patterns).map(|condition| {
                    match json::members(value).next() {
                        Some(_) => condition,
                        None => Condition::All(Vec::new()),
                    }
                });
            }
            let tests = json::members(value).map(|member| {
                let Some(operator) = Operator::named(&member.key) else {
                    let detail = format!(
                        "unknown operator {:?} for {path:?}; the operators are {}",
                        member.key,
                        operator_names()
                    );
                    return Err(wrong_where(detail));
                };
                where_leaf(path, operator.op, member.value, patterns)
            });
            Ok(Condition::All(tests.collect::<Result<_, _>>()?))
        }
        Kind::Array => Err(wrong_where(format!(
            "{path:?} is given an array; one of several values is {{\"in\": [...]}}"
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
    let values = match (op, Kind::of(value)) {
        (Op::In, Kind::Array) => {
            let wanted: Vec<String> = json::items(value).map(text).collect();
            let test = if wanted.is_empty() {
                Test::Nothing
            } else {
                Test::Loose(wanted)
            };
            return Ok(Condition::Field(Box::new(Filter::new(
                "_where", path, test,
            ))));
        }
        (_, Kind::Object | Kind::Array) => {
            let what = Kind::of(value).with_article();
            return Err(wrong_where(format!(
                "an operator asked of {path:?} is given {what}: {}",
                quoted(value)
            )));
        }
        _ => vec![text(value)],
    };
    let test =
        Test::new(op, values, Spelling::Colon, "_where", patterns).map_err(|error| match error
            .fault
        {
            Fault::Pattern => wrong_where(error.detail),
            _ => error,
        })?;
    Ok(Condition::Field(Box::new(Filter::new(
        "_where", path, test,
    ))))
}

/// A JSON value as the text that a parameter would give.
fn text(value: &str) -> String {
    if Kind::of(value) == Kind::String {
        json::unquote(value).into_owned()
    } else {
        value.to_string()
    }
}

/// A text to look for, whatever its case.
#[derive(Debug, Clone)]
pub(super) struct Search {
    /// The fields to look in; none: everywhere.
    paths: Vec<FieldPath>,
    lower: String,
    /// The text could be a part of a number, and a number may be spelt otherwise than it is compared.
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

    /// Whether one of the values in `record` holds the text; names are not looked at.
    pub fn passes(&self, record: &str) -> bool {
        // Most records do not hold the text anywhere, which their bytes show where nothing is escaped and no letter changes
        // its length with its case.
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
            // 0.17 leaves out all that is false to JavaScript; nobody would miss that word.
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
            (r#"{"views": {"gt": {"a": 1}}}"#, "is given an object"),
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
