//! What a program says about a part of a response without showing the response: a value that it prints or asserts
//! (`print(r.json()["name"])  # Ada`, `expect(users.length).toBe(2)`).

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::compare::{self, Difference, DifferenceKind, Step};
use super::literals::Reader;
use super::parts::{self, Part, Print};
use super::program_names::Names;
use super::service::Received;
use super::text::{line_end, line_start};

/// The value of a part of a response.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub part: Part,
    pub value: Value,
    /// Where the page has the value.
    pub range: Range<usize>,
    /// Whether the value is printed within a text.
    pub is_in_text: bool,
}

impl Claim {
    /// That a part has a value.
    pub fn new(part: Part, value: Value, range: Range<usize>) -> Claim {
        Claim {
            part,
            value,
            range,
            is_in_text: false,
        }
    }

    /// That a list has a number of items.
    pub fn count(number: usize, range: Range<usize>) -> Claim {
        Claim::new(Part::Length(Vec::new()), number.into(), range)
    }

    /// The status, if that is claimed.
    pub fn status(&self) -> Option<u16> {
        let text = || self.value.as_str()?.get(..3)?.parse().ok();
        let number = || u16::try_from(self.value.as_u64()?).ok();
        let status = number()
            .or_else(text)
            .filter(|_| self.part == Part::Status)?;
        (100..600).contains(&status).then_some(status)
    }

    /// How a response differs.
    pub fn difference(&self, received: &Received) -> Option<Difference> {
        let is_of_body = matches!(self.part, Part::Body(_) | Part::Length(_));
        let path = match &self.part {
            Part::Response | Part::Status | Part::Each { .. } => return None,
            Part::Success => Vec::new(),
            Part::Body(path) | Part::Length(path) => path.clone(),
        };
        let is_read = received.is_success() && received.json().is_some();
        if is_of_body && !is_read {
            return None;
        }
        let actual = self.part.value(received);
        // A program prints a list within a text in its own way, and a text has characters.
        let is_text = |value: &Value| value.is_string();
        if self.is_in_text
            && actual
                .as_ref()
                .is_some_and(|value| value.is_array() || value.is_object())
            || actual.is_none() && self.part.is_within(received, is_text)
        {
            return None;
        }
        let is_same = match &actual {
            Some(actual) => compare::same(&self.value, actual),
            None => self.value.is_null() || !matches!(self.part, Part::Body(_)),
        };
        (!is_same).then(|| Difference {
            path,
            kind: DifferenceKind::Value,
            place: self.range.clone(),
            documented: Some(self.value.clone()),
            actual,
        })
    }

    /// A difference in words.
    pub fn describe(&self, found: &Difference) -> String {
        let what = match &self.part {
            Part::Success => "whether it succeeds".to_owned(),
            Part::Length(path) if path.is_empty() => "the number of items".to_owned(),
            Part::Length(path) => format!("the length of {}", compare::show_path(path)),
            _ => compare::show_path(&found.path),
        };
        let documented = compare::short(&self.value);
        match &found.actual {
            Some(actual) => {
                let actual = compare::short(actual);
                format!("{what}: documented {documented}, got {actual}")
            }
            None => format!("{what} ({documented}): documented, but not in the response"),
        }
    }
}

/// What a program says about the response to a call.
#[derive(Default)]
pub struct Said {
    /// What it prints in comments, asserts or expects.
    pub claims: Vec<Claim>,
    /// All that it prints from the call on; empty if that is not known.
    pub prints: Vec<Print>,
}

/// What a program prints, asserts or expects of the response to the call in a range.
pub fn in_program(text: &str, call: &Range<usize>) -> Said {
    let end = end_of_case(text, call.end);
    static PRINT: LazyLock<Regex> = regex!(r"\b(?:console\.log|print)\s*\(");
    let prints_failure = PRINT.is_match(&text[end..]);
    // The call has a name of its own, so that an expression with it can be read.
    let name = format!("{:_<1$}", "r", call.len());
    let text = format!("{}{name}{}", &text[..call.start], &text[call.end..end]);
    // What is said below a change of a value is not about the response.
    let change = CHANGE
        .find_at(&text, call.end)
        .map_or(text.len(), |found| found.start());
    let names = Names::of_call(name);
    let mut said = read_statements(&text, line_start(&text, call.start), change, names);
    if prints_failure {
        said.prints.clear();
    }
    said
}

/// What the script of an editor asserts of `response`: `client.assert(response.body.id === 1)`.
pub fn in_script(text: &str, range: Range<usize>) -> Vec<Claim> {
    let names = Names::of_call("response".to_owned());
    let text = &text[..range.end];
    let change = CHANGE.find_at(text, range.start);
    let change = change.map_or(range.end, |found| found.start());
    let mut claims = read_statements(text, range.start, change, names).claims;
    // `1 == "1"` is true in JavaScript.
    let is_loose = |claim: &Claim| {
        let before = text[..claim.range.start].trim_end();
        before.ends_with("==") && !before.ends_with("===")
    };
    claims.retain(|claim| !is_loose(claim) || !claim.value.is_string());
    claims
}

/// Reads statements from an offset on. Those below `change` are not about the response.
fn read_statements(text: &str, mut at: usize, change: usize, mut names: Names) -> Said {
    static STATEMENT: LazyLock<Regex> = regex!(
        r"(?xm)
            \b(?: (?P<print>console\.(?:log|info|dir)|p?print|pp)
                | (?P<expect>expect)
                | (?P<pair>assert\.(?:equal|strictEqual|deepEqual|deepStrictEqual)|assertEquals?|assert_equal)
                | (?P<assert>assert) ) \(\s*
          | ^[\x20\t]*assert\x20+
          | ^>>>\x20(?P<entered>[^\n]+)\n
        "
    );
    let mut claims = Vec::new();
    let mut prints = prints_in_order(text, at).then(Vec::new);
    while let Some(found) = STATEMENT.captures_at(text, at) {
        let Some(whole) = found.get(0).filter(|whole| whole.start() < change) else {
            prints.take_if(|_| found.name("print").is_some());
            break;
        };
        let line = line_start(text, whole.start());
        let above = &text[at..line_end(text, whole.start())];
        names.learn(above);
        if names.are_passed_to_functions(above) {
            prints = None;
            break;
        }
        at = whole.end();
        let before = &text[line..whole.start()];
        let is_comment = before.contains("//") && !before.contains("://") || before.contains("/*");
        if is_comment || text[line..].trim_start().starts_with(['/', '#']) {
            continue;
        }
        let has = |name: &str| found.name(name).is_some();
        let print = match has("print") {
            true => names.print(text, at, whole.as_str()),
            false => None,
        };
        let claimed = match found.name("entered") {
            Some(entered) => output_below(text, entered.as_str(), at),
            None if has("print") => printed(text, at),
            None if has("expect") => expected(text, at),
            None if has("pair") => pair(text, at),
            None => asserted(text, at),
        };
        let in_text = print.as_ref().zip(claimed.as_ref());
        let in_text = in_text.and_then(|(print, claimed)| in_fixed_text(text, print, claimed));
        if has("print") {
            prints = prints.zip(print).map(|(mut prints, print)| {
                prints.push((at, print));
                prints
            });
        }
        claims.extend(in_text.or_else(|| claimed?.of_response(text, &names)));
    }
    let prints = prints.filter(|prints| is_one_line_a_turn(text, prints));
    let prints = prints.unwrap_or_default().into_iter();
    Said {
        claims,
        prints: prints.map(|(_, print)| print).collect(),
    }
}

/// Whether a program has no loop, or only one whose single print, which is the last, prints its items.
fn is_one_line_a_turn(text: &str, prints: &[(usize, Print)]) -> bool {
    static LOOP: LazyLock<Regex> = regex!(r"\bfor\b|\.forEach\(");
    let mut loops = LOOP.find_iter(text);
    let Some(first) = loops.next() else {
        return true;
    };
    let mut within = prints.iter().filter(|(at, _)| *at > first.start());
    let is_of_items = within
        .next()
        .is_some_and(|(_, print)| print.list().is_some());
    loops.next().is_none() && is_of_items && within.next().is_none()
}

/// Whether a program prints from an offset on, and each of its statements runs once.
fn prints_in_order(text: &str, at: usize) -> bool {
    static BRANCH: LazyLock<Regex> = regex!(
        r"(?m)\b(?:if|else|elif|while|switch|map|break|console\.(?:error|warn|table|dir|group\w*|debug|trace|assert|count|time\w*)|process\.stdout|sys\.stdout|logg(?:er|ing)|finally)\b|^>>>|\?[^.:\n]*:|&&|\|\|"
    );
    // What waits runs later than what is below it.
    static LATER: LazyLock<Regex> =
        regex!(r"\.then\(|\basync\b|addEventListener|setTimeout|\bfunction\b|\bdef\b");
    static PRINT: LazyLock<Regex> = regex!(r"\b(?:console\.\w+|p?print|pp)\s*\(");
    let indents = || {
        let lines = PRINT
            .find_iter(text)
            .map(|print| &text[line_start(text, print.start())..]);
        let mut indents = lines.map(|line| line.len() - line.trim_start().len());
        indents
            .next()
            .is_none_or(|first| indents.all(|indent| indent == first))
    };
    !BRANCH.is_match(text) && !PRINT.is_match(&text[..at]) && (!LATER.is_match(text) || indents())
}

/// The value of a part that a program prints between fixed texts: `print("Name:", name)  # Name: Ada`.
fn in_fixed_text(text: &str, print: &Print, claimed: &Claimed<'_>) -> Option<Claim> {
    let shown = &text[claimed.range.clone()];
    let (part, value) = print.only_value(shown)?;
    let is_text = |value: &str| {
        !value.is_empty() && !value.contains(['<', '{', '…']) && !value.contains("..")
    };
    let start = claimed.range.start + value.start;
    let range = start..start + value.len();
    let value = &shown[value];
    let read = Reader::new(value, 0, 0).value_at(0);
    let value = read.or_else(|| is_text(value).then(|| value.into()))?;
    Some(Claim {
        is_in_text: true,
        ..Claim::new(part.clone(), value, range)
    })
}

/// Where the code begins that runs only if a call fails, or the text ends.
pub fn end_of_case(text: &str, call: usize) -> usize {
    static OTHER_CASE: LazyLock<Regex> = regex!(r"(?m)^\s*(?:\}\s*)?(?:catch|except|else)\b");
    let other = OTHER_CASE.find_at(text, call);
    other.map_or(text.len(), |found| found.start())
}

/// A statement that changes a value, or a copy of it.
static CHANGE: LazyLock<Regex> = regex!(
    r"(?xm)
        \.(?:sort|reverse|push|pop|shift|unshift|splice|fill|copyWithin|append|insert|extend|remove|clear|update|setdefault|popitem)\(
      | \b(?:del|delete)\s
      | \bObject\.(?:assign|defineProperty)\(
      | [\w$\])](?:\.[\w$]+|\[[^\]\n]*\])\s*(?:[-+*/%|&?]{0,2}=[^=>]|\+\+|--)
      | \b[\w$]+\s*[-+*/%|&]=[^=]"
);

/// Whether a program changes a value.
pub fn changes(text: &str) -> bool {
    CHANGE.is_match(text)
}

/// An expression of a program and what is claimed of it.
struct Claimed<'a> {
    expression: &'a str,
    /// Whether its length is meant.
    is_length: bool,
    /// Whether this is what a program prints.
    is_output: bool,
    /// Whether it counts only if it has the fixed texts that are printed with the value.
    needs_text: bool,
    /// The value, if it is literal.
    value: Option<Value>,
    range: Range<usize>,
}

impl Claimed<'_> {
    /// What is claimed of a part of the response.
    fn of_response(self, text: &str, names: &Names) -> Option<Claim> {
        if self.needs_text {
            return None;
        }
        let part = match names.evaluate(self.expression)? {
            Part::Body(path) if self.is_length => Part::Length(path),
            // What is printed as a whole is the response.
            Part::Body(path) if self.is_output && path.is_empty() => return None,
            Part::Response | Part::Each { .. } => return None,
            part => part,
        };
        let in_words = || in_words(&text[self.range.clone()], &part);
        let value = self.value.or_else(in_words)?;
        Some(Claim::new(part, value, self.range))
    }
}

/// `r.json())  # {"id": 1}`, after the opening bracket of a call that prints; the comment may be on the next line.
fn printed(text: &str, at: usize) -> Option<Claimed<'_>> {
    static COMMENT: LazyLock<Regex> = regex!(
        r"^[);\s]*?(?P<below>\n[ \t]*)?(?:#|//)[ \t]*(?P<mark>(?:=>|->|→|(?i:prints|outputs|logs|output)\b:?)[ \t]*)?(?P<shown>[^\n]*[^\s;])"
    );
    let mut reader = Reader::new(text, at, at);
    reader.arguments()?;
    let end = reader.at;
    let found = COMMENT.captures(&text[end..])?;
    let shown = found.name("shown")?.range();
    let range = end + shown.start..end + shown.end;
    let arguments = text[at..end].strip_suffix(')')?.trim_end();
    Some(Claimed {
        needs_text: found.name("below").is_some() && found.name("mark").is_none(),
        ..of_output(text, arguments, range)
    })
}

/// What an interpreter prints below an expression.
fn output_below<'a>(text: &'a str, entered: &'a str, at: usize) -> Option<Claimed<'a>> {
    let line = text[at..line_end(text, at)].trim_end();
    let is_output = !line.is_empty() && !line.starts_with([' ', '>', '.']);
    let entered = entered.trim();
    let printed = entered.strip_prefix("print(");
    let printed = printed.and_then(|inner| inner.strip_suffix(')'));
    let expression = printed.unwrap_or(entered);
    is_output.then(|| of_output(text, expression, at..at + line.len()))
}

fn of_output<'a>(text: &'a str, expression: &'a str, range: Range<usize>) -> Claimed<'a> {
    Claimed {
        expression,
        is_length: false,
        is_output: true,
        needs_text: false,
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

/// `users.length === 2` or `response.ok`, after `assert`.
fn asserted(text: &str, at: usize) -> Option<Claimed<'_>> {
    static EQUALS: LazyLock<Regex> = regex!(r"\s*={2,3}\s*");
    static SUCCESS: LazyLock<Regex> = regex!(r"^[\w.]+\.(?:ok|is_success)\b");
    let text = &text[..line_end(text, at)];
    if let Some(equals) = EQUALS.find_at(text, at) {
        return literal(text, &text[at..equals.start()], equals.end());
    }
    let found = SUCCESS.find(&text[at..])?;
    Some(Claimed {
        expression: found.as_str(),
        is_length: false,
        is_output: false,
        needs_text: false,
        value: Some(true.into()),
        range: at..at + found.len(),
    })
}

fn literal<'a>(text: &'a str, expression: &'a str, at: usize) -> Option<Claimed<'a>> {
    let reader = Reader::new(text, at, at);
    Some(Claimed {
        expression,
        is_length: false,
        is_output: false,
        needs_text: false,
        value: Some(reader.value_at(at)?),
        range: reader.span(at),
    })
}

/// A printed text without quotes, unless it explains what is printed.
fn in_words(shown: &str, part: &Part) -> Option<Value> {
    let path = match part {
        Part::Body(path) | Part::Length(path) => path.as_slice(),
        Part::Response | Part::Status | Part::Success | Part::Each { .. } => &[],
    };
    let keys = path.iter().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        _ => None,
    });
    let keys: Vec<&str> = keys.collect();
    parts::is_printed_text(shown, &keys).then(|| shown.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The claims of a program about the response to `call()`.
    fn described(text: &str) -> Vec<String> {
        let start = text.find("call()").unwrap();
        let said = in_program(text, &(start..start + 6));
        let describe = |claim: &Claim| {
            let what = match &claim.part {
                Part::Length(path) => format!("length of {}", compare::show_path(path)),
                Part::Body(path) => compare::show_path(path),
                part => format!("{part:?}"),
            };
            format!("{what} = {}", claim.value)
        };
        said.claims.iter().map(describe).collect()
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
            (
                "r = call()\nprint(r.status_code)  # 404 Not Found",
                "Status = \"404 Not Found\"",
            ),
            (
                "const { status, data } = await call();\nexpect(status).toBe(404);",
                "Status = 404",
            ),
            (
                "const a = await call()\n  .then(r => r.json());\nconsole.log(a.b); // prints Cat",
                "b = \"Cat\"",
            ),
            (
                "const a = await call().then((r) => r.json());\nconsole.log(a.b); // 1",
                "b = 1",
            ),
            // What is not understood is passed over.
            (
                "r = call()\nassert r.json()['a'] >= 1\nassert r.json()['b'] == 2",
                "b = 2",
            ),
            // A value that is changed is no longer that of the response.
            (
                "const a = (await call()).data;\nconsole.log(a.b); // 1\na.b = 2;\nconsole.log(a.b); // 2",
                "b = 1",
            ),
            (
                "a = call().json()\na.sort(key=f)\nprint(a[0]['b'])  # 1",
                "",
            ),
            ("a = call().json()\na['b'] += 1\nprint(a['b'])  # 1", ""),
            ("a = call().json()\nbirthday(a)\nprint(a['b'])  # 1", ""),
            (
                "a = call().json()\nshow(len(a))\nprint(a['b'])  # 1",
                "b = 1",
            ),
            // Another value has the same name.
            (
                "const a = (await call()).data;\nothers.forEach(a => console.log(a.b)); // 1",
                "",
            ),
            (
                "a = call().json()\nfor a in others:\n  print(a['b'])  # 1",
                "",
            ),
            (
                "const a = (await call()).data;\n// console.log(a.b); // 2",
                "",
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
