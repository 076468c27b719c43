//! Commands of clients other than curl: HTTPie and wget are run where they are simple.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use super::found::{self, FoundRequest, Problem};
use super::http_message::METHODS;
use super::powershell;
use super::printed::Printed;
use super::programs;
use super::prompt;
use super::service::{FORM, Request, WrittenRequest};
use super::shell::{self, Mistake, Word};
use super::shown;
use super::text::{Lines, is_one_of};
use super::transcript;
use super::url::{self, encode_component};

/// The commands and calls of a code block; a command in the form of a shell's words, a call in any language.
pub fn find(text: &str, language: &str) -> Vec<FoundRequest> {
    let mut found = Vec::new();
    let mut lines = Lines::new(text, 0);
    while let Some((line, at)) = lines.next() {
        let mut start = at + prompt::typed(line);
        // The body may come from a command before it.
        let before = &text[start..at + line.len()];
        if before.starts_with("echo ") || before.starts_with("cat ") {
            start += before.rfind("| ").map_or(0, |pipe| pipe + 2);
        }
        let program = text[start..].split_whitespace().next().unwrap_or_default();
        let is_wget = program == "wget";
        if !is_wget && !is_one_of(program, "http https xh xhs") {
            continue;
        }
        let command = shell::command(text, start);
        // Sentences begin with these words, too.
        let arguments = || command.words.iter().skip(1).map(|word| word.text.as_str());
        // A path alone is the URL only near the beginning.
        let has_path = || !is_wget && arguments().take(3).any(is_path);
        if !arguments().any(is_local) && !has_path() {
            continue;
        }
        let end = command.end.max(lines.at);
        let (printed, not_run) = match Printed::through(&command.filters) {
            Ok(printed) => (printed, None),
            Err(reason) => (Printed::default(), Some(Problem::Skip(reason))),
        };
        let given = &command.words[1..];
        let file = given.iter().find_map(|word| word.text.strip_prefix('@'));
        let file = file.map(str::to_owned).or(command.input.clone());
        let mut request = match is_wget {
            true => wget(given),
            false => httpie(given, command.stdin.as_deref(), file.is_some()),
        };
        if let Some(WrittenRequest { request, .. }) = &mut request
            && matches!(program, "https" | "xhs")
            && request.target.starts_with("localhost")
        {
            request.target.insert_str(0, "https://");
        }
        let problem = match &request {
            _ if !command.mistakes.is_empty() => Some(Problem::Mistakes(command.mistakes)),
            Some(written) => {
                let placeholder = found::placeholder(&written.request);
                let file = file.filter(|_| !is_wget).map(Problem::BodyFile);
                placeholder.map(|_| Problem::Template).or(not_run).or(file)
            }
            None if !is_wget
                && let Some(mistake) = bad_json(given).or_else(|| bad_method(given)) =>
            {
                Some(Problem::Mistakes(vec![mistake]))
            }
            None => {
                let reason = format!("uses options of {program} that are not understood");
                Some(Problem::Skip(reason))
            }
        };
        let mut request = FoundRequest {
            span: command.span,
            written: request,
            problem,
            printed,
            ..FoundRequest::default()
        };
        let (output, next) = shown::output_of(text, request.span.end, &request.printed, end);
        lines.at = next.max(end);
        request.output = output;
        found.push(request);
    }
    if found.is_empty() {
        found = powershell::find(text);
    }
    if found.is_empty() && !transcript::looks_like_response(text) {
        found = programs::find(text, language);
    }
    found
}

/// The value after `:=` that is not JSON, which HTTPie rejects, unless it names a type.
fn bad_json(words: &[Word]) -> Option<Mistake> {
    words.iter().find_map(|word| {
        let (name, value) = word.text.split_once(":=")?;
        let is_name = !name.is_empty() && !name.contains([':', '=', '@', '/']);
        const TYPES: &str =
            "number integer int float double bool boolean string object array list value json";
        let is_json = serde_json::from_str::<Value>(value).is_ok() || is_one_of(value, TYPES);
        (is_name && !is_json && !value.starts_with(['@', '<', '{', '$'])).then(|| {
            let text = format!("`{value}` after `:=` is not JSON");
            let fix = format!("`{name}={value}` for a string");
            Mistake::new(word.span.clone(), text, Some(fix))
        })
    })
}

/// The first word of HTTPie's arguments, if it is almost a method.
fn bad_method(words: &[Word]) -> Option<Mistake> {
    let Word { text, span } = words.first()?;
    let is_near = |method: &&&str| strsim::osa_distance(method, text) == 1;
    let near = METHODS.iter().find(is_near)?;
    let text = format!("`{text}` is not a method, did you mean `{near}`?");
    Some(Mistake::new(span.clone(), text, Some((*near).to_owned())))
}

fn is_local(word: &str) -> bool {
    word.starts_with(':') || url::names_this_machine(word)
}

/// Whether a word is a path, as pages write it whose base URL is known.
fn is_path(word: &str) -> bool {
    word.starts_with('/') && word.len() > 1 && !word.starts_with("//")
}

/// `http [OPTIONS] [METHOD] URL [NAME=TEXT] [NAME:=JSON] [NAME==QUERY] [HEADER:VALUE] [@FILE]`, with what it reads.
fn httpie(words: &[Word], stdin: Option<&str>, sends_file: bool) -> Option<WrittenRequest> {
    let is_form = words.iter().any(|word| is_one_of(&word.text, "-f --form"));
    let mut request = Request::default();
    let mut raw = stdin.map(str::trim);
    let words = httpie_options(words, &mut request, &mut raw)?;
    let mut words = words.into_iter().peekable();
    let method = words.next_if(|word| METHODS.contains(&&*word.text.to_ascii_uppercase()));
    let url = words
        .next()
        .filter(|word| is_local(&word.text) || is_path(&word.text))?;
    request.target = match url.text.strip_prefix(':') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => format!("localhost:{rest}"),
        Some(rest) => format!("localhost{rest}"),
        None => url.text.clone(),
    };
    // HTTPie encodes a space within quotes. `<new id>` is a placeholder.
    if !request.target.contains('<') {
        request.target = request.target.replace(' ', "%20");
    }
    let mut body = Map::new();
    for Word { text, .. } in words {
        httpie_item(text, &mut request, &mut body)?;
    }
    // It accepts one source of the body.
    let sources = [!body.is_empty(), raw.is_some(), sends_file];
    let sources = sources.iter().filter(|is_given| **is_given).count();
    if sources > 1 {
        return None;
    }
    request.method = match method {
        Some(method) => method.text.to_ascii_uppercase(),
        None => if sources == 0 { "GET" } else { "POST" }.to_owned(),
    };
    let field = |(name, value): (&String, &Value)| {
        let text = value.as_str().map(str::to_owned);
        (name.clone(), text.unwrap_or_else(|| value.to_string()))
    };
    let body = (!body.is_empty()).then(|| match is_form {
        true => form_urlencoded::Serializer::new(String::new())
            .extend_pairs(body.iter().map(field))
            .finish(),
        false => Value::Object(body).to_string(),
    });
    request.body = body.or(raw.map(str::to_owned));
    if request.body.is_some() {
        request.add_header(
            "Content-Type",
            if is_form { FORM } else { "application/json" },
        );
    }
    let url_span = url.span.clone();
    Some(WrittenRequest { request, url_span })
}

/// Applies the options of HTTPie that affect the request, and returns the other words without those for its output.
fn httpie_options<'a>(
    words: &'a [Word],
    request: &mut Request,
    raw: &mut Option<&'a str>,
) -> Option<Vec<&'a Word>> {
    const PRINTING: &str =
        "-v --verbose -b --body -h --headers -j --json -f --form --ignore-stdin --pretty=all";
    let mut others = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        let (name, value) = match text.split_once('=') {
            Some((name @ ("--raw" | "--auth"), value)) => (name, Some(value)),
            _ if is_one_of(text, "--raw -a --auth") => (text, Some(&*words.next()?.text)),
            _ => (text, None),
        };
        match (name, value) {
            ("--raw", value) => *raw = value,
            (_, Some(login)) => {
                let value = format!("Basic {}", BASE64_STANDARD.encode(login));
                request.add_header("Authorization", &value);
            }
            _ if is_one_of(text, PRINTING) || text.starts_with('@') => {}
            _ => others.push(word),
        }
    }
    Some(others)
}

/// Adds an item of HTTPie: `NAME=TEXT`, `NAME:=JSON`, `NAME==QUERY` or `HEADER:VALUE`.
fn httpie_item(item: &str, request: &mut Request, body: &mut Map<String, Value>) -> Option<()> {
    let at = item.find([':', '=', '@']).filter(|at| *at > 0)?;
    let (name, rest) = item.split_at(at);
    if let Some(value) = rest.strip_prefix("==") {
        request.add_query(&format!("{name}={}", encode_component(value)));
    } else if let Some(value) = rest.strip_prefix(":=") {
        insert_nested(body, name, serde_json::from_str(value).ok()?)?;
    } else if let Some(value) = rest.strip_prefix(':') {
        request.add_header(name, value);
    } else {
        // A backslash escapes.
        let value = rest.strip_prefix('=').filter(|_| !name.contains('\\'))?;
        insert_nested(body, name, value.into())?;
    }
    Some(())
}

/// How many items an array of a command line may have.
const MAX_ITEMS: usize = 1000;

/// Inserts the value of `a[b][c]=1`, `a[]=1` or `a[0]=1` as HTTPie nests it; `None` for what HTTPie rejects and for long
/// arrays.
fn insert_nested(body: &mut Map<String, Value>, name: &str, value: Value) -> Option<()> {
    let (first, mut rest) = name.split_at(name.find('[').unwrap_or(name.len()));
    if first.is_empty() {
        return None;
    }
    let mut at = body.entry(first).or_insert(Value::Null);
    while !rest.is_empty() {
        let (key, next) = rest.strip_prefix('[')?.split_once(']')?;
        let index = match key.parse::<usize>() {
            Ok(index) if index < MAX_ITEMS => Some(index),
            Ok(_) => return None,
            Err(_) => None,
        };
        if at.is_null() {
            *at = match key.is_empty() || index.is_some() {
                true => Value::Array(Vec::new()),
                false => Value::Object(Map::new()),
            };
        }
        at = match (at, index) {
            (Value::Array(items), index) if key.is_empty() || index.is_some() => {
                let index = index.unwrap_or(items.len());
                items.resize(items.len().max(index + 1), Value::Null);
                &mut items[index]
            }
            (Value::Object(members), None) if !key.is_empty() => {
                members.entry(key).or_insert(Value::Null)
            }
            _ => return None,
        };
        rest = next;
    }
    *at = value;
    Some(())
}

/// `wget -qO- [--method=M] [--header=H] [--body-data=D] URL`.
fn wget(words: &[Word]) -> Option<WrittenRequest> {
    let mut written = WrittenRequest::default();
    written.request.method = "GET".to_owned();
    for Word { text, span } in words {
        let request = &mut written.request;
        match text.split_once('=').unwrap_or((text, "")) {
            ("-qO-" | "-q" | "-O" | "-O-" | "-" | "-nv" | "--quiet" | "-S", _) => {}
            // wget sends it in upper case.
            ("--method", method) => request.method = method.to_ascii_uppercase(),
            ("--header", header) => {
                let (name, value) = header.split_once(':')?;
                request.add_header(name.trim(), value.trim());
            }
            ("--body-data", body) => request.body = Some(body.to_owned()),
            ("--post-data", body) => {
                request.method = "POST".to_owned();
                request.body = Some(body.to_owned());
            }
            _ if request.target.is_empty() && is_local(text) => {
                request.target = text.clone();
                written.url_span = span.clone();
            }
            _ => return None,
        }
    }
    let request = &mut written.request;
    if request.body.is_some() {
        request.default_header("Content-Type", FORM);
    }
    (!request.target.is_empty()).then_some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(text: &str) -> Option<String> {
        let found = find(text, "bash").into_iter().next()?;
        let Request {
            method,
            target,
            headers,
            body,
        } = found.written?.request;
        Some(
            format!(
                "{method} {target} {} {}",
                headers.len(),
                body.unwrap_or_default()
            )
            .trim()
            .to_owned(),
        )
    }

    #[test]
    fn simple_commands_are_requests() {
        let rows = [
            ("http :3000/users", "GET localhost:3000/users 0"),
            ("xh get :3000/users", "GET localhost:3000/users 0"),
            (
                "http GET :/users name==\"Ada L\"",
                "GET localhost/users?name=Ada%20L 0",
            ),
            (
                "$ http -b POST :3000/users name=Ada age:=36",
                "POST localhost:3000/users 1 {\"name\":\"Ada\",\"age\":36}",
            ),
            (
                "http -f POST :3000/a b=\"c d\"",
                "POST localhost:3000/a 1 b=c+d",
            ),
            ("http localhost:3000/a X-Token:1", "GET localhost:3000/a 1"),
            ("http -a ada:secret :3000/a", "GET localhost:3000/a 1"),
            (
                "http --auth=ada:secret POST :3000/a b=c",
                "POST localhost:3000/a 2 {\"b\":\"c\"}",
            ),
            (
                "❯ echo '{\"b\": 1}' | http PUT :3000/a/1",
                "PUT localhost:3000/a/1 1 {\"b\": 1}",
            ),
            (
                "http :3000/a --raw='{\"b\": 1}'",
                "POST localhost:3000/a 1 {\"b\": 1}",
            ),
            (
                "wget -qO- http://localhost:3000/a",
                "GET http://localhost:3000/a 0",
            ),
            (
                "wget -qO- --method=PUT --body-data='{}' --header='Content-Type: application/json' localhost:3000/a/1",
                "PUT localhost:3000/a/1 1 {}",
            ),
        ];
        for (command, expected) in rows {
            assert_eq!(described(command).as_deref(), Some(expected), "{command}");
        }
    }

    #[test]
    fn others_are_skipped_with_their_name() {
        let rows = [
            (
                "http --multipart :3000/users a=b",
                "bash",
                "uses options of http",
            ),
            (
                "http :3000/users file@a.txt",
                "bash",
                "uses options of http",
            ),
            (
                "wget --mirror http://localhost:3000",
                "bash",
                "uses options of wget",
            ),
            (
                "fetch(\"http://localhost:3000/a\", { method: \"POST\", body: form })",
                "js",
                "`fetch` in js",
            ),
            (
                "r = requests.post(\"http://localhost:3000/a\", files=files)",
                "python",
                "`requests.post` in python",
            ),
            (
                "Invoke-RestMethod -Uri http://localhost:3000/a -Proxy $proxy",
                "",
                "PowerShell",
            ),
        ];
        for (text, language, reason) in rows {
            let found = find(text, language);
            let Some(Problem::Skip(why)) = &found[0].problem else {
                panic!("{text}: {found:?}")
            };
            assert!(why.contains(reason), "{text}: {why}");
        }
        for text in [
            "http is a protocol",
            "fetch(url)",
            "requests to http://localhost:3000 are logged",
        ] {
            assert!(find(text, "").is_empty(), "{text}");
        }
    }
}
