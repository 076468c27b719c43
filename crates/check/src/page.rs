//! A Markdown page as the checker sees it: headings, labels, fences, tables
//! and directives in reading order, each with its place in the source.
//!
//! Nothing here knows what a request is. Offsets are bytes into the page's
//! text; lines and columns count from 1.

mod reader;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use super::front::Front;
use reader::Reader;

/// A page: its text and what was found in it.
#[derive(Debug, Clone)]
pub struct Page {
    /// The path as the person gave it; used in every message.
    pub path: PathBuf,
    /// The whole file, front matter included.
    pub text: String,
    /// What the front matter says about testing.
    pub front: Front,
    /// Everything of interest, in reading order.
    pub blocks: Vec<Block>,
    line_starts: Vec<usize>,
}

/// One thing on a page.
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
    /// 1 for `#`, 6 for `######`.
    pub level: u8,
    /// The text without markup.
    pub text: String,
    /// Where it stands.
    pub range: Range<usize>,
}

/// Running text.
#[derive(Debug, Clone)]
pub struct Prose {
    /// The text without markup; hard line breaks are kept as newlines.
    pub text: String,
    /// The bold words it begins with, if it begins so.
    pub bold: Option<String>,
    /// Where it stands.
    pub range: Range<usize>,
}

/// A code block.
#[derive(Debug, Clone)]
pub struct Fence {
    /// The first word after the opening marks, in lower case; may be empty.
    pub language: String,
    /// The whole block, from its opening marks to its closing ones.
    pub range: Range<usize>,
    /// The text inside, without the indentation of a list or quote.
    pub content: String,
    /// False for a block that is only indented.
    pub fenced: bool,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
struct Piece {
    content: usize,
    source: usize,
    length: usize,
}

/// A table with its cells as text.
#[derive(Debug, Clone)]
pub struct Table {
    /// The cells of the first row.
    pub header: Vec<Cell>,
    /// The rows below it.
    pub rows: Vec<Vec<Cell>>,
    /// Where it stands.
    pub range: Range<usize>,
}

/// One cell of a table.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// The text without markup.
    pub text: String,
    /// Where it stands.
    pub range: Range<usize>,
}

/// `<!-- standin: skip status=404 -->`, split into its words.
#[derive(Debug, Clone)]
pub struct Directive {
    /// Each word, split at its first `=`.
    pub words: Vec<(String, Option<String>)>,
    /// Where the comment stands.
    pub range: Range<usize>,
}

static DIRECTIVE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"<!--\s*standin:\s*([^>]*?)\s*-->").ok());

impl Page {
    /// Reads a page from its text.
    #[must_use]
    pub fn parse(path: &Path, text: String) -> Page {
        let (front, body) = Front::split(&text);
        let mut blocks = Reader::new(&text, body).read();
        directives(&text, body, &mut blocks);
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1))
            .collect();
        Page { path: path.to_owned(), text, front, blocks, line_starts }
    }

    /// The line of a byte offset, from 1.
    #[must_use]
    pub fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).max(1)
    }

    /// The column of a byte offset in characters, from 1.
    #[must_use]
    pub fn column(&self, offset: usize) -> usize {
        let start = self.line_starts[self.line(offset) - 1];
        let offset = offset.min(self.text.len());
        self.text.get(start..offset).map_or(1, |before| before.chars().count() + 1)
    }

    /// The offset at which a line begins; the end of the text for a line beyond it.
    #[must_use]
    pub fn line_start(&self, line: usize) -> usize {
        self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len())
    }

    /// The fence at a block index.
    #[must_use]
    pub fn fence(&self, index: usize) -> Option<&Fence> {
        match self.blocks.get(index) {
            Some(Block::Fence(fence)) => Some(fence),
            _ => None,
        }
    }

    /// The heading under which a block stands: its index among the blocks.
    #[must_use]
    pub fn heading_of(&self, index: usize) -> Option<usize> {
        (0..index).rev().find(|at| matches!(self.blocks[*at], Block::Heading(_)))
    }
}

impl Block {
    /// Where the block stands.
    #[must_use]
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
    /// The place in the page of an offset into the content.
    #[must_use]
    pub fn source(&self, offset: usize) -> usize {
        let at = self.pieces.partition_point(|piece| piece.content <= offset);
        match at.checked_sub(1).and_then(|before| self.pieces.get(before)) {
            Some(piece) => piece.source + (offset - piece.content).min(piece.length),
            None => self.range.start,
        }
    }

    /// The place in the page of a range of the content.
    #[must_use]
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
    /// Whether the directive has this word.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.words.iter().any(|(word, _)| word == name)
    }

    /// The value of `name=value`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.words.iter().find(|(word, _)| word == name).and_then(|(_, value)| value.as_deref())
    }
}

fn directives(text: &str, body: usize, blocks: &mut Vec<Block>) {
    let Some(pattern) = DIRECTIVE.as_ref() else { return };
    let mut found = Vec::new();
    for captures in pattern.captures_iter(&text[body..]) {
        let (Some(whole), Some(words)) = (captures.get(0), captures.get(1)) else { continue };
        let range = body + whole.start()..body + whole.end();
        let in_code = blocks.iter().any(|block| {
            matches!(block, Block::Fence(fence) if fence.range.start <= range.start && range.end <= fence.range.end)
        });
        if in_code {
            continue;
        }
        let words = words
            .as_str()
            .split_whitespace()
            .map(|word| match word.split_once('=') {
                Some((name, value)) => (name.to_ascii_lowercase(), Some(value.trim_matches('"').to_owned())),
                None => (word.to_ascii_lowercase(), None),
            })
            .collect();
        found.push(Block::Directive(Directive { words, range }));
    }
    if !found.is_empty() {
        blocks.extend(found);
        blocks.sort_by_key(|block| block.range().start);
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
            ("- a\n  - b\n\n    ```\n    one\n    two x\n    ```\n", "two x"),
            ("```sh\r\ncurl a \\\r\n  -d x\r\n```\r\n", "-d x"),
            ("---\ntitle: t\n---\n\n```sh\ncurl x\n```\n", "curl x"),
        ];
        for (text, needle) in rows {
            let page = page(text);
            let fence = fences(&page)[0];
            let at = fence.content.find(needle).unwrap_or_else(|| panic!("{text:?}: {:?}", fence.content));
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
        let page = page("<!-- standin: skip status=404 -->\n\n```md\n<!-- standin: reset -->\n```\n");
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
        let Some(Block::Table(table)) = page.blocks.first() else { panic!("no table") };
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
        assert_eq!(bold, [Some("Response:".into()), Some("Sample".into()), None]);
    }
}
