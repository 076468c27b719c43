//! Code blocks that hold labels beside code, which become paragraphs and blocks of their own: `request`, its body,
//! `response status code 201` and its body.

use super::blocks::{Block, Fence, Prose};
use super::http_message;
use super::labels::{self, Announces};
use super::lenient_json;
use super::mentions;
use super::shown;
use super::text::is_one_of;
use super::text::line_end;
use super::transcript;

/// The blocks that a code block stands for: JSON values with a label above each, or an indented page with requests.
pub fn split(fence: &Fence) -> Option<Vec<Block>> {
    let content = fence.content.as_str();
    let is_data = is_one_of(
        &fence.language,
        "json jsonc json5 js javascript text txt plaintext",
    );
    if !(is_data || fence.language.is_empty()) || !content.contains('{') {
        return None;
    }
    let mut blocks: Vec<Block> = Vec::new();
    let (mut values, mut labels, mut messages) = (0, 0, 0);
    // Whether there are words that belong to no message.
    let mut has_words = false;
    let mut is_labelled = true;
    let mut at = 0;
    while at < content.len() {
        let next = line_end(content, at);
        let line = content[at..next].trim();
        let start = next - content[at..next].trim_start().len();
        let range = start..start + line.len();
        let is_below_space = content[..at].ends_with("\n\n");
        at = next;
        if line.is_empty() || labels::is_leftover(line) {
            continue;
        }
        if line.starts_with("HTTP/") || shown::command_in_line(line).is_some() {
            return None;
        } else if line.starts_with(['{', '[']) {
            let end = start + lenient_json::value_end(&content[start..])?;
            at = line_end(content, end);
            if !content[end..at].trim().is_empty() {
                return None;
            }
            is_labelled &= matches!(blocks.last(), Some(Block::Prose(_)));
            values += 1;
            blocks.push(Block::Fence(fence.part(start..end)));
        } else if http_message::begins_message(line) {
            messages += 1;
            blocks.push(Block::Fence(fence.part(range)));
        } else {
            let text = comment(line);
            labels += usize::from(is_label(text));
            is_labelled &= is_label(text);
            let is_status =
                http_message::is_response_label(text) || transcript::begins_response(text);
            has_words |= is_below_space && !is_status;
            blocks.push(Block::Prose(Prose {
                text: text.to_owned(),
                bold: None,
                range: fence.source_range(&range),
            }));
        }
    }
    let is_list = is_labelled && values > 1 && messages == 0;
    let is_page = !fence.fenced && messages > 0 && labels > 0 && has_words;
    (is_list || is_page).then_some(blocks)
}

/// A line without the mark of a comment.
fn comment(line: &str) -> &str {
    let marks = ["// ", "# "];
    let text = marks.iter().find_map(|mark| line.strip_prefix(mark));
    text.unwrap_or(line)
}

/// Whether a line is the label of a message, or names a request.
fn is_label(text: &str) -> bool {
    let said = labels::label(text);
    let is_message = matches!(
        said,
        Announces::Request | Announces::RequestBody | Announces::Response
    );
    is_message && labels::words(text).len() <= 5 || mentions::is_endpoint(text)
}
