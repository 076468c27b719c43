//! How a page names a request without a command: in a heading, a label, a sentence, or fields.

use std::sync::LazyLock;

use regex::Regex;

use super::blocks::{Block, Heading};
use super::http_message;
use super::labels::{self, Announces};
use super::lenient_json;
use super::status_text;
use super::text::{is_one_of, pattern};
use super::url;

/// A heading or line that is a method and a path after a label or number, and what may follow: the status of the response
/// ("GET /users → 200 OK"), a body ("PATCH /users/1 with {...}"), or words that lead to what is below it ("GET /users/1
/// returns one user:").
static ENDPOINT: LazyLock<Regex> = regex!(
    r"(?x)^[\s*_`]*(?:\d+[.)]\s+)?(?:(?P<label>[^:：.]{1,40})[:：][\s*_`]*)?
            (?P<method>(?i:GET|POST|PUT|PATCH|DELETE))[\s*_`]+
            (?P<url>(?:https?://localhost|localhost|\{\{?\w+\}\}?)?[^\s`]*/[^\s`]*)
            (?:[\s*_`]+[^\p{L}\p{N}\s`\[{/]+\s*(?P<status>(?:[^:.\n]*\s)?[1-5]\d\d\b[^:.\n]*)
                |\s[^:]{0,120}:
                |\s+(?:with|mit|avec|con|com)\s+(?:\p{L}+\s+){0,4}?:?\s*(?P<body>\{.+\}))?[\s*_`]*$"
);

/// An endpoint in a heading, or at the beginning of a paragraph and with a description: "Get one (GET /users/1)",
/// "**GET** `/users/1`: one user".
static IN_HEADING: LazyLock<Regex> = regex!(
    r"\b(?P<method>GET|POST|PUT|PATCH|DELETE)\b[\s:\])*_`|–—-]{1,6}(?P<url>(?:(?:https?://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?|\{\{?\w+\}\}?)?/[^\s`)\]]*)"
);
static DESCRIBED: LazyLock<Regex> = regex!(
    r"^[^\p{L}\d/{]*(?:\d+[.)]\s+)?(?P<method>GET|POST|PUT|PATCH|DELETE)\b[\s:\])*_`|–—-]{1,6}(?P<url>(?:(?:https?://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?|\{\{?\w+\}\}?)?/(?::\w+|/:\w+|[^\s`)\]:])*)[`)\]]*(?:\s*[–—:|(=→-]\s*(?P<words>[^\n]{1,120})|(?:[ \t]*\n[^\n]{1,300}){1,3}|(?P<sentence>\s[^\n]{1,300})|:?\s*)$"
);

/// An instruction: "Select `POST` and enter `{{base_url}}/users`", "Send a GET request to /users".
static INSTRUCTION: LazyLock<Regex> = regex!(
    r"(?x)\b(?i:select|choose|pick|set|use|method|send|make|create|issue|call|perform|submit|wähle|wählen|sende|elige|selecciona|envía|
                choisis|choisissez|envoie|envoyez|escolha|selecione|envie)\b
            [^.]{0,60}?\b(?P<method>GET|POST|PUT|PATCH|DELETE)\b
            (?: .{0,80}? (?P<url>(?:\{\{?\w+\}\}?|https?://localhost|localhost)[^\s,;]*/[\w/?&=\[\]{}.%:-]*[\w/}\]])
              | [^.]{0,30}?\s(?:to|for|on|at|an|auf|à|a|para|sur)\s+ (?P<path>/[\w/?&=\[\]{}.%:-]*[\w/}\]]))"
);

/// A sentence that names a request and says what it returns: "Calling `GET /users/1` returns:", "If you open `/users/1`
/// in a browser, you see:".
static SENTENCE: LazyLock<Regex> = regex!(
    r"(?x)\b(?: (?P<method>GET|POST|PUT|PATCH|DELETE)\b (?:[-\s]+\p{L}+){0,3}? |
                (?i:request\w*|open\w*|visit\w*|fetch\w*|call\w*|query\w*|(?:go|head|navigate|browse)\s+(?:over\s+)?to|point|load\w*|hit|try|enter|ruf\w*|
                    öffne\w*|besuch\w*|ouvre\w*|visite\w*|abr\w+)\b [^./]{0,30}? )
            \s+(?P<url>(?:(?:https?://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?|\{\{?\w+\}\}?)?/[\w/?&=\[\]{}.%:,-]*[\w}\]])"
);

/// A URL of this machine in an instruction, and the method of one: "向 `http://localhost:3000/users` 发出 `GET` 请求".
static URL_OF_HERE: LazyLock<Regex> = regex!(
    r"(?:(?:http://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?|\{\{?\w+\}\}?)/(?:[A-Za-z0-9_\u{c0}-\u{24f}\u{400}-\u{4ff}/?&=.%:~+{}-]*[A-Za-z0-9_\u{c0}-\u{24f}\u{400}-\u{4ff}/}])?"
);
static ANY_METHOD: LazyLock<Regex> = regex!(
    r"(?:^|[^A-Za-z0-9_/])(?P<method>GET|POST|PUT|PATCH|DELETE|(?i:get|post|put|patch|delete)\s?(?:请求|請求|リクエスト|요청|requests?\b|requisição|petición|requête|запрос))"
);

/// Words of a step that chooses the method or enters the URL of a request in a client such as Postman.
const STEP: &str = "select choose pick set change switch enter type paste input method url address endpoint dropdown field \
     wähle wählen gib eingeben elige selecciona introduce escribe choisis choisissez saisis saisissez escolha selecione digite insira";

/// Fields of a request in a paragraph: `Request URL: http://localhost:3000/users`, `Request Method: GET`.
static URL_FIELD: LazyLock<Regex> = LazyLock::new(|| {
    let value =
        r"\s*(?:[:：]|--?>|=>)[\s`]*(?P<url>(?:(?:https?://|localhost|\{)[^\s`]*)?/[^\s`]*)";
    pattern(&[r"(?i)(?:^|\s)", labels::URL, value].concat())
});
static METHOD_FIELD: LazyLock<Regex> = LazyLock::new(|| {
    let value = r")\s*(?:[:：]|--?>|=>)[\s`]*(?P<method>GET|POST|PUT|PATCH|DELETE)\b";
    pattern(&[r"(?:^|\s)(?i:", labels::METHOD, value].concat())
});

/// A heading of API Blueprint: `List users [GET /users]`, or `List users [GET]` below `Users [/users]`.
static BLUEPRINT: LazyLock<Regex> =
    regex!(r"\[(?:(?P<method>GET|POST|PUT|PATCH|DELETE)\s*)?(?P<url>/[^\]\s]*)?\]\s*$");

/// A parameter of API Blueprint with its value: `id: 1 (number) - the record`.
static VALUE: LazyLock<Regex> = regex!(r"^(?P<name>\w+)\s*[:=]\s*`?(?P<value>[\w.-]+)`?\s*\(");
/// The same in the older form: `id (required, number, '1') ... The id`.
static OLD_VALUE: LazyLock<Regex> =
    regex!(r"^(?P<name>\w+)\s*\((?:required|optional)\s*,\s*\w+\s*,\s*`?(?P<value>[\w.-]+)`?\s*\)");

/// A block that is only the URL of a request whose method begins its heading: `POST Add a user`.
static URL_ALONE: LazyLock<Regex> = regex!(
    r"^\s*(?P<url>(?:https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?|localhost(?::\d+)?|\{\{?\w+\}\}?)/\S*)\s*$"
);
static METHOD_FIRST: LazyLock<Regex> = regex!(r"^\W*(?P<method>GET|POST|PUT|PATCH|DELETE)\b");

/// A request that a block names.
#[derive(Clone)]
pub struct Mention {
    pub method: String,
    pub url: String,
    pub form: Form,
}

/// How a block names a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// It is for what is in its section.
    Section,
    /// It is described, as in a list of endpoints, and for what is near below it.
    Described,
    /// It is a step, for what is up to the next heading.
    Step,
    /// Fields, which are a step, too.
    Fields,
    /// It is for the block below it.
    Sentence,
}

impl Mention {
    fn new(method: &str, url: &str, form: Form) -> Mention {
        Mention {
            method: method.to_owned(),
            // The end of the sentence.
            url: url.trim_end_matches(['.', ',', ';', ':']).to_owned(),
            form,
        }
    }
}

/// Whether a paragraph names a request only by the way: "Calling `GET /users/1` returns:".
pub fn is_sentence(text: &str) -> bool {
    named(text).is_some_and(|named| named.form == Form::Sentence)
}

/// Whether a paragraph names an endpoint whose description follows: "**GET - /users/:id**".
pub fn begins_endpoint(block: &Block) -> bool {
    let text = block.prose().map_or("", |prose| &prose.text);
    let found = DESCRIBED.captures(text.trim());
    found.is_some_and(|found| found.name("sentence").is_none())
        && status_text::in_paragraph(text).is_none()
        && status_text::of_success(text).is_none()
}

/// A sentence that names a request, without it.
pub fn without_request(sentence: &str) -> String {
    SENTENCE.replace(sentence, "").into_owned()
}

/// A line that is an endpoint. A method in lower case stands after a label: "Request: get /users".
fn endpoint(text: &str) -> Option<regex::Captures<'_>> {
    let found = ENDPOINT.captures(text)?;
    let label = found.name("label").map(|label| label.as_str());
    let is_method = http_message::METHODS.contains(&&found["method"])
        || url::this_machine(&found["url"]).is_some()
        || label.map(labels::label) == Some(Announces::Request);
    let is_only = || {
        let words = labels::words(text);
        let methods = words
            .iter()
            .filter(|word| is_one_of(word, "get post put patch delete"));
        methods.count() == 1
    };
    let has_success = |status: regex::Match<'_>| success_of(status.as_str()).is_some() && is_only();
    (is_method && found.name("status").is_none_or(has_success)).then_some(found)
}

/// The success beside an endpoint: "→ 200 OK", "· success `204`".
fn success_of(text: &str) -> Option<u16> {
    let last = text.trim_matches(['*', '_', '`', ' ', '(', ')']);
    let words = last.rsplit(['·', '|', '→', ',', ';', '—', '–']).next()?;
    status_text::in_line(words)
        .or_else(|| status_text::of_success(words))
        .filter(|code| *code < 300)
}

/// Whether a line is a method and a path.
pub fn is_endpoint(line: &str) -> bool {
    endpoint(line).is_some()
}

/// The label of an endpoint: "Request" of "Request: GET /users".
pub fn label(line: &str) -> Option<&str> {
    Some(endpoint(line)?.name("label")?.as_str())
}

/// Whether a line names a request and the status of its response.
pub fn has_status(line: &str) -> bool {
    endpoint(line).is_some_and(|found| found.name("status").is_some())
}

/// The request that the text of a paragraph or heading names.
fn named(text: &str) -> Option<Mention> {
    if labels::is_about_another(text) {
        return None;
    }
    // Several requests in a paragraph are not read.
    if METHOD_FIELD.find_iter(text).nth(1).is_some() {
        return None;
    }
    if let Some(url) = URL_FIELD.captures(text)
        && let Some(method) = METHOD_FIELD.captures(text)
    {
        return Some(Mention::new(&method["method"], &url["url"], Form::Fields));
    }
    let parts = |form| {
        move |found: regex::Captures<'_>| {
            let url = found.name("url").or_else(|| found.name("path"))?;
            let method = found.name("method").map_or("GET", |method| method.as_str());
            Some(Mention::new(&method.to_uppercase(), url.as_str(), form))
        }
    };
    let is_response = || {
        // The request is in the last sentence, or in the one before "You should see:".
        let last = labels::last_sentence(text);
        let is_near = SENTENCE.is_match(last) || labels::words(last).len() <= 5;
        let said = labels::label(text);
        let is_example = labels::has_word(
            text,
            "example sample beispiel exemple ejemplo exemplo esempio",
        );
        is_near
            && (said == Announces::Response || is_example && said == Announces::Unspecific)
            && !text.ends_with('.')
            && text.len() < 300
            && !labels::is_elsewhere(text)
            && !labels::names_a_file(text)
            && SENTENCE.find_iter(text).count() == 1
    };
    endpoint(text)
        .and_then(parts(Form::Section))
        .or_else(|| INSTRUCTION.captures(text).and_then(parts(Form::Step)))
        .or_else(|| {
            let mut sentences = text.split(". ").chain(text.split('。'));
            instruction_in_any_words(text).or_else(|| sentences.find_map(instruction_in_any_words))
        })
        .or_else(|| {
            // "`GET /users`: returns all users" is described.
            let is_sentence = description(text).is_none() && is_response();
            let found = SENTENCE.captures(text).filter(|_| is_sentence)?;
            let reads = found.name("method").is_some() || !labels::says_write(text);
            parts(Form::Sentence)(found).filter(|_| reads)
        })
}

/// The request of a sentence in any language that has one URL of this machine and one method.
fn instruction_in_any_words(text: &str) -> Option<Mention> {
    let url = only_url(text).filter(|url| url::has_base(url))?;
    let rest = text.replace(url, " ");
    let method = only_method(&rest)?;
    let is_short = labels::words(&rest).len() <= 30;
    (is_short && url::placeholder(url).is_none()).then(|| Mention::new(method, url, Form::Step))
}

/// The URL of this machine in a text that has no other.
fn only_url(text: &str) -> Option<&str> {
    let mut urls = URL_OF_HERE.find_iter(text);
    let url = urls.next()?.as_str();
    urls.next().is_none().then_some(url)
}

/// The method in a text that has no other.
fn only_method(text: &str) -> Option<&'static str> {
    let mut found = ANY_METHOD.captures_iter(text).map(|found| {
        let upper = found["method"].to_uppercase();
        let mut methods = http_message::METHODS.iter();
        methods.find(|method| upper.starts_with(**method)).copied()
    });
    let first = found.next()?;
    first.filter(|_| found.all(|next| next == first))
}

/// The method that a step of an instruction chooses, apart from the URL: "Select `POST` in the left corner".
pub fn chosen_method(block: &Block) -> Option<&'static str> {
    static CHANGED: LazyLock<Regex> = regex!(
        r"(?i:\bfrom)\W+(?:GET|POST|PUT|PATCH|DELETE)\W+(?i:to)\W+(?P<new>GET|POST|PUT|PATCH|DELETE)\b"
    );
    let text = step(block)?;
    let new = CHANGED.captures(text);
    let new = new.and_then(|found| only_method(&found["new"]));
    let longest = if new.is_some() { 60 } else { 25 };
    let method = new.or_else(|| only_method(text))?;
    (!text.contains('/') && labels::words(text).len() <= longest).then_some(method)
}

/// The URL that a step of an instruction enters, apart from the method: "Enter the `{{base_url}}/users` URL". The last one
/// is the example.
pub fn entered_url(block: &Block) -> Option<&str> {
    let text = step(block)?;
    let url = URL_OF_HERE.find_iter(text).last()?.as_str();
    let is_beside = text.contains("next to");
    // "followed by the id"
    let goes_on = text.contains(&format!("{url} followed by"));
    ((only_method(text).is_none() || is_beside) && !goes_on).then_some(url)
}

fn step(block: &Block) -> Option<&str> {
    let text = block.text()?;
    // The names of fields are read elsewhere.
    let first = labels::words(text).into_iter().next()?;
    let is_field = is_one_of(&first, "method url uri endpoint path route request");
    (!is_field && labels::has_word(text, STEP)).then_some(text)
}

/// The request that a heading or paragraph names.
pub fn named_in(block: &Block) -> Option<Mention> {
    let (text, pattern, form) = match block {
        Block::Heading(heading) => (&heading.text, &IN_HEADING, Form::Section),
        Block::Prose(prose) => (&prose.text, &DESCRIBED, Form::Described),
        _ => return None,
    };
    named(text).or_else(|| {
        let mut all = pattern.captures_iter(text);
        let found = all.next()?;
        let is_only = all.next().is_none() && !labels::is_about_another(text);
        let answers = labels::label(text) == Announces::Response && !labels::is_elsewhere(text);
        // The patterns have no other methods that do not write.
        let is_plain = found.name("sentence").is_none() || &found["method"] != "GET";
        (is_only && (is_plain || answers))
            .then(|| Mention::new(&found["method"], &found["url"], form))
    })
}

/// The request in a heading of API Blueprint, whose path may be in a heading above it.
pub fn in_blueprint(blocks: &[Block], index: usize) -> Option<Mention> {
    let heading = blocks[index].heading()?;
    let found = BLUEPRINT.captures(&heading.text)?;
    let method = found.name("method")?.as_str();
    let is_outer = |above: &Heading| above.level < heading.level;
    let mut above = (0..index).rev();
    let resource = above.find(|at| blocks[*at].heading().is_some_and(is_outer));
    let above = || {
        let above = blocks[resource?].heading()?;
        Some(BLUEPRINT.captures(&above.text)?.name("url")?.as_str())
    };
    let url = found.name("url").map(|url| url.as_str()).or_else(above)?;
    // `/users{?name}` is a path with an optional query.
    let mut url = url.split("{?").next().unwrap_or_default().to_owned();
    // Values are given below the heading, or else below that of the resource.
    for at in std::iter::once(index).chain(resource) {
        let below = blocks[at + 1..].iter();
        let below = below.take_while(|block| !matches!(block, Block::Heading(_) | Block::Fence(_)));
        for prose in below.filter_map(Block::prose) {
            let value = VALUE.captures(&prose.text);
            if let Some(value) = value.or_else(|| OLD_VALUE.captures(&prose.text)) {
                url = url.replace(&format!("{{{}}}", &value["name"]), &value["value"]);
            }
        }
    }
    Some(Mention::new(method, &url, Form::Section))
}

/// The method at the beginning of a heading directly above a block: `GET Read a user`.
fn method_above(blocks: &[Block], index: usize) -> Option<&str> {
    match blocks.get(index.checked_sub(1)?)? {
        Block::Heading(heading) => {
            let found = METHOD_FIRST.captures(&heading.text)?;
            Some(found.name("method")?.as_str())
        }
        Block::Prose(prose) => Some(prose.text.trim_matches(['`', '*', ' ', ':']))
            .filter(|word| http_message::METHODS.contains(word)),
        _ => None,
    }
}

/// The request of a URL alone below such a heading.
pub fn below_method(blocks: &[Block], index: usize) -> Option<Mention> {
    let path = blocks[index].prose()?.text.trim();
    let Some(url) = url_alone(&blocks[index]) else {
        return path_below_method(blocks, index, path);
    };
    Some(Mention::new(
        method_above(blocks, index)?,
        url,
        Form::Fields,
    ))
}

/// The request of a path alone, in a section whose heading is only a method.
fn path_below_method(blocks: &[Block], index: usize, path: &str) -> Option<Mention> {
    let is_path = path.starts_with('/') && !path.contains(char::is_whitespace) && path.len() > 1;
    let heading = blocks[..index].iter().rev().find_map(Block::heading);
    let method = heading?.text.trim();
    (is_path && http_message::METHODS.contains(&method))
        .then(|| Mention::new(method, path, Form::Described))
}

/// The URL that a paragraph is, and nothing else.
pub fn url_alone(block: &Block) -> Option<&str> {
    let found = URL_ALONE.captures(&block.prose()?.text)?;
    Some(found.name("url")?.as_str())
}

/// Whether text has the URL and the method of a request as fields.
pub fn has_fields(text: &str) -> bool {
    URL_FIELD.is_match(text) && METHOD_FIELD.is_match(text)
}

/// The request that text shows as fields with a body, as an HTTP message: `Method: POST`, `URL: /users`, `Body: {...}`.
pub fn fields_with_body(text: &str) -> Option<String> {
    static BODY: LazyLock<Regex> = regex!(
        r"(?im)^[ \t]*(?:(?:request|json|raw)[ \t]+)?(?:body|payload|data)\b[^\n:{]{0,20}[:：]\s*\{"
    );
    let (url, method) = (URL_FIELD.captures(text)?, METHOD_FIELD.captures(text)?);
    let json = &text[BODY.find(text)?.end() - 1..];
    let length = lenient_json::value_end(json)?;
    json[length..].trim().is_empty().then(|| {
        let (method, url, body) = (&method["method"], &url["url"], &json[..length]);
        format!("{method} {url}\n\n{body}")
    })
}

/// Whether text asks for a request to be made: "Select `POST` and enter `{{base_url}}/users`".
pub fn is_instruction(text: &str) -> bool {
    INSTRUCTION.is_match(text)
}

/// Whether text begins with what to do, maybe behind "Step 1:" or "Then". "Our tests send a GET request" does not.
pub fn begins_with_instruction(text: &str) -> bool {
    let before = INSTRUCTION.find(text).map(|found| &text[..found.start()]);
    let is_mark = |word: &String| {
        is_one_of(word, "step then now next first finally and please x")
            || word.bytes().all(|byte| byte.is_ascii_digit())
    };
    before.is_some_and(|before| labels::words(before).iter().all(is_mark))
}

/// The body of a write in the line that names it: "PATCH /users/1 with {...}".
pub fn body(text: &str) -> Option<&str> {
    Some(endpoint(text)?.name("body")?.as_str())
}

/// The description after an endpoint and a colon or dash: "one user" of "**GET** `/users/1`: one user".
pub fn description(text: &str) -> Option<&str> {
    Some(DESCRIBED.captures(text)?.name("words")?.as_str())
}

/// Whether a sentence goes on after an endpoint: "`GET /users/1` returns one user."
pub fn continues_as_sentence(text: &str) -> bool {
    let found = DESCRIBED.captures(text);
    found.is_some_and(|found| found.name("sentence").is_some())
}
