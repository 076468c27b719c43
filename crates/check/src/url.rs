//! Resolves URLs as pages write them to request targets.

use std::sync::LazyLock;

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};
use regex::Regex;

use super::text::nearest;

/// Which URLs are addressed to the server under test.
#[derive(Debug, Clone, Default)]
pub struct TargetHosts {
    /// Host names other than those of this machine, in lower case, without a port.
    pub names: Vec<String>,
    /// A path prefix to remove, such as `/api/v1`.
    pub prefix: Option<String>,
    /// Whether this machine is named with `https`, which stands for another server as its port does.
    pub is_secure: bool,
}

/// Whether a page names this machine only with `https`, and never under the port of a mock server, 3000: its examples were
/// written for another server.
pub fn is_secure(text: &str) -> bool {
    static URL: LazyLock<Regex> =
        regex!(r"\b(?P<scheme>https?)://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::(?P<port>\d+))?");
    let mut urls = URL.captures_iter(text).peekable();
    let is_other = |found: regex::Captures<'_>| {
        &found["scheme"] == "https"
            && found
                .name("port")
                .is_some_and(|port| port.as_str() != "3000")
    };
    urls.peek().is_some() && urls.all(is_other)
}

/// What a URL resolves to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// Path and query, percent-encoded.
    Target(String),
    /// A template with this placeholder.
    Template(String),
    /// A URL of another host.
    Foreign(String),
    /// A URL that no client would send: why, and the correct one.
    Wrong(String, String),
}

/// A placeholder in place of scheme, host or port.
static BASE: LazyLock<Regex> = regex!(
    r"^(?:\{\{?\s*[A-Za-z][\w .-]*\}\}?|<[A-Za-z][\w .-]*>|\$\{?[A-Za-z_]\w*\}?|%[A-Za-z_]\w*%|\[[A-Za-z][\w .-]*\])"
);
static PLACEHOLDER: LazyLock<Regex> = regex!(
    r"\{\{?\s*[\p{L}_][\w ./-]*\}?\}|<[\p{L}_][\w .:-]*>|\$\{[^}]*\}|\$\([^)]*\)|\$[A-Za-z_]\w*|\[/?[A-Za-z_][\w ./-]*\]"
);
/// A path segment that is a placeholder.
static SEGMENT: LazyLock<Regex> = regex!(
    r"/(:[A-Za-z_]\w*|(?:YOUR|your)[_-]\w+|your[A-Z]\w*|[a-z]\w*Here|[A-Z]+_ID|id|ID|\([A-Za-z_]\w*\)|[^/?]*(?:…|\.\.\.)[^/?]*)(?:[/?]|$)"
);

/// Names of this machine; the port does not matter.
const LOCAL: &[&str] = &[
    "localhost",
    "127.0.0.1",
    "0.0.0.0",
    "[::1]",
    "host.docker.internal",
];

/// Resolves a URL.
pub fn resolve(url: &str, hosts: &TargetHosts) -> Resolved {
    let url = url.trim();
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphabetic()) => {
            (scheme.to_ascii_lowercase(), rest)
        }
        _ => (String::new(), url),
    };
    if let Some(rest) = misspelt_scheme(&scheme, rest) {
        let text = format!("`{url}` does not begin with `http://`");
        return Resolved::Wrong(text, format!("http://{rest}"));
    }
    if !matches!(scheme.as_str(), "" | "http" | "https") {
        return Resolved::Foreign(format!("{scheme}://"));
    }
    let path = match split_host(rest) {
        Host::None(path) | Host::Placeholder(path) => path,
        Host::Named(host, path) => {
            let name = host.rsplit_once('@').map_or(host, |(_, name)| name);
            let bare = strip_port(name).to_ascii_lowercase();
            let is_local = is_this_machine(&bare);
            let is_known = is_local || hosts.names.contains(&bare);
            if let Some((text, wrong, right)) = misspelt_host(host, name, &bare, is_known, is_local)
            {
                return Resolved::Wrong(text, url.replacen(wrong, &right, 1));
            }
            if !is_known {
                return Resolved::Foreign(host.to_owned());
            }
            if scheme == "https" && is_local && !hosts.is_secure {
                let text = "the URL is https, but the server uses http";
                return Resolved::Wrong(text.to_owned(), format!("http://{rest}"));
            }
            if scheme.is_empty() && url.starts_with("//") {
                return Resolved::Foreign(url.to_owned());
            }
            path
        }
    };
    let path = path.split('#').next().unwrap_or_default();
    if let Some(placeholder) = placeholder(path) {
        return Resolved::Template(placeholder);
    }
    if path.contains([' ', '\t', '\n']) {
        let fixed = path.trim().replace([' ', '\t', '\n'], "%20");
        let written = format!("{}{fixed}", &url[..url.len() - path.len()]);
        let text = "the URL contains a space";
        return Resolved::Wrong(text.to_owned(), written);
    }
    let prefix = hosts.prefix.as_deref().unwrap_or_default();
    let prefix = Some(prefix.trim_matches('/')).filter(|prefix| !prefix.is_empty());
    let rest = prefix.and_then(|prefix| path.strip_prefix('/')?.strip_prefix(prefix));
    let path = match rest {
        Some(rest) if rest.is_empty() || rest.starts_with(['/', '?']) => rest,
        _ => path,
    };
    let mut target = encode_target(path);
    if !target.starts_with('/') {
        target.insert(0, '/');
    }
    Resolved::Target(target)
}

/// What is wrong about a host that is almost one of this machine, the wrong part of the URL, and what to write instead.
/// `name` is the host with its port, and `bare` without.
fn misspelt_host<'a>(
    host: &'a str,
    name: &'a str,
    bare: &str,
    is_known: bool,
    is_local: bool,
) -> Option<(String, &'a str, String)> {
    let is_digit = |letter: char| letter.is_ascii_digit();
    // `localhost.3000`.
    if let Some(port) = bare.strip_prefix("localhost.")
        && !port.is_empty()
        && port.chars().all(is_digit)
    {
        let text = format!("`{bare}` is not a host, did you mean `localhost:{port}`?");
        return Some((text, host, format!("localhost:{port}")));
    }
    // `localhost:3000:/users`.
    if let Some(host_and_port) = name.strip_suffix(':').filter(|name| name.contains(':')) {
        let text = format!("unexpected colon after `{host_and_port}`");
        return Some((text, name, host_and_port.to_owned()));
    }
    let is_near = nearest(bare, ["localhost"]).is_some()
        || bare.starts_with("localhost") && !bare.contains('.');
    if !is_known && is_near {
        let text = format!("`{bare}` is not a host, did you mean `localhost`?");
        return Some((text, host, host.to_lowercase().replace(bare, "localhost")));
    }
    // `localhost:3000users`.
    let (_, port) = name.rsplit_once(':').filter(|_| is_local)?;
    let (number, rest) = port.split_at(port.find(|letter| !is_digit(letter))?);
    (!number.is_empty()).then(|| {
        let text = format!("the port `{port}` is not a number");
        (text, port, format!("{number}/{rest}"))
    })
}

/// The rest of a URL of this machine whose scheme is misspelt: `htp://`, `http:/`, `http//`.
fn misspelt_scheme<'a>(scheme: &str, rest: &'a str) -> Option<&'a str> {
    let rest = match scheme {
        "" => {
            let after = rest
                .strip_prefix("http")
                .map(|rest| rest.strip_prefix('s').unwrap_or(rest))?;
            after.strip_prefix([':', '/', ';', '\\'])?
        }
        "http" | "https" => rest.strip_prefix('/')?,
        other => nearest(other, ["http"]).map(|_| rest)?,
    };
    let rest = rest.trim_start_matches([':', '/', '\\']);
    LOCAL
        .iter()
        .any(|name| rest.starts_with(name))
        .then_some(rest)
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
    if let Some(found) = BASE.find(rest) {
        let mut after = &rest[found.end()..];
        // `{server_url}{port}/users`.
        if let Some(port) = BASE.find(after) {
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
        // Not a colon inside an IPv6 address.
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

/// The first placeholder in a URL's path or query.
pub fn placeholder(path: &str) -> Option<String> {
    let query = path.find('?').unwrap_or(path.len());
    // Brackets in a query are part of a parameter's name.
    let is_placeholder =
        |found: &regex::Match<'_>| found.start() < query || !found.as_str().starts_with('[');
    let named = PLACEHOLDER
        .find_iter(path)
        .find(is_placeholder)
        .map(|found| found.as_str());
    let segment = || SEGMENT.captures(path)?.get(1).map(|found| found.as_str());
    named.or_else(segment).map(str::to_owned)
}

/// Percent-encodes what a client would; existing escapes are kept.
fn encode_target(path: &str) -> String {
    const UNSAFE: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'<')
        .add(b'>')
        .add(b'\\')
        .add(b'^')
        .add(b'`')
        .add(b'{')
        .add(b'|')
        .add(b'}');
    utf8_percent_encode(path, UNSAFE).to_string()
}

/// Percent-encodes everything but unreserved characters.
pub fn encode_component(text: &str) -> String {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A URL from its host on.
pub fn without_scheme(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

/// The path and query of a URL as written.
pub fn path_of(url: &str) -> &str {
    match split_host(without_scheme(url)) {
        Host::None(path) | Host::Placeholder(path) | Host::Named(_, path) => path,
    }
}

/// The last part of the path of a URL: `users`.
pub fn resource(url: &str) -> &str {
    let path = path_of(url).split('?').next().unwrap_or_default();
    path.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
}

/// The variable of a shell with which a URL begins: `$HOST`.
pub fn shell_base(url: &str) -> Option<&str> {
    let found = BASE.find(without_scheme(url))?.as_str();
    found.starts_with('$').then_some(found)
}

/// Whether a URL begins with a placeholder for scheme, host or port, or with this machine.
pub fn has_base(url: &str) -> bool {
    let host = split_host(without_scheme(url));
    matches!(host, Host::Placeholder(_)) || this_machine(url).is_some()
}

/// Whether a host, in lower case and without its port, is this machine.
fn is_this_machine(host: &str) -> bool {
    LOCAL.contains(&host) || host.ends_with(".localhost")
}

/// Whether text names this machine.
pub fn names_this_machine(text: &str) -> bool {
    LOCAL.iter().any(|name| text.contains(name))
}

/// The host and port of a URL of this machine.
pub fn this_machine(url: &str) -> Option<&str> {
    let Host::Named(host, _) = split_host(without_scheme(url)) else {
        return None;
    };
    is_this_machine(&strip_port(host).to_ascii_lowercase()).then_some(host)
}

/// Whether two URLs have the same path, where the first may have placeholders: `/users/:id` and `/users/1`.
pub fn is_form_of(template: &str, url: &str) -> bool {
    let (form, path) = (segments(path_of(template)), segments(path_of(url)));
    let fits = |(part, value): (&String, &String)| {
        part == value || placeholder(&format!("/{part}")).is_some()
    };
    form.len() == path.len() && form.iter().zip(&path).all(fits)
}

/// The decoded path segments of a target.
pub fn segments(target: &str) -> Vec<String> {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> TargetHosts {
        TargetHosts {
            names: vec!["api.test".into()],
            prefix: Some("/api/v1".into()),
            ..TargetHosts::default()
        }
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
            (
                "http://localhost:3000/bands?name=Mot\u{f6}rhead",
                "/bands?name=Mot%C3%B6rhead",
            ),
            ("http://localhost:3000/a#frag", "/a"),
            (
                "http://localhost:3000/a?address[city]=x",
                "/a?address[city]=x",
            ),
        ];
        for (url, target) in rows {
            assert_eq!(
                resolve(url, &hosts()),
                Resolved::Target(target.into()),
                "{url}"
            );
        }
    }

    #[test]
    fn a_scheme_stands_for_another_server_as_its_port_does() {
        for (text, expected) in [
            (
                "curl -k https://localhost:5001/a and https://127.0.0.1:7001/b",
                true,
            ),
            ("GET https://localhost:5001/a, http://example.com", true),
            ("https://localhost:5001/a http://localhost:5000/a", false),
            ("https://localhost:3000/a", false),
            ("https://localhost/a", false),
            ("https://example.com", false),
        ] {
            assert_eq!(is_secure(text), expected, "{text}");
        }
    }

    #[test]
    fn urls_that_are_not_sent() {
        let template = |placeholder: &str| Resolved::Template(placeholder.into());
        let rows = [
            ("http://localhost:3000/users/{id}", template("{id}")),
            (
                "http://localhost:3000/{collection/object}",
                template("{collection/object}"),
            ),
            (
                "http://localhost:3000/users/a1b2c3d4-...",
                template("a1b2c3d4-..."),
            ),
            ("http://localhost:3000/users/[id]?a[b]=1", template("[id]")),
            ("http://localhost:3000/users/<id>", template("<id>")),
            ("http://localhost:3000/users/:id", template(":id")),
            ("http://localhost:3000/users/$ID/x", template("$ID")),
            (
                "http://localhost:3000/users?x={start year}",
                template("{start year}"),
            ),
            ("{server_url}/users/{{userId}}", template("{{userId}}")),
            (
                "https://example.com/users",
                Resolved::Foreign("example.com".into()),
            ),
            ("ftp://localhost/x", Resolved::Foreign("ftp://".into())),
            ("users/1", Resolved::Foreign("users".into())),
        ];
        for (url, expected) in rows {
            assert_eq!(resolve(url, &hosts()), expected, "{url}");
        }
    }

    #[test]
    fn mistakes_come_with_a_fix() {
        let rows = [
            (
                "https://localhost:3000/users",
                "http://localhost:3000/users",
            ),
            ("http://loalhost:3000/users", "http://localhost:3000/users"),
            ("http:/localhost:3000/users", "http://localhost:3000/users"),
            ("http//localhost:3000/users", "http://localhost:3000/users"),
            (
                "http:///localhost:3000/users",
                "http://localhost:3000/users",
            ),
            ("htp://localhost:3000/users", "http://localhost:3000/users"),
            ("http:localhost:3000/users", "http://localhost:3000/users"),
            ("http://localhost:3000users", "http://localhost:3000/users"),
            ("http://localhots:3000/users", "http://localhost:3000/users"),
            (
                "http://localhost:3000/bands?name=Led Zeppelin",
                "http://localhost:3000/bands?name=Led%20Zeppelin",
            ),
        ];
        for (url, fix) in rows {
            match resolve(url, &hosts()) {
                Resolved::Wrong(_, found) => assert_eq!(found, fix),
                other => panic!("{url}: {other:?}"),
            }
        }
    }
}
