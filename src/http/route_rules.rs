//! The rules of the routes file around each request: guards, rate limits, delays, failures, custom responses; and the
//! failures and delays that a request asks for itself: `Prefer: status=503, delay=2`, or `_status` and `_delay` in the
//! URL.

use std::cell::OnceCell;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value as Json;
use warp::http::{HeaderName, HeaderValue, Method, Response, header};

use super::app::{App, Reply};
use super::guard::{self, Viewer};
use super::idempotency::{self, Begun};
use super::problem::{self, LogNote, Problem};
use super::profile::translation;
use super::request::{Request, segments};
use super::{body, custom_response, request, response};
use crate::behaviour::{Delay, Fail, How, Matched, Per, Quota, RequestParts, RoutesFile};

/// The connection does this instead of sending the response: an extension of the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// It is closed.
    Abort,
    /// It stays open until the client disconnects or the server stops.
    Hang,
}

/// Answers `request` under the rules that match it, after `delay`; `handler` responds if no rule does.
pub(super) async fn answer<F>(
    app: Arc<App>,
    request: Arc<Request>,
    delay: Delay,
    handler: impl FnOnce(Arc<App>, Arc<Request>) -> F + Send + 'static,
) -> Reply
where
    F: Future<Output = Reply> + Send + 'static,
{
    if request.method == Method::OPTIONS {
        return handler(app, request).await;
    }
    let preferences = match app.settings.faults {
        true => Preferences::of(&request)?,
        false => Preferences::default(),
    };
    let reply = under_rules(&app, &request, delay, handler, &preferences).await;
    let mut response = reply.unwrap_or_else(Problem::into_response);
    // Responses of the API are already shaped by the profile; other responses of rules keep their shape.
    if is_problem(&response)
        && let Some(profile) = app.profile()
    {
        response = translation::shaped(&app, &profile, (&request, &request), Ok(response));
    }
    if !preferences.applied.is_empty() {
        let applied = preferences.applied.join(", ");
        response::set(&mut response, response::PREFERENCE_APPLIED, applied);
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("Prefer"));
    }
    Ok(response)
}

fn is_problem(response: &Response<Bytes>) -> bool {
    let kind = response::header(response, header::CONTENT_TYPE);
    !response.status().is_success()
        && kind.is_some_and(|kind| kind.starts_with(problem::MEDIA_TYPE))
}

async fn under_rules<F>(
    app: &Arc<App>,
    request: &Arc<Request>,
    delay: Delay,
    handler: impl FnOnce(Arc<App>, Arc<Request>) -> F + Send + 'static,
    preferences: &Preferences,
) -> Reply
where
    F: Future<Output = Reply> + Send + 'static,
{
    let files: Files = [
        Some(app.faults.current()),
        app.settings.routes.as_ref().map(|routes| routes.current()),
    ];
    let matched = matching(files.iter().flatten(), request);
    let viewer = match matched.is_empty() && idempotency::key(request).is_none() {
        true => Viewer::default(),
        false => guard::viewer(app, &app.engine.snapshot(), request).await,
    };
    let call = Call {
        app,
        request,
        matched,
        viewer,
    };
    let mut guards = call
        .matched
        .iter()
        .filter_map(|one| one.rule.guard.as_ref());
    guards.try_for_each(|guard| guard::check_route(app, request, &call.viewer, guard))?;
    let quotas = call.take_quotas();
    let reply = match quotas.iter().all(|(_, quota)| quota.allowed) {
        true => {
            call.answer_after_delay(&files, delay, preferences, handler)
                .await
        }
        false => Err(too_many(&quotas)),
    };
    with_quotas(reply, &quotas)
}

/// The rules that were set at run time, and those of the routes file if there is one.
type Files = [Option<Arc<RoutesFile>>; 2];

/// A request, and the rules that match it.
struct Call<'r> {
    app: &'r Arc<App>,
    request: &'r Arc<Request>,
    matched: Vec<Matched<'r>>,
    viewer: Viewer,
}

impl Call<'_> {
    /// Counts the request in the rate limits of the rules, up to the first that it exceeds.
    fn take_quotas(&self) -> Vec<(&str, Quota)> {
        let mut quotas = Vec::new();
        for rule in self.matched.iter().map(|matched| matched.rule) {
            if let Some(limit) = &rule.limit {
                let quota = limit.take(&self.key(&limit.per), Instant::now());
                let is_over = !quota.allowed;
                quotas.push((rule.key.as_str(), quota));
                if is_over {
                    break;
                }
            }
        }
        quotas
    }

    /// Answers the request, which is within the rate limits, after its delay: with a failure, or else under its
    /// `Idempotency-Key`.
    async fn answer_after_delay<F, H>(
        &self,
        files: &Files,
        delay: Delay,
        preferences: &Preferences,
        handler: H,
    ) -> Reply
    where
        F: Future<Output = Reply> + Send + 'static,
        H: FnOnce(Arc<App>, Arc<Request>) -> F + Send + 'static,
    {
        let begun = self.begin()?;
        let time = self.delay(delay) + preferences.delay;
        if !time.is_zero() {
            request::delay(time).await;
        }
        let failure = self.failure();
        if let Some(status) = preferences.status {
            let detail = format!("the request asked for the status {status}");
            let hint =
                "the data is untouched; send it without Prefer and _status for the real response";
            return Err(Problem::new(problem::FAULT, detail)
                .status(status)
                .hint(hint));
        }
        if let Some((rule, fail)) = failure.filter(|(_, fail)| !fail.after) {
            return self.fail(rule, fail);
        }
        let reply = match begun {
            Some(begun) => {
                let (app, request) = (self.app.clone(), self.request.clone());
                let (viewer, files) = (self.viewer.clone(), files.clone());
                // It must be able to outlive the connection.
                let reply = async move {
                    let call = Call {
                        app: &app,
                        request: &request,
                        matched: matching(files.iter().flatten(), &request),
                        viewer,
                    };
                    call.answer(handler).await
                };
                begun.answer(reply).await
            }
            None => self.answer(handler).await,
        };
        match failure {
            Some((rule, fail)) => self.fail(rule, fail),
            None => reply,
        }
    }

    /// Begins the request under its `Idempotency-Key`, if it has one.
    fn begin(&self) -> Result<Option<Begun>, Problem> {
        let Some(name) = idempotency::key(self.request) else {
            return Ok(None);
        };
        let rulebook = &self.app.engine.snapshot().rulebook;
        let user = self.key(&Per::User);
        let begun = self.app.keys.begin(rulebook, self.request, user, name);
        begun.map(Some)
    }

    /// How long the request waits: the delays of all rules and `other`.
    fn delay(&self, other: Delay) -> Duration {
        let delays = self.matched.iter().filter_map(|one| one.rule.delay);
        let draw = |delay: Delay| delay.draw(&mut || self.app.random(|random| random.f64()));
        delays.chain([other]).map(draw).sum()
    }

    /// How the request fails, if it does: the first rule that fails or answers decides.
    fn failure(&self) -> Option<(&Matched<'_>, &Fail)> {
        let applies = |fail: &Fail, line: usize| {
            let seed = self.app.settings.seed.wrapping_add(line as u64);
            let key = self.key(&fail.trigger.per);
            fail.trigger.next(&key, seed)
        };
        let decided = self.matched.iter().find_map(|one| match &one.rule.fail {
            Some(fail) if applies(fail, one.rule.place.line) => Some(Some((one, fail))),
            _ => one.rule.response.as_ref().map(|_| None),
        });
        decided.flatten()
    }

    /// The response of the first rule that has one, or else of `handler`; with the headers of the rules.
    async fn answer<F>(&self, handler: impl FnOnce(Arc<App>, Arc<Request>) -> F) -> Reply
    where
        F: Future<Output = Reply>,
    {
        let (app, request) = (self.app, self.request);
        let mut rules = self.matched.iter();
        let own = rules.find_map(|one| Some((one, one.rule.response.as_ref()?)));
        let reply = match own {
            Some((own, reply)) => {
                custom_response::answer(app, request, own, reply, &self.viewer).await
            }
            None => handler(app.clone(), request.clone()).await,
        };
        let mut response = reply.unwrap_or_else(Problem::into_response);
        // The headers of the most specific rule win.
        for matched in self.matched.iter().rev() {
            let rule = matched.rule;
            let is_used =
                rule.response.is_none() || own.is_some_and(|(own, _)| std::ptr::eq(own.rule, rule));
            if is_used && !rule.headers.is_empty() {
                let scope = custom_response::scope(app, request, matched, &self.viewer);
                custom_response::add_headers(app, &mut response, &rule.headers, &scope)?;
            }
        }
        Ok(response)
    }

    /// The response to a request that fails by a rule.
    fn fail(&self, matched: &Matched<'_>, fail: &Fail) -> Reply {
        let rule = &matched.rule.key;
        let (mut response, what) = match &fail.how {
            How::Status {
                status,
                body,
                headers,
            } => {
                let scope = custom_response::scope(self.app, self.request, matched, &self.viewer);
                let mut response = match body {
                    None => {
                        let detail = format!("the rule {rule:?} makes this request fail");
                        let problem = Problem::new(problem::FAULT, detail);
                        problem.status(*status).into_response()
                    }
                    Some(body) => {
                        let text = body.render(&scope);
                        custom_response::json(
                            *status,
                            &text.map_err(|error| self.app.failed(&error))?,
                        )
                    }
                };
                custom_response::add_headers(self.app, &mut response, headers, &scope)?;
                (response, "failed")
            }
            How::Abort => (cut(Cut::Abort), "closed"),
            How::Hang => (cut(Cut::Hang), "left without a response"),
        };
        let note = LogNote(format!("{what} by the rule {rule:?}"));
        response.extensions_mut().insert(note);
        Ok(response)
    }

    /// The key of the counter for the request.
    fn key(&self, per: &Per) -> String {
        match per {
            Per::All => String::new(),
            Per::Address => {
                let remote = self.request.remote;
                remote.map_or_else(String::new, |remote| remote.ip().to_string())
            }
            Per::Header(name) => {
                let value = self.request.headers.get(name);
                value.map_or_else(String::new, |value| {
                    String::from_utf8_lossy(value.as_bytes()).into_owned()
                })
            }
            Per::User => {
                let id = self.viewer.user.as_ref().and_then(|user| user.id());
                id.map_or_else(String::new, ToString::to_string)
            }
        }
    }
}

fn cut(cut: Cut) -> Response<Bytes> {
    let mut response = Problem::new(problem::FAULT, "there is no response").into_response();
    response.extensions_mut().insert(cut);
    response
}

/// The rules of `files` for `request`, each file's most specific first. Almost free if there are none.
fn matching<'r>(
    files: impl Iterator<Item = &'r Arc<RoutesFile>>,
    request: &Request,
) -> Vec<Matched<'r>> {
    let (parts, mut path) = (LazyParts::of(request), None);
    let mut matched = Vec::new();
    for file in files.filter(|file| !file.rules.is_empty()) {
        // A path with a broken escape is refused by the handler.
        let path = path.get_or_insert_with(|| segments(request.uri.path()).unwrap_or_default());
        matched.extend(file.matching(request.method.as_str(), path, &parts));
    }
    matched
}

/// Whether a rule answers a request for `path`; it takes precedence over static files.
pub(super) fn is_answered(app: &App, method: &Method, path: &str) -> bool {
    let Some(routes) = &app.settings.routes else {
        return false;
    };
    let routes = routes.current();
    !routes.rules.is_empty()
        && segments(path).is_some_and(|path| routes.answers(method.as_str(), &path))
}

/// The parts of a request that conditions look at. Query and body are parsed once, when the first condition needs them.
struct LazyParts<'a> {
    request: &'a Request,
    pairs: OnceCell<Vec<(String, String)>>,
    body: OnceCell<Json>,
}

impl LazyParts<'_> {
    fn of(request: &Request) -> LazyParts<'_> {
        LazyParts {
            request,
            pairs: OnceCell::new(),
            body: OnceCell::new(),
        }
    }
}

impl RequestParts for LazyParts<'_> {
    fn query(&self, name: &str) -> Vec<String> {
        let pairs = self
            .pairs
            .get_or_init(|| self.request.pairs().unwrap_or_default());
        let values = pairs.iter().filter(|(known, _)| known == name);
        values.map(|(_, value)| value.clone()).collect()
    }

    fn headers(&self, name: &str) -> Vec<String> {
        let values = self.request.headers.get_all(name).iter();
        values
            .filter_map(|value| Some(value.to_str().ok()?.to_string()))
            .collect()
    }

    fn body(&self) -> &Json {
        self.body.get_or_init(|| body::any(self.request))
    }
}

/// Whole seconds, rounded up.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

fn too_many(quotas: &[(&str, Quota)]) -> Problem {
    let Some((rule, quota)) = quotas.last() else {
        return Problem::new(problem::LIMIT, "too many requests");
    };
    let wait = seconds(quota.reset);
    let detail = format!(
        "the rule {rule:?} allows {} requests in {} seconds",
        quota.quota,
        quota.window.as_secs()
    );
    Problem::new(problem::LIMIT, detail)
        .hint(format!("send it again in {wait} seconds"))
        .header(header::RETRY_AFTER, wait.into())
}

/// With the fields of draft-ietf-httpapi-ratelimit-headers-10.
fn with_quotas(reply: Reply, quotas: &[(&str, Quota)]) -> Reply {
    if quotas.is_empty() {
        return reply;
    }
    let mut response = reply.unwrap_or_else(Problem::into_response);
    let list = |show: &dyn Fn(&Quota) -> String| {
        let items = quotas.iter().map(|(name, quota)| {
            let name: String = name
                .chars()
                .filter(|c| c.is_ascii_graphic() || *c == ' ')
                .filter(|c| !"\"\\".contains(*c))
                .collect();
            format!("\"{name}\";{}", show(quota))
        });
        items.collect::<Vec<_>>().join(", ")
    };
    let policy = list(&|quota| format!("q={};w={}", quota.quota, quota.window.as_secs()));
    let now = list(&|quota| format!("r={};t={}", quota.remaining, seconds(quota.reset)));
    response::set(&mut response, response::RATE_LIMIT_POLICY, policy);
    response::set(&mut response, response::RATE_LIMIT, now);
    Ok(response)
}

/// The effect of the routes file's rules on a request that has been rewritten.
#[cfg(feature = "cli")]
pub(super) fn explain(app: &App, request: &Request) -> Vec<crate::behaviour::Explained> {
    let Some(routes) = &app.settings.routes else {
        return Vec::new();
    };
    let path = segments(request.uri.path()).unwrap_or_default();
    let parts = LazyParts::of(request);
    let rules = routes.current();
    rules.explain(request.method.as_str(), &path, &parts)
}

/// The longest delay that a request can ask for.
const MAX_DELAY: Duration = Duration::from_secs(60);

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The failure and delay that a request asks for.
#[derive(Debug, Default)]
pub(super) struct Preferences {
    /// The status to fail with.
    pub(super) status: Option<u16>,
    /// How long to wait.
    pub(super) delay: Duration,
    /// The applied preferences, for `Preference-Applied`.
    pub(super) applied: Vec<String>,
}

impl Preferences {
    /// The preferences of `request`.
    ///
    /// # Errors
    /// `_status` in the URL is not an error status. In the header it is ignored, as RFC 7240 requires.
    pub(super) fn of(request: &Request) -> Result<Preferences, Problem> {
        let mut asked = Preferences::default();
        if let Some(list) = request.list(PREFER) {
            asked.read(&list);
        }
        if let Some(text) = request.first("_status") {
            let status = text.parse().ok().filter(is_error);
            let wrong = || {
                let detail =
                    format!("_status must be an error status from 400 to 599, got {text:?}");
                Problem::new(problem::BAD_QUERY, detail).hint("for example: _status=503")
            };
            asked.status = Some(status.ok_or_else(wrong)?);
            asked.applied.push(format!("status={text}"));
        }
        if let Some(text) = request.first("_delay") {
            // As json-server 0.17 reads it.
            asked.delay = Duration::from_millis(text.parse().unwrap_or(1));
            asked
                .applied
                .push(format!("delay={}", asked.delay.as_secs_f64()));
        }
        asked.delay = asked.delay.min(MAX_DELAY);
        Ok(asked)
    }

    fn read(&mut self, list: &str) {
        let mut delay = None;
        for preference in list.split(',') {
            let first = preference.split(';').next().unwrap_or_default();
            let Some((name, value)) = first.split_once('=') else {
                continue;
            };
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            // The first of repeated preferences counts (RFC 7240, 2).
            let is_applied = if name.eq_ignore_ascii_case("delay") && delay.is_none() {
                let time = value.parse().ok();
                delay = time.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                delay.is_some()
            } else if (name.eq_ignore_ascii_case("status") || name.eq_ignore_ascii_case("code"))
                && self.status.is_none()
            {
                self.status = value.parse().ok().filter(is_error);
                self.status.is_some()
            } else {
                false
            };
            if is_applied {
                let name = name.to_ascii_lowercase();
                self.applied.push(format!("{name}={value}"));
            }
        }
        self.delay = delay.unwrap_or_default();
    }
}

/// Whether a request can ask for that status.
fn is_error(status: &u16) -> bool {
    (400..=599).contains(status)
}
