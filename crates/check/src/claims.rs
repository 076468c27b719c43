//! What a program says about a part of a response without showing the response: a value that it prints or asserts
//! (`print(r.json()["name"])  # Ada`, `expect(users.length).toBe(2)`).

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::compare::{self, Step};
use super::literals::Reader;
use super::text::{is_one_of, line_end, line_start};

/// A value in a response, or how many items it has.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub path: Vec<Step>,
    pub is_length: bool,
    pub value: Value,
    /// Where the page has the value.
    pub range: Range<usize>,
}

impl Claim {
    /// That a response has a number of items.
    pub fn count(number: usize, range: Range<usize>) -> Claim {
        Claim {
            path: Vec::new(),
            is_length: true,
            value: number.into(),
            range,
        }
    }

    /// The value in a response, if it differs.
    pub fn other_value(&self, body: &Value) -> Option<Value> {
        let value = value_at(body, &self.path)?;
        let actual = match self.is_length {
            true => length(value)?.into(),
            false => value.clone(),
        };
        (!is_equal(&self.value, &actual)).then_some(actual)
    }

    /// The difference in words.
    pub fn describe(&self, actual: &Value) -> String {
        let what = match self.is_length {
            true if self.path.is_empty() => "the number of items".to_owned(),
            true => format!("the length of {}", compare::show_path(&self.path)),
            false => compare::show_path(&self.path),
        };
        let (documented, actual) = (compare::short(&self.value), compare::short(actual));
        format!("{what}: documented {documented}, got {actual}")
    }
}

/// Whether two values are equal; `1` and `1.0` are.
fn is_equal(documented: &Value, actual: &Value) -> bool {
    match (documented, actual) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is_equal(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_same = |(key, value): (&String, &Value)| {
                other.get(key).is_some_and(|other| is_equal(value, other))
            };
            one.len() == other.len() && one.iter().all(is_same)
        }
        _ => compare::same(documented, actual),
    }
}

fn value_at<'a>(body: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(body, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(at) => value.get(at),
        Step::Id(_) => None,
    })
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Array(items) => Some(items.len()),
        Value::Object(members) => Some(members.len()),
        Value::String(text) => Some(text.chars().count()),
        _ => None,
    }
}

/// What the names of a program stand for.
#[derive(Clone)]
enum Meaning {
    Response,
    Body(Vec<Step>),
}

/// The names of a program and what they stand for.
struct Names(HashMap<String, Meaning>);

/// What a program prints, asserts or expects of the response to the call in a range.
pub fn in_program(text: &str, call: &Range<usize>) -> Vec<Claim> {
    static STATEMENT: LazyLock<Regex> = regex!(
        r"(?xm)
            \b(?: (?P<print>console\.(?:log|info)|print)
                | (?P<expect>expect)
                | (?P<pair>assert\.(?:equal|strictEqual|deepEqual|deepStrictEqual)|assertEquals?|assert_equal)
                | (?P<assert>assert) ) \(\s*
          | ^[ \t]*(?P<statement>assert)\x20+
          | ^>>>\x20(?P<entered>[^\n]+)\n
        "
    );
    static OTHER_CASE: LazyLock<Regex> = regex!(r"(?m)^\s*(?:\}\s*)?(?:catch|except|else)\b");
    let end = OTHER_CASE
        .find_at(text, call.end)
        .map_or(text.len(), |found| found.start());
    // The call has a name of its own, so that an expression with it can be read.
    let name = format!("{:_<1$}", "r", call.len());
    let text = format!("{}{name}{}", &text[..call.start], &text[call.end..end]);
    let promised = (PROMISED.to_owned(), Meaning::Response);
    let mut names = Names(HashMap::from([(name, Meaning::Response), promised]));
    let mut claims = Vec::new();
    let mut at = line_start(&text, call.start);
    while let Some(found) = STATEMENT.captures_at(&text, at) {
        let Some(whole) = found.get(0) else { break };
        let line = line_start(&text, whole.start());
        learn(text.get(at..line).unwrap_or_default(), &mut names);
        learn(
            &text[line.max(at)..line_end(&text, whole.start())],
            &mut names,
        );
        at = whole.end();
        let has = |name: &str| found.name(name).is_some();
        let claimed = match found.name("entered") {
            Some(entered) => output_below(&text, entered.as_str(), at),
            None if has("print") => printed(&text, at),
            None if has("expect") => expected(&text, at),
            None if has("pair") => pair(&text, at),
            None => asserted(&text, at),
        };
        let Some(claimed) = claimed else { continue };
        let Some((path, is_length)) = names.resolve(claimed.expression) else {
            continue;
        };
        // What is printed as a whole is the response.
        let is_length = is_length || claimed.is_length;
        if claimed.is_output && path.is_empty() && !is_length {
            continue;
        }
        let value = claimed
            .value
            .or_else(|| in_words(&text[claimed.range.clone()], &path));
        claims.extend(value.map(|value| Claim {
            path,
            is_length,
            value,
            range: claimed.range,
        }));
    }
    claims
}

/// An expression of a program and what is claimed of it.
struct Claimed<'a> {
    expression: &'a str,
    /// Whether its length is meant.
    is_length: bool,
    /// Whether this is what a program prints.
    is_output: bool,
    /// The value, if it is literal.
    value: Option<Value>,
    range: Range<usize>,
}

/// `r.json())  # {"id": 1}`, after the opening bracket of a call that prints.
fn printed(text: &str, at: usize) -> Option<Claimed<'_>> {
    static COMMENT: LazyLock<Regex> =
        regex!(r"^[);\s]*?(?:#|//)[ \t]*(?:(?:=>|->|→)[ \t]*)?(?P<shown>[^\n]*[^\s;])");
    let span = Reader::new(text, at, at).span(at);
    let rest = text[span.end..line_end(text, span.end)].strip_prefix(')')?;
    let shown = COMMENT.captures(rest)?.name("shown")?.range();
    let start = span.end + 1;
    Some(of_output(
        text,
        &text[span],
        start + shown.start..start + shown.end,
    ))
}

/// What an interpreter prints below an expression.
fn output_below<'a>(text: &'a str, entered: &'a str, at: usize) -> Option<Claimed<'a>> {
    let line = text[at..line_end(text, at)].trim_end();
    let is_output = !line.is_empty() && !line.starts_with([' ', '>', '.']);
    let expression = entered.trim();
    let expression = expression
        .strip_prefix("print(")
        .and_then(|inner| inner.strip_suffix(')'))
        .unwrap_or(expression);
    is_output.then(|| of_output(text, expression, at..at + line.len()))
}

fn of_output<'a>(text: &'a str, expression: &'a str, range: Range<usize>) -> Claimed<'a> {
    Claimed {
        expression,
        is_length: false,
        is_output: true,
        value: Reader::new(&text[range.clone()], 0, 0).value_at(0),
        range,
    }
}

/// `users.length).toBe(2)`, after `expect(`.
fn expected(text: &str, at: usize) -> Option<Claimed<'_>> {
    static MATCHER: LazyLock<Regex> = regex!(
        r"^\)\s*\.(?:(?:toBe|toEqual|toStrictEqual|to\.equal|to\.eql|to\.deep\.equal|to\.be\.equal)|(?P<length>toHaveLength|to\.have\.length|to\.have\.lengthOf))\(\s*"
    );
    let span = Reader::new(text, at, at).span(at);
    let found = MATCHER.captures(&text[span.end..])?;
    let at = span.end + found.get(0)?.end();
    Some(Claimed {
        is_length: found.name("length").is_some(),
        ..literal(text, &text[span], at)?
    })
}

/// `users.length, 2)`, after a function that compares two values.
fn pair(text: &str, at: usize) -> Option<Claimed<'_>> {
    let span = Reader::new(text, at, at).span(at);
    let rest = text[span.end..].strip_prefix(',')?;
    let at = text.len() - rest.trim_start().len();
    literal(text, &text[span], at)
}

/// `users.length === 2`, after `assert`.
fn asserted(text: &str, at: usize) -> Option<Claimed<'_>> {
    static EQUALS: LazyLock<Regex> = regex!(r"\s*={2,3}\s*");
    let text = &text[..line_end(text, at)];
    let equals = EQUALS.find_at(text, at)?;
    literal(text, &text[at..equals.start()], equals.end())
}

fn literal<'a>(text: &'a str, expression: &'a str, at: usize) -> Option<Claimed<'a>> {
    let reader = Reader::new(text, at, at);
    Some(Claimed {
        expression,
        is_length: false,
        is_output: false,
        value: Some(reader.value_at(at)?),
        range: reader.span(at),
    })
}

/// The name of what a promise gives to the next function.
const PROMISED: &str = "";

/// Learns the names that a part of a program sets to the response, its body or a part of it.
fn learn(text: &str, names: &mut Names) {
    static SETS: LazyLock<Regex> = regex!(
        r"(?xm)
            (?:^|[;{\s])(?:(?:const|let|var)\s+)?(?P<name>[\w$]+)(?:\s*:\s*[\w<>\[\]]+)?\s*=\s*(?P<value>[^=>\s][^\n;]*)
          | \{\s*(?P<members>[\w$\s,:]+?)\s*\}\s*=\s*(?P<object>[^=>\s][^\n;]*)
          | \.(?:then|success|done)\(\s*(?:async\s*)?(?:function\s*)?\(?\s*(?P<parameter>[\w$]+)\s*\)?\s*(?P<arrow>=>|\{)\s*
          | \breturn\s+(?P<returned>[^\n;]+)"
    );
    for found in SETS.captures_iter(text) {
        let part = |name: &str| found.name(name).map(|part| part.as_str());
        if let (Some(name), Some(value)) = (part("name"), part("value")) {
            names.set(name, names.meaning(value));
        } else if let (Some(members), Some(value)) = (part("members"), part("object")) {
            let of = names.meaning(value);
            for member in members.split(',') {
                let (key, name) = member.split_once(':').unwrap_or((member, member));
                names.set(
                    name.trim(),
                    of.as_ref().and_then(|of| of.member(key.trim())),
                );
            }
        } else if let (Some(parameter), Some(whole)) = (part("parameter"), found.get(0)) {
            names.set(parameter, names.0.get(PROMISED).cloned());
            let result = Reader::new(text, whole.end(), whole.end()).span(whole.end());
            names.set(PROMISED, names.meaning(&text[result]));
        } else if let Some(value) = part("returned") {
            names.set(PROMISED, names.meaning(value));
        }
    }
}

impl Meaning {
    /// What a member stands for that an assignment takes out of an object.
    fn member(&self, key: &str) -> Option<Meaning> {
        match self {
            Meaning::Response => (key == "data").then(|| Meaning::Body(Vec::new())),
            Meaning::Body(path) => {
                let key = Step::Key(key.to_owned());
                Some(Meaning::Body([path.as_slice(), &[key]].concat()))
            }
        }
    }
}

impl Names {
    fn set(&mut self, name: &str, meaning: Option<Meaning>) {
        match meaning {
            Some(meaning) => self.0.insert(name.to_owned(), meaning),
            None => self.0.remove(name),
        };
    }

    /// What an expression stands for.
    fn meaning(&self, expression: &str) -> Option<Meaning> {
        let (meaning, is_length) = self.evaluate(expression)?;
        (!is_length).then_some(meaning)
    }

    /// The path of an expression in the body of the response, and whether it is the length of what is there.
    fn resolve(&self, expression: &str) -> Option<(Vec<Step>, bool)> {
        match self.evaluate(expression)? {
            (Meaning::Body(path), is_length) => Some((path, is_length)),
            (Meaning::Response, _) => None,
        }
    }

    fn evaluate(&self, expression: &str) -> Option<(Meaning, bool)> {
        static AWAITED: LazyLock<Regex> = regex!(r"\bawait\s+");
        static GROUP: LazyLock<Regex> = regex!(r"(^|[(\s])\(([\w$]+(?:\.[\w$]+\(\))?)\)");
        static STEP: LazyLock<Regex> = regex!(
            r#"^(?:\?\.|\.)(?:(?P<body>json\(\)|data\b|body\b)|get\(["'](?P<got>[^"']+)["']\)|(?P<length>length\b)|(?P<key>[\w$]+)\b)|^\[(?:(?P<index>\d+)|["'](?P<quoted>[^"']+)["'])\]"#
        );
        let plain = AWAITED.replace_all(expression.trim(), "");
        let mut plain = GROUP.replace_all(&plain, "$1$2").into_owned();
        while GROUP.is_match(&plain) {
            plain = GROUP.replace_all(&plain, "$1$2").into_owned();
        }
        let measured = plain
            .strip_prefix("len(")
            .and_then(|rest| rest.strip_suffix(')'));
        let (plain, mut is_length) =
            measured.map_or((plain.as_str(), false), |inner| (inner, true));
        let name_end = plain
            .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$')
            .unwrap_or(plain.len());
        let (name, mut rest) = plain.split_at(name_end);
        let mut meaning = self.0.get(name)?.clone();
        while !rest.is_empty() {
            let step = STEP.captures(rest)?;
            rest = &rest[step.get(0)?.end()..];
            let text = |name: &str| step.name(name).map(|found| found.as_str());
            let path = match &mut meaning {
                Meaning::Response => {
                    text("body")?;
                    meaning = Meaning::Body(Vec::new());
                    continue;
                }
                Meaning::Body(path) => path,
            };
            if is_length || rest.starts_with('(') {
                return None;
            }
            is_length = text("length").is_some();
            let key = text("key")
                .or(text("got"))
                .or(text("quoted"))
                .or(text("body"));
            match (key, text("index")) {
                (Some(key), _) => path.push(Step::Key(key.to_owned())),
                (None, Some(index)) => path.push(Step::Index(index.parse().ok()?)),
                (None, None) => {}
            }
        }
        Some((meaning, is_length))
    }
}

/// A printed text without quotes, unless it explains what is printed.
fn in_words(shown: &str, path: &[Step]) -> Option<Value> {
    const KINDS: &str = "string number boolean object array integer output undefined error";
    let lower = shown.to_lowercase();
    let is_own = |step: &Step| matches!(step, Step::Key(key) if key.to_lowercase() == lower);
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()) || word.contains('@')
    };
    let is_text = shown.split(' ').count() <= 4
        && shown.split(' ').all(is_word)
        && !shown.ends_with([':', '.', '!', '?'])
        && !path.iter().any(is_own)
        && !is_one_of(&lower, KINDS);
    is_text.then(|| shown.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The claims of a program about the response to `call()`.
    fn described(text: &str) -> Vec<String> {
        let start = text.find("call()").unwrap();
        let claims = in_program(text, &(start..start + 6));
        let describe = |claim: &Claim| {
            let length = if claim.is_length { "length of " } else { "" };
            let path = compare::show_path(&claim.path);
            format!("{length}{path} = {}", claim.value)
        };
        claims.iter().map(describe).collect()
    }

    #[test]
    fn values_that_a_program_states_are_claims() {
        for (text, expected) in [
            ("r = call()\nprint(r.json()[\"a\"])  # Ada", "a = \"Ada\""),
            (
                "r = call()\nprint(r.json().get('a'))  # -> 'Ada'",
                "a = \"Ada\"",
            ),
            (
                "r = call()\nprint(len(r.json())) # 4",
                "length of the body = 4",
            ),
            ("print(call().json()[0]['a'])  # None", "[0].a = null"),
            (
                "a = call().json()\nb = a['b']\nassert b['c'] == True, 'd'",
                "b.c = true",
            ),
            (
                "const a = await call();\nconst b = await a.json();\nconsole.log(b.length); // 4",
                "length of the body = 4",
            ),
            (
                "const a = await (await call()).json();\nconsole.log(a[0]?.b) // => \"c\"",
                "[0].b = \"c\"",
            ),
            (
                "call()\n  .then((r) => r.json())\n  .then(a => {\n    console.log(a.b.length); // 4\n  });",
                "length of b = 4",
            ),
            (
                "call().then(r => r.json()).then((a) => console.log(a.b)); // 4",
                "b = 4",
            ),
            (
                "call().then(function (r) {\n  return r.json();\n}).then(function (a) {\n  console.log(a.b) // 4",
                "b = 4",
            ),
            ("call().then(r => console.log(r.data.b)) // 4", "b = 4"),
            (
                "const { data } = await call();\nexpect(data).toHaveLength(4);",
                "length of the body = 4",
            ),
            (
                "const { data: a } = await call();\nexpect(a.b).toEqual({ c: 1 });",
                "b = {\"c\":1}",
            ),
            (
                "const { b, c } = (await call()).data;\nassert.equal(c, 'd');\nassert(b === 2);",
                "c = \"d\", b = 2",
            ),
            ("expect((await call()).data).to.eql([])", "the body = []"),
            (
                ">>> r = call()\n>>> r.json()['a']\n'Ada'\n>>> len(r.json())\n4",
                "a = \"Ada\", length of the body = 4",
            ),
            // What is printed as a whole is the response.
            ("r = call()\nprint(r.json())  # {'a': 1}", ""),
            (
                "r = call()\nassert r.json() == {'a': 1}",
                "the body = {\"a\":1}",
            ),
            // Explanations, and what is not known.
            ("r = call()\nprint(r.json()['a'])  # the name", ""),
            ("r = call()\nprint(r.json()['name'])  # Name", ""),
            ("r = call()\nprint(r.json()['a'])  # String", ""),
            ("r = call()\nprint(r.json()['a'].upper())  # ADA", ""),
            ("r = call()\nprint('a', r.json()['a'])  # Ada", ""),
            ("r = call()\nr = other()\nprint(r.json()['a'])  # Ada", ""),
            (
                "const a = (await call()).data.map(f);\nconsole.log(a.length); // 4",
                "",
            ),
            (
                "try {\n  await call();\n} catch (e) {\n  console.log(e.data.a); // 4\n}",
                "",
            ),
            ("expect(call().data.a).not.toBe(1)", ""),
        ] {
            assert_eq!(described(text).join(", "), expected, "{text}");
        }
    }
}
