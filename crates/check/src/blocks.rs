//! The blocks of a page, each with its byte range.

use std::ops::Range;

use super::directive::Directive;
use super::labels::has_word;
use super::text::floor_char_boundary;

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
#[derive(Debug, Clone, Default)]
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
    /// Whether it only mentions a request: within a sentence, or in a list or table of endpoints.
    pub is_mention: bool,
    /// Whether its closing mark is missing.
    pub is_unclosed: bool,
    /// What a table or list says of the response to it in words.
    pub expected: Vec<Stated>,
    pub(super) pieces: Vec<Piece>,
}

/// Words about the response to a request.
#[derive(Debug, Clone)]
pub struct Stated {
    /// The words.
    pub text: String,
    /// Whether the label or header above them is in another language than English.
    pub is_foreign: bool,
    /// Byte range in the page.
    pub range: Range<usize>,
}

/// A run of the content that is contiguous in the source.
#[derive(Debug, Clone)]
pub struct Piece {
    pub content: usize,
    pub source: usize,
    pub length: usize,
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

impl Block {
    /// Whether labels and directives above it are not for what is below it.
    pub fn separates(&self) -> bool {
        match self {
            Block::Heading(_) | Block::Table(_) => true,
            Block::Fence(fence) => !fence.is_mention,
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

    /// The heading, if the block is one.
    pub fn heading(&self) -> Option<&Heading> {
        match self {
            Block::Heading(heading) => Some(heading),
            _ => None,
        }
    }

    /// The paragraph, if the block is one.
    pub fn prose(&self) -> Option<&Prose> {
        match self {
            Block::Prose(prose) => Some(prose),
            _ => None,
        }
    }

    /// The code block, if the block is one.
    pub fn fence(&self) -> Option<&Fence> {
        match self {
            Block::Fence(fence) => Some(fence),
            _ => None,
        }
    }

    /// The text of a heading or paragraph.
    pub fn text(&self) -> Option<&str> {
        match self {
            Block::Heading(heading) => Some(&heading.text),
            Block::Prose(prose) => Some(&prose.text),
            _ => None,
        }
    }

    /// Moves the ends of the block's range back to the beginning of the characters of the page that they are in.
    pub fn align(&mut self, page: &str) {
        let range = match self {
            Block::Heading(heading) => &mut heading.range,
            Block::Prose(prose) => &mut prose.range,
            Block::Fence(fence) => &mut fence.range,
            Block::Table(table) => &mut table.range,
            Block::Directive(directive) => &mut directive.range,
        };
        let at = |offset| floor_char_boundary(page, offset);
        *range = at(range.start)..at(range.end);
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

impl Table {
    /// The header and the other rows.
    pub fn all_rows(&self) -> impl Iterator<Item = &Vec<Cell>> {
        std::iter::once(&self.header).chain(&self.rows)
    }

    /// The first column whose header has one of these words.
    pub fn column(&self, names: &str) -> Option<usize> {
        let mut header = self.header.iter();
        header.position(|cell| has_word(&cell.text, names))
    }
}

impl Cell {
    /// Where its text begins in the page, if it is there without markup.
    pub fn start(&self, page: &str) -> Option<usize> {
        Some(self.range.start + page[self.range.clone()].find(&self.text)?)
    }
}

impl Fence {
    /// Code that stands in the text.
    pub fn unfenced(text: &str, range: Range<usize>) -> Fence {
        let content = text[range.clone()].to_owned();
        let pieces = vec![Piece {
            content: 0,
            source: range.start,
            length: content.len(),
        }];
        Fence {
            range,
            content,
            pieces,
            ..Fence::default()
        }
    }

    /// A request in its usual form for a part of the page that says it in other words.
    pub fn synthetic(text: &str, range: Range<usize>, content: String) -> Fence {
        let mut fence = Fence::unfenced(text, range);
        // Content that is not verbatim on the page is mapped to the whole range.
        let is_same = fence.content.starts_with(&content);
        fence.pieces[0].length = if is_same { content.len() } else { 0 };
        fence.content = content;
        fence
    }

    /// A part of the content as a block of its own.
    pub fn part(&self, part: Range<usize>) -> Fence {
        let mut fence = self.clone();
        fence.range = self.source_range(&part);
        fence.cut(part.end..self.content.len());
        fence.cut(0..part.start);
        fence
    }

    /// Appends the text below the block, up to an offset of the page.
    pub fn extend(&mut self, text: &str, end: usize) {
        let start = self
            .pieces
            .last()
            .map_or(self.range.end, |last| last.source + last.length);
        self.pieces.push(Piece {
            content: self.content.len(),
            source: start,
            length: end - start,
        });
        self.content.push_str(&text[start..end]);
        self.range.end = end;
    }

    /// Takes a part out of the content.
    pub fn cut(&mut self, part: Range<usize>) {
        self.content.replace_range(part.clone(), "");
        let mut pieces = Vec::new();
        for piece in self.pieces.drain(..) {
            let end = piece.content + piece.length;
            let before = part.start.clamp(piece.content, end) - piece.content;
            let after = end - part.end.clamp(piece.content, end);
            if before > 0 {
                pieces.push(Piece {
                    length: before,
                    ..piece.clone()
                });
            }
            if after > 0 {
                let start = end - after;
                pieces.push(Piece {
                    content: start - part.len().min(start - part.start.min(start)),
                    source: piece.source + piece.length - after,
                    length: after,
                });
            }
        }
        self.pieces = pieces;
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
        if matches!(self.pieces.as_slice(), [piece] if piece.length == 0) {
            return self.range.clone();
        }
        // The last byte is mapped, not the end: the end may lie on the next line.
        self.source(range.start)..self.source(range.end - 1) + 1
    }
}
