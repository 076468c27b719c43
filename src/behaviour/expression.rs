//! Checks of expressions that the template engine makes too late or not at all: unbounded work, and calls that cannot
//! work.
//!
//! The engine's fuel does not bound everything: `*` repeats lists lazily, and some filters put the same list into each
//! item. Reading such a value, as text or to compare it, would take hours. So `*` does not accept lists, nor do these
//! filters as arguments. Unknown filters, tests and functions, and wrong arguments, are found by calling them.

use minijinja::value::{Kwargs, Rest, ValueKind, ValueOrKwargs, from_args};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, Value, filters};
use std::borrow::Cow;

use crate::text::nearest;

/// The filter that refuses lists. It also keeps the compiler from folding products of constants, which is unbounded.
const FACTOR: &str = "|factor";

/// The fuel of one expression: about as many steps, with 64 bytes of values for each.
pub const FUEL: u64 = 1_000_000;

/// The template engine, with filters that refuse unbounded work.
pub fn bounded_environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("factor", |value: Value| no_list(&value).map(|()| value));
    environment.add_filter(
        "map",
        |state: &mut State, value: Value, arguments: Rest<ValueOrKwargs>| {
            let all: Vec<Value> = arguments.iter().map(|one| (**one).clone()).collect();
            let (listed, named): (&[Value], Kwargs) = from_args(&all)?;
            listed.iter().try_for_each(no_list)?;
            for name in named.args() {
                no_list(&named.get::<Value>(name)?)?;
            }
            filters::map(state, value, arguments)
        },
    );
    type Split = fn(&State, Value, usize, Option<Value>) -> Result<Value, Error>;
    for (name, split) in [
        ("batch", filters::batch as Split),
        ("slice", filters::slice),
    ] {
        environment.add_filter(
            name,
            move |state: &State, value: Value, count: usize, fill: Option<Value>| {
                fill.iter().try_for_each(no_list)?;
                split(state, value, count, fill)
            },
        );
    }
    environment
}

fn no_list(value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => Err(Error::new(
            ErrorKind::InvalidOperation,
            "a list or an object cannot be repeated",
        )),
        _ => Ok(()),
    }
}

/// `expression` with the filter that refuses lists after each operand of `*`. A syntax error remains one.
pub fn bounded(expression: &str) -> Cow<'_, str> {
    let tokens = tokens(expression);
    let text = |at: usize| tokens.get(at).map(|(_, text)| *text);
    let end = |at: usize| tokens.get(at).map(|(offset, text)| offset + text.len());
    let mut places = Vec::new();
    for at in 1..tokens.len() {
        // After an open parenthesis or a comma, `*` spreads a list of arguments.
        if text(at) == Some("*") && !matches!(text(at - 1), Some("(" | ",")) {
            places.extend(end(at - 1));
            places.extend(end(operand(at + 1, &text)));
        }
    }
    if places.is_empty() {
        return Cow::Borrowed(expression);
    }
    places.sort_unstable();
    places.dedup();
    let mut made = expression.to_string();
    for place in places.into_iter().rev() {
        made.insert_str(place, FACTOR);
    }
    Cow::Owned(made)
}

/// The last token of the operand that begins with the token `at`: a value, its members, calls and filters.
fn operand<'t>(mut at: usize, text: &impl Fn(usize) -> Option<&'t str>) -> usize {
    while text(at) == Some("-") {
        at += 1;
    }
    at = closing(at, text);
    loop {
        at = match text(at + 1) {
            Some("." | "|") => at + 2,
            Some("(" | "[") => closing(at + 1, text),
            _ => return at,
        };
    }
}

/// The token that closes the bracket `at`; `at` itself if it is not a bracket.
fn closing<'t>(at: usize, text: &impl Fn(usize) -> Option<&'t str>) -> usize {
    let mut depth = 0;
    for next in at.. {
        match text(next) {
            Some("(" | "[" | "{") => depth += 1,
            Some(")" | "]" | "}") => depth -= 1,
            Some(_) => {}
            None => return next,
        }
        if depth <= 0 {
            return next;
        }
    }
    at
}

/// The filters of the template engine, which has no list of them.
const FILTERS: &str = "abs attr batch bool capitalize chain count d default dictsort e escape first float format groupby \
    indent int items join last length lines list lower map max min pprint reject rejectattr replace reverse round safe \
    select selectattr slice sort split string sum title trim unique upper";

/// The tests of the template language that have a name.
const TESTS: &str = "defined divisibleby endingwith eq equalto escaped even false filter float ge gt in integer iterable \
    le lower lt mapping ne none number odd sequence startingwith string true undefined";

/// Keywords that may come before a parenthesis.
const KEYWORDS: [&str; 7] = ["in", "not", "and", "or", "if", "else", "is"];

/// Filters that take the name of a filter or test as a string.
const NAMING: [&str; 5] = ["map", "select", "reject", "selectattr", "rejectattr"];

/// A call that cannot work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadCall {
    /// The offset of its name in the expression.
    pub offset: usize,
    /// The error message.
    pub message: String,
    /// A similar name that was probably meant.
    pub near: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Called {
    Filter,
    Test,
    Function,
}

/// Finds a call in `expression`, which has valid syntax, that cannot work in `environment`. `own` are the names of
/// filters that were added to the environment.
pub fn bad_call(
    environment: &Environment<'_>,
    expression: &str,
    own: &[&'static str],
) -> Option<BadCall> {
    let tokens = tokens(expression);
    let texts: Vec<&str> = tokens.iter().map(|(_, text)| *text).collect();
    for (at, (offset, name)) in tokens.iter().enumerate() {
        let is_quoted = name.starts_with(['"', '\'']);
        if !is_quoted && !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            continue;
        }
        let has_arguments = texts.get(at + 1) == Some(&"(");
        let called = match &texts[..at] {
            // Names in strings: `map('upper')`.
            [.., "|", "map", "("] if is_quoted => Called::Filter,
            [.., "|", "select" | "reject", "("] if is_quoted => Called::Test,
            [.., "|", "selectattr" | "rejectattr", "(", _, ","] if is_quoted => Called::Test,
            _ if is_quoted => continue,
            [.., "|"] => Called::Filter,
            [.., "is"] if *name != "not" => Called::Test,
            [.., "is", "not"] => Called::Test,
            [.., "."] => continue,
            _ if has_arguments && !KEYWORDS.contains(name) => Called::Function,
            _ => continue,
        };
        let arguments = match has_arguments {
            // These also take the arguments of the filter or test.
            true if NAMING.contains(name) => None,
            true => arguments(&tokens[at + 2..]),
            false if called == Called::Filter && !is_quoted => Some(Vec::new()),
            false => None,
        };
        let Some(problem) = tried(environment, called, name, arguments.as_deref()) else {
            continue;
        };
        let name = name.trim_matches(['"', '\'']);
        let (kind, names, own) = match called {
            Called::Filter => ("filter", FILTERS, own),
            Called::Test => ("test", TESTS, &[][..]),
            Called::Function => ("function", "", &[][..]),
        };
        let (message, near) = match problem {
            Problem::Unknown => {
                let names = names.split_whitespace().chain(own.iter().copied());
                (
                    format!("there is no {kind} {name:?}"),
                    nearest(name, names).map(str::to_string),
                )
            }
            Problem::Arguments(what) => (format!("the {kind} {name:?}: {what}"), None),
        };
        return Some(BadCall {
            offset: *offset,
            message,
            near,
        });
    }
    None
}

enum Problem {
    Unknown,
    Arguments(String),
}

/// Tries to call `name` with `arguments` (`None` for a positional one, or its name) and returns the error. Without
/// arguments, it only checks whether the name exists. A `name` in quotes is one for `map` or `select`.
fn tried(
    environment: &Environment<'_>,
    called: Called,
    name: &str,
    arguments: Option<&[Option<&str>]>,
) -> Option<Problem> {
    // The values are unknown, and a wrong type is reported before a wrong number, so several types are tried. `string`
    // is the name of both a filter and a test.
    for value in ["1", "'string'", "[]", "[[]]", "{}"] {
        let listed: Vec<String> = arguments
            .unwrap_or_default()
            .iter()
            .map(|argument| match argument {
                Some(name) => format!("{name}={value}"),
                None => value.to_string(),
            })
            .collect();
        let listed = listed.join(", ");
        let is_quoted = name.starts_with(['"', '\'']);
        let call = match called {
            Called::Filter if is_quoted => format!("[{value}]|map({name})|list"),
            Called::Test if is_quoted => format!("[{value}]|select({name})|list"),
            Called::Filter => format!("{value}|{name}({listed})"),
            Called::Test if listed.is_empty() => format!("{value} is {name}"),
            Called::Test => format!("{value} is {name}({listed})"),
            Called::Function => format!("{name}({listed})"),
        };
        // The call always compiles: the name and the arguments are words.
        let error = environment.compile_expression(&call).ok()?.eval(()).err()?;
        let detail = error
            .detail()
            .map_or_else(|| error.kind().to_string(), str::to_string);
        match error.kind() {
            ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction
                if is_quoted || detail.contains(name) =>
            {
                return Some(Problem::Unknown);
            }
            ErrorKind::TooManyArguments | ErrorKind::MissingArgument if arguments.is_some() => {
                return Some(Problem::Arguments(detail));
            }
            _ => {}
        }
    }
    None
}

/// The arguments up to the closing parenthesis; `None` if a list is spread, so their number is unknown.
fn arguments<'t>(tokens: &[(usize, &'t str)]) -> Option<Vec<Option<&'t str>>> {
    let (mut found, mut depth, mut first) = (Vec::new(), 0, true);
    for (at, (_, token)) in tokens.iter().enumerate() {
        if depth == 0 && *token == ")" {
            return Some(found);
        }
        if first && depth == 0 {
            if token.starts_with('*') {
                return None;
            }
            let is_name = tokens.get(at + 1).is_some_and(|(_, next)| *next == "=");
            found.push(is_name.then_some(*token));
            first = false;
        }
        match *token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            "," if depth == 0 => first = true,
            _ => {}
        }
    }
    Some(found)
}

/// The tokens of an expression, with their offsets: words, strings, numbers and operators.
pub(super) fn tokens(expression: &str) -> Vec<(usize, &str)> {
    let bytes = expression.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
    let (mut found, mut at) = (Vec::<(usize, &str)>::new(), 0);
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            quote @ (b'"' | b'\'') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            // After a dot it is an index: `list.0.name`.
            b'0'..=b'9' if found.last().is_none_or(|(_, text)| *text != ".") => {
                at = number_end(bytes, at);
            }
            byte if is_word(byte) => {
                while at < bytes.len() && is_word(bytes[at]) {
                    at += 1;
                }
            }
            b'=' | b'!' | b'<' | b'>' | b'*' | b'/' => {
                at += 1;
                if bytes
                    .get(at)
                    .is_some_and(|next| *next == b'=' || *next == bytes[start])
                {
                    at += 1;
                }
            }
            _ => at += 1,
        }
        found.push((start, &expression[start..at.min(bytes.len())]));
    }
    found
}

/// The end of the number that begins at `start`.
fn number_end(bytes: &[u8], start: usize) -> usize {
    let is_decimal = !matches!(bytes.get(start + 1), Some(b'x' | b'X'));
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        let continues = match byte {
            b'.' => !matches!(bytes.get(at + 1), Some(b'a'..=b'z' | b'A'..=b'Z' | b'_')),
            b'+' | b'-' => is_decimal && matches!(bytes[at - 1], b'e' | b'E'),
            other => other.is_ascii_alphanumeric() || *other == b'_',
        };
        if !continues {
            break;
        }
        at += 1;
    }
    at
}

/// The members of the value `name` that `expression` uses, with their offsets: `id` for `params.id` and `params['id']`.
pub(super) fn members_of<'e>(expression: &'e str, name: &str) -> Vec<(usize, &'e str)> {
    let tokens = tokens(expression);
    let texts: Vec<&str> = tokens.iter().map(|(_, text)| *text).collect();
    let is_quoted = |text: &str| text.starts_with(['"', '\'']);
    let member = |at: usize| match (&texts[..at], &texts[at + 1..]) {
        ([.., "." | "|"], _) => None,
        (_, [".", _, ..]) => Some(at + 2),
        (_, ["[", member, "]", ..]) if is_quoted(member) => Some(at + 2),
        _ => None,
    };
    let uses = (0..texts.len()).filter(|at| texts[*at] == name);
    let members = uses.filter_map(member).map(|at| tokens[at]);
    members
        .map(|(offset, text)| (offset, text.trim_matches(['"', '\''])))
        .collect()
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    #[test]
    fn operands_of_products_are_found() {
        for (expression, expected) in [
            ("a * b", "a|factor * b|factor"),
            ("a*b*c", "a|factor*b|factor*c|factor"),
            (
                "a.b['x * y'] * - -c.d(1, 2)[0]|round(1) + 2",
                "a.b['x * y']|factor * - -c.d(1, 2)[0]|round(1)|factor + 2",
            ),
            ("(a + [1]) * 2 in b", "(a + [1])|factor * 2|factor in b"),
            ("f(x * 2, *y)|g(*z)", "f(x|factor * 2|factor, *y)|g(*z)"),
            ("2 ** 3 * 1.5e-3", "2 ** 3|factor * 1.5e-3|factor"),
            (
                "x * {'a': 1}.a is odd",
                "x|factor * {'a': 1}.a|factor is odd",
            ),
            ("a ** b", "a ** b"),
        ] {
            assert_eq!(bounded(expression), expected);
        }
        for wrong in ["*", "a *", "* a", "a * (", "a * -", "a * b |", "a * b ."] {
            assert!(
                bounded_environment()
                    .compile_expression(&bounded(wrong))
                    .is_err()
            );
        }
    }

    #[test]
    fn products_keep_their_values() {
        let environment = bounded_environment();
        let plain = Environment::new();
        let scope = context!(n => 3, f => 2.5, t => "ab", o => context!(a => vec![4, 5]));
        for expression in [
            "2 * 3 + 4",
            "2 + 3 * 4 ** 2",
            "-n * -2",
            "n * f * 2",
            "t * 2 ~ 'x' * 3",
            "2 * n|float|round(1)",
            "n * o.a[1] - o['a'][0] * 2",
            "10 - 2 * n % 4 // 2 * 3",
            "(n + 1) * (f - 1) > 5 and not n * 2 == 7",
            "1e-1 * 1E+2 * 0x1e",
            "n * 2 if n * 2 is even else n * 3",
            "[n * 2, {'a': n * 3}, (n * 4,)]",
            "n * o.a|length",
            "[1, 2, 3]|map('string')|join('*')",
            "missing|default(2) * 2",
        ] {
            let value = |environment: &Environment, expression: &str| {
                let compiled = environment.compile_expression(expression).unwrap();
                compiled.eval(&scope).unwrap().to_string()
            };
            let expected = value(&plain, expression);
            assert_eq!(
                value(&environment, &bounded(expression)),
                expected,
                "{expression}"
            );
        }
    }

    #[test]
    fn lists_are_not_repeated() {
        let environment = bounded_environment();
        let scope = context!(list => vec![1, 2], n => 100_000_000);
        for expression in [
            "[1] * n",
            "n * [1]",
            "list * n",
            "2 * list",
            "-1 in [1] * 100000000",
            "[[1] * 100000000] * 100000000 ~ ''",
            "([1] or 2) * 100000000 < [2]",
            "(1, 2) * 1000",
            "range(9) * 10000000",
            "'abc'|list * 10000000|int",
            "list|map('default', list)",
            "[list]|map(attribute='x', default=list)",
            "list|map('map', 'default', list)",
            "list|batch(1000, list)",
            "list|slice(1000, list)",
            "list|map('batch', 1000, list)",
        ] {
            let made = bounded(expression);
            let compiled = environment.compile_expression(&made).unwrap();
            let error = compiled.eval(&scope).unwrap_err().to_string();
            assert!(
                error.contains("cannot be repeated"),
                "{expression}: {error}"
            );
        }
    }

    #[test]
    fn the_names_are_those_of_the_language() {
        let environment = Environment::new();
        let is_known = |called, name| tried(&environment, called, name, None).is_none();
        for name in FILTERS.split_whitespace() {
            assert!(is_known(Called::Filter, name), "{name}");
        }
        for name in TESTS.split_whitespace() {
            assert!(is_known(Called::Test, name), "{name}");
        }
    }

    #[test]
    fn calls_that_cannot_work_are_found() {
        let environment = Environment::new();
        let found = |expression: &str| bad_call(&environment, expression, &[]);
        for (expression, offset, near) in [
            ("a|uper", 2, Some("upper")),
            ("a | lower | frist", 12, Some("first")),
            ("[1, 2]|map('upper')|joni(', ')", 20, Some("join")),
            ("a is defnied", 5, Some("defined")),
            ("a is not evn", 9, Some("even")),
            ("1 if b is strng else 2", 10, Some("string")),
            ("a|replace('x')", 2, None),
            ("a|upper(1)", 2, None),
            ("a|abs(1)", 2, None),
            ("range()", 0, None),
            ("a is divisibleby(1, 2)", 5, None),
            ("a|sort(revers=true)", 2, None),
            ("a|map('uper')", 6, Some("upper")),
            ("a|select(\"od\")|list", 9, Some("odd")),
            ("a|rejectattr('x', 'strng')", 18, Some("string")),
        ] {
            let bad = found(expression).unwrap_or_else(|| panic!("{expression}"));
            assert_eq!(
                (bad.offset, bad.near.as_deref()),
                (offset, near),
                "{expression}: {bad:?}"
            );
        }
        for expression in [
            "a|upper",
            "a|replace('x', 'y')",
            "'a|uper'",
            "a|default('b is c')|lower",
            "a is divisibleby 3",
            "a is divisibleby(3) and (b or c)",
            "a is not none",
            "not (a in [1])",
            "items|map(attribute='title')|join(', ')",
            "items|selectattr('done')|list|length",
            "x|sort(reverse=true, attribute='n')|first",
            "range(3)|list",
            "dict(a=1)",
            "a.b.c('x')",
            "x|round(2)",
            "x|sum(attribute='price')",
            "range(*list)|upper(*list)",
            "x|batch(2)|list",
            "x|groupby('city')",
            "x|map('upper')|map('default', 'x')|map(attribute='uper')",
            "x|select('odd')|reject|selectattr('price', '>', 5)|rejectattr('x')",
        ] {
            assert_eq!(found(expression), None, "{expression}");
        }
    }
}
