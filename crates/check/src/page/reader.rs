//! From Markdown events to blocks.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{Block, Cell, Fence, Heading, Piece, Prose, Table};

/// Gathers blocks; running text is held until a block ends it.
pub(super) struct Reader<'a> {
    text: &'a str,
    base: usize,
    blocks: Vec<Block>,
    words: String,
    words_range: Option<Range<usize>>,
    bold: Option<String>,
    in_bold: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, base: usize) -> Self {
        Reader { text, base, blocks: Vec::new(), words: String::new(), words_range: None, bold: None, in_bold: false }
    }

    pub(super) fn read(mut self) -> Vec<Block> {
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
                    let heading = Heading { level: depth(level), text, range };
                    self.blocks.push(Block::Heading(heading));
                }
                Event::Start(Tag::Strong) => {
                    if self.words.trim().is_empty() {
                        self.in_bold = true;
                        self.bold = Some(String::new());
                    }
                }
                Event::End(TagEnd::Strong) => self.in_bold = false,
                Event::Text(words) | Event::Code(words) => self.say(&words, range),
                Event::SoftBreak => self.say(" ", range),
                Event::HardBreak => self.say("\n", range),
                Event::Start(Tag::Emphasis | Tag::Link { .. } | Tag::Image { .. })
                | Event::End(TagEnd::Emphasis | TagEnd::Link | TagEnd::Image)
                | Event::InlineHtml(_) => {}
                _ => self.flush(),
            }
        }
        self.flush();
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
        if let Some(range) = self.words_range.take()
            && !text.trim().is_empty()
        {
            self.blocks.push(Block::Prose(Prose { text, bold, range }));
        }
    }
}

fn fence<'a>(
    kind: CodeBlockKind<'a>,
    range: Range<usize>,
    base: usize,
    inside: impl Iterator<Item = (Event<'a>, Range<usize>)>,
) -> Fence {
    let (language, fenced) = match kind {
        CodeBlockKind::Indented => (String::new(), false),
        CodeBlockKind::Fenced(info) => {
            let word = info.split([' ', ',', '{', '\t']).next().unwrap_or_default();
            (word.to_ascii_lowercase(), true)
        }
    };
    let mut content = String::new();
    let mut pieces = Vec::new();
    for (event, piece) in inside {
        if let Event::Text(words) = event {
            pieces.push(Piece { content: content.len(), source: base + piece.start, length: words.len() });
            content.push_str(&words);
        }
    }
    Fence { language, range, content, fenced, pieces }
}

fn table<'a>(range: Range<usize>, base: usize, inside: impl Iterator<Item = (Event<'a>, Range<usize>)>) -> Table {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (event, place) in inside {
        match event {
            Event::Start(Tag::TableHead | Tag::TableRow) => rows.push(Vec::new()),
            Event::Start(Tag::TableCell) => {
                if let Some(row) = rows.last_mut() {
                    row.push(Cell { text: String::new(), range: base + place.start..base + place.end });
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
    Table { header: rows.next().unwrap_or_default(), rows: rows.collect(), range }
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
