//! Why an example that is not as documented is not wrong: something that it needs is not run.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

use super::causes;
use super::compare::{Difference, DifferenceKind, Step};
use super::datasets::Dataset;
use super::documented::Compared;
use super::example::Example;
use super::found::Problem;
use super::implied;
use super::labels;
use super::outcome::{ExampleResult, Outcome};
use super::page::{Block, Fence, Heading, Page};
use super::service::{Request, WrittenRequest};
use super::status::{Expected, StatusSource};
use super::text::{self, nearest, pattern};
use super::url::{self, Resolved, TargetHosts};

/// An example that is not as documented.
pub struct Unmet<'a> {
    pub page: &'a Page,
    pub example: &'a Example,
    pub request: &'a Request,
    pub expected: &'a Expected,
    pub compared: &'a Compared,
    pub dataset: &'a Dataset,
    pub hosts: &'a TargetHosts,
    pub earlier: &'a [ExampleResult],
}

/// Why an example is skipped.
pub struct Reason {
    pub text: String,
    /// Whether the page says, or the data shows, that a write of the example has no effect here.
    pub without_effect: bool,
}

impl Unmet<'_> {
    /// The reason to skip the example, if there is one.
    pub fn reason(&self) -> Option<Reason> {
        let received = &self.compared.received;
        let without_effect = || {
            self.route_of_other_service()
                .or_else(|| self.needs_other_server())
        };
        let is_json = |body: &str| serde_json::from_str::<Value>(body).is_ok();
        let is_read = self.request.body.as_deref().is_some_and(is_json);
        let is_other =
            self.example.is_body_assumed && is_read && matches!(received.status, 400 | 422);
        let assumed =
            is_other.then(|| "the JSON below this endpoint may not be its request body".to_owned());
        let reason = |without_effect| {
            move |text| Reason {
                text,
                without_effect,
            }
        };
        assumed
            .or_else(|| self.lacks_body())
            .or_else(|| self.is_other_sample())
            .or_else(|| self.is_mentioned())
            .or_else(|| self.is_of_other_version())
            .or_else(|| self.missing_prerequisite())
            .map(reason(false))
            .or_else(|| without_effect().map(reason(true)))
            .or_else(|| self.is_of_other_service().map(reason(false)))
            .or_else(|| self.of_program().map(reason(false)))
    }

    /// Whether the body that the page does not show may decide on the response: it decides neither on the status of a
    /// success nor whether the path is there.
    fn lacks_body(&self) -> Option<String> {
        let received = &self.compared.received;
        let succeeds = self.expected.statuses.iter().any(|status| *status < 400);
        let is_sure = succeeds && received.is_success() || matches!(received.status, 404 | 405);
        (self.example.is_sent_empty && !is_sure)
            .then(|| "an endpoint without a request body".to_owned())
    }

    /// Whether the record that an endpoint shows as a sample is not in the data.
    fn is_other_sample(&self) -> Option<String> {
        let target = self.example.request.target();
        let is_missing = self.example.has_sample_id && self.compared.received.status == 404;
        is_missing.then(|| format!("a template, and the data has no `{target}`"))
    }

    /// Whether the request is only mentioned: a sentence may speak of one that fails, and a list of endpoints has
    /// ids that stand for any.
    fn is_mentioned(&self) -> Option<String> {
        let received = &self.compared.received;
        // A misspelt name is a mistake everywhere, and so is a missing header.
        let is_mistake = received.is_misspelling() || received.is_wrong_content_type();
        // "`GET /users` returns all five users"
        let is_wrong = received.is_success() && self.compared.other.is_some();
        let is_meant = self.example.is_mention && !is_mistake && !is_wrong;
        is_meant.then(|| {
            format!(
                "only mentioned; sent as it stands, it gets the status {}",
                received.status
            )
        })
    }

    /// Whether the heading or label above says that the example is about another version, or shows what is wrong.
    fn is_of_other_version(&self) -> Option<String> {
        let (page, at) = (self.page, self.example.fence);
        let heading = page.heading_of(at);
        let text = |index: usize| page.blocks[index].heading().map(|own| own.text.as_str());
        let own = heading.and_then(text);
        let is_other = |at: &usize| Some(*at) != heading;
        let mut others = (0..page.blocks.len()).filter(is_other).filter_map(text);
        let is_one_version = own.is_some_and(labels::is_version) && others.any(labels::is_version);
        let label = at.checked_sub(1).map(|above| &page.blocks[above]);
        let in_label = matches!(label, Some(Block::Prose(prose))
            if labels::is_of_other_time(labels::last_sentence(&prose.text)));
        // "# wrong", above the command.
        let fence = page.fence(at);
        let before = fence.and_then(|fence| fence.content.get(..self.example.request.span.start));
        let comment = before.and_then(|text| text.trim_end_matches(['$', ' ']).lines().next_back());
        let comment = comment.and_then(|line| line.trim().strip_prefix('#'));
        let is_other = is_one_version
            || own.into_iter().chain(comment).any(labels::is_of_other_time)
            || comment.is_some_and(|comment| comment.trim_start().starts_with(['❌', '✗', '✘']))
            || in_label;
        const HERE: &str = "locally local lokal here";
        let is_here =
            matches!(label, Some(Block::Prose(prose)) if labels::has_word(&prose.text, HERE));
        let is_other = is_other && !is_here;
        is_other.then(|| "the heading or label above it refers to another version".to_owned())
    }

    /// Something that the example depends on and that was not run or is not available: a write above it, another server,
    /// a version of a record.
    fn missing_prerequisite(&self) -> Option<String> {
        let compared = self.compared;
        // With another status of success, no record is missing.
        let is_success = |status: &u16| (200..300).contains(status);
        let found = compared.received.is_success();
        let is_other_success =
            found && !compared.status_ok && self.expected.statuses.iter().all(is_success);
        let mut above = self.earlier.iter().rev().filter(|_| !is_other_success);
        let write = above.find(|result| {
            self.is_uncertain_write(result)
                && !self.is_run_elsewhere(result)
                && !self.is_overwritten(result)
                && !self.is_general_form(result)
                && self.explains(result)
        });
        let needs = |line| format!("needs the write on line {line}, which is not run");
        let write = write.map(|result| {
            let line = result.example.request_line(self.page);
            match result.outcome {
                Outcome::Skipped(_) => needs(line),
                _ => format!("the page may not count the write of the program on line {line}"),
            }
        });
        let in_text = || {
            self.deleted_in_text()
                .or_else(|| self.created_in_text())
                .or_else(|| self.created_by_program())
        };
        write
            .or_else(|| in_text().map(needs))
            .or_else(|| self.not_here())
            .or_else(|| self.depends_on_a_tag())
    }

    /// Whether a request that a heading or sentence names may be of the service that is named elsewhere.
    fn is_of_other_service(&self) -> Option<String> {
        let (page, at) = (self.page, self.example.fence);
        // The request lies within the heading or sentence.
        let around = at.checked_sub(1).map(|above| page.blocks[above].range());
        let start = page.fence(at).map(|fence| fence.range.start);
        let is_named = around
            .zip(start)
            .is_some_and(|(range, start)| range.contains(&start));
        let may_be = is_named && implied::is_of_other_service(&page.text);
        may_be.then(|| {
            "may be a request to another service, named in the page's commands or base URL"
                .to_owned()
        })
    }

    /// Whether a page documents an error that the server does not have: that of a user who is not known, of too many
    /// requests, or its own.
    fn needs_other_server(&self) -> Option<String> {
        if self.expected.source == StatusSource::Method {
            return None;
        }
        let is_of_others = |status: &u16| matches!(status, 401 | 403 | 429 | 500..);
        let status = self.expected.statuses.first()?;
        // A route that fails on purpose is not in the data, either.
        let is_elsewhere = self.compared.received.status == 404
            && self.expected.statuses.iter().all(|status| *status >= 500);
        ((self.compared.received.is_success() || is_elsewhere)
            && self.expected.statuses.iter().all(is_of_others))
        .then(|| format!("documents {status}, which the data and the rules cannot cause"))
    }

    /// Whether a response depends on a header with the version of a record, which is another one here.
    fn depends_on_a_tag(&self) -> Option<String> {
        const HEADERS: [&str; 4] = [
            "if-none-match",
            "if-match",
            "if-modified-since",
            "if-unmodified-since",
        ];
        let name = HEADERS
            .iter()
            .find(|name| self.request.header(name).is_some())?;
        (!self.compared.status_ok).then(|| format!("depends on the record version in `{name}`"))
    }

    /// Why a part of a program is not wrong that the server refuses, or whose response is not shown: only a misspelt name is
    /// surely a mistake.
    fn of_program(&self) -> Option<String> {
        let reason = self.example.request.program()?;
        let status = self.compared.received.status;
        let resources = self.dataset.resources();
        let first = url::segments(&self.request.target).into_iter().next()?;
        let is_elsewhere = status == 404 && !resources.contains(&&*first);
        let is_misspelt = match is_elsewhere {
            true => nearest(&first, resources.iter().copied()).is_some(),
            false => status >= 400 && causes::unknown_field(self.request, self.dataset).is_some(),
        };
        // A status that the page names must come where the request succeeds.
        let contradicts = match self.expected.source {
            StatusSource::Method => false,
            StatusSource::Directive => true,
            _ => self.compared.received.is_success() && !self.compared.status_ok,
        };
        // What a sentence says that it prints.
        let is_stated = !self.example.request.printed.is_whole() && self.compared.other.is_some();
        let contradicts = contradicts || is_stated;
        (!is_misspelt && !contradicts && (is_elsewhere || !self.example.is_shown()))
            .then(|| format!("{reason}; sent as it stands, it gets the status {status}"))
    }

    /// The line of a sentence above a missing record that deletes it: "Send `DELETE /users/1`", "`DELETE /users/:id`".
    fn deleted_in_text(&self) -> Option<usize> {
        static DELETION: LazyLock<Regex> = regex!(r"\bDELETE[`*\s]+(?P<path>/[^\s`*,]*)");
        let target = self.request.target.as_str();
        let is_own = self.request.method == "DELETE";
        if is_own || !self.lacks_a_record() {
            return None;
        }
        let above = &self.page.text[..self.example.request_range(self.page).start];
        let deletes = |found: &Captures<'_>| {
            let path = found["path"].trim_end_matches(['.', ':', ')']);
            let collection = path
                .rsplit_once('/')
                .map_or("", |(collection, _)| collection);
            url::is_form_of(path, target)
                || url::placeholder(path).is_some() && url::path_of(target) == collection
        };
        let found = DELETION.captures_iter(above).filter(deletes).last()?;
        let at = found.get(0)?.start();
        let in_text = |block: &Block| block.text().is_some() && block.range().contains(&at);
        let is_run =
            |run: &ExampleResult| run.example.method() == "DELETE" && run.details.target == target;
        (self.page.blocks.iter().any(in_text) && !self.earlier.iter().any(is_run))
            .then(|| self.page.line(at))
    }

    /// The line of a paragraph above that has the reader create the next record, and no command does: "Send a `POST` to
    /// `http://localhost:3000/users`".
    fn created_in_text(&self) -> Option<usize> {
        let segments = url::segments(&self.request.target);
        let [resource, id] = segments.as_slice() else {
            return None;
        };
        let ids = self.dataset.records(resource)?.iter();
        let next = ids.filter_map(|record| record.get("id")?.as_u64()).max()? + 1;
        let is_missing = self.compared.received.status == 404 && *id == next.to_string();
        let path = format!("/{resource}");
        let creates = |block: &&Block| match block {
            Block::Prose(prose) => {
                prose.text.contains("POST")
                    && prose.text.match_indices(&path).any(|(at, _)| {
                        let after = &prose.text[at + path.len()..];
                        !after.starts_with(|c: char| {
                            c.is_ascii_alphanumeric() || "/{:?-_".contains(c)
                        })
                    })
            }
            _ => false,
        };
        let above = self.page.blocks[..self.example.fence].iter().rev();
        let found = above.filter(|_| is_missing).find(creates)?;
        Some(self.page.line(found.range().start))
    }

    /// The line of a call in the text of a program that creates the missing record: `axios.post('http://.../users', {`.
    fn created_by_program(&self) -> Option<usize> {
        let segments = url::segments(&self.request.target);
        let [resource, _] = segments.as_slice() else {
            return None;
        };
        let call = pattern(&format!(
            r#"\.post\(\s*["'`][^"'`\s]*/{}/?["'`]"#,
            regex::escape(resource)
        ));
        let above = &self.page.text[..self.example.request_range(self.page).start];
        let found = call.find_iter(above).last()?;
        (self.compared.received.status == 404).then(|| self.page.line(found.start()))
    }

    /// Whether a call in a program is the request that is run above it, for another client.
    fn is_run_elsewhere(&self, result: &ExampleResult) -> bool {
        self.earlier.iter().any(|run| {
            let found = &result.example.request;
            let body = found.json_body();
            let is_same = body.is_some() && body == run.example.request.json_body();
            (is_same || run.example.end > result.example.fence)
                && !matches!(run.outcome, Outcome::Skipped(_))
                && run.example.is_shown()
                && found.repeats(&run.example.request)
        })
    }

    /// Whether a write is only the general form of an example with values, as `PUT /users/<id>` above `PUT /users/1`.
    fn is_general_form(&self, write: &ExampleResult) -> bool {
        let form = &write.example.request;
        if !form.has_placeholder_in_path() {
            return false;
        }
        let run = self.earlier.iter().filter(|run| {
            run.example.fence >= write.example.fence && !matches!(run.outcome, Outcome::Skipped(_))
        });
        let mut run = run.map(|run| &run.example.request);
        form.is_form_of(&self.example.request) || run.any(|other| form.is_form_of(other))
    }

    /// Whether the record that a request reads was replaced as a whole after a write.
    fn is_overwritten(&self, write: &ExampleResult) -> bool {
        let path = |target: &str| url::segments(url::path_of(target));
        let asked = path(&self.request.target);
        self.earlier.iter().any(|run| {
            let written = run.example.request.written.as_ref();
            let replaces = written.is_some_and(|written| {
                written.request.method == "PUT" && path(&written.request.target) == asked
            });
            replaces
                && run.example.fence > write.example.fence
                && !matches!(run.outcome, Outcome::Skipped(_))
        })
    }

    /// Whether an example is a write of this service that was skipped, and more than the name of an endpoint or the syntax of
    /// a request, or one in a program that readers may not have run.
    fn is_uncertain_write(&self, result: &ExampleResult) -> bool {
        let found = &result.example.request;
        let Some(written) = &found.written else {
            return false;
        };
        let resolved = url::resolve(&written.request.target, self.hosts);
        let fence = self.page.fence(result.example.fence);
        let is_bare = !result.example.is_shown() && result.details.documented.is_none();
        let is_deletion = written.request.method == "DELETE" && self.lacks_a_record();
        (matches!(result.outcome, Outcome::Skipped(_)) && !result.details.without_effect || is_bare)
            && matches!(
                &*written.request.method,
                "POST" | "PUT" | "PATCH" | "DELETE"
            )
            && (result.example.response.is_some()
                || is_deletion
                || !matches!(found.problem, Some(Problem::NoBody | Problem::Template)))
            && !result.example.is_sent_empty
            && !matches!(resolved, Resolved::Foreign(_))
            && (is_deletion || fence.is_none_or(|fence| !found.is_endpoint(fence)))
    }

    /// Whether the page shows the state without a record that the data has: a 404, or a list that lacks it.
    fn lacks_a_record(&self) -> bool {
        let Compared {
            received,
            status_ok,
            diff,
            ..
        } = self.compared;
        let lacks_item = |found: &Difference| {
            found.kind == DifferenceKind::Extra && matches!(found.path.as_slice(), [Step::Id(_)])
        };
        let is_list = !diff.differences.is_empty() && diff.differences.iter().all(lacks_item);
        let is_missing = self.expected.statuses.iter().all(|status| *status == 404);
        let is_read = self.request.method == "GET";
        received.is_success() && (is_missing || is_read && *status_ok && is_list)
    }

    /// Whether the difference between the page and a response may come from a write that was not run.
    fn explains(&self, write: &ExampleResult) -> bool {
        let written = write.example.request.written.as_ref();
        written.is_some_and(|written| {
            self.concerns_record_of(written)
                && self.may_come_from_write(written.request.method == "POST")
        })
    }

    /// Whether the request may read the record that a write changes or creates.
    fn concerns_record_of(&self, written: &WrittenRequest) -> bool {
        let changed = url::segments(url::path_of(&written.request.target));
        let asked = url::segments(&self.request.target);
        let resources = self.dataset.resources();
        let is_resource = |name: &&String| resources.contains(&name.as_str());
        let Some(resource) = changed.iter().rfind(is_resource) else {
            return false;
        };
        let query = self.request.target.split_once('?');
        let query = query.map_or("", |(_, query)| query);
        let everything = matches!(asked.first().map(String::as_str), Some("db" | "search"));
        let embedded = (query.contains("_embed=") || query.contains("_expand="))
            && query
                .split(['=', '&', ','])
                .any(|name| name == resource || format!("{name}s") == *resource);
        if !everything && !embedded && !asked.contains(resource) {
            return false;
        }
        let id_in = |segments: &[String]| {
            let at = segments.iter().rposition(|name| name == resource)?;
            segments.get(at + 1).cloned()
        };
        let is_placeholder = |id: &String| url::placeholder(&format!("/{id}")).is_some();
        let own_id = id_in(&asked).filter(|_| !embedded);
        let creates = written.request.method == "POST";
        match (id_in(&changed).filter(|id| !is_placeholder(id)), &own_id) {
            // It changes another record.
            (Some(changed), Some(own)) if !creates => changed == *own,
            // It creates another record.
            (_, Some(own)) if creates && created_id(written).is_some_and(|id| id != *own) => false,
            // It creates a record, and this one may be there already.
            (_, Some(_)) if creates => {
                self.compared.received.status == 404 || asked.last() != own_id.as_ref()
            }
            _ => true,
        }
    }

    /// Whether a write that was not run, or one that creates a record, can cause the difference between page and response.
    fn may_come_from_write(&self, creates: bool) -> bool {
        let differences = &self.compared.diff.differences;
        let status = self.compared.received.status;
        // A write does not turn one error into another.
        if status >= 400 && self.expected.statuses.iter().all(|status| *status >= 400) {
            return false;
        }
        // What a POST returns depends on the records above only by its id and by what must be unique.
        if self.request.method == "POST" && self.compared.received.is_success() {
            let is_id = |found: &Difference| matches!(found.path.as_slice(), [Step::Key(key)] if key == "id");
            let differs_elsewhere = !differences.iter().all(is_id);
            let is_refused = !self.compared.status_ok;
            if is_refused && !creates || !is_refused && differs_elsewhere {
                return false;
            }
        }
        // The request itself is wrong, or only a new record could help.
        if matches!(status, 400 | 401 | 405 | 415 | 422) || (status == 404 && !creates) {
            return false;
        }
        // No write makes a list of an object.
        let is_other_form =
            |found: &Difference| found.path.is_empty() && found.kind == DifferenceKind::Type;
        if self.compared.received.is_success() && differences.iter().any(is_other_form) {
            return false;
        }
        // A new record does not change the values of others.
        let of_other = |path: &[Step]| path.iter().any(|step| matches!(step, Step::Id(_)));
        !creates
            || !differences.iter().any(|found| {
                matches!(found.kind, DifferenceKind::Value | DifferenceKind::Type)
                    && of_other(&found.path)
            })
    }

    /// Why what a request asks for, which is not there, may be meant for another server, or for a later version.
    fn not_here(&self) -> Option<String> {
        static PORT: LazyLock<Regex> =
            regex!(r#"(?:(?:localhost|127\.0\.0\.1|0\.0\.0\.0):|[ '"]:)(\d{2,5})(?:/|\b[^,}\]])"#);
        if self.compared.received.status != 404 {
            return None;
        }
        let segments = url::segments(&self.request.target);
        let is_word = |name: &&String| {
            name.len() > 3
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-'))
        };
        if let Some(word) = segments.iter().find(is_word) {
            return Some(format!("a template: `{word}` is a placeholder"));
        }
        let resources = self.dataset.resources();
        let written = self.example.request.written.as_ref();
        let base = written.and_then(|written| url::shell_base(&written.request.target));
        let name = segments
            .first()
            .filter(|name| !resources.contains(&name.as_str()));
        // A host without a value is another one if one of its paths is not here.
        let elsewhere = base
            .map(|base| format!("`{base}` is not defined on the page and may be another server"));
        let is_unknown = |result: &ExampleResult| {
            let written = result.example.request.written.as_ref();
            let path = url::segments(&result.details.target);
            let first = path.first().map(String::as_str);
            written.is_some_and(|written| url::shell_base(&written.request.target) == base)
                && first.is_some_and(|first| !resources.contains(&first))
        };
        let is_known = |_: &String| name.is_some() || self.earlier.iter().any(is_unknown);
        if let Some(reason) = elsewhere.filter(is_known) {
            return Some(reason);
        }
        // A misspelt name is a mistake.
        let is_misspelt = text::is_misspelt(name?, &resources);
        let is_endpoint = |fence: &Fence| self.example.request.is_endpoint(fence);
        if !is_misspelt
            && self.example.response.is_none()
            && self.page.fence(self.example.fence).is_some_and(is_endpoint)
        {
            return Some("only names an endpoint, and the data has no such resource".to_owned());
        }
        let mut headers = written
            .into_iter()
            .flat_map(|written| &written.request.headers);
        if !is_misspelt && let Some(value) = headers.find_map(|(_, value)| url::placeholder(value))
        {
            return Some(format!("a template: `{value}` has no value on the page"));
        }
        const PLANS: &str = "proposal proposed planned plans future roadmap";
        let is_plan = |heading: &Heading| labels::has_word(&heading.text, PLANS);
        if self.page.headings_above(self.example.fence).any(is_plan) {
            return Some(
                "the heading marks it as planned, and the data has no such resource".to_owned(),
            );
        }
        let port = self.request.header("host")?.rsplit_once(':')?.1;
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for found in PORT.captures_iter(&self.page.text) {
            *counts.entry(found.get(1)?.as_str()).or_default() += 1;
        }
        let own = counts.get(port).copied().unwrap_or_default();
        let is_rare = counts.values().any(|count| *count > own);
        let listens = self.page.text.contains(&format!("listen({port}"));
        (is_rare || listens).then(|| {
            format!("goes to port {port}, which the page's other requests do not, and there is no such resource here")
        })
    }
}

/// The id that a write gives the record that it creates.
fn created_id(written: &WrittenRequest) -> Option<String> {
    let body: Value = serde_json::from_str(written.request.body.as_deref()?).ok()?;
    match body.get("id")? {
        Value::String(id) => Some(id.clone()),
        id => Some(id.to_string()),
    }
}
