//! curl's command line: from words to a request.
//!
//! The options that change the request are understood, those that change only
//! what is printed or how the connection is made are passed over, and those
//! that would read a file are refused with a reason.

mod options;

use std::ops::Range;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::shell::{Command, Mistake, Word};
use super::url::encode_component;
use options::{Kind, OPTIONS, find_long, find_short};

/// The request of a curl command, before its URL is resolved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// The verb.
    pub method: String,
    /// The URL as written.
    pub url: String,
    /// Where the URL stands in the fence's content.
    pub url_span: Range<usize>,
    /// Headers, in the order they are sent.
    pub headers: Vec<(String, String)>,
    /// The body; nothing when none is sent.
    pub body: Option<String>,
    /// Where the body stands in the fence's content.
    pub body_span: Range<usize>,
}

/// Why a command gives no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The page is wrong.
    Mistake(Mistake),
    /// The command is right, and out of reach here.
    Unsupported(String),
}

#[derive(Default)]
struct Parts {
    method: Option<String>,
    urls: Vec<(String, Range<usize>)>,
    headers: Vec<(String, String)>,
    data: Vec<String>,
    data_span: Option<Range<usize>>,
    typed: Option<&'static str>,
    get: bool,
    head: bool,
}

/// Reads a curl command; its first word is the program.
///
/// # Errors
/// The first mistake in the command, or what keeps it from being sent here.
pub fn parse(command: &Command) -> Result<Request, Refusal> {
    let mut parts = Parts::default();
    let mut words = command.words.iter().skip(1);
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        if let Some(long) = text.strip_prefix("--").filter(|long| !long.is_empty()) {
            let (name, inline) = match long.split_once('=') {
                // curl itself has no `--name=value`; pages do.
                Some((name, value)) if find_long(name).is_some() => (name, Some(value)),
                _ => (long, None),
            };
            let kind = find_long(name).ok_or_else(|| unknown(word, text))?;
            parts.option(kind, word, inline, &mut words)?;
        } else if let Some(cluster) = text.strip_prefix('-').filter(|cluster| !cluster.is_empty()) {
            for (at, letter) in cluster.char_indices() {
                let kind = find_short(letter).ok_or_else(|| unknown(word, &format!("-{letter}")))?;
                let rest = &cluster[at + letter.len_utf8()..];
                if kind.takes_value() && !rest.is_empty() {
                    parts.option(kind, word, Some(rest), &mut words)?;
                    break;
                }
                parts.option(kind, word, None, &mut words)?;
            }
        } else {
            parts.urls.push((word.text.clone(), word.span.clone()));
        }
    }
    parts.finish(command)
}

fn mistake(span: Range<usize>, text: impl Into<String>, fix: Option<String>) -> Refusal {
    Refusal::Mistake(Mistake { span, text: text.into(), fix })
}

fn unknown(word: &Word, option: &str) -> Refusal {
    let name = option.trim_start_matches('-');
    let near = crate::words::nearest(name, OPTIONS.iter().map(|(long, _, _)| *long))
        .filter(|_| name.len() > 2)
        .map(|long| format!("--{long}"));
    mistake(word.span.clone(), format!("curl has no option `{option}`"), near)
}

impl Parts {
    fn option<'a>(
        &mut self,
        kind: Kind,
        word: &Word,
        inline: Option<&str>,
        rest: &mut impl Iterator<Item = &'a Word>,
    ) -> Result<(), Refusal> {
        if !kind.takes_value() {
            match kind {
                Kind::Get => self.get = true,
                Kind::Head => self.head = true,
                _ => {}
            }
            return Ok(());
        }
        let (value, span) = match inline {
            Some(value) => (value.to_owned(), word.span.clone()),
            None => match rest.next() {
                Some(next) => (next.text.clone(), next.span.clone()),
                None => {
                    let text = format!("`{}` wants a value, and nothing follows", word.text);
                    return Err(mistake(word.span.clone(), text, None));
                }
            },
        };
        self.value(kind, value, span)
    }

    fn value(&mut self, kind: Kind, value: String, span: Range<usize>) -> Result<(), Refusal> {
        match kind {
            Kind::Method => self.method = Some(value.to_ascii_uppercase()),
            Kind::Url => self.urls.push((value, span)),
            Kind::Header => match value.split_once(':') {
                Some((name, text)) => {
                    let header = (name.trim().to_owned(), text.trim().to_owned());
                    // `-H "Accept:"` removes a header that curl would send.
                    if !header.1.is_empty() {
                        self.headers.push(header);
                    }
                }
                None if value.ends_with(';') => {}
                None => {
                    let text = format!("`{value}` is no header: the colon is missing");
                    return Err(mistake(span, text, None));
                }
            },
            Kind::Data | Kind::Json if value.starts_with('@') => {
                return Err(Refusal::Unsupported(format!(
                    "the body is read from the file `{}`; write it into the command to have it checked",
                    &value[1..]
                )));
            }
            Kind::Data | Kind::Raw => self.add(value, span, "application/x-www-form-urlencoded"),
            Kind::Json => self.add(value, span, "application/json"),
            Kind::Encoded => {
                let encoded =
                    encode(&value).ok_or_else(|| Refusal::Unsupported("the value is read from a file".to_owned()))?;
                self.add(encoded, span, "application/x-www-form-urlencoded");
            }
            Kind::User => {
                self.header("Authorization", format!("Basic {}", BASE64_STANDARD.encode(value)));
            }
            Kind::Bearer => self.header("Authorization", format!("Bearer {value}")),
            // Without `=` the value names a file of cookies.
            Kind::Cookie if value.contains('=') => self.header("Cookie", value),
            Kind::Agent => self.header("User-Agent", value),
            Kind::Referer => self.header("Referer", value),
            Kind::Form => {
                return Err(Refusal::Unsupported("sends a multipart form, which is not checked".to_owned()));
            }
            Kind::File => return Err(Refusal::Unsupported(format!("reads the file `{value}`"))),
            _ => {}
        }
        Ok(())
    }

    fn header(&mut self, name: &str, value: String) {
        self.headers.push((name.to_owned(), value));
    }

    fn add(&mut self, value: String, span: Range<usize>, typed: &'static str) {
        self.data.push(value);
        self.typed = Some(typed);
        match &mut self.data_span {
            Some(whole) => whole.end = span.end,
            None => self.data_span = Some(span),
        }
    }

    fn finish(mut self, command: &Command) -> Result<Request, Refusal> {
        let json = self.typed == Some("application/json");
        // curl joins pieces of JSON as they are and form fields with `&`.
        let data = (!self.data.is_empty()).then(|| self.data.join(if json { "" } else { "&" }));
        if self.urls.len() > 1 {
            let (extra, span) = self.urls.swap_remove(1);
            let text = format!("`{extra}` is taken as a second URL: what it belongs to is not quoted");
            return Err(mistake(span, text, None));
        }
        let Some((mut url, url_span)) = self.urls.pop() else {
            return Err(mistake(command.span.clone(), "the command has no URL", None));
        };
        let mut body = None;
        if self.get {
            if let Some(data) = data {
                url.push(if url.contains('?') { '&' } else { '?' });
                url.push_str(&data);
            }
        } else {
            body = data;
        }
        let method = self.method.take().unwrap_or_else(|| {
            let implied = match (self.head, body.is_some()) {
                (true, _) => "HEAD",
                (false, true) => "POST",
                (false, false) => "GET",
            };
            implied.to_owned()
        });
        if body.is_some() {
            let typed = self.typed.unwrap_or_default();
            self.default_header("Content-Type", typed);
            if json {
                self.default_header("Accept", typed);
            }
        }
        Ok(Request {
            method,
            url,
            url_span,
            headers: self.headers,
            body,
            body_span: self.data_span.unwrap_or_default(),
        })
    }

    fn default_header(&mut self, name: &str, value: &str) {
        if !self.headers.iter().any(|(have, _)| have.eq_ignore_ascii_case(name)) {
            self.header(name, value.to_owned());
        }
    }
}

/// What `--data-urlencode` makes of its value; `None` if it names a file.
fn encode(value: &str) -> Option<String> {
    let (name, content) = match value.find(['=', '@']) {
        Some(at) if value.as_bytes()[at] == b'@' => return None,
        Some(0) => ("", &value[1..]),
        Some(at) => (&value[..=at], &value[at + 1..]),
        None => ("", value),
    };
    Some(format!("{name}{}", encode_component(content)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::shell::command;
    use super::*;

    fn quoted(text: &str) -> String {
        format!("'{}'", text.replace('\'', "'\\''"))
    }

    fn render(request: &Request) -> String {
        let mut out = format!("curl -X {}", quoted(&request.method));
        for (name, value) in &request.headers {
            out.push_str(&format!(" -H {}", quoted(&format!("{name}: {value}"))));
        }
        if let Some(body) = &request.body {
            out.push_str(&format!(" --data-raw {}", quoted(body)));
        }
        out + " --url " + &quoted(&request.url)
    }

    fn read(text: &str) -> Result<Request, Refusal> {
        parse(&command(text, 0))
    }

    #[test]
    fn requests() {
        let json = ("Content-Type", "application/json");
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        type Row<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str)], Option<&'a str>);
        let rows: [Row; 20] = [
            ("curl h/a", "GET", "h/a", &[], None),
            ("curl -X DELETE h/a", "DELETE", "h/a", &[], None),
            ("curl -XPOST h/a", "POST", "h/a", &[], None),
            ("curl -sSXPUT h/a", "PUT", "h/a", &[], None),
            ("curl -sS -i -k -L -v --compressed h/a", "GET", "h/a", &[], None),
            ("curl --request=PATCH h/a", "PATCH", "h/a", &[], None),
            ("curl h/a -d x=1 -d y=2", "POST", "h/a", &[form], Some("x=1&y=2")),
            ("curl h/a -dx=1", "POST", "h/a", &[form], Some("x=1")),
            ("curl -G h/a -d x=1", "GET", "h/a?x=1", &[], None),
            ("curl --get h/a?z=0 --data-urlencode 'q=a b'", "GET", "h/a?z=0&q=a%20b", &[], None),
            ("curl h/a --data-urlencode '=a&b'", "POST", "h/a", &[form], Some("a%26b")),
            ("curl h/a -H 'Content-Type: application/json' -d '{}'", "POST", "h/a", &[json], Some("{}")),
            (
                "curl h/a -H 'content-type:application/json' --data-raw @x",
                "POST",
                "h/a",
                &[("content-type", "application/json")],
                Some("@x"),
            ),
            ("curl --json '{}' h/a", "POST", "h/a", &[json, ("Accept", "application/json")], Some("{}")),
            ("curl -I h/a", "HEAD", "h/a", &[], None),
            ("curl --url h/a -u me:pw", "GET", "h/a", &[("Authorization", "Basic bWU6cHc=")], None),
            (
                "curl h/a -b a=1 -A me -e x",
                "GET",
                "h/a",
                &[("Cookie", "a=1"), ("User-Agent", "me"), ("Referer", "x")],
                None,
            ),
            ("curl h/a -o out -w '%{http_code}' -m 5", "GET", "h/a", &[], None),
            ("curl h/a -H Accept:", "GET", "h/a", &[], None),
            (
                "curl --location --request POST 'h/a' --header 'Content-Type: application/json' --data '{}'",
                "POST",
                "h/a",
                &[json],
                Some("{}"),
            ),
        ];
        for (text, method, url, headers, body) in rows {
            let request = read(text).unwrap_or_else(|refusal| panic!("{text}: {refusal:?}"));
            let seen: Vec<_> = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(
                (request.method.as_str(), request.url.as_str(), seen.as_slice(), request.body.as_deref()),
                (method, url, headers, body),
                "{text}"
            );
        }
    }

    #[test]
    fn refusals_say_why() {
        let rows = [
            ("curl", "no URL"),
            ("curl h/a -H", "wants a value"),
            ("curl h/a -H nothing", "colon is missing"),
            ("curl h/a --headr x", "no option `--headr`"),
            ("curl h/a -H Content-Type: application/json", "second URL"),
            ("curl h/a -d @file.json", "file `file.json`"),
            ("curl h/a -d@file.json", "file `file.json`"),
            ("curl h/a -F a=b", "multipart"),
            ("curl h/a -T x", "reads the file"),
        ];
        for (text, reason) in rows {
            let seen = match read(text) {
                Err(Refusal::Mistake(mistake)) => mistake.text,
                Err(Refusal::Unsupported(why)) => why,
                Ok(request) => panic!("{text}: {request:?}"),
            };
            assert!(seen.contains(reason), "{text}: {seen}");
        }
    }

    proptest! {
        #[test]
        fn a_rendered_command_reads_back(
            method in "GET|POST|PUT|PATCH|DELETE",
            url in "[^\\x00]{1,40}",
            headers in prop::collection::vec(("[A-Za-z-]{1,12}", "[^\\x00\\r\\n]{1,20}"), 0..4),
            body in prop::option::of("[^\\x00]{0,60}"),
        ) {
            let headers: Vec<(String, String)> = headers
                .into_iter()
                .map(|(name, value)| (name, value.trim().to_owned()))
                .filter(|(_, value)| !value.is_empty())
                .collect();
            let mut request = Request { method, url, headers, body, ..Request::default() };
            if request.body.is_some()
                && !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            {
                request.headers.push(("Content-Type".into(), "application/json".into()));
            }
            let text = render(&request);
            let command = command(&text, 0);
            prop_assert!(command.mistakes.is_empty(), "{text}: {:?}", command.mistakes);
            let mut read = parse(&command).map_err(|why| TestCaseError::fail(format!("{text}: {why:?}")))?;
            read.url_span = 0..0;
            read.body_span = 0..0;
            prop_assert_eq!(read, request);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "curl [ -~\\n“”’–&]{0,80}") {
            let _ = parse(&command(&text, 0));
        }
    }
}
