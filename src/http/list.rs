//! GET of a collection, of a nested one, and of a record with its relations.

use bytes::Bytes;
use serde_json::Value;
use warp::http::{Response, StatusCode, header};

use super::app::App;
use super::problem::{self, Problem};
use super::request::Request;
use super::response;
use crate::engine::Published;
use crate::json::{Id, Layout, Object, get_member, tag, text_form};
use crate::query::{Fault, Fields, PageInfo, PageStyle, Query, QueryError, Relations, Row};
use crate::store::{Link, Resource, Store, write_list};
use crate::work::Work;

/// The records of `resource` that the request's query selects. `nested`: the filter of a nested path.
///
/// The response is incomplete if `work` was stopped; so are those of the other functions that take one.
pub(super) fn collection(
    app: &App,
    published: &Published,
    request: &Request,
    resource: &Resource,
    nested: Option<Nested>,
    work: &Work<'_>,
) -> Result<Response<Bytes>, Problem> {
    let Some(collection) = resource.collection() else {
        return Ok(object(resource, work));
    };
    let mut pairs = pairs(request)?;
    pairs.extend(nested.as_ref().map(|nested| nested.filter.clone()));
    if pairs.is_empty() {
        let (body, tag) = published.body_of(resource, work);
        return Ok(response::tagged_json(body, tag));
    }
    let query = query(app, &published.store, request, resource, &pairs, work)?;
    let relations = Relations::new(&published.store, resource.name(), &query, work);
    let page = collection.run(&query, &relations, work);

    let mut body = Vec::new();
    let rows = page.rows.iter().map(Row::text);
    let rows = rows.take_while(|row| work.charge(row.len()));
    match page.info.filter(|info| info.style == PageStyle::Envelope) {
        Some(info) => envelope(&mut body, info, rows),
        None => write_list(&mut body, rows, ""),
    }
    let tag = tag(&body);
    let mut response = response::tagged_json(body.into(), tag);
    if let Some(total) = page.total {
        response.headers_mut().insert(response::TOTAL, total.into());
    }
    if let Some(info) = page.info.filter(|info| info.style == PageStyle::Link) {
        let url = format!("{}{}", request.base(), request.target());
        let link = info.link(&url).unwrap_or_default();
        response::set(&mut response, header::LINK, link);
    }
    let of_key = nested.as_ref().map(|nested| nested.filter.0.as_str());
    // The filter by the foreign key comes from the nested path, not from the client.
    let notices = query
        .notices
        .iter()
        .filter(|notice| Some(notice.parameter.as_str()) != of_key);
    let notices = notices.chain(&relations.notices).map(ToString::to_string);
    response::hint(
        &mut response,
        nested
            .iter()
            .filter_map(|nested| nested.notice.clone())
            .chain(notices),
    );
    Ok(response)
}

/// The pairs of the query, decoded.
pub(super) fn pairs(request: &Request) -> Result<Vec<(String, String)>, Problem> {
    let pairs = request.pairs();
    pairs.map_err(|error| bad_query(request, &error))
}

/// The query of `pairs` on a collection.
pub(super) fn query(
    app: &App,
    store: &Store,
    request: &Request,
    resource: &Resource,
    pairs: &[(String, String)],
    work: &Work<'_>,
) -> Result<Query, Problem> {
    let schema = app.engine.schema();
    let rules = schema.rules(resource.name());
    let mut declared: Vec<&str> = rules
        .iter()
        .flat_map(|rules| &rules.properties)
        .map(|one| one.name.as_str())
        .collect();
    if rules.is_some() {
        declared.push(&store.settings().id);
    }
    let fields = Fields {
        limit: app.settings.query_fields,
        pattern_limit: app.settings.pattern_limit,
        work: Some(work),
        ..Fields::new(resource.collection(), &declared)
    };
    Query::parse(pairs, &fields).map_err(|error| bad_query(request, &error))
}

/// One record, with its relations if the query asks for them.
pub(super) fn record(
    published: &Published,
    request: &Request,
    resource: &Resource,
    text: &str,
    work: &Work<'_>,
) -> Result<Response<Bytes>, Problem> {
    const SHAPING: [&str; 3] = ["_embed", "_expand", "_fields"];
    let query = request.uri.query().unwrap_or_default();
    if !SHAPING.iter().any(|name| query.contains(name)) {
        let mut body = Vec::with_capacity(text.len() + 64);
        if work.charge(text.len()) {
            Layout::PRETTY.write(&mut body, text, "");
        }
        let tag = tag(&body);
        return Ok(response::tagged_json(body.into(), tag));
    }
    let mut pairs = pairs(request)?;
    pairs.retain(|(name, _)| SHAPING.contains(&name.as_str()));
    let query = Query::parse(&pairs, &Fields::new(None, &[]))
        .map_err(|error| bad_query(request, &error))?;
    let relations = Relations::new(&published.store, resource.name(), &query, work);
    let mut text = relations.attach(text, Layout::PRETTY, work);
    if query.shows_some() {
        text = query.shown(&text).into();
    }
    let mut response = response::pretty(StatusCode::OK, &text);
    let notices = relations.notices.iter().map(ToString::to_string);
    response::hint(&mut response, notices);
    Ok(response)
}

/// A single object or value.
pub(super) fn object(resource: &Resource, work: &Work<'_>) -> Response<Bytes> {
    let mut body = Vec::new();
    resource.write(&mut body, "", work);
    response::json(StatusCode::OK, body)
}

/// The filter that a path such as `/posts/1/comments` puts on the comments.
pub(super) struct Nested {
    /// The filter that finds them: a parameter and its value.
    filter: (String, String),
    /// An object with only the foreign key, for a record that is added there.
    pub(super) foreign_key: Object,
    /// A hint about the key for the client.
    pub(super) notice: Option<String>,
}

impl Nested {
    pub(super) fn new(store: &Store, parent: &Resource, id: &Id, child: &Resource) -> Nested {
        let link = store.link(child.name(), parent.name());
        let Link {
            key, target, many, ..
        } = &link;
        let record = parent
            .collection()
            .and_then(|collection| collection.get(id));
        let own = record.and_then(|record| get_member(record.value(), target));
        let value = own.map_or_else(|| Value::from(id).to_string(), str::to_string);
        let text = if *target == store.settings().id {
            id.to_string()
        } else {
            text_form(&value).into_owned()
        };
        let (parameter, pointer) = match many {
            true => (format!("{key}:contains"), format!("[{value}]")),
            false => (key.clone(), value),
        };
        let notice = store.link_notice(child.name(), parent.name(), &link);
        Nested {
            filter: (parameter, text),
            foreign_key: Object::default().with(key, &pointer),
            notice: notice
                .map(|detail| format!("/{}/{id}/{}: {detail}", parent.name(), child.name())),
        }
    }
}

fn envelope<'a>(body: &mut Vec<u8>, info: PageInfo, rows: impl Iterator<Item = &'a str>) {
    body.extend_from_slice(b"{\n");
    for (name, value) in info.envelope() {
        let value = value.map_or_else(|| "null".into(), |value| value.to_string());
        body.extend_from_slice(format!("  \"{name}\": {value},\n").as_bytes());
    }
    body.extend_from_slice(b"  \"data\": ");
    write_list(body, rows, "  ");
    body.extend_from_slice(b"\n}");
}

/// A hint for a client that adds a record to a collection of other values.
pub(super) fn plain_values_notice(resource: &Resource) -> Option<String> {
    let name = resource.name();
    let is_plain = resource.collection()?.window(0, 1).next()?.id().is_none();
    is_plain.then(|| {
        format!(
            "{name} is a list of plain values, which have no addresses; this adds an object to it."
        )
    })
}

/// The problem of a query that cannot be carried out.
fn bad_query(request: &Request, error: &QueryError) -> Problem {
    let path = format!("{}?{}", request.uri.path(), error.example);
    let kind = if error.fault == Fault::Encoding {
        problem::BAD_TARGET
    } else {
        problem::BAD_QUERY
    };
    let hint = match error.fault {
        Fault::TooManyFields => "filter by fewer fields, or start standin with a larger --query-fields; several values of one field count once".into(),
        Fault::PatternLength => "use a shorter pattern, or start standin with a larger --pattern-limit (1000 at most)".into(),
        Fault::TooManyPatterns => "use fewer patterns; one can have alternatives, such as name_like=ann|bob".into(),
        _ => format!("for example: {}", error.example),
    };
    Problem::new(kind, format!("{}: {}", error.parameter, error.detail))
        .hint(hint)
        .attempt(request.curl("GET", &path, None))
}
