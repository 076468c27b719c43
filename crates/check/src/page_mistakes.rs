//! The mistakes of a page that do not belong to an example: in its front matter, comments and marks.

use std::ops::Range;

use super::directive::Directive;
use super::example::Example;
use super::front_matter::Testable;
use super::outcome::{Details, ExampleResult, Outcome};
use super::page::{Block, Page};
use super::requests;

/// An error for each mistake of a page, besides the results of its examples.
pub fn of_page(page: &Page, results: &[ExampleResult]) -> Vec<ExampleResult> {
    let is_missing = |(index, _): &(usize, &Testable)| {
        let mut named = results.iter().map(|result| result.example.testable);
        named.all(|testable| testable != Some(*index))
    };
    let testable = page.front.testable.iter().enumerate().filter(is_missing);
    let mut mistakes: Vec<ExampleResult> = testable
        .map(|(_, entry)| unknown_testable(page, entry))
        .collect();
    let directives = page.blocks.iter().filter_map(Block::directive);
    mistakes.extend(directives.filter_map(|directive| {
        Some(not_an_example(
            page,
            directive.range.clone(),
            directive
                .error()
                .or_else(|| without_request(page, directive, results))?,
        ))
    }));
    let fences = results.iter().map(|result| result.example.fence);
    let last = fences.clone().filter(|at| *at < page.blocks.len()).max();
    let responses = results.iter().map(|result| &result.example.response);
    let responses: Vec<usize> = responses.flatten().map(|shown| shown.fence).collect();
    for (at, block) in page.blocks.iter().enumerate() {
        if let Block::Fence(fence) = block
            && fence.is_unclosed
            && fences.clone().all(|request| request != at)
            && (last.is_some_and(|last| last > at) || responses.contains(&at))
        {
            let range = fence.range.start..fence.range.start;
            mistakes.push(not_an_example(page, range, requests::UNCLOSED.to_owned()));
        }
    }
    if let Some(range) = unclosed_comment(page) {
        let error = "the HTML comment is not closed, so the rest of the page is hidden".to_owned();
        mistakes.push(not_an_example(page, range, error));
    }
    mistakes
}

/// What is wrong with a comment that no request takes.
fn without_request(
    page: &Page,
    directive: &Directive,
    results: &[ExampleResult],
) -> Option<String> {
    let words = ["status", "any", "expect", "reset", "save"];
    let word = words.iter().find(|word| directive.has(word))?;
    let saves = *word == "save";
    let is_own = |own: &Directive| own.range == directive.range;
    let is_above = |block: usize| page.directives_above(block).any(is_own);
    let is_taken = |example: &Example| {
        let response = example.response.as_ref();
        let own = &page.blocks[example.fence.min(example.end)..example.end];
        match saves {
            true => own.iter().filter_map(Block::directive).any(is_own),
            false => {
                is_above(example.fence) || response.is_some_and(|response| is_above(response.fence))
            }
        }
    };
    let mut examples = results.iter().map(|result| &result.example);
    let is_unused = !directive.has("skip")
        && examples.all(|example| example.fence >= page.blocks.len() || !is_taken(example));
    is_unused.then(|| match saves {
        true => "`save` reads the response of the request above it, and no request is there".to_owned(),
        false => format!(
            "`{word}` is about the next request, and none is found before the next heading, table or other code block"
        ),
    })
}

/// The beginning of an HTML comment that hides code blocks because `-->` is missing.
fn unclosed_comment(page: &Page) -> Option<Range<usize>> {
    let start = page.text.rfind("<!--")?;
    let rest = &page.text[start..];
    let line = page.text[..start].rsplit('\n').next()?;
    let in_code = page.blocks.iter().any(|block| {
        let range = block.range();
        range.start <= start && start < range.end
    });
    let is_markdown = !page
        .path
        .extension()
        .is_some_and(|end| end == "mdx" || end == "http" || end == "rest");
    (is_markdown
        && line.trim().is_empty()
        && !in_code
        && !rest.contains("-->")
        && rest.contains("```"))
    .then_some(start..start + 4)
}

fn unknown_testable(page: &Page, entry: &Testable) -> ExampleResult {
    let reason = format!(
        "the front matter names `{}`, but the page has no heading `{} request` with a request under it",
        entry.name, entry.name
    );
    let mut result = not_an_example(page, entry.range.clone(), reason);
    result.details.target = entry.name.clone();
    result
}

/// An error that does not belong to a request.
pub fn not_an_example(page: &Page, range: Range<usize>, error: String) -> ExampleResult {
    ExampleResult {
        example: Example {
            fence: page.blocks.len(),
            end: page.blocks.len(),
            ..Example::default()
        },
        range,
        outcome: Outcome::Error(error),
        details: Details::default(),
    }
}
