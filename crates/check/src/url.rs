//! From a URL as pages write it to a path that the server understands.

use std::sync::LazyLock;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use regex::Regex;

/// Which URLs are meant for the server under test.
#[derive(Debug, Clone, Default)]
pub struct Ours {
    /// Host names besides those of this machine, in lower case, without a port.
    pub hosts: Vec<String>,
    /// The beginning of every path that the server does not know, such as `/api/v1`.
    pub prefix: Option<String>,
}

/// What a URL turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// Path and query, percent-encoded.
    Target(String),
    /// It still has this hole in it.
    Template(String),
    /// It leads to another host.
    Foreign(String),
    /// No client would send it: why, and what to write instead.
    Wrong(String, Option<String>),
}

static BASE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:\{\{?\s*[A-Za-z][\w .-]*\}\}?|<[A-Za-z][\w .-]*>|\$\{?[A-Za-z_]\w*\}?|%[A-Za-z_]\w*%|\[[A-Za-z][\w .-]*\])").ok()
});
static HOLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\{\{?\s*[A-Za-z_][\w .-]*\}?\}|<[A-Za-z_][\w .-]*>|\$\{[^}]*\}|\$[A-Za-z_]\w*|\[[A-Za-z_][\w .-]*\]")
        .ok()
});
static SEGMENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"/(:[A-Za-z_]\w*|(?:YOUR|your)[_-]\w+|[A-Z]+_ID|…|\.\.\.)(?:[/?]|$)").ok());

/// Hosts that are this machine, under whatever port.
const LOCAL: &[&str] = &["localhost", "127.0.0.1", "0.0.0.0", "[::1]", "host.docker.internal"];

/// Resolves a URL.
#[must_use]
pub fn resolve(url: &str, ours: &Ours) -> Resolved {
    let url = url.trim();
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphabetic()) => (scheme.to_ascii_lowercase(), rest),
        _ => (String::new(), url),
    };
    if !matches!(scheme.as_str(), "" | "http" | "https") {
        return Resolved::Foreign(format!("{scheme}://"));
    }
    let (path, placeholder) = match split_host(rest) {
        Host::None(path) => (path, true),
        Host::Placeholder(path) => (path, true),
        Host::Named(host, path) => {
            let name = host.rsplit_once('@').map_or(host, |(_, name)| name);
            let bare = strip_port(name).to_ascii_lowercase();
            let local = LOCAL.contains(&bare.as_str()) || bare.ends_with(".localhost");
            if !local && !ours.hosts.contains(&bare) {
                return Resolved::Foreign(host.to_owned());
            }
            if scheme == "https" && local {
                let fix = format!("http://{rest}");
                return Resolved::Wrong("https, but the server speaks http".to_owned(), Some(fix));
            }
            (path, false)
        }
    };
    if scheme.is_empty() && url.starts_with("//") && !placeholder {
        return Resolved::Foreign(url.to_owned());
    }
    let path = path.split('#').next().unwrap_or_default();
    if let Some(hole) = hole(path) {
        return Resolved::Template(hole);
    }
    if path.contains([' ', '\t', '\n']) {
        let fixed = path.trim().replace([' ', '\t', '\n'], "%20");
        let written = format!("{}{fixed}", &url[..url.len() - path.len()]);
        let text = "the URL has a space in it; a client refuses it or cuts it there";
        return Resolved::Wrong(text.to_owned(), Some(written));
    }
    let path = match ours.prefix.as_deref().map(|prefix| prefix.trim_end_matches('/')) {
        Some(prefix) if !prefix.is_empty() => {
            let prefix = format!("/{}", prefix.trim_start_matches('/'));
            match path.strip_prefix(&prefix) {
                Some(rest) if rest.is_empty() || rest.starts_with(['/', '?']) => rest,
                _ => path,
            }
        }
        _ => path,
    };
    let mut target = encode_rest(path);
    if !target.starts_with('/') {
        target.insert(0, '/');
    }
    Resolved::Target(target)
}

enum Host<'a> {
    None(&'a str),
    Placeholder(&'a str),
    Named(&'a str, &'a str),
}

fn split_host(rest: &str) -> Host<'_> {
    if rest.starts_with('/') && !rest.starts_with("//") {
        return Host::None(rest);
    }
    if let Some(found) = BASE.as_ref().and_then(|base| base.find(rest)) {
        let mut after = &rest[found.end()..];
        // `{server_url}{port}/users`.
        if let Some(port) = BASE.as_ref().and_then(|base| base.find(after)) {
            after = &after[port.end()..];
        }
        // `{host}:{port}` and `{host}:3000`.
        if let Some(port) = after.strip_prefix(':') {
            let end = port.find(['/', '?', '#']).unwrap_or(port.len());
            after = &port[end..];
        }
        if after.is_empty() || after.starts_with(['/', '?', '#']) {
            return Host::Placeholder(after);
        }
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Host::Named(&rest[..end], &rest[end..])
}

fn strip_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // An IPv6 address has colons of its own.
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

/// The first hole in a URL's path or query.
#[must_use]
pub fn hole(path: &str) -> Option<String> {
    let named = HOLE.as_ref().and_then(|hole| hole.find(path)).map(|found| found.as_str());
    let segment = || {
        let captures = SEGMENT.as_ref()?.captures(path)?;
        captures.get(1).map(|found| found.as_str())
    };
    named.or_else(segment).map(str::to_owned)
}

/// Encodes what a client would not send as it is; what is escaped already stays.
fn encode_rest(path: &str) -> String {
    const UNSAFE: &AsciiSet =
        &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');
    utf8_percent_encode(path, UNSAFE).to_string()
}

/// Encodes everything except the unreserved letters.
#[must_use]
pub fn encode_component(text: &str) -> String {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The path and query of a URL as written, holes and all.
#[must_use]
pub fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    match split_host(rest) {
        Host::None(path) | Host::Placeholder(path) | Host::Named(_, path) => path,
    }
}

/// The path of a target, split and decoded.
#[must_use]
pub fn segments(target: &str) -> Vec<String> {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect()
}

/// The query of a target, split and decoded.
#[must_use]
pub fn query(target: &str) -> Vec<(String, String)> {
    let Some((_, query)) = target.split_once('?') else { return Vec::new() };
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Ours {
        Ours { hosts: vec!["api.test".into()], prefix: Some("/api/v1".into()) }
    }

    #[test]
    fn targets() {
        let rows = [
            ("http://localhost:3000/users", "/users"),
            ("localhost:3000/users/", "/users/"),
            ("http://127.0.0.1:8080", "/"),
            ("http://[::1]:3000/users?a=1", "/users?a=1"),
            ("{server_url}/users", "/users"),
            ("http://{server_url}/users/1", "/users/1"),
            ("{{base_url}}/users?x=y", "/users?x=y"),
            ("<HOST>/users", "/users"),
            ("$BASE_URL/users", "/users"),
            ("${BASE_URL}/users", "/users"),
            ("http://{host}:{port}/users", "/users"),
            ("{server_url}{port}/users", "/users"),
            ("http://localhost:<port>/users", "/users"),
            ("/users/1", "/users/1"),
            ("https://api.test/users", "/users"),
            ("https://{host}/users", "/users"),
            ("http://localhost:3000/api/v1/users", "/users"),
            ("http://localhost:3000/api/v10/users", "/api/v10/users"),
            ("http://localhost:3000/bands?name=Mot\u{f6}rhead", "/bands?name=Mot%C3%B6rhead"),
            ("http://localhost:3000/a#frag", "/a"),
        ];
        for (url, target) in rows {
            assert_eq!(resolve(url, &ours()), Resolved::Target(target.into()), "{url}");
        }
    }

    #[test]
    fn what_is_not_a_target() {
        let template = |hole: &str| Resolved::Template(hole.into());
        let rows = [
            ("http://localhost:3000/users/{id}", template("{id}")),
            ("http://localhost:3000/users/<id>", template("<id>")),
            ("http://localhost:3000/users/:id", template(":id")),
            ("http://localhost:3000/users/$ID/x", template("$ID")),
            ("http://localhost:3000/users?x={start year}", template("{start year}")),
            ("{server_url}/users/{{userId}}", template("{{userId}}")),
            ("https://example.com/users", Resolved::Foreign("example.com".into())),
            ("ftp://localhost/x", Resolved::Foreign("ftp://".into())),
            ("users/1", Resolved::Foreign("users".into())),
        ];
        for (url, expected) in rows {
            assert_eq!(resolve(url, &ours()), expected, "{url}");
        }
    }

    #[test]
    fn mistakes_come_with_what_to_write() {
        let rows = [
            ("https://localhost:3000/users", "http://localhost:3000/users"),
            ("http://localhost:3000/bands?name=Led Zeppelin", "http://localhost:3000/bands?name=Led%20Zeppelin"),
        ];
        for (url, fix) in rows {
            match resolve(url, &ours()) {
                Resolved::Wrong(_, Some(found)) => assert_eq!(found, fix),
                other => panic!("{url}: {other:?}"),
            }
        }
    }
}
