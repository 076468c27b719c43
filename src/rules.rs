//! Values that the store, the queries, the rules file and the API description share: kinds of rules, and the operators
//! of filters.

mod access;

use crate::json::get_member;

pub use access::{Access, Auth, Guard, Hidden, HiddenPlace};

/// Properties whose values, taken together, no two records of a collection may share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueRule {
    /// The properties; one, or several for a composite.
    pub properties: Vec<UniqueProperty>,
}

/// A property that takes part in a [`UniqueRule`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueProperty {
    /// Its name.
    pub name: String,
    /// Strings compare without case, as e-mail addresses do.
    pub fold_case: bool,
}

impl UniqueRule {
    /// The properties with the values that `record` has there, as JSON text.
    pub fn values(&self, record: &str) -> Vec<(String, String)> {
        let value = |name: &str| get_member(record, name).unwrap_or("null").to_string();
        self.properties
            .iter()
            .map(|property| (property.name.clone(), value(&property.name)))
            .collect()
    }
}

/// What the server fills a property with: the keyword `x-generated`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generated {
    /// The time at which the record was added.
    Created,
    /// The time of its last change.
    Updated,
    /// A random UUID.
    Uuid,
    /// A ULID, which sorts by time.
    Ulid,
    /// 21 letters and digits, as the package nanoid makes them.
    Nanoid,
    /// The id of the user who added the record.
    User,
}

impl Generated {
    /// All of them, by name.
    pub const ALL: [(&str, Generated); 6] = [
        ("created", Generated::Created),
        ("updated", Generated::Updated),
        ("uuid", Generated::Uuid),
        ("ulid", Generated::Ulid),
        ("nanoid", Generated::Nanoid),
        ("user", Generated::User),
    ];
}

/// The value that `name` has in a list such as [`OnDelete::ALL`].
pub fn named<T: Copy>(all: &[(&str, T)], name: &str) -> Option<T> {
    let found = all.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value)
}

/// What becomes of the records that point to a deleted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDelete {
    /// They are deleted, too.
    #[default]
    Cascade,
    /// There must be none: the deletion is refused.
    Restrict,
    /// They point to nothing from now on.
    SetNull,
    /// They stay as they are.
    Nothing,
}

impl OnDelete {
    /// All of them, by name.
    pub const ALL: [(&str, OnDelete); 4] = [
        ("cascade", OnDelete::Cascade),
        ("restrict", OnDelete::Restrict),
        ("set-null", OnDelete::SetNull),
        ("nothing", OnDelete::Nothing),
    ];
}

/// A property whose value must be that of a property of some record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceRule {
    /// The property that points.
    pub property: String,
    /// Its value is an array of pointers.
    pub many: bool,
    /// The collection that it points into.
    pub resource: String,
    /// The property there, as a rule the id.
    pub target: String,
    /// What becomes of this record when that one is deleted; `None`: what the settings say.
    pub on_delete: Option<OnDelete>,
}

/// What an operator asks of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Equal.
    Eq,
    /// There, and not equal.
    Ne,
    /// Less than.
    Lt,
    /// Less than or equal.
    Lte,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Gte,
    /// Equal to one of a list.
    In,
    /// A string that holds the text, or an array with an item that is equal to it.
    Contains,
    /// A string that begins with the text.
    StartsWith,
    /// A string that ends with the text.
    EndsWith,
    /// Matched by a regular expression.
    Like,
}

/// How an operator is written behind the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// `views:gte=10`, json-server 1.0. Inside `_where` the operators have the same meaning.
    Colon,
    /// `views_gte=10`, json-server 0.17; `views[gte]=10` has the same meaning.
    Underscore,
}

/// One row of the table of operators.
#[derive(Debug, Clone, Copy)]
pub struct Operator {
    /// What it asks.
    pub op: Op,
    /// Its name, the same in both spellings: `gte` in `views:gte` and `views_gte`.
    pub name: &'static str,
    /// What a field must be to be let through, as the end of the sentence "records whose field ...".
    pub meaning: &'static str,
    /// A value that it takes.
    pub sample: &'static str,
}

const fn row(op: Op, name: &'static str, meaning: &'static str, sample: &'static str) -> Operator {
    Operator {
        op,
        name,
        meaning,
        sample,
    }
}

/// Every operator, in the order in which they are listed to people.
pub const OPERATORS: [Operator; 12] = [
    row(Op::Eq, "eq", "is equal to the value", "1"),
    row(Op::Ne, "ne", "is there and is not equal to the value", "1"),
    row(Op::Lt, "lt", "is less than the value", "10"),
    row(Op::Lte, "lte", "is less than or equal to the value", "10"),
    row(Op::Gt, "gt", "is greater than the value", "10"),
    row(
        Op::Gte,
        "gte",
        "is greater than or equal to the value",
        "10",
    ),
    row(
        Op::In,
        "in",
        "is equal to one of the values, which commas separate",
        "1,2",
    ),
    row(
        Op::Contains,
        "contains",
        "is a string that holds the value, whatever the case, or an array with the value as an item",
        "rust",
    ),
    row(Op::Contains, "has", "the same as `contains`", "rust"),
    row(
        Op::StartsWith,
        "startsWith",
        "is a string that begins with the value, whatever the case",
        "the",
    ),
    row(
        Op::EndsWith,
        "endsWith",
        "is a string that ends with the value, whatever the case",
        "end",
    ),
    row(
        Op::Like,
        "like",
        "is matched by the regular expression, whatever the case",
        "^a|b$",
    ),
];

/// Parameters that are never filters.
pub const RESERVED: [&str; 16] = [
    "q",
    "_fields",
    "_start",
    "_end",
    "_sort",
    "_order",
    "_limit",
    "_page",
    "_per_page",
    "_embed",
    "_expand",
    "_where",
    "_dependent",
    "_delay",
    "_status",
    "callback",
];

/// Whether `name` is a parameter that is never a filter; `_` (which jQuery sends against caches) is one too.
pub fn is_reserved(name: &str) -> bool {
    name == "_" || RESERVED.contains(&name)
}

impl Operator {
    /// The operator called `name`, letter by letter.
    pub fn named(name: &str) -> Option<&'static Operator> {
        OPERATORS.iter().find(|operator| operator.name == name)
    }

    /// The field and the operator that `parameter` is made of in the underscore spelling: `views` and `gte`.
    pub fn suffix_of(parameter: &str) -> Option<(&str, &'static Operator)> {
        let (field, name) = parameter.rsplit_once('_')?;
        Some((field, Operator::named(name)?)).filter(|(field, _)| !field.is_empty())
    }

    /// `field` filtered by this operator, as it is written in a URL.
    pub fn example(&self, field: &str, spelling: Spelling) -> String {
        let sign = match spelling {
            Spelling::Colon => ':',
            Spelling::Underscore => '_',
        };
        format!("{field}{sign}{}={}", self.name, self.sample)
    }
}

/// The names of all operators in one line: `eq, ne, lt, ...`.
pub fn operator_names() -> String {
    OPERATORS.map(|operator| operator.name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for operator in &OPERATORS {
            assert_eq!(
                Operator::named(operator.name).map(|found| found.op),
                Some(operator.op)
            );
            let parameter = format!("a_b_{}", operator.name);
            assert!(
                matches!(Operator::suffix_of(&parameter), Some(("a_b", found)) if found.op == operator.op)
            );
        }
        assert!(Operator::suffix_of("_gte").is_none());
        assert!(Operator::suffix_of("views").is_none());
    }
}
