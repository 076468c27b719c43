//! The blocks that are the output of programs.

use super::example::{Example, ResponseBlock};
use super::http_message;
use super::page::{Block, Page};
use super::pairing;
use super::parts::Print;
use super::printed::{self, Printed};
use super::programs;
use super::text::line_start;

/// Decides what is surely the response to the calls of programs, which may print other things, too.
pub fn pair(page: &Page, examples: &mut [Example]) {
    let is_program = |example: &Example| example.request.program().is_some();
    let others = examples
        .iter()
        .filter(|example| example.request.problem.is_none());
    let answered: Vec<usize> = others
        .filter_map(|example| Some(example.response.as_ref()?.fence))
        .collect();
    let unanswered = examples.iter().filter(|example| example.response.is_none());
    let unanswered: Vec<usize> = unanswered.map(|example| example.fence).collect();
    let calls: Vec<usize> = examples.iter().map(|example| example.fence).collect();
    let is_only_call = |fence: usize| calls.iter().filter(|at| **at == fence).count() == 1;
    let is_own = |example: &Example| is_program(example) && example.described_at.is_none();
    for example in examples.iter_mut().filter(|example| is_own(example)) {
        let at = example.fence;
        let prints = std::mem::take(&mut example.request.prints);
        let Some(response) = &mut example.response else {
            if prints.len() == 1 && is_only_call(at) {
                example.request.printed = Printed::by_program(prints);
            }
            continue;
        };
        let (Some(program), Some(fence)) = (page.fence(at), page.fence(response.fence)) else {
            continue;
        };
        let is_own = response.fence == at;
        let is_of_other = !is_own && answered.contains(&response.fence);
        let shown = &fence.content[response.range.clone()];
        if !is_own
            && !is_of_other
            && is_only_call(at)
            && is_output_of(page, at, response.fence, &prints)
        {
            example.request.printed = Printed::by_program(prints);
            continue;
        }
        if is_of_other || !programs::is_printed(shown) {
            example.response = None;
            continue;
        }
        let start = line_start(&program.content, example.request.span.start);
        let run = match is_own {
            true => &program.content[start..response.range.start],
            false => &program.content,
        };
        let is_called = pairing::is_called_response(page, response.fence);
        let is_text = |block: &Block| !matches!(block, Block::Directive(_) | Block::Fence(_));
        let mut between = page.blocks.iter().take(response.fence).skip(at + 1);
        let is_below = is_own
            || is_called
            || pairing::surely_response(page, at, response.fence)
            || !between.any(is_text);
        let is_of_several = !is_own && unanswered.contains(&at);
        let label = response.fence.checked_sub(1);
        let label = label.and_then(|above| page.blocks[above].text());
        let is_printed = label.is_some_and(programs::is_output_label);
        let is_of_api = is_called && fence.language == "json" && !is_printed;
        // A comment that leaves something out is a sketch.
        let is_sketch = is_own && shown.contains("...");
        response.doubtful |=
            is_of_several || is_sketch || !is_below || !is_of_api && programs::prints_other(run);
    }
}

/// Whether a block below a program can be the lines that it prints.
fn is_output_of(page: &Page, program: usize, output: usize, prints: &[Print]) -> bool {
    let label = output.checked_sub(1).filter(|above| *above != program);
    let label = label.and_then(|above| page.blocks[above].text());
    page.fence(output).is_some_and(|fence| {
        printed::may_be_lines(prints, fence)
            && label.is_none_or(programs::is_plain_output_label)
            && !http_message::begins_message(fence.content.trim())
            && (label.is_some() || !printed::is_like_command(fence.content.trim()))
    })
}

/// The output of a program in the next block below a call in it.
pub fn below_run(page: &Page, example: &Example) -> Option<ResponseBlock> {
    example.request.program()?;
    let next = (example.fence + 1..example.end).find(|at| page.fence(*at).is_some())?;
    let range = programs::run_output(&page.fence(next)?.content)?;
    Some(ResponseBlock {
        range,
        ..ResponseBlock::whole(page, next)
    })
}
