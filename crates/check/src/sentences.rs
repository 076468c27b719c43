//! Commands within sentences, and which of them are examples.

use std::sync::LazyLock;

use regex::Regex;

use super::blocks::{Block, Prose};
use super::labels::{self, Announces};
use super::status_text;
use super::transcript::shows_response;

/// Makes examples of the commands within sentences whose response the page shows: "`curl .../users/1` prints:" above
/// JSON, "`curl .../users/1` prints `{...}`", "`curl -i .../users/9` answers with `404`". Others are only mentioned.
pub fn find_examples(text: &str, blocks: &mut [Block]) {
    for index in 1..blocks.len() {
        let (above, rest) = blocks.split_at(index);
        let Some((Block::Fence(command), below)) = rest.split_first() else {
            continue;
        };
        let holds =
            |prose: &&Prose| command.is_mention && prose.range.contains(&command.range.start);
        let above = above.iter().rev().find_map(Block::prose);
        let Some(paragraph) = above.filter(holds) else {
            continue;
        };
        let end = paragraph.range.end;
        let next = below.iter().find(|block| block.directive().is_none());
        let after = match next {
            Some(Block::Fence(next)) => next.range.start.min(end),
            _ => end,
        };
        let after = text[command.range.end..after].trim_matches([' ', '`', '\n']);
        // With several commands it is not clear which one printed the output.
        let is_only = text[paragraph.range.clone()].matches("curl ").count() == 1;
        let shows = match next {
            Some(Block::Fence(shown)) if shown.range.start < end => !shown.is_mention,
            Some(Block::Fence(shown)) => {
                // "`curl ...` returns", without a colon
                static RETURNS: LazyLock<Regex> = regex!(
                    r"(?i)^(?:then\s+)?(?:returns?|prints?|outputs?|shows?|gives?|responds?\s+with|answers?\s+with)(?:\s+(?:us|you|this|the\s+following))?$"
                );
                let leads = labels::leads(after)
                    || RETURNS.is_match(after)
                    || !after.contains(char::is_alphabetic);
                is_only && leads && shows_response(shown) && !labels::names_a_file(after)
            }
            _ => false,
        };
        let is_example = (shows || is_only && states_status(after))
            && !labels::is_about_another(&paragraph.text);
        if is_example && let Block::Fence(command) = &mut blocks[index] {
            command.is_mention = false;
        }
    }
}

/// Whether the rest of a sentence gives the status of the command before it.
fn states_status(rest: &str) -> bool {
    let words = rest.replace('\n', " ").replace(['`', '*'], "");
    let sentence = words.split(". ").next().unwrap_or_default();
    status_text::in_paragraph(sentence).is_some() || status_text::in_brackets(rest).is_some()
}

/// Whether JSON in backticks is what the command before it in its sentence prints: "`curl .../users/1` prints `{...}`".
pub fn is_output(before: &str) -> bool {
    static COMMAND: LazyLock<Regex> = regex!(r"(?s)`\$?\s*curl [^`]*`(?P<between>[^`.]{1,80})\z");
    COMMAND.captures(before).is_some_and(|found| {
        let between = found["between"].trim();
        labels::label(between) == Announces::Response || starts_with_arrow(between)
    })
}

fn starts_with_arrow(text: &str) -> bool {
    ["->", "=>", "→"]
        .iter()
        .any(|arrow| text.starts_with(arrow))
}
