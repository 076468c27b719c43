//! Code blocks that are not closed. For Markdown the text below is code, too, up to a mark that closes a block further
//! down; for their writers the next blocks are blocks.

use super::blocks::Fence;
use super::text::Lines;

/// The marks that a line begins with, and what is after them.
fn marks(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let mark = line
        .chars()
        .next()
        .filter(|mark| matches!(mark, '`' | '~'))?;
    let rest = line.trim_start_matches(mark);
    let marks = &line[..line.len() - rest.len()];
    (marks.len() >= 3).then_some((marks, rest))
}

/// Whether the page ends within a block.
pub fn is_open_at_end(text: &str, fence: &Fence) -> bool {
    let source = text.get(fence.range.clone()).filter(|_| fence.fenced);
    let mut lines = source.unwrap_or_default().trim_end().lines();
    let (opening, closing) = (lines.next(), lines.next_back());
    let is_closing = |opening: &str, line: &str| {
        let line = line.trim_start_matches(['>', ' ']);
        marks(line).is_some_and(|(marks, rest)| rest.is_empty() && marks.starts_with(opening))
    };
    text.trim_end().len() <= fence.range.end
        && opening
            .and_then(marks)
            .is_some_and(|(opening, _)| !closing.is_some_and(|line| is_closing(opening, line)))
}

/// Where the code of a block ends that contains the opening of another one, and where the text goes on.
pub fn end(text: &str, fence: &Fence) -> Option<(usize, usize)> {
    let source = text.get(fence.range.clone()).filter(|_| fence.fenced)?;
    let (opening, _) = marks(source.lines().next()?)?;
    let is_own = |marks: &str| marks.starts_with(opening);
    let last = source.trim_end().lines().last()?;
    let is_closed = marks(last).is_some_and(|(marks, rest)| is_own(marks) && rest.is_empty());
    let is_nested = |line: &str| {
        marks(line).is_some_and(|(marks, rest)| {
            rest.starts_with(|c: char| c.is_ascii_alphabetic()) && (is_own(marks) || !is_closed)
        })
    };
    let lines = Lines::new(source, 0);
    let lines: Vec<(&str, usize)> = lines.skip(1).collect();
    let nested = lines.iter().position(|(line, _)| is_nested(line))?;
    let is_blank = |index: usize| lines[index].0.trim().is_empty();
    let start = fence.range.start;
    for (index, (line, at)) in lines[..nested].iter().enumerate() {
        // `}` and the closing mark in one line.
        let code = line.trim_end().strip_suffix(opening);
        if let Some(code) = code.filter(|code| !code.trim().is_empty() && !code.contains('`')) {
            let end = start + at + code.len();
            return Some((end, end + opening.len()));
        }
        let is_heading = line.starts_with("##") && (index == 0 || is_blank(index - 1));
        if is_heading {
            return Some((start + at, start + at));
        }
    }
    // A label of the next block.
    let above = (0..nested).rev().find(|index| !is_blank(*index));
    let is_label = |index: &usize| {
        let line = lines[*index].0.trim_end().trim_end_matches(['*', '_']);
        line.ends_with([':', '：'])
            && !line.contains(['{', '"'])
            && *index > 0
            && is_blank(index - 1)
    };
    let next = above.filter(is_label).unwrap_or(nested);
    let at = start + lines[next].1;
    Some((at, at))
}
