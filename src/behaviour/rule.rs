//! One rule: what it matches, and what it does.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value as Json;

use super::faults::{Delay, Fail, Headers, Limit, read_headers, read_word};
use super::pattern::Pattern;
use super::source::{RoutesError, Source};
use super::template::{Template, Text};
use crate::json::{self, Kind, Place, SyntaxError};
use crate::rules::{Access, named};

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its key in the file.
    pub key: String,
    /// Its position in the file.
    pub place: Place,
    /// The methods and paths that it matches.
    pub(crate) pattern: Pattern,
    pub(super) conditions: Conditions,
    /// The guards of the request.
    pub guard: Option<Access>,
    /// The position of the guard in the file, if it needs a user.
    pub(super) needs_users: Option<Place>,
    /// How long the response waits.
    pub delay: Option<Delay>,
    /// How many requests there may be.
    pub limit: Option<Limit>,
    /// How it fails.
    pub fail: Option<Fail>,
    /// Headers that are added to the response.
    pub headers: Headers,
    /// The response; `None`: that of a later rule or the API.
    pub response: Option<CustomResponse>,
    /// Its keys and values as they are in the file, for display.
    members: Vec<(String, String)>,
}

/// The conditions of a rule other than method and path.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Conditions {
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<Json>,
}

/// A response that a rule declares.
#[derive(Debug)]
pub struct CustomResponse {
    /// The status, if not the usual one.
    pub status: Option<u16>,
    /// The rest.
    pub what: What,
}

/// The source of the response.
#[derive(Debug)]
pub enum What {
    /// The rule, without a body or with one.
    Body(Option<Template>),
    /// A file, by its path relative to the folder of the routes file.
    File(Text),
    /// A redirect.
    Redirect(Text),
    /// Changes of the data; the body is the template or else the last record.
    Actions(Arc<[Action]>, Option<Template>),
    /// The API, in another mode.
    Api(Mode),
}

/// How the API carries out a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// POST is a dry run that returns what it would store.
    Unstored,
    /// PUT creates the record if it does not exist.
    Upsert,
    /// PATCH and DELETE of a collection change the records that the query selects.
    Bulk,
}

impl Mode {
    /// The methods that it changes.
    fn methods(self) -> &'static [&'static str] {
        match self {
            Mode::Unstored => &["POST"],
            Mode::Upsert => &["PUT"],
            Mode::Bulk => &["PATCH", "DELETE"],
        }
    }
}

/// A change of the data.
#[derive(Debug)]
pub struct Action {
    /// The method.
    pub verb: Verb,
    /// Its body; a deletion has none.
    pub body: Template,
    /// The path of its target; `None`: the record that the request's path begins with.
    pub to: Option<Text>,
    /// Its position in the file.
    pub place: Place,
}

/// The kind of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Adds a record.
    Post,
    /// Replaces a record.
    Put,
    /// Changes properties.
    Patch,
    /// Deletes a record.
    Delete,
}

const VERBS: [(&str, Verb); 4] = [
    ("post", Verb::Post),
    ("put", Verb::Put),
    ("patch", Verb::Patch),
    ("delete", Verb::Delete),
];

/// The keys of a rule.
const KEYS: [&str; 19] = [
    "match", "guard", "delay", "limit", "fail", "status", "body", "headers", "file", "redirect",
    "patch", "put", "post", "delete", "to", "actions", "store", "upsert", "bulk",
];

impl Rule {
    pub(super) fn parse(
        source: Source,
        key: &str,
        pattern: &Pattern,
        value: &str,
    ) -> Result<Rule, RoutesError> {
        let name = format!("the rule {key:?}");
        let mut rule = Rule {
            key: key.to_string(),
            place: source.place(value),
            pattern: pattern.clone(),
            conditions: Conditions::default(),
            guard: None,
            needs_users: None,
            delay: None,
            limit: None,
            fail: None,
            headers: Vec::new(),
            response: None,
            members: Vec::new(),
        };
        let (mut status, mut body) = (None, None);
        let mut responses = Vec::new();
        let members = source.members(value, &name, &KEYS)?;
        let has_actions =
            |member: &json::Member| named(&VERBS, &member.key).is_some() || member.key == "actions";
        let source = Source {
            parameters: &pattern.parameters(),
            ..source
        };
        let after_actions = Source {
            has_result: members.iter().any(has_actions),
            ..source
        };
        for member in &members {
            let (key, value) = (&*member.key, member.value);
            let words: Vec<_> = value.split_whitespace().collect();
            rule.members.push((key.to_string(), words.join(" ")));
            match key {
                "match" => rule.conditions = Conditions::parse(source, value)?,
                "guard" => {
                    let guard = read_guard(source, value)?;
                    rule.needs_users = guard.needs_users().then(|| source.place(value));
                    rule.guard = Some(guard);
                }
                "delay" => rule.delay = Some(read_delay(source, value)?),
                "limit" => rule.limit = Some(read_limit(source, value)?),
                "fail" => rule.fail = Some(Fail::parse(source, value)?),
                "status" => status = Some(source.integer(value, key, 200..=599)? as u16),
                "body" => body = Some(Template::parse(after_actions, value, key)?),
                "headers" => rule.headers = read_headers(source, value)?,
                "file" => responses.push((key, What::File(Text::parse(source, value, key)?))),
                "redirect" => {
                    let text = Text::parse(source, value, key)?;
                    text.check_header(source, value, key)?;
                    responses.push((key, What::Redirect(text)));
                }
                "actions" => {
                    let actions = read_actions(source, value)?;
                    responses.push((key, What::Actions(actions, None)));
                }
                "store" if !source.boolean(value, key)? => {
                    responses.push((key, What::Api(Mode::Unstored)));
                }
                "upsert" if source.boolean(value, key)? => {
                    responses.push((key, What::Api(Mode::Upsert)));
                }
                "bulk" if source.boolean(value, key)? => {
                    responses.push((key, What::Api(Mode::Bulk)));
                }
                _ => {}
            }
        }
        if let Some(action) = own_action(source, value, &members)? {
            responses.push(("an action", What::Actions([action].into(), None)));
        }
        let what = only_answer(responses, body, pattern, &name)
            .map_err(|message| source.error(value, message))?;
        let what = what.or(status.map(|_| What::Body(None)));
        rule.response = what.map(|what| CustomResponse { status, what });
        Ok(rule)
    }

    /// The members whose keys match `wanted`, such as `delay 200`.
    pub fn summary(&self, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = String> {
        let members = self.members.iter().filter(move |(key, _)| wanted(key));
        members.map(|(key, value)| format!("{key} {value}"))
    }

    /// Why a request does not match the rule; `None`: it matches.
    pub(super) fn mismatch(
        &self,
        method: &str,
        path: &[Cow<'_, str>],
        request: &dyn RequestParts,
    ) -> Option<String> {
        if let Some(why) = self.pattern.mismatch(method, path) {
            return Some(why);
        }
        self.conditions.unmet(request)
    }

    /// Whether it has conditions other than method and path.
    pub fn has_conditions(&self) -> bool {
        self.conditions.count() > 0
    }

    /// Whether it answers every matching request, so that later rules are not reached.
    pub(super) fn always_answers(&self) -> bool {
        let always_fails = |fail: &Fail| fail.trigger.always() && !fail.after;
        self.response.is_some() || self.fail.as_ref().is_some_and(always_fails)
    }
}

fn read_guard(source: Source, value: &str) -> Result<Access, RoutesError> {
    let wrong = |bad: SyntaxError| RoutesError {
        hint: bad.hint,
        ..source.error(value, bad.message)
    };
    Access::parse(&source.string(value, "guard")?).map_err(wrong)
}

fn read_delay(source: Source, value: &str) -> Result<Delay, RoutesError> {
    match Kind::of(value) {
        Kind::Number => {
            let parsed = value.parse();
            parsed.map_err(|wrong: String| source.error(value, format!("delay: {wrong}")))
        }
        _ => read_word(source, value, "delay"),
    }
}

fn read_limit(source: Source, value: &str) -> Result<Limit, RoutesError> {
    if Kind::of(value) == Kind::String {
        return read_word(source, value, "limit");
    }
    let (mut limit, mut per) = (None, None);
    for member in source.members(value, "limit", &["rate", "per"])? {
        match &*member.key {
            "rate" => limit = Some(read_word::<Limit>(source, member.value, "rate")?),
            _ => per = Some(read_word(source, member.value, "per")?),
        }
    }
    let mut limit = limit.ok_or_else(|| {
        source
            .error(value, "limit has no rate")
            .hint(r#"for example {"rate": "10/minute", "per": "address"}"#)
    })?;
    limit.per = per.unwrap_or_default();
    Ok(limit)
}

/// The keys of an action.
const ACTION: [&str; 5] = ["patch", "put", "post", "delete", "to"];

fn read_actions(source: Source, value: &str) -> Result<Arc<[Action]>, RoutesError> {
    if Kind::of(value) != Kind::Array || json::items(value).next().is_none() {
        return Err(source.error(value, "actions must be an array of objects"));
    }
    let actions = json::items(value).enumerate().map(|(at, item)| {
        let source = Source {
            has_result: at > 0,
            ..source
        };
        Action::parse(source, item, &source.members(item, "an action", &ACTION)?)
    });
    actions.collect()
}

/// The action that is a key of the rule itself, not under `actions`, if there is one.
fn own_action(
    source: Source,
    rule: &str,
    members: &[json::Member],
) -> Result<Option<Action>, RoutesError> {
    let own = members.iter().filter(|one| ACTION.contains(&&*one.key));
    let own: Vec<_> = own.cloned().collect();
    if own
        .iter()
        .any(|member| named(&VERBS, &member.key).is_some())
    {
        return Action::parse(source, rule, &own).map(Some);
    }
    match own.first() {
        Some(to) => Err(source
            .error(to.raw_key, "\"to\" is without an action")
            .hint("put it beside \"patch\", \"put\", \"post\" or \"delete\"")),
        None => Ok(None),
    }
}

/// The response of the rule `name`: the only one of `responses`, each with its key, or `body`, which can be combined with
/// actions.
///
/// # Errors
/// There are several, or it does not fit the method of the rule.
fn only_answer(
    mut responses: Vec<(&str, What)>,
    body: Option<Template>,
    pattern: &Pattern,
    name: &str,
) -> Result<Option<What>, String> {
    if let [(one, _), (other, _), ..] = responses.as_slice() {
        return Err(format!("{name} has two responses: {one} and {other}"));
    }
    if let [(key, What::Api(mode))] = responses.as_slice()
        && let Some(method) = pattern.method.as_deref()
        && !mode.methods().contains(&method)
    {
        let methods = mode.methods().join(" or ");
        return Err(format!(
            "{key} is for {methods}, and {name} is for {method}"
        ));
    }
    Ok(match (responses.pop(), body) {
        (Some((_, What::Actions(actions, _))), body) => Some(What::Actions(actions, body)),
        (Some((key, _)), Some(_)) => {
            return Err(format!("{name} has two responses: {key} and body"));
        }
        (Some((_, what)), None) => Some(what),
        (None, body) => body.map(|body| What::Body(Some(body))),
    })
}

impl Action {
    fn parse(source: Source, whole: &str, members: &[json::Member]) -> Result<Action, RoutesError> {
        let (mut found, mut to) = (Vec::new(), None);
        for member in members {
            match named(&VERBS, &member.key) {
                Some(verb) => found.push((verb, member)),
                None => {
                    let text = Text::parse(source, member.value, "to")?;
                    if text.fixed().is_some_and(|path| !path.starts_with('/')) {
                        let error =
                            source.error(member.value, "to must be a path such as /users/1");
                        return Err(error);
                    }
                    to = Some(text);
                }
            }
        }
        let [(verb, member)] = found.as_slice() else {
            let message = "an action has one of patch, put, post and delete";
            return Err(source
                .error(whole, message)
                .hint("for several, write a list under \"actions\""));
        };
        let kind = Kind::of(member.value);
        let is_text = kind == Kind::String && member.value.contains("{{");
        if *verb != Verb::Delete && kind != Kind::Object && !is_text {
            let message = format!(
                "{} must be an object, got {}",
                member.key,
                kind.with_article()
            );
            return Err(source.error(member.value, message));
        }
        Ok(Action {
            verb: *verb,
            body: Template::parse(source, member.value, &member.key)?,
            to,
            place: source.place(member.raw_key),
        })
    }
}

impl Conditions {
    fn parse(source: Source, value: &str) -> Result<Conditions, RoutesError> {
        let mut conditions = Conditions::default();
        let pairs = |value| {
            let members = source.any_members(value, "match")?;
            let pair = |member: json::Member| {
                let text = match Kind::of(member.value) {
                    Kind::Number | Kind::Boolean => member.value.to_string(),
                    _ => source.string(member.value, &member.key)?.into_owned(),
                };
                Ok((member.key.into_owned(), text))
            };
            members.into_iter().map(pair).collect::<Result<Vec<_>, _>>()
        };
        for member in source.members(value, "match", &["query", "headers", "body"])? {
            match &*member.key {
                "query" => conditions.query = pairs(member.value)?,
                "headers" => conditions.headers = pairs(member.value)?,
                _ => {
                    source.any_members(member.value, "body")?;
                    // Checked above.
                    conditions.body = serde_json::from_str(member.value).ok();
                }
            }
        }
        Ok(conditions)
    }

    /// How many they are.
    pub(super) fn count(&self) -> usize {
        let body = self.body.as_ref().and_then(Json::as_object);
        self.query.len() + self.headers.len() + body.map_or(0, serde_json::Map::len)
    }

    /// Whether a request meets the conditions on its query, headers (by lower-case names) and body.
    pub(super) fn hold(&self, request: &dyn RequestParts) -> bool {
        self.unmet(request).is_none()
    }

    /// The first one that a request does not meet, as a sentence.
    fn unmet(&self, request: &dyn RequestParts) -> Option<String> {
        let any = |values: Vec<String>, wanted: &str| {
            values.iter().any(|value| wanted == "*" || value == wanted)
        };
        let mut query = self.query.iter();
        if let Some((name, value)) = query.find(|(name, value)| !any(request.query(name), value)) {
            return Some(format!("the query needs {name}={value}"));
        }
        let mut headers = self.headers.iter();
        let missing = headers.find(|(name, value)| !any(request.headers(name), value));
        if let Some((name, value)) = missing {
            return Some(format!("the request needs the header {name}: {value}"));
        }
        let body = self.body.as_ref();
        body.filter(|wanted| !includes(request.body(), wanted))
            .map(|wanted| format!("the body needs {wanted}"))
    }
}

/// The parts of a request that conditions refer to.
pub trait RequestParts {
    /// The values of a parameter of the query.
    fn query(&self, name: &str) -> Vec<String>;
    /// The values of a header.
    fn headers(&self, name: &str) -> Vec<String>;
    /// The body as JSON; null if it is not JSON.
    fn body(&self) -> &Json;
}

/// Whether `value` has all members of `wanted`, at any depth.
fn includes(value: &Json, wanted: &Json) -> bool {
    match (value, wanted) {
        (Json::Object(value), Json::Object(wanted)) => wanted
            .iter()
            .all(|(key, wanted)| value.get(key).is_some_and(|value| includes(value, wanted))),
        _ => value == wanted,
    }
}
