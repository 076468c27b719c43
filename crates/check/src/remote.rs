//! A real service in place of the copy in memory: HTTP/1.1 over a plain
//! connection, one request each.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::client::{Answer, Call, Service};

/// How long a service may take for each step before it counts as silent.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes.
const LIMIT: u64 = 64 * 1024 * 1024;

/// A service at a URL such as `http://localhost:8080/api`; a path is put before
/// every target.
#[must_use]
pub fn open(url: &str) -> Service {
    let place = Place::parse(url);
    Box::new(move |call: &Call| match &place {
        Ok(place) => place.ask(call).map_err(|why| format!("http://{}: {why}", place.authority)),
        Err(why) => Err(why.clone()),
    })
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    authority: String,
    base: String,
}

impl Place {
    fn parse(url: &str) -> Result<Place, String> {
        let rest = match url.split_once("://") {
            Some(("http", rest)) => rest,
            Some((scheme, _)) => {
                return Err(format!("--server {url}: only http is spoken here, not {scheme}; put a proxy before it"));
            }
            None => url,
        };
        let (host, base) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if host.is_empty() {
            return Err(format!("--server {url}: names no host"));
        }
        let bare = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
        let authority = if bare.is_some() { host.to_owned() } else { format!("{host}:80") };
        Ok(Place { authority, base: base.trim_end_matches('/').to_owned() })
    }

    fn ask(&self, call: &Call) -> io::Result<Answer> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        let mut stream = None;
        for address in self.authority.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(open) => {
                    stream = Some(open);
                    break;
                }
                Err(why) => last = why,
            }
        }
        let Some(mut stream) = stream else { return Err(last) };
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(&self.message(call))?;
        let mut bytes = Vec::new();
        stream.take(LIMIT).read_to_end(&mut bytes)?;
        read(&bytes, call.method == "HEAD")
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is no HTTP"))
    }

    fn message(&self, call: &Call) -> Vec<u8> {
        let mut head = format!("{} {}{} HTTP/1.1\r\nHost: {}\r\n", call.method, self.base, call.target, self.authority);
        for (name, value) in &call.headers {
            let ours = ["host", "connection", "content-length", "accept-encoding", "transfer-encoding"];
            if !ours.iter().any(|own| name.eq_ignore_ascii_case(own)) && !value.contains(['\r', '\n']) {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        if !call.body.is_empty() || matches!(call.method.as_str(), "POST" | "PUT" | "PATCH") {
            head.push_str(&format!("Content-Length: {}\r\n", call.body.len()));
        }
        head.push_str("Connection: close\r\n\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&call.body);
        bytes
    }
}

fn read(bytes: &[u8], headless: bool) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status: u16 = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let rest = &bytes[end + 4..];
    // `100 Continue` comes before the answer.
    if status < 200 {
        return read(rest, headless);
    }
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let header = |wanted: &str| {
        headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    };
    let body = if headless {
        Vec::new()
    } else if header("transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().contains("chunked")) {
        unchunk(rest)?
    } else {
        let length = header("content-length").and_then(|value| value.parse().ok()).unwrap_or(rest.len());
        rest.get(..length)?.to_vec()
    };
    Some(Answer { status, headers, body })
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(out);
        }
        out.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let rows = [
            ("http://localhost:8080", "localhost:8080", ""),
            ("localhost:8080/api/", "localhost:8080", "/api"),
            ("http://example.com/v1", "example.com:80", "/v1"),
            ("http://[::1]:80", "[::1]:80", ""),
        ];
        for (url, authority, base) in rows {
            let place = Place::parse(url).unwrap();
            assert_eq!((place.authority.as_str(), place.base.as_str()), (authority, base), "{url}");
        }
        assert!(Place::parse("https://localhost").unwrap_err().contains("only http"));
    }

    #[test]
    fn answers() {
        let rows: [(&str, u16, &str); 4] = [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"),
            (
                "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4;x\r\n\":1}\r\n0\r\n\r\n",
                201,
                "{\"a\":1}",
            ),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 Not Found\r\n\r\nno", 404, "no"),
            ("HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        ];
        for (text, status, body) in rows {
            let answer = read(text.as_bytes(), false).unwrap();
            assert_eq!((answer.status, answer.text()), (status, Some(body)), "{text}");
        }
        for broken in ["", "garbage", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"] {
            assert!(read(broken.as_bytes(), false).is_none(), "{broken}");
        }
    }

    #[test]
    fn a_message_carries_what_the_call_has() {
        let place = Place::parse("http://h:1/api").unwrap();
        let call = Call {
            method: "POST".into(),
            target: "/users".into(),
            headers: vec![("Content-Type".into(), "application/json".into()), ("Host".into(), "other".into())],
            body: b"{}".to_vec(),
        };
        let text = String::from_utf8(place.message(&call)).unwrap();
        assert_eq!(
            text,
            "POST /api/users HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
        );
    }
}
