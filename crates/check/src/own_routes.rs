//! Routes and parameters of the service that a page documents, which the data does not have: `/health`, `/users/search`,
//! `?keyword=`. An example of one is not wrong if the page shows no response to it.

use regex::Regex;
use serde_json::Value;

use super::datasets::{Dataset, has_id};
use super::examples::Example;
use super::page::Page;
use super::service::{Received, Request};
use super::status::Expected;
use super::text::{is_misspelt, is_one_of, nearest, pattern};
use super::url;

/// What services have besides their data.
const TECHNICAL: &str = "health healthz healthcheck health-check ping pong status version info metrics ready readiness readyz live \
     liveness livez alive heartbeat docs swagger swagger-ui swagger.json openapi openapi.json openapi.yaml api-docs redoc graphql \
     favicon.ico robots.txt";
/// What services do with collections besides reading and writing their records.
const ACTIONS: &str = "search count stats statistics latest recent random popular export import bulk batch upload download me all \
     filter archive summary";
/// Words of routes that let users in.
const ACCESS: &str = "login logout signin signout signup auth authenticate authorize oauth token tokens refresh session sessions \
     password verify otp";
/// Endings of a path that ask for a format.
const FORMATS: &str = "json xml html csv yaml yml txt md api pdf rss atom";
/// Parameters of this server.
pub const PARAMETERS: &str = "q _sort _order _page _limit _per_page _start _end _embed _expand";

/// The reason not to report a request that the server answers with 404 or 405, if there is one.
pub fn reason(
    page: &Page,
    example: &Example,
    request: &Request,
    received: &Received,
    expected: &Expected,
    dataset: &Dataset,
) -> Option<String> {
    let segments = url::segments(&request.target);
    let Some(last) = segments.last() else {
        return Some("`/` is not part of the data".to_owned());
    };
    let resources = dataset.resources();
    let is_resource = |name: &String| resources.contains(&name.as_str());
    let is_misspelt =
        |name: &String| is_word(name) && !is_resource(name) && is_misspelt(name, &resources);
    let fails = expected.statuses.iter().all(|status| *status >= 400);
    let is_expected = fails && expected.statuses.contains(&received.status);
    if !matches!(received.status, 404 | 405) || is_expected {
        return None;
    }
    let path = request.target.split('?').next().unwrap_or_default();
    let own = |what: &str| Some(format!("`{path}` {what}"));
    let in_format = |name: &&str| {
        let format = last
            .strip_prefix(*name)
            .and_then(|rest| rest.strip_prefix('.'));
        format.is_some_and(|format| is_one_of(format, FORMATS))
    };
    let is_record_in_format = || {
        let (id, format) = last.rsplit_once('.').unwrap_or_default();
        let mut records = dataset.records(&segments[0]).into_iter().flatten();
        is_one_of(format, FORMATS) && records.any(|record| has_id(record, id))
    };
    if segments.len() == 1 && resources.iter().any(in_format)
        || segments.len() == 2 && is_record_in_format()
    {
        return own("requests a format that this server does not offer");
    }
    // Names and ids alternate in a path.
    let mut names = segments.iter().step_by(2);
    if received.is_misspelling() || names.any(is_misspelt) {
        return None;
    }
    if is_one_of(last, TECHNICAL) && !segments.iter().any(is_resource) {
        return own("is not part of the data");
    }
    let lets_in = |name: &String| name.split(['-', '_']).any(|word| is_one_of(word, ACCESS));
    if request.method == "POST" && lets_in(last) && !is_resource(last) {
        return own("is an authentication route, which the data does not have");
    }
    // `POST /users/bulk`
    if let [collection, action] = segments.as_slice()
        && request.method == "POST"
        && is_resource(collection)
        && is_word(action)
        && !has_words_as_ids(dataset, collection)
    {
        return own("is an action that this data does not have");
    }
    if received.status != 404 {
        return None;
    }
    // `/user/authenticate`
    if let [name, action] = segments.as_slice()
        && !is_resource(name)
        && is_word_or_phrase(name)
        && is_word_or_phrase(action)
    {
        return own("is a route that this data does not have");
    }
    // `/articles/1/users/2`
    if let [outer, _, inner, _] = segments.as_slice()
        && is_resource(outer)
        && is_resource(inner)
    {
        return own("is a route that this data does not have");
    }
    let collection = segments.first().filter(|name| is_resource(name));
    // `PUT /orders/1/cancel`
    let does_something = || {
        let is_id = !is_word(&segments[1]);
        segments.len() == 3 && is_id && is_word(last) && !is_resource(last)
    };
    if request.method != "GET" && collection.is_some() && does_something() {
        return own("is an action that this data does not have");
    }
    // `/todos/active`, where the ids of the records are not words.
    let is_named = |(collection, name): (&String, &String)| {
        // `/orders/product/lamp`
        let may_be_near = || segments.len() == 3 && !is_resource(name);
        is_word_or_phrase(name)
            && (may_be_near() || !is_misspelt(name))
            && !has_words_as_ids(dataset, collection)
    };
    let is_success = |status: &u16| *status < 300;
    let is_own = request.method == "GET"
        && expected.statuses.iter().all(is_success)
        && collection.zip(segments.get(1)).is_some_and(is_named);
    if is_own {
        return own("is a route that this data does not have");
    }
    let is_verb = |name: &String| {
        is_word_or_phrase(name) && (!name.ends_with('s') || is_one_of(name, ACTIONS))
    };
    // `/echo`, `/hello`: a route without records.
    if let [name] = segments.as_slice()
        && is_verb(name)
        && !shows_record(page, example)
    {
        return own("is a route that this data does not have");
    }
    if example.response.is_some() {
        return None;
    }
    // `/students/1/attendance`
    if let [_, id, name] = segments.as_slice()
        && collection.is_some()
        && !is_word(id)
        && is_verb(name)
        && !is_resource(name)
    {
        return own("is a route that this data does not have");
    }
    let action = segments.get(1).filter(|name| is_word(name));
    // A word in place of an id, where ids are no words.
    let is_action = collection.zip(action).is_some_and(|(collection, action)| {
        !has_words_as_ids(dataset, collection) && (segments.len() > 2 || is_one_of(action, ACTIONS))
    });
    let is_record = collection.is_some() && segments.len() <= 2 && !is_action;
    (is_action || !is_record && is_described(page, example, &segments))
        .then(|| own("is a route that this data does not have"))
        .flatten()
}

/// Whether the response that a page shows has records: a list, or an object with an id.
fn shows_record(page: &Page, example: &Example) -> bool {
    let shown = example.response.as_ref();
    let content =
        shown.and_then(|shown| Some(&page.fence(shown.fence)?.content[shown.range.clone()]));
    content.is_some_and(|content| {
        let body = content.find(['{', '[']).map(|at| &content[at..]);
        body.is_some_and(|body| body.starts_with('[') || body.contains("\"id\""))
    })
}

/// Whether a query has a parameter that neither the records nor this server have, and the page shows no response.
/// `page` may be one of the service that a page is about, unless the page uses `_page` or names json-server.
pub fn has_other_parameter(
    page: &Page,
    example: &Example,
    request: &Request,
    dataset: &Dataset,
) -> bool {
    const OF_THIS: [&str; 6] = [
        "json-server",
        "json server",
        "standin",
        "_page",
        "_limit",
        "_sort",
    ];
    const OF_OTHERS: &str = "page limit sort order per_page perpage pagesize page_size size offset start end embed expand";
    let text = page.text.to_lowercase();
    let is_of_this = OF_THIS.iter().any(|name| text.contains(name));
    let (_, query) = request.target.split_once('?').unwrap_or_default();
    let segments = url::segments(&request.target);
    let fields = segments.first().map(|name| dataset.fields(name));
    let fields = fields.unwrap_or_default();
    let mut names = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let is_own = |(name, value): &(&str, &str)| {
        // A page is a number.
        let counts = |known: &&str| {
            let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
            is_number || !is_one_of(known, "_page _limit _per_page _start _end")
        };
        let known = || {
            fields
                .iter()
                .copied()
                .chain(PARAMETERS.split(' ').filter(counts))
        };
        let plain = name.split(['.', '[', '%']).next().unwrap_or_default();
        let field = plain.rsplit_once('_').map(|(field, _)| field);
        let plain = field.filter(|field| !field.is_empty()).unwrap_or(plain);
        let is_of_other = !is_of_this && is_one_of(&name.to_lowercase(), OF_OTHERS);
        let is_near = || {
            nearest(name, known())
                .or_else(|| nearest(plain, known()))
                .is_some()
        };
        !known().any(|known| known == *name || known == plain) && (is_of_other || !is_near())
    };
    example.response.is_none() && names.any(|pair| is_own(&pair))
}

/// Whether a page describes a route apart from the command, and by its path alone: `### GET /users/{id}/avatar`.
fn is_described(page: &Page, example: &Example, segments: &[String]) -> bool {
    let part = |name: &String| match is_word(name) {
        true => regex::escape(name),
        false => r"(?:[{<:$\[][^\s/`]*|[\w-]+)".to_owned(),
    };
    let path: Vec<String> = segments.iter().map(part).collect();
    let route: Regex = pattern(&format!(
        r#"(?m)(?:^|[\s`"'(|*])(?:/[\w.-]+)*?(?P<route>/{})(?:[\s`"'?)|*,.:;]|$)"#,
        path.join("/")
    ));
    let own = example.request_range(page);
    let is_apart = |found: regex::Captures<'_>| {
        let at = found.name("route").map_or(0, |route| route.start());
        !own.contains(&at)
    };
    route.captures_iter(&page.text).any(is_apart)
}

/// Whether a segment of a path is a word, and not an id.
fn is_word(segment: &str) -> bool {
    segment
        .chars()
        .all(|c| c.is_alphabetic() || matches!(c, '-' | '_' | '.'))
}

/// Whether a segment is a word or several, as an id is rarely.
fn is_word_or_phrase(segment: &str) -> bool {
    segment.len() > 2
        && segment
            .chars()
            .all(|c| c.is_alphabetic() || matches!(c, '-' | '_'))
}

fn has_words_as_ids(dataset: &Dataset, collection: &str) -> bool {
    let mut records = dataset.records(collection).into_iter().flatten();
    records.any(|record| matches!(record.get("id"), Some(Value::String(id)) if is_word(id)))
}
