//! Statuses in text: `Response: 404 Not Found`, "returns 404", `### 404`.

use std::sync::LazyLock;

use regex::Regex;

use super::labels::{self, Announces};
use super::text::pattern;

/// A paragraph or line that is a status: `Response: 404 Not Found`, `Status code: 404`, `HTTP/1.1 404`.
static STATUS_LINE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)^[^\w]*
        (?P<label>(?:(?:expected|api|server|error|success|successful|failure|the|http|https|response|responses|result|results|return|returns|
            returned|reply|answer|output|status|code|statuscode|body|headers|and|
            antwort|ergebnis|ausgabe|fehler|statuscode|réponse|reponse|résultat|sortie|erreur|statut|d'état|
            respuesta|resultado|salida|estado|código|codigo|resposta|saída|erro|
            risposta|risultato|stato|codice|errore|der|die|das|la|le|el|de|di|du|da|do)\b[^\w]*)*)
        (?:/\d(?:\.\d)?\s+)? (?P<code>[1-5]\d\d)\b [^\w]* (?P<reason>\p{L}[\p{L}'\ -]*)? [^\w]*$",
    )
});
/// A statement in a sentence: `returns 404`, `The server responds with a 404 error`.
static STATEMENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)\b(?:status(?:\s+code)? | http\s+(?:status|code) | response\s+code | returns? | returned |
            respond(?:s|ed)?(?:\s+with)? | repl(?:y|ies|ied)(?:\s+with)? | answer(?:s|ed)?(?:\s+with)? | gives? |
            yields? | gibt | liefert | ergibt | antwortet(?:\s+mit)? | renvoie | retourne | répond | devuelve |
            responde(?:\s+con)? | retorna | restituisce | fails?\s+with | results?\s+in | gets? | receives? | expects? | response\s+is |
            (?:antwort|ergebnis)\s+(?:ist|lautet) | (?:réponse|résultat)\s+est | (?:respuesta|resultado)\s+es |
            (?:resposta|resultado)\s+é | (?:risposta|risultato)\s+è)\b[^\w\n]{0,6}
        (?:(?:an?|the|http(?:/\d\.\d)?|status|code|error|of|with|is|response)\s+)*
        (?P<code>[1-5]\d\d)\b [\W]* (?P<next>[a-z]*)",
    )
});
static IN_HEADING: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b([1-5]\d\d)\b(?:\s|\)|$|:|,|-)"));

/// The status that a paragraph documents.
pub fn in_paragraph(text: &str) -> Option<u16> {
    if let Some(status) = text.lines().rev().find_map(in_line) {
        return Some(status);
    }
    let captures = STATEMENT.captures(text)?;
    let next = captures
        .name("next")
        .map_or("", |next| next.as_str())
        .to_lowercase();
    let code = captures.name("code")?.as_str().parse().ok()?;
    const AFTER: &[&str] = &[
        "", "error", "errors", "status", "response", "code", "with", "and", "because", "since",
        "as", "for", "in", "body", "from", "here", "again", "now", "too", "this", "zurück",
    ];
    let is_reason = reason(code).is_some_and(|reason| reason.to_lowercase().starts_with(&next));
    (is_statement(text) && (is_reason || AFTER.contains(&&*next))).then_some(code)
}

/// The status of a line that is nothing but a status.
pub fn in_line(line: &str) -> Option<u16> {
    let captures = STATUS_LINE.captures(line.trim())?;
    let code = captures.name("code")?.as_str().parse().ok()?;
    let given = captures
        .name("reason")
        .map_or("", |reason| reason.as_str().trim())
        .to_lowercase();
    let known = reason(code).map(str::to_lowercase);
    let other = [
        "",
        "nicht gefunden",
        "non trouvé",
        "introuvable",
        "no encontrado",
        "não encontrado",
        "non trovato",
        "ok",
        "error",
        "success",
        "response",
        "status",
        "unprocessable entity",
        "status code",
    ];
    // "404 User not found".
    let known = known.is_some_and(|known| given.ends_with(&known));
    (known || other.contains(&&*given)).then_some(code)
}

/// The status that a heading or label gives to the response below it: `404`, `Error response (404)`.
pub fn of_label(text: &str) -> Option<u16> {
    in_line(text).or_else(|| {
        let code = in_heading(text)?;
        let named = labels::heading(text) == Announces::Response
            || text.contains(&format!("({code}"))
            || text
                .trim_start_matches(|c: char| !c.is_alphanumeric())
                .starts_with(&code.to_string());
        named.then_some(code)
    })
}

/// The status of another case that a sentence is about: "If there is no such user, it returns `404`:".
pub fn of_other_case(text: &str) -> Option<u16> {
    let code = STATEMENT
        .captures(text)?
        .name("code")?
        .as_str()
        .parse()
        .ok()?;
    (!is_statement(text)).then_some(code)
}

/// The error in a heading such as `Get a missing user (404)`.
pub fn error_in_heading(text: &str) -> Option<u16> {
    let code = in_heading(text)?;
    ((400..600).contains(&code) && text.contains(&format!("({code}"))).then_some(code)
}

fn reason(code: u16) -> Option<&'static str> {
    ureq::http::StatusCode::from_u16(code)
        .ok()?
        .canonical_reason()
}

/// Whether a sentence is about the example, and not about other cases: "Returns 404 if ...".
fn is_statement(text: &str) -> bool {
    const CONDITIONS: &[&str] = &[
        "if",
        "when",
        "whenever",
        "unless",
        "otherwise",
        "or",
        "should",
        "could",
        "may",
        "might",
        "unknown",
        "invalid",
        "else",
        "wenn",
        "falls",
        "sonst",
        "oder",
        "si",
        "ou",
        "cuando",
        "quando",
        "se",
    ];
    !labels::words(text)
        .iter()
        .any(|word| CONDITIONS.contains(&word.as_str()))
        && text.len() < 200
}

fn in_heading(text: &str) -> Option<u16> {
    IN_HEADING.captures(text)?.get(1)?.as_str().parse().ok()
}
