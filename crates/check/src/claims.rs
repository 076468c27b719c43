//! What a program says about a part of a response without showing the response: a value that it prints or asserts
//! (`print(r.json()["name"])  # Ada`, `expect(users.length).toBe(2)`).

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::compare::{self, Difference, DifferenceKind, Step};
use super::literals::Reader;
use super::parts::{self, Part, Piece, Print};
use super::service::Received;
use super::text::{is_one_of, line_end, line_start};

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
    /// That a list has a number of items.
    pub fn count(number: usize, range: Range<usize>) -> Claim {
        Claim {
            part: Part::Length(Vec::new()),
            value: number.into(),
            range,
            is_in_text: false,
        }
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

/// The names of a program and what they stand for.
struct Names(HashMap<String, Part>);

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
    let promised = (PROMISED.to_owned(), Part::Response);
    let names = Names(HashMap::from([(name, Part::Response), promised]));
    let mut said = read_statements(&text, line_start(&text, call.start), change, names);
    if prints_failure {
        said.prints.clear();
    }
    said
}

/// What the script of an editor asserts of `response`: `client.assert(response.body.id === 1)`.
pub fn in_script(text: &str, range: Range<usize>) -> Vec<Claim> {
    let names = Names(HashMap::from([("response".to_owned(), Part::Response)]));
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
        if let Some(claim) = in_text {
            claims.push(claim);
            continue;
        }
        let Some(claimed) = claimed.filter(|claimed| !claimed.needs_text) else {
            continue;
        };
        let Some(part) = names.evaluate(claimed.expression) else {
            continue;
        };
        let part = match part {
            Part::Body(path) if claimed.is_length => Part::Length(path),
            // What is printed as a whole is the response.
            Part::Body(path) if claimed.is_output && path.is_empty() => continue,
            Part::Response | Part::Each { .. } => continue,
            part => part,
        };
        let range = claimed.range;
        let value = claimed.value;
        let value = value.or_else(|| in_words(&text[range.clone()], &part));
        claims.extend(value.map(|value| Claim {
            part,
            value,
            range,
            is_in_text: false,
        }));
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
        part: part.clone(),
        value,
        range,
        is_in_text: true,
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

/// The name of what a promise gives to the next function.
const PROMISED: &str = "";

impl Names {
    fn set(&mut self, name: &str, part: Option<Part>) {
        match part {
            Some(part) => self.0.insert(name.to_owned(), part),
            None => self.0.remove(name),
        };
    }

    /// Learns the names that a part of a program sets to the response, its body or a part of it, or to something else.
    fn learn(&mut self, text: &str) {
        static SETS: LazyLock<Regex> = regex!(
            r"(?xm)
                (?:^|[;{\s])(?:(?:const|let|var)\s+)?(?P<name>[\w$]+)(?:\s*:\s*[\w<>\[\]]+)?\s*=\s*(?P<value>[^=>\s][^\n;]*(?:\n[\ \t]*\.[^\n;]*)*)
              | \{\s*(?P<members>[\w$\s,:]+?)\s*\}\s*=\s*(?P<object>[^=>\s][^\n;]*)
              | \b(?:const|let|var)\s+\[\s*(?P<items>[\w$\s,]+?)\s*\]\s*=\s*(?P<list>[^=>\s][^\n;]*)
              | \.(?:then|success|done)\(\s*(?:async\s*)?(?:function\s*)?\(?\s*(?P<parameter>[\w$]+)\s*\)?\s*(?:=>|\{)\s*
              | \breturn\s+(?P<returned>[^\n;]+)
              | (?P<looped>[\w$][\w$.()\[\]]*)\.forEach\(\s*\(?\s*(?P<item>[\w$]+)\s*\)?\s*=>
              | (?P<bound>[\w$]+)\s*=>
              | \((?P<bounds>[\w$\s,]+)\)\s*=>
              | \b(?:function\b[^(\n]*\(|lambda\s+)(?P<parameters>[\w$\s,]+)[):]
              | \bfor\s+(?P<each>[\w$]+)\s+in\s+(?P<of>[^\n:]+?)\s*:
              | \bfor\s*\(\s*(?:(?:const|let|var)\s+)?(?P<turn>[\w$]+)\s+of\s+(?P<through>[\w$.()\[\]]+?)\)\s*[\w{]
              | \bfor\s*\(?\s*(?:(?:const|let|var)\s+)?(?P<turns>[\w$\s,]+?)\s+(?:of|in)\b"
        );
        for found in SETS.captures_iter(text) {
            let part = |name: &str| found.name(name).map(|part| part.as_str());
            let item = part("item").or(part("each")).or(part("turn"));
            let list = part("looped").or(part("of")).or(part("through"));
            let others = part("bound").or(part("bounds")).or(part("parameters"));
            if let (Some(name), Some(value)) = (part("name"), part("value")) {
                self.set(name, self.evaluate(value));
            } else if let (Some(members), Some(value)) = (part("members"), part("object")) {
                let of = self.evaluate(value);
                for member in members.split(',') {
                    let (key, name) = member.split_once(':').unwrap_or((member, member));
                    let own = of.as_ref().and_then(|of| of.member(key.trim()));
                    self.set(name.trim(), own);
                }
            } else if let (Some(items), Some(value)) = (part("items"), part("list")) {
                let of = self.evaluate(value);
                for (index, name) in items.split(',').enumerate() {
                    let own = of.as_ref().and_then(|of| of.item(index));
                    self.set(name.trim(), own);
                }
            } else if let (Some(parameter), Some(whole)) = (part("parameter"), found.get(0)) {
                self.set(parameter, self.0.get(PROMISED).cloned());
                let result = Reader::new(text, whole.end(), whole.end()).span(whole.end());
                self.set(PROMISED, self.evaluate(&text[result]));
            } else if let Some(value) = part("returned") {
                self.set(PROMISED, self.evaluate(value));
            } else if let (Some(name), Some(list)) = (item, list)
                && let Some(Part::Body(list)) = self.evaluate(list)
            {
                let path = Vec::new();
                self.set(name, Some(Part::Each { list, path }));
            } else if let Some(names) = others.or(item).or(part("turns")) {
                for name in names.split(',') {
                    self.set(name.trim(), None);
                }
            }
        }
    }

    /// What a call prints, with its arguments at an offset.
    fn print(&self, text: &str, at: usize, function: &str) -> Option<Print> {
        static TERM: LazyLock<Regex> = regex!(
            r#"(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\]|[^+"'`(\[])+"#
        );
        let mut pieces = Vec::new();
        for (keyword, start) in Reader::new(text, at, at).arguments()? {
            if !keyword.is_empty() {
                return None;
            }
            if !pieces.is_empty() {
                pieces.push(Piece::Text(" ".to_owned()));
            }
            let span = Reader::new(text, start, start).span(start);
            let first = pieces.len();
            for term in TERM.find_iter(&text[span]) {
                pieces.extend(self.pieces(term.as_str().trim())?);
            }
            // Numbers are added.
            let is_text = |piece: &Piece| matches!(piece, Piece::Text(_));
            let own = &pieces[first..];
            if own.len() > 1 && !own.iter().take(2).any(is_text) {
                return None;
            }
        }
        // `console.log("%s", name)`
        if pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Text(text) if text.contains('%')))
        {
            return None;
        }
        Some(Print {
            pieces,
            is_python: !function.starts_with("console"),
        })
    }

    /// The pieces of a text with values in it (`f"Name: {name}"`), or of the value of a part of the response.
    fn pieces(&self, term: &str) -> Option<Vec<Piece>> {
        static TEXT: LazyLock<Regex> = regex!(
            r#"^(?P<format>f)?(?:"(?P<double>(?:[^"\\]|\\n)*)"|'(?P<single>(?:[^'\\]|\\n)*)'|`(?P<template>(?:[^`\\]|\\n)*)`)$"#
        );
        static HOLE: LazyLock<Regex> = regex!(r"\{(?P<expression>[^{}]*)\}");
        let Some(found) = TEXT.captures(term) else {
            return Some(vec![Piece::Value(self.printed_part(term)?)]);
        };
        let content = ["double", "single", "template"];
        let content = content.iter().find_map(|name| found.name(name))?.as_str();
        let is_template = found.name("template").is_some();
        let text = |text: &str| Piece::Text(text.replace("\\n", "\n"));
        if !is_template && found.name("format").is_none() {
            return Some(vec![text(content)]);
        }
        let mut out = Vec::new();
        let mut at = 0;
        for hole in HOLE.captures_iter(content) {
            let whole = hole.get(0)?;
            let before = &content[at..whole.start()];
            let before = match is_template {
                true => before.strip_suffix('$')?,
                false => before,
            };
            out.push(text(before));
            out.push(Piece::Value(self.printed_part(&hole["expression"])?));
            at = whole.end();
        }
        out.push(text(&content[at..]));
        Some(out)
    }

    /// The part of the response that an expression stands for, if not the whole.
    fn printed_part(&self, expression: &str) -> Option<Part> {
        static AS_TEXT: LazyLock<Regex> = regex!(r"^(?:str|String)\((?P<inner>.*)\)$");
        let inner = AS_TEXT.captures(expression);
        let inner = inner.as_ref().and_then(|found| found.name("inner"));
        match self.evaluate(inner.map_or(expression, |inner| inner.as_str()))? {
            Part::Response => None,
            Part::Body(path) if path.is_empty() => None,
            Part::Each { path, .. } if path.is_empty() => None,
            part => Some(part),
        }
    }

    /// Whether a part of a program gives a value to a function that may change it.
    fn are_passed_to_functions(&self, text: &str) -> bool {
        static CALL: LazyLock<Regex> =
            regex!(r"\b(?P<function>[\w$]+)\((?P<arguments>[\w$\s,.'\x22\[\]]*)\)");
        const PURE: &str = "print pprint pp log info dir table warn error debug len str repr type isinstance sorted list tuple set \
             dict sum min max any all enumerate zip range stringify dumps expect assert equal strictEqual deepEqual deepStrictEqual \
             assertEqual assertEquals assert_equal ok isArray keys values entries then json get String Number Boolean";
        CALL.captures_iter(text).any(|found| {
            let is_body = |name: &str| matches!(self.0.get(name.trim()), Some(Part::Body(_)));
            !is_one_of(&found["function"], PURE) && found["arguments"].split(',').any(is_body)
        })
    }

    /// What an expression stands for.
    fn evaluate(&self, expression: &str) -> Option<Part> {
        static AWAITED: LazyLock<Regex> = regex!(r"\bawait\s+");
        static GROUP: LazyLock<Regex> = regex!(r"(^|[(\s])\(([\w$]+(?:\.[\w$]+\(\))?)\)");
        static STEP: LazyLock<Regex> = regex!(
            r#"(?x)^(?:\?\.|\s*\.)(?:
                  (?P<body>json\(\)|data\b|body\b)
                | (?P<status>status(?:_code)?\b)
                | (?P<success>ok\b|is_success\b)
                | then\(\s*\(?\s*(?P<given>[\w$]+)\s*\)?\s*=>\s*(?P<used>[\w$]+)\.(?:json\(\)|data)\s*\)
                | get\(["'](?P<got>[^"']+)["']\)
                | (?P<length>length\b)
                | (?P<key>[\w$]+)\b )
            | ^\[(?:(?P<index>\d+)|["'](?P<quoted>[^"']+)["'])\]"#
        );
        let plain = AWAITED.replace_all(expression.trim(), "");
        let mut plain = plain.into_owned();
        while GROUP.is_match(&plain) {
            plain = GROUP.replace_all(&plain, "$1$2").into_owned();
        }
        let measured = plain.strip_prefix("len(");
        let measured = measured.and_then(|rest| rest.strip_suffix(')'));
        let plain = measured.unwrap_or(&plain);
        let is_end = |c: char| !c.is_alphanumeric() && c != '_' && c != '$';
        let (name, mut rest) = plain.split_at(plain.find(is_end).unwrap_or(plain.len()));
        let mut part = self.0.get(name)?.clone();
        while !rest.is_empty() {
            let step = STEP.captures(rest)?;
            rest = &rest[step.get(0)?.end()..];
            let text = |name: &str| step.name(name).map(|found| found.as_str());
            let key = text("key").or(text("got")).or(text("quoted"));
            let key = key.or(text("body")).or(text("status")).or(text("success"));
            part = match (part, text("index")) {
                (Part::Response, _)
                    if text("body").is_some()
                        || text("given").is_some() && text("given") == text("used") =>
                {
                    Part::Body(Vec::new())
                }
                (Part::Response, _) if text("status").is_some() => Part::Status,
                (Part::Response, _) if text("success").is_some() => Part::Success,
                (Part::Body(_) | Part::Each { .. }, _) if rest.starts_with('(') => return None,
                (Part::Body(path), _) if text("length").is_some() => Part::Length(path),
                (part, Some(index)) => part.item(index.parse().ok()?)?,
                (part @ (Part::Body(_) | Part::Each { .. }), None) => part.member(key?)?,
                _ => return None,
            };
        }
        match (part, measured) {
            (Part::Body(path), Some(_)) => Some(Part::Length(path)),
            (part, None) => Some(part),
            _ => None,
        }
    }
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
