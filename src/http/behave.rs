//! The rules of the routes file around each request: guards, limits, delays, failures, own answers.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value as Json;
use warp::http::{HeaderValue, Method, Response, header};

use super::app::{Answer, App};
use super::guard::{self, Viewer};
use super::idempotency;
use super::own_answer;
use super::preferences::Preferences;
use super::problem::{self, LogNote, Problem};
use super::progress;
use super::request::{Request, segments};
use super::shaping;
use super::{body, response};
use crate::behaviour::{
    Delay, Explained, Facets, Fail, How, Limit, Matched, Per, Quota, RoutesFile,
};

/// What the connection does instead of sending the response: an extension of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// It is closed.
    Abort,
    /// It stays open, until the client goes or the server stops.
    Hang,
}

/// Answers `request` under the rules that match it, after `delay`; `handler` does what no rule does.
pub(super) async fn answer<F>(
    app: Arc<App>,
    request: Arc<Request>,
    delay: Delay,
    handler: impl FnOnce(Arc<App>, Arc<Request>) -> F + Send + 'static,
) -> Answer
where
    F: Future<Output = Answer> + Send + 'static,
{
    if request.method == Method::OPTIONS {
        return handler(app, request).await;
    }
    let preferences = match app.settings.faults {
        true => Preferences::of(&request)?,
        false => Preferences::default(),
    };
    let (owner, sent) = (app.clone(), request.clone());
    let answer = under_rules(app, request, delay, handler, &preferences).await;
    let mut response = answer.unwrap_or_else(Problem::into_response);
    // What the API responds has its shape already; other responses of rules keep theirs.
    if is_problem(&response)
        && let Some(profile) = owner.profile()
    {
        response = shaping::response(&owner, &profile, (&sent, &sent), Ok(response));
    }
    if !preferences.applied.is_empty()
        && let Ok(applied) = HeaderValue::try_from(preferences.applied.join(", "))
    {
        let headers = response.headers_mut();
        headers.insert(response::PREFERENCE_APPLIED, applied);
        headers.append(header::VARY, HeaderValue::from_static("Prefer"));
    }
    Ok(response)
}

fn is_problem(response: &Response<Bytes>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"))
}

async fn under_rules<F>(
    app: Arc<App>,
    request: Arc<Request>,
    delay: Delay,
    handler: impl FnOnce(Arc<App>, Arc<Request>) -> F + Send + 'static,
    preferences: &Preferences,
) -> Answer
where
    F: Future<Output = Answer> + Send + 'static,
{
    let files = [
        Some(app.faults.current()),
        app.settings.routes.as_ref().map(|routes| routes.current()),
    ];
    let matched = matching(files.iter().flatten(), &request);
    let viewer = match matched.is_empty() && idempotency::key(&request).is_none() {
        true => Viewer::default(),
        false => guard::viewer(&app, &app.engine.snapshot(), &request).await,
    };
    for access in matched
        .iter()
        .filter_map(|matched| matched.rule.guard.as_ref())
    {
        guard::check_route(&app, &request, &viewer, access)?;
    }
    let mut quotas = Vec::new();
    for (name, limit) in matched
        .iter()
        .filter_map(|matched| Some((&matched.rule.key, matched.rule.limit.as_ref()?)))
    {
        quotas.push((name.as_str(), take(limit, &request, &viewer)));
        if quotas.iter().any(|(_, quota)| !quota.allowed) {
            let mut response = too_many(&quotas).into_response();
            add_quotas(&mut response, &quotas);
            return Ok(response);
        }
    }
    let mut begun = None;
    if let Some(name) = idempotency::key(&request) {
        let user = key(&Per::User, &request, &viewer);
        let rulebook = &app.engine.snapshot().rulebook;
        match idempotency::begin((&app.keys, rulebook), &request, user, name) {
            Ok(new) => begun = Some(new),
            Err(problem) => {
                let mut response = problem.into_response();
                add_quotas(&mut response, &quotas);
                return Ok(response);
            }
        }
    }
    let delays = matched.iter().filter_map(|matched| matched.rule.delay);
    let drawn = delays
        .chain([delay])
        .map(|delay| delay.draw(&mut || app.random(|random| random.f64())));
    let time = drawn.sum::<Duration>() + preferences.delay;
    if !time.is_zero() {
        progress::delay(time).await;
    }
    let strikes = |fail: &Fail, line: usize| {
        let seed = app.settings.seed.wrapping_add(line as u64);
        fail.strikes
            .next(&key(&fail.strikes.per, &request, &viewer), seed)
    };
    // The first rule that fails or answers decides.
    let struck = matched.iter().find_map(|matched| match &matched.rule.fail {
        Some(fail) if strikes(fail, matched.rule.place.line) => Some(Some((matched, fail))),
        _ => matched.rule.answer.as_ref().map(|_| None),
    });
    let struck = struck.flatten();
    let before = struck.filter(|(_, fail)| !fail.after);
    let answer = match (preferences.status, before) {
        (Some(status), _) => Err(asked_failure(status)),
        (None, Some((matched, fail))) => fail_with(&app, &request, matched, fail, &viewer).await,
        (None, None) => match begun {
            None => own_answer::answer(&app, &request, &matched, &viewer, handler).await,
            Some(begun) => {
                let (owner, sent, viewer, files) =
                    (app.clone(), request.clone(), viewer.clone(), files.clone());
                // It goes on when the client is gone.
                let carry_out = async move {
                    let matched = matching(files.iter().flatten(), &sent);
                    own_answer::answer(&owner, &sent, &matched, &viewer, handler).await
                };
                begun.answer(carry_out).await
            }
        },
    };
    let answer = match struck.filter(|(_, fail)| fail.after && preferences.status.is_none()) {
        Some((matched, fail)) => fail_with(&app, &request, matched, fail, &viewer).await,
        None => answer,
    };
    if quotas.is_empty() {
        return answer;
    }
    let mut response = answer.unwrap_or_else(Problem::into_response);
    add_quotas(&mut response, &quotas);
    Ok(response)
}

/// The rules of `files` for `request`, each file's most specific first. Costs next to nothing where there are none.
fn matching<'r>(
    files: impl Iterator<Item = &'r Arc<RoutesFile>>,
    request: &Request,
) -> Vec<Matched<'r>> {
    let (seen, mut path) = (Seen::of(request), None);
    let mut matched = Vec::new();
    for file in files.filter(|file| !file.has_no_rules()) {
        // A path with a broken escape is refused by whoever answers it.
        let path = path.get_or_insert_with(|| segments(request.uri.path()).unwrap_or_default());
        matched.extend(file.matching(request.method.as_str(), path, &seen));
    }
    matched
}

/// Whether a rule answers a request for `path` by itself, so that no static file does.
pub(super) fn is_answered(app: &App, method: &Method, path: &str) -> bool {
    let Some(routes) = &app.settings.routes else {
        return false;
    };
    let routes = routes.current();
    !routes.has_no_rules()
        && segments(path).is_some_and(|path: Vec<Cow<str>>| routes.answers(method.as_str(), &path))
}

/// What conditions look at.
struct Seen<'a> {
    request: &'a Request,
    pairs: OnceCell<Vec<(String, String)>>,
    body: OnceCell<Json>,
}

impl Seen<'_> {
    fn of(request: &Request) -> Seen<'_> {
        Seen {
            request,
            pairs: OnceCell::new(),
            body: OnceCell::new(),
        }
    }
}

impl Facets for Seen<'_> {
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

/// Whose counts a request is counted in.
fn key(per: &Per, request: &Request, viewer: &Viewer) -> String {
    match per {
        Per::All => String::new(),
        Per::Address => request
            .remote
            .map_or_else(String::new, |remote| remote.ip().to_string()),
        Per::Header(name) => request.headers.get(name).map_or_else(String::new, |value| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        }),
        Per::User => viewer
            .user()
            .and_then(|user| user.id())
            .map_or_else(String::new, ToString::to_string),
    }
}

fn take(limit: &Limit, request: &Request, viewer: &Viewer) -> Quota {
    limit.take(&key(&limit.per, request, viewer), Instant::now())
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

/// The fields of draft-ietf-httpapi-ratelimit-headers-10.
fn add_quotas(response: &mut Response<Bytes>, quotas: &[(&str, Quota)]) {
    let list = |show: &dyn Fn(&Quota) -> String| {
        let items = quotas.iter().map(|(name, quota)| {
            let name: String = name
                .chars()
                .filter(|c| c.is_ascii_graphic() || *c == ' ')
                .filter(|c| !"\"\\".contains(*c))
                .collect();
            format!("\"{name}\";{}", show(quota))
        });
        HeaderValue::try_from(items.collect::<Vec<_>>().join(", "))
    };
    if quotas.is_empty() {
        return;
    }
    let policy = list(&|quota| format!("q={};w={}", quota.quota, quota.window.as_secs()));
    let now = list(&|quota| format!("r={};t={}", quota.remaining, seconds(quota.reset)));
    if let (Ok(policy), Ok(now)) = (policy, now) {
        response
            .headers_mut()
            .insert(response::RATE_LIMIT_POLICY, policy);
        response.headers_mut().insert(response::RATE_LIMIT, now);
    }
}

fn asked_failure(status: u16) -> Problem {
    Problem::new(
        problem::FAULT,
        format!("the request asked for the status {status}"),
    )
    .status(status)
    .hint("the data is untouched; send it without Prefer and _status for the real response")
}

async fn fail_with(
    app: &Arc<App>,
    request: &Request,
    matched: &Matched<'_>,
    fail: &Fail,
    viewer: &Viewer,
) -> Answer {
    let rule = &matched.rule.key;
    let note = |response: &mut Response<Bytes>, what: &str| {
        response
            .extensions_mut()
            .insert(LogNote(format!("{what} by the rule {rule:?}")));
    };
    match &fail.how {
        How::Status {
            status,
            body,
            headers,
        } => {
            let scope = own_answer::scope(app, request, matched, viewer);
            let mut response = match body {
                None => {
                    let detail = format!("the rule {rule:?} makes this request fail");
                    Problem::new(problem::FAULT, detail)
                        .status(*status)
                        .into_response()
                }
                Some(body) => {
                    let text = body.render(&scope).map_err(|error| app.failed(&error))?;
                    own_answer::json(*status, &text)
                }
            };
            own_answer::add_headers(app, &mut response, headers, &scope)?;
            note(&mut response, "failed");
            Ok(response)
        }
        How::Abort => Ok(cut(Cut::Abort, "closed", &note)),
        How::Hang => Ok(cut(Cut::Hang, "left without a response", &note)),
    }
}

fn cut(cut: Cut, what: &str, note: &dyn Fn(&mut Response<Bytes>, &str)) -> Response<Bytes> {
    let mut response = Problem::new(problem::FAULT, "there is no response").into_response();
    response.extensions_mut().insert(cut);
    note(&mut response, what);
    response
}

/// What the rules of the routes file do with a request, which is rewritten already.
#[cfg(feature = "cli")]
pub(super) fn explain(app: &App, request: &Request) -> Vec<Explained> {
    let Some(routes) = &app.settings.routes else {
        return Vec::new();
    };
    let path = segments(request.uri.path()).unwrap_or_default();
    let seen = Seen::of(request);
    let rules = routes.current();
    rules.explain(request.method.as_str(), &path, &seen)
}
