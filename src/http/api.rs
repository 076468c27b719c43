//! The API: requests for the data, by method and path.

use std::sync::Arc;

use warp::http::{HeaderName, Method, StatusCode, Uri};

use super::app::{Answer, App};
use super::costly;
use super::guard::{self, Viewer};
use super::list;
use super::request::Request;
use super::response;
use super::shaping;
use super::sign_in;
use super::target::{self, Target, no_record, target};
use super::{explorer, request, steps, write};
use crate::behaviour::Mode;
use crate::engine::Published;
use crate::store::Collection;
use crate::work::Work;

/// Answers any request.
pub(super) async fn answer(app: Arc<App>, request: Arc<Request>) -> Answer {
    answer_as(app, request, None).await
}

/// With the value `none`, records are sent without the profile. The explorer sends it, since it shows them.
const PROFILE: HeaderName = HeaderName::from_static("standin-profile");

/// Answers any request, in the way of a rule of the routes file and in the shape of the profile if there is one.
pub(super) async fn answer_as(app: Arc<App>, request: Arc<Request>, mode: Option<Mode>) -> Answer {
    let is_shaped = || {
        request
            .headers
            .get(PROFILE)
            .is_none_or(|name| name != "none")
    };
    let Some(profile) = app.profile().filter(|_| is_shaped()) else {
        return plain(app, request, mode).await;
    };
    let own = Arc::new(shaping::request(&app, &profile, &request));
    let answer = plain(app.clone(), own.clone(), mode).await;
    Ok(shaping::response(&app, &profile, (&request, &own), answer))
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
        Target::Home => Ok(explorer::home(app, published)),
        Target::All => {
            let mut body = Vec::new();
            published.store.write_all(&mut body, work);
            Ok(response::json(StatusCode::OK, body))
        }
        Target::Collection(resource) => list::collection(
            (&*app.engine, &app.settings),
            published,
            request,
            resource,
            None,
            work,
        ),
        Target::Nested { parent, id, child } => {
            let nested = list::Nested::new(&published.store, parent, id, child);
            list::collection(
                (&*app.engine, &app.settings),
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
    if app.is_read_only() {
        return Err(app.read_only_problem(format!("{} would change the data", request.method)));
    }
    if let (Target::Collection(resource), "PATCH" | "DELETE", Some(Mode::Bulk)) =
        (target, request.method.as_str(), mode)
    {
        return write::bulk(app, request, resource.name(), viewer).await;
    }
    let (mut command, notice) = steps::command(&published.store, request, target)?;
    let resource = command.resource.clone();
    if request.method == Method::POST {
        // A nested path names a parent, which no more says who sends the request than the body does.
        command.body = guard::without_user(published, &resource, command.body);
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
