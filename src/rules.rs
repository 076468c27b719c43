//! Types that the store, the queries, the rules file and the API description share: filter operators, kinds of rules,
//! guards, logins, and hidden values.

use std::collections::BTreeMap;

use crate::json::{SyntaxError, get_member};
use crate::text::nearest;

/// Properties whose values, in combination, must be unique in a collection.
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
    /// Strings are compared ignoring case, like e-mail addresses.
    pub fold_case: bool,
}

impl UniqueRule {
    /// The properties with their values in `record`, as JSON text.
    pub fn values(&self, record: &str) -> Vec<(String, String)> {
        let value = |name: &str| get_member(record, name).unwrap_or("null").to_string();
        self.properties
            .iter()
            .map(|property| (property.name.clone(), value(&property.name)))
            .collect()
    }
}

/// A generated value: the keyword `x-generated`.
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
    /// 21 letters and digits, as in the package nanoid.
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

/// The effect of a deletion on the records that point to the deleted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDelete {
    /// They are deleted, too.
    #[default]
    Cascade,
    /// There must be none: the deletion is refused.
    Restrict,
    /// Their foreign key is set to null.
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

/// A foreign key: a property whose value must be that of a property of some record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceRule {
    /// The foreign key.
    pub property: String,
    /// Its value is an array of pointers.
    pub many: bool,
    /// The collection that it points into.
    pub resource: String,
    /// The property there, usually the id.
    pub target: String,
    /// The effect on this record of deleting the other one; `None`: the default of the settings.
    pub on_delete: Option<OnDelete>,
}

/// A filter operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Equal.
    Eq,
    /// Not missing, and not equal.
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
    /// A string that contains the text, or an array with an item that is equal to it.
    Contains,
    /// A string that begins with the text.
    StartsWith,
    /// A string that ends with the text.
    EndsWith,
    /// Matched by a regular expression.
    Like,
}

/// How an operator is appended to the field's name.
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
    /// The operator.
    pub op: Op,
    /// Its name, the same in both spellings: `gte` in `views:gte` and `views_gte`.
    pub name: &'static str,
    /// Its meaning, as the end of the sentence "records whose field ...".
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
#[rustfmt::skip]
pub const OPERATORS: [Operator; 12] = [
    row(Op::Eq, "eq", "is equal to the value", "1"),
    row(Op::Ne, "ne", "exists and is not equal to the value", "1"),
    row(Op::Lt, "lt", "is less than the value", "10"),
    row(Op::Lte, "lte", "is less than or equal to the value", "10"),
    row(Op::Gt, "gt", "is greater than the value", "10"),
    row(Op::Gte, "gte", "is greater than or equal to the value", "10"),
    row(Op::In, "in", "is equal to one of the values, separated by commas", "1,2"),
    row(Op::Contains, "contains", "is a string that contains the value, ignoring case, or an array with the value as an item", "rust"),
    row(Op::Contains, "has", "the same as `contains`", "rust"),
    row(Op::StartsWith, "startsWith", "is a string that begins with the value, ignoring case", "the"),
    row(Op::EndsWith, "endsWith", "is a string that ends with the value, ignoring case", "end"),
    row(Op::Like, "like", "matches the regular expression, ignoring case", "^a|b$"),
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

/// Whether `name` is a parameter that is never a filter; `_` (jQuery's cache buster) is one, too.
pub fn is_reserved(name: &str) -> bool {
    name == "_" || RESERVED.contains(&name)
}

impl Operator {
    /// The operator called exactly `name`.
    pub fn named(name: &str) -> Option<&'static Operator> {
        OPERATORS.iter().find(|operator| operator.name == name)
    }

    /// Splits `parameter` in the underscore spelling into field and operator: `views` and `gte`.
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

/// A condition that a request must meet to be accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Guard {
    /// Nothing.
    #[default]
    Anyone,
    /// Nobody is accepted.
    Nobody,
    /// A user is logged in.
    User,
    /// The record belongs to the user who is logged in.
    Owner,
    /// The user who is logged in has this role.
    Role(String),
    /// This bearer token.
    Token(String),
    /// Login and password of a user (HTTP Basic).
    Basic,
    /// A header.
    Key {
        /// Its name.
        header: String,
        /// Its value; `None`: any.
        value: Option<String>,
    },
}

const KNOWN: &str = "known are anyone, user, owner, role:NAME, token:VALUE, basic and key:HEADER";

impl Guard {
    /// Parses a guard: `user`, `role:admin`, `key:X-Api-Key`.
    ///
    /// # Errors
    /// The text is not a valid guard; the error says why.
    pub fn parse(text: &str) -> Result<Guard, SyntaxError> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        let bad = |message, hint: String| Err(SyntaxError::new(0, message).hint(hint));
        Ok(match (name, argument) {
            ("anyone", None) => Guard::Anyone,
            ("user", None) => Guard::User,
            ("owner", None) => Guard::Owner,
            ("basic", None) => Guard::Basic,
            ("role" | "token" | "key", None | Some("")) => {
                let example = match name {
                    "role" => "role:admin",
                    "token" => "token:abc",
                    _ => "key:X-Api-Key",
                };
                let message = format!("the guard \"{name}\" needs a value");
                return bad(message, format!("for example \"{example}\""));
            }
            ("role", Some(role)) => Guard::Role(role.into()),
            ("token", Some(token)) => Guard::Token(token.into()),
            ("key", Some(key)) => {
                let (header, value) = match key.split_once('=') {
                    Some((header, value)) => (header, Some(value.to_string())),
                    None => (key, None),
                };
                let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                if header.is_empty() || !header.chars().all(is_name) {
                    let message = format!("\"{header}\" is not the name of a header");
                    let hint = "for example \"key:X-Api-Key\", or \"key:X-Api-Key=abc\"";
                    return bad(message, hint.into());
                }
                let header = header.to_ascii_lowercase();
                Guard::Key { header, value }
            }
            ("anyone" | "user" | "owner" | "basic", Some(_)) => {
                let message = format!("the guard \"{name}\" takes no value");
                return bad(message, format!("write \"{name}\""));
            }
            _ => {
                let names = ["anyone", "user", "owner", "role", "token", "basic", "key"];
                let hint = match (nearest(name, names), argument) {
                    (Some(near), Some(argument)) => format!("did you mean \"{near}:{argument}\"?"),
                    (Some(near), None) => format!("did you mean \"{near}\"?"),
                    (None, _) => KNOWN.into(),
                };
                return bad(format!("unknown guard \"{text}\""), hint);
            }
        })
    }

    /// Whether it needs logins.
    pub fn needs_users(&self) -> bool {
        matches!(
            self,
            Guard::User | Guard::Owner | Guard::Role(_) | Guard::Basic
        )
    }
}

/// The guards of a resource or a path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// For GET and HEAD, and everything else that shows a record.
    pub read: Guard,
    /// For the other methods.
    pub write: Guard,
}

impl Access {
    /// Parses guards: one for both, or the three digits of json-server-auth. The digits are for the owner, for users
    /// and for anyone; 4 is reading, 2 is writing.
    ///
    /// # Errors
    /// The text is not a valid guard; the error says why.
    pub fn parse(text: &str) -> Result<Access, SyntaxError> {
        let digits = text.as_bytes();
        if digits.len() == 3 && digits.iter().all(u8::is_ascii_digit) {
            if digits.iter().any(|digit| !b"0246".contains(digit)) {
                let message = format!("\"{text}\" has a digit that is not 0, 2, 4 or 6");
                let hint = "write for example \"600\": the owner reads and writes, others do not";
                return Err(SyntaxError::new(0, message).hint(hint));
            }
            let guards = [Guard::Owner, Guard::User, Guard::Anyone];
            let whom = |bit: u8| {
                let last = digits.iter().rposition(|digit| (digit - b'0') & bit != 0);
                last.map_or(Guard::Nobody, |place| guards[place].clone())
            };
            return Ok(Access {
                read: whom(4),
                write: whom(2),
            });
        }
        let guard = Guard::parse(text)?;
        Ok(Access {
            read: guard.clone(),
            write: guard,
        })
    }

    /// The guard of a request.
    pub fn of(&self, reads: bool) -> &Guard {
        if reads { &self.read } else { &self.write }
    }

    /// Whether a guard needs a user.
    pub fn needs_users(&self) -> bool {
        self.read.needs_users() || self.write.needs_users()
    }
}

/// How users log in: the keyword `x-auth` of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The collection of the users.
    pub users: String,
    /// The property by which they are found.
    pub login: String,
    /// The property with the hash of the password.
    pub password: String,
    /// How long a token is valid, in seconds.
    pub expires: u64,
}

impl Auth {
    /// The paths that `x-auth` adds, which no resource may have.
    pub const PATHS: [&str; 4] = ["register", "login", "logout", "me"];
}

/// The `writeOnly` values of a record, as a graph: schemas may be recursive, so there are infinitely many paths. If
/// several schemas apply to a value, it is at several places of the graph. The record is at the first place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hidden {
    places: Vec<HiddenPlace>,
}

/// The hidden parts of a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HiddenPlace {
    /// The value itself is.
    pub hides: bool,
    /// The places of its members.
    pub members: BTreeMap<String, Vec<usize>>,
    /// The places of its items.
    pub items: Vec<usize>,
}

impl Hidden {
    /// The graph of `places`, without the parts from which nothing hidden is reachable.
    pub fn new(mut places: Vec<HiddenPlace>) -> Hidden {
        // Without hidden items an array would change its length, so all of it is hidden.
        while spread(&mut places, |known, place| {
            place.items.iter().any(|item| known[*item])
        }) {}
        let hides: Vec<bool> = places.iter().map(|place| place.hides).collect();
        while spread(&mut places, |known, place| {
            let members = place.members.values().flatten();
            members.chain(&place.items).any(|next| known[*next])
        }) {}
        let leads: Vec<bool> = places.iter().map(|place| place.hides).collect();
        for (place, hides) in places.iter_mut().zip(hides) {
            place.hides = hides;
            place.items.retain(|next| leads[*next]);
            for next in place.members.values_mut() {
                next.retain(|next| leads[*next]);
            }
            place.members.retain(|_, next| !next.is_empty());
        }
        if !leads.first().is_some_and(|leads| *leads) {
            places.clear();
        }
        Hidden { places }
    }

    /// Whether nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Hides the property `name` of the record.
    pub fn hide(&mut self, name: &str) {
        if self.places.is_empty() {
            self.places.push(HiddenPlace::default());
        }
        let last = self.places.len();
        self.places.push(HiddenPlace {
            hides: true,
            ..HiddenPlace::default()
        });
        self.places[0]
            .members
            .entry(name.to_string())
            .or_default()
            .push(last);
    }

    /// Whether a value at one of the places `at` is hidden.
    pub fn hides(&self, at: &[usize]) -> bool {
        at.iter().any(|place| self.places[*place].hides)
    }

    /// The places of the member `name` of a value at `at`.
    pub fn member(&self, at: &[usize], name: &str) -> Vec<usize> {
        self.next(at, |place| {
            place.members.get(name).map_or(&[][..], Vec::as_slice)
        })
    }

    /// The places of the items of an array at `at`.
    pub fn items(&self, at: &[usize]) -> Vec<usize> {
        self.next(at, |place| &place.items)
    }

    fn next<'h>(&'h self, at: &[usize], of: impl Fn(&'h HiddenPlace) -> &'h [usize]) -> Vec<usize> {
        let mut next: Vec<usize> = at
            .iter()
            .flat_map(|place| of(&self.places[*place]))
            .copied()
            .collect();
        next.sort_unstable();
        next.dedup();
        next
    }

    /// The names of members that are hidden anywhere.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let members = self.places.iter().flat_map(|place| &place.members);
        members
            .filter(|(_, next)| self.hides(next))
            .map(|(name, _)| name.as_str())
    }
}

/// Sets `hides` of the places for which `is_so` is true; returns whether something changed.
fn spread(places: &mut [HiddenPlace], is_so: impl Fn(&[bool], &HiddenPlace) -> bool) -> bool {
    let mut known: Vec<bool> = places.iter().map(|place| place.hides).collect();
    let before = known.clone();
    // Backwards, because the successors of a place come after it.
    for at in (0..places.len()).rev() {
        known[at] |= is_so(&known, &places[at]);
        places[at].hides = known[at];
    }
    known != before
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

    #[test]
    fn the_digits_of_json_server_auth() {
        let guards = |text| {
            let access = Access::parse(text).unwrap();
            (access.read, access.write)
        };
        assert_eq!(guards("600"), (Guard::Owner, Guard::Owner));
        assert_eq!(guards("640"), (Guard::User, Guard::Owner));
        assert_eq!(guards("644"), (Guard::Anyone, Guard::Owner));
        assert_eq!(guards("660"), (Guard::User, Guard::User));
        assert_eq!(guards("664"), (Guard::Anyone, Guard::User));
        assert_eq!(guards("440"), (Guard::User, Guard::Nobody));
        assert!(Access::parse("650").is_err());
    }

    #[test]
    fn a_guard_that_is_nearly_right_is_corrected() {
        for (text, hint) in [
            ("usr", "did you mean \"user\"?"),
            ("rol:admin", "did you mean \"role:admin\"?"),
            ("role", "for example \"role:admin\""),
            ("user:x", "write \"user\""),
            ("whoever", KNOWN),
        ] {
            assert_eq!(
                Guard::parse(text).unwrap_err().hint.as_deref(),
                Some(hint),
                "{text}"
            );
        }
    }
}
