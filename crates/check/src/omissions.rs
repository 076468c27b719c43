//! What a page says that it leaves out of a response: further items, members, or all but one item of a list.

use std::sync::LazyLock;

use regex::Regex;

use super::examples::Example;
use super::labels;
use super::node::{Item, Kind, Node};
use super::page::{Block, Page};
use super::text::pattern;

/// A sentence that says that a response is not complete.
static TRUNCATED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)\b(?:only\s+(?:the\s+)?(?:first|last|top|\d+|one|two|three|four|five|ten|an?|some|parts?|few|relevant|most|beginning)\b[^.]*\b(?:listed|shown|displayed|included|shows) |
            only\b[^.]*\b(?:listed|shown|displayed)\s+(?:here|below) | only\s+the\s+(?:\w+\s+)?\w+est\b[^.]*\b(?:listed|shown|displayed) |
            shows?\s+only | first\s+(?:\w+\s+)?only | only\s+(?:the\s+)?first | truncated | abbreviated | shortened |
            abridged | excerpt | partial | omitted | for\s+brevity | first\s+\w+\s+(?:\w+\s+){0,3}(?:shown|listed) |
            goes\s+on | beginning\s+of\s+(?:the|this)\s+(?:list|response|output) | here\s+(?:are|is)\s+the\s+first |
            cut\s+(?:off|short) |
            nur\b[^.]*\b(?:gezeigt|angezeigt|aufgeführt|dargestellt) | gekürzt\w* | verkürzt\w* | auszug | ausschnitt |
            seul\w*\b[^.]*\b(?:affich|montr|list)\w* | tronqu\w* | extrait | abrég\w* | partiel\w* |
            (?:solo|sólo|solamente|somente|apenas|soltanto)\b[^.]*\b(?:muestra|mostr|most|list)\w* |
            recortad\w* | truncad\w* | abreviad\w* | acortad\w* | resumid\w* | extracto | trecho | parcial |
            troncat\w* | abbreviat\w* | estratto | parziale | ridott\w*)\b | \bcut\W*$",
    )
});

/// A sentence that says that the members of a response are not all shown, either.
static PART: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)\b(?:part\s+of | parts\s+of | some\s+of\s+the\s+(?:fields|members|properties) | some\s+(?:fields|members|properties) |
            truncated | abbreviated | shortened | abridged | excerpt | partial | omitted | for\s+brevity |
            (?:most\s+important|relevant|main|interesting|essential|key)\s+(?:fields|members|properties|attributes|parts?) |
            (?:wichtigsten|wichtige|relevanten)\s+(?:felder|eigenschaften|teile) | (?:champs|campos|campi)\s+(?:les\s+plus\s+)?(?:más\s+|mais\s+|più\s+)?(?:important\w*|relevant\w*|principa\w+) |
            (?:fields|members|properties|attributes)\b[^.:]*\b(?:left\s+out|omitted|not\s+shown) | not\s+all\s+(?:of\s+)?(?:the\s+)?\w+\s+(?:are\s+)?shown |
            only\b[^.:]*\b(?:fields|members|properties|attributes)\b[^.:]*\b(?:shown|listed|displayed) | teil\s+der | gekürzt\w* | auszug | ausschnitt | partie\s+de | tronqu\w* | extrait | parte\s+d\w+ |
            recortad\w* | truncad\w* | extracto | trecho | troncat\w* | estratto)\b | \bcut\W*$",
    )
});

/// A sentence that names members that are left out: "The first two, without the tags:".
static WITHOUT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:without|except(?:\s+for)?|excluding|leaving\s+out|minus|ohne|sans|sauf|sin|sem|senza)\b(?P<names>[^.:;]*)|(?P<omitted>[^.:;,]*)\b(?:is|are)\s+(?:left\s+out|omitted|not\s+shown)\b",
    )
});

/// A sentence that names the members that are shown: "Only id and title are shown:".
static ONLY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:only|just|nur)\b(?P<names>[^.:;]*)\b(?:shown|listed|displayed|included|gezeigt|angezeigt)\b",
    )
});

/// Text below a response that says that it is not complete.
static REST_OMITTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)\b(?:rest|remaining|remainder|others?|more|list|output|response|body|result|records|items|entries|fields)\b
            [^.:]*\b(?:omitted|truncated|shortened|abridged|abbreviated|cut|left\s+out|not\s+shown|elided)\b
        | \bfor\s+brevity\b | ^\W*and\s+so\s+on\b | ^\s*(?:\(|\.\.\.|…|and\b)\W*(?:and\s+)?\w+\s+more\b | ^\W*(?:truncated|shortened|abridged|abbreviated)\b
        | \bonly\s+(?:the\s+)?first\b[^.:]*\bshown\b",
    )
});

/// A label for one item of a list: "Each record has this form:", "The first item of the response:".
static ONE_ITEM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)\b(?:each | every | one\s+(?:of | record | item | element | entry | object) |
            (?:a\s+single | first | second | third | last)\s+(?:record | item | element | entry | one)\b |
            (?:first|second|third|last)\s+\w+\s+(?:of|in)\s+the |
            an?\s+\w+\s+(?:of|from|in)\s+the\s+(?:list|array|response) |
            (?:records|items|elements|entries|objects|they)\b.*\bhave\s+(?:this|the|these)\b.*\b(?:form|shape|structure|format|fields|members|properties))\b",
    )
});

/// What the text around a response says that it does not show.
#[derive(Debug, Default)]
pub struct Omissions {
    /// Further items, or members.
    pub truncated: bool,
    /// The members that are left out, by the words of their names.
    pub left_out: Vec<String>,
    /// The other items of a list.
    pub one_item: bool,
}

/// Reads what a page leaves out of the response in a block, and lets the documented body have more accordingly.
pub fn apply(
    page: &Page,
    example: &Example,
    response: usize,
    body: Option<&mut Node>,
) -> Omissions {
    let truncated = says_truncated(page, example, response);
    let sentences: Vec<&str> = sentences(page, example, response).collect();
    if let Some(body) = body {
        if truncated {
            elide(body, says(page, example, response, &PART));
        }
        let only = sentences.iter().filter_map(|text| ONLY.captures(text));
        only.for_each(|found| elide_members(body, &labels::words(&found["names"])));
    }
    let without = sentences
        .iter()
        .flat_map(|text| WITHOUT.captures_iter(text));
    let names = without.filter_map(|found| found.name("names").or(found.name("omitted")));
    let left_out = names
        .flat_map(|names| labels::words(names.as_str()))
        .collect();
    Omissions {
        truncated,
        left_out,
        one_item: is_one_item(page, example, response),
    }
}

/// Lets a list go on after the items that are shown, and an object of which a part is shown have other members.
fn elide(body: &mut Node, part: bool) {
    match &mut body.kind {
        Kind::Array(items) => {
            for item in items.iter_mut() {
                if let (Item::Value(node), true) = (item, part) {
                    elide(node, part);
                }
            }
            items.push(Item::Elided(body.span.end..body.span.end));
            if part {
                items.insert(0, Item::Elided(body.span.start..body.span.start));
            }
        }
        Kind::Object {
            members, elided, ..
        } if part => {
            *elided = true;
            let lists = members
                .iter_mut()
                .filter(|member| matches!(member.value.kind, Kind::Array(_)));
            lists.for_each(|member| elide(&mut member.value, part));
        }
        _ => {}
    }
}

/// Lets objects have other members than those that are shown, if a sentence names all of these.
fn elide_members(body: &mut Node, named: &[String]) {
    match &mut body.kind {
        Kind::Array(items) => {
            for item in items {
                if let Item::Value(node) = item {
                    elide_members(node, named);
                }
            }
        }
        Kind::Object {
            members, elided, ..
        } => {
            *elided |= members
                .iter()
                .all(|member| labels::names(named, &member.key));
        }
        _ => {}
    }
}

/// The sentence that leads to a request, and the paragraphs between it and its response.
fn sentences<'a>(
    page: &'a Page,
    example: &Example,
    response: usize,
) -> impl Iterator<Item = &'a str> {
    let prose = |block: &'a Block| match block {
        Block::Prose(prose) => Some(prose.text.as_str()),
        _ => None,
    };
    let above = example
        .fence
        .checked_sub(1)
        .and_then(|at| page.blocks.get(at));
    let above = above.and_then(prose).map(labels::last_sentence);
    let between = page
        .blocks
        .get(example.fence + 1..response)
        .unwrap_or_default();
    above
        .filter(|text| labels::leads(text))
        .into_iter()
        .chain(between.iter().filter_map(prose))
}

/// Whether a heading or a paragraph between a request and its response says something.
fn says(page: &Page, example: &Example, response: usize, what: &Regex) -> bool {
    let between = page.blocks.get(example.fence + 1..response);
    between.into_iter().flatten().any(|block| match block {
        Block::Prose(prose) => what.is_match(&prose.text),
        Block::Heading(heading) => what.is_match(&heading.text),
        _ => false,
    })
}

/// Whether the sentence that leads to a response, or to the request right above it, is about one item of a list.
fn is_one_item(page: &Page, example: &Example, response: usize) -> bool {
    let says_so = |index: usize| {
        let above = index.checked_sub(1).and_then(|at| page.blocks.get(at));
        let Some(Block::Prose(prose)) = above else {
            return false;
        };
        // "Each plant has the following format. Note its id."
        let mut sentences = prose
            .text
            .split(". ")
            .filter(|sentence| ONE_ITEM.is_match(sentence));
        ONE_ITEM.is_match(labels::last_sentence(&prose.text))
            || sentences.any(|sentence| labels::has_word(sentence, "following format"))
    };
    says_so(response) || (response == example.fence + 1 && says_so(example.fence))
}

/// Whether the text around a response says that it is not complete.
fn says_truncated(page: &Page, example: &Example, response: usize) -> bool {
    let prose = |index: Option<usize>| match page.blocks.get(index?)? {
        Block::Prose(prose) => Some(labels::last_sentence(&prose.text)),
        _ => None,
    };
    let leads_here = prose(example.fence.checked_sub(1)).is_some_and(|text| {
        let points = labels::has_word(text, "here below following");
        (text.ends_with(':') || points) && TRUNCATED.is_match(text)
    });
    let below = prose(Some(response + 1)).is_some_and(|text| {
        !text.ends_with(':') && text.len() < 120 && REST_OMITTED.is_match(text)
    });
    leads_here
        || below
        || says(page, example, response, &TRUNCATED)
        || says(page, example, response, &PART)
}
