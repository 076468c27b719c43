//! Reads Markdown and request files into blocks.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use regex::Regex;

use super::blocks::{Block, Cell, Directive, Fence, Heading, Piece, Prose, Table};
use super::http_message;
use super::labels;
use super::lenient_json;
use super::node::Kind;
use super::text::{Lines, pattern};
use super::transcript::looks_like_response;
use super::url;

/// `<!-- standin: ... -->`, or `{/* standin: ... */}` in MDX. Without the colon it must begin with a word that is known.
static DIRECTIVE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)(?:<!--|\{/\*)\s*standin
        (?: \s*:\s* (?P<words>[^>]*?)
          | \s+ (?P<known> (?: (?:skip|reset|save)\b | (?:status|db|as|any|expect|after)= ) [^>]*?) )
        \s*(?:-->|\*/\})",
    )
});

/// The blocks of a Markdown page whose text begins at an offset.
pub fn markdown(text: &str, body: usize) -> Vec<Block> {
    let mut blocks = Reader::new(&containers_as_lists(text), body).read();
    imply_requests(text, &mut blocks);
    blocks
}

/// A heading or paragraph that is only a method and a path, or a paragraph that begins with them and leads to what is
/// below it: "`GET /users/1` returns one user:".
static ENDPOINT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\s*(?:[^:.]{1,40}:\s+)?(?P<method>GET|POST|PUT|PATCH|DELETE)\s+(?P<url>(?:https?://localhost|localhost|\{\{?\w+\}\}?)?[^\s]*/[^\s]*)(?:\s[^:]{0,120}:)?\s*$",
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

/// Makes requests of endpoints in headings and paragraphs that are followed by JSON and by no other request.
fn imply_requests(text: &str, blocks: &mut Vec<Block>) {
    // The paths of a page about another service are not of this one.
    let elsewhere = |line: &str| {
        let lower = line.to_lowercase();
        (lower.contains("base url") || lower.contains("curl ")) && lower.contains("://")
    };
    let is_local = ["localhost", "127.0.0.1"]
        .iter()
        .any(|name| text.contains(name));
    if !is_local && text.lines().any(elsewhere) {
        return;
    }
    for index in (0..blocks.len()).rev() {
        if let Block::Table(table) = &blocks[index]
            && let Some((method, cell)) = in_table(table)
            && let Some(next) = blocks[index + 1..]
                .iter()
                .find(|block| matches!(block, Block::Fence(_) | Block::Heading(_)))
            && matches!(next, Block::Fence(fence) if looks_like_response(&fence.content))
        {
            let url = &cell.text;
            let source = &text[cell.range.clone()];
            let start = cell.range.start + source.find(url.as_str()).unwrap_or_default();
            let fence = implied(text, start..cell.range.end, method, url);
            blocks.insert(index + 1, fence);
            continue;
        }
        let is_shown = |block: &Block| matches!(block, Block::Fence(fence) if looks_like_response(&fence.content));
        let (words, range, level) = match &blocks[index] {
            Block::Heading(heading) => (&heading.text, &heading.range, heading.level),
            Block::Prose(prose) => (&prose.text, &prose.range, level_above(blocks, index)),
            _ => continue,
        };
        let endpoint = |text: &'_ str| {
            let found = ENDPOINT
                .captures(text)
                .or_else(|| INSTRUCTION.captures(text))?;
            let url = found.name("url").or_else(|| found.name("path"))?;
            let parts = (found["method"].to_owned(), url.as_str().to_owned());
            (!labels::is_about_another(text)).then_some(parts)
        };
        let Some((method, url)) = endpoint(words) else {
            continue;
        };
        // An instruction is about what is up to the next heading.
        let is_step = matches!(blocks[index], Block::Prose(_)) && INSTRUCTION.is_match(words);
        let section = blocks[index + 1..].iter().take_while(|block| match block {
            Block::Heading(next) => {
                next.level > level && !is_step && endpoint(&next.text).is_none()
            }
            Block::Prose(next) => endpoint(&next.text).is_none(),
            _ => true,
        });
        // A paragraph below a command repeats it, unless the response to that is between them.
        let above = blocks[..index].iter().rev().take_while(|block| {
            let ends = match block {
                Block::Heading(_) => true,
                Block::Prose(above) => INSTRUCTION.is_match(&above.text),
                block => is_shown(block),
            };
            !ends && !matches!(blocks[index], Block::Heading(_))
        });
        let is_request = |block: &Block| {
            let Block::Fence(fence) = block else {
                return false;
            };
            let code = fence.content.to_lowercase();
            let names = ["curl", "http", "localhost"]
                .iter()
                .any(|word| code.contains(word));
            (names && !fence.content.starts_with("HTTP/"))
                || http_message::begins_message(fence.content.trim())
        };
        let path = url::path_of(&url);
        let repeats = above
            .into_iter()
            .find(|block| is_request(block))
            .is_some_and(
                |block| matches!(block, Block::Fence(fence) if mentions(&fence.content, path)),
            );
        if repeats || section.clone().any(is_request) || !section.clone().any(is_shown) {
            continue;
        }
        let source = &text[range.clone()];
        let Some((start, end)) = source.find(&method).zip(source.rfind(&url)) else {
            continue;
        };
        let (start, end) = (range.start + start, range.start + end + url.len());
        let fence = implied(text, start.min(end)..end, &method, &url);
        blocks.insert(index + 1, fence);
    }
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
    let mut fence = Fence::unfenced(text, range);
    fence.content = format!("{method} {url}");
    fence.pieces[0].length = fence.content.len().min(fence.range.len());
    Block::Fence(fence)
}

/// The level of the section of a paragraph. Below "Request" it goes on to "Response".
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

/// The request that a table with one row and the columns "Method" and "URL" shows.
fn in_table(table: &Table) -> Option<(&str, &Cell)> {
    let column = |names: &str| {
        let mut cells = table.header.iter();
        cells.position(|cell| labels::has_word(&cell.text, names))
    };
    let [row] = table.rows.as_slice() else {
        return None;
    };
    let method = row.get(column("method verb méthode método metodo methode")?)?;
    let url = row.get(column("url uri endpoint path route")?)?;
    let is_method = ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.text.as_str());
    (is_method && url.text.contains('/') && !url.text.contains([' ', '`']))
        .then_some((&*method.text, url))
}

/// The directives in HTML at an offset of the page.
fn directives(html: &str, start: usize) -> impl Iterator<Item = Block> {
    DIRECTIVE.captures_iter(html).filter_map(move |captures| {
        let words = captures.name("words").or_else(|| captures.name("known"));
        let (whole, words) = (captures.get(0)?, words?);
        let range = start + whole.start()..start + whole.end();
        Some(Block::Directive(Directive::parse(words.as_str(), range)))
    })
}

/// The titles of collapsible parts and of tabs in HTML at an offset of the page, as labels.
fn titles(html: &str, start: usize) -> impl Iterator<Item = Block> {
    static TITLE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r#"(?s)<summary[^>]*>(?P<text>.*?)</summary>|<\w+\s[^>]*\b(?:label|title)="(?P<name>[^"]+)""#,
        )
    });
    static TAG: LazyLock<Regex> = LazyLock::new(|| pattern(r"<[^>]*>"));
    TITLE.captures_iter(html).filter_map(move |captures| {
        let title = captures.name("text").or_else(|| captures.name("name"))?;
        let text = TAG.replace_all(title.as_str(), "").trim().to_owned();
        let range = start + title.start()..start + title.end();
        (!text.is_empty()).then(|| {
            let bold = Some(text.clone());
            Block::Prose(Prose { text, bold, range })
        })
    })
}

/// Collects blocks from Markdown events. Inline text is buffered until its block ends.
struct Reader<'a> {
    text: &'a str,
    base: usize,
    blocks: Vec<Block>,
    words: String,
    words_range: Option<Range<usize>>,
    bold: Option<String>,
    in_bold: bool,
    /// Inline code of the paragraph.
    code: Vec<Range<usize>>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, base: usize) -> Self {
        Reader {
            text,
            base,
            blocks: Vec::new(),
            words: String::new(),
            words_range: None,
            bold: None,
            in_bold: false,
            code: Vec::new(),
        }
    }

    fn read(mut self) -> Vec<Block> {
        let body = &self.text[self.base..];
        let mut events = Parser::new_ext(body, Options::ENABLE_TABLES).into_offset_iter();
        while let Some((event, range)) = events.next() {
            let range = self.base + range.start..self.base + range.end;
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    self.flush();
                    let inside = events.by_ref().map_while(|(event, range)| match event {
                        Event::End(TagEnd::CodeBlock) => None,
                        other => Some((other, range)),
                    });
                    let fence = fence(kind, range, self.base, inside);
                    self.blocks.push(Block::Fence(fence));
                }
                Event::Start(Tag::Table(_)) => {
                    self.flush();
                    let inside = events.by_ref().map_while(|(event, range)| match event {
                        Event::End(TagEnd::Table) => None,
                        other => Some((other, range)),
                    });
                    let table = table(range, self.base, inside);
                    self.blocks.push(Block::Table(table));
                }
                Event::Start(Tag::Heading { level, .. }) => {
                    self.flush();
                    let mut text = String::new();
                    for (event, _) in events.by_ref() {
                        match event {
                            Event::End(TagEnd::Heading(_)) => break,
                            Event::Text(words) | Event::Code(words) => text.push_str(&words),
                            Event::SoftBreak | Event::HardBreak => text.push(' '),
                            _ => {}
                        }
                    }
                    let heading = Heading {
                        level: depth(level),
                        text,
                        range,
                    };
                    self.blocks.push(Block::Heading(heading));
                }
                Event::Start(Tag::Strong) => {
                    if self.words.trim().is_empty() {
                        self.in_bold = true;
                        self.bold = Some(String::new());
                    }
                }
                Event::End(TagEnd::Strong) => self.in_bold = false,
                Event::Text(words) => self.say(&words, range),
                Event::Code(words) => {
                    self.say(&words, range.clone());
                    self.code.push(range);
                }
                Event::SoftBreak => self.say(" ", range),
                Event::HardBreak => self.say("\n", range),
                Event::Start(Tag::Emphasis | Tag::Link { .. } | Tag::Image { .. })
                | Event::End(TagEnd::Emphasis | TagEnd::Link | TagEnd::Image) => {}
                Event::InlineHtml(html) => self.blocks.extend(directives(&html, range.start)),
                Event::Start(Tag::HtmlBlock) => {
                    self.flush();
                    let html = &self.text[range.clone()];
                    self.blocks.extend(directives(html, range.start));
                    self.blocks.extend(titles(html, range.start));
                    // It is not run, but listed.
                    let local = html.contains("localhost") || html.contains("127.0.0.1");
                    if html.starts_with("<pre") && html.contains("curl ") && local {
                        let mut fence = Fence::unfenced(self.text, range);
                        fence.in_sentence = true;
                        self.blocks.push(Block::Fence(fence));
                    }
                }
                _ => self.flush(),
            }
        }
        self.flush();
        // A directive inside a paragraph is found before the paragraph ends.
        self.blocks.sort_by_key(|block| block.range().start);
        self.blocks
    }

    fn say(&mut self, words: &str, range: Range<usize>) {
        self.words.push_str(words);
        if self.in_bold
            && let Some(bold) = &mut self.bold
        {
            bold.push_str(words);
        }
        match &mut self.words_range {
            Some(whole) => whole.end = range.end,
            None => self.words_range = Some(range),
        }
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.words);
        let bold = self.bold.take().filter(|bold| !bold.trim().is_empty());
        self.in_bold = false;
        let code = std::mem::take(&mut self.code);
        if let Some(range) = self.words_range.take()
            && !text.trim().is_empty()
        {
            let source = &self.text[range.clone()];
            // A comment in MDX.
            if source.starts_with("{/*") && DIRECTIVE.is_match(source) {
                return self.blocks.extend(directives(source, range.start));
            }
            if is_json(source) {
                return self
                    .blocks
                    .push(Block::Fence(Fence::unfenced(self.text, range)));
            }
            let inline = code
                .iter()
                .filter_map(|code| inline(self.text, &range, code))
                .collect::<Vec<_>>();
            self.blocks.push(Block::Prose(Prose { text, bold, range }));
            self.blocks.extend(inline.into_iter().map(Block::Fence));
        }
    }
}

/// Whether a paragraph is JSON without a code block around it.
fn is_json(source: &str) -> bool {
    source.starts_with(['{', '['])
        && source.ends_with(['}', ']'])
        && source.contains(['"', '\n'])
        && {
            let parsed = lenient_json::parse(source)
                .ok()
                .and_then(|documented| documented.body);
            parsed.is_some_and(|node| matches!(node.kind, Kind::Array(_) | Kind::Object { .. }))
        }
}

/// Labels of a URL.
const ADDRESS: &str = "url uri endpoint address adresse path route ruta rota pfad chemin адрес путь 接口地址 请求地址 地址 路径 \
     エンドポイント";

/// Inline code of a paragraph that is a block by its meaning: what stands alone after a label (`**URL**: ...`,
/// `Response: ...`), and a command within a sentence.
fn inline(text: &str, paragraph: &Range<usize>, code: &Range<usize>) -> Option<Fence> {
    let quoted = &text[code.clone()];
    let ticks = quoted.len() - quoted.trim_start_matches('`').len();
    let range = code.start + ticks..code.end - ticks;
    let before = text[paragraph.start..code.start].trim_end();
    // Of several labels in a paragraph, each has its line.
    let before = before.rsplit('\n').next().unwrap_or_default();
    let label = before.trim_end_matches(['*', '_', ' ', '"', '\u{a0}']);
    let after = text[code.end..paragraph.end]
        .lines()
        .next()
        .unwrap_or_default();
    let after = after.trim_matches([' ', '\\', '\t', '\r']);
    let arrows = ["->", "=>", "→"];
    let is_arrow = arrows.iter().any(|arrow| label.ends_with(arrow));
    let is_label = is_arrow || (labels::leads(label) && !label.contains('.'));
    let alone = is_label && after.is_empty();
    let words = labels::words(label);
    let named = |names: &str| alone && labels::has_word(label, names);
    let content = &text[range.clone()];
    let is_block = if content.starts_with("curl ")
        && (content.contains("localhost") || content.contains("127.0.0.1"))
    {
        let mut fence = Fence::unfenced(text, range);
        let line = text[paragraph.start..code.start].rsplit('\n').next();
        let is_line = line.unwrap_or_default().trim().is_empty();
        // A line of its own, or one with the response: `curl ...` -> `{...}`.
        let shows = arrows.iter().any(|arrow| {
            after
                .strip_prefix(arrow)
                .is_some_and(|rest| rest.trim().starts_with(['`']))
        });
        fence.in_sentence = !(is_line && (after.is_empty() || shows) || alone && words.len() <= 10);
        return Some(fence);
    } else if is_json(content) || matches!(content, "[]" | "{}") {
        alone && (is_arrow || labels::label(label) == labels::Announces::Response)
            || named("expected content")
    } else if http_message::begins_message(content) {
        named("request")
    } else {
        named(ADDRESS) && content.contains('/') && !content.contains(' ')
    };
    is_block.then(|| Fence::unfenced(text, range))
}

/// A file of requests: each `###` begins a section, and its comments may address the checker.
pub fn requests_file(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut fence: Option<Range<usize>> = None;
    for (line, at) in (Lines { text, at: 0 }) {
        let range = at..at + line.len();
        if let Some(title) = line.strip_prefix("###") {
            blocks.extend(
                fence
                    .take()
                    .map(|range| Block::Fence(Fence::unfenced(text, range))),
            );
            blocks.push(Block::Heading(Heading {
                level: 2,
                text: title.trim().to_owned(),
                range,
            }));
            continue;
        }
        if let Some((_, words)) = line
            .split_once("standin:")
            .filter(|(mark, _)| matches!(mark.trim(), "#" | "//"))
        {
            blocks.push(Block::Directive(Directive::parse(words, range.clone())));
        }
        fence.get_or_insert(range.clone()).end = range.end;
    }
    blocks.extend(fence.map(|range| Block::Fence(Fence::unfenced(text, range))));
    blocks
}

/// Replaces the markers of MkDocs tabs and admonitions, whose content is indented, by those of list items of the same
/// width, so that Markdown parses what is inside.
fn containers_as_lists(text: &str) -> Cow<'_, str> {
    const MARKERS: [(&str, &str); 5] = [
        ("=== ", "*   "),
        ("!!! ", "*   "),
        ("??? ", "*   "),
        ("???+ ", "*   +"),
        ("===+ ", "*   +"),
    ];
    if !MARKERS.iter().any(|(marker, _)| text.contains(marker)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut lines = Lines { text, at: 0 };
    while let Some((line, _)) = lines.next() {
        let content = line.trim_start_matches(' ');
        let indent = &line[..line.len() - content.len()];
        let inside = text[lines.at..]
            .lines()
            .find(|line| !line.trim().is_empty());
        let is_container =
            inside.is_some_and(|inside| inside.starts_with(&format!("{indent}    ")));
        match MARKERS
            .iter()
            .find_map(|(marker, list)| Some((content.strip_prefix(marker)?, list)))
        {
            Some((rest, list)) if is_container => out.extend([indent, list, rest]),
            _ => out.push_str(line),
        }
    }
    Cow::Owned(out)
}

fn fence<'a>(
    kind: CodeBlockKind<'a>,
    range: Range<usize>,
    base: usize,
    inside: impl Iterator<Item = (Event<'a>, Range<usize>)>,
) -> Fence {
    let (info, fenced) = match kind {
        CodeBlockKind::Indented => (String::new(), false),
        CodeBlockKind::Fenced(info) => (info.to_string(), true),
    };
    let language = info
        .split([' ', ',', '{', '\t'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut content = String::new();
    let mut pieces = Vec::new();
    for (event, piece) in inside {
        if let Event::Text(words) = event {
            pieces.push(Piece {
                content: content.len(),
                source: base + piece.start,
                length: words.len(),
            });
            content.push_str(&words);
        }
    }
    Fence {
        language,
        info,
        range,
        content,
        fenced,
        in_sentence: false,
        pieces,
    }
}

fn table<'a>(
    range: Range<usize>,
    base: usize,
    inside: impl Iterator<Item = (Event<'a>, Range<usize>)>,
) -> Table {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (event, place) in inside {
        match event {
            Event::Start(Tag::TableHead | Tag::TableRow) => rows.push(Vec::new()),
            Event::Start(Tag::TableCell) => {
                if let Some(row) = rows.last_mut() {
                    row.push(Cell {
                        text: String::new(),
                        range: base + place.start..base + place.end,
                    });
                }
            }
            Event::Text(words) | Event::Code(words) => {
                if let Some(cell) = rows.last_mut().and_then(|row| row.last_mut()) {
                    cell.text.push_str(&words);
                }
            }
            _ => {}
        }
    }
    for cell in rows.iter_mut().flatten() {
        cell.text = cell.text.trim().to_owned();
    }
    let mut rows = rows.into_iter();
    Table {
        header: rows.next().unwrap_or_default(),
        rows: rows.collect(),
        range,
    }
}

fn depth(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}
