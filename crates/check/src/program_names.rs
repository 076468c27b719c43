//! What the names and expressions of a program stand for: the response to a call, its body, or a part of it.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::literals::Reader;
use super::parts::{Part, Piece, Print};
use super::text::is_one_of;

/// The name of what a promise gives to the next function.
const PROMISED: &str = "";

/// The names of a program and what they stand for.
pub struct Names(HashMap<String, Part>);

impl Names {
    /// The names before a call, of which one stands for the response.
    pub fn of_call(response: String) -> Names {
        let promised = (PROMISED.to_owned(), Part::Response);
        Names(HashMap::from([(response, Part::Response), promised]))
    }

    fn set(&mut self, name: &str, part: Option<Part>) {
        match part {
            Some(part) => self.0.insert(name.to_owned(), part),
            None => self.0.remove(name),
        };
    }

    /// Learns the names that a part of a program sets to the response, its body or a part of it, or to something else.
    pub fn learn(&mut self, text: &str) {
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
    pub fn print(&self, text: &str, at: usize, function: &str) -> Option<Print> {
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
    pub fn are_passed_to_functions(&self, text: &str) -> bool {
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
    pub fn evaluate(&self, expression: &str) -> Option<Part> {
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
