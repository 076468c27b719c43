//! One field put to one or more tests.

use regex::Regex;

use super::error::{Fault, QueryError, quoted};
use super::fields::Fields;
use super::operators::{OPERATORS, Op, Operator, Spelling, names};
use super::pairs::encode;
use super::path::{Needle, Path};
use super::pattern;
use super::value::{is_loosely, is_text, order, text_form};
use crate::json::{self, Kind};
use crate::words::nearest;

/// A field and what is asked of it.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    /// The parameter's name as it was sent.
    pub parameter: String,
    pub path: Path,
    pub test: Test,
    /// Finds a text without which a record cannot pass: most do not hold it anywhere, which shows without reading
    /// members.
    needle: Option<Needle>,
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
    Contains { wanted: Vec<String>, lower: Vec<String> },
    /// A regular expression found in the text form.
    Like(Vec<Regex>),
    /// Of an empty list nothing can be equal to one.
    Nothing,
}

impl Test {
    /// The test that `operator` written so makes of `values`.
    pub fn new(operator: Op, values: Vec<String>, spelling: Spelling, parameter: &str) -> Result<Test, QueryError> {
        Ok(match (operator, spelling) {
            (Op::Eq, _) => Test::Loose(values),
            (Op::Ne, Spelling::Underscore) => Test::NotText(values),
            (Op::Ne, Spelling::Colon) => Test::NotLoose(values),
            (Op::In, _) => Test::Loose(
                values.iter().flat_map(|value| value.split(',')).map(|value| value.trim().to_string()).collect(),
            ),
            (Op::Lt | Op::Lte | Op::Gt | Op::Gte, _) => Test::Order(operator, values, spelling),
            (Op::Contains, _) => {
                Test::Contains { lower: values.iter().map(|value| value.to_lowercase()).collect(), wanted: values }
            }
            (Op::StartsWith | Op::EndsWith, _) => {
                Test::Part(operator, values.iter().map(|value| value.to_lowercase()).collect())
            }
            (Op::Like, _) => {
                let compiled = values.iter().map(|value| {
                    pattern::compile(value).map_err(|error| {
                        let detail = format!("{} is no regular expression that can be run: {error}", quoted(value));
                        // The text itself can be looked for, if that was meant.
                        let literal = if value.len() < 80 { encode(&regex::escape(value)) } else { "^a".into() };
                        QueryError::new(Fault::Pattern, parameter, detail, format!("{parameter}={literal}"))
                    })
                });
                Test::Like(compiled.collect::<Result<_, _>>()?)
            }
        })
    }

    /// Whether a record with `value` there passes.
    pub fn passes(&self, value: &str) -> bool {
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
                Kind::Array => json::items(value).any(|item| wanted.iter().any(|wanted| is_loosely(item, wanted))),
                _ => false,
            },
            Test::Like(patterns) => {
                Kind::of(value) != Kind::Null && {
                    let text = text_form(value);
                    patterns.iter().any(|pattern| pattern.is_match(&text))
                }
            }
            Test::Nothing => false,
        }
    }
}

/// Whether `text` begins with `part`, which is in lower case, whatever the case of `text`.
fn starts_with(text: &str, part: &str) -> bool {
    if part.is_ascii() {
        return text.as_bytes().get(..part.len()).is_some_and(|start| start.eq_ignore_ascii_case(part.as_bytes()));
    }
    text.to_lowercase().starts_with(part)
}

/// Whether `text` holds `part`, which is in lower case, whatever the case of `text`.
pub(super) fn holds(text: &str, part: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(part);
    }
    holds_ascii(text.as_bytes(), part.as_bytes())
}

/// [`holds`] for bytes of which only the ASCII letters have cases.
pub(super) fn holds_ascii(text: &[u8], part: &[u8]) -> bool {
    let Some((first, rest)) = part.split_first() else { return true };
    let Some(last_start) = text.len().checked_sub(part.len()) else { return false };
    let starts = &text[..=last_start];
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), starts)
        .any(|at| text[at + 1..at + part.len()].eq_ignore_ascii_case(rest))
}

impl Filter {
    pub fn new(parameter: &str, path: &str, test: Test) -> Filter {
        let needle = match &test {
            Test::Text(wanted) => match wanted.as_slice() {
                [wanted] if is_searchable(wanted) => Some(Needle::new(wanted)),
                _ => None,
            },
            _ => None,
        };
        Filter { parameter: parameter.to_string(), path: Path::new(path), test, needle }
    }

    /// Whether `record` passes.
    pub fn passes(&self, record: &str) -> bool {
        if let Some(needle) = self.needle.as_ref().and_then(Needle::finder) {
            let bytes = record.as_bytes();
            if needle.find(bytes).is_none() && memchr::memchr(b'\\', bytes).is_none() {
                return false;
            }
        }
        // Of several values, those of an array's items, one must pass; one that is denied must be none of them.
        let denies = matches!(self.test, Test::NotText(_) | Test::NotLoose(_));
        let mut is_there = false;
        let found = self.path.any(record, &mut |value| {
            is_there = true;
            self.test.passes(value) != denies
        });
        if denies { is_there && !found } else { found }
    }
}

/// Whether a value equal to `wanted` must hold its very bytes, where nothing is escaped. Not so for what may be a number
/// in another spelling or joined from an array.
fn is_searchable(wanted: &str) -> bool {
    wanted.len() > 1 && wanted.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b' ')
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
    /// by the fields `logged_in` and `dc:title` where records have them. Then `id[0]` is `id`, then operators are seen.
    pub fn read(parameter: &'a str, fields: &Fields<'_>) -> Result<Name<'a>, QueryError> {
        let looks_special = parameter.contains([':', '[', '_']);
        // Of an empty collection nothing is known, it may be about to have that field.
        let may_be_field = parameter.contains(':') && fields.is_blank();
        if !looks_special || may_be_field || fields.has(parameter) {
            return Ok(Name { path: parameter, operator: None });
        }
        if let Some(base) = without_index(parameter) {
            return Name::read(base, fields);
        }
        if let Some((path, name)) = parameter.rsplit_once(':') {
            let Some(operator) = Operator::named(name) else {
                let near = nearest(name, OPERATORS.iter().map(|operator| operator.name)).and_then(Operator::named);
                let example = near.unwrap_or(&OPERATORS[5]).example(path, Spelling::Colon);
                let detail = format!("there is no operator {}; there are {}", quoted(name), names());
                return Err(QueryError::new(Fault::Operator, parameter, detail, example));
            };
            return Ok(Name { path, operator: Some((operator, Spelling::Colon)) });
        }
        Ok(match Operator::suffix_of(parameter) {
            Some((path, operator)) => Name { path, operator: Some((operator, Spelling::Underscore)) },
            None => Name { path: parameter, operator: None },
        })
    }
}

/// `id` of `id[0]`, as a list of values is sent by some clients.
fn without_index(parameter: &str) -> Option<&str> {
    let (base, index) = parameter.strip_suffix(']')?.rsplit_once('[')?;
    (!base.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit())).then_some(base)
}
