//! The services that answer a page's examples, and what each has seen.

use std::sync::Arc;

use super::judge::{self, Promised};
use super::{Context, Finding, Judged, LISTED, Verdict, start, writes};
use crate::Reset;
use crate::client::{Answer, Call, Service};
use crate::compare::Diff;
use crate::data::Source;
use crate::examples::Example;
use crate::explain;
use crate::page::Page;
use crate::status;
use crate::url::Ours;

/// The state of one database while a page is run.
struct Lane {
    source: Arc<Source>,
    /// Answers reads; nothing is ever written to it.
    pristine: Option<Service>,
    /// Lives through the page, or, with `--reset never`, through its examples.
    running: Option<Service>,
    /// How many of the played requests the running copy has seen.
    seen: usize,
}

pub(super) struct Session<'a> {
    context: &'a Context<'a>,
    lanes: Vec<Lane>,
    /// The writes of the page so far, each with its lane.
    played: Vec<(usize, Call)>,
}

/// The answer that counts.
struct Asked {
    answer: Answer,
    diff: Diff,
    later: Later,
}

/// What came back after the writes above the example.
enum Later {
    NotAsked,
    /// What the page documents; it is the answer that counts.
    Kept,
    /// Something else.
    Broken(Answer),
}

impl<'a> Session<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        Session { context, lanes: Vec::new(), played: Vec::new() }
    }

    /// The first database that was asked.
    pub(super) fn source(&self) -> Option<Arc<Source>> {
        self.lanes.first().map(|lane| Arc::clone(&lane.source))
    }

    pub(super) fn judge(&mut self, page: &Page, example: Example, ours: &Ours, earlier: &[Judged]) -> Judged {
        let mut judged = start(&example);
        judged.example = example;
        if page.front.skip || judged.example.asks.skip {
            let who = if page.front.skip { "the front matter" } else { "a comment" };
            return judged.skip(format!("{who} says so"));
        }
        let (request, target) = match judge::sendable(page, &mut judged, ours) {
            Some(found) => found,
            None => return judged,
        };
        let documented = judge::read_response(page, &mut judged);
        let expected = status::expected(page, &judged.example, documented.status, &judged.method);
        judged.expected = Some(expected.clone());
        judged.documented = documented.body;
        if judged.verdict == Verdict::Fail && !judged.unreadable {
            return judged;
        }
        if self.context.options.list {
            return judged.skip(LISTED.to_owned());
        }
        let named = judged.example.asks.database.as_deref().or(page.front.database.as_deref());
        let lane = match self.lane(page, named) {
            Ok(lane) => lane,
            Err(why) => return judged.error(why),
        };
        let call = Call {
            method: request.method.clone(),
            target,
            headers: request.headers.clone(),
            body: request.body.clone().unwrap_or_default().into_bytes(),
        };
        if self.context.options.server.is_some() && !self.context.options.allow_writes && writes(&call.method) {
            return judged.skip("it writes to a real service; allow that with --allow-writes".to_owned());
        }
        let promised = Promised {
            expected: &expected,
            body: judged.documented.as_ref(),
            troubled: judge::troubled(page, &judged.example),
        };
        let Asked { answer, diff, later } = match self.answer(lane, &call, judged.example.asks.reset, &promised) {
            Ok(found) => found,
            Err(why) => return judged.error(why),
        };
        if writes(&call.method) {
            self.played.push((lane, call.clone()));
        }
        judged.diff = diff;
        let status_kept = judge::promised_kept(&judge::promised_of(&judged, &expected, page), &answer);
        judge::conclude(page, &mut judged, &answer, &expected, status_kept);
        if judged.verdict == Verdict::Pass && matches!(later, Later::Kept) {
            judged.reason = "as documented, after the writes above it on the page".to_owned();
        }
        let source = &self.lanes[lane].source;
        if judged.verdict == Verdict::Fail {
            judged.causes = explain::causes(&explain::Case {
                page,
                judged: &judged,
                call: &call,
                answer: &answer,
                source,
                earlier,
                later: match &later {
                    Later::Broken(answer) => Some(answer),
                    _ => None,
                },
            });
        }
        if judged.verdict == Verdict::Pass && call.method == "GET" {
            // The answer is as documented, and the filter does nothing that the page means.
            let range = page.fence(judged.example.fence).map_or(0..0, |fence| fence.source_range(&request.url_span));
            let unknown = explain::unknown_in_query(&call.target, source).into_iter();
            judged.warnings.extend(unknown.map(|text| Finding { range: range.clone(), text, fix: None }));
        }
        judged.answer = Some(answer);
        judged
    }

    fn lane(&mut self, page: &Page, named: Option<&str>) -> Result<usize, String> {
        let found = self.context.sources.of(&page.path, named);
        let source = match found {
            // A real service brings its own data; ours is only for explanations.
            Err(_) if self.context.options.server.is_some() => self.context.sources.nothing(),
            found => found?,
        };
        if let Some(at) = self.lanes.iter().position(|lane| Arc::ptr_eq(&lane.source, &source)) {
            return Ok(at);
        }
        self.lanes.push(Lane { source, pristine: None, running: None, seen: 0 });
        Ok(self.lanes.len() - 1)
    }

    /// Sends a call to the copy that the reset rule names.
    ///
    /// The default asks a fresh copy, and where that contradicts the page, one
    /// that has seen the writes above: a page is right if it is right for the
    /// reader who runs this example, or for the one who runs them all.
    fn answer(
        &mut self,
        lane: usize,
        call: &Call,
        asked_reset: bool,
        promised: &Promised<'_>,
    ) -> Result<Asked, String> {
        let compared = |answer: Answer| {
            let diff = judge::difference(promised.body, &answer);
            (answer, diff)
        };
        // A real service is one, and nobody resets it.
        let reset = if self.context.options.server.is_some() { Reset::Never } else { self.context.options.reset };
        if matches!(reset, Reset::Page | Reset::Never) {
            if asked_reset && reset == Reset::Page {
                self.lanes[lane].running = None;
                self.lanes[lane].seen = self.played.len();
            }
            let (answer, diff) = compared(self.in_sequence(lane, call)?);
            return Ok(Asked { answer, diff, later: Later::NotAsked });
        }
        let (answer, diff) = compared(self.fresh(lane, call)?);
        let kept = |answer: &Answer, diff: &Diff| diff.differences.is_empty() && judge::promised_kept(promised, answer);
        let alone = reset == Reset::Example || asked_reset || self.played.is_empty();
        if alone || kept(&answer, &diff) {
            return Ok(Asked { answer, diff, later: Later::NotAsked });
        }
        let (later, later_diff) = compared(self.in_sequence(lane, call)?);
        Ok(if kept(&later, &later_diff) {
            Asked { answer: later, diff: later_diff, later: Later::Kept }
        } else {
            Asked { answer, diff, later: Later::Broken(later) }
        })
    }

    fn fresh(&mut self, lane: usize, call: &Call) -> Result<Answer, String> {
        let open = self.context.open;
        let lane = &mut self.lanes[lane];
        if writes(&call.method) {
            let mut service = open(&lane.source.database)?;
            return service(call);
        }
        let service = match &mut lane.pristine {
            Some(service) => service,
            empty => empty.insert(open(&lane.source.database)?),
        };
        service(call)
    }

    /// Plays the writes above that the running copy has not seen, then the call.
    fn in_sequence(&mut self, lane: usize, call: &Call) -> Result<Answer, String> {
        let open = self.context.open;
        let state = &mut self.lanes[lane];
        let service = match &mut state.running {
            Some(service) => service,
            empty => empty.insert(open(&state.source.database)?),
        };
        for (_, write) in self.played[state.seen..].iter().filter(|(of, _)| *of == lane) {
            service(write)?;
        }
        state.seen = self.played.len();
        let answer = service(call)?;
        // The call itself will be in `played` next.
        if writes(&call.method) {
            state.seen += 1;
        }
        Ok(answer)
    }
}
