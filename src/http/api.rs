//! The API: requests for the data, by method and path, and what a profile makes of them and of their responses.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use warp::http::{HeaderName, Method, Response, StatusCode, Uri, header};

use super::app::{Answer, App};
use super::guard::{self, Viewer};
use super::problem::{self, Problem};
use super::profile::{Profile, Shape};
use super::request::{Body, Request};
use super::target::{self, Target, no_record, target};
use super::{costly, list, request, response, sign_in, web_pages, write};
use crate::behaviour::Mode;
use crate::engine::Published;
use crate::json::{members, tag};
use crate::query::pairs;
use crate::store::{Collection, Data};
use crate::work::Work;

/// With the value `none`, records are sent without the profile. The explorer sends it, since it shows them.
const PROFILE: HeaderName = HeaderName::from_static("standin-profile");

/// Answers any request, in the way of a rule of the routes file and in the shape of the profile if there is one.
pub(super) async fn answer(app: Arc<App>, request: Arc<Request>, mode: Option<Mode>) -> Answer {
    let is_shaped = || {
        request
            .headers
            .get(PROFILE)
            .is_none_or(|name| name != "none")
    };
    let Some(profile) = app.profile().filter(|_| is_shaped()) else {
        return plain(app, request, mode).await;
    };
    let own = Arc::new(own_request(&app, &profile, &request));
    let answer = plain(app.clone(), own.clone(), mode).await;
    Ok(shaped(&app, &profile, (&request, &own), answer))
}

/// Answers any request, without a profile.
async fn plain(app: Arc<App>, request: Arc<Request>, mode: Option<Mode>) -> Answer {
    let published = app.engine.snapshot();
    if request.method == Method::OPTIONS {
        let allow = match request.uri.path() {
            "*" => "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
            path => sign_in::allow(&app, path).unwrap_or_else(|| {
                target(&published.store, &request).map_or("OPTIONS", |target| target.allow())
            }),
        };
        return Ok(response::options(&request, &app.settings, allow));
    }
    let viewer = guard::viewer_of_data(&app, &published, &request).await;
    if let Some(answer) = sign_in::answer(&app, &published, &request, &viewer).await {
        return answer;
    }
    let published = guard::view(published, &viewer);
    let target = target(&published.store, &request)?;
    guard::check(&published, &request, &target, &viewer)?;
    let is_read = matches!(request.method, Method::GET | Method::HEAD);
    if is_read {
        if !is_costly(&published, &request, &target) {
            let work = Work::at_most(costly::MOMENT);
            let answer = read(&app, &published, &request, &target, &work);
            if !work.is_stopped() {
                return answer;
            }
        }
        drop(target);
        let (same, app) = (app.clone(), app);
        same.turns
            .run(move |work| {
                let target = target::target(&published.store, &request)?;
                if let Target::Collection(resource) = &target
                    && let Some(collection) = resource.collection()
                {
                    // Writes keep them, so that the next query can stay on its thread.
                    collection.count_names();
                }
                read(&app, &published, &request, &target, work)
            })
            .await
    } else {
        write(&app, &published, &request, &target, (&viewer, mode)).await
    }
}

/// Whether reading `target` costs more than a moment before any record of it is looked at. What follows from the records
/// shows only on the way.
fn is_costly(published: &Published, request: &Request, target: &Target) -> bool {
    let query = request.uri.query().unwrap_or("");
    let has_relations = query.contains("_embed") || query.contains("_expand");
    let must_look = match target {
        Target::Nested { .. } => true,
        Target::Collection(resource) => {
            let knows_names = resource.collection().is_none_or(Collection::knows_names);
            has_relations || (!query.is_empty() && !knows_names)
        }
        Target::Record(..) => has_relations,
        _ => false,
    };
    must_look && published.store.bytes() > costly::MOMENT
}

fn read(
    app: &App,
    published: &Published,
    request: &Request,
    target: &Target,
    work: &Work<'_>,
) -> Answer {
    match target {
        Target::Home => Ok(web_pages::home(app, published)),
        Target::All => {
            let mut body = Vec::new();
            published.store.write_all(&mut body, work);
            Ok(response::json(StatusCode::OK, body))
        }
        Target::Collection(resource) => {
            list::collection(app, published, request, resource, None, work)
        }
        Target::Nested { parent, id, child } => {
            let nested = list::Nested::new(&published.store, parent, id, child);
            list::collection(app, published, request, child, Some(nested), work)
        }
        Target::Object(resource) | Target::Scalar(resource) => Ok(list::object(resource, work)),
        Target::Record(resource, id) => match resource.collection().and_then(|rows| rows.get(id)) {
            Some(record) => list::record(published, request, resource, record.value(), work),
            None => Err(no_record(&published.store, request, resource.name(), id)),
        },
    }
}

async fn write(
    app: &Arc<App>,
    published: &Published,
    request: &Arc<Request>,
    target: &Target<'_>,
    (viewer, mode): (&Viewer, Option<Mode>),
) -> Answer {
    app.check_writable(request.method.as_str())?;
    if let (Target::Collection(resource), "PATCH" | "DELETE", Some(Mode::Bulk)) =
        (target, request.method.as_str(), mode)
    {
        return write::bulk(app, request, resource.name(), viewer).await;
    }
    let (mut command, notice) = write::command(&published.store, request, target)?;
    let resource = command.resource.clone();
    if request.method == Method::POST {
        // A nested path names a parent, which no more says who sends the request than the body does.
        command.body = write::without_user(published, &resource, command.body);
    }
    let owner = |is_new| guard::owner(published, is_new, &resource, viewer);
    let (preset, preset_of_new) = (owner(request.method == Method::POST), owner(true));
    let command = command.with_preset(&preset);
    let mode = (mode, preset_of_new);
    let mut response = write::carry_out(app, request, command, mode).await?;
    response::hint(&mut response, notice.into_iter());
    Ok(response)
}

/// Whether a path is one of the API. The home page is not: a static `index.html` takes its place.
pub(super) fn is_target(app: &App, path: &str) -> bool {
    let target_is = |target: &Target| !matches!(target, Target::Home);
    with_target(app, path, target_is).unwrap_or(false)
}

/// What the rules of `--routes` make of a URI, if they change it.
pub(super) fn rewrite(app: &App, uri: &Uri) -> Option<Uri> {
    let routes = app.settings.routes.as_ref()?;
    let is_record = |path: &str| {
        let has_record = |target: &Target| match target {
            Target::Record(resource, id) => resource
                .collection()
                .is_some_and(|records| records.get(id).is_some()),
            _ => false,
        };
        with_target(app, path, has_record).unwrap_or(false)
    };
    let sent = request::target(uri);
    let current = routes.current();
    let rewritten = current.rewriter.apply(sent, is_record);
    (rewritten != sent).then(|| rewritten.parse().ok())?
}

/// What `check` says of the target that a GET of `path` has, if it has one.
fn with_target(app: &App, path: &str, check: impl Fn(&Target) -> bool) -> Option<bool> {
    let request = Request::get(path.parse().ok()?);
    let published = app.engine.snapshot();
    target(&published.store, &request)
        .ok()
        .map(|target| check(&target))
}

/// How many records are looked at for the names of their properties.
const SAMPLE: usize = 100;

/// What the response to a request is shaped as; `None`: it stays as it is.
fn shape(published: &Published, request: &Request) -> Option<Shape> {
    let (resource, is_list) = match target(&published.store, request).ok()? {
        Target::Collection(resource) => (resource, true),
        Target::Nested { child, .. } => (child, child.collection().is_some()),
        Target::Record(resource, _) | Target::Object(resource) => (resource, false),
        Target::Home | Target::All | Target::Scalar(_) => return None,
    };
    let reads = matches!(request.method, Method::GET | Method::HEAD);
    Some(Shape {
        resource: resource.name().to_string(),
        is_list: is_list && reads,
    })
}

/// The request as this server understands it.
fn own_request(app: &App, profile: &Profile, sent: &Request) -> Request {
    let mut own = sent.clone();
    let published = app.engine.snapshot();
    let Some(shape) = shape(&published, sent) else {
        return own;
    };
    let mut known: Vec<String> = vec![published.store.settings().id.clone()];
    if let Some(rules) = app.engine.schema().rules(&shape.resource) {
        known.extend(rules.properties().iter().map(|one| one.name.clone()));
    }
    let mut see = |text: &str| {
        for member in members(text) {
            if !known.iter().any(|name| *name == member.key) {
                known.push(member.key.into_owned());
            }
        }
    };
    match published
        .store
        .resource(&shape.resource)
        .map(|one| one.data())
    {
        Some(Data::Collection(rows)) => rows.window(0, SAMPLE).for_each(|row| see(row.value())),
        Some(Data::Object(text)) => see(text),
        _ => {}
    }
    let query = profile.query(&sent.pairs().unwrap_or_default(), &known, shape.is_list);
    let path = sent.uri.path();
    let target = if query.is_empty() {
        path.to_string()
    } else {
        format!("{path}?{query}")
    };
    if let Ok(uri) = target.parse() {
        own.uri = uri;
    }
    let writes = matches!(sent.method.as_str(), "POST" | "PUT" | "PATCH");
    if let (true, Body::Whole(body)) = (writes, &sent.body)
        && !sent.headers.contains_key(header::CONTENT_ENCODING)
        && let Some(inner) = profile.body(body, &known)
    {
        own.body = Body::Whole(inner.into());
    }
    own
}

/// The response in the profile's shape. `own` is what [`own_request`] made of the request that was `sent`.
pub(super) fn shaped(
    app: &App,
    profile: &Profile,
    (sent, own): (&Request, &Request),
    answer: Answer,
) -> Response<Bytes> {
    let mut response = answer.unwrap_or_else(Problem::into_response);
    match reshape(app, profile, (sent, own), &mut response) {
        Ok(()) => response,
        Err(message) => Problem::new(problem::PROFILE, message)
            .hint("correct the expression in the profile, and start standin again")
            .into_response(),
    }
}

fn reshape(
    app: &App,
    profile: &Profile,
    (sent, own): (&Request, &Request),
    response: &mut Response<Bytes>,
) -> Result<(), String> {
    let kind = response::header(response, header::CONTENT_TYPE).unwrap_or_default();
    let is_problem = kind.starts_with("application/problem+json");
    if !is_problem && !kind.starts_with("application/json") {
        return Ok(());
    }
    let Ok(body) = serde_json::from_slice::<Value>(response.body()) else {
        return Ok(());
    };
    if is_problem {
        let name = body["type"]
            .as_str()
            .and_then(|kind| kind.rsplit('#').next())
            .unwrap_or_default();
        set_status(profile, name, response);
        let mut body = body;
        body["status"] = response.status().as_u16().into();
        if let Some(error) = profile.error(&body) {
            replace_body(profile, response, &error?);
        }
        return Ok(());
    }
    let published = app.engine.snapshot();
    let Some(shape) = shape(&published, sent) else {
        return Ok(());
    };
    if !response.status().is_success() {
        return Ok(());
    }
    let name = match sent.method.as_str() {
        "POST" => "create",
        "DELETE" => "delete",
        _ => "",
    };
    set_status(profile, name, response);
    if response.status() == StatusCode::NO_CONTENT {
        *response.body_mut() = Bytes::new();
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::ETAG);
        return Ok(());
    }
    let made = if shape.is_list {
        let total = response::header(response, response::TOTAL);
        let total = total.and_then(|total| total.parse().ok());
        let understood = pairs(own.uri.query().unwrap_or_default()).unwrap_or_default();
        let asked = sent.pairs().unwrap_or_default();
        let base = sent.base();
        let made = profile.list(
            &shape,
            &body,
            total,
            (&base, sent.uri.path()),
            (&asked, &understood),
        )?;
        let tag = tag(made.to_string().as_bytes());
        response::set(response, header::ETAG, tag);
        made
    } else if name == "delete" {
        body
    } else {
        // Its entity tag stays, for `If-Match`.
        profile.record(&shape, &body, &sent.base())?
    };
    replace_body(profile, response, &made);
    Ok(())
}

/// The status that the profile has for `name`, if it has one.
fn set_status(profile: &Profile, name: &str, response: &mut Response<Bytes>) {
    let status = profile.status(name);
    if let Some(status) = status.and_then(|code| StatusCode::from_u16(code).ok()) {
        *response.status_mut() = status;
    }
}

fn replace_body(profile: &Profile, response: &mut Response<Bytes>, body: &Value) {
    *response.body_mut() = format!("{body:#}").into();
    let kind = profile.content_type();
    response::set(response, header::CONTENT_TYPE, kind.to_string());
}
