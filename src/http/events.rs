//! `/-/events`: the changes as server-sent events.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::watch;
use warp::http::{HeaderMap, Method, Response, header};

use super::admin::{self, reason};
use super::app::{App, Reply};
use super::cross_site;
use super::guard::{self, Viewer};
use super::problem::{self, Problem};
use super::request::Request;
use super::response;
use crate::engine::{Cause, Event, EventKind, FeedRead, Present, Rulebook};
use crate::json::{Id, quote};
use crate::store::{Resource, Store};
use crate::text::{nearest, path_encode};

/// The most events in one chunk.
const MAX_BATCH: usize = 64;

/// The event stream of a response: an extension of it.
#[derive(Clone)]
pub(super) struct Live {
    app: Arc<App>,
    viewer: Viewer,
    /// The number of the last event that was sent.
    after: u64,
    only: Vec<String>,
    updates: watch::Receiver<u64>,
    trouble: watch::Receiver<Present>,
    rulebook: Arc<Rulebook>,
    /// For readers who may see the requests of clients: the number of the last one that was sent.
    requests: Option<(u64, watch::Receiver<()>)>,
}

/// `GET /-/events`. The body is the beginning; the extension [`Live`] is the rest.
pub(super) async fn answer(app: Arc<App>, request: Arc<Request>) -> Reply {
    cross_site::check_foreign(&request, &app.settings)?;
    let published = app.engine.snapshot();
    let pairs = request.pairs().unwrap_or_default();
    let requests = match pairs.iter().find(|(name, _)| name == "requests") {
        Some((_, after)) => {
            admin::check(&app, &request)?;
            let last = after.parse().unwrap_or(app.request_log.last());
            Some((last, app.request_log.updates()))
        }
        None => None,
    };
    let only = followed(&published.store, &request, &pairs)?;
    let feed = &app.engine.feed;
    let last = feed.last();
    let asked = request.header(header::HeaderName::from_static("last-event-id"));
    let asked = asked
        .and_then(|id| id.split_once('-'))
        .filter(|(run, _)| *run == feed.run);
    let asked = asked.and_then(|(_, number)| number.parse().ok());
    let after = asked.filter(|number| matches!(feed.after(*number, 0), FeedRead::Events(_)));
    let resumed = after.is_some();
    let after = after.unwrap_or(last);
    let start = format!(
        "retry: 1000\nid: {}-{after}\nevent: ready\ndata: {{\"version\":{},\"resumed\":{resumed}}}\n\n",
        feed.run, published.version
    );
    let mut response = Response::new(Bytes::from(start));
    let headers = response.headers_mut();
    response::set_fixed(headers, header::CONTENT_TYPE, "text/event-stream");
    response::set_fixed(headers, header::CACHE_CONTROL, "no-store");
    // Nothing follows the stream on its connection.
    response::set_fixed(headers, header::CONNECTION, "close");
    if request.method == Method::GET {
        let viewer = guard::viewer(&app, &published, &request).await;
        let mut trouble = app.engine.trouble();
        // Trouble that is there already is reported first.
        if trouble.borrow_and_update().first().is_some() {
            trouble.mark_changed();
        }
        response.extensions_mut().insert(Live {
            app: app.clone(),
            viewer,
            after,
            only,
            updates: feed.updates(),
            trouble,
            rulebook: published.rulebook.clone(),
            requests,
        });
    }
    Ok(response)
}

/// The resources in the parameter `resource`; none: all.
///
/// # Errors
/// One of them does not exist.
fn followed(
    store: &Store,
    request: &Request,
    pairs: &[(String, String)],
) -> Result<Vec<String>, Problem> {
    let named = pairs.iter().filter(|(name, _)| name == "resource");
    let named = named.flat_map(|(_, value)| value.split(','));
    let named: Vec<&str> = named.filter(|name| !name.is_empty()).collect();
    let Some(unknown) = named.iter().find(|name| store.resource(name).is_none()) else {
        return Ok(named.into_iter().map(str::to_string).collect());
    };
    let mut known = store.resources().map(Resource::name);
    let near = nearest(unknown, store.resources().map(Resource::name));
    let instead = near.or_else(|| known.next()).unwrap_or_default();
    let path = format!("{}?resource={}", request.uri.path(), path_encode(instead));
    let detail = format!("there is no resource {unknown} to follow");
    Err(Problem::new(problem::NO_RESOURCE, detail)
        .hint(format!("for example: resource={instead}"))
        .attempt(request.curl("GET", &path, None)))
}

/// Whether a response is a stream of events, which has no end.
pub(super) fn is_stream(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "text/event-stream")
}

/// The response as warp sends it, with its stream of events if it has one.
pub(super) fn with_body(
    mut response: Response<Bytes>,
    stop: &watch::Receiver<bool>,
) -> warp::reply::Response {
    let Some(live) = response.extensions_mut().remove::<Live>() else {
        return response.map(Into::into);
    };
    let (parts, start) = response.into_parts();
    let start = stream::once(std::future::ready(start));
    let body = start
        .chain(follow(live, stop.clone()))
        .map(Ok::<_, std::convert::Infallible>);
    let (_, body) = warp::Reply::into_response(warp::reply::stream(body)).into_parts();
    Response::from_parts(parts, body)
}

/// The events after `live.after`, until the server stops or the reader falls behind the buffer.
fn follow(live: Live, stop: watch::Receiver<bool>) -> impl Stream<Item = Bytes> {
    stream::unfold((live, stop), |(mut live, mut stop)| async move {
        let app = live.app.clone();
        loop {
            live.updates.borrow_and_update();
            if let Some((_, updates)) = &mut live.requests {
                updates.borrow_and_update();
            }
            let FeedRead::Events(events) = app.engine.feed.after(live.after, MAX_BATCH) else {
                return None;
            };
            let mut piece = String::new();
            for event in &events {
                live.after = event.number;
                if live.only.is_empty() || live.only.contains(&event.resource) {
                    write(&mut piece, &live, event);
                }
            }
            live.write_status(&mut piece);
            live.write_rules(&mut piece);
            live.write_requests(&mut piece);
            if piece.is_empty() && events.is_empty() {
                tokio::select! {
                    biased;
                    _ = stop.wait_for(|stop| *stop) => return None,
                    changed = live.updates.changed() => if changed.is_err() { return None },
                    changed = live.trouble.changed() => {
                        if changed.is_err() { return None }
                        live.trouble.mark_changed();
                    }
                    () = next_request(&mut live.requests) => {}
                    () = tokio::time::sleep(app.settings.heartbeat) => piece.push_str(": still here\n\n"),
                }
            }
            if !piece.is_empty() {
                return Some((Bytes::from(piece), (live, stop)));
            }
        }
    })
}

/// Returns at the next request; never without a log of requests to follow.
async fn next_request(requests: &mut Option<(u64, watch::Receiver<()>)>) {
    if let Some((_, updates)) = requests
        && updates.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

impl Live {
    /// Writes an event if the rules have changed.
    fn write_rules(&mut self, out: &mut String) {
        let published = self.app.engine.snapshot();
        if !Arc::ptr_eq(&self.rulebook, &published.rulebook) {
            self.rulebook = published.rulebook.clone();
            let version = published.version;
            out.push_str(&format!(
                "event: rules\ndata: {{\"version\":{version}}}\n\n"
            ));
        }
    }

    /// Writes an event if the state of the files (valid or not) has changed.
    fn write_status(&mut self, out: &mut String) {
        if !self.trouble.has_changed().unwrap_or(false) {
            return;
        }
        let trouble = self.trouble.borrow_and_update().first().cloned();
        let status = match trouble {
            Some(trouble) => json!({ "status": "degraded", "reason": reason(&trouble) }),
            None => json!({ "status": "ok" }),
        };
        out.push_str(&format!("event: status\ndata: {status}\n\n"));
    }

    /// Writes the requests since the last time, if the reader asked for them.
    fn write_requests(&mut self, out: &mut String) {
        let Some((last, _)) = &mut self.requests else {
            return;
        };
        let Value::Array(requests) = self.app.request_log.after(*last) else {
            return;
        };
        for request in requests {
            *last = request["number"].as_u64().unwrap_or(*last).max(*last);
            out.push_str(&format!("event: request\ndata: {request}\n\n"));
        }
    }
}

/// Appends what the reader may see of `event`.
fn write(out: &mut String, live: &Live, event: &Event) {
    let may_see = |record| live.viewer.may_see(&live.app, &event.resource, record);
    let name = match &event.kind {
        EventKind::Create => "create",
        EventKind::Replace => "replace",
        EventKind::Merge => "merge",
        EventKind::Delete => "delete",
        EventKind::Reload { .. } => "reload",
    };
    let details = match &event.kind {
        EventKind::Reload {
            cause,
            changes,
            records,
        } => {
            let shown: Vec<String> = records
                .iter()
                .filter(|(_, record)| may_see(record.as_deref()))
                .map(|(id, record)| format!("{{{}}}", members(id.as_ref(), record.as_deref())))
                .collect();
            if shown.is_empty() && !records.is_empty() {
                return;
            }
            let (added, changed, removed) = (changes.added, changes.changed, changes.removed);
            format!(
                "\"cause\":\"{}\",\"added\":{added},\"changed\":{changed},\"removed\":{removed},\"records\":[{}]",
                cause_name(cause),
                shown.join(",")
            )
        }
        _ if !may_see(event.record.as_deref()) => return,
        _ => members(event.id.as_ref(), event.record.as_deref()),
    };
    out.push_str(&format!(
        "id: {}-{}\nevent: {name}\ndata: {{\"version\":{},\"resource\":{},{details}}}\n\n",
        live.app.engine.feed.run,
        event.number,
        event.version,
        quote(&event.resource),
    ));
}

/// The name of the cause of a reload.
pub(super) fn cause_name(cause: &Cause) -> &'static str {
    match cause {
        Cause::Edit => "edit",
        Cause::Undo => "undo",
        Cause::Reset => "reset",
    }
}

/// The id, if there is one, and the record as members of a JSON object.
fn members(id: Option<&Id>, record: Option<&str>) -> String {
    let record = record.unwrap_or("null");
    match id {
        Some(id) => format!("\"id\":{},\"record\":{record}", Value::from(id)),
        None => format!("\"record\":{record}"),
    }
}
