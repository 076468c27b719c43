//! The routes file as a whole; and for `standin routes --explain`, what its rules do with a request, and why.

use std::borrow::Cow;
use std::path::PathBuf;

use super::pattern::{Parameters, Pattern};
use super::rewrite::Rewriter;
use super::rule::{RequestParts, Rule};
use super::source::{RoutesError, Source};
use crate::json::{self, Kind, Place};
use crate::text::nearest;

/// The rules of a routes file.
#[derive(Debug, Default)]
pub struct RoutesFile {
    /// The strings: rewrites, which come first.
    pub rewriter: Rewriter,
    /// The objects, the most specific first.
    pub(crate) rules: Vec<Rule>,
    /// The path of the file, for messages and relative paths; `None`: there is no file.
    pub path: Option<PathBuf>,
    /// The path of a profile, relative to the file's folder, and where it is in the file.
    pub profile: Option<(String, Place)>,
    /// The text of the file.
    pub(crate) text: String,
}

/// A rule that matches a request.
#[derive(Debug)]
pub struct Matched<'r> {
    /// The rule.
    pub rule: &'r Rule,
    /// The values of the parameters in its path.
    pub parameters: Parameters,
}

impl RoutesFile {
    /// Reads the text of a routes file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn parse(text: &str) -> Result<RoutesFile, RoutesError> {
        let source = Source {
            text,
            parameters: &[],
            has_result: false,
        };
        let span = json::check(text, json::MAX_BODY_DEPTH).map_err(|error| RoutesError {
            hint: error.hint,
            ..source.error(&text[error.offset.min(text.len())..], error.message)
        })?;
        let object = &text[span];
        if Kind::of(object) != Kind::Object {
            let kind = Kind::of(object).with_article();
            let message = format!("the rules are an object of rule and target, not {kind}");
            return Err(source.error(object, message).hint(r#"{ "/api/*": "/$1" }"#));
        }
        let mut file = RoutesFile {
            text: text.to_string(),
            ..RoutesFile::default()
        };
        // Rules of one key stay together: they are tried in order.
        let mut groups = Vec::<Vec<Rule>>::new();
        for member in json::members(object) {
            let key = &*member.key;
            if key == "$schema" {
                continue;
            }
            if key == "profile" {
                let path = source.string(member.value, key)?;
                file.profile = Some((path.into_owned(), source.place(member.value)));
                continue;
            }
            if !key.contains('/') && nearest(key, ["profile"]).is_some() {
                let error = source.error(member.raw_key, format!("unknown key {key:?}"));
                return Err(error.hint("did you mean \"profile\"?"));
            }
            if Kind::of(member.value) == Kind::String {
                file.rewriter.add(source, &member)?;
                continue;
            }
            if groups.iter().flatten().any(|rule| rule.key == key) {
                let message = format!("the rule {key:?} appears twice");
                return Err(source
                    .error(member.raw_key, message)
                    .hint("join them, as a list of objects if both answer"));
            }
            groups.push(file.read_rules(source, &member)?);
        }
        // Rewrites are tried before rules, even if they come later in the file.
        groups.retain(|group| !group.is_empty());
        groups.sort_by_cached_key(|group| {
            let rule = &group[0];
            (rule.pattern.rank(), usize::MAX - rule.conditions.count())
        });
        file.rules = groups.into_iter().flatten().collect();
        file.check_order()?;
        Ok(file)
    }

    /// The rules of one key.
    fn read_rules(&self, source: Source, member: &json::Member) -> Result<Vec<Rule>, RoutesError> {
        let key = &*member.key;
        let pattern = Pattern::parse(key)
            .map_err(|(message, hint)| source.error(member.raw_key, message).hint(hint))?;
        let values: Vec<_> = match Kind::of(member.value) {
            Kind::Object => vec![member.value],
            Kind::Array => json::items(member.value).collect(),
            kind => {
                let message = format!(
                    "the rule {key:?} must be a path to rewrite to, an object or a list of objects, got {}",
                    kind.with_article()
                );
                return Err(source
                    .error(member.value, message)
                    .hint(r#"{ "/api/*": "/$1" }"#));
            }
        };
        let rules = values
            .into_iter()
            .map(|value| Rule::parse(source, key, &pattern, value));
        let rules = rules.collect::<Result<_, _>>()?;
        let path = pattern.example();
        let made = self.rewriter.apply(&path, |_| false);
        if made != path {
            let message =
                format!("the rule {key:?} is never used: a rewrite makes {made} of its path");
            return Err(source
                .error(member.raw_key, message)
                .hint("rewrites come first; write the rule for the rewritten path"));
        }
        if path.starts_with("/-/") {
            let message =
                format!("the rule {key:?} is never used: paths below /-/ are the server's own");
            return Err(source.error(member.raw_key, message));
        }
        Ok(rules)
    }

    /// Finds rules that are never used because an earlier one always answers.
    fn check_order(&self) -> Result<(), RoutesError> {
        for (at, rule) in self.rules.iter().enumerate() {
            let hides = |earlier: &&Rule| {
                earlier.always_answers()
                    && earlier.pattern.is_same(&rule.pattern)
                    && (earlier.conditions.count() == 0 || earlier.conditions == rule.conditions)
            };
            let Some(earlier) = self.rules[..at].iter().find(hides) else {
                continue;
            };
            if rule.response.is_none() && rule.fail.is_none() {
                continue;
            }
            let message = format!(
                "the rule {:?} is never used: the rule {:?} in line {} answers all that it matches",
                rule.key, earlier.key, earlier.place.line
            );
            return Err(RoutesError::new(rule.place, message)
                .hint("put the rule with more conditions first, or remove one"));
        }
        Ok(())
    }

    /// Finds a guard that needs a user, for an API without users.
    ///
    /// # Errors
    /// The place of the guard.
    pub fn check_without_users(&self) -> Result<(), RoutesError> {
        let guarded = self
            .rules
            .iter()
            .find_map(|rule| Some((rule, rule.needs_users?)));
        let Some((rule, place)) = guarded else {
            return Ok(());
        };
        let message = format!(
            "the guard of the rule {:?} needs users, and there are none",
            rule.key
        );
        let error = RoutesError::new(place, message).hint(
            "say in the rules who may log in: \"x-auth\": {\"users\": \"users\"}; or use a guard without users, such as token:VALUE or key:HEADER",
        );
        Err(match &self.path {
            Some(path) => error.at(path),
            None => error,
        })
    }

    /// How many rules there are, rewrites included.
    pub fn count(&self) -> usize {
        self.rewriter.rules().count() + self.rules.len()
    }

    /// The rules for a request, the most specific first.
    pub fn matching<'r>(
        &'r self,
        method: &str,
        path: &[Cow<'_, str>],
        request: &dyn RequestParts,
    ) -> impl Iterator<Item = Matched<'r>> {
        self.rules.iter().filter_map(move |rule| {
            let parameters = rule.pattern.matches(method, path)?;
            rule.conditions
                .hold(request)
                .then_some(Matched { rule, parameters })
        })
    }

    /// Whether a rule answers requests for `path`, whatever the conditions.
    pub fn answers(&self, method: &str, path: &[Cow<'_, str>]) -> bool {
        self.rules
            .iter()
            .any(|rule| rule.response.is_some() && rule.pattern.matches(method, path).is_some())
    }

    /// Resets all counters.
    pub fn restart(&self) {
        for rule in &self.rules {
            if let Some(limit) = &rule.limit {
                limit.windows.clear();
            }
            if let Some(fail) = &rule.fail {
                fail.trigger.counts.clear();
            }
        }
    }
}

/// The effect of a rule on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The position of the rule in the file.
    pub place: Place,
    /// Its key.
    pub key: String,
    /// Whether it answers the request.
    pub part: Part,
    /// The parts of it that apply, or the reason why none does.
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
    /// The effect of each rule on a request, the most specific rule first.
    pub fn explain(
        &self,
        method: &str,
        path: &[Cow<'_, str>],
        request: &dyn RequestParts,
    ) -> Vec<Explained> {
        let mut answering = None;
        self.rules
            .iter()
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
    /// The parts of a matching rule that apply. `answering`: the line of the rule that answers, once that is known.
    fn role(&self, answering: &mut Option<usize>) -> (Part, String) {
        let earlier = *answering;
        let is_used = |key: &str| match key {
            "guard" | "delay" | "limit" => true,
            "fail" => earlier.is_none(),
            "headers" => self.response.is_none() && earlier.is_none(),
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
            Some(line) if self.response.is_some() || self.fail.is_some() => {
                if used.is_empty() {
                    part = Part::Unused;
                }
                used.push(format!("the rule in line {line} answers first"));
            }
            _ if used.is_empty() => {
                part = Part::Unused;
                used.push("no part of it applies".into());
            }
            _ => {}
        }
        (part, used.join(", "))
    }
}
