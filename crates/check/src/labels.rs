//! What headings and labels say about the code block below them.

use std::sync::LazyLock;

use regex::Regex;

use super::text::pattern;

/// What a heading or label announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announces {
    /// A request or command.
    Request,
    /// A response.
    Response,
    /// Other JSON, such as a request body or a schema.
    OtherJson,
    /// Nothing specific.
    Unspecific,
}

const REQUEST: &[&str] = &[
    "request",
    "requests",
    "command",
    "commands",
    "call",
    "input",
    // German, French, Spanish, Portuguese, Italian.
    "anfrage",
    "anfragen",
    "aufruf",
    "befehl",
    "requête",
    "requete",
    "commande",
    "petición",
    "peticion",
    "solicitud",
    "requisição",
    "requisicao",
    "pedido",
    "richiesta",
    "comando",
];
const RESPONSE: &[&str] = &[
    "response",
    "responses",
    "result",
    "results",
    "output",
    "return",
    "returns",
    "returned",
    "reply",
    "answer",
    // German, French, Spanish, Portuguese, Italian.
    "antwort",
    "antworten",
    "ergebnis",
    "ausgabe",
    "rückgabe",
    "réponse",
    "réponses",
    "reponse",
    "résultat",
    "sortie",
    "respuesta",
    "respuestas",
    "resultado",
    "salida",
    "resposta",
    "respostas",
    "saída",
    "risposta",
    "risposte",
    "risultato",
];
/// Words for JSON that is not a response, unless a response is named too.
const OTHER_JSON: &[&str] = &[
    "body",
    "original",
    "before",
    "database",
    "schema",
    "model",
    "resource",
    "properties",
    "payload",
    "parameters",
    "headers",
    "syntax",
    "format",
    "data",
    "template",
    "object",
    // "Body" in German, French, Spanish, Portuguese and Italian.
    "rumpf",
    "körper",
    "corps",
    "cuerpo",
    "corpo",
];
const FILLER: &[&str] = &[
    "example", "examples", "sample", "the", "a", "an", "of", "for", "in", "using", "with", "to",
    "your", "expected", "beispiel", "der", "die", "das", "für", "exemple", "de", "la", "le",
    "pour", "ejemplo", "para", "exemplo", "esempio", "di", "per",
];

/// Clients other than curl that a page may show as well.
const TOOLS: &[&str] = &[
    "postman",
    "insomnia",
    "httpie",
    "powershell",
    "python",
    "javascript",
    "fetch",
];

/// The lower-case words of a label without punctuation.
pub fn words(label: &str) -> Vec<String> {
    label
        .split(|c: char| !(c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Words for a description of a response.
const DESCRIPTION: &[&str] = &[
    "format",
    "schema",
    "syntax",
    "properties",
    "headers",
    "parameters",
];

/// What a heading announces.
pub fn heading(heading: &str) -> Announces {
    announced(heading, DESCRIPTION, OTHER_JSON)
}

/// What a label in a paragraph announces. Sentences have more words than headings, so fewer of them count.
pub fn label(label: &str) -> Announces {
    const SPECIFIC: &[&str] = &[
        "body",
        "payload",
        "original",
        "before",
        "database",
        "schema",
        "parameters",
        "headers",
        "rumpf",
        "körper",
        "corps",
        "cuerpo",
        "corpo",
    ];
    announced(label, &["properties", "headers", "parameters"], SPECIFIC)
}

fn announced(label: &str, describes: &[&str], other: &[&str]) -> Announces {
    let words = words(label);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let response = words.iter().any(|word| is_one_of(word, RESPONSE));
    let request = words.iter().any(|word| is_one_of(word, REQUEST))
        || words.first().is_some_and(|word| word == "curl");
    match (response, request) {
        (true, false) if has(describes) => Announces::OtherJson,
        (true, _) => Announces::Response,
        (false, true) if has(other) => Announces::OtherJson,
        (false, true) => Announces::Request,
        (false, false) if has(other) => Announces::OtherJson,
        (false, false) => Announces::Unspecific,
    }
}

/// Whether a word is in the list, or is a German compound such as "Beispielantwort" or "Anfragekörper".
fn is_one_of(word: &str, list: &[&str]) -> bool {
    let compound = |part: &str| {
        list.contains(&part)
            && word.len() > part.len() + 2
            && (word.ends_with(part) || word.starts_with(part))
    };
    list.contains(&word) || compound("antwort") || compound("anfrage")
}

/// What the server does in a sentence about a response.
static ANSWERS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)\b(?: returns? | returned | responds? | responded | repl(?:y|ies|ied) | answers? | answered | responses? |
            results? | output | outputs | prints? | printed | gives? | yields? | produces? | shows? | shown | displayed |
            see | gets? | got | receives? | back )\b",
    )
});

/// Words that cast no doubt on what a sentence about a response means.
const PLAIN: &str = "i you we it this that these which what here server api service mock should will can now then and again \
     get gets got see sees receive receives give gives returns respond responds reply replies answer answers print prints \
     show shows shown display displays look looks like as follows following below is are be has have contains contain \
     comes back json body content code ok http success successful error status created updated found full complete \
     new record records object array list item items document entry entries user all one first with from by on at its \
     an and or so";

/// A sentence about something other than the response that the server gives now: what a webhook receives, another
/// version, something that is only similar.
static ELSEWHERE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)\b(?:
            (?:webhook|callback|subscriber|listener|consumer|queue)s?\s+(?:\w+\s+){0,2}
                (?:receives? | gets? | sees? | is | are | contains?)
            | (?:sent|posted|delivered|pushed)\s+to\s+(?:\w+\s+){0,2}(?:webhook|callback|subscriber|listener|consumer|queue)s?
            | (?:until|before|up\s+to|prior\s+to)\s+(?:the\s+)?(?:version|release|v)\s*\d[\w.]*
            | in\s+(?:the\s+)?(?:version|release|v)\s*\d[\w.]*\b.*\b(?:was|were|had|returned|looked|gave|responded)
            | in\s+(?:older|earlier|previous|old|future)\s+(?:version|release)s?
            | (?:the|an?)\s+(?:old|older|legacy|deprecated|earlier|former)\s+(?:version|release|api|response|format|answer)
            | (?:the|an?)\s+(?:previous|next|future|planned)\s+(?:version|release|api)
            | (?:formerly|previously)[\s,]+(?:\w+\s+){0,3}(?:was|were|had|returned|looked|gave|responded)
            | (?:wrong|incorrect)\s+(?:response|answer|result|output) | for\s+comparison
            | compare\s+(?:it|this|that)\s+(?:with|to) | another\s+(?:\w+\s+)?(?:api|server|service)
            | used\s+to\s+(?:be|look|return|have|give|contain|respond) | confuse[ds]? )\b",
    )
});

/// A sentence that says what the reader sends or writes.
static SENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)(?: \b(?:you|we|clients?|apps?|browsers?|forms?|must|to)\s+
                (?:(?:then|now|first|also|must|should|can|could|would|will|need\s+to|have\s+to)\s+)*
                (?:sends? | posts? | submits? | uploads? | provides? | pass(?:es)?)
            | (?: ^\W* | ,\s* ) (?:(?:then|now|first|next|please|finally|or|you\s+can|you\s+must)[\s,]+)?
                (?:send | post | put | submit | upload | provide | pass | use | add | save | store | write | paste | edit |
                    insert | copy) )\b",
    )
});

/// Whether a label or heading is about something other than the response of now.
pub fn is_about_another(label: &str) -> bool {
    ELSEWHERE.is_match(label)
}

/// Whether a sentence introduces JSON that is not the response.
pub fn is_elsewhere(sentence: &str) -> bool {
    is_about_another(sentence) || (SENT.is_match(sentence) && !ANSWERS.is_match(sentence))
}

/// Whether a sentence leaves no doubt that the JSON below it is the response: it says so in plain words only.
pub fn surely_introduces(sentence: &str) -> bool {
    let all = words(sentence);
    let is_plain = |word: &String| {
        PLAIN.split(' ').any(|plain| plain == word)
            || FILLER.contains(&word.as_str())
            || is_one_of(word, RESPONSE)
            || word.parse::<u16>().is_ok()
    };
    let is_named = |word: &String| {
        matches!(
            word.as_str(),
            "example" | "sample" | "json" | "body" | "content" | "ok" | "success"
        )
    };
    !is_elsewhere(sentence)
        && all.iter().all(is_plain)
        && (label(sentence) == Announces::Response
            || ANSWERS.is_match(sentence)
            || all.iter().any(is_named))
}

/// The client other than curl that a label names.
pub fn other_tool(label: &str) -> Option<&'static str> {
    let words = words(label);
    if words.iter().any(|word| word == "curl") {
        return None;
    }
    TOOLS
        .iter()
        .find(|tool| words.iter().any(|word| word == *tool))
        .copied()
}

/// The sorted words of a label without "request" or "response" and filler words: equal for the two halves of an
/// example. `None` if the label does not name the wanted half.
pub fn stem(label: &str, wanted: Announces) -> Option<Vec<String>> {
    let list = if wanted == Announces::Request {
        REQUEST
    } else {
        RESPONSE
    };
    let words = words(label);
    if !words.iter().any(|word| is_one_of(word, list)) {
        return None;
    }
    let mut rest: Vec<String> = words
        .into_iter()
        .filter(|word| !is_one_of(word, list) && !FILLER.contains(&word.as_str()))
        .collect();
    rest.sort();
    Some(rest)
}

/// The last sentence of a paragraph, which announces what is below it.
pub fn last_sentence(text: &str) -> &str {
    let last = text.trim().lines().last().unwrap_or_default().trim();
    last.rsplit_once(". ")
        .map_or(last, |(_, sentence)| sentence)
}

/// A file that a label names.
static FILE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:^|[\s/(`])[\w.-]+\.(?:jsonc?|json5|ya?ml|toml|env|config|[cm]?[jt]sx?)(?:$|[\s:,.)`])",
    )
});

/// Whether a label says that the block below it is a file and not a response: "Add this to `config.json`:".
pub fn names_a_file(label: &str) -> bool {
    let words = words(label);
    let has = |list: &[&str]| words.iter().any(|word| is_one_of(word, list));
    !has(RESPONSE)
        && (FILE.is_match(label)
            || has(&["config", "configuration", "settings", "fixture", "file"]))
}

/// Whether a paragraph says that there is no response body.
pub fn says_no_body(text: &str) -> bool {
    let text = text.to_lowercase();
    [
        "no response body",
        "no body",
        "empty body",
        "empty response",
        "no content",
        "body is empty",
        "returns nothing",
        "no response is returned",
        "response body: none",
    ]
    .iter()
    .any(|words| text.contains(words))
}

/// Normalizes a name for comparing headings with the front matter: no markup, lower case, single spaces.
pub fn plain_name(text: &str) -> String {
    let bare: String = text
        .chars()
        .filter(|c| !matches!(c, '`' | '*' | '_' | '"' | ':'))
        .collect();
    bare.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_labels_announce() {
        let rows = [
            ("`POST` user request example", Announces::Request),
            ("`POST` user response example", Announces::Response),
            ("cURL command", Announces::Request),
            ("cURL response", Announces::Response),
            ("Response:", Announces::Response),
            ("Response body", Announces::Response),
            ("Response format", Announces::OtherJson),
            ("Request body", Announces::OtherJson),
            ("Original Resource:", Announces::OtherJson),
            ("Who uses it?", Announces::Unspecific),
            ("Sample response:", Announces::Response),
            ("Expected output", Announces::Response),
            ("Return body", Announces::Response),
            ("Return body properties", Announces::OtherJson),
            ("Réponse", Announces::Response),
            ("Beispielantwort", Announces::Response),
            ("Respuesta (200)", Announces::Response),
            ("Corps de la requête", Announces::OtherJson),
            ("Anfrage", Announces::Request),
        ];
        for (label, expected) in rows {
            assert_eq!(heading(label), expected, "{label}");
        }
        let rows = [
            ("You should see the following data:", Announces::Unspecific),
            ("The response has this format:", Announces::Response),
            ("with this request body:", Announces::OtherJson),
            ("Original record:", Announces::OtherJson),
        ];
        for (label, expected) in rows {
            assert_eq!(super::label(label), expected, "{label}");
        }
    }

    #[test]
    fn sentences_about_something_else() {
        let rows = [
            ("To create one you send:", true),
            ("Then post this document to `/authors`:", true),
            ("Use this filter in the app:", true),
            ("The webhook then receives:", true),
            ("In version 1 the response was:", true),
            ("Before v2.1 the server returned:", true),
            ("Do not confuse it with the response of GitHub:", true),
            ("You then get:", false),
            ("After you post it, the server returns:", false),
            ("The response looks like this:", false),
            ("What comes back:", false),
            ("The new record:", false),
            ("The server returns the list of subscribers:", false),
            ("Unlike PUT, PATCH returns the whole record:", false),
            ("The list contains the previously created record:", false),
            ("Since version 2 the response is:", false),
            ("After you create the user, the record is:", false),
            ("This event is sent to your webhook:", true),
            ("To create one, use this document:", true),
            ("The response used to be:", true),
        ];
        for (sentence, elsewhere) in rows {
            assert_eq!(is_elsewhere(sentence), elsewhere, "{sentence}");
        }
    }

    #[test]
    fn sentences_that_surely_introduce_a_response() {
        let rows = [
            ("The server returns:", true),
            ("Response (200 OK):", true),
            ("Example:", true),
            ("Die Antwort:", true),
            ("The response looks like this:", true),
            ("GitHub would answer:", false),
            ("A wrong response would be:", false),
            ("It does not return this:", false),
            ("With another database the response is:", false),
            ("The schema of the response:", false),
            ("New author:", false),
        ];
        for (sentence, sure) in rows {
            assert_eq!(surely_introduces(sentence), sure, "{sentence}");
        }
    }

    #[test]
    fn labels_of_files() {
        let rows = [
            ("Add this to `config.json`:", true),
            ("The file db.json now contains:", true),
            ("package.json", true),
            ("Your configuration:", true),
            ("The response is that of db.json:", false),
            ("Get it as JSON:", false),
            ("200 OK", false),
        ];
        for (label, is_file) in rows {
            assert_eq!(names_a_file(label), is_file, "{label}");
        }
    }

    #[test]
    fn the_halves_of_an_example_share_a_stem() {
        let rows = [
            (
                "`GET` user request (example)",
                "`GET` user response (example)",
                true,
            ),
            ("cURL command", "cURL response", true),
            ("cURL command", "Postman response", false),
            ("Request example", "Response example", true),
            ("Request example", "Response format", false),
            (
                "`GET` example request (curl)",
                "`GET` example response (curl)",
                true,
            ),
        ];
        for (request, response, same) in rows {
            let halves = (
                stem(request, Announces::Request),
                stem(response, Announces::Response),
            );
            assert_eq!(
                halves.0.is_some() && halves.0 == halves.1,
                same,
                "{request} / {response}"
            );
        }
    }
}
