//! The API: requests for the data, by method and path.

use std::sync::Arc;
use std::time::Duration;

use warp::http::{Method, StatusCode, Uri};

use super::app::{Answer, App};
use super::costly;
use super::guard::{self, Viewer};
use super::list;
use super::request::Request;
use super::response;
use super::shaping;
use super::sign_in;
use super::target::{self, Target, no_record, target, wrong_method};
use super::{body, explorer, request, write};
use crate::engine::Published;
use crate::json::Object;
use crate::store::{Collection, Command, Data, Resource};
use crate::work::Work;

/// The longest that `_delay` can ask for.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// Answers any request, in the shape of the profile if there is one.
pub(super) async fn answer(app: Arc<App>, request: Arc<Request>) -> Answer {
    let Some(profile) = app.settings.profile.clone() else {
        return plain(app, request).await;
    };
    let own = Arc::new(shaping::request(&app, &profile, &request));
    let answer = plain(app.clone(), own.clone()).await;
    Ok(shaping::response(&app, &profile, (&request, &own), answer))
}

/// Answers any request, without a profile.
async fn plain(app: Arc<App>, request: Arc<Request>) -> Answer {
    let published = app.engine.snapshot();
    if request.method == Method::OPTIONS {
        let allow = match request.uri.path() {
            "*" => "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
            path => sign_in::allow(&app, path).unwrap_or_else(|| {
                target(&published, &request).map_or("OPTIONS", |target| target.allow())
            }),
        };
        return Ok(response::options(&request, &app.settings, allow));
    }
    let viewer = guard::viewer_of_data(&app, &published, &request).await;
    if let Some(answer) = sign_in::answer(&app, &published, &request, &viewer).await {
        return answer;
    }
    let published = guard::view(&app, published, &viewer);
    let target = target(&published, &request)?;
    guard::check(&app, &published, &request, &target, &viewer)?;
    delay(&app, &request).await;
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
                read(
                    &app,
                    &published,
                    &request,
                    &target::target(&published, &request)?,
                    work,
                )
            })
            .await
    } else {
        write(&app, &published, &request, &target, &viewer).await
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
        Target::Home => Ok(explorer::home(app, published)),
        Target::All => {
            let mut body = Vec::new();
            published.store.write_all(&mut body, work);
            Ok(response::json(StatusCode::OK, body))
        }
        Target::Collection(resource) => list::collection(
            (&app.engine, &app.settings),
            published,
            request,
            resource,
            None,
            work,
        ),
        Target::Nested { parent, id, child } => {
            let nested = list::Nested::new(&published.store, parent, id, child);
            list::collection(
                (&app.engine, &app.settings),
                published,
                request,
                child,
                Some(nested),
                work,
            )
        }
        Target::Object(resource) | Target::Scalar(resource) => Ok(list::object(resource, work)),
        Target::Record(resource, id) => match resource
            .collection()
            .and_then(|collection| collection.get(id))
        {
            Some(record) => list::record(published, request, resource, record.value(), work),
            None => Err(no_record(published, request, resource.name(), id)),
        },
    }
}

async fn write(
    app: &Arc<App>,
    published: &Published,
    request: &Arc<Request>,
    target: &Target<'_>,
    viewer: &Viewer,
) -> Answer {
    if app.is_read_only() {
        return Err(app.read_only_problem(format!("{} would change the data", request.method)));
    }
    let mut notice = None;
    let name = |resource: &Resource| resource.name().to_string();
    let (mut body, how) = (Object::default(), body::merge(request));
    let command = match (target, request.method.as_str()) {
        (Target::Collection(resource), "POST") => {
            notice = list::plain_values_notice(resource);
            Command::Create {
                resource: name(resource),
                body,
            }
        }
        (Target::Nested { parent, id, child }, "POST") => {
            let nested = list::Nested::new(&published.store, parent, id, child);
            notice = nested.notice;
            body = nested.foreign_key;
            match child.data() {
                Data::Collection(_) => Command::Create {
                    resource: name(child),
                    body,
                },
                Data::Object(_) => Command::ReplaceObject {
                    resource: name(child),
                    body,
                },
                Data::Scalar(_) => return Err(wrong_method(request, target)),
            }
        }
        (Target::Record(resource, id), "PUT") => Command::Replace {
            resource: name(resource),
            id: id.clone(),
            body,
        },
        (Target::Record(resource, id), "PATCH") => Command::Merge {
            resource: name(resource),
            id: id.clone(),
            patch: body,
            how,
        },
        (Target::Record(resource, id), "DELETE") => Command::Delete {
            resource: name(resource),
            id: id.clone(),
            dependent: write::dependent(request),
        },
        (Target::Object(resource), "PUT" | "POST") => Command::ReplaceObject {
            resource: name(resource),
            body,
        },
        (Target::Object(resource), "PATCH") => Command::MergeObject {
            resource: name(resource),
            patch: body,
            how,
        },
        _ => return Err(wrong_method(request, target)),
    };
    let owner = guard::owner(app, published, request, command.resource(), viewer);
    let command = command.with_preset(&owner);
    let mut response = write::carry_out(app, request, command).await?;
    response::hint(&mut response, notice.into_iter());
    Ok(response)
}

/// Waits as `--delay` and `_delay` (json-server 0.17) say.
async fn delay(app: &App, request: &Request) {
    let asked = request
        .first("_delay")
        .map(|text| Duration::from_millis(text.parse().unwrap_or(1)));
    let time = app.settings.delay + asked.unwrap_or_default().min(MAX_DELAY);
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
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
    let rewritten = routes.current().apply(sent, is_record);
    rewritten.parse().ok().filter(|_| rewritten != sent)
}

/// What `check` says of the target that a GET of `path` has, if it has one.
fn with_target(app: &App, path: &str, check: impl Fn(&Target) -> bool) -> Option<bool> {
    let request = Request::get(path.parse().ok()?);
    let published = app.engine.snapshot();
    target(&published, &request)
        .ok()
        .map(|target| check(&target))
}
