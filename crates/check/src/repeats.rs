//! The same request for another client: curl, then HTTPie, then a call in a program.

use super::found::{FoundRequest, Problem};
use super::http_message;
use super::listings;
use super::page::{Fence, Page};
use super::pairing;
use super::text::line_start;

/// Which requests of a page are those above them.
pub struct Repeats {
    /// The blocks at which the example above ends. The same request for another client does not end it.
    pub starts: Vec<usize>,
    /// The blocks of requests that are those of a block above, and that block.
    repeated: Vec<(usize, usize)>,
}

impl Repeats {
    /// Compares the requests of a page. Those that are not run again are skipped.
    pub fn find(page: &Page, requests: &mut [(usize, Vec<FoundRequest>)]) -> Repeats {
        let mut repeats = Repeats {
            starts: Vec::new(),
            repeated: Vec::new(),
        };
        let mut above: Option<(usize, FoundRequest)> = None;
        for (at, found) in requests {
            let at = *at;
            let again = above.as_ref().filter(|(above_at, above)| {
                found.len() == 1 && is_again(page, *above_at, above, at, &found[0])
            });
            if let Some((above_at, above)) = again
                && !matches!(above.problem, Some(Problem::Skip(_)))
            {
                let own = &mut found[0];
                // "Paste the JSON above."
                if let (Some(Problem::NoBody), Some(body)) = (&own.problem, above.json_body()) {
                    own.add_body(&body.to_string());
                }
                if is_transcript(page, at, own) {
                    let reason = "the same request as above, for another client";
                    own.problem = Some(Problem::Skip(reason.to_owned()));
                } else if own.problem.is_none() {
                    repeats.repeated.push((at, *above_at));
                }
            }
            if again.is_none() {
                repeats.starts.push(at);
                above = found.last().map(|last| (at, last.clone()));
            }
        }
        repeats
    }

    /// The block whose request is that of another one, for another client.
    pub fn repeated_by(&self, at: usize) -> Option<usize> {
        let found = self.repeated.iter().find(|(again, _)| *again == at);
        found.map(|(_, above)| *above)
    }
}

/// Whether a request is the one above it, for another client.
fn is_again(
    page: &Page,
    above_at: usize,
    above: &FoundRequest,
    at: usize,
    found: &FoundRequest,
) -> bool {
    let is_listing = |index: usize| {
        let fence = page.fence(index);
        fence.is_some_and(|fence| listings::is_listing(&fence.content))
    };
    // A program in the next tab may add the query elsewhere.
    let is_next = at == above_at + 1 || pairing::names_tool(page, at);
    let is_tab = || found.program().is_some() && is_next && found.has_path_of(above);
    !(above_at + 1..at).any(is_listing)
        && (found.repeats(above) || is_tab())
        && client(page, at, found) != client(page, above_at, above)
}

/// The first word of a command.
fn client<'a>(page: &'a Page, at: usize, found: &FoundRequest) -> &'a str {
    let fence = page.fence(at);
    let command = fence.and_then(|fence| fence.content.get(found.span.clone()));
    let mut words = command
        .unwrap_or_default()
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | '<'));
    words.next().unwrap_or_default()
}

/// Whether a request is what `curl -v` shows of the one above.
fn is_transcript(page: &Page, at: usize, found: &FoundRequest) -> bool {
    let is_sent = |fence: &Fence| {
        let start = fence.source_range(&found.span).start;
        let before = &page.text[line_start(&page.text, start)..start];
        before.trim() == ">" && http_message::begins_message(&fence.content)
    };
    page.fence(at).is_some_and(is_sent)
}
