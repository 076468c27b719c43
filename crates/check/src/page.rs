//! A Markdown page as a list of blocks. Lines and columns count from 1.

use std::ops::Range;
use std::path::{Path, PathBuf};

pub use super::blocks::{Block, Cell, Fence, Heading, Table};
use super::directive::{Directive, Directives};
use super::front_matter::FrontMatter;
use super::reader::{markdown, requests_file};
use super::text::is_list_item;

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
            (front, markdown(&text, body))
        };
        let after_lines = text.match_indices('\n').map(|(at, _)| at + 1);
        let line_starts = std::iter::once(0).chain(after_lines).collect();
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

    /// Whether what begins at an offset is an item of a list.
    pub fn is_list_item(&self, offset: usize) -> bool {
        is_list_item(&self.text, offset)
    }

    /// The fence at a block index.
    pub fn fence(&self, index: usize) -> Option<&Fence> {
        self.blocks.get(index)?.fence()
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

    /// What the directives say about the example in the blocks from `at` to `end`.
    pub fn directives(&self, at: usize, end: usize) -> Directives {
        let mut out = Directives::default();
        for directive in self.directives_above(at) {
            out.add(directive);
        }
        let below = self.blocks[at..end].iter().filter_map(Block::directive);
        for directive in below.filter(|directive| directive.has("save")) {
            let words = directive.words.iter();
            let paths = words.filter_map(|(name, path)| Some((name.clone(), path.clone()?)));
            out.save.extend(paths);
        }
        // A data file holds until another is named.
        let mut above = self.blocks[..at].iter().rev().filter_map(Block::directive);
        let data = above.find_map(|directive| directive.value("db"));
        out.data = data.map(str::to_owned);
        out
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

    /// The sections that contain a block, up to that of `##`, the smallest first: those of headings, and a collapsible
    /// part.
    pub fn sections(&self, index: usize) -> Vec<Range<usize>> {
        let mut out = vec![self.section(index)];
        let mut level = u8::MAX;
        for start in (0..index).rev() {
            let Block::Heading(heading) = &self.blocks[start] else {
                continue;
            };
            if heading.level <= 2 {
                break;
            }
            if heading.level < level {
                level = heading.level;
                let ends = |at: &usize| matches!(&self.blocks[*at], Block::Heading(next) if next.level <= level);
                let end = (index + 1..self.blocks.len()).find(ends);
                out.push(start..end.unwrap_or(self.blocks.len()));
            }
        }
        out.extend(self.collapsible(index));
        out.sort_by_key(Range::len);
        out
    }

    /// The blocks of the `<details>` element that contains a block.
    fn collapsible(&self, index: usize) -> Option<Range<usize>> {
        let at = self.blocks[index].range().start;
        let start = self.text[..at].rfind("<details")?;
        let length = self.text[start..].find("</details>")?;
        let inside = start..start + length;
        let is_before = |end: usize| move |block: &Block| block.range().start < end;
        inside.contains(&at).then(|| {
            self.blocks.partition_point(is_before(inside.start))
                ..self.blocks.partition_point(is_before(inside.end))
        })
    }

    /// The blocks of the `#` or `##` section that contains a block.
    pub fn section(&self, index: usize) -> Range<usize> {
        let top =
            |at: &usize| matches!(&self.blocks[*at], Block::Heading(heading) if heading.level <= 2);
        let start = (0..index).rev().find(top).unwrap_or(0);
        let end = (index + 1..self.blocks.len()).find(top);
        start..end.unwrap_or(self.blocks.len())
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
