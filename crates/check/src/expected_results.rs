//! What tables, labels and comments say in words that comes back: "Expected: 5 users", `# 200 + array of 5 users`.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::blocks::Prose;
use super::claims::Claim;
use super::failures::Around;
use super::labels::{self, Announces};
use super::other_requests;
use super::page::Fence;
use super::parts::Part;
use super::programs;
use super::result_text::{self, Noun};
use super::service::Received;
use super::status_below;
use super::status_text;
use super::text::{line_end, line_start};
use super::url;

/// A text about a response.
struct Said {
    text: String,
    noun: Noun,
    /// Where the page has it.
    range: Range<usize>,
}

/// Where a comment stands.
enum Place {
    Above,
    Behind,
    Below,
}

impl Around<'_> {
    /// What is said of a response, as far as it can be wrong.
    pub fn expected_claims(&self, received: &Received) -> Vec<Claim> {
        // The output of filters is something else.
        if self.example.request.printed.is_filtered() {
            return Vec::new();
        }
        let said = self.said();
        said.iter()
            .flat_map(|said| self.claims_of(said, received))
            .collect()
    }

    fn claims_of(&self, said: &Said, received: &Received) -> Vec<Claim> {
        let Said { text, noun, range } = said;
        let resource = url::resource(self.example.request.target());
        let claim = |part: Part, value: Value| Claim::new(part, value, range.clone());
        let is_list = received.json().is_some_and(Value::is_array);
        let count = match result_text::is_empty_list(text) {
            true => Some(0),
            false => result_text::count(text, resource, *noun),
        };
        let count = count.filter(|_| is_list);
        let mut claims = Vec::from_iter(count.map(|number| Claim::count(number, range.clone())));
        let id = result_text::id(text).filter(|_| self.example.method() == "POST");
        let id = id.and_then(|id| Some((Part::Body(Vec::new()).member("id")?, id.to_owned())));
        let mut values = Vec::from_iter(id);
        // What is created depends on the body.
        if !self.example.is_sent_empty {
            values.extend(result_text::values(text));
            for (part, stated) in result_text::limits(text, resource) {
                let is_measured = is_list || !matches!(part, Part::Length(_));
                let actual = part.value(received).filter(|_| is_measured);
                let actual = actual.as_ref().and_then(Value::as_f64);
                if actual.is_some_and(|actual| !result_text::holds(actual, &stated)) {
                    claims.push(claim(part, stated.into()));
                }
            }
        }
        for (part, shown) in values {
            let is_scalar = serde_json::from_str::<Value>(&shown).is_ok();
            let actual = match part.value(received) {
                Some(Value::String(text)) => text,
                // A word for a number describes it.
                Some(value @ (Value::Number(_) | Value::Bool(_))) if is_scalar => value.to_string(),
                _ => continue,
            };
            if actual != shown {
                let value = serde_json::from_str(&shown).unwrap_or_else(|_| shown.into());
                claims.push(claim(part, value));
            }
        }
        claims
    }

    fn said(&self) -> Vec<Said> {
        let Some(fence) = self.page.fence(self.example.fence) else {
            return Vec::new();
        };
        let cells = fence.expected.iter().map(|stated| Said {
            text: stated.text.clone(),
            noun: match stated.is_foreign {
                true => Noun::Any,
                false => noun_after(&stated.text),
            },
            range: stated.range.clone(),
        });
        cells
            .chain(self.labelled())
            .chain(self.sentence())
            .chain(self.created())
            .chain(self.comments(fence))
            .chain(self.verified())
            .collect()
    }

    /// The steps below the request that check something: "Check that the `id` in the response is 2."
    fn verified(&self) -> Vec<Said> {
        // "the `id` field in the returned body is 2"
        static MEMBER: LazyLock<Regex> = regex!(
            r"(?i)^`?(?P<path>[A-Za-z_][\w.]*)`?(?:\s+(?:field|property|member|value))?(?:\s+(?:in|of)\s+(?:the\s+)?(?:returned\s+|response\s+)?(?:body|response|json|object|data))?\s+(?:is|equals|should\s+be)\s+(?:equal\s+to\s+)?(?P<value>\x22[^\x22]*\x22|'[^']*'|`[^`]*`|-?\d+(?:\.\d+)?|true|false)$"
        );
        // Of several requests in a block, they are about all or the last one.
        let first = self.prose_below().map(|_| self.example.fence + 1);
        let below = first.map(|first| first..self.example.end);
        let steps = below
            .into_iter()
            .flatten()
            .map_while(|at| self.prose_at(at));
        let said = |prose: &Prose| {
            let what = status_text::checked(&prose.text)?.trim();
            let what = what.strip_prefix("the ").unwrap_or(what);
            let what = what.trim_end_matches('.');
            // "Check that you get 404 with id 99."
            if status_text::codes(what).iter().any(|code| *code >= 400) {
                return None;
            }
            Some(Said {
                text: MEMBER.replace(what, "$path = $value").into_owned(),
                noun: Noun::Known,
                range: prose.range.clone(),
            })
        };
        steps.filter_map(said).collect()
    }

    /// A text below the request, after a label such as "Expected".
    fn labelled(&self) -> Option<Said> {
        let prose = self.prose_below()?;
        let (label, text) = prose.text.split_once([':', '：'])?;
        let said = labels::label(label);
        let is_label = labels::words(label).len() <= 4
            && (labels::says_expected(label)
                || programs::is_output_label(label)
                || said == Announces::Response
                || said == Announces::Body && self.example.method() == "GET");
        let text = text.lines().find(|line| !line.trim().is_empty())?;
        let text = text.split(". ").next()?.trim().to_owned();
        // A report of a bug says what comes instead.
        static ACTUAL: LazyLock<Regex> =
            regex!(r"(?mi)^\W*(?:actual(?:ly)?|observed|got|tatsächlich\w*|obtenido|obtenu)\b");
        let next = self.prose_at(self.example.fence + 2);
        let mut near = [Some(prose), next].into_iter().flatten();
        let is_own = !other_requests::is_about(&text, &self.example.request)
            && !near.any(|prose| ACTUAL.is_match(&prose.text));
        (is_label && is_own).then(|| Said {
            noun: noun_below(label),
            text,
            range: prose.range.clone(),
        })
    }

    /// "`GET /users` returns all five users"
    fn sentence(&self) -> Option<Said> {
        let fence = self.page.fence(self.example.fence);
        let fence = fence.filter(|fence| !fence.fenced)?;
        let prose = self.prose_at(self.example.fence.checked_sub(1)?)?;
        let rest = self.page.text.get(fence.range.end..prose.range.end)?;
        let text = rest.split(". ").next()?;
        let text = text.trim_start_matches(['`', '*', ')', ' ', ':']).trim();
        result_text::returns(rest).then(|| Said {
            text: text.to_owned(),
            noun: noun_after(text),
            range: prose.range.clone(),
        })
    }

    /// The first sentence below a POST, if it is about what is new.
    fn created(&self) -> Option<Said> {
        static CREATED: LazyLock<Regex> = regex!(
            r"(?i)^\W*(?:(?:the|this|a|an|your|our|its)\s+)?(?:\w+\s+(?:is|was)\s+created|new(?:ly)?|created?|server|response|record|it|id|expected|result)\b"
        );
        let prose = self.prose_below()?;
        let text = prose.text.split(". ").next()?;
        let is_own = self.example.method() == "POST" && CREATED.is_match(text);
        is_own.then(|| Said {
            text: text.to_owned(),
            noun: Noun::Known,
            range: prose.range.clone(),
        })
    }

    /// The comment behind the command; that on the line below it, if it is the last or if a mark or a word says that it is
    /// about the response; and that above it after "Expected".
    fn comments(&self, fence: &Fence) -> Vec<Said> {
        static MARK: LazyLock<Regex> = regex!(
            r"(?i)^(?:->|=>|→)?\s*(?:expect(?:s|ed)?(?:\s+(?:result|output|response))?\s*:?\s*)?"
        );
        let Range { start, end } = self.example.request.span;
        let first = end..line_end(&fence.content, end);
        let second = first.end..line_end(&fence.content, first.end);
        // The last line of a block with one command.
        let is_last = fence.content[second.end..].trim().is_empty()
            && status_below::is_first_in_block(fence, self.example);
        let mut said = Vec::new();
        let above = line_start(
            &fence.content,
            line_start(&fence.content, start).saturating_sub(1),
        )..start;
        for (line, place) in [
            (above, Place::Above),
            (first, Place::Behind),
            (second, Place::Below),
        ] {
            let Some(comment) = fence.content[line.clone()].trim().strip_prefix('#') else {
                continue;
            };
            let comment = comment.lines().next().unwrap_or_default().trim();
            // "Get all of them (returns an empty array)". Below a command it may be about the next one.
            static RETURNS: LazyLock<Regex> = regex!(r"(?i)\((?P<what>returns?\s[^()]+)\)\W*$");
            let in_brackets = match place {
                Place::Below => None,
                Place::Above | Place::Behind => RETURNS.captures(comment),
            };
            let in_brackets = in_brackets.and_then(|found| found.name("what"));
            let comment = in_brackets.map_or(comment, |what| what.as_str());
            let mark = MARK.find(comment).map_or(0, |mark| mark.end());
            let is_about_it = match place {
                Place::Behind => true,
                Place::Below => mark > 0 || result_text::returns(comment) || is_last,
                Place::Above => in_brackets.is_some() || labels::says_expected(&comment[..mark]),
            };
            if is_about_it {
                said.push(Said {
                    text: comment[mark..].to_owned(),
                    noun: Noun::Known,
                    range: fence.source_range(&line),
                });
            }
        }
        said
    }
}

/// Which words are for records in a text that begins with a word for what comes back.
fn noun_after(text: &str) -> Noun {
    let is_english = text.trim_start().to_lowercase().starts_with("return ")
        || text.to_lowercase().contains("returns ");
    match result_text::returns(text) && !is_english {
        true => Noun::Any,
        false => Noun::Known,
    }
}

/// Which words are for records below a label. In English these are known.
fn noun_below(label: &str) -> Noun {
    match result_text::is_english_label(label) {
        true => Noun::Known,
        false => Noun::Any,
    }
}
