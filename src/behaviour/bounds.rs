//! What expressions could do that no fuel pays for: `*` repeats lists without making them, and some filters put the same
//! list into each item. What reads such a value, as text or to compare it, would go on for hours. So `*` takes no lists,
//! and these filters take none as arguments.

use std::borrow::Cow;

use minijinja::value::{Kwargs, Rest, ValueKind, ValueOrKwargs, from_args};
use minijinja::{Environment, Error, ErrorKind, State, Value, filters};

use super::calls::tokens;

/// The filter that refuses lists. Without it the compiler would carry out products of constants itself, without a bound.
const FACTOR: &str = "|factor";

/// Adds the filters that refuse what could go on without a bound.
pub fn add_bounds(environment: &mut Environment<'_>) {
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
    environment.add_filter(
        "batch",
        |state: &State, value: Value, count: usize, fill: Option<Value>| {
            fill.iter().try_for_each(no_list)?;
            filters::batch(state, value, count, fill)
        },
    );
    environment.add_filter(
        "slice",
        |state: &State, value: Value, count: usize, fill: Option<Value>| {
            fill.iter().try_for_each(no_list)?;
            filters::slice(state, value, count, fill)
        },
    );
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

/// `expression` with a filter behind each operand of `*` that refuses lists. One whose syntax is wrong stays wrong.
pub fn bounded(expression: &str) -> Cow<'_, str> {
    let tokens = tokens(expression);
    let text = |at: usize| tokens.get(at).map(|(_, text)| *text);
    let end = |at: usize| tokens.get(at).map(|(offset, text)| offset + text.len());
    let mut places = Vec::new();
    for at in 1..tokens.len() {
        // Behind an open parenthesis or a comma it spreads a list of arguments.
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

/// The token that closes the bracket `at`; `at` itself if it is none.
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

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn environment() -> Environment<'static> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(100_000));
        add_bounds(&mut environment);
        environment
    }

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
            assert!(environment().compile_expression(&bounded(wrong)).is_err());
        }
    }

    #[test]
    fn products_keep_their_values() {
        let environment = environment();
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
        let environment = environment();
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
}
