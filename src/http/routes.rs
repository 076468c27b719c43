//! The routes, as warp filters.

use std::future::{Future, Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full};
use tokio::sync::watch;
use tower_service::Service;
use warp::filters::BoxedFilter;
use warp::http::{Method, Response, Uri, header};
use warp::path::{FullPath, Tail, end};
use warp::reply::Response as WarpResponse;
use warp::{Filter, Rejection, path};

use super::app::{App, Reply};
use super::problem::{self, Problem};
use super::request::{self, Body, Connection, Progress, Request};
use super::response::FileBody;
use super::settings::Limits;
use super::{admin, api, events, explore, response, route_rules, static_files, web_pages};
use crate::behaviour::Delay;

/// The methods of a page, as the header `Allow` lists them.
const READ: &str = "GET, HEAD, OPTIONS";
const POST: &str = "POST, OPTIONS";
const READ_AND_PUT: &str = "GET, HEAD, PUT, OPTIONS";
const FAULTS: &str = "GET, HEAD, PUT, DELETE, OPTIONS";

/// All routes of the server. `body_time` limits how long a request's body may take; event streams end when
/// `stop` becomes true.
pub(super) fn routes(
    app: &Arc<App>,
    body_time: Duration,
    stop: &watch::Receiver<bool>,
) -> BoxedFilter<(WarpResponse,)> {
    let on = Handlers {
        app: app.clone(),
        body_time,
        stop: stop.clone(),
    };
    // A page about what the last segment names.
    let about = |page| {
        let name = warp::path::param().map(|_: String| ()).untuple_one();
        warp::path(page).and(name).and(end())
    };

    let admin = one_of([
        on.page(path!("health"), READ, admin::health),
        on.page(path!("requests"), READ, admin::requests),
        on.page(path!("conflicts"), READ, admin::conflicts),
        on.page(path!("faults"), FAULTS, admin::faults),
        on.page(path!("undo"), POST, admin::undo),
        on.page(path!("reset"), POST, admin::reset),
        on.page(path!("snapshots"), READ, admin::snapshots),
        on.page(about("snapshots"), POST, admin::take_snapshot),
        on.page(path!("settings"), READ_AND_PUT, admin::settings),
    ]);
    let explore = one_of([
        on.page(path!("model"), READ, explore::model),
        on.page(path!("history"), READ, explore::history),
        on.page(about("facets"), READ, explore::facets),
        on.page(about("dependents"), READ, explore::dependents),
        on.page(path!("rules"), READ_AND_PUT, admin::rules),
    ]);
    let events = on.page(path!("events"), READ, events::answer);
    let reference = one_of([
        on.page(path!("openapi.json"), READ, web_pages::openapi),
        on.page(path!("reference.css"), READ, web_pages::style),
        on.page(path!("errors" / ..), READ, web_pages::errors),
        #[cfg(feature = "docs")]
        on.page(path!("docs" / ..), READ, web_pages::viewer::answer),
    ]);
    let explorer = on.page(explorer_file(), READ, web_pages::file);
    let server_pages = path!("-" / ..).and(one_of([admin, explore, events, reference, explorer]));

    let static_files = on.route(static_file(app).map(|found| {
        let send = move |_, request| static_files::answer(found, request);
        move |app, request| route_rules::answer(app, request, Delay::default(), send)
    }));
    let is_read = warp::get().or(warp::head()).unify();
    let icon = on.route(path!("favicon.ico").and(is_read).map(|| web_pages::icon));
    let has_routes = only_if(app.settings.routes.is_some());
    let rewrites = path!("__rules").and(on.page(has_routes, READ, admin::rewrite_rules));
    let delay = app.settings.delay;
    let api = on.route(only_if(true).map(move || {
        move |app, request| {
            route_rules::answer(app, request, delay, |app, request| {
                api::answer(app, request, None)
            })
        }
    }));

    server_pages
        .or(static_files)
        .unify()
        .or(icon)
        .unify()
        .or(rewrites)
        .unify()
        .or(api)
        .unify()
        .boxed()
}

/// The first of `routes` that matches the request. Boxed, because long chains of `or` are slow to compile.
fn one_of(
    routes: impl IntoIterator<Item = BoxedFilter<(WarpResponse,)>>,
) -> BoxedFilter<(WarpResponse,)> {
    let none = warp::any().and_then(|| ready(Err(warp::reject::not_found())));
    routes.into_iter().fold(none.boxed(), |others, route| {
        others.or(route).unify().boxed()
    })
}

/// Matches the request if `condition` is true; otherwise other routes are tried.
fn take_if(condition: bool) -> Ready<Result<(), Rejection>> {
    ready(condition.then_some(()).ok_or_else(warp::reject::not_found))
}

fn only_if(condition: bool) -> impl Filter<Extract = (), Error = Rejection> + Clone {
    warp::any()
        .and_then(move || take_if(condition))
        .untuple_one()
}

/// The path of a file of the explorer, below `/-/`.
fn explorer_file() -> impl Filter<Extract = (), Error = Rejection> + Clone {
    warp::path::tail()
        .and_then(|tail: Tail| take_if(web_pages::is_file(tail.as_str())))
        .untuple_one()
}

/// The static file at the request's path, unless the path is one of the API. The index of the folder replaces the
/// explorer.
fn static_file(
    app: &Arc<App>,
) -> impl Filter<Extract = (static_files::Found,), Error = Rejection> + Clone + use<> {
    let app = app.clone();
    only_if(app.folder.is_some())
        .and(warp::method())
        .and(warp::path::full())
        .and_then(move |method: Method, path: FullPath| {
            let app = app.clone();
            async move {
                let is_read = matches!(method, Method::GET | Method::HEAD);
                let found = match &app.folder {
                    Some(folder)
                        if is_read
                            && !api::is_target(&app, path.as_str())
                            && !route_rules::is_answered(&app, &method, path.as_str()) =>
                    {
                        static_files::find(folder.clone(), path.as_str().to_string()).await
                    }
                    _ => None,
                };
                found.ok_or_else(warp::reject::not_found)
            }
        })
}

/// Makes routes of filters and handlers.
struct Handlers {
    app: Arc<App>,
    body_time: Duration,
    stop: watch::Receiver<bool>,
}

impl Handlers {
    /// Routes the requests that `filter` matches to the handler that it extracts.
    fn route<P, H, F>(
        &self,
        filter: P,
    ) -> impl Filter<Extract = (WarpResponse,), Error = Rejection> + Clone + use<P, H, F>
    where
        P: Filter<Extract = (H,), Error = Rejection> + Clone + Send + Sync + 'static,
        H: FnOnce(Arc<App>, Arc<Request>) -> F + Send + 'static,
        F: Future<Output = Reply> + Send,
    {
        let (app, stop) = (self.app.clone(), self.stop.clone());
        let request = request::received(app.settings.body_limit, self.body_time, &stop);
        filter.and(request).then(move |handler: H, received| {
            let (app, stop) = (app.clone(), stop.clone());
            // Boxed: warp and hyper move the future of a request several times, and a handler's has some kilobytes.
            Box::pin(async move { with_body(app.respond(received, handler).await, &stop) })
        })
    }

    /// `handler` for a page of the server that supports `methods`.
    fn page<P, H, F>(
        &self,
        path: P,
        methods: &'static str,
        handler: H,
    ) -> BoxedFilter<(WarpResponse,)>
    where
        P: Filter<Extract = (), Error = Rejection> + Clone + Send + Sync + 'static,
        H: Fn(Arc<App>, Arc<Request>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Reply> + Send,
    {
        self.route(path.map(move || {
            let handler = handler.clone();
            async move |app: Arc<App>, request: Arc<Request>| {
                if request.method == Method::OPTIONS {
                    return Ok(response::options(&request, &app.settings, methods));
                }
                if !methods.split(", ").any(|method| request.method == method) {
                    let method = if methods == POST { "POST" } else { "GET" };
                    let command = request.curl(method, request.uri.path(), None);
                    return Err(request.not_allowed(methods).attempt(command));
                }
                handler(app, request).await
            }
        }))
        .boxed()
    }
}

/// The response as warp sends it, with its streamed body if it has one: a large file, or an event stream.
fn with_body(mut response: Response<Bytes>, stop: &watch::Receiver<bool>) -> WarpResponse {
    match response.extensions_mut().remove::<FileBody>() {
        Some(file) => file.send(response),
        None => events::with_body(response, stop),
    }
}

/// Prepares a request for the routes: adds what warp has no filter for, and applies the rules of `--routes`.
pub(super) fn prepare<B>(
    app: &App,
    request: &mut warp::http::Request<B>,
    remote: Option<SocketAddr>,
    progress: &Arc<Progress>,
) {
    let sent_target = api::rewrite(app, request.uri()).map(|uri| {
        let sent = std::mem::replace(request.uri_mut(), uri);
        request::target(&sent).to_string()
    });
    let connection = Connection {
        version: request.version(),
        remote,
        progress: progress.clone(),
        uri: request.uri().clone(),
        sent_target,
    };
    if request.uri().path_and_query().is_none() {
        // `warp::path::full` panics on a target that is only a host, as in CONNECT.
        *request.uri_mut() = Uri::from_static("*");
    }
    request.extensions_mut().insert(connection);
}

/// The routes within the process: no port, no connections.
pub struct LocalService {
    app: Arc<App>,
    routes: BoxedFilter<(WarpResponse,)>,
    _stop: watch::Sender<bool>,
}

impl LocalService {
    /// Serves `app`.
    pub fn new(app: Arc<App>) -> LocalService {
        let (sender, stop) = watch::channel(false);
        let routes = routes(&app, Limits::default().body_time, &stop);
        LocalService {
            app,
            routes,
            _stop: sender,
        }
    }

    /// Explains the routes file's effect on a request: the target after the rewrites, and the effect of each rule.
    #[cfg(feature = "cli")]
    pub fn explain(&self, mut request: Request) -> (String, Vec<crate::behaviour::Explained>) {
        if let Some(uri) = api::rewrite(&self.app, &request.uri) {
            request.uri = uri;
        }
        let target = request.target().to_string();
        (target, route_rules::explain(&self.app, &request))
    }

    /// Answers a request; of an event stream, only the beginning.
    pub async fn call(&self, request: Request) -> Response<Bytes> {
        let Body::Whole(body) = request.body else {
            return Problem::new(problem::BAD_REQUEST, "the request has no body").into_response();
        };
        let length = body.len();
        let mut call = warp::http::Request::new(Full::new(body));
        *call.method_mut() = request.method;
        *call.uri_mut() = request.uri;
        *call.version_mut() = request.version;
        *call.headers_mut() = request.headers;
        if length > 0 {
            call.headers_mut()
                .insert(header::CONTENT_LENGTH, length.into());
        }
        let progress = Arc::new(Progress::default());
        prepare(&self.app, &mut call, request.remote, &progress);
        let Ok(response) = warp::service(self.routes.clone()).call(call).await;
        let (parts, mut body) = response.into_parts();
        let body = if events::is_stream(&parts.headers) {
            body.frame()
                .await
                .and_then(Result::ok)
                .and_then(|frame| frame.into_data().ok())
        } else {
            body.collect().await.ok().map(Collected::to_bytes)
        };
        Response::from_parts(parts, body.unwrap_or_default())
    }
}
