//! The headings, labels, requests and code in the HTML of a page.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::blocks::{Block, Fence, Heading, Piece, Prose};

static TAG: LazyLock<Regex> = regex!(r"<[^>]*>");

/// The headings and labels in HTML at an offset of the page: titles of collapsible parts and of tabs, paragraphs.
pub fn titles(html: &str, start: usize) -> impl Iterator<Item = Block> {
    static TITLE: LazyLock<Regex> = regex!(
        r#"(?s)<(?:summary|p|dt)\b[^>]*>(?P<text>.*?)</(?:summary|p|dt)>|<h(?P<level>[1-6])\b[^>]*>(?P<heading>.*?)</h[1-6]>|<\w+\s[^>]*\b(?:label|title)="(?P<name>[^"]+)"|<(?P<tag>Request|Response)(?:Example|Sample)?(?:\s[^>]*)?>"#
    );
    let titles = TITLE.captures_iter(html).filter_map(move |captures| {
        let mut groups = ["text", "heading", "name", "tag"].into_iter();
        let title = groups.find_map(|name| captures.name(name))?;
        let text = TAG.replace_all(title.as_str(), "").trim().to_owned();
        let range = start + title.start()..start + title.end();
        if text.is_empty() {
            return None;
        }
        let level = captures.name("level").map(|level| level.as_str().parse());
        Some(match level {
            Some(Ok(level)) => Block::Heading(Heading { level, text, range }),
            _ => {
                let bold = (!captures[0].starts_with("<p")).then(|| text.clone());
                Block::Prose(Prose { text, bold, range })
            }
        })
    });
    titles.chain(endpoint(html, start))
}

/// The request that an element names by its text, or by its class and text: `<div class="endpoint get">/users</div>`,
/// `<div><b>GET</b> <code>/users</code></div>`.
fn endpoint(html: &str, start: usize) -> Option<Block> {
    static CLASS: LazyLock<Regex> = regex!(
        r#"(?s)^\s*<\w[^>]*\bclass="(?:[^"]*[\s_-])?(?i:(?P<method>get|post|put|patch|delete))(?:[\s_-][^"]*)?"[^>]*>\s*(?P<path>/[^<]*?)\s*</\w+>\s*$"#
    );
    static TEXT: LazyLock<Regex> =
        regex!(r"^(?P<method>GET|POST|PUT|PATCH|DELETE) (?P<path>/\S*)$");
    let text = TAG.replace_all(html, " ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // Paragraphs are read as labels.
    let is_paragraph = html.trim_start().starts_with("<p");
    let found = CLASS
        .captures(html)
        .or_else(|| TEXT.captures(&text).filter(|_| !is_paragraph))?;
    let text = format!("{} {}", found["method"].to_uppercase(), &found["path"]);
    let range = start..start + html.trim_end().len();
    let bold = None;
    Some(Block::Prose(Prose { text, bold, range }))
}

/// The code blocks in HTML. Code with tags in it is not run, but listed.
pub fn code(text: &str, range: Range<usize>) -> impl Iterator<Item = Block> {
    static PRE: LazyLock<Regex> =
        regex!(r"(?s)<pre\b[^>]*>\s*(?:<code\b[^>]*>)?(?P<code>.*?)(?:</code>)?\s*</pre>");
    // Tags that only give the code its colours.
    static MARKUP: LazyLock<Regex> = regex!(
        r"&(?P<entity>quot|#39|#x27|apos|lt|gt|amp);|<(?P<close>/)?(?P<tag>span|div|b|strong|mark|code|br|a)\b[^>]*>"
    );
    let found = PRE.captures_iter(&text[range.clone()]);
    found.filter_map(move |captures| {
        let (whole, code) = (captures.get(0)?, captures.name("code")?);
        let at = |place: usize| range.start + place;
        let mut fence = Fence::unfenced(text, at(code.start())..at(code.end()));
        fence.range = at(whole.start())..at(whole.end());
        if MARKUP.replace_all(&fence.content, "").contains('<') {
            fence.is_mention = true;
            return Some(Block::Fence(fence));
        }
        fence.content.clear();
        fence.pieces.clear();
        let mut piece = |written: &str, place: usize| {
            let content = fence.content.len();
            fence.pieces.push(Piece {
                content,
                source: at(code.start() + place),
                length: written.len(),
            });
            fence.content.push_str(written);
        };
        let mut done = 0;
        let mut line_ended = true;
        for mark in MARKUP.captures_iter(code.as_str()) {
            let (whole, before) = (mark.get(0)?, &code.as_str()[done..mark.get(0)?.start()]);
            piece(before, done);
            if !before.is_empty() {
                line_ended = before.ends_with('\n');
            }
            let tag = mark.name("tag").map(|tag| tag.as_str());
            let letter = match mark.name("entity").map(|name| name.as_str()) {
                Some("quot") => "\"",
                Some("lt") => "<",
                Some("gt") => ">",
                Some("amp") => "&",
                Some(_) => "'",
                // Each line may be an element.
                None if tag == Some("br")
                    || tag == Some("div") && mark.name("close").is_some() && !line_ended =>
                {
                    "\n"
                }
                None => "",
            };
            if !letter.is_empty() {
                piece(letter, whole.start());
                line_ended = letter == "\n";
            }
            done = whole.end();
        }
        piece(&code.as_str()[done..], done);
        Some(Block::Fence(fence))
    })
}
