//! Calls of HTTP clients in programs, as far as their values are literal: JavaScript's `fetch`, axios and jQuery, and
//! Python's `requests`. The others are only recognized, so that they can be listed as skipped.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

use super::claims::{self, Claim};
use super::comments;
use super::found::{self, FoundRequest, Problem};
use super::http_message::METHODS;
use super::labels;
use super::lenient_json;
use super::literals::{Part, Reader};
use super::service::{FORM, Request, WrittenRequest};
use super::shell::Mistake;
use super::text::{Lines, is_one_of, line_start, pattern};
use super::url::{self, encode_component};

/// A call up to its opening bracket, or a command of PowerShell.
static CALL: LazyLock<Regex> = regex!(
    r"(?x)
        (?P<call>
            (?:\$|\bjQuery)\.(?:get|post|ajax|getJSON)
          | \b(?: fetch | [aA]xios(?:\s*\.\s*\w+)? | (?:requests|httpx|\w*[hH]ttp\w*|\w*[cC]lient)\.\w+ | urlopen | ajax | got
                | (?P<made>\w+)\.(?:get|post|put|patch|delete|head|request) )
        ) (?:<[^();\n]*>)? \s* \(
      | \b(?P<command>Invoke-RestMethod | Invoke-WebRequest | irm | iwr)\s"
);

/// A call that creates a client, and sends nothing.
static CONFIGURES: LazyLock<Regex> =
    regex!(r"\.(?:create|extend|HTTPS?Connection|(?:Async)?Client|Session|session)$");

/// A URL of this machine.
pub static URL: LazyLock<Regex> =
    regex!(r#"(?:https?://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0)[^\s"'`<>)]*"#);

/// The method of a call: `method: "POST"`, `-Method Post`.
static METHOD: LazyLock<Regex> =
    regex!(r#"(?i)(?:\bmethod["']?\s*[:=]\s*|-Method\s+)["']?([A-Za-z]+)"#);

/// A client whose calls are understood.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    Fetch,
    Axios,
    JQuery,
    Python,
}

impl Client {
    fn named(name: &str) -> Option<Client> {
        match name.split('.').next()?.trim_end() {
            "fetch" => Some(Client::Fetch),
            "axios" | "Axios" => Some(Client::Axios),
            "$" | "jQuery" => Some(Client::JQuery),
            "requests" | "httpx" => Some(Client::Python),
            _ => None,
        }
    }

    /// What the arguments of a function are; `...` is an object with further ones.
    fn parameters(self, function: &str, first_is_object: bool) -> &'static [&'static str] {
        match (self, function) {
            (Client::Axios, "axios" | "Axios" | "request") | (Client::JQuery, "ajax")
                if first_is_object =>
            {
                &["..."]
            }
            (Client::Fetch, _)
            | (Client::Axios, "axios" | "Axios" | "get" | "delete" | "head" | "options")
            | (Client::JQuery, "ajax") => &["url", "..."],
            (Client::Axios, "post" | "put" | "patch") => &["url", "data", "..."],
            (Client::JQuery, "get" | "post" | "getJSON") => &["url", "data", "success", "dataType"],
            (Client::Python, "request") => &["method", "url"],
            (Client::Python, "get") => &["url", "params"],
            (Client::Python, "post") => &["url", "data", "json"],
            (Client::Python, "put" | "patch") => &["url", "data"],
            (Client::Python, "delete" | "head" | "options") => &["url"],
            _ => &[],
        }
    }
}

/// The client that a program calls by a name, and the URL in front of its paths, if the program has made it:
/// `const api = axios.create({ baseURL: "http://localhost:3000" })`.
fn client_of(text: &str, name: &str) -> Option<(Client, String)> {
    static MAKES: LazyLock<Regex> = regex!(
        r"(?:\b(?P<name>\w+)\s*=\s*|\bwith\s+)(?P<maker>axios\.create|requests\.[sS]ession|httpx\.(?:Async)?Client)\("
    );
    static ALIAS: LazyLock<Regex> = regex!(r"^\s+as\s+(?P<name>\w+)\s*:");
    let own = name.split('.').next()?;
    if let Some(client) = Client::named(name) {
        return Some((client, String::new()));
    }
    MAKES.captures_iter(text).find_map(|found| {
        let whole = found.get_match();
        let mut reader = Reader::new(text, whole.end(), whole.start());
        let arguments = reader.arguments()?;
        let alias = || ALIAS.captures(&text[reader.at..])?.name("name");
        let name = found.name("name").or_else(alias)?;
        if name.as_str() != own {
            return None;
        }
        let options = arguments.first().and_then(|(_, at)| reader.members(*at));
        let mut options = options.into_iter().flatten().chain(arguments);
        let base = options.find(|(name, _)| is_one_of(name, "baseURL base_url"));
        let base = base.and_then(|(_, at)| reader.value_at(at));
        let base = base.as_ref().and_then(Value::as_str).unwrap_or_default();
        Some((Client::named(&found["maker"])?, base.to_owned()))
    })
}

/// The next call of a client, from an offset on.
fn call_from(text: &str, mut at: usize) -> Option<Captures<'_>> {
    loop {
        let call = CALL.captures_at(text, at)?;
        if call.name("made").is_none() || client_of(text, &call["call"]).is_some() {
            return Some(call);
        }
        at = call.get_match().end();
    }
}

/// Whether a text contains a call of a client that is understood.
pub fn has_call(text: &str) -> bool {
    let mut calls = CALL.captures_iter(text);
    calls.any(|call| {
        let name = call.name("call");
        name.is_some_and(|name| client_of(text, name.as_str()).is_some())
    })
}

/// The end of the literal call that a text begins with, maybe in an assignment.
pub fn call_end(text: &str) -> Option<usize> {
    static BEFORE: LazyLock<Regex> =
        regex!(r"^(?:(?:(?:const|let|var)\s+)?\w+\s*=\s*)?(?:(?:await|return)\s+)?");
    let start = BEFORE.find(text)?.end();
    let call = CALL.captures_at(text, start)?;
    if call.get_match().start() != start {
        return None;
    }
    let (_, end, is_literal) = read(text, &call)?;
    is_literal.then_some(end)
}

/// The calls of a text in a language.
pub fn find(text: &str, language: &str) -> Vec<FoundRequest> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(call) = call_from(text, at) {
        let whole = call.get_match();
        at = whole.end();
        let name = call.name("call").map_or("", |name| name.as_str());
        if CONFIGURES.is_match(name) {
            continue;
        }
        let client = match name {
            "" => "PowerShell".to_owned(),
            _ if language.is_empty() => format!("`{name}`"),
            _ => format!("`{name}` in {language}"),
        };
        let reason = format!("a request of {client}, which is not run");
        let mut request = FoundRequest::default();
        if let Some((written, end, is_literal)) = read(text, &call) {
            request.span = whole.start()..end;
            let is_literal = is_literal && !in_comment(text, whole.start());
            let in_object = missing_comma(&text[request.span.clone()]);
            let comma = in_object.map(|comma| request.span.start + comma);
            let comma = comma.or_else(|| missing_between_arguments(text, whole.end()));
            let data = || data_option(&text[request.span.clone()]);
            request.problem = Some(match found::placeholder(&written.request) {
                _ if let Some(comma) = comma => comma_after(comma),
                _ if let Some(option) = data() => {
                    let start = request.span.start;
                    let span = start + option.start..start + option.end;
                    let text = "`fetch` has no option `data`, so no body is sent";
                    Problem::Mistakes(vec![Mistake::new(span, text, Some("body".to_owned()))])
                }
                _ if !is_literal => Problem::Skip(reason),
                Some(_) => Problem::Template,
                None => Problem::Program(reason),
            });
            if is_literal {
                let said = claims::in_program(text, &request.span);
                request.claims = said.claims;
                request.prints = said.prints;
                request.output = output(text, end..next_call(text, end), &request.claims);
            }
            request.written = Some(written);
        } else if let Some(written) = not_literal(text, &call) {
            at = written.url_span.end;
            request.span = whole.start()..at;
            request.problem = Some(match missing_between_arguments(text, whole.end()) {
                Some(comma) if !name.is_empty() => comma_after(comma),
                _ => Problem::Skip(reason),
            });
            request.written = Some(written);
        }
        if request.written.is_some() {
            found.push(request);
        }
    }
    found
}

/// Where a call of `fetch` has `data`, the option of axios for the body, in place of `body`.
fn data_option(call: &str) -> Option<Range<usize>> {
    static DATA: LazyLock<Regex> =
        regex!(r"^fetch\b[^{]*\{(?:[^{}]|\{[^{}]*\})*?[{,\s](?P<data>data)\s*:");
    static BODY: LazyLock<Regex> = regex!(r"\bbody\b");
    let found = DATA.captures(call).filter(|_| !BODY.is_match(call))?;
    Some(found.name("data")?.range())
}

/// The mistake of a comma that is missing after an offset.
fn comma_after(at: usize) -> Problem {
    let mistake = Mistake::new(at..at + 1, "a comma is missing after this", None);
    Problem::Mistakes(vec![mistake])
}

/// Where a call that cannot be read lacks a comma: after its URL, or at the end of a line above another option.
fn missing_between_arguments(text: &str, start: usize) -> Option<usize> {
    static BEFORE_OPTIONS: LazyLock<Regex> =
        regex!(r#"^\s*(?:"[^"\n]*"|'[^'\n]*'|`[^`\n]*`)\s*\{"#);
    static BEFORE_OPTION: LazyLock<Regex> = regex!(
        r#"^\s*(?:"[^"\n]*"|'[^'\n]*'|`[^`\n]*`)\s*,\s*\{\s*method\s*:\s*(?:"\w+"|'\w+')[ \t]*\r?\n\s*(?:headers|body|mode|cache|credentials)\s*[:,]"#
    );
    let arguments = &text[start..];
    let last_byte = |part: &str| start + part.trim_end().len() - 1;
    if let Some(found) = BEFORE_OPTIONS.find(arguments) {
        return Some(last_byte(&arguments[..found.end() - 1]));
    }
    let found = BEFORE_OPTION.find(arguments)?;
    let (above, _) = found.as_str().rsplit_once('\n')?;
    Some(last_byte(above))
}

/// Where an object in a call lacks a comma.
fn missing_comma(call: &str) -> Option<usize> {
    let mut objects = call.match_indices('{').map(|(at, _)| at);
    objects.find_map(|at| Some(at + lenient_json::missing_comma(&call[at..])?))
}

/// Where the next call begins, or the text ends.
fn next_call(text: &str, at: usize) -> usize {
    call_from(text, at).map_or(text.len(), |next| next.get_match().start())
}

/// The request of a call whose URL begins with literal text, where the call ends, and whether all its values are literal.
fn read(text: &str, call: &Captures<'_>) -> Option<(WrittenRequest, usize, bool)> {
    let (whole, name) = (call.get_match(), call.name("call")?);
    let (client, base) = client_of(text, name.as_str())?;
    let function = name.as_str().rsplit('.').next()?.trim_start();
    let mut reader = Reader::new(text, whole.end(), whole.start());
    let parts = parts(client, function, &mut reader)?;
    let part = |name: &str| parts.iter().find(|(own, _)| own == name).map(|(_, at)| *at);
    let known = |name: String| METHODS.contains(&name.as_str()).then_some(name);
    let method = match part("method").or_else(|| part("type")) {
        Some(at) => known(reader.value_at(at)?.as_str()?.to_uppercase())?,
        // The options may name another one.
        None if part("...").is_some() => known(function.to_uppercase()).unwrap_or_default(),
        None => known(function.to_uppercase()).unwrap_or_else(|| "GET".to_owned()),
    };
    let at = part("url")?;
    let url = reader.value_at(at);
    let mut is_literal = url.is_some();
    let mut target = url.or_else(|| reader.partial_at(at))?.as_str()?.to_owned();
    let span = reader.span(at);
    let inside = span.start + 1..span.end.saturating_sub(1);
    let is_quoted = text.get(inside.clone()) == Some(target.as_str());
    let url_span = if is_quoted { inside } else { span };
    let base = match part("baseURL") {
        Some(base) => reader.value_at(base)?.as_str()?.to_owned(),
        None => base,
    };
    if !base.is_empty() && !target.contains("://") {
        let base = base.trim_end_matches('/');
        target = format!("{base}/{}", target.trim_start_matches('/'));
    }
    // A path is that of the page's own server.
    let is_path = target.starts_with('/') && !target.starts_with("//") && client != Client::Python;
    if !is_path {
        url::this_machine(&target)?;
    }
    let mut request = Request {
        method,
        target,
        ..Request::default()
    };
    is_literal &= add(client, &reader, &parts, &mut request).is_some();
    Some((WrittenRequest { request, url_span }, reader.at, is_literal))
}

/// The arguments of a call and the members of its options.
fn parts(client: Client, function: &str, reader: &mut Reader<'_>) -> Option<Vec<Part>> {
    let arguments = reader.arguments()?;
    let first = arguments.first().and_then(|(_, at)| reader.members(*at));
    let mut names = client.parameters(function, first.is_some()).iter().copied();
    let mut parts = Vec::new();
    for (keyword, at) in arguments {
        if !keyword.is_empty() {
            parts.push((keyword, at));
            continue;
        }
        let is_callback = client == Client::JQuery && reader.is_function(at);
        match (names.next()?, reader.members(at)) {
            ("...", Some(members)) => parts.extend(members),
            _ if is_callback => parts.push(("success".to_owned(), at)),
            (name, _) => parts.push((name.to_owned(), at)),
        }
    }
    Some(parts)
}

/// Adds headers, query and body to a request.
fn add(client: Client, reader: &Reader<'_>, parts: &[Part], request: &mut Request) -> Option<()> {
    // Options that do not change the request.
    const OTHERS: &str = "url method type baseURL mode cache credentials redirect keepalive signal referrerPolicy next timeout \
        withCredentials maxBodyLength responseType success error complete done fail dataType crossDomain async verify \
        allow_redirects stream";
    let mut body = None;
    for (name, at) in parts {
        let value = || reader.value_at(*at);
        match name.as_str() {
            "headers" => {
                for (name, value) in value()?.as_object()? {
                    request.add_header(name, value.as_str()?);
                }
            }
            "contentType" => request.add_header("Content-Type", value()?.as_str()?),
            _ if name == "params"
                || name == "data" && client == Client::JQuery && request.method == "GET" =>
            {
                for (name, value) in fields(client, &value()?)? {
                    let (name, value) = (encode_component(&name), encode_component(&value));
                    request.add_query(&format!("{name}={value}"));
                }
            }
            "body" | "data" | "json" => {
                let value = value()?;
                if !value.is_null() {
                    body = Some(sent(client, name, &value)?);
                }
            }
            name if is_one_of(name, OTHERS) => {}
            _ => return None,
        }
    }
    if let Some((text, content_type)) = body {
        request.body = Some(text);
        if !content_type.is_empty() {
            request.default_header("Content-Type", content_type);
        }
    }
    Some(())
}

/// The body that a client sends for a value, and its content type.
fn sent(client: Client, name: &str, value: &Value) -> Option<(String, &'static str)> {
    match (client, value) {
        (Client::Fetch, Value::String(text)) => Some((text.clone(), "text/plain;charset=UTF-8")),
        (Client::Fetch, _) => None,
        (Client::Python, value) if name == "json" => Some((value.to_string(), "application/json")),
        (Client::Python, Value::String(text)) => Some((text.clone(), "")),
        (_, Value::String(text)) => Some((text.clone(), FORM)),
        (Client::Axios, value) => Some((value.to_string(), "application/json")),
        (Client::JQuery | Client::Python, value) => {
            let fields = fields(client, value)?;
            let mut form = form_urlencoded::Serializer::new(String::new());
            Some((form.extend_pairs(fields).finish(), FORM))
        }
    }
}

/// The members of an object as the fields of a query or form.
fn fields(client: Client, value: &Value) -> Option<Vec<(String, String)>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is) if client == Client::Python => {
            Some(if *is { "True" } else { "False" }.to_owned())
        }
        Value::Bool(is) => Some(is.to_string()),
        _ => None,
    };
    let members = value.as_object()?.iter();
    let members = members.filter(|(_, value)| !value.is_null());
    let fields = members.map(|(name, value)| Some((name.clone(), text(value)?)));
    fields.collect()
}

/// Whether an offset is in a comment.
fn in_comment(text: &str, at: usize) -> bool {
    let above = &text[..at];
    let line = above[line_start(text, at)..].trim_start();
    line.starts_with("//") || line.starts_with('#') || above.rfind("/*") > above.rfind("*/")
}

/// The URL and the method of a call that is not literal: the URL within it, and its method.
fn not_literal(text: &str, call: &Captures<'_>) -> Option<WrittenRequest> {
    let (whole, name) = (
        call.get_match(),
        call.name("call").or(call.name("command"))?,
    );
    let next = next_call(text, whole.end());
    let mut reader = Reader::new(text, whole.end(), whole.start());
    let is_read = client_of(text, name.as_str()).is_some() && reader.arguments().is_some();
    let end = if is_read { reader.at } else { next };
    let url = URL.find(text[whole.end()..end].split(';').next()?)?;
    let url_span = whole.end() + url.start()..whole.end() + url.end();
    let given = METHOD.captures(&text[whole.start()..end.max(next)]);
    let named = name.as_str().rsplit('.').next().unwrap_or_default();
    let method = given.as_ref().map_or(named, |found| &found[1]);
    let method = Some(method.to_ascii_uppercase());
    let method = method.filter(|method| METHODS.contains(&method.as_str()));
    let request = Request {
        method: method.unwrap_or_default(),
        target: url.as_str().to_owned(),
        ..Request::default()
    };
    Some(WrittenRequest { request, url_span })
}

/// What a program prints, or the status, in a comment after or below a call, or as the output of a session.
fn output(text: &str, range: Range<usize>, claims: &[Claim]) -> Option<Range<usize>> {
    // In a session the value of an expression is printed below it.
    static BODY: LazyLock<Regex> = regex!(r"^(?:>>> .*)?\.json\(\)\)?\s*$");
    let content = comments(text);
    let mut is_shown = false;
    let end = range.end.min(claims::end_of_case(text, range.start));
    let lines = Lines::new(&content[..end], range.start);
    for (line, at) in lines {
        if is_shown && line.starts_with(['{', '[']) {
            let length = lenient_json::printed_end(&content[at..end])?;
            return Some(at..at + length);
        }
        is_shown = text.trim_start().starts_with(">>> ") && BODY.is_match(line);
        let Some((code, _)) = line.split_once('#') else {
            continue;
        };
        let comment = at + code.len();
        let length = comments::comment_output(&content[comment..end]);
        let shown = comment..comment + length;
        let mut claims = claims.iter();
        if claims.any(|claim| shown.contains(&claim.range.start)) {
            continue;
        }
        let uncommented = comments::uncomment(&content[shown.clone()]);
        let read = lenient_json::parse_literals(&uncommented, true);
        if read.is_ok_and(|read| read.body.is_some() && length > 0) {
            return Some(shown);
        }
    }
    None
}

/// A program with `#` in place of `//` before comments; offsets stay valid.
pub fn comments(text: &str) -> Cow<'_, str> {
    static MARK: LazyLock<Regex> = regex!(r"(?m)(^|\s)//");
    MARK.replace_all(text, "$1# ")
}

/// Whether a text is what a program prints: JSON, as its language writes it, or a status.
pub fn is_printed(text: &str) -> bool {
    let read = lenient_json::parse_literals(&comments::uncomment(&comments(text)), true);
    read.is_ok_and(|read| read.body.is_some() || read.head.is_some())
}

/// How a program prints something.
static PRINT: LazyLock<Regex> = regex!(r"\b(?:console\.(?:log|dir|table)|p?print|pp)\b\s*\(?");

/// Whether a program prints something other than the response, or may do so.
pub fn prints_other(text: &str) -> bool {
    static CHANGE: LazyLock<Regex> = regex!(
        r"\.(?:map|filter|find|slice|reduce|flatMap|forEach|length|at)\b|\{\s*(?:\.\.\.|\*\*)|\bfor\s*\(|\bfor\s+\w+\s+in\b|\bsorted\(|\blen\(|\bObject\.|[\w)]\[[\d\x22\x27]|\.data\.\w|\.json\(\)\.(?:get|keys|values|items)\b"
    );
    // A name, or the body or status of what it stands for, maybe as JSON; or a fixed text.
    static PLAIN: LazyLock<Regex> = regex!(
        r"^(?:JSON\.stringify\(|json\.dumps\()?(?:await )?(?P<name>\w+)(?P<part>\.(?:data|json\(\)|text(?:\(\))?|content|status|status_code))?(?:,[^()]*)?\)?$|^[\x22'`][^\x22'`$]*[\x22'`]$"
    );
    static BODY: LazyLock<Regex> = regex!(r"\.json\(\)\)\s*\.then\($");
    let is_other = |print: regex::Match<'_>| {
        if !print.as_str().ends_with('(') {
            return !BODY.is_match(&text[..print.start()]);
        }
        let span = Reader::new(text, print.end(), print.end()).span(print.end());
        let (shown, rest) = (&text[span.clone()], text[span.end..].trim_start());
        let is_plain = PLAIN.captures(shown).is_some_and(|found| {
            let name = found.name("name").map_or("", |name| name.as_str());
            name.is_empty() || found.name("part").is_some() || is_body(text, name)
        });
        let is_call = shown.ends_with(".json()") && has_call(shown);
        (!is_plain || rest.starts_with(',')) && !is_call && !is_error(text, shown)
    };
    CHANGE.is_match(text) || claims::changes(text) || PRINT.find_iter(text).any(is_other)
}

/// Whether a name stands for the whole body of a response.
fn is_body(text: &str, name: &str) -> bool {
    let set = pattern(&format!(
        r"(?m)\b{name}\s*=\s*.*\.(?:json\(\)|data|text(?:\(\))?)\)?[;\s]*$|\b(?:then|success|done|function|async)[^\w\[{{]+{name}\b|\bdata:\s*{name}\b"
    ));
    static DATA: LazyLock<Regex> =
        regex!(r"\{\s*(?:\w+,\s*)*data\s*(?:,[^{}]*)?\}\)?\s*=|(?:then|async)\W+data\b");
    set.is_match(text) || name == "data" && DATA.is_match(text)
}

/// Whether what is printed is an error that was caught.
fn is_error(text: &str, shown: &str) -> bool {
    let mut names = shown.split(|c: char| !c.is_alphanumeric());
    let name = names.next().unwrap_or_default();
    let caught = pattern(&format!(r"\bcatch\W+(?:function\W+)?{name}\b|\bas {name}:"));
    !name.is_empty() && caught.is_match(text)
}

/// Whether a label is that of what a program prints.
pub fn is_output_label(label: &str) -> bool {
    static PRINTED: LazyLock<Regex> = regex!(
        r"(?i)\b(?:outputs?|prints?|printed|console|terminal|logs?|logged|shows?|displays?|stdout|results?|ausgabe|ergebnis|salida|resultado|sortie|résultat|saída|risultato|вывод|результат|консол\w+)\b|出力|输出|结果|結果"
    );
    PRINTED.is_match(label)
}

/// Whether a label is that of what a program prints, and names no other case: "Output:", but not "Output before the fix:".
pub fn is_plain_output_label(label: &str) -> bool {
    const PLAIN: &str = "output outputs print prints printed result results console terminal stdout log logs logged shows displays the this it script program code example sample \
         expected will should you see get running run is ausgabe ergebnis salida resultado sortie résultat saída esperada esperado attendue erwartete risultato вывод результат";
    let mut words = labels::words(label).into_iter();
    is_output_label(label) && words.all(|word| is_one_of(&word, PLAIN) || !word.is_ascii())
}

/// The output below the command that runs a program: `$ node app.js`.
pub fn run_output(text: &str) -> Option<Range<usize>> {
    static RUN: LazyLock<Regex> =
        regex!(r"^[^\w\n]*(?:node|python3?|py|deno run|bun|npx tsx|ts-node)\s+[\w./-]+\s*\n");
    let start = RUN.find(text)?.end();
    let is_json = text[start..].starts_with(['{', '[']);
    is_json.then_some(start..text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The calls of a text: method, path, content type and body, and what is shown for them; `-` before those that are
    /// not run. `@` is the address of the server.
    fn described(text: &str) -> Vec<String> {
        let text = text.replace('@', "http://localhost:3000");
        let describe = |found: FoundRequest| {
            let is_run = found.program().is_some();
            let WrittenRequest { request, url_span } = found.written.unwrap();
            assert!(
                text.get(found.span).is_some() && text.get(url_span).is_some(),
                "{text}"
            );
            let path = request.target.trim_start_matches("http://localhost:3000");
            let mut seen = format!(
                "{}{} {path}",
                if is_run { "" } else { "- " },
                request.method
            );
            let content_type = request.header("content-type");
            seen.extend(content_type.map(|kind| format!(" {}", kind.split('/').nth(1).unwrap())));
            seen.extend(request.body.map(|body| format!(" {body}")));
            seen.extend(
                found
                    .output
                    .map(|shown| format!(" => {}", text[shown].trim())),
            );
            seen
        };
        find(&text, "").into_iter().map(describe).collect()
    }

    #[test]
    fn literal_calls_are_requests() {
        let rows = [
            ("fetch('@/a')", "GET /a"),
            ("fetch(`@/a`, {})", "GET /a"),
            (
                "fetch(\"@/a\", {\n  method: 'post',\n  headers: { 'Content-Type': 'application/json' },\n  body: JSON.stringify({ b: 1, 'c': [true, null], }, null, 2), // it\n})",
                "POST /a json {\"b\":1,\"c\":[true,null]}",
            ),
            (
                "fetch('@/a/1', { method: \"DELETE\", signal: stop.signal })",
                "DELETE /a/1",
            ),
            (
                "fetch('@/a', { method: 'POST', body: JSON.stringify({ b: `c` }) })",
                "POST /a plain;charset=UTF-8 {\"b\":\"c\"}",
            ),
            (
                "const { data } = await axios.get<User[]>('@/a', { params: { b: 1, c: 'd e' } });",
                "GET /a?b=1&c=d%20e",
            ),
            ("axios\n  .get('@/a')\n  .then(f)", "GET /a"),
            (
                "axios.post('@/a', { b: 'it\\'s' }, { timeout: 5 })",
                "POST /a json {\"b\":\"it's\"}",
            ),
            (
                "axios({ method: 'put', url: '@/a/1', data: { b: 1 } })",
                "PUT /a/1 json {\"b\":1}",
            ),
            ("Axios.request({ url: '/a', baseURL: '@/' })", "GET /a"),
            ("axios.delete('@/a/1')", "DELETE /a/1"),
            (
                "const api = axios.create({ baseURL: '@' });\nconst { data } = await api.post('/a', { b: 1 });",
                "POST /a json {\"b\":1}",
            ),
            ("s = requests.Session()\nr = s.get('@/a')", "GET /a"),
            (
                "with httpx.Client(base_url=\"@\") as client:\n    r = client.delete('/a/1')",
                "DELETE /a/1",
            ),
            ("$.get('@/a', function (data) { f(data, [1]) })", "GET /a"),
            (
                "$.post('@/a', { b: 1 }, ok)",
                "POST /a x-www-form-urlencoded b=1",
            ),
            (
                "$.ajax({ url: '@/a', type: 'PATCH', contentType: 'application/json', data: JSON.stringify({ b: 1 }), success(x) { f(x) } })",
                "PATCH /a json {\"b\":1}",
            ),
            (
                "r = requests.get('@/a', params={'b': 1, 'c': True, 'e': None})",
                "GET /a?b=1&c=True",
            ),
            (
                "requests.post(\n  '@/a',\n  json={'b': True, \"c\": None},  # a user's\n  timeout=3,\n)",
                "POST /a json {\"b\":true,\"c\":null}",
            ),
            (
                "requests.put('@/a/1', data=json.dumps({'b': 1}), headers={'Content-Type': 'application/json'})",
                "PUT /a/1 json {\"b\": 1}",
            ),
            (
                "requests.request('PATCH', '@/a/1', data={'b': 1})",
                "PATCH /a/1 x-www-form-urlencoded b=1",
            ),
        ];
        for (text, expected) in rows {
            let expected = expected.replace("{\"b\": 1}", "{\"b\":1}");
            assert_eq!(described(text), [expected], "{text}");
        }
    }

    #[test]
    fn names_that_are_set_above_are_literal() {
        let rows = [
            ("const API = '@';\nfetch(API + '/a');", "GET /a"),
            ("const API: string = '@'\nfetch(`${API}/a`)", "GET /a"),
            (
                "base = '@/a'\nurl = f\"{base}/1\"\nrequests.get(url)",
                "GET /a/1",
            ),
            (
                "const user = { b: 1 };\nconst options = { method: 'POST', body: JSON.stringify(user), headers: { 'Content-Type': 'application/json' } };\nfetch('@/a', options).then(user => f(user))",
                "POST /a json {\"b\":1}",
            ),
            (
                "const method = 'DELETE';\nconst url = '@/a/1';\naxios({ method, url })",
                "DELETE /a/1",
            ),
            (
                "url = '@/a'\nrequests.get(url)\nurl = '@/b'\nrequests.get(url)",
                "GET /a GET /b",
            ),
            // It may be another value at the call.
            (
                "const user = { b: 1 };\nuser.b = f();\naxios.post('@/a', user)",
                "- POST /a",
            ),
            (
                "const user = { b: 1 };\nfunction add(user) {\n  return axios.post('@/a', user);\n}",
                "- POST /a",
            ),
            ("url = '@/a'\nurl = find()\nrequests.get(url)", ""),
            ("for url in urls:\n  requests.get(url)\nurl = '@/a'", ""),
            ("let url = '@/a';\nurl += '/1';\nfetch(url)", ""),
            ("const url = url + '@';\nfetch(url)", ""),
        ];
        for (text, expected) in rows {
            assert_eq!(described(text).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn others_are_not_run() {
        let rows = [
            ("fetch(url)", ""),
            ("fetch('//a')", ""),
            ("requests.get('/a')", ""),
            ("fetch('https://api.example.com/a')", ""),
            ("fetch('@/a/' + id)", "- GET /a/${...}"),
            ("fetch(`@/a/${id}`)", "- GET /a/${id}"),
            (
                "base = '@'\nrequests.put(f'{base}/a/{id}', json=a)",
                "- PUT /a/${id}",
            ),
            ("fetch('@/a', options)", "-  /a"),
            (
                "fetch('@/a', { method: 'POST', body: JSON.stringify(user) })",
                "- POST /a",
            ),
            (
                "fetch('@/a', { method: 'POST', body: JSON.stringify({ name }) })",
                "- POST /a",
            ),
            (
                "fetch('@/a', { method: 'POST', body: JSON.stringify({ a: 1, ...b }) })",
                "- POST /a",
            ),
            (
                "fetch('@/a', { method: 'POST', body: JSON.stringify({ a: 1, ... }) })",
                "- POST /a",
            ),
            (
                "fetch('@/a', { method: 'POST', body: { a: 1 } })",
                "- POST /a",
            ),
            ("fetch('@/a', { method: 'POST'", "- POST /a"),
            ("axios.post('@/a', { name: input.value })", "- POST /a"),
            ("axios.post('@/a', user ?? { a: 1 })", "- POST /a"),
            ("axios.create({ baseURL: '@' })", ""),
            ("app.get('/a', f);\ndata.get('@/a')", ""),
            ("http.client.HTTPConnection('localhost', 3000)", ""),
            ("requests.post('@/a', files=files)", "- POST /a"),
            ("requests.post('@/a', json=dict(b=1))", "- POST /a"),
            ("requests.get(url)\nrequests.get('@/a')", "GET /a"),
            ("http.Get(\"@/a\")", "- GET /a"),
            ("// fetch('@/a')", "- GET /a"),
            ("/*\n  axios.get('@/a')\n*/", "- GET /a"),
        ];
        for (text, expected) in rows {
            assert_eq!(described(text).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn what_is_printed_is_the_response() {
        let rows = [
            (
                "fetch('@/a').then(r => r.json()).then(console.log); // { b: 1 }",
                "GET /a => // { b: 1 }",
            ),
            (
                "const a = await axios.get('@/a');\nconsole.log(a.data);\n// [\n//   { b: 'c' }, // it\n// ]\nawait axios.get('@/d');",
                "GET /a => // [\n//   { b: 'c' }, // it\n// ] GET /d",
            ),
            (
                "r = requests.get('@/a')\nprint(r.status_code)  # 200\nprint(r.json())  # {'b': None}",
                "GET /a => # {'b': None}",
            ),
            (
                "r = requests.get('@/a')\nprint(r.status_code)  # 404 Not Found",
                "GET /a",
            ),
            (
                "r = requests.get('@/a')\nprint(len(r.json()))  # 100",
                "GET /a",
            ),
            (
                ">>> requests.get('@/a').json()\n{'b': True}\n>>> 1",
                "GET /a => {'b': True}",
            ),
            (">>> requests.get('@/a').json()[0]\n{'b': True}", "GET /a"),
            ("axios.get('@/a') // { b: string }", "GET /a"),
            (
                "try {\n  await axios.get('@/a');\n} catch (e) {\n  f(e); // { error: 'b' }\n}",
                "GET /a",
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(described(text).join(" "), expected, "{text}");
        }
        for (text, is_other) in [
            (
                "const a = await r.json();\nconsole.log(a); console.log('done')",
                false,
            ),
            (
                "r.json()).then((a) => console.log(a)).catch(e => console.log(e.message))",
                false,
            ),
            (
                "const { status, data } = await f();\nconsole.log(status);",
                true,
            ),
            (
                "const { status, data } = await f();\nconsole.log(data);",
                false,
            ),
            ("axios.get(a).then(({ data }) => console.log(data))", false),
            ("f().then(r => r.json()).then(console.log)", false),
            ("print(json.dumps(r.json(), indent=2))", false),
            (
                "print(requests.get('http://localhost:3000/a').json())",
                false,
            ),
            ("console.log(JSON.stringify(r.data, null, 2))", false),
            ("const [a] = await r.json();\nconsole.log(a)", true),
            ("const { a } = await r.json();\nconsole.log(a)", true),
            (
                "f().then(({ data: { id, ...rest } }) => console.log(rest))",
                true,
            ),
            ("f().then(console.log)", true),
            ("console.log(r.data.name)", true),
            ("console.log('It is', a.data)", true),
            ("print(r.json()['name'])", true),
            ("print(f'{r}')", true),
            ("const names = r.data.map(f)", true),
        ] {
            assert_eq!(prints_other(text), is_other, "{text}");
        }
        assert_eq!(run_output("$ node a.js\n{ b: 1 }\n"), Some(12..21));
        assert_eq!(run_output("$ node a.js\nlistening\n"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(value in "[-\\PC\n`'\"${}()\\[\\]:,=#/+]{0,30}") {
            let _ = described(&format!("fetch({value}"));
            let _ = described(&format!("a = {value}\naxios.post('@/a', a, {value}"));
            let _ = described(&format!("fetch('@/a', {{ body: {value}"));
            let _ = (prints_other(&value), run_output(&value), call_end(&value));
        }
    }
}
