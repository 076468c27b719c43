//! The dispatch: method and target to an answer.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use warp::http::{Method, Response, StatusCode, header};

use super::admin::Snapshots;
use super::explorer;
use super::list;
use super::meta::{self, Meta};
use super::problem::{self, Problem, Told};
use super::reply::{self, Usual};
use super::request::{Request, encode};
use super::requests;
use super::settings::Settings;
use super::static_files::Folder;
use super::target::{Target, no_record, target, wrong_method};
use super::write::{self, Write};
use crate::engine::{Engine, Published};
use crate::store::{Data, Store};

/// The longest that `_delay` can ask for.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// A line of the access log.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The request's method.
    pub method: Method,
    /// The request's target as it was sent.
    pub target: String,
    /// The answer's status.
    pub status: StatusCode,
    /// From the request's last byte to the answer.
    pub time: Duration,
    /// Bytes of the answer's body.
    pub size: usize,
    /// What the client did wrong and what to do instead, a line each.
    pub told: Option<String>,
}

/// The application: what answers requests.
pub struct App {
    pub(super) engine: Engine,
    settings: Settings,
    usual: Usual,
    folder: Option<Folder>,
    /// Whether the page at `/` is the explorer, not one of the static files.
    explorer_is_home: bool,
    pub(super) meta: Meta,
    pub(super) snapshots: Snapshots,
    log: Option<Box<dyn Fn(Entry) + Send + Sync>>,
}

impl App {
    /// An application on `engine`. `log` is called for every response, except to requests for the server's own pages and
    /// to those that the explorer sends.
    pub fn new(engine: Engine, settings: Settings, log: Option<Box<dyn Fn(Entry) + Send + Sync>>) -> App {
        // A folder that is not there serves nothing; the command line has told about it.
        let folder = settings.folder.as_deref().and_then(|path| Folder::open(path).ok());
        let explorer_is_home = !settings.folder.as_deref().is_some_and(|path| path.join("index.html").is_file());
        let snapshots = Snapshots::new(engine.snapshot().store.clone());
        App {
            engine,
            usual: Usual::new(&settings),
            settings,
            folder,
            explorer_is_home,
            meta: Meta::new(),
            snapshots,
            log,
        }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The data as it is now.
    pub fn store(&self) -> Store {
        self.engine.snapshot().store.clone()
    }

    /// Finishes the writes that were asked for; later ones are refused.
    pub fn stop(&self) {
        self.engine.stop();
    }

    /// Answers one request.
    pub async fn respond(self: &Arc<App>, mut request: Request) -> Response<Bytes> {
        let start = Instant::now();
        // What was asked, if rules may make something else of it.
        let method = request.method.clone();
        let asked = self.settings.routes.is_some().then(|| request.target().to_string());
        request.override_method();
        self.rewrite(&mut request);
        // A panic is a bug of ours; without this the client would see a closed connection and no word.
        let response = match AssertUnwindSafe(self.answer(&request)).catch_unwind().await {
            Ok(Ok(response)) => response,
            Ok(Err(problem)) => problem.into_response(),
            Err(_) => Problem::new(problem::BUG, "the server failed on this request; the data is as it was")
                .hint("please report the request that did it")
                .into_response(),
        };
        let problem = requests::problem(&response);
        let mut response = reply::finish(&request, &self.settings, response);
        let target = asked.as_deref().unwrap_or(request.target());
        if self.settings.admin && !is_favicon(&request) {
            self.meta.requests.keep((&method, target, start), &request, &response, problem);
        }
        let told = response.extensions_mut().remove::<Told>();
        if let Some(log) = self.log.as_ref().filter(|_| !self.is_own_traffic(target, &request)) {
            log(Entry {
                method,
                target: target.to_string(),
                status: response.status(),
                time: start.elapsed(),
                size: response.body().len(),
                told: told.map(|told| told.0),
            });
        }
        response
    }

    /// Logs a request that was answered before its head could be read; `line` is how it began.
    pub(super) fn log_unread(&self, line: &str, response: &Response<Bytes>) {
        let Some(log) = &self.log else { return };
        let parts = line.split_once(' ').and_then(|(method, target)| Some((method.parse().ok()?, target)));
        let (method, target) = parts.unwrap_or_else(|| ("-".parse().unwrap_or_default(), line));
        let target = target.rsplit_once(" HTTP/").map_or(target, |(target, _)| target);
        let told = response.extensions().get::<Told>().map(|told| told.0.clone());
        let (target, status, size) = (target.to_string(), response.status(), response.body().len());
        log(Entry { method, target, status, time: Duration::ZERO, size, told });
    }

    async fn answer(&self, request: &Request) -> Result<Response<Bytes>, Problem> {
        if request.remote.is_some()
            && let Some(problem) = request.bad_host()
        {
            return Err(problem);
        }
        if request.uri.path() == "*" && request.method == Method::OPTIONS {
            return Ok(reply::options(request, &self.settings, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
        }
        if request.method == Method::CONNECT || request.uri.path().is_empty() {
            return Err(Problem::new(problem::NOT_SUPPORTED, "the server is no proxy")
                .hint("remove the proxy setting of the client, as curl's --proxy")
                .attempt(request.curl("GET", "/", None)));
        }
        if let Some(problem) = self.refuse(request) {
            return Err(problem);
        }
        let published = self.engine.snapshot();
        if request.method == Method::OPTIONS {
            let allow = meta::allow(request.uri.path())
                .unwrap_or_else(|| target(&published, request).map_or("OPTIONS", |target| target.allow()));
            return Ok(reply::options(request, &self.settings, allow));
        }
        if let (Some(routes), "/__rules") = (&self.settings.routes, request.uri.path()) {
            // What json-server's own home page asks for, and scripts with it.
            let rewriter = routes.current();
            let rules = rewriter.rules().map(|(rule, target)| (rule.to_string(), target.into()));
            let rules = serde_json::Value::Object(rules.collect());
            return Ok(reply::json(StatusCode::OK, format!("{rules:#}").into_bytes()));
        }
        if let Some(answer) = meta::answer(self, &published, request).await {
            return answer;
        }
        let target = match target(&published, request) {
            Ok(Target::Home) => {
                return match self.file(request).await {
                    Some(answer) => answer,
                    None if matches!(request.method, Method::GET | Method::HEAD) => {
                        self.read(&published, request, &Target::Home)
                    }
                    None => Err(wrong_method(request, &Target::Home)),
                };
            }
            Ok(target) => target,
            Err(problem) => {
                return match self.file(request).await {
                    Some(answer) => answer,
                    None if is_favicon(request) => explorer::icon().ok_or(problem),
                    None => Err(problem),
                };
            }
        };
        self.wait(request).await;
        if matches!(request.method, Method::GET | Method::HEAD) {
            return self.read(&published, request, &target);
        }
        if self.settings.read_only {
            return Err(Problem::new(problem::READ_ONLY, format!("{} would change the data", request.method))
                .hint("standin was started with --read-only"));
        }
        let mut notice = match &target {
            Target::Collection(resource) => list::plain_values_notice(resource),
            _ => None,
        };
        let write = match (&target, request.method.as_str()) {
            (Target::Collection(resource), "POST") => Write::Create(resource, None),
            (Target::Nested { parent, id, child }, "POST") => {
                let nested = list::Nested::new(&published.store, parent, id, child);
                notice = nested.notice;
                match child.data() {
                    Data::Collection(_) => Write::Create(child, Some(nested.member)),
                    Data::Object(_) => Write::CreateObject(child, Some(nested.member)),
                    Data::Scalar(_) => return Err(wrong_method(request, &target)),
                }
            }
            (Target::Record(resource, id), "PUT") => Write::Replace(resource, id),
            (Target::Record(resource, id), "PATCH") => Write::Merge(resource, id),
            (Target::Record(resource, id), "DELETE") => Write::Delete(resource, id),
            (Target::Object(resource), "PUT") => Write::ReplaceObject(resource),
            (Target::Object(resource), "POST") => Write::CreateObject(resource, None),
            (Target::Object(resource), "PATCH") => Write::MergeObject(resource),
            _ => return Err(wrong_method(request, &target)),
        };
        let mut response = write::carry_out(&self.engine, request, write, &self.settings).await?;
        list::hint(&mut response, notice.into_iter());
        Ok(response)
    }

    /// Whether a request stays out of the log: it is for one of the server's own pages or
    /// the icon, or the explorer sent it.
    fn is_own_traffic(&self, target: &str, request: &Request) -> bool {
        let page = || {
            let (_, rest) = request.header(header::REFERER)?.split_once("://")?;
            rest.strip_prefix(request.header(header::HOST)?)
        };
        target.starts_with("/-/")
            || is_favicon(request)
            || page().is_some_and(|page| page.starts_with("/-/") || (page == "/" && self.explorer_is_home))
    }

    /// Why the request is not even looked at.
    fn refuse(&self, request: &Request) -> Option<Problem> {
        let length = request.target().len();
        if length > self.settings.target_limit {
            let limit = self.settings.target_limit;
            return Some(
                Problem::new(problem::TARGET_TOO_LONG, format!("the URL has {length} bytes, and {limit} are taken"))
                    .hint("ask for less at a time, or start standin with a larger --url-limit"),
            );
        }
        if request.uri.query().is_some_and(|query| query.contains("like=")) {
            let limit = self.settings.pattern_limit;
            let pairs = request.pairs().unwrap_or_default();
            let long = pairs.iter().find(|(name, value)| name.ends_with("like") && value.len() > limit);
            if let Some((name, value)) = long {
                let length = value.len();
                return Some(
                    Problem::new(
                        problem::BAD_QUERY,
                        format!("{name}: the pattern has {length} bytes, and {limit} are taken"),
                    )
                    .hint("use a shorter pattern; --pattern-limit says how long one may be, 1000 at most"),
                );
            }
        }
        let hosts = self.settings.hosts.as_ref().filter(|_| request.remote.is_some())?;
        let host = request.host_name()?;
        if is_own(host) || hosts.iter().any(|own| own.eq_ignore_ascii_case(host)) {
            return None;
        }
        Some(
            Problem::new(
                problem::FOREIGN_HOST,
                format!("the request is for the host {host}, and standin serves this machine"),
            )
            .hint(format!("ask for localhost; to be reached as {host}, start standin with --allow-host {host}")),
        )
    }

    /// Puts the target in the request that the rules of `--routes` make of it.
    fn rewrite(&self, request: &mut Request) {
        let Some(routes) = &self.settings.routes else { return };
        let published = self.engine.snapshot();
        let is_record = |path: &str| {
            let Ok(uri) = path.parse() else { return false };
            match target(&published, &Request { uri, ..request.clone() }) {
                Ok(Target::Record(resource, id)) => {
                    resource.collection().is_some_and(|collection| collection.get(&id).is_some())
                }
                _ => false,
            }
        };
        let made = routes.current().apply(request.target(), is_record).parse();
        if let Ok(uri) = made {
            request.uri = uri;
        }
    }

    /// The answer from the folder of static files. The disk is read on a thread that may wait.
    async fn file(&self, request: &Request) -> Option<Result<Response<Bytes>, Problem>> {
        let (folder, request) = (self.folder.clone()?, request.clone());
        tokio::task::spawn_blocking(move || folder.answer(&request)).await.ok().flatten()
    }

    /// Waits as the options and `_delay` (json-server 0.17) want it.
    async fn wait(&self, request: &Request) {
        let asked = request.first("_delay").map(|text| Duration::from_millis(text.parse().unwrap_or(1)));
        let time = self.settings.delay + asked.unwrap_or_default().min(LONGEST_DELAY);
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
    }

    fn read(&self, published: &Published, request: &Request, target: &Target) -> Result<Response<Bytes>, Problem> {
        match target {
            Target::Home => Ok(explorer::page(&self.list(published))),
            Target::Errors => {
                let page = include_bytes!("../../docs/errors.md").to_vec();
                Ok(reply::with_type(StatusCode::OK, "text/markdown; charset=utf-8", page))
            }
            Target::Conflicts => {
                let conflicts = serde_json::Value::Array(self.engine.conflicts());
                Ok(reply::json(StatusCode::OK, format!("{conflicts:#}").into_bytes()))
            }
            Target::All => {
                let mut body = Vec::new();
                published.store.write_all(&mut body);
                Ok(reply::json(StatusCode::OK, body))
            }
            Target::Collection(resource) => {
                list::collection(&self.engine, (published, &self.usual), request, resource, None)
            }
            Target::Nested { parent, id, child } => {
                let nested = list::Nested::new(&published.store, parent, id, child);
                list::collection(&self.engine, (published, &self.usual), request, child, Some(nested))
            }
            Target::Object(resource) | Target::Scalar(resource) => Ok(list::object(resource)),
            Target::Record(resource, id) => match resource.collection().and_then(|collection| collection.get(id)) {
                Some(record) => list::record(published, &self.usual, request, resource, record.value()),
                None => Err(no_record(published, request, resource.name(), id)),
            },
        }
    }

    /// The resources as the page lists them for browsers that run no script, and for curl.
    fn list(&self, published: &Published) -> String {
        let mut page = String::new();
        if let Some(file) = &self.settings.file {
            page.push_str(&format!("<p>The data of <code>{}</code></p>\n", escape(file)));
        }
        page.push_str("<ul>\n");
        for resource in published.store.resources() {
            let count = match resource.data() {
                Data::Collection(collection) if collection.len() == 1 => "1 record".to_string(),
                Data::Collection(collection) => format!("{} records", collection.len()),
                Data::Object(_) => "object".into(),
                Data::Scalar(_) => "value".into(),
            };
            let path = escape(&format!("/{}", encode(resource.name())));
            page.push_str(&format!("<li><a href=\"{path}\">{}</a> ({count})</li>\n", escape(resource.name())));
        }
        page.push_str("</ul>\n");
        page
    }
}

/// Whether a browser asks for the site's icon, which it does by itself.
fn is_favicon(request: &Request) -> bool {
    request.uri.path() == "/favicon.ico" && matches!(request.method, Method::GET | Method::HEAD)
}

/// Whether a host name is this machine's for everybody who could ask.
pub(super) fn is_own(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let ends_so = |end: &str| {
        let start = host.len().checked_sub(end.len());
        start.and_then(|start| host.get(start..)).is_some_and(|own| own.eq_ignore_ascii_case(end))
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        || ends_so(".localhost")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
