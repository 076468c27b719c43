//! Parses a curl command line into a request.
//!
//! Options that affect the request are applied, options for output and connection are ignored, and commands that read
//! files are reported as unsupported.

use std::ops::Range;
use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use regex::Regex;

use super::http_message::METHODS;
use super::printed::WriteOut;
use super::service::{FORM, Request, WrittenRequest};
use super::shell::{Command, Mistake, Word};
use super::text::nearest;
use super::url::{self, encode_component};

/// A parsed curl command.
#[derive(Debug, Default)]
pub struct Curl {
    /// The request, if the command has a URL.
    pub request: Option<WrittenRequest>,
    /// Mistakes in the command, in order.
    pub mistakes: Vec<Mistake>,
    /// Why the checker cannot run the command although it is valid.
    pub unsupported: Option<String>,
    /// The file that the body is read from.
    pub body_file: Option<String>,
    /// The text of `--write-out`, printed after the body.
    pub write_out: Option<WriteOut>,
}

struct CurlOption {
    long: &'static str,
    short: Option<char>,
    takes_value: bool,
}

static OPTIONS: LazyLock<Vec<CurlOption>> = LazyLock::new(|| {
    let lines = include_str!("curl_options.txt")
        .lines()
        .filter(|line| !line.starts_with("# "));
    lines
        .map(|line| {
            let (long, short) = line.split_once(' ').unwrap_or((line, ""));
            CurlOption {
                long: long.trim_end_matches('='),
                short: short.chars().next(),
                takes_value: long.ends_with('='),
            }
        })
        .collect()
});

/// The option with a long name; flags can be negated with `no-`.
fn find_long(name: &str) -> Option<&'static CurlOption> {
    let find = |name: &str| OPTIONS.iter().find(|option| option.long == name);
    find(name).or_else(|| find(name.strip_prefix("no-")?).filter(|option| !option.takes_value))
}

/// Parses a curl command; its first word is the program.
pub fn parse(command: &Command) -> Curl {
    let mut parser = Parser {
        stdin: command.stdin.clone(),
        ..Parser::default()
    };
    let mut words = command.words.iter().skip(1);
    while let Some(word) = words.next() {
        parser.word(word, &mut words);
    }
    parser.finish(command)
}

#[derive(Default)]
struct Parser {
    out: Curl,
    method: Option<String>,
    urls: Vec<(String, Range<usize>)>,
    headers: Vec<(String, String)>,
    data: Vec<String>,
    content_type: Option<&'static str>,
    query: Vec<String>,
    get: bool,
    head: bool,
    stdin: Option<String>,
    /// A variable of `--write-out` whose text is not known.
    unknown_variable: Option<String>,
    /// Whether brackets in URLs are literal (`--globoff`).
    globoff: bool,
}

impl Parser {
    fn word<'a>(&mut self, word: &Word, rest: &mut impl Iterator<Item = &'a Word>) {
        let text = word.text.as_str();
        if let Some(name) = text.strip_prefix("--").filter(|name| !name.is_empty()) {
            let (name, inline) = match name.split_once('=') {
                // curl accepts `--name=value` since 8.16.
                Some((name, value)) if find_long(name).is_some() => (name, Some(value)),
                _ => (name, None),
            };
            match find_long(name) {
                Some(option) => self.option(option, word, inline, rest),
                None => self.unknown_option(word, text),
            }
        } else if let Some(cluster) = text.strip_prefix('-').filter(|cluster| !cluster.is_empty()) {
            for (at, letter) in cluster.char_indices() {
                let Some(option) = OPTIONS.iter().find(|option| option.short == Some(letter))
                else {
                    return self.unknown_option(word, &format!("-{letter}"));
                };
                let value = &cluster[at + letter.len_utf8()..];
                if option.takes_value && !value.is_empty() {
                    return self.option(option, word, Some(value), rest);
                }
                self.option(option, word, None, rest);
            }
        } else {
            self.urls.push((word.text.clone(), word.span.clone()));
        }
    }

    fn mistake(&mut self, span: &Range<usize>, text: impl Into<String>, fix: Option<String>) {
        let mistake = Mistake::new(span.clone(), text, fix);
        self.out.mistakes.push(mistake);
    }

    fn unsupported(&mut self, reason: impl Into<String>) {
        self.out.unsupported.get_or_insert(reason.into());
    }

    fn unknown_option(&mut self, word: &Word, option: &str) {
        let name = option.trim_start_matches('-');
        let near =
            nearest(name, OPTIONS.iter().map(|option| option.long)).filter(|_| name.len() > 2);
        let near = near.map(|long| format!("--{long}"));
        self.mistake(&word.span, format!("curl has no option `{option}`"), near);
    }

    fn option<'a>(
        &mut self,
        option: &CurlOption,
        word: &Word,
        inline: Option<&str>,
        rest: &mut impl Iterator<Item = &'a Word>,
    ) {
        if !option.takes_value {
            match option.long {
                "get" => self.get = true,
                "head" => self.head = true,
                "globoff" => self.globoff = true,
                "next" => self.unsupported("sends several requests (--next)"),
                _ => {}
            }
            return;
        }
        match inline.or_else(|| Some(&*rest.next()?.text)) {
            Some(value) => self.value(option.long, value.to_owned(), &word.span),
            None => self.mistake(&word.span, format!("`{}` needs a value", word.text), None),
        }
    }

    fn value(&mut self, option: &str, value: String, span: &Range<usize>) {
        let kind = match option {
            "json" => "application/json",
            _ => FORM,
        };
        match option {
            "request" => {
                let method = value.to_ascii_uppercase();
                if method != value && METHODS.contains(&&*method) {
                    let text = format!("methods are case-sensitive: `{value}` is not `{method}`");
                    self.mistake(span, text, Some(method.clone()));
                }
                self.method = Some(method);
            }
            "proxy" if METHODS.contains(&&*value) => {
                let text = "`-x` names a proxy; the method is given by `-X`";
                self.mistake(span, text, Some("-X".to_owned()));
            }
            "url" => self.urls.push((value, span.clone())),
            "url-query" => self.query.extend(encode(&value)),
            "header" => match value.split_once(':') {
                // `-H "Accept:"` removes a header that curl would send.
                Some((_, text)) if text.trim().is_empty() => {}
                Some((name, text)) => self.header(name.trim(), text.trim()),
                None if value.ends_with(';') || value.starts_with('@') => {}
                None => {
                    let text = format!("`{value}` is not a header: the colon is missing");
                    self.mistake(span, text, None);
                }
            },
            "data-raw" => self.add_data(value, kind),
            "data" | "data-ascii" | "data-binary" | "json" => match value.strip_prefix('@') {
                None => self.add_data(value, kind),
                Some("-") if let Some(text) = self.stdin.clone() => self.add_data(text, kind),
                Some(file) => {
                    if !self.data.is_empty() || self.out.body_file.is_some() {
                        self.unsupported("its body combines a file with other data");
                    }
                    self.out.body_file = Some(file.to_owned());
                    self.add_data(value, kind);
                }
            },
            "data-urlencode" => match encode(&value) {
                Some(encoded) => self.add_data(encoded, FORM),
                None => self.unsupported("the value is read from a file"),
            },
            "write-out" if value.contains("%{") => match WriteOut::parse(&value) {
                Ok(write_out) => self.out.write_out = Some(write_out),
                Err(name) => self.unknown_variable = Some(name),
            },
            "user" => self.header(
                "Authorization",
                &format!("Basic {}", BASE64_STANDARD.encode(value)),
            ),
            "oauth2-bearer" => self.header("Authorization", &format!("Bearer {value}")),
            // Without `=` the value is the name of a cookie file.
            "cookie" if value.contains('=') => self.header("Cookie", &value),
            "user-agent" => self.header("User-Agent", &value),
            "referer" => self.header("Referer", &value),
            "form" | "form-string" => {
                self.unsupported("sends a multipart form, which is not supported")
            }
            "dump-header" if value.starts_with(['{', '[']) => {
                let text = "`-D` names a file for the headers, did you mean `-d`?";
                self.mistake(span, text, Some("-d".to_owned()));
            }
            "unix-socket" | "abstract-unix-socket" => self.unsupported("uses a Unix socket"),
            "upload-file" | "config" => self.unsupported(format!("reads the file `{value}`")),
            _ => {}
        }
    }

    fn header(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn add_data(&mut self, value: String, content_type: &'static str) {
        self.data.push(value);
        self.content_type = Some(content_type);
    }

    fn finish(mut self, command: &Command) -> Curl {
        if let Some(name) = self.unknown_variable.take() {
            self.unsupported(format!(
                "prints more than the response: `%{{{name}}}` (--write-out)"
            ));
        }
        let looks_like_url = |text: &str| text.contains("://") || url::this_machine(text).is_some();
        static RANGE: LazyLock<Regex> =
            regex!(r"\[(?:\d+-\d+|[a-z]-[a-z]|[A-Z]-[A-Z])(?::\d+)?\]|\{\w+(?:,\w+)+\}");
        let mut urls = std::mem::take(&mut self.urls);
        let several = urls.iter().filter(|(url, _)| looks_like_url(url)).count() > 1;
        if several || !self.globoff && urls.iter().any(|(url, _)| RANGE.is_match(url)) {
            self.unsupported("sends several requests");
        }
        if urls.is_empty() {
            self.mistake(&command.span, "the command has no URL", None);
            return self.out;
        }
        let main = urls.iter().position(|(url, _)| looks_like_url(url));
        let (url, url_span) = urls.remove(main.unwrap_or(0));
        // The value of an unknown option is parsed as a URL, too, and is not worth a second message.
        if let (Some((other, span)), None, true) = (
            urls.first(),
            &self.out.unsupported,
            self.out.mistakes.is_empty(),
        ) {
            let text =
                format!("curl takes `{other}` as another URL: a quote or a space is missing");
            self.mistake(span, text, None);
        }
        let json = self.content_type == Some("application/json");
        // curl concatenates pieces of JSON and joins form fields with `&`.
        let mut body = (!self.data.is_empty()).then(|| self.data.join(if json { "" } else { "&" }));
        if self.get {
            self.query.extend(body.take());
        }
        let implied = match (self.head, body.is_some()) {
            (true, _) => "HEAD",
            (false, true) => "POST",
            (false, false) => "GET",
        };
        let method = self.method.unwrap_or_else(|| implied.to_owned());
        let mut request = Request {
            method,
            target: url,
            headers: self.headers,
            body,
        };
        for part in &self.query {
            request.add_query(part);
        }
        if let (Some(content_type), true) = (self.content_type, request.body.is_some()) {
            request.default_header("Content-Type", content_type);
            if json {
                request.default_header("Accept", content_type);
            }
        }
        self.out.request = Some(WrittenRequest { request, url_span });
        self.out
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
        out + " --url " + &quoted(&request.target)
    }

    fn read(text: &str) -> Curl {
        parse(&command(text, 0))
    }

    /// The parts of a request with a `|` between them.
    fn described(request: &Request) -> String {
        let headers = request.headers.iter();
        let headers = headers.map(|(name, value)| format!("{name}: {value}"));
        [format!("{} {}", request.method, request.target)]
            .into_iter()
            .chain(headers)
            .chain(request.body.clone())
            .collect::<Vec<_>>()
            .join(" | ")
    }

    #[test]
    fn requests() {
        let rows = [
            ("curl h/a", "GET h/a"),
            ("curl -X DELETE h/a", "DELETE h/a"),
            ("curl -XPOST h/a", "POST h/a"),
            ("curl -sSXPUT h/a", "PUT h/a"),
            ("curl -sS -i -k -L -v --compressed h/a", "GET h/a"),
            ("curl --request=PATCH h/a", "PATCH h/a"),
            ("curl h/a -d x=1 -d y=2", "POST h/a | FORM | x=1&y=2"),
            ("curl h/a -dx=1", "POST h/a | FORM | x=1"),
            ("curl -G h/a -d x=1", "GET h/a?x=1"),
            (
                "curl --get h/a?z=0 --data-urlencode 'q=a b'",
                "GET h/a?z=0&q=a%20b",
            ),
            (
                "curl h/a --data-urlencode '=a&b'",
                "POST h/a | FORM | a%26b",
            ),
            (
                "curl h/a -H 'Content-Type: application/json' -d '{}'",
                "POST h/a | JSON | {}",
            ),
            (
                "curl h/a -H 'content-type:application/json' --data-raw @x",
                "POST h/a | content-type: application/json | @x",
            ),
            (
                "curl --json '{}' h/a",
                "POST h/a | JSON | Accept: application/json | {}",
            ),
            ("curl -I h/a", "HEAD h/a"),
            (
                "curl --url h/a -u me:pw",
                "GET h/a | Authorization: Basic bWU6cHc=",
            ),
            (
                "curl h/a -b a=1 -A me -e x",
                "GET h/a | Cookie: a=1 | User-Agent: me | Referer: x",
            ),
            ("curl h/a -o out -w '%{http_code}' -m 5", "GET h/a"),
            ("curl h/a -H Accept:", "GET h/a"),
            (
                "curl --location --request POST 'h/a' --header 'Content-Type: application/json' --data '{}'",
                "POST h/a | JSON | {}",
            ),
        ];
        for (text, expected) in rows {
            let curl = read(text);
            assert!(
                curl.mistakes.is_empty() && curl.unsupported.is_none(),
                "{text}: {curl:?}"
            );
            let expected = expected
                .replace("JSON", "Content-Type: application/json")
                .replace("FORM", &format!("Content-Type: {FORM}"));
            assert_eq!(
                described(&curl.request.unwrap().request),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_wrong_or_not_supported() {
        let rows = [
            ("curl", "no URL"),
            ("curl h/a -H", "needs a value"),
            ("curl h/a -H nothing", "colon is missing"),
            ("curl h/a --headr x", "no option `--headr`"),
            ("curl h/a -H Content-Type: application/json", "another URL"),
            ("curl h/a -d@a.json -d @b.json", "combines a file"),
            ("curl h/a -d x=1 -d@file.json", "combines a file"),
            ("curl h/a -X delete", "case-sensitive"),
            ("curl h/a -F a=b", "multipart"),
            ("curl h/a -T x", "reads the file"),
            ("curl http://h/a http://h/b", "several requests"),
            ("curl h/a --next h/b", "several requests"),
            ("curl 'h/a/[1-3]'", "several requests"),
            ("curl h/a/{1,2}", "several requests"),
            ("curl h/a -w '%{json}'", "`%{json}`"),
        ];
        for (text, reason) in rows {
            let curl = read(text);
            let mistake = curl.mistakes.into_iter().next().map(|mistake| mistake.text);
            let seen = mistake.or(curl.unsupported).unwrap_or_default();
            assert!(seen.contains(reason), "{text}: {seen}");
        }
        let supported = [
            "curl -g 'h/a/[1-3]'",
            "curl 'h/a?ids[]=1&filter[name]=x'",
            "curl -o /dev/null -w '%{content_type}' h/a",
            "curl -w '%{http_code} %{time_total}' h/a",
        ];
        for text in supported {
            let curl = read(text);
            assert_eq!((curl.unsupported, curl.mistakes), (None, vec![]), "{text}");
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
            let mut request = Request { method, target: url, headers, body };
            if request.body.is_some()
                && request.header("content-type").is_none()
            {
                request.headers.push(("Content-Type".into(), "application/json".into()));
            }
            let text = render(&request);
            let command = command(&text, 0);
            prop_assert!(command.mistakes.is_empty(), "{text}: {:?}", command.mistakes);
            prop_assert_eq!(parse(&command).request.map(|read| read.request), Some(request));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "curl [ -~\\n“”’–&]{0,80}") {
            let _ = parse(&command(&text, 0));
        }
    }
}
