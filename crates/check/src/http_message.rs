//! Requests written as HTTP messages: `GET /users/1 HTTP/1.1`, or a method and a URL, then headers, an empty line and a
//! body.

use std::ops::Range;

use super::labels::{self, Announces};
use super::lenient_json;
use super::service::{Request, WrittenRequest};
use super::text::Lines;
use super::transcript;
use super::url;

/// Marks that point to the response.
const ARROWS: [&str; 4] = ["=>", "->", "→", ">>"];

/// The methods that can begin a request.
pub const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// A line below its label: `POST /users` of `URL: POST /users`.
fn unlabelled(line: &str) -> &str {
    const LABELS: [&str; 3] = ["URL:", "Endpoint:", "Request:"];
    let rest = LABELS.iter().find_map(|label| line.strip_prefix(label));
    rest.map_or(line, str::trim_start)
}

/// The method and the URL of the first line of a message.
fn request_line(first: &str) -> Option<(&'static str, &str)> {
    let first = unlabelled(first);
    let mut words = first.split_whitespace();
    let word = words.next()?;
    let word = word.strip_suffix(':').unwrap_or(word);
    let url = words.next()?.trim_matches('`').trim_end_matches([':', '*']);
    let is_method = |method: &&&str| {
        let is_whole = url.starts_with("http://") || url.starts_with("{{");
        **method == word || is_whole && method.eq_ignore_ascii_case(word)
    };
    let method = METHODS.iter().find(is_method).copied();
    let method = method.or_else(|| misspelt_method(first))?;
    // `GET /users?age=3  # three years old`
    let remark = |word: &&str| word.starts_with('#') || *word == "//";
    let mut words = words.take_while(|word| !remark(word));
    let last = words.by_ref().last();
    let versioned = last.is_some_and(|word| word.starts_with("HTTP/"));
    let is_whole = last.is_none() || versioned || body_in_line(first, url).is_some();
    (looks_like_url(url) && is_whole).then_some((method, url))
}

/// The JSON behind the URL in the first line of a message: `POST /users {"name": "Ada"}`.
fn body_in_line<'a>(first: &'a str, url: &str) -> Option<&'a str> {
    let rest = first.split_once(url)?.1.trim();
    let is_json = || lenient_json::parse(rest).is_ok_and(|read| read.body.is_some());
    // `{name}` stands for a body.
    let is_body =
        rest.starts_with(['{', '[']) && (rest.contains(':') || matches!(rest, "{}" | "[]"));
    (is_body && is_json()).then_some(rest)
}

/// Parses the request that begins at `start`; also returns its range. It ends where the next request or response begins.
pub fn parse(text: &str, start: usize) -> Option<(WrittenRequest, Range<usize>)> {
    let mut lines = Lines::new(text, start);
    let (first, first_at) = lines.next()?;
    let (method, url) = request_line(first)?;
    let from = first.find(url).unwrap_or(0);
    let url_span = first_at + from..first_at + from + url.len();

    let mut request = Request {
        method: method.to_owned(),
        target: url.to_owned(),
        ..Request::default()
    };
    let mut end = lines.at;
    let in_line = body_in_line(first, url);
    let start_of_body = first_at + first.trim_end().len();
    let mut body = in_line.map(|body| start_of_body - body.len()..start_of_body);
    let mut in_headers = body.is_none();
    let mut in_script = false;
    let mut json_end = body.as_ref().map(|body| body.end);
    for (line, at) in lines.by_ref() {
        let trimmed = line.trim();
        // A script of an editor below the request.
        in_script |= trimmed.starts_with("> {%");
        // The body ends where its JSON does.
        let is_below = json_end.is_some_and(|end| at >= end) && !in_script && !trimmed.is_empty();
        if is_below || ends_request(line) {
            break;
        }
        end = at + line.len();
        // One above the body is its label.
        let is_above = in_headers || body.is_none();
        let comment = is_above && (trimmed.starts_with('#') || trimmed.starts_with("//"));
        if in_script || comment {
            continue;
        }
        if in_headers {
            // "Body: {...}"
            let is_body = |(label, value): &(&str, &str)| {
                value.trim_start().starts_with(['{', '[']) && names_body(label.trim_start())
            };
            match header(trimmed) {
                // "Headers: {...}" in a description of a request.
                _ if trimmed.starts_with("Headers:") && trimmed.contains('{') => continue,
                _ if let Some((label, _)) = line.split_once(':').filter(is_body) => {
                    let start = at + label.len() + 1;
                    json_end = end_of_json(text, start);
                    body = Some(start..end);
                    in_headers = false;
                    continue;
                }
                // "Body:" above it, or the empty line before it, which may be missing.
                None => in_headers = false,
                Some((name, value)) if value.is_empty() && names_body(&name) => in_headers = false,
                Some(pair) => {
                    request.headers.push(pair);
                    continue;
                }
            }
        }
        if body.is_none() && trimmed.strip_suffix(':').is_some_and(names_body) {
            continue;
        }
        if body.is_none() && trimmed.starts_with(['{', '[']) {
            json_end = end_of_json(text, at);
        }
        if body.is_some() || !trimmed.is_empty() {
            body.get_or_insert(at..at).end = end;
        }
    }
    if let Some(span) = body {
        request.body = Some(text[span].trim_end().to_owned());
        let is_near = |(name, _): &(String, String)| {
            strsim::osa_distance(&name.to_lowercase(), "content-type") <= 2
        };
        if !request.headers.iter().any(is_near) {
            // No client adds one here, and pages show JSON.
            request.add_header("Content-Type", "application/json");
        }
    }
    if request.target.starts_with('/')
        && let Some(host) = request.header("host")
    {
        request.target = format!("{host}{}", request.target);
    }
    request.headers.retain(|(name, _)| {
        !name.eq_ignore_ascii_case("host") && !name.eq_ignore_ascii_case("content-length")
    });
    Some((WrittenRequest { request, url_span }, first_at..end))
}

/// Whether a line below a request is not a part of it: it begins another message, or leads to the response.
fn ends_request(line: &str) -> bool {
    let trimmed = line.trim();
    let label = trimmed.trim_start_matches(['/', '#', ' ']);
    let is_remark_of_response = label != trimmed
        && (introduces_response(label)
            || is_response_label(label)
            || labelled_response(label).is_some());
    begins_message(trimmed)
        || is_response_label(trimmed)
        || is_remark_of_response
        || trimmed == ">"
        || transcript::begins_response(trimmed)
        || !line.starts_with([' ', '\t']) && labelled_response(trimmed).is_some()
}

/// Where the JSON ends that is in a text from an offset on.
fn end_of_json(text: &str, start: usize) -> Option<usize> {
    let json = text[start..].trim_start();
    lenient_json::value_end(json).map(|length| text.len() - json.len() + length)
}

/// The method that the first line of a request means with a misspelt word: `GTE /users`.
pub fn misspelt_method(line: &str) -> Option<&'static str> {
    // Words that are near a method, and commands of other services.
    const OTHER: [&str; 6] = ["SET", "READ", "POSTS", "GETS", "PUTS", "HEADS"];
    let mut words = line.split_whitespace();
    let (word, url) = (words.next()?, words.next()?);
    let is_word = word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_url = url.starts_with('/') || url::has_base(url) || url::this_machine(url).is_some();
    if !is_word || !is_url || METHODS.contains(&word) || OTHER.contains(&word) {
        return None;
    }
    let is_near = |method: &&&str| strsim::osa_distance(word, method) == 1;
    words
        .next()
        .is_none_or(|last| last.starts_with("HTTP/"))
        .then(|| METHODS.iter().find(is_near).copied())?
}

/// What is wrong with a line that is almost the first one of a message, and what to write instead: `GET users/1 HTTP/1.1`,
/// `GET/users/1 HTTP/1.1`, `GET /users/1 HTPP/1.1`.
pub fn misspelt_line(line: &str) -> Option<(&'static str, String)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_version = |word: &str| word.starts_with("HTTP/");
    match words.as_slice() {
        [method, path, version]
            if METHODS.contains(method) && is_version(version) && !looks_like_url(path) =>
        {
            let fix = format!("{method} /{path} {version}");
            Some(("the path does not begin with `/`", fix))
        }
        [glued, version] if is_version(version) => {
            let (method, path) = glued.split_at(glued.find('/')?);
            let fix = format!("{method} {path} {version}");
            METHODS
                .contains(&method)
                .then_some(("a space is missing after the method", fix))
        }
        [method, path, version] if METHODS.contains(method) && path.starts_with('/') => {
            let (name, number) = version.split_once('/')?;
            let is_near = strsim::osa_distance(name, "HTTP") == 1 && number.starts_with(['1', '2']);
            is_near.then(|| {
                let fix = format!("{method} {path} HTTP/{number}");
                ("the version is not `HTTP/`", fix)
            })
        }
        _ => None,
    }
}

fn looks_like_url(word: &str) -> bool {
    word.starts_with('/')
        || word.contains("://")
        || word.starts_with("localhost")
        || word.starts_with(['{', '<', '$']) && word.contains('/')
        || word.starts_with("{{") && word.contains("}}")
}

/// Whether a line begins another request or a response.
pub fn begins_message(line: &str) -> bool {
    let line = unlabelled(line);
    let is_status =
        |rest: &str| rest.len() >= 3 && rest.as_bytes()[..3].iter().all(u8::is_ascii_digit);
    line.starts_with("HTTP/")
        || line.strip_prefix("HTTP ").is_some_and(is_status)
        || line.starts_with("###")
        || METHODS.iter().any(|method| {
            line.strip_prefix(method)
                .map(|rest| rest.strip_prefix(':').unwrap_or(rest))
                .and_then(|rest| rest.strip_prefix(' '))
                .is_some_and(|rest| looks_like_url(rest.trim_start()))
        })
        || misspelt_method(line).is_some()
}

/// Whether a line in a code block is the label of a response: `Response:`, `Antwort (200):`.
pub fn is_response_label(line: &str) -> bool {
    transcript::labelled_status(line).is_some()
        || line.strip_suffix([':', '：']).is_some_and(names_response)
}

/// Whether a line between a command and the response in its block leads to that: `Response:`, `Gives`, `->`, or words of
/// another script than that of commands. It gives no status.
pub fn introduces_response(line: &str) -> bool {
    let is_arrow = line == ">" || ARROWS.contains(&line);
    let is_label = is_response_label(line) && transcript::labelled_status(line).is_none();
    let is_words = || {
        let words = labels::words(line);
        let is_foreign = line.starts_with(|c: char| c.is_alphabetic() && !c.is_ascii());
        let says_so = labels::label(line) == Announces::Response || labels::says_expected(line);
        line.starts_with(char::is_alphabetic)
            && (1..=10).contains(&words.len())
            && !line.contains(['{', '[', '|', '=', '<', '/'])
            && (is_foreign || says_so)
    };
    is_arrow || is_label || is_words()
}

/// Whether a text is a string in JSON.
pub fn is_string(text: &str) -> bool {
    text.starts_with('"') && serde_json::from_str::<String>(text.trim_end()).is_ok()
}

/// Where the response begins in a line that marks it: `Expected output: {"id": 1}`, `Response: 404 Not Found`,
/// `=> {"id": 1}`, `Returns {"id": 1}`.
pub fn labelled_response(line: &str) -> Option<usize> {
    let plain = line.trim_start_matches(['/', ' ']);
    let value = |shown: &str| {
        let shown = shown.trim_start_matches([':', '：', ' ', '\t', '=', '-', '>', '→']);
        // "[a list of users]" is not JSON.
        let is_json = || {
            matches!(shown, "{" | "[" | "[{")
                || shown.starts_with("{\"")
                || lenient_json::parse(shown).is_ok_and(|read| read.body.is_some())
        };
        let is_shown = transcript::looks_like_response(shown)
            && (!shown.starts_with(['{', '[']) || is_json())
            || is_string(shown);
        is_shown.then_some(line.len() - shown.len())
    };
    if let Some(rest) = ARROWS.iter().find_map(|arrow| plain.strip_prefix(arrow)) {
        let at = line.len() - rest.len();
        return value(rest).or_else(|| Some(at + labelled_response(rest)?));
    }
    // The response after the mark of a sent line.
    let quoted = plain.strip_prefix("> ").unwrap_or_default();
    if quoted.starts_with(['{', '[']) && serde_json::from_str::<serde_json::Value>(quoted).is_ok() {
        return value(quoted);
    }
    let ends = [":", "：", " ->", " =>", " →", " {", " [", " 2", " 4"].iter();
    let end = ends.filter_map(|end| plain.find(end)).min()?;
    let (label, shown) = plain.split_at(end);
    (label.starts_with(char::is_alphabetic) && names_response(label))
        .then(|| value(shown))
        .flatten()
}

/// Whether a label of a few words names the response: "Expected output".
fn names_response(label: &str) -> bool {
    labels::words(label).len() <= 4
        && (labels::label(label) == Announces::Response || labels::says_expected(label))
}

fn names_body(label: &str) -> bool {
    matches!(
        labels::label(label),
        Announces::Body | Announces::RequestBody
    )
}

fn header(line: &str) -> Option<(String, String)> {
    // `Headers: Accept: application/json`
    let labelled = line.strip_prefix("Headers:").map(str::trim_start);
    let line = labelled.filter(|rest| rest.contains(':')).unwrap_or(line);
    let (name, value) = line.split_once(':')?;
    let token = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    token.then(|| (name.to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        type Row<'a> = (&'a str, &'a str, &'a str, usize, Option<&'a str>);
        let rows: [Row; 6] = [
            (
                "GET /users/1 HTTP/1.1\nHost: localhost\nAccept: */*\n",
                "GET",
                "localhost/users/1",
                1,
                None,
            ),
            (
                "POST http://localhost:3000/users\nContent-Type: application/json\n\n{\n  \"a\": 1\n}\n",
                "POST",
                "http://localhost:3000/users",
                1,
                Some("{\n  \"a\": 1\n}"),
            ),
            (
                "PUT /users/1\n{\"a\": 1}\n",
                "PUT",
                "/users/1",
                1,
                Some("{\"a\": 1}"),
            ),
            (
                "DELETE {server_url}/users/1\n",
                "DELETE",
                "{server_url}/users/1",
                0,
                None,
            ),
            (
                "GET /a HTTP/1.1\n\nHTTP/1.1 200 OK\n\n{}\n",
                "GET",
                "/a",
                0,
                None,
            ),
            ("GET /a\r\nAccept: x\r\n\r\n", "GET", "/a", 1, None),
        ];
        for (text, method, url, headers, body) in rows {
            let (written, _) = parse(text, 0).unwrap_or_else(|| panic!("{text}"));
            let request = written.request;
            assert_eq!(
                (
                    request.method.as_str(),
                    request.target.as_str(),
                    request.headers.len(),
                    request.body.as_deref()
                ),
                (method, url, headers, body),
                "{text}"
            );
        }
    }

    #[test]
    fn prose_is_not_a_request() {
        for text in [
            "GET example",
            "GET",
            "DELETE the user /now please",
            "POST users",
            "{}",
            "",
        ] {
            assert!(parse(text, 0).is_none(), "{text}");
        }
    }

    #[test]
    fn a_response_ends_the_request() {
        let responses = [
            "HTTP/1.1 200 OK",
            "201 Created",
            "Status: 404",
            "→ 204 No Content",
        ];
        for response in responses {
            for request in ["GET /a HTTP/1.1\n\n", "POST /a\n\n{\"b\": [\n200\n]}\n\n"] {
                let text = format!("{request}{response}\n");
                let (_, range) = parse(&text, 0).unwrap();
                assert!(text[range.end..].starts_with(response), "{text}");
            }
        }
    }
}
