//! The likely cause of a failure, found from the request, the data and the page.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::compare::{Difference, DifferenceKind, Step, same, short, short_pair};
use super::datasets::{Dataset, has_id};
use super::http_message::METHODS;
use super::outcome::{Cause, ExampleResult, Outcome, PageResult};
use super::page::Page;
use super::service::{PARAMETERS, Received, Request};
use super::status::Expected;
use super::text::nearest;
use super::url;

/// What is known about a failed example.
pub struct Case<'a> {
    pub page: &'a Page,
    pub request: &'a Request,
    pub received: &'a Received,
    pub expected: &'a Expected,
    pub differences: &'a [Difference],
    /// Whether what was compared is not the body, but what filters make of it.
    pub is_filtered: bool,
    pub dataset: &'a Dataset,
    /// The results of the examples above it.
    pub earlier: &'a [ExampleResult],
}

/// How to say that a response is meant to be that of fresh data.
pub const RESET: &str = "`<!-- standin: reset -->` above the request if fresh data is meant";

/// The cause of a response that was right before the writes above it.
pub fn outdated() -> Cause {
    Cause {
        text: "this was the response before the writes above".to_owned(),
        in_request: false,
        missing: None,
    }
}

/// The most likely cause.
pub fn likely(case: &Case<'_>) -> Option<Cause> {
    let cause = |text, in_request| Cause {
        text,
        in_request,
        missing: None,
    };
    let (in_request, elsewhere) = (|text| cause(text, true), |text| cause(text, false));
    let request = case
        .path_prefix()
        .or_else(|| unknown_field(case.request, case.dataset))
        .or_else(|| case.received.hint.clone())
        .or_else(|| case.misspelt_parameter())
        .or_else(|| case.get_with_body())
        .or_else(|| case.replaces_record())
        .or_else(|| case.other_record())
        .or_else(|| case.record_of_other_collection())
        .or_else(|| case.related_record())
        .or_else(|| case.sent_type())
        .or_else(|| case.other_order())
        .or_else(|| case.unknown_method());
    let rules = || case.has_no_rule().map(elsewhere);
    let rest = || {
        case.next_id()
            .or_else(|| case.other_values())
            .or_else(|| case.stale_item())
            .or_else(|| case.id_not_documented())
            .or_else(|| case.longer_list())
    };
    request
        .map(in_request)
        .or_else(|| case.missing_record())
        .or_else(rules)
        .or_else(|| (!case.is_filtered).then(rest).flatten().map(elsewhere))
        .or_else(|| case.server_message().map(in_request))
}

/// Where a record is missing that a POST of another page creates, names that page.
pub fn name_other_pages(pages: &mut [PageResult]) {
    let mut created: HashMap<(String, String), (PathBuf, usize)> = HashMap::new();
    for PageResult { page, examples, .. } in &*pages {
        for result in examples
            .iter()
            .filter(|result| result.example.method() == "POST")
        {
            let received = result
                .details
                .received
                .as_ref()
                .filter(|received| received.is_success());
            let id = received.and_then(|received| received.json()?.get("id").map(short));
            let segments = url::segments(&result.details.target);
            if let (Some(id), [resource]) = (id, segments.as_slice()) {
                let record = (resource.clone(), id.trim_matches('"').to_owned());
                let place = (page.path.clone(), result.line(page));
                created.entry(record).or_insert(place);
            }
        }
    }
    for PageResult { page, examples, .. } in pages {
        for result in examples {
            let Outcome::Failed(failure) = &mut result.outcome else {
                continue;
            };
            let Some(cause) = &mut failure.cause else {
                continue;
            };
            let Some((path, line)) = cause
                .missing
                .as_ref()
                .and_then(|missing| created.get(missing))
            else {
                continue;
            };
            if *path == page.path {
                cause.text = format!(
                    "the POST on line {line}, further down, creates this record; move it above"
                );
            } else {
                let name = relative(&page.path, path);
                cause.text = format!(
                    "the POST on line {line} of {name} creates this record; `<!-- standin: after={name} -->` above the request runs that page's writes first"
                );
            }
        }
    }
}

/// The path of a page as seen from the folder of another.
fn relative(from: &Path, to: &Path) -> String {
    let parts = |path: &Path| -> Vec<String> {
        path.components()
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect()
    };
    let (mut from, to) = (parts(from), parts(to));
    from.pop();
    let common = from
        .iter()
        .zip(&to)
        .take_while(|(one, other)| one == other)
        .count();
    let up = std::iter::repeat_n("..", from.len() - common);
    let down = to[common..].iter().map(String::as_str);
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// A field in the body that almost has the name of a known one.
pub fn unknown_field(request: &Request, dataset: &Dataset) -> Option<String> {
    let body: Value = serde_json::from_str(request.body.as_deref()?).ok()?;
    let resource = url::segments(&request.target).into_iter().next()?;
    let fields = dataset.fields(&resource);
    body.as_object()?
        .keys()
        .filter(|key| !fields.contains(&key.as_str()))
        .find_map(|key| {
            let near = nearest(key, fields.iter().copied())?;
            Some(format!(
                "`{key}` is not a field of {resource}, did you mean `{near}`?"
            ))
        })
}

impl Case<'_> {
    fn segments(&self) -> Vec<String> {
        url::segments(&self.request.target)
    }

    fn records(&self) -> Option<(String, &[Value])> {
        let resource = self.segments().into_iter().next()?;
        let records = self.dataset.records(&resource)?;
        Some((resource, records))
    }

    fn of_kind(&self, kind: DifferenceKind) -> impl Iterator<Item = &Difference> {
        self.differences
            .iter()
            .filter(move |found| found.kind == kind)
    }

    fn path_prefix(&self) -> Option<String> {
        let segments = self.segments();
        let resources = self.dataset.resources();
        let at = segments
            .iter()
            .position(|part| resources.contains(&part.as_str()))
            .filter(|at| *at > 0)?;
        // `/author/1/books` lacks a letter.
        if nearest(&segments[0], resources.iter().copied()).is_some() {
            return None;
        }
        let prefix = segments[..at].join("/");
        if prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(format!(
                "`/{prefix}` is a path; a port is written as `localhost:{prefix}`"
            ));
        }
        // `/venues/1/bands` is below a record.
        let is_id = |part: &String| part.bytes().all(|byte| byte.is_ascii_digit());
        let has_id = segments[..at].iter().any(is_id);
        (self.received.status == 404 && !has_id).then(|| {
            format!("the server has no path `/{prefix}`; `--prefix /{prefix}` or `prefix: /{prefix}` in the front matter removes it")
        })
    }

    fn get_with_body(&self) -> Option<String> {
        (self.request.method == "GET" && self.request.body.is_some()).then(|| {
            "a GET with a body: the server ignores the body, PUT or PATCH may be meant".to_owned()
        })
    }

    /// The names of the query's parameters.
    fn parameters(&self) -> impl Iterator<Item = &str> {
        let (_, query) = self.request.target.split_once('?').unwrap_or_default();
        query
            .split('&')
            .map(|pair| pair.split('=').next().unwrap_or_default())
    }

    fn misspelt_parameter(&self) -> Option<String> {
        let known = || PARAMETERS.split(' ');
        self.parameters()
            .filter(|name| name.starts_with('_') && known().all(|own| own != *name))
            .find_map(|name| {
                let near = nearest(name, known())?;
                Some(format!(
                    "`{name}` is not a parameter of the server, did you mean `{near}`?"
                ))
            })
    }

    /// The documented values are those of a record of another collection.
    fn record_of_other_collection(&self) -> Option<String> {
        let own = self.segments().into_iter().next()?;
        let documented: Vec<(&str, &Value)> = self
            .differences
            .iter()
            .filter_map(|found| match found.path.as_slice() {
                [Step::Key(key)] => Some((key.as_str(), found.documented.as_ref()?)),
                _ => None,
            })
            .collect();
        let is_it = |record: &&Value| {
            let has = |(key, value): &(&str, &Value)| record.get(*key) == Some(*value);
            documented.iter().all(has)
        };
        let others = self.dataset.resources();
        let found = others.iter().filter(|name| **name != own).find_map(|name| {
            let record = self.dataset.records(name)?.iter().find(is_it)?;
            Some((name, record.get("id").map(short)?))
        });
        let (name, id) = found.filter(|_| documented.len() >= 2 && self.received.is_success())?;
        Some(format!(
            "the documented values are those of {name}/{}",
            id.trim_matches('"')
        ))
    }

    /// A documented member that holds related records, which a parameter adds.
    fn related_record(&self) -> Option<String> {
        let resources = self.dataset.resources();
        self.of_kind(DifferenceKind::Missing).find_map(|found| {
            let Some(Step::Key(key)) = found.path.last() else {
                return None;
            };
            let parameter = match found.documented.as_ref()? {
                Value::Array(items) if resources.contains(&key.as_str()) && !items.is_empty() => {
                    "_embed"
                }
                Value::Object(_) if resources.contains(&format!("{key}s").as_str()) => "_expand",
                _ => return None,
            };
            let is_read = self.request.method == "GET" && self.received.is_success();
            is_read.then(|| format!("`{key}` is a relation; `?{parameter}={key}` adds it"))
        })
    }

    /// The request sends a value of another type than the page shows.
    fn sent_type(&self) -> Option<String> {
        let sent: Value = serde_json::from_str(self.request.body.as_deref()?).ok()?;
        self.of_kind(DifferenceKind::Type).find_map(|found| {
            let [Step::Key(key)] = found.path.as_slice() else {
                return None;
            };
            let value = sent
                .get(key)
                .filter(|value| found.actual.as_ref() == Some(value))?;
            let documented = found.documented.as_ref()?;
            Some(format!(
                "the request sends `{key}` as {}, the page shows {}",
                short(value),
                short(documented)
            ))
        })
    }

    /// A sorted list that has the documented items in another order.
    fn other_order(&self) -> Option<String> {
        let mut documented: Vec<String> = Vec::new();
        let mut actual: Vec<String> = Vec::new();
        let is_moved = |found: &Difference| match (found.kind, found.path.as_slice()) {
            (DifferenceKind::Order, _) => true,
            (DifferenceKind::Value, [Step::Index(_)]) => {
                documented.extend(found.documented.as_ref().map(Value::to_string));
                actual.extend(found.actual.as_ref().map(Value::to_string));
                true
            }
            _ => false,
        };
        let is_reordered = self.differences.iter().all(is_moved);
        documented.sort();
        actual.sort();
        let is_sorted = self.request.target.contains("_sort=-")
            || self.parameters().any(|name| name == "_order");
        (is_sorted && is_reordered && !self.differences.is_empty() && documented == actual)
            .then(|| "the query sorts the list in another order than the page shows".to_owned())
    }

    /// A documented error of a value that no rule refuses.
    fn has_no_rule(&self) -> Option<String> {
        let of_values = |status: &u16| matches!(status, 400 | 409 | 422);
        let sends = self.request.body.is_some() && self.received.is_success();
        let name = self.dataset.rules_name();
        (sends && self.expected.statuses.iter().all(of_values))
            .then(|| format!("no rule refuses this request; the rules file is {name}"))
    }

    /// For a PUT: the page shows members of the record that the request does not send.
    fn replaces_record(&self) -> Option<String> {
        let sent: Value = serde_json::from_str(self.request.body.as_deref()?).ok()?;
        let (id, (_, records)) = (self.segments().into_iter().nth(1)?, self.records()?);
        let record = records.iter().find(|record| has_id(record, &id))?;
        let is_kept = |found: &&Difference| match found.path.as_slice() {
            [Step::Key(key)] => sent.get(key).is_none() && record.get(key).is_some(),
            _ => false,
        };
        let kept = self.of_kind(DifferenceKind::Missing).find(is_kept);
        (self.request.method == "PUT" && kept.is_some()).then(|| {
            "PUT replaces the whole record; PATCH changes only the members that are sent".to_owned()
        })
    }

    fn unknown_method(&self) -> Option<String> {
        let near = nearest(&self.request.method, METHODS.iter().copied())?;
        let is_known = METHODS.contains(&self.request.method.as_str());
        (!is_known).then(|| {
            format!(
                "`{}` is not a method, did you mean `{near}`?",
                self.request.method
            )
        })
    }

    /// For a 404: an earlier request of the page that deletes or creates the record.
    fn missing_record(&self) -> Option<Cause> {
        let segments = self.segments();
        let (resource, id) = (segments.first()?, segments.get(1)?);
        // Where the status is as documented, the bodies are compared.
        if self.received.status != 404
            || !self.differences.is_empty()
            || !self.dataset.resources().contains(&resource.as_str())
        {
            return None;
        }
        let mut missing = None;
        let text = if let Some(line) = self.earlier_request("DELETE", &segments[..2]) {
            format!("the DELETE on line {line} removes this record")
        } else if let Some(line) = self.creator(id, &segments[..1]) {
            format!("this example needs the record that the POST on line {line} creates")
        } else {
            // A real service may lack what our data has.
            let mut records = self.dataset.records(resource)?.iter();
            if records.any(|record| has_id(record, id)) {
                return None;
            }
            missing = Some((resource.clone(), id.clone()));
            let range = self.id_range(resource);
            format!("{resource} has no record with id {id}{range}")
        };
        Some(Cause {
            text,
            in_request: false,
            missing,
        })
    }

    /// The line of the earlier POST that creates the record with an id.
    fn creator(&self, id: &str, path: &[String]) -> Option<usize> {
        let mut posts = self.earlier.iter().filter(|result| {
            result.example.method() == "POST" && url::segments(&result.details.target) == path
        });
        let creates = |post: &&ExampleResult| {
            let received = post.details.received.as_ref().and_then(Received::json);
            let created = received.and_then(|body| body.get("id"));
            created.is_some_and(|created| short(created).trim_matches('"') == id)
        };
        let post = posts.find(creates)?;
        Some(post.example.request_line(self.page))
    }

    /// The line of the nearest earlier request with this method and path.
    fn earlier_request(&self, method: &str, path: &[String]) -> Option<usize> {
        let same_path = |result: &&ExampleResult| url::segments(&result.details.target) == path;
        let result = self
            .earlier
            .iter()
            .rev()
            .filter(|result| result.example.method() == method)
            .find(same_path)?;
        Some(result.example.request_line(self.page))
    }

    fn ids(&self, resource: &str) -> Vec<i64> {
        let records = self.dataset.records(resource).into_iter().flatten();
        let mut ids: Vec<i64> = records
            .filter_map(|record| record.get("id")?.as_i64())
            .collect();
        ids.sort_unstable();
        ids
    }

    fn id_range(&self, resource: &str) -> String {
        let ids = self.ids(resource);
        match (ids.first(), ids.last()) {
            (Some(first), Some(last)) => format!("; its ids are {first} to {last}"),
            _ => String::new(),
        }
    }

    /// For a POST: the documented id is not the next one.
    fn next_id(&self) -> Option<String> {
        let difference = self
            .differences
            .iter()
            .find(|found| found.path == [Step::Key("id".to_owned())])?;
        let (documented, actual) = (difference.documented.as_ref()?, difference.actual.as_ref()?);
        let resource = self.segments().into_iter().next()?;
        if self.request.method != "POST" {
            return None;
        }
        let (id, next, range) = (short(documented), short(actual), self.id_range(&resource));
        let is_taken = documented
            .as_i64()
            .is_some_and(|id| self.ids(&resource).contains(&id));
        Some(match is_taken {
            true => format!(
                "{resource} already has a record with id {id}{range}, so the next is {next}"
            ),
            false => format!("the next id of {resource} is {next}{range}"),
        })
    }

    /// The documented values that differ, by their members other than `id`.
    fn documented_values(&self) -> Vec<(&str, &Value)> {
        self.of_kind(DifferenceKind::Value)
            .filter_map(|found| match found.path.as_slice() {
                [Step::Key(key)] if key != "id" => Some((key.as_str(), found.documented.as_ref()?)),
                _ => None,
            })
            .collect()
    }

    /// The documented values are those of another record: the id in the URL is probably wrong.
    fn other_record(&self) -> Option<String> {
        let segments = self.segments();
        let (id, (_, records)) = (segments.get(1)?, self.records()?);
        let values = self.documented_values();
        let matching = |record: &Value| {
            let is_own = |(key, value): &&(&str, &Value)| {
                record.get(*key).is_some_and(|own| same(own, value))
            };
            values.iter().filter(is_own).count()
        };
        let best = records
            .iter()
            .filter(|record| !has_id(record, id))
            .max_by_key(|record| matching(record))?;
        let is_it = matching(best) >= 2 && matching(best) * 2 >= values.len();
        let other = best.get("id").map(short).unwrap_or_default();
        (self.received.is_success() && is_it)
            .then(|| format!("the documented values are those of the record with id {other}"))
    }

    /// The record was changed.
    fn other_values(&self) -> Option<String> {
        let segments = self.segments();
        let (id, (resource, records)) = (segments.get(1)?, self.records()?);
        let values = self.documented_values();
        let (key, documented) = values.first().filter(|_| self.received.is_success())?;
        let stored = records
            .iter()
            .find(|record| has_id(record, id))?
            .get(*key)?;
        let from_data = self
            .differences
            .iter()
            .any(|found| found.actual.as_ref() == Some(stored));
        from_data.then(|| {
            let (documented, stored) = short_pair(documented, stored);
            format!(
                "{resource}/{id} has `{key}`: {stored} in the data, but {documented} on the page"
            )
        })
    }

    /// A documented item that the list does not contain.
    fn stale_item(&self) -> Option<String> {
        // The items of `/users/1/orders` are orders.
        let resource = self.segments().into_iter().step_by(2).next_back()?;
        let records = self.dataset.records(&resource)?;
        self.of_kind(DifferenceKind::Missing).find_map(|found| {
            let ([Step::Id(id)], Some(Value::Object(documented))) =
                (found.path.as_slice(), &found.documented)
            else {
                return None;
            };
            let id_text = short(id).trim_matches('"').to_owned();
            let name = format!("{resource}/{id_text}");
            if let Some(line) = self.earlier_request("DELETE", &[resource.clone(), id_text]) {
                return Some(format!("the DELETE on line {line} removes this record"));
            }
            let has_id = |record: &&Value| record.get("id").is_some_and(|own| same(own, id));
            let record = records.iter().find(has_id)?;
            let changed = documented.iter().find_map(|(key, value)| {
                let stored = record.get(key).filter(|stored| !same(stored, value))?;
                Some(format!(
                    "{name} has `{key}`: {} in the data, so it does not match the query",
                    short(stored)
                ))
            });
            Some(
                changed.unwrap_or_else(|| {
                    format!("{name} is in the data, but does not match the query")
                }),
            )
        })
    }

    fn id_not_documented(&self) -> Option<String> {
        let is_id = |found: &Difference| {
            found.kind == DifferenceKind::Extra
                && matches!(found.path.last(), Some(Step::Key(key)) if key == "id")
        };
        (!self.differences.is_empty() && self.differences.iter().all(is_id))
            .then(|| "the server adds an `id` to every record; the page leaves it out".to_owned())
    }

    fn longer_list(&self) -> Option<String> {
        let count = self.received.json()?.as_array()?.len();
        let is_item =
            |found: &&Difference| matches!(found.path.as_slice(), [Step::Id(_) | Step::Index(_)]);
        let extra = self.of_kind(DifferenceKind::Extra).filter(is_item).count();
        let missing = self
            .of_kind(DifferenceKind::Missing)
            .filter(is_item)
            .count();
        let shown = count.checked_sub(extra)?;
        (extra > 0 && missing == 0).then(|| {
            format!("the server returns {count} records, the page shows {shown}; end the list with `...` to allow more")
        })
    }

    /// The server's own explanation of an error.
    fn server_message(&self) -> Option<String> {
        let body = self
            .received
            .json()
            .filter(|_| self.received.status >= 400)?;
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let detail = ["detail", "error", "message", "title"]
            .iter()
            .find_map(|key| text(key))?;
        let errors = body.get("errors").and_then(Value::as_array);
        let details: Vec<String> = errors
            .into_iter()
            .flatten()
            .filter_map(|error| {
                let name = error.get("pointer")?.as_str()?.rsplit('/').next()?;
                Some(format!("{name} {}", error.get("detail")?.as_str()?))
            })
            .collect();
        if details.len() > 1 {
            return Some(format!("the server says: {}", details.join("; ")));
        }
        let hint = text("hint")
            .map(|hint| format!(" ({hint})"))
            .unwrap_or_default();
        Some(format!("the server says: {detail}{hint}"))
    }
}
