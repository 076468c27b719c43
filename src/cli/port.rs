//! The port: a number, or the next one that is free.

use std::net::TcpListener;

/// The value of `--port`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    /// The first free one from 3000 on.
    Auto,
    /// This one; 0 is any that is free.
    Number(u16),
}

impl Port {
    /// Reads what was typed.
    pub(super) fn parse(text: &str) -> Result<Port, &'static str> {
        if text.eq_ignore_ascii_case("auto") {
            return Ok(Port::Auto);
        }
        text.parse()
            .map(Port::Number)
            .map_err(|_| "a port is a number from 0 to 65535, or auto")
    }
}

/// The first port from `start` on that a server could listen on, among the next hundred.
pub(super) fn next_free(host: &str, start: u16) -> Option<u16> {
    (start..=u16::MAX)
        .take(100)
        .find(|port| is_free(host, *port))
}

fn is_free(host: &str, port: u16) -> bool {
    let hosts = if host.eq_ignore_ascii_case("localhost") {
        &["127.0.0.1", "::1"][..]
    } else {
        &[host][..]
    };
    // A machine without IPv6 has no ::1, which the server does without, too.
    hosts.iter().all(|host| {
        let bound = TcpListener::bind((host.trim_matches(['[', ']']), port));
        !bound.is_err_and(|error| {
            matches!(
                error.kind(),
                std::io::ErrorKind::AddrInUse | std::io::ErrorKind::PermissionDenied
            )
        })
    })
}
