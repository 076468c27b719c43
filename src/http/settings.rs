//! Settings of the application, limits on its connections, origins of web pages (RFC 6454), and which hosts are this
//! machine or its network.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use warp::http::uri::Authority;

use super::hot_reload::Routes;
use super::profile::Profile;
use crate::behaviour::Delay;
use crate::json::MAX_BODY_DEPTH;
use crate::memory::MemoryLimit;
use crate::query::MAX_PATTERN;

/// The number of headers that hyper takes by default.
pub(super) const DEFAULT_HEADER_COUNT: usize = 100;

/// Settings of the application. Begin with the default and set fields.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The data file as the home page names it.
    pub file: Option<String>,
    /// The rules file, or where one would be.
    pub rules_file: Option<PathBuf>,
    /// The data file is never written.
    pub ephemeral: bool,
    /// Responses to allowed origins have CORS headers. Without them no page of another origin can read.
    pub cors: bool,
    /// The origins whose pages may read and change the data, besides those of this machine.
    pub origins: Vec<AllowedOrigin>,
    /// Other machines reach the server, so that pages of the local network may use it, too. [`Server::start`] sets it.
    ///
    /// [`Server::start`]: crate::Server::start
    pub on_network: bool,
    /// Responses are compressed for clients that accept gzip.
    pub gzip: bool,
    /// The admin routes under `/-/` are enabled, for this machine.
    pub admin: bool,
    /// How often an event stream without events sends a comment.
    pub heartbeat: Duration,
    /// Only GET, HEAD and OPTIONS are answered.
    pub read_only: bool,
    /// Requests can ask for failures and delays themselves (`Prefer`, `_status`, `_delay`).
    pub faults: bool,
    /// The seed of random values: the same seed gives the same sequence.
    pub seed: u64,
    /// Delays every response of the API.
    pub delay: Delay,
    /// Names, envelopes and statuses of another API around the data.
    pub profile: Option<Arc<Profile>>,
    /// The secret that signs tokens; `None`: a random one, so tokens become invalid when the server stops.
    pub secret: Option<String>,
    /// The rules of the routes file.
    pub routes: Option<Arc<Routes>>,
    /// The values of `Host` that are accepted besides those of this machine and, `on_network`, of the local network;
    /// `None`: all. A server bound to this machine must refuse others, or any web page could read the data through its
    /// own name that resolves to this machine (DNS rebinding). Pages of these hosts may use the server.
    pub hosts: Option<Vec<String>>,
    /// The largest request body, in bytes, as sent and after decompression.
    pub body_limit: usize,
    /// The longest target of a request, in bytes.
    pub target_limit: usize,
    /// The longest regular expression in a query, in bytes; at most `MAX_PATTERN`. The cost of running one is bounded
    /// in any case.
    pub pattern_limit: usize,
    /// How many fields a query may have conditions on.
    pub query_fields: usize,
    /// How long a query may take.
    pub query_time: Duration,
    /// Memory for everything but the data, in bytes: undo history, events, request log, caches, large bodies.
    pub memory_limit: usize,
    /// How deep the arrays and objects of a body may be nested.
    pub depth: usize,
    /// A folder of static files.
    pub folder: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            file: None,
            rules_file: None,
            ephemeral: false,
            cors: true,
            origins: Vec::new(),
            on_network: false,
            gzip: true,
            admin: true,
            heartbeat: Duration::from_secs(15),
            read_only: false,
            faults: true,
            seed: 0,
            delay: Delay::default(),
            profile: None,
            secret: None,
            routes: None,
            hosts: None,
            body_limit: 10 * 1024 * 1024,
            target_limit: 8 * 1024,
            pattern_limit: MAX_PATTERN,
            memory_limit: MemoryLimit::default().0,
            query_fields: 64,
            query_time: Duration::from_secs(10),
            depth: MAX_BODY_DEPTH,
            folder: None,
        }
    }
}

/// Limits of size, time and number for connections. Begin with the default and set fields.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// The longest request line and headers together, in bytes.
    pub headers: usize,
    /// How many headers a request may have.
    pub header_count: usize,
    /// How long a connection may take to send a request's headers, counted from the first byte.
    pub header_time: Duration,
    /// How long a connection may be idle between two requests.
    pub idle_time: Duration,
    /// How long receiving a body may take, counted from the headers.
    pub body_time: Duration,
    /// How long a response may wait for a client that does not read.
    pub write_time: Duration,
    /// Connections at a time; further ones wait.
    pub connections: usize,
    /// How long a stop waits for requests in progress.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            headers: 64 * 1024,
            header_count: DEFAULT_HEADER_COUNT,
            header_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            body_time: Duration::from_secs(30),
            write_time: Duration::from_secs(30),
            connections: 10_000,
            grace: Duration::from_secs(2),
        }
    }
}

/// An origin whose pages may read and change the data, besides those of this machine: what `--cors` takes.
///
/// ```
/// let origin: standin::AllowedOrigin = "https://app.example".parse()?;
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// `*`: every origin.
    Any,
    /// `null`: pages with an opaque origin, such as files and sandboxed frames.
    Null,
    /// `https://app.example`.
    One(Origin),
}

impl FromStr for AllowedOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<AllowedOrigin, String> {
        match text.trim() {
            "*" => Ok(AllowedOrigin::Any),
            "null" => Ok(AllowedOrigin::Null),
            // The slash is what a browser's address bar shows.
            origin => Origin::parse(origin.strip_suffix('/').unwrap_or(origin))
                .map(AllowedOrigin::One)
                .ok_or_else(|| {
                    "an origin is a scheme, a host and a port if it is not the usual one, such as https://app.example or http://10.0.0.5:8080; * is every origin".into()
                }),
        }
    }
}

/// The origin of a page: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: String,
    /// `None`: the usual one of the scheme.
    port: Option<u16>,
}

impl Origin {
    /// Parses a value of the header `Origin`.
    pub(super) fn parse(text: &str) -> Option<Origin> {
        let (scheme, rest) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let authority: Authority = rest.parse().ok().filter(|_| is_scheme)?;
        let host = authority.host();
        let port = match authority.as_str().strip_prefix(host)?.strip_prefix(':') {
            Some(port) => Some(port.parse().ok()?),
            // The rest is empty unless there is a user before the host.
            None => (host.len() == rest.len()).then_some(None)?,
        };
        let scheme = scheme.to_ascii_lowercase();
        let usual = match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        Some(Origin {
            scheme,
            host: host.to_ascii_lowercase(),
            port: port.filter(|port| usual != Some(*port)),
        })
        .filter(|_| is_host(host))
    }

    /// The host, if the origin is that of a web page.
    pub(super) fn web_host(&self) -> Option<&str> {
        matches!(self.scheme.as_str(), "http" | "https").then_some(&self.host)
    }

    /// Whether a page that was loaded from `host`, a value of the header `Host`, has this origin.
    pub(super) fn is_at(&self, host: &str) -> bool {
        Origin::parse(&format!("{}://{host}", self.scheme)).is_some_and(|own| own == *self)
    }
}

/// Whether `text` is a host as browsers write it: a name in ASCII, or an address.
fn is_host(text: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !text.is_empty()
        && (text.bytes().all(is_name) || (text.starts_with('[') && address(text).is_some()))
}

/// Whether a host name always means this machine.
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || is_within(host, "localhost")
        || address(host).is_some_and(|address| address.is_loopback())
}

/// Whether a host is in the local network: a private or link-local address, or a name of mDNS.
pub(super) fn is_private(host: &str) -> bool {
    let is_local = |address| match address {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    is_within(host, "local") || address(host).is_some_and(is_local)
}

/// Whether DNS rebinding is impossible for the host: it is an address, or a name without a dot.
pub(super) fn is_rebinding_safe(host: &str) -> bool {
    address(host).is_some() || !host.contains('.')
}

/// Whether `host` is a name below `domain`.
fn is_within(host: &str, domain: &str) -> bool {
    let start = host.len().saturating_sub(domain.len());
    host.split_at_checked(start).is_some_and(|(name, end)| {
        end.eq_ignore_ascii_case(domain) && name.len() > 1 && name.ends_with('.')
    })
}

/// The address that a host is, if it is one.
fn address(host: &str) -> Option<IpAddr> {
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = match bracketed {
        Some(ip) => IpAddr::V6(ip.parse().ok()?),
        None => host.parse().ok()?,
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (one, other) in [
            ("http://localhost:5173", "HTTP://LocalHost:5173"),
            ("https://app.example", "https://app.example:443"),
            ("http://[::1]", "http://[::1]:80"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            let parsed = Origin::parse(one);
            assert!(parsed.is_some(), "{one}");
            assert_eq!(parsed, Origin::parse(other), "{other}");
        }
        for (one, other) in [
            ("http://a.example", "https://a.example"),
            ("http://a.example", "http://a.example:8080"),
            ("http://a.example", "http://b.a.example"),
        ] {
            assert_ne!(Origin::parse(one), Origin::parse(other), "{other}");
        }
    }

    #[test]
    fn what_no_browser_sends_is_not_an_origin() {
        for text in [
            "",
            "null",
            "localhost",
            "//localhost",
            "http://",
            "http://localhost/",
            "http://localhost/path",
            "http://localhost?q",
            "http://localhost#f",
            "http://evil.example@localhost",
            "http://localhost@evil.example",
            "http://@localhost",
            "http://localhost:",
            "http://localhost:99999",
            "http://localhost:80:80",
            "http://localhost:80.evil.example",
            "http://localhost evil",
            "http://evil.example\\localhost",
            "http://localhost, http://evil.example",
            "1http://localhost",
            "ht tp://localhost",
        ] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
    }

    #[test]
    fn hosts_of_this_machine_are_known() {
        for host in [
            "localhost",
            "LOCALHOST",
            "app.localhost",
            "127.0.0.1",
            "127.8.9.10",
            "[::1]",
            "::1",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "localhost.evil.example",
            "evil.example",
            "notlocalhost",
            ".localhost",
            "127.0.0.1.evil.example",
            "127.1",
            "128.0.0.1",
            "10.0.0.1",
            "[::2]",
            "[localhost]",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn hosts_of_the_network_are_known() {
        for host in [
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.5",
            "169.254.1.1",
            "[fd00::1]",
            "[fe80::1]",
            "[::ffff:192.168.1.5]",
            "printer.local",
            "a.b.LOCAL",
        ] {
            assert!(is_private(host), "{host}");
        }
        for host in [
            "172.15.0.1",
            "172.32.0.1",
            "11.0.0.1",
            "8.8.8.8",
            "[2001:db8::1]",
            "local",
            ".local",
            "notlocal",
            "evil.local.example",
        ] {
            assert!(!is_private(host), "{host}");
        }
    }

    #[test]
    fn an_option_takes_an_origin_and_nothing_else() {
        assert_eq!("*".parse(), Ok(AllowedOrigin::Any));
        assert_eq!("null".parse(), Ok(AllowedOrigin::Null));
        assert_eq!(
            "https://app.example/".parse::<AllowedOrigin>(),
            "https://app.example:443".parse()
        );
        for text in [
            "",
            "app.example",
            "https://app.example/path",
            "https://*.app.example",
            "https://b\u{fc}cher.example",
        ] {
            assert!(text.parse::<AllowedOrigin>().is_err(), "{text}");
        }
    }
}
