//! What a page says that it leaves out of a response: further items, members, or all but one item of a list.

use std::sync::LazyLock;

use regex::Regex;

use super::example::Example;
use super::labels;
use super::node::{Item, Kind, Node};
use super::page::{Block, Page};
use super::text::is_one_of;

/// A sentence that says that a list has more items than are shown.
static TRUNCATED: LazyLock<Regex> = regex!(
    r"(?xi)\b(?:only\s+(?:the\s+)?(?:first|last|top|\d+|one|two|three|four|five|ten|an?|some|parts?|few|relevant|most|beginning)\b[^.]*\b(?:listed|shown|displayed|included|shows) |
            only\b[^.]*\b(?:listed|shown|displayed)\s+(?:here|below) | only\s+the\s+(?:\w+\s+)?\w+est\b[^.]*\b(?:listed|shown|displayed) |
            (?:only|just)\s+(?:show|list|display)\w* | shows?\s+(?:only|just) | (?:\d+|one|two|three|single)\s+\w+\s+shown | first\s+(?:\w+\s+)?only | only\s+(?:the\s+)?first |
            first\s+\w+\s+(?:\w+\s+){0,3}(?:shown|listed) |
            goes\s+on | (?:list|response|output|array|rest|it)\s+(?:continues|goes\s+on) | (?:list|response|output|result|array|answer|reply|it|that|which)\s+(?:begin|start)s?\s+(?:with|like) | starting\s+with |
            (?:beginning|top|start|sample)\s+of\s+(?:the|this)\s+(?:list|response|output|result|array|answer|reply)s? | its\s+beginning | here\s+(?:are|is)\s+the\s+first | here\s+is\s+one |
            (?:\d+|one|two|three|first)\s+(?:out\s+)?of\s+(?:\d+|two|three|four|five|six|seven|eight|nine|ten|many|several) |
            (?:remaining|other|further|more)\s+\w+\s+(?:(?:are|is|were|was)\s+)?(?:not\s+shown|left\s+out|cut) |
            (?:only|just)\s+one\s+\w+\s+is\b | only\s+show\s+one | the\s+first\s+of\s+them | rest\s+(?:has\s+been|was|is)\s+left\s+out |
            (?:\d+|one|two|three|more|other)\s+(?:more|other|further)?\s*\w+\s+follow\w* | each\s+(?:element|item|entry|object|record)\b[^.]*\blooks?\s+like |
            (?:array|list)\s+of\s+(?:such\s+objects | objects\s+like) | (?:lyhennetty|forkortet|rövidítve) |
            (?:beginnt|startet)\s+so | (?:empieza|comienza|começa)\s+as[ií](?:m)? | commence\s+ainsi | inizia\s+così |
            cut\s+(?:off|short) |
            nur\b[^.]*\b(?:erste\w*|gezeigt|angezeigt|aufgeführt|dargestellt) | (?:der|die|das)\s+ersten?\b | erste[rns]?\s+(?:eintrag|einträge|datensatz) |
            seul\w*\b[^.]*\b(?:affich|montr|list|premi)\w* | premi\w+\b[^.]*\bseul\w* |
            (?:solo|sólo|solamente|somente|apenas|soltanto|únicamente)\b[^.]*\b(?:muestra|mostr|most|list|prim)\w* | primer\s+\w+ |
            (?:só|тольк\w+|sadece|yalnızca|hanya|tylko|endast|bara|alleen|enkel)\b[^.]*(?:prim|перв|ilk|pertama|pierwsz|först|eerste)\w* |
            остальн\w+ | ilk\s+\w+ )\b
        | 只(?:显示|列出|展示|取) | 仅(?:显示|列出|展示|取)? | 第一(?:条|个|項|项) | 最初の | [1１一]件目 | 以下省略 | 첫\s*번째 | 이하\s*생략"
);

/// "The first user", but not the first of what has no items: "First request".
static FIRST: LazyLock<Regex> =
    regex!(r"(?i)\bfirst\s+(?:few\s+|\d+\s+|two\s+|three\s+)?(?P<what>\w+)");

/// Words after "first" that do not name an item.
const NOT_ITEMS: &str = "page request response call step example time case query name run version attempt command argument of";

/// A sentence that says that the members of a response are not all shown, either.
static PART: LazyLock<Regex> = regex!(
    r"(?xi)\b(?:parts?\s+of | in\s+part | some\s+of\s+the\s+(?:fields|members|properties) | some\s+(?:fields|members|properties) |
            truncated | abbreviated | shortened | abridged | excerpt\w* | partial(?:ly)? | omitt?\w* | for\s+(?:brevity|readability) |
            simplified | condensed | trimmed | stripped\s+down | snipp?ed | snippets? | fragments? | elided |
            (?:most\s+important | most\s+relevant | important | relevant | main | interesting | boring | essential | key)\s+
                (?:\w+\s+)?(?:fields | members | properties | attributes | parts?) |
            (?:fields|members|properties|attributes)\s+(?:that\s+)?(?:you|we|i)\s+(?:\w+\s+){0,2}(?:need|use|want|care) | interested\s+in |
            among(?:st)?\s+(?:others?|other\s+\w+|the\s+(?:fields|members|properties)\w*) | at\s+least | includ(?:es?|ing) |
            (?:fields|members|properties|attributes)\b[^.:]*\b(?:left\s+out|omitted|not\s+shown) | not\s+all\s+(?:of\s+)?(?:the\s+)?\w+\s+(?:are\s+)?shown |
            only\b[^.:]*\b(?:fields|members|properties|attributes)\b(?:[^.:]*\b(?:shown|listed|displayed|need|only))? |
            (?:fields|members|properties|attributes)\s+only | (?:fewer|less)\s+(?:fields|members|properties) |
            teil\s+der | teilweise | gekürzt\w* | verkürzt\w* | vereinfacht\w* | auszug\w* | ausschnitt\w* | wichtigst\w* | weggelassen | ausgelassen |
            (?:der\s+)?übersicht\s+halber | partie\s+de | partiel\w* | simplifi\w+ | abrég\w* | tronqu\w* | extraits? | omis(?:es?)? |
            parte\s+d\w+ | parcial\w* | resumid\w+ | simplificad\w+ | abreviad\w* | acortad\w* | recortad\w* | truncad\w* | extracto | trecho | fragmento |
            se\s+omiten | omitid\w+ | parzial\w* | semplificat\w+ | abbreviat\w+ | ridott\w* | troncat\w* | estratto | omess\w+ | brevità |
            (?:champs|campos|campi)\b[^.:]*\b(?:important\w*|relevant\w*|pertinent\w*|princip\w+) | princip\w+\s+(?:champs|campos|campi) |
            сокращ\w+ | фрагмент\w* | част(?:ь|и|ично)\s+\w+ | опущен\w* | основны\w+ | упрощ\w+ | неполн\w+ |
            kısalt\w* | kısmi | atlan\w* | özet\w* | sadeleştiril\w* | sebagian | di(?:persingkat|potong|singkat|ringkas) | ringkas\w* |
            skrócon\w+ | pominięt\w* | częściow\w+ | uproszcz\w+ | ingekort | verkort | gedeeltelijk | vereenvoudigd\w* | förkort\w* | utdrag | förenkla\w* |
            zkrácen\w* | зокрема | скорочен\w+ )\b
        | 部分 | 节选 | 節選 | 省略 | 简化 | 簡化 | 主要字段 | 截取 | 摘录 | 片段 | 一部 | 抜粋 | 主な | 簡略 | 일부 | 생략 | 발췌 | 요약 | 축약 | \bcut\W*$"
);

/// A sentence that names members that are left out: "The first two, without the tags:".
static WITHOUT: LazyLock<Regex> = regex!(
    r"(?i)\b(?:without|except(?:\s+for)?|excluding|leaving\s+out|minus|ohne|sans|sauf|sin|sem|senza)\b(?P<names>[^.:;]*)|(?P<omitted>[^.:;,]*)\b(?:is|are)\s+(?:left\s+out|omitted|not\s+shown)\b"
);

/// A sentence that names the members that are shown: "Only id and title are shown:".
static ONLY: LazyLock<Regex> = regex!(
    r"(?i)\b(?:only|just|nur)\b(?P<names>[^.:;]*)\b(?:shown|listed|displayed|included|matters?|counts?|needed|relevant|important|interesting|of\s+interest|gezeigt|angezeigt)\b|\b(?:contains?|includes?|shows?|has|gezeigt\s+werden|enthält|zeigt)\s+(?:only|just|nur)\b(?P<after>[^.:;]*)"
);

/// Text below a response that says that it is not complete.
static REST_OMITTED: LazyLock<Regex> = regex!(
    r"(?xi)\b(?:rest|remaining|remainder|others?|more|list|output|response|body|result|records|items|entries|fields)\b
            [^.:]*\b(?:omitted|truncated|shortened|abridged|abbreviated|cut|left\s+out|not\s+shown|elided)\b
        | \bfor\s+brevity\b | ^\W*and\s+so\s+on\b | ^\s*(?:\(|\.\.\.|…|and\b)\W*(?:and\s+)?\w+\s+more\b | ^\W*(?:truncated|shortened|abridged|abbreviated)\b
        | \bonly\s+(?:the\s+)?first\b[^.:]*\bshown\b"
);

/// A label for one item of a list: "Each record has this form:", "One of them:".
static ONE_ITEM: LazyLock<Regex> = regex!(
    r"(?xi)\b(?:each | every | one\s+(?:of | record | item | element | entry | object) | a\s+single | second | third |
            first | last | an?\s+\w+\s+(?:of|from|in)\s+the\s+(?:list|array|response) | among(?:st)?\s+them | including | includes |
            objects?\s+(?:like\s+th(?:is|ese)|of\s+the\s+form) | (?:only|just)\s+(?:show\s+)?one\s+\w+ | sample\s+of\s+the\s+response | alleen\s+het\s+eerste |
            (?:records|items|elements|entries|objects|they)\b.*\bhave\s+(?:this|the|these)\b.*\b(?:form|shape|structure|format|fields|members|properties) |
            cada | jede[rs]? | chaque | кажд\w+ | her\s+bir | setiap | każd\w+ | ogni | elke?\s+\w+ | varje | hver | каждый | кожн\w+ | každ\w+ |
            primer[ao]? | primeir[oa] | erste[rns]? | premi(?:er|ère) | перв\w+ | ilk | pertama | pierwsz\w+ | prim[oa] |
            últim[oa] | ultim[oa] | letzte[rns]? | derni(?:er|ère) | последн\w+ | terakhir | ostatni\w* )\b
        | 每 | 各 | 第一 | 最初 | 最后 | 最後 | 각 | 첫 | 마지막 | ^\W*(?:an?|one|une?|ein|eine|una?|um|uma)\s+\w+\W*$ | \b(?:array|list)\s+of\W*$"
);

/// A label for the first or the last item of a list.
static AT_START: LazyLock<Regex> = regex!(
    r"(?i)\b(?:first|primer[ao]?|primeir[oa]|erste[rns]?|premi(?:er|ère)|перв\w+|ilk|pertama|pierwsz\w+|prim[oa])\b|第一|最初|첫"
);
static AT_END: LazyLock<Regex> = regex!(
    r"(?i)\b(?:last|newest|latest|últim[oa]|ultim[oa]|letzte[rns]?|derni(?:er|ère)|последн\w+|terakhir|ostatni\w*)\b|最后|最後|마지막"
);

/// Which item of a list is shown alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OneItem {
    /// One of them, or the form of each.
    Any,
    /// The first.
    First,
    /// The last.
    Last,
}

/// A sentence that names a member of the response: "It has a `price`:".
static HAS_MEMBER: LazyLock<Regex> = regex!(
    r"(?i)\b(?:has|have|had|includes?|including|contains?|fields?|members?|propert(?:y|ies)|attributes?|interested|need|note|notice|look|matters?)\b"
);

/// What the text around a response says that it does not show.
#[derive(Debug, Default)]
pub struct Omissions {
    /// Further items, or members.
    pub truncated: bool,
    /// The members that are left out, by the words of their names.
    pub left_out: Vec<String>,
    /// The other items of a list.
    pub one_item: Option<OneItem>,
    /// The values that the reader sees: "Your output may differ:".
    pub has_other_values: bool,
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
            let says_part = says(page, example, response, &PART)
                || above(page, example).any(|text| PART.is_match(text));
            elide(body, says_part);
        }
        let only = sentences.iter().filter_map(|text| ONLY.captures(text));
        let names = only.filter_map(|found| found.name("names").or(found.name("after")));
        names.for_each(|names| elide_members(body, &labels::words(names.as_str())));
        let lead = lead(page, response).filter(|text| HAS_MEMBER.is_match(text));
        if let Some(text) = lead.filter(|_| response > example.fence + 1) {
            elide_members(body, &labels::words(text));
        }
    }
    let without = sentences
        .iter()
        .flat_map(|text| WITHOUT.captures_iter(text));
    let names = without.filter_map(|found| found.name("names").or(found.name("omitted")));
    let left_out = names
        .flat_map(|names| labels::words(names.as_str()))
        .collect();
    static DIFFER: LazyLock<Regex> = regex!(
        r"(?i)\b(?:output|response|result|data|values?|ids?|yours?)\b[^.:]*\b(?:(?:may|might|could|can|will)\s+(?:differ|vary|(?:be|look)\s+different)|depends?\s+on\s+your)\b|\bdepending\s+on\s+your\s+data\b"
    );
    let below = page.blocks.get(response + 1).and_then(Block::prose);
    let below = below.map(|prose| prose.text.as_str());
    Omissions {
        truncated,
        left_out,
        one_item: one_item(page, example, response),
        has_other_values: sentences
            .iter()
            .copied()
            .chain(below)
            .any(|text| DIFFER.is_match(text)),
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
    let prose = |block: &'a Block| block.prose().map(|prose| prose.text.as_str());
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
        .filter(|text| labels::leads(text) || labels::has_word(text, "below"))
        .into_iter()
        .chain(between.iter().filter_map(prose))
}

/// Whether a heading or a paragraph between a request and its response says something.
fn says(page: &Page, example: &Example, response: usize, what: &Regex) -> bool {
    let between = page.blocks.get(example.fence + 1..response);
    let mut texts = between.into_iter().flatten().filter_map(Block::text);
    texts.any(|text| what.is_match(text))
}

/// The sentence right above a block.
fn lead(page: &Page, index: usize) -> Option<&str> {
    match &page.blocks[index.checked_sub(1)?] {
        Block::Prose(prose) => Some(labels::last_sentence(&prose.text)),
        Block::Heading(heading) => Some(&heading.text),
        _ => None,
    }
}

/// Which item the sentence that leads to a response, or to the request right above it, is about, if it is about one.
fn one_item(page: &Page, example: &Example, response: usize) -> Option<OneItem> {
    let said = |index: usize| {
        let lead = lead(page, index)?;
        let Block::Prose(prose) = &page.blocks[index - 1] else {
            return Some(lead).filter(|text| is_about_one(text));
        };
        // "Each plant has the following format. Note its id."
        let mut sentences = prose.text.split(". ").filter(|sentence| {
            is_about_one(sentence) && labels::has_word(sentence, "following format")
        });
        let lead = Some(lead).filter(|text| is_about_one(text));
        lead.or_else(|| sentences.next())
    };
    let above_request = || said(example.fence).filter(|_| response == example.fence + 1);
    let text = said(response).or_else(above_request)?;
    Some(match (AT_START.is_match(text), AT_END.is_match(text)) {
        (true, false) => OneItem::First,
        (false, true) => OneItem::Last,
        _ => OneItem::Any,
    })
}

/// Whether a sentence is about one item of a list. "The last name" is not.
fn is_about_one(sentence: &str) -> bool {
    static NAMES: LazyLock<Regex> =
        regex!(r"(?i)\b(?:first|second|last)[\s_-]+(?:names?|years?|months?|weeks?|days?|time)\b");
    ONE_ITEM.is_match(&NAMES.replace_all(sentence, ""))
}

/// What leads to a request and is about its response: a sentence, and the end of a heading in brackets.
fn above<'a>(page: &'a Page, example: &Example) -> impl Iterator<Item = &'a str> {
    let block = example.fence.checked_sub(1).map(|at| &page.blocks[at]);
    let sentence = block
        .and_then(Block::prose)
        .map(|prose| labels::last_sentence(&prose.text));
    let sentence = sentence.filter(|text| {
        let points = labels::has_word(text, "here below following abaixo unten");
        (text.ends_with(':') || points) && !labels::says_write(text)
    });
    let heading = page.headings_above(example.fence).next();
    let note = heading.and_then(|heading| {
        let text = heading.text.trim_end().strip_suffix([')', '）'])?;
        Some(&text[text.rfind(['(', '（'])?..])
    });
    sentence.into_iter().chain(note)
}

/// Whether the text around a response says that it is not complete.
pub fn says_truncated(page: &Page, example: &Example, response: usize) -> bool {
    let prose = |index: Option<usize>| match page.blocks.get(index?)? {
        Block::Prose(prose) => Some(labels::last_sentence(&prose.text)),
        _ => None,
    };
    let leads_here =
        above(page, example).any(|text| TRUNCATED.is_match(text) || PART.is_match(text));
    let below = prose(Some(response + 1)).is_some_and(|text| {
        !text.ends_with(':') && text.len() < 120 && REST_OMITTED.is_match(text)
    });
    let first = lead(page, response).is_some_and(|text| {
        let mut found = FIRST.captures_iter(text);
        found.any(|found| !is_one_of(&found["what"].to_lowercase(), NOT_ITEMS))
    });
    leads_here
        || below
        || (first && response > example.fence + 1)
        || says(page, example, response, &TRUNCATED)
        || says(page, example, response, &PART)
}
