//! URLs of this machine without a method: what a page has its readers open in a browser. Each is a GET request.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::blocks::{Block, Fence, Prose};
use super::found::FoundRequest;
use super::http_message;
use super::labels;
use super::mentions;
use super::requests;
use super::status_text;
use super::text::{Lines, is_one_of};
use super::transcript::is_response;
use super::url;

/// More of them in a paragraph are not examples.
const MOST: usize = 5;

/// A URL of this machine with a path, in text or in a line of a code block.
static ADDRESS: LazyLock<Regex> = regex!(
    r#"\b(?:http://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?/[[\x21-\x7e\u{c0}-\u{24f}\u{400}-\u{4ff}]--[`<>()\[\]"'|*]]+"#
);

/// The same alone in a line of a code block, where letters of any script belong to it.
static ADDRESS_IN_LINE: LazyLock<Regex> = regex!(
    r#"^(?:http://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?/[^\s`<>()\[\]"'|*，。；、（]+"#
);

/// A path alone at the beginning of a line of a code block.
static PATH_IN_LINE: LazyLock<Regex> =
    regex!(r#"^/[^\s`<>()\[\]"'|*，。；、（/]+[^\s`<>()\[\]"'|*，。；、（]*"#);

/// The beginning of a remark after a URL.
const REMARKS: [&str; 9] = ["#", "(", "//", "- ", "– ", "— ", "→", "->", "=>"];

/// A path that a page of the application has, not a resource: `/index.html`, `/docs`.
static PAGE: LazyLock<Regex> = regex!(
    r"(?i)\.(?:html?|js|mjs|css|png|jpe?g|svg|ico|json|ya?ml|php|txt)$|^/(?:swagger|docs?|api-docs|redoc|graphi?ql|admin|login)\b"
);

/// Adds the URLs in paragraphs as blocks.
pub fn find(text: &str, blocks: &mut Vec<Block>) {
    for index in (0..blocks.len()).rev() {
        let Block::Prose(prose) = &blocks[index] else {
            continue;
        };
        // A request of the paragraph.
        let is_found = matches!(blocks.get(index + 1), Some(Block::Fence(next)) if prose.range.contains(&next.range.start));
        if is_found || !url::names_this_machine(source(text, prose)) {
            continue;
        }
        let found = in_paragraph(text, prose);
        let has_query = found.iter().all(|range| text[range.clone()].contains('?'));
        if found.is_empty()
            || found.len() > MOST
            || !reads(up_to_last(&prose.text), has_query)
            || !heading_reads(blocks, index, has_query)
            || is_about_command(blocks, index)
            || is_below_method(blocks, index)
        {
            continue;
        }
        let urls = found.into_iter().map(|range| {
            let url = unescaped(&text[range.clone()]);
            Block::Fence(Fence::synthetic(text, range, url))
        });
        blocks.splice(index + 1..index + 1, urls);
    }
}

/// A paragraph as it is written, with the target of a link at its end.
fn source<'a>(text: &'a str, prose: &Prose) -> &'a str {
    let rest = &text[prose.range.end..];
    let is_link = rest.trim_start_matches('`').starts_with("](");
    let target = rest.find(')').filter(|_| is_link);
    &text[prose.range.start..prose.range.end + target.unwrap_or(0)]
}

/// The URLs in a paragraph that are not those of links with other words.
fn in_paragraph(text: &str, prose: &Prose) -> Vec<Range<usize>> {
    if mentions::named_in(&Block::Prose(prose.clone())).is_some() {
        return Vec::new();
    }
    let source = source(text, prose);
    let mut found: Vec<Range<usize>> = Vec::new();
    for address in ADDRESS.find_iter(source) {
        let before = &source[..address.start()];
        // A link whose words are the path shows the URL all the same.
        let shows_path = || {
            let words = before.strip_suffix("](")?.rsplit_once('[')?.1;
            let path = unescaped(words.trim_matches('`'));
            let url = unescaped(address.as_str());
            Some(path.starts_with('/') && url::path_of(&url) == path)
        };
        let is_target = before.ends_with("](") && !shows_path().unwrap_or(false)
            || before.ends_with(['"', '\'']);
        // A part of a command.
        let line = before.rsplit('\n').next().unwrap_or_default();
        let is_in_code = line.matches('`').count() % 2 == 1;
        let is_part = is_in_code && !line.ends_with('`') && !line.ends_with("`GET ")
            || line.contains("curl ")
            || line.contains("wget ");
        let range = address.start()..address.start() + trimmed(address.as_str()).len();
        let url = |range: &Range<usize>| unescaped(&source[range.clone()]);
        let is_again = |other: &Range<usize>| url(other) == url(&range);
        let is_literal = is_literal(&source[range.clone()]);
        if is_literal && !is_target && !is_part && !found.iter().any(is_again) {
            found.push(range);
        }
    }
    let start = prose.range.start;
    let in_page = |range: Range<usize>| start + range.start..start + range.end;
    found.into_iter().map(in_page).collect()
}

/// The URL of this machine that a text is, if it can be opened.
pub fn whole(text: &str) -> Option<String> {
    let url = unescaped(text.trim());
    let found = ADDRESS_IN_LINE.find(&url)?;
    (found.range() == (0..url.len()) && is_literal(&url)).then_some(url)
}

/// A URL without the escapes of Markdown and HTML: `?\_page=1&amp;\_limit=2`.
fn unescaped(url: &str) -> String {
    static ESCAPE: LazyLock<Regex> = regex!(r"\\([[:punct:]])");
    ESCAPE.replace_all(url, "$1").replace("&amp;", "&")
}

/// A URL without the punctuation after it.
fn trimmed(url: &str) -> &str {
    url.trim_end_matches(['.', ',', ';', ':', '!', '?', '\\', '_', '~', '{', '}'])
}

/// Whether a URL names a resource or record, with values for all parts of it.
pub fn is_literal(address: &str) -> bool {
    let path = url::path_of(address);
    let name = path.split(['?', '&', '#']).next().unwrap_or_default();
    path.len() > 1
        && url::placeholder(path).is_none()
        && !path.contains(['{', '$', '…', '#'])
        && !PAGE.is_match(name)
}

/// Whether a path has a query all of whose parameters have values, and not words for one: `?_sort=field`.
pub fn has_values(path: &str) -> bool {
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

/// Whether the text beside a URL is about reading it: it mentions no other method and no failure. A query is always
/// read.
fn reads(words: &str, has_query: bool) -> bool {
    // "Add `_page` to the URL" is about a read.
    static ADDS: LazyLock<Regex> =
        regex!(r"(?i)\b(?:add\w*|append\w*)\b[^.]{0,60}\b(?:url|end|address|query|parameters?)\b");
    static BASE: LazyLock<Regex> = regex!(
        r"(?i)\b(?:base|basis|root)[\s_-]?(?:url|uri|path|endpoint|address)|\b(?:url|uri|endpoint)\s+(?:de\s+)?base\b|基础|ベース"
    );
    // "Don't use ..., but ...", "the old path ... is gone", "the second shows a 404 page"
    static DENIED: LazyLock<Regex> = regex!(
        r"(?i)\b(?:don['’]t\s+use|do\s+not\s+use|never\s+use|is\s+gone|(?:the\s+)?old\s+(?:path|url|route|address)|doesn['’]t|does\s+not|no\s+longer|4\d\d)\b|`\{\}`|\bempty\s+object\b"
    );
    let is_denied = DENIED.is_match(words);
    let words = ADDRESS.replace_all(words, "");
    let words = ADDS.replace_all(&words, "");
    let names = |method: &str| labels::words(&words).iter().any(|word| word == method);
    let is_other = |method: &&str| **method != *"GET" && words.contains(*method);
    !is_denied
        && !http_message::METHODS.iter().any(is_other)
        && (has_query || names("get") || !labels::says_write(&words))
        && !BASE.is_match(&words)
        && !labels::is_about_another(&words)
        && !status_text::says_failure(&words)
}

/// A paragraph up to the end of the sentence with its last URL: what comes next is about something further.
fn up_to_last(words: &str) -> &str {
    static END: LazyLock<Regex> = regex!(r"[.!?。！？]\s");
    let end_of = |url: regex::Match<'_>| url.start() + trimmed(url.as_str()).len();
    let last = ADDRESS.find_iter(words).last().map_or(0, end_of);
    let end = END.find_at(words, last);
    &words[..end.map_or(words.len(), |end| end.end())]
}

/// Whether the heading of a block does not speak of a write.
fn heading_reads(blocks: &[Block], index: usize, has_query: bool) -> bool {
    heading_above(&blocks[..index]).is_none_or(|heading| reads(heading, has_query))
}

/// The URL that a line opens, maybe with a remark after it. A path alone is read if its query or `is_get` says so.
fn opened(line: &str, is_get: bool) -> Option<&str> {
    let path = || {
        let path = PATH_IN_LINE.find(line)?;
        (is_get || has_values(path.as_str())).then_some(path)
    };
    let address = ADDRESS_IN_LINE.find(line).or_else(path)?;
    let rest = line[address.end()..].trim_start();
    let is_remark = rest.is_empty() || REMARKS.iter().any(|mark| rest.starts_with(mark));
    (is_remark && is_literal(address.as_str())).then_some(address.as_str())
}

/// The text of the nearest heading above.
fn heading_above(above: &[Block]) -> Option<&str> {
    let heading = above.iter().rev().find_map(Block::heading);
    heading.map(|heading| heading.text.as_str())
}

/// Whether the heading above names GET and no other method.
fn is_below_get(above: &[Block]) -> bool {
    let words = labels::words(heading_above(above).unwrap_or_default());
    let is_method = |word: &&String| is_one_of(word, "get post put patch delete head options");
    words.iter().filter(is_method).eq(["get"])
}

/// Whether the paragraph above is only a method, which is that of the URL.
fn is_below_method(blocks: &[Block], index: usize) -> bool {
    let above = index.checked_sub(1).and_then(|above| blocks[above].prose());
    let word = above.map_or("", |above| above.text.trim_matches(['`', '*', ' ', ':']));
    http_message::METHODS.contains(&word)
}

/// Whether a paragraph is about the request above it, whose response follows.
fn is_about_command(blocks: &[Block], index: usize) -> bool {
    let above = blocks[..index].iter().rev();
    let near = above.take_while(|block| block.heading().is_none());
    let mut last = near.filter_map(|block| Some((block, block.fence()?)));
    last.next().is_some_and(|(block, fence)| {
        let url = fence.content.split_whitespace().nth(1).unwrap_or_default();
        let is_template = url::placeholder(url::path_of(url)).is_some();
        !is_response(block)
            && !is_template
            && !ADDRESS.is_match(&fence.content)
            && (fence.content.contains("curl ")
                || http_message::begins_message(fence.content.trim()))
    })
}

/// The requests of a code block with nothing but URLs, one a line, and comments.
pub fn in_block(blocks: &[Block], at: usize) -> Vec<FoundRequest> {
    let Some(fence) = blocks.get(at).and_then(Block::fence) else {
        return Vec::new();
    };
    let is_get = is_below_get(&blocks[..at]);
    let mut found = Vec::new();
    let lines = Lines::new(&fence.content, 0);
    for (line, start) in lines {
        let shown = line.trim();
        // The address of the server itself is for people.
        let is_base = url::this_machine(shown) == Some(shown);
        if shown.is_empty() || is_base || shown.starts_with('#') || shown.starts_with("//") {
            continue;
        }
        let Some(request) = opened(shown, is_get).and_then(|url| requests::bare_url(url, "GET"))
        else {
            return Vec::new();
        };
        found.push(request.moved(start + line.len() - line.trim_start().len()));
    }
    let above = blocks[..at].iter().rev();
    let texts = above.map_while(|block| match block {
        Block::Prose(prose) => Some(prose.text.as_str()),
        Block::Directive(_) => Some(""),
        _ => None,
    });
    let mut texts = texts.filter(|text| !text.is_empty());
    let nearest = texts.next();
    // The text above a label such as "Endpoint:" is about the URL, too.
    let is_label = |text: &&str| labels::words(text).len() <= 3;
    let label = nearest.filter(is_label).and_then(|_| texts.next());
    let mut words = nearest.into_iter().chain(label.filter(|_| fence.fenced));
    let has_query = fence.content.contains('?');
    let speaks_of_it = |words| match fence.fenced {
        true => words,
        false => up_to_last(words),
    };
    let says_get = nearest.is_some_and(|text| labels::has_word(text, "get"));
    let reads = (says_get || heading_reads(blocks, at, has_query))
        && words.all(|words| reads(speaks_of_it(words), has_query));
    match reads && !repeats_command(&blocks[..at], fence) {
        true => found,
        false => Vec::new(),
    }
}

/// Whether a block is the URL of the command above it, as Swagger UI shows it again.
pub fn repeats_command(above: &[Block], own: &Fence) -> bool {
    let above = above.iter().rev().find_map(Block::fence);
    let above = above.map_or("", |above| above.content.trim());
    let own = own.content.trim();
    let is_command = above.contains("curl") || http_message::begins_message(above);
    is_command && above.contains(own) && above != own
}

/// Whether a block is only URLs, so that what is below it need not be their response.
pub fn is_address(fence: &Fence) -> bool {
    let found = ADDRESS.find(fence.content.trim());
    found.is_some_and(|found| found.start() == 0)
}
