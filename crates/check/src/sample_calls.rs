//! Sample calls of an endpoint that is described above them, with its response: "Success Response" above "Sample Call".

use super::candidates;
use super::example::ResponseBlock;
use super::found::FoundRequest;
use super::labels::{self, Announces};
use super::mentions;
use super::page::{Block, Page};
use super::service::Request;
use super::url;

/// Where an endpoint with placeholders is named above a request in its section ("GET /users/:id"), and the block with its
/// response, if that is shown. `starts` are the blocks of other requests.
pub fn described(
    page: &Page,
    at: usize,
    request: &FoundRequest,
    starts: &[usize],
) -> Option<(usize, Option<usize>)> {
    let above = endpoint_above(page, at, request, starts)?;
    let (found, _) = candidates::candidates(page, above, at, request);
    let shown = found.iter().find(|found| found.is_of_success());
    // Below a sentence it may be any record, unless it says which.
    let is_named = mentions::named_in(&page.blocks[above]).is_some();
    let has_id = |fence: usize| {
        let record = ResponseBlock::whole(page, fence).record(page);
        record.is_some_and(|record| record.contains_key("id"))
    };
    let shown = shown.map(|found| found.fence);
    Some((above, shown.filter(|fence| is_named || has_id(*fence))))
}

fn endpoint_above(
    page: &Page,
    at: usize,
    request: &FoundRequest,
    starts: &[usize],
) -> Option<usize> {
    let own = &request.written.as_ref()?.request;
    let is_part = |text: &str| {
        labels::names_part(text)
            || labels::names_example(text)
            || labels::heading(text) == Announces::Response
    };
    for index in (0..at).rev() {
        let block = &page.blocks[index];
        if starts.contains(&index) {
            return None;
        }
        if let Some(named) = mentions::named_in(block) {
            let is_template = url::placeholder(url::path_of(&named.url)).is_some();
            let is_own = named.method == own.method && url::is_form_of(&named.url, &own.target);
            return (is_template && is_own).then_some(index);
        }
        if block.text().is_some_and(|text| names_form(text, own)) {
            return Some(index);
        }
        if matches!(block, Block::Heading(heading) if !is_part(&heading.text)) {
            return None;
        }
    }
    None
}

/// Whether a sentence names the method of a request, and its path with placeholders: "A user is read by a GET request for
/// `/users/<id>`".
fn names_form(text: &str, own: &Request) -> bool {
    let mut words = text.split(|c: char| c.is_whitespace() || matches!(c, '`' | '*' | ','));
    let is_form = |word: &str| {
        word.starts_with('/')
            && url::placeholder(word).is_some()
            && url::is_form_of(word, &own.target)
    };
    words.clone().any(is_form) && words.any(|word| word == own.method)
}
