//! What the rules do with a request, and why: for `standin routes --explain`.

use std::borrow::Cow;

use super::file::RoutesFile;
use super::rule::{Facets, Rule};
use crate::json::Place;

/// What a rule does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// Where the rule is in the file.
    pub place: Place,
    /// Its key.
    pub key: String,
    /// What it does.
    pub part: Part,
    /// What of it applies, or why nothing does.
    pub why: String,
}

/// The part of a rule in the response to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The response comes from it.
    Answers,
    /// Its guard, delay, limit, failure or headers apply.
    Applies,
    /// Nothing of it is used.
    Unused,
}

impl RoutesFile {
    /// What each rule does with a request, the most specific first.
    pub fn explain(
        &self,
        method: &str,
        path: &[Cow<'_, str>],
        request: &dyn Facets,
    ) -> Vec<Explained> {
        let mut answering = None;
        self.rules()
            .map(|rule| {
                let (part, why) = match rule.mismatch(method, path, request) {
                    Some(why) => (Part::Unused, why),
                    None => rule.role(&mut answering),
                };
                Explained {
                    place: rule.place,
                    key: rule.key.clone(),
                    part,
                    why,
                }
            })
            .collect()
    }
}

impl Rule {
    /// What of a rule that matches applies. `answering`: the line of the rule that answers, once that is known.
    fn role(&self, answering: &mut Option<usize>) -> (Part, String) {
        let earlier = *answering;
        let is_used = |key: &str| match key {
            "guard" | "delay" | "limit" => true,
            "fail" => earlier.is_none(),
            "headers" => self.answer.is_none() && earlier.is_none(),
            _ => false,
        };
        let mut used: Vec<String> = self.summary(is_used).collect();
        let mut part = Part::Applies;
        match earlier {
            None if self.always_answers() => {
                *answering = Some(self.place.line);
                part = Part::Answers;
                let is_answer =
                    |key: &str| !["match", "guard", "delay", "limit", "fail"].contains(&key);
                used.extend(self.summary(is_answer));
            }
            Some(line) if self.answer.is_some() || self.fail.is_some() => {
                if used.is_empty() {
                    part = Part::Unused;
                }
                used.push(format!("the rule in line {line} answers first"));
            }
            _ if used.is_empty() => {
                part = Part::Unused;
                used.push("it has nothing that applies here".into());
            }
            _ => {}
        }
        (part, used.join(", "))
    }
}
