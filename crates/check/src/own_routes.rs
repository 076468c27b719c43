//! Routes and parameters of the service that a page documents, which the data does not have: `/health`, `/users/search`,
//! `?keyword=`. An example of one is not wrong if the page shows no response to it.

use regex::Regex;
use serde_json::Value;

use super::datasets::{Dataset, has_id};
use super::example::Example;
use super::page::Page;
use super::prefix::is_of_api;
use super::service::{PARAMETERS, Request};
use super::text::{is_misspelt, is_one_of, nearest, pattern};
use super::unmet::Unmet;
use super::url;

/// What services have besides their data.
const TECHNICAL: &str = "health healthz healthcheck health-check ping pong status version info metrics ready readiness readyz live \
     liveness livez alive heartbeat docs swagger swagger-ui swagger.json openapi openapi.json openapi.yaml api-docs redoc graphql \
     favicon.ico robots.txt";
/// What services do with collections besides reading and writing their records.
const ACTIONS: &str = "search count stats statistics latest recent random popular export import bulk batch upload download me all \
     filter archive summary";
/// Actions of services within a path: `/sync/retry/1`.
const VERBS: &str = "retry run start stop restart cancel check verify send resend process sync trigger execute reset";
/// First parts of paths that are about a service and not about its data.
const AREAS: &str = "admin internal debug test actuator management system";
/// Words of routes that let users in.
const ACCESS: &str = "login logout signin signout signup auth authenticate authorize oauth token tokens refresh session sessions \
     password verify otp";
/// Endings of a path that ask for a format.
const FORMATS: &str = "json xml html csv yaml yml txt md api pdf rss atom";

/// Endings of the names of files that a service offers.
const FILES: &str = "jpg jpeg png gif svg webp avif ico bmp css js mjs map woff woff2 ttf mp3 mp4 webm wav zip gz tar exe";

const NO_DATA: &str = "is not part of the data";
const NO_ACTION: &str = "is an action that this data does not have";
const NO_ROUTE: &str = "is a route that this data does not have";

impl Unmet<'_> {
    /// The reason not to report a route of another service, if it is one.
    pub fn route_of_other_service(&self) -> Option<String> {
        let status = self.compared.received.status;
        let fails = self.expected.statuses.iter().all(|status| *status >= 400);
        let is_expected = fails && self.expected.statuses.contains(&status);
        let segments = url::segments(&self.request.target);
        let what = match segments.last() {
            None => Some(NO_DATA),
            Some(_) if is_expected || !matches!(status, 404 | 405) => None,
            Some(last) => self.other_than_data(&segments, last),
        };
        let path = self.request.target.split('?').next().unwrap_or_default();
        what.map(|what| format!("`{path}` {what}"))
    }

    fn other_than_data(&self, segments: &[String], last: &str) -> Option<&'static str> {
        // Below the prefix of an API, a path has the same form.
        let prefix = segments.iter().take_while(|name| is_of_api(name)).count();
        let segments = match segments.get(prefix) {
            Some(name) if self.is_resource(name) && segments.len() > prefix + 1 => {
                &segments[prefix..]
            }
            _ => segments,
        };
        let extension = last.rsplit_once('.').map_or("", |(_, extension)| extension);
        if is_one_of(extension, FILES) {
            return Some("is a file, which the data does not have");
        }
        if self.asks_for_format(segments, last) {
            return Some("requests a format that this server does not offer");
        }
        // Names and ids alternate in a path.
        let mut names = segments.iter().step_by(2);
        if self.compared.received.is_misspelling() || names.any(|name| self.is_misspelt(name)) {
            return None;
        }
        if is_one_of(last, TECHNICAL) && !segments.iter().any(|name| self.is_resource(name)) {
            return Some(NO_DATA);
        }
        let mut words = last.split(['-', '_']);
        let lets_in = words.any(|word| is_one_of(word, ACCESS)) && !self.is_resource(last);
        if self.request.method == "POST" && lets_in {
            return Some("is an authentication route, which the data does not have");
        }
        if self.is_action(segments) {
            return Some(NO_ACTION);
        }
        (self.compared.received.status == 404 && self.is_route(segments)).then_some(NO_ROUTE)
    }

    fn is_resource(&self, name: &str) -> bool {
        self.dataset.resources().contains(&name)
    }

    fn is_misspelt(&self, name: &str) -> bool {
        let resources = self.dataset.resources();
        is_word(name) && !resources.contains(&name) && is_misspelt(name, &resources)
    }

    /// Whether a record has a list or an object of a name: `/users/1/address`.
    fn is_member(&self, collection: &str, id: &str, name: &str) -> bool {
        let mut records = self.dataset.records(collection).into_iter().flatten();
        let record = records.find(|record| has_id(record, id));
        let member = record.and_then(|record| record.get(name));
        matches!(member, Some(Value::Array(_) | Value::Object(_)))
    }

    /// Whether the ids of a collection are not words, so that a word in place of one is not an id.
    fn has_other_ids(&self, collection: &str) -> bool {
        let mut records = self.dataset.records(collection).into_iter().flatten();
        self.is_resource(collection)
            && !records
                .any(|record| matches!(record.get("id"), Some(Value::String(id)) if is_word(id)))
    }

    /// `/users.csv`, `/users/1.xml`
    fn asks_for_format(&self, segments: &[String], last: &str) -> bool {
        let Some((name, format)) = last.rsplit_once('.') else {
            return false;
        };
        let mut records = self.dataset.records(&segments[0]).into_iter().flatten();
        is_one_of(format, FORMATS)
            && match segments.len() {
                1 => self.is_resource(name),
                2 => records.any(|record| has_id(record, name)),
                _ => false,
            }
    }

    /// `POST /users/bulk`, `PUT /orders/1/cancel`
    fn is_action(&self, segments: &[String]) -> bool {
        match segments {
            [collection, action] => {
                self.request.method == "POST" && is_word(action) && self.has_other_ids(collection)
            }
            [collection, id, action] => {
                self.request.method != "GET"
                    && self.compared.received.status == 404
                    && self.is_resource(collection)
                    && !is_word(id)
                    && is_word(action)
                    && !self.is_resource(action)
            }
            _ => false,
        }
    }

    /// Whether a path is one of the page's own service.
    fn is_route(&self, segments: &[String]) -> bool {
        let (page, example) = (self.page, self.example);
        let is_shown = example.response.is_some();
        let is_success = |status: &u16| *status < 300;
        let succeeds = self.expected.statuses.iter().all(is_success);
        let reads = self.request.method == "GET" && succeeds;
        // A plural is the name of a collection that is missing.
        let is_plural =
            |name: &str| name.ends_with('s') && !name.ends_with("ss") && !name.contains('-');
        let is_verb =
            |name: &str| is_word_or_phrase(name) && (!is_plural(name) || is_one_of(name, ACTIONS));
        let is_own = match segments {
            // `/echo`, `/hello`: a route without records.
            [name] => is_verb(name) && !shows_record(page, example),
            // `/admin/tenants/a`
            [area, _, ..] if is_one_of(area, AREAS) && !self.is_resource(area) => true,
            // `/user/authenticate`, `/search/ab`
            [name, _] if is_one_of(name, ACTIONS) && !self.is_resource(name) => true,
            // `POST /return/1`: no record is created at the path of one.
            [name, _] if self.request.method == "POST" && !self.is_resource(name) => {
                is_verb(name) && !self.is_misspelt(name)
            }
            [name, action] if !self.is_resource(name) && !self.is_resource(action) => {
                is_word_or_phrase(name) && (is_word_or_phrase(action) || is_one_of(action, ACTIONS))
            }
            // `/sync/retry/1`, `/stock/A-1/reserve`
            [name, action, last] if !self.is_resource(name) && !self.is_resource(action) => {
                let is_of_unknown = || !is_word(action) && is_verb(last);
                let is_action = is_one_of(action, VERBS) || is_of_unknown();
                !is_shown && is_word_or_phrase(name) && is_action
            }
            // `/todos/active`
            [collection, name] => {
                (reads && is_word_or_phrase(name) || succeeds && is_one_of(name, ACTIONS))
                    && !self.is_misspelt(name)
                    && self.has_other_ids(collection)
            }
            // `/orders/product/lamp`, `/students/1/attendance`
            [collection, id, name] => {
                (reads || succeeds && !shows_record(page, example))
                    && is_word_or_phrase(id)
                    && !self.is_resource(id)
                    && self.has_other_ids(collection)
                    || self.is_member(collection, id, name)
                    || (name.contains('-') || !(is_shown && shows_record(page, example)))
                        && self.is_resource(collection)
                        && !is_word(id)
                        && is_verb(name)
                        && !self.is_resource(name)
            }
            // `/authors/1/books/2/download`
            [outer, _, inner, _, action] => {
                self.is_resource(outer) && self.is_resource(inner) && is_verb(action)
            }
            // `/articles/1/users/2`
            [outer, _, inner, _] => self.is_resource(outer) && self.is_resource(inner),
            _ => false,
        };
        is_own || !is_shown && self.is_described_route(segments)
    }

    /// Whether a path without a shown response is that of an action, or the page describes it.
    fn is_described_route(&self, segments: &[String]) -> bool {
        let collection = segments.first().filter(|name| self.is_resource(name));
        let action = segments.get(1).filter(|name| is_word(name));
        let is_action = collection.zip(action).is_some_and(|(collection, action)| {
            self.has_other_ids(collection) && (segments.len() > 2 || is_one_of(action, ACTIONS))
        });
        let is_record = collection.is_some() && segments.len() <= 2 && !is_action;
        is_action || !is_record && is_described(self.page, self.example, segments)
    }
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
