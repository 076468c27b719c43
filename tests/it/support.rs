//! Support for all tests: a served folder, a small HTTP client, tables of requests.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use standin::AccessLogEntry;
use standin::Notice;
use standin::{Listeners, Options, Server, StartError};
use tempfile::TempDir;

/// How long anything may take before the test fails instead of hanging.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// The rules of the README's tour. Tests use these copies, because people try things out with `data/` and `examples/`.
pub const RULES: &str = include_str!("../data/db.schema.json");
/// The data of the README's tour.
pub const SHIPPED: &str = include_str!("../data/db.json");
/// The data of `docs/queries.md`.
pub const BLOG: &str = include_str!("../data/blog.json");

pub type Headers<'a> = &'a [(&'a str, &'a str)];
pub const NONE: Headers = &[];
pub const JSON: Headers = &[("Content-Type", "application/json")];
pub const MERGE_PATCH: Headers = &[("Content-Type", "application/merge-patch+json")];
pub const FORM: Headers = &[("Content-Type", "application/x-www-form-urlencoded")];

/// Names that break careless quoting, escaping or splitting; with collections, an object and a value.
pub const HOSTILE: &str = r#"{
  "$schema": "db.schema.json",
  "users": [
    {
      "lastName": "O'Brien \"Bob\"",
      "firstName": "Zoë 🙂",
      "email": "zoe@example.com",
      "id": 1
    }
  ],
  "it's \"quoted\"": [
    {
      "id": "a/b c",
      "n": 1
    }
  ],
  "line\nbreak": [],
  "a/b": [],
  "100%": [],
  "with space": [],
  "☃ 🙂": [],
  "__proto__": [],
  "profile": {
    "name": "typicode",
    "theme": {
      "dark": true,
      "size": 1.0
    }
  },
  "version": 3
}
"#;

/// A served data file in a temporary folder. Dropping it stops the server.
pub struct Fixture {
    pub server: Option<Server>,
    pub options: Options,
    entries: Receiver<AccessLogEntry>,
    notices: Receiver<(Instant, Notice)>,
    /// The notices so far, for the message of a failing test.
    heard: RefCell<Vec<String>>,
    _folder: TempDir,
}

/// Serves [`HOSTILE`] under [`RULES`].
pub fn serve() -> Fixture {
    Fixture::new(HOSTILE, Some(RULES), |_| {})
}

/// Serves `data` without rules.
pub fn serve_data(data: &str) -> Fixture {
    Fixture::new(data, None, |_| {})
}

/// Serves `data` under [`RULES`].
pub fn serve_with_rules(data: &str) -> Fixture {
    Fixture::new(data, Some(RULES), |_| {})
}

impl Fixture {
    pub fn new(data: &str, rules: Option<&str>, adjust: impl FnOnce(&mut Options)) -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("it's a \"folder\" %2F 🙂");
        std::fs::create_dir(&inner).unwrap();
        let file = inner.join("db.json");
        std::fs::write(&file, data).unwrap();
        if let Some(rules) = rules {
            std::fs::write(inner.join("db.schema.json"), rules).unwrap();
        }
        let mut options = Options::new(file);
        options.host = "127.0.0.1".into();
        options.port = 0;
        adjust(&mut options);
        let (server, entries, notices) = start(&options);
        Fixture {
            server: Some(server),
            options,
            entries,
            notices,
            heard: RefCell::default(),
            _folder: folder,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.as_ref().unwrap().addresses()[0]
    }

    pub fn path(&self) -> &Path {
        &self.options.file
    }

    pub fn folder(&self) -> PathBuf {
        self.path().parent().unwrap().to_path_buf()
    }

    /// What the data file holds.
    pub fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    /// What the data file holds, as JSON.
    pub fn data(&self) -> Value {
        read_json(self.path())
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address())
    }

    /// Sends a request on a new connection.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: Headers,
        body: impl AsRef<[u8]>,
    ) -> Reply {
        self.client().send(method, path, headers, body)
    }

    pub fn get(&self, path: &str) -> Reply {
        self.client().get(path)
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.client().delete(path)
    }

    /// Sends a JSON body.
    pub fn json(&self, method: &str, path: &str, body: &str) -> Reply {
        self.send(method, path, JSON, body)
    }

    /// Sends a body, if there is one, as JSON.
    pub fn ask(&self, method: &str, path: &str, headers: Headers, body: Option<&Value>) -> Reply {
        let headers = [headers, if body.is_some() { JSON } else { NONE }].concat();
        let body = body.map(Value::to_string).unwrap_or_default();
        self.send(method, path, &headers, body)
    }

    pub fn stop(&mut self) {
        self.server.take().unwrap().stop();
    }

    /// Stops the server and starts it again on the same file.
    pub fn restart(&mut self) {
        drop(self.server.take());
        let (server, entries, notices) = start(&self.options);
        (self.server, self.entries, self.notices) = (Some(server), entries, notices);
    }

    /// Waits for the next notice that matches `wanted`; returns when it came, and the result of `wanted`.
    pub fn notice<T>(&self, wanted: impl Fn(&Notice) -> Option<T>) -> (Instant, T) {
        let end = Instant::now() + DEADLINE;
        loop {
            let Ok((at, notice)) = self
                .notices
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            else {
                panic!(
                    "the notice did not come; before it came {:#?}",
                    self.heard.borrow()
                );
            };
            if let Some(found) = wanted(&notice) {
                return (at, found);
            }
            self.heard.borrow_mut().push(format!("{notice:?}"));
        }
    }

    pub fn reloaded(&self) -> Instant {
        self.notice(|notice| {
            matches!(notice, Notice::Reloaded { .. } | Notice::Restored { .. }).then_some(())
        })
        .0
    }

    /// Waits for the next line of the access log that matches `wanted`.
    pub fn entry(&self, wanted: impl Fn(&AccessLogEntry) -> bool) -> AccessLogEntry {
        let end = Instant::now() + DEADLINE;
        loop {
            let entry = self
                .entries
                .recv_timeout(end.saturating_duration_since(Instant::now()));
            let entry = entry.expect("the line of the access log came");
            if wanted(&entry) {
                return entry;
            }
        }
    }

    /// Sends the `try` command of an error to this server.
    pub fn attempt(&self, problem: &Value) -> Reply {
        let command = problem["try"]
            .as_str()
            .unwrap_or_else(|| panic!("there is a command in {problem:#}"));
        self.curl(command)
    }

    /// Carries out a curl command as a shell and curl would.
    pub fn curl(&self, command: &str) -> Reply {
        let mut words = shell_words(command).into_iter();
        assert_eq!(words.next().as_deref(), Some("curl"), "{command}");
        let (mut method, mut url, mut headers, mut body) = (None, None, Vec::new(), None);
        let mut globs = true;
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .unwrap_or_else(|| panic!("{word} has a value in {command}"))
            };
            match word.as_str() {
                "-g" => globs = false,
                "-X" => method = Some(value()),
                "-d" => body = Some(value()),
                "-H" => {
                    let header = value();
                    let (name, value) = header.split_once(": ").unwrap();
                    headers.push((name.to_string(), value.to_string()));
                }
                _ => assert_eq!(url.replace(word), None, "{command}"),
            }
        }
        let url = url.unwrap();
        let base = format!("http://{}", self.address());
        let path = url
            .strip_prefix(&base)
            .unwrap_or_else(|| panic!("{url} is on {base}"));
        assert!(
            !globs || !url.contains(['{', '}', '[', ']']),
            "curl takes these for patterns: {url}"
        );
        assert!(!url.contains([' ', '\n']), "{url} is a URL");
        let implied = if body.is_some() { "POST" } else { "GET" };
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let path = if path.is_empty() { "/" } else { path };
        self.send(
            method.as_deref().unwrap_or(implied),
            path,
            &headers,
            body.unwrap_or_default(),
        )
    }
}

fn start(
    options: &Options,
) -> (
    Server,
    Receiver<AccessLogEntry>,
    Receiver<(Instant, Notice)>,
) {
    let (log, entries) = channel();
    let (tell, notices) = channel();
    // Other tests start processes, and between fork and exec these hold the lock of a server that has just stopped.
    let server = until("the file is not locked", || {
        let (log, tell) = (log.clone(), tell.clone());
        // The receiver is gone once a test has ended.
        let mut listeners = Listeners::default();
        listeners.access = Some(Box::new(move |entry| drop(log.send(entry))));
        listeners.notice = Some(Box::new(move |notice| {
            drop(tell.send((Instant::now(), notice)))
        }));
        match Server::start(options, listeners) {
            Ok(server) => Some(server),
            Err(StartError::Locked { .. }) => None,
            Err(error) => panic!("{error}: {error:?}"),
        }
    });
    (server, entries, notices)
}

/// Polls until `condition` returns something.
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < end, "it did not happen: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// A response.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// The header's value; a header that comes several times is joined by its reader, here in [`Client::reply`].
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Asserts that it has this status.
    #[track_caller]
    pub fn status_is(&self, status: u16) {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{text}");
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The items of an array.
    pub fn list(&self) -> Vec<Value> {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The problem of the kind `kind`.
    pub fn problem(&self, status: u16, kind: &str) -> Value {
        self.status_is(status);
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let problem = self.value();
        assert_eq!(problem["type"], format!("/-/errors#{kind}"), "{problem:#}");
        assert_eq!(problem["status"], status, "{problem:#}");
        assert!(
            problem["title"]
                .as_str()
                .is_some_and(|title| !title.is_empty()),
            "{problem:#}"
        );
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty()),
            "{problem:#}"
        );
        problem
    }
}

/// Asserts that `text` has `part` in it.
#[track_caller]
pub fn has(text: impl AsRef<str>, part: impl AsRef<str>) {
    let (text, part) = (text.as_ref(), part.as_ref());
    assert!(text.contains(part), "{part}\nis not in\n{text}");
}

/// Asserts that `text` does not have `part` in it.
#[track_caller]
pub fn lacks(text: impl AsRef<str>, part: impl AsRef<str>) {
    let (text, part) = (text.as_ref(), part.as_ref());
    assert!(!text.contains(part), "{part}\nis in\n{text}");
}

/// A connection that stays open for several requests.
pub struct Client {
    pub address: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect_timeout(&address, DEADLINE).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client {
            address,
            stream: BufReader::new(stream),
        }
    }

    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: Headers,
        body: impl AsRef<[u8]>,
    ) -> Reply {
        self.write(request(self.address, method, path, headers, body.as_ref()));
        self.reply(method)
    }

    pub fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, NONE, "")
    }

    pub fn delete(&mut self, path: &str) -> Reply {
        self.send("DELETE", path, NONE, "")
    }

    /// As [`Client::send`]; `None` if the server has closed the connection without a response.
    pub fn try_send(
        &mut self,
        method: &str,
        path: &str,
        headers: Headers,
        body: &str,
    ) -> Option<Reply> {
        self.write(request(
            self.address,
            method,
            path,
            headers,
            body.as_bytes(),
        ));
        if self.stream.fill_buf().ok()?.is_empty() {
            return None;
        }
        Some(self.reply(method))
    }

    /// Sends bytes as they are. The server may have closed the connection already; its response says why.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        drop(self.stream.get_mut().write_all(bytes.as_ref()));
    }

    /// Reads the response to a request with `method`.
    pub fn reply(&mut self, method: &str) -> Reply {
        let line = self.line().expect("a response");
        let mut words = line.splitn(3, ' ');
        assert_eq!(words.next(), Some("HTTP/1.1"), "{line}");
        let status: u16 = words.next().unwrap().parse().unwrap();
        let mut headers: Vec<(String, String)> = Vec::new();
        loop {
            let line = self.line().expect("the end of the headers");
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            match headers
                .iter_mut()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
            {
                Some((_, values)) => *values = format!("{values}, {}", value.trim()),
                None => headers.push((name.to_string(), value.trim().to_string())),
            }
        }
        let mut reply = Reply {
            status,
            headers,
            body: Vec::new(),
        };
        let length: Option<usize> = reply
            .header("content-length")
            .map(|length| length.parse().unwrap());
        assert_eq!(
            reply.header("transfer-encoding"),
            None,
            "responses are framed by their length"
        );
        if method != "HEAD" && !matches!(status, 100 | 204 | 304) {
            reply.body = vec![0; length.unwrap_or(0)];
            self.stream.read_exact(&mut reply.body).unwrap();
        }
        reply
    }

    /// Reads the next line; `None` at the end of the connection.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end_matches(['\r', '\n']).to_string()),
        }
    }

    /// Whether a part of a response has arrived.
    pub fn has_answer(&self) -> bool {
        let stream = self.stream.get_ref();
        stream.set_nonblocking(true).unwrap();
        let is_there = stream.peek(&mut [0]).is_ok();
        stream.set_nonblocking(false).unwrap();
        is_there
    }

    /// Whether the server closes the connection without another byte.
    pub fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(0) => true,
            Ok(_) => panic!("more came: {}", String::from_utf8_lossy(&rest)),
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    /// Whether the connection ends, with or without a response.
    pub fn ends(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    /// All that comes until the connection ends.
    pub fn read_to_end(&mut self, text: &mut String) {
        self.stream.read_to_string(text).unwrap();
    }

    pub fn shutdown_write(&mut self) {
        self.stream
            .get_ref()
            .shutdown(std::net::Shutdown::Write)
            .unwrap();
    }
}

fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: Headers,
    body: &[u8],
) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// Sends requests with `headers` sequentially on one connection. In `table` each is a line with its method, path and
/// body; the next line is the response: its status, and then its body as JSON (compared byte for byte after
/// formatting), nothing for an empty one, or `~` and words that it must contain.
pub fn hold(fixture: &Fixture, headers: Headers, table: &str) {
    let mut client = fixture.client();
    let lines = table.lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with("# "));
    while let (Some(request), Some(expected)) = (lines.next(), lines.next()) {
        let mut words = request.splitn(3, ' ');
        let [method, path, body] = [(); 3].map(|()| words.next().unwrap_or_default());
        let reply = client.send(method, path, headers, body);
        let (status, body) = expected.split_once(' ').unwrap_or((expected, ""));
        let text = reply.text();
        assert_eq!(reply.status.to_string(), status, "{request}\n{text}");
        match body.strip_prefix("~ ") {
            Some(words) => has(text, words),
            None if body.is_empty() => assert_eq!(text, "", "{request}"),
            None => {
                let value: Value = serde_json::from_str(body).unwrap();
                assert_eq!(text, format!("{value:#}"), "{request}");
            }
        }
    }
}

/// The words of a POSIX shell command: quotes, double quotes and backslashes; no expansions.
pub fn shell_words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next().expect("the quote is closed") {
                        '\'' => break,
                        other => word.push(other),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next().expect("the quote is closed") {
                        '"' => break,
                        '\\' => match letters.next().unwrap() {
                            escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        '$' | '`' => panic!("a shell would expand this: {command}"),
                        other => word.push(other),
                    }
                }
            }
            '\\' => match letters.next().unwrap() {
                '\n' => {}
                other => word.get_or_insert_default().push(other),
            },
            '$' | '`' | '*' | '?' | '[' | '#' | '~' | '|' | '&' | ';' | '<' | '>' | '(' | ')'
            | '!' | '{' | '}' => {
                panic!("{letter} means something to a shell: {command}")
            }
            space if space.is_ascii_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

#[test]
fn shell_words_are_split_as_a_shell_does() {
    assert_eq!(
        shell_words("a 'b c' \"d\\\"e\" f'g'\\''h' ''"),
        ["a", "b c", "d\"e", "fg'h", ""]
    );
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// What the file at `path` holds, as JSON.
pub fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The values of the property `name` in a list of records.
pub fn column(list: &Value, name: &str) -> Vec<Value> {
    let records = list.as_array().unwrap().iter();
    records.map(|record| record[name].clone()).collect()
}

/// The ids in a list of records.
pub fn ids(list: &Value) -> Vec<i64> {
    let id = |record: &Value| record["id"].as_i64().unwrap();
    list.as_array().unwrap().iter().map(id).collect()
}

/// A folder with files, whose names may include folders.
pub fn folder_with(files: &[(impl AsRef<Path>, impl AsRef<[u8]>)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// The names in a folder, sorted, without the journal, which stays for some seconds after the last write.
pub fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".standin-journal"))
        .collect();
    names.sort();
    names
}
