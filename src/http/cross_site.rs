//! Cross-site requests. Any page in the browser can send requests to this machine; the browser sends its origin. A
//! request of a site that is not allowed gets no CORS headers, changes nothing, and reads nothing in ways that CORS
//! does not cover (JSONP, event streams).

use warp::http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::problem::{self, Problem};
use super::request::Request;
use super::settings::{self, AllowedOrigin, Origin, Settings};
use crate::text::shell_word;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// A site that is not allowed and has sent a request.
pub(super) enum Foreign {
    /// The origin.
    Origin(String),
    /// The browser does not send an origin; the site is that of this `Referer`, if there is one.
    Unnamed(Option<String>),
}

impl Foreign {
    /// A hint how to allow the site.
    pub(super) fn hint(&self, request: &Request, settings: &Settings) -> String {
        if reads_own_only(request, settings) {
            return "standin was started with --no-cors, so only its own pages can read; start it without".into();
        }
        let name = match self {
            Foreign::Origin(name) => Some(name),
            Foreign::Unnamed(name) => name.as_ref(),
        };
        match name.filter(|name| name.parse::<AllowedOrigin>().is_ok()) {
            Some(name) => format!(
                "if the page is yours, start standin with --cors {}",
                shell_word(name)
            ),
            None => "if the page is yours, start standin with --cors ORIGIN, for example --cors https://app.example".into(),
        }
    }
}

/// The site that `request` comes from, if it is not allowed. `Origin` decides if present. Without it, only
/// `Sec-Fetch-Site: cross-site` says that there is a site; clients other than browsers send neither.
///
/// With `--no-cors`, only the server's own pages may read.
pub(super) fn foreign(request: &Request, settings: &Settings) -> Option<Foreign> {
    let is_for_own = reads_own_only(request, settings);
    if !is_for_own && settings.origins.contains(&AllowedOrigin::Any) {
        return None;
    }
    let host = || request.header(header::HOST);
    let is_allowed = |origin: &HeaderValue| match is_for_own {
        true => is_own(origin, host()),
        false => allows(origin, host(), settings),
    };
    let mut origins = request.headers.get_all(header::ORIGIN).iter();
    if let Some(origin) = origins.next() {
        let is_allowed = origins.next().is_none() && is_allowed(origin);
        return (!is_allowed)
            .then(|| Foreign::Origin(String::from_utf8_lossy(origin.as_bytes()).into_owned()));
    }
    let is_site = |site| is_value(&request.headers, SEC_FETCH_SITE, site);
    // Other ports of this machine are the same site.
    let is_foreign = is_site("cross-site") || (is_for_own && is_site("same-site"));
    if !is_foreign {
        return None;
    }
    // A page can omit `Referer`, but it cannot forge it.
    let referer = request.header(header::REFERER).and_then(origin_of);
    let origin = referer.as_ref().filter(|_| !is_for_own);
    let origin = origin.and_then(|origin| HeaderValue::try_from(origin).ok());
    let is_allowed = origin.is_some_and(|origin| is_allowed(&origin));
    (!is_allowed).then_some(Foreign::Unnamed(referer))
}

/// Whether `request` reads, and only the server's own pages may.
fn reads_own_only(request: &Request, settings: &Settings) -> bool {
    !settings.cors && is_read(request)
}

/// Whether `origin` is that of this server's pages; `host` is the `Host` of the request.
fn is_own(origin: &HeaderValue, host: Option<&str>) -> bool {
    let origin = origin.to_str().ok().and_then(Origin::parse);
    origin
        .zip(host)
        .is_some_and(|(origin, host)| origin.is_at(host))
}

fn is_read(request: &Request) -> bool {
    request.reads() || request.method == Method::OPTIONS
}

/// Refuses what a foreign site must not do: writes, and JSONP.
pub(super) fn check(request: &Request, settings: &Settings) -> Result<(), Problem> {
    match is_read(request) && request.first("callback").is_none() {
        true => Ok(()),
        false => check_foreign(request, settings),
    }
}

/// Refuses requests of foreign sites, also for event streams: each occupies a connection for as long as the site likes.
pub(super) fn check_foreign(request: &Request, settings: &Settings) -> Result<(), Problem> {
    let Some(foreign) = foreign(request, settings) else {
        return Ok(());
    };
    // A page cannot read what its links open.
    let is_link = matches!(foreign, Foreign::Unnamed(_))
        && is_value(&request.headers, SEC_FETCH_MODE, "navigate");
    match is_link && is_read(request) {
        true => Ok(()),
        false => Err(refusal(&foreign, request, settings)),
    }
}

/// The problem of a page of another origin that uses the admin routes.
pub(super) fn admin_problem() -> Problem {
    let detail = "the request comes from a page of another origin; the admin routes accept only programs and standin's own page";
    let hint =
        "use the page that standin serves at /, or a client that is not a browser, such as curl";
    Problem::new(problem::ADMIN, detail).hint(hint)
}

fn refusal(foreign: &Foreign, request: &Request, settings: &Settings) -> Problem {
    if request.uri.path().starts_with("/-/") && !is_read(request) {
        return admin_problem();
    }
    let from = match foreign {
        Foreign::Origin(name) if name == "null" => {
            "a page without an origin (null), such as a file or a sandboxed frame".to_string()
        }
        Foreign::Origin(name) | Foreign::Unnamed(Some(name)) => format!("a page of {name}"),
        Foreign::Unnamed(None) => "a page of another site".into(),
    };
    Problem::new(
        problem::FOREIGN_ORIGIN,
        format!("the request comes from {from}, which may not use this server"),
    )
    .hint(foreign.hint(request, settings))
}

/// Whether pages of `origin` may read and change the data; `host` is the `Host` of the request.
pub(super) fn allows(origin: &HeaderValue, host: Option<&str>, settings: &Settings) -> bool {
    if settings.origins.contains(&AllowedOrigin::Any) {
        return true;
    }
    let Ok(text) = origin.to_str() else {
        return false;
    };
    if text == "null" {
        return settings.origins.contains(&AllowedOrigin::Null);
    }
    let Some(origin) = Origin::parse(text) else {
        return false;
    };
    if let Some(name) = origin.web_host() {
        let is_own_name = |own: &String| own.eq_ignore_ascii_case(name);
        // A page of this server itself. Under another name this could be a page of the internet whose name resolves to
        // this machine (DNS rebinding).
        let is_own_page = || {
            settings.on_network
                && settings::is_rebinding_safe(name)
                && host.is_some_and(|host| origin.is_at(host))
        };
        if settings::is_loopback(name)
            || settings.hosts.iter().flatten().any(is_own_name)
            || (settings.on_network && settings::is_private(name))
            || is_own_page()
        {
            return true;
        }
    }
    settings.origins.contains(&AllowedOrigin::One(origin))
}

/// The origin of a URL.
fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let origin = format!("{scheme}://{authority}");
    Origin::parse(&origin).map(|_| origin)
}

/// Whether one of the lines of a header is `value`.
fn is_value(headers: &HeaderMap, name: HeaderName, value: &str) -> bool {
    headers.get_all(name).iter().any(|line| {
        line.as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(value.as_bytes())
    })
}
