//! Requests that a page names without a command: in a heading, a sentence, or a table.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::blocks::{Block, Cell, Fence, Piece, Prose, Table};
use super::http_message;
use super::labels::{self, Announces};
use super::lenient_json;
use super::status_text;
use super::text::{is_one_of, pattern};
use super::transcript::shows_response;
use super::url;

/// A heading or line that is a method and a path after a label or number, and what may follow: the status of the response
/// ("GET /users → 200 OK"), a body ("PATCH /users/1 with {...}"), or words that lead to what is below it ("GET /users/1
/// returns one user:").
static ENDPOINT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)^[\s*_`]*(?:\d+[.)]\s+)?(?:(?P<label>[^:：.]{1,40})[:：][\s*_`]*)?
            (?P<method>(?i:GET|POST|PUT|PATCH|DELETE))[\s*_`]+
            (?P<url>(?:https?://localhost|localhost|\{\{?\w+\}\}?)?[^\s`]*/[^\s`]*)
            (?:[\s*_`]+[^\p{L}\p{N}\s`\[{/]+\s*(?P<status>(?:[^:.\n]*\s)?[1-5]\d\d\b[^:.\n]*)
                |\s[^:]{0,120}:
                |\s+(?:with|mit|avec|con|com)\s+(?:\p{L}+\s+){0,4}?:?\s*(?P<body>\{.+\}))?[\s*_`]*$",
    )
});

/// An endpoint in a heading, or at the beginning of a paragraph and with a description: "Get one (GET /users/1)",
/// "**GET** `/users/1`: one user".
static IN_HEADING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?P<method>GET|POST|PUT|PATCH|DELETE)\b[\s:\])*_`|–—-]{1,6}(?P<url>(?:(?:https?://)?(?:localhost|127\.0\.0\.1)(?::\d+)?|\{\{?\w+\}\}?)?/[^\s`)\]]*)",
    )
});
static DESCRIBED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^[^\p{L}\d/{]*(?:\d+[.)]\s+)?(?P<method>GET|POST|PUT|PATCH|DELETE)\b[\s:\])*_`|–—-]{1,6}(?P<url>(?:(?:https?://)?(?:localhost|127\.0\.0\.1)(?::\d+)?|\{\{?\w+\}\}?)?/[^\s`)\]:]*)[`)\]]*(?:\s*[–—:|(=→-]\s*(?P<words>[^\n]{1,120})|(?:[ \t]*\n[^\n]{1,300}){1,3}|(?P<sentence>\s[^\n]{1,300})|\s*)$",
    )
});

/// An instruction: "Select `POST` and enter `{{base_url}}/users`", "Send a GET request to /users".
static INSTRUCTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)\b(?i:select|choose|pick|set|use|method|send|make|issue|call|perform|submit|wähle|wählen|sende|elige|selecciona|envía|
                choisis|choisissez|envoie|envoyez|escolha|selecione|envie)\b
            [^.]{0,60}?\b(?P<method>GET|POST|PUT|PATCH|DELETE)\b
            (?: .{0,80}? (?P<url>(?:\{\{?\w+\}\}?|https?://localhost|localhost)[^\s,;]*/[\w/?&=\[\]{}.%:-]*[\w/}\]])
              | [^.]{0,30}?\s(?:to|for|on|at|an|auf|à|a|para|sur)\s+ (?P<path>/[\w/?&=\[\]{}.%:-]*[\w/}\]]))",
    )
});

/// A sentence that names a request and says what it returns: "Calling `GET /users/1` returns:", "If you open `/users/1`
/// in a browser, you see:".
static SENTENCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)\b(?: (?P<method>GET|POST|PUT|PATCH|DELETE)\b (?:[-\s]+\p{L}+){0,3}? |
                (?i:request\w*|open\w*|visit\w*|fetch\w*|call\w*|query\w*|(?:go|head|navigate|browse)\s+(?:over\s+)?to|point|load\w*|hit|try|enter|ruf\w*|
                    öffne\w*|besuch\w*|ouvre\w*|visite\w*|abr\w+)\b [^./]{0,30}? )
            \s+(?P<url>(?:(?:https?://)?(?:localhost|127\.0\.0\.1)(?::\d+)?|\{\{?\w+\}\}?)?/[\w/?&=\[\]{}.%:,-]*[\w}\]])",
    )
});

/// Words of a sentence whose request is not a GET.
const WRITES: &str = "post put patch delete create creating update updating remove removing add adding send sending submit";

/// Fields of a request in a paragraph: `Request URL: http://localhost:3000/users`, `Request Method: GET`.
static URL_FIELD: LazyLock<Regex> = LazyLock::new(|| {
    let value = r"\s*[:：]\s*(?P<url>(?:(?:https?://|localhost|\{)\S*)?/\S*)";
    pattern(&[r"(?i)(?:^|\s)", labels::URL, value].concat())
});
static URL_LINE: LazyLock<Regex> = LazyLock::new(|| {
    let value = r"[\s*_]*[:：][\s*_]*(?P<url>(?:(?:https?://localhost|localhost|\{\{?\w+\}?\})[^\s/]*)?/[^\s`]*)\s*$";
    pattern(&[r"(?i)^[\W_]*", labels::URL, value].concat())
});
static METHOD_FIELD: LazyLock<Regex> = LazyLock::new(|| {
    let value = r")\s*[:：]\s*(?P<method>GET|POST|PUT|PATCH|DELETE)\b";
    pattern(&[r"(?:^|\s)(?i:", labels::METHOD, value].concat())
});

/// A heading of API Blueprint: `List users [GET /users]`, or `List users [GET]` below `Users [/users]`.
static BLUEPRINT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\[(?:(?P<method>GET|POST|PUT|PATCH|DELETE)\s*)?(?P<url>/[^\]\s]*)?\]\s*$")
});

/// A parameter of API Blueprint with its value: `id: 1 (number) - the record`.
static VALUE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?P<name>\w+)\s*[:=]\s*`?(?P<value>[\w.-]+)`?\s*\("));

/// A block that is only the URL of a request whose method begins its heading: `POST Add a user`.
static URL_ALONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\s*(?P<url>(?:https?://(?:localhost|127\.0\.0\.1)(?::\d+)?|localhost(?::\d+)?|\{\{?\w+\}\}?)/\S*)\s*$",
    )
});
static METHOD_FIRST: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\W*(?P<method>GET|POST|PUT|PATCH|DELETE)\b"));

/// How a block names a request.
#[derive(PartialEq)]
enum Form {
    /// It is for what is in its section.
    Section,
    /// It is described, as in a list of endpoints, and for what is near below it.
    Described,
    /// It is a step, for what is up to the next heading.
    Step,
    /// Fields, which are a step, too.
    Fields,
    /// It is for the block below it.
    Sentence,
}

/// Whether a paragraph names a request only by the way: "Calling `GET /users/1` returns:".
pub fn is_sentence(text: &str) -> bool {
    matches!(named(text), Some((_, _, Form::Sentence)))
}

/// Whether a paragraph names an endpoint whose description follows: "**GET - /users/:id**".
pub fn begins_endpoint(block: &Block) -> bool {
    let Block::Prose(prose) = block else {
        return false;
    };
    let found = DESCRIBED.captures(prose.text.trim());
    found.is_some_and(|found| found.name("sentence").is_none())
        && status_text::in_paragraph(&prose.text).is_none()
        && status_text::of_success(&prose.text).is_none()
}

/// A sentence that names a request, without it.
pub fn without_request(sentence: &str) -> String {
    SENTENCE.replace(sentence, "").into_owned()
}

/// A line that is an endpoint. A method in lower case stands after a label: "Request: get /users".
fn endpoint(text: &str) -> Option<regex::Captures<'_>> {
    let found = ENDPOINT.captures(text)?;
    let label = found
        .name("label")
        .map(|label| labels::label(label.as_str()));
    let is_method = http_message::METHODS.contains(&&found["method"]);
    let is_status = found
        .name("status")
        .is_none_or(|status| success_of(status.as_str()).is_some());
    let is_only = labels::words(text)
        .iter()
        .filter(|word| is_one_of(word, "get post put patch delete"))
        .count()
        == 1;
    (is_status
        && (is_method || label == Some(Announces::Request))
        && (is_only || found.name("status").is_none()))
    .then_some(found)
}

/// The success beside an endpoint: "→ 200 OK", "· success `204`".
fn success_of(text: &str) -> Option<u16> {
    let last = text.trim_matches(['*', '_', '`', ' ', '(', ')']);
    let words = last.rsplit(['·', '|', '→', ',', ';', '—', '–']).next()?;
    status_text::in_line(words)
        .or_else(|| status_text::of_success(words))
        .filter(|code| *code < 300)
}

/// Whether a line is a method and a path.
pub fn is_endpoint(line: &str) -> bool {
    endpoint(line).is_some()
}

/// The label of an endpoint: "Request" of "Request: GET /users".
pub fn label(line: &str) -> Option<&str> {
    Some(endpoint(line)?.name("label")?.as_str())
}

/// Whether a line names a request and the status of its response.
pub fn has_status(line: &str) -> bool {
    endpoint(line).is_some_and(|found| found.name("status").is_some())
}

/// The request that the text of a paragraph or heading names.
fn named(text: &str) -> Option<(String, String, Form)> {
    if labels::is_about_another(text) {
        return None;
    }
    if let Some(url) = URL_FIELD.captures(text)
        && let Some(method) = METHOD_FIELD.captures(text)
    {
        return Some((
            method["method"].to_owned(),
            url["url"].to_owned(),
            Form::Fields,
        ));
    }
    let parts = |form| {
        move |found: regex::Captures<'_>| {
            let url = found.name("url").or_else(|| found.name("path"))?;
            let method = found.name("method").map_or("GET", |method| method.as_str());
            Some((method.to_uppercase(), url.as_str().to_owned(), form))
        }
    };
    let is_response = || {
        // The request is in the last sentence, or in the one before "You should see:".
        let last = labels::last_sentence(text);
        let is_near = SENTENCE.is_match(last) || labels::words(last).len() <= 5;
        let said = labels::label(text);
        let is_example = labels::has_word(
            text,
            "example sample beispiel exemple ejemplo exemplo esempio",
        );
        is_near
            && (said == Announces::Response || is_example && said == Announces::Unspecific)
            && !text.ends_with('.')
            && text.len() < 300
            && !labels::is_elsewhere(text)
            && !labels::names_a_file(text)
            && SENTENCE.find_iter(text).count() == 1
    };
    endpoint(text)
        .and_then(parts(Form::Section))
        .or_else(|| INSTRUCTION.captures(text).and_then(parts(Form::Step)))
        .or_else(|| {
            let found = SENTENCE.captures(text).filter(|_| is_response())?;
            let reads = found.name("method").is_some() || !labels::has_word(text, WRITES);
            parts(Form::Sentence)(found).filter(|_| reads)
        })
}

/// The request that a heading or paragraph names.
fn named_in(block: &Block) -> Option<(String, String, Form)> {
    let (text, pattern, form) = match block {
        Block::Heading(heading) => (&heading.text, &IN_HEADING, Form::Section),
        Block::Prose(prose) => (&prose.text, &DESCRIBED, Form::Described),
        _ => return None,
    };
    let is_write = |found: &regex::Captures<'_>| {
        matches!(&found["method"], "POST" | "PUT" | "PATCH" | "DELETE")
    };
    named(text).or_else(|| {
        let mut all = pattern.captures_iter(text);
        let found = all.next()?;
        let is_only = all.next().is_none() && !labels::is_about_another(text);
        let answers = labels::label(text) == Announces::Response && !labels::is_elsewhere(text);
        let is_plain = found.name("sentence").is_none() || is_write(&found);
        (is_only && (is_plain || answers))
            .then(|| (found["method"].to_owned(), found["url"].to_owned(), form))
    })
}

/// The request in a heading of API Blueprint, whose path may be in a heading above it.
fn in_blueprint(blocks: &[Block], index: usize) -> Option<(String, String, Form)> {
    let Block::Heading(heading) = &blocks[index] else {
        return None;
    };
    let found = BLUEPRINT.captures(&heading.text)?;
    let method = found.name("method")?.as_str().to_owned();
    let resource = (0..index).rev().find(|at| match &blocks[*at] {
        Block::Heading(above) => above.level < heading.level,
        _ => false,
    });
    let above = || match &blocks[resource?] {
        Block::Heading(above) => Some(BLUEPRINT.captures(&above.text)?.name("url")?.as_str()),
        _ => None,
    };
    let url = found.name("url").map(|url| url.as_str()).or_else(above)?;
    // `/users{?name}` is a path with an optional query.
    let mut url = url.split("{?").next().unwrap_or_default().to_owned();
    // Values are given below the heading, or else below that of the resource.
    for at in std::iter::once(index).chain(resource) {
        let below = blocks[at + 1..].iter();
        let below = below.take_while(|block| !matches!(block, Block::Heading(_) | Block::Fence(_)));
        for block in below {
            if let Block::Prose(prose) = block
                && let Some(value) = VALUE.captures(&prose.text)
            {
                url = url.replace(&format!("{{{}}}", &value["name"]), &value["value"]);
            }
        }
    }
    Some((method, url, Form::Section))
}

/// The method at the beginning of a heading directly above a block: `GET Read a user`.
fn method_above(blocks: &[Block], index: usize) -> Option<&str> {
    match blocks.get(index.checked_sub(1)?)? {
        Block::Heading(heading) => Some(
            METHOD_FIRST
                .captures(&heading.text)?
                .name("method")?
                .as_str(),
        ),
        _ => None,
    }
}

/// The request of a URL alone below such a heading.
fn below_method(blocks: &[Block], index: usize) -> Option<(String, String, Form)> {
    let Block::Prose(prose) = &blocks[index] else {
        return None;
    };
    let url = URL_ALONE.captures(&prose.text)?["url"].to_owned();
    Some((method_above(blocks, index)?.to_owned(), url, Form::Fields))
}

/// Whether a page has the base URL or commands of another service, and names this machine nowhere.
pub fn is_of_other_service(text: &str) -> bool {
    let names_other = |line: &str| {
        let lower = line.to_lowercase();
        let names = ["base url", "curl "]
            .iter()
            .any(|name| lower.contains(name));
        (names || lower.starts_with("host:")) && lower.contains("://")
    };
    let is_local = ["localhost", "127.0.0.1"]
        .iter()
        .any(|name| text.contains(name));
    !is_local && text.lines().any(names_other)
}

/// Reads a label and its value in paragraphs of their own like those in one: `* **URL**` above `/users/1`, `* **Method**`
/// above `GET`.
fn join_labels(text: &str, blocks: &mut [Block]) {
    static URL: LazyLock<Regex> =
        LazyLock::new(|| pattern(&[r"(?i)^\W*", labels::URL, r"\W*$"].concat()));
    static METHOD: LazyLock<Regex> =
        LazyLock::new(|| pattern(&[r"(?i)^\W*", labels::METHOD, r"\W*$"].concat()));
    static PATH: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^(?:(?:https?://)?(?:localhost|127\.0\.0\.1)(?::\d+)?|\{\{?\w+\}\}?)?/[^\s`]*$")
    });
    for index in 1..blocks.len() {
        let (above, below) = blocks.split_at_mut(index);
        let (Some(Block::Prose(label)), Some(block)) = (above.last(), below.first_mut()) else {
            continue;
        };
        let Block::Prose(value) = block else {
            continue;
        };
        let word = value.text.trim();
        if METHOD.is_match(&label.text) && http_message::METHODS.contains(&word) {
            value.text = format!("Method: {word}");
        } else if URL.is_match(&label.text)
            && PATH.is_match(word)
            && let Some(at) = text[value.range.clone()].find(word)
        {
            let start = value.range.start + at;
            *block = Block::Fence(Fence::unfenced(text, start..start + word.len()));
        }
    }
}

/// Makes requests of endpoints in headings and paragraphs that are followed by JSON and by no other request.
pub fn imply_requests(text: &str, blocks: &mut Vec<Block>) {
    join_labels(text, blocks);
    for index in (0..blocks.len()).rev() {
        if let Block::Table(table) = &blocks[index]
            && let Some((method, cell, status)) = in_table(table)
            && let Some(next) = blocks[index + 1..]
                .iter()
                .find(|block| matches!(block, Block::Fence(_) | Block::Heading(_)))
            && is_shown(next)
        {
            let url = &cell.text;
            let source = &text[cell.range.clone()];
            let start = cell.range.start + source.find(url.as_str()).unwrap_or_default();
            let fence = implied(text, start..cell.range.end, method, url);
            let status = status.map(|cell| Prose {
                text: format!("Status: {}", cell.text),
                bold: None,
                range: cell.range.clone(),
            });
            blocks.splice(
                index + 1..index + 1,
                std::iter::once(fence).chain(status.map(Block::Prose)),
            );
            continue;
        }
        if let Block::Table(table) = &blocks[index] {
            let mut rows: Vec<Block> = rows_with_result(text, table).collect();
            if rows.is_empty() && !has_response_beside(blocks, index) {
                rows.extend(example_of_statuses(text, table));
            }
            blocks.splice(index + 1..index + 1, rows);
            continue;
        }
        // Fields in a code block are read like those of a paragraph.
        if let Block::Fence(fence) = &blocks[index]
            && fence.fenced
            && URL_FIELD.is_match(&fence.content)
            && METHOD_FIELD.is_match(&fence.content)
        {
            let (text, range) = (fence.content.clone(), fence.range.clone());
            let bold = None;
            blocks[index] = Block::Prose(Prose { text, bold, range });
        }
        // A URL after its label is a block of its own, as in backticks.
        if let Block::Prose(prose) = &blocks[index]
            && let Some(label) = URL_LINE.captures(&text[prose.range.clone()])
            && let Some(url) = label.name("url")
        {
            let start = prose.range.start;
            let fence = Fence::unfenced(text, start + url.start()..start + url.end());
            blocks.insert(index + 1, Block::Fence(fence));
            continue;
        }
        let (words, range, level) = match &blocks[index] {
            Block::Heading(heading) => (&heading.text, &heading.range, heading.level),
            Block::Prose(prose) => (&prose.text, &prose.range, level_above(blocks, index)),
            _ => continue,
        };
        let Some((method, mut url, form)) = in_blueprint(blocks, index)
            .or_else(|| below_method(blocks, index))
            .or_else(|| named_in(&blocks[index]))
        else {
            continue;
        };
        // A placeholder in angle brackets is HTML for Markdown.
        let tag = text[range.clone()].split_once(&format!("{url}<"));
        if let Some((name, _)) = tag.and_then(|(_, rest)| rest.split_once('>'))
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
        {
            url.push_str(&format!("<{name}>"));
        }
        let is_heading = matches!(blocks[index], Block::Heading(_));
        let is_step = matches!(form, Form::Step | Form::Fields) && !is_heading;
        let section = blocks[index + 1..].iter().take_while(|block| match block {
            Block::Heading(next) => {
                let is_part =
                    form == Form::Section && next.level == level && labels::names_part(&next.text);
                (next.level > level || is_part) && !is_step && named_in(block).is_none()
            }
            block => named_in(block).is_none(),
        });
        // What a sentence is about is directly below it.
        let section = section.filter(|block| block.directive().is_none());
        let first = || section.clone().position(is_shown).map(|at| at + 1);
        let length = match form {
            Form::Sentence => Some(1),
            Form::Fields | Form::Described if matches!(method.as_str(), "GET" | "DELETE") => {
                first().or_else(|| section.clone().position(is_foreign))
            }
            // Commands of another service do not end it.
            Form::Described => section.clone().position(is_foreign),
            _ => None,
        };
        let section = section.clone().take(length.unwrap_or(usize::MAX));
        let in_list = index > 0 && named_in(&blocks[index - 1]).is_some();
        let is_far = || {
            let is_text = |block: &&Block| !matches!(block, Block::Fence(_));
            in_list || section.clone().take_while(is_text).count() > 2
        };
        // A write is followed by what is sent.
        let sends = || {
            let text = |block: &Block| match block {
                Block::Heading(heading) => Some(labels::heading(&heading.text)),
                Block::Prose(prose) => Some(labels::label(&prose.text)),
                _ => None,
            };
            let until = section.clone().take_while(|block| !is_shown(block));
            let label = until.filter_map(text).last();
            matches!(
                label,
                Some(Announces::Request | Announces::RequestBody | Announces::Body)
            )
        };
        // A described query with its values is an example, wherever it is listed.
        let path = url::path_of(&url);
        let is_query = !is_heading
            && matches!(form, Form::Section | Form::Described)
            && method == "GET"
            && has_values(path);
        let described = DESCRIBED.captures(words);
        let is_sentence = described
            .as_ref()
            .is_some_and(|found| found.name("sentence").is_some());
        // "`GET /users/9` → 404"
        let is_stated = form == Form::Described
            && described
                .as_ref()
                .and_then(|found| found.name("words"))
                .is_some_and(|words| status_text::in_line(words.as_str()).is_some());
        let answers = labels::label(words) == Announces::Response;
        let succeeds = form == Form::Described
            && method != "GET"
            && says_success(words, section.clone(), method == "DELETE");
        if form == Form::Described
            && !succeeds
            && !is_query
            && !is_stated
            && (is_sentence && !answers && (!sends() || method == "DELETE") || !sends() && is_far())
        {
            continue;
        }
        // A paragraph below a command repeats it, unless the response to that is between them.
        let above = blocks[..index].iter().rev().take_while(|block| {
            let ends = match block {
                Block::Heading(_) => true,
                Block::Prose(above) => INSTRUCTION.is_match(&above.text),
                block => is_shown(block),
            };
            !ends && !is_heading
        });
        let repeats = above
            .into_iter()
            .find(|block| is_request(block))
            .is_some_and(
                |block| matches!(block, Block::Fence(fence) if mentions(&fence.content, path)),
            );
        // A read or deletion of one record needs no more than its status, and a write no more than its body.
        let states = |block: &Block| match block {
            Block::Prose(prose) => status_text::in_line(&prose.text)
                .or_else(|| status_text::explained(&prose.text))
                .or_else(|| status_text::of_response(&prose.text))
                .is_some(),
            Block::Table(table) => status_text::status_column(table).is_some(),
            _ => false,
        };
        let body = endpoint(words).and_then(|found| found.name("body"));
        let is_object = |body: regex::Match<'_>| {
            serde_json::from_str::<serde_json::Map<_, serde_json::Value>>(body.as_str()).is_ok()
        };
        let is_whole = url::placeholder(path).is_none()
            && match method.as_str() {
                "GET" | "DELETE" => {
                    let is_named = matches!(form, Form::Section | Form::Described) && !in_list;
                    let near = if is_heading { usize::MAX } else { 4 };
                    let section = section.clone().take(near);
                    succeeds
                        || is_stated
                        || is_query
                        || has_status(words)
                        || (is_heading || is_named) && section.into_iter().any(states)
                }
                _ => body.is_some_and(is_object),
            };
        if repeats
            || section.clone().any(is_request)
            || !(is_whole || section.clone().any(is_shown))
        {
            continue;
        }
        let source = &text[range.clone()];
        let (start, end) = match source.find(&method).zip(source.rfind(&url)) {
            Some((start, end)) if start > end => (end, start + method.len()),
            Some((start, end)) => (start, end + url.len()),
            // The tag of a documentation system, or a path that is in another heading.
            None => (0, source.len()),
        };
        let mut fence = implied(text, range.start + start..range.start + end, &method, &url);
        if let (Some(body), Block::Fence(fence)) = (body, &mut fence) {
            fence.content.push_str(&format!("\n\n{}", body.as_str()));
        }
        let pairs = in_blueprint(blocks, index).map_or(Vec::new(), |_| more_pairs(blocks, index));
        for at in pairs.into_iter().rev() {
            let range = blocks[at].range();
            blocks.insert(at, implied(text, range, &method, &url));
        }
        blocks.insert(index + 1, fence);
    }
}

/// Where an action of API Blueprint begins another pair of `+ Request` and `+ Response`.
fn more_pairs(blocks: &[Block], index: usize) -> Vec<usize> {
    let mut answered = false;
    let mut found = Vec::new();
    for (at, block) in blocks.iter().enumerate().skip(index + 1) {
        match block {
            Block::Heading(_) => break,
            Block::Prose(prose) => match prose.text.split_whitespace().next() {
                Some("Response") => answered = true,
                Some("Request") if std::mem::take(&mut answered) => found.push(at),
                _ => {}
            },
            _ => {}
        }
    }
    found
}

/// Whether a path has a query all of whose parameters have values, and not words for one: `?_sort=field`.
fn has_values(path: &str) -> bool {
    const GENERAL: &str = "string number integer boolean value keyword term query text field column attribute property key";
    let (_, query) = path.split_once('?').unwrap_or_default();
    let has_value = |part: &str| {
        let (_, value) = part.split_once('=').unwrap_or_default();
        let is_capital = value.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        !value.is_empty()
            && !is_capital
            && !value.contains(['<', '{', '[', '|', '*', ':', '$', '…'])
            && !value.contains("..")
            && !is_one_of(value, GENERAL)
    };
    !query.is_empty() && query.split('&').all(has_value)
}

/// Whether the paragraph of a write, or one of those below it, says what it returns on success. A body is sent first.
fn says_success<'a>(
    words: &str,
    section: impl Iterator<Item = &'a Block>,
    is_deletion: bool,
) -> bool {
    let mut sent = is_deletion;
    let mut said = status_text::on_success(words).is_some();
    for block in section.take(6) {
        match block {
            Block::Prose(prose) => said |= status_text::on_success(&prose.text).is_some(),
            Block::Fence(_) if is_deletion && !said => return false,
            block => sent |= is_shown(block),
        }
    }
    sent && said
}

fn is_shown(block: &Block) -> bool {
    matches!(block, Block::Fence(fence) if shows_response(fence))
}

fn is_request(block: &Block) -> bool {
    let Block::Fence(fence) = block else {
        return false;
    };
    let code = fence.content.to_lowercase();
    let names = ["curl", "http", "localhost"]
        .iter()
        .any(|word| code.contains(word));
    (names && !shows_response(fence))
        || http_message::begins_message(fence.content.trim()) && !code.starts_with("http")
}

fn is_foreign(block: &Block) -> bool {
    let is_command = |fence: &Fence| {
        let has = |part: &str| fence.content.contains(part);
        has("curl ") && has("://") && !has("localhost") && !has("127.0.0.1")
    };
    matches!(block, Block::Fence(fence) if is_command(fence))
}

/// Whether a command has `path`, with values in place of its parameters.
fn mentions(command: &str, path: &str) -> bool {
    let segments = path
        .split('/')
        .map(|segment| match segment.starts_with(['{', ':']) {
            true => r#"[^/?\s'"]+"#.to_owned(),
            false => regex::escape(segment),
        });
    let pattern = segments.collect::<Vec<_>>().join("/");
    Regex::new(&pattern).is_ok_and(|pattern| pattern.is_match(command))
}

/// A request that a part of the page names.
fn implied(text: &str, range: Range<usize>, method: &str, url: &str) -> Block {
    Block::Fence(Fence::stating(text, range, format!("{method} {url}")))
}

/// The level of the section of a paragraph. Below "Request" or "Route" it goes on to "Response".
fn level_above(blocks: &[Block], index: usize) -> u8 {
    let heading = blocks[..index].iter().rev().find_map(|block| match block {
        Block::Heading(heading) => Some(heading),
        _ => None,
    });
    heading.map_or(6, |heading| match labels::heading(&heading.text) {
        labels::Announces::Request => heading.level - 1,
        _ => heading.level,
    })
}

/// The method, URL and status of the request that a table shows: in one row below "Method" and "URL", or in rows that
/// begin with these words.
fn in_table(table: &Table) -> Option<(&str, &Cell, Option<&Cell>)> {
    let beside = |names: &str| {
        let mut rows = std::iter::once(&table.header).chain(&table.rows);
        let row = rows.find(|row| row.len() == 2 && labels::has_word(&row[0].text, names))?;
        row.get(1)
    };
    let find = |names: &str| {
        let mut cells = table.header.iter();
        let column = cells.position(|cell| labels::has_word(&cell.text, names));
        match (column, table.rows.as_slice()) {
            (Some(column), [row]) if row.get(column).is_some_and(|cell| !cell.text.is_empty()) => {
                row.get(column)
            }
            _ => beside(names),
        }
    };
    let method = find("method verb méthode método metodo methode")?;
    let url = find("url uri endpoint path route")?;
    let is_method = ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.text.as_str());
    (is_method && url.text.contains('/') && !url.text.contains([' ', '`']))
        .then(|| (&*method.text, url, find("status code")))
}

/// The example of the first success in a table of statuses, as a response.
fn example_of_statuses(text: &str, table: &Table) -> Option<Block> {
    let column = status_text::status_column(table)?;
    let success = table.rows.iter().find_map(|row| {
        let code = status_text::code(row.get(column)?)?;
        (200..300).contains(&code).then_some((row, code))
    });
    let (row, code) = success?;
    let body = row.iter().find(|cell| is_json_object(cell))?;
    let head = format!("HTTP/1.1 {code}\n\n");
    let mut fence = Fence::unfenced(text, body.range.clone());
    fence.content = format!("{head}{}", body.text);
    fence.pieces[0].content = head.len();
    fence.pieces[0].source += text[body.range.clone()].find(&body.text)?;
    fence.pieces[0].length = body.text.len();
    Some(Block::Fence(fence))
}

/// Whether a cell is JSON in brackets.
fn is_json_object(cell: &Cell) -> bool {
    cell.text.starts_with(['{', '['])
        && lenient_json::parse(&cell.text).is_ok_and(|shown| shown.body.is_some())
}

/// Whether a code block beside a table, up to the next headings, may be the response to what is above it.
fn has_response_beside(blocks: &[Block], index: usize) -> bool {
    let is_heading = |block: &&Block| matches!(block, Block::Heading(_));
    let is_body = |at: usize| {
        let above = blocks[..at].iter().rev().find_map(|block| match block {
            Block::Prose(prose) => Some(&prose.text),
            Block::Heading(heading) => Some(&heading.text),
            _ => None,
        });
        let said = above.map(|text| labels::label(text));
        matches!(said, Some(Announces::RequestBody | Announces::Body))
    };
    let start = blocks[..index].iter().rposition(|block| is_heading(&block));
    let above = start.unwrap_or(0)..index;
    let below = blocks[index + 1..]
        .iter()
        .take_while(|block| !is_heading(block));
    below.into_iter().any(is_shown)
        || above
            .into_iter()
            .any(|at| is_shown(&blocks[at]) && !is_body(at))
}

/// The rows of a table that show a request and what it returns: `GET /users/9` or a command, and below a header such as
/// "Status" or "Result" `404 Not Found` or JSON.
fn rows_with_result<'a>(text: &'a str, table: &'a Table) -> impl Iterator<Item = Block> + 'a {
    const RESULT: &str = "status code response result returns output answer expected statuscode antwort ergebnis réponse \
         résultat statut respuesta resultado estado resposta risposta risultato stato ответ статус 状态码 响应 返回 结果";
    let is_result = |cell: &Cell| labels::has_word(&cell.text, RESULT);
    let results: Vec<bool> = table.header.iter().map(is_result).collect();
    table.rows.iter().filter_map(move |row| {
        let request = row.iter().find(|cell| {
            let message = http_message::begins_message(&cell.text);
            let url = cell.text.split(' ').nth(1).unwrap_or_default();
            message && url::placeholder(url::path_of(url)).is_none()
                || cell.text.starts_with("curl ")
        })?;
        let shown = || {
            let cells = row
                .iter()
                .zip(&results)
                .filter(|(_, is_result)| **is_result);
            cells.map(|(cell, _)| cell)
        };
        let code = |cell: &Cell| {
            let first = cell.text.split([',', ';']).next()?;
            Some((cell.range.clone(), status_text::in_line(first)?.to_string()))
        };
        let status = shown().find_map(code);
        let body = shown()
            .find(|cell| is_json_object(cell))
            .map(|cell| (cell.range.clone(), cell.text.clone()));
        if status.is_none() && body.is_none() {
            return None;
        }
        let mut fence = Fence::unfenced(text, request.range.clone());
        let (message, sent) = request
            .text
            .split_once(" with {")
            .unwrap_or((&request.text, ""));
        // Without a status line, JSON below a message would be its body; below a command it is the output.
        let command = match (&status, message.starts_with("curl ")) {
            (None, false) if sent.is_empty() => "curl -X ",
            (None, false) => return None,
            _ => "",
        };
        fence.content = format!("{command}{message}");
        fence.pieces[0].content = command.len();
        fence.pieces[0].source += text[request.range.clone()]
            .find(message)
            .unwrap_or_default();
        fence.pieces[0].length = message.len().min(request.range.len());
        if !sent.is_empty() {
            fence.content.push_str(&format!("\n\n{{{sent}"));
        }
        let first = ("\n\nHTTP/1.1 ", status);
        for (between, part) in [first, ("\n\n", body)] {
            let Some((range, part)) = part else { continue };
            fence.content.push_str(between);
            fence.pieces.push(Piece {
                content: fence.content.len(),
                source: range.start + text[range].find(&part)?,
                length: part.len(),
            });
            fence.content.push_str(&part);
        }
        Some(Block::Fence(fence))
    })
}
