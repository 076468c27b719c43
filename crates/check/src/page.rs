//! A Markdown page as a list of blocks: headings, paragraphs, code blocks, tables and directives, each with its byte
//! range. Lines and columns count from 1.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use regex::Regex;

use super::front_matter::FrontMatter;
use super::http_message;
use super::labels;
use super::lenient_json;
use super::node::Kind;
use super::text::{Lines, nearest, pattern};

/// A parsed page.
#[derive(Debug, Clone)]
pub struct Page {
    /// The path as given on the command line.
    pub path: PathBuf,
    /// The whole file, front matter included.
    pub text: String,
    /// Settings in the front matter.
    pub front: FrontMatter,
    /// The blocks in reading order.
    pub blocks: Vec<Block>,
    line_starts: Vec<usize>,
}

/// A part of a page.
#[derive(Debug, Clone)]
pub enum Block {
    /// A heading.
    Heading(Heading),
    /// A paragraph or the text of a list item.
    Prose(Prose),
    /// A code block, fenced or indented.
    Fence(Fence),
    /// A table.
    Table(Table),
    /// An HTML comment addressed to the checker.
    Directive(Directive),
}

/// A heading and its level, 1 to 6.
#[derive(Debug, Clone)]
pub struct Heading {
    pub level: u8,
    /// The text without markup.
    pub text: String,
    /// Byte range in the page.
    pub range: Range<usize>,
}

/// A paragraph.
#[derive(Debug, Clone)]
pub struct Prose {
    /// The text without markup; hard line breaks are kept as newlines.
    pub text: String,
    /// The bold text it begins with.
    pub bold: Option<String>,
    /// Byte range in the page.
    pub range: Range<usize>,
}

/// A code block.
#[derive(Debug, Clone)]
pub struct Fence {
    /// The first word of the info string, in lower case; may be empty.
    pub language: String,
    /// The whole info string.
    pub info: String,
    /// The whole block, including the fences.
    pub range: Range<usize>,
    /// The text inside, without the indentation of a list or quote.
    pub content: String,
    /// False for an indented code block.
    pub fenced: bool,
    /// Whether it is a command within a sentence.
    pub in_sentence: bool,
    pieces: Vec<Piece>,
}

/// A run of the content that is contiguous in the source.
#[derive(Debug, Clone)]
struct Piece {
    content: usize,
    source: usize,
    length: usize,
}

/// A table with its cells as text.
#[derive(Debug, Clone)]
pub struct Table {
    /// The header row.
    pub header: Vec<Cell>,
    /// The other rows.
    pub rows: Vec<Vec<Cell>>,
    /// Byte range in the page.
    pub range: Range<usize>,
}

/// One cell of a table.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// The text without markup.
    pub text: String,
    /// Byte range in the page.
    pub range: Range<usize>,
}

/// `<!-- standin: skip status=404 -->`, split into its words.
#[derive(Debug, Clone)]
pub struct Directive {
    /// Each word, split at its first `=`.
    pub words: Vec<(String, Option<String>)>,
    /// Byte range in the page.
    pub range: Range<usize>,
}

static DIRECTIVE: LazyLock<Regex> = LazyLock::new(|| pattern(r"<!--\s*standin:\s*([^>]*?)\s*-->"));

impl Page {
    /// Parses a page.
    pub fn parse(path: &Path, text: String) -> Page {
        let is_requests = path
            .extension()
            .is_some_and(|end| end == "http" || end == "rest");
        let (front, blocks) = if is_requests {
            (FrontMatter::default(), requests_file(&text))
        } else {
            let (front, body) = FrontMatter::parse(&text);
            (front, Reader::new(&containers_as_lists(&text), body).read())
        };
        let line_starts = std::iter::once(0)
            .chain(
                text.bytes()
                    .enumerate()
                    .filter(|(_, byte)| *byte == b'\n')
                    .map(|(at, _)| at + 1),
            )
            .collect();
        Page {
            path: path.to_owned(),
            text,
            front,
            blocks,
            line_starts,
        }
    }

    /// The line of a byte offset.
    pub fn line(&self, offset: usize) -> usize {
        self.line_starts
            .partition_point(|start| *start <= offset)
            .max(1)
    }

    /// The column of a byte offset, in characters.
    pub fn column(&self, offset: usize) -> usize {
        let start = self.line_starts[self.line(offset) - 1];
        let offset = offset.min(self.text.len());
        self.text
            .get(start..offset)
            .map_or(1, |before| before.chars().count() + 1)
    }

    /// The offset at which a line begins; the end of the text for a line beyond it.
    pub fn line_start(&self, line: usize) -> usize {
        self.line_starts
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(self.text.len())
    }

    /// The fence at a block index.
    pub fn fence(&self, index: usize) -> Option<&Fence> {
        match self.blocks.get(index) {
            Some(Block::Fence(fence)) => Some(fence),
            _ => None,
        }
    }

    /// The index of the nearest heading above a block.
    pub fn heading_of(&self, index: usize) -> Option<usize> {
        (0..index)
            .rev()
            .find(|at| matches!(self.blocks[*at], Block::Heading(_)))
    }

    /// The directives between a block and the nearest heading, code block or table above it.
    pub fn directives_above(&self, index: usize) -> impl Iterator<Item = &Directive> {
        self.blocks[..index]
            .iter()
            .rev()
            .take_while(|block| !block.separates())
            .filter_map(Block::directive)
    }

    /// The value of `as=request`, `as=response` or `as=none` above a block.
    pub fn declared_role(&self, index: usize) -> Option<&str> {
        self.directives_above(index)
            .find_map(|directive| directive.value("as"))
    }

    /// The headings whose sections contain a block, the nearest first.
    pub fn headings_above(&self, index: usize) -> impl Iterator<Item = &Heading> {
        let mut level = u8::MAX;
        self.blocks[..index]
            .iter()
            .rev()
            .filter_map(move |block| match block {
                Block::Heading(heading) if heading.level < level => {
                    level = heading.level;
                    Some(heading)
                }
                _ => None,
            })
    }
}

impl Block {
    /// Whether labels and directives above it are not for what is below it.
    pub fn separates(&self) -> bool {
        match self {
            Block::Heading(_) | Block::Table(_) => true,
            Block::Fence(fence) => !fence.in_sentence,
            Block::Prose(_) | Block::Directive(_) => false,
        }
    }

    /// The directive, if the block is one.
    pub fn directive(&self) -> Option<&Directive> {
        match self {
            Block::Directive(directive) => Some(directive),
            _ => None,
        }
    }

    /// The block's byte range in the page.
    pub fn range(&self) -> Range<usize> {
        match self {
            Block::Heading(heading) => heading.range.clone(),
            Block::Prose(prose) => prose.range.clone(),
            Block::Fence(fence) => fence.range.clone(),
            Block::Table(table) => table.range.clone(),
            Block::Directive(directive) => directive.range.clone(),
        }
    }
}

impl Fence {
    /// Code that stands in the text.
    fn unfenced(text: &str, range: Range<usize>) -> Fence {
        let content = text[range.clone()].to_owned();
        let pieces = vec![Piece {
            content: 0,
            source: range.start,
            length: content.len(),
        }];
        let (language, info) = (String::new(), String::new());
        Fence {
            language,
            info,
            range,
            content,
            fenced: false,
            in_sentence: false,
            pieces,
        }
    }

    /// Maps an offset in the content to one in the page.
    pub fn source(&self, offset: usize) -> usize {
        let at = self.pieces.partition_point(|piece| piece.content <= offset);
        match at.checked_sub(1).and_then(|before| self.pieces.get(before)) {
            Some(piece) => piece.source + (offset - piece.content).min(piece.length),
            None => self.range.start,
        }
    }

    /// Maps a range of the content to one in the page.
    pub fn source_range(&self, range: &Range<usize>) -> Range<usize> {
        if range.is_empty() {
            let at = self.source(range.start);
            return at..at;
        }
        // The last byte is mapped, not the end: the end may lie on the next line.
        self.source(range.start)..self.source(range.end - 1) + 1
    }
}

impl Directive {
    fn parse(words: &str, range: Range<usize>) -> Directive {
        let word = |word: &str| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.trim_matches('"').to_owned())),
            None => (word.to_owned(), None),
        };
        Directive {
            words: words.split_whitespace().map(word).collect(),
            range,
        }
    }

    /// What is wrong with the directive: an unknown word or value.
    pub fn error(&self) -> Option<String> {
        const WORDS: &[&str] = &[
            "skip", "reset", "status", "db", "as", "any", "save", "expect", "after",
        ];
        const ROLES: &[&str] = &["request", "response", "none"];
        let saves = self.has("save");
        let near = |word: &str, known: &[&str]| {
            let near = nearest(word, known.iter().copied());
            near.map_or_else(
                || format!("; known are {}", known.join(", ")),
                |near| format!("; did you mean `{near}`?"),
            )
        };
        self.words
            .iter()
            .find_map(|(word, value)| match (word.as_str(), value.as_deref()) {
                ("skip" | "reset" | "save", None) | ("db" | "any" | "after", Some(_)) => None,
                ("status", Some(list)) => {
                    let is_status = |status: &str| {
                        status
                            .parse()
                            .is_ok_and(|code: u16| (100..600).contains(&code))
                    };
                    (!list.split(',').all(is_status))
                        .then(|| format!("`{list}` is not a status or a list of statuses"))
                }
                ("expect", Some("hint")) => None,
                ("as", Some(role)) if ROLES.contains(&role) => None,
                ("as", Some(role)) => {
                    Some(format!("`as={role}` has no meaning{}", near(role, ROLES)))
                }
                (_, Some(path)) if saves && path.starts_with('.') => None,
                (known, _) if WORDS.contains(&known) => {
                    Some(format!("`{known}` has the wrong form in a standin comment"))
                }
                (unknown, _) => Some(format!(
                    "unknown word `{unknown}` in a standin comment{}",
                    near(unknown, WORDS)
                )),
            })
    }

    /// Whether the directive has this word.
    pub fn has(&self, name: &str) -> bool {
        self.words.iter().any(|(word, _)| word == name)
    }

    /// The value of `name=value`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.words
            .iter()
            .find(|(word, _)| word == name)
            .and_then(|(_, value)| value.as_deref())
    }
}

/// The directives in HTML at an offset of the page.
fn directives(html: &str, start: usize) -> impl Iterator<Item = Block> {
    DIRECTIVE.captures_iter(html).filter_map(move |captures| {
        let (whole, words) = (captures.get(0)?, captures.get(1)?);
        let range = start + whole.start()..start + whole.end();
        Some(Block::Directive(Directive::parse(words.as_str(), range)))
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
                    self.blocks
                        .extend(directives(&self.text[range.clone()], range.start));
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

/// Inline code of a paragraph that is a block by its meaning: what stands alone after a label (`**URL**: ...`,
/// `Response: ...`), and a command within a sentence.
fn inline(text: &str, paragraph: &Range<usize>, code: &Range<usize>) -> Option<Fence> {
    let quoted = &text[code.clone()];
    let ticks = quoted.len() - quoted.trim_start_matches('`').len();
    let range = code.start + ticks..code.end - ticks;
    let before = text[paragraph.start..code.start].trim_end();
    let label = before.trim_end_matches(['*', '_', ' ', '"']);
    let after = text[code.end..paragraph.end].trim();
    let alone = label.ends_with(':') && !label.contains(['\n', '.']) && after.is_empty();
    let words = labels::words(label);
    let named = |names: &[&str]| alone && words.iter().any(|word| names.contains(&word.as_str()));
    let content = &text[range.clone()];
    let is_block = if content.starts_with("curl ")
        && (content.contains("localhost") || content.contains("127.0.0.1"))
    {
        let mut fence = Fence::unfenced(text, range);
        fence.in_sentence = !(alone && words.len() <= 4);
        return Some(fence);
    } else if is_json(content) {
        named(&["response", "returns", "result", "output"])
    } else if http_message::begins_message(content) {
        named(&["request"])
    } else {
        named(&["url", "uri", "endpoint", "address"])
            && content.contains('/')
            && !content.contains(' ')
    };
    is_block.then(|| Fence::unfenced(text, range))
}

/// A file of requests: each `###` begins a section, and its comments may address the checker.
fn requests_file(text: &str) -> Vec<Block> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page::parse(Path::new("page.md"), text.to_owned())
    }

    fn fences(page: &Page) -> Vec<&Fence> {
        page.blocks
            .iter()
            .filter_map(|block| match block {
                Block::Fence(fence) => Some(fence),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn content_maps_back_to_the_source() {
        let rows = [
            ("```sh\ncurl x\n```\n", "x"),
            ("1. Do\n\n   ```sh\n   curl \\\n     x\n   ```\n", "x"),
            ("> Quote\n>\n> ```sh\n> curl a \\\n> -d x\n> ```\n", "-d x"),
            (
                "- a\n  - b\n\n    ```\n    one\n    two x\n    ```\n",
                "two x",
            ),
            ("```sh\r\ncurl a \\\r\n  -d x\r\n```\r\n", "-d x"),
            ("---\ntitle: t\n---\n\n```sh\ncurl x\n```\n", "curl x"),
        ];
        for (text, needle) in rows {
            let page = page(text);
            let fence = fences(&page)[0];
            let at = fence
                .content
                .find(needle)
                .unwrap_or_else(|| panic!("{text:?}: {:?}", fence.content));
            let source = fence.source_range(&(at..at + needle.len()));
            assert_eq!(&page.text[source], needle, "{text:?}");
        }
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        let page = page("a\néb\n");
        assert_eq!((page.line(0), page.column(0)), (1, 1));
        assert_eq!((page.line(4), page.column(4)), (2, 2));
    }

    #[test]
    fn directives_are_read_outside_code_only() {
        let page = page(
            "<!-- standin: skip status=404 -->\n\n`<!-- standin: x -->`\n\n```md\n<!-- standin: reset -->\n```\n",
        );
        let found: Vec<_> = page
            .blocks
            .iter()
            .filter_map(|block| match block {
                Block::Directive(directive) => Some(directive),
                _ => None,
            })
            .collect();
        assert_eq!(found.len(), 1);
        assert!(found[0].has("skip"));
        assert_eq!(found[0].value("status"), Some("404"));
    }

    #[test]
    fn tables_lose_their_markup() {
        let page = page("| `Property` name | Type |\n| --- | --- |\n| `id` | **number** |\n");
        let Some(Block::Table(table)) = page.blocks.first() else {
            panic!("no table")
        };
        assert_eq!(table.header[0].text, "Property name");
        assert_eq!(table.rows[0][1].text, "number");
        assert!(page.text[table.rows[0][0].range.clone()].contains("`id`"));
    }

    #[test]
    fn bold_words_at_the_start_are_kept() {
        let page = page("**Response:** as follows\n\n* **Sample**\n\nplain **late** words\n");
        let bold: Vec<_> = page
            .blocks
            .iter()
            .filter_map(|block| match block {
                Block::Prose(prose) => Some(prose.bold.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(
            bold,
            [Some("Response:".into()), Some("Sample".into()), None]
        );
    }
}
